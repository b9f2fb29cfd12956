//! What a device hands in besides its outbox (batches of others, what headquarters lost), what took the place of changes that were
//! written again, and notices. Bytes, hashes and counts; what they mean is the replica's.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::{Lane, Reading, Standing, StoreError, Writing, count, int, within};
use crate::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, UserId};

/// Longest batch that is carried for another device, in bytes.
pub const CARRIED_BYTES_MAX: usize = 4 << 20;
/// Most batches that wait to be carried to headquarters.
pub const CARRIED_MAX: usize = 64;

/// A batch of another device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedPacket {
    /// SHA-256 of the packet.
    pub digest: ChangeHash,
    /// Who signed it.
    pub device: DeviceId,
    /// When it was taken in.
    pub taken_at: Ms,
    /// When headquarters had decided about all of it.
    pub delivered_at: Option<Ms>,
    /// As it came; empty once delivered.
    pub packet: Vec<u8>,
}

/// Records of a former holder that arrived late (前任离线记录).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The customer.
    pub subject: SubjectId,
    /// Who recorded them.
    pub author: UserId,
    /// How many.
    pub changes: u64,
    /// Number of the last of them in the feed.
    pub last_no: u64,
    /// When that arrived, by headquarters' clock.
    pub received_at: Ms,
    /// The person has seen it.
    pub seen: bool,
}

