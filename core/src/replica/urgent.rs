//! Urgent reports: made, and handled. The text travels as one small change ahead of everything else; a picture follows as a second one.

use super::documents::Target;
use super::{Replica, ReplicaError, Stamp};
use crate::blobs::BlobError;
use crate::blobs::content::{Content, ContentError};
use crate::ids::{DocId, EntryId, SubjectId};
use crate::model::edit::{Edit, Provenance};
use crate::model::kinds;
use crate::model::urgent::{PICTURE, PICTURE_BYTES_MAX, Urgent, encoded};
use crate::model::value::Value;
use crate::store::Lane;

/// What is reported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// A small picture, at most [`PICTURE_BYTES_MAX`] bytes.
    pub picture: Option<Vec<u8>>,
}

/// What somebody does about an urgent report: `what` of value set `handling` (`acknowledged`, `taken`, `closed`).
#[must_use]
pub fn handle(stamp: &Stamp, urgent: &Urgent, what: &str, note: Option<&str>) -> (Target, Vec<Edit>) {
    let value = Value::map([("what", what.into()), ("note", note.into())]);
    let entry = EntryId::fresh(stamp.now, stamp.piece(6));
    let target = Target::about(urgent.subject, &kinds::URGENT, urgent.doc).seen(urgent.heads.clone());
    (target, vec![Edit::Record { log: "handling".to_owned(), entry, value }])
}

impl Replica {
    /// Files an urgent report: durable, and first in the outbox, when this returns. Returns its document.
    ///
    /// # Errors
    /// [`ReplicaError::Edit`] when a field is not what the schema takes, [`ReplicaError::Blob`] when the picture is none or too large
    /// (nothing is then filed), [`ReplicaError::Store`].
    pub fn report_urgent(&mut self, stamp: &Stamp, report: &UrgentReport) -> Result<DocId, ReplicaError> {
        if let Some(picture) = &report.picture {
            let _content = Content::of_thumbnail(picture).map_err(BlobError::from)?;
            if picture.len() > PICTURE_BYTES_MAX {
                return Err(BlobError::from(ContentError::TooLarge { found: picture.len(), max: PICTURE_BYTES_MAX }).into());
            }
        }
        let doc = DocId::fresh(stamp.now, stamp.piece(5));
        let target = Target::about(report.customer.unwrap_or_else(|| doc.into()), &kinds::URGENT, doc);
        let assert = |field: &str, value: Value| Edit::Assert { field: field.to_owned(), value, provenance: Provenance::default() };
        let mut edits = vec![
            assert("kind", report.kind.as_str().into()),
            assert("severity", report.severity.as_str().into()),
            assert("text", report.text.as_str().into()),
        ];
        edits.extend(report.customer.map(|customer| assert("customer", customer.to_string().into())));
        edits.extend(report.territory.as_deref().map(|territory| assert("territory", territory.into())));
        self.save(stamp, Lane::Urgent, &target, &edits)?;
        if let Some(picture) = &report.picture {
            let edit = Edit::Put { container: "picture".to_owned(), key: PICTURE.to_owned(), value: encoded(picture) };
            self.save(stamp, Lane::Urgent, &target, &[edit])?;
        }
        Ok(doc)
    }

    /// Acknowledges, takes or closes an urgent report.
    ///
    /// # Errors
    /// [`ReplicaError::Unknown`] when it is not held, [`ReplicaError::Edit`], [`ReplicaError::Store`].
    pub fn handle_urgent(&mut self, stamp: &Stamp, doc: DocId, what: &str, note: Option<&str>) -> Result<(), ReplicaError> {
        let urgent = self.urgent(doc)?.ok_or(ReplicaError::Unknown { what: "urgent report", doc })?;
        let (target, edits) = handle(stamp, &urgent, what, note);
        self.save(stamp, Lane::Urgent, &target, &edits)?;
        Ok(())
    }

    /// An urgent report; `None` when it is not held.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn urgent(&self, doc: DocId) -> Result<Option<Urgent>, ReplicaError> {
        let held = self.document(doc)?.filter(|held| held.kind == kinds::URGENT.id);
        Ok(held.and_then(|held| Urgent::fold(doc, held.subject, &held.document)))
    }
}
