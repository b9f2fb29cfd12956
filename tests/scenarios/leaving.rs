//! People who leave and phones that are lost: S38, S39.

use roadbook_core::exchange::{Answer, Order, Request};
use roadbook_core::ids::Ms;
use roadbook_server::accounts::Who;
use roadbook_server::feed::DeskState;
use roadbook_server::quarantine::said;

use super::handover::visit;
use super::photos::{visit_with, world_with_wf1};
use crate::laws;
use crate::world::World;
use crate::world::cast::{self, MONDAY, customer};
use crate::world::edits::picture;

/// Rows of the desk, more than any test has.
const ROWS: usize = 1_000;

#[test]
fn s38_a_leaver_drains_into_quarantine_and_a_manager_decides() {
    let mut world = World::monday(&["lq1", "wf1"]);
    let (c2, lq) = (customer(2), cast::user("lq"));
    let left = MONDAY.plus(18 * 3_600_000);
    for n in 0..12 {
        world.at("10:00").pass_ms(n * 60_000).on("lq1").set(c2, "legal_name", format!("好又来{n}"));
    }
    world.at("18:00");
    world.office.accounts.switch_user(world.now, &Who::default(), lq, true).unwrap();
    world.on_day(1, "09:00");
    visit(&mut world, "lq1", c2);
    visit(&mut world, "lq1", customer(5));
    world.on("lq1").set(c2, "short_name", "来");

    // The answer with the receipt is lost, and he goes on working.
    let now = world.on_day(3, "09:00").now;
    let phone = world.phone("lq1");
    let (device, request) = (phone.device, phone.replica().sync_request(now, None).unwrap());
    let answer = Answer::decode(&world.office.answer(device, &request, now).unwrap()).unwrap();
    assert!(answer.items.is_empty() && answer.profile.is_none(), "nothing comes out");
    assert_eq!(answer.told.unwrap().order, Some(Order::Wipe), "everything has arrived");
    world.on("lq1").set(c2, "customer_no", "16");
    let synced = world.exchange("lq1");
    assert!(synced.wiped && synced.quarantined.len() == 16);
    let gone = world.phones.remove("lq1").unwrap();
    assert!(gone.replica().card(c2).unwrap().is_none() && gone.replica().device().is_err(), "nothing is left on the phone");

    let open = world.office.feed.desk(Some(DeskState::Open), ROWS).unwrap();
    assert_eq!(open.len(), 15);
    let refused = world.office.feed.desk(Some(DeskState::Rejected), ROWS).unwrap();
    assert_eq!(refused.iter().map(|row| row.row.refused.code.as_str()).collect::<Vec<_>>(), ["after_drain"], "the sixteenth");
    let log = world.office.accounts.audit_rows(50).unwrap();
    assert!(log.iter().any(|row| row.act == "refused-after-drain"));

    let desk = world.office.desk();
    let mut words = Vec::new();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for row in &open {
        let (says, claimed) = said(&desk, row).unwrap();
        words.extend(says.into_iter().map(|line| (line.label.zh.to_string(), line.value)));
        if claimed.unwrap() <= left { before.push(row.row.id) } else { after.push(row.row.id) }
    }
    assert_eq!((before.len(), after.len()), (12, 3));
    assert!(words.contains(&("营业执照名称".to_owned(), "好又来11".to_owned())), "in words: {words:?}");
    let cg = cast::user("cg");
    let done = desk.approve(now, &Who::default(), cg, &before, "已核对").unwrap();
    assert_eq!((done.as_is.len(), done.rewritten.len(), done.impossible.len()), (12, 0, 0));
    assert_eq!(desk.reject(now, &Who::default(), cg, &after, "离职之后").unwrap(), 3);
    assert_eq!(desk.reject(now, &Who::default(), cg, &after, "again").unwrap(), 0, "a decision stands");
    let kept = world.office.feed.desk(Some(DeskState::Rejected), ROWS).unwrap();
    assert_eq!((kept.len(), kept[0].decided_by, kept[0].remark.as_str()), (4, Some(cg), "离职之后"));
    let card = world.office_card(c2);
    assert_eq!(card.text("legal_name"), Some("好又来11"));
    assert_eq!(card.facts["legal_name"].rivals[0].author, Some(lq), "his, not the manager's");
    assert_eq!(card.text("short_name"), None);
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn s39_a_stolen_phone_is_wiped_at_first_contact() {
    let mut world = World::monday(&["lq1"]);
    world.enrol("wf1", true);
    world.sync("wf1");
    let file = world.phone("wf1").file().unwrap().to_owned();
    for n in 0..7 {
        world.at("08:30").pass_ms(n * 1_000).on("wf1").set(customer(1), "legal_name", format!("惠民{n}"));
    }
    // The last heartbeat: the line broke after the head of the request.
    let now = world.on_day(2, "09:00").now;
    let phone = world.phone("wf1");
    let device = phone.device;
    let heartbeat = Request { pushed: Vec::new(), digest: None, ..phone.replica().request(now, None).unwrap() };
    world.office.answer(device, &heartbeat.encode().unwrap(), now).unwrap();
    world.on_day(2, "15:00");
    world.office.accounts.order_wipe(world.now, &Who::default(), device).unwrap();
    let known = world.office.accounts.device(device).unwrap().unwrap();
    assert_eq!((known.waiting, known.seen_at), (7, Some(now)), "at most seven records are missing");

    world.on_day(4, "23:00");
    let synced = world.exchange("wf1");
    assert!(synced.wiped && synced.documents == 0);
    assert!(!file.exists(), "the file is gone");
    assert!(matches!(world.phone("wf1").replica().device(), Err(roadbook_core::replica::ReplicaError::NotEnrolled)));
    let orders = world.office.accounts.orders(device).unwrap();
    assert!(orders.wipe_told_at.is_some() && orders.drained_at.is_some());
    assert_eq!(world.office.feed.desk(Some(DeskState::Open), ROWS).unwrap().len(), 7, "what it had is in quarantine");
    assert_eq!(world.office.accounts.device(device).unwrap().unwrap().waiting, 0, "nothing is missing after all");
    world.phones.remove("wf1");
    world.enrol("wf2", false);
    world.exchange("wf2");
    assert!(world.holds("wf2", customer(1)), "her new phone works within one first sync");
    world.settle();
    laws::hold(&mut world);
    let _moment: Ms = now;
}

#[test]
fn what_is_recorded_while_the_last_answer_is_under_way_is_handed_in_before_the_wipe() {
    let mut world = World::monday(&["lq1"]);
    let c2 = customer(2);
    world.at("18:00").on("lq1").set(c2, "legal_name", "好又来");
    let now = world.now;
    world.office.accounts.switch_user(now, &Who::default(), cast::user("lq"), true).unwrap();
    let phone = world.phone("lq1");
    let answer = world.office.answer(phone.device, &phone.replica().sync_request(now, None).unwrap(), now);
    world.on("lq1").set(c2, "short_name", "来");
    let synced = world.phones.get_mut("lq1").unwrap().take_answer(&answer.unwrap(), now).unwrap();
    assert!(synced.drain_only && synced.more && !synced.wiped, "the short name is not at headquarters");
    assert!(world.exchange("lq1").wiped);
    let rows = |state| world.office.feed.desk(Some(state), ROWS).unwrap().into_iter().map(|row| row.row.refused.code).collect::<Vec<_>>();
    assert_eq!((rows(DeskState::Open).len(), rows(DeskState::Rejected)), (1, vec!["after_drain".to_owned()]), "both are kept");
}

#[test]
fn what_is_recorded_is_handed_in_before_the_wipe_of_a_phone_whose_photos_do_not_come() {
    let mut world = world_with_wf1(&[]);
    visit_with(&mut world, "wf1", &[picture(1, 300_000)]);
    world.office.accounts.switch_user(world.now, &Who::default(), cast::user("wf"), true).unwrap();
    for _ in 0..8 {
        assert!(!world.sync("wf1").wiped);
        world.pass_ms(Ms::DAY - 60_000);
    }
    let (now, phone) = (world.now, world.phone("wf1"));
    let answer = world.office.answer(phone.device, &phone.replica().sync_request(now, None).unwrap(), now);
    world.on("wf1").set(customer(2), "short_name", "来");
    let synced = world.phones.get_mut("wf1").unwrap().take_answer(&answer.unwrap(), now).unwrap();
    assert!(synced.drain_only && !synced.wiped, "the short name is not at headquarters");
    assert!(world.exchange("wf1").wiped);
    let rejected = world.office.feed.desk(Some(DeskState::Rejected), ROWS).unwrap();
    assert_eq!(rejected.iter().map(|row| row.row.refused.code.as_str()).collect::<Vec<_>>(), ["after_drain"]);
}
