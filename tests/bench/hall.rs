//! A server in a process of its own, and phones that are enrolled without waiting in its line: for the benches in which the
//! server's memory and processor time are looked at. People, cards and devices are put into its folder before it starts.
#![allow(clippy::disallowed_methods, reason = "a slow line waits, and so does a phone that was told to come later")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use roadbook_core::crdt::Heads;
use roadbook_core::crdt::gate::Gate;
use roadbook_core::ids::{DeviceId, SubjectId, TerritoryId, UserId};
use roadbook_core::model::{Edit, Role, kinds};
use roadbook_core::replica::Target;
use roadbook_core::signing::SoftwareKey;
use roadbook_core::store::Lane;
use roadbook_server::accounts::{NewUser, Territory, Who};
use roadbook_server::app::App;
use roadbook_server::clock::{Clock, random};
use roadbook_server::config::Config;
use roadbook_server::exchange::profile;
use roadbook_server::feed::{Batch, Filing, Hand, NewEntry};
use roadbook_server::headquarters::described;
use roadbook_server::phone::{Phone, PhoneError, TransportError};

use super::corpus::{Dice, MadeCard, card, later_edits};
use super::proxy::Proxy;

/// Longest time for a server to begin.
const START: Duration = Duration::from_secs(60);
/// A phone that was told to come later comes after this long.
const AGAIN: Duration = Duration::from_secs(2);

/// Headquarters while it is furnished.
pub(crate) struct Hall {
    app: Arc<App>,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

/// The running server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Hall {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let config = Config { listen: address, ..Config::in_folder(folder.path().join("hq")) };
        Self { app: App::open(config, Clock::system()).unwrap(), folder, address }
    }

    pub(crate) fn rep(&self, login: &str, territory: &str) -> UserId {
        let now = self.app.now();
        let id = TerritoryId(territory.to_owned());
        self.app.accounts().set_territory(now, &Who::shell(), &Territory { id: id.clone(), parent: None, name: id.0.clone() }).unwrap();
        let new = NewUser {
            id: UserId::fresh(now, random().unwrap()),
            login: login.to_owned(),
            name: login.to_owned(),
            role: Role::Salesperson,
            password: None,
            territories: [id].into(),
        };
        self.app.accounts().add_user(now, &Who::shell(), &new).unwrap().id
    }

    /// Puts cards into the feed, as if their authors had handed them in.
    pub(crate) fn seed(&self, cards: &[MadeCard], territory: &str) {
        let gate = Gate::strict();
        let (now, author) = (self.app.now(), UserId::from_bytes([77; 16]));
        let genesis = kinds::ready("customer").unwrap().genesis.heads();
        let mut batch = Batch::default();
        for card in cards {
            let doc = card.subject.customer();
            batch.documents.push(described(doc, "customer", card.subject, None));
            batch.filings.push((card.subject, Filing { territory: Some(TerritoryId(territory.to_owned())), owner: None }));
            for change in card.document.changes_since(&Heads::new(genesis.hashes().to_vec())) {
                let identity = gate.identify(&change.bytes).unwrap();
                let (hash, bytes) = (change.hash, change.bytes);
                batch.entries.push(NewEntry { doc, hash, deps: identity.deps, actor: identity.actor, author, bytes });
            }
        }
        self.app.feed().append(&Hand { device: None, user: author, now }, &batch).unwrap();
        self.app.headquarters().hold().follow(now, std::collections::BTreeMap::new()).unwrap();
    }

    /// A phone in a folder below `place`, enrolled by the tables: a thousand of one address would have to wait in line.
    pub(crate) fn phone(&self, login: &str, place: &Path) -> PathBuf {
        let now = self.app.now();
        let user = self.app.accounts().user_by_login(login).unwrap().unwrap();
        let code = self.app.accounts().issue_code(now, &Who::shell(), user.id).unwrap();
        let secret: [u8; 32] = random().unwrap();
        let key = SoftwareKey::from_secret(&secret).unwrap();
        let device = DeviceId::fresh(now, random().unwrap());
        self.app.accounts().enroll_device(now, "", &code, device, &key.public().to_sec1(), login).unwrap().unwrap();
        let folder = place.join(login);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("device.key"), secret).unwrap();
        let state = serde_json::json!({ "server": format!("http://{}", self.address), "device": device, "user": user.id });
        std::fs::write(folder.join("phone.json"), state.to_string()).unwrap();
        let told = profile::of(self.app.accounts(), self.app.config().offset_minutes, &user).unwrap();
        open(&folder).replica_mut().enrolled(device, &told).unwrap();
        folder
    }

    /// So many phones, each of a person with a territory and cards of their own: their folders, and what their cards are about.
    pub(crate) fn phones(&self, count: usize, cards_each: usize, place: &Path, dice: &mut Dice) -> Vec<(PathBuf, Vec<SubjectId>)> {
        let mut phones = Vec::new();
        for n in 0..count {
            let (login, territory) = (format!("rep{n}"), format!("t{n}"));
            let rep = self.rep(&login, &territory);
            let cards: Vec<MadeCard> = (0..cards_each).map(|_| card(dice, &[rep; 3])).collect();
            self.seed(&cards, &territory);
            phones.push((self.phone(&login, place), cards.iter().map(|card| card.subject).collect()));
        }
        phones
    }

    /// Starts the server's binary on the folder. It lies beside the bench: build it with the bench profile first.
    pub(crate) fn serve(self) -> Running {
        let Self { app, folder, address } = self;
        drop(app);
        let bench = std::env::current_exe().unwrap();
        let binary = bench.parent().and_then(Path::parent).unwrap().join("roadbook-server");
        assert!(binary.exists(), "{} is missing: cargo build --profile bench -p roadbook-server", binary.display());
        let child = Command::new(binary)
            .args(["serve", "--listen", &address.to_string(), "--data"])
            .arg(folder.path().join("hq"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < START, "the server does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        Running { address, child, _folder: folder }
    }
}

impl Running {
    /// Opens the phone of a folder, whose words to the server go through `line` from now on.
    pub(crate) fn behind(&self, line: &Proxy, folder: &Path) -> Phone {
        let file = folder.join("phone.json");
        let state = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, state.replace(&self.address.to_string(), &line.address().to_string())).unwrap();
        open(folder)
    }

    /// Most memory that the server ever held, in MB.
    pub(crate) fn memory_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1_024
    }

    /// Processor time that the server has used.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .filter_map(|field| field.parse::<i64>().ok().map(|ticks| ticks.max(0).unsigned_abs()))
            .collect();
        // State is no number: user and system ticks (10 ms each) are then the 11th and 12th.
        Duration::from_millis(fields.iter().skip(10).take(2).sum::<u64>() * 10)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Opens the phone of a folder.
