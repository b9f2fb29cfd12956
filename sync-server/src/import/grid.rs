//! The filled cells of one sheet, before anybody knows what they mean. Belongs here: collecting cells under limits,
//! and spreading vertically merged cells. Never: formats of files, titles, fields.

use std::collections::BTreeMap;

use super::limits::{CELL_CHARS_MAX, CELLS_MAX, COLUMNS_MAX, MERGES_MAX, ROWS_MAX, TEXT_BYTES_MAX};
use super::read_error::ReadError;

/// One row with its number as shown in the file (the first is 1) and its cells up to the last filled one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GridRow {
    pub(super) number: u32,
    pub(super) cells: Vec<String>,
    /// The row is one text merged over several columns: a title or a separator, never a customer.
    pub(super) banner: bool,
}

/// The rows of one sheet that have at least one filled cell, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) sheet: String,
    pub(super) rows: Vec<GridRow>,
}

/// A merged region, zero-based and inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) rows: (u32, u32),
    pub(super) columns: (u32, u32),
}

/// Collects cells in any order and refuses what passes a limit.
#[derive(Debug, Default)]
pub(super) struct GridBuilder {
    rows: BTreeMap<u32, BTreeMap<usize, String>>,
    cells: usize,
    text_bytes: usize,
}

impl GridBuilder {
    /// Puts a text at a zero-based place. Blank texts are no cells.
    pub(super) fn put(&mut self, row: u32, column: u32, text: String) -> Result<(), ReadError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= COLUMNS_MAX {
            return Err(too_much("columns", COLUMNS_MAX));
        }
        if text.len() > CELL_CHARS_MAX && text.chars().count() > CELL_CHARS_MAX {
            return Err(ReadError::CellTooLong { row: row.saturating_add(1), max: CELL_CHARS_MAX });
        }
        self.cells += 1;
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        if self.cells > CELLS_MAX {
            return Err(too_much("cells", CELLS_MAX));
        }
        if self.text_bytes > TEXT_BYTES_MAX {
            return Err(too_much("text (bytes)", TEXT_BYTES_MAX));
        }
        self.rows.entry(row).or_default().insert(column, text);
        if self.rows.len() > ROWS_MAX {
            return Err(too_much("rows", ROWS_MAX));
        }
        Ok(())
    }

    /// Repeats the text of a cell that is merged over several rows in each of these rows that has other content,
    /// and marks rows that are nothing but one text merged over several columns.
    pub(super) fn finish(mut self, sheet: String, merges: &[Merge]) -> Result<Grid, ReadError> {
        if merges.len() > MERGES_MAX {
            return Err(too_much("merged regions", MERGES_MAX));
        }
        let mut banners = std::collections::BTreeSet::new();
        let mut steps = 0_usize;
        for merge in merges {
            let wide = merge.columns.1 > merge.columns.0;
            let column = usize::try_from(merge.columns.0).unwrap_or(usize::MAX);
            let Some(top) = self.rows.get(&merge.rows.0) else {
                continue;
            };
            let Some(text) = top.get(&column).cloned() else {
                continue;
            };
            if wide && top.len() == 1 {
                banners.insert(merge.rows.0);
            }
            if merge.rows.1 <= merge.rows.0 {
                continue;
            }
            let below: Vec<u32> = self.rows.range(merge.rows.0.saturating_add(1)..=merge.rows.1).map(|(row, _)| *row).collect();
            // Regions never overlap in a sound file, so together they have no more steps than there are cells.
            steps = steps.saturating_add(below.len());
            if steps > CELLS_MAX {
                return Err(too_much("merged regions", MERGES_MAX));
            }
            for row in below {
                let taken = self.rows.get(&row).is_some_and(|cells| cells.contains_key(&column));
                if !taken {
                    self.put(row, merge.columns.0, text.clone())?;
                }
            }
        }
        let rows = self
            .rows
            .into_iter()
            .map(|(row, cells)| GridRow {
                number: row.saturating_add(1),
                banner: banners.contains(&row) && cells.len() == 1,
                cells: dense(cells),
            })
            .collect();
        Ok(Grid { sheet, rows })
    }
}

fn dense(cells: BTreeMap<usize, String>) -> Vec<String> {
    let mut row = Vec::with_capacity(cells.last_key_value().map_or(0, |(column, _)| column + 1));
    for (column, text) in cells {
        row.resize(column, String::new());
        row.push(text);
    }
    row
}

pub(super) fn too_much(what: &'static str, max: usize) -> ReadError {
    ReadError::TooMuch { what, max: u64::try_from(max).unwrap_or(u64::MAX) }
}
