//! Search end to end: rows in, queries out.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use proptest::prelude::*;

use super::index::CANDIDATES_MAX;
use super::*;
use crate::ids::SubjectId;
use crate::store::rows::tests::row;
use crate::store::rows::{CustomerFilter, CustomerRow, PhoneRow};
use crate::store::{Store, StoreError};

fn store(rows: &[CustomerRow]) -> Store {
    let mut store = Store::in_memory().unwrap();
    store.write::<_, StoreError>(|w| rows.iter().try_for_each(|row| w.put_customer_row(row))).unwrap();
    store
}

fn names(store: &Store, query: &str) -> Vec<String> {
    let hits = store.read(|r| r.search(query, &CustomerFilter::default(), 50)).unwrap();
    hits.found.into_iter().map(|found| found.customer.name).collect()
}

fn phone(number: &str) -> PhoneRow {
    PhoneRow { shown: number.into(), ..PhoneRow::default() }
}

#[test]
fn c1_is_found_by_everything_people_type() {
    let rows = [
        CustomerRow {
            addresses: vec!["城东区人民路12号".into()],
            phones: vec![phone("+86 139-0000-1234")],
            people: vec!["王芳".into()],
            aliases: vec!["惠民便利".into()],
            ..row(1, "惠民超市")
        },
        CustomerRow { addresses: vec!["解放路惠民小区".into()], ..row(2, "鑫鑫便利店") },
        CustomerRow { phones: vec![phone("0571 8888-1234")], ..row(3, "利惠民生超市") },
        CustomerRow { addresses: vec!["人民路1号".into()], ..row(4, "重庆小面长沙店") },
    ];
    let store = store(&rows);
    for query in [
        "惠民",
        "惠民超市",
        "huimin",
        "huim",
        "hm",
        "hmcs",
        "惠民 人民路",
        "人民路 惠民",
        "1234",
        "0000123",
        "139-0000-1234",
        "王芳",
        "wangfang",
        "ＨＭ",
        "惠民便利",
        "人民路12",
    ] {
        assert!(names(&store, query).contains(&"惠民超市".to_owned()), "{query}");
    }
    assert_eq!(names(&store, "惠民"), ["惠民超市", "利惠民生超市", "鑫鑫便利店"], "beginning, then inside, then address");
    assert_eq!(names(&store, "惠民 人民路"), ["惠民超市"]);
    for query in ["chongqing", "cq", "changsha", "csd", "zhangsha", "重庆"] {
        assert_eq!(names(&store, query), ["重庆小面长沙店"], "{query}");
    }
    assert_eq!(names(&store, "057188881234"), ["利惠民生超市"]);
    for query in ["惠超", "不存在", "uimin", "9999", "", "  ", "!?", "\"", "惠民 不存在"] {
        assert!(names(&store, query).is_empty(), "{query}");
    }
}

#[test]
fn what_the_index_only_proposes_is_not_found() {
    let store = store(&[row(1, "惠民店民生"), row(2, "惠民超市"), CustomerRow { phones: vec![phone("1231231")], ..row(3, "店") }]);
    assert!(names(&store, "惠民生").is_empty(), "both pairs are there, the three signs are not");
    assert!(names(&store, "huiminchaoshix").is_empty(), "only the first letters are in the index");
    assert!(names(&store, "hmcsx").is_empty());
    assert!(names(&store, "3123123").is_empty(), "every three digits are there, not in this order");
}

#[test]
fn words_follow_the_row() {
    let mut store = store(&[row(1, "惠民超市")]);
    store.write(|w| w.put_customer_row(&row(1, "大众百货"))).unwrap();
    assert!(names(&store, "惠民").is_empty());
    assert_eq!(names(&store, "dz"), ["大众百货"]);
    store.write(|w| w.drop_customer_row(row(1, "").subject)).unwrap();
    assert!(names(&store, "dz").is_empty());
    store.write(|w| w.put_customer_row(&row(1, "大众百货"))).unwrap();
    assert_eq!(names(&store, "dz"), ["大众百货"]);
    store.rebuild(|w, _| w.put_customer_row(&row(2, "x"))).unwrap();
    assert!(names(&store, "dz").is_empty());
}

