//! Late contributions (前任离线记录): what somebody recorded while they had the right, handed in after they had lost it.
//!
//! A device works by what it knew at its last contact. A change that its author may not make any more is accepted all the same
//! when three things hold: by what the device knew, its author had the right (where the customer was filed, role and territories
//! as of its cursor); nothing that the change builds on is younger than the loss; and the loss is at most [`LATE_GRACE_MS`] ago.
//! Everything else goes to quarantine. Where the right was never lost there is no limit of age, and none of this is asked.
//!
//! Rights are never judged by a device's clock: all times here are headquarters'.

use std::cell::RefCell;
use std::collections::BTreeSet;

use roadbook_core::crdt::gate::{Candidate, Denied, Gate};
use roadbook_core::exchange::{Pushed, Request};
use roadbook_core::ids::{ChangeHash, Ms};
use roadbook_core::model::{Kind, kinds};

use super::rights::Rule;
use super::verdict::{LATE_BEYOND_GRACE, LATE_KNEW};
use super::{Exchange, ExchangeError, scope};
use crate::access::{Reach, Relation, Role};
use crate::accounts::FormerPost;
use crate::device::Caller;
use crate::feed::{Filing, Late};

/// How long after the loss of a right what was recorded before is accepted, in milliseconds: 45 days.
pub const LATE_GRACE_MS: i64 = 45 * Ms::DAY;

/// What a person was to a document by what their device knew, and when that ended.
#[derive(Debug)]
pub struct Former {
    rule: Rule,
    lost_at: Ms,
    in_grace: bool,
    /// What the changes may build on.
    knowable: BTreeSet<ChangeHash>,
    /// Changes of this push that build on nothing younger than the loss.
    before: RefCell<BTreeSet<ChangeHash>>,
    late: RefCell<BTreeSet<ChangeHash>>,
}

impl Former {
    /// The rule of today, then the former one.
    ///
    /// # Errors
    /// The code of the reason.
    pub fn check(&self, today: &Rule, candidate: &Candidate<'_>) -> Result<(), Denied> {
        let causal = candidate.deps.iter().all(|dep| self.knowable.contains(dep) || self.before.borrow().contains(dep));
        if causal {
            self.before.borrow_mut().insert(candidate.hash);
        }
        let denied = match today.check(candidate) {
            Ok(()) => return Ok(()),
            Err(denied) => denied,
        };
        self.rule.check(candidate).map_err(|_| denied)?;
        if !causal {
            return Err(Denied(LATE_KNEW));
        }
        if !self.in_grace {
            return Err(Denied(LATE_BEYOND_GRACE));
        }
        self.late.borrow_mut().insert(candidate.hash);
        Ok(())
    }

    /// Whether a change that was accepted came late, as the feed notes it.
    pub fn late(&self, pushed: &Pushed, hash: ChangeHash) -> Option<Late> {
        let late = self.late.borrow().contains(&hash);
        late.then_some(Late { doc: pushed.doc, hash, subject: pushed.subject, lost_at: self.lost_at })
    }
}

/// What a device could know, and what its person has held since.
#[derive(Debug, Clone, Default)]
pub struct Knew {
    /// The number of the feed up to which it can know what happened.
    pub upto: u64,
    /// What its person held first after that, until a number of the feed, when that has changed.
    post: Option<(u64, FormerPost)>,
}

/// Who was what: from the tables, as of a number of the feed.
struct Then {
    filing: Option<Filing>,
    role: Role,
    reach: Reach,
    lost_no: u64,
    lost_at: Ms,
}

impl Exchange {
    /// What the device could know: by its cursor, or while it hands in a long outbox by its cursor when it began.
    pub(super) fn knew(&self, caller: &Caller, request: &Request) -> Result<Knew, ExchangeError> {
        let upto = self.knew_upto(caller, request)?;
        for former in self.accounts.former_posts(caller.user.id)? {
            let no = self.feed.number_at(former.until)?.saturating_add(1);
            // Not every number is an entry's: what a device was last told may have a number above the last entry, and still be from before.
            let heard_before = caller.device.seen_at.is_some_and(|seen| seen < former.until);
            if no > upto || heard_before {
                return Ok(Knew { upto, post: Some((no.max(upto), former)) });
            }
        }
        Ok(Knew { upto, post: None })
    }

