//! Reading: lists, search, cards, visits, tours, history, and what is unsent. Each is one call to the core.

use chrono::NaiveDate;
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::card::Card;
use roadbook_core::model::clock::Corrected;
use roadbook_core::model::tour::Tour;
use roadbook_core::model::visit::Visit;
use roadbook_core::model::{Source, Value};
use roadbook_core::replica::ReplicaError;
use roadbook_core::replica::field::VisitDraft;
use roadbook_core::replica::reading::Line;
use roadbook_core::store::OutboxSize;
use roadbook_core::store::rows::{CustomerFilter, PageKey, TourLine, VisitFilter};
use roadbook_core::store::search::Hits;

use crate::book::Roadbook;
use crate::edge;
use crate::error::RoadbookError;
use crate::exchange::SetAside;
use crate::lists::{CustomerPage, CustomerQuery, CustomerSort, OverduePage, VisitPage};

/// Most set-aside changes that are listed at once.
const SET_ASIDE_MAX: usize = 500;

/// One line of a field's history.
#[uniffi::remote(Record)]
pub struct Line {
    /// What was asserted.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
    /// The document or file behind it.
    pub source_doc: Option<String>,
    /// Who is said to have made it, for imported rows.
    pub claimed_author: Option<String>,
    /// The person.
    pub author: Option<UserId>,
    /// Which start of which device.
    pub actor: String,
    /// When.
    pub at: Corrected,
}

/// How much waits to be sent.
#[uniffi::remote(Record)]
pub struct OutboxSize {
    /// Changes that go first.
    pub urgent: u64,
    /// All changes.
    pub changes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest was saved.
    pub oldest: Option<Ms>,
}

#[uniffi::export]
impl Roadbook {
    /// A page of customers: at most `max` after `after`, the `next` of the page before.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn customers(
        &self,
        query: CustomerQuery,
        sort: CustomerSort,
        after: Option<PageKey>,
        max: u32,
    ) -> Result<CustomerPage, RoadbookError> {
        let filter = query.into();
        Ok(self.read().store().read(|read| read.customers(&filter, sort.into(), after.as_ref(), max as usize))?.into())
    }

    /// Customers found by what people type: Chinese, pinyin, initials, parts of phone numbers; best first.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn search(&self, text: String, max: u32) -> Result<Hits, RoadbookError> {
        Ok(self.read().store().read(|read| read.search(&text, &CustomerFilter::default(), max as usize))?)
    }

    /// Overdue visits of customers that answer `query`, worst first.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn overdue(&self, query: CustomerQuery, after: Option<PageKey>, max: u32) -> Result<OverduePage, RoadbookError> {
        let (filter, today) = (query.into(), self.today()?);
        Ok(self.read().store().read(|read| read.overdue(today, &filter, after.as_ref(), max as usize))?.into())
    }

    /// A customer's card.
    ///
    /// # Errors
    /// `NotHere`.
    pub fn card(&self, customer: SubjectId) -> Result<Card, RoadbookError> {
        let unknown = || RoadbookError::NotHere { what: "customer".to_owned(), id: customer.to_string() };
        self.read().card(customer)?.ok_or_else(unknown)
    }

    /// Everything that was ever said about a fact of a card, oldest first; also `list/entry/field` and `set/element`.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn history(&self, customer: SubjectId, path: String) -> Result<Vec<Line>, RoadbookError> {
        let container = match path.split('/').count() {
            1 => "facts",
            2 => "sets",
            _ => "entries",
        };
        Ok(self.read().history(customer.customer(), container, &path)?)
    }

    /// Visits of a customer, latest first.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn visits(&self, customer: SubjectId, after: Option<PageKey>, max: u32) -> Result<VisitPage, RoadbookError> {
        let filter = VisitFilter { subject: Some(customer), ..VisitFilter::default() };
        Ok(self.read().store().read(|read| read.visits(&filter, after.as_ref(), max as usize))?.into())
    }

    /// A sealed visit.
    ///
    /// # Errors
    /// `NotHere`.
    pub fn visit(&self, visit: DocId) -> Result<Visit, RoadbookError> {
        let unknown = || RoadbookError::NotHere { what: "visit".to_owned(), id: visit.to_string() };
        self.read().visit(visit)?.ok_or_else(unknown)
    }

    /// Visits under way on this device.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn drafts(&self) -> Result<Vec<VisitDraft>, RoadbookError> {
        Ok(self.read().drafts()?)
    }

    /// The user's own tours of these days.
    ///
    /// # Errors
    /// `NotEnrolled`.
    pub fn tours(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<TourLine>, RoadbookError> {
        let replica = self.read();
        let user = replica.profile()?.ok_or(RoadbookError::NotEnrolled)?.user;
        Ok(replica.store().read(|read| read.tours(from, to, Some(user)))?)
    }

    /// A tour with its stops in the order of the day.
    ///
    /// # Errors
    /// `NotHere`.
    pub fn tour(&self, tour: DocId) -> Result<Tour, RoadbookError> {
        self.read().tour(tour)?.ok_or_else(|| ReplicaError::Unknown { what: "tour", doc: tour }.into())
    }

    /// How much waits for headquarters.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn outbox(&self) -> Result<OutboxSize, RoadbookError> {
        Ok(self.read().outbox_size()?)
    }

    /// Own changes that headquarters set aside.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn set_aside_changes(&self) -> Result<Vec<SetAside>, RoadbookError> {
        let changes = self.read().set_aside_changes(SET_ASIDE_MAX)?;
        Ok(changes.into_iter().map(SetAside::from).collect())
    }

    /// Today in the company's calendar.
    ///
    /// # Errors
    /// `StorageDamaged`.
    pub fn today(&self) -> Result<NaiveDate, RoadbookError> {
        let offset_minutes = self.read().offset_minutes()?;
        edge::now().day(offset_minutes).ok_or_else(|| RoadbookError::Mistake { why: "the device's clock shows no day".to_owned() })
    }

    /// A new id for an entry of a list or log.
    ///
    /// # Errors
    /// `KeyUnusable` when the system gives no randomness.
    pub fn new_entry_id(&self) -> Result<EntryId, RoadbookError> {
        Ok(EntryId::fresh(edge::now(), edge::random()?))
    }
}
