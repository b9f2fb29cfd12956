//! Who is asking, as a device: the body is read within bounds, then the signature over it is checked. A handler that lacks
//! this extractor cannot see a device.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use roadbook_core::exchange::REQUEST_BYTES_MAX;
use roadbook_core::signing::{DEVICE_HEADER, NONCE_HEADER, SIGNATURE_HEADER, TIME_HEADER};

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
    /// Its place among the device's requests under way; given back when dropped.
    pub turn: Turn,
}

impl FromRequest<Shared> for SignedRequest {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let Ok(Peer(address)) = Peer::from_request_parts(&mut parts, app).await;
        let body = read(body, REQUEST_BYTES_MAX).await?;
        let (app_now, method, path) = (app.now(), parts.method.to_string(), path_of(&parts.uri));
        let headers = parts.headers;
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
                let turn = app.rate().begin(app_now, caller.device.id).map_err(Error::TooOften)?;
                Ok(Self { caller, body, address, turn })
            }
            Err(refusal) => {
                tracing::info!(?refusal, %address, "a signed request was refused");
                Err(Error::NotSigned(app_now))
            }
        }
    }
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(body: axum::body::Body, limit: usize) -> Result<Bytes, Error> {
    // Why it failed (too long, or the line broke) makes no difference to the caller who is still there.
    to_bytes(body, limit).await.map_err(|_| Error::TooLarge(limit))
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
