//! Hours and days of the week as people write them. Belongs here: `08:00-11:30/14:00-18:00`, `周一至周五 8点~17点半`, `24小时`.
//! Never: dates.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

use super::fault::Fault;

/// Windows of one cell.
const WINDOWS_MAX: usize = 8;
const DAY_END: u32 = 1_440;
const ALL_DAYS: &str = "1234567";

/// One window: minutes since local midnight, and the digits of its days (Monday is 1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) open: u32,
    pub(super) close: u32,
    pub(super) days: String,
}

/// The windows of a cell; one that goes past midnight is two.
///
/// # Errors
/// [`Fault::NotHours`].
pub(super) fn windows(cell: &str) -> Result<Vec<Window>, Fault> {
    let plain: String = cell.nfkc().collect::<String>().to_lowercase();
    let compact: String = plain.chars().map(|c| if matches!(c, '~' | '～' | '—' | '–' | '至' | '到' | '－') { '-' } else { c }).collect();
    if ["24小时", "全天", "24h", "24 hours", "全天候"].contains(&compact.trim()) {
        return Ok(vec![Window { open: 0, close: DAY_END, days: ALL_DAYS.to_owned() }]);
    }
    let mut found = Vec::new();
    let mut days = ALL_DAYS.to_owned();
    for piece in compact.split(['/', ';', ',', '、', '\n', '，', '；', '和', '(', ')']) {
        let piece = piece.trim();
        if piece.is_empty() {
            continue;
        }
        let (named, hours) = split_days(piece);
        if !named.is_empty() {
            days = week_days(named).map_err(|_| Fault::NotHours)?;
        }
        if hours.is_empty() {
            // Days in parentheses behind hours are about the hours before them.
            found.iter_mut().for_each(|window: &mut Window| window.days.clone_from(&days));
            continue;
        }
        let (open, close) = range(hours).ok_or(Fault::NotHours)?;
        if open == DAY_END {
            return Err(Fault::NotHours);
        }
        if close > open {
            found.push(Window { open, close, days: days.clone() });
        } else {
            found.push(Window { open, close: DAY_END, days: days.clone() });
            if close > 0 {
                found.push(Window { open: 0, close, days: days.clone() });
            }
        }
    }
    let found = joined(found);
    if found.is_empty() || found.len() > WINDOWS_MAX { Err(Fault::NotHours) } else { Ok(found) }
}

/// Equal hours on several days are one window.
fn joined(windows: Vec<Window>) -> Vec<Window> {
    let mut hours: BTreeMap<(u32, u32), BTreeSet<char>> = BTreeMap::new();
    for window in windows {
        hours.entry((window.open, window.close)).or_default().extend(window.days.chars());
    }
    hours.into_iter().map(|((open, close), days)| Window { open, close, days: days.into_iter().collect() }).collect()
}

/// The days that a cell names as digits, Monday 1: `周日`, `周一至周五`, `周六、周日`, `星期天`, `Sunday`, `周末`.
///
/// # Errors
/// [`Fault::NotDays`].
pub(super) fn week_days(cell: &str) -> Result<String, Fault> {
    let plain: String = cell.nfkc().collect::<String>().to_lowercase();
    let mut digits = BTreeSet::new();
    for piece in plain.split([',', '、', ';', '/', '，', '；', '和', ' ', '\n']) {
        let piece = piece.trim();
        if piece.is_empty() || piece == "休息" || piece == "closed" {
            continue;
        }
        let (first, last) = piece.split_once(['-', '~', '至', '到', '—', '–']).unwrap_or((piece, ""));
        let first_days = one_day(first).ok_or(Fault::NotDays)?;
        if last.is_empty() {
            digits.extend(first_days);
            continue;
        }
        let (Some(from), Some(to)) = (first_days.first().copied(), one_day(last).and_then(|days| days.last().copied())) else {
            return Err(Fault::NotDays);
        };
        let mut day = from;
        loop {
            digits.insert(day);
            if day == to {
                break;
            }
            day = day % 7 + 1;
        }
    }
    if digits.is_empty() {
        return Err(Fault::NotDays);
    }
    Ok(digits.iter().map(ToString::to_string).collect())
}

