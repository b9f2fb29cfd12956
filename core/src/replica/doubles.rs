//! Possible doubles: visits that may be one that was entered twice. Which they are hangs on the set of visits that is held and on nothing
//! else: not on the order in which they came, nor on what was held before.

use chrono::{Days, NaiveDate};

use super::ReplicaError;
use super::documents::load;
use crate::model::visit::Visit;
use crate::store::Writing;
use crate::store::rows::{VisitFilter, VisitRow};

/// Days apart that two doubles may begin: one begun before midnight and one after it.
const DAYS_APART_MAX: u64 = 1;
/// Visits of one person at one customer that are compared.
const COMPARED_MAX: usize = 200;

/// Says anew of a visit whose row came, changed or went, and of those around it, which are doubles of an older one. `at_hand` is the visit
/// itself, unless it went.
pub(super) fn mark(write: &mut Writing<'_>, moved: &VisitRow, at_hand: Option<&Visit>) -> Result<(), ReplicaError> {
    // Whether a neighbour is a double hangs on its own neighbours.
    let reach = Days::new(2 * DAYS_APART_MAX);
    let (from, to) = (moved.day.checked_sub_days(reach), moved.day.checked_add_days(reach));
    let filter = VisitFilter { subject: Some(moved.subject), rep: moved.rep, from, to, ..VisitFilter::default() };
    let mut others: Vec<(Visit, VisitRow)> = Vec::new();
    let mut itself = None;
    for row in write.visits(&filter, None, COMPARED_MAX)?.lines.into_iter().map(|line| line.visit) {
        if at_hand.is_some_and(|visit| visit.doc == row.doc) {
            itself = Some(row);
            continue;
        }
        let held = load(write, row.doc)?;
        let visit = held.and_then(|held| Visit::fold(row.doc, moved.subject, &held.document));
        others.extend(visit.map(|visit| (visit, row)));
    }
    let around: Vec<(&Visit, &VisitRow)> =
        at_hand.zip(itself.as_ref()).into_iter().chain(others.iter().map(|(visit, row)| (visit, row))).collect();
    let near = |one: NaiveDate, other: NaiveDate| (one - other).num_days().unsigned_abs() <= DAYS_APART_MAX;
    let doubles = |visit: &Visit, row: &VisitRow| {
        let older = |other: &Visit, on: NaiveDate| other.doc < visit.doc && near(on, row.day) && other.may_double(visit);
        visit.same_as.is_some() || around.iter().any(|(other, on)| older(other, on.day))
    };
    for (visit, row) in around.iter().copied().filter(|(_, row)| near(row.day, moved.day)) {
        let possible_double = doubles(visit, row);
        if possible_double != row.possible_double {
            write.put_visit_row(&VisitRow { possible_double, ..row.clone() })?;
        }
    }
    Ok(())
}
