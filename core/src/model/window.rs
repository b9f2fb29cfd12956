//! Bounded history: which visits and tours devices hold of the endless past. Pure; headquarters applies it in the feed, so that
//! documents fall out of and come back into the scopes in feed order, and both sides always mean the same.
//!
//! * A visit is held by everyone who works its territory while it is one of the last [`VISITS_PER_CARD`] of its customer, or the
//!   last that counts: so what is overdue is right on every device.
//! * A visit is held by its own representative for [`OWN_VISITS_DAYS`] as well.
//! * A tour is held by its representative for [`TOUR_DAYS`] before and after its day.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::ids::{DocId, Ms};

/// Last visits of each customer that every device of its territory holds.
pub const VISITS_PER_CARD: usize = 3;
/// Days for which representatives hold their own visits.
pub const OWN_VISITS_DAYS: i64 = 90;
/// Days before and after a tour's day for which its representative holds it.
pub const TOUR_DAYS: i64 = 7;

/// A visit, as far as the window asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The visit.
    pub doc: DocId,
    /// Check-in, corrected.
    pub started: Ms,
    /// Day of the check-in.
    pub day: NaiveDate,
    /// Satisfies the visit interval.
    pub counts: bool,
}

/// Of all visits of one customer, those that the devices of its territory hold.
#[must_use]
pub fn recent(visits: &[Met]) -> BTreeSet<DocId> {
    let mut latest: Vec<&Met> = visits.iter().collect();
    latest.sort_by_key(|met| std::cmp::Reverse((met.started, met.doc)));
    let counting = latest.iter().filter(|met| met.counts).max_by_key(|met| (met.day, met.started, met.doc));
    latest.iter().take(VISITS_PER_CARD).chain(counting).map(|met| met.doc).collect()
}

/// Whether its own representative holds a visit because of its age.
#[must_use]
pub fn is_own_visit_held(day: NaiveDate, today: NaiveDate) -> bool {
    today.signed_duration_since(day).num_days() <= OWN_VISITS_DAYS
}

/// Whether its representative holds a tour.
#[must_use]
pub fn is_tour_held(day: NaiveDate, today: NaiveDate) -> bool {
    today.signed_duration_since(day).num_days().abs() <= TOUR_DAYS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test says where")]

    use super::*;

    fn met(n: u8, day: u32, counts: bool) -> Met {
        let day = NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        Met { doc: DocId::from_bytes([n; 16]), started: Ms(i64::from(n)), day, counts }
    }

    #[test]
    fn the_last_three_and_the_last_that_counts() {
        let docs = |visits: &[Met]| recent(visits).into_iter().map(|doc| doc.as_bytes()[0]).collect::<Vec<_>>();
        assert_eq!(docs(&[]), Vec::<u8>::new());
        assert_eq!(docs(&[met(1, 1, true), met(2, 2, true), met(3, 3, true), met(4, 4, true)]), [2, 3, 4]);
        let shut = [met(1, 1, true), met(2, 2, true), met(3, 3, false), met(4, 4, false), met(5, 5, false)];
        assert_eq!(docs(&shut), [2, 3, 4, 5], "three closed doors leave the visit from which the next is due");
    }

    #[test]
    fn own_visits_and_tours_have_their_days() {
        let day = |n: u32| NaiveDate::from_ymd_opt(2026, 6, n).unwrap();
        let today = day(10);
        assert!(is_own_visit_held(today - chrono::Days::new(90), today) && !is_own_visit_held(today - chrono::Days::new(91), today));
        assert!(is_own_visit_held(day(20), today), "a clock that runs ahead hides nothing");
        assert!(
            is_tour_held(day(3), today) && is_tour_held(day(17), today) && !is_tour_held(day(2), today) && !is_tour_held(day(18), today)
        );
    }
}
