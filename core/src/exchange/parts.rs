//! An answer in parts: several answers one after the other in one zstd stream, flushed after each, so that a body that is cut
//! loses at most the part it was cut in, and a later part still finds its likenesses in the earlier ones.
//!
//! ```text
//! frame = version:u8  zstd(part*)
//! part  = cbor(Answer), whole by itself: its items, where the device stands after it, whether more waits
//! ```
//! A side that reads one answer of a frame reads the first part, and asks for the rest by its checkpoint.

use std::io::{Read as _, Write as _};

use super::{
    ANSWER_BULK_ZSTD_LEVEL, ANSWER_BYTES_MAX, ANSWER_PLAIN_BYTES_MAX, ANSWER_ZSTD_LEVEL, Answer, WINDOW_LOG, WIRE_VERSION, WireError,
};

/// Bytes of items after which headquarters closes a part: about 256 KB on the line.
pub const PART_BYTES_TARGET: usize = 1 << 20;
/// From so many parts on an answer is packed with more care.
const BULK_PARTS_MIN: usize = 3;
/// Most parts of a frame.
pub const PARTS_MAX: usize = 1_000;
/// Bytes read from the stream at a time.
const READ_BYTES: usize = 64 << 10;

/// What a frame, whole or cut, holds.
#[derive(Debug)]
pub struct Parts {
    /// Its parts in order; never empty.
    pub answers: Vec<Answer>,
    /// The frame ended before its last part did.
    pub cut: bool,
}

/// The frame of these parts.
///
/// # Errors
/// [`WireError::TooLarge`], [`WireError::Stream`].
pub fn encode(parts: &[Answer]) -> Result<Vec<u8>, WireError> {
    if let [only] = parts {
        return only.encode();
    }
    let level = if parts.len() < BULK_PARTS_MIN { ANSWER_ZSTD_LEVEL } else { ANSWER_BULK_ZSTD_LEVEL };
    let mut frame = vec![WIRE_VERSION];
    let mut packer = zstd::stream::write::Encoder::new(&mut frame, level).map_err(WireError::Stream)?;
    packer.window_log(WINDOW_LOG).map_err(WireError::Stream)?;
    for part in parts {
        let plain = minicbor::to_vec(part).map_err(|never| WireError::Stream(std::io::Error::other(never.to_string())))?;
        packer.write_all(&plain).map_err(WireError::Stream)?;
        packer.flush().map_err(WireError::Stream)?;
    }
    packer.finish().map_err(WireError::Stream)?;
    if frame.len() > ANSWER_BYTES_MAX {
        return Err(WireError::TooLarge { limit: ANSWER_BYTES_MAX });
    }
    Ok(frame)
}

/// Reads a frame as far as it goes.
///
/// # Errors
/// Every [`WireError`], when not even the first part is whole.
pub fn decode(frame: &[u8]) -> Result<Parts, WireError> {
    if frame.len() > ANSWER_BYTES_MAX {
        return Err(WireError::TooLarge { limit: ANSWER_BYTES_MAX });
    }
    let (version, packed) = frame.split_first().ok_or(WireError::Empty)?;
    if *version != WIRE_VERSION {
        return Err(WireError::Version { found: *version });
    }
    let (plain, broken) = unpack(packed)?;
    let (mut answers, mut fault) = (Vec::new(), None);
    let mut decoder = minicbor::Decoder::new(&plain);
    while decoder.position() < plain.len() && answers.len() < PARTS_MAX {
        match decoder.decode::<Answer>() {
            Ok(part) => answers.push(part),
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    match (answers.is_empty(), fault, broken) {
        // What follows a whole part in an unbroken stream and is no part was never an answer of ours.
        (_, Some(fault), None) => Err(WireError::Contents(fault)),
        (true, Some(_) | None, Some(broken)) => Err(WireError::Stream(broken)),
        (true, None, None) => Err(WireError::Empty),
        (false, _, broken) => Ok(Parts { answers, cut: broken.is_some() }),
    }
}

/// What can be read of the stream, and why it ended early.
fn unpack(packed: &[u8]) -> Result<(Vec<u8>, Option<std::io::Error>), WireError> {
    let mut unpacker = zstd::stream::read::Decoder::new(packed).map_err(WireError::Stream)?;
    unpacker.window_log_max(WINDOW_LOG).map_err(WireError::Stream)?;
    let mut plain = Vec::new();
    let mut piece = vec![0; READ_BYTES];
    loop {
        match unpacker.read(&mut piece) {
            Ok(0) => return Ok((plain, None)),
            Ok(read) => plain.extend_from_slice(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Ok((plain, Some(error))),
        }
        if plain.len() > ANSWER_PLAIN_BYTES_MAX {
            return Err(WireError::TooLarge { limit: ANSWER_PLAIN_BYTES_MAX });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failing test says where")]

    use super::super::{Checkpoint, Cursor, Item};
    use super::*;
    use crate::ids::{DocId, Ms};

    fn part(n: u8) -> Answer {
        // Bytes without likeness, so that every part has a length of its own on the line.
        let noise: Vec<u8> = (0..4_000_u32).map(|at| (at.wrapping_mul(2_654_435_761).rotate_left(n.into()) >> 13) as u8 ^ n).collect();
        let doc = DocId::from_bytes([n; 16]);
        let items = vec![Item::Document { doc, kind: "customer".to_owned(), subject: doc.into(), snapshot: noise.into() }];
        let checkpoint = Some(Checkpoint { base: 9, upto: n.into() });
        Answer { items, checkpoint, more: true, ..Answer::empty(Ms(1), Cursor { epoch: [3; 16], number: 0 }) }
    }

    #[test]
    fn a_frame_cut_at_any_byte_gives_every_whole_part_before_the_cut() {
        let parts: Vec<Answer> = (1..6).map(part).collect();
        let frame = encode(&parts).unwrap();
        // Where each part ends: the stream is flushed there, and another part after it adds to it.
        let ends: Vec<usize> = (1..=parts.len()).map(|n| encode(&parts[..n]).unwrap().len()).collect();
        let whole = decode(&frame).unwrap();
        assert_eq!((whole.answers, whole.cut), (parts.clone(), false));
        for cut in 0..frame.len() {
            let complete = ends.iter().filter(|end| **end <= cut + 3).count();
            match decode(&frame[..cut]) {
                Ok(read) => {
                    assert!(read.cut, "cut at {cut}");
                    assert_eq!(read.answers, parts[..read.answers.len()], "cut at {cut}");
                    assert!(read.answers.len() + 1 >= complete, "cut at {cut}: {} of {complete}", read.answers.len());
                }
                Err(_) => assert!(complete <= 1, "cut at {cut}: {complete} parts were whole"),
            }
        }
        // A side that knows no parts reads the first, and goes on from its checkpoint.
        assert_eq!(Answer::decode(&frame).unwrap(), parts[0]);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let frame = encode(&[part(1)]).unwrap();
        assert!(decode(&[]).is_err() && decode(&[WIRE_VERSION]).is_err() && decode(&[9, 1, 2]).is_err());
        let mut odd = vec![WIRE_VERSION];
        odd.extend(zstd::encode_all(&[0xff_u8, 0x00][..], 3).unwrap());
        assert!(matches!(decode(&odd), Err(WireError::Contents(_))));
        assert!(decode(&frame).is_ok());
    }
}
