//! A JSON body of the console: of the right type, within the limit, of the right shape; else an [`Error`] like all others.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use super::signed::read;
use super::{Error, JSON_BYTES_MAX, Shared};

/// The decoded body.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Shared> for JsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Error> {
        // A form of another site can send neither this type nor, because of it, anything without being asked first.
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            return Err(Error::WrongType);
        }
        let body = read(request.into_body(), JSON_BYTES_MAX).await?;
        serde_json::from_slice(&body).map(Self).map_err(|_| Error::Malformed)
    }
}
