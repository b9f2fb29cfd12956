//! The world of the tests: phones, headquarters and a network, all in one thread, every draw from one seed. Nothing in here
//! knows what a test expects; `laws` says what must always hold.
//!
//! * [`cast`] – the people, devices and customers of the scenarios.
//! * [`phone`] – a replica with a clock of its own · [`hand`] – what its user does with it.
//! * [`office`] – headquarters, by the real server library · [`kept`] – its replica's file, where that is kept.
//! * [`disk`] – a disk under SQLite that can lose power at any write · [`platter`] – what of it survives.
//! * [`furnished`] – what random worlds begin with · [`size`] – how large a random world is · [`weather`] – what goes wrong, and how often · [`hostile`] – a device in an enemy's hand · [`mishap`] – what may fail.
//! * [`network`] – loses, repeats, delays, reorders and cuts what travels.
//! * [`link`] – how long bytes take on a slow and bad line.
//! * [`edits`] – random work of every merge type · [`chance`] – the draws · [`shrink`] – makes a failing history small.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

pub(crate) mod cast;
pub(crate) mod chance;
pub(crate) mod disk;
pub(crate) mod edits;
pub(crate) mod furnished;
pub(crate) mod hand;
pub(crate) mod hostile;
pub(crate) mod kept;
pub(crate) mod link;
pub(crate) mod mishap;
pub(crate) mod network;
pub(crate) mod office;
pub(crate) mod phone;
pub(crate) mod platter;
pub(crate) mod shrink;
pub(crate) mod size;
pub(crate) mod weather;

use std::collections::BTreeMap;
use std::path::Path;

use roadbook_core::blobs::exchange::{BlobStep, BlobsDone, Link};
use roadbook_core::exchange::Request;
use roadbook_core::exchange::knock::is_knock;
use roadbook_core::ids::{BlobHash, DeviceId, DocId, Ms, SubjectId, UserId};
use roadbook_core::model::card::Card;
use roadbook_core::model::{Edit, Provenance, Source, Value, kinds};
use roadbook_core::replica::field::Work;
use roadbook_core::replica::{ReplicaError, Target};
use roadbook_core::sync::Synced;
use roadbook_server::exchange::Portions;

use cast::{EAST, MONDAY, SHOPS, WEST};
use chance::Chance;
use disk::Disk;
use hand::Hand;
use office::{Office, Place, Unanswered, office_fact};
use phone::{Home, Phone};

/// Rounds after which a device that still wants to go on is stuck.
pub(crate) const ROUNDS_MAX: usize = 20;

/// An exchange as it went: to be delivered again.
pub(crate) struct Exchanged {
    pub(crate) phone: String,
    pub(crate) device: DeviceId,
    /// In which life of headquarters: it has a new one after each backup that is put back.
    pub(crate) life: u64,
    pub(crate) request: Vec<u8>,
    pub(crate) answer: Vec<u8>,
}

/// A text of a private document that stands nowhere else.
pub(crate) struct Secret {
    pub(crate) doc: DocId,
    /// The phone that it was written on; `None`: at headquarters.
    pub(crate) by: Option<String>,
    pub(crate) text: String,
}

/// Phones, headquarters, and the true time.
pub(crate) struct World {
    /// The true time.
    pub(crate) now: Ms,
    pub(crate) office: Office,
    pub(crate) phones: BTreeMap<String, Phone>,
    /// Everything that was ever exchanged.
    pub(crate) exchanged: Vec<Exchanged>,
    /// What was written into what few may know.
    pub(crate) secrets: Vec<Secret>,
    /// Every photo that was ever taken, with its thumbnails.
    pub(crate) pictures: BTreeMap<BlobHash, Vec<u8>>,
    pub(crate) chance: Chance,
    /// Changes that a phone hands in at once, if that is bounded further than by the product.
    handed_in_at_once: Option<usize>,
    folder: tempfile::TempDir,
}

/// A folder that goes with the test; in memory where the system offers that.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Monday, 08:00.
fn opening_time() -> Ms {
    MONDAY.plus(8 * 3_600_000)
}

impl World {
    /// Headquarters with its people, and nothing else. The server's file is on disk, or on what passes for one.
    pub(crate) fn new(seed: u64) -> Self {
        let folder = folder();
        let (chance, now) = (Chance::new(seed), opening_time());
        let office = Office::new(Place::Folder(folder.path().to_owned()), chance.branch("office"), now);
        Self { folder, ..Self::around(office, chance.branch("world"), now) }
    }

    /// As [`Self::new`], with the server on a simulated disk.
    pub(crate) fn on_disk(seed: u64, disk: Disk) -> Self {
        let (chance, now) = (Chance::new(seed), opening_time());
        let office = Office::new(Place::Disk(disk), chance.branch("office"), now);
        Self::around(office, chance.branch("world"), now)
    }

