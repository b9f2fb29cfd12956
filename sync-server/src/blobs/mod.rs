//! The server's half of the exchange of blobs, without HTTP: what a device offers is judged, chunks are stored and checked, receipts are
//! given, and whoever may read a document that names a blob gets its bytes.
//!
//! * [`depot`] – where chunks lie · [`table`] – what is held, and what names it.
//!
//! **Access is access to a document that names the blob**, and that document's claim was proven by somebody who had the bytes: knowing a
//! hash is not having the photo. **Held** means: every chunk is durable and the whole was read back and checked. What turns out to lack a
//! chunk is held no more, until somebody hands that in: each receipt looks. Never here: HTTP, pictures.

pub mod depot;
pub mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use minicbor::bytes::ByteVec;
use roadbook_core::blobs::content::Content;
use roadbook_core::blobs::wire::{
    BlobAnswer, BlobAsk, BlobRequest, BlobSaid, Chunk, Offer, Receipt, Standing as Stands, Stood, Taken, TakenChunk,
};
use roadbook_core::blobs::{BlobHash, Missing, PHOTOS_OF_VISIT_MAX, Role, THUMBNAIL_BYTES_MAX, proof};
use roadbook_core::crdt::gate::{Gate, Incoming, Source};
use roadbook_core::ids::{DeviceId, DocId, Ms};
use roadbook_core::model::values::PHOTO_KIND;
use roadbook_core::model::{kinds, manifest};

use crate::access::{self, Reach};
use crate::accounts::{Accounts, AccountsError, User};
use crate::clock::span::DAY_MS;
use crate::device::{Caller, Standing};
use crate::exchange::scope::{self, ScopeError};
use crate::exchange::turnstile::Turnstile;
use crate::feed::{Feed, FeedError};
use crate::headquarters::{Changed, Headquarters, HeadquartersError};
pub use depot::{Bucket, Depot, DepotConfig, DepotError};
pub use table::{BlobTable, Held, Used};

/// Blobs that are read back whole at once: each takes up to 10 MB of memory.
const WHOLE_AT_ONCE_MAX: usize = 2;
/// An offer of which nothing came for this long lapses, in milliseconds.
const OFFER_LIFE_MS: i64 = 30 * DAY_MS;
/// A chunk that belongs to nothing whole and that nobody offers any more is cleared away this long after it was stored, in milliseconds.
pub const ORPHAN_LIFE_MS: i64 = 45 * DAY_MS;
/// Orphans cleared away before whoever hands chunks in gets a turn.
const ORPHANS_AT_ONCE_MAX: usize = 100;

/// Lost blobs looked for at once.
const FOUND_AT_ONCE_MAX: usize = 20;

/// Limits of one device's photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobLimits {
    /// Bytes held of what one device handed in.
    pub device_bytes: u64,
    /// Bytes that one device hands in on one day.
    pub device_bytes_per_day: u64,
    /// Bytes that one device offers and has not wholly handed in.
    pub device_bytes_under_way: u64,
}

impl Default for BlobLimits {
    fn default() -> Self {
        Self { device_bytes: 64 << 30, device_bytes_per_day: 4 << 30, device_bytes_under_way: 512 << 20 }
    }
}

/// Why a question about blobs failed on our side. Nothing of the request is then promised.
#[derive(Debug, thiserror::Error)]
pub enum BlobsError {
    /// The tables failed.
    #[error("the tables of photos failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The depot failed, or is full.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The account tables failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The scopes could not be worked out.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// The headquarters replica failed.
    #[error(transparent)]
    Headquarters(#[from] HeadquartersError),
    /// The request names another device than the one that signed it.
    #[error("the request names another device than the one that signed it")]
    ForeignDevice,
}

/// What a question about blobs gave.
#[derive(Debug)]
pub enum BlobsAnswered {
    /// The answer for the device.
    Answer(Box<BlobAnswer>),
    /// The device is to be wiped before anything is served: it gives and gets no photo.
    Gone,
}

/// A blob's bytes, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Its media type, by its content.
    pub mime: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The server's half of all exchanges of blobs. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    table: BlobTable,
    depot: Depot,
    accounts: Accounts,
    feed: Arc<dyn Feed>,
    headquarters: Headquarters,
    limits: BlobLimits,
    whole: Arc<Turnstile>,
    /// Shared by whoever stores chunks or builds on stored ones; taken alone to clear some away.
    still: Arc<RwLock<()>>,
}

