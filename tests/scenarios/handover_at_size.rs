//! Everything that a leaver had goes to somebody else at once: S40 at its size, over a line.

use roadbook_core::ids::SubjectId;
use roadbook_core::replica::Stamp;
use roadbook_core::replica::private::describe_person;
use roadbook_core::store::rows::VisitFilter;
use roadbook_server::transfer::{self, Wanted};

use super::handover::visit;
use crate::laws;
use crate::world::World;
use crate::world::cast::{self, WEST, customer};
use crate::world::chance::Chance;
use crate::world::hand::{entry, entry_edit, fact};
use crate::world::link::Line;

/// 1 Mbit/s, 50 ms one way.
const FAIR: Line = Line { bits_per_s: 1_000_000, latency_ms: 50, lost: 0 };
/// How long the winner may wait for all of it.
const WAIT_MS_MAX: i64 = 60_000;
/// Cards that the leaver hands over; the last of them go to the pool.
const CARDS: usize = 150;
const POOLED: usize = 30;
/// Visits of each customer, of which the winner's phone takes the last three.
const VISITS: i64 = 4;

#[test]
fn s40_120_cards_reach_the_winner_with_their_last_visits_within_a_minute() {
    let mut world = World::monday(&["xw1", "lq1"]);
    let numbers: Vec<u8> = (10..=255).filter(|n| *n != 101).take(CARDS).collect();
    let shops: Vec<SubjectId> = numbers.iter().map(|n| customer(*n)).collect();
    let (won, pooled) = shops.split_at(CARDS - POOLED);
    for n in &numbers {
        world.open_shop(*n, WEST, "xw");
    }
    world.sync("xw1");
    // One customer of each half has a person whose traits are private.
    let boss = entry("老板");
    for shop in [won[0], pooled[0]] {
        world.on("xw1").edit(shop, &[entry_edit("stakeholders", boss, &[("name", "张老板")])]);
        world.on("xw1").save_work(describe_person(shop, boss, None, vec![fact("age", 47)]));
    }
    for day in 0..VISITS {
        world.on_day(day, "09:00");
        for shop in &shops {
            world.on("xw1").set(*shop, "headcount", day + 1).write(*shop, "problems", 0, "货架第三层缺货,冷柜灯管要换。");
            visit(&mut world, "xw1", *shop);
        }
        world.sync("xw1");
    }
    world.sync("lq1");
    assert!(shops.iter().all(|shop| !world.holds("lq1", *shop)));

    world.on_day(VISITS, "08:00");
    let wanted = Wanted {
        leaver: cast::user("xw"),
        winner: Some(cast::user("lq")),
        pool: pooled.iter().copied().collect(),
        only: shops.iter().copied().collect(),
        territories: Vec::new(),
    };
    let stamp = Stamp { author: cast::user("cg"), now: world.now, entropy: [9; 16] };
    let today = world.now.day(cast::OFFSET_MINUTES).unwrap();
    let plan = world.office.read(|replica| transfer::plan(replica, &stamp, today, &wanted)).unwrap();
    assert_eq!((plan.cards.len(), plan.cards.iter().filter(|card| card.to_pool).count()), (CARDS, POOLED));
    world.desk("cg", plan.work);

    // One synchronisation: as many turns as it takes, without another start.
    let mut chance = Chance::new(40);
    let mut waited = FAIR.connect_ms(&mut chance);
    loop {
        let trip = world.exchange_over("lq1", FAIR, &mut chance);
        waited += trip.all_ms;
        if !trip.synced.more {
            break;
        }
    }
    assert!(waited <= WAIT_MS_MAX, "all of it was there after {waited} ms");
    let replica = world.phone("lq1").replica();
    for shop in won {
        let card = replica.card(*shop).unwrap().unwrap();
        assert_eq!(card.facts["headcount"].value, VISITS.into());
        let filter = VisitFilter { subject: Some(*shop), ..VisitFilter::default() };
        let visits = replica.store().read(|read| read.visits(&filter, None, 10)).unwrap().lines;
        let documents = visits.iter().filter(|line| replica.visit(line.visit.doc).unwrap().is_some());
        assert_eq!(documents.count(), 3, "the last three of {VISITS}");
    }
    assert_eq!(replica.persons(won[0]).unwrap().len(), 1, "what is known of people goes with the customer");
    assert!(pooled.iter().all(|shop| replica.card(*shop).unwrap().is_none() && replica.persons(*shop).unwrap().is_empty()));
    world.settle();
    laws::hold(&mut world);
}
