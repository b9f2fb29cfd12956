//! The tour: one representative's day. Plans, visits, pins, skips and ad hoc stops are registers; the order is a pure integer
//! function of them, the same on every replica. No sequencing here (see `route`), no SQL.
//!
//! The order is:
//! 1. *visited prefix*: stops that the representative began, by corrected check-in, then stop id; nobody moves them;
//! 2. the stops of the head plan that are open, in plan order, less skipped ones;
//! 3. pins move open stops: before the stop that the representative dropped it before, else after the one it was dropped after.
//!    A pin yields where a plan revision that its writer had not seen moved the same stop: it is then a *deviation*;
//! 4. ad hoc stops at their pin, else at the end.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::card::Said;
use super::clock::Clocks;
use super::value::Value;
use crate::crdt::{Document, Heads};
use crate::ids::{DocId, EntryId, Ms, SubjectId, UserId};

/// Most stops of one plan revision.
pub const STOPS_MAX: usize = 400;
/// Longest chain of revisions that is followed to judge a pin.
const REVISIONS_MAX: usize = 1_000;

/// A stop is a customer's place in a tour: one per customer and tour.
pub type StopId = SubjectId;

/// One stop of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStop {
    /// The customer.
    pub stop: StopId,
    /// Planned arrival, seconds since local midnight.
    pub arrive_s: Option<i64>,
    /// Planned service time in seconds.
    pub service_s: Option<i64>,
    /// Why it is in the tour or where it is: free text of the planner.
    pub note: Option<String>,
    /// Urgent (急).
    pub urgent: bool,
}

/// A published plan: immutable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Its id.
    pub revision: EntryId,
    /// The revision it was made from.
    pub parent: Option<EntryId>,
    /// Stops in order.
    pub stops: Vec<PlannedStop>,
    /// Stops that its planner moved relative to the parent, computed by [`moved`].
    pub moved: Vec<StopId>,
    /// Pins that the planner cleared by name.
    pub cleared: Vec<StopId>,
    /// Who published it.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
}

impl Plan {
    /// The register's value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let ids = |stops: &[StopId]| Value::List(stops.iter().map(|stop| Value::Text(stop.to_string())).collect());
        let stops = self.stops.iter().map(|stop| {
            Value::map([
                ("stop", stop.stop.to_string().into()),
                ("arrive_s", stop.arrive_s.into()),
                ("service_s", stop.service_s.into()),
                ("note", stop.note.clone().into()),
                ("urgent", stop.urgent.then_some(true).into()),
            ])
        });
        Value::map([
            ("parent", self.parent.map(|parent| parent.to_string()).into()),
            ("stops", Value::List(stops.collect())),
            ("moved", ids(&self.moved)),
            ("cleared", ids(&self.cleared)),
        ])
    }

    fn of(revision: EntryId, said: &Said) -> Self {
        let list = |name: &str| said.value.get(name).and_then(Value::as_list).unwrap_or_default();
        let ids = |name: &str| list(name).iter().filter_map(|id| id.as_text()?.parse().ok()).collect::<Vec<StopId>>();
        let mut seen = BTreeSet::new();
        let stops = list("stops").iter().take(STOPS_MAX).filter_map(|stop| {
            Some(PlannedStop {
                stop: stop.get("stop")?.as_text()?.parse().ok()?,
                arrive_s: stop.get("arrive_s").and_then(Value::as_int),
                service_s: stop.get("service_s").and_then(Value::as_int),
                note: stop.get("note").and_then(Value::as_text).map(str::to_owned),
                urgent: stop.get("urgent").and_then(Value::as_bool).unwrap_or(false),
            })
        });
        Self {
            revision,
            parent: said.value.get("parent").and_then(Value::as_text).and_then(|id| id.parse().ok()),
            stops: stops.filter(|stop| seen.insert(stop.stop)).collect(),
            moved: ids("moved"),
            cleared: ids("cleared"),
            by: said.author,
            at: said.written.at,
        }
    }
}

