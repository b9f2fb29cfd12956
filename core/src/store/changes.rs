//! Single changes: appended, own ones with what became of them, the outbox as a query. Never reads what a change says.

use rusqlite::{OptionalExtension, Row, params};

use super::standing::{Lane, OwnStanding, Standing};
use super::{CHANGE_BYTES_MAX, REASON_CHARS_MAX, Reading, StoreError, Writing, count, int, within};
use crate::ids::{ChangeHash, DocId, Ms, SubjectId};

/// Whether an appended change was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Appended {
    /// It is stored now.
    Stored,
    /// It was there before; nothing changed.
    AlreadyKnown,
}

/// What a verdict did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    /// The change has the new standing.
    Changed,
    /// It had a standing that this one cannot replace (accepted stays accepted).
    Unchanged,
    /// No such own change is kept here.
    Unknown,
}

/// A change that this replica wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnChange {
    /// Its hash.
    pub hash: ChangeHash,
    /// Its document.
    pub doc: DocId,
    /// Kind of that document.
    pub kind: String,
    /// Subject of that document.
    pub subject: SubjectId,
    /// Its lane.
    pub lane: Lane,
    /// Which save of this replica it was, from 1.
    pub recorded_no: u64,
    /// When, by the device clock.
    pub recorded_at: Ms,
    /// What became of it.
    pub standing: Standing,
    /// Its bytes, raw.
    pub bytes: Vec<u8>,
}

impl OwnChange {
    /// Whether the document shows it, if it is held: what was set aside or written again was taken out.
    #[must_use]
    pub const fn is_in_its_document(&self) -> bool {
        matches!(self.standing, Standing::Waiting | Standing::Accepted { .. })
    }
}

/// How much waits to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxSize {
    /// Changes of the urgent lane.
    pub urgent: u64,
    /// All changes.
    pub changes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest was saved.
    pub oldest: Option<Ms>,
}

/// What the gate refused, kept with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedChange {
    /// Its hash, as told by whoever sent it.
    pub hash: ChangeHash,
    /// The document it was meant for.
    pub doc: DocId,
    /// When it came.
    pub received_at: Ms,
    /// Why it was refused: a code.
    pub reason: String,
    /// Its bytes, as they came.
    pub bytes: Vec<u8>,
}

const OWN: &str = "SELECT c.hash, d.doc, d.kind, d.subject, o.lane, o.recorded_no, o.recorded_ms, o.standing, o.feed_no, o.reason, c.bytes
  FROM own_change o JOIN change c ON c.no = o.change JOIN document d ON d.no = c.document";

/// The outbox in the order of sending. A change that an urgent one of the same document builds on is as urgent as that one; within a lane the order of saving,
/// in which nothing comes before what it depends on. That it is not accepted is said too: the index of what stands otherwise is chosen by it.
const OUTBOX: &str = "
  WITH waiting AS (
    SELECT o.change AS change, o.recorded_no AS recorded_no,
      min(o.lane) OVER (PARTITION BY c.document ORDER BY o.recorded_no DESC ROWS UNBOUNDED PRECEDING) AS lane
    FROM own_change o JOIN change c ON c.no = o.change
    WHERE o.standing = 0 AND o.standing <> 1
  )
  SELECT c.hash, d.doc, d.kind, d.subject, w.lane, o.recorded_no, o.recorded_ms, o.standing, o.feed_no, o.reason, c.bytes
  FROM waiting w JOIN own_change o ON o.change = w.change JOIN change c ON c.no = w.change JOIN document d ON d.no = c.document
  ORDER BY w.lane, w.recorded_no";

