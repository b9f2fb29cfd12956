//! Gap tables of the sequencer, by hand: `ROADBOOK_ROUTE_DATA=<folder> cargo bench -p roadbook-tests --bench route`.
//!
//! Sections: `days` (generated, 30 to 60 stops with opening hours), `field` (`field/*.csv` of the folder), `tsp`
//! (`tsp/*.tsp` with `bks.json`), `stability` (one stop out, two in), `exact` (small days); all, or those named as arguments.
//! `ROADBOOK_ROUTE_DAYS` sets how many days are generated a size (50).
//!
//! A time budget is turned into iterations first, by the processor time that a long run took, so the gaps are the same
//! however busy the machine is, and only the number of iterations depends on it. "Best known" of a generated day is the
//! best of three runs of [`LONG_ITERATIONS`]; days that cannot be kept on time are left out. Nothing is asserted.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "a program run by hand, on files that its user chose: it prints, and stops where a file is not what it seems"
)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use roadbook_core::route::{
    Effort, End, GeoMatrix, Matrix, Plan, Point, Problem, Start, Stop, TableMatrix, TravelModel, Weights, Window, solve,
};

const LONG_ITERATIONS: u32 = 60_000;
const PACE_ITERATIONS: u32 = 6_000;
const DAY: Window = Window { open_s: 28_800, close_s: 64_800 };
const MORNING: Window = Window { open_s: 28_800, close_s: 43_200 };
const AFTERNOON: Window = Window { open_s: 46_800, close_s: 61_200 };

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |section: &str| named.is_empty() || named.iter().any(|name| name == section);
    let folder = std::env::var_os("ROADBOOK_ROUTE_DATA").map(PathBuf::from);
    let days: u64 = std::env::var("ROADBOOK_ROUTE_DAYS").ok().map_or(50, |days| days.parse().unwrap());
    if is_wanted("days") {
        println!("days, generated: 60 % all day, 20 % morning, 20 % afternoon; gap to best known in %");
        for (stops, budgets) in [(30, [10, 20, 50]), (40, [10, 20, 50]), (60, [20, 50, 100])] {
            gaps(&format!("day {stops}"), (0..days).map(|seed| generated_day(stops, seed)), &budgets);
        }
    }
    if is_wanted("stability") {
        stability(days);
    }
    if is_wanted("exact") {
        exact();
    }
    let Some(folder) = folder else {
        println!("ROADBOOK_ROUTE_DATA is not set: sections field and tsp are left out");
        return;
    };
    if is_wanted("field") {
        field(&folder, days);
    }
    if is_wanted("tsp") {
        tsp(&folder);
    }
}

type Day = (Problem, TableMatrix);

/// Seconds of processor time of this process, where the system tells; else of the clock.
fn spent_s(of: impl FnOnce()) -> f64 {
    let cpu_ns = || std::fs::read_to_string("/proc/self/schedstat").ok()?.split(' ').next()?.parse::<f64>().ok();
    let (cpu, clock) = (cpu_ns(), Instant::now());
    of();
    cpu.zip(cpu_ns()).map_or_else(|| clock.elapsed().as_secs_f64(), |(before, after)| (after - before) / 1e9)
}

/// Iterations that fit into each budget (milliseconds), what is spent before the first included.
fn iterations_in(day: &Day, budgets_ms: &[u32]) -> Vec<u32> {
    let run = |iterations| spent_s(|| drop(run(day, 1, iterations)));
    let setup_s = spent_s(|| (0..20).for_each(|_| drop(run_quietly(day)))) / 20.0;
    let each_s = ((run(PACE_ITERATIONS) - setup_s) / f64::from(PACE_ITERATIONS)).max(1e-7);
    budgets_ms.iter().map(|&ms| ((f64::from(ms) / 1e3 - setup_s) / each_s).max(0.0) as u32).collect()
}

fn run(day: &Day, seed: u64, iterations: u32) -> Plan {
    solve(&day.0, &day.1, Effort { seed, iterations }).unwrap()
}

fn run_quietly(day: &Day) -> Plan {
    run(day, 1, 0)
}

fn weighted(day: &Day, plan: &Plan) -> i64 {
    plan.cost.weighted(&day.0.weights)
}

