//! Photos and urgent reports over a real socket: a phone of the shell, the real server, the console's own requests.

use std::path::Path;

use roadbook_core::blobs::photos::NewPhoto;
use roadbook_core::blobs::wire::{BLOBS_PATH, BlobAsk, BlobRequest};
use roadbook_core::ids::{DocId, SubjectId, UserId};
use roadbook_core::model::{Edit, Provenance, Role};
use roadbook_core::replica::Target;
use roadbook_core::replica::urgent::UrgentReport;
use roadbook_core::store::Lane;
use roadbook_server::accounts::Who;
use roadbook_server::clock::{Clock, random};
use roadbook_server::phone::{Phone, PhoneError, TransportError};
use serde_json::{Value, json};

use crate::socket::Server;
use crate::world::edits::picture;

struct Story {
    server: Server,
    phone: Phone,
    shop: SubjectId,
    manager: String,
    rep: String,
    stranger: String,
    _folder: tempfile::TempDir,
}

fn begin() -> Story {
    let server = Server::open();
    server.territory("east", None);
    server.territory("west", None);
    let id = |login: &str| UserId::derived(&format!("socket/{login}"));
    let rep = server.person(id("wf"), "wf", Role::Salesperson, &["east"]);
    let manager = server.person(id("cg"), "cg", Role::Manager, &[]);
    let stranger = server.person(id("xw"), "xw", Role::Salesperson, &["west"]);
    let folder = tempfile::tempdir().unwrap();
    let code = server.app.accounts().issue_code(server.app.now(), &Who::shell(), rep).unwrap();
    let mut phone = Phone::enroll(&folder.path().join("phone"), &server.origin(), &code.to_string(), "手机", Clock::system()).unwrap();
    let shop = SubjectId::fresh(server.app.now(), random().unwrap());
    let name = Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() };
    let stamp = phone.stamp().unwrap();
    phone.replica_mut().save(&stamp, Lane::Normal, &Target::customer(shop), &[name]).unwrap();
    phone.sync().unwrap();
    let (manager, rep, stranger) = (server.session(manager), server.session(rep), server.session(stranger));
    Story { server, phone, shop, manager, rep, stranger, _folder: folder }
}

fn visit(story: &mut Story, photos: &[Vec<u8>]) -> DocId {
    let stamp = story.phone.stamp().unwrap();
    let mut draft = story.phone.replica_mut().check_in(&stamp, story.shop, None, None).unwrap();
    for bytes in photos {
        let stamp = story.phone.stamp().unwrap();
        let small = picture(bytes.len() as u64, 4_000);
        let new = NewPhoto { kind: "shelf", bytes, thumbnail: Some(&small), taken_at: stamp.now };
        story.phone.replica_mut().add_photo(&stamp, draft.doc, &new).unwrap();
    }
    draft.fields.insert("outcome".to_owned(), "order".into());
    let stamp = story.phone.stamp().unwrap();
    story.phone.replica_mut().check_out(&stamp, &draft, None).unwrap()
}

fn ask(story: &Story, cookie: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let reply = story.server.console(Some(cookie), method, path, body);
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
}

