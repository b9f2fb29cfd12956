//! What comes without what it builds on. Whoever has more to bring brings that first; what the last of a device, or of a batch that
//! another one carried, still lacks is set aside, and taken in by itself once that has come, whoever brings it. So it is lost with no
//! phone, and no phone waits for what is nowhere.

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::crdt::gate::Gate;
use roadbook_core::exchange::{Cursor, Heartbeat, Pushed, Request, SPEAKS, Verdict};
use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms};
use roadbook_core::model::kinds;

use super::verdict::{self, RECOVERED_ALONE};
use super::{Exchange, ExchangeError};
use crate::accounts::{Act, Device, User, Who};
use crate::device::{Caller, Standing};
use crate::duties::SYSTEM;
use crate::feed::{Decision, DeskRow, DeskState};
use crate::headquarters::{Changed, fits};

/// What else may come of the device that hands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It has more: what is missing here may be among that.
    Waits,
    /// It has nothing more, and hears what is said of this.
    Heard,
    /// It has nothing more, and does not hear of it: another device carries this, and forgets it.
    Unheard,
}

impl Rest {
    /// Of a device that speaks for itself.
    pub(super) fn of(request: &Request, epoch: [u8; 16]) -> Self {
        let here: usize = request.pushed.iter().map(|pushed| pushed.changes.len()).sum();
        let all = usize::try_from(request.heartbeat.unsent_changes).is_ok_and(|unsent| unsent <= here);
        let besides = request.besides.as_ref().is_some_and(|besides| besides.carried.is_empty() && besides.recovered.is_empty());
        let stands = request.checkpoint.is_none() && request.cursor.is_some_and(|at| at.epoch == epoch && at.number > 0);
        if all && besides && stands { Self::Heard } else { Self::Waits }
    }

    /// Why a change that lacks something is set aside; `None`: it comes once more. `heard_now`: of what it lacks the device hears with this
    /// very answer; `follows`: some of that is refused.
    pub(super) const fn reason(self, heard_now: bool, follows: bool) -> Option<&'static str> {
        match self {
            Self::Waits | Self::Heard if heard_now => None,
            Self::Waits | Self::Heard | Self::Unheard if follows => Some(verdict::FOLLOWS_REFUSED),
            Self::Waits => None,
            Self::Heard | Self::Unheard => Some(verdict::WAITS),
        }
    }
}

/// What became of a change of the same document that came with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Here {
    /// It is set aside, with the code of the reason.
    SetAside(String),
    /// It comes once more, or written again.
    ComesAgain,
}

impl Here {
    pub(super) fn waits(&self) -> bool {
        matches!(self, Self::SetAside(code) if verdict::waits(code))
    }
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::SetAside(code) if !verdict::waits(code))
    }
}

impl Exchange {
    /// Takes in what waited in these documents for what was just brought, and for what that brings in turn. `who` brought it, or decided that it
    /// is taken in.
    ///
    /// # Errors
    /// [`ExchangeError`]; what was not taken in goes on waiting.
    pub fn take_in_waiting(&self, now: Ms, who: &Who, brought: &[Changed]) -> Result<Vec<Changed>, ExchangeError> {
        let (mut all, mut taken) = (Vec::new(), 0_usize);
        let mut docs: BTreeSet<DocId> = brought.iter().map(|changed| changed.doc).collect();
        while !docs.is_empty() {
            let mut changed = Vec::new();
            for doc in docs {
                let rows = self.ready(doc, self.feed.desk_waiting(doc)?)?;
                if rows.is_empty() {
                    continue;
                }
                changed.extend(self.try_again(now, who, doc, &rows)?);
                let names: Vec<ChangeHash> = rows.iter().map(|row| row.row.refused.hash).collect();
                let known = self.feed.known(doc, &names)?;
                for row in rows.iter().filter(|row| known.contains(&row.row.refused.hash)) {
                    let decision = Decision { state: DeskState::Approved, by: SYSTEM, now, remark: "" };
                    taken += usize::from(self.feed.decide(row.row.id, &decision)?);
                }
            }
            docs = changed.iter().map(|changed| changed.doc).collect();
            all.extend(changed);
        }
        if taken > 0 {
            self.accounts.audit(now, who, Act::Recovered, &taken.to_string())?;
            self.note_desk_moved();
        }
        Ok(all)
    }

