//! The phone's half of an exchange: bytes out, bytes in. The app moves the bytes; nothing here waits or knows a network.
//!
//! [`Replica::sync_request`] reads the outbox and says where the device stands. [`Replica::sync_answer`] stores verdicts and
//! items, and the cursor only in the commit that holds the last of them. Making a request twice, or losing an answer, costs time
//! and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;

use crate::crdt::gate::{Incoming, Outcome as Judged, Source};
use crate::crdt::{Document, RawChange};
use crate::exchange::{
    Answer, Besides, Checkpoint, Cursor, Heartbeat, Item, LateNotice, Order, Outcome, PUSHED_BYTES_TARGET, PUSHED_CHANGES_MAX, Profile,
    Pushed, Request, Ruling, SPEAKS, Told, URGENT_BYTES_TARGET, Verdict,
};
use crate::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId};
use crate::model::kinds;
use crate::replica::again::{NotTaken, ruled, write_again};
use crate::replica::documents::{Admitted, load};
use crate::replica::fold::{Subjects, drop_rows, fold_rows};
use crate::replica::reading::{SETTING_DEVICE, SETTING_PROFILE};
use crate::replica::{Replica, ReplicaError};
use crate::store::{
    Checkpoint as StoredCheckpoint, Lane, Notice, OwnChange, OwnStanding, PullPosition, QuarantinedChange, Reading, Standing, Writing,
};

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
}

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
            let outbox = urgent_alone(read.outbox(PUSHED_CHANGES_MAX, PUSHED_BYTES_TARGET)?);
            let urgent = outbox.first().is_some_and(|own| own.lane == Lane::Urgent);
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

    /// Takes an answer in. `now` is the device's clock at its arrival.
    ///
    /// # Errors
    /// [`ReplicaError::Wire`] when the frame is unreadable (nothing is then changed), [`ReplicaError::Store`].
    pub fn sync_answer(&mut self, frame: &[u8], now: Ms) -> Result<Synced, ReplicaError> {
        self.take_answer(&Answer::decode(frame)?, now)
    }

    /// As [`Self::sync_answer`], of an answer that is already read.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn take_answer(&mut self, answer: &Answer, now: Ms) -> Result<Synced, ReplicaError> {
        let mut synced = Synced { more: answer.more, clock_offset_ms: answer.now.since(now), ..Synced::default() };
        self.settle(&answer.verdicts, now, &mut synced)?;
        let told = answer.told.clone().unwrap_or_default();
        if told.order == Some(Order::Wipe) {
            self.store_mut().wipe()?;
            synced.wiped = true;
            synced.more = false;
            return Ok(synced);
        }
        synced.drain_only = told.order == Some(Order::Drain);
        let mut broken = self.take_told(&told, now, &mut synced)?;
        let before = self.store().read(|read| read.pull_position())?;
        let new_life = before.epoch != [0; 16] && before.epoch != answer.cursor.epoch;
        if new_life {
            self.store_mut().write(|write| write.begin_listening())?;
        }
        for items in answer.items.chunks(ITEMS_PER_COMMIT) {
            broken |= self.take_items(items, now, &mut synced)?;
        }
        // Something that the device lacks did not come: the next pull starts from nothing, which repeats but never skips. What a
        // pull from nothing could not bring stays set aside, and holds up nothing else.
        let restart = answer.restart || (broken && before.number > 0);
        if !restart && answer.checkpoint.is_none() && answer.cursor.number > 0 {
            self.find_lost()?;
        }
        synced.restarted = restart;
        synced.more |= restart || self.outbox_size()?.changes > 0 || self.has_besides()?;
        let undecided = |verdict: &&Verdict| matches!(verdict.outcome, Outcome::MissingDependencies { .. });
        self.put_unsettled(answer.verdicts.iter().filter(undecided).count() as u64);
        self.store_mut().write(|write| {
            if let Some(profile) = &answer.profile {
                put_profile(write, profile)?;
            }
            write.put_clock_offset(answer.now.since(now), answer.now)?;
            write.raise_clock_floor(answer.now)?;
            let checkpoint = answer.checkpoint.map(|at| StoredCheckpoint { base: at.base, upto: at.upto });
            let position = if restart {
                PullPosition { epoch: answer.cursor.epoch, number: 0, checkpoint: None }
            } else {
                PullPosition { epoch: answer.cursor.epoch, number: answer.cursor.number, checkpoint }
            };
            if answer.restart {
                write.hand_in_again()?;
                write.offer_blobs_again()?;
            }
            Ok::<_, ReplicaError>(write.put_pull_position(&position)?)
        })?;
        Ok(synced)
    }

    fn settle(&mut self, verdicts: &[Verdict], now: Ms, synced: &mut Synced) -> Result<(), ReplicaError> {
        if verdicts.is_empty() {
            return Ok(());
        }
        let offset_minutes = self.offset_minutes()?;
        // Whoever writes again goes on under another actor: the numbers of the old one may be used elsewhere.
        let refusing = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Quarantined { .. } | Outcome::Forked);
        let process = if verdicts.iter().any(refusing) { self.renew_process() } else { [0; 16] };
        self.store_mut().write(|write| {
            let mut not_taken: BTreeMap<DocId, NotTaken> = BTreeMap::new();
            for verdict in verdicts {
                let standing = match &verdict.outcome {
                    Outcome::Accepted | Outcome::AlreadyKnown => Standing::Accepted { feed_no: 0 },
                    Outcome::Quarantined { code, why } => Standing::Quarantined { reason: format!("{code}: {why}") },
                    Outcome::Forked => Standing::Forked,
                    // It stays in the outbox: what it builds on goes first next time.
                    Outcome::MissingDependencies { .. } => continue,
                };
                let Some(own) = write.own_change(verdict.hash)? else { continue };
                if own.standing == Standing::Withdrawn {
                    // An answer that came late: it was written again already.
                    continue;
                }
                let _changed = write.settle(verdict.hash, &standing)?;
                match standing {
                    Standing::Accepted { .. } => synced.accepted += 1,
                    Standing::Quarantined { reason } => {
                        synced.quarantined.push((verdict.hash, reason));
                        not_taken.entry(own.doc).or_default().left_out.insert(verdict.hash);
                    }
                    Standing::Forked => {
                        synced.rewritten += 1;
                        not_taken.entry(own.doc).or_default().roots.insert(verdict.hash);
                    }
                    Standing::Waiting | Standing::Withdrawn => {}
                }
            }
            let mut subjects = Subjects::default();
            for (doc, not_taken) in &not_taken {
                write_again(write, &mut subjects, &process, *doc, not_taken, now)?;
            }
            synced.subjects.extend(subjects.ids());
            fold_rows(write, &subjects, offset_minutes)
        })
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
            for delivered in &told.delivered {
                synced.handed_on += 1;
                write.delivered(delivered.digest, now)?;
                for refused in &delivered.refused {
                    not_taken.entry(refused.doc).or_default().left_out.insert(refused.hash);
                }
            }
            for (doc, not_taken) in &not_taken {
                write_again(write, &mut subjects, &process, *doc, not_taken, now)?;
            }
            for hash in &told.recovered {
                synced.handed_on += 1;
                write.drop_lost(*hash)?;
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
            Ok(waiting || !read.lost(1)?.is_empty())
        })
    }

    /// Takes in one commit's worth of items; returns whether something could not be taken in that must come again.
    fn take_items(&mut self, items: &[Item], now: Ms, synced: &mut Synced) -> Result<bool, ReplicaError> {
        let mut admitted: BTreeMap<DocId, Admitted> = BTreeMap::new();
        let mut forgotten = Vec::new();
        let mut refused = Vec::new();
        let mut broken = false;
        let listening = !self.store().read(|read| read.unheard(1))?.is_empty();
        for item in items {
            if let Some((doc, why)) = self.mistaken(item, &admitted)? {
                broken = true;
                refused.push((doc, None, why));
                continue;
            }
            match item {
                Item::Document { doc, kind, subject, snapshot } => {
                    let opened = self.gate().admit_snapshot(snapshot, &genesis_hashes(kind)).map_err(|refusal| refusal.to_string());
                    if listening && let Ok(document) = &opened {
                        self.listen(*doc, document)?;
                    }
                    match opened.map(|document| self.merged(*doc, document)) {
                        Ok(Ok((document, changes))) => {
                            admitted.insert(*doc, Admitted { doc: *doc, kind: kind.clone(), subject: *subject, document, changes });
                        }
                        // Another life of the document that is held: the two can never be one.
                        Ok(Err(ReplicaError::Document(error))) => {
                            broken = true;
                            refused.push((*doc, None, error.to_string()));
                        }
                        Ok(Err(error)) => return Err(error),
                        Err(refusal) => {
                            broken = true;
                            refused.push((*doc, None, refusal));
                        }
                    }
                }
                Item::Changes { doc, kind, subject, changes } => {
                    let before = match admitted.remove(doc) {
                        Some(earlier) => Some((earlier.document, earlier.changes)),
                        None => self.base(*doc, kind)?.map(|document| (document, Vec::new())),
                    };
                    let Some((before, mut new)) = before else {
                        broken = true;
                        continue;
                    };
                    let Judgement { document, taken, bad, postponed } = self.judge(before, kind, changes);
                    broken |= postponed || !bad.is_empty();
                    refused.extend(bad.into_iter().map(|(bytes, why)| (*doc, Some(bytes), why)));
                    let fresh = taken.is_empty() && new.is_empty();
                    new.extend(taken);
                    if !fresh {
                        admitted.insert(*doc, Admitted { doc: *doc, kind: kind.clone(), subject: *subject, document, changes: new });
                    }
                }
                Item::Forget { doc } => {
                    if listening {
                        self.store_mut().write(|write| write.heard(*doc))?;
                    }
                    admitted.remove(doc);
                    forgotten.push(*doc);
                }
            }
        }
        synced.documents += admitted.len();
        synced.forgotten += forgotten.len();
        synced.refused += refused.len();
        synced.subjects.extend(admitted.values().map(|item| item.subject));
        let admitted: Vec<Admitted> = admitted.into_values().collect();
        let offset_minutes = self.offset_minutes()?;
        self.absorb(&admitted, |write| {
            for (doc, bytes, reason) in refused {
                let bytes = bytes.unwrap_or_default();
                let hash = digest(doc, &bytes, &reason);
                write.quarantine(&QuarantinedChange { hash, doc, received_at: now, reason, bytes })?;
            }
            let mut subjects = Subjects::default();
            for doc in forgotten {
                let Some(held) = write.holding(doc)? else { continue };
                drop_rows(write, &held)?;
                write.forget(doc)?;
                subjects.touch(&held.kind, held.subject, doc, None);
            }
            fold_rows(write, &subjects, offset_minutes)
        })?;
        Ok(broken)
    }

    /// Why an item cannot be about the document that it names: it is held, or came before in this answer, as something else.
    fn mistaken(&self, item: &Item, admitted: &BTreeMap<DocId, Admitted>) -> Result<Option<(DocId, String)>, ReplicaError> {
        let (Item::Document { doc, kind, subject, .. } | Item::Changes { doc, kind, subject, .. }) = item else { return Ok(None) };
        let known = match admitted.get(doc) {
            Some(earlier) => Some((earlier.kind.clone(), earlier.subject)),
            None => self.store().read(|read| read.holding(*doc))?.map(|held| (held.kind, held.subject)),
        };
        let same = known.is_none_or(|known| known == (kind.clone(), *subject));
        Ok((!same).then(|| (*doc, "held under another kind or subject".to_owned())))
    }

    /// What a received document becomes beside what is held: its new changes are added to ours, or it is kept whole.
    fn merged(&self, doc: DocId, received: Document) -> Result<(Document, Vec<RawChange>), ReplicaError> {
        let Some(held) = self.document(doc)? else { return Ok((received, Vec::new())) };
        let new = received.changes_since(&held.document.heads());
        let new: Vec<RawChange> = new.into_iter().filter(|change| !held.document.holds(&change.hash)).collect();
        let mut document = held.document;
        document.apply(&new)?;
        Ok((document, new))
    }

    fn base(&self, doc: DocId, kind: &str) -> Result<Option<Document>, ReplicaError> {
        let held = self.store().read(|read| load(read, doc))?.map(|held| held.document);
        Ok(held.or_else(|| kinds::ready(kind).map(|ready| ready.genesis.clone())))
    }

    /// A document with what the gate takes of these changes, and what that is.
    pub(crate) fn judged(&self, before: Document, kind: &str, changes: &[ByteVec]) -> (Document, Vec<RawChange>) {
        let Judgement { document, taken, .. } = self.judge(before, kind, changes);
        (document, taken)
    }

    fn judge(&self, before: Document, kind: &str, changes: &[ByteVec]) -> Judgement {
        let empty = crate::crdt::gate::ContainerRules::default();
        let rules = kinds::ready(kind).map_or(&empty, |ready| &ready.rules);
        let incoming: Vec<Incoming<'_>> = changes.iter().map(|bytes| Incoming { bytes, source: Source::Feed }).collect();
        let admission = self.gate().admit(&before, rules, &incoming, &|_| Ok(()));
        let mut taken = Vec::new();
        let mut bad = Vec::new();
        let mut postponed = false;
        for (outcome, bytes) in admission.outcomes.into_iter().zip(changes) {
            match outcome {
                Judged::Accepted(accepted) => taken.push(accepted.raw),
                Judged::AlreadyKnown { .. } => {}
                Judged::MissingDependencies { missing, .. } => bad.push((bytes.to_vec(), format!("{} change(s) missing", missing.len()))),
                Judged::Forked { .. } => bad.push((bytes.to_vec(), "forked".to_owned())),
                Judged::Postponed { .. } => postponed = true,
                Judged::Refused { refusal, .. } => bad.push((bytes.to_vec(), refusal.to_string())),
            }
        }
        Judgement { document: admission.document.unwrap_or(before), taken, bad, postponed }
    }
}

