//! Field work: visits from check-in to check-out, a tour's progress and plans, proposals and verifications.
//! Each builder returns [`Work`]: documents and edits, which a phone saves and headquarters hands to its feed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::documents::{Prepared, Target};
use super::sequencing::point;
use super::{Replica, ReplicaError, Stamp};
use crate::ids::{DocId, EntryId, Ms, SubjectId, UserId};
use crate::model::card::Card;
use crate::model::edit::{Edit, Provenance};
use crate::model::manifest::MANIFEST;
use crate::model::proposal::what;
use crate::model::tour::{HEAD, Pin, Plan, PlannedStop, StopId, StopVisit, Tour, moved};
use crate::model::value::Value;
use crate::model::visit::INSIDE_METRES;
use crate::model::{kinds, visit};
use crate::route::metres_between;
use crate::store::{Draft, Lane, Reading};

/// Documents to write together, each with its edits.
pub type Work = Vec<(Target, Vec<Edit>)>;

/// Where a device was, as its platform says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitDraft {
    /// The document it will become.
    pub doc: DocId,
    /// The customer.
    pub customer: SubjectId,
    /// The tour it belongs to.
    pub tour: Option<DocId>,
    /// Body fields so far.
    pub fields: BTreeMap<String, Value>,
}

impl VisitDraft {
    fn stored(&self, now: Ms) -> Result<Draft, ReplicaError> {
        let body = serde_json::to_vec(self).map_err(|_| ReplicaError::DamagedDraft { doc: self.doc })?;
        Ok(Draft { doc: self.doc, subject: self.customer, saved_at: now, body })
    }
    fn of(draft: &Draft) -> Result<Self, ReplicaError> {
        serde_json::from_slice(&draft.body).map_err(|_| ReplicaError::DamagedDraft { doc: draft.doc })
    }
}

fn assert(field: &str, value: Value) -> Edit {
    Edit::Assert { field: field.to_owned(), value, provenance: Provenance::default() }
}
fn put(container: &str, key: String, value: Value) -> Edit {
    Edit::Put { container: container.to_owned(), key, value }
}

/// A check-in or check-out as it is recorded: device time, position, distance to the card's position.
#[must_use]
pub fn stamp_value(now: Ms, place: Option<&Place>, shop: Option<(i64, i64)>) -> Value {
    let distance = place.and_then(|place| {
        let (here, shop) = (point((place.lat_e7, place.lon_e7))?, point(shop?)?);
        Some(i64::from(metres_between(here, shop)))
    });
    let label = match (place, distance) {
        (Some(place), _) if place.mock => "mock_suspected",
        (Some(place), Some(metres)) if metres <= INSIDE_METRES.saturating_add(place.accuracy_m.clamp(0, INSIDE_METRES)) => "inside",
        (Some(_), Some(_)) => "outside",
        _ => "unverified",
    };
    Value::map([
        ("claimed", Value::Int(now.0)),
        ("lat", place.map(|place| place.lat_e7).into()),
        ("lon", place.map(|place| place.lon_e7).into()),
        ("accuracy_m", place.map(|place| place.accuracy_m).into()),
        ("provider", place.and_then(|place| place.provider.clone()).into()),
        ("mock", place.and_then(|place| place.mock.then_some(true)).into()),
        ("distance_m", distance.into()),
        ("label", label.into()),
    ])
}

