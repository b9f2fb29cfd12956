//! What an app carries between this library and headquarters: requests out, answers in. The app moves them with its platform's own HTTP
//! stack, in the background too; what they mean is the core's (`roadbook_core::{signing, sync}`).

use roadbook_core::exchange::{Ruling, WIRE_VERSION};
use roadbook_core::ids::{ChangeHash, DeviceId, Ms, SubjectId, UserId};
use roadbook_core::replica::{Claimed, Replica};
use roadbook_core::signing::{ENROL_PATH, EnrolAnswer, EnrolRequest, NEWS_PATH, PublicKey, SYNC_PATH, Signed};
use roadbook_core::store::{Notice, OwnChange, Standing, StoreError};
use roadbook_core::sync::{Opening, Synced as Taken};

use crate::book::{Alone, Roadbook};
use crate::edge;
use crate::error::RoadbookError;
use crate::key::KeyError;

/// A clock that is off by less than this is not why a request was refused, in milliseconds.
const CLOCK_TOLERATED_MS: i64 = 1_000;
/// Longest text of a refusal that is passed on, in characters.
const WHY_CHARS_MAX: usize = 300;
/// Most bytes of a refusal that are looked at.
const WHY_BYTES_MAX: usize = 4 << 10;

/// An HTTP request, complete but for the address of headquarters. Send it as it is, once: making a new one costs nothing.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Outgoing {
    /// `GET` or `POST`.
    pub method: String,
    /// Path, to be appended to the address.
    pub path: String,
    /// Headers; they carry the signature.
    pub headers: Vec<Header>,
    /// Body; empty for `GET`.
    pub body: Vec<u8>,
}

/// One header of a request.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Header {
    /// Name, lower case.
    pub name: String,
    /// Value, ASCII.
    pub value: String,
}

/// What arrived for an [`Outgoing`].
#[derive(Debug, Clone, uniffi::Record)]
pub struct Arrived {
    /// HTTP status.
    pub status: u16,
    /// Value of header `roadbook-time`, if there is one.
    pub time: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

/// What an exchange did.
#[derive(Debug, Clone, Default, uniffi::Record)]
pub struct Synced {
    /// Make the next request at once: more waits on either side, or this device's clock was set right.
    pub more: bool,
    /// Own changes that headquarters now holds.
    pub accepted: u64,
    /// Own changes that headquarters set aside: show them to the person.
    pub quarantined: Vec<SetAside>,
    /// Documents received or changed.
    pub documents: u64,
    /// Documents that this device gave up.
    pub forgotten: u64,
    /// Documents that were refused on this device and will come again.
    pub refused: u64,
    /// Headquarters' clock minus this device's, in milliseconds.
    pub clock_offset_ms: i64,
    /// What a person at headquarters decided since about changes that had been set aside.
    pub decided: Vec<LateVerdict>,
    /// This device may only hand in what it has: say so. Nothing comes any more, and it will be told to wipe.
    pub drain_only: bool,
    /// Today's tour and its customers have come with this exchange: the app need not wait for the rest of a first sync.
    pub today: bool,
}

/// What a person at headquarters decided about an own change that had been set aside.
#[derive(Debug, Clone, uniffi::Record)]
pub struct LateVerdict {
    /// The change.
    pub change: ChangeHash,
    /// It counts: as it was, or written again in its author's name.
    pub admitted: bool,
    /// Why it was rejected; empty when it counts.
    pub why: String,
}

impl LateVerdict {
    fn of((change, ruling): (ChangeHash, Ruling)) -> Self {
        match ruling {
            Ruling::Approved | Ruling::Rewritten => Self { change, admitted: true, why: String::new() },
            Ruling::Rejected { why } => Self { change, admitted: false, why },
        }
    }
}

/// Records of a former holder that arrived late (前任离线记录).
#[derive(Debug, Clone, uniffi::Record)]
pub struct LateNotice {
    /// The customer.
    pub customer: SubjectId,
    /// Who recorded them.
    pub author: UserId,
    /// How many.
    pub changes: u64,
    /// When they arrived, by headquarters' clock.
    pub received: Ms,
    /// The person has seen it.
    pub seen: bool,
}

/// Whose file this is: see [`Roadbook::claim_install`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Install {
    /// This installation's.
    Ours,
    /// It was restored from another phone's backup: it must be enrolled anew; what was unsent is kept.
    Copy,
}

/// What a carried batch brought.
#[derive(Debug, Clone, Copy, uniffi::Record)]
pub struct CarriedIn {
    /// Changes in it.
    pub changes: u64,
    /// Changes that are shown here now.
    pub shown: u64,
}

