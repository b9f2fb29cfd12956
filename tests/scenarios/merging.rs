//! Merging of cards: S01 to S06, S08, S09, S11 (S12 is `convergence`).

use std::collections::BTreeSet;

use roadbook_core::crdt::{ChangeStamp, Document, DocumentError, Genesis, Shape};
use roadbook_core::exchange::{Answer, Cursor, Item};
use roadbook_core::ids::{ActorId, DocId, EntryId, SubjectId};
use roadbook_core::model::card::Card;
use roadbook_core::model::kinds::CUSTOMER;
use roadbook_core::model::proposal::what;
use roadbook_core::model::{Edit, Provenance, Value};
use roadbook_core::replica::Target;
use roadbook_core::replica::field::{Judgement, Place, decide};
use roadbook_core::store::rows::ProposalState;
use roadbook_server::access::Role;
use roadbook_server::accounts::Who;

use crate::world::cast::{self, customer};
use crate::world::hand::{entry, entry_edit, fact, yuan};
use crate::world::{World, about, address, in_every_order};

fn c1() -> SubjectId {
    customer(1)
}

/// Shown text of a field of an entry.
fn shown<'a>(card: &'a Card, list: &str, entry: EntryId, field: &str) -> &'a str {
    let entry = card.lists[list].iter().find(|one| one.id == entry).unwrap();
    entry.fields[field].value.as_text().unwrap()
}

#[test]
fn s01_a_phone_and_a_paragraph_written_apart_are_both_there() {
    let (wf, lq) = (cast::user("wf"), cast::user("lq"));
    in_every_order(
        &["wf1", "lq1"],
        &["wf1", "lq1"],
        |world| {
            world.at("09:30").on("wf1").entry(c1(), "phones", entry("p"), &[("number", "139-0000-1111")]);
            world.at("09:40").on("lq1").write(c1(), "problems", 0, "上月两次拖欠货款");
            world.at("11:00");
        },
        |world| {
            world.sync("wf1");
            world.sync("lq1");
            let cards = world.cards(c1());
            assert_eq!(cards.len(), 3);
            for (who, card) in cards {
                let number = &card.lists["phones"][0].fields["number"];
                assert_eq!(number.value.as_text(), Some("139-0000-1111"), "{who}");
                assert_eq!(card.texts["problems"], "上月两次拖欠货款", "{who}");
                assert_eq!(card.reviews, [], "{who}");
                assert_eq!(number.rivals[0].author, Some(wf));
                assert_eq!(number.rivals[0].written.at, world.at("09:30").now);
                world.at("11:00");
            }
            let metas = world.office.read(|replica| replica.document(c1().customer()).unwrap().unwrap().document.metas());
            let text = metas.iter().find(|meta| meta.author == Some(lq)).unwrap();
            assert_eq!(text.time, world.at("09:40").now);
        },
    );
}

/// A check-in somewhere near the shop.
fn standing_at(lat_e7: i64) -> Place {
    Place { lat_e7, lon_e7: 1_206_000_000, accuracy_m: 10, provider: Some("gps".to_owned()), mock: false }
}

/// A visit, and an address that was read off its sign.
fn address_from_a_visit(world: &mut World, phone: &str, time: &str, text: &str, place: &Place) {
    let draft = world.at(time).on(phone).check_in(c1(), None, Some(place));
    let visit = world.pass_ms(60_000).on(phone).check_out(draft, &[("outcome", "no_order".into())]);
    let provenance = Provenance { source_doc: Some(visit.to_string()), ..Provenance::default() };
    let fields = [("text".to_owned(), Value::from(text))].into();
    let edit = Edit::Entry { list: "addresses".to_owned(), entry: address(c1()), fields, provenance };
    world.at(time).on(phone).edit(c1(), &[edit]);
}

