//! The document under attack: a small card with history, two texts, rivals, and a stranger who is about to write to it.

use roadbook_core::crdt::gate::{Admission, ContainerRules, Gate, Incoming, Outcome, Source};
use roadbook_core::crdt::{ChangeStamp, Document, Genesis, Heads, RawChange, Shape, Writer};
use roadbook_core::ids::{ActorId, Ms, UserId};
use roadbook_core::model::kinds;

use super::forge::{Forged, Id, Key, Op, action};

pub(crate) const GENESIS: Genesis = Genesis {
    kind: "hostile",
    versions: &[&[("facts", Shape::Registers), ("sets", Shape::Registers), ("note", Shape::Text), ("memo", Shape::Text)]],
};
pub(crate) const ANN: UserId = UserId::from_bytes([0xa1; 16]);
pub(crate) const BOB: UserId = UserId::from_bytes([0xb2; 16]);
/// Whose device hands everything in.
pub(crate) const CAT: UserId = UserId::from_bytes([0xc3; 16]);
/// The actor of the forged changes.
pub(crate) const CATS: [u8; 16] = [0x33; 16];
pub(crate) const ANNS: [u8; 16] = [0x11; 16];
pub(crate) const BOBS: [u8; 16] = [0x22; 16];
/// An actor that is bound to another device.
pub(crate) const STRANGE: [u8; 16] = [0x77; 16];

