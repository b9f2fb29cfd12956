//! Lists as apps see them: customers, hits of a search, overdue visits, visits, tours. Mirrors of `roadbook_core::store`; where that
//! uses what cannot cross (generics, tuples), a record of its own with its conversion.

use chrono::NaiveDate;
use roadbook_core::ids::{DocId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::store::rows::{
    CustomerFilter, CustomerLine, CustomerOrder, OverdueLine, Page, PageKey, TourLine, TourRow, VisitLine, VisitRow,
};
use roadbook_core::store::search::{Found, FoundIn, Hits};

use crate::error::RoadbookError;

// Where a page ended: pass it back for the next one.
uniffi::custom_type!(PageKey, String, {
    remote,
    try_lift: |text| Ok(serde_json::from_str(&text).map_err(|_| RoadbookError::Mistake { why: "not a page key of this library".to_owned() })?),
    lower: |key| serde_json::to_string(&key).unwrap_or_default()
});

/// A customer in a list.
#[uniffi::remote(Record)]
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
    /// Required visit interval in days; 0 = none.
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

/// Which customers. Every condition that is given must hold; the default holds for all.
#[derive(Debug, Clone, Default, uniffi::Record)]
pub struct CustomerQuery {
    /// In one of these; empty = any.
    #[uniffi(default)]
    pub territories: Vec<TerritoryId>,
    /// Worked by this user, as owner or substitute.
    #[uniffi(default)]
    pub owner: Option<UserId>,
    /// One of these codes; empty = any.
    #[uniffi(default)]
    pub grades: Vec<String>,
    /// See `grades`.
    #[uniffi(default)]
    pub business_types: Vec<String>,
    /// See `grades`.
    #[uniffi(default)]
    pub lifecycles: Vec<String>,
    /// Stale at this moment.
    #[uniffi(default)]
    pub stale_at: Option<Ms>,
    /// A visit is due on this day, or was before.
    #[uniffi(default)]
    pub due_on: Option<NaiveDate>,
    /// Something is to be decided.
    #[uniffi(default)]
    pub to_review: bool,
}

impl From<CustomerQuery> for CustomerFilter {
    fn from(query: CustomerQuery) -> Self {
        let CustomerQuery { territories, owner, grades, business_types, lifecycles, stale_at, due_on, to_review } = query;
        Self { territories, owner, grades, business_types, lifecycles, stale_at, due_on, to_review, ..Self::default() }
    }
}

/// In which order.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
pub enum CustomerSort {
    /// By sound of the name.
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
    /// Nearest first; those without a place last.
    Near {
        /// Latitude in degrees × 10⁷.
        lat_e7: i32,
        /// Longitude in degrees × 10⁷.
        lon_e7: i32,
    },
}

impl From<CustomerSort> for CustomerOrder {
    fn from(sort: CustomerSort) -> Self {
        match sort {
            CustomerSort::Name => Self::Name,
            CustomerSort::LastVisit => Self::LastVisit,
            CustomerSort::Updated => Self::Updated,
            CustomerSort::Due => Self::Due,
            CustomerSort::Stale => Self::Stale,
            CustomerSort::Grade => Self::Grade,
            CustomerSort::Near { lat_e7, lon_e7 } => Self::Near(roadbook_core::store::rows::Place { lat_e7, lon_e7 }),
        }
    }
}

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $line:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, uniffi::Record)]
        pub struct $name {
            /// The lines.
            pub lines: Vec<$line>,
            /// Pass it back for the next page; none on the last one.
            pub next: Option<PageKey>,
        }
        impl From<Page<$line>> for $name {
            fn from(page: Page<$line>) -> Self {
                Self { lines: page.lines, next: page.next }
            }
        }
    )*};
}
pages! {
    /// A page of customers.
    CustomerPage of CustomerLine;
    /// A page of overdue visits, worst first.
    OverduePage of OverdueLine;
    /// A page of visits, latest first.
    VisitPage of VisitLine;
}

/// Where the weakest of the words was found: the better the smaller.
#[uniffi::remote(Enum)]
pub enum FoundIn {
    /// It is the name.
    WholeName,
    /// The name begins with it.
    NameBeginning,
    /// In the name.
    Name,
    /// In another name.
    Alias,
    /// A phone ends with it.
    PhoneEnd,
    /// In a phone.
    Phone,
    /// In the name of somebody there.
    Person,
    /// In an address.
    Address,
}

/// A customer that answers a search.
#[uniffi::remote(Record)]
pub struct Found {
    /// The customer.
    pub customer: CustomerLine,
    /// Where the weakest word was found.
    pub found_in: FoundIn,
}

/// What a search found, best first.
#[uniffi::remote(Record)]
pub struct Hits {
    /// The best.
    pub found: Vec<Found>,
    /// There is more than is listed: type more.
    pub more: bool,
}

/// A customer whose visit is overdue.
#[uniffi::remote(Record)]
pub struct OverdueLine {
    /// The customer.
    pub customer: CustomerLine,
    /// Days since the visit was due, at least 1.
    pub days_overdue: u32,
    /// Days overdue ÷ interval × weight of the grade, in permille.
    pub urgency: u64,
}

/// What lists know of a visit.
#[uniffi::remote(Record)]
pub struct VisitRow {
    /// Its document.
    pub doc: DocId,
    /// The customer.
    pub subject: SubjectId,
    /// Who visited.
    pub rep: Option<UserId>,
    /// The tour it belongs to.
    pub tour: Option<DocId>,
    /// Code of value set `visit_type`.
    pub kind: String,
    /// Code of value set `visit_outcome`.
    pub outcome: String,
    /// Day of the check-in.
    pub day: NaiveDate,
    /// Check-in, corrected.
    pub started: Ms,
    /// Check-out, corrected; none = never checked out.
    pub ended: Option<Ms>,
    /// Code of value set `location_label`: where the check-in was.
    pub place_label: String,
    /// Satisfies the visit interval.
    pub counts: bool,
    /// Probably the same visit as another one: figures leave it out.
    pub possible_double: bool,
    /// The device's clock was wrong by more than is tolerated.
    pub clock_wrong: bool,
    /// How often it was amended.
    pub amendments: u32,
    /// How many photos it names.
    pub photos: u32,
    /// First words of what was found.
    pub summary: String,
}

/// A visit in a list.
#[uniffi::remote(Record)]
pub struct VisitLine {
    /// The visit.
    pub visit: VisitRow,
    /// Name of the customer; empty when its card is not held.
    pub customer: String,
    /// Grade of the customer.
    pub grade: String,
}

/// What lists know of a tour.
#[uniffi::remote(Record)]
pub struct TourRow {
    /// Its document.
    pub doc: DocId,
    /// Code of the route.
    pub route: String,
    /// The day.
    pub day: NaiveDate,
    /// Who drives it.
    pub rep: Option<UserId>,
    /// What people call it.
    pub title: String,
    /// Code: `planned`, `published`, `cancelled` …
    pub state: String,
    /// Which published plan is in force, counted from 1; 0 = none yet.
    pub revision: u32,
    /// The latest plan that the representative acknowledged; 0 = none.
    pub seen_revision: u32,
    /// Planned time from start to end, in minutes.
    pub planned_minutes: u32,
    /// Planned way, in metres.
    pub planned_m: u32,
}

/// A tour in a list.
#[uniffi::remote(Record)]
pub struct TourLine {
    /// The tour.
    pub tour: TourRow,
    /// How many stops it has.
    pub stops: u32,
    /// How many are done.
    pub done: u32,
}