    /// Headquarters and no phones.
    fn around(office: Office, chance: Chance, now: Ms) -> Self {
        Self {
            now,
            office,
            phones: BTreeMap::new(),
            exchanged: Vec::new(),
            secrets: Vec::new(),
            pictures: BTreeMap::new(),
            chance,
            handed_in_at_once: None,
            folder: folder(),
        }
    }

    /// Monday 2026-03-02, 08:00: the customers are there, everyone is synced. C1 惠民超市 to C9 are in 城东 and belong to 王芳, but
    /// for C2, which is 李强's; customer 101 is in 城西.
    pub(crate) fn monday(devices: &[&str]) -> Self {
        let mut world = Self::new(20_260_302);
        world.now = MONDAY.plus(7 * 3_600_000);
        world.open_some_shops(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 101]);
        for device in devices {
            world.enrol(device, false);
        }
        world.now = MONDAY.plus(8 * 3_600_000);
        for device in devices {
            world.sync(device);
        }
        world
    }

    /// Makes some customers of the cast.
    pub(crate) fn open_some_shops(&mut self, numbers: &[u8]) {
        for n in numbers {
            let (territory, owner) = match n {
                101 => (WEST, "xw"),
                2 => (EAST, "lq"),
                _ => (EAST, "wf"),
            };
            self.open_shop(*n, territory, owner);
        }
    }

    /// Makes a customer.
    pub(crate) fn open_shop(&mut self, n: u8, territory: &str, owner: &str) {
        let name = SHOPS.get(usize::from(n) - 1).copied().unwrap_or("城西百货");
        let work = new_customer(cast::customer(n), name, territory, cast::user(owner), n);
        self.office.commit(cast::user("ad"), self.now, &work);
    }

    /// Enrols a device of the cast, with a file when it is to outlive its process.
    pub(crate) fn enrol(&mut self, name: &str, on_disk: bool) {
        let home = if on_disk { Phone::in_folder(self.folder.path(), name) } else { Home::Memory };
        self.enrol_at(name, cast::device(name), home);
    }

    /// Enrols a device under a name of the cast, wherever its file is.
    pub(crate) fn enrol_at(&mut self, name: &str, device: DeviceId, home: Home) {
        let user = cast::owner(name);
        let profile = self.office.enrol(user, device, name, self.now);
        let phone = Phone::new(name, user, device, &profile, home, self.chance.branch(&device.to_string()));
        self.phones.insert(name.to_owned(), phone);
    }

    /// Where the files of headquarters and of phones are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file of a phone that has one.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{name}.sqlite"))
    }

    /// The true time becomes this time of Monday, `10:05`.
    pub(crate) fn at(&mut self, time: &str) -> &mut Self {
        self.on_day(0, time)
    }

    /// The true time becomes this time, so many days after Monday.
    pub(crate) fn on_day(&mut self, days: i64, time: &str) -> &mut Self {
        let (hours, minutes) = time.split_once(':').unwrap();
        let minutes = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
        self.now = MONDAY.plus(days * Ms::DAY + minutes * 60_000);
        self
    }

    /// Time passes.
    pub(crate) fn pass_ms(&mut self, ms: i64) -> &mut Self {
        self.now = self.now.plus(ms);
        self
    }

    /// A phone.
    pub(crate) fn phone(&self, name: &str) -> &Phone {
        &self.phones[name]
    }

    /// A phone in somebody's hand, now.
    pub(crate) fn on(&mut self, name: &str) -> Hand<'_> {
        Hand { phone: self.phones.get_mut(name).unwrap(), now: self.now }
    }

    /// Somebody at headquarters commits work, online.
    pub(crate) fn desk(&mut self, login: &str, work: Work) {
        self.office.commit(cast::user(login), self.now, &work);
    }

    /// A customer goes to another territory and owner.
    pub(crate) fn refile(&mut self, customer: SubjectId, territory: &str, owner: &str) {
        let work = vec![office_fact("territory", territory), office_fact("owner", cast::user(owner).to_string())];
        self.desk("cg", vec![(Target::office(customer), work)]);
    }

    /// Whether a phone shows a customer.
    pub(crate) fn holds(&self, phone: &str, customer: SubjectId) -> bool {
        self.phone(phone).replica().card(customer).unwrap().is_some()
    }

    /// What a phone hands to another one when they meet, signed with its key; `None` when it has nothing that the other may hold.
    pub(crate) fn handed_over(&self, from: &str, to: &str) -> Option<Vec<u8>> {
        let from = &self.phones[from];
        let meeting = self.phones[to].replica().meeting().unwrap();
        let batch = from.replica().carry_out(&meeting, from.clock(self.now)).unwrap()?;
        let signature = cast::key(from.device).sign(&batch.text);
        Some(batch.signed(signature))
    }

    /// One round of an exchange without mishap; a phone at rest knocks, as those of apps do. A device that may hold nothing any more is only told so.
    pub(crate) fn exchange(&mut self, name: &str) -> Synced {
        let phone = self.phones.get_mut(name).unwrap();
        let mut synced = phone.take_in_what_came().unwrap();
        let (replica, clock) = (phone.replica(), phone.clock(self.now));
        let request = match replica.sync_frame(clock, Some("world")) {
            Ok(request) => request,
            // It was wiped.
            Err(ReplicaError::NotEnrolled) if phone.on_simulated_disk() => return Synced { more: false, ..synced },
            Err(why) => panic!("{name} cannot ask: {why}"),
        };
        let request = self.portion_of(request);
        let phone = self.phones.get_mut(name).unwrap();
        let answer = match self.office.answer(phone.device, &request, self.now) {
            Ok(answer) => answer,
            Err(Unanswered::Gone) => return Synced { more: false, ..synced },
            Err(why) => panic!("{name} gets no answer: {why}"),
        };
        synced.add(phone.take_answer(&answer, self.now).unwrap());
        if is_knock(&request) || synced.wiped {
            return synced;
        }
        let life = self.office.life();
        self.exchanged.push(Exchanged { phone: name.to_owned(), device: phone.device, life, request, answer });
        synced
    }

    /// From now on answers come in such portions, and so many changes are handed in at once.
    pub(crate) fn take_small_portions(&mut self, portions: Portions, handed_in_at_once: usize) {
        self.office.answer_in(portions, self.now);
        self.handed_in_at_once = Some(handed_in_at_once);
    }

    /// The part of a request that is handed in at once; the rest comes with the next.
    pub(crate) fn portion_of(&self, frame: Vec<u8>) -> Vec<u8> {
        let Some(mut left) = self.handed_in_at_once.filter(|_| !is_knock(&frame)) else { return frame };
        let mut request = Request::decode(&frame).unwrap();
        for pushed in &mut request.pushed {
            pushed.changes.truncate(left);
            left -= pushed.changes.len();
        }
        request.pushed.retain(|pushed| !pushed.changes.is_empty());
        request.encode().unwrap()
    }

    /// The next step of a phone's photos, carried out; `None` when there is nothing to send.
    pub(crate) fn photo_step(&mut self, name: &str, link: Link) -> Option<BlobsDone> {
        let phone = self.phones.get_mut(name).unwrap();
        let now = phone.clock(self.now);
        let BlobStep::Send(frame) = phone.replica_mut().blob_step(now, link).unwrap() else { return None };
        let answer = match self.office.answer_blobs(phone.device, &frame, self.now) {
            Ok(answer) => answer,
            Err(Unanswered::Gone) => return None,
            Err(why) => panic!("{name} gets no answer about photos: {why}"),
        };
        Some(phone.replica_mut().take_blob_answer(&answer, now).unwrap())
    }

    /// Exchanges until nothing more waits on either side; returns what all rounds together did.
    pub(crate) fn sync(&mut self, name: &str) -> Synced {
        let mut all = Synced::default();
        // In small portions one turn becomes many.
        let rounds = self.handed_in_at_once.map_or(ROUNDS_MAX, |_| 10 * ROUNDS_MAX);
        for _ in 0..rounds {
            let round = self.exchange(name);
            let more = round.more;
            all.add(round);
            if !more {
                return all;
            }
        }
        let waiting = self.phone(name).replica().outbox_size().unwrap();
        let last = self.exchanged.last().map(|last| roadbook_core::exchange::Answer::decode(&last.answer).unwrap().verdicts);
        panic!("{name} is not at rest after {rounds} rounds: {waiting:?}, last {last:?}");
    }

    /// Every phone syncs until a whole turn brings nothing new to anybody.
    pub(crate) fn settle(&mut self) {
        let mut last = Vec::new();
        for _ in 0..ROUNDS_MAX {
            self.office.rest(self.now);
            let before = self.office.head();
            last.clear();
            let names: Vec<String> = self.phones.keys().cloned().collect();
            let mut moved = false;
            for name in &names {
                let synced = self.sync(name);
                let handed_in = synced.accepted > 0 || synced.handed_on > 0 || !synced.quarantined.is_empty();
                let busy = handed_in || synced.documents > 0 || synced.forgotten > 0;
                moved |= busy;
                last.extend(busy.then_some((name.clone(), synced)));
            }
            if !moved && self.office.head() == before {
                return;
            }
            // Headquarters repairs a device that differs at most once in ten minutes.
            self.pass_ms(11 * 60_000);
        }
        let last: Vec<String> =
            last.iter().map(|(name, one)| format!("{name}: restarted {}, accepted {}", one.restarted, one.accepted)).collect();
        panic!("the world is not at rest after {ROUNDS_MAX} turns, in the last of which {last:?}");
    }

    /// The card as a phone shows it.
    pub(crate) fn card(&self, phone: &str, customer: SubjectId) -> Card {
        self.phone(phone).replica().card(customer).unwrap().unwrap()
    }

    /// The card as headquarters shows it.
    pub(crate) fn office_card(&self, customer: SubjectId) -> Card {
        self.office.read(|replica| replica.card(customer)).unwrap().unwrap()
    }

    /// The card on every phone that holds it and at headquarters, each with whose it is.
    pub(crate) fn cards(&self, customer: SubjectId) -> Vec<(String, Card)> {
        let mut cards = vec![("headquarters".to_owned(), self.office_card(customer))];
        for (name, phone) in &self.phones {
            cards.extend(phone.replica().card(customer).unwrap().map(|card| (name.clone(), card)));
        }
        cards
    }
}

