//! `GET /api/accounts`, `POST /api/accounts/users`, `POST /api/accounts/enrolments`, `POST /api/accounts/devices/{id}/revoke`:
//! people and their phones, for whoever administers.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{DeviceId, Ms, TerritoryId, UserId};
use serde::{Deserialize, Serialize};

use super::asked::Of;
use super::names::{Named, Names};
use crate::access::{Command, Role};
use crate::accounts::{CODE_LIFE_MS, Device, NewUser, Orders};
use crate::app::App;
use crate::auth::password;
use crate::clock::random;
use crate::http::{Error, JsonBody, Session, Shared};

/// Rows of the quarantine that are counted.
const QUARANTINE_COUNTED_MAX: usize = 5_000;
/// Territories of one account, at most.
const TERRITORIES_MAX: usize = 200;

#[derive(Serialize)]
pub(super) struct Accounts {
    users: Vec<UserJson>,
    devices: Vec<DeviceJson>,
}

#[derive(Serialize)]
struct UserJson {
    id: UserId,
    login: String,
    name: String,
    role: Role,
    territories: BTreeSet<TerritoryId>,
    disabled: bool,
}

/// A phone in a list.
#[derive(Serialize)]
pub(super) struct DeviceJson {
    device: Named,
    user: Named,
    platform: Option<String>,
    pub(super) enrolled_ms: Ms,
    pub(super) last_contact_ms: Option<Ms>,
    pub(super) state: &'static str,
    unsent: Option<u64>,
    photos: Option<u64>,
    quarantined: u64,
    clock_offset_ms: Option<i64>,
    wipe: Option<&'static str>,
    missing: Option<Missing>,
}

/// What can be missing at most of a device that is not expected back: by its last heartbeat.
#[derive(Serialize)]
pub(super) struct Missing {
    records: u64,
    photos: u64,
    since_ms: Option<Ms>,
}

impl Missing {
    fn of(device: &Device) -> Self {
        Self { records: device.waiting, photos: device.photos, since_ms: device.seen_at }
    }
}

impl DeviceJson {
    /// Whether it is this person's.
    pub(super) fn is_of(&self, user: UserId) -> bool {
        self.user.id == user.to_string()
    }
}

/// A new account.
#[derive(Deserialize)]
pub(super) struct NewUserJson {
    login: String,
    name: String,
    role: Role,
    territories: BTreeSet<TerritoryId>,
    password: String,
}

#[derive(Deserialize)]
pub(super) struct EnrolFor {
    user: UserId,
}

#[derive(Serialize)]
pub(super) struct Enrolment {
    code: String,
    expires_ms: Ms,
    user: Named,
    link: String,
}

/// * 200 with accounts and devices; 403 unless the person administers.
pub(super) async fn accounts(State(app): State<Shared>, session: Session) -> Result<Json<Accounts>, Error> {
    session.require(Command::Administer)?;
    app.blocking(|app| read(app).map(Json)).await?
}

/// * 200 with accounts and devices as they stand then; 422 when the login is taken or a text or the password is refused.
pub(super) async fn add_user(
    State(app): State<Shared>,
    session: Session,
    JsonBody(new): JsonBody<NewUserJson>,
) -> Result<Json<Accounts>, Error> {
    session.require(Command::Administer)?;
    if new.territories.len() > TERRITORIES_MAX {
        return Err(Error::Malformed);
    }
    app.hashing(move |app| {
        let known: BTreeSet<TerritoryId> = app.accounts().territories()?.into_iter().map(|territory| territory.id).collect();
        if !new.territories.is_subset(&known) {
            return Err(Error::invalid("no_territory", "没有这个区域。", "There is no such territory."));
        }
        let user = NewUser {
            id: UserId::fresh(app.now(), random().map_err(Error::failed)?),
            login: new.login,
            name: new.name,
            role: new.role,
            password: Some(password::hash(&new.password)?),
            territories: new.territories,
        };
        app.accounts().add_user(app.now(), &session.who(), &user)?;
        read(app).map(Json)
    })
    .await?
}

