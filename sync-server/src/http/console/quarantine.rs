//! `GET /api/quarantine`, `GET /api/quarantine/count`, `GET /api/quarantine/file`, `POST /api/quarantine/approve`,
//! `POST /api/quarantine/reject`: the desk of what was set aside. `GET /api/late`: what former holders handed in late.
//! A person sees and decides what concerns customers within their reach, and what no customer can be named for.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use roadbook_core::ids::{Ms, SubjectId};
use serde::{Deserialize, Serialize};

use super::asked::Asking;
use super::names::{Named, Names};
use crate::access::{self, Command};
use crate::accounts::Act;
use crate::app::App;
use crate::feed::{DeskOrder, DeskPage, DeskRow, DeskState};
use crate::http::{Error, JsonBody, Session, Shared};
use crate::quarantine::{self, DECIDED_MAX, Said};

/// Rows shown at once.
const SHOWN_MAX: usize = 500;
/// Rows of one file. Who has more takes them out in the shell, which has no such limit.
const FILE_ROWS_MAX: usize = 50_000;
/// Rows read at once while a person's are looked for.
const PORTION: usize = 1_000;
/// Rows looked at for one request. Whose reach is so narrow that fewer than are wanted are theirs sees those among these.
const LOOKED_AT_MAX: usize = 200_000;
/// Late contributions shown at once.
const LATE_SHOWN_MAX: usize = 1_000;
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
    open: u64,
}

#[derive(Serialize)]
pub(super) struct Count {
    count: u64,
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

/// * 200 with the first [`SHOWN_MAX`] rows of a state: of what is open the oldest first, of what was decided the latest decision first, of
///   everything the newest first; 403 unless the person decides about the quarantine.
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
        Ok(Json(Count { count: open(app, &session)? }))
    })
    .await?
}

/// * 200 with all rows as a file, each with its bytes; written down in the audit log; 422 beyond [`FILE_ROWS_MAX`].
pub(super) async fn file(State(app): State<Shared>, session: Session, Asking(asked): Asking<Asked>) -> Result<impl IntoResponse, Error> {
    session.require(Command::Quarantine)?;
    let (kind, name, bytes) = app
        .blocking(move |app| {
            let rows = rows(app, &session, state(&asked)?, FILE_ROWS_MAX + 1)?;
            if rows.len() > FILE_ROWS_MAX {
                return Err(Error::invalid(
                    "too_many_rows",
                    format!("超过 {FILE_ROWS_MAX} 条，请在服务器上用 quarantine export 导出。"),
                    format!("More than {FILE_ROWS_MAX} rows: take them out with `roadbook-server quarantine export`."),
                ));
            }
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
        // What waited for it, of whichever device, comes in with it.
        let waited = app.exchange().take_in_waiting(app.now(), &session.who(), &done.changed)?;
        app.tell(done.changed.into_iter().chain(waited).collect());
        let meanwhile =
            |(id, state): (i64, DeskState)| (id, format!("已有人处理 · somebody has decided about it meanwhile: {}", state.code()));
        let impossible = done.impossible.into_iter().chain(done.decided.into_iter().map(meanwhile));
        let impossible = impossible.map(|(id, why)| Impossible { id, why }).collect();
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
        let (mut items, mut before) = (Vec::new(), None);
        while items.len() < LATE_SHOWN_MAX {
            let lines = app.feed().late(0, before)?;
            let Some(last) = lines.last() else { break };
            before = Some(last.last_no);
            for line in lines {
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
        }
        items.truncate(LATE_SHOWN_MAX);
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

/// The first rows that the person may decide about, `enough` of them; those of others are passed over and count for nothing.
fn rows(app: &App, session: &Session, state: Option<DeskState>, enough: usize) -> Result<Vec<DeskRow>, Error> {
    let order = match state {
        Some(DeskState::Open) => DeskOrder::OldestFirst,
        Some(DeskState::Approved | DeskState::Rewritten | DeskState::Rejected | DeskState::Resent) => DeskOrder::LatestDecisionFirst,
        None => DeskOrder::NewestFirst,
    };
    let (mut mine, mut after, mut looked_at) = (Vec::new(), None, 0);
    while mine.len() < enough && looked_at < LOOKED_AT_MAX {
        let portion = app.feed().desk_page(&DeskPage { state, order, after, rows_max: PORTION })?;
        let Some(last) = portion.last() else { break };
        after = Some((last.decided_no, last.row.id));
        looked_at += portion.len();
        for row in portion {
            if may(app, session, row.row.refused.subject, &row.row.refused.kind)? {
                mine.push(row);
            }
        }
    }
    mine.truncate(enough);
    Ok(mine)
}

/// How many open rows the person may decide about.
fn open(app: &App, session: &Session) -> Result<u64, Error> {
    let mut count = 0;
    for open in app.feed().desk_open_by_subject()? {
        if may(app, session, open.subject, &open.kind)? {
            count += open.rows;
        }
    }
    Ok(count)
}

fn may(app: &App, session: &Session, subject: SubjectId, kind: &str) -> Result<bool, Error> {
    let filing = app.feed().filing(subject)?;
    Ok(access::may_decide(session.role(), session.relation(filing.as_ref()), kind))
}

/// The rows of a decision: all must be the person's to decide.
fn checked<'a>(app: &App, session: &Session, ruled: &'a Ruled) -> Result<(Vec<i64>, &'a str), Error> {
    if ruled.ids.is_empty() || ruled.ids.len() > DECIDED_MAX || ruled.remark.chars().count() > REMARK_CHARS_MAX {
        return Err(Error::Malformed);
    }
    for id in &ruled.ids {
        let row = app.feed().desk_row(*id)?.ok_or(Error::NotFound)?;
        if !may(app, session, row.row.refused.subject, &row.row.refused.kind)? {
            return Err(Error::NotFound);
        }
    }
    Ok((ruled.ids.clone(), ruled.remark.trim()))
}

fn shown(app: &App, session: &Session, state: Option<DeskState>) -> Result<Desk, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    let rows = rows(app, session, state, SHOWN_MAX)?;
    let open = open(app, session)?;
    let mut items = Vec::new();
    for row in &rows {
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

fn customer_name(app: &App, subject: SubjectId) -> Result<String, Error> {
    let line = app.headquarters().read(|replica| replica.store().read(|read| read.customer(subject)))?;
    Ok(line.map(|line| line.name).unwrap_or_default())
}
