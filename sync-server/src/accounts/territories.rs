//! The tree of territories (区域): made, renamed, moved; and what lies below one.

use std::collections::BTreeSet;

use roadbook_core::ids::{Ms, TerritoryId};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::audit::{self, Act, Who};
use super::{Accounts, AccountsError, checked_text};

/// A territory id has at most this many characters.
const TERRITORY_ID_CHARS_MAX: usize = 64;
/// A territory's name has at most this many characters.
const TERRITORY_NAME_CHARS_MAX: usize = 64;
/// The tree is at most this deep; also what stops a walk if the table were ever damaged.
const TERRITORY_DEPTH_MAX: usize = 16;

/// One node of the tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Territory {
    /// Stays for ever; part of scope names.
    pub id: TerritoryId,
    /// The territory around it.
    pub parent: Option<TerritoryId>,
    /// What people read.
    pub name: String,
}

impl Accounts {
    /// Makes a territory, or renames or moves the one that has this id.
    ///
    /// # Errors
    /// A bad text, an unknown parent, a cycle, or the database.
    pub fn set_territory(&self, now: Ms, who: &Who, territory: &Territory) -> Result<(), AccountsError> {
        let id = checked_text("a territory id", &territory.id.0, TERRITORY_ID_CHARS_MAX)?;
        let name = checked_text("a territory name", &territory.name, TERRITORY_NAME_CHARS_MAX)?;
        self.database.write(|tx| {
            if let Some(parent) = &territory.parent {
                known(tx, parent)?;
                if ancestors(tx, parent)?.contains(&territory.id) {
                    return Err(AccountsError::TerritoryCycle(territory.id.clone()));
                }
            }
            if let Some(before) = parent_of(tx, &territory.id)?.filter(|before| Some(before) != territory.parent.as_ref()) {
                // Who answers for what it lay in loses it: their phones still work by what they knew.
                super::former::remember_all(tx, now, &ancestors(tx, &before)?)?;
            }
            tx.prepare_cached(
                "INSERT INTO territory (id, parent, name) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, name = excluded.name",
            )?
            .execute(params![id, territory.parent.as_ref().map(|parent| &parent.0), name])?;
            Ok(audit::append(tx, now, who, Act::TerritorySet, &id)?)
        })
    }

    /// A territory; `None` when there is none of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn territory(&self, id: &TerritoryId) -> Result<Option<Territory>, AccountsError> {
        Ok(self.territories()?.into_iter().find(|territory| territory.id == *id))
    }

    /// The whole tree, by id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn territories(&self) -> Result<Vec<Territory>, AccountsError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT id, parent, name FROM territory ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                Ok(Territory { id: column(row, 0)?, parent: row.get::<_, Option<String>>(1)?.map(TerritoryId), name: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// `roots` and everything below them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn territories_below(&self, roots: &BTreeSet<TerritoryId>) -> Result<BTreeSet<TerritoryId>, AccountsError> {
        self.database.read(|tx| {
            let mut found = roots.clone();
            let mut edge: Vec<TerritoryId> = roots.iter().cloned().collect();
            let mut statement = tx.prepare_cached("SELECT id FROM territory WHERE parent = ?1")?;
            while let Some(parent) = edge.pop() {
                let children = statement.query_map([&parent.0], |row| column(row, 0))?;
                for child in children {
                    let child = child?;
                    if found.insert(child.clone()) {
                        edge.push(child);
                    }
                }
            }
            Ok(found)
        })
    }
}

pub(super) fn column(row: &Row<'_>, index: usize) -> rusqlite::Result<TerritoryId> {
    Ok(TerritoryId(row.get::<_, String>(index)?))
}

pub(super) fn known(tx: &Transaction<'_>, id: &TerritoryId) -> Result<(), AccountsError> {
    let known: bool = tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM territory WHERE id = ?1)")?.query_row([&id.0], |row| row.get(0))?;
    if known { Ok(()) } else { Err(AccountsError::NoTerritory(id.clone())) }
}

/// `id` and what it lies in.
fn ancestors(tx: &Transaction<'_>, id: &TerritoryId) -> Result<BTreeSet<TerritoryId>, AccountsError> {
    let mut found = BTreeSet::new();
    let mut at = Some(id.clone());
    while let Some(here) = at {
        if found.len() >= TERRITORY_DEPTH_MAX || !found.insert(here.clone()) {
            return Err(AccountsError::TerritoryCycle(here));
        }
        at = parent_of(tx, &here)?;
    }
    Ok(found)
}

fn parent_of(tx: &Transaction<'_>, id: &TerritoryId) -> Result<Option<TerritoryId>, AccountsError> {
    let mut find = tx.prepare_cached("SELECT parent FROM territory WHERE id = ?1")?;
    Ok(find.query_row([&id.0], |row| row.get::<_, Option<String>>(0)).optional()?.flatten().map(TerritoryId))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::super::testing::accounts;
    use super::*;

    fn territory(id: &str, parent: Option<&str>) -> Territory {
        Territory { id: TerritoryId(id.to_owned()), parent: parent.map(|parent| TerritoryId(parent.to_owned())), name: id.to_owned() }
    }

    #[test]
    fn a_tree_stays_a_tree() {
        let (_folder, accounts) = accounts();
        let set = |id, parent| accounts.set_territory(Ms(1), &Who::shell(), &territory(id, parent));
        set("杭州", None).unwrap();
        set("城东", Some("杭州")).unwrap();
        set("城东一", Some("城东")).unwrap();
        set("城西", Some("杭州")).unwrap();
        assert!(matches!(set("x", Some("nowhere")), Err(AccountsError::NoTerritory(_))));
        assert!(matches!(set("杭州", Some("城东一")), Err(AccountsError::TerritoryCycle(_))));
        assert!(matches!(set("城东", Some("城东")), Err(AccountsError::TerritoryCycle(_))));
        let below = accounts.territories_below(&BTreeSet::from([TerritoryId("城东".to_owned())])).unwrap();
        assert_eq!(below.iter().map(|territory| territory.0.as_str()).collect::<Vec<_>>(), ["城东", "城东一"]);
        assert_eq!(accounts.territories().unwrap().len(), 4);
    }
}
