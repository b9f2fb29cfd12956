//! Writing: cards, visits from check-in to check-out, a tour's progress, proposals. Each is one durable commit of the core.

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{ChangeHash, DocId, SubjectId};
use roadbook_core::model::tour::Tour;
use roadbook_core::model::{Edit, Value};
use roadbook_core::replica::field::{self, Place, VisitDraft};
use roadbook_core::replica::{Replica, ReplicaError, Saved, Target};
use roadbook_core::store::Lane;

use crate::book::Roadbook;
use crate::edge;
use crate::error::RoadbookError;
use crate::values::Parts;

/// What a save did.
#[uniffi::remote(Record)]
pub struct Saved {
    /// The document.
    pub doc: DocId,
    /// The change; none when nothing was different.
    pub change: Option<ChangeHash>,
    /// Its state now: for the next edit of a form that stays open.
    pub heads: Heads,
}

/// Where a device was, as its platform says.
#[uniffi::remote(Record)]
pub struct Place {
    /// Latitude, WGS-84, in 1e-7 degrees.
    pub lat_e7: i64,
    /// Longitude, WGS-84, in 1e-7 degrees.
    pub lon_e7: i64,
    /// Radius of uncertainty in metres.
    pub accuracy_m: i64,
    /// `gps`, `network` …
    pub provider: Option<String>,
    /// The platform says that the position is made up.
    pub mock: bool,
}

/// A visit under way: local to the device until check-out.
#[uniffi::remote(Record)]
pub struct VisitDraft {
    /// The document it will become.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// The tour it belongs to.
    pub tour: Option<DocId>,
    /// Fields so far, by id of the visit's form.
    pub fields: Parts,
}

#[uniffi::export]
impl Roadbook {
    /// Begins a customer's card and returns its id.
    ///
    /// # Errors
    /// `BadField`, `NotEnrolled`, `StorageFull`.
    pub fn new_customer(&self, edits: Vec<Edit>) -> Result<SubjectId, RoadbookError> {
        let customer = SubjectId::fresh(edge::now(), edge::random()?);
        self.save(Target::customer(customer), &edits)?;
        Ok(customer)
    }

    /// Writes into a card. `seen` is the `heads` of the card that the form showed: what arrived meanwhile is merged, never overwritten.
    ///
    /// # Errors
    /// `BadField`, `FormOutdated`, `NotEnrolled`, `StorageFull`.
    pub fn edit_card(&self, customer: SubjectId, seen: Heads, edits: Vec<Edit>) -> Result<Saved, RoadbookError> {
        self.save(Target::customer(customer).seen(seen), &edits)
    }

    /// Asks headquarters for a value that this user may not write: grade, owner, interval.
    ///
    /// # Errors
    /// `BadField`, `NotEnrolled`, `StorageFull`.
    pub fn propose(&self, customer: SubjectId, field: String, value: Value, reason: Option<String>) -> Result<DocId, RoadbookError> {
        self.write(|replica, stamp| {
            let (target, edits) = field::propose(stamp, customer, &field, value, reason.as_deref());
            Ok::<_, ReplicaError>(replica.save(stamp, Lane::Normal, &target, &edits)?.doc)
        })
    }

    /// Begins a visit: a draft that survives a crash and, on a tour, a check-in that headquarters sees at the next exchange.
    ///
    /// # Errors
    /// `NotHere`, `NotEnrolled`, `StorageFull`.
    pub fn check_in(&self, customer: SubjectId, tour: Option<DocId>, place: Option<Place>) -> Result<VisitDraft, RoadbookError> {
        self.write(|replica, stamp| replica.check_in(stamp, customer, tour, place.as_ref()))
    }

    /// Keeps a draft as the form stands: call it whenever a field loses focus.
    ///
    /// # Errors
    /// `StorageFull`.
    pub fn save_draft(&self, draft: VisitDraft) -> Result<(), RoadbookError> {
        Ok(self.hold().save_draft(&draft, edge::now())?)
    }

    /// Gives a visit up that was begun by mistake.
    ///
    /// # Errors
    /// `NotHere`, `StorageFull`.
    pub fn drop_draft(&self, draft: DocId) -> Result<(), RoadbookError> {
        self.write(|replica, stamp| replica.drop_draft(stamp, draft))
    }

    /// Ends a visit: seals it as one change and returns its document.
    ///
    /// # Errors
    /// `BadField` (the draft stays), `StorageFull`.
    pub fn check_out(&self, draft: VisitDraft, place: Option<Place>) -> Result<DocId, RoadbookError> {
        self.write(|replica, stamp| replica.check_out(stamp, &draft, place.as_ref()))
    }

    /// Corrects a field of a sealed visit: the original stays, the amendment is added.
    ///
    /// # Errors
    /// `NotHere`, `StorageFull`.
    pub fn amend_visit(&self, visit: DocId, field: String, value: Value, reason: String) -> Result<(), RoadbookError> {
        self.write(|replica, stamp| replica.amend_visit(stamp, visit, &field, value, &reason))
    }

    /// Moves an open stop of a tour right before, or right after, another one.
    ///
    /// # Errors
    /// `NotHere`, `StorageFull`.
    pub fn pin(
        &self,
        tour: DocId,
        stop: SubjectId,
        before: Option<SubjectId>,
        after: Option<SubjectId>,
        reason: Option<String>,
    ) -> Result<(), RoadbookError> {
        self.on_tour(tour, |tour| field::pin(tour, stop, before, after, reason))
    }

    /// Takes the own place of a stop back.
    ///
    /// # Errors
    /// `NotHere`, `StorageFull`.
    pub fn unpin(&self, tour: DocId, stop: SubjectId) -> Result<(), RoadbookError> {
        self.on_tour(tour, |tour| field::unpin(tour, stop))
    }

    /// Leaves a stop out, with a reason of value set `skip_reason`; none takes that back.
    ///
    /// # Errors
    /// `NotHere`, `StorageFull`.
    pub fn skip(&self, tour: DocId, stop: SubjectId, reason: Option<String>) -> Result<(), RoadbookError> {
        self.on_tour(tour, |tour| field::skip(tour, stop, reason.as_deref()))
    }

    /// Adds a customer to a tour on the user's own account.
    ///
    /// # Errors
    /// `NotHere`, `StorageFull`.
    pub fn add_stop(&self, tour: DocId, stop: SubjectId) -> Result<(), RoadbookError> {
        self.on_tour(tour, |tour| field::add_stop(tour, stop))
    }

    /// Tells headquarters that the plan in force was seen.
    ///
    /// # Errors
    /// `NotHere`, `StorageFull`.
    pub fn acknowledge(&self, tour: DocId) -> Result<(), RoadbookError> {
        self.on_tour(tour, field::acknowledge)
    }
}

impl Roadbook {
    fn save(&self, target: Target, edits: &[Edit]) -> Result<Saved, RoadbookError> {
        self.write(|replica, stamp| replica.save(stamp, Lane::Normal, &target, edits))
    }

    fn on_tour(&self, doc: DocId, work: impl FnOnce(&Tour) -> (Target, Vec<Edit>)) -> Result<(), RoadbookError> {
        self.write(|replica: &mut Replica, stamp| {
            let tour = replica.tour(doc)?.ok_or(ReplicaError::Unknown { what: "tour", doc })?;
            let (target, edits) = work(&tour);
            replica.save(stamp, Lane::Normal, &target, &edits).map(|_saved| ())
        })
    }
}
