//! Rows: what is written comes back, filtered, in order, page by page; what follows from several rows does not depend on their order.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use chrono::{Days, NaiveDate};
use proptest::prelude::*;

use super::*;
use crate::ids::{DocId, SubjectId, TerritoryId};
use crate::store::{Described, Store, StoreError};

pub(in crate::store) fn subject(n: u32) -> SubjectId {
    SubjectId::derived(&format!("customer {n}"))
}
fn day(n: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 2).unwrap() + Days::new(n)
}
fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// A customer that is due every 7 days from 2026-03-02 on.
pub(in crate::store) fn row(n: u32, name: &str) -> CustomerRow {
    CustomerRow {
        subject: subject(n),
        name: name.into(),
        aliases: Vec::new(),
        addresses: Vec::new(),
        people: Vec::new(),
        phones: Vec::new(),
        territory: Some(TerritoryId("east".into())),
        owner: None,
        substitute: None,
        grade: "B".into(),
        business_type: "retailer".into(),
        location_type: "residential".into(),
        retail_format: String::new(),
        channel_level: String::new(),
        lifecycle: "active".into(),
        stage: String::new(),
        place: None,
        opened: day(0),
        interval_days: 7,
        stale_from: None,
        complete_percent: 40,
        updated: Ms(1_000 + i64::from(n)),
        reviews: Vec::new(),
    }
}

fn visit(n: u8, of: u32, on: u64) -> VisitRow {
    VisitRow {
        doc: DocId::from_bytes([n; 16]),
        subject: subject(of),
        rep: Some(user(1)),
        tour: None,
        kind: "routine".into(),
        outcome: "order".into(),
        day: day(on),
        started: Ms(i64::try_from(on).unwrap() * Ms::DAY + i64::from(n)),
        ended: Some(Ms(i64::try_from(on).unwrap() * Ms::DAY + 600_000 + i64::from(n))),
        place_label: "inside".into(),
        counts: true,
        possible_double: false,
        clock_wrong: false,
        amendments: 0,
        photos: 0,
        summary: String::new(),
    }
}

fn all() -> CustomerFilter {
    CustomerFilter::default()
}

#[test]
fn a_customer_comes_back_as_written() {
    let mut store = Store::in_memory().unwrap();
    let phone = PhoneRow { shown: "+86 139 0000 1234".into(), label: "老板".into(), person: "王芳".into() };
    let review = |field: &str, matter: &str| ReviewRow { matter: matter.into(), field: field.into(), weight: 2, rivals: 2, since: Ms(9) };
    let written = CustomerRow {
        addresses: vec!["人民路12号\n二楼".into(), "仓库".into()],
        phones: vec![phone.clone(), PhoneRow { shown: "0571-1".into(), ..PhoneRow::default() }],
        owner: Some(user(3)),
        place: Some(Place { lat_e7: -5, lon_e7: 1_200_000_000 }),
        stale_from: Some(Ms(77)),
        reviews: vec![review("addresses", MATTER_RIVALS), review("turnover", MATTER_VERIFY), review("turnover", "double")],
        ..row(1, "惠民超市")
    };
    store.write(|w| w.put_customer_row(&written)).unwrap();
    store.write(|w| w.put_customer_row(&written)).unwrap();
    let line = store.read(|r| r.customer(subject(1))).unwrap().unwrap();
    assert_eq!((line.name.as_str(), line.address.as_str(), line.phone.as_str()), ("惠民超市", "人民路12号 二楼", "+86 139 0000 1234"));
    assert_eq!((line.owner, line.substitute, line.lat_e7, line.stale_from), (Some(user(3)), None, Some(-5), Some(Ms(77))));
    assert_eq!((line.reviews, line.waiting, line.last_visit, line.due), (2, 1, None, Some(day(0))));
    assert_eq!(store.read(|r| r.phones(subject(1))).unwrap()[0], phone);
    assert_eq!(store.read(|r| r.customers_with_phone("139-0000-1234")).unwrap(), [subject(1)]);
    let reviews = store.read(|r| r.reviews(&ReviewFilter::default(), 0, 9)).unwrap();
    assert_eq!(reviews.len(), 3);
    let verify =
        ReviewFilter { matters: vec![MATTER_VERIFY.into()], territories: vec![TerritoryId("east".into())], subject: Some(subject(1)) };
    assert_eq!(store.read(|r| r.reviews(&verify, 0, 9)).unwrap()[0].field, "turnover");
    store.write(|w| w.drop_customer_row(subject(1))).unwrap();
    assert!(store.read(|r| r.customer(subject(1))).unwrap().is_none());
    assert!(store.read(|r| r.reviews(&ReviewFilter::default(), 0, 9)).unwrap().is_empty());
    assert!(store.is_sound().unwrap());
}

