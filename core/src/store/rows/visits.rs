//! Visits: one row each, lists newest first, sums by representative and day.

use chrono::NaiveDate;
use minicbor::{Decode, Encode};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params, params_from_iter};
use serde::Serialize;

use super::super::{Reading, StoreError, Writing, count, int};
use super::lists::{Where, page};
use super::{PAGE_LINES_MAX, Page, PageKey, day_no, day_of, ms_or_zero, zero_is_none};
use crate::ids::{DocId, Ms, SubjectId, TerritoryId, UserId};

/// What lists know of a visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct VisitRow {
    /// Its document.
    #[n(0)]
    pub doc: DocId,
    /// The customer.
    #[n(1)]
    pub subject: SubjectId,
    /// Who visited.
    #[n(2)]
    pub rep: Option<UserId>,
    /// The tour it belongs to.
    #[n(3)]
    pub tour: Option<DocId>,
    /// Code of value set `visit_type`.
    #[n(4)]
    pub kind: String,
    /// Code of value set `visit_outcome`.
    #[n(5)]
    pub outcome: String,
    /// Day of the check-in in the organisation's time zone.
    #[cbor(n(6), with = "super::day_wire")]
    pub day: NaiveDate,
    /// Check-in, corrected.
    #[n(7)]
    pub started: Ms,
    /// Check-out, corrected; `None` = never checked out.
    #[n(8)]
    pub ended: Option<Ms>,
    /// Code of value set `location_label`: where the check-in was.
    #[n(9)]
    pub place_label: String,
    /// Satisfies the visit interval.
    #[n(10)]
    pub counts: bool,
    /// Probably the same visit as another one: figures leave it out.
    #[n(11)]
    pub possible_double: bool,
    /// The device's clock was wrong by more than is tolerated.
    #[n(12)]
    pub clock_wrong: bool,
    /// How often it was amended.
    #[n(13)]
    pub amendments: u32,
    /// How many photos it names; which of them are held where is no matter of documents.
    #[n(14)]
    pub photos: u32,
    /// First words of what was found.
    #[n(15)]
    pub summary: String,
}

/// Which visits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VisitFilter {
    /// Of this customer.
    pub subject: Option<SubjectId>,
    /// By this representative.
    pub rep: Option<UserId>,
    /// Of customers that are now in one of these territories; empty = any.
    pub territories: Vec<TerritoryId>,
    /// On this day or later.
    pub from: Option<NaiveDate>,
    /// On this day or earlier.
    pub to: Option<NaiveDate>,
    /// With one of these outcomes; empty = any.
    pub outcomes: Vec<String>,
    /// In this tour.
    pub tour: Option<DocId>,
}

/// A visit in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VisitLine {
    /// The visit.
    pub visit: VisitRow,
    /// Name of the customer; empty when its card is not held.
    pub customer: String,
    /// Grade of the customer.
    pub grade: String,
}

/// Visits of one representative on one day, possible doubles left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VisitTally {
    /// Who.
    pub rep: Option<UserId>,
    /// When.
    pub day: NaiveDate,
    /// Visits.
    pub visits: u64,
    /// Different customers.
    pub customers: u64,
    /// Visits with an order.
    pub orders: u64,
    /// Minutes between check-in and check-out.
    pub minutes: u64,
    /// First check-in.
    pub first: Ms,
    /// Last check-in.
    pub last: Ms,
}

/// Sums over all visits of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct VisitSums {
    /// Visits that the list of this filter holds, possible doubles among them.
    pub listed: u64,
    /// Visits, possible doubles left out.
    pub visits: u64,
    /// Different customers.
    pub customers: u64,
    /// Visits with an order, possible doubles left out.
    pub orders: u64,
}

