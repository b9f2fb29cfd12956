//! Values as words. Belongs here: a value of the schema as a person reads it in a list or a report.
//! Never: columns, files.

use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
use roadbook_core::model::{Field, FieldType, Value};

use super::Language;

/// Characters of a value in a report.
const SHORT_CHARS: usize = 60;

/// The field of an id, also of an entry (`list.field`).
#[must_use]
pub fn field_of(id: &str) -> Option<&'static Field> {
    let top = |id: &str| CUSTOMER.field(id).or_else(|| OFFICE.field(id));
    match id.split_once('.') {
        Some((list, field)) if list != "x" => top(list)?.entry_fields().iter().find(|entry| entry.id == field),
        Some(_) | None => top(id).map(|field| field.entry_fields().first().filter(|_| id == "time_windows").unwrap_or(field)),
    }
}

/// The label of an id; the id itself for a company's own field.
#[must_use]
pub fn label_of(id: &str, language: Language) -> String {
    match id {
        "x.remark" => language.of("备注", "Remark").to_owned(),
        "time_windows" => language.of("拜访时间窗", "Time windows").to_owned(),
        _ => field_of(id).map_or_else(|| id.to_owned(), |field| language.of(&field.label.zh, &field.label.en).to_owned()),
    }
}

/// The label of a path of the card: a field, or a part of an entry (`list/entry/part`).
#[must_use]
pub fn label_at(path: &str, language: Language) -> String {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [list, _, part] => label_of(&format!("{list}.{part}"), language),
        _ => label_of(path, language),
    }
}

/// A value as a person reads it; empty for nothing.
#[must_use]
pub fn words(id: &str, value: &Value, language: Language) -> String {
    let field = field_of(id);
    if let (Some(FieldType::Code(set)), Some(code)) = (field.map(|field| &field.ty), value.as_text()) {
        return set.code(code).map_or(code, |code| language.of(&code.label.zh, &code.label.en)).to_owned();
    }
    match field.map(|field| &field.ty) {
        Some(FieldType::Money) => value.get("amount").and_then(Value::as_int).map(yuan).unwrap_or_default(),
        Some(FieldType::Rating) => {
            let score = value.get("score").and_then(Value::as_int).map(|score| score.to_string()).unwrap_or_default();
            let reason = value.get("reason").and_then(Value::as_text).unwrap_or_default();
            [score.as_str(), reason].join(" ").trim().to_owned()
        }
        Some(FieldType::Window) => window(value, language),
        Some(FieldType::Geo) => position(value),
        _ if id == "closed_days" => value.as_text().map(|days| days_words(days, language)).unwrap_or_default(),
        _ => plain(value, language),
    }
}

/// The same, cut to what fits a line of a report.
#[must_use]
pub fn short(id: &str, value: &Value, language: Language) -> String {
    let words = words(id, value, language).replace('\n', " ");
    if words.chars().count() <= SHORT_CHARS {
        return words;
    }
    words.chars().take(SHORT_CHARS).chain(['…']).collect()
}

fn plain(value: &Value, language: Language) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => if *yes { language.of("是", "yes") } else { language.of("否", "no") }.to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(items) => items.iter().map(|item| plain(item, language)).collect::<Vec<_>>().join("、"),
        Value::Map(parts) => parts.iter().map(|(name, part)| format!("{name} {}", plain(part, language))).collect::<Vec<_>>().join(", "),
    }
}

/// Fen as yuan, exactly.
fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let (whole, rest) = (fen.unsigned_abs() / 100, fen.unsigned_abs() % 100);
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:02}") }
}

fn position(value: &Value) -> String {
    crate::import::degrees_of(value).map_or_else(String::new, |place| format!("{:.6},{:.6}", place.lon, place.lat))
}

/// `周一至周五 08:00-18:00`; days that are no run are named one by one with the hours again.
fn window(value: &Value, language: Language) -> String {
    let minute = |name: &str| value.get(name).and_then(Value::as_int).unwrap_or_default();
    let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let hours = format!("{}-{}", clock(minute("open")), clock(minute("close")));
    let days: Vec<i64> =
        value.get("days").and_then(Value::as_text).unwrap_or("1234567").bytes().map(|digit| i64::from(digit) - 48).collect();
    if days.is_empty() || days.len() == 7 {
        return hours;
    }
    let name = |day: &i64| day_word(&day.to_string(), language);
    let run = days.windows(2).all(|pair| matches!(pair, [one, next] if one + 1 == *next));
    match days.as_slice() {
        [first, .., last] if run => {
            format!("{}{}{} {hours}", name(first), language.of("至", "-"), name(last))
        }
        _ => days.iter().map(|day| format!("{} {hours}", name(day))).collect::<Vec<_>>().join(";"),
    }
}

fn days_words(digits: &str, language: Language) -> String {
    digits.chars().map(|digit| day_word(&digit.to_string(), language)).collect::<Vec<_>>().join("、")
}

fn day_word(digit: &str, language: Language) -> String {
    let (zh, en) = match digit {
        "1" => ("周一", "Monday"),
        "2" => ("周二", "Tuesday"),
        "3" => ("周三", "Wednesday"),
        "4" => ("周四", "Thursday"),
        "5" => ("周五", "Friday"),
        "6" => ("周六", "Saturday"),
        "7" => ("周日", "Sunday"),
        other => return other.to_owned(),
    };
    language.of(zh, en).to_owned()
}
