//! The card: customer and office documents folded into what people see. Pure; the same on phone and headquarters.
//!
//! What is shown of a fact (the display rule):
//! 1. only reports → the best report, badge *unverified*;
//! 2. verified, and no newer differing report → the verified value;
//! 3. newer differing report, class A → the report, badge *newer than verified*;
//! 4. newer differing report, other classes → the verified value, badge *report waiting*.
//!
//! Between rival reports the later observation is best, bounded by the corrected time of writing, then the operation id.

mod facts;

use std::collections::BTreeMap;

use serde::Serialize;

use super::assertion::{Assertion, Source};
use super::clock::{Clocks, Corrected};
use super::kinds::{CUSTOMER, OFFICE};
use super::schema::Merge;
use super::value::Value;
use crate::crdt::document::Reader;
use crate::crdt::{Document, Heads, Register, Rival};
use crate::ids::{ChangeHash, EntryId, Ms, SubjectId, UserId};
pub(crate) use facts::plain_fact;
use facts::{Confirmed, counted, counters, freshen, join_twins, judged_fact, note_review};

/// A customer-filled number above the verified one by this factor is marked high.
pub const EXAGGERATION_FACTOR: i64 = 2;

/// One assertion with who made it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What was said.
    pub value: Value,
    /// Where it comes from.
    pub source: Source,
    /// The document behind it.
    pub source_doc: Option<String>,
    /// Free remark.
    pub note: Option<String>,
    /// Who is said to have made it, for imported rows.
    pub claimed_author: Option<String>,
    /// The person; `None` for what an import or the system wrote without one.
    pub author: Option<UserId>,
    /// Name of the operation: `counter@actor`.
    pub op: String,
    /// The change.
    pub change: ChangeHash,
    /// When it was written.
    pub written: Corrected,
    /// When it was observed: never after it was written.
    pub observed: Ms,
}

impl Serialize for ChangeHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Said {
    fn of(rival: &Rival, clocks: &Clocks) -> Option<Self> {
        let assertion = Assertion::of_rival(rival)?;
        let written = clocks.correct(&rival.change);
        Some(Self {
            observed: assertion.observed_at.map_or(written.at, |at| at.min(written.at)),
            value: assertion.value,
            source: assertion.source.unwrap_or_default(),
            source_doc: assertion.source_doc,
            note: assertion.note,
            claimed_author: assertion.claimed_author,
            author: rival.change.author,
            op: format!("{}@{}", rival.op.counter, rival.op.actor),
            change: rival.change.hash,
            written,
        })
    }
    /// The rivals of a register, best first.
    pub(crate) fn rivals(register: &Register, clocks: &Clocks) -> Vec<Self> {
        let mut ranked: Vec<(Ms, usize, Self)> = register
            .rivals
            .iter()
            .enumerate()
            .filter_map(|(order, rival)| Self::of(rival, clocks).map(|said| (said.observed, order, said)))
            .collect();
        ranked.sort_by_key(|(observed, order, _)| std::cmp::Reverse((*observed, *order)));
        ranked.into_iter().map(|(_, _, said)| said).collect()
    }
}

/// How a shown value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    /// Nothing to say: office values, and fields that are not verified.
    Plain,
    /// Reported, not verified (未审核).
    Unverified,
    /// Verified (已审核).
    Verified,
    /// A report newer than the verified value is shown (已有新报告).
    NewerThanVerified,
    /// The verified value is shown, a report waits (新报告待审核).
    ReportWaiting,
}

/// A verified value on the office side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The value.
    pub value: Value,
    /// The assertion it verifies.
    pub op: Option<String>,
    /// When that was observed.
    pub observed: Option<Ms>,
    /// Who verified.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
    /// How: code of value set `verify_method`.
    pub method: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// Assertions that were looked at and decided, rejected ones included.
    pub seen: Vec<String>,
}

/// One fact of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What is shown.
    pub value: Value,
    /// How it stands.
    pub badge: Badge,
    /// Every current assertion, best first.
    pub rivals: Vec<Said>,
    /// The verified value.
    pub verified: Option<Verified>,
    /// The report that waits for a decision.
    pub waiting: Option<Said>,
    /// Whether that report exceeds the verified number by [`EXAGGERATION_FACTOR`].
    pub high: bool,
    /// When the shown value was last confirmed (仍正确).
    pub confirmed_at: Option<Ms>,
    /// Until when it counts as fresh; `None` for ever.
    pub fresh_until: Option<Ms>,
}

/// One element of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Element {
    /// The text or code.
    pub value: String,
    /// Who added it last.
    pub said: Said,
}

