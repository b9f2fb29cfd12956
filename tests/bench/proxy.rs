//! A TCP proxy on loopback that counts the bytes of either direction, headers included.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone)]
pub(crate) struct Proxy {
    address: SocketAddr,
    up: Arc<AtomicUsize>,
    down: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), up: Arc::default(), down: Arc::default() };
        let (up, down) = (Arc::clone(&proxy.up), Arc::clone(&proxy.down));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                pump(client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&up));
                pump(server, client, Arc::clone(&down));
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
    }
    /// Bytes up and down since the reset.
    pub(crate) fn counted(&self) -> (usize, usize) {
        (self.up.load(Ordering::SeqCst), self.down.load(Ordering::SeqCst))
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, count: Arc<AtomicUsize>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match from.read(&mut buffer) {
                Ok(0) | Err(_) => {
                    let _closed = to.shutdown(Shutdown::Write);
                    return;
                }
                Ok(n) => {
                    count.fetch_add(n, Ordering::SeqCst);
                    if to.write_all(&buffer[..n]).is_err() {
                        return;
                    }
                }
            }
        }
    });
}
