//! S42 over a real socket: traits and credit at the console, by who may and who may not; a demand for erasure; every file that the
//! server keeps, its log included, without a byte of what was erased.

use std::path::Path;

use roadbook_core::ids::{EntryId, SubjectId, UserId};
use roadbook_core::model::{Edit, Provenance, Role};
use roadbook_core::replica::Target;
use roadbook_core::store::Lane;
use roadbook_server::accounts::Who;
use roadbook_server::app::App;
use roadbook_server::clock::{Clock, random};
use roadbook_server::config::Config;
use roadbook_server::phone::Phone;
use serde_json::{Value, json};

use crate::socket::Server;

const TRAIT: &str = "zq-trait-女儿在读大学-qz";

struct Story {
    server: Server,
    phone: Phone,
    shop: SubjectId,
    boss: EntryId,
    cookies: Vec<(Role, String)>,
    stranger: String,
    _folder: tempfile::TempDir,
}

/// A customer of 王芳's in the east with its boss on the card; one person of each role beside her, and a stranger of the west.
fn begin() -> Story {
    let server = Server::open();
    server.territory("east", None);
    server.territory("west", None);
    let id = |login: &str| UserId::derived(&format!("private/{login}"));
    let rep = server.person(id("wf"), "wf", Role::Salesperson, &["east"]);
    let people = [Role::Dispatcher, Role::Supervisor, Role::Manager, Role::Finance, Role::Admin];
    let mut cookies = vec![(Role::Salesperson, server.session(rep))];
    for role in people {
        let user = server.person(id(role.code()), role.code(), role, &["east"]);
        cookies.push((role, server.session(user)));
    }
    let stranger = server.person(id("xw"), "xw", Role::Salesperson, &["west"]);
    let stranger = server.session(stranger);
    let folder = tempfile::tempdir().unwrap();
    let code = server.app.accounts().issue_code(server.app.now(), &Who::shell(), rep).unwrap();
    let mut phone = Phone::enroll(&folder.path().join("phone"), &server.origin(), &code.to_string(), "手机", Clock::system()).unwrap();
    let (shop, boss) = (SubjectId::fresh(server.app.now(), random().unwrap()), EntryId::from_bytes(random().unwrap()));
    let name = Edit::Assert { field: "trade_name".to_owned(), value: "惠民超市".into(), provenance: Provenance::default() };
    let person = Edit::Entry {
        list: "stakeholders".to_owned(),
        entry: boss,
        fields: [("name".to_owned(), "张老板".into()), ("role".to_owned(), "owner".into())].into(),
        provenance: Provenance::default(),
    };
    let stamp = phone.stamp().unwrap();
    phone.replica_mut().save(&stamp, Lane::Normal, &Target::customer(shop), &[name, person]).unwrap();
    phone.sync().unwrap();
    Story { server, phone, shop, boss, cookies, stranger, _folder: folder }
}

