//! Whole documents from outside: the phone's side of the gate.

use roadbook_core::crdt::gate::{Gate, Refusal, silence_caught_panics};
use roadbook_core::crdt::{Document, Genesis, Shape};

use super::forge::{Key, checksum, chunk, contents, deltas, framed, layout, nulls, run, sleb, uleb};
use super::random::Dice;
use super::timed;
use super::world::{ANN, BOB, World, stamp, write};

/// A document chunk in parts.
#[derive(Clone)]
struct Parts {
    /// Actors and heads.
    prefix: Vec<u8>,
    changes: Vec<(u32, Vec<u8>)>,
    ops: Vec<(u32, Vec<u8>)>,
    /// Where the heads are.
    suffix: Vec<u8>,
}

impl Parts {
    fn of(snapshot: &[u8]) -> Self {
        let inside = contents(snapshot);
        let (actors, mut end) = at_number(inside, 0);
        for _ in 0..actors {
            let (length, from) = at_number(inside, end);
            end = from + length as usize;
        }
        let (heads, from) = at_number(inside, end);
        end = from + 32 * heads as usize;
        let prefix = inside[..end].to_vec();
        let (changes, end) = Self::layout(inside, end);
        let (ops, mut end) = Self::layout(inside, end);
        let mut take = |layout: Vec<(u32, usize)>| -> Vec<(u32, Vec<u8>)> {
            let columns = layout.into_iter().map(|(spec, length)| {
                end += length;
                (spec, inside[end - length..end].to_vec())
            });
            columns.collect()
        };
        let (changes, ops) = (take(changes), take(ops));
        Self { prefix, changes, ops, suffix: inside[end..].to_vec() }
    }

    fn layout(inside: &[u8], end: usize) -> (Vec<(u32, usize)>, usize) {
        let (count, mut end) = at_number(inside, end);
        let mut layout = Vec::new();
        for _ in 0..count {
            let (spec, next) = at_number(inside, end);
            let (length, next) = at_number(inside, next);
            end = next;
            layout.push((spec as u32, length as usize));
        }
        (layout, end)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut inside = self.prefix.clone();
        inside.extend(layout(&self.changes));
        inside.extend(layout(&self.ops));
        self.changes.iter().chain(&self.ops).for_each(|(_, bytes)| inside.extend(bytes));
        inside.extend(&self.suffix);
        chunk(0, &inside)
    }

    fn change(&self, spec: u32, bytes: Vec<u8>) -> Vec<u8> {
        let mut parts = self.clone();
        replace(&mut parts.changes, spec, bytes);
        parts.bytes()
    }

    fn op(&self, spec: u32, bytes: Vec<u8>) -> Vec<u8> {
        let mut parts = self.clone();
        replace(&mut parts.ops, spec, bytes);
        parts.bytes()
    }
}

fn replace(columns: &mut Vec<(u32, Vec<u8>)>, spec: u32, bytes: Vec<u8>) {
    columns.retain(|(other, _)| *other != spec);
    if !bytes.is_empty() {
        columns.push((spec, bytes));
        columns.sort_by_key(|(spec, _)| *spec);
    }
}

fn at_number(bytes: &[u8], mut at: usize) -> (u64, usize) {
    let mut value = 0u64;
    let mut shift = 0;
    loop {
        value |= u64::from(bytes[at] & 0x7f) << shift;
        shift += 7;
        at += 1;
        if bytes[at - 1] & 0x80 == 0 {
            return (value, at);
        }
    }
}

