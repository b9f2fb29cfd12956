//! Phones (core replicas) against the server's half, without a network.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::collections::BTreeSet;
use std::sync::Arc;

use roadbook_core::crdt::gate::Gate;
use roadbook_core::exchange::{Answer, Outcome};
use roadbook_core::ids::{DeviceId, DocId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::{Edit, Provenance, kinds};
use roadbook_core::replica::{Replica, Stamp, Target};
use roadbook_core::store::Lane;

use super::*;
use crate::access::Role;
use crate::accounts::{NewUser, Territory, Who};
use crate::database::{Database, Durability};
use crate::device::Standing;
use crate::feed::{Batch, Filing, Hand, NewEntry, SqliteFeed};
use crate::headquarters::described;

const DAY: i64 = 86_400_000;
const NOW: Ms = Ms(1_772_409_600_000);

mod cost;
mod days;
mod desk;
mod fitting;
mod founding;
mod knocking;
mod tree;

struct World {
    _folder: tempfile::TempDir,
    accounts: Accounts,
    feed: Arc<dyn Feed>,
    headquarters: Headquarters,
    exchange: Exchange,
    count: std::cell::Cell<u8>,
    /// The feed began another life: both sides compare.
    other_life: std::cell::Cell<bool>,
}

struct Phone {
    replica: Replica,
    user: UserId,
    device: DeviceId,
    drift_ms: i64,
    count: u8,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.sqlite");
    let database = Arc::new(Database::open(&path, Durability::Process, crate::storage::SERVER_MIGRATIONS).unwrap());
    let accounts = Accounts::new(Arc::clone(&database));
    for id in ["east", "west"] {
        let territory = Territory { id: TerritoryId(id.to_owned()), parent: None, name: id.to_owned() };
        accounts.set_territory(NOW, &Who::shell(), &territory).unwrap();
    }
    let feed: Arc<dyn Feed> = Arc::new(SqliteFeed::open(database).unwrap());
    let headquarters = Headquarters::in_memory(Arc::clone(&feed), accounts.clone(), 480, [77; 16], NOW).unwrap();
    let scratch = Arc::new(Scratch::open(&folder.path().join("scratch.sqlite")).unwrap());
    let exchange = Exchange::new(accounts.clone(), Arc::clone(&feed), headquarters.clone(), scratch, 480);
    World {
        _folder: folder,
        accounts,
        feed,
        headquarters,
        exchange,
        count: std::cell::Cell::new(0),
        other_life: std::cell::Cell::new(false),
    }
}

impl World {
    fn user(&self, role: Role, territories: &[&str]) -> UserId {
        let n = self.count.get() + 1;
        self.count.set(n);
        let new = NewUser {
            id: UserId::from_bytes([n; 16]),
            login: format!("user{n}"),
            name: format!("User {n}"),
            role,
            password: None,
            territories: territories.iter().map(|id| TerritoryId((*id).to_owned())).collect(),
        };
        self.accounts.add_user(NOW, &Who::shell(), &new).unwrap().id
    }

    fn phone(&self, user: UserId) -> Phone {
        let n = self.count.get() + 1;
        self.count.set(n);
        let (device, key) = (DeviceId::from_bytes([n; 16]), [n; 33]);
        let code = self.accounts.issue_code(NOW, &Who::shell(), user).unwrap();
        self.accounts.enroll_device(NOW, "", &code, device, &key, "phone").unwrap().unwrap();
        let mut replica = Replica::in_memory([n; 16]).unwrap();
        let person = self.accounts.user(user).unwrap().unwrap();
        replica.enrolled(device, &profile::of(&self.accounts, 480, &person).unwrap()).unwrap();
        Phone { replica, user, device, drift_ms: 0, count: 0 }
    }

    fn caller(&self, phone: &Phone) -> Caller {
        let device = self.accounts.device(phone.device).unwrap().unwrap();
        let user = self.accounts.user(phone.user).unwrap().unwrap();
        let standing = Standing::of(&device, &user);
        Caller { device, user, standing }
    }

    fn answer(&self, phone: &Phone, now: Ms) -> Answer {
        let request = phone.replica.request(now.plus(phone.drift_ms), None).unwrap();
        match self.exchange.answer(now, &self.caller(phone), &request).unwrap().0 {
            Answered::Answer(parts) => joined(parts.into_list()),
            Answered::Gone => panic!("the device is gone"),
        }
    }

    /// Exchanges until both sides are at rest; returns the turns it took.
    fn sync(&self, phone: &mut Phone, now: Ms) -> usize {
        for turn in 1..50 {
            let answer = self.answer(phone, now);
            // Through the wire, as it travels.
            let frame = answer.encode().unwrap();
            let synced = phone.replica.sync_answer(&frame, now.plus(phone.drift_ms)).unwrap();
            assert!(!synced.restarted, "the pull began again");
            assert!(!synced.compared || self.other_life.get(), "both sides held something else");
            assert_eq!(synced.refused, 0, "the phone refused what headquarters sent");
            if !synced.more {
                return turn;
            }
        }
        panic!("never at rest");
    }
}

/// All parts as one answer: where the last leads, with what all of them bring.
fn joined(mut parts: Vec<Answer>) -> Answer {
    let mut last = parts.pop().unwrap();
    for part in parts.into_iter().rev() {
        last.items.splice(0..0, part.items);
        last.verdicts.splice(0..0, part.verdicts);
        last.profile = part.profile.or(last.profile);
        last.today = part.today.or(last.today);
    }
    last
}

impl Phone {
    fn stamp(&mut self, now: Ms) -> Stamp {
        self.count += 1;
        Stamp { author: self.user, now: now.plus(self.drift_ms), entropy: [self.count; 16] }
    }
    fn set(&mut self, now: Ms, customer: SubjectId, field: &str, value: &str) {
        let stamp = self.stamp(now);
        let edits = [assert(field, value)];
        self.replica.save(&stamp, Lane::Normal, &Target::customer(customer), &edits).unwrap();
    }
    fn event(&mut self, now: Ms, kind: &'static str, customer: SubjectId, edits: &[Edit]) -> DocId {
        let stamp = self.stamp(now);
        let doc = DocId::fresh(stamp.now, stamp.entropy);
        let target = Target::about(customer, kinds::kind(kind).unwrap(), doc);
        self.replica.save(&stamp, Lane::Normal, &target, edits).unwrap();
        doc
    }
    fn holds(&self, doc: DocId) -> bool {
        self.replica.document(doc).unwrap().is_some()
    }
    fn name(&self, customer: SubjectId) -> Option<String> {
        let card = self.replica.card(customer).unwrap()?;
        card.text("trade_name").map(str::to_owned)
    }
}

fn assert(field: &str, value: &str) -> Edit {
    Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::default() }
}

