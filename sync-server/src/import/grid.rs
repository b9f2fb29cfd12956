//! The filled cells of one sheet, before anybody knows what they mean. Belongs here: collecting cells under limits,
//! and spreading vertically merged cells. Never: formats of files, titles, fields.

use std::collections::BTreeMap;

use super::limits::{CELL_CHARS_MAX, CELLS_MAX, COLUMNS_MAX, MERGES_MAX, ROWS_MAX, TEXT_BYTES_MAX, TITLE_ROWS_MAX};
use super::read_error::ReadError;
use super::spread::Span;

/// One row with its number as shown in the file (the first is 1) and its cells up to the last filled one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GridRow {
    pub(super) number: u32,
    pub(super) cells: Vec<String>,
    /// The row is one text merged over several columns: a title or a separator, never a customer.
    pub(super) banner: bool,
    /// Columns over which a text of an early row is merged, from and to: it may be a title.
    pub(super) wide: Vec<Span>,
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
    /// marks rows that are nothing but one text merged over several columns, and notes such columns for early rows.
    pub(super) fn finish(mut self, sheet: String, merges: &[Merge]) -> Result<Grid, ReadError> {
        if merges.len() > MERGES_MAX {
            return Err(too_much("merged regions", MERGES_MAX));
        }
        let mut banners = std::collections::BTreeSet::new();
        let mut wides: BTreeMap<u32, Vec<Span>> = BTreeMap::new();
        let last_early = self.rows.keys().take(TITLE_ROWS_MAX).next_back().copied().unwrap_or_default();
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
            let span = (column, usize::try_from(merge.columns.1).unwrap_or(usize::MAX).min(COLUMNS_MAX - 1));
            if wide && merge.rows.0 <= last_early {
                wides.entry(merge.rows.0).or_default().push(span);
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
                    if wide && row <= last_early {
                        wides.entry(row).or_default().push(span);
                    }
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
                wide: wides.remove(&row).unwrap_or_default(),
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
