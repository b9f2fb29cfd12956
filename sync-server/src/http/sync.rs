//! `POST /v1/sync`: one exchange. The body is a `Request` frame of core, the answer an `Answer` frame; or a knock and its reply.
//!
//! Answers carry no header that says nothing: nobody stores the answer to a `POST` unless it is told to, and no browser can ask.

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use roadbook_core::exchange::knock::{Knock, is_knock};
use roadbook_core::exchange::{Request, WireError};

use super::headers::Bare;
use super::signed::SignedRequest;
use super::{Error, Shared};
use crate::app::App;
use crate::device::Caller;
use crate::exchange::Answered;
use crate::exchange::knocking::Knocked;

/// * 200 with an `Answer` frame: everything it says `Accepted` to is durable.
/// * 400, 413 when the frame is unreadable or beyond a limit.
/// * 401 with header `roadbook-time` when the signature is not accepted.
/// * 410 when the device was revoked or its person disabled, and it has nothing left to hand in.
/// * 426 when it speaks another version of the wire.
/// * 429 over its budget, 503 when the server is overloaded; nothing is lost.
pub async fn sync(State(app): State<Shared>, signed: SignedRequest) -> Result<impl IntoResponse, Error> {
    let (frame, turn) = app.exchanging(signed.work(answer)).await?;
    let frame = super::body::answer(frame?, app.answers()).await?;
    drop(turn);
    Ok((Extension(Bare), frame))
}

fn answer(app: &App, caller: &Caller, body: &[u8]) -> Result<Vec<u8>, Error> {
    let (answered, changed) = if is_knock(body) {
        let knock = Knock::decode(body).map_err(refused)?;
        match app.exchange().knock(app.now(), caller, &knock)? {
            (Knocked::Reply(reply), changed) => {
                app.tell(changed);
                return Ok(reply.encode());
            }
            (Knocked::Answered(answered), changed) => (answered, changed),
        }
    } else {
        app.exchange().answer(app.now(), caller, &Request::decode(body).map_err(refused)?)?
    };
    app.tell(changed);
    if app.exchange().desk_has_moved() {
        app.tell_aside();
    }
    match answered {
        Answered::Answer(answer) => answer.encode().map_err(Error::failed),
        Answered::Gone => Err(Error::Revoked),
    }
}

fn refused(error: WireError) -> Error {
    match error {
        WireError::Version { found } => Error::UpdateNeeded { found },
        WireError::TooLarge { limit } | WireError::TooMany { limit, .. } => Error::TooLarge(limit),
        WireError::Empty | WireError::Stream(_) | WireError::Contents(_) | WireError::Knock => Error::Malformed,
    }
}
