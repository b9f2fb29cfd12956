//! The server's half of an exchange, without HTTP: what a device hands in is judged, appended and taken in; then what it
//! lacks is read out. One call, one answer; repeating a request changes nothing but the time spent.
//!
//! * [`push`] – judging and appending: a document at a time, so that one bad item never holds up another.
//! * [`rights`] – the access rule that the gate asks.
//! * [`besides`] – what is handed in and told besides: carried batches, decisions, orders.
//! * [`recovered`] – what a restore lost and phones hand back.
//! * `returning` – devices that were away for long.
//! * [`late`] – what was recorded while its author still had the right.
//! * `waiting` – what comes without what it builds on.
//! * [`verdict`] – what the gate said, as the device is told.
//! * [`pull`] – what the device lacks, in feed order, in parts and within bounds.
//! * [`today`] – what comes first, and what is asked for by name · [`repair`] – what differs is found and mended.
//! * [`scope`] – which scopes of the feed a person's devices hold.
//! * [`knocking`] – devices at rest that say what they said before.
//! * [`profile`] – what a device is told of its person.
//!
//! Never here: HTTP, signatures (`device`), SQL (`feed`, `accounts`).

pub mod besides;
pub mod knocking;
pub mod late;
pub mod profile;
pub mod pull;
pub mod push;
pub mod recovered;
pub mod repair;
mod returning;
pub mod rights;
pub mod scope;
#[cfg(test)]
mod tests;
pub mod today;
pub mod turnstile;
pub mod verdict;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;
use roadbook_core::exchange::pull::{Compare, HOLDS_MAX, Pull, READS_ROWS, print_of};
use roadbook_core::exchange::{Answer, Cursor, Item, Outcome, Profile, Request, SPEAKS, SPEAKS_ROWS, Verdict, WireError, parts};
use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, UserId};
use roadbook_core::model::kinds;

use crate::access::may_read_ever;
use crate::accounts::{Accounts, AccountsError, Contact, User, Who};
use crate::clock::span::MINUTE_MS;
use crate::device::{Caller, Standing};
use crate::feed::{Feed, FeedError, Scratch};
use crate::headquarters::{Changed, Headquarters, HeadquartersError};
use knocking::Remembered;
pub use pull::Portions;
use pull::{Asker, Stands};
use scope::{ScopeError, View, Views};
use turnstile::Turnstile;
use waiting::Rest;

/// Trials of changes that run at once: each may take 256 MB on a hostile input.
const TRIALS_AT_ONCE_MAX: usize = 2;
/// A device is told that its digest differs at most [`REPAIRS_MAX`] times in this time, in milliseconds.
const REPAIR_EVERY_MS: i64 = 10 * MINUTE_MS;
/// See [`REPAIR_EVERY_MS`]. One that starts from nothing instead of comparing is told once.
const REPAIRS_MAX: u32 = 3;
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
    /// The answer for the device, in parts.
    Answer(Parts),
    /// The device has handed in everything and may hold nothing: it is told to give up what it has.
    Gone,
}

/// The parts of an answer, in order; never none.
#[derive(Debug)]
pub struct Parts(Vec<Answer>);

impl Parts {
    /// An answer of one part.
    pub(crate) fn one(answer: Answer) -> Self {
        Self(vec![answer])
    }
    /// The parts.
    #[must_use]
    pub fn list(&self) -> &[Answer] {
        &self.0
    }
    /// The parts.
    #[must_use]
    pub fn into_list(self) -> Vec<Answer> {
        self.0
    }
    /// The frame of all of them; of the first ones where all are beyond what a frame may hold (documents that nothing can make shorter). Each
    /// part says where the device stands after it, and that more waits.
    ///
    /// # Errors
    /// [`WireError`] when the first part is beyond a limit.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let mut first = self.0.as_slice();
        loop {
            match parts::encode(first) {
                Err(WireError::TooLarge { .. }) if first.len() > 1 => first = first.get(..first.len() / 2).unwrap_or_default(),
                encoded => return encoded,
            }
        }
    }
}

/// What is remembered of a device between exchanges. In memory: forgetting it costs a few bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    profile: Option<u64>,
    /// When it was first told in a row that its digest differs, and how often since.
    repaired: Option<(Ms, u32)>,
}

