//! Hostile bytes at the gate: aimed cases by family, and random ones by seed. None may panic out, take a second, or leave a
//! document that does not reload; honest ones pass. The corpus is code, so that every case says what is wrong with it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code: a failing test says where, and forged bytes are cut where they are known to be"
)]

mod columns;
mod cost;
mod flood;
mod forge;
mod framing;
mod grammar;
mod guises;
mod header;
mod history;
mod phone;
mod random;
mod replay;
mod schema;
#[path = "fuzz/src/seeds.rs"]
#[allow(unreachable_pub, reason = "public towards the fuzz crate")]
mod seeds;
mod server;
mod snapshots;
#[path = "fuzz/src/targets.rs"]
#[allow(unreachable_pub, reason = "public towards the fuzz crate")]
mod targets;
mod values;
pub(crate) mod world;

use std::time::{Duration, Instant};

use roadbook_core::crdt::gate::{Admission, Gate, Outcome, silence_caught_panics};

use self::forge::Forged;
use self::world::World;

/// Longest time that one call may take, in a build without optimisation of our own code.
const CALL_MAX: Duration = Duration::from_secs(1);

/// What the strict gate is to say to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Accepted,
    Known,
    Missing,
    Forked,
    /// Not judged: the call had enough to do.
    Postponed,
    /// Refused at any step.
    Refused,
    /// Refused at this step (1 to 3 count as 3).
    Step(u8),
}

/// Changes handed in together.
pub(crate) struct Case {
    pub(crate) name: String,
    expect: Vec<Expect>,
    pub(crate) changes: Vec<Vec<u8>>,
}

impl Case {
    /// Whether headquarters is to accept nothing of it.
    fn is_hostile(&self) -> bool {
        !self.expect.contains(&Expect::Accepted)
    }
}

fn case(name: &str, expect: Expect, bytes: Vec<u8>) -> Case {
    Case { name: name.to_owned(), expect: vec![expect], changes: vec![bytes] }
}

fn sequence<const N: usize>(name: &str, expect: &[Expect], changes: [&Forged; N]) -> Case {
    Case { name: name.to_owned(), expect: expect.to_vec(), changes: changes.iter().map(|change| change.bytes()).collect() }
}

impl Expect {
    fn met_by(self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Self::Accepted, Outcome::Accepted(_))
            | (Self::Known, Outcome::AlreadyKnown { .. })
            | (Self::Missing, Outcome::MissingDependencies { .. })
            | (Self::Forked, Outcome::Forked { .. })
            | (Self::Postponed, Outcome::Postponed { .. })
            | (Self::Refused, Outcome::Refused { .. }) => true,
            (Self::Step(step), Outcome::Refused { refusal, .. }) => refusal.step() == step,
            _ => false,
        }
    }
}

/// Runs a call; a slow one gets a second chance, because other work may have had the processor.
fn timed<T>(name: &str, call: impl Fn() -> T) -> T {
    for _ in 0..2 {
        let begin = Instant::now();
        let result = call();
        if begin.elapsed() < CALL_MAX {
            return result;
        }
    }
    panic!("{name}: took more than {CALL_MAX:?}");
}

fn run(cases: &[Case]) {
    silence_caught_panics();
    let world = World::new();
    let (strict, lenient) = (Gate::strict(), Gate::lenient());
    let mut wrong = Vec::new();
    for case in cases {
        let admission: Admission = timed(&case.name, || world.admit(&strict, &case.changes));
        for (expect, outcome) in case.expect.iter().zip(&admission.outcomes) {
            if !expect.met_by(outcome) {
                wrong.push(format!("{}: expected {expect:?}, got {outcome:?}", case.name));
            }
        }
        assert_eq!(admission.outcomes.len(), case.expect.len(), "{}", case.name);
        world.lives_on(&admission);
        world.lives_on(&timed(&case.name, || world.follow(&lenient, &case.changes)));
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn framing_is_checked() {
    run(&framing::cases(&World::new()));
}

#[test]
fn headers_are_bounded() {
    run(&header::cases(&World::new()));
}

#[test]
fn columns_are_bounded_before_they_are_expanded() {
    run(&columns::cases(&World::new()));
}

#[test]
fn history_cannot_be_forged() {
    run(&history::cases(&World::new()));
}

#[test]
fn references_lead_where_they_must() {
    run(&schema::references(&World::new()));
}

#[test]
fn the_schema_holds() {
    run(&schema::breaches(&World::new()));
}

#[test]
fn every_action_everywhere() {
    run(&grammar::cases(&World::new()));
}

#[test]
fn every_value_everywhere() {
    run(&values::cases(&World::new()));
}

#[test]
fn a_flood_is_cut() {
    run(&flood::cases(&World::new()));
}

/// A family of cases.
type Family = (&'static str, fn(&World) -> Vec<Case>);

/// Every family of aimed cases.
const FAMILIES: [Family; 9] = [
    ("framing", framing::cases),
    ("header", header::cases),
    ("columns", columns::cases),
    ("history", history::cases),
    ("references", schema::references),
    ("schema", schema::breaches),
    ("grammar", grammar::cases),
    ("values", values::cases),
    ("flood", flood::cases),
];

/// The hostile ones: none of the changes of such a case is to be accepted by headquarters.
pub(crate) fn hostile_cases(world: &World) -> Vec<Case> {
    FAMILIES.iter().flat_map(|(_, family)| family(world)).filter(Case::is_hostile).collect()
}

#[test]
fn there_are_enough_cases() {
    let world = World::new();
    let all: Vec<Case> = FAMILIES.iter().flat_map(|(_, family)| family(&world)).collect();
    let hostile = all.iter().filter(|case| case.is_hostile()).count();
    let changes: usize = all.iter().map(|case| case.changes.len()).sum();
    assert!(hostile >= 700 && changes >= 3_000, "{hostile} hostile cases, {changes} changes");
}

#[test]
fn the_forge_writes_what_the_core_writes() {
    let world = World::new();
    let mut phone = world.document.clone();
    let honest = world::write(&mut phone, None, &world::stamp(world::CATS, world::CAT), |w| {
        w.put("facts", "phone", b"value".to_vec())?;
        w.put("facts", "mail", b"value".to_vec())
    });
    let mut first = world.put("phone");
    first.pred.clone_from(&world.phone);
    assert_eq!(world.change(vec![first, world.put("mail")]).bytes(), honest.bytes);
}
