//! Handing in for others: a batch that another phone signed, and what headquarters lost in a restore and this replica received.
//!
//! Two phones meet: the carrier says who it is ([`Replica::meeting`]), the other packs what waits and the carrier may hold
//! ([`Replica::carry_out`]), its key signs, and the carrier takes it in ([`Replica::carry_in`]): shown at once, handed in at its next
//! exchange. Only headquarters knows the signer's key; until it has decided, the carrier trusts the person it met.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;

use super::documents::{Admitted, load};
use super::{Replica, ReplicaError};
use crate::carried::{BATCH_BYTES_TARGET, Batch, Meeting, Packet};
use crate::crdt::{Document, RawChange};
use crate::exchange::{Cursor, PUSHED_CHANGES_MAX, Pushed};
use crate::ids::{DeviceId, DocId, Ms, SubjectId, TerritoryId};
use crate::model::kinds;
use crate::store::{Apart, CarriedPacket, Reading, Standing};

/// Documents looked at in one step of finding what headquarters lost.
const UNHEARD_STEP: usize = 200;

/// A batch before its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// The device that is to sign.
    pub device: DeviceId,
    /// The batch.
    pub frame: Vec<u8>,
    /// The text to sign.
    pub text: String,
    /// Changes in it.
    pub changes: usize,
}

impl Unsigned {
    /// The packet, to be given to the carrier.
    #[must_use]
    pub fn signed(self, signature: Vec<u8>) -> Vec<u8> {
        Packet { device: self.device, signature: signature.into(), frame: self.frame.into() }.encode()
    }
}

/// What taking in a packet did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarriedIn {
    /// Changes in it.
    pub changes: usize,
    /// Changes that are shown here now.
    pub shown: usize,
    /// Customers that look different.
    pub subjects: BTreeSet<SubjectId>,
}

impl Replica {
    /// What this phone says of itself to one that wants to hand it a batch.
    ///
    /// # Errors
    /// [`ReplicaError::NotEnrolled`], [`ReplicaError::Store`].
    pub fn meeting(&self) -> Result<Vec<u8>, ReplicaError> {
        let profile = self.profile()?.ok_or(ReplicaError::NotEnrolled)?;
        Ok(Meeting { user: profile.user, territories: profile.territories }.encode())
    }

    /// What waits and the carrier may hold, as a batch to be signed; `None` when there is nothing. The changes stay in the outbox: this
    /// device hands them in too, and they count once.
    ///
    /// # Errors
    /// [`ReplicaError::NotEnrolled`], [`ReplicaError::Wire`] when `meeting` is unreadable, [`ReplicaError::Store`].
    pub fn carry_out(&self, meeting: &[u8], now: Ms) -> Result<Option<Unsigned>, ReplicaError> {
        let (device, meeting) = (self.device()?, Meeting::decode(meeting)?);
        let home = self.profile()?.and_then(|profile| profile.territories.into_iter().next());
        // All of it: what the carrier may hold can stand behind any number of changes that it may not.
        let outbox = self.store().read(|read| read.outbox(usize::MAX, usize::MAX))?;
        let mut may: BTreeMap<SubjectId, bool> = BTreeMap::new();
        let mut pushed: Vec<Pushed> = Vec::new();
        let (mut changes, mut bytes) = (0usize, 0usize);
        for own in outbox {
            let fits = match may.get(&own.subject) {
                Some(known) => *known,
                None => {
                    let fits = self.may_carry(own.subject, &meeting, home.as_ref())?;
                    may.insert(own.subject, fits);
                    fits
                }
            };
            // Tours, proposals and verifications are between their author and headquarters.
            if !fits || (own.kind != kinds::CUSTOMER.id && own.kind != "visit") {
                continue;
            }
            (changes, bytes) = (changes + 1, bytes.saturating_add(own.bytes.len()));
            if changes > PUSHED_CHANGES_MAX || bytes > BATCH_BYTES_TARGET && changes > 1 {
                break;
            }
            match pushed.iter_mut().find(|pushed| pushed.doc == own.doc) {
                Some(document) => document.changes.push(ByteVec::from(own.bytes)),
                None => pushed.push(Pushed { doc: own.doc, kind: own.kind, subject: own.subject, changes: vec![ByteVec::from(own.bytes)] }),
            }
        }
        if pushed.is_empty() {
            return Ok(None);
        }
        let (position, clock) = self.store().read(|read| Ok::<_, ReplicaError>((read.pull_position()?, read.clock()?)))?;
        let cursor = (position.epoch != [0; 16]).then_some(Cursor { epoch: position.epoch, number: position.number });
        let changes = pushed.iter().map(|pushed| pushed.changes.len()).sum();
        let frame = Batch { device, now, cursor, offset_ms: clock.offset_ms, pushed }.encode()?;
        Ok(Some(Unsigned { device, text: Packet::text(device, &frame), frame, changes }))
    }

