//! The corpus in the answers of a lying server: the phone takes what is good, sets aside what is not, and its user goes on.

use minicbor::bytes::ByteVec;
use roadbook_core::crdt::{Document, Heads};
use roadbook_core::exchange::{Answer, Checkpoint, Cursor, Item, Outcome, Verdict};
use roadbook_core::ids::{ChangeHash, DocId, Ms, SubjectId, UserId};
use roadbook_core::model::{Edit, Provenance, kinds};
use roadbook_core::replica::{Replica, Stamp, Target};
use roadbook_core::store::Lane;
use roadbook_core::sync::Synced;

use super::guises::{framed, guises};
use super::snapshots;
use super::world::{ANN, CAT, World, stamp, write};
use super::{FAMILIES, timed};

const NOW: Ms = Ms(1_772_409_600_000);
/// Cases beyond this do not fit into an answer.
const ITEM_BYTES_MAX: usize = 16 << 20;
const SUBJECT: SubjectId = SubjectId::from_bytes([0xee; 16]);

/// An answer of the released wire with nothing in it: whatever a later wire adds is absent.
fn answer(items: Vec<Item>) -> Answer {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wire-1/answer.frame");
    let known = Answer::decode(&std::fs::read(path).unwrap()).unwrap();
    Answer { now: NOW, verdicts: Vec::new(), items, checkpoint: None, more: false, restart: false, profile: None, ..known }
}

fn changes(doc: DocId, subject: SubjectId, changes: Vec<Vec<u8>>) -> Item {
    let mut item = whole("customer", doc, subject, Vec::new());
    if let Item::Document { kind, .. } = &mut item {
        item = Item::Changes { doc, kind: std::mem::take(kind), subject, changes: changes.into_iter().map(ByteVec::from).collect() };
    }
    item
}

fn whole(kind: &str, doc: DocId, subject: SubjectId, snapshot: Vec<u8>) -> Item {
    Item::Document { doc, kind: kind.to_owned(), subject, snapshot: snapshot.into() }
}

/// A phone that holds the attacked card.
struct Victim {
    replica: Replica,
    count: u8,
}

impl Victim {
    fn new(world: &World) -> Self {
        let mut replica = Replica::in_memory([9; 16]).unwrap();
        let card = whole("customer", SUBJECT.customer(), SUBJECT, world.document.save());
        let synced = take(&mut replica, &answer(vec![card]));
        assert_eq!((synced.documents, synced.refused), (1, 0));
        Self { replica, count: 0 }
    }

    fn held(&self) -> Document {
        self.replica.document(SUBJECT.customer()).unwrap().unwrap().document
    }

    /// A card that nobody has heard of, as another phone made it: it comes beside the lies.
    fn sibling(&mut self) -> (SubjectId, Item) {
        self.count = self.count.wrapping_add(1);
        let subject = SubjectId::derived(&format!("sibling {}", self.count));
        let mut card = kinds::ready("customer").unwrap().genesis.clone();
        write(&mut card, None, &stamp([self.count; 16], ANN), |w| w.put("facts", "phone", vec![self.count]));
        (subject, whole("customer", subject.customer(), subject, card.save()))
    }

    /// Takes an answer full of lies with an honest document behind them. The user must be able to go on.
    fn suffer(&mut self, name: &str, lies: Vec<Item>) -> Synced {
        let (subject, sibling) = self.sibling();
        let lying = answer(lies.into_iter().chain([sibling]).collect());
        let synced = self.replica.take_answer(&lying, NOW).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(self.replica.document(subject.customer()).unwrap().is_some(), "{name}: the sibling was held up");
        synced
    }

