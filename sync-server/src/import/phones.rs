//! Telephone numbers as people write them. Belongs here: splitting a cell into numbers and their normal form.
//! Never: whose number it is.

use roadbook_core::model::normal;
use unicode_normalization::UnicodeNormalization;

/// Fewest digits of a number: service numbers such as 95588.
const DIGITS_MIN: usize = 5;
/// Most digits of a number, with country code and extension.
const DIGITS_MAX: usize = normal::PHONE_DIGITS_MAX;
/// Most characters of a number as typed.
const TYPED_CHARS_MAX: usize = 40;
/// Most letters beside a number: `电话`, `转`, a name.
const LETTERS_MAX: usize = 6;

/// One number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneCell {
    /// As typed; a country code without a plus is cut off.
    pub typed: String,
    /// What it is compared by (`roadbook_core::model::normal::phone`).
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
    if words.len() > 1 && words.iter().all(|word| word.chars().filter(char::is_ascii_digit).count() >= 11) {
        return words.into_iter().map(number).collect();
    }
    vec![number(piece)]
}

/// One number; `None` if this is none. Extensions keep their digits.
fn number(typed: &str) -> Option<PhoneCell> {
    let letters = typed.chars().filter(|c| c.is_alphabetic()).count();
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    // `13900001111(王)` and `电话:…` carry a few words; a sentence with a number in it is no number.
    if digits.len() < DIGITS_MIN || digits.len() > DIGITS_MAX || letters > LETTERS_MAX {
        return None;
    }
    let local = without_country(&digits);
    // `电话:13900001111(王)`: only the number is dialled.
    let typed =
        typed.trim_start_matches(|c: char| !c.is_ascii_digit() && !matches!(c, '+' | '(')).trim_end_matches(|c: char| !c.is_ascii_digit());
    let kept = normal::phone(typed) == local && typed.chars().count() <= TYPED_CHARS_MAX;
    let typed = if kept { typed } else { local };
    Some(PhoneCell { typed: typed.to_owned(), normal: normal::phone(typed) })
}

/// `008613900001111` and `8613900001111` without the country code.
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
        assert_eq!(normals("0512-88880001转802"), ["051288880001802"]);
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
    fn a_number_stays_as_typed_without_the_words_around_it() {
        for (cell, typed) in [
            ("电话:139-0000-1111(王)", "139-0000-1111"),
            ("(0512)88880001转802", "(0512)88880001转802"),
            ("+86 13900001111", "+86 13900001111"),
            ("8613900001111", "13900001111"),
        ] {
            assert_eq!(split(cell).0.first().map(|number| number.typed.as_str()), Some(typed), "{cell}");
        }
    }

    #[test]
    fn what_is_no_number_is_told() {
        assert_eq!(split("无"), (Vec::new(), true));
        assert_eq!(split(" "), (Vec::new(), false));
        let (numbers, stranger) = split("13900001111/同微信");
        assert_eq!((numbers.len(), stranger), (1, true));
        assert_eq!(split("我在2026年3月2日打过电话没有人接听1234"), (Vec::new(), true));
        assert!(is_mobile("13900001111") && !is_mobile("051288880001"));
    }
}
