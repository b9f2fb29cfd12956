//! The phone's half of the exchange of blobs: the next step, as bytes to send, and what its answer means. The app moves the bytes.
//!
//! [`Replica::blob_step`] reads what is known and says one thing: text first, send this, wait for a better link, or nothing to do. Making
//! a step twice, or losing its answer, costs time and nothing else: a chunk that arrives twice is one chunk, and what was stored is noted
//! after every answer, so that a process that dies goes on at the chunk.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;

use super::wire::{
    BlobAnswer, BlobAsk, BlobRequest, BlobSaid, CHUNKS_OF_REQUEST_MAX, Chunk, OFFERS_MAX, Offer, RECEIPTS_MAX, Receipt, Standing, Stood,
    Taken, TakenChunk,
};
use super::{BLOB_BYTES_MAX, BlobError, BlobHash, CHUNK_BYTES, Missing, Role, chunk_count, proof};
use crate::ids::{DocId, Ms};
use crate::replica::{Replica, ReplicaError, Stamp};
use crate::store::{BlobName, BlobRow, NameState, Writing};
use crate::sync::unsettled;

/// What headquarters cannot take now is offered again after this long, in milliseconds.
pub const AGAIN_MS: i64 = 10 * 60_000;
/// An original stays on the phone so long after the receipt that frees it, in milliseconds, unless the app says otherwise: a headquarters
/// that comes back from yesterday's backup lacks it, and asks for it again.
pub const ORIGINALS_KEPT_MS: i64 = 3 * Ms::DAY;
/// The reason of a photo whose file cannot be read.
const DAMAGED: &str = "damaged_on_device";
/// Photos looked at for one step.
const LOOKED_AT_MAX: usize = 200;

/// What the app says of the line it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// Every byte costs money: photos wait, thumbnails go.
    pub metered: bool,
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobStep {
    /// Text waits: exchange that first.
    TextFirst,
    /// Send this frame to `POST /v1/blobs`, and hand its answer to [`Replica::take_blob_answer`].
    Send(Vec<u8>),
    /// Photos wait for a line that is not metered.
    Paused {
        /// How many photos and thumbnails wait.
        photos: u64,
    },
    /// Nothing to do now.
    Rest,
}

/// What an answer did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlobsDone {
    /// Chunks that headquarters stored, or that were fetched.
    pub chunks: usize,
    /// Photos and thumbnails that headquarters now holds.
    pub held: usize,
    /// Chunks that arrived altered and will be sent again.
    pub wrong: usize,
    /// What headquarters does not take, with its reasons.
    pub refused: Vec<(BlobHash, String)>,
    /// Documents of which headquarters holds every photo.
    pub complete: Vec<DocId>,
    /// A photo that is now wholly on this device.
    pub fetched: Option<BlobHash>,
}

/// What headquarters was asked, for the answers that do not say it again. An answer that comes after the process started anew says nothing.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Photos, with the document that names each.
    photos: BTreeMap<BlobHash, DocId>,
    /// Documents of which a receipt was asked for last.
    receipts: Vec<DocId>,
    /// That was the question before originals leave.
    before_leaving: bool,
    /// Documents of which headquarters was asked once more, before their originals leave, and held everything still.
    pub(crate) confirmed: BTreeSet<DocId>,
}

impl Replica {
    /// The next step of handing photos in. `now` is the device's clock. When there is nothing to hand in, originals that headquarters has
    /// held for long enough leave this device.
    ///
    /// # Errors
    /// [`ReplicaError::NotEnrolled`], [`ReplicaError::Store`], [`ReplicaError::Wire`], [`ReplicaError::Blob`].
    pub fn blob_step(&mut self, now: Ms, link: Link) -> Result<BlobStep, ReplicaError> {
        // What headquarters answered without a verdict may wait for long; it holds up no photo.
        if self.outbox_size()?.changes > self.store().read(unsettled)? {
            return Ok(BlobStep::TextFirst);
        }
        match self.next_ask(now, link)? {
            Some(ask) => Ok(BlobStep::Send(BlobRequest { device: self.device()?, now, ask }.encode()?)),
            None => {
                self.give_up_originals(now)?;
                let photos = self.store().read(|read| read.blobs_to_send(Role::Original, now, LOOKED_AT_MAX))?.len();
                Ok(if link.metered && photos > 0 { BlobStep::Paused { photos: self.photos_waiting()?.originals } } else { BlobStep::Rest })
            }
        }
    }