impl VisitFilter {
    fn conditions(&self) -> Result<Where, StoreError> {
        let mut out = Where::default();
        let blob = |bytes: &[u8; 16]| Value::Blob(bytes.to_vec());
        if let Some(subject) = &self.subject {
            out.and("v.subject = ?", [blob(subject.as_bytes())]);
        }
        if let Some(rep) = &self.rep {
            out.and("v.rep = ?", [blob(rep.as_bytes())]);
        }
        if let Some(tour) = &self.tour {
            out.and("v.tour = ?", [blob(tour.as_bytes())]);
        }
        if let Some(from) = self.from {
            out.and("v.day >= ?", [Value::Integer(day_no(from))]);
        }
        if let Some(to) = self.to {
            out.and("v.day <= ?", [Value::Integer(day_no(to))]);
        }
        let territories: Vec<String> = self.territories.iter().map(|territory| territory.0.clone()).collect();
        out.one_of("c.territory", &territories)?;
        out.one_of("v.outcome", &self.outcomes)?;
        Ok(out)
    }
}

const COLUMNS: &str = "v.doc, v.subject, v.rep, v.tour, v.kind, v.outcome, v.day, v.started_ms, v.ended_ms, v.place_label,
  v.counts, v.possible_double, v.clock_wrong, v.amendments, v.photos, v.summary,
  coalesce(c.name, ''), coalesce(c.grade, '')";

