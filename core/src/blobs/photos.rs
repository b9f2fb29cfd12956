//! Photos of a replica: taken in beside a visit under way, named in its manifest at check-out, read, and given up some days after
//! headquarters says that it holds everything of their document.
//!
//! What is on disk and what the store says never disagree for long: a file is whole and synced before its row is written, a row is gone
//! before its file, and what a crash leaves between the two is swept at the next start.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::content::Content;
use super::exchange::ORIGINALS_KEPT_MS;
use super::folder::{BlobFolder, KEY_BYTES};
use super::{BlobError, BlobHash, PHOTOS_OF_VISIT_MAX, Role, chunk_hashes, proof};
use crate::ids::{DocId, Ms};
use crate::model::manifest::{self, Photo};
use crate::model::value::Value;
use crate::model::values::PHOTO_KIND;
use crate::replica::{Replica, ReplicaError, Stamp};
use crate::store::{BlobName, BlobRow, BlobsWaiting, NameState, Reading, StoreError};

/// Setting: the key of the files of photos, 32 bytes. Whoever can read the store can read the photos; nobody else.
const SETTING_KEY: &str = "blob_key";
/// Setting: how long an original stays after its receipt, in milliseconds, 8 bytes, big-endian.
const SETTING_KEPT: &str = "originals_kept_ms";

/// A photo or file to be taken in.
#[derive(Debug, Clone, Copy)]
pub struct NewPhoto<'a> {
    /// Code of value set `photo_kind`.
    pub kind: &'a str,
    /// The original: JPEG, PNG, WebP or PDF.
    pub bytes: &'a [u8],
    /// A small picture of it, made by the app.
    pub thumbnail: Option<&'a [u8]>,
    /// When it was taken, by the device's clock.
    pub taken_at: Ms,
}

/// A photo of a visit, as this device knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPhoto {
    /// The photo.
    pub photo: Photo,
    /// The original is on this device.
    pub here: bool,
    /// The thumbnail is on this device.
    pub thumbnail_here: bool,
    /// What became of the original at headquarters; `None`: this device neither took nor fetched it.
    pub state: Option<NameState>,
    /// Why it was refused or put off: a code.
    pub reason: String,
}

impl Replica {
    /// Takes a photo of a visit under way in: its bytes are durable and encrypted when this returns. Taking the same photo in twice changes
    /// nothing.
    ///
    /// # Errors
    /// [`BlobError`] in [`ReplicaError::Blob`], [`ReplicaError::Unknown`] when there is no such draft, [`ReplicaError::Store`].
    pub fn add_photo(&mut self, stamp: &Stamp, draft: DocId, new: &NewPhoto<'_>) -> Result<BlobHash, ReplicaError> {
        let _under_way = self.draft(draft)?;
        if PHOTO_KIND.code(new.kind).is_none() {
            return Err(BlobError::UnknownKind { kind: new.kind.to_owned() }.into());
        }
        let original = made(draft, new, new.bytes, Role::Original, Content::of(new.bytes).map_err(BlobError::from)?);
        let small = new.thumbnail.filter(|small| *small != new.bytes);
        let thumbnail = match small {
            Some(small) => Some((small, made(draft, new, small, Role::Thumbnail, Content::of_thumbnail(small).map_err(BlobError::from)?))),
            None => None,
        };
        let known = self.store().read(|read| read.blobs_of(draft))?;
        let again = known.iter().any(|name| name.hash == original.0.hash);
        if !again && self.manifest_of(draft)?.len() >= PHOTOS_OF_VISIT_MAX {
            return Err(BlobError::TooMany.into());
        }
        let folder = self.folder_for_writing(stamp)?;
        // A backup without its photos brings names of files that are not here.
        if again && folder.holds(original.0.hash) {
            return Ok(original.0.hash);
        }
        let (row, mut name) = original;
        name.thumbnail = thumbnail.as_ref().map(|(_, (row, _))| row.hash);
        let rows = [Some((new.bytes, (row, name))), thumbnail];
        for (bytes, (row, _)) in rows.iter().flatten() {
            if !folder.holds(row.hash) {
                folder.put(row.hash, bytes)?;
            }
        }
        self.store_mut().write(|write| {
            for (_, (row, name)) in rows.iter().flatten() {
                write.put_blob(row)?;
                write.put_blob_name(name)?;
                write.settle_blob(draft, row.hash, NameState::Waiting, None, "")?;
            }
            Ok::<_, ReplicaError>(())
        })?;
        Ok(rows.iter().flatten().next().map_or(BlobHash::of(new.bytes), |(_, (row, _))| row.hash))
    }

