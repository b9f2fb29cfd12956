//! A list as a file. Belongs here: `.xlsx` with typed cells, `.csv` in UTF-8 with a byte order mark, guarded against
//! formulas. Never: which columns and rows.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use thiserror::Error;

use super::FORMULA_SIGNS;
use super::columns::{CellType, Column};
use super::row::{Cell, Row};
use crate::import::limits::CELL_CHARS_MAX;

/// Widest column of a workbook, in characters of its font.
const WIDTH_MAX: usize = 40;

/// Why a file could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The workbook could not be made.
    #[error("the workbook could not be written")]
    Workbook(#[from] XlsxError),
    /// The text file could not be made.
    #[error("the text file could not be written")]
    Text(#[from] csv::Error),
}

/// The list as `.xlsx`: titles in row 1, frozen, with a filter. Text is text: no cell is ever a formula.
///
/// # Errors
/// [`FileError::Workbook`].
pub fn xlsx(sheet: &str, columns: &[Column], rows: impl IntoIterator<Item = Row>) -> Result<Vec<u8>, FileError> {
    let mut book = Workbook::new();
    let formats = Formats::default();
    let page = book.add_worksheet().set_name(sheet)?;
    let mut widths: Vec<usize> = columns.iter().map(|column| width(&column.title)).collect();
    for (at, column) in (0_u16..).zip(columns) {
        page.write_string_with_format(0, at, &column.title, &formats.title)?;
    }
    let mut last = 0;
    for (number, row) in (1_u32..).zip(rows) {
        last = number;
        for ((at, column), widest) in (0_u16..).zip(columns).zip(&mut widths) {
            if let Some(cell) = row.get(&column.id) {
                *widest = (*widest).max(write(page, number, at, column, cell, &formats)?);
            }
        }
    }
    for (at, widest) in (0_u16..).zip(&widths) {
        page.set_column_width(at, u32::try_from((*widest).min(WIDTH_MAX) + 2).unwrap_or(12))?;
    }
    page.set_freeze_panes(1, 0)?;
    if let Some(right) = u16::try_from(columns.len()).ok().and_then(|count| count.checked_sub(1)) {
        page.autofilter(0, 0, last, right)?;
    }
    Ok(book.save_to_buffer()?)
}

/// The list as `.csv`: UTF-8 with a byte order mark, commas, line ends of Windows: what spreadsheet programs open by a
/// double click. Text that begins like a formula gets an apostrophe before it, which an import takes off again.
///
/// # Errors
/// [`FileError::Text`].
pub fn csv(columns: &[Column], rows: impl IntoIterator<Item = Row>) -> Result<Vec<u8>, FileError> {
    let mut bytes = vec![0xEF, 0xBB, 0xBF];
    {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
        writer.write_record(columns.iter().map(|column| guarded(&column.title)))?;
        for row in rows {
            writer.write_record(columns.iter().map(|column| match row.get(&column.id) {
                Some(Cell::Text(text)) => guarded(&cut(text)),
                Some(Cell::Number(number)) => number_text(*number, column.cell),
                None => String::new(),
            }))?;
        }
        writer.flush().map_err(csv::Error::from)?;
    }
    Ok(bytes)
}

/// Text that no spreadsheet program takes for a formula.
#[must_use]
pub fn guarded(text: &str) -> String {
    // An apostrophe that stands before such a sign already would be taken off by an import: it gets a second one.
    let looks = text.trim_start_matches('\'').starts_with(FORMULA_SIGNS);
    if looks { format!("'{text}") } else { text.to_owned() }
}

struct Formats {
    title: Format,
    text: Format,
    degrees: Format,
    money: Format,
    date: Format,
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            title: Format::new().set_bold(),
            text: Format::new().set_num_format("@"),
            degrees: Format::new().set_num_format("0.000000"),
            money: Format::new().set_num_format("#,##0.00"),
            date: Format::new().set_num_format("yyyy-mm-dd"),
        }
    }
}

/// Writes one cell and returns its width.
fn write(page: &mut Worksheet, row: u32, at: u16, column: &Column, cell: &Cell, formats: &Formats) -> Result<usize, XlsxError> {
    match (cell, column.cell) {
        (Cell::Number(number), kind) => {
            match kind {
                CellType::Degrees => page.write_number_with_format(row, at, *number, &formats.degrees)?,
                CellType::Money => page.write_number_with_format(row, at, *number, &formats.money)?,
                CellType::Text | CellType::Number | CellType::Date => page.write_number(row, at, *number)?,
            };
            Ok(number_text(*number, kind).len())
        }
        (Cell::Text(text), CellType::Date) if ExcelDateTime::parse_from_str(text).is_ok() && text.len() == 10 => {
            page.write_datetime_with_format(row, at, ExcelDateTime::parse_from_str(text)?, &formats.date)?;
            Ok(text.len())
        }
        (Cell::Text(text), _) => {
            page.write_string_with_format(row, at, cut(text), &formats.text)?;
            Ok(width(text))
        }
    }
}

fn number_text(number: f64, kind: CellType) -> String {
    match kind {
        CellType::Degrees => format!("{number:.7}"),
        CellType::Money => format!("{number:.2}"),
        CellType::Text | CellType::Number | CellType::Date => number.to_string(),
    }
}

/// Without control characters, and no longer than a cell may be (its limit counts UTF-16 units, of which a character takes
/// up to two).
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(CELL_CHARS_MAX / 2).collect()
}

/// Columns of a fixed-width font: a Chinese character takes two.
fn width(text: &str) -> usize {
    text.lines().map(|line| line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()).max().unwrap_or(0)
}
