//! The quarantine as a desk: what waits, one row by its number, and what was decided. A decision draws a number of its own, so
//! that a device can be told what it has not heard yet. Never here: whether a change can enter after all (`quarantine`).

use std::collections::BTreeSet;

use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, UserId};
use rusqlite::{OptionalExtension, Row, ToSql, Transaction, params};

use super::columns::{column, number, optional_id, quarantined};
use super::sqlite::SqliteFeed;
use super::{FeedError, Quarantined};
use crate::exchange::verdict::WAITING;

/// Rows read at once, at most.
pub const DESK_ROWS_MAX: usize = 10_000;
/// Decisions told to a device in one answer, at most.
pub const DECISIONS_MAX: usize = 1_000;

/// Changes of one document that are tried again by themselves, at most: what is beyond them somebody must approve.
pub const WAITING_MAX: usize = 2_000;

/// Where a row of the quarantine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeskState {
    /// Nobody has decided.
    Open,
    /// Admitted as it is.
    Approved,
    /// Admitted as a new change of headquarters in its author's name.
    Rewritten,
    /// Kept as rejected.
    Rejected,
    /// Its author's device wrote it again without what held it up.
    Resent,
}

impl DeskState {
    /// Its stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rewritten => "rewritten",
            Self::Rejected => "rejected",
            Self::Resent => "resent",
        }
    }
    /// The state of a code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::Open, Self::Approved, Self::Rewritten, Self::Rejected, Self::Resent].into_iter().find(|state| state.code() == code)
    }
}

/// A row of the quarantine with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskRow {
    /// What was refused, why, from whom, when.
    pub row: Quarantined,
    /// Where it stands.
    pub state: DeskState,
    /// Number of the decision; 0 while it is open.
    pub decided_no: u64,
    /// When it was decided.
    pub decided_at: Option<Ms>,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// What they said.
    pub remark: String,
}

/// A decision about one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// What was decided; [`DeskState::Open`] changes nothing.
    pub state: DeskState,
    /// By whom.
    pub by: UserId,
    /// When.
    pub now: Ms,
    /// Why.
    pub remark: &'a str,
}

/// In which order the desk is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskOrder {
    /// What was set aside first.
    OldestFirst,
    /// What was set aside last.
    NewestFirst,
    /// What was decided last; what is open is not among it.
    LatestDecisionFirst,
}

/// A portion of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeskPage {
    /// Rows of this state; `None`: of any.
    pub state: Option<DeskState>,
    /// In this order.
    pub order: DeskOrder,
    /// Those after this row: the number of its decision, and its own.
    pub after: Option<(u64, i64)>,
    /// Rows, at most; never more than [`DESK_ROWS_MAX`].
    pub rows_max: usize,
}

/// Open rows about one subject and of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRows {
    /// What they are about, as their devices said.
    pub subject: SubjectId,
    /// The kind, as their devices said.
    pub kind: String,
    /// How many.
    pub rows: u64,
}

/// The quarantine as a desk.
pub trait Desk {
    /// Rows of one state, or all, the oldest first.
    ///
    /// # Errors
    /// When the storage fails.
    fn desk(&self, state: Option<DeskState>, rows_max: usize) -> Result<Vec<DeskRow>, FeedError> {
        self.desk_page(&DeskPage { state, order: DeskOrder::OldestFirst, after: None, rows_max })
    }

    /// A portion of the desk.
    ///
    /// # Errors
    /// When the storage fails.
    fn desk_page(&self, page: &DeskPage) -> Result<Vec<DeskRow>, FeedError>;

    /// What is open, counted by subject and kind.
    ///
    /// # Errors
    /// When the storage fails.
    fn desk_open_by_subject(&self) -> Result<Vec<OpenRows>, FeedError>;

    /// One row.
    ///
    /// # Errors
    /// When the storage fails.
    fn desk_row(&self, id: i64) -> Result<Option<DeskRow>, FeedError>;

    /// The rows of one document from one device, the oldest first.
    ///
    /// # Errors
    /// When the storage fails.
    fn desk_of(&self, doc: DocId, device: Option<DeviceId>) -> Result<Vec<DeskRow>, FeedError>;

    /// The open rows of one document that only wait for what they build on, the oldest first, at most [`WAITING_MAX`].
    ///
    /// # Errors
    /// When the storage fails.
    fn desk_waiting(&self, doc: DocId) -> Result<Vec<DeskRow>, FeedError>;

