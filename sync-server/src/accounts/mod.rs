//! Who works here: people, roles, territories, devices, one-time codes, console sessions, and the audit log.
//!
//! Belongs here: the server's tables about people and devices, and the commands that change them, each with its line
//! in the audit log in the same transaction. Never here: documents, the feed, HTTP, or the decision who may do what
//! (`access`); a caller has decided that before it calls a command of this room.

mod audit;
mod devices;
mod enrolment;
mod former;
mod orders;
mod sessions;
mod territories;
mod transfers;
mod users;

use std::sync::Arc;

use roadbook_core::ids::{DeviceId, TerritoryId, UserId};
use rusqlite::Row;

pub use audit::{Act, AuditBreak, AuditRow, Who};
pub use devices::{Contact, Device};
pub use enrolment::{CODE_LIFE_MS, EnrolmentCode, EnrolmentRefusal};
pub use former::FormerPost;
pub use orders::Orders;
pub use sessions::{SESSION_IDLE_MS, SESSION_LIFE_MS, SessionToken, Use};
pub use territories::Territory;
pub use transfers::TransferRow;
pub(crate) use users::folded_login;
pub use users::{LOGIN_CHARS_MAX, NAME_CHARS_MAX, NewUser, User};

use crate::clock::NoEntropy;
use crate::database::Database;

/// The schema steps of this room, oldest first; see `storage` for the ladder that they are part of.
pub(crate) const MIGRATION_1: &str = include_str!("migrations/0001_accounts.sql");
/// Former posts, orders to devices, hand-overs.
pub(crate) const MIGRATION_ORDERS: &str = include_str!("migrations/0002_orders.sql");
/// See [`MIGRATION_1`].
pub(crate) const MIGRATION_2: &str = include_str!("migrations/0002_version.sql");
/// The reach of former posts.
pub(crate) const MIGRATION_REACH: &str = include_str!("migrations/0003_reach.sql");

/// Why a command or question about accounts could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// SQLite refused; the text is for the log.
    #[error("the account tables failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// No randomness for a secret.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// There is no such user.
    #[error("there is no user {0:?}")]
    NoUser(String),
    /// There is no such territory.
    #[error("there is no territory {0:?}")]
    NoTerritory(TerritoryId),
    /// There is no such device.
    #[error("there is no device {0}")]
    NoDevice(DeviceId),
    /// The login is taken.
    #[error("the login {0:?} is already in use")]
    LoginTaken(String),
    /// A territory would be its own ancestor.
    #[error("territory {0:?} cannot lie below itself")]
    TerritoryCycle(TerritoryId),
    /// A name, login or id is empty, too long, or holds control characters.
    #[error("{what} must have 1 to {max} characters and no control characters")]
    BadText {
        /// Which input.
        what: &'static str,
        /// How many characters it may have.
        max: usize,
    },
}

/// The account tables of one organisation. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    database: Arc<Database>,
}

impl Accounts {
    /// Accounts kept in `database`, which was opened with [`crate::storage`]'s migrations.
    #[must_use]
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// A number that grows with every change of people, roles, territories and assignments.
    ///
    /// # Errors
    /// When the database fails.
    pub fn version(&self) -> Result<u64, AccountsError> {
        self.database.read(|tx| {
            let version: i64 = tx.prepare_cached("SELECT version FROM account_version")?.query_row([], |row| row.get(0))?;
            Ok(u64::try_from(version).unwrap_or(0))
        })
    }
}

/// A text that people read and type: trimmed, 1 to `max` characters, no control characters.
fn checked_text(what: &'static str, text: &str, max: usize) -> Result<String, AccountsError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max || text.chars().any(char::is_control) {
        return Err(AccountsError::BadText { what, max });
    }
    Ok(text.to_owned())
}

fn user_column(row: &Row<'_>, index: usize) -> rusqlite::Result<UserId> {
    Ok(UserId::from_bytes(row.get(index)?))
}

fn device_column(row: &Row<'_>, index: usize) -> rusqlite::Result<DeviceId> {
    Ok(DeviceId::from_bytes(row.get(index)?))
}

#[cfg(test)]
pub(crate) mod testing {
    //! Accounts in a fresh folder, for the tests of this and other rooms.
    #![expect(clippy::unwrap_used, reason = "a failing test says where")]

    use super::*;
    use crate::database::Durability;

    pub(crate) fn accounts() -> (tempfile::TempDir, Accounts) {
        let folder = tempfile::tempdir().unwrap();
        let database =
            Database::open(&folder.path().join("server.sqlite"), Durability::Process, crate::storage::SERVER_MIGRATIONS).unwrap();
        (folder, Accounts::new(Arc::new(database)))
    }
}
