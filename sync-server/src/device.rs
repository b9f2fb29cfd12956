//! Who is calling, when the caller is a device: its signature, its place in time, and that the request is not an old one.
//!
//! Belongs here: the decision over one signed request. Never here: HTTP (headers come in as texts) and what the device may
//! then do (`access`, `exchange`).
//!
//! A request is taken once: its time lies within [`WINDOW_MS`] of the server's, and its nonce was not used by this device
//! within that time. Nonces live in the scratch file, so that they outlast a restart; the scratch file is not synced to
//! disk at each commit, so after a power cut the last moments before it may be forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use roadbook_core::ids::{DeviceId, Ms};
use roadbook_core::signing::{PublicKey, Signed, parse_nonce};

use crate::accounts::{Accounts, AccountsError, Device, User};
use crate::clock::span::MINUTE_MS;
use crate::feed::Scratch;

/// How far the time of signing may be from the server's, either way, in milliseconds.
pub const WINDOW_MS: i64 = 5 * MINUTE_MS;
/// How long the body of a request may take from the moment at which its headers were there, in milliseconds. The request belongs to
/// that moment.
pub const BODY_MS_MAX: i64 = 15 * MINUTE_MS;
/// Nonces that fell out of the window are thrown away this often, in milliseconds.
const SWEEP_EVERY_MS: i64 = MINUTE_MS;

/// The four headers of a signed request, as they came.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    /// `roadbook-device`.
    pub device: &'a str,
    /// `roadbook-time`.
    pub time: &'a str,
    /// `roadbook-nonce`.
    pub nonce: &'a str,
    /// `roadbook-signature`.
    pub signature: &'a str,
}

/// The request that was signed.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Method.
    pub method: &'a str,
    /// Path with query.
    pub path: &'a str,
    /// Body.
    pub body: &'a [u8],
}

/// A device that proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The device.
    pub device: Device,
    /// The person it belongs to.
    pub user: User,
    /// What it may do at all.
    pub standing: Standing,
}

/// What a device that proved who it is may do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everything that its person may.
    Good,
    /// Hand in what it still has, into quarantine; it gets nothing. Its person was disabled, or it was revoked.
    DrainOnly,
}

impl Standing {
    /// How a person's device stands.
    #[must_use]
    pub const fn of(device: &Device, user: &User) -> Self {
        if device.revoked_at.is_some() || user.disabled { Self::DrainOnly } else { Self::Good }
    }
}

/// Why a request was not taken. All but [`Refusal::Time`] look alike from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A header is missing or malformed.
    Malformed,
    /// No such device.
    UnknownDevice,
    /// The signature is not this device's over this request.
    Signature,
    /// The time is too far from the server's: sign again with the server's time.
    Time,
    /// This very request was taken before.
    Replay,
}

/// Why the question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The account tables failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The scratch file failed.
    #[error("the nonces could not be read or written: {0}")]
    Scratch(#[from] crate::feed::FeedError),
}

/// Checks signed requests.
pub struct Doorkeeper {
    accounts: Accounts,
    scratch: Arc<Scratch>,
    swept_ms: AtomicI64,
}

impl Doorkeeper {
    /// A doorkeeper over these accounts; nonces are kept in `scratch`.
    #[must_use]
    pub fn new(accounts: Accounts, scratch: Arc<Scratch>) -> Self {
        Self { accounts, scratch, swept_ms: AtomicI64::new(0) }
    }

    /// Who sent this request.
    ///
    /// # Errors
    /// When a table cannot be read or written. A refusal is no error.
    pub fn identify(&self, now: Ms, headers: &Headers<'_>, envelope: &Envelope<'_>) -> Result<Result<Caller, Refusal>, DeviceError> {
        let Some((id, signed)) = read(headers, envelope) else { return Ok(Err(Refusal::Malformed)) };
        let Some(device) = self.accounts.device(id)? else { return Ok(Err(Refusal::UnknownDevice)) };
        let Some(key) = PublicKey::from_sec1(&device.key) else { return Ok(Err(Refusal::UnknownDevice)) };
        if !signed.is_signed_by(&key, headers.signature) {
            return Ok(Err(Refusal::Signature));
        }
        if let Err(refusal) = self.take_once(now, id, &signed)? {
            return Ok(Err(refusal));
        }
        let Some(user) = self.accounts.user(device.user)? else { return Ok(Err(Refusal::UnknownDevice)) };
        let standing = Standing::of(&device, &user);
        Ok(Ok(Caller { device, user, standing }))
    }

