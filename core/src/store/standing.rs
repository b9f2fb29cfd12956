//! What may become of an own change, and how soon it is to leave: as words, and as numbers in the file. Never here: a query.

use super::{StoreError, count};

/// How soon a change is to leave the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Before everything else.
    Urgent,
    /// In order.
    Normal,
}

impl Lane {
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
        }
    }
    pub(super) const fn of(code: i64) -> Self {
        if code == 0 { Self::Urgent } else { Self::Normal }
    }
}

/// What became of an own change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No verdict yet: it is in the outbox.
    Waiting,
    /// In the feed.
    Accepted {
        /// Its number there; 0 when the server did not say.
        feed_no: u64,
    },
    /// Kept by the server, not in the feed.
    Quarantined {
        /// Why: a code.
        reason: String,
    },
    /// The actor had already written something else under this number: to be written again under a new actor.
    Forked,
    /// Its author gave it up, or wrote it again.
    Withdrawn,
}

/// Standing without its details: for queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnStanding {
    /// See [`Standing::Waiting`].
    Waiting,
    /// See [`Standing::Accepted`].
    Accepted,
    /// See [`Standing::Quarantined`].
    Quarantined,
    /// See [`Standing::Forked`].
    Forked,
    /// See [`Standing::Withdrawn`].
    Withdrawn,
}

impl OwnStanding {
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Accepted => 1,
            Self::Quarantined => 2,
            Self::Forked => 3,
            Self::Withdrawn => 4,
        }
    }
}

impl Standing {
    /// Without details.
    #[must_use]
    pub const fn kind(&self) -> OwnStanding {
        match self {
            Self::Waiting => OwnStanding::Waiting,
            Self::Accepted { .. } => OwnStanding::Accepted,
            Self::Quarantined { .. } => OwnStanding::Quarantined,
            Self::Forked => OwnStanding::Forked,
            Self::Withdrawn => OwnStanding::Withdrawn,
        }
    }
    pub(super) fn of(code: i64, feed_no: i64, reason: String) -> Result<Self, StoreError> {
        Ok(match code {
            0 => Self::Waiting,
            1 => Self::Accepted { feed_no: count(feed_no) },
            2 => Self::Quarantined { reason },
            3 => Self::Forked,
            4 => Self::Withdrawn,
            _ => return Err(StoreError::Damaged { what: "standing" }),
        })
    }
}
