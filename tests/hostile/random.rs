//! Random hostility by seed: honest bytes with flaws, and well-encoded lies. One honest sibling travels with each lot.

use roadbook_core::crdt::gate::{Gate, Outcome, silence_caught_panics};

use super::forge::{Forged, Id, Key, Op, chunk, contents, framed};
use super::timed;
use super::world::{ANNS, BOBS, CAT, World, stamp, write};

/// A small generator (splitmix64): the seed is the whole state, so a failing seed is a test case.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }

    /// Changes, inserts or removes a few bytes.
    pub(super) fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(4) {
            let at = self.roll(bytes.len());
            let byte = match self.roll(4) {
                0 => self.roll(256) as u8,
                1 => bytes[at] ^ (1 << self.roll(8)),
                2 => bytes[at].wrapping_add(1),
                _ => [0, 1, 0x7f, 0x80, 0xff][self.roll(5)],
            };
            match self.roll(8) {
                0 => bytes.insert(at, byte),
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes[at] = byte,
            }
        }
    }
}

/// What honest phones would send on top of the world.
fn honest(world: &World) -> Vec<Vec<u8>> {
    let mut phone = world.document.clone();
    let cat = stamp(super::world::CATS, CAT);
    let mut changes = vec![
        write(&mut phone, None, &cat, |w| w.put("facts", "phone", b"5".to_vec())),
        write(&mut phone, None, &cat, |w| w.splice("note", 2, 1, "quite a long line, 中文 too")),
        write(&mut phone, None, &cat, |w| w.rewrite("memo", "cba")),
    ];
    changes.push(write(&mut phone, Some(&world.early), &cat, |w| w.put("sets", "brands/A B", b"1".to_vec())));
    changes.push(write(&mut phone, None, &cat, |w| (0..30).try_for_each(|n| w.put("facts", &format!("k{n}"), vec![n; 20]))));
    changes.into_iter().map(|change| change.bytes).collect()
}

#[test]
fn damaged_changes_do_no_harm() {
    silence_caught_panics();
    let world = World::new();
    let (strict, lenient) = (Gate::strict(), Gate::lenient());
    let honest = honest(&world);
    let mut accepted = 0;
    for seed in 0..2_000 {
        let mut dice = Dice(seed);
        let mut lot = honest.clone();
        let at = dice.roll(lot.len());
        let mut inside = contents(&lot[at]).to_vec();
        dice.damage(&mut inside);
        lot[at] = if dice.roll(10) == 0 { framed(1, &lot[at][4..8], &inside) } else { chunk(1, &inside) };
        let admission = timed(&format!("seed {seed}"), || world.admit(&strict, &lot));
        let own = |outcome: &Outcome| matches!(outcome, Outcome::Accepted(_));
        // What does not build on the damaged one goes in: the first three are a line, the fourth stands alone.
        assert!(
            at == 3 || at == 4 || own(&admission.outcomes[3]) || seed_forks(&admission.outcomes),
            "seed {seed}: {:?}",
            admission.outcomes
        );
        accepted += usize::from(own(&admission.outcomes[at]));
        world.lives_on(&admission);
        world.lives_on(&timed(&format!("seed {seed}"), || world.follow(&lenient, &lot[at..=at])));
    }
    assert!(accepted > 20, "only {accepted} damaged changes were still good: the damage is too blunt to test anything");
}

/// Damage to the actor of one change can make it a rival of another one's number.
fn seed_forks(outcomes: &[Outcome]) -> bool {
    outcomes.iter().any(|outcome| matches!(outcome, Outcome::Forked { .. }))
}

/// Ids that exist, nearly exist, or cannot.
fn some_id(world: &World, dice: &mut Dice, own: &[u8]) -> Id {
    let next = world.next_op();
    let actor = dice.pick(&[ANNS.to_vec(), ANNS.to_vec(), BOBS.to_vec(), world.genesis_actor.clone(), own.to_vec(), vec![0x99; 16]]);
    let counter = match dice.roll(12) {
        0 => u64::from(u32::MAX),
        1 => next + dice.roll(4) as u64,
        2 => next - 1,
        _ => 1 + dice.roll(next as usize) as u64,
    };
    Id(counter, actor)
}

