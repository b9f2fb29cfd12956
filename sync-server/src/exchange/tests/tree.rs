//! The tree of territories, and cards that lie in none.

use super::*;
use crate::access::{Reach, Relation};

/// 城东 lies in this territory from now on.
fn east_lies_in(world: &World, now: Ms, parent: Option<&str>) {
    let parent = parent.map(|parent| TerritoryId(parent.to_owned()));
    let east = Territory { id: TerritoryId("east".to_owned()), parent, name: "城东".to_owned() };
    world.accounts.set_territory(now, &Who::shell(), &east).unwrap();
}

#[test]
fn what_was_recorded_before_the_tree_changed_is_judged_by_the_tree_as_it_was() {
    let world = world();
    east_lies_in(&world, NOW, Some("west"));
    let (rep, boss) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Supervisor, &["west"]));
    let (mut rep, mut boss) = (world.phone(rep), world.phone(boss));
    let c1 = customer(101);
    rep.set(NOW, c1, "trade_name", "惠民");
    world.sync(&mut rep, NOW);
    world.sync(&mut boss, NOW);
    boss.set(NOW.plus(1_000), c1, "short_name", "惠");
    east_lies_in(&world, NOW.plus(2_000), None);
    let answer = world.answer(&boss, NOW.plus(3_000));
    assert_eq!(answer.verdicts.first().unwrap().outcome, Outcome::Accepted, "it comes late, and counts");
    let late = world.feed.late(0, None).unwrap();
    assert_eq!(late.iter().map(|line| (line.subject, line.author, line.changes)).collect::<Vec<_>>(), [(c1, boss.user, 1)]);
    assert!(world.feed.late(0, Some(late.first().unwrap().last_no)).unwrap().is_empty(), "there are no more");
    world.sync(&mut boss, NOW.plus(3_000));
    assert!(!boss.holds(c1.customer()), "what is out of reach is given up");
}

#[test]
fn rights_from_before_a_change_are_not_kept_for_after_it() {
    let world = world();
    let territories = |id: &str| BTreeSet::from([TerritoryId(id.to_owned())]);
    let rep = world.user(Role::Salesperson, &["east"]);
    let before = world.accounts.user(rep).unwrap().unwrap();
    world.accounts.assign_territories(NOW, &Who::shell(), rep, &territories("west")).unwrap();
    let after = world.accounts.user(rep).unwrap().unwrap();
    let (views, asked) = (scope::Views::default(), (world.accounts.version().unwrap(), scope::BROAD_CUSTOMERS_MIN));
    let reach = |user| views.of(&world.accounts, world.feed.as_ref(), user, asked).unwrap().reach;
    assert_eq!(reach(&before), Reach::Within(territories("east")), "an exchange that began before");
    assert_eq!(reach(&after), Reach::Within(territories("west")));
}

#[test]
fn a_card_that_lies_nowhere_is_filed_so_and_within_reach_of_whoever_has_no_bounds() {
    let world = world();
    let manager = world.user(Role::Manager, &[]);
    for (n, side) in [(101, Target::customer(customer(101))), (102, Target::office(customer(102)))] {
        let edit = if side.kind.id == "office" { assert("lifecycle", "active") } else { assert("trade_name", "惠民") };
        world.headquarters.commit(manager, NOW, &vec![(side, vec![edit])]).unwrap();
        let filing = world.feed.filing(customer(n)).unwrap();
        assert_eq!(filing, Some(Filing::default()));
        assert_eq!(Relation::of(manager, &Reach::Everywhere, filing.as_ref()), Relation::Territory);
    }
}
