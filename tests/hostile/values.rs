//! Step 7: every type of value in every length, as a register and as a character. Bytes of any length are a register, one
//! character is a character; nothing else is anything.

use super::forge::{Key, Op, column, sleb, uleb};
use super::world::World;
use super::{Case, Expect, case};

pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in 0..16u8 {
        for length in [0, 1, 2, 8, 9] {
            let value = (kind, vec![b'x'; length]);
            let register = world.set(world.facts(), Key::Name("k".into()), value.clone());
            let character = Op { insert: true, ..world.set(world.note(), Key::Head, value) };
            let expect = |honest: bool| if honest { Expect::Accepted } else { Expect::Refused };
            let name = |what: &str| format!("type {kind}, {length} bytes, as {what}");
            cases.push(case(&name("a register"), expect(kind == 7), world.change(vec![register]).bytes()));
            cases.push(case(&name("a character"), expect(kind == 6 && length == 1), world.change(vec![character]).bytes()));
        }
    }
    for (name, bytes) in [
        ("half of two bytes", &b"\xc3"[..]),
        ("a surrogate", b"\xed\xa0\x80"),
        ("beyond Unicode", b"\xf4\x90\x80\x80"),
        ("in a longer form", b"\xc1\x81"),
        ("a lone tail", b"\x80"),
        ("a tail behind", b"x\x80"),
    ] {
        let character = Op { insert: true, ..world.set(world.note(), Key::Head, (6, bytes.to_vec())) };
        cases.push(case(&format!("a character: {name}"), Expect::Refused, world.change(vec![character]).bytes()));
        let change = world.change(vec![world.put("kk")]).with_column(column::KEY_NAME, &keys(bytes));
        cases.push(case(&format!("a key: {name}"), Expect::Refused, change));
    }
    cases
}

/// The column of keys of one operation whose key is these bytes, text or not.
fn keys(bytes: &[u8]) -> Vec<u8> {
    [sleb(-1), uleb(bytes.len() as u64), bytes.to_vec()].concat()
}