impl Blobs {
    /// Over these tables and this depot.
    #[must_use]
    pub fn new(
        table: BlobTable,
        depot: Depot,
        accounts: Accounts,
        feed: Arc<dyn Feed>,
        headquarters: Headquarters,
        limits: BlobLimits,
    ) -> Self {
        let whole = Arc::new(Turnstile::new(WHOLE_AT_ONCE_MAX));
        Self { table, depot, accounts, feed, headquarters, limits, whole, still: Arc::default() }
    }

    /// What is held, and what names it.
    #[must_use]
    pub const fn table(&self) -> &BlobTable {
        &self.table
    }

    /// Answers one question of a device that proved who it is.
    ///
    /// # Errors
    /// [`BlobsError`]; the device then repeats its question.
    pub fn answer(&self, now: Ms, caller: &Caller, request: &BlobRequest) -> Result<BlobsAnswered, BlobsError> {
        if request.device != caller.device.id {
            return Err(BlobsError::ForeignDevice);
        }
        if caller.standing == Standing::DrainOnly && self.accounts.orders(caller.device.id)?.wipe_at.is_some() {
            return Ok(BlobsAnswered::Gone);
        }
        let reach = Reach::of(caller.user.role, self.accounts.territories_below(&caller.user.territories)?);
        let ask = Ask { blobs: self, now, caller, reach };
        let _still = self.still.read().unwrap_or_else(PoisonError::into_inner);
        let said = match &request.ask {
            BlobAsk::Offer { offers } => BlobSaid::Stood { stood: ask.offers(offers)? },
            BlobAsk::Chunks { chunks } => BlobSaid::Taken { taken: ask.chunks(chunks)? },
            BlobAsk::Receipts { docs } => BlobSaid::Receipts { receipts: ask.receipts(docs)? },
            BlobAsk::Fetch { hash, doc, no } => ask.fetch(*hash, *doc, *no)?,
        };
        Ok(BlobsAnswered::Answer(Box::new(BlobAnswer { now, said })))
    }

    /// The documents for which an answer says that a blob of theirs is held now: what is shown of them has changed.
    ///
    /// # Errors
    /// [`BlobsError::Feed`].
    pub fn completed(&self, answer: &BlobAnswer) -> Result<Vec<Changed>, BlobsError> {
        let mut docs: BTreeSet<DocId> = BTreeSet::new();
        match &answer.said {
            BlobSaid::Stood { stood } => docs.extend(stood.iter().filter(|one| one.standing == Stands::Held).map(|one| one.doc)),
            BlobSaid::Taken { taken } => {
                for one in taken {
                    if let Taken::Held { docs: held } = &one.taken {
                        docs.extend(held);
                    }
                }
            }
            BlobSaid::Receipts { .. } | BlobSaid::Given { .. } | BlobSaid::NotGiven { .. } => {}
        }
        let known =
            docs.into_iter().map(|doc| Ok(self.feed.document(doc)?.map(|known| Changed { doc, kind: known.kind, subject: known.subject })));
        known.filter_map(Result::transpose).collect()
    }

    /// A blob that a document names, for a person; `None`: there is none, or none that they may have.
    ///
    /// # Errors
    /// [`BlobsError`].
    pub fn read(&self, user: &User, reach: &Reach, doc: DocId, hash: BlobHash) -> Result<Option<Whole>, BlobsError> {
        if !self.may_have(user, reach, doc, hash)? {
            return Ok(None);
        }
        let Some(held) = self.table.held(hash)? else { return Ok(None) };
        let _place = self.whole.enter();
        Ok(self.whole(&held.chunks)?.map(|pieces| Whole { mime: held.mime, bytes: pieces.concat() }))
    }

