//! Reading a pull out of the tables: grants, pages, and what a person's devices should hold.
//!
//! Every scope is one index scan in order of number; the scans are merged. A document that several of the asker's scopes
//! hold comes once, at the highest of its numbers.

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{DocId, SubjectId, UserId};
use rusqlite::{Transaction, params};

use super::columns::{column, number};
use super::sqlite::{Numbers, head};
use super::{Ask, Grant, HeldDocument, PAGE_DOCUMENTS_MAX, Page, PageDocument, Scope};

/// All scopes that were ever granted to a person, with the role under which.
pub(super) fn grants(tx: &Transaction<'_>, user: UserId) -> Result<Vec<(Grant, String)>, rusqlite::Error> {
    let mut statement = tx.prepare_cached("SELECT scope, granted_no, revoked_no, role FROM scope_grant WHERE user = ?1 ORDER BY scope")?;
    let rows = statement.query_map([user.as_bytes()], |row| {
        let revoked_no = number(row, 2)?;
        let grant = Grant { scope: Scope(row.get(0)?), granted_no: number(row, 1)?, revoked_no: (revoked_no > 0).then_some(revoked_no) };
        Ok((grant, row.get(3)?))
    })?;
    rows.collect()
}

/// Whether the grants already say that the person has exactly these scopes under this role.
pub(super) fn unchanged(grants: &[(Grant, String)], role: &str, scopes: &BTreeSet<Scope>) -> bool {
    let live = grants.iter().filter(|(grant, _)| grant.revoked_no.is_none());
    live.clone().count() == scopes.len() && live.clone().all(|(grant, under)| under == role && scopes.contains(&grant.scope))
}

/// Records the difference between the grants and what holds now. Another role is a new grant of every scope: other kinds
/// are readable under it, so the devices take all of it again and forget the rest.
pub(super) fn regrant(tx: &Transaction<'_>, user: UserId, role: &str, scopes: &BTreeSet<Scope>) -> Result<(), rusqlite::Error> {
    let before = grants(tx, user)?;
    let mut numbers = Numbers::draw(tx)?;
    for (grant, _) in before.iter().filter(|(grant, _)| grant.revoked_no.is_none() && !scopes.contains(&grant.scope)) {
        tx.prepare_cached("UPDATE scope_grant SET revoked_no = ?3 WHERE user = ?1 AND scope = ?2")?.execute(params![
            user.as_bytes(),
            grant.scope.as_str(),
            column(numbers.next())
        ])?;
    }
    for scope in scopes {
        let holds = before.iter().any(|(grant, under)| grant.scope == *scope && grant.revoked_no.is_none() && under == role);
        if !holds {
            tx.prepare_cached(
                "INSERT INTO scope_grant (user, scope, role, granted_no, revoked_no) VALUES (?1, ?2, ?3, ?4, 0)
                 ON CONFLICT (user, scope) DO UPDATE SET role = excluded.role, granted_no = excluded.granted_no, revoked_no = 0",
            )?
            .execute(params![user.as_bytes(), scope.as_str(), role, column(numbers.next())])?;
        }
    }
    numbers.keep(tx)?;
    Ok(())
}

/// One document as one of the asker's scopes holds it.
struct Seen {
    last_no: u64,
    /// When the asker came to have it through this scope: the later of its entering and the grant.
    since_no: u64,
    kind: String,
    subject: SubjectId,
    /// Through a personal scope.
    own: bool,
}

