//! Logging in to the console: passwords, throttling, and the whole decision in [`log_in`].
//!
//! Belongs here: whether somebody is who they say. Never here: cookies (`http`), sessions' tables (`accounts`), rights
//! (`access`).

pub mod password;
pub mod throttle;

use std::sync::{Mutex, PoisonError};

use roadbook_core::ids::Ms;

use crate::accounts::{Accounts, AccountsError, Act, SessionToken, User, Who};
use password::PasswordError;
use throttle::Throttle;

/// What came of a log-in.
#[derive(Debug, PartialEq, Eq)]
pub enum Login {
    /// The token for the cookie, and who it is.
    Welcome(SessionToken, Box<User>),
    /// Wrong login, wrong password, disabled, or no console for this person: all the same from outside.
    Refused,
    /// Too many failures; may be tried again after so many milliseconds.
    Wait(i64),
}

/// Why a log-in could not be decided.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The account tables failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// Hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// Decides a log-in. Costs one password hash whether or not the login exists, so that neither the answer nor its time
/// tells. The caller bounds how many run at once ([`password::HASHES_AT_ONCE_MAX`]).
///
/// # Errors
/// When the tables or the hashing fail.
pub fn log_in(
    accounts: &Accounts,
    throttle: &Mutex<Throttle>,
    now: Ms,
    address: &str,
    login: &str,
    password: &str,
) -> Result<Login, AuthError> {
    let held = || throttle.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(wait_ms) = held().try_begin(now, login, address) {
        return Ok(Login::Wait(wait_ms));
    }
    let found = accounts.credentials(login)?;
    let phc = found.as_ref().map_or("", |(_, phc)| phc.as_str());
    let right = password::verify(password, phc)?;
    let begun = match &found {
        Some((user, phc)) if right && !user.disabled => accounts.begin_session_by(now, user.id, address, phc)?,
        _ => None,
    };
    match (begun, found) {
        (Some(token), Some((user, _))) => {
            held().succeeded(now, login, address);
            Ok(Login::Welcome(token, Box::new(user)))
        }
        (_, other) => {
            held().failed(now, login, address);
            let who = Who { user: other.map(|(user, _)| user.id), device: None, address: address.to_owned() };
            // What was typed as the login stays out of the log: it may be a password.
            accounts.audit(now, &who, Act::LoginRefused, "")?;
            Ok(Login::Refused)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::collections::BTreeSet;

    use roadbook_core::ids::UserId;

    use super::*;
    use crate::access::Role;
    use crate::accounts::NewUser;

    #[test]
    fn wrong_login_wrong_password_and_disabled_look_alike() {
        let (_folder, accounts) = crate::accounts::testing::accounts();
        let new = NewUser {
            id: UserId::from_bytes([1; 16]),
            login: "sl".to_owned(),
            name: "孙丽".to_owned(),
            role: Role::Supervisor,
            password: Some(password::hash("correct horse battery").unwrap()),
            territories: BTreeSet::new(),
        };
        accounts.add_user(Ms(0), &Who::shell(), &new).unwrap();
        let throttle = Mutex::new(Throttle::default());
        let try_it = |now, login, password| log_in(&accounts, &throttle, Ms(now), "::1", login, password).unwrap();
        assert_eq!(try_it(0, "nobody", "correct horse battery"), Login::Refused);
        assert_eq!(try_it(0, "sl", "wrong"), Login::Refused);
        assert!(matches!(try_it(0, "SL", "correct horse battery"), Login::Welcome(_, user) if user.name == "孙丽"));
        accounts.switch_user(Ms(1), &Who::shell(), new.id, true).unwrap();
        assert_eq!(try_it(2, "sl", "correct horse battery"), Login::Refused);
        assert_eq!(accounts.audit_rows(10).unwrap().iter().filter(|row| row.act == "login-refused").count(), 3);
    }

    /// The quickest of some tries each, so that a busy machine does not decide. Without the hash for nobody the times would differ by
    /// a factor of hundreds.
    #[test]
    fn the_time_of_a_refusal_does_not_tell_whether_the_login_exists() {
        let (_folder, accounts) = crate::accounts::testing::accounts();
        let person = |n: u8, login: &str, password| NewUser {
            id: UserId::from_bytes([n; 16]),
            login: login.to_owned(),
            name: login.to_owned(),
            role: Role::Supervisor,
            password,
            territories: BTreeSet::new(),
        };
        accounts.add_user(Ms(0), &Who::shell(), &person(1, "sl", Some(password::hash("correct horse battery").unwrap()))).unwrap();
        accounts.add_user(Ms(0), &Who::shell(), &person(2, "field", None)).unwrap();
        let mut quickest = [std::time::Duration::MAX; 3];
        for n in 0..4 {
            for (login, best) in ["sl", "nobody", "field"].into_iter().zip(&mut quickest) {
                let throttle = Mutex::new(Throttle::default());
                let begun = std::time::Instant::now();
                assert_eq!(log_in(&accounts, &throttle, Ms(n), "::1", login, "wrong").unwrap(), Login::Refused);
                *best = begun.elapsed().min(*best);
            }
        }
        let [known, nobody, without] = quickest;
        for other in [nobody, without] {
            assert!(other * 3 > known && known * 3 > other, "known {known:?}, nobody {nobody:?}, without password {without:?}");
        }
    }
}