/// A customer as an import makes it: both sides of the card.
pub(crate) fn new_customer(customer: SubjectId, name: &str, territory: &str, owner: UserId, n: u8) -> Work {
    let shop = [
        ("kind", Value::from("shop")),
        ("text", format!("人民路{n}号").into()),
        ("geo", Value::map([("lat", Value::Int(312_000_000 + i64::from(n) * 10_000)), ("lon", Value::Int(1_206_000_000))])),
    ];
    let imported = Provenance::of(Source::Import);
    let field_side = vec![
        Edit::Assert { field: "trade_name".to_owned(), value: name.into(), provenance: imported.clone() },
        Edit::Entry {
            list: "addresses".to_owned(),
            entry: address(customer),
            fields: shop.map(|(field, value)| (field.to_owned(), value)).into(),
            provenance: imported,
        },
    ];
    let office_side = vec![
        office_fact("lifecycle", "active"),
        office_fact("grade", "B"),
        office_fact("territory", territory),
        office_fact("owner", owner.to_string()),
    ];
    vec![(Target::customer(customer), field_side), (Target::office(customer), office_side)]
}

/// The one address that a customer of the cast has.
pub(crate) fn address(customer: SubjectId) -> roadbook_core::ids::EntryId {
    roadbook_core::ids::EntryId::derived(&format!("{customer}/address"))
}

