//! The customers of a replica as a [`Book`]. Belongs here: folding its documents to what an import compares, and one save
//! a row. Never: where a save goes (a feed first, or straight into the replica): that is [`House`].

use roadbook_core::crdt::Document;
use roadbook_core::ids::{DocId, SubjectId};
use roadbook_core::model::edit::Edit;
use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
use roadbook_core::replica::{Replica, ReplicaError, Target};

use super::apply::{Book, Work, paragraphs};
use super::draft::Keys;
use super::held::Held;

/// Customers fetched at once.
const PAGE: usize = 500;

/// A replica with a way to save into it.
pub trait House {
    /// What saving raises; reading raises [`ReplicaError`].
    type Error: From<ReplicaError>;

    /// The replica to read from.
    fn replica(&self) -> &Replica;

    /// Saves all documents durably or none, in the name of whoever imports.
    ///
    /// # Errors
    /// Nothing was saved.
    fn save(&mut self, work: &[(Target, Vec<Edit>)]) -> Result<(), Self::Error>;
}

/// The customers of a house.
#[derive(Debug)]
pub struct Cards<'a, H>(pub &'a mut H);

impl<H: House> Cards<'_, H> {
    fn document(&self, doc: DocId, kind: &str) -> Result<Option<Document>, ReplicaError> {
        Ok(self.0.replica().document(doc)?.filter(|held| held.kind == kind).map(|held| held.document))
    }
}

impl<H: House> Book for Cards<'_, H> {
    type Error = H::Error;

    fn keys(&mut self) -> Result<Vec<(SubjectId, Keys)>, H::Error> {
        let mut keys = Vec::new();
        let mut after = None;
        loop {
            let subjects = self.0.replica().store().read(|read| read.subjects_after(after, PAGE)).map_err(ReplicaError::from)?;
            after = subjects.last().copied();
            if after.is_none() {
                return Ok(keys);
            }
            for subject in subjects {
                if let Some(customer) = self.document(subject.customer(), CUSTOMER.id)? {
                    keys.push((subject, Held::shown(subject, &customer, None).keys()));
                }
            }
        }
    }

    fn held(&mut self, subject: SubjectId) -> Result<Option<Held>, H::Error> {
        let Some(customer) = self.document(subject.customer(), CUSTOMER.id)? else { return Ok(None) };
        let office = self.document(subject.office(), OFFICE.id)?;
        Ok(Some(Held::of_documents(subject, &customer, office.as_ref())))
    }

    fn write(&mut self, work: &Work) -> Result<(), H::Error> {
        let customer = self.document(work.subject.customer(), CUSTOMER.id)?;
        let text = |field: &str| customer.as_ref().and_then(|document| document.text(field));
        let field_side: Vec<Edit> = work.customer.iter().cloned().chain(paragraphs(work, text)).collect();
        let sides = [(Target::customer(work.subject), field_side), (Target::office(work.subject), work.office.clone())];
        let sides: Vec<(Target, Vec<Edit>)> = sides.into_iter().filter(|(_, edits)| !edits.is_empty()).collect();
        self.0.save(&sides)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use roadbook_core::ids::{Ms, UserId};
    use roadbook_core::replica::Stamp;
    use roadbook_core::store::Lane;

    use super::super::columns::{ColumnOptions, normal};
    use super::super::datum::Datum;
    use super::super::draft::ValueOptions;
    use super::super::job::{ImportError, ImportOptions, import};
    use super::super::plan_tests::options;
    use super::super::sample;
    use super::super::table::ReadOptions;
    use super::*;
    use crate::export::Language;

    struct Office {
        replica: Replica,
        saves: u8,
    }

    impl House for Office {
        type Error = ReplicaError;

        fn replica(&self) -> &Replica {
            &self.replica
        }

        fn save(&mut self, work: &[(Target, Vec<Edit>)]) -> Result<(), ReplicaError> {
            self.saves = self.saves.wrapping_add(1);
            let stamp = Stamp { author: UserId::from_bytes([5; 16]), now: Ms(1_780_000_000_000), entropy: [self.saves; 16] };
            self.replica.save_all(&stamp, Lane::Normal, work).map(|_| ())
        }
    }

    #[test]
    fn the_sample_goes_through_a_replica_and_once_more_changes_nothing() {
        let mut office = Office { replica: Replica::in_memory([1; 16]).unwrap(), saves: 0 };
        let mut values = ValueOptions::default();
        values.directory.territories.extend(sample::TERRITORIES.map(|name| (normal(name), name.to_owned())));
        values.directory.people.extend(sample::PEOPLE.map(|name| (normal(name), UserId::derived(name).to_string())));
        let mut options =
            ImportOptions { read: ReadOptions::default(), columns: ColumnOptions::default(), values, plan: options(), dry_run: true };
        let (report, _) = import("C:\\列表\\customers.xlsx", sample::LIST, &options, &mut Cards(&mut office)).unwrap();
        assert_eq!((report.file.as_str(), report.counts.created, office.saves), ("customers.xlsx", 333, 0));
        options.dry_run = false;
        let (report, _) = import(sample::FILE, sample::LIST, &options, &mut Cards(&mut office)).unwrap();
        assert_eq!((report.counts.created, report.counts.refused), (333, 4));
        let (again, _) = import(sample::FILE, sample::LIST, &options, &mut Cards(&mut office)).unwrap();
        assert_eq!((again.counts.created, again.counts.updated, again.counts.unchanged), (0, 0, 333));
        assert!(again.datums.get(&Datum::Wgs84).is_some_and(|rows| *rows > 300), "{:?}", again.datums);
        assert!(again.text(Language::Zh, false).contains("行按 WGS-84 读取"));
        let failure = import("x.csv", b"a,b\n1,2\n", &options, &mut Cards(&mut office)).unwrap_err();
        assert!(matches!(failure, ImportError::Read(_)));
    }
}
