//! What a device hands in: judged a document at a time, appended as one durable batch, taken in by headquarters.
//!
//! Judging runs beside other devices' and needs no lock; appending and taking in run one push after the other. Between the
//! two a document may have moved on: then it is judged again under the lock.

mod founding;

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::crdt::gate::{Candidate, Gate, Incoming, Outcome as Judged, Refusal, Source};
use roadbook_core::crdt::{Document as CrdtDocument, Heads};
use roadbook_core::exchange::{Outcome, Pushed, Request, Verdict};
use roadbook_core::ids::{ActorId, ChangeHash, DocId, Ms, SubjectId};
use roadbook_core::model::clock::{CLOCKS, correction};
use roadbook_core::model::{Edit, Kind, Value, kinds};
use roadbook_core::replica::Target;
use sha2::{Digest as _, Sha256};

use super::late::{Former, Knew};
use super::rights::Rule;
use super::verdict::{self, quarantined};
use super::waiting::{Here, Rest};
use super::{Exchange, ExchangeError, scope};
use crate::access::{Reach, Relation};
use crate::accounts::{Act, Who};
use crate::device::Caller;
use crate::feed::{Batch, Binding, Document, Filing, Hand, Late, NewEntry, Refused, SetAside};
use crate::headquarters::{Changed, Inner, described, fits, owner_of};

/// A document of a push after judging.
struct Case {
    place: usize,
    kind: &'static Kind,
    /// The heads against which it was judged.
    heads: Heads,
    /// Whether the feed held it.
    exists: bool,
    /// Its new state, if anything was accepted.
    document: Option<CrdtDocument>,
    entries: Vec<NewEntry>,
    refused: Vec<Refused>,
    late: Vec<Late>,
    verdicts: Vec<Verdict>,
    /// Clock corrections, by actor.
    clocks: BTreeMap<ActorId, i64>,
}

/// What the whole push is judged with.
struct Bench<'a> {
    now: Ms,
    caller: &'a Caller,
    reach: Reach,
    gate: Gate,
    measured_ms: i64,
    /// What the device could know.
    knew: Knew,
    /// What it hears of with this very answer: set aside of what it carried for others.
    heard_now: &'a BTreeSet<ChangeHash>,
    rest: Rest,
    /// Subjects filed by earlier documents of this push.
    filed: BTreeMap<SubjectId, Filing>,
    /// Where actors belong that earlier documents of this push brought.
    bound: BTreeMap<ActorId, DocId>,
}

impl Exchange {
    /// Judges, appends and takes in what a device hands in. One verdict for each change. `heard_now` is what was set aside just now of what
    /// it carried for others.
    pub(super) fn push(
        &self,
        now: Ms,
        caller: &Caller,
        request: &Request,
        heard_now: &BTreeSet<ChangeHash>,
        rest: Rest,
    ) -> Result<(Vec<Verdict>, Vec<Changed>), ExchangeError> {
        if request.pushed.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let reach = Reach::of(caller.user.role, self.accounts.territories_below(&caller.user.territories)?);
        let (gate, measured_ms, knew) = (Gate::strict(), now.since(request.now), self.knew(caller, request)?);
        let mut bench =
            Bench { now, caller, reach, gate, measured_ms, knew, heard_now, rest, filed: BTreeMap::new(), bound: BTreeMap::new() };
        let mut cases = Vec::with_capacity(request.pushed.len());
        let mut seen = BTreeSet::new();
        for place in customers_first(&request.pushed) {
            let Some(pushed) = request.pushed.get(place) else { continue };
            // A document comes once in a request: a second part of it would be judged without the first.
            let case = if seen.insert(pushed.doc) { self.case(&mut bench, place, pushed)? } else { again_later(&bench, place, pushed) };
            cases.push(case);
        }
        let mut inner = self.headquarters.hold_in_step()?;
        for case in cases.iter_mut().filter(|case| !case.entries.is_empty()) {
            let moved_on = match (inner.replica().store().read(|read| read.holding(doc_of(request, case.place)))?, case.exists) {
                (Some(holding), true) => Heads::new(holding.heads) != case.heads,
                (None, false) => request.pushed.get(case.place).is_some_and(|pushed| self.is_erased(pushed).unwrap_or(true)),
                _ => true,
            };
            if moved_on && let Some(pushed) = request.pushed.get(case.place) {
                *case = self.case_beside(&mut bench, case.place, pushed, Some(&inner))?;
            }
        }
        let changed = self.append(&bench, &mut inner, request, &mut cases)?;
        drop(inner);
        let refused: usize = cases.iter().map(|case| case.refused.len()).sum();
        self.note_set_aside(now, caller, refused)?;
        cases.sort_by_key(|case| case.place);
        Ok((cases.into_iter().flat_map(|case| case.verdicts).collect(), changed))
    }