    /// What time takes away: offers of which nothing came, sums of days gone by, and chunks that then belong to nothing; and what it gives
    /// back: photos of a store that was not at hand for a while. Returns how many chunks were cleared away.
    ///
    /// # Errors
    /// [`BlobsError`]; what was not cleared away is next time.
    pub fn sweep(&self, now: Ms) -> Result<usize, BlobsError> {
        let mut cleared = 0;
        loop {
            let _alone = self.still.write().unwrap_or_else(PoisonError::into_inner);
            self.table.forget_before(now.plus(-OFFER_LIFE_MS), day(now) - 1)?;
            let orphans = self.table.orphans(now.plus(-ORPHAN_LIFE_MS), ORPHANS_AT_ONCE_MAX)?;
            for orphan in &orphans {
                // The bytes first: a chunk that is noted and missing is asked for again, one that is there unnoted would stay for ever.
                self.depot.delete(*orphan)?;
                self.table.lose_chunk(*orphan)?;
            }
            cleared += orphans.len();
            if orphans.len() < ORPHANS_AT_ONCE_MAX {
                break;
            }
        }
        let _still = self.still.read().unwrap_or_else(PoisonError::into_inner);
        self.find(now, &self.table.some_lost(None, FOUND_AT_ONCE_MAX)?)?;
        Ok(cleared)
    }

    fn may_have(&self, user: &User, reach: &Reach, doc: DocId, hash: BlobHash) -> Result<bool, BlobsError> {
        Ok(self.may_read(user, reach, doc)? && self.table.is_named(doc, hash)? && self.names(doc)?.contains(&hash))
    }

    /// Whether a person may read a document: the predicate of pulls and of the console.
    fn may_read(&self, user: &User, reach: &Reach, doc: DocId) -> Result<bool, BlobsError> {
        let Some(known) = self.feed.document(doc)? else { return Ok(false) };
        let relation = scope::relation(&self.accounts, self.feed.as_ref(), (user.id, reach), (doc, &known.kind, known.subject))?;
        Ok(access::may_read_kind(user.role, relation, &known.kind))
    }

    /// The blobs that a document names, as headquarters holds it.
    fn names(&self, doc: DocId) -> Result<BTreeSet<BlobHash>, BlobsError> {
        let held = self.headquarters.read(|replica| replica.document(doc)).map_err(HeadquartersError::from)?;
        Ok(held.map(|held| manifest::named_by(&held.kind, doc, held.subject, &held.document)).unwrap_or_default())
    }

    /// The blobs that a document would name with the changes of this device that are set aside; `None`: there are none. Photos need not
    /// wait for whoever decides.
    fn named_by_what_was_set_aside(&self, doc: DocId, device: DeviceId) -> Result<Option<BTreeSet<BlobHash>>, BlobsError> {
        let rows = self.feed.desk_of(doc, Some(device))?;
        let Some(refused) = rows.first().map(|row| &row.row.refused) else { return Ok(None) };
        let Some(ready) = kinds::ready(&refused.kind) else { return Ok(None) };
        let incoming: Vec<Incoming<'_>> = rows.iter().map(|row| Incoming { bytes: &row.row.refused.bytes, source: Source::Feed }).collect();
        let held = self.headquarters.read(|replica| replica.document(doc)).map_err(HeadquartersError::from)?;
        let before = held.map_or_else(|| ready.genesis.clone(), |held| held.document);
        let _place = self.whole.enter();
        let admission = Gate::lenient().admit(&before, &ready.rules, &incoming, &|_| Ok(()));
        Ok(admission.document.map(|document| manifest::named_by(&refused.kind, doc, refused.subject, &document)))
    }

