//! The tour as apps see it. Mirrors of `roadbook_core::model::tour`.

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::tour::{OrderedStop, Pin, Plan, PlannedStop, Skip, StopState, StopVisit, Tour};

use crate::values::Acknowledged;

/// One stop of a plan.
#[uniffi::remote(Record)]
pub struct PlannedStop {
    /// The customer.
    pub stop: SubjectId,
    /// Planned arrival, seconds since local midnight.
    pub arrive_s: Option<i64>,
    /// Planned service time in seconds.
    pub service_s: Option<i64>,
    /// Free text of the planner.
    pub note: Option<String>,
    /// Urgent (急).
    pub urgent: bool,
}

/// A published plan: never changes.
#[uniffi::remote(Record)]
pub struct Plan {
    /// Its id.
    pub revision: EntryId,
    /// The revision it was made from.
    pub parent: Option<EntryId>,
    /// Stops in order.
    pub stops: Vec<PlannedStop>,
    /// Stops that its planner moved.
    pub moved: Vec<SubjectId>,
    /// Pins that its planner cleared.
    pub cleared: Vec<SubjectId>,
    /// Who published it.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
}

/// Where the representative wants a stop.
#[uniffi::remote(Record)]
pub struct Pin {
    /// Dropped right before this stop.
    pub before: Option<SubjectId>,
    /// Dropped right after this stop.
    pub after: Option<SubjectId>,
    /// Plan revision that was shown.
    pub seen: Option<EntryId>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
}

/// What the representative did at a stop.
#[uniffi::remote(Record)]
pub struct StopVisit {
    /// Check-in.
    pub arrived: Ms,
    /// Check-out, when it happened.
    pub left: Option<Ms>,
    /// A code of value set `visit_outcome`.
    pub outcome: Option<String>,
    /// The visit.
    pub visit: Option<DocId>,
    /// Who.
    pub by: Option<UserId>,
}

/// How a stop stands.
#[uniffi::remote(Enum)]
pub enum StopState {
    /// To be visited.
    Open,
    /// Checked in, not yet out.
    InProgress,
    /// Visited.
    Visited,
    /// Visited, though the plan no longer has it (已访,计划已取消).
    VisitedThoughRemoved,
}

/// One stop of the order of the day.
#[uniffi::remote(Record)]
pub struct OrderedStop {
    /// The customer.
    pub stop: SubjectId,
    /// How it stands.
    pub state: StopState,
    /// The plan's details, when the plan has it.
    pub planned: Option<PlannedStop>,
    /// What happened there.
    pub visit: Option<StopVisit>,
    /// Added by the representative.
    pub adhoc: bool,
    /// The representative's place that applies.
    pub pin: Option<Pin>,
    /// The representative's place that the plan overrode.
    pub deviation: Option<Pin>,
}

/// A stop that the representative left out.
#[uniffi::remote(Record)]
pub struct Skip {
    /// The customer.
    pub stop: SubjectId,
    /// A code of value set `skip_reason`.
    pub reason: Option<String>,
    /// Who.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
}

/// One representative's day (路单).
#[uniffi::remote(Record)]
pub struct Tour {
    /// The document.
    pub doc: DocId,
    /// State for editing.
    pub heads: Heads,
    /// Route code.
    pub route: String,
    /// Day, `YYYY-MM-DD`.
    pub day: String,
    /// The representative.
    pub rep: Option<UserId>,
    /// Called off.
    pub cancelled: bool,
    /// The plan in force.
    pub plan: Option<Plan>,
    /// How many revisions were published.
    pub revisions: u32,
    /// Plans published apart that lost to it.
    pub rival_plans: Vec<Plan>,
    /// The order of the day, the same on every device.
    pub stops: Vec<OrderedStop>,
    /// What was left out.
    pub skipped: Vec<Skip>,
    /// Revisions that the representative acknowledged, with when.
    pub acknowledged: Acknowledged,
}
