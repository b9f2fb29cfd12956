//! `.xls`: a BIFF stream in a compound file. Belongs here: rebuilding the container and bounding the stream before
//! `calamine` sees it, and its cells as a grid. Never: titles and fields.
//!
//! The container is read by `cfb`, which checks its chains, and only the workbook stream is carried over into a new
//! one. The stream is then bounded by `biff`.

use std::io::{Cursor, Read, Write};

use calamine::{Reader, SheetType, SheetVisible, Xls, XlsError};

use super::biff;
use super::cell::text_of;
use super::grid::{Grid, GridBuilder, Merge, too_much};
use super::limits::{FILE_BYTES_MAX, MERGES_MAX, SHEETS_MAX};
use super::read_error::ReadError;

const DAMAGED: ReadError = ReadError::Damaged { format: ".xls" };

/// An opened workbook.
pub(super) struct XlsSheets {
    book: Xls<Cursor<Vec<u8>>>,
    /// Names of the visible worksheets in their order.
    pub(super) names: Vec<String>,
}

/// Opens an `.xls`.
///
/// # Errors
/// [`ReadError`].
pub(super) fn sheets(bytes: &[u8]) -> Result<XlsSheets, ReadError> {
    let mut stream = workbook_stream(bytes)?;
    biff::tame(&mut stream)?;
    let book = Xls::new(Cursor::new(clean_container(&stream)?))
        .map_err(|error| if matches!(error, XlsError::Password) { ReadError::Password } else { DAMAGED })?;
    if book.sheets_metadata().len() > SHEETS_MAX {
        return Err(too_much("sheets", SHEETS_MAX));
    }
    let names = book
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    Ok(XlsSheets { book, names })
}

impl XlsSheets {
    /// The filled cells of one sheet.
    pub(super) fn grid(&mut self, name: &str) -> Result<Grid, ReadError> {
        let range = self.book.worksheet_range(name).map_err(|_| DAMAGED)?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut builder = GridBuilder::default();
        for (row, column, value) in range.used_cells() {
            let row = u32::try_from(row).unwrap_or(u32::MAX).saturating_add(first_row);
            let column = u32::try_from(column).unwrap_or(u32::MAX).saturating_add(first_column);
            builder.put(row, column, text_of(value))?;
        }
        let regions = self.book.merge_cells_by_sheet_name(name).map_err(|_| DAMAGED)?;
        if regions.len() > MERGES_MAX {
            return Err(too_much("merged regions", MERGES_MAX));
        }
        let merges: Vec<Merge> =
            regions.iter().map(|region| Merge { rows: (region.start.0, region.end.0), columns: (region.start.1, region.end.1) }).collect();
        builder.finish(name.to_owned(), &merges)
    }
}

/// The bytes of the stream `Workbook` (or `Book` of the nineties).
fn workbook_stream(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let mut container = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|_| DAMAGED)?;
    if container.exists("/EncryptedPackage") {
        return Err(ReadError::Password);
    }
    if container.exists("/WordDocument") {
        return Err(ReadError::OtherFormat { found: "a text document (.doc)" });
    }
    let name = ["/Workbook", "/Book"].into_iter().find(|name| container.is_stream(name)).ok_or(DAMAGED)?;
    let stream = container.open_stream(name).map_err(|_| DAMAGED)?;
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut content = Vec::new();
    stream.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(|_| DAMAGED)?;
    if content.len() > FILE_BYTES_MAX {
        return Err(too_much("bytes", FILE_BYTES_MAX));
    }
    Ok(content)
}

/// A compound file that holds nothing but this workbook stream.
fn clean_container(stream: &[u8]) -> Result<Vec<u8>, ReadError> {
    // Version 3: `calamine` takes a container of version 4 without small streams for an empty one.
    let mut container = cfb::CompoundFile::create_with_version(cfb::Version::V3, Cursor::new(Vec::new())).map_err(|_| DAMAGED)?;
    let mut target = container.create_stream("/Workbook").map_err(|_| DAMAGED)?;
    target.write_all(stream).map_err(|_| DAMAGED)?;
    target.flush().map_err(|_| DAMAGED)?;
    drop(target);
    container.flush().map_err(|_| DAMAGED)?;
    Ok(container.into_inner().into_inner())
}
