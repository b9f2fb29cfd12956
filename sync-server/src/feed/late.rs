//! What the feed remembers of handovers: where a subject was filed before, which entries came late, what a device that hands in
//! a long outbox knew when it began. Never here: whether a late change may enter (`exchange::late`).

use std::collections::BTreeMap;

use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, TerritoryId, UserId};
use rusqlite::{OptionalExtension, Transaction, params};

use super::columns::{column, number, optional_id};
use super::sqlite::SqliteFeed;
use super::{FeedError, Filing};

/// Lines of one portion of [`Handovers::late`], at most.
const LATE_MAX: i64 = 1_000;

/// A subject that was filed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The number of the feed under which it was filed elsewhere.
    pub no: u64,
    /// When.
    pub at: Ms,
    /// Where it was filed until then.
    pub before: Filing,
}

/// A change taken in although its author had lost the right by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// Its document.
    pub doc: DocId,
    /// Its name.
    pub hash: ChangeHash,
    /// What the document is about.
    pub subject: SubjectId,
    /// When the right was lost.
    pub lost_at: Ms,
}

/// Late changes of one person about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateLine {
    /// What they are about.
    pub subject: SubjectId,
    /// Who made them.
    pub author: UserId,
    /// How many.
    pub changes: u64,
    /// The last one's number.
    pub last_no: u64,
    /// When it arrived.
    pub received_at: Ms,
}

/// What the feed remembers of handovers.
pub trait Handovers {
    /// The first time after number `after` that a subject was filed elsewhere.
    ///
    /// # Errors
    /// When the storage fails.
    fn handover_after(&self, subject: SubjectId, after: u64) -> Result<Option<Handover>, FeedError>;

    /// Every handover of a subject, oldest first: its log of ownership but for the present owner.
    ///
    /// # Errors
    /// When the storage fails.
    fn handovers(&self, subject: SubjectId) -> Result<Vec<Handover>, FeedError>;

    /// The last number that was given out by a moment.
    ///
    /// # Errors
    /// When the storage fails.
    fn number_at(&self, at: Ms) -> Result<u64, FeedError>;

    /// Which of these changes of a document were there at number `upto`, or came from `device` itself.
    ///
    /// # Errors
    /// When the storage fails.
    fn knowable(&self, doc: DocId, hashes: &[ChangeHash], upto: u64, device: DeviceId) -> Result<Vec<ChangeHash>, FeedError>;

    /// Late changes after a number, by subject and author, the newest first: a portion of at most 1,000 lines. `before`: only lines whose last
    /// number is lower, to go on after the last line of a portion. Nothing: there are no more.
    ///
    /// # Errors
    /// When the storage fails.
    fn late(&self, after: u64, before: Option<u64>) -> Result<Vec<LateLine>, FeedError>;

    /// What a device knew when it began to hand in the outbox that it is still handing in.
    ///
    /// # Errors
    /// When the storage fails.
    fn draining(&self, device: DeviceId) -> Result<Option<u64>, FeedError>;

    /// Notes what a device knew when it began to hand in its outbox; `None`: it has handed in everything.
    ///
    /// # Errors
    /// When the storage fails.
    fn note_draining(&self, device: DeviceId, known_no: Option<u64>) -> Result<(), FeedError>;

    /// Notes that a new life began after a restore.
    ///
    /// # Errors
    /// When the storage fails.
    fn note_renewal(&self, now: Ms) -> Result<(), FeedError>;

    /// When the present life began, if it began with a restore.
    ///
    /// # Errors
    /// When the storage fails.
    fn renewed_at(&self) -> Result<Option<Ms>, FeedError>;
}

impl Handovers for SqliteFeed {
    fn handover_after(&self, subject: SubjectId, after: u64) -> Result<Option<Handover>, FeedError> {
        let found = rows(
            self,
            "SELECT no, at_ms, territory, owner FROM handover WHERE subject = ?1 AND no > ?2 ORDER BY no LIMIT 1",
            subject,
            after,
        )?;
        Ok(found.into_iter().next())
    }

    fn handovers(&self, subject: SubjectId) -> Result<Vec<Handover>, FeedError> {
        rows(self, "SELECT no, at_ms, territory, owner FROM handover WHERE subject = ?1 AND no > ?2 ORDER BY no", subject, 0)
    }

    fn number_at(&self, at: Ms) -> Result<u64, FeedError> {
        self.database.read(|tx| {
            // Numbers grow with time: halve the range. Not every number is an entry.
            let mut find = tx.prepare_cached("SELECT no, received_ms FROM feed WHERE no >= ?1 ORDER BY no LIMIT 1")?;
            let (mut low, mut high) = (0, super::sqlite::head(tx)?);
            while low < high {
                let middle = low + (high - low).div_ceil(2);
                let entry = find.query_row([column(middle)], |row| Ok((number(row, 0)?, row.get::<_, i64>(1)?))).optional()?;
                match entry {
                    Some((no, received)) if received <= at.0 && no <= high => low = no.max(middle),
                    Some(_) | None => high = middle - 1,
                }
            }
            Ok(low)
        })
    }