    fn may_carry(&self, subject: SubjectId, meeting: &Meeting, home: Option<&TerritoryId>) -> Result<bool, ReplicaError> {
        let Some(card) = self.card(subject)? else { return Ok(false) };
        let owner = card.text("owner").and_then(|id| id.parse().ok());
        let territory = card.text("territory").map(|id| TerritoryId(id.to_owned()));
        // A customer that was made here will be filed in its maker's territory.
        let territory = if card.text("lifecycle").is_none() { home.cloned() } else { territory };
        Ok(owner == Some(meeting.user) || territory.is_some_and(|territory| meeting.territories.contains(&territory)))
    }

    /// Takes in a packet: what this device may hold is shown, all of it is handed in at the next exchange. Twice is as good as once.
    ///
    /// # Errors
    /// [`ReplicaError::Wire`] when the packet is unreadable, [`ReplicaError::Store`].
    pub fn carry_in(&mut self, packet: &[u8], now: Ms) -> Result<CarriedIn, ReplicaError> {
        let read = Packet::decode(packet)?;
        let batch = read.batch()?;
        let mut done = CarriedIn { changes: batch.pushed.iter().map(|pushed| pushed.changes.len()).sum(), ..CarriedIn::default() };
        let digest = Packet::digest(packet);
        if batch.device == self.device()? || self.store().read(|read| read.carried())?.iter().any(|known| known.digest == digest) {
            return Ok(done);
        }
        let mut admitted = Vec::new();
        for pushed in &batch.pushed {
            let held = self.document(pushed.doc)?;
            let mine = held.is_some() || self.store().read(|read| read.holding(pushed.subject.customer()))?.is_some();
            let Some(ready) = kinds::ready(&pushed.kind).filter(|_| mine) else { continue };
            if held.as_ref().is_some_and(|held| held.kind != pushed.kind || held.subject != pushed.subject) {
                continue;
            }
            let before = held.map_or_else(|| ready.genesis.clone(), |held| held.document);
            let (document, changes) = self.judged(before, &pushed.kind, &pushed.changes);
            if !changes.is_empty() {
                done.shown += changes.len();
                done.subjects.insert(pushed.subject);
                admitted.push(Admitted { doc: pushed.doc, kind: pushed.kind.clone(), subject: pushed.subject, document, changes });
            }
        }
        let kept = CarriedPacket { digest, device: batch.device, taken_at: now, delivered_at: None, packet: packet.to_vec() };
        self.absorb(&admitted, |write| {
            // Where a row stands for it, it does not stand by right.
            for one in &admitted {
                if write.told_row(one.doc)?.is_some() {
                    write.set_apart(one.doc, Apart::Lent { since: now })?;
                }
            }
            write.carry(&kept)?;
            Ok(())
        })?;
        Ok(done)
    }

    /// Notes what headquarters lacks of a document that it has just told, while it is listened to after a restore.
    pub(crate) fn listen(&mut self, doc: DocId, told: &Document) -> Result<(), ReplicaError> {
        if !self.store_mut().write(|write| write.heard(doc))? {
            return Ok(());
        }
        let Some(held) = self.document(doc)? else { return Ok(()) };
        let lacking = held.document.changes_since(&told.heads()).into_iter().filter(|change| !told.holds(&change.hash));
        self.note_lost(doc, &lacking.collect::<Vec<_>>())
    }

    /// At the end of a pull from a headquarters with a new life: what it never spoke of, it lost.
    pub(crate) fn find_lost(&mut self) -> Result<(), ReplicaError> {
        loop {
            let unheard = self.store().read(|read| read.unheard(UNHEARD_STEP))?;
            if unheard.is_empty() {
                return Ok(());
            }
            for doc in unheard {
                if let Some(held) = self.document(doc)? {
                    let genesis = kinds::ready(&held.kind).map(|ready| ready.genesis.heads()).unwrap_or_default();
                    self.note_lost(doc, &held.document.changes_since(&genesis))?;
                }
                self.store_mut().write(|write| write.heard(doc))?;
            }
        }
    }

