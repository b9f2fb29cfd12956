//! Numbers and money as people write them. Belongs here: `1,200`, `３．５万`, `约50人`, `¥12,000.00元`.
//! Never: dates and hours.
//!
//! Numbers are kept exact: digits and a decimal point shifted by powers of ten, no binary fractions.

use unicode_normalization::UnicodeNormalization;

use super::fault::Fault;

/// Most digits of a number, fraction included.
const DIGITS_MAX: usize = 17;
/// Units that may stand behind a number and say nothing.
const UNITS: &[&str] = &[
    "人民币",
    "元整",
    "元",
    "圆",
    "rmb",
    "cny",
    "yuan",
    "人",
    "名",
    "个",
    "位",
    "天",
    "日",
    "days",
    "day",
    "分钟",
    "分",
    "minutes",
    "minute",
    "min",
    "mins",
    "people",
    "家",
    "间",
    "平方米",
    "平米",
    "㎡",
];

/// A number times `scale`, rounded half away from zero; `scale` is 1 for counts and 100 for fen. `factor` is the unit of the
/// title: a cell that names a unit or a power of ten itself (`30万元`) does without it.
///
/// # Errors
/// [`Fault::NotANumber`], [`Fault::OutOfRange`] beyond what 64 bits hold.
pub(super) fn scaled(cell: &str, scale: i64, factor: i64) -> Result<i64, Fault> {
    let plain: String = cell.nfkc().collect::<String>().to_lowercase();
    let mut text: String = plain.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '，' | '_' | '\'')).collect();
    for mark in ["大约", "约", "~", "≈", "¥", "$cny", "rmb", "cny"] {
        if let Some(rest) = text.strip_prefix(mark) {
            text = rest.to_owned();
        }
    }
    let (mut own, mut named) = (scale, false);
    // Units and powers may follow in any order: 12万元, 3千人, 1.5亿.
    loop {
        if let Some(rest) = UNITS.iter().find_map(|unit| text.strip_suffix(unit)) {
            text = rest.to_owned();
        } else if let Some((rest, power)) = power(&text) {
            own = own.saturating_mul(power);
            text = rest.to_owned();
        } else {
            break;
        }
        named = true;
    }
    exact(&text, if named { own } else { own.saturating_mul(factor) })
}

fn power(text: &str) -> Option<(&str, i64)> {
    [("亿", 100_000_000), ("万", 10_000), ("w", 10_000), ("千", 1_000), ("k", 1_000), ("百", 100)]
        .into_iter()
        .find_map(|(mark, power)| text.strip_suffix(mark).map(|rest| (rest, power)))
}

fn exact(text: &str, factor: i64) -> Result<i64, Fault> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: String = [whole, fraction].concat();
    if all.is_empty() || all.len() > DIGITS_MAX || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::NotANumber);
    }
    let value: i128 = all.parse().map_err(|_| Fault::NotANumber)?;
    let places = u32::try_from(fraction.len()).map_err(|_| Fault::NotANumber)?;
    let divisor = 10_i128.pow(places);
    let product = value * i128::from(factor);
    let rounded = (product + divisor / 2) / divisor;
    let signed = if negative { -rounded } else { rounded };
    i64::try_from(signed).map_err(|_| Fault::OutOfRange { min: i64::MIN, max: i64::MAX })
}

/// A decimal number such as a coordinate; `None` if this is none.
pub(super) fn decimal(cell: &str) -> Option<f64> {
    let plain: String = cell.nfkc().filter(|c| !c.is_whitespace()).collect();
    let digits = plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    if !digits {
        return None;
    }
    plain.parse::<f64>().ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_money_are_exact() {
        for (cell, scale, number) in [
            ("1,200", 1, 1200),
            ("５０人", 1, 50),
            ("约30名", 1, 30),
            ("3.5万", 1, 35_000),
            ("３．５万元", 100, 3_500_000),
            ("¥12,000.05", 100, 1_200_005),
            ("0.1", 100, 10),
            ("0.005", 100, 1),
            ("-3", 1, -3),
            ("1.2亿", 100, 12_000_000_000),
            ("20 分钟", 1, 20),
            ("2千人", 1, 2000),
        ] {
            assert_eq!(scaled(cell, scale, 1), Ok(number), "{cell}");
        }
        for (cell, number) in [("30", 300_000), ("30万", 300_000), ("30万元", 300_000), ("5000元", 5_000), ("1.2亿", 120_000_000)] {
            assert_eq!(scaled(cell, 1, 10_000), Ok(number), "{cell}");
        }
        for cell in ["", "十几", "10-15", "1.2.3", "万", "99999999999999999999"] {
            assert_eq!(scaled(cell, 1, 1), Err(Fault::NotANumber), "{cell}");
        }
        assert!(matches!(scaled("99999999999999亿", 100, 1), Err(Fault::OutOfRange { .. })));
    }

    #[test]
    fn coordinates_are_plain_decimals() {
        assert_eq!(decimal(" 120.619585 "), Some(120.619_585));
        assert_eq!(decimal("１２０．５"), Some(120.5));
        assert_eq!(decimal("1e3"), None);
        assert_eq!(decimal("inf"), None);
        assert_eq!(decimal("120°"), None);
    }
}
