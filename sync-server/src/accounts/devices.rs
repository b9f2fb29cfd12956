//! Enrolled devices: whose they are, the key they sign with, when they were last heard of, and their revocation.

use roadbook_core::ids::{DeviceId, Ms, UserId};
use rusqlite::{OptionalExtension, Row, params};

use super::audit::{self, Act, Who};
use super::{Accounts, AccountsError, device_column, user_column};

/// A phone or other device of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id, given at enrolment.
    pub id: DeviceId,
    /// Whose it is. A device never changes hands: it is enrolled anew.
    pub user: UserId,
    /// P-256 public key, SEC1.
    pub key: Vec<u8>,
    /// What its owner or the app called it.
    pub name: String,
    /// When it was enrolled.
    pub enrolled_at: Ms,
    /// When it lost its right to come in, if it did.
    pub revoked_at: Option<Ms>,
    /// Its last signed request, if there was one.
    pub seen_at: Option<Ms>,
    /// When it last was at rest: nothing to hand in, nothing left to take.
    pub synced_at: Option<Ms>,
    /// The feed number up to which it said it holds its scopes.
    pub cursor_no: u64,
    /// Server's time minus the device's, as last measured, in milliseconds.
    pub offset_ms: i64,
    /// How many changes it still had to hand in when last heard of.
    pub waiting: u64,
    /// How many photos it still had to hand in when last heard of.
    pub photos: u64,
}

/// What a device told about itself in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// The feed number of its cursor.
    pub cursor_no: u64,
    /// Server's time minus the device's.
    pub offset_ms: i64,
    /// Changes it still holds back.
    pub waiting: u64,
    /// Photos it still holds back.
    pub photos: u64,
    /// Whether both sides had nothing more to say.
    pub at_rest: bool,
}

const COLUMNS: &str = "id, user, key, name, enrolled_ms, revoked_ms, seen_ms, synced_ms, cursor_no, offset_ms, waiting, photos";

impl Accounts {
    /// The device with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn device(&self, id: DeviceId) -> Result<Option<Device>, AccountsError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM device WHERE id = ?1"))?;
            Ok(statement.query_row([id.as_bytes()], device_row).optional()?)
        })
    }

    /// All devices, oldest enrolment first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn devices(&self) -> Result<Vec<Device>, AccountsError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM device ORDER BY enrolled_ms, id"))?;
            let rows = statement.query_map([], device_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Takes away the right to come in. It may only hand in what it still has, into quarantine. For good.
    ///
    /// # Errors
    /// An unknown device, or the database.
    pub fn revoke_device(&self, now: Ms, who: &Who, id: DeviceId) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            let changed = tx.execute(
                "UPDATE device SET revoked_ms = CASE revoked_ms WHEN 0 THEN ?2 ELSE revoked_ms END WHERE id = ?1",
                params![id.as_bytes(), now.0],
            )?;
            if changed == 0 {
                return Err(AccountsError::NoDevice(id));
            }
            Ok(audit::append(tx, now, who, Act::DeviceRevoked, &id.to_string())?)
        })
    }

    /// Notes what a device told in an exchange.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_contact(&self, now: Ms, id: DeviceId, contact: &Contact) -> Result<(), AccountsError> {
        self.database.write_unhurried(|tx| {
            tx.prepare_cached(
                "UPDATE device SET seen_ms = ?2, cursor_no = ?3, offset_ms = ?4, waiting = ?5, photos = ?7,
                        synced_ms = CASE ?6 WHEN 1 THEN ?2 ELSE synced_ms END WHERE id = ?1",
            )?
            .execute(params![
                id.as_bytes(),
                now.0,
                i64::try_from(contact.cursor_no).unwrap_or(i64::MAX),
                contact.offset_ms,
                i64::try_from(contact.waiting).unwrap_or(i64::MAX),
                contact.at_rest,
                i64::try_from(contact.photos).unwrap_or(i64::MAX),
            ])?;
            Ok(())
        })
    }
}

fn device_row(row: &Row<'_>) -> rusqlite::Result<Device> {
    let moment = |index| row.get::<_, i64>(index).map(|ms| (ms != 0).then_some(Ms(ms)));
    Ok(Device {
        id: device_column(row, 0)?,
        user: user_column(row, 1)?,
        key: row.get(2)?,
        name: row.get(3)?,
        enrolled_at: Ms(row.get(4)?),
        revoked_at: moment(5)?,
        seen_at: moment(6)?,
        synced_at: moment(7)?,
        cursor_no: u64::try_from(row.get::<_, i64>(8)?).unwrap_or(0),
        offset_ms: row.get(9)?,
        waiting: u64::try_from(row.get::<_, i64>(10)?).unwrap_or(0),
        photos: u64::try_from(row.get::<_, i64>(11)?).unwrap_or(0),
    })
}
