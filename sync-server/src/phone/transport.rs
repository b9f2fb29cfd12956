//! Signed requests over HTTP, for tools and desktops. Phones use their platform's own stack. No documents here.

use std::sync::Mutex;
use std::time::Duration;

use roadbook_core::exchange::ANSWER_BYTES_MAX;
use roadbook_core::ids::{DeviceId, Ms};
use roadbook_core::signing::{Signed, SoftwareKey, TIME_HEADER};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::clock::{NoEntropy, random};

/// Longest wait for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(120);
/// Longest wait for a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Characters of headquarters' words that are passed on.
const WORDS_MAX: usize = 300;

/// Why bytes did not get through.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection, or it broke. What was recorded stays on the phone.
    #[error("headquarters cannot be reached ({0}); what was recorded is kept, try again")]
    Unreachable(String),
    /// Headquarters answered no.
    #[error("headquarters refused with status {status}: {words}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words.
        words: String,
    },
    /// The two sides do not speak the same version. What was recorded stays on the phone.
    #[error("an update is needed, what was recorded is kept: {words}")]
    UpdateNeeded {
        /// Headquarters' words.
        words: String,
    },
    /// The authority's certificate cannot be read.
    #[error("the authority's certificate cannot be read ({0}); give a PEM file")]
    Authority(String),
    /// No randomness for a nonce.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// One request.
pub(super) struct Sending<'a> {
    pub(super) path: &'static str,
    pub(super) device: Option<DeviceId>,
    pub(super) key: &'a SoftwareKey,
    pub(super) body: &'a [u8],
    pub(super) now: Ms,
}

/// The way to one headquarters. Remembers how far its clock is from ours.
#[derive(Debug)]
pub(super) struct Line {
    agent: ureq::Agent,
    server: String,
    offset_ms: Mutex<i64>,
}

impl Line {
    /// `authority`: PEM of the certificate that headquarters' must be signed by; `None`: those that browsers trust.
    pub(super) fn new(server: &str, authority: Option<&[u8]>) -> Result<Self, TransportError> {
        let roots = match authority {
            None => RootCerts::WebPki,
            Some(pem) => {
                let certificate = Certificate::from_pem(pem).map_err(|error| TransportError::Authority(error.to_string()))?;
                RootCerts::new_with_certs(&[certificate])
            }
        };
        let config = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            // Headers that say nothing to headquarters are left out.
            .user_agent("")
            .accept("")
            .accept_encoding("")
            .timeout_global(Some(ANSWER_TIME))
            .timeout_connect(Some(CONNECT_TIME))
            .build();
        Ok(Self { agent: config.into(), server: server.to_owned(), offset_ms: Mutex::new(0) })
    }

    /// Sends a request; when its time is refused, once more with headquarters' time.
    pub(super) fn post(&self, sending: &Sending<'_>) -> Result<Vec<u8>, TransportError> {
        match self.try_post(sending)? {
            Tried::Answer(answer) => Ok(answer),
            Tried::OtherTime(theirs) => {
                self.put_offset(theirs.since(sending.now));
                match self.try_post(sending)? {
                    Tried::Answer(answer) => Ok(answer),
                    Tried::OtherTime(_) => Err(TransportError::Refused { status: 401, words: "the signature is not accepted".to_owned() }),
                }
            }
        }
    }

    fn try_post(&self, sending: &Sending<'_>) -> Result<Tried, TransportError> {
        let signed = Signed {
            method: "POST",
            path: sending.path,
            device: sending.device,
            time: sending.now.plus(self.offset()),
            nonce: random()?,
            body: sending.body,
        };
        let signature = sending.key.sign(&signed.text());
        let mut request = self.agent.post(format!("{}{}", self.server, sending.path));
        let (headers, body) = signed.sent(&signature);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut answer = request.send(&body).map_err(|error| TransportError::Unreachable(error.to_string()))?;
        let status = answer.status().as_u16();
        if status == 401
            && self.offset() == 0
            && let Some(theirs) = answer.headers().get(TIME_HEADER).and_then(|value| value.to_str().ok()?.parse().ok())
        {
            return Ok(Tried::OtherTime(Ms(theirs)));
        }
        let limit = u64::try_from(ANSWER_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let read = std::io::Read::read_to_end(&mut answer.body_mut().with_config().limit(limit).reader(), &mut bytes);
        if status == 200 {
            return match read {
                // A body that broke off: its whole parts are good, the rest is asked for again.
                Err(_) if !bytes.is_empty() => Ok(Tried::Answer(bytes)),
                Err(error) => Err(TransportError::Unreachable(error.to_string())),
                Ok(_) => Ok(Tried::Answer(bytes)),
            };
        }
        let words = words(&bytes).chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect();
        if status == 426 { Err(TransportError::UpdateNeeded { words }) } else { Err(TransportError::Refused { status, words }) }
    }

    fn offset(&self) -> i64 {
        *self.offset_ms.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
    fn put_offset(&self, ms: i64) {
        *self.offset_ms.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = ms;
    }
}

enum Tried {
    Answer(Vec<u8>),
    OtherTime(Ms),
}

/// What a refusal says to people, in both languages; the body as it is when it is none of ours.
fn words(body: &[u8]) -> String {
    let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let in_language = |key: &str| said.pointer(key).and_then(serde_json::Value::as_str);
    match (in_language("/error/message_zh"), in_language("/error/message_en")) {
        (Some(zh), Some(en)) => format!("{zh} · {en}"),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}
