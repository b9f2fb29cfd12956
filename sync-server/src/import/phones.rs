//! Telephone numbers as people write them. Belongs here: splitting a cell into numbers and their normal form.
//! Never: whose number it is.

use roadbook_core::model::normal;
use unicode_normalization::UnicodeNormalization;

/// Fewest digits of a number: service numbers such as 95588.
const DIGITS_MIN: usize = 5;
/// Most digits of a number, with country code and extension.
const DIGITS_MAX: usize = normal::PHONE_DIGITS_MAX;
/// Fewest digits of a number that stands by itself beside another one: a line without its area code.
const OWN_DIGITS_MIN: usize = 7;
/// Most digits of a number without its extension (ITU-T E.164: 15, behind an international prefix of 2).
const LINE_DIGITS_MAX: usize = 17;
/// Words before an extension.
const EXTENSIONS: &[&str] = &["转", "分机", "ext", "x", "#"];
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

/// A piece is one number, or several with blanks between them: then each is long enough to be one of its own. `0571 88881234`
/// and `139 0000 1111` are one.
fn numbers_of(piece: &str) -> Vec<Option<PhoneCell>> {
    let piece = piece.trim();
    if piece.is_empty() {
        return Vec::new();
    }
    let words: Vec<&str> = piece.split_whitespace().filter(|word| digits_of(word) > 0).collect();
    let letters = piece.chars().filter(|c| c.is_alphabetic()).count();
    if words.len() > 1 && letters <= LETTERS_MAX && words.iter().all(|word| digits_of(word) >= OWN_DIGITS_MIN && !is_extension(word)) {
        return words.into_iter().map(number).collect();
    }
    vec![number(piece)]
}

/// One number; `None` if this is none. Extensions keep their digits.
fn number(typed: &str) -> Option<PhoneCell> {
    let typed = without_fraction(typed);
    let letters = typed.chars().filter(|c| c.is_alphabetic()).count();
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    // `13900001111(王)` and `电话:…` carry a few words; a sentence with a number in it is no number.
    if digits.len() < DIGITS_MIN || digits.len() > DIGITS_MAX || letters > LETTERS_MAX || is_scientific(typed) {
        return None;
    }
    let main = digits_of(main_part(typed));
    // More digits than any line has: two numbers in one, and nothing says where the second begins.
    if main > LINE_DIGITS_MAX {
        return None;
    }
    let local = without_country(&digits, main, typed.contains('+'));
    // `电话:13900001111(王)`: only the number is dialled.
    let typed =
        typed.trim_start_matches(|c: char| !c.is_ascii_digit() && !matches!(c, '+' | '(')).trim_end_matches(|c: char| !c.is_ascii_digit());
    let bare = typed.strip_prefix("86").unwrap_or(typed).trim_start_matches(['-', ' ']);
    let kept = |typed: &&str| normal::phone(typed) == local && typed.chars().count() <= TYPED_CHARS_MAX;
    let typed = [typed, bare].into_iter().find(kept).unwrap_or(local);
    Some(PhoneCell { typed: typed.to_owned(), normal: normal::phone(typed) })
}

fn digits_of(text: &str) -> usize {
    text.chars().filter(char::is_ascii_digit).count()
}

/// `13900001111.0`: a spreadsheet that took the number for a number.
fn without_fraction(typed: &str) -> &str {
    typed.strip_suffix(".0").filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or(typed)
}

/// `8.6139E+12`: a spreadsheet that took the number for a number, and its last digits are gone.
fn is_scientific(typed: &str) -> bool {
    let Some((mantissa, exponent)) = typed.split_once(['e', 'E']) else { return false };
    let exponent = exponent.trim_start_matches(['+', '-']);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    digits(mantissa) && digits(exponent)
}

