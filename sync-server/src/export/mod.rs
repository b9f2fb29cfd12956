//! Customer lists for people and other programs. Belongs here: which columns a list has, and a list as `.xlsx` and `.csv`.
//! What is written can be imported again. Never here: which customers, who may see them, HTTP.
//!
//! * [`columns`] – the columns, titled by the schema · [`row`] – a card as one row · [`words`] – values as words.
//! * [`files`] – the bytes.

pub mod columns;
pub mod files;
pub mod row;
pub mod words;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]
mod tests;

/// What a spreadsheet program takes for the beginning of a formula in a text file.
pub const FORMULA_SIGNS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The language of titles and words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// 中文
    #[default]
    Zh,
    /// English
    En,
}

impl Language {
    /// One of two words.
    #[must_use]
    pub const fn of<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}
