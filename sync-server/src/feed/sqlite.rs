//! The feed in SQLite: the embedded default. Appending and looking up; paging is in `pull.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{ActorId, ChangeHash, DeviceId, DocId, Ms, SubjectId, TerritoryId, UserId};
use rusqlite::{OptionalExtension, Transaction, params};

use super::columns::{QUARANTINED, column, number, optional_id, quarantined};
use super::desk::{kept_aside, waiting};
use super::erase::is_erased;
use super::filing::{file, put_window, rescope};
use super::groups::Groups;
use super::order::dependencies_first;
use super::{
    Appended, Ask, Batch, Binding, Document, Entry, Feed, FeedError, Filing, Grant, Hand, HeldDocument, NewEntry, Page, PageDocument,
    Quarantined, Scope, SetAside, groups, late, pull,
};
use crate::clock::random;
use crate::database::Database;

/// Rows of quarantine read at once, at most.
const QUARANTINE_ROWS_MAX: usize = 1_000;
/// Entries followed at once, at most.
const FOLLOW_ENTRIES_MAX: usize = 10_000;

/// The feed in one SQLite file.
pub struct SqliteFeed {
    pub(super) database: Arc<Database>,
}

impl SqliteFeed {
    /// The feed kept in `database`, which was opened with the server's migrations; begins the first epoch of a new file.
    ///
    /// # Errors
    /// When the file cannot be written or there is no randomness.
    pub fn open(database: Arc<Database>) -> Result<Self, FeedError> {
        let epoch: [u8; 16] = random()?;
        database.write(|tx| {
            tx.execute("INSERT OR IGNORE INTO feed_state (id, epoch, head) VALUES (1, ?1, 0)", [epoch.as_slice()])?;
            groups::begin(tx)?;
            Ok::<_, FeedError>(())
        })?;
        Ok(Self { database })
    }
}

impl Feed for SqliteFeed {
    fn epoch(&self) -> Result<[u8; 16], FeedError> {
        self.database.read(|tx| Ok(tx.prepare_cached("SELECT epoch FROM feed_state")?.query_row([], |row| row.get(0))?))
    }

    fn renew_epoch(&self) -> Result<[u8; 16], FeedError> {
        let epoch: [u8; 16] = random()?;
        self.database.write(|tx| {
            tx.execute("UPDATE feed_state SET epoch = ?1", [epoch.as_slice()])?;
            Ok(epoch)
        })
    }

    fn head(&self) -> Result<u64, FeedError> {
        self.database.read(|tx| Ok(head(tx)?))
    }

    fn append(&self, hand: &Hand, batch: &Batch) -> Result<Appended, FeedError> {
        self.database.write(|tx| append(tx, hand, batch))
    }

    fn document(&self, doc: DocId) -> Result<Option<Document>, FeedError> {
        self.database.read(|tx| Ok(document(tx, doc)?))
    }

    fn filing(&self, subject: SubjectId) -> Result<Option<Filing>, FeedError> {
        self.database.read(|tx| Ok(filing(tx, subject)?))
    }

    fn actor(&self, actor: &ActorId) -> Result<Option<Binding>, FeedError> {
        self.database.read(|tx| Ok(binding(tx, actor)?))
    }

    fn known(&self, doc: DocId, hashes: &[ChangeHash]) -> Result<BTreeSet<ChangeHash>, FeedError> {
        self.database.read(|tx| {
            let mut found = BTreeSet::new();
            for hash in hashes {
                if number_of(tx, doc, hash)?.is_some() {
                    found.insert(*hash);
                }
            }
            Ok(found)
        })
    }

    fn refused(&self, doc: DocId, hashes: &[ChangeHash]) -> Result<BTreeSet<ChangeHash>, FeedError> {
        self.database.read(|tx| kept_aside(tx, doc, hashes, &format!("code <> 'forked' AND NOT (+state = 'open' AND {})", waiting())))
    }