    fn next_ask(&mut self, now: Ms, link: Link) -> Result<Option<BlobAsk>, ReplicaError> {
        let originals = !link.metered;
        let mut roles = vec![Role::Thumbnail];
        roles.extend(originals.then_some(Role::Original));
        let mut waiting = Vec::new();
        for role in roles {
            waiting.push(self.store().read(|read| read.blobs_to_send(role, now, LOOKED_AT_MAX))?);
        }
        let offers: Vec<Offer> = waiting
            .iter()
            .flatten()
            .filter(|(blob, _)| blob.wanted.is_none())
            .take(OFFERS_MAX)
            .map(|(blob, name)| offer(blob, name))
            .collect();
        let thumbnails_asked = waiting.first().is_some_and(|small| small.iter().all(|(blob, _)| blob.wanted.is_some()));
        // Thumbnails are asked for and sent before the first photo is; while there is something to send nothing else is asked.
        for (at, lane) in waiting.iter().enumerate() {
            if at > 0 && !thumbnails_asked {
                break;
            }
            if lane.iter().any(|(blob, _)| blob.wanted.is_none()) {
                return Ok(Some(BlobAsk::Offer { offers }));
            }
            let (chunks, unreadable) = self.chunks_of(lane)?;
            if !chunks.is_empty() {
                return Ok(Some(BlobAsk::Chunks { chunks }));
            }
            if unreadable {
                // They are to be offered once more, or were refused just now: less waits than before.
                return self.next_ask(now, link);
            }
        }
        let mut docs = self.store().read(|read| read.blobs_to_receipt(now, RECEIPTS_MAX))?;
        self.asked().before_leaving = docs.is_empty();
        if docs.is_empty() {
            // Once more before originals leave: what headquarters has lost since is handed in again.
            let due: BTreeSet<DocId> = self.originals_due(now)?.into_values().flatten().collect();
            docs = due.difference(&self.asked().confirmed).copied().take(RECEIPTS_MAX).collect();
        }
        self.asked().receipts.clone_from(&docs);
        Ok((!docs.is_empty()).then_some(BlobAsk::Receipts { docs }))
    }

