//! Lanes: S47, urgent reports ahead of everything else, and what headquarters does with them.

use roadbook_core::blobs::exchange::{BlobStep, Link};
use roadbook_core::blobs::photos::NewPhoto;
use roadbook_core::exchange::Request;
use roadbook_core::ids::{DocId, Ms};
use roadbook_core::model::urgent::UrgentState;
use roadbook_core::replica::urgent::{UrgentReport, handle};
use roadbook_core::store::Lane;
use roadbook_server::rounds::UrgentRule;

use crate::laws;
use crate::world::World;
use crate::world::cast::{self, customer};
use crate::world::chance::Chance;
use crate::world::edits::picture;
use crate::world::hand::fact;
use crate::world::link::{HEADER_BYTES, Line};

/// 20 kbit/s, 300 ms one way, three packets of ten lost.
const BAD: Line = Line { bits_per_s: 20_000, latency_ms: 300, lost: 300 };
const METERED: Link = Link { metered: true };
const TEXT: &str = "客户准备转移资产";

fn report(picture: Option<Vec<u8>>) -> UrgentReport {
    UrgentReport {
        kind: "credit_danger".to_owned(),
        severity: "critical".to_owned(),
        customer: Some(customer(1)),
        territory: None,
        text: TEXT.to_owned(),
        picture,
    }
}

fn file(world: &mut World, phone: &str, report: &UrgentReport) -> DocId {
    world.on(phone).working(|replica, stamp| replica.report_urgent(stamp, report)).unwrap()
}

/// Draws of the bad line that are looked at.
const DRAWS: usize = 200;

/// How long each draw of the bad line takes to connect and to hand a frame of so many bytes in, quickest first, with its seed.
fn by_time(bytes: usize) -> Vec<(i64, u64)> {
    let mut times: Vec<(i64, u64)> = (0..DRAWS as u64)
        .map(|seed| {
            let mut chance = Chance::new(seed);
            (BAD.connect_ms(&mut chance) + BAD.carry_ms(bytes + HEADER_BYTES, &mut chance), seed)
        })
        .collect();
    times.sort_unstable();
    times
}

