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

/// Mark of a file whose groups have been worked out. Another name than in releases that kept them otherwise.
const MARK: &str = "groups/2";
/// Documents read at a time while the groups are first worked out.
const BATCH: i64 = 1_000;

/// Territory scope, personal scope, kind; "" stands for all. A document is in the group of its territory, in that of each of its
/// persons, and in those of both together: what a person sees through either is the first and the second without the third.
type Group = (String, String, String);

/// The groups of a document, and its fingerprint.
type Stand = (Vec<Group>, u64);

/// How groups change with one transaction.
#[derive(Default)]
pub(super) struct Groups {
    before: BTreeMap<DocId, Stand>,
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
        let mut moved = Sums::new();
        for (doc, before) in self.before {
            let after = stand(tx, doc)?;
            if before == after {
                continue;
            }
            count(&mut moved, before, -1);
            count(&mut moved, after, 1);
        }
        add(tx, moved)
    }
}

/// How many documents come to each group, and the XOR of their fingerprints.
type Sums = BTreeMap<Group, (i64, u64)>;

fn count(sums: &mut Sums, (groups, print): Stand, by: i64) {
    for group in groups {
        let sum = sums.entry(group).or_default();
        *sum = (sum.0 + by, sum.1 ^ print);
    }
}

fn add(tx: &Transaction<'_>, sums: Sums) -> Result<(), rusqlite::Error> {
    // SQLite has no XOR: a ^ b = (a | b) - (a & b), which cannot overflow.
    let mut put = tx.prepare_cached(
        "INSERT INTO scope_group (territory, person, kind, documents, digest) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (territory, person, kind) DO UPDATE SET documents = documents + excluded.documents,
           digest = (digest | excluded.digest) - (digest & excluded.digest)",
    )?;
    for ((territory, person, kind), (documents, xor)) in sums {
        put.execute(params![territory, person, kind, documents, xor.cast_signed()])?;
    }
    Ok(())
}

/// Where a document stands; in no group when no scope holds it.
fn stand(tx: &Transaction<'_>, doc: DocId) -> Result<Stand, rusqlite::Error> {
    let found: Option<(String, Vec<u8>)> = tx
        .prepare_cached("SELECT kind, heads FROM doc WHERE id = ?1")?
        .query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((kind, heads)) = found else { return Ok((Vec::new(), 0)) };
    let mut statement = tx.prepare_cached("SELECT scope FROM doc_scope WHERE doc = ?1 AND left_no = 0")?;
    let scopes: Vec<Scope> = statement.query_map([doc.as_bytes()], |row| row.get(0).map(Scope))?.collect::<Result<_, _>>()?;
    let (persons, territories): (Vec<Scope>, Vec<Scope>) = scopes.into_iter().partition(Scope::is_personal);
    let mut groups = Vec::new();
    let mut group = |territory: &str, person: &str| groups.push((territory.to_owned(), person.to_owned(), kind.clone()));
    for territory in &territories {
        group(territory.as_str(), "");
        persons.iter().for_each(|person| group(territory.as_str(), person.as_str()));
    }
    persons.iter().for_each(|person| group("", person.as_str()));
    Ok((groups, fingerprint(doc, &Heads::from_bytes(&heads).unwrap_or_default())))
}

/// How many documents the asker's devices hold when at rest, and the XOR of their fingerprints.
pub(super) fn digest(tx: &Transaction<'_>, ask: &Ask<'_>) -> Result<(u64, u64), rusqlite::Error> {
    let (mut documents, mut xor) = (0_u64, 0_u64);
    let sees = |scope: &str, kind: &str| {
        let mut held = live(ask.grants).filter(|grant| grant.scope.as_str() == scope);
        held.any(|grant| readable(ask, &grant.scope, kind))
    };
    const COLUMNS: &str = "SELECT territory, person, kind, documents, digest FROM scope_group";
    for grant in live(ask.grants) {
        let column = if grant.scope.is_personal() { "person = ?1" } else { "territory = ?1 AND person = ''" };
        let mut statement = tx.prepare_cached(&format!("{COLUMNS} WHERE {column}"))?;
        let mut rows = statement.query([grant.scope.as_str()])?;
        while let Some(row) = rows.next()? {
            let (territory, person, kind): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (found, print) = (number(row, 3)?, row.get::<_, i64>(4)?.cast_unsigned());
            let both = !territory.is_empty() && !person.is_empty();
            if !readable(ask, &grant.scope, &kind) || (both && !sees(&territory, &kind)) {
                continue;
            }
            // What both hold is met twice, and counts once.
            documents = if both { documents.wrapping_sub(found) } else { documents.wrapping_add(found) };
            xor ^= print;
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
        let mut sums = Sums::new();
        for doc in docs {
            count(&mut sums, stand(tx, doc)?, 1);
        }
        add(tx, sums)?;
    }
    tx.execute("INSERT INTO feed_mark (name, value) VALUES (?1, 1)", [MARK])?;
    Ok(())
}
