//! Visits: S19, S20, S22, S24, S25.

use roadbook_core::exchange::{Answer, Outcome, Request};
use roadbook_core::ids::{DocId, Ms, SubjectId};
use roadbook_core::model::Value;
use roadbook_core::model::clock::ClockNote;
use roadbook_core::model::proposal::what;
use roadbook_core::replica::Target;
use roadbook_core::replica::field::decide;
use roadbook_core::store::rows::{VisitFilter, VisitLine, VisitTally};

use crate::laws;
use crate::world::cast::{self, customer};
use crate::world::hand::{entry_edit, yuan};
use crate::world::office::office_fact;
use crate::world::{World, about, address, in_every_order};

const HOUR: i64 = 3_600_000;

fn c1() -> SubjectId {
    customer(1)
}

fn visits(world: &World, customer: SubjectId) -> Vec<VisitLine> {
    let filter = VisitFilter { subject: Some(customer), ..VisitFilter::default() };
    world.office.read(|replica| replica.store().read(|read| read.visits(&filter, None, 100))).unwrap().lines
}

fn tally(world: &World, customer: SubjectId) -> Vec<VisitTally> {
    let filter = VisitFilter { subject: Some(customer), ..VisitFilter::default() };
    world.office.read(|replica| replica.store().read(|read| read.visit_tally(&filter))).unwrap()
}

/// A visit that ends twenty minutes after it began.
fn visit(world: &mut World, phone: &str, customer: SubjectId, fields: &[(&str, Value)]) -> DocId {
    let draft = world.on(phone).check_in(customer, None, None);
    world.pass_ms(20 * 60_000).on(phone).check_out(draft, fields)
}

#[test]
fn s19_a_visit_entered_twice_counts_once_and_keeps_both_texts() {
    in_every_order(
        &["wf1", "wf2", "sl1"],
        &["wf1", "wf2"],
        |world| {
            world.at("10:02");
            let photos = |hash: &str| ("manifest", Value::List(vec![hash.into()]));
            visit(world, "wf1", c1(), &[("outcome", "order".into()), ("feedback", "要两箱水".into()), photos("aa")]);
            // It crashes before she sees that it was saved.
            let now = world.now;
            world.phones.get_mut("wf1").unwrap().crash(now);
            let mut draft = world.at("10:25").on("wf2").check_in(c1(), None, None);
            let claimed = world.at("10:00").now;
            draft.fields.insert("check_in".to_owned(), Value::map([("claimed", Value::Int(claimed.0)), ("label", "unverified".into())]));
            let again = [("outcome", "order".into()), ("feedback", "要两箱水,冰柜坏了".into()), photos("bb")];
            world.at("10:26").on("wf2").check_out(draft, &again);
        },
        |world| {
            world.settle();
            let lines = visits(world, c1());
            assert_eq!(lines.len(), 2, "two documents");
            assert_eq!(lines.iter().filter(|line| line.visit.possible_double).count(), 1, "one of them flagged");
            let count = |world: &World| tally(world, c1()).iter().map(|line| (line.visits, line.orders)).collect::<Vec<_>>();
            assert_eq!(count(world), [(1, 1)], "figures count one");

            let (kept, double) = match (&lines[0], &lines[1]) {
                (a, b) if a.visit.possible_double => (b.visit.doc, a.visit.doc),
                (a, b) => (a.visit.doc, b.visit.doc),
            };
            world.at("11:00").on("sl1").working(|replica, stamp| replica.join_visits(stamp, double, Some(kept))).unwrap();
            world.settle();
            assert_eq!(count(world), [(1, 1)]);
            for phone in ["wf1", "wf2", "sl1"] {
                let read = |doc| world.phone(phone).replica().visit(doc).unwrap().unwrap();
                assert_eq!(read(double).same_as, Some(kept), "{phone}");
                let mut feedback = [read(kept), read(double)].map(|visit| visit.text("feedback").unwrap().to_owned());
                feedback.sort_by_key(|text| text.chars().count());
                assert_eq!(feedback, ["要两箱水", "要两箱水,冰柜坏了"], "{phone}: both texts are kept");
                assert!([kept, double].iter().all(|doc| read(*doc).fields.contains_key("manifest")), "{phone}: and the photos of both");
            }
            // Undone, it is a possible double as before.
            world.at("11:10").on("sl1").working(|replica, stamp| replica.join_visits(stamp, double, None)).unwrap();
            world.settle();
            assert_eq!(world.phone("wf2").replica().visit(double).unwrap().unwrap().same_as, None);
            assert_eq!(count(world), [(1, 1)]);
        },
    );
}

