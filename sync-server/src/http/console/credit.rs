//! `GET /api/customers/{id}/credit`, `POST /api/customers/{id}/credit`: the credit file of a customer, for managers, finance and
//! supervisors. `POST /api/customers/{id}/observations`: what somebody saw of a customer's credit, also from people who may not read the file.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId};
use roadbook_core::model::credit::{CreditBadge, Observation};
use roadbook_core::model::{Edit, Provenance, Source, Value};
use roadbook_core::replica::private::{credit_target, observe_credit};
use serde::{Deserialize, Serialize};

use super::asked::Of;
use super::card::{EntryJson, log_entry};
use super::heads::{heads_of_text, text_of_heads};
use super::names::{Named, Names};
use super::said::FactJson;
use super::writing;
use crate::access::{Action, Role};
use crate::app::App;
use crate::feed::Filing;
use crate::http::{Error, JsonBody, Session, Shared};

/// The part of the permission table.
const FILE: &str = "credit.file";
/// Edits of one request, at most.
const EDITS_MAX: usize = 50;
/// Entries of a log that are shown, and observations: the newest.
const SHOWN_MAX: usize = 50;

#[derive(Serialize)]
pub(super) struct CreditJson {
    /// `null`: there is no credit file yet.
    heads: Option<String>,
    facts: BTreeMap<String, FactJson>,
    entries: BTreeMap<String, Vec<EntryJson>>,
    badge: CreditBadge,
    observations: Vec<ObservationJson>,
    may: May,
}

#[derive(Serialize)]
struct ObservationJson {
    id: DocId,
    text: String,
    by: Option<Named>,
    at_ms: Ms,
}

#[derive(Serialize)]
struct May {
    edit: bool,
}

/// What a form writes. `heads`: what it showed; `null` where there was no file.
#[derive(Deserialize)]
pub(super) struct Request {
    heads: Option<String>,
    edits: Vec<EditJson>,
}

#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum EditJson {
    Set { field: String, value: Value },
    Clear { field: String },
    Record { log: String, value: Value },
}

/// What somebody saw.
#[derive(Deserialize)]
pub(super) struct Seen {
    text: String,
}

/// * 200 with the file; 403 for whoever reads the card and not this; 404 when the card may not be known.
pub(super) async fn credit(State(app): State<Shared>, session: Session, Of(id): Of<SubjectId>) -> Result<Json<CreditJson>, Error> {
    app.blocking(move |app| {
        let filing = session.allowed(app, Action::Read, FILE, id)?;
        read(app, &session, &filing, id).map(Json)
    })
    .await?
}

/// * 200 with the file as it stands then; 403, 404 as for reading; 409 when the heads are not ours; 422 when a value is not what
///   its field takes.
pub(super) async fn edit(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<SubjectId>,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<CreditJson>, Error> {
    app.blocking(move |app| {
        let filing = session.allowed(app, Action::Edit, FILE, id)?;
        if request.edits.is_empty() || request.edits.len() > EDITS_MAX {
            return Err(Error::Malformed);
        }
        let heads = request.heads.as_deref().map(heads_of_text).transpose()?;
        let stamp = writing::stamp(app, session.id())?;
        let source = if session.role() == Role::Finance { Source::Finance } else { Source::Office };
        let edits = (0_u32..).zip(request.edits).map(|(n, edit)| match edit {
            EditJson::Set { field, value } => Edit::Assert { field, value, provenance: Provenance::of(source) },
            EditJson::Clear { field } => Edit::Assert { field, value: Value::Null, provenance: Provenance::of(source) },
            EditJson::Record { log, value } => Edit::Record { log, entry: EntryId::fresh(stamp.now, stamp.piece(n)), value },
        });
        writing::commit(app, &session, &vec![(credit_target(id, heads), edits.collect())])?;
        read(app, &session, &filing, id).map(Json)
    })
    .await?
}

/// * 204 when it is written; 403 for whoever may not; 404 when the card may not be known; 422 when there is nothing to say.
pub(super) async fn observe(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<SubjectId>,
    JsonBody(seen): JsonBody<Seen>,
) -> Result<StatusCode, Error> {
    app.blocking(move |app| {
        session.allowed(app, Action::Create, "observation.body", id)?;
        let text = seen.text.trim();
        if text.is_empty() {
            return Err(Error::invalid("nothing_said", "请写下您观察到的情况。", "Write down what you saw."));
        }
        let stamp = writing::stamp(app, session.id())?;
        writing::commit(app, &session, &vec![observe_credit(&stamp, id, text)])?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

fn read(app: &App, session: &Session, filing: &Filing, id: SubjectId) -> Result<CreditJson, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    let (file, observations) = app.headquarters().read(|replica| Ok::<_, Error>((replica.credit(id)?, replica.observations(id)?)))?;
    let facts = file.iter().flat_map(|file| &file.facts);
    let logs = file.iter().flat_map(|file| &file.logs);
    Ok(CreditJson {
        heads: file.as_ref().map(|file| text_of_heads(&file.heads)),
        facts: facts.map(|(field, fact)| (field.clone(), FactJson::of(field, fact, &BTreeSet::new(), app.now(), &names))).collect(),
        entries: logs
            .map(|(log, found)| (log.clone(), found.iter().rev().take(SHOWN_MAX).map(|entry| log_entry(entry, &names)).collect()))
            .collect(),
        badge: file.as_ref().map(|file| file.badge()).unwrap_or_default(),
        observations: observations.iter().rev().take(SHOWN_MAX).map(|one| shown(one, &names)).collect(),
        may: May { edit: session.may(Action::Edit, FILE, Some(filing)) },
    })
}

fn shown(observation: &Observation, names: &Names<'_>) -> ObservationJson {
    ObservationJson { id: observation.doc, text: observation.text.clone(), by: names.author(observation.by), at_ms: observation.at.at }
}