fn customer(n: u8) -> SubjectId {
    SubjectId::from_bytes([n; 16])
}

#[test]
fn a_new_card_reaches_its_territory_with_an_office_side_and_nobody_else() {
    let world = world();
    let (wf, lq) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Salesperson, &["east"]));
    let far = world.user(Role::Salesperson, &["west"]);
    let (mut wf, mut lq, mut far) = (world.phone(wf), world.phone(lq), world.phone(far));
    let c1 = customer(101);
    wf.set(NOW, c1, "trade_name", "惠民超市");
    world.sync(&mut wf, NOW);
    world.sync(&mut lq, NOW);
    world.sync(&mut far, NOW);
    assert_eq!(lq.name(c1).as_deref(), Some("惠民超市"));
    let card = wf.replica.card(c1).unwrap().unwrap();
    assert_eq!((card.text("territory"), card.text("lifecycle")), (Some("east"), Some("active")));
    assert_eq!(card.text("owner"), Some(wf.user.to_string().as_str()));
    assert!(!far.holds(c1.customer()) && !far.holds(c1.office()));
    assert_eq!(
        world.headquarters.read(|hq| hq.card(c1).unwrap().unwrap().text("trade_name").map(str::to_owned)).as_deref(),
        Some("惠民超市")
    );
}

