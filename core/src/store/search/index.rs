//! The full-text table: words written with a customer's row, and the query: ask the index, check on the text, rank.

use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};
use serde::Serialize;

use super::matching::{Place, Prepared};
use super::text::{compact, units, words};
use super::tokens::{Searchable, Tier, asked_digits, question, tokens};
use super::{QUERY_WORD_CHARS_MAX, QUERY_WORDS_MAX};
use crate::store::rows::{CustomerFilter, CustomerLine, LINE, LINE_COLUMNS, PAGE_LINES_MAX, customer_line};
use crate::store::{Reading, StoreError, Writing, int};

/// Customers that are looked at closely. A query that proposes more is so unspecific that only names that begin with it are sure to come first.
pub(super) const CANDIDATES_MAX: usize = 500;

/// Customers of which the words wait to be written together, some kilobytes each.
const WORDS_WAITING_MAX: usize = 500;

/// Where the weakest of the words was found: the better the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundIn {
    /// It is the name.
    WholeName,
    /// The name begins with it.
    NameBeginning,
    /// In the name.
    Name,
    /// In another name.
    Alias,
    /// A phone ends with it.
    PhoneEnd,
    /// In a phone.
    Phone,
    /// In the name of somebody there.
    Person,
    /// In an address.
    Address,
}

/// A customer that answers a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The customer.
    pub customer: CustomerLine,
    /// Where the weakest word was found.
    pub found_in: FoundIn,
}

/// What a query found, best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hits {
    /// The best.
    pub found: Vec<Found>,
    /// There is more than is listed: type more.
    pub more: bool,
}

struct Candidate {
    line: CustomerLine,
    aliases: String,
    addresses: String,
    people: String,
    phones: String,
    name_key: String,
}

/// A typed word in the forms in which it is compared.
struct Word {
    compact: String,
    digits: Option<String>,
}

impl Reading<'_> {
    /// Customers that answer every word of `query`, best first: whole names, beginnings of names, names, aliases, phones, people, addresses; shorter names before
    /// longer ones. At most `max` of them. A query without a letter, digit or sign finds nothing.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] for a filter of too many values, or the file cannot be read.
    pub fn search(&self, query: &str, filter: &CustomerFilter, max: usize) -> Result<Hits, StoreError> {
        let max = max.min(PAGE_LINES_MAX);
        let words = words(query, QUERY_WORDS_MAX, QUERY_WORD_CHARS_MAX);
        let (candidates, mut more) = self.candidates(&words, filter)?;
        let forms: Vec<Word> = words.iter().map(|word| Word { compact: compact(&units(word)), digits: asked_digits(word) }).collect();
        let mut ranked: Vec<_> = candidates
            .into_iter()
            .filter_map(|candidate| {
                let (places, length) = candidate.answer(&forms)?;
                Some(((places, length, candidate.name_key, candidate.line.subject), candidate.line))
            })
            .collect();
        ranked.sort_by(|a, b| a.0.cmp(&b.0));
        more |= ranked.len() > max;
        ranked.truncate(max);
        let found = ranked
            .into_iter()
            .filter_map(|((places, ..), customer)| Some(Found { customer, found_in: places.into_iter().max()? }))
            .collect();
        Ok(Hits { found, more })
    }

    /// What the index proposes, and whether there was too much of it.
    fn candidates(&self, words: &[String], filter: &CustomerFilter) -> Result<(Vec<Candidate>, bool), StoreError> {
        let Some(all) = question(words, Tier::All) else { return Ok((Vec::new(), false)) };
        let proposed = self.proposed(&all, filter, CANDIDATES_MAX + 1)?;
        if proposed.len() <= CANDIDATES_MAX {
            return Ok((self.read_candidates(&proposed)?, false));
        }
        let mut chosen: Vec<i64> = Vec::new();
        for tier in [Tier::Start, Tier::Name] {
            if let Some(narrower) = question(words, tier) {
                for no in self.proposed(&narrower, filter, CANDIDATES_MAX)? {
                    if chosen.len() < CANDIDATES_MAX && !chosen.contains(&no) {
                        chosen.push(no);
                    }
                }
            }
        }
        for no in proposed {
            if chosen.len() < CANDIDATES_MAX && !chosen.contains(&no) {
                chosen.push(no);
            }
        }
        Ok((self.read_candidates(&chosen)?, true))
    }

    fn proposed(&self, question: &str, filter: &CustomerFilter, max: usize) -> Result<Vec<i64>, StoreError> {
        let conditions = filter.conditions()?;
        // Without conditions the table of customers is not touched.
        let sql = if conditions.sql.is_empty() {
            format!("SELECT rowid FROM customer_search WHERE customer_search MATCH ? LIMIT {}", int(max))
        } else {
            let and = conditions.sql.replacen("WHERE", "AND", 1);
            format!(
                "SELECT s.rowid FROM customer_search s CROSS JOIN customer_row c ON c.no = s.rowid
                 WHERE s.customer_search MATCH ? {and} LIMIT {}",
                int(max)
            )
        };
        let values = std::iter::once(Value::Text(question.to_owned())).chain(conditions.values);
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(values), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn read_candidates(&self, chosen: &[i64]) -> Result<Vec<Candidate>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!(
            "SELECT {LINE}, c.aliases, c.addresses, c.people, c.name_key,
               coalesce((SELECT group_concat(p.digits, char(10)) FROM phone_row p WHERE p.customer = c.no), '')
             FROM customer_row c WHERE c.no = ?1"
        ))?;
        let mut out = Vec::with_capacity(chosen.len());
        for no in chosen {
            let mut rows = find.query([no])?;
            if let Some(row) = rows.next()? {
                out.push(Candidate {
                    line: customer_line(row)?,
                    aliases: row.get(LINE_COLUMNS)?,
                    addresses: row.get(LINE_COLUMNS + 1)?,
                    people: row.get(LINE_COLUMNS + 2)?,
                    name_key: row.get(LINE_COLUMNS + 3)?,
                    phones: row.get(LINE_COLUMNS + 4)?,
                });
            }
        }
        Ok(out)
    }
}

