//! How long photos stay where: on the phone that took them, on one that looked at them, and what a headquarters from a backup asks for.

use roadbook_core::blobs::exchange::{BlobStep, ORIGINALS_KEPT_MS};
use roadbook_core::ids::{BlobHash, DocId, Ms};
use roadbook_core::store::NameState;
use roadbook_server::access::Role;
use roadbook_server::accounts::Who;
use roadbook_server::feed::DeskState;

use super::photos::{WIFI, drain, drain_to_a_cut_receipt, files, folder, here, visit_with, world_with_wf1};
use crate::laws;
use crate::world::World;
use crate::world::cast::{self, WEST, customer};
use crate::world::edits::picture;

fn state(world: &World, phone: &str, visit: DocId) -> Option<NameState> {
    world.phone(phone).replica().photos(visit).unwrap()[0].state
}

/// Fetches a photo; returns how many chunks came, until it is here or not to be had.
fn fetch(world: &mut World, name: &str, visit: DocId, hash: BlobHash) -> usize {
    let mut chunks = 0;
    loop {
        let (now, phone) = (world.now, world.phones.get_mut(name).unwrap());
        let stamp = phone.stamp(now);
        let Some(frame) = phone.replica_mut().fetch_step(&stamp, visit, hash).unwrap() else { return chunks };
        let answer = world.office.answer_blobs(phone.device, &frame, now).unwrap();
        let done = phone.replica_mut().take_blob_answer(&answer, now).unwrap();
        chunks += done.chunks;
        if !done.refused.is_empty() {
            return chunks;
        }
        assert!(chunks < 50, "it does not come to an end");
    }
}

/// 王芳 took a photo in a visit, of which headquarters has the text; 李强's phone holds nothing yet.
fn a_photo_of_a_colleague() -> (World, DocId, BlobHash, Vec<u8>) {
    let mut world = world_with_wf1(&[]);
    world.enrol("lq1", true);
    let bytes = picture(3, 300_000);
    let (visit, hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&bytes));
    world.sync("wf1");
    (world, visit, hashes[0], bytes)
}

#[test]
fn a_server_from_yesterdays_backup_gets_again_the_photos_that_it_lost() {
    let mut world = world_with_wf1(&["sl1"]);
    let backup = world.office.back_up("night");
    let photos = [picture(1, 300_000), picture(2, 400_000)];
    let (visit, hashes) = visit_with(&mut world, "wf1", &photos);
    world.sync("wf1");
    drain(&mut world, "wf1");
    assert_eq!(world.office.photos_missing(visit), (0, true));
    // The next day the server dies.
    world.pass_ms(Ms::DAY);
    drain(&mut world, "wf1");
    let now = world.now;
    world.office.restore(backup, now);
    assert!(world.office.photo("sl", visit, hashes[0]).is_none());
    world.settle();
    drain(&mut world, "wf1");
    assert_eq!(world.office.photos_missing(visit), (0, true));
    for (hash, bytes) in hashes.iter().zip(&photos) {
        assert_eq!(world.office.photo("sl", visit, *hash).as_ref(), Some(bytes));
    }
    world.pass_ms(ORIGINALS_KEPT_MS);
    drain(&mut world, "wf1");
    assert_eq!(here(&world, "wf1", visit), (0, 2));
    laws::hold(&mut world);
}

#[test]
fn a_clock_that_is_set_right_holds_no_photo_up() {
    let mut world = world_with_wf1(&[]);
    world.phones.get_mut("wf1").unwrap().clock_error_ms = 365 * Ms::DAY;
    let (visit, _) = visit_with(&mut world, "wf1", &[picture(1, 300)]);
    world.sync("wf1");
    drain_to_a_cut_receipt(&mut world);
    assert_ne!(state(&world, "wf1", visit), Some(NameState::Complete), "put off, by a clock that is a year ahead");
    world.phones.get_mut("wf1").unwrap().clock_error_ms = 0;
    world.pass_ms(11 * 60_000);
    drain(&mut world, "wf1");
    assert_eq!(state(&world, "wf1", visit), Some(NameState::Complete));
}

#[test]
fn a_phone_that_is_wiped_keeps_no_photo() {
    let mut world = world_with_wf1(&[]);
    visit_with(&mut world, "wf1", &[picture(1, 300_000)]);
    let (now, place, device) = (world.now, folder(&world, "wf1"), world.phone("wf1").device);
    assert_eq!(files(&place).len(), 2);
    world.office.accounts.order_wipe(now, &Who::default(), device).unwrap();
    assert!(world.exchange("wf1").wiped);
    assert!(!place.exists(), "nor its folder");
}