/// Every document of a kind that a phone or headquarters holds about a customer.
pub(crate) fn about(replica: &roadbook_core::replica::Replica, customer: SubjectId, kind: &str) -> Vec<DocId> {
    let held = replica.store().read(|read| read.holdings_of(customer)).unwrap();
    held.into_iter().filter(|holding| holding.kind == kind).map(|holding| holding.doc).collect()
}

/// What each replica's rows say, as a print, by whose they are.
pub(crate) type Prints = BTreeMap<String, [u8; 32]>;

/// Tells a story once for each order in which some of the devices may sync afterwards. Whatever the order, the ending must come
/// true, every law must hold, and all that is shown must be the same.
pub(crate) fn in_every_order(devices: &[&str], syncing: &[&str], story: impl Fn(&mut World), ending: impl Fn(&mut World)) {
    let mut shown: Option<(Vec<String>, Prints)> = None;
    for order in orders(syncing) {
        let mut world = World::monday(devices);
        story(&mut world);
        for name in &order {
            world.sync(name);
        }
        ending(&mut world);
        world.settle();
        crate::laws::hold(&mut world);
        let prints = world.prints();
        match &shown {
            None => shown = Some((order, prints)),
            Some((first, expected)) => assert_eq!(expected, &prints, "the order {order:?} shows something else than {first:?}"),
        }
    }
}

impl World {
    /// What every replica's rows say, as one print each.
    pub(crate) fn prints(&self) -> Prints {
        let print = |replica: &roadbook_core::replica::Replica| replica.store().read(|read| read.rows_print()).unwrap();
        let mut prints: BTreeMap<String, [u8; 32]> =
            self.phones.iter().map(|(name, phone)| (name.clone(), print(phone.replica()))).collect();
        prints.insert("headquarters".to_owned(), self.office.read(print));
        prints
    }
}

/// Every order of a few things.
pub(crate) fn orders(things: &[&str]) -> Vec<Vec<String>> {
    let Some((first, rest)) = things.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in orders(rest) {
        for at in 0..=order.len() {
            let mut with = order.clone();
            with.insert(at, (*first).to_owned());
            all.push(with);
        }
    }
    all
}

/// The kind of a document's id, for messages.
pub(crate) fn kind_of(id: &str) -> &'static str {
    kinds::kind(id).map_or("newer kind", |kind| kind.id)
}
