//! The router without a port, and the accept loop on one.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use roadbook_core::ids::{Ms, UserId};
use roadbook_core::signing::{ENROL_PATH, EnrolAnswer, EnrolRequest, NEWS_PATH, Signed, SoftwareKey};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Shared, router, serve};
use crate::access::Role;
use crate::accounts::{NewUser, Who};
use crate::app::App;
use crate::auth::password;
use crate::clock::Clock;
use crate::config::{Config, Limits};

const PASSWORD: &str = "correct horse battery";

struct World {
    _folder: tempfile::TempDir,
    app: Shared,
    router: Router,
    time: Arc<AtomicI64>,
    user: UserId,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(1_772_409_600_000));
    let clock = Arc::clone(&time);
    let limits = Limits { device_requests_per_minute: 20, device_requests_at_once: 2, ..Limits::default() };
    let config = Config { limits, ..Config::in_folder(folder.path()) };
    let app = App::open(config, Clock::from_fn(move || Ms(clock.load(Ordering::SeqCst)))).unwrap();
    let new = NewUser {
        id: UserId::from_bytes([1; 16]),
        login: "cg".to_owned(),
        name: "陈刚".to_owned(),
        role: Role::Manager,
        password: Some(password::hash(PASSWORD).unwrap()),
        territories: BTreeSet::new(),
    };
    let user = app.accounts().add_user(app.now(), &Who::shell(), &new).unwrap().id;
    World { _folder: folder, router: router(&app), app, time, user }
}

impl World {
    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }
    async fn log_in(&self, password: &str, origin: Option<&str>) -> Response<Body> {
        let mut request = Request::post("/api/login").header("content-type", "application/json").header("host", "hq:7070");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request.body(Body::from(json!({ "name": "cg", "password": password }).to_string())).unwrap()).await
    }
    async fn cookie(&self) -> String {
        let response = self.log_in(PASSWORD, Some("http://hq:7070")).await;
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = response.headers().get("set-cookie").unwrap().to_str().unwrap().to_owned();
        cookie.split(';').next().unwrap().to_owned()
    }
}

async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap()
}

#[tokio::test]
async fn log_in_look_and_log_out() {
    let world = world();
    let me = |cookie: String| {
        let request = Request::get("/api/me").header("cookie", cookie).body(Body::empty()).unwrap();
        world.send(request)
    };
    let nobody = me("roadbook=x".to_owned()).await;
    assert_eq!(nobody.status(), StatusCode::OK);
    assert_eq!(json_of(nobody).await, Value::Null);

    let response = world.log_in(PASSWORD, Some("http://hq:7070")).await;
    let cookie = response.headers().get("set-cookie").unwrap().to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
    let body = json_of(response).await;
    assert_eq!(body.pointer("/user/name"), Some(&json!("陈刚")));
    assert_eq!(body.pointer("/may/verify"), Some(&json!(true)));

    let cookie = world.cookie().await;
    assert_eq!(json_of(me(format!("other=1; {cookie}")).await).await.pointer("/user/role"), Some(&json!("manager")));
    let out = Request::post("/api/logout").header("cookie", &cookie).header("host", "hq").header("origin", "http://hq");
    let out = world.send(out.body(Body::empty()).unwrap()).await;
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert!(out.headers().get("set-cookie").unwrap().to_str().unwrap().starts_with("roadbook=; Path=/; Max-Age=0"));
    assert_eq!(json_of(me(cookie).await).await, Value::Null);
}

#[tokio::test]
async fn an_answer_before_its_request_was_read_says_that_the_connection_ends() {
    let world = world();
    let cookie = world.cookie().await;
    let closes = |response: &Response<Body>| response.headers().get("connection").is_some_and(|value| value == "close");
    let post = |cookie: &str| {
        let request = Request::post("/api/accounts/users").header("content-type", "application/json").header("cookie", cookie);
        world.send(request.header("host", "hq").header("origin", "http://hq").body(Body::from("{}")).unwrap())
    };
    let nobody = post("roadbook=x").await;
    assert!(nobody.status() == StatusCode::UNAUTHORIZED && closes(&nobody), "{nobody:?}");
    let read = post(&cookie).await;
    assert!(read.status().is_client_error() && !closes(&read), "{read:?}");
    let without = Request::get("/api/accounts").body(Body::empty()).unwrap();
    let without = world.send(without).await;
    assert!(without.status() == StatusCode::UNAUTHORIZED && !closes(&without), "{without:?}");
    let wrong = world.log_in("wrong", Some("http://hq:7070")).await;
    assert!(wrong.status() == StatusCode::UNAUTHORIZED && !closes(&wrong), "{wrong:?}");
}