    /// Takes a photo of a visit under way back.
    ///
    /// # Errors
    /// [`ReplicaError::Unknown`] when there is no such draft, [`ReplicaError::Store`], [`ReplicaError::Blob`].
    pub fn remove_photo(&mut self, draft: DocId, hash: BlobHash) -> Result<(), ReplicaError> {
        let _under_way = self.draft(draft)?;
        let names = self.store().read(|read| read.blobs_of(draft))?;
        let thumbnail = names.iter().find(|name| name.hash == hash).and_then(|name| name.thumbnail);
        // Another photo of the visit may have the same thumbnail.
        let shared = names.iter().any(|name| name.hash != hash && name.thumbnail.is_some() && name.thumbnail == thumbnail);
        let gone: Vec<_> = [Some(hash), thumbnail.filter(|_| !shared)].into_iter().flatten().map(|hash| (draft, hash)).collect();
        self.forget_names(&gone)
    }

    fn forget_names(&mut self, names: &[(DocId, BlobHash)]) -> Result<(), ReplicaError> {
        let gone = self.store_mut().write(|write| write.drop_blob_names(names))?;
        self.remove_photo_files(&gone)
    }

    /// Removes files that no row speaks of any more; what a crash leaves is swept at the next start.
    pub(crate) fn remove_photo_files(&self, gone: &[BlobHash]) -> Result<(), ReplicaError> {
        if let Some(folder) = self.folder()? {
            gone.iter().try_for_each(|hash| folder.remove(*hash))?;
        }
        Ok(())
    }

