//! The audit log: an append-only table in which every row carries a hash over itself and the row before.
//!
//! Belongs here: writing a row inside the transaction of what it tells, and proving the chain. Never here: names or
//! contents of customers; `about` holds ids and codes only.
//!
//! Hashed bytes of a row, in this order: the 32 bytes of the row before (zeros for the first) · `no` and `at_ms` as
//! 8 bytes big-endian · then `user`, `device`, `address`, `act`, `about`, each as 4 bytes big-endian length and its bytes.

use std::fmt;

use roadbook_core::ids::{DeviceId, Ms, UserId};
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::{Accounts, AccountsError};

/// Who did something, and from where. Parts that are not known stay empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// The person.
    pub user: Option<UserId>,
    /// The phone or other device.
    pub device: Option<DeviceId>,
    /// The network address, or `"console"`/`"shell"` for a command on the server itself.
    pub address: String,
}

impl Who {
    /// Someone with a shell on the server.
    #[must_use]
    pub fn shell() -> Self {
        Self { user: None, device: None, address: "shell".to_owned() }
    }

    /// A person at the console, from `address`.
    #[must_use]
    pub fn person(user: UserId, address: &str) -> Self {
        Self { user: Some(user), device: None, address: address.to_owned() }
    }

    /// A device of a person, from `address`.
    #[must_use]
    pub fn device(user: UserId, device: DeviceId, address: &str) -> Self {
        Self { user: Some(user), device: Some(device), address: address.to_owned() }
    }
}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What was done. The codes are stored and never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Act { $($(#[$doc])* $name,)* }

        impl Act {
            /// The stored code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

acts! {
    /// Someone logged in to the console.
    LoggedIn = "login",
    /// A login was refused.
    LoginRefused = "login-refused",
    /// Someone logged out.
    LoggedOut = "logout",
    /// All sessions of a person were ended.
    SessionsEnded = "sessions-ended",
    /// A person was added.
    UserMade = "user-made",
    /// A person's name changed.
    UserRenamed = "user-renamed",
    /// A person's role changed.
    RoleChanged = "role-changed",
    /// A password was set.
    PasswordSet = "password-set",
    /// A person was disabled or enabled again.
    UserSwitched = "user-switched",
    /// A territory was made, renamed or moved in the tree.
    TerritorySet = "territory-set",
    /// The territories of a person changed.
    TerritoriesAssigned = "territories-assigned",
    /// A one-time code was issued.
    CodeIssued = "code-issued",
    /// A device was enrolled.
    DeviceEnrolled = "device-enrolled",
    /// An enrolment was refused.
    EnrolmentRefused = "enrolment-refused",
    /// A device lost its right to come in.
    DeviceRevoked = "device-revoked",
    /// A document was erased for good: who asked and why is in its tombstone.
    Erased = "erased",
    /// A device was ordered to wipe itself.
    WipeOrdered = "wipe-ordered",
    /// A device was told to wipe itself.
    WipeTold = "wipe-told",
    /// A device that may only hand in has handed in what it had.
    Drained = "drained",
    /// A device handed in something after it had drained; it was refused.
    RefusedAfterDrain = "refused-after-drain",
    /// A quarantined change was approved.
    QuarantineApproved = "quarantine-approved",
    /// A quarantined change was rejected; it stays in the quarantine as such.
    QuarantineRejected = "quarantine-rejected",
    /// Changes were taken in although their author had lost the right since.
    TakenLate = "taken-late",
    /// A batch signed by one device arrived by another.
    Carried = "carried",
    /// After a restore a device handed in what the feed had lost.
    Recovered = "recovered",
    /// The feed began a new life.
    EpochRenewed = "epoch-renewed",
    /// Customers of one person went to another, or to the pool.
    Transferred = "transferred",
    /// A customer changed territory or owner.
    CustomerFiled = "customer-filed",
    /// A guarded value (grade, interval, lifecycle) was decided.
    GuardedValueSet = "guarded-value-set",
    /// Something else was written at the console.
    Written = "written",
    /// Changes of a device were put into quarantine.
    Quarantined = "quarantined",
    /// Data left the house as a file.
    Exported = "exported",
    /// A customer list came in as a file.
    Imported = "imported",
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One row of the log, newest first in lists.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditRow {
    /// Its place in the chain, from 1.
    pub no: i64,
    /// When, by the server's clock.
    pub at_ms: i64,
    /// The person, or empty.
    pub user: Option<UserId>,
    /// The device, or empty.
    pub device: Option<DeviceId>,
    /// From where.
    pub address: String,
    /// The code of the act.
    pub act: String,
    /// Ids and codes that say what it was about.
    pub about: String,
}

/// The chain does not hold: a row was changed, taken out or put in from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit log was tampered with at or before row {no}")]
pub struct AuditBreak {
    /// The first row that does not follow from the one before.
    pub no: i64,
}

/// At most this many rows are read at once.
const AUDIT_ROWS_MAX: usize = 1_000;

/// Appends one row, inside the transaction of the act itself.
pub(super) fn append(tx: &Transaction<'_>, now: Ms, who: &Who, act: Act, about: &str) -> Result<(), rusqlite::Error> {
    let last: Option<(i64, Vec<u8>)> = tx
        .prepare_cached("SELECT no, hash FROM audit ORDER BY no DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (no, before) = last.map_or_else(|| (1, vec![0; 32]), |(no, hash)| (no.saturating_add(1), hash));
    let user = who.user.map_or_else(Vec::new, |user| user.as_bytes().to_vec());
    let device = who.device.map_or_else(Vec::new, |device| device.as_bytes().to_vec());
    let hash = chained(&before, no, now.0, &user, &device, [&who.address, act.code(), about]);
    tx.prepare_cached("INSERT INTO audit (no, at_ms, user, device, address, act, about, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![no, now.0, user, device, who.address, act.code(), about, hash.as_slice()])?;
    Ok(())
}

fn chained(before: &[u8], no: i64, at_ms: i64, user: &[u8], device: &[u8], texts: [&str; 3]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(no.to_be_bytes());
    hasher.update(at_ms.to_be_bytes());
    for part in [user, device].into_iter().chain(texts.map(str::as_bytes)) {
        hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

impl Accounts {
    /// Writes one line that belongs to no other command of this room (an export, an import, a refusal).
    ///
    /// # Errors
    /// When the database fails.
    pub fn audit(&self, now: Ms, who: &Who, act: Act, about: &str) -> Result<(), AccountsError> {
        self.database.write(|tx| Ok(append(tx, now, who, act, about)?))
    }

    /// As [`Self::audit`], several lines in one commit.
    ///
    /// # Errors
    /// When the database fails.
    pub fn audit_all(&self, now: Ms, who: &Who, lines: &[(Act, String)]) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            for (act, about) in lines {
                append(tx, now, who, *act, about)?;
            }
            Ok(())
        })
    }

    /// The newest rows, newest first, at most 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub fn audit_rows(&self, rows_max: usize) -> Result<Vec<AuditRow>, AccountsError> {
        let limit = i64::try_from(rows_max.min(AUDIT_ROWS_MAX)).unwrap_or(0);
        self.database.read(|tx| {
            let mut statement =
                tx.prepare_cached("SELECT no, at_ms, user, device, address, act, about FROM audit ORDER BY no DESC LIMIT ?1")?;
            let rows = statement.query_map([limit], |row| {
                let user: Vec<u8> = row.get(2)?;
                let device: Vec<u8> = row.get(3)?;
                Ok(AuditRow {
                    no: row.get(0)?,
                    at_ms: row.get(1)?,
                    user: <[u8; 16]>::try_from(user).ok().map(UserId::from_bytes),
                    device: <[u8; 16]>::try_from(device).ok().map(DeviceId::from_bytes),
                    address: row.get(4)?,
                    act: row.get(5)?,
                    about: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Walks the whole chain. `Ok(Ok(rows))` when it holds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn audit_proof(&self) -> Result<Result<u64, AuditBreak>, AccountsError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare("SELECT no, at_ms, user, device, address, act, about, hash FROM audit ORDER BY no")?;
            let mut rows = statement.query([])?;
            let mut before = vec![0; 32];
            let mut count: u64 = 0;
            while let Some(row) = rows.next()? {
                let no: i64 = row.get(0)?;
                let (user, device): (Vec<u8>, Vec<u8>) = (row.get(2)?, row.get(3)?);
                let texts: [String; 3] = [row.get(4)?, row.get(5)?, row.get(6)?];
                let [address, act, about] = &texts;
                let expected = chained(&before, no, row.get(1)?, &user, &device, [address, act, about]);
                let found: Vec<u8> = row.get(7)?;
                count = count.saturating_add(1);
                if found != expected || u64::try_from(no) != Ok(count) {
                    return Ok(Err(AuditBreak { no }));
                }
                before = found;
            }
            Ok(Ok(count))
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::super::testing::accounts;
    use super::*;

    #[test]
    fn a_changed_row_shows() {
        let (_folder, accounts) = accounts();
        for n in 0..5 {
            accounts.audit(Ms(n), &Who::shell(), Act::Exported, &n.to_string()).unwrap();
        }
        assert_eq!(accounts.audit_proof().unwrap(), Ok(5));
        assert_eq!(accounts.audit_rows(2).unwrap().iter().map(|row| row.no).collect::<Vec<_>>(), [5, 4]);
        let refused: Result<usize, rusqlite::Error> = accounts.database.write(|tx| tx.execute("DELETE FROM audit WHERE no = 3", []));
        assert!(refused.is_err(), "the table itself refuses");
        accounts
            .database
            .write(|tx| tx.execute_batch("DROP TRIGGER audit_is_append_only_update; UPDATE audit SET about = 'x' WHERE no = 3;"))
            .map_err(|e: rusqlite::Error| e)
            .unwrap();
        assert_eq!(accounts.audit_proof().unwrap(), Err(AuditBreak { no: 3 }));
    }
}
