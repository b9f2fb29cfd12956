//! A phone that comes back after ninety days: S50. What it handed in is taken by the rules of every other day, and a report tells what
//! became of it (90 天离线合并报告). Two cards of one customer are marked as one; that what is written on either then lands on the one that is
//! kept is not in the product yet. Everything else that S50 names happens meanwhile.

use roadbook_core::ids::SubjectId;
use roadbook_core::replica::Target;
use roadbook_core::replica::private::describe_person;
use roadbook_server::absence::{self, Proposals, Report, SetAside};
use roadbook_server::feed::Absence;

use crate::laws;
use crate::world::World;
use crate::world::cast::{self, WEST, customer};
use crate::world::hand::{entry, entry_edit, fact};
use crate::world::office::office_fact;

const DAYS: i64 = 90;

fn visit(world: &mut World, customer: SubjectId) {
    let draft = world.on("wf1").check_in(customer, None, None);
    world.pass_ms(600_000).on("wf1").check_out(draft, &[("outcome", "order".into())]);
}

fn report(world: &World, absence: &Absence) -> Report {
    world.office.read(|replica| absence::report(world.office.feed.as_ref(), replica, absence)).unwrap()
}

#[test]
fn s50_ninety_days_offline_end_in_a_report_of_what_became_of_it() {
    let mut world = World::monday(&["wf1", "lq1", "xw1"]);
    let boss = entry("张老板");
    world.at("08:30").on("wf1").edit(customer(9), &[entry_edit("stakeholders", boss, &[("name", "张老板")])]);
    world.on("wf1").save_work(describe_person(customer(9), boss, None, vec![fact("age", 47)]));
    world.settle();
    assert!(world.office.feed.absences().unwrap().is_empty(), "nobody was away");

    // 王芳 is offline from now on.
    let mut visits = 0;
    for day in (1..DAYS).step_by(3) {
        for (n, hour) in [(1, "09:00"), (3, "10:00")] {
            world.on_day(day, hour);
            visit(&mut world, customer(n));
            visits += 1;
        }
        world.on("wf1").set(customer(3), "headcount", day);
    }
    world.on_day(5, "11:00").on("wf1").set(customer(1), "legal_name", "惠民超市有限公司");
    world.on("wf1").set(customer(3), "short_name", "春风");
    world.on("wf1").write(customer(4), "problems", 0, "货架太小");
    world.on("wf1").propose(customer(3), "grade", "A");
    // Entered twice by mistake.
    world.on_day(6, "09:00");
    for _ in 0..2 {
        let draft = world.on("wf1").check_in(customer(7), None, None);
        world.on("wf1").check_out(draft, &[("outcome", "order".into())]);
    }
    world.on_day(20, "09:00").on("wf1").set(customer(6), "short_name", "鑫鑫");
    world.on_day(50, "09:00");
    visit(&mut world, customer(5));
    visits += 3;
    world.on_day(65, "09:00").on("wf1").set(customer(8), "short_name", "老街");
    world.on_day(66, "09:00").on("wf1").save_work(describe_person(customer(9), boss, None, vec![fact("education", "大专")]));

    // Meanwhile the company brings fields of its own, twice; archives a customer and marks one as another one; two go to the west, one of
    // them long ago; 李强 writes what she has written too; somebody asks that what is known of him be erased.
    world.on_day(10, "08:00").desk("cg", vec![(Target::customer(customer(1)), vec![fact("x.shelf_no", "B-12")])]);
    world.on_day(30, "08:00").desk("cg", vec![(Target::office(customer(5)), vec![office_fact("lifecycle", "archived")])]);
    world.desk("cg", vec![(Target::office(customer(4)), vec![office_fact("merged_into", customer(3).to_string())])]);
    world.on_day(33, "08:00");
    world.office.erase(world.now, customer(9), boss);
    world.on_day(40, "08:00");
    world.refile(customer(6), WEST, "xw");
    world.desk("cg", vec![(Target::customer(customer(3)), vec![fact("x.cold_chain", "有")])]);
    world.on_day(70, "08:00");
    world.refile(customer(8), WEST, "xw");
    world.on_day(80, "08:00").sync("lq1");
    world.on("lq1").set(customer(1), "legal_name", "惠民商贸有限公司");
    world.sync("lq1");

    // She comes back; the first answer is lost on the way.
    world.on_day(DAYS, "18:00");
    let (now, device) = (world.now, world.phone("wf1").device);
    let request = world.phone("wf1").replica().sync_request(now, None).unwrap();
    let lost = world.phone("wf1").replica().outbox_size().unwrap().changes;
    world.office.answer(device, &request, now).unwrap();
    let synced = world.pass_ms(60_000).sync("wf1");
    let mut codes: Vec<&str> = synced.quarantined.iter().map(|(_, why)| why.split(':').next().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["erased", "late_beyond_grace"], "nothing is refused for its age");
    assert!(world.phone("wf1").replica().persons(customer(9)).unwrap().is_empty());
    assert_eq!(world.card("wf1", customer(1)).facts["x.shelf_no"].value.as_text(), Some("B-12"), "fields that came meanwhile are carried");
    assert_eq!(world.card("wf1", customer(3)).facts["x.cold_chain"].value.as_text(), Some("有"));
    assert!([6, 8].iter().all(|n| world.phone("wf1").replica().card(customer(*n)).unwrap().is_none()));

    let absences = world.office.feed.absences().unwrap();
    assert_eq!(absences.len(), 2, "李强 was away for eighty days, and she for ninety");
    let absence = absences[0];
    assert_eq!((absence.user, absence.days(), absence.until), (cast::user("wf"), 90, Some(now)));
    let told = report(&world, &absence);
    assert_eq!((told.handed_in["visit"].documents, told.visits_double), (visits, 1));
    assert_eq!((told.late, told.reassigned, told.archived, told.united), (1, 2, 1, 1));
    assert_eq!(
        told.set_aside.into_iter().collect::<Vec<_>>(),
        [("late_beyond_grace".to_owned(), SetAside { open: 1, ..SetAside::default() })]
    );
    assert_eq!(
        (told.proposals, told.asked),
        (Proposals { open: 1, ..Proposals::default() }, Proposals { open: 1, ..Proposals::default() })
    );
    assert!(told.known > 0 && told.known < lost, "what was handed in twice counts once: {} of {lost}", told.known);
    // Her headcount, short names, and what 李强 wrote as well: shown beside.
    assert_eq!((told.values.shown, told.values.beside, told.values.superseded, told.reviews), (3, 1, 0, 1));
    assert!(!told.handed_in.contains_key("person"), "what was erased is not told of");
    let of = |n: u8| told.customers.iter().find(|of| of.customer == Some(customer(n))).unwrap();
    assert!(of(6).reassigned && of(6).set_aside == 1 && of(8).late == 1 && of(5).archived && of(4).united && of(1).reviews == 1);

    // The report tells how things stand: a newer value, a decision.
    world.pass_ms(60_000).sync("lq1");
    world.on("lq1").set(customer(3), "short_name", "春风二店");
    world.sync("lq1");
    let proposals = world.office.read(|replica| {
        let state = roadbook_core::store::rows::ProposalState::Open;
        let rows = replica.store().read(|read| read.proposals(state, Some(customer(3)), 0, 9)).unwrap();
        rows.into_iter().map(|line| replica.proposal(line.proposal.doc).unwrap().unwrap()).collect::<Vec<_>>()
    });
    world.desk("cg", vec![roadbook_core::replica::field::decide(&proposals[0], "accept", None)]);
    let later = report(&world, &absence);
    assert_eq!((later.values.shown, later.values.superseded), (2, 1));
    assert_eq!(later.proposals, Proposals { accepted: 1, ..Proposals::default() });
    world.settle();
    laws::hold(&mut world);
}