/// Publishes a plan for a tour. `before` is the tour as the planner saw it; `moved_by_hand` are the stops that the planner
/// dragged, `None` to work them out from the difference.
#[must_use]
pub fn publish(
    stamp: &Stamp,
    tour: &TourKey,
    before: Option<&Tour>,
    stops: &[PlannedStop],
    moved_by_hand: Option<&[StopId]>,
    cleared: &[StopId],
) -> (Target, Vec<Edit>) {
    let revision = EntryId::fresh(stamp.now, stamp.piece(0));
    let parent = before.and_then(|tour| tour.plan.as_ref());
    let ids = |stops: &[PlannedStop]| stops.iter().map(|stop| stop.stop).collect::<Vec<_>>();
    let worked_out = || parent.map(|plan| moved(&ids(&plan.stops), &ids(stops))).unwrap_or_default();
    let plan = Plan {
        revision,
        parent: parent.map(|plan| plan.revision),
        stops: stops.to_vec(),
        moved: moved_by_hand.map_or_else(worked_out, <[StopId]>::to_vec),
        cleared: cleared.to_vec(),
        by: Some(stamp.author),
        at: stamp.now,
    };
    let mut edits = Vec::new();
    if before.is_none() {
        edits.push(put("plan", "route".to_owned(), tour.route.as_str().into()));
        edits.push(put("plan", "day".to_owned(), tour.day.to_string().into()));
        edits.push(put("plan", "rep".to_owned(), tour.rep.to_string().into()));
    }
    edits.push(put("plan", format!("rev/{revision}"), plan.to_value()));
    edits.push(put("plan", HEAD.to_owned(), revision.to_string().into()));
    let target = Target::tour(tour.doc());
    (before.map_or(target.clone(), |seen| target.seen(seen.heads.clone())), edits)
}

/// What makes a tour the same on every replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TourKey {
    /// Route code.
    pub route: String,
    /// Day.
    pub day: chrono::NaiveDate,
    /// The representative.
    pub rep: UserId,
}

impl TourKey {
    /// The document.
    #[must_use]
    pub fn doc(&self) -> DocId {
        DocId::tour(&self.route, self.day, self.rep)
    }
}

/// Moves an open stop of a tour: the representative's own place for it.
#[must_use]
pub fn pin(tour: &Tour, stop: StopId, before: Option<StopId>, after: Option<StopId>, reason: Option<String>) -> (Target, Vec<Edit>) {
    let seen = tour.plan.as_ref().map(|plan| plan.revision);
    let pin = Pin { before, after, seen, reason, by: None, at: Ms(0) };
    progress(tour, vec![put("progress", format!("pin/{stop}"), pin.to_value())])
}

/// Takes a representative's own place for a stop back.
#[must_use]
pub fn unpin(tour: &Tour, stop: StopId) -> (Target, Vec<Edit>) {
    progress(tour, vec![put("progress", format!("pin/{stop}"), Value::Null)])
}

/// Leaves a stop out, with a reason of value set `skip_reason`; `None` takes that back.
#[must_use]
pub fn skip(tour: &Tour, stop: StopId, reason: Option<&str>) -> (Target, Vec<Edit>) {
    let value = reason.map_or(Value::Null, |reason| Value::map([("reason", reason.into())]));
    progress(tour, vec![put("progress", format!("skip/{stop}"), value)])
}

/// Adds a customer to the tour on the representative's own account.
#[must_use]
pub fn add_stop(tour: &Tour, stop: StopId) -> (Target, Vec<Edit>) {
    progress(tour, vec![put("progress", format!("adhoc/{stop}"), Value::Bool(true))])
}

/// Acknowledges the plan that is shown.
#[must_use]
pub fn acknowledge(tour: &Tour) -> (Target, Vec<Edit>) {
    let edits = tour.plan.iter().map(|plan| put("progress", format!("ack/{}", plan.revision), Value::Bool(true)));
    progress(tour, edits.collect())
}

fn progress(tour: &Tour, edits: Vec<Edit>) -> (Target, Vec<Edit>) {
    (Target::tour(tour.doc).seen(tour.heads.clone()), edits)
}

/// Asks for a value of the office side that the author may not write.
#[must_use]
pub fn propose(stamp: &Stamp, customer: SubjectId, field: &str, value: Value, reason: Option<&str>) -> (Target, Vec<Edit>) {
    let doc = DocId::fresh(stamp.now, stamp.piece(1));
    let edits = vec![
        assert("what", what::OFFICE_FIELD.into()),
        assert("field", field.into()),
        assert("value", value),
        assert("reason", reason.into()),
    ];
    (Target::about(customer, &kinds::PROPOSAL, doc), edits)
}

