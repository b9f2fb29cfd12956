//! The bindings from Rust: a device against answers that a test writes. What other languages see is tested in `tests/foreign`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use roadbook_core::exchange::knock::Sealed;
use roadbook_core::exchange::{Answer, Checkpoint, Cursor, Item, Profile, WIRE_VERSION};
use roadbook_core::ids::{DeviceId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::tour::{PlannedStop, StopState};
use roadbook_core::model::{Edit, Provenance, Value};
use roadbook_core::replica::field::{TourKey, publish};
use roadbook_core::replica::{Stamp, Target};
use roadbook_core::signing::EnrolAnswer;
use roadbook_core::store::Lane;

use super::*;
use crate::edge;

const USER: [u8; 16] = [2; 16];

fn arrived(status: u16, body: Vec<u8>) -> Arrived {
    Arrived { status, time: None, body }
}

fn profile() -> Profile {
    Profile {
        user: UserId::from_bytes(USER),
        name: "王芳".to_owned(),
        role: "salesperson".to_owned(),
        territories: Vec::new(),
        offset_minutes: 480,
        people: Vec::new(),
        registry: None,
    }
}

fn open(folder: &tempfile::TempDir) -> Arc<Roadbook> {
    let path = folder.path().join("roadbook.sqlite").display().to_string();
    Roadbook::open(path, software_key(fresh_key_secret().unwrap()).unwrap(), None).unwrap()
}

fn enrolled(folder: &tempfile::TempDir) -> Arc<Roadbook> {
    let book = open(folder);
    let answer = EnrolAnswer { device: DeviceId::from_bytes([1; 16]), now: edge::now(), profile: profile() };
    assert!(book.enrol_response(arrived(200, answer.encode())).unwrap());
    book
}

fn fact(field: &str, value: String) -> Vec<Edit> {
    vec![Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::default() }]
}

fn named(name: &str) -> Vec<Edit> {
    fact("trade_name", name.to_owned())
}

#[test]
fn a_device_that_is_not_enrolled_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let book = open(&folder);
    assert_eq!(book.device().unwrap(), None);
    assert!(matches!(book.sync_request(None), Err(RoadbookError::NotEnrolled)));
    assert!(matches!(book.new_customer(named("小店")), Err(RoadbookError::NotEnrolled)));
    let request = book.enrol_request("CODE".to_owned(), "手机".to_owned()).unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str(), request.headers.len()), ("POST", "/v1/enroll", 4));
}

