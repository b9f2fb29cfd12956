//! Where subjects are filed, which windows are open, and what scopes follow for their documents. A scope entered or left draws a
//! number. Nothing here appends entries.

use std::collections::BTreeSet;

use roadbook_core::ids::{DocId, SubjectId};
use roadbook_core::model::kinds;
use rusqlite::{OptionalExtension, Transaction, params};

use super::columns::column;
use super::erase::is_erased;
use super::sqlite::{Numbers, document, filing};
use super::{FeedError, Filing, Scope, Window};

/// Notes what a window opens or closes; a side that it says nothing of stays as it is.
pub(super) fn put_window(tx: &Transaction<'_>, doc: DocId, window: &Window) -> Result<(), rusqlite::Error> {
    let now = window_of(tx, doc)?;
    let next = (window.territory.unwrap_or(now.0), window.person.unwrap_or(now.1));
    if next == now {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT INTO doc_window (doc, territory, person) VALUES (?1, ?2, ?3)
         ON CONFLICT (doc) DO UPDATE SET territory = excluded.territory, person = excluded.person",
    )?
    .execute(params![doc.as_bytes(), next.0, next.1])?;
    Ok(())
}

/// Whether a document's windows are open: its territory's, its person's.
fn window_of(tx: &Transaction<'_>, doc: DocId) -> Result<(bool, bool), rusqlite::Error> {
    let found = tx
        .prepare_cached("SELECT territory, person FROM doc_window WHERE doc = ?1")?
        .query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or((true, true)))
}

pub(super) fn file(tx: &Transaction<'_>, subject: SubjectId, filing: &Filing, no: u64) -> Result<(), FeedError> {
    tx.prepare_cached(
        "INSERT INTO filing (subject, territory, owner, no) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (subject) DO UPDATE SET territory = excluded.territory, owner = excluded.owner, no = excluded.no",
    )?
    .execute(params![
        subject.as_bytes(),
        filing.territory.as_ref().map_or("", |territory| territory.0.as_str()),
        filing.owner.map_or_else(Vec::new, |owner| owner.as_bytes().to_vec()),
        column(no)
    ])?;
    Ok(())
}

/// Brings the document's scopes in line with where its subject is filed. A scope entered or left draws a number.
pub(super) fn rescope(tx: &Transaction<'_>, id: DocId, numbers: &mut Numbers) -> Result<(), FeedError> {
    let Some(document) = document(tx, id)? else { return Err(FeedError::NoDocument(id)) };
    let filing = filing(tx, document.subject)?.unwrap_or_default();
    let (territory_open, person_open) = window_of(tx, id)?;
    let territory = filing.territory.filter(|_| document.in_territory).map(|territory| Scope::territory(&territory));
    let owner = document.owner.or(filing.owner).map(Scope::user);
    // Whoever has a customer has its latest visits, wherever it is filed and whoever made them.
    let host = filing.owner.filter(|_| document.kind == kinds::VISIT.id).map(Scope::user);
    let near = territory.iter().chain(&host).filter(|_| territory_open);
    let mut wanted: BTreeSet<Scope> = near.chain(owner.iter().filter(|_| person_open)).cloned().collect();
    if is_erased(tx, id)? {
        wanted.clear();
    }
    // A document that never was in any scope has left its person's all the same: the device that made it is told so.
    if let Some(person) = owner.as_ref().filter(|_| !person_open && wanted.is_empty()) {
        let never = !tx.prepare_cached("SELECT 1 FROM doc_scope WHERE doc = ?1")?.exists([id.as_bytes()])?;
        if never {
            tx.prepare_cached("INSERT INTO doc_scope (doc, scope, entered_no, last_no, left_no) VALUES (?1, ?2, ?3, ?3, ?3)")?
                .execute(params![id.as_bytes(), person.as_str(), column(numbers.next())])?;
        }
    }
    let present: BTreeSet<Scope> = {
        let mut statement = tx.prepare_cached("SELECT scope FROM doc_scope WHERE doc = ?1 AND left_no = 0")?;
        let rows = statement.query_map([id.as_bytes()], |row| row.get(0).map(Scope))?;
        rows.collect::<Result<_, _>>()?
    };
    for left in present.difference(&wanted) {
        tx.prepare_cached("UPDATE doc_scope SET left_no = ?3 WHERE doc = ?1 AND scope = ?2")?.execute(params![
            id.as_bytes(),
            left.as_str(),
            column(numbers.next())
        ])?;
    }
    for entered in wanted.difference(&present) {
        tx.prepare_cached(
            "INSERT INTO doc_scope (doc, scope, entered_no, last_no, left_no) VALUES (?1, ?2, ?3, ?3, 0)
             ON CONFLICT (doc, scope) DO UPDATE SET entered_no = excluded.entered_no, last_no = excluded.last_no, left_no = 0",
        )?
        .execute(params![id.as_bytes(), entered.as_str(), column(numbers.next())])?;
    }
    Ok(())
}
