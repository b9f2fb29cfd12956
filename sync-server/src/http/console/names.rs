//! Names of people and devices for what is shown: ids are in the documents, names in the account tables.

use std::cell::RefCell;
use std::collections::BTreeMap;

use roadbook_core::ids::{ActorId, DeviceId, UserId};
use serde::Serialize;

use crate::accounts::Accounts;
use crate::duties::SYSTEM;
use crate::feed::Feed;
use crate::http::Error;

/// Somebody or something with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
}

/// Names, read once for one answer.
pub(super) struct Names<'a> {
    users: BTreeMap<UserId, String>,
    devices: BTreeMap<DeviceId, String>,
    feed: &'a dyn Feed,
    /// An actor is looked up once: a card has a handful of them and hundreds of assertions.
    actors: RefCell<BTreeMap<ActorId, Option<DeviceId>>>,
}

impl<'a> Names<'a> {
    pub(super) fn read(accounts: &Accounts, feed: &'a dyn Feed) -> Result<Self, Error> {
        let users = accounts.users()?.into_iter().map(|user| (user.id, user.name)).collect();
        let devices = accounts.devices()?.into_iter().map(|device| (device.id, device.name)).collect();
        Ok(Self { users, devices, feed, actors: RefCell::default() })
    }

    /// A person; one who is not known any more is shown by the beginning of their id.
    pub(super) fn person(&self, user: UserId) -> Named {
        let id = user.to_string();
        let name = self.users.get(&user).cloned().unwrap_or_else(|| id.chars().take(8).collect());
        Named { id, name }
    }

    /// Whoever wrote something; `None` for what nobody in person did.
    pub(super) fn author(&self, author: Option<UserId>) -> Option<Named> {
        author.filter(|author| *author != SYSTEM).map(|author| self.person(author))
    }

    pub(super) fn device(&self, device: DeviceId) -> Named {
        let id = device.to_string();
        let name = self.devices.get(&device).cloned().unwrap_or_else(|| id.chars().take(8).collect());
        Named { id, name }
    }

    /// The device behind an actor in hexadecimal, as operations are named; `None` for headquarters and for one never seen.
    pub(super) fn device_of_actor(&self, hex: &str) -> Option<Named> {
        let actor = ActorId::from_slice(&bytes_of_hex(hex)?)?;
        let known = self.actors.borrow().get(&actor).copied();
        let device = match known {
            Some(device) => device,
            None => {
                // A name that cannot be looked up is left out: the value it stands beside is what matters.
                let device = self.feed.actor(&actor).ok().flatten().and_then(|binding| binding.device);
                self.actors.borrow_mut().insert(actor, device);
                device
            }
        };
        device.map(|device| self.device(device))
    }
}

/// Bytes from hexadecimal digits; `None` for anything else.
pub(super) fn bytes_of_hex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<Vec<u8>>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// Hexadecimal digits of bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_there_and_back_and_refuses_the_rest() {
        for bytes in [vec![], vec![0], vec![0xff, 0x01, 0x80]] {
            assert_eq!(bytes_of_hex(&hex(&bytes)), Some(bytes));
        }
        for odd in ["f", "zz", "0x", "ａａ", "a b "] {
            assert_eq!(bytes_of_hex(odd), None, "{odd}");
        }
    }
}
