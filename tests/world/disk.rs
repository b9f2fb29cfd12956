//! A simulated disk under SQLite: a file layer (VFS) over a [`Platter`] that can lose power at any write, run full, or refuse a
//! call, all by the world's draws. Safe Rust over the crate `sqlite-vfs`; one layer a thread, so that worlds run beside each other.
//!
//! Connections of a process that died keep their handles: every call through one of an earlier life fails, as it would.

#[path = "disk_index.rs"]
mod index;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs};

use index::LogIndex;

use super::chance::Chance;
use super::platter::{Loss, Op, Platter};

/// What goes wrong at a call that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The power goes: this write is on its way, nothing works any more.
    PowerCut,
    /// From here on no file can grow.
    Full,
    /// This call fails, and nothing else.
    Refused,
}

#[derive(Debug, Default)]
struct Inner {
    platter: Platter,
    /// Which life of the machine this is; handles of an earlier one are dead.
    life: u64,
    handles: u64,
    /// Calls so far that write, resize or sync.
    calls: u64,
    planted: Option<(u64, Trouble)>,
    stopped: bool,
    full: bool,
    /// Something went wrong since somebody last asked.
    noticed: bool,
    locks: BTreeMap<String, BTreeMap<u64, u8>>,
    indexes: BTreeMap<String, Index>,
    recorded: Option<Vec<Op>>,
}

/// The index of a log, which the connections of a process share.
#[derive(Debug, Default)]
struct Index {
    regions: BTreeMap<u32, (u64, Box<[u8]>)>,
    shared: BTreeMap<u8, BTreeSet<u64>>,
    exclusive: BTreeMap<u8, u64>,
}

/// One machine's disk. What a program puts into folders on it is not simulated: those are plain files, which outlast every cut.
pub(crate) struct Disk {
    layer: &'static str,
    folder: tempfile::TempDir,
    name: String,
    inner: Arc<Mutex<Inner>>,
    all: Disks,
}

type Disks = Arc<Mutex<BTreeMap<String, Arc<Mutex<Inner>>>>>;

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file layer of this thread, registered with SQLite when it is first asked for.
fn layer() -> (&'static str, Disks) {
    static LAYERS: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static LAYER: (&'static str, Disks) = {
            let name: &'static str = format!("simulated-{}", LAYERS.fetch_add(1, Ordering::Relaxed)).leak();
            let disks = Disks::default();
            sqlite_vfs::register(name, Layer { disks: Arc::clone(&disks), names: AtomicU64::new(0) }, false).unwrap();
            (name, disks)
        };
    }
    LAYER.with(|(name, disks)| (*name, Arc::clone(disks)))
}

impl Disk {
    /// An empty disk of this thread.
    pub(crate) fn new() -> Self {
        Self::of(Platter::default())
    }

    /// A disk that holds this.
    pub(crate) fn of(platter: Platter) -> Self {
        let (layer, all) = layer();
        let folder = super::folder();
        let name = folder.path().to_str().unwrap().to_owned();
        let inner = Arc::new(Mutex::new(Inner::default()));
        held(&all).insert(name.clone(), Arc::clone(&inner));
        let disk = Self { layer, folder, name, inner, all };
        disk.lay(platter);
        disk
    }

    fn lay(&self, mut platter: Platter) {
        for (name, content) in platter.take_folders() {
            let file = self.path(&name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        held(&self.inner).platter = platter;
    }

    /// The name under which SQLite knows its file layer.
    pub(crate) const fn layer(&self) -> &'static str {
        self.layer
    }

    /// The path of a file.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Plants trouble at one of the next `within` calls that write.
    pub(crate) fn plant(&self, trouble: Trouble, within: usize, chance: &mut Chance) {
        let mut inner = held(&self.inner);
        inner.planted = Some((inner.calls + 1 + chance.below(within) as u64, trouble));
    }

    /// Whether the power went at a call.
    pub(crate) fn is_stopped(&self) -> bool {
        held(&self.inner).stopped
    }

    /// Whether something is wrong, or about to be: then whatever fails may.
    pub(crate) fn is_troubled(&self) -> bool {
        let inner = held(&self.inner);
        inner.stopped || inner.full || inner.planted.is_some()
    }

    /// Whether something went wrong since this was last asked.
    pub(crate) fn was_troubled(&self) -> bool {
        std::mem::take(&mut held(&self.inner).noticed)
    }

    /// Room is made, nothing is planted any more.
    pub(crate) fn mend(&self) {
        let mut inner = held(&self.inner);
        (inner.full, inner.planted) = (false, None);
    }

    /// The machine goes down and comes up again.
    pub(crate) fn cut(&self, loss: Loss, chance: &mut Chance) {
        let mut inner = held(&self.inner);
        inner.platter.cut(loss, chance);
        inner.life += 1;
        (inner.stopped, inner.full, inner.planted) = (false, false, None);
        inner.locks.clear();
        inner.indexes.clear();
    }

    /// What it holds now, as a backup would.
    pub(crate) fn copy(&self) -> Platter {
        let mut copy = held(&self.inner).platter.clone();
        copy.settle();
        for folder in std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap()) {
            for file in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()) {
                let name = format!("{}/{}", folder.file_name().display(), file.file_name().display());
                copy.put(&name, std::fs::read(file.path()).unwrap());
            }
        }
        copy
    }

    /// Puts another content in place of all of it: a restored backup. Whoever had files open has lost them.
    pub(crate) fn restore(&self, platter: Platter) {
        for folder in std::fs::read_dir(self.folder.path()).unwrap() {
            std::fs::remove_dir_all(folder.unwrap().path()).unwrap();
        }
        self.lay(platter);
        let mut inner = held(&self.inner);
        inner.life += 1;
        (inner.stopped, inner.full, inner.planted) = (false, false, None);
        inner.locks.clear();
        inner.indexes.clear();
    }

    /// What is simulated is gone: a program deletes its files by their names, which the system does not know.
    pub(crate) fn forget_files(&self) {
        let mut inner = held(&self.inner);
        inner.platter = Platter::default();
        inner.life += 1;
    }

    /// From now on everything that is done to it is written down.
    pub(crate) fn record(&self) {
        held(&self.inner).recorded = Some(Vec::new());
    }

    /// Writes down that something was promised.
    pub(crate) fn promise(&self, what: u64) {
        if let Some(recorded) = &mut held(&self.inner).recorded {
            recorded.push(Op::Promise(what));
        }
    }

    /// What was written down.
    pub(crate) fn recorded(&self) -> Vec<Op> {
        held(&self.inner).recorded.take().unwrap_or_default()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        held(&self.all).remove(&self.name);
    }
}

