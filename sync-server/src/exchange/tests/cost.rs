//! What an exchange costs headquarters does not depend on how much others hold, nor on how much the device holds already.

use super::*;
use crate::database::steps::{self, Steps};

/// Cards of the device's own territory and of another one: few, and many.
const SIZES: [u8; 2] = [10, 100];

/// A world with so many cards in each territory, a phone of the first that has them, and a superior's that has none.
fn furnished(cards: u8) -> (World, Phone, Phone) {
    let world = world();
    let (rep, far, boss) = (
        world.user(Role::Salesperson, &["east"]),
        world.user(Role::Salesperson, &["west"]),
        world.user(Role::Supervisor, &["east", "west"]),
    );
    let (mut rep, mut far, boss) = (world.phone(rep), world.phone(far), world.phone(boss));
    for n in 0..cards {
        rep.set(NOW, customer(n), "trade_name", "近处");
        rep.event(NOW, "visit", customer(n), &[assert("feedback", "好")]);
        far.set(NOW, customer(n + SIZES[1]), "trade_name", "远处");
        if n % 20 == 9 {
            (0..2).for_each(|_| [&mut rep, &mut far].into_iter().for_each(|phone| assert_eq!(world.sync(phone, NOW), 1)));
        }
    }
    (world, rep, boss)
}

fn acts(world: &World, rep: &mut Phone, boss: &mut Phone, card: u8) -> Vec<(&'static str, Steps)> {
    let mut seen = Vec::new();
    rep.set(NOW, customer(card), "legal_name", "改名");
    seen.push(("a change is handed in", steps::of(|| assert_eq!(world.sync(rep, NOW), 1))));
    rep.event(NOW, "visit", customer(card), &[assert("feedback", "又来了")]);
    seen.push(("a visit is handed in", steps::of(|| assert_eq!(world.sync(rep, NOW), 1))));
    boss.set(NOW, customer(card), "short_name", "短");
    world.sync(boss, NOW);
    seen.push(("a change is fetched", steps::of(|| assert_eq!(world.sync(rep, NOW), 1))));
    seen.push(("nothing is new", steps::of(|| assert_eq!(world.sync(rep, NOW), 1))));
    seen
}

#[test]
fn an_exchange_costs_headquarters_the_same_however_much_it_holds() {
    let [few, many] = SIZES.map(|cards| {
        let (world, mut rep, mut boss) = furnished(cards);
        world.sync(&mut boss, NOW);
        // Once unseen: what is asked the first time only is not what an exchange costs.
        acts(&world, &mut rep, &mut boss, 3);
        acts(&world, &mut rep, &mut boss, 5)
    });
    assert!(few.iter().all(|(_, steps)| steps.values().sum::<i64>() > 0), "nothing was counted");
    let dearer: Vec<(&str, Vec<String>)> = few.iter().zip(&many).map(|((name, few), (_, many))| (*name, steps::grown(few, many))).collect();
    assert!(dearer.iter().all(|(_, statements)| statements.is_empty()), "{dearer:#?}");
}
