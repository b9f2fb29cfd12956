//! What a phone's file of 20,000 cards and 50,000 visits costs, encrypted: disk, opening, lists, overdue visits, search, memory; and its
//! first sync. `cargo bench -p roadbook-tests --bench store` prints one line a figure and fails when one is over its limit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement stops where something is wrong"
)]

#[path = "corpus.rs"]
#[allow(dead_code, reason = "shared by the benches")]
mod corpus;

use std::path::Path;
use std::time::{Duration, Instant};

use corpus::{Dice, MONDAY as NOW, card};
use minicbor::bytes::ByteVec;
use roadbook_core::exchange::{Answer, Checkpoint, Cursor, ITEMS_BYTES_TARGET, Item, Profile};
use roadbook_core::ids::{ChangeHash, DeviceId, DocId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::replica::{Replica, Stamp, Start, Target};
use roadbook_core::store::rows::{CustomerFilter, CustomerOrder, CustomerRow, PhoneRow, Place, VisitFilter, VisitRow};
use roadbook_core::store::{Described, Lane, OpenOptions, Store, StoreError, StoreKey};

const CARDS: usize = 20_000;
/// Different documents behind them: enough that no dictionary has seen most of them.
const DOCUMENTS: usize = 1_500;
const VISITS: usize = 50_000;
/// Different visits behind them.
const VISIT_DOCUMENTS: usize = 300;
/// Bytes of the file, at most: `DOMAIN.md` asks for 500 MB without photos.
const FILE_BYTES_MAX: u64 = 500 << 20;
/// Memory of a process that takes a first sync in, at most.
const SYNC_MIB_MAX: u64 = 150;
/// Repetitions of each query; the median counts.
const TIMES: usize = 21;

const SIGNS: &str = "惠民鑫源福康华联佳乐万家美好永盛隆昌兴旺金水玉泉春风和顺天地人和平安吉祥如意东西南北中心城乡新旧大小长宁重庆杭州江湖河海山石田园林木花草";
const TYPES: [&str; 10] = ["超市", "便利店", "烟酒店", "批发部", "食杂店", "百货商店", "副食店", "生活超市", "粮油店", "文具店"];
const ROADS: [&str; 12] =
    ["人民路", "解放路", "中山北路", "文一西路", "建国南路", "环城东路", "长江大道", "莫干山路", "学院路", "凤起路", "体育场路", "庆春路"];
const SURNAMES: &str = "王李张刘陈杨黄赵周吴徐孙马朱胡林郭何高罗";
const GRADES: [&str; 5] = ["A", "B", "C", "D", "unrated"];

fn sign(dice: &mut Dice, of: &str) -> char {
    let all: Vec<char> = of.chars().collect();
    *dice.pick(&all)
}
fn name(dice: &mut Dice) -> String {
    let brand: String = (0..2 + dice.below(3)).map(|_| sign(dice, SIGNS)).collect();
    format!("{brand}{}", dice.pick(&TYPES))
}
fn person(dice: &mut Dice) -> String {
    format!("{}{}{}", sign(dice, SURNAMES), sign(dice, SIGNS), sign(dice, SIGNS))
}
fn phone(dice: &mut Dice) -> String {
    format!("1{}{:08}", 30 + dice.below(60), dice.below(100_000_000))
}
fn address(dice: &mut Dice) -> String {
    let (district, road) = (sign(dice, "东西南北中"), *dice.pick(&ROADS));
    format!("浙江省杭州市{district}区{road}{}号{}室", 1 + dice.below(900), 100 + dice.below(500))
}

fn row(dice: &mut Dice, subject: SubjectId) -> CustomerRow {
    let grade = GRADES[dice.below(5)];
    let phones = (0..1 + dice.below(2)).map(|_| PhoneRow { shown: phone(dice), label: String::new(), person: person(dice) });
    CustomerRow {
        phones: phones.collect(),
        subject,
        name: name(dice),
        aliases: if dice.below(4) == 0 { vec![name(dice)] } else { Vec::new() },
        addresses: vec![address(dice)],
        people: vec![person(dice)],
        territory: Some(TerritoryId(format!("t{}", dice.below(20)))),
        owner: Some(UserId::from_bytes([u8::try_from(dice.below(50)).unwrap(); 16])),
        substitute: None,
        grade: grade.into(),
        business_type: "retailer".into(),
        location_type: ["residential", "commercial_centre", "school"][dice.below(3)].into(),
        retail_format: ["supermarket", "convenience", "grocery"][dice.below(3)].into(),
        channel_level: "terminal".into(),
        lifecycle: "active".into(),
        stage: String::new(),
        place: Some(Place {
            lat_e7: 302_000_000 + i32::try_from(dice.below(1_000_000)).unwrap(),
            lon_e7: 1_200_000_000 + i32::try_from(dice.below(1_000_000)).unwrap(),
        }),
        opened: chrono::NaiveDate::from_ymd_opt(2025, 6, 1).unwrap(),
        interval_days: [7, 14, 30, 60, 30][GRADES.iter().position(|g| *g == grade).unwrap()],
        stale_from: Some(NOW.plus(Ms::DAY * (i64::try_from(dice.below(400)).unwrap() - 100))),
        complete_percent: u8::try_from(dice.below(101)).unwrap(),
        updated: NOW.plus(-i64::try_from(dice.below(1_000_000_000)).unwrap()),
        reviews: Vec::new(),
    }
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[TIMES / 2]
}

fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// Highest memory of this process so far, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

fn key() -> StoreKey {
    StoreKey::new([0x5a; 32])
}

/// The answers of a first sync, as frames in a folder.
fn answers(folder: &Path) {
    let mut dice = Dice::new(50_000);
    let authors = [1, 2, 3].map(|n| UserId::from_bytes([n; 16]));
    let cards: Vec<Vec<u8>> = (0..DOCUMENTS).map(|_| card(&mut dice, &authors).document.save()).collect();
    let mut rep = Replica::in_memory([1; 16]).unwrap();
    rep.enrolled(DeviceId::from_bytes([2; 16]), &profile()).unwrap();
    let visits: Vec<Vec<u8>> = (0..VISIT_DOCUMENTS)
        .map(|_| {
            let ago = i64::try_from(dice.below(60)).unwrap() * Ms::DAY;
            let stamp = |dice: &mut Dice| Stamp { author: authors[0], now: NOW.plus(-ago), entropy: dice.bytes() };
            let shop = SubjectId::from_bytes(dice.bytes());
            let edits = corpus::first_edits(&mut dice);
            rep.save(&stamp(&mut dice), Lane::Normal, &Target::customer(shop), &edits).unwrap();
            let mut draft = rep.check_in(&stamp(&mut dice), shop, None, None).unwrap();
            draft.fields.insert("outcome".to_owned(), "order".into());
            draft
                .fields
                .insert("feedback".to_owned(), format!("{}老板要求月底前补货,冷柜灯管坏了一根,需要报修。", address(&mut dice)).into());
            let doc = rep.check_out(&stamp(&mut dice), &draft, None).unwrap();
            rep.document(doc).unwrap().unwrap().document.save()
        })
        .collect();
    let subjects: Vec<SubjectId> = (0..CARDS).map(|_| SubjectId::from_bytes(dice.bytes())).collect();
    let documents = subjects.iter().enumerate().map(|(n, subject)| (subject.customer(), "customer", *subject, &cards[n % DOCUMENTS]));
    let mut ids = Dice::new(7);
    let events = (0..VISITS).map(|n| (DocId::from_bytes(ids.bytes()), "visit", subjects[n % CARDS], &visits[n % VISIT_DOCUMENTS]));
    let (mut items, mut bytes, mut pages, mut total) = (Vec::new(), 0, 0_u64, 0);
    let mut page = |items: &mut Vec<Item>, last: bool| {
        pages += 1;
        let checkpoint = (!last).then_some(Checkpoint { base: 1, upto: pages });
        let cursor = Cursor { epoch: [3; 16], number: u64::from(last) };
        let items = std::mem::take(items);
        let answer = Answer { items, checkpoint, more: !last, ..Answer::empty(NOW, cursor) };
        let frame = answer.encode().unwrap();
        total += frame.len();
        std::fs::write(folder.join(format!("{pages:03}.frame")), frame).unwrap();
        total
    };
    for (doc, kind, subject, snapshot) in documents.chain(events) {
        bytes += snapshot.len();
        items.push(Item::Document { doc, kind: kind.to_owned(), subject, snapshot: ByteVec::from(snapshot.clone()) });
        if bytes > ITEMS_BYTES_TARGET {
            bytes = 0;
            page(&mut items, false);
        }
    }
    println!("first sync: {} bytes on the wire", page(&mut items, true));
}

fn profile() -> Profile {
    Profile {
        user: UserId::from_bytes([1; 16]),
        name: "王芳".to_owned(),
        role: "salesperson".to_owned(),
        territories: Vec::new(),
        offset_minutes: 480,
        people: Vec::new(),
        registry: None,
    }
}

/// Takes the answers in, as a phone of its own.
fn sync(folder: &Path) {
    let path = folder.join("phone.sqlite");
    let key = key();
    let start = Start { open: OpenOptions::phone(NOW).under(Some(&key)), process: [9; 16] };
    let (mut replica, _) = Replica::open(&path, &start).unwrap();
    // As apps do.
    replica.lend_threads(std::thread::available_parallelism().unwrap().get() - 1);
    replica.enrolled(DeviceId::from_bytes([2; 16]), &profile()).unwrap();
    let mut frames: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    frames.retain(|path| path.extension().is_some_and(|ending| ending == "frame"));
    frames.sort();
    let begin = Instant::now();
    let mut documents = 0;
    for frame in frames {
        let done = replica.sync_answer(&std::fs::read(frame).unwrap(), NOW).unwrap();
        assert_eq!(done.refused, 0);
        documents += done.documents;
    }
    println!("first sync: {documents} documents stored in {:?}", begin.elapsed());
    drop(replica);
    let (bytes, peak_mib) = (file_bytes(&path), peak_kib() / 1024);
    println!("first sync: peak memory {peak_mib} MiB (limit {SYNC_MIB_MAX}), file {} MiB (limit {})", bytes >> 20, FILE_BYTES_MAX >> 20);
    assert!(peak_mib <= SYNC_MIB_MAX && bytes <= FILE_BYTES_MAX, "over the limit");
    assert_eq!(documents, CARDS + VISITS);
}

fn fill(path: &Path) {
    let mut dice = Dice::new(20_000);
    let authors = [1, 2, 3].map(|n| UserId::from_bytes([n; 16]));
    let documents: Vec<(Vec<u8>, Vec<ChangeHash>)> = (0..DOCUMENTS)
        .map(|_| {
            let document = card(&mut dice, &authors).document;
            (document.save(), document.heads().hashes().to_vec())
        })
        .collect();
    let raw: usize = documents.iter().map(|(bytes, _)| bytes.len()).sum();
    println!("snapshot before compression: {} bytes a card", raw / DOCUMENTS);
    let key = key();
    let mut store = Store::open(path, &OpenOptions::phone(NOW).under(Some(&key))).unwrap().store;
    let begin = Instant::now();
    for first in (0..CARDS).step_by(500) {
        store
            .write::<_, StoreError>(|w| {
                for number in first..first + 500 {
                    let doc = DocId::from_bytes(dice.bytes());
                    let (bytes, heads) = &documents[number % DOCUMENTS];
                    w.put_document(&Described { doc, kind: "customer", subject: doc.into(), heads, fingerprint: number as u64 })?;
                    w.put_snapshot(doc, bytes)?;
                    w.put_customer_row(&row(&mut dice, doc.into()))?;
                    for _ in 0..VISITS * (number + 1) / CARDS - VISITS * number / CARDS {
                        let ago = i64::try_from(dice.below(60)).unwrap();
                        let started = NOW.plus(-ago * Ms::DAY);
                        w.put_visit_row(&VisitRow {
                            doc: DocId::from_bytes(dice.bytes()),
                            subject: doc.into(),
                            rep: Some(UserId::from_bytes([u8::try_from(dice.below(50)).unwrap(); 16])),
                            tour: None,
                            kind: "routine".into(),
                            outcome: "order".into(),
                            day: started.day(480).unwrap(),
                            started,
                            ended: Some(started.plus(900_000)),
                            place_label: "inside".into(),
                            counts: true,
                            possible_double: false,
                            clock_wrong: false,
                            amendments: 0,
                            photos: 0,
                            summary: "货架补满,老板要求下周送货".into(),
                        })?;
                    }
                }
                Ok(())
            })
            .unwrap();
    }
    println!("written in {:?}", begin.elapsed());
    store.close().unwrap();
    println!("file: {} bytes a card", file_bytes(path) / CARDS as u64);
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replica.sqlite");
    // Filled by a process of its own, so that memory measured below is that of a phone which opens and reads.
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("fill"), Some(path)) => return fill(Path::new(&path)),
        (Some("answers"), Some(path)) => return answers(Path::new(&path)),
        (Some("sync"), Some(path)) => return sync(Path::new(&path)),
        (Some("look"), Some(path)) => return look(Path::new(&path)),
        _ => {}
    }
    let child = |what: &str, path: &Path| {
        let done = std::process::Command::new(std::env::current_exe().unwrap()).arg(what).arg(path).status().unwrap();
        assert!(done.success(), "{what}");
    };
    child("fill", &path);
    let phone = tempfile::tempdir().unwrap();
    child("answers", phone.path());
    child("sync", phone.path());
    look(&path);
}

