//! A disk that fails while headquarters appends: what random worlds found, told plainly.

use roadbook_core::replica::Target;

use crate::world::World;
use crate::world::cast::customer;
use crate::world::chance::Chance;
use crate::world::disk::Trouble;
use crate::world::mishap::attempt;
use crate::world::office::office_fact;

/// Disks that run full, each at another write.
const DISKS: u64 = 40;
/// Writes within which they do.
const WRITES: usize = 30;

/// What was appended is taken in before anything that may fail: else the next commit would write the same number of an actor twice, and
/// no replica could open the document again.
#[test]
fn what_is_written_next_builds_on_what_a_full_disk_interrupted() {
    let mut interrupted = 0;
    for seed in 0..DISKS {
        let mut world = World::furnished(1, &super::work::CUSTOMERS);
        world.office.disk().plant(Trouble::Full, WRITES, &mut Chance::new(seed));
        for grade in ["A", "B", "C", "A", "B"] {
            let done = attempt(|| world.desk("cg", vec![(Target::office(customer(1)), vec![office_fact("grade", grade)])]));
            interrupted += u64::from(done.is_err());
        }
        world.office.disk().mend();
        let now = world.at("10:00").now;
        world.office.crash(now);
        world.desk("cg", vec![(Target::office(customer(1)), vec![office_fact("grade", "D")])]);
        assert_eq!(world.office_card(customer(1)).text("grade"), Some("D"), "disk {seed}");
    }
    assert!(interrupted > DISKS, "the disks ran full while somebody wrote: {interrupted}");
}