#[test]
fn s28_photos_over_a_real_socket_and_a_store_that_fails_in_between() {
    let mut story = begin();
    let photos = [picture(1, 700_000), picture(2, 300_000)];
    let doc = visit(&mut story, &photos);
    story.phone.sync().unwrap();
    let visits = format!("/api/visits?customer={}", story.shop);
    let (status, list) = ask(&story, &story.manager, "GET", &visits, None);
    assert_eq!(status, 200);
    let row = &list["rows"][0];
    assert_eq!((&row["photos_missing"], &row["complete"], row["photos"].as_array().unwrap().len()), (&json!(2), &json!(false), 2));
    assert_eq!(row["photos"][0]["original"], Value::Null, "待传");

    // The store of photos fails (its folder is gone): 503, and nothing is lost.
    let store = story.server.app.config().file(roadbook_server::storage::BLOBS_FOLDER);
    let away = store.with_extension("away");
    std::fs::rename(&store, &away).unwrap();
    std::fs::write(&store, "not a folder").unwrap();
    let failed = story.phone.sync_photos(false);
    assert!(matches!(&failed, Err(PhoneError::Transport(TransportError::Refused { status: 503, .. }))), "{failed:?}");
    assert_eq!(story.phone.replica().photos_waiting().unwrap().originals, 2);
    std::fs::remove_file(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    story.phone.replica_mut().keep_originals(0).unwrap();
    let steps = story.phone.sync_photos(false).unwrap();
    assert!(steps.iter().any(|step| step.complete == [doc]));

    let (_, list) = ask(&story, &story.manager, "GET", &visits, None);
    let row = &list["rows"][0];
    assert_eq!((&row["photos_missing"], &row["complete"]), (&json!(0), &json!(true)));
    for (n, bytes) in photos.iter().enumerate() {
        let path = row["photos"][n]["original"].as_str().unwrap();
        let mut answer = agent().get(format!("{}{path}", story.server.origin())).header("cookie", &story.manager).call().unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        assert_eq!(
            (answer.status().as_u16(), header("content-type").as_str(), header("x-content-type-options").as_str()),
            (200, "image/png", "nosniff")
        );
        assert!(
            header("content-disposition").starts_with("attachment; filename=") && header("content-security-policy").contains("sandbox")
        );
        assert_eq!(&answer.body_mut().with_config().limit(1 << 24).read_to_vec().unwrap(), bytes);
        // Nobody without a session, and nobody of another territory.
        assert_eq!(story.server.console(None, "GET", path, None).status, 401);
        assert_eq!(story.server.console(Some(&story.stranger), "GET", path, None).status, 404);
        assert_eq!(story.server.console(Some(&story.rep), "GET", path, None).status, 200);
    }
    // The phone that gave its originals up gets them back when somebody looks.
    let hash = story.phone.replica().photos(doc).unwrap()[0].photo.hash;
    assert!(story.phone.replica().photo_bytes(hash).is_err());
    assert_eq!(story.phone.fetch_photo(doc, hash).unwrap(), photos[0]);
}

#[test]
fn what_a_wiped_phone_can_take_with_it_counts_photos_too() {
    let mut story = begin();
    visit(&mut story, &[picture(1, 300_000), picture(2, 300_000)]);
    story.phone.sync().unwrap();
    let admin = story.server.person(UserId::derived("socket/ad"), "ad", Role::Admin, &[]);
    let admin = story.server.session(admin);
    let (_, accounts) = ask(&story, &admin, "GET", "/api/accounts", None);
    assert_eq!((&accounts["devices"][0]["photos"], &accounts["devices"][0]["missing"]), (&json!(2), &Value::Null));
    let order = format!("/api/accounts/devices/{}/wipe", story.phone.device());
    let (status, missing) = ask(&story, &admin, "POST", &order, Some(&json!({})));
    assert_eq!((status, &missing["records"], &missing["photos"]), (200, &json!(0), &json!(2)));
}

#[test]
fn an_altered_question_about_photos_is_not_answered() {
    let mut story = begin();
    let doc = visit(&mut story, &[picture(1, 20_000)]);
    story.phone.sync().unwrap();
    let device = Server::stranger(story.phone.user());
    let body =
        BlobRequest { device: story.phone.device(), now: story.phone.now(), ask: BlobAsk::Receipts { docs: vec![doc] } }.encode().unwrap();
    assert_eq!(story.server.signed(&device, "POST", BLOBS_PATH, &body).status, 401, "a device that nobody enrolled");
    let good = story.server.device(story.phone.user(), "second");
    assert_eq!(story.server.signed(&good, "POST", BLOBS_PATH, &body).status, 400, "in the name of another device");
    assert_eq!(story.server.signed(&good, "POST", BLOBS_PATH, b"\x01junk").status, 400);
    assert_eq!(story.server.signed(&good, "POST", BLOBS_PATH, b"\x09").status, 426);
    let long = vec![1; roadbook_core::blobs::wire::BLOB_FRAME_BYTES_MAX + 1];
    assert_eq!(story.server.signed(&good, "POST", BLOBS_PATH, &long).status, 413);
}

#[test]
fn an_urgent_report_is_taken_and_closed_at_the_console() {
    let mut story = begin();
    let report = UrgentReport {
        kind: "credit_danger".to_owned(),
        severity: "critical".to_owned(),
        customer: Some(story.shop),
        territory: None,
        text: "客户准备转移资产".to_owned(),
        picture: Some(picture(3, 9_000)),
    };
    let stamp = story.phone.stamp().unwrap();
    let doc = story.phone.replica_mut().report_urgent(&stamp, &report).unwrap();
    story.phone.sync().unwrap();
    let (status, list) = ask(&story, &story.manager, "GET", "/api/urgents?open=1", None);
    let row = &list["rows"][0];
    assert_eq!((status, row["text"].as_str(), row["state"].as_str()), (200, Some("客户准备转移资产"), Some("open")));
    assert!(row["picture"].as_str().unwrap().starts_with("data:image/png;base64,"));
    assert_eq!(ask(&story, &story.stranger, "GET", "/api/urgents", None).1["rows"], json!([]));
    let (path, taken) = (format!("/api/urgents/{doc}"), json!({ "what": "taken", "note": "马上去" }));
    assert_eq!(ask(&story, &story.rep, "POST", &path, Some(&taken)).0, 403);
    assert_eq!(ask(&story, &story.stranger, "POST", &path, Some(&taken)).0, 404);
    let (status, list) = ask(&story, &story.manager, "POST", &path, Some(&taken));
    assert_eq!((status, list["rows"][0]["state"].as_str()), (200, Some("taken")));
    let (status, list) = ask(&story, &story.manager, "POST", &path, Some(&json!({ "what": "closed", "note": null })));
    assert_eq!((status, &list["rows"]), (200, &json!([])));
    story.phone.sync().unwrap();
    let chain: Vec<String> = story.phone.replica().urgent(doc).unwrap().unwrap().handling.into_iter().map(|one| one.what).collect();
    assert_eq!(chain, ["received", "taken", "closed"]);
    assert!(Path::new(story.server.app.config().folder.as_path()).is_dir());
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}
