//! Finding customers by what they are recognised by. Belongs here: exact and fuzzy look-up among existing customers and
//! the rows above. Pure. Never: what is done with what is found (`plan`).

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::ids::SubjectId;
use serde::Serialize;

use super::draft::Keys;
use super::similar::{self, NEAR_M};

/// Neighbours that are looked at for one row: more in one street are not compared.
const CANDIDATES_MAX: usize = 2_000;
/// Cells of the grid in one degree: about 100 m.
const CELLS_A_DEGREE: f64 = 1_000.0;

/// Why two customers may be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The same row twice in one file.
    SameInFile,
    /// A telephone number of theirs is the same, the name is not.
    SamePhone,
    /// Like names in the same street.
    LikeNameSameStreet,
    /// Like names within a hundred metres.
    LikeNameNearby,
    /// Name and number are the same, but each has a credit code of its own.
    OtherUscc,
    /// The customer number is the same, and nothing else is.
    SameNumber,
    /// The name is the same, and nothing says that it is another branch of a chain.
    SameName,
}

/// A customer of the index: one that headquarters has, or a row above.
#[derive(Debug, Clone)]
pub(super) struct Indexed {
    pub(super) subject: SubjectId,
    /// Row of the file, for one that this file brings.
    pub(super) row: Option<u32>,
    pub(super) keys: Keys,
}

/// Customers by their keys.
#[derive(Debug, Default)]
pub(super) struct Index {
    all: Vec<Indexed>,
    by_subject: BTreeMap<SubjectId, usize>,
    by_uscc: BTreeMap<String, usize>,
    by_number: BTreeMap<String, Vec<usize>>,
    by_name: BTreeMap<String, Vec<usize>>,
    by_name_phone: BTreeMap<(String, String), usize>,
    by_name_address: BTreeMap<(String, String), usize>,
    by_phone: BTreeMap<String, Vec<usize>>,
    by_street: BTreeMap<String, Vec<usize>>,
    by_cell: BTreeMap<(i64, i64), Vec<usize>>,
}

impl Index {
    /// Adds a customer. The first with a key keeps it.
    pub(super) fn add(&mut self, indexed: Indexed) {
        let at = self.all.len();
        let keys = &indexed.keys;
        self.by_subject.entry(indexed.subject).or_insert(at);
        if let Some(uscc) = &keys.uscc {
            self.by_uscc.entry(uscc.clone()).or_insert(at);
        }
        if let Some(number) = &keys.number {
            self.by_number.entry(number.clone()).or_default().push(at);
        }
        self.by_name.entry(keys.name.clone()).or_default().push(at);
        for phone in &keys.phones {
            self.by_name_phone.entry((keys.name.clone(), phone.clone())).or_insert(at);
            self.by_phone.entry(phone.clone()).or_default().push(at);
        }
        if let Some(address) = &keys.address {
            self.by_name_address.entry((keys.name.clone(), address.clone())).or_insert(at);
            if let Some(street) = similar::street(address) {
                self.by_street.entry(street).or_default().push(at);
            }
        }
        if let Some(cell) = cell(keys) {
            self.by_cell.entry(cell).or_default().push(at);
        }
        self.all.push(indexed);
    }

    pub(super) fn of_uscc(&self, keys: &Keys) -> Option<&Indexed> {
        self.all.get(*self.by_uscc.get(keys.uscc.as_ref()?)?)
    }

    /// Everybody with the number: it is the sender's, and several lists may count from 1.
    pub(super) fn of_number(&self, keys: &Keys) -> Vec<&Indexed> {
        self.numbered(keys).filter_map(|at| self.all.get(at)).collect()
    }

    fn numbered(&self, keys: &Keys) -> impl Iterator<Item = usize> {
        keys.number.as_ref().and_then(|number| self.by_number.get(number)).into_iter().flatten().take(CANDIDATES_MAX).copied()
    }

    /// Whether there is this customer, or a row above makes it.
    pub(super) fn holds(&self, subject: SubjectId) -> bool {
        self.by_subject.contains_key(&subject)
    }

    pub(super) fn of_subject(&self, subject: SubjectId) -> Option<&Indexed> {
        self.all.get(*self.by_subject.get(&subject)?)
    }

    /// The customer with the same name and one of the numbers, or the same name and address.
    pub(super) fn of_name(&self, keys: &Keys) -> Option<&Indexed> {
        let by_phone = keys.phones.iter().find_map(|phone| self.by_name_phone.get(&(keys.name.clone(), phone.clone())));
        let by_address = || self.by_name_address.get(&(keys.name.clone(), keys.address.clone()?));
        by_phone.or_else(by_address).and_then(|at| self.all.get(*at))
    }

    /// Customers that may be the same, each with every reason.
    pub(super) fn like(&self, keys: &Keys) -> Vec<(&Indexed, BTreeSet<Why>)> {
        let mut found: BTreeMap<usize, BTreeSet<Why>> = BTreeMap::new();
        for at in self.numbered(keys) {
            found.entry(at).or_default().insert(Why::SameNumber);
        }
        for at in self.by_name.get(&keys.name).into_iter().flatten().take(CANDIDATES_MAX) {
            if self.all.get(*at).is_some_and(|other| !similar::another_branch(&other.keys, keys)) {
                found.entry(*at).or_default().insert(Why::SameName);
            }
        }
        for at in keys.phones.iter().filter_map(|phone| self.by_phone.get(phone)).flatten().take(CANDIDATES_MAX) {
            found.entry(*at).or_default().insert(Why::SamePhone);
        }
        let street = keys.address.as_deref().and_then(similar::street);
        for at in street.and_then(|street| self.by_street.get(&street)).into_iter().flatten().take(CANDIDATES_MAX) {
            if self.alike(*at, keys) {
                found.entry(*at).or_default().insert(Why::LikeNameSameStreet);
            }
        }
        for at in self.neighbours(keys) {
            let near = self.all.get(at).and_then(|other| Some(similar::metres(other.keys.place?, keys.place?) <= NEAR_M));
            if near == Some(true) && self.alike(at, keys) {
                found.entry(at).or_default().insert(Why::LikeNameNearby);
            }
        }
        found.into_iter().filter_map(|(at, why)| Some((self.all.get(at)?, why))).collect()
    }

    fn alike(&self, at: usize, keys: &Keys) -> bool {
        self.all.get(at).is_some_and(|other| similar::names_alike(&other.keys.name, &keys.name))
    }

    fn neighbours(&self, keys: &Keys) -> Vec<usize> {
        let Some((x, y)) = cell(keys) else { return Vec::new() };
        (x - 1..=x + 1)
            .flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)))
            .filter_map(|cell| self.by_cell.get(&cell))
            .flatten()
            .take(CANDIDATES_MAX)
            .copied()
            .collect()
    }
}

fn cell(keys: &Keys) -> Option<(i64, i64)> {
    let place = keys.place?;
    Some(((place.lon * CELLS_A_DEGREE).floor() as i64, (place.lat * CELLS_A_DEGREE).floor() as i64))
}
