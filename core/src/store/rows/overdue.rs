//! Overdue visits: days overdue ÷ interval × weight of the grade, worst first.

use chrono::NaiveDate;
use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::Serialize;

use super::super::{Reading, StoreError, count, int};
use super::lists::{LINE, LINE_COLUMNS, customer_line, page};
use super::{CustomerFilter, CustomerLine, PAGE_LINES_MAX, Page, PageKey, day_no};

/// Weight of a grade in the order of overdue visits, in permille: an A customer one interval late comes before a C customer three late.
#[must_use]
pub fn grade_weight(grade: &str) -> u32 {
    match grade {
        "A" => 4_000,
        "B" => 2_000,
        "D" => 500,
        _ => 1_000,
    }
}

/// A customer whose visit is overdue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverdueLine {
    /// The customer.
    pub customer: CustomerLine,
    /// Days since the visit was due, at least 1.
    pub days_overdue: u32,
    /// Days overdue ÷ interval × weight of the grade, in permille.
    pub urgency: u64,
}

/// Overdue visits of one grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverdueTally {
    /// The grade.
    pub grade: String,
    /// Customers that are visited at intervals.
    pub customers: u64,
    /// Of these, overdue.
    pub overdue: u64,
    /// Of these, never visited.
    pub never_visited: u64,
}

/// Integer arithmetic: the same order on every replica. `?` is today, twice with [`DAYS`].
const URGENCY: &str = "((? - due_day) * grade_weight / interval_days)";
const DAYS: &str = "(? - due_day)";

impl Reading<'_> {
    /// Customers whose visit was due before `today`, worst first.
    ///
    /// # Errors
    /// See [`Reading::customers`].
    pub fn overdue(
        &self,
        today: NaiveDate,
        filter: &CustomerFilter,
        after: Option<&PageKey>,
        max: usize,
    ) -> Result<Page<OverdueLine>, StoreError> {
        let max = max.min(PAGE_LINES_MAX);
        let today = Value::Integer(day_no(today));
        let mut conditions = filter.conditions()?;
        conditions.and("due_day < ? AND interval_days > 0", [today.clone()]);
        if let Some(after) = after {
            let subject = Value::Blob(after.subject.as_bytes().to_vec());
            conditions.and(&format!("(-{URGENCY}, subject) > (?, ?)"), [today.clone(), Value::Integer(after.number), subject]);
        }
        let sql = format!(
            "SELECT {LINE}, k.days, k.urgency
             FROM (SELECT no, {DAYS} AS days, -{URGENCY} AS urgency FROM customer_row INDEXED BY customer_list
                   {} ORDER BY urgency, subject LIMIT {}) k
             JOIN customer_row c ON c.no = k.no ORDER BY k.urgency, c.subject",
            conditions.sql,
            int(max.saturating_add(1)),
        );
        let values = [today.clone(), today].into_iter().chain(conditions.values);
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(values), |row| {
            let customer = customer_line(row)?;
            let number: i64 = row.get(LINE_COLUMNS + 1)?;
            let key = PageKey { number, text: String::new(), subject: customer.subject };
            Ok((OverdueLine { customer, days_overdue: row.get(LINE_COLUMNS)?, urgency: number.unsigned_abs() }, key))
        })?;
        page(rows.collect::<Result<_, _>>()?, max)
    }

    /// How many are overdue, by grade.
    ///
    /// # Errors
    /// See [`Reading::customers`].
    pub fn overdue_tally(&self, today: NaiveDate, filter: &CustomerFilter) -> Result<Vec<OverdueTally>, StoreError> {
        let mut conditions = filter.conditions()?;
        conditions.and("interval_days > 0", []);
        let today = Value::Integer(day_no(today));
        let mut find = self.conn.prepare_cached(&format!(
            "SELECT grade, count(*), sum(due_day < ?), sum(last_visit_ms = 0)
             FROM customer_row INDEXED BY customer_list {} GROUP BY grade ORDER BY grade",
            conditions.sql
        ))?;
        let values = std::iter::once(today).chain(conditions.values);
        let rows = find.query_map(params_from_iter(values), |row| {
            Ok(OverdueTally {
                grade: row.get(0)?,
                customers: count(row.get(1)?),
                overdue: count(row.get(2)?),
                never_visited: count(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
