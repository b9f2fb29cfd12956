//! Step 7: what operations refer to, and what they write.

use super::forge::{Id, Key, Op, action};
use super::world::{ANNS, BOBS, World};
use super::{Case, Expect, case};

/// Lies about objects, keys, elements and predecessors.
pub(super) fn references(world: &World) -> Vec<Case> {
    let name = |key: &str| Key::Name(key.into());
    let one = |op: Op| world.change(vec![op]).bytes();
    let two = |a: Op, b: Op| world.change(vec![a, b]).bytes();
    let refused = |name: &str, bytes: Vec<u8>| case(name, Expect::Step(7), bytes);
    let bytes = || (7, b"v".to_vec());
    let put_at = |object: Option<Id>| world.set(object, name("k"), bytes());
    let put = |key: &str, pred: Vec<Id>| Op { pred, ..world.put(key) };
    let erase = |at: Id, pred: Vec<Id>| Op { action: action::DELETE, pred, ..world.set(world.note(), Key::At(at), (0, Vec::new())) };
    let typed = |at: Key| world.typed(at);
    let memo = |op: Op| Op { object: world.memo(), ..op };
    let ann = |counter: u64| Id(counter, ANNS.to_vec());
    let first = &world.note_first;
    let erased = ann(first.0 + 1);
    let early: Vec<[u8; 32]> = world.early.hashes().iter().map(|hash| hash.0).collect();
    let unseen = |op: Op| {
        let mut change = world.change(vec![op]);
        change.deps.clone_from(&early);
        change.bytes()
    };
    let both = world.phone.clone();

    vec![
        refused("an object nobody made", one(put_at(Some(ann(999))))),
        refused("an object of the future", one(put_at(Some(world.own(0))))),
        refused("an object of a later operation", two(put_at(Some(world.own(1))), world.put("a"))),
        refused("a register for an object", one(put_at(Some(world.fax.clone())))),
        refused("a character for an object", one(put_at(Some(first.clone())))),
        refused("an object of Bob's that is Ann's", one(put_at(Some(Id(first.0, BOBS.to_vec()))))),
        refused("a key in a text", one(world.set(world.note(), name("k"), bytes()))),
        refused("an element in a map", one(world.set(world.facts(), Key::At(first.clone()), bytes()))),
        refused("the head of a map", one(Op { insert: true, ..world.set(world.facts(), Key::Head, bytes()) })),
        refused("the head, overwritten", one(Op { insert: false, ..typed(Key::Head) })),
        refused("an insertion into a map", one(Op { insert: true, ..world.put("k") })),
        refused("behind an element nobody made", one(typed(Key::At(ann(999))))),
        refused("behind an element of another text", one(typed(Key::At(world.memo_first.clone())))),
        refused("behind a register", one(typed(Key::At(world.fax.clone())))),
        refused("behind a container", one(typed(Key::At(Id(3, world.genesis_actor.clone()))))),
        refused("behind itself", one(typed(Key::At(world.own(0))))),
        refused("behind the next one", two(typed(Key::At(world.own(1))), typed(Key::At(world.own(0))))),
        refused("behind an own character of another text", two(typed(Key::Head), memo(typed(Key::At(world.own(0)))))),
        refused("behind an own deletion", two(erase(first.clone(), vec![first.clone()]), typed(Key::At(world.own(0))))),
        refused("behind what its writer did not see", unseen(typed(Key::At(first.clone())))),
        case("behind an erased character", Expect::Accepted, one(typed(Key::At(erased.clone())))),
        case("two characters in a row", Expect::Accepted, two(typed(Key::Head), typed(Key::At(world.own(0))))),
        case("both rivals overwritten", Expect::Accepted, one(put("phone", both.clone()))),
        case("one rival overwritten", Expect::Step(7), one(put("phone", both[..1].to_vec()))),
        case("a rival more", Expect::Step(7), one(put("phone", Vec::new()))),
        case("what was overwritten before, again", Expect::Step(7), one(put("phone", vec![ann(5)]))),
        refused("a predecessor nobody wrote", one(put("phone", vec![ann(999)]))),
        refused("a predecessor of another key", one(put("phone", vec![world.fax.clone()]))),
        refused("a predecessor of another container", one(Op { object: world.sets(), ..put("phone", both.clone()) })),
        refused("a character for a predecessor", one(put("phone", vec![first.clone()]))),
        refused("a container for a predecessor", one(put("facts", vec![Id(1, world.genesis_actor.clone())]))),
        refused("itself for a predecessor", one(put("phone", vec![world.own(0)]))),
        refused("the next operation for a predecessor", two(put("k", vec![world.own(1)]), put("k", Vec::new()))),
        refused("a predecessor its writer did not see", unseen(put("phone", both.clone()))),
        refused("a predecessor at the end of all counters", one(put("phone", vec![ann(u64::from(u32::MAX))]))),
        case("the same predecessor twice", Expect::Step(7), one(put("phone", vec![both[0].clone(), both[0].clone()]))),
        case("predecessors out of order", Expect::Step(4), {
            let mut order = both.clone();
            order.reverse();
            one(put("phone", order))
        }),
        refused("the same key twice, as if never written", two(put("k", Vec::new()), put("k", Vec::new()))),
        case("the same key twice in a change", Expect::Accepted, two(put("k", Vec::new()), put("k", vec![world.own(0)]))),
        refused("an insertion with predecessors", one(Op { pred: vec![first.clone()], ..typed(Key::Head) })),
        refused("a deletion of nothing", one(erase(first.clone(), Vec::new()))),
        refused("a deletion of another character", one(erase(first.clone(), vec![ann(first.0 + 3)]))),
        refused("a deletion of a register in a text", one(erase(first.clone(), vec![world.fax.clone()]))),
        refused("a deletion of what is not there yet", one(erase(world.own(5), vec![world.own(5)]))),
        refused("a deletion of what its writer did not see", unseen(erase(first.clone(), vec![first.clone()]))),
        case("an honest deletion", Expect::Accepted, one(erase(first.clone(), vec![first.clone()]))),
        case("a deletion of the deleted", Expect::Step(7), one(erase(erased.clone(), vec![erased]))),
        case("typed and erased", Expect::Accepted, two(typed(Key::Head), erase(world.own(0), vec![world.own(0)]))),
        case("a character replaced", Expect::Accepted, {
            one(Op { pred: vec![first.clone()], ..world.set(world.note(), Key::At(first.clone()), (6, "é".into())) })
        }),
    ]
}

