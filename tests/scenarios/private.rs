//! What few may know, and what is erased: S42; the badge of a credit file; customers that go to the pool with traits of people.

use std::path::Path;

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{EntryId, SubjectId, TerritoryId};
use roadbook_core::model::credit::CreditBadge;
use roadbook_core::model::{Edit, Value};
use roadbook_core::replica::private::{credit_target, describe_person, observe_credit};
use roadbook_core::replica::{Replica, Stamp, Target};
use roadbook_server::access::Role;
use roadbook_server::accounts::Who;
use roadbook_server::export::columns::columns;
use roadbook_server::export::{Language, files, row};
use roadbook_server::feed::Erased;

use crate::laws;
use crate::world::World;
use crate::world::cast::{self, customer};
use crate::world::chance::Chance;
use crate::world::hand::{entry, entry_edit, fact, yuan};
use crate::world::office::office_fact;

/// In the traits of 惠民超市's owner and nowhere else.
const TRAIT: &str = "zq-trait-喜欢钓鱼-qz";
/// In its credit file and nowhere else.
const CREDIT: &str = "zq-credit-拖欠两个月-qz";
/// In an observation of its credit and nowhere else.
const SEEN: &str = "zq-seen-门口有人催债-qz";

fn boss() -> EntryId {
    entry("张老板")
}

fn text(field: &str, text: &str) -> Edit {
    Edit::Rewrite { field: field.to_owned(), text: text.to_owned() }
}

fn traits(world: &mut World, phone: &str, customer: SubjectId, seen: Option<&Heads>, edits: Vec<Edit>) {
    world.on(phone).save_work(describe_person(customer, boss(), seen, edits));
}

fn problem(what: &str) -> Edit {
    Edit::Record { log: "problems".to_owned(), entry: entry(what), value: Value::map([("what", what.into())]) }
}

/// Every phone of the cast with a file, the boss on the card, traits and a credit file.
fn company(phones: &[&str]) -> World {
    let mut world = World::monday(&[]);
    for phone in phones {
        world.enrol(phone, true);
        world.sync(phone);
    }
    let c1 = customer(1);
    world.at("09:00").on("wf1").edit(c1, &[entry_edit("stakeholders", boss(), &[("role", "owner"), ("name", "张老板")])]);
    traits(&mut world, "wf1", c1, None, vec![text("hobbies", TRAIT), fact("age", 47), fact("consent_basis", "spoken")]);
    let file = vec![fact("grade", "2"), fact("limit", yuan(10_000)), fact("exposure", yuan(7_000)), fact("terms", "30天"), problem(CREDIT)];
    world.desk("zk", vec![(credit_target(c1, None), file)]);
    world.settle();
    world
}

