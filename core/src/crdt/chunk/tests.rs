//! Our reading of chunks against automerge's own, on random honest histories, and against random bytes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::wildcard_enum_match_arm, reason = "a failing test says where")]

use automerge::legacy::{ElementId, Key as AmKey, ObjectId};
use automerge::marks::{ExpandMark, Mark};
use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{ActorId as AmActor, Author, Automerge, Change, ObjType, PatchLog, ROOT, ReadDoc as _, ScalarValue};
use proptest::prelude::*;

use super::change::{Key, LocalId, ParsedChange, parse};
use super::{ChunkLimits, document, open_change, open_document};
use crate::crdt::document::new_automerge;

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8, Vec<u8>),
    Nest(u8, u8),
    Delete(u8),
    Count(u8, i8),
    Type(u8, String),
    Erase(u8, u8),
    Mark(u8, u8),
    Merge,
    Behind(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(a, b, c)| Step::Put(a, b, c)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Nest(a, b)),
        1 => any::<u8>().prop_map(Step::Delete),
        1 => (any::<u8>(), any::<i8>()).prop_map(|(a, b)| Step::Count(a, b)),
        4 => (any::<u8>(), "[a-z\u{4e00}-\u{4e20} ]{0,12}").prop_map(|(a, b)| Step::Type(a, b)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Erase(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Mark(a, b)),
        3 => Just(Step::Merge),
        1 => any::<u8>().prop_map(Step::Behind),
    ]
}

/// Plays a history on three replicas and gives all changes and the merged document.
fn play(steps: &[Step]) -> (Vec<Change>, Automerge) {
    let mut first = new_automerge();
    let mut tx = first.transaction();
    tx.put_object(ROOT, "map", ObjType::Map).unwrap();
    tx.put_object(ROOT, "text", ObjType::Text).unwrap();
    tx.put_object(ROOT, "list", ObjType::List).unwrap();
    tx.commit();
    let mut replicas: Vec<Automerge> =
        (0..3u8).map(|n| first.fork().with_author(Some(Author::from(vec![n; 16]))).with_actor(AmActor::from(vec![n + 1; 16]))).collect();
    for (at, step) in steps.iter().enumerate() {
        let (here, there) = (at % 3, (at + 1) % 3);
        if let Step::Merge = step {
            let mut other = replicas[there].clone();
            replicas[here].merge(&mut other).unwrap();
            continue;
        }
        let old = replicas[here].get_changes(&[]);
        let doc = &mut replicas[here];
        let mut tx = match step {
            Step::Behind(n) => {
                let at = old[usize::from(*n) % old.len()].hash();
                doc.transaction_at(PatchLog::inactive(), &[at]).unwrap()
            }
            _ => doc.transaction(),
        };
        write(&mut tx, step);
        tx.commit_with(CommitOptions::default().with_time(1_000 * at as i64).with_message("+120"));
    }
    let mut all = replicas.remove(0);
    for other in &mut replicas {
        all.merge(other).unwrap();
    }
    (all.get_changes(&[]), all)
}

fn write(tx: &mut automerge::transaction::Transaction<'_>, step: &Step) {
    let id = |tx: &automerge::transaction::Transaction<'_>, name: &str| tx.get(ROOT, name).unwrap().unwrap().1;
    let (map, text, list) = (id(tx, "map"), id(tx, "text"), id(tx, "list"));
    let length = tx.length(&text);
    match step {
        Step::Put(key, more, bytes) => {
            for n in 0..=*more % 4 {
                tx.put(&map, format!("key/{}", key.wrapping_add(n) % 20), ScalarValue::Bytes(bytes.clone())).unwrap();
            }
        }
        Step::Nest(key, n) => {
            let inner = tx.put_object(&map, format!("nest/{}", key % 5), ObjType::Map).unwrap();
            tx.put(&inner, "n", i64::from(*n)).unwrap();
            tx.insert(&list, 0, f64::from(*n)).unwrap();
        }
        Step::Delete(key) => {
            tx.delete(&map, format!("key/{}", key % 20)).unwrap();
        }
        Step::Count(key, by) => {
            let key = format!("count/{}", key % 3);
            match tx.get(&map, &*key).unwrap() {
                Some(_) => tx.increment(&map, &*key, i64::from(*by)).unwrap(),
                None => tx.put(&map, &*key, ScalarValue::counter(7)).unwrap(),
            }
        }
        Step::Type(at, typed) => tx.splice_text(&text, usize::from(*at) % (length + 1), 0, typed).unwrap(),
        Step::Erase(at, count) => {
            let at = usize::from(*at) % (length + 1);
            tx.splice_text(&text, at, (usize::from(*count) % 5).min(length - at) as isize, "").unwrap();
        }
        Step::Mark(at, count) => {
            let at = usize::from(*at) % (length + 1);
            let end = (at + usize::from(*count) % 5).min(length);
            if at < end {
                tx.mark(&text, Mark::new("bold".to_owned(), true, at, end), ExpandMark::After).unwrap();
            }
        }
        Step::Behind(n) => tx.put(&map, "behind", u64::from(*n)).unwrap(),
        Step::Merge => {}
    }
}

fn read(raw: &[u8]) -> ParsedChange {
    parse(&open_change(raw, &ChunkLimits::default()).unwrap(), &ChunkLimits::default()).unwrap()
}

fn same_id(ours: LocalId, theirs: &automerge::legacy::OpId, change: &ParsedChange) -> bool {
    ours.counter == theirs.0 && change.actors[ours.actor].as_bytes() == theirs.1.to_bytes()
}

