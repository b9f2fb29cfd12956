//! One function for each decoder of outside bytes: what it is fed, and what must hold whatever that is. They panic where it does
//! not. Run by libFuzzer, and over kept inputs by an ordinary test.
//!
//! | target | is fed |
//! |---|---|
//! | `change` | bytes as a change, with their checksum and without |
//! | `gate` | a drawing of changes: canonical ones in which any field may lie |
//! | `snapshot` | bytes as a document, with their checksum and without |
//! | `request`, `answer` | frames, and what is inside them; knocks and replies |
//! | `phone` | answers, taken by a phone that holds a card |
//! | `enrolment` | frames of enrolment, keys |
//! | `blobs` | frames about photos, and what is inside them; photos |
//! | `carried` | packets and meetings of phones, and what is inside them |
//! | `signed` | the headers of a signed request |
//! | `sheet` | a customer list as CSV, XLS or XLSX |
//! | `console` | queries and bodies at the console's endpoints |
//! | `search` | what people type into the search |
//! | `texts` | ids, heads, values, settings |

use std::cell::RefCell;
use std::sync::Arc;

use roadbook_core::blobs::content::Content;
use roadbook_core::blobs::wire::{BlobAnswer, BlobRequest};
use roadbook_core::carried::{Batch, Meeting, Packet};
use roadbook_core::crdt::gate::{Gate, Outcome, silence_caught_panics};
use roadbook_core::crdt::{Document, Heads};
use roadbook_core::exchange::knock::{Knock, Reply, Sealed};
use roadbook_core::exchange::{Answer, Item, Profile, Request, parts};
use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, UserId};
use roadbook_core::model::{Edit, Provenance, Role, Value, kinds};
use roadbook_core::replica::{Replica, Stamp, Target};
use roadbook_core::signing::{EnrolAnswer, EnrolRequest, PublicKey, Signed, SoftwareKey, parse_nonce};
use roadbook_core::store::Lane;
use roadbook_core::store::rows::CustomerFilter;

use super::forge::{Forged, Id, Key, Op, chunk};
use super::world::{ANN, ANNS, BOB, BOBS, CAT, World, fresh, stamp, write};

const NOW: Ms = Ms(1_772_409_600_000);
const SUBJECT: SubjectId = SubjectId::from_bytes([0xee; 16]);

/// Takes an input; panics where something does not hold.
pub type Run = fn(&[u8]);

thread_local! {
    static WORLD: World = World::card();
    static VICTIM: RefCell<Option<Replica>> = const { RefCell::new(None) };
    static OFFICE: Office = Office::new();
}

/// Every target by its name.
pub const ALL: [(&str, Run); 14] = [
    ("change", change),
    ("gate", gate),
    ("snapshot", snapshot),
    ("request", request),
    ("answer", answer),
    ("phone", phone),
    ("enrolment", enrolment),
    ("blobs", blobs),
    ("carried", carried),
    ("signed", signed),
    ("sheet", sheet),
    ("console", console),
    ("search", search),
    ("texts", texts),
];

/// Panics that the product catches are no finds; any that gets out of a target is.
pub fn quiet() {
    std::panic::set_hook(Box::new(|_| {}));
    silence_caught_panics();
}

/// Bytes as a change: identified, judged, and lived with.
pub fn change(data: &[u8]) {
    let gate = Gate::strict();
    let _named = gate.identify(data).is_ok();
    WORLD.with(|world| {
        for bytes in [data.to_vec(), chunk(1, data)] {
            world.lives_on(&world.admit(&gate, std::slice::from_ref(&bytes)));
            world.lives_on(&world.follow(&Gate::lenient(), &[bytes]));
        }
    });
}

/// Draws from bytes; zeros when they are used up.
struct Draw<'a>(&'a [u8]);

