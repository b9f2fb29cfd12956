//! A phone without a phone: a device in a folder, acting as any enrolled phone does, offline until it is told to sync.
//!
//! Belongs here: the folder (replica, key, address of headquarters) and moving bytes over HTTP. Never here: what a phone can do
//! with its documents (core's `Replica`), words on a screen (`cli::phone`).
//!
//! ```text
//! phone.sqlite   the replica; its photos, encrypted, in phone.sqlite-photos/
//! device.key     32 secret bytes, readable by the owner alone
//! phone.json     address of headquarters, device, person
//! ```

mod transport;

use std::path::{Path, PathBuf};

use roadbook_core::blobs::exchange::{BlobStep, BlobsDone, Link};
use roadbook_core::blobs::wire::BLOBS_PATH;
use roadbook_core::exchange::knock::is_knock;
use roadbook_core::exchange::{Profile, WireError};
use roadbook_core::ids::{BlobHash, DeviceId, DocId, Ms, UserId};
use roadbook_core::replica::{Replica, ReplicaError, Stamp, Start};
use roadbook_core::signing::{ENROL_PATH, EnrolAnswer, EnrolRequest, SYNC_PATH, SoftwareKey};
use roadbook_core::store::{OpenOptions, SetAside, StoreKey};
use roadbook_core::sync::{Opening, Synced};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, NoEntropy, random};
pub use transport::TransportError;
use transport::{Line, Sending};

const REPLICA_FILE: &str = "phone.sqlite";
const KEY_FILE: &str = "device.key";
const STATE_FILE: &str = "phone.json";
/// Exchanges after which a sync gives up: a first sync of a large territory takes some tens.
const TURNS_MAX: usize = 1_000;
/// Steps after which handing photos in pauses: at 256 KiB each, some gigabytes.
const PHOTO_STEPS_MAX: usize = 20_000;
/// What headquarters shows as this device's app.
const APP: &str = concat!("roadbook-server phone ", env!("CARGO_PKG_VERSION"));

/// Why a phone could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The folder holds no phone.
    #[error("{0} holds no phone; enrol one with `roadbook-server phone --folder {0} enroll URL CODE`")]
    NoPhone(PathBuf),
    /// The folder holds one already.
    #[error("{0} holds a phone already; choose another folder, one device is one folder")]
    PhoneThere(PathBuf),
    /// A file of the folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the folder is not what it should be.
    #[error("{0} is damaged; what the phone recorded is in {REPLICA_FILE} beside it")]
    Damaged(PathBuf),
    /// The replica refused.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The network or headquarters refused.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The answer is no frame.
    #[error("headquarters' answer cannot be read: {0}")]
    Answer(#[from] WireError),
    /// No randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// An endless sync.
    #[error("headquarters still had more after {TURNS_MAX} exchanges; sync again")]
    Endless,
}

/// What a phone is opened with beside its folder.
#[derive(Debug, Clone, Default)]
pub struct With {
    /// The key under which its file is; `None`: not encrypted.
    pub storage_key: Option<StoreKey>,
    /// At enrolment: PEM of the certificate that headquarters' must be signed by, when it is not one that browsers trust. Kept.
    pub authority: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authority: Option<String>,
    device: DeviceId,
    user: UserId,
}

/// A device in a folder.
pub struct Phone {
    replica: Replica,
    key: SoftwareKey,
    state: State,
    line: Line,
    clock: Clock,
    set_aside: Option<SetAside>,
    folder: PathBuf,
}

impl Phone {
    /// Enrols a new device into an empty folder and leaves it there, not yet synced.
    ///
    /// # Errors
    /// [`PhoneError`]; the folder then holds no phone.
    pub fn enroll(folder: &Path, server: &str, code: &str, name: &str, clock: Clock) -> Result<Self, PhoneError> {
        Self::enroll_with(folder, server, code, name, clock, With::default())
    }

