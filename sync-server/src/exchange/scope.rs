//! Which scopes of the feed a person's devices hold, from the account tables as they are now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use roadbook_core::ids::{DocId, SubjectId, TerritoryId, UserId};
use roadbook_core::model::kinds;

use super::Exchange;
use crate::access::{self, Reach, Relation, Role};
use crate::accounts::{Accounts, AccountsError, User};
use crate::feed::{Ask, Begun, Feed, FeedError, Filing, Grant, Scope};

/// Why the scopes could not be worked out.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// The account tables failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// Customers within reach from which on a supervisor, manager or finance clerk is given rows in place of documents.
pub const BROAD_CUSTOMERS_MIN: u64 = 1_000;

/// A person's view of the feed.
#[derive(Debug, Clone)]
pub struct View {
    /// Where they work or answer for.
    pub reach: Reach,
    /// They see more than a phone should carry: what is not their own is told as rows.
    pub broad: bool,
    grants: Vec<Grant>,
    own_kinds: BTreeSet<&'static str>,
    territory_kinds: BTreeSet<&'static str>,
}

/// Whether a person was told rows in place of documents when they last asked.
///
/// # Errors
/// When tables cannot be read.
pub fn tells_rows(feed: &dyn Feed, user: &User) -> Result<bool, FeedError> {
    Ok(access::reads_broadly(user.role) && feed.mark(&broad_mark(user))? == Some(1))
}

fn broad_mark(user: &User) -> String {
    format!("broad/{}", user.id)
}

impl View {
    /// The view of a person now; a difference to what was granted before is recorded in the feed. `broad_from`: customers within reach
    /// from which on rows are told, by default [`BROAD_CUSTOMERS_MIN`].
    ///
    /// # Errors
    /// When tables cannot be read or written.
    pub fn of(accounts: &Accounts, feed: &dyn Feed, user: &User, broad_from: u64) -> Result<Self, ScopeError> {
        Ok(Self::with(feed, user, &Reached::of(accounts, user)?, broad_from)?)
    }

    fn with(feed: &dyn Feed, user: &User, reached: &Reached, broad_from: u64) -> Result<Self, FeedError> {
        let mut view = Self {
            reach: reached.reach.clone(),
            broad: false,
            grants: Vec::new(),
            own_kinds: access::readable_kinds(user.role, Relation::Own),
            territory_kinds: access::readable_kinds(user.role, Relation::Territory),
        };
        let was_broad = tells_rows(feed, user)?;
        // Rows and documents are given under different grants: who goes from one to the other takes all of it again.
        let role = |broad: bool| if broad { format!("{}/rows", user.role.code()) } else { user.role.code().to_owned() };
        view.grants = feed.grant(user.id, &role(was_broad), &reached.scopes)?;
        view.broad = was_broad;
        if access::reads_broadly(user.role) {
            let customers = view.customers(feed)?;
            // Documents are given again below four fifths: a company at the border does not go to and fro.
            let from = if was_broad { broad_from.saturating_mul(4) / 5 } else { broad_from };
            view.broad = customers >= from;
            if view.broad != was_broad {
                feed.put_mark(&broad_mark(user), i64::from(view.broad))?;
                view.grants = feed.grant(user.id, &role(view.broad), &reached.scopes)?;
            }
        }
        if view.broad {
            // What is private about a thousand customers lies on no phone where it can be opened by name.
            view.territory_kinds.retain(|kind| !(kinds::is_private(kind) && kinds::belongs_to_customer(kind)));
        }
        Ok(view)
    }

    /// Customers that the person sees.
    fn customers(&self, feed: &dyn Feed) -> Result<u64, FeedError> {
        let cards = BTreeSet::from([kinds::CUSTOMER.id]);
        let ask = self.ask(0, None, false, 1);
        Ok(feed.digest(&Ask { own_kinds: &cards, territory_kinds: &cards, ..ask })?.1)
    }

    /// A question to the feed. `again`: the device was told to start its pull again and may hold documents.
    #[must_use]
    pub fn ask(&self, base: u64, begun: Option<Begun>, again: bool, documents_max: usize) -> Ask<'_> {
        let Self { grants, own_kinds, territory_kinds, .. } = self;
        Ask { grants, own_kinds, territory_kinds, base, begun, again, documents_max }
    }

    /// The latest grant: a pull that began before it begins again.
    #[must_use]
    pub fn granted_no(&self) -> u64 {
        self.grants.iter().filter(|grant| grant.revoked_no.is_none()).map(|grant| grant.granted_no).max().unwrap_or(0)
    }
}

