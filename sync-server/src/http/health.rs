//! `GET /health`: whether the server can read its truth. For supervisors and load balancers; says nothing else.

use axum::extract::State;
use axum::http::StatusCode;

use super::{Error, Shared};

/// * 204: the feed can be read.
/// * 500, 503: it cannot, or too much is waiting.
pub async fn health(State(app): State<Shared>) -> Result<StatusCode, Error> {
    app.blocking(|app| app.feed().head()).await??;
    Ok(StatusCode::NO_CONTENT)
}

impl From<crate::app::Overloaded> for Error {
    fn from(_: crate::app::Overloaded) -> Self {
        Self::Overloaded
    }
}
