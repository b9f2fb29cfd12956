//! `GET /api/me`: who is logged in, and what the pages offer them.

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{Ms, TerritoryId, UserId};
use serde::Serialize;

use super::session::Session;
use super::{Error, Shared};
use crate::access::{self, Action, Command, Relation, Role};
use crate::accounts::User;

/// A person as the console shows them.
#[derive(Debug, Serialize)]
pub struct MeUser {
    id: UserId,
    name: String,
    login: String,
    role: Role,
    territories: Vec<TerritoryId>,
}

/// What the pages offer; every request is checked again.
#[derive(Debug, Serialize)]
pub struct MeMay {
    customers: bool,
    visits: bool,
    oversee: bool,
    edit: bool,
    verify: bool,
    decide: bool,
    dispatch: bool,
    administer: bool,
    quarantine: bool,
    file: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Me {
    user: MeUser,
    may: MeMay,
    server_ms: Ms,
}

impl Me {
    /// What a person is told of themselves.
    #[must_use]
    pub fn of(user: &User, now: Ms) -> Self {
        let command = |command| access::table::command(user.role, command);
        Self {
            may: MeMay {
                customers: access::may_read_kind(user.role, Relation::Territory, "customer"),
                visits: access::may_read_kind(user.role, Relation::Territory, "visit"),
                oversee: command(Command::Oversee),
                edit: access::may(user.role, Relation::Territory, Action::Edit, "customer.card"),
                verify: command(Command::Verify),
                decide: access::may(user.role, Relation::Territory, Action::Edit, "proposal.decision"),
                dispatch: command(Command::Dispatch),
                administer: command(Command::Administer),
                quarantine: command(Command::Quarantine),
                file: command(Command::File),
            },
            user: MeUser {
                id: user.id,
                name: user.name.clone(),
                login: user.login.clone(),
                role: user.role,
                territories: user.territories.iter().cloned().collect(),
            },
            server_ms: now,
        }
    }
}

/// * 200 with [`Me`], or `null` when nobody is logged in.
pub async fn me(State(app): State<Shared>, session: Option<Session>) -> Result<Json<Option<Me>>, Error> {
    Ok(Json(session.map(|session| Me::of(&session.user, app.now()))))
}
