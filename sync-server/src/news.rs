//! The wake-up: "there is news", told to every connected console and phone. Carries names of documents, never content;
//! data has one path, the exchange and the console's queries.
//!
//! Belongs here: the channel and its coalescing. Never here: who may hear of what (`http::news` filters), HTTP.

use std::sync::Arc;

use roadbook_core::ids::{DocId, SubjectId};
use tokio::sync::broadcast;

/// Batches of news that a slow listener may be behind before it is told "everything may have changed".
const BEHIND_MAX: usize = 256;
/// Documents named in one event; beyond it: "everything may have changed".
pub const DOCS_PER_EVENT_MAX: usize = 200;

/// A document that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Touched {
    /// Its id.
    pub doc: DocId,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: SubjectId,
}

/// What changed with one append, or because of a change of rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The head of the feed afterwards.
    pub number: u64,
    /// The documents; `None`: rights or scopes changed, anything may look different.
    pub docs: Option<Arc<[Touched]>>,
    /// Something was set aside: news for whoever decides about the quarantine, whatever else there is.
    pub aside: bool,
}

/// The channel. Cheap to clone.
#[derive(Debug, Clone)]
pub struct News {
    sender: broadcast::Sender<Event>,
}

impl Default for News {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(BEHIND_MAX) }
    }
}

impl News {
    /// Tells everyone who listens. Nobody listening is fine.
    pub fn tell(&self, number: u64, docs: Option<Vec<Touched>>) {
        // An error only says that nobody listens.
        let _heard = self.sender.send(Event { number, docs: docs.map(Arc::from), aside: false });
    }

    /// Tells that something was set aside.
    pub fn tell_aside(&self, number: u64) {
        let _heard = self.sender.send(Event { number, docs: Some(Arc::from([])), aside: true });
    }

    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener { receiver: self.sender.subscribe() }
    }
}

/// One listener.
#[derive(Debug)]
pub struct Listener {
    receiver: broadcast::Receiver<Event>,
}

impl Listener {
    /// Waits for news and gathers everything that is there already into one event. `None`: the server ends.
    pub async fn next(&mut self) -> Option<Event> {
        let mut gathered = match self.receiver.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(_)) => Event { number: 0, docs: None, aside: true },
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        loop {
            match self.receiver.try_recv() {
                Ok(event) => gathered = join(gathered, event),
                Err(broadcast::error::TryRecvError::Lagged(_)) => gathered.docs = None,
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return Some(gathered),
            }
        }
    }
}

fn join(one: Event, other: Event) -> Event {
    let docs = match (one.docs, other.docs) {
        (Some(one), Some(other)) => {
            let mut docs: Vec<Touched> = one.iter().chain(other.iter()).cloned().collect();
            docs.sort_unstable();
            docs.dedup();
            (docs.len() <= DOCS_PER_EVENT_MAX).then(|| Arc::from(docs))
        }
        _ => None,
    };
    Event { number: one.number.max(other.number), docs, aside: one.aside || other.aside }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    fn touched(n: u16) -> Touched {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        Touched { doc: DocId::from_bytes(bytes), kind: "customer".to_owned(), subject: SubjectId::from_bytes(bytes) }
    }

    #[tokio::test]
    async fn what_comes_together_is_told_once() {
        let news = News::default();
        news.tell(1, Some(vec![touched(9)]));
        let mut listener = news.listen();
        news.tell(2, Some(vec![touched(1)]));
        news.tell(3, Some(vec![touched(2), touched(1)]));
        let event = listener.next().await.unwrap();
        assert_eq!((event.number, event.docs.unwrap().to_vec()), (3, vec![touched(1), touched(2)]));
        news.tell(4, None);
        news.tell(5, Some(vec![touched(1)]));
        assert_eq!(listener.next().await.unwrap(), Event { number: 5, docs: None, aside: false });
        news.tell(6, Some(vec![touched(1)]));
        news.tell_aside(6);
        let event = listener.next().await.unwrap();
        assert_eq!((event.docs.unwrap().to_vec(), event.aside), (vec![touched(1)], true));
        drop(news);
        assert_eq!(listener.next().await, None);
    }

    #[tokio::test]
    async fn too_much_and_too_late_become_everything() {
        let news = News::default();
        let mut listener = news.listen();
        for n in 0..u16::try_from(DOCS_PER_EVENT_MAX + 1).unwrap() {
            news.tell(u64::from(n), Some(vec![touched(n)]));
        }
        assert_eq!(listener.next().await.unwrap().docs, None);
        for n in 0..u64::try_from(BEHIND_MAX * 2).unwrap() {
            news.tell(n, Some(vec![]));
        }
        assert_eq!(listener.next().await.unwrap().docs, None);
    }
}
