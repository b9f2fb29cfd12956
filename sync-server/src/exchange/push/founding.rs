//! New documents of a push: nobody takes an id that is derived for something else.

use std::collections::BTreeSet;

use roadbook_core::exchange::Pushed;
use roadbook_core::ids::ChangeHash;

use super::{Bench, Case, set_aside};
use crate::access;
use crate::exchange::{Exchange, ExchangeError, verdict};
use crate::headquarters::{Founder, founds};

impl Exchange {
    /// Sets aside what was accepted of a new document that may not have its id.
    pub(super) fn keep_derived_ids_free(&self, bench: &Bench<'_>, case: &mut Case, pushed: &Pushed) -> Result<(), ExchangeError> {
        let Some(document) = case.document.as_ref().filter(|_| !case.exists && !case.entries.is_empty()) else { return Ok(()) };
        let caller = &bench.caller.user;
        let filed = self.feed.filing(pushed.subject)?.is_some();
        let founder = Founder::Device { user: caller.id, filed, plans: access::plans_for_others(caller.role) };
        if founds(case.kind, (pushed.doc, pushed.subject), document, founder) {
            return Ok(());
        }
        tracing::warn!(device = %bench.caller.device.id, doc = %pushed.doc, kind = case.kind.id, "a device made a document under an id that is not its own");
        let entries = std::mem::take(&mut case.entries);
        let names: BTreeSet<ChangeHash> = entries.iter().map(|entry| entry.hash).collect();
        case.verdicts.retain(|verdict| !names.contains(&verdict.hash));
        case.clocks.clear();
        case.document = None;
        for entry in entries {
            set_aside(case, pushed, &entry.bytes, entry.hash, verdict::WRONG_DOCUMENT);
        }
        Ok(())
    }
}
