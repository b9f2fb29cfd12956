//! What the store knows of photos and files: which there are, which documents name them, and what became of them at headquarters.
//! Their bytes are files beside the store's: `blobs::folder`.

use rusqlite::{OptionalExtension, Row, params};

use super::{Reading, StoreError, Writing, count, int};
use crate::blobs::exchange::AGAIN_MS;
use crate::blobs::{BlobHash, Missing, Role};
use crate::ids::{DocId, Ms};

/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// A photo or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRow {
    /// Its name.
    pub hash: BlobHash,
    /// Original or thumbnail.
    pub role: Role,
    /// Code of value set `photo_kind`.
    pub kind: String,
    /// Its media type.
    pub mime: String,
    /// How many bytes it has.
    pub bytes: usize,
    /// When it was taken, by the device's clock; 0: elsewhere.
    pub taken_at: Ms,
    /// Hashes of its chunks.
    pub chunks: Vec<BlobHash>,
    /// The whole file is in the folder.
    pub here: bool,
    /// Chunks that headquarters lacks, as it last said; `None`: not asked yet.
    pub wanted: Option<Missing>,
    /// Chunks that are still to be fetched; `None`: nothing is being fetched.
    pub lacking: Option<Missing>,
}

/// What became of a photo, for one document that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameState {
    /// Headquarters does not hold it yet.
    Waiting,
    /// Headquarters holds it.
    Held,
    /// Headquarters does not take it, or its file is damaged.
    Refused,
    /// Headquarters holds it and everything else of the document.
    Complete,
    /// Another device took it; it was fetched from headquarters.
    Fetched,
}

impl NameState {
    const fn code(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Held => 1,
            Self::Refused => 2,
            Self::Complete => 3,
            Self::Fetched => 4,
        }
    }
    fn of(code: i64) -> Result<Self, StoreError> {
        [Self::Waiting, Self::Held, Self::Refused, Self::Complete, Self::Fetched]
            .into_iter()
            .find(|state| state.code() == code)
            .ok_or(StoreError::Damaged { what: "state of a photo" })
    }
}

/// A document that names a photo of this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobName {
    /// The document.
    pub doc: DocId,
    /// The photo.
    pub hash: BlobHash,
    /// Its thumbnail.
    pub thumbnail: Option<BlobHash>,
    /// See `blobs::proof`.
    pub proof: [u8; HASH_BYTES],
    /// What became of it.
    pub state: NameState,
    /// Not to be offered before; of one that is complete or fetched: since when that is known.
    pub again: Option<Ms>,
    /// Why it was refused or put off: a code.
    pub reason: String,
}

/// How many photos wait for headquarters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlobsWaiting {
    /// Originals.
    pub originals: u64,
    /// Thumbnails.
    pub thumbnails: u64,
    /// Bytes of both.
    pub bytes: u64,
}

const BLOB: &str = "SELECT b.hash, b.role, b.kind, b.mime, b.bytes, b.taken_ms, b.chunks, b.here, b.wanted, b.lacking FROM blob b";
const NAME: &str =
    "SELECT n.doc, n.hash, n.thumbnail, n.proof, n.state, n.again_ms, n.reason FROM blob_name n JOIN blob b ON b.hash = n.hash";

