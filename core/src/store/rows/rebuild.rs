//! Rows anew from the documents, and the proof that they are the same.

use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};

use super::super::{Reading, Store, StoreError, Writing};
use crate::ids::SubjectId;

/// Subjects read at a time while rebuilding.
const BATCH: usize = 500;

impl Store {
    /// Drops all rows and search words and lets `fold` write those of every subject anew, in order of their ids, in one transaction.
    ///
    /// # Errors
    /// What `fold` returns, or the file cannot be written; the rows are then as before.
    pub fn rebuild<E: From<StoreError>>(&mut self, mut fold: impl FnMut(&mut Writing<'_>, SubjectId) -> Result<(), E>) -> Result<(), E> {
        self.write(|w| {
            w.drop_all_rows()?;
            let mut after = None;
            loop {
                let subjects = w.subjects_after(after, BATCH)?;
                for subject in &subjects {
                    fold(w, *subject)?;
                }
                match subjects.last() {
                    Some(last) => after = Some(*last),
                    None => return Ok(()),
                }
            }
        })
    }
}

impl Writing<'_> {
    fn drop_all_rows(&mut self) -> Result<(), StoreError> {
        for table in ["phone_row", "customer_row", "visit_row", "tour_stop_row", "tour_row", "review_row", "proposal_row", "urgent_row"] {
            self.conn.execute(&format!("DELETE FROM {table}"), [])?;
        }
        self.drop_all_words()
    }
}

impl Reading<'_> {
    /// SHA-256 over everything the rows say, in an order of its own, without the numbers by which this file links them: equal on replicas that show the same.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rows_print(&self) -> Result<[u8; 32], StoreError> {
        let mut hash = Sha256::new();
        for sql in PRINTED {
            let mut find = self.conn.prepare(sql)?;
            let columns = find.column_count();
            let mut rows = find.query([])?;
            hash.update(sql);
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    feed(&mut hash, row.get_ref(column)?);
                }
            }
        }
        Ok(hash.finalize().into())
    }
}

/// Every row, by ids only.
const PRINTED: [&str; 8] = [
    "SELECT subject, name, name_key, aliases, addresses, people, territory, owner, substitute, grade, business_type, location_type, retail_format,
       channel_level, lifecycle, stage, lat_e7, lon_e7, opened_day, interval_days, grade_weight, last_visit_ms, due_day,
       stale_from_ms, complete_percent, review_count, waiting_count, updated_ms, search_print
     FROM customer_row ORDER BY subject",
    "SELECT c.subject, p.position, p.digits, p.shown, p.label, p.person
     FROM phone_row p JOIN customer_row c ON c.no = p.customer ORDER BY c.subject, p.position",
    "SELECT doc, subject, rep, tour, kind, outcome, day, started_ms, ended_ms, place_label, counts, possible_double,
       clock_wrong, amendments, photos, summary FROM visit_row ORDER BY doc",
    "SELECT doc, route, day, rep, title, state, revision, seen_revision, stops, done, planned_minutes, planned_m FROM tour_row ORDER BY doc",
    "SELECT t.doc, s.position, s.stop, s.subject, s.kind, s.state, s.done, s.planned_ms, s.actual_ms, s.note
     FROM tour_stop_row s JOIN tour_row t ON t.no = s.tour ORDER BY t.doc, s.position",
    "SELECT subject, matter, field, weight, rivals, since_ms FROM review_row ORDER BY subject, matter, field",
    "SELECT doc, subject, author, field, state, proposed_ms, decided_ms, summary FROM proposal_row ORDER BY doc",
    "SELECT doc, subject, author, kind, severity, state, reported_ms, arrived_ms, acknowledged_ms, escalated_ms, summary
     FROM urgent_row ORDER BY doc",
];

fn feed(hash: &mut Sha256, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => hash.update([0]),
        ValueRef::Integer(number) => {
            hash.update([1]);
            hash.update(number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            hash.update([2]);
            hash.update(number.to_le_bytes());
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            hash.update([3]);
            hash.update(super::super::int(bytes.len()).to_le_bytes());
            hash.update(bytes);
        }
    }
}
