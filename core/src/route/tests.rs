//! What the room promises as a whole, on many small random days, against brute force where that can be had.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use proptest::prelude::*;

use super::ground::Ground;
use super::search::improve;
use super::*;

fn table(places: usize, seed: u64, is_symmetric: bool) -> TableMatrix {
    let mut random = random::Random::new(seed);
    let spots: Vec<(i64, i64)> = (0..places).map(|_| (random.below(3_000) as i64, random.below(3_000) as i64)).collect();
    TableMatrix::from_fn(places, |a, b| {
        let metric = (spots[a].0 - spots[b].0).abs() + (spots[a].1 - spots[b].1).abs();
        let one_way = if is_symmetric || a <= b { 0 } else { (a * 31 + b * 17) as i64 % 200 };
        u32::try_from(metric + one_way).unwrap()
    })
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let window = |(open_s, length_s)| Window { open_s, close_s: open_s + length_s };
    prop_oneof![
        2 => Just(vec![]),
        2 => (0..12_000_i32, 500..5_000_i32).prop_map(move |w| vec![window(w)]),
        1 => ((0..4_000_i32, 0..3_000_i32), (7_000..12_000_i32, 0..4_000_i32)).prop_map(move |(a, b)| vec![window(b), window(a)]),
    ]
}

fn stops(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Stop>> {
    let stop = (windows(), 0..900_i32).prop_map(|(windows, service_s)| Stop { place: 0, service_s, windows });
    prop::collection::vec(stop, count).prop_map(|mut stops| {
        stops.iter_mut().zip(1..).for_each(|(stop, place)| stop.place = place);
        stops
    })
}

/// A pin on one of so many stops, at least one.
fn pin(count: usize) -> impl Strategy<Value = Pin> {
    let stop = 0..count.max(1);
    prop_oneof![
        stop.clone().prop_map(|stop| Pin::First { stop }),
        stop.clone().prop_map(|stop| Pin::Last { stop }),
        (stop.clone(), stop.clone()).prop_map(|(stop, after)| Pin::RightAfter { stop, after }),
        (stop, 0..10_000_i32).prop_map(|(stop, at_s)| Pin::NotBefore { stop, at_s }),
    ]
}

/// A day of so many stops with everything that may be in one; its matrix.
fn days(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = (Problem, TableMatrix)> {
    let more = |stops: Vec<Stop>| {
        let count = stops.len();
        let pins = prop_oneof![2 => Just(vec![]).boxed(), 1 => prop::collection::vec(pin(count), 0..=count.min(3)).boxed()];
        let base = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        let end = prop_oneof![Just(None), Just(Some(None)), (5_000..20_000_i32).prop_map(|by| Some(Some(by)))];
        (Just(stops), pins, base, 0..=count, end, prop_oneof![Just(0_u32), 1..2_000_u32], any::<(u64, bool)>())
    };
    stops(count).prop_flat_map(more).prop_map(|(stops, pins, mut base_order, based, end, moved_s, (seed, is_symmetric))| {
        base_order.truncate(based);
        let places = stops.len() + 2;
        let end = end.map(|by_s| End { place: places - 1, by_s });
        let weights = Weights { moved_s, late: 20 };
        let problem = Problem { start: Start { place: 0, leave_s: 0 }, end, stops, base_order, pins, weights };
        (problem, table(places, seed, is_symmetric))
    })
}

fn effort(iterations: u32) -> Effort {
    Effort { seed: 7, iterations }
}

fn price(problem: &Problem, plan: &Plan) -> i64 {
    plan.cost.weighted(&problem.weights)
}

/// The least price over all orders that keep the pins which `plan` keeps.
fn by_brute_force(problem: &Problem, matrix: &TableMatrix, unmet: &[usize]) -> i64 {
    fn go(problem: &Problem, matrix: &TableMatrix, unmet: &[usize], order: &mut Vec<usize>, best: &mut i64) {
        if order.len() == problem.stops.len() {
            let plan = schedule(problem, matrix, order).unwrap();
            if plan.unmet_pins.iter().all(|pin| unmet.contains(pin)) {
                *best = (*best).min(price(problem, &plan));
            }
            return;
        }
        for stop in 0..problem.stops.len() {
            if !order.contains(&stop) {
                order.push(stop);
                go(problem, matrix, unmet, order, best);
                order.pop();
            }
        }
    }
    let mut best = i64::MAX;
    go(problem, matrix, unmet, &mut Vec::new(), &mut best);
    best
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_is_a_permutation_and_keeps_its_times((problem, matrix) in days(0..=20)) {
        let plan = solve(&problem, &matrix, effort(30)).unwrap();
        let mut sorted = plan.order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..problem.stops.len()).collect::<Vec<_>>());
        let ground = Ground::new(&problem, &matrix);
        prop_assert_eq!(ground.price(&ground.line(&plan.order)), price(&problem, &plan));
        prop_assert_eq!(plan.cost.travel_s, plan.visits.iter().map(|v| v.travel_s).sum::<i64>()
            + problem.end.map_or(0, |end| schedule::leg_s(&matrix, plan.order.last().map_or(0, |&s| problem.stops[s].place), end.place)));
        let again = schedule(&problem, &matrix, &plan.order).unwrap();
        prop_assert_eq!((&again.visits, again.cost, &again.unmet_pins), (&plan.visits, plan.cost, &plan.unmet_pins));
    }

    #[test]
    fn never_worse_than_the_input((mut problem, matrix) in days(1..=24)) {
        problem.pins.clear();
        problem.base_order.extend((0..problem.stops.len()).filter(|stop| !problem.base_order.contains(stop)).collect::<Vec<_>>());
        let input = schedule(&problem, &matrix, &problem.base_order).unwrap();
        let plan = solve(&problem, &matrix, effort(10)).unwrap();
        prop_assert!(price(&problem, &plan) <= price(&problem, &input));
    }

    #[test]
    fn the_same_question_has_the_same_answer((problem, matrix) in days(13..=18)) {
        let plan = solve(&problem, &matrix, effort(20)).unwrap();
        prop_assert_eq!(&plan, &solve(&problem, &matrix, effort(20)).unwrap());
    }

    #[test]
    fn the_proof_agrees_with_brute_force((problem, matrix) in days(0..=6)) {
        let plan = solve(&problem, &matrix, effort(0)).unwrap();
        prop_assert!(plan.is_optimal);
        prop_assert_eq!(price(&problem, &plan), by_brute_force(&problem, &matrix, &plan.unmet_pins));
    }

    #[test]
    fn the_search_comes_up_to_the_proof((problem, matrix) in days(5..=9)) {
        let plan = solve(&problem, &matrix, effort(0)).unwrap();
        prop_assert!(plan.is_optimal);
        let ground = Ground::new(&problem, &matrix);
        let (line, _) = improve(&ground, &ground.line(&[]), 3, 200, &mut || false);
        prop_assert_eq!(ground.price(&line), price(&problem, &plan));
    }

    #[test]
    fn pins_that_do_not_contradict_are_kept((problem, matrix) in days(4..=16), pick in any::<[prop::sample::Index; 4]>()) {
        let [a, b, c, d] = pick.map(|index| index.index(problem.stops.len()));
        let mut pins = vec![Pin::First { stop: a }];
        if b != a { pins.push(Pin::Last { stop: b }); }
        if ![a, b].contains(&c) { pins.push(Pin::RightAfter { stop: c, after: a }); }
        if ![a, b, c].contains(&d) { pins.push(Pin::NotBefore { stop: d, at_s: 9_000 }); }
        let plan = solve(&Problem { pins, ..problem.clone() }, &matrix, effort(20)).unwrap();
        prop_assert_eq!(plan.order[0], a);
        prop_assert!(plan.unmet_pins.is_empty());
        prop_assert!(plan.visits.iter().all(|v| v.stop != d || [a, b, c].contains(&d) || v.begin_s >= 9_000));
    }

    #[test]
    fn a_pin_is_unmet_only_against_others((problem, matrix) in days(2..=12)) {
        let plan = solve(&problem, &matrix, effort(5)).unwrap();
        for &unmet in &plan.unmet_pins {
            let pin = problem.pins[unmet];
            let alone = Problem { pins: vec![pin], ..problem.clone() };
            let is_absurd = matches!(pin, Pin::RightAfter { stop, after } if stop == after);
            prop_assert!(is_absurd || solve(&alone, &matrix, effort(5)).unwrap().unmet_pins.is_empty());
        }
    }

    #[test]
    fn without_its_binding_the_order_is_another((problem, matrix) in days(2..=7)) {
        let plan = solve(&problem, &matrix, effort(50)).unwrap();
        for why in explain(&problem, &matrix, &plan).unwrap() {
            prop_assert!(why.elsewhere.is_none_or(|other| other.extra_s >= 0), "the plan is optimal");
            let mut lifted = problem.clone();
            lifted.pins = problem.pins.iter().enumerate().filter(|(at, _)| !plan.unmet_pins.contains(at)).map(|(_, pin)| *pin).collect();
            match &why.binding {
                Binding::Nearest => continue,
                Binding::Pins(pins) => {
                    lifted.pins = problem.pins.iter().enumerate()
                        .filter(|(at, _)| !pins.contains(at) && !plan.unmet_pins.contains(at)).map(|(_, pin)| *pin).collect();
                }
                Binding::Hours => lifted.stops[why.stop].windows.clear(),
                Binding::BaseOrder => lifted.weights.moved_s = 0,
                Binding::OthersHours { stops, is_end_late } => {
                    stops.iter().for_each(|&stop| lifted.stops[stop].windows.clear());
                    if *is_end_late { lifted.end = lifted.end.map(|end| End { by_s: None, ..end }); }
                }
            }
            let other = solve(&lifted, &matrix, effort(50)).unwrap();
            prop_assert_ne!(&other.order, &plan.order, "{:?}", why);
        }
    }

    #[test]
    fn one_more_stop_goes_where_it_costs_least((problem, matrix) in days(1..=9)) {
        let problem = Problem { pins: vec![], ..problem };
        let order: Vec<usize> = (1..problem.stops.len()).collect();
        let at = insert_cheapest(&problem, &matrix, &order, 0).unwrap();
        let price_at = |gap: usize| {
            let mut with = order.clone();
            with.insert(gap, 0);
            price(&problem, &schedule(&problem, &matrix, &with).unwrap())
        };
        prop_assert_eq!(price_at(at), (0..=order.len()).map(price_at).min().unwrap());
        let free = Problem { stops: problem.stops.iter().map(|s| Stop { windows: vec![], ..s.clone() }).collect(),
            weights: Weights { moved_s: 0, ..problem.weights }, end: problem.end.map(|end| End { by_s: None, ..end }), ..problem.clone() };
        let path: Vec<usize> = order.iter().map(|&stop| free.stops[stop].place).collect();
        let gap = cheapest_gap(&matrix, Some(0), &path, free.end.map(|end| end.place), free.stops[0].place);
        prop_assert_eq!(gap, insert_cheapest(&free, &matrix, &order, 0).unwrap());
    }
}