/// Decides a proposal: `decision` of value set `decision`.
#[must_use]
pub fn decide(proposal: &crate::model::proposal::Proposal, decision: &str, reason: Option<&str>) -> (Target, Vec<Edit>) {
    let value = Value::map([("decision", decision.into()), ("reason", reason.into())]);
    let target = Target::about(proposal.customer, &kinds::PROPOSAL, proposal.doc).seen(proposal.heads.clone());
    (target, vec![put("decision", "decision".to_owned(), value)])
}

/// What an entitled person verified about a field of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The field.
    pub field: String,
    /// The value that holds.
    pub value: Value,
    /// The assertion that was looked at.
    pub op: Option<String>,
    /// When that was observed.
    pub observed: Option<Ms>,
    /// Code of value set `decision`: `accept`, `reject`, `keep`.
    pub decision: String,
    /// Code of value set `verify_method`.
    pub method: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Attests a judgement, also offline: headquarters applies it.
#[must_use]
pub fn verify(stamp: &Stamp, card: &Card, judgement: &Judgement) -> (Target, Vec<Edit>) {
    let doc = DocId::fresh(stamp.now, stamp.piece(2));
    let heads: Vec<String> = card.office_heads.hashes().iter().map(ToString::to_string).collect();
    let edits = vec![
        assert("field", judgement.field.as_str().into()),
        assert("value", judgement.value.clone()),
        assert("op", judgement.op.clone().into()),
        assert("observed", judgement.observed.map(|at| at.0).into()),
        assert("office_heads", heads.join(" ").into()),
        assert("decision", judgement.decision.as_str().into()),
        assert("method", judgement.method.clone().into()),
        assert("reason", judgement.reason.clone().into()),
    ];
    let given = |edit: &Edit| !matches!(edit, Edit::Assert { value, .. } if value.is_null());
    (Target::about(card.subject, &kinds::VERIFICATION, doc), edits.into_iter().filter(given).collect())
}

/// Refuses what would bring back a visit that is not under way on this device any more.
fn under_way(read: &Reading<'_>, doc: DocId) -> Result<(), ReplicaError> {
    if read.draft(doc)?.is_some() {
        return Ok(());
    }
    Err(if read.holding(doc)?.is_some() { ReplicaError::Sealed { doc } } else { ReplicaError::Unknown { what: "draft", doc } })
}

/// The visit at a stop of a tour.
fn visit_at(tour: &Tour, customer: SubjectId) -> Option<&StopVisit> {
    tour.stops.iter().find(|stop| stop.stop == customer)?.visit.as_ref()
}

impl Replica {
    /// Begins a visit: a draft that survives a crash, and, on a tour, a check-in that headquarters sees at the next exchange.
    ///
    /// # Errors
    /// [`ReplicaError::Unknown`] when the card or tour is not held, [`ReplicaError::Store`].
    pub fn check_in(
        &mut self,
        stamp: &Stamp,
        customer: SubjectId,
        tour: Option<DocId>,
        place: Option<&Place>,
    ) -> Result<VisitDraft, ReplicaError> {
        if self.store().read(|read| read.holding(customer.customer()))?.is_none() {
            return Err(ReplicaError::Unknown { what: "customer", doc: customer.customer() });
        }
        let shop = self.place_of(customer)?;
        let doc = DocId::fresh(stamp.now, stamp.piece(3));
        let mut fields = BTreeMap::new();
        fields.insert("customer".to_owned(), Value::from(customer.to_string()));
        fields.insert("rep".to_owned(), stamp.author.to_string().into());
        fields.insert("check_in".to_owned(), stamp_value(stamp.now, place, shop));
        if let Some(tour) = tour {
            fields.insert("tour".to_owned(), tour.to_string().into());
        }
        let draft = VisitDraft { doc, customer, tour, fields };
        let mut work = Work::new();
        let tour = tour.map(|doc| self.tour(doc)?.ok_or(ReplicaError::Unknown { what: "tour", doc })).transpose()?;
        // A stop that was left stays so, whatever becomes of a second visit.
        if let Some(tour) = tour.filter(|tour| visit_at(tour, customer).is_none_or(|visit| visit.left.is_none())) {
            let value = Value::map([("arrived", Value::Int(stamp.now.0)), ("visit", doc.to_string().into())]);
            work.push(progress(&tour, vec![put("progress", format!("visit/{customer}"), value)]));
        }
        let stored = draft.stored(stamp.now)?;
        self.commit(stamp, Lane::Normal, &work, |write| Ok(write.put_draft(&stored)?))?;
        Ok(draft)
    }

