//! The index of a log under the simulated disk: each connection's own copy, brought in step when it takes a lock.

use std::collections::BTreeMap;
use std::io::Error;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use sqlite_vfs::wip::{WalIndex, WalIndexLock};

use super::{Inner, held};

/// Bytes of one piece of the index.
const REGION_BYTES: usize = 32_768;

/// A connection's view of the index of a log: its own copy, brought in step when a lock is taken.
pub(crate) struct LogIndex {
    pub(super) disk: Arc<Mutex<Inner>>,
    pub(super) file: String,
    pub(super) life: u64,
    pub(super) id: u64,
    /// Which version of each region was last seen.
    pub(super) seen: BTreeMap<u32, u64>,
}

impl WalIndex for LogIndex {
    fn map(&mut self, region: u32) -> Result<[u8; REGION_BYTES], Error> {
        let mut inner = held(&self.disk);
        inner.alive(self.life)?;
        let index = inner.indexes.entry(self.file.clone()).or_default();
        let (version, bytes) = index.regions.entry(region).or_insert_with(|| (0, vec![0; REGION_BYTES].into()));
        self.seen.insert(region, *version);
        bytes[..].try_into().map_err(|_| Error::other("a region has its length"))
    }

    fn lock(&mut self, locks: Range<u8>, lock: WalIndexLock) -> Result<bool, Error> {
        let mut inner = held(&self.disk);
        inner.alive(self.life)?;
        let index = inner.indexes.entry(self.file.clone()).or_default();
        let mine = self.id;
        match lock {
            WalIndexLock::None => {
                for slot in locks {
                    if index.exclusive.get(&slot) == Some(&mine) {
                        index.exclusive.remove(&slot);
                    }
                    index.shared.entry(slot).or_default().remove(&mine);
                }
                Ok(true)
            }
            WalIndexLock::Shared => {
                if locks.clone().any(|slot| index.exclusive.get(&slot).is_some_and(|holder| *holder != mine)) {
                    return Ok(false);
                }
                for slot in locks {
                    index.shared.entry(slot).or_default().insert(mine);
                }
                Ok(true)
            }
            WalIndexLock::Exclusive => {
                let taken = |slot: u8| {
                    index.exclusive.get(&slot).is_some_and(|holder| *holder != mine)
                        || index.shared.get(&slot).is_some_and(|holders| holders.iter().any(|holder| *holder != mine))
                };
                if locks.clone().any(taken) {
                    return Ok(false);
                }
                for slot in locks {
                    index.exclusive.insert(slot, mine);
                }
                Ok(true)
            }
        }
    }

    fn delete(self) -> Result<(), Error> {
        let mut inner = held(&self.disk);
        if inner.life == self.life {
            inner.indexes.remove(&self.file);
        }
        Ok(())
    }

    fn pull(&mut self, region: u32, data: &mut [u8; REGION_BYTES]) -> Result<(), Error> {
        let inner = held(&self.disk);
        let Some((version, bytes)) = inner.indexes.get(&self.file).and_then(|index| index.regions.get(&region)) else { return Ok(()) };
        if self.seen.insert(region, *version) != Some(*version) {
            data.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn push(&mut self, region: u32, data: &[u8; REGION_BYTES]) -> Result<(), Error> {
        let mut inner = held(&self.disk);
        inner.alive(self.life)?;
        let index = inner.indexes.entry(self.file.clone()).or_default();
        let (version, bytes) = index.regions.entry(region).or_insert_with(|| (0, vec![0; REGION_BYTES].into()));
        bytes.copy_from_slice(data);
        *version += 1;
        self.seen.insert(region, *version);
        Ok(())
    }
}

impl Drop for LogIndex {
    fn drop(&mut self) {
        let mut inner = held(&self.disk);
        let alive = self.life == inner.life;
        if let Some(index) = inner.indexes.get_mut(&self.file).filter(|_| alive) {
            index.exclusive.retain(|_, holder| *holder != self.id);
            index.shared.values_mut().for_each(|holders| {
                holders.remove(&self.id);
            });
        }
    }
}