#[test]
fn s02_two_addresses_make_one_review_item_and_one_choice_closes_it_everywhere() {
    let path = format!("addresses/{}/text", address(c1()));
    in_every_order(
        &["wf1", "lq1", "sl1", "wf2"],
        &["wf1", "lq1", "sl1"],
        |world| {
            address_from_a_visit(world, "wf1", "10:00", "人民路12号", &standing_at(312_010_100));
            address_from_a_visit(world, "lq1", "10:05", "人民路21号", &standing_at(312_020_000));
            world.at("11:00");
        },
        |world| {
            // wf2 stays offline and never sees the item.
            for name in ["wf1", "lq1", "sl1"] {
                world.sync(name);
            }
            let card = world.card("sl1", c1());
            assert_eq!(shown(&card, "addresses", address(c1()), "text"), "人民路21号", "the later one is shown meanwhile");
            assert_eq!(card.reviews.len(), 1, "exactly one item: {:?}", card.reviews);
            let review = &card.reviews[0];
            assert_eq!(review.path, path);
            let said: Vec<_> =
                review.options.iter().map(|said| (said.value.as_text().unwrap(), said.author, said.written.claimed)).collect();
            let (ten, five_past) = (world.at("10:00").now, world.at("10:05").now);
            assert_eq!(said, [("人民路21号", Some(cast::user("lq")), five_past), ("人民路12号", Some(cast::user("wf")), ten)]);
            // How far from the shop each stood who says so: by the visit that each value names.
            let distances: Vec<i64> = (review.options.iter())
                .map(|said| {
                    let visit: DocId = said.source_doc.as_ref().unwrap().parse().unwrap();
                    let visit = world.phone("sl1").replica().visit(visit).unwrap().unwrap();
                    visit.fields["check_in"].get("distance_m").and_then(Value::as_int).unwrap()
                })
                .collect();
            assert!(distances[1] < 20 && (90..130).contains(&distances[0]), "{distances:?}");

            world.at("11:30").on("sl1").edit_form(c1(), card.heads, &[entry_edit("addresses", address(c1()), &[("text", "人民路12号")])]);
            world.sync("sl1");
            world.at("18:00").settle();
            for (who, card) in world.cards(c1()) {
                assert_eq!(shown(&card, "addresses", address(c1()), "text"), "人民路12号", "{who}");
                assert_eq!(card.reviews, [], "{who}");
            }
            assert_eq!(world.cards(c1()).len(), 5, "wf2 has it too");
        },
    );
}

#[test]
fn s03_saying_the_same_apart_is_no_dispute() {
    in_every_order(
        &["wf1", "lq1"],
        &["wf1", "lq1"],
        |world| {
            world.at("09:00").on("wf1").set(c1(), "location_type", "residential");
            world.at("09:10").on("lq1").set(c1(), "location_type", "residential");
        },
        |world| {
            world.settle();
            for (who, card) in world.cards(c1()) {
                assert_eq!(card.text("location_type"), Some("residential"), "{who}");
                assert_eq!(card.reviews, [], "{who}");
            }
            let past = world.office.read(|replica| replica.history(c1().customer(), "facts", "location_type")).unwrap();
            let authors: BTreeSet<_> = past.iter().map(|line| line.author).collect();
            assert_eq!(past.len(), 2, "two assertions: {past:?}");
            assert_eq!(authors, [Some(cast::user("wf")), Some(cast::user("lq"))].into());
        },
    );
}

#[test]
fn s04_an_edit_beats_a_removal_and_an_addition_too() {
    in_every_order(
        &["wf1", "lq1"],
        &["wf1", "lq1"],
        |world| {
            let tag = |element: &str| Edit::Include { field: "tags".to_owned(), element: element.to_owned() };
            let p1 = entry_edit("phones", entry("p1"), &[("number", "0571 8888-1234"), ("label", "老板")]);
            world.at("08:10").on("wf1").edit(c1(), &[p1, tag("冷柜"), tag("夜间营业")]);
            world.settle();
            world.at("09:00").on("wf1").entry(c1(), "phones", entry("p1"), &[("label", "老板娘")]).edit(c1(), &[tag("冷柜")]);
            let untag = |element: &str| Edit::Exclude { field: "tags".to_owned(), element: element.to_owned() };
            world.at("09:05").on("lq1").remove(c1(), "phones", entry("p1")).edit(c1(), &[untag("冷柜"), untag("夜间营业")]);
        },
        |world| {
            world.settle();
            for (who, card) in world.cards(c1()) {
                let p1 = &card.lists["phones"][0];
                assert_eq!(p1.fields["label"].value.as_text(), Some("老板娘"), "{who}");
                assert_eq!(p1.fields["number"].value.as_text(), Some("0571 8888-1234"), "{who}");
                assert!(p1.kept, "{who}: it bears the mark that it was kept");
                let tags: Vec<&str> = card.sets["tags"].iter().map(|element| element.value.as_str()).collect();
                assert_eq!(tags, ["冷柜"], "{who}: added again while removed, it stays; what was only removed goes");
            }
        },
    );
}

