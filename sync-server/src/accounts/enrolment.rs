//! One-time codes by which a device is enrolled: issued for a person, good for a day, good for one device.
//!
//! The code is 80 random bits, written as four groups of four characters of Crockford's base 32. Only its SHA-256 is
//! stored, and looked up by, so that the time of an attempt tells nothing. The same code with the same key gives the same device again (the first answer may have been lost).

use std::fmt;

use roadbook_core::ids::{DeviceId, Ms, UserId};
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::audit::{self, Act, Who};
use super::{Accounts, AccountsError, NAME_CHARS_MAX, checked_text, user_column};
use crate::clock::{random, span::DAY_MS};

/// How long a code is good, in milliseconds.
pub const CODE_LIFE_MS: i64 = DAY_MS;

/// How many characters a code has, dashes not counted: 16 × 5 bits.
const CODE_CHARS: usize = 16;

/// Crockford's base 32: no I, L, O, U.
const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M', 'N', 'P', 'Q', 'R', 'S', 'T',
    'V', 'W', 'X', 'Y', 'Z',
];

/// A code in clear, shown once to the person who issued it. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentCode(String);

impl EnrolmentCode {
    fn from_bytes(bytes: [u8; 10]) -> Self {
        let mut bits = bytes.iter().fold(0_u128, |all, byte| (all << 8) | u128::from(*byte));
        let mut characters = Vec::with_capacity(CODE_CHARS);
        for _ in 0..CODE_CHARS {
            let index = usize::try_from(bits & 31).unwrap_or(0);
            characters.push(ALPHABET.get(index).copied().unwrap_or('0'));
            bits >>= 5;
        }
        Self(characters.into_iter().collect())
    }

    /// Reads what a person typed: case, dashes and spaces do not matter, O is 0, I and L are 1.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let mut code = String::with_capacity(CODE_CHARS);
        for character in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let plain = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            if !ALPHABET.contains(&plain) || code.len() >= CODE_CHARS {
                return None;
            }
            code.push(plain);
        }
        (code.len() == CODE_CHARS).then_some(Self(code))
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Display for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, character) in self.0.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{character}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentCode(…)")
    }
}

/// Why a device was not enrolled. An unknown, used or expired code and a disabled person look alike from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolmentRefusal {
    /// No such code.
    Unknown,
    /// Another device used it.
    Used,
    /// Its day is over.
    Expired,
    /// The person was disabled meanwhile.
    Disabled,
    /// The key belongs to a device already enrolled by another code.
    KeyTaken,
    /// The device of this code was revoked.
    Revoked,
}

impl EnrolmentRefusal {
    /// The word for the audit log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
            Self::KeyTaken => "key-taken",
            Self::Revoked => "revoked",
        }
    }
}

impl Accounts {
    /// Issues a code for a person. The clear text exists only in the returned value.
    ///
    /// # Errors
    /// An unknown user, no randomness, or the database.
    pub fn issue_code(&self, now: Ms, who: &Who, user: UserId) -> Result<EnrolmentCode, AccountsError> {
        let code = EnrolmentCode::from_bytes(random()?);
        if self.user(user)?.is_none() {
            return Err(AccountsError::NoUser(user.to_string()));
        }
        self.database.write(|tx| {
            tx.execute("DELETE FROM enrolment WHERE expires_ms < ?1", [now.0.saturating_sub(CODE_LIFE_MS)])?;
            tx.execute(
                "INSERT INTO enrolment (code, user, issued_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)",
                params![code.hash().as_slice(), user.as_bytes(), now.0, now.0.saturating_add(CODE_LIFE_MS)],
            )?;
            audit::append(tx, now, who, Act::CodeIssued, &user.to_string())?;
            Ok::<_, AccountsError>(())
        })?;
        Ok(code)
    }