impl Reading<'_> {
    /// What took the place of an own change that was written again, in the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rewritten(&self, old: ChangeHash) -> Result<Option<ChangeHash>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "WITH RECURSIVE chain (hash, step) AS (
               SELECT new, 1 FROM rewritten WHERE old = ?1
               UNION ALL SELECT rewritten.new, step + 1 FROM rewritten JOIN chain ON rewritten.old = chain.hash WHERE step < 1000)
             SELECT hash FROM chain ORDER BY step DESC LIMIT 1",
        )?;
        Ok(find.query_row([old.0], |row| row.get(0).map(ChangeHash)).optional()?)
    }

    /// Batches of other devices, the oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn carried(&self) -> Result<Vec<CarriedPacket>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT digest, device, taken_ms, delivered_ms, packet FROM carried ORDER BY no")?;
        let rows = find.query_map([], |row| {
            let delivered: i64 = row.get(3)?;
            Ok(CarriedPacket {
                digest: ChangeHash(row.get(0)?),
                device: DeviceId::from_bytes(row.get(1)?),
                taken_at: Ms(row.get(2)?),
                delivered_at: (delivered != 0).then_some(Ms(delivered)),
                packet: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Documents that are held and of which headquarters lost changes, at most `max`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn lost_documents(&self, max: usize) -> Result<Vec<DocId>, StoreError> {
        let mut find = self
            .conn
            .prepare_cached("SELECT d.doc FROM document d WHERE d.held = 1 AND d.doc IN (SELECT doc FROM lost) ORDER BY d.doc LIMIT ?1")?;
        let rows = find.query_map([int(max)], |row| Ok(DocId::from_bytes(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What headquarters lost of a document.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn lost_of(&self, doc: DocId) -> Result<BTreeSet<ChangeHash>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT hash FROM lost WHERE doc = ?1")?;
        let rows = find.query_map([doc.as_bytes()], |row| Ok(ChangeHash(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether headquarters lost changes of a document that are still to be handed in.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_lost_in(&self, doc: DocId) -> Result<bool, StoreError> {
        Ok(self.conn.prepare_cached("SELECT 1 FROM lost WHERE doc = ?1 LIMIT 1")?.exists([doc.as_bytes()])?)
    }

    /// Documents of which headquarters has not spoken since its new life began, at most `max`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn unheard(&self, max: usize) -> Result<Vec<DocId>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT doc FROM unheard ORDER BY doc LIMIT ?1")?;
        let rows = find.query_map([int(max)], |row| row.get(0).map(DocId::from_bytes))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records of former holders that arrived late, the newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn notices(&self, max: usize) -> Result<Vec<Notice>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT subject, author, changes, last_no, received_ms, seen FROM notice ORDER BY received_ms DESC, subject, author LIMIT ?1",
        )?;
        let rows = find.query_map([int(max)], |row| {
            Ok(Notice {
                subject: SubjectId::from_bytes(row.get(0)?),
                author: UserId::from_bytes(row.get(1)?),
                changes: count(row.get(2)?),
                last_no: count(row.get(3)?),
                received_at: Ms(row.get(4)?),
                seen: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writing<'_> {
    /// Puts a change into the outbox in the place of one that was written again, and is withdrawn: with its lane and its time.
    ///
    /// # Errors
    /// As [`Writing::append_own`].
    pub fn append_instead(&mut self, doc: DocId, old: ChangeHash, new: ChangeHash, bytes: &[u8], now: Ms) -> Result<(), StoreError> {
        let (lane, at) = self.own_change(old)?.map_or((Lane::Normal, now), |own| (own.lane, own.recorded_at));
        self.append_own(doc, new, bytes, lane, at)?;
        self.conn
            .prepare_cached("INSERT INTO rewritten (old, new) VALUES (?1, ?2) ON CONFLICT (old) DO UPDATE SET new = excluded.new")?
            .execute(params![old.0, new.0])?;
        let _changed = self.settle(old, &Standing::Withdrawn)?;
        Ok(())
    }

    /// Keeps a batch of another device until headquarters has decided about it. `false`: it is there already.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or the file cannot be written.
    pub fn carry(&mut self, packet: &CarriedPacket) -> Result<bool, StoreError> {
        within("a carried batch (bytes)", packet.packet.len(), CARRIED_BYTES_MAX)?;
        let waiting: i64 =
            self.conn.prepare_cached("SELECT count(*) FROM carried WHERE delivered_ms = 0")?.query_row([], |row| row.get(0))?;
        within("carried batches", usize::try_from(waiting).unwrap_or(usize::MAX), CARRIED_MAX - 1)?;
        let put = self
            .conn
            .prepare_cached(
                "INSERT INTO carried (digest, device, taken_ms, delivered_ms, packet) VALUES (?1, ?2, ?3, 0, ?4)
                 ON CONFLICT (digest) DO NOTHING",
            )?
            .execute(params![packet.digest.0, packet.device.as_bytes(), packet.taken_at.0, packet.packet])?;
        Ok(put > 0)
    }

    /// Notes that headquarters has decided about all of a batch: its bytes go.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn delivered(&mut self, digest: ChangeHash, now: Ms) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE carried SET delivered_ms = ?2, packet = x'' WHERE digest = ?1 AND delivered_ms = 0")?
            .execute(params![digest.0, now.0])?;
        Ok(())
    }

    /// Notes a change that headquarters lost.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_lost(&mut self, doc: DocId, hash: ChangeHash) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("INSERT INTO lost (hash, doc) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING")?
            .execute(params![hash.0, doc.as_bytes()])?;
        Ok(())
    }

    /// Notes that headquarters has decided about a change that it had lost; returns of which document it was, if it was noted.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_lost(&mut self, hash: ChangeHash) -> Result<Option<DocId>, StoreError> {
        let mut drop = self.conn.prepare_cached("DELETE FROM lost WHERE hash = ?1 RETURNING doc")?;
        Ok(drop.query_row([hash.0], |row| row.get(0)).optional()?.map(DocId::from_bytes))
    }

    /// Begins to listen what headquarters says of each document that is held here. Returns how many.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin_listening(&mut self) -> Result<u64, StoreError> {
        let put = self
            .conn
            .prepare_cached("INSERT INTO unheard (doc) SELECT doc FROM document WHERE held = 1 ON CONFLICT (doc) DO NOTHING")?
            .execute([])?;
        Ok(put as u64)
    }

    /// Notes that headquarters spoke of a document. `false`: it was not waited for.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn heard(&mut self, doc: DocId) -> Result<bool, StoreError> {
        Ok(self.conn.prepare_cached("DELETE FROM unheard WHERE doc = ?1")?.execute([doc.as_bytes()])? > 0)
    }

    /// Keeps a notice; one that is told again with more counts as not seen.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_notice(&mut self, notice: &Notice) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "INSERT INTO notice (subject, author, changes, last_no, received_ms, seen) VALUES (?1, ?2, ?3, ?4, ?5, 0)
                 ON CONFLICT (subject, author) DO UPDATE SET changes = excluded.changes, last_no = excluded.last_no,
                   received_ms = excluded.received_ms, seen = 0 WHERE excluded.last_no > last_no",
            )?
            .execute(params![
                notice.subject.as_bytes(),
                notice.author.as_bytes(),
                int(notice.changes),
                int(notice.last_no),
                notice.received_at.0
            ])?;
        Ok(())
    }

    /// Notes that the person has seen all notices.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn see_notices(&mut self) -> Result<(), StoreError> {
        self.conn.prepare_cached("UPDATE notice SET seen = 1 WHERE seen = 0")?.execute([])?;
        Ok(())
    }
}