/// One entry of a keyed list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// Its fields.
    pub fields: BTreeMap<String, Fact>,
    /// Somebody removed it while somebody else edited it: kept, and marked.
    pub kept: bool,
    /// Entries that say the same (equal normal form of a phone number); removing one removes all.
    pub twins: Vec<EntryId>,
}

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Its id.
    pub id: String,
    /// What was written.
    pub said: Said,
}

/// A field on which people disagree: shown to whoever may decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Path of the field: `turnover`, `addresses/<entry>/text`, `verified/turnover`.
    pub path: String,
    /// The values, best first.
    pub options: Vec<Said>,
}

/// A customer card, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// The customer.
    pub subject: SubjectId,
    /// State of the field side, for editing: see [`Heads`].
    #[serde(skip)]
    pub heads: Heads,
    /// State of the office side.
    #[serde(skip)]
    pub office_heads: Heads,
    /// Facts and registers by field, company fields (`x.…`) included.
    pub facts: BTreeMap<String, Fact>,
    /// Sets by field.
    pub sets: BTreeMap<String, Vec<Element>>,
    /// Keyed lists by field, live entries only.
    pub lists: BTreeMap<String, Vec<Entry>>,
    /// Texts by field.
    pub texts: BTreeMap<String, String>,
    /// Logs by field, in order of corrected time.
    pub logs: BTreeMap<String, Vec<LogEntry>>,
    /// The office side.
    pub office: BTreeMap<String, Fact>,
    /// What people disagree about.
    pub reviews: Vec<Review>,
    /// When the customer card was begun.
    pub created: Option<Corrected>,
    /// Latest corrected time of any change of the field side.
    pub changed: Option<Ms>,
}

impl Card {
    /// Folds the two sides of a card.
    #[must_use]
    pub fn fold(subject: SubjectId, customer: &Document, office: Option<&Document>) -> Self {
        let reader = customer.reader();
        let office_reader = office.map(Document::reader);
        let mut card = Self {
            subject,
            heads: customer.heads(),
            office_heads: office.map(Document::heads).unwrap_or_default(),
            facts: BTreeMap::new(),
            sets: BTreeMap::new(),
            lists: BTreeMap::new(),
            texts: BTreeMap::new(),
            logs: BTreeMap::new(),
            office: BTreeMap::new(),
            reviews: Vec::new(),
            created: None,
            changed: None,
        };
        let clocks = Clocks::of(&reader);
        let verified = office_reader.as_ref().map(|reader| verified_slots(reader, &mut card.reviews)).unwrap_or_default();
        let confirmed = Confirmed::of(&reader);
        card.fold_facts(&reader, &clocks, &verified, &confirmed);
        card.fold_sets(&reader, &clocks);
        card.fold_lists(&reader, &clocks, &confirmed);
        card.fold_logs(&reader, &clocks);
        card.texts = CUSTOMER
            .fields()
            .filter(|field| field.merge == Merge::Text)
            .filter_map(|field| Some((field.id.to_string(), customer.text(&field.id)?)))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        if let Some(reader) = &office_reader {
            let clocks = Clocks::of(reader);
            for register in reader.registers("facts") {
                let rivals = Said::rivals(&register, &clocks);
                let field = OFFICE.field(&register.key);
                if let Some(fact) = plain_fact(rivals) {
                    note_review(&mut card.reviews, &format!("office/{}", register.key), field, &fact.rivals);
                    card.office.insert(register.key, fact);
                }
            }
        }
        let written = reader.changes().filter(|change| change.author.is_some());
        for corrected in written.map(|change| clocks.correct(change)) {
            card.changed = card.changed.max(Some(corrected.at));
            if card.created.is_none_or(|created| corrected.at < created.at) {
                card.created = Some(corrected);
            }
        }
        card.reviews.sort_by(|a, b| a.path.cmp(&b.path));
        card
    }

    fn fold_facts(&mut self, reader: &Reader<'_>, clocks: &Clocks, verified: &BTreeMap<String, Verified>, confirmed: &Confirmed) {
        let mut registers: BTreeMap<String, Vec<Said>> =
            reader.registers("facts").into_iter().map(|register| (register.key.clone(), Said::rivals(&register, clocks))).collect();
        for field in verified.keys() {
            registers.entry(field.clone()).or_default();
        }
        for (id, rivals) in registers {
            let field = CUSTOMER.field(&id);
            note_review(&mut self.reviews, &id, field, &rivals);
            let is_fact = field.is_none_or(|field| field.merge == Merge::Fact);
            let fact = if is_fact { judged_fact(field, rivals, verified.get(&id)) } else { plain_fact(rivals) };
            if let Some(mut fact) = fact {
                let at = confirmed.at(format_args!("{id}"), &fact.value);
                freshen(&mut fact, field, at);
                self.facts.insert(id, fact);
            }
        }
    }

