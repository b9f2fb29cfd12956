//! The console's endpoints through the router: what people see and do, and what they are refused.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use roadbook_core::ids::{DeviceId, EntryId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::{Edit, Provenance, Source, Value as CardValue};
use roadbook_core::replica::Target;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::access::Role;
use crate::accounts::{NewUser, Territory, Who};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::feed::{Batch, Hand, NewEntry};
use crate::http::{Shared, router};

/// 2026-03-02 08:00 in China.
const NOW: Ms = Ms(1_772_409_600_000);
const DAY: &str = "2026-03-02";

struct World {
    _folder: tempfile::TempDir,
    app: Shared,
    router: Router,
}

const WF: UserId = UserId::from_bytes([1; 16]);
const LQ: UserId = UserId::from_bytes([2; 16]);
const ZM: UserId = UserId::from_bytes([3; 16]);
const SL: UserId = UserId::from_bytes([4; 16]);
const CG: UserId = UserId::from_bytes([5; 16]);
const ROOT: UserId = UserId::from_bytes([6; 16]);

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let app = App::open(Config::in_folder(folder.path()), Clock::from_fn(|| NOW)).unwrap();
    for (id, name) in [("east", "城东"), ("west", "城西")] {
        let territory = Territory { id: TerritoryId(id.to_owned()), parent: None, name: name.to_owned() };
        app.accounts().set_territory(NOW, &Who::shell(), &territory).unwrap();
    }
    let people = [
        (WF, "wf", "王芳", Role::Salesperson, Some("east")),
        (LQ, "lq", "李强", Role::Salesperson, Some("east")),
        (ZM, "zm", "赵敏", Role::Dispatcher, Some("east")),
        (SL, "sl", "孙丽", Role::Supervisor, Some("east")),
        (CG, "cg", "陈刚", Role::Manager, None),
        (ROOT, "root", "管理员", Role::Admin, None),
    ];
    for (id, login, name, role, territory) in people {
        let territories: BTreeSet<TerritoryId> = territory.into_iter().map(|id| TerritoryId(id.to_owned())).collect();
        let new = NewUser { id, login: login.to_owned(), name: name.to_owned(), role, password: None, territories };
        app.accounts().add_user(NOW, &Who::shell(), &new).unwrap();
    }
    let world = World { _folder: folder, router: router(&app), app };
    world.customer(1, "惠民超市", "east");
    world.customer(2, "鑫鑫便利店", "east");
    world.customer(3, "西门烟酒", "west");
    world
}

fn id(n: u8) -> SubjectId {
    SubjectId::from_bytes([n + 100; 16])
}
fn fact(field: &str, value: impl Into<CardValue>) -> Edit {
    let provenance = Provenance::of(Source::Visit);
    Edit::Assert { field: field.to_owned(), value: value.into(), provenance }
}
fn address(text: &str, n: i64) -> Edit {
    let geo = CardValue::map([("lat", CardValue::Int(302_500_000 + n * 100_000)), ("lon", CardValue::Int(1_202_000_000))]);
    let fields = BTreeMap::from([("text".to_owned(), text.into()), ("geo".to_owned(), geo)]);
    Edit::Entry { list: "addresses".to_owned(), entry: EntryId::from_bytes([9; 16]), fields, provenance: Provenance::default() }
}

impl World {
    fn customer(&self, n: u8, name: &str, territory: &str) {
        let edits = vec![fact("trade_name", name), address("人民路1号", i64::from(n))];
        let filed = vec![fact("territory", territory), fact("owner", WF.to_string()), fact("lifecycle", "active")];
        self.app.commit(CG, &vec![(Target::customer(id(n)), edits), (Target::office(id(n)), filed)]).unwrap();
    }

    fn write(&self, author: UserId, target: Target, edits: Vec<Edit>) {
        self.app.commit(author, &vec![(target, edits)]).unwrap();
    }

