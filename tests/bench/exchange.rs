//! The exchange over a real socket, through signatures, rights and the gate, against baselines of the same run:
//! a first sync of 5,000 cards, a day offline, nothing new, and many devices handing in their day.
//! `cargo bench -p roadbook-tests --bench exchange` takes all of them; `-- devices [HOW_MANY]` the last one alone, `-- phone` the others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout, missing_docs, reason = "a bench")]

#[path = "corpus.rs"]
#[allow(dead_code, reason = "shared by the benches")]
mod corpus;
#[path = "headquarters.rs"]
mod headquarters;
#[path = "proxy.rs"]
mod proxy;

use std::time::{Duration, Instant};

use corpus::{Dice, MadeCard};
use headquarters::Office;
use roadbook_core::crdt::Document;
use roadbook_core::ids::{DeviceId, DocId, SubjectId};
use roadbook_core::replica::{Admitted, Replica, Start, Target};
use roadbook_core::store::{Lane, OpenOptions};
use roadbook_server::phone::Phone;

const CARDS: usize = 5_000;
const VISITS: usize = 40;
const EDITS: usize = 25;
const CHANGED_BY_OTHERS: usize = 100;
/// Stops of a day's tour.
const STOPS: usize = 30;
const DEVICES: usize = 25;
const CARDS_A_DEVICE: usize = 70;

fn main() {
    let mut dice = Dice::new(7);
    let mut words = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let only = words.next();
    let devices = words.next().map_or(DEVICES, |many| many.parse().unwrap());
    if only.as_deref() != Some("devices") {
        one_phone(&mut dice);
    }
    if only.as_deref() != Some("phone") {
        many_devices(&mut dice, devices);
    }
}

fn one_phone(dice: &mut Dice) {
    let office = Office::open();
    let authors = [office.rep("wang", "east"), office.rep("li", "east"), office.rep("liu", "east")];
    println!("making {CARDS} cards …");
    let cards: Vec<MadeCard> = (0..CARDS).map(|_| corpus::card(dice, &authors)).collect();
    let operations: u64 =
        cards.iter().map(|card| card.document.metas().iter().map(|meta| meta.max_op - meta.start_op + 1).sum::<u64>()).sum();
    println!("  {} operations and {} changes a card", operations / CARDS as u64, cards[0].document.metas().len() - 1);
    let at = Instant::now();
    office.seed(&cards, "east");
    println!("  at headquarters after {:.1?}", at.elapsed());

    let subjects: Vec<SubjectId> = cards.iter().map(|card| card.subject).collect();
    let today = office.publish(authors[0], 0, &subjects[CARDS - STOPS..]);
    office.publish(authors[0], 1, &subjects[CARDS - 2 * STOPS..CARDS - STOPS]);
    let (mut phone, line) = office.phone("wang");
    first_sync(&office, &subjects, &mut phone, &line, today);
    nothing_new(&mut phone, &line);
    day_offline(&office, &cards, &mut phone, &line, dice);
    nothing_new(&mut phone, &line);
}