#[test]
fn overdue_is_days_over_interval_times_weight() {
    let mut store = Store::in_memory().unwrap();
    let rows = [
        CustomerRow { grade: "A".into(), interval_days: 7, ..row(1, "甲") },
        CustomerRow { grade: "C".into(), interval_days: 30, ..row(2, "乙") },
        CustomerRow { grade: "B".into(), interval_days: 14, ..row(3, "丙") },
        CustomerRow { interval_days: 0, ..row(4, "丁") },
        CustomerRow { interval_days: 7, ..row(5, "戊") },
    ];
    store
        .write::<_, StoreError>(|w| {
            rows.iter().try_for_each(|row| w.put_customer_row(row))?;
            w.put_visit_row(&visit(1, 1, 0))?; // due day 7
            w.put_visit_row(&VisitRow { counts: false, ..visit(2, 3, 9) })?; // does not count: due day 0
            w.put_visit_row(&visit(3, 5, 9)) // due day 16
        })
        .unwrap();
    let overdue = store.read(|r| r.overdue(day(10), &all(), None, 9)).unwrap();
    let found: Vec<_> = overdue.lines.iter().map(|line| (line.customer.name.as_str(), line.days_overdue, line.urgency)).collect();
    assert_eq!(found, [("甲", 3, 1714), ("丙", 10, 1428), ("乙", 10, 333)]);
    let tally = store.read(|r| r.overdue_tally(day(10), &all())).unwrap();
    assert_eq!(tally[1], OverdueTally { grade: "B".into(), customers: 2, overdue: 1, never_visited: 0 });
    let due = CustomerFilter { due_on: Some(day(16)), ..all() };
    assert_eq!(store.read(|r| r.customer_count(&due)).unwrap(), 4);
    // The visit goes: the customer is due as if it had never been.
    store.write(|w| w.drop_visit_row(DocId::from_bytes([1; 16]))).unwrap();
    assert_eq!(store.read(|r| r.customer(subject(1))).unwrap().unwrap().due, Some(day(0)));
}

#[test]
fn any_stretch_of_any_order_is_that_stretch_of_the_whole() {
    let mut store = Store::in_memory().unwrap();
    let grades = ["A", "B", "C", "unrated"];
    let rows: Vec<CustomerRow> = (0..23)
        .map(|n| CustomerRow {
            grade: grades[n as usize % 4].into(),
            territory: Some(TerritoryId(format!("t{}", n % 3))),
            ..row(n, &format!("店{}", n * 7 % 23))
        })
        .collect();
    store.write::<_, StoreError>(|w| rows.iter().try_for_each(|row| w.put_customer_row(row))).unwrap();
    let orders = [CustomerOrder::Name, CustomerOrder::Due, CustomerOrder::Grade, CustomerOrder::Territory, CustomerOrder::ToDecide];
    for order in orders {
        let whole = store.read(|r| r.customers(&all(), order, None, 100)).unwrap().lines;
        for (skip, max) in [(0, 5), (9, 5), (20, 5), (23, 5), (100, 5), (0, 0)] {
            let there = store.read(|r| r.customers_at(&all(), order, false, skip, max)).unwrap();
            let expected: Vec<_> = whole.iter().skip(skip).take(max).cloned().collect();
            assert_eq!(there, expected, "{order:?} from {skip}");
            let back = store.read(|r| r.customers_at(&all(), order, true, skip, max)).unwrap();
            let expected: Vec<_> = whole.iter().rev().skip(skip).take(max).cloned().collect();
            assert_eq!(back, expected, "{order:?} backwards from {skip}");
        }
    }
}