    async fn send(&self, user: UserId, request: axum::http::request::Builder, body: Body) -> (StatusCode, Value) {
        let token = self.app.accounts().begin_session(NOW, user, "::1").unwrap();
        let request = request.header("cookie", format!("roadbook={}", token.as_str())).header("host", "hq").header("origin", "http://hq");
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
    async fn get(&self, user: UserId, path: &str) -> (StatusCode, Value) {
        self.send(user, Request::get(path), Body::empty()).await
    }
    async fn post(&self, user: UserId, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(user, Request::post(path).header("content-type", "application/json"), Body::from(body.to_string())).await
    }
    async fn seen(&self, user: UserId, path: &str) -> Value {
        let (status, body) = self.get(user, path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }
    async fn done(&self, user: UserId, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(user, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }
    async fn card(&self, user: UserId, n: u8) -> Value {
        self.seen(user, &format!("/api/customers/{}", id(n))).await
    }
}

fn names(list: &Value) -> Vec<&str> {
    list["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lists_hold_what_the_person_answers_for() {
    let world = world();
    let all = world.seen(CG, "/api/customers?sort=name").await;
    assert_eq!((all["total"].as_u64(), names(&all).len()), (Some(3), 3));
    let east = world.seen(SL, "/api/customers?sort=name").await;
    assert_eq!(names(&east), ["惠民超市", "鑫鑫便利店"]);
    assert_eq!(world.seen(SL, "/api/customers?territory=west").await["total"], json!(0));
    for word in ["hm", "huimin", "惠民"] {
        let (status, found) = world.get(CG, &format!("/api/customers?q={}", encoded(word))).await;
        assert_eq!((status, names(&found)), (StatusCode::OK, vec!["惠民超市"]), "{word}");
    }
    let second = world.seen(CG, "/api/customers?sort=name&offset=1&limit=1").await;
    assert_eq!(names(&second), names(&all)[1..2]);
    let last = world.seen(CG, "/api/customers?sort=name&descending=1&limit=1").await;
    assert_eq!(names(&last), names(&all)[2..]);
    assert_eq!(world.get(ROOT, "/api/customers").await.0, StatusCode::FORBIDDEN);
    for odd in ["offset=-1", "limit=x", "owner=nobody"] {
        assert_eq!(world.get(CG, &format!("/api/customers?{odd}")).await.0, StatusCode::BAD_REQUEST, "{odd}");
    }
    assert_eq!(world.get(SL, &format!("/api/customers/{}", id(3))).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.get(SL, "/api/customers/nonsense").await.0, StatusCode::NOT_FOUND);
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn two_addresses_become_one_matter_and_choosing_one_closes_it() {
    let world = world();
    let heads = world.app.headquarters().read(|replica| replica.card(id(1)).unwrap().unwrap().heads);
    world.write(WF, Target::customer(id(1)).seen(heads.clone()), vec![address("人民路12号", 1)]);
    world.write(LQ, Target::customer(id(1)).seen(heads), vec![address("人民路21号", 1)]);

    let card = world.card(SL, 1).await;
    let text = &card["entries"]["addresses"][0]["fields"]["text"];
    assert_eq!(text["review"], json!(true));
    let said: BTreeSet<&str> = text["rivals"].as_array().unwrap().iter().map(|rival| rival["by"]["name"].as_str().unwrap()).collect();
    assert_eq!(said, BTreeSet::from(["王芳", "李强"]));
    assert_eq!(world.seen(SL, "/api/review/count").await["count"], json!(1));
    let items = world.seen(SL, "/api/review").await;
    let item = &items["items"][0];
    assert_eq!((item["kind"].as_str(), item["label"]["zh"].as_str()), (Some("rivals"), Some("地址")));
    let wanted = item["candidates"].as_array().unwrap().iter().find(|one| one["value"] == json!("人民路12号")).unwrap();

    let path = format!("/api/review/{}", encoded(item["id"].as_str().unwrap()));
    let choice = json!({ "decision": "choose", "assertion": wanted["key"], "heads": item["heads"], "reason": null });
    assert_eq!(world.post(ZM, &path, choice.clone()).await.0, StatusCode::FORBIDDEN, "a dispatcher plans, and does not judge");
    assert_eq!(world.done(SL, &path, choice.clone()).await["items"], json!([]));
    let card = world.card(SL, 1).await;
    let text = &card["entries"]["addresses"][0]["fields"]["text"];
    assert_eq!((text["review"].clone(), text["shown"]["value"].clone()), (json!(false), json!("人民路12号")));
    assert_eq!(world.post(SL, &path, choice).await.0, StatusCode::CONFLICT, "it stands no more as it was shown");
    let field = encoded(&format!("addresses/{}/text", EntryId::from_bytes([9; 16])));
    let history = world.seen(SL, &format!("/api/customers/{}/history?field={field}", id(1))).await;
    assert_eq!(history["lines"].as_array().unwrap().len(), 4, "imported, two rivals, the choice: {history}");
}

#[tokio::test]
async fn a_form_writes_at_the_heads_that_it_showed() {
    let world = world();
    let opened = world.card(SL, 1).await;
    let path = format!("/api/customers/{}/edits", id(1));
    let write = |heads: &Value, edits: Value| json!({ "heads": heads, "edits": edits });
    let headcount = |n: i64| json!([{ "act": "set", "field": "headcount", "value": n, "source": "office" }]);
    world.done(CG, &path, write(&opened["heads"], headcount(8))).await;
    let card = world.done(SL, &path, write(&opened["heads"], headcount(12))).await;
    assert_eq!(card["facts"]["headcount"]["rivals"].as_array().unwrap().len(), 2, "neither saw the other: both are kept");
    assert_eq!(card["row"]["review"], json!(1));

    let heads = &card["heads"];
    let many = json!([
        { "act": "add", "field": "tags", "element": "冷柜" },
        { "act": "text", "field": "problems", "text": "上月两次拖欠货款" },
        { "act": "entry_set", "list": "phones", "entry": null, "values": { "number": "139 0000 1111", "kind": "mobile" } },
        { "act": "confirm", "field": "trade_name", "value": "惠民超市" },
    ]);
    let card = world.done(SL, &path, write(heads, many)).await;
    assert_eq!(card["sets"]["tags"][0]["element"], json!("冷柜"));
    assert_eq!(card["texts"]["problems"]["text"], json!("上月两次拖欠货款"));
    let history = world.seen(SL, &format!("/api/customers/{}/history?field=problems", id(1))).await;
    let line = &history["lines"][0];
    assert_eq!((line["assertion"]["by"]["name"].as_str(), line["shown"].as_bool()), (Some("孙丽"), Some(true)));
    assert_eq!(card["entries"]["phones"][0]["fields"]["number"]["shown"]["value"], json!("139 0000 1111"));
    assert_eq!(card["facts"]["trade_name"]["confirmed_ms"], json!(NOW.0));
    let unseen = json!([{ "act": "confirm", "field": "trade_name", "value": "惠民" }]);
    let (status, answer) = world.post(SL, &path, write(&card["heads"], unseen)).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::CONFLICT, &json!("another_value")), "a value that nobody was shown");

    for (edits, wanted) in [
        (json!([{ "act": "set", "field": "headcount", "value": "eight" }]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!([{ "act": "set", "field": "nothing", "value": 1 }]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!([{ "act": "set", "field": "headcount", "value": 1.5 }]), StatusCode::BAD_REQUEST),
        (json!([{ "act": "entry_set", "list": "phones", "entry": null, "values": { "number": "1" } }]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!([{ "act": "text", "field": "problems", "text": "\u{7}" }]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!([{ "act": "drop", "field": "problems" }]), StatusCode::BAD_REQUEST),
    ] {
        let (status, answer) = world.post(SL, &path, write(&card["heads"], edits.clone())).await;
        assert_eq!(status, wanted, "{edits}: {answer}");
        assert!(answer["error"]["message_zh"].is_string());
        assert!(!edits.to_string().contains("number") || answer["error"]["message_zh"].as_str().unwrap().contains("号码"), "{answer}");
    }
    for heads in [json!(""), json!("."), json!("00"), json!("zz.zz"), json!(format!("{}.", "ab".repeat(32)))] {
        let (status, _) = world.post(SL, &path, write(&heads, headcount(1))).await;
        assert!(matches!(status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT), "{heads}: {status}");
    }
}

#[tokio::test]
async fn guarded_fields_become_proposals_and_reports_are_verified() {
    let world = world();
    let card = world.card(ZM, 1).await;
    let path = format!("/api/customers/{}/edits", id(1));
    let grade = json!({ "heads": card["heads"], "edits": [{ "act": "set", "field": "grade", "value": "A" }] });
    let after = world.done(WF, &path, grade.clone()).await;
    assert_ne!(after["facts"]["grade"]["shown"]["value"], json!("A"), "a salesperson asks, and does not grade");
    let items = world.seen(CG, "/api/review").await;
    let item = &items["items"][0];
    assert_eq!((item["kind"].as_str(), item["candidates"][0]["by"]["name"].as_str()), (Some("proposal"), Some("王芳")));
    let decide = format!("/api/review/{}", encoded(item["id"].as_str().unwrap()));
    let accept = json!({ "decision": "accept", "assertion": null, "heads": item["heads"], "reason": "订单翻倍" });
    assert_eq!(world.post(LQ, &decide, accept.clone()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.done(CG, &decide, accept).await["items"], json!([]));
    assert_eq!(world.card(CG, 1).await["facts"]["grade"]["shown"]["value"], json!("A"));

    let turnover =
        |yuan: i64| CardValue::map([("amount", CardValue::Int(yuan * 100)), ("currency", "CNY".into()), ("period", "2025".into())]);
    world.write(WF, Target::customer(id(1)), vec![fact("turnover", turnover(3_000_000))]);
    let card = world.card(SL, 1).await;
    let shown = &card["facts"]["turnover"];
    assert_eq!(shown["badge"], json!("unverified"));
    let request =
        json!({ "field": "turnover", "assertion": shown["shown"]["key"], "decision": "accept", "method": "document", "reason": null });
    let card = world.done(SL, &format!("/api/customers/{}/verify", id(1)), request.clone()).await;
    assert_eq!(card["facts"]["turnover"]["badge"], json!("verified"));
    assert_eq!(card["facts"]["turnover"]["verified"]["verified_by"]["name"], json!("孙丽"));
    let gone = json!({ "field": "turnover", "assertion": "1@00", "decision": "accept", "method": "document", "reason": null });
    assert_eq!(world.post(SL, &format!("/api/customers/{}/verify", id(1)), gone).await.0, StatusCode::CONFLICT);
    assert_eq!(world.get(SL, "/api/review/nonsense").await.0, StatusCode::METHOD_NOT_ALLOWED);
    let nothing = json!({ "decision": "accept", "assertion": null, "heads": "", "reason": null });
    assert_eq!(world.post(SL, "/api/review/nonsense", nothing).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_customer_that_moves_is_filed_and_written_down_whoever_moves_it() {
    let world = world();
    let path = |n: u8| format!("/api/customers/{}/edits", id(n));
    let set = |card: &Value, field: &str, value: &str| json!({ "heads": card["heads"], "edits": [{ "act": "set", "field": field, "value": value }] });
    let card = world.card(ZM, 1).await;
    for (field, value) in [("territory", "nowhere"), ("owner", &id(9).to_string())] {
        let (status, answer) = world.post(CG, &path(1), set(&card, field, value)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    }
    // By a form.
    world.done(ZM, &path(1), set(&card, "owner", &LQ.to_string())).await;
    // By a proposal that somebody accepts.
    world.done(WF, &path(2), set(&world.card(WF, 2).await, "owner", &LQ.to_string())).await;
    let item = world.seen(ZM, "/api/review").await["items"][0].clone();
    let decide = format!("/api/review/{}", encoded(item["id"].as_str().unwrap()));
    world.done(CG, &decide, json!({ "decision": "accept", "assertion": null, "heads": item["heads"], "reason": "换线" })).await;
    // By handing over all that somebody has.
    let hand_over = json!({ "leaver": LQ, "winner": WF, "pool": [], "only": [id(2)] });
    world.done(ZM, "/api/transfers", hand_over).await;
    let lines = world.app.accounts().audit_rows(100).unwrap();
    let moved: Vec<_> =
        lines.into_iter().rev().filter(|row| row.act == "customer-filed").map(|row| (row.user.unwrap(), row.about)).collect();
    assert_eq!(moved, [(ZM, id(1).to_string()), (CG, id(2).to_string()), (ZM, id(2).to_string())]);
    for (n, owner) in [(1, LQ), (2, WF)] {
        let filing = world.app.feed().filing(id(n)).unwrap().unwrap();
        assert_eq!((filing.territory, filing.owner), (Some(TerritoryId("east".to_owned())), Some(owner)));
    }
}

#[tokio::test]
async fn a_day_is_sequenced_published_and_not_overwritten_unseen() {
    let world = world();
    let order = json!({ "day": DAY, "rep": WF, "customers": [id(2), id(1)], "keep_order": true });
    let kept = world.done(ZM, "/api/tours/sequence", order).await;
    let stops = |answer: &Value| answer["stops"].as_array().unwrap().iter().map(|stop| stop["customer"].clone()).collect::<Vec<_>>();
    assert_eq!(stops(&kept), [json!(id(2)), json!(id(1))]);
    assert!(kept["distance_m"].as_u64().unwrap() > 1_000);
    let plan = |stops: &[SubjectId], heads: Value| json!({ "day": DAY, "rep": WF, "customers": stops, "urgent": [id(2)], "heads": heads });
    let tour = world.done(ZM, "/api/tours", plan(&[id(1), id(2)], Value::Null)).await;
    assert_eq!((tour["revision"].as_u64(), tour["rep"]["name"].as_str()), (Some(1), Some("王芳")));
    assert_eq!((tour["stops"][1]["urgent"].clone(), tour["stops"][0]["state"].clone()), (json!(true), json!("open")));
    assert!(tour["stops"][0]["arrive_ms"].as_i64().unwrap() > NOW.0);
    assert_eq!(world.post(ZM, "/api/tours", plan(&[id(2)], Value::Null)).await.0, StatusCode::CONFLICT, "another plan is in force");
    let tour = world.done(ZM, "/api/tours", plan(&[id(2), id(1)], tour["heads"].clone())).await;
    assert_eq!(tour["revision"], json!(2));
    let day = world.seen(CG, &format!("/api/tours?day={DAY}")).await;
    assert_eq!(day["tours"][0]["stops"].as_array().unwrap().len(), 2);
    assert_eq!(world.get(WF, &format!("/api/tours?day={DAY}")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.get(ZM, "/api/tours?day=today").await.0, StatusCode::BAD_REQUEST);
    let west = json!({ "day": DAY, "rep": WF, "customers": [id(3)], "keep_order": false });
    assert_eq!(world.post(ZM, "/api/tours/sequence", west).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn visits_are_asked_for_by_day_with_their_sums_and_page_by_page() {
    let world = world();
    let path = format!("/api/visits?day={DAY}");
    let list = world.seen(CG, &path).await;
    let sums = json!({ "listed": 0, "visits": 0, "customers": 0, "orders": 0 });
    assert_eq!(list, json!({ "rows": [], "going": [], "next": null, "sums": sums }));
    let later = world.seen(CG, &format!("{path}&before={}.{}", NOW.0, id(1))).await;
    assert_eq!(later["sums"], Value::Null, "sums come with the first page");
    for odd in ["x", "1", "1.x", ".", "x.00000000-0000-0000-0000-000000000000"] {
        assert_eq!(world.get(CG, &format!("{path}&before={odd}")).await.0, StatusCode::BAD_REQUEST, "{odd}");
    }
}

#[tokio::test]
async fn managers_oversee_and_administrators_keep_the_accounts() {
    let world = world();
    let overview = world.seen(CG, &format!("/api/overview?from=2026-02-24&to={DAY}")).await;
    assert_eq!((overview["customers"].as_u64(), overview["days"].as_array().unwrap().len()), (Some(3), 7));
    assert_eq!(overview["reps"].as_array().unwrap().len(), 2);
    assert_eq!(world.get(CG, "/api/overview?from=2026-03-02&to=2025-03-02").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(world.get(WF, &format!("/api/overview?from={DAY}&to={DAY}")).await.0, StatusCode::FORBIDDEN);
    let schema = world.seen(CG, "/api/schema").await;
    assert_eq!(schema["kinds"][0]["kind"], json!("customer"));
    assert!(schema["value_sets"]["grade"].as_array().unwrap().len() >= 5);
    assert_eq!(schema["territories"].as_array().unwrap().len(), 2);
    assert_eq!((schema["reps"].as_array().unwrap().len(), schema["people"].as_array().unwrap().len()), (2, 6), "all have names, two sell");

    assert_eq!(world.get(CG, "/api/accounts").await.0, StatusCode::FORBIDDEN);
    let accounts = world.seen(ROOT, "/api/accounts").await;
    assert_eq!(accounts["users"].as_array().unwrap().len(), 6);
    let new = json!({ "login": "zw", "name": "张伟", "role": "salesperson", "territories": ["west"], "password": "correct horse battery" });
    let accounts = world.done(ROOT, "/api/accounts/users", new.clone()).await;
    assert_eq!(accounts["users"].as_array().unwrap().len(), 7);
    assert_eq!(world.post(ROOT, "/api/accounts/users", new).await.0, StatusCode::UNPROCESSABLE_ENTITY, "the login is taken");
    let code = world.done(ROOT, "/api/accounts/enrolments", json!({ "user": WF })).await;
    assert!(code["link"].as_str().unwrap().starts_with("roadbook:enrol?server=http%3A%2F%2F"));
    assert_eq!(code["user"]["name"], json!("王芳"));
    let nobody = UserId::from_bytes([99; 16]);
    assert_eq!(world.post(ROOT, "/api/accounts/enrolments", json!({ "user": nobody })).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.post(ROOT, &format!("/api/accounts/devices/{nobody}/revoke"), json!({})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_answers_for_a_person_reads_what_became_of_their_absence() {
    let world = world();
    let (device, away) = (DeviceId::from_bytes([7; 16]), NOW.plus(-90 * Ms::DAY));
    assert_eq!(world.seen(CG, "/api/absences").await["items"], json!([]));
    world.app.feed().note_return(device, WF, away, NOW, 0).unwrap();
    world.app.feed().note_return(device, WF, away, NOW.plus(5), 0).unwrap();
    let change = CardValue::from("惠民");
    let made = world.app.headquarters().read(|replica| {
        let stamp = roadbook_core::replica::Stamp { author: WF, now: NOW, entropy: [3; 16] };
        replica.prepare(&stamp, &Target::customer(id(1)), &[fact("short_name", change)]).unwrap().unwrap()
    });
    let identity = roadbook_core::crdt::gate::Gate::strict().identify(&made.change.bytes).unwrap();
    let entry = NewEntry {
        doc: made.doc,
        hash: made.change.hash,
        deps: identity.deps,
        actor: identity.actor,
        author: WF,
        bytes: made.change.bytes,
    };
    let hand = Hand { device: Some(device), user: WF, now: NOW };
    world.app.feed().append(&hand, &Batch { entries: vec![entry], ..Batch::default() }).unwrap();
    world.app.headquarters().hold().follow(NOW, BTreeMap::new()).unwrap();
    let list = world.seen(SL, "/api/absences").await;
    assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["until_ms"]), (1, &Value::Null), "noted once, still handing in");
    assert_eq!((&list["items"][0]["days"], &list["items"][0]["user"]["name"]), (&json!(90), &json!("王芳")));
    let path = format!("/api/absences/{}", list["items"][0]["no"]);
    let report = world.seen(SL, &path).await;
    assert_eq!((&report["handed_in"]["customer"]["changes"], &report["values"]["shown"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["names"], json!([{ "id": id(1), "name": "惠民超市" }]));
    world.app.feed().note_handed_in(device, 2, Some(NOW.plus(1))).unwrap();
    world.app.feed().note_handed_in(device, 1, Some(NOW.plus(9))).unwrap();
    let report = world.seen(CG, &path).await;
    assert_eq!((&report["known"], &report["absence"]["until_ms"]), (&json!(3), &json!(NOW.plus(1))), "the first such moment stays");
    assert!(world.app.feed().coming_back().unwrap().is_empty());
    assert_eq!(world.get(WF, "/api/absences").await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.get(WF, &path).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.get(CG, "/api/absences/99").await.0, StatusCode::NOT_FOUND);
}
