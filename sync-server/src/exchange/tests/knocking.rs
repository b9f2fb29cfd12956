//! Devices at rest that knock, and the order of a first pull.

use std::collections::BTreeSet;

use roadbook_core::exchange::knock::{Knock, Reply, is_knock};
use roadbook_core::exchange::{Item, Request, SPEAKS_ROWS};
use roadbook_core::ids::{DocId, Ms, SubjectId, TerritoryId};

use super::{NOW, Phone, World, joined, world};
use crate::access::Role;
use crate::accounts::Who;
use crate::exchange::Answered;
use crate::exchange::knocking::Knocked;

/// A phone at rest that was told to knock, and its knock.
fn knocking(world: &World, phone: &mut Phone, now: Ms) -> Knock {
    world.sync(phone, now);
    let answer = world.answer(phone, now);
    assert!(answer.knock.is_some(), "{answer:?}");
    phone.replica.sync_answer(&answer.encode().unwrap(), now).unwrap();
    Knock::decode(&knock_of(phone, now).unwrap()).unwrap()
}

/// What a phone sends, when that is a knock.
fn knock_of(phone: &Phone, now: Ms) -> Option<Vec<u8>> {
    Some(phone.replica.sync_frame(now, None).unwrap()).filter(|frame| is_knock(frame))
}

fn heard(world: &World, phone: &Phone, now: Ms, knock: &Knock) -> Knocked {
    world.exchange.knock(now, &world.caller(phone), knock).unwrap().0
}

#[test]
fn a_phone_at_rest_knocks_and_hears_what_is_new_by_the_rights_of_now() {
    let world = world();
    let rep = world.user(Role::Salesperson, &["east"]);
    let colleague = world.user(Role::Salesperson, &["east"]);
    let (mut phone, mut other) = (world.phone(rep), world.phone(colleague));
    let customer = SubjectId::from_bytes([70; 16]);
    phone.set(NOW, customer, "trade_name", "惠民超市");
    assert_eq!(knock_of(&phone, NOW), None, "nothing is remembered yet");
    let knock = knocking(&world, &mut phone, NOW);
    assert!(matches!(heard(&world, &phone, NOW, &knock), Knocked::Reply(Reply::Nothing { now: NOW })));
    assert!(matches!(heard(&world, &other, NOW, &knock), Knocked::Reply(Reply::InFull)), "it is remembered of one device");
    let stranger = Knock { print: knock.print ^ 1, ..knock };
    assert!(matches!(heard(&world, &phone, NOW, &stranger), Knocked::Reply(Reply::InFull)));

    // Own work is not knocked away, and something of a colleague comes by a knock.
    other.set(NOW, SubjectId::from_bytes([71; 16]), "trade_name", "新华书店");
    world.sync(&mut other, NOW);
    let Knocked::Answered(Answered::Answer(parts)) = heard(&world, &phone, NOW, &knock) else { panic!("there is something new") };
    let brought = joined(parts.into_list());
    assert!(brought.items.iter().any(|item| matches!(item, Item::Document { kind, .. } if kind == "customer")), "{brought:?}");
    let synced = phone.replica.sync_answer(&brought.encode().unwrap(), NOW).unwrap();
    assert!(!synced.more && phone.holds(SubjectId::from_bytes([71; 16]).customer()));
    assert_eq!(knock_of(&phone, NOW), None, "it stands elsewhere now");
    phone.set(NOW, customer, "trade_name", "惠民生鲜");
    assert_eq!(knock_of(&phone, NOW), None, "what waits is handed in");

    // A right that was taken away meanwhile is gone, whatever is remembered.
    let knock = knocking(&world, &mut phone, NOW);
    world.accounts.switch_user(NOW, &Who::shell(), rep, true).unwrap();
    assert!(matches!(heard(&world, &phone, NOW, &knock), Knocked::Reply(Reply::InFull)));
    world.accounts.switch_user(NOW, &Who::shell(), rep, false).unwrap();
    world.accounts.assign_territories(NOW, &Who::shell(), rep, &BTreeSet::from([TerritoryId("west".to_owned())])).unwrap();
    let Knocked::Answered(Answered::Answer(parts)) = heard(&world, &phone, NOW, &knock) else { panic!("there is something to forget") };
    let brought = joined(parts.into_list());
    assert!(brought.items.iter().any(|item| matches!(item, Item::Forget { doc } if *doc == SubjectId::from_bytes([71; 16]).customer())));
    assert!(!brought.items.iter().any(|item| matches!(item, Item::Document { .. })), "{brought:?}");
}

#[test]
fn a_device_at_rest_stays_where_it_stands_while_little_passes_that_is_not_for_it() {
    let world = world();
    let (rep, elsewhere) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Salesperson, &["west"]));
    let (mut phone, mut other) = (world.phone(rep), world.phone(elsewhere));
    let knock = knocking(&world, &mut phone, NOW);
    other.set(NOW, SubjectId::from_bytes([72; 16]), "trade_name", "新华书店");
    world.sync(&mut other, NOW);
    assert!(matches!(heard(&world, &phone, NOW, &knock), Knocked::Reply(Reply::Nothing { .. })), "not for it");
    // Said in full it is still left where it stands, and may go on knocking.
    let before = phone.replica.request(NOW, None).unwrap();
    let answer = world.answer(&phone, NOW);
    assert_eq!((Some(answer.cursor), answer.knock), (before.cursor, Some(knock.print)));
    assert!(answer.cursor.number < world.feed.head().unwrap());
    // A device of an older release hears nothing of knocking, and its cursor moves.
    let older = Request { speaks: Some(SPEAKS_ROWS), ..before };
    let Answered::Answer(parts) = world.exchange.answer(NOW, &world.caller(&phone), &older).unwrap().0 else { panic!("it is there") };
    let answer = joined(parts.into_list());
    assert_eq!((answer.cursor.number, answer.knock), (world.feed.head().unwrap(), None));
}

#[test]
fn a_first_pull_brings_both_sides_of_a_card_together_and_none_twice() {
    let world = world();
    let rep = world.user(Role::Salesperson, &["east"]);
    let mut maker = world.phone(rep);
    for n in 0..20 {
        maker.set(NOW, SubjectId::from_bytes([100 + n; 16]), "trade_name", "惠民超市");
    }
    world.sync(&mut maker, NOW);
    let fresh = world.phone(rep);
    let answer = world.answer(&fresh, NOW);
    let docs: Vec<DocId> =
        answer.items.iter().filter_map(|item| if let Item::Document { doc, .. } = item { Some(*doc) } else { None }).collect();
    assert_eq!(docs.iter().collect::<BTreeSet<_>>().len(), docs.len(), "none twice");
    for n in 0..20 {
        let subject = SubjectId::from_bytes([100 + n; 16]);
        let place = |doc: DocId| docs.iter().position(|one| *one == doc).unwrap();
        assert_eq!(place(subject.office()), place(subject.customer()) + 1, "side by side");
    }
    let mut fresh = fresh;
    world.sync(&mut fresh, NOW);
    assert_eq!(fresh.replica.store().read(|read| read.digest()).unwrap(), maker.replica.store().read(|read| read.digest()).unwrap());
}