impl Story {
    fn cookie(&self, role: Role) -> &str {
        &self.cookies.iter().find(|(known, _)| *known == role).unwrap().1
    }
    fn ask(&self, cookie: &str, method: &str, what: &str, body: Option<&Value>) -> (u16, Value) {
        let reply = self.server.console(Some(cookie), method, &format!("/api/customers/{}{what}", self.shop), body);
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }
    /// Which files below the server's folder hold a text.
    fn files_with(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.server.app.config().folder.clone()];
        while let Some(folder) = folders.pop() {
            for file in std::fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if holds(&path, text) {
                    found.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        found
    }
}

fn holds(path: &Path, text: &str) -> bool {
    std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn s42_traits_are_for_the_owner_and_managers_and_what_is_erased_is_in_no_file() {
    let mut story = begin();
    let boss = story.boss;
    let first = json!({ "stakeholder": boss, "heads": null, "edits": [
        { "act": "text", "field": "family", "text": TRAIT },
        { "act": "set", "field": "consent_basis", "value": "spoken" },
        { "act": "set", "field": "keep_until", "value": "2020-12-31" },
    ] });
    // Who may know of it, and who is told no; a person of the west hears of no customer at all.
    for (role, cookie) in &story.cookies {
        let may = matches!(role, Role::Salesperson | Role::Manager);
        let refusal = if *role == Role::Admin { 404 } else { 403 };
        let (status, card) = story.ask(cookie, "GET", "", None);
        assert_eq!(status == 200, *role != Role::Admin, "{role:?}");
        assert_eq!(status == 200 && card["may"]["persons"] == json!(true), may, "{role:?}");
        assert_eq!(story.ask(cookie, "GET", "/persons", None).0, if may { 200 } else { refusal }, "{role:?}");
        let demand = json!({ "stakeholder": boss, "asked_by": "x", "reason": "y" });
        if *role != Role::Manager {
            let expected = if *role == Role::Salesperson { 403 } else { refusal };
            assert_eq!(story.ask(cookie, "POST", "/persons/erase", Some(&demand)).0, expected, "{role:?}");
        }
        if !may {
            assert_eq!(story.ask(cookie, "POST", "/persons", Some(&first)).0, refusal, "{role:?}");
        }
    }
    assert_eq!(story.ask(&story.stranger, "GET", "/persons", None).0, 404);
    // She writes at the console, and her phone has it; a form that showed nothing is merged with what is there by now.
    let (status, list) = story.ask(story.cookie(Role::Salesperson), "POST", "/persons", Some(&first));
    assert_eq!((status, &list["persons"][0]["texts"]["family"]), (200, &json!(TRAIT)), "{list}");
    assert_eq!((&list["persons"][0]["overdue"], &list["may"]["erase"]), (&json!(true), &json!(false)), "kept for too long");
    let second = json!({ "stakeholder": boss, "heads": null, "edits": [{ "act": "set", "field": "keep_until", "value": "2099-12-31" }] });
    let (status, list) = story.ask(story.cookie(Role::Manager), "POST", "/persons", Some(&second));
    assert_eq!((status, list["persons"][0]["facts"]["keep_until"]["rivals"].as_array().unwrap().len()), (200, 2), "{list}");
    let wrong =
        json!({ "stakeholder": boss, "heads": list["persons"][0]["heads"], "edits": [{ "act": "set", "field": "age", "value": 900 }] });
    let (status, refused) = story.ask(story.cookie(Role::Manager), "POST", "/persons", Some(&wrong));
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("invalid_value")));
    assert!(refused["error"]["message_zh"].as_str().unwrap().contains("年龄"), "{refused}");
    story.phone.sync().unwrap();
    assert_eq!(story.phone.replica().persons(story.shop).unwrap()[0].texts["family"], TRAIT);
    assert!(story.files_with(TRAIT).iter().any(|name| name.starts_with("server.sqlite")), "{:?}", story.files_with(TRAIT));
    assert!(story.files_with(TRAIT).iter().any(|name| name.starts_with("hq.sqlite")), "{:?}", story.files_with(TRAIT));

    // A backup of before.
    let backup = tempfile::tempdir().unwrap();
    for file in ["server.sqlite", "server.sqlite-wal"] {
        std::fs::copy(story.server.app.config().file(file), backup.path().join(file)).unwrap();
    }
    // Erased: with who asked and why, or not at all.
    let manager = story.cookie(Role::Manager).to_owned();
    for (asked_by, reason, code) in [("", "不再合作", "reason_needed"), ("本人", " ", "reason_needed")] {
        let demand = json!({ "stakeholder": boss, "asked_by": asked_by, "reason": reason });
        let (status, refused) = story.ask(&manager, "POST", "/persons/erase", Some(&demand));
        assert_eq!((status, &refused["error"]["code"]), (422, &json!(code)));
    }
    let nobody = json!({ "stakeholder": EntryId::from_bytes([5; 16]), "asked_by": "本人", "reason": "x" });
    assert_eq!(story.ask(&manager, "POST", "/persons/erase", Some(&nobody)).0, 404);
    let demand = json!({ "stakeholder": boss, "asked_by": "张老板本人", "reason": "不再合作" });
    let (status, list) = story.ask(&manager, "POST", "/persons/erase", Some(&demand));
    let person = &list["persons"][0];
    assert_eq!((status, &person["erased"]["asked_by"], &person["erased"]["by"]["name"]), (200, &json!("张老板本人"), &json!("manager")));
    assert_eq!((&person["heads"], &person["texts"]), (&Value::Null, &json!({})), "{person}");
    assert_eq!(story.files_with(TRAIT), Vec::<String>::new(), "no file of the server holds it");
    let (status, refused) = story.ask(&manager, "POST", "/persons", Some(&first));
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("erased")));
    let audit = story.server.app.accounts().audit_rows(100).unwrap();
    assert!(audit.iter().any(|row| row.act == "erased") && !audit.iter().any(|row| row.about.contains(TRAIT)));
    // Her phone gives it up, and so it stays after the server was started from its feed alone.
    story.phone.sync().unwrap();
    assert!(story.phone.replica().persons(story.shop).unwrap().is_empty());
    assert_eq!(story.files_with(TRAIT), Vec::<String>::new());
    // The backup is put back beside the journal: what was erased since is erased again before anybody is served.
    let journal = story.server.app.config().file(roadbook_server::storage::ERASURES_FILE);
    std::fs::copy(journal, backup.path().join(roadbook_server::storage::ERASURES_FILE)).unwrap();
    let restored = App::open(Config::in_folder(backup.path()), Clock::system()).unwrap();
    let erased = restored.feed().erased(story.shop.person(boss)).unwrap().unwrap();
    assert_eq!((erased.asked_by.as_str(), erased.changes), ("张老板本人", 2));
    assert!(restored.headquarters().read(|replica| replica.persons(story.shop)).unwrap().is_empty());
    for file in std::fs::read_dir(backup.path()).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        assert!(!holds(&file, TRAIT), "{}", file.display());
    }
}

