//! The server against hostile connections, over a real socket: slow ones, torn ones, greedy ones, too many. Whatever they do, an honest
//! request is answered in time, what is too much hears 503 with `Retry-After`, and nothing that was acknowledged is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use roadbook_core::ids::{SubjectId, UserId};
use roadbook_core::model::{Edit, Provenance};
use roadbook_core::replica::Target;
use roadbook_core::store::Lane;
use roadbook_server::access::Role;
use roadbook_server::accounts::{NewUser, Who};
use roadbook_server::app::{App, EXCHANGES_AT_ONCE_MAX, Overloaded};
use roadbook_server::clock::Clock;
use roadbook_server::config::{Config, Limits};
use roadbook_server::http;
use roadbook_server::phone::{Phone, PhoneError, TransportError};

/// So long at most an honest request waits while others misbehave, on a busy machine too.
const HONEST_TIME: Duration = Duration::from_secs(8);

struct Server {
    app: Arc<App>,
    address: SocketAddr,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

fn server(limits: Limits) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let app = App::open(Config { listen: address, limits, ..Config::in_folder(folder.path()) }, Clock::system()).unwrap();
    runtime.spawn(http::serve::serve(Arc::clone(&app), listener, http::router(&app), std::future::pending()));
    Server { app, address, folder, runtime }
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends bytes and reads until the server closes.
    fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may close before it has read everything.
        let _sent = stream.write_all(bytes);
        heard(&mut stream)
    }

    fn honest(&self) {
        let begun = Instant::now();
        let heard = self.say(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(heard.starts_with("HTTP/1.1 204"), "{heard}");
        assert!(begun.elapsed() < HONEST_TIME, "an honest request waited {:?}", begun.elapsed());
    }
}

fn heard(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    // A reset after the answer is how a connection ends that was refused in the middle of its body.
    while let Ok(count) = stream.read(&mut piece) {
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn status(heard: &str) -> u16 {
    heard.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Memory of this process now, in MiB.
fn memory_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
fn a_slow_header_and_a_half_one_are_cut_while_others_are_served() {
    let server = server(Limits::default());
    let begun = Instant::now();
    let mut half = server.connect();
    half.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut loris: Vec<TcpStream> = (0..50).map(|_| server.connect()).collect();
    let mut rounds = 0;
    while begun.elapsed() < http::serve::HEADER_TIME + Duration::from_secs(8) && !loris.is_empty() {
        loris.retain_mut(|line| line.write_all(format!("X-{rounds}: y\r\n").as_bytes()).is_ok());
        rounds += 1;
        server.honest();
        // Real time: what is tested is that a deadline exists.
        std::thread::park_timeout(Duration::from_millis(500));
    }
    assert!(loris.is_empty(), "{} slow headers outlived the deadline", loris.len());
    let told = heard(&mut half);
    assert!(told.is_empty() || status(&told) == 408, "{told}");
}

#[test]
fn headers_that_are_too_long_or_too_many_are_refused() {
    let server = server(Limits::default());
    let long =
        format!("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n", "y".repeat(http::serve::HEADER_BYTES_MAX + 1));
    assert_eq!(status(&server.say(long.as_bytes())), 431);
    let many = format!("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}\r\n", "X: y\r\n".repeat(http::serve::HEADERS_MAX + 1));
    assert_eq!(status(&server.say(many.as_bytes())), 431);
    let path = format!("GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "y".repeat(http::serve::HEADER_BYTES_MAX + 1));
    assert!(matches!(status(&server.say(path.as_bytes())), 414 | 431));
    server.honest();
}

#[test]
fn what_two_servers_could_read_in_two_ways_is_read_by_nobody() {
    let server = server(Limits::default());
    let smuggled = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
    ] {
        let heard = server.say(format!("POST /api/login HTTP/1.1\r\nHost: x\r\n{framing}\r\n0\r\n\r\n{smuggled}").as_bytes());
        assert!(status(&heard) >= 400, "{framing:?}: {heard}");
        assert_eq!(heard.matches("HTTP/1.1").count(), 1, "{framing:?}: what was smuggled behind was answered: {heard}");
    }
    server.honest();
}

#[test]
fn a_half_body_is_given_up_and_of_a_strangers_nothing_is_kept() {
    let server = server(Limits { bodies_bytes: 64 << 10, ..Limits::default() });
    let sync = format!(
        "POST /v1/sync HTTP/1.1\r\nHost: x\r\nroadbook-device: {}\r\nroadbook-time: 1\r\nroadbook-nonce: {}\r\nroadbook-signature: 00\r\n\
         Content-Length: 4000000\r\n\r\n",
        "0190a5e0-0000-7000-8000-000000000000",
        "09".repeat(16)
    );
    let begun = Instant::now();
    let mut stranger = server.connect();
    stranger.write_all(sync.as_bytes()).unwrap();
    assert_eq!(status(&heard_head(&mut stranger)), 401, "long before its body would have ended");
    assert!(begun.elapsed() < http::body::DISCARD_TIME + HONEST_TIME);
    // A log-in that promises and does not deliver holds no memory, and is answered in the end.
    let mut halves: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut half = server.connect();
            half.write_all(b"POST /api/login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{")
                .unwrap();
            half
        })
        .collect();
    server.honest();
    let wrong = r#"{"name":"a","password":"b"}"#;
    let login = format!(
        "POST /api/login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{wrong}",
        wrong.len()
    );
    assert!(matches!(status(&server.say(login.as_bytes())), 401 | 503), "answered, not left waiting");
    assert_eq!(status(&heard_head(&mut halves[0])), 408, "the half body is given up");
}

/// The head of the next answer.
fn heard_head(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        text.push(char::from(byte[0]));
    }
    text
}

