//! One row for each endpoint: what is asked, and who may have it, in words of the permission table. A test holds that the rows
//! are exactly the endpoints that the server has: a new one without a row is a failure.

use roadbook_core::ids::SubjectId;
use roadbook_server::access::table::command;
use roadbook_server::access::{Action, Command, Relation, Role, may, may_read_kind};
use serde_json::{Value, json};

use super::company::{Company, Place, Planted, Seat, stakeholder};

/// Who an endpoint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Anyone at all; it holds no content.
    Anyone,
    /// Devices: a cookie opens nothing.
    Devices,
    /// People, by the rule of the row.
    People,
    /// People, as a channel that stays open: `channels` looks at what it tells.
    Channel,
}

/// An endpoint.
pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) audience: For,
    /// Whether it is about one customer: then every place is tried.
    pub(super) about: bool,
    /// Who may.
    pub(super) may: fn(Role, Relation) -> bool,
    /// Query, or the body of what is posted. It is such that whoever may is not refused for its contents with 401, 403 or 404.
    pub(super) ask: fn(&Asker<'_>) -> Ask,
}

/// Who asks, and about what.
pub(super) struct Asker<'a> {
    pub(super) company: &'a Company,
    pub(super) seat: &'a Seat,
    pub(super) place: Place,
    /// Different for every question.
    pub(super) n: u32,
}

/// What is asked.
pub(super) enum Ask {
    /// Behind `?`, one question each.
    Queries(Vec<String>),
    Body(Value),
    /// As `Body`, for an id that is no customer.
    About(String, Value),
}

impl Asker<'_> {
    pub(super) fn planted(&self, kind: &str) -> &Planted {
        self.company.planted(self.seat.role, self.place, kind)
    }

    pub(super) fn customer(&self) -> SubjectId {
        self.planted("customer").subject
    }

    /// The card as the asker gets it; `None` when they do not.
    fn card(&self) -> Option<Value> {
        let path = format!("/api/customers/{}", self.customer());
        let reply = self.company.server.console(Some(&self.seat.cookie), "GET", &path, None);
        (reply.status == 200).then(|| serde_json::from_slice(&reply.body).unwrap())
    }

    fn heads(&self) -> Value {
        self.card().map_or(Value::Null, |card| card["heads"].clone())
    }

    fn day(&self) -> String {
        self.company.server.app.now().day(480).unwrap().to_string()
    }

    /// A day of its own for every question: two plans of one day would get into each other's way.
    fn free_day(&self) -> String {
        (self.company.server.app.now().day(480).unwrap() + chrono::Days::new(u64::from(self.n) + 30)).to_string()
    }
}

fn nothing(_: &Asker<'_>) -> Ask {
    Ask::Queries(vec![String::new()])
}

const fn anybody(_: Role, _: Relation) -> bool {
    true
}

fn reads_customers(role: Role, relation: Relation) -> bool {
    may_read_kind(role, relation, "customer")
}

fn administers(role: Role, _: Relation) -> bool {
    command(role, Command::Administer)
}

fn decides(role: Role, _: Relation) -> bool {
    command(role, Command::Quarantine)
}

fn files(role: Role, _: Relation) -> bool {
    command(role, Command::File)
}

fn dispatches(role: Role, _: Relation) -> bool {
    command(role, Command::Dispatch)
}

