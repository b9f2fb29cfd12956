//! Who is asking, at the console: the session behind the cookie. A handler that lacks this extractor cannot see a user.
//!
//! A request that changes something must also come from our own page: its `Origin` is ours.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use roadbook_core::ids::{SubjectId, UserId};

use super::peer::Peer;
use super::{Error, Shared};
use crate::access::{self, Action, Command, Reach, Relation, Role};
use crate::accounts::{SESSION_LIFE_MS, SessionToken, Use, User, Who};
use crate::config::Config;
use crate::feed::Filing;

/// The cookie's name over TLS: the prefix makes browsers refuse it from anywhere else.
const COOKIE_SECURE: &str = "__Host-roadbook";
/// The cookie's name on loopback without TLS.
const COOKIE_PLAIN: &str = "roadbook";

/// The console's channel of news.
pub(super) const NEWS_PATH: &str = "/api/news";
/// Header of a request that the page makes by itself, because of news: it keeps no session alive.
const BY_ITSELF: &str = "roadbook-by-itself";

/// A person at the console, with what is needed to judge every right.
#[derive(Debug, Clone)]
pub struct Session {
    /// The person.
    pub user: User,
    /// The territories that they work in or answer for, those below included.
    pub reach: Reach,
    /// Where the request came from.
    pub address: String,
    /// The session's token, to end it.
    pub token: SessionToken,
}

impl Session {
    /// The person's role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.user.role
    }
    /// The person's id: the author of what they write.
    #[must_use]
    pub const fn id(&self) -> UserId {
        self.user.id
    }
    /// How they stand to something filed so (`None`: not filed).
    #[must_use]
    pub fn relation(&self, filing: Option<&Filing>) -> Relation {
        Relation::of(self.user.id, &self.reach, filing)
    }
    /// Whether they may do `action` to `part` of something filed so.
    #[must_use]
    pub fn may(&self, action: Action, part: &str, filing: Option<&Filing>) -> bool {
        access::may(self.user.role, self.relation(filing), action, part)
    }
    /// Whether they may give `command` about something filed so.
    #[must_use]
    pub fn may_command(&self, command: Command, filing: Option<&Filing>) -> bool {
        access::may_command(self.user.role, self.relation(filing), command)
    }
    /// Refuses with 403 unless the role may give `command` at all.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require(&self, command: Command) -> Result<(), Error> {
        if access::table::command(self.user.role, command) { Ok(()) } else { Err(Error::Forbidden) }
    }
    /// For the audit log.
    #[must_use]
    pub fn who(&self) -> Who {
        Who::person(self.user.id, &self.address)
    }
    /// Where a subject is filed, when they may read any of `kind` about it: the predicate of every reading endpoint.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it does not exist or may not be known; the two look alike.
    pub fn readable(&self, app: &crate::app::App, kind: &str, subject: SubjectId) -> Result<Filing, Error> {
        let filing = app.feed().filing(subject)?.ok_or(Error::NotFound)?;
        let relation = self.relation(Some(&filing));
        if access::may_read_kind(self.user.role, relation, kind) { Ok(filing) } else { Err(Error::NotFound) }
    }
    /// Where a customer is filed, when they may do `action` to `part` of what is kept about it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the card may not be known, [`Error::Forbidden`] when it may and this may not be done.
    pub fn allowed(&self, app: &crate::app::App, action: Action, part: &str, customer: SubjectId) -> Result<Filing, Error> {
        let filing = self.readable(app, "customer", customer)?;
        if self.may(action, part, Some(&filing)) { Ok(filing) } else { Err(Error::Forbidden) }
    }
}

impl FromRequestParts<Shared> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Error> {
        check_origin(&parts.method, &parts.headers, app.config())?;
        let token = token(&parts.headers, app.config()).ok_or(Error::LoggedOut)?;
        let Ok(Peer(address)) = Peer::from_request_parts(parts, app).await;
        let by = if parts.uri.path() == NEWS_PATH || parts.headers.contains_key(BY_ITSELF) { Use::ByItself } else { Use::Person };
        app.blocking(move |app| {
            let user = app.accounts().session_user(app.now(), &token, by)?.ok_or(Error::LoggedOut)?;
            let territories = app.accounts().territories_below(&user.territories)?;
            Ok(Self { reach: Reach::of(user.role, territories), user, address, token })
        })
        .await?
    }
}

impl OptionalFromRequestParts<Shared> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Option<Self>, Error> {
        match <Self as FromRequestParts<Shared>>::from_request_parts(parts, app).await {
            Ok(session) => Ok(Some(session)),
            Err(Error::LoggedOut) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

/// The token of the request's cookie.
fn token(headers: &HeaderMap, config: &Config) -> Option<SessionToken> {
    let name = cookie_name(config);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .and_then(|(_, value)| SessionToken::parse(value))
}

fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() { COOKIE_SECURE } else { COOKIE_PLAIN }
}

/// `Set-Cookie` that begins a session (`Some`) or ends it (`None`).
pub(super) fn set_cookie(config: &Config, token: Option<&SessionToken>) -> Option<HeaderValue> {
    let name = cookie_name(config);
    let secure = if config.is_https() { "; Secure" } else { "" };
    let (value, age_s) = token.map_or(("", 0), |token| (token.as_str(), SESSION_LIFE_MS / 1_000));
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}")).ok()
}

/// A request that may change something must come from our own origin. Browsers send `Origin` with every such request.
pub(super) fn check_origin(method: &Method, headers: &HeaderMap, config: &Config) -> Result<(), Error> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let origin = headers.get(ORIGIN).and_then(|value| value.to_str().ok()).ok_or(Error::ForeignOrigin)?;
    let ours = match &config.public_url {
        Some(url) => origin == url,
        // No public address was named: what the browser calls this server must be what its page came from.
        None => {
            let host = headers.get(HOST).and_then(|value| value.to_str().ok());
            let from = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://").filter(|_| !config.is_https()));
            host.is_some() && from == host
        }
    };
    if ours { Ok(()) } else { Err(Error::ForeignOrigin) }
}