    /// Enrols a device: checks the code and uses it up, in one transaction, so that of two devices that race one wins.
    /// `id` is the id that the device gets; a repeated call with the same code and key returns the first one.
    ///
    /// # Errors
    /// A bad name, or the database.
    pub fn enroll_device(
        &self,
        now: Ms,
        address: &str,
        code: &EnrolmentCode,
        id: DeviceId,
        key: &[u8],
        name: &str,
    ) -> Result<Result<(DeviceId, UserId), EnrolmentRefusal>, AccountsError> {
        let name = checked_text("a device name", name, NAME_CHARS_MAX)?;
        self.database.write(|tx| {
            let outcome = redeem(tx, now, code, key)?;
            match outcome {
                Ok(Redeemed { user, device: Some(device) }) => Ok(Ok((device, user))),
                Ok(Redeemed { user, device: None }) => {
                    tx.execute(
                        "INSERT INTO device (id, user, key, name, enrolled_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![id.as_bytes(), user.as_bytes(), key, name, now.0],
                    )?;
                    tx.execute("UPDATE enrolment SET device = ?2 WHERE code = ?1", params![code.hash().as_slice(), id.as_bytes()])?;
                    audit::append(tx, now, &Who::device(user, id, address), Act::DeviceEnrolled, &id.to_string())?;
                    Ok(Ok((id, user)))
                }
                Err(refusal) => {
                    let who = Who { address: address.to_owned(), ..Who::default() };
                    audit::append(tx, now, &who, Act::EnrolmentRefused, refusal.code())?;
                    Ok(Err(refusal))
                }
            }
        })
    }
}

struct Redeemed {
    user: UserId,
    /// The device that this very code and key were already given.
    device: Option<DeviceId>,
}