    /// Which of these changes of a document were written again at the desk, whoever had handed them in.
    ///
    /// # Errors
    /// When the storage fails.
    fn rewritten(&self, doc: DocId, hashes: &[ChangeHash]) -> Result<BTreeSet<ChangeHash>, FeedError>;

    /// How many rows are open.
    ///
    /// # Errors
    /// When the storage fails.
    fn desk_open(&self) -> Result<u64, FeedError>;

    /// Writes a decision down. `false`: the row is unknown or was decided before; nothing is then changed.
    ///
    /// # Errors
    /// When the storage fails.
    fn decide(&self, id: i64, decision: &Decision<'_>) -> Result<bool, FeedError>;

    /// What was decided about changes of a device after decision number `after`, in order.
    ///
    /// # Errors
    /// When the storage fails.
    fn decided(&self, device: DeviceId, after: u64) -> Result<Vec<DeskRow>, FeedError>;
}

/// The columns of [`super::columns::QUARANTINED`], then what became of it.
pub(super) const ROW: &str = "SELECT id, doc, kind, subject, hash, code, why, bytes, device, user, received_ms,
                          state, decided_no, decided_ms, decided_by, remark FROM quarantine";

/// Whether a row waits for what it builds on, asked of its column `code`.
pub(super) fn waiting() -> String {
    format!("code IN ('{}')", WAITING.join("', '"))
}

/// The number of the next decision. Devices say the last that they heard, and may have heard one that a restore lost: numbers of a life
/// that began with a restore begin at its moment, in milliseconds, which no count of decisions reaches.
pub(super) const NEXT_DECISION: &str = "(SELECT max((SELECT coalesce(max(decided_no), 0) FROM quarantine), \
                                                    (SELECT coalesce(max(at_ms), 0) FROM renewal)) + 1)";

/// Those changes of a document of which the quarantine keeps a row of this kind, whoever had handed them in.
pub(super) fn kept_aside(tx: &Transaction<'_>, doc: DocId, hashes: &[ChangeHash], kind: &str) -> Result<BTreeSet<ChangeHash>, FeedError> {
    let mut find = tx.prepare_cached(&format!("SELECT EXISTS (SELECT 1 FROM quarantine WHERE doc = ?1 AND hash = ?2 AND {kind})"))?;
    let mut found = BTreeSet::new();
    for hash in hashes {
        if find.query_row(params![doc.as_bytes(), hash.0], |row| row.get(0))? {
            found.insert(*hash);
        }
    }
    Ok(found)
}

impl Desk for SqliteFeed {
    fn desk_page(&self, page: &DeskPage) -> Result<Vec<DeskRow>, FeedError> {
        let limit = column(page.rows_max.min(DESK_ROWS_MAX) as u64);
        let state = page.state.map_or("", DeskState::code);
        // A statement for each state or none: with one for both SQLite would walk through everything that was ever set aside. The plus keeps it
        // on the index of decisions, whose order is wanted.
        let of_state = match (page.state, page.order) {
            (None, _) => "?1 = ''",
            (Some(_), DeskOrder::LatestDecisionFirst) => "+state = ?1",
            (Some(_), DeskOrder::OldestFirst | DeskOrder::NewestFirst) => "state = ?1",
        };
        let (decided, id) = page.after.map_or((i64::MAX, None), |(decided, id)| (column(decided), Some(id)));
        self.database.read(|tx| {
            let ask = |rest: &str, parameters: &[&dyn ToSql]| {
                let mut find = tx.prepare_cached(&format!("{ROW} WHERE {of_state} AND {rest} LIMIT ?2"))?;
                find.query_map(parameters, desk_row)?.collect::<Result<Vec<DeskRow>, _>>()
            };
            Ok(match page.order {
                DeskOrder::OldestFirst => ask("id > ?3 ORDER BY id", &[&state, &limit, &id.unwrap_or(i64::MIN)])?,
                DeskOrder::NewestFirst => ask("id < ?3 ORDER BY id DESC", &[&state, &limit, &id.unwrap_or(i64::MAX)])?,
                DeskOrder::LatestDecisionFirst => ask(
                    "decided_no > 0 AND (decided_no, id) < (?4, ?3) ORDER BY decided_no DESC, id DESC",
                    &[&state, &limit, &id.unwrap_or(i64::MAX), &decided],
                )?,
            })
        })
    }

