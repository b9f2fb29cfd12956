//! Registers are read in one walk; these laws hold that to what a look at each key says, whatever was written at once.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test says where")]

use proptest::prelude::*;

use super::*;
use crate::crdt::genesis::{Genesis, Shape};

const GENESIS: Genesis = Genesis { kind: "document-test", versions: &[&[("facts", Shape::Registers)]] };
const PHONES: usize = 3;

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each step writes a key on one phone, or tells one phone all that another has.
    #[test]
    fn a_walk_reads_what_each_key_says(steps in prop::collection::vec((0..PHONES, 0..PHONES, 0u8..6, any::<u8>()), 1..60)) {
        let mut phones: Vec<Document> = (0..PHONES).map(|_| GENESIS.document().unwrap()).collect();
        for (time, (phone, other, key, value)) in steps.into_iter().enumerate() {
            if phone == other {
                let actor = ActorId::from_slice(&[u8::try_from(phone).unwrap() + 1; 16]).unwrap();
                let stamp = ChangeStamp { actor, author: Some(UserId::from_bytes([1; 16])), time: Ms(time.try_into().unwrap()), note: None };
                let write = |writer: &mut Writer<'_>| writer.put("facts", &format!("键{key}"), vec![value]);
                phones[phone].write::<DocumentError>(None, &stamp, write).unwrap();
            } else {
                let news = phones[other].changes_since(&phones[phone].heads());
                phones[phone].apply(&news).unwrap();
            }
        }
        for document in &phones {
            let reader = document.reader();
            let (_, id) = document.container("facts").unwrap();
            let each = document.inner.keys(&id).map(|key| Register { rivals: reader.rivals(&id, &key), key });
            prop_assert_eq!(reader.registers("facts"), each.collect::<Vec<_>>());
        }
    }
}
