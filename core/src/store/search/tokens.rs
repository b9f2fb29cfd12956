//! The words of the index: for a customer, and for what was typed.
//!
//! | of | words | found by |
//! |---|---|---|
//! | each sign | itself | one character |
//! | two signs in a row | both | two and more characters (each pair must be there; [`super::matching`] checks the rest) |
//! | each unit | what is typed from there on, first [`KEY_LETTERS`] letters, for every combination of readings | pinyin, letters, digits, as a beginning |
//! | each unit | the initials from there on, first [`KEY_LETTERS`] | initials, as a beginning |
//! | a phone | three digits in a row, marked | three and more digits |
//!
//! Signs before their reading: `惠民chaoshi` asks for 惠, 民, 惠民 and `chaoshi*`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::pinyin::readings;
use super::text::{Unit, units};
use crate::model::normal;

/// Letters of a typed word that the index knows; the rest is checked on the text.
pub(super) const KEY_LETTERS: usize = 8;
/// Combinations of readings that are followed from one unit.
pub(super) const COMBINATIONS_MAX: usize = 24;
/// Texts of one kind (names, addresses, people, phones) of a customer that are indexed.
pub(super) const TEXTS_MAX: usize = 20;
/// Words of a customer in the index.
pub(super) const TOKENS_MAX: usize = 6_000;
/// Digits of a phone that are indexed.
pub(super) const PHONE_DIGITS_MAX: usize = normal::PHONE_DIGITS_MAX;
/// Digits in a row that make a word.
pub(super) const DIGITS: usize = 3;

/// Marks words made of phone digits, so that house numbers stay apart. Of a private plane: no text has it as letter or digit.
const PHONE_MARK: char = '\u{e000}';

/// The texts of a customer that are searched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Searchable<'a> {
    pub(crate) name: &'a str,
    pub(crate) aliases: &'a [String],
    pub(crate) addresses: &'a [String],
    pub(crate) people: &'a [String],
    /// Digits as [`normal::phone`] leaves them.
    pub(crate) phones: &'a [String],
}

/// The words of a customer by column of the index.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    /// At the beginning of a name.
    pub(super) start: BTreeSet<String>,
    /// Elsewhere in names.
    pub(super) name: BTreeSet<String>,
    /// Addresses, people, phones.
    pub(super) rest: BTreeSet<String>,
}

impl Tokens {
    pub(super) fn of(what: &Searchable<'_>) -> Self {
        let mut out = Self::default();
        let mut left = TOKENS_MAX;
        for name in std::iter::once(what.name).chain(what.aliases.iter().take(TEXTS_MAX).map(String::as_str)) {
            let units = units(name);
            for at in 0..units.len() {
                let into = if at == 0 { &mut out.start } else { &mut out.name };
                add_from(units.get(at..).unwrap_or_default(), into, &mut left);
            }
        }
        for phone in what.phones.iter().take(TEXTS_MAX) {
            out.rest.extend(phone_tokens(phone));
        }
        for text in what.people.iter().take(TEXTS_MAX).chain(what.addresses.iter().take(TEXTS_MAX)) {
            let units = units(text);
            for at in 0..units.len() {
                add_from(units.get(at..).unwrap_or_default(), &mut out.rest, &mut left);
            }
        }
        out
    }
}

/// Adds the words that begin at the first of `units`.
fn add_from(units: &[Unit], into: &mut BTreeSet<String>, left: &mut usize) {
    let mut add = |token: String| {
        if *left > 0 && into.insert(token) {
            *left -= 1;
        }
    };
    if let Some(Unit::Sign(first)) = units.first() {
        add(first.to_string());
        if let Some(Unit::Sign(second)) = units.get(1) {
            add([*first, *second].iter().collect());
        }
    }
    typed(units, &|reading| reading.to_owned()).into_iter().for_each(&mut add);
    typed(units, &|reading| reading.chars().take(1).collect()).into_iter().for_each(&mut add);
}

/// What is typed for a line of units, up to [`KEY_LETTERS`] letters, every reading of every sign; ends where a sign has none.
fn typed(units: &[Unit], form: &dyn Fn(&str) -> String) -> BTreeSet<String> {
    let mut done = BTreeSet::new();
    let mut open: BTreeSet<String> = BTreeSet::from([String::new()]);
    for unit in units {
        let forms: BTreeSet<String> = match unit {
            Unit::Sign(c) => readings(*c).iter().map(|reading| form(reading)).collect(),
            Unit::Word(word) => BTreeSet::from([word.clone()]),
        };
        if forms.is_empty() {
            break;
        }
        let mut next = BTreeSet::new();
        for (before, form) in open.iter().flat_map(|before| forms.iter().map(move |form| (before, form))) {
            let longer: String = before.chars().chain(form.chars()).take(KEY_LETTERS).collect();
            if done.len() + next.len() >= COMBINATIONS_MAX {
                break;
            }
            if longer.chars().count() == KEY_LETTERS {
                done.insert(longer)
            } else {
                next.insert(longer)
            };
        }
        open = next;
        if open.is_empty() {
            break;
        }
    }
    open.remove("");
    done.extend(open);
    done
}

fn phone_tokens(digits: &str) -> Vec<String> {
    let digits: Vec<char> = digits.chars().filter(char::is_ascii_digit).take(PHONE_DIGITS_MAX).collect();
    digits.windows(DIGITS).map(|three| std::iter::once(PHONE_MARK).chain(three.iter().copied()).collect()).collect()
}

