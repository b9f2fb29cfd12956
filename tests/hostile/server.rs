//! The corpus through the real server: an enrolled device that signs what it sends, and sends the worst. Nothing of it changes a
//! document or holds up the honest ones beside it; the server answers, in bounded time and memory, and goes on.

use minicbor::bytes::ByteVec;
use roadbook_core::crdt::Document;
use roadbook_core::exchange::{Outcome, Pushed};
use roadbook_core::ids::{SubjectId, TerritoryId};
use roadbook_core::model::{Role, kinds};
use roadbook_core::signing::{ENROL_PATH, SYNC_PATH};
use roadbook_server::clock::random;
use roadbook_server::feed::Filing;

use super::guises::{framed, guises};
use super::world::{CAT, World, strange};
use super::{Case, hostile_cases};
use crate::socket::{Device, Plant, Server, cpu_ms, memory_peak_kib, written};

/// Changes of one request: a failing lot is small enough to be looked through.
const LOT_CHANGES_MAX: usize = 48;
/// Bytes of one request's hostile part: less than one call of the gate takes apart, so that each is judged.
const LOT_BYTES_MAX: usize = 3 << 20;
/// CPU time that one lot may cost, in milliseconds, in a build without optimisation of our own code: less than that of one case
/// (one second) times the cases, by far.
const LOT_CPU_MS_MAX: u64 = 3_000;
/// Memory that all of it may cost, in KiB.
const MEMORY_KIB_MAX: u64 = 300 << 10;

struct Attack {
    server: Server,
    device: Device,
    world: World,
    subject: SubjectId,
}

fn attack() -> Attack {
    let world = World::card();
    let server = Server::open();
    server.territory("east", None);
    server.person(CAT, "cat", Role::Salesperson, &["east"]);
    let device = server.device(CAT, "cat1");
    let (subject, other) = (SubjectId::from_bytes([0xee; 16]), SubjectId::from_bytes([0xef; 16]));
    let plant = |subject: SubjectId, document: Document| {
        let filing = Some(Filing { territory: Some(TerritoryId("east".to_owned())), owner: None });
        server.plant(&[Plant { kind: &kinds::CUSTOMER, doc: subject.customer(), subject, owner: None, filing, document }]);
    };
    plant(subject, world.document.clone());
    plant(other, strange());
    Attack { server, device, world, subject }
}

impl Attack {
    fn pushed(&self, changes: Vec<Vec<u8>>) -> Pushed {
        let changes = changes.into_iter().map(ByteVec::from).collect();
        Pushed { doc: self.subject.customer(), kind: "customer".to_owned(), subject: self.subject, changes }
    }

    /// A new customer, as an honest phone hands one in.
    fn sibling(&self) -> Pushed {
        let subject = SubjectId::fresh(self.server.app.now(), random().unwrap());
        let mut card = kinds::ready("customer").unwrap().genesis.clone();
        let change = written(&mut card, CAT, |w| w.put("facts", "trade_name", b"x".to_vec()));
        Pushed { doc: subject.customer(), kind: "customer".to_owned(), subject, changes: vec![change.bytes.into()] }
    }

    fn held(&self) -> Document {
        self.server.document(self.subject.customer()).unwrap()
    }

    /// Hands a lot in beside an honest sibling; returns the outcomes of the lot.
    fn hand_in(&self, name: &str, lot: Vec<Vec<u8>>) -> Vec<Outcome> {
        let count = lot.len();
        let mut request = self.server.request(&self.device, vec![self.pushed(lot), self.sibling()]);
        // It has heard everything: only what it hands in is asked about.
        request.cursor = None;
        let begin = cpu_ms();
        let (answer, _) = self.server.exchange(&self.device, &request);
        let spent = begin.zip(cpu_ms()).map_or(0, |(begin, end)| end - begin);
        assert!(spent < LOT_CPU_MS_MAX, "{name}: {spent} ms of CPU");
        let mut outcomes: Vec<Outcome> = answer.verdicts.into_iter().map(|verdict| verdict.outcome).collect();
        assert_eq!(outcomes.len(), count + 1, "{name}: one verdict a change");
        assert_eq!(outcomes.pop(), Some(Outcome::Accepted), "{name}: the sibling");
        outcomes
    }
}

/// Cases one after the other, in lots of a bounded size.
fn lots(cases: Vec<Case>) -> Vec<(String, Vec<Vec<u8>>)> {
    let mut lots: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    let mut bytes = usize::MAX;
    for case in cases {
        for change in case.changes {
            let full = lots.last().is_none_or(|(_, lot)| lot.len() >= LOT_CHANGES_MAX);
            if full || bytes + change.len() > LOT_BYTES_MAX {
                lots.push((case.name.clone(), Vec::new()));
                bytes = 0;
            }
            bytes += change.len();
            if let Some((_, lot)) = lots.last_mut() {
                lot.push(change);
            }
        }
    }
    lots
}

