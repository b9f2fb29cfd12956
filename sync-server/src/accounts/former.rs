//! What a person held before their role or territories changed: a phone that has been away still works by it.

use std::collections::BTreeSet;

use roadbook_core::ids::{Ms, TerritoryId, UserId};
use roadbook_core::model::Role;
use rusqlite::{Transaction, params};

use super::{Accounts, AccountsError};

/// Role and territories of a person until a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerPost {
    /// When they were changed.
    pub until: Ms,
    /// The role until then.
    pub role: Role,
    /// The territories until then.
    pub territories: BTreeSet<TerritoryId>,
}

impl Accounts {
    /// What a person held before, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn former_posts(&self, user: UserId) -> Result<Vec<FormerPost>, AccountsError> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT at_ms, role, territories FROM former WHERE user = ?1 ORDER BY no")?;
            let rows = find.query_map([user.as_bytes()], |row| {
                let (role, territories): (String, String) = (row.get(1)?, row.get(2)?);
                Ok(FormerPost {
                    until: Ms(row.get(0)?),
                    role: Role::of_code(&role).ok_or(rusqlite::Error::InvalidQuery)?,
                    territories: territories.lines().map(|id| TerritoryId(id.to_owned())).collect(),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Writes down what a person holds, in the transaction that changes it.
pub(super) fn remember(tx: &Transaction<'_>, now: Ms, user: UserId) -> Result<(), rusqlite::Error> {
    tx.prepare_cached(
        "INSERT INTO former (user, at_ms, role, territories)
         SELECT id, ?2, role, coalesce((SELECT group_concat(territory, char(10)) FROM assignment WHERE user = ?1), '')
           FROM user WHERE id = ?1",
    )?
    .execute(params![user.as_bytes(), now.0])?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::super::testing::accounts;
    use super::super::{NewUser, Territory, Who};
    use super::*;

    #[test]
    fn what_was_held_is_remembered_with_each_change() {
        let (_folder, accounts) = accounts();
        let who = Who::shell();
        let territory = |id: &str| TerritoryId(id.to_owned());
        for id in ["east", "west"] {
            accounts.set_territory(Ms(1), &who, &Territory { id: territory(id), parent: None, name: id.to_owned() }).unwrap();
        }
        let user = UserId::from_bytes([1; 16]);
        let new = NewUser {
            id: user,
            login: "wf".to_owned(),
            name: "王芳".to_owned(),
            role: Role::Salesperson,
            password: None,
            territories: BTreeSet::from([territory("east"), territory("west")]),
        };
        accounts.add_user(Ms(2), &who, &new).unwrap();
        assert!(accounts.former_posts(user).unwrap().is_empty());
        accounts.assign_territories(Ms(3), &who, user, &BTreeSet::new()).unwrap();
        accounts.set_role(Ms(4), &who, user, Role::Supervisor).unwrap();
        let posts = accounts.former_posts(user).unwrap();
        let first = FormerPost { until: Ms(3), role: Role::Salesperson, territories: new.territories };
        assert_eq!(posts, [first, FormerPost { until: Ms(4), role: Role::Salesperson, territories: BTreeSet::new() }]);
    }
}
