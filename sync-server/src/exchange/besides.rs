//! What a device hands in besides its own outbox, and what it is told besides documents: batches that it carries for others, changes
//! that headquarters lost in a restore, decisions about quarantined changes, late records about its customers, orders.

use std::collections::BTreeMap;

use roadbook_core::carried::Packet;
use roadbook_core::exchange::{
    Answer, Cursor, Decided, Delivered, LateNotice, NotTaken, Order, Outcome, Pushed, Request, Ruling, SPEAKS, Told, Verdict,
};
use roadbook_core::ids::{ChangeHash, DocId, Ms};
use roadbook_core::signing::PublicKey;

use super::scope::View;
use super::verdict::{AFTER_DRAIN, BAD_SIGNATURE, REVOKED};
use super::{Answered, Exchange, ExchangeError, Parts};
use crate::accounts::{Act, Contact, Who};
use crate::clock::span::DAY_MS;
use crate::device::{Caller, Standing};
use crate::duties::SYSTEM;
use crate::feed::{Decision, DeskState, LateLine};
use crate::headquarters::{Changed, Followed};

/// How long a device that may only hand in has for its photos after it has handed in its text, in milliseconds.
const PHOTOS_DRAIN_MS: i64 = 7 * DAY_MS;
/// One that was silent for longer than this may try again, however late: it could not hand in anything meanwhile.
const PHOTOS_SILENCE_MS: i64 = DAY_MS;

/// Late records told in one answer, at most: the newest of the person's own.
const LATE_TOLD_MAX: usize = 5_000;

impl Exchange {
    /// Takes in what comes besides the outbox; what is to be told about it, and which documents changed.
    pub(super) fn take_besides(&self, now: Ms, caller: &Caller, request: &Request) -> Result<(Told, Vec<Changed>), ExchangeError> {
        let (mut told, mut changed) = (Told::default(), Vec::new());
        let Some(besides) = &request.besides else { return Ok((told, changed)) };
        for packet in &besides.carried {
            let (delivered, by_it) = self.carried(now, caller, packet)?;
            told.delivered.push(delivered);
            changed.extend(by_it);
        }
        if !besides.recovered.is_empty() {
            let (done, by_it) = self.recovered(now, caller, &besides.recovered)?;
            told.recovered = done;
            changed.extend(by_it);
        }
        Ok((told, changed))
    }

    /// Adds what a device that is served like any other has not heard yet.
    pub(super) fn tell(
        &self,
        told: &mut Told,
        caller: &Caller,
        request: &Request,
        view: Option<(&View, u64)>,
    ) -> Result<(), ExchangeError> {
        let Some(besides) = &request.besides else { return Ok(()) };
        told.decisions = self.decisions(caller, besides.heard)?;
        let Some((view, base)) = view.filter(|(_, base)| *base > 0) else { return Ok(()) };
        told.late = self.late_for(caller, view, base)?;
        Ok(())
    }