#[test]
fn the_corpus_through_a_real_server_changes_nothing() {
    roadbook_core::crdt::gate::silence_caught_panics();
    let attack = attack();
    let before = attack.held();
    let memory = memory_peak_kib();
    let mut cases = hostile_cases(&attack.world);
    // Of the largest floods a share: the gate has judged all of them already.
    cases.iter_mut().for_each(|case| case.changes.truncate(120));
    let handed_in: usize = cases.iter().map(|case| case.changes.len()).sum();
    assert!(handed_in >= 1_000, "{handed_in} changes");
    for (name, lot) in lots(cases) {
        let outcomes = attack.hand_in(&name, lot);
        assert!(!outcomes.contains(&Outcome::Accepted), "the lot from {name:?} on: {outcomes:?}");
    }
    assert_eq!(attack.held().heads(), before.heads(), "the attacked document is as it was");
    let mut document = attack.held();
    let honest = written(&mut document, CAT, |w| w.put("facts", "mail", b"after".to_vec()));
    assert_eq!(attack.hand_in("an honest change", vec![honest.bytes]), [Outcome::Accepted], "the document lives on");
    if let (Some(before), Some(after)) = (memory, memory_peak_kib()) {
        assert!(after - before < MEMORY_KIB_MAX, "{} KiB", after - before);
    }
}

#[test]
fn what_is_no_change_and_no_frame_is_answered_and_forgotten() {
    roadbook_core::crdt::gate::silence_caught_panics();
    let attack = attack();
    let before = attack.held().heads();
    for (name, bytes) in guises(&attack.world) {
        for body in [bytes.clone(), framed(&bytes)] {
            let reply = attack.server.signed(&attack.device, "POST", SYNC_PATH, &body);
            assert!(matches!(reply.status, 400 | 413 | 426), "{name}: {}", reply.status);
        }
    }
    // As changes, all at once.
    let small: Vec<Vec<u8>> = guises(&attack.world).into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 8_192).collect();
    assert!(!attack.hand_in("guises", small).contains(&Outcome::Accepted));
    // Nobody's enrolment: refused before anything of it is believed.
    for (name, bytes) in guises(&attack.world).into_iter().take(20) {
        let reply = attack.server.signed(&attack.device, "POST", ENROL_PATH, &bytes);
        assert!(matches!(reply.status, 401 | 413 | 422 | 429), "{name}: {}", reply.status);
    }
    assert_eq!(attack.held().heads(), before);
    assert_eq!(attack.server.console(None, "GET", "/health", None).status, 204);
}

/// Requests whose frame is right and whose contents lie about what they are.
#[test]
fn documents_under_false_names_are_refused_and_siblings_go_on() {
    let attack = attack();
    let honest = || {
        let mut document = attack.held();
        written(&mut document, CAT, |w| w.put("facts", "mail", b"lie".to_vec())).bytes
    };
    let with = |edit: &dyn Fn(&mut Pushed)| {
        let mut pushed = attack.pushed(vec![honest()]);
        edit(&mut pushed);
        pushed
    };
    let elsewhere = SubjectId::from_bytes([0x0d; 16]);
    let lies = [
        ("a kind that nobody knows", with(&|pushed| pushed.kind = "nonsense".to_owned())),
        ("a kind of 4 KiB", with(&|pushed| pushed.kind = "k".repeat(4_096))),
        ("no kind", with(&|pushed| pushed.kind.clear())),
        ("another kind", with(&|pushed| pushed.kind = "visit".to_owned())),
        ("the office side", with(&|pushed| pushed.kind = "office".to_owned())),
        ("a tour", with(&|pushed| pushed.kind = "tour".to_owned())),
        ("another subject", with(&|pushed| pushed.subject = elsewhere)),
        ("another document", with(&|pushed| pushed.doc = elsewhere.customer())),
        ("the office document as a card", with(&|pushed| pushed.doc = attack.subject.office())),
    ];
    let before = attack.held().heads();
    for (name, lie) in lies {
        let request = attack.server.request(&attack.device, vec![lie, attack.sibling()]);
        let (answer, _) = attack.server.exchange(&attack.device, &request);
        let outcomes: Vec<&Outcome> = answer.verdicts.iter().map(|verdict| &verdict.outcome).collect();
        assert!(
            matches!(outcomes[..], [Outcome::Quarantined { .. } | Outcome::MissingDependencies { .. }, Outcome::Accepted]),
            "{name}: {outcomes:?}"
        );
    }
    // The same document twice in one request: the second part is not judged without the first.
    let request =
        attack.server.request(&attack.device, vec![attack.pushed(vec![vec![1]]), attack.pushed(vec![honest()]), attack.sibling()]);
    let (answer, _) = attack.server.exchange(&attack.device, &request);
    assert_eq!(answer.verdicts.len(), 3);
    assert_eq!(answer.verdicts[2].outcome, Outcome::Accepted);
    assert_eq!(attack.held().heads(), before);
}