/// Things that the schema does not know.
pub(super) fn breaches(world: &World) -> Vec<Case> {
    let one = |op: Op| world.change(vec![op]).bytes();
    let refused = |name: &str, op: Op| case(name, Expect::Step(7), one(op));
    let value = |kind: u8, bytes: &[u8]| world.set(world.facts(), Key::Name("k".into()), (kind, bytes.to_vec()));
    let make = |object: Option<Id>, action: u64| Op { action, ..world.set(object, Key::Name("k".into()), (0, Vec::new())) };
    let letter = |kind: u8, bytes: &[u8]| Op { insert: true, ..world.set(world.note(), Key::Head, (kind, bytes.to_vec())) };
    let marked = |action: u64, name: Option<&str>, expand: bool| Op { action, expand, mark: name.map(str::to_owned), ..letter(2, b"") };

    let mut nested = vec![make(world.facts(), action::MAKE_MAP)];
    nested.extend((0..5_000).map(|n| make(Some(world.own(n)), action::MAKE_MAP)));
    let list = vec![Op { insert: true, ..make(Some(world.own(0)), action::SET) }; 20_000 - 1];
    let list: Vec<Op> =
        std::iter::once(make(world.facts(), action::MAKE_LIST)).chain(list.into_iter().map(|op| Op { key: Key::Head, ..op })).collect();
    let objects: Vec<Op> = (0..20_000).map(|n| Op { key: Key::Name(format!("o{n}")), ..make(world.facts(), action::MAKE_MAP) }).collect();
    let long = vec![b's'; 200 << 10];

    let mut cases = vec![
        case("nothing is written", Expect::Step(7), world.change(Vec::new()).bytes()),
        refused("a map at the root", make(None, action::MAKE_MAP)),
        refused("a text at the root", make(None, action::MAKE_TEXT)),
        refused("a register at the root", world.set(None, Key::Name("k".into()), (7, b"v".to_vec()))),
        refused("a container overwritten", {
            let pred = vec![Id(1, world.genesis_actor.clone())];
            Op { pred, ..world.set(None, Key::Name("facts".into()), (7, b"v".to_vec())) }
        }),
        refused("a container deleted", {
            let pred = vec![Id(3, world.genesis_actor.clone())];
            Op { pred, action: action::DELETE, ..world.set(None, Key::Name("note".into()), (0, Vec::new())) }
        }),
        refused("a map in a map", make(world.facts(), action::MAKE_MAP)),
        refused("a list in a map", make(world.facts(), action::MAKE_LIST)),
        refused("a text in a map", make(world.facts(), action::MAKE_TEXT)),
        refused("a map in a text", Op { insert: true, key: Key::Head, ..make(world.note(), action::MAKE_MAP) }),
        refused(
            "a register deleted",
            Op {
                action: action::DELETE,
                pred: vec![world.fax.clone()],
                ..{ world.set(world.facts(), Key::Name("fax".into()), (0, Vec::new())) }
            },
        ),
        refused(
            "an increment",
            Op {
                action: action::INCREMENT,
                pred: vec![world.fax.clone()],
                ..{ world.set(world.facts(), Key::Name("fax".into()), (4, vec![1])) }
            },
        ),
        refused("null", value(0, b"")),
        refused("true", value(2, b"")),
        refused("a number", value(3, &[5])),
        refused("a signed number", value(4, &[5])),
        refused("a float", value(5, &[0; 8])),
        refused("a float that is none", value(5, &f64::NAN.to_le_bytes())),
        refused("a text for a register", value(6, b"text")),
        refused("a counter", value(8, &[5])),
        refused("a counter at its end", value(8, &super::forge::sleb(i64::MAX))),
        refused("a time", value(9, &[5])),
        case("64 KiB", Expect::Accepted, one(value(7, &vec![7; 64 << 10]))),
        refused("64 KiB and a byte", value(7, &vec![7; (64 << 10) + 1])),
        case("an empty value", Expect::Accepted, one(value(7, b""))),
        refused("a text of 200 KiB", value(6, &long)),
        refused("a mark on a register", Op { mark: Some("bold".into()), ..value(7, b"v") }),
        refused("a register that expands", Op { expand: true, ..value(7, b"v") }),
        refused("two characters in one", letter(6, b"xy")),
        refused("no character", letter(6, b"")),
        refused("a character and its accent", letter(6, "e\u{301}".as_bytes())),
        refused("bytes in a text", letter(7, b"x")),
        refused("null in a text", letter(0, b"")),
        refused("a counter in a text", letter(8, &[1])),
        refused("a mark", marked(action::MARK, Some("bold"), true)),
        refused("the end of a mark", marked(action::MARK, None, false)),
        refused("a mark on a character", Op { mark: Some("bold".into()), ..letter(6, b"x") }),
        case("5 000 characters in a row", Expect::Accepted, {
            let row = (0..5_000).map(|n| world.typed(if n == 0 { Key::Head } else { Key::At(world.own(n - 1)) }));
            world.change(row.collect()).bytes()
        }),
        case("5 000 characters, each before the others", Expect::Accepted, world.change(vec![world.typed(Key::Head); 5_000]).bytes()),
        case("5 000 characters in turns", Expect::Accepted, {
            let turns = (0..5_000).map(|n| world.typed(if n % 2 == 0 { Key::Head } else { Key::At(world.own(n / 3)) }));
            world.change(turns.collect()).bytes()
        }),
        case("one register 65 times", Expect::Step(7), {
            let puts = (0..65).map(|n| Op { pred: if n == 0 { Vec::new() } else { vec![world.own(n - 1)] }, ..value(7, b"") });
            world.change(puts.collect()).bytes()
        }),
        case("one character replaced 64 times", Expect::Step(7), {
            let first = world.typed(Key::Head);
            let more =
                (1..65).map(|n| Op { pred: vec![world.own(n - 1)], ..world.set(world.note(), Key::At(world.own(0)), (6, b"y".to_vec())) });
            world.change(std::iter::once(first).chain(more).collect()).bytes()
        }),
        case("5 001 maps, each in the one before", Expect::Step(7), world.change(nested).bytes()),
        case("a list of 19 999 nulls", Expect::Step(7), world.change(list).bytes()),
        case("20 000 maps", Expect::Step(7), world.change(objects).bytes()),
    ];
    for (name, key) in [
        ("no key", ""),
        ("a slash", "/"),
        ("a slash first", "/k"),
        ("a space first", " k"),
        ("a space last", "k "),
        ("a zero byte", "k\0"),
        ("a line break", "k\nl"),
        ("a delete character", "k\u{7f}"),
    ] {
        cases.push(refused(&format!("key: {name}"), world.put(key)));
    }
    cases.push(case("key: 512 bytes", Expect::Accepted, one(world.put(&"k".repeat(512)))));
    cases.push(refused("key: 513 bytes", world.put(&"k".repeat(513))));
    cases
}
