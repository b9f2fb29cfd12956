//! What the feed remembers of devices that were away for long: when they came back, and which entries are theirs since. Never here:
//! what became of what they handed in (`crate::absence`), or how long is long (`exchange`).

use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, UserId};
use rusqlite::{OptionalExtension, Row, params};

use super::columns::{column, number};
use super::desk::{ROW, desk_row};
use super::sqlite::{SqliteFeed, head};
use super::{DeskRow, FeedError};

/// Absences read at once, at most.
pub const ABSENCES_MAX: usize = 200;
/// Entries and rows of quarantine read of one absence, at most.
pub const HANDED_IN_MAX: usize = 200_000;

/// A device that was away, and came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// Its number.
    pub no: i64,
    /// The device.
    pub device: DeviceId,
    /// Its person.
    pub user: UserId,
    /// The contact before.
    pub left: Ms,
    /// The first one after.
    pub back: Ms,
    /// The number up to which it knew the feed.
    pub knew_no: u64,
    /// Head of the feed when it came back.
    pub since_no: u64,
    /// When it had handed in everything; `None`: it is still handing in.
    pub until: Option<Ms>,
    /// Head of the feed then.
    pub until_no: Option<u64>,
    /// Changes handed in that were there already.
    pub known: u64,
}

impl Absence {
    /// Whole days that it was away.
    #[must_use]
    pub const fn days(&self) -> i64 {
        self.back.since(self.left) / Ms::DAY
    }
}

/// One change that a device handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedIn {
    /// Its document.
    pub doc: DocId,
    /// The document's kind.
    pub kind: String,
    /// What the document is about.
    pub subject: SubjectId,
    /// Its name.
    pub hash: ChangeHash,
    /// Its author had lost the right by then, and had it when it was made.
    pub late: bool,
}

/// What the feed remembers of long absences.
pub trait Absences {
    /// Notes that a device came back, last heard of at `left`, knowing the feed up to `knew_no`. Again changes nothing.
    ///
    /// # Errors
    /// When the storage fails.
    fn note_return(&self, device: DeviceId, user: UserId, left: Ms, back: Ms, knew_no: u64) -> Result<(), FeedError>;

    /// Devices that came back and have not handed in everything.
    ///
    /// # Errors
    /// When the storage fails.
    fn coming_back(&self) -> Result<Vec<DeviceId>, FeedError>;

    /// Notes changes that a device which came back handed in and that were there already; `done`: it has handed in everything. The first
    /// such moment stays.
    ///
    /// # Errors
    /// When the storage fails.
    fn note_handed_in(&self, device: DeviceId, known: u64, done: Option<Ms>) -> Result<(), FeedError>;

    /// The latest absences, the newest first.
    ///
    /// # Errors
    /// When the storage fails.
    fn absences(&self) -> Result<Vec<Absence>, FeedError>;

    /// One absence.
    ///
    /// # Errors
    /// When the storage fails.
    fn absence(&self, no: i64) -> Result<Option<Absence>, FeedError>;

    /// The changes that the device handed in after it, in order.
    ///
    /// # Errors
    /// When the storage fails.
    fn handed_in(&self, absence: &Absence) -> Result<Vec<HandedIn>, FeedError>;

    /// What was set aside of what the device handed in after it, and where that stands.
    ///
    /// # Errors
    /// When the storage fails.
    fn set_aside_after(&self, absence: &Absence) -> Result<Vec<DeskRow>, FeedError>;
}

const ABSENCE: &str = "SELECT no, device, user, left_ms, back_ms, knew_no, since_no, until_ms, until_no, known FROM absence";

impl Absences for SqliteFeed {
    fn note_return(&self, device: DeviceId, user: UserId, left: Ms, back: Ms, knew_no: u64) -> Result<(), FeedError> {
        self.database.write(|tx| {
            tx.prepare_cached(
                "INSERT OR IGNORE INTO absence (device, user, left_ms, back_ms, knew_no, since_no, until_no, until_ms, known)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0)",
            )?
            .execute(params![device.as_bytes(), user.as_bytes(), left.0, back.0, column(knew_no), column(head(tx)?)])?;
            Ok(())
        })
    }

