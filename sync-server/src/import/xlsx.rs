//! `.xlsx`: a zip of XML. Belongs here: what is checked before `calamine` sees the bytes, and its cells as a grid.
//! Never: titles and fields.
//!
//! `calamine` inflates whatever the archive holds and reserves memory for as many shared strings as the file
//! declares; a request that the machine cannot meet ends the process. Hence every part is inflated here first,
//! under a limit, and nothing declared is believed.

use std::io::{Cursor, Read};

use calamine::{Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;

use super::cell::text_of_ref;
use super::grid::{Grid, GridBuilder, Merge, too_much};
use super::limits::{INFLATED_BYTES_MAX, MERGES_MAX, SHARED_STRINGS_BYTES_MAX, SHARED_STRINGS_MAX, SHEETS_MAX, ZIP_PARTS_MAX};
use super::read_error::ReadError;

const DAMAGED: ReadError = ReadError::Damaged { format: ".xlsx" };

/// Checks the archive, then hands each visible sheet to `choose` until it takes one (`Some`).
///
/// # Errors
/// [`ReadError`], for a bomb before anything of it is kept in memory.
pub(super) fn sheets(bytes: &[u8]) -> Result<XlsxSheets<'_>, ReadError> {
    check_archive(bytes)?;
    let book = Xlsx::new(Cursor::new(bytes)).map_err(|error| meaning(&error))?;
    if book.sheets_metadata().len() > SHEETS_MAX {
        return Err(too_much("sheets", SHEETS_MAX));
    }
    let names = book
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    Ok(XlsxSheets { book, names })
}

/// An opened workbook.
pub(super) struct XlsxSheets<'a> {
    book: Xlsx<Cursor<&'a [u8]>>,
    /// Names of the visible worksheets in their order.
    pub(super) names: Vec<String>,
}

impl XlsxSheets<'_> {
    /// The filled cells of one sheet, read one by one: a single cell at XFD1048576 costs one cell.
    pub(super) fn grid(&mut self, name: &str) -> Result<Grid, ReadError> {
        let mut builder = GridBuilder::default();
        {
            let mut cells = self.book.worksheet_cells_reader(name).map_err(|error| meaning(&error))?;
            while let Some(cell) = cells.next_cell().map_err(|error| meaning(&error))? {
                let (row, column) = cell.get_position();
                builder.put(row, column, text_of_ref(cell.get_value()))?;
            }
        }
        let regions = self.book.merge_cells_by_sheet_name(name).map_err(|error| meaning(&error))?;
        if regions.len() > MERGES_MAX {
            return Err(too_much("merged regions", MERGES_MAX));
        }
        let merges: Vec<Merge> =
            regions.iter().map(|region| Merge { rows: (region.start.0, region.end.0), columns: (region.start.1, region.end.1) }).collect();
        builder.finish(name.to_owned(), &merges)
    }
}

fn meaning(error: &XlsxError) -> ReadError {
    if matches!(error, XlsxError::Password) { ReadError::Password } else { DAMAGED }
}

/// Refuses archives that are no `.xlsx`, have too many parts or inflate to too much.
fn check_archive(bytes: &[u8]) -> Result<(), ReadError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| DAMAGED)?;
    if archive.len() > ZIP_PARTS_MAX {
        return Err(too_much("parts", ZIP_PARTS_MAX));
    }
    if let Some(found) = other_format(&archive) {
        return Err(ReadError::OtherFormat { found });
    }
    let mut declared = 0_u64;
    for index in 0..archive.len() {
        let part = archive.by_index_raw(index).map_err(|_| DAMAGED)?;
        declared = declared.saturating_add(part.size());
    }
    if declared > INFLATED_BYTES_MAX {
        return Err(inflated());
    }
    let mut left = INFLATED_BYTES_MAX;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(|_| DAMAGED)?;
        let shared = part.name().map_err(|_| DAMAGED)?.to_ascii_lowercase().ends_with("sharedstrings.xml");
        let allowed = if shared { left.min(SHARED_STRINGS_BYTES_MAX) } else { left };
        let used = if shared {
            check_shared_strings(&mut part, allowed)?
        } else {
            std::io::copy(&mut (&mut part).take(allowed.saturating_add(1)), &mut std::io::sink()).map_err(|_| DAMAGED)?
        };
        if used > allowed {
            return Err(inflated());
        }
        left -= used;
    }
    Ok(())
}

fn inflated() -> ReadError {
    ReadError::TooMuch { what: "content after unpacking (bytes)", max: INFLATED_BYTES_MAX }
}

/// Neighbours in the same kind of container, told by their parts.
fn other_format<R: Read + std::io::Seek>(archive: &ZipArchive<R>) -> Option<&'static str> {
    let names: Vec<String> = archive.file_names().filter_map(Result::ok).map(|name| name.to_ascii_lowercase()).collect();
    let has = |part: &str| names.iter().any(|name| name == part);
    if has("xl/workbook.bin") {
        return Some("a binary workbook (.xlsb)");
    }
    if has("word/document.xml") {
        return Some("a text document (.docx)");
    }
    if has("content.xml") && has("mimetype") {
        return Some("an OpenDocument file (.ods)");
    }
    if !has("[content_types].xml") {
        return Some("a zip archive");
    }
    None
}

/// Reads the shared strings under the limit and refuses a declared count that memory could not be reserved for.
fn check_shared_strings(part: &mut impl Read, allowed: u64) -> Result<u64, ReadError> {
    let mut xml = Vec::new();
    let used = part.take(allowed.saturating_add(1)).read_to_end(&mut xml).map_err(|_| DAMAGED)?;
    let text = std::str::from_utf8(&xml).map_err(|_| DAMAGED)?;
    for (at, name) in text.match_indices("uniqueCount") {
        let after = text.get(at + name.len()..).unwrap_or_default();
        if declared_count(after) > SHARED_STRINGS_MAX {
            return Err(ReadError::TooMuch { what: "shared texts", max: SHARED_STRINGS_MAX });
        }
    }
    Ok(u64::try_from(used).unwrap_or(u64::MAX))
}

/// The number in ` = "123"`, read generously; a number of more than 18 digits counts as endless.
fn declared_count(after: &str) -> u64 {
    let value = after
        .trim_start()
        .strip_prefix('=')
        .map(|rest| rest.trim_start().trim_start_matches(['"', '\'']).trim_start())
        .unwrap_or_default()
        .trim_start_matches(['+', '0']);
    let digits: String = value.chars().take_while(char::is_ascii_digit).take(19).collect();
    if digits.len() > 18 { u64::MAX } else { digits.parse().unwrap_or(0) }
}
