//! People: made, renamed, given a role, a password, territories; disabled, never deleted (history names them).

use std::collections::BTreeSet;

use roadbook_core::ids::{Ms, TerritoryId, UserId};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use unicode_normalization::UnicodeNormalization;

use super::audit::{self, Act, Who};
use super::{Accounts, AccountsError, checked_text, user_column};
use crate::access::Role;

/// A login has at most this many characters.
pub const LOGIN_CHARS_MAX: usize = 64;
/// A name has at most this many characters.
pub const NAME_CHARS_MAX: usize = 64;

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// Stays for ever; written into every change of this person.
    pub id: UserId,
    /// What is typed at the log-in, normalised.
    pub login: String,
    /// What others read.
    pub name: String,
    /// What the person may do; see [`crate::access`].
    pub role: Role,
    /// Whether the account was switched off.
    pub disabled: bool,
    /// The territories given to the person, without those below them.
    pub territories: BTreeSet<TerritoryId>,
}

/// What is needed to add a person.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its id, made by the caller (UUIDv7).
    pub id: UserId,
    /// What will be typed at the log-in.
    pub login: String,
    /// What others read.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// The PHC string of the password (`auth::password`), or `None`: no console.
    pub password: Option<String>,
    /// The territories given at once.
    pub territories: BTreeSet<TerritoryId>,
}

const COLUMNS: &str = "id, login, name, role, disabled_ms";

impl Accounts {
    /// Adds a person.
    ///
    /// # Errors
    /// A taken login, a bad text, an unknown territory, or the database.
    pub fn add_user(&self, now: Ms, who: &Who, new: &NewUser) -> Result<User, AccountsError> {
        let login = normal_login(&new.login)?;
        let name = checked_text("a name", &new.name, NAME_CHARS_MAX)?;
        self.database.write(|tx| {
            let taken: bool =
                tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM user WHERE login = ?1)")?.query_row([&login], |row| row.get(0))?;
            if taken {
                return Err(AccountsError::LoginTaken(login.clone()));
            }
            tx.prepare_cached("INSERT INTO user (id, login, name, role, password, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![new.id.as_bytes(), login, name, new.role.code(), new.password.as_deref().unwrap_or(""), now.0])?;
            audit::append(tx, now, who, Act::UserMade, &format!("{} {}", new.id, new.role.code()))?;
            assign(tx, new.id, &new.territories)?;
            user_where(tx, "id = ?1", new.id.as_bytes())?.ok_or_else(|| AccountsError::NoUser(new.id.to_string()))
        })
    }