#[test]
fn visits_are_listed_and_summed() {
    let mut store = Store::in_memory().unwrap();
    store
        .write::<_, StoreError>(|w| {
            w.put_customer_row(&row(1, "甲"))?;
            w.put_visit_row(&visit(1, 1, 0))?;
            w.put_visit_row(&visit(2, 1, 0))?;
            w.put_visit_row(&VisitRow { possible_double: true, ..visit(3, 1, 0) })?;
            w.put_visit_row(&VisitRow { rep: Some(user(2)), outcome: "closed".into(), ended: None, ..visit(4, 2, 1) })
        })
        .unwrap();
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = store.read(|r| r.visits(&VisitFilter::default(), after.as_ref(), 3)).unwrap();
        pages.extend(page.lines.into_iter().map(|line| (line.visit.doc, line.customer)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let doc = |n: u8| DocId::from_bytes([n; 16]);
    assert_eq!(pages, [(doc(4), String::new()), (doc(3), "甲".into()), (doc(2), "甲".into()), (doc(1), "甲".into())]);
    let tally = store.read(|r| r.visit_tally(&VisitFilter::default())).unwrap();
    assert_eq!((tally[0].visits, tally[0].customers, tally[0].orders, tally[0].minutes), (2, 1, 2, 20));
    assert_eq!((tally[1].rep, tally[1].visits, tally[1].orders, tally[1].minutes), (Some(user(2)), 1, 0, 0));
    let east =
        VisitFilter { territories: vec![TerritoryId("east".into())], from: Some(day(0)), to: Some(day(0)), ..VisitFilter::default() };
    assert_eq!(store.read(|r| r.visit_tally(&east)).unwrap().len(), 1);
    let sums = store.read(|r| r.visit_sums(&VisitFilter::default())).unwrap();
    let counted: (u64, u64) = (tally.iter().map(|one| one.visits).sum(), tally.iter().map(|one| one.orders).sum());
    assert_eq!((sums.listed, sums.customers, (sums.visits, sums.orders)), (4, 2, counted));
    assert!(store.read(|r| r.visit_sums(&east)).unwrap().listed < sums.listed);
    let nobody = VisitFilter { rep: Some(user(99)), ..VisitFilter::default() };
    assert_eq!(store.read(|r| r.visit_sums(&nobody)).unwrap(), VisitSums::default());
    let written = VisitRow { tour: Some(doc(9)), summary: "货架".into(), ..visit(1, 2, 5) };
    store.write(|w| w.put_visit_row(&written)).unwrap();
    assert_eq!(store.read(|r| r.visit(doc(1))).unwrap().unwrap().visit, written);
}

#[test]
fn tours_stops_and_proposals_come_back() {
    let mut store = Store::in_memory().unwrap();
    let doc = DocId::from_bytes([5; 16]);
    let tour = TourRow {
        doc,
        route: "r1".into(),
        day: day(1),
        rep: Some(user(1)),
        title: "城东 周一".into(),
        state: "published".into(),
        revision: 2,
        seen_revision: 1,
        planned_minutes: 300,
        planned_m: 21_000,
    };
    let stop = |n: u32, done: bool| StopRow {
        stop: n.to_string(),
        subject: subject(n),
        kind: "plan".into(),
        state: "open".into(),
        done,
        planned: Some(Ms(5)),
        actual: None,
        note: String::new(),
    };
    let proposal = ProposalRow {
        doc: DocId::from_bytes([6; 16]),
        subject: subject(1),
        author: Some(user(2)),
        field: "grade".into(),
        state: ProposalState::Open,
        proposed: Ms(4),
        decided: None,
        summary: "A".into(),
    };
    store
        .write::<_, StoreError>(|w| {
            w.put_customer_row(&CustomerRow { place: Some(Place { lat_e7: 1, lon_e7: 2 }), ..row(1, "甲") })?;
            w.put_tour_row(&tour, &[stop(3, true)])?;
            w.put_tour_row(&tour, &[stop(1, true), stop(2, false)])?;
            w.put_proposal_row(&proposal)
        })
        .unwrap();
    let lines = store.read(|r| r.tours(day(0), day(1), Some(user(1)))).unwrap();
    assert_eq!(lines, [TourLine { tour: tour.clone(), stops: 2, done: 1 }]);
    assert!(store.read(|r| r.tours(day(2), day(9), None)).unwrap().is_empty());
    let stops = store.read(|r| r.stops(doc)).unwrap();
    assert_eq!((stops[0].customer.as_str(), stops[0].lat_e7, stops[1].customer.as_str(), stops[1].lat_e7), ("甲", Some(1), "", None));
    assert_eq!(store.read(|r| r.stops_of(subject(2), day(1))).unwrap()[0].stop, stop(2, false));
    assert_eq!(store.read(|r| r.proposals(ProposalState::Open, None, 0, 9)).unwrap()[0].proposal, proposal);
    let accepted = ProposalRow { state: ProposalState::Accepted, decided: Some(Ms(8)), ..proposal };
    store.write(|w| w.put_proposal_row(&accepted)).unwrap();
    assert!(store.read(|r| r.proposals(ProposalState::Open, None, 0, 9)).unwrap().is_empty());
    assert_eq!(store.read(|r| r.proposals(ProposalState::Accepted, Some(subject(1)), 0, 9)).unwrap()[0].proposal, accepted);
    store.write(|w| w.drop_tour_row(doc)).unwrap();
    assert!(store.read(|r| r.stops(doc)).unwrap().is_empty());
}

#[test]
fn rebuilt_rows_are_the_same_rows() {
    let mut store = Store::in_memory().unwrap();
    let fold = |w: &mut crate::store::Writing<'_>, which: SubjectId| -> Result<(), StoreError> {
        let n = (0..30).find(|n| subject(*n) == which).unwrap();
        w.put_customer_row(&row(n, "惠民超市"))?;
        w.put_visit_row(&visit(u8::try_from(n).unwrap(), n, 3))
    };
    store
        .write::<_, StoreError>(|w| {
            for n in (0..30).rev() {
                let doc = DocId::from_bytes(*subject(n).as_bytes());
                w.put_document(&Described { doc, kind: "customer", subject: subject(n), heads: &[], fingerprint: 0 })?;
                fold(w, subject(n))?;
            }
            Ok(())
        })
        .unwrap();
    let before = store.read(|r| r.rows_print()).unwrap();
    // Rows that no document has go; the numbers that link rows change; what the rows say stays.
    store.write(|w| w.put_customer_row(&row(99, "没有档案"))).unwrap();
    assert_ne!(store.read(|r| r.rows_print()).unwrap(), before);
    store.rebuild(fold).unwrap();
    assert_eq!(store.read(|r| r.rows_print()).unwrap(), before);
    assert!(store.is_sound().unwrap());
    let failed = store.rebuild(|_, _| Err(StoreError::Damaged { what: "test" }));
    assert!(failed.is_err());
    assert_eq!(store.read(|r| r.rows_print()).unwrap(), before);
}

const ORDERS: [CustomerOrder; 7] = [
    CustomerOrder::Name,
    CustomerOrder::LastVisit,
    CustomerOrder::Updated,
    CustomerOrder::Due,
    CustomerOrder::Stale,
    CustomerOrder::Grade,
    CustomerOrder::Near(Place { lat_e7: 300_000_000, lon_e7: 1_200_000_000 }),
];

fn some_row() -> impl Strategy<Value = CustomerRow> {
    let names = prop_oneof!["[甲乙丙丁]{1,3}", "[ab]{0,2}", Just("惠民超市".to_owned())];
    let codes = proptest::sample::select(vec!["A", "B", "C", "unrated"]);
    (0u32..40, names, codes, 0u32..3, proptest::option::of(-9i32..9), 0u64..30, proptest::option::of(0i64..9)).prop_map(
        |(n, name, grade, territory, place, opened, stale)| CustomerRow {
            grade: grade.into(),
            territory: (territory > 0).then(|| TerritoryId(format!("t{territory}"))),
            place: place.map(|at| Place { lat_e7: 300_000_000 + at * 10_000, lon_e7: 1_200_000_000 - at * 20_000 }),
            opened: day(opened),
            interval_days: territory * 7,
            stale_from: stale.map(Ms),
            updated: Ms(i64::from(n % 5)),
            ..row(n, &name)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]

    /// Page by page, in every order and with every filter, one sees each line once, and the same lines as in one page.
    #[test]
    fn pages_join(rows in proptest::collection::vec(some_row(), 0..40), size in 1usize..7, filter in 0usize..5) {
        let mut store = Store::in_memory().unwrap();
        store.write::<_, StoreError>(|w| rows.iter().try_for_each(|row| w.put_customer_row(row))).unwrap();
        let filter = match filter {
            0 => CustomerFilter { grades: vec!["A".into(), "B".into()], ..all() },
            1 => CustomerFilter { unassigned: true, ..all() },
            2 => CustomerFilter { stale_at: Some(Ms(4)), ..all() },
            3 => CustomerFilter { due_on: Some(day(9)), ..all() },
            _ => all(),
        };
        for order in ORDERS {
            let whole = store.read(|r| r.customers(&filter, order, None, 999)).unwrap();
            prop_assert!(whole.next.is_none());
            prop_assert_eq!(whole.lines.len() as u64, store.read(|r| r.customer_count(&filter)).unwrap());
            let (mut joined, mut after) = (Vec::new(), None);
            loop {
                let page = store.read(|r| r.customers(&filter, order, after.as_ref(), size)).unwrap();
                prop_assert!(page.lines.len() <= size);
                joined.extend(page.lines);
                after = page.next;
                if after.is_none() { break; }
            }
            prop_assert_eq!(joined, whole.lines);
        }
        let whole = store.read(|r| r.overdue(day(20), &filter, None, 999)).unwrap().lines;
        prop_assert!(whole.windows(2).all(|two| two[0].urgency >= two[1].urgency));
        let (mut joined, mut after) = (Vec::new(), None);
        loop {
            let page = store.read(|r| r.overdue(day(20), &filter, after.as_ref(), size)).unwrap();
            joined.extend(page.lines);
            after = page.next;
            if after.is_none() { break; }
        }
        prop_assert_eq!(joined, whole);
        let by_grade: u64 = store.read(|r| r.customer_tally(&filter, Facet::Grade)).unwrap().iter().map(|(_, n)| n).sum();
        prop_assert_eq!(by_grade, store.read(|r| r.customer_count(&filter)).unwrap());
    }

    /// Cards and visits in any order: the same rows.
    #[test]
    fn the_order_of_arrival_does_not_show(order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle()) {
        let write = |order: &[usize]| {
            let mut store = Store::in_memory().unwrap();
            store.write::<_, StoreError>(|w| {
                for n in order {
                    match u32::try_from(*n).unwrap() {
                        n @ 0..4 => w.put_customer_row(&row(n, "店"))?,
                        n => w.put_visit_row(&visit(u8::try_from(n).unwrap(), n % 4, u64::from(n)))?,
                    }
                }
                Ok(())
            }).unwrap();
            store.read(|r| r.rows_print()).unwrap()
        };
        prop_assert_eq!(write(&order), write(&(0..12).collect::<Vec<_>>()));
    }
}
