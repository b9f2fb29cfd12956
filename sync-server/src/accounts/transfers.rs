//! Records of hand-overs: who gave how many customers to whom, with the checklists. Written once, never changed.

use roadbook_core::ids::{Ms, UserId};
use rusqlite::params;

use super::audit::{self, Act, Who};
use super::{Accounts, AccountsError};

/// Records read at once, at most.
const ROWS_MAX: i64 = 200;

/// One hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRow {
    /// Its number.
    pub no: i64,
    /// When.
    pub at: Ms,
    /// Who ordered it; `None`: somebody at a shell.
    pub by: Option<UserId>,
    /// Who left.
    pub leaver: UserId,
    /// Who took over; `None`: the pool alone.
    pub winner: Option<UserId>,
    /// The checklists, as JSON.
    pub list: String,
}

impl Accounts {
    /// Writes a hand-over down; `cards` is how many customers it moved. Returns its number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_transfer(&self, now: Ms, who: &Who, row: &TransferRow, cards: usize) -> Result<i64, AccountsError> {
        let bytes = |user: Option<UserId>| user.map_or_else(Vec::new, |user| user.as_bytes().to_vec());
        self.database.write(|tx| {
            tx.prepare_cached("INSERT INTO transfer (at_ms, by, leaver, winner, list) VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                now.0,
                bytes(row.by),
                row.leaver.as_bytes(),
                bytes(row.winner),
                row.list
            ])?;
            let no = tx.last_insert_rowid();
            audit::append(tx, now, who, Act::Transferred, &format!("{no} {} {cards}", row.leaver))?;
            Ok(no)
        })
    }

    /// The latest hand-overs, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn transfers(&self) -> Result<Vec<TransferRow>, AccountsError> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT no, at_ms, by, leaver, winner, list FROM transfer ORDER BY no DESC LIMIT ?1")?;
            let user = |bytes: Vec<u8>| UserId::from_slice(&bytes);
            let rows = find.query_map([ROWS_MAX], |row| {
                Ok(TransferRow {
                    no: row.get(0)?,
                    at: Ms(row.get(1)?),
                    by: user(row.get(2)?),
                    leaver: super::user_column(row, 3)?,
                    winner: user(row.get(4)?),
                    list: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