    /// Whether the headers alone are worth keeping a body for: they name a device that exists. Proves nothing.
    ///
    /// # Errors
    /// When a table cannot be read. A refusal is no error.
    pub fn knows(&self, headers: &Headers<'_>) -> Result<Result<(), Refusal>, DeviceError> {
        let Ok(device) = headers.device.parse::<DeviceId>() else { return Ok(Err(Refusal::Malformed)) };
        Ok(if self.accounts.device(device)?.is_some() { Ok(()) } else { Err(Refusal::UnknownDevice) })
    }

    /// Checks the request by which a device is enrolled: signed with the key that its body names.
    ///
    /// # Errors
    /// When a table cannot be read or written. A refusal is no error.
    pub fn check_newcomer(
        &self,
        now: Ms,
        headers: &Headers<'_>,
        envelope: &Envelope<'_>,
        key: &PublicKey,
    ) -> Result<Result<(), Refusal>, DeviceError> {
        let Some(signed) = read_parts(headers, envelope, None).filter(|_| headers.device == "-") else {
            return Ok(Err(Refusal::Malformed));
        };
        if !signed.is_signed_by(key, headers.signature) {
            return Ok(Err(Refusal::Signature));
        }
        // The code can be used once: a replay changes nothing and tells only what the first answer told.
        Ok(if near(now, signed.time) { Ok(()) } else { Err(Refusal::Time) })
    }

    fn take_once(&self, now: Ms, device: DeviceId, signed: &Signed<'_>) -> Result<Result<(), Refusal>, DeviceError> {
        if !near(now, signed.time) {
            return Ok(Err(Refusal::Time));
        }
        if now.0.saturating_sub(self.swept_ms.load(Ordering::Relaxed)) > SWEEP_EVERY_MS {
            self.swept_ms.store(now.0, Ordering::Relaxed);
            // A time is accepted up to a window ahead, so a nonce can matter for two windows, and for as long as the body of a copy that
            // began within them may take.
            self.scratch.forget_nonces(now.0.saturating_sub(2 * WINDOW_MS + BODY_MS_MAX))?;
        }
        Ok(if self.scratch.take_nonce(device, signed.nonce, now.0)? { Ok(()) } else { Err(Refusal::Replay) })
    }
}

fn near(now: Ms, time: Ms) -> bool {
    now.since(time).saturating_abs() <= WINDOW_MS
}

fn read<'a>(headers: &Headers<'_>, envelope: &Envelope<'a>) -> Option<(DeviceId, Signed<'a>)> {
    let device: DeviceId = headers.device.parse().ok()?;
    Some((device, read_parts(headers, envelope, Some(device))?))
}

