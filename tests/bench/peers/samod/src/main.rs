//! samod, the same protocol as automerge-repo in Rust: a server with its storage in memory, and clients over TCP. Talks to `run.mjs`
//! as the other peers do: a message a line, each with an answer.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use automerge::transaction::Transactable as _;
use automerge::{ActorId, Automerge, ObjType, ROOT, ReadDoc as _};
use samod::storage::InMemoryStorage;
use samod::tokio_io::TcpDialer;
use samod::{BackoffConfig, DialerHandle, DocHandle, DocumentId, Repo, Transport};
use serde_json::{Value, json};

const VISITS: usize = 40;
const EDITS: usize = 25;
const CHANGED_BY_OTHERS: usize = 100;
const CARDS_A_DEVICE: usize = 70;

fn say(message: &Value) {
    let mut out = std::io::stdout().lock();
    let _written = writeln!(out, "{message}");
    let _flushed = out.flush();
}

async fn hear() -> Value {
    tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).unwrap_or(0) == 0 {
            std::process::exit(0);
        }
        serde_json::from_str(&line).unwrap()
    })
    .await
    .unwrap()
}

async fn ask(message: Value) {
    say(&message);
    hear().await;
}

fn put(doc: &mut automerge::transaction::Transaction<'_>, object: &automerge::ObjId, key: &str, value: &Value) {
    match value {
        Value::Object(parts) => {
            let made = doc.put_object(object, key, ObjType::Map).unwrap();
            parts.iter().for_each(|(key, value)| put(doc, &made, key, value));
        }
        Value::Number(number) => doc.put(object, key, number.as_i64().unwrap_or(0)).unwrap(),
        Value::Bool(is) => doc.put(object, key, *is).unwrap(),
        other => doc.put(object, key, other.as_str().unwrap_or_default()).unwrap(),
    }
}

fn part(doc: &mut automerge::transaction::Transaction<'_>, name: &str) -> automerge::ObjId {
    match doc.get(ROOT, name).unwrap() {
        Some((automerge::Value::Object(_), id)) => id,
        _ => doc.put_object(ROOT, name, ObjType::Map).unwrap(),
    }
}

fn write(doc: &mut automerge::transaction::Transaction<'_>, edit: &Value) {
    let text = |name: &str| edit[name].as_str().unwrap_or_default();
    match text("edit") {
        "assert" => put(doc, &ROOT, text("field"), &edit["value"]),
        "include" => {
            let set = part(doc, text("field"));
            doc.put(set, text("element"), true).unwrap();
        }
        "entry" => {
            let list = part(doc, text("list"));
            put(doc, &list, text("entry"), &edit["fields"]);
        }
        "rewrite" => doc.put(ROOT, text("field"), text("text")).unwrap(),
        "splice" => {
            let before = doc.get(ROOT, text("field")).unwrap().map(|(value, _)| value.as_str().unwrap_or_default().to_owned());
            doc.put(ROOT, text("field"), format!("{}{}", text("insert"), before.unwrap_or_default())).unwrap();
        }
        other => panic!("an edit that peers do not know: {other}"),
    }
}

fn change(doc: &mut Automerge, edit: impl FnOnce(&mut automerge::transaction::Transaction<'_>)) {
    let mut tx = doc.transaction();
    edit(&mut tx);
    tx.commit();
}

fn holds(handle: &DocHandle, key: &str, value: &str) -> bool {
    handle.with_document(|doc| doc.get(ROOT, key).unwrap().is_some_and(|(found, _)| found.as_str() == Some(value)))
}

async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn repo() -> Repo {
    Repo::build_tokio().with_storage(InMemoryStorage::new()).load().await
}

async fn server(corpus: &str, folder: &str) {
    let repo = repo().await;
    let mut handles = Vec::new();
    for line in std::fs::read_to_string(corpus).unwrap().lines() {
        let card: Value = serde_json::from_str(line).unwrap();
        let mut doc = Automerge::new();
        for (n, edits) in card["changes"].as_array().unwrap().iter().enumerate() {
            doc.set_actor(ActorId::from([n as u8 % 3; 16].as_slice()));
            change(&mut doc, |tx| edits.as_array().unwrap().iter().for_each(|edit| write(tx, edit)));
        }
        handles.push(repo.create(doc).await.unwrap());
    }
    let ids: Vec<String> = handles.iter().map(|handle| handle.document_id().to_string()).collect();
    std::fs::write(format!("{folder}/ids.json"), json!(ids).to_string()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = repo.make_acceptor(url::Url::parse(&format!("tcp://{address}")).unwrap()).unwrap();
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            let _nodelay = line.set_nodelay(true);
            let _accepted = acceptor.accept(Transport::from_tokio_io(line));
        }
    });
    say(&json!({ "port": address.port() }));
    loop {
        let asked = hear().await;
        let count = asked["edit"].as_u64().unwrap_or(0) as usize;
        for handle in handles.iter().rev().take(count) {
            handle.with_document(|doc| change(doc, |tx| tx.put(ROOT, "byOthers", "改").unwrap()));
        }
        for id in asked["expect"].as_array().into_iter().flatten() {
            let handle = found(&repo, id.as_str().unwrap()).await;
            until(|| holds(&handle, "ready", "today")).await;
        }
        say(&json!({}));
    }
}

