//! Routes and dispatch: S29, S30.

use roadbook_core::ids::{DocId, SubjectId};
use roadbook_core::model::tour::{PlannedStop, StopState, Tour};
use roadbook_core::replica::field::{self, TourKey};
use roadbook_core::replica::{Replica, Stamp};
use roadbook_core::store::rows::VisitFilter;

use crate::world::cast::{self, customer};
use crate::world::{World, in_every_order};

fn key() -> TourKey {
    TourKey { route: "east-1".to_owned(), day: cast::MONDAY.day(cast::OFFSET_MINUTES).unwrap(), rep: cast::user("wf") }
}

fn tour() -> DocId {
    key().doc()
}

/// 赵敏 publishes a plan, on what headquarters shows her; `urgent` marks a stop, `dragged` is what she moved.
fn publish(world: &mut World, stops: &[u8], urgent: Option<u8>, dragged: &[u8]) {
    let before = world.office.read(|replica| replica.tour(tour())).unwrap();
    let planned: Vec<PlannedStop> = (stops.iter())
        .map(|n| PlannedStop { stop: customer(*n), arrive_s: None, service_s: Some(900), note: None, urgent: urgent == Some(*n) })
        .collect();
    let stamp = Stamp { author: cast::user("zm"), now: world.now, entropy: world.chance.bytes() };
    let dragged: Vec<SubjectId> = dragged.iter().map(|n| customer(*n)).collect();
    let work = field::publish(&stamp, &key(), before.as_ref(), &planned, Some(&dragged), &[]);
    world.desk("zm", vec![work]);
}

/// T = C1 to C5 for 王芳, on her phone since the evening.
fn five_stops(world: &mut World) {
    world.on_day(-1, "18:00");
    publish(world, &[1, 2, 3, 4, 5], None, &[]);
    world.settle();
}

/// The order that a replica shows, by the numbers of the customers.
fn order(shown: &Tour) -> Vec<u8> {
    shown.stops.iter().map(|stop| number(stop.stop)).collect()
}
fn number(stop: SubjectId) -> u8 {
    (1..=9).find(|n| customer(*n) == stop).unwrap()
}
fn shown(replica: &Replica) -> Tour {
    replica.tour(tour()).unwrap().unwrap()
}
/// The tour at headquarters and on 王芳's devices.
fn everywhere(world: &World) -> Vec<Tour> {
    let mut all = vec![world.office.read(shown)];
    all.extend(world.phones.values().filter(|phone| phone.user == cast::user("wf")).map(|phone| shown(phone.replica())));
    all
}
fn state(tour: &Tour, n: u8) -> StopState {
    tour.stops.iter().find(|stop| stop.stop == customer(n)).unwrap().state
}

#[test]
fn s29_both_sides_change_a_tour_under_way() {
    in_every_order(
        &["wf1", "wf2"],
        &["wf1", "wf2"],
        |world| {
            five_stops(world);
            let draft = world.at("08:30").on("wf1").check_in(customer(1), Some(tour()), None);
            world.at("08:50").on("wf1").check_out(draft, &[("outcome", "order".into())]);
            world.at("09:00").on("wf1").drag(tour(), customer(5), Some(customer(1)), Some(customer(2)));
            assert_eq!(order(&shown(world.phone("wf1").replica())), [1, 5, 2, 3, 4], "her own phone shows her order at once");
            // 赵敏, who knows none of this, inserts C9 after C1 and moves C4 to the end.
            world.at("09:30");
            publish(world, &[1, 9, 2, 3, 5, 4], Some(9), &[4]);
            world.at("11:00");
        },
        |world| {
            world.settle();
            for tour in everywhere(world) {
                assert_eq!(order(&tour), [1, 9, 5, 2, 3, 4]);
                assert_eq!(state(&tour, 1), StopState::Visited);
                let pinned: Vec<u8> = tour.stops.iter().filter(|stop| stop.pin.is_some()).map(|stop| number(stop.stop)).collect();
                assert_eq!(pinned, [5], "her place for C5 holds");
                assert!(tour.stops.iter().all(|stop| stop.deviation.is_none()));
                // What the notice says: 新增 C9(急),C4 移到最后.
                let plan = tour.plan.as_ref().unwrap();
                assert_eq!(plan.moved, [customer(4)]);
                let urgent: Vec<u8> = plan.stops.iter().filter(|stop| stop.urgent).map(|stop| number(stop.stop)).collect();
                assert_eq!(urgent, [9]);
                assert_eq!(tour.acknowledged.len(), 0, "she has not seen it yet");
            }
            let plan = shown(world.phone("wf1").replica()).plan.unwrap().revision;
            let seen = world.on("wf1").tour(tour());
            world.at("11:05").on("wf1").save_work(field::acknowledge(&seen));
            world.settle();
            assert!(world.office.read(shown).acknowledged.contains_key(&plan), "赵敏 sees that she has");
        },
    );
}

#[test]
fn s29_the_plan_prevails_over_a_place_it_did_not_know() {
    in_every_order(
        &["wf1", "wf2"],
        &["wf1", "wf2"],
        |world| {
            five_stops(world);
            world.at("09:00").on("wf1").drag(tour(), customer(3), Some(customer(5)), None);
            world.at("09:30");
            publish(world, &[3, 1, 2, 4, 5], None, &[3]);
        },
        |world| {
            world.settle();
            for tour in everywhere(world) {
                assert_eq!(order(&tour), [3, 1, 2, 4, 5], "赵敏's place for C3");
                let deviation = tour.stops[0].deviation.as_ref().unwrap();
                assert_eq!((deviation.after, deviation.by), (Some(customer(5)), Some(cast::user("wf"))), "王芳's is shown as a deviation");
                assert_eq!(deviation.reason.as_deref(), Some("顺路"));
            }
        },
    );
}

#[test]
fn s30_a_visit_stands_when_its_stop_was_cancelled() {
    in_every_order(
        &["wf1", "wf2"],
        &["wf1", "wf2"],
        |world| {
            five_stops(world);
            let draft = world.at("09:30").on("wf1").check_in(customer(3), Some(tour()), None);
            world.at("09:50").on("wf1").check_out(draft, &[("outcome", "order".into())]);
            world.at("10:00");
            publish(world, &[1, 2, 4, 5], None, &[]);
        },
        |world| {
            world.settle();
            for tour in everywhere(world) {
                assert_eq!(order(&tour), [3, 1, 2, 4, 5]);
                assert_eq!(state(&tour, 3), StopState::VisitedThoughRemoved, "已访(计划已取消)");
                let visit = tour.stops[0].visit.as_ref().unwrap();
                assert_eq!((visit.arrived, visit.outcome.as_deref()), (world.at("09:30").now, Some("order")));
            }
            world.at("12:00");
            let read = |replica: &Replica| {
                let filter = VisitFilter { subject: Some(customer(3)), ..VisitFilter::default() };
                let visits = replica.store().read(|read| read.visits(&filter, None, 10)).unwrap().lines.len();
                let line = replica.store().read(|read| read.customer(customer(3))).unwrap().unwrap();
                let tour = replica.store().read(|read| read.tour(tour())).unwrap().unwrap();
                (visits, line.last_visit, tour.done, tour.stops)
            };
            let expected = (1, Some(world.at("09:30").now), 1, 5);
            assert_eq!(world.office.read(read), expected, "coverage counts it, and the dispatcher's list says so");
            assert_eq!(read(world.phone("wf1").replica()), expected);
            world.at("12:00");
        },
    );
}
