//! Taking an answer in, part by part: the app's other calls have their turn between two parts, and none waits for a whole first sync.
//!
//! A long answer is kept in the file before anything of it is opened. From then on the line is done with: whatever ends the process, it
//! is opened from where that stopped, without a network.

use std::sync::Arc;

use super::ahead::Ahead;
use super::stand::{self, Made};
use super::{Synced, parts};
use crate::exchange::knock::is_knock;
use crate::exchange::{ANSWER_BYTES_MAX, Answer};
use crate::ids::Ms;
use crate::replica::{Replica, ReplicaError};
use crate::store::{RECEIVED_BYTES_MAX, Received, StoreError, Writing};

/// Shorter answers are opened at once: that takes no longer than keeping them.
pub const KEPT_BYTES_MIN: usize = 128 << 10;
/// Setting: how far the answer that is kept was opened. See [`Progress`].
const SETTING_OPENED: &str = "pull/opened";
/// How often opening a kept answer may begin at one place before it is given up: something in it ends the process.
const BEGUN_MAX: u8 = 3;

const _: () = assert!(RECEIVED_BYTES_MAX >= ANSWER_BYTES_MAX, "every answer can be kept");

/// An answer that is being taken in.
#[derive(Debug)]
pub struct Opening {
    what: What,
    /// The device's clock when it arrived.
    now: Ms,
    /// It is in the file: how far it is opened is noted there.
    kept: bool,
}

#[derive(Debug)]
enum What {
    /// The reply to a knock, until it is taken in.
    Reply(Option<Vec<u8>>),
    Parts(Box<Parts>),
}

#[derive(Debug)]
struct Parts {
    answers: Arc<[Answer]>,
    /// The frame ended before its last part did.
    cut: bool,
    ahead: Ahead,
    /// Parts that are taken in.
    taken: usize,
    /// Items of those.
    items: usize,
    /// Where the device stood after the last of them; nothing but the next may move it.
    stand: Option<u64>,
    made: Made,
}

/// How far an answer that is kept was opened: 8 bytes of parts, 8 bytes of the stand after them, big-endian, and how often it was begun
/// there.
struct Progress {
    taken: u64,
    stand: u64,
    begun: u8,
}

impl Progress {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (taken, rest) = bytes.split_first_chunk()?;
        let (stand, begun) = rest.split_first_chunk()?;
        Some(Self { taken: u64::from_be_bytes(*taken), stand: u64::from_be_bytes(*stand), begun: *begun.first()? })
    }
    fn write(&self, write: &mut Writing<'_>) -> Result<(), StoreError> {
        let bytes = [&self.taken.to_be_bytes()[..], &self.stand.to_be_bytes(), &[self.begun]].concat();
        write.put_setting(SETTING_OPENED, &bytes)
    }
}

/// Notes in the commit of a part that it is taken in.
pub(super) fn note(write: &mut Writing<'_>, taken: usize) -> Result<(), StoreError> {
    let stand = stand::here(write)?;
    Progress { taken: taken as u64, stand, begun: 0 }.write(write)
}

impl Replica {
    /// Takes charge of an answer; [`Self::open_part`] takes it in. A long one is in the file, durable, when this returns. `now` is the
    /// device's clock at its arrival.
    ///
    /// # Errors
    /// [`ReplicaError::Wire`] when the frame is unreadable (nothing is then changed), [`ReplicaError::Store`].
    pub fn receive(&mut self, frame: &[u8], now: Ms) -> Result<Opening, ReplicaError> {
        if frame.len() < KEPT_BYTES_MIN { self.opening(frame, now) } else { self.keep(frame, now) }
    }

    /// As [`Self::receive`], and keeps a short one too.
    ///
    /// # Errors
    /// As [`Self::receive`].
    pub fn keep(&mut self, frame: &[u8], now: Ms) -> Result<Opening, ReplicaError> {
        let opening = self.opening(frame, now)?;
        if matches!(opening.what, What::Reply(_)) {
            return Ok(opening);
        }
        self.store_mut().write(|write| {
            write.put_received(frame, now)?;
            write.drop_setting(SETTING_OPENED)
        })?;
        Ok(Opening { kept: true, ..opening })
    }

