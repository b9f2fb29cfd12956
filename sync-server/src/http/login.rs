//! `POST /api/login` and `POST /api/logout`.

use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;

use super::json::JsonBody;
use super::me::Me;
use super::peer::Peer;
use super::session::{Session, check_origin, set_cookie};
use super::{Error, LOGIN_BYTES_MAX, Shared};
use crate::auth::{Login, log_in};

/// What a person types.
#[derive(Deserialize)]
pub struct Credentials {
    /// The login.
    name: String,
    /// The password.
    password: String,
}

/// * 200 with [`Me`] and the cookie;
/// * 401 when login or password are wrong, or the account is switched off: all alike, after the same time;
/// * 403 from another site's page;
/// * 429 with `Retry-After` after too many failures.
pub async fn login(
    State(app): State<Shared>,
    Peer(address): Peer,
    method: Method,
    headers: HeaderMap,
    JsonBody(typed): JsonBody<Credentials, LOGIN_BYTES_MAX>,
) -> Result<impl IntoResponse, Error> {
    check_origin(&method, &headers, app.config())?;
    let outcome =
        app.hashing(move |app| log_in(app.accounts(), app.throttle(), app.now(), &address, &typed.name, &typed.password)).await??;
    match outcome {
        Login::Welcome(token, user) => {
            let cookie = set_cookie(app.config(), Some(&token)).ok_or(Error::Malformed)?;
            Ok(([(SET_COOKIE, cookie)], Json(Me::of(&user, app.now()))))
        }
        Login::Refused => Err(Error::LoginRefused),
        Login::Wait(wait_ms) => Err(Error::TooOften(wait_ms)),
    }
}

/// * 204: the session is ended and the cookie taken back; also when nobody was logged in.
pub async fn logout(State(app): State<Shared>, session: Option<Session>) -> Result<impl IntoResponse, Error> {
    if let Some(session) = session {
        app.blocking(move |app| app.accounts().end_session(app.now(), &session.who(), &session.token)).await??;
    }
    let cookie = set_cookie(app.config(), None).ok_or(Error::Malformed)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}
