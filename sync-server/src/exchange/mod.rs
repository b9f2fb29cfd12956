//! The server's half of an exchange, without HTTP: what a device hands in is judged, appended and taken in; then what it
//! lacks is read out. One call, one answer; repeating a request changes nothing but the time spent.
//!
//! * [`push`] – judging and appending: a document at a time, so that one bad item never holds up another.
//! * [`rights`] – the access rule that the gate asks.
//! * [`besides`] – what is handed in and told besides: carried batches, decisions, orders.
//! * [`recovered`] – what a restore lost and phones hand back.
//! * [`late`] – what was recorded while its author still had the right.
//! * [`verdict`] – what the gate said, as the device is told.
//! * [`pull`] – what the device lacks, in feed order, within bounds.
//! * [`scope`] – which scopes of the feed a person's devices hold.
//! * [`profile`] – what a device is told of its person.
//!
//! Never here: HTTP, signatures (`device`), SQL (`feed`, `accounts`).

pub mod besides;
pub mod late;
pub mod profile;
pub mod pull;
pub mod push;
pub mod recovered;
pub mod rights;
pub mod scope;
#[cfg(test)]
mod tests;
pub mod turnstile;
pub mod verdict;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roadbook_core::exchange::{Answer, Cursor, Outcome, Profile, Request, SPEAKS, Verdict};
use roadbook_core::ids::{DeviceId, Ms};
use sha2::{Digest as _, Sha256};

use crate::accounts::{Accounts, AccountsError, Contact};
use crate::clock::span::MINUTE_MS;
use crate::device::{Caller, Standing};
use crate::feed::{Feed, FeedError, Scratch};
use crate::headquarters::{Changed, Headquarters, HeadquartersError};
use scope::{ScopeError, View};
use turnstile::Turnstile;

/// Trials of changes that run at once: each may take 256 MB on a hostile input.
const TRIALS_AT_ONCE_MAX: usize = 2;
/// A device is told to start its pull again because of its digest at most this often, in milliseconds.
const RESTART_EVERY_MS: i64 = 10 * MINUTE_MS;
/// A contact without anything new is noted at most this often (each note is a durable commit), in milliseconds.
const CONTACT_NOTED_EVERY_MS: i64 = MINUTE_MS;

/// Why an exchange failed on our side. Nothing of the request is then promised.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The account tables failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The headquarters replica failed.
    #[error(transparent)]
    Headquarters(#[from] HeadquartersError),
    /// The scopes could not be worked out.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// The headquarters replica lacks a document of the feed.
    #[error("headquarters does not hold document {0} of its own feed; restart the server")]
    NotFollowed(roadbook_core::ids::DocId),
    /// The request names another device than the one that signed it.
    #[error("the request names another device than the one that signed it")]
    ForeignDevice,
}

impl From<roadbook_core::replica::ReplicaError> for ExchangeError {
    fn from(error: roadbook_core::replica::ReplicaError) -> Self {
        Self::Headquarters(error.into())
    }
}

impl From<roadbook_core::store::StoreError> for ExchangeError {
    fn from(error: roadbook_core::store::StoreError) -> Self {
        Self::Headquarters(error.into())
    }
}

/// What an exchange gave.
#[derive(Debug)]
pub enum Answered {
    /// The answer for the device.
    Answer(Box<Answer>),
    /// The device has handed in everything and may hold nothing: it is told to give up what it has.
    Gone,
}

/// What is remembered of a device between exchanges. In memory: forgetting it costs a few bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    profile: [u8; 32],
    restarted: Option<Ms>,
}

/// The server's half of all exchanges.
pub struct Exchange {
    accounts: Accounts,
    feed: Arc<dyn Feed>,
    headquarters: Headquarters,
    scratch: Arc<Scratch>,
    offset_minutes: i32,
    trials: Turnstile,
    told: Mutex<BTreeMap<DeviceId, Told>>,
    digests: Mutex<BTreeMap<DeviceId, (u64, u64)>>,
    late_grace_ms: i64,
}

impl Exchange {
    /// Over these tables and this replica. `offset_minutes` is the company's calendar, east of UTC.
    #[must_use]
    pub fn new(accounts: Accounts, feed: Arc<dyn Feed>, headquarters: Headquarters, scratch: Arc<Scratch>, offset_minutes: i32) -> Self {
        Self {
            accounts,
            feed,
            headquarters,
            scratch,
            offset_minutes,
            trials: Turnstile::new(TRIALS_AT_ONCE_MAX),
            told: Mutex::default(),
            digests: Mutex::default(),
            late_grace_ms: late::LATE_GRACE_MS,
        }
    }

    /// With another grace for late contributions than [`late::LATE_GRACE_MS`], in milliseconds.
    #[must_use]
    pub const fn with_late_grace(mut self, ms: i64) -> Self {
        self.late_grace_ms = ms;
        self
    }

