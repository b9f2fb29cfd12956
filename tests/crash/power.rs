//! A day of a phone and of its server on simulated disks that write everything down; then the power is cut after each of many of
//! those writes, with five kinds of loss. After each cut the store opens, everything that was promised until then is there, rows equal
//! the fold of the documents, and no page is damaged.
//!
//! `ROADBOOK_CUTS=n` cuts at n places of each disk instead of [`CUTS`]; `tests/long power` at every one.

use std::collections::BTreeMap;
use std::sync::Arc;

use roadbook_core::exchange::{Answer, Outcome};
use roadbook_core::ids::{ChangeHash, DocId, Ms};
use roadbook_core::replica::{Replica, Start};
use roadbook_core::store::{Check, Durability, OpenOptions, StoreError};
use roadbook_server::accounts::Accounts;
use roadbook_server::database::{self, Database};
use roadbook_server::feed::{Feed, SqliteFeed};
use roadbook_server::headquarters::Headquarters;
use roadbook_server::storage::{SERVER_FILE, SERVER_MIGRATIONS};

use super::{number, spread};
use crate::laws::work;
use crate::world::World;
use crate::world::cast::{self, OFFSET_MINUTES};
use crate::world::chance::Chance;
use crate::world::disk::Disk;
use crate::world::phone::Home;
use crate::world::platter::{LOSSES, Loss, Op, Platter};

/// Places at which each of the two disks is cut.
const CUTS: usize = 260;
/// Steps of the day.
const STEPS: u64 = 90;
const NOW: Ms = Ms(1_772_400_000_000);

/// What was promised at some moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Promised {
    /// Changes that are saved, with their documents.
    pub(super) changes: BTreeMap<ChangeHash, DocId>,
    /// Changes that were set aside.
    pub(super) aside: BTreeMap<ChangeHash, DocId>,
    /// Number of the last save.
    pub(super) recorded_no: u64,
}

/// What was done to a disk, and what had been promised at each promise in it.
struct Recording {
    ops: Vec<Op>,
    promised: Vec<Promised>,
}

/// A day: the phone's recording and the server's.
fn day() -> (Recording, Recording) {
    roadbook_server::clock::repeat_from(7);
    let (phone_disk, server_disk) = (Disk::new(), Disk::new());
    phone_disk.record();
    server_disk.record();
    let mut world = World::on_disk(7, server_disk);
    world.open_some_shops(&work::CUSTOMERS);
    world.enrol_at("wf1", cast::device("wf1"), Home::Disk(phone_disk));
    world.enrol("lq1", false);
    world.sync("wf1");
    world.sync("lq1");
    let mut chance = Chance::new(7);
    let (mut phone, mut server) = (Vec::new(), Vec::new());
    let mut kept = Promised::default();
    for step in 0..STEPS {
        world.pass_ms(60_000);
        match step % 6 {
            0 => work::at_a_desk(&mut world, step, &mut chance),
            1 | 2 => work::on_a_phone(&mut world, "wf1", step, &mut chance),
            3 => work::on_a_phone(&mut world, "lq1", step, &mut chance),
            4 => {
                world.exchange("lq1");
            }
            _ => {
                world.exchange("wf1");
            }
        }
        if step == STEPS / 2 {
            // Everything is closed and opened again: the logs are folded into the files.
            let now = world.now;
            world.office.start(now).unwrap();
        }
        for exchanged in world.exchanged.drain(..) {
            let docs = &world.phones[&exchanged.phone].saved;
            for verdict in Answer::decode(&exchanged.answer).unwrap().verdicts {
                let Some(doc) = docs.get(&verdict.hash) else { continue };
                match verdict.outcome {
                    Outcome::Accepted | Outcome::AlreadyKnown => kept.changes.insert(verdict.hash, *doc),
                    Outcome::Quarantined { .. } => kept.aside.insert(verdict.hash, *doc),
                    Outcome::MissingDependencies { .. } | Outcome::Forked => None,
                };
            }
        }
        world.office.disk().promise(server.len() as u64);
        server.push(kept.clone());
        let wf1 = &world.phones["wf1"];
        let recorded_no = wf1.replica().store().read(|read| read.recorded_no()).unwrap();
        wf1.disk().promise(phone.len() as u64);
        phone.push(Promised { changes: wf1.saved.clone(), recorded_no, ..Promised::default() });
    }
    assert!(kept.changes.len() > 10 && phone.last().unwrap().changes.len() > 10, "a day without work proves nothing");
    let phone_ops = world.phones["wf1"].disk().recorded();
    (Recording { ops: phone_ops, promised: phone }, Recording { ops: world.office.disk().recorded(), promised: server })
}

