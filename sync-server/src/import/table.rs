//! A file as one table. Belongs here: telling formats apart by their bytes, choosing the sheet, finding the row of
//! titles, leaving out rows that are no customers. Never: what titles and cells mean.

use std::panic::AssertUnwindSafe;

use serde::Serialize;

use super::columns;
use super::grid::{Grid, GridRow, too_much};
use super::limits::{FILE_BYTES_MAX, TITLE_ROWS_MAX};
use super::read_error::ReadError;
use super::{spread, text, xls, xlsx};

/// One table of a file: its titles and the rows below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Name of the sheet; empty for a text file.
    pub sheet: String,
    /// Names of further visible sheets that were not read.
    pub other_sheets: Vec<String>,
    /// The row of titles, as numbered in the file.
    pub title_row: u32,
    /// Titles, trimmed, in the order of the columns; a column without one has an empty title.
    pub headers: Vec<String>,
    /// Rows below the titles that have content, each with as many cells as there are headers at least.
    pub rows: Vec<Row>,
    /// Rows that were left out, and why.
    pub left_out: Vec<LeftOut>,
}

/// One row as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Number as the spreadsheet program shows it; the first row of a file is 1.
    pub number: u32,
    /// Cells as typed, in the order of the columns; what stands below a title that is merged over several columns is in the
    /// first of them.
    pub cells: Vec<String>,
}

impl Table {
    /// Numbers, from 1, of the columns that have content and no title: nothing of them is imported.
    #[must_use]
    pub fn untitled(&self) -> Vec<usize> {
        let mut found = std::collections::BTreeSet::new();
        for row in &self.rows {
            let filled = row.cells.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty());
            found.extend(filled.filter(|(at, _)| self.headers.get(*at).is_none_or(String::is_empty)).map(|(at, _)| at + 1));
        }
        found.into_iter().collect()
    }
}

impl Row {
    /// The cell in a column, empty if there is none.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// A row that is no customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Number as the spreadsheet program shows it.
    pub number: u32,
    /// What it is instead.
    pub reason: LeftOutReason,
}

/// What a row is that is no customer. Empty rows are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// One text merged over several columns.
    Separator,
    /// The titles once more, as printed lists have them on each page.
    RepeatedTitles,
    /// A sum or count below a list.
    Total,
}

/// What the person who imports can choose about reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Name of the sheet to read; without it the first visible sheet whose titles are known is read.
    pub sheet: Option<String>,
}

/// Reads a customer list from the bytes of an `.xlsx`, `.xls` or text file. The format is told by the bytes, never
/// by the name. Hostile bytes cost bounded memory (`limits`) and end in an error.
///
/// # Errors
/// [`ReadError`], with what to do about it.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Table, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    if bytes.len() > FILE_BYTES_MAX {
        return Err(too_much("bytes", FILE_BYTES_MAX));
    }
    let format = Format::of(bytes);
    // The spreadsheet reader panics on some damaged files; nothing of it outlives the call.
    std::panic::catch_unwind(AssertUnwindSafe(|| read_as(format, bytes, options)))
        .unwrap_or(Err(ReadError::Damaged { format: format.name() }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Xlsx,
    Xls,
    Text,
}

impl Format {
    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            Self::Xlsx
        } else if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
            Self::Xls
        } else {
            Self::Text
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Xlsx => ".xlsx",
            Self::Xls => ".xls",
            Self::Text => ".csv",
        }
    }
}

fn read_as(format: Format, bytes: &[u8], options: &ReadOptions) -> Result<Table, ReadError> {
    match format {
        Format::Xlsx => {
            let mut sheets = xlsx::sheets(bytes)?;
            let names = sheets.names.clone();
            choose(&names, options, |name| sheets.grid(name))
        }
        Format::Xls => {
            let mut sheets = xls::sheets(bytes)?;
            let names = sheets.names.clone();
            choose(&names, options, |name| sheets.grid(name))
        }
        Format::Text => table_of(text::grid(bytes)?, &[]),
    }
}

/// The sheet asked for, else the first one with known titles. What was wrong with the first sheet that has content
/// is told if none will do.
fn choose(names: &[String], options: &ReadOptions, mut grid: impl FnMut(&str) -> Result<Grid, ReadError>) -> Result<Table, ReadError> {
    if let Some(asked) = &options.sheet {
        let name = names.iter().find(|name| name.trim() == asked.trim()).ok_or_else(|| ReadError::NoSuchSheet {
            asked: asked.clone(),
            has: names.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", "),
        })?;
        return table_of(grid(name)?, names);
    }
    let mut first_problem = None;
    for name in names {
        match table_of(grid(name)?, names) {
            Ok(table) => return Ok(table),
            Err(ReadError::Empty) => {}
            Err(problem) => {
                first_problem.get_or_insert(problem);
            }
        }
    }
    Err(first_problem.unwrap_or(ReadError::Empty))
}

fn table_of(grid: Grid, names: &[String]) -> Result<Table, ReadError> {
    if grid.rows.is_empty() {
        return Err(ReadError::Empty);
    }
    let at = title_row(&grid.rows)?;
    let mut rows = grid.rows.into_iter().skip(at);
    let Some(titles) = rows.next() else {
        return Err(ReadError::Empty);
    };
    let headers: Vec<String> = titles.cells.iter().map(|title| title.trim().to_owned()).collect();
    let spans = spread::spans(&titles.wide, &headers);
    let mut table = Table {
        other_sheets: names.iter().filter(|name| **name != grid.sheet).cloned().collect(),
        sheet: grid.sheet,
        title_row: titles.number,
        headers,
        rows: Vec::new(),
        left_out: Vec::new(),
    };
    for row in rows {
        match no_customer(&row, &table.headers) {
            Some(reason) => table.left_out.push(LeftOut { number: row.number, reason }),
            None => {
                let mut cells = row.cells;
                if cells.len() < table.headers.len() {
                    cells.resize(table.headers.len(), String::new());
                }
                spread::join(&mut cells, &spans, &table.headers);
                table.rows.push(Row { number: row.number, cells });
            }
        }
    }
    Ok(table)
}

/// The first of the early rows that names most columns. One known title is enough only if it is the name.
fn title_row(rows: &[GridRow]) -> Result<usize, ReadError> {
    let looked_at = rows.len().min(TITLE_ROWS_MAX);
    let mut best = (0, 0);
    for (at, row) in rows.iter().take(looked_at).enumerate() {
        if row.banner {
            continue;
        }
        let cells: Vec<&str> = row.cells.iter().map(String::as_str).collect();
        let known = columns::titles_known(&cells);
        let enough = known > 1 || columns::names_the_name(&cells);
        // Of titles in two rows, merged ones above and theirs below, the lower row is the one.
        let below = at > 0 && at - 1 == best.0 && known == best.1 && known > 1 && columns::all_titles(&cells);
        if enough && (known > best.1 || below) {
            best = (at, known);
        }
    }
    if best.1 == 0 {
        return Err(ReadError::NoTitles { looked_at });
    }
    Ok(best.0)
}

fn no_customer(row: &GridRow, headers: &[String]) -> Option<LeftOutReason> {
    if row.banner {
        return Some(LeftOutReason::Separator);
    }
    let mut filled = row.cells.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty());
    if filled.clone().all(|(column, cell)| headers.get(column).is_some_and(|header| header == cell.trim())) {
        return Some(LeftOutReason::RepeatedTitles);
    }
    let (_, first) = filled.next()?;
    let word: String = first.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    matches!(word.as_str(), "合计" | "总计" | "小计" | "共计" | "total" | "subtotal" | "sum").then_some(LeftOutReason::Total)
}