impl Draw<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, sides: usize) -> usize {
        usize::from(self.byte()) % sides.max(1)
    }

    fn number(&mut self, near: u64) -> u64 {
        match self.below(8) {
            0 => u64::from(u32::MAX) - u64::from(self.byte()),
            1 => near + u64::from(self.byte()),
            2 => {
                u64::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte(), self.byte(), self.byte(), self.byte(), self.byte()])
            }
            _ => 1 + u64::from(self.byte()) % near.max(1),
        }
    }

    fn id(&mut self, world: &World, own: &[u8]) -> Id {
        let actor = match self.below(6) {
            0 => own.to_vec(),
            1 => BOBS.to_vec(),
            2 => world.genesis_actor.clone(),
            3 => vec![0x99; 16],
            _ => ANNS.to_vec(),
        };
        Id(self.number(world.next_op()), actor)
    }

    fn key(&mut self, world: &World, own: &[u8]) -> Key {
        match self.below(6) {
            0 => Key::Head,
            1 => Key::At(world.note_first.clone()),
            2 => Key::At(self.id(world, own)),
            3 => Key::Name("phone".into()),
            4 => Key::Name("".into()),
            _ => Key::Name(format!("k{}", self.below(4))),
        }
    }

    fn op(&mut self, world: &World, own: &[u8]) -> Op {
        let object = match self.below(6) {
            0 => None,
            1 => Some(self.id(world, own)),
            2 => world.note(),
            3 => world.memo(),
            _ => world.facts(),
        };
        let text = self.below(2) == 0;
        let length = self.below(12);
        let value = if text { (6, "字".into()) } else { (self.byte() % 16, vec![self.byte(); length]) };
        let pred = match self.below(4) {
            0 => world.phone.clone(),
            1 => (0..self.below(3)).map(|_| self.id(world, own)).collect(),
            _ => Vec::new(),
        };
        let key = self.key(world, own);
        let flags = self.byte();
        Op {
            object,
            key,
            insert: flags & 1 != 0,
            action: u64::from(flags >> 4) % 9,
            value,
            pred,
            expand: flags & 2 != 0,
            mark: (flags & 4 != 0).then(|| "bold".to_owned()),
        }
    }

    fn change(&mut self, world: &World, number: u8) -> Forged {
        let own = if self.below(4) == 0 { vec![0x30; 16] } else { vec![0x31 + number; 16] };
        let ops = (0..=self.below(4)).map(|_| self.op(world, &own)).collect();
        let mut forged = Forged { actor: own, ..world.change(ops) };
        match self.below(12) {
            0 => forged.seq = self.number(3),
            1 => forged.start_op = self.number(world.next_op()),
            2 => forged.time = self.number(1 << 40) as i64,
            3 => drop(forged.deps.pop()),
            4 => forged.deps.push([self.byte(); 32]),
            5 => forged.extra = (0..self.below(40)).map(|_| self.byte()).collect(),
            6 => forged.deps = world.early.hashes().iter().map(|hash| hash.0).collect(),
            _ => {}
        }
        forged
    }
}

/// Changes in which any field may lie, beside an honest one that must not be held up.
pub fn gate(data: &[u8]) {
    WORLD.with(|world| {
        let mut draw = Draw(data);
        let mut lot: Vec<Vec<u8>> = (0..=draw.below(3) as u8).map(|n| draw.change(world, n).bytes()).collect();
        let sibling = Forged { actor: vec![0x66; 16], ..world.change(vec![world.put("sibling")]) }.bytes();
        lot.insert(draw.below(lot.len() + 1), sibling.clone());
        for admission in [world.admit(&Gate::strict(), &lot), world.follow(&Gate::lenient(), &lot)] {
            let at = lot.iter().position(|bytes| *bytes == sibling).unwrap();
            assert!(matches!(admission.outcomes[at], Outcome::Accepted(_)), "an honest change was held up: {:?}", admission.outcomes[at]);
            world.lives_on(&admission);
        }
    });
}

/// Bytes as a document: what is opened can be read, edited, saved and loaded.
pub fn snapshot(data: &[u8]) {
    WORLD.with(|world| {
        for bytes in [data.to_vec(), chunk(0, data)] {
            let Ok(mut document) = Gate::lenient().admit_snapshot(&bytes, world.rules.genesis()) else { continue };
            let (first, second) = (stamp(fresh(&document, 1), BOB), stamp(fresh(&document, 2), ANN));
            write(&mut document, None, &first, |w| w.put("facts", "phone", b"after".to_vec()));
            write(&mut document, None, &second, |w| w.splice("problems", 0, 0, "x"));
            assert_eq!(Document::load(&document.save()).unwrap().heads(), document.heads());
        }
    });
}