#[test]
fn apart_for_a_day_then_the_same_everywhere() {
    let world = world();
    let (a, b) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Supervisor, &["east"]));
    let (mut a, mut b) = (world.phone(a), world.phone(b));
    for n in 101..121 {
        a.set(NOW, customer(n), "trade_name", &format!("店{n}"));
    }
    world.sync(&mut a, NOW);
    world.sync(&mut b, NOW);
    for n in 101..121 {
        a.set(NOW.plus(DAY), customer(n), "trade_name", &format!("A{n}"));
        b.set(NOW.plus(DAY), customer(n), "legal_name", &format!("B{n}"));
        if n % 3 == 0 {
            b.set(NOW.plus(DAY + 1), customer(n), "trade_name", &format!("C{n}"));
        }
    }
    let later = NOW.plus(2 * DAY);
    assert_eq!(world.sync(&mut a, later), 1, "one turn: nothing of the others is there yet, and nothing of its own comes back");
    world.sync(&mut b, later);
    world.sync(&mut a, later);
    for n in 101..121 {
        assert_eq!(a.name(customer(n)), b.name(customer(n)));
        let heads = |phone: &Phone| phone.replica.document(customer(n).customer()).unwrap().unwrap().document.heads();
        assert_eq!(heads(&a), heads(&b));
    }
    // At rest the digests agree, or the sync above would have been told to start again.
    assert_eq!((world.sync(&mut a, later), world.sync(&mut b, later)), (1, 1));
}

#[test]
fn a_lost_answer_costs_time_and_nothing_else() {
    let world = world();
    let user = world.user(Role::Salesperson, &["east"]);
    let mut phone = world.phone(user);
    phone.set(NOW, customer(101), "trade_name", "惠民");
    for _ in 0..3 {
        let answer = world.answer(&phone, NOW);
        assert_eq!(answer.verdicts.len(), 1);
    }
    let number = world.feed.head().unwrap();
    world.sync(&mut phone, NOW);
    assert_eq!(world.feed.head().unwrap(), number);
    assert_eq!(phone.replica.outbox_size().unwrap().changes, 0);
}

#[test]
fn without_the_right_it_is_kept_told_and_holds_nothing_up() {
    let world = world();
    let (owner, stranger) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Salesperson, &["west"]));
    let (mut owner, mut stranger) = (world.phone(owner), world.phone(stranger));
    let (c1, c2) = (customer(101), customer(102));
    owner.set(NOW, c1, "trade_name", "惠民");
    world.sync(&mut owner, NOW);
    stranger.set(NOW, c1, "trade_name", "抢来的");
    stranger.set(NOW, c1, "short_name", "抢");
    stranger.event(NOW, "visit", c1, &[assert("feedback", "x")]);
    stranger.event(NOW, "visit", customer(250), &[assert("feedback", "nobody")]);
    stranger.set(NOW, c2, "trade_name", "自己的");
    stranger.event(NOW, "visit", c2, &[assert("feedback", "mine")]);
    let answer = world.answer(&stranger, NOW);
    let mut codes: Vec<&str> = answer
        .verdicts
        .iter()
        .map(|verdict| match &verdict.outcome {
            Outcome::Accepted => "accepted",
            Outcome::Quarantined { code, .. } => code.as_str(),
            Outcome::AlreadyKnown | Outcome::MissingDependencies { .. } | Outcome::Forked => "other",
        })
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, ["accepted", "accepted", "no_right", "no_right", "other", "unknown_customer"]);
    world.sync(&mut stranger, NOW);
    world.sync(&mut owner, NOW);
    assert_eq!(owner.name(c1).as_deref(), Some("惠民"));
    assert_eq!(stranger.name(c2).as_deref(), Some("自己的"));
    assert_eq!(world.feed.quarantine(10).unwrap().len(), 4);
    assert_eq!(stranger.replica.outbox_size().unwrap().changes, 0, "every change has its verdict");
}

