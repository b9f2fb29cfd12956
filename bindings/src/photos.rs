//! Photos and files: taken in beside a visit under way, handed in by chunks after all text, fetched when somebody looks at them. Each is
//! one call to the core.

use roadbook_core::blobs::exchange::{BlobStep, Link};
use roadbook_core::blobs::photos::{KnownPhoto, NewPhoto};
use roadbook_core::blobs::wire::BLOBS_PATH;
use roadbook_core::ids::{BlobHash, DocId, Ms};
use roadbook_core::replica::Stamp;
use roadbook_core::store::NameState;

use crate::book::Roadbook;
use crate::edge;
use crate::error::RoadbookError;
use crate::exchange::{Arrived, Outgoing};

/// An hour in milliseconds.
const HOUR_MS: i64 = 3_600_000;

uniffi::custom_type!(BlobHash, String, { remote, try_lift: |text| Ok(text.parse().map_err(RoadbookError::from)?), lower: |hash| hash.to_string() });

/// How a photo stands at headquarters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PhotoState {
    /// Another device took it.
    Elsewhere,
    /// It waits to be handed in (待传).
    Waiting,
    /// Headquarters holds it.
    Held,
    /// Headquarters does not take it, or its file is damaged: see the reason.
    Refused,
    /// Headquarters holds it and every other photo of the visit; the original leaves this device some days later.
    Complete,
}

/// A photo of a visit.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Photo {
    /// Its name: the SHA-256 of its bytes.
    pub hash: BlobHash,
    /// Its small picture.
    pub thumbnail: Option<BlobHash>,
    /// Code of value set `photo_kind`.
    pub kind: String,
    /// Media type of the original.
    pub mime: String,
    /// Bytes of the original.
    pub bytes: i64,
    /// When it was taken, by the device's clock.
    pub taken_at: Ms,
    /// The original is on this device.
    pub here: bool,
    /// The thumbnail is on this device.
    pub thumbnail_here: bool,
    /// How it stands at headquarters.
    pub state: PhotoState,
    /// Why it was refused or put off: a code; empty otherwise.
    pub reason: String,
}

/// How many photos wait for headquarters.
#[derive(Debug, Clone, Copy, uniffi::Record)]
pub struct PhotosWaiting {
    /// Originals.
    pub originals: u64,
    /// Thumbnails.
    pub thumbnails: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// What to do next about photos.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum PhotoStep {
    /// Text waits: exchange it first.
    TextFirst,
    /// Send this, and hand what arrives to `photo_response`.
    Send {
        /// The request.
        request: Outgoing,
    },
    /// Photos wait for a line that is not metered.
    Paused {
        /// How many.
        photos: u64,
    },
    /// Nothing to do now.
    Rest,
}

/// What an answer about photos did.
#[derive(Debug, Clone, Default, uniffi::Record)]
pub struct PhotosDone {
    /// Chunks that headquarters stored, or that were fetched.
    pub chunks: u64,
    /// Photos and thumbnails that headquarters now holds.
    pub held: u64,
    /// What headquarters does not take: a hash, a colon, the reason.
    pub refused: Vec<String>,
    /// Visits of which headquarters holds every photo.
    pub complete: Vec<DocId>,
    /// A photo that is now wholly on this device.
    pub fetched: Option<BlobHash>,
}

impl From<KnownPhoto> for Photo {
    fn from(known: KnownPhoto) -> Self {
        let state = match known.state {
            None | Some(NameState::Fetched) => PhotoState::Elsewhere,
            Some(NameState::Waiting) => PhotoState::Waiting,
            Some(NameState::Held) => PhotoState::Held,
            Some(NameState::Refused) => PhotoState::Refused,
            Some(NameState::Complete) => PhotoState::Complete,
        };
        let KnownPhoto { photo, here, thumbnail_here, reason, .. } = known;
        Self {
            hash: photo.hash,
            thumbnail: photo.thumbnail,
            kind: photo.kind,
            mime: photo.mime,
            bytes: photo.bytes,
            taken_at: photo.taken_at,
            here,
            thumbnail_here,
            state,
            reason,
        }
    }
}

#[uniffi::export]
impl Roadbook {
    /// Takes a photo of a visit under way in: JPEG, PNG, WebP or PDF, at most 10 MB and 40 megapixels. `thumbnail` is a small picture of it
    /// (some 20 KB) that the app makes; it arrives first and stays on the device. `kind` is a code of value set `photo_kind`. The bytes are
    /// encrypted and durable when this returns.
    ///
    /// # Errors
    /// `PhotoRefused`, `NotHere`, `StorageFull`.
    pub fn add_photo(
        &self,
        draft: DocId,
        kind: String,
        bytes: Vec<u8>,
        thumbnail: Option<Vec<u8>>,
        taken_at: Ms,
    ) -> Result<BlobHash, RoadbookError> {
        let new = NewPhoto { kind: &kind, bytes: &bytes, thumbnail: thumbnail.as_deref(), taken_at };
        self.write(|replica, stamp| replica.add_photo(stamp, draft, &new))
    }

