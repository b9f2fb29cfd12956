//! The quarantine as a desk: S48, and decisions that reach the phone later.

use roadbook_core::exchange::Ruling;
use roadbook_core::model::{Edit, Value};
use roadbook_server::accounts::Who;
use roadbook_server::feed::DeskState;
use roadbook_server::quarantine;

use crate::laws;
use crate::world::World;
use crate::world::cast::{self, EAST, WEST, customer};

const ROWS: usize = 1_000;

#[test]
fn s48_one_invalid_operation_of_six_hundred_holds_up_none_of_the_others() {
    let mut world = World::monday(&["wf1", "lq1"]);
    world.at("09:00");
    for n in 0..600_u32 {
        let shop = customer(u8::try_from(n % 5).unwrap() + 3);
        world.pass_ms(1_000);
        if n == 41 {
            // A newer app would write this; this server does not know such a key.
            let unknown = Edit::Put { container: "facts".to_owned(), key: "of the future ".to_owned(), value: Value::Int(1) };
            world.on("wf1").edit(shop, &[unknown]);
        } else {
            world.on("wf1").edit(shop, &[Edit::Include { field: "tags".to_owned(), element: format!("{n}") }]);
        }
    }
    let synced = world.sync("wf1");
    assert_eq!((synced.accepted, synced.quarantined.len()), (599, 1), "{:?}", synced.quarantined);
    let rows = world.office.feed.desk(None, ROWS).unwrap();
    assert_eq!(rows.len(), 1, "one row, not one for everything that came after it");
    assert_eq!((rows[0].row.refused.code.as_str(), rows[0].state), ("not_in_schema", DeskState::Open));
    let aside = world.phone("wf1").replica().set_aside_changes(10).unwrap();
    assert_eq!((aside.len(), aside[0].hash), (1, rows[0].row.refused.hash), "its author sees it");
    let tags: usize = (3..8).map(|n| world.office_card(customer(n)).sets["tags"].len()).sum();
    assert_eq!(tags, 599);
    let file = quarantine::json(&rows);
    assert!(file.contains("not_in_schema") && file.contains("\"bytes\":\"hW9Kg"), "exportable, with its bytes: {file}");
    assert!(String::from_utf8(quarantine::csv(&rows).unwrap()).unwrap().lines().count() == 2);
    // Nothing makes it valid here; it stays open and says why.
    let done = world.office.desk().approve(world.now, &Who::default(), cast::user("cg"), &[rows[0].row.id], "").unwrap();
    assert_eq!(done.impossible.len(), 1);
    // Its author says it again in words that this server knows: one change travels, not six hundred.
    world.on("wf1").set(customer(4), "short_name", "春风");
    let again = world.sync("wf1");
    assert_eq!(again.accepted, 1);
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn s48_a_later_decision_reaches_the_phone_and_what_was_built_on_it_comes_with_it() {
    let mut world = World::monday(&["zk1", "wf1"]);
    let c3 = customer(3);
    // Finance reads cards and does not write them; the second sentence stands behind a word of the first.
    world.at("10:00").on("zk1").write(c3, "problems", 0, "货款拖欠").write(c3, "problems", 4, ",两个月");
    world.on("zk1").set(c3, "short_name", "春风");
    world.sync("zk1");
    let rows = world.office.feed.desk(Some(DeskState::Open), ROWS).unwrap();
    let mut codes: Vec<&str> = rows.iter().map(|row| row.row.refused.code.as_str()).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        ["follows_refused", "no_right", "no_right"],
        "what needs the refused words waits with them; the rest is judged by itself"
    );
    assert_eq!(world.phone("zk1").replica().set_aside_changes(10).unwrap().len(), 3);
    assert_eq!(world.card("zk1", c3).texts.get("problems").map(String::as_str).unwrap_or_default(), "");
    let now = world.at("11:00").now;
    let done = world.office.desk().approve(now, &Who::default(), cast::user("cg"), &[rows[0].row.id], "属实").unwrap();
    assert_eq!((done.as_is.len(), done.impossible.len()), (2, 0), "what was built on it is approved with it");
    assert_eq!(world.office_card(c3).texts["problems"], "货款拖欠,两个月");
    let other = rows.iter().find(|row| row.row.refused.code == "no_right" && row.row.id != rows[0].row.id).unwrap();
    world.office.desk().reject(now, &Who::default(), cast::user("cg"), &[other.row.id], "不归财务").unwrap();
    let synced = world.sync("zk1");
    let rulings: Vec<Ruling> = synced.decided.into_iter().map(|(_, ruling)| ruling).collect();
    assert_eq!(rulings, [Ruling::Approved, Ruling::Approved, Ruling::Rejected { why: "不归财务".to_owned() }]);
    assert_eq!(world.card("zk1", c3).texts["problems"], "货款拖欠,两个月", "and shown on the phone that wrote it");
    assert_eq!(world.phone("zk1").replica().set_aside_changes(10).unwrap().len(), 1);
    assert!(world.sync("zk1").decided.is_empty(), "told once");
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn s48_a_change_whose_branch_was_rejected_is_written_again_in_its_authors_name() {
    let mut world = World::monday(&["wf1", "xw1"]);
    let c3 = customer(3);
    world.at("09:00");
    world.refile(c3, WEST, "xw");
    let wf = cast::user("wf");
    world.office.accounts.switch_user(world.now, &Who::default(), wf, true).unwrap();
    world.at("10:00").on("wf1").set(c3, "legal_name", "错的").set(c3, "short_name", "春风").set(c3, "legal_name", "春风小卖部");
    let wiped = world.exchange("wf1");
    assert!(wiped.wiped);
    world.phones.remove("wf1");
    let rows = world.office.feed.desk(Some(DeskState::Open), ROWS).unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.row.id).collect();
    let desk = world.office.desk();
    desk.reject(world.now, &Who::default(), cast::user("cg"), &ids[..1], "错").unwrap();
    let done = desk.approve(world.now, &Who::default(), cast::user("cg"), &ids[1..], "").unwrap();
    assert_eq!((done.as_is.len(), done.rewritten.len(), done.impossible.len()), (0, 2, 0), "{done:?}");
    let card = world.office_card(c3);
    assert_eq!((card.text("legal_name"), card.text("short_name")), (Some("春风小卖部"), Some("春风")));
    assert_eq!(card.facts["legal_name"].rivals[0].author, Some(wf));
    world.settle();
    assert!(world.holds("xw1", c3));
    let _home = EAST;
    laws::hold(&mut world);
}
