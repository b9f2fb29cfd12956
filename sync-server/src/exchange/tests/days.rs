//! What time does: a server clock that was wrong, a replica of headquarters that went bad.

use roadbook_core::replica::field::{self, TourKey};

use super::*;

#[test]
fn a_server_clock_that_was_wrong_for_one_exchange_closes_nothing_for_good() {
    let world = world();
    let (rep, planner) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Dispatcher, &["east"]));
    let mut phone = world.phone(rep);
    let key = TourKey { route: "east-1".to_owned(), day: NOW.day(480).unwrap(), rep };
    let stamp = Stamp { author: planner, now: NOW, entropy: [9; 16] };
    world.headquarters.commit(planner, NOW, &vec![field::publish(&stamp, &key, None, &[], None, &[])]).unwrap();
    world.sync(&mut phone, NOW);
    assert!(phone.holds(key.doc()));
    let holds_now = |now| {
        let mut fresh = world.phone(rep);
        world.sync(&mut fresh, now);
        fresh.holds(key.doc())
    };
    assert!(!holds_now(NOW.plus(400 * DAY)), "long past, by that clock");
    assert!(holds_now(NOW.plus(60_000)), "the clock is right again");
}

#[test]
fn a_card_that_went_bad_at_headquarters_is_found_and_made_anew_from_the_feed() {
    let world = world();
    let mut phone = world.phone(world.user(Role::Salesperson, &["east"]));
    let c1 = customer(101);
    phone.set(NOW, c1, "trade_name", "惠民");
    world.sync(&mut phone, NOW);
    let name = || world.headquarters.read(|replica| replica.card(c1)).unwrap().and_then(|card| card.text("trade_name").map(str::to_owned));
    assert_eq!(name().as_deref(), Some("惠民"));
    {
        let empty = kinds::ready("customer").unwrap().genesis.save();
        let mut inner = world.headquarters.hold();
        inner.replica_mut().store_mut().write(|write| write.put_snapshot(c1.customer(), &empty)).unwrap();
    }
    assert_eq!(name(), None, "what it holds is not what its row says");
    world.exchange.scrub(NOW.plus(DAY)).unwrap();
    assert_eq!(name().as_deref(), Some("惠民"));
}
