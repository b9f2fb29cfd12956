//! Step 3: the header of a change, and what follows its columns.

use super::forge::{Forged, chunk, layout, uleb};
use super::world::{ANN, CAT, CATS, World};
use super::{Case, Expect, case};

pub(super) fn cases(world: &World) -> Vec<Case> {
    let honest = world.change(vec![world.put("mail")]);
    let with = |edit: &dyn Fn(&mut Forged)| {
        let mut forged = honest.clone();
        edit(&mut forged);
        forged.bytes()
    };
    // The contents again, with the header cut at a field and raw bytes put in its place.
    let columns = [layout(&honest.columns()), honest.columns().concat_bytes(), honest.extra.clone()].concat();
    let header = honest.header(&honest.others());
    let spliced = |raw: &[&[u8]]| chunk(1, &[&raw.concat(), &columns[..]].concat());
    let after_deps = 1 + 32 * honest.deps.len();
    let refused = |name: &str, bytes: Vec<u8>| case(name, Expect::Step(3), bytes);
    let many = |count: usize| {
        (0..count)
            .map(|n| {
                let mut hash = [0; 32];
                hash[0] = (n >> 8) as u8;
                hash[1] = n as u8;
                hash
            })
            .collect::<Vec<_>>()
    };
    let author = |bytes: &[u8]| with(&|change| change.extra = bytes.to_vec());

    vec![
        refused("65 dependencies", with(&|change| change.deps = many(65))),
        refused("2^60 dependencies", chunk(1, &[uleb(1 << 60), header[1..].to_vec(), columns.clone()].concat())),
        refused("dependencies out of order", with(&|change| change.deps.reverse())),
        refused("a dependency twice", with(&|change| change.deps.push(change.deps[1]))),
        case("64 unknown dependencies", Expect::Missing, with(&|change| change.deps = many(64))),
        refused("no actor", with(&|change| change.actor = Vec::new())),
        refused("an actor of 33 bytes", with(&|change| change.actor = vec![9; 33])),
        refused("an actor of 2^40 bytes", spliced(&[&header[..after_deps], &uleb(1 << 40), &header[after_deps + 1..]])),
        refused("number 0", with(&|change| change.seq = 0)),
        case("number 2", Expect::Step(5), with(&|change| change.seq = 2)),
        case("number 2^63", Expect::Step(5), with(&|change| change.seq = 1 << 63)),
        refused("counter 0", with(&|change| change.start_op = 0)),
        case("counter 1", Expect::Step(5), with(&|change| change.start_op = 1)),
        case("counter 2^30", Expect::Step(5), with(&|change| change.start_op = 1 << 30)),
        refused("counter 2^31", with(&|change| change.start_op = 1 << 31)),
        refused("counter 2^32 - 3", with(&|change| change.start_op = (1 << 32) - 3)),
        refused("counter 2^32", with(&|change| change.start_op = 1 << 32)),
        refused("counter 2^40", with(&|change| change.start_op = 1 << 40)),
        refused("counter 2^63", with(&|change| change.start_op = 1 << 63)),
        refused("counter 2^64 - 1", with(&|change| change.start_op = u64::MAX)),
        case("the first time", Expect::Step(5), with(&|change| change.time = i64::MIN)),
        case("the last time", Expect::Step(5), with(&|change| change.time = i64::MAX)),
        case("1969", Expect::Step(5), with(&|change| change.time = -1)),
        case("2101", Expect::Step(5), with(&|change| change.time = 4_133_980_800_000)),
        case("1970 is a clock that was reset", Expect::Accepted, with(&|change| change.time = 0)),
        case("a note of 256 bytes", Expect::Accepted, with(&|change| change.message = vec![b'n'; 256])),
        refused("a note of 257 bytes", with(&|change| change.message = vec![b'n'; 257])),
        refused("a note that is no text", with(&|change| change.message = vec![0xc3, 0x28])),
        refused("a number in a longer form", spliced(&[&header[..after_deps + 17], &[0x81, 0], &header[after_deps + 18..]])),
        refused("257 other actors", honest.with_others(&(0..257u16).map(|n| n.to_be_bytes().to_vec()).collect::<Vec<_>>())),
        refused("its own actor among the others", honest.with_others(&[honest.others(), vec![CATS.to_vec()]].concat())),
        refused("another actor twice", honest.with_others(&[honest.others(), honest.others()].concat())),
        refused("an empty other actor", honest.with_others(&[honest.others(), vec![Vec::new()]].concat())),
        case("an actor that is not used", Expect::Step(4), honest.with_others(&[honest.others(), vec![vec![0xfe; 16]]].concat())),
        case("no author", Expect::Step(5), author(b"")),
        case("another author", Expect::Step(5), author(&[&[1, 16][..], ANN.as_bytes()].concat())),
        case("an author of 15 bytes", Expect::Step(5), author(&[&[1, 15][..], &CAT.as_bytes()[1..]].concat())),
        case("an author of 17 bytes", Expect::Step(5), author(&[&[1, 17][..], CAT.as_bytes(), &[0]].concat())),
        case("an author and a byte", Expect::Step(5), author(&[&[1, 16][..], CAT.as_bytes(), &[0]].concat())),
        case("two authors", Expect::Step(5), author(&[&[1, 16][..], CAT.as_bytes(), &[1, 16], ANN.as_bytes()].concat())),
        case("an author of 2^60 bytes", Expect::Step(5), author(&[&[1][..], &uleb(1 << 60)].concat())),
        case("a footer nobody knows", Expect::Step(5), author(&[2, 1, 0])),
        refused("65 extra bytes", author(&[0; 65])),
    ]
}

trait ConcatBytes {
    fn concat_bytes(&self) -> Vec<u8>;
}

impl ConcatBytes for Vec<(u32, Vec<u8>)> {
    fn concat_bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }
}
