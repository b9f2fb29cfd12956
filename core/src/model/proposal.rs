//! Proposals and verifications, folded: what somebody asks for or attests, and what was decided. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::card::Said;
use super::clock::{Clocks, Corrected};
use super::value::Value;
use crate::crdt::document::Reader;
use crate::crdt::{Document, Heads};
use crate::ids::{DocId, SubjectId, UserId};

/// What a proposal asks for.
pub mod what {
    /// Set a field of the office side.
    pub const OFFICE_FIELD: &str = "office_field";
    /// Take an archived customer back into service: a visit says that it is alive.
    pub const REVIVE: &str = "revive";
    /// Accept a verification whose author was no longer entitled.
    pub const VERIFICATION: &str = "verification";
}

/// A proposal, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The document.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// State for deciding.
    #[serde(skip)]
    pub heads: Heads,
    /// One of [`what`].
    pub what: String,
    /// The field concerned.
    pub field: Option<String>,
    /// The value asked for.
    pub value: Value,
    /// Why.
    pub reason: Option<String>,
    /// The document that caused it.
    pub cause: Option<DocId>,
    /// Who asks; `None` for the system.
    pub by: Option<UserId>,
    /// When.
    pub at: Corrected,
    /// What was decided, best first when several decided apart.
    pub decisions: Vec<Said>,
}

/// A verification, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The document.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// The field.
    pub field: String,
    /// The value attested.
    pub value: Value,
    /// The assertion that was looked at.
    pub op: Option<String>,
    /// When that was observed.
    pub observed: Option<crate::ids::Ms>,
    /// Code of value set `decision`.
    pub decision: String,
    /// Code of value set `verify_method`.
    pub method: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Heads of the office side that its author saw, in hexadecimal: concurrent verifications stay concurrent.
    pub office_heads: Option<String>,
    /// Who.
    pub by: Option<UserId>,
    /// When.
    pub at: Corrected,
}

/// First writing of each register of a container: these documents are written once.
fn once(reader: &Reader<'_>, clocks: &Clocks, container: &str) -> BTreeMap<String, Said> {
    reader
        .registers(container)
        .into_iter()
        .filter_map(|register| {
            let first = Said::rivals(&register, clocks).into_iter().min_by(|a, b| a.op.cmp(&b.op))?;
            Some((register.key, first))
        })
        .collect()
}

impl Proposal {
    /// Folds a proposal document; `None` while it has no body.
    #[must_use]
    pub fn fold(doc: DocId, customer: SubjectId, document: &Document) -> Option<Self> {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        let body = once(&reader, &clocks, "body");
        let asked = body.get("what")?;
        let text = |field: &str| body.get(field).and_then(|said| said.value.as_text()).map(str::to_owned);
        let decisions = reader.registers("decision").into_iter().find(|register| register.key == "decision");
        Some(Self {
            doc,
            customer,
            heads: document.heads(),
            what: text("what")?,
            field: text("field"),
            value: body.get("value").map(|said| said.value.clone()).unwrap_or_default(),
            reason: text("reason"),
            cause: text("cause").and_then(|id| id.parse().ok()),
            by: asked.author,
            at: asked.written,
            decisions: decisions.map(|register| Said::rivals(&register, &clocks)).unwrap_or_default(),
        })
    }
    /// Whether nobody has decided.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.decisions.is_empty()
    }
    /// Code of value set `decision`, when somebody has decided.
    #[must_use]
    pub fn decision(&self) -> Option<&str> {
        self.decisions.first()?.value.get("decision")?.as_text()
    }
}

impl Verification {
    /// Folds a verification document; `None` while it has no body.
    #[must_use]
    pub fn fold(doc: DocId, customer: SubjectId, document: &Document) -> Option<Self> {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        let body = once(&reader, &clocks, "body");
        let text = |field: &str| body.get(field).and_then(|said| said.value.as_text()).map(str::to_owned);
        let said = body.get("field")?;
        Some(Self {
            doc,
            customer,
            field: text("field")?,
            value: body.get("value").map(|said| said.value.clone()).unwrap_or_default(),
            op: text("op"),
            observed: body.get("observed").and_then(|said| said.value.as_int()).map(crate::ids::Ms),
            decision: text("decision").unwrap_or_else(|| "accept".to_owned()),
            method: text("method"),
            reason: text("reason"),
            office_heads: text("office_heads"),
            by: said.author,
            at: said.written,
        })
    }
}
