//! After a restore from an old backup: what the feed lost comes back from the phones. Each hands in its own changes again, and, as
//! *recovered*, the changes of others that it had received. Nobody can prove those, so they are taken only within
//! [`RECOVERY_MS`] of the new life's beginning, only from devices that may read the document, and through the whole gate; what
//! headquarters alone writes goes to the desk, to be confirmed.

use std::collections::BTreeSet;

use roadbook_core::crdt::Document as CrdtDocument;
use roadbook_core::crdt::gate::{Gate, Incoming, Outcome as Judged, Source};
use roadbook_core::exchange::Pushed;
use roadbook_core::ids::{ChangeHash, DeviceId, Ms, TerritoryId, UserId};
use roadbook_core::model::card::Card;
use roadbook_core::model::kinds;

use super::verdict::{NO_RIGHT, RECOVERED_OFFICE};
use super::{Exchange, ExchangeError, scope};
use crate::access::{Reach, Relation, may_read_kind};
use crate::accounts::{Act, Who};
use crate::device::Caller;
use crate::feed::{Batch, Filing, Hand, NewEntry};
use crate::headquarters::{Changed, described};

/// How long after the beginning of a new life phones may hand back what others wrote, in milliseconds: 60 days.
pub const RECOVERY_MS: i64 = 60 * Ms::DAY;

impl Exchange {
    /// Takes back what the feed lost; the names of the changes that are done with, and which documents changed.
    pub(super) fn recovered(&self, now: Ms, caller: &Caller, all: &[Pushed]) -> Result<(Vec<ChangeHash>, Vec<Changed>), ExchangeError> {
        let open = self.feed.renewed_at()?.is_some_and(|at| now.since(at) <= RECOVERY_MS);
        let reach = Reach::of(caller.user.role, self.accounts.territories_below(&caller.user.territories)?);
        let (mut done, mut changed, mut taken) = (Vec::new(), Vec::new(), 0_usize);
        // Cards first: where a customer is filed decides about everything else.
        let (cards, others): (Vec<&Pushed>, Vec<&Pushed>) = all.iter().partition(|pushed| pushed.kind == kinds::CUSTOMER.id);
        for pushed in cards.into_iter().chain(others) {
            let gate = Gate::strict();
            let names: Vec<ChangeHash> = pushed.changes.iter().map(|change| super::push::name_of(&gate, change)).collect();
            done.extend(&names);
            if self.is_erased(pushed)? {
                continue;
            }
            let known = self.feed.known(pushed.doc, &names)?;
            if known.len() == names.iter().collect::<BTreeSet<_>>().len() {
                continue;
            }
            let filing = scope::standing(&self.accounts, self.feed.as_ref(), pushed.doc, pushed.subject)?;
            let claimed = filing.clone().or_else(|| self.filing_of_lost(all, pushed));
            let relation = Relation::of(caller.user.id, &reach, claimed.as_ref());
            let code = match () {
                () if !open || !may_read_kind(caller.user.role, relation, &pushed.kind) => Some(NO_RIGHT),
                () if pushed.kind == kinds::OFFICE.id => Some(RECOVERED_OFFICE),
                () => None,
            };
            if let Some(code) = code {
                self.quarantine_all(now, caller, std::slice::from_ref(pushed), code)?;
                continue;
            }
            let (count, by_it) = self.take_back(now, pushed, filing.is_none().then_some(claimed).flatten())?;
            taken += count;
            changed.extend(by_it);
        }
        if taken > 0 {
            let who = Who::device(caller.user.id, caller.device.id, "");
            self.accounts.audit(now, &who, Act::Recovered, &taken.to_string())?;
        }
        Ok((done, changed))
    }

    /// Where a customer that the feed lost was filed: by its office side among what comes with it.
    fn filing_of_lost(&self, all: &[Pushed], pushed: &Pushed) -> Option<Filing> {
        let office = all.iter().find(|other| other.doc == pushed.subject.office())?;
        let document = admitted(&Gate::strict(), office, &kinds::ready(kinds::OFFICE.id)?.genesis)?.0;
        let genesis = &kinds::ready(kinds::CUSTOMER.id)?.genesis;
        let card = Card::fold(pushed.subject, genesis, Some(&document));
        let territory = card.text("territory").map(|id| TerritoryId(id.to_owned()));
        Some(Filing { territory, owner: card.text("owner").and_then(|id| id.parse().ok()) })
    }

    fn take_back(&self, now: Ms, pushed: &Pushed, filing: Option<Filing>) -> Result<(usize, Vec<Changed>), ExchangeError> {
        let Some(ready) = kinds::ready(&pushed.kind) else { return Ok((0, Vec::new())) };
        let mut inner = self.headquarters.hold();
        let before = inner.replica().document(pushed.doc)?.map_or_else(|| ready.genesis.clone(), |held| held.document);
        let _place = self.trials.enter();
        let Some((_, entries)) = admitted(&Gate::strict(), pushed, &before) else { return Ok((0, Vec::new())) };
        let Some(first) = entries.first().map(|entry| entry.author) else { return Ok((0, Vec::new())) };
        let count = entries.len();
        let introduced = match self.feed.document(pushed.doc)? {
            Some(known) => known,
            None => described(pushed.doc, &pushed.kind, pushed.subject, (pushed.kind != kinds::CUSTOMER.id).then_some(first)),
        };
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
        for (device, entries) in runs {
            let user: UserId = first;
            let batch = Batch { documents: vec![introduced.clone()], entries, filings: filings.clone(), ..Batch::default() };
            self.feed.append(&Hand { device, user, now }, &batch)?;
        }
        Ok((count, inner.follow(now, std::collections::BTreeMap::new())?.changed))
    }
}

/// What the gate takes of these changes from anybody, as entries.
fn admitted(gate: &Gate, pushed: &Pushed, before: &CrdtDocument) -> Option<(CrdtDocument, Vec<NewEntry>)> {
    let ready = kinds::ready(&pushed.kind)?;
    let incoming: Vec<Incoming<'_>> = pushed.changes.iter().map(|bytes| Incoming { bytes, source: Source::Feed }).collect();
    let admission = gate.admit(before, &ready.rules, &incoming, &|_| Ok(()));
    let entries = admission.outcomes.into_iter().filter_map(|outcome| match outcome {
        Judged::Accepted(accepted) => Some(NewEntry {
            doc: pushed.doc,
            hash: accepted.raw.hash,
            deps: accepted.deps,
            actor: accepted.meta.actor,
            author: accepted.meta.author.unwrap_or(crate::duties::SYSTEM),
            bytes: accepted.raw.bytes,
        }),
        Judged::AlreadyKnown { .. }
        | Judged::MissingDependencies { .. }
        | Judged::Forked { .. }
        | Judged::Postponed { .. }
        | Judged::Refused { .. } => None,
    });
    let entries: Vec<NewEntry> = entries.collect();
    Some((admission.document?, entries))
}