    /// Takes a photo of a visit under way back.
    ///
    /// # Errors
    /// `NotHere`, `StorageFull`.
    pub fn remove_photo(&self, draft: DocId, photo: BlobHash) -> Result<(), RoadbookError> {
        self.write(|replica, _| replica.remove_photo(draft, photo))
    }

    /// The photos of a visit, sealed or under way.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn photos(&self, visit: DocId) -> Result<Vec<Photo>, RoadbookError> {
        Ok(self.read().photos(visit)?.into_iter().map(Photo::from).collect())
    }

    /// The bytes of a photo or thumbnail that is on this device.
    ///
    /// # Errors
    /// `NotHere`: fetch it. `StorageDamaged`.
    pub fn photo_bytes(&self, photo: BlobHash) -> Result<Vec<u8>, RoadbookError> {
        Ok(self.read().photo_bytes(photo)?)
    }

    /// How many photos wait for headquarters.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn photos_waiting(&self) -> Result<PhotosWaiting, RoadbookError> {
        let waiting = self.read().photos_waiting()?;
        Ok(PhotosWaiting { originals: waiting.originals, thumbnails: waiting.thumbnails, bytes: waiting.bytes })
    }

    /// From now on an original leaves this device so many hours after headquarters said that it holds every photo of the visit; otherwise
    /// after 72. What is still here is handed in again to a headquarters that comes back from a backup; 0 saves room, and forgoes that.
    ///
    /// # Errors
    /// `StorageFull`, `StorageDamaged`.
    pub fn keep_originals(&self, hours: u32) -> Result<(), RoadbookError> {
        Ok(self.hold().keep_originals(i64::from(hours) * HOUR_MS)?)
    }

    /// What to do next about photos. On a metered line thumbnails go and photos wait.
    ///
    /// # Errors
    /// `NotEnrolled`, `KeyUnusable`, `StorageDamaged`.
    pub fn photo_step(&self, metered: bool) -> Result<PhotoStep, RoadbookError> {
        let (device, step) = {
            let mut replica = self.hold();
            (replica.device()?, replica.blob_step(edge::now(), Link { metered })?)
        };
        Ok(match step {
            BlobStep::TextFirst => PhotoStep::TextFirst,
            BlobStep::Send(body) => PhotoStep::Send { request: self.signed("POST", BLOBS_PATH, Some(device), body)? },
            BlobStep::Paused { photos } => PhotoStep::Paused { photos },
            BlobStep::Rest => PhotoStep::Rest,
        })
    }

    /// The next request of fetching a photo that a visit names; none when it is on this device.
    ///
    /// # Errors
    /// `NotEnrolled`, `KeyUnusable`, `StorageFull`.
    pub fn fetch_photo(&self, visit: DocId, photo: BlobHash) -> Result<Option<Outgoing>, RoadbookError> {
        let (device, body) = {
            let mut replica = self.hold();
            let author = replica.profile()?.ok_or(RoadbookError::NotEnrolled)?.user;
            let stamp = Stamp { author, now: edge::now(), entropy: edge::random()? };
            (replica.device()?, replica.fetch_step(&stamp, visit, photo)?)
        };
        body.map(|body| self.signed("POST", BLOBS_PATH, Some(device), body)).transpose()
    }

    /// Takes in what arrived for a step or a fetch. Losing it costs time and nothing else.
    ///
    /// # Errors
    /// `Revoked`, `ServerRefused` (503: wait as it says, nothing is lost), `AnswerUnreadable`, `UpdateNeeded`, `StorageFull`.
    pub fn photo_response(&self, arrived: Arrived) -> Result<PhotosDone, RoadbookError> {
        if arrived.status != 200 {
            // A clock that was wrong is right now: the step is made again.
            self.refusal(&arrived)?;
            return Ok(PhotosDone::default());
        }
        let done = self.hold().take_blob_answer(&arrived.body, edge::now())?;
        self.tell();
        Ok(PhotosDone {
            chunks: done.chunks as u64,
            held: done.held as u64,
            refused: done.refused.into_iter().map(|(hash, why)| format!("{hash}: {why}")).collect(),
            complete: done.complete,
            fetched: done.fetched,
        })
    }
}
