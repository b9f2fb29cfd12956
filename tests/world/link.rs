//! A slow and bad line: how long bytes take on it. The model is a careful sender's: what is lost is sent again after a time-out that
//! doubles; nothing is corrupted. Time is the world's, losses are its seed's.

use roadbook_core::sync::Synced;

use super::World;
use super::chance::Chance;

/// Bytes of a packet, its headers included.
const PACKET_BYTES: usize = 1_400;
/// Bytes of the headers of a packet.
const PACKET_HEAD_BYTES: usize = 60;
/// First wait for a lost packet, and the longest, in milliseconds.
const WAIT_MS: (i64, i64) = (1_000, 8_000);
/// Bytes of a request's and an answer's HTTP headers.
pub(crate) const HEADER_BYTES: usize = 500;
/// What goes back and forth before the first request: SYN, its answer, the hello of TLS, the server's certificate.
const HELLO_BYTES: [usize; 4] = [0, 0, 350, 2_500];

/// A line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Bits a second, in each direction.
    pub(crate) bits_per_s: u64,
    /// One way.
    pub(crate) latency_ms: i64,
    /// Packets lost of a thousand.
    pub(crate) lost: u64,
}

impl Line {
    /// Milliseconds that so many bytes take one way.
    pub(crate) fn carry_ms(&self, bytes: usize, chance: &mut Chance) -> i64 {
        let room = PACKET_BYTES - PACKET_HEAD_BYTES;
        let mut left: Vec<usize> = vec![PACKET_BYTES; bytes / room];
        if !bytes.is_multiple_of(room) || bytes == 0 {
            left.push(bytes % room + PACKET_HEAD_BYTES);
        }
        let (mut ms, mut wait) = (self.latency_ms, WAIT_MS.0);
        while !left.is_empty() {
            ms += (left.iter().sum::<usize>() as u64 * 8 * 1_000 / self.bits_per_s) as i64;
            left.retain(|_| chance.in_thousand(self.lost));
            if !left.is_empty() {
                ms += wait;
                wait = (wait * 2).min(WAIT_MS.1);
            }
        }
        ms
    }

    /// Milliseconds until the first request can be sent.
    pub(crate) fn connect_ms(&self, chance: &mut Chance) -> i64 {
        HELLO_BYTES.iter().map(|bytes| self.carry_ms(*bytes, chance)).sum()
    }
}

/// One exchange over a line.
pub(crate) struct Trip {
    /// What was asked.
    pub(crate) request: Vec<u8>,
    /// Milliseconds until headquarters had committed what came.
    pub(crate) there_ms: i64,
    /// Milliseconds until the phone had the answer.
    pub(crate) all_ms: i64,
    /// What the phone made of it.
    pub(crate) synced: Synced,
}

impl World {
    /// One exchange of a phone over a line; the world's time goes on with it.
    pub(crate) fn exchange_over(&mut self, phone: &str, line: Line, chance: &mut Chance) -> Trip {
        let (now, device) = (self.now, self.phone(phone).device);
        let request = self.phone(phone).replica().sync_request(now, None).unwrap();
        let there_ms = line.carry_ms(request.len() + HEADER_BYTES, chance);
        let answer = self.office.answer(device, &request, now.plus(there_ms)).unwrap();
        let all_ms = there_ms + line.carry_ms(answer.len() + HEADER_BYTES, chance);
        self.pass_ms(all_ms);
        let now = self.now;
        let synced = self.phones.get_mut(phone).unwrap().take_answer(&answer, now).unwrap();
        Trip { request, there_ms, all_ms, synced }
    }
}
