//! Being told that something changed. An observer lives as long as the handle that its registration returned.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Told after every save and every exchange that changed what lists and cards show. Called on the thread that wrote:
/// switch to the main thread, read again what is on screen, return soon. To exchange because something was saved, let another thread
/// begin it: from here it is refused (`ExchangeUnderWay`) while an answer is taken in.
#[uniffi::export(with_foreign)]
pub trait Observer: Send + Sync {
    /// Something that is stored here is different now.
    fn changed(&self) -> Result<(), ObserverError>;
}

/// An observer failed. Nothing is done about it: the change is stored, the others are told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ObserverError {
    /// Whatever the observer raised.
    #[error("{why}")]
    Failed {
        /// In its own words.
        why: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ObserverError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { why: error.reason }
    }
}

/// A registration. Close it (Kotlin), or let go of it (Swift, Python), and the observer hears no more.
#[derive(uniffi::Object)]
pub struct Observation {
    number: u64,
    of: Weak<Observers>,
}

impl Drop for Observation {
    fn drop(&mut self) {
        if let Some(observers) = self.of.upgrade() {
            // Let go of outside the lock: releasing a foreign object runs foreign code.
            let gone = observers.lock().by_number.remove(&self.number);
            drop(gone);
        }
    }
}

/// Everyone who listens to one replica.
#[derive(Default)]
pub(crate) struct Observers(Mutex<Registered>);

#[derive(Default)]
struct Registered {
    next: u64,
    by_number: BTreeMap<u64, Arc<dyn Observer>>,
}

impl Observers {
    pub(crate) fn add(self: &Arc<Self>, observer: Arc<dyn Observer>) -> Arc<Observation> {
        let mut registered = self.lock();
        let number = registered.next;
        registered.next += 1;
        registered.by_number.insert(number, observer);
        Arc::new(Observation { number, of: Arc::downgrade(self) })
    }
    pub(crate) fn count(&self) -> usize {
        self.lock().by_number.len()
    }
    /// Tells everyone. No lock is held meanwhile: an observer may read, write, register or leave.
    pub(crate) fn tell(&self) {
        let all: Vec<_> = self.lock().by_number.values().cloned().collect();
        for observer in all {
            // Its own affair: see `ObserverError`.
            let _told = observer.changed();
        }
    }
    fn lock(&self) -> MutexGuard<'_, Registered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