#[test]
fn s47_an_urgent_report_passes_600_operations_and_190_photos_on_a_bad_line() {
    let mut world = World::monday(&["cg1"]);
    world.enrol("wf1", true);
    world.sync("wf1");
    world.at("09:00");
    // 600 operations and 190 photos wait.
    for n in 0..600_i64 {
        let shop = customer([1, 3, 4, 5, 6, 7, 8, 9][n as usize % 8]);
        world.pass_ms(1_000).on("wf1").edit(shop, &[fact("headcount", n % 90 + 1)]);
    }
    let mut visits = Vec::new();
    for n in 0..10_u64 {
        let draft = world.pass_ms(60_000).on("wf1").check_in(customer(3), None, None);
        let taken_at = world.now;
        for photo in 0..19 {
            let bytes = picture(n * 100 + photo, 60_000);
            let new = NewPhoto { kind: "shelf", bytes: &bytes, thumbnail: Some(&bytes[..3_000]), taken_at };
            world.on("wf1").working(|replica, stamp| replica.add_photo(stamp, draft.doc, &new)).unwrap();
        }
        visits.push(world.pass_ms(60_000).on("wf1").check_out(draft, &[("outcome", "order".into())]));
    }
    assert_eq!(world.phone("wf1").replica().photos_waiting().unwrap().originals, 190);
    world.at("12:00");
    let small = picture(77, 30 << 10);
    let doc = file(&mut world, "wf1", &report(Some(small.clone())));

    // The link returns: the median of two hundred draws of it, for a request of this size.
    let frame = world.phone("wf1").replica().sync_request(world.now, None).unwrap();
    let mut chance = Chance::new(by_time(frame.len())[DRAWS / 2].1);
    let connected = BAD.connect_ms(&mut chance);
    world.pass_ms(connected);
    let trip = world.exchange_over("wf1", BAD, &mut chance);
    let (request, durable) = (Request::decode(&trip.request).unwrap(), trip.there_ms);
    let pushed: Vec<&str> = request.pushed.iter().map(|pushed| pushed.kind.as_str()).collect();
    assert_eq!(pushed, ["urgent"], "the first request carries the report alone");
    let bytes = request.encode().unwrap().len();
    assert!(bytes <= 4 << 10, "text of at most 4 KB: {bytes}");
    assert!(connected + durable <= 10_000, "durable after {connected} + {durable} ms");
    let there = world.office.read(|replica| replica.urgent(doc)).unwrap().unwrap();
    assert_eq!((there.text.as_str(), there.state(), &there.picture), (TEXT, UrgentState::Open, &None));
    assert!(there.received().is_some(), "已送达");

    // Its picture next, then operations, then thumbnails; photos wait: the line is metered.
    let trip = world.exchange_over("wf1", BAD, &mut chance);
    assert_eq!(Request::decode(&trip.request).unwrap().pushed.len(), 1);
    assert_eq!(world.office.read(|replica| replica.urgent(doc)).unwrap().unwrap().picture, Some(small), "inline thumbnail next");
    let now = world.now;
    let step = world.phones.get_mut("wf1").unwrap().replica_mut().blob_step(now, METERED).unwrap();
    assert_eq!(step, BlobStep::TextFirst);
    let mut rounds = 0;
    while world.phone("wf1").replica().outbox_size().unwrap().changes > 0 {
        rounds += 1;
        assert!(rounds < 10, "the operations drain");
        world.exchange_over("wf1", BAD, &mut chance);
    }
    world.sync("wf1");
    let mut steps = 0;
    while world.photo_step("wf1", METERED).is_some() {
        steps += 1;
        assert!(steps < 100, "thumbnails drain");
    }
    assert_eq!(world.phone("wf1").replica().photos_waiting().unwrap().thumbnails, 0);
    let now = world.now;
    let step = world.phones.get_mut("wf1").unwrap().replica_mut().blob_step(now, METERED).unwrap();
    assert_eq!(step, BlobStep::Paused { photos: 190 });
    assert!(visits.iter().all(|visit| world.office.photos_missing(*visit) == (19, false)));

    // CG is notified, reads it on his phone, and WF sees 已读.
    world.sync("cg1");
    let read = world.phone("cg1").replica().urgent(doc).unwrap().unwrap();
    assert_eq!(read.text, TEXT);
    world.pass_ms(60_000).on("cg1").working(|replica, stamp| replica.handle_urgent(stamp, doc, "acknowledged", None)).unwrap();
    world.sync("cg1");
    world.sync("wf1");
    let seen = world.phone("wf1").replica().urgent(doc).unwrap().unwrap();
    assert_eq!(seen.acknowledged().and_then(|one| one.by), Some(cast::user("cg")), "已读");
    // On a good line the photos follow, and everything is complete.
    let mut steps = 0;
    while world.photo_step("wf1", Link { metered: false }).is_some() {
        steps += 1;
        assert!(steps < 400, "photos drain");
    }
    assert!(visits.iter().all(|visit| world.office.photos_missing(*visit) == (0, true)));
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn s47_the_report_is_durable_within_ten_seconds_on_most_bad_lines() {
    // The same frame over two hundred draws of the line: connecting, handing in.
    let mut world = World::monday(&["wf1"]);
    file(&mut world, "wf1", &report(None));
    let frame = world.phone("wf1").replica().sync_request(world.now, None).unwrap();
    let times = by_time(frame.len());
    let (median, ninth) = (times[DRAWS / 2].0, times[DRAWS * 9 / 10].0);
    assert!(median <= 10_000, "the median line takes {median} ms");
    assert!(ninth <= 20_000, "one line of ten takes longer than {ninth} ms");
}

#[test]
fn s47_nobody_acknowledges_and_the_deputy_is_told_once() {
    let mut world = World::monday(&["wf1", "sl1"]);
    let rule = UrgentRule { ack_minutes: 30, deputy: Some("sl".to_owned()) };
    world.at("10:00");
    let heard = file(&mut world, "wf1", &report(None));
    let unheard = file(&mut world, "wf1", &report(None));
    // It lies on the phone for an hour: the minutes count from its arrival.
    world.at("11:00");
    world.sync("wf1");
    let work = world.office.read(|replica| {
        let urgent = replica.urgent(heard).unwrap().unwrap();
        let stamp = roadbook_core::replica::Stamp { author: cast::user("cg"), now: Ms(0), entropy: [9; 16] };
        vec![handle(&stamp, &urgent, "taken", Some("马上去"))]
    });
    world.at("11:05").desk("cg", work);
    let now = world.at("11:29").now;
    assert_eq!(world.office.round(&rule, now), 0, "not yet");
    let now = world.at("11:30").now;
    assert_eq!(world.office.round(&rule, now), 1, "one of them");
    let now = world.at("11:50").now;
    assert_eq!(world.office.round(&rule, now), 0, "once");
    world.settle();
    for (who, urgent) in [
        ("headquarters", world.office.read(|replica| replica.urgent(unheard)).unwrap().unwrap()),
        ("wf1", world.phone("wf1").replica().urgent(unheard).unwrap().unwrap()),
        ("sl1", world.phone("sl1").replica().urgent(unheard).unwrap().unwrap()),
    ] {
        assert_eq!(urgent.escalated().and_then(|one| one.to), Some(cast::user("sl")), "{who}");
        assert_eq!(urgent.state(), UrgentState::Open, "{who}");
    }
    let taken = world.phone("wf1").replica().urgent(heard).unwrap().unwrap();
    assert_eq!((taken.state(), taken.escalated().is_none()), (UrgentState::Taken, true));
    // The deputy takes and closes it; nobody else of the territory ever had it, and its reporter cannot close it.
    world.on("sl1").working(|replica, stamp| replica.handle_urgent(stamp, unheard, "closed", Some("已联系客户"))).unwrap();
    world.on("wf1").working(|replica, stamp| replica.handle_urgent(stamp, heard, "closed", None)).unwrap();
    world.settle();
    let states = world.office.read(|replica| [unheard, heard].map(|doc| replica.urgent(doc).unwrap().unwrap().state()));
    assert_eq!(states, [UrgentState::Closed, UrgentState::Taken]);
    let lines = world.office.read(|replica| replica.store().read(|read| read.urgents(false, 0, 10))).unwrap();
    assert_eq!(lines.iter().filter(|line| line.urgent.escalated.is_some()).count(), 1);
    laws::hold(&mut world);
}

#[test]
fn an_urgent_report_about_no_customer_lies_where_its_reporter_works() {
    let mut world = World::monday(&["wf1", "lq1", "sl1", "xw1"]);
    let doc = file(&mut world, "wf1", &UrgentReport { customer: None, territory: Some("城东".to_owned()), ..report(None) });
    world.settle();
    let holds = |name: &str| world.phone(name).replica().urgent(doc).unwrap().is_some();
    assert_eq!(["wf1", "sl1", "lq1", "xw1"].map(holds), [true, true, false, false]);
    // Filed in the urgent lane: ahead of what was saved before it.
    world.on("wf1").edit(customer(1), &[fact("headcount", 5)]);
    let later = file(&mut world, "wf1", &report(None));
    let outbox = world.phone("wf1").replica().store().read(|read| read.outbox(10, 1 << 20)).unwrap();
    assert_eq!((outbox[0].doc, outbox[0].lane), (later, Lane::Urgent));
    world.settle();
    laws::hold(&mut world);
}

/// Headquarters came back from a backup, and what an urgent report builds on is gone there: the phone hands that back first.
#[test]
fn an_urgent_report_that_builds_on_what_was_lost_is_not_all_that_a_phone_says() {
    let mut world = World::monday(&["cg1", "sl1"]);
    let backup = world.office.back_up("morning");
    let doc = file(&mut world, "cg1", &report(None));
    world.at("09:00").settle();
    world.on("cg1").working(|replica, stamp| replica.handle_urgent(stamp, doc, "acknowledged", None)).unwrap();
    world.on("cg1").set(customer(1), "short_name", "惠");
    let now = world.at("10:00").now;
    world.office.restore(backup, now);
    world.sync("cg1");
    assert_eq!(world.phone("cg1").replica().outbox_size().unwrap().changes, 0);
    assert_eq!(world.office_card(customer(1)).text("short_name"), Some("惠"));
    let urgent = world.office.read(|replica| replica.urgent(doc)).unwrap().unwrap();
    assert!(urgent.handling.iter().any(|one| one.by == Some(cast::user("cg"))), "{:?}", urgent.handling);
    world.settle();
    laws::hold(&mut world);
}
