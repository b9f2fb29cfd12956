//! Ways in, for devices: every part of every kind written by every role in every place, into documents that exist and into new
//! ones, from devices in every state. What the table allows is accepted, everything else is set aside; nothing else changes.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;
use roadbook_core::crdt::Document;
use roadbook_core::crdt::gate::Gate;
use roadbook_core::exchange::{Order, Outcome, Pushed, Request};
use roadbook_core::ids::{ChangeHash, DocId, SubjectId};
use roadbook_core::model::person::STAKEHOLDER;
use roadbook_core::model::{Edit, Kind, Provenance, Value, kinds};
use roadbook_core::replica::field::TourKey;
use roadbook_core::signing::SYNC_PATH;
use roadbook_server::access::table::SYSTEM_PART;
use roadbook_server::access::{Action, Relation, may};
use roadbook_server::feed::Batch;

use super::company::{Company, Place, Seat, begun, stakeholder, touch};
use crate::socket::Device;
use crate::world::cast::{MONDAY, OFFSET_MINUTES};

/// The parts with which documents begin.
const FOUNDING: [&str; 10] = [
    "customer.card",
    "visit.body",
    "tour.plan",
    "tour.progress",
    "proposal.body",
    "verification.body",
    "urgent.body",
    "person.traits",
    "credit.file",
    "observation.body",
];
/// Documents of one request: a document comes once in it, and a request has a limit of changes.
const REQUEST_DOCUMENTS: usize = 300;

/// One cell: a change, and whether it must be accepted.
struct Cell {
    name: String,
    hash: ChangeHash,
    allowed: bool,
}

/// What a device hands in, with what must become of it.
#[derive(Default)]
struct Lot {
    pushed: Vec<Pushed>,
    cells: Vec<Cell>,
}

impl Lot {
    fn add(&mut self, kind: &Kind, doc: DocId, subject: SubjectId, changes: Vec<(String, Vec<u8>, bool)>) {
        let gate = Gate::strict();
        for (name, bytes, allowed) in &changes {
            self.cells.push(Cell { name: name.clone(), hash: gate.identify(bytes).unwrap().hash, allowed: *allowed });
        }
        let changes = changes.into_iter().map(|(_, bytes, _)| ByteVec::from(bytes)).collect();
        self.pushed.push(Pushed { doc, kind: kind.id.to_owned(), subject, changes });
    }
}

/// Every part of every document that exists.
fn edits(company: &Company, seat: &Seat) -> Lot {
    let mut lot = Lot::default();
    for place in Place::FILED {
        for kind in kinds::ALL.iter().copied() {
            let planted = company.planted(seat.role, place, kind.id);
            let relation = company.relation(seat, planted);
            let held = company.server.document(planted.doc).unwrap();
            let cells = kind.containers.iter().map(|container| {
                let part = container.part.0;
                let allowed = part != SYSTEM_PART && may(seat.role, relation, Action::Edit, part);
                let name = format!("{:?} edits {} {}.{}", seat.role, place.word(), kind.id, container.name);
                (name, touch(&mut held.clone(), seat.user, kind, container.name), allowed)
            });
            lot.add(kind, planted.doc, planted.subject, cells.collect());
        }
    }
    lot
}

/// The document that a kind has about a subject of its own.
fn fresh(kind: &Kind, subject: SubjectId) -> DocId {
    match kind.id {
        "customer" => subject.customer(),
        "office" => subject.office(),
        "credit" => subject.credit(),
        "tour" => DocId::from_bytes(*subject.as_bytes()),
        "person" => subject.person(stakeholder(subject)),
        _ => DocId::fresh(MONDAY, *SubjectId::derived(&format!("new {} {subject}", kind.id)).as_bytes()),
    }
}

/// The subject of what is made: a tour's is its own id, which follows from its route, its day and whoever makes it; others have the shape that
/// phones make.
fn subject_of(kind: &Kind, seat: &Seat, what: &str) -> SubjectId {
    match kind.id {
        "tour" => tour_of(seat, what).doc().into(),
        _ => SubjectId::fresh(MONDAY, *SubjectId::derived(what).as_bytes()),
    }
}

fn tour_of(seat: &Seat, what: &str) -> TourKey {
    TourKey { route: what.to_owned(), day: MONDAY.day(OFFSET_MINUTES).unwrap(), rep: seat.user }
}

