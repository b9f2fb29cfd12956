//! Assertions and facts as JSON: core's fold with names put to ids. Nothing is decided here.

use std::collections::BTreeSet;

use roadbook_core::ids::Ms;
use roadbook_core::model::Value;
use roadbook_core::model::card::{Badge, Fact, Said, Verified};
use roadbook_core::model::proposal::Proposal;
use serde::Serialize;

use super::names::{Named, Names};

/// One assertion with where it comes from.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Assertion {
    pub(super) key: String,
    pub(super) value: Value,
    source: Option<&'static str>,
    source_doc: Option<String>,
    observed_ms: Option<Ms>,
    by: Option<Named>,
    device: Option<Named>,
    claimed_ms: Ms,
    pub(super) corrected_ms: Ms,
}

impl Assertion {
    pub(super) fn of(said: &Said, names: &Names<'_>) -> Self {
        // An imported row speaks for whom it names, not for whoever imported it.
        let claimed = said.claimed_author.as_ref().map(|name| Named { id: String::new(), name: name.clone() });
        let imported = said.source == roadbook_core::model::Source::Import;
        Self {
            key: said.op.clone(),
            value: said.value.clone(),
            source: Some(said.source.code()),
            source_doc: said.source_doc.clone(),
            observed_ms: Some(said.observed),
            by: claimed.or_else(|| names.author(said.author).filter(|_| !imported)),
            device: said.op.split_once('@').and_then(|(_, actor)| names.device_of_actor(actor)),
            claimed_ms: said.written.claimed,
            corrected_ms: said.written.at,
        }
    }

    /// One part of an assertion, such as a field of a log's entry.
    pub(super) fn part(said: &Said, value: Value, names: &Names<'_>) -> Self {
        Self { value, ..Self::of(said, names) }
    }

    /// A value that stands on the office side: the report it verifies where that is still there, else the slot itself.
    pub(super) fn of_verified(verified: &Verified, rivals: &[Said], names: &Names<'_>) -> Self {
        match rivals.iter().find(|said| verified.op.as_ref() == Some(&said.op)) {
            Some(said) => Self { value: verified.value.clone(), ..Self::of(said, names) },
            None => Self {
                key: verified.op.clone().unwrap_or_default(),
                value: verified.value.clone(),
                source: None,
                source_doc: None,
                observed_ms: verified.observed,
                by: names.author(verified.by),
                device: None,
                claimed_ms: verified.at,
                corrected_ms: verified.at,
            },
        }
    }

    /// What a proposal asks for.
    pub(super) fn of_proposal(proposal: &Proposal, names: &Names<'_>) -> Self {
        Self {
            key: proposal.doc.to_string(),
            value: proposal.value.clone(),
            source: None,
            source_doc: None,
            observed_ms: None,
            by: names.author(proposal.by),
            device: None,
            claimed_ms: proposal.at.claimed,
            corrected_ms: proposal.at.at,
        }
    }

    /// A line of history.
    pub(super) fn of_line(line: &roadbook_core::replica::reading::Line, names: &Names<'_>) -> Self {
        let claimed = line.claimed_author.as_ref().map(|name| Named { id: String::new(), name: name.clone() });
        let imported = line.source == roadbook_core::model::Source::Import;
        Self {
            key: format!("{}@{}", line.at.claimed.0, line.actor),
            value: line.value.clone(),
            source: Some(line.source.code()),
            source_doc: line.source_doc.clone(),
            observed_ms: None,
            by: claimed.or_else(|| names.author(line.author).filter(|_| !imported)),
            device: names.device_of_actor(&line.actor),
            claimed_ms: line.at.claimed,
            corrected_ms: line.at.at,
        }
    }
}

#[derive(Debug, Serialize)]
struct VerifiedJson {
    #[serde(flatten)]
    assertion: Assertion,
    verified_by: Option<Named>,
    verified_ms: Option<Ms>,
}

/// A fact as the card shows it.
#[derive(Debug, Serialize)]
pub(super) struct FactJson {
    shown: Option<Assertion>,
    badge: &'static str,
    verified: Option<VerifiedJson>,
    waiting: Option<Assertion>,
    rivals: Vec<Assertion>,
    review: bool,
    stale: bool,
    confirmed_ms: Option<Ms>,
}

impl FactJson {
    /// `disputed` holds the paths on which people disagree.
    pub(super) fn of(path: &str, fact: &Fact, disputed: &BTreeSet<&str>, now: Ms, names: &Names<'_>) -> Self {
        let verified = fact.verified.as_ref().map(|slot| VerifiedJson {
            assertion: Assertion::of_verified(slot, &fact.rivals, names),
            verified_by: names.author(slot.by),
            verified_ms: (slot.at != Ms(0)).then_some(slot.at),
        });
        let stands = matches!(fact.badge, Badge::Verified | Badge::ReportWaiting);
        let said = || fact.rivals.iter().find(|said| said.value == fact.value).or_else(|| fact.rivals.first());
        let shown = if stands { verified.as_ref().map(|slot| slot.assertion.clone()) } else { None };
        let shown = shown.or_else(|| said().map(|said| Assertion::part(said, fact.value.clone(), names)));
        let rivals = if fact.rivals.len() > 1 { fact.rivals.as_slice() } else { &[] };
        Self {
            // A counter has a sum and no single assertion.
            shown: shown.or_else(|| (!fact.value.is_null()).then(|| summed(&fact.value))),
            badge: match fact.badge {
                Badge::Plain => "none",
                Badge::Unverified => "unverified",
                Badge::Verified => "verified",
                Badge::NewerThanVerified => "was_verified",
                Badge::ReportWaiting => "report_waiting",
            },
            verified,
            waiting: fact.waiting.as_ref().map(|said| Assertion::of(said, names)),
            rivals: rivals.iter().map(|said| Assertion::of(said, names)).collect(),
            review: disputed.contains(path),
            stale: fact.fresh_until.is_some_and(|until| until < now),
            confirmed_ms: fact.confirmed_at,
        }
    }

    /// A fact that is one assertion and nothing else.
    pub(super) fn plain(shown: Assertion) -> Self {
        Self {
            shown: Some(shown),
            badge: "none",
            verified: None,
            waiting: None,
            rivals: Vec::new(),
            review: false,
            stale: false,
            confirmed_ms: None,
        }
    }
}

fn summed(value: &Value) -> Assertion {
    Assertion {
        key: String::new(),
        value: value.clone(),
        source: None,
        source_doc: None,
        observed_ms: None,
        by: None,
        device: None,
        claimed_ms: Ms(0),
        corrected_ms: Ms(0),
    }
}
