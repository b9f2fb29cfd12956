//! Headquarters put back from a backup, and phones that were copied: what random worlds found, told plainly.

use roadbook_core::replica::Target;

use crate::world::World;
use crate::world::cast::customer;
use crate::world::disk::Disk;
use crate::world::furnished;
use crate::world::office::office_fact;
use crate::world::phone::Home;

/// Headquarters on a disk that can be put back, and phones.
fn world(phones: &[&str]) -> World {
    let mut world = World::furnished(1, &super::work::CUSTOMERS);
    for name in phones {
        world.enrol_at(name, crate::world::cast::device(name), Home::Disk(Disk::of(furnished::phone())));
        world.sync(name);
    }
    world
}

#[test]
fn what_was_set_aside_since_the_backup_is_set_aside_again() {
    let mut world = world(&["wf1", "lq1"]);
    let backup = world.office.disk().copy();
    // What no app would do: headquarters' side of a card, from a phone.
    world.at("09:00").on("wf1").save(&Target::office(customer(1)), &[office_fact("grade", "A")]);
    assert_eq!(world.sync("wf1").quarantined.len(), 1);
    let aside = |world: &World| world.office.quarantine().into_iter().map(|row| row.refused.hash).collect::<Vec<_>>();
    let before = aside(&world);
    assert_eq!(before.len(), 1);
    let now = world.at("10:00").now;
    world.office.restore_disk(backup, now).unwrap();
    assert!(aside(&world).is_empty(), "headquarters has forgotten it");
    world.settle();
    assert_eq!(aside(&world), before, "its author has not");
    super::hold(&mut world);
}