#[test]
fn refusals_carry_headquarters_words() {
    let folder = tempfile::tempdir().unwrap();
    let book = open(&folder);
    let body = r#"{"error":{"code":"code_refused","message_zh":"注册码无效","message_en":"The code is wrong"}}"#;
    match book.enrol_response(arrived(403, body.into())) {
        Err(RoadbookError::EnrolmentRefused { code, zh, en }) => {
            assert_eq!((code.as_str(), zh.as_str(), en.as_str()), ("code_refused", "注册码无效", "The code is wrong"));
        }
        other => panic!("{other:?}"),
    }
    let book = enrolled(&folder);
    match book.sync_response(arrived(502, b"<h1>Bad\n Gateway</h1>".to_vec())) {
        Err(RoadbookError::ServerRefused { status, code, en, .. }) => {
            assert_eq!((status, code.as_str(), en.as_str()), (502, "", "<h1>Bad Gateway</h1>"));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(book.sync_response(arrived(410, Vec::new())), Err(RoadbookError::Revoked)));
}

#[test]
fn a_wrong_clock_is_set_right_once() {
    let folder = tempfile::tempdir().unwrap();
    let book = enrolled(&folder);
    let far = Arrived { status: 401, time: Some(edge::now().plus(3_600_000).0.to_string()), body: Vec::new() };
    assert!(book.sync_response(far.clone()).unwrap().more);
    let header = |name: &str| {
        let request = book.sync_request(None).unwrap();
        request.headers.into_iter().find(|header| header.name == name).unwrap().value
    };
    let signed_at: i64 = header("roadbook-time").parse().unwrap();
    assert!(signed_at - edge::now().0 > 3_500_000);
    assert!(matches!(book.sync_response(far), Err(RoadbookError::ServerRefused { status: 401, .. })));
}

#[test]
fn a_version_that_the_other_side_does_not_read_says_who_must_update_and_keeps_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let book = enrolled(&folder);
    book.new_customer(named("惠民便利店")).unwrap();
    let refused = |reads: &str| {
        let words = format!(r#"{{"error":{{"code":"update_needed","message_zh":"请更新","message_en":"Please update","reads":{reads}}}}}"#);
        book.sync_response(arrived(426, words.into_bytes()))
    };
    let newer = WIRE_VERSION + 1;
    assert!(matches!(refused(&format!("[{newer}]")), Err(RoadbookError::UpdateNeeded { .. })));
    assert!(matches!(refused("[0]"), Err(RoadbookError::HeadquartersOutdated { why }) if why == "Please update"));
    assert!(matches!(refused("null"), Err(RoadbookError::UpdateNeeded { .. })), "a proxy's words");
    let answer = book.sync_response(arrived(200, vec![newer, 1, 2, 3]));
    assert!(matches!(answer, Err(RoadbookError::UpdateNeeded { .. })), "{answer:?}");
    assert_eq!(book.outbox().unwrap().changes, 1);
}

#[test]
fn headquarters_that_know_no_knocks_are_told_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let book = enrolled(&folder);
    let answer = Answer { profile: Some(profile()), ..Answer::empty(edge::now(), Cursor { epoch: [3; 16], number: 1 }) };
    // A newer server stood here, and remembered what this device says at rest; then the older one was put back.
    let remembers = |book: &Roadbook| {
        book.sync_response(arrived(200, answer.encode().unwrap())).unwrap();
        let knock = book.read().request(edge::now(), None).unwrap().remembered().map(|(print, _)| print);
        book.sync_response(arrived(200, Answer { knock, ..answer.clone() }.encode().unwrap())).unwrap();
    };
    let knocks = |book: &Roadbook| Sealed::decode(&book.sync_request(None).unwrap().body).is_some();
    for status in [400, 401, 426] {
        remembers(&book);
        assert!(knocks(&book), "a device at rest knocks");
        assert!(book.sync_response(arrived(status, b"{}".to_vec())).unwrap().more, "{status}: no error, ask again");
        assert!(!knocks(&book), "{status}: in full");
    }
    // Said in full, the same refusals are errors.
    assert!(matches!(book.sync_response(arrived(400, b"{}".to_vec())), Err(RoadbookError::ServerRefused { status: 400, .. })));
}