/// An own change that headquarters set aside. It stays on this device and at headquarters; a person must look at it.
#[derive(Debug, Clone, uniffi::Record)]
pub struct SetAside {
    /// The change.
    pub change: ChangeHash,
    /// Why: a code, a colon, and words.
    pub reason: String,
}

impl From<OwnChange> for SetAside {
    fn from(own: OwnChange) -> Self {
        let reason = if let Standing::Quarantined { reason } = own.standing { reason } else { String::new() };
        Self { change: own.hash, reason }
    }
}

#[uniffi::export]
impl Roadbook {
    /// The request that enrols this device with a one-time code. `device_name` is what headquarters' list of devices will show.
    ///
    /// # Errors
    /// `KeyUnusable`.
    pub fn enrol_request(&self, code: String, device_name: String) -> Result<Outgoing, RoadbookError> {
        let key = self.key.public_key()?;
        let key = PublicKey::from_sec1(&key).ok_or_else(|| KeyError::Failed { why: "its public half is no P-256 point".to_owned() })?;
        let body = EnrolRequest { code, key: key.to_sec1().into(), name: device_name }.encode();
        self.signed("POST", ENROL_PATH, None, body)
    }

    /// Takes in what arrived for [`Self::enrol_request`]. True when the device is enrolled; false when its clock was set right and the
    /// request is to be made once more.
    ///
    /// # Errors
    /// `EnrolmentRefused`, `AnswerUnreadable`, `ServerRefused`.
    pub fn enrol_response(&self, arrived: Arrived) -> Result<bool, RoadbookError> {
        if arrived.status != 200 {
            return match self.refusal(&arrived) {
                Ok(()) => Ok(false),
                Err(RoadbookError::ServerRefused { status: 401 | 403 | 422, code, zh, en }) => {
                    Err(RoadbookError::EnrolmentRefused { code, zh, en })
                }
                Err(error) => Err(error),
            };
        }
        let answer = EnrolAnswer::decode(&arrived.body)?;
        let mut replica = self.hold();
        replica.enrolled(answer.device, &answer.profile)?;
        set_clock(&mut replica, answer.now)?;
        drop(replica);
        self.tell();
        Ok(true)
    }

    /// The request that hands in what is unsent and asks for what is new. `app` names the app's version for headquarters' sync health.
    ///
    /// What came before the app ended is taken in first.
    ///
    /// # Errors
    /// `NotEnrolled`, `KeyUnusable`, `ExchangeUnderWay` when an observer calls it from `changed`; those of [`Self::sync_response`].
    pub fn sync_request(&self, app: Option<String>) -> Result<Outgoing, RoadbookError> {
        self.take_in_what_came()?;
        let (device, body) = {
            let replica = self.read();
            (replica.device()?, replica.sync_frame(edge::now(), app.as_deref())?)
        };
        self.signed("POST", SYNC_PATH, Some(device), body)
    }

    /// Takes in what arrived for [`Self::sync_request`]; a body that broke off is worth handing in: its whole parts are kept, and the
    /// next request asks for the rest. Losing an answer, or taking it in twice, costs time and nothing else. A long answer is in the
    /// file before anything else is done with it: the network is not needed again, whatever ends the app. Other calls go on meanwhile,
    /// and observers are told as its parts come in.
    ///
    /// # Errors
    /// `Wiped` when headquarters ordered a wipe and it is done: destroy the key of the device and of the file. `Revoked`, `ServerRefused`, `AnswerUnreadable`, `UpdateNeeded`, `HeadquartersOutdated`, `StorageFull`. Nothing unsent is ever lost by them.
    pub fn sync_response(&self, arrived: Arrived) -> Result<Synced, RoadbookError> {
        if arrived.status != 200 {
            let refused = self.refusal(&arrived);
            // Headquarters of an older release knows no knocks: the next request says all in full.
            if !(matches!(arrived.status, 400 | 401 | 426) && self.hold().knock_in_vain()?) {
                refused?;
            }
            return Ok(Synced { more: true, ..Synced::default() });
        }
        let alone = self.exchanging()?;
        let opening = self.hold().receive(&arrived.body, edge::now())?;
        let done = self.take_in(opening, &alone)?;
        Ok(Synced {
            more: done.more,
            accepted: done.accepted as u64,
            quarantined: done.quarantined.into_iter().map(|(change, reason)| SetAside { change, reason }).collect(),
            documents: done.documents as u64,
            forgotten: done.forgotten as u64,
            refused: done.refused as u64,
            clock_offset_ms: done.clock_offset_ms,
            decided: done.decided.into_iter().map(LateVerdict::of).collect(),
            drain_only: done.drain_only,
            today: done.today,
        })
    }

