//! The words of the index: for a customer, and for what was typed.
//!
//! | of | words | found by |
//! |---|---|---|
//! | each sign | itself | one character |
//! | two signs in a row | both | two and more characters (each pair must be there; [`super::matching`] checks the rest) |
//! | each unit | what is typed from there on, first [`KEY_LETTERS`] letters, for every combination of readings | pinyin, letters, digits, as a beginning |
//! | each unit | its first letter | one letter |
//! | each unit | the initials from there on, first [`KEY_LETTERS`] | initials, as a beginning |
//! | a phone | three digits in a row, marked | three and more digits |
//!
//! So `惠民chaoshi` asks for 惠民 and for what begins with `chaoshi`.
//!
//! Every word of the index begins with a digit that says where it is from: [`START`], [`NAME`], [`REST`], [`PHONE`]. So one table without columns or positions
//! answers "in names" as well as "anywhere", at half the size of one with columns.

use std::collections::BTreeSet;

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

/// Mark of words at the beginning of a name.
const START: char = '2';
/// Mark of words of names, beginnings included.
const NAME: char = '1';
/// Mark of words of people and addresses.
const REST: char = '0';
/// Mark of three digits of a phone.
const PHONE: char = '3';

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

/// The words of a customer, marked: at most [`TOKENS_MAX`] and those of its phones.
pub(super) fn tokens(of: &Searchable<'_>) -> BTreeSet<String> {
    let mut out = Tokens { marked: BTreeSet::new(), left: TOKENS_MAX };
    for name in std::iter::once(of.name).chain(of.aliases.iter().take(TEXTS_MAX).map(String::as_str)) {
        let line = line(name);
        out.add_text(&line, NAME);
        out.add_from(&line, START);
    }
    for text in of.people.iter().take(TEXTS_MAX).chain(of.addresses.iter().take(TEXTS_MAX)) {
        out.add_text(&line(text), REST);
    }
    for phone in of.phones.iter().take(TEXTS_MAX) {
        out.marked.extend(phone_tokens(phone));
    }
    out.marked
}

struct Tokens {
    marked: BTreeSet<String>,
    left: usize,
}

impl Tokens {
    fn add_text(&mut self, line: &[Typed], mark: char) {
        for at in 0..line.len() {
            self.add_from(line.get(at..).unwrap_or_default(), mark);
        }
    }

    /// Adds the words that begin at the first of a line.
    fn add_from(&mut self, line: &[Typed], mark: char) {
        if let Some(Typed { unit: Unit::Sign(first), .. }) = line.first() {
            self.add(mark, &first.to_string());
            if let Some(Typed { unit: Unit::Sign(second), .. }) = line.get(1) {
                self.add(mark, &[*first, *second].iter().collect::<String>());
            }
        }
        for typed in typed(line.iter().map(|unit| &unit.readings)) {
            self.add(mark, &typed);
            // One letter begins so many words that it is a word of its own.
            self.add(mark, &typed.chars().take(1).collect::<String>());
        }
        for typed in typed(line.iter().map(|unit| &unit.initials)) {
            self.add(mark, &typed);
        }
    }

    fn add(&mut self, mark: char, word: &str) {
        if self.left > 0 && self.marked.insert(marked(mark, word)) {
            self.left -= 1;
        }
    }
}

fn marked(mark: char, word: &str) -> String {
    std::iter::once(mark).chain(word.chars()).collect()
}

/// A unit, and how it is typed.
struct Typed {
    unit: Unit,
    readings: BTreeSet<String>,
    initials: BTreeSet<String>,
}

/// The units of a text, and how each is typed.
fn line(text: &str) -> Vec<Typed> {
    let typed = |unit| {
        let (readings, initials) = match &unit {
            Unit::Sign(c) => {
                let readings: BTreeSet<String> = readings(*c).into_iter().collect();
                let initials = readings.iter().map(|reading| reading.chars().take(1).collect()).collect();
                (readings, initials)
            }
            Unit::Word(word) => (BTreeSet::from([word.clone()]), BTreeSet::from([word.clone()])),
        };
        Typed { unit, readings, initials }
    };
    units(text).into_iter().map(typed).collect()
}

