//! Photos in random worlds: taken, handed in and looked at elsewhere while everything goes wrong; and what must hold of them at the end.
//! Their files are plain ones beside the simulated disks: each is synced before its row is written, so that no power cut takes one.

use std::collections::BTreeSet;

use roadbook_core::blobs::exchange::{BlobStep, Link, ORIGINALS_KEPT_MS};
use roadbook_core::blobs::folder::BlobFolder;
use roadbook_core::blobs::photos::NewPhoto;
use roadbook_core::ids::{BlobHash, DocId};
use roadbook_core::model::Value;

use super::storm::Storm;
use super::work::CUSTOMERS;
use crate::world::World;
use crate::world::cast::customer;
use crate::world::chance::Chance;
use crate::world::edits::picture;
use crate::world::mishap::{Mishap, attempt};
use crate::world::network::{About, Flight, Way};
use crate::world::office::Unanswered;
use crate::world::phone::{FILE, Phone};
use crate::world::weather::Weather;

const WIFI: Link = Link { metered: false };
/// Turns of handing photos in at the end: what headquarters could not take in one is taken in the next.
const TURNS: usize = 3;
/// More steps than the photos of one phone need.
const STEPS_MAX: usize = 400;
/// Thumbnails that all photos share: some are the same.
const THUMBNAILS: usize = 4;

impl Storm {
    /// A phone does something about photos.
    pub(super) fn photos(&mut self, name: &str) -> Result<(), String> {
        let mut chance = self.chance.branch("photos");
        if !chance.in_thousand(self.weather.photos) || self.enemy.as_deref() == Some(name) {
            return Ok(());
        }
        let troubled = self.world.phones[name].disk().is_troubled();
        let world = &mut self.world;
        let (done, what) = match chance.below(10) {
            0..=3 => (attempt(|| take(world, name, &mut chance)).map(|()| None), "takes a photo"),
            4..=8 => (attempt(|| hand_in(world, name)), "hands photos in"),
            _ => (attempt(|| look(world, name, &mut chance)), "looks at a photo"),
        };
        self.tell(|| format!("{name} {what}: {}", done.as_ref().map_or("in vain", |frame| if frame.is_some() { "asks" } else { "well" })));
        let (frame, mishap) = done.map_or_else(|mishap| (None, Some(mishap)), |frame| (frame, None));
        self.after_phone(name, troubled, mishap)?;
        if let (Some(frame), Some(phone)) = (frame, self.world.phones.get(name)) {
            let flight = Flight { way: Way::Up, about: About::Photos, phone: name.to_owned(), device: phone.device, frame, whole: true };
            self.network.send(self.step, flight, self.faults, &mut chance);
        }
        Ok(())
    }

    pub(super) fn photos_arrive_at_headquarters(&mut self, flight: Flight) -> Result<(), String> {
        let now = self.world.now;
        let world = &self.world;
        let answered = attempt(|| world.office.answer_blobs(flight.device, &flight.frame, now));
        let (answer, mishap) = match answered {
            Ok(Ok(answer)) => (Some(answer), None),
            Ok(Err(Unanswered::Gone)) => (None, None),
            Ok(Err(Unanswered::Unreadable(_))) if !flight.whole => (None, None),
            Ok(Err(Unanswered::Unreadable(said) | Unanswered::Failed(said))) => (None, Some(Mishap { ours: true, said })),
            Err(mishap) => (None, Some(mishap)),
        };
        self.after_server(mishap)?;
        let Some(frame) = answer else { return Ok(()) };
        let mut chance = self.chance.branch("answer about photos");
        self.network.send(self.step, Flight { way: Way::Down, frame, whole: true, ..flight }, self.faults, &mut chance);
        Ok(())
    }

