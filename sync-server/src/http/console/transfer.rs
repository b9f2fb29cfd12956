//! `GET /api/transfers`, `POST /api/transfers/plan`, `POST /api/transfers`: customers of a leaver handed to one person, others to the
//! pool (客户移交). What may be planned may be done: both judge the same cards.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{Ms, SubjectId, UserId};
use serde::{Deserialize, Serialize};

use super::names::{Named, Names};
use super::{reach, writing};
use crate::access::{Command, Reach, Role};
use crate::accounts::TransferRow;
use crate::app::App;
use crate::http::{Error, JsonBody, Session, Shared};
use crate::transfer::{self, CARDS_MAX, CardCheck, Plan, TransferError, Wanted};

/// Who gives what to whom.
#[derive(Deserialize)]
pub(super) struct Request {
    leaver: UserId,
    winner: Option<UserId>,
    #[serde(default)]
    pool: BTreeSet<SubjectId>,
    /// Empty: all of the leaver's within reach.
    #[serde(default)]
    only: BTreeSet<SubjectId>,
}

#[derive(Serialize)]
pub(super) struct List {
    items: Vec<Item>,
    people: Vec<PersonJson>,
}

#[derive(Serialize)]
pub(super) struct Checklists {
    cards: Vec<CardCheck>,
}

#[derive(Serialize)]
struct Item {
    no: i64,
    at_ms: Ms,
    by: Option<Named>,
    leaver: Named,
    winner: Option<Named>,
    cards: Vec<CardCheck>,
}

/// Somebody who can give or take customers.
#[derive(Serialize)]
struct PersonJson {
    id: UserId,
    name: String,
    /// Gives, and takes nothing any more.
    disabled: bool,
}

/// * 200 with the latest hand-overs and the checklists of cards within reach, and who can give and take; 403 unless the person may file customers.
pub(super) async fn list(State(app): State<Shared>, session: Session) -> Result<Json<List>, Error> {
    session.require(Command::File)?;
    app.blocking(move |app| read(app, &session).map(Json)).await?
}

/// * 200 with the checklists of what would be handed over (none: there is nothing), nothing is changed; otherwise as [`transfer`].
pub(super) async fn plan(
    State(app): State<Shared>,
    session: Session,
    JsonBody(asked): JsonBody<Request>,
) -> Result<Json<Checklists>, Error> {
    session.require(Command::File)?;
    app.blocking(move |app| {
        let cards = planned(app, &session, asked)?.map(|(_, plan)| plan.cards).unwrap_or_default();
        Ok(Json(Checklists { cards }))
    })
    .await?
}

/// * 200 with the hand-overs as they stand then; 403 unless the person may file all of these customers; 404 for an unknown person; 422 when there is
///   nothing to hand over, or somebody would hand over to themselves.
pub(super) async fn transfer(State(app): State<Shared>, session: Session, JsonBody(asked): JsonBody<Request>) -> Result<Json<List>, Error> {
    session.require(Command::File)?;
    app.blocking(move |app| {
        let Some((wanted, plan)) = planned(app, &session, asked)? else {
            return Err(Error::invalid(
                "nothing_to_hand_over",
                "此人名下没有可移交的客户。",
                "There is no customer of this person to hand over.",
            ));
        };
        writing::commit(app, &session, &plan.work)?;
        let row = TransferRow {
            no: 0,
            at: app.now(),
            by: Some(session.id()),
            leaver: wanted.leaver,
            winner: wanted.winner,
            list: transfer::record(&plan.cards),
        };
        app.accounts().note_transfer(app.now(), &session.who(), &row, plan.cards.len())?;
        read(app, &session).map(Json)
    })
    .await?
}

impl From<TransferError> for Error {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::ToThemselves => Self::invalid(
                "handed_over_to_themselves",
                "移交人和接收人是同一人,请另选接收人或移交到客户池。",
                "A person cannot hand customers over to themselves: name somebody else, or nobody for the pool.",
            ),
            TransferError::Replica(error) => error.into(),
        }
    }
}

/// `None`: there is nothing to hand over.
fn planned(app: &App, session: &Session, asked: Request) -> Result<Option<(Wanted, Plan)>, Error> {
    if asked.pool.len() > CARDS_MAX || asked.only.len() > CARDS_MAX {
        return Err(Error::Malformed);
    }
    app.accounts().user(asked.leaver)?.ok_or(Error::NotFound)?;
    if let Some(winner) = asked.winner {
        app.accounts().user(winner)?.filter(|user| !user.disabled).ok_or(Error::NotFound)?;
    }
    let Some(within) = reach::filter(app, session, None)? else { return Ok(None) };
    // Named cards are judged one by one; without names it is what lies within reach.
    let territories = if asked.only.is_empty() { within.territories } else { Vec::new() };
    let wanted = Wanted { leaver: asked.leaver, winner: asked.winner, pool: asked.pool, only: asked.only, territories };
    let stamp = writing::stamp(app, session.id())?;
    let today = app.now().day(app.config().offset_minutes).ok_or(Error::Malformed)?;
    let plan = app.headquarters().read(|replica| transfer::plan(replica, &stamp, today, &wanted))?;
    for card in &plan.cards {
        let filing = app.feed().filing(card.customer)?;
        if !session.may_command(Command::File, filing.as_ref()) {
            return Err(Error::Forbidden);
        }
    }
    Ok((!plan.cards.is_empty()).then_some((wanted, plan)))
}

fn read(app: &App, session: &Session) -> Result<List, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    let mut items = Vec::new();
    for row in app.accounts().transfers()? {
        let mut cards = Vec::new();
        for card in transfer::recorded(&row.list) {
            if session.may_command(Command::File, app.feed().filing(card.customer)?.as_ref()) {
                cards.push(card);
            }
        }
        if cards.is_empty() {
            continue;
        }
        let (by, leaver, winner) = (names.author(row.by), names.person(row.leaver), row.winner.map(|winner| names.person(winner)));
        items.push(Item { no: row.no, at_ms: row.at, by, leaver, winner, cards });
    }
    let near = |territories: &BTreeSet<_>| match &session.reach {
        Reach::Everywhere => true,
        Reach::Within(own) => territories.is_empty() || !own.is_disjoint(territories),
    };
    let people = app.accounts().users()?.into_iter().filter(|user| matches!(user.role, Role::Salesperson | Role::Supervisor));
    let people = people.filter(|user| near(&user.territories));
    let people = people.map(|user| PersonJson { id: user.id, name: user.name, disabled: user.disabled });
    Ok(List { items, people: people.collect() })
}