    /// Where a customer is, in degrees × 10⁷, as its row says: to open the card for this would take longer than the whole save.
    fn place_of(&self, customer: SubjectId) -> Result<Option<(i64, i64)>, ReplicaError> {
        let line = self.store().read(|read| read.customer(customer))?;
        Ok(line.and_then(|line| Some((i64::from(line.lat_e7?), i64::from(line.lon_e7?)))))
    }

    /// Keeps a draft as the form stands. A form that speaks late does not bring back what was checked out or given up.
    ///
    /// # Errors
    /// [`ReplicaError::Sealed`] after check-out, [`ReplicaError::Unknown`] when the visit was given up, [`ReplicaError::Store`].
    pub fn save_draft(&mut self, draft: &VisitDraft, now: Ms) -> Result<(), ReplicaError> {
        let stored = draft.stored(now)?;
        self.store_mut().write(|write| {
            under_way(write, draft.doc)?;
            Ok(write.put_draft(&stored)?)
        })
    }

    /// Visits under way on this device.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::DamagedDraft`].
    pub fn drafts(&self) -> Result<Vec<VisitDraft>, ReplicaError> {
        self.store().read(|read| read.drafts())?.iter().map(VisitDraft::of).collect()
    }

    /// One visit under way.
    ///
    /// # Errors
    /// [`ReplicaError::Unknown`], [`ReplicaError::Store`], [`ReplicaError::DamagedDraft`].
    pub fn draft(&self, doc: DocId) -> Result<VisitDraft, ReplicaError> {
        let draft = self.store().read(|read| read.draft(doc))?.ok_or(ReplicaError::Unknown { what: "draft", doc })?;
        VisitDraft::of(&draft)
    }