impl Reading<'_> {
    /// What is to be sent next: at most `changes_max` changes and, after the first, at most `bytes_max` bytes. Repeating the question gives the same answer until a
    /// verdict is settled.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn outbox(&self, changes_max: usize, bytes_max: usize) -> Result<Vec<OwnChange>, StoreError> {
        let mut find = self.conn.prepare_cached(OUTBOX)?;
        let mut rows = find.query([])?;
        let (mut out, mut bytes) = (Vec::new(), 0usize);
        while out.len() < changes_max
            && let Some(row) = rows.next()?
        {
            let next = own_change(row)?;
            bytes = bytes.saturating_add(next.bytes.len());
            if bytes > bytes_max && !out.is_empty() {
                break;
            }
            out.push(next);
        }
        Ok(out)
    }

    /// Number of the last save of this replica: it never goes back.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn recorded_no(&self) -> Result<u64, StoreError> {
        let no: i64 = self.conn.prepare_cached("SELECT recorded_no FROM replica")?.query_row([], |row| row.get(0))?;
        Ok(count(no))
    }

    /// How much waits to be sent.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn outbox_size(&self) -> Result<OutboxSize, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT count(*), coalesce(sum(o.lane = 0), 0), coalesce(sum(length(c.bytes)), 0), min(o.recorded_ms)
             FROM own_change o JOIN change c ON c.no = o.change WHERE o.standing = 0 AND o.standing <> 1",
        )?;
        Ok(find.query_row([], |row| {
            Ok(OutboxSize {
                changes: count(row.get(0)?),
                urgent: count(row.get(1)?),
                bytes: count(row.get(2)?),
                oldest: row.get::<_, Option<i64>>(3)?.map(Ms),
            })
        })?)
    }

    /// An own change that is kept here.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn own_change(&self, hash: ChangeHash) -> Result<Option<OwnChange>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!("{OWN} WHERE c.hash = ?1"))?;
        let mut rows = find.query([hash.0])?;
        rows.next()?.map(own_change).transpose()
    }

    /// Own changes of a standing that are kept here, after save number `after_no`, in the order of saving.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn own_changes(&self, standing: OwnStanding, after_no: u64, max: usize) -> Result<Vec<OwnChange>, StoreError> {
        // In the words of the index that holds this standing: it is chosen when the statement is planned.
        let besides = if standing == OwnStanding::Accepted { "" } else { "o.standing <> 1 AND " };
        let standing = standing.code();
        let mut find = self.conn.prepare_cached(&format!(
            "{OWN} WHERE {besides}o.standing = {standing} AND o.recorded_no > ?1 ORDER BY o.recorded_no LIMIT ?2"
        ))?;
        let mut rows = find.query(params![int(after_no), int(max)])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(own_change(row)?);
        }
        Ok(out)
    }

    /// Own changes of one document that are kept here, in the order of saving.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn own_changes_of(&self, doc: DocId) -> Result<Vec<OwnChange>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!("{OWN} WHERE d.doc = ?1 ORDER BY o.recorded_no"))?;
        let mut rows = find.query([doc.as_bytes()])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(own_change(row)?);
        }
        Ok(out)
    }

    /// Whether a change is stored singly. One that lives only inside a snapshot is not found here: ask the document.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn has_change(&self, hash: ChangeHash) -> Result<bool, StoreError> {
        Ok(self.conn.prepare_cached("SELECT 1 FROM change WHERE hash = ?1")?.exists([hash.0])?)
    }

    /// What the gate refused, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn quarantined(&self, max: usize) -> Result<Vec<QuarantinedChange>, StoreError> {
        let mut find = self
            .conn
            .prepare_cached("SELECT hash, doc, received_ms, reason, bytes FROM quarantine ORDER BY received_ms DESC, hash LIMIT ?1")?;
        let rows = find.query_map([int(max)], |row| {
            Ok(QuarantinedChange {
                hash: ChangeHash(row.get(0)?),
                doc: DocId::from_bytes(row.get(1)?),
                received_at: Ms(row.get(2)?),
                reason: row.get(3)?,
                bytes: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Hashes whose trial application never ended: found at start, they name the input that ended the last process.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn in_flight(&self) -> Result<Vec<ChangeHash>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT hash FROM in_flight ORDER BY hash")?;
        Ok(find.query_map([], |row| Ok(ChangeHash(row.get(0)?)))?.collect::<Result<_, _>>()?)
    }
}

impl Writing<'_> {
    /// Appends a change that this replica wrote, to the document's tail and to the outbox. The document's row must be written in the same transaction.
    /// Returns which save it was.
    ///
    /// # Errors
    /// [`StoreError::UnknownDocument`], [`StoreError::TooLarge`], or the file cannot be written.
    pub fn append_own(&mut self, doc: DocId, hash: ChangeHash, bytes: &[u8], lane: Lane, now: Ms) -> Result<u64, StoreError> {
        let no = match self.append(doc, hash, bytes)? {
            Some(no) => no,
            // Received before it was written: only a restored file can do that. It is ours all the same.
            None => self.conn.prepare_cached("SELECT no FROM change WHERE hash = ?1")?.query_row([hash.0], |row| row.get(0))?,
        };
        let known: Option<i64> = self
            .conn
            .prepare_cached("SELECT recorded_no FROM own_change WHERE change = ?1")?
            .query_row([no], |row| row.get(0))
            .optional()?;
        if let Some(recorded_no) = known {
            return Ok(count(recorded_no));
        }
        let recorded_no: i64 = self
            .conn
            .prepare_cached("UPDATE replica SET recorded_no = recorded_no + 1 RETURNING recorded_no")?
            .query_row([], |row| row.get(0))?;
        self.conn
            .prepare_cached(
                "INSERT INTO own_change (change, recorded_no, recorded_ms, lane, standing, feed_no, reason)
                 VALUES (?1, ?2, ?3, ?4, 0, 0, '')",
            )?
            .execute(params![no, recorded_no, now.0, lane.code()])?;
        Ok(count(recorded_no))
    }

    /// Appends a change that came from elsewhere and passed the gate.
    ///
    /// # Errors
    /// [`StoreError::UnknownDocument`], [`StoreError::TooLarge`], or the file cannot be written.
    pub fn append_received(&mut self, doc: DocId, hash: ChangeHash, bytes: &[u8]) -> Result<Appended, StoreError> {
        Ok(if self.append(doc, hash, bytes)?.is_some() { Appended::Stored } else { Appended::AlreadyKnown })
    }

    /// Records a verdict. The outbox loses the change in this very transaction, never before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn settle(&mut self, hash: ChangeHash, standing: &Standing) -> Result<Settled, StoreError> {
        let found: Option<(i64, i64)> = self
            .conn
            .prepare_cached("SELECT o.change, o.standing FROM own_change o JOIN change c ON c.no = o.change WHERE c.hash = ?1")?
            .query_row([hash.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((no, before)) = found else { return Ok(Settled::Unknown) };
        let after = standing.kind().code();
        let accepted = OwnStanding::Accepted.code();
        // A fork is written again once: what somebody has decided about meanwhile is not forked any more.
        let late_fork = *standing == Standing::Forked && before != OwnStanding::Waiting.code();
        if (before == accepted && after != accepted) || late_fork {
            return Ok(Settled::Unchanged);
        }
        let (feed_no, reason) = match standing {
            Standing::Accepted { feed_no } => (int(*feed_no), String::new()),
            Standing::Quarantined { reason } => (0, reason.chars().take(REASON_CHARS_MAX).collect()),
            Standing::Waiting | Standing::Forked | Standing::Withdrawn => (0, String::new()),
        };
        self.conn
            .prepare_cached("UPDATE own_change SET standing = ?2, feed_no = max(feed_no, ?3), reason = ?4 WHERE change = ?1")?
            .execute(params![no, after, feed_no, reason])?;
        Ok(if before == after { Settled::Unchanged } else { Settled::Changed })
    }

    /// Puts every own change that is still kept and was accepted or set aside back into the outbox: the server lost its tail (a new epoch)
    /// and may lack them, and that it had set them aside. Returns how many.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn hand_in_again(&mut self) -> Result<u64, StoreError> {
        let changed = self.conn.prepare_cached("UPDATE own_change SET standing = 0, feed_no = 0 WHERE standing IN (1, 2)")?.execute([])?;
        self.conn.prepare_cached("UPDATE replica SET durable_no = 0")?.execute([])?;
        Ok(changed as u64)
    }

    /// Notes that the server holds everything up to `feed_no` in a backup, and drops own changes that are accepted up to there from the books.
    /// Those still in a tail stay as ordinary changes. Returns how many were dropped.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn raise_durable(&mut self, feed_no: u64) -> Result<u64, StoreError> {
        let upto: i64 = self
            .conn
            .prepare_cached("UPDATE replica SET durable_no = max(durable_no, ?1) RETURNING durable_no")?
            .query_row([int(feed_no)], |row| row.get(0))?;
        let mut find =
            self.conn.prepare_cached("DELETE FROM own_change WHERE standing = 1 AND feed_no > 0 AND feed_no <= ?1 RETURNING change")?;
        let gone: Vec<i64> = find.query_map([upto], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut drop_change = self.conn.prepare_cached("DELETE FROM change WHERE no = ?1 AND in_tail = 0 RETURNING document")?;
        let mut drop_document = self
            .conn
            .prepare_cached("DELETE FROM document WHERE no = ?1 AND held = 0 AND NOT EXISTS (SELECT 1 FROM change WHERE document = ?1)")?;
        for no in &gone {
            if let Some(document) = drop_change.query_row([no], |row| row.get::<_, i64>(0)).optional()? {
                drop_document.execute([document])?;
            }
        }
        Ok(gone.len() as u64)
    }

    /// Keeps what the gate refused. The first reason stays.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or the file cannot be written.
    pub fn quarantine(&mut self, refused: &QuarantinedChange) -> Result<(), StoreError> {
        within("a change (bytes)", refused.bytes.len(), CHANGE_BYTES_MAX)?;
        let reason: String = refused.reason.chars().take(REASON_CHARS_MAX).collect();
        self.conn
            .prepare_cached(
                "INSERT INTO quarantine (hash, doc, received_ms, reason, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (hash) DO NOTHING",
            )?
            .execute(params![refused.hash.0, refused.doc.as_bytes(), refused.received_at.0, reason, refused.bytes])?;
        Ok(())
    }

    /// Takes a change out of quarantine: it was admitted after all, or its time is over. `true` when it was there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn release_quarantined(&mut self, hash: ChangeHash) -> Result<bool, StoreError> {
        Ok(self.conn.prepare_cached("DELETE FROM quarantine WHERE hash = ?1")?.execute([hash.0])? > 0)
    }

    /// Notes hashes that are about to be tried, in a transaction of their own.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn mark_in_flight(&mut self, hashes: &[ChangeHash], now: Ms) -> Result<(), StoreError> {
        let mut put = self.conn.prepare_cached("INSERT INTO in_flight (hash, started_ms) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING")?;
        for hash in hashes {
            put.execute(params![hash.0, now.0])?;
        }
        Ok(())
    }

    /// Notes that these hashes were tried to the end, whatever came of it: in the transaction that stores the outcome.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn clear_in_flight(&mut self, hashes: &[ChangeHash]) -> Result<(), StoreError> {
        let mut drop_one = self.conn.prepare_cached("DELETE FROM in_flight WHERE hash = ?1")?;
        for hash in hashes {
            drop_one.execute([hash.0])?;
        }
        Ok(())
    }

    /// Puts a change into the tail, or, where the document is not held, beside it; `None` when it was there.
    fn append(&mut self, doc: DocId, hash: ChangeHash, bytes: &[u8]) -> Result<Option<i64>, StoreError> {
        within("a change (bytes)", bytes.len(), CHANGE_BYTES_MAX)?;
        let (document, held): (i64, bool) = self
            .conn
            .prepare_cached("SELECT no, held FROM document WHERE doc = ?1")?
            .query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or(StoreError::UnknownDocument { doc })?;
        if !held {
            return Ok(self
                .conn
                .prepare_cached(
                    "INSERT INTO change (hash, document, in_tail, bytes) VALUES (?1, ?2, 0, ?3) ON CONFLICT (hash) DO NOTHING RETURNING no",
                )?
                .query_row(params![hash.0, document, bytes], |row| row.get(0))
                .optional()?);
        }
        // A kept own change that is in no tail may be missing from the content as well (its document was forgotten and came back): it goes to the end
        // of the tail, after what it depends on. If the snapshot has it after all, applying it twice is applying it once.
        let no: Option<i64> = self
            .conn
            .prepare_cached(
                "INSERT INTO change (hash, document, in_tail, bytes) VALUES (?1, ?2, 1, ?3)
                 ON CONFLICT (hash) DO UPDATE SET in_tail = 1, no = (SELECT max(no) + 1 FROM change) WHERE in_tail = 0
                 RETURNING no",
            )?
            .query_row(params![hash.0, document, bytes], |row| row.get(0))
            .optional()?;
        if no.is_some() {
            self.conn
                .prepare_cached("UPDATE document SET tail_changes = tail_changes + 1, tail_bytes = tail_bytes + ?2 WHERE no = ?1")?
                .execute(params![document, int(bytes.len())])?;
        }
        Ok(no)
    }
}

