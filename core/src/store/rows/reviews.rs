//! What waits for a decision: matters of customers, and proposals.

use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};
use serde::Serialize;

use super::super::{Reading, StoreError, Writing, int};
use super::{PAGE_LINES_MAX, Where, ms_or_zero, zero_is_none};
use crate::ids::{DocId, Ms, SubjectId, TerritoryId, UserId};

/// Which matters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReviewFilter {
    /// Of these kinds; empty = any.
    pub matters: Vec<String>,
    /// Of customers in these territories; empty = any.
    pub territories: Vec<TerritoryId>,
    /// Of this customer.
    pub subject: Option<SubjectId>,
}

/// A matter in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewLine {
    /// The customer.
    pub subject: SubjectId,
    /// Its name.
    pub customer: String,
    /// Its territory.
    pub territory: String,
    /// What kind of matter.
    pub matter: String,
    /// Path of the field.
    pub field: String,
    /// The higher, the sooner it is to be decided.
    pub weight: u32,
    /// How many values stand.
    pub rivals: u32,
    /// Since when.
    pub since: Ms,
}

/// How a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// Nobody decided yet.
    Open,
    /// Granted.
    Accepted,
    /// Refused.
    Rejected,
}

impl ProposalState {
    const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
    fn of(code: &str) -> Self {
        match code {
            "accepted" => Self::Accepted,
            "rejected" => Self::Rejected,
            _ => Self::Open,
        }
    }
}

/// What lists know of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProposalRow {
    /// Its document.
    pub doc: DocId,
    /// The customer.
    pub subject: SubjectId,
    /// Who asks.
    pub author: Option<UserId>,
    /// About which field, or what else.
    pub field: String,
    /// How it stands.
    pub state: ProposalState,
    /// When it was made, corrected.
    pub proposed: Ms,
    /// When it was decided.
    pub decided: Option<Ms>,
    /// What is proposed, in short.
    pub summary: String,
}

/// A proposal in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProposalLine {
    /// The proposal.
    pub proposal: ProposalRow,
    /// Name of the customer; empty when its card is not held.
    pub customer: String,
}

impl Reading<'_> {
    /// Matters to decide, weightiest first, then oldest; at most `max` after the first `skip`.
    ///
    /// # Errors
    /// See [`Reading::customers`].
    pub fn reviews(&self, filter: &ReviewFilter, skip: usize, max: usize) -> Result<Vec<ReviewLine>, StoreError> {
        let mut conditions = Where::default();
        conditions.one_of("r.matter", &filter.matters)?;
        let territories: Vec<String> = filter.territories.iter().map(|territory| territory.0.clone()).collect();
        conditions.one_of("c.territory", &territories)?;
        if let Some(subject) = &filter.subject {
            conditions.and("r.subject = ?", [Value::Blob(subject.as_bytes().to_vec())]);
        }
        let sql = format!(
            "SELECT r.subject, c.name, c.territory, r.matter, r.field, r.weight, r.rivals, r.since_ms
             FROM review_row r JOIN customer_row c ON c.subject = r.subject {}
             ORDER BY r.weight DESC, r.since_ms, r.subject, r.matter, r.field LIMIT {} OFFSET {}",
            conditions.sql,
            int(max.min(PAGE_LINES_MAX)),
            int(skip),
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(conditions.values), |row| {
            Ok(ReviewLine {
                subject: SubjectId::from_bytes(row.get(0)?),
                customer: row.get(1)?,
                territory: row.get(2)?,
                matter: row.get(3)?,
                field: row.get(4)?,
                weight: row.get(5)?,
                rivals: row.get(6)?,
                since: Ms(row.get(7)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Proposals of a state, oldest first when open, newest first otherwise; `subject` narrows them to one customer. At most `max` after the
    /// first `skip`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn proposals(
        &self,
        state: ProposalState,
        subject: Option<SubjectId>,
        skip: usize,
        max: usize,
    ) -> Result<Vec<ProposalLine>, StoreError> {
        let mut conditions = Where::default();
        conditions.and("p.state = ?", [Value::Text(state.code().into())]);
        if let Some(subject) = subject {
            conditions.and("p.subject = ?", [Value::Blob(subject.as_bytes().to_vec())]);
        }
        let direction = if state == ProposalState::Open { "" } else { "DESC" };
        let sql = format!(
            "SELECT p.doc, p.subject, p.author, p.field, p.state, p.proposed_ms, p.decided_ms, p.summary, coalesce(c.name, '')
             FROM proposal_row p LEFT JOIN customer_row c ON c.subject = p.subject {}
             ORDER BY p.proposed_ms {direction}, p.doc LIMIT {} OFFSET {}",
            conditions.sql,
            int(max.min(PAGE_LINES_MAX)),
            int(skip),
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(conditions.values), |row| {
            Ok(ProposalLine {
                proposal: ProposalRow {
                    doc: DocId::from_bytes(row.get(0)?),
                    subject: SubjectId::from_bytes(row.get(1)?),
                    author: UserId::from_slice(&row.get::<_, Vec<u8>>(2)?),
                    field: row.get(3)?,
                    state: ProposalState::of(&row.get::<_, String>(4)?),
                    proposed: Ms(row.get(5)?),
                    decided: zero_is_none(row.get(6)?),
                    summary: row.get(7)?,
                },
                customer: row.get(8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writing<'_> {
    /// Writes a proposal's row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_proposal_row(&mut self, row: &ProposalRow) -> Result<(), StoreError> {
        self.drop_proposal_row(row.doc)?;
        self.conn
            .prepare_cached(
                "INSERT INTO proposal_row (doc, subject, author, field, state, proposed_ms, decided_ms, summary)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                row.doc.as_bytes(),
                row.subject.as_bytes(),
                super::user_bytes(row.author.as_ref()),
                row.field,
                row.state.code(),
                row.proposed.0,
                ms_or_zero(row.decided),
                row.summary,
            ])?;
        Ok(())
    }

    /// Removes a proposal's row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_proposal_row(&mut self, doc: DocId) -> Result<(), StoreError> {
        self.conn.prepare_cached("DELETE FROM proposal_row WHERE doc = ?1")?.execute([doc.as_bytes()])?;
        Ok(())
    }
}