fn agree(ours: &ParsedChange, theirs: &Change) {
    assert_eq!(ours.hash.0, theirs.hash().0);
    assert_eq!(ours.deps.iter().map(|hash| hash.0).collect::<Vec<_>>(), theirs.deps().iter().map(|hash| hash.0).collect::<Vec<_>>());
    assert_eq!(ours.actors[0].as_bytes(), theirs.actor_id().to_bytes());
    assert_eq!((ours.seq, ours.start_op, ours.time), (theirs.seq(), theirs.start_op().get(), theirs.timestamp()));
    assert_eq!(ours.message, theirs.message().unwrap_or_default());
    assert_eq!(ours.ops.len(), theirs.len());
    for (mine, other) in ours.ops.iter().zip(theirs.decode().operations) {
        assert!(match (&mine.object, &other.obj) {
            (None, ObjectId::Root) => true,
            (Some(id), ObjectId::Id(other)) => same_id(*id, other, ours),
            _ => false,
        });
        assert!(match (&mine.key, &other.key) {
            (Key::Name(name), AmKey::Map(other)) => **name == **other,
            (Key::Head, AmKey::Seq(ElementId::Head)) => true,
            (Key::Element(id), AmKey::Seq(ElementId::Id(other))) => same_id(*id, other, ours),
            _ => false,
        });
        assert_eq!(mine.insert, other.insert);
        assert_eq!(mine.predecessors.len(), other.pred.iter().count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_honest_changes_as_automerge_does(steps in prop::collection::vec(step(), 1..25)) {
        let (changes, doc) = play(&steps);
        for mut change in changes {
            agree(&read(change.raw_bytes()), &change);
            let hash = change.hash();
            // The deflated form is the same change, and comes back as the same raw bytes.
            let deflated = change.bytes().into_owned();
            let frame = open_change(&deflated, &ChunkLimits::default()).unwrap();
            prop_assert_eq!(frame.hash.0, hash.0);
            prop_assert_eq!(&*frame.raw, change.raw_bytes());
        }
        let bytes = doc.save_nocompress();
        let limits = ChunkLimits::default();
        let parsed = document::parse(open_document(&bytes, &limits).unwrap(), &limits).unwrap();
        prop_assert_eq!(parsed.changes.len() as u64, doc.stats().num_changes);
        prop_assert_eq!(parsed.ops.len() as u64, doc.stats().num_ops);
        prop_assert_eq!(parsed.heads.iter().map(|hash| hash.0).collect::<Vec<_>>(), doc.get_heads().iter().map(|hash| hash.0).collect::<Vec<_>>());
        for (row, meta) in parsed.changes.iter().zip(doc.get_changes_meta(&[])) {
            prop_assert_eq!(parsed.actors[row.actor].as_bytes(), meta.actor.to_bytes());
            prop_assert_eq!((row.seq, row.last_op, row.time, row.deps.len()), (meta.seq, meta.max_op, meta.timestamp, meta.deps.len()));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0u8..4) {
        let limits = ChunkLimits::default();
        let _ = open_change(&bytes, &limits);
        let chunk = framed(kind, &bytes);
        if let Ok(frame) = open_change(&chunk, &limits) {
            let _ = parse(&frame, &limits);
        }
        let _ = document::parse(&bytes, &limits);
    }

    #[test]
    fn damaged_changes_never_panic(
        steps in prop::collection::vec(step(), 1..6),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let limits = ChunkLimits::default();
        let (changes, doc) = play(&steps);
        for change in changes {
            let frame = open_change(change.raw_bytes(), &limits).unwrap();
            let mut contents = frame.contents().to_vec();
            for (at, byte) in &damage {
                let at = at.index(contents.len());
                contents[at] = *byte;
            }
            let chunk = framed(1, &contents);
            if let Ok(frame) = open_change(&chunk, &limits) {
                let _ = parse(&frame, &limits);
            }
        }
        let bytes = doc.save_nocompress();
        let mut contents = open_document(&bytes, &limits).unwrap().to_vec();
        for (at, byte) in &damage {
            let at = at.index(contents.len());
            contents[at] = *byte;
        }
        let _ = document::parse(&contents, &limits);
    }
}

/// A chunk whose framing is right.
fn framed(kind: u8, contents: &[u8]) -> Vec<u8> {
    let mut chunk = super::MAGIC.to_vec();
    chunk.extend_from_slice(&super::hash(1, contents).0[..4]);
    chunk.push(kind);
    super::reader::write_uleb(&mut chunk, contents.len() as u64);
    chunk.extend_from_slice(contents);
    chunk
}

#[test]
fn integers_are_read_in_their_shortest_form_only() {
    let uleb = |bytes: &[u8]| super::reader::Reader::new(bytes).uleb();
    let sleb = |bytes: &[u8]| super::reader::Reader::new(bytes).sleb();
    for value in [0u64, 1, 127, 128, 300, 1 << 32, u64::MAX - 1, u64::MAX] {
        let mut bytes = Vec::new();
        super::reader::write_uleb(&mut bytes, value);
        assert_eq!(uleb(&bytes), Ok(value));
        let mut theirs = Vec::new();
        leb(&mut theirs, value as i64);
        assert_eq!(sleb(&theirs), Ok(value as i64), "{value}");
    }
    for value in [-1i64, -64, -65, 63, 64, i64::MIN, i64::MAX] {
        let mut bytes = Vec::new();
        leb(&mut bytes, value);
        assert_eq!(sleb(&bytes), Ok(value));
    }
    for long in [&[0x80u8, 0][..], &[0x81, 0], &[0xff; 10], &[0x80, 0x80]] {
        assert!(uleb(long).is_err());
    }
    for long in [&[0x80u8, 0][..], &[0xff, 0x7f], &[0xff; 11], &[0x80]] {
        assert!(sleb(long).is_err());
    }
}

fn leb(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