    /// The user opens the card, writes into it, and what is stored can be read again.
    fn works_on(&mut self, name: &str) {
        self.replica.card(SUBJECT).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.count = self.count.wrapping_add(1);
        let stamp = Stamp { author: CAT, now: NOW, entropy: [self.count; 16] };
        let edit = Edit::Assert {
            field: "trade_name".to_owned(),
            value: name.chars().take(20).collect::<String>().as_str().into(),
            provenance: Provenance::default(),
        };
        self.replica.save(&stamp, Lane::Normal, &Target::customer(SUBJECT), &[edit]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let held = self.held();
        assert_eq!(Document::load(&held.save()).unwrap().heads(), held.heads(), "{name}");
    }
}

fn take(replica: &mut Replica, answer: &Answer) -> Synced {
    replica.take_answer(answer, NOW).unwrap()
}

#[test]
fn a_lying_servers_changes_do_no_harm() {
    roadbook_core::crdt::gate::silence_caught_panics();
    let world = World::card();
    let heads = world.document.heads();
    let mut victim = Victim::new(&world);
    for (family, cases) in FAMILIES {
        let mut changed = 0;
        // Of the two that are written out without gaps, every third: the gate itself has judged them all.
        let step = if matches!(family, "grammar" | "values") { 3 } else { 1 };
        for case in cases(&world).into_iter().step_by(step).filter(|case| case.changes.concat().len() < ITEM_BYTES_MAX) {
            let name = format!("{family}: {}", case.name);
            victim.suffer(&name, vec![changes(SUBJECT.customer(), SUBJECT, case.changes)]);
            if victim.held().heads() != heads {
                changed += 1;
                victim.works_on(&name);
                victim = Victim::new(&world);
            }
        }
        victim.works_on(family);
        victim = Victim::new(&world);
        assert!(changed < 130, "{family}: {changed} cases changed the card");
    }
    victim.replica.rebuild().unwrap();
}

#[test]
fn a_lying_servers_documents_do_no_harm() {
    roadbook_core::crdt::gate::silence_caught_panics();
    let world = World::card();
    let heads = world.document.heads();
    let mut victim = Victim::new(&world);
    for (name, snapshot) in snapshots::refused(&world) {
        let other = SubjectId::from_bytes([0xad; 16]);
        let lies =
            vec![whole("customer", SUBJECT.customer(), SUBJECT, snapshot.clone()), whole("customer", other.customer(), other, snapshot)];
        let synced = victim.suffer(&name, lies);
        assert_eq!(synced.refused, 2, "{name}");
        assert_eq!(victim.held().heads(), heads, "{name}");
        assert!(victim.replica.document(other.customer()).unwrap().is_none(), "{name}");
    }
    victim.works_on("after all");
}

/// Documents that are well formed, and lie about what they are or about what the phone holds.
#[test]
fn documents_under_false_names_leave_what_is_held() {
    let world = World::card();
    let visit = {
        let mut document = kinds::ready("visit").unwrap().genesis.clone();
        write(&mut document, None, &stamp([0x61; 16], ANN), |w| w.put("body", "outcome", b"x".to_vec()));
        document.save()
    };
    let fork = {
        // Ann's first number again, with other content: it can never be merged with what is held.
        let mut document = kinds::ready("customer").unwrap().genesis.clone();
        write(&mut document, None, &stamp(super::world::ANNS, ANN), |w| w.put("facts", "phone", b"fork".to_vec()));
        document.save()
    };
    let doc = SUBJECT.customer();
    let cases: Vec<(&str, Vec<Item>)> = vec![
        ("a visit in place of the card", vec![whole("visit", doc, SUBJECT, visit.clone())]),
        ("a visit that calls itself a card", vec![whole("customer", doc, SUBJECT, visit.clone())]),
        ("the card as a visit", vec![whole("visit", doc, SUBJECT, world.document.save())]),
        ("the card about somebody else", vec![whole("customer", doc, SubjectId::from_bytes([3; 16]), world.document.save())]),
        ("another life of the card", vec![whole("customer", doc, SUBJECT, fork)]),
        ("a kind of the future that is nothing", vec![whole("future", SubjectId::from_bytes([4; 16]).customer(), SUBJECT, b"x".to_vec())]),
        (
            "changes for a kind of the future",
            vec![Item::Changes { doc, kind: "future".to_owned(), subject: SUBJECT, changes: vec![vec![1].into()] }],
        ),
        ("a document that is forgotten and was never held", vec![Item::Forget { doc: DocId::from_bytes([5; 16]) }]),
    ];
    for (name, lies) in cases {
        let mut victim = Victim::new(&world);
        victim.suffer(name, lies);
        let held = victim.replica.document(doc).unwrap().unwrap();
        assert_eq!((held.kind.as_str(), held.subject), ("customer", SUBJECT), "{name}");
        assert!(world.document.metas().iter().all(|meta| held.document.holds(&meta.hash)), "{name}: history was lost");
        assert_eq!(held.document.registers("body").len(), 0, "{name}: two kinds in one document");
        victim.works_on(name);
        victim.replica.rebuild().unwrap();
    }
}

/// Frames that are no answers, and answers whose numbers cannot be: refused as a whole, or taken without harm.
#[test]
fn answers_beyond_reason_are_taken_without_harm() {
    let world = World::card();
    let mut victim = Victim::new(&world);
    for (name, bytes) in guises(&world) {
        for frame in [bytes.clone(), framed(&bytes)] {
            assert!(timed(&name, || Answer::decode(&frame)).is_err(), "{name}");
            assert!(victim.replica.sync_answer(&frame, NOW).is_err(), "{name}");
        }
    }
    let plain = answer(Vec::new());
    let verdict = |outcome| Verdict { hash: ChangeHash([7; 32]), outcome };
    let absurd: Vec<(&str, Answer)> = vec![
        ("the first moment", Answer { now: Ms(i64::MIN), ..plain.clone() }),
        ("the last moment", Answer { now: Ms(i64::MAX), ..plain.clone() }),
        ("a cursor at the end of all numbers", Answer { cursor: Cursor { number: u64::MAX, ..plain.cursor }, ..plain.clone() }),
        ("a checkpoint at the end", Answer { checkpoint: Some(Checkpoint { base: u64::MAX, upto: u64::MAX }), ..plain.clone() }),
        ("an epoch of zeros", Answer { cursor: Cursor { epoch: [0; 16], number: 9 }, ..plain.clone() }),
        (
            "verdicts on what was never sent",
            Answer {
                verdicts: vec![
                    verdict(Outcome::Accepted),
                    verdict(Outcome::Forked),
                    verdict(Outcome::Quarantined { code: "c".repeat(10_000), why: "w".repeat(100_000) }),
                    verdict(Outcome::MissingDependencies { missing: vec![ChangeHash([7; 32]); 1_000] }),
                ],
                ..plain.clone()
            },
        ),
        ("start again, for ever", Answer { restart: true, more: true, ..plain.clone() }),
    ];
    for (name, lying) in absurd {
        let mut victim = Victim::new(&world);
        let frame = lying.encode().unwrap();
        victim.replica.sync_answer(&frame, NOW).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(victim.held().heads(), world.document.heads(), "{name}");
        victim.works_on(name);
        // Headquarters speaks sense again: the phone follows, and its request is one that headquarters can read.
        take(&mut victim.replica, &plain);
        victim.works_on("sense");
    }
}

/// What the user wrote and headquarters never had survives every lie about the document it is in.
#[test]
fn own_work_survives_a_lying_server() {
    let world = World::card();
    let mut victim = Victim::new(&world);
    victim.works_on("mine");
    let mine: Vec<ChangeHash> = victim.held().metas().iter().filter(|meta| meta.author == Some(CAT)).map(|meta| meta.hash).collect();
    assert_eq!(mine.len(), 1);
    let doc = SUBJECT.customer();
    for lies in [
        vec![whole("customer", doc, SUBJECT, world.document.save())],
        vec![whole("customer", doc, SUBJECT, kinds::ready("customer").unwrap().genesis.save())],
        vec![whole("customer", doc, SUBJECT, b"junk".to_vec())],
        vec![changes(doc, SUBJECT, world.document.changes_since(&Heads::default()).into_iter().map(|change| change.bytes).collect())],
        vec![changes(doc, SUBJECT, vec![b"junk".to_vec()])],
    ] {
        victim.suffer("a lie", lies);
        assert!(mine.iter().all(|hash| victim.held().holds(hash)));
        assert_eq!(victim.replica.outbox_size().unwrap().changes, 1, "it still waits for its verdict");
    }
    // The document is taken away before its change found a verdict: what was written is kept.
    victim.suffer("taken away", vec![Item::Forget { doc }]);
    let kept = victim.replica.store().read(|read| read.outbox(10, usize::MAX)).unwrap();
    assert_eq!(kept.iter().map(|own| own.hash).collect::<Vec<_>>(), mine, "unsent work outlives the right to the document");
    let _author: UserId = CAT;
}
