//! Answers that come late, twice, or to a phone whose file was put back meanwhile: what random worlds found, told plainly.

use roadbook_core::exchange::Answer;

use crate::world::World;
use crate::world::cast::{self, customer};
use crate::world::disk::{Disk, Trouble};
use crate::world::mishap::attempt;
use crate::world::phone::Home;
use crate::world::platter::Loss;

/// A phone on a file, its backup, and what it handed in after that.
fn put_back() -> (World, std::path::PathBuf) {
    let mut world = World::monday(&["lq1"]);
    world.enrol("wf1", true);
    world.sync("wf1");
    let now = world.at("09:00").now;
    let backup = world.phones.get_mut("wf1").unwrap().back_up(now);
    world.at("09:10").on("wf1").set(customer(1), "trade_name", "惠民大超市");
    (world, backup)
}

fn restore(world: &mut World, backup: &std::path::Path) {
    let now = world.now;
    world.phones.get_mut("wf1").unwrap().restore(backup, now);
}

fn name(world: &World) -> Option<String> {
    world.card("wf1", customer(1)).text("trade_name").map(str::to_owned)
}

#[test]
fn a_phone_that_was_put_back_is_given_what_it_had_written_itself() {
    let (mut world, backup) = put_back();
    world.sync("wf1");
    restore(&mut world, &backup);
    assert_eq!(name(&world).as_deref(), Some("惠民超市"));
    world.at("10:00").exchange("wf1");
    assert_eq!(name(&world).as_deref(), Some("惠民大超市"), "by the first exchange, not only when both sides compare");
    super::cursor_is_true(&world, world.phone("wf1")).unwrap();
    world.settle();
    super::hold(&mut world);
}

#[test]
fn an_answer_from_before_a_phone_was_put_back_moves_no_cursor() {
    let (mut world, backup) = put_back();
    let (now, phone) = (world.now, &world.phones["wf1"]);
    let request = phone.replica().sync_request(now, None).unwrap();
    let answer = world.office.answer(phone.device, &request, now).unwrap();
    restore(&mut world, &backup);
    let synced = world.phones.get_mut("wf1").unwrap().take_answer(&answer, now).unwrap();
    assert!(synced.more, "it asks again");
    super::cursor_is_true(&world, world.phone("wf1")).unwrap();
    world.settle();
    assert_eq!(name(&world).as_deref(), Some("惠民大超市"));
    super::hold(&mut world);
}

#[test]
fn an_answer_that_comes_again_does_not_move_the_cursor_back() {
    let (mut world, _) = put_back();
    world.exchange("wf1");
    let first = world.exchanged.pop().unwrap();
    world.at("10:00").on("lq1").set(customer(2), "trade_name", "好又来二店");
    world.settle();
    let position = |world: &World| world.phone("wf1").replica().store().read(|read| read.pull_position()).unwrap();
    let before = position(&world);
    assert!(Answer::decode(&first.answer).unwrap().cursor.number < before.number);
    let now = world.now;
    world.phones.get_mut("wf1").unwrap().take_answer(&first.answer, now).unwrap();
    assert_eq!(position(&world), before);
    super::hold(&mut world);
}

#[test]
fn a_profile_that_was_lost_on_its_way_is_told_again() {
    let (mut world, _) = put_back();
    world.sync("wf1");
    let who = roadbook_server::accounts::Who::default();
    let west = [roadbook_core::ids::TerritoryId(cast::WEST.to_owned())].into();
    world.office.accounts.assign_territories(world.now, &who, cast::user("wf"), &west).unwrap();
    let phone = &world.phones["wf1"];
    let request = phone.replica().sync_request(world.now, None).unwrap();
    let _lost = world.office.answer(phone.device, &request, world.now).unwrap();
    world.sync("wf1");
    let told = world.phone("wf1").replica().profile().unwrap().unwrap();
    assert_eq!(told.territories.iter().map(|territory| territory.0.as_str()).collect::<Vec<_>>(), [cast::WEST]);
}

#[test]
fn a_power_cut_in_the_middle_of_an_answer_leaves_a_true_cursor() {
    let mut world = World::monday(&["lq1"]);
    world.enrol_at("wf1", cast::device("wf1"), Home::Disk(Disk::new()));
    world.sync("wf1");
    for n in 1..6 {
        world.at("09:00").on("lq1").set(customer(n), "trade_name", "新店名");
    }
    world.sync("lq1");
    let (now, before) = (world.now, world.phones["wf1"].disk().copy());
    let request = world.phones["wf1"].replica().sync_request(now, None).unwrap();
    let answer = world.office.answer(cast::device("wf1"), &request, now).unwrap();
    let mut chance = world.chance.branch("cuts");
    let mut cuts = 0;
    for within in 1..30 {
        let phone = world.phones.get_mut("wf1").unwrap();
        phone.restore_disk(before.clone(), now, |_| std::collections::BTreeSet::new());
        phone.disk().plant(Trouble::PowerCut, within, &mut chance);
        let _taken_or_cut = attempt(|| phone.take_answer(&answer, now));
        if phone.disk().is_stopped() {
            cuts += 1;
            phone.power_cut(Loss::None, false, now, &mut chance).unwrap();
        }
        super::cursor_is_true(&world, world.phone("wf1")).unwrap();
    }
    assert!(cuts > 10, "{cuts} cuts prove nothing");
}