    fn fold_sets(&mut self, reader: &Reader<'_>, clocks: &Clocks) {
        for register in reader.registers("sets") {
            let Some((field, element)) = register.key.split_once('/') else { continue };
            let live = Said::rivals(&register, clocks).into_iter().find(|said| said.value.as_bool() == Some(true));
            if let Some(said) = live {
                self.sets.entry(field.to_owned()).or_default().push(Element { value: element.to_owned(), said });
            }
        }
    }

    fn fold_lists(&mut self, reader: &Reader<'_>, clocks: &Clocks, confirmed: &Confirmed) {
        let mut entries: BTreeMap<(String, EntryId), EntryRegisters> = BTreeMap::new();
        for register in reader.registers("entries") {
            let mut path = register.key.splitn(3, '/');
            let (Some(list), Some(entry), Some(field)) = (path.next(), path.next(), path.next()) else { continue };
            let Ok(entry) = entry.parse::<EntryId>() else { continue };
            let rivals = Said::rivals(&register, clocks);
            entries.entry((list.to_owned(), entry)).or_default().push((field.to_owned(), rivals));
        }
        let mut moved = counters(reader);
        for ((list, id), registers) in entries {
            let live = registers.iter().find(|(field, _)| field == LIVE).map(|(_, rivals)| rivals.as_slice()).unwrap_or_default();
            if !live.iter().any(|said| said.value.as_bool() == Some(true)) {
                continue;
            }
            let kept = live.iter().any(|said| said.value.as_bool() == Some(false));
            let schema = CUSTOMER.field(&list);
            let mut fields = BTreeMap::new();
            for (name, rivals) in registers.into_iter().filter(|(name, _)| name != LIVE) {
                let field = schema.and_then(|schema| schema.entry_fields().iter().find(|field| field.id == name));
                note_review(&mut self.reviews, &format!("{list}/{id}/{name}"), field, &rivals);
                if let Some(mut fact) = plain_fact(rivals) {
                    let at = confirmed.at(format_args!("{list}/{id}/{name}"), &fact.value);
                    freshen(&mut fact, schema, at);
                    fields.insert(name, fact);
                }
            }
            for (name, sum) in moved.remove(&format!("{list}/{id}")).unwrap_or_default() {
                fields.insert(name, counted(sum));
            }
            self.lists.entry(list).or_default().push(Entry { id, fields, kept, twins: Vec::new() });
        }
        if let Some(phones) = self.lists.get_mut("phones") {
            join_twins(phones);
        }
    }

    fn fold_logs(&mut self, reader: &Reader<'_>, clocks: &Clocks) {
        self.logs = logs(reader, clocks, "log");
    }

    /// What is shown of a field of the field side, or of the office side; null when there is nothing.
    #[must_use]
    pub fn value(&self, field: &str) -> &Value {
        self.facts.get(field).or_else(|| self.office.get(field)).map_or(&Value::Null, |fact| &fact.value)
    }

    /// Shown text of a field.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.value(field).as_text()
    }

    /// Position of the shop, or of the first address that has one: latitude and longitude in 1e-7 degrees, WGS-84.
    #[must_use]
    pub fn position(&self) -> Option<(i64, i64)> {
        let entries = self.lists.get("addresses")?;
        let is_shop = |entry: &&Entry| entry.fields.get("kind").is_none_or(|kind| kind.value.as_text() == Some("shop"));
        let geo = |entry: &Entry| {
            let geo = &entry.fields.get("geo")?.value;
            Some((geo.get("lat")?.as_int()?, geo.get("lon")?.as_int()?))
        };
        entries.iter().filter(is_shop).find_map(geo).or_else(|| entries.iter().find_map(geo))
    }

    /// Share of the weighted, filled facts that are fresh at a moment, in percent; `None` for an empty card.
    #[must_use]
    pub fn freshness_percent(&self, now: Ms) -> Option<u8> {
        let (fresh, all) = self.weighted().fold((0u32, 0u32), |(fresh, all), (weight, until)| {
            (fresh + if until.is_none_or(|until| until >= now) { weight } else { 0 }, all + weight)
        });
        (fresh * 100).checked_div(all).and_then(|percent| u8::try_from(percent).ok())
    }

    /// The moment from which less than half of the weighted, filled facts are fresh; `None` for never.
    #[must_use]
    pub fn stale_from(&self) -> Option<Ms> {
        let all: u32 = self.weighted().map(|(weight, _)| weight).sum();
        let mut ends: Vec<(Ms, u32)> = self.weighted().filter_map(|(weight, until)| until.map(|until| (until, weight))).collect();
        ends.sort_unstable();
        let mut stale = 0;
        ends.into_iter().find_map(|(until, weight)| {
            stale += weight;
            (stale * 2 > all).then_some(until)
        })
    }

    fn weighted(&self) -> impl Iterator<Item = (u32, Option<Ms>)> {
        let facts = CUSTOMER.fields().filter_map(|field| Some((field, self.facts.get(field.id.as_ref())?.fresh_until)));
        let lists = CUSTOMER.fields().filter_map(|field| {
            let entries = self.lists.get(field.id.as_ref())?;
            let until = entries.iter().flat_map(|entry| entry.fields.values()).map(|fact| fact.fresh_until).max()?;
            Some((field, until))
        });
        facts.chain(lists).filter(|(field, _)| field.weight > 0).map(|(field, until)| (u32::from(field.weight), until))
    }

    /// Share of the weighted fields that have a value, in percent.
    #[must_use]
    pub fn completeness_percent(&self) -> u8 {
        let (filled, all) = CUSTOMER.fields().fold((0u32, 0u32), |(filled, all), field| {
            let id = field.id.as_ref();
            let has = self.facts.get(id).is_some_and(|fact| !fact.value.is_null())
                || self.sets.contains_key(id)
                || self.lists.contains_key(id)
                || self.texts.contains_key(id);
            let weight = u32::from(field.weight);
            (filled + if has { weight } else { 0 }, all + weight)
        });
        u8::try_from((filled * 100).checked_div(all).unwrap_or(0)).unwrap_or(100)
    }
}

