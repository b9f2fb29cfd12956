//! Where values come from, who verified them, how old they are: S13 to S15.

use roadbook_core::ids::{Ms, SubjectId};
use roadbook_core::model::card::{Badge, Card};
use roadbook_core::model::{Edit, Provenance, Source, Value};
use roadbook_core::replica::field::Judgement;
use roadbook_core::store::rows::{MATTER_VERIFY, ReviewFilter};

use crate::world::cast::{self, customer};
use crate::world::hand::{entry, entry_edit, fact, yuan};
use crate::world::{World, in_every_order};

const TURNOVER: &str = "turnover";

fn c1() -> SubjectId {
    customer(1)
}

/// A reported value with its source, observed on a day before Monday.
fn reported(value: Value, source: Source, observed_at: Ms) -> Edit {
    let provenance = Provenance { source: Some(source), observed_at: Some(observed_at), ..Provenance::default() };
    Edit::Assert { field: TURNOVER.to_owned(), value, provenance }
}

/// The judgement of somebody who looks at the best report of the turnover that the card shows.
fn judged(card: &Card, value: Value, decision: &str, reason: &str) -> Judgement {
    let fact = &card.facts[TURNOVER];
    let looked_at = fact.waiting.as_ref().or(fact.rivals.first()).unwrap();
    Judgement {
        field: TURNOVER.to_owned(),
        value,
        op: Some(looked_at.op.clone()),
        observed: Some(looked_at.observed),
        decision: decision.to_owned(),
        method: Some("document".to_owned()),
        reason: Some(reason.to_owned()),
    }
}

/// 孙丽 verified 3.0 million on 2026-01-10, from a survey agency's report.
fn verified_in_january(world: &mut World) {
    let january = world.on_day(-51, "10:00").now;
    world.on("sl1").edit(c1(), &[reported(yuan(3_000_000), Source::SurveyAgency, january)]);
    let judgement = judged(&world.card("sl1", c1()), yuan(3_000_000), "accept", "专项调查");
    world.on("sl1").verify(c1(), &judgement);
    world.settle();
    assert_eq!(world.office_card(c1()).facts[TURNOVER].badge, Badge::Verified);
}

#[test]
fn s13_an_exaggerated_form_waits_and_the_verified_value_stands() {
    in_every_order(
        &["wf1", "sl1"],
        &["wf1", "sl1"],
        |world| {
            verified_in_january(world);
            let first_of_march = world.on_day(-1, "15:00").now;
            world.at("09:00").on("wf1").edit(c1(), &[reported(yuan(8_000_000), Source::CustomerForm, first_of_march)]);
        },
        |world| {
            world.settle();
            let check = |card: &Card, who: &str| {
                let fact = &card.facts[TURNOVER];
                assert_eq!((&fact.value, fact.badge), (&yuan(3_000_000), Badge::ReportWaiting), "{who}");
                let waiting = fact.waiting.as_ref().unwrap();
                assert_eq!((&waiting.value, waiting.source), (&yuan(8_000_000), Source::CustomerForm), "{who}");
                assert!(fact.high, "{who}: more than twice the verified value");
            };
            for (who, card) in world.cards(c1()) {
                check(&card, &who);
            }
            let queue = |world: &World| {
                let filter = ReviewFilter { matters: vec![MATTER_VERIFY.to_owned()], ..ReviewFilter::default() };
                world.office.read(|replica| replica.store().read(|read| read.reviews(&filter, 0, 10))).unwrap()
            };
            let lines = queue(world);
            assert_eq!((lines.len(), lines[0].field.as_str(), lines[0].weight), (1, TURNOVER, 3), "one entry, marked high");

            let judgement = judged(&world.card("sl1", c1()), yuan(3_000_000), "reject", "与报税表不符");
            world.at("11:00").on("sl1").verify(c1(), &judgement);
            world.settle();
            for (who, card) in world.cards(c1()) {
                let fact = &card.facts[TURNOVER];
                assert_eq!((&fact.value, fact.badge), (&yuan(3_000_000), Badge::Verified), "{who}");
                assert_eq!(fact.waiting, None, "{who}");
                let slot = fact.verified.as_ref().unwrap();
                assert_eq!((slot.by, slot.reason.as_deref()), (Some(cast::user("sl")), Some("与报税表不符")), "{who}");
                assert_eq!(fact.rivals[0].value, yuan(8_000_000), "{who}: what the customer wrote is kept");
            }
            assert_eq!(queue(world), []);
        },
    );
}

#[test]
fn s14_verifying_an_old_report_does_not_verify_a_newer_one() {
    in_every_order(
        &["wf1", "sl1"],
        &["wf1", "sl1"],
        |world| {
            let observed = world.on_day(-10, "10:00").now;
            world.on("sl1").edit(c1(), &[reported(yuan(2_000_000), Source::Visit, observed)]);
            world.settle();
            let a1 = world.card("sl1", c1());
            world.at("09:00").on("wf1").set(c1(), TURNOVER, yuan(2_500_000));
            world.at("10:00").on("sl1").verify(c1(), &judged(&a1, yuan(2_000_000), "accept", "营业执照"));
        },
        |world| {
            world.settle();
            let a1 = world.office.read(|replica| replica.history(c1().customer(), "facts", TURNOVER)).unwrap();
            assert_eq!(a1.len(), 2, "both reports are in the history");
            for (who, card) in world.cards(c1()) {
                let fact = &card.facts[TURNOVER];
                let slot = fact.verified.as_ref().unwrap();
                assert_eq!(slot.value, yuan(2_000_000), "{who}");
                assert_eq!((&fact.value, fact.badge), (&yuan(2_000_000), Badge::ReportWaiting), "{who}");
                let waiting = fact.waiting.as_ref().unwrap();
                assert_eq!((&waiting.value, waiting.author), (&yuan(2_500_000), Some(cast::user("wf"))), "{who}");
                assert_ne!(slot.op.as_ref(), Some(&waiting.op), "{who}: the newer report is not what was verified");
            }
        },
    );
}

