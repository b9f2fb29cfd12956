//! Documents that leave a device's scopes and come back, and a device that has to start its pull again: what random worlds found,
//! told plainly.

use roadbook_core::exchange::{Cursor, parts};
use roadbook_core::store::rows::VisitFilter;
use roadbook_server::accounts::Who;
use roadbook_server::feed::DeskState;

use crate::world::cast::{self, EAST, WEST, customer};
use crate::world::{World, about};

#[test]
fn a_card_that_comes_back_is_given_again_to_the_device_that_wrote_all_of_it() {
    let mut world = World::monday(&["xw1", "lq1"]);
    let new = cast::made("new customer");
    world.at("09:00").on("xw1").set(new, "trade_name", "新城小店");
    world.settle();
    assert!(world.holds("xw1", new) && !world.holds("lq1", new));
    world.at("10:00");
    world.refile(new, EAST, "lq");
    world.settle();
    assert!(!world.holds("xw1", new) && world.holds("lq1", new));
    world.at("11:00");
    world.refile(new, WEST, "xw");
    world.settle();
    assert!(world.holds("xw1", new) && !world.holds("lq1", new));
    super::hold(&mut world);
}

#[test]
fn a_device_that_holds_too_much_is_found_out_and_gives_it_up() {
    let mut world = World::monday(&["xw1"]);
    let gone = customer(101);
    let parts = world.exchanged.iter().flat_map(|exchanged| parts::decode(&exchanged.answer).unwrap().answers);
    let first = parts.into_iter().find(|answer| !answer.items.is_empty());
    world.at("09:00");
    world.refile(gone, EAST, "lq");
    world.settle();
    assert!(!world.holds("xw1", gone));
    // An answer that was held up for hours arrives, and with it a cursor that hides the difference.
    let mut late = first.unwrap();
    // As headquarters of an older release answers, which does not say what it was asked.
    late.stand = None;
    late.cursor = Cursor { number: world.office.head(), ..late.cursor };
    let now = world.at("12:00").now;
    world.phones.get_mut("xw1").unwrap().take_answer(&late.encode().unwrap(), now).unwrap();
    assert!(world.holds("xw1", gone));
    let synced = world.sync("xw1");
    assert!(synced.compared && !synced.restarted, "the digest tells, and only what differs is mended");
    assert!(!world.holds("xw1", gone), "no byte outside its scopes");
    world.settle();
    super::hold(&mut world);
}

#[test]
fn a_record_that_is_refused_whole_leaves_nothing_that_differs() {
    let mut world = World::monday(&["zm1", "wf1"]);
    // A dispatcher makes no visits.
    let draft = world.at("09:00").on("zm1").check_in(customer(1), None, None);
    let visit = world.at("09:10").on("zm1").check_out(draft, &[("outcome", "order".into())]);
    world.settle();
    let zm1 = world.phone("zm1").replica();
    let aside = zm1.set_aside_changes(10).unwrap();
    assert_eq!((aside.len(), aside[0].doc), (1, visit), "it is set aside with its reason");
    assert_eq!(zm1.visit(visit).unwrap(), None, "and not shown as if it held");
    assert!(about(zm1, customer(1), "visit").is_empty());
    world.at("12:00");
    assert!(!world.sync("zm1").compared, "nothing differs");
    super::hold(&mut world);
}

#[test]
fn a_visit_that_is_refused_is_in_no_list_though_its_author_amended_it_meanwhile() {
    let mut world = World::monday(&["zm1"]);
    // A dispatcher makes no visits. She amends it while the answer is under way: that is written again without it.
    let draft = world.at("09:00").on("zm1").check_in(customer(1), None, None);
    let visit = world.at("09:10").on("zm1").check_out(draft, &[("outcome", "order".into())]);
    let now = world.now;
    let asked = world.phone("zm1").replica().sync_request(now, None).unwrap();
    world.at("09:20").on("zm1").working(|replica, stamp| replica.amend_visit(stamp, visit, "met", "老板".into(), "记错了")).unwrap();
    let now = world.now;
    let answer = world.office.answer(cast::device("zm1"), &asked, now).unwrap();
    world.phones.get_mut("zm1").unwrap().take_answer(&answer, now).unwrap();
    let zm1 = world.phone("zm1").replica();
    assert_eq!((zm1.visit(visit).unwrap(), zm1.outbox_size().unwrap().changes), (None, 1));
    let lines = zm1.store().read(|read| read.visits(&VisitFilter::default(), None, 10)).unwrap().lines;
    assert_eq!(lines, [], "what is no visit any more is in no list");
    assert_eq!(zm1.store().read(|read| read.customer(customer(1))).unwrap().unwrap().last_visit, None);
    world.settle();
    super::hold(&mut world);
}

/// How many visits of customer 1 a phone holds after five came late; [`super::hold`] says that they are the right ones.
fn visits_held_of_five(world: &mut World, phone: &str) -> usize {
    world.settle();
    super::hold(world);
    about(world.phone(phone).replica(), customer(1), "visit").len()
}