/// Cuts the power at many places; returns how many cuts there were and the first thing that was wrong.
fn cuts(recording: &Recording, holds: impl Fn(&Disk, &Promised) -> Result<(), String>) -> (usize, Option<String>) {
    let writes: Vec<usize> = (0..recording.ops.len()).filter(|at| !matches!(recording.ops[*at], Op::Promise(_))).collect();
    let places = spread(&writes, number("ROADBOOK_CUTS").unwrap_or(CUTS));
    let mut platter = Platter::default();
    let (mut at, mut count) = (0, 0);
    let mut promised = Promised::default();
    for place in places {
        while at <= place {
            match &recording.ops[at] {
                Op::Promise(n) => promised = recording.promised[*n as usize].clone(),
                op @ (Op::Create { .. }
                | Op::Write { .. }
                | Op::Resize { .. }
                | Op::Sync { .. }
                | Op::Delete { .. }
                | Op::Rename { .. }) => platter.apply(op),
            }
            at += 1;
        }
        for (n, loss) in LOSSES.into_iter().enumerate() {
            let mut after = platter.clone();
            after.cut(loss, &mut Chance::new((place * LOSSES.len() + n) as u64));
            count += 1;
            if let Err(why) = holds(&Disk::of(after), &promised) {
                return (count, Some(format!("cut after write {place} of {}, {loss:?}: {why}", recording.ops.len())));
            }
        }
    }
    (count, None)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn phone_holds(disk: &Disk, promised: &Promised) -> Result<(), String> {
    let open =
        OpenOptions { durability: Durability::Full, cache_kib: 512, check: Check::Full, now: NOW, vfs: Some(disk.layer()), key: None };
    let (mut replica, set_aside) = Replica::open(&disk.path("phone.sqlite"), &Start { open, process: [9; 16] }).map_err(said)?;
    if set_aside.is_some() {
        return Err("the file was set aside".to_owned());
    }
    let (no, print, digest, recounted) = replica
        .store()
        .read(|read| Ok::<_, StoreError>((read.recorded_no()?, read.rows_print()?, read.digest()?, read.digest_recounted()?)))
        .map_err(said)?;
    if no < promised.recorded_no {
        return Err(format!("save {} was promised, the file ends at {no}", promised.recorded_no));
    }
    for hash in promised.changes.keys() {
        if replica.store().read(|read| read.own_change(*hash)).map_err(said)?.is_none() {
            return Err(format!("{hash} was saved and is gone"));
        }
    }
    if digest != recounted {
        return Err("the digest is not that of the documents".to_owned());
    }
    replica.rebuild().map_err(said)?;
    if replica.store().read(|read| read.rows_print()).map_err(said)? != print {
        return Err("rows made anew from the documents differ".to_owned());
    }
    Ok(())
}

pub(super) fn server_holds(disk: &Disk, promised: &Promised) -> Result<(), String> {
    let open = Database::open_on(Some(disk.layer()), &disk.path(SERVER_FILE), database::Durability::Full, SERVER_MIGRATIONS);
    let database = Arc::new(open.map_err(said)?);
    let sound: Result<String, rusqlite::Error> = database.read(|tx| tx.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)));
    let sound = sound.map_err(said)?;
    if sound != "ok" {
        return Err(sound);
    }
    let accounts = Accounts::new(Arc::clone(&database));
    let feed: Arc<dyn Feed> = Arc::new(SqliteFeed::open(database).map_err(said)?);
    for (hash, doc) in &promised.changes {
        if feed.known(*doc, &[*hash]).map_err(said)?.is_empty() {
            return Err(format!("{hash} was acknowledged and is gone"));
        }
    }
    let aside = feed.quarantine(1_000).map_err(said)?;
    if let Some(hash) = promised.aside.keys().find(|hash| aside.iter().all(|row| row.refused.hash != **hash)) {
        return Err(format!("{hash} was set aside and is gone"));
    }
    accounts.audit_proof().map_err(said)?.map_err(|broken| format!("the audit is broken: {broken:?}"))?;
    // Following the feed from its beginning is the fold.
    Headquarters::in_memory(feed, accounts, OFFSET_MINUTES, [8; 16], NOW).map_err(said)?;
    Ok(())
}

#[test]
fn a_phone_keeps_what_it_promised_through_power_cuts() {
    let (phone, _) = day();
    let (count, wrong) = cuts(&phone, phone_holds);
    assert_eq!(wrong, None, "cut {count}");
    assert!(count >= 5 * number("ROADBOOK_CUTS").unwrap_or(CUTS).min(250), "{count} cuts");
}

#[test]
fn the_server_keeps_what_it_acknowledged_through_power_cuts() {
    let (_, server) = day();
    let (count, wrong) = cuts(&server, server_holds);
    assert_eq!(wrong, None, "cut {count}");
    assert!(count >= 5 * number("ROADBOOK_CUTS").unwrap_or(CUTS).min(250), "{count} cuts");
}

#[test]
fn a_log_that_is_not_synced_is_found_out() {
    // The same day as if commits did not sync the log: what a power cut then takes must be noticed, on both disks.
    let (mut phone, mut server) = day();
    for recording in [&mut phone, &mut server] {
        let synced = recording.ops.len();
        recording.ops.retain(|op| !matches!(op, Op::Sync { file } if file.ends_with("-wal")));
        assert!(recording.ops.len() < synced);
    }
    let (_, wrong) = cuts(&phone, phone_holds);
    assert!(wrong.is_some(), "a phone that does not sync");
    let (_, wrong) = cuts(&server, server_holds);
    assert!(wrong.is_some(), "a server that does not sync");
}

#[test]
fn every_kind_of_loss_takes_something() {
    let (phone, _) = day();
    let mut differs = BTreeMap::new();
    let mut platter = Platter::default();
    for (at, op) in phone.ops.iter().enumerate() {
        platter.apply(op);
        if at.is_multiple_of(40) && !platter.is_safe() {
            for loss in LOSSES {
                let mut after = platter.clone();
                after.cut(loss, &mut Chance::new(at as u64));
                let same = platter.names().all(|name| platter.content(name) == after.content(name));
                *differs.entry(format!("{loss:?}")).or_insert(0) += usize::from(!same);
            }
        }
    }
    let took = |loss: Loss| differs[&format!("{loss:?}")];
    assert!(
        took(Loss::None) == 0 && [Loss::All, Loss::Tail, Loss::Head, Loss::Sectors].into_iter().all(|loss| took(loss) > 5),
        "{differs:?}"
    );
}
