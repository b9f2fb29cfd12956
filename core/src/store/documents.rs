//! Documents as the store sees them: an id, heads, a snapshot and the changes after it. Never opens one.

use rusqlite::{OptionalExtension, Row, named_params, params};

use super::{HEADS_MAX, Reading, StoreError, Writing, count, int, within};
use crate::ids::{ChangeHash, DocId, SubjectId};
use crate::model::kinds::is_private;

/// Changes after the snapshot at which a document is due for compaction.
pub const TAIL_CHANGES_MAX: u64 = 24;
/// Bytes after the snapshot at which a document is due for compaction, if they also exceed the snapshot itself.
pub const TAIL_BYTES_MAX: u64 = 4 << 10;

/// What is said of a document when it is written.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// Its id.
    pub doc: DocId,
    /// Code of its kind; fixed for ever.
    pub kind: &'a str,
    /// What it is about; fixed for ever.
    pub subject: SubjectId,
    /// Heads after this write, in any order.
    pub heads: &'a [ChangeHash],
    /// H(doc ‖ heads), for the digest.
    pub fingerprint: u64,
}

/// What the store knows of a document without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Its id.
    pub doc: DocId,
    /// Code of its kind.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
    /// Its heads, ascending.
    pub heads: Vec<ChangeHash>,
    /// H(doc ‖ heads).
    pub fingerprint: u64,
    /// Changes after the snapshot.
    pub tail_changes: u64,
    /// Their bytes.
    pub tail_bytes: u64,
    /// Length of the snapshot before compression; 0 = none yet.
    pub snapshot_bytes: u64,
}

impl Holding {
    /// Whether writing a new snapshot now saves more than it costs.
    #[must_use]
    pub const fn compaction_due(&self) -> bool {
        self.tail_changes >= TAIL_CHANGES_MAX || (self.tail_bytes >= TAIL_BYTES_MAX && self.tail_bytes > self.snapshot_bytes)
    }
}

/// A document's content: load the snapshot, then apply the tail in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentBytes {
    /// The uncompressed saved form, if there is one yet.
    pub snapshot: Option<Vec<u8>>,
    /// Changes after it, each after what it depends on.
    pub tail: Vec<Vec<u8>>,
}

/// Count and XOR of the fingerprints of what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// How many documents.
    pub documents: u64,
    /// XOR of their fingerprints.
    pub xor: u64,
}

/// What became of a document that is to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Own changes that stay because no durable verdict of the server covers them.
    pub kept_own_changes: u64,
}

const HOLDING: &str = "doc, kind, subject, heads, fingerprint, tail_changes, tail_bytes, snapshot_bytes";

impl Reading<'_> {
    /// What is known of a document; `None` when it is not held.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn holding(&self, doc: DocId) -> Result<Option<Holding>, StoreError> {
        self.conn
            .prepare_cached(&format!("SELECT {HOLDING} FROM document WHERE doc = ?1 AND held = 1"))?
            .query_row([doc.as_bytes()], holding)
            .optional()?
            .transpose()
    }

    /// All documents held about a subject, by kind, then id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn holdings_of(&self, subject: SubjectId) -> Result<Vec<Holding>, StoreError> {
        let mut find =
            self.conn.prepare_cached(&format!("SELECT {HOLDING} FROM document WHERE subject = ?1 AND held = 1 ORDER BY kind, doc"))?;
        let rows = find.query_map([subject.as_bytes()], holding)?;
        rows.map(|row| row?).collect()
    }

    /// At most `max` documents after `after` (all, from `None`), in order of their ids: for comparisons and rebuilding.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn holdings_after(&self, after: Option<DocId>, max: usize) -> Result<Vec<Holding>, StoreError> {
        let mut find =
            self.conn.prepare_cached(&format!("SELECT {HOLDING} FROM document WHERE doc > ?1 AND held = 1 ORDER BY doc LIMIT ?2"))?;
        let after: &[u8] = after.as_ref().map_or(&[], |doc| doc.as_bytes());
        let rows = find.query_map(params![after, int(max)], holding)?;
        rows.map(|row| row?).collect()
    }

    /// A document's content.
    ///
    /// # Errors
    /// [`StoreError::UnknownDocument`], [`StoreError::Damaged`], or the file cannot be read.
    pub fn document_bytes(&self, doc: DocId) -> Result<DocumentBytes, StoreError> {
        let (no, length): (i64, i64) = self
            .conn
            .prepare_cached("SELECT no, snapshot_bytes FROM document WHERE doc = ?1 AND held = 1")?
            .query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or(StoreError::UnknownDocument { doc })?;
        let stored: Option<(i64, Vec<u8>)> = self
            .conn
            .prepare_cached("SELECT dictionary, bytes FROM snapshot WHERE document = ?1")?
            .query_row([no], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let length = usize::try_from(length).map_err(|_| StoreError::Damaged { what: "snapshot" })?;
        let snapshot = match stored {
            Some((dictionary, bytes)) => Some(self.codec.decompress(self.conn, dictionary, &bytes, length)?),
            None => None,
        };
        let mut find = self.conn.prepare_cached("SELECT bytes FROM change WHERE document = ?1 AND in_tail = 1 ORDER BY no")?;
        let tail = find.query_map([no], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(DocumentBytes { snapshot, tail })
    }

    /// Digest of what is held: read from one row, whatever the size of the replica.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn digest(&self) -> Result<Digest, StoreError> {
        let (documents, xor): (i64, i64) =
            self.conn.prepare_cached("SELECT documents, digest FROM replica")?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Digest { documents: count(documents), xor: xor.cast_unsigned() })
    }

    /// The digest worked out anew from every document: equal to [`Self::digest`], or the file is wrong.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn digest_recounted(&self) -> Result<Digest, StoreError> {
        let prints = self.prints()?;
        Ok(Digest { documents: prints.len() as u64, xor: prints.iter().fold(0, |sum, print| sum ^ print) })
    }

    pub(super) fn document_no(&self, doc: DocId) -> Result<Option<i64>, StoreError> {
        let found =
            self.conn.prepare_cached("SELECT no FROM document WHERE doc = ?1")?.query_row([doc.as_bytes()], |row| row.get(0)).optional()?;
        Ok(found)
    }
}