/// The first change of a document: besides what is tried it says what its id is derived from, where that stands in the same part.
fn founding(seat: &Seat, kind: &'static Kind, container: &str, (subject, what): (SubjectId, &str), document: &mut Document) -> Vec<u8> {
    let put = |container: &str, key: &str, value: Value| Edit::Put { container: container.to_owned(), key: key.to_owned(), value };
    let said = match (kind.id, container) {
        ("tour", "plan") => {
            let key = tour_of(seat, what);
            let (route, day, rep) = (key.route.as_str().into(), key.day.to_string().into(), key.rep.to_string().into());
            vec![put("plan", "route", route), put("plan", "day", day), put("plan", "rep", rep)]
        }
        ("person", part) if part != "clocks" => {
            let value = stakeholder(subject).to_string().into();
            vec![Edit::Assert { field: STAKEHOLDER.to_owned(), value, provenance: Provenance::default() }]
        }
        _ => Vec::new(),
    };
    begun(document, seat.user, kind, container, &said)
}

/// Every part as the first thing in a new document, and every part behind one that documents begin with.
fn creations(company: &Company, seat: &Seat, filings: &mut Batch) -> Lot {
    let mut lot = Lot::default();
    for place in Place::ALL {
        let relation = place.relation(seat.role);
        for kind in kinds::ALL.iter().copied() {
            let genesis = &kinds::ready(kind.id).unwrap().genesis;
            let mut about = |what: &str| {
                let what = format!("{:?} {} {} {what}", seat.role, place.word(), kind.id);
                let subject = subject_of(kind, seat, &what);
                if place != Place::Unfiled {
                    filings.filings.push((subject, company.filing(seat, place, true)));
                }
                (fresh(kind, subject), subject, what)
            };
            let named = |what: String| format!("{:?} makes {} {}: {what}", seat.role, place.word(), kind.id);
            let first = kind.containers.iter().find(|container| FOUNDING.contains(&container.part.0));
            for container in kind.containers {
                let part = container.part.0;
                // What is done on a tour does not say of which route, day and person it is: under the tour's id anybody could say so.
                let names_itself = part != "tour.progress";
                let may_begin = FOUNDING.contains(&part) && names_itself && may(seat.role, relation, Action::Create, part);
                let (doc, subject, what) = about(container.name);
                let change = founding(seat, kind, container.name, (subject, &what), &mut genesis.clone());
                lot.add(kind, doc, subject, vec![(named(container.name.to_owned()), change, may_begin)]);
                let Some(first) = first.filter(|first| first.name != container.name) else { continue };
                let (doc, subject, what) = about(&format!("{} behind", container.name));
                let mut document = genesis.clone();
                let begun = may(seat.role, relation, Action::Create, first.part.0);
                let own = |action| may(seat.role, Relation::Own, action, part);
                let goes_on = match part {
                    SYSTEM_PART => false,
                    part if part == first.part.0 => own(Action::Edit),
                    part if FOUNDING.contains(&part) => may(seat.role, relation, Action::Create, part),
                    _ => own(Action::Create) || own(Action::Edit),
                };
                let beginning = founding(seat, kind, first.name, (subject, &what), &mut document);
                let behind = touch(&mut document, seat.user, kind, container.name);
                let name = named(format!("{} behind {}", container.name, first.name));
                lot.add(kind, doc, subject, vec![(name.clone(), beginning, begun), (name, behind, begun && goes_on)]);
            }
        }
    }
    lot
}

/// Hands a lot in; what became of each change.
fn hand_in(company: &Company, device: &Device, lot: &Lot) -> BTreeMap<ChangeHash, Outcome> {
    let mut outcomes = BTreeMap::new();
    for pushed in lot.pushed.chunks(REQUEST_DOCUMENTS) {
        let request = company.server.request(device, pushed.to_vec());
        let (answer, _) = company.server.exchange(device, &request);
        outcomes.extend(answer.verdicts.into_iter().map(|verdict| (verdict.hash, verdict.outcome)));
    }
    outcomes
}

