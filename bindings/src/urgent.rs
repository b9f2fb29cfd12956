//! Urgent reports (紧急报告): filed ahead of everything else, and what was done about them. Each is one call to the core.

use roadbook_core::ids::{DocId, Ms, SubjectId, UserId};
use roadbook_core::model::urgent::{Handled, Urgent};
use roadbook_core::replica::urgent::UrgentReport;
use roadbook_core::store::rows::UrgentLine;

use crate::book::Roadbook;
use crate::error::RoadbookError;

/// Most reports of one list.
const REPORTS_MAX: usize = 200;

/// What is reported.
#[uniffi::remote(Record)]
pub struct UrgentReport {
    /// Code of value set `urgent_kind`.
    pub kind: String,
    /// Code of value set `severity`.
    pub severity: String,
    /// The customer, when it is about one.
    pub customer: Option<SubjectId>,
    /// The territory, in words, when it is about one.
    pub territory: Option<String>,
    /// What happened; at most 2,000 characters.
    pub text: String,
    /// A small picture, at most 30 KB; it follows the text.
    pub picture: Option<Vec<u8>>,
}

/// One link of the chain of what was done.
#[derive(Debug, Clone, uniffi::Record)]
pub struct UrgentHandled {
    /// Code of value set `handling`: `received` (已送达), `acknowledged` (已读), `taken`, `closed`, `escalated`.
    pub what: String,
    /// Free remark.
    pub note: Option<String>,
    /// Who; none for headquarters itself.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
}

/// An urgent report.
#[derive(Debug, Clone, uniffi::Record)]
pub struct UrgentCard {
    /// Its document.
    pub doc: DocId,
    /// Code of value set `urgent_kind`.
    pub kind: String,
    /// Code of value set `severity`.
    pub severity: String,
    /// `open`, `taken` or `closed`.
    pub state: String,
    /// The customer, when it is about one.
    pub customer: Option<SubjectId>,
    /// What happened.
    pub text: String,
    /// Who reported.
    pub by: Option<UserId>,
    /// When, corrected.
    pub at: Ms,
    /// The small picture.
    pub picture: Option<Vec<u8>>,
    /// What was done, oldest first.
    pub handling: Vec<UrgentHandled>,
}

/// An urgent report in a list.
#[derive(Debug, Clone, uniffi::Record)]
pub struct UrgentListed {
    /// Its document.
    pub doc: DocId,
    /// Code of value set `urgent_kind`.
    pub kind: String,
    /// Code of value set `severity`.
    pub severity: String,
    /// `open`, `taken` or `closed`.
    pub state: String,
    /// Name of the customer; empty when it is about none.
    pub customer: String,
    /// When, corrected.
    pub reported: Ms,
    /// When it reached headquarters (已送达).
    pub arrived: Option<Ms>,
    /// When somebody else acknowledged it (已读).
    pub acknowledged: Option<Ms>,
    /// Its first words.
    pub summary: String,
}

impl From<UrgentLine> for UrgentListed {
    fn from(line: UrgentLine) -> Self {
        let UrgentLine { urgent, customer } = line;
        Self {
            doc: urgent.doc,
            kind: urgent.kind,
            severity: urgent.severity,
            state: urgent.state.code().to_owned(),
            customer,
            reported: urgent.reported,
            arrived: urgent.arrived,
            acknowledged: urgent.acknowledged,
            summary: urgent.summary,
        }
    }
}

impl From<Urgent> for UrgentCard {
    fn from(urgent: Urgent) -> Self {
        let handled = |one: &Handled| UrgentHandled { what: one.what.clone(), note: one.note.clone(), by: one.by, at: one.at.at };
        Self {
            doc: urgent.doc,
            state: urgent.state().code().to_owned(),
            handling: urgent.handling.iter().map(handled).collect(),
            kind: urgent.kind,
            severity: urgent.severity,
            customer: urgent.customer,
            text: urgent.text,
            by: urgent.by,
            at: urgent.at.at,
            picture: urgent.picture,
        }
    }
}

#[uniffi::export]
impl Roadbook {
    /// Files an urgent report and returns its document. It is first in the outbox: exchange at once.
    ///
    /// # Errors
    /// `BadField`, `PhotoRefused`, `NotEnrolled`, `StorageFull`.
    pub fn report_urgent(&self, report: UrgentReport) -> Result<DocId, RoadbookError> {
        self.write(|replica, stamp| replica.report_urgent(stamp, &report))
    }

    /// Acknowledges, takes or closes a report: `what` is `acknowledged`, `taken` or `closed`.
    ///
    /// # Errors
    /// `NotHere`, `BadField`, `StorageFull`.
    pub fn handle_urgent(&self, report: DocId, what: String, note: Option<String>) -> Result<(), RoadbookError> {
        self.write(|replica, stamp| replica.handle_urgent(stamp, report, &what, note.as_deref()))
    }

    /// A report; none when it is not on this device.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn urgent(&self, report: DocId) -> Result<Option<UrgentCard>, RoadbookError> {
        Ok(self.read().urgent(report)?.map(UrgentCard::from))
    }

    /// The reports on this device, newest first.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn urgents(&self) -> Result<Vec<UrgentListed>, RoadbookError> {
        let lines = self.read().store().read(|read| read.urgents(false, 0, REPORTS_MAX))?;
        Ok(lines.into_iter().map(UrgentListed::from).collect())
    }
}