    /// The person with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn user(&self, id: UserId) -> Result<Option<User>, AccountsError> {
        self.database.read(|tx| user_where(tx, "id = ?1", id.as_bytes()))
    }

    /// The person with this login, however it was typed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn user_by_login(&self, login: &str) -> Result<Option<User>, AccountsError> {
        let Ok(login) = normal_login(login) else { return Ok(None) };
        self.database.read(|tx| user_where(tx, "login = ?1", &login))
    }

    /// Everybody, by login.
    ///
    /// # Errors
    /// When the database fails.
    pub fn users(&self) -> Result<Vec<User>, AccountsError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM user ORDER BY login"))?;
            let rows = statement.query_map([], user_row)?;
            let mut users = rows.collect::<Result<Vec<User>, _>>()?;
            for user in &mut users {
                user.territories = territories_of(tx, user.id)?;
            }
            Ok(users)
        })
    }

    /// The person and the stored PHC string for a login attempt. The string is empty when the person cannot log in.
    ///
    /// # Errors
    /// When the database fails.
    pub fn credentials(&self, login: &str) -> Result<Option<(User, String)>, AccountsError> {
        let Ok(login) = normal_login(login) else { return Ok(None) };
        self.database.read(|tx| {
            let Some(user) = user_where(tx, "login = ?1", &login)? else { return Ok(None) };
            let password: String =
                tx.prepare_cached("SELECT password FROM user WHERE id = ?1")?.query_row([user.id.as_bytes()], |row| row.get(0))?;
            Ok(Some((user, password)))
        })
    }

    /// Sets a password (its PHC string) and ends all sessions of the person.
    ///
    /// # Errors
    /// An unknown user, or the database.
    pub fn set_password(&self, now: Ms, who: &Who, id: UserId, phc: &str) -> Result<(), AccountsError> {
        self.change(now, who, id, Act::PasswordSet, "", |tx| {
            tx.execute("UPDATE user SET password = ?2 WHERE id = ?1", params![id.as_bytes(), phc])?;
            tx.execute("DELETE FROM session WHERE user = ?1", [id.as_bytes()])
        })
    }

    /// Changes the name that others read.
    ///
    /// # Errors
    /// An unknown user, a bad text, or the database.
    pub fn rename_user(&self, now: Ms, who: &Who, id: UserId, name: &str) -> Result<(), AccountsError> {
        let name = checked_text("a name", name, NAME_CHARS_MAX)?;
        self.change(now, who, id, Act::UserRenamed, "", |tx| {
            tx.execute("UPDATE user SET name = ?2 WHERE id = ?1", params![id.as_bytes(), name])
        })
    }

    /// Gives another role and ends all sessions of the person.
    ///
    /// # Errors
    /// An unknown user, or the database.
    pub fn set_role(&self, now: Ms, who: &Who, id: UserId, role: Role) -> Result<(), AccountsError> {
        self.change(now, who, id, Act::RoleChanged, role.code(), |tx| {
            super::former::remember(tx, now, id)?;
            tx.execute("UPDATE user SET role = ?2 WHERE id = ?1", params![id.as_bytes(), role.code()])?;
            tx.execute("DELETE FROM session WHERE user = ?1", [id.as_bytes()])
        })
    }

    /// Switches an account off (ending its sessions; its devices are refused from then on) or on again.
    ///
    /// # Errors
    /// An unknown user, or the database.
    pub fn switch_user(&self, now: Ms, who: &Who, id: UserId, disabled: bool) -> Result<(), AccountsError> {
        let at_ms = if disabled { now.0 } else { 0 };
        self.change(now, who, id, Act::UserSwitched, if disabled { "off" } else { "on" }, |tx| {
            tx.execute("UPDATE user SET disabled_ms = ?2 WHERE id = ?1", params![id.as_bytes(), at_ms])?;
            if !disabled {
                Self::undrain(tx, id)?;
            }
            tx.execute("DELETE FROM session WHERE user = ?1", [id.as_bytes()])
        })
    }

    /// Gives a person exactly these territories.
    ///
    /// # Errors
    /// An unknown user or territory, or the database.
    pub fn assign_territories(&self, now: Ms, who: &Who, id: UserId, territories: &BTreeSet<TerritoryId>) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            known(tx, id)?;
            super::former::remember(tx, now, id)?;
            assign(tx, id, territories)?;
            let list = territories.iter().map(|territory| territory.0.as_str()).collect::<Vec<_>>().join(",");
            Ok(audit::append(tx, now, who, Act::TerritoriesAssigned, &format!("{id} {list}"))?)
        })
    }

    fn change(
        &self,
        now: Ms,
        who: &Who,
        id: UserId,
        act: Act,
        detail: &str,
        update: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<usize>,
    ) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            known(tx, id)?;
            update(tx)?;
            Ok(audit::append(tx, now, who, act, format!("{id} {detail}").trim_end())?)
        })
    }
}

/// One form for all ways to type a login.
pub(crate) fn folded_login(login: &str) -> String {
    login.trim().nfkc().collect::<String>().to_lowercase()
}

/// The form in which logins are stored and compared.
fn normal_login(login: &str) -> Result<String, AccountsError> {
    let folded = folded_login(login);
    if folded.contains(char::is_whitespace) {
        return Err(AccountsError::BadText { what: "a login", max: LOGIN_CHARS_MAX });
    }
    checked_text("a login", &folded, LOGIN_CHARS_MAX)
}

fn known(tx: &Transaction<'_>, id: UserId) -> Result<(), AccountsError> {
    let known: bool =
        tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM user WHERE id = ?1)")?.query_row([id.as_bytes()], |row| row.get(0))?;
    if known { Ok(()) } else { Err(AccountsError::NoUser(id.to_string())) }
}

