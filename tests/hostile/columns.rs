//! Step 3: columns. Runs that are bombs, rows that do not match, numbers that point nowhere, values that lie about themselves.

use super::forge::column::{
    ACTION, EXPAND, INSERT, KEY_ACTOR, KEY_COUNTER, KEY_NAME, MARK_NAME, OBJECT_ACTOR, OBJECT_COUNTER, PRED_ACTOR, PRED_COUNT,
    PRED_COUNTER, VALUE, VALUE_TAG,
};
use super::forge::{chunk, nulls, run, sleb, uleb};
use super::world::World;
use super::{Case, Expect, case};

pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut put = world.put("phone");
    put.pred = world.phone.clone();
    let honest = world.change(vec![put, world.put("mail")]);
    let refused = |name: &str, bytes: Vec<u8>| case(name, Expect::Step(3), bytes);
    let column = |name: &str, spec: u32, bytes: &[u8]| case(name, Expect::Step(3), honest.with_column(spec, bytes));
    let name = |text: &[u8]| [uleb(text.len() as u64), text.to_vec()].concat();

    let mut cases = vec![case("honest, of two operations", Expect::Accepted, honest.bytes())];
    for (spec, value) in [
        (OBJECT_ACTOR, uleb(1)),
        (OBJECT_COUNTER, uleb(1)),
        (KEY_ACTOR, uleb(0)),
        (KEY_COUNTER, sleb(0)),
        (KEY_NAME, name(b"k")),
        (ACTION, uleb(1)),
        (VALUE_TAG, uleb(0)),
        (PRED_COUNT, uleb(0)),
        (PRED_ACTOR, uleb(1)),
        (PRED_COUNTER, sleb(0)),
        (MARK_NAME, name(b"m")),
    ] {
        for exponent in [17, 27, 30, 40, 60, 62] {
            cases.push(column(&format!("column {spec}: a run of 2^{exponent}"), spec, &run(1 << exponent, &value)));
        }
        cases.push(column(&format!("column {spec}: 2^63 values announced"), spec, &run(i64::MIN, &value)));
        cases.push(column(&format!("column {spec}: 2^63 nulls"), spec, &nulls(1 << 63)));
        cases.push(column(&format!("column {spec}: 2^64 - 1 nulls"), spec, &nulls(u64::MAX)));
        cases.push(column(&format!("column {spec}: no nulls at all"), spec, &nulls(0)));
        cases.push(column(&format!("column {spec}: one row"), spec, &run(-1, &value)));
        cases.push(column(&format!("column {spec}: three rows"), spec, &run(3, &value)));
        cases.push(column(&format!("column {spec}: a run cut short"), spec, &sleb(2)));
    }
    for spec in [INSERT, EXPAND] {
        for count in [17, 27, 40, 60, 63] {
            cases.push(column(&format!("column {spec}: 2^{count} rows"), spec, &uleb(1 << count)));
        }
        cases.push(column(&format!("column {spec}: empty runs"), spec, &[0, 0, 0, 0, 2]));
        cases.push(column(&format!("column {spec}: one row"), spec, &uleb(1)));
    }
    // Everything at once: a well-formed change of 10^8 operations.
    let count = 100_000_000;
    let bomb = [
        (OBJECT_ACTOR, run(count, &uleb(1))),
        (OBJECT_COUNTER, run(count, &uleb(1))),
        (KEY_NAME, run(count, &name(b"k"))),
        (INSERT, uleb(count as u64)),
        (ACTION, run(count, &uleb(1))),
        (VALUE_TAG, run(count, &uleb(0))),
        (PRED_COUNT, run(count, &uleb(0))),
    ];
    cases.push(refused("10^8 operations", honest.with_columns(&bomb)));
    let rows = vec![world.put("mail"); 20_001];
    cases.push(refused("20 001 operations", world.change(rows).bytes()));

    cases.extend([
        column("differences that overflow", KEY_COUNTER, &[sleb(-2), sleb(i64::MAX), sleb(i64::MAX)].concat()),
        column("predecessors that overflow", PRED_COUNTER, &[sleb(-2), sleb(i64::MAX), sleb(i64::MAX)].concat()),
        column("a predecessor before the first", PRED_COUNTER, &run(2, &sleb(-5))),
        column("a predecessor of counter 0", PRED_COUNTER, &run(2, &sleb(0))),
        column("a predecessor of counter 2^32", PRED_COUNTER, &run(2, &sleb(1 << 32))),
        column("predecessors of an unknown actor", PRED_ACTOR, &run(2, &uleb(9))),
        column("predecessors of actor 2^64 - 1", PRED_ACTOR, &run(2, &uleb(u64::MAX))),
        column("predecessors without actors", PRED_ACTOR, &[]),
        column("more predecessors than counted", PRED_COUNT, &[sleb(-2), uleb(1), uleb(0)].concat()),
        column("fewer predecessors than counted", PRED_COUNT, &[sleb(-2), uleb(3), uleb(0)].concat()),
        column("2^60 predecessors counted", PRED_COUNT, &[sleb(-2), uleb(1 << 60), uleb(0)].concat()),
        column("predecessors not counted", PRED_COUNT, &[]),
        column("objects of an unknown actor", OBJECT_ACTOR, &run(2, &uleb(77))),
        column("objects without actors", OBJECT_ACTOR, &[]),
        column("objects without counters", OBJECT_COUNTER, &[]),
        column("objects of counter 0", OBJECT_COUNTER, &run(2, &uleb(0))),
        column("objects of counter 2^33", OBJECT_COUNTER, &run(2, &uleb(1 << 33))),
        column("a key and an element", KEY_COUNTER, &run(2, &sleb(3))),
        column("a key and an actor", KEY_ACTOR, &run(2, &uleb(0))),
        column("no key", KEY_NAME, &[]),
        column("a key that is no text", KEY_NAME, &run(2, &[2, 0xc3, 0x28])),
        column("a key of 1025 bytes", KEY_NAME, &run(2, &name(&[b'k'; 1_025]))),
        column("a key of 2^50 bytes", KEY_NAME, &run(2, &uleb(1 << 50))),
        column("no actions", ACTION, &[]),
        column("action 6", ACTION, &run(2, &uleb(6))),
        column("action 8", ACTION, &run(2, &uleb(8))),
        column("action 2^60", ACTION, &run(2, &uleb(1 << 60))),
        column("actions in a longer form", ACTION, &run(2, &[0x81, 0])),
        column("no value tags", VALUE_TAG, &[]),
        column("no value bytes", VALUE, &[]),
        column("a value byte too many", VALUE, b"valuevalue!"),
        column("a value byte too few", VALUE, b"valuevalu"),
        column("a value of 2^59 bytes", VALUE_TAG, &run(2, &uleb(u64::MAX))),
        column("a deflated column", ACTION | 8, &run(2, &uleb(1))),
        column("an unknown column", 0x1f5, &run(2, &uleb(1))),
        column("a column of a document", 33, &run(2, &uleb(1))),
        column("an unknown group", 0x1f0, &run(2, &uleb(1))),
        column("column 2^32 - 1", u32::MAX, &run(2, &uleb(1))),
    ]);
    for kind in 10..16u64 {
        cases.push(column(&format!("value type {kind}"), VALUE_TAG, &run(2, &uleb(5 << 4 | kind))));
    }
    for (what, kind) in [("true", 2), ("null", 0), ("float", 5)] {
        cases.push(column(&format!("{what} of five bytes"), VALUE_TAG, &run(2, &uleb(5 << 4 | kind))));
    }

    let columns = honest.columns();
    let mut reversed = columns.clone();
    reversed.reverse();
    let mut twice = columns.clone();
    twice.insert(1, columns[0].clone());
    let mut empty = columns.clone();
    empty.push((EXPAND, Vec::new()));
    let header = honest.header(&honest.others());
    let raw = |tail: &[u8]| chunk(1, &[&header, tail].concat());
    cases.extend([
        refused("columns in reverse", honest.with_columns(&reversed)),
        refused("a column twice", honest.with_columns(&twice)),
        refused("an empty column", honest.with_columns(&empty)),
        refused("2^40 columns", raw(&uleb(1 << 40))),
        refused("14 columns announced, none there", raw(&[14])),
        refused("a column of 2^63 bytes", raw(&[&[1][..], &uleb(u64::from(ACTION)), &uleb(1 << 63)].concat())),
        refused("column lengths that overflow", raw(&[&[2][..], &[1], &uleb(u64::MAX), &[2], &uleb(u64::MAX)].concat())),
        case("a run of one", Expect::Step(4), honest.with_column(ACTION, &[run(1, &uleb(1)), run(1, &uleb(1))].concat())),
        case("equal values one by one", Expect::Step(4), honest.with_column(ACTION, &[sleb(-2), uleb(1), uleb(1)].concat())),
        case("an expand column of false", Expect::Step(4), honest.with_column(EXPAND, &uleb(2))),
        case("a mark column of nulls", Expect::Step(4), honest.with_column(MARK_NAME, &nulls(2))),
    ]);
    cases
}
