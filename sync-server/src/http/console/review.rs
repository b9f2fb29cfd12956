//! `GET /api/review`: what waits for a decision: rival values, reports that differ from what was verified, proposals.
//! `GET /api/review/count` is the number alone, for the navigation.

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{Ms, SubjectId};
use roadbook_core::model::kinds;
use roadbook_core::model::proposal::{Proposal, what};
use roadbook_core::model::schema::{Field, Label};
use roadbook_core::replica::Replica;
use roadbook_core::store::rows::{MATTER_RIVALS, PAGE_LINES_MAX, ProposalState, ReviewFilter, ReviewLine};
use serde::Serialize;

use super::edits::rivals;
use super::heads::{CardHeads, text_of_heads};
use super::names::{Named, Names};
use super::reach;
use super::said::Assertion;
use super::schema::type_of;
use crate::app::App;
use crate::http::{Error, Session, Shared};

/// Matters shown at once: the weightiest.
const SHOWN_MAX: usize = 200;
/// Weight from which a matter is marked.
const URGENT_WEIGHT: u32 = 3;

#[derive(Serialize)]
pub(super) struct List {
    items: Vec<Item>,
}

#[derive(Serialize)]
pub(super) struct Count {
    count: usize,
}

#[derive(Serialize)]
struct Item {
    id: String,
    kind: &'static str,
    customer: Named,
    territory: Option<String>,
    field: String,
    label: Label,
    #[serde(rename = "type")]
    ty: &'static str,
    value_set: Option<&'static str>,
    urgent: bool,
    since_ms: Ms,
    heads: String,
    current: Option<Assertion>,
    candidates: Vec<Assertion>,
    reason: Option<String>,
}

/// * 200 with the list, weightiest first; 403 for a role that sees no customers.
pub(super) async fn review(State(app): State<Shared>, session: Session) -> Result<Json<List>, Error> {
    app.blocking(move |app| read(app, &session).map(Json)).await?
}

/// * 200 with how many there are.
pub(super) async fn count(State(app): State<Shared>, session: Session) -> Result<Json<Count>, Error> {
    app.blocking(move |app| {
        app.headquarters().read(|replica| {
            let matters = lines(app, &session, replica)?.len();
            Ok(Json(Count { count: matters + proposals(app, &session, replica)?.len() }))
        })
    })
    .await?
}

/// Reads the list for an answer.
pub(super) fn read(app: &App, session: &Session) -> Result<List, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    app.headquarters().read(|replica| {
        let mut items = Vec::new();
        for line in lines(app, session, replica)? {
            items.extend(matter(replica, &line, &names)?);
        }
        for (proposal, customer, territory) in proposals(app, session, replica)? {
            items.push(proposed(replica, &proposal, customer, territory, &names)?);
        }
        Ok(List { items })
    })
}

pub(super) fn lines(app: &App, session: &Session, replica: &Replica) -> Result<Vec<ReviewLine>, Error> {
    let Some(filter) = reach::filter(app, session, None)? else { return Ok(Vec::new()) };
    let filter = ReviewFilter { territories: filter.territories, ..ReviewFilter::default() };
    Ok(replica.store().read(|read| read.reviews(&filter, 0, SHOWN_MAX))?)
}

/// Open proposals about customers that the person may know of, with the customer's name and territory.
pub(super) fn proposals(app: &App, session: &Session, replica: &Replica) -> Result<Vec<(Proposal, String, String)>, Error> {
    let mut found = Vec::new();
    // Who may know of few customers finds their proposals behind any number of others.
    for page in 0.. {
        let lines = replica.store().read(|read| read.proposals(ProposalState::Open, None, page * PAGE_LINES_MAX, PAGE_LINES_MAX))?;
        let more = lines.len() == PAGE_LINES_MAX;
        for line in lines {
            if found.len() == SHOWN_MAX {
                return Ok(found);
            }
            if session.readable(app, "proposal", line.proposal.subject).is_err() {
                continue;
            }
            let Some(proposal) = replica.proposal(line.proposal.doc)? else { continue };
            let territory = replica.store().read(|read| read.customer(line.proposal.subject))?.map(|customer| customer.territory);
            found.push((proposal, line.customer, territory.unwrap_or_default()));
        }
        if !more {
            break;
        }
    }
    Ok(found)
}

