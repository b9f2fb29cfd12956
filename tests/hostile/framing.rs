//! Steps 1 and 2: framing, checksum, inflating.

use super::forge::{self, Key, Op, checksum, chunk, contents, deflate, deflated, framed, uleb};
use super::world::World;
use super::{Case, Expect, case};

pub(super) fn cases(world: &World) -> Vec<Case> {
    let honest = world.change(vec![world.put("mail")]).bytes();
    let inside = contents(&honest).to_vec();
    let refused = |name: &str, bytes: Vec<u8>| case(name, Expect::Step(3), bytes);
    let edited = |at: usize, by: u8| {
        let mut bytes = honest.clone();
        bytes[at] ^= by;
        bytes
    };
    let with_length = |length: Vec<u8>| [&honest[..9], &length, &inside].concat();
    let snapshot = world.document.save();
    // Well formed, and larger than what may be stored and sent on.
    let large: Vec<Op> = (0..6).map(|n| world.set(world.facts(), Key::Name(format!("k{n}")), (7, vec![n; 60 << 10]))).collect();
    let large = world.change(large).bytes();

    let mut cases = vec![
        case("honest", Expect::Accepted, honest.clone()),
        case("honest, deflated", Expect::Accepted, deflated(&inside)),
        refused("nothing", Vec::new()),
        refused("other magic", edited(0, 1)),
        refused("magic of a later version", edited(3, 0x7f)),
        refused("kind: document", edited(8, 1)),
        refused("kind: deflated, but plain", edited(8, 3)),
        refused("kind: bundle", edited(8, 2)),
        refused("kind: unknown", edited(8, 0xf0)),
        refused("kind: bundle with its own checksum", chunk(3, &inside)),
        refused("kind: 255 with its own checksum", chunk(255, &inside)),
        refused("a document in place of a change", snapshot.clone()),
        refused("a document's contents as a change", chunk(1, contents(&snapshot))),
        refused("a byte behind", [&honest[..], &[0]].concat()),
        refused("the same change behind", [&honest[..], &honest].concat()),
        refused("a document behind", [&honest[..], &snapshot].concat()),
        refused("an orphan before", [&world.change(Vec::new()).bytes()[..], &honest].concat()),
        refused("length one less", with_length(uleb(inside.len() as u64 - 1))),
        refused("length one more", with_length(uleb(inside.len() as u64 + 1))),
        refused("length 2^32", with_length(uleb(1 << 32))),
        refused("length 2^63", with_length(uleb(1 << 63))),
        refused("length 2^64 - 1", with_length(uleb(u64::MAX))),
        refused("length in a longer form", with_length(vec![inside.len() as u8 | 0x80, 0])),
        refused("length that never ends", with_length(vec![0xff; 40])),
        refused("checksum of kind 0", framed(1, &checksum(0, &inside), &inside)),
        refused("checksum of the deflated bytes", framed(2, &checksum(2, &deflate(&inside)), &deflate(&inside))),
        refused("deflated twice", deflated(&deflate(&inside))),
        refused("not deflated at all", framed(2, &checksum(1, &inside), &inside)),
        refused("deflated, cut short", framed(2, &checksum(1, &inside), &deflate(&inside)[..20])),
        refused("deflated, bytes behind", framed(2, &checksum(1, &inside), &[&deflate(&inside)[..], b"more"].concat())),
        refused("deflated nothing", deflated(b"")),
        refused("bomb of 1 MiB and a byte", deflated(&vec![0; (1 << 20) + 1])),
        refused("bomb of 100 MiB", deflated(&vec![0; 100 << 20])),
        refused("bomb in a bomb", deflated(&deflate(&vec![0; 100 << 20]))),
        refused("contents of nothing", chunk(1, b"")),
        refused("256 KiB and a byte", vec![0x85; (256 << 10) + 1]),
        refused("a well-formed change of 360 KiB", large.clone()),
        refused("a well-formed change of 360 KiB, deflated", deflated(contents(&large))),
        refused("a large change, plain", chunk(1, &vec![7; 256 << 10])),
    ];
    for at in 4..8 {
        cases.push(refused(&format!("checksum, byte {}", at - 4), edited(at, 0x10)));
    }
    for cut in [1, 3, 4, 8, 9, 10, honest.len() / 2, honest.len() - 1] {
        cases.push(refused(&format!("cut to {cut} bytes"), honest[..cut].to_vec()));
    }
    for cut in [1, 32, 34, 51, 60, inside.len() - 19] {
        cases.push(refused(&format!("contents cut to {cut} bytes"), forge::chunk(1, &inside[..cut])));
    }
    cases
}