impl Reading<'_> {
    /// A photo that this device knows.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn blob(&self, hash: BlobHash) -> Result<Option<BlobRow>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!("{BLOB} WHERE b.hash = ?1"))?;
        Ok(find.query_row([hash.0], blob_row).optional()?)
    }

    /// The photos that a document names, in the order in which they were taken in.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn blobs_of(&self, doc: DocId) -> Result<Vec<BlobName>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!("{NAME} WHERE n.doc = ?1 ORDER BY b.no"))?;
        let rows = find.query_map([doc.as_bytes()], blob_name)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }

    /// What of a role is to be handed in now: waiting, here, named by a document that is no draft any more. Oldest first, at most `max`.
    /// What was put off for longer than anything is, was so while the clock was wrong: it is due.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn blobs_to_send(&self, role: Role, now: Ms, max: usize) -> Result<Vec<(BlobRow, BlobName)>, StoreError> {
        let sql = format!(
            "{NAME} WHERE n.state = 0 AND n.state < 2 AND (n.again_ms <= ?1 OR n.again_ms > ?4) AND b.here = 1 AND b.role = ?2
               AND n.doc NOT IN (SELECT doc FROM draft)
             ORDER BY b.no LIMIT ?3"
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let names =
            find.query_map(params![now.0, role.code(), int(max), now.plus(AGAIN_MS).0], blob_name)?.collect::<Result<Vec<_>, _>>()?;
        let mut out = Vec::new();
        for name in names {
            let name = name?;
            if let Some(blob) = self.blob(name.hash)? {
                out.push((blob, name));
            }
        }
        Ok(out)
    }

    /// Documents of whose photos headquarters holds all, and whose receipt is still to come.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn blobs_to_receipt(&self, now: Ms, max: usize) -> Result<Vec<DocId>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT doc FROM blob_name WHERE doc IN (SELECT doc FROM blob_name WHERE state = 1 AND state < 2)
             GROUP BY doc HAVING sum(state IN (0, 2)) = 0 AND sum(state = 1 AND again_ms > ?1 AND again_ms <= ?3) = 0 ORDER BY doc LIMIT ?2",
        )?;
        Ok(find
            .query_map(params![now.0, int(max), now.plus(AGAIN_MS).0], |row| Ok(DocId::from_bytes(row.get(0)?)))?
            .collect::<Result<_, _>>()?)
    }

    /// Originals that are here and that no document needs to be here: headquarters has held them with everything of each document for
    /// `kept_ms`. A receipt of a time that is further ahead than that was given while the clock was wrong, and holds nothing up.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn originals_to_give_up(&self, now: Ms, kept_ms: i64) -> Result<Vec<BlobHash>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT b.hash FROM blob b WHERE b.role = 0 AND b.here = 1
               AND EXISTS (SELECT 1 FROM blob_name n WHERE n.hash = b.hash)
               AND NOT EXISTS (SELECT 1 FROM blob_name n
                               WHERE n.hash = b.hash AND (n.state < 3 OR (n.again_ms > ?1 AND n.again_ms <= ?2)))
             ORDER BY b.no",
        )?;
        let (from, to) = (now.0.saturating_sub(kept_ms), now.0.saturating_add(kept_ms));
        Ok(find.query_map([from, to], |row| Ok(BlobHash(row.get(0)?)))?.collect::<Result<_, _>>()?)
    }

    /// Documents that name a photo and of which headquarters holds everything.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn docs_complete_with(&self, hash: BlobHash) -> Result<Vec<DocId>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT doc FROM blob_name WHERE hash = ?1 AND state = 3")?;
        Ok(find.query_map([hash.0], |row| Ok(DocId::from_bytes(row.get(0)?)))?.collect::<Result<_, _>>()?)
    }

    /// What documents that are not held any more name, and nobody waits for: what was fetched, and what headquarters has held for `kept_ms`
    /// with everything of the document.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn names_to_forget(&self, now: Ms, kept_ms: i64) -> Result<Vec<(DocId, BlobHash)>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT n.doc, n.hash FROM blob_name n JOIN blob b ON b.hash = n.hash
             WHERE NOT EXISTS (SELECT 1 FROM document d WHERE d.doc = n.doc AND d.held = 1)
               AND (b.taken_ms = 0 OR (n.state = 3 AND NOT (n.again_ms > ?1 AND n.again_ms <= ?2)))",
        )?;
        let (from, to) = (now.0.saturating_sub(kept_ms), now.0.saturating_add(kept_ms));
        let names = find.query_map([from, to], |row| Ok((DocId::from_bytes(row.get(0)?), BlobHash(row.get(1)?))))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// How many photos wait for headquarters, those of drafts included.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn blobs_waiting(&self) -> Result<BlobsWaiting, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT coalesce(sum(role = 0), 0), coalesce(sum(role = 1), 0), coalesce(sum(bytes), 0) FROM blob
             WHERE hash IN (SELECT hash FROM blob_name WHERE state = 0 AND state < 2)",
        )?;
        Ok(find.query_row([], |row| {
            Ok(BlobsWaiting { originals: count(row.get(0)?), thumbnails: count(row.get(1)?), bytes: count(row.get(2)?) })
        })?)
    }

    /// Photos whose files belong in the folder: whole ones, and those that are being fetched.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn blob_files(&self) -> Result<(Vec<BlobHash>, Vec<BlobHash>), StoreError> {
        let all = |sql: &str| -> Result<Vec<BlobHash>, StoreError> {
            let mut find = self.conn.prepare_cached(sql)?;
            Ok(find.query_map([], |row| Ok(BlobHash(row.get(0)?)))?.collect::<Result<_, _>>()?)
        };
        Ok((all("SELECT hash FROM blob WHERE here = 1")?, all("SELECT hash FROM blob WHERE length(lacking) > 0")?))
    }
}

