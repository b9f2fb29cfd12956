//! What the server knows of blobs: which are held, which documents name them, what devices offer. SQL only; never bytes, never rights.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roadbook_core::blobs::wire::Offer;
use roadbook_core::blobs::{BlobHash, Role};
use roadbook_core::ids::{DeviceId, DocId, Ms, UserId};
use rusqlite::{OptionalExtension, Row, params};

use crate::database::Database;

/// The schema steps of this room, oldest first; see `storage` for the ladder that they are part of.
pub(crate) const MIGRATION_1: &str = include_str!("migrations/0001_blobs.sql");
/// The chunks that held blobs are made of.
pub(crate) const MIGRATION_PIECES: &str = include_str!("migrations/0002_pieces.sql");
/// Held blobs that are not whole any more.
pub(crate) const MIGRATION_LOST: &str = include_str!("migrations/0003_lost.sql");

const HASH_BYTES: usize = 32;

/// A blob that is held for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub hash: BlobHash,
    /// How many bytes it has.
    pub bytes: u64,
    /// Its media type, by its content.
    pub mime: String,
    /// Code of value set `photo_kind`.
    pub kind: String,
    /// Original or thumbnail.
    pub role: Role,
    /// Hashes of its chunks.
    pub chunks: Vec<BlobHash>,
}

/// How much a device has handed in and is about to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Bytes of what it handed in and is held.
    pub held: u64,
    /// Bytes of what it offers.
    pub offered: u64,
}

/// The tables.
#[derive(Clone)]
pub struct BlobTable {
    database: Arc<Database>,
}

type Result<T> = std::result::Result<T, rusqlite::Error>;

impl BlobTable {
    /// Over the server's file.
    #[must_use]
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// A blob that is held.
    ///
    /// # Errors
    /// When the database fails.
    pub fn held(&self, hash: BlobHash) -> Result<Option<Held>> {
        self.known(hash, false)
    }

