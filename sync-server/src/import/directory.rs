//! Territories and people as lists name them. Belongs here: which one a word means, and when it means none or several.
//! Never: accounts (`crate::accounts`).

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

use super::columns::normal;

/// What an import has to know about headquarters.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Territories by code and name.
    pub territories: Names,
    /// People by log-in and name.
    pub people: Names,
}

/// Words for ids: codes, each of one, and names, which several may share.
#[derive(Debug, Clone, Default)]
pub struct Names {
    codes: BTreeMap<String, String>,
    words: BTreeMap<String, BTreeSet<String>>,
    switched_off: BTreeSet<String>,
}

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant<'a> {
    /// This one.
    One(&'a str),
    /// This one, whose account is switched off; only its code names it.
    SwitchedOff(&'a str),
    /// Several share the name.
    Several,
    /// Nobody.
    Nobody,
}

impl Names {
    /// Adds one with its code and name.
    pub fn add(&mut self, code: &str, name: &str, id: &str) {
        self.codes.insert(exact(code), id.to_owned());
        self.insert(normal(code), id.to_owned());
        self.insert(normal(name), id.to_owned());
    }

    /// Adds one whose account is switched off: by its code alone, so that its name means whoever came after.
    pub fn add_switched_off(&mut self, code: &str, id: &str) {
        self.codes.insert(exact(code), id.to_owned());
        self.switched_off.insert(id.to_owned());
    }

    /// Adds a name in normal form ([`normal`]).
    pub fn insert(&mut self, name: String, id: String) {
        self.words.entry(name).or_default().insert(id);
    }

    /// What a word means: as a code first, then as a name.
    #[must_use]
    pub fn meant(&self, word: &str) -> Meant<'_> {
        if let Some(id) = self.codes.get(&exact(word)) {
            return if self.switched_off.contains(id) { Meant::SwitchedOff(id) } else { Meant::One(id) };
        }
        let mut ids = self.words.get(&normal(word)).into_iter().flatten();
        match (ids.next(), ids.next()) {
            (Some(id), None) => Meant::One(id),
            (Some(_), Some(_)) => Meant::Several,
            (None, _) => Meant::Nobody,
        }
    }
}

impl Extend<(String, String)> for Names {
    fn extend<T: IntoIterator<Item = (String, String)>>(&mut self, names: T) {
        names.into_iter().for_each(|(name, id)| self.insert(name, id));
    }
}

/// A code as it is compared: as accounts keep log-ins.
fn exact(code: &str) -> String {
    code.trim().nfkc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_one_or_it_says_why_not() {
        let mut people = Names::default();
        people.add("wang.fang", "王芳", "1");
        people.add("wangfang2", "王芳", "2");
        people.add("li", "李强", "3");
        people.add("李强", "周婷", "4");
        people.add_switched_off("liu", "5");
        for (word, meant) in [
            ("王芳", Meant::Several),
            ("Wang.Fang", Meant::One("1")),
            ("ｗａｎｇｆａｎｇ２", Meant::One("2")),
            ("李 强", Meant::Several),
            ("李强", Meant::One("4")),
            ("周婷", Meant::One("4")),
            ("liu", Meant::SwitchedOff("5")),
            ("刘洋", Meant::Nobody),
        ] {
            assert_eq!(people.meant(word), meant, "{word}");
        }
    }
}