fn matter(replica: &Replica, line: &ReviewLine, names: &Names<'_>) -> Result<Option<Item>, Error> {
    let Some(card) = replica.card(line.subject)? else { return Ok(None) };
    let is_rivals = line.matter == MATTER_RIVALS;
    let field = line.field.strip_prefix("office/").or_else(|| line.field.strip_prefix("verified/")).unwrap_or(&line.field);
    let fact = card.facts.get(field).or_else(|| card.office.get(field));
    let (current, candidates) = if is_rivals {
        let options = rivals(&card, &line.field).unwrap_or_default();
        let slot = line.field.starts_with("verified/");
        let told = |said: &roadbook_core::model::card::Said| match said.value.get("value") {
            Some(value) if slot => Assertion::part(said, value.clone(), names),
            _ => Assertion::of(said, names),
        };
        (options.first().map(told), options.iter().map(told).collect())
    } else {
        let verified = fact.and_then(|fact| Some(Assertion::of_verified(fact.verified.as_ref()?, &fact.rivals, names)));
        (verified, fact.and_then(|fact| fact.waiting.as_ref()).map(|said| Assertion::of(said, names)).into_iter().collect())
    };
    let (label, ty, value_set) = described(&line.field);
    Ok(Some(Item {
        id: format!("{}:{}:{}", if is_rivals { "rivals" } else { "report" }, line.subject, line.field),
        kind: if is_rivals { "rivals" } else { "report" },
        customer: Named { id: line.subject.to_string(), name: line.customer.clone() },
        territory: (!line.territory.is_empty()).then(|| line.territory.clone()),
        field: line.field.clone(),
        label,
        ty,
        value_set,
        urgent: line.weight >= URGENT_WEIGHT,
        since_ms: line.since,
        heads: CardHeads::of(&card).to_token(),
        current,
        candidates,
        reason: None,
    }))
}

fn proposed(replica: &Replica, proposal: &Proposal, customer: String, territory: String, names: &Names<'_>) -> Result<Item, Error> {
    let field = proposal.field.clone().unwrap_or_else(|| proposal.what.clone());
    let card = replica.card(proposal.customer)?;
    let current = card.as_ref().and_then(|card| {
        let fact = card.office.get(&field).or_else(|| card.facts.get(&field))?;
        fact.rivals.iter().find(|said| said.value == fact.value).map(|said| Assertion::of(said, names))
    });
    let (label, ty, value_set) = described(&field);
    let revival = proposal.what == what::REVIVE;
    Ok(Item {
        id: format!("proposal:{}", proposal.doc),
        kind: "proposal",
        customer: Named { id: proposal.customer.to_string(), name: customer },
        territory: (!territory.is_empty()).then_some(territory),
        field,
        label,
        ty,
        value_set,
        urgent: revival,
        since_ms: proposal.at.at,
        heads: text_of_heads(&proposal.heads),
        current,
        candidates: vec![Assertion::of_proposal(proposal, names)],
        reason: proposal.reason.clone(),
    })
}

/// Label, type and value set of what a path names.
fn described(path: &str) -> (Label, &'static str, Option<&'static str>) {
    let plain = path.strip_prefix("office/").or_else(|| path.strip_prefix("verified/")).unwrap_or(path);
    let mut parts = plain.split('/');
    let top = parts.next().and_then(|id| kinds::CUSTOMER.field(id).or_else(|| kinds::OFFICE.field(id)));
    let Some(top) = top else {
        let id = plain.to_owned();
        return (Label { zh: id.clone().into(), en: id.into() }, "line", None);
    };
    let inner: Option<&Field> = parts.next_back().and_then(|id| top.entry_fields().iter().find(|field| field.id == id));
    let field = inner.unwrap_or(top);
    let (ty, value_set) = type_of(field);
    let label = match inner {
        Some(inner) if inner.label.zh != top.label.zh => Label {
            zh: format!("{} · {}", top.label.zh, inner.label.zh).into(),
            en: format!("{} · {}", top.label.en, inner.label.en).into(),
        },
        Some(inner) => inner.label.clone(),
        None => top.label.clone(),
    };
    (label, ty, value_set)
}

/// What an item's id names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named_ {
    /// A path of a customer on which people disagree.
    Rivals(SubjectId, String),
    /// A field of a customer with a report that waits.
    Report(SubjectId, String),
    /// A proposal.
    Proposal(roadbook_core::ids::DocId),
}

/// # Errors
/// [`Error::NotFound`] for what is no id of an item.
pub(super) fn named(id: &str) -> Result<Named_, Error> {
    let mut parts = id.splitn(3, ':');
    let (kind, about) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let rest = parts.next();
    match (kind, rest) {
        ("proposal", None) => Ok(Named_::Proposal(about.parse().map_err(|_| Error::NotFound)?)),
        ("rivals", Some(path)) => Ok(Named_::Rivals(about.parse().map_err(|_| Error::NotFound)?, path.to_owned())),
        ("report", Some(field)) => Ok(Named_::Report(about.parse().map_err(|_| Error::NotFound)?, field.to_owned())),
        _ => Err(Error::NotFound),
    }
}
