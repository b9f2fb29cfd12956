//! Released formats, kept as bytes: what an older release wrote must be read for ever, to the same meaning. A fixture is made once,
//! by the release that brought its format, and never again; a new version of a format gets files of its own.
//!
//! ```text
//! fixtures/genesis.txt          kind, version, hash of its genesis change
//! fixtures/wire-1/*             one request and one answer of the first release; what protocol 3 says besides: `wire`
//! fixtures/documents-1/*.bin    one saved document of each kind, schema version 1
//! fixtures/store-1.replica       a phone's file of store version 1
//! fixtures/store-1.encrypted     the same under the key 5a5a…
//! fixtures/store-7.replica.zst   a phone's file of store version 7, fixtures/server-13.zst a server's: `files`
//! ```
//! `ROADBOOK_FIXTURES=make` makes files that are missing, and touches no others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

mod files;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;

use minicbor::bytes::ByteVec;
use roadbook_core::crdt::{Document, Heads};
use roadbook_core::exchange::{Answer, Checkpoint, Cursor, Heartbeat, Item, Outcome, Person, Profile, Pushed, Request, Verdict};
use roadbook_core::ids::{ChangeHash, DeviceId, DocId, EntryId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::card::Card;
use roadbook_core::model::credit::{CreditFile, Observation};
use roadbook_core::model::proposal::{Proposal, Verification};
use roadbook_core::model::tour::{PlannedStop, Tour};
use roadbook_core::model::urgent::{Urgent, UrgentState};
use roadbook_core::model::visit::Visit;
use roadbook_core::model::{Edit, Provenance, Value, kinds};
use roadbook_core::replica::field::{self, Judgement, TourKey};
use roadbook_core::replica::private::{credit_target, describe_person, observe_credit};
use roadbook_core::replica::urgent::UrgentReport;
use roadbook_core::replica::{Replica, Stamp, Start, Target};
use roadbook_core::store::{Lane, OpenOptions, StoreKey};

const NOON: Ms = Ms(1_772_424_000_000);

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A fixture's bytes; when it is missing and that is asked for, it is made.
fn fixture(name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = path(name);
    if !path.exists() && std::env::var("ROADBOOK_FIXTURES").is_ok_and(|word| word == "make") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, make()).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; a released format without its fixture", path.display()))
}

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}
fn stamp(n: u8) -> Stamp {
    Stamp { author: user(1), now: NOON.plus(i64::from(n) * 1_000), entropy: [n; 16] }
}
fn subject() -> SubjectId {
    SubjectId::from_bytes([7; 16])
}
fn key() -> TourKey {
    TourKey { route: "east-1".to_owned(), day: NOON.day(480).unwrap(), rep: user(1) }
}

#[test]
fn genesis_changes_have_the_hashes_that_were_released() {
    let mut lines = String::new();
    for kind in kinds::ALL {
        for (version, change) in (1..).zip(kind.genesis.changes().unwrap()) {
            lines.push_str(&format!("{} {version} {}\n", kind.id, change.hash));
        }
    }
    let kept = String::from_utf8(fixture("genesis.txt", || lines.clone().into_bytes())).unwrap();
    assert_eq!(lines, kept, "a genesis that changes splits every document; append a version instead");
}

fn request() -> Request {
    Request {
        device: DeviceId::from_bytes([2; 16]),
        now: NOON,
        cursor: Some(Cursor { epoch: [3; 16], number: 41 }),
        checkpoint: Some(Checkpoint { base: 40, upto: 17 }),
        digest: Some(0x0123_4567_89ab_cdef),
        pushed: vec![Pushed {
            doc: DocId::from_bytes([4; 16]),
            kind: "visit".to_owned(),
            subject: subject(),
            changes: vec![ByteVec::from(vec![1, 2, 3]), ByteVec::from(vec![4])],
        }],
        schema: 1,
        heartbeat: Heartbeat {
            unsent_changes: 2,
            oldest_unsent: Some(NOON.plus(-60_000)),
            quarantined: 1,
            app: Some("demo 0.1".to_owned()),
            photos: None,
            photo_bytes: None,
        },
        speaks: None,
        besides: None,
        verdicts_only: None,
        pull: None,
    }
}

