//! S12: replicas without a server. Five of them write every merge type into the same documents, while changes are delivered
//! late, twice, out of order, or only after a partition ends; then all must be alike and nothing may be missing. At the level
//! of documents and their folding: no store, no exchange (`laws` does those).

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use roadbook_core::crdt::{ChangeStamp, Document, DocumentError, Heads, RawChange};
use roadbook_core::ids::{ActorId, ChangeHash, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::card::Card;
use roadbook_core::model::clock::ClockNote;
use roadbook_core::model::tour::Tour;
use roadbook_core::model::visit::Visit;
use roadbook_core::model::{Edit, EditError, Kind, Value, edit, kinds};
use roadbook_core::replica::Stamp;

use crate::world::chance::Chance;
use crate::world::{edits, shrink};

const REPLICAS: usize = 5;
/// Operations of one run, as the scenario asks; of an ordinary test run, which is to be quick.
const OPERATIONS: usize = 10_000;
const OPERATIONS_QUICK: usize = 3_000;
/// Seeds of the scenario.
const SEEDS: [u64; 3] = [1, 2, 3];
const MONDAY: Ms = Ms(1_772_409_600_000);

/// What happens next. Each step draws from a seed of its own, so that steps can be left out without changing the others.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A form of a document is opened; a later save may be made at the state that it showed.
    Look { replica: usize, doc: usize },
    /// A save of one to four operations.
    Write { replica: usize, doc: usize, seed: u64 },
    /// Some of what waits for a replica arrives, in any order, some of it to come again.
    Deliver { replica: usize, seed: u64 },
    /// Two replicas tell each other everything.
    Meet { one: usize, other: usize },
    /// The process starts anew: documents are saved and loaded, the actor is another.
    Restart { replica: usize, seed: u64 },
    /// Only replicas on the same side hear each other from now on; all on one side ends it.
    Part { sides: u8 },
}

/// The documents of a run: kind and what they are about.
fn documents() -> Vec<(&'static Kind, SubjectId)> {
    let subject = |n: u8| SubjectId::from_bytes([n; 16]);
    vec![
        (&kinds::CUSTOMER, subject(1)),
        (&kinds::CUSTOMER, subject(2)),
        (&kinds::CUSTOMER, subject(3)),
        (&kinds::OFFICE, subject(1)),
        (&kinds::TOUR, subject(10)),
        (&kinds::TOUR, subject(11)),
        (&kinds::VISIT, subject(20)),
    ]
}

struct Peer {
    user: UserId,
    actor: ActorId,
    documents: Vec<Document>,
    forms: Vec<Option<Heads>>,
    /// Changes on their way to this replica.
    inbox: Vec<(usize, RawChange)>,
}

struct Run {
    peers: Vec<Peer>,
    sides: u8,
    clock: Ms,
    /// Every change that was made, by document.
    made: Vec<BTreeSet<ChangeHash>>,
    /// Notes of assertions, by document and container: each must be found in the history.
    noted: BTreeMap<(usize, &'static str), BTreeSet<String>>,
    /// Movements of counters: each counts once.
    moved: BTreeMap<usize, i64>,
    recorded: BTreeSet<(usize, EntryId)>,
    operations: usize,
    /// What was written, in words: told of a history that fails.
    told: Option<Vec<String>>,
}

fn history(seed: u64, operations: usize) -> Vec<Step> {
    let mut chance = Chance::new(seed);
    let documents = documents().len();
    let mut steps = Vec::new();
    let mut writes = 0;
    // Two and a half operations a save on average.
    while writes * 5 / 2 < operations {
        let replica = chance.below(REPLICAS);
        let doc = chance.below(documents);
        steps.push(match chance.below(100) {
            0..=5 => Step::Look { replica, doc },
            6..=69 => {
                writes += 1;
                Step::Write { replica, doc, seed: chance.next() }
            }
            70..=91 => Step::Deliver { replica, seed: chance.next() },
            92..=93 => Step::Meet { one: replica, other: chance.below(REPLICAS) },
            94..=95 => Step::Restart { replica, seed: chance.next() },
            _ => Step::Part { sides: if chance.in_thousand(500) { 0 } else { chance.below(32) as u8 } },
        });
    }
    steps
}

impl Run {
    fn new() -> Self {
        let documents = documents();
        let peer = |n: usize| Peer {
            // Two replicas belong to one person.
            user: UserId::from_bytes([(n / 2 + 1) as u8; 16]),
            actor: ActorId::short([n as u8 + 1; 32]),
            documents: documents.iter().map(|(kind, _)| kinds::ready(kind.id).unwrap().genesis.clone()).collect(),
            forms: vec![None; documents.len()],
            inbox: Vec::new(),
        };
        Self {
            peers: (0..REPLICAS).map(peer).collect(),
            sides: 0,
            clock: MONDAY,
            made: vec![BTreeSet::new(); documents.len()],
            noted: BTreeMap::new(),
            moved: BTreeMap::new(),
            recorded: BTreeSet::new(),
            operations: 0,
            told: None,
        }
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        self.clock = self.clock.plus(1_000);
        match step {
            Step::Look { replica, doc } => {
                let peer = &mut self.peers[replica];
                peer.forms[doc] = Some(peer.documents[doc].heads());
                Ok(())
            }
            Step::Write { replica, doc, seed } => self.write(replica, doc, &mut Chance::new(seed)),
            Step::Deliver { replica, seed } => self.deliver(replica, &mut Chance::new(seed)),
            Step::Meet { one, other } => self.meet(one, other),
            Step::Restart { replica, seed } => {
                let mut chance = Chance::new(seed);
                let mut actor = [0; 32];
                actor[..16].copy_from_slice(&chance.bytes());
                let peer = &mut self.peers[replica];
                peer.actor = ActorId::short(actor);
                for document in &mut peer.documents {
                    let loaded = Document::load(&document.save()).map_err(|e| format!("what was saved does not load: {e}"))?;
                    if loaded.heads() != document.heads() {
                        return Err("a loaded document has other heads".to_owned());
                    }
                    *document = loaded;
                }
                Ok(())
            }
            Step::Part { sides } => {
                self.sides = sides;
                Ok(())
            }
        }
    }