#[test]
fn s05_one_number_written_twice_is_one_phone() {
    let (a, b) = (entry("a"), entry("b"));
    let (low, high) = (a.min(b), a.max(b));
    in_every_order(
        &["wf1", "lq1"],
        &["wf1", "lq1"],
        |world| {
            world.at("09:00").on("wf1").entry(c1(), "phones", a, &[("number", "0571 8888-1234")]);
            world.at("09:10").on("lq1").entry(c1(), "phones", b, &[("number", "057188881234")]);
        },
        |world| {
            world.settle();
            for (who, card) in world.cards(c1()) {
                let phones = &card.lists["phones"];
                assert_eq!((phones.len(), phones[0].id, phones[0].twins.as_slice()), (1, low, [high].as_slice()), "{who}");
                let authors: BTreeSet<_> = phones[0].fields["number"].rivals.iter().map(|said| said.author).collect();
                assert_eq!(authors, [Some(cast::user("wf")), Some(cast::user("lq"))].into(), "{who}: whose they are stays visible");
            }
            let dialler = world.phone("wf1").replica().store().read(|read| read.phones(c1())).unwrap();
            assert_eq!(dialler.len(), 1, "{dialler:?}");
            let found = world.phone("wf1").replica().store().read(|read| read.customers_with_phone("+86 0571-8888 1234")).unwrap();
            assert_eq!(found, [c1()]);
            let exported = world.office.read(|replica| exported_phones(&replica.card(c1()).unwrap().unwrap()));
            assert_eq!(exported.matches("8888").count(), 1, "{exported}");

            // Removing the one that is shown removes what it stands for.
            let card = world.card("lq1", c1());
            let shown = card.lists["phones"][0].clone();
            let ids = [shown.id].into_iter().chain(shown.twins);
            let removals: Vec<Edit> = ids.map(|entry| Edit::RemoveEntry { list: "phones".to_owned(), entry }).collect();
            world.at("12:00").on("lq1").edit_form(c1(), card.heads, &removals);
            world.settle();
            for (who, card) in world.cards(c1()) {
                assert!(!card.lists.contains_key("phones"), "{who}");
            }
        },
    );
}

/// The phone numbers of a card as an export writes them.
fn exported_phones(card: &Card) -> String {
    use roadbook_server::export::{Language, row};
    let row = row::of_card(card, &row::Names::default(), Language::Zh);
    format!("{row:?}")
}

#[test]
fn s06_four_insertions_into_one_text_stay_whole() {
    let body: String = ('一'..).filter(|c| c.is_alphabetic()).take(300).collect();
    let before = body.clone();
    let inserted = ["先送样品。", "月底对账。", "【王:换陈列位】", "【李:谈返利】"];
    in_every_order(
        &["wf1", "lq1"],
        &["wf1", "lq1"],
        move |world| {
            world.at("08:10").on("wf1").write(c1(), "countermeasures", 0, &body);
            world.settle();
            // The middle first, so that places at the time of writing are those of the text that both saw.
            world.at("09:00").on("wf1").write(c1(), "countermeasures", 150, inserted[2]).write(c1(), "countermeasures", 0, inserted[0]);
            world.at("09:01").on("lq1").write(c1(), "countermeasures", 300, inserted[1]).write(c1(), "countermeasures", 150, inserted[3]);
        },
        move |world| {
            world.settle();
            let texts: BTreeSet<String> = world.cards(c1()).into_iter().map(|(_, card)| card.texts["countermeasures"].clone()).collect();
            assert_eq!(texts.len(), 1, "the same text everywhere");
            let text = texts.first().unwrap();
            for sentence in inserted {
                assert_eq!(text.matches(sentence).count(), 1, "{sentence} is there once and whole: {text}");
            }
            assert!(text.starts_with(inserted[0]) && text.ends_with(inserted[1]));
            let kept = inserted.iter().fold(text.clone(), |text, sentence| text.replace(sentence, ""));
            assert_eq!(kept, before);
        },
    );
}

