//! A device in an enemy's hand: takes a good request and twists what it hands in. What it says may be set aside or refused; it must
//! hurt nobody else.

use minicbor::bytes::ByteVec;
use roadbook_core::exchange::Request;
use roadbook_core::ids::{DocId, SubjectId};

use super::chance::Chance;

/// The request, twisted in one way or another.
pub(crate) fn twisted(frame: &[u8], chance: &mut Chance) -> Vec<u8> {
    let Ok(mut request) = Request::decode(frame) else { return frame.to_vec() };
    if request.pushed.is_empty() {
        return frame.to_vec();
    }
    for _ in 0..=chance.below(3) {
        let place = chance.below(request.pushed.len());
        let other = request.pushed[chance.below(request.pushed.len())].clone();
        let pushed = &mut request.pushed[place];
        match chance.below(9) {
            0 => {
                for change in &mut pushed.changes {
                    let at = chance.below(change.len());
                    let mut bytes = change.to_vec();
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << chance.below(8);
                    }
                    *change = ByteVec::from(bytes);
                }
            }
            1 => pushed.changes.reverse(),
            2 => pushed.changes = other.changes,
            3 => pushed.subject = SubjectId::from_bytes(chance.bytes()),
            4 => pushed.doc = DocId::from_bytes(chance.bytes()),
            5 => (*chance.pick(&["office", "tour", "visit", "verification", "nothing"])).clone_into(&mut pushed.kind),
            6 => {
                let twice = pushed.changes.clone();
                pushed.changes.extend(twice);
            }
            7 => {
                pushed.changes.pop();
            }
            _ => {
                let mut short = pushed.changes.pop().map_or_else(Vec::new, |change| change.to_vec());
                short.truncate(chance.below(short.len()));
                pushed.changes.push(ByteVec::from(short));
            }
        }
    }
    if let Some(cursor) = request.cursor.as_mut().filter(|_| chance.in_thousand(300)) {
        cursor.number = chance.next() >> chance.below(64);
    }
    request.encode().unwrap_or_else(|_| frame.to_vec())
}
