//! A cell as the value of a field. Belongs here: one function for each type of the schema. Never: which column fills which
//! field (`columns`), lists with entries of their own (`draft`).

use roadbook_core::model::{Field, FieldType, Value};
use unicode_normalization::UnicodeNormalization;

use super::fault::Fault;
use super::{codes, dates, numbers, uscc};

/// What people write where they know nothing.
const NOTHING: &[&str] =
    &["-", "--", "—", "——", "/", "\\", "无", "暂无", "没有", "未知", "不详", "n/a", "na", "null", "none", "nil", "?", "待补"];
/// What spreadsheet programs show for a formula that fails.
const ERRORS: &[&str] = &["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#DATA!"];

/// The text of a cell, or `None` if it says nothing.
///
/// # Errors
/// [`Fault::SpreadsheetError`].
pub(super) fn said(cell: &str) -> Result<Option<&str>, Fault> {
    let text = cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}');
    if ERRORS.iter().any(|error| text.eq_ignore_ascii_case(error)) {
        return Err(Fault::SpreadsheetError);
    }
    let lower = text.to_lowercase();
    Ok((!text.is_empty() && !NOTHING.contains(&lower.as_str())).then_some(text))
}

/// A cell as a value of the field; `factor` is the unit that the title states. The cell says something (`said`).
///
/// # Errors
/// [`Fault`].
pub(super) fn typed(field: &Field, cell: &str, factor: i64) -> Result<Value, Fault> {
    match &field.ty {
        FieldType::Line(max) => text(cell, usize::from(*max)),
        FieldType::Prose(max) => prose(cell, usize::from(*max)),
        FieldType::Integer { min, max } => {
            let number = match hours(cell).filter(|_| field.id == "service_minutes") {
                Some(hours) => numbers::scaled(hours, 60, 1)?,
                None => numbers::scaled(cell, 1, factor)?,
            };
            if (*min..=*max).contains(&number) { Ok(number.into()) } else { Err(Fault::OutOfRange { min: *min, max: *max }) }
        }
        FieldType::Money => money(cell, factor),
        FieldType::Date => dates::date(cell).map(Value::from),
        FieldType::Code(set) => codes::code(set, cell).map(Value::from).ok_or_else(|| Fault::NotInSet { set: set.id.to_owned() }),
        FieldType::Rating => rating(cell),
        FieldType::Uscc => match uscc::checked(cell) {
            Ok(code) => Ok(code.into()),
            Err(uscc::UsccError::Length) => Err(Fault::UsccLength),
            Err(uscc::UsccError::Character) => Err(Fault::UsccCharacter),
            Err(uscc::UsccError::CheckDigit) => Err(Fault::UsccCheckDigit),
        },
        FieldType::Bool => yes_or_no(cell),
        // These are made by `draft` from several cells, or never come from a list.
        FieldType::Phone
        | FieldType::Geo
        | FieldType::Window
        | FieldType::Reference
        | FieldType::Instant
        | FieldType::Stamp
        | FieldType::Structure => text(cell, 300),
    }
}

