//! A plan carried out. Belongs here: statements as edits of core with their provenance, and writing them row by row into
//! a [`Book`]. Never: how a book stores them.

use roadbook_core::ids::SubjectId;
use roadbook_core::model::Source;
use roadbook_core::model::edit::{Edit, Provenance};

use super::draft::{Claimed, Draft, Keys, Say};
use super::held::Held;
use super::paragraphs::remembered;
use super::plan::{PlanOptions, Planned, plan};

/// The customers of headquarters, as an import reads and writes them.
pub trait Book {
    /// What reading or writing raises.
    type Error;

    /// Every customer with what it is recognised by.
    ///
    /// # Errors
    /// Storage failed.
    fn keys(&mut self) -> Result<Vec<(SubjectId, Keys)>, Self::Error>;

    /// One customer in full; `None` if there is none.
    ///
    /// # Errors
    /// Storage failed.
    fn held(&mut self, subject: SubjectId) -> Result<Option<Held>, Self::Error>;

    /// Writes one row durably, as one save of whoever imports. Both sides of the card or none; writing the same twice
    /// changes nothing that is shown.
    ///
    /// # Errors
    /// Storage failed, or the edits were refused.
    fn write(&mut self, work: &Work) -> Result<(), Self::Error>;
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Name of the file, without a path.
    pub file: String,
    /// Name of the sheet; empty for a text file.
    pub sheet: String,
}

/// What one row writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The customer.
    pub subject: SubjectId,
    /// Whether it is new.
    pub new: bool,
    /// Edits of the field side.
    pub customer: Vec<Edit>,
    /// Edits of the office side.
    pub office: Vec<Edit>,
    /// Paragraphs that go to the end of a text, by field. The book knows how long the text is: see [`paragraphs`].
    pub texts: Vec<(String, String)>,
}

/// Decides all rows against a book without writing: a dry run.
///
/// # Errors
/// What the book raises.
pub fn dry_run<B: Book>(drafts: Vec<Draft>, book: &mut B, options: &PlanOptions) -> Result<Vec<Planned>, B::Error> {
    let keys = book.keys()?;
    plan(drafts, keys, |subject| book.held(subject), options)
}

/// Writes a plan, one durable save a row, in the order of the file. After a failure the rows before it are written; the
/// same import once more finds them and goes on.
///
/// # Errors
/// The number of the row at which the book failed, and what it raised.
pub fn apply<B: Book>(planned: &[Planned], origin: &Origin, book: &mut B) -> Result<(), (u32, B::Error)> {
    for row in planned.iter().filter(|row| !row.says.is_empty()) {
        book.write(&work(row, origin)).map_err(|error| (row.row, error))?;
    }
    Ok(())
}

/// What a planned row writes.
#[must_use]
pub fn work(row: &Planned, origin: &Origin) -> Work {
    let provenance = provenance(row.row, &row.claimed, origin);
    let mut work = Work { subject: row.subject, new: row.creates(), customer: Vec::new(), office: Vec::new(), texts: Vec::new() };
    for say in &row.says {
        match say.clone() {
            Say::Fact { field, value } => work.customer.push(Edit::Assert { field, value, provenance: provenance.clone() }),
            Say::Office { field, value } => work.office.push(Edit::Assert { field, value, provenance: provenance.clone() }),
            Say::Member { set, element } => work.customer.push(Edit::Include { field: set, element }),
            Say::Entry { list, slot, entry, fields } => {
                let entry = entry.unwrap_or_else(|| super::draft::entry_id(row.subject, &list, &slot));
                work.customer.push(Edit::Entry { list, entry, fields, provenance: provenance.clone() });
            }
            Say::Gone { list, entry } => work.customer.push(Edit::RemoveEntry { list, entry }),
            Say::Text { field, text } => {
                let source = provenance.source_doc.as_deref().unwrap_or_default();
                work.customer.extend(remembered(&field, &text, source));
                work.texts.push((field, text));
            }
        }
    }
    work
}

/// The edits that put paragraphs at the end of texts, given what each text says now.
pub fn paragraphs<'a>(work: &'a Work, text: impl Fn(&str) -> Option<String> + 'a) -> impl Iterator<Item = Edit> + 'a {
    work.texts.iter().map(move |(field, paragraph)| {
        let before = text(field).unwrap_or_default();
        let insert = if before.is_empty() || before.ends_with('\n') { paragraph.clone() } else { format!("\n{paragraph}") };
        Edit::Splice { field: field.clone(), at: before.chars().count(), delete: 0, insert }
    })
}

/// The list is the source; who made the row and when is what the list claims, beside the person who imports.
fn provenance(row: u32, claimed: &Claimed, origin: &Origin) -> Provenance {
    Provenance {
        source: Some(Source::Import),
        source_doc: Some(format!("{}!{}!{row}", origin.file, origin.sheet)),
        observed_at: claimed.at,
        note: None,
        claimed_author: claimed.author.clone(),
        claimed_at: claimed.at,
        evidence: None,
    }
}
