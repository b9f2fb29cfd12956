//! The record stream inside an `.xls`, bounded. Belongs here: walking the records (type u16, length u16, bytes; all
//! little-endian; a record `Continue` carries on the one before) and refusing what would make `calamine` reserve or
//! copy beyond the limits. Never: reading values; `calamine` does that.
//!
//! What is bounded, and why: cells are held as one dense rectangle a sheet, so a lone cell far away costs the
//! area; each cell copies its shared string, so few bytes can name a long text a million times; short records may
//! declare long strings, for which memory is reserved. Dimensions, names and links are not needed and blanked out.

use super::grid::too_much;
use super::limits::{SHEETS_MAX, TEXT_BYTES_MAX, XLS_AREA_MAX, XLS_CONTINUES_MAX};
use super::read_error::ReadError;

const DAMAGED: ReadError = ReadError::Damaged { format: ".xls" };

// Record types: [MS-XLS] 2.3.
const EOF: u16 = 0x000A;
const FORMULA: u16 = 0x0006;
const FILE_PASS: u16 = 0x002F;
const EXTERN_SHEET: u16 = 0x0017;
const NAME: u16 = 0x0018;
const CONTINUE: u16 = 0x003C;
const BOUND_SHEET: u16 = 0x0085;
const MUL_RK: u16 = 0x00BD;
const RICH_STRING: u16 = 0x00D6;
const SHARED_STRINGS: u16 = 0x00FC;
const LABEL_SHARED: u16 = 0x00FD;
const DIMENSIONS: u16 = 0x0200;
const NUMBER: u16 = 0x0203;
const LABEL: u16 = 0x0204;
const BOOL_ERROR: u16 = 0x0205;
const STRING: u16 = 0x0207;
const RK: u16 = 0x027E;
const BEGIN: u16 = 0x0809;
/// No reader knows this type, so the record is passed over.
const BLANKED: u16 = 0xFFF0;

/// Where one record lies in the stream; `at` is its header.
#[derive(Debug, Clone, Copy)]
struct Place {
    kind: u16,
    at: usize,
    len: usize,
}

/// Bounds the stream and blanks out what is not needed.
///
/// # Errors
/// [`ReadError::Damaged`] or [`ReadError::TooMuch`].
pub(super) fn tame(stream: &mut [u8]) -> Result<(), ReadError> {
    let globals = places(stream, 0)?;
    let mut sheets = Vec::new();
    let mut lengths = Vec::new();
    for (index, place) in globals.iter().enumerate() {
        match place.kind {
            BOUND_SHEET => {
                let at = word32(stream, place.at + 4).ok_or(DAMAGED)?;
                sheets.push(usize::try_from(at).map_err(|_| DAMAGED)?);
            }
            SHARED_STRINGS => lengths = shared_lengths(stream, globals.get(index..).unwrap_or_default())?,
            NAME | EXTERN_SHEET => blank(stream, *place),
            FILE_PASS if word(stream, place.at + 4) != Some(0) => return Err(ReadError::Password),
            _ => {}
        }
    }
    if sheets.len() > SHEETS_MAX {
        return Err(too_much("sheets", SHEETS_MAX));
    }
    let mut area = 0_u64;
    let mut text_bytes = 0_usize;
    for start in sheets {
        let mut cells = Box2::default();
        let mut formulas = Box2::default();
        // Where the text of a formula goes; at the corner if there was no formula.
        let mut formula_at = (0, 0);
        for place in places(stream, start)? {
            match place.kind {
                DIMENSIONS => blank(stream, place),
                MUL_RK => {
                    let (row, column) = position(stream, place)?;
                    cells.take(row, column);
                    let columns = u32::try_from(place.len / 6).unwrap_or(u32::MAX);
                    cells.take(row, column.saturating_add(columns));
                }
                NUMBER | RK | BOOL_ERROR => cells.take_at(position(stream, place)?),
                LABEL | RICH_STRING => {
                    cells.take_at(position(stream, place)?);
                    text_bytes = text_bytes.saturating_add(inline_length(stream, place, 6)?);
                }
                STRING => {
                    cells.take_at(formula_at);
                    text_bytes = text_bytes.saturating_add(inline_length(stream, place, 0)?);
                }
                LABEL_SHARED => {
                    cells.take_at(position(stream, place)?);
                    let index = word32(stream, place.at + 10).ok_or(DAMAGED)?;
                    let length = usize::try_from(index).ok().and_then(|index| lengths.get(index));
                    text_bytes = text_bytes.saturating_add(length.copied().unwrap_or(0));
                }
                FORMULA => {
                    formula_at = position(stream, place)?;
                    cells.take_at(formula_at);
                    formulas.take_at(formula_at);
                    forget_formula(stream, place)?;
                }
                _ => {}
            }
        }
        area = area.saturating_add(cells.area()).saturating_add(formulas.area());
    }
    if area > XLS_AREA_MAX {
        return Err(ReadError::TooMuch { what: "cells between the first and the last used one", max: XLS_AREA_MAX });
    }
    if text_bytes > TEXT_BYTES_MAX {
        return Err(too_much("text (bytes)", TEXT_BYTES_MAX));
    }
    Ok(())
}

