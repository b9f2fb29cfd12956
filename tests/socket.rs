//! A real server on a real socket, with people, signing devices and console sessions: what tests of the outside hold on to. Bytes
//! in, bytes out; what they should be is the tests' business.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use roadbook_core::crdt::gate::Gate;
use roadbook_core::crdt::{ChangeStamp, Document, DocumentError, RawChange, Writer};
use roadbook_core::exchange::{Answer, Pushed, Request};
use roadbook_core::ids::{ActorId, DeviceId, DocId, SubjectId, TerritoryId, UserId};
use roadbook_core::model::{Kind, Role, kinds};
use roadbook_core::replica::Replica;
use roadbook_core::signing::{SYNC_PATH, Signed, SoftwareKey};
use roadbook_server::accounts::{NewUser, Territory, Who};
use roadbook_server::app::App;
use roadbook_server::clock::{Clock, random};
use roadbook_server::config::{Config, Limits};
use roadbook_server::exchange::profile;
use roadbook_server::feed::{Batch, Filing, Hand, NewEntry};
use roadbook_server::headquarters::described;
use roadbook_server::http;

/// Longest answer that is read.
const REPLY_BYTES_MAX: u64 = 64 << 20;

/// See the file's first lines.
pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    address: SocketAddr,
    agent: ureq::Agent,
    _folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

/// An enrolled device with its key.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) user: UserId,
    key: SoftwareKey,
}

