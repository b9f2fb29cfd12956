//! Hand-over of customers (客户移交): some cards of a leaver go to one person, others to the pool. One record, with a checklist a card:
//! what was promised and is still open, what is placed there, which facts have grown stale, what waits for a decision. Stops of
//! future tours follow the cards. What is personal stays with whoever may read it: scopes decide, not this room.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use roadbook_core::ids::{DocId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::card::Card;
use roadbook_core::model::tour::{PlannedStop, Tour};
use roadbook_core::model::{Edit, Provenance, Source, Value};
use roadbook_core::replica::field::{self, TourKey, Work};
use roadbook_core::replica::{Replica, ReplicaError, Stamp, Target};
use roadbook_core::store::rows::{CustomerFilter, CustomerOrder, ProposalState};
use serde::{Deserialize, Serialize};

/// Cards of one hand-over, at most.
pub const CARDS_MAX: usize = 5_000;
/// Days ahead in which planned stops follow.
const TOURS_AHEAD_DAYS: u64 = 60;
/// Fields named in a checklist, at most.
const STALE_MAX: usize = 20;

/// Why a hand-over cannot be worked out.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// Who leaves is who takes over.
    #[error("customers cannot be handed over from a person to the same person: name somebody else who takes over, or nobody for the pool")]
    ToThemselves,
    /// The replica cannot be read.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl From<roadbook_core::store::StoreError> for TransferError {
    fn from(error: roadbook_core::store::StoreError) -> Self {
        Self::Replica(error.into())
    }
}

/// What is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who leaves.
    pub leaver: UserId,
    /// Who takes over; `None`: everything goes to the pool.
    pub winner: Option<UserId>,
    /// Cards that go to the pool (no owner) instead.
    pub pool: BTreeSet<SubjectId>,
    /// Only these cards; empty: all of the leaver's.
    pub only: BTreeSet<SubjectId>,
    /// Only cards of these territories; empty: of any.
    pub territories: Vec<TerritoryId>,
}

/// What to look after at one card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardCheck {
    /// The customer.
    pub customer: SubjectId,
    /// Its name.
    pub name: String,
    /// It has no owner from now on.
    pub to_pool: bool,
    /// Promises that are not kept yet, with their dates.
    pub promises: Vec<String>,
    /// What is placed there, where it is known, with the counted or moved quantity.
    pub placed: Vec<String>,
    /// Ids of facts that were not confirmed in time.
    pub stale: Vec<String>,
    /// Matters and proposals that wait for a decision.
    pub open_matters: usize,
    /// The last visit.
    pub last_visit: Option<Ms>,
    /// Planned stops that follow.
    pub stops: usize,
}

/// A hand-over, worked out and not yet done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The checklists.
    pub cards: Vec<CardCheck>,
    /// What is written: owners, and tours.
    pub work: Work,
}

/// Works a hand-over out from what headquarters holds.
///
/// # Errors
/// [`TransferError::ToThemselves`]; [`TransferError::Replica`] when the replica cannot be read.
pub fn plan(replica: &Replica, stamp: &Stamp, today: NaiveDate, wanted: &Wanted) -> Result<Plan, TransferError> {
    if wanted.winner == Some(wanted.leaver) {
        return Err(TransferError::ToThemselves);
    }
    let mut cards = Vec::new();
    let mut work: Work = Vec::new();
    for customer in owned(replica, wanted)? {
        let Some(card) = replica.card(customer)? else { continue };
        let to_pool = wanted.winner.is_none() || wanted.pool.contains(&customer);
        let owner = wanted.winner.filter(|_| !to_pool).map_or(Value::Null, |winner| winner.to_string().into());
        let edit = Edit::Assert { field: "owner".to_owned(), value: owner, provenance: Provenance::of(Source::Office) };
        work.push((Target::office(customer), vec![edit]));
        cards.push(check(replica, &card, stamp.now, to_pool)?);
    }
    let moving: BTreeMap<SubjectId, bool> = cards.iter().map(|card| (card.customer, card.to_pool)).collect();
    let tours = tours(replica, stamp, today, wanted, &moving)?;
    for stop in tours.followed {
        if let Some(card) = cards.iter_mut().find(|card| card.customer == stop) {
            card.stops += 1;
        }
    }
    work.extend(tours.work);
    Ok(Plan { cards, work })
}

/// The leaver's cards that are asked for, by name; the bound counts those, not the ones that were looked at on the way.
fn owned(replica: &Replica, wanted: &Wanted) -> Result<Vec<SubjectId>, ReplicaError> {
    let filter = CustomerFilter { owner: Some(wanted.leaver), territories: wanted.territories.clone(), ..CustomerFilter::default() };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = replica.store().read(|read| read.customers(&filter, CustomerOrder::Name, after.as_ref(), 200))?;
        // The list has the leaver's substitutions too: those cards stay with their owners.
        let own = page.lines.into_iter().filter(|line| line.owner == Some(wanted.leaver)).map(|line| line.subject);
        found.extend(own.filter(|customer| wanted.only.is_empty() || wanted.only.contains(customer)));
        after = page.next;
        if after.is_none() || found.len() >= CARDS_MAX {
            break;
        }
    }
    found.truncate(CARDS_MAX);
    Ok(found)
}