/// The registers of one entry: field and rivals, best first.
type EntryRegisters = Vec<(String, Vec<Said>)>;

/// Name of the presence register of an entry.
pub(crate) const LIVE: &str = "live";

pub(crate) fn logs(reader: &Reader<'_>, clocks: &Clocks, container: &str) -> BTreeMap<String, Vec<LogEntry>> {
    let mut logs: BTreeMap<String, Vec<LogEntry>> = BTreeMap::new();
    for register in reader.registers(container) {
        let Some((log, entry)) = register.key.split_once('/') else { continue };
        // Write-once: the first writing stands.
        let first = Said::rivals(&register, clocks).into_iter().min_by(|a, b| (a.written.at, &a.op).cmp(&(b.written.at, &b.op)));
        if let Some(said) = first {
            logs.entry(log.to_owned()).or_default().push(LogEntry { id: entry.to_owned(), said });
        }
    }
    for entries in logs.values_mut() {
        entries.sort_by(|a, b| (a.said.written.at, &a.said.op).cmp(&(b.said.written.at, &b.said.op)));
    }
    logs
}

fn verified_slots(reader: &Reader<'_>, reviews: &mut Vec<Review>) -> BTreeMap<String, Verified> {
    let clocks = Clocks::of(reader);
    let mut slots = BTreeMap::new();
    for register in reader.registers("verified") {
        let rivals = Said::rivals(&register, &clocks);
        let differ = rivals.iter().any(|said| rivals.first().is_some_and(|first| first.value.get("value") != said.value.get("value")));
        if differ {
            reviews.push(Review { path: format!("verified/{}", register.key), options: rivals.clone() });
        }
        // The moment of verifying decides, not the one at which headquarters wrote it down.
        let made = |said: &Said| Verified::of(said).at;
        if let Some(best) = rivals.into_iter().max_by(|a, b| (made(a), &a.op).cmp(&(made(b), &b.op))) {
            slots.insert(register.key, Verified::of(&best));
        }
    }
    slots
}

impl Verified {
    fn of(said: &Said) -> Self {
        let text = |name: &str| said.value.get(name).and_then(Value::as_text).map(str::to_owned);
        let seen = said.value.get("seen").and_then(Value::as_list).unwrap_or_default();
        Self {
            value: said.value.get("value").cloned().unwrap_or_default(),
            op: text("op"),
            observed: said.value.get("observed").and_then(Value::as_int).map(Ms),
            by: text("by").and_then(|by| by.parse().ok()).or(said.author),
            at: said.value.get("at").and_then(Value::as_int).map_or(said.written.at, Ms),
            method: text("method"),
            reason: text("reason"),
            seen: seen.iter().filter_map(Value::as_text).map(str::to_owned).collect(),
        }
    }
    /// The register's value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::map([
            ("value", self.value.clone()),
            ("op", self.op.clone().into()),
            ("observed", self.observed.map(|at| at.0).into()),
            ("by", self.by.map(|by| by.to_string()).into()),
            ("at", Value::Int(self.at.0)),
            ("method", self.method.clone().into()),
            ("reason", self.reason.clone().into()),
            ("seen", Value::List(self.seen.iter().cloned().map(Value::Text).collect())),
        ])
    }
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;