    /// Answers one request of a device that proved who it is, and says which documents changed by it.
    ///
    /// # Errors
    /// [`ExchangeError`]; the device then repeats its request.
    pub fn answer(&self, now: Ms, caller: &Caller, request: &Request) -> Result<(Answered, Vec<Changed>), ExchangeError> {
        if request.device != caller.device.id {
            return Err(ExchangeError::ForeignDevice);
        }
        let epoch = self.feed.epoch()?;
        if caller.standing == Standing::DrainOnly {
            return Ok((self.drained(now, epoch, caller, request)?, Vec::new()));
        }
        let (mut told, mut changed) = self.take_besides(now, caller, request)?;
        let (verdicts, pushed) = self.push(now, caller, request)?;
        changed.extend(pushed);
        let known = request.cursor.filter(|cursor| cursor.epoch == epoch);
        let ahead = known.is_some_and(|cursor| self.feed.head().is_ok_and(|head| cursor.number > head));
        let strange = ahead || (request.cursor.is_some() && known.is_none());
        let base = known.map_or(0, |cursor| cursor.number);
        let mut answer = Answer {
            now,
            verdicts,
            items: Vec::new(),
            cursor: Cursor { epoch, number: 0 },
            checkpoint: None,
            more: true,
            restart: strange,
            profile: None,
            speaks: Some(SPEAKS),
            told: None,
        };
        // Led by an urgent report: its verdict is all that a bad line has to carry now.
        let hurry = request.verdicts_only == Some(true) && known.is_some() && !strange;
        if hurry {
            (answer.cursor.number, answer.checkpoint) = (base, request.checkpoint);
        }
        if strange {
            self.tell(&mut told, caller, request, None)?;
        } else if !hurry {
            let view = View::of(&self.accounts, self.feed.as_ref(), &caller.user)?;
            self.tell(&mut told, caller, request, Some((&view, base)))?;
            // A device that never had a cursor holds nothing; one that stands at 0 was told to start again.
            let again = known.is_some_and(|cursor| cursor.number == 0);
            let pulled = self.pull(&view, caller.device.id, base, again, request.checkpoint)?;
            (answer.items, answer.more, answer.checkpoint) = (pulled.items, pulled.checkpoint.is_some(), pulled.checkpoint);
            answer.cursor.number = pulled.number;
            // Both sides at rest: they must hold the same.
            let at_rest =
                answer.items.is_empty() && !answer.more && request.pushed.is_empty() && told == roadbook_core::exchange::Told::default();
            if at_rest && self.differs(&view, caller.device.id, request.digest, pulled.number)? && self.may_restart(now, caller.device.id) {
                tracing::warn!(device = %caller.device.id, "a device holds something else than its scopes; it starts its pull again");
                (answer.restart, answer.more, answer.cursor.number) = (true, true, 0);
            }
        }
        debug_assert!(
            answer.items.iter().all(|item| item.spoken_from() <= request.speaks()),
            "an item that the device does not understand"
        );
        answer.told = (told != roadbook_core::exchange::Told::default()).then_some(told);
        if !hurry {
            answer.profile = self.news_of_profile(caller)?;
        }
        self.note(now, caller, request, &answer)?;
        Ok((Answered::Answer(Box::new(answer)), changed))
    }

    /// The profile, when this device was not told it as it is now.
    fn news_of_profile(&self, caller: &Caller) -> Result<Option<Profile>, ExchangeError> {
        let profile = profile::of(&self.accounts, self.offset_minutes, &caller.user)?;
        let mut bytes = Vec::new();
        // Writing to memory cannot fail; less bytes would only tell the profile once more.
        let _written = minicbor::encode(&profile, &mut bytes);
        let print: [u8; 32] = Sha256::digest(&bytes).into();
        let mut told = held(&self.told);
        let told = told.entry(caller.device.id).or_default();
        if told.profile == print {
            return Ok(None);
        }
        told.profile = print;
        Ok(Some(profile))
    }

    fn may_restart(&self, now: Ms, device: DeviceId) -> bool {
        let mut told = held(&self.told);
        let told = told.entry(device).or_default();
        let may = told.restarted.is_none_or(|last| now.since(last) >= RESTART_EVERY_MS);
        if may {
            told.restarted = Some(now);
        }
        may
    }

    fn note(&self, now: Ms, caller: &Caller, request: &Request, answer: &Answer) -> Result<(), ExchangeError> {
        let device = &caller.device;
        let at_rest = !answer.more && answer.items.is_empty();
        let cursor_no = request.cursor.map_or(0, |cursor| cursor.number);
        let photos_moved = device.photos != u64::from(request.heartbeat.photos.unwrap_or(0));
        let quiet = at_rest && request.pushed.is_empty() && device.cursor_no == cursor_no && !photos_moved;
        if quiet && device.seen_at.is_some_and(|seen| now.since(seen) < CONTACT_NOTED_EVERY_MS) {
            return Ok(());
        }
        // The device counted before it handed in: what found its place with this answer waits no more.
        let settled =
            |verdict: &&Verdict| matches!(verdict.outcome, Outcome::Accepted | Outcome::AlreadyKnown | Outcome::Quarantined { .. });
        let waiting = u64::from(request.heartbeat.unsent_changes).saturating_sub(answer.verdicts.iter().filter(settled).count() as u64);
        let photos = u64::from(request.heartbeat.photos.unwrap_or(0));
        let contact = Contact { cursor_no, offset_ms: now.since(request.now), waiting, photos, at_rest };
        Ok(self.accounts.note_contact(now, device.id, &contact)?)
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