    fn desk_open_by_subject(&self) -> Result<Vec<OpenRows>, FeedError> {
        self.database.read(|tx| {
            let mut find =
                tx.prepare_cached("SELECT subject, kind, count(*) FROM quarantine WHERE state = 'open' GROUP BY subject, kind")?;
            let rows = find.query_map([], |row| {
                Ok(OpenRows { subject: SubjectId::from_bytes(row.get(0)?), kind: row.get(1)?, rows: number(row, 2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn desk_row(&self, id: i64) -> Result<Option<DeskRow>, FeedError> {
        self.database.read(|tx| Ok(tx.prepare_cached(&format!("{ROW} WHERE id = ?1"))?.query_row([id], desk_row).optional()?))
    }

    fn desk_of(&self, doc: DocId, device: Option<DeviceId>) -> Result<Vec<DeskRow>, FeedError> {
        let device = device.map_or_else(Vec::new, |device| device.as_bytes().to_vec());
        self.database.read(|tx| {
            let mut find = tx.prepare_cached(&format!("{ROW} WHERE doc = ?1 AND device = ?2 ORDER BY id"))?;
            let rows = find.query_map(params![doc.as_bytes(), device], desk_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn desk_waiting(&self, doc: DocId) -> Result<Vec<DeskRow>, FeedError> {
        self.database.read(|tx| {
            // The plus keeps SQLite from walking through all that is open, for the sake of its order.
            let mut find =
                tx.prepare_cached(&format!("{ROW} WHERE doc = ?1 AND {} AND +state = 'open' ORDER BY id LIMIT ?2", waiting()))?;
            let rows = find.query_map(params![doc.as_bytes(), column(WAITING_MAX as u64)], desk_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn rewritten(&self, doc: DocId, hashes: &[ChangeHash]) -> Result<BTreeSet<ChangeHash>, FeedError> {
        self.database.read(|tx| kept_aside(tx, doc, hashes, "+state = 'rewritten'"))
    }

    fn desk_open(&self) -> Result<u64, FeedError> {
        self.database.read(|tx| {
            Ok(tx.prepare_cached("SELECT count(*) FROM quarantine WHERE state = 'open'")?.query_row([], |row| number(row, 0))?)
        })
    }

    fn decide(&self, id: i64, decision: &Decision<'_>) -> Result<bool, FeedError> {
        self.database.write(|tx| {
            let open = tx
                .prepare_cached("SELECT doc, hash FROM quarantine WHERE id = ?1 AND state = 'open' AND ?2 <> 'open'")?
                .query_row(params![id, decision.state.code()], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 32]>(1)?)))
                .optional()?;
            let Some((doc, hash)) = open else { return Ok(false) };
            // What is in the feed is decided for everybody who handed it in: a copy of the phone, one that carried it.
            let for_all = matches!(decision.state, DeskState::Approved | DeskState::Rewritten);
            tx.prepare_cached(&format!(
                "UPDATE quarantine SET state = ?3, decided_ms = ?4, decided_by = ?5, remark = ?6, decided_no = {NEXT_DECISION}
                  WHERE doc = ?1 AND hash = ?2 AND +state = 'open' AND (id = ?7 OR ?8)"
            ))?
            .execute(params![
                doc,
                hash,
                decision.state.code(),
                decision.now.0,
                decision.by.as_bytes(),
                decision.remark,
                id,
                for_all
            ])?;
            Ok(true)
        })
    }

    fn decided(&self, device: DeviceId, after: u64) -> Result<Vec<DeskRow>, FeedError> {
        let limit = column(DECISIONS_MAX as u64);
        self.database.read(|tx| {
            let mut find = tx.prepare_cached(&format!("{ROW} WHERE device = ?1 AND decided_no > ?2 ORDER BY decided_no LIMIT ?3"))?;
            let rows = find.query_map(params![device.as_bytes(), column(after), limit], desk_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

pub(super) fn desk_row(row: &Row<'_>) -> Result<DeskRow, rusqlite::Error> {
    let state: String = row.get(11)?;
    let decided_ms: i64 = row.get(13)?;
    Ok(DeskRow {
        row: quarantined(row)?,
        state: DeskState::of_code(&state).unwrap_or(DeskState::Open),
        decided_no: number(row, 12)?,
        decided_at: (decided_ms != 0).then_some(Ms(decided_ms)),
        decided_by: optional_id(row, 14)?.map(UserId::from_bytes),
        remark: row.get(15)?,
    })
}