    fn set_aside(&self, device: DeviceId, doc: DocId, hashes: &[ChangeHash]) -> Result<BTreeMap<ChangeHash, SetAside>, FeedError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT code, state = 'open' FROM quarantine WHERE doc = ?1 AND hash = ?2 AND device = ?3 AND state NOT IN ('approved', 'resent')
                    AND NOT EXISTS (SELECT 1 FROM feed WHERE feed.doc = ?1 AND feed.hash = ?2)",
            )?;
            let mut found = BTreeMap::new();
            for hash in hashes {
                let aside = statement.query_row(params![doc.as_bytes(), hash.0, device.as_bytes()], |row| {
                    Ok(SetAside { code: row.get(0)?, open: row.get(1)? })
                });
                found.extend(aside.optional()?.map(|aside| (*hash, aside)));
            }
            Ok(found)
        })
    }

    fn changes(&self, doc: DocId, after: u64, but: &BTreeSet<ChangeHash>) -> Result<Vec<Vec<u8>>, FeedError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT hash, bytes FROM feed WHERE doc = ?1 AND no > ?2 ORDER BY no")?;
            let mut rows = statement.query(params![doc.as_bytes(), column(after)])?;
            let mut changes = Vec::new();
            while let Some(row) = rows.next()? {
                if !but.contains(&ChangeHash(row.get(0)?)) {
                    changes.push(row.get(1)?);
                }
            }
            Ok(changes)
        })
    }

    fn is_all_of(&self, doc: DocId, these: &BTreeSet<ChangeHash>, above: u64) -> Result<bool, FeedError> {
        if these.is_empty() {
            return Ok(false);
        }
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT hash, no FROM feed WHERE doc = ?1 ORDER BY no")?;
            let mut rows = statement.query([doc.as_bytes()])?;
            while let Some(row) = rows.next()? {
                if number(row, 1)? <= above || !these.contains(&ChangeHash(row.get(0)?)) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn follow(&self, after: u64, entries_max: usize) -> Result<Vec<Entry>, FeedError> {
        let limit = column(entries_max.min(FOLLOW_ENTRIES_MAX) as u64);
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT feed.no, feed.doc, doc.kind, doc.subject, feed.hash, feed.device, feed.received_ms, feed.bytes
                   FROM feed JOIN doc ON doc.id = feed.doc WHERE feed.no > ?1 ORDER BY feed.no LIMIT ?2",
            )?;
            let rows = statement.query_map([column(after), limit], |row| {
                Ok(Entry {
                    no: number(row, 0)?,
                    doc: DocId::from_bytes(row.get(1)?),
                    kind: row.get(2)?,
                    subject: SubjectId::from_bytes(row.get(3)?),
                    hash: ChangeHash(row.get(4)?),
                    device: optional_id(row, 5)?.map(DeviceId::from_bytes),
                    received_at: Ms(row.get(6)?),
                    bytes: row.get(7)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn grant(&self, user: UserId, role: &str, scopes: &BTreeSet<Scope>) -> Result<Vec<Grant>, FeedError> {
        let grants = self.database.read(|tx| Ok::<_, FeedError>(pull::grants(tx, user)?))?;
        if pull::unchanged(&grants, role, scopes) {
            return Ok(grants.into_iter().map(|(grant, _)| grant).collect());
        }
        self.database.write(|tx| {
            pull::regrant(tx, user, role, scopes)?;
            Ok(pull::grants(tx, user)?.into_iter().map(|(grant, _)| grant).collect())
        })
    }

    fn page(&self, ask: &Ask<'_>) -> Result<Page, FeedError> {
        self.database.read(|tx| Ok(pull::page(tx, ask)?))
    }

    fn held(&self, ask: &Ask<'_>) -> Result<(u64, Vec<HeldDocument>), FeedError> {
        self.database.read(|tx| Ok((head(tx)?, pull::held(tx, ask)?)))
    }

    fn digest(&self, ask: &Ask<'_>) -> Result<(u64, u64, u64), FeedError> {
        self.database.read(|tx| {
            let (documents, xor) = groups::digest(tx, ask)?;
            Ok((head(tx)?, documents, xor))
        })
    }

    fn seen(&self, ask: &Ask<'_>, docs: &[DocId]) -> Result<Vec<PageDocument>, FeedError> {
        self.database.read(|tx| Ok(pull::seen(tx, ask, docs)?))
    }

    fn mark(&self, name: &str) -> Result<Option<i64>, FeedError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT value FROM feed_mark WHERE name = ?1")?;
            Ok(statement.query_row([name], |row| row.get(0)).optional()?)
        })
    }

    fn put_mark(&self, name: &str, value: i64) -> Result<(), FeedError> {
        self.database.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO feed_mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![name, value])?;
            Ok(())
        })
    }

    fn quarantine(&self, rows_max: usize) -> Result<Vec<Quarantined>, FeedError> {
        let limit = column(rows_max.min(QUARANTINE_ROWS_MAX) as u64);
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached(&format!("{QUARANTINED} ORDER BY id DESC LIMIT ?1"))?;
            let rows = statement.query_map([limit], quarantined)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// What one batch will write, worked out before the counter is drawn.
#[derive(Default)]
struct Plan<'a> {
    /// New entries by their place in the batch.
    fresh: BTreeMap<usize, &'a NewEntry>,
    /// Numbers of those that were there.
    known: BTreeMap<usize, u64>,
    /// Filings that differ from what was.
    filings: Vec<&'a (SubjectId, Filing)>,
}