fn some_op(world: &World, dice: &mut Dice, own: &[u8]) -> Op {
    let mut op = match dice.roll(4) {
        0 => Op { pred: world.phone.clone(), ..world.put("phone") },
        1 => world.typed(Key::Head),
        2 => world.typed(Key::At(world.note_first.clone())),
        _ => world.put(&format!("k{}", dice.roll(5))),
    };
    for _ in 0..dice.roll(4) {
        match dice.roll(9) {
            0 => op.object = Some(some_id(world, dice, own)),
            1 => op.object = world.container(1 + dice.roll(5) as u64),
            2 => op.key = Key::At(some_id(world, dice, own)),
            3 => op.key = dice.pick(&[Key::Head, Key::Name("phone".into()), Key::Name("fax".into()), Key::Name("note".into())]),
            4 => op.insert = !op.insert,
            5 => op.action = dice.roll(8) as u64,
            6 => {
                let value = [
                    (0, vec![]),
                    (1, vec![]),
                    (3, vec![9]),
                    (5, vec![0; 8]),
                    (6, b"z".to_vec()),
                    (6, b"zz".to_vec()),
                    (7, vec![]),
                    (8, vec![1]),
                ];
                op.value = dice.pick(&value);
            }
            7 => {
                op.pred = (0..dice.roll(3)).map(|_| some_id(world, dice, own)).collect();
                op.pred.sort();
                op.pred.dedup();
            }
            _ => {
                op.expand = dice.roll(4) == 0;
                op.mark = (dice.roll(4) == 0).then(|| "bold".to_owned());
            }
        }
    }
    op
}

/// A canonical change in which any field may be false.
fn lie(world: &World, dice: &mut Dice, own: Vec<u8>) -> Forged {
    let ops = (0..1 + dice.roll(4)).map(|_| some_op(world, dice, &own)).collect();
    let mut forged = Forged { actor: own, ..world.change(ops) };
    match dice.roll(16) {
        0 => forged.seq = 1 + dice.roll(4) as u64,
        1 => forged.start_op = 1 + dice.roll(40) as u64,
        2 => forged.start_op += dice.roll(30_000) as u64,
        3 => forged.deps = world.early.hashes().iter().map(|hash| hash.0).collect(),
        4 => drop(forged.deps.pop()),
        5 => forged.deps = Vec::new(),
        6 => forged.time = [i64::MIN, -1, 0, i64::MAX][dice.roll(4)],
        7 => forged.extra = Vec::new(),
        _ => {}
    }
    forged
}

#[test]
fn lies_do_no_harm_and_hold_up_no_one() {
    silence_caught_panics();
    let world = World::new();
    let (strict, lenient) = (Gate::strict(), Gate::lenient());
    let sibling = Forged { actor: vec![0x66; 16], ..world.change(vec![world.put("sibling"), world.typed(Key::Head)]) }.bytes();
    let (mut told, mut believed) = (0usize, 0usize);
    for seed in 0..700 {
        let mut dice = Dice(1_000_000 + seed);
        let mut lot: Vec<Vec<u8>> = (0..3u8).map(|n| lie(&world, &mut dice, vec![0x30 + n; 16]).bytes()).collect();
        lot.insert(dice.roll(4), sibling.clone());
        for admission in
            [timed(&format!("seed {seed}"), || world.admit(&strict, &lot)), timed(&format!("seed {seed}"), || world.follow(&lenient, &lot))]
        {
            for (bytes, outcome) in lot.iter().zip(&admission.outcomes) {
                let accepted = matches!(outcome, Outcome::Accepted(_));
                assert!(accepted || *bytes != sibling, "seed {seed}: an honest change was held up: {outcome:?}");
                told += 1;
                believed += usize::from(accepted);
            }
            world.lives_on(&admission);
        }
    }
    assert!(believed * 20 > told, "{believed} of {told} believed: too few to test what comes after");
}