impl Writing<'_> {
    /// Writes a photo's row; one that is here stays here.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_blob(&mut self, blob: &BlobRow) -> Result<(), StoreError> {
        let chunks: Vec<u8> = blob.chunks.iter().flat_map(|hash| hash.0).collect();
        let bits = |missing: &Option<Missing>| missing.as_ref().map(|missing| missing.as_bytes().to_vec()).unwrap_or_default();
        self.conn
            .prepare_cached(
                "INSERT INTO blob (hash, role, kind, mime, bytes, taken_ms, chunks, here, wanted, lacking)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (hash) DO UPDATE SET here = max(here, excluded.here), taken_ms = max(taken_ms, excluded.taken_ms),
                   chunks = excluded.chunks, lacking = excluded.lacking",
            )?
            .execute(params![
                blob.hash.0,
                blob.role.code(),
                blob.kind,
                blob.mime,
                int(blob.bytes),
                blob.taken_at.0,
                chunks,
                blob.here,
                bits(&blob.wanted),
                bits(&blob.lacking),
            ])?;
        Ok(())
    }

    /// Notes that a document names a photo; one that is noted stays as it is.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_blob_name(&mut self, name: &BlobName) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "INSERT INTO blob_name (doc, hash, thumbnail, proof, state, again_ms, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (doc, hash) DO NOTHING",
            )?
            .execute(params![
                name.doc.as_bytes(),
                name.hash.0,
                name.thumbnail.as_ref().map_or(&[][..], |hash| hash.0.as_slice()),
                name.proof,
                name.state.code(),
                name.again.map_or(0, |at| at.0),
                name.reason,
            ])?;
        Ok(())
    }

    /// Notes what became of a photo for a document. What is complete or fetched stays so.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn settle_blob(&mut self, doc: DocId, hash: BlobHash, state: NameState, again: Option<Ms>, reason: &str) -> Result<(), StoreError> {
        let reason: String = reason.chars().take(super::REASON_CHARS_MAX).collect();
        self.conn
            .prepare_cached("UPDATE blob_name SET state = ?3, again_ms = ?4, reason = ?5 WHERE doc = ?1 AND hash = ?2 AND state < 3")?
            .execute(params![doc.as_bytes(), hash.0, state.code(), again.map_or(0, |at| at.0), reason])?;
        Ok(())
    }

    /// As [`Self::settle_blob`], for every document that names it and waits.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn settle_blob_everywhere(&mut self, hash: BlobHash, state: NameState, again: Option<Ms>, reason: &str) -> Result<(), StoreError> {
        let reason: String = reason.chars().take(super::REASON_CHARS_MAX).collect();
        self.conn
            .prepare_cached("UPDATE blob_name SET state = ?2, again_ms = ?3, reason = ?4 WHERE hash = ?1 AND state = 0")?
            .execute(params![hash.0, state.code(), again.map_or(0, |at| at.0), reason])?;
        Ok(())
    }

    /// Notes that headquarters holds everything of a document, and since when this is known.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn complete_blobs_of(&mut self, doc: DocId, now: Ms) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE blob_name SET state = 3, again_ms = ?2, reason = '' WHERE doc = ?1 AND state < 3")?
            .execute(params![doc.as_bytes(), now.0])?;
        Ok(())
    }

    /// Notes that a photo is here that a document names and that headquarters gave, with what only who has its bytes can say.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_fetched(&mut self, doc: DocId, hash: BlobHash, proof: &[u8; HASH_BYTES], now: Ms) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE blob_name SET proof = ?3, again_ms = ?4 WHERE doc = ?1 AND hash = ?2 AND state > 2")?
            .execute(params![doc.as_bytes(), hash.0, proof, now.0])?;
        Ok(())
    }

    /// Headquarters held a photo with everything of a document, and does not any more: it is handed in again if it is here.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn reopen_blob(&mut self, doc: DocId, hash: BlobHash) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "UPDATE blob_name SET state = 0, again_ms = 0, reason = '' WHERE doc = ?1 AND hash = ?2 AND state IN (1, 3)
                    AND EXISTS (SELECT 1 FROM blob WHERE hash = ?2 AND here = 1)",
            )?
            .execute(params![doc.as_bytes(), hash.0])?;
        self.put_wanted(hash, None)
    }

    /// Headquarters does not hold everything of a document any more: what is here of it stays for as long again.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_blobs_of(&mut self, doc: DocId, now: Ms) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE blob_name SET again_ms = ?2 WHERE doc = ?1 AND state = 3")?
            .execute(params![doc.as_bytes(), now.0])?;
        Ok(())
    }

    /// Puts the question for a document's receipt off.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_off_blobs_of(&mut self, doc: DocId, again: Ms) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE blob_name SET again_ms = ?2 WHERE doc = ?1 AND state < 2")?
            .execute(params![doc.as_bytes(), again.0])?;
        Ok(())
    }

    /// Notes which chunks headquarters lacks; `None`: it is to be asked again.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_wanted(&mut self, hash: BlobHash, wanted: Option<&Missing>) -> Result<(), StoreError> {
        let bits = wanted.map_or(&[][..], Missing::as_bytes);
        self.conn.prepare_cached("UPDATE blob SET wanted = ?2 WHERE hash = ?1")?.execute(params![hash.0, bits])?;
        Ok(())
    }

    /// Notes which chunks are still to be fetched.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_lacking(&mut self, hash: BlobHash, lacking: &Missing) -> Result<(), StoreError> {
        self.conn.prepare_cached("UPDATE blob SET lacking = ?2 WHERE hash = ?1")?.execute(params![hash.0, lacking.as_bytes()])?;
        Ok(())
    }

    /// Notes that the whole file is in the folder, or no longer. Nothing is being fetched then.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_here(&mut self, hash: BlobHash, here: bool) -> Result<(), StoreError> {
        self.conn.prepare_cached("UPDATE blob SET here = ?2, lacking = x'' WHERE hash = ?1")?.execute(params![hash.0, here])?;
        Ok(())
    }

    /// Forgets that documents name photos; returns those that nothing names any more. Their rows are gone too: their files are to be removed
    /// after the commit.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_blob_names(&mut self, names: &[(DocId, BlobHash)]) -> Result<Vec<BlobHash>, StoreError> {
        let mut drop_name = self.conn.prepare_cached("DELETE FROM blob_name WHERE doc = ?1 AND hash = ?2")?;
        let mut drop_blob =
            self.conn.prepare_cached("DELETE FROM blob WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM blob_name n WHERE n.hash = ?1)")?;
        let mut gone = Vec::new();
        for (doc, hash) in names {
            drop_name.execute(params![doc.as_bytes(), hash.0])?;
            if drop_blob.execute([hash.0])? > 0 {
                gone.push(*hash);
            }
        }
        Ok(gone)
    }

    /// Headquarters lost its tail (a new epoch) and may lack photos: everything that is still here is offered again.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn offer_blobs_again(&mut self) -> Result<(), StoreError> {
        self.conn.execute(
            "UPDATE blob_name SET state = 0, again_ms = 0, reason = '' WHERE state IN (1, 3, 4) AND hash IN (SELECT hash FROM blob WHERE here = 1)",
            [],
        )?;
        self.conn.execute("UPDATE blob SET wanted = x'' WHERE length(wanted) > 0", [])?;
        Ok(())
    }
}

