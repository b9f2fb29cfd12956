//! Reads integers, byte strings and texts off a slice, from the front, within bounds.

use super::ChunkError;

/// A place in some bytes. Reading moves it forward; it never reads past the end.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the beginning.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `length` bytes.
    pub(crate) fn bytes(&mut self, length: u64) -> Result<&'a [u8], ChunkError> {
        let length = usize::try_from(length).map_err(|_| ChunkError::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ChunkError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ChunkError> {
        self.bytes(N as u64)?.try_into().map_err(|_| ChunkError::Truncated)
    }

    /// A byte string with its length before it, at most `max` long.
    pub(crate) fn prefixed(&mut self, what: &'static str, max: usize) -> Result<&'a [u8], ChunkError> {
        let length = self.count(what, max)?;
        self.bytes(length as u64)
    }

    /// A UTF-8 text with its length before it, at most `max` bytes long.
    pub(crate) fn text(&mut self, what: &'static str, max: usize) -> Result<&'a str, ChunkError> {
        std::str::from_utf8(self.prefixed(what, max)?).map_err(|_| ChunkError::Text)
    }

    /// A number of things to come, at most `max`.
    pub(crate) fn count(&mut self, what: &'static str, max: usize) -> Result<usize, ChunkError> {
        usize::try_from(self.uleb()?).ok().filter(|count| *count <= max).ok_or(ChunkError::TooMuch { what, max })
    }

    /// An unsigned LEB128 integer of at most 64 bits in its shortest form.
    pub(crate) fn uleb(&mut self) -> Result<u64, ChunkError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array::<1>()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && byte > 1 {
                return Err(ChunkError::Number);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(ChunkError::Number) } else { Ok(value) };
            }
        }
        Err(ChunkError::Number)
    }

    /// A signed LEB128 integer of at most 64 bits in its shortest form.
    pub(crate) fn sleb(&mut self) -> Result<i64, ChunkError> {
        let mut value = 0i64;
        let mut before = 0u8;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array::<1>()?;
            if shift == 63 && byte != 0 && byte != 0x7f {
                return Err(ChunkError::Number);
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let extends = |last: u8| last & 0x40 != 0;
                if shift > 0 && ((byte == 0 && !extends(before)) || (byte == 0x7f && extends(before))) {
                    return Err(ChunkError::Number);
                }
                return Ok(if shift < 57 && extends(byte) { value | (-1i64 << (shift + 7)) } else { value });
            }
            before = byte;
        }
        Err(ChunkError::Number)
    }
}

/// Appends an unsigned LEB128 integer.
pub(crate) fn write_uleb(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let bits = u8::try_from(value & 0x7f).unwrap_or(0x7f);
        value >>= 7;
        if value == 0 {
            out.push(bits);
            return;
        }
        out.push(bits | 0x80);
    }
}