#[test]
fn what_devices_hand_in_is_judged_as_the_table_says() {
    let mut company = Company::new();
    company.move_away();
    let mut filings = Batch::default();
    let lots: Vec<Lot> = company
        .seats
        .iter()
        .map(|seat| {
            let (edits, creations) = (edits(&company, seat), creations(&company, seat, &mut filings));
            Lot { pushed: [edits.pushed, creations.pushed].concat(), cells: edits.cells.into_iter().chain(creations.cells).collect() }
        })
        .collect();
    company.server.append(&filings);
    let mut wrong = Vec::new();
    let (mut cells, mut allowed) = (0, 0);
    for (seat, lot) in company.seats.iter().zip(&lots) {
        let outcomes = hand_in(&company, &seat.good, lot);
        for cell in &lot.cells {
            let outcome = outcomes.get(&cell.hash);
            let accepted = matches!(outcome, Some(Outcome::Accepted));
            // What stands behind a refused change of the same request waits: its device writes again what can do without that one.
            let aside = matches!(outcome, Some(Outcome::Quarantined { .. } | Outcome::MissingDependencies { .. }));
            if accepted != cell.allowed || aside == cell.allowed {
                wrong.push(format!("{}: {} by the table, {outcome:?}", cell.name, if cell.allowed { "allowed" } else { "not allowed" }));
            }
            cells += 1;
            allowed += usize::from(cell.allowed);
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 2_500 && allowed > 200, "{cells} cells, {allowed} of them allowed");
}

#[test]
fn devices_that_are_not_good_change_nothing_and_get_nothing() {
    let company = Company::new();
    for seat in &company.seats {
        // What the same person would be allowed from a good device.
        let mut lot = edits(&company, seat);
        lot.add(
            &kinds::CUSTOMER,
            SubjectId::derived("drained").customer(),
            SubjectId::derived("drained"),
            vec![(
                "a new card".to_owned(),
                touch(&mut kinds::ready("customer").unwrap().genesis.clone(), seat.user, &kinds::CUSTOMER, "facts"),
                true,
            )],
        );
        let before: Vec<_> = company.planted.iter().map(|planted| company.server.document(planted.doc).unwrap().heads()).collect();
        let head = company.server.app.feed().head().unwrap();
        for device in [&seat.revoked, &seat.off] {
            let (answer, frame) = company.server.exchange(device, &company.server.request(device, lot.pushed.clone()));
            assert_eq!(answer.verdicts.len(), lot.cells.len());
            for verdict in &answer.verdicts {
                assert!(matches!(verdict.outcome, Outcome::Quarantined { .. }), "{:?}: {:?}", seat.role, verdict.outcome);
            }
            assert!(answer.items.is_empty() && answer.profile.is_none(), "{:?}: nothing comes out", seat.role);
            let plain = zstd::decode_all(&frame[1..]).unwrap();
            assert!(company.planted.iter().all(|planted| !super::company::holds(&plain, planted.marker.as_bytes())));
            // Nothing left to hand in: an app that does not know the order to wipe itself is told that it is gone.
            let empty = company.server.request(device, Vec::new());
            let (order, _) = company.server.exchange(device, &empty);
            assert_eq!(order.told.and_then(|told| told.order), Some(Order::Wipe), "{:?}", seat.role);
            assert!(order.items.is_empty() && order.profile.is_none());
            let empty = Request { besides: None, ..empty }.encode().unwrap();
            assert_eq!(company.server.signed(device, "POST", SYNC_PATH, &empty).status, 410, "{:?}", seat.role);
        }
        let body = company.server.request(&seat.stranger, lot.pushed.clone()).encode().unwrap();
        assert_eq!(company.server.signed(&seat.stranger, "POST", SYNC_PATH, &body).status, 401, "{:?}", seat.role);
        // A good device in the name of another one.
        let foreign = company.server.request(&seat.revoked, lot.pushed.clone()).encode().unwrap();
        assert_eq!(company.server.signed(&seat.good, "POST", SYNC_PATH, &foreign).status, 400, "{:?}", seat.role);
        let after: Vec<_> = company.planted.iter().map(|planted| company.server.document(planted.doc).unwrap().heads()).collect();
        assert_eq!(before, after, "{:?}: documents changed", seat.role);
        assert_eq!(company.server.app.feed().head().unwrap(), head, "{:?}: the feed grew", seat.role);
    }
}