fn row(method: &'static str, path: &'static str, may: fn(Role, Relation) -> bool, ask: fn(&Asker<'_>) -> Ask) -> Row {
    Row { method, path, audience: For::People, about: path.starts_with("/api/customers/"), may, ask }
}

pub(super) fn rows() -> Vec<Row> {
    let other = |method, path, audience| Row { audience, ..row(method, path, anybody, nothing) };
    let about = |row: Row| Row { about: true, ..row };
    vec![
        other("post", roadbook_core::signing::ENROL_PATH, For::Devices),
        other("post", roadbook_core::signing::SYNC_PATH, For::Devices),
        other("post", roadbook_core::blobs::wire::BLOBS_PATH, For::Devices),
        other("get", roadbook_core::signing::NEWS_PATH, For::Devices),
        other("post", "/api/login", For::Anyone),
        other("post", "/api/logout", For::Anyone),
        other("get", "/api/me", For::Anyone),
        other("get", "/health", For::Anyone),
        other("get", "/api/news", For::Channel),
        row("get", "/api/schema", anybody, nothing),
        row(
            "get",
            "/api/customers",
            |role, _| reads_customers(role, Relation::Territory),
            |asker| {
                let marker = &asker.company.planted(asker.seat.role, Place::Elsewhere, "customer").marker;
                let queries = ["limit=200", "limit=200&territory=west", "limit=200&q=zq", "limit=200&review=1"].map(str::to_owned);
                let owner = format!("limit=200&owner={}", asker.company.other);
                Ask::Queries(queries.into_iter().chain([format!("q={marker}"), owner]).collect())
            },
        ),
        row("get", "/api/customers/{id}", reads_customers, nothing),
        row("get", "/api/customers/{id}/history", reads_customers, |_| {
            Ask::Queries(["field=trade_name", "field=problems", "field=grade"].map(str::to_owned).into())
        }),
        row(
            "post",
            "/api/customers/{id}/edits",
            |role, relation| may(role, relation, Action::Edit, "customer.card"),
            |asker| {
                let edit = json!({ "act": "set", "field": "short_name", "value": format!("简称 {}", asker.n) });
                Ask::Body(json!({ "heads": asker.heads().as_str().unwrap_or_default(), "edits": [edit] }))
            },
        ),
        row(
            "post",
            "/api/customers/{id}/verify",
            |role, relation| reads_customers(role, relation) && may(role, relation, Action::Create, "verification.body"),
            |_| {
                let body = json!({ "field": "trade_name", "assertion": "none", "decision": "accept", "method": "call", "reason": null });
                Ask::Body(body)
            },
        ),
        row("get", "/api/customers/{id}/persons", |role, relation| may_read_kind(role, relation, "person"), nothing),
        row(
            "post",
            "/api/customers/{id}/persons",
            |role, relation| may(role, relation, Action::Edit, "person.traits"),
            |asker| {
                let edit = json!({ "act": "set", "field": "age", "value": 40 + i64::from(asker.n % 40) });
                Ask::Body(json!({ "stakeholder": stakeholder(asker.customer()), "heads": null, "edits": [edit] }))
            },
        ),
        // What was erased is gone: somebody of whom nothing is known is enough to ask for.
        row(
            "post",
            "/api/customers/{id}/persons/erase",
            |role, relation| command(role, Command::Erase) && may_read_kind(role, relation, "person"),
            |asker| Ask::Body(json!({ "stakeholder": stakeholder(asker.customer()), "asked_by": "本人", "reason": "matrix" })),
        ),
        row("get", "/api/customers/{id}/credit", |role, relation| may_read_kind(role, relation, "credit"), nothing),
        row(
            "post",
            "/api/customers/{id}/credit",
            |role, relation| may(role, relation, Action::Edit, "credit.file"),
            |asker| {
                let edit = json!({ "act": "set", "field": "handling_rule", "value": format!("规则 {}", asker.n) });
                Ask::Body(json!({ "heads": null, "edits": [edit] }))
            },
        ),
        row(
            "post",
            "/api/customers/{id}/observations",
            |role, relation| reads_customers(role, relation) && may(role, relation, Action::Create, "observation.body"),
            |asker| Ask::Body(json!({ "text": format!("拖欠 {}", asker.n) })),
        ),
        row(
            "get",
            "/api/visits",
            |role, _| may_read_kind(role, Relation::Territory, "visit"),
            |asker| Ask::Queries(vec!["limit=200".to_owned(), format!("day={}", asker.day()), format!("rep={}", asker.company.other)]),
        ),
        about(row(
            "get",
            "/api/visits",
            |role, relation| may_read_kind(role, relation, "visit"),
            |asker| Ask::Queries(vec![format!("customer={}", asker.customer())]),
        )),
        row("get", "/api/tours", dispatches, |asker| Ask::Queries(vec![format!("day={}", asker.day())])),
        about(row(
            "post",
            "/api/tours",
            |role, relation| dispatches(role, relation) && reads_customers(role, relation),
            |asker| {
                Ask::Body(
                    json!({ "day": asker.free_day(), "rep": asker.company.mate, "customers": [asker.customer()], "urgent": [], "heads": null }),
                )
            },
        )),
        about(row(
            "post",
            "/api/tours/sequence",
            |role, relation| dispatches(role, relation) && reads_customers(role, relation),
            |asker| {
                Ask::Body(
                    json!({ "day": asker.free_day(), "rep": asker.company.mate, "customers": [asker.customer()], "keep_order": true }),
                )
            },
        )),
        row(
            "get",
            "/api/overview",
            |role, _| command(role, Command::Oversee),
            |asker| Ask::Queries(vec![format!("from={day}&to={day}", day = asker.day())]),
        ),
        row("get", "/api/review", |role, _| reads_customers(role, Relation::Territory), nothing),
        row("get", "/api/review/count", |role, _| reads_customers(role, Relation::Territory), nothing),
        about(row(
            "post",
            "/api/review/{id}",
            |role, relation| may(role, relation, Action::Edit, "proposal.decision"),
            |asker| {
                let id = format!("proposal:{}", asker.planted("proposal").doc);
                Ask::About(id, json!({ "decision": "reject", "assertion": null, "heads": "", "reason": "matrix" }))
            },
        )),
        row("get", "/api/urgents", |role, _| may_read_kind(role, Relation::Own, "urgent"), nothing),
        about(row(
            "post",
            "/api/urgents/{id}",
            |role, relation| may(role, relation, Action::Edit, "urgent.handling"),
            |asker| Ask::About(asker.planted("urgent").doc.to_string(), json!({ "what": "acknowledged", "note": "matrix" })),
        )),
        // Nobody has handed a photo in here: who gets which is a scenario.
        about(row(
            "get",
            "/blobs/{id}",
            |_, _| false,
            |asker| Ask::About(format!("{}:{}", asker.planted("visit").doc, "0".repeat(64)), Value::Null),
        )),
        row("get", "/api/absences", |role, _| command(role, Command::Oversee), nothing),
        // Nobody was away here: what a report tells, and whom, is a scenario.
        row("get", "/api/absences/{id}", |_, _| false, |_| Ask::About("1".to_owned(), Value::Null)),
        row("get", "/api/accounts", administers, nothing),
        row("post", "/api/accounts/users", administers, |asker| {
            let login = format!("new{}", asker.n);
            Ask::Body(json!({ "login": login, "name": "新人", "role": "salesperson", "territories": ["east"], "password": "too short" }))
        }),
        row("post", "/api/accounts/enrolments", administers, |asker| Ask::Body(json!({ "user": asker.company.mate }))),
        row(
            "post",
            "/api/accounts/devices/{id}/wipe",
            |role, _| command(role, Command::Wipe),
            |asker| Ask::About(asker.seat.revoked.id.to_string(), json!({})),
        ),
        row("get", "/api/quarantine", decides, |_| Ask::Queries(["", "state=all", "state=rejected"].map(str::to_owned).into())),
        row("get", "/api/quarantine/count", anybody, nothing),
        row("get", "/api/quarantine/file", decides, |_| Ask::Queries(["format=json", "format=csv&state=all"].map(str::to_owned).into())),
        row("post", "/api/quarantine/approve", decides, |_| Ask::Body(json!({ "ids": [] }))),
        row("post", "/api/quarantine/reject", decides, |_| Ask::Body(json!({ "ids": [] }))),
        row("get", "/api/late", anybody, nothing),
        row("get", "/api/transfers", files, nothing),
        row("post", "/api/transfers/plan", files, |asker| Ask::Body(json!({ "leaver": asker.company.mate, "winner": null }))),
        row("post", "/api/transfers", files, |asker| Ask::Body(json!({ "leaver": asker.company.mate, "winner": asker.company.mate }))),
        row("post", "/api/accounts/devices/{id}/revoke", administers, |asker| Ask::About(asker.seat.revoked.id.to_string(), json!({}))),
    ]
}