fn append(tx: &Transaction<'_>, hand: &Hand, batch: &Batch) -> Result<Appended, FeedError> {
    let device = hand.device.map_or_else(Vec::new, |device| device.as_bytes().to_vec());
    for introduced in &batch.documents {
        introduce(tx, introduced)?;
    }
    let plan = plan(tx, hand, batch)?;
    for entry in plan.fresh.values() {
        tx.prepare_cached("INSERT OR IGNORE INTO actor (id, device, doc, bound_ms) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            entry.actor.as_bytes(),
            device,
            entry.doc.as_bytes(),
            hand.now.0
        ])?;
    }
    for refused in &batch.refused {
        tx.prepare_cached(
            // What only waited has another reason, once what it builds on has come.
            &format!(
                "INSERT INTO quarantine (doc, kind, subject, hash, device, user, code, why, received_ms, bytes)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (SELECT 1 FROM erased WHERE doc = ?1)
                 ON CONFLICT (doc, hash, device) DO UPDATE SET code = excluded.code, why = excluded.why WHERE state = 'open' AND {}",
                waiting()
            ),
        )?
        .execute(params![
            refused.doc.as_bytes(),
            refused.kind,
            refused.subject.as_bytes(),
            refused.hash.0,
            device,
            hand.user.as_bytes(),
            refused.code,
            refused.why,
            hand.now.0,
            refused.bytes
        ])?;
    }
    let mut groups = Groups::default();
    for doc in touched(tx, batch, &plan)? {
        groups.touch(tx, doc)?;
    }
    for (doc, window) in &batch.windows {
        put_window(tx, *doc, window)?;
    }
    // From here on only numbered rows, and the digests of the groups that they move.
    let mut numbers = Numbers::draw(tx)?;
    let mut given_by_name = BTreeMap::new();
    let mut given: BTreeMap<usize, (u64, bool)> = plan.known.into_iter().map(|(place, no)| (place, (no, false))).collect();
    for (place, entry) in dependencies_first(plan.fresh) {
        let no = numbers.next();
        given_by_name.insert((entry.doc, entry.hash), no);
        tx.prepare_cached("INSERT INTO feed (no, doc, hash, author, device, received_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![column(no), entry.doc.as_bytes(), entry.hash.0, entry.author.as_bytes(), device, hand.now.0, entry.bytes])?;
        advance(tx, entry, no)?;
        given.insert(place, (no, true));
    }
    late::mark(tx, &batch.late, &given_by_name)?;
    for (subject, filed) in plan.filings {
        let no = numbers.next();
        if let Some(before) = filing(tx, *subject)? {
            late::hand_over(tx, *subject, &before, no, hand.now)?;
        }
        file(tx, *subject, filed, no)?;
        for doc in documents_of(tx, *subject)? {
            rescope(tx, doc, &mut numbers)?;
        }
    }
    let windowed = batch.windows.iter().map(|(doc, _)| *doc);
    for doc in batch.documents.iter().map(|introduced| introduced.id).chain(windowed) {
        rescope(tx, doc, &mut numbers)?;
    }
    groups.settle(tx)?;
    let head = numbers.keep(tx)?;
    Ok(Appended { numbers: given.into_values().collect(), head })
}

