//! Which scopes of the feed a person's devices hold, from the account tables as they are now.

use std::collections::BTreeSet;

use roadbook_core::ids::{DocId, SubjectId, TerritoryId, UserId};
use roadbook_core::model::kinds;

use crate::access::{self, Reach, Relation};
use crate::accounts::{Accounts, AccountsError, User};
use crate::feed::{Ask, Begun, Feed, FeedError, Filing, Grant};

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

/// A person's view of the feed.
#[derive(Debug, Clone)]
pub struct View {
    /// Where they work or answer for.
    pub reach: Reach,
    grants: Vec<Grant>,
    own_kinds: BTreeSet<&'static str>,
    territory_kinds: BTreeSet<&'static str>,
}

impl View {
    /// The view of a person now; a difference to what was granted before is recorded in the feed.
    ///
    /// # Errors
    /// When tables cannot be read or written.
    pub fn of(accounts: &Accounts, feed: &dyn Feed, user: &User) -> Result<Self, ScopeError> {
        let reach = Reach::of(user.role, accounts.territories_below(&user.territories)?);
        let all: BTreeSet<TerritoryId> = accounts.territories()?.into_iter().map(|territory| territory.id).collect();
        let grants = feed.grant(user.id, user.role.code(), &access::scopes(user.id, &reach, &all))?;
        Ok(Self {
            reach,
            grants,
            own_kinds: access::readable_kinds(user.role, Relation::Own),
            territory_kinds: access::readable_kinds(user.role, Relation::Territory),
        })
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

/// The head of the feed, when something above `told` concerns the person's devices.
///
/// # Errors
/// When tables cannot be read or written.
pub fn news_for(accounts: &Accounts, feed: &dyn Feed, user: UserId, told: u64) -> Result<Option<u64>, ScopeError> {
    let Some(user) = accounts.user(user)? else { return Ok(None) };
    let view = View::of(accounts, feed, &user)?;
    let page = feed.page(&view.ask(told, None, false, 1))?;
    // A page of one may have stopped at a document that stands higher in another scope: there is more, and that is news enough.
    Ok((!page.documents.is_empty() || !page.forgets.is_empty() || !page.complete).then_some(page.head))
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
