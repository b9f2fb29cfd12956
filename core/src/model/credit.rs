//! The credit file of a customer (客户信用档案), folded, and the badge that phones see of it. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::card::{Card, Fact, LogEntry, Said, logs, plain_fact};
use super::clock::{Clocks, Corrected};
use super::value::Value;
use crate::crdt::{Document, Heads};
use crate::ids::{DocId, Ms, SubjectId, UserId};

/// Register of the office side that holds the badge.
pub const BADGE: &str = "credit_badge";
/// The grade of a dangerous customer: nothing is supplied.
pub const GRADE_DANGEROUS: &str = "5";
/// Highest share of the limit that a badge tells, in percent.
const PERCENT_MAX: i64 = 999;

/// A credit file, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreditFile {
    /// The customer.
    pub customer: SubjectId,
    /// State for editing: see [`Heads`].
    #[serde(skip)]
    pub heads: Heads,
    /// Registers by field.
    pub facts: BTreeMap<String, Fact>,
    /// Past problems and agency reports, in order of corrected time.
    pub logs: BTreeMap<String, Vec<LogEntry>>,
    /// Latest corrected time of any change.
    pub changed: Option<Ms>,
}

impl CreditFile {
    /// Folds a document.
    #[must_use]
    pub fn fold(customer: SubjectId, document: &Document) -> Self {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        let registers = reader.registers("facts").into_iter();
        Self {
            customer,
            heads: document.heads(),
            facts: registers
                .filter_map(|register| {
                    let rivals = Said::rivals(&register, &clocks);
                    Some((register.key, plain_fact(rivals)?))
                })
                .collect(),
            logs: logs(&reader, &clocks, "log"),
            changed: reader.changes().filter(|change| change.author.is_some()).map(|change| clocks.correct(change).at).max(),
        }
    }

    fn value(&self, field: &str) -> &Value {
        self.facts.get(field).map_or(&Value::Null, |fact| &fact.value)
    }

    /// What phones see of it.
    #[must_use]
    pub fn badge(&self) -> CreditBadge {
        let amount = |field: &str| self.value(field).get("amount").and_then(Value::as_int);
        let grade = self.value("grade").as_text().map(str::to_owned);
        let used_percent = match (amount("exposure"), amount("limit")) {
            (Some(used), Some(limit)) if used > 0 && limit > 0 => Some(used.saturating_mul(100) / limit),
            (Some(used), Some(_)) if used > 0 => Some(PERCENT_MAX),
            (Some(_), Some(_)) => Some(0),
            _ => None,
        };
        let on_hold = self.value("hold").as_bool() == Some(true);
        CreditBadge {
            hold: on_hold || grade.as_deref() == Some(GRADE_DANGEROUS) || used_percent.is_some_and(|percent| percent > 100),
            used_percent: used_percent.map(|percent| percent.min(PERCENT_MAX)),
            terms: self.value("terms").as_text().map(str::to_owned),
            grade,
        }
    }
}

/// What a representative's phone holds of a credit file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CreditBadge {
    /// Code of value set `credit_grade`.
    pub grade: Option<String>,
    /// Trade terms (交易条件).
    pub terms: Option<String>,
    /// Share of the limit that is used, in percent.
    pub used_percent: Option<i64>,
    /// Nothing is to be supplied: somebody said so, the customer is dangerous, or the limit is passed.
    pub hold: bool,
}

impl CreditBadge {
    /// The badge of a card; `None` when headquarters keeps no credit file.
    #[must_use]
    pub fn of(card: &Card) -> Option<Self> {
        let value = &card.office.get(BADGE)?.value;
        let text = |name: &str| value.get(name).and_then(Value::as_text).map(str::to_owned);
        Some(Self {
            grade: text("grade"),
            terms: text("terms"),
            used_percent: value.get("used_percent").and_then(Value::as_int),
            hold: value.get("hold").and_then(Value::as_bool) == Some(true),
        })
    }

    /// The register's value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::map([
            ("grade", self.grade.clone().into()),
            ("terms", self.terms.clone().into()),
            ("used_percent", self.used_percent.into()),
            ("hold", self.hold.into()),
        ])
    }
}

/// An observation of a customer's credit, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// The document.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// What was seen.
    pub text: String,
    /// Who saw it.
    pub by: Option<UserId>,
    /// When.
    pub at: Corrected,
}

impl Observation {
    /// Folds an observation; `None` while it has no text. Written once: the first writing stands.
    #[must_use]
    pub fn fold(doc: DocId, customer: SubjectId, document: &Document) -> Option<Self> {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        let register = reader.registers("body").into_iter().find(|register| register.key == "text")?;
        let said = Said::rivals(&register, &clocks).into_iter().min_by(|a, b| a.op.cmp(&b.op))?;
        Some(Self { doc, customer, text: said.value.as_text()?.to_owned(), by: said.author, at: said.written })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]
mod tests {
    use super::super::kinds::{self, CREDIT};
    use super::super::{Edit, EditError, Provenance, edit};
    use super::*;
    use crate::crdt::ChangeStamp;
    use crate::ids::ActorId;

    fn yuan(amount: i64) -> Value {
        Value::map([("amount", Value::Int(amount * 100)), ("currency", "CNY".into())])
    }

    fn file(facts: &[(&str, Value)]) -> CreditFile {
        let mut document = kinds::ready(CREDIT.id).unwrap().genesis.clone();
        let edits: Vec<Edit> = facts
            .iter()
            .map(|(field, value)| Edit::Assert { field: (*field).to_owned(), value: value.clone(), provenance: Provenance::default() })
            .collect();
        let stamp = ChangeStamp {
            actor: ActorId::from_slice(&[1; 16]).unwrap(),
            author: Some(UserId::from_bytes([2; 16])),
            time: Ms(1_772_424_000_000),
            note: None,
        };
        document.write::<EditError>(None, &stamp, |writer| edit::write(&CREDIT, &edits, writer)).unwrap();
        CreditFile::fold(SubjectId::from_bytes([7; 16]), &document)
    }

    #[test]
    fn the_badge_says_grade_terms_share_and_hold_and_nothing_else() {
        let badge = file(&[("grade", "2".into()), ("limit", yuan(10_000)), ("exposure", yuan(7_000)), ("terms", "30天".into())]).badge();
        let expected = CreditBadge { grade: Some("2".into()), terms: Some("30天".into()), used_percent: Some(70), hold: false };
        assert_eq!(badge, expected);
        let Value::Map(parts) = badge.to_value() else { panic!("a badge is a map") };
        assert_eq!(parts.keys().map(String::as_str).collect::<Vec<_>>(), ["grade", "hold", "terms", "used_percent"]);
    }

    #[test]
    fn a_customer_is_on_hold_by_word_by_grade_and_by_amount() {
        let hold = |facts: &[(&str, Value)]| file(facts).badge().hold;
        assert!(!hold(&[("grade", "4".into())]));
        assert!(hold(&[("hold", true.into())]));
        assert!(hold(&[("grade", "5".into()), ("hold", false.into())]));
        assert!(!hold(&[("limit", yuan(100)), ("exposure", yuan(100))]), "the limit itself may be used");
        assert!(hold(&[("limit", yuan(100)), ("exposure", yuan(101))]));
        assert!(hold(&[("limit", yuan(0)), ("exposure", yuan(1))]), "no limit, and something is owed");
        assert!(!hold(&[("exposure", yuan(1))]), "no limit was set");
        let far = file(&[("limit", yuan(1)), ("exposure", yuan(i64::MAX / 1_000))]).badge();
        assert_eq!(far.used_percent, Some(PERCENT_MAX));
    }
}