    /// The answer that is kept and not wholly taken in: the process ended meanwhile. To be asked for before the next request is made:
    /// that would ask for all of it again.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn received(&mut self) -> Result<Option<Opening>, ReplicaError> {
        let read = self.store().read(|read| Ok::<_, StoreError>((read.received()?, read.setting(SETTING_OPENED)?)))?;
        let (Some(Received { at, bytes }), opened) = read else { return Ok(None) };
        let before = opened.as_deref().and_then(Progress::of).unwrap_or(Progress { taken: 0, stand: 0, begun: 0 });
        let taken = usize::try_from(before.taken).unwrap_or(usize::MAX);
        let parts = if before.begun < BEGUN_MAX { self.parts(&bytes, taken).ok() } else { None };
        let Some(mut parts) = parts else {
            self.store_mut().write(drop_kept)?;
            return Ok(None);
        };
        self.store_mut().write(|write| Progress { begun: before.begun + 1, ..before }.write(write))?;
        parts.stand = (parts.taken > 0).then_some(before.stand);
        Ok(Some(Opening { what: What::Parts(Box::new(parts)), now: at, kept: true }))
    }

    /// Takes in all that is left of an answer, in one call.
    ///
    /// # Errors
    /// As [`Self::open_part`].
    pub fn open_rest(&mut self, mut opening: Opening) -> Result<Synced, ReplicaError> {
        let mut synced = Synced::default();
        while let Some(part) = self.open_part(&mut opening)? {
            synced.add(part);
        }
        Ok(synced)
    }

    /// Takes in the next part: its documents with their rows, and where the device then stands. `None` when nothing is left. What a part
    /// did stays done whatever becomes of the next.
    ///
    /// # Errors
    /// [`ReplicaError::Store`], [`ReplicaError::Document`], [`ReplicaError::Wire`] of a reply to a knock. What was kept is then given up:
    /// losing an answer costs time and nothing else.
    pub fn open_part(&mut self, opening: &mut Opening) -> Result<Option<Synced>, ReplicaError> {
        let opened = self.open_next(opening);
        if opening.kept && !matches!(opened, Ok(Some(Synced { wiped: false, .. }))) {
            opening.kept = false;
            // After a wipe there is nothing to drop it from; what cannot be dropped now is at the next start.
            let dropped = self.store_mut().write(drop_kept).map_err(ReplicaError::from).and_then(|()| self.scour());
            if opened.is_ok() {
                dropped?;
            }
        }
        opened
    }

    fn open_next(&mut self, opening: &mut Opening) -> Result<Option<Synced>, ReplicaError> {
        let (now, kept) = (opening.now, opening.kept);
        let parts = match &mut opening.what {
            What::Reply(frame) => return frame.take().map(|frame| self.take_reply(&frame, now)).transpose(),
            What::Parts(parts) => parts,
        };
        let Some(part) = parts.answers.get(parts.taken) else { return Ok(None) };
        parts.made = match parts.stand {
            // Something else moved the device meanwhile: between the two cursors may lie what it lacks.
            Some(stand) if parts.made == Made::Here && self.store().read(stand::here)? != stand => Made::Elsewhere,
            Some(_) => parts.made,
            None => self.made(parts.answers.first())?,
        };
        parts.ahead.go_to(parts.items);
        parts.taken += 1;
        parts.items += part.items.len();
        let mut synced = self.take_part(part, parts.made, now, &mut parts.ahead, kept.then_some(parts.taken))?;
        parts.stand = Some(self.store().read(stand::here)?);
        if parts.taken == parts.answers.len() {
            // What was lost with the end of the body is asked for by the checkpoint of its last whole part.
            synced.more |= parts.cut;
        }
        Ok(Some(synced))
    }

    fn opening(&self, frame: &[u8], now: Ms) -> Result<Opening, ReplicaError> {
        let what = if is_knock(frame) { What::Reply(Some(frame.to_vec())) } else { What::Parts(Box::new(self.parts(frame, 0)?)) };
        Ok(Opening { what, now, kept: false })
    }

    /// The parts of a frame, so many of which are taken in.
    fn parts(&self, frame: &[u8], taken: usize) -> Result<Parts, ReplicaError> {
        let parts::Parts { answers, cut } = parts::decode(frame)?;
        let answers: Arc<[Answer]> = answers.into();
        let taken = taken.min(answers.len());
        let items = answers.iter().take(taken).map(|part| part.items.len()).sum();
        let ahead = Ahead::of(*self.gate(), &answers, items, self.threads());
        Ok(Parts { answers, cut, ahead, taken, items, stand: None, made: Made::Here })
    }
}

fn drop_kept(write: &mut Writing<'_>) -> Result<(), StoreError> {
    write.drop_received()?;
    write.drop_setting(SETTING_OPENED)
}