    fn write(&mut self, replica: usize, doc: usize, chance: &mut Chance) -> Result<(), String> {
        let (kind, _) = documents()[doc];
        // Clocks differ by up to ten minutes, and one is days ahead.
        let skew = if replica == 3 { 3 * Ms::DAY } else { (replica as i64 - 2) * 300_000 };
        let now = self.clock.plus(skew);
        let at = if chance.in_thousand(300) { self.peers[replica].forms[doc].take() } else { None };
        let stamp = Stamp { author: self.peers[replica].user, now, entropy: chance.bytes() };
        let (edits, at) = self.edits(replica, doc, at, &stamp, chance);
        let note = match chance.below(20) {
            0 => ClockNote::Unsure { floor: self.clock },
            1 => ClockNote::Offset(-skew),
            _ => ClockNote::Agreed,
        };
        if let Some(told) = &mut self.told {
            let form = if at.is_some() { ", in an older form" } else { "" };
            told.push(format!("replica {replica} writes {} {doc}{form}: {edits:#?}", kind.id));
        }
        let peer = &mut self.peers[replica];
        let written = ChangeStamp { actor: peer.actor.clone(), author: Some(peer.user), time: now, note: note.to_note() };
        let change = peer.documents[doc].write::<EditError>(at.as_ref(), &written, |writer| edit::write(kind, &edits, writer));
        let change = change.map_err(|e| format!("{} refuses {edits:?}: {e}", kind.id))?;
        self.operations += edits.len();
        let Some(change) = change else { return Ok(()) };
        self.note(doc, &edits);
        self.made[doc].insert(change.hash);
        for other in (0..REPLICAS).filter(|other| *other != replica) {
            let apart = (self.sides >> replica) & 1 != (self.sides >> other) & 1;
            if !apart && !chance.in_thousand(150) {
                self.peers[other].inbox.push((doc, change.clone()));
            }
        }
        Ok(())
    }