/// A made-up county day: 24 customers around a town, some open in the morning or the afternoon only.
fn county_day() -> (Problem, GeoMatrix) {
    let mut random = random::Random::new(2026);
    let points: Vec<_> =
        (0..25).map(|_| Point::from_udeg(31_300_000 + random.below(200_000) as i32, 120_500_000 + random.below(200_000) as i32)).collect();
    let hours = [vec![], vec![(28_800, 41_400)], vec![(50_400, 64_800)], vec![(28_800, 41_400), (50_400, 64_800)]];
    let stops = (1..25).map(|place| Stop {
        place,
        service_s: 480,
        windows: hours[place % 4].iter().map(|&(open_s, close_s)| Window { open_s, close_s }).collect(),
    });
    let start = Start { place: 0, leave_s: 28_800 };
    let problem = Problem { start, end: Some(End { place: 0, by_s: None }), stops: stops.collect(), ..Problem::default() };
    (problem, GeoMatrix::new(&points, &TravelModel::default()))
}

#[test]
fn pinned_county_day() {
    let (problem, matrix) = county_day();
    let plan = solve(&problem, &matrix, effort(200)).unwrap();
    assert_eq!(plan.cost, Cost { travel_s: 15_153, late_s: 0, moved: 0 });
    assert_eq!(plan.order, [23, 10, 16, 6, 0, 8, 12, 4, 20, 7, 5, 3, 11, 14, 19, 15, 21, 9, 1, 18, 2, 13, 22, 17]);
}

