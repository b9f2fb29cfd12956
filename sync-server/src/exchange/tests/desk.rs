//! The desk of what was set aside, and what is written down of decisions.

use roadbook_core::replica::field;

use super::*;
use crate::accounts::Act;
use crate::feed::{DeskOrder, DeskPage, DeskState};
use crate::quarantine::Quarantine;

fn desk(world: &World) -> Quarantine<'_> {
    Quarantine { accounts: &world.accounts, feed: world.feed.as_ref(), headquarters: &world.headquarters }
}

/// Three visits that a stranger to the customer handed in.
fn three_rows(world: &World) -> Vec<i64> {
    let (owner, stranger) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Salesperson, &["west"]));
    let (mut owner, mut stranger) = (world.phone(owner), world.phone(stranger));
    owner.set(NOW, customer(101), "trade_name", "惠民");
    world.sync(&mut owner, NOW);
    for what in ["一", "二", "三"] {
        stranger.event(NOW, "visit", customer(101), &[assert("feedback", what)]);
    }
    world.sync(&mut stranger, NOW);
    let ids: Vec<i64> = world.feed.desk(Some(DeskState::Open), 10).unwrap().iter().map(|row| row.row.id).collect();
    assert_eq!(ids.len(), 3);
    ids
}

/// All rows in an order, read one by one.
fn one_by_one(world: &World, state: Option<DeskState>, order: DeskOrder) -> Vec<i64> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = world.feed.desk_page(&DeskPage { state, order, after, rows_max: 1 }).unwrap();
        let Some(last) = page.last() else { return ids };
        after = Some((last.decided_no, last.row.id));
        ids.push(last.row.id);
    }
}

#[test]
fn portions_of_the_desk_leave_nothing_out_in_any_order() {
    let world = world();
    let ids = three_rows(&world);
    let backwards: Vec<i64> = ids.iter().rev().copied().collect();
    for state in [None, Some(DeskState::Open)] {
        assert_eq!(one_by_one(&world, state, DeskOrder::OldestFirst), ids);
        assert_eq!(one_by_one(&world, state, DeskOrder::NewestFirst), backwards);
        assert!(one_by_one(&world, state, DeskOrder::LatestDecisionFirst).is_empty());
    }
    let boss = world.user(Role::Manager, &[]);
    for id in ids.iter().take(2).rev() {
        assert_eq!(desk(&world).reject(NOW, &Who::shell(), boss, &[*id], "").unwrap(), 1);
    }
    let first_two: Vec<i64> = ids.iter().take(2).copied().collect();
    assert_eq!(one_by_one(&world, Some(DeskState::Rejected), DeskOrder::LatestDecisionFirst), first_two);
    assert_eq!(one_by_one(&world, None, DeskOrder::OldestFirst), ids);
    let open = world.feed.desk_open_by_subject().unwrap();
    assert_eq!(open.iter().map(|open| (open.subject, open.kind.as_str(), open.rows)).collect::<Vec<_>>(), [(customer(101), "visit", 1)]);
}

#[test]
fn what_is_approved_twice_is_written_once_and_said_to_be_decided() {
    let world = world();
    let id = three_rows(&world).first().copied().unwrap();
    let boss = world.user(Role::Manager, &[]);
    let first = desk(&world).approve(NOW, &Who::shell(), boss, &[id], "").unwrap();
    assert_eq!(first.as_is.len() + first.rewritten.len(), 1, "{first:?}");
    let head = world.feed.head().unwrap();
    let again = desk(&world).approve(NOW, &Who::shell(), boss, &[id, 9_999], "").unwrap();
    assert!(again.as_is.is_empty() && again.rewritten.is_empty() && again.changed.is_empty(), "{again:?}");
    assert_eq!((again.decided.len(), again.unknown.as_slice()), (1, [9_999].as_slice()));
    assert_eq!(world.feed.head().unwrap(), head);
}

#[test]
fn a_move_that_a_phone_decides_is_in_the_audit_log_in_its_name() {
    let world = world();
    let (rep, boss) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Manager, &[]));
    let (mut rep, mut boss) = (world.phone(rep), world.phone(boss));
    let c1 = customer(101);
    rep.set(NOW, c1, "trade_name", "惠民");
    world.sync(&mut rep, NOW);
    let stamp = rep.stamp(NOW);
    let (target, edits) = field::propose(&stamp, c1, "territory", "west".into(), None);
    rep.replica.save(&stamp, Lane::Normal, &target, &edits).unwrap();
    world.sync(&mut rep, NOW);
    world.sync(&mut boss, NOW);
    let proposal = boss.replica.proposal(target.doc).unwrap().unwrap();
    let (target, edits) = field::decide(&proposal, "accept", None);
    let stamp = boss.stamp(NOW);
    boss.replica.save(&stamp, Lane::Normal, &target, &edits).unwrap();
    world.sync(&mut boss, NOW);
    assert_eq!(world.feed.filing(c1).unwrap().unwrap().territory, Some(TerritoryId("west".to_owned())));
    let rows = world.accounts.audit_rows(100).unwrap();
    let about = |act: Act| rows.iter().filter(|row| row.act == act.code()).map(|row| (row.device, row.about.clone())).collect::<Vec<_>>();
    assert_eq!(about(Act::CustomerFiled), [(Some(boss.device), c1.to_string())]);
    assert_eq!(about(Act::GuardedValueSet), [(Some(boss.device), format!("office {}", c1.office()))]);
}