/// What stands before the extension: before a word for it, or before a hyphen behind a whole local number (`88881234-802`).
fn main_part(typed: &str) -> &str {
    let lower = typed.to_ascii_lowercase();
    let word = EXTENSIONS.iter().filter_map(|mark| lower.find(mark)).find(|at| digits_of(lower.get(..*at).unwrap_or_default()) > 0);
    let hyphen = || {
        let (before, after) = typed.rsplit_once('-')?;
        let group = before.rsplit('-').next().unwrap_or(before);
        // The last group is the number itself where it is as long as one.
        (digits_of(group) >= OWN_DIGITS_MIN && digits_of(after) < OWN_DIGITS_MIN).then_some(before.len())
    };
    word.or_else(hyphen).and_then(|at| typed.get(..at)).unwrap_or(typed)
}

/// Whether a word goes on with the number before it.
fn is_extension(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    EXTENSIONS.iter().any(|mark| lower.starts_with(mark))
}

/// `008613900001111` and `8613900001111` without the country code. Without `00` or a `plus` the digits 86 are the country code only if the
/// `main` digits, without an extension, leave a mobile number or one with an area code.
fn without_country(digits: &str, main: usize, plus: bool) -> &str {
    if let Some(rest) = digits.strip_prefix("0086") {
        return if rest.len() >= 10 { rest } else { digits };
    }
    let Some(rest) = digits.strip_prefix("86") else { return digits };
    if plus {
        return rest;
    }
    let (length, begins) = (main.saturating_sub(2), |signs: &str| rest.starts_with(signs));
    let mobile = length == 11 && begins("1") && !begins("10") && !begins("11") && !begins("12");
    let area = (10..=12).contains(&length) && begins("0");
    // Abroad the area code is written without its 0: 86 571 8888 1234, 86 10 8888 1234.
    let bare_area = (10..=11).contains(&length) && (begins("10") || !begins("0") && !begins("1"));
    if mobile || area || bare_area { rest } else { digits }
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
        assert_eq!(normals("13900001111 88880001"), ["13900001111", "88880001"]);
        assert_eq!(normals("88880001 88880002 (王)"), ["88880001", "88880002"]);
        for (cell, one) in [("0571 88881234", "057188881234"), ("139 0000 1111", "13900001111"), ("86 571 88881234", "57188881234")] {
            assert_eq!(normals(cell), [one], "{cell}");
        }
        // Where the second one begins nobody can tell.
        assert_eq!(split("13900001111 8888 0001"), (Vec::new(), true));
    }

    #[test]
    fn a_number_stays_as_typed_without_the_words_around_it() {
        for (cell, typed) in [
            ("电话:139-0000-1111(王)", "139-0000-1111"),
            ("(0512)88880001转802", "(0512)88880001转802"),
            ("+86 13900001111", "+86 13900001111"),
            ("8613900001111", "13900001111"),
            ("86-0512-88880001转802", "0512-88880001转802"),
        ] {
            assert_eq!(split(cell).0.first().map(|number| number.typed.as_str()), Some(typed), "{cell}");
        }
    }

    #[test]
    fn a_number_that_a_spreadsheet_took_for_a_number_is_put_right_or_told() {
        assert_eq!(normals("13900001111.0"), ["13900001111"]);
        for cell in ["8.6139E+12", "1.39E10", "8.6139000011e+12"] {
            assert_eq!(split(cell), (Vec::new(), true), "{cell}");
        }
    }

    #[test]
    fn the_country_code_without_a_plus_is_told_from_a_number_that_begins_like_it() {
        for (cell, normal) in [
            ("86123456-8012", "861234568012"),
            ("86123456转8012", "861234568012"),
            ("8612345678", "8612345678"),
            ("86-0571-88881234-802", "057188881234802"),
            ("86-139-0000-1111", "13900001111"),
            ("8613900001111转2", "139000011112"),
            ("861088881234", "1088881234"),
            ("+86 0571 88881234", "057188881234"),
        ] {
            assert_eq!(normals(cell), [normal], "{cell}");
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