/// One page, from one snapshot.
pub(super) fn page(tx: &Transaction<'_>, ask: &Ask<'_>) -> Result<Page, rusqlite::Error> {
    let head = head(tx)?;
    if ask.base >= head && ask.begun.is_none() {
        return Ok(Page { head, documents: Vec::new(), forgets: Vec::new(), until: head, complete: true });
    }
    let limit = ask.documents_max.clamp(1, PAGE_DOCUMENTS_MAX);
    // A scope granted while a long pull is under way holds documents that the pull has passed: begin it again.
    let begun = ask.begun.filter(|begun| live(ask.grants).all(|grant| grant.granted_no <= begun.head));
    let upto = begun.map_or(0, |begun| begun.upto);
    let mut merged: BTreeSet<(u64, DocId)> = BTreeSet::new();
    let mut horizon = u64::MAX;
    for grant in live(ask.grants) {
        // A scope granted after the cursor is wholly new: its scan begins at the beginning.
        let above = if grant.granted_no > ask.base { upto } else { upto.max(ask.base) };
        let places = scan(tx, &grant.scope, above, limit)?;
        if let Some((last_no, _)) = places.last().filter(|_| places.len() >= limit) {
            horizon = horizon.min(*last_no);
        }
        merged.extend(places);
    }
    // Above the horizon one of the scans may have stopped short.
    let mut until = if horizon == u64::MAX { head } else { horizon };
    let mut complete = horizon == u64::MAX;
    let mut documents: Vec<PageDocument> = Vec::new();
    for (last_no, doc) in merged.into_iter().take_while(|(last_no, _)| *last_no <= horizon) {
        if let Some(last) = documents.last().filter(|_| documents.len() >= limit) {
            (until, complete) = (last.last_no, false);
            break;
        }
        // Through another scope it may stand at a higher number: then it comes there.
        if let Some(seen) = best(tx, ask, doc)?.filter(|seen| seen.last_no == last_no) {
            let since = (seen.since_no <= ask.base).then_some(ask.base);
            documents.push(PageDocument { doc, kind: seen.kind, subject: seen.subject, last_no, since, own: seen.own });
        }
    }
    // A device that begins with nothing can hold only what left after its pull began.
    let forgets = match (ask.base == 0 && !ask.again, begun, ask.begun) {
        (true, None, None) => Vec::new(),
        // The pull begins again: what left since it first began is told at once.
        (true, None, Some(first)) => forgets(tx, ask, first.head, head)?,
        (true, Some(begun), _) => forgets(tx, ask, upto.max(begun.head), until)?,
        (false, _, _) => forgets(tx, ask, upto.max(ask.base), until)?,
    };
    Ok(Page { head, documents, forgets, until, complete })
}

pub(super) fn live(grants: &[Grant]) -> impl Iterator<Item = &Grant> {
    grants.iter().filter(|grant| grant.revoked_no.is_none())
}

/// Places `(last_no, doc)` of a scope above a number, in order.
fn scan(tx: &Transaction<'_>, scope: &Scope, above: u64, limit: usize) -> Result<Vec<(u64, DocId)>, rusqlite::Error> {
    let mut statement = tx
        .prepare_cached("SELECT last_no, doc FROM doc_scope WHERE scope = ?1 AND left_no = 0 AND last_no > ?2 ORDER BY last_no LIMIT ?3")?;
    let rows = statement.query_map(params![scope.as_str(), column(above), column(limit as u64)], |row| {
        Ok((number(row, 0)?, DocId::from_bytes(row.get(1)?)))
    })?;
    rows.collect()
}

/// How the asker sees a document through all of their scopes together, or `None` when they may not read its kind.
fn best(tx: &Transaction<'_>, ask: &Ask<'_>, doc: DocId) -> Result<Option<Seen>, rusqlite::Error> {
    let mut statement = tx.prepare_cached(
        "SELECT doc_scope.scope, doc_scope.entered_no, doc_scope.last_no, doc.kind, doc.subject
           FROM doc_scope JOIN doc ON doc.id = doc_scope.doc WHERE doc_scope.doc = ?1 AND doc_scope.left_no = 0",
    )?;
    let mut rows = statement.query([doc.as_bytes()])?;
    let mut best: Option<Seen> = None;
    while let Some(row) = rows.next()? {
        let scope = Scope(row.get(0)?);
        let kind: String = row.get(3)?;
        let Some(grant) = live(ask.grants).find(|grant| grant.scope == scope && readable(ask, &scope, &kind)) else { continue };
        let (since_no, last_no) = (number(row, 1)?.max(grant.granted_no), number(row, 2)?);
        best = Some(match best {
            None => Seen { last_no, since_no, kind, subject: SubjectId::from_bytes(row.get(4)?), own: scope.is_personal() },
            Some(other) => Seen {
                last_no: other.last_no.max(last_no),
                since_no: other.since_no.min(since_no),
                own: other.own || scope.is_personal(),
                ..other
            },
        });
    }
    Ok(best)
}

