//! Telephone numbers as people write them. Belongs here: splitting a cell into numbers and their normal form.
//! Never: whose number it is.

use unicode_normalization::UnicodeNormalization;

/// Fewest digits of a number: service numbers such as 95588.
const DIGITS_MIN: usize = 5;
/// Most digits of a number, with country code and extension.
const DIGITS_MAX: usize = 20;

/// One number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneCell {
    /// As typed.
    pub typed: String,
    /// Digits only, Chinese country code dropped: equal numbers are equal here. An extension follows after `x`.
    pub normal: String,
}

/// The numbers of one cell, each once, and whether something in it was no number.
#[must_use]
pub fn split(cell: &str) -> (Vec<PhoneCell>, bool) {
    let plain: String = cell.nfkc().collect();
    let mut numbers: Vec<PhoneCell> = Vec::new();
    let mut stranger = false;
    for piece in plain.split(['/', '、', ';', ',', '|', '\n', '\r', '\t', '或', '，', '；']) {
        for number in numbers_of(piece) {
            match number {
                Some(number) if numbers.iter().all(|known| known.normal != number.normal) => numbers.push(number),
                Some(_) => {}
                None => stranger = true,
            }
        }
    }
    (numbers, stranger)
}

/// A piece is one number, or several mobile numbers with blanks between them.
fn numbers_of(piece: &str) -> Vec<Option<PhoneCell>> {
    let piece = piece.trim();
    if piece.is_empty() {
        return Vec::new();
    }
    let words: Vec<&str> = piece.split_whitespace().collect();
    if words.len() > 1 && words.iter().all(|word| normal(word).is_some_and(|digits| digits.len() >= 11)) {
        return words.into_iter().map(number).collect();
    }
    vec![number(piece)]
}

fn number(typed: &str) -> Option<PhoneCell> {
    normal(typed).map(|normal| PhoneCell { typed: typed.to_owned(), normal })
}

/// The normal form of one number: digits; `+86`, `0086` and `86` before a full number dropped; an extension (`转`, `分机`,
/// `ext`, `-` after a full landline number) after `x`. `None` if this is no number.
#[must_use]
pub fn normal(typed: &str) -> Option<String> {
    let plain: String = typed.nfkc().collect::<String>().to_lowercase();
    let (main, extension) =
        ["转", "分机", "ext.", "ext", "x", "#"].into_iter().find_map(|mark| plain.split_once(mark)).unwrap_or((&plain, ""));
    let letters = main.chars().filter(|c| c.is_alphabetic()).count();
    let digits: String = main.chars().filter(char::is_ascii_digit).collect();
    // `13900001111(王)` and `电话:…` carry a few words; a sentence with a number in it is no number.
    if digits.len() < DIGITS_MIN || digits.len() > DIGITS_MAX || letters > 6 {
        return None;
    }
    let digits = without_country(&digits);
    let extension: String = extension.chars().filter(char::is_ascii_digit).take(8).collect();
    Some(if extension.is_empty() { digits.to_owned() } else { format!("{digits}x{extension}") })
}

fn without_country(digits: &str) -> &str {
    let international = digits.strip_prefix("00").unwrap_or(digits);
    match international.strip_prefix("86") {
        Some(rest) if rest.len() >= 10 => rest,
        Some(_) | None => digits,
    }
}

/// Whether the normal form is a Chinese mobile number.
#[must_use]
pub fn is_mobile(normal: &str) -> bool {
    normal.len() == 11 && normal.starts_with('1') && normal.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normals(cell: &str) -> Vec<String> {
        split(cell).0.into_iter().map(|number| number.normal).collect()
    }

    #[test]
    fn one_number_has_one_normal_form() {
        for typed in ["0571 8888-1234", "057188881234", "0571-8888 1234", "（0571）88881234", "０５７１－８８８８１２３４"] {
            assert_eq!(normals(typed), ["057188881234"], "{typed}");
        }
        for typed in ["13900001111", "139 0000 1111", "+86 139-0000-1111", "008613900001111", "8613900001111", "电话:13900001111"] {
            assert_eq!(normals(typed), ["13900001111"], "{typed}");
        }
        assert_eq!(normals("0512-88880001转802"), ["051288880001x802"]);
    }

    #[test]
    fn a_cell_may_hold_several() {
        for cell in [
            "13900001111/0512-88880001",
            "13900001111、0512-88880001",
            "13900001111；0512-88880001",
            "13900001111,0512-88880001，13900001111",
            "13900001111\n0512-88880001",
        ] {
            assert_eq!(normals(cell), ["13900001111", "051288880001"], "{cell}");
        }
        assert_eq!(normals("13900001111 13900002222"), ["13900001111", "13900002222"]);
    }

    #[test]
    fn what_is_no_number_is_told() {
        assert_eq!(split("无"), (Vec::new(), true));
        assert_eq!(split(" "), (Vec::new(), false));
        let (numbers, stranger) = split("13900001111/同微信");
        assert_eq!((numbers.len(), stranger), (1, true));
        assert_eq!(normal("我在2026年3月2日打过电话没有人接听1234"), None);
        assert!(is_mobile("13900001111") && !is_mobile("051288880001"));
    }
}