/// Every document that the batch can move from one group to another.
fn touched(tx: &Transaction<'_>, batch: &Batch, plan: &Plan<'_>) -> Result<BTreeSet<DocId>, rusqlite::Error> {
    let mut docs: BTreeSet<DocId> = plan.fresh.values().map(|entry| entry.doc).collect();
    docs.extend(batch.documents.iter().map(|introduced| introduced.id));
    docs.extend(batch.windows.iter().map(|(doc, _)| *doc));
    for (subject, _) in &plan.filings {
        docs.extend(documents_of(tx, *subject)?);
    }
    Ok(docs)
}

/// Reads and checks everything that the batch touches. A change that stands twice in a batch counts once.
fn plan<'a>(tx: &Transaction<'_>, hand: &Hand, batch: &'a Batch) -> Result<Plan<'a>, FeedError> {
    let mut plan = Plan::default();
    let mut first_places: BTreeSet<(DocId, ChangeHash)> = BTreeSet::new();
    let mut in_batch: BTreeMap<&ActorId, DocId> = BTreeMap::new();
    let mut repeated = Vec::new();
    for (place, entry) in batch.entries.iter().enumerate() {
        if let Some(no) = number_of(tx, entry.doc, &entry.hash)? {
            plan.known.insert(place, no);
        } else if !first_places.insert((entry.doc, entry.hash)) {
            repeated.push(place);
        } else {
            if document(tx, entry.doc)?.is_none() {
                return Err(FeedError::NoDocument(entry.doc));
            }
            if is_erased(tx, entry.doc)? {
                return Err(FeedError::Erased(entry.doc));
            }
            let ours = Binding { device: hand.device, doc: entry.doc };
            if binding(tx, &entry.actor)?.is_some_and(|bound| bound != ours)
                || in_batch.insert(&entry.actor, entry.doc).is_some_and(|doc| doc != entry.doc)
            {
                return Err(FeedError::ActorTaken(entry.actor.clone()));
            }
            plan.fresh.insert(place, entry);
        }
    }
    for place in repeated {
        plan.known.insert(place, 0);
    }
    for pair in &batch.filings {
        if filing(tx, pair.0)?.as_ref() != Some(&pair.1) {
            plan.filings.push(pair);
        }
    }
    Ok(plan)
}

/// Makes a document known, or checks that it is the one that is known.
pub(super) fn introduce(tx: &Transaction<'_>, new: &Document) -> Result<(), FeedError> {
    match document(tx, new.id)? {
        Some(known) if known == *new => Ok(()),
        Some(_) => Err(FeedError::AnotherDocument(new.id)),
        None => {
            tx.prepare_cached(
                "INSERT INTO doc (id, kind, subject, owner, in_territory, heads, first_no, last_no)
                 VALUES (?1, ?2, ?3, ?4, ?5, x'', 0, 0)",
            )?
            .execute(params![
                new.id.as_bytes(),
                new.kind,
                new.subject.as_bytes(),
                new.owner.map_or_else(Vec::new, |owner| owner.as_bytes().to_vec()),
                new.in_territory
            ])?;
            Ok(())
        }
    }
}

/// Moves the document's heads and last number on by one entry.
fn advance(tx: &Transaction<'_>, entry: &NewEntry, no: u64) -> Result<(), FeedError> {
    let heads: Vec<u8> = tx.prepare_cached("SELECT heads FROM doc WHERE id = ?1")?.query_row([entry.doc.as_bytes()], |row| row.get(0))?;
    let before = Heads::from_bytes(&heads).unwrap_or_default();
    let kept = before.hashes().iter().filter(|head| !entry.deps.contains(head)).copied();
    let after = Heads::new(kept.chain([entry.hash]).collect());
    tx.prepare_cached("UPDATE doc SET heads = ?2, last_no = ?3, first_no = CASE first_no WHEN 0 THEN ?3 ELSE first_no END WHERE id = ?1")?
        .execute(params![entry.doc.as_bytes(), after.to_bytes(), column(no)])?;
    tx.prepare_cached("UPDATE doc_scope SET last_no = ?2 WHERE doc = ?1 AND left_no = 0")?
        .execute(params![entry.doc.as_bytes(), column(no)])?;
    Ok(())
}

