//! Lists of customers: filters, orders, pages. Everything is decided on one covering index; only the lines of a page touch the table.

use std::fmt::Write as _;

use chrono::NaiveDate;
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};
use serde::{Deserialize, Serialize};

use super::super::{Reading, StoreError, count, int, within};
use super::{FILTER_VALUES_MAX, NEVER_MS, NO_PLACE, PAGE_LINES_MAX, Place, day_no, day_of, zero_is_none};
use crate::ids::{DocId, Ms, SubjectId, TerritoryId, UserId};

/// Which customers. Every condition that is given must hold; the default holds for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerFilter {
    /// In one of these; empty = any.
    pub territories: Vec<TerritoryId>,
    /// In no territory.
    pub unassigned: bool,
    /// Worked by this user, as owner or substitute.
    pub owner: Option<UserId>,
    /// One of these codes; empty = any.
    pub grades: Vec<String>,
    /// See [`Self::grades`].
    pub business_types: Vec<String>,
    /// See [`Self::grades`].
    pub location_types: Vec<String>,
    /// See [`Self::grades`].
    pub retail_formats: Vec<String>,
    /// See [`Self::grades`].
    pub lifecycles: Vec<String>,
    /// See [`Self::grades`].
    pub stages: Vec<String>,
    /// Stale at this moment.
    pub stale_at: Option<Ms>,
    /// A visit is due on this day, or was before.
    pub due_on: Option<NaiveDate>,
    /// Something is to be decided.
    pub to_review: bool,
    /// A report waits for verification.
    pub to_verify: bool,
    /// Inside this box: south-west and north-east corner.
    pub inside: Option<(Place, Place)>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CustomerOrder {
    /// By sound of the name.
    #[default]
    Name,
    /// Longest without a visit first; never visited before all.
    LastVisit,
    /// Latest change first.
    Updated,
    /// Soonest due first.
    Due,
    /// Stale for the longest first.
    Stale,
    /// A before B before C, then by name.
    Grade,
    /// By territory, then by name.
    Territory,
    /// Most matters to decide first, then by name.
    ToDecide,
    /// Nearest first; those without a place last.
    Near(Place),
}

/// Where a page ended: hand it in for the next one, with the same filter and order. May travel as text; a foreign one only gives a strange page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageKey {
    pub(super) number: i64,
    pub(super) text: String,
    pub(super) subject: SubjectId,
}

impl PageKey {
    /// Where the visits end that began at this moment or later: the next page begins before it.
    #[must_use]
    pub const fn before(moment: Ms) -> Self {
        Self { number: moment.0, text: String::new(), subject: SubjectId::from_bytes([0; 16]) }
    }

    /// Where a page of visits ended that ended with this one, which began at `moment`.
    #[must_use]
    pub fn behind(moment: Ms, visit: DocId) -> Self {
        Self { number: moment.0, text: String::new(), subject: visit.into() }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its lines.
    pub lines: Vec<T>,
    /// Where it ended, when there is more.
    pub next: Option<PageKey>,
}

/// A customer in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerLine {
    /// The customer.
    pub subject: SubjectId,
    /// Name.
    pub name: String,
    /// Address to show; may be empty.
    pub address: String,
    /// Phone to show; may be empty.
    pub phone: String,
    /// Territory; empty = none.
    pub territory: String,
    /// Owner.
    pub owner: Option<UserId>,
    /// Substitute.
    pub substitute: Option<UserId>,
    /// Code of the grade; this and the next codes are empty where nothing is known.
    pub grade: String,
    /// Code.
    pub business_type: String,
    /// Code.
    pub location_type: String,
    /// Code.
    pub retail_format: String,
    /// Code.
    pub lifecycle: String,
    /// Code of the prospect stage.
    pub stage: String,
    /// Latitude in degrees × 10⁷, when the place is known.
    pub lat_e7: Option<i32>,
    /// Longitude in degrees × 10⁷.
    pub lon_e7: Option<i32>,
    /// Required visit interval; 0 = none.
    pub interval_days: u32,
    /// Start of the latest visit of anyone.
    pub last_visit: Option<Ms>,
    /// Day on which the next visit is due.
    pub due: Option<NaiveDate>,
    /// From then on less than half of the card is fresh.
    pub stale_from: Option<Ms>,
    /// Share of the card that is filled in.
    pub complete_percent: u8,
    /// Open matters, without reports that wait for verification.
    pub reviews: u32,
    /// Reports that wait for verification.
    pub waiting: u32,
    /// Latest change of the card.
    pub updated: Ms,
}