/// The digits a typed word asks for in phones: it holds nothing but digits and what people put between them, and at least [`DIGITS`].
pub(super) fn asked_digits(word: &str) -> Option<String> {
    let units = units(word);
    let only_digits = units.iter().all(|unit| matches!(unit, Unit::Word(word) if word.chars().all(|c| c.is_ascii_digit())));
    let digits = normal::phone(word);
    (only_digits && digits.len() >= DIGITS).then_some(digits)
}

/// Where the first word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// At the beginning of a name.
    Start,
    /// In names.
    Name,
    /// Everywhere.
    All,
}

/// The question to the index for typed words, in FTS5's language. Every word is quoted: nothing that was typed is read as an operator.
/// `None` where a tier cannot answer (phones are in no name).
pub(super) fn question(words: &[String], tier: Tier) -> Option<String> {
    let mut out = String::new();
    for (at, word) in words.iter().enumerate() {
        let text = text_question(&units(word));
        let digits = asked_digits(word).map(|digits| phone_tokens(&digits).iter().map(|token| quoted(token, false)).collect::<Vec<_>>());
        let columns = match tier {
            Tier::Start if at == 0 => "{start} : ",
            Tier::Name => "{start name} : ",
            Tier::Start | Tier::All => "",
        };
        let mut alternatives = Vec::new();
        if tier == Tier::Start && at == 0 {
            // Only the first question of the word belongs to the beginning; its other pairs follow it.
            let (first, others) = text.split_first()?;
            alternatives.push(std::iter::once(&format!("{columns}{first}")).chain(others).cloned().collect::<Vec<_>>().join(" AND "));
        } else if !text.is_empty() {
            alternatives.push(format!("{columns}({})", text.join(" AND ")));
        }
        if let Some(digits) = digits
            && columns.is_empty()
        {
            alternatives.push(digits.join(" AND "));
        }
        if alternatives.is_empty() {
            return None;
        }
        let joined = alternatives.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" OR ");
        let and = if at == 0 { "" } else { " AND " };
        // Writing into a string cannot fail.
        let _infallible = write!(out, "{and}({joined})");
    }
    if out.is_empty() { None } else { Some(out) }
}

/// Words of the index that a line of units needs: pairs of signs where there are pairs, single ones otherwise, beginnings for letters.
fn text_question(units: &[Unit]) -> Vec<String> {
    let mut out = Vec::new();
    let sign = |at: usize| match units.get(at) {
        Some(Unit::Sign(c)) => Some(*c),
        Some(Unit::Word(_)) | None => None,
    };
    for (at, unit) in units.iter().enumerate() {
        match unit {
            Unit::Word(word) => out.push(quoted(&word.chars().take(KEY_LETTERS).collect::<String>(), true)),
            Unit::Sign(c) => match sign(at + 1) {
                Some(next) => out.push(quoted(&[*c, next].iter().collect::<String>(), false)),
                None if at > 0 && sign(at - 1).is_some() => {}
                None => out.push(quoted(&c.to_string(), false)),
            },
        }
    }
    out
}

/// Units are letters and digits only, so a quote cannot occur inside.
fn quoted(token: &str, beginning: bool) -> String {
    if beginning { format!("\"{token}\" *") } else { format!("\"{token}\"") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test says where")]

    use super::*;

    fn tokens(name: &str) -> Tokens {
        Tokens::of(&Searchable { name, aliases: &[], addresses: &[], people: &[], phones: &[] })
    }

    #[test]
    fn a_name_gives_signs_pairs_readings_and_initials() {
        let found = tokens("惠民A1店");
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(found.start, set(&["惠", "惠民", "huiminA1".to_lowercase().as_str(), "hma1d"]));
        assert_eq!(found.name, set(&["民", "mina1dia", "ma1d", "a1dian", "a1d", "店", "dian", "d"]));
        assert!(tokens("重庆").start.contains("chongqin") && tokens("重庆").start.contains("zhongqin"));
    }

    #[test]
    fn questions_quote_everything() {
        let ask = |query: &str, tier| question(&super::super::text::words(query, 8, 60), tier);
        assert_eq!(ask("惠民超", Tier::All).unwrap(), "(((\"惠民\" AND \"民超\")))");
        assert_eq!(ask("惠", Tier::All).unwrap(), "(((\"惠\")))");
        assert_eq!(ask("hm 路", Tier::Name).unwrap(), "(({start name} : (\"hm\" *))) AND (({start name} : (\"路\")))");
        assert_eq!(ask("1234", Tier::All).unwrap(), "(((\"1234\" *)) OR (\"\u{e000}123\" AND \"\u{e000}234\"))");
        assert_eq!(ask("\" OR NEAR( * -", Tier::All).unwrap(), "(((\"or\" *))) AND (((\"near\" *)))");
        assert_eq!(ask(" !? ", Tier::All), None);
    }

    #[test]
    fn tokens_are_bounded() {
        let heteronyms = "重长行还大".repeat(400);
        let many = vec![heteronyms.clone(); 100];
        let found = Tokens::of(&Searchable { name: &heteronyms, aliases: &many, addresses: &many, people: &many, phones: &many });
        assert!(found.start.len() + found.name.len() + found.rest.len() <= TOKENS_MAX + TEXTS_MAX * PHONE_DIGITS_MAX);
        let all = found.start.iter().chain(&found.name).chain(&found.rest);
        assert!(all.clone().all(|token| token.chars().count() <= KEY_LETTERS));
    }
}
