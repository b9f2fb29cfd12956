//! What is held beside the documents of the scopes: documents lent on demand or about to leave, rows told in place of
//! documents, wishes for the next exchange, and the fingerprints that a comparison sends. Never opens a document.

use rusqlite::{OptionalExtension, params};

use super::{Reading, StoreError, Writing, count, int, within};
use crate::ids::{DocId, Ms, SubjectId};

/// Longest row told in place of a document, in bytes.
pub const TOLD_ROW_BYTES_MAX: usize = 64 << 10;
/// Longest wish, in bytes.
const WISH_BYTES_MAX: usize = 256;

/// Why a document is held although no scope of this device holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// Its person opened it; it came by name at this moment.
    Lent {
        /// When it was last opened or brought up to date.
        since: Ms,
    },
    /// It left the scopes while own changes in it waited: it stays in sight until they are acknowledged.
    Leaving,
}

impl Apart {
    const fn columns(self) -> (i64, i64) {
        match self {
            Self::Lent { since } => (1, since.0),
            Self::Leaving => (2, 0),
        }
    }
    const fn of(why: i64, since_ms: i64) -> Self {
        if why == 1 { Self::Lent { since: Ms(since_ms) } } else { Self::Leaving }
    }
}

/// A row told in place of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldRow {
    /// The document.
    pub doc: DocId,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
    /// Fingerprint of the document at headquarters.
    pub fingerprint: u64,
    /// The row; empty when another document of the subject carries it.
    pub bytes: Vec<u8>,
}

const TOLD: &str = "SELECT doc, kind, subject, fingerprint, bytes FROM told_row";

fn told(row: &rusqlite::Row<'_>) -> Result<ToldRow, rusqlite::Error> {
    Ok(ToldRow {
        doc: DocId::from_bytes(row.get(0)?),
        kind: row.get(1)?,
        subject: SubjectId::from_bytes(row.get(2)?),
        fingerprint: row.get::<_, i64>(3)?.cast_unsigned(),
        bytes: row.get(4)?,
    })
}

