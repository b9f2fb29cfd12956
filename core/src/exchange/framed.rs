//! Small frames: a version byte, then CBOR, uncompressed. How enrolment, meetings of phones, packets and photos travel; what is large
//! and resembles itself is sealed in [`super::seal`].

use minicbor::{Decode, Encode};

use super::WireError;

/// The frame of a value.
pub(crate) fn framed<T: Encode<()>>(version: u8, value: &T) -> Vec<u8> {
    let mut frame = vec![version];
    // Writing to memory cannot fail; a frame cut short would be refused by the other side.
    let _infallible = minicbor::encode(value, &mut frame);
    frame
}

/// The value of a frame of `version`, which has at most `limit` bytes.
///
/// # Errors
/// [`WireError::TooLarge`], [`WireError::Empty`], [`WireError::Version`], [`WireError::Contents`].
pub(crate) fn unframed<'a, T: Decode<'a, ()>>(version: u8, frame: &'a [u8], limit: usize) -> Result<T, WireError> {
    if frame.len() > limit {
        return Err(WireError::TooLarge { limit });
    }
    let (found, cbor) = frame.split_first().ok_or(WireError::Empty)?;
    if *found != version {
        return Err(WireError::Version { found: *found });
    }
    minicbor::decode(cbor).map_err(WireError::Contents)
}
