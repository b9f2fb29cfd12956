//! Where this device stands, as a digest that travels with a request and comes back with its answer; and what else it says of what it
//! holds. An answer that was made for another stand came late or twice, or belongs to a file that was put back from a backup
//! meanwhile: its verdicts hold, but its items and its cursor are left, for between the two cursors may lie what this file lacks.

use std::collections::BTreeSet;

use crate::exchange::pull::{HOLDS_MAX, print_of};
use crate::exchange::{Answer, Outcome};
use crate::ids::ChangeHash;
use crate::replica::reading::SETTING_COMPARE;
use crate::replica::reading::SETTING_PROFILE;
use crate::store::{Reading, StoreError, Writing};

/// Setting: own changes that came into the feed above the cursor, 32 bytes each.
const SETTING_HOLDS: &str = "pull/holds";

/// Whether an answer was made for where this device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It was, or it does not say.
    Here,
    /// It was not: only what it says of handed-in changes is taken.
    Elsewhere,
    /// It speaks of another life of the feed, too: nothing of it holds here.
    OtherLife,
}

/// What the first part of an answer was made for.
pub(super) fn made(read: &Reading<'_>, first: &Answer) -> Result<Made, StoreError> {
    let Some(stand) = first.stand else { return Ok(Made::Here) };
    if stand == here(read)? {
        // What the answer leaves out because the request handed it in must be here: a file put back from a backup can stand
        // where it stood before, without what was made since.
        for verdict in first.verdicts.iter().filter(|verdict| matches!(verdict.outcome, Outcome::Accepted | Outcome::AlreadyKnown)) {
            if !read.own_change(verdict.hash)?.is_some_and(|own| own.is_in_its_document()) {
                return Ok(Made::Elsewhere);
            }
        }
        return Ok(Made::Here);
    }
    let epoch = read.pull_position()?.epoch;
    Ok(if epoch == [0; 16] || epoch == first.cursor.epoch { Made::Elsewhere } else { Made::OtherLife })
}

/// The digest of where this device stands: everything that an answer to it hangs on.
pub(super) fn here(read: &Reading<'_>) -> Result<u64, StoreError> {
    let at = read.pull_position()?;
    let mut said = at.epoch.to_vec();
    said.extend(at.number.to_be_bytes());
    if let Some(checkpoint) = at.checkpoint {
        said.extend([checkpoint.base, checkpoint.upto].iter().flat_map(|number| number.to_be_bytes()));
    }
    // Lengths keep what follows from being taken for what came before.
    for setting in [SETTING_COMPARE, SETTING_HOLDS] {
        let bytes = read.setting(setting)?.unwrap_or_default();
        said.extend((bytes.len() as u64).to_be_bytes());
        said.extend(bytes);
    }
    Ok(print_of(&said))
}

/// Own changes above the cursor that are in the feed and held here.
pub(super) fn holds(read: &Reading<'_>) -> Result<Vec<ChangeHash>, StoreError> {
    let bytes = read.setting(SETTING_HOLDS)?.unwrap_or_default();
    Ok(bytes.as_chunks::<32>().0.iter().copied().map(ChangeHash).collect())
}

/// Notes own changes that are in the feed above the cursor.
pub(super) fn note_holds(write: &mut Writing<'_>, new: &[ChangeHash]) -> Result<(), StoreError> {
    let mut held: BTreeSet<ChangeHash> = holds(write)?.into_iter().collect();
    let before = held.len();
    for hash in new {
        if held.len() < HOLDS_MAX {
            held.insert(*hash);
        }
    }
    if held.len() == before {
        return Ok(());
    }
    let bytes: Vec<u8> = held.into_iter().flat_map(|hash| hash.0).collect();
    write.put_setting(SETTING_HOLDS, &bytes)
}

/// The cursor has passed all of them, or the pull begins anew.
pub(super) fn drop_holds(write: &mut Writing<'_>) -> Result<(), StoreError> {
    if write.setting(SETTING_HOLDS)?.is_some() { write.drop_setting(SETTING_HOLDS) } else { Ok(()) }
}

/// Digest of the profile as it was told; `None`: none was.
pub(super) fn profile(read: &Reading<'_>) -> Result<Option<u64>, StoreError> {
    Ok(read.setting(SETTING_PROFILE)?.map(|bytes| print_of(&bytes)))
}
