//! Photos: S28, and what is around it: who may have them, what a liar gets. How long they stay where is `photos_kept`.

use std::path::{Path, PathBuf};

use roadbook_core::blobs::exchange::{BlobStep, Link, ORIGINALS_KEPT_MS};
use roadbook_core::blobs::folder::BlobFolder;
use roadbook_core::blobs::photos::NewPhoto;
use roadbook_core::blobs::wire::{BlobAnswer, BlobAsk, BlobRequest, BlobSaid, Chunk, Offer, Standing, Taken};
use roadbook_core::blobs::{CHUNK_BYTES, Role, chunk_count, chunk_hashes, proof};
use roadbook_core::ids::{BlobHash, DocId, Ms};
use roadbook_core::model::kinds;
use roadbook_core::replica::Target;
use roadbook_server::blobs::ORPHAN_LIFE_MS;

use crate::laws;
use crate::world::World;
use crate::world::cast::{self, customer};
use crate::world::edits::picture;
use crate::world::hand::fact;
use crate::world::office::Unanswered;

pub(super) const WIFI: Link = Link { metered: false };
const METERED: Link = Link { metered: true };
/// More steps than any of these stories takes.
const STEPS_MAX: usize = 500;

/// 王芳's phone on a file, and others in memory.
pub(super) fn world_with_wf1(others: &[&str]) -> World {
    let mut world = World::monday(others);
    world.enrol("wf1", true);
    world.sync("wf1");
    world
}

/// A visit with photos, each with a thumbnail of 8 KB; returns the visit and the hashes of the originals.
pub(super) fn visit_with(world: &mut World, phone: &str, photos: &[Vec<u8>]) -> (DocId, Vec<BlobHash>) {
    let draft = world.on(phone).check_in(customer(1), None, None);
    let taken_at = world.now;
    let mut hashes = Vec::new();
    for (n, bytes) in photos.iter().enumerate() {
        let thumbnail = picture(1_000 + n as u64, 8 << 10);
        let new = NewPhoto { kind: "shelf", bytes, thumbnail: Some(&thumbnail), taken_at };
        hashes.push(world.on(phone).working(|replica, stamp| replica.add_photo(stamp, draft.doc, &new)).unwrap());
    }
    let doc = world.pass_ms(20 * 60_000).on(phone).check_out(draft, &[("outcome", "order".into())]);
    (doc, hashes)
}

/// Hands photos in until nothing is left to do; returns how many steps that took.
pub(super) fn drain(world: &mut World, phone: &str) -> usize {
    for step in 0..STEPS_MAX {
        if world.photo_step(phone, WIFI).is_none() {
            return step;
        }
    }
    panic!("{phone} still hands photos in after {STEPS_MAX} steps");
}

pub(super) fn here(world: &World, phone: &str, visit: DocId) -> (usize, usize) {
    let photos = world.phone(phone).replica().photos(visit).unwrap();
    (photos.iter().filter(|one| one.here).count(), photos.iter().filter(|one| one.thumbnail_here).count())
}