fn read_parts<'a>(headers: &Headers<'_>, envelope: &Envelope<'a>, device: Option<DeviceId>) -> Option<Signed<'a>> {
    Some(Signed {
        method: envelope.method,
        path: envelope.path,
        device,
        time: Ms(headers.time.parse().ok()?),
        nonce: parse_nonce(headers.nonce)?,
        body: envelope.body,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::collections::BTreeSet;

    use roadbook_core::ids::UserId;
    use roadbook_core::signing::SoftwareKey;

    use super::*;
    use crate::access::Role;
    use crate::accounts::{NewUser, Who};

    struct World {
        _folder: tempfile::TempDir,
        accounts: Accounts,
        door: Doorkeeper,
        scratch_path: std::path::PathBuf,
        key: SoftwareKey,
        device: DeviceId,
    }

    const NOW: Ms = Ms(1_772_409_600_000);
    const BODY: &[u8] = b"frame";

    fn world() -> World {
        let (folder, accounts) = crate::accounts::testing::accounts();
        let new = NewUser {
            id: UserId::from_bytes([1; 16]),
            login: "wf".to_owned(),
            name: "王芳".to_owned(),
            role: Role::Salesperson,
            password: None,
            territories: BTreeSet::new(),
        };
        let user = accounts.add_user(NOW, &Who::shell(), &new).unwrap().id;
        let key = SoftwareKey::from_secret(&[5; 32]).unwrap();
        let code = accounts.issue_code(NOW, &Who::shell(), user).unwrap();
        let device = DeviceId::from_bytes([7; 16]);
        accounts.enroll_device(NOW, "", &code, device, &key.public().to_sec1(), "wf1").unwrap().unwrap();
        let scratch_path = folder.path().join("scratch.sqlite");
        let door = Doorkeeper::new(accounts.clone(), Arc::new(Scratch::open(&scratch_path).unwrap()));
        World { _folder: folder, accounts, door, scratch_path, key, device }
    }

    fn send(world: &World, door: &Doorkeeper, now: Ms, time: Ms, nonce: u8, body: &[u8]) -> Result<Standing, Refusal> {
        let signed = Signed { method: "POST", path: "/v1/sync", device: Some(world.device), time, nonce: [nonce; 16], body: BODY };
        let [device, time, nonce, signature] = signed.headers(&world.key.sign(&signed.text())).map(|(_, value)| value);
        let headers = Headers { device: &device, time: &time, nonce: &nonce, signature: &signature };
        door.identify(now, &headers, &Envelope { method: "POST", path: "/v1/sync", body }).unwrap().map(|caller| caller.standing)
    }

    #[test]
    fn a_request_is_taken_once_and_only_as_it_was_signed() {
        let world = world();
        assert_eq!(send(&world, &world.door, NOW, NOW, 1, BODY), Ok(Standing::Good));
        assert_eq!(send(&world, &world.door, NOW, NOW, 1, BODY), Err(Refusal::Replay));
        assert_eq!(send(&world, &world.door, NOW, NOW, 2, b"other"), Err(Refusal::Signature));
        assert_eq!(send(&world, &world.door, NOW, NOW, 2, BODY), Ok(Standing::Good), "a refused request uses no nonce up");
        let restarted = Doorkeeper::new(world.accounts.clone(), Arc::new(Scratch::open(&world.scratch_path).unwrap()));
        assert_eq!(send(&world, &restarted, NOW, NOW, 1, BODY), Err(Refusal::Replay), "a restart forgets nothing");
    }

    #[test]
    fn a_request_belongs_to_its_moment() {
        let world = world();
        for (late, wanted) in [
            (0, Ok(Standing::Good)),
            (WINDOW_MS, Ok(Standing::Good)),
            (WINDOW_MS + 1, Err(Refusal::Time)),
            (-WINDOW_MS, Ok(Standing::Good)),
            (-WINDOW_MS - 1, Err(Refusal::Time)),
            (i64::MIN, Err(Refusal::Time)),
        ] {
            let nonce = u8::try_from(late.rem_euclid(251)).unwrap();
            assert_eq!(send(&world, &world.door, NOW, Ms(NOW.0.saturating_sub(late)), nonce, BODY), wanted, "{late}");
        }
        // Signed a window ahead, replayed as late as it can be: the nonce is still known.
        assert_eq!(send(&world, &world.door, NOW, NOW.plus(WINDOW_MS), 99, BODY), Ok(Standing::Good));
        assert_eq!(send(&world, &world.door, NOW.plus(2 * WINDOW_MS), NOW.plus(WINDOW_MS), 99, BODY), Err(Refusal::Replay));
        // A copy that began within the window and ends its body as late as it can, after others made the old nonces go.
        let late = NOW.plus(2 * WINDOW_MS + BODY_MS_MAX);
        assert_eq!(send(&world, &world.door, late, late, 100, BODY), Ok(Standing::Good));
        assert_eq!(send(&world, &world.door, NOW.plus(2 * WINDOW_MS), NOW.plus(WINDOW_MS), 99, BODY), Err(Refusal::Replay));
    }

    #[test]
    fn a_revoked_device_and_a_disabled_person_may_only_drain() {
        let world = world();
        world.accounts.switch_user(NOW, &Who::shell(), UserId::from_bytes([1; 16]), true).unwrap();
        assert_eq!(send(&world, &world.door, NOW, NOW, 1, BODY), Ok(Standing::DrainOnly));
        world.accounts.switch_user(NOW, &Who::shell(), UserId::from_bytes([1; 16]), false).unwrap();
        world.accounts.revoke_device(NOW, &Who::shell(), world.device).unwrap();
        assert_eq!(send(&world, &world.door, NOW, NOW, 2, BODY), Ok(Standing::DrainOnly));
    }

    #[test]
    fn junk_in_headers_is_a_refusal() {
        let world = world();
        let good = Headers { device: &world.device.to_string(), time: "1772409600000", nonce: &"09".repeat(16), signature: "00" };
        let envelope = Envelope { method: "POST", path: "/v1/sync", body: BODY };
        let ask = |headers: &Headers<'_>| world.door.identify(NOW, headers, &envelope).unwrap().err();
        assert_eq!(ask(&good), Some(Refusal::Signature));
        assert_eq!(ask(&Headers { device: "x", ..good }), Some(Refusal::Malformed));
        assert_eq!(ask(&Headers { time: "1e9", ..good }), Some(Refusal::Malformed));
        assert_eq!(ask(&Headers { time: "99999999999999999999", ..good }), Some(Refusal::Malformed));
        assert_eq!(ask(&Headers { nonce: "0909", ..good }), Some(Refusal::Malformed));
        assert_eq!(ask(&Headers { device: &DeviceId::from_bytes([8; 16]).to_string(), ..good }), Some(Refusal::UnknownDevice));
    }
}