    /// A blob that was held, and of which a chunk is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lost(&self, hash: BlobHash) -> Result<Option<Held>> {
        self.known(hash, true)
    }

    fn known(&self, hash: BlobHash, lost: bool) -> Result<Option<Held>> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT hash, bytes, mime, kind, role, chunks FROM blob WHERE hash = ?1 AND lost = ?2")?;
            find.query_row(params![hash.0, lost], |row| {
                Ok(Held {
                    hash: BlobHash(row.get(0)?),
                    bytes: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
                    mime: row.get(2)?,
                    kind: row.get(3)?,
                    role: Role::of(row.get(4)?),
                    chunks: hashes(row, 5)?,
                })
            })
            .optional()
        })
    }

    /// Whether a document's claim to a held blob stands.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_named(&self, doc: DocId, hash: BlobHash) -> Result<bool> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT 1 FROM blob_name n JOIN blob b ON b.hash = n.hash WHERE n.doc = ?1 AND n.hash = ?2 AND b.lost = 0",
            )?;
            find.exists(params![doc.as_bytes(), hash.0])
        })
    }

    /// What is held of each of these documents.
    ///
    /// # Errors
    /// When the database fails.
    pub fn held_of(&self, docs: &[DocId]) -> Result<BTreeMap<DocId, BTreeSet<BlobHash>>> {
        self.database.read(|tx| {
            let mut find =
                tx.prepare_cached("SELECT n.hash FROM blob_name n JOIN blob b ON b.hash = n.hash WHERE n.doc = ?1 AND b.lost = 0")?;
            let mut all = BTreeMap::new();
            for doc in docs {
                let held = find.query_map([doc.as_bytes()], |row| Ok(BlobHash(row.get(0)?)))?.collect::<Result<BTreeSet<_>>>()?;
                all.insert(*doc, held);
            }
            Ok(all)
        })
    }

    /// How many originals are held of each of these documents.
    ///
    /// # Errors
    /// When the database fails.
    pub fn originals_of(&self, docs: &[DocId]) -> Result<BTreeMap<DocId, u32>> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT count(*) FROM blob_name n JOIN blob b ON b.hash = n.hash WHERE n.doc = ?1 AND b.role = 0 AND b.lost = 0",
            )?;
            docs.iter().map(|doc| Ok((*doc, find.query_row([doc.as_bytes()], |row| row.get(0))?))).collect()
        })
    }

    /// What a device has handed in and offers. Looks at every photo that it ever handed in: once a question, not once a photo.
    ///
    /// # Errors
    /// When the database fails.
    pub fn used(&self, device: DeviceId) -> Result<Used> {
        self.database.read(|tx| {
            let sum = |sql: &str| -> Result<u64> {
                let sum = tx.prepare_cached(sql)?.query_row([device.as_bytes()], |row| row.get::<_, i64>(0))?;
                Ok(u64::try_from(sum).unwrap_or(0))
            };
            Ok(Used {
                held: sum("SELECT coalesce(sum(b.bytes), 0) FROM blob b WHERE b.hash IN (SELECT hash FROM blob_name WHERE device = ?1)")?,
                offered: sum("SELECT coalesce(sum(bytes), 0) FROM (SELECT DISTINCT hash, bytes FROM blob_offer WHERE device = ?1)")?,
            })
        })
    }

    /// Bytes that a device handed in on a day.
    ///
    /// # Errors
    /// When the database fails.
    pub fn handed_in_on(&self, device: DeviceId, day: i64) -> Result<u64> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT coalesce(sum(bytes), 0) FROM blob_day WHERE device = ?1 AND day = ?2")?;
            let sum = find.query_row(params![device.as_bytes(), day], |row| row.get::<_, i64>(0))?;
            Ok(u64::try_from(sum).unwrap_or(0))
        })
    }

    /// Notes an offer; one for the same blob, device and document is replaced.
    ///
    /// # Errors
    /// When the database fails.
    pub fn offer(&self, now: Ms, device: DeviceId, offer: &Offer) -> Result<()> {
        let chunks: Vec<u8> = offer.chunks.iter().flat_map(|hash| hash.0).collect();
        self.database.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO blob_offer (hash, device, doc, proof, bytes, kind, role, chunks, offered_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (hash, device, doc) DO UPDATE SET proof = excluded.proof, bytes = excluded.bytes, kind = excluded.kind,
                   role = excluded.role, chunks = excluded.chunks, offered_ms = excluded.offered_ms",
            )?
            .execute(params![
                offer.hash.0,
                device.as_bytes(),
                offer.doc.as_bytes(),
                offer.proof,
                i64::try_from(offer.bytes).unwrap_or(i64::MAX),
                offer.kind,
                offer.role.code(),
                chunks,
                now.0,
            ])?;
            Ok(())
        })
    }

    /// What a device offers of a blob: one for each document.
    ///
    /// # Errors
    /// When the database fails.
    pub fn offers(&self, device: DeviceId, hash: BlobHash) -> Result<Vec<Offer>> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT hash, doc, proof, bytes, role, kind, offered_ms, chunks FROM blob_offer WHERE hash = ?1 AND device = ?2 ORDER BY doc",
            )?;
            let rows = find.query_map(params![hash.0, device.as_bytes()], |row| {
                Ok(Offer {
                    hash: BlobHash(row.get(0)?),
                    doc: DocId::from_bytes(row.get(1)?),
                    proof: row.get(2)?,
                    bytes: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
                    role: Role::of(row.get(4)?),
                    kind: row.get(5)?,
                    taken_at: Ms(row.get(6)?),
                    chunks: hashes(row, 7)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Takes offers of a blob back.
    ///
    /// # Errors
    /// When the database fails.
    pub fn drop_offers(&self, device: DeviceId, hash: BlobHash) -> Result<()> {
        self.database.write(|tx| {
            tx.execute("DELETE FROM blob_offer WHERE hash = ?1 AND device = ?2", params![hash.0, device.as_bytes()])?;
            Ok(())
        })
    }

    /// Which of these chunks are in the depot.
    ///
    /// # Errors
    /// When the database fails.
    pub fn stored(&self, chunks: &[BlobHash]) -> Result<BTreeSet<BlobHash>> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT 1 FROM blob_chunk WHERE hash = ?1")?;
            let mut stored = BTreeSet::new();
            for chunk in chunks {
                if find.exists([chunk.0])? {
                    stored.insert(*chunk);
                }
            }
            Ok(stored)
        })
    }

    /// Notes chunks that are in the depot, and what the device has handed in today. Called after the depot promised them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put_chunks(&self, now: Ms, device: DeviceId, day: i64, chunks: &[(BlobHash, usize)]) -> Result<()> {
        self.database.write(|tx| {
            let mut bytes = 0i64;
            for (hash, length) in chunks {
                let length = i64::try_from(*length).unwrap_or(i64::MAX);
                bytes = bytes.saturating_add(length);
                tx.prepare_cached("INSERT INTO blob_chunk (hash, bytes, stored_ms) VALUES (?1, ?2, ?3) ON CONFLICT (hash) DO NOTHING")?
                    .execute(params![hash.0, length, now.0])?;
            }
            tx.prepare_cached(
                "INSERT INTO blob_day (device, day, bytes) VALUES (?1, ?2, ?3)
                 ON CONFLICT (device, day) DO UPDATE SET bytes = bytes + excluded.bytes",
            )?
            .execute(params![device.as_bytes(), day, bytes])?;
            Ok(())
        })
    }

    /// Notes that a chunk is not in the depot after all: it is asked for again. What is made of it is not held until it comes.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lose_chunk(&self, hash: BlobHash) -> Result<()> {
        self.database.write(|tx| {
            tx.execute("DELETE FROM blob_chunk WHERE hash = ?1", [hash.0])?;
            tx.execute("UPDATE blob SET lost = 1 WHERE hash IN (SELECT hash FROM blob_piece WHERE chunk = ?1)", [hash.0])?;
            Ok(())
        })
    }

    /// Some of what was held and is lost, of one document or of all.
    ///
    /// # Errors
    /// When the database fails.
    pub fn some_lost(&self, doc: Option<DocId>, blobs_max: usize) -> Result<Vec<BlobHash>> {
        let limit = i64::try_from(blobs_max).unwrap_or(i64::MAX);
        self.database.read(|tx| match doc {
            Some(doc) => {
                let mut find = tx.prepare_cached(
                    "SELECT n.hash FROM blob_name n JOIN blob b ON b.hash = n.hash WHERE n.doc = ?1 AND b.lost = 1 LIMIT ?2",
                )?;
                find.query_map(params![doc.as_bytes(), limit], |row| Ok(BlobHash(row.get(0)?)))?.collect()
            }
            None => {
                let mut find = tx.prepare_cached("SELECT hash FROM blob WHERE lost = 1 ORDER BY random() LIMIT ?1")?;
                find.query_map([limit], |row| Ok(BlobHash(row.get(0)?)))?.collect()
            }
        })
    }

    /// Notes that everything of a lost blob is in the depot after all: it is held again.
    ///
    /// # Errors
    /// When the database fails.
    pub fn find(&self, now: Ms, found: &Held, chunks: &[(BlobHash, usize)]) -> Result<()> {
        self.database.write(|tx| {
            for (hash, length) in chunks {
                tx.prepare_cached(
                    "INSERT INTO blob_chunk (hash, bytes, stored_ms, loose) VALUES (?1, ?2, ?3, 0) ON CONFLICT (hash) DO NOTHING",
                )?
                .execute(params![hash.0, i64::try_from(*length).unwrap_or(i64::MAX), now.0])?;
            }
            tx.execute("UPDATE blob SET lost = 0 WHERE hash = ?1", [found.hash.0])?;
            Ok(())
        })
    }

    /// Chunks that were stored before a moment, are of no held blob and are offered by nobody: some of them, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn orphans(&self, stored: Ms, chunks_max: usize) -> Result<Vec<BlobHash>> {
        self.database.read(|tx| {
            let mut offers = tx.prepare_cached("SELECT chunks FROM blob_offer")?;
            let mut offered = BTreeSet::new();
            for chunks in offers.query_map([], |row| hashes(row, 0))? {
                offered.extend(chunks?);
            }
            let mut find = tx.prepare_cached(
                "SELECT hash FROM blob_chunk
                  WHERE loose = 1 AND stored_ms < ?1 AND NOT EXISTS (SELECT 1 FROM blob_piece WHERE chunk = blob_chunk.hash)
                  ORDER BY stored_ms",
            )?;
            let mut orphans = Vec::new();
            for hash in find.query_map([stored.0], |row| Ok(BlobHash(row.get(0)?)))? {
                let hash = hash?;
                if !offered.contains(&hash) {
                    orphans.push(hash);
                }
                if orphans.len() >= chunks_max {
                    break;
                }
            }
            Ok(orphans)
        })
    }

    /// Holds a blob for good, for these documents, and ends the device's offers of it. One that was lost is held again, for all that ever
    /// named it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn hold(&self, now: Ms, hand: (DeviceId, UserId), held: &Held, docs: &[DocId]) -> Result<()> {
        let chunks: Vec<u8> = held.chunks.iter().flat_map(|hash| hash.0).collect();
        let (device, user) = hand;
        self.database.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO blob (hash, bytes, mime, kind, role, chunks, held_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (hash) DO UPDATE SET lost = 0, chunks = excluded.chunks, held_ms = excluded.held_ms WHERE lost = 1",
            )?
            .execute(params![
                held.hash.0,
                i64::try_from(held.bytes).unwrap_or(i64::MAX),
                held.mime,
                held.kind,
                held.role.code(),
                chunks,
                now.0,
            ])?;
            for chunk in &held.chunks {
                tx.prepare_cached("INSERT INTO blob_piece (chunk, hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                    .execute([chunk.0, held.hash.0])?;
                tx.prepare_cached("UPDATE blob_chunk SET loose = 0 WHERE hash = ?1")?.execute([chunk.0])?;
            }
            for doc in docs {
                tx.prepare_cached(
                    "INSERT INTO blob_name (doc, hash, device, user, named_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (doc, hash) DO NOTHING",
                )?
                .execute(params![doc.as_bytes(), held.hash.0, device.as_bytes(), user.as_bytes(), now.0])?;
            }
            tx.execute("DELETE FROM blob_offer WHERE hash = ?1 AND device = ?2", params![held.hash.0, device.as_bytes()])?;
            Ok(())
        })
    }

    /// Forgets offers that were made before a moment, and the daily sums of days before one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_before(&self, offered: Ms, day: i64) -> Result<usize> {
        self.database.write(|tx| {
            tx.execute("DELETE FROM blob_day WHERE day < ?1", [day])?;
            tx.execute("DELETE FROM blob_offer WHERE offered_ms < ?1", [offered.0])
        })
    }
}

fn hashes(row: &Row<'_>, at: usize) -> Result<Vec<BlobHash>> {
    let joined: Vec<u8> = row.get(at)?;
    Ok(joined.chunks_exact(HASH_BYTES).filter_map(BlobHash::from_slice).collect())
}