#[tokio::test]
async fn foreign_pages_wrong_passwords_and_guessing_are_refused() {
    let world = world();
    for origin in [None, Some("http://evil"), Some("https://hq:7070.evil"), Some("null")] {
        let response = world.log_in(PASSWORD, origin).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin:?}");
    }
    for _ in 0..5 {
        assert_eq!(world.log_in("wrong", Some("http://hq:7070")).await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.log_in("wrong", Some("http://hq:7070")).await.status(), StatusCode::UNAUTHORIZED);
    let slowed = world.log_in(PASSWORD, Some("http://hq:7070")).await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(slowed.headers().get("retry-after").unwrap(), "2");
    assert_eq!(json_of(slowed).await.pointer("/error/code"), Some(&json!("too_often")));
    world.time.fetch_add(2_000, Ordering::SeqCst);
    assert_eq!(world.log_in(PASSWORD, Some("http://hq:7070")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn bodies_are_bounded_typed_and_shaped() {
    let world = world();
    let send = |kind: &'static str, body: Vec<u8>| {
        let request = Request::post("/api/login").header("content-type", kind).header("host", "h").header("origin", "http://h");
        world.send(request.body(Body::from(body)).unwrap())
    };
    assert_eq!(send("text/plain", b"{}".to_vec()).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send("application/json", b"{}".to_vec()).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(send("application/json", vec![b'['; super::JSON_BYTES_MAX + 1]).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send("application/json; charset=utf-8", vec![b'['; super::LOGIN_BYTES_MAX]).await.status(), StatusCode::BAD_REQUEST);
    let nowhere = world.send(Request::get("/api/nowhere").body(Body::empty()).unwrap()).await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    let headers = nowhere.headers();
    assert!(!headers.get("content-security-policy").unwrap().to_str().unwrap().contains("unsafe"));
    assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
    assert_eq!(headers.get("cache-control").unwrap(), "no-store");
    assert!(headers.get("strict-transport-security").is_none());
}

struct Device {
    key: SoftwareKey,
    id: Option<roadbook_core::ids::DeviceId>,
    nonce: u8,
}

impl Device {
    fn knock(&mut self, time: Ms, knock: &[u8]) -> Request<Body> {
        self.nonce += 1;
        let signed = Signed { method: "POST", path: "/v1/sync", device: self.id, time, nonce: [self.nonce; 16], body: knock };
        let (headers, body) = signed.sent(&self.key.sign(&signed.text()));
        assert!(headers.is_empty());
        Request::post("/v1/sync").header("content-length", body.len()).body(Body::from(body)).unwrap()
    }
    fn request(&mut self, method: &str, path: &str, time: Ms, body: Vec<u8>) -> Request<Body> {
        self.nonce += 1;
        let signed = Signed { method, path, device: self.id, time, nonce: [self.nonce; 16], body: &body };
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in signed.headers(&self.key.sign(&signed.text())) {
            request = request.header(name, value);
        }
        request.body(Body::from(body)).unwrap()
    }
}

async fn enrolled(world: &World) -> Device {
    let code = world.app.accounts().issue_code(world.app.now(), &Who::shell(), world.user).unwrap();
    let mut device = Device { key: SoftwareKey::from_secret(&[5; 32]).unwrap(), id: None, nonce: 0 };
    let frame = EnrolRequest { code: code.to_string(), key: device.key.public().to_sec1().into(), name: "wf1".into() }.encode();
    // A clock that is off: the server says what time it is.
    let wrong = world.send(device.request("POST", ENROL_PATH, Ms(0), frame.clone())).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let time: i64 = wrong.headers().get("roadbook-time").unwrap().to_str().unwrap().parse().unwrap();
    let right = world.send(device.request("POST", ENROL_PATH, Ms(time), frame)).await;
    assert_eq!(right.status(), StatusCode::OK);
    let answer = EnrolAnswer::decode(&to_bytes(right.into_body(), 1 << 20).await.unwrap()).unwrap();
    assert_eq!((answer.profile.user, answer.profile.role.as_str()), (world.user, "manager"));
    device.id = Some(answer.device);
    device
}

#[tokio::test]
async fn a_device_is_enrolled_by_its_code_and_key_only() {
    let world = world();
    let mut device = enrolled(&world).await;
    device.id = None;
    let code = world.app.accounts().issue_code(world.app.now(), &Who::shell(), world.user).unwrap();
    let other = SoftwareKey::from_secret(&[6; 32]).unwrap().public().to_sec1();
    let frame = |code: &str, key: Vec<u8>| EnrolRequest { code: code.to_owned(), key: key.into(), name: "x".into() }.encode();
    let now = world.app.now();
    let stolen = device.request("POST", ENROL_PATH, now, frame(&code.to_string(), other));
    assert_eq!(world.send(stolen).await.status(), StatusCode::UNAUTHORIZED, "the key is not the signer's");
    let own = device.key.public().to_sec1();
    let guessed = device.request("POST", ENROL_PATH, now, frame("0000-0000-0000-0000", own));
    assert_eq!(world.send(guessed).await.status(), StatusCode::FORBIDDEN);
    let junk = device.request("POST", ENROL_PATH, now, vec![1, 2, 3]);
    assert_eq!(world.send(junk).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let large = device.request("POST", ENROL_PATH, now, vec![1; 5_000]);
    assert_eq!(world.send(large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    for _ in 0..30 {
        let _tried = world.send(device.request("POST", ENROL_PATH, now, vec![])).await;
    }
    let guessing = device.request("POST", ENROL_PATH, now, vec![]);
    assert_eq!(world.send(guessing).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn replayed_and_altered_requests_are_refused_and_budgets_hold() {
    let world = world();
    let mut device = enrolled(&world).await;
    let now = world.app.now();
    let open = world.send(device.request("GET", NEWS_PATH, now, vec![])).await;
    assert_eq!(open.status(), StatusCode::OK);
    device.nonce -= 1;
    let replayed = world.send(device.request("GET", NEWS_PATH, now, vec![])).await;
    assert_eq!(replayed.status(), StatusCode::UNAUTHORIZED);
    let mut altered = device.request("GET", NEWS_PATH, now, vec![]);
    *altered.body_mut() = Body::from("x");
    assert_eq!(world.send(altered).await.status(), StatusCode::UNAUTHORIZED);
    let mut doubled = device.request("GET", NEWS_PATH, now, vec![]);
    doubled.headers_mut().append("roadbook-device", "x".parse().unwrap());
    assert_eq!(world.send(doubled).await.status(), StatusCode::UNAUTHORIZED);
    let second = world.send(device.request("GET", NEWS_PATH, now, vec![])).await;
    assert_eq!(second.status(), StatusCode::OK);
    let third = world.send(device.request("GET", NEWS_PATH, now, vec![])).await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS, "two channels are open");
    drop((open, second));
}

#[tokio::test]
async fn the_console_hears_of_news() {
    let world = world();
    let cookie = world.cookie().await;
    let request = |cookie: &str| Request::get("/api/news").header("cookie", cookie).body(Body::empty()).unwrap();
    assert_eq!(world.send(request("")).await.status(), StatusCode::UNAUTHORIZED);
    let response = world.send(request(&cookie)).await;
    assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
    world.app.news().tell(7, None);
    let mut body = response.into_body().into_data_stream();
    let first = tokio_stream::StreamExt::next(&mut body).await.unwrap().unwrap();
    assert_eq!(std::str::from_utf8(&first).unwrap(), "event: news\ndata: {\"docs\":null,\"number\":7}\n\n");
    world.app.end();
    assert!(tokio_stream::StreamExt::next(&mut body).await.is_none(), "the server ends, and the channel with it");
}

/// A real socket and real waiting: what is tested is that the loop has a deadline at all.
#[tokio::test]
async fn half_a_header_is_cut_and_the_server_ends_in_time() {
    let world = world();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve::serve(Arc::clone(&world.app), listener, world.router.clone(), async {
        let _asked = stopped.await;
    }));
    let talk = move |text: &'static str| {
        tokio::task::spawn_blocking(move || {
            use std::io::{Read as _, Write as _};
            let mut line = std::net::TcpStream::connect(address).unwrap();
            line.set_read_timeout(Some(serve::HEADER_TIME * 2)).unwrap();
            line.write_all(text.as_bytes()).unwrap();
            let mut heard = String::new();
            line.read_to_string(&mut heard).map(|_| heard)
        })
    };
    let slow = talk("GET /health HTTP/1.1\r\nHost: x\r\n");
    let good = talk("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap().unwrap();
    assert!(good.starts_with("HTTP/1.1 204"), "{good}");
    assert!(slow.await.unwrap().is_ok(), "half a header was left open");
    stop.send(()).unwrap();
    tokio::time::timeout(serve::SHUTDOWN_TIME, serving).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[test]
fn one_folder_is_served_by_one_process() {
    let world = world();
    match App::open(world.app.config().clone(), Clock::system()) {
        Err(error) => assert!(error.to_string().contains("in use by another roadbook-server"), "{error}"),
        Ok(_) => panic!("two servers on one folder"),
    }
}

#[tokio::test]
async fn a_phone_syncs_and_a_revoked_one_is_gone() {
    use roadbook_core::exchange::knock::is_knock;
    use roadbook_core::exchange::{Answer, Outcome};
    use roadbook_core::ids::SubjectId;
    use roadbook_core::model::{Edit, Provenance};
    use roadbook_core::replica::{Replica, Stamp, Target};
    use roadbook_core::signing::SYNC_PATH;
    use roadbook_core::store::Lane;

    let world = world();
    let mut device = enrolled(&world).await;
    let now = world.app.now();
    let mut phone = Replica::in_memory([3; 16]).unwrap();
    let person = world.app.accounts().user(world.user).unwrap().unwrap();
    phone.enrolled(device.id.unwrap(), &crate::exchange::profile::of(world.app.accounts(), 480, &person).unwrap()).unwrap();
    let customer = SubjectId::from_bytes([50; 16]);
    let stamp = Stamp { author: world.user, now, entropy: [1; 16] };
    let edit = Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() };
    phone.save(&stamp, Lane::Normal, &Target::customer(customer), &[edit]).unwrap();

    let frame = phone.sync_request(now, Some("test")).unwrap();
    let response = world.send(device.request("POST", SYNC_PATH, now, frame)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert_eq!(Answer::decode(&bytes).unwrap().verdicts.first().unwrap().outcome, Outcome::Accepted);
    let synced = phone.sync_answer(&bytes, now).unwrap();
    assert!(synced.today && !synced.more, "a first sync without a tour is one turn");

    // Nothing new: one small answer.
    let frame = phone.sync_request(now, None).unwrap();
    assert!(frame.len() < 300, "{}", frame.len());
    let response = world.send(device.request("POST", SYNC_PATH, now, frame)).await;
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert!(bytes.len() < 300, "{}", bytes.len());
    assert!(!phone.sync_answer(&bytes, now).unwrap().more);

    // The same again: a knock, that carries its signature within.
    let knock = phone.sync_frame(now, None).unwrap();
    assert!(is_knock(&knock));
    let answer = world.send(device.knock(now, &knock)).await;
    assert_eq!((answer.status(), answer.headers().len()), (StatusCode::OK, 1), "a length and no other header: {:?}", answer.headers());
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    assert_eq!(bytes.len(), 9);
    assert!(!phone.sync_answer(&bytes, now).unwrap().more);
    device.nonce -= 1;
    assert_eq!(world.send(device.knock(now, &knock)).await.status(), StatusCode::UNAUTHORIZED, "a knock is taken once");
    let mut forged = device.knock(now, &knock);
    *forged.body_mut() = Body::from(vec![b'k'; 121]);
    assert_eq!(world.send(forged).await.status(), StatusCode::UNAUTHORIZED);
    let mut altered = to_bytes(device.knock(now, &knock).into_body(), 1 << 10).await.unwrap().to_vec();
    altered[50] ^= 1;
    let altered = Request::post(SYNC_PATH).header("content-length", altered.len()).body(Body::from(altered)).unwrap();
    assert_eq!(world.send(altered).await.status(), StatusCode::UNAUTHORIZED, "what is signed is the knock");
    let mut other = knock.clone();
    other[3] ^= 1;
    let bytes = to_bytes(world.send(device.knock(now, &other)).await.into_body(), 1 << 20).await.unwrap();
    assert!(phone.sync_answer(&bytes, now).unwrap().more, "headquarters does not remember that");
    assert!(!is_knock(&phone.sync_frame(now, None).unwrap()), "so it is said in full");

    for (frame, wanted) in [
        (vec![], StatusCode::BAD_REQUEST),
        (vec![9, 1, 2, 3], StatusCode::UPGRADE_REQUIRED),
        (vec![1, 2, 3, 4], StatusCode::BAD_REQUEST),
        (vec![1; roadbook_core::exchange::REQUEST_BYTES_MAX + 1], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        assert_eq!(world.send(device.request("POST", SYNC_PATH, now, frame)).await.status(), wanted);
    }
    world.app.accounts().revoke_device(now, &Who::shell(), device.id.unwrap()).unwrap();
    let request = phone.request(now, None).unwrap();
    let older = roadbook_core::exchange::Request { besides: None, ..request }.encode().unwrap();
    assert_eq!(world.send(device.request("POST", SYNC_PATH, now, older)).await.status(), StatusCode::GONE);
    let frame = phone.sync_request(now, None).unwrap();
    let response = world.send(device.request("POST", SYNC_PATH, now, frame)).await;
    assert!(phone.sync_answer(&to_bytes(response.into_body(), 1 << 20).await.unwrap(), now).unwrap().wiped);
}