pub(super) fn folder(world: &World, phone: &str) -> PathBuf {
    BlobFolder::beside(world.phone(phone).file().unwrap())
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A frame of a device, asked in its name.
fn ask(world: &World, device: &str, ask: BlobAsk) -> BlobSaid {
    let device = cast::device(device);
    let frame = BlobRequest { device, now: world.now, ask }.encode().unwrap();
    BlobAnswer::decode(&world.office.answer_blobs(device, &frame, world.now).unwrap()).unwrap().said
}

/// What a phone says of a photo before it hands in the bytes.
fn original(world: &World, doc: DocId, hash: BlobHash, bytes: &[u8]) -> Offer {
    Offer {
        hash,
        doc,
        proof: proof(doc, [bytes]),
        bytes: bytes.len() as u64,
        role: Role::Original,
        kind: "shelf".to_owned(),
        taken_at: world.now,
        chunks: chunk_hashes(bytes),
    }
}

#[test]
fn s28_photos_arrive_by_chunks_and_originals_leave_only_after_a_receipt_that_names_all() {
    let mut world = world_with_wf1(&["sl1"]);
    world.at("10:00");
    let photos: Vec<Vec<u8>> = (0..5).map(|n| picture(n, 2_100_000)).collect();
    let (visit, hashes) = visit_with(&mut world, "wf1", &photos);
    let chunks = 5 * chunk_count(2_100_000);

    // Text first: no step of photos is made before it.
    let now = world.at("10:30").now;
    let step = world.phones.get_mut("wf1").unwrap().replica_mut().blob_step(now, WIFI).unwrap();
    assert_eq!(step, BlobStep::TextFirst);
    world.sync("wf1");
    assert_eq!(world.office.photos_missing(visit), (5, false), "S: 5 张待传");

    // Two photos arrive; the app is killed three times, the network changes, one chunk is corrupted.
    let (mut stored, mut wrong, mut lost, mut steps, mut kills) = (0, 0, 0, 0, 0);
    while world.office.photos_missing(visit).0 > 3 {
        let phone = world.phones.get_mut("wf1").unwrap();
        let (device, clock) = (phone.device, phone.clock(world.now));
        let BlobStep::Send(frame) = phone.replica_mut().blob_step(clock, WIFI).unwrap() else { panic!("something is left to send") };
        let mut request = BlobRequest::decode(&frame).unwrap();
        let sends_photo = matches!(&request.ask, BlobAsk::Chunks { chunks } if chunks[0].bytes.len() > 10_000);
        if let BlobAsk::Chunks { chunks } = &mut request.ask
            && sends_photo
            && wrong == 0
        {
            chunks[0].bytes[99] ^= 1;
        }
        let answer = world.office.answer_blobs(device, &request.encode().unwrap(), world.now).unwrap();
        steps += 1;
        if sends_photo && steps % 7 == 0 && lost < 2 {
            // The network changed: the answer is lost, though the chunk is stored.
            lost += 1;
            continue;
        }
        let done = world.phones.get_mut("wf1").unwrap().replica_mut().take_blob_answer(&answer, clock).unwrap();
        if sends_photo {
            stored += done.chunks;
            wrong += done.wrong;
        }
        if sends_photo && kills < 3 && stored > 4 * (kills + 1) {
            kills += 1;
            let now = world.now;
            world.phones.get_mut("wf1").unwrap().crash(now);
            world.sync("wf1");
        }
    }
    assert_eq!((kills, wrong, lost), (3, 1, 2));
    assert_eq!(world.office.photos_missing(visit), (3, false), "S: 3 张待传; the visit is not complete");
    assert_eq!(here(&world, "wf1", visit), (5, 5), "no original leaves the phone before the receipt");

    // The rest, step by step; the first receipt is lost.
    let mut receipt_lost = false;
    loop {
        let phone = world.phones.get_mut("wf1").unwrap();
        let clock = phone.clock(world.now);
        let BlobStep::Send(frame) = phone.replica_mut().blob_step(clock, WIFI).unwrap() else { break };
        let asks_receipt = matches!(BlobRequest::decode(&frame).unwrap().ask, BlobAsk::Receipts { .. });
        let answer = world.office.answer_blobs(cast::device("wf1"), &frame, world.now).unwrap();
        if asks_receipt && !receipt_lost {
            receipt_lost = true;
            assert_eq!(world.office.photos_missing(visit), (0, true), "everything is held");
            assert_eq!(here(&world, "wf1", visit), (5, 5), "and all originals are still on the phone");
            continue;
        }
        let done = world.phones.get_mut("wf1").unwrap().replica_mut().take_blob_answer(&answer, clock).unwrap();
        stored += done.chunks;
        if asks_receipt {
            assert_eq!(done.complete, vec![visit]);
        }
    }
    assert!(receipt_lost);
    // Resumed at the chunk: each was stored once but for those whose answers were lost (thumbnails counted with the rest).
    assert!(stored <= chunks + lost + 5, "{stored} chunks for {chunks}");
    world.pass_ms(ORIGINALS_KEPT_MS - Ms::DAY);
    drain(&mut world, "wf1");
    assert_eq!(here(&world, "wf1", visit), (5, 5), "headquarters may still come back from a backup");
    world.pass_ms(Ms::DAY);
    drain(&mut world, "wf1");
    assert_eq!((here(&world, "wf1", visit), files(&folder(&world, "wf1")).len()), ((0, 5), 5), "thumbnails stay");
    for (hash, bytes) in hashes.iter().zip(&photos) {
        assert_eq!(world.office.photo("sl", visit, *hash).as_ref(), Some(bytes), "S sees the photo as it was taken");
    }
    assert_eq!(world.phone("wf1").replica().photos_waiting().unwrap(), Default::default());
    world.settle();
    laws::hold(&mut world);
}

/// Hands photos in until the first receipt, which lacks a hash.
pub(super) fn drain_to_a_cut_receipt(world: &mut World) {
    loop {
        let phone = world.phones.get_mut("wf1").unwrap();
        let clock = phone.clock(world.now);
        let BlobStep::Send(frame) = phone.replica_mut().blob_step(clock, WIFI).unwrap() else { panic!("a receipt is asked for") };
        let mut answer = BlobAnswer::decode(&world.office.answer_blobs(cast::device("wf1"), &frame, world.now).unwrap()).unwrap();
        let mut cut = false;
        if let BlobSaid::Receipts { receipts } = &mut answer.said {
            cut = receipts[0].hashes.pop().is_some();
        }
        let done = world.phones.get_mut("wf1").unwrap().replica_mut().take_blob_answer(&answer.encode().unwrap(), clock).unwrap();
        if cut {
            assert_eq!(done.complete, vec![]);
            break;
        }
    }
}

#[test]
fn s28_a_receipt_that_lacks_one_hash_frees_nothing() {
    let mut world = world_with_wf1(&[]);
    let (visit, _) = visit_with(&mut world, "wf1", &[picture(1, 300_000), picture(2, 300_000)]);
    world.sync("wf1");
    drain_to_a_cut_receipt(&mut world);
    world.on("wf1").working(|replica, _| replica.keep_originals(0)).unwrap();
    drain(&mut world, "wf1");
    assert_eq!(here(&world, "wf1", visit), (2, 2));
    // Asked again later, it is complete.
    world.pass_ms(11 * 60_000);
    drain(&mut world, "wf1");
    assert_eq!(here(&world, "wf1", visit), (0, 2));
}

#[test]
fn s28_photos_are_encrypted_on_the_phone_and_a_crash_leaves_nothing_half() {
    let mut world = world_with_wf1(&[]);
    let bytes = picture(7, 600_000);
    let (visit, hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&bytes));
    let place = folder(&world, "wf1");
    for file in files(&place) {
        let sealed = std::fs::read(&file).unwrap();
        for window in [&bytes[..24], &bytes[300_000..300_024]] {
            assert!(!sealed.windows(window.len()).any(|piece| piece == window), "{}: plain bytes", file.display());
        }
    }
    // What a crash leaves: half a file, a file without a row.
    std::fs::write(place.join(format!("{}.part", BlobHash([1; 32]))), b"half").unwrap();
    std::fs::write(place.join(BlobHash([2; 32]).to_string()), b"whole, but nobody speaks of it").unwrap();
    let now = world.now;
    world.phones.get_mut("wf1").unwrap().crash(now);
    assert_eq!(files(&place).len(), 2, "the original and its thumbnail");
    assert_eq!(world.phone("wf1").replica().photo_bytes(hashes[0]).unwrap(), bytes);
    // A file that was altered is found out, refused by name, and holds up no other.
    let second = visit_with(&mut world, "wf1", &[picture(8, 300_000)]);
    let file = place.join(hashes[0].to_string());
    let mut sealed = std::fs::read(&file).unwrap();
    sealed[500_000] ^= 1;
    std::fs::write(&file, sealed).unwrap();
    assert!(world.phone("wf1").replica().photo_bytes(hashes[0]).is_err());
    world.sync("wf1");
    drain(&mut world, "wf1");
    assert_eq!(world.phone("wf1").replica().photos(visit).unwrap()[0].reason, "damaged_on_device");
    assert_eq!(world.office.photos_missing(second.0), (0, true));
    assert_eq!(world.office.photos_missing(visit), (1, false), "headquarters names what it lacks");
}

