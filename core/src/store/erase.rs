//! Removing so that nothing stays: documents erased on demand, and private ones that are given up. What is deleted is overwritten in the
//! file (`secure_delete`, on every connection); what SQLite copied about before that, and what stands in the write-ahead log, goes when
//! the file is scoured. Never here: why something is removed.

use rusqlite::params;

use super::standing::OwnStanding;
use super::{Reading, Store, StoreError, Writing};
use crate::ids::DocId;
use crate::model::kinds::is_private;

/// Setting: something was removed for good, and the file has not been scoured since. 1 byte: where something of it may be left.
const SETTING_RESIDUE: &str = "erase/residue";
/// Anywhere.
const IN_THE_FILE: u8 = 1;
/// In the log: it lay alone in its pages, which are overwritten.
const IN_THE_LOG: u8 = 2;
/// Files up to this many bytes are built anew when they are scoured. It takes as much memory; in larger ones what was deleted is
/// overwritten where it lay, and the log is emptied.
pub(super) const REBUILT_BYTES_MAX: u64 = 64 << 20;

impl Reading<'_> {
    /// Whether something was removed for good and the file has not been scoured since.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn residue(&self) -> Result<bool, StoreError> {
        Ok(self.setting(SETTING_RESIDUE)?.is_some())
    }

    /// Whether anything of a document is kept, in sight or not.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn document_kept(&self, doc: DocId) -> Result<bool, StoreError> {
        Ok(self.document_no(doc)?.is_some())
    }
}

impl Writing<'_> {
    /// Removes a document for good, own changes and quarantined bytes included, and overwrites where it was: the answer to a demand for
    /// erasure, for nothing else. [`Store::scour`] does the rest.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn erase(&mut self, doc: DocId) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "DELETE FROM own_change WHERE change IN
                   (SELECT c.no FROM change c JOIN document d ON d.no = c.document WHERE d.doc = ?1)",
            )?
            .execute([doc.as_bytes()])?;
        for table in ["quarantine", "draft", "lost", "unheard"] {
            self.conn.prepare_cached(&format!("DELETE FROM {table} WHERE doc = ?1"))?.execute([doc.as_bytes()])?;
        }
        self.drop_told_row(doc)?;
        self.forget(doc)?;
        self.leave_residue()
    }

    /// Drops own changes of a private document that are done with, and what was refused of it. What waits for a verdict, or for a
    /// person's decision, is its author's: it stays until it has one.
    pub(super) fn drop_settled(&mut self, doc: DocId, no: i64) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "DELETE FROM own_change WHERE standing NOT IN (?2, ?3) AND change IN (SELECT no FROM change WHERE document = ?1)",
            )?
            .execute(params![no, OwnStanding::Waiting.code(), OwnStanding::Quarantined.code()])?;
        self.conn.prepare_cached("DELETE FROM quarantine WHERE doc = ?1")?.execute([doc.as_bytes()])?;
        self.leave_residue()
    }

    /// Drops what was set aside of private documents: headquarters keeps it for a person to decide, and tells the device that wrote it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_private_set_aside(&mut self) -> Result<(), StoreError> {
        let documents: Vec<(i64, String)> = self
            .conn
            .prepare_cached(
                "SELECT DISTINCT d.no, d.kind FROM document d JOIN change c ON c.document = d.no JOIN own_change o ON o.change = c.no
                 WHERE o.standing = ?1",
            )?
            .query_map([OwnStanding::Quarantined.code()], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (no, _) in documents.into_iter().filter(|(_, kind)| is_private(kind)) {
            self.conn
                .prepare_cached("DELETE FROM own_change WHERE standing = ?2 AND change IN (SELECT no FROM change WHERE document = ?1)")?
                .execute(params![no, OwnStanding::Quarantined.code()])?;
            self.conn
                .prepare_cached("DELETE FROM change WHERE document = ?1 AND in_tail = 0 AND no NOT IN (SELECT change FROM own_change)")?
                .execute([no])?;
            self.conn
                .prepare_cached(
                    "DELETE FROM document WHERE no = ?1 AND held = 0 AND NOT EXISTS (SELECT 1 FROM change WHERE document = ?1)",
                )?
                .execute([no])?;
            self.leave_residue()?;
        }
        Ok(())
    }

    fn leave_residue(&mut self) -> Result<(), StoreError> {
        self.put_setting(SETTING_RESIDUE, &[IN_THE_FILE])
    }

    /// Something was removed that lay alone in its pages.
    pub(super) fn leave_residue_in_the_log(&mut self) -> Result<(), StoreError> {
        if self.residue()? { Ok(()) } else { self.put_setting(SETTING_RESIDUE, &[IN_THE_LOG]) }
    }
}