    /// Says which installation opens this file: 16 random bytes that the app made at its first start and keeps where no backup takes
    /// them. Call it at every start. A file of another installation is a copy and forgets that it was enrolled.
    ///
    /// # Errors
    /// `Mistake` unless there are 16 bytes.
    pub fn claim_install(&self, install: Vec<u8>) -> Result<Install, RoadbookError> {
        let install = install.try_into().map_err(|_| RoadbookError::Mistake { why: "an install id has 16 bytes".to_owned() })?;
        Ok(match self.hold().claim(install)? {
            Claimed::Same | Claimed::First => Install::Ours,
            Claimed::Copy => Install::Copy,
        })
    }

    /// Late records of former holders about this person's customers, the newest first.
    ///
    /// # Errors
    /// `StorageBusy`, `StorageDamaged`.
    pub fn late_notices(&self, max: u32) -> Result<Vec<LateNotice>, RoadbookError> {
        let notices = self.read().notices(usize::try_from(max).unwrap_or(usize::MAX))?;
        let shown = |notice: Notice| LateNotice {
            customer: notice.subject,
            author: notice.author,
            changes: notice.changes,
            received: notice.received_at,
            seen: notice.seen,
        };
        Ok(notices.into_iter().map(shown).collect())
    }

    /// Notes that the person has seen them.
    ///
    /// # Errors
    /// `StorageBusy`, `StorageFull`.
    pub fn see_late_notices(&self) -> Result<(), RoadbookError> {
        Ok(self.hold().see_notices()?)
    }

    /// What this phone says of itself to one that wants to hand it a batch where there is no network.
    ///
    /// # Errors
    /// `NotEnrolled`.
    pub fn meeting(&self) -> Result<Vec<u8>, RoadbookError> {
        Ok(self.read().meeting()?)
    }

    /// What waits and the phone of this meeting may hold, signed by this device's key; `None` when there is nothing.
    ///
    /// # Errors
    /// `NotEnrolled`, `KeyUnusable`, `AnswerUnreadable` when `meeting` is none.
    pub fn carry_out(&self, meeting: Vec<u8>) -> Result<Option<Vec<u8>>, RoadbookError> {
        let Some(batch) = self.read().carry_out(&meeting, edge::now())? else { return Ok(None) };
        // No lock is held while the platform's key works: it may ask the person for a fingerprint.
        let signature = self.key.sign(batch.text.clone().into_bytes())?;
        Ok(Some(batch.signed(signature)))
    }

    /// Takes in a batch of another phone: shown where this device may hold it, and handed in at the next exchange.
    ///
    /// # Errors
    /// `NotEnrolled`, `AnswerUnreadable` when it is no batch.
    pub fn carry_in(&self, packet: Vec<u8>) -> Result<CarriedIn, RoadbookError> {
        let done = self.hold().carry_in(&packet, edge::now())?;
        self.tell();
        Ok(CarriedIn { changes: done.changes as u64, shown: done.shown as u64 })
    }

    /// Whether today's tour and its customers are here: true some way into a first sync, and ever after.
    ///
    /// # Errors
    /// `StorageBusy`.
    pub fn today_is_usable(&self) -> Result<bool, RoadbookError> {
        Ok(self.read().today_is_usable()?)
    }

    /// Asks for a card of which only a row is held (somebody who oversees many customers opened it): the next exchange brings it.
    /// True when there is something to ask for.
    ///
    /// # Errors
    /// `StorageBusy`.
    pub fn want_card(&self, customer: SubjectId) -> Result<bool, RoadbookError> {
        let mut replica = self.hold();
        let wanting = replica.holds_row_only(customer)?;
        if wanting {
            replica.want_card(customer, edge::now())?;
        }
        Ok(wanting)
    }

    /// Asks for older visits of a customer than those that are held: the next exchange brings up to twenty.
    ///
    /// # Errors
    /// `StorageBusy`.
    pub fn want_older_visits(&self, customer: SubjectId) -> Result<(), RoadbookError> {
        let mut replica = self.hold();
        Ok(replica.want_older_visits(customer, edge::now())?)
    }

    /// The request of the wake-up channel: server-sent events, each of which only says "exchange now".
    ///
    /// # Errors
    /// `NotEnrolled`, `KeyUnusable`.
    pub fn news_request(&self) -> Result<Outgoing, RoadbookError> {
        let device = self.read().device()?;
        self.signed("GET", NEWS_PATH, Some(device), Vec::new())
    }
}

