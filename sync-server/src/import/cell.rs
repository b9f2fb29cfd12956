//! One cell as the person typed it. Belongs here: numbers, dates and durations of spreadsheets written as text.
//! Never: what a cell means (`values`).

use calamine::{Data, DataRef, ExcelDateTime};

/// Largest number that is written without a point if it has no fraction: beyond it `f64` skips whole numbers.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// Serial number of the day after 9999-12-31: no date from there on.
const SERIAL_END: f64 = 2_958_466.0;
const DAY_SECONDS: f64 = 86_400.0;

/// The text of a cell of an `.xlsx`.
pub(super) fn text_of_ref(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Int(whole) => whole.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(yes) => truth(*yes),
        DataRef::DateTime(time) => moment_text(time),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => iso_text(text),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// The text of a cell of an `.xls`.
pub(super) fn text_of(cell: &Data) -> String {
    match cell {
        Data::Int(whole) => whole.to_string(),
        Data::Float(number) => number_text(*number),
        Data::String(text) => text.clone(),
        Data::Bool(yes) => truth(*yes),
        Data::DateTime(time) => moment_text(time),
        Data::DateTimeIso(text) | Data::DurationIso(text) => iso_text(text),
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

fn truth(yes: bool) -> String {
    if yes { "TRUE" } else { "FALSE" }.to_owned()
}

/// A number as a spreadsheet shows it: whole numbers without a point or exponent, others to 15 significant digits.
pub(super) fn number_text(number: f64) -> String {
    if !number.is_finite() {
        return String::new();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.fract() == 0.0 && number.abs() <= WHOLE_MAX {
        return format!("{number:.0}");
    }
    // 15 significant digits hide the binary tail: 0.1 + 0.2 was typed as 0.3.
    match format!("{number:.14e}").parse::<f64>() {
        Ok(rounded) => rounded.to_string(),
        Err(_) => number.to_string(),
    }
}

/// A date as `2026-03-02`, with a time as `2026-03-02 08:30:00`, a time of day as `08:30`, a duration as `26:30:00`.
fn moment_text(time: &ExcelDateTime) -> String {
    let serial = time.as_f64();
    if !serial.is_finite() || !(0.0..SERIAL_END).contains(&serial) {
        return number_text(serial);
    }
    let seconds_total = (serial * DAY_SECONDS).round();
    if time.is_duration() || serial < 1.0 {
        return clock_text(seconds_total);
    }
    // Rounded to whole seconds first, so that 07:59:59.9996 does not show as 07:59:59.
    let rounded = ExcelDateTime::new((seconds_total + 0.1) / DAY_SECONDS, calamine::ExcelDateTimeType::DateTime, is_1904(time));
    let (year, month, day, hour, minute, second, _) = rounded.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// Whether the workbook counts days from 1904: day 0 tells, and nothing else of the type does.
fn is_1904(time: &ExcelDateTime) -> bool {
    let (year, ..) = time.to_ymd_hms_milli();
    let (year_1900, ..) = ExcelDateTime::new(time.as_f64(), calamine::ExcelDateTimeType::DateTime, false).to_ymd_hms_milli();
    year.abs_diff(year_1900) >= 3
}

fn clock_text(seconds_total: f64) -> String {
    let seconds = seconds_total as u64;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") }
}

/// `2026-03-02T00:00:00` is a date, `2026-03-02T08:30:00` a date with a time.
fn iso_text(text: &str) -> String {
    let plain = text.trim_end_matches('Z');
    let plain = plain.strip_suffix(".000").unwrap_or(plain);
    match plain.split_once('T') {
        Some((day, "00:00:00")) if !day.is_empty() => day.to_owned(),
        Some((day, time)) if !day.is_empty() && !day.starts_with('P') => format!("{day} {time}"),
        Some(_) | None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    fn date(serial: f64) -> String {
        moment_text(&ExcelDateTime::new(serial, DateTime, false))
    }

    #[test]
    fn numbers_are_written_as_people_typed_them() {
        assert_eq!(number_text(13_900_001_111.0), "13900001111");
        assert_eq!(number_text(0.1 + 0.2), "0.3");
        assert_eq!(number_text(120.619_585), "120.619585");
        assert_eq!(number_text(-3.0), "-3");
        assert_eq!(number_text(0.0), "0");
        assert_eq!(number_text(1e20), "100000000000000000000");
        assert_eq!(number_text(f64::NAN), "");
    }

    #[test]
    fn serial_days_become_dates() {
        assert_eq!(date(46_083.0), "2026-03-02");
        assert_eq!(date(46_083.354_166_666_664), "2026-03-02 08:30:00");
        assert_eq!(date(0.333_333_333_333_333_3), "08:00");
        assert_eq!(date(-1.0), "-1");
        assert_eq!(date(1e9), "1000000000");
        assert_eq!(moment_text(&ExcelDateTime::new(46_083.0 - 1462.0, DateTime, true)), "2026-03-02");
        assert_eq!(moment_text(&ExcelDateTime::new(1.104_166_666_666_666_7, TimeDelta, false)), "26:30");
    }

    #[test]
    fn iso_cells_lose_an_empty_time() {
        assert_eq!(iso_text("2026-03-02T00:00:00"), "2026-03-02");
        assert_eq!(iso_text("2026-03-02T08:30:00.000"), "2026-03-02 08:30:00");
        assert_eq!(iso_text("PT1H30M"), "PT1H30M");
    }
}
