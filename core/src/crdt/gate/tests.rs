//! What the gate says to honest writers, and how it keeps bad changes from holding up good ones. Hostile bytes are in the
//! suite's `hostile`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a failing test says where"
)]

use super::*;
use crate::crdt::Writer;
use crate::crdt::document::{ChangeStamp, DocumentError, Heads, RawChange};
use crate::crdt::genesis::{Genesis, Shape};
use crate::ids::{Ms, UserId};

const GENESIS: Genesis =
    Genesis { kind: "gate-test", versions: &[&[("facts", Shape::Registers), ("note", Shape::Text)], &[("later", Shape::Registers)]] };
const ANN: UserId = UserId::from_bytes([0xa; 16]);
const BOB: UserId = UserId::from_bytes([0xb; 16]);

fn start() -> (Document, ContainerRules) {
    (GENESIS.document().unwrap(), ContainerRules::of(&GENESIS).unwrap())
}

fn stamp(actor: u8, author: UserId, time: i64) -> ChangeStamp {
    ChangeStamp { actor: ActorId::from_slice(&[actor; 16]).unwrap(), author: Some(author), time: Ms(time), note: Some("+0".into()) }
}

fn write(
    doc: &mut Document,
    at: Option<&Heads>,
    stamp: &ChangeStamp,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), DocumentError>,
) -> RawChange {
    doc.write(at, stamp, write).unwrap().unwrap()
}

fn put(doc: &mut Document, at: Option<&Heads>, actor: u8, author: UserId, key: &str) -> RawChange {
    write(doc, at, &stamp(actor, author, 1_000), |w| w.put("facts", key, key.as_bytes().to_vec()))
}

fn admit_from(doc: &Document, rules: &ContainerRules, user: UserId, changes: &[RawChange]) -> Admission {
    let owns = |_: &ActorId| true;
    let incoming: Vec<Incoming<'_>> =
        changes.iter().map(|change| Incoming { bytes: &change.bytes, source: Source::Device { user, owns: &owns } }).collect();
    Gate::strict().admit(doc, rules, &incoming, &|_| Ok(()))
}

fn accepted(outcome: &Outcome) -> &Accepted {
    match outcome {
        Outcome::Accepted(accepted) => accepted,
        other => panic!("not accepted: {other:?}"),
    }
}

#[test]
fn an_honest_day_is_admitted_whole_and_in_any_order() {
    let (base, rules) = start();
    let mut phone = base.clone();
    let opened = phone.heads();
    let mut changes = vec![put(&mut phone, None, 1, ANN, "phone"), put(&mut phone, None, 1, ANN, "address/line")];
    changes.push(write(&mut phone, None, &stamp(1, ANN, 5), |w| w.splice("note", 0, 0, "客户很好 👍")));
    changes.push(write(&mut phone, None, &stamp(1, ANN, 6), |w| w.rewrite("note", "客户不好")));
    // A form that was opened before all this: automerge writes it under an actor derived from the first.
    changes.push(put(&mut phone, Some(&opened), 1, ANN, "phone"));
    changes.push(put(&mut phone, None, 2, ANN, "phone"));
    changes.reverse();

    let admission = admit_from(&base, &rules, ANN, &changes);
    for (outcome, change) in admission.outcomes.iter().zip(&changes) {
        assert_eq!(accepted(outcome).raw, *change);
        assert_eq!(accepted(outcome).meta.author, Some(ANN));
    }
    let next = admission.document.unwrap();
    assert_eq!(next.heads(), phone.heads());
    assert_eq!(next.text("note").as_deref(), Some("客户不好"));
    let touched: Vec<_> = admission.outcomes.iter().rev().map(|outcome| accepted(outcome).touched.clone()).collect();
    assert_eq!(touched[1], [Touched { container: "facts".into(), key: Some("address/line".into()) }]);
    assert_eq!(touched[2], [Touched { container: "note".into(), key: None }]);

    let again = admit_from(&next, &rules, ANN, &changes);
    assert!(again.document.is_none());
    assert!(again.outcomes.iter().all(|outcome| matches!(outcome, Outcome::AlreadyKnown { .. })));
}

