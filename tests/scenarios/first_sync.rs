//! A long answer is kept before it is opened, and opened part by part: what ends meanwhile, and what happens between two parts.

use roadbook_core::exchange::parts;
use roadbook_core::ids::SubjectId;
use roadbook_core::replica::Claimed;
use roadbook_core::sync::Synced;

use super::moving::many;
use crate::world::World;
use crate::world::cast;
use crate::world::hand::fact;

/// 王芳's phone, on a file, with the answer to its first request: four hundred customers, in several parts.
fn phone_and_answer() -> (World, Vec<SubjectId>, Vec<u8>) {
    let mut world = World::new(9);
    let subjects = many(&mut world, 400);
    world.enrol("wf1", true);
    let phone = world.phone("wf1");
    let request = phone.replica().sync_request(world.now, None).unwrap();
    let answer = world.office.answer(phone.device, &request, world.now).unwrap();
    assert!(parts::decode(&answer).unwrap().answers.len() >= 3);
    (world, subjects, answer)
}

/// What a phone shows that took the same answer in at one go.
fn expected(world: &World, answer: &[u8]) -> [u8; 32] {
    let mut replica = roadbook_core::replica::Replica::in_memory([3; 16]).unwrap();
    let phone = world.phone("wf1");
    replica.enrolled(phone.device, &phone.replica().profile().unwrap().unwrap()).unwrap();
    replica.sync_answer(answer, world.now).unwrap();
    replica.store().read(|read| read.rows_print()).unwrap()
}

fn shown(world: &World) -> [u8; 32] {
    world.phone("wf1").replica().store().read(|read| read.rows_print()).unwrap()
}

/// Takes in what is left of the kept answer.
fn rest(world: &mut World) -> Option<Synced> {
    let replica = world.phones.get_mut("wf1").unwrap().replica_mut();
    let opening = replica.received().unwrap()?;
    Some(replica.open_rest(opening).unwrap())
}

#[test]
fn an_answer_that_has_come_is_opened_without_a_network_wherever_the_app_ended() {
    let (mut world, _, answer) = phone_and_answer();
    let expected = expected(&world, &answer);
    let parts = parts::decode(&answer).unwrap().answers;
    let documents: usize = parts.iter().map(|part| part.items.len()).sum();
    let now = world.now;
    let replica = world.phones.get_mut("wf1").unwrap().replica_mut();
    let _never_opened = replica.keep(&answer, now).unwrap();
    // The app ends before anything is opened, and then after each part.
    let mut taken = 0;
    for part in &parts[..parts.len() - 1] {
        let phone = world.phones.get_mut("wf1").unwrap();
        phone.crash(now);
        let mut opening = phone.replica_mut().received().unwrap().unwrap();
        let done = phone.replica_mut().open_part(&mut opening).unwrap().unwrap();
        assert_eq!(done.documents, part.items.len(), "the next part, and all of it");
        taken += done.documents;
        assert!(phone.replica().today_is_usable().unwrap());
    }
    world.phones.get_mut("wf1").unwrap().crash(now);
    let last = rest(&mut world).unwrap();
    assert_eq!(taken + last.documents, documents, "each document once");
    assert_eq!(shown(&world), expected);
    assert!(rest(&mut world).is_none(), "it is gone");
    // Headquarters has nothing to add.
    let synced = world.sync("wf1");
    assert_eq!((synced.documents, synced.compared, synced.restarted), (0, false, false));
    crate::laws::hold(&mut world);
}