/// What is typed for a line of units, up to [`KEY_LETTERS`] letters, every form of every unit; ends at one that has none.
fn typed<'a>(line: impl Iterator<Item = &'a BTreeSet<String>>) -> BTreeSet<String> {
    let mut line = line.peekable();
    // Most signs have one reading: as long as there is one way only, nothing has to be compared.
    let mut only = String::new();
    let mut letters = 0;
    while let Some(form) = line.peek().and_then(|forms| forms.first().filter(|_| forms.len() == 1)) {
        for letter in form.chars() {
            only.push(letter);
            letters += 1;
            if letters == KEY_LETTERS {
                return BTreeSet::from([only]);
            }
        }
        line.next();
    }
    let mut done = BTreeSet::new();
    let mut open = BTreeSet::from([only]);
    for forms in line {
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
    digits.windows(DIGITS).map(|three| std::iter::once(PHONE).chain(three.iter().copied()).collect()).collect()
}

/// The digits a typed word asks for in phones: it holds nothing but digits and what people put between them, and at least [`DIGITS`].
pub(super) fn asked_digits(word: &str) -> Option<String> {
    let units = units(word);
    let only_digits = units.iter().all(|unit| matches!(unit, Unit::Word(word) if word.chars().all(|c| c.is_ascii_digit())));
    let digits = normal::phone(word);
    (only_digits && digits.len() >= DIGITS).then_some(digits)
}

/// Where words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// The first at the beginning of a name, the others anywhere.
    Start,
    /// All in names.
    Name,
    /// Anywhere.
    All,
}

/// The question to the index for typed words, in FTS5's language. Every word is quoted: nothing that was typed is read as an operator.
pub(super) fn question(words: &[String], tier: Tier) -> Option<String> {
    let words: Vec<String> = words.iter().enumerate().map(|(at, word)| about_word(word, tier, at == 0)).collect();
    if words.is_empty() { None } else { Some(words.join(" AND ")) }
}

fn about_word(word: &str, tier: Tier, first: bool) -> String {
    let asked = asked(&units(word));
    let all_of = |mark: char| asked.iter().map(|one| one.quoted(mark)).collect::<Vec<_>>().join(" AND ");
    let mut any_of = Vec::new();
    match tier {
        Tier::Start if first => {
            // Only its first pair stands at the beginning; the others follow in the name.
            let start = asked.first().map(|one| one.quoted(START));
            any_of.push(start.into_iter().chain(asked.iter().skip(1).map(|one| one.quoted(NAME))).collect::<Vec<_>>().join(" AND "));
        }
        Tier::Name => any_of.push(all_of(NAME)),
        Tier::Start | Tier::All => {
            any_of.extend([all_of(NAME), all_of(REST)]);
            let digits = asked_digits(word).map(|digits| phone_tokens(&digits));
            any_of.extend(digits.map(|three| three.iter().map(|three| format!("\"{three}\"")).collect::<Vec<_>>().join(" AND ")));
        }
    }
    format!("(({}))", any_of.join(") OR ("))
}

/// A word of the index that is needed.
struct Asked {
    word: String,
    /// What begins with it will do.
    beginning: bool,
}

impl Asked {
    /// Units are letters and digits only, so a quote cannot occur inside.
    fn quoted(&self, mark: char) -> String {
        format!("\"{mark}{}\"{}", self.word, if self.beginning { " *" } else { "" })
    }
}

