//! Scopes that move and history that is bounded: S33 (the pull half), S50; a first sync that is cut anywhere; rows for those who
//! oversee a thousand customers.

use roadbook_core::exchange::{Answer, Item, Request, parts};
use roadbook_core::ids::{DocId, Ms, SubjectId};
use roadbook_core::model::tour::PlannedStop;
use roadbook_core::replica::field::{self, TourKey, Work};
use roadbook_core::replica::{Replica, Stamp, Target};
use roadbook_core::store::StoreError;
use roadbook_core::store::rows::{CustomerFilter, CustomerOrder, VisitFilter};

use crate::world::cast::{self, EAST, WEST, customer};
use crate::world::office::office_fact;
use crate::world::{World, about, new_customer};

/// Publishes a tour of 王芳's on a day counted from Monday.
fn publish(world: &mut World, days: i64, stops: &[SubjectId]) -> DocId {
    let day = cast::MONDAY.plus(days * roadbook_core::ids::Ms::DAY).day(cast::OFFSET_MINUTES).unwrap();
    let key = TourKey { route: "east-1".to_owned(), day, rep: cast::user("wf") };
    let planned: Vec<PlannedStop> =
        stops.iter().map(|stop| PlannedStop { stop: *stop, arrive_s: None, service_s: Some(900), note: None, urgent: false }).collect();
    let stamp = Stamp { author: cast::user("zm"), now: world.now, entropy: world.chance.bytes() };
    world.desk("zm", vec![field::publish(&stamp, &key, None, &planned, None, &[])]);
    key.doc()
}

fn visit(world: &mut World, phone: &str, customer: SubjectId) -> DocId {
    let draft = world.on(phone).check_in(customer, None, None);
    world.pass_ms(600_000);
    world.on(phone).check_out(draft, &[("outcome", "order".into())])
}

fn visits_held(world: &World, phone: &str, customer: SubjectId) -> usize {
    about(world.phone(phone).replica(), customer, "visit").len()
}

#[test]
fn s33_a_split_territory_leaves_the_published_tour_and_takes_the_cards_when_their_data_is_acknowledged() {
    let mut world = World::monday(&["wf1", "xw1"]);
    for hours in 0..5 {
        world.at(&format!("{:02}:00", 9 + hours));
        visit(&mut world, "wf1", customer(3));
    }
    let tour = publish(&mut world, 1, &[customer(1), customer(3), customer(4)]);
    world.settle();
    // 王芳 is offline from 15:00; at midnight C3 and C4 go to 城西.
    world.on_day(1, "00:00");
    world.refile(customer(3), WEST, "xw");
    world.refile(customer(4), WEST, "xw");
    world.on_day(1, "08:00").sync("xw1");
    assert!(world.holds("xw1", customer(3)) && world.holds("xw1", customer(4)), "the winner has them after one exchange");
    assert_eq!(visits_held(&world, "xw1", customer(3)), 3, "with the last three visits, not with all five");
    assert_eq!(world.phone("wf1").replica().tour(tour).unwrap().unwrap().stops.len(), 3, "the tour of the day is on the phone");
    // The answer that takes C3 away is under way while she writes into it: the card stays in sight until that is acknowledged.
    world.on_day(1, "09:00");
    let (now, device) = (world.now, world.phone("wf1").device);
    let request = world.phone("wf1").replica().sync_request(now, None).unwrap();
    let answer = world.office.answer(device, &request, now).unwrap();
    world.on("wf1").set(customer(3), "headcount", 7);
    world.phones.get_mut("wf1").unwrap().take_answer(&answer, now).unwrap();
    assert!(world.holds("wf1", customer(3)), "unsent words of hers are in it");
    assert!(!world.holds("wf1", customer(4)), "nothing of hers is in this one");
    world.sync("wf1");
    assert!(!world.holds("wf1", customer(3)), "acknowledged, and gone");
    let stops = world.phone("wf1").replica().tour(tour).unwrap().unwrap().stops;
    assert_eq!(stops.len(), 3, "the published tour of that day stays as it was");
    world.settle();
    crate::laws::hold(&mut world);
    // A card that comes back comes whole, with its recent history.
    world.refile(customer(3), EAST, "wf");
    world.settle();
    assert!(world.holds("wf1", customer(3)) && !world.holds("xw1", customer(3)));
    crate::laws::hold(&mut world);
}

