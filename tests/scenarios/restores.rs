//! Copies and restores: a phone's file on another phone, a phone from an old backup, a line that forked, a server from an old backup. Each is
//! found out and healed; nothing is lost, nothing doubled.

use roadbook_core::exchange::{Answer, Pushed, Request};
use roadbook_core::model::{Edit, Provenance};
use roadbook_core::replica::{Claimed, Replica, Start, Target};
use roadbook_core::store::{Check, Durability, OpenOptions};
use roadbook_server::accounts::{Act, Who};
use roadbook_server::app::App;
use roadbook_server::clock::Clock;
use roadbook_server::config::Config;
use roadbook_server::feed::DeskState;
use roadbook_server::storage::SERVER_FILE;

use super::handover::visit;
use crate::laws;
use crate::world::World;
use crate::world::cast::{self, MONDAY, customer};

const ROWS: usize = 1_000;

#[test]
fn a_backup_on_a_second_phone_is_found_out_and_counts_once() {
    let mut world = World::monday(&["lq1"]);
    world.enrol("wf1", true);
    world.sync("wf1");
    let first = world.phones.get_mut("wf1").unwrap();
    assert_eq!(first.replica_mut().claim([1; 16]).unwrap(), Claimed::First);
    assert_eq!(first.replica_mut().claim([1; 16]).unwrap(), Claimed::Same);
    let c1 = customer(1);
    world.at("09:00").on("wf1").set(c1, "legal_name", "一").set(c1, "short_name", "二");
    visit(&mut world, "wf1", customer(3));
    let now = world.now;
    let backup = world.phones.get_mut("wf1").unwrap().back_up(now);
    let mut copy = world.phones.get_mut("wf1").unwrap().copied("wf2", cast::device("wf2"), &backup, now);
    assert_eq!(copy.replica_mut().claim([2; 16]).unwrap(), Claimed::Copy);
    assert!(copy.replica().device().is_err(), "it must be enrolled anew");
    let profile = world.office.enrol(cast::user("wf"), cast::device("wf2"), "wf2", now);
    copy.replica_mut().enrolled(cast::device("wf2"), &profile).unwrap();
    world.phones.insert("wf2".to_owned(), copy);
    // Both hand in what both hold, and both go on.
    world.at("10:00").on("wf2").set(c1, "customer_no", "三");
    world.sync("wf2");
    world.at("10:30").on("wf1").set(c1, "customer_no", "四");
    world.sync("wf1");
    world.settle();
    let card = world.office_card(c1);
    assert_eq!((card.text("legal_name"), card.text("short_name")), (Some("一"), Some("二")));
    assert_eq!(card.facts["legal_name"].rivals.len(), 1, "counted once");
    assert_eq!(card.facts["customer_no"].rivals.len(), 2, "written apart, kept both");
    let visits = world.office.read(|replica| crate::world::about(replica, customer(3), "visit").len());
    assert_eq!(visits, 1);
    let open = world.office.feed.desk(Some(DeskState::Open), ROWS).unwrap();
    assert!(
        open.iter().all(|row| row.row.refused.code == "forked"),
        "nothing waits for a person: {:?}",
        open.iter().map(|row| &row.row.refused.code).collect::<Vec<_>>()
    );
    laws::hold(&mut world);
}

#[test]
fn a_phone_from_an_old_backup_gets_back_what_it_had_handed_in() {
    let mut world = World::monday(&["lq1"]);
    world.enrol("wf1", true);
    world.sync("wf1");
    let c1 = customer(1);
    world.at("09:00").on("wf1").set(c1, "legal_name", "一");
    world.sync("wf1");
    let now = world.now;
    let backup = world.phones.get_mut("wf1").unwrap().back_up(now);
    world.at("10:00").on("wf1").set(c1, "short_name", "二");
    visit(&mut world, "wf1", customer(3));
    world.sync("wf1");
    world.at("11:00").on("lq1").set(c1, "customer_no", "三");
    world.settle();
    let now = world.at("12:00").now;
    world.phones.get_mut("wf1").unwrap().restore(&backup, now);
    assert_eq!(world.card("wf1", c1).text("short_name"), None, "she does not have it any more");
    world.on("wf1").set(c1, "line_of_business", "四");
    world.pass_ms(11 * 60_000).sync("wf1");
    world.pass_ms(11 * 60_000).settle();
    let card = world.card("wf1", c1);
    assert_eq!(
        ["legal_name", "short_name", "customer_no", "line_of_business"].map(|field| card.text(field)),
        ["一", "二", "三", "四"].map(Some)
    );
    assert!(world.office.feed.desk(None, ROWS).unwrap().is_empty());
    laws::hold(&mut world);
}