pub(super) fn refused(world: &World) -> Vec<(String, Vec<u8>)> {
    let honest = world.document.save();
    let inside = contents(&honest).to_vec();
    let parts = Parts::of(&honest);
    assert_eq!(parts.bytes(), honest, "the document is taken apart and put together");
    let changes = world.document.metas().len() as u64;
    let mut cases: Vec<(String, Vec<u8>)> = vec![
        ("nothing".into(), Vec::new()),
        ("an empty document".into(), chunk(0, &[0, 0, 0, 0])),
        ("a change".into(), world.change(vec![world.put("k")]).bytes()),
        ("kind 1".into(), chunk(1, &inside)),
        ("checksum of kind 1".into(), framed(0, &checksum(1, &inside), &inside)),
        ("4 MiB and a byte".into(), chunk(0, &vec![0; 4 << 20])),
        ("a byte behind".into(), [&honest[..], &[0]].concat()),
        ("a byte behind, inside".into(), chunk(0, &[&inside[..], &[0]].concat())),
        ("an orphan behind".into(), [&honest[..], &world.change(vec![world.put("k")]).bytes()].concat()),
        ("2^60 actors".into(), chunk(0, &uleb(1 << 60))),
        ("2^60 heads".into(), chunk(0, &[vec![0], uleb(1 << 60)].concat())),
        ("heads that are elsewhere".into(), Parts { suffix: vec![0; parts.suffix.len()], ..parts.clone() }.bytes()),
        ("heads beyond the end".into(), Parts { suffix: vec![0x7f; parts.suffix.len()], ..parts.clone() }.bytes()),
        ("no heads".into(), Parts { suffix: Vec::new(), ..parts.clone() }.bytes()),
        ("numbers with gaps".into(), parts.change(3, deltas((0..changes).map(|n| Some(n as i64 * 2 + 1))))),
        ("number 0".into(), parts.change(3, deltas((0..changes).map(|n| Some(n as i64))))),
        ("counters that fall".into(), parts.change(19, deltas((0..changes).map(|n| Some(100 - n as i64))))),
        ("counters of 2^40".into(), parts.change(19, deltas((0..changes).map(|n| Some((1 << 40) + n as i64))))),
        ("times before 1970".into(), parts.change(35, deltas((0..changes).map(|_| Some(-5))))),
        ("times at the end".into(), parts.change(35, deltas((0..changes).map(|_| Some(i64::MAX))))),
        ("times that overflow".into(), parts.change(35, [sleb(-2), sleb(i64::MAX), sleb(i64::MAX)].concat())),
        ("each change on the next".into(), parts.change(67, deltas((0..changes).map(|n| Some(n as i64 + 1))))),
        ("each change on itself".into(), parts.change(67, deltas((0..changes).map(|n| Some(n as i64))))),
        ("no dependencies".into(), parts.change(64, run(changes as i64, &uleb(0)))),
        ("unknown actors".into(), parts.change(1, run(changes as i64, &uleb(99)))),
        ("one actor for all".into(), parts.change(1, run(changes as i64, &uleb(0)))),
        ("a deflated column".into(), parts.op(66 | 8, super::forge::deflate(&[1; 10]))),
        ("an unknown column".into(), parts.op(0x1f5, vec![1, 1, 1])),
        ("no actions".into(), parts.op(66, Vec::new())),
        ("no ids".into(), parts.op(33, Vec::new())),
        ("no successors".into(), parts.op(129, Vec::new())),
        ("2^60 successors counted".into(), parts.op(128, run(1, &uleb(1 << 60)))),
    ];
    for (spec, _) in &parts.ops {
        for count in [27, 40, 60] {
            cases.push((format!("column {spec} of the operations: a run of 2^{count}"), parts.op(*spec, run(1 << count, &uleb(1)))));
        }
        cases.push((format!("column {spec} of the operations: 2^63 nulls"), parts.op(*spec, nulls(1 << 63))));
        cases.push((format!("column {spec} of the operations: one row"), parts.op(*spec, run(-1, &uleb(1)))));
    }
    for (spec, _) in &parts.changes {
        cases.push((format!("column {spec} of the changes: a run of 2^40"), parts.change(*spec, run(1 << 40, &uleb(1)))));
        cases.push((format!("column {spec} of the changes: 2^63 nulls"), parts.change(*spec, nulls(1 << 63))));
    }
    // 150 000 registers out of a few hundred bytes.
    let rows = 150_000i64;
    let bomb = vec![
        (21u32, run(rows, &[1, b'k'])),
        (33, run(rows, &uleb(0))),
        (35, run(rows, &sleb(1))),
        (52, uleb(rows as u64)),
        (66, run(rows, &uleb(0))),
        (86, run(rows, &uleb(0))),
        (128, run(rows, &uleb(0))),
    ];
    cases.push(("150 000 operations that cost nothing".into(), Parts { ops: bomb, ..parts.clone() }.bytes()));
    for cut in [1, 4, 9, 12, honest.len() / 3, honest.len() / 2, honest.len() - 1] {
        cases.push((format!("cut to {cut}"), honest[..cut].to_vec()));
        cases.push((format!("contents cut to {cut}"), chunk(0, &inside[..cut.min(inside.len() - 1)])));
    }
    cases
}