/// The containers that are attacked: two of registers and two texts, with their numbers in the genesis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) facts: (&'static str, u64),
    pub(crate) sets: (&'static str, u64),
    pub(crate) note: (&'static str, u64),
    pub(crate) memo: (&'static str, u64),
}

/// See the file's first lines.
pub(crate) struct World {
    pub(crate) rules: ContainerRules,
    names: Names,
    pub(crate) document: Document,
    /// The heads before Bob's and Cat's last changes: what a form opened early has seen.
    pub(crate) early: Heads,
    pub(crate) genesis_actor: Vec<u8>,
    /// Ids of the operations that forged changes refer to.
    pub(crate) phone: Vec<Id>,
    pub(crate) fax: Id,
    pub(crate) note_first: Id,
    pub(crate) memo_first: Id,
}

/// An actor that nobody can have foreseen who made this state of a document.
pub(crate) fn fresh(document: &Document, n: u8) -> [u8; 16] {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::new().chain_update(document.heads().to_bytes()).chain_update([n]).finalize();
    std::array::from_fn(|at| digest[at])
}

pub(crate) fn stamp(actor: [u8; 16], author: UserId) -> ChangeStamp {
    ChangeStamp { actor: ActorId::from_slice(&actor).unwrap(), author: Some(author), time: Ms(1_700_000_000_000), note: Some("+0".into()) }
}

pub(crate) fn write(
    document: &mut Document,
    at: Option<&Heads>,
    stamp: &ChangeStamp,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), roadbook_core::crdt::DocumentError>,
) -> RawChange {
    document.write(at, stamp, write).unwrap().unwrap()
}

/// Another card, to which the stranger's actor is bound.
pub(crate) fn strange() -> Document {
    let mut card = kinds::ready(kinds::CUSTOMER.id).unwrap().genesis.clone();
    write(&mut card, None, &stamp(STRANGE, ANN), |w| w.put("facts", "phone", b"1".to_vec()));
    card
}

impl World {
    pub(crate) fn new() -> Self {
        let names = Names { facts: ("facts", 1), sets: ("sets", 2), note: ("note", 3), memo: ("memo", 4) };
        Self::of(&GENESIS, ContainerRules::of(&GENESIS).unwrap(), names)
    }

    /// The same attacked document as a customer card, as server and phones hold it.
    pub(crate) fn card() -> Self {
        let kind = &kinds::CUSTOMER;
        let at = |name: &str| kind.containers.iter().position(|container| container.name == name).unwrap() as u64 + 1;
        let named = |name: &'static str| (name, at(name));
        let names = Names { facts: named("facts"), sets: named("sets"), note: named("problems"), memo: named("strengths") };
        Self::of(&kind.genesis, kinds::ready(kind.id).unwrap().rules.clone(), names)
    }

    fn of(genesis: &Genesis, rules: ContainerRules, names: Names) -> Self {
        let mut document = genesis.document().unwrap();
        let (facts, note, memo) = (names.facts.0, names.note.0, names.memo.0);
        let genesis_actor = document.metas()[0].actor.as_bytes().to_vec();
        let (ann, bob) = (stamp(ANNS, ANN), stamp(BOBS, BOB));
        write(&mut document, None, &ann, |w| w.put(facts, "phone", b"1".to_vec()));
        let early = document.heads();
        write(&mut document, None, &ann, |w| w.put(facts, "fax", b"2".to_vec()));
        write(&mut document, None, &ann, |w| w.splice(note, 0, 0, "hello"));
        write(&mut document, None, &ann, |w| w.splice(memo, 0, 0, "abc"));
        write(&mut document, None, &ann, |w| w.splice(note, 1, 2, "E"));
        write(&mut document, None, &ann, |w| w.put(facts, "phone", b"3".to_vec()));
        write(&mut document, Some(&early), &bob, |w| w.put(facts, "phone", b"4".to_vec()));
        let rivals = |key: &str| -> Vec<Id> {
            let register = document.registers(facts).into_iter().find(|register| register.key == key).unwrap();
            register.rivals.iter().map(|rival| Id(rival.op.counter, rival.op.actor.as_bytes().to_vec())).collect()
        };
        let metas = document.metas();
        let start =
            |seq: u64| Id(metas.iter().find(|meta| meta.actor.as_bytes() == ANNS && meta.seq == seq).unwrap().start_op, ANNS.to_vec());
        let (phone, fax) = (rivals("phone"), rivals("fax").remove(0));
        assert_eq!(phone.len(), 2, "the phone number has rivals");
        Self { rules, names, phone, fax, note_first: start(3), memo_first: start(4), early, genesis_actor, document }
    }

    /// The id of a container, by its number in the genesis.
    pub(crate) fn container(&self, number: u64) -> Option<Id> {
        Some(Id(number, self.genesis_actor.clone()))
    }

    pub(crate) fn facts(&self) -> Option<Id> {
        self.container(self.names.facts.1)
    }

    pub(crate) fn sets(&self) -> Option<Id> {
        self.container(self.names.sets.1)
    }

    pub(crate) fn memo(&self) -> Option<Id> {
        self.container(self.names.memo.1)
    }

    pub(crate) fn note(&self) -> Option<Id> {
        self.container(self.names.note.1)
    }

    /// The first counter that is free.
    pub(crate) fn next_op(&self) -> u64 {
        self.document.metas().iter().map(|meta| meta.max_op).max().unwrap() + 1
    }

    pub(crate) fn deps(&self) -> Vec<[u8; 32]> {
        self.document.heads().hashes().iter().map(|hash| hash.0).collect()
    }

    /// Cat's first change, with these operations: honest as long as they are.
    pub(crate) fn change(&self, ops: Vec<Op>) -> Forged {
        Forged {
            deps: self.deps(),
            actor: CATS.to_vec(),
            seq: 1,
            start_op: self.next_op(),
            time: 1_700_000_000_000,
            message: b"+0".to_vec(),
            ops,
            extra: [&[1, 16][..], CAT.as_bytes()].concat(),
        }
    }

    /// An honest register.
    pub(crate) fn put(&self, key: &str) -> Op {
        self.set(self.facts(), Key::Name(key.into()), (7, b"value".to_vec()))
    }

    /// A plain `set`.
    pub(crate) fn set(&self, object: Option<Id>, key: Key, value: (u8, Vec<u8>)) -> Op {
        Op { object, key, insert: false, action: action::SET, value, pred: Vec::new(), expand: false, mark: None }
    }

    /// A character typed into the note.
    pub(crate) fn typed(&self, key: Key) -> Op {
        Op { insert: true, ..self.set(self.note(), key, (6, b"x".to_vec())) }
    }

    /// Id of the n-th operation of Cat's first change.
    pub(crate) fn own(&self, n: u64) -> Id {
        Id(self.next_op() + n, CATS.to_vec())
    }

    /// Hands changes in from Cat's device.
    pub(crate) fn admit(&self, gate: &Gate, changes: &[Vec<u8>]) -> Admission {
        let owns = |actor: &ActorId| actor.as_bytes() != STRANGE;
        let source = Source::Device { user: CAT, owns: &owns };
        let incoming: Vec<Incoming<'_>> = changes.iter().map(|bytes| Incoming { bytes, source }).collect();
        gate.admit(&self.document, &self.rules, &incoming, &|_| Ok(()))
    }

    /// Takes changes as a phone takes them from its server.
    pub(crate) fn follow(&self, gate: &Gate, changes: &[Vec<u8>]) -> Admission {
        let incoming: Vec<Incoming<'_>> = changes.iter().map(|bytes| Incoming { bytes, source: Source::Feed }).collect();
        gate.admit(&self.document, &self.rules, &incoming, &|_| Ok(()))
    }

    /// Whatever was accepted, everybody can go on: the document reloads, others take the changes and reach the same state, an
    /// honest edit made meanwhile still merges, and the next edit works.
    pub(crate) fn lives_on(&self, admission: &Admission) {
        let Some(document) = &admission.document else { return };
        let mut document = document.clone();
        let reloaded = Document::load(&document.save()).unwrap();
        assert_eq!(reloaded.heads(), document.heads());
        let mut accepted: Vec<RawChange> = Vec::new();
        for outcome in &admission.outcomes {
            if let Outcome::Accepted(change) = outcome {
                accepted.push(change.raw.clone());
            }
        }
        let mut phone = self.document.clone();
        let mine = write(&mut phone, None, &stamp(fresh(&document, 1), ANN), |w| w.put(self.names.facts.0, "phone", b"honest".to_vec()));
        phone.apply(&accepted).unwrap();
        document.apply(&[mine]).unwrap();
        assert_eq!(phone.heads(), document.heads());
        assert_eq!(phone.registers(self.names.facts.0).len(), document.registers(self.names.facts.0).len());
        assert_eq!(phone.text(self.names.note.0), document.text(self.names.note.0));
        let next = stamp(fresh(&document, 2), BOB);
        write(&mut document, None, &next, |w| {
            w.put(self.names.facts.0, "phone", b"after".to_vec())?;
            w.splice(self.names.note.0, 0, 1, "né")
        });
        let again = Document::load(&document.save()).unwrap();
        assert_eq!(again.heads(), document.heads());
        assert_eq!(again.text(self.names.note.0), document.text(self.names.note.0));
        let phone: Vec<_> = again.registers(self.names.facts.0).into_iter().filter(|register| register.key == "phone").collect();
        assert_eq!(phone[0].rivals.last().unwrap().bytes, b"after");
    }
}
