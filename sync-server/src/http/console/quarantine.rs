//! `GET /api/quarantine`, `GET /api/quarantine/count`, `GET /api/quarantine/file`, `POST /api/quarantine/approve`,
//! `POST /api/quarantine/reject`: the desk of what was set aside. `GET /api/late`: what former holders handed in late.
//! A person sees and decides what concerns customers within their reach, and what no customer can be named for.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use roadbook_core::ids::Ms;
use serde::{Deserialize, Serialize};

use super::asked::Asking;
use super::names::{Named, Names};
use crate::access::{self, Command};
use crate::accounts::Act;
use crate::app::App;
use crate::feed::{DESK_ROWS_MAX, DeskRow, DeskState};
use crate::http::{Error, JsonBody, Session, Shared};
use crate::quarantine::{self, DECIDED_MAX, Said};

/// Rows shown at once.
const SHOWN_MAX: usize = 500;
/// Characters of a remark.
const REMARK_CHARS_MAX: usize = 500;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// `open` when not given; `all` for every state.
    state: Option<String>,
    /// `json` or `csv`, for the file.
    format: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Desk {
    items: Vec<Item>,
    open: usize,
}

#[derive(Serialize)]
pub(super) struct Count {
    count: usize,
}

#[derive(Serialize)]
struct Item {
    id: i64,
    state: &'static str,
    code: String,
    why: String,
    kind: String,
    customer: Option<Named>,
    device: Option<Named>,
    person: Named,
    received_ms: Ms,
    claimed_ms: Option<Ms>,
    says: Vec<Said>,
    decided_ms: Option<Ms>,
    decided_by: Option<Named>,
    remark: String,
}

/// What is decided about which rows.
#[derive(Deserialize)]
pub(super) struct Ruled {
    ids: Vec<i64>,
    #[serde(default)]
    remark: String,
}

#[derive(Serialize)]
pub(super) struct Done {
    approved: Vec<i64>,
    rewritten: Vec<i64>,
    rejected: usize,
    impossible: Vec<Impossible>,
    desk: Desk,
}

#[derive(Serialize)]
struct Impossible {
    id: i64,
    why: String,
}

#[derive(Serialize)]
pub(super) struct LateList {
    items: Vec<LateItem>,
}

#[derive(Serialize)]
struct LateItem {
    customer: Named,
    author: Named,
    changes: u64,
    received_ms: Ms,
}

/// * 200 with the rows of a state, the oldest first; 403 unless the person decides about the quarantine.
pub(super) async fn list(State(app): State<Shared>, session: Session, Asking(asked): Asking<Asked>) -> Result<Json<Desk>, Error> {
    session.require(Command::Quarantine)?;
    app.blocking(move |app| shown(app, &session, state(&asked)?).map(Json)).await?
}

/// * 200 with how many rows are open; 0 for whoever does not decide about them.
pub(super) async fn count(State(app): State<Shared>, session: Session) -> Result<Json<Count>, Error> {
    app.blocking(move |app| {
        if session.require(Command::Quarantine).is_err() {
            return Ok(Json(Count { count: 0 }));
        }
        Ok(Json(Count { count: rows(app, &session, Some(DeskState::Open))?.len() }))
    })
    .await?
}

/// * 200 with all rows as a file, each with its bytes; written down in the audit log.
pub(super) async fn file(State(app): State<Shared>, session: Session, Asking(asked): Asking<Asked>) -> Result<impl IntoResponse, Error> {
    session.require(Command::Quarantine)?;
    let (kind, name, bytes) = app
        .blocking(move |app| {
            let rows = rows(app, &session, state(&asked)?)?;
            app.accounts().audit(app.now(), &session.who(), Act::Exported, &format!("quarantine {}", rows.len()))?;
            match asked.format.as_deref() {
                Some("csv") => Ok(("text/csv; charset=utf-8", "quarantine.csv", quarantine::csv(&rows).map_err(Error::failed)?)),
                Some("json") | None => Ok(("application/json", "quarantine.json", quarantine::json(&rows).into_bytes())),
                Some(_) => Err(Error::Malformed),
            }
        })
        .await??;
    let body = crate::http::body::answer(bytes, app.answers()).await?;
    Ok(([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))], body))
}

/// * 200 with what became of the rows, and the desk as it stands then.
pub(super) async fn approve(State(app): State<Shared>, session: Session, JsonBody(ruled): JsonBody<Ruled>) -> Result<Json<Done>, Error> {
    session.require(Command::Quarantine)?;
    app.blocking(move |app| {
        let (ids, remark) = checked(app, &session, &ruled)?;
        let done = app.quarantine().approve(app.now(), &session.who(), session.id(), &ids, remark).map_err(Error::failed)?;
        app.tell(done.changed);
        let impossible = done.impossible.into_iter().map(|(id, why)| Impossible { id, why }).collect();
        let desk = shown(app, &session, Some(DeskState::Open))?;
        Ok(Json(Done { approved: done.as_is, rewritten: done.rewritten, rejected: 0, impossible, desk }))
    })
    .await?
}