impl Store {
    /// After something was removed for good: builds the file anew where it is small enough, and empties its log. Nothing to do costs
    /// one look. What cannot be done now (a full disk, a reader) stays due.
    ///
    /// # Errors
    /// The file cannot be written; nothing of it is lost.
    pub fn scour(&mut self) -> Result<(), StoreError> {
        let Some(residue) = self.read(|read| read.setting(SETTING_RESIDUE))? else { return Ok(()) };
        if residue != [IN_THE_LOG] {
            let bytes: i64 =
                self.conn.query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [], |row| row.get(0))?;
            if u64::try_from(bytes).is_ok_and(|bytes| bytes <= REBUILT_BYTES_MAX) {
                self.conn.execute_batch("VACUUM")?;
            }
        }
        let busy: bool = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy {
            return Ok(());
        }
        self.write(|write| write.drop_setting(SETTING_RESIDUE))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

    use std::path::Path;

    use super::*;
    use crate::ids::{ChangeHash, Ms};
    use crate::store::{Described, Lane, OpenOptions, QuarantinedChange, Standing};

    const NOW: Ms = Ms(1_772_424_000_000);
    const SECRET: &str = "喜欢钓鱼，女儿在读大学";

    fn found(path: &Path) -> usize {
        let folder = std::fs::read_dir(path.parent().unwrap()).unwrap();
        let holds = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        folder.filter(|entry| holds(&std::fs::read(entry.as_ref().unwrap().path()).unwrap())).count()
    }

    fn doc(n: u8) -> DocId {
        DocId::from_bytes([n; 16])
    }
    fn hash(n: u8, m: u8) -> ChangeHash {
        let mut hash = [n; 32];
        hash[0] = m;
        ChangeHash(hash)
    }

    /// Twenty documents with own changes, received ones, snapshots and refused bytes, all of them with the secret in it.
    fn filled(store: &mut Store, kind: &str) {
        for n in 1..=20 {
            store
                .write::<_, StoreError>(|w| {
                    let heads = [hash(n, 1)];
                    w.put_document(&Described { doc: doc(n), kind, subject: doc(n).into(), heads: &heads, fingerprint: n.into() })?;
                    let text = format!("{n} {SECRET} {}", "x".repeat(usize::from(n) * 40));
                    w.append_own(doc(n), hash(n, 1), text.as_bytes(), Lane::Normal, NOW)?;
                    let _stored = w.append_received(doc(n), hash(n, 2), text.as_bytes())?;
                    w.append_own(doc(n), hash(n, 3), text.as_bytes(), Lane::Normal, NOW)?;
                    if n % 2 == 0 {
                        w.put_snapshot(doc(n), text.as_bytes())?;
                    }
                    let refused = QuarantinedChange {
                        hash: hash(n, 4),
                        doc: doc(n),
                        received_at: NOW,
                        reason: "x".to_owned(),
                        bytes: text.as_bytes().to_vec(),
                    };
                    w.quarantine(&refused)
                })
                .unwrap();
        }
    }