#[test]
fn a_photo_that_was_fetched_leaves_with_its_visit_and_in_time() {
    let (mut world, visit, hash, bytes) = a_photo_of_a_colleague();
    drain(&mut world, "wf1");
    world.sync("lq1");
    assert_eq!(fetch(&mut world, "lq1", visit, hash), 2);
    assert_eq!(world.phone("lq1").replica().photo_bytes(hash).unwrap(), bytes);
    assert_eq!((state(&world, "lq1", visit), fetch(&mut world, "lq1", visit, hash)), (Some(NameState::Fetched), 0), "it is there");
    // It takes room for some days, and can be fetched again.
    world.pass_ms(ORIGINALS_KEPT_MS);
    drain(&mut world, "lq1");
    assert_eq!(files(&folder(&world, "lq1")).len(), 0);
    assert_eq!(fetch(&mut world, "lq1", visit, hash), 2);
    // The customer goes elsewhere: who looked at the photo may hold it no more; who took it holds her own visit.
    world.refile(customer(1), WEST, "xw");
    world.settle();
    assert_eq!(files(&folder(&world, "lq1")).len(), 0, "no byte outside its scopes");
    assert!(world.phone("lq1").replica().photo_bytes(hash).is_err());
    assert_eq!(here(&world, "wf1", visit), (1, 1));
    laws::hold(&mut world);
}

#[test]
fn a_photo_that_a_colleague_looked_at_heals_a_server_that_lost_it() {
    let (mut world, visit, hash, bytes) = a_photo_of_a_colleague();
    let backup = world.office.back_up("noon");
    drain(&mut world, "wf1");
    world.sync("lq1");
    fetch(&mut world, "lq1", visit, hash);
    // Her phone is gone, and the server comes back without the photo.
    world.phones.remove("wf1");
    let now = world.now;
    world.office.restore(backup, now);
    world.sync("lq1");
    drain(&mut world, "lq1");
    assert_eq!(world.office.photo("sl", visit, hash), Some(bytes));
}

#[test]
fn a_file_that_is_gone_is_called_damaged_only_when_headquarters_lacks_the_photo() {
    let mut world = world_with_wf1(&[]);
    let (held, _) = visit_with(&mut world, "wf1", &[picture(1, 300)]);
    world.sync("wf1");
    // Everything arrives, and no answer to a chunk does.
    for _ in 0..4 {
        let (now, phone) = (world.now, world.phones.get_mut("wf1").unwrap());
        let BlobStep::Send(frame) = phone.replica_mut().blob_step(now, WIFI).unwrap() else { break };
        let answer = world.office.answer_blobs(phone.device, &frame, now).unwrap();
        if world.office.photos_missing(held) != (0, true) {
            world.phones.get_mut("wf1").unwrap().replica_mut().take_blob_answer(&answer, now).unwrap();
        }
    }
    let (lacked, _) = visit_with(&mut world, "wf1", &[picture(2, 300)]);
    world.sync("wf1");
    for file in files(&folder(&world, "wf1")) {
        std::fs::remove_file(file).unwrap();
    }
    drain(&mut world, "wf1");
    assert_eq!(state(&world, "wf1", held), Some(NameState::Complete));
    assert_eq!(state(&world, "wf1", lacked), Some(NameState::Refused));
    assert_eq!(world.phone("wf1").replica().photos(lacked).unwrap()[0].reason, "damaged_on_device");
}

#[test]
fn a_phone_that_is_shut_out_hands_in_its_photos_before_it_is_wiped() {
    let mut world = world_with_wf1(&["lq1"]);
    let bytes = picture(1, 300_000);
    let (visit, hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&bytes));
    let (now, who) = (world.now, Who::default());
    world.office.accounts.switch_user(now, &who, cast::user("wf"), true).unwrap();
    let synced = world.sync("wf1");
    assert!(synced.drain_only && !synced.wiped, "its text is in quarantine, its photos are still here");
    drain(&mut world, "wf1");
    assert!(world.office.photo("cg", visit, hashes[0]).is_none(), "nobody sees what nobody has decided about");
    assert!(world.exchange("wf1").wiped);
    let open = world.office.feed.desk(Some(DeskState::Open), 10).unwrap();
    let ids: Vec<i64> = open.iter().map(|row| row.row.id).collect();
    world.office.desk().approve(now, &who, cast::user("cg"), &ids, "").unwrap();
    assert_eq!(world.office.photos_missing(visit), (0, true));
    assert_eq!(world.office.photo("cg", visit, hashes[0]), Some(bytes));
    world.phones.remove("wf1");
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn a_phone_that_is_shut_out_is_waited_for_as_long_as_its_photos_come() {
    let mut world = world_with_wf1(&[]);
    let (visit, hashes) = visit_with(&mut world, "wf1", &[picture(1, 300_000), picture(2, 300_000)]);
    let come = |world: &World| {
        let held = world.office.blobs.table().held_of(&[visit]).unwrap().remove(&visit).unwrap();
        hashes.iter().filter(|hash| held.contains(hash)).count()
    };
    world.office.accounts.switch_user(world.now, &Who::default(), cast::user("wf"), true).unwrap();
    assert!(!world.sync("wf1").wiped);
    // It lies in a drawer.
    world.pass_ms(30 * Ms::DAY);
    assert!(!world.sync("wf1").wiped, "it could not hand in anything");
    while come(&world) == 0 {
        world.photo_step("wf1", WIFI).unwrap();
    }
    world.pass_ms(60_000);
    assert!(!world.sync("wf1").wiped, "one has come");
    drain(&mut world, "wf1");
    assert!(world.exchange("wf1").wiped);
    assert_eq!(come(&world), 2);
}

