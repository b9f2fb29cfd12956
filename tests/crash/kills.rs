//! `kill -9`, at moments that nobody chose: of the real server while phones hand in, and of real phone processes while they save and
//! sync. A kill loses nothing that the system was told; what it must not lose is what somebody was promised.
//!
//! `ROADBOOK_KILLS=n` kills n times instead of [`KILLS`]; `tests/long kills n` as well.

#![expect(clippy::disallowed_methods, reason = "the moment of a kill is nobody's choice: a sleep is what chooses it")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use roadbook_core::ids::SubjectId;
use roadbook_core::model::Edit;
use roadbook_core::replica::Target;
use roadbook_core::store::Lane;
use roadbook_server::clock::{Clock, random};
use roadbook_server::phone::Phone;

use super::number;
use super::process::{Server, enrolled, named, phone, settled};
use crate::world::about;
use crate::world::cast::made;
use crate::world::hand::fact;

/// Kills of an ordinary test run, of each kind.
const KILLS: usize = 20;
/// Attempts of a phone to exchange with a server that is left alone, a tenth of a second apart.
const SYNCS_MAX: usize = 50;
/// Phones that hand in while the server is killed.
const PHONES: usize = 3;
/// Longest life of a process before it is killed, in milliseconds.
const LIFE_MS_MAX: u64 = 150;

fn below(end: u64) -> u64 {
    u64::from_le_bytes(random().unwrap()) % end.max(1)
}

/// A customer of this phone's own.
fn shop(phone: &Phone, n: u64) -> SubjectId {
    made(&format!("{} {n}", named(phone)))
}

/// Saves something on a card and returns.
fn save(phone: &mut Phone, n: u64) {
    let stamp = phone.stamp().unwrap();
    let edits: [Edit; 2] = [fact("trade_name", format!("店 {n}")), fact("headcount", 1 + i64::try_from(n % 9).unwrap())];
    let target = Target::customer(shop(phone, n % 5));
    phone.replica_mut().save(&stamp, Lane::Normal, &target, &edits).unwrap();
}

#[test]
fn a_server_that_is_killed_again_and_again_keeps_what_it_acknowledged() {
    let kills = number("ROADBOOK_KILLS").unwrap_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let (mut server, codes) = Server::prepared(&folder.path().join("hq"), PHONES);
    server.start().unwrap();
    let mut phones: Vec<Phone> =
        codes.iter().enumerate().map(|(n, code)| enrolled(&folder.path().join(format!("phone{n}")), &server, code)).collect();
    let (over, handed_in) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for phone in &mut phones {
            scope.spawn(|| {
                let mut n = 0;
                while !over.load(Ordering::Relaxed) {
                    save(phone, n);
                    n += 1;
                    // No answer is no news: it is asked again.
                    match phone.sync() {
                        Ok(turns) => drop(handed_in.fetch_add(turns.iter().map(|turn| turn.accepted as u64).sum(), Ordering::Relaxed)),
                        // The limit of requests a minute, or nobody there: as an app would, a moment's rest.
                        Err(_) => std::thread::sleep(Duration::from_millis(20)),
                    }
                }
            });
        }
        for kill in 0..kills {
            // The moment of a kill is nobody's choice.
            std::thread::sleep(Duration::from_millis(below(LIFE_MS_MAX)));
            server.kill();
            if let Err(why) = server.start() {
                over.store(true, Ordering::Relaxed);
                panic!("after kill {kill}: {why}");
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    server.kill();
    assert!(server.is_sound());
    let acknowledged: Vec<_> = phones.iter().flat_map(settled).collect();
    assert!(!acknowledged.is_empty(), "nothing was handed in between {kills} kills");
    assert_eq!(server.lacks(&acknowledged), [], "of {} changes", acknowledged.len());
    server.start().unwrap();
    for phone in &mut phones {
        let synced = (0..SYNCS_MAX).any(|_| {
            let done = phone.sync().is_ok();
            if !done {
                std::thread::sleep(Duration::from_millis(100));
            }
            done
        });
        assert!(synced, "no exchange with a server that is left alone");
        assert_eq!(phone.replica().outbox_size().unwrap().changes, 0);
    }
}

#[test]
fn a_phone_that_is_killed_again_and_again_keeps_what_it_saved() {
    let kills = number("ROADBOOK_KILLS").unwrap_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let (mut server, codes) = Server::prepared(&folder.path().join("hq"), 1);
    server.start().unwrap();
    let home = folder.path().join("phone");
    let mut first = enrolled(&home, &server, &codes[0]);
    save(&mut first, 0);
    first.sync().unwrap();
    let customer = shop(&first, 0).to_string();
    drop(first);
    let (mut killed, mut n) = (0, 0);
    let mut promised = Vec::new();
    while killed < kills {
        n += 1;
        let said = format!("反馈 {n}");
        let syncs = n % 3 == 0;
        let mut process = if syncs { phone(&home, &["sync"]) } else { phone(&home, &["visit", &customer, "--feedback", &said]) };
        if below(4) > 0 {
            std::thread::sleep(Duration::from_micros(below(LIFE_MS_MAX * 700)));
            process.kill().unwrap();
        }
        // A process that ended well by itself promised what it was asked to do, killed in vain or not.
        match process.wait().unwrap().code() {
            Some(0) if !syncs => promised.push(said),
            Some(_) => {}
            None => killed += 1,
        }
    }
    assert!(!promised.is_empty());
    let replica = reopened(&home);
    assert!(replica.replica().store().is_sound().unwrap());
    let said = feedback(&replica);
    let lost: Vec<&String> = promised.iter().filter(|one| !said.contains(one)).collect();
    assert!(lost.is_empty(), "lost of {}: {lost:?}", promised.len());
    drop(replica);
    let mut phone = reopened(&home);
    phone.sync().unwrap();
    assert_eq!(phone.replica().outbox_size().unwrap().changes, 0);
    server.kill();
    assert_eq!(server.lacks(&settled(&phone)), []);
}

fn reopened(home: &Path) -> Phone {
    let phone = Phone::open(home, Clock::system()).unwrap();
    assert!(phone.set_aside().is_none(), "the phone's file was set aside");
    phone
}

/// What was said on every visit that the phone holds.
fn feedback(phone: &Phone) -> Vec<String> {
    let visits = about(phone.replica(), shop(phone, 0), "visit");
    let said = |doc| phone.replica().visit(doc).unwrap()?.fields.get("feedback")?.as_text().map(str::to_owned);
    visits.into_iter().filter_map(said).collect()
}