    /// Everything that the feed lacks into quarantine with one reason: the device was revoked, or its person disabled.
    pub(super) fn quarantine_all(&self, now: Ms, caller: &Caller, pushed: &[Pushed], code: &str) -> Result<Vec<Verdict>, ExchangeError> {
        let mut case = None;
        let mut verdicts = Vec::new();
        let mut batch = Batch::default();
        for (place, pushed) in pushed.iter().enumerate() {
            let case = case.get_or_insert_with(|| empty_case(place, &kinds::CUSTOMER));
            if self.is_erased(pushed)? {
                verdicts.extend(erased(&Gate::strict(), pushed));
                continue;
            }
            let names: Vec<ChangeHash> = pushed.changes.iter().map(|change| name_of(&Gate::strict(), change)).collect();
            let known = self.feed.known(pushed.doc, &names)?;
            for (change, hash) in pushed.changes.iter().zip(names) {
                if known.contains(&hash) {
                    case.verdicts.push(Verdict { hash, outcome: Outcome::AlreadyKnown });
                } else {
                    set_aside(case, pushed, change, hash, code);
                }
            }
            verdicts.append(&mut case.verdicts);
            batch.refused.append(&mut case.refused);
        }
        let refused = batch.refused.len();
        self.feed.append(&Hand { device: Some(caller.device.id), user: caller.user.id, now }, &batch)?;
        self.note_set_aside(now, caller, refused)?;
        Ok(verdicts)
    }

    fn note_set_aside(&self, now: Ms, caller: &Caller, changes: usize) -> Result<(), ExchangeError> {
        if changes > 0 {
            self.note_desk_moved();
        }
        self.audit_changes(now, caller, Act::Quarantined, changes)
    }

    /// Notes in the journal that a device had something done with so many changes, if there were any.
    pub(super) fn audit_changes(&self, now: Ms, caller: &Caller, act: Act, changes: usize) -> Result<(), ExchangeError> {
        if changes > 0 {
            let who = Who::device(caller.user.id, caller.device.id, "");
            self.accounts.audit(now, &who, act, &changes.to_string())?;
        }
        Ok(())
    }

    /// Whether a document was erased for good: nothing of it is kept, not even to be looked at. Only what is private ever is.
    pub(super) fn is_erased(&self, pushed: &Pushed) -> Result<bool, ExchangeError> {
        Ok(kinds::is_private(&pushed.kind) && self.feed.erased(pushed.doc)?.is_some())
    }

    fn case(&self, bench: &mut Bench<'_>, place: usize, pushed: &Pushed) -> Result<Case, ExchangeError> {
        self.case_beside(bench, place, pushed, None)
    }