/// * 200 with how many were rejected, and the desk as it stands then.
pub(super) async fn reject(State(app): State<Shared>, session: Session, JsonBody(ruled): JsonBody<Ruled>) -> Result<Json<Done>, Error> {
    session.require(Command::Quarantine)?;
    app.blocking(move |app| {
        let (ids, remark) = checked(app, &session, &ruled)?;
        let rejected = app.quarantine().reject(app.now(), &session.who(), session.id(), &ids, remark).map_err(Error::failed)?;
        let desk = shown(app, &session, Some(DeskState::Open))?;
        Ok(Json(Done { approved: Vec::new(), rewritten: Vec::new(), rejected, impossible: Vec::new(), desk }))
    })
    .await?
}

/// * 200 with what former holders handed in late, the newest first (前任离线记录).
pub(super) async fn late(State(app): State<Shared>, session: Session) -> Result<Json<LateList>, Error> {
    app.blocking(move |app| {
        let names = Names::read(app.accounts(), app.feed())?;
        let mut items = Vec::new();
        for line in app.feed().late(0)? {
            if session.readable(app, "customer", line.subject).is_err() {
                continue;
            }
            let name = customer_name(app, line.subject)?;
            items.push(LateItem {
                customer: Named { id: line.subject.to_string(), name },
                author: names.person(line.author),
                changes: line.changes,
                received_ms: line.received_at,
            });
        }
        Ok(Json(LateList { items }))
    })
    .await?
}

fn state(asked: &Asked) -> Result<Option<DeskState>, Error> {
    match asked.state.as_deref() {
        None => Ok(Some(DeskState::Open)),
        Some("all") => Ok(None),
        Some(code) => DeskState::of_code(code).map(Some).ok_or(Error::Malformed),
    }
}

/// Rows that the person may decide about.
fn rows(app: &App, session: &Session, state: Option<DeskState>) -> Result<Vec<DeskRow>, Error> {
    let rows = app.feed().desk(state, DESK_ROWS_MAX)?;
    let mut mine = Vec::with_capacity(rows.len());
    for row in rows {
        if may(app, session, &row)? {
            mine.push(row);
        }
    }
    Ok(mine)
}

fn may(app: &App, session: &Session, row: &DeskRow) -> Result<bool, Error> {
    let filing = app.feed().filing(row.row.refused.subject)?;
    Ok(access::may_decide(session.role(), session.relation(filing.as_ref()), &row.row.refused.kind))
}

/// The rows of a decision: all must be the person's to decide.
fn checked<'a>(app: &App, session: &Session, ruled: &'a Ruled) -> Result<(Vec<i64>, &'a str), Error> {
    if ruled.ids.is_empty() || ruled.ids.len() > DECIDED_MAX || ruled.remark.chars().count() > REMARK_CHARS_MAX {
        return Err(Error::Malformed);
    }
    for id in &ruled.ids {
        let row = app.feed().desk_row(*id)?.ok_or(Error::NotFound)?;
        if !may(app, session, &row)? {
            return Err(Error::NotFound);
        }
    }
    Ok((ruled.ids.clone(), ruled.remark.trim()))
}

fn shown(app: &App, session: &Session, state: Option<DeskState>) -> Result<Desk, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    let rows = rows(app, session, state)?;
    let open = rows.iter().filter(|row| row.state == DeskState::Open).count();
    let mut items = Vec::new();
    for row in rows.iter().take(SHOWN_MAX) {
        let (says, claimed) = quarantine::said(&app.quarantine(), row).map_err(Error::failed)?;
        let subject = row.row.refused.subject;
        let name = customer_name(app, subject)?;
        items.push(Item {
            id: row.row.id,
            state: row.state.code(),
            code: row.row.refused.code.clone(),
            why: row.row.refused.why.clone(),
            kind: row.row.refused.kind.clone(),
            customer: (!name.is_empty()).then(|| Named { id: subject.to_string(), name }),
            device: row.row.device.map(|device| names.device(device)),
            person: names.person(row.row.user),
            received_ms: row.row.received_at,
            claimed_ms: claimed,
            says,
            decided_ms: row.decided_at,
            decided_by: names.author(row.decided_by),
            remark: row.remark.clone(),
        });
    }
    Ok(Desk { items, open })
}

fn customer_name(app: &App, subject: roadbook_core::ids::SubjectId) -> Result<String, Error> {
    let line = app.headquarters().read(|replica| replica.store().read(|read| read.customer(subject)))?;
    Ok(line.map(|line| line.name).unwrap_or_default())
}
