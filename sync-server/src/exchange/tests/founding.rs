//! Ids that are derived are nobody's to take, and what can never be written holds nothing up.

use roadbook_core::crdt::Heads;
use roadbook_core::model::Value;
use roadbook_core::replica::field::{self, TourKey};

use super::*;
use crate::headquarters::HeadquartersError;

/// A replica made anew from the feed, as at a start.
fn starts(world: &World) -> bool {
    Headquarters::in_memory(Arc::clone(&world.feed), world.accounts.clone(), 480, [78; 16], NOW).is_ok()
}

/// A card of a salesperson, and their phone.
fn shop(world: &World) -> (Phone, SubjectId) {
    let mut phone = world.phone(world.user(Role::Salesperson, &["east"]));
    phone.set(NOW, customer(101), "trade_name", "惠民");
    world.sync(&mut phone, NOW);
    (phone, customer(101))
}

fn verification(phone: &mut Phone, customer: SubjectId) -> (DocId, DocId) {
    let doc = phone.event(
        NOW,
        "verification",
        customer,
        &[assert("field", "trade_name"), assert("value", "惠民超市"), assert("decision", "accept")],
    );
    (doc, DocId::derived(&format!("proposal/verification/{doc}")))
}

fn is_proposed(world: &World, proposal: DocId) -> bool {
    world.headquarters.read(|replica| replica.proposal(proposal)).unwrap().is_some()
}

fn codes(answer: &Answer) -> Vec<String> {
    let code = |outcome: &Outcome| match outcome {
        Outcome::Quarantined { code, .. } => code.clone(),
        Outcome::Accepted => "accepted".to_owned(),
        Outcome::AlreadyKnown | Outcome::MissingDependencies { .. } | Outcome::Forked => "other".to_owned(),
    };
    let mut codes: Vec<String> = answer.verdicts.iter().map(|verdict| code(&verdict.outcome)).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn one_piece_of_work_writes_a_document_once() {
    let world = world();
    let (phone, c1) = shop(&world);
    let target = Target::office(c1);
    let twice = vec![(target.clone(), vec![assert("grade", "A")]), (target.clone(), vec![assert("lifecycle", "archived")])];
    world.headquarters.commit(phone.user, NOW, &twice).unwrap();
    let card = world.headquarters.read(|replica| replica.card(c1)).unwrap().unwrap();
    assert_eq!((card.text("grade"), card.text("lifecycle")), (Some("A"), Some("archived")));
    assert!(starts(&world));
    let head = world.feed.head().unwrap();
    let apart = vec![(target.clone(), vec![assert("grade", "B")]), (target.seen(Heads::default()), vec![assert("grade", "C")])];
    let refused = world.headquarters.commit(phone.user, NOW, &apart);
    assert!(matches!(refused, Err(HeadquartersError::TwiceInOne { kind: "office", .. })));
    assert_eq!(world.feed.head().unwrap(), head, "nothing was appended");
}

#[test]
fn a_phone_takes_no_id_that_is_derived() {
    let world = world();
    let (mut phone, c1) = shop(&world);
    let (_, proposal) = verification(&mut phone, c1);
    let day = NOW.day(480).unwrap().succ_opt().unwrap();
    let theirs = TourKey { route: "day".to_owned(), day, rep: UserId::from_bytes([99; 16]) };
    let squats = [
        Target::about(c1, kinds::kind("visit").unwrap(), proposal),
        Target::about(c1, kinds::kind("visit").unwrap(), customer(102).credit()),
        Target::customer(SubjectId::from(customer(103).credit())),
    ];
    for target in squats {
        let field = if target.kind.id == "customer" { "trade_name" } else { "feedback" };
        let stamp = phone.stamp(NOW);
        phone.replica.save(&stamp, Lane::Normal, &target, &[assert(field, "x")]).unwrap();
    }
    let stamp = phone.stamp(NOW);
    let progress = Edit::Put { container: "progress".to_owned(), key: format!("adhoc/{c1}"), value: Value::Bool(true) };
    phone.replica.save(&stamp, Lane::Normal, &Target::tour(theirs.doc()), &[progress]).unwrap();
    let answer = world.answer(&phone, NOW);
    assert_eq!(codes(&answer), ["accepted", "wrong_document", "wrong_document", "wrong_document", "wrong_document"]);
    assert!(is_proposed(&world, proposal), "the verification became what it becomes");
    assert!(world.feed.document(theirs.doc()).unwrap().is_none() && starts(&world));
}

#[test]
fn a_tour_that_a_superior_makes_on_a_phone_is_its_representatives() {
    let world = world();
    let boss = world.user(Role::Supervisor, &["east"]);
    let mut phone = world.phone(boss);
    let day = NOW.day(480).unwrap();
    for rep in [boss, UserId::from_bytes([99; 16])] {
        let (stamp, key) = (phone.stamp(NOW), TourKey { route: "day".to_owned(), day, rep });
        let (target, edits) = field::publish(&stamp, &key, None, &[], None, &[]);
        phone.replica.save(&stamp, Lane::Normal, &target, &edits).unwrap();
        assert_eq!(codes(&world.answer(&phone, NOW)), ["accepted"]);
        assert_eq!(world.feed.document(key.doc()).unwrap().unwrap().owner, Some(rep));
        world.sync(&mut phone, NOW);
    }
}

#[test]
fn what_is_owed_under_a_taken_id_is_left_and_everything_else_goes_on() {
    let world = world();
    let (mut phone, c1) = shop(&world);
    let (_, proposal) = verification(&mut phone, c1);
    // As a release took it in that did not look.
    let squat = vec![(Target::about(c1, kinds::kind("visit").unwrap(), proposal), vec![assert("feedback", "x")])];
    world.headquarters.commit(phone.user, NOW, &squat).unwrap();
    world.sync(&mut phone, NOW);
    assert!(!is_proposed(&world, proposal));
    phone.set(NOW, customer(102), "trade_name", "新店");
    world.sync(&mut phone, NOW);
    let office = world.headquarters.read(|replica| replica.document(customer(102).office())).unwrap();
    assert!(office.is_some(), "what is owed to another document is carried out");
    assert!(starts(&world));
}
