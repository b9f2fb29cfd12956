//! What a disk holds and what of it survives a power cut: files in memory, every write remembered until a sync makes it last. Pure:
//! knows nothing of SQLite. `disk` puts it under SQLite; `crash` replays recorded writes onto it.
//!
//! The rules, harsher than most disks: a write lasts when its file was synced afterwards; a file exists for good with its first
//! sync; a deletion is for good when another file's existence became so (the folder was synced then). Of everything else a power
//! cut keeps what [`Loss`] says: sectors of 512 bytes are kept whole or lost whole, in any order.

use std::collections::BTreeMap;

use super::chance::Chance;

/// What a disk writes whole or not at all, in bytes.
pub(crate) const SECTOR_BYTES: usize = 512;

/// One thing that was done to the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    Create {
        file: String,
    },
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Resize {
        file: String,
        length: usize,
    },
    Sync {
        file: String,
    },
    Delete {
        file: String,
    },
    Rename {
        from: String,
        to: String,
    },
    /// Not of the disk: at this moment something was promised to somebody.
    Promise(u64),
}

/// What a power cut keeps of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing.
    All,
    /// Everything: the process died, the machine did not.
    None,
    /// What was written first; the last of it torn at a sector.
    Tail,
    /// What was written last, and nothing of what was written before it.
    Head,
    /// Sectors at random, in any order.
    Sectors,
}

/// Every kind of loss.
pub(crate) const LOSSES: [Loss; 5] = [Loss::All, Loss::None, Loss::Tail, Loss::Head, Loss::Sectors];

#[derive(Debug, Clone)]
enum Pending {
    Write { at: usize, bytes: Vec<u8> },
    Resize { length: usize },
}

#[derive(Debug, Clone, Default)]
struct File {
    now: Vec<u8>,
    /// What lasts; `None` when the file itself does not yet.
    lasting: Option<Vec<u8>>,
    /// With the place of each in the order of everything written to the disk.
    pending: Vec<(u64, Pending)>,
}

/// The files of one disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Platter {
    files: BTreeMap<String, File>,
    /// Deleted, but not yet for good.
    deleted: BTreeMap<String, Vec<u8>>,
    written: u64,
}

fn write_to(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

impl Pending {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => write_to(content, *at, bytes),
            Self::Resize { length } => content.resize(*length, 0),
        }
    }
}

impl Platter {
    pub(crate) fn exists(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }

    /// The content as programs see it.
    pub(crate) fn content(&self, file: &str) -> Option<&[u8]> {
        self.files.get(file).map(|file| file.now.as_slice())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Bytes that are not safe yet, over all files.
    pub(crate) fn is_safe(&self) -> bool {
        self.files.values().all(|file| file.pending.is_empty())
    }

    /// Everything that programs see lasts: a copy that was made and kept elsewhere.
    pub(crate) fn settle(&mut self) {
        self.deleted.clear();
        for file in self.files.values_mut() {
            file.pending.clear();
            file.lasting = Some(file.now.clone());
        }
    }

    /// Puts a file there that lasts, as if it had always been there.
    pub(crate) fn put(&mut self, file: &str, content: Vec<u8>) {
        self.files.insert(file.to_owned(), File { lasting: Some(content.clone()), now: content, pending: Vec::new() });
    }

    /// Takes out what lies in a folder: the files of photos, which are no part of what is simulated.
    pub(crate) fn take_folders(&mut self) -> BTreeMap<String, Vec<u8>> {
        let (folders, files) = std::mem::take(&mut self.files).into_iter().partition(|(name, _)| name.contains('/'));
        self.files = files;
        folders.into_iter().map(|(name, file): (String, File)| (name, file.now)).collect()
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Create { file } => {
                self.files.entry(file.clone()).or_default();
            }
            Op::Write { file, at, bytes } => self.write(file, *at, bytes),
            Op::Resize { file, length } => self.resize(file, *length),
            Op::Sync { file } => self.sync(file),
            Op::Delete { file } => self.delete(file),
            Op::Rename { from, to } => self.rename(from, to),
            Op::Promise(_) => {}
        }
    }

    pub(crate) fn write(&mut self, file: &str, at: usize, bytes: &[u8]) {
        self.written += 1;
        let Some(file) = self.files.get_mut(file) else { return };
        write_to(&mut file.now, at, bytes);
        file.pending.push((self.written, Pending::Write { at, bytes: bytes.to_vec() }));
    }

    pub(crate) fn resize(&mut self, file: &str, length: usize) {
        self.written += 1;
        let Some(file) = self.files.get_mut(file) else { return };
        file.now.resize(length, 0);
        file.pending.push((self.written, Pending::Resize { length }));
    }

    pub(crate) fn sync(&mut self, file: &str) {
        let Some(file) = self.files.get_mut(file) else { return };
        let first = file.lasting.is_none();
        let lasting = file.lasting.get_or_insert_default();
        for (_, pending) in file.pending.drain(..) {
            pending.apply(lasting);
        }
        if first {
            self.deleted.clear();
        }
    }

    pub(crate) fn delete(&mut self, file: &str) {
        if let Some(lasting) = self.files.remove(file).and_then(|file| file.lasting) {
            self.deleted.insert(file.to_owned(), lasting);
        }
    }

