//! Own changes written again: without one that headquarters set aside, when the line forked, when the file is a copy; and what
//! headquarters decides later about a change that it had set aside. What is shown and what waits change in one commit.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::documents::{describe, load};
use super::fold::{Subjects, drop_rows};
use super::private::erase_held;
use super::reading::{SETTING_DEVICE, SETTING_PROFILE};
use super::{Replica, ReplicaError};
use crate::crdt::rewrite::{Rewriting, rewrite, rewrite_alone};
use crate::crdt::{Document, DocumentError, RawChange};
use crate::exchange::{Decided, Profile, Ruling, says_erased};
use crate::ids::{ActorId, ChangeHash, DocId, Ms};
use crate::model::kinds;
use crate::store::{OwnChange, PullPosition, Standing, Writing};

/// Setting: 16 bytes that the app keeps where no backup takes them; another value says that this file is a copy.
const SETTING_INSTALL: &str = "install";

/// What headquarters did not take, of one document.
#[derive(Debug, Default)]
pub(crate) struct NotTaken {
    /// Set aside: they leave what is shown, and what does not need them goes on.
    pub(crate) left_out: BTreeSet<ChangeHash>,
    /// Forked, or a copy's: written again.
    pub(crate) roots: BTreeSet<ChangeHash>,
}

/// Whose file this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// This installation's, as before.
    Same,
    /// This installation's from now on: it belonged to none.
    First,
    /// It was another installation's: a backup was restored on another phone. It must be enrolled anew; what waits was kept.
    Copy,
}

impl Replica {
    /// Says which installation opens this file. `install` is 16 random bytes that the app made at its first start and keeps where no
    /// backup takes them. A file of another installation is a copy: both would sign as one device. It forgets that it was enrolled and
    /// will pull from the beginning. What waits is handed in as it is: the first phone may hand in the same, and it counts once; where
    /// the line of a change belongs to the first phone by now, headquarters says so, and the change is written again. What was set
    /// aside of a private document is dropped: headquarters has it, and would tell the first phone alone when it is erased.
    ///
    /// # Errors
    /// [`ReplicaError::Store`]; nothing is then changed.
    pub fn claim(&mut self, install: [u8; 16]) -> Result<Claimed, ReplicaError> {
        let known = self.store().read(|read| read.setting(SETTING_INSTALL))?;
        match known {
            Some(known) if known == install => return Ok(Claimed::Same),
            None => {
                self.store_mut().write(|write| write.put_setting(SETTING_INSTALL, &install))?;
                return Ok(Claimed::First);
            }
            Some(_) => {}
        }
        self.renew_process();
        self.store_mut().write(|write| {
            let epoch = write.pull_position()?.epoch;
            write.put_pull_position(&PullPosition { epoch, number: 0, checkpoint: None })?;
            write.put_setting(SETTING_DEVICE, &[])?;
            write.drop_received()?;
            write.drop_private_set_aside()?;
            Ok::<_, ReplicaError>(write.put_setting(SETTING_INSTALL, &install)?)
        })?;
        Ok(Claimed::Copy)
    }

    /// Goes on under other actors: the numbers of the old ones may be used elsewhere.
    pub(crate) fn renew_process(&mut self) -> [u8; 16] {
        let mut hasher = Sha256::new();
        hasher.update(b"again");
        hasher.update(self.process);
        self.process.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
        self.process
    }
}

/// Takes what headquarters did not take out of a document, and writes again what can go on without it.
pub(crate) fn write_again(
    write: &mut Writing<'_>,
    subjects: &mut Subjects<'_>,
    process: &[u8; 16],
    doc: DocId,
    not_taken: &NotTaken,
    now: Ms,
) -> Result<(), ReplicaError> {
    let Some(held) = load(write, doc)? else { return write_again_alone(write, process, doc, now) };
    let genesis = kinds::ready(&held.kind).map(|ready| ready.genesis.clone());
    let own: BTreeSet<ChangeHash> = write
        .own_changes_of(doc)?
        .into_iter()
        .filter(|own| matches!(own.standing, Standing::Waiting | Standing::Forked))
        .map(|own| own.hash)
        .collect();
    let fresh = |old: &ActorId| fresh(process, doc, old);
    let rewriting = Rewriting { left_out: &not_taken.left_out, roots: &not_taken.roots, own: &own };
    let Some(done) = rewrite(&held.document, genesis.clone(), &rewriting, &fresh)? else {
        return write_again_alone(write, process, doc, now);
    };
    if done.changes.is_empty()
        && genesis.is_some_and(|genesis| genesis.heads() == done.base.heads())
        && let Some(holding) = write.holding(doc)?
    {
        // Nothing of it was ever accepted: headquarters has no such document, and this device holds none.
        drop_rows(write, &holding)?;
        write.forget(doc)?;
        subjects.touch(&held.kind, held.subject, doc, None);
        return Ok(());
    }
    describe(write, doc, &held.kind, held.subject, &done.base)?;
    // Beside the document, which begins anew: headquarters knows what they need, and keeps them with it.
    for (old, new) in &done.stuck {
        write.append_instead(doc, *old, new.hash, &new.bytes, now)?;
    }
    write.put_snapshot(doc, &done.base.save())?;
    for (old, new) in &done.changes {
        write.append_instead(doc, *old, new.hash, &new.bytes, now)?;
    }
    describe(write, doc, &held.kind, held.subject, &done.document)?;
    subjects.touch(&held.kind, held.subject, doc, None);
    write_again_alone(write, process, doc, now)
}