#[test]
fn bombs_do_not_go_off() {
    let server = server(Limits::default());
    // 256 MiB of zeros.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        gzip.write_all(&zeros).unwrap();
    }
    let gzip = gzip.finish().unwrap();
    let before = memory_mib();
    for path in ["/api/login", "/v1/sync"] {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n",
            gzip.len()
        )
        .into_bytes();
        request.extend_from_slice(&gzip);
        assert_eq!(status(&server.say(&request)), 415, "{path}");
    }
    // The same as a frame: its own limit holds.
    let mut frame = vec![roadbook_core::exchange::WIRE_VERSION];
    frame.extend(zstd::encode_all(std::io::repeat(0).take(256 << 20), 19).unwrap());
    assert!(frame.len() < 100_000, "{}", frame.len());
    let refused = roadbook_core::exchange::Request::decode(&frame).unwrap_err();
    assert!(matches!(refused, roadbook_core::exchange::WireError::TooLarge { .. }), "{refused}");
    assert!(memory_mib() < before + 100, "{before} MiB before, {} MiB after", memory_mib());
    server.honest();
}

#[test]
fn one_connection_too_many_hears_503_and_when_to_come_again() {
    let server = server(Limits { connections: 8, connections_per_address: 6, ..Limits::default() });
    let mut kept: Vec<TcpStream> = (0..6).map(|_| server.connect()).collect();
    // Each is taken in, in the order in which they came: the last one's answer says that all are.
    for line in &mut kept {
        line.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!(status(&heard_head(line)), 204);
    }
    let refused = server.say(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&refused), 503, "{refused}");
    assert!(refused.contains("retry-after: ") && refused.contains("\"overloaded\""), "{refused}");
    kept.pop().unwrap().shutdown(Shutdown::Both).unwrap();
    let begun = Instant::now();
    while status(&server.say(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) != 204 {
        assert!(begun.elapsed() < HONEST_TIME, "a place that was given back was not given again");
    }
}

#[test]
fn a_request_too_many_hears_503_and_the_next_one_is_answered() {
    let server = server(Limits { requests: 2, ..Limits::default() });
    let half = b"POST /api/login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let mut under_way: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut line = server.connect();
            line.write_all(half).unwrap();
            line
        })
        .collect();
    let begun = Instant::now();
    while server.app.requests().available_permits() > 0 {
        assert!(begun.elapsed() < HONEST_TIME);
        std::thread::yield_now();
    }
    let refused = server.say(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&refused), 503, "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");
    under_way.clear();
    let begun = Instant::now();
    while server.app.requests().available_permits() < 2 {
        assert!(begun.elapsed() < HONEST_TIME, "a place of a request that went was not given back");
        std::thread::yield_now();
    }
    server.honest();
}