#[test]
fn s08_what_one_may_not_write_becomes_a_proposal() {
    let judgement = Judgement {
        field: "turnover".to_owned(),
        value: yuan(3_000_000),
        op: None,
        observed: None,
        decision: "accept".to_owned(),
        method: Some("document".to_owned()),
        reason: None,
    };
    in_every_order(
        &["wf1", "lq1", "sl1", "cg1"],
        &["lq1", "sl1"],
        |world| {
            // 孙丽 lost her office yesterday; her phone has not heard of it.
            world.on_day(-1, "17:00");
            let now = world.now;
            world.office.accounts.set_role(now, &Who::default(), cast::user("sl"), Role::Salesperson).unwrap();
            world.at("09:00").on("lq1").propose(c1(), "grade", "A");
            // What an app without manners does: it writes the office side itself.
            world.at("09:05").on("lq1").save(&Target::office(c1()), &[fact("visit_interval_days", 1)]);
            world.at("09:10").on("sl1").set(c1(), "turnover", yuan(3_000_000)).verify(c1(), &judgement);
            world.at("10:00");
        },
        |world| {
            world.settle();
            let card = world.office_card(c1());
            assert_eq!(card.text("grade"), Some("B"), "unchanged");
            assert!(card.value("visit_interval_days").is_null());
            assert!(card.facts["turnover"].verified.is_none());
            let open = |name: &str| {
                let lines =
                    world.phone(name).replica().store().read(|read| read.proposals(ProposalState::Open, Some(c1()), 0, 10)).unwrap();
                lines.into_iter().map(|line| (line.proposal.field, line.proposal.author)).collect::<BTreeSet<_>>()
            };
            let (lq, sl) = (Some(cast::user("lq")), Some(cast::user("sl")));
            assert_eq!(open("cg1"), [("grade".to_owned(), lq), ("turnover".to_owned(), sl)].into(), "both are up for decision");
            assert_eq!(open("lq1"), [("grade".to_owned(), lq)].into(), "已提交,待确认");
            assert_eq!(open("sl1"), [("turnover".to_owned(), sl)].into(), "已提交,待确认");
            let aside = world.phone("lq1").replica().set_aside_changes(10).unwrap();
            assert_eq!(aside.len(), 1, "what was written past the rules is set aside with its reason: {aside:?}");
            assert!(world.card("lq1", c1()).value("visit_interval_days").is_null(), "and not shown as if it held");

            // 陈刚 accepts both.
            for doc in about(world.phone("cg1").replica(), c1(), "proposal") {
                let proposal = world.phone("cg1").replica().proposal(doc).unwrap().unwrap();
                world.at("11:00").on("cg1").save_work(decide(&proposal, "accept", None));
            }
            world.settle();
            for (who, card) in world.cards(c1()) {
                assert_eq!(card.text("grade"), Some("A"), "{who}");
                let verified = card.facts["turnover"].verified.as_ref().unwrap();
                assert_eq!((&verified.value, verified.by), (&yuan(3_000_000), Some(cast::user("cg"))), "{who}");
            }
            assert!(about(world.phone("cg1").replica(), c1(), "proposal").iter().all(|doc| {
                let proposal = world.phone("cg1").replica().proposal(*doc).unwrap().unwrap();
                proposal.decision() == Some("accept") && [what::OFFICE_FIELD, what::VERIFICATION].contains(&proposal.what.as_str())
            }));
        },
    );
}

#[test]
fn s09_an_older_app_carries_what_it_does_not_know() {
    in_every_order(
        &["wf1", "lq1"],
        &["wf1", "lq1"],
        |world| {
            // 赵敏's newer software writes a field that this app knows nothing of, in a coding that it cannot read either.
            world.on_day(-1, "16:00");
            let newer = Edit::Put { container: "facts".to_owned(), key: "dock_height".to_owned(), value: Value::Int(120) };
            let known = fact("service_minutes", 15);
            world.desk("zm", vec![(Target::customer(c1()), vec![known, newer])]);
            // 王芳's phone has not synced since; her form knows nothing of it.
            world.at("09:00").on("wf1").entry(c1(), "phones", entry("p"), &[("number", "139-0000-1111")]);
        },
        |world| {
            world.settle();
            // And once more after she has it.
            world.at("12:00").on("wf1").set(c1(), "line_of_business", "食品");
            world.settle();
            for (who, card) in world.cards(c1()) {
                assert_eq!(card.value("service_minutes").as_int(), Some(15), "{who}");
                assert_eq!(card.value("dock_height").as_int(), Some(120), "{who}");
                assert_eq!(card.lists["phones"].len(), 1, "{who}");
                assert_eq!(card.reviews, [], "{who}");
            }
        },
    );
}