fn answer() -> Answer {
    let hash = |n: u8| ChangeHash([n; 32]);
    let verdict = |n: u8, outcome| Verdict { hash: hash(n), outcome };
    let doc = |n: u8| DocId::from_bytes([n; 16]);
    Answer {
        now: NOON,
        verdicts: vec![
            verdict(1, Outcome::Accepted),
            verdict(2, Outcome::AlreadyKnown),
            verdict(3, Outcome::Quarantined { code: "no_right".to_owned(), why: "没有权限".to_owned() }),
            verdict(4, Outcome::MissingDependencies { missing: vec![hash(9)] }),
            verdict(5, Outcome::Forked),
        ],
        items: vec![
            Item::Document { doc: doc(1), kind: "customer".to_owned(), subject: subject(), snapshot: ByteVec::from(vec![5, 6]) },
            Item::Changes { doc: doc(2), kind: "tour".to_owned(), subject: subject(), changes: vec![ByteVec::from(vec![7])] },
            Item::Forget { doc: doc(3) },
        ],
        cursor: Cursor { epoch: [3; 16], number: 42 },
        checkpoint: Some(Checkpoint { base: 41, upto: 20 }),
        more: true,
        restart: false,
        profile: Some(Profile {
            user: user(1),
            name: "王芳".to_owned(),
            role: "salesperson".to_owned(),
            territories: vec![TerritoryId("east".to_owned())],
            offset_minutes: 480,
            people: vec![Person { user: user(2), name: "李强".to_owned() }],
            registry: Some("{}".to_owned()),
        }),
        speaks: None,
        told: None,
        compare: None,
        today: None,
        knock: None,
        granted: None,
        stand: None,
    }
}

#[test]
fn frames_of_wire_version_1_mean_what_they_meant() {
    let frame = fixture("wire-1/request.frame", || request().encode().unwrap());
    assert_eq!(Request::decode(&frame).unwrap(), request());
    assert_eq!(frame[0], 1, "the version comes first");
    let frame = fixture("wire-1/answer.frame", || answer().encode().unwrap());
    assert_eq!(Answer::decode(&frame).unwrap(), answer());
}

/// A replica with one document of each kind, and things of its own: an outbox, a visit under way, what headquarters set aside.
fn phone(replica: &mut Replica) {
    replica.enrolled(DeviceId::from_bytes([2; 16]), answer().profile.as_ref().unwrap()).unwrap();
    let entry = |n: u8| EntryId::from_bytes([n; 16]);
    let fields = BTreeMap::from([("number".to_owned(), Value::from("0571 8888-1234"))]);
    let card = [
        Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() },
        Edit::Assert { field: "headcount".to_owned(), value: 6.into(), provenance: Provenance::default() },
        Edit::Include { field: "tags".to_owned(), element: "冷柜".to_owned() },
        Edit::Entry { list: "phones".to_owned(), entry: entry(1), fields, provenance: Provenance::default() },
        Edit::Entry {
            list: "placed_units".to_owned(),
            entry: entry(2),
            fields: BTreeMap::from([("what".to_owned(), Value::from("冰柜"))]),
            provenance: Provenance::default(),
        },
        Edit::Move { list: "placed_units".to_owned(), entry: entry(2), field: "moved".to_owned(), by: 5, movement: entry(3) },
        Edit::Splice { field: "problems".to_owned(), at: 0, delete: 0, insert: "上月两次拖欠货款".to_owned() },
        Edit::Record {
            log: "interactions".to_owned(),
            entry: entry(4),
            value: Value::map([("direction", "in".into()), ("text", "要两箱水".into())]),
        },
        Edit::Confirm { field: "headcount".to_owned(), value: 6.into(), at: NOON },
    ];
    let lane = Lane::Normal;
    replica.save(&stamp(1), lane, &Target::customer(subject()), &card).unwrap();
    let slot = Value::map([("value", Value::Int(6)), ("at", Value::Int(NOON.0)), ("method", "visit".into())]);
    let office = [
        Edit::Assert { field: "grade".to_owned(), value: "B".into(), provenance: Provenance::default() },
        Edit::Put { container: "verified".to_owned(), key: "headcount".to_owned(), value: slot },
    ];
    replica.save(&stamp(2), lane, &Target::office(subject()), &office).unwrap();
    let stop = PlannedStop { stop: subject(), arrive_s: Some(36_000), service_s: Some(900), note: None, urgent: true };
    let (target, edits) = field::publish(&stamp(3), &key(), None, &[stop], None, &[]);
    replica.save(&stamp(3), lane, &target, &edits).unwrap();
    let mut draft = replica.check_in(&stamp(4), subject(), Some(key().doc()), None).unwrap();
    draft.fields.insert("outcome".to_owned(), "order".into());
    replica.check_out(&stamp(5), &draft, None).unwrap();
    let (target, edits) = field::propose(&stamp(6), subject(), "grade", "A".into(), Some("销量上升"));
    replica.save(&stamp(6), lane, &target, &edits).unwrap();
    let shown = replica.card(subject()).unwrap().unwrap();
    let judgement = Judgement {
        field: "headcount".to_owned(),
        value: 6.into(),
        op: Some(shown.facts["headcount"].rivals[0].op.clone()),
        observed: None,
        decision: "accept".to_owned(),
        method: Some("visit".to_owned()),
        reason: None,
    };
    let (target, edits) = field::verify(&stamp(7), &shown, &judgement);
    replica.save(&stamp(7), Lane::Urgent, &target, &edits).unwrap();
    replica.check_in(&stamp(8), subject(), None, None).unwrap();
}

