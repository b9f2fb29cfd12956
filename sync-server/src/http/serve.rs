//! The accept loop: our own, because axum's has no deadline for headers, bodies, idle connections or the shutdown.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

use super::Shared;
use super::patience::Patient;
use super::peer::SocketPeer;

/// From the opening of a connection, or the end of an answer, to the end of the next request's headers. Also how long a
/// kept connection may idle.
pub const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long one write may stand still because the peer takes nothing.
pub const WRITE_STUCK_TIME: Duration = Duration::from_secs(30);
/// How long requests under way may go on once the server is asked to end.
pub const SHUTDOWN_TIME: Duration = Duration::from_secs(20);
/// Headers of one request, in bytes; also hyper's read buffer.
const HEADER_BYTES_MAX: usize = 32 << 10;
/// Pause after a failed accept (the process is out of file handles).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` resolves, then lets requests under way end, for at most [`SHUTDOWN_TIME`].
pub async fn serve(app: Shared, listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let places = std::sync::Arc::new(Semaphore::new(app.config().limits.connections));
    let (leave, left) = watch::channel(false);
    let total = app.config().limits.connections;
    tokio::pin!(stop);
    loop {
        // No place is free: the backlog of the system holds the others.
        let place = tokio::select! {
            place = std::sync::Arc::clone(&places).acquire_owned() => place,
            () = &mut stop => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => {
                let _no_delay = stream.set_nodelay(true);
                tokio::spawn(connection(stream, SocketPeer(address.ip()), router.clone(), left.clone(), place));
            }
            Err(cause) => {
                tracing::warn!(%cause, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    app.end();
    leave.send_replace(true);
    let everyone = u32::try_from(total).unwrap_or(u32::MAX);
    if tokio::time::timeout(SHUTDOWN_TIME, places.acquire_many(everyone)).await.is_err() {
        tracing::warn!("connections that did not end in time are cut");
    }
}

async fn connection(stream: TcpStream, peer: SocketPeer, router: Router, mut left: watch::Receiver<bool>, place: OwnedSemaphorePermit) {
    let io = TokioIo::new(Patient::new(stream, WRITE_STUCK_TIME));
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(io, service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = asked_to_leave(&mut left) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%cause, "a connection ended");
    }
    drop(place);
}

async fn asked_to_leave(left: &mut watch::Receiver<bool>) {
    // An error says that the sender is gone: the server ends too.
    let _asked = left.wait_for(|leaving| *leaving).await.is_ok();
}
