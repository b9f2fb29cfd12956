//! Dates as people write them. Belongs here: a cell as `2026-03-02`, `2026-03` or `2026`, whichever is known.
//! Never: opening hours.

use chrono::{Datelike, NaiveDate};
use roadbook_core::ids::Ms;
use unicode_normalization::UnicodeNormalization;

use super::fault::Fault;

/// Years that a date of a customer list lies in.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2100;
/// Serial numbers of spreadsheet programs from 1950 to 2100: dates whose cell lost its format.
const SERIALS: std::ops::RangeInclusive<i64> = 18_264..=73_415;

/// The date of a cell in the schema's form. A time of day behind it is dropped.
///
/// # Errors
/// [`Fault::NotADate`]; [`Fault::AmbiguousDate`] for `02/03/2026`.
pub(super) fn date(cell: &str) -> Result<String, Fault> {
    let plain: String = cell.nfkc().collect();
    let numbers = numbers(day_part(plain.trim()))?;
    match *numbers.as_slice() {
        [serial] if SERIALS.contains(&serial) && plain.trim().len() == 5 => NaiveDate::from_ymd_opt(1899, 12, 30)
            .and_then(|start| start.checked_add_days(chrono::Days::new(u64::try_from(serial).ok()?)))
            .map(|day| day.to_string())
            .ok_or(Fault::NotADate),
        [packed] if (19_000_101..=21_001_231).contains(&packed) => whole(packed / 10_000, packed / 100 % 100, packed % 100),
        [packed] if (190_001..=210_012).contains(&packed) => month(packed / 100, packed % 100),
        [year] => valid_year(year).map(|year| format!("{year:04}")),
        [year, in_year] if year > 31 => month(year, in_year),
        [year, in_year, day] if year > 31 => whole(year, in_year, day),
        [first, second, year] if year > 31 => match (first > 12, second > 12) {
            (true, false) => whole(year, second, first),
            (false, true) => whole(year, first, second),
            (false, false) if first == second => whole(year, first, second),
            (false, false) => Err(Fault::AmbiguousDate),
            (true, true) => Err(Fault::NotADate),
        },
        _ => Err(Fault::NotADate),
    }
}

/// The start of a date in a zone that is `offset_minutes` ahead of UTC; the start of month or year if only that is known.
#[must_use]
pub(super) fn start(date: &str, offset_minutes: i32) -> Option<Ms> {
    let mut parts = date.split('-').map(str::parse::<u32>);
    let year = i32::try_from(parts.next()?.ok()?).ok()?;
    let month = parts.next().map_or(Some(1), Result::ok)?;
    let day = parts.next().map_or(Some(1), Result::ok)?;
    let midnight = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0)?;
    Some(Ms(midnight.and_utc().timestamp_millis() - i64::from(offset_minutes) * 60_000))
}

/// What stands before a time of day.
fn day_part(text: &str) -> &str {
    let end = text.find(['T', ':']).map_or(text.len(), |at| {
        // `2026-03-02 08:30`: the hour belongs to the time.
        text.get(..at)
            .and_then(|before| before.rfind([' ', '日', 'T']))
            .map_or(at, |blank| blank + if text.as_bytes().get(blank) == Some(&b' ') { 0 } else { 3 })
    });
    text.get(..end).unwrap_or(text)
}

fn numbers(text: &str) -> Result<Vec<i64>, Fault> {
    let mut found = Vec::new();
    for piece in text.split(['-', '/', '.', '年', '月', '日', '号', '\\', ' ', '—', '–']) {
        if piece.is_empty() {
            continue;
        }
        if piece.len() > 8 || !piece.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::NotADate);
        }
        found.push(piece.parse().map_err(|_| Fault::NotADate)?);
    }
    Ok(found)
}

fn valid_year(year: i64) -> Result<i32, Fault> {
    let year = match year {
        // `26/3/2` and `98年` are never written for other centuries in a customer list.
        0..=49 => 2000 + year,
        50..=99 => 1900 + year,
        _ => year,
    };
    i32::try_from(year).ok().filter(|year| YEARS.contains(year)).ok_or(Fault::NotADate)
}

fn month(year: i64, in_year: i64) -> Result<String, Fault> {
    let year = valid_year(year)?;
    if (1..=12).contains(&in_year) { Ok(format!("{year:04}-{in_year:02}")) } else { Err(Fault::NotADate) }
}

fn whole(year: i64, in_year: i64, day: i64) -> Result<String, Fault> {
    let year = valid_year(year)?;
    let in_year = u32::try_from(in_year).map_err(|_| Fault::NotADate)?;
    let day = u32::try_from(day).map_err(|_| Fault::NotADate)?;
    NaiveDate::from_ymd_opt(year, in_year, day)
        .map(|date| format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()))
        .ok_or(Fault::NotADate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_understood_in_every_usual_writing() {
        for cell in [
            "2026-03-02",
            "2026/3/2",
            "2026.3.2",
            "2026年3月2日",
            "２０２６年３月２日",
            "20260302",
            "2026-03-02 08:30:00",
            "2026-03-02T08:30:00",
            "46083",
            "2/3/2026x",
        ] {
            if cell.ends_with('x') {
                assert_eq!(date(cell), Err(Fault::NotADate), "{cell}");
            } else {
                assert_eq!(date(cell).as_deref(), Ok("2026-03-02"), "{cell}");
            }
        }
        assert_eq!(date("2026年3月").as_deref(), Ok("2026-03"));
        assert_eq!(date("202603").as_deref(), Ok("2026-03"));
        assert_eq!(date("2026").as_deref(), Ok("2026"));
        assert_eq!(date("1998年").as_deref(), Ok("1998"));
        assert_eq!(date("25/12/2025").as_deref(), Ok("2025-12-25"));
        assert_eq!(date("12/25/2025").as_deref(), Ok("2025-12-25"));
        assert_eq!(date("02/03/2026"), Err(Fault::AmbiguousDate));
        for cell in ["", "去年", "2026-13-01", "2026-02-30", "99999999", "3000-01-01", "1-2-3-4"] {
            assert_eq!(date(cell), Err(Fault::NotADate), "{cell}");
        }
    }

    #[test]
    fn a_date_begins_at_local_midnight() {
        assert_eq!(start("1970-01-01", 480), Some(Ms(-28_800_000)));
        assert_eq!(start("1970-01", 0), Some(Ms(0)));
        assert_eq!(start("1970", 0), Some(Ms(0)));
        assert_eq!(start("gone", 0), None);
    }
}