    /// The photos taken in beside a visit, in order: its manifest.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn manifest_of(&self, doc: DocId) -> Result<Vec<Photo>, ReplicaError> {
        self.store().read(|read| {
            let mut photos = Vec::new();
            for name in read.blobs_of(doc)? {
                let Some(blob) = read.blob(name.hash)?.filter(|blob| blob.role == Role::Original) else { continue };
                photos.push(Photo {
                    hash: blob.hash,
                    thumbnail: name.thumbnail,
                    kind: blob.kind,
                    mime: blob.mime,
                    bytes: i64::try_from(blob.bytes).unwrap_or(i64::MAX),
                    taken_at: blob.taken_at,
                });
            }
            Ok(photos)
        })
    }

    /// As [`Self::manifest_of`], as it is sealed; `None` when there are no photos.
    pub(crate) fn manifest_value(&self, doc: DocId) -> Result<Option<Value>, ReplicaError> {
        let photos = self.manifest_of(doc)?;
        Ok((!photos.is_empty()).then(|| manifest::to_value(&photos)))
    }

    /// The photos of a visit, sealed or under way, with what this device knows of each.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn photos(&self, doc: DocId) -> Result<Vec<KnownPhoto>, ReplicaError> {
        let photos = match self.visit(doc)? {
            Some(visit) => visit.photos(),
            None => self.manifest_of(doc)?,
        };
        self.store().read(|read| {
            let names = read.blobs_of(doc)?;
            let here = |hash: Option<BlobHash>| -> Result<bool, ReplicaError> {
                let Some(hash) = hash else { return Ok(false) };
                Ok(read.blob(hash)?.is_some_and(|blob| blob.here))
            };
            let mut known = Vec::new();
            for photo in photos {
                let name = names.iter().find(|name| name.hash == photo.hash);
                known.push(KnownPhoto {
                    here: here(Some(photo.hash))?,
                    thumbnail_here: here(photo.thumbnail)?,
                    state: name.map(|name| name.state),
                    reason: name.map(|name| name.reason.clone()).unwrap_or_default(),
                    photo,
                });
            }
            Ok(known)
        })
    }

    /// The bytes of a photo or thumbnail that is on this device, checked against its hash.
    ///
    /// # Errors
    /// [`BlobError::NotHere`] and [`BlobError::Damaged`] in [`ReplicaError::Blob`], [`ReplicaError::Store`].
    pub fn photo_bytes(&self, hash: BlobHash) -> Result<Vec<u8>, ReplicaError> {
        let blob = self.store().read(|read| read.blob(hash))?.filter(|blob| blob.here).ok_or(BlobError::NotHere { hash })?;
        let folder = self.folder()?.ok_or(BlobError::NoFolder)?;
        Ok(folder.read(hash, blob.bytes)?)
    }

    /// How many photos wait for headquarters, those of visits under way included.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn photos_waiting(&self) -> Result<BlobsWaiting, ReplicaError> {
        Ok(self.store().read(|read| read.blobs_waiting())?)
    }

    /// From now on an original leaves this device so long after the receipt that frees it; otherwise after [`ORIGINALS_KEPT_MS`]. Less than
    /// nothing is nothing: it leaves at once.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn keep_originals(&mut self, ms: i64) -> Result<(), ReplicaError> {
        Ok(self.store_mut().write(|write| write.put_setting(SETTING_KEPT, &ms.max(0).to_be_bytes()))?)
    }

    /// Originals that have been here for long enough, each with the documents of which headquarters is to say first that it holds them still.
    pub(super) fn originals_due(&self, now: Ms) -> Result<BTreeMap<BlobHash, Vec<DocId>>, ReplicaError> {
        self.store().read(|read| {
            let due = read.originals_to_give_up(now, kept(read)?)?.into_iter();
            due.map(|hash| Ok((hash, read.docs_complete_with(hash)?))).collect()
        })
    }

    /// Gives up originals that headquarters has held with everything of their documents for long enough, and holds still, and those that
    /// were fetched as long ago.
    pub(crate) fn give_up_originals(&mut self, now: Ms) -> Result<(), ReplicaError> {
        let confirmed = std::mem::take(&mut self.asked().confirmed);
        let due = self.originals_due(now)?.into_iter();
        let hashes: Vec<BlobHash> = due.filter(|(_, docs)| docs.iter().all(|doc| confirmed.contains(doc))).map(|(hash, _)| hash).collect();
        if hashes.is_empty() {
            return Ok(());
        }
        self.store_mut().write(|write| hashes.iter().try_for_each(|hash| write.put_here(*hash, false)))?;
        if let Some(folder) = self.folder()? {
            hashes.iter().try_for_each(|hash| folder.remove(*hash))?;
        }
        Ok(())
    }

    /// Photos leave with the documents that name them, but for what is still to be handed in.
    pub(crate) fn forget_photos_of_forgotten(&mut self, now: Ms) -> Result<(), ReplicaError> {
        let names = self.store().read(|read| read.names_to_forget(now, kept(read)?))?;
        if names.is_empty() {
            return Ok(());
        }
        self.forget_names(&names)
    }

    /// The folder of photos; `None` for a replica in memory, or one that never had a photo.
    pub(crate) fn folder(&self) -> Result<Option<BlobFolder>, ReplicaError> {
        let Some(path) = self.store().path().map(BlobFolder::beside) else { return Ok(None) };
        let key = self.store().read(|read| read.setting(SETTING_KEY))?;
        let Some(key) = key.and_then(|key| <[u8; KEY_BYTES]>::try_from(key).ok()) else { return Ok(None) };
        Ok(Some(BlobFolder::open(path, key)?))
    }

    /// As [`Self::folder`]; the key is made with the first photo, from the randomness of the process and of the stamp.
    pub(crate) fn folder_for_writing(&mut self, stamp: &Stamp) -> Result<BlobFolder, ReplicaError> {
        if let Some(folder) = self.folder()? {
            return Ok(folder);
        }
        if self.store().path().is_none() {
            return Err(BlobError::NoFolder.into());
        }
        let mut hasher = Sha256::new();
        hasher.update(b"roadbook-blob-folder-v1");
        hasher.update(self.process());
        hasher.update(stamp.entropy);
        let key: [u8; KEY_BYTES] = hasher.finalize().into();
        self.store_mut().write(|write| write.put_setting(SETTING_KEY, &key))?;
        self.folder()?.ok_or_else(|| BlobError::NoFolder.into())
    }

    /// Removes what a crash left in the folder of photos, and what left with its document.
    pub(crate) fn sweep_photos(&mut self, now: Ms) -> Result<(), ReplicaError> {
        self.forget_photos_of_forgotten(now)?;
        let Some(folder) = self.folder()? else { return Ok(()) };
        let (whole, coming) = self.store().read(|read| read.blob_files())?;
        let _swept = folder.sweep(&whole.into_iter().collect::<BTreeSet<_>>(), &coming.into_iter().collect())?;
        Ok(())
    }
}

/// How long an original stays after its receipt, in milliseconds.
fn kept(read: &Reading<'_>) -> Result<i64, StoreError> {
    let kept = read.setting(SETTING_KEPT)?.and_then(|kept| Some(i64::from_be_bytes(kept.try_into().ok()?)));
    Ok(kept.unwrap_or(ORIGINALS_KEPT_MS))
}

/// The rows of a photo that is taken in.
fn made(doc: DocId, new: &NewPhoto<'_>, bytes: &[u8], role: Role, content: Content) -> (BlobRow, BlobName) {
    let hash = BlobHash::of(bytes);
    let row = BlobRow {
        hash,
        role,
        kind: new.kind.to_owned(),
        mime: content.mime().to_owned(),
        bytes: bytes.len(),
        taken_at: new.taken_at.max(Ms(1)),
        chunks: chunk_hashes(bytes),
        here: true,
        wanted: None,
        lacking: None,
    };
    let proof = proof(doc, [bytes]);
    let name = BlobName { doc, hash, thumbnail: None, proof, state: NameState::Waiting, again: None, reason: String::new() };
    (row, name)
}