fn check(replica: &Replica, card: &Card, now: Ms, to_pool: bool) -> Result<CardCheck, ReplicaError> {
    let shown = |fields: &BTreeMap<String, roadbook_core::model::card::Fact>, field: &str| match fields.get(field).map(|fact| &fact.value) {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_)) | None => String::new(),
    };
    let entries = |list: &str| card.lists.get(list).into_iter().flatten();
    let open = entries("promises").filter(|entry| !matches!(shown(&entry.fields, "state").as_str(), "done" | "cancelled"));
    let promises =
        open.map(|entry| format!("{} {}", shown(&entry.fields, "what"), shown(&entry.fields, "due")).trim().to_owned()).collect();
    let quantity = |entry: &roadbook_core::model::card::Entry| {
        let counted = shown(&entry.fields, "counted");
        if counted.is_empty() { shown(&entry.fields, "moved") } else { counted }
    };
    let placed = entries("placed_units").map(|entry| format!("{} {}", shown(&entry.fields, "what"), quantity(entry)).trim().to_owned());
    let stale = card.facts.iter().filter(|(_, fact)| fact.fresh_until.is_some_and(|until| until < now)).map(|(field, _)| field.clone());
    let line = replica.store().read(|read| read.customer(card.subject))?;
    let proposals = replica.store().read(|read| read.proposals(ProposalState::Open, Some(card.subject), 0, 100))?;
    Ok(CardCheck {
        customer: card.subject,
        name: card.text("trade_name").unwrap_or_default().to_owned(),
        to_pool,
        promises,
        placed: placed.collect(),
        stale: stale.take(STALE_MAX).collect(),
        open_matters: card.reviews.len() + proposals.len(),
        last_visit: line.and_then(|line| line.last_visit),
        stops: 0,
    })
}

struct Followed {
    work: Work,
    followed: Vec<SubjectId>,
}

/// What becomes of one tour.
struct Changing {
    key: TourKey,
    before: Option<Tour>,
    stops: Vec<PlannedStop>,
}

/// Stops of tours from today on leave the leaver's tours; those of cards that go to somebody join that person's tour of the day. Each tour is
/// published once, whatever happens to it.
fn tours(
    replica: &Replica,
    stamp: &Stamp,
    today: NaiveDate,
    wanted: &Wanted,
    moving: &BTreeMap<SubjectId, bool>,
) -> Result<Followed, ReplicaError> {
    let mut followed = Vec::new();
    let mut changing: BTreeMap<DocId, Changing> = BTreeMap::new();
    let until = today.checked_add_days(chrono::Days::new(TOURS_AHEAD_DAYS)).unwrap_or(today);
    for line in replica.store().read(|read| read.tours(today, until, Some(wanted.leaver)))? {
        let Some(tour) = replica.tour(line.tour.doc)? else { continue };
        let Some(plan) = &tour.plan else { continue };
        let begun: BTreeSet<SubjectId> = tour.stops.iter().filter(|stop| stop.visit.is_some()).map(|stop| stop.stop).collect();
        let goes = |stop: &PlannedStop| moving.contains_key(&stop.stop) && !begun.contains(&stop.stop);
        let (gone, left): (Vec<PlannedStop>, Vec<PlannedStop>) = plan.stops.iter().cloned().partition(goes);
        if gone.is_empty() {
            continue;
        }
        followed.extend(gone.iter().map(|stop| stop.stop));
        let (day, route) = (line.tour.day, tour.route.clone());
        let key = TourKey { route: route.clone(), day, rep: wanted.leaver };
        changing.insert(tour.doc, Changing { key, before: Some(tour), stops: left });
        let joining: Vec<PlannedStop> = gone.into_iter().filter(|stop| moving.get(&stop.stop) == Some(&false)).collect();
        let Some(winner) = wanted.winner.filter(|_| !joining.is_empty()) else { continue };
        let begun_here = changing.iter().find(|(_, other)| other.key.rep == winner && other.key.day == day).map(|(doc, _)| *doc);
        let (doc, theirs) = match begun_here.and_then(|doc| changing.remove_entry(&doc)) {
            Some(known) => known,
            None => winners_tour(replica, winner, day, route)?,
        };
        let stops = &mut changing.entry(doc).or_insert(theirs).stops;
        for stop in joining {
            if stops.iter().all(|there| there.stop != stop.stop) {
                stops.push(stop);
            }
        }
    }
    let work = (1_u32..).zip(changing.into_values()).map(|(n, tour)| {
        let own = Stamp { entropy: stamp.piece(n), ..*stamp };
        field::publish(&own, &tour.key, tour.before.as_ref(), &tour.stops, None, &[])
    });
    Ok(Followed { work: work.collect(), followed })
}

/// The tour of a day that stops join: the one that there is, else a new one on the route that they come from.
fn winners_tour(replica: &Replica, winner: UserId, day: NaiveDate, route: String) -> Result<(DocId, Changing), ReplicaError> {
    let theirs = replica.store().read(|read| read.tours(day, day, Some(winner)))?;
    let before = match theirs.first() {
        Some(line) => replica.tour(line.tour.doc)?,
        None => None,
    };
    let route = before.as_ref().map_or(route, |before| before.route.clone());
    let stops = before.as_ref().and_then(|before| before.plan.as_ref()).map(|plan| plan.stops.clone()).unwrap_or_default();
    let key = TourKey { route, day, rep: winner };
    let doc = before.as_ref().map_or_else(|| key.doc(), |before| before.doc);
    Ok((doc, Changing { key, before, stops }))
}

/// The record of a hand-over as it is kept: the checklists as JSON.
#[must_use]
pub fn record(cards: &[CardCheck]) -> String {
    // Texts, numbers and ids: writing them cannot fail.
    serde_json::to_string(cards).unwrap_or_default()
}

/// The checklists of a [`record`]; none when it cannot be read.
#[must_use]
pub fn recorded(list: &str) -> Vec<CardCheck> {
    serde_json::from_str(list).unwrap_or_default()
}
