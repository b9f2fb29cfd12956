//! Columns: how operations and changes are laid out, expanded into rows with a bound on their number.
//! A run of 10⁸ rows takes six bytes: so rows are counted while they are expanded, and the count is bounded first.
//!
//! ```text
//! columns  := count(uleb) · { spec(uleb) · length(uleb) } · bytes of the columns, one after the other
//! spec     := id << 4 | deflated << 3 | type; strictly ascending; an empty column is left out
//! run      := n > 0 (sleb) · value, repeated n times
//!           | n < 0 (sleb) · −n values
//!           | 0 · n (uleb) nulls
//! delta    := runs of the difference to the value before (sleb), from 0
//! booleans := { number of false (uleb) · number of true (uleb) … }
//! ```

use super::ChunkError;
use super::reader::Reader;

/// The columns of a chunk: which there are and how long, then their bytes.
#[derive(Debug, Clone)]
pub(crate) struct Columns<'a> {
    columns: Vec<(u32, &'a [u8])>,
}

/// The announced columns: spec and length.
pub(crate) type Layout = Vec<(u32, u64)>;

/// Reads which columns there are; each must be one of `known`, none may be deflated.
pub(crate) fn layout(reader: &mut Reader<'_>, known: &[u32]) -> Result<Layout, ChunkError> {
    let count = reader.count("columns", known.len())?;
    let mut layout = Layout::with_capacity(count);
    for _ in 0..count {
        let spec = u32::try_from(reader.uleb()?).map_err(|_| ChunkError::Number)?;
        let length = reader.uleb()?;
        let ascending = layout.last().is_none_or(|(last, _)| *last < spec);
        if !ascending || length == 0 || !known.contains(&spec) {
            return Err(ChunkError::Column(spec));
        }
        layout.push((spec, length));
    }
    Ok(layout)
}

impl<'a> Columns<'a> {
    /// Takes the bytes of the announced columns.
    pub(crate) fn take(reader: &mut Reader<'a>, layout: Layout) -> Result<Self, ChunkError> {
        let columns = layout.into_iter().map(|(spec, length)| Ok((spec, reader.bytes(length)?))).collect::<Result<_, ChunkError>>()?;
        Ok(Self { columns })
    }

    fn bytes(&self, spec: u32) -> &'a [u8] {
        self.columns.iter().find(|(other, _)| *other == spec).map(|(_, bytes)| *bytes).unwrap_or_default()
    }

    /// The bytes of a raw column.
    pub(crate) fn raw(&self, spec: u32) -> Reader<'a> {
        Reader::new(self.bytes(spec))
    }

    /// Unsigned numbers or nulls; an absent column is nulls all through.
    pub(crate) fn unsigned(&self, spec: u32, rows: Rows) -> Result<Vec<Option<u64>>, ChunkError> {
        self.runs(spec, rows, Reader::uleb)
    }

    /// Texts or nulls, each at most `bytes_max` long; an absent column is nulls all through.
    pub(crate) fn texts(&self, spec: u32, rows: Rows, bytes_max: usize) -> Result<Vec<Option<&'a str>>, ChunkError> {
        self.runs(spec, rows, |reader| reader.text("bytes of a key or name", bytes_max))
    }

    /// Numbers stored as differences, or nulls; an absent column is nulls all through.
    pub(crate) fn deltas(&self, spec: u32, rows: Rows) -> Result<Vec<Option<i64>>, ChunkError> {
        let mut value = 0i64;
        let mut deltas = self.runs(spec, rows, Reader::sleb)?;
        for delta in deltas.iter_mut().flatten() {
            value = value.checked_add(*delta).ok_or(ChunkError::Column(spec))?;
            *delta = value;
        }
        Ok(deltas)
    }

    /// Booleans; an absent column is false all through.
    pub(crate) fn booleans(&self, spec: u32, rows: Rows) -> Result<Vec<bool>, ChunkError> {
        let mut reader = self.raw(spec);
        let mut out = Vec::new();
        let mut value = false;
        let mut first = true;
        while !reader.is_empty() {
            let count = reader.uleb()?;
            if count == 0 && !first {
                return Err(ChunkError::Column(spec));
            }
            let count = rows.grown(out.len(), count)?;
            out.resize(out.len() + count, value);
            value = !value;
            first = false;
        }
        rows.complete(spec, out, false)
    }

    fn runs<T: Copy>(
        &self,
        spec: u32,
        rows: Rows,
        mut read: impl FnMut(&mut Reader<'a>) -> Result<T, ChunkError>,
    ) -> Result<Vec<Option<T>>, ChunkError> {
        let mut reader = self.raw(spec);
        let mut out: Vec<Option<T>> = Vec::new();
        while !reader.is_empty() {
            let run = reader.sleb()?;
            match run {
                0 => {
                    let count = reader.uleb()?;
                    let count = rows.grown(out.len(), count)?;
                    if count == 0 {
                        return Err(ChunkError::Column(spec));
                    }
                    out.resize(out.len() + count, None);
                }
                1.. => {
                    let count = rows.grown(out.len(), run.unsigned_abs())?;
                    let value = read(&mut reader)?;
                    out.resize(out.len() + count, Some(value));
                }
                _ => {
                    let count = rows.grown(out.len(), run.unsigned_abs())?;
                    for _ in 0..count {
                        out.push(Some(read(&mut reader)?));
                    }
                }
            }
        }
        rows.complete(spec, out, None)
    }
}

/// How many rows a column may or must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Not known yet: any number up to the limit.
    AtMost(usize),
    /// Exactly as many as the column that was read first.
    Exactly(usize),
}

impl Rows {
    const fn max(self) -> usize {
        match self {
            Self::AtMost(max) | Self::Exactly(max) => max,
        }
    }

    fn grown(self, have: usize, more: u64) -> Result<usize, ChunkError> {
        let max = self.max();
        usize::try_from(more)
            .ok()
            .filter(|more| have.checked_add(*more).is_some_and(|sum| sum <= max))
            .ok_or(ChunkError::TooMuch { what: "rows of a column", max })
    }

    fn complete<T: Copy>(self, spec: u32, mut rows: Vec<T>, absent: T) -> Result<Vec<T>, ChunkError> {
        if let Self::Exactly(count) = self {
            if rows.is_empty() {
                rows.resize(count, absent);
            }
            if rows.len() != count {
                return Err(ChunkError::Column(spec));
            }
        }
        Ok(rows)
    }
}