#[test]
fn history_is_bounded_on_phones_and_whole_at_headquarters() {
    let mut world = World::monday(&["wf1", "lq1"]);
    for day in 0..6 {
        world.on_day(day, "10:00");
        visit(&mut world, "wf1", customer(1));
        world.settle();
    }
    assert_eq!(visits_held(&world, "lq1", customer(1)), 3, "a colleague holds the last three");
    assert_eq!(visits_held(&world, "wf1", customer(1)), 6, "she holds her own");
    let tour = publish(&mut world, 6, &[customer(1)]);
    let later = publish(&mut world, 20, &[customer(2)]);
    world.settle();
    let shows = |world: &World, doc| world.phone("wf1").replica().tour(doc).unwrap().is_some();
    assert!(shows(&world, tour) && !shows(&world, later), "a tour comes a week before its day");
    world.on_day(14, "08:00").settle();
    assert!(!shows(&world, tour) && shows(&world, later), "and goes a week after it");
    world.on_day(93, "08:00").settle();
    assert_eq!(visits_held(&world, "wf1", customer(1)), 3, "after 90 days even she holds only the last three");
    crate::laws::hold(&mut world);
    // Older ones come when they are asked for, and go again.
    let oldest = world.phone("wf1").replica().store().read(|read| read.visits(&of(customer(1)), None, 10)).unwrap().lines;
    let before = oldest.last().unwrap().visit.started;
    let ask = |world: &mut World| {
        let now = world.now;
        let wish = roadbook_core::exchange::pull::Wanted::Visits { subject: customer(1), before };
        world.phones.get_mut("wf1").unwrap().replica_mut().want(&[wish], now).unwrap();
        world.sync("wf1")
    };
    let asked = ask(&mut world);
    assert_eq!((visits_held(&world, "wf1", customer(1)), asked.compared), (6, false), "lent, and no difference");
    world.on_day(101, "08:00").settle();
    assert_eq!(visits_held(&world, "wf1", customer(1)), 3, "what was lent goes after a week");
    world.phones.get_mut("wf1").unwrap().clock_error_ms = 365 * Ms::DAY;
    ask(&mut world);
    assert_eq!(visits_held(&world, "wf1", customer(1)), 6);
    world.phones.get_mut("wf1").unwrap().clock_error_ms = 0;
    world.sync("wf1");
    assert_eq!(visits_held(&world, "wf1", customer(1)), 3, "and when it came by a clock that was a year ahead");
    assert_eq!(world.office.read(|replica| about(replica, customer(1), "visit").len()), 6, "headquarters keeps all");
    crate::laws::hold(&mut world);
}

#[test]
fn a_tour_that_came_and_went_while_no_phone_asked_leaves_too() {
    let mut world = World::monday(&["wf1"]);
    world.settle();
    // A long holiday: a tour of a day within it is published, and nobody syncs until it is over.
    world.on_day(10, "08:00");
    let tour = publish(&mut world, 10, &[customer(1)]);
    world.on_day(30, "08:00").settle();
    assert!(world.phone("wf1").replica().tour(tour).unwrap().is_none());
    crate::laws::hold(&mut world);
}

fn of(subject: SubjectId) -> VisitFilter {
    VisitFilter { subject: Some(subject), ..VisitFilter::default() }
}

/// Many customers of 城东, made a hundred at a time.
pub(super) fn many(world: &mut World, count: u16) -> Vec<SubjectId> {
    let subjects: Vec<SubjectId> = (0..count).map(|n| SubjectId::derived(&format!("many/{n}"))).collect();
    for (at, part) in subjects.chunks(100).enumerate() {
        let made = part.iter().enumerate().flat_map(|(n, subject)| {
            new_customer(*subject, &format!("第{}号便利店", at * 100 + n), EAST, cast::user("wf"), u8::try_from(n).unwrap())
        });
        world.desk("ad", made.collect::<Work>());
    }
    subjects
}

