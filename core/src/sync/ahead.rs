//! Documents of a long answer pass the gate on threads that the caller lends, while those before them are stored: the gate needs
//! nothing of the store, and takes as long. They come out in the order of the answer, so that nothing hangs on threads.
//!
//! In short answers, and where no thread is lent, each document is opened when its turn comes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;

use crate::crdt::Document;
use crate::crdt::gate::{Gate, Refusal};
use crate::exchange::{Answer, Item};
use crate::ids::ChangeHash;
use crate::model::kinds;

/// Answers of fewer documents need no threads.
const LONG_DOCUMENTS_MIN: usize = 64;
/// Threads that open documents at once, at most: then storing takes longer.
const OPENERS_MAX: usize = 3;
/// Documents that lie open, waiting for their turn: the memory that this costs.
const OPEN_MAX: usize = 64;

/// What the gate said of a document.
pub(super) type Opened = Result<Document, Refusal>;

/// The documents of an answer, opened ahead of their turn. Items are numbered through all its parts.
#[derive(Debug)]
pub(super) struct Ahead {
    gate: Gate,
    /// The document of the answer's item `n` comes over line `n % lines`; a line that is missing has its documents opened in their turn.
    lines: Vec<Option<Receiver<(usize, Opened)>>>,
    /// The next item of the answer.
    next: usize,
}

impl Ahead {
    /// Everything is opened in its turn.
    pub(super) const fn none(gate: Gate) -> Self {
        Self { gate, lines: Vec::new(), next: 0 }
    }

    /// Begins to open the documents of these answers from item `first` on, in their order, on so many threads. They end with the last
    /// document, or with this.
    pub(super) fn of(gate: Gate, answers: &Arc<[Answer]>, first: usize, threads: usize) -> Self {
        let documents = items(answers).skip(first).filter(|item| snapshot(item).is_some()).count();
        let openers = threads.min(OPENERS_MAX);
        if documents < LONG_DOCUMENTS_MIN || openers == 0 {
            return Self::none(gate);
        }
        let begin = |line: usize| {
            let (out, came) = sync_channel(OPEN_MAX / openers);
            let named = Builder::new().name("roadbook-opener".to_owned());
            let answers = Arc::clone(answers);
            let begun = named.spawn(move || open_all(gate, &answers, first, (line, openers), &out));
            begun.is_ok().then_some(came)
        };
        Self { gate, lines: (0..openers).map(begin).collect(), next: first }
    }

    /// Says which item has its turn next: those before it that had none are passed over.
    pub(super) const fn go_to(&mut self, item: usize) {
        self.next = item;
    }

    /// What the gate says of the answer's next item; `None` when it is no document.
    pub(super) fn opened(&mut self, item: &Item) -> Option<Opened> {
        let number = self.next;
        self.next += 1;
        let lines = self.lines.len();
        if let Some(Some(line)) = self.lines.get(number.checked_rem(lines).unwrap_or(0))
            && snapshot(item).is_some()
        {
            while let Ok((came, opened)) = line.recv() {
                if came == number {
                    return Some(opened);
                }
            }
        }
        open(self.gate, item)
    }
}

fn items(answers: &[Answer]) -> impl Iterator<Item = &Item> {
    answers.iter().flat_map(|answer| &answer.items)
}

/// Opens every document of one line from item `first` on; ends early when nobody takes them any more.
fn open_all(gate: Gate, answers: &[Answer], first: usize, (line, lines): (usize, usize), out: &SyncSender<(usize, Opened)>) {
    for (number, item) in items(answers).enumerate().skip(line).step_by(lines).filter(|(number, _)| *number >= first) {
        if let Some(opened) = open(gate, item)
            && out.send((number, opened)).is_err()
        {
            return;
        }
    }
}

fn open(gate: Gate, item: &Item) -> Option<Opened> {
    let (kind, bytes) = snapshot(item)?;
    Some(gate.admit_snapshot(bytes, &genesis_hashes(kind)))
}

fn snapshot(item: &Item) -> Option<(&str, &[u8])> {
    match item {
        Item::Document { kind, snapshot, .. } | Item::Lent { kind, snapshot, .. } => Some((kind, snapshot)),
        Item::Changes { .. } | Item::Row { .. } | Item::Forget { .. } => None,
    }
}

fn genesis_hashes(kind: &str) -> Vec<ChangeHash> {
    kinds::ready(kind).map(|ready| ready.rules.genesis().to_vec()).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]
mod tests {
    use super::*;
    use crate::exchange::Cursor;
    use crate::ids::{DocId, Ms, SubjectId};

    /// Answers of documents that are good, damaged, or none at all, in turn.
    fn answers(parts: usize, items: usize) -> Arc<[Answer]> {
        let good = kinds::ready("customer").unwrap().genesis.save();
        let item = |n: usize| {
            let subject = SubjectId::from_bytes([u8::try_from(n % 251).unwrap(); 16]);
            let doc = subject.customer();
            let document = |snapshot: Vec<u8>| Item::Document { doc, kind: "customer".to_owned(), subject, snapshot: snapshot.into() };
            match n % 3 {
                0 => document(good.clone()),
                1 => document(vec![u8::try_from(n % 256).unwrap(); 40]),
                _ => Item::Forget { doc: DocId::from_bytes([7; 16]) },
            }
        };
        let cursor = Cursor { epoch: [1; 16], number: 9 };
        (0..parts)
            .map(|part| Answer { items: (0..items).map(|n| item(part * items + n)).collect(), ..Answer::empty(Ms(1), cursor) })
            .collect()
    }

    fn said(opened: Option<Opened>) -> Option<Result<Vec<ChangeHash>, String>> {
        opened.map(|opened| opened.map(|document| document.heads().hashes().to_vec()).map_err(|refusal| refusal.to_string()))
    }

    #[test]
    fn what_is_opened_ahead_is_what_would_be_opened_in_turn() {
        let (gate, answers) = (Gate::lenient(), answers(4, 120));
        let mut in_turn = Ahead::none(gate);
        let expected: Vec<_> = items(&answers).map(|item| said(in_turn.opened(item))).collect();
        assert!(expected.iter().any(|said| matches!(said, Some(Ok(_)))) && expected.iter().any(|said| matches!(said, Some(Err(_)))));
        for (threads, first) in (0..=OPENERS_MAX + 1).flat_map(|threads| [0, 1, 7, 121].map(|first| (threads, first))) {
            let mut ahead = Ahead::of(gate, &answers, first, threads);
            assert_eq!(ahead.lines.len(), threads.min(OPENERS_MAX));
            ahead.go_to(first);
            let found: Vec<_> = items(&answers).skip(first).map(|item| said(ahead.opened(item))).collect();
            assert_eq!(found, expected[first..]);
        }
    }

    #[test]
    fn parts_are_passed_over_and_an_end_is_no_hang() {
        let (gate, answers) = (Gate::lenient(), answers(5, 100));
        let last = answers.last().unwrap();
        let mut in_turn = Ahead::none(gate);
        let expected: Vec<_> = last.items.iter().take(10).map(|item| said(in_turn.opened(item))).collect();
        let mut ahead = Ahead::of(gate, &answers, 0, 2);
        ahead.go_to(400);
        let found: Vec<_> = last.items.iter().take(10).map(|item| said(ahead.opened(item))).collect();
        assert_eq!(found, expected);
        // Ninety more are never asked for: the threads end with whoever asked.
        drop(ahead);
        let ended = (0..10_000_000).any(|_| {
            std::thread::yield_now();
            Arc::strong_count(&answers) == 1
        });
        assert!(ended, "a thread goes on");
    }
}