/// * 200 with a one-time code, shown once and never again; 404 when there is no such account.
pub(super) async fn enrol(
    State(app): State<Shared>,
    session: Session,
    JsonBody(wanted): JsonBody<EnrolFor>,
) -> Result<Json<Enrolment>, Error> {
    session.require(Command::Administer)?;
    app.blocking(move |app| {
        let user = app.accounts().user(wanted.user)?.filter(|user| !user.disabled).ok_or(Error::NotFound)?;
        let code = app.accounts().issue_code(app.now(), &session.who(), user.id)?;
        let link = format!("roadbook:enrol?server={}&code={code}", encoded(&app.config().origin()));
        Ok(Json(Enrolment {
            code: code.to_string(),
            expires_ms: app.now().plus(CODE_LIFE_MS),
            user: Named { id: user.id.to_string(), name: user.name },
            link,
        }))
    })
    .await?
}

/// * 200 with accounts and devices as they stand then; 404 when there is no such device. Revoking twice is fine.
pub(super) async fn revoke(State(app): State<Shared>, session: Session, Of(id): Of<DeviceId>) -> Result<Json<Accounts>, Error> {
    session.require(Command::Administer)?;
    app.blocking(move |app| {
        app.accounts().revoke_device(app.now(), &session.who(), id)?;
        read(app).map(Json)
    })
    .await?
}

/// * 200 with what can be missing at most; 403 unless the person may order it; 404 when there is no such device. It is revoked at
///   once and wiped at its next contact, before anything is served.
pub(super) async fn wipe(State(app): State<Shared>, session: Session, Of(id): Of<DeviceId>) -> Result<Json<Missing>, Error> {
    session.require(Command::Wipe)?;
    app.blocking(move |app| {
        app.accounts().order_wipe(app.now(), &session.who(), id)?;
        let device = app.accounts().device(id)?.ok_or(Error::NotFound)?;
        Ok(Json(Missing::of(&device)))
    })
    .await?
}

fn read(app: &App) -> Result<Accounts, Error> {
    let users = app.accounts().users()?.into_iter().map(|user| UserJson {
        id: user.id,
        login: user.login,
        name: user.name,
        role: user.role,
        territories: user.territories,
        disabled: user.disabled,
    });
    Ok(Accounts { users: users.collect(), devices: devices(app)? })
}

/// Every device, the latest enrolled first.
pub(super) fn devices(app: &App) -> Result<Vec<DeviceJson>, Error> {
    let names = Names::read(app.accounts(), app.feed())?;
    let disabled: BTreeSet<UserId> = app.accounts().users()?.into_iter().filter(|user| user.disabled).map(|user| user.id).collect();
    let mut quarantined: BTreeMap<DeviceId, u64> = BTreeMap::new();
    for row in app.feed().quarantine(QUARANTINE_COUNTED_MAX)? {
        if let Some(device) = row.device {
            *quarantined.entry(device).or_default() += 1;
        }
    }
    let mut devices = app.accounts().devices()?;
    devices.sort_by_key(|device| std::cmp::Reverse(device.enrolled_at));
    let orders = |device| app.accounts().orders(device);
    devices
        .into_iter()
        .map(|device| {
            Ok(DeviceJson {
                device: names.device(device.id),
                user: names.person(device.user),
                platform: None,
                enrolled_ms: device.enrolled_at,
                last_contact_ms: device.seen_at,
                state: match (device.revoked_at, disabled.contains(&device.user)) {
                    (Some(_), _) => "revoked",
                    (None, true) => "drain",
                    (None, false) => "active",
                },
                unsent: device.seen_at.map(|_| device.waiting),
                photos: device.seen_at.map(|_| device.photos),
                quarantined: quarantined.get(&device.id).copied().unwrap_or(0),
                clock_offset_ms: device.seen_at.map(|_| -device.offset_ms),
                wipe: match orders(device.id)? {
                    Orders { wipe_told_at: Some(_), .. } => Some("told"),
                    Orders { wipe_at: Some(_), .. } => Some("ordered"),
                    Orders { .. } => None,
                },
                missing: device.revoked_at.map(|_| Missing::of(&device)),
            })
        })
        .collect()
}

/// An address inside an address: everything but letters, digits and `-._~` as `%XX`.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_fits_into_an_address() {
        assert_eq!(encoded("https://路.example:7070/a b"), "https%3A%2F%2F%E8%B7%AF.example%3A7070%2Fa%20b");
    }
}