/// One line of text: full-width letters and digits made half-width, line breaks and tabs blanks, control characters left
/// out. Chinese punctuation stays.
///
/// # Errors
/// [`Fault::TooLong`].
pub(super) fn text(cell: &str, max: usize) -> Result<Value, Fault> {
    prose(&cell.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "), max)
}

/// The same with line breaks kept.
fn prose(cell: &str, max: usize) -> Result<Value, Fault> {
    let clean: String = cell
        .chars()
        .map(|c| match c {
            'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '０'..='９' => c.nfkc().next().unwrap_or(c),
            '\u{3000}' | '\t' => ' ',
            other => other,
        })
        .filter(|c| !c.is_control() || *c == '\n')
        .collect();
    let clean = clean.trim();
    if clean.chars().count() > max { Err(Fault::TooLong { max }) } else { Ok(clean.into()) }
}

fn money(cell: &str, factor: i64) -> Result<Value, Fault> {
    let fen = numbers::scaled(cell, 100, factor)?;
    if fen < 0 {
        return Err(Fault::OutOfRange { min: 0, max: i64::MAX / 100 });
    }
    Ok(Value::map([("amount", fen.into()), ("currency", "CNY".into())]))
}

/// The number before a word for hours.
fn hours(cell: &str) -> Option<&str> {
    ["小时", "个小时", "hours", "hour", "hrs", "h"].iter().find_map(|unit| cell.trim_end().strip_suffix(unit))
}

/// `4`, `4分`, `4 回款及时`, `好`, `很好`.
fn rating(cell: &str) -> Result<Value, Fault> {
    let plain: String = cell.nfkc().collect();
    let plain = plain.trim();
    let digit_end = plain.find(|c: char| !c.is_ascii_digit()).unwrap_or(plain.len());
    let (digits, rest) = plain.split_at(digit_end);
    let (score, reason) = match digits {
        "1" | "2" | "3" | "4" | "5" if !rest.starts_with('.') => {
            (digits.parse::<i64>().map_err(|_| Fault::NotARating)?, rest.trim_start_matches(['分', '星', ',', '，', ':', ' ', '-']).trim())
        }
        "" => (word_score(plain).ok_or(Fault::NotARating)?, ""),
        _ => return Err(Fault::NotARating),
    };
    Ok(Value::map([("score", score.into()), ("reason", if reason.is_empty() { Value::Null } else { text(reason, 200)? })]))
}

fn word_score(word: &str) -> Option<i64> {
    Some(match word.to_lowercase().as_str() {
        "很高" | "很强" | "很好" | "优" | "优秀" | "excellent" | "very high" | "very good" => 5,
        "高" | "强" | "好" | "良" | "良好" | "较高" | "较强" | "较好" | "high" | "good" | "strong" => 4,
        "中" | "中等" | "一般" | "普通" | "medium" | "average" | "fair" => 3,
        "低" | "弱" | "差" | "较低" | "较弱" | "较差" | "low" | "weak" | "poor" => 2,
        "很低" | "很弱" | "很差" | "极差" | "very low" | "very poor" => 1,
        _ => return None,
    })
}

fn yes_or_no(cell: &str) -> Result<Value, Fault> {
    match super::columns::normal(cell).as_str() {
        "是" | "有" | "对" | "yes" | "y" | "true" | "1" => Ok(true.into()),
        "否" | "不" | "no" | "n" | "false" | "0" => Ok(false.into()),
        _ => Err(Fault::NotInSet { set: "yes_no".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use roadbook_core::model::kinds::{CUSTOMER, OFFICE};

    use super::*;

    fn of(field: &str, cell: &str, factor: i64) -> Result<Value, Fault> {
        let field = CUSTOMER.field(field).or_else(|| OFFICE.field(field));
        field.map_or(Err(Fault::NoName), |field| typed(field, cell, factor))
    }

    #[test]
    fn cells_become_values_of_their_field() {
        assert_eq!(of("trade_name", " 惠民超市　Ａ１ ", 1), Ok("惠民超市 A1".into()));
        assert_eq!(of("headcount", "约12人", 1), Ok(12.into()));
        assert_eq!(of("headcount", "-3", 1), Err(Fault::OutOfRange { min: 0, max: 1_000_000 }));
        let money = |fen: i64| Ok(Value::map([("amount", fen.into()), ("currency", "CNY".into())]));
        assert_eq!(of("turnover", "300万", 1), money(300_000_000));
        assert_eq!(of("turnover", "12.5", 10_000), money(12_500_000));
        assert_eq!(of("turnover", "30万", 10_000), money(30_000_000), "the cell names its unit itself");
        assert_eq!((of("service_minutes", "0.5", 60), of("service_minutes", "1.5小时", 1)), (Ok(30.into()), Ok(90.into())));
        assert_eq!(of("service_minutes", "45分钟", 60), Ok(45.into()));
        assert_eq!(of("founded_on", "2019年5月", 1), Ok("2019-05".into()));
        assert_eq!(of("grade", "Ｂ级", 1), Ok("B".into()));
        assert_eq!(of("business_type", "天上", 1), Err(Fault::NotInSet { set: "business_type".to_owned() }));
        assert_eq!(of("potential", "4分 回款及时", 1), Ok(Value::map([("score", 4.into()), ("reason", "回款及时".into())])));
        assert_eq!(of("potential", "较高", 1), Ok(Value::map([("score", 4.into())])));
        assert_eq!(of("potential", "6", 1), Err(Fault::NotARating));
        assert_eq!(of("uscc", "91350100M000100Y44", 1), Err(Fault::UsccCheckDigit));
        assert_eq!(of("trade_name", &"长".repeat(201), 1), Err(Fault::TooLong { max: 200 }));
    }

    #[test]
    fn nothing_and_errors_are_told_from_values() {
        for cell in ["", "  ", "-", "无", "N/A", "\u{feff}"] {
            assert_eq!(said(cell), Ok(None), "{cell}");
        }
        assert_eq!(said("#N/A"), Err(Fault::SpreadsheetError));
        assert_eq!(said(" 无锡路 "), Ok(Some("无锡路")));
    }
}
