//! What a person held before their role, their territories or the tree below these changed: a phone that has been away still works by it.

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
    /// The territories until then: with `whole` all within reach, those below the assigned ones included.
    pub territories: BTreeSet<TerritoryId>,
    /// What lay below the assigned territories is among them. It is not in what earlier releases wrote down.
    pub whole: bool,
}

impl Accounts {
    /// What a person held before, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn former_posts(&self, user: UserId) -> Result<Vec<FormerPost>, AccountsError> {
        self.database.read(|tx| {
            let mut find = tx.prepare_cached("SELECT at_ms, role, territories, whole FROM former WHERE user = ?1 ORDER BY no")?;
            let rows = find.query_map([user.as_bytes()], |row| {
                let (role, territories): (String, String) = (row.get(1)?, row.get(2)?);
                Ok(FormerPost {
                    until: Ms(row.get(0)?),
                    role: Role::of_code(&role).ok_or(rusqlite::Error::InvalidQuery)?,
                    territories: territories.lines().map(|id| TerritoryId(id.to_owned())).collect(),
                    whole: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Writes down what a person holds, in the transaction that changes it: role and reach.
pub(super) fn remember(tx: &Transaction<'_>, now: Ms, user: UserId) -> Result<(), rusqlite::Error> {
    tx.prepare_cached(
        "WITH RECURSIVE reach (territory) AS (
             SELECT territory FROM assignment WHERE user = ?1
             UNION
             SELECT below.id FROM territory AS below JOIN reach ON below.parent = reach.territory)
         INSERT INTO former (user, at_ms, role, territories, whole)
         SELECT id, ?2, role, coalesce((SELECT group_concat(territory, char(10)) FROM reach), ''), 1 FROM user WHERE id = ?1",
    )?
    .execute(params![user.as_bytes(), now.0])?;
    Ok(())
}

/// As [`remember`], for everybody who has one of these territories.
pub(super) fn remember_all(tx: &Transaction<'_>, now: Ms, territories: &BTreeSet<TerritoryId>) -> Result<(), rusqlite::Error> {
    let mut people = BTreeSet::new();
    let mut find = tx.prepare_cached("SELECT user FROM assignment WHERE territory = ?1")?;
    for territory in territories {
        let found = find.query_map([&territory.0], |row| super::user_column(row, 0))?;
        people.extend(found.collect::<Result<Vec<UserId>, _>>()?);
    }
    people.into_iter().try_for_each(|user| remember(tx, now, user))
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
        let post = |until, territories| FormerPost { until: Ms(until), role: Role::Salesperson, territories, whole: true };
        assert_eq!(posts, [post(3, new.territories), post(4, BTreeSet::new())]);
    }

    #[test]
    fn whoever_answers_for_what_is_moved_in_the_tree_is_remembered_with_all_they_had() {
        let (_folder, accounts) = accounts();
        let territory = |id: &str| TerritoryId(id.to_owned());
        let lies = |at, id: &str, parent: Option<&str>| {
            let set = Territory { id: territory(id), parent: parent.map(territory), name: id.to_owned() };
            accounts.set_territory(Ms(at), &Who::shell(), &set).unwrap();
        };
        for (id, parent) in [("city", None), ("east", Some("city")), ("market", Some("east")), ("west", None)] {
            lies(1, id, parent);
        }
        let person = |n: u8, place: &str| {
            let new = NewUser {
                id: UserId::from_bytes([n; 16]),
                login: format!("user{n}"),
                name: format!("User {n}"),
                role: Role::Supervisor,
                password: None,
                territories: BTreeSet::from([territory(place)]),
            };
            accounts.add_user(Ms(2), &Who::shell(), &new).unwrap().id
        };
        let (boss, rep, far) = (person(1, "city"), person(2, "market"), person(3, "west"));
        lies(3, "market", Some("east"));
        assert!(accounts.former_posts(boss).unwrap().is_empty(), "a new name loses nobody anything");
        lies(4, "market", Some("west"));
        let posts = accounts.former_posts(boss).unwrap();
        let all = ["city", "east", "market"].map(territory);
        assert_eq!(posts, [FormerPost { until: Ms(4), role: Role::Supervisor, territories: all.into(), whole: true }]);
        assert!(accounts.former_posts(rep).unwrap().is_empty() && accounts.former_posts(far).unwrap().is_empty());
    }
}
