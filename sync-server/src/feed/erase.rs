//! Erasing a document for good: its changes and the bytes of what was quarantined of it are deleted and overwritten, a tombstone stays:
//! who asked, when, why, never what. From then on nothing enters that document, whoever hands it in. Never here: who may ask (`access`).

use roadbook_core::ids::{DocId, Ms, SubjectId, UserId};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::columns::{column, number};
use super::desk::NEXT_DECISION;
use super::filing::rescope;
use super::groups::Groups;
use super::sqlite::{Numbers, SqliteFeed, document, introduce};
use super::{Document, FeedError};
use crate::exchange::verdict::{ERASED, words};

/// Mark: something was erased, and the file has not been scoured since.
const RESIDUE: &str = "erase/residue";

/// An erasure to be carried out.
#[derive(Debug, Clone)]
pub struct Erasure<'a> {
    /// The document; one that the feed has not seen yet may be waiting on a phone.
    pub document: Document,
    /// Who asked for it, in words.
    pub asked_by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who had it erased.
    pub by: UserId,
    /// When.
    pub now: Ms,
}

/// A tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The document that was.
    pub doc: DocId,
    /// Its kind.
    pub kind: String,
    /// What it was about.
    pub subject: SubjectId,
    /// When it was erased.
    pub at: Ms,
    /// Who had it erased.
    pub by: UserId,
    /// Who asked for it, in words.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// How many changes were removed.
    pub changes: u64,
}

/// What the feed remembers of what was erased.
pub trait Erasures {
    /// Erases a document in one durable transaction. Once erased it stays so: again changes nothing. Returns its tombstone.
    ///
    /// # Errors
    /// When the storage fails; nothing is then changed.
    fn erase(&self, erasure: &Erasure<'_>) -> Result<Erased, FeedError>;

    /// The tombstone of a document.
    ///
    /// # Errors
    /// When the storage fails.
    fn erased(&self, doc: DocId) -> Result<Option<Erased>, FeedError>;

    /// All tombstones, or those of one subject, the oldest first.
    ///
    /// # Errors
    /// When the storage fails.
    fn all_erased(&self, subject: Option<SubjectId>) -> Result<Vec<Erased>, FeedError>;

    /// After an erasure: builds the file anew where it is small enough, and empties its log. `false`: somebody is reading, and it stays
    /// due. Nothing to do costs one look.
    ///
    /// # Errors
    /// When the storage fails.
    fn scour(&self) -> Result<bool, FeedError>;
}

const TOMBSTONE: &str = "SELECT erased.doc, doc.kind, doc.subject, erased.at_ms, erased.by, erased.asked_by, erased.reason, erased.changes
                           FROM erased JOIN doc ON doc.id = erased.doc";

impl Erasures for SqliteFeed {
    fn erase(&self, erasure: &Erasure<'_>) -> Result<Erased, FeedError> {
        self.database.write(|tx| {
            let doc = erasure.document.id;
            if let Some(known) = tombstone(tx, doc)? {
                return Ok(known);
            }
            if document(tx, doc)?.is_none() {
                introduce(tx, &erasure.document)?;
            }
            let mut groups = Groups::default();
            groups.touch(tx, doc)?;
            let id = doc.as_bytes();
            tx.execute("DELETE FROM late WHERE no IN (SELECT no FROM feed WHERE doc = ?1)", [id])?;
            let changes = tx.execute("DELETE FROM feed WHERE doc = ?1", [id])?;
            blank_quarantine(tx, erasure)?;
            tx.execute("UPDATE doc SET heads = x'' WHERE id = ?1", [id])?;
            let mut numbers = Numbers::draw(tx)?;
            tx.execute(
                "INSERT INTO erased (doc, no, at_ms, by, asked_by, reason, changes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    id,
                    column(numbers.next()),
                    erasure.now.0,
                    erasure.by.as_bytes(),
                    erasure.asked_by,
                    erasure.reason,
                    column(changes as u64)
                ],
            )?;
            rescope(tx, doc, &mut numbers)?;
            groups.settle(tx)?;
            numbers.keep(tx)?;
            tx.execute("INSERT OR REPLACE INTO feed_mark (name, value) VALUES (?1, 1)", [RESIDUE])?;
            tombstone(tx, doc)?.ok_or(FeedError::NoDocument(doc))
        })
    }

