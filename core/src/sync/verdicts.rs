//! What headquarters says of changes that were handed in is written down, and what it did not take is written again, in one commit.

use std::collections::{BTreeMap, BTreeSet};

use super::{Synced, stand};
use crate::exchange::{ERASED, Outcome, Verdict};
use crate::ids::{DocId, Ms};
use crate::model::kinds;
use crate::replica::again::{NotTaken, write_again};
use crate::replica::fold::{Subjects, fold_rows};
use crate::replica::private::erase_held;
use crate::replica::{Replica, ReplicaError};
use crate::store::{Settled, Standing};

impl Replica {
    /// `covered`: the cursor that comes with them passes what they say is in the feed.
    pub(super) fn settle(&mut self, verdicts: &[Verdict], covered: bool, now: Ms, synced: &mut Synced) -> Result<(), ReplicaError> {
        if verdicts.is_empty() {
            return Ok(());
        }
        let offset_minutes = self.offset_minutes()?;
        // Whoever writes again goes on under another actor: the numbers of the old one may be used elsewhere.
        let refusing = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Quarantined { .. } | Outcome::Forked);
        let process = if verdicts.iter().any(refusing) { self.renew_process() } else { [0; 16] };
        self.store_mut().write(|write| {
            let mut not_taken: BTreeMap<DocId, NotTaken> = BTreeMap::new();
            let (mut held, mut erased) = (Vec::new(), BTreeSet::new());
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
                if let Outcome::Quarantined { code, why } = &verdict.outcome
                    && code == ERASED
                    && kinds::is_private(&own.kind)
                {
                    // Nothing of it may stay, here either.
                    synced.quarantined.push((verdict.hash, format!("{code}: {why}")));
                    erased.insert(own.doc);
                    continue;
                }
                if matches!(standing, Standing::Accepted { .. }) && own.is_in_its_document() {
                    held.push(verdict.hash);
                }
                if write.settle(verdict.hash, &standing)? != Settled::Changed {
                    // It was told before, or something better since: what is shown stays as it is.
                    continue;
                }
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
            for (doc, not_taken) in not_taken.iter().filter(|(doc, _)| !erased.contains(doc)) {
                write_again(write, &mut subjects, &process, *doc, not_taken, now)?;
            }
            for doc in erased {
                erase_held(write, &mut subjects, doc)?;
            }
            if !covered {
                stand::note_holds(write, &held)?;
            }
            synced.subjects.extend(subjects.ids());
            fold_rows(write, &subjects, offset_minutes)
        })
    }
}