#[test]
fn s14_two_verifications_made_apart_are_one_review_item() {
    in_every_order(
        &["wf1", "sl1", "cg1"],
        &["sl1", "cg1"],
        |world| {
            world.at("08:10").on("wf1").set(c1(), TURNOVER, yuan(2_000_000));
            world.settle();
            let seen = world.card("sl1", c1());
            world.at("10:00").on("sl1").verify(c1(), &judged(&seen, yuan(2_000_000), "accept", "报税表"));
            world.at("10:30").on("cg1").verify(c1(), &judged(&seen, yuan(1_800_000), "accept", "老板当面说"));
        },
        |world| {
            world.settle();
            for (who, card) in world.cards(c1()) {
                let paths: Vec<&str> = card.reviews.iter().map(|review| review.path.as_str()).collect();
                assert_eq!(paths, ["verified/turnover"], "{who}: exactly one item, on the verified slot");
                assert_eq!(card.reviews[0].options.len(), 2, "{who}");
                let slot = card.facts[TURNOVER].verified.as_ref().unwrap();
                assert_eq!((&slot.value, slot.by), (&yuan(1_800_000), Some(cast::user("cg"))), "{who}: the later one meanwhile");
            }
            // A third verification, of one who saw both, closes it.
            let card = world.card("cg1", c1());
            world.at("12:00").on("cg1").verify(c1(), &judged(&card, yuan(2_000_000), "accept", "已核对"));
            world.settle();
            for (who, card) in world.cards(c1()) {
                assert_eq!(card.reviews, [], "{who}");
                assert_eq!(card.facts[TURNOVER].value, yuan(2_000_000), "{who}");
            }
        },
    );
}

#[test]
fn s15_still_correct_makes_a_stale_value_fresh_and_nothing_else() {
    let day = |days: i64| World::new(0).on_day(days, "12:00").now;
    let november = day(-102);
    let buyer = entry("buyer");
    in_every_order(
        &["wf1", "lq1"],
        &["wf1", "lq1"],
        |world| {
            let observed = Provenance { observed_at: Some(november), ..Provenance::default() };
            let Edit::Entry { list, entry, fields, .. } = entry_edit("phones", buyer, &[("number", "139-0000-2222"), ("person", "采购")])
            else {
                unreachable!()
            };
            let phone = Edit::Entry { list, entry, fields, provenance: observed.clone() };
            // Fresh for 90 days, where phones are for 180.
            let rating = Value::map([("score", Value::Int(4))]);
            let cooperation = Edit::Assert { field: "cooperation".to_owned(), value: rating, provenance: observed };
            world.on_day(-101, "12:00").on("wf1").edit(c1(), &[phone, cooperation, fact("line_of_business", "食品")]);
            world.settle();
            let now = world.at("10:00").now;
            let card = world.card("wf1", c1());
            let stale = &card.facts["cooperation"];
            assert!(stale.fresh_until.unwrap() < now, "stale on Monday");
            let before = card.freshness_percent(now).unwrap();
            let value = stale.value.clone();
            let number = card.lists["phones"][0].fields["number"].value.clone();
            world.on("wf1").confirm(c1(), "cooperation", &value).confirm(c1(), &format!("phones/{buyer}/number"), &number);
            assert!(world.card("wf1", c1()).freshness_percent(now).unwrap() > before, "counted anew offline");
        },
        |world| {
            world.settle();
            let now = world.at("10:00").now;
            let offline = world.card("wf1", c1()).freshness_percent(now);
            for (who, card) in world.cards(c1()) {
                let fact = &card.facts["cooperation"];
                assert_eq!(fact.confirmed_at, Some(now), "{who}");
                assert_eq!(fact.fresh_until, Some(now.plus(90 * Ms::DAY)), "{who}");
                assert_eq!(fact.value.get("score").and_then(Value::as_int), Some(4), "{who}");
                assert_eq!((fact.badge, fact.rivals.len()), (Badge::Unverified, 1), "{who}: neither verified nor said again");
                assert_eq!(fact.rivals[0].observed, november, "{who}");
                let number = &card.lists["phones"][0].fields["number"];
                assert_eq!((number.confirmed_at, number.fresh_until), (Some(now), Some(now.plus(180 * Ms::DAY))), "{who}");
                assert_eq!(card.freshness_percent(now), offline, "{who}: the same share everywhere");
            }
            let history = world.office.read(|replica| replica.document(c1().customer()).unwrap().unwrap().document);
            let confirmed = history.history_of("confirmed", |key| key.starts_with("cooperation/"));
            assert_eq!(confirmed.len(), 1, "the confirmation is in the history");
            assert_eq!(confirmed[0].1.change.author, Some(cast::user("wf")));
        },
    );
}