#[test]
fn a_sealed_visit_stays_sealed_and_is_amended_by_its_author_alone() {
    let world = world();
    let (rep, colleague) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Salesperson, &["east"]));
    let boss = world.user(Role::Supervisor, &["east"]);
    let (mut rep, mut colleague, mut boss) = (world.phone(rep), world.phone(colleague), world.phone(boss));
    let c1 = customer(101);
    rep.set(NOW, c1, "trade_name", "惠民");
    let visit = rep.event(NOW, "visit", c1, &[assert("feedback", "好")]);
    world.sync(&mut rep, NOW);
    world.sync(&mut colleague, NOW);
    world.sync(&mut boss, NOW);
    assert!(colleague.holds(visit) && boss.holds(visit));
    let put = |container: &str| Edit::Put { container: container.to_owned(), key: "note/1".to_owned(), value: "x".into() };
    let write = |phone: &mut Phone, container: &str| {
        let stamp = phone.stamp(NOW);
        let target = Target::about(c1, kinds::kind("visit").unwrap(), visit);
        phone.replica.save(&stamp, Lane::Normal, &target, &[put(container)]).unwrap();
        let answer = world.answer(phone, NOW);
        world.sync(phone, NOW);
        answer.verdicts.first().unwrap().outcome == Outcome::Accepted
    };
    assert!(!write(&mut rep, "body"), "sealed");
    assert!(write(&mut rep, "amendments"));
    assert!(!write(&mut colleague, "amendments"), "not the author");
    assert!(write(&mut boss, "notes"));
    assert!(!write(&mut rep, "notes"), "notes are the superior's");
}

#[test]
fn a_revoked_device_drains_and_is_gone() {
    let world = world();
    let user = world.user(Role::Salesperson, &["east"]);
    let mut phone = world.phone(user);
    phone.set(NOW, customer(101), "trade_name", "惠民");
    world.sync(&mut phone, NOW);
    phone.set(NOW, customer(101), "trade_name", "惠民超市");
    world.accounts.revoke_device(NOW, &Who::shell(), phone.device).unwrap();
    let answer = world.answer(&phone, NOW);
    assert!(matches!(&answer.verdicts.first().unwrap().outcome, Outcome::Quarantined { code, .. } if code == "revoked"));
    assert!(answer.items.is_empty());
    let request = phone.replica.request(NOW, None).unwrap();
    assert!(phone.replica.take_answer(&answer, NOW).unwrap().wiped, "everything has arrived: it wipes itself");
    // An app that does not know the order has nothing left to hand in.
    let older = Request { pushed: Vec::new(), besides: None, ..request };
    let (gone, _) = world.exchange.answer(NOW, &world.caller(&phone), &older).unwrap();
    assert!(matches!(gone, Answered::Gone));
    assert_eq!(world.feed.quarantine(10).unwrap().len(), 1, "nothing is lost");
}

#[test]
fn a_clock_three_days_ahead_is_set_right_for_everyone() {
    let world = world();
    let (fast, right) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Salesperson, &["east"]));
    let (mut fast, mut right) = (world.phone(fast), world.phone(right));
    fast.drift_ms = 3 * DAY;
    let c1 = customer(101);
    right.set(NOW, c1, "trade_name", "惠民");
    world.sync(&mut right, NOW);
    // The fast phone has never been in contact: its note does not know better.
    let stamp = fast.stamp(NOW.plus(1_000));
    fast.replica.save(&stamp, Lane::Normal, &Target::customer(customer(102)), &[assert("trade_name", "新店")]).unwrap();
    world.sync(&mut fast, NOW.plus(2_000));
    world.sync(&mut right, NOW.plus(3_000));
    let written = |phone: &Phone| {
        let card = phone.replica.card(customer(102)).unwrap().unwrap();
        card.facts.get("trade_name").unwrap().rivals.first().unwrap().written
    };
    let seen = written(&right);
    assert_eq!(seen.claimed, NOW.plus(3 * DAY + 1_000));
    assert!(seen.at.since(NOW).abs() < 5_000, "{seen:?}");
    assert_eq!(written(&fast).at, seen.at);
}

