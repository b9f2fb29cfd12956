//! Headquarters put back from a backup, and phones that were copied: what random worlds found, told plainly.

use roadbook_core::blobs::exchange::Link;
use roadbook_core::blobs::photos::NewPhoto;
use roadbook_core::model::tour::PlannedStop;
use roadbook_core::replica::{Stamp, Target, field};
use roadbook_server::accounts::Who;

use crate::world::World;
use crate::world::cast::{OFFSET_MINUTES, customer, device, user};
use crate::world::edits::{picture, pooled_tour};
use crate::world::office::office_fact;

/// Headquarters on a disk that can be put back, and phones.
fn world(phones: &[&str]) -> World {
    let mut world = World::furnished(1, &super::work::CUSTOMERS);
    for name in phones {
        world.enrol_on_disk(name, device(name));
        world.sync(name);
    }
    world
}

#[test]
fn what_was_set_aside_since_the_backup_is_set_aside_again() {
    let mut world = world(&["wf1", "lq1"]);
    let backup = world.office.disk().copy();
    // What no app would do: headquarters' side of a card, from a phone.
    world.at("09:00").on("wf1").save(&Target::office(customer(1)), &[office_fact("grade", "A")]);
    assert_eq!(world.sync("wf1").quarantined.len(), 1);
    let aside = |world: &World| world.office.quarantine().into_iter().map(|row| row.refused.hash).collect::<Vec<_>>();
    let before = aside(&world);
    assert_eq!(before.len(), 1);
    let now = world.at("10:00").now;
    world.office.restore_disk(backup, now).unwrap();
    assert!(aside(&world).is_empty(), "headquarters has forgotten it");
    world.settle();
    assert_eq!(aside(&world), before, "its author has not");
    super::hold(&mut world);
}

#[test]
fn a_request_from_before_the_backup_brings_back_what_was_lost_once() {
    let mut world = world(&["wf1"]);
    let backup = world.office.disk().copy();
    world.at("09:00").on("wf1").set(customer(1), "trade_name", "惠民大超市");
    world.exchange("wf1");
    let late = world.exchanged.pop().unwrap().request;
    let now = world.at("10:00").now;
    world.office.restore_disk(backup, now).unwrap();
    let name = |world: &World| world.office_card(customer(1)).text("trade_name").map(str::to_owned);
    assert_ne!(name(&world).as_deref(), Some("惠民大超市"));
    world.office.answer(device("wf1"), &late, now).unwrap();
    assert_eq!(name(&world).as_deref(), Some("惠民大超市"));
    let head = world.office.head();
    world.office.answer(device("wf1"), &late, now).unwrap();
    world.settle();
    assert_eq!(world.office.head(), head, "its author hands it in once more, and it is there");
    super::hold(&mut world);
}

#[test]
fn a_phone_that_is_shut_out_hands_in_what_a_backup_lost_before_it_is_wiped() {
    let mut world = world(&["wf1"]);
    let backup = world.office.disk().copy();
    world.at("09:00").on("wf1").set(customer(1), "trade_name", "惠民大超市");
    world.settle();
    let now = world.at("10:00").now;
    world.office.restore_disk(backup, now).unwrap();
    let saved = world.phones["wf1"].saved.clone();
    assert!(world.office.has(&saved).is_empty(), "the backup lost it");
    world.office.accounts.switch_user(now, &Who::default(), user("wf"), true).unwrap();
    world.settle();
    assert!(world.phones["wf1"].was_wiped());
    assert_eq!(world.office.has(&saved).len(), saved.len(), "it lies on the desk");
    super::hold(&mut world);
}

#[test]
fn what_came_back_and_lies_on_the_desk_is_not_taken_when_it_comes_twice() {
    let mut world = world(&["wf1"]);
    let backup = world.office.disk().copy();
    publish(world.at("08:30"), 1);
    world.settle();
    let now = world.at("09:00").now;
    world.office.restore_disk(backup, now).unwrap();
    // The tour is nobody's any more at headquarters: what the phone knows of it waits for a person.
    let before = world.exchanged.len();
    world.settle();
    assert_eq!(world.office.open_rows(), ["no_right"]);
    // Then it is made again. Who decided nothing has taken nothing.
    publish(world.at("09:30"), 2);
    world.settle();
    let head = world.office.head();
    let requests: Vec<Vec<u8>> = world.exchanged[before..].iter().map(|exchanged| exchanged.request.clone()).collect();
    for request in requests {
        world.office.answer(device("wf1"), &request, now).unwrap();
    }
    assert_eq!(world.office.head(), head);
    super::hold(&mut world);
}

#[test]
fn a_copy_that_is_shut_out_hands_in_its_photos_of_a_visit_that_the_first_phone_ended() {
    let mut world = world(&["wf1"]);
    let draft = world.at("09:00").on("wf1").check_in(customer(1), None, None);
    let (now, other) = (world.now, device("wf2"));
    let profile = world.office.enrol(user("wf"), other, "wf2", now);
    let copy = world.phones.get_mut("wf1").unwrap().copied_onto("wf2", other, &profile, now);
    world.phones.insert("wf2".to_owned(), copy);
    world.at("09:10").on("wf1").check_out(draft.clone(), &[("outcome", "order".into())]);
    world.sync("wf1");
    let bytes = picture(1, 900);
    let new = NewPhoto { kind: "shelf", bytes: &bytes, thumbnail: None, taken_at: world.at("09:20").now };
    let hash = world.on("wf2").working(|replica, stamp| replica.add_photo(stamp, draft.doc, &new)).unwrap();
    world.on("wf2").check_out(draft.clone(), &[("outcome", "no_order".into())]);
    let now = world.at("10:00").now;
    world.office.accounts.revoke_device(now, &Who::default(), other).unwrap();
    assert_eq!(world.sync("wf2").quarantined.len(), 1);
    let held =
        |world: &World| world.office.blobs.table().held_of(&[draft.doc]).unwrap().get(&draft.doc).is_some_and(|held| held.contains(&hash));
    assert!(!held(&world) && !world.phone("wf2").was_wiped());
    while world.photo_step("wf2", Link { metered: false }).is_some() {}
    assert!(held(&world), "what was set aside of the visit names it");
    world.sync("wf2");
    assert!(world.phone("wf2").was_wiped());
}

/// The dispatcher plans the day of 王芳: one stop.
fn publish(world: &mut World, stop: u8) {
    let stamp = Stamp { author: user("zm"), now: world.now, entropy: [stop; 16] };
    let key = pooled_tour(user("wf"), world.now.day(OFFSET_MINUTES).unwrap());
    let stops = [PlannedStop { stop: customer(stop), arrive_s: None, service_s: None, note: None, urgent: false }];
    let before = world.office.read(|replica| replica.tour(key.doc())).unwrap();
    let work = field::publish(&stamp, &key, before.as_ref(), &stops, None, &[]);
    world.desk("zm", vec![work]);
}
