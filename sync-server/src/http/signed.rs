//! Who is asking, as a device: the headers name a known device, then the body is read within bounds, then the signature over it is
//! checked. A knock has all of that in its few bytes, which are read first. A handler that lacks this extractor cannot see a device.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use roadbook_core::blobs::wire::BLOBS_PATH;
use roadbook_core::exchange::REQUEST_BYTES_MAX;
use roadbook_core::exchange::knock::{SEALED_BYTES_MAX, Sealed};
use roadbook_core::signing::{DEVICE_HEADER, NONCE_HEADER, SIGNATURE_HEADER, SYNC_PATH, TIME_HEADER, hex};

use super::body::{Share, discard, read};
use super::peer::Peer;
use super::rate::Turn;
use super::{Error, Shared};
use crate::app::App;
use crate::device::{Caller, Envelope, Headers, Refusal};

/// A request of an enrolled device that proved who it is, was not seen before, and is within its budget.
#[derive(Debug)]
pub struct SignedRequest {
    /// The device and its person.
    pub caller: Caller,
    /// The body.
    pub body: Bytes,
    /// Where it came from.
    pub address: String,
    /// The memory of the body; given back when dropped.
    pub room: Share,
    /// Its place among the device's requests under way; given back when dropped.
    pub turn: Turn,
}

impl SignedRequest {
    /// Its answering, as work to be done on another thread: what comes of it, and the request's place. A phone that hangs up frees neither
    /// the memory of its body nor its place before the work is done.
    pub(super) fn work<T>(self, answer: impl FnOnce(&App, &Caller, &[u8]) -> T) -> impl FnOnce(&App) -> (T, Turn) {
        let Self { caller, body, room, turn, .. } = self;
        move |app| {
            let answered = answer(app, &caller, &body);
            drop((body, room));
            (answered, turn)
        }
    }
}

impl FromRequest<Shared> for SignedRequest {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let Ok(Peer(address)) = Peer::from_request_parts(&mut parts, app).await;
        let (began, method, path, headers) = (app.now(), parts.method.to_string(), path_of(&parts.uri), parts.headers);
        let (proof, source) = if may_be_knock(&path, &headers) {
            let (body, room) = read(body, SEALED_BYTES_MAX, app.bodies()).await?;
            let Some((proof, knock)) = Sealed::decode(&body).map(Proof::of_knock) else { return Err(Error::NotSigned(began)) };
            (Some(proof), Source::Read(knock, room))
        } else {
            (headers_of(&headers).map(Proof::of_headers), Source::Waits(body))
        };
        // Of strangers' bodies nothing is kept: they take no memory.
        let (known, proof) = app
            .blocking(move |app| match proof {
                Some(proof) => app.door().knows(&proof.headers()).map(|known| (known, Some(proof))),
                None => Ok((Err(Refusal::Malformed), None)),
            })
            .await??;
        let proof = match (known, proof) {
            (Ok(()), Some(proof)) => proof,
            (known, _) => {
                tracing::info!(refusal = ?known.err(), %address, "a signed request was refused");
                source.discard().await;
                return Err(Error::NotSigned(began));
            }
        };
        let (body, room) = source.read(app).await?;
        // The request belongs to the moment at which it began: a body on a bad line may take longer than its signature is good.
        let app_now = began;
        let judged = {
            let body = body.clone();
            app.blocking(move |app| app.door().identify(app_now, &proof.headers(), &Envelope { method: &method, path: &path, body: &body }))
                .await??
        };
        match judged {
            Ok(caller) => {
                let rate = if parts.uri.path() == BLOBS_PATH { app.blob_rate() } else { app.rate() };
                let turn = rate.begin(app_now, caller.device.id).map_err(Error::TooOften)?;
                Ok(Self { caller, body, address, room, turn })
            }
            Err(refusal) => {
                tracing::info!(?refusal, %address, "a signed request was refused");
                Err(Error::NotSigned(app_now))
            }
        }
    }
}

/// Who a request says that it is from, and its signature.
struct Proof {
    device: String,
    time: String,
    nonce: String,
    signature: String,
}

impl Proof {
    fn of_headers(headers: Headers<'_>) -> Self {
        let Headers { device, time, nonce, signature } = headers;
        Self { device: device.to_owned(), time: time.to_owned(), nonce: nonce.to_owned(), signature: signature.to_owned() }
    }
    /// With the knock itself.
    fn of_knock(sealed: Sealed) -> (Self, Bytes) {
        let Sealed { device, time, nonce, knock, signature } = sealed;
        let proof = Self { device: device.to_string(), time: time.0.to_string(), nonce: hex(&nonce), signature: hex(&signature) };
        (proof, knock.into())
    }
    fn headers(&self) -> Headers<'_> {
        Headers { device: &self.device, time: &self.time, nonce: &self.nonce, signature: &self.signature }
    }
}

/// A body that is still on the line, or already here.
enum Source {
    Waits(Body),
    Read(Bytes, Share),
}

impl Source {
    async fn read(self, app: &Shared) -> Result<(Bytes, Share), Error> {
        match self {
            Self::Waits(body) => read(body, REQUEST_BYTES_MAX, app.bodies()).await,
            Self::Read(bytes, room) => Ok((bytes, room)),
        }
    }
    async fn discard(self) {
        if let Self::Waits(body) = self {
            discard(body, REQUEST_BYTES_MAX).await;
        }
    }
}

/// A request to exchange that names nobody in its headers and says that its body is as short as a knock.
fn may_be_knock(path: &str, headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    path == SYNC_PATH && !headers.contains_key(DEVICE_HEADER) && length.is_some_and(|length| length <= SEALED_BYTES_MAX)
}

/// The four headers, each given exactly once.
pub(super) fn headers_of(headers: &HeaderMap) -> Option<Headers<'_>> {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    Some(Headers { device: one(DEVICE_HEADER)?, time: one(TIME_HEADER)?, nonce: one(NONCE_HEADER)?, signature: one(SIGNATURE_HEADER)? })
}

/// Path with query, as it was sent.
pub(super) fn path_of(uri: &axum::http::Uri) -> String {
    uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string)
}
