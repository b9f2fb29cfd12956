//! Orders to devices: wipe yourself, and whether a device that may only hand in has done so. In the list of devices they are told
//! together with the last heartbeat: what can be missing at most.

use roadbook_core::ids::{DeviceId, Ms};
use rusqlite::{OptionalExtension, params};

use super::audit::{self, Act, Who};
use super::{Accounts, AccountsError};

/// What is ordered of a device, and how far it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Orders {
    /// Since when it may hand in nothing more: it was revoked or its person disabled, and what it had has arrived.
    pub drained_at: Option<Ms>,
    /// When it was ordered to wipe itself.
    pub wipe_at: Option<Ms>,
    /// When it was told so.
    pub wipe_told_at: Option<Ms>,
}

impl Accounts {
    /// What is ordered of a device.
    ///
    /// # Errors
    /// When the database fails.
    pub fn orders(&self, id: DeviceId) -> Result<Orders, AccountsError> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT drained_ms, wipe_ms, wipe_told_ms FROM device WHERE id = ?1")?;
            let moment = |ms: i64| (ms != 0).then_some(Ms(ms));
            let found = find
                .query_row([id.as_bytes()], |row| {
                    Ok(Orders { drained_at: moment(row.get(0)?), wipe_at: moment(row.get(1)?), wipe_told_at: moment(row.get(2)?) })
                })
                .optional()?;
            Ok(found.unwrap_or_default())
        })
    }

    /// Orders a device to wipe itself at first contact, and revokes it: it will be served nothing. For good.
    ///
    /// # Errors
    /// An unknown device, or the database.
    pub fn order_wipe(&self, now: Ms, who: &Who, id: DeviceId) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            let changed = tx.execute(
                "UPDATE device SET wipe_ms = CASE wipe_ms WHEN 0 THEN ?2 ELSE wipe_ms END,
                        revoked_ms = CASE revoked_ms WHEN 0 THEN ?2 ELSE revoked_ms END WHERE id = ?1",
                params![id.as_bytes(), now.0],
            )?;
            if changed == 0 {
                return Err(AccountsError::NoDevice(id));
            }
            Ok(audit::append(tx, now, who, Act::WipeOrdered, &id.to_string())?)
        })
    }

    /// Notes that a device was told to wipe itself.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_wipe_told(&self, now: Ms, who: &Who, id: DeviceId) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            let changed =
                tx.execute("UPDATE device SET wipe_told_ms = ?2 WHERE id = ?1 AND wipe_told_ms = 0", params![id.as_bytes(), now.0])?;
            if changed > 0 {
                audit::append(tx, now, who, Act::WipeTold, &id.to_string())?;
            }
            Ok(())
        })
    }

    /// Notes that a device that may only hand in has handed in what it had.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_drained(&self, now: Ms, who: &Who, id: DeviceId) -> Result<(), AccountsError> {
        self.database.write(|tx| {
            let changed =
                tx.execute("UPDATE device SET drained_ms = ?2 WHERE id = ?1 AND drained_ms = 0", params![id.as_bytes(), now.0])?;
            if changed > 0 {
                audit::append(tx, now, who, Act::Drained, &id.to_string())?;
            }
            Ok(())
        })
    }

    /// Forgets that devices of a person were drained: the person is enabled again.
    pub(super) fn undrain(tx: &rusqlite::Transaction<'_>, user: roadbook_core::ids::UserId) -> Result<(), rusqlite::Error> {
        tx.execute("UPDATE device SET drained_ms = 0 WHERE user = ?1 AND revoked_ms = 0", [user.as_bytes()])?;
        Ok(())
    }
}
