//! Ways out, for devices: a first sync of every role, and what follows when a customer moves away. No answer holds a byte of a
//! document that its receiver may read nothing of.

use std::collections::BTreeSet;

use roadbook_core::exchange::{Answer, Checkpoint, Cursor, Item};
use roadbook_core::ids::DocId;
use roadbook_server::access::{Relation, Role, may_read_kind};

use super::company::{Company, Place, Seat, holds};

/// Answers after which a pull is stuck.
const TURNS_MAX: usize = 200;

/// Everything that a device was sent.
#[derive(Default)]
struct Pulled {
    /// All answers, unpacked.
    plain: Vec<u8>,
    documents: BTreeSet<DocId>,
    forgotten: BTreeSet<DocId>,
    at: Option<(Cursor, Option<Checkpoint>)>,
}

impl Pulled {
    /// Pulls until nothing more waits.
    fn go_on(&mut self, company: &Company, seat: &Seat) {
        for _ in 0..TURNS_MAX {
            let mut request = company.server.request(&seat.good, Vec::new());
            (request.cursor, request.checkpoint) = self.at.map_or((None, None), |(cursor, checkpoint)| (Some(cursor), checkpoint));
            let (answer, frame) = company.server.exchange(&seat.good, &request);
            self.plain.extend(zstd::decode_all(&frame[1..]).unwrap());
            self.take(&answer);
            if !answer.more {
                return;
            }
        }
        panic!("{:?}: a pull without end", seat.role);
    }

    fn take(&mut self, answer: &Answer) {
        self.at = Some((answer.cursor, answer.checkpoint));
        for item in &answer.items {
            match item {
                Item::Document { doc, .. } | Item::Changes { doc, .. } | Item::Row { doc, .. } | Item::Lent { doc, .. } => {
                    self.documents.insert(*doc);
                }
                Item::Forget { doc } => {
                    self.forgotten.insert(*doc);
                }
            }
        }
    }

    /// Nothing of what this person may read nothing of is among it.
    fn is_clean(&self, company: &Company, seat: &Seat) {
        for planted in company.foreign(seat) {
            let what = format!("{:?} was sent {}", seat.role, planted.marker);
            assert!(!holds(&self.plain, planted.marker.as_bytes()), "{what}");
        }
    }
}

#[test]
fn a_first_sync_brings_what_may_be_read_and_nothing_else() {
    let company = Company::new();
    for seat in &company.seats {
        let mut pulled = Pulled::default();
        pulled.go_on(&company, seat);
        pulled.is_clean(&company, seat);
        let foreign: BTreeSet<DocId> = company.foreign(seat).iter().map(|planted| planted.doc).collect();
        for planted in company.foreign(seat) {
            assert!(!pulled.documents.contains(&planted.doc), "{:?}: {}", seat.role, planted.marker);
            assert!(!holds(&pulled.plain, planted.doc.as_bytes()), "{:?} hears of {}", seat.role, planted.marker);
        }
        assert!(pulled.forgotten.is_empty(), "{:?}", seat.role);
        if seat.role == Role::Salesperson {
            let all = company.planted.iter().filter(|planted| !foreign.contains(&planted.doc));
            for planted in all {
                assert!(pulled.documents.contains(&planted.doc), "{:?} lacks {}", seat.role, planted.marker);
                assert!(holds(&pulled.plain, planted.marker.as_bytes()), "{:?} lacks the text of {}", seat.role, planted.marker);
            }
        }
        let empty = seat.role == Role::Admin;
        assert_eq!(pulled.documents.is_empty(), empty, "{:?}: {} documents", seat.role, pulled.documents.len());
    }
}

#[test]
fn what_moved_away_is_forgotten_and_nothing_of_it_comes_again() {
    let mut company = Company::new();
    let mut pulled: Vec<Pulled> = company
        .seats
        .iter()
        .map(|seat| {
            let mut pulled = Pulled::default();
            pulled.go_on(&company, seat);
            Pulled { plain: Vec::new(), ..pulled }
        })
        .collect();
    company.move_away();
    for (seat, pulled) in company.seats.iter().zip(&mut pulled) {
        pulled.go_on(&company, seat);
        pulled.is_clean(&company, seat);
        for planted in company.planted.iter().filter(|planted| planted.place == Place::Formerly) {
            // Forgetting what was never held is no harm; forgetting what may be read would be.
            let readable = may_read_kind(seat.role, company.relation(seat, planted), planted.kind.id);
            assert!(!(readable && pulled.forgotten.contains(&planted.doc)), "{:?} must keep {}", seat.role, planted.marker);
            let gone = company.relation(seat, planted) == Relation::Elsewhere && pulled.documents.contains(&planted.doc);
            assert!(pulled.forgotten.contains(&planted.doc) || !gone, "{:?} keeps {}", seat.role, planted.marker);
        }
    }
    let seller = &pulled[0];
    assert!(!seller.forgotten.is_empty(), "the salesperson gave something up");
}