#[test]
fn a_stop_that_stays_put_is_not_moved_for_little() {
    let (problem, matrix) = county_day();
    let plan = solve(&problem, &matrix, effort(100)).unwrap();
    let mut base_order = plan.order.clone();
    let late_comer = base_order.remove(5);
    base_order.swap(2, 3);
    let weights = Weights { moved_s: 100_000, ..Weights::default() };
    let stable = Problem { base_order: base_order.clone(), weights, ..problem };
    let kept = solve(&stable, &matrix, effort(100)).unwrap();
    assert_eq!(kept.cost.moved, 0);
    assert_eq!(kept.order.iter().copied().filter(|&stop| stop != late_comer).collect::<Vec<_>>(), base_order);
}

#[test]
fn stops_when_told_to() {
    let (problem, matrix) = county_day();
    let mut left = 3;
    let plan = solve_until(&problem, &matrix, effort(1_000_000), &mut || {
        left -= 1;
        left < 0
    });
    assert_eq!(plan.unwrap().iterations, 3);
}

#[test]
fn nothing_to_do_is_a_plan_too() {
    let matrix = TableMatrix::new(1, vec![0]).unwrap();
    let plan = solve(&Problem::default(), &matrix, Effort::default()).unwrap();
    assert!(plan.order.is_empty() && plan.is_optimal);
}