    #[test]
    fn no_byte_of_what_was_erased_is_in_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let mut store = Store::open(&path, &OpenOptions::phone(NOW)).unwrap().store;
        filled(&mut store, "person");
        assert!(found(&path) > 0, "the secret is there to be found");
        store.write::<_, StoreError>(|w| (1..=20).try_for_each(|n| w.erase(doc(n)))).unwrap();
        assert!(store.read(|r| r.residue()).unwrap());
        store.scour().unwrap();
        assert!(!store.read(|r| r.residue()).unwrap());
        assert_eq!(found(&path), 0);
        assert!(store.read(|r| r.outbox(9, 999)).unwrap().is_empty());
        assert!(store.is_sound().unwrap());
        drop(store);
        assert_eq!(found(&path), 0);
    }

    #[test]
    fn no_byte_of_an_answer_that_was_kept_is_in_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let mut store = Store::open(&path, &OpenOptions::phone(NOW)).unwrap().store;
        // A short one lies among other things of its page, a long one in many pages.
        for length in [20, 300_000] {
            let answer = format!("{SECRET} {}", "x".repeat(length));
            store.write(|w| w.put_received(answer.as_bytes(), NOW)).unwrap();
            assert!(found(&path) > 0, "the secret is there to be found");
            store.write(|w| w.drop_received()).unwrap();
            assert!(found(&path) > 0 && store.read(|r| r.residue()).unwrap(), "in the log");
            store.scour().unwrap();
            assert_eq!((found(&path), store.read(|r| r.residue()).unwrap()), (0, false), "{length}");
        }
    }

    #[test]
    fn a_private_document_that_is_given_up_leaves_only_what_is_undecided() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let mut store = Store::open(&path, &OpenOptions::phone(NOW)).unwrap().store;
        filled(&mut store, "person");
        store
            .write::<_, StoreError>(|w| {
                for n in 1..=20 {
                    let _settled = w.settle(hash(n, 1), &Standing::Accepted { feed_no: 0 })?;
                    let _settled = match n {
                        1 => crate::store::Settled::Unchanged,
                        2 => w.settle(hash(n, 3), &Standing::Quarantined { reason: "no_right".to_owned() })?,
                        _ => w.settle(hash(n, 3), &Standing::Accepted { feed_no: 0 })?,
                    };
                    let kept = w.forget(doc(n))?.kept_own_changes;
                    assert_eq!(kept, u64::from(n <= 2), "document {n}");
                }
                Ok(())
            })
            .unwrap();
        store.scour().unwrap();
        let waiting = store.read(|r| r.outbox(9, 9_999)).unwrap();
        assert_eq!(waiting.iter().map(|own| own.hash).collect::<Vec<_>>(), [hash(1, 3)]);
        assert_eq!(store.read(|r| r.own_changes(OwnStanding::Quarantined, 0, 9)).unwrap().len(), 1);
        assert_eq!(found(&path), 1, "what is undecided is somebody's work");
        store.write::<_, StoreError>(|w| [1, 2].into_iter().try_for_each(|n| w.erase(doc(n)))).unwrap();
        store.scour().unwrap();
        assert_eq!(found(&path), 0);
        // Of any other kind own changes stay, in case headquarters loses them.
        filled(&mut store, "customer");
        store
            .write::<_, StoreError>(|w| {
                let _settled = w.settle(hash(1, 1), &Standing::Accepted { feed_no: 0 })?;
                assert_eq!(w.forget(doc(1))?.kept_own_changes, 2);
                Ok(())
            })
            .unwrap();
        assert!(store.is_sound().unwrap());
    }

    #[test]
    fn no_dictionary_is_learnt_from_what_is_private() {
        let mut store = Store::in_memory().unwrap();
        store
            .write::<_, StoreError>(|w| {
                for n in 0..600_u32 {
                    let doc = DocId::derived(&n.to_string());
                    w.put_document(&Described { doc, kind: "person", subject: doc.into(), heads: &[], fingerprint: n.into() })?;
                    w.put_snapshot(doc, format!("{SECRET} and {n} other things that many people have in common").as_bytes())?;
                }
                Ok(())
            })
            .unwrap();
        let learnt: i64 = store.conn.query_row("SELECT count(*) FROM dictionary", [], |row| row.get(0)).unwrap();
        assert_eq!(learnt, 0);
    }
}
