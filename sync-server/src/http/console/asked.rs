//! What stands in the address of a request, read with our own refusals.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::http::{Error, Shared};

/// The query of the address.
pub(super) struct Asking<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Asking<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Error> {
        Query::try_from_uri(&parts.uri).map(|Query(asked)| Self(asked)).map_err(|_| Error::Malformed)
    }
}

/// The id in the path; one that is none names nothing.
pub(super) struct Of<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Of<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Error> {
        Path::from_request_parts(parts, app).await.map(|Path(id)| Self(id)).map_err(|_| Error::NotFound)
    }
}