impl Reading<'_> {
    /// Whether and why a held document stands apart from the scopes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn apart(&self, doc: DocId) -> Result<Option<Apart>, StoreError> {
        let mut find =
            self.conn.prepare_cached("SELECT a.why, a.since_ms FROM apart a JOIN document d ON d.no = a.document WHERE d.doc = ?1")?;
        Ok(find.query_row([doc.as_bytes()], |row| Ok(Apart::of(row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Documents that stand apart, those lent longest ago first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn all_apart(&self) -> Result<Vec<(DocId, Apart)>, StoreError> {
        // A cross join, which SQLite takes in this order: the few that stand apart, not all documents.
        let mut find = self.conn.prepare_cached(
            "SELECT d.doc, a.why, a.since_ms FROM apart a CROSS JOIN document d ON d.no = a.document ORDER BY a.since_ms, d.doc",
        )?;
        let rows = find.query_map([], |row| Ok((DocId::from_bytes(row.get(0)?), Apart::of(row.get(1)?, row.get(2)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The row told in place of a document.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn told_row(&self, doc: DocId) -> Result<Option<ToldRow>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!("{TOLD} WHERE doc = ?1"))?;
        Ok(find.query_row([doc.as_bytes()], told).optional()?)
    }

    /// All rows told about a subject, by kind.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn told_rows_of(&self, subject: SubjectId) -> Result<Vec<ToldRow>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!("{TOLD} WHERE subject = ?1 ORDER BY kind, doc"))?;
        Ok(find.query_map([subject.as_bytes()], told)?.collect::<Result<_, _>>()?)
    }

    /// At most `max` subjects after `after` of which a document or a told row is held, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn subjects_after(&self, after: Option<SubjectId>, max: usize) -> Result<Vec<SubjectId>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT subject FROM document WHERE subject > ?1 AND held = 1
             UNION SELECT subject FROM told_row WHERE subject > ?1 ORDER BY subject LIMIT ?2",
        )?;
        let after: &[u8] = after.as_ref().map_or(&[], |subject| subject.as_bytes());
        let rows = find.query_map(params![after, int(max)], |row| Ok(SubjectId::from_bytes(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Fingerprints of everything that the digest counts, ascending.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn prints(&self) -> Result<Vec<u64>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT fingerprint FROM document WHERE held = 1 AND no NOT IN (SELECT document FROM apart)
             UNION ALL SELECT fingerprint FROM told_row",
        )?;
        let rows = find.query_map([], |row| row.get::<_, i64>(0))?;
        let mut prints = rows.map(|print| print.map(i64::cast_unsigned)).collect::<Result<Vec<_>, _>>()?;
        prints.sort_unstable();
        Ok(prints)
    }

    /// Documents, held or told as rows, that have one of these fingerprints.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn with_prints(&self, prints: &std::collections::BTreeSet<u64>) -> Result<Vec<DocId>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT doc, fingerprint FROM document WHERE held = 1 AND no NOT IN (SELECT document FROM apart)
             UNION ALL SELECT doc, fingerprint FROM told_row",
        )?;
        let mut rows = find.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if prints.contains(&row.get::<_, i64>(1)?.cast_unsigned()) {
                found.push(DocId::from_bytes(row.get(0)?));
            }
        }
        Ok(found)
    }

    /// What the next exchange asks for by name, oldest wish first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn wishes(&self, max: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT wish FROM wanted ORDER BY asked_ms, wish LIMIT ?1")?;
        Ok(find.query_map([int(max)], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// How many rows are told in place of documents.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn told_rows(&self) -> Result<u64, StoreError> {
        Ok(count(self.conn.prepare_cached("SELECT count(*) FROM told_row")?.query_row([], |row| row.get(0))?))
    }
}

impl Writing<'_> {
    /// Sets a held document apart, or notes another reason or moment: the digest counts it no more. An unknown document is no error.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_apart(&mut self, doc: DocId, apart: Apart) -> Result<(), StoreError> {
        let Some((no, fingerprint)) = self.held_no(doc)? else { return Ok(()) };
        if self.apart(doc)?.is_none() {
            self.count_document(-1, fingerprint)?;
        }
        let (why, since_ms) = apart.columns();
        self.conn
            .prepare_cached(
                "INSERT INTO apart (document, why, since_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (document) DO UPDATE SET why = excluded.why, since_ms = excluded.since_ms",
            )?
            .execute(params![no, why, since_ms])?;
        Ok(())
    }

    /// Takes a document back among those of the scopes: the digest counts it again.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_among(&mut self, doc: DocId) -> Result<(), StoreError> {
        let Some((no, fingerprint)) = self.held_no(doc)? else { return Ok(()) };
        if self.conn.prepare_cached("DELETE FROM apart WHERE document = ?1")?.execute([no])? > 0 {
            self.count_document(1, fingerprint)?;
        }
        Ok(())
    }

    /// Notes that what is stored of a document is not what its row says: its fingerprint becomes one that no document has, so
    /// that the next comparison brings it anew.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn mark_damaged(&mut self, doc: DocId) -> Result<(), StoreError> {
        let Some((no, fingerprint)) = self.held_no(doc)? else { return Ok(()) };
        if self.apart(doc)?.is_none() {
            // a ^ !a: every bit turned.
            self.count_document(0, -1)?;
        }
        self.conn.prepare_cached("UPDATE document SET fingerprint = ?2 WHERE no = ?1")?.execute(params![no, !fingerprint])?;
        Ok(())
    }

    /// Notes a row told in place of a document.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or the file cannot be written.
    pub fn put_told_row(&mut self, row: &ToldRow) -> Result<(), StoreError> {
        within("a row told (bytes)", row.bytes.len(), TOLD_ROW_BYTES_MAX)?;
        self.drop_told_row(row.doc)?;
        let fingerprint = row.fingerprint.cast_signed();
        self.conn
            .prepare_cached("INSERT INTO told_row (doc, kind, subject, fingerprint, bytes) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![row.doc.as_bytes(), row.kind, row.subject.as_bytes(), fingerprint, row.bytes])?;
        self.count_document(1, fingerprint)
    }

    /// Removes a row told in place of a document, and returns it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_told_row(&mut self, doc: DocId) -> Result<Option<ToldRow>, StoreError> {
        let Some(row) = self.told_row(doc)? else { return Ok(None) };
        self.conn.prepare_cached("DELETE FROM told_row WHERE doc = ?1")?.execute([doc.as_bytes()])?;
        self.count_document(-1, row.fingerprint.cast_signed())?;
        Ok(Some(row))
    }

    /// Notes a wish for the next exchange.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or the file cannot be written.
    pub fn put_wish(&mut self, wish: &[u8], now: Ms) -> Result<(), StoreError> {
        within("a wish (bytes)", wish.len(), WISH_BYTES_MAX)?;
        self.conn
            .prepare_cached("INSERT INTO wanted (wish, asked_ms) VALUES (?1, ?2) ON CONFLICT (wish) DO NOTHING")?
            .execute(params![wish, now.0])?;
        Ok(())
    }

    /// Takes a wish out: it was answered.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_wish(&mut self, wish: &[u8]) -> Result<(), StoreError> {
        self.conn.prepare_cached("DELETE FROM wanted WHERE wish = ?1")?.execute([wish])?;
        Ok(())
    }

    /// Puts own changes of a document that were accepted back into the outbox: headquarters may lack them. Returns how many.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn hand_in_again_of(&mut self, doc: DocId) -> Result<u64, StoreError> {
        let changed = self
            .conn
            .prepare_cached(
                "UPDATE own_change SET standing = 0, feed_no = 0 WHERE standing = 1
                   AND change IN (SELECT c.no FROM change c JOIN document d ON d.no = c.document WHERE d.doc = ?1)",
            )?
            .execute([doc.as_bytes()])?;
        Ok(changed as u64)
    }

    fn held_no(&self, doc: DocId) -> Result<Option<(i64, i64)>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT no, fingerprint FROM document WHERE doc = ?1 AND held = 1")?;
        Ok(find.query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test says where")]

    use std::collections::BTreeSet;

    use super::super::documents::tests::{doc, one_document};
    use super::super::{Digest, Lane, Store};
    use super::*;

    fn balanced(store: &Store) -> Digest {
        let digest = store.read(|r| r.digest()).unwrap();
        assert_eq!(digest, store.read(|r| r.digest_recounted()).unwrap());
        digest
    }

    #[test]
    fn the_digest_counts_rows_and_leaves_out_what_stands_apart() {
        let mut store = Store::in_memory().unwrap();
        one_document(&mut store, 1, Lane::Normal);
        one_document(&mut store, 2, Lane::Normal);
        let two = balanced(&store);
        store.write(|w| w.set_apart(doc(1), Apart::Lent { since: Ms(5) })).unwrap();
        store.write(|w| w.set_apart(doc(1), Apart::Leaving)).unwrap();
        assert_eq!(balanced(&store).documents, 1);
        one_document(&mut store, 1, Lane::Normal);
        assert_eq!(balanced(&store).documents, 1, "writing a document that stands apart leaves it there");
        store.write(|w| w.put_among(doc(1))).unwrap();
        assert_eq!(balanced(&store), two);
        let row = ToldRow { doc: doc(3), kind: "visit".into(), subject: doc(3).into(), fingerprint: u64::MAX - 3, bytes: vec![1] };
        store.write(|w| w.put_told_row(&row)).unwrap();
        store.write(|w| w.put_told_row(&ToldRow { fingerprint: 7, ..row.clone() })).unwrap();
        assert_eq!(balanced(&store).documents, 3);
        assert_eq!(store.read(|r| r.with_prints(&BTreeSet::from([7]))).unwrap(), [doc(3)]);
        store.write(|w| w.drop_told_row(doc(3))).unwrap();
        assert_eq!(balanced(&store), two);
        store.write(|w| w.mark_damaged(doc(2))).unwrap();
        assert_ne!(balanced(&store), two);
        store.write(|w| w.set_apart(doc(2), Apart::Leaving)).unwrap();
        store.write(|w| w.forget(doc(2))).unwrap();
        assert_eq!(balanced(&store).documents, 1);
        assert!(store.is_sound().unwrap());
    }
}