impl Candidate {
    /// Where each word was found, weakest first, and the length of the name; `None` when one was not.
    fn answer(&self, words: &[Word]) -> Option<(Vec<FoundIn>, usize)> {
        let name = Prepared::new(units(&self.line.name));
        let mut places = words.iter().map(|word| self.place(&name, word)).collect::<Option<Vec<_>>>()?;
        places.sort_unstable_by(|a, b| b.cmp(a));
        Some((places, name.length()))
    }

    fn place(&self, name: &Prepared, word: &Word) -> Option<FoundIn> {
        let inside = |texts: &str| texts.lines().any(|text| Prepared::new(units(text)).find(&word.compact).is_some());
        match name.find(&word.compact) {
            Some(Place::Whole) => return Some(FoundIn::WholeName),
            Some(Place::Beginning) => return Some(FoundIn::NameBeginning),
            Some(Place::Inside) => return Some(FoundIn::Name),
            None => {}
        }
        if inside(&self.aliases) {
            return Some(FoundIn::Alias);
        }
        if let Some(digits) = &word.digits {
            let mut phones = self.phones.lines();
            if phones.clone().any(|phone| phone.ends_with(digits.as_str())) {
                return Some(FoundIn::PhoneEnd);
            }
            if phones.any(|phone| phone.contains(digits.as_str())) {
                return Some(FoundIn::Phone);
            }
        }
        if inside(&self.people) {
            return Some(FoundIn::Person);
        }
        inside(&self.addresses).then_some(FoundIn::Address)
    }
}

impl Writing<'_> {
    /// Writes the words of a customer in place of what was there: with those of others, at the end of the transaction. The index
    /// puts what it gathered on pages whenever a statement in between may have to be undone by itself, as one on rows may.
    pub(in crate::store) fn put_words(&mut self, no: i64, what: &Searchable<'_>) -> Result<(), StoreError> {
        self.words.insert(no, tokens(what).into_iter().collect::<Vec<_>>().join(" "));
        if self.words.len() >= WORDS_WAITING_MAX { self.write_words() } else { Ok(()) }
    }

    /// Writes the words that wait.
    pub(in crate::store) fn write_words(&mut self) -> Result<(), StoreError> {
        for (no, words) in std::mem::take(&mut self.words) {
            self.conn
                .prepare_cached("INSERT OR REPLACE INTO customer_search (rowid, words) VALUES (?1, ?2)")?
                .execute(params![no, words])?;
        }
        Ok(())
    }

    pub(in crate::store) fn drop_words(&mut self, no: i64) -> Result<(), StoreError> {
        self.words.remove(&no);
        self.conn.prepare_cached("DELETE FROM customer_search WHERE rowid = ?1")?.execute([no])?;
        Ok(())
    }

    pub(in crate::store) fn drop_all_words(&mut self) -> Result<(), StoreError> {
        self.words.clear();
        self.conn.execute("INSERT INTO customer_search (customer_search) VALUES ('delete-all')", [])?;
        Ok(())
    }
}
