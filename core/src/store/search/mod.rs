//! Finding customers by what people type: Chinese substrings, pinyin, initials, parts of phone numbers; several words mean all of them.
//!
//! * [`text`] – a text as a line of units: single characters of Chinese, words of letters and digits. Pure.
//! * [`pinyin`] – readings of a character, all of them. Pure.
//! * [`tokens`] – the words of the index for a customer, and the question to the index for what was typed. Pure.
//! * [`matching`] – whether and how well a text answers a word; the index only proposes, this decides. Pure.
//! * [`index`] – the full-text table, and the query.

mod index;
mod matching;
mod pinyin;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

pub use index::{Found, FoundIn, Hits};
pub(super) use pinyin::sort_key;
pub(super) use tokens::Searchable;

/// Words of a query that are looked at; further ones are ignored.
pub const QUERY_WORDS_MAX: usize = 8;
/// Characters of one word of a query; the rest is cut.
pub const QUERY_WORD_CHARS_MAX: usize = 60;