/// A frame as a device's request, and its contents without the frame: what is read is written and read again as the same.
pub fn request(data: &[u8]) {
    let _framed = Request::decode(data).is_ok();
    if let Some(sealed) = Sealed::decode(data) {
        assert_eq!(sealed.encode(), data);
        assert_eq!(Knock::decode(&sealed.knock).unwrap().encode(), sealed.knock);
    }
    again::<Request>(data);
}

/// The same for headquarters' answer.
pub fn answer(data: &[u8]) {
    let _framed = Answer::decode(data).is_ok();
    let _parts = parts::decode(data).is_ok();
    if let Ok(reply) = Reply::decode(data) {
        assert_eq!(reply.encode(), data);
    }
    again::<Answer>(data);
}

fn victim() -> Replica {
    let mut replica = Replica::in_memory([9; 16]).unwrap();
    let snapshot = WORLD.with(|world| world.document.save());
    let mut first = blank();
    first.items =
        vec![Item::Document { doc: SUBJECT.customer(), kind: "customer".to_owned(), subject: SUBJECT, snapshot: snapshot.into() }];
    replica.take_answer(&first, NOW).unwrap();
    replica
}

fn blank() -> Answer {
    let known = Answer::decode(include_bytes!("../../fixtures/wire-1/answer.frame")).unwrap();
    Answer { now: NOW, verdicts: Vec::new(), items: Vec::new(), checkpoint: None, more: false, restart: false, profile: None, ..known }
}

/// An answer that a phone takes: it never fails for it, and its user goes on.
pub fn phone(data: &[u8]) {
    let answer = match minicbor::decode::<Answer>(data) {
        Ok(answer) => answer,
        Err(_) => {
            // Bytes that are no answer, as changes of a card and as the card.
            let (doc, kind, subject) = (SUBJECT.customer(), "customer".to_owned(), SUBJECT);
            let mut answer = blank();
            answer.items = vec![
                Item::Changes { doc, kind: kind.clone(), subject, changes: vec![chunk(1, data).into()] },
                Item::Document { doc, kind, subject, snapshot: chunk(0, data).into() },
            ];
            answer
        }
    };
    VICTIM.with(|victim_of| {
        let mut victim = victim_of.borrow_mut().take().unwrap_or_else(victim);
        let before = victim.document(SUBJECT.customer()).unwrap().map(|held| held.document.heads());
        victim.take_answer(&answer, NOW).unwrap();
        let after = victim.document(SUBJECT.customer()).unwrap().map(|held| held.document.heads());
        let edit = Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() };
        let stamp = Stamp { author: CAT, now: NOW, entropy: [7; 16] };
        if after.is_some() {
            victim.card(SUBJECT).unwrap();
            if after != before {
                victim.save(&stamp, Lane::Normal, &Target::customer(SUBJECT), &[edit]).unwrap();
            }
        }
        // A phone that something stuck to is replaced: each input finds the same one.
        if after == before && answer.items.len() < 4 && answer.verdicts.is_empty() && answer.profile.is_none() {
            *victim_of.borrow_mut() = Some(victim);
        }
    });
}

/// Frames of enrolment and public keys.
pub fn enrolment(data: &[u8]) {
    if let Ok(request) = EnrolRequest::decode(data) {
        assert_eq!(EnrolRequest::decode(&request.encode()).unwrap(), request);
    }
    if let Ok(answer) = EnrolAnswer::decode(data) {
        assert_eq!(EnrolAnswer::decode(&answer.encode()).unwrap(), answer);
    }
    if let Some(key) = PublicKey::from_sec1(data) {
        assert_eq!(PublicKey::from_sec1(&key.to_sec1()), Some(key));
    }
    let _code = roadbook_server::accounts::EnrolmentCode::parse(&String::from_utf8_lossy(data)).is_some();
}

/// What is read of bytes is written and read again as the same.
fn again<T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()> + PartialEq + std::fmt::Debug>(data: &[u8]) {
    let Ok(read) = minicbor::decode::<T>(data) else { return };
    assert_eq!(minicbor::decode::<T>(&minicbor::to_vec(&read).unwrap()).unwrap(), read);
}