async fn found(repo: &Repo, id: &str) -> DocHandle {
    let id: DocumentId = id.parse().unwrap();
    loop {
        if let Some(handle) = repo.find(id.clone()).await.unwrap() {
            return handle;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn dialled(repo: &Repo, port: &str) -> DialerHandle<std::convert::Infallible> {
    let dialer = TcpDialer::new_host_port("127.0.0.1".to_owned(), port.parse().unwrap());
    let handle = repo.dial(BackoffConfig::default(), Arc::new(dialer)).unwrap();
    let _peer = handle.established().await;
    handle
}

async fn day(repo: &Repo, known: &[String]) -> Vec<String> {
    let mut written = Vec::new();
    for n in 0..VISITS {
        let mut doc = Automerge::new();
        change(&mut doc, |tx| {
            let visit = json!({ "kind": "visit", "n": n, "outcome": "order", "type": "routine", "feedback": "老板要求月底前补货,冷柜灯管坏了一根,需要报修。" });
            visit.as_object().unwrap().iter().for_each(|(key, value)| put(tx, &ROOT, key, value));
            tx.put(ROOT, "ready", "today").unwrap();
        });
        written.push(repo.create(doc).await.unwrap().document_id().to_string());
    }
    for id in &known[..EDITS] {
        let handle = found(repo, id).await;
        handle.with_document(|doc| {
            change(doc, |tx| {
                tx.put(ROOT, "headcount", 7).unwrap();
                tx.put(ROOT, "ready", "today").unwrap();
            });
        });
        written.push(id.clone());
    }
    written
}

async fn all_found(repo: &Repo, ids: &[String]) -> Vec<DocHandle> {
    futures::future::join_all(ids.iter().map(|id| found(repo, id))).await
}

async fn client(folder: &str, port: &str, devices: usize) {
    let all: Vec<String> = serde_json::from_str(&std::fs::read_to_string(format!("{folder}/ids.json")).unwrap()).unwrap();
    let phone = repo().await;
    ask(json!({ "begin": "W1" })).await;
    let at = Instant::now();
    let line = dialled(&phone, port).await;
    let _cards = all_found(&phone, &all).await;
    ask(json!({ "end": "W1", "seconds": at.elapsed().as_secs_f64() })).await;

    line.close();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let written = day(&phone, &all).await;
    let changed = &all[all.len() - CHANGED_BY_OTHERS..];
    ask(json!({ "server": { "edit": changed.len() } })).await;
    ask(json!({ "begin": "W2" })).await;
    let at = Instant::now();
    let line = dialled(&phone, port).await;
    let theirs = all_found(&phone, changed).await;
    until(|| theirs.iter().all(|handle| holds(handle, "byOthers", "改"))).await;
    ask(json!({ "server": { "expect": written } })).await;
    ask(json!({ "end": "W2", "seconds": at.elapsed().as_secs_f64() })).await;

    tokio::time::sleep(Duration::from_millis(1_500)).await;
    line.close();
    tokio::time::sleep(Duration::from_millis(300)).await;
    ask(json!({ "begin": "W3" })).await;
    let at = Instant::now();
    let line = dialled(&phone, port).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    ask(json!({ "end": "W3", "seconds": at.elapsed().as_secs_f64() })).await;
    line.close();

    let mut many = Vec::new();
    for n in 0..devices {
        let one = repo().await;
        let line = dialled(&one, port).await;
        let known: Vec<String> = (0..CARDS_A_DEVICE).map(|at| all[(n * CARDS_A_DEVICE + at) % all.len()].clone()).collect();
        let _cards = all_found(&one, &known).await;
        line.close();
        many.push((one, known));
    }
    let mut expected = Vec::new();
    for (one, known) in &many {
        expected.extend(day(one, known).await);
    }
    ask(json!({ "begin": "W4" })).await;
    let at = Instant::now();
    let _lines = futures::future::join_all(many.iter().map(|(one, _)| dialled(one, port))).await;
    ask(json!({ "server": { "expect": expected } })).await;
    let rate = many.len() as f64 / at.elapsed().as_secs_f64();
    ask(json!({ "end": "W4", "seconds": at.elapsed().as_secs_f64(), "rate": rate })).await;
    std::process::exit(0);
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args[1].as_str() {
        "server" => server(&args[2], &args[3]).await,
        _ => client(&args[3], &args[4], args[5].parse().unwrap()).await,
    }
}