fn one_day(word: &str) -> Option<Vec<u8>> {
    let word = word.trim().trim_start_matches("每").trim_end_matches("休息").trim_end_matches("休");
    let day = word.strip_prefix("星期").or_else(|| word.strip_prefix("礼拜")).or_else(|| word.strip_prefix("周")).unwrap_or(word);
    Some(match day {
        "一" | "1" | "mon" | "monday" => vec![1],
        "二" | "2" | "tue" | "tuesday" => vec![2],
        "三" | "3" | "wed" | "wednesday" => vec![3],
        "四" | "4" | "thu" | "thursday" => vec![4],
        "五" | "5" | "fri" | "friday" => vec![5],
        "六" | "6" | "sat" | "saturday" => vec![6],
        "日" | "天" | "7" | "sun" | "sunday" => vec![7],
        "末" | "weekend" => vec![6, 7],
        "工作日" | "weekdays" => vec![1, 2, 3, 4, 5],
        "天天" | "daily" => vec![1, 2, 3, 4, 5, 6, 7],
        _ => return None,
    })
}

/// Words before the first digit of a time name days: `周一-周五 08:00-18:00`.
fn split_days(piece: &str) -> (&str, &str) {
    let start = piece.char_indices().find(|(_, c)| c.is_ascii_digit()).map_or(piece.len(), |(at, _)| at);
    let (before, hours) = piece.split_at(start);
    let before = before.trim().trim_end_matches(':');
    // 早8点 and 上午9:00 name no day.
    if ["早", "早上", "上午", "下午", "晚", "晚上", "am", "pm"].contains(&before) { ("", piece) } else { (before, hours) }
}

fn range(hours: &str) -> Option<(u32, u32)> {
    let (from, to) = hours.split_once('-')?;
    let open = clock(from)?;
    let mut close = clock(to)?;
    // 早8点-晚10点: evening words are heard by `clock`; 8点-6点 without them is an afternoon.
    if close < open && close <= 720 && !to.contains(':') && to.contains('点') {
        close += 720;
    }
    Some((open, close))
}

fn clock(word: &str) -> Option<u32> {
    let word = word.trim();
    let evening = word.contains('晚') || word.contains("下午") || word.ends_with("pm");
    let digits: String = word
        .trim_start_matches(['早', '晚', '上', '下', '午'])
        .trim_end_matches("am")
        .trim_end_matches("pm")
        .replace("点半", ":30")
        .replace(['点', '时', '.', '：'], ":");
    let digits = digits.trim().trim_end_matches(['分', ':']).trim();
    let (hour, minute) = digits.split_once(':').unwrap_or((digits, "0"));
    let hour: u32 = hour.trim().parse().ok()?;
    let minute: u32 = if minute.trim().is_empty() { 0 } else { minute.trim().parse().ok()? };
    let hour = if evening && hour < 12 { hour + 12 } else { hour };
    let minutes = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && minutes <= DAY_END).then_some(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(cell: &str) -> Vec<(u32, u32, String)> {
        windows(cell).map(|found| found.into_iter().map(|w| (w.open, w.close, w.days)).collect()).unwrap_or_default()
    }

    #[test]
    fn hours_are_understood_in_every_usual_writing() {
        let whole = |open, close| vec![(open, close, ALL_DAYS.to_owned())];
        for cell in
            ["08:00-18:00", "8:00～18:00", "８：００－１８：００", "8-18", "8点至18点", "早8点到晚6点", "上午8:00-下午6:00", "8点-6点"]
        {
            assert_eq!(spans(cell), whole(480, 1080), "{cell}");
        }
        assert_eq!(spans("8点半-17点半"), whole(510, 1050));
        assert_eq!(spans("24小时"), whole(0, 1440));
        assert_eq!(spans("08:00-11:30/14:00-18:00").len(), 2);
        assert_eq!(spans("18:00-02:00"), [(0, 120, ALL_DAYS.to_owned()), (1080, 1440, ALL_DAYS.to_owned())]);
        assert_eq!(spans("周一至周五 08:00-18:00;周六 09:00-12:00"), [(480, 1080, "12345".to_owned()), (540, 720, "6".to_owned())]);
        assert_eq!(spans("9:30-22:00(周一至周五)"), [(570, 1320, "12345".to_owned())]);
        for cell in ["", "不定", "8点", "25:00-26:00", "8:75-9:00"] {
            assert_eq!(windows(cell), Err(Fault::NotHours), "{cell}");
        }
    }

    #[test]
    fn days_of_the_week() {
        for (cell, digits) in
            [("周日", "7"), ("星期六、星期天", "67"), ("周末", "67"), ("Sunday", "7"), ("周五到周一", "1567"), ("每周三休息", "3")]
        {
            assert_eq!(week_days(cell).as_deref(), Ok(digits), "{cell}");
        }
        assert_eq!(week_days("初一"), Err(Fault::NotDays));
    }
}
