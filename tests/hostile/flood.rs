//! Many at once: what no single change does, a thousand of them may. Orphans, forks, squatters, chains, actors without number,
//! and more bytes and operations than one call takes apart.

use super::forge::{Forged, Key};
use super::history::hash;
use super::world::World;
use super::{Case, Expect};

/// Changes that one call judges.
const CALL_CHANGES_MAX: usize = 1_000;

pub(super) fn cases(world: &World) -> Vec<Case> {
    let first = world.change(vec![world.put("mail")]);
    let many = |name: &str, count: usize, expect: &dyn Fn(usize) -> Expect, make: &dyn Fn(usize) -> Vec<u8>| Case {
        name: name.to_owned(),
        expect: (0..count).map(expect).collect(),
        changes: (0..count).map(make).collect(),
    };
    let actor = |n: usize| [&[0x5a; 14][..], &(n as u16).to_be_bytes()].concat();
    let orphan = |n: usize| {
        let mut parent = [0xa5; 32];
        parent[..2].copy_from_slice(&(n as u16).to_be_bytes());
        Forged { deps: vec![parent], actor: actor(n), ..first.clone() }.bytes()
    };
    let chain = |length: usize| {
        let mut chain = vec![first.clone()];
        for n in 1..length {
            let before = chain[n - 1].clone();
            chain.push(Forged {
                deps: vec![hash(&before.bytes())],
                seq: n as u64 + 1,
                start_op: before.start_op + 1,
                ops: vec![world.put(&format!("k{n}"))],
                extra: Vec::new(),
                ..before
            });
        }
        chain
    };
    let line = chain(60);
    let late = Forged { time: -1, ..first.clone() };
    let wide = Forged { ops: vec![world.typed(Key::Head); 5_000], time: -1, ..first.clone() };

    vec![
        many("1 000 orphans", CALL_CHANGES_MAX, &|_| Expect::Missing, &orphan),
        many("1 100 orphans", CALL_CHANGES_MAX + 100, &|n| if n < CALL_CHANGES_MAX { Expect::Missing } else { Expect::Postponed }, &orphan),
        many("the same orphan 500 times", 500, &|n| if n == 0 { Expect::Missing } else { Expect::Known }, &|_| orphan(7)),
        many("200 pieces of 256 KiB of nothing", 200, &|_| Expect::Step(3), &|n| vec![n as u8; 256 << 10]),
        many("100 forks of one number", 100, &|n| if n == 0 { Expect::Accepted } else { Expect::Forked }, &|n| {
            Forged { ops: vec![world.put(&format!("fork{n}"))], ..first.clone() }.bytes()
        }),
        many("100 numbers ahead of their turn", 100, &|_| Expect::Step(5), &|n| {
            Forged { seq: n as u64 + 2, extra: Vec::new(), ..first.clone() }.bytes()
        }),
        many("100 people's names", 100, &|_| Expect::Step(5), &|n| {
            let author = [&[n as u8; 15][..], &[0]].concat();
            Forged { actor: actor(n), extra: [&[1, 16][..], &author].concat(), ..first.clone() }.bytes()
        }),
        many("150 actors, honest each", 150, &|_| Expect::Accepted, &|n| {
            Forged { actor: actor(n), ops: vec![world.put(&format!("a{n}"))], ..first.clone() }.bytes()
        }),
        many("a line of 60, backwards", 60, &|_| Expect::Accepted, &|n| line[59 - n].bytes()),
        many("a line of 60 whose first is another", 60, &|n| if n == 0 { Expect::Step(5) } else { Expect::Missing }, &|n| {
            if n == 0 { late.bytes() } else { line[n].bytes() }
        }),
        many("30 changes of 5 000 characters each", 30, &|n| if n < 20 { Expect::Step(5) } else { Expect::Postponed }, &|n| {
            Forged { actor: actor(n), ..wide.clone() }.bytes()
        }),
    ]
}
