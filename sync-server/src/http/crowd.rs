//! How many may be here at once: connections in all and of one address, requests under way; and what those hear for whom there is no
//! place. Never here: what a request wants.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::peer::group;
use super::serve::HEADER_BYTES_MAX;
use super::{Error, Shared, error};
use crate::config::Config;

/// Connections that are being told at the same time that there is no place; beyond it they are closed without a word.
pub(super) const REFUSALS_AT_ONCE_MAX: usize = 64;
/// How long that may take.
pub(super) const REFUSAL_TIME: Duration = Duration::from_secs(2);
/// What a refused connection sent is read up to this and thrown away: closing on unread bytes would cut the refusal off.
const REFUSED_BYTES_READ: u64 = 64 << 10;

type PerAddress = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// The places for connections.
#[derive(Debug)]
pub(super) struct Crowd {
    places: Arc<Semaphore>,
    total: u32,
    per_address_max: Option<usize>,
    per_address: PerAddress,
    refusals: Arc<Semaphore>,
    speaks_plain: bool,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _place: OwnedSemaphorePermit,
    _address: Option<OfAddress>,
}

#[derive(Debug)]
struct OfAddress(IpAddr, PerAddress);

impl Crowd {
    pub(super) fn new(config: &Config) -> Self {
        let limits = &config.limits;
        let total = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        Self {
            places: Arc::new(Semaphore::new(limits.connections)),
            total,
            // A proxy has one address for everybody.
            per_address_max: (!config.behind_proxy).then_some(limits.connections_per_address),
            per_address: PerAddress::default(),
            refusals: Arc::new(Semaphore::new(REFUSALS_AT_ONCE_MAX)),
            speaks_plain: config.tls.is_none(),
        }
    }

    /// A place for a connection from this address, if there is one.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let Some(max) = self.per_address_max else { return Some(Place { _place: place, _address: None }) };
        let address = group(address);
        let mut book = held(&self.per_address);
        let here = book.entry(address).or_insert(0);
        if *here >= max {
            return None;
        }
        *here += 1;
        drop(book);
        Some(Place { _place: place, _address: Some(OfAddress(address, Arc::clone(&self.per_address))) })
    }

    /// Tells a connection that there is no place for it, and closes it.
    pub(super) fn turn_away(&self, mut stream: TcpStream) {
        // Over TLS a word would cost the handshake that there is no place for.
        let Some(turn) = Arc::clone(&self.refusals).try_acquire_owned().ok().filter(|_| self.speaks_plain) else { return };
        tokio::spawn(async move {
            let told = timeout(REFUSAL_TIME, async {
                stream.write_all(error::overloaded_response().as_bytes()).await?;
                stream.shutdown().await?;
                tokio::io::copy(&mut (&mut stream).take(REFUSED_BYTES_READ), &mut tokio::io::sink()).await
            });
            // Whether it was heard changes nothing.
            let _told = told.await;
            drop(turn);
        });
    }

    /// Resolves when all connections have ended.
    pub(super) async fn empty(&self) {
        // The places are never closed.
        let _all = self.places.acquire_many(self.total).await;
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut book = held(&self.1);
        if let Some(here) = book.get_mut(&self.0) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                book.remove(&self.0);
            }
        }
    }
}

fn held(book: &PerAddress) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets a bounded number of requests be under way; the others hear 503.
pub(super) async fn one_of_the_requests(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let Ok(_place) = app.requests().try_acquire() else { return Error::Overloaded.into_response() };
    next.run(request).await
}

/// Refuses what two servers could read in two ways, and what would have to be inflated first. After a body without a length the
/// connection ends: nothing behind it is ever taken for a request.
pub(super) async fn plainly_framed(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let chunked = headers.contains_key(TRANSFER_ENCODING);
    let mut response = if chunked && headers.contains_key(CONTENT_LENGTH) || many(headers) {
        Error::Malformed.into_response()
    } else if header_bytes(&request) > HEADER_BYTES_MAX {
        // The buffer's own limit leaves room for what came with the last read.
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response()
    } else if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        Error::WrongType.into_response()
    } else {
        next.run(request).await
    };
    if chunked {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Bytes of a request before its body, as they came over the line.
fn header_bytes(request: &Request) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    // ": " and the end of the line.
    request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).fold(target, usize::saturating_add)
}

fn many(headers: &HeaderMap) -> bool {
    [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| headers.get_all(name).iter().count() > 1)
}
