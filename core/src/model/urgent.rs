//! An urgent report, folded: what was reported, and the chain of what was done about it. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::card::{Said, logs};
use super::clock::{Clocks, Corrected};
use super::value::Value;
use crate::blobs::content::Content;
use crate::crdt::{Document, Heads};
use crate::ids::{DocId, SubjectId, UserId};

/// Most bytes of the picture inside a report.
pub const PICTURE_BYTES_MAX: usize = 30 << 10;
/// Key of the picture in its container.
pub const PICTURE: &str = "picture";
/// The author of what headquarters writes on nobody's behalf.
pub const HEADQUARTERS: UserId = UserId::from_bytes([0; 16]);

/// How a report stands: open → taken → closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UrgentState {
    /// Nobody works on it.
    Open,
    /// Somebody works on it.
    Taken,
    /// Done.
    Closed,
}

impl UrgentState {
    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Closed => "closed",
        }
    }
    /// The state of a code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code {
            "closed" => Self::Closed,
            "taken" => Self::Taken,
            _ => Self::Open,
        }
    }
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handled {
    /// Code of value set `handling`.
    pub what: String,
    /// Free remark.
    pub note: Option<String>,
    /// Whom it was escalated to.
    pub to: Option<UserId>,
    /// Who; `None` for headquarters itself.
    pub by: Option<UserId>,
    /// When.
    pub at: Corrected,
}

/// An urgent report, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Urgent {
    /// The document.
    pub doc: DocId,
    /// What it is filed under: the customer, or the document itself.
    pub subject: SubjectId,
    /// State for handling.
    #[serde(skip)]
    pub heads: Heads,
    /// Code of value set `urgent_kind`.
    pub kind: String,
    /// Code of value set `severity`.
    pub severity: String,
    /// The customer, when it is about one.
    pub customer: Option<SubjectId>,
    /// The territory, as the reporter said.
    pub territory: Option<String>,
    /// What was reported.
    pub text: String,
    /// Who reported.
    pub by: Option<UserId>,
    /// When.
    pub at: Corrected,
    /// The small picture, when there is one that is a picture.
    #[serde(skip)]
    pub picture: Option<Vec<u8>>,
    /// What was done, oldest first.
    pub handling: Vec<Handled>,
}

impl Urgent {
    /// Folds a report; `None` while it has no body.
    #[must_use]
    pub fn fold(doc: DocId, subject: SubjectId, document: &Document) -> Option<Self> {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        // Written once: the first writing stands.
        let first = |container: &str, key: &str| {
            let register = reader.registers(container).into_iter().find(|register| register.key == key)?;
            Said::rivals(&register, &clocks).into_iter().min_by(|a, b| a.op.cmp(&b.op))
        };
        let said = first("body", "text")?;
        let text = |field: &str| first("body", field).and_then(|said| said.value.as_text().map(str::to_owned));
        let picture = first("picture", PICTURE).and_then(|said| decoded(said.value.as_text()?));
        let mut handling: Vec<Handled> =
            logs(&reader, &clocks, "handling").into_values().flatten().filter_map(|entry| handled(&entry.said)).collect();
        handling.sort_by_key(|one| one.at.at);
        Some(Self {
            doc,
            subject,
            heads: document.heads(),
            kind: text("kind").unwrap_or_default(),
            severity: text("severity").unwrap_or_else(|| "medium".to_owned()),
            customer: text("customer").and_then(|id| id.parse().ok()),
            territory: text("territory"),
            text: said.value.as_text().unwrap_or_default().to_owned(),
            by: said.author,
            at: said.written,
            picture,
            handling,
        })
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> UrgentState {
        let done = |what: &str| self.handling.iter().any(|one| one.what == what);
        if done("closed") {
            UrgentState::Closed
        } else if done("taken") {
            UrgentState::Taken
        } else {
            UrgentState::Open
        }
    }
    /// When it reached headquarters (已送达).
    #[must_use]
    pub fn received(&self) -> Option<&Handled> {
        self.handling.iter().find(|one| one.what == "received" && one.by.is_none())
    }
    /// The first time that somebody else than its reporter acknowledged, took or closed it (已读).
    #[must_use]
    pub fn acknowledged(&self) -> Option<&Handled> {
        let seen = |one: &&Handled| matches!(one.what.as_str(), "acknowledged" | "taken" | "closed");
        self.handling.iter().filter(seen).find(|one| one.by.is_some() && one.by != self.by)
    }
    /// When headquarters escalated it.
    #[must_use]
    pub fn escalated(&self) -> Option<&Handled> {
        self.handling.iter().find(|one| one.what == "escalated" && one.by.is_none())
    }
}

fn handled(said: &Said) -> Option<Handled> {
    let text = |name: &str| said.value.get(name).and_then(Value::as_text);
    let what = text("what")?.to_owned();
    let by = said.author.filter(|author| *author != HEADQUARTERS);
    // Only headquarters says that something was received or escalated; nobody else's word on it counts.
    if by.is_some() && matches!(what.as_str(), "received" | "escalated") {
        return None;
    }
    Some(Handled { what, note: text("note").map(str::to_owned), to: text("to").and_then(|id| id.parse().ok()), by, at: said.written })
}

/// A picture as it is written into a report.
#[must_use]
pub fn encoded(picture: &[u8]) -> Value {
    Value::Text(STANDARD.encode(picture))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let picture = STANDARD.decode(text).ok().filter(|bytes| bytes.len() <= PICTURE_BYTES_MAX)?;
    Content::of_thumbnail(&picture).is_ok().then_some(picture)
}
