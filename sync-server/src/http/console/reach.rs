//! What a person at the console may see, turned into filters of lists.

use std::collections::BTreeSet;

use roadbook_core::ids::{Ms, TerritoryId};
use roadbook_core::store::rows::CustomerFilter;

use crate::access::{self, Reach, Relation};
use crate::app::App;
use crate::http::{Error, Session};

/// The customers that lists may hold: `None` when there can be none.
///
/// `wanted` narrows to a territory and everything below it.
pub(super) fn filter(app: &App, session: &Session, wanted: Option<&str>) -> Result<Option<CustomerFilter>, Error> {
    if !access::may_read_kind(session.role(), Relation::Territory, "customer") {
        return Err(Error::Forbidden);
    }
    let wanted = match wanted.filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => Some(app.accounts().territories_below(&BTreeSet::from([TerritoryId(id.to_owned())]))?),
    };
    let within: Option<BTreeSet<TerritoryId>> = match (&session.reach, wanted) {
        (Reach::Everywhere, wanted) => wanted,
        (Reach::Within(own), None) => Some(own.clone()),
        (Reach::Within(own), Some(wanted)) => Some(own.intersection(&wanted).cloned().collect()),
    };
    Ok(match within {
        None => Some(CustomerFilter::default()),
        // An empty list of territories would mean "any": nothing is shown instead.
        Some(within) if within.is_empty() => None,
        Some(within) => Some(CustomerFilter { territories: within.into_iter().collect(), ..CustomerFilter::default() }),
    })
}

/// The present day in the company's calendar.
pub(super) fn today(app: &App) -> chrono::NaiveDate {
    app.now().day(app.config().offset_minutes).unwrap_or_default()
}

/// Midnight at which a day begins in the company's calendar.
pub(super) fn midnight(app: &App, day: chrono::NaiveDate) -> Ms {
    let utc = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
    Ms(utc - i64::from(app.config().offset_minutes) * 60_000)
}

/// A day as it is typed in an address.
///
/// # Errors
/// [`Error::Malformed`].
pub(super) fn day(text: &str) -> Result<chrono::NaiveDate, Error> {
    text.parse().map_err(|_| Error::Malformed)
}
