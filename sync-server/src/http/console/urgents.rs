//! `GET /api/urgents`, `POST /api/urgents/{id}`: urgent reports, newest first, and what is done about them.

use axum::Json;
use axum::extract::State;
use roadbook_core::blobs::content::Content;
use roadbook_core::ids::{DocId, Ms};
use roadbook_core::model::urgent::{Urgent, UrgentState, encoded};
use roadbook_core::replica::urgent::handle;
use roadbook_core::store::rows::{PAGE_LINES_MAX, UrgentLine};
use serde::{Deserialize, Serialize};

use super::asked::{Asking, Of};
use super::names::{Named, Names};
use super::verify::checked_reason;
use super::writing;
use crate::access::{self, Action, Relation};
use crate::app::App;
use crate::exchange::scope;
use crate::http::{Error, JsonBody, Session, Shared};

/// Reports of one answer, at most.
const LIMIT: usize = 50;

/// What is asked.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    /// Only those that are not closed.
    open: Option<u8>,
}

#[derive(Serialize)]
pub(super) struct List {
    rows: Vec<UrgentJson>,
}

/// A report with its chain.
#[derive(Serialize)]
struct UrgentJson {
    id: String,
    kind: String,
    severity: String,
    state: UrgentState,
    customer: Option<Named>,
    territory: Option<String>,
    text: String,
    by: Option<Named>,
    reported_ms: Ms,
    arrived_ms: Option<Ms>,
    acknowledged_ms: Option<Ms>,
    escalated_ms: Option<Ms>,
    escalated_to: Option<Named>,
    /// A small picture as a data address.
    picture: Option<String>,
    handling: Vec<HandledJson>,
    may_handle: bool,
}

#[derive(Serialize)]
struct HandledJson {
    what: String,
    note: Option<String>,
    by: Option<Named>,
    at_ms: Ms,
}

/// What somebody does about a report.
#[derive(Deserialize)]
pub(super) struct Handling {
    what: What,
    note: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Acknowledged,
    Taken,
    Closed,
}

impl What {
    const fn code(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Taken => "taken",
            Self::Closed => "closed",
        }
    }
}

/// * 200 with the reports that the person may read; 403 for a role that sees none.
pub(super) async fn urgents(State(app): State<Shared>, session: Session, Asking(asked): Asking<Asked>) -> Result<Json<List>, Error> {
    app.blocking(move |app| {
        if !access::may_read_kind(session.role(), Relation::Own, "urgent") {
            return Err(Error::Forbidden);
        }
        read(app, &session, asked.open == Some(1)).map(Json)
    })
    .await?
}

/// * 200 with the reports as they stand then; 403 when the person may not handle it; 404 when there is none that they may know of.
pub(super) async fn handled(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<DocId>,
    JsonBody(handling): JsonBody<Handling>,
) -> Result<Json<List>, Error> {
    app.blocking(move |app| {
        let urgent = app.headquarters().read(|replica| replica.urgent(id))?.ok_or(Error::NotFound)?;
        let relation = relation(app, &session, &urgent)?;
        if !access::may_read_kind(session.role(), relation, "urgent") {
            return Err(Error::NotFound);
        }
        if !access::may(session.role(), relation, Action::Edit, "urgent.handling") {
            return Err(Error::Forbidden);
        }
        let note = checked_reason(handling.note.as_deref())?;
        let stamp = writing::stamp(app, session.id())?;
        writing::commit(app, &session, &vec![handle(&stamp, &urgent, handling.what.code(), note.as_deref())])?;
        read(app, &session, true).map(Json)
    })
    .await?
}

/// How many reports wait, and how many of them nobody has acknowledged, of those that a person may read.
///
/// # Errors
/// When the replica cannot be read.
pub(super) fn waiting(app: &App, session: &Session) -> Result<(usize, usize), Error> {
    let rows = read(app, session, true)?.rows;
    Ok((rows.len(), rows.iter().filter(|row| row.acknowledged_ms.is_none()).count()))
}

fn read(app: &App, session: &Session, open: bool) -> Result<List, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    let mut rows = Vec::new();
    for page in 0.. {
        let (skip, max) = (page * PAGE_LINES_MAX, PAGE_LINES_MAX);
        let lines = app.headquarters().read(|replica| replica.store().read(|read| read.urgents(open, skip, max)))?;
        add(app, session, &names, &lines, &mut rows)?;
        if rows.len() == LIMIT || lines.len() < max {
            break;
        }
    }
    Ok(List { rows })
}

/// Adds the reports of `lines` that the person may read, up to [`LIMIT`] of all.
fn add(app: &App, session: &Session, names: &Names<'_>, lines: &[UrgentLine], rows: &mut Vec<UrgentJson>) -> Result<(), Error> {
    for line in lines {
        if rows.len() == LIMIT {
            break;
        }
        let Some(urgent) = app.headquarters().read(|replica| replica.urgent(line.urgent.doc))? else { continue };
        let relation = relation(app, session, &urgent)?;
        if access::may_read_kind(session.role(), relation, "urgent") {
            let may_handle = access::may(session.role(), relation, Action::Edit, "urgent.handling") && urgent.by != Some(session.id());
            // Who reads a report need not be somebody who may know the customer.
            let filing = app.feed().filing(urgent.subject)?;
            let knows = access::may_read_kind(session.role(), session.relation(filing.as_ref()), "customer");
            let customer = if knows { line.customer.as_str() } else { "" };
            rows.push(shown(&urgent, customer, names, may_handle));
        }
    }
    Ok(())
}

fn relation(app: &App, session: &Session, urgent: &Urgent) -> Result<Relation, Error> {
    let filing = scope::standing(app.accounts(), app.feed(), urgent.doc, urgent.subject)?;
    Ok(session.relation(filing.as_ref()))
}

fn shown(urgent: &Urgent, customer: &str, names: &Names<'_>, may_handle: bool) -> UrgentJson {
    let picture = urgent.picture.as_deref().and_then(|picture| {
        let mime = Content::of_thumbnail(picture).ok()?.mime();
        Some(format!("data:{mime};base64,{}", encoded(picture).as_text().unwrap_or_default()))
    });
    UrgentJson {
        id: urgent.doc.to_string(),
        kind: urgent.kind.clone(),
        severity: urgent.severity.clone(),
        state: urgent.state(),
        customer: urgent.customer.map(|id| Named { id: id.to_string(), name: customer.to_owned() }),
        territory: urgent.territory.clone(),
        text: urgent.text.clone(),
        by: names.author(urgent.by),
        reported_ms: urgent.at.at,
        arrived_ms: urgent.received().map(|one| one.at.at),
        acknowledged_ms: urgent.acknowledged().map(|one| one.at.at),
        escalated_ms: urgent.escalated().map(|one| one.at.at),
        escalated_to: urgent.escalated().and_then(|one| names.author(one.to)),
        picture,
        handling: urgent
            .handling
            .iter()
            .map(|one| HandledJson { what: one.what.clone(), note: one.note.clone(), by: names.author(one.by), at_ms: one.at.at })
            .collect(),
        may_handle,
    }
}
