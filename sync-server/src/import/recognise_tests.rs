//! Whom a row is about. Belongs here: tests of recognising customers, row by row against cards that are there.

use roadbook_core::ids::SubjectId;
use roadbook_core::model::edit::{Edit, Provenance};

use super::apply::{apply, dry_run};
use super::fault::Fault;
use super::plan::{Decision, Duplicates, PlanOptions, Why};
use super::plan_tests::{LIST, REP, Shelf, csv, drafts, import, kinds, options, origin, values};

#[test]
fn one_shop_is_recognised_by_every_key() {
    let mut shelf = Shelf::default();
    import(&mut shelf, LIST);
    for (row, expected) in [
        ("惠民大超市,91350100M000100Y43,,,", "U"),   // credit code
        ("惠民大卖场,,K001,,", "U"),                 // customer number, like name
        ("新名字,,K001,13900000001,", "U"),          // customer number and phone
        ("新名字,,K001,,人民路12号", "U"),           // customer number and address
        ("新名字,,K001,,", "?"),                     // customer number alone
        ("惠民超市,,,+86 139-0000-0001,", "="),      // name and phone
        ("鑫鑫便利店,,,,平江路５号", "="),           // name and address
        ("无名氏面馆,,,,", "="),                     // derived id
        ("鑫鑫便民店,,,,平江路7号", "?"),            // like name, same street
        ("别的店,,,13900000002,", "?"),              // same phone, other name
        ("惠民超市,91440300708461136T,K001,,", "?"), // customer number and name, other credit code
        ("完全不同,,,13911112222,东门路1号", "C"),
    ] {
        let text = format!("客户名称,统一社会信用代码,客户编号,电话,地址\n{row}\n");
        let planned = dry_run(drafts(&csv(&text), &values()), &mut shelf, &options()).unwrap();
        assert_eq!(kinds(&planned), expected, "{row}: {:?}", planned[0].decision);
    }
    // The code is one customer's, number and name are another's: nobody is meant. The number alone is nothing against the code.
    for (row, expected, fault) in [
        ("鑫鑫便利店,91350100M000100Y43,K002", "!", Fault::KeysDisagree),
        ("惠民超市,91350100M000100Y43,K002", "=", Fault::NumberOfAnother),
    ] {
        let text = format!("客户名称,统一社会信用代码,客户编号\n{row}\n");
        let planned = dry_run(drafts(&csv(&text), &values()), &mut shelf, &options()).unwrap();
        assert_eq!((kinds(&planned).as_str(), &planned[0].notes[0].fault), (expected, &fault), "{row}");
    }
    // Held back: the id says who is meant.
    let subject = shelf.named("鑫鑫便利店").subject;
    let named = format!("客户名称,电话,客户标识\n别的店,13900000002,{subject}\n");
    let planned = dry_run(drafts(&csv(&named), &values()), &mut shelf, &options()).unwrap();
    assert_eq!((kinds(&planned).as_str(), planned[0].subject), ("U", subject));
}

#[test]
fn a_number_alone_makes_no_two_shops_one() {
    let mut shelf = Shelf::default();
    let first = "编号,名称,电话\n1,甲记粮油,13900000011\n2,乙家小卖部,\n";
    assert_eq!(kinds(&import(&mut shelf, first)), "CC");
    // Another list that counts its rows from 1, one of them a shop of the first list.
    let second = "编号,名称,电话\n1,丙福烟酒,13900000013\n2,丁丁文具,\n3,甲记粮油,13900000011\n";
    let planned = import(&mut shelf, second);
    assert_eq!(kinds(&planned), "??U");
    for row in &planned[..2] {
        let Decision::PossibleDuplicate { why, .. } = &row.decision else { panic!("{row:?}") };
        assert_eq!(why.iter().collect::<Vec<_>>(), [&Why::SameNumber]);
    }
    assert_eq!(shelf.named("甲记粮油").text("customer_no"), Some("3"), "nobody else has that number");
    // A shop of the first list under the number of its neighbour: it is updated, its number is not.
    let third = "编号,名称,电话,人数\n2,甲记粮油,13900000011,5\n";
    let planned = import(&mut shelf, third);
    assert_eq!((kinds(&planned).as_str(), planned[0].notes[0].fault.clone()), ("U", Fault::NumberOfAnother));
    assert_eq!(shelf.named("甲记粮油").text("customer_no"), Some("3"));
    assert_eq!(kinds(&import(&mut shelf, third)), "=");
    // Created all the same: once.
    let create = PlanOptions { duplicates: Duplicates::Create, ..options() };
    for expected in [2, 0] {
        let planned = dry_run(drafts(&csv(second), &values()), &mut shelf, &create).unwrap();
        assert_eq!(planned.iter().filter(|row| row.creates()).count(), expected, "{planned:?}");
        apply(&planned, &origin(), &mut shelf).unwrap();
    }
    assert_eq!(shelf.cards.len(), 4);
}

#[test]
fn the_same_name_is_noticed_unless_it_is_another_branch() {
    let mut shelf = Shelf::default();
    import(&mut shelf, "名称,电话,地址\n全佳便利店,13900000021,人民路12号\n独家面馆,,\n");
    for (row, expected) in [
        ("全佳便利店,,", "?"),                          // nothing but the name
        ("全佳便利店,13900000022,", "?"),               // another phone, no address
        ("全佳便利店,,平江路5号", "?"),                 // another address, no phone
        ("全佳便利店,13900000022,平江路5号", "C"),      // another branch
        ("全佳便利店,13900000022,城东人民路12号", "?"), // the same address, written longer
        ("独家面馆,13900000023,平江路7号", "?"),
    ] {
        let text = format!("名称,电话,地址\n{row}\n");
        let planned = dry_run(drafts(&csv(&text), &values()), &mut shelf, &options()).unwrap();
        assert_eq!(kinds(&planned), expected, "{row}: {:?}", planned[0].decision);
        if let Decision::PossibleDuplicate { why, .. } = &planned[0].decision {
            assert!(why.contains(&Why::SameName), "{row}: {why:?}");
        }
    }
}

#[test]
fn ids_of_other_programs_are_customer_numbers() {
    let mut shelf = Shelf::default();
    assert_eq!(kinds(&import(&mut shelf, "name,customer id,phone\nAcme,77,13900000031\n")), "C");
    assert_eq!(shelf.named("Acme").text("customer_no"), Some("77"));
    let both = "name,customer id,customer number,phone\nAcme,78,77,13900000031\n";
    let planned = dry_run(drafts(&csv(both), &values()), &mut shelf, &options()).unwrap();
    assert_eq!((kinds(&planned).as_str(), &planned[0].notes[0].fault), ("=", &Fault::NotACustomerId));
}

#[test]
fn a_shop_that_people_renamed_is_found_by_number_and_former_name() {
    let list = "编号,名称\n1,乙家小卖部\n";
    let mut shelf = Shelf::default();
    // As a release made it that derived the id from the number alone.
    let mut planned = dry_run(drafts(&csv(list), &values()), &mut shelf, &options()).unwrap();
    planned[0].subject = SubjectId::derived("import/older/number/1");
    apply(&planned, &origin(), &mut shelf).unwrap();
    let rename = Edit::Assert { field: "trade_name".to_owned(), value: "新世纪百货".into(), provenance: Provenance::default() };
    shelf.edit(REP, planned[0].subject, &[rename], &[]);
    assert_eq!(kinds(&import(&mut shelf, list)), "=");
    assert_eq!(shelf.cards.len(), 1);
}
