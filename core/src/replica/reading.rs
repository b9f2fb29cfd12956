//! Reading a replica: one card, visit, tour, proposal, the history of a field; what waits and what was set aside.
//! Lists and search are queries over rows: see `store`.

use serde::Serialize;

use super::fold::SETTING_ROWS;
use super::{Replica, ReplicaError};
use crate::crdt::Document;
use crate::exchange::Profile;
use crate::ids::{DeviceId, DocId, SubjectId, UserId};
use crate::model::assertion::Assertion;
use crate::model::card::Card;
use crate::model::clock::{Clocks, Corrected};
use crate::model::proposal::{Proposal, Verification};
use crate::model::tour::Tour;
use crate::model::value::Value;
use crate::model::visit::Visit;
use crate::model::{Source, kinds};
use crate::store::{Notice, OutboxSize, OwnChange, OwnStanding, Reading};

/// Setting: 16 bytes, the enrolled device.
pub(crate) const SETTING_DEVICE: &str = "device";
/// Setting: the profile that headquarters told, as CBOR.
pub(crate) const SETTING_PROFILE: &str = "profile";
/// Setting: the fingerprint from which the comparison under way goes on, 8 bytes, big-endian.
pub(crate) const SETTING_COMPARE: &str = "pull/compare";
/// Setting: minutes east of UTC of the company's calendar, as text, where no profile is told (headquarters).
pub(crate) const SETTING_OFFSET: &str = "offset_minutes";
/// Calendar of a replica that was told nothing: China Standard Time.
pub const OFFSET_MINUTES_DEFAULT: i32 = 480;

/// One line of a field's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What was asserted.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
    /// The document or file behind it.
    pub source_doc: Option<String>,
    /// Who is said to have made it, for imported rows.
    pub claimed_author: Option<String>,
    /// The person.
    pub author: Option<UserId>,
    /// The line of changes, in hexadecimal: which start of which device.
    pub actor: String,
    /// When.
    pub at: Corrected,
}

impl Replica {
    /// A customer's card; `None` when its field side is not held.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`].
    pub fn card(&self, customer: SubjectId) -> Result<Option<Card>, ReplicaError> {
        let Some(field_side) = self.held_as(customer.customer(), kinds::CUSTOMER.id)? else { return Ok(None) };
        let office = self.held_as(customer.office(), kinds::OFFICE.id)?;
        Ok(Some(Card::fold(customer, &field_side, office.as_ref())))
    }

    /// A sealed visit; `None` when it is not held.
    ///
    /// # Errors
    /// As [`Self::card`].
    pub fn visit(&self, doc: DocId) -> Result<Option<Visit>, ReplicaError> {
        let held = self.document(doc)?.filter(|held| held.kind == kinds::VISIT.id);
        Ok(held.and_then(|held| Visit::fold(doc, held.subject, &held.document)))
    }

    /// A tour; `None` when it is not held.
    ///
    /// # Errors
    /// As [`Self::card`].
    pub fn tour(&self, doc: DocId) -> Result<Option<Tour>, ReplicaError> {
        Ok(self.held_as(doc, kinds::TOUR.id)?.map(|document| Tour::fold(doc, &document)))
    }

    /// A proposal; `None` when it is not held.
    ///
    /// # Errors
    /// As [`Self::card`].
    pub fn proposal(&self, doc: DocId) -> Result<Option<Proposal>, ReplicaError> {
        let held = self.document(doc)?.filter(|held| held.kind == kinds::PROPOSAL.id);
        Ok(held.and_then(|held| Proposal::fold(doc, held.subject, &held.document)))
    }

    /// A verification; `None` when it is not held.
    ///
    /// # Errors
    /// As [`Self::card`].
    pub fn verification(&self, doc: DocId) -> Result<Option<Verification>, ReplicaError> {
        let held = self.document(doc)?.filter(|held| held.kind == kinds::VERIFICATION.id);
        Ok(held.and_then(|held| Verification::fold(doc, held.subject, &held.document)))
    }