/// The files of a phone or of headquarters that hold a text.
fn files_with(folder: &Path, prefix: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(prefix) && path.is_file() && holds(&std::fs::read(&path).unwrap(), text) {
            found.push(name);
        }
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Whether anything that a phone ever got holds a text.
fn was_sent(world: &World, phone: &str, text: &str) -> bool {
    let to_it = world.exchanged.iter().filter(|exchanged| exchanged.phone == phone);
    to_it.map(|exchanged| zstd::decode_all(&exchanged.answer[1..]).unwrap()).any(|plain| holds(&plain, text))
}

fn knows(replica: &Replica, customer: SubjectId) -> bool {
    !replica.persons(customer).unwrap().is_empty()
}

fn erase(world: &mut World) -> Erased {
    world.office.erase(world.now, customer(1), boss())
}

#[test]
fn s42_no_byte_of_traits_or_credit_reaches_the_other_territory() {
    let mut world = company(&["wf1", "lq1", "xw1", "sl1", "zm1", "cg1", "zk1"]);
    let c1 = customer(1);
    let stamp = Stamp { author: cast::user("wf"), now: world.at("09:30").now, entropy: [3; 16] };
    world.on("wf1").save_work(observe_credit(&stamp, c1, SEEN));
    world.settle();
    let reads = |phone: &str, text: &str| was_sent(&world, phone, text) || !files_with(world.folder(), phone, text).is_empty();
    for (phone, person, credit, seen) in [
        ("wf1", true, false, true),
        ("lq1", false, false, false),
        ("xw1", false, false, false),
        ("zm1", false, false, false),
        ("sl1", false, true, true),
        ("zk1", false, true, true),
        ("cg1", true, true, true),
    ] {
        assert_eq!(reads(phone, TRAIT), person, "{phone}: traits");
        assert_eq!(reads(phone, CREDIT), credit, "{phone}: credit");
        assert_eq!(reads(phone, SEEN), seen, "{phone}: the observation");
        assert_eq!(knows(world.phone(phone).replica(), c1), person, "{phone}");
        assert_eq!(world.phone(phone).replica().credit(c1).unwrap().is_some(), credit, "{phone}");
    }
    // Representatives of the territory have the badge, and nothing else of the file.
    let badge = CreditBadge { grade: Some("2".into()), terms: Some("30天".into()), used_percent: Some(70), hold: false };
    for phone in ["wf1", "lq1"] {
        assert_eq!(CreditBadge::of(&world.card(phone, c1)), Some(badge.clone()), "{phone}");
    }
    assert!(!was_sent(&world, "lq1", "exposure"), "not even what was owed");
    // Not in what is searched, nor in an export.
    for phone in ["wf1", "cg1"] {
        let hits = world.phone(phone).replica().store().read(|read| read.search("钓鱼", &Default::default(), 9)).unwrap();
        assert!(hits.found.is_empty(), "{phone}");
    }
    let row = row::of_card(&world.office_card(c1), &row::Names::default(), Language::Zh);
    let list = files::csv(&columns(Language::Zh, &[]), [row]).unwrap();
    assert!(!list.is_empty() && [TRAIT, CREDIT, SEEN].iter().all(|secret| !holds(&list, secret)));
    laws::hold(&mut world);
}

#[test]
fn s42_what_is_erased_goes_everywhere_at_next_contact_and_never_comes_back() {
    let mut world = company(&["wf1", "wf2", "cg1", "xw1"]);
    let c1 = customer(1);
    let backup = {
        let now = world.now;
        world.phones.get_mut("wf2").unwrap().back_up(now)
    };
    assert!(!files_with(world.folder(), "wf2", TRAIT).is_empty() && !files_with(world.folder(), "server", TRAIT).is_empty());
    // 王芳 goes on writing about him offline, on one phone, while he asks for erasure.
    world.at("10:00");
    let seen = world.phone("wf1").replica().person(c1, boss()).unwrap().unwrap().heads;
    traits(&mut world, "wf1", c1, Some(&seen), vec![text("family", &format!("{TRAIT} 女儿")), fact("age", 48)]);
    let erased = erase(&mut world);
    assert_eq!((erased.asked_by.as_str(), erased.reason.as_str(), erased.by), ("张老板本人", "不再合作", cast::user("cg")));
    assert_eq!(erased.changes, 1);
    assert_eq!(world.office.feed.all_erased(Some(c1)).unwrap(), std::slice::from_ref(&erased), "who asked, when, and why");
    assert!(world.office.read(|replica| replica.persons(c1)).unwrap().is_empty());
    assert_eq!(files_with(world.folder(), "server", TRAIT), Vec::<String>::new(), "no byte in headquarters' files");
    // The phone that wrote meanwhile is told, and purges what it has; it does not hand it in for ever.
    world.at("11:00");
    let synced = world.sync("wf1");
    assert_eq!((synced.accepted, synced.quarantined.len()), (0, 1));
    assert!(synced.quarantined[0].1.starts_with("erased:"), "{:?}", synced.quarantined);
    world.sync("cg1");
    for phone in ["wf1", "cg1"] {
        assert!(!knows(world.phone(phone).replica(), c1), "{phone}");
        assert_eq!(files_with(world.folder(), &format!("{phone}.sqlite"), TRAIT), Vec::<String>::new(), "{phone}");
        assert_eq!(world.phone(phone).replica().outbox_size().unwrap().changes, 0, "{phone}");
        assert!(world.phone(phone).replica().set_aside_changes(10).unwrap().is_empty(), "{phone}");
    }
    assert!(world.office.quarantine().is_empty(), "nothing of it is set aside either");
    // A phone that was away for weeks, restored from a backup of before, gives it up at its first contact.
    world.on_day(30, "09:00");
    let now = world.now;
    world.phones.get_mut("wf2").unwrap().restore(&backup, now);
    assert!(knows(world.phone("wf2").replica(), c1), "the backup holds it");
    world.sync("wf2");
    assert!(!knows(world.phone("wf2").replica(), c1));
    assert_eq!(files_with(world.folder(), "wf2.sqlite", TRAIT), Vec::<String>::new());
    assert!(!knows(world.phone("wf2").replica(), c1));
    // So does one that writes about him before it hears of it.
    world.phones.get_mut("wf2").unwrap().restore(&backup, now);
    traits(&mut world, "wf2", c1, None, vec![text("character", TRAIT)]);
    let synced = world.sync("wf2");
    assert_eq!(synced.quarantined.len(), 1);
    assert_eq!(files_with(world.folder(), "wf2.sqlite", TRAIT), Vec::<String>::new());
    std::fs::remove_file(&backup).unwrap();
    // And after headquarters itself lost its files but for the feed.
    world.office.crash(now);
    assert!(world.office.read(|replica| replica.persons(c1)).unwrap().is_empty());
    world.settle();
    assert_eq!(files_with(world.folder(), "", TRAIT), Vec::<String>::new(), "nowhere any more");
    laws::hold(&mut world);
}

#[test]
fn s42_what_was_set_aside_or_is_still_to_come_is_erased_too() {
    let mut world = company(&["wf1", "lq1"]);
    let c1 = customer(1);
    // 李强 may not write about people of a customer that is not his: it is set aside, with its bytes.
    world.at("10:00");
    traits(&mut world, "lq1", c1, None, vec![text("family", TRAIT)]);
    assert_eq!(world.sync("lq1").quarantined.len(), 1);
    assert_eq!(world.office.quarantine().len(), 1);
    assert!(!knows(world.phone("lq1").replica(), c1), "and he does not go on holding what nobody took");
    assert_eq!(world.phone("lq1").replica().set_aside_changes(9).unwrap().len(), 1, "until somebody decides he keeps his words");
    assert_eq!(files_with(world.folder(), "lq1.sqlite", TRAIT).len(), 1);
    erase(&mut world);
    assert_eq!(world.office.quarantine().into_iter().map(|row| row.refused.bytes.len()).collect::<Vec<_>>(), [0]);
    assert_eq!(files_with(world.folder(), "server", TRAIT), Vec::<String>::new());
    assert_eq!(world.sync("lq1").decided.len(), 1, "he hears why");
    assert_eq!(files_with(world.folder(), "lq1.sqlite", TRAIT), Vec::<String>::new());
    assert!(world.phone("lq1").replica().set_aside_changes(9).unwrap().is_empty());
    // A revoked phone hands in what it has, into the quarantine: not this.
    let wf1 = world.phone("wf1").device;
    let seen = world.phone("wf1").replica().person(c1, boss()).unwrap().unwrap().heads;
    traits(&mut world, "wf1", c1, Some(&seen), vec![text("ability", TRAIT)]);
    world.on("wf1").set(c1, "headcount", 5);
    let now = world.now;
    world.office.accounts.revoke_device(now, &roadbook_server::accounts::Who::default(), wf1).unwrap();
    world.exchange("wf1");
    let kinds: Vec<String> = world.office.quarantine().into_iter().map(|row| row.refused.kind).collect();
    assert_eq!(kinds, ["customer", "person"], "the newest first; of her words about him nothing");
    assert_eq!(files_with(world.folder(), "server", TRAIT), Vec::<String>::new());
    // Somebody of whom headquarters has heard nothing yet may ask as well: what is to come is refused.
    let mut world = World::monday(&["wf1"]);
    world.at("09:00").on("wf1").edit(c1, &[entry_edit("stakeholders", boss(), &[("name", "张老板")])]);
    traits(&mut world, "wf1", c1, None, vec![text("hobbies", TRAIT)]);
    assert_eq!(erase(&mut world).changes, 0);
    let synced = world.sync("wf1");
    assert_eq!((synced.accepted, synced.quarantined.len()), (1, 1), "the card goes through");
    assert!(!knows(world.phone("wf1").replica(), c1));
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn traits_do_not_go_with_a_customer_to_the_pool_and_leave_the_phone_that_had_them() {
    let mut world = company(&["wf1", "lq1", "cg1"]);
    let c1 = customer(1);
    world.at("12:00");
    let refile = |world: &mut World, owner: Value| {
        world.desk("cg", vec![(Target::office(c1), vec![office_fact("owner", owner)])]);
        world.settle();
    };
    refile(&mut world, Value::Null);
    assert!(world.card("wf1", c1).office["owner"].value.is_null(), "the card of the pool stays in the territory");
    assert!(!knows(world.phone("wf1").replica(), c1) && !knows(world.phone("lq1").replica(), c1));
    assert_eq!(files_with(world.folder(), "wf1.sqlite", TRAIT), Vec::<String>::new(), "purged, her own words included");
    assert!(knows(world.phone("cg1").replica(), c1), "the manager keeps them");
    assert!(!was_sent(&world, "lq1", TRAIT));
    // Whoever is given the customer gets them.
    refile(&mut world, cast::user("lq").to_string().into());
    assert!(knows(world.phone("lq1").replica(), c1) && !knows(world.phone("wf1").replica(), c1));
    laws::hold(&mut world);
}

#[test]
fn two_who_begin_to_describe_a_person_apart_meet_in_one_document() {
    let mut world = World::monday(&["wf1", "wf2", "cg1"]);
    let c1 = customer(1);
    world.at("09:00").on("wf1").edit(c1, &[entry_edit("stakeholders", boss(), &[("name", "张老板")])]);
    world.settle();
    world.at("10:00");
    traits(&mut world, "wf1", c1, None, vec![text("hobbies", "钓鱼"), fact("education", "大专")]);
    traits(&mut world, "wf2", c1, None, vec![text("hobbies", "象棋"), fact("age", 47)]);
    traits(&mut world, "cg1", c1, None, vec![text("character", "直爽"), fact("education", "本科")]);
    world.settle();
    for phone in ["wf1", "wf2", "cg1"] {
        let persons = world.phone(phone).replica().persons(c1).unwrap();
        assert_eq!(persons.len(), 1, "{phone}");
        let person = &persons[0];
        assert_eq!(person.stakeholder, boss());
        assert!(person.texts["hobbies"].contains("钓鱼") && person.texts["hobbies"].contains("象棋"), "both sides' words");
        assert_eq!((person.texts["character"].as_str(), person.facts["age"].value.as_int()), ("直爽", Some(47)));
        assert_eq!(person.facts["education"].rivals.len(), 2, "a disagreement is shown with both sides");
    }
    laws::hold(&mut world);
}

#[test]
fn the_badge_follows_the_credit_file_and_nothing_else() {
    let mut world = company(&["wf1", "cg1"]);
    let c1 = customer(1);
    let badge = |world: &World| CreditBadge::of(&world.card("wf1", c1)).unwrap();
    assert!(!badge(&world).hold);
    world.at("10:00").desk("zk", vec![(credit_target(c1, None), vec![fact("exposure", yuan(12_000))])]);
    world.settle();
    assert_eq!((badge(&world).used_percent, badge(&world).hold), (Some(120), true), "beyond the limit: on hold");
    // A manager writes it on a phone, offline; a representative may not, and may not ask for another badge either.
    world.at("11:00").on("cg1").save(&credit_target(c1, None), &[fact("grade", "5")]);
    let asked = world.on("wf1").propose(c1, "credit_badge", Value::map([("grade", "1".into())]));
    world.on("wf1").save(&credit_target(c1, None), &[fact("grade", "1")]);
    world.settle();
    assert_eq!(badge(&world).grade.as_deref(), Some("5"));
    let proposal = world.office.read(|replica| replica.proposal(asked)).unwrap().unwrap();
    world.on("cg1").decide(&proposal, "accept", "试试");
    world.settle();
    assert_eq!(badge(&world).grade.as_deref(), Some("5"));
    assert!(world.phone("wf1").replica().credit(c1).unwrap().is_none());
    let codes: Vec<String> = world.office.quarantine().into_iter().map(|row| row.refused.code).collect();
    assert_eq!(codes, ["no_right"]);
    laws::hold(&mut world);
}

/// Somebody tells of the boss of customer 1, whom people oversee who see a thousand customers.
fn overseen() -> World {
    let mut world = World::monday(&["wf1"]);
    super::moving::many(&mut world, 1_000);
    let c1 = customer(1);
    world.at("09:00").on("wf1").edit(c1, &[entry_edit("stakeholders", boss(), &[("name", "张老板")])]);
    traits(&mut world, "wf1", c1, None, vec![text("hobbies", TRAIT)]);
    world.desk("zk", vec![(credit_target(c1, None), vec![problem(CREDIT)])]);
    world.sync("wf1");
    world
}

/// Somebody opens the card of customer 1, and what is private about it.
fn open_privately(world: &mut World, phone: &str) {
    let now = world.now;
    world.phones.get_mut(phone).unwrap().replica_mut().want_card(customer(1), now).unwrap();
    world.sync(phone);
    world.phones.get_mut(phone).unwrap().replica_mut().want_private(customer(1), now).unwrap();
    assert!(!world.sync(phone).compared, "{phone}");
}

#[test]
fn whoever_oversees_a_thousand_customers_opens_what_is_private_by_name() {
    let (mut world, c1) = (overseen(), customer(1));
    for phone in ["cg1", "sl1"] {
        world.enrol(phone, false);
        world.sync(phone);
        assert!(!was_sent(&world, phone, TRAIT) && !was_sent(&world, phone, CREDIT), "{phone}");
        open_privately(&mut world, phone);
        assert_eq!(knows(world.phone(phone).replica(), c1), phone == "cg1", "{phone}");
        assert!(world.phone(phone).replica().credit(c1).unwrap().is_some(), "{phone}");
    }
    world.on_day(9, "08:00").sync("cg1");
    assert!(!knows(world.phone("cg1").replica(), c1), "what was opened goes after a week");
}

#[test]
fn what_was_opened_by_name_is_erased_with_the_rest() {
    let mut world = overseen();
    world.enrol("cg1", false);
    world.sync("cg1");
    open_privately(&mut world, "cg1");
    assert!(knows(world.phone("cg1").replica(), customer(1)));
    let now = world.now;
    world.office.erase(now, customer(1), boss());
    world.sync("cg1");
    assert!(!knows(world.phone("cg1").replica(), customer(1)));
}

#[test]
fn what_was_opened_by_name_goes_with_the_right_to_it() {
    let mut world = overseen();
    let reads = |world: &World, phone: &str| world.phone(phone).replica().credit(customer(1)).unwrap().is_some();
    for phone in ["cg1", "sl1"] {
        world.enrol(phone, false);
        world.sync(phone);
        open_privately(&mut world, phone);
        assert!(reads(&world, phone), "{phone}");
    }
    let now = world.now;
    let west = [TerritoryId(cast::WEST.to_owned())].into();
    world.office.accounts.assign_territories(now, &Who::default(), cast::user("sl"), &west).unwrap();
    world.sync("sl1");
    world.sync("cg1");
    assert!(!reads(&world, "sl1") && reads(&world, "cg1"), "城东 is nothing of hers any more");
    world.office.accounts.set_role(now, &Who::default(), cast::user("cg"), Role::Dispatcher).unwrap();
    world.sync("cg1");
    assert!(!reads(&world, "cg1") && !knows(world.phone("cg1").replica(), customer(1)), "a dispatcher reads no credit file");
}

/// Whatever is written, moved, restored and erased in whatever order: at rest every law holds, and of what was erased nothing is left.
#[test]
fn s42_in_random_order_nothing_of_what_was_erased_comes_back() {
    for seed in 0..6 {
        let mut world = company(&["wf1", "lq1", "cg1"]);
        let mut chance = Chance::new(seed);
        let c1 = customer(1);
        let (mut erased, mut backups) = (false, Vec::new());
        for step in 0..30 {
            world.pass_ms(11 * 60_000);
            let phone = *chance.pick(&["wf1", "lq1", "cg1"]);
            match chance.below(8) {
                0..3 => traits(&mut world, phone, c1, None, vec![text("family", &format!("{TRAIT} {step}")), fact("age", 40 + step)]),
                3 => {
                    let owner: Value = match chance.below(3) {
                        0 => Value::Null,
                        1 => cast::user("lq").to_string().into(),
                        _ => cast::user("wf").to_string().into(),
                    };
                    world.desk("cg", vec![(Target::office(c1), vec![office_fact("owner", owner)])]);
                }
                4 if backups.is_empty() => {
                    let now = world.now;
                    backups.push((phone, world.phones.get_mut(phone).unwrap().back_up(now)));
                }
                4 => {
                    let (phone, backup) = backups.pop().unwrap();
                    let now = world.now;
                    world.phones.get_mut(phone).unwrap().restore(&backup, now);
                    std::fs::remove_file(&backup).unwrap();
                }
                5 if step > 12 => {
                    erase(&mut world);
                    erased = true;
                }
                _ => {
                    world.sync(phone);
                }
            }
        }
        erase(&mut world);
        for (phone, backup) in backups {
            let now = world.now;
            world.phones.get_mut(phone).unwrap().restore(&backup, now);
            std::fs::remove_file(&backup).unwrap();
        }
        world.pass_ms(11 * 60_000).settle();
        assert_eq!(files_with(world.folder(), "", TRAIT), Vec::<String>::new(), "seed {seed}, erased before the end: {erased}");
        laws::hold(&mut world);
        assert_eq!(files_with(world.folder(), "", TRAIT), Vec::<String>::new(), "seed {seed}: answers of before came again");
    }
}