/// Which stops a planner moved: the fewest whose removal leaves both orders alike, by longest increasing subsequence.
/// Stops that are new or gone are not moved.
#[must_use]
pub fn moved(before: &[StopId], after: &[StopId]) -> Vec<StopId> {
    let place: BTreeMap<StopId, usize> = before.iter().enumerate().map(|(at, stop)| (*stop, at)).collect();
    let kept: Vec<(StopId, usize)> = after.iter().filter_map(|stop| place.get(stop).map(|at| (*stop, *at))).collect();
    // Patience: `tails[n]` is the index into `kept` of the smallest end of an increasing run of length n + 1.
    let mut tails: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(kept.len());
    for (index, (_, at)) in kept.iter().enumerate() {
        let length = tails.partition_point(|tail| kept.get(*tail).is_some_and(|(_, other)| other < at));
        previous.push(length.checked_sub(1).and_then(|last| tails.get(last).copied()));
        match tails.get_mut(length) {
            Some(tail) => *tail = index,
            None => tails.push(index),
        }
    }
    let mut stayed = BTreeSet::new();
    let mut cursor = tails.last().copied();
    while let Some(index) = cursor {
        stayed.insert(index);
        cursor = previous.get(index).copied().flatten();
    }
    kept.iter().enumerate().filter(|(index, _)| !stayed.contains(index)).map(|(_, (stop, _))| *stop).collect()
}

/// Where a representative wants a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pin {
    /// Dropped right before this stop.
    pub before: Option<StopId>,
    /// Dropped right after this stop.
    pub after: Option<StopId>,
    /// Plan revision that was shown.
    pub seen: Option<EntryId>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
}

impl Pin {
    /// The register's value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let id = |stop: Option<StopId>| Value::from(stop.map(|stop| stop.to_string()));
        Value::map([
            ("before", id(self.before)),
            ("after", id(self.after)),
            ("seen", self.seen.map(|seen| seen.to_string()).into()),
            ("reason", self.reason.clone().into()),
        ])
    }
    fn of(said: &Said) -> Option<Self> {
        let Value::Map(_) = said.value else { return None };
        let id = |name: &str| said.value.get(name).and_then(Value::as_text);
        Some(Self {
            before: id("before").and_then(|id| id.parse().ok()),
            after: id("after").and_then(|id| id.parse().ok()),
            seen: id("seen").and_then(|id| id.parse().ok()),
            reason: id("reason").map(str::to_owned),
            by: said.author,
            at: said.written.at,
        })
    }
}

/// What the representative did at a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StopVisit {
    /// Check-in, corrected.
    pub arrived: Ms,
    /// Check-out, when it happened.
    pub left: Option<Ms>,
    /// Outcome code of value set `visit_outcome`.
    pub outcome: Option<String>,
    /// The visit document.
    pub visit: Option<DocId>,
    /// Who.
    pub by: Option<UserId>,
}

/// How a stop of the computed order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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

/// One stop of the computed order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderedStop {
    /// The customer.
    pub stop: StopId,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// The customer.
    pub stop: StopId,
    /// Code of value set `skip_reason`.
    pub reason: Option<String>,
    /// Who.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
}

/// A tour, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tour {
    /// The document.
    pub doc: DocId,
    /// State for editing.
    #[serde(skip)]
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
    /// The order.
    pub stops: Vec<OrderedStop>,
    /// What was left out.
    pub skipped: Vec<Skip>,
    /// Revisions that the representative acknowledged, with when.
    pub acknowledged: BTreeMap<EntryId, Ms>,
}

/// Key of the register that names the plan in force.
pub const HEAD: &str = "head";