    /// Judges one document; under the lock when `inner` is given.
    fn case_beside(&self, bench: &mut Bench<'_>, place: usize, pushed: &Pushed, inner: Option<&Inner>) -> Result<Case, ExchangeError> {
        if self.is_erased(pushed)? {
            let mut case = empty_case(place, &kinds::CUSTOMER);
            case.verdicts = erased(&bench.gate, pushed);
            return Ok(case);
        }
        let known = self.feed.document(pushed.doc)?;
        let kind = kinds::kind(&pushed.kind).zip(kinds::ready(&pushed.kind));
        let fault = match kind {
            None => Some(verdict::UNKNOWN_KIND),
            Some((kind, _)) => (!fits(kind, (pushed.doc, pushed.subject), known.as_ref())).then_some(verdict::WRONG_DOCUMENT),
        };
        let Some((kind, ready)) = kind.filter(|_| fault.is_none()) else {
            let mut case = empty_case(place, &kinds::CUSTOMER);
            for change in &pushed.changes {
                set_aside(&mut case, pushed, change, name_of(&bench.gate, change), fault.unwrap_or(verdict::UNKNOWN_KIND));
            }
            return Ok(case);
        };
        let mut case = empty_case(place, kind);
        case.exists = known.is_some();
        let relation = self.relation(bench, pushed, case.exists)?;
        let held = match inner {
            Some(inner) => inner.replica().document(pushed.doc)?,
            None => self.headquarters.read(|replica| replica.document(pushed.doc))?,
        };
        let document = held.map_or_else(|| ready.genesis.clone(), |held| held.document);
        case.heads = document.heads();
        let rule = Rule::new(kind, bench.caller.user.role, relation, case.exists);
        let former = self.former(bench.now, bench.caller, &bench.knew, kind, pushed, case.exists, &bench.gate)?;
        self.judge(bench, &mut case, pushed, &document, &rule, former.as_ref())?;
        self.keep_derived_ids_free(bench, &mut case, pushed)?;
        bench.bound.extend(case.entries.iter().map(|entry| (entry.actor.clone(), pushed.doc)));
        case.late =
            former.map_or_else(Vec::new, |former| case.entries.iter().filter_map(|entry| former.late(pushed, entry.hash)).collect());
        // A new card lies where its maker works; so does an urgent report about no customer.
        let is_filed = kind.id == kinds::CUSTOMER.id || (kind.id == kinds::URGENT.id && pushed.subject == pushed.doc.into());
        if !case.exists && !case.entries.is_empty() && is_filed {
            let territory = bench.caller.user.territories.first().cloned();
            bench.filed.insert(pushed.subject, Filing { territory, owner: Some(bench.caller.user.id) });
        }
        Ok(case)
    }

    fn relation(&self, bench: &Bench<'_>, pushed: &Pushed, exists: bool) -> Result<Relation, ExchangeError> {
        let filing = if exists {
            scope::standing(&self.accounts, self.feed.as_ref(), pushed.doc, pushed.subject)?
        } else {
            match bench.filed.get(&pushed.subject) {
                Some(filing) => Some(filing.clone()),
                None => self.feed.filing(pushed.subject)?,
            }
        };
        Ok(Relation::of(bench.caller.user.id, &bench.reach, filing.as_ref()))
    }

