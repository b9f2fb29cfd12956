//! Days between visits as people write them. Belongs here: `每周`, `2周`, `2次/月`, `每月4次`, and how often in how many days as days
//! between two visits. Never: titles (`units`), plain numbers of days (`values`).

use unicode_normalization::UnicodeNormalization;

use super::columns::normal;
use super::fault::Fault;
use super::numbers;

/// Periods and their days, longer words first.
const PERIODS: &[(&str, i64)] = &[
    ("季度", 90),
    ("星期", 7),
    ("个月", 30),
    ("天", 1),
    ("日", 1),
    ("周", 7),
    ("月", 30),
    ("季", 90),
    ("年", 365),
    ("day", 1),
    ("week", 7),
    ("month", 30),
    ("quarter", 90),
    ("year", 365),
];
/// Most days between two visits: what the schema takes.
const DAYS_MAX: i64 = 366;

/// Days between visits that a cell says in words; `None` if it is a number or no interval.
///
/// # Errors
/// [`Fault`] for a number of visits that leaves no interval.
pub(super) fn said(cell: &str) -> Option<Result<i64, Fault>> {
    word(cell).map(Ok).or_else(|| {
        let text: String = cell.nfkc().collect::<String>().to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
        let text = text.strip_suffix('s').unwrap_or(&text);
        let visits = || PERIODS.iter().find_map(|(period, days)| times(text, period).map(|times| between(times, *days)));
        visits().or_else(|| PERIODS.iter().find_map(|(period, days)| lasting(text.strip_suffix(period)?, *days)))
    })
}

/// So many periods of so many days: `14天`, `每2周`, `1个月`. `None` if this is no number.
fn lasting(number: &str, period_days: i64) -> Option<Result<i64, Fault>> {
    numbers::scaled(number.strip_prefix('每').unwrap_or(number), period_days, 1).ok().map(within)
}

fn within(days: i64) -> Result<i64, Fault> {
    if (1..=DAYS_MAX).contains(&days) { Ok(days) } else { Err(Fault::OutOfRange { min: 1, max: DAYS_MAX }) }
}

/// Days between visits of which there are so many in so many days, rounded.
///
/// # Errors
/// [`Fault`]: no number, or none that leaves an interval.
pub(super) fn between(times: &str, days: i64) -> Result<i64, Fault> {
    let hundredths = numbers::scaled(times.trim_end_matches('次'), 100, 1)?;
    within(if hundredths > 0 { (days * 100).saturating_add(hundredths / 2) / hundredths } else { 0 })
}

/// The days in which a unit counts visits: `次/月` is 30.
pub(super) fn days_of_period(unit: &str) -> Option<i64> {
    PERIODS
        .iter()
        .find(|(period, _)| unit.strip_suffix(period).is_some_and(is_times) || wrapped(unit, period) == Some(""))
        .map(|(_, days)| *days)
}

fn is_times(before: &str) -> bool {
    matches!(before, "次/" | "次每" | "times/" | "visits/" | "visitsper" | "timesper" | "per" | "/")
}

/// `2次/月`, `2次每月`, `每月2次`, `一月2次`.
fn times<'a>(text: &'a str, period: &str) -> Option<&'a str> {
    let behind = || text.strip_suffix(period)?.strip_suffix(['/', '每'])?.strip_suffix('次');
    wrapped(text, period).or_else(behind).filter(|times| !times.is_empty())
}

/// What stands between `每月` and `次`.
fn wrapped<'a>(text: &'a str, period: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(['每', '一', '/'])?.strip_prefix(period)?;
    rest.strip_suffix("次数").or_else(|| rest.strip_suffix('次'))
}

fn word(cell: &str) -> Option<i64> {
    Some(match normal(cell).as_str() {
        "每天" | "每日" | "一天一次" | "daily" => 1,
        "每周" | "一周" | "每周一次" | "一周一次" | "周访" | "weekly" => 7,
        "双周" | "每两周" | "两周" | "两周一次" | "半月" | "每半月" | "fortnightly" | "biweekly" => 14,
        "每月" | "一月一次" | "每月一次" | "月访" | "monthly" => 30,
        "每季" | "每季度" | "季度" | "quarterly" => 90,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_in_a_period_become_days_between_them() {
        for (cell, days) in [
            ("每周", 7),
            ("2次/月", 15),
            ("每月4次", 8),
            ("每周 2 次", 4),
            ("１次／周", 7),
            ("2次每月", 15),
            ("一季度3次", 30),
            ("0.5次/月", 60),
            ("14天", 14),
            ("每2周", 14),
            ("2 weeks", 14),
            ("1个月", 30),
        ] {
            assert_eq!(said(cell), Some(Ok(days)), "{cell}");
        }
        for cell in ["14", "次/月", "半年", ""] {
            assert_eq!(said(cell), None, "{cell}");
        }
        assert_eq!(said("0次/月"), Some(Err(Fault::OutOfRange { min: 1, max: 366 })));
        assert_eq!((between("4", 30), between("2次", 7)), (Ok(8), Ok(4)));
        for (unit, days) in [("次/月", Some(30)), ("每周次数", Some(7)), ("visits/week", Some(7)), ("月", None), ("天", None)] {
            assert_eq!(days_of_period(unit), days, "{unit}");
        }
    }
}