    /// Chunks that headquarters wants, up to one full chunk's bytes, and whether a file could not be read. Such a file holds up no other:
    /// headquarters is asked once more, for it may hold the photo by now, and when it still wants it, it is refused here.
    fn chunks_of(&mut self, lane: &[(BlobRow, BlobName)]) -> Result<(Vec<Chunk>, bool), ReplicaError> {
        let Some(folder) = self.folder()? else { return Ok((Vec::new(), false)) };
        let (mut chunks, mut bytes, mut damaged) = (Vec::new(), 0usize, Vec::new());
        'all: for (blob, name) in lane {
            if chunks.iter().any(|chunk: &Chunk| chunk.hash == blob.hash) {
                continue;
            }
            for no in blob.wanted.iter().flat_map(Missing::numbers) {
                match folder.chunk(blob.hash, blob.bytes, no) {
                    Ok(chunk) => {
                        bytes += chunk.len();
                        if !chunks.is_empty() && bytes > CHUNK_BYTES {
                            break 'all;
                        }
                        chunks.push(Chunk { hash: blob.hash, no: u32::try_from(no).unwrap_or(u32::MAX), bytes: ByteVec::from(chunk) });
                        if chunks.len() >= CHUNKS_OF_REQUEST_MAX || bytes >= CHUNK_BYTES {
                            break 'all;
                        }
                    }
                    Err(BlobError::NotHere { .. } | BlobError::Damaged { .. }) => {
                        damaged.push((blob.hash, name.reason == DAMAGED));
                        break;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if !damaged.is_empty() {
            chunks.retain(|chunk| damaged.iter().all(|(hash, _)| *hash != chunk.hash));
            self.store_mut().write(|write| {
                damaged.iter().try_for_each(|(hash, again)| {
                    let state = if *again { NameState::Refused } else { NameState::Waiting };
                    write.put_wanted(*hash, None)?;
                    write.settle_blob_everywhere(*hash, state, None, DAMAGED)
                })
            })?;
        }
        Ok((chunks, !damaged.is_empty()))
    }

    /// Takes an answer to a step in. `now` is the device's clock.
    ///
    /// # Errors
    /// [`ReplicaError::Wire`] when the frame is unreadable (nothing is then changed), [`ReplicaError::Store`], [`ReplicaError::Blob`].
    pub fn take_blob_answer(&mut self, frame: &[u8], now: Ms) -> Result<BlobsDone, ReplicaError> {
        let mut done = BlobsDone::default();
        match BlobAnswer::decode(frame)?.said {
            BlobSaid::Stood { stood } => {
                self.store_mut().write(|write| stood.iter().try_for_each(|one| take_stood(write, one, now, &mut done)))?;
            }
            BlobSaid::Taken { taken } => {
                self.store_mut().write(|write| taken.iter().try_for_each(|one| take_taken(write, one, now, &mut done)))?;
            }
            BlobSaid::Receipts { receipts } => self.take_receipts(&receipts, now, &mut done)?,
            BlobSaid::Given { chunk, bytes, mime, role, kind, chunks } => {
                let told = Told { bytes: usize::try_from(bytes).unwrap_or(usize::MAX), mime, role, kind, chunks };
                self.take_given(&chunk, &told, now, &mut done)?;
            }
            BlobSaid::NotGiven { hash } => {
                done.refused.push((hash, "not_given".to_owned()));
                self.store_mut().write(|write| write.put_lacking(hash, &Missing::default()))?;
            }
        }
        Ok(done)
    }

    /// Headquarters holds what a receipt names. Only when that is everything of the document, its originals may leave the device.
    fn take_receipts(&mut self, receipts: &[Receipt], now: Ms, done: &mut BlobsDone) -> Result<(), ReplicaError> {
        // Of what this device may not know any more headquarters says nothing.
        let asked = std::mem::take(&mut self.asked().receipts);
        let before_leaving = std::mem::take(&mut self.asked().before_leaving);
        let silent: Vec<DocId> = asked.iter().copied().filter(|doc| receipts.iter().all(|receipt| receipt.doc != *doc)).collect();
        if before_leaving {
            self.asked().confirmed.extend(&silent);
        }
        if !silent.is_empty() {
            self.store_mut().write(|write| silent.iter().try_for_each(|doc| write.put_off_blobs_of(*doc, now.plus(AGAIN_MS))))?;
        }
        for receipt in receipts {
            let named = self.store().read(|read| read.blobs_of(receipt.doc))?;
            let sealed = self.visit(receipt.doc)?.map(|visit| visit.photos()).unwrap_or_default();
            let mut needed = named.iter().map(|name| name.hash).chain(sealed.iter().flat_map(|photo| photo.hashes()));
            let complete = !named.is_empty() && needed.all(|hash| receipt.hashes.contains(&hash));
            if complete && before_leaving && asked.contains(&receipt.doc) {
                self.asked().confirmed.insert(receipt.doc);
            }
            self.store_mut().write(|write| {
                if complete {
                    return write.complete_blobs_of(receipt.doc, now);
                }
                write.keep_blobs_of(receipt.doc, now)?;
                // Somebody else's photo of the same document may still be under way.
                write.put_off_blobs_of(receipt.doc, now.plus(AGAIN_MS))?;
                // What was held and is not, headquarters lost. It is offered again.
                named.iter().filter(|name| !receipt.hashes.contains(&name.hash)).try_for_each(|name| write.reopen_blob(name.doc, name.hash))
            })?;
            if complete {
                done.complete.push(receipt.doc);
            }
        }
        Ok(())
    }

    /// The next frame of fetching a photo that a document names; `None` when it is on this device.
    ///
    /// # Errors
    /// [`ReplicaError::NotEnrolled`], [`ReplicaError::Store`], [`ReplicaError::Wire`], [`ReplicaError::Blob`].
    pub fn fetch_step(&mut self, stamp: &Stamp, doc: DocId, hash: BlobHash) -> Result<Option<Vec<u8>>, ReplicaError> {
        let folder = self.folder_for_writing(stamp)?;
        let known = self.store().read(|read| read.blob(hash))?;
        if known.as_ref().is_some_and(|blob| blob.here) && folder.holds(hash) {
            return Ok(None);
        }
        let no = known.and_then(|blob| blob.lacking?.numbers().next()).unwrap_or(0);
        let ask = BlobAsk::Fetch { hash, doc, no: u32::try_from(no).unwrap_or(u32::MAX) };
        self.asked().photos.insert(hash, doc);
        Ok(Some(BlobRequest { device: self.device()?, now: stamp.now, ask }.encode()?))
    }

    fn take_given(&mut self, chunk: &Chunk, told: &Told, now: Ms, done: &mut BlobsDone) -> Result<(), ReplicaError> {
        let (hash, no) = (chunk.hash, usize::try_from(chunk.no).unwrap_or(usize::MAX));
        // What nobody here asked for is not kept.
        let Some(doc) = self.asked().photos.get(&hash).copied() else { return Ok(()) };
        let fits = (1..=BLOB_BYTES_MAX).contains(&told.bytes) && told.chunks.len() == chunk_count(told.bytes);
        if !fits || told.chunks.get(no) != Some(&BlobHash::of(&chunk.bytes)) {
            done.wrong += 1;
            return Ok(());
        }
        let folder = self.folder()?.ok_or(BlobError::NoFolder)?;
        let known = self.store().read(|read| read.blob(hash))?;
        if known.as_ref().is_some_and(|blob| blob.here) && folder.holds(hash) {
            return Ok(());
        }
        let known = known.filter(|blob| blob.chunks == told.chunks && blob.bytes == told.bytes);
        let mut lacking = known.and_then(|blob| blob.lacking).unwrap_or_else(|| Missing::all(told.chunks.len()));
        folder.put_chunk(hash, told.bytes, no, &chunk.bytes)?;
        lacking.set(no, false);
        done.chunks += 1;
        let bytes = if lacking.is_empty() { folder.read_unnamed(hash, told.bytes).ok() } else { None };
        let whole = bytes.is_some();
        let proof = bytes.map_or([0; 32], |bytes| proof(doc, [bytes]));
        if whole {
            folder.name(hash)?;
            self.asked().photos.remove(&hash);
            done.fetched = Some(hash);
        } else if lacking.is_empty() {
            // Each chunk was what its hash said, and the whole is not what its name says: nothing of it is kept.
            folder.remove(hash)?;
            lacking = Missing::all(told.chunks.len());
            done.wrong += 1;
        }
        let row = BlobRow {
            hash,
            role: told.role,
            kind: told.kind.clone(),
            mime: told.mime.clone(),
            bytes: told.bytes,
            taken_at: Ms(0),
            chunks: told.chunks.clone(),
            here: whole,
            wanted: None,
            lacking: (!whole).then_some(lacking),
        };
        let (thumbnail, state, reason) = (None, NameState::Fetched, String::new());
        let name = BlobName { doc, hash, thumbnail, proof, state, again: Some(now), reason };
        Ok(self.store_mut().write(|write| {
            write.put_blob(&row)?;
            write.put_blob_name(&name)?;
            if whole { write.note_fetched(doc, hash, &proof, now) } else { Ok(()) }
        })?)
    }
}

/// What headquarters says of a photo that it gives.
struct Told {
    bytes: usize,
    mime: String,
    role: Role,
    kind: String,
    chunks: Vec<BlobHash>,
}

fn offer(blob: &BlobRow, name: &BlobName) -> Offer {
    Offer {
        hash: blob.hash,
        doc: name.doc,
        proof: name.proof,
        bytes: u64::try_from(blob.bytes).unwrap_or(u64::MAX),
        role: blob.role,
        kind: blob.kind.clone(),
        taken_at: blob.taken_at,
        chunks: blob.chunks.clone(),
    }
}

fn take_stood(write: &mut Writing<'_>, one: &Stood, now: Ms, done: &mut BlobsDone) -> Result<(), ReplicaError> {
    match &one.standing {
        Standing::Held => {
            done.held += 1;
            write.settle_blob(one.doc, one.hash, NameState::Held, None, "")?;
        }
        Standing::Missing { chunks } => {
            let count = write.blob(one.hash)?.map_or(0, |blob| blob.chunks.len());
            let mut wanted = Missing::all(count);
            let named: Vec<usize> = Missing::from_bytes(chunks).numbers().collect();
            (0..count).filter(|no| !named.contains(no)).for_each(|no| wanted.set(no, false));
            if wanted.is_empty() {
                // Everything is there and the whole is still to be checked: the last chunk once more makes that happen.
                wanted.set(count.saturating_sub(1), true);
            }
            write.put_wanted(one.hash, Some(&wanted))?;
        }
        Standing::Refused { code, why } => {
            done.refused.push((one.hash, format!("{code}: {why}")));
            write.settle_blob(one.doc, one.hash, NameState::Refused, None, code)?;
        }
        Standing::Later { code, .. } => write.settle_blob(one.doc, one.hash, NameState::Waiting, Some(now.plus(AGAIN_MS)), code)?,
    }
    Ok(())
}

fn take_taken(write: &mut Writing<'_>, one: &TakenChunk, now: Ms, done: &mut BlobsDone) -> Result<(), ReplicaError> {
    let Some(blob) = write.blob(one.hash)? else { return Ok(()) };
    match &one.taken {
        Taken::Stored => {
            done.chunks += 1;
            let mut wanted = blob.wanted.unwrap_or_default();
            wanted.set(usize::try_from(one.no).unwrap_or(usize::MAX), false);
            // Nothing left, and not held: headquarters is asked again.
            write.put_wanted(one.hash, Some(&wanted).filter(|wanted| !wanted.is_empty()))?;
        }
        Taken::Wrong => done.wrong += 1,
        Taken::NotOffered => write.put_wanted(one.hash, None)?,
        Taken::Refused { code, why } => {
            done.refused.push((one.hash, format!("{code}: {why}")));
            write.settle_blob_everywhere(one.hash, NameState::Refused, None, code)?;
            write.put_wanted(one.hash, None)?;
        }
        Taken::Held { docs } => {
            done.chunks += 1;
            done.held += 1;
            docs.iter().try_for_each(|doc| write.settle_blob(*doc, one.hash, NameState::Held, None, ""))?;
            // Documents that were not among them are offered again.
            write.put_wanted(one.hash, None)?;
        }
        Taken::Later { code } => write.settle_blob_everywhere(one.hash, NameState::Waiting, Some(now.plus(AGAIN_MS)), code)?,
    }
    Ok(())
}