impl Roadbook {
    /// What came before the process ended is taken in before more is asked for: the request would ask for it again.
    fn take_in_what_came(&self) -> Result<(), RoadbookError> {
        let alone = self.exchanging()?;
        let before = self.hold().received()?;
        before.map_or(Ok(()), |opening| self.take_in(opening, &alone).map(|_| ()))
    }

    /// Takes an answer in, part by part: other calls have their turn between two of them, another answer has not.
    fn take_in(&self, mut opening: Opening, _alone: &Alone<'_>) -> Result<Taken, RoadbookError> {
        let mut done = Taken::default();
        loop {
            let part = self.hold().open_part(&mut opening)?;
            let Some(part) = part else { return Ok(done) };
            if part.wiped {
                self.wiped()?;
                self.tell();
                return Err(RoadbookError::Wiped);
            }
            if !part.subjects.is_empty() || part.forgotten > 0 {
                self.tell();
            }
            done.add(part);
            self.give_way();
        }
    }

    pub(crate) fn signed(
        &self,
        method: &'static str,
        path: &'static str,
        device: Option<DeviceId>,
        body: Vec<u8>,
    ) -> Result<Outgoing, RoadbookError> {
        let offset = self.read().store().read(|read| read.clock())?.offset_ms.unwrap_or(0);
        let time = edge::now().plus(offset);
        let signed = Signed { method, path, device, time, nonce: edge::random()?, body: &body };
        // No lock is held while the platform's key works: it may ask the person for a fingerprint.
        let signature = self.key.sign(signed.text().into_bytes())?;
        let (headers, body) = signed.sent(&signature);
        let headers = headers.into_iter().map(|(name, value)| Header { name: name.to_owned(), value }).collect();
        Ok(Outgoing { method: method.to_owned(), path: path.to_owned(), headers, body })
    }

    /// What a status other than 200 means; `Ok` when the clock was wrong, is now set right, and the request is to be made again.
    pub(crate) fn refusal(&self, arrived: &Arrived) -> Result<(), RoadbookError> {
        let (code, zh, en) = words(&arrived.body);
        match (arrived.status, arrived.time.as_deref().and_then(|time| time.parse().ok())) {
            (401, Some(time)) if set_clock(&mut self.hold(), Ms(time))? => Ok(()),
            (410, _) => Err(RoadbookError::Revoked),
            (426, _) if reads_only_older(&arrived.body) => Err(RoadbookError::HeadquartersOutdated { why: en }),
            (426, _) => Err(RoadbookError::UpdateNeeded { why: en }),
            (status, _) => Err(RoadbookError::ServerRefused { status, code, zh, en }),
        }
    }
}

/// Code, Chinese and English of a refusal: `{"error": {"code", "message_zh", "message_en"}}`; other bodies are only English words.
fn words(body: &[u8]) -> (String, String, String) {
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).take(WHY_CHARS_MAX).collect::<String>();
    let short = body.get(..body.len().min(WHY_BYTES_MAX)).unwrap_or_default();
    let read: Option<serde_json::Value> = serde_json::from_slice(short).ok();
    match read.as_ref().and_then(|json| json.get("error")) {
        Some(error) => {
            let part = |name: &str| plain(error.get(name).and_then(serde_json::Value::as_str).unwrap_or_default());
            (part("code"), part("message_zh"), part("message_en"))
        }
        None => (String::new(), String::new(), plain(&String::from_utf8_lossy(short))),
    }
}

/// Whether a refusal lists the frame versions that headquarters reads (`error.reads`), and all of them are older than this app's.
fn reads_only_older(body: &[u8]) -> bool {
    let read: Option<serde_json::Value> = serde_json::from_slice(body.get(..body.len().min(WHY_BYTES_MAX)).unwrap_or_default()).ok();
    let versions = read.as_ref().and_then(|json| json.get("error")?.get("reads")?.as_array());
    versions.is_some_and(|versions| !versions.is_empty() && versions.iter().all(|version| version.as_u64() < Some(u64::from(WIRE_VERSION))))
}

/// Notes headquarters' time; false when this device knew it already, so that a refusal was not about clocks.
fn set_clock(replica: &mut Replica, server: Ms) -> Result<bool, StoreError> {
    let offset = server.since(edge::now());
    let known = replica.store().read(|read| read.clock())?.offset_ms;
    replica.store_mut().write(|write| write.put_clock_offset(offset, server))?;
    Ok(known.unwrap_or(0).abs_diff(offset) > CLOCK_TOLERATED_MS.unsigned_abs())
}