fn five_visits(world: &mut World, phone: &str) {
    for _ in 0..5 {
        let draft = world.pass_ms(60_000).on(phone).check_in(customer(1), None, None);
        world.pass_ms(60_000).on(phone).check_out(draft, &[("outcome", "order".into())]);
    }
}

#[test]
fn what_is_told_as_a_row_and_carried_for_its_author_is_counted_once() {
    let mut world = World::monday(&["wf1"]);
    let now = world.now;
    world.office.tell_rows_from(3, now);
    world.enrol("sl1", false);
    let draft = world.at("09:00").on("wf1").check_in(customer(1), None, None);
    let visit = world.at("09:10").on("wf1").check_out(draft, &[("outcome", "order".into())]);
    // Headquarters has it, and its author does not hear of that.
    let (now, wf1) = (world.now, cast::device("wf1"));
    let request = world.phone("wf1").replica().sync_request(now, None).unwrap();
    world.office.answer(wf1, &request, now).unwrap();
    world.sync("sl1");
    // The card is opened, so that a visit can be shown.
    let sl1 = world.phones.get_mut("sl1").unwrap();
    sl1.replica_mut().want_card(customer(1), now).unwrap();
    world.sync("sl1");
    world.at("09:30").on("wf1").working(|replica, stamp| replica.amend_visit(stamp, visit, "met", "老板".into(), "记错了")).unwrap();
    let carried = |world: &mut World| {
        let (packet, now) = (world.handed_over("wf1", "sl1").unwrap(), world.now);
        world.phones.get_mut("sl1").unwrap().replica_mut().carry_in(&packet, now).unwrap();
        for _ in 0..3 {
            assert!(!world.pass_ms(11 * 60_000).sync("sl1").compared, "nothing differs");
        }
        world.phone("sl1").replica().visit(visit).unwrap().unwrap().text("met").map(str::to_owned)
    };
    assert_eq!(carried(&mut world).as_deref(), Some("老板"));
    // Somebody who is shut out has it carried: it waits for whoever decides, and is not shown as if it held.
    let now = world.now;
    world.office.accounts.revoke_device(now, &Who::default(), wf1).unwrap();
    world.on("wf1").working(|replica, stamp| replica.amend_visit(stamp, visit, "met", "老板娘".into(), "又记错了")).unwrap();
    assert_eq!(carried(&mut world).as_deref(), Some("老板"));
    world.phones.remove("wf1");
    world.settle();
    super::hold(&mut world);
}

#[test]
fn older_visits_that_were_asked_for_go_with_their_customer() {
    let mut world = World::monday(&["wf1", "lq1"]);
    five_visits(&mut world, "wf1");
    assert_eq!(visits_held_of_five(&mut world, "lq1"), 3);
    let now = world.now;
    let asked = world.phones.get_mut("lq1").unwrap();
    asked.replica_mut().want_older_visits(customer(1), now).unwrap();
    let (request, lq1) = (asked.replica().sync_request(now, None).unwrap(), asked.device);
    let late = world.office.answer(lq1, &request, now).unwrap();
    assert_eq!(visits_held_of_five(&mut world, "lq1"), 5);
    // Not his own, and not near any more.
    world.refile(customer(1), cast::WEST, "xw");
    assert_eq!(visits_held_of_five(&mut world, "lq1"), 0);
    assert_eq!(visits_held_of_five(&mut world, "wf1"), 5, "who made them keeps them");
    world.phones.get_mut("lq1").unwrap().take_answer(&late, now).unwrap();
    assert_eq!(visits_held_of_five(&mut world, "lq1"), 0, "an answer from before comes late");
}

#[test]
fn visits_that_are_approved_go_to_phones_only_when_they_are_among_the_last() {
    let mut world = World::monday(&["zm1", "lq1"]);
    // A dispatcher makes no visits: they are set aside.
    five_visits(&mut world, "zm1");
    world.settle();
    let (now, desk, cg) = (world.now, world.office.desk(), cast::user("cg"));
    let open = world.office.feed.desk(Some(DeskState::Open), 10).unwrap();
    let ids: Vec<i64> = open.iter().map(|row| row.row.id).collect();
    assert_eq!(desk.approve(now, &Who::default(), cg, &ids, "").unwrap().as_is.len(), 5);
    assert_eq!(visits_held_of_five(&mut world, "lq1"), 3);
}

#[test]
fn visits_that_come_back_after_a_restore_go_to_phones_only_when_they_are_among_the_last() {
    let mut world = World::monday(&["lq1"]);
    world.enrol("wf1", true);
    world.sync("wf1");
    let backup = world.office.back_up("morning");
    five_visits(&mut world, "wf1");
    world.sync("wf1");
    let now = world.now;
    world.office.restore(backup, now);
    world.sync("wf1");
    assert_eq!(visits_held_of_five(&mut world, "lq1"), 3);
}
