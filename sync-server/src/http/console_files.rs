//! The files of the HQ console: embedded by the build, served with the right type, an entity tag and a strict policy.
//! Never here: the JSON that the console asks for (`console/`), or who is logged in: these files hold no customer's content.

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use rust_embed::{Embed, EmbeddedFile};

/// Everything comes from this server, nothing but the small picture of an urgent report is written into the page, and nobody
/// frames it.
pub const POLICY: &str = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
                          object-src 'none'";
/// Paths that belong to other rooms: an unknown one below them is never answered with the page.
const OTHERS: [&str; 2] = ["api/", "v1/"];
const INDEX: &str = "index.html";
/// Files under this folder carry a digest in their name, and so never change.
const FOR_EVER: &str = "assets/";

#[derive(Embed)]
#[folder = "$OUT_DIR/console"]
struct Files;

/// Answers a request for a file of the console. Unknown addresses get the page itself, which knows its own rooms;
/// unknown files (a name with a dot) and anything under `/api/` and `/v1/` are not found.
///
/// * 200 with the file, or 304 when the browser holds it already;
/// * 404 when there is no such file;
/// * 405 for anything but GET and HEAD.
pub async fn console_file(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, &[(ALLOW, "GET, HEAD")]);
    }
    let path = uri.path().trim_start_matches('/');
    let Some((name, file)) = find(path) else {
        return plain(StatusCode::NOT_FOUND, &[]);
    };
    let tag = entity_tag(&file);
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|held| names(held, &tag));
    let mut answer = if known {
        plain(StatusCode::NOT_MODIFIED, &[])
    } else {
        let length = file.data.len();
        let body = if method == Method::HEAD { Body::empty() } else { Body::from(file.data) };
        let mut answer = Response::new(body);
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        answer
    };
    let keep = if name.starts_with(FOR_EVER) { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    guard(answer)
}

/// The file of a path, or the page for an address of one of its rooms.
fn find(path: &str) -> Option<(&str, EmbeddedFile)> {
    if !path.is_empty()
        && let Some(file) = Files::get(path)
    {
        return Some((path, file));
    }
    let last = path.rsplit('/').next().unwrap_or("");
    let of_others = OTHERS.iter().any(|other| path.starts_with(other) || Some(path) == other.strip_suffix('/'));
    if of_others || last.contains('.') { None } else { Files::get(INDEX).map(|file| (INDEX, file)) }
}

fn entity_tag(file: &EmbeddedFile) -> String {
    let digest = file.metadata.sha256_hash();
    let text: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{text}\"")
}

/// Whether an `If-None-Match` header names this tag.
fn names(held: &str, tag: &str) -> bool {
    held.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn plain(status: StatusCode, headers: &[(axum::http::HeaderName, &'static str)]) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    for (name, value) in headers {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    guard(answer)
}

/// The headers that every answer carries.
fn guard(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    answer
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing test says where")]

    use super::*;

    async fn ask(method: Method, path: &str, held: Option<&str>) -> Response<Body> {
        let mut headers = HeaderMap::new();
        if let Some(held) = held {
            headers.insert(IF_NONE_MATCH, held.parse().unwrap());
        }
        console_file(method, path.parse().unwrap(), headers).await
    }

    #[tokio::test]
    async fn rooms_get_the_page_under_the_policy() {
        for path in ["/", "/customers", "/customers/0198c2b6-0000-7000-8000-000000000000", "/login?next=%2Fvisits", "/apis"] {
            let answer = ask(Method::GET, path, None).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            assert_eq!(answer.headers().get(CONTENT_TYPE).unwrap(), "text/html; charset=utf-8");
            assert_eq!(answer.headers().get(CONTENT_SECURITY_POLICY).unwrap(), POLICY);
            assert_eq!(answer.headers().get(CACHE_CONTROL).unwrap(), "no-cache");
        }
    }

    #[tokio::test]
    async fn what_the_browser_holds_is_not_sent_again() {
        let first = ask(Method::GET, "/", None).await;
        let tag = first.headers().get(ETAG).unwrap().to_str().unwrap().to_owned();
        for held in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            assert_eq!(ask(Method::GET, "/", Some(&held)).await.status(), StatusCode::NOT_MODIFIED);
        }
        assert_eq!(ask(Method::GET, "/", Some("\"other\"")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn unknown_files_and_other_rooms_are_not_the_page() {
        for path in ["/assets/gone.js", "/api", "/api/nothing", "/v1/sync", "/../Cargo.toml", "/%2e%2e/secret.txt"] {
            assert_eq!(ask(Method::GET, path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(ask(Method::POST, "/", None).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn every_file_has_a_known_type_and_the_page_holds_no_code() {
        for name in Files::iter() {
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
        }
        let page = String::from_utf8(Files::get(INDEX).unwrap().data.into_owned()).unwrap();
        assert!(!page.contains("<style") && !page.contains("onload=") && !page.contains("style="));
        assert!(!page.contains("<script>"), "scripts are files: the policy lets nothing else run");
    }
}