impl Tour {
    /// Folds a tour document.
    #[must_use]
    pub fn fold(doc: DocId, document: &Document) -> Self {
        let reader = document.reader();
        let clocks = Clocks::of(&reader);
        let plan: BTreeMap<String, Vec<Said>> =
            reader.registers("plan").into_iter().map(|register| (register.key.clone(), Said::rivals(&register, &clocks))).collect();
        let progress: BTreeMap<String, Vec<Said>> =
            reader.registers("progress").into_iter().map(|register| (register.key.clone(), Said::rivals(&register, &clocks))).collect();
        let text = |name: &str| plan.get(name).and_then(|rivals| rivals.first()).and_then(|said| said.value.as_text());

        let plans: BTreeMap<EntryId, Plan> = plan
            .iter()
            .filter_map(|(key, rivals)| {
                let revision = key.strip_prefix("rev/")?.parse().ok()?;
                Some((revision, Plan::of(revision, rivals.last()?)))
            })
            .collect();
        let heads: Vec<Plan> =
            plan.get(HEAD).into_iter().flatten().filter_map(|said| plans.get(&said.value.as_text()?.parse().ok()?).cloned()).collect();
        let (head, rival_plans) = match heads.split_first() {
            Some((head, rest)) => (Some(head.clone()), rest.to_vec()),
            None => (None, Vec::new()),
        };
        let facts = Progress::of(&progress);
        let stops = order(head.as_ref(), &plans, &facts);
        Self {
            doc,
            heads: document.heads(),
            route: text("route").unwrap_or_default().to_owned(),
            day: text("day").unwrap_or_default().to_owned(),
            rep: text("rep").and_then(|rep| rep.parse().ok()),
            cancelled: plan.get("cancelled").and_then(|rivals| rivals.first()).and_then(|said| said.value.as_bool()).unwrap_or(false),
            plan: head,
            revisions: u32::try_from(plans.len()).unwrap_or(u32::MAX),
            rival_plans,
            stops,
            skipped: facts.skips.into_values().collect(),
            acknowledged: facts.acknowledged,
        }
    }
}

/// What the representative recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Visits by stop.
    pub visits: BTreeMap<StopId, StopVisit>,
    /// Pins by stop.
    pub pins: BTreeMap<StopId, Pin>,
    /// Skipped stops.
    pub skips: BTreeMap<StopId, Skip>,
    /// Stops added by the representative, with when.
    pub adhoc: BTreeMap<StopId, Ms>,
    /// Acknowledged revisions.
    pub acknowledged: BTreeMap<EntryId, Ms>,
}

impl Progress {
    fn of(registers: &BTreeMap<String, Vec<Said>>) -> Self {
        let mut progress = Self::default();
        for (key, rivals) in registers {
            let Some((what, id)) = key.split_once('/') else { continue };
            let Some(best) = rivals.first() else { continue };
            if what == "ack" {
                if let Ok(revision) = id.parse() {
                    progress.acknowledged.insert(revision, best.written.at);
                }
                continue;
            }
            let Ok(stop) = id.parse::<StopId>() else { continue };
            match what {
                "visit" => {
                    if let Some(visit) = stop_visit(rivals) {
                        progress.visits.insert(stop, visit);
                    }
                }
                "pin" => {
                    if let Some(pin) = Pin::of(best) {
                        progress.pins.insert(stop, pin);
                    }
                }
                "skip" if !best.value.is_null() => {
                    let reason = best.value.get("reason").and_then(Value::as_text).map(str::to_owned);
                    progress.skips.insert(stop, Skip { stop, reason, by: best.author, at: best.written.at });
                }
                "adhoc" if !best.value.is_null() => {
                    progress.adhoc.insert(stop, best.written.at);
                }
                _ => {}
            }
        }
        progress
    }
}

/// Rival records of one stop are one visit: the earliest arrival, the latest departure with its outcome.
fn stop_visit(rivals: &[Said]) -> Option<StopVisit> {
    // The clock that made the change made its moments too: one correction fits all.
    let corrected = |said: &Said, claimed: i64| {
        let shifted = Ms(claimed).plus(said.written.at.since(said.written.claimed));
        if said.written.unsure { Ms(claimed).max(said.written.at) } else { shifted }
    };
    let arrived = |said: &Said| said.value.get("arrived").and_then(Value::as_int).map_or(said.written.at, |at| corrected(said, at));
    let left = |said: &Said| said.value.get("left").and_then(Value::as_int).map(|at| corrected(said, at));
    let first = rivals.iter().filter(|said| !said.value.is_null()).min_by_key(|said| (arrived(said), said.op.clone()))?;
    let last = rivals.iter().filter(|said| left(said).is_some()).max_by_key(|said| (left(said), said.op.clone()));
    let text = |name: &str| last.unwrap_or(first).value.get(name).and_then(Value::as_text);
    Some(StopVisit {
        arrived: arrived(first),
        left: last.and_then(left),
        outcome: text("outcome").map(str::to_owned),
        visit: text("visit").and_then(|id| id.parse().ok()),
        by: first.author,
    })
}

