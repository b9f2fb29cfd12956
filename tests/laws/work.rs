//! What people do in a random world: work on phones, work at desks, other territories. Everything is drawn; nothing here knows what
//! goes wrong meanwhile.

use std::collections::BTreeSet;

use roadbook_core::ids::{DeviceId, EntryId, Ms, SubjectId};
use roadbook_core::model::{Edit, Value, kinds};
use roadbook_core::replica::field::{self, Judgement, TourKey};
use roadbook_core::replica::urgent::UrgentReport;
use roadbook_core::replica::{Replica, Stamp, Target};
use roadbook_server::accounts::Who;
use roadbook_server::feed::{DeskRow, DeskState};
use roadbook_server::transfer::{self, Wanted};

use super::private;
use crate::world::cast::{self, EAST, OFFSET_MINUTES, WEST, customer};
use crate::world::chance::Chance;
use crate::world::hand::Hand;
use crate::world::office::{QUARANTINE_MAX, office_fact};
use crate::world::{World, about, edits};

/// Customers that work is done on: few, so that people meet.
pub(crate) const CUSTOMERS: [u8; 4] = [1, 2, 3, 101];

/// Somebody does something with their phone. `no` is written nowhere else.
pub(crate) fn on_a_phone(world: &mut World, name: &str, no: u64, chance: &mut Chance) {
    let customer = customer(*chance.pick(&CUSTOMERS));
    let held = world.phones[name].replica().card(customer).unwrap();
    let note = format!("{name} {no} {}", chance.next());
    let mut hand = world.on(name);
    let stamp = hand.phone.stamp(hand.now);
    let Some(card) = held else {
        if hand.phone.replica().holds_row_only(customer).unwrap() {
            hand.phone.replica_mut().want_card(customer, stamp.now).unwrap();
            return;
        }
        // What one does not hold one can only make: a new customer, at times the same one that somebody else makes too.
        if chance.in_thousand(100) {
            let new = cast::made(&format!("new {}", chance.below(3)));
            hand.edit(new, &[edits::card_edit(chance, stamp.now, &note, |_| 0)]);
        }
        return;
    };
    match chance.below(23) {
        20 => private::describe(world, name, customer, chance),
        21 => private::observe(world, name, customer, chance),
        22 => urgent(&mut hand, customer, &note, chance),
        0..=9 => {
            let length = |field: &str| card.texts.get(field).map_or(0, |text| text.chars().count());
            let mut all: Vec<Edit> = Vec::new();
            for n in 0..1 + chance.below(3) {
                let edit = edits::card_edit(chance, stamp.now, &format!("{note} {n}"), length);
                if !matches!(edit, Edit::Splice { .. }) || !all.iter().any(|one| matches!(one, Edit::Splice { .. })) {
                    all.push(edit);
                }
            }
            hand.edit_form(customer, card.heads, &all);
        }
        10..=12 => visit(&mut hand, customer, chance),
        13 => {
            hand.propose(customer, "grade", chance.pick(&["A", "C"]).to_owned());
        }
        14 => {
            let Some(fact) = card.facts.get("headcount") else { return };
            let judgement = Judgement {
                field: "headcount".to_owned(),
                value: fact.value.clone(),
                op: fact.rivals.first().map(|said| said.op.clone()),
                observed: fact.rivals.first().map(|said| said.observed),
                decision: (*chance.pick(&["accept", "reject", "keep"])).to_owned(),
                method: None,
                reason: Some(note),
            };
            hand.verify(customer, &judgement);
        }
        15 => {
            let proposals = about(hand.phone.replica(), customer, "proposal");
            let open = |doc: &_| hand.phone.replica().proposal(*doc).unwrap().filter(|one| one.is_open());
            let Some(proposal) = proposals.iter().find_map(open) else { return };
            hand.decide(&proposal, chance.pick::<&str>(&["accept", "reject"]), "看过了");
        }
        // What no app would do: the office side, written by a phone. It must end in quarantine, and what is written
        // afterwards must not be held up by it.
        16 if chance.in_thousand(300) => {
            hand.save(&Target::office(customer), &[office_fact("grade", "A")]);
        }
        _ => {
            let key = day_tour(&world.now);
            let Some(tour) = world.phones[name].replica().tour(key.doc()).unwrap() else { return };
            let pool = CUSTOMERS.map(cast::customer);
            let work = edits::progress_work(chance, &stamp, &tour, &pool);
            world.on(name).save_work(work);
        }
    }
}

