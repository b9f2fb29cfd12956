//! After a restore from an old backup: what the feed lost comes back from the phones. Each hands in its own changes again, and, as
//! *recovered*, the changes of others that it had received. Nobody can prove those, so they are taken only within
//! [`RECOVERY_MS`] of the new life's beginning, only from devices that may read the document, and through the whole gate; what
//! headquarters alone writes goes to the desk, to be confirmed.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;
use roadbook_core::crdt::Document as CrdtDocument;
use roadbook_core::crdt::gate::{ContainerRules, Gate, Incoming, Outcome as Judged, Source};
use roadbook_core::exchange::Pushed;
use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms};
use roadbook_core::model::kinds;

use super::verdict::{self, NO_RIGHT, RECOVERED_ALONE, RECOVERED_OFFICE};
use super::{Exchange, ExchangeError, scope};
use crate::access::{Reach, may_read_kind};
use crate::accounts::{Act, Who};
use crate::device::Caller;
use crate::duties::SYSTEM;
use crate::feed::{Batch, Filing, Hand, NewEntry, SetAside};
use crate::headquarters::{Changed, Followed, Founder, described, filed_by, fits, founds, owner_of};

/// How long after the beginning of a new life phones may hand back what others wrote, in milliseconds: 60 days.
pub const RECOVERY_MS: i64 = 60 * Ms::DAY;

impl Exchange {
    /// Takes back what the feed lost; the names of the changes that are done with, and which documents changed.
    pub(super) fn recovered(&self, now: Ms, caller: &Caller, all: &[Pushed]) -> Result<(Vec<ChangeHash>, Vec<Changed>), ExchangeError> {
        let in_time = self.feed.renewed_at()?.is_some_and(|at| now.since(at) <= RECOVERY_MS);
        let reach = Reach::of(caller.user.role, self.accounts.territories_below(&caller.user.territories)?);
        let (mut done, mut changed, mut taken) = (Vec::new(), Vec::new(), 0_usize);
        // Cards first: where a customer is filed decides about everything else.
        let (cards, others): (Vec<&Pushed>, Vec<&Pushed>) = all.iter().partition(|pushed| pushed.kind == kinds::CUSTOMER.id);
        for pushed in cards.into_iter().chain(others) {
            let gate = Gate::strict();
            let names: Vec<ChangeHash> = pushed.changes.iter().map(|change| super::push::name_of(&gate, change)).collect();
            let known = self.feed.known(pushed.doc, &names)?;
            let before = self.feed.set_aside(caller.device.id, pushed.doc, &names)?;
            let rewritten = self.feed.rewritten(pushed.doc, &names)?;
            // What is on the desk stays there until a person decides, but for what only waits.
            let decides = |aside: &SetAside| !(aside.open && verdict::waits(&aside.code));
            let is_settled = |name: &ChangeHash| known.contains(name) || rewritten.contains(name) || before.get(name).is_some_and(decides);
            if self.is_erased(pushed)? || names.iter().all(is_settled) {
                done.extend(names);
                continue;
            }
            let (settled, open): (Vec<_>, Vec<_>) = names.into_iter().zip(&pushed.changes).partition(|(name, _)| is_settled(name));
            done.extend(settled.into_iter().map(|(name, _)| name));
            let (names, changes): (Vec<ChangeHash>, Vec<ByteVec>) = open.into_iter().map(|(name, change)| (name, change.clone())).unzip();
            let pushed = &Pushed { changes, ..pushed.clone() };
            let filing = scope::standing(&self.accounts, self.feed.as_ref(), pushed.doc, pushed.subject)?;
            let claimed = filing.clone().or_else(|| self.filing_of_lost(all, pushed));
            let about = (pushed.kind.as_str(), pushed.subject);
            let relation = scope::relation_as_filed(self.feed.as_ref(), (caller.user.id, &reach), claimed.as_ref(), about)?;
            let document = self.feed.document(pushed.doc)?;
            let kind = kinds::kind(&pushed.kind).ok_or(verdict::UNKNOWN_KIND);
            let code = match kind.map(|kind| fits(kind, (pushed.doc, pushed.subject), document.as_ref())) {
                Err(code) => Some(code),
                Ok(false) => Some(verdict::WRONG_DOCUMENT),
                Ok(true) if !in_time || !may_read_kind(caller.user.role, relation, &pushed.kind) => Some(NO_RIGHT),
                Ok(true) if pushed.kind == kinds::OFFICE.id => Some(RECOVERED_OFFICE),
                Ok(true) => None,
            };
            if let Some(code) = code {
                self.quarantine_all(now, caller, std::slice::from_ref(pushed), code)?;
                done.extend(names);
                continue;
            }
            let back = self.take_back(now, pushed, filing.is_none().then_some(claimed).flatten())?;
            // What builds on what is nowhere is kept until that comes; of what the gate refuses somebody decides.
            for (code, changes) in back.set_aside {
                self.quarantine_all(now, caller, &[Pushed { changes, ..pushed.clone() }], code)?;
            }
            done.extend(names.into_iter().filter(|name| !back.to_come_again.contains(name)));
            taken += back.taken;
            self.audit_decided(now, &Who::device(caller.user.id, caller.device.id, ""), &back.followed)?;
            changed.extend(back.followed.changed);
        }
        self.audit_changes(now, caller, Act::Recovered, taken)?;
        Ok((done, changed))
    }

    /// Where a customer that the feed lost was filed: by its office side among what comes with it.
    fn filing_of_lost(&self, all: &[Pushed], pushed: &Pushed) -> Option<Filing> {
        let office = all.iter().find(|other| other.doc == pushed.subject.office())?;
        let ready = kinds::ready(kinds::OFFICE.id)?;
        let document = admitted(&Gate::strict(), office, &ready.rules, &ready.genesis).document?;
        Some(filed_by(&document, pushed.subject, Filing::default()))
    }

