//! `GET /api/transfers`, `POST /api/transfers`: customers of a leaver handed to one person, others to the pool (客户移交).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{Ms, SubjectId, UserId};
use serde::{Deserialize, Serialize};

use super::names::{Named, Names};
use super::writing;
use crate::access::Command;
use crate::accounts::TransferRow;
use crate::app::App;
use crate::http::{Error, JsonBody, Session, Shared};
use crate::transfer::{self, CARDS_MAX, Wanted};

/// Who gives what to whom.
#[derive(Deserialize)]
pub(super) struct Request {
    leaver: UserId,
    winner: Option<UserId>,
    #[serde(default)]
    pool: BTreeSet<SubjectId>,
    #[serde(default)]
    only: BTreeSet<SubjectId>,
}

#[derive(Serialize)]
pub(super) struct List {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    no: i64,
    at_ms: Ms,
    by: Option<Named>,
    leaver: Named,
    winner: Option<Named>,
    cards: serde_json::Value,
}

/// * 200 with the latest hand-overs and their checklists; 403 unless the person may file customers.
pub(super) async fn list(State(app): State<Shared>, session: Session) -> Result<Json<List>, Error> {
    session.require(Command::File)?;
    app.blocking(move |app| read(app).map(Json)).await?
}

/// * 200 with the hand-overs as they stand then; 403 unless the person may file all of these customers; 404 for an unknown person; 422 when there is
///   nothing to hand over.
pub(super) async fn transfer(State(app): State<Shared>, session: Session, JsonBody(asked): JsonBody<Request>) -> Result<Json<List>, Error> {
    session.require(Command::File)?;
    if asked.pool.len() > CARDS_MAX || asked.only.len() > CARDS_MAX || asked.winner == Some(asked.leaver) {
        return Err(Error::Malformed);
    }
    app.blocking(move |app| {
        app.accounts().user(asked.leaver)?.ok_or(Error::NotFound)?;
        if let Some(winner) = asked.winner {
            app.accounts().user(winner)?.filter(|user| !user.disabled).ok_or(Error::NotFound)?;
        }
        let wanted = Wanted { leaver: asked.leaver, winner: asked.winner, pool: asked.pool, only: asked.only };
        let stamp = writing::stamp(app, session.id())?;
        let today = app.now().day(app.config().offset_minutes).ok_or(Error::Malformed)?;
        let plan = app.headquarters().read(|replica| transfer::plan(replica, &stamp, today, &wanted))?;
        if plan.cards.is_empty() {
            return Err(Error::invalid(
                "nothing_to_hand_over",
                "此人名下没有可移交的客户。",
                "There is no customer of this person to hand over.",
            ));
        }
        for card in &plan.cards {
            let filing = app.feed().filing(card.customer)?;
            if !session.may_command(Command::File, filing.as_ref()) {
                return Err(Error::Forbidden);
            }
        }
        writing::commit(app, &session, &plan.work, &[])?;
        let row = TransferRow {
            no: 0,
            at: app.now(),
            by: Some(session.id()),
            leaver: wanted.leaver,
            winner: wanted.winner,
            list: transfer::record(&plan.cards),
        };
        app.accounts().note_transfer(app.now(), &session.who(), &row, plan.cards.len())?;
        read(app).map(Json)
    })
    .await?
}

fn read(app: &App) -> Result<List, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    let items = app.accounts().transfers()?.into_iter().map(|row| Item {
        no: row.no,
        at_ms: row.at,
        by: names.author(row.by),
        leaver: names.person(row.leaver),
        winner: row.winner.map(|winner| names.person(winner)),
        cards: serde_json::from_str(&row.list).unwrap_or_default(),
    });
    Ok(List { items: items.collect() })
}