    /// Renaming is journalled with its folder; its own loss is not simulated.
    fn rename(&mut self, from: &str, to: &str) {
        if let Some(file) = self.files.remove(from) {
            self.files.insert(to.to_owned(), file);
        }
    }

    /// The power goes and comes back.
    pub(crate) fn cut(&mut self, loss: Loss, chance: &mut Chance) {
        let mut orders: Vec<u64> = self.files.values().flat_map(|file| file.pending.iter().map(|(order, _)| *order)).collect();
        orders.sort_unstable();
        let at = orders.get(chance.below(orders.len())).copied().unwrap_or(0);
        let likely = chance.between(100, 900) as u64;
        for (name, lasting) in std::mem::take(&mut self.deleted) {
            let comes_back = match loss {
                Loss::All => true,
                Loss::None => false,
                Loss::Tail | Loss::Head | Loss::Sectors => chance.in_thousand(500),
            };
            if comes_back && self.files.get(&name).is_none_or(|file| file.lasting.is_none()) {
                self.files.insert(name, File { now: Vec::new(), lasting: Some(lasting), pending: Vec::new() });
            }
        }
        self.files.retain(|_, file| {
            let mut kept = file.lasting.is_some();
            let mut content = file.lasting.take().unwrap_or_default();
            for (order, pending) in file.pending.drain(..) {
                let whole = match loss {
                    Loss::All => continue,
                    Loss::None => true,
                    Loss::Tail if order > at => continue,
                    Loss::Tail => order < at,
                    Loss::Head if order < at => continue,
                    Loss::Head => order > at,
                    Loss::Sectors => false,
                };
                kept = true;
                if whole {
                    pending.apply(&mut content);
                } else {
                    torn(&pending, &mut content, loss, likely, chance);
                }
            }
            file.now.clone_from(&content);
            file.lasting = Some(content);
            kept
        });
    }
}

/// Applies a part of a write, cut at the disk's sectors.
fn torn(pending: &Pending, content: &mut Vec<u8>, loss: Loss, likely: u64, chance: &mut Chance) {
    let Pending::Write { at, bytes } = pending else {
        if chance.in_thousand(likely) {
            pending.apply(content);
        }
        return;
    };
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    let mut from = *at;
    while from < at + bytes.len() {
        let to = ((from / SECTOR_BYTES + 1) * SECTOR_BYTES).min(at + bytes.len());
        pieces.push((from, to));
        from = to;
    }
    let turn = chance.below(pieces.len() + 1);
    for (n, (from, to)) in pieces.into_iter().enumerate() {
        let kept = match loss {
            Loss::Tail => n < turn,
            Loss::Head => n >= turn,
            Loss::Sectors => chance.in_thousand(likely),
            Loss::All | Loss::None => true,
        };
        if kept {
            write_to(content, from, &bytes[from - at..to - at]);
        }
    }
}

#[test]
fn what_was_synced_stays_and_what_was_not_may_go() {
    for loss in LOSSES {
        for seed in 0..50 {
            let mut platter = Platter::default();
            platter.apply(&Op::Create { file: "a".to_owned() });
            platter.write("a", 0, &[1; 2_000]);
            platter.sync("a");
            platter.write("a", 1_000, &[2; 2_000]);
            platter.apply(&Op::Create { file: "b".to_owned() });
            platter.write("b", 0, &[3; 10]);
            assert_eq!(platter.content("a").unwrap().len(), 3_000);
            platter.cut(loss, &mut Chance::new(seed));
            let a = platter.content("a").unwrap();
            assert_eq!(a[..1_000], [1; 1_000], "{loss:?}: what was synced");
            let kept = a.iter().filter(|byte| **byte == 2).count();
            match loss {
                Loss::All => assert_eq!((a.len(), kept, platter.exists("b")), (2_000, 0, false)),
                Loss::None => assert_eq!((a.len(), kept, platter.exists("b")), (3_000, 2_000, true)),
                Loss::Tail | Loss::Head | Loss::Sectors => {}
            }
            assert!(platter.is_safe());
        }
    }
    let kept = |seed| {
        let mut platter = Platter::default();
        platter.put("a", vec![1; 5_120]);
        platter.write("a", 0, &[2; 5_120]);
        platter.cut(Loss::Sectors, &mut Chance::new(seed));
        let sectors: Vec<bool> = platter.content("a").unwrap().chunks(SECTOR_BYTES).map(|sector| sector == [2; SECTOR_BYTES]).collect();
        assert!(
            platter.content("a").unwrap().chunks(SECTOR_BYTES).all(|sector| sector.iter().all(|byte| *byte == sector[0])),
            "no sector is torn"
        );
        sectors
    };
    assert!((0..20).any(|seed| kept(seed).windows(3).any(|three| three == [true, false, true])), "a hole in the middle is among the cases");
}

#[test]
fn a_deletion_lasts_when_the_folder_was_synced() {
    let deleted = |then_synced: bool| {
        let mut platter = Platter::default();
        platter.put("log", vec![1; 10]);
        platter.delete("log");
        assert!(!platter.exists("log"));
        if then_synced {
            platter.apply(&Op::Create { file: "other".to_owned() });
            platter.sync("other");
        }
        platter.cut(Loss::All, &mut Chance::new(1));
        platter.exists("log")
    };
    assert!(deleted(false) && !deleted(true));
}