/// The order: see the head of this file.
#[must_use]
pub fn order(head: Option<&Plan>, plans: &BTreeMap<EntryId, Plan>, progress: &Progress) -> Vec<OrderedStop> {
    let planned: BTreeMap<StopId, &PlannedStop> =
        head.into_iter().flat_map(|plan| plan.stops.iter()).map(|stop| (stop.stop, stop)).collect();
    let make = |stop: StopId| {
        let visit = progress.visits.get(&stop).cloned();
        let adhoc = progress.adhoc.contains_key(&stop) && !planned.contains_key(&stop);
        let state = match &visit {
            None => StopState::Open,
            Some(_) if !adhoc && head.is_some() && !planned.contains_key(&stop) => StopState::VisitedThoughRemoved,
            Some(visit) if visit.left.is_none() => StopState::InProgress,
            Some(_) => StopState::Visited,
        };
        OrderedStop { stop, state, planned: planned.get(&stop).map(|stop| (*stop).clone()), visit, adhoc, pin: None, deviation: None }
    };

    let mut prefix: Vec<(Ms, StopId)> = progress.visits.iter().map(|(stop, visit)| (visit.arrived, *stop)).collect();
    prefix.sort_unstable();
    let mut stops: Vec<OrderedStop> = prefix.into_iter().map(|(_, stop)| make(stop)).collect();
    let fixed = stops.len();

    let open = |stop: &StopId| !progress.visits.contains_key(stop) && !progress.skips.contains_key(stop);
    let tail = head.into_iter().flat_map(|plan| plan.stops.iter()).map(|stop| stop.stop).filter(open);
    stops.extend(tail.map(make));
    let mut added: Vec<(Ms, StopId)> = progress.adhoc.iter().map(|(stop, at)| (*at, *stop)).collect();
    added.sort_unstable();
    stops.extend(added.into_iter().map(|(_, stop)| stop).filter(|stop| open(stop) && !planned.contains_key(stop)).map(make));

    let mut pins: Vec<(&StopId, &Pin)> = progress.pins.iter().filter(|(stop, _)| open(stop)).collect();
    pins.sort_by_key(|(stop, pin)| (pin.at, **stop));
    for (stop, pin) in pins {
        let Some(from) = stops.iter().position(|other| other.stop == *stop) else { continue };
        if overridden(*stop, pin, head, plans) {
            if let Some(entry) = stops.get_mut(from) {
                entry.deviation = Some(pin.clone());
            }
            continue;
        }
        let mut entry = stops.remove(from);
        entry.pin = Some(pin.clone());
        let place = |anchor: Option<StopId>| anchor.and_then(|anchor| stops.iter().position(|other| other.stop == anchor));
        let before = place(pin.before).filter(|at| *at >= fixed);
        let after = place(pin.after).map(|at| (at + 1).max(fixed));
        let to = before.or(after).unwrap_or(from).min(stops.len());
        stops.insert(to, entry);
    }
    stops
}

/// Whether a plan revision that the pin's writer had not seen moved the stop, or cleared the pin.
fn overridden(stop: StopId, pin: &Pin, head: Option<&Plan>, plans: &BTreeMap<EntryId, Plan>) -> bool {
    let mut plan = head;
    for _ in 0..REVISIONS_MAX {
        let Some(revision) = plan else { return false };
        if Some(revision.revision) == pin.seen {
            return false;
        }
        if revision.moved.contains(&stop) || revision.cleared.contains(&stop) {
            return true;
        }
        plan = revision.parent.and_then(|parent| plans.get(&parent));
    }
    false
}

#[cfg(test)]
#[path = "tour_tests.rs"]
mod tests;
