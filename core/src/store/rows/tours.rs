//! Tours and their stops, as folded: the order is computed elsewhere and written here whole.

use chrono::NaiveDate;
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};
use serde::Serialize;

use super::super::{Reading, StoreError, Writing, int};
use super::{Where, day_no, day_of, ms_or_zero, zero_is_none};
use crate::ids::{DocId, Ms, SubjectId, UserId};

/// What lists know of a tour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TourRow {
    /// Its document.
    pub doc: DocId,
    /// Code of the route.
    pub route: String,
    /// The day.
    pub day: NaiveDate,
    /// Who drives it.
    pub rep: Option<UserId>,
    /// What people call it.
    pub title: String,
    /// Code: `planned`, `published`, `cancelled` …
    pub state: String,
    /// Which published plan is in force, counted from 1; 0 = none yet.
    pub revision: u32,
    /// The latest plan that the representative acknowledged; 0 = none.
    pub seen_revision: u32,
    /// Planned time from start to end, in minutes.
    pub planned_minutes: u32,
    /// Planned way, in metres.
    pub planned_m: u32,
}

/// One stop of a tour, at its place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StopRow {
    /// Its id inside the tour.
    pub stop: String,
    /// The customer.
    pub subject: SubjectId,
    /// Code: `plan`, `adhoc` …
    pub kind: String,
    /// Code: `open`, `visited`, `skipped` …
    pub state: String,
    /// Nothing is left to do there.
    pub done: bool,
    /// Planned arrival.
    pub planned: Option<Ms>,
    /// Check-in.
    pub actual: Option<Ms>,
    /// Reason of a skip, deviation and the like.
    pub note: String,
}

/// A tour in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TourLine {
    /// The tour.
    pub tour: TourRow,
    /// How many stops it has.
    pub stops: u32,
    /// How many are done.
    pub done: u32,
}

/// A stop in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StopLine {
    /// The tour.
    pub tour: DocId,
    /// Place in the order, from 0.
    pub position: u32,
    /// The stop.
    pub stop: StopRow,
    /// Name of the customer; empty when its card is not held.
    pub customer: String,
    /// Address of the customer.
    pub address: String,
    /// Latitude in degrees × 10⁷, when known.
    pub lat_e7: Option<i32>,
    /// Longitude in degrees × 10⁷.
    pub lon_e7: Option<i32>,
}

const COLUMNS: &str = "doc, route, day, rep, title, state, revision, seen_revision, planned_minutes, planned_m, stops, done";