    fn knowable(&self, doc: DocId, hashes: &[ChangeHash], upto: u64, device: DeviceId) -> Result<Vec<ChangeHash>, FeedError> {
        self.database.read(|tx| {
            let mut find =
                tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM feed WHERE doc = ?1 AND hash = ?2 AND (no <= ?3 OR device = ?4))")?;
            let mut known = Vec::new();
            for hash in hashes {
                if find.query_row(params![doc.as_bytes(), hash.0, column(upto), device.as_bytes()], |row| row.get(0))? {
                    known.push(*hash);
                }
            }
            Ok(known)
        })
    }

    fn late(&self, after: u64, before: Option<u64>) -> Result<Vec<LateLine>, FeedError> {
        self.database.read(|tx| {
            // A cross join, which SQLite takes in this order: the few late ones, not all of the feed from there on.
            let mut find = tx.prepare_cached(
                "SELECT late.subject, feed.author, count(*), max(late.no), max(feed.received_ms)
                   FROM late NOT INDEXED CROSS JOIN feed ON feed.no = late.no WHERE late.no > ?1
                  GROUP BY late.subject, feed.author HAVING max(late.no) < ?3 ORDER BY max(late.no) DESC LIMIT ?2",
            )?;
            let lines = find.query_map([column(after), LATE_MAX, before.map_or(i64::MAX, column)], |row| {
                Ok(LateLine {
                    subject: SubjectId::from_bytes(row.get(0)?),
                    author: UserId::from_bytes(row.get(1)?),
                    changes: number(row, 2)?,
                    last_no: number(row, 3)?,
                    received_at: Ms(row.get(4)?),
                })
            })?;
            Ok(lines.collect::<Result<_, _>>()?)
        })
    }

    fn draining(&self, device: DeviceId) -> Result<Option<u64>, FeedError> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT known_no FROM draining WHERE device = ?1")?;
            Ok(find.query_row([device.as_bytes()], |row| number(row, 0)).optional()?)
        })
    }

    fn note_draining(&self, device: DeviceId, known_no: Option<u64>) -> Result<(), FeedError> {
        self.database.write(|tx| {
            match known_no {
                Some(no) => tx
                    .prepare_cached("INSERT OR IGNORE INTO draining (device, known_no) VALUES (?1, ?2)")?
                    .execute(params![device.as_bytes(), column(no)])?,
                None => tx.prepare_cached("DELETE FROM draining WHERE device = ?1")?.execute([device.as_bytes()])?,
            };
            Ok(())
        })
    }

    fn note_renewal(&self, now: Ms) -> Result<(), FeedError> {
        self.database.write(|tx| {
            tx.execute("INSERT INTO renewal (epoch, at_ms) SELECT epoch, ?1 FROM feed_state", [now.0])?;
            Ok(())
        })
    }

    fn renewed_at(&self) -> Result<Option<Ms>, FeedError> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT max(renewal.at_ms) FROM renewal JOIN feed_state USING (epoch)")?;
            Ok(find.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Ms))
        })
    }
}

fn rows(feed: &SqliteFeed, sql: &str, subject: SubjectId, after: u64) -> Result<Vec<Handover>, FeedError> {
    feed.database.read(|tx| {
        let mut find = tx.prepare_cached(sql)?;
        let found = find.query_map(params![subject.as_bytes(), column(after)], |row| {
            let territory: String = row.get(2)?;
            let before = Filing {
                territory: (!territory.is_empty()).then_some(TerritoryId(territory)),
                owner: optional_id(row, 3)?.map(UserId::from_bytes),
            };
            Ok(Handover { no: number(row, 0)?, at: Ms(row.get(1)?), before })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    })
}

/// Remembers where a subject was filed, in the transaction that files it elsewhere.
pub(super) fn hand_over(tx: &Transaction<'_>, subject: SubjectId, before: &Filing, no: u64, now: Ms) -> Result<(), rusqlite::Error> {
    tx.prepare_cached("INSERT INTO handover (subject, no, at_ms, territory, owner) VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        subject.as_bytes(),
        column(no),
        now.0,
        before.territory.as_ref().map_or("", |territory| territory.0.as_str()),
        before.owner.map_or_else(Vec::new, |owner| owner.as_bytes().to_vec()),
    ])?;
    Ok(())
}

/// Marks the new entries among these as late, in the transaction that appends them.
pub(super) fn mark(tx: &Transaction<'_>, late: &[Late], given: &BTreeMap<(DocId, ChangeHash), u64>) -> Result<(), rusqlite::Error> {
    for one in late {
        let Some(no) = given.get(&(one.doc, one.hash)) else { continue };
        tx.prepare_cached("INSERT OR IGNORE INTO late (no, subject, lost_ms) VALUES (?1, ?2, ?3)")?.execute(params![
            column(*no),
            one.subject.as_bytes(),
            one.lost_at.0
        ])?;
    }
    Ok(())
}
