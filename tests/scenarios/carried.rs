//! Phone to phone: S43.

use roadbook_core::carried::Packet;
use roadbook_server::accounts::Who;
use roadbook_server::feed::DeskState;

use super::handover::visit;
use crate::laws;
use crate::world::World;
use crate::world::cast::{self, customer};

#[test]
fn s43_a_batch_signed_by_one_phone_and_carried_by_another_counts_as_its_authors() {
    let mut world = World::monday(&["wf1", "lq1", "xw1"]);
    let (c1, c101) = (customer(1), customer(101));
    world.at("10:00");
    visit(&mut world, "wf1", c1);
    world.on("wf1").set(c1, "legal_name", "惠民超市有限公司");
    world.on("wf1").propose(c1, "grade", "A");
    let own = world.phone("wf1").replica().outbox_size().unwrap().changes;
    // In the village. He may not hold what is between her and headquarters.
    let now = world.at("12:00").now;
    let packet = world.handed_over("wf1", "lq1").unwrap();
    let batch = Packet::decode(&packet).unwrap().batch().unwrap();
    assert!(batch.pushed.iter().all(|pushed| pushed.kind != "proposal"));
    let elsewhere = world.phone("xw1").replica().meeting().unwrap();
    assert!(world.phone("wf1").replica().carry_out(&elsewhere, now).unwrap().is_none(), "nothing for somebody of another territory");
    let lq1 = world.phones.get_mut("lq1").unwrap();
    let taken = lq1.replica_mut().carry_in(&packet, now).unwrap();
    assert_eq!((taken.changes, taken.shown), (2, 2));
    assert_eq!(lq1.replica_mut().carry_in(&packet, now).unwrap().shown, 0, "twice is as good as once");
    assert_eq!(world.card("lq1", c1).text("legal_name"), Some("惠民超市有限公司"), "shown at once");
    // He goes on from what he took in, and gets online.
    world.on("lq1").set(c1, "legal_name", "惠民超市股份公司");
    let synced = world.at("15:00").sync("lq1");
    assert_eq!((synced.handed_on, synced.accepted, synced.quarantined.len()), (1, 1, 0));
    let card = world.office_card(c1);
    assert_eq!((card.text("legal_name"), card.facts["legal_name"].rivals.len()), (Some("惠民超市股份公司"), 1));
    let visits = world.office.read(|replica| {
        let filter = roadbook_core::store::rows::VisitFilter { subject: Some(c1), ..Default::default() };
        replica.store().read(|read| read.visits(&filter, None, 9)).unwrap().lines
    });
    assert_eq!(visits.iter().map(|line| line.visit.rep).collect::<Vec<_>>(), [Some(cast::user("wf"))]);
    // Two days later she is online: receipts for what was there, nothing twice.
    let head = world.office.head();
    let hers = world.on_day(2, "15:00").sync("wf1");
    assert_eq!(hers.accepted as u64, own);
    assert!(world.office.head() > head, "the proposal is new");
    assert_eq!(world.office_card(c1).facts["legal_name"].rivals.len(), 1);
    assert!(world.office.feed.desk(Some(DeskState::Open), 9).unwrap().is_empty());
    world.settle();
    let _other = c101;
    laws::hold(&mut world);
}

#[test]
fn s43_a_batch_that_its_author_did_not_sign_is_set_aside_and_leaves_the_carrier() {
    let mut world = World::monday(&["wf1", "lq1"]);
    let c1 = customer(1);
    world.at("10:00").on("wf1").set(c1, "legal_name", "假的");
    let now = world.now;
    let meeting = world.phone("lq1").replica().meeting().unwrap();
    let batch = world.phone("wf1").replica().carry_out(&meeting, now).unwrap().unwrap();
    let forged = cast::key(world.phone("lq1").device).sign(&batch.text);
    let packet = batch.signed(forged);
    world.phones.get_mut("lq1").unwrap().replica_mut().carry_in(&packet, now).unwrap();
    assert_eq!(world.card("lq1", c1).text("legal_name"), Some("假的"));
    let synced = world.at("11:00").sync("lq1");
    assert_eq!(synced.handed_on, 1);
    assert_eq!(world.card("lq1", c1).text("legal_name"), None, "taken out again");
    let rows = world.office.feed.desk(Some(DeskState::Open), 9).unwrap();
    assert_eq!(rows.iter().map(|row| row.row.refused.code.as_str()).collect::<Vec<_>>(), ["bad_signature"]);
    assert_eq!(world.sync("wf1").accepted, 1, "her own hand-in counts");
    world.settle();
    laws::hold(&mut world);
}

/// What was carried may be refused when others have gone on from it: what does not need it goes on without it, what does is set aside with it.
#[test]
fn what_needs_a_refused_change_waits_with_it_and_for_nothing_else() {
    let mut world = World::monday(&["wf1", "lq1"]);
    let c1 = customer(1);
    world.at("10:00").on("wf1").write(c1, "problems", 0, "缺货");
    let now = world.at("12:00").now;
    let packet = world.handed_over("wf1", "lq1").unwrap();
    world.phones.get_mut("lq1").unwrap().replica_mut().carry_in(&packet, now).unwrap();
    world.on("lq1").set(c1, "short_name", "惠").write(c1, "problems", 2, "严重").set(c1, "legal_name", "惠民超市有限公司");
    world.office.accounts.revoke_device(now, &Who::shell(), cast::device("wf1")).unwrap();
    world.at("15:00").sync("wf1");
    world.phones.remove("wf1");
    world.settle();
    let card = world.office_card(c1);
    assert_eq!((card.text("short_name"), card.text("legal_name")), (Some("惠"), Some("惠民超市有限公司")));
    assert_eq!(card.texts.get("problems").map_or("", String::as_str), "");
    assert_eq!(world.phone("lq1").replica().outbox_size().unwrap().changes, 0, "nothing waits on the phone");
    let open = world.office.feed.desk(Some(DeskState::Open), 9).unwrap();
    let mut codes: Vec<&str> = open.iter().map(|row| row.row.refused.code.as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["follows_refused", "revoked"]);
    // Somebody looks at it, and it counts after all.
    let mut ids: Vec<i64> = open.iter().map(|row| row.row.id).collect();
    ids.sort_unstable();
    world.office.desk().approve(now, &Who::default(), cast::user("cg"), &ids, "").unwrap();
    world.settle();
    for card in [world.office_card(c1), world.card("lq1", c1)] {
        assert_eq!(card.texts.get("problems").map(String::as_str), Some("缺货严重"));
    }
    laws::hold(&mut world);
}
