//! Console sessions: an opaque 256-bit token in the browser's cookie, its SHA-256 here. Ending one acts at once. A token is looked up by
//! its hash: what the time of a look-up could tell is about the hash, and nothing of the token.

use std::fmt;

use roadbook_core::ids::{Ms, UserId};
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::audit::{self, Act, Who};
use super::users::{User, user_where};
use super::{Accounts, AccountsError, user_column};
use crate::clock::random;
use crate::clock::span::{HOUR_MS, MINUTE_MS};

/// A session ends this long after its last use, in milliseconds.
pub const SESSION_IDLE_MS: i64 = 4 * HOUR_MS;
/// A session ends this long after its log-in, used or not, in milliseconds.
pub const SESSION_LIFE_MS: i64 = 14 * HOUR_MS;
/// The time of last use is written at most this often (each write is a durable commit), in milliseconds.
const USE_NOTED_EVERY_MS: i64 = 5 * MINUTE_MS;
/// One person has at most this many sessions; the oldest gives way.
const SESSIONS_PER_USER_MAX: i64 = 20;

/// Who asks with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Somebody who looks or clicks.
    Person,
    /// The page alone: its channel, and what it reads again because of news. That keeps no session alive.
    ByItself,
}

/// What the browser's cookie holds: 64 hexadecimal digits. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// Reads a cookie's value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))).then(|| Self(text.to_owned()))
    }

    /// The cookie's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

impl Accounts {
    /// Begins a session for a person who proved otherwise who they are.
    ///
    /// # Errors
    /// No randomness, or the database.
    pub fn begin_session(&self, now: Ms, user: UserId, address: &str) -> Result<SessionToken, AccountsError> {
        self.begin(now, user, address, None)?.ok_or_else(|| AccountsError::NoUser(user.to_string()))
    }

    /// Begins a session for a person whose password was just found right against `phc`. `None` when meanwhile it is no longer their
    /// password, or the account was switched off: what ends all sessions ends those that are just beginning, too.
    ///
    /// # Errors
    /// No randomness, or the database.
    pub fn begin_session_by(&self, now: Ms, user: UserId, address: &str, phc: &str) -> Result<Option<SessionToken>, AccountsError> {
        self.begin(now, user, address, Some(phc))
    }

    fn begin(&self, now: Ms, user: UserId, address: &str, phc: Option<&str>) -> Result<Option<SessionToken>, AccountsError> {
        let bytes: [u8; 32] = random()?;
        let token = SessionToken(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        self.database.write(|tx| {
            if let Some(phc) = phc {
                let still: bool = tx
                    .prepare_cached("SELECT EXISTS (SELECT 1 FROM user WHERE id = ?1 AND password = ?2 AND disabled_ms = 0)")?
                    .query_row(params![user.as_bytes(), phc], |row| row.get(0))?;
                if !still {
                    return Ok(None);
                }
            }
            tx.execute(
                "DELETE FROM session WHERE created_ms < ?1 OR used_ms < ?2",
                [now.0.saturating_sub(SESSION_LIFE_MS), now.0.saturating_sub(SESSION_IDLE_MS)],
            )?;
            tx.execute(
                "DELETE FROM session WHERE user = ?1 AND token NOT IN
                   (SELECT token FROM session WHERE user = ?1 ORDER BY created_ms DESC LIMIT ?2)",
                params![user.as_bytes(), SESSIONS_PER_USER_MAX - 1],
            )?;
            tx.execute(
                "INSERT INTO session (token, user, created_ms, used_ms, address) VALUES (?1, ?2, ?3, ?3, ?4)",
                params![token.hash().as_slice(), user.as_bytes(), now.0, address],
            )?;
            audit::append(tx, now, &Who::person(user, address), Act::LoggedIn, "")?;
            Ok(Some(token))
        })
    }

    /// The person behind a token, if the session lives and the account is not disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub fn session_user(&self, now: Ms, token: &SessionToken, by: Use) -> Result<Option<User>, AccountsError> {
        let hash = token.hash();
        let found = self.database.read(|tx| {
            let row: Option<(UserId, i64, i64)> = tx
                .prepare_cached("SELECT user, created_ms, used_ms FROM session WHERE token = ?1")?
                .query_row([hash.as_slice()], |row| Ok((user_column(row, 0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let Some((id, created_ms, used_ms)) = row else { return Ok(None) };
            let user = user_where(tx, "id = ?1", id.as_bytes())?;
            Ok::<_, AccountsError>(user.map(|user| (user, created_ms, used_ms)))
        })?;
        let Some((user, created_ms, used_ms)) = found else { return Ok(None) };
        let lives = now.0 <= created_ms.saturating_add(SESSION_LIFE_MS) && now.0 <= used_ms.saturating_add(SESSION_IDLE_MS);
        if !lives || user.disabled {
            return Ok(None);
        }
        if by == Use::Person && now.0.saturating_sub(used_ms) > USE_NOTED_EVERY_MS {
            self.database
                .write(|tx| tx.execute("UPDATE session SET used_ms = ?2 WHERE token = ?1", params![hash.as_slice(), now.0]))
                .map_err(|e: rusqlite::Error| AccountsError::Sqlite(e))?;
        }
        Ok(Some(user))
    }

    /// Ends one session. Ending one that does not exist is no error.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_session(&self, now: Ms, who: &Who, token: &SessionToken) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            if tx.execute("DELETE FROM session WHERE token = ?1", [token.hash().as_slice()])? > 0 {
                audit::append(tx, now, who, Act::LoggedOut, "")?;
            }
            Ok(())
        })
    }

