//! A device's budget: so many requests a minute, so many under way at once. In memory, bounded by the devices enrolled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roadbook_core::ids::{DeviceId, Ms};

use crate::clock::span::{MINUTE_MS, SECOND_MS};
use crate::config::Limits;

#[derive(Debug, Clone, Copy)]
struct Spent {
    since: Ms,
    requests: u32,
    under_way: u32,
}

type Book = Arc<Mutex<BTreeMap<DeviceId, Spent>>>;

/// The budgets of all devices.
#[derive(Debug)]
pub struct Rate {
    per_minute: u32,
    at_once: u32,
    book: Book,
}

/// A request under way; dropping it gives its place back.
#[derive(Debug)]
pub struct Turn {
    device: DeviceId,
    book: Book,
}

impl Rate {
    /// Budgets under these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { per_minute: limits.device_requests_per_minute, at_once: limits.device_requests_at_once, book: Book::default() }
    }

    /// Begins a request.
    ///
    /// # Errors
    /// How many milliseconds to wait.
    pub fn begin(&self, now: Ms, device: DeviceId) -> Result<Turn, i64> {
        let mut book = held(&self.book);
        let spent = book.entry(device).or_insert(Spent { since: now, requests: 0, under_way: 0 });
        if now.since(spent.since) >= MINUTE_MS || now < spent.since {
            (spent.since, spent.requests) = (now, 0);
        }
        if spent.requests >= self.per_minute {
            return Err(spent.since.plus(MINUTE_MS).since(now).max(SECOND_MS));
        }
        if spent.under_way >= self.at_once {
            return Err(SECOND_MS);
        }
        spent.requests = spent.requests.saturating_add(1);
        spent.under_way = spent.under_way.saturating_add(1);
        Ok(Turn { device, book: Arc::clone(&self.book) })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(spent) = held(&self.book).get_mut(&self.device) {
            spent.under_way = spent.under_way.saturating_sub(1);
        }
    }
}

fn held(book: &Book) -> MutexGuard<'_, BTreeMap<DeviceId, Spent>> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_run_out_and_come_back() {
        let rate = Rate::new(&Limits { device_requests_per_minute: 5, device_requests_at_once: 2, ..Limits::default() });
        let (one, other) = (DeviceId::from_bytes([1; 16]), DeviceId::from_bytes([2; 16]));
        let (first, second) = (rate.begin(Ms(0), one), rate.begin(Ms(0), one));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(rate.begin(Ms(0), one).err(), Some(SECOND_MS), "two are under way");
        assert!(rate.begin(Ms(0), other).is_ok());
        drop((first, second));
        for _ in 0..3 {
            assert!(rate.begin(Ms(1), one).is_ok());
        }
        assert_eq!(rate.begin(Ms(10 * SECOND_MS), one).err(), Some(50 * SECOND_MS));
        assert!(rate.begin(Ms(MINUTE_MS), one).is_ok());
    }
}