fn blob_row(row: &Row<'_>) -> Result<BlobRow, rusqlite::Error> {
    let chunks: Vec<u8> = row.get(6)?;
    let bits = |at: usize| -> Result<Option<Missing>, rusqlite::Error> {
        let bytes: Vec<u8> = row.get(at)?;
        Ok((!bytes.is_empty()).then(|| Missing::from_bytes(&bytes)))
    };
    Ok(BlobRow {
        hash: BlobHash(row.get(0)?),
        role: Role::of(row.get(1)?),
        kind: row.get(2)?,
        mime: row.get(3)?,
        bytes: usize::try_from(count(row.get(4)?)).unwrap_or(usize::MAX),
        taken_at: Ms(row.get(5)?),
        chunks: chunks.chunks_exact(HASH_BYTES).filter_map(BlobHash::from_slice).collect(),
        here: row.get(7)?,
        wanted: bits(8)?,
        lacking: bits(9)?,
    })
}

fn blob_name(row: &Row<'_>) -> Result<Result<BlobName, StoreError>, rusqlite::Error> {
    let again: i64 = row.get(5)?;
    let (doc, hash, thumbnail, proof) = (DocId::from_bytes(row.get(0)?), BlobHash(row.get(1)?), row.get::<_, Vec<u8>>(2)?, row.get(3)?);
    let reason = row.get(6)?;
    Ok(NameState::of(row.get(4)?).map(|state| BlobName {
        doc,
        hash,
        thumbnail: BlobHash::from_slice(&thumbnail),
        proof,
        state,
        again: (again != 0).then_some(Ms(again)),
        reason,
    }))
}