/// The customer card of a release to come: one container more.
static NEWER: Genesis = Genesis { kind: "customer", versions: &[CUSTOMER.genesis.versions[0], &[("campaigns", Shape::Registers)]] };

#[test]
fn s09_a_part_of_the_card_that_this_app_does_not_have_passes_through() {
    let written = |n: u8, time| ChangeStamp { actor: ActorId::short([n; 32]), author: Some(cast::user("zm")), time, note: None };
    let campaign = vec![9, 1, 2, 3];
    for whole in [true, false] {
        let mut world = World::monday(&["wf1"]);
        let now = world.at("09:00").now;
        // What the newer headquarters holds: the card as the phone knows it, the newer genesis, and something in the new part.
        let mut newer = world.phone("wf1").replica().document(c1().customer()).unwrap().unwrap().document;
        let known = newer.heads();
        newer.apply(&NEWER.changes().unwrap()).unwrap();
        newer.write::<DocumentError>(None, &written(1, now), |writer| writer.put("campaigns", "spring", campaign.clone())).unwrap();
        let (doc, kind, subject) = (c1().customer(), "customer".to_owned(), c1());
        let item = if whole {
            Item::Document { doc, kind, subject, snapshot: newer.save().into() }
        } else {
            let changes = newer.changes_since(&known).into_iter().map(|change| change.bytes.into()).collect();
            Item::Changes { doc, kind, subject, changes }
        };
        let position = world.phone("wf1").replica().store().read(|read| read.pull_position()).unwrap();
        let cursor = Cursor { epoch: position.epoch, number: position.number };
        let answer = Answer { items: vec![item], ..Answer::empty(now, cursor) };
        let synced = world.phones.get_mut("wf1").unwrap().take_answer(&answer.encode().unwrap(), now).unwrap();
        assert_eq!((synced.documents, synced.refused, synced.restarted), (1, 0, false), "whole {whole}");

        world.at("09:10").on("wf1").entry(c1(), "phones", entry("p"), &[("number", "139-0000-1111")]);
        let holds = |document: &Document| {
            let registers = document.registers("campaigns");
            registers.len() == 1 && registers[0].rivals.len() == 1 && registers[0].rivals[0].bytes == campaign
        };
        let held = world.phone("wf1").replica().document(c1().customer()).unwrap().unwrap().document;
        assert!(holds(&held), "whole {whole}: the old app holds it");
        // What it hands in, the newer side takes, and loses nothing of its own.
        let request = world.phone("wf1").replica().request(now, None).unwrap();
        let pushed: Vec<Vec<u8>> = request.pushed.iter().flat_map(|pushed| &pushed.changes).map(|change| change.to_vec()).collect();
        assert_eq!(pushed.len(), 1);
        newer.apply_bytes(&pushed).unwrap();
        assert!(holds(&newer), "whole {whole}: and so does the newer side");
        let card = Card::fold(c1(), &newer, None);
        assert_eq!(card.lists["phones"].len(), 1);
    }
}

#[test]
fn s11_two_devices_of_one_person_never_dispute() {
    in_every_order(
        &["wf1", "wf2", "lq1"],
        &["wf1", "wf2"],
        |world| {
            world.at("14:00").on("wf1").set(c1(), "line_of_business", "食品").set(c1(), "headcount", 6);
            world.at("14:05").on("wf2").set(c1(), "legal_name", "惠民超市有限公司").set(c1(), "founded_on", "2011");
            world.at("14:10").on("wf2").set(c1(), "trade_name", "惠民超市(东门店)");
            world.at("14:20").on("wf1").set(c1(), "trade_name", "惠民生活超市");
        },
        |world| {
            world.settle();
            for (who, card) in world.cards(c1()) {
                assert_eq!(card.text("line_of_business"), Some("食品"), "{who}");
                assert_eq!(card.value("headcount").as_int(), Some(6), "{who}");
                assert_eq!(card.text("legal_name"), Some("惠民超市有限公司"), "{who}");
                assert_eq!(card.text("founded_on"), Some("2011"), "{who}");
                assert_eq!(card.text("trade_name"), Some("惠民生活超市"), "{who}: the later of the two");
                assert_eq!(card.reviews, [], "{who}: the same person, no item");
                assert_eq!(card.facts["trade_name"].rivals.len(), 2, "{who}: both are kept");
            }
        },
    );
}
