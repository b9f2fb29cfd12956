//! Headers of every answer, and the answer when a handler panicked.

use std::any::Any;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Error, Shared};

/// Nothing but our own files, no inline script or style, no framing, no foreign forms.
pub const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// One year, subdomains too.
const TRANSPORT: &str = "max-age=31536000; includeSubDomains";

/// Marks an answer to a device that needs none of these headers: phones pay for every byte.
#[derive(Debug, Clone, Copy)]
pub struct Bare;

/// Adds what is missing; a handler that set one of them knows better.
pub async fn add(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let device = request.uri().path().starts_with("/v1/");
    let private = device || request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    if response.extensions().get::<Bare>().is_some() {
        return response;
    }
    let headers = response.headers_mut();
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    if device {
        // No browser reads these answers, and phones pay for every byte.
        set(headers, CACHE_CONTROL, "no-store");
        return response;
    }
    set(headers, CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
    set(headers, REFERRER_POLICY, "no-referrer");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(headers, HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()");
    if private {
        set(headers, CACHE_CONTROL, "no-store");
    }
    if app.config().is_https() {
        set(headers, STRICT_TRANSPORT_SECURITY, TRANSPORT);
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// A handler panicked: the connection lives, the log has the place, the caller learns that it is our fault.
pub fn after_panic(payload: Box<dyn Any + Send + 'static>) -> Response {
    // The panic's text may quote content; the default hook has logged the place already.
    drop(payload);
    Error::Failed("a handler panicked".into()).into_response()
}