    /// What came late after a number about customers of this person, or of nobody within their reach; the newest first. The company's lines
    /// are read in portions until there are no more: what is left out here is never told, for the cursor moves on.
    fn late_for(&self, caller: &Caller, view: &View, base: u64) -> Result<Vec<LateNotice>, ExchangeError> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let lines = self.feed.late(base, before)?;
            let Some(last) = lines.last() else { return Ok(found) };
            before = Some(last.last_no);
            for line in lines {
                let Some(filing) = self.feed.filing(line.subject)? else { continue };
                let unowned = filing.owner.is_none() && filing.territory.as_ref().is_some_and(|territory| view.reach.holds(territory));
                if line.author != caller.user.id && (filing.owner == Some(caller.user.id) || unowned) {
                    let LateLine { subject, author, changes, last_no, received_at } = line;
                    found.push(LateNotice { subject, author, changes, last_no, received_at });
                }
            }
            if found.len() >= LATE_TOLD_MAX {
                found.truncate(LATE_TOLD_MAX);
                return Ok(found);
            }
        }
    }

    /// Notes in the journal what moved and which guarded values were written by what was handed in.
    pub(super) fn audit_decided(&self, now: Ms, who: &Who, followed: &Followed) -> Result<(), ExchangeError> {
        let lines: Vec<(Act, String)> = followed.decided_lines().collect();
        if !lines.is_empty() {
            self.accounts.audit_all(now, who, &lines)?;
        }
        Ok(())
    }

    fn decisions(&self, caller: &Caller, heard: u64) -> Result<Vec<Decided>, ExchangeError> {
        let rows = self.feed.decided(caller.device.id, heard)?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let ruling = match row.state {
                    DeskState::Open | DeskState::Resent => return None,
                    DeskState::Approved => Ruling::Approved,
                    DeskState::Rewritten => Ruling::Rewritten,
                    DeskState::Rejected => Ruling::Rejected { why: row.remark },
                };
                Some(Decided { no: row.decided_no, doc: row.row.refused.doc, hash: row.row.refused.hash, ruling })
            })
            .collect())
    }

    /// A batch that another device signed: judged as if that device had come itself.
    fn carried(&self, now: Ms, carrier: &Caller, bytes: &[u8]) -> Result<(Delivered, Vec<Changed>), ExchangeError> {
        let digest = Packet::digest(bytes);
        let nothing = Delivered { digest, refused: Vec::new() };
        let Ok((packet, batch)) = Packet::decode(bytes).and_then(|packet| packet.batch().map(|batch| (packet, batch))) else {
            tracing::warn!(device = %carrier.device.id, "a carried batch is unreadable");
            return Ok((nothing, Vec::new()));
        };
        let who = Who::device(carrier.user.id, carrier.device.id, "");
        let author = self.accounts.device(packet.device)?;
        let signed = |key: &[u8]| PublicKey::from_sec1(key).is_some_and(|key| packet.is_signed_by(&key));
        let author = match author.filter(|device| signed(&device.key)) {
            Some(device) => self.accounts.user(device.user)?.map(|user| (device, user)),
            None => None,
        };
        let Some((device, user)) = author else {
            let verdicts = self.quarantine_all(now, carrier, &batch.pushed, BAD_SIGNATURE)?;
            return Ok((Delivered { digest, refused: not_taken(&batch.pushed, &verdicts) }, Vec::new()));
        };
        self.accounts.audit(now, &who, Act::Carried, &device.id.to_string())?;
        let (verdicts, changed) = match Standing::of(&device, &user) {
            standing @ Standing::DrainOnly => {
                let caller = Caller { device, user, standing };
                (self.quarantine_all(now, &caller, &batch.pushed, REVOKED)?, Vec::new())
            }
            Standing::Good => self.push_for(now, device, user, batch.cursor, batch.pushed.clone())?,
        };
        Ok((Delivered { digest, refused: not_taken(&batch.pushed, &verdicts) }, changed))
    }

    /// A device that may only hand in: everything goes to quarantine, nothing comes out. When it has handed in what it had, its photos
    /// too, it is told to wipe itself; for those it has [`PHOTOS_DRAIN_MS`] after its text, and longer as long as they come. One that is to be
    /// wiped is told so at once. One that stands in another life of the feed is first told to hand in again what this life may lack.
    pub(super) fn drained(&self, now: Ms, epoch: [u8; 16], caller: &Caller, request: &Request) -> Result<Answered, ExchangeError> {
        let (device, who) = (caller.device.id, Who::device(caller.user.id, caller.device.id, ""));
        let orders = self.accounts.orders(device)?;
        let verdicts = if request.pushed.is_empty() {
            Vec::new()
        } else if orders.drained_at.is_some() {
            self.refuse_after_drain(now, caller, request)?
        } else {
            self.quarantine_all(now, caller, &request.pushed, REVOKED)?
        };
        let arrived: usize = request.pushed.iter().map(|pushed| pushed.changes.len()).sum();
        let waiting = u64::from(request.heartbeat.unsent_changes).saturating_sub(arrived as u64);
        let again = orders.wipe_at.is_none() && self.is_strange(epoch, request.cursor)?;
        let done = (waiting == 0 && !again) || orders.wipe_at.is_some();
        if done {
            self.accounts.note_drained(now, &who, device)?;
        }
        let photos = u64::from(request.heartbeat.photos.unwrap_or(0));
        let waits = orders.drained_at.is_none_or(|since| now.since(since) < PHOTOS_DRAIN_MS);
        let silent = caller.device.seen_at.is_none_or(|seen| now.since(seen) > PHOTOS_SILENCE_MS);
        let in_time = waits || silent || photos < caller.device.photos;
        let photos_come = done && photos > 0 && orders.wipe_at.is_none() && in_time;
        let offset_ms = now.since(request.now);
        let cursor_no = request.cursor.map_or(0, |cursor| cursor.number);
        self.accounts.note_contact(now, device, &Contact { cursor_no, offset_ms, waiting, photos, at_rest: false })?;
        if request.besides.is_none() && request.pushed.is_empty() && !again {
            return Ok(Answered::Gone);
        }
        // What was recorded since it asked is handed in first, unless somebody ordered the wipe.
        let when_empty = orders.wipe_at.is_none().then_some(in_time);
        let order = if done && !photos_come { Order::Wipe } else { Order::Drain };
        if order == Order::Wipe && request.besides.is_some() {
            self.accounts.note_wipe_told(now, &who, device)?;
        }
        let answer = if again {
            Self::other_life(now, epoch)
        } else {
            let stays = Answer::empty(now, request.cursor.unwrap_or(Cursor { epoch, number: 0 }));
            // Photos go by themselves: the next exchange can wait for them.
            Answer { checkpoint: request.checkpoint, more: !photos_come, ..stays }
        };
        Ok(Answered::Answer(Parts::one(Answer {
            verdicts,
            speaks: Some(SPEAKS),
            told: request.besides.as_ref().map(|_| Told { order: Some(order), when_empty, ..Told::default() }),
            stand: request.pull.as_ref().and_then(|pull| pull.stand),
            ..answer
        })))
    }

    /// What comes after everything had been handed in is new: refused, and kept as rejected.
    fn refuse_after_drain(&self, now: Ms, caller: &Caller, request: &Request) -> Result<Vec<Verdict>, ExchangeError> {
        let mut verdicts = Vec::new();
        let mut new = 0_usize;
        for pushed in &request.pushed {
            let known: Vec<ChangeHash> =
                self.feed.desk_of(pushed.doc, Some(caller.device.id))?.into_iter().map(|row| row.row.refused.hash).collect();
            verdicts.extend(self.quarantine_all(now, caller, std::slice::from_ref(pushed), AFTER_DRAIN)?);
            for row in self.feed.desk_of(pushed.doc, Some(caller.device.id))? {
                if !known.contains(&row.row.refused.hash) {
                    new += 1;
                    let decision = Decision { state: DeskState::Rejected, by: SYSTEM, now, remark: super::verdict::words(AFTER_DRAIN) };
                    self.feed.decide(row.row.id, &decision)?;
                }
            }
        }
        if new > 0 {
            let who = Who::device(caller.user.id, caller.device.id, "");
            self.accounts.audit(now, &who, Act::RefusedAfterDrain, &new.to_string())?;
        }
        Ok(verdicts)
    }
}

/// The changes of a batch that did not find their place.
fn not_taken(pushed: &[Pushed], verdicts: &[Verdict]) -> Vec<NotTaken> {
    let gate = roadbook_core::crdt::gate::Gate::strict();
    let docs: BTreeMap<ChangeHash, DocId> = pushed
        .iter()
        .flat_map(|pushed| pushed.changes.iter().map(|change| (super::push::name_of(&gate, change), pushed.doc)).collect::<Vec<_>>())
        .collect();
    let refused = verdicts.iter().filter(|verdict| !matches!(verdict.outcome, Outcome::Accepted | Outcome::AlreadyKnown));
    refused.filter_map(|verdict| docs.get(&verdict.hash).map(|doc| NotTaken { doc: *doc, hash: verdict.hash })).collect()
}