/// One table line a budget: mean and worst gap, share at best known, days without a plan on time.
fn gaps(name: &str, days: impl Iterator<Item = Day>, budgets_ms: &[u32]) {
    let mut rows = vec![Vec::new(); budgets_ms.len()];
    let mut used = vec![0_u64; budgets_ms.len()];
    let (mut late, mut left_out) = (vec![0; budgets_ms.len()], 0);
    for day in days {
        let long: Vec<Plan> = (100..103).map(|seed| run(&day, seed, LONG_ITERATIONS)).collect();
        let found: Vec<(Plan, u32)> =
            iterations_in(&day, budgets_ms).into_iter().map(|iterations| (run(&day, 0, iterations), iterations)).collect();
        let all = long.iter().chain(found.iter().map(|(plan, _)| plan));
        let best = all.min_by_key(|plan| weighted(&day, plan)).unwrap();
        if best.cost.late_s > 0 {
            left_out += 1;
            continue;
        }
        for (row, (plan, iterations)) in found.iter().enumerate() {
            used[row] += u64::from(*iterations);
            late[row] += usize::from(plan.cost.late_s > 0);
            if plan.cost.late_s == 0 {
                rows[row].push(100.0 * (plan.cost.travel_s as f64 / best.cost.travel_s as f64 - 1.0));
            }
        }
    }
    for (row, ms) in rows.iter().zip(budgets_ms).enumerate().map(|(at, (row, ms))| ((at, row), ms)) {
        let (at, row) = row;
        let runs = (row.len() + late[at]).max(1);
        let mean = row.iter().sum::<f64>() / row.len().max(1) as f64;
        let worst = row.iter().copied().fold(0.0, f64::max);
        let best = 100 * row.iter().filter(|&&gap| gap <= 0.0).count() / runs;
        println!(
            "{name:>12} {ms:>4} ms {:>6} it | mean {mean:.3} worst {worst:.2} | best known {best:>3} % of {runs} | late {} | left out {left_out}",
            used[at] / runs as u64,
            late[at]
        );
    }
}

/// A generator of its own, so that the days stay the same whatever the product's one becomes (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1);
        (0..8).for_each(|_| dice.step());
        dice
    }

    fn step(&mut self) {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.step();
        (self.0 >> 11) % bound
    }
}

/// A square of 13 km around a depot, half of the stops in three small towns; service 4 to 8 minutes.
fn generated_day(stops: usize, seed: u64) -> Day {
    let mut dice = Dice::new(seed * 1_000 + stops as u64);
    let (side_lat, side_lon) = (117_000, 137_000);
    let towns: Vec<(u64, u64)> = (0..3).map(|_| (dice.below(side_lat), dice.below(side_lon))).collect();
    let mut points = vec![spot(side_lat / 2, side_lon / 2)];
    let mut all = Vec::new();
    for place in 1..=stops {
        let (lat, lon) = match dice.below(6) {
            town @ 0..3 => (towns[town as usize].0 + dice.below(12_000), towns[town as usize].1 + dice.below(14_000)),
            _ => (dice.below(side_lat), dice.below(side_lon)),
        };
        points.push(spot(lat, lon));
        let window = [DAY, DAY, DAY, MORNING, AFTERNOON][dice.below(5) as usize];
        all.push(Stop { place, service_s: 240 + dice.below(240) as i32, windows: vec![window] });
    }
    day_of(points, all)
}

fn spot(lat: u64, lon: u64) -> Option<Point> {
    Point::from_udeg(31_200_000 + lat as i32, 120_500_000 + lon as i32)
}

/// Out at eight from place 0, and back there by six.
fn day_of(points: Vec<Option<Point>>, stops: Vec<Stop>) -> Day {
    let matrix = GeoMatrix::new(&points, &TravelModel::default());
    let start = Start { place: 0, leave_s: DAY.open_s };
    let problem = Problem { start, end: Some(End { place: 0, by_s: Some(DAY.close_s) }), stops, ..Problem::default() };
    (problem, TableMatrix::from_fn(points.len(), |from, to| matrix.travel_s(from, to)))
}

fn field(folder: &Path, days: u64) {
    println!("field: stops near one another with the hours of the file, service cut to 4 minutes");
    let Some(path) = files(&folder.join("field"), "csv").into_iter().next() else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let number = |line: &str, at: usize| line.split(',').nth(at).unwrap().parse::<f64>().unwrap();
    let customers: Vec<(Option<Point>, Window)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let window = Window { open_s: number(line, 6) as i32, close_s: number(line, 7) as i32 };
            (Point::from_degrees(number(line, 2), number(line, 3)), window)
        })
        .collect();
    let day = |count: usize, seed: u64| {
        let mut dice = Dice::new(seed * 77 + count as u64);
        let centre = customers[dice.below(customers.len() as u64) as usize].0.unwrap();
        let mut near = customers.clone();
        near.sort_by_key(|customer| roadbook_core::route::metres_between(centre, customer.0.unwrap()));
        near.truncate(count * 2);
        while near.len() > count {
            near.swap_remove(dice.below(near.len() as u64) as usize);
        }
        let points = std::iter::once(Some(centre)).chain(near.iter().map(|customer| customer.0)).collect();
        let stops = near.iter().zip(1..).map(|((_, window), place)| Stop { place, service_s: 240, windows: vec![*window] });
        day_of(points, stops.collect())
    };
    for (count, budgets) in [(30, [10, 20, 50]), (40, [10, 20, 50]), (60, [20, 50, 100])] {
        gaps(&format!("field {count}"), (0..days).map(|seed| day(count, seed)), &budgets);
    }
}

