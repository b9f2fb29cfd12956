//! Photos over HTTP: `POST /v1/blobs` for devices, `GET /blobs/{document}:{hash}` for people.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse;
use roadbook_core::blobs::content::Content;
use roadbook_core::blobs::wire::{BlobAnswer, BlobRequest};
use roadbook_core::blobs::{BLOB_BYTES_MAX, BlobHash};
use roadbook_core::exchange::WireError;
use roadbook_core::ids::DocId;

use super::enroll::FRAME_TYPE;
use super::signed::SignedRequest;
use super::{Error, Session, Shared};
use crate::app::App;
use crate::blobs::{BlobsAnswered, BlobsError};
use crate::device::Caller;

/// A photo is a picture and nothing else: no script, no style, no frame, whatever its bytes are.
const PICTURE_ONLY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// A browser may show a photo again for five minutes without asking whether its person still may.
const PICTURE_KEPT: &str = "private, max-age=300";

/// * 200 with a `BlobAnswer` frame: what it calls stored or held is durable.
/// * 400, 413 when the frame is unreadable or beyond a limit.
/// * 401 with header `roadbook-time` when the signature is not accepted.
/// * 410 when the device was revoked or its person disabled.
/// * 426 when it speaks another version of the frame.
/// * 429 over its budget, 503 when the server is overloaded or its store of photos is full; nothing is lost.
pub async fn blobs(State(app): State<Shared>, signed: SignedRequest) -> Result<impl IntoResponse, Error> {
    let (frame, turn) = app.blocking(signed.work(answer)).await?;
    let frame = super::body::answer(frame?, app.answers()).await?;
    drop(turn);
    Ok(([(CONTENT_TYPE, FRAME_TYPE)], frame))
}

fn answer(app: &App, caller: &Caller, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request = BlobRequest::decode(body).map_err(refused)?;
    match app.blobs().answer(app.now(), caller, &request)? {
        BlobsAnswered::Answer(answer) => {
            app.tell(app.blobs().completed(&answer)?);
            BlobAnswer::encode(&answer).map_err(Error::failed)
        }
        BlobsAnswered::Gone => Err(Error::Revoked),
    }
}

fn refused(error: WireError) -> Error {
    match error {
        WireError::Version { found } => Error::UpdateNeeded { found },
        WireError::TooLarge { limit } | WireError::TooMany { limit, .. } => Error::TooLarge(limit),
        WireError::Empty | WireError::Stream(_) | WireError::Contents(_) | WireError::Knock => Error::Malformed,
    }
}

/// A photo that a document names, as an attachment of its own type.
///
/// * 200 with the bytes; 404 when there is none, or none that the person may have: the two look alike.
/// * 503 when too many large answers are under way.
pub async fn photo(
    State(app): State<Shared>,
    session: Session,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response<axum::body::Body>, Error> {
    let Path(id) = id.map_err(|_| Error::NotFound)?;
    let named = id.split_once(':').and_then(|(doc, hash)| Some((doc.parse::<DocId>().ok()?, hash.parse::<BlobHash>().ok()?)));
    let (doc, hash) = named.ok_or(Error::NotFound)?;
    // Room for the largest, before any byte is read; what this one does not need goes back at once.
    let room = app.answers().take(BLOB_BYTES_MAX).await?;
    let read = move |app: &App| (app.blobs().read(&session.user, &session.reach, doc, hash), room);
    let (whole, room) = app.blocking(read).await?;
    let whole = whole?.ok_or(Error::NotFound)?;
    // By content, checked when it was taken in; a type that is not one of ours is sent as mere bytes.
    let content = Content::of_mime(&whole.mime);
    let mime = content.map_or("application/octet-stream", Content::mime);
    let name = format!(
        "attachment; filename=\"{}.{}\"",
        hash.to_string().get(..16).unwrap_or_default(),
        content.map_or("bin", Content::extension)
    );
    let mut response = Response::new(super::body::answer_in(whole.bytes, room));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(Error::failed)?);
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PICTURE_ONLY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(PICTURE_KEPT));
    Ok(response)
}

impl From<BlobsError> for Error {
    fn from(error: BlobsError) -> Self {
        match error {
            BlobsError::ForeignDevice => Self::Malformed,
            // A full disk, a bucket that does not answer: it passes, and nothing was promised.
            BlobsError::Depot(error) => {
                tracing::error!(%error, "the store of photos cannot be used");
                Self::Overloaded
            }
            BlobsError::Sqlite(_) | BlobsError::Feed(_) | BlobsError::Accounts(_) | BlobsError::Scope(_) | BlobsError::Headquarters(_) => {
                Self::failed(error)
            }
        }
    }
}