    /// Gives a visit up that was begun by mistake. A check-in on a tour is taken back. Of one that was checked out meanwhile (on a copy of
    /// this phone) the draft alone goes.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn drop_draft(&mut self, stamp: &Stamp, doc: DocId) -> Result<(), ReplicaError> {
        let draft = self.draft(doc)?;
        if self.store().read(|read| read.holding(doc))?.is_some() {
            return Ok(self.store_mut().write(|write| write.drop_draft(doc).map(drop))?);
        }
        let mut work = Work::new();
        if let Some(tour) = draft.tour.map(|tour| self.tour(tour)).transpose()?.flatten()
            && visit_at(&tour, draft.customer).is_some_and(|visit| visit.visit == Some(doc))
        {
            work.push(progress(&tour, vec![put("progress", format!("visit/{}", draft.customer), Value::Null)]));
        }
        let photos: Vec<_> = self.store().read(|read| read.blobs_of(doc))?.iter().map(|name| (doc, name.hash)).collect();
        let mut gone = Vec::new();
        self.commit(stamp, Lane::Normal, &work, |write| {
            gone = write.drop_blob_names(&photos)?;
            write.drop_draft(doc)?;
            Ok(())
        })?;
        // It is given up, whatever a folder says: what stays in it is swept at the next start.
        let _swept_later = self.remove_photo_files(&gone);
        Ok(())
    }

    /// Ends a visit: one change writes its body and seals it; the draft goes in the same commit. Returns the visit's document.
    ///
    /// # Errors
    /// [`ReplicaError::Sealed`] when it was checked out before, [`ReplicaError::Unknown`] when there is no such draft,
    /// [`ReplicaError::Edit`] when a field is not what the schema takes (the draft stays), [`ReplicaError::Store`].
    pub fn check_out(&mut self, stamp: &Stamp, draft: &VisitDraft, place: Option<&Place>) -> Result<DocId, ReplicaError> {
        self.store().read(|read| under_way(read, draft.doc))?;
        let prepared = self.store().read(|_| self.prepare_check_out(stamp, draft, place))?;
        self.keep_own(stamp, Lane::Normal, &prepared, |write| {
            write.drop_draft(draft.doc)?;
            Ok(())
        })?;
        Ok(draft.doc)
    }

    fn prepare_check_out(&self, stamp: &Stamp, draft: &VisitDraft, place: Option<&Place>) -> Result<Vec<Option<Prepared>>, ReplicaError> {
        let shop = self.place_of(draft.customer)?;
        let mut fields = draft.fields.clone();
        fields.insert("check_out".to_owned(), stamp_value(stamp.now, place, shop));
        let recorded_no = self.store().read(|read| read.recorded_no())?.saturating_add(1);
        if let Some(manifest) = self.manifest_value(draft.doc)? {
            fields.insert(MANIFEST.to_owned(), manifest);
        }
        fields.insert("recorded_no".to_owned(), Value::Int(i64::try_from(recorded_no).unwrap_or(i64::MAX)));
        let edits = fields.iter().filter(|(_, value)| !value.is_null()).map(|(field, value)| assert(field, value.clone())).collect();
        let mut work = vec![(Target::about(draft.customer, &kinds::VISIT, draft.doc), edits)];
        if let Some(tour) = draft.tour.map(|tour| self.tour(tour)).transpose()?.flatten() {
            let arrived = draft.fields.get("check_in").and_then(|stamp| stamp.get("claimed")).cloned().unwrap_or_default();
            let value = Value::map([
                ("arrived", arrived),
                ("left", Value::Int(stamp.now.0)),
                ("outcome", draft.fields.get("outcome").cloned().unwrap_or_default()),
                ("visit", draft.doc.to_string().into()),
            ]);
            work.push(progress(&tour, vec![put("progress", format!("visit/{}", draft.customer), value)]));
        }
        self.prepare_all(stamp, &work)
    }

    /// Corrects a field of a sealed visit: the original stays, the amendment is added.
    ///
    /// # Errors
    /// [`ReplicaError::Unknown`], [`ReplicaError::Store`].
    pub fn amend_visit(&mut self, stamp: &Stamp, doc: DocId, field: &str, value: Value, reason: &str) -> Result<(), ReplicaError> {
        let visit = self.visit(doc)?.ok_or(ReplicaError::Unknown { what: "visit", doc })?;
        let entry = EntryId::fresh(stamp.now, stamp.piece(4));
        let value = Value::map([("field", field.into()), ("value", value), ("reason", reason.into())]);
        let edit = Edit::Record { log: "amendments".to_owned(), entry, value };
        self.save(stamp, Lane::Normal, &Target::about(visit.customer, &kinds::VISIT, doc), &[edit])?;
        Ok(())
    }

    /// Says that a visit is the same as another one, entered twice; `None` takes that back.
    ///
    /// # Errors
    /// [`ReplicaError::Unknown`], [`ReplicaError::Store`].
    pub fn join_visits(&mut self, stamp: &Stamp, doc: DocId, same_as: Option<DocId>) -> Result<(), ReplicaError> {
        let visit = self.visit(doc)?.ok_or(ReplicaError::Unknown { what: "visit", doc })?;
        let edit = put("notes", visit::SAME_AS.to_owned(), same_as.map(|other| other.to_string()).into());
        self.save(stamp, Lane::Normal, &Target::about(visit.customer, &kinds::VISIT, doc), &[edit])?;
        Ok(())
    }
}
