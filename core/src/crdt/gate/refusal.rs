//! Verdicts of the gate: what happened to each change, and why one was refused. Values only; nothing is decided here.

use super::judge::Touched;
use crate::crdt::chunk::ChunkError;
use crate::crdt::document::{ChangeMeta, RawChange};
use crate::ids::ChangeHash;

/// What became of one incoming change. Expected answers of the protocol, not errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is part of [`super::Admission::document`].
    Accepted(Box<Accepted>),
    /// The document holds it already, or it came twice in one call.
    AlreadyKnown {
        /// Its name.
        hash: ChangeHash,
    },
    /// It builds on changes that the document lacks, or that were refused in the same call.
    MissingDependencies {
        /// Its name.
        hash: ChangeHash,
        /// What it waits for, sorted.
        missing: Vec<ChangeHash>,
    },
    /// Its actor has written another change with the same number: the writer goes on under a fresh actor.
    Forked {
        /// Its name.
        hash: ChangeHash,
    },
    /// Not judged: others used up what one call may cost. Hand it in again; it keeps its place in the outbox.
    Postponed {
        /// Its name; `None` when it was not even opened.
        hash: Option<ChangeHash>,
    },
    /// It will never be accepted as it is.
    Refused {
        /// Its name, when the bytes have one.
        hash: Option<ChangeHash>,
        /// Why.
        refusal: Refusal,
    },
}

/// An accepted change: what is stored, and what was learnt about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The bytes to store and to send on, in the one canonical form.
    pub raw: RawChange,
    /// What it says about itself; the author is the one of its actor.
    pub meta: ChangeMeta,
    /// What it builds on.
    pub deps: Vec<ChangeHash>,
    /// What it writes, sorted, each once.
    pub touched: Vec<Touched>,
}

/// Why the caller's access rule said no: a stable code of the caller's own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(pub &'static str);

/// Why a change is refused. Names places and numbers, never content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Steps 1 to 3: not a change that we read, or beyond a bound.
    #[error("not a change: {0}")]
    Chunk(#[from] ChunkError),
    /// Step 4: well formed, but written in another way than automerge writes it; its name would not survive a reload.
    #[error("not in canonical form")]
    NotCanonical,
    /// Step 5: the author named in the change, or of its actor, is not the person who hands it in.
    #[error("the author is another person")]
    Author,
    /// Step 5: the actor belongs to another device.
    #[error("the actor belongs to another device")]
    Actor,
    /// Step 5: a gap in the actor's numbers.
    #[error("number {found} of its actor, expected {expected}")]
    Sequence {
        /// Last number known of this actor, plus one.
        expected: u64,
        /// The number given.
        found: u64,
    },
    /// Step 5: it does not build on the change that its actor wrote before it.
    #[error("it does not follow its actor's previous change")]
    Line,
    /// Step 5: operation counters run ahead, or behind what it builds on.
    #[error("operations begin at {found}, expected {lowest} to {highest}")]
    Counter {
        /// Lowest counter that follows all it builds on.
        lowest: u64,
        /// Highest counter that an honest writer can have reached.
        highest: u64,
        /// The counter given.
        found: u64,
    },
    /// Step 5: its clock shows a time before 1970 or after 2100.
    #[error("its time is before 1970 or after 2100")]
    Time,
    /// Step 7: an operation refers to something that does not exist, is elsewhere, or was not known to its writer.
    #[error("operation {op}: {fault}")]
    Reference {
        /// Which operation, from 0.
        op: usize,
        /// What is wrong.
        fault: ReferenceFault,
    },
    /// Step 7: an operation does what the schema of the document does not allow.
    #[error("operation {op}: {fault}")]
    Schema {
        /// Which operation, from 0.
        op: usize,
        /// What is wrong.
        fault: SchemaFault,
    },
    /// Step 8: the access rule said no.
    #[error("access: {0}")]
    Denied(Denied),
    /// Step 9: the document would outgrow its limit.
    #[error("{what}: more than {max}; the document is full")]
    Full {
        /// What was counted.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// Steps 4, 6 and 9: the engine refused it, or panicked over it; the copy it was tried on is gone.
    #[error("the document engine cannot {0} it")]
    Engine(Trial),
    /// The document that we hold ourselves cannot be taken apart: nothing is wrong with the change, it is kept for later.
    #[error("the document here cannot be surveyed: {0}")]
    Document(ChunkError),
    /// A whole document does not begin with a genesis that this version knows.
    #[error("the document does not begin with a known genesis")]
    Genesis,
}

/// What was being tried when the engine gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// Reading the change.
    Parse,
    /// Applying it to a copy.
    Apply,
    /// Saving the copy and loading it again to the same heads.
    Reload,
    /// Reading and editing the loaded copy.
    Edit,
}