#[test]
fn an_overloaded_server_says_so_and_loses_nothing() {
    let server = server(Limits { waiting: EXCHANGES_AT_ONCE_MAX + 2, ..Limits::default() });
    let now = server.app.now();
    let new = NewUser {
        id: UserId::from_bytes([1; 16]),
        login: "wf".to_owned(),
        name: "王芳".to_owned(),
        role: Role::Salesperson,
        password: None,
        territories: std::collections::BTreeSet::new(),
    };
    let user = server.app.accounts().add_user(now, &Who::shell(), &new).unwrap().id;
    let code = server.app.accounts().issue_code(now, &Who::shell(), user).unwrap().to_string();
    let place = server.folder.path().join("phone");
    let mut phone = Phone::enroll(&place, &format!("http://{}", server.address), &code, "wf1", Clock::system()).unwrap();
    let edit = Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() };
    let (stamp, target) = (phone.stamp().unwrap(), Target::customer(SubjectId::from_bytes([7; 16])));
    phone.replica_mut().save(&stamp, Lane::Normal, &target, &[edit]).unwrap();

    // Every place is taken: those that work and those that wait.
    let (free, until) = std::sync::mpsc::channel::<()>();
    let until = Arc::new(std::sync::Mutex::new(until));
    let busy: Vec<_> = (0..EXCHANGES_AT_ONCE_MAX + 2)
        .map(|_| {
            let (app, until) = (Arc::clone(&server.app), Arc::clone(&until));
            server.runtime.spawn(async move {
                // The look below may take a place for a moment: then once more.
                loop {
                    let until = Arc::clone(&until);
                    let worked = app.exchanging(move |_| until.lock().unwrap().recv().is_ok()).await;
                    if worked != Err(Overloaded) {
                        return worked;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let wait = Instant::now();
    while server.runtime.block_on(server.app.blocking(|_| ())).is_ok() {
        assert!(wait.elapsed() < HONEST_TIME, "a full server never said so");
    }
    match phone.sync() {
        Err(PhoneError::Transport(TransportError::Refused { status: 503, words })) => assert!(words.contains("busy"), "{words}"),
        other => panic!("{:?}", other.map(|turns| turns.len())),
    }
    drop(free);
    for one in busy {
        assert_eq!(server.runtime.block_on(one).unwrap(), Ok(false), "the channel was closed, not told");
    }
    phone.sync().unwrap();
    assert_eq!(phone.replica().outbox_size().unwrap().changes, 0, "handed in");
    assert!(server.app.feed().head().unwrap() > 0);
}

#[test]
fn every_request_that_changes_something_must_come_from_our_own_page() {
    let server = server(Limits::default());
    let new = NewUser {
        id: UserId::from_bytes([1; 16]),
        login: "admin".to_owned(),
        name: "admin".to_owned(),
        role: Role::Admin,
        password: None,
        territories: std::collections::BTreeSet::new(),
    };
    let now = server.app.now();
    let user = server.app.accounts().add_user(now, &Who::shell(), &new).unwrap().id;
    let token = server.app.accounts().begin_session(now, user, "::1").unwrap();
    let mut tried = 0;
    for (method, path) in http::endpoints().filter(|(method, path)| *method != "get" && path.starts_with("/api/")) {
        let path = path.split('/').map(|part| if part.starts_with('{') { "0190a5e0-0000-7000-8000-000000000000" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        for origin in ["", "Origin: http://evil\r\n", "Origin: null\r\n"] {
            let request = format!(
                "{} {path} HTTP/1.1\r\nHost: x\r\n{origin}Cookie: roadbook={}\r\nContent-Type: application/json\r\nConnection: close\r\n\
                 Content-Length: 2\r\n\r\n{{}}",
                method.to_uppercase(),
                token.as_str()
            );
            let heard = server.say(request.as_bytes());
            // A log-in reads its body first: what is no log-in is refused as such, and no session came into being either way.
            let refused = if path == "/api/login" { 400 } else { 403 };
            assert_eq!(status(&heard), refused, "{method} {path} {origin:?}: {heard}");
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

/// Real time: what is tested is that a deadline exists, and that the memory comes back with it.
#[test]
fn a_reader_that_never_reads_is_cut_and_its_answer_gives_its_memory_back() {
    const ANSWER_BYTES: usize = 48 << 20;
    let server = server(Limits::default());
    let room = Arc::new(http::body::Room::new(64 << 20));
    let big = {
        let room = Arc::clone(&room);
        move || async move { http::body::answer(vec![7; ANSWER_BYTES], &room).await }
    };
    let router = axum::Router::new().route("/big", axum::routing::get(big));
    let listener = server.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    server.runtime.spawn(http::serve::serve(Arc::clone(&server.app), listener, router, std::future::pending()));
    let taken = |bytes| server.runtime.block_on(room.take(bytes)).is_ok();

    let mut silent = TcpStream::connect(address).unwrap();
    silent.write_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let begun = Instant::now();
    // The first byte of the head says that the answer is under way.
    assert_eq!(silent.peek(&mut [0]).unwrap(), 1);
    assert!(!taken(ANSWER_BYTES), "the answer that nobody takes holds its memory");
    while !taken(ANSWER_BYTES) {
        assert!(begun.elapsed() < http::patience::WRITE_WINDOW * 2 + HONEST_TIME, "still held after {:?}", begun.elapsed());
    }
    // And a reader who takes it gets it whole.
    let mut reader = TcpStream::connect(address).unwrap();
    reader.write_all(b"GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = 0;
    let mut piece = vec![0; 1 << 20];
    while let Ok(count @ 1..) = reader.read(&mut piece) {
        bytes += count;
    }
    assert!(bytes > ANSWER_BYTES, "{bytes}");
}