impl Inner {
    /// Lets a call that writes happen, or says why not. `grows`: whether a file becomes longer.
    fn call(&mut self, life: u64, grows: bool) -> Result<(), Error> {
        self.alive(life)?;
        self.powered()?;
        self.calls += 1;
        if let Some((at, trouble)) = self.planted
            && self.calls >= at
        {
            self.planted = None;
            self.noticed = true;
            match trouble {
                Trouble::PowerCut => self.stopped = true,
                Trouble::Full => self.full = true,
                Trouble::Refused => return Err(Error::other("the disk refused")),
            }
        }
        if self.full && grows {
            return Err(Error::from(ErrorKind::WriteZero));
        }
        Ok(())
    }

    /// Reading goes on after the power went: nothing can come of it but that a test asks what the last commit promised.
    fn alive(&self, life: u64) -> Result<(), Error> {
        if self.life == life { Ok(()) } else { Err(Error::other("a handle of a process that is dead")) }
    }

    fn powered(&self) -> Result<(), Error> {
        if self.stopped { Err(Error::other("the power is off")) } else { Ok(()) }
    }

    fn note(&mut self, op: impl FnOnce() -> Op) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push(op());
        }
    }
}

/// What SQLite calls.
struct Layer {
    disks: Disks,
    names: AtomicU64,
}

impl Layer {
    /// The disk of a path, and the file's name on it.
    fn place<'a>(&self, path: &'a str) -> Result<(Arc<Mutex<Inner>>, &'a str), Error> {
        let (disk, file) = path.rsplit_once('/').ok_or(ErrorKind::NotFound)?;
        let inner = held(&self.disks).get(disk).cloned();
        Ok((inner.ok_or(ErrorKind::NotFound)?, file))
    }
}

impl Vfs for Layer {
    type Handle = Handle;

    fn open(&self, path: &str, opts: OpenOptions) -> Result<Handle, Error> {
        let (disk, file) = match self.place(path) {
            Ok(place) => place,
            // A file without a name: for the statement under way, on no disk.
            Err(_) => (Arc::new(Mutex::new(Inner::default())), path),
        };
        let mut inner = held(&disk);
        inner.alive(inner.life)?;
        let there = inner.platter.exists(file);
        match opts.access {
            OpenAccess::Read | OpenAccess::Write if !there => return Err(ErrorKind::NotFound.into()),
            OpenAccess::CreateNew if there => return Err(ErrorKind::AlreadyExists.into()),
            OpenAccess::Read | OpenAccess::Write => {}
            OpenAccess::Create | OpenAccess::CreateNew => {
                if !there {
                    inner.platter.apply(&Op::Create { file: file.to_owned() });
                    inner.note(|| Op::Create { file: file.to_owned() });
                }
            }
        }
        inner.handles += 1;
        let (life, id, file) = (inner.life, inner.handles, file.to_owned());
        drop(inner);
        Ok(Handle { disk, file, life, id })
    }

    fn delete(&self, path: &str) -> Result<(), Error> {
        let Ok((disk, file)) = self.place(path) else { return Ok(()) };
        let mut inner = held(&disk);
        let life = inner.life;
        inner.call(life, false)?;
        if !inner.platter.exists(file) {
            return Err(ErrorKind::NotFound.into());
        }
        inner.platter.delete(file);
        inner.note(|| Op::Delete { file: file.to_owned() });
        Ok(())
    }

