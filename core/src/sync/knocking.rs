//! A device at rest that would say what it said before knocks instead: see `exchange::knock`.

use super::Synced;
use super::ahead::Ahead;
use super::stand::Made;
use crate::exchange::knock::{Knock, Reply};
use crate::exchange::{Answer, Checkpoint, Cursor};
use crate::ids::Ms;
use crate::replica::{Replica, ReplicaError};
use crate::store::{StoreError, Writing};

/// Setting: print of the request that headquarters said it remembers, 8 bytes, big-endian.
const SETTING_KNOCK: &str = "pull/knock";

impl Replica {
    /// The frame to send to `POST /v1/sync`: a knock when headquarters remembers what there is to say, else [`Self::sync_request`]. What
    /// comes back goes to [`Self::sync_answer`].
    ///
    /// # Errors
    /// As [`Self::sync_request`].
    pub fn sync_frame(&self, now: Ms, app: Option<&str>) -> Result<Vec<u8>, ReplicaError> {
        let request = self.request(now, app)?;
        if let Some(told) = self.store().read(|read| read.setting(SETTING_KNOCK))?
            && let Some((print, _)) = request.remembered().filter(|(print, _)| print.to_be_bytes() == *told)
        {
            return Ok(Knock { print, now }.encode());
        }
        Ok(request.encode()?)
    }

    /// A knock was refused: what is to be said is said in full from now on. False when nothing was remembered.
    ///
    /// # Errors
    /// [`ReplicaError::Store`].
    pub fn knock_in_vain(&mut self) -> Result<bool, ReplicaError> {
        let knocked = self.store().read(|read| read.setting(SETTING_KNOCK))?.is_some();
        if knocked {
            self.store_mut().write(|write| write.drop_setting(SETTING_KNOCK))?;
        }
        Ok(knocked)
    }

    /// Takes the reply to a knock.
    pub(super) fn take_reply(&mut self, frame: &[u8], now: Ms) -> Result<Synced, ReplicaError> {
        let theirs = match Reply::decode(frame)? {
            Reply::Nothing { now } => now,
            Reply::InFull => {
                self.knock_in_vain()?;
                return Ok(Synced { more: true, ..Synced::default() });
            }
        };
        // As an answer without anything in it, for wherever the device stands: it moves nothing, even when it comes late.
        let at = self.store().read(|read| read.pull_position())?;
        let checkpoint = at.checkpoint.map(|at| Checkpoint { base: at.base, upto: at.upto });
        let nothing = Answer { checkpoint, ..Answer::empty(theirs, Cursor { epoch: at.epoch, number: at.number }) };
        self.take_part(&nothing, Made::Here, now, &mut Ahead::none(*self.gate()), None)
    }
}

/// Headquarters remembers a request.
pub(super) fn note(write: &mut Writing<'_>, answer: &Answer) -> Result<(), StoreError> {
    let Some(print) = answer.knock.map(u64::to_be_bytes) else { return Ok(()) };
    if write.setting(SETTING_KNOCK)?.is_some_and(|known| known == print) {
        return Ok(());
    }
    write.put_setting(SETTING_KNOCK, &print)
}