#[test]
fn a_filter_narrows_and_an_unspecific_query_still_puts_names_first() {
    let mut rows: Vec<CustomerRow> = (0..CANDIDATES_MAX + 200)
        .map(|n| CustomerRow { addresses: vec!["中山路".into()], ..row(u32::try_from(n).unwrap(), "某某店") })
        .collect();
    rows.push(CustomerRow { grade: "A".into(), ..row(60_001, "大中山店") });
    rows.push(row(60_002, "中山百货"));
    let store = store(&rows);
    let hits = store.read(|r| r.search("中山", &CustomerFilter::default(), 3)).unwrap();
    assert!(hits.more);
    assert_eq!(hits.found[0].customer.name, "中山百货");
    assert_eq!(hits.found[1].customer.name, "大中山店");
    let only_a = CustomerFilter { grades: vec!["A".into()], ..CustomerFilter::default() };
    let hits = store.read(|r| r.search("中山", &only_a, 50)).unwrap();
    assert_eq!(hits.found.len(), 1);
    assert!(!hits.more);
}

fn chinese(signs: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::char::range('\u{4e00}', '\u{9fa5}'), signs).prop_map(String::from_iter)
}

fn subjects(store: &Store, query: &str) -> Vec<SubjectId> {
    let hits = store.read(|r| r.search(query, &CustomerFilter::default(), 50)).unwrap();
    hits.found.into_iter().map(|found| found.customer.subject).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_substring_of_a_name_is_found(name in chinese(1..24), from in 0usize..24, length in 1usize..24) {
        let found = row(1, &name);
        let store = store(&[found.clone(), row(2, "他店")]);
        let query: String = name.chars().cycle().skip(from % name.chars().count()).take(length).collect();
        let query = if name.contains(&query) { query } else { name.chars().skip(from % name.chars().count()).take(length).collect() };
        prop_assert!(subjects(&store, &query).contains(&found.subject), "{}", query);
    }

    #[test]
    fn any_reading_of_a_name_is_found_from_any_sign_on(name in chinese(1..12), from in 0usize..12, choice in any::<usize>(), cut in 1usize..40) {
        let found = row(1, &name);
        let store = store(std::slice::from_ref(&found));
        let signs: Vec<char> = name.chars().skip(from % name.chars().count()).collect();
        // From there on up to the first sign without a reading; each sign by one of its readings.
        let typed: Vec<String> = signs.iter().map(|c| pinyin::readings(*c)).take_while(|all| !all.is_empty())
            .enumerate().map(|(at, all)| all[choice.rotate_right(u32::try_from(at).unwrap()) % all.len()].clone()).collect();
        // Combinations beyond the limit are not all in the index: signs with many readings in a row are left out here.
        let combinations: usize = signs.iter().take(8).map(|c| pinyin::readings(*c).len().max(1)).product();
        prop_assume!(!typed.is_empty() && combinations <= tokens::COMBINATIONS_MAX / 2);
        let query: String = typed.concat().chars().take(cut).collect();
        prop_assert!(subjects(&store, &query).contains(&found.subject), "{}", query);
        let initials: String = typed.iter().filter_map(|reading| reading.chars().next()).take(cut).collect();
        prop_assert!(subjects(&store, &initials).contains(&found.subject), "{}", initials);
    }

    #[test]
    fn any_three_digits_of_a_phone_are_found(digits in "1[0-9]{10}", from in 0usize..9, length in 3usize..12) {
        let found = CustomerRow { phones: vec![phone(&digits)], ..row(1, "店") };
        let store = store(&[found.clone(), CustomerRow { phones: vec![phone("057188881234")], ..row(2, "他店") }]);
        let query: String = digits.chars().skip(from).take(length).collect();
        prop_assert!(subjects(&store, &query).contains(&found.subject), "{}", query);
    }

    #[test]
    fn nothing_typed_breaks_the_query(query in "\\PC{0,80}", name in "\\PC{0,40}") {
        let store = store(&[row(1, &name)]);
        let _found = subjects(&store, &query);
        // Whatever is found by the whole name was found by itself.
        if subjects(&store, &name).is_empty() {
            prop_assert!(text::words(&name, QUERY_WORDS_MAX, QUERY_WORD_CHARS_MAX).iter().all(|word| text::units(word).is_empty())
                || name.split_whitespace().count() > 1 || text::units(&name).iter().any(|unit| matches!(unit, text::Unit::Word(_))));
        }
    }
}