#[test]
fn genesis_is_welcome_from_anyone_and_only_it_writes_the_root() {
    let genesis = GENESIS.changes().unwrap();
    let mut old = Document::load(&[]).unwrap();
    old.apply(&genesis[..1]).unwrap();
    let mut phone = GENESIS.document().unwrap();
    let edit = write(&mut phone, None, &stamp(1, ANN, 1), |w| w.put("later", "x", vec![1]));
    let mut concurrent = old.clone();
    let other = put(&mut concurrent, None, 2, ANN, "phone");
    let rules = ContainerRules::of(&GENESIS).unwrap();
    let admission = admit_from(&old, &rules, ANN, &[other, edit, genesis[1].clone()]);
    assert_eq!(admission.outcomes.iter().map(|o| accepted(o).touched.len()).collect::<Vec<_>>(), [1, 1, 0]);
    // Without the second version in the rules, the same change is a stranger's.
    let narrow = ContainerRules::new([genesis[0].hash]).with("facts", ContainerRule::Registers { value_bytes_max: 10 });
    let admission = admit_from(&old, &narrow, ANN, &genesis[1..]);
    assert!(matches!(admission.outcomes[0], Outcome::Refused { refusal: Refusal::Author, .. }), "{:?}", admission.outcomes);
}

#[test]
fn writers_are_who_they_say() {
    let (base, rules) = start();
    let mut phone = base.clone();
    let first = put(&mut phone, None, 1, ANN, "phone");
    let second = put(&mut phone, None, 1, ANN, "fax");
    let refused = |admission: &Admission, at: usize, expected: Refusal| match &admission.outcomes[at] {
        Outcome::Refused { refusal, .. } => assert_eq!(*refusal, expected),
        other => panic!("{other:?}"),
    };
    refused(&admit_from(&base, &rules, BOB, std::slice::from_ref(&first)), 0, Refusal::Author);
    let half = admit_from(&base, &rules, ANN, std::slice::from_ref(&first)).document.unwrap();
    refused(&admit_from(&half, &rules, BOB, std::slice::from_ref(&second)), 0, Refusal::Author);
    let owns = |actor: &ActorId| actor.as_bytes() != [1; 16];
    let source = Source::Device { user: ANN, owns: &owns };
    let admission = Gate::strict().admit(&base, &rules, &[Incoming { bytes: &first.bytes, source }], &|_| Ok(()));
    refused(&admission, 0, Refusal::Actor);
    // The feed vouches for its authors.
    let feed = Gate::lenient().admit(&half, &rules, &[Incoming { bytes: &second.bytes, source: Source::Feed }], &|_| Ok(()));
    assert_eq!(accepted(&feed.outcomes[0]).meta.author, Some(ANN));
}

#[test]
fn missing_forked_and_denied_have_their_own_answers() {
    let (base, rules) = start();
    let mut phone = base.clone();
    let first = put(&mut phone, None, 1, ANN, "phone");
    let second = put(&mut phone, None, 1, ANN, "fax");
    let mut twin = base.clone();
    let other = put(&mut twin, None, 1, ANN, "mail");
    let alone = admit_from(&base, &rules, ANN, std::slice::from_ref(&second));
    assert_eq!(alone.outcomes, [Outcome::MissingDependencies { hash: second.hash, missing: vec![first.hash] }]);
    let both = admit_from(&base, &rules, ANN, &[first.clone(), other.clone(), second.clone()]);
    assert_eq!(both.outcomes[1], Outcome::Forked { hash: other.hash });
    accepted(&both.outcomes[2]);

    let owns = |_: &ActorId| true;
    let source = Source::Device { user: ANN, owns: &owns };
    let incoming = [Incoming { bytes: &first.bytes, source }, Incoming { bytes: &second.bytes, source }];
    let rule = |candidate: &Candidate<'_>| {
        if candidate.touched.iter().any(|touched| touched.key.as_deref() == Some("phone")) { Err(Denied("not yours")) } else { Ok(()) }
    };
    let denied = Gate::strict().admit(&base, &rules, &incoming, &rule);
    assert_eq!(denied.outcomes[0], Outcome::Refused { hash: Some(first.hash), refusal: Refusal::Denied(Denied("not yours")) });
    assert_eq!(denied.outcomes[1], Outcome::MissingDependencies { hash: second.hash, missing: vec![first.hash] });
}

