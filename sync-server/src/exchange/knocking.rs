//! Devices at rest that say what they said before: the last such request of each is remembered, and a knock is answered as it
//! would be, by the rights of now. In memory: forgetting one costs a device one more turn of the line.

use std::collections::BTreeMap;
use std::sync::Mutex;

use roadbook_core::exchange::knock::{Knock, Reply};
use roadbook_core::exchange::{Answer, Request, SPEAKS_KNOCKS};
use roadbook_core::ids::{DeviceId, Ms};

use super::{Answered, Exchange, ExchangeError, held};
use crate::device::{Caller, Standing};
use crate::headquarters::Changed;

/// A device at rest is left where it stands for so many entries of the feed that are not for it, so that it can knock: the next one
/// looks through them again.
pub const BEHIND_MAX: u64 = 1_000;

/// The last request of each device at rest, as CBOR under its print: at most `REMEMBERED_BYTES_MAX` for each enrolled device.
pub(super) type Remembered = Mutex<BTreeMap<DeviceId, (u64, Box<[u8]>)>>;

/// What a knock hears.
#[derive(Debug)]
pub enum Knocked {
    /// A few bytes.
    Reply(Reply),
    /// Something is new: as the request that it stands for.
    Answered(Answered),
}

impl Exchange {
    /// Answers a knock of a device that proved who it is, and says which documents changed by it.
    ///
    /// # Errors
    /// [`ExchangeError`]; the device then knocks again.
    pub fn knock(&self, now: Ms, caller: &Caller, knock: &Knock) -> Result<(Knocked, Vec<Changed>), ExchangeError> {
        let remembered = held(&self.remembered).get(&caller.device.id).filter(|(print, _)| *print == knock.print).cloned();
        let request = remembered.and_then(|(_, bytes)| minicbor::decode::<Request>(&bytes).ok());
        // Who may only hand in is told so when it says what it has.
        let Some(request) = request.filter(|_| caller.standing == Standing::Good) else {
            return Ok((Knocked::Reply(Reply::InFull), Vec::new()));
        };
        let request = Request { now: knock.now, ..request };
        let (answered, changed) = self.answer(now, caller, &request)?;
        let nothing = match &answered {
            Answered::Answer(parts) => matches!(parts.list(), [only] if only.is_nothing(&request, 0)),
            Answered::Gone => false,
        };
        Ok((if nothing { Knocked::Reply(Reply::Nothing { now }) } else { Knocked::Answered(answered) }, changed))
    }

    /// Remembers a request to which there is nothing to say. The device is then left where it stands, unless that is far behind or keeps
    /// it naming what it holds.
    pub(super) fn remember(&self, request: &Request, answer: &mut Answer) {
        let naming = request.pull.as_ref().is_some_and(|pull| pull.holds.is_some());
        if request.speaks() < SPEAKS_KNOCKS || naming || !answer.is_nothing(request, BEHIND_MAX) {
            return;
        }
        let (Some((print, bytes)), Some(cursor)) = (request.remembered(), request.cursor) else { return };
        held(&self.remembered).insert(request.device, (print, bytes.into()));
        (answer.cursor, answer.knock) = (cursor, Some(print));
    }
}