impl Reading<'_> {
    /// Tours of these days, by day, representative and document; `rep` narrows them to one person.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn tours(&self, from: NaiveDate, to: NaiveDate, rep: Option<UserId>) -> Result<Vec<TourLine>, StoreError> {
        let mut conditions = Where::default();
        conditions.and("day BETWEEN ? AND ?", [Value::Integer(day_no(from)), Value::Integer(day_no(to))]);
        if let Some(rep) = rep {
            conditions.and("rep = ?", [Value::Blob(rep.as_bytes().to_vec())]);
        }
        let sql = format!("SELECT {COLUMNS} FROM tour_row {} ORDER BY day, rep, doc", conditions.sql);
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(conditions.values), tour_line)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One tour as lists show it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn tour(&self, doc: DocId) -> Result<Option<TourLine>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM tour_row WHERE doc = ?1"))?;
        let mut rows = find.query([doc.as_bytes()])?;
        Ok(rows.next()?.map(tour_line).transpose()?)
    }

    /// Stops of a tour in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn stops(&self, doc: DocId) -> Result<Vec<StopLine>, StoreError> {
        self.stop_lines("WHERE t.doc = ?1 ORDER BY s.position", params![doc.as_bytes()])
    }

    /// Stops of a customer in tours of this day or later, by day.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn stops_of(&self, subject: SubjectId, from: NaiveDate) -> Result<Vec<StopLine>, StoreError> {
        let tail = "WHERE s.subject = ?1 AND t.day >= ?2 ORDER BY t.day, t.doc, s.position";
        self.stop_lines(tail, params![subject.as_bytes(), day_no(from)])
    }

    fn stop_lines(&self, tail: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<StopLine>, StoreError> {
        let sql = format!(
            "SELECT t.doc, s.position, s.stop, s.subject, s.kind, s.state, s.done, s.planned_ms, s.actual_ms, s.note,
               coalesce(c.name, ''), coalesce(c.addresses, ''), coalesce(c.lat_e7, {no}), coalesce(c.lon_e7, {no})
             FROM tour_stop_row s JOIN tour_row t ON t.no = s.tour LEFT JOIN customer_row c ON c.subject = s.subject {tail}",
            no = super::NO_PLACE,
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(values, stop_line)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writing<'_> {
    /// Writes a tour's row and all its stops, in place of what was there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_tour_row(&mut self, tour: &TourRow, stops: &[StopRow]) -> Result<(), StoreError> {
        self.drop_tour_row(tour.doc)?;
        let no: i64 = self
            .conn
            .prepare_cached(
                "INSERT INTO tour_row (doc, route, day, rep, title, state, revision, seen_revision, stops, done, planned_minutes, planned_m)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING no",
            )?
            .query_row(
                params![
                    tour.doc.as_bytes(),
                    tour.route,
                    day_no(tour.day),
                    super::user_bytes(tour.rep.as_ref()),
                    tour.title,
                    tour.state,
                    tour.revision,
                    tour.seen_revision,
                    int(stops.len()),
                    int(stops.iter().filter(|stop| stop.done).count()),
                    tour.planned_minutes,
                    tour.planned_m,
                ],
                |row| row.get(0),
            )?;
        let mut put = self.conn.prepare_cached(
            "INSERT INTO tour_stop_row (tour, position, stop, subject, kind, state, done, planned_ms, actual_ms, note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for (position, stop) in stops.iter().enumerate() {
            put.execute(params![
                no,
                int(position),
                stop.stop,
                stop.subject.as_bytes(),
                stop.kind,
                stop.state,
                stop.done,
                ms_or_zero(stop.planned),
                ms_or_zero(stop.actual),
                stop.note,
            ])?;
        }
        Ok(())
    }

    /// Removes a tour's row and stops.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_tour_row(&mut self, doc: DocId) -> Result<(), StoreError> {
        self.conn.prepare_cached("DELETE FROM tour_row WHERE doc = ?1")?.execute([doc.as_bytes()])?;
        Ok(())
    }
}

fn tour_line(row: &rusqlite::Row<'_>) -> Result<TourLine, rusqlite::Error> {
    Ok(TourLine {
        tour: TourRow {
            doc: DocId::from_bytes(row.get(0)?),
            route: row.get(1)?,
            day: day_of(row.get(2)?).unwrap_or_default(),
            rep: UserId::from_slice(&row.get::<_, Vec<u8>>(3)?),
            title: row.get(4)?,
            state: row.get(5)?,
            revision: row.get(6)?,
            seen_revision: row.get(7)?,
            planned_minutes: row.get(8)?,
            planned_m: row.get(9)?,
        },
        stops: row.get(10)?,
        done: row.get(11)?,
    })
}

fn stop_line(row: &rusqlite::Row<'_>) -> Result<StopLine, rusqlite::Error> {
    let addresses: String = row.get(11)?;
    let degrees = |e7: i64| if e7 == super::NO_PLACE { None } else { i32::try_from(e7).ok() };
    Ok(StopLine {
        tour: DocId::from_bytes(row.get(0)?),
        position: row.get(1)?,
        stop: StopRow {
            stop: row.get(2)?,
            subject: SubjectId::from_bytes(row.get(3)?),
            kind: row.get(4)?,
            state: row.get(5)?,
            done: row.get(6)?,
            planned: zero_is_none(row.get(7)?),
            actual: zero_is_none(row.get(8)?),
            note: row.get(9)?,
        },
        customer: row.get(10)?,
        address: addresses.lines().next().unwrap_or_default().to_owned(),
        lat_e7: degrees(row.get(12)?),
        lon_e7: degrees(row.get(13)?),
    })
}
