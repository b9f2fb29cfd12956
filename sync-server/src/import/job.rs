//! One import from bytes to report. Belongs here: the steps in their order, and their options and errors together.
//! Never: the steps themselves.

use std::collections::BTreeMap;

use thiserror::Error;

use super::apply::{Book, Origin, apply, dry_run};
use super::columns::{ColumnError, ColumnOptions, matched};
use super::draft::{Draft, ValueOptions, draft};
use super::plan::PlanOptions;
use super::read_error::ReadError;
use super::report::Report;
use super::table::{ReadOptions, Table, read};

/// Characters of the name of a file or sheet in the provenance of a value.
const LABEL_CHARS_MAX: usize = 80;

/// Everything that the person who imports can choose.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Which sheet.
    pub read: ReadOptions,
    /// Which column is what.
    pub columns: ColumnOptions,
    /// What values refer to.
    pub values: ValueOptions,
    /// What becomes of doubles.
    pub plan: PlanOptions,
    /// Whether only to look: nothing is written.
    pub dry_run: bool,
}

/// Why an import stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError<E> {
    /// The file is no table.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The titles are not clear.
    #[error(transparent)]
    Columns(#[from] ColumnError),
    /// The customers could not be read.
    #[error("the customers at headquarters could not be read")]
    Book(#[source] E),
    /// A row could not be written. Rows above it are; the same import once more goes on from there.
    #[error("row {row} could not be written; rows above it are: import the same file again to go on")]
    Write {
        /// Number of the row.
        row: u32,
        /// What the book raised.
        #[source]
        source: E,
    },
}

/// Reads a file, decides every row and, unless it is a dry run, writes them. The table comes back for
/// [`Report::rows_to_put_right`].
///
/// # Errors
/// [`ImportError`].
pub fn import<B: Book>(file: &str, bytes: &[u8], options: &ImportOptions, book: &mut B) -> Result<(Report, Table), ImportError<B::Error>> {
    let table = read(bytes, &options.read)?;
    let columns = matched(&table.headers, &options.columns)?;
    let drafts: Vec<Draft> = table.rows.iter().map(|row| draft(row, &columns, &options.values)).collect();
    let mut datums = BTreeMap::new();
    for datum in drafts.iter().filter_map(Draft::datum) {
        *datums.entry(datum).or_default() += 1;
    }
    let planned = dry_run(drafts, book, &options.plan).map_err(ImportError::Book)?;
    // A path would tell others how somebody's computer is arranged.
    let file = &label(file.rsplit(['/', '\\']).next().unwrap_or(file));
    if !options.dry_run {
        let origin = Origin { file: file.to_owned(), sheet: label(&table.sheet) };
        apply(&planned, &origin, book).map_err(|(row, source)| ImportError::Write { row, source })?;
    }
    let report = Report { datums, ..Report::new(file, &table, columns, planned, options.dry_run) };
    Ok((report, table))
}

/// A name of a file or sheet as it is kept with every value.
fn label(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(LABEL_CHARS_MAX).collect()
}