/// Opens the filled file and asks what an app asks.
fn look(path: &Path) {
    let mut over = Vec::new();
    let mut limit = |what: &str, took: Duration, limit_ms: u64| {
        println!("{what}: {:.2} ms (limit {limit_ms})", took.as_secs_f64() * 1e3);
        if took > Duration::from_millis(limit_ms) {
            over.push(what.to_owned());
        }
    };
    let begin = Instant::now();
    let key = key();
    let store = Store::open(path, &OpenOptions::phone(NOW).under(Some(&key))).unwrap().store;
    limit("open", begin.elapsed(), 150);
    let all = CustomerFilter::default();
    let begin = Instant::now();
    store.read(|r| r.customers(&all, CustomerOrder::Name, None, 50)).unwrap();
    limit("first 50 by name, cold", begin.elapsed(), 50);
    let mine = CustomerFilter { owner: Some(UserId::from_bytes([7; 16])), ..all.clone() };
    let nobody = CustomerFilter { territories: vec![TerritoryId("nowhere".into())], ..all.clone() };
    let place = Place { lat_e7: 302_500_000, lon_e7: 1_200_500_000 };
    for (what, filter, order) in [
        ("first 50 by name", &all, CustomerOrder::Name),
        ("first 50 of mine by name", &mine, CustomerOrder::Name),
        ("first 50 of an empty filter", &nobody, CustomerOrder::Name),
        ("first 50 by last visit", &all, CustomerOrder::LastVisit),
        ("first 50 by change", &all, CustomerOrder::Updated),
        ("first 50 by grade", &all, CustomerOrder::Grade),
        ("first 50 by staleness", &all, CustomerOrder::Stale),
        ("first 50 nearest", &all, CustomerOrder::Near(place)),
    ] {
        limit(what, median(|| drop(store.read(|r| r.customers(filter, order, None, 50)).unwrap())), 10);
    }
    let today = NOW.day(480).unwrap();
    limit("first 50 overdue", median(|| drop(store.read(|r| r.overdue(today, &all, None, 50)).unwrap())), 50);
    limit("overdue by grade", median(|| drop(store.read(|r| r.overdue_tally(today, &all)).unwrap())), 50);
    let visits = VisitFilter::default();
    limit("latest 50 visits", median(|| drop(store.read(|r| r.visits(&visits, None, 50)).unwrap())), 10);
    let week = VisitFilter { from: Some(today - chrono::Days::new(7)), ..VisitFilter::default() };
    limit("visits of a week by rep and day", median(|| drop(store.read(|r| r.visit_tally(&week)).unwrap())), 50);
    for query in [
        "惠民",
        "惠",
        "市",
        "惠民超市",
        "huimin",
        "huim",
        "hm",
        "h",
        "chaoshi",
        "惠民 人民路",
        "renminlu",
        "1234",
        "138",
        "1",
        "chongqing",
        "wang",
        "nothing",
    ] {
        let found = store.read(|r| r.search(query, &all, 50)).unwrap();
        let what = format!("search {query} ({}{} found)", found.found.len(), if found.more { "+" } else { "" });
        limit(&what, median(|| drop(store.read(|r| r.search(query, &all, 50)).unwrap())), 50);
    }
    limit("search 惠民 among mine", median(|| drop(store.read(|r| r.search("惠民", &mine, 50)).unwrap())), 50);
    let peak = peak_kib();
    println!("peak memory: {:.1} MB (limit 80)", peak as f64 / 1024.0);
    assert!(over.is_empty() && peak < 80 << 10, "over the limit: {over:?}");
}