/// A document to be put into the feed.
pub(crate) struct Plant {
    pub(crate) kind: &'static Kind,
    pub(crate) doc: DocId,
    pub(crate) subject: SubjectId,
    /// Author of an event, representative of a tour.
    pub(crate) owner: Option<UserId>,
    /// Where its subject is filed by this, if it is.
    pub(crate) filing: Option<Filing>,
    pub(crate) document: Document,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Limits { device_requests_per_minute: 100_000, ..Limits::default() };
        let config = Config { listen: address, limits, ..Config::in_folder(folder.path().join("hq")) };
        let app = App::open(config, Clock::system()).unwrap();
        let router = http::router(&app);
        runtime.spawn(http::serve::serve(Arc::clone(&app), listener, router, std::future::pending()));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build();
        Self { app, address, agent: agent.into(), _folder: folder, _runtime: runtime }
    }

    pub(crate) fn territory(&self, id: &str, parent: Option<&str>) {
        let territory = Territory {
            id: TerritoryId(id.to_owned()),
            parent: parent.map(|parent| TerritoryId(parent.to_owned())),
            name: format!("区域 {id}"),
        };
        self.app.accounts().set_territory(self.app.now(), &Who::shell(), &territory).unwrap();
    }

    pub(crate) fn person(&self, id: UserId, login: &str, role: Role, territories: &[&str]) -> UserId {
        let new = NewUser {
            id,
            login: login.to_owned(),
            name: login.to_owned(),
            role,
            password: None,
            territories: territories.iter().map(|id| TerritoryId((*id).to_owned())).collect(),
        };
        self.app.accounts().add_user(self.app.now(), &Who::shell(), &new).unwrap().id
    }

    /// A device that nobody enrolled.
    pub(crate) fn stranger(user: UserId) -> Device {
        let key = SoftwareKey::from_secret(&random().unwrap()).unwrap();
        Device { id: DeviceId::from_bytes(random().unwrap()), user, key }
    }

    pub(crate) fn device(&self, user: UserId, name: &str) -> Device {
        let now = self.app.now();
        let key = SoftwareKey::from_secret(&random().unwrap()).unwrap();
        let code = self.app.accounts().issue_code(now, &Who::shell(), user).unwrap();
        let id = DeviceId::fresh(now, random().unwrap());
        self.app.accounts().enroll_device(now, "", &code, id, &key.public().to_sec1(), name).unwrap().unwrap();
        Device { id, user, key }
    }

    /// A cookie of the console.
    pub(crate) fn session(&self, user: UserId) -> String {
        format!("roadbook={}", self.app.accounts().begin_session(self.app.now(), user, "::1").unwrap().as_str())
    }

    /// Puts documents with their history into the feed as headquarters' own, their subjects filed so.
    pub(crate) fn plant(&self, plants: &[Plant]) {
        let gate = Gate::strict();
        let author = UserId::from_bytes([0x77; 16]);
        let mut batch = Batch::default();
        for Plant { kind, doc, subject, owner, filing, document } in plants {
            let known = kinds::ready(kind.id).unwrap().genesis.heads();
            batch.entries.extend(document.changes_since(&known).into_iter().map(|change| {
                let identity = gate.identify(&change.bytes).unwrap();
                let (hash, bytes) = (change.hash, change.bytes);
                NewEntry { doc: *doc, hash, deps: identity.deps, actor: identity.actor, author, bytes }
            }));
            batch.documents.push(described(*doc, kind.id, *subject, *owner));
            batch.filings.extend(filing.clone().map(|filing| (*subject, filing)));
        }
        self.append(&batch);
    }

    /// Appends as headquarters, and takes in.
    pub(crate) fn append(&self, batch: &Batch) {
        let now = self.app.now();
        self.app.feed().append(&Hand { device: None, user: UserId::from_bytes([0x77; 16]), now }, batch).unwrap();
        self.app.headquarters().hold().follow(now, std::collections::BTreeMap::new()).unwrap();
    }

    /// A document as headquarters holds it.
    pub(crate) fn document(&self, doc: DocId) -> Option<Document> {
        self.app.headquarters().read(|replica| replica.document(doc)).unwrap().map(|held| held.document)
    }

    /// The request of a device that hands this in and holds nothing.
    pub(crate) fn request(&self, device: &Device, pushed: Vec<Pushed>) -> Request {
        let mut replica = Replica::in_memory([1; 16]).unwrap();
        let person = self.app.accounts().user(device.user).unwrap().unwrap();
        replica.enrolled(device.id, &profile::of(self.app.accounts(), self.app.config().offset_minutes, &person).unwrap()).unwrap();
        Request { pushed, ..replica.request(self.app.now(), Some("test")).unwrap() }
    }

    /// An exchange that must be answered.
    pub(crate) fn exchange(&self, device: &Device, request: &Request) -> (Answer, Vec<u8>) {
        let reply = self.signed(device, "POST", SYNC_PATH, &request.encode().unwrap());
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        (Answer::decode(&reply.body).unwrap(), reply.body)
    }

    /// A request signed by a device.
    pub(crate) fn signed(&self, device: &Device, method: &str, path: &str, body: &[u8]) -> Reply {
        let headers = self.signature(device, method, path, body);
        self.send(method, path, &headers, body)
    }

    /// The headers of a signed request.
    pub(crate) fn signature(&self, device: &Device, method: &str, path: &str, body: &[u8]) -> Vec<(String, String)> {
        let signed = Signed { method, path, device: Some(device.id), time: self.app.now(), nonce: random().unwrap(), body };
        signed.headers(&device.key.sign(&signed.text())).map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// A request of the console's page.
    pub(crate) fn console(&self, cookie: Option<&str>, method: &str, path: &str, body: Option<&serde_json::Value>) -> Reply {
        let mut headers = vec![("origin".to_owned(), self.origin())];
        headers.extend(cookie.map(|cookie| ("cookie".to_owned(), cookie.to_owned())));
        headers.extend(body.map(|_| ("content-type".to_owned(), "application/json".to_owned())));
        self.send(method, path, &headers, body.map(ToString::to_string).unwrap_or_default().as_bytes())
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn send(&self, method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Reply {
        let url = format!("{}{path}", self.origin());
        let mut answer = if method.eq_ignore_ascii_case("GET") {
            headers.iter().fold(self.agent.get(url), |request, (name, value)| request.header(name, value)).call()
        } else {
            headers.iter().fold(self.agent.post(url), |request, (name, value)| request.header(name, value)).send(body)
        }
        .unwrap();
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(REPLY_BYTES_MAX).read_to_vec().unwrap();
        Reply { status, body }
    }
}

/// Writes one change to a document as a person's device would, under a fresh actor.
pub(crate) fn written<E: From<DocumentError> + std::fmt::Debug>(
    document: &mut Document,
    author: UserId,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
) -> RawChange {
    let actor: [u8; 16] = random().unwrap();
    let stamp = ChangeStamp {
        actor: ActorId::from_slice(&actor).unwrap(),
        author: Some(author),
        time: Clock::system().now(),
        note: Some("+0".to_owned()),
    };
    document.write(None, &stamp, write).unwrap().unwrap()
}

/// CPU time that this process has used, in milliseconds; `None` where the system does not say.
pub(crate) fn cpu_ms() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut after = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = after.next()?.parse::<u64>().ok()? + after.next()?.parse::<u64>().ok()?;
    // A tick is 10 ms on every Linux that we run on.
    Some(ticks * 10)
}

/// Most memory that this process ever held, in KiB; `None` where the system does not say.
pub(crate) fn memory_peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