/// Frames about photos, and photos: their headers are read before anybody believes them.
pub fn blobs(data: &[u8]) {
    let _asked = BlobRequest::decode(data).is_ok();
    let _said = BlobAnswer::decode(data).is_ok();
    again::<BlobRequest>(data);
    again::<BlobAnswer>(data);
    if let Ok(content) = Content::of_thumbnail(data) {
        assert_eq!(Content::of_mime(content.mime()), Some(content));
    }
    let _original = Content::of(data).is_ok();
}

/// What one phone hands another: nothing of it is believed before its signature was checked.
pub fn carried(data: &[u8]) {
    if let Ok(packet) = Packet::decode(data) {
        let _batch = packet.batch().is_ok();
        assert!(!packet.is_signed_by(&SoftwareKey::from_secret(&[6; 32]).unwrap().public()), "signed by nobody");
    }
    let _meeting = Meeting::decode(data).is_ok();
    again::<Packet>(data);
    again::<Meeting>(data);
    again::<Batch>(data);
}

/// Headers of a signed request, one a line: nothing that was not signed is taken for signed.
pub fn signed(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let key = SoftwareKey::from_secret(&[5; 32]).unwrap();
    let device: Option<DeviceId> = next().parse().ok();
    let time = Ms(next().parse().unwrap_or(0));
    let nonce = parse_nonce(next()).unwrap_or_default();
    let (signature, path, body) = (next(), next(), next());
    let signed = Signed { method: "POST", path, device, time, nonce, body: body.as_bytes() };
    let own = key.sign(&signed.text());
    assert_eq!(signed.headers(&own).len(), 4);
    let hex: String = own.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!signed.is_signed_by(&key.public(), signature) || signature.eq_ignore_ascii_case(&hex), "a signature out of nothing");
    assert!(signed.is_signed_by(&key.public(), &hex));
}

/// A file as a customer list: a table or an error, within the limits of a table.
pub fn sheet(data: &[u8]) {
    use roadbook_server::import::columns::{ColumnOptions, matched};
    use roadbook_server::import::draft::{ValueOptions, draft};
    use roadbook_server::import::table::{ReadOptions, read};

    let Ok(table) = read(data, &ReadOptions::default()) else { return };
    let Ok(columns) = matched(&table.headers, &ColumnOptions::default()) else { return };
    for row in table.rows.iter().take(50) {
        let draft = draft(row, &columns, &ValueOptions::default());
        assert_eq!(draft.row, row.number);
    }
}

/// Headquarters with a manager at the console and a customer in the list.
struct Office {
    router: axum::Router,
    cookie: String,
    runtime: tokio::runtime::Runtime,
    _app: Arc<roadbook_server::app::App>,
    _folder: tempfile::TempDir,
}

impl Office {
    fn new() -> Self {
        use roadbook_server::accounts::{NewUser, Who};
        let folder = tempfile::tempdir().unwrap();
        let config = roadbook_server::config::Config::in_folder(folder.path());
        let app = roadbook_server::app::App::open(config, roadbook_server::clock::Clock::from_fn(|| NOW)).unwrap();
        let (id, login) = (UserId::from_bytes([1; 16]), "cg".to_owned());
        let new = NewUser { id, name: login.clone(), login, role: Role::Manager, password: None, territories: [].into() };
        app.accounts().add_user(NOW, &Who::shell(), &new).unwrap();
        let says = |field: &str, value: &str| {
            vec![Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::default() }]
        };
        let sides =
            vec![(Target::customer(SUBJECT), says("trade_name", "惠民超市")), (Target::office(SUBJECT), says("owner", &id.to_string()))];
        app.commit(id, &sides).unwrap();
        let cookie = format!("roadbook={}", app.accounts().begin_session(NOW, id, "::1").unwrap().as_str());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { router: roadbook_server::http::router(&app), cookie, runtime, _app: app, _folder: folder }
    }

    fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Option<u16> {
        use tower::ServiceExt as _;
        let request = axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", &self.cookie)
            .header("host", "hq")
            .header("origin", "http://hq")
            .header("content-type", "application/json");
        let request = request.body(axum::body::Body::from(body)).ok()?;
        let response = self.runtime.block_on(self.router.clone().oneshot(request)).unwrap();
        Some(response.status().as_u16())
    }
}