    /// The pieces of something whole; `None`: one of them is lost or damaged, and what it is of is not held until it comes again.
    fn whole(&self, chunks: &[BlobHash]) -> Result<Option<Vec<Vec<u8>>>, BlobsError> {
        match chunks.iter().map(|chunk| self.depot.get(*chunk)).collect() {
            Ok(pieces) => Ok(Some(pieces)),
            Err(DepotError::Lost(chunk) | DepotError::Damaged(chunk)) => {
                tracing::error!(%chunk, "a chunk that was stored cannot be read back; it is asked for again");
                self.table.lose_chunk(chunk)?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Looks for what was lost: a folder or a bucket that was not at hand is at hand again. Every chunk is read.
    fn find(&self, now: Ms, lost: &[BlobHash]) -> Result<(), BlobsError> {
        for hash in lost {
            let Some(lost) = self.table.lost(*hash)? else { continue };
            let read = |chunk: &BlobHash| self.depot.get(*chunk).map(|bytes| (*chunk, bytes.len()));
            match lost.chunks.iter().map(read).collect::<Result<Vec<_>, _>>() {
                Ok(chunks) => self.table.find(now, &lost, &chunks)?,
                Err(DepotError::Lost(_) | DepotError::Damaged(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether the chunks of what is held are still there. What lacks one is not held until it comes again.
    fn are_there<'a>(&self, held: impl IntoIterator<Item = &'a BlobHash>) -> Result<bool, BlobsError> {
        let mut chunks = Vec::new();
        for hash in held {
            chunks.extend(self.table.held(*hash)?.into_iter().flat_map(|held| held.chunks));
        }
        let lacking = self.depot.lacking(&chunks)?;
        for chunk in &lacking {
            tracing::error!(%chunk, "a chunk that was stored is gone; it is asked for again");
            self.table.lose_chunk(*chunk)?;
        }
        Ok(lacking.is_empty())
    }
}

/// One question, with who asks.
struct Ask<'a> {
    blobs: &'a Blobs,
    now: Ms,
    caller: &'a Caller,
    reach: Reach,
}

impl Ask<'_> {
    fn offers(&self, offers: &[Offer]) -> Result<Vec<Stood>, BlobsError> {
        let mut named: BTreeMap<DocId, Option<BTreeSet<BlobHash>>> = BTreeMap::new();
        let mut stood = Vec::new();
        let mut used = None;
        for offer in offers {
            let known = match named.get(&offer.doc) {
                Some(known) => known.clone(),
                None => {
                    let known = self.named(offer.doc)?;
                    named.entry(offer.doc).or_insert(known).clone()
                }
            };
            let standing = self.offer(offer, known.as_ref(), &mut used)?;
            stood.push(Stood { hash: offer.hash, doc: offer.doc, standing });
        }
        Ok(stood)
    }

    /// The blobs of a document that this device may hand in; `None`: it is not here, or not for this device to know.
    fn named(&self, doc: DocId) -> Result<Option<BTreeSet<BlobHash>>, BlobsError> {
        let mut named = self.may_say_of(doc)?.then(|| self.blobs.names(doc)).transpose()?;
        // A change that is set aside opens nothing of a document that others made.
        let known = self.blobs.feed.document(doc)?;
        if known.is_none_or(|known| known.owner == Some(self.caller.user.id))
            && let Some(aside) = self.blobs.named_by_what_was_set_aside(doc, self.caller.device.id)?
        {
            named.get_or_insert_default().extend(aside);
        }
        Ok(named)
    }

    /// Whether this device may know what is held of a document. One that may only hand in knows of what its user made alone.
    fn may_say_of(&self, doc: DocId) -> Result<bool, BlobsError> {
        let drains = self.caller.standing == Standing::DrainOnly;
        let own = || Ok::<_, BlobsError>(self.blobs.feed.document(doc)?.is_some_and(|known| known.owner == Some(self.caller.user.id)));
        Ok(self.blobs.may_read(&self.caller.user, &self.reach, doc)? && (!drains || own()?))
    }

    /// One offer. `used` is what the device has handed in and offers, once that was looked at.
    fn offer(&self, offer: &Offer, named: Option<&BTreeSet<BlobHash>>, used: &mut Option<Used>) -> Result<Stands, BlobsError> {
        let Blobs { table, limits, .. } = self.blobs;
        // A document that is not here yet and one that the device may not know of look alike.
        let Some(named) = named else { return Ok(later("no_document", "the document that names it has not arrived: exchange text first")) };
        if !named.contains(&offer.hash) {
            return Ok(refused("not_named", "the document does not name it"));
        }
        let small = offer.role == Role::Thumbnail && offer.bytes > u64::try_from(THUMBNAIL_BYTES_MAX).unwrap_or(u64::MAX);
        if !offer.is_well_formed() || small || PHOTO_KIND.code(&offer.kind).is_none() {
            return Ok(refused("malformed", "its size, kind or chunks are out of bounds"));
        }
        self.blobs.find(self.now, &[offer.hash])?;
        if table.is_named(offer.doc, offer.hash)? && self.blobs.are_there(&[offer.hash])? {
            return Ok(Stands::Held);
        }
        if let Some(held) = table.held(offer.hash)? {
            // It is here already, from another document: whoever has the bytes may name it.
            let _place = self.blobs.whole.enter();
            if let Some(pieces) = self.blobs.whole(&held.chunks)? {
                if proof(offer.doc, pieces) != offer.proof {
                    return Ok(refused("wrong_proof", "the device does not have it"));
                }
                table.hold(self.now, (self.caller.device.id, self.caller.user.id), &held, &[offer.doc])?;
                *used = None;
                return Ok(Stands::Held);
            }
        }
        let Used { held, offered } = match *used {
            Some(used) => used,
            None => *used.insert(table.used(self.caller.device.id)?),
        };
        let known = table.offers(self.caller.device.id, offer.hash)?;
        let more = if known.is_empty() { offer.bytes } else { 0 };
        if held.saturating_add(offered).saturating_add(more) > limits.device_bytes {
            return Ok(later("over_quota", "this device has handed in as much as it may: ask the administrator"));
        }
        if more > 0 && offered > 0 && offered.saturating_add(more) > limits.device_bytes_under_way {
            return Ok(later("too_much_under_way", "hand in first what was offered before"));
        }
        table.offer(self.now, self.caller.device.id, offer)?;
        *used = Some(Used { held, offered: offered.saturating_add(more) });
        let stored = table.stored(&offer.chunks)?;
        let mut missing = Missing::all(offer.chunks.len());
        offer.chunks.iter().enumerate().filter(|(_, chunk)| stored.contains(chunk)).for_each(|(no, _)| missing.set(no, false));
        if !missing.is_empty() {
            return Ok(Stands::Missing { chunks: ByteVec::from(missing.as_bytes().to_vec()) });
        }
        *used = None;
        Ok(match self.finish(offer.hash)? {
            Taken::Held { docs } if docs.contains(&offer.doc) => Stands::Held,
            Taken::Refused { code, why } => Stands::Refused { code, why },
            Taken::Held { .. } | Taken::Stored | Taken::Wrong | Taken::NotOffered | Taken::Later { .. } => {
                later("not_whole", "something of it was lost: offer it again")
            }
        })
    }

    /// Stores chunks, then promises them all at once; a blob that is whole with them is checked and held.
    fn chunks(&self, chunks: &[Chunk]) -> Result<Vec<TakenChunk>, BlobsError> {
        let Blobs { table, depot, limits, .. } = self.blobs;
        let device = self.caller.device.id;
        let mut today = table.handed_in_on(device, day(self.now))?;
        let mut taken = Vec::new();
        let mut fresh = Vec::new();
        for chunk in chunks {
            let offers = table.offers(device, chunk.hash)?;
            let no = usize::try_from(chunk.no).unwrap_or(usize::MAX);
            let expected = offers.first().and_then(|offer| Some((offer.chunks.get(no)?, offer.chunk_bytes(no))));
            let outcome = match expected {
                None => Taken::NotOffered,
                Some((hash, length)) if length != chunk.bytes.len() || BlobHash::of(&chunk.bytes) != *hash => Taken::Wrong,
                Some((hash, length)) => {
                    let length_64 = u64::try_from(length).unwrap_or(u64::MAX);
                    if today.saturating_add(length_64) > limits.device_bytes_per_day {
                        Taken::Later { code: "over_day".to_owned() }
                    } else {
                        today = today.saturating_add(length_64);
                        depot.put(*hash, chunk.bytes.to_vec())?;
                        fresh.push((*hash, length));
                        Taken::Stored
                    }
                }
            };
            taken.push(TakenChunk { hash: chunk.hash, no: chunk.no, taken: outcome });
        }
        if !fresh.is_empty() {
            table.put_chunks(self.now, device, day(self.now), &fresh)?;
        }
        // The last chunk of each blob says what became of the whole.
        let mut asked = BTreeSet::new();
        for one in taken.iter_mut().rev() {
            if one.taken == Taken::Stored && asked.insert(one.hash) {
                let offers = table.offers(device, one.hash)?;
                let wanted = offers.first().map(|offer| offer.chunks.clone()).unwrap_or_default();
                let stored = table.stored(&wanted)?;
                if wanted.iter().all(|chunk| stored.contains(chunk)) {
                    one.taken = self.finish(one.hash)?;
                }
            }
        }
        Ok(taken)
    }

    /// Reads a blob back whose chunks are all here, checks the whole and every document's claim, and holds it.
    fn finish(&self, hash: BlobHash) -> Result<Taken, BlobsError> {
        let Blobs { table, .. } = self.blobs;
        let (device, user) = (self.caller.device.id, self.caller.user.id);
        let offers = table.offers(device, hash)?;
        let Some(first) = offers.first() else { return Ok(Taken::NotOffered) };
        let _place = self.blobs.whole.enter();
        let Some(pieces) = self.blobs.whole(&first.chunks)? else { return Ok(Taken::NotOffered) };
        let bytes = pieces.concat();
        let content = match first.role {
            Role::Original => Content::of(&bytes),
            Role::Thumbnail => Content::of_thumbnail(&bytes),
        };
        let content = match content {
            _ if BlobHash::of(&bytes) != hash => {
                table.drop_offers(device, hash)?;
                return Ok(taken_refused("wrong_hash", "the whole is not what its name says"));
            }
            Err(error) => {
                table.drop_offers(device, hash)?;
                return Ok(taken_refused("content", &error.to_string()));
            }
            Ok(content) => content,
        };
        let proven = |offer: &&Offer| offer.chunks == first.chunks && proof(offer.doc, [&bytes]) == offer.proof;
        let docs: Vec<DocId> = offers.iter().filter(proven).map(|offer| offer.doc).collect();
        if docs.is_empty() {
            table.drop_offers(device, hash)?;
            return Ok(taken_refused("wrong_proof", "the device does not have it"));
        }
        let held = Held {
            hash,
            bytes: first.bytes,
            mime: content.mime().to_owned(),
            kind: first.kind.clone(),
            role: first.role,
            chunks: first.chunks.clone(),
        };
        table.hold(self.now, (device, user), &held, &docs)?;
        Ok(Taken::Held { docs })
    }

    fn receipts(&self, docs: &[DocId]) -> Result<Vec<Receipt>, BlobsError> {
        let mut receipts = Vec::new();
        for doc in docs.iter().copied() {
            let Some(named) = self.named(doc)? else { continue };
            let held_of = || Ok::<_, BlobsError>(self.blobs.table.held_of(&[doc])?.remove(&doc).unwrap_or_default());
            self.blobs.find(self.now, &self.blobs.table.some_lost(Some(doc), PHOTOS_OF_VISIT_MAX)?)?;
            // A receipt lets originals go: what it names is there.
            let mut held = held_of()?;
            if !self.blobs.are_there(&held)? {
                held = held_of()?;
            }
            receipts.push(Receipt { doc, hashes: held.intersection(&named).copied().collect() });
        }
        Ok(receipts)
    }

    fn fetch(&self, hash: BlobHash, doc: DocId, no: u32) -> Result<BlobSaid, BlobsError> {
        let drains = self.caller.standing == Standing::DrainOnly;
        if drains || !self.blobs.may_have(&self.caller.user, &self.reach, doc, hash)? {
            return Ok(BlobSaid::NotGiven { hash });
        }
        let Some(held) = self.blobs.table.held(hash)? else { return Ok(BlobSaid::NotGiven { hash }) };
        let Some(chunk) = held.chunks.get(usize::try_from(no).unwrap_or(usize::MAX)) else { return Ok(BlobSaid::NotGiven { hash }) };
        let Some(mut pieces) = self.blobs.whole(&[*chunk])? else { return Ok(BlobSaid::NotGiven { hash }) };
        let bytes = ByteVec::from(pieces.pop().unwrap_or_default());
        let Held { bytes: length, mime, role, kind, chunks, .. } = held;
        Ok(BlobSaid::Given { chunk: Chunk { hash, no, bytes }, bytes: length, mime, role, kind, chunks })
    }
}

fn day(now: Ms) -> i64 {
    now.0.div_euclid(DAY_MS)
}
fn refused(code: &str, why: &str) -> Stands {
    Stands::Refused { code: code.to_owned(), why: why.to_owned() }
}
fn later(code: &str, why: &str) -> Stands {
    Stands::Later { code: code.to_owned(), why: why.to_owned() }
}
fn taken_refused(code: &str, why: &str) -> Taken {
    Taken::Refused { code: code.to_owned(), why: why.to_owned() }
}