#[test]
fn snapshots_are_bounded_and_whole() {
    silence_caught_panics();
    let world = World::new();
    let gate = Gate::lenient();
    let genesis = world.rules.genesis();
    let opened = gate.admit_snapshot(&world.document.save(), genesis).unwrap();
    assert_eq!(opened.heads(), world.document.heads());
    let cases = refused(&world);
    assert!(cases.len() >= 120, "{} cases", cases.len());
    let accepted: Vec<&String> =
        cases.iter().filter(|(name, bytes)| timed(name, || gate.admit_snapshot(bytes, genesis)).is_ok()).map(|(name, _)| name).collect();
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn snapshots_begin_with_a_genesis_that_is_known() {
    let world = World::new();
    let gate = Gate::lenient();
    let other = Genesis { kind: "other", versions: &[&[("facts", Shape::Registers)]] };
    let document = other.document().unwrap();
    assert_eq!(gate.admit_snapshot(&document.save(), world.rules.genesis()).unwrap_err(), Refusal::Genesis);
    assert!(gate.admit_snapshot(&document.save(), &[other.changes().unwrap()[0].hash]).is_ok());
    let mut both = other.document().unwrap();
    both.apply(&world.document.changes_since(&roadbook_core::crdt::Heads::default())).unwrap();
    assert!(gate.admit_snapshot(&both.save(), world.rules.genesis()).is_err(), "two beginnings");
}

#[test]
fn a_container_in_front_of_another_is_refused() {
    let world = World::new();
    let mut put = world.set(None, Key::Name("facts".into()), (0, Vec::new()));
    put.action = super::forge::action::MAKE_MAP;
    let mut document = world.document.clone();
    let bytes = world.change(vec![put]).bytes();
    let hash = Gate::lenient().identify(&bytes).unwrap().hash;
    document.apply(&[roadbook_core::crdt::RawChange { hash, bytes }]).unwrap();
    assert!(Gate::lenient().admit_snapshot(&document.save(), world.rules.genesis()).is_err());
}

#[test]
fn damaged_snapshots_do_no_harm() {
    silence_caught_panics();
    let world = World::new();
    let gate = Gate::lenient();
    let honest = world.document.save();
    for seed in 0..600 {
        let mut dice = Dice(2_000_000 + seed);
        let mut inside = contents(&honest).to_vec();
        dice.damage(&mut inside);
        let bytes = chunk(0, &inside);
        let Ok(mut document) = timed(&format!("seed {seed}"), || gate.admit_snapshot(&bytes, world.rules.genesis())) else { continue };
        write(&mut document, None, &stamp([0x55; 16], BOB), |w| w.put("facts", "phone", b"after".to_vec()));
        write(&mut document, None, &stamp([0x56; 16], ANN), |w| w.splice("note", 0, 0, "x"));
        let again = Document::load(&document.save()).unwrap();
        assert_eq!(again.heads(), document.heads(), "seed {seed}");
    }
}
