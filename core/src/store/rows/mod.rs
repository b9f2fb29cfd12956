//! Rows: the fold of the documents, in typed columns, written in the commit that writes the documents. Lists, filters and sums read
//! them and load no document.
//!
//! The folding is not done here: whoever opens documents hands finished rows in. What follows from several rows (last visit, due day, counts)
//! is kept right here, so that the order in which documents arrive does not matter.

mod customers;
mod lists;
mod overdue;
mod rebuild;
mod reviews;
#[cfg(test)]
pub(in crate::store) mod tests;
mod tours;
mod urgent;
mod visits;

pub use customers::{CustomerRow, MATTER_RIVALS, MATTER_VERIFY, PhoneRow, Place, ReviewRow};
pub use lists::{CustomerFilter, CustomerLine, CustomerOrder, Facet, Page, PageKey};
pub use overdue::{OverdueLine, OverdueTally, grade_weight};
pub use reviews::{ProposalLine, ProposalRow, ProposalState, ReviewFilter, ReviewLine};
pub use tours::{StopLine, StopRow, TourLine, TourRow};
pub use urgent::{UrgentLine, UrgentRow};
pub use visits::{VisitFilter, VisitLine, VisitRow, VisitSums, VisitTally};

pub(super) use lists::{LINE, LINE_COLUMNS, Where, customer_line};

use chrono::{Datelike as _, NaiveDate};

use crate::ids::{Ms, UserId};

/// Most lines of one page of a list.
pub const PAGE_LINES_MAX: usize = 1_000;
/// Most values of one filter.
pub const FILTER_VALUES_MAX: usize = 200;

/// Stored in place of a day that never comes.
const NEVER_DAY: i64 = i32::MAX as i64;
/// Stored in place of a moment that never comes.
const NEVER_MS: i64 = i64::MAX;
/// Stored in place of a coordinate that is not known.
const NO_PLACE: i64 = i32::MIN as i64;
/// Days from 0001-01-01 (day 1) to 1970-01-01.
const EPOCH_CE: i64 = 719_163;

/// A day as it travels: its number, as stored.
mod day_wire {
    use chrono::NaiveDate;
    use minicbor::decode::Error;
    use minicbor::encode::{self, Write};
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(day: &NaiveDate, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.i64(super::day_no(*day))?.ok()
    }
    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<NaiveDate, Error> {
        super::day_of(d.i64()?).ok_or_else(|| Error::message("a day is out of range"))
    }
}

/// A day as it is stored.
fn day_no(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce()) - EPOCH_CE
}

/// A stored day; `None` for one that never comes.
fn day_of(no: i64) -> Option<NaiveDate> {
    if no >= NEVER_DAY { None } else { NaiveDate::from_num_days_from_ce_opt(i32::try_from(no + EPOCH_CE).ok()?) }
}

/// A moment that may be absent, stored as 0.
fn ms_or_zero(at: Option<Ms>) -> i64 {
    at.map_or(0, |at| at.0)
}

/// The other way.
fn zero_is_none(ms: i64) -> Option<Ms> {
    (ms != 0).then_some(Ms(ms))
}

/// A user that may be absent, stored as an empty blob.
fn user_bytes(user: Option<&UserId>) -> &[u8] {
    user.map_or(&[], |user| user.as_bytes())
}

/// Several short texts in one column, one a line.
fn lines(texts: &[String]) -> String {
    texts.iter().map(|text| text.replace('\n', " ")).collect::<Vec<_>>().join("\n")
}