/// The records from `start` to the end of that part of the workbook, nested charts included.
fn places(stream: &[u8], start: usize) -> Result<Vec<Place>, ReadError> {
    if start > stream.len() {
        return Err(DAMAGED);
    }
    let mut found = Vec::new();
    let mut at = start;
    let mut depth = 0_u32;
    let mut continues = 0_usize;
    while at < stream.len() {
        let (Some(kind), Some(len)) = (word(stream, at), word(stream, at + 2)) else {
            return Err(DAMAGED);
        };
        let len = usize::from(len);
        if at + 4 + len > stream.len() {
            return Err(DAMAGED);
        }
        continues = if kind == CONTINUE { continues + 1 } else { 0 };
        if continues > XLS_CONTINUES_MAX {
            return Err(too_much("continued records", XLS_CONTINUES_MAX));
        }
        found.push(Place { kind, at, len });
        at += 4 + len;
        match kind {
            BEGIN => depth += 1,
            EOF if depth <= 1 => break,
            EOF => depth -= 1,
            _ => {}
        }
    }
    Ok(found)
}

fn blank(stream: &mut [u8], place: Place) {
    if let Some(kind) = stream.get_mut(place.at..place.at + 2) {
        kind.copy_from_slice(&BLANKED.to_le_bytes());
    }
}

/// Sets the formula to length zero; its cached value stays.
fn forget_formula(stream: &mut [u8], place: Place) -> Result<(), ReadError> {
    if place.len < 22 {
        return Err(DAMAGED);
    }
    if let Some(tokens) = stream.get_mut(place.at + 24..place.at + 4 + place.len) {
        tokens.fill(0);
    }
    Ok(())
}

fn position(stream: &[u8], place: Place) -> Result<(u32, u32), ReadError> {
    match (place.len >= 6, word(stream, place.at + 4), word(stream, place.at + 6)) {
        (true, Some(row), Some(column)) => Ok((row.into(), column.into())),
        _ => Err(DAMAGED),
    }
}

/// Declared characters of a string inside the record, times three bytes; more characters than bytes is damage.
fn inline_length(stream: &[u8], place: Place, skip: usize) -> Result<usize, ReadError> {
    let characters = usize::from(word(stream, place.at + 4 + skip).ok_or(DAMAGED)?);
    if characters > place.len {
        return Err(DAMAGED);
    }
    Ok(characters * 3)
}

