//! The accept loop: our own, because axum's has no deadline for handshakes, headers, bodies, idle connections or the shutdown.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::crowd::{Crowd, Place};
use super::patience::Patient;
use super::peer::SocketPeer;
use super::{Shared, tls};

/// From the opening of a connection to the end of the TLS handshake.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// From the opening of a connection, or the end of an answer, to the end of the next request's headers. Also how long a
/// kept connection may idle.
pub const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long requests under way may go on once the server is asked to end.
pub const SHUTDOWN_TIME: Duration = Duration::from_secs(20);
/// Headers of one request, in bytes; also hyper's read buffer.
pub const HEADER_BYTES_MAX: usize = 32 << 10;
/// Headers of one request, in number.
pub const HEADERS_MAX: usize = 64;
/// Pause after a failed accept (the process is out of file handles).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` resolves, then lets requests under way end, for at most [`SHUTDOWN_TIME`]. Speaks TLS when the setting says so.
pub async fn serve(app: Shared, listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let crowd = Crowd::new(app.config());
    let (leave, left) = watch::channel(false);
    if let Some(tls) = app.tls() {
        let (now, mut left) = (Arc::clone(&app), left.clone());
        tokio::spawn(tls::watch(Arc::clone(tls), move || now.now(), async move { asked_to_leave(&mut left).await }));
    }
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => {
                let _no_delay = stream.set_nodelay(true);
                match crowd.enter(address.ip()) {
                    Some(place) => {
                        let peer = SocketPeer(address.ip());
                        tokio::spawn(connection(Arc::clone(&app), stream, peer, router.clone(), left.clone(), place));
                    }
                    None => crowd.turn_away(stream),
                }
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
    if tokio::time::timeout(SHUTDOWN_TIME, crowd.empty()).await.is_err() {
        tracing::warn!("connections that did not end in time are cut");
    }
}

async fn connection(app: Shared, stream: TcpStream, peer: SocketPeer, router: Router, left: watch::Receiver<bool>, place: Place) {
    let stream = Patient::new(stream);
    match app.tls() {
        None => talk(stream, peer, router, left).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
            Ok(Ok(stream)) => talk(stream, peer, router, left).await,
            Ok(Err(cause)) => tracing::debug!(%cause, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        },
    }
    drop(place);
}

/// Requests and answers on one connection, until it ends.
async fn talk(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketPeer, router: Router, mut left: watch::Receiver<bool>) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(io), service);
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
}

async fn asked_to_leave(left: &mut watch::Receiver<bool>) {
    // An error says that the sender is gone: the server ends too.
    let _asked = left.wait_for(|leaving| *leaving).await.is_ok();
}
