//! Visits as apps see them. Mirrors of `roadbook_core::model::visit`.

use roadbook_core::ids::{DocId, SubjectId, UserId};
use roadbook_core::model::card::LogEntry;
use roadbook_core::model::clock::Corrected;
use roadbook_core::model::visit::Visit;

use crate::values::Parts;

/// A sealed visit (拜访).
#[uniffi::remote(Record)]
pub struct Visit {
    /// The document.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// Who visited.
    pub rep: Option<UserId>,
    /// Check-in.
    pub check_in: Corrected,
    /// Check-out; none when it was closed without.
    pub check_out: Option<Corrected>,
    /// Counts the records of its device.
    pub recorded_no: i64,
    /// Fields by id, corrections applied.
    pub fields: Parts,
    /// Corrections, oldest first.
    pub amendments: Vec<LogEntry>,
    /// Notes of supervisors and managers, oldest first.
    pub notes: Vec<LogEntry>,
    /// The visit that somebody says this one doubles.
    pub same_as: Option<DocId>,
    /// When it was sealed.
    pub sealed: Corrected,
}
