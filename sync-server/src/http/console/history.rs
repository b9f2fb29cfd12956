//! `GET /api/customers/{id}/history?field=`: everything ever said of one field, newest first.

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{DocId, SubjectId};
use roadbook_core::model::schema::Merge;
use roadbook_core::model::{Value, kinds};
use roadbook_core::replica::Replica;
use roadbook_core::replica::reading::Line;
use serde::{Deserialize, Serialize};

use super::asked::{Asking, Of};
use super::names::Names;
use super::said::Assertion;
use crate::http::{Error, Session, Shared};

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
            let shown = card.value(&asked.field).clone();
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
        return Ok(found);
    }
    found.extend(told(id.customer(), "facts", field)?.into_iter().map(|line| (line, "asserted")));
    for line in told(id.office(), "verified", field)? {
        let value = line.value.get("value").cloned().unwrap_or(Value::Null);
        found.push((Line { value, ..line }, "verified"));
    }
    Ok(found)
}
