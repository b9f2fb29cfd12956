//! Step 5: what a change builds on and whose it is.

use roadbook_core::crdt::Genesis;
use roadbook_core::crdt::Shape;

use super::forge::{Forged, checksum, contents, uleb};
use super::world::{ANN, ANNS, CATS, STRANGE, World, stamp, write};
use super::{Case, Expect, case, sequence};

pub(super) fn cases(world: &World) -> Vec<Case> {
    let first = world.change(vec![world.put("mail")]);
    let after = |before: &Forged, seq: u64| Forged {
        deps: vec![hash(&before.bytes())],
        seq,
        start_op: before.start_op + before.ops.len() as u64,
        ops: vec![world.put(&format!("web{seq}"))],
        extra: Vec::new(),
        ..before.clone()
    };
    let second = after(&first, 2);
    let third = after(&second, 3);
    let with = |edit: &dyn Fn(&mut Forged)| {
        let mut forged = first.clone();
        edit(&mut forged);
        forged
    };
    let early: Vec<[u8; 32]> = world.early.hashes().iter().map(|hash| hash.0).collect();
    let mut phone = world.document.clone();
    let anns = write(&mut phone, None, &stamp(ANNS, ANN), |w| w.put("facts", "mail", b"m".to_vec()));
    let stranger = Genesis { kind: "other", versions: &[&[("facts", Shape::Registers)]] }.changes().unwrap().remove(0);
    let known = world.document.changes_since(&roadbook_core::crdt::Heads::default());
    let other_content = Forged { ops: vec![world.put("other")], ..first.clone() };
    let late = Forged { time: -1, ..first.clone() };
    let branch = Forged { deps: world.deps(), ..second.clone() };

    vec![
        sequence("three in a row", &[Expect::Accepted, Expect::Accepted, Expect::Accepted], [&first, &second, &third]),
        sequence("three in a row, backwards", &[Expect::Accepted, Expect::Accepted, Expect::Accepted], [&third, &second, &first]),
        sequence("the same twice", &[Expect::Accepted, Expect::Known], [&first, &first]),
        case("what the document holds", Expect::Known, known.last().unwrap().bytes.clone()),
        case("its own genesis", Expect::Known, known[0].bytes.clone()),
        case("the genesis of another kind", Expect::Step(5), stranger.bytes),
        sequence("the same number, other content", &[Expect::Accepted, Expect::Forked], [&first, &other_content]),
        case("a number that Ann used", Expect::Forked, with(&|change| change.actor = ANNS.to_vec()).bytes()),
        case("Ann's own next change, from Cat's device", Expect::Step(5), anns.bytes.clone()),
        case("Ann's next number, written by Cat", Expect::Step(5), {
            with(&|change| {
                change.actor = ANNS.to_vec();
                change.seq = 7;
                change.extra = Vec::new();
            })
            .bytes()
        }),
        case("squatting on Ann's number after next", Expect::Step(5), {
            with(&|change| {
                change.actor = ANNS.to_vec();
                change.seq = 9;
                change.extra = Vec::new();
            })
            .bytes()
        }),
        case("an actor of another device", Expect::Step(5), with(&|change| change.actor = STRANGE.to_vec()).bytes()),
        case("an orphan", Expect::Missing, with(&|change| change.deps = vec![[9; 32]]).bytes()),
        case(
            "half an orphan",
            Expect::Missing,
            with(&|change| {
                change.deps.push([0xff; 32]);
            })
            .bytes(),
        ),
        case("builds on nothing, writes to facts", Expect::Step(7), with(&|change| change.deps = Vec::new()).bytes()),
        case("builds on an early state", Expect::Accepted, with(&|change| change.deps.clone_from(&early)).bytes()),
        case("counters as in an early state", Expect::Accepted, {
            with(&|change| {
                change.deps.clone_from(&early);
                change.start_op = 6;
            })
            .bytes()
        }),
        case("counters that what it builds on has used", Expect::Step(5), {
            with(&|change| {
                change.deps.clone_from(&early);
                change.start_op = 5;
            })
            .bytes()
        }),
        case("counters a little ahead", Expect::Accepted, with(&|change| change.start_op += 20_000).bytes()),
        case("counters too far ahead", Expect::Step(5), with(&|change| change.start_op += 20_001).bytes()),
        sequence(
            "an author in the second change",
            &[Expect::Accepted, Expect::Step(5)],
            [&first, &Forged { extra: first.extra.clone(), ..second.clone() }],
        ),
        sequence("the second beside the first", &[Expect::Accepted, Expect::Step(5)], [&first, &branch]),
        sequence("the third without the second", &[Expect::Accepted, Expect::Step(5)], [&first, &Forged { seq: 3, ..second.clone() }]),
        sequence(
            "counters of the first used again",
            &[Expect::Accepted, Expect::Step(5)],
            [&first, &Forged { start_op: first.start_op, ..second.clone() }],
        ),
        sequence("built on what is refused", &[Expect::Step(5), Expect::Missing], [&late, &after(&late, 2)]),
        sequence("the second alone", &[Expect::Missing], [&second]),
        sequence(
            "a fork of a fork",
            &[Expect::Accepted, Expect::Forked, Expect::Missing],
            [&first, &other_content, &after(&other_content, 2)],
        ),
        case("an actor that looks derived from Ann's", Expect::Accepted, {
            with(&|change| change.actor = [&[0x13, 0xb2, 0x23, 0x09, 1][..], &ANNS].concat()).bytes()
        }),
        case("an actor of 32 bytes", Expect::Accepted, with(&|change| change.actor = [CATS, CATS].concat()).bytes()),
        case("an actor of one byte", Expect::Accepted, with(&|change| change.actor = vec![0]).bytes()),
    ]
}

/// The hash of a change.
pub(super) fn hash(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let inside = contents(bytes);
    let hash: [u8; 32] = Sha256::new().chain_update([1]).chain_update(uleb(inside.len() as u64)).chain_update(inside).finalize().into();
    assert_eq!(hash[..4], checksum(1, inside));
    hash
}
