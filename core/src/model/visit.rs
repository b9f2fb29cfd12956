//! A visit, folded: its sealed body, amendments in order, notes, and what is known of its times. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::card::{LogEntry, Said, logs};
use super::clock::{Clocks, Corrected};
use super::value::Value;
use crate::crdt::Document;
use crate::ids::{DocId, Ms, SubjectId, UserId};

/// Radius in metres within which a check-in counts as inside the shop.
pub const INSIDE_METRES: i64 = 200;

/// A visit, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Visit {
    /// The document.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// Who visited.
    pub rep: Option<UserId>,
    /// Check-in: device time and corrected time.
    pub check_in: Corrected,
    /// Check-out; `None` when it was closed without (no_checkout).
    pub check_out: Option<Corrected>,
    /// Monotonic record number on its device: orders visits whose clock was wrong.
    pub recorded_no: i64,
    /// Body fields by id, amendments applied.
    pub fields: BTreeMap<String, Value>,
    /// Corrections, oldest first.
    pub amendments: Vec<LogEntry>,
    /// Notes of supervisors and managers, oldest first.
    pub notes: Vec<LogEntry>,
    /// The visit that somebody says this one doubles.
    pub same_as: Option<DocId>,
    /// When it was sealed.
    pub sealed: Corrected,
}

impl Visit {
    /// Folds a visit document; `None` when it is not sealed yet.
    #[must_use]
    pub fn fold(doc: DocId, customer: SubjectId, document: &Document) -> Option<Self> {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        let mut body: BTreeMap<String, Said> = BTreeMap::new();
        for register in reader.registers("body") {
            // Written once: the first writing stands, whatever came later.
            let first = Said::rivals(&register, &clocks).into_iter().min_by(|a, b| a.op.cmp(&b.op));
            if let Some(said) = first {
                body.insert(register.key, said);
            }
        }
        let seal = body.get("check_out").or_else(|| body.get("check_in"))?;
        let sealed = seal.written;
        let shift = sealed.at.since(sealed.claimed);
        let rep = body.get("rep").and_then(|said| said.value.as_text()).and_then(|id| id.parse().ok()).or(seal.author);
        let moment = |field: &str| {
            let claimed = Ms(body.get(field)?.value.get("claimed")?.as_int()?);
            // The same clock made both stamps and the change: one correction fits all, unless only a lower bound is known.
            let at = if sealed.unsure { claimed.max(sealed.at) } else { claimed.plus(shift) };
            Some(Corrected { claimed, at, unsure: sealed.unsure, offset_ms: sealed.offset_ms })
        };
        let check_in = moment("check_in").unwrap_or(sealed);
        let check_out = moment("check_out");
        let recorded_no = body.get("recorded_no").and_then(|said| said.value.as_int()).unwrap_or(0);
        let mut fields: BTreeMap<String, Value> = body.into_iter().map(|(field, said)| (field, said.value)).collect();
        let amendments = entries(&reader, &clocks, "amendments");
        for amendment in &amendments {
            if let (Some(field), Some(value)) =
                (amendment.said.value.get("field").and_then(Value::as_text), amendment.said.value.get("value"))
            {
                fields.insert(field.to_owned(), value.clone());
            }
        }
        let same_as = reader.registers("notes").into_iter().find(|register| register.key == SAME_AS).and_then(|register| {
            let rivals = Said::rivals(&register, &clocks);
            rivals.first()?.value.as_text()?.parse().ok()
        });
        Some(Self {
            doc,
            customer,
            rep,
            check_in,
            check_out,
            recorded_no,
            fields,
            amendments,
            notes: entries(&reader, &clocks, "notes"),
            same_as,
            sealed,
        })
    }

    /// Shown text of a field.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_text)
    }

    /// Whether two visits may be one that was entered twice: same representative, same customer, overlapping times.
    #[must_use]
    pub fn may_double(&self, other: &Self) -> bool {
        let end = |visit: &Self| visit.check_out.map_or(visit.check_in.at, |out| out.at);
        self.doc != other.doc
            && self.rep == other.rep
            && self.customer == other.customer
            && self.check_in.at <= end(other)
            && other.check_in.at <= end(self)
    }
}

/// Key in container `notes` of the visit that this one doubles.
pub const SAME_AS: &str = "same_as";

fn entries(reader: &crate::crdt::document::Reader<'_>, clocks: &Clocks, container: &str) -> Vec<LogEntry> {
    logs(reader, clocks, container).into_values().flatten().collect()
}