pub(super) fn readable(ask: &Ask<'_>, scope: &Scope, kind: &str) -> bool {
    if scope.is_personal() { ask.own_kinds.contains(kind) } else { ask.territory_kinds.contains(kind) }
}

/// Documents that the asker held through some scope and may not hold any more, with the number at which it ended, for
/// numbers in `(above, until]`.
fn forgets(tx: &Transaction<'_>, ask: &Ask<'_>, above: u64, until: u64) -> Result<Vec<(u64, DocId)>, rusqlite::Error> {
    let mut gone: BTreeMap<DocId, u64> = BTreeMap::new();
    for grant in ask.grants {
        // That it is above 0 is said too: the index of those that left is chosen by it.
        let mut statement = tx.prepare_cached(
            "SELECT doc, left_no FROM doc_scope WHERE scope = ?1 AND left_no > 0 AND left_no > ?2 AND left_no <= ?3 ORDER BY left_no",
        )?;
        let rows = statement.query_map(params![grant.scope.as_str(), column(above), column(until)], |row| {
            Ok((DocId::from_bytes(row.get(0)?), number(row, 1)?))
        })?;
        for row in rows {
            let (doc, left_no) = row?;
            gone.entry(doc).and_modify(|no| *no = left_no.max(*no)).or_insert(left_no);
        }
        // The whole scope was taken away, or granted anew under a role that reads less.
        let ended = grant.revoked_no.unwrap_or(grant.granted_no);
        if ended > above && ended <= until {
            let mut statement = tx.prepare_cached("SELECT doc FROM doc_scope WHERE scope = ?1 AND left_no = 0")?;
            let rows = statement.query_map([grant.scope.as_str()], |row| row.get(0).map(DocId::from_bytes))?;
            for doc in rows {
                gone.entry(doc?).or_insert(ended);
            }
        }
    }
    let mut forgets = Vec::new();
    for (doc, no) in gone {
        if best(tx, ask, doc)?.is_none() {
            forgets.push((no, doc));
        }
    }
    forgets.sort_unstable();
    Ok(forgets)
}

/// Every document that the asker may hold, with its heads.
pub(super) fn held(tx: &Transaction<'_>, ask: &Ask<'_>) -> Result<Vec<HeldDocument>, rusqlite::Error> {
    let mut held = BTreeMap::new();
    for grant in live(ask.grants) {
        let mut statement = tx.prepare_cached(
            "SELECT doc.id, doc.heads, doc.kind, doc.subject FROM doc_scope JOIN doc ON doc.id = doc_scope.doc
              WHERE doc_scope.scope = ?1 AND doc_scope.left_no = 0",
        )?;
        let mut rows = statement.query([grant.scope.as_str()])?;
        while let Some(row) = rows.next()? {
            let kind: String = row.get(2)?;
            if readable(ask, &grant.scope, &kind) {
                let doc = DocId::from_bytes(row.get(0)?);
                let heads: Vec<u8> = row.get(1)?;
                let subject = SubjectId::from_bytes(row.get(3)?);
                // Held through a personal scope it is held whole, whatever a territory would make of it.
                let own = grant.scope.is_personal() || held.get(&doc).is_some_and(|other: &HeldDocument| other.own);
                held.insert(doc, HeldDocument { doc, kind, subject, heads: Heads::from_bytes(&heads).unwrap_or_default(), own });
            }
        }
    }
    Ok(held.into_values().collect())
}

/// Of these documents, those that the asker may hold, as they stand now.
pub(super) fn seen(tx: &Transaction<'_>, ask: &Ask<'_>, docs: &[DocId]) -> Result<Vec<PageDocument>, rusqlite::Error> {
    let mut found = Vec::new();
    for doc in docs {
        if let Some(Seen { last_no, kind, subject, own, .. }) = best(tx, ask, *doc)? {
            found.push(PageDocument { doc: *doc, kind, subject, last_no, since: None, own });
        }
    }
    Ok(found)
}