    /// What is written next, and the heads that it is written at.
    fn edits(&mut self, replica: usize, doc: usize, at: Option<Heads>, stamp: &Stamp, chance: &mut Chance) -> (Vec<Edit>, Option<Heads>) {
        let (kind, subject) = documents()[doc];
        let document = &self.peers[replica].documents[doc];
        let serial = |n: usize| format!("{} {n} {}", self.operations, EntryId::from_bytes(stamp.entropy));
        match kind.id {
            "customer" => {
                let length = |field: &str| {
                    let text = at.as_ref().map_or_else(|| document.text(field), |at| document.text_at(field, at));
                    text.unwrap_or_default().chars().count()
                };
                let mut edits: Vec<Edit> = Vec::new();
                for n in 0..1 + chance.below(4) {
                    let edit = edits::card_edit(chance, stamp.now, &serial(n), length);
                    // A second edit of one text would have to reckon with the first.
                    let splices = |edit: &Edit| matches!(edit, Edit::Splice { .. });
                    if !splices(&edit) || !edits.iter().any(splices) {
                        edits.push(edit);
                    }
                }
                if chance.in_thousand(30) {
                    let actor = chance.pick(&self.peers).actor.to_string();
                    edits.push(Edit::Put { container: "clocks".to_owned(), key: actor, value: Value::Int(chance.between(-9, 9) * 60_000) });
                }
                (edits, at)
            }
            "office" => ((0..1 + chance.below(3)).map(|n| edits::office_edit(chance, &serial(n))).collect(), at),
            "tour" => {
                let key = edits::pooled_tour(UserId::from_bytes(*subject.as_bytes()), chrono::NaiveDate::default());
                let tour = Tour::fold(key.doc(), document);
                let pool: Vec<SubjectId> = (1..8).map(|n| SubjectId::from_bytes([n; 16])).collect();
                let planned = chance.in_thousand(400);
                let (target, edits) = if planned {
                    edits::plan_work(chance, stamp, &key, tour.plan.is_some().then_some(&tour), &pool)
                } else {
                    edits::progress_work(chance, stamp, &tour, &pool)
                };
                (edits, at.or(target.at))
            }
            _ => {
                let field = *chance.pick(&["feedback", "problems", "met"]);
                let edit = match chance.below(3) {
                    0 => Edit::Assert { field: field.to_owned(), value: serial(0).as_str().into(), provenance: Default::default() },
                    1 => Edit::Assert {
                        field: "check_in".to_owned(),
                        value: Value::map([("claimed", Value::Int(stamp.now.0))]),
                        provenance: Default::default(),
                    },
                    _ => Edit::Record {
                        log: "amendments".to_owned(),
                        entry: EntryId::from_bytes(stamp.entropy),
                        value: Value::map([("field", field.into()), ("value", serial(0).as_str().into())]),
                    },
                };
                (vec![edit], at)
            }
        }
    }

    /// Remembers what must be found again.
    fn note(&mut self, doc: usize, edits: &[Edit]) {
        for edit in edits {
            match edit {
                Edit::Assert { provenance, .. } => {
                    let container = if documents()[doc].0.id == "visit" { "body" } else { "facts" };
                    self.noted.entry((doc, container)).or_default().extend(provenance.note.clone());
                }
                Edit::Entry { provenance, .. } => self.noted.entry((doc, "entries")).or_default().extend(provenance.note.clone()),
                Edit::Move { by, .. } => *self.moved.entry(doc).or_default() += by,
                Edit::Record { entry, .. } => {
                    self.recorded.insert((doc, *entry));
                }
                Edit::Confirm { .. }
                | Edit::Include { .. }
                | Edit::Exclude { .. }
                | Edit::RemoveEntry { .. }
                | Edit::Splice { .. }
                | Edit::Rewrite { .. }
                | Edit::Put { .. } => {}
            }
        }
    }

    fn deliver(&mut self, replica: usize, chance: &mut Chance) -> Result<(), String> {
        let peer = &mut self.peers[replica];
        for _ in 0..chance.below(12) {
            if peer.inbox.is_empty() {
                break;
            }
            let at = chance.below(peer.inbox.len());
            let again = chance.in_thousand(200);
            let (doc, change) = if again { peer.inbox[at].clone() } else { peer.inbox.swap_remove(at) };
            match peer.documents[doc].apply(std::slice::from_ref(&change)) {
                Ok(()) => {}
                // What it builds on is still on its way, or was lost: it waits.
                Err(DocumentError::MissingDependencies(_)) if again => {}
                Err(DocumentError::MissingDependencies(_)) => peer.inbox.push((doc, change)),
                Err(error) => return Err(format!("a change of ours is refused: {error}")),
            }
        }
        Ok(())
    }