#[test]
fn s19_a_phone_that_crashed_still_has_the_visit() {
    let mut world = World::monday(&["lq1"]);
    world.enrol("wf1", true);
    world.sync("wf1");
    world.at("10:02");
    let doc = visit(&mut world, "wf1", c1(), &[("outcome", "order".into())]);
    let draft = world.at("11:00").on("wf1").check_in(customer(3), None, None);
    let now = world.now;
    world.phones.get_mut("wf1").unwrap().crash(now);
    assert!(world.phone("wf1").replica().visit(doc).unwrap().is_some());
    assert_eq!(world.phone("wf1").replica().drafts().unwrap(), std::slice::from_ref(&draft), "and the one that was under way");
    world.at("11:20").on("wf1").check_out(draft, &[("outcome", "no_order".into())]);
    world.settle();
    assert_eq!((visits(&world, c1()).len(), visits(&world, customer(3)).len()), (1, 1));
    laws::hold(&mut world);
}

#[test]
fn s20_a_batch_sent_again_after_a_lost_receipt_is_one_visit() {
    let mut world = World::monday(&["wf1", "lq1"]);
    world.at("10:00");
    let doc = visit(&mut world, "wf1", c1(), &[("outcome", "order".into())]);
    let (now, device) = (world.at("10:30").now, world.phone("wf1").device);
    let asks = |world: &World| world.phone("wf1").replica().sync_request(now, None).unwrap();
    let request = asks(&world);
    let handed_in: usize = Request::decode(&request).unwrap().pushed.iter().map(|pushed| pushed.changes.len()).sum();
    // The first answer is lost; then the phone sends the batch three times, and the answers come.
    world.office.answer(device, &request, now).unwrap();
    let head = world.office.head();
    assert!(world.phone("wf1").replica().outbox_size().unwrap().changes > 0, "nothing leaves the outbox before its verdict");
    assert_eq!(asks(&world), request, "what is asked again is what was asked");
    let answers: Vec<Answer> = (0..3).map(|_| Answer::decode(&world.office.answer(device, &request, now).unwrap()).unwrap()).collect();
    assert_eq!(world.office.head(), head, "the feed has each change once");
    for answer in &answers {
        assert_eq!(answer.verdicts, answers[0].verdicts, "receipts are identical");
        assert_eq!(answer.verdicts.len(), handed_in);
        assert!(answer.verdicts.iter().all(|verdict| verdict.outcome == Outcome::AlreadyKnown));
        world.phones.get_mut("wf1").unwrap().take_answer(&answer.encode().unwrap(), now).unwrap();
        assert_eq!(world.phone("wf1").replica().outbox_size().unwrap().changes, 0);
    }
    world.settle();
    let lines = visits(&world, c1());
    assert_eq!((lines.len(), lines[0].visit.doc, lines[0].visit.possible_double), (1, doc, false));
    assert_eq!(tally(&world, c1()).iter().map(|line| (line.visits, line.orders)).collect::<Vec<_>>(), [(1, 1)]);
    laws::hold(&mut world);
}

