//! What a document may hold and who hands changes in: the values that the caller gives to the gate. Nothing is decided here.

use std::collections::BTreeMap;

use super::judge::Touched;
use super::refusal::Denied;
use crate::crdt::chunk::ChunkLimits;
use crate::crdt::document::DocumentError;
use crate::crdt::genesis::{Genesis, Shape};
use crate::ids::{ActorId, ChangeHash, UserId};

/// How strictly the schema is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Headquarters: what the schema does not name is refused.
    Strict,
    /// A phone towards its server: what a newer schema may bring is carried unharmed within general bounds, because two
    /// replicas that judged the same change differently would diverge.
    Lenient,
}

/// Bounds of the gate. The defaults are the limits that the server announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bounds of the bytes themselves.
    pub chunk: ChunkLimits,
    /// How far operation counters may run ahead of the document. Automerge counts on from everything that the writer's copy
    /// held, refused or unsent changes included, so an honest change can begin above the document's last counter + 1. The
    /// bound keeps 50 000 changes below the 32 bits at which automerge panics.
    pub op_lead_max: u64,
    /// Earliest time that a change may claim, in ms since 1970.
    pub time_ms_min: i64,
    /// Latest time that a change may claim, in ms since 1970: the year 2100.
    pub time_ms_max: i64,
    /// Key of a register under [`Policy::Strict`].
    pub key_bytes_max: usize,
    /// Writes of one change to one register or element under [`Policy::Strict`]: automerge's time grows with their square.
    pub change_slot_writes_max: usize,
    /// Writes to one register or element in the whole life of a document under [`Policy::Strict`].
    pub slot_writes_max: usize,
    /// Depth of nested objects under [`Policy::Lenient`].
    pub depth_max: usize,
    /// Objects of a document under [`Policy::Lenient`].
    pub objects_max: usize,
    /// Text value under [`Policy::Lenient`].
    pub text_bytes_max: usize,
    /// Changes that one call judges; the rest are postponed.
    pub changes_max: usize,
    /// Bytes that one call takes apart, after inflating; the changes behind are postponed.
    pub call_bytes_max: usize,
    /// Operations that one call takes apart; the changes behind are postponed. At least one change always goes.
    pub call_rows_max: usize,
    /// Trials (apply, save, reload) that one call may cost; changes left over are postponed.
    pub trials_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chunk: ChunkLimits::default(),
            op_lead_max: 20_000,
            time_ms_min: 0,
            time_ms_max: 4_102_444_800_000,
            key_bytes_max: 512,
            change_slot_writes_max: 64,
            slot_writes_max: 10_000,
            depth_max: 16,
            objects_max: 20_000,
            text_bytes_max: 64 * 1024,
            changes_max: 1_000,
            call_bytes_max: 8 * 1024 * 1024,
            call_rows_max: 100_000,
            trials_max: 48,
        }
    }
}

/// What a container may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerRule {
    /// A map of registers, each one byte string.
    Registers {
        /// Longest value.
        value_bytes_max: usize,
    },
    /// One text, written character by character.
    Text {
        /// Whether marks (bold, links …) may be set.
        marks: bool,
    },
}

impl ContainerRule {
    /// Longest value of a register where a kind says nothing else.
    pub const VALUE_BYTES_MAX: usize = 64 * 1024;
}

/// What a kind of document may hold, and how it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerRules {
    genesis: Vec<ChangeHash>,
    containers: BTreeMap<String, ContainerRule>,
}

impl ContainerRules {
    /// Rules of a document that begins with these genesis changes, without containers yet.
    #[must_use]
    pub fn new(genesis: impl IntoIterator<Item = ChangeHash>) -> Self {
        Self { genesis: genesis.into_iter().collect(), containers: BTreeMap::new() }
    }

    /// Rules of a genesis: every container with the default rule of its shape.
    ///
    /// # Errors
    /// As [`Genesis::changes`].
    pub fn of(genesis: &Genesis) -> Result<Self, DocumentError> {
        let rules = Self::new(genesis.changes()?.into_iter().map(|change| change.hash));
        Ok(genesis.containers().fold(rules, |rules, (name, shape)| {
            rules.with(
                name,
                match shape {
                    Shape::Registers => ContainerRule::Registers { value_bytes_max: ContainerRule::VALUE_BYTES_MAX },
                    Shape::Text => ContainerRule::Text { marks: false },
                },
            )
        }))
    }

    /// With one more container, or another rule for it.
    #[must_use]
    pub fn with(mut self, name: &str, rule: ContainerRule) -> Self {
        self.containers.insert(name.to_owned(), rule);
        self
    }

    /// The rule of a container.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<ContainerRule> {
        self.containers.get(name).copied()
    }

    /// Names of the genesis changes, oldest first.
    #[must_use]
    pub fn genesis(&self) -> &[ChangeHash] {
        &self.genesis
    }
}

/// One change at the gate.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// A change chunk, plain or deflated.
    pub bytes: &'a [u8],
    /// Who hands it in.
    pub source: Source<'a>,
}

/// Who hands a change in.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// The feed of our own server, which has checked author and actor.
    Feed,
    /// An enrolled device.
    Device {
        /// The person who is to be the author.
        user: UserId,
        /// Whether an actor is bound to the device, or is bound to none yet. Automerge derives further actors from one when
        /// changes are written at older heads (a prefix of five bytes or more, then the actor): they are asked for as well.
        owns: &'a dyn Fn(&ActorId) -> bool,
    },
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Feed => f.write_str("Feed"),
            Self::Device { user, .. } => f.debug_struct("Device").field("user", user).finish_non_exhaustive(),
        }
    }
}

/// A change that passed all other checks, for the caller's access rule.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its name.
    pub hash: ChangeHash,
    /// What it writes, sorted, each once. Empty for a genesis change.
    pub touched: &'a [Touched],
    /// What it builds on: for rules that ask whether its writer knew of a handover.
    pub deps: &'a [ChangeHash],
    /// Whether it is a genesis change of the document's kind.
    pub genesis: bool,
}

/// The caller's access rule: pure, asked once for each change that passed everything else.
pub type AccessRule<'a> = dyn Fn(&Candidate<'_>) -> Result<(), Denied> + 'a;