    fn exists(&self, path: &str) -> Result<bool, Error> {
        let Ok((disk, file)) = self.place(path) else { return Ok(false) };
        Ok(held(&disk).platter.exists(file))
    }

    fn temporary_name(&self) -> String {
        format!("temporary-{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    fn random(&self, buffer: &mut [i8]) {
        buffer.fill(7);
    }

    fn sleep(&self, duration: Duration) -> Duration {
        duration
    }
}

/// An open file.
struct Handle {
    disk: Arc<Mutex<Inner>>,
    file: String,
    life: u64,
    id: u64,
}

const fn rank(lock: LockKind) -> u8 {
    match lock {
        LockKind::None => 0,
        LockKind::Shared => 1,
        LockKind::Reserved => 2,
        LockKind::Pending => 3,
        LockKind::Exclusive => 4,
    }
}

impl DatabaseHandle for Handle {
    type WalIndex = LogIndex;

    fn size(&self) -> Result<u64, Error> {
        let inner = held(&self.disk);
        inner.alive(self.life)?;
        Ok(inner.platter.content(&self.file).map_or(0, <[u8]>::len) as u64)
    }

    fn read_exact_at(&mut self, buf: &mut [u8], offset: u64) -> Result<(), Error> {
        let inner = held(&self.disk);
        inner.alive(self.life)?;
        let content = inner.platter.content(&self.file).unwrap_or_default();
        let from = content.len().min(offset as usize);
        let there = &content[from..content.len().min(from + buf.len())];
        buf[..there.len()].copy_from_slice(there);
        if there.len() < buf.len() {
            buf[there.len()..].fill(0);
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn write_all_at(&mut self, buf: &[u8], offset: u64) -> Result<(), Error> {
        let mut inner = held(&self.disk);
        let at = offset as usize;
        let grows = inner.platter.content(&self.file).map_or(0, <[u8]>::len) < at + buf.len();
        inner.call(self.life, grows)?;
        inner.platter.write(&self.file, at, buf);
        inner.note(|| Op::Write { file: self.file.clone(), at, bytes: buf.to_vec() });
        inner.powered()
    }

    fn sync(&mut self, _data_only: bool) -> Result<(), Error> {
        let mut inner = held(&self.disk);
        inner.call(self.life, false)?;
        // The power went before the sync was done: nothing became safe by it.
        inner.powered()?;
        inner.platter.sync(&self.file);
        inner.note(|| Op::Sync { file: self.file.clone() });
        Ok(())
    }

    fn set_len(&mut self, size: u64) -> Result<(), Error> {
        let mut inner = held(&self.disk);
        let length = size as usize;
        let grows = inner.platter.content(&self.file).map_or(0, <[u8]>::len) < length;
        inner.call(self.life, grows)?;
        inner.platter.resize(&self.file, length);
        inner.note(|| Op::Resize { file: self.file.clone(), length });
        inner.powered()
    }

    fn lock(&mut self, lock: LockKind) -> Result<bool, Error> {
        let mut inner = held(&self.disk);
        inner.alive(self.life)?;
        let locks = inner.locks.entry(self.file.clone()).or_default();
        let (mine, wanted) = (locks.get(&self.id).copied().unwrap_or(0), rank(lock));
        let others = locks.iter().filter(|(id, _)| **id != self.id).map(|(_, rank)| *rank).max().unwrap_or(0);
        let free = match lock {
            LockKind::None => true,
            LockKind::Shared => wanted <= mine || others < 3,
            LockKind::Reserved | LockKind::Pending => others < 2,
            LockKind::Exclusive => others == 0,
        };
        match lock {
            LockKind::None => {
                locks.remove(&self.id);
            }
            LockKind::Exclusive if !free && others < 2 => {
                locks.insert(self.id, 3);
            }
            LockKind::Shared | LockKind::Reserved | LockKind::Pending | LockKind::Exclusive => {
                if free {
                    locks.insert(self.id, wanted);
                }
            }
        }
        Ok(free)
    }

    fn reserved(&mut self) -> Result<bool, Error> {
        let inner = held(&self.disk);
        Ok(inner.locks.get(&self.file).is_some_and(|locks| locks.values().any(|rank| *rank >= 2)))
    }

    fn current_lock(&self) -> Result<LockKind, Error> {
        let inner = held(&self.disk);
        let rank = inner.locks.get(&self.file).and_then(|locks| locks.get(&self.id)).copied().unwrap_or(0);
        Ok([LockKind::None, LockKind::Shared, LockKind::Reserved, LockKind::Pending, LockKind::Exclusive][usize::from(rank)])
    }

    fn wal_index(&self, _readonly: bool) -> Result<LogIndex, Error> {
        let (disk, file) = (Arc::clone(&self.disk), self.file.clone());
        Ok(LogIndex { disk, file, life: self.life, id: self.id, seen: BTreeMap::new() })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut inner = held(&self.disk);
        let alive = self.life == inner.life;
        if let Some(locks) = inner.locks.get_mut(&self.file).filter(|_| alive) {
            locks.remove(&self.id);
        }
    }
}