impl std::fmt::Display for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Parse => "read",
            Self::Apply => "apply",
            Self::Reload => "reload",
            Self::Edit => "go on from",
        })
    }
}

/// What is wrong with an id inside an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceFault {
    /// Its object does not exist.
    #[error("unknown object")]
    Object,
    /// Its object exists, but its writer cannot have known it.
    #[error("refers to what its writer did not know")]
    Unseen,
    /// A map key in a sequence, or an element in a map.
    #[error("key of the wrong kind")]
    Key,
    /// Its element does not exist in this object.
    #[error("unknown element")]
    Element,
    /// A predecessor does not exist, or belongs to another register or element.
    #[error("unknown predecessor")]
    Predecessor,
    /// It overwrites more or less than its writer saw in this register or element.
    #[error("does not overwrite exactly what its writer saw")]
    Overwrites,
    /// An insertion that overwrites, or a deletion of nothing.
    #[error("predecessors where none belong, or none where some must be")]
    Predecessors,
}

/// What is wrong with an operation by the schema of its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SchemaFault {
    /// A change without operations.
    #[error("nothing is written")]
    Empty,
    /// Writing to the root: only genesis does.
    #[error("writes to the root")]
    Root,
    /// An object that is no container of the schema.
    #[error("unknown container")]
    Container,
    /// A container whose shape is not the one of the schema.
    #[error("container of another shape")]
    Shape,
    /// A key that is too long or no path.
    #[error("key is no path, or too long")]
    KeyPath,
    /// An action that the container does not allow: nested objects, deletions of registers, increments, marks.
    #[error("action is not allowed here")]
    Action,
    /// A value of another type.
    #[error("value of another type")]
    Value,
    /// A value longer than its limit.
    #[error("value is too long")]
    ValueLength,
    /// One register or element written too often, by this change or in all.
    #[error("written too often")]
    Worn,
    /// Objects nested too deep, or too many.
    #[error("too many objects, or nested too deep")]
    Objects,
}

impl Refusal {
    /// Number of the check that failed, in the order of the table at the top of [`super`].
    #[must_use]
    pub const fn step(&self) -> u8 {
        match self {
            Self::Chunk(_) => 3,
            Self::NotCanonical | Self::Engine(Trial::Parse) => 4,
            Self::Author
            | Self::Actor
            | Self::Sequence { .. }
            | Self::Line
            | Self::Counter { .. }
            | Self::Time
            | Self::Document(_)
            | Self::Genesis => 5,
            Self::Engine(Trial::Apply) => 6,
            Self::Reference { .. } | Self::Schema { .. } => 7,
            Self::Denied(_) => 8,
            Self::Full { .. } | Self::Engine(Trial::Reload | Trial::Edit) => 9,
        }
    }
}

impl Outcome {
    /// Name of the change, when its bytes have one.
    #[must_use]
    pub fn hash(&self) -> Option<ChangeHash> {
        match self {
            Self::Accepted(accepted) => Some(accepted.raw.hash),
            Self::AlreadyKnown { hash } | Self::MissingDependencies { hash, .. } | Self::Forked { hash } => Some(*hash),
            Self::Postponed { hash } | Self::Refused { hash, .. } => *hash,
        }
    }
}