#[test]
fn what_is_moved_is_forgotten_here_and_comes_there() {
    let world = world();
    let (east, west) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Salesperson, &["west"]));
    let (mut east, mut west) = (world.phone(east), world.phone(west));
    let c1 = customer(101);
    east.set(NOW, c1, "trade_name", "惠民");
    let visit = east.event(NOW, "visit", c1, &[assert("feedback", "好")]);
    world.sync(&mut east, NOW);
    world.sync(&mut west, NOW);
    let work = vec![(Target::office(c1), vec![assert("territory", "west"), assert("owner", &west.user.to_string())])];
    world.headquarters.commit(west.user, NOW, &work).unwrap();
    world.sync(&mut east, NOW);
    world.sync(&mut west, NOW);
    assert!(!east.holds(c1.customer()) && !east.holds(c1.office()));
    assert!(east.holds(visit), "a report stays with its author");
    assert!(west.holds(c1.customer()) && west.holds(visit));
    assert_eq!(west.replica.card(c1).unwrap().unwrap().text("territory"), Some("west"));
}

#[test]
fn a_feed_with_another_life_is_handed_in_again() {
    let world = world();
    let user = world.user(Role::Salesperson, &["east"]);
    let mut phone = world.phone(user);
    phone.set(NOW, customer(101), "trade_name", "惠民");
    world.sync(&mut phone, NOW);
    world.feed.renew_epoch().unwrap();
    world.other_life.set(true);
    let answer = world.answer(&phone, NOW);
    assert!(answer.restart && answer.more);
    phone.replica.take_answer(&answer, NOW).unwrap();
    world.sync(&mut phone, NOW);
    assert_eq!(phone.name(customer(101)).as_deref(), Some("惠民"));
}

#[test]
fn a_phone_that_holds_something_else_starts_again_and_not_for_ever() {
    let world = world();
    let user = world.user(Role::Salesperson, &["east"]);
    let mut phone = world.phone(user);
    phone.set(NOW, customer(101), "trade_name", "惠民");
    world.sync(&mut phone, NOW);
    let mut request = phone.replica.request(NOW, None).unwrap();
    request.digest = request.digest.map(|digest| digest ^ 1);
    let ask = |now| match world.exchange.answer(now, &world.caller(&phone), &request).unwrap().0 {
        Answered::Answer(parts) => parts.list().iter().any(|answer| answer.compare.is_some()),
        Answered::Gone => panic!("gone"),
    };
    let asked: Vec<bool> = (0..=REPAIRS_MAX).map(|_| ask(NOW)).collect();
    assert_eq!(asked.iter().filter(|told| **told).count(), 3, "{asked:?}");
    assert!(!asked.last().unwrap() && ask(NOW.plus(REPAIR_EVERY_MS)));
}

#[test]
fn others_words_are_not_taken_from_a_device() {
    let world = world();
    let (a, b) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Salesperson, &["east"]));
    let (mut a, b) = (world.phone(a), world.phone(b));
    a.set(NOW, customer(101), "trade_name", "惠民");
    let mut stolen = a.replica.request(NOW, None).unwrap();
    stolen.device = b.device;
    let (answered, _) = world.exchange.answer(NOW, &world.caller(&b), &stolen).unwrap();
    let Answered::Answer(parts) = answered else { panic!("gone") };
    let answer = parts.list().first().unwrap();
    assert!(matches!(&answer.verdicts.first().unwrap().outcome, Outcome::Quarantined { code, .. } if code == "foreign_author"));
    let own = a.replica.request(NOW, None).unwrap();
    let foreign = world.exchange.answer(NOW, &world.caller(&b), &own);
    assert!(matches!(foreign, Err(ExchangeError::ForeignDevice)));
    // Twice in one request, for another customer, and under a foreign id: none of them gets in, none stops the other.
    let mut odd = a.replica.request(NOW, None).unwrap();
    let pushed = odd.pushed.first().unwrap().clone();
    odd.pushed.push(pushed.clone());
    let other = customer(102);
    odd.pushed.push(roadbook_core::exchange::Pushed { doc: other.customer(), subject: other, ..pushed.clone() });
    odd.pushed.push(roadbook_core::exchange::Pushed { doc: DocId::from_bytes([9; 16]), ..pushed.clone() });
    odd.pushed.push(roadbook_core::exchange::Pushed { doc: DocId::from_bytes([8; 16]), kind: "novel".to_owned(), ..pushed });
    let (answered, _) = world.exchange.answer(NOW, &world.caller(&a), &odd).unwrap();
    let Answered::Answer(parts) = answered else { panic!("gone") };
    let answer = parts.list().first().unwrap();
    let kinds: BTreeSet<String> = answer.verdicts.iter().map(|verdict| format!("{:?}", verdict.outcome)).collect();
    assert_eq!(answer.verdicts.len(), 5);
    assert!(kinds.iter().any(|text| text == "Accepted") && kinds.iter().any(|text| text.contains("foreign_actor")));
    assert!(kinds.iter().any(|text| text.contains("wrong_document")) && kinds.iter().any(|text| text.contains("unknown_kind")));
}