#[test]
fn a_long_outbox_is_followed_until_it_is_empty_and_a_short_absence_is_no_matter() {
    let mut world = World::monday(&["wf1", "lq1"]);
    world.on_day(13, "07:00").sync("lq1");
    assert!(world.office.feed.absences().unwrap().is_empty(), "thirteen days are no absence");
    let count = i64::try_from(roadbook_core::exchange::PUSHED_CHANGES_MAX).unwrap() + 30;
    for n in 0..count {
        let shop = customer(u8::try_from(n % 9).unwrap() + 1);
        world.on("wf1").set(shop, "headcount", n);
    }
    world.on_day(20, "08:00");
    let first = world.exchange("wf1");
    assert!(first.more);
    let absence = world.office.feed.absences().unwrap()[0];
    assert_eq!(absence.until, None, "still handing in");
    world.office.crash(world.now);
    world.sync("wf1");
    let absence = world.office.feed.absence(absence.no).unwrap().unwrap();
    assert!(absence.until.is_some());
    assert_eq!(report(&world, &absence).handed_in["customer"].changes, count.unsigned_abs());
    // What she hands in later is another matter.
    world.pass_ms(60_000).on("wf1").set(customer(1), "short_name", "惠民");
    world.sync("wf1");
    assert_eq!(report(&world, &absence).handed_in["customer"].changes, count.unsigned_abs());
    world.settle();
    laws::hold(&mut world);
}