    /// Of what waits in one document, that of which everything is there that it builds on, or is ready as well.
    fn ready(&self, doc: DocId, rows: Vec<DeskRow>) -> Result<Vec<DeskRow>, ExchangeError> {
        let deps_of = |row: &DeskRow| Gate::strict().identify(&row.row.refused.bytes).map(|identity| identity.deps).unwrap_or_default();
        let mut lacking: Vec<(Vec<ChangeHash>, DeskRow)> = rows.into_iter().map(|row| (deps_of(&row), row)).collect();
        let deps: Vec<ChangeHash> = lacking.iter().flat_map(|(deps, _)| deps.iter().copied()).collect();
        let mut there = self.feed.known(doc, &deps)?;
        if let Some(kind) = lacking.first().and_then(|(_, row)| kinds::ready(&row.row.refused.kind)) {
            there.extend(kind.rules.genesis());
        }
        let mut ready = Vec::new();
        loop {
            let (now, later): (Vec<_>, Vec<_>) = lacking.into_iter().partition(|(deps, _)| deps.iter().all(|dep| there.contains(dep)));
            if now.is_empty() {
                return Ok(ready);
            }
            there.extend(now.iter().map(|(_, row)| row.row.refused.hash));
            ready.extend(now.into_iter().map(|(_, row)| row));
            lacking = later;
        }
    }

    /// Judges once more what waits in one document: what was handed back after a restore as such, for its rights were looked at when it
    /// came; everything else as if its device came with it now.
    fn try_again(&self, now: Ms, who: &Who, doc: DocId, rows: &[DeskRow]) -> Result<Vec<Changed>, ExchangeError> {
        let known = self.feed.document(doc)?;
        let pushed = |rows: &[&DeskRow]| {
            let first = rows.first().map(|row| &row.row.refused)?;
            // The document may have come since, and be another one than these changes say.
            kinds::kind(&first.kind).filter(|kind| fits(kind, (doc, first.subject), known.as_ref()))?;
            let changes = rows.iter().map(|row| row.row.refused.bytes.clone().into()).collect();
            Some(Pushed { doc, kind: first.kind.clone(), subject: first.subject, changes })
        };
        let (handed_back, handed_in): (Vec<&DeskRow>, Vec<&DeskRow>) = rows.iter().partition(|row| row.row.refused.code == RECOVERED_ALONE);
        let mut changed = match pushed(&handed_back) {
            Some(pushed) => {
                let followed = self.take_back(now, &pushed, None)?.followed;
                self.audit_decided(now, who, &followed)?;
                followed.changed
            }
            None => Vec::new(),
        };
        let mut by_device: BTreeMap<DeviceId, Vec<&DeskRow>> = BTreeMap::new();
        for row in handed_in {
            if let Some(device) = row.row.device {
                by_device.entry(device).or_default().push(row);
            }
        }
        for (device, rows) in by_device {
            let Some(device) = self.accounts.device(device)? else { continue };
            let Some(user) = self.accounts.user(device.user)? else { continue };
            // Of one that may hand in nothing any more a person decides.
            if Standing::of(&device, &user) == Standing::Good
                && let Some(pushed) = pushed(&rows)
            {
                changed.extend(self.push_for(now, device, user, None, vec![pushed])?.1);
            }
        }
        Ok(changed)
    }

    /// Judges what a device hands in that does not come itself: it knows what it knew, and does not hear what is said.
    pub(super) fn push_for(
        &self,
        now: Ms,
        device: Device,
        user: User,
        cursor: Option<Cursor>,
        pushed: Vec<Pushed>,
    ) -> Result<(Vec<Verdict>, Vec<Changed>), ExchangeError> {
        let standing = Standing::of(&device, &user);
        // It has not come itself: what it knows is what it knew, until it has handed in everything.
        let heartbeat = Heartbeat { unsent_changes: u32::MAX, ..Heartbeat::default() };
        let request = Request {
            pull: None,
            device: device.id,
            // Its clock cannot be measured: by what was last measured.
            now: now.plus(device.offset_ms.saturating_neg()),
            cursor,
            checkpoint: None,
            digest: None,
            pushed,
            schema: 0,
            heartbeat,
            speaks: Some(SPEAKS),
            verdicts_only: None,
            besides: None,
        };
        self.push(now, &Caller { device, user, standing }, &request, &BTreeSet::new(), Rest::Unheard)
    }
}
