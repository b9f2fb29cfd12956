//! `GET /api/customers/{id}/persons`, `POST /api/customers/{id}/persons`, `POST /api/customers/{id}/persons/erase`: what is known of the
//! stakeholders of a customer, for the customer's owner and for managers; written, and erased for good.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{EntryId, Ms, SubjectId};
use roadbook_core::model::card::{Card, Entry};
use roadbook_core::model::person::Person;
use roadbook_core::model::{Edit, Provenance, Source, Value};
use roadbook_core::replica::private::describe_person;
use serde::{Deserialize, Serialize};

use super::asked::Of;
use super::heads::{heads_of_text, text_of_heads};
use super::names::{Named, Names};
use super::said::FactJson;
use super::{edits, writing};
use crate::access::{Action, Command};
use crate::accounts::Act;
use crate::app::App;
use crate::feed::{Erased, Filing};
use crate::http::{Error, JsonBody, Session, Shared};

/// The part of the permission table.
const TRAITS: &str = "person.traits";
/// Edits of one request, at most.
const EDITS_MAX: usize = 50;
/// Characters of who asked for an erasure, and why, at most.
const WORDS_CHARS_MAX: usize = 200;

#[derive(Serialize)]
pub(super) struct List {
    persons: Vec<PersonJson>,
    /// What was erased of people who are on the card no more.
    erased: Vec<ErasedJson>,
    may: May,
}

#[derive(Serialize)]
struct May {
    edit: bool,
    erase: bool,
}

/// A stakeholder of the card, with what is known of them.
#[derive(Serialize)]
struct PersonJson {
    stakeholder: EntryId,
    name: Option<String>,
    role: Option<String>,
    /// `null`: nothing is known yet.
    heads: Option<String>,
    facts: BTreeMap<String, FactJson>,
    texts: BTreeMap<String, String>,
    changed_ms: Option<Ms>,
    /// The date until which it may be kept has passed.
    overdue: bool,
    erased: Option<ErasedJson>,
}

#[derive(Serialize)]
struct ErasedJson {
    at_ms: Ms,
    by: Named,
    asked_by: String,
    reason: String,
}

/// What a form writes about one person. `heads`: what it showed; `null` for somebody of whom nothing was known.
#[derive(Deserialize)]
pub(super) struct Request {
    stakeholder: EntryId,
    heads: Option<String>,
    edits: Vec<EditJson>,
}

#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum EditJson {
    Set { field: String, value: Value },
    Clear { field: String },
    Text { field: String, text: String },
}

/// A demand for erasure.
#[derive(Deserialize)]
pub(super) struct Demand {
    stakeholder: EntryId,
    /// Who asked for it: the person themselves, somebody for them.
    asked_by: String,
    reason: String,
}

/// * 200 with the stakeholders; 403 for whoever reads the card and not this; 404 when the card may not be known.
pub(super) async fn persons(State(app): State<Shared>, session: Session, Of(id): Of<SubjectId>) -> Result<Json<List>, Error> {
    app.blocking(move |app| {
        let filing = session.allowed(app, Action::Read, TRAITS, id)?;
        read(app, &session, &filing, id).map(Json)
    })
    .await?
}