/// Somebody at headquarters does something.
pub(crate) fn at_a_desk(world: &mut World, no: u64, chance: &mut Chance) {
    let customer = customer(*chance.pick(&CUSTOMERS));
    match chance.below(8) {
        5 => private::credit(world, customer, chance),
        6 => private::erase(world, customer, chance),
        0 => {
            let territory = *chance.pick(&[EAST, WEST]);
            let owner = if territory == EAST { chance.pick::<&str>(&["wf", "lq"]) } else { "xw" };
            world.refile(customer, territory, owner);
        }
        1 => world.desk("sl", vec![(Target::office(customer), vec![office_fact("lifecycle", *chance.pick(&["archived", "active"]))])]),
        2 => world.desk("cg", vec![(Target::office(customer), vec![office_fact("visit_interval_days", chance.between(3, 30))])]),
        3 => {
            let length = |_: &str| 0;
            let edit = edits::card_edit(chance, world.now, &format!("desk {no}"), length);
            world.desk("sl", vec![(Target::customer(customer), vec![edit])]);
        }
        _ => {
            let key = day_tour(&world.now);
            let stamp = Stamp { author: cast::user("zm"), now: world.now, entropy: chance.bytes() };
            let pool = CUSTOMERS.map(cast::customer);
            let before = world.office.read(|replica| replica.tour(key.doc())).unwrap();
            let work = edits::plan_work(chance, &stamp, &key, before.as_ref(), &pool);
            world.desk("zm", vec![work]);
        }
    }
}

/// Customers of somebody go to somebody else, or to nobody, with the stops of the days to come. Returns how many.
pub(crate) fn hand_over(world: &mut World, chance: &mut Chance) -> usize {
    let (leaver, winner) = *chance.pick(&[("wf", "lq"), ("lq", "wf"), ("wf", "xw"), ("xw", "wf")]);
    let winner = chance.in_thousand(800).then(|| cast::user(winner));
    let mut some = |share| CUSTOMERS.map(customer).into_iter().filter(|_| chance.in_thousand(share)).collect();
    let (pool, only) = (some(200), some(500));
    let wanted = Wanted { leaver: cast::user(leaver), winner, pool, only, territories: Vec::new() };
    let stamp = Stamp { author: cast::user("cg"), now: world.now, entropy: chance.bytes() };
    let today = world.now.day(OFFSET_MINUTES).unwrap();
    let plan = world.office.read(|replica| transfer::plan(replica, &stamp, today, &wanted)).unwrap();
    if !plan.cards.is_empty() {
        world.desk("cg", plan.work);
    }
    plan.cards.len()
}

/// Somebody at headquarters decides about one change that was set aside, but for those of these devices. Returns what came of it.
pub(crate) fn at_the_desk_of_what_was_set_aside(world: &mut World, shunned: &BTreeSet<DeviceId>, chance: &mut Chance) -> &'static str {
    let rows = world.office.feed.desk(Some(DeskState::Open), QUARANTINE_MAX).unwrap();
    let may = |row: &DeskRow| row.row.device.is_none_or(|device| !shunned.contains(&device));
    let open: Vec<i64> = rows.iter().filter(|row| may(row)).map(|row| row.row.id).collect();
    if open.is_empty() {
        return "nothing waits";
    }
    let (id, desk, by, who) = (*chance.pick(&open), world.office.desk(), cast::user("cg"), Who::default());
    if chance.in_thousand(300) {
        desk.reject(world.now, &who, by, &[id], "不予采纳").unwrap();
        return "rejected";
    }
    let done = desk.approve(world.now, &who, by, &[id], "").unwrap();
    match (done.as_is.as_slice(), done.rewritten.as_slice()) {
        ([], []) => "impossible",
        ([], _) => "rewritten",
        (..) => "approved",
    }
}

