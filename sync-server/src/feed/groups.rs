//! Digests kept with the scopes: count and XOR of fingerprints for each group of documents that are seen together, moved on in
//! the transaction that changes them, so that an exchange with nothing new reads a few rows whatever the size of the feed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use roadbook_core::crdt::Heads;
use roadbook_core::exchange::fingerprint;
use roadbook_core::ids::DocId;
use rusqlite::{OptionalExtension, Transaction, params};

use super::columns::number;
use super::pull::{live, readable};
use super::{Ask, Scope};

/// Mark of a file whose groups have been worked out.
const MARK: &str = "groups";
/// Documents read at a time while the groups are first worked out.
const BATCH: i64 = 1_000;

/// Territory scope, personal scope, kind.
type Group = (String, String, String);

/// How groups change with one transaction.
#[derive(Default)]
pub(super) struct Groups {
    before: BTreeMap<DocId, Option<(Group, u64)>>,
}

impl Groups {
    /// Notes where a document stands before the transaction touches it; only the first call for a document counts.
    pub(super) fn touch(&mut self, tx: &Transaction<'_>, doc: DocId) -> Result<(), rusqlite::Error> {
        if let Entry::Vacant(place) = self.before.entry(doc) {
            place.insert(stand(tx, doc)?);
        }
        Ok(())
    }

    /// Writes what the transaction changed.
    pub(super) fn settle(self, tx: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        let mut moved: BTreeMap<Group, (i64, u64)> = BTreeMap::new();
        for (doc, before) in self.before {
            let after = stand(tx, doc)?;
            if before == after {
                continue;
            }
            for (stood, by) in [(before, -1), (after, 1)] {
                if let Some((group, print)) = stood {
                    let entry = moved.entry(group).or_default();
                    *entry = (entry.0 + by, entry.1 ^ print);
                }
            }
        }
        for (group, (documents, xor)) in moved {
            add(tx, &group, documents, xor)?;
        }
        Ok(())
    }
}

fn add(tx: &Transaction<'_>, (territory, person, kind): &Group, documents: i64, xor: u64) -> Result<(), rusqlite::Error> {
    // SQLite has no XOR: a ^ b = (a | b) - (a & b), which cannot overflow.
    tx.prepare_cached(
        "INSERT INTO scope_group (territory, person, kind, documents, digest) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (territory, person, kind) DO UPDATE SET documents = documents + excluded.documents,
           digest = (digest | excluded.digest) - (digest & excluded.digest)",
    )?
    .execute(params![territory, person, kind, documents, xor.cast_signed()])?;
    Ok(())
}

/// The group that a document is in, and its fingerprint; `None` when no scope holds it.
fn stand(tx: &Transaction<'_>, doc: DocId) -> Result<Option<(Group, u64)>, rusqlite::Error> {
    let found: Option<(String, Vec<u8>)> = tx
        .prepare_cached("SELECT kind, heads FROM doc WHERE id = ?1")?
        .query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((kind, heads)) = found else { return Ok(None) };
    let mut statement = tx.prepare_cached("SELECT scope FROM doc_scope WHERE doc = ?1 AND left_no = 0")?;
    let mut group = (String::new(), String::new(), kind);
    for scope in statement.query_map([doc.as_bytes()], |row| row.get(0).map(Scope))? {
        let scope = scope?;
        let place = if scope.is_personal() { &mut group.1 } else { &mut group.0 };
        place.push_str(scope.as_str());
    }
    if group.0.is_empty() && group.1.is_empty() {
        return Ok(None);
    }
    Ok(Some((group, fingerprint(doc, &Heads::from_bytes(&heads).unwrap_or_default()))))
}

/// How many documents the asker's devices hold when at rest, and the XOR of their fingerprints.
pub(super) fn digest(tx: &Transaction<'_>, ask: &Ask<'_>) -> Result<(u64, u64), rusqlite::Error> {
    let (mut documents, mut xor) = (0_u64, 0_u64);
    let mut count = |row: &rusqlite::Row<'_>| -> Result<(), rusqlite::Error> {
        documents = documents.saturating_add(number(row, 3)?);
        xor ^= row.get::<_, i64>(4)?.cast_unsigned();
        Ok(())
    };
    let held = |scope: &str| live(ask.grants).any(|grant| grant.scope.as_str() == scope);
    let sees = |scope: &str, kind: &str| !scope.is_empty() && held(scope) && readable(ask, &Scope(scope.to_owned()), kind);
    const COLUMNS: &str = "SELECT territory, person, kind, documents, digest FROM scope_group";
    for grant in live(ask.grants) {
        let column = if grant.scope.is_personal() { "person" } else { "territory" };
        let mut statement = tx.prepare_cached(&format!("{COLUMNS} WHERE {column} = ?1"))?;
        let mut rows = statement.query([grant.scope.as_str()])?;
        while let Some(row) = rows.next()? {
            let (territory, person, kind): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            // A group that both of the asker's scopes hold is met twice, and counted where it is met as a territory's.
            let twice = grant.scope.is_personal() && !territory.is_empty() && held(&territory);
            if !twice && (sees(&territory, &kind) || sees(&person, &kind)) {
                count(row)?;
            }
        }
    }
    Ok((documents, xor))
}

/// Works the groups out from all documents, once for a file of an older release.
pub(super) fn begin(tx: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    if tx.prepare_cached("SELECT 1 FROM feed_mark WHERE name = ?1")?.exists([MARK])? {
        return Ok(());
    }
    tx.execute("DELETE FROM scope_group", [])?;
    let mut after: Vec<u8> = Vec::new();
    loop {
        let mut statement = tx.prepare_cached("SELECT id FROM doc WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let docs: Vec<DocId> =
            statement.query_map(params![after, BATCH], |row| row.get(0).map(DocId::from_bytes))?.collect::<Result<_, _>>()?;
        let Some(last) = docs.last() else { break };
        after = last.as_bytes().to_vec();
        let mut sums: BTreeMap<Group, (i64, u64)> = BTreeMap::new();
        for doc in docs {
            if let Some((group, print)) = stand(tx, doc)? {
                let entry = sums.entry(group).or_default();
                *entry = (entry.0 + 1, entry.1 ^ print);
            }
        }
        for (group, (documents, xor)) in sums {
            add(tx, &group, documents, xor)?;
        }
    }
    tx.execute("INSERT INTO feed_mark (name, value) VALUES (?1, 1)", [MARK])?;
    Ok(())
}