fn assign(tx: &Transaction<'_>, id: UserId, territories: &BTreeSet<TerritoryId>) -> Result<(), AccountsError> {
    tx.execute("DELETE FROM assignment WHERE user = ?1", [id.as_bytes()])?;
    for territory in territories {
        super::territories::known(tx, territory)?;
        tx.prepare_cached("INSERT INTO assignment (user, territory) VALUES (?1, ?2)")?.execute(params![id.as_bytes(), territory.0])?;
    }
    Ok(())
}

/// The one person for whom `condition` over `?1` holds.
pub(super) fn user_where(tx: &Transaction<'_>, condition: &str, value: &dyn rusqlite::ToSql) -> Result<Option<User>, AccountsError> {
    let found = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM user WHERE {condition}"))?.query_row([value], user_row).optional()?;
    match found {
        Some(mut user) => {
            user.territories = territories_of(tx, user.id)?;
            Ok(Some(user))
        }
        None => Ok(None),
    }
}

fn user_row(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(3)?;
    Ok(User {
        id: user_column(row, 0)?,
        login: row.get(1)?,
        name: row.get(2)?,
        role: Role::of_code(&role).ok_or(rusqlite::Error::InvalidQuery)?,
        disabled: row.get::<_, i64>(4)? != 0,
        territories: BTreeSet::new(),
    })
}

fn territories_of(tx: &Transaction<'_>, id: UserId) -> Result<BTreeSet<TerritoryId>, rusqlite::Error> {
    let mut statement = tx.prepare_cached("SELECT territory FROM assignment WHERE user = ?1")?;
    let rows = statement.query_map([id.as_bytes()], |row| super::territories::column(row, 0))?;
    rows.collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::super::testing::accounts;
    use super::*;

    fn new(id: u8, login: &str) -> NewUser {
        NewUser {
            id: UserId::from_bytes([id; 16]),
            login: login.to_owned(),
            name: "王芳".to_owned(),
            role: Role::Salesperson,
            password: Some("phc".to_owned()),
            territories: BTreeSet::new(),
        }
    }

    #[test]
    fn a_login_is_one_however_it_is_typed() {
        let (_folder, accounts) = accounts();
        let user = accounts.add_user(Ms(1), &Who::shell(), &new(1, " WangFang ")).unwrap();
        assert_eq!(user.login, "wangfang");
        assert_eq!(accounts.user_by_login("ＷＡＮＧＦＡＮＧ").unwrap().map(|user| user.id), Some(user.id));
        let taken = accounts.add_user(Ms(2), &Who::shell(), &new(2, "wangfang"));
        assert!(matches!(taken, Err(AccountsError::LoginTaken(_))));
        for bad in ["", "   ", "a b", "a\u{0}b", &"x".repeat(65)] {
            assert!(matches!(accounts.add_user(Ms(2), &Who::shell(), &new(3, bad)), Err(AccountsError::BadText { .. })));
        }
        assert_eq!(accounts.users().unwrap().len(), 1);
    }

    #[test]
    fn every_change_of_a_person_leaves_a_line_and_unknown_people_leave_none() {
        let (_folder, accounts) = accounts();
        let user = accounts.add_user(Ms(1), &Who::shell(), &new(1, "wf")).unwrap();
        accounts.set_role(Ms(2), &Who::shell(), user.id, Role::Supervisor).unwrap();
        accounts.rename_user(Ms(3), &Who::shell(), user.id, "孙丽").unwrap();
        accounts.set_password(Ms(4), &Who::shell(), user.id, "other").unwrap();
        accounts.switch_user(Ms(5), &Who::shell(), user.id, true).unwrap();
        let nobody = UserId::from_bytes([9; 16]);
        assert!(matches!(accounts.set_role(Ms(6), &Who::shell(), nobody, Role::Admin), Err(AccountsError::NoUser(_))));
        let acts: Vec<String> = accounts.audit_rows(10).unwrap().into_iter().map(|row| row.act).collect();
        assert_eq!(acts, ["user-switched", "password-set", "user-renamed", "role-changed", "user-made"]);
        let (user, password) = accounts.credentials("wf").unwrap().unwrap();
        assert!(user.disabled && user.role == Role::Supervisor && password == "other");
    }
}