/// By what customers are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet {
    /// Territory.
    Territory,
    /// Grade.
    Grade,
    /// Customer type (客户性质).
    BusinessType,
    /// Location (客户地域).
    LocationType,
    /// Retail format.
    RetailFormat,
    /// Lifecycle.
    Lifecycle,
    /// Prospect stage.
    Stage,
}

/// Conditions and the values they compare with.
#[derive(Debug, Default)]
pub(in crate::store) struct Where {
    pub(in crate::store) sql: String,
    pub(in crate::store) values: Vec<Value>,
}

impl Where {
    /// Adds a condition with `?` for each value.
    pub(in crate::store) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        let word = if self.sql.is_empty() { "WHERE" } else { " AND" };
        // Writing into a string cannot fail.
        let _infallible = write!(self.sql, "{word} ({condition})");
        self.values.extend(values);
    }
    /// Adds "is one of", unless the list is empty.
    pub(in crate::store) fn one_of(&mut self, column: &str, codes: &[String]) -> Result<(), StoreError> {
        within("a filter (values)", codes.len(), FILTER_VALUES_MAX)?;
        if !codes.is_empty() {
            let marks = vec!["?"; codes.len()].join(", ");
            self.and(&format!("{column} IN ({marks})"), codes.iter().cloned().map(Value::Text));
        }
        Ok(())
    }
}

impl CustomerFilter {
    pub(in crate::store) fn conditions(&self) -> Result<Where, StoreError> {
        let mut out = Where::default();
        let territories: Vec<String> = self.territories.iter().map(|territory| territory.0.clone()).collect();
        out.one_of("territory", &territories)?;
        out.one_of("grade", &self.grades)?;
        out.one_of("business_type", &self.business_types)?;
        out.one_of("location_type", &self.location_types)?;
        out.one_of("retail_format", &self.retail_formats)?;
        out.one_of("lifecycle", &self.lifecycles)?;
        out.one_of("stage", &self.stages)?;
        if self.unassigned {
            out.and("territory = ''", []);
        }
        if let Some(owner) = &self.owner {
            let owner = Value::Blob(owner.as_bytes().to_vec());
            out.and("owner = ? OR substitute = ?", [owner.clone(), owner]);
        }
        if let Some(at) = self.stale_at {
            out.and("stale_from_ms <= ?", [Value::Integer(at.0)]);
        }
        if let Some(day) = self.due_on {
            out.and("due_day <= ?", [Value::Integer(day_no(day))]);
        }
        if self.to_review {
            out.and("review_count > 0", []);
        }
        if self.to_verify {
            out.and("waiting_count > 0", []);
        }
        if let Some((south_west, north_east)) = self.inside {
            let number = |e7: i32| Value::Integer(e7.into());
            out.and("lat_e7 BETWEEN ? AND ?", [number(south_west.lat_e7), number(north_east.lat_e7)]);
            out.and("lon_e7 BETWEEN ? AND ?", [number(south_west.lon_e7), number(north_east.lon_e7)]);
        }
        Ok(out)
    }
}

impl CustomerOrder {
    /// What is compared first, as a number and as a text; one of them is the same for all.
    fn keys(self) -> (String, &'static str) {
        match self {
            Self::Name => ("0".into(), "name_key"),
            Self::LastVisit => ("last_visit_ms".into(), "''"),
            Self::Updated => ("-updated_ms".into(), "''"),
            Self::Due => ("due_day".into(), "''"),
            Self::Stale => ("stale_from_ms".into(), "''"),
            Self::Grade => ("0".into(), "(grade || char(1) || name_key)"),
            Self::Territory => ("0".into(), "(territory || char(1) || name_key)"),
            Self::ToDecide => ("-(review_count + waiting_count)".into(), "name_key"),
            Self::Near(at) => (nearness(at), "''"),
        }
    }
}

