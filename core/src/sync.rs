//! The phone's half of an exchange: bytes out, bytes in. The app moves the bytes; nothing here waits or knows a network.
//!
//! [`Replica::sync_request`] reads the outbox and says where the device stands. [`Replica::receive`] and [`Replica::open_part`], or
//! [`Replica::sync_answer`] in one call, store verdicts and items, and the cursor only in the commit that holds the last of them. Making
//! a request twice, or losing an answer, costs time and nothing else.
//!
//! * `ahead` – documents of a long answer pass the gate while those before them are stored.
//! * `items` – documents, changes, rows and forgets taken in, a commit at a time.
//! * `knocking` – a device at rest that would say what it said before.
//! * `opening` – an answer taken in part by part; a long one is kept first.
//! * `repair` – what differs is found, compared document by document, and mended.
//! * `stand` – what an answer was made for: one that was not made for here moves no cursor.
//! * `told` – rows in place of documents, and documents that came by name.
//! * `verdicts` – what became of what was handed in.

mod ahead;
mod items;
mod knocking;
mod opening;
mod repair;
mod stand;
mod told;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};

use ahead::Ahead;
use minicbor::bytes::ByteVec;
pub use opening::{KEPT_BYTES_MIN, Opening};
use stand::Made;

use crate::blobs::folder::BlobFolder;
use crate::carried::Packet;
use crate::exchange::{
    Answer, Besides, Checkpoint, Cursor, Heartbeat, LateNotice, Order, PUSHED_BYTES_TARGET, PUSHED_CHANGES_MAX, Profile, Pushed, Request,
    Ruling, SPEAKS, Told, URGENT_BYTES_TARGET, parts,
};
use crate::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId};
use crate::model::clock::BACKWARDS_TOLERATED_MS;
use crate::model::kinds;
use crate::replica::again::{NotTaken, ruled, write_again};
use crate::replica::fold::{SETTING_ROWS, Subjects, fold_rows};
use crate::replica::reading::{self, SETTING_COMPARE, SETTING_DEVICE, SETTING_PROFILE};
use crate::replica::{Replica, ReplicaError};
use crate::store::{Checkpoint as StoredCheckpoint, Lane, Notice, OwnChange, OwnStanding, PullPosition, Reading, StoreError, Writing};

/// Documents stored in one commit of an answer.
const ITEMS_PER_COMMIT: usize = 250;
/// Setting: number of the last decision about a quarantined change that was heard (8 bytes, big-endian).
const SETTING_HEARD: &str = "push/heard";

/// What an exchange did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synced {
    /// Ask again at once: more waits on either side.
    pub more: bool,
    /// Own changes that are now in the feed.
    pub accepted: usize,
    /// Own changes that headquarters set aside, with its reasons.
    pub quarantined: Vec<(ChangeHash, String)>,
    /// Documents received or changed.
    pub documents: usize,
    /// Documents that this device gave up.
    pub forgotten: usize,
    /// Items that were refused by the gate and set aside; the others were taken in.
    pub refused: usize,
    /// Subjects whose rows changed: what an app shows anew.
    pub subjects: BTreeSet<SubjectId>,
    /// Headquarters' clock minus the device's, in milliseconds.
    pub clock_offset_ms: i64,
    /// The whole pull starts again; nothing is lost by it.
    pub restarted: bool,
    /// Own changes that were written again, because headquarters could not take them as they were.
    pub rewritten: usize,
    /// What a person at headquarters decided since about own changes that had been set aside.
    pub decided: Vec<(ChangeHash, Ruling)>,
    /// Changes of others, carried or kept through headquarters' loss, that are done with.
    pub handed_on: usize,
    /// This device may only hand in what it has: it was revoked, or its person disabled. Say so; nothing comes any more.
    pub drain_only: bool,
    /// Headquarters ordered a wipe and it is done: file and content are gone. Destroy the key of the file and of the device.
    pub wiped: bool,
    /// Both sides held something else: they compare document by document, and mend what differs.
    pub compared: bool,
    /// Documents of which the stored bytes proved damaged: they come anew.
    pub damaged: usize,
    /// Today's tour and its customers are usable. Told once, by the answer that brought them; see [`Replica::today_is_usable`].
    pub today: bool,
}