#[test]
fn a_line_that_forked_is_written_again_by_itself() {
    let mut world = World::monday(&["lq1"]);
    world.enrol("wf1", true);
    world.sync("wf1");
    let c1 = customer(1);
    let now = world.at("09:00").now;
    let backup = world.phones.get_mut("wf1").unwrap().back_up(now);
    // Two processes that believe to be the same: what a snapshot of a running machine gives.
    let open = OpenOptions { durability: Durability::Rebuildable, cache_kib: 512, check: Check::Quick, now, key: None, vfs: None };
    let start = Start { open, process: [9; 16] };
    let file = backup.with_file_name("twin.sqlite");
    std::fs::copy(&backup, &file).unwrap();
    let mut twin = Replica::open(&file, &start).unwrap().0;
    let stamp = |n: u8| roadbook_core::replica::Stamp { author: cast::user("wf"), now, entropy: [n; 16] };
    let write = |replica: &mut Replica, n: u8, field: &str, value: &str| {
        let edits = [crate::world::hand::fact(field, value)];
        let target = roadbook_core::replica::Target::customer(customer(1));
        replica.save(&stamp(n), roadbook_core::store::Lane::Normal, &target, &edits).unwrap();
    };
    write(&mut twin, 1, "legal_name", "甲");
    write(&mut twin, 2, "short_name", "甲");
    let mut other = Replica::open(&backup, &start).unwrap().0;
    write(&mut other, 3, "customer_no", "乙");
    write(&mut other, 4, "line_of_business", "乙");
    write(&mut other, 5, "line_of_business", "乙乙");
    let device = world.phone("wf1").device;
    let mut rewritten = 0;
    let mut both = [twin, other];
    for (which, later) in [(0, 0), (1, 0), (0, 20), (1, 40)] {
        let replica = &mut both[which];
        // Both look like one device, which headquarters does not send its own words: the digest tells, at rest.
        let now = now.plus(later * 60_000);
        for _ in 0..20 {
            let request = replica.sync_request(now, None).unwrap();
            let answer = world.office.answer(device, &request, now).unwrap();
            let synced = replica.sync_answer(&answer, now).unwrap();
            rewritten += synced.rewritten;
            if !synced.more {
                break;
            }
        }
        assert_eq!(replica.outbox_size().unwrap().changes, 0);
        assert!(replica.set_aside_changes(9).unwrap().is_empty());
    }
    assert!(rewritten > 0, "it forked");
    let card = world.office_card(c1);
    assert_eq!(
        ["legal_name", "short_name", "customer_no", "line_of_business"].map(|field| card.text(field)),
        ["甲", "甲", "乙", "乙乙"].map(Some)
    );
    assert!(card.facts.values().all(|fact| fact.rivals.len() <= 1), "nothing doubled");
    let shown = both[1].card(c1).unwrap().unwrap();
    assert_eq!(shown.text("legal_name"), Some("甲"), "the branch of the other arrived");
    world.pass_ms(60 * 60_000).settle();
    laws::hold(&mut world);
}

#[test]
fn a_server_from_an_old_backup_gets_back_what_it_lost_from_the_phones() {
    let mut world = World::monday(&["wf1", "lq1", "sl1"]);
    let c1 = customer(1);
    world.at("09:00").on("wf1").set(c1, "legal_name", "一");
    world.settle();
    let backup = world.office.back_up("backup");
    // After the backup: two people work, and one of the phones will never come back.
    world.at("10:00").on("wf1").set(c1, "short_name", "二");
    visit(&mut world, "wf1", customer(3));
    world.settle();
    world.at("10:30").on("lq1").set(c1, "customer_no", "三");
    world.settle();
    world.phones.remove("lq1");
    let now = world.at("12:00").now;
    world.office.restore(backup, now);
    assert_eq!(world.office_card(c1).text("short_name"), None, "the server lost it");
    world.at("12:30").on("wf1").set(c1, "line_of_business", "四");
    world.settle();
    let card = world.office_card(c1);
    assert_eq!(
        ["legal_name", "short_name", "customer_no", "line_of_business"].map(|field| card.text(field)),
        ["一", "二", "三", "四"].map(Some),
        "her own work, and his by her phone"
    );
    assert_eq!(card.facts["customer_no"].rivals[0].author, Some(cast::user("lq")), "with its author");
    assert_eq!(world.office.read(|replica| crate::world::about(replica, customer(3), "visit").len()), 1);
    world.pass_ms(11 * 60_000).settle();
    laws::hold(&mut world);
}

/// Who brings what a change builds on, that came back alone.
#[derive(Clone, Copy, Debug)]
enum Foundation {
    /// The device that had the rest of it, with all of it once more.
    WithTheRest,
    /// That device, by itself.
    ByItself,
    /// Its author's phone, as its own work.
    FromItsAuthor,
}

