//! Urgent reports: one row each, those that wait first.

use rusqlite::params;
use serde::Serialize;

use super::super::{Reading, StoreError, Writing, int};
use super::{PAGE_LINES_MAX, ms_or_zero, zero_is_none};
use crate::ids::{DocId, Ms, SubjectId, UserId};
use crate::model::urgent::UrgentState;

/// What lists know of an urgent report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UrgentRow {
    /// Its document.
    pub doc: DocId,
    /// The customer, or the document itself.
    pub subject: SubjectId,
    /// Who reported.
    pub author: Option<UserId>,
    /// Code of value set `urgent_kind`.
    pub kind: String,
    /// Code of value set `severity`.
    pub severity: String,
    /// How it stands.
    pub state: UrgentState,
    /// When it was reported, corrected.
    pub reported: Ms,
    /// When it reached headquarters.
    pub arrived: Option<Ms>,
    /// When somebody else acknowledged it.
    pub acknowledged: Option<Ms>,
    /// When headquarters escalated it.
    pub escalated: Option<Ms>,
    /// Its first words.
    pub summary: String,
}

/// An urgent report in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UrgentLine {
    /// The report.
    pub urgent: UrgentRow,
    /// Name of the customer; empty when it is about none, or its card is not held.
    pub customer: String,
}

const COLUMNS: &str = "u.doc, u.subject, u.author, u.kind, u.severity, u.state, u.reported_ms, u.arrived_ms, u.acknowledged_ms,
  u.escalated_ms, u.summary, coalesce(c.name, '')";

impl Reading<'_> {
    /// Urgent reports, newest first, at most `max` after the first `skip`: those that are not closed, or all.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn urgents(&self, waiting: bool, skip: usize, max: usize) -> Result<Vec<UrgentLine>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM urgent_row u LEFT JOIN customer_row c ON c.subject = u.subject
             {} ORDER BY u.reported_ms DESC, u.doc LIMIT {} OFFSET {}",
            if waiting { "WHERE u.state IN ('open', 'taken')" } else { "" },
            int(max.min(PAGE_LINES_MAX)),
            int(skip),
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map([], line)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Open reports that arrived at or before a moment, that nobody acknowledged and that were not escalated.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn urgents_unheard(&self, arrived_by: Ms, max: usize) -> Result<Vec<UrgentLine>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM urgent_row u LEFT JOIN customer_row c ON c.subject = u.subject
             WHERE u.state = 'open' AND u.arrived_ms > 0 AND u.arrived_ms <= ?1 AND u.acknowledged_ms = 0 AND u.escalated_ms = 0
             ORDER BY u.arrived_ms, u.doc LIMIT {}",
            int(max.min(PAGE_LINES_MAX)),
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map([arrived_by.0], line)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn line(row: &rusqlite::Row<'_>) -> Result<UrgentLine, rusqlite::Error> {
    Ok(UrgentLine {
        urgent: UrgentRow {
            doc: DocId::from_bytes(row.get(0)?),
            subject: SubjectId::from_bytes(row.get(1)?),
            author: UserId::from_slice(&row.get::<_, Vec<u8>>(2)?),
            kind: row.get(3)?,
            severity: row.get(4)?,
            state: UrgentState::of(&row.get::<_, String>(5)?),
            reported: Ms(row.get(6)?),
            arrived: zero_is_none(row.get(7)?),
            acknowledged: zero_is_none(row.get(8)?),
            escalated: zero_is_none(row.get(9)?),
            summary: row.get(10)?,
        },
        customer: row.get(11)?,
    })
}

impl Writing<'_> {
    /// Writes an urgent report's row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_urgent_row(&mut self, row: &UrgentRow) -> Result<(), StoreError> {
        self.drop_urgent_row(row.doc)?;
        self.conn
            .prepare_cached(
                "INSERT INTO urgent_row (doc, subject, author, kind, severity, state, reported_ms, arrived_ms, acknowledged_ms,
                   escalated_ms, summary)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                row.doc.as_bytes(),
                row.subject.as_bytes(),
                super::user_bytes(row.author.as_ref()),
                row.kind,
                row.severity,
                row.state.code(),
                row.reported.0,
                ms_or_zero(row.arrived),
                ms_or_zero(row.acknowledged),
                ms_or_zero(row.escalated),
                row.summary,
            ])?;
        Ok(())
    }

    /// Removes an urgent report's row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_urgent_row(&mut self, doc: DocId) -> Result<(), StoreError> {
        self.conn.prepare_cached("DELETE FROM urgent_row WHERE doc = ?1")?.execute([doc.as_bytes()])?;
        Ok(())
    }
}