#[test]
fn s22_a_visit_at_an_archived_customer_stands_and_asks_for_revival() {
    let c2 = customer(2);
    for decision in ["accept", "reject"] {
        in_every_order(
            &["lq1", "wf1", "cg1"],
            &["lq1", "cg1"],
            |world| {
                world.at("09:00").desk("sl", vec![(Target::office(c2), vec![office_fact("lifecycle", "archived")])]);
                world.at("14:00");
                visit(world, "lq1", c2, &[("outcome", "order".into()), ("order_amount", yuan(600))]);
            },
            |world| {
                world.settle();
                let lines = visits(world, c2);
                assert_eq!((lines.len(), lines[0].visit.outcome.as_str()), (1, "order"), "the visit stands");
                for (who, card) in world.cards(c2) {
                    assert_eq!(card.text("lifecycle"), Some("archived"), "{who}: and C2 stays archived");
                }
                let doc = about(world.phone("cg1").replica(), c2, "proposal")[0];
                let proposal = world.phone("cg1").replica().proposal(doc).unwrap().unwrap();
                assert_eq!((proposal.what.as_str(), proposal.cause), (what::REVIVE, Some(lines[0].visit.doc)));
                let told = world.phone("lq1").replica().proposal(doc).unwrap().unwrap();
                assert!(told.is_open() && told.reason.unwrap().contains("客户已停用"), "李强 sees why his order waits");
                assert_eq!(about(world.phone("cg1").replica(), c2, "proposal").len(), 1);

                world.at("15:00").on("cg1").save_work(decide(&proposal, decision, Some("确认")));
                world.settle();
                let expected = if decision == "accept" { "active" } else { "archived" };
                for (who, card) in world.cards(c2) {
                    assert_eq!(card.text("lifecycle"), Some(expected), "{who}");
                }
                assert_eq!(visits(world, c2).len(), 1, "nothing dropped");
            },
        );
    }
}

/// Whether the phone knew of its error before it wrote, or is found out when it hands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Before,
    After,
}

#[test]
fn s24_a_clock_three_days_ahead_does_not_win() {
    let error = 72 * HOUR + 3 * 60_000;
    for found in [Found::Before, Found::After] {
        in_every_order(
            &["wf1", "lq1"],
            &["wf1", "lq1"],
            |world| {
                world.phones.get_mut("wf1").unwrap().clock_error_ms = error;
                if found == Found::Before {
                    world.sync("wf1");
                }
                world.at("10:00").on("wf1").entry(c1(), "addresses", address(c1()), &[("text", "人民路12号")]);
                visit(world, "wf1", c1(), &[("outcome", "order".into())]);
                let later = entry_edit("addresses", address(c1()), &[("text", "人民路21号")]);
                world.on_day(1, "09:00").on("lq1").edit(c1(), &[later]);
                world.on_day(1, "09:30");
            },
            |world| {
                world.settle();
                for (who, card) in world.cards(c1()) {
                    let text = &card.lists["addresses"][0].fields["text"];
                    assert_eq!(text.value.as_text(), Some("人民路21号"), "{found:?} {who}: the later one wins");
                    let wf = text.rivals.iter().find(|said| said.author == Some(cast::user("wf"))).unwrap();
                    assert_eq!(wf.written.at, world.at("10:00").now, "{found:?} {who}: ordered by its corrected time");
                    assert_eq!(wf.written.claimed, world.at("10:00").now.plus(error));
                }
                world.on_day(1, "09:30");
                let line = visits(world, c1()).remove(0);
                assert!(line.visit.clock_wrong, "{found:?}: flagged");
                let visit = world.phone("lq1").replica().visit(line.visit.doc).unwrap().unwrap();
                let ten = world.at("10:00").now;
                assert_eq!((visit.check_in.claimed, visit.check_in.at), (ten.plus(error), ten), "{found:?}");
                assert_eq!(visit.check_in.offset_ms, Some(-error), "{found:?}: 72 h 03 m");
                world.on_day(1, "09:30");
            },
        );
    }
}

#[test]
fn a_clock_that_was_ahead_for_an_hour_is_believed_again() {
    let mut world = World::monday(&["wf1"]);
    world.at("09:00");
    // Somebody set the year wrong, saved something, and set it right.
    world.phones.get_mut("wf1").unwrap().clock_error_ms = 365 * Ms::DAY;
    world.on("wf1").set(customer(1), "headcount", 6);
    world.phones.get_mut("wf1").unwrap().clock_error_ms = 0;
    world.at("10:00");
    world.settle();
    let note = world.phone("wf1").replica().clock_note(world.now).unwrap();
    assert_eq!(note, ClockNote::Agreed, "headquarters' clock is the one that counts");
    world.at("11:00");
    let doc = visit(&mut world, "wf1", customer(2), &[("outcome", "no_order".into())]);
    world.settle();
    let line = world.phone("wf1").replica().store().read(|read| read.visit(doc)).unwrap().unwrap();
    assert_eq!((Some(line.visit.day), line.visit.clock_wrong), (world.now.day(480), false));
    laws::hold(&mut world);
}