#[test]
fn what_comes_back_without_its_foundation_is_taken_in_when_that_has_come() {
    for foundation in [Foundation::WithTheRest, Foundation::ByItself, Foundation::FromItsAuthor] {
        comes_back_alone(foundation);
    }
}

fn comes_back_alone(foundation: Foundation) {
    let mut world = World::monday(&["wf1", "lq1"]);
    let c1 = customer(1);
    world.settle();
    let backup = world.office.back_up("backup");
    world.at("10:00").on("lq1").set(c1, "short_name", "一");
    world.settle();
    world.at("10:30").on("lq1").set(c1, "customer_no", "二");
    world.settle();
    let author = world.phones.remove("lq1").unwrap();
    let now = world.at("12:00").now;
    world.office.restore(backup, now);
    let lost = |world: &World| world.phone("wf1").replica().store().read(|read| read.lost_documents(9)).unwrap();
    let mut turns = 0;
    while lost(&world).is_empty() {
        world.exchange("wf1");
        turns += 1;
        assert!(turns < 5, "she finds out what headquarters lost");
    }
    // A device that hands back the second change alone, as apps did that went by the names of changes.
    let now = world.at("12:10").now;
    let device = world.phone("wf1").device;
    let request = world.phone("wf1").replica().request(now, None).unwrap();
    let handing_back = |changes: &[usize]| {
        let mut request = request.clone();
        let [recovered] = request.besides.as_mut().unwrap().recovered.as_mut_slice() else { panic!("one document") };
        assert_eq!(recovered.changes.len(), 2);
        recovered.changes = changes.iter().map(|at| recovered.changes[*at].clone()).collect();
        request.encode().unwrap()
    };
    world.office.answer(device, &handing_back(&[1]), now).unwrap();
    assert_eq!(world.office.open_rows(), ["recovered_alone"]);
    assert!(world.office.desk_has_moved(), "whoever decides is told");
    assert_eq!(world.office_card(c1).text("customer_no"), None);
    match foundation {
        Foundation::WithTheRest => _ = world.office.answer(device, &handing_back(&[0, 1]), now).unwrap(),
        Foundation::ByItself => _ = world.office.answer(device, &handing_back(&[0]), now).unwrap(),
        Foundation::FromItsAuthor => {
            world.phones.insert("lq1".to_owned(), author);
            while world.exchange("lq1").more {}
        }
    }
    let card = world.office_card(c1);
    assert_eq!(["short_name", "customer_no"].map(|field| card.text(field)), ["一", "二"].map(Some), "{foundation:?}");
    assert_eq!(world.office.open_rows(), [""; 0], "{foundation:?}: nobody has anything left to decide");
    assert!(world.office.desk_has_moved(), "{foundation:?}: and is told so");
    let recovered = world.office.accounts.audit_rows(100).unwrap().iter().filter(|row| row.act == Act::Recovered.code()).count();
    assert!(recovered > 0, "{foundation:?}: the journal says so");
    world.pass_ms(11 * 60_000).settle();
    laws::hold(&mut world);
}