#[test]
fn a_refused_change_holds_up_none_that_does_not_build_on_it() {
    let (base, rules) = start();
    let mut phone = base.clone();
    let at = phone.heads();
    let bad = write(&mut phone, None, &stamp(1, ANN, 1), |w| w.put("facts", "no\npath", vec![1]));
    let builds_on_it = put(&mut phone, None, 1, ANN, "fax");
    // Written at the heads before: its counters run ahead of what headquarters holds.
    let innocent = put(&mut phone, Some(&at), 3, ANN, "mail");
    let admission = admit_from(&base, &rules, ANN, &[bad, builds_on_it, innocent]);
    assert!(matches!(admission.outcomes[0], Outcome::Refused { refusal: Refusal::Schema { op: 0, fault: SchemaFault::KeyPath }, .. }));
    assert!(matches!(admission.outcomes[1], Outcome::MissingDependencies { .. }));
    accepted(&admission.outcomes[2]);
}

#[test]
fn what_fails_its_trial_stands_alone() {
    // A document that is full after two of four changes: the trial of all four fails, the halves find out which fit.
    let (base, rules) = start();
    let mut changes = Vec::new();
    for n in 0..4u8 {
        let mut phone = base.clone();
        changes.push(write(&mut phone, None, &stamp(n + 1, ANN, 1), |w| w.put("facts", &format!("k{n}"), vec![n; 1_000])));
    }
    let mut limits = Limits::default();
    limits.chunk.document_bytes_max = base.save().len() + 2_500;
    let owns = |_: &ActorId| true;
    let incoming: Vec<Incoming<'_>> =
        changes.iter().map(|change| Incoming { bytes: &change.bytes, source: Source::Device { user: ANN, owns: &owns } }).collect();
    let admission = Gate::new(Policy::Strict, limits).admit(&base, &rules, &incoming, &|_| Ok(()));
    let full = |outcome: &Outcome| matches!(outcome, Outcome::Refused { refusal: Refusal::Full { .. }, .. });
    assert_eq!(admission.outcomes.iter().map(full).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(admission.document.unwrap().heads().hashes().len(), 2);

    limits.trials_max = 2;
    let admission = Gate::new(Policy::Strict, limits).admit(&base, &rules, &incoming, &|_| Ok(()));
    assert!(matches!(admission.outcomes[3], Outcome::Postponed { .. }));
    assert_eq!(admission.document.unwrap().heads().hashes().len(), 2);
}

#[test]
fn keys_are_paths() {
    for good in ["a", "phone", "sets/brand/茅台 53° 500ml (A/B)", "entries/0193-aa/name", "x.color", "a//b"] {
        assert!(is_key(good, 200), "{good}");
    }
    for bad in ["", "/", "/a", " a", "a ", "a\u{0}", "a\nb", "a\u{7f}", "a\u{85}b"] {
        assert!(!is_key(bad, 200), "{bad:?}");
    }
    assert!(!is_key(&"k".repeat(201), 200));
}

#[test]
fn snapshots_are_opened_when_they_begin_with_a_known_genesis() {
    let (base, rules) = start();
    let mut phone = base.clone();
    put(&mut phone, None, 1, ANN, "phone");
    write(&mut phone, None, &stamp(1, ANN, 5), |w| w.splice("note", 0, 0, "你好"));
    let gate = Gate::lenient();
    let opened = gate.admit_snapshot(&phone.save(), rules.genesis()).unwrap();
    assert_eq!(opened.heads(), phone.heads());
    assert_eq!(gate.admit_snapshot(&phone.save(), &[]).unwrap_err(), Refusal::Genesis);
}
