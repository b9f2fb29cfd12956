//! Readings: how a character is typed. Heteronyms give all their readings; ü is typed v, and u by many.

use pinyin::{ToPinyin as _, ToPinyinMulti as _};

use super::text::{Unit, units};

/// Readings of one character that are looked at: the most that any has, after ü is counted twice.
pub(super) const READINGS_MAX: usize = 12;

/// All ways to type a character, without tones, each once; empty for what has no reading.
pub(super) fn readings(c: char) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut add = |reading: String| {
        if out.len() < READINGS_MAX && !out.contains(&reading) {
            out.push(reading);
        }
    };
    for reading in c.to_pinyin_multi().into_iter().flatten() {
        let plain = reading.plain();
        if plain.contains('ü') {
            add(plain.replace('ü', "v"));
            add(plain.replace('ü', "u"));
        } else if let Some(rest) = plain.strip_prefix("lv").or_else(|| plain.strip_prefix("nv")) {
            add(plain.to_owned());
            add(format!("{}u{rest}", plain.chars().next().unwrap_or('l')));
        } else {
            add(plain.to_owned());
        }
    }
    out
}

/// By what a list of names is sorted: the first reading of each character, then the name itself.
pub(crate) fn sort_key(name: &str) -> String {
    let mut key = String::new();
    for unit in units(name) {
        match unit {
            Unit::Sign(c) => match c.to_pinyin() {
                Some(reading) => {
                    key.push_str(reading.plain());
                    key.push(' ');
                }
                None => key.push(c),
            },
            Unit::Word(word) => {
                key.push_str(&word);
                key.push(' ');
            }
        }
        if key.len() >= SORT_KEY_BYTES {
            break;
        }
    }
    key.push('\u{1}');
    key.extend(name.chars().take(SORT_NAME_CHARS));
    key
}

/// Readings beyond this many bytes no longer decide the order; the name does.
const SORT_KEY_BYTES: usize = 24;
/// Characters of the name in its key.
const SORT_NAME_CHARS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heteronyms_have_all_their_readings() {
        assert!(readings('重').contains(&"chong".into()) && readings('重').contains(&"zhong".into()));
        assert!(readings('长').contains(&"chang".into()) && readings('长').contains(&"zhang".into()));
        assert!(readings('绿').contains(&"lv".into()) && readings('绿').contains(&"lu".into()));
        assert_eq!(readings('惠'), ["hui"]);
        assert!(readings('a').is_empty());
        let most = ('\u{4e00}'..='\u{9fff}').map(|c| readings(c).len()).max();
        assert!(most.is_some_and(|most| most < READINGS_MAX), "{most:?}");
    }

    #[test]
    fn names_sort_by_sound_then_by_sign() {
        let mut names = ["中华", "7天", "安康", "Bravo", "百姓", "安庆"];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(names, ["7天", "安康", "安庆", "百姓", "Bravo", "中华"]);
        assert!(sort_key(&"中".repeat(300)).len() < 80);
    }
}
