//! Bodies and the memory that they take: request bodies that must keep coming and find room, large answers that keep their room until
//! they are sent. Never here: what a body says.
//!
//! A phone on a bad line may take minutes for a body, so there is no short deadline for the whole: each [`BODY_WINDOW`] must bring
//! [`BODY_BYTES_PER_WINDOW_MIN`]. Room is taken as bytes arrive, so that who promises much and sends nothing holds nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::StreamExt as _;

use super::Error;
use crate::device::BODY_MS_MAX;

/// Within this time a body must bring [`BODY_BYTES_PER_WINDOW_MIN`] bytes, or end.
pub const BODY_WINDOW: Duration = Duration::from_secs(20);
/// See [`BODY_WINDOW`]: 51 bytes a second, a fiftieth of a 20 kbit/s line.
pub const BODY_BYTES_PER_WINDOW_MIN: usize = 1 << 10;
/// A body that is not there after this long is given up.
pub const BODY_TIME_MAX: Duration = Duration::from_millis(BODY_MS_MAX.unsigned_abs());
/// So long a request waits for room before it is answered 503.
pub const ROOM_WAIT: Duration = Duration::from_secs(5);
/// So long a body is read and thrown away that nobody will look at.
pub const DISCARD_TIME: Duration = Duration::from_secs(5);
/// Answers up to this length go out without taking room: as many as there are connections.
pub const ANSWER_BYTES_FREE: usize = 64 << 10;
/// A large answer is handed to the connection in pieces of this size: it gives its room back with the last one.
const PIECE_BYTES: usize = 64 << 10;
/// Room is counted in this unit.
const UNIT_BYTES: usize = 1 << 10;

/// Memory that may be taken by all requests together.
#[derive(Debug)]
pub struct Room {
    units: Arc<Semaphore>,
    wait: Duration,
}

/// A share of a [`Room`]; given back when dropped.
pub type Share = OwnedSemaphorePermit;

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { units: Arc::new(Semaphore::new((bytes / UNIT_BYTES).clamp(1, Semaphore::MAX_PERMITS))), wait: ROOM_WAIT }
    }

    /// Takes room for `bytes`, rounded up; waits at most [`ROOM_WAIT`].
    ///
    /// # Errors
    /// [`Error::Overloaded`].
    pub async fn take(&self, bytes: usize) -> Result<Share, Error> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).map_err(|_| Error::Overloaded)?;
        let taken = timeout(self.wait, Arc::clone(&self.units).acquire_many_owned(units)).await;
        taken.map_err(|_| Error::Overloaded)?.map_err(|_| Error::Overloaded)
    }
}

/// Reads a body of at most `limit` bytes, in `room`. The share is to be kept as long as the bytes.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::TooSlow`], [`Error::Overloaded`], or [`Error::Malformed`] when the line broke.
pub async fn read(body: Body, limit: usize, room: &Room) -> Result<(Bytes, Share), Error> {
    let mut share = room.take(0).await?;
    let mut bytes = Vec::new();
    let mut pieces = body.into_data_stream();
    let end = Instant::now() + BODY_TIME_MAX;
    let (mut window_end, mut window_bytes) = (Instant::now() + BODY_WINDOW, 0_usize);
    loop {
        let piece = match timeout_at(window_end.min(end), pieces.next()).await {
            Ok(None) => return Ok((bytes.into(), share)),
            Ok(Some(piece)) => piece.map_err(|_| Error::Malformed)?,
            Err(_) if window_bytes < BODY_BYTES_PER_WINDOW_MIN || Instant::now() >= end => return Err(Error::TooSlow),
            Err(_) => {
                (window_end, window_bytes) = (Instant::now() + BODY_WINDOW, 0);
                continue;
            }
        };
        if bytes.len().saturating_add(piece.len()) > limit {
            return Err(Error::TooLarge(limit));
        }
        let more = share.num_permits().saturating_mul(UNIT_BYTES) < bytes.len() + piece.len();
        if more {
            let lacking = bytes.len() + piece.len() - share.num_permits() * UNIT_BYTES;
            share.merge(room.take(lacking).await?);
        }
        bytes.extend_from_slice(&piece);
        window_bytes = window_bytes.saturating_add(piece.len());
        if Instant::now() >= window_end && window_bytes >= BODY_BYTES_PER_WINDOW_MIN {
            (window_end, window_bytes) = (Instant::now() + BODY_WINDOW, 0);
        }
    }
}