/// * 200 with the stakeholders as they stand then; 403, 404 as for reading;
/// * 409 when the heads are not ours; 422 when a value is not what its field takes, or the person's traits were erased.
pub(super) async fn edit(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<SubjectId>,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<List>, Error> {
    app.blocking(move |app| {
        let filing = session.allowed(app, Action::Edit, TRAITS, id)?;
        if request.edits.is_empty() || request.edits.len() > EDITS_MAX {
            return Err(Error::Malformed);
        }
        on_the_card(app, id, request.stakeholder)?;
        if app.feed().erased(id.person(request.stakeholder))?.is_some() {
            return Err(Error::invalid(
                "erased",
                "此人的资料已应要求删除。若其重新同意，请在客户卡上新增此人后再填写。",
                "What was known of this person was erased on demand. With a new consent, add the person to the card anew first.",
            ));
        }
        let heads = request.heads.as_deref().map(heads_of_text).transpose()?;
        let edits = request.edits.into_iter().map(edit_of).collect();
        writing::commit(app, &session, &vec![describe_person(id, request.stakeholder, heads.as_ref(), edits)])?;
        read(app, &session, &filing, id).map(Json)
    })
    .await?
}

/// * 200 with the stakeholders as they stand then, the tombstone among them; 403 for whoever may not have anything erased;
/// * 404 when the card, or nobody of this id, may be known; 422 without a reason, or without who asked.
pub(super) async fn erase(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<SubjectId>,
    JsonBody(demand): JsonBody<Demand>,
) -> Result<Json<List>, Error> {
    app.blocking(move |app| {
        let filing = session.allowed(app, Action::Read, TRAITS, id)?;
        edits::require(&session, &filing, Command::Erase)?;
        let (asked_by, reason) = (words(&demand.asked_by)?, words(&demand.reason)?);
        // Somebody who is on the card no more, and of whom something is still kept, may ask as well.
        let kept = app.headquarters().read(|replica| replica.person(id, demand.stakeholder))?.is_some();
        if !kept && app.feed().erased(id.person(demand.stakeholder))?.is_none() {
            on_the_card(app, id, demand.stakeholder)?;
        }
        let erased = app.erase_person(session.id(), id, demand.stakeholder, asked_by, reason).map_err(Error::failed)?;
        app.accounts().audit(app.now(), &session.who(), Act::Erased, &format!("{} {}", erased.kind, erased.doc))?;
        read(app, &session, &filing, id).map(Json)
    })
    .await?
}

fn words(text: &str) -> Result<&str, Error> {
    let text = text.trim();
    if text.chars().count() > WORDS_CHARS_MAX {
        return Err(Error::Malformed);
    }
    if text.is_empty() {
        return Err(Error::invalid(
            "reason_needed",
            "请写明由谁提出、因何删除。",
            "Say who asked for the erasure, and why: that is all that is kept of it.",
        ));
    }
    Ok(text)
}

fn edit_of(edit: EditJson) -> Edit {
    let provenance = Provenance::of(Source::Office);
    match edit {
        EditJson::Set { field, value } => Edit::Assert { field, value, provenance },
        EditJson::Clear { field } => Edit::Assert { field, value: Value::Null, provenance },
        EditJson::Text { field, text } => Edit::Rewrite { field, text },
    }
}

fn stakeholders(card: &Card) -> &[Entry] {
    card.lists.get("stakeholders").map(Vec::as_slice).unwrap_or_default()
}

fn on_the_card(app: &App, id: SubjectId, stakeholder: EntryId) -> Result<(), Error> {
    let card = app.headquarters().read(|replica| replica.card(id))?.ok_or(Error::NotFound)?;
    if stakeholders(&card).iter().any(|entry| entry.id == stakeholder) { Ok(()) } else { Err(Error::NotFound) }
}

fn read(app: &App, session: &Session, filing: &Filing, id: SubjectId) -> Result<List, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    let (card, known) =
        app.headquarters().read(|replica| Ok::<_, Error>((replica.card(id)?.ok_or(Error::NotFound)?, replica.persons(id)?)))?;
    let mut erased: BTreeMap<_, Erased> = app.feed().all_erased(Some(id))?.into_iter().map(|one| (one.doc, one)).collect();
    let mut known: BTreeMap<EntryId, Person> = known.into_iter().map(|person| (person.stakeholder, person)).collect();
    let mut persons = Vec::new();
    for entry in stakeholders(&card) {
        let part = |field: &str| entry.fields.get(field).and_then(|fact| fact.value.as_text()).map(str::to_owned);
        let tombstone = erased.remove(&id.person(entry.id));
        persons.push(shown(app, entry.id, (part("name"), part("role")), known.remove(&entry.id), tombstone, &names));
    }
    for (stakeholder, person) in known {
        persons.push(shown(app, stakeholder, (None, None), Some(person), None, &names));
    }
    Ok(List {
        persons,
        erased: erased.into_values().map(|one| tombstone(one, &names)).collect(),
        may: May { edit: session.may(Action::Edit, TRAITS, Some(filing)), erase: session.may_command(Command::Erase, Some(filing)) },
    })
}

fn shown(
    app: &App,
    stakeholder: EntryId,
    (name, role): (Option<String>, Option<String>),
    known: Option<Person>,
    erased: Option<Erased>,
    names: &Names<'_>,
) -> PersonJson {
    let today = app.now().day(app.config().offset_minutes).map(|day| day.to_string());
    let facts = known.iter().flat_map(|person| &person.facts);
    PersonJson {
        stakeholder,
        name,
        role,
        heads: known.as_ref().map(|person| text_of_heads(&person.heads)),
        facts: facts.map(|(field, fact)| (field.clone(), FactJson::of(field, fact, &BTreeSet::new(), app.now(), names))).collect(),
        overdue: known.as_ref().and_then(Person::keep_until).zip(today.as_deref()).is_some_and(|(until, today)| until < today),
        changed_ms: known.as_ref().and_then(|person| person.changed),
        texts: known.map(|person| person.texts).unwrap_or_default(),
        erased: erased.map(|one| tombstone(one, names)),
    }
}

fn tombstone(erased: Erased, names: &Names<'_>) -> ErasedJson {
    ErasedJson { at_ms: erased.at, by: names.person(erased.by), asked_by: erased.asked_by, reason: erased.reason }
}