#[test]
fn photos_wait_on_a_metered_line_and_thumbnails_go() {
    let mut world = world_with_wf1(&[]);
    let (visit, hashes) = visit_with(&mut world, "wf1", &[picture(1, 300_000), picture(2, 300_000)]);
    world.sync("wf1");
    while world.photo_step("wf1", METERED).is_some() {}
    let small = world.phone("wf1").replica().photos(visit).unwrap()[0].photo.thumbnail.unwrap();
    assert!(world.office.photo("sl", visit, small).is_some(), "the thumbnail is there");
    assert!(world.office.photo("sl", visit, hashes[0]).is_none());
    let now = world.now;
    let step = world.phones.get_mut("wf1").unwrap().replica_mut().blob_step(now, METERED).unwrap();
    assert_eq!(step, BlobStep::Paused { photos: 2 });
    drain(&mut world, "wf1");
    assert_eq!(world.office.photos_missing(visit), (0, true));
}

#[test]
fn a_photo_is_had_by_whoever_may_read_its_document_and_by_nobody_else() {
    let mut world = World::monday(&[]);
    for device in ["wf1", "lq1", "xw1"] {
        world.enrol(device, true);
        world.sync(device);
    }
    let bytes = picture(3, 700_000);
    let (visit, hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&bytes));
    world.sync("wf1");
    drain(&mut world, "wf1");
    for (login, has) in [("wf", true), ("lq", true), ("zm", true), ("sl", true), ("cg", true), ("zk", false), ("xw", false), ("ad", false)]
    {
        assert_eq!(world.office.photo(login, visit, hashes[0]).is_some(), has, "{login}");
    }
    // A colleague of the territory fetches it by chunks, over a crash in between.
    world.sync("lq1");
    for round in 0.. {
        assert!(round < 10, "three chunks take three steps");
        let stamp = {
            let now = world.now;
            world.phones.get_mut("lq1").unwrap().stamp(now)
        };
        let phone = world.phones.get_mut("lq1").unwrap();
        let Some(frame) = phone.replica_mut().fetch_step(&stamp, visit, hashes[0]).unwrap() else { break };
        let answer = world.office.answer_blobs(cast::device("lq1"), &frame, world.now).unwrap();
        let done = world.phones.get_mut("lq1").unwrap().replica_mut().take_blob_answer(&answer, world.now).unwrap();
        assert_eq!(done.chunks, 1);
        let now = world.now;
        world.phones.get_mut("lq1").unwrap().crash(now);
    }
    assert_eq!(world.phone("lq1").replica().photo_bytes(hashes[0]).unwrap(), bytes);
    // Somebody of another territory who knows document and hash gets not a byte, nor a receipt, nor that there is something.
    let wish = BlobAsk::Fetch { hash: hashes[0], doc: visit, no: 0 };
    assert_eq!(ask(&world, "xw1", wish), BlobSaid::NotGiven { hash: hashes[0] });
    assert_eq!(ask(&world, "xw1", BlobAsk::Receipts { docs: vec![visit] }), BlobSaid::Receipts { receipts: vec![] });
    // Nor by a change about the visit, which is set aside.
    let target = Target::about(customer(1), &kinds::VISIT, visit);
    world.on("xw1").save(&target, &[fact("outcome", "order")]);
    assert_eq!(world.sync("xw1").quarantined.len(), 1);
    assert_eq!(ask(&world, "xw1", BlobAsk::Receipts { docs: vec![visit] }), BlobSaid::Receipts { receipts: vec![] });
    let offer = |doc, proof| Offer {
        hash: hashes[0],
        doc,
        proof,
        bytes: bytes.len() as u64,
        role: Role::Original,
        kind: "shelf".to_owned(),
        taken_at: world.now,
        chunks: chunk_hashes(&bytes),
    };
    let stood = ask(&world, "xw1", BlobAsk::Offer { offers: vec![offer(visit, [0; 32])] });
    assert!(
        matches!(&stood, BlobSaid::Stood { stood } if matches!(&stood[0].standing, Standing::Later { code, .. } if code == "no_document"))
    );
}