/// Squared distance on a flat map around `at`, in units of 10⁻⁴ degrees of latitude: good for an order, not for a distance.
fn nearness(at: Place) -> String {
    let shrink = (f64::from(at.lat_e7) / 1e7).to_radians().cos().clamp(0.0, 1.0);
    let permille = (shrink * 1000.0).round();
    let (lat, lon) = (at.lat_e7, at.lon_e7);
    format!(
        "(CASE WHEN lat_e7 = {NO_PLACE} THEN {NEVER_MS} ELSE ((lat_e7 - {lat}) / 1000) * ((lat_e7 - {lat}) / 1000)
           + ((lon_e7 - {lon}) / 1000 * {permille} / 1000) * ((lon_e7 - {lon}) / 1000 * {permille} / 1000) END)"
    )
}

/// Columns of a [`CustomerLine`], of table `c`.
pub(in crate::store) const LINE: &str = "c.subject, c.name, c.addresses,
  coalesce((SELECT p.shown FROM phone_row p WHERE p.customer = c.no ORDER BY p.position LIMIT 1), ''),
  c.territory, c.owner, c.substitute, c.grade, c.business_type, c.location_type, c.retail_format, c.lifecycle, c.stage,
  c.lat_e7, c.lon_e7, c.interval_days, c.last_visit_ms, c.due_day, c.stale_from_ms, c.complete_percent,
  c.review_count, c.waiting_count, c.updated_ms";

/// How many columns [`LINE`] has.
pub(in crate::store) const LINE_COLUMNS: usize = 23;