#[test]
fn a_phone_that_is_shut_out_and_hands_no_photo_in_is_wiped_all_the_same() {
    let mut world = world_with_wf1(&[]);
    visit_with(&mut world, "wf1", &[picture(1, 300_000)]);
    world.office.accounts.switch_user(world.now, &Who::default(), cast::user("wf"), true).unwrap();
    assert!(!world.sync("wf1").wiped);
    world.pass_ms(6 * Ms::DAY);
    assert!(!world.sync("wf1").wiped);
    world.pass_ms(Ms::DAY);
    assert!(world.exchange("wf1").wiped);
}

#[test]
fn a_receipt_that_does_not_come_is_not_asked_for_again_at_once() {
    let mut world = world_with_wf1(&[]);
    visit_with(&mut world, "wf1", &[picture(1, 300)]);
    world.sync("wf1");
    // She may read nothing of visits any more, once everything is there.
    while let Some(done) = world.photo_step("wf1", WIFI) {
        if done.held > 0 {
            let (now, who) = (world.now, Who::default());
            world.office.accounts.set_role(now, &who, cast::user("wf"), Role::Admin).unwrap();
        }
    }
    drain(&mut world, "wf1");
}

/// Where headquarters keeps photos, everything is gone.
fn empty_the_depot(world: &World) {
    let files = world.office.chunk_files();
    assert!(!files.is_empty());
    files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
}

#[test]
fn what_headquarters_has_lost_is_handed_in_again_before_the_original_leaves() {
    let mut world = world_with_wf1(&["sl1"]);
    let photos = [picture(1, 300_000), picture(2, 400_000)];
    let (visit, hashes) = visit_with(&mut world, "wf1", &photos);
    world.sync("wf1");
    drain(&mut world, "wf1");
    assert_eq!((world.office.photos_missing(visit), state(&world, "wf1", visit)), ((0, true), Some(NameState::Complete)));
    // The tables say that it is held; of the folder only an older copy was left.
    empty_the_depot(&world);
    world.pass_ms(ORIGINALS_KEPT_MS);
    drain(&mut world, "wf1");
    assert_eq!((world.office.photos_missing(visit), here(&world, "wf1", visit).0), ((0, true), 2), "handed in again, and kept once more");
    assert_eq!(world.office.photo("sl", visit, hashes[1]).as_ref(), Some(&photos[1]));
    world.pass_ms(ORIGINALS_KEPT_MS);
    drain(&mut world, "wf1");
    assert_eq!((world.office.photos_missing(visit), here(&world, "wf1", visit).0), ((0, true), 0));
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn a_photo_that_headquarters_has_lost_holds_up_no_other_and_comes_back_for_all_who_name_it() {
    let mut world = world_with_wf1(&["sl1"]);
    world.enrol("lq1", true);
    world.sync("lq1");
    let (same, other) = (picture(1, 300_000), picture(2, 300_000));
    let (first, hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&same));
    world.on("wf1").working(|replica, _| replica.keep_originals(0)).unwrap();
    world.sync("wf1");
    drain(&mut world, "wf1");
    assert_eq!(here(&world, "wf1", first).0, 0, "it has left the phone that took it");
    empty_the_depot(&world);
    assert!(world.office.photo("sl", first, hashes[0]).is_none(), "no error: it is not there");
    assert_eq!(world.office.photos_missing(first), (1, false), "and headquarters knows it now");
    world.sync("lq1");
    assert_eq!(fetch(&mut world, "lq1", first, hashes[0]), 0);
    let (second, _) = visit_with(&mut world, "lq1", &[same.clone(), other]);
    world.sync("lq1");
    drain(&mut world, "lq1");
    assert_eq!(world.office.photos_missing(second), (0, true));
    assert_eq!(world.office.photo("sl", first, hashes[0]).as_ref(), Some(&same), "the first visit has it again");
}

#[test]
fn a_store_of_photos_that_was_not_at_hand_gives_back_what_it_has() {
    let mut world = world_with_wf1(&["sl1"]);
    let bytes = picture(1, 300_000);
    let (visit, hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&bytes));
    world.on("wf1").working(|replica, _| replica.keep_originals(0)).unwrap();
    world.sync("wf1");
    drain(&mut world, "wf1");
    // It was not mounted, or another bucket was named: everything looks lost, and no phone has it any more.
    let files: Vec<_> = world.office.chunk_files().into_iter().map(|file| (std::fs::read(&file).unwrap(), file)).collect();
    empty_the_depot(&world);
    assert!(world.office.photo("sl", visit, hashes[0]).is_none());
    world.office.blobs.sweep(world.now).unwrap();
    assert_eq!(world.office.photos_missing(visit), (1, false));
    files.iter().for_each(|(bytes, file)| std::fs::write(file, bytes).unwrap());
    world.office.blobs.sweep(world.now).unwrap();
    assert_eq!(world.office.photos_missing(visit), (0, true));
    assert_eq!(world.office.photo("sl", visit, hashes[0]), Some(bytes));
}