#[test]
fn mistakes_are_named() {
    let matrix = TableMatrix::new(2, vec![0, 5, 5, 0]).unwrap();
    let stop = Stop { place: 1, ..Stop::default() };
    let one = Problem { stops: vec![stop.clone()], ..Problem::default() };
    let error = |problem: Problem| solve(&problem, &matrix, Effort::default()).unwrap_err();
    let far = Problem { stops: vec![Stop { place: 2, ..stop.clone() }], ..one.clone() };
    assert_eq!(error(far), ProblemError::UnknownPlace { place: 2, places: 2 });
    let many = Problem { stops: vec![stop.clone(); STOPS_MAX + 1], ..one.clone() };
    assert_eq!(error(many), ProblemError::TooManyStops { count: STOPS_MAX + 1 });
    let twice = Problem { base_order: vec![0, 0], ..one.clone() };
    assert_eq!(error(twice), ProblemError::StopTwice { stop: 0 });
    let unknown = Problem { pins: vec![Pin::RightAfter { stop: 0, after: 9 }], ..one.clone() };
    assert_eq!(error(unknown), ProblemError::UnknownStop { stop: 9, count: 1 });
    let backwards = Stop { windows: vec![Window { open_s: 2, close_s: 1 }], ..stop.clone() };
    assert_eq!(error(Problem { stops: vec![backwards], ..one.clone() }), ProblemError::Hours { stop: 0 });
    let endless = Stop { service_s: -1, ..stop };
    assert_eq!(error(Problem { stops: vec![endless], ..one.clone() }), ProblemError::Hours { stop: 0 });
    let never = Problem { start: Start { place: 0, leave_s: i32::MAX }, ..one.clone() };
    assert_eq!(error(never), ProblemError::Time { at_s: i32::MAX });
    let heavy = Problem { weights: Weights { late: u32::MAX, moved_s: 0 }, ..one };
    assert_eq!(error(heavy), ProblemError::Weight { weight: u32::MAX });
    assert_eq!(TableMatrix::new(2, vec![0; 3]), Err(MatrixError { places: 2, entries: 3 }));
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let stop = |place| Stop {
        place,
        service_s: SERVICE_S_MAX,
        windows: vec![Window { open_s: -TIME_S_MAX, close_s: -TIME_S_MAX }, Window { open_s: TIME_S_MAX, close_s: TIME_S_MAX }],
    };
    let matrix = TableMatrix::from_fn(60, |_, _| u32::MAX);
    let weights = Weights { late: WEIGHT_MAX, moved_s: WEIGHT_MAX };
    let start = Start { place: 0, leave_s: TIME_S_MAX };
    let base_order = (0..59).rev().collect();
    let problem = Problem { start, stops: (1..60).map(stop).collect(), base_order, weights, ..Problem::default() };
    let plan = solve(&problem, &matrix, effort(2)).unwrap();
    assert!(plan.cost.late_s > 0 && plan.order.len() == 59);
}
