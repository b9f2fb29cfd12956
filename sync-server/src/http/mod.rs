//! HTTP ends here: routes, one file an endpoint; who is asking ([`session`], [`signed`]); what goes wrong ([`error`]); the
//! accept loop ([`serve`]). A handler decodes, calls a room below, encodes. Never here: a decision about rights or data.
//!
//! | method and path | who | file |
//! |---|---|---|
//! | `POST /v1/enroll` | a new device, with a code | `enroll.rs` |
//! | `POST /v1/sync` | a device | `sync.rs` |
//! | `POST /v1/blobs` | a device | `blobs.rs` |
//! | `GET /v1/news` | a device | `news.rs` |
//! | `POST /api/login`, `POST /api/logout`, `GET /api/me` | people | `login.rs`, `me.rs` |
//! | `GET /api/news` | people | `news.rs` |
//! | `GET /blobs/{document}:{hash}` | people | `blobs.rs` |
//! | `/api/…` everything else | people | `console/` |
//! | `GET /health` | anyone | `health.rs` |
//! | `GET` anything else | anyone: the console's files hold no content | `console_files.rs` |
//!
//! # Limits
//!
//! Everything that comes in has a limit with a name. This table is held equal to the constants by a test.
//!
#![doc = include_str!("limits.md")]

/// Declares endpoints once: the table of what there is and the routes themselves, so that neither knows of one that the other
/// does not.
macro_rules! endpoints {
    ($table:ident, $routes:ident: $($method:ident $path:expr => $handler:path;)+) => {
        pub(super) const $table: &[(&str, &str)] = &[$((stringify!($method), $path)),+];
        pub(super) fn $routes() -> axum::Router<$crate::http::Shared> {
            axum::Router::new()$(.route($path, axum::routing::$method($handler)))+
        }
    };
}

pub mod blobs;
pub mod body;
mod console;
pub mod console_files;
mod crowd;
pub mod enroll;
pub mod error;
pub mod headers;
pub mod health;
pub mod json;
mod limits;
pub mod login;
pub mod me;
pub mod news;
pub mod patience;
pub mod peer;
pub mod rate;
mod routes;
pub mod serve;
pub mod session;
pub mod signed;
pub mod sync;
#[cfg(test)]
mod tests;
pub mod tls;
mod validity;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::any;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
pub use error::Error;
pub use json::JsonBody;
pub use session::Session;
pub use signed::SignedRequest;

/// What handlers share.
pub type Shared = Arc<App>;

/// A request whose body is not read and answered after this long ends with 408.
pub const REQUEST_TIME: Duration = Duration::from_secs(60);
/// Most bytes of a JSON body of the console.
pub const JSON_BYTES_MAX: usize = 1 << 20;
/// Most bytes of a log-in: read before anybody is known.
pub const LOGIN_BYTES_MAX: usize = 4 << 10;

/// Every endpoint there is, as method (`get`, `post`) and path: what a test of rights must have a row for. The console's files
/// (everything else that is asked by `GET`) hold no content.
pub fn endpoints() -> impl Iterator<Item = (&'static str, &'static str)> {
    routes::QUICK.iter().chain(routes::EXCHANGES).chain(routes::CHANNELS).chain(console::ENDPOINTS).copied()
}

/// The whole server as one service. Tests call it by `oneshot`, without a port.
pub fn router(app: &Shared) -> Router {
    let quick = routes::quick().merge(console::routes()).layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIME));
    // An exchange lasts as long as its line is slow: its limits are those of `body`.
    let counted = quick
        .merge(routes::exchanges())
        .layer(DefaultBodyLimit::max(JSON_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(app), crowd::one_of_the_requests));
    // Channels stay open: they have limits of their own.
    counted
        .merge(routes::channels())
        .fallback(any(console_files::console_file))
        .layer(axum::middleware::from_fn(crowd::plainly_framed))
        .layer(axum::middleware::from_fn(body::closing_on_what_is_unread))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(app), headers::add))
        .layer(CatchPanicLayer::custom(headers::after_panic))
        .with_state(Arc::clone(app))
}
