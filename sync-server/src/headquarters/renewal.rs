//! When the feed begins a new life: somebody says that its file came back from a backup, or the replica shows it. What that means for
//! devices is the exchange's.

use roadbook_core::ids::Ms;
use roadbook_core::store::PullPosition;

use super::HeadquartersError;
use crate::accounts::{Accounts, Act, Who};
use crate::feed::Feed;

/// Begins a new life of the feed: devices hand in again what it may lack.
///
/// # Errors
/// [`HeadquartersError`]; begun again it does no harm.
pub fn renew(feed: &dyn Feed, accounts: &Accounts, now: Ms, who: &Who, why: &str) -> Result<(), HeadquartersError> {
    feed.renew_epoch()?;
    feed.note_renewal(now)?;
    Ok(accounts.audit(now, who, Act::EpochRenewed, why)?)
}

/// Begins a new life when the feed ends before what the replica has followed in this one: its file went back, and nobody said so. The
/// numbers that are missing would be given a second time.
pub(super) fn renew_when_it_went_back(
    feed: &dyn Feed,
    accounts: &Accounts,
    now: Ms,
    followed: PullPosition,
) -> Result<(), HeadquartersError> {
    let head = feed.head()?;
    if followed.epoch != feed.epoch()? || followed.number <= head {
        return Ok(());
    }
    tracing::warn!(
        followed = followed.number,
        head,
        "server.sqlite ends before what hq.sqlite has of it, so it came from a backup: a new life begins, in which phones hand back what it lost"
    );
    let who = Who { address: "start".to_owned(), ..Who::default() };
    renew(feed, accounts, now, &who, &format!("followed {} head {head}", followed.number))
}