fn tsp(folder: &Path) {
    println!("TSPLIB; gap to best known in %");
    let known: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(folder.join("bks.json")).unwrap()).unwrap();
    let budgets = [20, 50, 100, 1_000];
    let mut sums = vec![0.0; budgets.len()];
    let paths = files(&folder.join("tsp"), "tsp");
    for path in &paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let best = known[format!("tsp/{name}")]["value"].as_f64().unwrap();
        let day = read_tsp(&std::fs::read_to_string(path).unwrap());
        print!("{name:>12}");
        for (at, iterations) in iterations_in(&day, &budgets).into_iter().enumerate() {
            let gap = 100.0 * (weighted(&day, &run(&day, 0, iterations)) as f64 / best - 1.0);
            sums[at] += gap;
            print!(" | {} ms {iterations:>6} it {gap:.3}", budgets[at]);
        }
        println!();
    }
    let means: Vec<String> = sums.iter().map(|sum| format!("{:.3}", sum / paths.len().max(1) as f64)).collect();
    println!("{:>12} | {}", "mean", means.join(" | "));
}

/// `NODE_COORD_SECTION` with `EUC_2D`: distances rounded to the nearest integer. A tour from the first node and back.
fn read_tsp(text: &str) -> Day {
    let number = |word: &str| word.parse::<f64>().ok();
    let body = text.lines().skip_while(|line| !line.starts_with("NODE_COORD_SECTION")).skip(1);
    let spots: Vec<(f64, f64)> = body
        .map_while(|line| {
            let mut words = line.split_whitespace().skip(1);
            Some((number(words.next()?)?, number(words.next()?)?))
        })
        .collect();
    let distance = |a: usize, b: usize| (spots[a].0 - spots[b].0).hypot(spots[a].1 - spots[b].1).round() as u32;
    let stops = (1..spots.len()).map(|place| Stop { place, ..Stop::default() }).collect();
    let problem = Problem { end: Some(End { place: 0, by_s: None }), stops, ..Problem::default() };
    (problem, TableMatrix::from_fn(spots.len(), distance))
}

/// A day of 28 stops is planned; then one goes and two come. What moves, and what does it cost?
fn stability(days: u64) {
    println!("stability: 28 stops planned, 1 out, 2 in; stops moved of the 27 that stay, travel over the freest plan in %");
    for moved_s in [0, 30, 60, 120, 240, 480, 100_000] {
        let (mut moved, mut most, mut over) = (0, 0, 0.0);
        for seed in 0..days {
            let (all, matrix) = generated_day(30, 10_000 + seed);
            let before = Problem { stops: all.stops[..28].to_vec(), ..all.clone() };
            let old = solve(&before, &matrix, Effort::default()).unwrap();
            let gone = old.order[seed as usize % 28];
            let rest = |stop: usize| if stop > gone { stop - 1 } else { stop };
            let base_order: Vec<usize> = old.order.iter().copied().filter(|&stop| stop != gone).map(rest).collect();
            let mut stops = all.stops.clone();
            stops.remove(gone);
            let after = Problem { stops, base_order, ..all.clone() };
            let best = (0..2).map(|seed| solve(&after, &matrix, Effort { seed, iterations: 20_000 }).unwrap());
            let best_s = best.map(|plan| plan.cost.travel_s).min().unwrap();
            let stable = Problem { weights: Weights { moved_s, ..Weights::default() }, ..after };
            let new = solve(&stable, &matrix, Effort::default()).unwrap();
            moved += new.cost.moved;
            most = most.max(new.cost.moved);
            over += 100.0 * (new.cost.travel_s as f64 / best_s as f64 - 1.0);
        }
        println!("{moved_s:>12} s a stop | moved {:.2} (max {most}) | over best {:.2}", moved as f64 / days as f64, over / days as f64);
    }
}

fn exact() {
    println!("exact: mean and worst processor time of a proof, ms");
    for (stops, moved_s) in [(8, 0), (10, 0), (12, 0), (8, 120), (10, 120), (12, 120)] {
        let times: Vec<f64> = (0..20).map(|seed| proof_ms(stops, moved_s, seed)).collect();
        let worst = times.iter().copied().fold(0.0, f64::max);
        println!("{stops:>12} stops, {moved_s:>3} s a stop moved | mean {:.2} worst {worst:.2}", times.iter().sum::<f64>() / 20.0);
    }
}

fn proof_ms(stops: usize, moved_s: u32, seed: u64) -> f64 {
    let (mut problem, matrix) = generated_day(stops, seed);
    problem.weights.moved_s = moved_s;
    problem.base_order = (0..stops).collect();
    let day = (problem, matrix);
    let runs = 10;
    1e3 * spent_s(|| (0..runs).for_each(|_| assert!(run(&day, 0, 100).is_optimal))) / f64::from(runs)
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect());
    let mut paths: Vec<PathBuf> = entries.unwrap_or_default();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}