    fn erased(&self, doc: DocId) -> Result<Option<Erased>, FeedError> {
        self.database.read(|tx| Ok(tombstone(tx, doc)?))
    }

    fn all_erased(&self, subject: Option<SubjectId>) -> Result<Vec<Erased>, FeedError> {
        self.database.read(|tx| match subject {
            Some(subject) => {
                let mut find = tx.prepare_cached(&format!("{TOMBSTONE} WHERE doc.subject = ?1 ORDER BY +erased.no"))?;
                Ok(find.query_map([subject.as_bytes()], read)?.collect::<Result<_, _>>()?)
            }
            None => {
                let mut find = tx.prepare_cached(&format!("{TOMBSTONE} ORDER BY erased.no"))?;
                Ok(find.query_map([], read)?.collect::<Result<_, _>>()?)
            }
        })
    }

    fn scour(&self) -> Result<bool, FeedError> {
        let due = "SELECT 1 FROM feed_mark WHERE name = ?1";
        if !self.database.read(|tx| Ok::<_, FeedError>(tx.prepare_cached(due)?.exists([RESIDUE])?))? {
            return Ok(true);
        }
        if !self.database.scour()? {
            return Ok(false);
        }
        self.database.write(|tx| {
            tx.execute("DELETE FROM feed_mark WHERE name = ?1", [RESIDUE])?;
            Ok(true)
        })
    }
}

/// Whether a document is erased: nothing enters it, no scope holds it.
pub(super) fn is_erased(tx: &Transaction<'_>, doc: DocId) -> Result<bool, rusqlite::Error> {
    tx.prepare_cached("SELECT 1 FROM erased WHERE doc = ?1")?.exists([doc.as_bytes()])
}

/// What was set aside of the document keeps its line and loses its bytes. Who handed it in is told that it is rejected, and why: their
/// device then erases what it kept.
fn blank_quarantine(tx: &Transaction<'_>, erasure: &Erasure<'_>) -> Result<(), rusqlite::Error> {
    let doc = erasure.document.id;
    tx.execute("UPDATE quarantine SET bytes = x'' WHERE doc = ?1", [doc.as_bytes()])?;
    let undone: Vec<i64> = {
        let mut find = tx.prepare("SELECT id FROM quarantine WHERE doc = ?1 AND state IN ('open', 'rejected') ORDER BY id")?;
        find.query_map([doc.as_bytes()], |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    let remark = format!("{ERASED}: {}", words(ERASED));
    for id in undone {
        tx.execute(
            &format!("UPDATE quarantine SET state = 'rejected', decided_ms = ?2, decided_by = ?3, remark = ?4, decided_no = {NEXT_DECISION} WHERE id = ?1"),
            params![id, erasure.now.0, erasure.by.as_bytes(), remark],
        )?;
    }
    Ok(())
}

fn tombstone(tx: &Transaction<'_>, doc: DocId) -> Result<Option<Erased>, rusqlite::Error> {
    tx.prepare_cached(&format!("{TOMBSTONE} WHERE erased.doc = ?1"))?.query_row([doc.as_bytes()], read).optional()
}

fn read(row: &Row<'_>) -> Result<Erased, rusqlite::Error> {
    Ok(Erased {
        doc: DocId::from_bytes(row.get(0)?),
        kind: row.get(1)?,
        subject: SubjectId::from_bytes(row.get(2)?),
        at: Ms(row.get(3)?),
        by: UserId::from_bytes(row.get(4)?),
        asked_by: row.get(5)?,
        reason: row.get(6)?,
        changes: number(row, 7)?,
    })
}