    /// Whether a change names an actor that writes another document: it cannot be what it says.
    fn is_of_another_document(&self, doc: DocId, change: &[u8]) -> Result<bool, ExchangeError> {
        let Ok(identity) = Gate::strict().identify(change) else { return Ok(false) };
        Ok(self.feed.actor(&identity.actor)?.is_some_and(|bound| bound.doc != doc))
    }

    /// Takes in what was handed back of one document, whoever wrote it.
    pub(super) fn take_back(&self, now: Ms, pushed: &Pushed, filing: Option<Filing>) -> Result<TakenBack, ExchangeError> {
        let Some(ready) = kinds::ready(&pushed.kind) else { return Ok(TakenBack::default()) };
        let mut inner = self.headquarters.hold_in_step()?;
        let before = inner.replica().document(pushed.doc)?.map_or_else(|| ready.genesis.clone(), |held| held.document);
        let _place = self.trials.enter();
        let (mut own, mut others) = (Pushed { changes: Vec::new(), ..pushed.clone() }, Vec::new());
        for change in &pushed.changes {
            let to = if self.is_of_another_document(pushed.doc, change)? { &mut others } else { &mut own.changes };
            to.push(change.clone());
        }
        let Admitted { document, entries, mut set_aside, to_come_again } = admitted(&Gate::strict(), &own, &ready.rules, &before);
        if !others.is_empty() {
            set_aside.entry(verdict::FOREIGN_ACTOR).or_default().extend(others);
        }
        let mut back = TakenBack { taken: 0, set_aside, to_come_again, followed: Followed::default() };
        let Some(user) = entries.first().map(|entry| entry.author) else { return Ok(back) };
        let introduced = match (self.feed.document(pushed.doc)?, kinds::kind(&pushed.kind), document.as_ref()) {
            (Some(known), _, _) => known,
            (None, Some(kind), Some(made)) if founds(kind, (pushed.doc, pushed.subject), made, Founder::HandedBack) => {
                described(pushed.doc, &pushed.kind, pushed.subject, owner_of(&pushed.kind, pushed.doc, made, user))
            }
            (None, _, _) => {
                back.set_aside.entry(verdict::WRONG_DOCUMENT).or_default().extend(entries.into_iter().map(|entry| entry.bytes.into()));
                return Ok(back);
            }
        };
        back.taken = entries.len();
        let filings: Vec<_> = filing.into_iter().map(|filing| (pushed.subject, filing)).collect();
        // An actor that the feed still knows stays its device's. In runs, so that nothing comes before what it builds on.
        let mut runs: Vec<(Option<DeviceId>, Vec<NewEntry>)> = Vec::new();
        for entry in entries {
            let device = self.feed.actor(&entry.actor)?.and_then(|binding| binding.device);
            match runs.last_mut() {
                Some((last, run)) if *last == device => run.push(entry),
                Some(_) | None => runs.push((device, vec![entry])),
            }
        }
        let mut filed = Vec::new();
        for (device, entries) in runs {
            let batch = Batch { documents: vec![introduced.clone()], entries, filings: filings.clone(), ..Batch::default() };
            filed.extend(inner.enter(&Hand { device, user, now }, batch, document.iter().map(|document| (pushed.doc, document)))?);
        }
        back.followed = inner.follow(now, BTreeMap::new())?;
        back.followed.filed.extend(filed);
        Ok(back)
    }
}

/// What became of one document's changes.
#[derive(Default)]
pub(super) struct TakenBack {
    taken: usize,
    pub(super) followed: Followed,
    set_aside: BTreeMap<&'static str, Vec<ByteVec>>,
    to_come_again: BTreeSet<ChangeHash>,
}

/// What the gate said of changes from anybody.
struct Admitted {
    /// The document with what was taken; `None` when nothing was.
    document: Option<CrdtDocument>,
    /// What was taken.
    entries: Vec<NewEntry>,
    /// What builds on changes that are not there, and what the gate refuses, by the code of the reason.
    set_aside: BTreeMap<&'static str, Vec<ByteVec>>,
    /// What the gate had no room for this time.
    to_come_again: BTreeSet<ChangeHash>,
}

fn admitted(gate: &Gate, pushed: &Pushed, rules: &ContainerRules, before: &CrdtDocument) -> Admitted {
    let incoming: Vec<Incoming<'_>> = pushed.changes.iter().map(|bytes| Incoming { bytes, source: Source::Feed }).collect();
    let admission = gate.admit(before, rules, &incoming, &|_| Ok(()));
    let mut out =
        Admitted { document: admission.document, entries: Vec::new(), set_aside: BTreeMap::new(), to_come_again: BTreeSet::new() };
    for (outcome, bytes) in admission.outcomes.into_iter().zip(&pushed.changes) {
        let mut put_aside = |code| out.set_aside.entry(code).or_default().push(bytes.clone());
        match outcome {
            Judged::Accepted(accepted) => out.entries.push(NewEntry {
                doc: pushed.doc,
                hash: accepted.raw.hash,
                deps: accepted.deps,
                actor: accepted.meta.actor,
                author: accepted.meta.author.unwrap_or(SYSTEM),
                bytes: accepted.raw.bytes,
            }),
            Judged::MissingDependencies { .. } => put_aside(RECOVERED_ALONE),
            Judged::Forked { .. } => put_aside(verdict::FORKED),
            Judged::Refused { refusal, .. } if let Some(code) = verdict::code(&refusal) => put_aside(code),
            Judged::Refused { .. } | Judged::Postponed { .. } => _ = out.to_come_again.insert(super::push::name_of(gate, bytes)),
            Judged::AlreadyKnown { .. } => {}
        }
    }
    out
}
