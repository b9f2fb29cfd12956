//! A TCP proxy on loopback that counts the bytes of either direction, headers included, and the turns of the line; on request it
//! is as slow as a mobile network.
#![allow(clippy::disallowed_methods, reason = "a slow line waits, and so does a phone that was told to come later")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How slow a line is.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Bits of either direction in a second.
    pub(crate) bits_per_second: u64,
    /// From one end to the other and back.
    pub(crate) round_trip: Duration,
}

#[derive(Clone)]
pub(crate) struct Proxy {
    address: SocketAddr,
    up: Arc<AtomicUsize>,
    down: Arc<AtomicUsize>,
    /// Odd: the server spoke last (or nobody has). Grows by one whenever the other side begins to speak.
    turns: Arc<AtomicUsize>,
    /// The first bytes down since the reset, as they came: see [`TAPE_BYTES_MAX`].
    tape: Arc<Mutex<Vec<u8>>>,
}

/// Bytes that are taped.
const TAPE_BYTES_MAX: usize = 1 << 20;

impl Proxy {
    pub(crate) fn before(server: SocketAddr) -> Self {
        Self::paced(server, None)
    }

    /// A proxy whose line is as slow as `pace` says.
    pub(crate) fn paced(server: SocketAddr, pace: Option<Pace>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            up: Arc::default(),
            down: Arc::default(),
            turns: Arc::default(),
            tape: Arc::default(),
        };
        let counters = proxy.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // The handshake costs a round trip as well.
                pace.iter().for_each(|pace| std::thread::sleep(pace.round_trip));
                let Ok(server) = TcpStream::connect(server) else { continue };
                pump(client.try_clone().unwrap(), server.try_clone().unwrap(), counters.clone(), Side::Client, pace);
                pump(server, client, counters.clone(), Side::Server, pace);
            }
        });
        proxy
    }
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
    pub(crate) fn reset(&self) {
        self.up.store(0, Ordering::SeqCst);
        self.down.store(0, Ordering::SeqCst);
        self.turns.store(1, Ordering::SeqCst);
        self.tape.lock().unwrap().clear();
    }
    /// The first bytes down since the reset.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn tape(&self) -> Vec<u8> {
        self.tape.lock().unwrap().clone()
    }
    /// How often the line turned from the client to the server since the reset.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn turns(&self) -> usize {
        self.turns.load(Ordering::SeqCst) / 2
    }
    /// Bytes up and down since the reset.
    pub(crate) fn counted(&self) -> (usize, usize) {
        (self.up.load(Ordering::SeqCst), self.down.load(Ordering::SeqCst))
    }
}

/// Who speaks.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Client,
    Server,
}

fn pump(mut from: TcpStream, mut to: TcpStream, counters: Proxy, side: Side, pace: Option<Pace>) {
    let count = Arc::clone(if side == Side::Client { &counters.up } else { &counters.down });
    let (turns, odd) = (counters.turns, usize::from(side == Side::Server));
    std::thread::spawn(move || {
        let mut buffer = vec![0; if pace.is_some() { 1_400 } else { 64 << 10 }];
        loop {
            match from.read(&mut buffer) {
                Ok(0) | Err(_) => {
                    let _closed = to.shutdown(Shutdown::Write);
                    return;
                }
                Ok(n) => {
                    count.fetch_add(n, Ordering::SeqCst);
                    if side == Side::Server {
                        let mut tape = counters.tape.lock().unwrap();
                        let room = TAPE_BYTES_MAX.saturating_sub(tape.len()).min(n);
                        tape.extend_from_slice(&buffer[..room]);
                    }
                    // The client speaking after the server (an odd count) is a turn.
                    let turned =
                        turns.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |turns| (turns % 2 != odd).then_some(turns + 1)).is_ok();
                    if let Some(pace) = pace {
                        // The first piece of a turn travels half a round trip; each takes its time on the line.
                        let way = if turned { pace.round_trip / 2 } else { Duration::ZERO };
                        let line = Duration::from_micros(n as u64 * 8 * 1_000_000 / pace.bits_per_second.max(1));
                        std::thread::sleep(way + line);
                    }
                    if to.write_all(&buffer[..n]).is_err() {
                        return;
                    }
                }
            }
        }
    });
}
