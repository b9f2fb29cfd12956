//! A real server for the benches: a folder, a port, people, cards put straight into the feed.

use std::sync::Arc;

use roadbook_core::crdt::gate::Gate;
use roadbook_core::crdt::{Heads, RawChange};
use roadbook_core::exchange::Profile;
use roadbook_core::ids::{DocId, SubjectId, TerritoryId, UserId};
use roadbook_core::model::tour::PlannedStop;
use roadbook_core::model::{Edit, Role, kinds};
use roadbook_core::replica::field::{self, TourKey};
use roadbook_core::replica::{Stamp, Target};
use roadbook_server::accounts::{NewUser, Territory, Who};
use roadbook_server::app::App;
use roadbook_server::clock::{Clock, random};
use roadbook_server::config::{Config, Limits};
use roadbook_server::exchange::profile;
use roadbook_server::feed::{Batch, Filing, Hand, NewEntry};
use roadbook_server::headquarters::described;
use roadbook_server::http;
use roadbook_server::phone::Phone;

use super::corpus::MadeCard;
use super::proxy::Proxy;

/// As in the server's binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Cards appended by one batch.
const BATCH: usize = 250;

pub(crate) struct Office {
    pub(crate) app: Arc<App>,
    folder: tempfile::TempDir,
    editor: UserId,
    _runtime: tokio::runtime::Runtime,
}

impl Office {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let limits = Limits { device_requests_per_minute: 100_000, ..Limits::default() };
        let config = Config { listen: listener.local_addr().unwrap(), limits, ..Config::in_folder(folder.path().join("hq")) };
        let app = App::open(config, Clock::system()).unwrap();
        let router = http::router(&app);
        runtime.spawn(http::serve::serve(Arc::clone(&app), listener, router, std::future::pending()));
        let editor = UserId::from_bytes([77; 16]);
        Self { app, folder, editor, _runtime: runtime }
    }

    pub(crate) fn rep(&self, login: &str, territory: &str) -> UserId {
        let now = self.app.now();
        let territory = TerritoryId(territory.to_owned());
        let known = Territory { id: territory.clone(), parent: None, name: territory.0.clone() };
        self.app.accounts().set_territory(now, &Who::shell(), &known).unwrap();
        let new = NewUser {
            id: UserId::fresh(now, random().unwrap()),
            login: login.to_owned(),
            name: login.to_owned(),
            role: Role::Salesperson,
            password: None,
            territories: [territory].into(),
        };
        self.app.accounts().add_user(now, &Who::shell(), &new).unwrap().id
    }

    /// Puts cards with their history into the feed, as if their authors had handed them in.
    pub(crate) fn seed(&self, cards: &[MadeCard], territory: &str) {
        let gate = Gate::strict();
        let filing = Filing { territory: Some(TerritoryId(territory.to_owned())), owner: None };
        let now = self.app.now();
        for cards in cards.chunks(BATCH) {
            let mut batch = Batch::default();
            for card in cards {
                let (doc, changes) = changes_of(card);
                batch.documents.push(described(doc, "customer", card.subject, None));
                batch.filings.push((card.subject, filing.clone()));
                for change in changes {
                    let identity = gate.identify(&change.bytes).unwrap();
                    let (hash, bytes) = (change.hash, change.bytes);
                    batch.entries.push(NewEntry { doc, hash, deps: identity.deps, actor: identity.actor, author: self.editor, bytes });
                }
            }
            self.app.feed().append(&Hand { device: None, user: self.editor, now }, &batch).unwrap();
        }
        self.app.headquarters().hold().follow(now, std::collections::BTreeMap::new()).unwrap();
    }

    /// Edits a card at headquarters; returns the raw change.
    pub(crate) fn edit(&self, subject: SubjectId, edits: &[Edit]) -> Vec<u8> {
        let stamp = Stamp { author: self.editor, now: self.app.now(), entropy: random().unwrap() };
        let work = (Target::customer(subject), edits.to_vec());
        let prepared = self.app.headquarters().read(|replica| replica.prepare(&stamp, &work.0, &work.1)).unwrap().unwrap();
        self.app.commit(self.editor, &vec![work]).unwrap();
        prepared.change.bytes
    }

    /// Publishes somebody's tour, so many days from today.
    pub(crate) fn publish(&self, rep: UserId, days: u64, stops: &[SubjectId]) -> DocId {
        let stamp = Stamp { author: self.editor, now: self.app.now(), entropy: random().unwrap() };
        let day = stamp.now.day(self.app.config().offset_minutes).unwrap() + chrono::Days::new(days);
        let key = TourKey { route: "bench".to_owned(), day, rep };
        let planned: Vec<PlannedStop> =
            stops.iter().map(|stop| PlannedStop { stop: *stop, arrive_s: None, service_s: Some(900), note: None, urgent: false }).collect();
        self.app.commit(self.editor, &vec![field::publish(&stamp, &key, None, &planned, None, &[])]).unwrap();
        key.doc()
    }

    /// A document as headquarters holds it.
    pub(crate) fn snapshot(&self, doc: DocId) -> Vec<u8> {
        self.app.headquarters().read(|replica| replica.document(doc)).unwrap().unwrap().document.save()
    }

    /// What a phone of a person is told of them.
    pub(crate) fn profile(&self, login: &str) -> Profile {
        let user = self.app.accounts().user_by_login(login).unwrap().unwrap();
        profile::of(self.app.accounts(), self.app.config().offset_minutes, &user).unwrap()
    }

    /// Enrols a phone of a person, behind a proxy that counts its bytes.
    pub(crate) fn phone(&self, login: &str) -> (Phone, Proxy) {
        let user = self.app.accounts().user_by_login(login).unwrap().unwrap();
        let code = self.app.accounts().issue_code(self.app.now(), &Who::shell(), user.id).unwrap();
        let line = Proxy::before(self.app.config().listen);
        let url = format!("http://{}", line.address());
        let phone = Phone::enroll(&self.folder.path().join(login), &url, &code.to_string(), login, Clock::system()).unwrap();
        (phone, line)
    }
}

/// A card's document, and its changes after genesis.
fn changes_of(card: &MadeCard) -> (DocId, Vec<RawChange>) {
    let genesis = kinds::ready("customer").unwrap().genesis.heads();
    (card.subject.customer(), card.document.changes_since(&Heads::new(genesis.hashes().to_vec())))
}
