//! `POST /api/customers/{id}/edits`: what a form writes, at the heads that it showed. A guarded field becomes a proposal where the
//! person may not write it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::card::{Card, Said};
use roadbook_core::model::credit::BADGE;
use roadbook_core::model::{Edit, Provenance, Source, Value, kinds};
use roadbook_core::replica::field::{Work, propose};
use roadbook_core::replica::{Stamp, Target};
use serde::Deserialize;

use super::asked::Of;
use super::card::{self, CardJson};
use super::heads::CardHeads;
use super::writing;
use crate::access::{Action, Command};
use crate::app::App;
use crate::feed::Filing;
use crate::http::{Error, JsonBody, Session, Shared};

/// Edits of one request, at most.
const EDITS_MAX: usize = 200;

/// A form's changes.
#[derive(Deserialize)]
pub(super) struct Request {
    heads: String,
    edits: Vec<EditJson>,
}

#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum EditJson {
    Set {
        field: String,
        value: Value,
        source: Option<Source>,
        observed_ms: Option<i64>,
    },
    Clear {
        field: String,
    },
    Add {
        field: String,
        element: String,
    },
    Remove {
        field: String,
        element: String,
    },
    EntrySet {
        list: String,
        entry: Option<EntryId>,
        values: BTreeMap<String, Value>,
    },
    EntryRemove {
        list: String,
        entry: EntryId,
    },
    Text {
        field: String,
        text: String,
    },
    Move {
        list: String,
        entry: EntryId,
        field: String,
        by: i64,
    },
    /// What is confirmed is the value that the page showed, never one that came since.
    Confirm {
        field: String,
        value: Value,
    },
    Choose {
        field: String,
        assertion: String,
    },
}

/// What a request comes to: edits of the two sides, proposals.
#[derive(Default)]
struct Planned {
    customer: Vec<Edit>,
    office: Vec<Edit>,
    proposals: Work,
}

