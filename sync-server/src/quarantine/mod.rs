//! The quarantine as people see it: what was set aside, in words, and what is decided about it. Approving admits a change after all:
//! as it is where its branch can be applied, else written again in its author's name without what it was written after.
//! Rejecting keeps it as rejected. What was built on an approved change is approved with it.
//!
//! Never here: HTTP, SQL, and the question who may decide (`access`).

mod file;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::crdt::gate::{Accepted, Candidate, Denied, Gate, Incoming, Outcome, Source};
use roadbook_core::crdt::rewrite::{Rewriting, rewrite, rewrite_here};
use roadbook_core::crdt::{Document, RawChange};
use roadbook_core::ids::{ActorId, ChangeHash, DeviceId, DocId, Ms, UserId};
use roadbook_core::model::{Kind, kinds};
use sha2::{Digest as _, Sha256};

use crate::access;
use crate::access::table::SYSTEM_PART;
use crate::accounts::{Accounts, AccountsError, Act, Who};
use crate::clock::{NoEntropy, random};
use crate::exchange::verdict::{self, FOLLOWS_REFUSED, RECOVERED_ALONE, RECOVERED_OFFICE, WAITS};
use crate::feed::{Batch, Binding, Decision, DeskRow, DeskState, Feed, FeedError, Filing, Hand, NewEntry};
use crate::headquarters::{Changed, Followed, Founder, Headquarters, HeadquartersError, Inner, described, fits, founds, owner_of};

pub use file::{csv, json};
pub use words::{Said, said};

/// Rows decided by one request, at most.
pub const DECIDED_MAX: usize = 2_000;

/// Why a decision could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The account tables failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The headquarters replica failed.
    #[error(transparent)]
    Headquarters(#[from] HeadquartersError),
    /// A document cannot be read.
    #[error(transparent)]
    Document(#[from] roadbook_core::crdt::DocumentError),
    /// No randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

impl From<roadbook_core::replica::ReplicaError> for QuarantineError {
    fn from(error: roadbook_core::replica::ReplicaError) -> Self {
        Self::Headquarters(error.into())
    }
}

/// What a request to approve did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approved {
    /// Rows admitted as they were.
    pub as_is: Vec<i64>,
    /// Rows written again in their author's name.
    pub rewritten: Vec<i64>,
    /// Rows that cannot be admitted in any form, with why: they stay open.
    pub impossible: Vec<(i64, String)>,
    /// Rows that were decided before, with how.
    pub decided: Vec<(i64, DeskState)>,
    /// Numbers of which there is no row.
    pub unknown: Vec<i64>,
    /// Documents that changed.
    pub changed: Vec<Changed>,
}

/// What became of one row.
enum Became {
    /// It is admitted, and decided as this.
    Admitted(DeskState, DeskRow),
    /// It cannot be admitted, for this reason.
    Impossible(String),
    /// It was decided before.
    Decided(DeskRow),
    /// There is no such row.
    Unknown,
}

/// A row's change that passed the gate, and its document with it.
struct Admitted {
    change: Accepted,
    document: Document,
}

/// Whether a row came back after a restore, not from its author.
fn is_recovered(row: &DeskRow) -> bool {
    [RECOVERED_ALONE, RECOVERED_OFFICE].contains(&row.row.refused.code.as_str())
}

/// The quarantine of one organisation.
#[derive(Clone, Copy)]
pub struct Quarantine<'a> {
    /// People and devices.
    pub accounts: &'a Accounts,
    /// The feed that it is part of.
    pub feed: &'a dyn Feed,
    /// Where approved changes show.
    pub headquarters: &'a Headquarters,
}