fn first_sync(office: &Office, subjects: &[SubjectId], phone: &mut Phone, line: &proxy::Proxy, today: DocId) {
    // Everything that travels but the tours: both sides of each card, in the order of the feed.
    let sides = [("customer", SubjectId::customer as fn(SubjectId) -> DocId), ("office", SubjectId::office)];
    let snapshots: Vec<(SubjectId, &str, DocId, Vec<u8>)> = sides
        .iter()
        .flat_map(|(kind, side)| subjects.iter().map(|subject| (*subject, *kind, side(*subject))))
        .map(|(subject, kind, doc)| (subject, kind, doc, office.snapshot(doc)))
        .collect();
    let joined: Vec<u8> = snapshots.iter().flat_map(|(_, _, _, bytes)| bytes.as_slice()).copied().collect();
    let one_stream = zstd::encode_all(joined.as_slice(), 3).unwrap().len();

    line.reset();
    let at = Instant::now();
    let came = phone.receive().unwrap();
    let durable = at.elapsed();
    let mut turns = vec![phone.take_in(came).unwrap()];
    turns.extend(phone.sync().unwrap());
    let ours = at.elapsed();
    let (up, down) = line.counted();
    let documents: usize = turns.iter().map(|turn| turn.documents).sum();

    let folder = tempfile::tempdir().unwrap();
    let start = Start { open: OpenOptions::phone(corpus::MONDAY), process: [9; 16] };
    let (mut bare, _) = Replica::open(&folder.path().join("bare.sqlite"), &start).unwrap();
    let at = Instant::now();
    for batch in snapshots.chunks(250) {
        let admitted: Vec<Admitted> = batch
            .iter()
            .map(|(subject, kind, doc, snapshot)| Admitted {
                doc: *doc,
                kind: (*kind).to_owned(),
                subject: *subject,
                document: Document::load(snapshot).unwrap(),
                changes: Vec::new(),
            })
            .collect();
        bare.absorb(&admitted, |_| Ok(())).unwrap();
    }
    let baseline = at.elapsed();
    println!(
        "first sync of {CARDS} cards: {documents} documents, in the phone's file after {durable:.2?}, all of them open, listed and found \
         after {ours:.2?}, {} turn(s), {up} B up, {down} B down with all headers\n  \
         loading and storing the same snapshots in-process: {baseline:.2?}; ratio {:.2} (at most 3)\n  \
         one zstd-3 stream of the snapshots, both sides of each card, {} B plain: {one_stream} B; ratio {:.3} (at most 1.1)",
        turns.len(),
        ours.as_secs_f64() / baseline.as_secs_f64(),
        joined.len(),
        down as f64 / one_stream as f64
    );
    first_screen(office, &line.tape(), down, (today, &subjects[CARDS - STOPS..]));
}

/// How many of the bytes must have come until the tour of today and its customers can be read from the store of a new phone.
fn first_screen(office: &Office, tape: &[u8], down: usize, (today, stops): (DocId, &[SubjectId])) {
    let head = tape.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let body = &tape[head..];
    let usable = |bytes: usize| {
        let mut replica = Replica::in_memory([5; 16]).unwrap();
        replica.enrolled(DeviceId::from_bytes([5; 16]), &office.profile("wang")).unwrap();
        let taken = replica.sync_answer(&body[..bytes], office.app.now()).is_ok();
        let readable = |stop: &SubjectId| replica.card(*stop).unwrap().is_some_and(|card| card.text("trade_name").is_some());
        taken && replica.today_is_usable().unwrap() && replica.tour(today).unwrap().is_some() && stops.iter().all(readable)
    };
    let (mut too_few, mut enough) = (0, body.len());
    assert!(usable(enough), "not within {} B", body.len());
    while enough - too_few > 64 {
        let middle = usize::midpoint(too_few, enough);
        if usable(middle) { enough = middle } else { too_few = middle }
    }
    let share = (head + enough) as f64 / down as f64 * 100.0;
    println!(
        "  first screen, {} stops with both sides of their cards: usable after {} B, {share:.2} % (at most 3)",
        stops.len(),
        head + enough
    );
}

fn nothing_new(phone: &mut Phone, line: &proxy::Proxy) {
    // The first of them says in full where the phone stands; those after it knock.
    for what in ["nothing new, said in full", "nothing new, as before"] {
        line.reset();
        let at = Instant::now();
        let turns = phone.sync().unwrap();
        let took = at.elapsed();
        let (up, down) = line.counted();
        println!("{what}: {} turn(s), {took:.1?}, {up} B up, {down} B down, {} B in sum with all headers", turns.len(), up + down);
    }
}

fn day_offline(office: &Office, cards: &[MadeCard], phone: &mut Phone, line: &proxy::Proxy, dice: &mut Dice) {
    let mut raw: Vec<u8> = Vec::new();
    let others = &cards[CARDS / 2..CARDS / 2 + CHANGED_BY_OTHERS];
    for card in others {
        raw.extend(office.edit(card.subject, &corpus::later_edits(dice)));
    }
    let subjects: Vec<SubjectId> = cards[..VISITS].iter().map(|card| card.subject).collect();
    raw.extend(a_day(phone, &subjects, dice));
    let packed = zstd::encode_all(raw.as_slice(), 3).unwrap().len();
    line.reset();
    let at = Instant::now();
    let turns = phone.sync().unwrap();
    let took = at.elapsed();
    let (up, down) = line.counted();
    println!(
        "a day offline ({VISITS} visits, {EDITS} edits; {CHANGED_BY_OTHERS} cards changed by others): {} turn(s), {took:.2?}, {up} B up, {down} B down\n  \
         raw changes in one zstd-3 stream: {packed} B; ratio {:.2} (at most 1.5); headers included",
        turns.len(),
        (up + down) as f64 / packed as f64
    );
}