/// Words that a line of units needs: pairs of signs where there are pairs, single ones otherwise, beginnings for letters.
fn asked(units: &[Unit]) -> Vec<Asked> {
    let mut out = Vec::new();
    let sign = |at: usize| match units.get(at) {
        Some(Unit::Sign(c)) => Some(*c),
        Some(Unit::Word(_)) | None => None,
    };
    for (at, unit) in units.iter().enumerate() {
        match unit {
            Unit::Word(word) => {
                out.push(Asked { word: word.chars().take(KEY_LETTERS).collect(), beginning: word.chars().nth(1).is_some() });
            }
            Unit::Sign(c) => match sign(at + 1) {
                Some(next) => out.push(Asked { word: [*c, next].iter().collect(), beginning: false }),
                None if at > 0 && sign(at - 1).is_some() => {}
                None => out.push(Asked { word: c.to_string(), beginning: false }),
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test says where")]

    use super::*;

    fn of_name(name: &str) -> BTreeSet<String> {
        tokens(&Searchable { name, aliases: &[], addresses: &[], people: &[], phones: &[] })
    }

    #[test]
    fn a_name_gives_signs_pairs_readings_and_initials() {
        let expected =
            ["惠", "惠民", "huimina1", "hma1d", "民", "民", "mina1dia", "ma1d", "a1dian", "a1d", "店", "dian", "d", "h", "m", "a"];
        let mut expected: BTreeSet<String> = expected.iter().map(|word| format!("1{word}")).collect();
        expected.extend(["2惠", "2惠民", "2huimina1", "2hma1d", "2h"].map(str::to_owned));
        assert_eq!(of_name("惠民A1店"), expected);
        assert!(of_name("重庆").contains("2chongqin") && of_name("重庆").contains("1zhongqin"));
        let phone = tokens(&Searchable { name: "", aliases: &[], addresses: &[], people: &["李".into()], phones: &["13905".into()] });
        assert_eq!(phone.into_iter().collect::<Vec<_>>(), ["0l", "0li", "0李", "3139", "3390", "3905"]);
    }

    proptest::proptest! {
        #[test]
        fn ways_to_type_are_every_combination(forms in proptest::collection::vec(proptest::collection::btree_set("[a-c]{1,5}", 0..4), 0..6)) {
            // One way after the other, and cut: what `typed` says in fewer steps. Few enough not to meet its bound.
            let mut plain = BTreeSet::from([(String::new(), true)]);
            for forms in forms.iter().take_while(|forms| !forms.is_empty()) {
                let longer = |(line, open): &(String, bool)| {
                    let more = forms.iter().map(|form| format!("{line}{form}"));
                    if *open { more.collect() } else { vec![line.clone()] }
                };
                let cut = |line: String| (line.chars().take(KEY_LETTERS).collect::<String>(), line.chars().count() < KEY_LETTERS);
                plain = plain.iter().flat_map(longer).map(cut).collect();
            }
            let plain: BTreeSet<String> = plain.into_iter().map(|(line, _)| line).filter(|line| !line.is_empty()).collect();
            proptest::prop_assume!(plain.len() < COMBINATIONS_MAX / 3);
            proptest::prop_assert_eq!(typed(forms.iter()), plain);
        }
    }

    #[test]
    fn questions_quote_everything() {
        let ask = |query: &str, tier| question(&super::super::text::words(query, 8, 60), tier);
        assert_eq!(ask("惠民超", Tier::Start).unwrap(), r#"(("2惠民" AND "1民超"))"#);
        assert_eq!(ask("惠", Tier::All).unwrap(), r#"(("1惠") OR ("0惠"))"#);
        assert_eq!(ask("hm 路", Tier::Name).unwrap(), r#"(("1hm" *)) AND (("1路"))"#);
        assert_eq!(ask("1234", Tier::All).unwrap(), r#"(("11234" *) OR ("01234" *) OR ("3123" AND "3234"))"#);
        assert_eq!(ask("\" OR NEAR( * -", Tier::Name).unwrap(), r#"(("1or" *)) AND (("1near" *))"#);
        assert_eq!(ask(" !? ", Tier::All), None);
    }

    #[test]
    fn tokens_are_bounded() {
        let heteronyms = "重长行还大".repeat(400);
        let many = vec![heteronyms.clone(); 100];
        let found = tokens(&Searchable { name: &heteronyms, aliases: &many, addresses: &many, people: &many, phones: &many });
        assert!(found.len() <= TOKENS_MAX + TEXTS_MAX * PHONE_DIGITS_MAX);
        assert!(found.iter().all(|token| token.chars().count() <= KEY_LETTERS + 1));
    }
}