    fn knew_upto(&self, caller: &Caller, request: &Request) -> Result<u64, ExchangeError> {
        let device = caller.device.id;
        let epoch = self.feed.epoch()?;
        let claimed = request.cursor.filter(|cursor| cursor.epoch == epoch).map_or(caller.device.cursor_no, |cursor| cursor.number);
        let here: usize = request.pushed.iter().map(|pushed| pushed.changes.len()).sum();
        let more = usize::try_from(request.heartbeat.unsent_changes).is_ok_and(|unsent| unsent > here);
        let begun = self.feed.draining(device)?;
        match begun {
            Some(_) if !more => self.feed.note_draining(device, None)?,
            None if more && claimed < self.feed.head()? => self.feed.note_draining(device, Some(claimed))?,
            Some(_) | None => {}
        }
        Ok(begun.map_or(claimed, |begun| begun.min(claimed)))
    }

    /// What the person was to a pushed document by what the device knew; `None` when nothing was lost since.
    #[expect(clippy::too_many_arguments, reason = "one document with everything that its rights hang on")]
    pub(super) fn former(
        &self,
        now: Ms,
        caller: &Caller,
        knew: &Knew,
        kind: &'static Kind,
        pushed: &Pushed,
        exists: bool,
        gate: &Gate,
    ) -> Result<Option<Former>, ExchangeError> {
        let Some(then) = self.then(caller, knew, pushed, exists)? else { return Ok(None) };
        let relation = Relation::of(caller.user.id, &then.reach, then.filing.as_ref());
        let deps: Vec<ChangeHash> =
            pushed.changes.iter().filter_map(|change| gate.identify(change).ok()).flat_map(|one| one.deps).collect();
        let mut knowable: BTreeSet<ChangeHash> =
            self.feed.knowable(pushed.doc, &deps, then.lost_no, caller.device.id)?.into_iter().collect();
        knowable.extend(kinds::ready(kind.id).into_iter().flat_map(|ready| ready.rules.genesis().to_vec()));
        Ok(Some(Former {
            rule: Rule::new(kind, then.role, relation, exists),
            lost_at: then.lost_at,
            in_grace: now.since(then.lost_at) <= self.late_grace_ms,
            knowable,
            before: RefCell::default(),
            late: RefCell::default(),
        }))
    }

    fn then(&self, caller: &Caller, knew: &Knew, pushed: &Pushed, exists: bool) -> Result<Option<Then>, ExchangeError> {
        let handed = self.feed.handover_after(pushed.subject, knew.upto)?;
        let post = knew.post.clone();
        let losses = [handed.as_ref().map(|handed| (handed.no, handed.at)), post.as_ref().map(|(no, former)| (*no, former.until))];
        let Some((lost_no, _)) = losses.into_iter().flatten().min() else { return Ok(None) };
        // The grace begins with the last of them: nothing was lost before all that it hung on was.
        let Some(lost_at) = losses.into_iter().flatten().map(|(_, at)| at).max() else { return Ok(None) };
        let mut filing = if exists {
            scope::standing(&self.accounts, self.feed.as_ref(), pushed.doc, pushed.subject)?
        } else {
            self.feed.filing(pushed.subject)?
        };
        if let (Some(handed), Some(filing)) = (handed, filing.as_mut()) {
            let own = if exists { self.feed.document(pushed.doc)?.and_then(|document| document.owner) } else { None };
            *filing = Filing { owner: own.or(handed.before.owner), ..handed.before };
        }
        let (role, territories) = match post {
            // As the tree was then: what it is now may have more or less below them.
            Some((_, former)) if former.whole => (former.role, former.territories),
            Some((_, former)) => (former.role, self.accounts.territories_below(&former.territories)?),
            None => (caller.user.role, self.accounts.territories_below(&caller.user.territories)?),
        };
        let reach = Reach::of(role, territories);
        Ok(Some(Then { filing, role, reach, lost_no, lost_at }))
    }
}