/// The tour of the day: 王芳's.
fn day_tour(now: &Ms) -> TourKey {
    edits::pooled_tour(cast::user("wf"), now.day(OFFSET_MINUTES).unwrap())
}

/// Something urgent is reported, or somebody sees to what was.
fn urgent(hand: &mut Hand<'_>, customer: SubjectId, note: &str, chance: &mut Chance) {
    let replica = hand.phone.replica();
    let open = about(replica, customer, kinds::URGENT.id).into_iter().next().filter(|_| chance.in_thousand(500));
    let report = UrgentReport {
        kind: (*chance.pick(&["complaint", "competitor"])).to_owned(),
        severity: (*chance.pick(&["medium", "high"])).to_owned(),
        customer: chance.in_thousand(800).then_some(customer),
        territory: None,
        text: note.to_owned(),
        picture: None,
    };
    hand.working(|replica, stamp| match open {
        Some(doc) => replica.handle_urgent(stamp, doc, "taken", Some(note)),
        None => replica.report_urgent(stamp, &report).map(|_| ()),
    })
    .unwrap();
}

/// A visit goes one step on: begun, filled in, ended, or given up; an ended one is amended or joined with another.
fn visit(hand: &mut Hand<'_>, customer: SubjectId, chance: &mut Chance) {
    let drafts = hand.phone.replica().drafts().unwrap();
    let tour = day_tour(&hand.now).doc();
    let on_tour = hand.phone.replica().tour(tour).unwrap().map(|_| tour).filter(|_| chance.in_thousand(500));
    match drafts.into_iter().find(|draft| draft.customer == customer) {
        None if chance.in_thousand(700) => {
            hand.check_in(customer, on_tour, None);
        }
        None => {
            let visits = about(hand.phone.replica(), customer, kinds::VISIT.id);
            let Some(doc) = visits.first().copied() else { return };
            let other = visits.last().copied().filter(|other| *other != doc);
            let amend = chance.in_thousand(500);
            hand.working(|replica: &mut Replica, stamp| {
                if replica.visit(doc)?.is_none() {
                    return Ok(());
                }
                if amend {
                    replica.amend_visit(stamp, doc, "met", "老板".into(), "记错了")
                } else {
                    replica.join_visits(stamp, doc, other)
                }
            })
            .unwrap();
        }
        Some(draft) if chance.in_thousand(100) => hand.working(|replica, stamp| replica.drop_draft(stamp, draft.doc)).unwrap(),
        Some(draft) => {
            let outcome = Value::from(*chance.pick(&["order", "no_order", "closed"]));
            hand.check_out(draft, &[("outcome", outcome), ("feedback", format!("{}", EntryId::from_bytes(chance.bytes())).into())]);
        }
    }
}

#[test]
fn a_plain_field_call_is_not_lost_on_the_way() {
    // The smallest world that uses everything above once, without faults: when this fails, the seeds will too.
    let mut world = World::monday(&["wf1", "xw1"]);
    let draft = world.at("09:00").on("wf1").check_in(customer(1), None, None);
    let visit = world.at("09:10").on("wf1").check_out(draft, &[("outcome", "order".into())]);
    let stamp = Stamp { author: cast::user("zm"), now: world.now, entropy: [1; 16] };
    let stops = [roadbook_core::model::tour::PlannedStop { stop: customer(1), arrive_s: None, service_s: None, note: None, urgent: false }];
    let work = field::publish(&stamp, &day_tour(&world.now.clone()), None, &stops, None, &[]);
    world.desk("zm", vec![work]);
    world.settle();
    assert!(world.office.read(|replica| replica.visit(visit)).unwrap().is_some());
    assert!(world.phone("wf1").replica().tour(day_tour(&world.now).doc()).unwrap().is_some());
    assert!(world.phone("xw1").replica().card(customer(1)).unwrap().is_none());
    super::hold(&mut world);
}
