//! Who may verify and decide, asked when a duty is carried out. The decision itself is `access`.

use roadbook_core::ids::{SubjectId, UserId};
use roadbook_core::model::proposal::Proposal;

use super::{HeadquartersError, Inner, command_for};
use crate::access::{self, Command, Reach, Relation};
use crate::duties::Standing;

/// Who may decide, by the permission table and the accounts as they are now.
pub(super) struct Desk<'a> {
    pub(super) inner: &'a Inner,
}

impl Desk<'_> {
    fn may(&self, user: UserId, customer: SubjectId, command: Command) -> Result<bool, HeadquartersError> {
        let Some(person) = self.inner.accounts.user(user)?.filter(|person| !person.disabled) else { return Ok(false) };
        let reach = Reach::of(person.role, self.inner.accounts.territories_below(&person.territories)?);
        let filing = self.inner.feed.filing(customer)?;
        Ok(access::may_command(person.role, Relation::of(user, &reach, filing.as_ref()), command))
    }
}

impl Standing for Desk<'_> {
    fn may_verify(&self, user: UserId, customer: SubjectId) -> bool {
        // When the tables cannot be read nobody is entitled: the verification becomes a proposal, which loses nothing.
        self.may(user, customer, Command::Verify).unwrap_or(false)
    }
    fn may_decide(&self, user: UserId, proposal: &Proposal) -> bool {
        self.may(user, proposal.customer, command_for(proposal)).unwrap_or(false)
    }
}