impl Quarantine<'_> {
    /// Approves open rows, and with each what was built on it.
    ///
    /// # Errors
    /// [`QuarantineError`]; what was approved before stays approved.
    pub fn approve(&self, now: Ms, who: &Who, by: UserId, ids: &[i64], remark: &str) -> Result<Approved, QuarantineError> {
        let (mut approved, mut all) = (Approved::default(), BTreeSet::new());
        let mut wanted: BTreeSet<i64> = ids.iter().copied().take(DECIDED_MAX).collect();
        while let Some(id) = wanted.pop_first() {
            let mut followed = Followed::default();
            let became = self.approve_one(id, &Decision { state: DeskState::Approved, by, now, remark }, &mut followed)?;
            let (state, row) = match became {
                Became::Admitted(state, row) => (state, row),
                Became::Impossible(why) => {
                    approved.impossible.push((id, why));
                    continue;
                }
                // The same change of another device is decided with it.
                Became::Decided(row) if all.contains(&row.row.refused.hash) => continue,
                Became::Decided(row) => {
                    approved.decided.push((id, row.state));
                    continue;
                }
                Became::Unknown => {
                    approved.unknown.push(id);
                    continue;
                }
            };
            let (refused, device) = (row.row.refused, row.row.device);
            all.insert(refused.hash);
            let decided = (Act::QuarantineApproved, format!("{id} {}", state.code()));
            let lines: Vec<(Act, String)> = followed.decided_lines().chain([decided]).collect();
            self.accounts.audit_all(now, who, &lines)?;
            approved.changed.append(&mut followed.changed);
            if state == DeskState::Approved {
                approved.as_is.push(id)
            } else {
                approved.rewritten.push(id)
            };
            // What was built on it waits with it and is approved with it.
            let gate = Gate::strict();
            let follows = |other: &DeskRow| {
                other.state == DeskState::Open
                    && [FOLLOWS_REFUSED, WAITS].contains(&other.row.refused.code.as_str())
                    && gate.identify(&other.row.refused.bytes).is_ok_and(|one| one.deps.contains(&refused.hash))
            };
            wanted.extend(self.feed.desk_of(refused.doc, device)?.iter().filter(|row| follows(row)).map(|row| row.row.id));
        }
        Ok(approved)
    }

    /// Rejects open rows: they are kept as rejected, and their author is told. Returns how many.
    ///
    /// # Errors
    /// [`QuarantineError`].
    pub fn reject(&self, now: Ms, who: &Who, by: UserId, ids: &[i64], remark: &str) -> Result<usize, QuarantineError> {
        let mut rejected = 0;
        for id in ids.iter().take(DECIDED_MAX) {
            // Nobody may be about to admit it.
            let _inner = self.headquarters.hold();
            if self.feed.decide(*id, &Decision { state: DeskState::Rejected, by, now, remark })? {
                rejected += 1;
                self.accounts.audit(now, who, Act::QuarantineRejected, &id.to_string())?;
            }
        }
        Ok(rejected)
    }

    /// Admits one row and writes the decision down, while nobody else can decide about it: of two who approve it at once the second finds it
    /// decided. Which of the two forms of approval it became is not in `decision`.
    fn approve_one(&self, id: i64, decision: &Decision<'_>, followed: &mut Followed) -> Result<Became, QuarantineError> {
        let mut inner = self.headquarters.hold_in_step()?;
        let Some(row) = self.feed.desk_row(id)? else { return Ok(Became::Unknown) };
        if row.state != DeskState::Open {
            return Ok(Became::Decided(row));
        }
        Ok(match self.admit(decision.now, &mut inner, &row, followed)? {
            Ok(state) => {
                self.feed.decide(id, &Decision { state, ..*decision })?;
                Became::Admitted(state, row)
            }
            Err(why) => Became::Impossible(why),
        })
    }

    /// Admits one row, in the order: as it is, then written again. `Err`: why neither is possible.
    fn admit(
        &self,
        now: Ms,
        inner: &mut Inner,
        row: &DeskRow,
        followed: &mut Followed,
    ) -> Result<Result<DeskState, String>, QuarantineError> {
        let refused = &row.row.refused;
        let Some((kind, ready)) = kinds::kind(&refused.kind).zip(kinds::ready(&refused.kind)) else {
            return Ok(Err(format!("kind {:?} is not known to this server", refused.kind)));
        };
        if !fits(kind, (refused.doc, refused.subject), self.feed.document(refused.doc)?.as_ref()) {
            return Ok(Err(verdict::words(verdict::WRONG_DOCUMENT).to_owned()));
        }
        let held = inner.replica().document(refused.doc)?;
        let document = held.map_or_else(|| ready.genesis.clone(), |held| held.document);
        if document.holds(&refused.hash) {
            return Ok(Ok(DeskState::Approved));
        }
        let why = match self.judge(row, kind, &document)? {
            Ok(admitted) if !self.may_found(row, kind, &admitted)? => verdict::words(verdict::WRONG_DOCUMENT).to_owned(),
            Ok(admitted) => {
                let device = self.brought_by(row, &admitted.change.meta.actor)?;
                *followed = self.append(now, inner, row, device, *admitted)?;
                return Ok(Ok(DeskState::Approved));
            }
            Err(why) => why,
        };
        let Some(again) = self.again(row, &document)? else { return Ok(Err(why)) };
        let rewritten =
            DeskRow { row: crate::feed::Quarantined { refused: again.clone(), device: None, ..row.row.clone() }, ..row.clone() };
        match self.judge(&rewritten, kind, &document)? {
            Ok(admitted) if !self.may_found(row, kind, &admitted)? => Ok(Err(why)),
            Ok(admitted) => {
                *followed = self.append(now, inner, &rewritten, None, *admitted)?;
                Ok(Ok(DeskState::Rewritten))
            }
            Err(_) => Ok(Err(why)),
        }
    }

    /// Whether the document that an admitted change makes, if it makes one, may have its id.
    fn may_found(&self, row: &DeskRow, kind: &'static Kind, admitted: &Admitted) -> Result<bool, QuarantineError> {
        let refused = &row.row.refused;
        if self.feed.document(refused.doc)?.is_some() {
            return Ok(true);
        }
        let author = self.accounts.user(row.row.user)?;
        let plans = author.is_some_and(|author| access::plans_for_others(author.role));
        let device = Founder::Device { user: row.row.user, filed: self.feed.filing(refused.subject)?.is_some(), plans };
        let founder = if is_recovered(row) { Founder::HandedBack } else { device };
        Ok(founds(kind, (refused.doc, refused.subject), &admitted.document, founder))
    }

    /// Puts a row's change through the gate; a person has answered for its right, but for what nobody may write for another.
    fn judge(&self, row: &DeskRow, kind: &'static Kind, document: &Document) -> Result<Result<Box<Admitted>, String>, QuarantineError> {
        let refused = &row.row.refused;
        let Some(ready) = kinds::ready(kind.id) else { return Ok(Err("unknown kind".to_owned())) };
        let recovered = is_recovered(row);
        let of_another = |bound: Option<Binding>| bound.is_some_and(|bound| bound.doc != refused.doc);
        if recovered
            && let Ok(identity) = Gate::strict().identify(&refused.bytes)
            && of_another(self.feed.actor(&identity.actor)?)
        {
            return Ok(Err("its actor belongs to another document".to_owned()));
        }
        let own = Binding { device: row.row.device, doc: refused.doc };
        let owns = |actor: &ActorId| self.feed.actor(actor).is_ok_and(|bound| bound.is_none_or(|bound| bound == own));
        let source = if recovered { Source::Feed } else { Source::Device { user: row.row.user, owns: &owns } };
        let access = |candidate: &Candidate<'_>| {
            let office = kind.id == kinds::OFFICE.id;
            let parts = candidate.touched.iter().map(|touched| kind.container(&touched.container).map(|container| container.part.0));
            let allowed = recovered || parts.into_iter().all(|part| part.is_some_and(|part| part != SYSTEM_PART && !office));
            if allowed || candidate.genesis { Ok(()) } else { Err(Denied("headquarters_only")) }
        };
        let admission = Gate::strict().admit(document, &ready.rules, &[Incoming { bytes: &refused.bytes, source }], &access);
        Ok(match admission.outcomes.into_iter().next() {
            Some(Outcome::Accepted(change)) => {
                Ok(Box::new(Admitted { change: *change, document: admission.document.unwrap_or_else(|| document.clone()) }))
            }
            Some(Outcome::Refused { refusal, .. }) => Err(refusal.to_string()),
            Some(Outcome::MissingDependencies { missing, .. }) => Err(format!("{} change(s) that it builds on are missing", missing.len())),
            Some(Outcome::Forked { .. }) => Err("its line of changes forked".to_owned()),
            Some(Outcome::AlreadyKnown { .. } | Outcome::Postponed { .. }) | None => Err("try again".to_owned()),
        })
    }

    /// Whose a row's change is in the feed. One that was handed back after a restore stays of whoever wrote under its actor before.
    fn brought_by(&self, row: &DeskRow, actor: &ActorId) -> Result<Option<DeviceId>, QuarantineError> {
        if is_recovered(row) {
            return Ok(self.feed.actor(actor)?.and_then(|bound| bound.device));
        }
        Ok(row.row.device)
    }

    /// The row's change written again on what headquarters holds, without anything else that was set aside or is nowhere.
    fn again(&self, row: &DeskRow, document: &Document) -> Result<Option<crate::feed::Refused>, QuarantineError> {
        let refused = &row.row.refused;
        let process: [u8; 16] = random()?;
        let fresh = |old: &ActorId| {
            let mut hasher = Sha256::new();
            hasher.update(process);
            hasher.update(refused.doc.as_bytes());
            hasher.update(old.as_bytes());
            ActorId::short(hasher.finalize().into())
        };
        let new = match self.branch(row, document)? {
            Some((branch, others)) => {
                let this = BTreeSet::from([refused.hash]);
                let genesis = kinds::ready(&refused.kind).map(|ready| ready.genesis.clone());
                let rewriting = Rewriting { left_out: &others, roots: &this, own: &this };
                let done = rewrite(&branch, genesis, &rewriting, &fresh)?;
                done.and_then(|done| done.changes.into_iter().next()).map(|(_, again)| again)
            }
            // What cannot be read as a change cannot be written again.
            None => {
                let handed_in_by = (!is_recovered(row)).then_some(row.row.user);
                rewrite_here(document, &refused.bytes, handed_in_by, &fresh).unwrap_or_default()
            }
        };
        Ok(new.map(|RawChange { hash, bytes }| crate::feed::Refused { hash, bytes, ..refused.clone() }))
    }

    /// The document with the row's change, as it stands there; `None` when it cannot be read.
    fn shown(&self, row: &DeskRow) -> Result<Option<(Document, RawChange)>, QuarantineError> {
        let refused = &row.row.refused;
        let this = RawChange { hash: refused.hash, bytes: refused.bytes.clone() };
        let Some(mut document) = self.document(refused.doc, &refused.kind)? else { return Ok(None) };
        if document.holds(&refused.hash) {
            return Ok(Some((document, this)));
        }
        if let Some((branch, _)) = self.branch(row, &document)? {
            return Ok(Some((branch, this)));
        }
        let again = self.again(row, &document)?.map(|again| RawChange { hash: again.hash, bytes: again.bytes });
        Ok(again.filter(|again| document.apply(std::slice::from_ref(again)).is_ok()).map(|again| (document, again)))
    }

    /// The document with the row's change and everything set aside that it was written after, and the names of the latter. `None`
    /// when the change cannot be read, or what it builds on is nowhere.
    pub(crate) fn branch(&self, row: &DeskRow, document: &Document) -> Result<Option<(Document, BTreeSet<ChangeHash>)>, QuarantineError> {
        let refused = &row.row.refused;
        let Some(ready) = kinds::ready(&refused.kind) else { return Ok(None) };
        let rows = self.feed.desk_of(refused.doc, row.row.device)?;
        let earlier = rows.iter().filter(|other| other.row.refused.hash != refused.hash).map(|other| &other.row.refused.bytes);
        let bytes: Vec<&Vec<u8>> = earlier.chain([&refused.bytes]).collect();
        let incoming: Vec<Incoming<'_>> = bytes.iter().map(|bytes| Incoming { bytes, source: Source::Feed }).collect();
        let admission = Gate::lenient().admit(document, &ready.rules, &incoming, &|_| Ok(()));
        let Some(branch) = admission.document.filter(|branch| branch.holds(&refused.hash)) else { return Ok(None) };
        let others = rows.iter().map(|other| other.row.refused.hash).filter(|hash| *hash != refused.hash && !document.holds(hash));
        Ok(Some((branch, others.collect())))
    }

    fn append(
        &self,
        now: Ms,
        inner: &mut Inner,
        row: &DeskRow,
        device: Option<DeviceId>,
        admitted: Admitted,
    ) -> Result<Followed, QuarantineError> {
        let Admitted { change: accepted, document } = admitted;
        let refused = &row.row.refused;
        let author = accepted.meta.author.unwrap_or(row.row.user);
        let known = self.feed.document(refused.doc)?;
        let mut filings = Vec::new();
        if known.is_none() && refused.kind == kinds::CUSTOMER.id && self.feed.filing(refused.subject)?.is_none() {
            let territory = self.accounts.user(author)?.and_then(|user| user.territories.into_iter().next());
            filings.push((refused.subject, Filing { territory, owner: Some(author) }));
        }
        let owner = owner_of(&refused.kind, refused.doc, &document, author);
        let introduced = known.unwrap_or_else(|| described(refused.doc, &refused.kind, refused.subject, owner));
        let entry = NewEntry {
            doc: refused.doc,
            hash: accepted.raw.hash,
            deps: accepted.deps,
            actor: accepted.meta.actor,
            author,
            bytes: accepted.raw.bytes,
        };
        let batch = Batch { documents: vec![introduced], entries: vec![entry], filings, ..Batch::default() };
        let filed = inner.enter(&Hand { device, user: row.row.user, now }, batch, [(refused.doc, &document)])?;
        let mut followed = inner.follow(now, BTreeMap::new())?;
        followed.filed.extend(filed);
        Ok(followed)
    }

    /// The document of a row as headquarters holds it, or as it begins.
    pub(crate) fn document(&self, doc: DocId, kind: &str) -> Result<Option<Document>, QuarantineError> {
        let held = self.headquarters.read(|replica| replica.document(doc))?;
        Ok(held.map(|held| held.document).or_else(|| kinds::ready(kind).map(|ready| ready.genesis.clone())))
    }
}
