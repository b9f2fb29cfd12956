//! `GET /api/customers/{id}/history?field=`: everything ever said of one field, newest first.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use roadbook_core::crdt::Heads;
use roadbook_core::ids::{DocId, SubjectId};
use roadbook_core::model::clock::Clocks;
use roadbook_core::model::schema::Merge;
use roadbook_core::model::{Source, Value, kinds};
use roadbook_core::replica::Replica;
use roadbook_core::replica::reading::Line;
use serde::{Deserialize, Serialize};

use super::asked::{Asking, Of};
use super::names::Names;
use super::said::Assertion;
use crate::http::{Error, Session, Shared};

/// Changes of a card that are looked through for states of a text: the newest.
const TEXT_CHANGES_MAX: usize = 400;
/// Lines of one answer: the newest.
const LINES_MAX: usize = 300;

/// What is asked: a field, or `list/entry/field`.
#[derive(Deserialize)]
pub(super) struct Asked {
    field: String,
}

#[derive(Serialize)]
pub(super) struct History {
    lines: Vec<LineJson>,
}

#[derive(Serialize)]
struct LineJson {
    assertion: Assertion,
    act: &'static str,
    shown: bool,
}

/// * 200 with the lines; 404 when the card is not there or may not be known.
pub(super) async fn history(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<SubjectId>,
    Asking(asked): Asking<Asked>,
) -> Result<Json<History>, Error> {
    app.blocking(move |app| {
        session.readable(app, "customer", id)?;
        let names = Names::read(app.accounts(), app.feed())?;
        app.headquarters().read(|replica| {
            let card = replica.card(id)?.ok_or(Error::NotFound)?;
            let mut lines = lines(replica, id, &asked.field)?;
            lines.sort_by_key(|(line, _)| std::cmp::Reverse(line.at.at));
            lines.truncate(LINES_MAX);
            let text = card.texts.get(&asked.field).map(|text| Value::Text(text.clone()));
            let shown = text.unwrap_or_else(|| card.value(&asked.field).clone());
            let mut found = false;
            let lines = lines.iter().map(|(line, act)| {
                let current = !found && *act == "asserted" && !shown.is_null() && line.value == shown;
                found |= current;
                LineJson { assertion: Assertion::of_line(line, &names), act, shown: current }
            });
            Ok(Json(History { lines: lines.collect() }))
        })
    })
    .await?
}

/// Every state that somebody's change left a text in, as its writer saw it: what others wrote apart is not in it.
fn states_of_text(replica: &Replica, id: SubjectId, field: &str) -> Result<Vec<(Line, &'static str)>, Error> {
    let Some(held) = replica.document(id.customer())? else { return Ok(Vec::new()) };
    let clocks = Clocks::of_document(&held.document);
    let metas = held.document.metas();
    let mut told = BTreeSet::from([String::new()]);
    let mut found = Vec::new();
    for meta in metas.iter().skip(metas.len().saturating_sub(TEXT_CHANGES_MAX)).filter(|meta| meta.author.is_some()) {
        let Some(text) = held.document.text_at(field, &Heads::new(vec![meta.hash])) else { continue };
        if told.insert(text.clone()) {
            let line = Line {
                value: Value::Text(text),
                source: Source::default(),
                source_doc: None,
                claimed_author: None,
                author: meta.author,
                actor: meta.actor.to_string(),
                at: clocks.correct(meta),
            };
            found.push((line, "asserted"));
        }
    }
    Ok(found)
}

fn lines(replica: &Replica, id: SubjectId, field: &str) -> Result<Vec<(Line, &'static str)>, Error> {
    let told = |doc: DocId, container: &str, key: &str| replica.history(doc, container, key);
    let mut found: Vec<(Line, &'static str)> = Vec::new();
    if kinds::OFFICE.field(field).is_some() {
        found.extend(told(id.office(), "facts", field)?.into_iter().map(|line| (line, "asserted")));
        return Ok(found);
    }
    if field.contains('/') {
        found.extend(told(id.customer(), "entries", field)?.into_iter().map(|line| (line, "asserted")));
        return Ok(found);
    }
    if kinds::CUSTOMER.field(field).is_some_and(|known| known.merge == Merge::Text) {
        return states_of_text(replica, id, field);
    }
    found.extend(told(id.customer(), "facts", field)?.into_iter().map(|line| (line, "asserted")));
    for line in told(id.office(), "verified", field)? {
        let value = line.value.get("value").cloned().unwrap_or(Value::Null);
        found.push((Line { value, ..line }, "verified"));
    }
    Ok(found)
}