#[test]
fn what_cannot_be_carried_out_holds_nobody_up() {
    let world = world();
    let (rep, boss) = (world.user(Role::Salesperson, &["east"]), world.user(Role::Manager, &["east"]));
    let (mut rep, mut boss) = (world.phone(rep), world.phone(boss));
    let c1 = customer(101);
    rep.set(NOW, c1, "trade_name", "惠民");
    let edits = [assert("what", "office_field"), assert("field", "no_such_field"), assert("value", "x")];
    let strange = rep.event(NOW, "proposal", c1, &edits);
    let edits = [assert("what", "office_field"), assert("field", "grade"), assert("value", "A")];
    let plain = rep.event(NOW, "proposal", c1, &edits);
    world.sync(&mut rep, NOW);
    world.sync(&mut boss, NOW);
    for doc in [strange, plain] {
        let proposal = boss.replica.proposal(doc).unwrap().unwrap();
        let (target, edits) = roadbook_core::replica::field::decide(&proposal, "accept", None);
        let stamp = boss.stamp(NOW);
        boss.replica.save(&stamp, Lane::Normal, &target, &edits).unwrap();
    }
    world.sync(&mut boss, NOW);
    world.sync(&mut rep, NOW);
    assert_eq!(rep.replica.card(c1).unwrap().unwrap().text("grade"), Some("A"));
    // A server that starts anew from its feed comes to the same.
    let again = Headquarters::in_memory(Arc::clone(&world.feed), world.accounts.clone(), 480, [78; 16], NOW).unwrap();
    assert_eq!(again.read(|hq| hq.card(c1).unwrap().unwrap().text("grade").map(str::to_owned)).as_deref(), Some("A"));
}

#[test]
fn what_is_in_the_feed_and_not_yet_taken_in_is_waited_for() {
    let world = world();
    let rep = world.user(Role::Salesperson, &["east"]);
    let mut phone = world.phone(rep);
    world.sync(&mut phone, NOW);
    let subject = SubjectId::from_bytes([9; 16]);
    for name in ["惠民超市", "惠民超市二店"] {
        // As somebody leaves it who has appended and is about to take in.
        let stamp = Stamp { author: rep, now: NOW, entropy: [name.len().try_into().unwrap(); 16] };
        let edit = Edit::Assert { field: "trade_name".to_owned(), value: name.into(), provenance: Provenance::default() };
        let made = world.headquarters.read(|replica| replica.prepare(&stamp, &Target::customer(subject), &[edit])).unwrap().unwrap();
        let identity = Gate::strict().identify(&made.change.bytes).unwrap();
        let (doc, hash, bytes) = (made.doc, made.change.hash, made.change.bytes);
        let batch = Batch {
            documents: vec![described(doc, made.kind, subject, None)],
            filings: vec![(subject, Filing { territory: Some(TerritoryId("east".to_owned())), owner: None })],
            entries: vec![NewEntry { doc, hash, deps: identity.deps, actor: identity.actor, author: rep, bytes }],
            ..Batch::default()
        };
        world.feed.append(&Hand { device: None, user: rep, now: NOW }, &batch).unwrap();
        // Another phone gets the whole document, the first one what is new in it.
        let mut fresh = world.phone(rep);
        for phone in [&mut fresh, &mut phone] {
            world.sync(phone, NOW);
            assert!(phone.replica.document(doc).unwrap().is_some_and(|held| held.document.holds(&hash)), "{name}");
        }
    }
}