/// The counter, held from its drawing to the commit.
pub(super) struct Numbers {
    last: u64,
}

impl Numbers {
    pub(super) fn draw(tx: &Transaction<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self { last: head(tx)? })
    }
    pub(super) fn next(&mut self) -> u64 {
        self.last = self.last.saturating_add(1);
        self.last
    }
    pub(super) fn keep(self, tx: &Transaction<'_>) -> Result<u64, rusqlite::Error> {
        tx.prepare_cached("UPDATE feed_state SET head = ?1")?.execute([column(self.last)])?;
        Ok(self.last)
    }
}

pub(super) fn document(tx: &Transaction<'_>, id: DocId) -> Result<Option<Document>, rusqlite::Error> {
    tx.prepare_cached("SELECT kind, subject, owner, in_territory FROM doc WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| {
            Ok(Document {
                id,
                kind: row.get(0)?,
                subject: SubjectId::from_bytes(row.get(1)?),
                owner: optional_id(row, 2)?.map(UserId::from_bytes),
                in_territory: row.get(3)?,
            })
        })
        .optional()
}

fn documents_of(tx: &Transaction<'_>, subject: SubjectId) -> Result<Vec<DocId>, rusqlite::Error> {
    let mut statement = tx.prepare_cached("SELECT id FROM doc WHERE subject = ?1 ORDER BY id")?;
    let rows = statement.query_map([subject.as_bytes()], |row| row.get(0).map(DocId::from_bytes))?;
    rows.collect()
}

pub(super) fn filing(tx: &Transaction<'_>, subject: SubjectId) -> Result<Option<Filing>, rusqlite::Error> {
    tx.prepare_cached("SELECT territory, owner FROM filing WHERE subject = ?1")?
        .query_row([subject.as_bytes()], |row| {
            let territory: String = row.get(0)?;
            Ok(Filing {
                territory: (!territory.is_empty()).then_some(TerritoryId(territory)),
                owner: optional_id(row, 1)?.map(UserId::from_bytes),
            })
        })
        .optional()
}

fn binding(tx: &Transaction<'_>, actor: &ActorId) -> Result<Option<Binding>, rusqlite::Error> {
    tx.prepare_cached("SELECT device, doc FROM actor WHERE id = ?1")?
        .query_row([actor.as_bytes()], |row| {
            Ok(Binding { device: optional_id(row, 0)?.map(DeviceId::from_bytes), doc: DocId::from_bytes(row.get(1)?) })
        })
        .optional()
}

fn number_of(tx: &Transaction<'_>, doc: DocId, hash: &ChangeHash) -> Result<Option<u64>, rusqlite::Error> {
    tx.prepare_cached("SELECT no FROM feed WHERE doc = ?1 AND hash = ?2")?
        .query_row(params![doc.as_bytes(), hash.0], |row| number(row, 0))
        .optional()
}

pub(super) fn head(tx: &Transaction<'_>) -> Result<u64, rusqlite::Error> {
    tx.prepare_cached("SELECT head FROM feed_state")?.query_row([], |row| number(row, 0))
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::*;
    use crate::database::Durability;

    fn open(folder: &std::path::Path) -> SqliteFeed {
        let path = folder.join(crate::storage::SERVER_FILE);
        let database = Database::open(&path, Durability::Full, crate::storage::SERVER_MIGRATIONS);
        contract::opened(database.map_err(|e| e.to_string()).and_then(|d| SqliteFeed::open(Arc::new(d)).map_err(|e| e.to_string())))
    }

    contract::tests!(open);
}