#[test]
fn the_credit_file_is_kept_by_managers_and_finance_and_reps_get_the_badge() {
    let mut story = begin();
    let money = |yuan: i64| json!({ "amount": yuan * 100, "currency": "CNY" });
    let edits = json!({ "heads": null, "edits": [
        { "act": "set", "field": "grade", "value": "2" },
        { "act": "set", "field": "limit", "value": money(10_000) },
        { "act": "set", "field": "exposure", "value": money(9_000) },
        { "act": "record", "log": "problems", "value": { "on": "2025-11-20", "what": "拖欠两个月" } },
    ] });
    for (role, cookie) in &story.cookies {
        let reads = matches!(role, Role::Supervisor | Role::Manager | Role::Finance);
        let writes = matches!(role, Role::Manager | Role::Finance);
        let refusal = if *role == Role::Admin { 404 } else { 403 };
        assert_eq!(story.ask(cookie, "GET", "/credit", None).0, if reads { 200 } else { refusal }, "{role:?}");
        if !writes {
            assert_eq!(story.ask(cookie, "POST", "/credit", Some(&edits)).0, refusal, "{role:?}");
        }
        let seen = matches!(role, Role::Salesperson | Role::Supervisor | Role::Manager | Role::Finance);
        let observed = story.ask(cookie, "POST", "/observations", Some(&json!({ "text": "门口有人催债" }))).0;
        assert_eq!(observed, if seen { 204 } else { refusal }, "{role:?}");
    }
    let finance = story.cookie(Role::Finance);
    assert_eq!(story.ask(finance, "POST", "/observations", Some(&json!({ "text": " " }))).0, 422);
    let (status, file) = story.ask(finance, "POST", "/credit", Some(&edits));
    assert_eq!((status, &file["badge"]["used_percent"], &file["badge"]["hold"]), (200, &json!(90), &json!(false)), "{file}");
    assert_eq!(file["entries"]["problems"][0]["fields"]["what"]["shown"]["value"], json!("拖欠两个月"));
    assert_eq!(file["observations"].as_array().unwrap().len(), 4);
    // The badge itself is written by nobody.
    let card = story.ask(story.cookie(Role::Manager), "GET", "", None).1;
    assert_eq!(card["facts"]["credit_badge"]["shown"]["value"]["grade"], json!("2"));
    let edit = json!({ "heads": card["heads"], "edits": [{ "act": "set", "field": "credit_badge", "value": { "grade": "1" } }] });
    let (status, refused) = story.ask(story.cookie(Role::Manager), "POST", "/edits", Some(&edit));
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("badge_follows")));
    story.phone.sync().unwrap();
    let badge = roadbook_core::model::credit::CreditBadge::of(&story.phone.replica().card(story.shop).unwrap().unwrap()).unwrap();
    assert_eq!((badge.grade.as_deref(), badge.used_percent), (Some("2"), Some(90)));
    assert!(story.phone.replica().credit(story.shop).unwrap().is_none());
}