/// Reach and scopes of a person, worked out from the account tables.
#[derive(Debug)]
struct Reached {
    role: Role,
    territories: BTreeSet<TerritoryId>,
    reach: Reach,
    scopes: BTreeSet<Scope>,
}

impl Reached {
    fn of(accounts: &Accounts, user: &User) -> Result<Self, AccountsError> {
        let reach = Reach::of(user.role, accounts.territories_below(&user.territories)?);
        let all: BTreeSet<TerritoryId> = accounts.territories()?.into_iter().map(|territory| territory.id).collect();
        let scopes = access::scopes(user.id, &reach, &all);
        Ok(Self { role: user.role, territories: user.territories.clone(), reach, scopes })
    }

    /// Whether it is of this person as they are known to the caller: one who was looked up before a change may come with the version after it.
    fn is_of(&self, user: &User) -> bool {
        self.role == user.role && self.territories == user.territories
    }
}

/// What was worked out from the account tables, kept for as long as those stay as they are.
#[derive(Debug, Default)]
pub struct Views {
    kept: Mutex<(u64, BTreeMap<UserId, Arc<Reached>>)>,
}

impl Views {
    /// As [`View::of`], without reading the account tables again while nothing in them has changed.
    ///
    /// # Errors
    /// As [`View::of`].
    pub fn of(&self, accounts: &Accounts, feed: &dyn Feed, user: &User, (version, broad_from): (u64, u64)) -> Result<View, ScopeError> {
        let known = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.0 != version {
                *kept = (version, BTreeMap::new());
            }
            kept.1.get(&user.id).filter(|reached| reached.is_of(user)).cloned()
        };
        let reached = match known {
            Some(reached) => reached,
            None => {
                let reached = Arc::new(Reached::of(accounts, user)?);
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.0 == version {
                    kept.1.insert(user.id, Arc::clone(&reached));
                }
                reached
            }
        };
        Ok(View::with(feed, user, &reached, broad_from)?)
    }
}

impl Exchange {
    /// The head of the feed, when something above `told` concerns the person's devices.
    ///
    /// # Errors
    /// When tables cannot be read or written.
    pub fn news_for(&self, user: UserId, told: u64) -> Result<Option<u64>, ScopeError> {
        let Some(user) = self.accounts.user(user)? else { return Ok(None) };
        let view = View::of(&self.accounts, self.feed.as_ref(), &user, self.broad_from)?;
        let page = self.feed.page(&view.ask(told, None, false, 1))?;
        // A page of one may have stopped at a document that stands higher in another scope: there is more, and that is news enough.
        Ok((!page.documents.is_empty() || !page.forgets.is_empty() || !page.complete).then_some(page.head))
    }
}

/// How a document is filed: the territory of its subject; its own owner, or else the subject's. A tour has no customer: it
/// lies where its representative works. `None`: the feed knows neither document nor subject.
///
/// # Errors
/// When tables cannot be read.
pub fn standing(accounts: &Accounts, feed: &dyn Feed, doc: DocId, subject: SubjectId) -> Result<Option<Filing>, ScopeError> {
    let filing = feed.filing(subject)?;
    let Some(document) = feed.document(doc)? else { return Ok(filing) };
    let filing = filing.unwrap_or_default();
    let owner = document.owner.or(filing.owner);
    let territory = match (filing.territory, owner) {
        (None, Some(rep)) if document.kind == kinds::TOUR.id => accounts.user(rep)?.and_then(|rep| rep.territories.into_iter().next()),
        (territory, _) => territory,
    };
    Ok(Some(Filing { territory, owner }))
}

/// How a person stands to a document. Whoever has a customer stands to its visits as if they worked in its territory.
///
/// # Errors
/// When tables cannot be read.
pub fn relation(
    accounts: &Accounts,
    feed: &dyn Feed,
    (user, reach): (UserId, &Reach),
    (doc, kind, subject): (DocId, &str, SubjectId),
) -> Result<Relation, ScopeError> {
    let standing = standing(accounts, feed, doc, subject)?;
    Ok(relation_as_filed(feed, (user, reach), standing.as_ref(), (kind, subject))?)
}

/// As [`relation`], to a document that is filed so.
///
/// # Errors
/// When tables cannot be read.
pub fn relation_as_filed(
    feed: &dyn Feed,
    (user, reach): (UserId, &Reach),
    filing: Option<&Filing>,
    (kind, subject): (&str, SubjectId),
) -> Result<Relation, FeedError> {
    let relation = Relation::of(user, reach, filing);
    let elsewhere = relation == Relation::Elsewhere && kind == kinds::VISIT.id;
    let hosts = elsewhere && feed.filing(subject)?.is_some_and(|filing| filing.owner == Some(user));
    Ok(if hosts { Relation::Territory } else { relation })
}