impl Synced {
    /// What another part or exchange did, added to this.
    pub fn add(&mut self, other: Self) {
        self.more = other.more;
        self.accepted += other.accepted;
        self.quarantined.extend(other.quarantined);
        self.documents += other.documents;
        self.forgotten += other.forgotten;
        self.refused += other.refused;
        self.subjects.extend(other.subjects);
        self.clock_offset_ms = other.clock_offset_ms;
        self.restarted |= other.restarted;
        self.compared |= other.compared;
        self.damaged += other.damaged;
        self.today |= other.today;
        self.rewritten += other.rewritten;
        self.decided.extend(other.decided);
        self.handed_on += other.handed_on;
        self.drain_only |= other.drain_only;
        self.wiped |= other.wiped;
    }
}

/// Setting: how many own changes wait without a verdict, 8 bytes, big-endian.
const SETTING_UNSETTLED: &str = "push/unsettled";
/// Setting: today's tour and its customers have come, 1 byte.
const SETTING_TODAY: &str = "pull/today";

impl Replica {
    /// Notes that this device is enrolled.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn enrolled(&mut self, device: DeviceId, profile: &Profile) -> Result<(), ReplicaError> {
        self.store_mut().write(|write| {
            write.put_setting(SETTING_DEVICE, device.as_bytes())?;
            put_profile(write, profile)
        })
    }

    /// The frame to send to `POST /v1/sync`. `now` is the device's clock; `app` names its version for headquarters' sync health.
    ///
    /// # Errors
    /// [`ReplicaError::NotEnrolled`], [`ReplicaError::Store`], [`ReplicaError::Wire`].
    pub fn sync_request(&self, now: Ms, app: Option<&str>) -> Result<Vec<u8>, ReplicaError> {
        Ok(self.request(now, app)?.encode()?)
    }

    /// As [`Self::sync_request`], before it is a frame.
    ///
    /// # Errors
    /// [`ReplicaError::NotEnrolled`], [`ReplicaError::Store`].
    pub fn request(&self, now: Ms, app: Option<&str>) -> Result<Request, ReplicaError> {
        let device = self.device()?;
        self.store().read(|read| {
            let position = read.pull_position()?;
            let outbox = read.outbox(PUSHED_CHANGES_MAX, PUSHED_BYTES_TARGET)?;
            // An urgent report that headquarters could not decide about needs something first: it must not keep that away.
            let urgent = unsettled(read)? == 0 && outbox.first().is_some_and(|own| own.lane == Lane::Urgent);
            let outbox = if urgent { urgent_alone(outbox) } else { outbox };
            let photos = read.blobs_waiting()?;
            let waiting = read.outbox_size()?;
            let quarantined = read.own_changes(OwnStanding::Quarantined, 0, PUSHED_CHANGES_MAX)?.len();
            let besides = besides(read, outbox.len())?;
            let nothing = outbox.is_empty() && besides.carried.is_empty() && besides.recovered.is_empty();
            let at_rest = nothing && position.checkpoint.is_none() && position.epoch != [0; 16];
            Ok(Request {
                device,
                now,
                cursor: (position.epoch != [0; 16]).then_some(Cursor { epoch: position.epoch, number: position.number }),
                checkpoint: position.checkpoint.map(|at| Checkpoint { base: at.base, upto: at.upto }),
                digest: if at_rest { Some(read.digest()?.xor) } else { None },
                pushed: grouped(outbox),
                schema: kinds::SCHEMA_VERSION,
                verdicts_only: (urgent && position.epoch != [0; 16]).then_some(true),
                pull: Some(repair::pull(read, at_rest)?),
                heartbeat: Heartbeat {
                    unsent_changes: u32::try_from(waiting.changes).unwrap_or(u32::MAX),
                    oldest_unsent: waiting.oldest,
                    quarantined: u32::try_from(quarantined).unwrap_or(u32::MAX),
                    app: app.map(str::to_owned),
                    photos: Some(u32::try_from(photos.originals).unwrap_or(u32::MAX)).filter(|photos| *photos > 0),
                    photo_bytes: Some(photos.bytes).filter(|bytes| *bytes > 0),
                },
                speaks: Some(SPEAKS),
                besides: Some(besides),
            })
        })
    }

    /// Takes an answer in, in one call that ends with its last part. `now` is the device's clock at its arrival.
    ///
    /// # Errors
    /// As [`Self::receive`] and [`Self::open_part`].
    pub fn sync_answer(&mut self, frame: &[u8], now: Ms) -> Result<Synced, ReplicaError> {
        let opening = self.receive(frame, now)?;
        self.open_rest(opening)
    }

    /// Whether today's tour and its customers have come: an app need not wait for the rest of a first sync.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn today_is_usable(&self) -> Result<bool, ReplicaError> {
        Ok(self
            .store()
            .read(|read| Ok::<_, crate::store::StoreError>(read.setting(SETTING_TODAY)?.is_some() || read.pull_position()?.number > 0))?)
    }

    /// As [`Self::sync_answer`], of one part that is already read.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn take_answer(&mut self, answer: &Answer, now: Ms) -> Result<Synced, ReplicaError> {
        let made = self.made(Some(answer))?;
        self.take_part(answer, made, now, &mut Ahead::none(*self.gate()), None)
    }

    fn made(&self, first: Option<&Answer>) -> Result<Made, ReplicaError> {
        Ok(self.store().read(|read| first.map_or(Ok(Made::Here), |first| stand::made(read, first)))?)
    }

    /// `kept`: the part is of an answer that is kept, of which so many parts are then taken in.
    fn take_part(&mut self, answer: &Answer, made: Made, now: Ms, ahead: &mut Ahead, kept: Option<usize>) -> Result<Synced, ReplicaError> {
        let mut synced = Synced { more: answer.more, clock_offset_ms: answer.now.since(now), ..Synced::default() };
        if made == Made::OtherLife {
            synced.more = true;
            return Ok(synced);
        }
        let before = self.store().read(|read| read.pull_position())?;
        let passes = made == Made::Here && answer.checkpoint.is_none() && answer.cursor.number > before.number;
        self.settle(&answer.verdicts, passes, now, &mut synced)?;
        let told = answer.told.clone().unwrap_or_default();
        if told.order == Some(Order::Wipe) && !self.waits_for(told.when_empty)? {
            self.wipe()?;
            synced.wiped = true;
            synced.more = false;
            return Ok(synced);
        }
        synced.drain_only = told.order.is_some();
        self.let_go(now, &mut synced)?;
        if made == Made::Elsewhere {
            // What was handed on is handed on again: headquarters may have gone back since it said so.
            let told = Told { delivered: Vec::new(), recovered: Vec::new(), ..told };
            let broken = self.take_told(&told, now, &mut synced)?;
            self.store_mut().write(|write| {
                if broken {
                    write.put_setting(SETTING_COMPARE, &0_u64.to_be_bytes())?;
                }
                write.raise_clock_floor(answer.now)
            })?;
            synced.more = true;
            return Ok(synced);
        }
        let new_life = before.epoch != [0; 16] && before.epoch != answer.cursor.epoch;
        if new_life {
            self.store_mut().write(|write| write.begin_listening())?;
        }
        self.give_back(answer, now, &mut synced)?;
        let mut broken = self.take_told(&told, now, &mut synced)?;
        for items in answer.items.chunks(ITEMS_PER_COMMIT) {
            broken |= self.take_items(items, ahead, now, &mut synced)?;
        }
        // A new life of the feed: what is held is compared with it, document by document. A side that cannot compare, and a pull
        // that has not come to its end, start from nothing, which repeats but never skips.
        let jump = answer.restart && answer.compare.is_some() && before.checkpoint.is_none() && before.number > 0;
        let restart = answer.restart && !jump;
        // Something that the device lacks did not come: the next exchange at rest compares. What a comparison could not bring
        // stays set aside, and holds up nothing else.
        let lacking = broken && before.number > 0 && answer.compare.is_none() && !restart;
        (synced.restarted, synced.compared) = (restart, lacking || answer.compare.is_some());
        synced.more |= restart || synced.compared && answer.compare.as_ref().is_none_or(|compare| compare.from.is_some());
        if !restart && answer.checkpoint.is_none() && answer.cursor.number > 0 {
            self.find_lost()?;
        }
        // From a device that may only hand in what is its own nothing is taken that it carries for others.
        synced.more |= self.outbox_size()?.changes > 0 || (!synced.drain_only && self.has_besides()?);
        synced.today = answer.today == Some(true);
        if let Some(granted) = &answer.granted {
            self.granted(granted, &answer.items)?;
        }
        self.store_mut().write(|write| {
            if let Some(profile) = &answer.profile {
                if reading::profile(write)?.is_some_and(|before| before.role != profile.role) {
                    let mut subjects = Subjects::default();
                    told::give_all_up(write, &mut subjects)?;
                    fold_rows(write, &subjects, profile.offset_minutes)?;
                }
                if reading::offset_minutes(write)? != profile.offset_minutes {
                    write.drop_setting(SETTING_ROWS)?;
                }
                put_profile(write, profile)?;
            }
            write.put_clock_offset(answer.now.since(now), answer.now)?;
            // Headquarters' clock is the one that counts: a floor that this device raised while its clock was ahead comes down again.
            match write.clock()?.floor {
                Some(floor) if floor > answer.now.plus(BACKWARDS_TOLERATED_MS) => write.put_clock_floor(answer.now)?,
                _ => write.raise_clock_floor(answer.now)?,
            }
            let checkpoint = answer.checkpoint.map(|at| StoredCheckpoint { base: at.base, upto: at.upto });
            let position = if restart {
                PullPosition { epoch: answer.cursor.epoch, number: 0, checkpoint: None }
            } else {
                PullPosition { epoch: answer.cursor.epoch, number: answer.cursor.number, checkpoint }
            };
            if restart || passes {
                stand::drop_holds(write)?;
            }
            if answer.restart {
                write.hand_in_again()?;
                write.offer_blobs_again()?;
            }
            match &answer.compare {
                _ if lacking => write.put_setting(SETTING_COMPARE, &0_u64.to_be_bytes())?,
                Some(compare) if !restart => match compare.from {
                    Some(from) => write.put_setting(SETTING_COMPARE, &from.to_be_bytes())?,
                    None => write.drop_setting(SETTING_COMPARE)?,
                },
                Some(_) | None => {}
            }
            if synced.today {
                write.put_setting(SETTING_TODAY, &[1])?;
            }
            // The later parts of an answer say nothing of what was handed in.
            if answer.stand.is_some() || !answer.verdicts.is_empty() {
                put_unsettled(write, answer.verdicts.iter().filter(|verdict| !verdict.outcome.is_decided()).count())?;
            }
            knocking::note(write, answer)?;
            write.put_pull_position(&position)?;
            kept.map_or(Ok::<_, ReplicaError>(()), |taken| Ok(opening::note(write, taken)?))
        })?;
        if answer.profile.is_some() {
            self.bring_rows_up_to_date()?;
        }
        self.scour()?;
        if synced.forgotten > 0 || !answer.items.is_empty() {
            self.forget_photos_of_forgotten(now)?;
        }
        if answer.items.is_empty() && !synced.more {
            synced.damaged += self.scrub_now_and_then(now)?;
            synced.more |= synced.damaged > 0;
        }
        Ok(synced)
    }

    /// Removes what is left of what was removed for good. What cannot be done now stays due: the next answer is another occasion.
    fn scour(&mut self) -> Result<(), ReplicaError> {
        match self.store_mut().scour() {
            Err(StoreError::Full { .. } | StoreError::Busy { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Something of this device's own for which a wipe is to wait is not handed in.
    fn waits_for(&self, when_empty: Option<bool>) -> Result<bool, ReplicaError> {
        let Some(photos) = when_empty else { return Ok(false) };
        Ok(self.outbox_size()?.changes > 0 || (photos && self.photos_waiting()?.originals > 0))
    }

    /// Headquarters ordered it: nothing stays on this device. Photos go first: a wipe that is cut short is ordered again. That they cannot
    /// be removed keeps nothing else.
    fn wipe(&mut self) -> Result<(), ReplicaError> {
        let photos = self.folder().and_then(|folder| Ok(folder.map_or(Ok(()), BlobFolder::wipe)?));
        self.store_mut().wipe()?;
        photos
    }

    /// Takes in what headquarters tells besides documents; returns whether the pull has to start again.
    fn take_told(&mut self, told: &Told, now: Ms, synced: &mut Synced) -> Result<bool, ReplicaError> {
        if *told == Told::default() || (told.order.is_some() && told.decisions.is_empty()) {
            return Ok(false);
        }
        let offset_minutes = self.offset_minutes()?;
        let refused = told.delivered.iter().any(|delivered| !delivered.refused.is_empty());
        let process = if refused { self.renew_process() } else { [0; 16] };
        self.store_mut().write(|write| {
            let mut subjects = Subjects::default();
            let mut broken = false;
            let mut heard = heard(write)?;
            for decided in told.decisions.iter().filter(|decided| decided.no > heard) {
                broken |= !ruled(write, &mut subjects, decided)?;
                synced.decided.push((decided.hash, decided.ruling.clone()));
            }
            heard = told.decisions.iter().map(|decided| decided.no).fold(heard, u64::max);
            write.put_setting(SETTING_HEARD, &heard.to_be_bytes())?;
            for notice in &told.late {
                let LateNotice { subject, author, changes, last_no, received_at } = *notice;
                write.put_notice(&Notice { subject, author, changes, last_no, received_at, seen: false })?;
                synced.subjects.insert(subject);
            }
            let mut not_taken: BTreeMap<DocId, NotTaken> = BTreeMap::new();
            let carried = if told.delivered.is_empty() { Vec::new() } else { write.carried()? };
            for delivered in &told.delivered {
                synced.handed_on += 1;
                for known in carried.iter().filter(|known| known.digest == delivered.digest) {
                    for doc in Packet::documents(&known.packet) {
                        told::renew(write, doc, now)?;
                    }
                }
                write.delivered(delivered.digest, now)?;
                for refused in &delivered.refused {
                    not_taken.entry(refused.doc).or_default().left_out.insert(refused.hash);
                }
            }
            for (doc, not_taken) in &not_taken {
                write_again(write, &mut subjects, &process, *doc, not_taken, now)?;
            }
            let mut decided = BTreeSet::new();
            for hash in &told.recovered {
                synced.handed_on += 1;
                decided.extend(write.drop_lost(*hash)?);
            }
            for doc in decided {
                told::renew(write, doc, now)?;
            }
            synced.subjects.extend(subjects.ids());
            fold_rows(write, &subjects, offset_minutes)?;
            Ok(broken)
        })
    }

    /// Something waits to be handed in besides the outbox.
    fn has_besides(&self) -> Result<bool, ReplicaError> {
        self.store().read(|read| {
            let waiting = read.carried()?.iter().any(|packet| packet.delivered_at.is_none());
            Ok(waiting || !read.lost_documents(1)?.is_empty())
        })
    }
}

/// Number of the last decision that was heard.
fn heard(read: &Reading<'_>) -> Result<u64, ReplicaError> {
    let bytes = read.setting(SETTING_HEARD)?.and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map_or(0, u64::from_be_bytes))
}

/// What is handed in beside an outbox of this length: one batch of another device, and what headquarters lost.
fn besides(read: &Reading<'_>, outbox: usize) -> Result<Besides, ReplicaError> {
    let carried = read.carried()?.into_iter().find(|packet| packet.delivered_at.is_none());
    let room = PUSHED_CHANGES_MAX.saturating_sub(outbox);
    let recovered = crate::replica::carrying::recovered(read, room, PUSHED_BYTES_TARGET)?;
    Ok(Besides { carried: carried.into_iter().map(|packet| packet.packet.into()).collect(), recovered, heard: heard(read)? })
}

/// Own changes that headquarters answered last time without a verdict: they wait, and hold up no photo. In the file: a request is made by
/// another replica over it than the one that took the answer in, and by the next process.
pub(crate) fn unsettled(read: &Reading<'_>) -> Result<u64, StoreError> {
    let kept = read.setting(SETTING_UNSETTLED)?.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
    Ok(kept.unwrap_or(0))
}

fn put_unsettled(write: &mut Writing<'_>, changes: usize) -> Result<(), StoreError> {
    let changes = changes as u64;
    match unsettled(write)? {
        before if before == changes => Ok(()),
        _ if changes == 0 => write.drop_setting(SETTING_UNSETTLED),
        _ => write.put_setting(SETTING_UNSETTLED, &changes.to_be_bytes()),
    }
}

fn put_profile(write: &mut Writing<'_>, profile: &Profile) -> Result<(), ReplicaError> {
    Ok(write.put_setting(SETTING_PROFILE, &minicbor::to_vec(profile).unwrap_or_default())?)
}

/// An urgent report travels alone: on a slow link the first request is a few hundred bytes, whatever else waits.
fn urgent_alone(mut outbox: Vec<OwnChange>) -> Vec<OwnChange> {
    let (mut bytes, mut first) = (0usize, true);
    let alone = outbox.iter().take_while(|own| {
        bytes = bytes.saturating_add(own.bytes.len());
        let goes = own.lane == Lane::Urgent && (first || bytes <= URGENT_BYTES_TARGET);
        first = false;
        goes
    });
    let length = alone.count();
    outbox.truncate(length);
    outbox
}

/// The outbox as it is handed in: by document, in the order in which each is first met.
fn grouped(outbox: Vec<OwnChange>) -> Vec<Pushed> {
    let mut place: BTreeMap<DocId, usize> = BTreeMap::new();
    let mut pushed: Vec<Pushed> = Vec::new();
    for own in outbox {
        let at = *place.entry(own.doc).or_insert_with(|| {
            pushed.push(Pushed { doc: own.doc, kind: own.kind.clone(), subject: own.subject, changes: Vec::new() });
            pushed.len() - 1
        });
        if let Some(document) = pushed.get_mut(at) {
            document.changes.push(ByteVec::from(own.bytes));
        }
    }
    pushed
}