    fn coming_back(&self) -> Result<Vec<DeviceId>, FeedError> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT DISTINCT device FROM absence WHERE until_ms = 0")?;
            Ok(find.query_map([], |row| row.get(0).map(DeviceId::from_bytes))?.collect::<Result<_, _>>()?)
        })
    }

    fn note_handed_in(&self, device: DeviceId, known: u64, done: Option<Ms>) -> Result<(), FeedError> {
        self.database.write(|tx| {
            let (until_no, until_ms) = match done {
                Some(now) => (column(head(tx)?), now.0),
                None => (0, 0),
            };
            tx.prepare_cached(
                "UPDATE absence SET known = known + ?2, until_no = CASE until_ms WHEN 0 THEN ?3 ELSE until_no END,
                        until_ms = CASE until_ms WHEN 0 THEN ?4 ELSE until_ms END
                  WHERE no = (SELECT max(no) FROM absence WHERE device = ?1)",
            )?
            .execute(params![device.as_bytes(), column(known), until_no, until_ms])?;
            Ok(())
        })
    }

    fn absences(&self) -> Result<Vec<Absence>, FeedError> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached(&format!("{ABSENCE} ORDER BY no DESC LIMIT ?1"))?;
            Ok(find.query_map([column(ABSENCES_MAX as u64)], read)?.collect::<Result<_, _>>()?)
        })
    }

    fn absence(&self, no: i64) -> Result<Option<Absence>, FeedError> {
        self.database.read(|tx| Ok(tx.prepare_cached(&format!("{ABSENCE} WHERE no = ?1"))?.query_row([no], read).optional()?))
    }

    fn handed_in(&self, absence: &Absence) -> Result<Vec<HandedIn>, FeedError> {
        let until = absence.until_no.map_or(i64::MAX, column);
        self.database.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT feed.doc, doc.kind, doc.subject, feed.hash, late.no IS NOT NULL
                   FROM feed JOIN doc ON doc.id = feed.doc LEFT JOIN late ON late.no = feed.no
                  WHERE feed.no > ?1 AND feed.no <= ?2 AND feed.device = ?3 ORDER BY feed.no LIMIT ?4",
            )?;
            let limit = column(HANDED_IN_MAX as u64);
            let rows = find.query_map(params![column(absence.since_no), until, absence.device.as_bytes(), limit], |row| {
                Ok(HandedIn {
                    doc: DocId::from_bytes(row.get(0)?),
                    kind: row.get(1)?,
                    subject: SubjectId::from_bytes(row.get(2)?),
                    hash: ChangeHash(row.get(3)?),
                    late: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn set_aside_after(&self, absence: &Absence) -> Result<Vec<DeskRow>, FeedError> {
        let until = absence.until.map_or(i64::MAX, |until| until.0);
        self.database.read(|tx| {
            let sql = format!("{ROW} WHERE device = ?1 AND received_ms BETWEEN ?2 AND ?3 ORDER BY id LIMIT ?4");
            let mut find = tx.prepare_cached(&sql)?;
            let limit = column(HANDED_IN_MAX as u64);
            let rows = find.query_map(params![absence.device.as_bytes(), absence.back.0, until, limit], desk_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn read(row: &Row<'_>) -> Result<Absence, rusqlite::Error> {
    let (until_ms, until_no) = (row.get::<_, i64>(7)?, number(row, 8)?);
    Ok(Absence {
        no: row.get(0)?,
        device: DeviceId::from_bytes(row.get(1)?),
        user: UserId::from_bytes(row.get(2)?),
        left: Ms(row.get(3)?),
        back: Ms(row.get(4)?),
        knew_no: number(row, 5)?,
        since_no: number(row, 6)?,
        until: (until_ms != 0).then_some(Ms(until_ms)),
        until_no: (until_ms != 0).then_some(until_no),
        known: number(row, 9)?,
    })
}