    pub(super) fn photos_answer_arrives(&mut self, flight: &Flight) -> Result<(), String> {
        let (now, name) = (self.world.now, flight.phone.as_str());
        let Some(phone) = self.world.phones.get_mut(name).filter(|phone| phone.device == flight.device) else { return Ok(()) };
        let troubled = phone.disk().is_troubled();
        let clock = phone.clock(now);
        let mishap = match attempt(|| phone.replica_mut().take_blob_answer(&flight.frame, clock)) {
            Ok(Ok(_)) => None,
            Ok(Err(_)) if !flight.whole => None,
            Ok(Err(error)) => Some(Mishap { ours: true, said: format!("an answer about photos is refused: {error}") }),
            Err(mishap) => Some(mishap),
        };
        self.tell(|| format!("{name} hears of photos: {}", mishap.as_ref().map_or("well", |_| "not")));
        self.after_phone(name, troubled, mishap)
    }

    /// Headquarters came back from a backup: the connections of before are gone, and perhaps its photos come from the same backup.
    pub(super) fn photos_of_a_backup(&mut self) {
        self.network.lose(Way::Down, About::Photos);
        if self.chance.branch("photos of a backup").in_thousand(500) {
            self.world.office.forget_chunks_of_nobody();
        }
    }
}

/// A photo is taken in a visit, which is begun when none is under way and perhaps ended with it; or one is taken back.
fn take(world: &mut World, name: &str, chance: &mut Chance) {
    let customer = customer(*chance.pick(&CUSTOMERS));
    let phone = &world.phones[name];
    if phone.replica().device().is_err() || phone.replica().card(customer).unwrap().is_none() {
        return;
    }
    let under_way = phone.replica().drafts().unwrap().into_iter().find(|draft| draft.customer == customer);
    let draft = under_way.unwrap_or_else(|| world.on(name).check_in(customer, None, None));
    let mine: Vec<BlobHash> = world.phones[name].photos.iter().filter(|(doc, _)| *doc == draft.doc).map(|(_, hash)| *hash).collect();
    if !mine.is_empty() && chance.in_thousand(150) {
        let hash = *chance.pick(&mine);
        world.phones.get_mut(name).unwrap().photos.remove(&(draft.doc, hash));
        world.on(name).working(|replica, _| replica.remove_photo(draft.doc, hash)).unwrap();
        return;
    }
    // Few different ones, so that some are taken twice; one in ten is longer than a chunk.
    let number = chance.below(40) as u64;
    let bytes = picture(number, if number < 4 { 300_000 } else { 200 + number as usize });
    let thumbnail = chance.in_thousand(700).then(|| picture(1_000 + chance.below(THUMBNAILS) as u64, 90));
    // Before it is taken in: a commit that failed may stand in the log all the same.
    for bytes in [Some(&bytes), thumbnail.as_ref()].into_iter().flatten() {
        world.pictures.insert(BlobHash::of(bytes), bytes.clone());
    }
    let new = NewPhoto { kind: "shelf", bytes: &bytes, thumbnail: thumbnail.as_deref(), taken_at: world.now };
    let hash = world.on(name).working(|replica, stamp| replica.add_photo(stamp, draft.doc, &new)).unwrap();
    world.phones.get_mut(name).unwrap().photos.insert((draft.doc, hash));
    if chance.in_thousand(500) {
        world.on(name).check_out(draft, &[("outcome", Value::from("order"))]);
    }
}

fn hand_in(world: &mut World, name: &str) -> Option<Vec<u8>> {
    let (now, phone) = (world.now, world.phones.get_mut(name)?);
    let clock = phone.clock(now);
    if phone.replica().device().is_err() {
        return None;
    }
    match phone.replica_mut().blob_step(clock, WIFI).unwrap() {
        BlobStep::Send(frame) => Some(frame),
        BlobStep::TextFirst | BlobStep::Paused { .. } | BlobStep::Rest => None,
    }
}

/// Somebody looks at a photo of a visit that their phone holds.
fn look(world: &mut World, name: &str, chance: &mut Chance) -> Option<Vec<u8>> {
    let (now, phone) = (world.now, world.phones.get_mut(name)?);
    if phone.replica().device().is_err() {
        return None;
    }
    let visits = super::heads(phone.replica()).into_iter().filter(|(_, (kind, _))| kind == "visit").map(|(doc, _)| doc);
    let all = visits.flat_map(|doc| phone.replica().photos(doc).unwrap().into_iter().map(move |known| (doc, known.photo)));
    let all: Vec<(DocId, BlobHash)> =
        all.flat_map(|(doc, photo)| photo.hashes().map(move |hash| (doc, hash)).collect::<Vec<_>>()).collect();
    if all.is_empty() {
        return None;
    }
    let (doc, hash) = *chance.pick(&all);
    let stamp = phone.stamp(now);
    phone.replica_mut().fetch_step(&stamp, doc, hash).unwrap()
}

