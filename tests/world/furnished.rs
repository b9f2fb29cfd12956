//! What every random world begins with, made once in a process: headquarters' disk with its people, the devices of the cast and some
//! customers, and the disk of a phone on which nothing but an empty file was made. A world begins with copies of them.

use std::sync::OnceLock;

use roadbook_core::ids::DeviceId;
use roadbook_core::replica::{Replica, Start};
use roadbook_core::store::{Check, Durability, OpenOptions};

use super::World;
use super::chance::Chance;
use super::disk::Disk;
use super::office::{Office, Place};
use super::phone::{FILE, Home};
use super::platter::Platter;

/// The seed of what does not hang on a world's own.
const COMMON: u64 = 0;

/// Headquarters' disk, with these customers of the cast.
fn office(customers: &[u8]) -> Platter {
    static MADE: OnceLock<(Vec<u8>, Platter)> = OnceLock::new();
    let (made, platter) = MADE.get_or_init(|| {
        roadbook_server::clock::repeat_from(COMMON);
        let mut world = World::on_disk(COMMON, Disk::new());
        world.open_some_shops(customers);
        (customers.to_vec(), world.office.disk().copy())
    });
    assert_eq!(made, customers, "one process makes one beginning");
    platter.clone()
}

/// The disk of a phone before it is enrolled.
fn phone() -> Platter {
    static MADE: OnceLock<Platter> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let disk = Disk::new();
        let open = OpenOptions {
            durability: Durability::Full,
            cache_kib: 1_024,
            check: Check::Quick,
            now: roadbook_core::ids::Ms(0),
            vfs: Some(disk.layer()),
            key: None,
        };
        drop(Replica::open(&disk.path(FILE), &Start { open, process: [0; 16] }).unwrap());
        disk.copy()
    });
    made.clone()
}

impl World {
    /// As [`Self::on_disk`], with customers of the cast there already. Everything that headquarters draws from here on comes from the seed.
    pub(crate) fn furnished(seed: u64, customers: &[u8]) -> Self {
        let platter = office(customers);
        roadbook_server::clock::repeat_from(seed);
        let chance = Chance::new(seed);
        let now = super::opening_time();
        let office = Office::over(Place::Disk(Disk::of(platter)), chance.branch("office"), now).unwrap();
        Self::around(office, chance.branch("world"), now)
    }

    /// Enrols a device with a simulated disk.
    pub(crate) fn enrol_on_disk(&mut self, name: &str, device: DeviceId) {
        self.enrol_at(name, device, Home::Disk(Disk::of(phone())));
    }
}