/// Reads a body that nobody will look at and keeps nothing of it, for at most [`DISCARD_TIME`] and `limit` bytes: who is still sending
/// hears no answer.
pub async fn discard(body: Body, limit: usize) {
    let mut pieces = body.into_data_stream();
    let mut bytes = 0_usize;
    let reading = async {
        while let Some(Ok(piece)) = pieces.next().await {
            bytes = bytes.saturating_add(piece.len());
            if bytes > limit {
                return;
            }
        }
    };
    // Whether it came to its end makes no difference.
    let _ended = timeout(DISCARD_TIME, reading).await;
}

/// A request's body that notes when all of it was read.
struct Watched {
    body: Body,
    ended: Arc<AtomicBool>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        frame
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer that leaves before its request was read ends the connection, and says so: nobody sends the next request on one that is
/// about to close.
pub(super) async fn closing_on_what_is_unread(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let ended = Arc::new(AtomicBool::new(false));
    let watch = Arc::clone(&ended);
    let mut response = next.run(request.map(|body| Body::new(Watched { body, ended: watch }))).await;
    if !ended.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The body of an answer; a large one takes `room` until its last piece is handed to the connection.
///
/// # Errors
/// [`Error::Overloaded`] when there is no room for a large one.
pub async fn answer(bytes: Vec<u8>, room: &Room) -> Result<Body, Error> {
    let share = if bytes.len() > ANSWER_BYTES_FREE { Some(room.take(bytes.len()).await?) } else { None };
    Ok(Body::new(Kept { bytes: bytes.into(), _share: share }))
}

/// The body of an answer in room that was taken before its length was known; what it does not need of that goes back.
pub fn answer_in(bytes: Vec<u8>, mut share: Share) -> Body {
    let spare = share.num_permits().saturating_sub(bytes.len().div_ceil(UNIT_BYTES));
    drop(share.split(spare));
    Body::new(Kept { bytes: bytes.into(), _share: Some(share) })
}

struct Kept {
    bytes: Bytes,
    _share: Option<Share>,
}

impl hyper::body::Body for Kept {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.bytes.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.bytes.split_to(length)))))
    }
    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn room(bytes: usize) -> Room {
        Room { wait: Duration::from_millis(20), ..Room::new(bytes) }
    }

    #[tokio::test]
    async fn a_large_answer_keeps_its_room_until_its_last_piece_is_taken_and_small_ones_need_none() {
        let room = room(5 * PIECE_BYTES);
        let first = answer(vec![1; 4 * PIECE_BYTES], &room).await.unwrap();
        assert!(matches!(answer(vec![2; 2 * PIECE_BYTES], &room).await, Err(Error::Overloaded)));
        assert!(answer(vec![3; ANSWER_BYTES_FREE], &room).await.is_ok());
        let mut pieces = first.into_data_stream();
        for _ in 0..4 {
            assert!(matches!(answer(vec![2; 2 * PIECE_BYTES], &room).await, Err(Error::Overloaded)));
            assert_eq!(pieces.next().await.unwrap().unwrap().len(), PIECE_BYTES);
        }
        drop(pieces);
        assert!(answer(vec![2; 2 * PIECE_BYTES], &room).await.is_ok());
        assert_eq!(hyper::body::Body::size_hint(&answer(vec![0; 300], &room).await.unwrap()).exact(), Some(300), "a length, no chunks");
    }

    #[tokio::test]
    async fn a_body_takes_room_as_it_comes_and_gives_it_back() {
        let room = room(8 * UNIT_BYTES);
        let body =
            |pieces: Vec<usize>| Body::from_stream(tokio_stream::iter(pieces.into_iter().map(|n| Ok::<_, Infallible>(vec![7_u8; n]))));
        let (bytes, share) = read(body(vec![1_000, 5_000]), 10_000, &room).await.unwrap();
        assert_eq!((bytes.len(), share.num_permits()), (6_000, 6));
        assert!(matches!(read(body(vec![1_000, 2_000]), 10_000, &room).await, Err(Error::Overloaded)));
        drop(share);
        assert_eq!(read(body(vec![1_000, 2_000]), 10_000, &room).await.unwrap().0.len(), 3_000);
        assert!(matches!(read(body(vec![5_000, 5_001]), 10_000, &room).await, Err(Error::TooLarge(10_000))));
        assert!(matches!(read(body(vec![6_000, 3_000]), 10_000, &room).await, Err(Error::Overloaded)), "more than there is at all");
        assert_eq!(read(body(vec![]), 10, &room).await.unwrap().0.len(), 0);
    }
}