    /// As [`Self::enroll`], with a key for its file or an authority of the company's own.
    ///
    /// # Errors
    /// As [`Self::enroll`].
    pub fn enroll_with(folder: &Path, server: &str, code: &str, name: &str, clock: Clock, with: With) -> Result<Self, PhoneError> {
        if folder.join(STATE_FILE).exists() {
            return Err(PhoneError::PhoneThere(folder.to_owned()));
        }
        std::fs::create_dir_all(folder).map_err(|source| PhoneError::File { path: folder.to_owned(), source })?;
        let (secret, key) = new_key()?;
        let server = server.trim_end_matches('/').to_owned();
        let body = EnrolRequest { code: code.to_owned(), key: key.public().to_sec1().into(), name: name.to_owned() }.encode();
        let line = Line::new(&server, with.authority.as_deref().map(str::as_bytes))?;
        let answer = line.post(&Sending { path: ENROL_PATH, device: None, key: &key, body: &body, now: clock.now() })?;
        let answer = EnrolAnswer::decode(&answer)?;
        write_owned(&folder.join(KEY_FILE), &secret)?;
        let state = State { server, authority: with.authority, device: answer.device, user: answer.profile.user };
        let text = serde_json::to_vec_pretty(&state).map_err(|_| PhoneError::Damaged(folder.join(STATE_FILE)))?;
        let mut phone = Self::assemble(folder, key, state, clock, with.storage_key.as_ref())?;
        phone.replica.enrolled(answer.device, &answer.profile)?;
        // Last: with this file the folder holds a phone.
        let path = folder.join(STATE_FILE);
        std::fs::write(&path, text).map_err(|source| PhoneError::File { path, source })?;
        Ok(phone)
    }

    /// Opens the phone of a folder.
    ///
    /// # Errors
    /// [`PhoneError`].
    pub fn open(folder: &Path, clock: Clock) -> Result<Self, PhoneError> {
        Self::open_with(folder, clock, None)
    }