impl Writing<'_> {
    /// Writes a document's row: first for a new document, and with each write of its changes or snapshot, so that heads and content go together.
    ///
    /// # Errors
    /// [`StoreError::OtherDocument`] when it is held under another kind or subject, [`StoreError::TooLarge`], or the file cannot be written.
    pub fn put_document(&mut self, described: &Described<'_>) -> Result<(), StoreError> {
        within("heads of a document", described.heads.len(), HEADS_MAX)?;
        let mut heads = described.heads.to_vec();
        heads.sort_unstable();
        heads.dedup();
        let heads: Vec<u8> = heads.iter().flat_map(|hash| hash.0).collect();
        let held: Option<(i64, String, [u8; 16], bool, i64)> = self
            .conn
            .prepare_cached("SELECT no, kind, subject, held, fingerprint FROM document WHERE doc = ?1")?
            .query_row([described.doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .optional()?;
        let new = described.fingerprint.cast_signed();
        match held {
            None => {
                self.conn
                    .prepare_cached(
                        "INSERT INTO document
                           (doc, kind, subject, held, heads, fingerprint, tail_changes, tail_bytes, snapshot_bytes)
                         VALUES (?1, ?2, ?3, 1, ?4, ?5, 0, 0, 0)",
                    )?
                    .execute(params![described.doc.as_bytes(), described.kind, described.subject.as_bytes(), heads, new])?;
                self.count_document(1, new)
            }
            Some((no, kind, subject, was_held, old)) => {
                if kind != described.kind || subject != *described.subject.as_bytes() {
                    return Err(StoreError::OtherDocument { doc: described.doc });
                }
                self.conn
                    .prepare_cached("UPDATE document SET held = 1, heads = ?2, fingerprint = ?3 WHERE no = ?1")?
                    .execute(params![no, heads, new])?;
                match (was_held, self.apart(described.doc)?.is_some()) {
                    (true, true) => Ok(()),
                    (true, false) => self.count_document(0, old ^ new),
                    (false, _) => self.count_document(1, new),
                }
            }
        }
    }

    /// Replaces a document's content by a snapshot that contains all of it: its tail is dropped, except own changes, which are kept beside it
    /// until the server holds them durably ([`Writing::raise_durable`]).
    ///
    /// # Errors
    /// [`StoreError::UnknownDocument`], [`StoreError::TooLarge`], or the file cannot be written.
    pub fn put_snapshot(&mut self, doc: DocId, bytes: &[u8]) -> Result<(), StoreError> {
        let (no, kind): (i64, String) = self
            .conn
            .prepare_cached("SELECT no, kind FROM document WHERE doc = ?1")?
            .query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or(StoreError::UnknownDocument { doc })?;
        let (dictionary, compressed) = self.codec.compress(self.conn, &kind, bytes)?;
        self.conn
            .prepare_cached(
                "INSERT INTO snapshot (document, dictionary, bytes) VALUES (?1, ?2, ?3)
                 ON CONFLICT (document) DO UPDATE SET dictionary = excluded.dictionary, bytes = excluded.bytes",
            )?
            .execute(params![no, dictionary, compressed])?;
        self.conn
            .prepare_cached("DELETE FROM change WHERE document = ?1 AND in_tail = 1 AND no NOT IN (SELECT change FROM own_change)")?
            .execute([no])?;
        self.conn.prepare_cached("UPDATE change SET in_tail = 0 WHERE document = ?1 AND in_tail = 1")?.execute([no])?;
        self.conn
            .prepare_cached("UPDATE document SET tail_changes = 0, tail_bytes = 0, snapshot_bytes = ?2 WHERE no = ?1")?
            .execute(params![no, int(bytes.len())])?;
        self.codec.learn(self.conn, &kind)
    }

    /// Gives a document up because this replica may no longer hold it: content and received changes go. Own changes that the server does not hold durably
    /// stay, out of sight, until it does; of a private kind only those that are undecided. Rows and search words are the caller's to drop (they belong to a subject).
    ///
    /// # Errors
    /// The file cannot be written. An unknown document is no error.
    pub fn forget(&mut self, doc: DocId) -> Result<Forgotten, StoreError> {
        let found: Option<(i64, bool, i64, String)> = self
            .conn
            .prepare_cached("SELECT no, held, fingerprint, kind FROM document WHERE doc = ?1")?
            .query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((no, held, fingerprint, kind)) = found else { return Ok(Forgotten { kept_own_changes: 0 }) };
        if is_private(&kind) {
            self.drop_settled(doc, no)?;
        }
        let apart = self.conn.prepare_cached("DELETE FROM apart WHERE document = ?1")?.execute([no])? > 0;
        if held && !apart {
            self.count_document(-1, fingerprint)?;
        }
        self.conn.prepare_cached("DELETE FROM snapshot WHERE document = ?1")?.execute([no])?;
        self.conn.prepare_cached("DELETE FROM change WHERE document = ?1 AND no NOT IN (SELECT change FROM own_change)")?.execute([no])?;
        self.conn.prepare_cached("UPDATE change SET in_tail = 0 WHERE document = ?1")?.execute([no])?;
        let kept: i64 = self.conn.prepare_cached("SELECT count(*) FROM change WHERE document = ?1")?.query_row([no], |row| row.get(0))?;
        if kept == 0 {
            self.conn.prepare_cached("DELETE FROM document WHERE no = ?1")?.execute([no])?;
        } else {
            self.conn
                .prepare_cached(
                    "UPDATE document SET held = 0, heads = x'', fingerprint = 0,
                       tail_changes = 0, tail_bytes = 0, snapshot_bytes = 0 WHERE no = ?1",
                )?
                .execute([no])?;
        }
        Ok(Forgotten { kept_own_changes: count(kept) })
    }

    pub(super) fn count_document(&mut self, by: i64, xor: i64) -> Result<(), StoreError> {
        // SQLite has no XOR: a ^ b = (a | b) - (a & b), which cannot overflow.
        self.conn
            .prepare_cached("UPDATE replica SET documents = documents + :by, digest = (digest | :xor) - (digest & :xor)")?
            .execute(named_params! { ":by": by, ":xor": xor })?;
        Ok(())
    }
}

fn holding(row: &Row<'_>) -> Result<Result<Holding, StoreError>, rusqlite::Error> {
    let heads: Vec<u8> = row.get(3)?;
    let (chunks, rest) = heads.as_chunks::<32>();
    if !rest.is_empty() {
        return Ok(Err(StoreError::Damaged { what: "head" }));
    }
    Ok(Ok(Holding {
        doc: DocId::from_bytes(row.get(0)?),
        kind: row.get(1)?,
        subject: SubjectId::from_bytes(row.get(2)?),
        heads: chunks.iter().copied().map(ChangeHash).collect(),
        fingerprint: row.get::<_, i64>(4)?.cast_unsigned(),
        tail_changes: count(row.get(5)?),
        tail_bytes: count(row.get(6)?),
        snapshot_bytes: count(row.get(7)?),
    }))
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

    use proptest::prelude::*;

    use super::*;
    use crate::ids::Ms;
    use crate::store::{Lane, Standing, Store};

    pub(in crate::store) fn doc(n: u8) -> DocId {
        DocId::from_bytes([n; 16])
    }
    pub(in crate::store) fn hash(doc: u8, n: u8) -> ChangeHash {
        let mut hash = [doc; 32];
        hash[0] = n;
        ChangeHash(hash)
    }
    pub(in crate::store) fn describe(n: u8, heads: &[ChangeHash]) -> Described<'_> {
        let fingerprint = heads.iter().fold(u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15), |sum, head| {
            sum.rotate_left(7) ^ u64::from_le_bytes(head.0[..8].try_into().unwrap())
        });
        Described { doc: doc(n), kind: "customer", subject: doc(n).into(), heads, fingerprint }
    }

    /// One document with one own change.
    pub(in crate::store) fn one_document(store: &mut Store, n: u8, lane: Lane) -> (DocId, ChangeHash) {
        store
            .write::<_, StoreError>(|w| {
                w.put_document(&describe(n, &[hash(n, 1)]))?;
                w.append_own(doc(n), hash(n, 1), b"first", lane, Ms(5))?;
                Ok(())
            })
            .unwrap();
        (doc(n), hash(n, 1))
    }

    #[test]
    fn snapshot_and_tail_come_back_as_written() {
        let mut store = Store::in_memory().unwrap();
        let big = b"card ".repeat(400);
        store
            .write::<_, StoreError>(|w| {
                w.put_document(&describe(1, &[hash(1, 1)]))?;
                w.put_snapshot(doc(1), &big)?;
                assert_eq!(w.append_received(doc(1), hash(1, 2), b"two")?, crate::store::Appended::Stored);
                assert_eq!(w.append_received(doc(1), hash(1, 2), b"two")?, crate::store::Appended::AlreadyKnown);
                w.append_own(doc(1), hash(1, 3), b"three", Lane::Normal, Ms(9))?;
                Ok(())
            })
            .unwrap();
        store
            .read::<_, StoreError>(|r| {
                let bytes = r.document_bytes(doc(1))?;
                assert_eq!(bytes.snapshot.as_deref(), Some(&big[..]));
                assert_eq!(bytes.tail, [b"two".to_vec(), b"three".to_vec()]);
                let holding = r.holding(doc(1))?.unwrap();
                assert_eq!((holding.tail_changes, holding.tail_bytes, holding.snapshot_bytes), (2, 8, 2000));
                Ok(())
            })
            .unwrap();
        // Compaction drops what was received and keeps what is our own.
        store.write(|w| w.put_snapshot(doc(1), b"all of it")).unwrap();
        store
            .read::<_, StoreError>(|r| {
                let bytes = r.document_bytes(doc(1))?;
                assert_eq!((bytes.snapshot.as_deref(), bytes.tail.len()), (Some(&b"all of it"[..]), 0));
                assert!(!r.has_change(hash(1, 2))?);
                assert_eq!(r.own_change(hash(1, 3))?.unwrap().bytes, b"three");
                assert_eq!(r.outbox(9, 999)?.len(), 1);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_document_keeps_its_kind_and_subject() {
        let mut store = Store::in_memory().unwrap();
        store.write(|w| w.put_document(&describe(1, &[]))).unwrap();
        let other = Described { kind: "visit", ..describe(1, &[]) };
        assert!(matches!(store.write(|w| w.put_document(&other)), Err(StoreError::OtherDocument { .. })));
        let unknown = store.write(|w| w.put_snapshot(doc(7), b"x"));
        assert!(matches!(unknown, Err(StoreError::UnknownDocument { .. })));
    }

    #[test]
    fn a_failed_closure_leaves_nothing() {
        let mut store = Store::in_memory().unwrap();
        let failed = store.write::<(), _>(|w| {
            w.put_document(&describe(1, &[hash(1, 1)]))?;
            w.append_own(doc(1), hash(1, 1), b"x", Lane::Normal, Ms(1))?;
            Err(StoreError::Damaged { what: "test" })
        });
        assert!(failed.is_err());
        assert!(store.read(|r| r.holding(doc(1))).unwrap().is_none());
        assert_eq!(store.read(|r| r.digest()).unwrap(), Digest { documents: 0, xor: 0 });
        assert_eq!(
            store
                .write(|w| {
                    w.put_document(&describe(1, &[hash(1, 1)]))?;
                    w.append_own(doc(1), hash(1, 1), b"x", Lane::Normal, Ms(1))
                })
                .unwrap(),
            1
        );
    }

    #[test]
    fn forgetting_keeps_own_work_until_it_is_durable_and_erasing_keeps_nothing() {
        let mut store = Store::in_memory().unwrap();
        let (doc_1, hash_1) = one_document(&mut store, 1, Lane::Normal);
        store
            .write::<_, StoreError>(|w| {
                w.put_snapshot(doc_1, b"secret")?;
                assert_eq!(w.forget(doc_1)?, Forgotten { kept_own_changes: 1 });
                Ok(())
            })
            .unwrap();
        assert!(store.read(|r| r.holding(doc_1)).unwrap().is_none());
        assert!(matches!(store.read(|r| r.document_bytes(doc_1)), Err(StoreError::UnknownDocument { .. })));
        assert_eq!(store.read(|r| r.outbox(9, 999)).unwrap().len(), 1);
        assert_eq!(store.read(|r| r.digest()).unwrap(), Digest { documents: 0, xor: 0 });
        store
            .write::<_, StoreError>(|w| {
                let _ = w.settle(hash_1, &Standing::Accepted { feed_no: 4 })?;
                assert_eq!(w.raise_durable(3)?, 0);
                assert_eq!(w.raise_durable(4)?, 1);
                assert!(w.document_no(doc_1)?.is_none());
                Ok(())
            })
            .unwrap();

        let (doc_2, hash_2) = one_document(&mut store, 2, Lane::Normal);
        store.write(|w| w.erase(doc_2)).unwrap();
        assert!(store.read(|r| r.own_change(hash_2)).unwrap().is_none());
        assert!(store.read(|r| r.document_no(doc_2)).unwrap().is_none());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Own(u8, Lane),
        Received(u8),
        Snapshot(u8),
        Forget(u8),
        Erase(u8),
        Accept(u8, u8, u64),
        Durable(u64),
        HandInAgain,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u8..4, any::<bool>()).prop_map(|(n, urgent)| Step::Own(n, if urgent { Lane::Urgent } else { Lane::Normal })),
            3 => (0u8..4).prop_map(Step::Received),
            2 => (0u8..4).prop_map(Step::Snapshot),
            1 => (0u8..4).prop_map(Step::Forget),
            1 => (0u8..4).prop_map(Step::Erase),
            3 => (0u8..4, 0u8..20, 1u64..9).prop_map(|(n, h, no)| Step::Accept(n, h, no)),
            1 => (0u64..9).prop_map(Step::Durable),
            1 => Just(Step::HandInAgain),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        /// The digest is the recounted digest; tails count what is in them; the outbox holds every own change without a verdict, urgent first, and within a
        /// document in the order of saving; nothing dangles.
        #[test]
        fn books_balance(steps in proptest::collection::vec(step(), 1..60)) {
            let mut store = Store::in_memory().unwrap();
            for (written, step) in (1u8..).zip(steps) {
                let n_hash = |n| hash(n, written);
                store.write::<_, StoreError>(|w| {
                    match step {
                        Step::Own(n, lane) => {
                            w.put_document(&describe(n, &[n_hash(n)]))?;
                            w.append_own(doc(n), n_hash(n), &[n; 9], lane, Ms(i64::from(written)))?;
                        }
                        Step::Received(n) => {
                            w.put_document(&describe(n, &[n_hash(n)]))?;
                            let _ = w.append_received(doc(n), n_hash(n), &[n; 7])?;
                        }
                        Step::Snapshot(n) if w.holding(doc(n))?.is_some() => w.put_snapshot(doc(n), &[n; 99])?,
                        Step::Snapshot(_) => {}
                        Step::Forget(n) => { w.forget(doc(n))?; }
                        Step::Erase(n) => w.erase(doc(n))?,
                        Step::Accept(n, h, feed_no) => { let _ = w.settle(hash(n, h), &Standing::Accepted { feed_no })?; }
                        Step::Durable(no) => { w.raise_durable(no)?; }
                        Step::HandInAgain => { w.hand_in_again()?; }
                    }
                    Ok(())
                }).unwrap();
                store.read::<_, StoreError>(|r| {
                    assert_eq!(r.digest()?, r.digest_recounted()?);
                    for holding in r.holdings_after(None, 99)? {
                        let bytes = r.document_bytes(holding.doc)?;
                        assert_eq!(bytes.tail.len() as u64, holding.tail_changes);
                        assert_eq!(bytes.tail.iter().map(|t| t.len() as u64).sum::<u64>(), holding.tail_bytes);
                    }
                    let outbox = r.outbox(999, 99_999)?;
                    assert_eq!(outbox.len() as u64, r.outbox_size()?.changes);
                    assert!(outbox.windows(2).all(|two| two[0].lane <= two[1].lane));
                    for n in 0..4 {
                        let of_doc: Vec<u64> = outbox.iter().filter(|own| own.doc == doc(n)).map(|own| own.recorded_no).collect();
                        assert!(of_doc.is_sorted(), "{of_doc:?}");
                    }
                    Ok(())
                }).unwrap();
            }
            assert!(store.is_sound().unwrap());
        }
    }
}
