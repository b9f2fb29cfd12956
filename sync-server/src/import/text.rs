//! Text files: `.csv` and its cousins. Belongs here: which encoding, which delimiter, and the records as a grid.
//! Never: titles and fields.
//!
//! Encodings: UTF-8 with or without byte order mark, UTF-16 with one (what spreadsheet programs call Unicode text),
//! else strict UTF-8, else strict GB18030 (which holds GBK and GB2312). Delimiters: comma, semicolon, tab.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord};
use encoding_rs::{GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::columns;
use super::grid::{Grid, GridBuilder};
use super::limits::{CELL_CHARS_MAX, TITLE_ROWS_MAX};
use super::read_error::ReadError;
use crate::export::FORMULA_SIGNS;

const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];
/// What a text file's only table is called.
const SHEET: &str = "";

/// The records of a text file. Row numbers are those of a spreadsheet: a quoted line break makes no new row, an
/// empty line does.
///
/// # Errors
/// [`ReadError`].
pub(super) fn grid(bytes: &[u8]) -> Result<Grid, ReadError> {
    let text = decode(bytes)?;
    if text.contains('\0') {
        return Err(ReadError::Damaged { format: ".csv" });
    }
    if let Some(found) = markup(&text) {
        return Err(ReadError::OtherFormat { found });
    }
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.push('\n');
    let (told, body, offset) = separator_line(&text);
    let delimiter = told.unwrap_or_else(|| delimiter(body));
    if let Some(row) = lone_quote(body, delimiter) {
        return Err(ReadError::LoneQuote { row: row.saturating_add(offset) });
    }
    let mut builder = GridBuilder::default();
    let mut inner_lines = 0_usize;
    each_record(body, delimiter, |record, lines| {
        inner_lines += record.iter().map(|cell| cell.matches('\n').count()).sum::<usize>();
        let row = lines.saturating_sub(2).saturating_sub(u64::try_from(inner_lines).unwrap_or(u64::MAX));
        let row = u32::try_from(row).unwrap_or(u32::MAX).saturating_add(offset);
        for (column, cell) in record.iter().enumerate() {
            if cell.len() > CELL_CHARS_MAX && cell.chars().count() > CELL_CHARS_MAX {
                return Err(ReadError::CellTooLong { row: row.saturating_add(1), max: CELL_CHARS_MAX });
            }
            builder.put(row, u32::try_from(column).unwrap_or(u32::MAX), unguarded(cell).to_owned())?;
        }
        Ok(true)
    })?;
    builder.finish(SHEET.to_owned(), &[])
}

/// A cell without the apostrophe that exports put before what a spreadsheet program would take for a formula.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULA_SIGNS) => rest,
        Some(_) | None => cell,
    }
}

/// The text, whatever it was encoded in.
///
/// # Errors
/// [`ReadError::UnknownEncoding`].
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    if let Some(rest) = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
        return strict(UTF_8, rest);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return strict(UTF_16LE, rest);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return strict(UTF_16BE, rest);
    }
    strict(UTF_8, bytes).or_else(|_| strict(GB18030, bytes))
}

fn strict<'a>(encoding: &'static encoding_rs::Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>, ReadError> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or(ReadError::UnknownEncoding)
}

/// Web systems hand out pages of HTML under the name `.xls`.
fn markup(text: &str) -> Option<&'static str> {
    let start = text.trim_start();
    let head: String = start.chars().take(512).collect::<String>().to_ascii_lowercase();
    if head.starts_with("<?xml") || head.starts_with("<html") || head.starts_with("<!doctype") {
        return Some("a web page or XML file under the name of a spreadsheet");
    }
    if head.starts_with("<table") || head.starts_with("<meta") {
        return Some("a web page under the name of a spreadsheet");
    }
    if head.starts_with("%pdf-") {
        return Some("a PDF");
    }
    if head.starts_with("{\\rtf") {
        return Some("a text document (.rtf)");
    }
    None
}

/// A first line `sep=;` tells the delimiter; it is a row of its own, so what follows is one row further down.
fn separator_line(text: &str) -> (Option<u8>, &str, u32) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let told = match first.trim_matches('"') {
        "sep=," => b',',
        "sep=;" => b';',
        "sep=\t" => b'\t',
        _ => return (None, text, 0),
    };
    (Some(told), rest, 1)
}

/// The delimiter under which some early row names most columns; on a tie the one under which most early rows have
/// the same number of cells.
fn delimiter(text: &str) -> u8 {
    let mut best = (b',', (0, 0, 0));
    for candidate in DELIMITERS {
        let mut titles = 0;
        let mut widths: Vec<usize> = Vec::new();
        // What fails to parse scores what it reached.
        let _scored = each_record(text, candidate, |record, _| {
            let cells: Vec<&str> = record.iter().collect();
            titles = titles.max(columns::titles_known(&cells));
            if record.len() > 1 {
                widths.push(record.len());
            }
            Ok(widths.len() < TITLE_ROWS_MAX)
        });
        widths.sort_unstable();
        let usual = widths.get(widths.len() / 2).copied().unwrap_or(0);
        let alike = widths.iter().filter(|width| **width == usual).count();
        let score = (titles, alike, usual);
        if score > best.1 {
            best = (candidate, score);
        }
    }
    best.0
}

/// The row in which a quotation mark opens a cell and lacks its partner: the cell is still open at the end of the text, or the mark that
/// closes it some lines further down is followed by more, and so was meant to open another one. All lines between would be one cell.
fn lone_quote(text: &str, delimiter: u8) -> Option<u32> {
    let mut bytes = text.bytes().peekable();
    let (mut row, mut at_its_begin) = (1_u32, true);
    while let Some(byte) = bytes.next() {
        if byte != b'"' || !at_its_begin {
            row = row.saturating_add(u32::from(byte == b'\n'));
            at_its_begin = byte == b'\n' || byte == delimiter;
            continue;
        }
        let (mut closed, mut lines) = (false, false);
        while let Some(byte) = bytes.next() {
            lines |= byte == b'\n';
            if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
                closed = true;
                break;
            }
        }
        let more = bytes.peek().is_some_and(|next| *next != delimiter && *next != b'\n' && *next != b' ');
        if !closed || (lines && more) {
            return Some(row);
        }
        at_its_begin = false;
    }
    None
}

/// Calls `take` with each record and the line after it (from 1) until it says false. A broken record never happens: the parser reads any text.
fn each_record(text: &str, delimiter: u8, mut take: impl FnMut(&StringRecord, u64) -> Result<bool, ReadError>) -> Result<(), ReadError> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|_| ReadError::Damaged { format: ".csv" })? {
        if !take(&record, reader.position().line())? {
            break;
        }
    }
    Ok(())
}