    /// As [`Self::open`], under the key of its file.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(folder: &Path, clock: Clock, storage_key: Option<&StoreKey>) -> Result<Self, PhoneError> {
        let path = folder.join(STATE_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(PhoneError::NoPhone(folder.to_owned())),
            Err(source) => return Err(PhoneError::File { path, source }),
        };
        let state: State = serde_json::from_slice(&text).map_err(|_| PhoneError::Damaged(path))?;
        let path = folder.join(KEY_FILE);
        let secret = std::fs::read(&path).map_err(|source| PhoneError::File { path: path.clone(), source })?;
        let key = secret.as_slice().try_into().ok().and_then(SoftwareKey::from_secret).ok_or(PhoneError::Damaged(path))?;
        Self::assemble(folder, key, state, clock, storage_key)
    }

    fn assemble(folder: &Path, key: SoftwareKey, state: State, clock: Clock, storage_key: Option<&StoreKey>) -> Result<Self, PhoneError> {
        let start = Start { open: OpenOptions::phone(clock.now()).under(storage_key), process: random()? };
        let (mut replica, set_aside) = Replica::open(&folder.join(REPLICA_FILE), &start)?;
        replica.lend_threads(std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1));
        let line = Line::new(&state.server, state.authority.as_deref().map(str::as_bytes))?;
        let folder = folder.to_owned();
        Ok(Self { replica, key, line, state, clock, set_aside, folder })
    }

    /// What it holds.
    #[must_use]
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }
    /// What it holds, to write.
    pub const fn replica_mut(&mut self) -> &mut Replica {
        &mut self.replica
    }
    /// The person.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.state.user
    }
    /// The device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.state.device
    }
    /// Address of headquarters.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.state.server
    }
    /// Its clock.
    #[must_use]
    pub fn now(&self) -> Ms {
        self.clock.now()
    }
    /// A damaged file that was found and moved aside when the phone was opened: tell the person.
    #[must_use]
    pub const fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }
    /// What headquarters told of the person.
    ///
    /// # Errors
    /// [`PhoneError::Replica`].
    pub fn profile(&self) -> Result<Option<Profile>, PhoneError> {
        Ok(self.replica.profile()?)
    }
    /// A stamp for one write.
    ///
    /// # Errors
    /// [`PhoneError::NoEntropy`].
    pub fn stamp(&self) -> Result<Stamp, PhoneError> {
        Ok(Stamp { author: self.state.user, now: self.clock.now(), entropy: random()? })
    }

    /// Exchanges until neither side has more. What was exchanged before a failure stays exchanged.
    ///
    /// # Errors
    /// [`PhoneError::Transport`] when there is no network or headquarters refuses, [`PhoneError::Replica`].
    pub fn sync(&mut self) -> Result<Vec<Synced>, PhoneError> {
        let mut turns = Vec::new();
        for _ in 0..TURNS_MAX {
            let synced = self.exchange()?;
            let more = synced.more;
            turns.push(synced);
            if !more {
                return Ok(turns);
            }
        }
        Err(PhoneError::Endless)
    }

    /// Hands photos in until nothing is left to do now: text goes first, and on a metered line photos wait.
    ///
    /// # Errors
    /// As [`Self::sync`]; what was handed in before a failure stays so.
    pub fn sync_photos(&mut self, metered: bool) -> Result<Vec<BlobsDone>, PhoneError> {
        let mut steps = Vec::new();
        while steps.len() < PHOTO_STEPS_MAX {
            let step = self.replica.blob_step(self.clock.now(), Link { metered })?;
            let BlobStep::Send(body) = step else { break };
            steps.push(self.about_photos(&body)?);
        }
        Ok(steps)
    }

    /// Fetches a photo that a visit names and returns its bytes.
    ///
    /// # Errors
    /// As [`Self::sync`]; when headquarters does not give it, [`PhoneError::Replica`] says that it is not here.
    pub fn fetch_photo(&mut self, visit: DocId, hash: BlobHash) -> Result<Vec<u8>, PhoneError> {
        loop {
            let stamp = self.stamp()?;
            let Some(body) = self.replica.fetch_step(&stamp, visit, hash)? else { break };
            let done = self.about_photos(&body)?;
            if done.chunks == 0 {
                break;
            }
        }
        Ok(self.replica.photo_bytes(hash)?)
    }

    fn about_photos(&mut self, body: &[u8]) -> Result<BlobsDone, PhoneError> {
        let sending = Sending { path: BLOBS_PATH, device: Some(self.state.device), key: &self.key, body, now: self.clock.now() };
        let answer = self.line.post(&sending)?;
        Ok(self.replica.take_blob_answer(&answer, self.clock.now())?)
    }

    /// One exchange.
    ///
    /// # Errors
    /// As [`Self::sync`].
    pub fn exchange(&mut self) -> Result<Synced, PhoneError> {
        // What came before the last process ended.
        let mut done = match self.replica.received()? {
            Some(opening) => self.take_in(opening)?,
            None => Synced::default(),
        };
        if !done.wiped {
            let opening = self.receive()?;
            done.add(self.take_in(opening)?);
        }
        Ok(done)
    }

    /// The first half of an exchange: asks headquarters; a long answer is in the file when this returns. [`Self::take_in`] is the other.
    ///
    /// # Errors
    /// As [`Self::sync`].
    pub fn receive(&mut self) -> Result<Opening, PhoneError> {
        let frame = self.replica.sync_frame(self.clock.now(), Some(APP))?;
        let answer = match self.post_sync(&frame) {
            // Headquarters of an older release: it knows no knocks.
            Err(PhoneError::Transport(TransportError::Refused { status: 400 | 401, .. } | TransportError::UpdateNeeded { .. }))
                if is_knock(&frame) =>
            {
                self.replica.knock_in_vain()?;
                self.post_sync(&self.replica.sync_request(self.clock.now(), Some(APP))?)?
            }
            answered => answered?,
        };
        match self.replica.receive(&answer, self.clock.now()) {
            // Not even the first part came whole.
            Err(ReplicaError::Wire(WireError::Stream(error))) => Err(TransportError::Unreachable(error.to_string()).into()),
            received => Ok(received?),
        }
    }

    /// Takes in what [`Self::receive`] brought.
    ///
    /// # Errors
    /// As [`Self::sync`].
    pub fn take_in(&mut self, opening: Opening) -> Result<Synced, PhoneError> {
        let synced = self.replica.open_rest(opening)?;
        if synced.wiped {
            for name in [KEY_FILE, STATE_FILE] {
                let path = self.folder.join(name);
                std::fs::remove_file(&path).map_err(|source| PhoneError::File { path, source })?;
            }
        }
        Ok(synced)
    }

    fn post_sync(&self, body: &[u8]) -> Result<Vec<u8>, PhoneError> {
        let sending = Sending { path: SYNC_PATH, device: Some(self.state.device), key: &self.key, body, now: self.clock.now() };
        Ok(self.line.post(&sending)?)
    }

    /// What waits and the phone of this meeting may hold, signed: how many changes, and the bytes. `None` when there is nothing.
    ///
    /// # Errors
    /// [`PhoneError::Replica`].
    pub fn carry_out(&self, meeting: &[u8]) -> Result<Option<(usize, Vec<u8>)>, PhoneError> {
        let batch = self.replica.carry_out(meeting, self.clock.now())?;
        Ok(batch
            .map(|batch| (batch.changes, self.key.sign(&batch.text), batch))
            .map(|(changes, signature, batch)| (changes, batch.signed(signature))))
    }
}

fn new_key() -> Result<([u8; 32], SoftwareKey), PhoneError> {
    loop {
        let secret: [u8; 32] = random()?;
        if let Some(key) = SoftwareKey::from_secret(&secret) {
            return Ok((secret, key));
        }
    }
}

/// Writes a new file that its owner alone may read.
pub(crate) fn write_owned(path: &Path, secret: &[u8]) -> Result<(), PhoneError> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(secret).and_then(|()| file.sync_all()));
    written.map_err(|source| PhoneError::File { path: path.to_owned(), source })
}
