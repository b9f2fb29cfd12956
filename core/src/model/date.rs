//! Calendar dates as people know them: a day, a month or a year. Pure.

use chrono::NaiveDate;

/// Reads `YYYY-MM-DD`, `YYYY-MM` or `YYYY` between 1800 and 2199; the first day stands for a month or year.
#[must_use]
pub fn parse(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| number(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| number(part, 2))?;
    if parts.next().is_some() || !(1800..2200).contains(&year) {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn number(part: &str, digits: usize) -> Option<u32> {
    (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_months_years() {
        assert!(parse("2026-03-02").is_some() && parse("2026-03").is_some() && parse("2026").is_some());
        for wrong in ["", "26-03-02", "2026-13", "2026-02-30", "2026-3-2", "2026-03-02-01", "12026", "1492"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
