//! What a phone does every day costs the same whether it holds little or much: no statement walks over what is merely there.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use super::documents::Target;
use super::field::{self, TourKey};
use super::tests::profile;
use super::{Replica, Stamp};
use crate::blobs::{BlobHash, Role};
use crate::exchange::{Answer, Cursor, Item, Outcome, Verdict};
use crate::ids::{DeviceId, DocId, Ms, SubjectId, UserId};
use crate::model::tour::PlannedStop;
use crate::model::{Edit, Provenance};
use crate::store::rows::{CustomerFilter, CustomerOrder};
use crate::store::steps::{self, Steps};
use crate::store::{BlobName, BlobRow, Lane, NameState, StoreError};

const NOON: Ms = Ms(1_772_424_000_000);
const DAY: i64 = 86_400_000;
const USER: UserId = UserId::from_bytes([1; 16]);
/// Customers of a phone that holds little, and of one that holds much.
const SIZES: [u32; 2] = [40, 400];

fn id(n: u32) -> [u8; 16] {
    u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

/// A phone with customers that were visited, all of it accepted by headquarters.
struct Phone {
    replica: Replica,
    stamps: u32,
    number: u64,
}

impl Phone {
    fn with(customers: u32) -> Self {
        let mut replica = Replica::in_memory([7; 16]).unwrap();
        replica.enrolled(DeviceId::from_bytes([5; 16]), &profile()).unwrap();
        let mut phone = Self { replica, stamps: 0, number: 0 };
        for n in 0..customers {
            phone.edit(n, "trade_name", &format!("惠民超市{n}"));
            phone.visit(n);
            if n % 20 == 19 {
                phone.exchange(&[]);
            }
        }
        // Photos are looked through one by one, and are few.
        (0..9).for_each(|n| phone.photo(n));
        phone.exchange(&[]);
        assert_eq!(phone.replica.outbox_size().unwrap().changes, 0);
        phone
    }

    fn stamp(&mut self) -> Stamp {
        self.stamps += 1;
        Stamp { author: USER, now: NOON.plus(i64::from(self.stamps)), entropy: id(self.stamps) }
    }

    fn edit(&mut self, n: u32, name: &str, value: &str) {
        let edit = Edit::Assert { field: name.to_owned(), value: value.into(), provenance: Provenance::default() };
        let stamp = self.stamp();
        self.replica.save(&stamp, Lane::Normal, &Target::customer(SubjectId::from_bytes(id(n))), &[edit]).unwrap();
    }

    fn visit(&mut self, n: u32) -> DocId {
        let (before, after) = (self.stamp(), self.stamp());
        let mut draft = self.replica.check_in(&before, SubjectId::from_bytes(id(n)), None, None).unwrap();
        draft.fields.insert("outcome".to_owned(), "order".into());
        self.replica.save_draft(&draft, after.now).unwrap();
        self.replica.check_out(&after, &draft, None).unwrap()
    }

    fn tour(&mut self, customers: u32) {
        let stops: Vec<PlannedStop> = (0..customers)
            .map(|n| PlannedStop { stop: SubjectId::from_bytes(id(n)), arrive_s: None, service_s: None, note: None, urgent: false })
            .collect();
        let key = TourKey { route: "east-1".to_owned(), day: NOON.day(480).unwrap(), rep: USER };
        let stamp = self.stamp();
        let (target, edits) = field::publish(&stamp, &key, None, &stops, None, &[]);
        self.replica.save(&stamp, Lane::Normal, &target, &edits).unwrap();
    }

    /// A photo that headquarters has held for long with everything of its document.
    fn photo(&mut self, n: u32) {
        let hash = BlobHash::of(&id(n));
        let row = BlobRow {
            hash,
            role: Role::Original,
            kind: "shelf".to_owned(),
            mime: "image/jpeg".to_owned(),
            bytes: 9,
            taken_at: NOON,
            chunks: vec![hash],
            here: false,
            wanted: None,
            lacking: None,
        };
        let doc = SubjectId::from_bytes(id(n)).customer();
        let name =
            BlobName { doc, hash, thumbnail: None, proof: [0; 32], state: NameState::Complete, again: Some(NOON), reason: String::new() };
        self.replica
            .store_mut()
            .write::<_, StoreError>(|write| {
                write.put_blob(&row)?;
                write.put_blob_name(&name)
            })
            .unwrap();
    }

    /// One exchange: everything handed in is accepted, and `items` come.
    fn exchange(&mut self, items: &[Item]) {
        let request = self.replica.request(NOON, None).unwrap();
        self.number += 1;
        let verdicts = request
            .pushed
            .iter()
            .flat_map(|pushed| &pushed.changes)
            .map(|change| Verdict { hash: crate::crdt::gate::Gate::strict().identify(change).unwrap().hash, outcome: Outcome::Accepted })
            .collect();
        let cursor = Cursor { epoch: [1; 16], number: self.number };
        let answer = Answer { verdicts, items: items.to_vec(), ..Answer::empty(NOON, cursor) };
        let synced = self.replica.sync_answer(&answer.encode().unwrap(), NOON).unwrap();
        assert_eq!((synced.refused, synced.documents), (0, items.len()));
    }
}

/// What another phone wrote, as headquarters sends it on.
fn from_elsewhere(n: u32, name: &str) -> Item {
    let mut other = Replica::in_memory([8; 16]).unwrap();
    let subject = SubjectId::from_bytes(id(n));
    let edit = Edit::Assert { field: "trade_name".to_owned(), value: name.into(), provenance: Provenance::default() };
    let stamp = Stamp { author: UserId::from_bytes([2; 16]), now: NOON, entropy: id(n + 1_000_000) };
    other.save(&stamp, Lane::Normal, &Target::customer(subject), &[edit]).unwrap();
    let changes = other.store().read(|read| read.outbox(9, 99_999)).unwrap().into_iter().map(|own| own.bytes.into()).collect();
    Item::Changes { doc: subject.customer(), kind: "customer".to_owned(), subject, changes }
}

/// One act of a phone, on the customer of a number that it holds.
type Act = fn(&mut Phone, u32);

const ACTS: [(&str, Act); 9] = [
    ("an edit", |phone, n| phone.edit(n, "legal_name", "惠民")),
    ("a visit", |phone, n| {
        phone.visit(n);
    }),
    ("a new customer", |phone, n| phone.edit(n + 2_000_000, "trade_name", "新店")),
    ("a tour", |phone, _| phone.tour(12)),
    ("handing in", |phone, n| {
        phone.edit(n, "short_name", "惠");
        phone.exchange(&[]);
    }),
    ("taking in what is new", |phone, n| phone.exchange(&[from_elsewhere(n + 3_000_000, "别处")])),
    ("taking in a change", |phone, n| phone.exchange(&[from_elsewhere(n, "改名")])),
    ("looking after photos", |phone, _| {
        phone.replica.forget_photos_of_forgotten(NOON.plus(DAY)).unwrap();
        let read = |read: &crate::store::Reading<'_>| {
            read.blobs_to_receipt(NOON, 9)?;
            read.blobs_waiting()?;
            read.blobs_to_send(Role::Original, NOON, 9)
        };
        phone.replica.store().read::<_, StoreError>(read).unwrap();
    }),
    ("the first page of customers, and a card", |phone, n| {
        let page = |read: &crate::store::Reading<'_>| read.customers(&CustomerFilter::default(), CustomerOrder::Name, None, 20);
        phone.replica.store().read(page).unwrap();
        phone.replica.card(SubjectId::from_bytes(id(n))).unwrap().unwrap();
    }),
];

#[test]
fn what_a_phone_does_every_day_costs_the_same_however_much_it_holds() {
    let [little, much] = SIZES.map(|size| {
        let mut phone = Phone::with(size);
        // Once unseen: what is asked the first time only is not what a day costs.
        ACTS.map(|(_, act)| {
            act(&mut phone, 3);
            steps::of(|| act(&mut phone, 5))
        })
    });
    let dearer: Vec<(&str, Vec<String>)> =
        ACTS.iter().zip(little.iter().zip(&much)).map(|((name, _), (little, much))| (*name, steps::grown(little, much))).collect();
    assert!(little.iter().all(|steps: &Steps| steps.values().sum::<i64>() > 0), "nothing was counted");
    assert!(dearer.iter().all(|(_, statements)| statements.is_empty()), "{dearer:#?}");
}