/// Bytes that each shared string may take as UTF-8. `places` begins with the record and goes on behind it.
/// The layout of one string is [MS-XLS] 2.5.293: count u16, flags u8, then runs u16 if flag 8, extension u32 if
/// flag 4, characters of one or two bytes, 4 bytes a run, the extension. Characters may break at a record's end;
/// the next then begins with a flags byte of its own.
fn shared_lengths(stream: &[u8], places: &[Place]) -> Result<Vec<usize>, ReadError> {
    let mut spans = Vec::new();
    for (index, place) in places.iter().enumerate() {
        if index > 0 && place.kind != CONTINUE {
            break;
        }
        let skip = if index == 0 { 8 } else { 0 };
        if place.len < skip {
            return Err(DAMAGED);
        }
        spans.push((place.at + 4 + skip, place.at + 4 + place.len));
    }
    let mut walk = Walk { stream, spans, span: 0, at: 0 };
    walk.at = walk.spans.first().map_or(0, |span| span.0);
    let mut lengths = Vec::new();
    while walk.more() {
        let characters = walk.word()?;
        let flags = walk.byte()?;
        let runs = if flags & 8 == 0 { 0 } else { usize::from(walk.word()?) };
        let extension = if flags & 4 == 0 {
            0
        } else {
            let (low, high) = (walk.word()?, walk.word()?);
            usize::from(low) | usize::from(high) << 16
        };
        walk.characters(usize::from(characters), flags & 1 != 0)?;
        walk.skip(runs * 4)?;
        walk.skip(extension)?;
        lengths.push(usize::from(characters) * 3);
    }
    Ok(lengths)
}

/// A reading place in a record and its continuations.
struct Walk<'a> {
    stream: &'a [u8],
    spans: Vec<(usize, usize)>,
    span: usize,
    at: usize,
}

impl Walk<'_> {
    fn left(&self) -> usize {
        self.spans.get(self.span).map_or(0, |span| span.1 - self.at)
    }

    /// Steps into the next continuation when this one is used up; false at the end.
    fn more(&mut self) -> bool {
        while self.left() == 0 {
            let Some(next) = self.spans.get(self.span + 1) else {
                return false;
            };
            self.span += 1;
            self.at = next.0;
        }
        true
    }

    fn byte(&mut self) -> Result<u8, ReadError> {
        if self.left() == 0 {
            return Err(DAMAGED);
        }
        let byte = self.stream.get(self.at).copied().ok_or(DAMAGED)?;
        self.at += 1;
        Ok(byte)
    }

    fn word(&mut self) -> Result<u16, ReadError> {
        Ok(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn characters(&mut self, mut count: usize, mut wide: bool) -> Result<(), ReadError> {
        loop {
            let size = if wide { 2 } else { 1 };
            let here = (self.left() / size).min(count);
            self.at += here * size;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            // An odd byte before the end of a record belongs to nobody.
            self.at += self.left();
            if !self.more() {
                return Err(DAMAGED);
            }
            wide = self.byte()? & 1 != 0;
        }
    }

    fn skip(&mut self, mut count: usize) -> Result<(), ReadError> {
        while count > 0 {
            if !self.more() {
                return Err(DAMAGED);
            }
            let here = self.left().min(count);
            self.at += here;
            count -= here;
        }
        Ok(())
    }
}

/// The rectangle around used cells.
#[derive(Debug, Default)]
struct Box2 {
    spans: Option<(u32, u32, u32, u32)>,
}

impl Box2 {
    fn take_at(&mut self, (row, column): (u32, u32)) {
        self.take(row, column);
    }

    fn take(&mut self, row: u32, column: u32) {
        let (top, bottom, left, right) = self.spans.unwrap_or((row, row, column, column));
        self.spans = Some((top.min(row), bottom.max(row), left.min(column), right.max(column)));
    }

    fn area(&self) -> u64 {
        self.spans.map_or(0, |(top, bottom, left, right)| (u64::from(bottom - top) + 1) * (u64::from(right - left) + 1))
    }
}

fn word(stream: &[u8], at: usize) -> Option<u16> {
    let bytes = stream.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

fn word32(stream: &[u8], at: usize) -> Option<u32> {
    let bytes = stream.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}
