//! A disk that fails in the middle of something: what random worlds found, told plainly.

use roadbook_core::blobs::photos::NewPhoto;
use roadbook_core::replica::Target;

use crate::world::World;
use crate::world::cast::{customer, device, made, user};
use crate::world::chance::Chance;
use crate::world::disk::Trouble;
use crate::world::edits::picture;
use crate::world::mishap::attempt;
use crate::world::office::office_fact;

/// Disks that refuse, each at other writes.
const DISKS: u64 = 60;
/// Writes within which they do.
const WRITES: usize = 60;

/// What was appended is taken in before anything that may fail: else the next commit would write the same number of an actor twice, and
/// no replica could open the document again.
#[test]
fn what_is_written_next_builds_on_what_a_disk_interrupted() {
    let mut interrupted = 0;
    for seed in 0..DISKS {
        let mut world = World::furnished(1, &super::work::CUSTOMERS);
        world.enrol_on_disk("wf1", device("wf1"));
        world.sync("wf1");
        let mut chance = Chance::new(seed);
        // A new customer, of which headquarters owes its own side, and then somebody's work, while something is owed.
        world.on("wf1").set(made("new customer"), "trade_name", "新店");
        world.office.disk().plant(Trouble::Refused, WRITES, &mut chance);
        interrupted += u64::from(attempt(|| world.exchange("wf1")).is_err());
        world.office.disk().plant(Trouble::Refused, WRITES, &mut chance);
        for grade in ["A", "B", "C"] {
            let done = attempt(|| world.desk("cg", vec![(Target::office(customer(1)), vec![office_fact("grade", grade)])]));
            interrupted += u64::from(done.is_err());
        }
        world.office.disk().mend();
        let now = world.at("10:00").now;
        world.office.crash(now);
        world.desk("cg", vec![(Target::office(customer(1)), vec![office_fact("grade", "D")])]);
        assert_eq!(world.office_card(customer(1)).text("grade"), Some("D"), "disk {seed}");
        world.settle();
        assert_eq!(world.office_card(made("new customer")).text("owner"), Some(user("wf").to_string().as_str()), "disk {seed}");
    }
    assert!(interrupted > DISKS / 2, "disks refused while somebody wrote: {interrupted}");
}

/// A visit is given up with its photos, or neither is.
#[test]
fn a_visit_that_could_not_be_given_up_keeps_its_photos() {
    let (mut kept, mut given_up) = (0, 0);
    for seed in 0..DISKS {
        let mut world = World::furnished(1, &super::work::CUSTOMERS);
        world.enrol_on_disk("wf1", device("wf1"));
        world.sync("wf1");
        let draft = world.at("09:00").on("wf1").check_in(customer(1), None, None);
        let bytes = picture(1, 900);
        let new = NewPhoto { kind: "shelf", bytes: &bytes, thumbnail: None, taken_at: world.now };
        let hash = world.on("wf1").working(|replica, stamp| replica.add_photo(stamp, draft.doc, &new)).unwrap();
        let mut chance = Chance::new(seed);
        world.phone("wf1").disk().plant(Trouble::Refused, WRITES / 4, &mut chance);
        let done = attempt(|| world.on("wf1").working(|replica, stamp| replica.drop_draft(stamp, draft.doc)).unwrap()).is_ok();
        world.phone("wf1").disk().mend();
        let now = world.at("10:00").now;
        world.phones.get_mut("wf1").unwrap().crash(now);
        let replica = world.phone("wf1").replica();
        let under_way = !replica.drafts().unwrap().is_empty();
        assert_eq!(under_way, replica.photo_bytes(hash).is_ok_and(|read| read == bytes), "disk {seed}");
        assert!(!done || !under_way, "disk {seed}: what was given up is back");
        kept += u64::from(under_way);
        given_up += u64::from(!under_way);
    }
    assert!(kept > 5 && given_up > 5, "{kept} kept, {given_up} given up");
}
