//! A text as search sees it: compatibility forms folded (１ is 1, Ａ is a), small letters, cut into units. Says nothing of readings.

use unicode_normalization::UnicodeNormalization as _;

/// Units of one text that are indexed; the rest of a longer text is found by its beginning only.
pub(super) const UNITS_MAX: usize = 200;

/// What a text is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unit {
    /// One character of a script without blanks: Chinese, Japanese, Korean.
    Sign(char),
    /// A run of letters and digits.
    Word(String),
}

/// Whether a character stands for itself rather than building words with its neighbours.
fn is_sign(c: char) -> bool {
    c >= '\u{2e80}'
}

/// Cuts a text into at most [`UNITS_MAX`] units. Blanks, punctuation and symbols separate words and are otherwise passed over.
pub(super) fn units(text: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut open = false;
    for c in text.nfkc().flat_map(char::to_lowercase) {
        if !c.is_alphanumeric() {
            open = false;
            continue;
        }
        if open
            && !is_sign(c)
            && let Some(Unit::Word(word)) = units.last_mut()
        {
            word.push(c);
            continue;
        }
        if units.len() == UNITS_MAX {
            break;
        }
        open = !is_sign(c);
        units.push(if open { Unit::Word(c.into()) } else { Unit::Sign(c) });
    }
    units
}

/// The units run together: what substrings are looked for in.
pub(super) fn compact(units: &[Unit]) -> String {
    let mut out = String::new();
    for unit in units {
        match unit {
            Unit::Sign(c) => out.push(*c),
            Unit::Word(word) => out.push_str(word),
        }
    }
    out
}

/// What was typed, cut at blanks: at most `words_max` words of at most `chars_max` characters that hold at least one unit.
pub(super) fn words(query: &str, words_max: usize, chars_max: usize) -> Vec<String> {
    query
        .split_whitespace()
        .map(|word| word.chars().take(chars_max).collect::<String>())
        .filter(|word| !units(word).is_empty())
        .take(words_max)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_alone_and_words_run() {
        let word = |text: &str| Unit::Word(text.into());
        assert_eq!(units("惠民 A1 店(7-11)"), [Unit::Sign('惠'), Unit::Sign('民'), word("a1"), Unit::Sign('店'), word("7"), word("11"),]);
        assert_eq!(compact(&units("惠·民超市")), "惠民超市");
        assert!(units(" ·—!。").is_empty());
        assert_eq!(words(" 惠民  人民路 。 ", 8, 60), ["惠民", "人民路"]);
        assert_eq!(words("a b c", 2, 60).len(), 2);
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(units(&"惠".repeat(1000)).len(), UNITS_MAX);
        assert_eq!(units(&"ab ".repeat(1000)).len(), UNITS_MAX);
    }
}