impl Reading<'_> {
    /// A page of customers: at most `max` (and [`PAGE_LINES_MAX`]) lines after `after`.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] for a filter of too many values, or the file cannot be read.
    pub fn customers(
        &self,
        filter: &CustomerFilter,
        order: CustomerOrder,
        after: Option<&PageKey>,
        max: usize,
    ) -> Result<Page<CustomerLine>, StoreError> {
        let max = max.min(PAGE_LINES_MAX);
        let mut conditions = filter.conditions()?;
        let (number, text) = order.keys();
        if let Some(after) = after {
            let values = [Value::Integer(after.number), Value::Text(after.text.clone()), Value::Blob(after.subject.as_bytes().to_vec())];
            // By name the index is entered at the right place; a row value over expressions would walk to it.
            match order {
                CustomerOrder::Name => conditions.and("(name_key, subject) > (?, ?)", values.into_iter().skip(1)),
                CustomerOrder::LastVisit
                | CustomerOrder::Updated
                | CustomerOrder::Due
                | CustomerOrder::Stale
                | CustomerOrder::Grade
                | CustomerOrder::Territory
                | CustomerOrder::ToDecide
                | CustomerOrder::Near(_) => conditions.and(&format!("({number}, {text}, subject) > (?, ?, ?)"), values),
            }
        }
        let order_by = if order == CustomerOrder::Name { "name_key, subject" } else { "number, text, subject" };
        let sql = format!(
            "SELECT {LINE}, k.number, k.text
             FROM (SELECT no, {number} AS number, {text} AS text FROM customer_row INDEXED BY customer_list
                   {} ORDER BY {order_by} LIMIT {}) k
             JOIN customer_row c ON c.no = k.no ORDER BY k.number, k.text, c.subject",
            conditions.sql,
            int(max.saturating_add(1)),
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(conditions.values), |row| {
            let line = customer_line(row)?;
            let key = PageKey { number: row.get(LINE_COLUMNS)?, text: row.get(LINE_COLUMNS + 1)?, subject: line.subject };
            Ok((line, key))
        })?;
        page(rows.collect::<Result<_, _>>()?, max)
    }

    /// The `max` customers after the first `skip` in an order, or in its reverse: for lists that are scrolled to any place. The index is walked
    /// over what is skipped; to read on and on, take [`Self::customers`].
    ///
    /// # Errors
    /// See [`Self::customers`].
    pub fn customers_at(
        &self,
        filter: &CustomerFilter,
        order: CustomerOrder,
        reverse: bool,
        skip: usize,
        max: usize,
    ) -> Result<Vec<CustomerLine>, StoreError> {
        let conditions = filter.conditions()?;
        let (number, text) = order.keys();
        let down = if reverse { " DESC" } else { "" };
        let sql = format!(
            "SELECT {LINE}
             FROM (SELECT no, {number} AS number, {text} AS text FROM customer_row INDEXED BY customer_list
                   {} ORDER BY number{down}, text{down}, subject{down} LIMIT {} OFFSET {}) k
             JOIN customer_row c ON c.no = k.no ORDER BY k.number{down}, k.text{down}, c.subject{down}",
            conditions.sql,
            int(max.min(PAGE_LINES_MAX)),
            int(skip),
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let rows = find.query_map(params_from_iter(conditions.values), customer_line)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One customer as lists show it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn customer(&self, subject: SubjectId) -> Result<Option<CustomerLine>, StoreError> {
        let mut find = self.conn.prepare_cached(&format!("SELECT {LINE} FROM customer_row c WHERE c.subject = ?1"))?;
        let mut rows = find.query([subject.as_bytes()])?;
        Ok(rows.next()?.map(customer_line).transpose()?)
    }

    /// How many customers there are of each value of a facet, by value.
    ///
    /// # Errors
    /// See [`Self::customers`].
    pub fn customer_tally(&self, filter: &CustomerFilter, by: Facet) -> Result<Vec<(String, u64)>, StoreError> {
        let column = match by {
            Facet::Territory => "territory",
            Facet::Grade => "grade",
            Facet::BusinessType => "business_type",
            Facet::LocationType => "location_type",
            Facet::RetailFormat => "retail_format",
            Facet::Lifecycle => "lifecycle",
            Facet::Stage => "stage",
        };
        let conditions = filter.conditions()?;
        let mut find = self.conn.prepare_cached(&format!(
            "SELECT {column}, count(*) FROM customer_row INDEXED BY customer_list {} GROUP BY {column} ORDER BY {column}",
            conditions.sql
        ))?;
        let rows = find.query_map(params_from_iter(conditions.values), |row| Ok((row.get(0)?, count(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many customers answer a filter.
    ///
    /// # Errors
    /// See [`Self::customers`].
    pub fn customer_count(&self, filter: &CustomerFilter) -> Result<u64, StoreError> {
        let conditions = filter.conditions()?;
        let mut find =
            self.conn.prepare_cached(&format!("SELECT count(*) FROM customer_row INDEXED BY customer_list {}", conditions.sql))?;
        Ok(count(find.query_row(params_from_iter(conditions.values), |row| row.get(0))?))
    }
}

/// Cuts the one line too many that was asked for to see whether there is more.
pub(super) fn page<T>(mut lines: Vec<(T, PageKey)>, max: usize) -> Result<Page<T>, StoreError> {
    let more = lines.len() > max;
    lines.truncate(max);
    let next = if more { lines.last().map(|(_, key)| key.clone()) } else { None };
    Ok(Page { lines: lines.into_iter().map(|(line, _)| line).collect(), next })
}

/// Reads the columns of [`LINE`].
pub(in crate::store) fn customer_line(row: &Row<'_>) -> Result<CustomerLine, rusqlite::Error> {
    let addresses: String = row.get(2)?;
    let user = |bytes: Vec<u8>| UserId::from_slice(&bytes);
    let degrees = |e7: i64| if e7 == NO_PLACE { None } else { i32::try_from(e7).ok() };
    let stale_from: i64 = row.get(18)?;
    Ok(CustomerLine {
        subject: SubjectId::from_bytes(row.get(0)?),
        name: row.get(1)?,
        address: addresses.lines().next().unwrap_or_default().to_owned(),
        phone: row.get(3)?,
        territory: row.get(4)?,
        owner: user(row.get(5)?),
        substitute: user(row.get(6)?),
        grade: row.get(7)?,
        business_type: row.get(8)?,
        location_type: row.get(9)?,
        retail_format: row.get(10)?,
        lifecycle: row.get(11)?,
        stage: row.get(12)?,
        lat_e7: degrees(row.get(13)?),
        lon_e7: degrees(row.get(14)?),
        interval_days: row.get(15)?,
        last_visit: zero_is_none(row.get(16)?),
        due: day_of(row.get(17)?),
        stale_from: (stale_from != NEVER_MS).then_some(Ms(stale_from)),
        complete_percent: row.get(19)?,
        reviews: row.get(20)?,
        waiting: row.get(21)?,
        updated: Ms(row.get(22)?),
    })
}
