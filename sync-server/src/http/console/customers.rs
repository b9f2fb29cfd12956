//! `GET /api/customers`: the list, searched, filtered, ordered, by pages.

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{Ms, UserId};
use roadbook_core::store::rows::{CustomerFilter, CustomerLine, CustomerOrder, PAGE_LINES_MAX};
use serde::{Deserialize, Serialize};

use super::asked::Asking;
use super::names::{Named, Names};
use super::reach;
use crate::app::App;
use crate::http::{Error, Session, Shared};

/// Lines of one answer, at most.
const LIMIT_MAX: usize = 200;
const LIMIT_DEFAULT: usize = 100;
const QUERY_CHARS_MAX: usize = 100;

/// What is asked; flags are `1`.
#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    territory: String,
    owner: String,
    grade: String,
    #[serde(rename = "type")]
    business_type: String,
    stale: String,
    overdue: String,
    review: String,
    sort: String,
    descending: String,
    offset: usize,
    limit: usize,
}

impl Default for Asked {
    fn default() -> Self {
        let none = String::new;
        Self {
            q: none(),
            territory: none(),
            owner: none(),
            grade: none(),
            business_type: none(),
            stale: none(),
            overdue: none(),
            review: none(),
            sort: none(),
            descending: none(),
            offset: 0,
            limit: LIMIT_DEFAULT,
        }
    }
}

/// A position in degrees.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Place {
    lat: f64,
    lon: f64,
}

impl Place {
    pub(super) fn of(lat_e7: Option<i32>, lon_e7: Option<i32>) -> Option<Self> {
        Some(Self { lat: f64::from(lat_e7?) / 1e7, lon: f64::from(lon_e7?) / 1e7 })
    }
}

/// A customer in a list.
#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    name: String,
    grade: Option<String>,
    business_type: Option<String>,
    lifecycle: Option<String>,
    territory: Option<String>,
    owner: Option<Named>,
    address: Option<String>,
    phone: Option<String>,
    place: Option<Place>,
    last_visit_ms: Option<Ms>,
    interval_days: Option<u32>,
    due_days: Option<i64>,
    stale: bool,
    complete_percent: u8,
    review: u32,
    waiting: u32,
}

#[derive(Serialize)]
pub(super) struct List {
    total: u64,
    more: bool,
    offset: usize,
    rows: Vec<Row>,
}

impl Row {
    pub(super) fn of(line: CustomerLine, app: &App, names: &Names<'_>) -> Self {
        let filled = |text: String| (!text.is_empty()).then_some(text);
        let today = reach::today(app);
        Self {
            id: line.subject.to_string(),
            name: line.name,
            grade: filled(line.grade),
            business_type: filled(line.business_type),
            lifecycle: filled(line.lifecycle),
            territory: filled(line.territory),
            owner: line.owner.map(|owner| names.person(owner)),
            address: filled(line.address),
            phone: filled(line.phone),
            place: Place::of(line.lat_e7, line.lon_e7),
            last_visit_ms: line.last_visit,
            interval_days: (line.interval_days > 0).then_some(line.interval_days),
            due_days: line.due.map(|due| due.signed_duration_since(today).num_days()),
            stale: line.stale_from.is_some_and(|from| from <= app.now()),
            complete_percent: line.complete_percent,
            review: line.reviews,
            waiting: line.waiting,
        }
    }
}

/// * 200 with a page of the list, of what the person may see;
/// * 400 when the question cannot be read; 403 for a role that sees no customers.
pub(super) async fn customers(State(app): State<Shared>, session: Session, Asking(asked): Asking<Asked>) -> Result<Json<List>, Error> {
    app.blocking(move |app| {
        let Some(filter) = filter(app, &session, &asked)? else {
            return Ok(Json(List { total: 0, more: false, offset: asked.offset, rows: Vec::new() }));
        };
        let limit = asked.limit.min(LIMIT_MAX);
        let query: String = asked.q.trim().chars().take(QUERY_CHARS_MAX).collect();
        let (total, more, lines) = app.headquarters().read(|replica| {
            replica.store().read(|read| {
                if query.is_empty() {
                    let lines = read.customers_at(&filter, order(&asked.sort), asked.descending == "1", asked.offset, limit)?;
                    return Ok::<_, Error>((read.customer_count(&filter)?, false, lines));
                }
                let hits = read.search(&query, &filter, PAGE_LINES_MAX)?;
                let total = u64::try_from(hits.found.len()).unwrap_or(u64::MAX);
                let lines = hits.found.into_iter().skip(asked.offset).take(limit).map(|found| found.customer).collect();
                Ok((total, hits.more, lines))
            })
        })?;
        let names = Names::read(app.accounts(), app.feed())?;
        let rows = lines.into_iter().map(|line| Row::of(line, app, &names)).collect();
        Ok(Json(List { total, more, offset: asked.offset, rows }))
    })
    .await?
}

fn filter(app: &App, session: &Session, asked: &Asked) -> Result<Option<CustomerFilter>, Error> {
    let Some(mut filter) = reach::filter(app, session, Some(&asked.territory))? else { return Ok(None) };
    let owner = |id: &str| id.parse::<UserId>().map_err(|_| Error::Malformed);
    let codes = |code: &str| if code.is_empty() { Vec::new() } else { vec![code.to_owned()] };
    filter.owner = if asked.owner.is_empty() { None } else { Some(owner(&asked.owner)?) };
    filter.grades = codes(&asked.grade);
    filter.business_types = codes(&asked.business_type);
    filter.stale_at = (asked.stale == "1").then(|| app.now());
    filter.due_on = if asked.overdue == "1" { reach::today(app).pred_opt() } else { None };
    filter.to_review = asked.review == "1";
    Ok(Some(filter))
}

fn order(sort: &str) -> CustomerOrder {
    match sort {
        "name" => CustomerOrder::Name,
        "grade" => CustomerOrder::Grade,
        "territory" => CustomerOrder::Territory,
        "last_visit" => CustomerOrder::LastVisit,
        "stale" => CustomerOrder::Stale,
        "review" => CustomerOrder::ToDecide,
        _ => CustomerOrder::Due,
    }
}