#[test]
fn a_first_sync_cut_anywhere_goes_on_and_todays_tour_comes_first() {
    let mut world = World::new(7);
    let subjects = many(&mut world, 400);
    let tour = publish(&mut world, 0, &subjects[350..352]);
    world.enrol("wf1", false);
    let (now, device) = (world.now, world.phone("wf1").device);
    let request = world.phone("wf1").replica().sync_request(now, None).unwrap();
    let frame = world.office.answer(device, &request, now).unwrap();
    let whole = parts::decode(&frame).unwrap().answers;
    assert!(whole.len() >= 3, "{} parts", whole.len());
    let first = parts::encode(&whole[..1]).unwrap().len();
    assert!(first * 100 <= frame.len() * 3, "today's tour is usable after {first} of {} bytes", frame.len());
    let plain: Vec<u8> = whole.iter().flat_map(|part| minicbor::to_vec(part).unwrap()).collect();
    let one_stream = zstd::encode_all(plain.as_slice(), 3).unwrap().len();
    assert!(frame.len() * 10 <= one_stream * 11, "{} bytes in parts, {one_stream} in one stream", frame.len());

    world.sync("wf1");
    let expected = world.prints()["wf1"];
    let ends: Vec<usize> = (1..=whole.len()).map(|n| parts::encode(&whole[..n]).unwrap().len()).collect();
    let mut cuts: Vec<usize> = ends.iter().map(|end| end - 3).collect();
    cuts.extend((0..2).map(|_| world.chance.below(frame.len())));
    for cut in cuts {
        let profile = world.office.enrol(cast::user("wf"), cast::device(&format!("wf{cut}0")), "cut", now);
        let name = format!("wf{cut}0");
        let phone = crate::world::phone::Phone::new(
            &name,
            cast::user("wf"),
            cast::device(&name),
            &profile,
            crate::world::phone::Home::Memory,
            world.chance.branch(&name),
        );
        world.phones.insert(name.clone(), phone);
        let request = world.phone(&name).replica().sync_request(now, None).unwrap();
        let answer = world.office.answer(cast::device(&name), &request, now).unwrap();
        let taken = world.phones.get_mut(&name).unwrap().take_answer(&answer[..cut.min(answer.len() - 1)], now);
        if cut > first + 3 {
            assert!(taken.unwrap().more, "cut at {cut}: it goes on");
            let replica = world.phone(&name).replica();
            assert!(replica.today_is_usable().unwrap() && replica.tour(tour).unwrap().is_some(), "cut at {cut}");
            assert!(subjects[350..352].iter().all(|stop| replica.card(*stop).unwrap().is_some()), "cut at {cut}");
        }
        // What was received is not asked for again: at most the part that was cut comes twice.
        let received = world.phone(&name).replica().store().read(|read| read.digest()).unwrap().documents;
        let rest = Request::decode(&world.phone(&name).replica().sync_request(now, None).unwrap()).unwrap();
        let rest = world.office.answer(cast::device(&name), &rest.encode().unwrap(), now).unwrap();
        let rest: usize = parts::decode(&rest).unwrap().answers.iter().map(|part: &Answer| part.items.len()).sum();
        assert!(rest as u64 <= 801 - received + 10, "cut at {cut}: {received} were there, {rest} come");
        let synced = world.sync(&name);
        assert!(!synced.compared && !synced.restarted, "cut at {cut}");
        assert_eq!(world.prints()[&name], expected, "cut at {cut}");
        world.phones.remove(&name);
    }
}

#[test]
fn whoever_oversees_a_thousand_customers_holds_rows_and_fetches_what_is_opened() {
    let mut world = World::monday(&["xw1"]);
    many(&mut world, 1_000);
    visit(&mut world, "xw1", customer(101));
    world.sync("xw1");
    world.enrol("cg1", false);
    world.sync("cg1");
    let replica = world.phone("cg1").replica();
    assert_eq!(replica.store().read(|read| read.holdings_after(None, 9_999)).unwrap().len(), 0, "no documents");
    assert!(replica.store().read(|read| read.told_rows()).unwrap() >= 2_020, "a row for each");
    // Lists, search and what is overdue are those of headquarters.
    let list = |replica: &roadbook_core::replica::Replica| {
        let page = replica.store().read(|read| read.customers(&CustomerFilter::default(), CustomerOrder::Name, None, 1_000)).unwrap();
        page.lines.into_iter().map(|line| (line.subject, line.name, line.grade, line.last_visit)).collect::<Vec<_>>()
    };
    assert_eq!(list(replica), world.office.read(list));
    let seen = replica.store().read(|read| read.visits(&of(customer(101)), None, 10)).unwrap().lines;
    assert_eq!(seen.len(), 1, "the last visit is a row as well");
    assert!(replica.card(customer(101)).unwrap().is_none() && replica.holds_row_only(customer(101)).unwrap());
    // He opens one.
    let now = world.now;
    world.phones.get_mut("cg1").unwrap().replica_mut().want_card(customer(101), now).unwrap();
    let asked = world.sync("cg1");
    assert!(!asked.compared);
    let card = world.card("cg1", customer(101));
    assert_eq!((card.text("trade_name"), card.text("grade")), (Some("城西百货"), Some("B")));
    // And writes into it; others write too. The row follows, the digest agrees.
    world.on("cg1").set(customer(101), "headcount", 12);
    world.on("xw1").set(customer(101), "trade_name", "改名便利店");
    for name in ["cg1", "xw1", "cg1"] {
        assert!(!world.sync(name).compared, "{name}");
    }
    assert_eq!(list(world.phone("cg1").replica()), world.office.read(list));
    // Rows made anew are the same, and a week later what was opened is a row again.
    let before = world.prints()["cg1"];
    world.phones.get_mut("cg1").unwrap().replica_mut().rebuild().unwrap();
    assert_eq!(world.prints()["cg1"], before);
    world.on_day(9, "08:00").sync("cg1");
    assert!(world.phone("cg1").replica().holds_row_only(customer(101)).unwrap());
    assert_eq!(list(world.phone("cg1").replica()), world.office.read(list));
}