#[test]
fn what_is_handed_back_and_cannot_be_taken_is_kept_with_its_reason() {
    let mut world = World::monday(&["wf1", "lq1"]);
    world.settle();
    let backup = world.office.back_up("backup");
    let now = world.at("10:00").now;
    let new = cast::made("new customer");
    world.on("lq1").set(customer(1), "short_name", "一").set(new, "trade_name", "新城小店");
    let mut waiting = world.phone("lq1").replica().request(now, None).unwrap().pushed;
    let (made, theirs) = (waiting.pop().unwrap(), waiting.pop().unwrap());
    world.office.restore(backup, now);
    let mut request = world.phone("wf1").replica().request(now, None).unwrap();
    let mut damaged = theirs.clone();
    damaged.changes[0][40] ^= 1;
    // Under the name of another document, and as a document that it is not.
    let elsewhere = Pushed { doc: customer(2).customer(), subject: customer(2), ..theirs.clone() };
    let wrong = Pushed { doc: customer(3).office(), ..theirs.clone() };
    // One that would open, and lie where its readers may not have it.
    let misfiled = Pushed { doc: new.office(), ..made };
    let answered = |world: &mut World, recovered: Vec<Pushed>, request: &mut Request| {
        request.besides.as_mut().unwrap().recovered = recovered;
        let frame = world.office.answer(request.device, &request.encode().unwrap(), now).unwrap();
        Answer::decode(&frame).unwrap().told.unwrap().recovered.len()
    };
    assert_eq!(answered(&mut world, vec![theirs, damaged], &mut request), 2);
    assert_eq!(answered(&mut world, vec![elsewhere, wrong, misfiled], &mut request), 3, "nothing of it fails the exchange");
    assert_eq!(world.office.open_rows(), ["malformed", "foreign_actor", "wrong_document", "wrong_document"]);
    let ids: Vec<i64> = world.office.quarantine().iter().map(|row| row.id).collect();
    let done = world.office.desk().approve(now, &Who::default(), cast::user("cg"), &ids, "").unwrap();
    assert_eq!((done.changed.len(), done.impossible.len()), (0, 4), "nor can anybody take it in: {done:?}");
    assert_eq!(world.office_card(customer(1)).text("short_name"), Some("一"));
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn a_customer_whose_move_comes_back_and_is_approved_has_moved() {
    let mut world = World::monday(&["sl1", "lq1", "xw1"]);
    world.settle();
    let backup = world.office.back_up("backup");
    let (c1, held) = (customer(1), |world: &World| ["sl1", "lq1", "xw1"].map(|phone| world.holds(phone, customer(1))));
    world.at("10:00").refile(c1, cast::WEST, "xw");
    world.settle();
    assert_eq!(held(&world), [true, false, true]);
    let now = world.at("11:00").now;
    world.office.restore(backup, now);
    world.settle();
    assert_eq!(held(&world), [true, true, false], "headquarters knows nothing of the move");
    let rows = world.office.quarantine();
    let ids: Vec<i64> = rows.iter().filter(|row| row.refused.code == "recovered_office").map(|row| row.id).collect();
    let now = world.at("12:00").now;
    let done = world.office.desk().approve(now, &Who::default(), cast::user("cg"), &ids, "").unwrap();
    assert_eq!(done.impossible, []);
    world.settle();
    assert_eq!(world.office_card(c1).text("territory"), Some(cast::WEST));
    assert_eq!(held(&world), [true, false, true], "whoever may read it holds it, and nobody else");
    laws::hold(&mut world);
}

#[test]
fn a_decision_that_a_restore_lost_does_not_hide_those_that_follow() {
    let mut world = World::monday(&["zk1"]);
    let decide = |world: &World, rows: usize| {
        let open = world.office.feed.desk(Some(DeskState::Open), ROWS).unwrap();
        let ids: Vec<i64> = open.iter().map(|row| row.row.id).collect();
        assert_eq!(world.office.desk().reject(world.now, &Who::default(), cast::user("cg"), &ids, "").unwrap(), rows);
    };
    world.settle();
    let backup = world.office.back_up("backup");
    // Finance reads cards and does not write them.
    world.at("10:00").on("zk1").set(customer(1), "short_name", "一");
    world.sync("zk1");
    decide(&world, 1);
    assert_eq!(world.sync("zk1").decided.len(), 1, "heard, and then lost");
    let now = world.at("11:00").now;
    world.office.restore(backup, now);
    world.settle();
    world.at("12:00").on("zk1").set(customer(1), "legal_name", "二");
    world.sync("zk1");
    decide(&world, 2);
    assert_eq!(world.sync("zk1").decided.len(), 2, "those of this life are heard too");
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn a_feed_that_went_back_without_a_word_begins_a_new_life() {
    let folder = tempfile::tempdir().unwrap();
    let open = || App::open(Config::in_folder(folder.path()), Clock::from_fn(|| MONDAY)).unwrap();
    let written = |app: &App, name: &str| {
        let edit = Edit::Assert { field: "trade_name".to_owned(), value: name.into(), provenance: Provenance::default() };
        app.commit(cast::user("cg"), &vec![(Target::customer(customer(1)), vec![edit])]).unwrap();
        app.feed().epoch().unwrap()
    };
    let shown =
        |app: &App| app.headquarters().read(|replica| replica.card(customer(1))).unwrap().unwrap().text("trade_name").map(str::to_owned);
    let renewals = |app: &App| app.accounts().audit_rows(ROWS).unwrap().into_iter().filter(|row| row.act == "epoch-renewed").count();
    let app = open();
    let life = written(&app, "惠民");
    drop(app);
    let file = folder.path().join(SERVER_FILE);
    let backup = std::fs::read(&file).unwrap();
    assert_eq!(written(&open(), "惠民超市"), life);
    std::fs::write(&file, backup).unwrap();
    let app = open();
    let next = app.feed().epoch().unwrap();
    assert_ne!(next, life, "phones hand in again what it lost");
    assert_eq!((shown(&app).as_deref(), renewals(&app)), (Some("惠民"), 1));
    drop(app);
    let app = open();
    assert_eq!((app.feed().epoch().unwrap(), renewals(&app)), (next, 1), "once");
}