/// A picture of one pixel, as far as anybody looks.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01";

/// What came with store version 2: an urgent report.
fn phone_of_store_version_2(replica: &mut Replica) {
    let report = UrgentReport {
        kind: "credit_danger".to_owned(),
        severity: "critical".to_owned(),
        customer: Some(subject()),
        territory: None,
        text: "客户准备转移资产".to_owned(),
        picture: Some(PICTURE.to_vec()),
    };
    let doc = replica.report_urgent(&stamp(10), &report).unwrap();
    replica.handle_urgent(&stamp(11), doc, "taken", Some("马上去")).unwrap();
}

/// What came with the private kinds: traits of a stakeholder, a credit file, an observation.
fn phone_of_private_kinds(replica: &mut Replica) {
    let set = |field: &str, value: Value| Edit::Assert { field: field.to_owned(), value, provenance: Provenance::default() };
    let text = Edit::Rewrite { field: "hobbies".to_owned(), text: "钓鱼".to_owned() };
    let traits = vec![text, set("age", 47.into()), set("consent_basis", "spoken".into()), set("keep_until", "2027-12-31".into())];
    let (target, edits) = describe_person(subject(), EntryId::from_bytes([12; 16]), None, traits);
    replica.save(&stamp(12), Lane::Normal, &target, &edits).unwrap();
    let money = |amount: i64| Value::map([("amount", Value::Int(amount)), ("currency", "CNY".into())]);
    let mut edits = vec![set("grade", "2".into()), set("limit", money(1_000_000)), set("exposure", money(700_000))];
    let problem = Value::map([("on", "2025-11-20".into()), ("what", "拖欠两个月".into())]);
    edits.push(Edit::Record { log: "problems".to_owned(), entry: EntryId::from_bytes([13; 16]), value: problem });
    replica.save(&stamp(13), Lane::Normal, &credit_target(subject(), None), &edits).unwrap();
    let (target, edits) = observe_credit(&stamp(14), subject(), "门口有人催债");
    replica.save(&stamp(14), Lane::Normal, &target, &edits).unwrap();
}

