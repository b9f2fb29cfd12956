//! Whether a text answers a typed word, and where. What the index proposes is decided here, on the text itself.

use super::pinyin::readings;
use super::text::{Unit, compact};

/// Where a word was found in a text; the better the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// It is the whole text.
    Whole,
    /// At its beginning.
    Beginning,
    /// Inside it.
    Inside,
}

/// Letters of a typed word that are followed through readings: one bit each.
const LETTERS_MAX: usize = 63;

/// A text made ready to be asked often.
pub(super) struct Prepared {
    units: Vec<Unit>,
    compact: String,
}

impl Prepared {
    pub(super) fn new(units: Vec<Unit>) -> Self {
        let compact = compact(&units);
        Self { units, compact }
    }

    /// How many units it has: shorter texts answer better.
    pub(super) fn length(&self) -> usize {
        self.units.len()
    }

    /// Where a word (compact, see [`compact`]) is in this text, as written or as typed; `None` when it is not.
    pub(super) fn find(&self, word: &str) -> Option<Place> {
        if word.is_empty() {
            return None;
        }
        let written = self.compact.find(word).map(|at| match at {
            0 if self.compact.len() == word.len() => Place::Whole,
            0 => Place::Beginning,
            _ => Place::Inside,
        });
        let letters: Vec<char> = word.chars().collect();
        let typed = letters.iter().any(char::is_ascii_alphanumeric) && letters.len() <= LETTERS_MAX;
        if !typed || written == Some(Place::Whole) {
            return written;
        }
        let typed = (0..self.units.len()).find_map(|at| Some((at, self.typed_from(at, &letters)?)));
        let typed = typed.map(|(at, whole)| match (at, whole) {
            (0, true) => Place::Whole,
            (0, false) => Place::Beginning,
            (_, _) => Place::Inside,
        });
        written.into_iter().chain(typed).min()
    }

    /// Whether `letters` can be typed from unit `at` on, taking each sign as itself, as a full reading, as an initial, or, at the end, as the beginning of a
    /// reading; `Some(true)` when nothing of the text is left over. Bit n of `reached`: the first n letters are accounted for.
    fn typed_from(&self, at: usize, letters: &[char]) -> Option<bool> {
        let mut reached = 1u64;
        for (index, unit) in self.units.iter().enumerate().skip(at) {
            let mut next = 0u64;
            let mut ends = false;
            let mut whole = false;
            let mut take = |form: &str, from: usize| {
                let rest = letters.get(from..).unwrap_or_default();
                let same = form.chars().zip(rest).take_while(|(a, b)| a == *b).count();
                if same == rest.len() {
                    ends = true;
                    whole |= same == form.chars().count();
                } else if same == form.chars().count() {
                    next |= 1 << (from + same);
                }
            };
            let forms = match unit {
                Unit::Word(word) => vec![word.clone()],
                Unit::Sign(c) => {
                    let mut forms = readings(*c);
                    let initials: Vec<String> = forms.iter().map(|form| form.chars().take(1).collect()).collect();
                    forms.extend(initials);
                    forms.push(c.to_string());
                    forms
                }
            };
            for from in (0..letters.len()).filter(|from| reached >> from & 1 == 1) {
                forms.iter().for_each(|form| take(form, from));
            }
            if ends {
                return Some(whole && index + 1 == self.units.len());
            }
            if next == 0 {
                return None;
            }
            reached = next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::units;
    use super::*;

    fn find(text: &str, word: &str) -> Option<Place> {
        Prepared::new(units(text)).find(&compact(&units(word)))
    }

    #[test]
    fn words_are_found_as_written_and_as_typed() {
        for (text, word, place) in [
            ("惠民超市", "惠民超市", Some(Place::Whole)),
            ("惠民超市", "惠民", Some(Place::Beginning)),
            ("惠民超市", "民超", Some(Place::Inside)),
            ("惠民超市", "惠超", None),
            ("惠民超市", "huimin", Some(Place::Beginning)),
            ("惠民超市", "huim", Some(Place::Beginning)),
            ("惠民超市", "huiminchaoshi", Some(Place::Whole)),
            ("惠民超市", "hm", Some(Place::Beginning)),
            ("惠民超市", "hmcs", Some(Place::Whole)),
            ("惠民超市", "mcs", Some(Place::Inside)),
            ("惠民超市", "chaoshi", Some(Place::Inside)),
            ("惠民超市", "惠民chaoshi", Some(Place::Whole)),
            ("惠民超市", "uimin", None),
            ("重庆小面", "chongqing", Some(Place::Beginning)),
            ("长沙米粉", "changsha", Some(Place::Beginning)),
            ("人民路12号", "renminlu12", Some(Place::Beginning)),
            ("人民路12号", "12号", Some(Place::Inside)),
            ("惠民(总店)", "惠民总店", Some(Place::Whole)),
            ("绿地便利", "lvdi", Some(Place::Beginning)),
            ("绿地便利", "ludi", Some(Place::Beginning)),
            ("西安路", "xian", Some(Place::Beginning)),
            ("Family Mart", "mart", Some(Place::Inside)),
        ] {
            assert_eq!(find(text, word), place, "{text} {word}");
        }
    }
}
