//! `POST /v1/enroll`: a device hands in a one-time code and its public key, in a request signed with that key.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::IntoResponse;
use roadbook_core::ids::{DeviceId, Ms};
use roadbook_core::signing::{ENROL_BYTES_MAX, EnrolAnswer, EnrolRequest, PublicKey};
use std::sync::PoisonError;

use super::body::read;
use super::peer::Peer;
use super::signed::{headers_of, path_of};
use super::{Error, Shared};
use crate::accounts::EnrolmentCode;
use crate::app::App;
use crate::clock::random;
use crate::device::{Envelope, Headers, Refusal};
use crate::exchange::profile;

/// The content type of frames.
pub(super) const FRAME_TYPE: &str = "application/octet-stream";

/// * 200 with an `EnrolAnswer` frame; the same code and key give the same answer again.
/// * 401 with header `roadbook-time` when the request is not signed by the key it names, or at another time.
/// * 403 when the code is wrong, used, expired, or its person was disabled: all alike.
/// * 413, 422 when the frame is too large or unreadable; 429 after too many attempts of one address.
pub async fn enroll(
    State(app): State<Shared>,
    Peer(address): Peer,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Error> {
    let now = app.now();
    app.throttle().lock().unwrap_or_else(PoisonError::into_inner).try_address(now, &address).map_err(Error::TooOften)?;
    let (body, room) = read(body, ENROL_BYTES_MAX, app.bodies()).await?;
    let answer = app
        .blocking(move |app| {
            let headers = headers_of(&headers).ok_or(Error::NotSigned(now))?;
            let envelope = Envelope { method: method.as_str(), path: &path_of(&uri), body: &body };
            admit(app, now, &address, &headers, &envelope)
        })
        .await??;
    drop(room);
    Ok(([(axum::http::header::CONTENT_TYPE, FRAME_TYPE)], answer.encode()))
}

fn admit(app: &App, now: Ms, address: &str, headers: &Headers<'_>, envelope: &Envelope<'_>) -> Result<EnrolAnswer, Error> {
    let unreadable =
        || Error::invalid("bad_frame", "无法读取注册请求，请更新应用。", "The enrolment request cannot be read; update the app.");
    let request = EnrolRequest::decode(envelope.body).map_err(|_| unreadable())?;
    let key = PublicKey::from_sec1(&request.key).ok_or_else(unreadable)?;
    match app.door().check_newcomer(now, headers, envelope, &key)? {
        Ok(()) => {}
        Err(Refusal::Malformed | Refusal::UnknownDevice | Refusal::Signature | Refusal::Time | Refusal::Replay) => {
            return Err(Error::NotSigned(now));
        }
    }
    let code = EnrolmentCode::parse(&request.code).ok_or(Error::CodeRefused)?;
    let id = DeviceId::fresh(now, random().map_err(Error::failed)?);
    let enrolled = app.accounts().enroll_device(now, address, &code, id, &key.to_sec1(), &request.name)?;
    let (device, user) = enrolled.map_err(|_| Error::CodeRefused)?;
    let user = app.accounts().user(user)?.ok_or(Error::NotFound)?;
    Ok(EnrolAnswer { device, now, profile: profile::of(app.accounts(), app.config().offset_minutes, &user)? })
}
