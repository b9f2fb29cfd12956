//! `GET /v1/news` (devices) and `GET /api/news` (console): server-sent events that say "there is news", at most one a second.
//!
//! A device hears only of what its scopes hold; its event is empty but for the head of the feed. The console hears the
//! names of documents that its person may read, and whoever decides about the quarantine that something was set aside. Every [`KEEP_ALIVE`] a comment keeps the line open.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use roadbook_core::ids::DeviceId;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::session::Session;
use super::signed::SignedRequest;
use super::{Error, Shared};
use crate::access::{self, Command};
use crate::accounts::Use;
use crate::app::{App, Overloaded};
use crate::device::Standing;
use crate::exchange::scope;
use crate::news::{Event, Listener, Touched};

/// News are gathered for this long before they are told.
const GATHER: Duration = Duration::from_secs(1);
/// An overloaded server tries so often, a [`GATHER`] apart, before it closes a device's channel.
const PATIENCE: usize = 60;
/// A comment is sent this often.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// Asks a proxy to hand events on as they come.
const UNBUFFERED: [(&str, &str); 1] = [("x-accel-buffering", "no")];
/// A channel is closed after this long; the other side opens a new one (and proves again who it is).
const CHANNEL_LIFE: Duration = Duration::from_secs(30 * 60);

/// * 200 with an event stream; event `news`, data `{"number": …}`.
/// * 401 when the request is not signed; 403 for a device that may only hand in; 429 over budget.
pub async fn device_news(State(app): State<Shared>, request: SignedRequest) -> Result<impl IntoResponse, Error> {
    if request.caller.standing == Standing::DrainOnly {
        return Err(Error::Forbidden);
    }
    let told = app.blocking(|app| app.feed().head()).await??;
    let listener = app.news().listen();
    Ok(stream(app, listener, Audience::Device { request: Box::new(request), told }))
}

/// * 200 with an event stream; event `news`, data `{"number": …, "docs": [{"doc", "kind", "subject"}, …] | null}`.
/// * 401 when nobody is logged in.
pub async fn console_news(State(app): State<Shared>, session: Session) -> Result<impl IntoResponse, Error> {
    let listener = app.news().listen();
    Ok(stream(app, listener, Audience::Console(Box::new(session))))
}

/// Who is listening.
enum Audience {
    /// A device; the request's turn belongs to the channel for as long as it is open.
    Device { request: Box<SignedRequest>, told: u64 },
    /// A person at the console.
    Console(Box<Session>),
}

impl Audience {
    /// What this audience is told of a piece of news: `Some(None)` nothing, `None` nothing ever again.
    async fn hear(&mut self, app: &Shared, event: Event) -> Option<Option<String>> {
        match self {
            Self::Device { request, told } => {
                let (user, since) = (request.caller.user.id, *told);
                let device = request.caller.device.id;
                let look = move |app: &App| still_good(app, device).then(|| app.exchange().news_for(user, since));
                // Under load the wake-up comes later; closing the channel would only bring the device back at once.
                let mut news = Err(Overloaded);
                for _ in 0..PATIENCE {
                    news = app.blocking(look).await;
                    if news.is_ok() {
                        break;
                    }
                    tokio::time::sleep(GATHER).await;
                }
                let head = news.ok()??.ok()?;
                *told = head.unwrap_or(*told);
                Some(head.map(|head| json!({ "number": head }).to_string()))
            }
            Self::Console(session) => {
                let (asked, docs) = (session.clone(), event.docs.map(|docs| docs.to_vec()));
                let told = app.blocking(move |app| {
                    // A session that ended meanwhile hears nothing more.
                    app.accounts().session_user(app.now(), &asked.token, Use::ByItself).ok()??;
                    Some(docs.map(|docs| readable(app, &asked, docs)))
                });
                let docs = told.await.ok()??;
                let desk = event.aside && session.require(Command::Quarantine).is_ok();
                let worth_telling = desk || docs.as_ref().is_none_or(|docs| !docs.is_empty());
                Some(worth_telling.then(|| json!({ "number": event.number, "docs": docs }).to_string()))
            }
        }
    }
}

/// Whether a device was neither revoked nor its person disabled since it opened the channel.
fn still_good(app: &App, device: DeviceId) -> bool {
    let device = app.accounts().device(device).ok().flatten().filter(|device| device.revoked_at.is_none());
    let user = device.and_then(|device| app.accounts().user(device.user).ok().flatten());
    user.is_some_and(|user| !user.disabled)
}

fn readable(app: &App, session: &Session, docs: Vec<Touched>) -> Vec<Touched> {
    let may = |touched: &Touched| {
        let document = (touched.doc, touched.kind.as_str(), touched.subject);
        let relation = scope::relation(app.accounts(), app.feed(), (session.user.id, &session.reach), document).ok()?;
        Some(access::may_read_kind(session.role(), relation, &touched.kind))
    };
    docs.into_iter().filter(|touched| may(touched).unwrap_or(false)).collect()
}

/// Tells the audience every gathered piece of news, until it may hear no more, goes away, or the server ends.
fn stream(app: Shared, mut listener: Listener, mut audience: Audience) -> impl IntoResponse {
    let (outlet, events) = mpsc::channel::<Result<sse::Event, Infallible>>(1);
    let mut ending = app.ending();
    tokio::spawn(async move {
        let life = tokio::time::sleep(CHANNEL_LIFE);
        tokio::pin!(life);
        loop {
            let event = tokio::select! {
                event = listener.next() => event,
                () = outlet.closed() => None,
                () = &mut life => None,
                () = ended(&mut ending) => None,
            };
            let Some(event) = event else { return };
            let Some(heard) = audience.hear(&app, event).await else { return };
            if let Some(text) = heard
                && outlet.send(Ok(sse::Event::default().event("news").data(text))).await.is_err()
            {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = ended(&mut ending) => return,
            }
        }
    });
    // nginx would gather events until its buffer is full, which takes them the whole life of a channel.
    (UNBUFFERED, Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    // An error says that the sender is gone: the server ends too.
    let _ended = ending.wait_for(|ended| *ended).await.is_ok();
}
