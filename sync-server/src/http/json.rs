//! A JSON body of the console: of the right type, within the limit, of the right shape; else an [`Error`] like all others.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use super::body::read;
use super::{Error, JSON_BYTES_MAX, Shared};

/// The decoded body, of at most `BYTES_MAX` bytes.
#[derive(Debug)]
pub struct JsonBody<T, const BYTES_MAX: usize = JSON_BYTES_MAX>(pub T);

impl<T: DeserializeOwned, const BYTES_MAX: usize> FromRequest<Shared> for JsonBody<T, BYTES_MAX> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Error> {
        // A form of another site can send neither this type nor, because of it, anything without being asked first.
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            return Err(Error::WrongType);
        }
        let (body, _room) = read(request.into_body(), BYTES_MAX, app.bodies()).await?;
        serde_json::from_slice(&body).map(Self).map_err(|_| Error::Malformed)
    }
}