    fn meet(&mut self, one: usize, other: usize) -> Result<(), String> {
        for doc in 0..self.made.len() {
            let (ours, theirs) = (self.peers[one].documents[doc].heads(), self.peers[other].documents[doc].heads());
            let to_other = self.peers[one].documents[doc].changes_since(&theirs);
            let to_one = self.peers[other].documents[doc].changes_since(&ours);
            self.peers[other].documents[doc].apply(&to_other).map_err(|e| e.to_string())?;
            self.peers[one].documents[doc].apply(&to_one).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// Everybody hears everything; then the laws.
    fn end(mut self) -> Result<(), String> {
        for _ in 0..2 {
            for one in 0..REPLICAS {
                for other in 0..one {
                    self.meet(one, other)?;
                }
            }
        }
        for peer in &mut self.peers {
            let before: Vec<Heads> = peer.documents.iter().map(Document::heads).collect();
            for (doc, change) in std::mem::take(&mut peer.inbox) {
                peer.documents[doc].apply(&[change]).map_err(|e| format!("what came late is refused: {e}"))?;
            }
            if before != peer.documents.iter().map(Document::heads).collect::<Vec<_>>() {
                return Err("what was known already changed something".to_owned());
            }
        }
        let shown: Vec<Vec<String>> = self.peers.iter().map(shown).collect();
        for (doc, made) in self.made.iter().enumerate() {
            let kind = documents()[doc].0.id;
            for (n, peer) in self.peers.iter().enumerate() {
                if let Some(lost) = made.iter().find(|hash| !peer.documents[doc].holds(hash)) {
                    return Err(format!("{kind} {doc}: replica {n} lacks {lost}"));
                }
                if shown[n][doc] != shown[0][doc] {
                    return Err(format!("{kind} {doc}: replica {n} shows\n{}\nreplica 0 shows\n{}", shown[n][doc], shown[0][doc]));
                }
            }
        }
        self.nothing_is_missing()
    }

    fn nothing_is_missing(&self) -> Result<(), String> {
        for ((doc, container), notes) in &self.noted {
            let past = self.peers[0].documents[*doc].history_of(container, |_| true);
            let found: BTreeSet<String> =
                past.iter().filter_map(|(_, past)| roadbook_core::model::Assertion::of_past(past)?.note).collect();
            if let Some(lost) = notes.iter().find(|note| !found.contains(*note)) {
                return Err(format!("document {doc}: assertion {lost:?} is in nobody's history"));
            }
        }
        for (doc, expected) in &self.moved {
            let sum: i64 = (self.peers[0].documents[*doc].registers("moves").iter())
                .filter_map(|register| roadbook_core::model::Assertion::of_rival(register.rivals.first()?)?.value.as_int())
                .sum();
            if sum != *expected {
                return Err(format!("document {doc}: movements sum to {sum}, {expected} were made"));
            }
        }
        for (doc, entry) in &self.recorded {
            let (container, key) = match documents()[*doc].0.id {
                "visit" => ("amendments", format!("amendments/{entry}")),
                _ => ("log", format!("interactions/{entry}")),
            };
            if !self.peers[0].documents[*doc].registers(container).iter().any(|register| register.key == key) {
                return Err(format!("document {doc}: log entry {entry} is gone"));
            }
        }
        Ok(())
    }
}

/// What a replica shows of every document.
fn shown(peer: &Peer) -> Vec<String> {
    let office = documents().iter().position(|(kind, _)| kind.id == "office");
    documents()
        .iter()
        .zip(&peer.documents)
        .map(|((kind, subject), document)| {
            let folded = match kind.id {
                "customer" => {
                    let card = Card::fold(*subject, document, office.map(|at| &peer.documents[at]));
                    serde_json::to_string_pretty(&card).unwrap()
                }
                "tour" => format!("{:#?}", Tour::fold(subject.customer(), document)),
                "visit" => format!("{:#?}", Visit::fold(subject.customer(), *subject, document)),
                _ => format!("{:#?}", document.registers("facts")),
            };
            format!("{:?} {folded}", document.heads())
        })
        .collect()
}

/// Why a history breaks a law, or `None`.
fn fails(steps: &[Step]) -> Option<String> {
    let run = || {
        let mut run = Run::new();
        steps.iter().try_for_each(|step| run.step(*step))?;
        run.end()
    };
    match std::panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(outcome) => outcome.err(),
        Err(_) => Some("a panic (its place is printed above)".to_owned()),
    }
}

/// A history in words.
fn told(steps: &[Step]) -> String {
    let mut run = Run { told: Some(Vec::new()), ..Run::new() };
    // It fails by panicking or not; what was written until then is told.
    let _outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        for step in steps {
            if !matches!(step, Step::Write { .. }) {
                run.told.iter_mut().for_each(|told| told.push(format!("{step:?}")));
            }
            let _failed = run.step(*step);
        }
    }));
    run.told.unwrap_or_default().join("\n")
}

/// One short run of each seed; `ROADBOOK_RUNS=1000` does all that the scenario asks.
#[test]
fn s12_any_history_of_every_merge_type_converges_and_loses_nothing() {
    let asked: Option<u64> = std::env::var("ROADBOOK_RUNS").ok().and_then(|runs| runs.parse().ok());
    let (runs, operations) = asked.map_or((1, OPERATIONS_QUICK), |runs| (runs, OPERATIONS));
    for seed in SEEDS {
        for run in 0..runs {
            let steps = history(seed * 1_000_000 + run, operations);
            if let Some(why) = fails(&steps) {
                let (steps, why) = shrink::smallest(&steps, why, fails);
                panic!("seed {seed}, run {run}: {why}\nsmallest history that fails, {} steps:\n{}", steps.len(), told(&steps));
            }
        }
    }
}