impl Reading<'_> {
    /// A page of visits, latest check-in first.
    ///
    /// # Errors
    /// See [`Reading::customers`].
    pub fn visits(&self, filter: &VisitFilter, after: Option<&PageKey>, max: usize) -> Result<Page<VisitLine>, StoreError> {
        let max = max.min(PAGE_LINES_MAX);
        let mut conditions = filter.conditions()?;
        if let Some(after) = after {
            let doc = Value::Blob(after.subject.as_bytes().to_vec());
            conditions.and("(v.started_ms, v.doc) < (?, ?)", [Value::Integer(after.number), doc]);
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM visit_row v LEFT JOIN customer_row c ON c.subject = v.subject {}
             ORDER BY v.started_ms DESC, v.doc DESC LIMIT {}",
            conditions.sql,
            int(max.saturating_add(1)),
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(conditions.values), |row| {
            let line = visit_line(row)?;
            // The key of a page of visits names the visit where other pages name the customer.
            let key = PageKey { number: line.visit.started.0, text: String::new(), subject: line.visit.doc.into() };
            Ok((line, key))
        })?;
        page(rows.collect::<Result<_, _>>()?, max)
    }

    /// One visit as lists show it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn visit(&self, doc: DocId) -> Result<Option<VisitLine>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM visit_row v LEFT JOIN customer_row c ON c.subject = v.subject WHERE v.doc = ?1");
        let mut find = self.conn.prepare_cached(&sql)?;
        let mut rows = find.query([doc.as_bytes()])?;
        Ok(rows.next()?.map(visit_line).transpose()?)
    }

    /// Sums over all visits of a filter.
    ///
    /// # Errors
    /// See [`Reading::customers`].
    pub fn visit_sums(&self, filter: &VisitFilter) -> Result<VisitSums, StoreError> {
        let conditions = filter.conditions()?;
        // The table of customers is looked up only where the filter asks for it.
        let join = if filter.territories.is_empty() { "" } else { "LEFT JOIN customer_row c ON c.subject = v.subject" };
        let sql = format!(
            "SELECT count(*), coalesce(sum(v.possible_double = 0), 0), count(DISTINCT v.subject),
               coalesce(sum(v.possible_double = 0 AND v.outcome = 'order'), 0)
             FROM visit_row v {join} {}",
            conditions.sql
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let sums = find.query_row(params_from_iter(conditions.values), |row| {
            Ok(VisitSums {
                listed: count(row.get(0)?),
                visits: count(row.get(1)?),
                customers: count(row.get(2)?),
                orders: count(row.get(3)?),
            })
        })?;
        Ok(sums)
    }

    /// Sums by representative and day, in that order.
    ///
    /// # Errors
    /// See [`Reading::customers`].
    pub fn visit_tally(&self, filter: &VisitFilter) -> Result<Vec<VisitTally>, StoreError> {
        let mut conditions = filter.conditions()?;
        conditions.and("v.possible_double = 0", []);
        // The table of customers is looked up only where the filter asks for it.
        let join = if filter.territories.is_empty() { "" } else { "LEFT JOIN customer_row c ON c.subject = v.subject" };
        let sql = format!(
            "SELECT v.rep, v.day, count(*), count(DISTINCT v.subject), sum(v.outcome = 'order'),
               sum(max(v.ended_ms - v.started_ms, 0)) / 60000, min(v.started_ms), max(v.started_ms)
             FROM visit_row v {join} {} GROUP BY v.rep, v.day ORDER BY v.rep, v.day",
            conditions.sql
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(conditions.values), |row| {
            Ok(VisitTally {
                rep: UserId::from_slice(&row.get::<_, Vec<u8>>(0)?),
                day: day_of(row.get(1)?).unwrap_or_default(),
                visits: count(row.get(2)?),
                customers: count(row.get(3)?),
                orders: count(row.get(4)?),
                minutes: count(row.get(5)?),
                first: Ms(row.get(6)?),
                last: Ms(row.get(7)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Reading<'_> {
    /// Visits of a filter that name photos, with how many.
    ///
    /// # Errors
    /// See [`Reading::customers`].
    pub fn visits_with_photos(&self, filter: &VisitFilter, max: usize) -> Result<Vec<(DocId, u32)>, StoreError> {
        let mut conditions = filter.conditions()?;
        conditions.and("v.photos > 0", []);
        let sql = format!(
            "SELECT v.doc, v.photos FROM visit_row v LEFT JOIN customer_row c ON c.subject = v.subject {}
             ORDER BY v.started_ms DESC LIMIT {}",
            conditions.sql,
            int(max),
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(conditions.values), |row| Ok((DocId::from_bytes(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writing<'_> {
    /// Writes a visit's row, and what follows from it for its customer.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_visit_row(&mut self, row: &VisitRow) -> Result<(), StoreError> {
        let before = self.drop_row_of_visit(row.doc)?;
        self.conn
            .prepare_cached(
                "INSERT INTO visit_row (doc, subject, rep, tour, kind, outcome, day, started_ms, ended_ms, place_label,
                   counts, possible_double, clock_wrong, amendments, photos, summary)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            )?
            .execute(params![
                row.doc.as_bytes(),
                row.subject.as_bytes(),
                super::user_bytes(row.rep.as_ref()),
                row.tour.as_ref().map_or(&[][..], |tour| tour.as_bytes()),
                row.kind,
                row.outcome,
                day_no(row.day),
                row.started.0,
                ms_or_zero(row.ended),
                row.place_label,
                row.counts,
                row.possible_double,
                row.clock_wrong,
                row.amendments,
                row.photos,
                row.summary,
            ])?;
        if let Some(before) = before.filter(|before| *before != row.subject) {
            self.refresh_due(before)?;
        }
        self.refresh_due(row.subject)
    }

    /// Removes a visit's row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_visit_row(&mut self, doc: DocId) -> Result<(), StoreError> {
        match self.drop_row_of_visit(doc)? {
            Some(subject) => self.refresh_due(subject),
            None => Ok(()),
        }
    }

    fn drop_row_of_visit(&mut self, doc: DocId) -> Result<Option<SubjectId>, StoreError> {
        let found = self
            .conn
            .prepare_cached("DELETE FROM visit_row WHERE doc = ?1 RETURNING subject")?
            .query_row([doc.as_bytes()], |row| Ok(SubjectId::from_bytes(row.get(0)?)))
            .optional()?;
        Ok(found)
    }
}

fn visit_line(row: &rusqlite::Row<'_>) -> Result<VisitLine, rusqlite::Error> {
    Ok(VisitLine {
        visit: VisitRow {
            doc: DocId::from_bytes(row.get(0)?),
            subject: SubjectId::from_bytes(row.get(1)?),
            rep: UserId::from_slice(&row.get::<_, Vec<u8>>(2)?),
            tour: DocId::from_slice(&row.get::<_, Vec<u8>>(3)?),
            kind: row.get(4)?,
            outcome: row.get(5)?,
            day: day_of(row.get(6)?).unwrap_or_default(),
            started: Ms(row.get(7)?),
            ended: zero_is_none(row.get(8)?),
            place_label: row.get(9)?,
            counts: row.get(10)?,
            possible_double: row.get(11)?,
            clock_wrong: row.get(12)?,
            amendments: row.get(13)?,
            photos: row.get(14)?,
            summary: row.get(15)?,
        },
        customer: row.get(16)?,
        grade: row.get(17)?,
    })
}