/// The decision. It changes nothing.
fn redeem(tx: &Transaction<'_>, now: Ms, code: &EnrolmentCode, key: &[u8]) -> Result<Result<Redeemed, EnrolmentRefusal>, AccountsError> {
    let row: Option<(UserId, i64, Vec<u8>)> = tx
        .prepare_cached("SELECT user, expires_ms, device FROM enrolment WHERE code = ?1")?
        .query_row([code.hash().as_slice()], |row| Ok((user_column(row, 0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((user, expires_ms, used_by)) = row else { return Ok(Err(EnrolmentRefusal::Unknown)) };
    let holder: Option<(Vec<u8>, i64)> = tx
        .prepare_cached("SELECT id, revoked_ms FROM device WHERE key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let disabled = super::users::user_where(tx, "id = ?1", user.as_bytes())?.is_none_or(|user| user.disabled);
    if disabled {
        return Ok(Err(EnrolmentRefusal::Disabled));
    }
    if now.0 > expires_ms {
        return Ok(Err(EnrolmentRefusal::Expired));
    }
    Ok(match (<[u8; 16]>::try_from(used_by).ok(), holder) {
        (Some(device), Some((holder, revoked_ms))) if holder == device => {
            if revoked_ms == 0 {
                Ok(Redeemed { user, device: Some(DeviceId::from_bytes(device)) })
            } else {
                Err(EnrolmentRefusal::Revoked)
            }
        }
        (Some(_), _) => Err(EnrolmentRefusal::Used),
        (None, Some(_)) => Err(EnrolmentRefusal::KeyTaken),
        (None, None) => Ok(Redeemed { user, device: None }),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;

    use super::super::testing::accounts;
    use super::super::{Accounts, NewUser};
    use super::*;
    use crate::access::Role;

    fn user(accounts: &Accounts) -> UserId {
        let new = NewUser {
            id: UserId::from_bytes([1; 16]),
            login: "wf".to_owned(),
            name: "王芳".to_owned(),
            role: Role::Salesperson,
            password: None,
            territories: BTreeSet::new(),
        };
        accounts.add_user(Ms(1), &Who::shell(), &new).unwrap().id
    }

    fn device(n: u8) -> DeviceId {
        DeviceId::from_bytes([n; 16])
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = EnrolmentCode::from_bytes([0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0x01, 0x23]);
        let shown = code.to_string();
        assert_eq!(shown.len(), 19);
        assert_eq!(EnrolmentCode::parse(&shown).unwrap(), code);
        assert_eq!(EnrolmentCode::parse(&shown.to_lowercase().replace('-', " ").replace('0', "o")).unwrap(), code);
        for bad in ["", "ABCD", &shown[1..], &format!("{shown}A"), "ABCD-ABCD-ABCD-ABC!"] {
            assert!(EnrolmentCode::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{code:?}"), "EnrolmentCode(…)");
    }

    #[test]
    fn a_code_enrols_one_device_and_repeats_its_answer() {
        let (_folder, accounts) = accounts();
        let user = user(&accounts);
        let code = accounts.issue_code(Ms(10), &Who::shell(), user).unwrap();
        let enroll = |now, id, key: &[u8]| accounts.enroll_device(Ms(now), "here", &code, device(id), key, "wf1").unwrap();
        assert_eq!(enroll(11, 1, b"key-1"), Ok((device(1), user)));
        assert_eq!(enroll(12, 2, b"key-1"), Ok((device(1), user)), "the first answer was lost");
        assert_eq!(enroll(13, 3, b"key-3"), Err(EnrolmentRefusal::Used));
        let second = accounts.issue_code(Ms(14), &Who::shell(), user).unwrap();
        let taken = accounts.enroll_device(Ms(15), "here", &second, device(4), b"key-1", "x").unwrap();
        assert_eq!(taken, Err(EnrolmentRefusal::KeyTaken));
        accounts.revoke_device(Ms(16), &Who::shell(), device(1)).unwrap();
        assert_eq!(enroll(17, 5, b"key-1"), Err(EnrolmentRefusal::Revoked));
        assert_eq!(accounts.devices().unwrap().len(), 1);
    }

    #[test]
    fn a_code_dies_with_its_day_and_with_its_person() {
        let (_folder, accounts) = accounts();
        let user = user(&accounts);
        let old = accounts.issue_code(Ms(0), &Who::shell(), user).unwrap();
        let late = accounts.enroll_device(Ms(CODE_LIFE_MS + 1), "", &old, device(1), b"k", "x").unwrap();
        assert_eq!(late, Err(EnrolmentRefusal::Expired));
        let fresh = accounts.issue_code(Ms(5), &Who::shell(), user).unwrap();
        accounts.switch_user(Ms(6), &Who::shell(), user, true).unwrap();
        let gone = accounts.enroll_device(Ms(7), "", &fresh, device(1), b"k", "x").unwrap();
        assert_eq!(gone, Err(EnrolmentRefusal::Disabled));
        let unknown = EnrolmentCode::from_bytes([7; 10]);
        let refused = accounts.enroll_device(Ms(7), "", &unknown, device(1), b"k", "x").unwrap();
        assert_eq!(refused, Err(EnrolmentRefusal::Unknown));
        assert!(accounts.devices().unwrap().is_empty());
    }

    #[test]
    fn of_fifty_devices_racing_for_one_code_exactly_one_wins() {
        let (_folder, accounts) = accounts();
        let user = user(&accounts);
        let code = accounts.issue_code(Ms(10), &Who::shell(), user).unwrap();
        let start = Barrier::new(50);
        let won = std::thread::scope(|scope| {
            let (start, accounts, code) = (&start, &accounts, &code);
            let racers: Vec<_> = (0..50_u8)
                .map(|n| {
                    scope.spawn(move || {
                        start.wait();
                        accounts.enroll_device(Ms(11), "", code, device(n), &[n; 33], "x").unwrap().is_ok()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!((won, accounts.devices().unwrap().len()), (1, 1));
        let acts = |code: &str| accounts.audit_rows(100).unwrap().iter().filter(|row| row.act == code).count();
        assert_eq!((acts("device-enrolled"), acts("enrolment-refused")), (1, 49), "each of them has its line");
    }
}