/// Writes forked changes again of which the document is not held, or does not hold them: they wait unseen for their verdict.
fn write_again_alone(write: &mut Writing<'_>, process: &[u8; 16], doc: DocId, now: Ms) -> Result<(), ReplicaError> {
    let kept = write.own_changes_of(doc)?;
    if !kept.iter().any(|own| own.standing == Standing::Forked) {
        return Ok(());
    }
    let profile = write.setting(SETTING_PROFILE)?.and_then(|bytes| minicbor::decode::<Profile>(&bytes).ok());
    let author = profile.ok_or(ReplicaError::NotEnrolled)?.user;
    let open = |own: &&OwnChange| matches!(own.standing, Standing::Waiting | Standing::Forked);
    let changes: Vec<(RawChange, bool)> = kept
        .iter()
        .filter(open)
        .map(|own| (RawChange { hash: own.hash, bytes: own.bytes.clone() }, own.standing == Standing::Forked))
        .collect();
    // Beside the document the numbers of its own fresh actors may be used already.
    let alone: [u8; 16] = std::array::from_fn(|at| process.get(at).map_or(0, |byte| !byte));
    for (old, new) in rewrite_alone(&changes, author, &|old| fresh(&alone, doc, old))? {
        write.append_instead(doc, old, new.hash, &new.bytes, now)?;
    }
    Ok(())
}

/// The actor under which a line of changes goes on.
fn fresh(process: &[u8; 16], doc: DocId, old: &ActorId) -> ActorId {
    let mut hasher = Sha256::new();
    hasher.update(process);
    hasher.update(doc.as_bytes());
    hasher.update(old.as_bytes());
    ActorId::short(hasher.finalize().into())
}

/// Writes down what a person decided about an own change that was set aside. `false`: what it builds on is not here; the device is to
/// pull from the beginning.
pub(crate) fn ruled(write: &mut Writing<'_>, subjects: &mut Subjects<'_>, decided: &Decided) -> Result<bool, ReplicaError> {
    let Some(own) = write.own_change(decided.hash)? else { return Ok(true) };
    if matches!(&decided.ruling, Ruling::Rejected { why } if says_erased(why)) && kinds::is_private(&own.kind) {
        erase_held(write, subjects, own.doc)?;
        return Ok(true);
    }
    let standing = match &decided.ruling {
        Ruling::Approved => Standing::Accepted { feed_no: 0 },
        Ruling::Rewritten => Standing::Withdrawn,
        Ruling::Rejected { why } => Standing::Quarantined { reason: format!("rejected: {why}") },
    };
    let _changed = write.settle(decided.hash, &standing)?;
    if matches!(decided.ruling, Ruling::Rejected { .. }) {
        return Ok(true);
    }
    // What is not held comes with the feed, to whoever may read it: headquarters approves what some may write but not read. Of what few
    // may know not even the own words stay where the record does not.
    if write.holding(own.doc)?.is_none() {
        if kinds::is_private(&own.kind) {
            write.forget(own.doc)?;
        }
        return Ok(true);
    }
    let Some(held) = load(write, own.doc)?.filter(|_| decided.ruling == Ruling::Approved) else { return Ok(true) };
    reinstate(write, subjects, held.document, &own)
}

fn reinstate(
    write: &mut Writing<'_>,
    subjects: &mut Subjects<'_>,
    mut document: Document,
    own: &crate::store::OwnChange,
) -> Result<bool, ReplicaError> {
    if document.holds(&own.hash) {
        return Ok(true);
    }
    match document.apply(&[RawChange { hash: own.hash, bytes: own.bytes.clone() }]) {
        Ok(()) => {}
        Err(DocumentError::MissingDependencies(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    describe(write, own.doc, &own.kind, own.subject, &document)?;
    let _known = write.append_received(own.doc, own.hash, &own.bytes)?;
    subjects.touch(&own.kind, own.subject, own.doc, None);
    Ok(true)
}
