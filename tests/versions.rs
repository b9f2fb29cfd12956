//! Releases that meet: a phone of the first release and headquarters of today, and the reverse, by the frames of the first release
//! as they are kept in `fixtures/wire-1`. Whatever the two do not share, nothing unsent is lost by it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::{Request as HttpRequest, StatusCode};
use minicbor::{Decode, Encode};
use roadbook_core::exchange::{
    Answer, Checkpoint, Cursor, Heartbeat, Item, Outcome, Profile, Pushed, Request, SPEAKS, SPEAKS_WHEN_SILENT, Verdict, WIRE_VERSION,
};
use roadbook_core::ids::{DeviceId, Ms, SubjectId, UserId};
use roadbook_core::model::{Edit, Provenance};
use roadbook_core::replica::{Replica, Stamp, Target};
use roadbook_core::signing::{SYNC_PATH, Signed, SoftwareKey};
use roadbook_core::store::Lane;
use roadbook_server::access::Role;
use roadbook_server::accounts::{NewUser, Who};
use roadbook_server::app::App;
use roadbook_server::clock::Clock;
use roadbook_server::config::Config;
use tower::ServiceExt as _;

const NOON: Ms = Ms(1_772_424_000_000);
/// The device of `fixtures/wire-1/request.frame`.
const DEVICE: [u8; 16] = [2; 16];
/// A frame version of some later release.
const LATER: u8 = WIRE_VERSION + 8;

/// A request as the first release reads it.
#[derive(Debug, PartialEq, Encode, Decode)]
struct FirstRequest {
    #[n(0)]
    device: DeviceId,
    #[n(1)]
    now: Ms,
    #[n(2)]
    cursor: Option<Cursor>,
    #[n(3)]
    checkpoint: Option<Checkpoint>,
    #[n(4)]
    digest: Option<u64>,
    #[n(5)]
    pushed: Vec<Pushed>,
    #[n(6)]
    schema: u32,
    #[n(7)]
    heartbeat: Heartbeat,
}

/// An answer as the first release reads it.
#[derive(Debug, PartialEq, Encode, Decode)]
struct FirstAnswer {
    #[n(0)]
    now: Ms,
    #[n(1)]
    verdicts: Vec<Verdict>,
    #[n(2)]
    items: Vec<Item>,
    #[n(3)]
    cursor: Cursor,
    #[n(4)]
    checkpoint: Option<Checkpoint>,
    #[n(5)]
    more: bool,
    #[n(6)]
    restart: bool,
    #[n(7)]
    profile: Option<Profile>,
}

fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire-1").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a frame holds, as the first release inflates it.
fn plain(frame: &[u8]) -> Vec<u8> {
    assert_eq!(frame[0], 1, "the first release reads this version only");
    zstd::decode_all(&frame[1..]).unwrap()
}

/// Sends a frame, signed by the device of the fixture, to headquarters of today.
async fn send(frame: &[u8]) -> (StatusCode, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let app = App::open(Config::in_folder(folder.path()), Clock::from_fn(|| NOON)).unwrap();
    let new = NewUser {
        id: UserId::from_bytes([1; 16]),
        login: "wf".to_owned(),
        name: "王芳".to_owned(),
        role: Role::Salesperson,
        password: None,
        territories: BTreeSet::new(),
    };
    let user = app.accounts().add_user(NOON, &Who::shell(), &new).unwrap().id;
    let (key, device) = (SoftwareKey::from_secret(&[5; 32]).unwrap(), DeviceId::from_bytes(DEVICE));
    let code = app.accounts().issue_code(NOON, &Who::shell(), user).unwrap();
    app.accounts().enroll_device(NOON, "", &code, device, &key.public().to_sec1(), "wf1").unwrap().unwrap();
    let signed = Signed { method: "POST", path: SYNC_PATH, device: Some(device), time: NOON, nonce: [1; 16], body: frame };
    let mut request = HttpRequest::post(SYNC_PATH);
    for (name, value) in signed.headers(&key.sign(&signed.text())) {
        request = request.header(name, value);
    }
    let answer = roadbook_server::http::router(&app).oneshot(request.body(Body::from(frame.to_vec())).unwrap()).await.unwrap();
    let status = answer.status();
    (status, to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec())
}

#[tokio::test]
async fn a_phone_of_the_first_release_is_answered_in_its_words() {
    let (status, frame) = send(&fixture("request.frame")).await;
    assert_eq!(status, StatusCode::OK);
    let answer: FirstAnswer = minicbor::decode(&plain(&frame)).unwrap();
    assert_eq!(answer.verdicts.len(), 2, "one for each change handed in");
    assert!(answer.verdicts.iter().all(|verdict| matches!(verdict.outcome, Outcome::Quarantined { .. })), "{:?}", answer.verdicts);
    assert!(answer.items.iter().all(|item| item.spoken_from() == SPEAKS_WHEN_SILENT));
    assert_eq!(Answer::decode(&frame).unwrap().speaks(), SPEAKS, "and a phone of today learns what it may ask");
}

#[test]
fn headquarters_of_the_first_release_reads_a_phone_of_today_and_is_read_by_it() {
    let mut phone = Replica::in_memory([3; 16]).unwrap();
    let told = Answer::decode(&fixture("answer.frame")).unwrap();
    assert_eq!(told.speaks(), SPEAKS_WHEN_SILENT);
    phone.enrolled(DeviceId::from_bytes(DEVICE), told.profile.as_ref().unwrap()).unwrap();
    let stamp = Stamp { author: UserId::from_bytes([1; 16]), now: NOON, entropy: [1; 16] };
    let edit = Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() };
    phone.save(&stamp, Lane::Normal, &Target::customer(SubjectId::from_bytes([7; 16])), &[edit]).unwrap();
    let frame = phone.sync_request(NOON, Some("today")).unwrap();
    let read: FirstRequest = minicbor::decode(&plain(&frame)).unwrap();
    assert_eq!((read.device, read.pushed.len(), read.heartbeat.unsent_changes), (DeviceId::from_bytes(DEVICE), 1, 1));
    assert_eq!(Request::decode(&frame).unwrap().speaks(), SPEAKS);
    // Its answer is taken in; what it has no verdict for stays unsent.
    phone.sync_answer(&fixture("answer.frame"), NOON).unwrap();
    assert_eq!(phone.outbox_size().unwrap().changes, 1);
}

#[tokio::test]
async fn a_frame_version_that_is_not_read_here_is_told_which_are() {
    let mut frame = fixture("request.frame");
    frame[0] = LATER;
    let (status, body) = send(&frame).await;
    assert_eq!(status, StatusCode::UPGRADE_REQUIRED);
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body.pointer("/error/code"), Some(&"update_needed".into()));
    assert_eq!(body.pointer("/error/reads"), Some(&serde_json::json!([WIRE_VERSION])));
    assert_eq!(body.pointer("/error/found"), Some(&LATER.into()));
}

#[test]
fn an_answer_of_a_later_frame_version_changes_nothing_on_the_phone() {
    let mut phone = Replica::in_memory([3; 16]).unwrap();
    let mut frame = fixture("answer.frame");
    phone.enrolled(DeviceId::from_bytes(DEVICE), Answer::decode(&frame).unwrap().profile.as_ref().unwrap()).unwrap();
    let before = phone.sync_request(NOON, None).unwrap();
    frame[0] = LATER;
    let error = phone.sync_answer(&frame, NOON).unwrap_err();
    assert!(error.to_string().contains("update needed"), "{error}");
    assert_eq!(phone.sync_request(NOON, None).unwrap(), before);
}