#[test]
fn knowing_a_hash_is_not_having_the_photo() {
    let mut world = world_with_wf1(&[]);
    world.enrol("lq1", true);
    world.sync("lq1");
    let bytes = picture(3, 300_000);
    let (_, hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&bytes));
    world.sync("wf1");
    drain(&mut world, "wf1");
    // 李强 writes a visit that names it, without having it; then one with it.
    let draft = world.on("lq1").check_in(customer(2), None, None);
    let manifest = roadbook_core::model::manifest::to_value(&[roadbook_core::model::manifest::Photo {
        hash: hashes[0],
        thumbnail: None,
        kind: "shelf".to_owned(),
        mime: "image/png".to_owned(),
        bytes: 300_000,
        taken_at: world.now,
    }]);
    let lying = world.on("lq1").check_out(draft, &[("outcome", "order".into()), ("manifest", manifest)]);
    world.sync("lq1");
    let offer = |doc, proof| Offer {
        hash: hashes[0],
        doc,
        proof,
        bytes: 300_000,
        role: Role::Original,
        kind: "shelf".to_owned(),
        taken_at: world.now,
        chunks: chunk_hashes(&bytes),
    };
    let standing = |world: &World, proof| {
        let said = ask(world, "lq1", BlobAsk::Offer { offers: vec![offer(lying, proof)] });
        let BlobSaid::Stood { stood } = said else { panic!("{said:?}") };
        stood[0].standing.clone()
    };
    assert!(matches!(standing(&world, [7; 32]), Standing::Refused { code, .. } if code == "wrong_proof"));
    assert!(world.office.photo("lq", lying, hashes[0]).is_none(), "not a byte through the lying visit");
    assert_eq!(world.office.photos_missing(lying), (1, false));
    assert_eq!(standing(&world, proof(lying, [&bytes])), Standing::Held, "who has the bytes sends none of them again");
    assert!(world.office.photo("lq", lying, hashes[0]).is_some());
}