/// The digest of a profile, and the person as they were when it was made: one who was looked up before a change may come after it.
#[derive(Debug)]
struct Printed {
    of: User,
    print: u64,
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
    remembered: Remembered,
    late_grace_ms: i64,
    broad_from: u64,
    portions: Portions,
    views: Views,
    /// Digests of people's profiles, for as long as the account tables stay as they are.
    profiles: Mutex<(u64, BTreeMap<UserId, Printed>)>,
    /// The day for which windows of bounded history were moved on.
    swept: Mutex<Option<NaiveDate>>,
    scrubbed: Mutex<Option<Ms>>,
    /// Devices that hand in after a long absence; `None`: not read yet.
    returning: Mutex<Option<BTreeSet<DeviceId>>>,
    /// The desk of what was set aside has changed, and nobody was told.
    desk_moved: AtomicBool,
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
            remembered: Remembered::default(),
            late_grace_ms: late::LATE_GRACE_MS,
            broad_from: scope::BROAD_CUSTOMERS_MIN,
            portions: Portions::default(),
            views: Views::default(),
            profiles: Mutex::default(),
            swept: Mutex::default(),
            scrubbed: Mutex::default(),
            returning: Mutex::default(),
            desk_moved: AtomicBool::default(),
        }
    }

    /// With another grace for late contributions than [`late::LATE_GRACE_MS`], in milliseconds.
    #[must_use]
    pub const fn with_late_grace(mut self, ms: i64) -> Self {
        self.late_grace_ms = ms;
        self
    }

    /// With rows in place of documents from another number of customers on than [`scope::BROAD_CUSTOMERS_MIN`].
    #[must_use]
    pub const fn with_rows_from(mut self, customers: u64) -> Self {
        self.broad_from = customers;
        self
    }

    /// With answers in other portions.
    #[must_use]
    pub const fn with_portions(mut self, portions: Portions) -> Self {
        self.portions = portions;
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
        self.sweep(now)?;
        self.note_return(now, caller)?;
        let (mut told, mut changed) = self.take_besides(now, caller, request)?;
        let set_aside = told.delivered.iter().flat_map(|delivered| &delivered.refused).map(|refused| refused.hash).collect();
        let (verdicts, pushed) = self.push(now, caller, request, &set_aside, Rest::of(request, epoch))?;
        changed.extend(pushed);
        let who = Who::device(caller.user.id, caller.device.id, "");
        changed.extend(self.take_in_waiting(now, &who, &changed)?);
        self.note_handed_in(now, caller, request, &verdicts)?;
        let version = self.accounts.version()?;
        let strange = self.is_strange(epoch, request.cursor)?;
        let known = request.cursor.filter(|cursor| cursor.epoch == epoch);
        // Led by an urgent report: its verdict is all that a bad line has to carry now. One that builds on what is missing is helped by
        // everything else alone.
        let decided = verdicts.iter().all(|verdict| verdict.outcome.is_decided());
        let hurry = known.filter(|_| request.verdicts_only == Some(true) && !strange && decided);
        let mut viewed = None;
        let mut answers = if strange {
            self.tell(&mut told, caller, request, None)?;
            vec![Self::other_life(now, epoch)]
        } else if let Some(cursor) = hurry {
            vec![Answer { more: true, checkpoint: request.checkpoint, ..Answer::empty(now, cursor) }]
        } else {
            let view = self.views.of(&self.accounts, self.feed.as_ref(), &caller.user, (version, self.broad_from))?;
            self.tell(&mut told, caller, request, Some((&view, known.map_or(0, |cursor| cursor.number))))?;
            let quiet = told == roadbook_core::exchange::Told::default();
            let answers = self.pulled(now, epoch, caller, request, &view, known, quiet, &holds(request, &verdicts))?;
            viewed = Some(view);
            answers
        };
        if let Some(last) = answers.last_mut() {
            last.items.extend(self.not_for_its_author(caller, viewed.as_ref(), request)?);
        }
        if let Some(first) = answers.first_mut() {
            first.stand = request.pull.as_ref().and_then(|pull| pull.stand);
            first.verdicts = verdicts;
            first.told = (told != roadbook_core::exchange::Told::default()).then_some(told);
            first.profile = if hurry.is_none() { self.news_of_profile(caller, request, version)? } else { None };
            first.speaks = Some(SPEAKS);
        }
        if let [only] = answers.as_mut_slice() {
            self.remember(request, only);
        }
        let understood = |answer: &Answer| answer.items.iter().all(|item| item.spoken_from() <= request.speaks());
        debug_assert!(answers.iter().all(understood), "an item that the device does not understand");
        self.note(now, caller, request, &answers)?;
        Ok((Answered::Answer(Parts(answers)), changed))
    }

    /// What was handed in by somebody who may never read it, and, where the answer looks at what they see, what is private and not theirs to
    /// have, or not any more: it was never among what they hold, and so it does not leave that either.
    fn not_for_its_author(&self, caller: &Caller, viewed: Option<&View>, request: &Request) -> Result<Vec<Item>, ExchangeError> {
        let known = request.pushed.iter().filter(|pushed| kinds::kind(&pushed.kind).is_some());
        let (readable, never): (Vec<_>, Vec<_>) = known.partition(|pushed| may_read_ever(caller.user.role, &pushed.kind));
        let mut gone: Vec<DocId> = never.into_iter().map(|pushed| pushed.doc).collect();
        let private = readable.into_iter().filter(|pushed| kinds::is_private(&pushed.kind));
        let private: Vec<DocId> = private.map(|pushed| pushed.doc).collect();
        if let Some(view) = viewed.filter(|_| !private.is_empty()) {
            let seen = self.feed.seen(&view.ask(0, None, false, 1), &private)?;
            gone.extend(private.into_iter().filter(|doc| seen.iter().all(|document| document.doc != *doc)));
        }
        Ok(gone.into_iter().map(|doc| Item::Forget { doc }).collect())
    }

    /// Whether the desk of what was set aside has changed since this was last asked: news for whoever decides about it.
    pub fn desk_has_moved(&self) -> bool {
        self.desk_moved.swap(false, Ordering::AcqRel)
    }

    fn note_desk_moved(&self) {
        self.desk_moved.store(true, Ordering::Release);
    }

    /// Whether a device stands in another life of the feed, or ahead of this one.
    fn is_strange(&self, epoch: [u8; 16], cursor: Option<Cursor>) -> Result<bool, ExchangeError> {
        let Some(cursor) = cursor else { return Ok(false) };
        Ok(cursor.epoch != epoch || cursor.number > self.feed.head()?)
    }

    /// What such a device is told: it starts its pull from nothing, keeps what it holds, listens for what this life has, and hands in
    /// what it lacks.
    fn other_life(now: Ms, epoch: [u8; 16]) -> Answer {
        Answer { more: true, restart: true, ..Answer::empty(now, Cursor { epoch, number: 0 }) }
    }

    /// The parts of what a device lacks; at rest, what differs.
    #[expect(clippy::too_many_arguments, reason = "one request with everything that its answer needs")]
    fn pulled(
        &self,
        now: Ms,
        epoch: [u8; 16],
        caller: &Caller,
        request: &Request,
        view: &View,
        known: Option<Cursor>,
        quiet: bool,
        holds: &BTreeSet<ChangeHash>,
    ) -> Result<Vec<Answer>, ExchangeError> {
        let said = request.pull.clone().unwrap_or_default();
        let asker = Asker {
            view,
            caller,
            reads_rows: said.reads >= READS_ROWS && request.speaks() >= SPEAKS_ROWS,
            compares: request.pull.is_some(),
            holds,
        };
        // A device that never had a cursor holds nothing; one that stands at 0 was told to start again.
        let again = known.is_some_and(|cursor| cursor.number == 0);
        let stands = Stands { base: known.map_or(0, |cursor| cursor.number), again, checkpoint: request.checkpoint };
        let mut answers = Vec::new();
        for part in self.pull(&asker, stands, now)? {
            let cursor = Cursor { epoch, number: part.number };
            let (more, today) = (part.checkpoint.is_some(), part.today.then_some(true));
            answers.push(Answer { items: part.items, checkpoint: part.checkpoint, more, today, ..Answer::empty(now, cursor) });
        }
        let at_rest = quiet && request.pushed.is_empty() && answers.iter().all(|answer| answer.items.is_empty() && !answer.more);
        if let Some(last) = answers.last_mut() {
            if let Some(wanted) = said.wanted.as_ref().filter(|wanted| !wanted.is_empty()) {
                self.headquarters.in_step(now, self.feed.head()?)?;
                last.items.extend(self.lent(&asker, wanted)?);
                last.granted = Some(wanted.clone());
            }
            if at_rest {
                self.at_rest(now, &asker, request, &said, last)?;
            }
        }
        Ok(answers)
    }

    /// Both sides at rest: they must hold the same.
    fn at_rest(&self, now: Ms, asker: &Asker<'_>, request: &Request, said: &Pull, answer: &mut Answer) -> Result<(), ExchangeError> {
        if let Some(prints) = &said.prints {
            let (compare, items) = self.compare(now, asker, prints, answer.cursor.number)?;
            answer.more = compare.from.is_some();
            answer.items.extend(items);
            answer.compare = Some(compare);
            return Ok(());
        }
        if self.differs(asker, request, answer.cursor.number)? && self.may_repair(now, asker) {
            tracing::warn!(device = %asker.caller.device.id, "a device holds something else than its scopes");
            answer.more = true;
            if asker.compares {
                answer.compare = Some(Compare { from: Some(0), strange: None });
            } else {
                (answer.restart, answer.cursor.number) = (true, 0);
            }
        }
        self.scrub(now)
    }

    /// With the first exchange of a day the windows of bounded history are moved on.
    fn sweep(&self, now: Ms) -> Result<(), ExchangeError> {
        let today = now.day(self.offset_minutes);
        let mut swept = held(&self.swept);
        // Another day, earlier ones too: a clock that was wrong may have been set right.
        if *swept != today {
            crate::windows::sweep(&self.headquarters.hold(), now)?;
            *swept = today;
        }
        Ok(())
    }

    /// The profile, when this device does not have it as it is now: by what it says, or, where it says nothing, by what it was told.
    fn news_of_profile(&self, caller: &Caller, request: &Request, version: u64) -> Result<Option<Profile>, ExchangeError> {
        let known = {
            let mut profiles = held(&self.profiles);
            if profiles.0 != version {
                *profiles = (version, BTreeMap::new());
            }
            profiles.1.get(&caller.user.id).filter(|printed| printed.of == caller.user).map(|printed| printed.print)
        };
        let said = request.pull.as_ref().and_then(|pull| pull.profile);
        let told = held(&self.told).get(&caller.device.id).and_then(|told| told.profile);
        let has = |print: &u64| said.or(told) == Some(*print);
        if known.is_some_and(|known| has(&known)) {
            return Ok(None);
        }
        let profile = profile::of(&self.accounts, self.offset_minutes, &caller.user)?;
        let print = print_of(&minicbor::to_vec(&profile).unwrap_or_default());
        let mut profiles = held(&self.profiles);
        if profiles.0 == version {
            profiles.1.insert(caller.user.id, Printed { of: caller.user.clone(), print });
        }
        drop(profiles);
        if has(&print) {
            return Ok(None);
        }
        held(&self.told).entry(caller.device.id).or_default().profile = Some(print);
        Ok(Some(profile))
    }

    fn may_repair(&self, now: Ms, asker: &Asker<'_>) -> bool {
        let mut told = held(&self.told);
        let told = told.entry(asker.caller.device.id).or_default();
        let (since, times) = told.repaired.filter(|(since, _)| now.since(*since) < REPAIR_EVERY_MS).unwrap_or((now, 0));
        let may = times < if asker.compares { REPAIRS_MAX } else { 1 };
        if may {
            told.repaired = Some((since, times + 1));
        }
        may
    }

    fn note(&self, now: Ms, caller: &Caller, request: &Request, answers: &[Answer]) -> Result<(), ExchangeError> {
        let device = &caller.device;
        let at_rest = answers.iter().all(|answer| !answer.more && answer.items.is_empty());
        let cursor_no = request.cursor.map_or(0, |cursor| cursor.number);
        let photos_moved = device.photos != u64::from(request.heartbeat.photos.unwrap_or(0));
        let quiet = at_rest && request.pushed.is_empty() && device.cursor_no == cursor_no && !photos_moved;
        if quiet && device.seen_at.is_some_and(|seen| now.since(seen) < CONTACT_NOTED_EVERY_MS) {
            return Ok(());
        }
        // The device counted before it handed in: what found its place with this answer waits no more.
        let settled =
            |verdict: &&Verdict| matches!(verdict.outcome, Outcome::Accepted | Outcome::AlreadyKnown | Outcome::Quarantined { .. });
        let waiting = u64::from(request.heartbeat.unsent_changes)
            .saturating_sub(answers.iter().flat_map(|answer| &answer.verdicts).filter(settled).count() as u64);
        let photos = u64::from(request.heartbeat.photos.unwrap_or(0));
        let contact = Contact { cursor_no, offset_ms: now.since(request.now), waiting, photos, at_rest };
        Ok(self.accounts.note_contact(now, device.id, &contact)?)
    }
}

/// Changes of its own that a device holds for certain: it has just handed them in, or says so.
fn holds(request: &Request, verdicts: &[Verdict]) -> BTreeSet<ChangeHash> {
    let taken = verdicts.iter().filter(|verdict| matches!(verdict.outcome, Outcome::Accepted | Outcome::AlreadyKnown));
    let said = request.pull.iter().flat_map(|pull| pull.holds.iter().flatten()).take(HOLDS_MAX).copied();
    taken.map(|verdict| verdict.hash).chain(said).collect()
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