/// One working day on a phone; returns its raw changes.
fn a_day(phone: &mut Phone, subjects: &[SubjectId], dice: &mut Dice) -> Vec<u8> {
    for subject in subjects.iter().take(VISITS) {
        let stamp = phone.stamp().unwrap();
        let mut draft = phone.replica_mut().check_in(&stamp, *subject, None, None).unwrap();
        draft.fields.insert("outcome".to_owned(), "order".into());
        draft.fields.insert("type".to_owned(), "routine".into());
        draft.fields.insert("feedback".to_owned(), "老板要求月底前补货,冷柜灯管坏了一根,需要报修。".into());
        let stamp = phone.stamp().unwrap();
        phone.replica_mut().check_out(&stamp, &draft, None).unwrap();
    }
    for subject in subjects.iter().take(EDITS) {
        let stamp = phone.stamp().unwrap();
        phone.replica_mut().save(&stamp, Lane::Normal, &Target::customer(*subject), &corpus::later_edits(dice)).unwrap();
    }
    let waiting = phone.replica().store().read(|read| read.outbox(10_000, usize::MAX)).unwrap();
    waiting.into_iter().flat_map(|own| own.bytes).collect()
}

fn many_devices(dice: &mut Dice, devices: usize) {
    let office = Office::open();
    let mut phones: Vec<(Phone, proxy::Proxy)> = Vec::new();
    for n in 0..devices {
        let (login, territory) = (format!("rep{n}"), format!("t{n}"));
        let rep = office.rep(&login, &territory);
        let cards: Vec<MadeCard> = (0..CARDS_A_DEVICE).map(|_| corpus::card(dice, &[rep, rep, rep])).collect();
        office.seed(&cards, &territory);
        let (mut phone, line) = office.phone(&login);
        phone.sync().unwrap();
        let subjects: Vec<SubjectId> = cards.iter().map(|card| card.subject).collect();
        a_day(&mut phone, &subjects, dice);
        phones.push((phone, line));
    }
    println!("{devices} devices hand in …");
    let (server_before, all_before) = cpu_ms();
    let at = Instant::now();
    let times: Vec<Duration> = std::thread::scope(|scope| {
        let running: Vec<_> = phones
            .iter_mut()
            .map(|(phone, _)| {
                scope.spawn(move || {
                    let at = Instant::now();
                    let turns = phone.sync().unwrap();
                    assert_eq!(turns.iter().map(|turn| turn.quarantined.len()).sum::<usize>(), 0);
                    at.elapsed()
                })
            })
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let took = at.elapsed();
    let (server, all) = cpu_ms();
    let slowest = times.iter().max().unwrap();
    println!(
        "{devices} devices at once, each its day, through the whole gate, durable and projected: {took:.2?}, {:.1} devices a second (at least 25), slowest {slowest:.2?}\n  \
         CPU: {:.1} ms a device at the server, {:.1} ms with the phones",
        devices as f64 / took.as_secs_f64(),
        (server - server_before) / devices as f64,
        (all - all_before) / devices as f64
    );
}

/// CPU time that the server's threads, and all threads of this process, have used, in milliseconds: on a busy machine it says
/// more than the clock on the wall.
fn cpu_ms() -> (f64, f64) {
    let used = std::fs::read_to_string("/proc/self/stat").unwrap();
    // After the name in brackets: the 12th and 13th words are user and system time in ticks of 10 ms, ended threads included.
    let words: Vec<&str> = used.rsplit(')').next().unwrap().split_whitespace().collect();
    let all = (words[11].parse::<f64>().unwrap() + words[12].parse::<f64>().unwrap()) * 10.0;
    let mut server = 0.0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let folder = task.unwrap().path();
        let Ok(schedstat) = std::fs::read_to_string(folder.join("schedstat")) else { continue };
        let ms = schedstat.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e6;
        if std::fs::read_to_string(folder.join("comm")).unwrap_or_default().starts_with("tokio") {
            server += ms;
        }
    }
    (server, all)
}