#[test]
fn an_answer_is_taken_in_and_observers_are_told() {
    struct Counter(AtomicUsize);
    impl Observer for Counter {
        fn changed(&self) -> Result<(), ObserverError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Err(ObserverError::Failed { why: "its own affair".to_owned() })
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let book = enrolled(&folder);
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let handle = book.observe(Arc::clone(&counter) as Arc<dyn Observer>);
    let shop = book.new_customer(named("惠民便利店")).unwrap();
    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    let answer = Answer { profile: Some(profile()), ..Answer::empty(edge::now(), Cursor { epoch: [3; 16], number: 1 }) };
    let done = book.sync_response(arrived(200, answer.encode().unwrap())).unwrap();
    assert_eq!((done.documents, done.refused), (0, 0));
    assert_eq!(book.outbox().unwrap().changes, 1, "no verdict came: it still waits");
    drop(handle);
    assert_eq!(book.observer_count(), 0);
    assert_eq!(book.search("hmbl".to_owned(), 5).unwrap().found.first().unwrap().customer.subject, shop);
}

/// An answer of so many parts, each with so many cards.
fn long_answer(parts: u64, cards: u64) -> Vec<u8> {
    let mut maker = roadbook_core::replica::Replica::in_memory([8; 16]).unwrap();
    let at = |number| Cursor { epoch: [3; 16], number };
    let part = |no: u64| {
        let items = (0..cards).map(|card| {
            let subject = SubjectId::derived(&format!("{no}/{card}"));
            let stamp = Stamp { author: UserId::from_bytes(USER), now: edge::now(), entropy: [7; 16] };
            let noise = |from: u64| (from..from + 5).map(|n| EntryId::derived(&format!("{no} {card} {n}")).to_string()).collect::<String>();
            let name = [named(&format!("第{no}-{card}号便利店")), fact("legal_name", noise(0)), fact("short_name", noise(5))].concat();
            maker.save(&stamp, Lane::Normal, &Target::customer(subject), &name).unwrap();
            let document = maker.document(subject.customer()).unwrap().unwrap().document;
            Item::Document { doc: subject.customer(), kind: "customer".to_owned(), subject, snapshot: document.save().into() }
        });
        let (items, last) = (items.collect(), no + 1 == parts);
        let checkpoint = (!last).then_some(Checkpoint { base: parts, upto: no + 1 });
        Answer { items, checkpoint, more: !last, ..Answer::empty(edge::now(), at(if last { parts } else { 0 })) }
    };
    roadbook_core::exchange::parts::encode(&(0..parts).map(part).collect::<Vec<_>>()).unwrap()
}

#[test]
fn an_app_reads_and_writes_while_a_long_answer_is_taken_in() {
    const PARTS: u64 = 10;
    const CARDS: u64 = 50;
    struct Parts(std::sync::mpsc::Sender<()>);
    impl Observer for Parts {
        fn changed(&self) -> Result<(), ObserverError> {
            let _nobody_listens = self.0.send(());
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let book = enrolled(&folder);
    let frame = long_answer(PARTS, CARDS);
    assert!(frame.len() >= roadbook_core::sync::KEPT_BYTES_MIN, "{} bytes are not long", frame.len());
    let (told, came) = std::sync::mpsc::channel();
    let _observing = book.observe(Arc::new(Parts(told)) as Arc<dyn Observer>);
    let count = |book: &Roadbook| book.search("便利店".to_owned(), 1_000).unwrap().found.len() as u64;
    let taking = std::thread::spawn({
        let book = Arc::clone(&book);
        move || book.sync_response(arrived(200, frame)).unwrap()
    });
    // With each part that comes in the app shows what there is, and its person writes.
    let (mut seen, mut written) = (Vec::new(), 0);
    while !taking.is_finished() {
        if came.recv_timeout(std::time::Duration::from_millis(20)).is_ok() {
            seen.push(count(&book));
            book.new_customer(named("新客户")).unwrap();
            written += 1;
        }
    }
    let done = taking.join().unwrap();
    assert_eq!((done.documents, done.refused), (PARTS * CARDS, 0));
    assert!(seen.iter().any(|found| (1..PARTS * CARDS).contains(found)), "something was seen before all was there: {seen:?}");
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!((count(&book), book.outbox().unwrap().changes), (PARTS * CARDS, written));
}

#[test]
fn what_came_before_an_app_ended_is_there_when_it_asks_again() {
    let folder = tempfile::tempdir().unwrap();
    let frame = long_answer(3, 100);
    let book = enrolled(&folder);
    // The process ends right after the answer is in the file.
    book.hold().keep(&frame, edge::now()).unwrap();
    drop(book);
    let book = open(&folder);
    assert_eq!(book.search("便利店".to_owned(), 1_000).unwrap().found.len(), 0);
    book.sync_request(None).unwrap();
    assert_eq!(book.search("便利店".to_owned(), 1_000).unwrap().found.len(), 300);
}

#[test]
fn a_day_on_tour() {
    let folder = tempfile::tempdir().unwrap();
    let book = enrolled(&folder);
    let shops: Vec<SubjectId> = ["甲店", "乙店", "丙店"].iter().map(|name| book.new_customer(named(name)).unwrap()).collect();
    let day = book.today().unwrap();
    let key = TourKey { route: "r1".to_owned(), day, rep: UserId::from_bytes(USER) };
    let stops: Vec<PlannedStop> =
        shops.iter().map(|stop| PlannedStop { stop: *stop, arrive_s: None, service_s: None, note: None, urgent: false }).collect();
    book.write(|replica, stamp| {
        let (target, edits) = publish(stamp, &key, None, &stops, None, &[]);
        replica.save(stamp, Lane::Normal, &target, &edits)
    })
    .unwrap();
    let order = |book: &Roadbook| book.tour(key.doc()).unwrap().stops.iter().map(|stop| stop.stop).collect::<Vec<_>>();
    let [first, second, third] = shops[..] else { panic!("three shops") };
    assert_eq!(book.tours(day, day).unwrap().len(), 1);
    book.acknowledge(key.doc()).unwrap();
    book.pin(key.doc(), third, Some(first), None, Some("顺路".to_owned())).unwrap();
    assert_eq!(order(&book), [third, first, second]);
    book.unpin(key.doc(), third).unwrap();
    book.skip(key.doc(), second, Some("closed".to_owned())).unwrap();
    assert_eq!(order(&book), [first, third]);
    let mut draft = book.check_in(first, Some(key.doc()), None).unwrap();
    draft.fields.insert("outcome".to_owned(), Value::from("order"));
    book.save_draft(draft.clone()).unwrap();
    let visit = book.check_out(draft, None).unwrap();
    assert_eq!(book.tour(key.doc()).unwrap().stops.first().unwrap().state, StopState::Visited);
    assert_eq!(book.visit(visit).unwrap().text("outcome"), Some("order"));
    assert_eq!(book.visits(first, None, 5).unwrap().lines.len(), 1);
    assert!(book.drafts().unwrap().is_empty());
}

#[test]
fn a_card_is_edited_at_the_state_that_was_shown() {
    let folder = tempfile::tempdir().unwrap();
    let book = enrolled(&folder);
    let shop = book.new_customer(named("老名字")).unwrap();
    let form = book.card(shop).unwrap().heads;
    book.edit_card(shop, form.clone(), named("新名字")).unwrap();
    book.edit_card(shop, form, named("另一个名字")).unwrap();
    let card = book.card(shop).unwrap();
    assert_eq!(card.facts.get("trade_name").unwrap().rivals.len(), 2, "neither saw the other");
    assert_eq!(book.history(shop, "trade_name".to_owned()).unwrap().len(), 3);
    let bad = Edit::Assert { field: "headcount".to_owned(), value: Value::Int(-1), provenance: Provenance::default() };
    match book.edit_card(shop, card.heads, vec![bad]) {
        Err(RoadbookError::BadField { field, .. }) => assert_eq!(field, "headcount"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(book.card(SubjectId::from_bytes([9; 16])), Err(RoadbookError::NotHere { .. })));
    let _proposal = book.propose(shop, "grade".to_owned(), "A".into(), None).unwrap();
}

#[test]
fn forms_come_from_the_schema() {
    let card = form("customer").unwrap();
    let name = card.iter().flat_map(|section| &section.fields).find(|field| field.id == "trade_name").unwrap();
    assert_eq!((name.zh.as_str(), name.shape, &name.input), ("名称", FormShape::One, &FormInput::Line { chars_max: 200 }));
    let phones = card.iter().flat_map(|section| &section.fields).find(|field| field.id == "phones").unwrap();
    assert!(phones.shape == FormShape::Entries && phones.entry.iter().any(|field| field.id == "number"));
    assert!(matches!(form("no_such_kind"), Err(RoadbookError::NotHere { .. })));
}

#[test]
fn a_file_opens_with_its_storage_key_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roadbook.sqlite").display().to_string();
    let device_key = software_key(fresh_key_secret().unwrap()).unwrap();
    let reopen = |key: Option<&Vec<u8>>| Roadbook::open(path.clone(), Arc::clone(&device_key), key.cloned());
    let shop = {
        let book = open(&folder);
        book.enrol_response(arrived(
            200,
            EnrolAnswer { device: DeviceId::from_bytes([5; 16]), now: edge::now(), profile: profile() }.encode(),
        ))
        .unwrap();
        book.new_customer(named("惠民便利店")).unwrap()
    };
    let (one, two) = (fresh_storage_key().unwrap(), fresh_storage_key().unwrap());
    // The file of before is encrypted by the first opening with a key.
    assert_eq!(reopen(Some(&one)).unwrap().search("hmbl".to_owned(), 5).unwrap().found.first().unwrap().customer.subject, shop);
    assert!(matches!(reopen(None), Err(RoadbookError::StorageKeyNeeded)));
    assert!(matches!(reopen(Some(&two)), Err(RoadbookError::WrongStorageKey)));
    assert!(matches!(reopen(Some(&vec![1; 31])), Err(RoadbookError::Mistake { .. })));
    change_storage_key(path.clone(), Some(one.clone()), two.clone()).unwrap();
    assert!(matches!(reopen(Some(&one)), Err(RoadbookError::WrongStorageKey)));
    let book = reopen(Some(&two)).unwrap();
    assert!(book.set_aside().is_none());
    assert_eq!(book.outbox().unwrap().changes, 1);
}

#[test]
fn keys_are_checked() {
    assert!(software_key(vec![0; 32]).is_err());
    assert!(software_key(vec![1; 31]).is_err());
    let key = software_key(fresh_key_secret().unwrap()).unwrap();
    assert_eq!(key.public_key().unwrap().len(), 33);
    assert!(key.sign(vec![0xff]).is_err());
    assert!(edge::now() > Ms(0));
}

#[test]
fn what_few_may_know_is_written_and_read_by_the_forms() {
    let folder = tempfile::tempdir().unwrap();
    let book = enrolled(&folder);
    let shop = book.new_customer(named("小店")).unwrap();
    let boss = book.new_entry_id().unwrap();
    let text = |text: &str| vec![Edit::Rewrite { field: "hobbies".to_owned(), text: text.to_owned() }];
    book.edit_person(shop, boss, None, text("钓鱼")).unwrap();
    let known = book.persons(shop).unwrap().remove(0);
    assert_eq!((known.stakeholder, known.texts["hobbies"].as_str()), (boss, "钓鱼"));
    book.edit_person(shop, boss, Some(known.heads), text("钓鱼、象棋")).unwrap();
    assert_eq!(book.persons(shop).unwrap()[0].texts["hobbies"], "钓鱼、象棋");
    let wrong = vec![Edit::Assert { field: "age".to_owned(), value: 900.into(), provenance: Provenance::default() }];
    assert!(matches!(book.edit_person(shop, boss, None, wrong), Err(RoadbookError::BadField { field, .. }) if field == "age"));
    assert_eq!((book.credit(shop).unwrap(), book.credit_badge(shop).unwrap()), (None, None));
    let grade = vec![Edit::Assert { field: "grade".to_owned(), value: "2".into(), provenance: Provenance::default() }];
    book.edit_credit(shop, None, grade).unwrap();
    assert_eq!(book.credit(shop).unwrap().unwrap().facts["grade"].value, "2".into());
    book.observe_credit(shop, "门口有人催债".to_owned()).unwrap();
    assert_eq!(book.credit_observations(shop).unwrap()[0].text, "门口有人催债");
    assert!(form("person").unwrap().iter().flat_map(|section| &section.fields).any(|field| field.id == "keep_until"));
}
