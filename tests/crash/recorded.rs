//! Power cuts of the real server process, as a black box: `recorder.c`, preloaded, writes down every write, sync and deletion below its
//! folder; afterwards the disk is laid out anew up to many places of that log, each with five kinds of loss, and must hold every
//! change that a phone had been told was accepted by then. Linux only: elsewhere the simulated disk is the proof.

use std::path::Path;
use std::process::Command;

use roadbook_core::ids::{ChangeHash, DocId};
use roadbook_core::replica::Target;
use roadbook_core::store::Lane;

use super::power::{self, Promised};
use super::process::{Server, enrolled, settled};
use super::{number, spread};
use crate::world::cast::made;
use crate::world::chance::Chance;
use crate::world::disk::Disk;
use crate::world::hand::fact;
use crate::world::platter::{LOSSES, Op, Platter};

/// Places of the log at which the power is cut.
const CUTS: usize = 60;
/// Exchanges of the phone.
const TURNS: u64 = 12;

/// Reads the log of `recorder.c`; with each entry its end in the log, in bytes. A last entry cut short is left out.
fn read(log: &[u8]) -> Vec<(usize, Op)> {
    let number = |at: usize, length: usize| log[at..at + length].iter().rev().fold(0_usize, |all, byte| (all << 8) | usize::from(*byte));
    let (mut at, mut ops) = (0, Vec::new());
    while at + 16 <= log.len() {
        let (name_length, data_length) = (number(at + 2, 2), number(at + 4, 4));
        let end = at + 16 + name_length + data_length;
        if end > log.len() {
            break;
        }
        let file_of = |bytes: &[u8]| Path::new(std::str::from_utf8(bytes).unwrap()).file_name().unwrap().to_str().unwrap().to_owned();
        let file = file_of(&log[at + 16..at + 16 + name_length]);
        let (data, place) = (&log[at + 16 + name_length..end], number(at + 8, 8));
        let op = match log[at] {
            b'O' => Op::Create { file },
            b'W' => Op::Write { file, at: place, bytes: data.to_vec() },
            b'T' => Op::Resize { file, length: place },
            b'S' => Op::Sync { file },
            b'D' => Op::Delete { file },
            b'R' => Op::Rename { from: file, to: file_of(data) },
            other => panic!("an entry of kind {other}"),
        };
        ops.push((end, op));
        at = end;
    }
    ops
}

/// A server's evening, seen from outside: what its folder held before, the log, and what had been acknowledged at which length of it.
struct Evening {
    before: Platter,
    ops: Vec<(usize, Op)>,
    acknowledged: Vec<(usize, Vec<(DocId, ChangeHash)>)>,
}

fn evening() -> Evening {
    let folder = tempfile::tempdir().unwrap();
    let (library, log, data) = (folder.path().join("recorder.so"), folder.path().join("log"), folder.path().join("hq"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/crash/recorder.c");
    let built = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).args(["-ldl", "-lpthread"]).status();
    assert!(built.unwrap().success(), "recorder.c does not build");
    let (mut server, codes) = Server::prepared(&data, 1);
    let mut before = Platter::default();
    for file in std::fs::read_dir(&data).unwrap().map(Result::unwrap) {
        before.put(file.file_name().to_str().unwrap(), std::fs::read(file.path()).unwrap());
    }
    server.preload(&library, &log);
    server.start().unwrap();
    let mut phone = enrolled(&folder.path().join("phone"), &server, &codes[0]);
    let mut acknowledged = Vec::new();
    for turn in 0..TURNS {
        let stamp = phone.stamp().unwrap();
        let customer = made(&format!("evening {}", turn % 3));
        let edits = [fact("trade_name", format!("店 {turn}"))];
        phone.replica_mut().save(&stamp, Lane::Normal, &Target::customer(customer), &edits).unwrap();
        phone.sync().unwrap();
        // What is acknowledged now was written before this length of the log, or it was not safe.
        let length = usize::try_from(std::fs::metadata(&log).unwrap().len()).unwrap();
        acknowledged.push((length, settled(&phone)));
    }
    server.kill();
    Evening { before, ops: read(&std::fs::read(&log).unwrap()), acknowledged }
}

/// Cuts the power at many places; the first thing that was wrong.
fn cuts(evening: &Evening) -> (usize, Option<String>) {
    let places = spread(&(0..evening.ops.len()).collect::<Vec<_>>(), number("ROADBOOK_CUTS").unwrap_or(CUTS));
    let mut platter = evening.before.clone();
    let (mut at, mut count) = (0, 0);
    for place in places {
        while at <= place {
            platter.apply(&evening.ops[at].1);
            at += 1;
        }
        let told = evening.acknowledged.iter().rev().find(|(length, _)| *length <= evening.ops[place].0);
        let changes = told.map(|(_, changes)| changes.iter().map(|(doc, hash)| (*hash, *doc)).collect()).unwrap_or_default();
        let promised = Promised { changes, ..Promised::default() };
        for (n, loss) in LOSSES.into_iter().enumerate() {
            let mut after = platter.clone();
            after.cut(loss, &mut Chance::new((place * LOSSES.len() + n) as u64));
            count += 1;
            if let Err(why) = power::server_holds(&Disk::of(after), &promised) {
                return (count, Some(format!("cut after entry {place} of {}, {loss:?}: {why}", evening.ops.len())));
            }
        }
    }
    (count, None)
}

#[test]
fn the_server_process_keeps_what_it_acknowledged_through_power_cuts() {
    let mut evening = evening();
    let synced = evening.ops.iter().filter(|(_, op)| matches!(op, Op::Sync { file } if file == "server.sqlite-wal")).count();
    assert!(synced >= TURNS as usize, "{synced} syncs of the log: the recorder is deaf");
    assert!(evening.acknowledged.last().unwrap().1.len() >= TURNS as usize);
    let (count, wrong) = cuts(&evening);
    assert_eq!(wrong, None, "cut {count}");
    // The same evening without the syncs of its log must be found out.
    evening.ops.retain(|(_, op)| !matches!(op, Op::Sync { file } if file.ends_with("-wal")));
    assert!(cuts(&evening).1.is_some(), "a server that does not sync its log passes");
}
