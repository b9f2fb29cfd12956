//! An answer in the frame that carries it.

use roadbook_core::exchange::{Answer, Checkpoint, Cursor, Item, parts};
use roadbook_core::ids::DocId;

use super::super::Parts;
use super::NOW;

#[test]
fn of_an_answer_that_fits_no_frame_the_first_parts_go() {
    let noise = |part: u64| -> Vec<u8> {
        let mut state = part + 1;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        (0..4_000_000).map(|_| next()).collect()
    };
    let part = |no: u64| {
        let doc = DocId::derived(&no.to_string());
        let item = Item::Document { doc, kind: "customer".to_owned(), subject: doc.into(), snapshot: noise(no).into() };
        let (last, cursor) = (no == 5, Cursor { epoch: [1; 16], number: 0 });
        let checkpoint = (!last).then_some(Checkpoint { base: 9, upto: no });
        Answer { items: vec![item], checkpoint, more: !last, ..Answer::empty(NOW, cursor) }
    };
    let parts = Parts((0..6).map(part).collect());
    let frame = parts.encode().unwrap();
    let read = parts::decode(&frame).unwrap().answers;
    assert_eq!(Some(read.as_slice()), parts.list().get(..3));
    assert!(read.iter().all(|part| part.more), "the rest is asked for");
}
