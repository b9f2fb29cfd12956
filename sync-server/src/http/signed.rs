//! Who is asking, as a device: the headers name a known device, then the body is read within bounds, then the signature over it is
//! checked. A handler that lacks this extractor cannot see a device.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use roadbook_core::blobs::wire::BLOBS_PATH;
use roadbook_core::exchange::REQUEST_BYTES_MAX;
use roadbook_core::signing::{DEVICE_HEADER, NONCE_HEADER, SIGNATURE_HEADER, TIME_HEADER};

use super::body::{Share, discard, read};
use super::peer::Peer;
use super::rate::Turn;
use super::{Error, Shared};
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

impl FromRequest<Shared> for SignedRequest {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let Ok(Peer(address)) = Peer::from_request_parts(&mut parts, app).await;
        let (began, method, path, headers) = (app.now(), parts.method.to_string(), path_of(&parts.uri), parts.headers);
        // Of strangers' bodies nothing is kept: they take no memory.
        let known = {
            let headers = headers.clone();
            app.blocking(move |app| match headers_of(&headers) {
                Some(headers) => app.door().knows(&headers),
                None => Ok(Err(Refusal::Malformed)),
            })
            .await??
        };
        if let Err(refusal) = known {
            tracing::info!(?refusal, %address, "a signed request was refused");
            discard(body, REQUEST_BYTES_MAX).await;
            return Err(Error::NotSigned(began));
        }
        let (body, room) = read(body, REQUEST_BYTES_MAX, app.bodies()).await?;
        // The request belongs to the moment at which it began: a body on a bad line may take longer than its signature is good.
        let app_now = began;
        let judged = {
            let body = body.clone();
            app.blocking(move |app| {
                let Some(headers) = headers_of(&headers) else { return Ok(Err(Refusal::Malformed)) };
                app.door().identify(app_now, &headers, &Envelope { method: &method, path: &path, body: &body })
            })
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
