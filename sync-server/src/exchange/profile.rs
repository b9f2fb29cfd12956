//! What a device is told of its person: role, territories, the names of colleagues.

use roadbook_core::exchange::{Person, Profile};

use crate::accounts::{Accounts, AccountsError, User};

/// Colleagues whose names are told, at most.
const PEOPLE_MAX: usize = 5_000;

/// The profile of a person.
///
/// # Errors
/// When the account tables cannot be read.
pub fn of(accounts: &Accounts, offset_minutes: i32, user: &User) -> Result<Profile, AccountsError> {
    let territories = accounts.territories_below(&user.territories)?;
    let people = accounts.users()?.into_iter().take(PEOPLE_MAX).map(|person| Person { user: person.id, name: person.name });
    Ok(Profile {
        user: user.id,
        name: user.name.clone(),
        role: user.role.code().to_owned(),
        territories: territories.into_iter().collect(),
        offset_minutes,
        people: people.collect(),
        registry: None,
    })
}