fn own_change(row: &Row<'_>) -> Result<OwnChange, StoreError> {
    Ok(OwnChange {
        hash: ChangeHash(row.get(0)?),
        doc: DocId::from_bytes(row.get(1)?),
        kind: row.get(2)?,
        subject: SubjectId::from_bytes(row.get(3)?),
        lane: Lane::of(row.get(4)?),
        recorded_no: count(row.get(5)?),
        recorded_at: Ms(row.get(6)?),
        standing: Standing::of(row.get(7)?, row.get(8)?, row.get(9)?)?,
        bytes: row.get(10)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

    use super::*;
    use crate::store::Store;
    use crate::store::documents::tests::{describe, doc, hash, one_document};

    fn append(store: &mut Store, n: u8, h: u8, lane: Lane) {
        store
            .write::<_, StoreError>(|w| {
                w.put_document(&describe(n, &[hash(n, h)]))?;
                w.append_own(doc(n), hash(n, h), &[h; 100], lane, Ms(i64::from(h)))?;
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn urgent_changes_leave_first_and_take_what_they_build_on_with_them() {
        let mut store = Store::in_memory().unwrap();
        append(&mut store, 1, 1, Lane::Normal);
        append(&mut store, 2, 2, Lane::Normal);
        append(&mut store, 2, 3, Lane::Urgent);
        append(&mut store, 2, 4, Lane::Normal);
        let order: Vec<u64> = store.read(|r| r.outbox(9, 9999)).unwrap().iter().map(|own| own.recorded_no).collect();
        assert_eq!(order, [2, 3, 1, 4]);
        assert_eq!(store.read(|r| r.outbox(9, 250)).unwrap().len(), 2);
        assert_eq!(store.read(|r| r.outbox(9, 1)).unwrap().len(), 1);
        assert_eq!(store.read(|r| r.outbox(1, 9999)).unwrap().len(), 1);
        let size = store.read(|r| r.outbox_size()).unwrap();
        assert_eq!(size, OutboxSize { urgent: 1, changes: 4, bytes: 400, oldest: Some(Ms(1)) });
    }

    #[test]
    fn a_change_leaves_the_outbox_by_a_verdict_only_and_accepted_stays_accepted() {
        let mut store = Store::in_memory().unwrap();
        let (_, hash) = one_document(&mut store, 1, Lane::Normal);
        let accepted = Standing::Accepted { feed_no: 7 };
        let refused = Standing::Quarantined { reason: "rights".repeat(100) };
        let settle = |store: &mut Store, standing: &Standing| store.write(|w| w.settle(hash, standing)).unwrap();
        assert_eq!(settle(&mut store, &refused), Settled::Changed);
        let kept = store.read(|r| r.own_changes(OwnStanding::Quarantined, 0, 9)).unwrap();
        assert!(matches!(&kept[0].standing, Standing::Quarantined { reason } if reason.chars().count() == REASON_CHARS_MAX));
        assert!(store.read(|r| r.outbox(9, 99)).unwrap().is_empty());
        assert_eq!(settle(&mut store, &Standing::Forked), Settled::Unchanged, "an answer that came late");
        assert_eq!(settle(&mut store, &accepted), Settled::Changed);
        assert_eq!(settle(&mut store, &refused), Settled::Unchanged);
        assert_eq!(settle(&mut store, &Standing::Accepted { feed_no: 0 }), Settled::Unchanged);
        assert_eq!(store.read(|r| r.own_change(hash)).unwrap().unwrap().standing, accepted);
        assert_eq!(store.write(|w| w.hand_in_again()).unwrap(), 1);
        assert_eq!(store.read(|r| r.outbox(9, 99)).unwrap().len(), 1);
        let unknown = store.write(|w| w.settle(ChangeHash([9; 32]), &accepted)).unwrap();
        assert_eq!(unknown, Settled::Unknown);
    }

    #[test]
    fn the_same_save_twice_is_one_save() {
        let mut store = Store::in_memory().unwrap();
        append(&mut store, 1, 1, Lane::Normal);
        append(&mut store, 1, 1, Lane::Urgent);
        append(&mut store, 1, 2, Lane::Normal);
        let numbers: Vec<u64> = store.read(|r| r.own_changes_of(doc(1))).unwrap().iter().map(|own| own.recorded_no).collect();
        assert_eq!(numbers, [1, 2]);
    }

    #[test]
    fn a_forgotten_document_that_comes_back_has_our_change_after_what_it_depends_on() {
        let mut store = Store::in_memory().unwrap();
        append(&mut store, 1, 1, Lane::Normal);
        store
            .write::<_, StoreError>(|w| {
                w.forget(doc(1))?;
                w.put_document(&describe(1, &[hash(1, 1)]))?;
                assert_eq!(w.append_received(doc(1), hash(1, 9), b"before")?, Appended::Stored);
                assert_eq!(w.append_received(doc(1), hash(1, 1), &[1; 100])?, Appended::Stored);
                assert_eq!(w.document_bytes(doc(1))?.tail, [b"before".to_vec(), vec![1; 100]]);
                assert_eq!(w.outbox(9, 999)?.len(), 1);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn quarantine_keeps_the_bytes_and_in_flight_names_the_killer() {
        let mut store = Store::in_memory().unwrap();
        let refused =
            QuarantinedChange { hash: hash(1, 1), doc: doc(1), received_at: Ms(5), reason: "too_many_rows".into(), bytes: vec![1, 2, 3] };
        store
            .write::<_, StoreError>(|w| {
                w.mark_in_flight(&[refused.hash], Ms(5))?;
                w.quarantine(&refused)?;
                w.quarantine(&QuarantinedChange { reason: "other".into(), ..refused.clone() })
            })
            .unwrap();
        assert_eq!(store.read(|r| r.quarantined(9)).unwrap(), vec![refused.clone()]);
        assert_eq!(store.read(|r| r.in_flight()).unwrap(), [refused.hash]);
        store
            .write::<_, StoreError>(|w| {
                w.clear_in_flight(&[refused.hash])?;
                assert!(w.release_quarantined(refused.hash)?);
                Ok(())
            })
            .unwrap();
        assert!(store.read(|r| r.in_flight()).unwrap().is_empty());
        let long = QuarantinedChange { bytes: vec![0; CHANGE_BYTES_MAX + 1], ..refused };
        assert!(matches!(store.write(|w| w.quarantine(&long)), Err(StoreError::TooLarge { .. })));
    }
}
