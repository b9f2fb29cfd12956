//! Encryption at rest, seen from outside: what lies on the disk of a phone says nothing of what is in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::BTreeMap;
use std::path::Path;

use roadbook_core::exchange::Profile;
use roadbook_core::ids::{DeviceId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::{Edit, Provenance, Value};
use roadbook_core::replica::private::describe_person;
use roadbook_core::replica::{Replica, Stamp, Start, Target};
use roadbook_core::store::rows::CustomerFilter;
use roadbook_core::store::{Lane, OpenOptions, StoreKey, keep_ballast, salvage};

const NOON: Ms = Ms(1_772_424_000_000);
/// What the phone holds: rows, settings, a draft, the outbox.
const SECRETS: [&str; 5] = ["惠民超市", "13700000007", "王芳", "要两箱水", "SQLite format 3"];

fn stamp(n: u8) -> Stamp {
    Stamp { author: UserId::from_bytes([1; 16]), now: NOON.plus(i64::from(n)), entropy: [n; 16] }
}

/// A phone at work in `folder`: its log is not folded in. `look` sees the folder while it is open and after it was closed.
fn at_work(folder: &Path, key: Option<&StoreKey>, look: impl Fn(&Path)) {
    let path = folder.join("phone.sqlite");
    let start = Start { open: OpenOptions::phone(NOON).under(key), process: [9; 16] };
    let (mut replica, _) = Replica::open(&path, &start).unwrap();
    let profile = Profile {
        user: UserId::from_bytes([1; 16]),
        name: "王芳".to_owned(),
        role: "salesperson".to_owned(),
        territories: Vec::new(),
        offset_minutes: 480,
        people: Vec::new(),
        registry: None,
    };
    replica.enrolled(DeviceId::from_bytes([2; 16]), &profile).unwrap();
    let subject = SubjectId::from_bytes([7; 16]);
    let edits = [
        Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() },
        Edit::Entry {
            list: "phones".to_owned(),
            entry: EntryId::from_bytes([1; 16]),
            fields: BTreeMap::from([("number".to_owned(), Value::from("13700000007"))]),
            provenance: Provenance::default(),
        },
    ];
    replica.save(&stamp(1), Lane::Normal, &Target::customer(subject), &edits).unwrap();
    let mut draft = replica.check_in(&stamp(2), subject, None, None).unwrap();
    draft.fields.insert("feedback".to_owned(), "要两箱水".into());
    replica.save_draft(&draft, NOON).unwrap();
    keep_ballast(&path).unwrap();
    let found = replica.store().read(|read| read.search("huimin", &CustomerFilter::default(), 5)).unwrap();
    assert_eq!(found.found.len(), 1, "search works under a key");
    look(folder);
    drop(replica);
    look(folder);
}

/// Which secrets a folder gives away, by file.
fn given_away(folder: &Path) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        found.extend(
            SECRETS
                .into_iter()
                .filter(|secret| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()))
                .map(|s| (name.clone(), s)),
        );
    }
    found
}

#[test]
fn the_files_of_a_phone_under_a_key_say_nothing() {
    let plain = tempfile::tempdir().unwrap();
    at_work(plain.path(), None, |folder| {
        let told: Vec<&str> = given_away(folder).into_iter().map(|(_, secret)| secret).collect();
        assert!(SECRETS.iter().all(|secret| told.contains(secret)), "without a key everything is there to be read: {told:?}");
    });
    let encrypted = tempfile::tempdir().unwrap();
    let key = StoreKey::new([0x5a; 32]);
    at_work(encrypted.path(), Some(&key), |folder| {
        let files = std::fs::read_dir(folder).unwrap().count();
        assert!(files >= 2, "the file and its ballast at least");
        assert_eq!(given_away(folder), []);
    });
    let saved = salvage(&encrypted.path().join("phone.sqlite"), Some(&key)).unwrap();
    assert_eq!((saved.changes.len(), saved.drafts.len(), saved.cut_short), (1, 1, false));
}

/// Erasing builds the file anew: under the same key, and with everything else in it.
#[test]
fn a_file_under_a_key_stays_under_it_when_something_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (folder.path().join("phone.sqlite"), StoreKey::new([0x5a; 32]));
    let start = Start { open: OpenOptions::phone(NOON).under(Some(&key)), process: [9; 16] };
    let (shop, boss) = (SubjectId::from_bytes([7; 16]), EntryId::from_bytes([8; 16]));
    let (mut replica, _) = Replica::open(&path, &start).unwrap();
    let name = Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() };
    replica.save(&stamp(1), Lane::Normal, &Target::customer(shop), &[name]).unwrap();
    let (target, edits) =
        describe_person(shop, boss, None, vec![Edit::Rewrite { field: "hobbies".to_owned(), text: "要两箱水".to_owned() }]);
    replica.save(&stamp(2), Lane::Normal, &target, &edits).unwrap();
    assert_eq!(replica.persons(shop).unwrap().len(), 1);
    replica.erase(shop.person(boss)).unwrap();
    assert!(!replica.store().read(|read| read.residue()).unwrap(), "the file was built anew and its log emptied");
    assert_eq!(given_away(folder.path()), []);
    drop(replica);
    assert_eq!(given_away(folder.path()), []);
    let (replica, set_aside) = Replica::open(&path, &Start { process: [10; 16], ..start }).unwrap();
    assert!(set_aside.is_none() && replica.store().is_sound().unwrap());
    assert!(replica.persons(shop).unwrap().is_empty());
    assert_eq!(replica.card(shop).unwrap().unwrap().text("trade_name"), Some("惠民超市"));
    assert_eq!(replica.outbox_size().unwrap().changes, 1);
}