pub(crate) fn open(folder: &Path) -> Phone {
    Phone::open(folder, Clock::system()).unwrap()
}

/// One working day on a phone: so many visits, so many edited cards.
pub(crate) fn a_day(phone: &mut Phone, subjects: &[SubjectId], visits: usize, edits: usize, dice: &mut Dice) {
    for subject in subjects.iter().cycle().take(visits) {
        let stamp = phone.stamp().unwrap();
        let mut draft = phone.replica_mut().check_in(&stamp, *subject, None, None).unwrap();
        draft.fields.insert("outcome".to_owned(), "order".into());
        draft.fields.insert("type".to_owned(), "routine".into());
        draft.fields.insert("feedback".to_owned(), "老板要求月底前补货,冷柜灯管坏了一根,需要报修。".into());
        let stamp = phone.stamp().unwrap();
        phone.replica_mut().check_out(&stamp, &draft, None).unwrap();
    }
    for subject in subjects.iter().take(edits) {
        let stamp = phone.stamp().unwrap();
        let edits: Vec<Edit> = later_edits(dice);
        phone.replica_mut().save(&stamp, Lane::Normal, &Target::customer(*subject), &edits).unwrap();
    }
}

/// Syncs until it is done, coming again where the server asks for that; how often it was asked to.
pub(crate) fn sync_patiently(phone: &mut Phone) -> usize {
    for asked in 0.. {
        match phone.sync() {
            Ok(turns) => {
                assert_eq!(turns.iter().map(|turn| turn.quarantined.len()).sum::<usize>(), 0, "something was set aside");
                return asked;
            }
            Err(PhoneError::Transport(TransportError::Refused { status: 429 | 503, .. } | TransportError::Unreachable(_))) => {
                std::thread::sleep(AGAIN);
            }
            Err(error) => panic!("refused for good: {error}"),
        }
    }
    unreachable!("a day is shorter than that")
}