#[test]
fn s25_a_clock_set_back_to_1970_keeps_the_order_of_the_day() {
    let mut world = World::monday(&["lq1"]);
    world.enrol("wf1", true);
    world.at("09:10");
    world.sync("wf1");
    let contact = world.now;
    // The battery is pulled: the process dies and the clock begins again.
    let begun = world.at("09:20").now;
    world.phones.get_mut("wf1").unwrap().clock_error_ms = -begun.0;
    world.phones.get_mut("wf1").unwrap().crash(begun);
    let note = world.phone("wf1").replica().clock_note(Ms(0)).unwrap();
    assert!(matches!(note, ClockNote::Unsure { floor } if floor >= contact), "the app is warned at its start: {note:?}");

    let mut true_times = Vec::new();
    let mut docs = Vec::new();
    let mut numbers = Vec::new();
    for n in 1..=8 {
        world.at(&format!("{}:00", 9 + n));
        true_times.push(world.now);
        docs.push(visit(&mut world, "wf1", customer(n), &[("outcome", "no_order".into())]));
        let visit = world.phone("wf1").replica().visit(*docs.last().unwrap()).unwrap().unwrap();
        numbers.push(visit.recorded_no);
        assert!(visit.check_in.unsure, "{n}: only a lower bound is known");
        assert!(visit.check_in.at >= contact && visit.check_in.at < world.now, "{n}: not before the last contact: {:?}", visit.check_in);
        let line = world.phone("wf1").replica().store().read(|read| read.visit(visit.doc)).unwrap().unwrap();
        assert_eq!(Some(line.visit.day), begun.day(480), "{n}: no visit is sorted into 1970");
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "the recorded order never goes backwards: {numbers:?}");
    let offline: Vec<Ms> = docs.iter().map(|doc| world.phone("wf1").replica().visit(*doc).unwrap().unwrap().check_in.at).collect();
    assert!(offline.is_sorted_by(|a, b| a < b), "and visits keep their order: {offline:?}");

    world.at("18:40");
    world.settle();
    for name in ["wf1", "lq1"] {
        let at = |doc: &DocId| world.phone(name).replica().visit(*doc).unwrap().unwrap().check_in;
        let corrected: Vec<Ms> = docs.iter().map(|doc| at(doc).at).collect();
        assert_eq!(corrected, true_times, "{name}: corrected at the next contact");
        assert!(docs.iter().all(|doc| !at(doc).unsure), "{name}");
    }
    laws::hold(&mut world);
}

#[test]
fn a_visit_stays_a_possible_double_when_a_third_one_comes_beside_it() {
    let mut world = World::monday(&["wf1", "wf2", "lq1"]);
    let out = [("outcome", Value::from("order"))];
    // Three in a chain: the second overlaps the first, the third the second.
    let first = world.at("10:00").on("wf1").check_in(c1(), None, None);
    let second = world.at("10:10").on("wf2").check_in(c1(), None, None);
    world.at("10:20").on("wf1").check_out(first, &out);
    world.sync("wf1");
    let third = world.at("10:30").on("wf1").check_in(c1(), None, None);
    world.at("10:40").on("wf2").check_out(second, &out);
    world.sync("wf2");
    world.at("10:50").on("wf1").check_out(third, &out);
    world.settle();
    let mut flags: Vec<_> = visits(&world, c1()).iter().map(|line| (line.visit.started, line.visit.possible_double)).collect();
    flags.sort();
    assert_eq!(flags.iter().map(|(_, flag)| *flag).collect::<Vec<_>>(), [false, true, true]);
    laws::hold(&mut world);
}
