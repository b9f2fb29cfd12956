//! Customers that change hands while a phone is away: S37, S40.

use std::collections::BTreeSet;

use roadbook_core::ids::{DocId, Ms, SubjectId};
use roadbook_core::model::{Edit, Value};
use roadbook_core::replica::Stamp;
use roadbook_core::replica::Target;
use roadbook_core::store::rows::{ProposalState, VisitFilter};
use roadbook_core::sync::Synced;
use roadbook_server::accounts::{TransferRow, Who};
use roadbook_server::transfer::{self, TransferError, Wanted};

use crate::laws;
use crate::world::cast::{self, EAST, WEST, customer};
use crate::world::hand::{entry, entry_edit};
use crate::world::{World, address};

const MINUTE: i64 = 60_000;

pub(super) fn visit(world: &mut World, phone: &str, customer: SubjectId) {
    let draft = world.on(phone).check_in(customer, None, None);
    world.pass_ms(20 * MINUTE).on(phone).check_out(draft, &[("outcome", "order".into())]);
}

fn codes(world: &World) -> Vec<String> {
    world.office.quarantine().into_iter().map(|row| row.refused.code).collect()
}

#[test]
fn s37_what_the_former_holder_recorded_offline_is_taken_late_and_credited_to_her() {
    let mut world = World::monday(&["wf1", "lq1", "cg1"]);
    let c3 = customer(3);
    world.at("10:00");
    world.refile(c3, WEST, "lq");
    world.sync("lq1");
    assert!(world.holds("lq1", c3));
    world.at("10:30").on("lq1").edit(c3, &[entry_edit("addresses", address(c3), &[("text", "人民路33号")])]);
    world.sync("lq1");
    // Three weeks without a network.
    for (day, phone) in [(2, Some("13800000001")), (6, Some("13800000002")), (13, None), (20, None)] {
        world.on_day(day, "10:00");
        visit(&mut world, "wf1", c3);
        if let Some(phone) = phone {
            world.on("wf1").entry(c3, "phones", entry(phone), &[("number", phone), ("kind", "mobile")]);
        }
    }
    world.on("wf1").write(c3, "problems", 0, "货架太小");
    world.on("wf1").edit(c3, &[entry_edit("addresses", address(c3), &[("text", "人民路3号后门")])]);
    world.on("wf1").propose(c3, "grade", "A");
    world.on("wf1").propose(c3, "visit_interval_days", 7);

    // The answer is lost: nothing is given up before the receipt.
    world.on_day(21, "09:00");
    let now = world.now;
    let phone = world.phone("wf1");
    let request = phone.replica().sync_request(now, None).unwrap();
    let device = phone.device;
    world.office.answer(device, &request, now).unwrap();
    assert!(world.holds("wf1", c3) && world.phone("wf1").replica().outbox_size().unwrap().changes == 10);
    let synced = world.sync("wf1");
    assert_eq!((synced.accepted, synced.quarantined.len()), (10, 0));
    assert!(!world.holds("wf1", c3), "given up after the receipt");
    assert!(codes(&world).is_empty());

    let card = world.office_card(c3);
    assert_eq!(card.lists["phones"].len(), 2);
    assert_eq!(card.texts["problems"], "货架太小");
    assert!(card.reviews.iter().any(|review| review.path.starts_with("addresses/")), "both addresses are up for review");
    let visits = world.office.read(|replica| {
        let filter = VisitFilter { subject: Some(c3), ..VisitFilter::default() };
        replica.store().read(|read| read.visits(&filter, None, 10)).unwrap().lines
    });
    assert_eq!(visits.len(), 4);
    assert!(visits.iter().all(|line| line.visit.rep == Some(cast::user("wf"))), "credited to her");
    let proposals = world.office.read(|replica| replica.store().read(|read| read.proposals(ProposalState::Open, Some(c3), 0, 10)).unwrap());
    assert_eq!(proposals.len(), 2, "guarded values wait for a decision");

    world.sync("lq1");
    let notices = world.phone("lq1").replica().notices(10).unwrap();
    assert_eq!(notices.len(), 1, "前任离线记录");
    assert_eq!((notices[0].subject, notices[0].author, notices[0].changes), (c3, cast::user("wf"), 10));
    assert!(world.phone("wf1").replica().notices(10).unwrap().is_empty());
    let log = world.office.feed.handovers(c3).unwrap();
    assert_eq!(log.last().unwrap().before.owner, Some(cast::user("wf")));
    assert_eq!(world.office.feed.filing(c3).unwrap().unwrap().owner, Some(cast::user("lq")));
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn s37_after_the_grace_or_with_knowledge_of_the_loss_it_waits_for_a_person() {
    let mut world = World::monday(&["wf1", "wf2"]);
    let (c3, c4) = (customer(3), customer(4));
    world.at("10:00");
    let draft = world.on("wf2").check_in(c3, None, None);
    world.refile(c3, WEST, "xw");
    world.at("11:00");
    visit(&mut world, "wf1", c3);
    world.on("wf2").set(c4, "legal_name", "春风");
    // One phone knows by now, and its person ends the visit all the same.
    world.sync("wf2");
    world.on("wf2").check_out(draft, &[("outcome", "order".into())]);
    world.sync("wf2");
    assert_eq!(codes(&world), ["no_right"]);
    // The other comes back after forty-six days.
    world.on_day(46, "11:00");
    // By headquarters' clock: what the phone's says changes nothing.
    world.phones.get_mut("wf1").unwrap().clock_error_ms = -30 * Ms::DAY;
    world.on("wf1").set(c4, "short_name", "春风");
    let synced = world.sync("wf1");
    assert_eq!((synced.accepted, synced.quarantined.len()), (1, 1), "no limit of age where the right was never lost");
    assert!(codes(&world).contains(&"late_beyond_grace".to_owned()));
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn s37_a_long_outbox_is_late_to_its_end_though_the_first_answer_told_of_the_handover() {
    let mut world = World::monday(&["wf1"]);
    let c3 = customer(3);
    world.at("10:00");
    world.refile(c3, WEST, "xw");
    let count = roadbook_core::exchange::PUSHED_CHANGES_MAX + 20;
    let edits: Vec<Edit> = (0..count).map(|n| Edit::Include { field: "tags".to_owned(), element: format!("t{n}") }).collect();
    for edit in &edits[..20] {
        world.on("wf1").edit(c3, std::slice::from_ref(edit));
    }
    // A thousand short visits would take the test minutes: the same by a smaller request.
    let now = world.now;
    let mut first = world.phone("wf1").replica().request(now, None).unwrap();
    first.pushed[0].changes.truncate(8);
    let device = world.phone("wf1").device;
    let answer = world.office.answer(device, &first.encode().unwrap(), now).unwrap();
    let took: Synced = world.phones.get_mut("wf1").unwrap().take_answer(&answer, now).unwrap();
    assert_eq!((took.accepted, took.quarantined.len()), (8, 0));
    let rest = world.sync("wf1");
    assert_eq!((rest.accepted, rest.quarantined.len()), (12, 0), "{:?}", rest.quarantined);
    assert!(codes(&world).is_empty());
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn s40_a_leavers_cards_go_to_one_person_and_to_the_pool_with_a_checklist_each() {
    let mut world = World::monday(&["wf1", "lq1", "zm1"]);
    let (c1, c4, c5) = (customer(1), customer(4), customer(5));
    world.at("09:00").on("wf1").edit(
        c1,
        &[
            entry_edit("promises", entry("p"), &[("what", "送冰柜"), ("due", "2026-03-09"), ("state", "open")]),
            Edit::Entry {
                list: "placed_units".to_owned(),
                entry: entry("u"),
                fields: [("what".to_owned(), Value::from("冰柜")), ("counted".to_owned(), Value::Int(2))].into(),
                provenance: roadbook_core::model::Provenance::default(),
            },
        ],
    );
    world.sync("wf1");
    let day = Ms(world.now.0).day(cast::OFFSET_MINUTES).unwrap().succ_opt().unwrap();
    let stops = |shops: &[SubjectId]| -> Vec<roadbook_core::model::tour::PlannedStop> {
        shops
            .iter()
            .map(|stop| roadbook_core::model::tour::PlannedStop { stop: *stop, arrive_s: None, service_s: None, note: None, urgent: false })
            .collect()
    };
    let stamp = Stamp { author: cast::user("zm"), now: world.now, entropy: [8; 16] };
    let key = roadbook_core::replica::field::TourKey { route: "R1".to_owned(), day, rep: cast::user("wf") };
    let tour = key.doc();
    world.desk("zm", vec![roadbook_core::replica::field::publish(&stamp, &key, None, &stops(&[c1, c4, c5]), None, &[])]);

    world.at("12:00");
    // 李强's own card, for which the leaver only stands in, is not hers to hand over.
    let lent = customer(2);
    let edit = |field: &str, who: &str| Edit::Assert {
        field: field.to_owned(),
        value: cast::user(who).to_string().into(),
        provenance: roadbook_core::model::Provenance::of(roadbook_core::model::Source::Office),
    };
    world.desk("zm", vec![(Target::office(lent), vec![edit("owner", "lq"), edit("substitute", "wf")])]);
    let wanted = Wanted {
        leaver: cast::user("wf"),
        winner: Some(cast::user("lq")),
        pool: BTreeSet::from([c5]),
        only: BTreeSet::from([c1, c4, c5, lent]),
        territories: vec![roadbook_core::ids::TerritoryId(EAST.to_owned())],
    };
    let stamp = Stamp { author: cast::user("cg"), now: world.now, entropy: [9; 16] };
    let today = world.now.day(cast::OFFSET_MINUTES).unwrap();
    let plan = world.office.read(|replica| transfer::plan(replica, &stamp, today, &wanted)).unwrap();
    assert_eq!(plan.cards.len(), 3);
    let first = plan.cards.iter().find(|card| card.customer == c1).unwrap();
    assert_eq!(
        (first.promises.as_slice(), first.placed.as_slice()),
        (["送冰柜 2026-03-09".to_owned()].as_slice(), ["冰柜 2".to_owned()].as_slice())
    );
    assert_eq!(plan.cards.iter().map(|card| (card.customer == c5) == card.to_pool && card.stops == 1).collect::<Vec<_>>(), [true; 3]);
    world.desk("cg", plan.work.clone());
    let row = TransferRow {
        no: 0,
        at: world.now,
        by: Some(cast::user("cg")),
        leaver: wanted.leaver,
        winner: wanted.winner,
        list: transfer::record(&plan.cards),
    };
    world.office.accounts.note_transfer(world.now, &Who::default(), &row, plan.cards.len()).unwrap();
    assert_eq!(world.office.accounts.transfers().unwrap().len(), 1, "one record");

    let owner = |world: &World, customer| world.office.feed.filing(customer).unwrap().unwrap().owner;
    assert_eq!([c1, c4, c5].map(|customer| owner(&world, customer)), [Some(cast::user("lq")), Some(cast::user("lq")), None]);
    world.office.read(|replica| {
        let of = |doc| replica.tour(doc).unwrap().unwrap().plan.unwrap().stops.iter().map(|stop| stop.stop).collect::<Vec<_>>();
        assert!(of(tour).is_empty(), "the stops left her tour");
        let theirs = roadbook_core::replica::field::TourKey { rep: cast::user("lq"), ..key.clone() };
        assert_eq!(of(theirs.doc()), [c1, c4], "and follow the cards; the pool has no tour");
    });
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn a_hand_over_writes_each_tour_once_and_nobody_hands_over_to_themselves() {
    let mut world = World::monday(&["wf1"]);
    let day = world.at("09:00").now.day(cast::OFFSET_MINUTES).unwrap().succ_opt().unwrap();
    let (c1, c3) = (customer(1), customer(3));
    for (route, stop, n) in [("R1", c1, 1), ("R2", c3, 2)] {
        let stop = roadbook_core::model::tour::PlannedStop { stop, arrive_s: None, service_s: None, note: None, urgent: false };
        let stamp = Stamp { author: cast::user("zm"), now: world.now, entropy: [n; 16] };
        let key = roadbook_core::replica::field::TourKey { route: route.to_owned(), day, rep: cast::user("wf") };
        world.desk("zm", vec![roadbook_core::replica::field::publish(&stamp, &key, None, &[stop], None, &[])]);
    }
    let to = |winner: &str| Wanted {
        leaver: cast::user("wf"),
        winner: Some(cast::user(winner)),
        pool: BTreeSet::new(),
        only: BTreeSet::from([c1, c3]),
        territories: Vec::new(),
    };
    let stamp = Stamp { author: cast::user("cg"), now: world.now, entropy: [9; 16] };
    let plan = |world: &World, winner: &str| world.office.read(|replica| transfer::plan(replica, &stamp, day, &to(winner)));
    assert!(matches!(plan(&world, "wf"), Err(TransferError::ToThemselves)));
    let planned = plan(&world, "lq").unwrap();
    let docs: BTreeSet<DocId> = planned.work.iter().map(|(target, _)| target.doc).collect();
    assert_eq!((planned.work.len(), docs.len()), (5, 5), "two cards, two tours that lose a stop, one that gains both");
    world.desk("cg", planned.work);
    let stops: BTreeSet<SubjectId> = world.office.read(|replica| {
        let lines = replica.store().read(|read| read.tours(day, day, Some(cast::user("lq")))).unwrap();
        let tours = lines.iter().map(|line| replica.tour(line.tour.doc).unwrap().unwrap());
        tours.flat_map(|tour| tour.plan.unwrap().stops).map(|stop| stop.stop).collect()
    });
    assert_eq!(stops, BTreeSet::from([c1, c3]));
    world.settle();
    laws::hold(&mut world);
}