/// The document of a kind that [`phone`] makes.
fn document_of(kind: &str) -> DocId {
    match kind {
        "customer" => subject().customer(),
        "office" => subject().office(),
        "tour" => key().doc(),
        "visit" => DocId::fresh(stamp(4).now, stamp(4).piece(3)),
        "proposal" => DocId::fresh(stamp(6).now, stamp(6).piece(1)),
        "verification" => DocId::fresh(stamp(7).now, stamp(7).piece(2)),
        "urgent" => DocId::fresh(stamp(10).now, stamp(10).piece(5)),
        "person" => subject().person(EntryId::from_bytes([12; 16])),
        "credit" => subject().credit(),
        "observation" => DocId::fresh(stamp(14).now, stamp(14).piece(7)),
        other => panic!("{other}: a new kind needs its fixture"),
    }
}

#[test]
fn saved_documents_of_every_kind_mean_what_they_meant() {
    let mut replica = Replica::in_memory([9; 16]).unwrap();
    phone(&mut replica);
    phone_of_store_version_2(&mut replica);
    phone_of_private_kinds(&mut replica);
    let mut documents = BTreeMap::new();
    for kind in kinds::ALL {
        let bytes =
            fixture(&format!("documents-1/{}.bin", kind.id), || replica.document(document_of(kind.id)).unwrap().unwrap().document.save());
        let document = Document::load(&bytes).unwrap();
        let again = Document::load(&document.save()).unwrap();
        assert_eq!(again.heads(), document.heads(), "{}", kind.id);
        let genesis: Vec<ChangeHash> = kind.genesis.changes().unwrap().iter().map(|change| change.hash).collect();
        assert!(document.holds(&genesis[0]), "{} begins with the genesis of today", kind.id);
        documents.insert(kind.id, document);
    }
    let card = Card::fold(subject(), &documents["customer"], Some(&documents["office"]));
    assert_eq!((card.text("trade_name"), card.text("grade"), card.value("headcount").as_int()), (Some("惠民超市"), Some("B"), Some(6)));
    assert_eq!(card.sets["tags"][0].value, "冷柜");
    assert_eq!(card.lists["phones"][0].fields["number"].value.as_text(), Some("0571 8888-1234"));
    assert_eq!(card.lists["placed_units"][0].fields["moved"].value.as_int(), Some(5));
    assert_eq!(card.texts["problems"], "上月两次拖欠货款");
    assert_eq!(card.logs["interactions"].len(), 1);
    let headcount = &card.facts["headcount"];
    assert_eq!((headcount.confirmed_at, headcount.rivals[0].author), (Some(NOON), Some(user(1))));
    assert_eq!(headcount.verified.as_ref().unwrap().method.as_deref(), Some("visit"));
    let tour = Tour::fold(document_of("tour"), &documents["tour"]);
    assert_eq!((tour.route.as_str(), tour.rep, tour.stops.len()), ("east-1", Some(user(1)), 1));
    assert!(tour.stops[0].planned.as_ref().unwrap().urgent && tour.stops[0].visit.as_ref().unwrap().left.is_some());
    let visit = Visit::fold(document_of("visit"), subject(), &documents["visit"]).unwrap();
    assert_eq!((visit.text("outcome"), visit.check_in.at), (Some("order"), stamp(4).now));
    let proposal = Proposal::fold(document_of("proposal"), subject(), &documents["proposal"]).unwrap();
    assert_eq!((proposal.field.as_deref(), proposal.value.as_text(), proposal.is_open()), (Some("grade"), Some("A"), true));
    let verification = Verification::fold(document_of("verification"), subject(), &documents["verification"]).unwrap();
    assert_eq!((verification.decision.as_str(), verification.value.as_int(), verification.by), ("accept", Some(6), Some(user(1))));
    let urgent = Urgent::fold(document_of("urgent"), subject(), &documents["urgent"]).unwrap();
    assert_eq!(
        (urgent.text.as_str(), urgent.kind.as_str(), urgent.picture.as_deref()),
        ("客户准备转移资产", "credit_danger", Some(PICTURE))
    );
    assert_eq!((urgent.state(), urgent.handling.len(), urgent.by), (UrgentState::Taken, 1, Some(user(1))));
    let person = roadbook_core::model::person::Person::fold(document_of("person"), subject(), &documents["person"]).unwrap();
    assert_eq!((person.texts["hobbies"].as_str(), person.facts["age"].value.as_int()), ("钓鱼", Some(47)));
    assert_eq!((person.stakeholder, person.keep_until()), (EntryId::from_bytes([12; 16]), Some("2027-12-31")));
    let credit = CreditFile::fold(subject(), &documents["credit"]);
    assert_eq!((credit.badge().grade.as_deref(), credit.badge().used_percent, credit.badge().hold), (Some("2"), Some(70), false));
    assert_eq!(credit.logs["problems"][0].said.value.get("what").and_then(Value::as_text), Some("拖欠两个月"));
    let seen = Observation::fold(document_of("observation"), subject(), &documents["observation"]).unwrap();
    assert_eq!((seen.text.as_str(), seen.by), ("门口有人催债", Some(user(1))));
}

