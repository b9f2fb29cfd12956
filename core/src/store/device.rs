//! What a replica knows of itself: where it stands in the feed, its clock, its actors, its drafts, its settings, the scopes it holds.

use rusqlite::{OptionalExtension, params};

use super::{DRAFT_BYTES_MAX, Reading, SETTING_BYTES_MAX, StoreError, Writing, count, int, within};
use crate::ids::{ActorId, DeviceId, DocId, Ms, SubjectId, UserId};

/// Where a replica stands in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PullPosition {
    /// Which feed: 16 random bytes, new after any loss on the server; zeros before the first exchange.
    pub epoch: [u8; 16],
    /// Everything up to this number was received.
    pub number: u64,
    /// A long pull under way.
    pub checkpoint: Option<Checkpoint>,
}

/// How far a long pull has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number from which it set out.
    pub base: u64,
    /// Documents last changed up to this number have been received.
    pub upto: u64,
}

/// What is known of the device's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// The latest moment known to have passed: the clock is never believed below it.
    pub floor: Option<Ms>,
    /// Server time minus device time, when last measured.
    pub offset_ms: Option<i64>,
    /// When that was, in server time.
    pub measured_at: Option<Ms>,
}

/// Who stands behind an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorBinding {
    /// The actor.
    pub actor: ActorId,
    /// The device that first used it.
    pub device: DeviceId,
    /// The user who was signed in.
    pub user: UserId,
    /// Since when.
    pub since: Ms,
}

/// A visit under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Id of the document it will become.
    pub doc: DocId,
    /// The customer.
    pub subject: SubjectId,
    /// Last save, by the device clock.
    pub saved_at: Ms,
    /// Its content, in the form of whoever writes drafts.
    pub body: Vec<u8>,
}

/// A scope whose documents are held here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldScope {
    /// Its name, as the feed writes it.
    pub scope: String,
    /// The feed number at which it was entered.
    pub number: u64,
    /// Its first pull came to its end.
    pub complete: bool,
}

