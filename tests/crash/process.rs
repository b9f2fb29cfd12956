//! The real binary as processes of its own: a server that can be killed and started again at its address, phones that do one thing
//! and end, and the folder that the server left.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, TerritoryId, UserId};
use roadbook_core::model::Role;
use roadbook_server::accounts::{Accounts, NewUser, Territory, Who};
use roadbook_server::clock::Clock;
use roadbook_server::database::{Database, Durability};
use roadbook_server::feed::{Feed as _, SqliteFeed};
use roadbook_server::phone::Phone;
use roadbook_server::storage::{SERVER_FILE, SERVER_MIGRATIONS};

const NOW: Ms = Ms(1_772_400_000_000);

/// The binary, built as it stands; `ROADBOOK_SERVER` names one that was built already.
pub(crate) fn binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(built) = std::env::var_os("ROADBOOK_SERVER") {
            return PathBuf::from(built);
        }
        let here = std::env::current_exe().unwrap();
        let folder = here.ancestors().nth(2).unwrap();
        // Beside an unoptimised suite cargo brings it up to date; otherwise it was built with the suite.
        if folder.ends_with("debug") {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let target = folder.parent().unwrap();
            let built = Command::new(cargo)
                .args(["build", "--quiet", "--locked", "-p", "roadbook-server", "--bin", "roadbook-server", "--target-dir"])
                .arg(target)
                .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
                .status();
            assert!(built.unwrap().success(), "roadbook-server does not build");
        }
        folder.join("roadbook-server")
    })
}

/// A server's process, over a folder that outlives it.
pub(crate) struct Server {
    data: PathBuf,
    /// Where it listens, once it has chosen.
    pub(super) address: String,
    listen: String,
    preload: Option<(PathBuf, PathBuf)>,
    process: Option<Child>,
}

impl Server {
    /// A folder with one territory, and for each device a person with a code. The server is not started.
    pub(crate) fn prepared(data: &Path, devices: usize) -> (Self, Vec<String>) {
        std::fs::create_dir_all(data).unwrap();
        let accounts = Accounts::new(Arc::new(Database::open(&data.join(SERVER_FILE), Durability::Full, SERVER_MIGRATIONS).unwrap()));
        let east = TerritoryId("east".to_owned());
        let territory = Territory { id: east.clone(), parent: None, name: "东区".to_owned() };
        accounts.set_territory(NOW, &Who::shell(), &territory).unwrap();
        let clock = Clock::system();
        let codes = (0..devices).map(|n| {
            let id = UserId::derived(&format!("crash/{n}"));
            let new = NewUser {
                id,
                login: format!("u{n}"),
                name: format!("U{n}"),
                role: Role::Salesperson,
                password: None,
                territories: [east.clone()].into(),
            };
            accounts.add_user(NOW, &Who::shell(), &new).unwrap();
            accounts.issue_code(clock.now(), &Who::shell(), id).unwrap().to_string()
        });
        let codes = codes.collect();
        let server = Self { data: data.to_owned(), address: String::new(), listen: "127.0.0.1:0".to_owned(), preload: None, process: None };
        (server, codes)
    }

    /// What is preloaded into it, and the file that this writes.
    pub(super) fn preload(&mut self, library: &Path, log: &Path) {
        self.preload = Some((library.to_owned(), log.to_owned()));
    }

    /// Starts it and waits until it listens. `Err`: what it said instead.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        let mut command = Command::new(binary());
        command.args(["serve", "--listen", &self.listen, "--data"]).arg(&self.data);
        if let Some((library, log)) = &self.preload {
            command.env("LD_PRELOAD", library).env("CRASH_LOG", log).env("CRASH_BELOW", &self.data);
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("serving ").and_then(|line| line.rsplit_once("http://")) {
                address.1.clone_into(&mut self.listen);
                self.address = format!("http://{}", address.1);
                // Its log is read on, so that it never waits for us.
                let errors = process.stderr.take().unwrap();
                std::thread::spawn(move || BufReader::new(errors).lines().map_while(Result::ok).for_each(drop));
                self.process = Some(process);
                return Ok(());
            }
            said.push_str(&line);
        }
        let ended = process.wait_with_output().unwrap();
        Err(format!("the server did not start: {said} {}", String::from_utf8_lossy(&ended.stderr)))
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Of these changes, those that the folder of a server that is not running does not hold.
    pub(super) fn lacks(&self, changes: &[(DocId, ChangeHash)]) -> Vec<ChangeHash> {
        let feed = SqliteFeed::open(Arc::new(Database::open(&self.data.join(SERVER_FILE), Durability::Full, SERVER_MIGRATIONS).unwrap()));
        let feed = feed.unwrap();
        let aside: Vec<ChangeHash> = feed.quarantine(1_000).unwrap().into_iter().map(|row| row.refused.hash).collect();
        let lacks = changes.iter().filter(|(doc, hash)| feed.known(*doc, &[*hash]).unwrap().is_empty() && !aside.contains(hash));
        lacks.map(|(_, hash)| *hash).collect()
    }

    /// Whether its file is sound.
    pub(super) fn is_sound(&self) -> bool {
        let database = Database::open(&self.data.join(SERVER_FILE), Durability::Full, SERVER_MIGRATIONS).unwrap();
        let said: Result<String, rusqlite::Error> = database.read(|tx| tx.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)));
        said.unwrap() == "ok"
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Enrols a phone in a folder.
pub(super) fn enrolled(folder: &Path, server: &Server, code: &str) -> Phone {
    Phone::enroll(folder, &server.address, code, "crash", Clock::system()).unwrap()
}

/// A phone's process that does one thing.
pub(super) fn phone(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(binary());
    command.args(["phone", "--folder"]).arg(folder).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Every change that a phone wrote and headquarters took, or put aside with a reason.
pub(super) fn settled(phone: &Phone) -> Vec<(DocId, ChangeHash)> {
    use roadbook_core::store::OwnStanding::{Accepted, Quarantined};
    let own = |standing| phone.replica().store().read(|read| read.own_changes(standing, 0, 100_000)).unwrap();
    own(Accepted).into_iter().chain(own(Quarantined)).map(|own| (own.doc, own.hash)).collect()
}

/// The device of a phone, for messages.
pub(super) fn named(phone: &Phone) -> DeviceId {
    phone.device()
}