    fn note_lost(&mut self, doc: DocId, lacking: &[RawChange]) -> Result<(), ReplicaError> {
        self.store_mut().write(|write| {
            for change in lacking {
                // What waits goes by the outbox.
                if !write.own_change(change.hash)?.is_some_and(|own| own.standing == Standing::Waiting) {
                    write.put_lost(doc, change.hash)?;
                }
            }
            Ok(())
        })
    }
}

/// Changes that headquarters lost, as they are handed in: at most `changes_max` of about `bytes_max` bytes. Document by document, each
/// from its beginning on: headquarters takes nothing whose foundation it lacks.
pub(crate) fn recovered(read: &Reading<'_>, changes_max: usize, bytes_max: usize) -> Result<Vec<Pushed>, ReplicaError> {
    let (mut pushed, mut room, mut bytes) = (Vec::new(), changes_max, 0_usize);
    for doc in read.lost_documents(changes_max)? {
        let Some(held) = load(read, doc)? else { continue };
        let lost = read.lost_of(doc)?;
        let all = held.document.changes_since(&crate::crdt::Heads::default());
        let lacking = all.into_iter().filter(|change| lost.contains(&change.hash)).take(room);
        let changes: Vec<ByteVec> = lacking.map(|change| ByteVec::from(change.bytes)).collect();
        room = room.saturating_sub(changes.len());
        bytes = changes.iter().map(|change| change.len()).fold(bytes, usize::saturating_add);
        pushed.push(Pushed { doc, kind: held.kind, subject: held.subject, changes });
        if room == 0 || bytes >= bytes_max {
            break;
        }
    }
    Ok(pushed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

    use super::*;
    use crate::ids::{ChangeHash, Ms, UserId};
    use crate::model::{Edit, Provenance};
    use crate::replica::{Stamp, Target};
    use crate::store::Lane;

    /// However little room there is: what a request carries builds on nothing that comes later, and everything comes in the end.
    #[test]
    fn what_was_lost_is_handed_back_from_its_beginning_on() {
        let mut replica = Replica::in_memory([7; 16]).unwrap();
        for n in 0..24_u8 {
            let target = Target::customer(SubjectId::from_bytes([n % 2; 16]));
            let value = i64::from(n).into();
            let edit = Edit::Assert { field: "headcount".to_owned(), value, provenance: Provenance::default() };
            let stamp = Stamp { author: UserId::from_bytes([1; 16]), now: Ms(1_772_424_000_000 + i64::from(n)), entropy: [n; 16] };
            replica.save(&stamp, Lane::Normal, &target, &[edit]).unwrap();
        }
        let docs: BTreeMap<DocId, Document> = [0, 1]
            .map(|n| SubjectId::from_bytes([n; 16]).customer())
            .map(|doc| (doc, replica.document(doc).unwrap().unwrap().document))
            .into();
        let genesis = &kinds::ready("customer").unwrap().genesis;
        replica
            .store_mut()
            .write(|write| {
                for (doc, document) in &docs {
                    document.changes_since(&genesis.heads()).iter().try_for_each(|change| write.put_lost(*doc, change.hash))?;
                }
                // Of a document that is not held there is nothing to hand back, and nothing to wait for.
                write.put_lost(DocId::from_bytes([9; 16]), ChangeHash([9; 32]))
            })
            .unwrap();
        let mut theirs: BTreeMap<DocId, Document> = docs.keys().map(|doc| (*doc, genesis.clone())).collect();
        let mut turns = 0;
        while !replica.store().read(|read| read.lost_documents(1)).unwrap().is_empty() {
            let pushed = replica.store().read(|read| recovered(read, 5, usize::MAX)).unwrap();
            let changes: usize = pushed.iter().map(|pushed| pushed.changes.len()).sum();
            assert!((1..=5).contains(&changes));
            for pushed in &pushed {
                let bytes: Vec<Vec<u8>> = pushed.changes.iter().map(|change| change.to_vec()).collect();
                let before = theirs[&pushed.doc].heads();
                let document = theirs.get_mut(&pushed.doc).unwrap();
                document.apply_bytes(&bytes).unwrap();
                let taken = document.changes_since(&before);
                assert_eq!(taken.len(), bytes.len(), "each found what it builds on");
                replica.store_mut().write(|write| taken.iter().try_for_each(|change| write.drop_lost(change.hash).map(|_| ()))).unwrap();
            }
            turns += 1;
        }
        assert_eq!(turns, 5);
        assert!(docs.iter().all(|(doc, document)| theirs[doc].heads() == document.heads()));
    }
}