impl Reading<'_> {
    /// Where this replica stands in the feed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn pull_position(&self) -> Result<PullPosition, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT epoch, number, checkpoint_base, checkpoint_upto FROM replica")?;
        Ok(find.query_row([], |row| {
            let (base, upto) = (count(row.get(2)?), count(row.get(3)?));
            Ok(PullPosition {
                epoch: row.get(0)?,
                number: count(row.get(1)?),
                checkpoint: (base > 0 || upto > 0).then_some(Checkpoint { base, upto }),
            })
        })?)
    }

    /// The feed number up to which the server holds everything in a backup; 0 when it never said.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn durable_no(&self) -> Result<u64, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT durable_no FROM replica")?;
        Ok(count(find.query_row([], |row| row.get(0))?))
    }

    /// What is known of the device's clock.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn clock(&self) -> Result<Clock, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT clock_floor_ms, clock_offset_ms, clock_measured_ms FROM replica")?;
        Ok(find.query_row([], |row| {
            let (floor, offset, measured): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Clock {
                floor: (floor != 0).then_some(Ms(floor)),
                offset_ms: (measured != 0).then_some(offset),
                measured_at: (measured != 0).then_some(Ms(measured)),
            })
        })?)
    }

    /// A setting of this replica.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
        Ok(find.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Who stands behind an actor.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn actor(&self, actor: &ActorId) -> Result<Option<ActorBinding>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT device, user, since_ms FROM actor WHERE actor = ?1")?;
        let found = find.query_row([actor.as_bytes()], |row| {
            Ok(ActorBinding {
                actor: actor.clone(),
                device: DeviceId::from_bytes(row.get(0)?),
                user: UserId::from_bytes(row.get(1)?),
                since: Ms(row.get(2)?),
            })
        });
        Ok(found.optional()?)
    }

    /// A visit under way.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn draft(&self, doc: DocId) -> Result<Option<Draft>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT subject, saved_ms, body FROM draft WHERE doc = ?1")?;
        let found = find.query_row([doc.as_bytes()], |row| {
            Ok(Draft { doc, subject: SubjectId::from_bytes(row.get(0)?), saved_at: Ms(row.get(1)?), body: row.get(2)? })
        });
        Ok(found.optional()?)
    }

    /// All visits under way, oldest save first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT doc, subject, saved_ms, body FROM draft ORDER BY saved_ms, doc")?;
        let rows = find.query_map([], |row| {
            Ok(Draft {
                doc: DocId::from_bytes(row.get(0)?),
                subject: SubjectId::from_bytes(row.get(1)?),
                saved_at: Ms(row.get(2)?),
                body: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The scopes held here, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn held_scopes(&self) -> Result<Vec<HeldScope>, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT scope, number, complete FROM held_scope ORDER BY scope")?;
        let rows = find.query_map([], |row| Ok(HeldScope { scope: row.get(0)?, number: count(row.get(1)?), complete: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writing<'_> {
    /// Notes where this replica stands in the feed: in the transaction that stores what was received up to there, never in another.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_pull_position(&mut self, position: &PullPosition) -> Result<(), StoreError> {
        let (base, upto) = position.checkpoint.map_or((0, 0), |at| (int(at.base), int(at.upto)));
        self.conn
            .prepare_cached("UPDATE replica SET epoch = ?1, number = ?2, checkpoint_base = ?3, checkpoint_upto = ?4")?
            .execute(params![position.epoch, int(position.number), base, upto])?;
        Ok(())
    }

    /// Raises the clock floor; a lower one changes nothing.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn raise_clock_floor(&mut self, floor: Ms) -> Result<(), StoreError> {
        self.conn.prepare_cached("UPDATE replica SET clock_floor_ms = max(clock_floor_ms, ?1)")?.execute([floor.0])?;
        Ok(())
    }

    /// Sets the clock floor, where it can be known to be too high: one that a clock raised that was ahead.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_clock_floor(&mut self, floor: Ms) -> Result<(), StoreError> {
        self.conn.prepare_cached("UPDATE replica SET clock_floor_ms = ?1")?.execute([floor.0])?;
        Ok(())
    }

    /// Notes a measurement of the clock: server minus device, and the server's time of it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_clock_offset(&mut self, offset_ms: i64, server_time: Ms) -> Result<(), StoreError> {
        self.conn.prepare_cached("UPDATE replica SET clock_offset_ms = ?1, clock_measured_ms = ?2")?.execute([offset_ms, server_time.0])?;
        Ok(())
    }

    /// Writes a setting.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or the file cannot be written.
    pub fn put_setting(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        within("a setting (bytes)", value.len(), SETTING_BYTES_MAX)?;
        self.conn
            .prepare_cached("INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")?
            .execute(params![key, value])?;
        Ok(())
    }

    /// Removes a setting.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_setting(&mut self, key: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached("DELETE FROM setting WHERE key = ?1")?.execute([key])?;
        Ok(())
    }

    /// Notes who stands behind an actor. The first binding stays; returns the one that stands.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn bind_actor(&mut self, binding: &ActorBinding) -> Result<ActorBinding, StoreError> {
        self.conn
            .prepare_cached("INSERT INTO actor (actor, device, user, since_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (actor) DO NOTHING")?
            .execute(params![binding.actor.as_bytes(), binding.device.as_bytes(), binding.user.as_bytes(), binding.since.0])?;
        Ok(self.actor(&binding.actor)?.unwrap_or_else(|| binding.clone()))
    }

    /// Saves a visit under way.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or the file cannot be written.
    pub fn put_draft(&mut self, draft: &Draft) -> Result<(), StoreError> {
        within("a draft (bytes)", draft.body.len(), DRAFT_BYTES_MAX)?;
        self.conn
            .prepare_cached(
                "INSERT INTO draft (doc, subject, saved_ms, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (doc) DO UPDATE SET subject = excluded.subject, saved_ms = excluded.saved_ms, body = excluded.body",
            )?
            .execute(params![draft.doc.as_bytes(), draft.subject.as_bytes(), draft.saved_at.0, draft.body])?;
        Ok(())
    }

    /// Removes a visit under way: in the transaction that seals it, or because its author gave it up. `true` when it was there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_draft(&mut self, doc: DocId) -> Result<bool, StoreError> {
        Ok(self.conn.prepare_cached("DELETE FROM draft WHERE doc = ?1")?.execute([doc.as_bytes()])? > 0)
    }

    /// Notes a held scope.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_held_scope(&mut self, held: &HeldScope) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "INSERT INTO held_scope (scope, number, complete) VALUES (?1, ?2, ?3)
                 ON CONFLICT (scope) DO UPDATE SET number = excluded.number, complete = excluded.complete",
            )?
            .execute(params![held.scope, int(held.number), held.complete])?;
        Ok(())
    }

    /// Forgets that a scope was held.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_held_scope(&mut self, scope: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached("DELETE FROM held_scope WHERE scope = ?1")?.execute([scope])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test says where")]

    use super::*;
    use crate::store::Store;

    #[test]
    fn position_clock_actors_drafts_and_scopes_come_back() {
        let mut store = Store::in_memory().unwrap();
        let actor = ActorId::from_slice(&[3; 16]).unwrap();
        let binding = |n| ActorBinding {
            actor: actor.clone(),
            device: DeviceId::from_bytes([n; 16]),
            user: UserId::from_bytes([n; 16]),
            since: Ms(4),
        };
        let position = PullPosition { epoch: [7; 16], number: 12, checkpoint: Some(Checkpoint { base: 3, upto: 9 }) };
        let draft = Draft { doc: DocId::from_bytes([1; 16]), subject: SubjectId::from_bytes([2; 16]), saved_at: Ms(8), body: vec![1] };
        let scope = HeldScope { scope: "t:east".into(), number: 5, complete: false };
        assert_eq!(store.read(|r| r.pull_position()).unwrap(), PullPosition::default());
        assert_eq!(store.read(|r| r.clock()).unwrap(), Clock::default());
        store
            .write::<_, StoreError>(|w| {
                w.put_pull_position(&position)?;
                w.raise_clock_floor(Ms(50))?;
                w.raise_clock_floor(Ms(40))?;
                w.put_clock_offset(0, Ms(60))?;
                assert_eq!(w.bind_actor(&binding(1))?, binding(1));
                assert_eq!(w.bind_actor(&binding(2))?, binding(1), "the first binding stays");
                w.put_draft(&Draft { body: vec![0; 9], ..draft.clone() })?;
                w.put_draft(&draft)?;
                w.put_held_scope(&scope)
            })
            .unwrap();
        store
            .read::<_, StoreError>(|r| {
                assert_eq!(r.pull_position()?, position);
                assert_eq!(r.clock()?, Clock { floor: Some(Ms(50)), offset_ms: Some(0), measured_at: Some(Ms(60)) });
                assert_eq!(r.draft(draft.doc)?, Some(draft.clone()));
                assert_eq!(r.drafts()?, vec![draft.clone()]);
                assert_eq!(r.held_scopes()?, vec![scope.clone()]);
                Ok(())
            })
            .unwrap();
        assert!(store.write(|w| w.drop_draft(draft.doc)).unwrap());
        assert!(!store.write(|w| w.drop_draft(draft.doc)).unwrap());
        let long = Draft { body: vec![0; DRAFT_BYTES_MAX + 1], ..draft };
        assert!(matches!(store.write(|w| w.put_draft(&long)), Err(StoreError::TooLarge { .. })));
    }
}