/// What must hold of photos when everybody is at rest.
pub(super) fn hold(world: &mut World, weather: Weather) -> Result<(), String> {
    hand_in_all(world);
    // Pieces that are gone come again from phones that have theirs still, and know of it: nobody was put back, moved, or of another time.
    let gone = weather.depot > 0;
    let lost_legitimately = weather.clocks > 0 && (world.office.life() > 0 || gone) || gone && weather.people > 0;
    let is_asked = |phone: &Phone| !(lost_legitimately || gone && phone.restored);
    let shut_out: Vec<String> =
        world.phones.values().filter(|phone| !world.office.serves(phone.device)).map(|one| one.name.clone()).collect();
    for name in &shut_out {
        world.sync(name);
    }
    for phone in world.phones.values() {
        if phone.was_wiped() {
            nothing_is_left(phone)?;
            handed_in_before_a_wipe(world, phone, weather)?;
        }
        if is_asked(phone) {
            nothing_lost(world, phone, (gone, gone))?;
        }
        readable(world, phone)?;
    }
    // The process starts again, and days pass: what headquarters has held for long enough leaves the phones, and nothing else does.
    world.pass_ms(ORIGINALS_KEPT_MS);
    let now = world.now;
    for phone in world.phones.values_mut() {
        phone.clock_stands_at = None;
        phone.crash(now);
    }
    hand_in_all(world);
    for phone in world.phones.values() {
        if is_asked(phone) {
            nothing_lost(world, phone, (false, gone))?;
        }
        readable(world, phone)?;
        folder_is_what_rows_say(phone)?;
        gone_with_their_documents(world, phone)?;
    }
    Ok(())
}

/// Every phone hands in what it has.
fn hand_in_all(world: &mut World) {
    let names: Vec<String> = world.phones.keys().cloned().collect();
    for _ in 0..TURNS {
        world.pass_ms(11 * 60_000);
        for name in &names {
            let mut steps = 0;
            while world.phones[name].replica().device().is_ok() && world.photo_step(name, WIFI).is_some() {
                steps += 1;
                assert!(steps < STEPS_MAX, "{name} still hands photos in after {steps} steps");
            }
        }
    }
}

/// A photo that was taken in is at headquarters when its visit is, and on the phone as long as it is not. `or_here`: on the phone will do.
/// `gone`: headquarters lost pieces; what went after the visit had left the phone, as its days were over, is asked for in vain.
fn nothing_lost(world: &World, phone: &Phone, (or_here, gone): (bool, bool)) -> Result<(), String> {
    if !world.office.serves(phone.device) {
        return Ok(());
    }
    for (doc, hash) in &phone.photos {
        let names = |visit: roadbook_core::model::visit::Visit| visit.photos().iter().any(|photo| photo.hash == *hash);
        let sealed = world.office.read(|replica| replica.visit(*doc)).unwrap().is_some_and(names);
        // Looked at first: reading at headquarters finds a lost piece, which is for its receipts to find. What a copy of the phone has
        // ended may be under way on this one still: its photos are handed in when it is ended here too.
        let under_way = phone.replica().drafts().unwrap().iter().any(|draft| draft.doc == *doc);
        if (or_here || under_way) && phone.replica().photo_bytes(*hash).is_ok() {
            continue;
        }
        let there = world.office.photo("cg", *doc, *hash);
        if sealed && there.as_ref() != world.pictures.get(hash) {
            let known = phone.replica().store().read(|read| read.blobs_of(*doc)).unwrap();
            let known = known.into_iter().find(|name| name.hash == *hash);
            if gone && known.is_none() && phone.replica().visit(*doc).unwrap().is_none() {
                continue;
            }
            let said = known.map(|name| (name.state, name.reason, name.again));
            return Err(format!("{}: photo {hash} of visit {doc} is not at headquarters; the phone says {said:?}", phone.name));
        }
        // A visit that was given up before its end takes its photos with it.
        let kept = phone.replica().store().read(|read| read.blobs_of(*doc)).unwrap().iter().any(|name| name.hash == *hash);
        let ended = phone.saved.values().any(|saved| saved == doc);
        let aside = world.office.blobs.table().held_of(&[*doc]).unwrap().values().any(|held| held.contains(hash));
        if !sealed && !kept && !aside && (under_way || ended) {
            return Err(format!("{}: photo {hash} of visit {doc}, which headquarters does not have, is lost", phone.name));
        }
    }
    Ok(())
}