#[test]
fn work_goes_on_between_two_parts_and_is_handed_in() {
    let (mut world, subjects, answer) = phone_and_answer();
    let now = world.now;
    let replica = world.phones.get_mut("wf1").unwrap().replica_mut();
    let mut opening = replica.keep(&answer, now).unwrap();
    // Today comes first, of which there is nothing; then a part of the customers.
    for _ in 0..2 {
        replica.open_part(&mut opening).unwrap().unwrap();
    }
    let here = |world: &World| subjects.iter().filter(|one| world.holds("wf1", **one)).copied().collect::<Vec<_>>();
    let first = here(&world);
    assert!(!first.is_empty() && first.len() < subjects.len());
    world.on("wf1").edit(first[0], &[fact("headcount", 7)]);
    let draft = world.on("wf1").check_in(first[0], None, None);
    let visit = world.on("wf1").check_out(draft, &[("outcome", "order".into())]);
    let replica = world.phones.get_mut("wf1").unwrap().replica_mut();
    while replica.open_part(&mut opening).unwrap().is_some() {}
    assert_eq!(here(&world).len(), subjects.len());
    assert_eq!(world.card("wf1", first[0]).facts["headcount"].value.as_int(), Some(7));
    let synced = world.sync("wf1");
    assert_eq!((synced.accepted, synced.compared, synced.restarted), (2, false, false));
    assert!(world.office.read(|replica| replica.visit(visit)).unwrap().is_some());
    crate::laws::hold(&mut world);
}

#[test]
fn an_answer_that_something_else_overtakes_moves_no_cursor() {
    let (mut world, _, answer) = phone_and_answer();
    let now = world.now;
    let replica = world.phones.get_mut("wf1").unwrap().replica_mut();
    let mut opening = replica.keep(&answer, now).unwrap();
    replica.open_part(&mut opening).unwrap().unwrap();
    // Another exchange brings the rest while it waits.
    while world.exchange("wf1").more {}
    let stands = |world: &World| world.phone("wf1").replica().store().read(|read| read.pull_position()).unwrap();
    let before = (stands(&world), shown(&world));
    let replica = world.phones.get_mut("wf1").unwrap().replica_mut();
    while let Some(part) = replica.open_part(&mut opening).unwrap() {
        assert_eq!((part.documents, part.more), (0, true));
    }
    assert_eq!((stands(&world), shown(&world)), before);
    world.settle();
    crate::laws::hold(&mut world);
}

#[test]
fn an_answer_that_ends_the_app_each_time_is_given_up() {
    let (mut world, _, answer) = phone_and_answer();
    let now = world.now;
    world.phones.get_mut("wf1").unwrap().replica_mut().keep(&answer, now).unwrap();
    let mut begun = 0;
    loop {
        let phone = world.phones.get_mut("wf1").unwrap();
        phone.crash(now);
        if phone.replica_mut().received().unwrap().is_none() {
            break;
        }
        begun += 1;
        assert!(begun < 10, "it is tried for ever");
    }
    assert!(begun >= 2, "the app may well end once for another reason");
    // It comes again, and headquarters is none the wiser.
    world.sync("wf1");
    world.enrol("wf2", false);
    world.sync("wf2");
    assert_eq!(world.prints()["wf1"], world.prints()["wf2"]);
    crate::laws::hold(&mut world);
}

#[test]
fn a_copy_of_the_phone_does_not_open_what_came_for_the_first() {
    let (mut world, _, answer) = phone_and_answer();
    let now = world.now;
    let phone = world.phones.get_mut("wf1").unwrap();
    assert_eq!(phone.replica_mut().claim([1; 16]).unwrap(), Claimed::First);
    phone.replica_mut().keep(&answer, now).unwrap();
    let backup = phone.back_up(now);
    let mut copied = phone.copied("wf2", cast::device("wf2"), &backup, now);
    assert_eq!(copied.replica_mut().claim([2; 16]).unwrap(), Claimed::Copy);
    let profile = world.office.enrol(cast::user("wf"), cast::device("wf2"), "wf2", now);
    copied.replica_mut().enrolled(cast::device("wf2"), &profile).unwrap();
    assert!(copied.replica_mut().received().unwrap().is_none());
    world.phones.insert("wf2".to_owned(), copied);
    world.settle();
    crate::laws::hold(&mut world);
}
