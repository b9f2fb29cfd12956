//! Rows that travel in place of documents: made at headquarters from what it holds, kept and shown by the device of somebody who
//! sees more than a phone should carry. Which documents travel so is not decided here.
//!
//! ```text
//! told = version:u8  cbor(row)
//! version = 1 · row = CustomerRow (kinds customer and office: one row for both) or VisitRow (kind visit), numbered in `store::rows`
//! ```

use minicbor::Decode;

use super::fold::customer_row;
use super::{Replica, ReplicaError};
use crate::exchange::framed::framed;
use crate::ids::{DocId, SubjectId};
use crate::model::kinds;
use crate::store::rows::{CustomerRow, VisitRow};
use crate::store::{Reading, StoreError};

/// Version of a told row: its first byte.
const TOLD_VERSION: u8 = 1;

/// Whether documents of a kind can travel as rows.
#[must_use]
pub fn has_row(kind: &str) -> bool {
    kind == kinds::CUSTOMER.id || kind == kinds::OFFICE.id || kind == kinds::VISIT.id
}

/// Phones, addresses, people, other names and matters under review that a row tells of a card, at most, of each.
const LISTED_MAX: usize = 20;

impl Replica {
    /// The row that stands for a document of this replica; `None` when it has none.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn row_to_tell(&self, doc: DocId, kind: &str, subject: SubjectId) -> Result<Option<Vec<u8>>, ReplicaError> {
        if kind == kinds::VISIT.id {
            return Ok(self.store().read(|read| read.visit(doc))?.map(|line| framed(TOLD_VERSION, &line.visit)));
        }
        let offset_minutes = self.offset_minutes()?;
        Ok(self.card(subject)?.map(|card| {
            let mut row = customer_row(&card, offset_minutes);
            row.addresses.truncate(LISTED_MAX);
            row.people.truncate(LISTED_MAX);
            row.phones.truncate(LISTED_MAX);
            row.aliases.truncate(LISTED_MAX);
            row.reviews.truncate(LISTED_MAX);
            framed(TOLD_VERSION, &row)
        }))
    }
}

/// The row told of a customer, whichever half of the card carries it.
pub(super) fn customer(read: &Reading<'_>, subject: SubjectId) -> Result<Option<CustomerRow>, StoreError> {
    let told = read.told_rows_of(subject)?;
    let row = told.iter().filter(|row| row.kind != kinds::VISIT.id).find_map(|row| unpacked::<CustomerRow>(&row.bytes));
    Ok(row.filter(|row| row.subject == subject))
}

/// The row told of a visit.
pub(super) fn visit(read: &Reading<'_>, doc: DocId) -> Result<Option<VisitRow>, StoreError> {
    Ok(read.told_row(doc)?.and_then(|row| unpacked::<VisitRow>(&row.bytes)).filter(|row| row.doc == doc))
}

/// `None` for a row of a version that this side does not read: it shows nothing, and the document can be asked for.
fn unpacked<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Option<T> {
    let (version, row) = bytes.split_first()?;
    if *version == TOLD_VERSION { minicbor::decode(row).ok() } else { None }
}
