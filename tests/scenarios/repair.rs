//! Silent divergence: bytes go bad, a change is missing, a row is wrong, a document is there that should not be. The next
//! exchange at rest finds it and mends that document, and only that.

use roadbook_core::exchange::parts;
use roadbook_core::replica::Admitted;
use rusqlite::Connection;

use crate::world::World;
use crate::world::cast::customer;

/// The bytes of one card become zeros.
const A_CARD_GOES_BAD: &str =
    "UPDATE snapshot SET bytes = zeroblob(length(bytes)) WHERE document = (SELECT no FROM document WHERE kind = 'customer' LIMIT 1)";

/// Runs SQL on the file of a phone whose process is not running, and starts it again.
fn damage(world: &mut World, name: &str, sql: &str) {
    let (file, now) = (world.file(name), world.now);
    let phone = world.phones.get_mut(name).unwrap();
    phone.stop();
    let changed = Connection::open(&file).unwrap().execute(sql, []).unwrap();
    assert!(changed > 0, "nothing was damaged");
    phone.crash(now);
}

/// Whole documents that the phone was sent since `at`.
fn sent(world: &World, at: usize) -> usize {
    let parts = world.exchanged[at..].iter().flat_map(|exchanged| parts::decode(&exchanged.answer).unwrap().answers);
    parts.map(|part| part.items.len()).sum()
}

#[test]
fn bytes_that_went_bad_on_a_phone_are_found_and_come_anew() {
    let mut world = World::monday(&[]);
    world.enrol("wf1", true);
    world.sync("wf1");
    world.on("wf1").set(customer(1), "headcount", 6);
    world.sync("wf1");
    let before = world.prints();
    damage(&mut world, "wf1", A_CARD_GOES_BAD);
    let at = world.exchanged.len();
    world.pass_ms(11 * 60_000);
    let synced = world.sync("wf1");
    assert_eq!((synced.damaged, synced.compared, synced.restarted), (1, true, false));
    assert_eq!(sent(&world, at), 1, "that document and no other");
    assert_eq!(world.prints(), before);
    world.settle();
    crate::laws::hold(&mut world);
}

#[test]
fn own_words_in_a_damaged_document_are_not_lost() {
    let mut world = World::monday(&[]);
    world.enrol("wf1", true);
    world.sync("wf1");
    // Saved, not yet handed in, when the bytes beneath it go bad.
    world.on("wf1").set(customer(1), "headcount", 6);
    let card = "(SELECT no FROM document WHERE hex(doc) = '";
    let id = customer(1).customer().to_string().replace('-', "").to_uppercase();
    damage(&mut world, "wf1", &format!("UPDATE snapshot SET bytes = zeroblob(length(bytes)) WHERE document = {card}{id}')"));
    world.pass_ms(11 * 60_000).sync("wf1");
    world.settle();
    assert_eq!(world.card("wf1", customer(1)).value("headcount").as_int(), Some(6));
    assert_eq!(world.office_card(customer(1)).value("headcount").as_int(), Some(6));
    crate::laws::hold(&mut world);
}

#[test]
fn a_missing_change_and_an_extra_document_are_mended_one_by_one() {
    let mut world = World::monday(&["wf1", "xw1"]);
    let take = |world: &World, name: &str, n: u8| {
        let held = world.phone(name).replica().document(customer(n).customer()).unwrap().unwrap();
        let doc = customer(n).customer();
        Admitted { doc, kind: held.kind, subject: held.subject, document: held.document, changes: Vec::new() }
    };
    let old = take(&world, "wf1", 1);
    world.on("wf1").set(customer(1), "headcount", 6);
    world.settle();
    let before = world.prints();
    // The phone falls back by a change, and holds a card of 城西.
    let foreign = take(&world, "xw1", 101);
    world.phones.get_mut("wf1").unwrap().replica_mut().absorb(&[old, foreign], |_| Ok(())).unwrap();
    let at = world.exchanged.len();
    world.pass_ms(11 * 60_000);
    let synced = world.sync("wf1");
    assert!(synced.compared && !synced.restarted, "{synced:?}");
    assert_eq!(sent(&world, at), 1, "one comes, one goes");
    assert!(world.phone("wf1").replica().card(customer(101)).unwrap().is_none(), "not a byte of it stays");
    world.settle();
    assert_eq!(world.prints(), before);
    crate::laws::hold(&mut world);
}

#[test]
fn a_row_that_is_wrong_is_written_anew() {
    let mut world = World::monday(&[]);
    world.enrol("wf1", true);
    world.sync("wf1");
    let before = world.prints();
    damage(&mut world, "wf1", "UPDATE customer_row SET name = '' WHERE no = 1");
    assert_ne!(world.prints(), before);
    world.sync("wf1");
    assert_eq!(world.prints(), before, "an idle exchange looks after the rows");
}

#[test]
fn a_damaged_document_keeps_no_newer_app_from_opening() {
    let mut world = World::monday(&[]);
    world.enrol("wf1", true);
    world.sync("wf1");
    let before = world.prints();
    // A release that folds otherwise makes all rows anew at its first start.
    damage(&mut world, "wf1", "DELETE FROM setting WHERE key = 'rows_version'");
    assert_eq!(world.prints(), before);
    damage(&mut world, "wf1", A_CARD_GOES_BAD);
    damage(&mut world, "wf1", "DELETE FROM setting WHERE key = 'rows_version'");
    assert_ne!(world.prints(), before, "the damaged card is not shown");
    world.settle();
    assert_eq!(world.prints(), before, "and the next exchange brings it");
    crate::laws::hold(&mut world);
}