#[test]
fn a_lie_about_chunks_spoils_nobodys_upload_and_other_content_is_refused() {
    let mut world = World::monday(&[]);
    for device in ["wf1", "wf2"] {
        world.enrol(device, true);
        world.sync(device);
    }
    let bytes = picture(3, CHUNK_BYTES + 10);
    let (visit, hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&bytes));
    world.sync("wf1");
    // Her second device, stolen, lies about the chunks of the photo before the first one hands it in.
    let false_bytes = picture(9, CHUNK_BYTES + 10);
    let offer = original(&world, visit, hashes[0], &false_bytes);
    let said = ask(&world, "wf2", BlobAsk::Offer { offers: vec![offer] });
    assert!(matches!(said, BlobSaid::Stood { .. }));
    let chunk = |no: u32, bytes: &[u8]| Chunk { hash: hashes[0], no, bytes: bytes.to_vec().into() };
    let chunks = vec![chunk(0, &false_bytes[..CHUNK_BYTES])];
    assert!(matches!(ask(&world, "wf2", BlobAsk::Chunks { chunks }), BlobSaid::Taken { taken } if taken[0].taken == Taken::Stored));
    let chunks = vec![chunk(1, &false_bytes[CHUNK_BYTES..])];
    let BlobSaid::Taken { taken } = ask(&world, "wf2", BlobAsk::Chunks { chunks }) else { panic!() };
    assert!(matches!(&taken[0].taken, Taken::Refused { code, .. } if code == "wrong_hash"), "{taken:?}");
    assert!(world.office.photo("sl", visit, hashes[0]).is_none());
    drain(&mut world, "wf1");
    assert_eq!(world.office.photo("sl", visit, hashes[0]), Some(bytes));
    // A revoked device gets no photo; one that is to be wiped is not heard at all.
    world.office.accounts.revoke_device(world.now, &Default::default(), cast::device("wf2")).unwrap();
    let wish = || BlobAsk::Fetch { hash: hashes[0], doc: visit, no: 0 };
    assert_eq!(ask(&world, "wf2", wish()), BlobSaid::NotGiven { hash: hashes[0] });
    world.office.accounts.order_wipe(world.now, &Default::default(), cast::device("wf2")).unwrap();
    let frame = BlobRequest { device: cast::device("wf2"), now: world.now, ask: wish() };
    let answered = world.office.answer_blobs(cast::device("wf2"), &frame.encode().unwrap(), world.now);
    assert!(matches!(answered, Err(Unanswered::Gone)), "{answered:?}");
}