#[test]
fn a_phones_file_of_store_version_1_opens_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phone.sqlite");
    let start = Start { open: OpenOptions::phone(NOON), process: [9; 16] };
    let bytes = fixture("store-1.replica", || {
        let (mut replica, _) = Replica::open(&file, &start).unwrap();
        phone(&mut replica);
        // The last connection folds the log into the file.
        drop(replica);
        let made = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        made
    });
    std::fs::write(&file, &bytes).unwrap();
    let (mut replica, set_aside) = Replica::open(&file, &Start { process: [10; 16], ..start }).unwrap();
    assert!(set_aside.is_none());
    let holdings = replica.store().read(|read| read.holdings_after(None, 100)).unwrap();
    // Kinds that came later are not in it.
    assert_eq!(holdings.len(), 6);
    for holding in &holdings {
        let held = replica.document(holding.doc).unwrap().unwrap();
        assert_eq!(held.document.heads(), Heads::new(holding.heads.clone()), "{}", holding.kind);
    }
    assert_eq!(replica.card(subject()).unwrap().unwrap().text("trade_name"), Some("惠民超市"));
    assert_eq!(replica.outbox_size().unwrap().changes, 8);
    assert_eq!(replica.outbox_size().unwrap().urgent, 1);
    assert_eq!(replica.drafts().unwrap().len(), 1);
    assert_eq!(replica.device().unwrap(), DeviceId::from_bytes([2; 16]));
    assert_eq!(replica.profile().unwrap(), answer().profile);
    let print = replica.store().read(|read| read.rows_print()).unwrap();
    replica.rebuild().unwrap();
    assert_eq!(replica.store().read(|read| read.rows_print()).unwrap(), print, "rows of that release are the fold of this one");
    // And one can go on working.
    let edit = Edit::Assert { field: "headcount".to_owned(), value: 7.into(), provenance: Provenance::default() };
    replica.save(&stamp(9), Lane::Normal, &Target::customer(subject()), &[edit]).unwrap();
    assert_eq!(replica.outbox_size().unwrap().changes, 9);
}

#[test]
fn an_encrypted_file_of_store_version_1_opens_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = (folder.path().join("phone.sqlite"), StoreKey::new([0x5a; 32]));
    let start = Start { open: OpenOptions::phone(NOON).under(Some(&key)), process: [9; 16] };
    let bytes = fixture("store-1.encrypted", || {
        let (mut replica, _) = Replica::open(&file, &start).unwrap();
        phone(&mut replica);
        drop(replica);
        let made = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        made
    });
    assert_eq!(bytes[..8], *b"RdBkEnc\x01", "the head of an encrypted file says what it is");
    std::fs::write(&file, &bytes).unwrap();
    let (replica, set_aside) = Replica::open(&file, &Start { process: [10; 16], ..start }).unwrap();
    assert!(set_aside.is_none());
    assert_eq!(replica.card(subject()).unwrap().unwrap().text("trade_name"), Some("惠民超市"));
    assert_eq!((replica.outbox_size().unwrap().changes, replica.drafts().unwrap().len()), (8, 1));
    assert_eq!(replica.profile().unwrap(), answer().profile);
}