/// The photos of visits that were ended are at headquarters when the phone is wiped, if the visits are: in the feed, or set aside.
pub(super) fn handed_in_before_a_wipe(world: &World, phone: &Phone, weather: Weather) -> Result<(), String> {
    let ordered = world.office.ordered_to_wipe(phone.device);
    // A headquarters that came back from a backup may lack what this one had handed in before; and when days pass it waits no longer.
    if ordered || world.office.life() > 0 || weather.clocks > 0 || weather.weeks > 0 || weather.depot > 0 {
        return Ok(());
    }
    for (doc, hash) in phone.photos.iter().filter(|(doc, _)| phone.saved.values().any(|saved| saved == doc)) {
        let held = world.office.blobs.table().held_of(&[*doc]).unwrap().remove(doc).unwrap_or_default();
        let here = world.office.read(|replica| replica.visit(*doc)).unwrap().is_some();
        let aside = world.office.quarantine().iter().any(|row| row.refused.doc == *doc);
        if (here || aside) && !held.contains(hash) {
            return Err(format!("{} was wiped before it handed in photo {hash} of visit {doc}", phone.name));
        }
    }
    Ok(())
}

/// What a phone says that it has, it has.
fn readable(world: &World, phone: &Phone) -> Result<(), String> {
    let (whole, _) = phone.replica().store().read(|read| read.blob_files()).unwrap();
    for hash in whole.iter().filter(|_| !phone.lacks_files) {
        match phone.replica().photo_bytes(*hash) {
            Ok(bytes) if world.pictures.get(hash) == Some(&bytes) => {}
            other => return Err(format!("{}: photo {hash} is said to be here: {:?}", phone.name, other.map(|bytes| bytes.len()))),
        }
    }
    Ok(())
}

fn files(phone: &Phone) -> BTreeSet<String> {
    let folder = BlobFolder::beside(&phone.disk().path(FILE));
    let Ok(files) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

/// After a start there are no files but those that are spoken of.
fn folder_is_what_rows_say(phone: &Phone) -> Result<(), String> {
    let (whole, coming) = phone.replica().store().read(|read| read.blob_files()).unwrap();
    let whole = whole.iter().map(ToString::to_string);
    let said: BTreeSet<String> = whole.chain(coming.iter().map(|hash| format!("{hash}.part"))).collect();
    let there = files(phone);
    if there.difference(&said).next().is_some() || (!phone.lacks_files && there != said) {
        return Err(format!("{}: the folder of photos holds {there:?}, the rows say {said:?}", phone.name));
    }
    Ok(())
}

/// Law 4: no photo stays for a document that is not there, unless it is still to be handed in.
fn gone_with_their_documents(world: &World, phone: &Phone) -> Result<(), String> {
    let left = phone.replica().store().read(|read| read.names_to_forget(phone.clock(world.now), ORIGINALS_KEPT_MS)).unwrap();
    left.first().map_or(Ok(()), |(doc, hash)| Err(format!("{}: photo {hash} stays without its document {doc}", phone.name)))
}

/// A phone that was wiped has no photos either.
pub(super) fn nothing_is_left(phone: &Phone) -> Result<(), String> {
    let left = files(phone);
    if left.is_empty() { Ok(()) } else { Err(format!("{} was wiped and still has {left:?}", phone.name)) }
}