#[test]
fn chunks_of_what_never_became_whole_are_cleared_away_in_time_and_nothing_else_is() {
    let mut world = World::monday(&[]);
    for device in ["wf1", "lq1"] {
        world.enrol(device, true);
        world.sync(device);
    }
    let hers = picture(3, 2 * CHUNK_BYTES);
    let mut his = hers.clone();
    his.extend_from_slice(&picture(4, CHUNK_BYTES));
    his[CHUNK_BYTES] ^= 1;
    let (his_visit, his_hashes) = visit_with(&mut world, "lq1", std::slice::from_ref(&his));
    world.sync("lq1");
    // 李强's phone falls silent after two of three chunks; the first of them is the beginning of 王芳's photo too.
    let offer = original(&world, his_visit, his_hashes[0], &his);
    ask(&world, "lq1", BlobAsk::Offer { offers: vec![offer] });
    for (bytes, no) in his.chunks(CHUNK_BYTES).zip(0..2) {
        ask(&world, "lq1", BlobAsk::Chunks { chunks: vec![Chunk { hash: his_hashes[0], no, bytes: bytes.to_vec().into() }] });
    }
    let (her_visit, her_hashes) = visit_with(&mut world, "wf1", std::slice::from_ref(&hers));
    world.sync("wf1");
    drain(&mut world, "wf1");
    let stored = world.office.chunks_stored();

    let early = world.now.plus(ORPHAN_LIFE_MS - 86_400_000);
    assert_eq!(world.office.blobs.sweep(early).unwrap(), 0, "he may still come");
    let late = world.pass_ms(ORPHAN_LIFE_MS + 86_400_000).now;
    assert_eq!(world.office.blobs.sweep(late).unwrap(), 1);
    assert_eq!(world.office.chunks_stored(), stored - 1);
    assert_eq!(world.office.blobs.sweep(late).unwrap(), 0);
    assert_eq!(world.office.photo("sl", her_visit, her_hashes[0]), Some(hers), "what is whole stays whole");
    // He comes after all: what was cleared away is asked for again.
    world.sync("lq1");
    drain(&mut world, "lq1");
    assert_eq!(world.office.photo("sl", his_visit, his_hashes[0]), Some(his));
}
