//! Units that a title states. Belongs here: what `(万元)`, `(小时)` or `(次/月)` make of the numbers below it, and which words
//! in parentheses are no known unit. Never: units within a cell (`numbers`, `interval`).

use roadbook_core::model::FieldType;
use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
use unicode_normalization::UnicodeNormalization;

use super::columns::hints;
use super::interval;

/// Powers of ten in titles, longest first.
const POWERS: &[(&str, i64)] =
    &[("亿", 100_000_000), ("千万", 10_000_000), ("百万", 1_000_000), ("十万", 100_000), ("万", 10_000), ("千", 1_000), ("百", 100)];
/// The units of money: all of them are yuan.
const YUAN: &[&str] = &["元", "圆", "人民币", "人民币元", "rmb", "cny", "yuan", "¥"];
/// Field, words, and by what a number in that unit is multiplied.
const UNITS: &[(&str, &[&str], i64)] = &[
    ("headcount", &["人", "名", "个", "位", "people", "persons"], 1),
    ("service_minutes", &["分", "分钟", "min", "mins", "minute", "minutes"], 1),
    ("service_minutes", &["小时", "时", "h", "hr", "hrs", "hour", "hours"], 60),
    ("visit_interval_days", &["天", "日", "d", "day", "days"], 1),
    ("visit_interval_days", &["周", "星期", "week", "weeks"], 7),
    ("visit_interval_days", &["月", "个月", "month", "months"], 30),
];
/// Hints that are about the form, not about the number.
const NO_UNITS: &[&str] = &["必填", "选填", "可选", "非必填", "必须", "数字", "整数", "required", "optional", "number"];

/// What a title says about the numbers of its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stated {
    /// By what they are multiplied.
    pub(super) factor: i64,
    /// Days in which they count visits (`次/月` is 30): then they are no days between visits.
    pub(super) visits_in_days: Option<i64>,
    /// Words in parentheses that are no known unit.
    pub(super) unclear: Vec<String>,
}

/// What a title says about the numbers of the field that its column fills.
pub(super) fn stated(field: &str, title: &str) -> Stated {
    let mut stated = Stated { factor: 1, visits_in_days: None, unclear: Vec::new() };
    let ty = CUSTOMER.field(field).or_else(|| OFFICE.field(field)).map(|field| &field.ty);
    let money = matches!(ty, Some(FieldType::Money));
    if !money && !matches!(ty, Some(FieldType::Integer { .. })) {
        return stated;
    }
    let plain: String = title.nfkc().collect();
    if money && let Some((_, power)) = POWERS.iter().take(5).find(|(word, _)| plain.contains(word)) {
        stated.factor = *power;
    }
    for hint in hints(&plain) {
        let word: String = hint.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
        let word = word.trim_start_matches("单位").trim_start_matches([':', '：']);
        if let Some(days) = interval::days_of_period(word).filter(|_| field == "visit_interval_days") {
            stated.visits_in_days = Some(days);
        } else if let Some(factor) = factor(field, money, word) {
            stated.factor = stated.factor.max(factor);
        } else if !word.is_empty() && !NO_UNITS.contains(&word) {
            stated.unclear.push(hint);
        }
    }
    stated
}

/// The factor of a unit, with a power of ten before it.
fn factor(field: &str, money: bool, word: &str) -> Option<i64> {
    let unit = |word: &str| {
        let known = UNITS.iter().find(|(of, words, _)| *of == field && words.contains(&word)).map(|(.., factor)| *factor);
        known.or_else(|| (money && YUAN.contains(&word)).then_some(1))
    };
    unit(word).or_else(|| {
        let (rest, power) = POWERS.iter().find_map(|(mark, power)| word.strip_prefix(mark).map(|rest| (rest, power)))?;
        if rest.is_empty() { Some(*power) } else { unit(rest).map(|factor| factor.saturating_mul(*power)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_titles_are_known_or_told() {
        for (field, title, factor, visits, unclear) in [
            ("turnover", "年销售额（万元）", 10_000, None, None),
            ("turnover", "销售额(单位：百万元)", 1_000_000, None, None),
            ("turnover", "销售额(元)", 1, None, None),
            ("turnover", "销售额(千元)", 1_000, None, None),
            ("turnover", "销售额(万)", 10_000, None, None),
            ("turnover", "销售额(万美元)", 10_000, None, Some("万美元")),
            ("headcount", "职工人数(百人)", 100, None, None),
            ("headcount", "职工人数(含临时工)", 1, None, Some("含临时工")),
            ("headcount", "职工人数(必填)", 1, None, None),
            ("service_minutes", "停留时长(小时)", 60, None, None),
            ("service_minutes", "服务时长(分钟)", 1, None, None),
            ("service_minutes", "停留时长(刻)", 1, None, Some("刻")),
            ("visit_interval_days", "拜访频率(次/月)", 1, Some(30), None),
            ("visit_interval_days", "拜访频率（次／周）", 1, Some(7), None),
            ("visit_interval_days", "拜访周期(周)", 7, None, None),
            ("trade_name", "名称(万元)", 1, None, None),
        ] {
            let unclear: Vec<String> = unclear.into_iter().map(str::to_owned).collect();
            assert_eq!(stated(field, title), Stated { factor, visits_in_days: visits, unclear }, "{title}");
        }
    }
}