    /// Puts the changes of one document through the gate.
    fn judge(
        &self,
        bench: &Bench<'_>,
        case: &mut Case,
        pushed: &Pushed,
        document: &CrdtDocument,
        rule: &Rule,
        former: Option<&Former>,
    ) -> Result<(), ExchangeError> {
        let device = bench.caller.device.id;
        let mut actors = Vec::new();
        let mut names = Vec::new();
        let mut tried = Vec::new();
        let all: Vec<ChangeHash> = pushed.changes.iter().map(|change| name_of(&bench.gate, change)).collect();
        let before = self.feed.set_aside(device, pushed.doc, &all)?;
        for (change, name) in pushed.changes.iter().zip(all) {
            // What was set aside stays so until a person decides: the device has been told, and has taken it out of what it shows. What only
            // waited is tried again.
            let again = |aside: &SetAside| aside.code == verdict::FORKED || aside.open && verdict::waits(&aside.code);
            if let Some(aside) = before.get(&name).filter(|aside| !again(aside)) {
                set_aside(case, pushed, change, name, &aside.code);
                continue;
            }
            if self.scratch.is_suspect(&name) {
                set_aside(case, pushed, change, name, verdict::DIED_IN_TRIAL);
                continue;
            }
            names.push(name);
            tried.push(change);
            actors.extend(bench.gate.identify(change).ok().map(|identity| identity.actor));
        }
        let own = Binding { device: Some(device), doc: pushed.doc };
        let bound = self.bound(&actors)?;
        let owns = |actor: &ActorId| {
            bench.bound.get(actor).is_none_or(|doc| *doc == pushed.doc)
                && match bound.get(actor) {
                    Some(binding) => binding.is_none_or(|binding| binding == own),
                    // An actor that automerge derived from one of those: no change is headed by it.
                    None => self.feed.actor(actor).is_ok_and(|binding| binding.is_none_or(|binding| binding == own)),
                }
        };
        let source = Source::Device { user: bench.caller.user.id, owns: &owns };
        let incoming: Vec<Incoming<'_>> = tried.iter().map(|change| Incoming { bytes: change, source }).collect();
        let rules = kinds::ready(case.kind.id).map(|ready| &ready.rules);
        let Some(rules) = rules else { return Ok(()) };
        let access = |candidate: &Candidate<'_>| former.map_or_else(|| rule.check(candidate), |former| former.check(rule, candidate));
        let admission = {
            let _place = self.trials.enter();
            self.scratch.trial(&names, || bench.gate.admit(document, rules, &incoming, &access))?
        };
        case.document = admission.document;
        let set_aside = |refused: &Refused| (refused.hash, Here::SetAside(refused.code.clone()));
        let mut here: BTreeMap<ChangeHash, Here> = case.refused.iter().map(set_aside).collect();
        for ((outcome, change), name) in admission.outcomes.into_iter().zip(tried).zip(names) {
            self.settle(bench, case, pushed, change, name, outcome, &mut here)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one change with everything that its verdict needs")]
    fn settle(
        &self,
        bench: &Bench<'_>,
        case: &mut Case,
        pushed: &Pushed,
        change: &[u8],
        name: ChangeHash,
        outcome: Judged,
        here: &mut BTreeMap<ChangeHash, Here>,
    ) -> Result<(), ExchangeError> {
        match outcome {
            Judged::Accepted(accepted) => {
                let contact = bench.caller.device.seen_at;
                if let Some(offset) = correction(&accepted.meta, bench.measured_ms, contact, bench.now) {
                    case.clocks.insert(accepted.meta.actor.clone(), offset);
                }
                case.verdicts.push(Verdict { hash: accepted.raw.hash, outcome: Outcome::Accepted });
                case.entries.push(NewEntry {
                    doc: pushed.doc,
                    hash: accepted.raw.hash,
                    deps: accepted.deps,
                    actor: accepted.meta.actor,
                    author: accepted.meta.author.unwrap_or(bench.caller.user.id),
                    bytes: accepted.raw.bytes,
                });
            }
            Judged::AlreadyKnown { hash } => case.verdicts.push(Verdict { hash, outcome: Outcome::AlreadyKnown }),
            Judged::Forked { hash } => {
                here.insert(hash, Here::ComesAgain);
                case.verdicts.push(Verdict { hash, outcome: Outcome::Forked });
                case.refused.push(refused(pushed, change, hash, verdict::FORKED));
            }
            Judged::Postponed { hash } => {
                come_again(bench, case, pushed, change, hash.unwrap_or(name));
            }
            Judged::MissingDependencies { hash, missing } => {
                let before = self.feed.refused(pushed.doc, &missing)?;
                let follows = missing.iter().any(|wanted| before.contains(wanted) || here.get(wanted).is_some_and(Here::is_refused));
                // A device that hears of the refusal only now writes again what can do without it; what comes once more cannot.
                let comes_again = |wanted: &ChangeHash| here.get(wanted).is_some_and(|here| !here.waits());
                let heard_now = missing.iter().any(|wanted| comes_again(wanted) || bench.heard_now.contains(wanted));
                match bench.rest.reason(heard_now, follows) {
                    Some(code) => {
                        here.insert(hash, Here::SetAside(code.to_owned()));
                        set_aside(case, pushed, change, hash, code);
                    }
                    None => {
                        here.insert(hash, Here::ComesAgain);
                        case.verdicts.push(Verdict { hash, outcome: Outcome::MissingDependencies { missing } });
                    }
                }
            }
            Judged::Refused { hash: Some(hash), refusal: Refusal::Actor } if self.is_of_a_copy(bench, change)? => {
                here.insert(hash, Here::ComesAgain);
                case.verdicts.push(Verdict { hash, outcome: Outcome::Forked });
                case.refused.push(refused(pushed, change, hash, verdict::FORKED));
            }
            Judged::Refused { hash, refusal } => match verdict::code(&refusal) {
                Some(code) => {
                    tracing::info!(device = %bench.caller.device.id, doc = %pushed.doc, %refusal, "a change was set aside");
                    here.insert(hash.unwrap_or(name), Here::SetAside(code.to_owned()));
                    set_aside(case, pushed, change, hash.unwrap_or(name), code);
                }
                None => {
                    tracing::error!(doc = %pushed.doc, %refusal, "a document of our own cannot be surveyed");
                    come_again(bench, case, pushed, change, name);
                }
            },
        }
        Ok(())
    }

    /// Whether a change whose actor is bound elsewhere was made by a copy of one of this person's phones, or handed back after a
    /// restore: then its line goes on under a fresh actor.
    fn is_of_a_copy(&self, bench: &Bench<'_>, change: &[u8]) -> Result<bool, ExchangeError> {
        let Ok(identity) = bench.gate.identify(change) else { return Ok(false) };
        Ok(match self.feed.actor(&identity.actor)? {
            None => false,
            Some(Binding { device: None, .. }) => self.feed.renewed_at()?.is_some(),
            Some(Binding { device: Some(device), .. }) => {
                device != bench.caller.device.id && self.accounts.device(device)?.is_some_and(|device| device.user == bench.caller.user.id)
            }
        })
    }

    fn bound(&self, actors: &[ActorId]) -> Result<BTreeMap<ActorId, Option<Binding>>, ExchangeError> {
        actors.iter().map(|actor| Ok((actor.clone(), self.feed.actor(actor)?))).collect()
    }

    /// Appends everything that was decided, as one durable batch, and takes it in.
    fn append(&self, bench: &Bench<'_>, inner: &mut Inner, request: &Request, cases: &mut [Case]) -> Result<Vec<Changed>, ExchangeError> {
        let mut batch = Batch::default();
        let mut at_hand = BTreeMap::new();
        let mut clocks = Vec::new();
        for case in cases.iter_mut() {
            batch.refused.append(&mut case.refused.clone());
            let Some(pushed) = request.pushed.get(case.place).filter(|_| !case.entries.is_empty()) else { continue };
            batch.entries.append(&mut case.entries);
            batch.late.append(&mut case.late);
            batch.documents.push(self.introduced(bench, pushed, case.document.as_ref())?);
            if let Some(filing) = bench.filed.get(&pushed.subject).filter(|_| !case.exists) {
                batch.filings.push((pushed.subject, filing.clone()));
            }
            if let Some(document) = case.document.take() {
                at_hand.insert(pushed.doc, document);
            }
            if !case.clocks.is_empty() {
                let put = |(actor, offset): (&ActorId, &i64)| Edit::Put {
                    container: CLOCKS.to_owned(),
                    key: actor.to_string(),
                    value: Value::Int(*offset),
                };
                clocks.push((Target::about(pushed.subject, case.kind, pushed.doc), case.clocks.iter().map(put).collect()));
            }
        }
        if batch == Batch::default() {
            return Ok(Vec::new());
        }
        let hand = Hand { device: Some(bench.caller.device.id), user: bench.caller.user.id, now: bench.now };
        let filed = inner.enter(&hand, batch, at_hand.iter().map(|(doc, document)| (*doc, document)))?;
        let mut followed = inner.follow_corrected(bench.now, at_hand, &clocks)?;
        followed.filed.extend(filed);
        self.audit_decided(bench.now, &Who::device(bench.caller.user.id, bench.caller.device.id, ""), &followed)?;
        Ok(followed.changed)
    }

    fn introduced(&self, bench: &Bench<'_>, pushed: &Pushed, made: Option<&CrdtDocument>) -> Result<Document, ExchangeError> {
        if let Some(known) = self.feed.document(pushed.doc)? {
            return Ok(known);
        }
        let caller = bench.caller.user.id;
        let owner = made.map_or(Some(caller), |made| owner_of(&pushed.kind, pushed.doc, made, caller));
        Ok(described(pushed.doc, &pushed.kind, pushed.subject, owner))
    }
}

fn empty_case(place: usize, kind: &'static Kind) -> Case {
    Case {
        place,
        kind,
        heads: Heads::default(),
        exists: false,
        document: None,
        entries: Vec::new(),
        refused: Vec::new(),
        late: Vec::new(),
        verdicts: Vec::new(),
        clocks: BTreeMap::new(),
    }
}

/// The verdicts on changes to a document that was erased: the device gives it up, with everything of its own in it.
fn erased(gate: &Gate, pushed: &Pushed) -> Vec<Verdict> {
    tracing::info!(doc = %pushed.doc, changes = pushed.changes.len(), "a device handed in what was erased; it is told so");
    pushed.changes.iter().map(|change| quarantined(name_of(gate, change), verdict::ERASED)).collect()
}

fn again_later(bench: &Bench<'_>, place: usize, pushed: &Pushed) -> Case {
    let mut case = empty_case(place, &kinds::CUSTOMER);
    for change in &pushed.changes {
        come_again(bench, &mut case, pushed, change, name_of(&bench.gate, change));
    }
    case
}

/// What cannot be judged now comes again; what will not come again is kept.
fn come_again(bench: &Bench<'_>, case: &mut Case, pushed: &Pushed, change: &[u8], hash: ChangeHash) {
    if bench.rest == Rest::Unheard {
        set_aside(case, pushed, change, hash, verdict::WAITS);
    } else {
        case.verdicts.push(Verdict { hash, outcome: Outcome::MissingDependencies { missing: Vec::new() } });
    }
}

/// A visit at a customer made in the same push is judged after the customer.
fn customers_first(pushed: &[Pushed]) -> impl Iterator<Item = usize> {
    let of = |customers: bool| {
        (0..pushed.len()).filter(move |place| pushed.get(*place).is_some_and(|pushed| (pushed.kind == kinds::CUSTOMER.id) == customers))
    };
    of(true).chain(of(false))
}

fn doc_of(request: &Request, place: usize) -> DocId {
    request.pushed.get(place).map_or(DocId::from_bytes([0; 16]), |pushed| pushed.doc)
}

/// The name of a change, or, where its bytes have none, their digest.
pub(super) fn name_of(gate: &Gate, change: &[u8]) -> ChangeHash {
    gate.identify(change).map_or_else(|_| ChangeHash(Sha256::digest(change).into()), |identity| identity.hash)
}

fn set_aside(case: &mut Case, pushed: &Pushed, change: &[u8], hash: ChangeHash, code: &str) {
    case.verdicts.push(quarantined(hash, code));
    case.refused.push(refused(pushed, change, hash, code));
}

fn refused(pushed: &Pushed, change: &[u8], hash: ChangeHash, code: &str) -> Refused {
    Refused {
        doc: pushed.doc,
        kind: pushed.kind.clone(),
        subject: pushed.subject,
        hash,
        code: code.to_owned(),
        why: verdict::words(code).to_owned(),
        bytes: change.to_vec(),
    }
}
