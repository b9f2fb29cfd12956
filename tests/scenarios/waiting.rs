//! What comes to headquarters without what it builds on: it is kept, and taken in once that has come. No phone waits for what is nowhere.

use roadbook_server::accounts::Who;
use roadbook_server::feed::DeskState;

use crate::laws;
use crate::world::World;
use crate::world::cast::{self, customer};

/// One phone writes, a second goes on from that, a third carries what the second wrote to headquarters, before the first is online.
fn carried_alone() -> World {
    let mut world = World::monday(&["wf1", "lq1", "wf2"]);
    let c1 = customer(1);
    world.at("10:00").on("wf1").set(c1, "legal_name", "惠民超市有限公司");
    let now = world.now;
    let packet = world.handed_over("wf1", "lq1").unwrap();
    world.phones.get_mut("lq1").unwrap().replica_mut().carry_in(&packet, now).unwrap();
    world.at("10:30").on("lq1").set(c1, "short_name", "惠民");
    let now = world.at("11:00").now;
    let packet = world.handed_over("lq1", "wf2").unwrap();
    world.phones.get_mut("wf2").unwrap().replica_mut().carry_in(&packet, now).unwrap();
    assert_eq!(world.at("12:00").sync("wf2").handed_on, 1);
    assert_eq!(world.office.open_rows(), ["waits"]);
    assert_eq!(world.office_card(c1).text("short_name"), None);
    world
}

#[test]
fn what_was_carried_without_what_it_builds_on_outlives_its_authors_phone() {
    let mut world = carried_alone();
    world.phones.remove("lq1");
    world.at("15:00").sync("wf1");
    let card = world.office_card(customer(1));
    assert_eq!(["legal_name", "short_name"].map(|field| card.text(field)), ["惠民超市有限公司", "惠民"].map(Some));
    assert_eq!(card.facts["short_name"].rivals[0].author, Some(cast::user("lq")), "with its author");
    assert_eq!(world.office.open_rows(), [""; 0], "nobody has anything to decide");
    world.pass_ms(11 * 60_000).settle();
    laws::hold(&mut world);
}

#[test]
fn what_waits_is_taken_in_when_its_author_brings_the_rest() {
    let mut world = carried_alone();
    let synced = world.at("15:00").sync("lq1");
    assert_eq!((synced.accepted, synced.handed_on, synced.quarantined.len()), (1, 1, 0), "his phone carries what it builds on");
    assert_eq!(world.office.open_rows(), [""; 0]);
    assert_eq!(world.office_card(customer(1)).text("short_name"), Some("惠民"));
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn what_was_rejected_while_it_waited_stays_out() {
    let mut world = carried_alone();
    let row = world.office.feed.desk(Some(DeskState::Open), 9).unwrap().remove(0).row.id;
    assert_eq!(world.office.desk().reject(world.now, &Who::default(), cast::user("cg"), &[row], "不对").unwrap(), 1);
    world.at("15:00").settle();
    assert_eq!(world.office_card(customer(1)).text("short_name"), None);
    assert_eq!(world.card("lq1", customer(1)).text("short_name"), None);
    laws::hold(&mut world);
}

/// Whether a second phone keeps what the first one may hold no more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Witness {
    No,
    Yes,
}

/// A phone works on from headquarters' own words, is moved away and forgets the customer; then headquarters is put back to before them.
fn built_on_what_is_lost(witness: Witness) -> World {
    let mut world = World::monday(&["xw1", "sl1"]);
    let c101 = customer(101);
    world.settle();
    let backup = world.office.back_up("backup");
    // Headquarters notes by how much the clock is wrong, in the document itself.
    world.phones.get_mut("xw1").unwrap().clock_error_ms = 7_200_000;
    world.at("10:00").on("xw1").set(c101, "legal_name", "一");
    world.sync("xw1");
    world.at("10:10").on("xw1").set(c101, "short_name", "二");
    world.sync("xw1");
    if witness == Witness::Yes {
        world.sync("sl1");
    } else {
        world.phones.remove("sl1");
    }
    world.at("11:00").refile(c101, cast::EAST, "lq");
    world.sync("xw1");
    assert!(!world.holds("xw1", c101), "it is not theirs any more");
    let now = world.at("12:00").now;
    world.office.restore(backup, now);
    world
}

#[test]
fn a_change_that_builds_on_what_is_nowhere_waits_at_headquarters_and_not_on_the_phone() {
    let mut world = built_on_what_is_lost(Witness::No);
    let c101 = customer(101);
    world.settle();
    assert_eq!(world.phone("xw1").replica().outbox_size().unwrap().changes, 0);
    assert_eq!(world.office.open_rows(), ["waits"]);
    assert_eq!(
        ["legal_name", "short_name"].map(|field| world.office_card(c101).text(field).map(str::to_owned)),
        [Some("一".to_owned()), None]
    );
    // Somebody decides that it counts all the same.
    let rows = world.office.feed.desk(Some(DeskState::Open), 9).unwrap();
    let (said, claimed) = roadbook_server::quarantine::said(&world.office.desk(), &rows[0]).unwrap();
    assert_eq!(said.iter().map(|said| (said.field.as_str(), said.value.as_str())).collect::<Vec<_>>(), [("short_name", "二")]);
    assert!(claimed.is_some());
    let done = world.office.desk().approve(world.now, &Who::default(), cast::user("cg"), &[rows[0].row.id], "属实").unwrap();
    assert_eq!((done.as_is.len(), done.rewritten.len(), done.impossible.len()), (0, 1, 0));
    world.pass_ms(60_000).settle();
    assert_eq!(world.card("xw1", c101).text("short_name"), Some("二"));
    laws::hold(&mut world);
}

#[test]
fn a_change_that_builds_on_what_another_phone_has_is_taken_in_with_that() {
    let mut world = built_on_what_is_lost(Witness::Yes);
    let c101 = customer(101);
    world.sync("xw1");
    assert_eq!(world.office.open_rows(), ["waits"]);
    world.settle();
    assert_eq!(world.office.open_rows(), [""; 0]);
    assert_eq!(
        ["legal_name", "short_name"].map(|field| world.office_card(c101).text(field).map(str::to_owned)),
        ["一", "二"].map(|s| Some(s.to_owned()))
    );
    assert_eq!(world.card("xw1", c101).text("short_name"), Some("二"), "and shown again");
    world.pass_ms(11 * 60_000).settle();
    laws::hold(&mut world);
}