/// 90 days of three visits a day stand for 90 days of thirty: bytes and turns are counted and multiplied.
#[test]
fn a_card_that_was_lent_shows_what_headquarters_has_after_a_restore() {
    let mut world = World::monday(&[]);
    let now = world.now;
    world.office.tell_rows_from(3, now);
    world.enrol("cg1", true);
    world.sync("cg1");
    let backup = world.office.back_up("backup");
    world.at("10:00").desk("cg", vec![(Target::office(customer(1)), vec![office_fact("grade", "A")])]);
    let now = world.now;
    world.phones.get_mut("cg1").unwrap().replica_mut().want_card(customer(1), now).unwrap();
    world.sync("cg1");
    assert_eq!(world.card("cg1", customer(1)).text("grade"), Some("A"));
    let now = world.at("11:00").now;
    world.office.restore(backup, now);
    world.settle();
    let known = world.office_card(customer(1));
    assert_ne!(known.text("grade"), Some("A"), "it waits for somebody to decide");
    assert_eq!(world.card("cg1", customer(1)).text("grade"), known.text("grade"));
    crate::laws::hold(&mut world);
}

#[test]
fn s50_ninety_days_offline_drain_in_minutes() {
    const DAYS: i64 = 90;
    let mut world = World::monday(&["wf1", "xw1"]);
    let mut made = 0_u64;
    for day in 0..DAYS {
        for n in [1, 3, 4] {
            world.on_day(day, &format!("{:02}:00", 9 + n));
            visit(&mut world, "wf1", customer(n));
            world.on("wf1").set(customer(n), "headcount", day);
            made += 1;
        }
    }
    // Meanwhile headquarters archived one of her cards and gave another away.
    world.on_day(30, "08:00");
    world.desk("cg", vec![(Target::office(customer(5)), vec![office_fact("lifecycle", "archived")])]);
    world.refile(customer(6), WEST, "xw");
    world.on_day(DAYS, "18:00");
    let (mut bytes, mut turns) = (0_usize, 0_usize);
    loop {
        let more = world.exchange("wf1").more;
        let last = world.exchanged.last().unwrap();
        bytes += last.request.len() + last.answer.len();
        turns += 1;
        if !more {
            break;
        }
        assert!(turns < 100, "never at rest");
    }
    // 2,700 visits on 1 Mbit/s with 100 ms a turn.
    let seconds = (bytes as f64 * 10.0 * 8.0 / 1e6) + turns as f64 * 10.0 * 0.1;
    assert!(seconds <= 300.0, "{bytes} bytes and {turns} turns for {made} visits: {seconds:.0} s");
    assert_eq!(world.office.quarantine().len(), 0, "nothing is refused for its age");
    assert_eq!(world.office.read(|replica| about(replica, customer(1), "visit").len()), usize::try_from(DAYS).unwrap());
    assert!(!world.holds("wf1", customer(6)));
    world.settle();
    crate::laws::hold(&mut world);
}

#[test]
fn a_first_sync_on_lent_threads_is_the_one_without() {
    let mut world = World::monday(&["xw1"]);
    for n in 102..200 {
        world.open_shop(n, WEST, "xw");
    }
    world.settle();
    let now = world.now;
    let profile = world.office.profile(cast::user("xw"));
    let mut taken = |threads: usize| {
        let device = cast::device("xw1");
        let mut replica = Replica::in_memory([7; 16]).unwrap();
        replica.lend_threads(threads);
        replica.enrolled(device, &profile).unwrap();
        let (mut turns, mut documents) = (0, 0);
        loop {
            let request = replica.request(now, None).unwrap();
            let mut answer = world.office.answer(device, &request.encode().unwrap(), now).unwrap();
            // One document of many is damaged on the way.
            if turns == 0 {
                let mut answers = parts::decode(&answer).unwrap().answers;
                let items = answers.iter_mut().flat_map(|answer| &mut answer.items);
                let damaged =
                    items.filter_map(|item| if let Item::Document { snapshot, .. } = item { Some(snapshot) } else { None }).nth(90);
                *damaged.unwrap() = vec![1, 2, 3].into();
                answer = parts::encode(&answers).unwrap();
            }
            let synced = replica.sync_answer(&answer, now).unwrap();
            assert_eq!(synced.refused, usize::from(turns == 0));
            (turns, documents) = (turns + 1, documents + synced.documents);
            if !synced.more {
                break;
            }
            assert!(turns < 9);
        }
        let prints = replica.store().read(|read| Ok::<_, StoreError>((read.rows_print()?, read.digest()?))).unwrap();
        (prints, documents)
    };
    let without = taken(0);
    assert!(without.1 > 150, "{} documents are no long answer", without.1);
    for threads in [1, 2, 3] {
        assert_eq!(taken(threads), without, "{threads} threads");
    }
}
