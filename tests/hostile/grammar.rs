//! Step 7, without gaps: every action, in every kind of object, at every kind of key, as an insertion and not. Three of the
//! combinations are what honest people write; the gate says no to all others.

use super::forge::{Id, Key, Op, action};
use super::world::{ANNS, World};
use super::{Case, Expect, case};

/// Where an operation works.
const OBJECTS: [&str; 6] = ["the root", "registers", "a text", "a register's id", "a character's id", "nothing"];
/// Action 6 is unknown; the others have names.
const ACTIONS: [&str; 8] = ["make map", "set", "make list", "delete", "make text", "increment", "action 6", "mark"];

pub(super) fn cases(world: &World) -> Vec<Case> {
    let keys = [
        ("a name", Key::Name("k".into())),
        ("a taken name", Key::Name("phone".into())),
        ("the head", Key::Head),
        ("a character", Key::At(world.note_first.clone())),
        ("a register", Key::At(world.fax.clone())),
    ];
    let objects =
        [None, world.facts(), world.note(), Some(world.fax.clone()), Some(world.note_first.clone()), Some(Id(999, ANNS.to_vec()))];
    let mut cases = Vec::new();
    for (object, object_name) in objects.iter().zip(OBJECTS) {
        for (number, action_name) in (0u64..).zip(ACTIONS) {
            for (key_name, key) in &keys {
                for insert in [false, true] {
                    let text = object_name == "a text";
                    let value = match number {
                        action::SET if text => (6, b"x".to_vec()),
                        action::SET => (7, b"v".to_vec()),
                        action::INCREMENT => (4, vec![1]),
                        action::MARK => (2, Vec::new()),
                        _ => (0, Vec::new()),
                    };
                    let op = Op { object: object.clone(), key: key.clone(), insert, action: number, ..world.set(None, Key::Head, value) };
                    let honest = number == action::SET
                        && match (object_name, *key_name) {
                            ("registers", "a name") => !insert,
                            ("a text", "the head" | "a character") => insert,
                            _ => false,
                        };
                    let name = format!("{action_name} in {object_name} at {key_name}{}", if insert { ", inserted" } else { "" });
                    let expect = if honest { Expect::Accepted } else { Expect::Refused };
                    cases.push(case(&name, expect, world.change(vec![op]).bytes()));
                }
            }
        }
    }
    cases
}