/// A query (or a body) at an endpoint of the console, chosen by the first byte: an answer or a refusal, never a failure of ours.
pub fn console(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    // As a browser would send it: what is no character of an address goes as %XX.
    let query: String = text
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"=&%+-._~/:".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let customer = format!("/api/customers/{SUBJECT}");
    OFFICE.with(|office| {
        let status = match choice % 12 {
            0 => office.send("GET", &format!("/api/customers?{query}"), Vec::new()),
            1 => office.send("GET", &format!("{customer}/history?{query}"), Vec::new()),
            2 => office.send("GET", &format!("/api/visits?{query}"), Vec::new()),
            3 => office.send("GET", &format!("/api/tours?{query}"), Vec::new()),
            4 => office.send("GET", &format!("/api/overview?{query}"), Vec::new()),
            5 => office.send("GET", &format!("/api/customers/{query}"), Vec::new()),
            6 => office.send("POST", &format!("{customer}/edits"), rest.to_vec()),
            7 => office.send("POST", &format!("{customer}/verify"), rest.to_vec()),
            8 => office.send("POST", "/api/tours", rest.to_vec()),
            9 => office.send("POST", "/api/tours/sequence", rest.to_vec()),
            10 => office.send("POST", &format!("/api/review/{query}"), b"{\"decision\":\"accept\",\"heads\":\"\"}".to_vec()),
            _ => office.send("POST", "/api/login", rest.iter().copied().take(40).collect()),
        };
        assert!(status.is_none_or(|status| status < 500), "{status:?}");
    });
}

/// What people type into the search of a phone.
pub fn search(data: &[u8]) {
    thread_local! {
        static BOOK: Replica = {
            let mut book = Replica::in_memory([8; 16]).unwrap();
            for (n, name) in (0u8..).zip(["惠民超市", "鑫鑫便利店", "重庆小面（观音桥店）", "ＡＢＣ烟酒", "7-11"]) {
                let edit = Edit::Assert { field: "trade_name".to_owned(), value: name.into(), provenance: Provenance::default() };
                let stamp = Stamp { author: CAT, now: NOW, entropy: [n; 16] };
                book.save(&stamp, Lane::Normal, &Target::customer(SubjectId::from_bytes([n; 16])), &[edit]).unwrap();
            }
            book
        };
    }
    let query = String::from_utf8_lossy(data);
    BOOK.with(|book| {
        let hits = book.store().read(|read| read.search(&query, &CustomerFilter::default(), 20)).unwrap();
        assert!(hits.found.len() <= 5);
    });
}

/// Ids, heads, hashes, values, profiles and dates out of bytes and texts: what is read is written and read again as the same.
pub fn texts(data: &[u8]) {
    if let Some(heads) = Heads::from_bytes(data) {
        assert_eq!(Heads::from_bytes(&heads.to_bytes()), Some(heads));
    }
    if let Ok(value) = minicbor::decode::<Value>(data) {
        let written = minicbor::to_vec(&value).unwrap();
        assert_eq!(minicbor::decode::<Value>(&written).unwrap(), value);
    }
    if let Ok(profile) = minicbor::decode::<Profile>(data) {
        assert_eq!(minicbor::decode::<Profile>(&minicbor::to_vec(&profile).unwrap()).unwrap(), profile);
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(id) = text.parse::<DocId>() {
        assert_eq!(id.to_string().parse::<DocId>().unwrap(), id);
    }
    if let Ok(hash) = text.parse::<ChangeHash>() {
        assert_eq!(hash.to_string().parse::<ChangeHash>().unwrap(), hash);
    }
    if let Ok(value) = serde_json::from_slice::<Value>(data) {
        let _shown = serde_json::to_string(&value).unwrap();
    }
    if let Ok(edits) = serde_json::from_slice::<Vec<Edit>>(data) {
        let mut document = kinds::ready("customer").unwrap().genesis.clone();
        let written = document.write(None, &stamp([0x21; 16], CAT), |w| roadbook_core::model::edit::write(&kinds::CUSTOMER, &edits, w));
        if written.is_ok() {
            assert_eq!(Document::load(&document.save()).unwrap().heads(), document.heads());
        }
    }
    for bytes in data.chunks(64) {
        let _read = Ms(bytes.iter().fold(0i64, |sum, byte| sum.wrapping_mul(256).wrapping_add(i64::from(*byte)))).day(480);
    }
}