    fn held_as(&self, doc: DocId, kind: &str) -> Result<Option<Document>, ReplicaError> {
        Ok(self.document(doc)?.filter(|held| held.kind == kind).map(|held| held.document))
    }

    /// Everything that was ever asserted of a register, oldest first. `container` and `key` as in `model::edit`: `facts` and a field id,
    /// `entries` and `list/entry/field`, `sets` and `field/element`.
    ///
    /// # Errors
    /// As [`Self::card`].
    pub fn history(&self, doc: DocId, container: &str, key: &str) -> Result<Vec<Line>, ReplicaError> {
        let Some(held) = self.document(doc)? else { return Ok(Vec::new()) };
        let clocks = Clocks::of_document(&held.document);
        let past = held.document.history(container, key);
        Ok(past
            .iter()
            .filter_map(|past| {
                let assertion = Assertion::of_past(past)?;
                Some(Line {
                    value: assertion.value,
                    source: assertion.source.unwrap_or_default(),
                    source_doc: assertion.source_doc,
                    claimed_author: assertion.claimed_author,
                    author: past.change.author,
                    actor: past.change.actor.to_string(),
                    at: clocks.correct(&past.change),
                })
            })
            .collect())
    }

    /// How much waits for headquarters.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn outbox_size(&self) -> Result<OutboxSize, ReplicaError> {
        Ok(self.store.read(|read| read.outbox_size())?)
    }

    /// Own changes that headquarters set aside, with the reasons: shown to their author, exportable, never dropped.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn set_aside_changes(&self, max: usize) -> Result<Vec<OwnChange>, ReplicaError> {
        Ok(self.store.read(|read| read.own_changes(OwnStanding::Quarantined, 0, max))?)
    }

    /// The enrolled device.
    ///
    /// # Errors
    /// [`ReplicaError::NotEnrolled`], [`ReplicaError::Store`].
    pub fn device(&self) -> Result<DeviceId, ReplicaError> {
        let bytes = self.store.read(|read| read.setting(SETTING_DEVICE))?;
        bytes.and_then(|bytes| DeviceId::from_slice(&bytes)).ok_or(ReplicaError::NotEnrolled)
    }

    /// Late records of former holders about this person's customers (前任离线记录), the newest first.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn notices(&self, max: usize) -> Result<Vec<Notice>, ReplicaError> {
        Ok(self.store.read(|read| read.notices(max))?)
    }

    /// Notes that the person has seen them.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn see_notices(&mut self) -> Result<(), ReplicaError> {
        Ok(self.store.write(|write| write.see_notices())?)
    }

    /// Who the user is, as headquarters last told; `None` before the first exchange.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn profile(&self) -> Result<Option<Profile>, ReplicaError> {
        self.store.read(profile)
    }

    /// Minutes east of UTC of the company's calendar.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn offset_minutes(&self) -> Result<i32, ReplicaError> {
        self.store.read(offset_minutes)
    }

    /// Sets the company's calendar where no profile is told: headquarters.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn put_offset_minutes(&mut self, minutes: i32) -> Result<(), ReplicaError> {
        self.store.write(|write| {
            if offset_minutes(write)? != minutes {
                write.drop_setting(SETTING_ROWS)?;
            }
            Ok::<_, ReplicaError>(write.put_setting(SETTING_OFFSET, minutes.to_string().as_bytes())?)
        })?;
        self.bring_rows_up_to_date()
    }
}

pub(crate) fn profile(read: &Reading<'_>) -> Result<Option<Profile>, ReplicaError> {
    let bytes = read.setting(SETTING_PROFILE)?;
    Ok(bytes.and_then(|bytes| minicbor::decode(&bytes).ok()))
}

/// See [`Replica::offset_minutes`].
pub(crate) fn offset_minutes(read: &Reading<'_>) -> Result<i32, ReplicaError> {
    if let Some(profile) = profile(read)? {
        return Ok(profile.offset_minutes);
    }
    let bytes = read.setting(SETTING_OFFSET)?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok()).unwrap_or(OFFSET_MINUTES_DEFAULT))
}
