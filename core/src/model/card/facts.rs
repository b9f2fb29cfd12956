//! From rivals to what is shown: the display rule of a fact, its freshness, what goes up for review, equal phones. Never here:
//! which container holds what (`card`).

use std::collections::BTreeMap;

use super::{Badge, EXAGGERATION_FACTOR, Entry, Fact, Review, Said, Verified};
use crate::crdt::document::Reader;
use crate::ids::Ms;
use crate::model::assertion::Assertion;
use crate::model::normal;
use crate::model::schema::{Class, Field, FieldType};
use crate::model::value::Value;

/// When which value of which path was last confirmed (仍正确).
pub(super) struct Confirmed(BTreeMap<String, Ms>);

impl Confirmed {
    pub(super) fn of(reader: &Reader<'_>) -> Self {
        let mut latest = BTreeMap::new();
        for register in reader.registers("confirmed") {
            let moments = register.rivals.iter().filter_map(|rival| Assertion::of_rival(rival)?.value.as_int().map(Ms));
            if let Some(at) = moments.max() {
                latest.insert(register.key.clone(), at);
            }
        }
        Self(latest)
    }

    pub(super) fn at(&self, path: std::fmt::Arguments<'_>, value: &Value) -> Option<Ms> {
        // Most cards have none: then no value has to be named.
        if self.0.is_empty() { None } else { self.0.get(&format!("{path}/{}", normal::value_tag(value))).copied() }
    }
}

pub(super) fn counters(reader: &Reader<'_>) -> BTreeMap<String, BTreeMap<String, i64>> {
    let mut sums: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for register in reader.registers("moves") {
        let mut path = register.key.splitn(4, '/');
        let (Some(list), Some(entry), Some(field), Some(_)) = (path.next(), path.next(), path.next(), path.next()) else { continue };
        let by = register.rivals.first().and_then(|rival| Assertion::of_rival(rival)?.value.as_int()).unwrap_or(0);
        let sum = sums.entry(format!("{list}/{entry}")).or_default().entry(field.to_owned()).or_default();
        *sum = sum.saturating_add(by);
    }
    sums
}

pub(super) fn counted(sum: i64) -> Fact {
    Fact {
        value: Value::Int(sum),
        badge: Badge::Plain,
        rivals: Vec::new(),
        verified: None,
        waiting: None,
        high: false,
        confirmed_at: None,
        fresh_until: None,
    }
}

pub(crate) fn plain_fact(rivals: Vec<Said>) -> Option<Fact> {
    let value = rivals.first()?.value.clone();
    Some(Fact { rivals, ..counted(0) }).map(|fact| Fact { value, ..fact })
}

pub(super) fn judged_fact(field: Option<&Field>, rivals: Vec<Said>, verified: Option<&Verified>) -> Option<Fact> {
    let Some(verified) = verified else {
        return plain_fact(rivals).map(|fact| Fact { badge: Badge::Unverified, ..fact });
    };
    let ty = field.map_or(&FieldType::Structure, |field| &field.ty);
    let same = |said: &Said| normal::value(ty, &said.value) == normal::value(ty, &verified.value);
    let settled = |said: &Said| verified.op.as_ref() == Some(&said.op) || verified.seen.contains(&said.op);
    let newer = |said: &Said| verified.observed.is_none_or(|observed| said.observed > observed);
    let waiting = rivals.iter().find(|said| !settled(said) && !same(said) && newer(said)).cloned();
    let high = waiting.as_ref().is_some_and(|said| exceeds(&said.value, &verified.value));
    let class = field.map_or(Class::A, |field| field.class);
    let (value, badge) = match &waiting {
        None => (verified.value.clone(), Badge::Verified),
        Some(report) if class == Class::A => (report.value.clone(), Badge::NewerThanVerified),
        Some(_) => (verified.value.clone(), Badge::ReportWaiting),
    };
    Some(Fact { value, badge, rivals, verified: Some(verified.clone()), waiting, high, confirmed_at: None, fresh_until: None })
}

fn exceeds(report: &Value, verified: &Value) -> bool {
    let amount = |value: &Value| value.as_int().or_else(|| value.get("amount")?.as_int());
    match (amount(report), amount(verified)) {
        (Some(report), Some(verified)) => report > verified.saturating_mul(EXAGGERATION_FACTOR),
        _ => false,
    }
}

pub(super) fn freshen(fact: &mut Fact, field: Option<&Field>, confirmed_at: Option<Ms>) {
    fact.confirmed_at = confirmed_at;
    let shown = fact.rivals.iter().find(|said| said.value == fact.value).map(|said| said.observed);
    let verified = fact.verified.as_ref().filter(|slot| slot.value == fact.value).map(|slot| slot.observed.unwrap_or(slot.at));
    let seen = shown.max(verified).max(confirmed_at);
    let days = field.and_then(|field| field.fresh_days);
    fact.fresh_until = seen.zip(days).map(|(seen, days)| seen.plus(i64::from(days) * Ms::DAY));
}

pub(super) fn note_review(reviews: &mut Vec<Review>, path: &str, field: Option<&Field>, rivals: &[Said]) {
    let Some(field) = field.filter(|field| matches!(field.class, Class::B | Class::C)) else { return };
    let Some(first) = rivals.first() else { return };
    let disputed = rivals
        .iter()
        .any(|other| other.author != first.author && normal::value(&field.ty, &other.value) != normal::value(&field.ty, &first.value));
    if disputed {
        reviews.push(Review { path: path.to_owned(), options: rivals.to_vec() });
    }
}

/// Entries with equal normal numbers become one, the lowest id, with the others as twins.
pub(super) fn join_twins(phones: &mut Vec<Entry>) {
    let number = |entry: &Entry| entry.fields.get("number").and_then(|fact| fact.value.as_text()).map(normal::phone);
    let mut joined: Vec<Entry> = Vec::new();
    for entry in std::mem::take(phones) {
        let same = number(&entry).filter(|number| !number.is_empty());
        match joined.iter_mut().find(|first| same.is_some() && number(first) == same) {
            Some(first) => {
                first.twins.push(entry.id);
                if let (Some(ours), Some(theirs)) = (first.fields.get_mut("number"), entry.fields.get("number")) {
                    ours.rivals.extend(theirs.rivals.iter().cloned());
                }
            }
            None => joined.push(entry),
        }
    }
    *phones = joined;
}