    /// Ends all sessions of a person.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_sessions(&self, now: Ms, who: &Who, user: UserId) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            tx.execute("DELETE FROM session WHERE user = ?1", [user.as_bytes()])?;
            Ok(audit::append(tx, now, who, Act::SessionsEnded, &user.to_string())?)
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::collections::BTreeSet;

    use super::super::NewUser;
    use super::super::testing::accounts;
    use super::*;
    use crate::access::Role;

    #[test]
    fn a_session_ends_by_idling_by_age_by_log_out_and_with_the_account() {
        let (_folder, accounts) = accounts();
        let new = NewUser {
            id: UserId::from_bytes([1; 16]),
            login: "zm".to_owned(),
            name: "赵敏".to_owned(),
            role: Role::Dispatcher,
            password: None,
            territories: BTreeSet::new(),
        };
        let user = accounts.add_user(Ms(0), &Who::shell(), &new).unwrap().id;
        let alive = |now, token: &SessionToken| accounts.session_user(Ms(now), token, Use::Person).unwrap().is_some();

        let token = accounts.begin_session(Ms(0), user, "::1").unwrap();
        assert_eq!(SessionToken::parse(token.as_str()).unwrap(), token);
        assert!(alive(SESSION_IDLE_MS, &token));
        assert!(alive(2 * SESSION_IDLE_MS, &token), "the use before prolonged it");
        assert!(!alive(3 * SESSION_IDLE_MS + 1, &token), "idle");

        let token = accounts.begin_session(Ms(0), user, "::1").unwrap();
        for quarter in 1..=14 {
            assert!(alive(quarter * HOUR_MS, &token));
        }
        assert!(!alive(SESSION_LIFE_MS + 1, &token), "age");

        let token = accounts.begin_session(Ms(0), user, "::1").unwrap();
        accounts.end_session(Ms(1), &Who::person(user, "::1"), &token).unwrap();
        assert!(!alive(2, &token), "log-out");

        let token = accounts.begin_session(Ms(0), user, "::1").unwrap();
        accounts.switch_user(Ms(1), &Who::shell(), user, true).unwrap();
        assert!(!alive(2, &token), "disabled");
        assert!(SessionToken::parse("' OR 1=1 --").is_none());
    }

    #[test]
    fn a_new_password_and_a_switch_end_sessions_that_are_just_beginning() {
        let (_folder, accounts) = accounts();
        let new = NewUser {
            id: UserId::from_bytes([1; 16]),
            login: "zm".to_owned(),
            name: "赵敏".to_owned(),
            role: Role::Dispatcher,
            password: Some("old".to_owned()),
            territories: BTreeSet::new(),
        };
        let user = accounts.add_user(Ms(0), &Who::shell(), &new).unwrap().id;
        let begin = |phc| accounts.begin_session_by(Ms(1), user, "::1", phc).unwrap();
        let old = begin("old").unwrap();
        // The password is found right, then changed, then the session would begin.
        accounts.set_password(Ms(1), &Who::shell(), user, "new").unwrap();
        assert_eq!(begin("old"), None);
        assert!(accounts.session_user(Ms(1), &old, Use::Person).unwrap().is_none(), "and those before");
        let new = begin("new").unwrap();
        accounts.switch_user(Ms(2), &Who::shell(), user, true).unwrap();
        assert_eq!(begin("new"), None);
        accounts.switch_user(Ms(3), &Who::shell(), user, false).unwrap();
        assert!(accounts.session_user(Ms(3), &new, Use::Person).unwrap().is_none(), "what was ended stays ended");
        assert!(accounts.session_user(Ms(3), &begin("new").unwrap(), Use::Person).unwrap().is_some());
    }
}
