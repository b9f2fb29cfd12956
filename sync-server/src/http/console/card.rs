//! `GET /api/customers/{id}`: the customer card, as core folds it, with names and the latest visits.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{DocId, Ms, SubjectId};
use roadbook_core::model::Value;
use roadbook_core::model::card::{Card, LogEntry};
use roadbook_core::replica::Replica;
use roadbook_core::store::rows::VisitFilter;
use serde::Serialize;

use super::asked::Of;
use super::customers::Row;
use super::heads::CardHeads;
use super::names::{Named, Names};
use super::said::{Assertion, FactJson};
use super::visits::{self, VisitJson};
use crate::access::{self, Action, Command};
use crate::app::App;
use crate::feed::Filing;
use crate::http::{Error, Session, Shared};

/// Visits shown beside the card.
const VISITS_SHOWN: usize = 8;
/// Entries of a log that are shown: the newest.
const LOG_SHOWN: usize = 50;

#[derive(Serialize)]
pub(super) struct CardJson {
    row: Row,
    heads: String,
    facts: BTreeMap<String, FactJson>,
    sets: BTreeMap<String, Vec<ElementJson>>,
    entries: BTreeMap<String, Vec<EntryJson>>,
    texts: BTreeMap<String, ProseJson>,
    complete_percent: u8,
    fresh_percent: u8,
    may: May,
    visits: Vec<VisitJson>,
}

#[derive(Serialize)]
struct ElementJson {
    element: String,
    by: Option<Named>,
    corrected_ms: Ms,
}

/// An entry of a list or log.
#[derive(Serialize)]
pub(super) struct EntryJson {
    id: String,
    fields: BTreeMap<String, FactJson>,
    kept: bool,
}

#[derive(Serialize)]
struct ProseJson {
    text: String,
    by: Option<Named>,
    corrected_ms: Option<Ms>,
    stale: bool,
}

#[derive(Serialize)]
struct May {
    edit: bool,
    verify: bool,
    /// Read what is known of the stakeholders.
    persons: bool,
    /// Read the credit file.
    credit: bool,
    /// Say what was seen of the customer's credit.
    observe: bool,
}

/// * 200 with the card;
/// * 404 when there is none, or none that the person may know of.
pub(super) async fn card(State(app): State<Shared>, session: Session, Of(id): Of<SubjectId>) -> Result<Json<CardJson>, Error> {
    app.blocking(move |app| read(app, &session, id).map(Json)).await?
}

/// Reads a card for an answer.
pub(super) fn read(app: &App, session: &Session, id: SubjectId) -> Result<CardJson, Error> {
    let filing = session.readable(app, "customer", id)?;
    let names = Names::read(app.accounts(), app.feed())?;
    app.headquarters().read(|replica| {
        let card = replica.card(id)?.ok_or(Error::NotFound)?;
        shown(app, session, &filing, replica, &card, &names)
    })
}

fn shown(app: &App, session: &Session, filing: &Filing, replica: &Replica, card: &Card, names: &Names<'_>) -> Result<CardJson, Error> {
    let now = app.now();
    let disputed: BTreeSet<&str> = card.reviews.iter().map(|review| review.path.as_str()).collect();
    let mut facts: BTreeMap<String, FactJson> =
        card.facts.iter().map(|(id, fact)| (id.clone(), FactJson::of(id, fact, &disputed, now, names))).collect();
    for (id, fact) in &card.office {
        facts.insert(id.clone(), FactJson::of(&format!("office/{id}"), fact, &disputed, now, names));
    }
    let mut entries: BTreeMap<String, Vec<EntryJson>> = BTreeMap::new();
    for (list, found) in &card.lists {
        let rows = found.iter().map(|entry| EntryJson {
            id: entry.id.to_string(),
            fields: entry
                .fields
                .iter()
                .map(|(field, fact)| (field.clone(), FactJson::of(&format!("{list}/{}/{field}", entry.id), fact, &disputed, now, names)))
                .collect(),
            kept: entry.kept,
        });
        entries.insert(list.clone(), rows.collect());
    }
    for (log, found) in &card.logs {
        entries.insert(log.clone(), found.iter().rev().take(LOG_SHOWN).map(|entry| log_entry(entry, names)).collect());
    }
    let line = replica.store().read(|read| read.customer(card.subject))?.ok_or(Error::NotFound)?;
    let of_customer = VisitFilter { subject: Some(card.subject), ..VisitFilter::default() };
    // Whoever reads the card need not be somebody who reads visits.
    let lines = if access::may_read_kind(session.role(), session.relation(Some(filing)), "visit") {
        replica.store().read(|read| read.visits(&of_customer, None, VISITS_SHOWN))?.lines
    } else {
        Vec::new()
    };
    let docs: Vec<DocId> = lines.iter().filter(|line| line.visit.photos > 0).map(|line| line.visit.doc).collect();
    let held = super::photos::held_of(app, &docs)?;
    Ok(CardJson {
        row: Row::of(line, app, names),
        heads: CardHeads::of(card).to_token(),
        facts,
        sets: card
            .sets
            .iter()
            .map(|(field, elements)| {
                let elements = elements.iter().map(|one| ElementJson {
                    element: one.value.clone(),
                    by: names.author(one.said.author),
                    corrected_ms: one.said.written.at,
                });
                (field.clone(), elements.collect())
            })
            .collect(),
        entries,
        texts: card
            .texts
            .iter()
            .map(|(field, text)| (field.clone(), ProseJson { text: text.clone(), by: None, corrected_ms: None, stale: false }))
            .collect(),
        complete_percent: card.completeness_percent(),
        fresh_percent: card.freshness_percent(now).unwrap_or(100),
        may: May {
            edit: session.may(Action::Edit, "customer.card", Some(filing)),
            verify: session.may_command(Command::Verify, Some(filing)),
            persons: session.may(Action::Read, "person.traits", Some(filing)),
            credit: session.may(Action::Read, "credit.file", Some(filing)),
            observe: session.may(Action::Create, "observation.body", Some(filing)),
        },
        visits: lines.iter().map(|line| visits::shown(replica, line, names, &held)).collect::<Result<_, Error>>()?,
    })
}

pub(super) fn log_entry(entry: &LogEntry, names: &Names<'_>) -> EntryJson {
    let parts = if let Value::Map(parts) = &entry.said.value { Some(parts) } else { None };
    let fields = parts.into_iter().flatten();
    EntryJson {
        id: entry.id.clone(),
        fields: fields.map(|(field, value)| (field.clone(), FactJson::plain(Assertion::part(&entry.said, value.clone(), names)))).collect(),
        kept: false,
    }
}
