//! The gate: every byte from outside passes here before a document sees it, on phones and at headquarters alike.
//! Never here: who may do what (the caller's access rule), storing (the caller's transaction), business words.
//!
//! Automerge trusts its input: a crafted change of 113 bytes costs it a minute, another leaves a document that nobody can
//! load or edit again. So a change is taken apart by ourselves first, and judged against the document, before automerge
//! sees a byte; then it is tried on a copy. The checks, in this order:
//!
//! | step | check | where |
//! |---|---|---|
//! | 1 | at most 256 KiB, magic, kind 1 or 2, declared length, checksum | `chunk` |
//! | 2 | inflated by ourselves, at most 1 MiB; plain, as it is stored and sent on, again at most 256 KiB | `chunk` |
//! | 3 | header and columns taken apart; at most 20 000 rows a column, every count, index and text bounded | `chunk::change` |
//! | 4 | automerge reads it, and writes it as the same bytes | `trial` |
//! | 5 | all it builds on is known; actor, author, number and line, counters, time | `judge` |
//! | 6 | applied to a copy | `trial` |
//! | 7 | every operation: object, key, element and predecessors exist, belong together and were known to the writer; the schema | `judge` |
//! | 8 | the caller's access rule, on what is touched | [`AccessRule`] |
//! | 9 | the copy is saved, loaded to the same heads, read and edited on a fork | `trial` |
//! | 10 | one durable transaction with the verdict | the caller |
//!
//! Steps 5, 7 and 8 run for each change before anything is applied; steps 6 and 9 run once for all changes of a call. When
//! they fail, the changes are halved until the bad ones stand alone, so that one bad change never holds up its siblings.
//!
//! **In flight.** `catch_unwind` cannot catch a killed process. A caller that must survive even that writes the hashes from
//! [`Gate::identify`] to durable rows before [`Gate::admit`], and removes them in the transaction that stores the verdicts.
//! What is still there at the next start is quarantined, not tried again. A call is bounded by [`Limits::trials_max`]; run at
//! most two at a time.

mod judge;
mod quiet;
mod refusal;
mod registers;
mod rules;
mod session;
mod snapshot;
mod survey;
#[cfg(test)]
mod tests;
mod trial;

pub use self::judge::{Touched, is_key};
pub use self::quiet::silence_caught_panics;
pub use self::refusal::{Accepted, Denied, Outcome, ReferenceFault, Refusal, SchemaFault, Trial};
pub use self::rules::{AccessRule, Candidate, ContainerRule, ContainerRules, Incoming, Limits, Policy, Source};
use super::chunk;
pub use super::chunk::{ChunkError, ChunkLimits};
use super::document::Document;
use crate::ids::{ActorId, ChangeHash};

/// Admits changes and documents from outside.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    policy: Policy,
    limits: Limits,
}

/// What a call has decided.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The document with all accepted changes, as it came back from a save and a load; `None` when none was accepted.
    pub document: Option<Document>,
    /// One outcome for each incoming change, in the same order.
    pub outcomes: Vec<Outcome>,
}

/// What a change says about itself before anything is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name: the hash that we computed.
    pub hash: ChangeHash,
    /// The line of changes it claims.
    pub actor: ActorId,
    /// Its number in that line.
    pub seq: u64,
    /// What it builds on.
    pub deps: Vec<ChangeHash>,
}

impl Gate {
    /// A gate with a policy and limits.
    #[must_use]
    pub const fn new(policy: Policy, limits: Limits) -> Self {
        Self { policy, limits }
    }

    /// The gate of headquarters.
    #[must_use]
    pub fn strict() -> Self {
        Self::new(Policy::Strict, Limits::default())
    }

    /// The gate of a phone towards its server.
    #[must_use]
    pub fn lenient() -> Self {
        Self::new(Policy::Lenient, Limits::default())
    }

    /// Its limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Steps 1 to 3 alone, without a document: the name of a change, to note it as in flight, and its actor, to look up whose
    /// it is. Takes microseconds.
    ///
    /// # Errors
    /// [`Refusal::Chunk`].
    pub fn identify(&self, bytes: &[u8]) -> Result<Identity, Refusal> {
        let frame = chunk::open_change(bytes, &self.limits.chunk)?;
        let change = chunk::change::parse(&frame, &self.limits.chunk)?;
        let actor = change.actors.into_iter().next().ok_or(ChunkError::Range("actor"))?;
        Ok(Identity { hash: change.hash, actor, seq: change.seq, deps: change.deps })
    }

    /// Judges changes for one document and applies those that hold. `document` itself is never touched. The changes may come
    /// in any order and may build on each other; each gets its own outcome.
    #[must_use]
    pub fn admit(&self, document: &Document, rules: &ContainerRules, incoming: &[Incoming<'_>], access: &AccessRule<'_>) -> Admission {
        session::admit(self, document, rules, incoming, access)
    }

    /// Opens a whole document from outside (a chunk of kind 0 with plain columns, as [`Document::save`] writes it): the same
    /// bounds, then a load to the heads it names, a read and an edit on a fork. It must begin with one of `genesis`.
    ///
    /// # Errors
    /// Any [`Refusal`] but those of single changes' rights.
    pub fn admit_snapshot(&self, bytes: &[u8], genesis: &[ChangeHash]) -> Result<Document, Refusal> {
        snapshot::admit(self, bytes, genesis)
    }
}
