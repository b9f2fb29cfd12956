//! Travel times between places: the trait, and the table that comes with a plan. Estimates from coordinates
//! are in `geo`.

use thiserror::Error;

/// Seconds of travel between places numbered from 0. Need not be symmetric, nor keep the triangle inequality.
pub trait Matrix {
    /// How many places there are.
    fn places(&self) -> usize;

    /// Seconds from one place to another. Asked only for places below [`places`](Self::places); the same
    /// question always has the same answer.
    fn travel_s(&self, from: usize, to: usize) -> u32;
}

/// A table whose length is not the square of its number of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a table of {places} places needs {places} × {places} entries, not {entries}")]
pub struct MatrixError {
    /// Places announced.
    pub places: usize,
    /// Entries given.
    pub entries: usize,
}

/// A dense table of seconds, row by row: entry `from × places + to`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableMatrix {
    places: usize,
    seconds: Vec<u32>,
}

impl TableMatrix {
    /// Takes a table over.
    ///
    /// # Errors
    /// When there are not `places × places` entries.
    pub fn new(places: usize, seconds: Vec<u32>) -> Result<Self, MatrixError> {
        if places.checked_mul(places) == Some(seconds.len()) {
            Ok(Self { places, seconds })
        } else {
            Err(MatrixError { places, entries: seconds.len() })
        }
    }

    /// Fills a table from a function of two places.
    pub fn from_fn(places: usize, mut seconds: impl FnMut(usize, usize) -> u32) -> Self {
        let mut table = Vec::with_capacity(places.saturating_mul(places));
        for from in 0..places {
            table.extend((0..places).map(|to| seconds(from, to)));
        }
        Self { places, seconds: table }
    }
}

impl Matrix for TableMatrix {
    fn places(&self) -> usize {
        self.places
    }

    fn travel_s(&self, from: usize, to: usize) -> u32 {
        self.seconds.get(from * self.places + to).copied().unwrap_or(0)
    }
}