/// * 200 with the card as it stands then;
/// * 403 when the person may neither write nor propose; 404 when the card may not be known;
/// * 409 when the heads are not ours, or what is confirmed is not what the card shows; 422 when a value is not what its field takes.
pub(super) async fn edit(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<SubjectId>,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<CardJson>, Error> {
    app.blocking(move |app| {
        let filing = session.readable(app, "customer", id)?;
        if request.edits.len() > EDITS_MAX {
            return Err(Error::Malformed);
        }
        let heads = CardHeads::of_token(&request.heads)?;
        let card = app.headquarters().read(|replica| replica.card(id))?.ok_or(Error::NotFound)?;
        let stamp = writing::stamp(app, session.id())?;
        let mut planned = Planned::default();
        for (n, edit) in request.edits.into_iter().enumerate() {
            let piece = stamp.piece(u32::try_from(n).unwrap_or(u32::MAX));
            plan(app, &session, &filing, &card, &Stamp { entropy: piece, ..stamp }, edit, &mut planned)?;
        }
        if !planned.customer.is_empty() && !session.may(Action::Edit, "customer.card", Some(&filing)) {
            return Err(Error::Forbidden);
        }
        let mut work = planned.proposals;
        if !planned.customer.is_empty() {
            work.push((Target::customer(id).seen(heads.customer), planned.customer));
        }
        if !planned.office.is_empty() {
            work.push((Target::office(id).seen(heads.office), planned.office));
        }
        writing::commit(app, &session, &work)?;
        card::read(app, &session, id).map(Json)
    })
    .await?
}

fn plan(
    app: &App,
    session: &Session,
    filing: &Filing,
    card: &Card,
    stamp: &Stamp,
    edit: EditJson,
    planned: &mut Planned,
) -> Result<(), Error> {
    let entry_of = |entry: Option<EntryId>| entry.unwrap_or_else(|| EntryId::fresh(stamp.now, stamp.entropy));
    let here = || Provenance::of(Source::Office);
    match edit {
        EditJson::Set { field, value, source, observed_ms } => {
            let provenance =
                Provenance { source: Some(source.unwrap_or(Source::Office)), observed_at: observed_ms.map(Ms), ..Provenance::default() };
            assert(app, session, filing, card, stamp, (field, value, provenance), planned)?;
        }
        EditJson::Clear { field } => assert(app, session, filing, card, stamp, (field, Value::Null, here()), planned)?,
        EditJson::Add { field, element } => planned.customer.push(Edit::Include { field, element }),
        EditJson::Remove { field, element } => planned.customer.push(Edit::Exclude { field, element }),
        EditJson::EntrySet { list, entry, values } => {
            planned.customer.push(Edit::Entry { list, entry: entry_of(entry), fields: values, provenance: here() });
        }
        EditJson::EntryRemove { list, entry } => remove(card, &list, entry, planned),
        EditJson::Text { field, text } => planned.customer.push(Edit::Rewrite { field, text }),
        EditJson::Move { list, entry, field, by } => {
            planned.customer.push(Edit::Move { list, entry, field, by, movement: entry_of(None) });
        }
        EditJson::Confirm { field, value } => {
            if *card.value(&field) != value {
                return Err(Error::MovedOn {
                    code: "another_value",
                    zh: "此字段现在显示的是另一个值，请核对后再确认。",
                    en: "This field shows another value now: look at it before you confirm.",
                });
            }
            planned.customer.push(Edit::Confirm { field, value, at: stamp.now });
        }
        EditJson::Choose { field, assertion } => {
            let (side, edit) = choice(card, &field, &assertion)?;
            match side {
                Side::Customer => planned.customer.push(edit),
                Side::Office => {
                    require(session, filing, command_of(&field))?;
                    planned.office.push(edit);
                }
            }
        }
    }
    Ok(())
}

/// Removing a phone removes its twins: they are one phone to whoever looks.
fn remove(card: &Card, list: &str, entry: EntryId, planned: &mut Planned) {
    let twins = card.lists.get(list).into_iter().flatten().find(|found| found.id == entry).map(|found| found.twins.clone());
    for entry in std::iter::once(entry).chain(twins.unwrap_or_default()) {
        planned.customer.push(Edit::RemoveEntry { list: list.to_owned(), entry });
    }
}

/// A value for a fact of the field side, or for the office side by whoever may, or as a proposal.
fn assert(
    app: &App,
    session: &Session,
    filing: &Filing,
    card: &Card,
    stamp: &Stamp,
    (field, value, provenance): (String, Value, Provenance),
    planned: &mut Planned,
) -> Result<(), Error> {
    if kinds::OFFICE.field(&field).is_none() {
        planned.customer.push(Edit::Assert { field, value, provenance });
        return Ok(());
    }
    if field == BADGE {
        return Err(Error::invalid(
            "badge_follows",
            "信用标识由信用档案得出，请修改信用档案。",
            "The badge follows the credit file: change that.",
        ));
    }
    if session.may_command(command_of(&field), Some(filing)) {
        names_somebody(app, &field, &value)?;
        planned.office.push(Edit::Assert { field, value, provenance: Provenance::of(Source::Office) });
        return Ok(());
    }
    if !session.may(Action::Create, "proposal.body", Some(filing)) {
        return Err(Error::Forbidden);
    }
    planned.proposals.push(propose(stamp, card.subject, &field, value, None));
    Ok(())
}

/// A customer goes to a territory and to a person that there are.
fn names_somebody(app: &App, field: &str, value: &Value) -> Result<(), Error> {
    match field {
        "territory" => {
            if let Some(wanted) = value.as_text()
                && !app.accounts().territories()?.iter().any(|known| known.id.0 == wanted)
            {
                return Err(Error::invalid("no_territory", "没有这个区域。", "There is no such territory."));
            }
        }
        "owner" => {
            let wanted = value.as_text().map(str::parse::<UserId>).transpose().map_err(|_| Error::Malformed)?;
            if let Some(id) = wanted
                && app.accounts().user(id)?.is_none()
            {
                return Err(Error::invalid("no_user", "没有这个用户。", "There is no such user."));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Which side of the card an edit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Customer,
    Office,
}

/// The edit that makes one of several rivals the value: said again, with where it came from, at heads that see all of them.
pub(super) fn choice(card: &Card, path: &str, key: &str) -> Result<(Side, Edit), Error> {
    let options = rivals(card, path).ok_or(Error::NotFound)?;
    let chosen = options.iter().find(|said| said.op == key).ok_or(Error::Conflict)?;
    let value = chosen.value.clone();
    let provenance = Provenance {
        source: Some(chosen.source),
        source_doc: chosen.source_doc.clone(),
        observed_at: Some(chosen.observed),
        ..Provenance::default()
    };
    let parts: Vec<&str> = path.split('/').collect();
    Ok(match parts.as_slice() {
        ["office", field] => (Side::Office, Edit::Assert { field: (*field).to_owned(), value, provenance }),
        ["verified", field] => (Side::Office, Edit::Put { container: "verified".to_owned(), key: (*field).to_owned(), value }),
        [list, entry, field] => {
            let entry = entry.parse().map_err(|_| Error::Malformed)?;
            let fields = BTreeMap::from([((*field).to_owned(), value)]);
            (Side::Customer, Edit::Entry { list: (*list).to_owned(), entry, fields, provenance })
        }
        [field] if kinds::OFFICE.field(field).is_some() => (Side::Office, Edit::Assert { field: (*field).to_owned(), value, provenance }),
        [field] => (Side::Customer, Edit::Assert { field: (*field).to_owned(), value, provenance }),
        _ => return Err(Error::Malformed),
    })
}

/// Everything that stands at a path.
pub(super) fn rivals<'a>(card: &'a Card, path: &str) -> Option<&'a [Said]> {
    if let Some(review) = card.reviews.iter().find(|review| review.path == path) {
        return Some(&review.options);
    }
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [list, entry, field] => {
            let entry = card.lists.get(*list)?.iter().find(|found| found.id.to_string() == *entry)?;
            entry.fields.get(*field).map(|fact| fact.rivals.as_slice())
        }
        [field] => card.facts.get(*field).or_else(|| card.office.get(*field)).map(|fact| fact.rivals.as_slice()),
        _ => None,
    }
}

/// The command behind a field of the office side.
pub(super) fn command_of(path: &str) -> Command {
    match path.strip_prefix("office/").unwrap_or(path) {
        "grade" => Command::Grade,
        "visit_interval_days" => Command::Interval,
        "lifecycle" => Command::Lifecycle,
        other if other.starts_with("verified/") => Command::Verify,
        _ => Command::File,
    }
}

/// # Errors
/// [`Error::Forbidden`].
pub(super) fn require(session: &Session, filing: &Filing, command: Command) -> Result<(), Error> {
    if session.may_command(command, Some(filing)) { Ok(()) } else { Err(Error::Forbidden) }
}