/// What the gate said of the changes of one item.
struct Judgement {
    document: Document,
    taken: Vec<RawChange>,
    bad: Vec<(Vec<u8>, String)>,
    /// Something was not judged for now: it comes again.
    postponed: bool,
}

/// Name under which something without a hash of its own is set aside.
fn digest(doc: DocId, bytes: &[u8], reason: &str) -> ChangeHash {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    hasher.update(doc.as_bytes());
    hasher.update(bytes);
    hasher.update(reason.as_bytes());
    ChangeHash(hasher.finalize().into())
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

fn genesis_hashes(kind: &str) -> Vec<ChangeHash> {
    kinds::ready(kind).map(|ready| ready.rules.genesis().to_vec()).unwrap_or_default()
}

fn put_profile(write: &mut Writing<'_>, profile: &Profile) -> Result<(), ReplicaError> {
    let mut bytes = Vec::new();
    // Writing into a vector cannot fail.
    let _infallible = minicbor::encode(profile, &mut bytes);
    Ok(write.put_setting(SETTING_PROFILE, &bytes)?)
}

/// An urgent report travels alone: on a slow link the first request is a few hundred bytes, whatever else waits.
fn urgent_alone(mut outbox: Vec<OwnChange>) -> Vec<OwnChange> {
    if outbox.first().is_some_and(|own| own.lane == Lane::Urgent) {
        let (mut bytes, mut first) = (0usize, true);
        let alone = outbox.iter().take_while(|own| {
            bytes = bytes.saturating_add(own.bytes.len());
            let goes = own.lane == Lane::Urgent && (first || bytes <= URGENT_BYTES_TARGET);
            first = false;
            goes
        });
        let length = alone.count();
        outbox.truncate(length);
    }
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
