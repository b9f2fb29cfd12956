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
use crate::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, TerritoryId};
use crate::model::kinds;
use crate::store::{CarriedPacket, Reading, Standing};

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
        let outbox = self.store().read(|read| read.outbox(PUSHED_CHANGES_MAX, BATCH_BYTES_TARGET))?;
        let mut may: BTreeMap<SubjectId, bool> = BTreeMap::new();
        let mut pushed: Vec<Pushed> = Vec::new();
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

/// Changes that headquarters lost, as they are handed in: at most `changes_max` of about `bytes_max` bytes.
pub(crate) fn recovered(read: &Reading<'_>, changes_max: usize, bytes_max: usize) -> Result<Vec<Pushed>, ReplicaError> {
    let mut by_doc: BTreeMap<DocId, BTreeSet<ChangeHash>> = BTreeMap::new();
    for (doc, hash) in read.lost(changes_max)? {
        by_doc.entry(doc).or_default().insert(hash);
    }
    let (mut pushed, mut bytes) = (Vec::new(), 0_usize);
    for (doc, hashes) in by_doc {
        let Some(held) = load(read, doc)? else { continue };
        let all = held.document.changes_since(&crate::crdt::Heads::default());
        let changes: Vec<ByteVec> =
            all.into_iter().filter(|change| hashes.contains(&change.hash)).map(|change| ByteVec::from(change.bytes)).collect();
        bytes = changes.iter().map(|change| change.len()).fold(bytes, usize::saturating_add);
        pushed.push(Pushed { doc, kind: held.kind, subject: held.subject, changes });
        if bytes >= bytes_max {
            break;
        }
    }
    Ok(pushed)
}
