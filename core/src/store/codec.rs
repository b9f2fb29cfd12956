//! Snapshots on disk: zstd, with a dictionary for each kind as soon as there is enough to learn from. A card of 2.3 KB is 1.4 KB by itself and half of that
//! with what it shares with other cards. Knows nothing of what a snapshot says.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{CCtx, DCtx, compress_bound, get_error_name};

use super::{SNAPSHOT_BYTES_MAX, StoreError, within};
use crate::model::kinds::is_private;

/// zstd level of stored snapshots: a save is followed by an fsync of milliseconds, this costs tens of microseconds.
const LEVEL: i32 = 3;
/// Snapshots of a kind from which its dictionary is learnt.
const SAMPLES: u32 = 256;
/// Bytes of samples that are read at most.
const SAMPLE_BYTES_MAX: usize = 4 << 20;
/// Bytes of a dictionary.
const DICTIONARY_BYTES_MAX: usize = 64 << 10;

/// Compresses and decompresses; keeps the dictionaries of the file prepared.
#[derive(Default)]
pub(super) struct Codec {
    prepared: RefCell<BTreeMap<i64, Arc<Prepared>>>,
    kinds: RefCell<BTreeMap<String, Newest>>,
    /// zstd's working memory, kept: making it anew costs more than a snapshot does.
    contexts: RefCell<Contexts>,
}

#[derive(Default)]
struct Contexts {
    packing: CCtx<'static>,
    unpacking: DCtx<'static>,
}

struct Prepared {
    encoder: EncoderDictionary<'static>,
    decoder: DecoderDictionary<'static>,
}

/// By what a kind is compressed now.
#[derive(Debug, Clone, Copy)]
enum Newest {
    /// This dictionary.
    Dictionary(i64),
    /// None yet; so many snapshots to learn from.
    Samples(u32),
    /// None, and none will be: what there is has too little in common, or is private.
    Hopeless,
}

impl Codec {
    /// Compresses a snapshot of a kind: the number of the dictionary (0 = none) and the bytes.
    pub(super) fn compress(&self, conn: &Connection, kind: &str, bytes: &[u8]) -> Result<(i64, Vec<u8>), StoreError> {
        within("a snapshot (bytes)", bytes.len(), SNAPSHOT_BYTES_MAX)?;
        match self.newest(conn, kind)? {
            Newest::Dictionary(no) => Ok((no, self.pack(Some(&*self.dictionary(conn, no)?), bytes)?)),
            Newest::Samples(_) | Newest::Hopeless => Ok((0, self.pack(None, bytes)?)),
        }
    }

    /// Decompresses to exactly `length` bytes.
    pub(super) fn decompress(&self, conn: &Connection, dictionary: i64, bytes: &[u8], length: usize) -> Result<Vec<u8>, StoreError> {
        within("a snapshot (bytes)", length, SNAPSHOT_BYTES_MAX)?;
        let mut out = Vec::with_capacity(length);
        let unpacked = if dictionary == 0 {
            self.contexts.borrow_mut().unpacking.decompress(&mut out, bytes)
        } else {
            let dictionary = self.dictionary(conn, dictionary)?;
            self.contexts.borrow_mut().unpacking.decompress_using_ddict(&mut out, bytes, dictionary.decoder.as_ddict())
        };
        if unpacked == Ok(length) { Ok(out) } else { Err(StoreError::Damaged { what: "snapshot" }) }
    }

    fn pack(&self, dictionary: Option<&Prepared>, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::with_capacity(compress_bound(bytes.len()));
        let packing = &mut self.contexts.borrow_mut().packing;
        let packed = match dictionary {
            Some(dictionary) => packing.compress_using_cdict(&mut out, bytes, dictionary.encoder.as_cdict()),
            None => packing.compress(&mut out, bytes, LEVEL),
        };
        packed.map_err(|code| StoreError::File { doing: "compressing", source: std::io::Error::other(get_error_name(code)) })?;
        out.shrink_to_fit();
        Ok(out)
    }

    /// Counts a snapshot that was stored without dictionary. When there are enough to learn from, learns, and stores those again with what was learnt.
    pub(super) fn learn(&self, conn: &Connection, kind: &str) -> Result<(), StoreError> {
        let Newest::Samples(before) = self.newest(conn, kind)? else { return Ok(()) };
        let now = before.saturating_add(1);
        if now < SAMPLES {
            self.kinds.borrow_mut().insert(kind.to_owned(), Newest::Samples(now));
            return Ok(());
        }
        let samples = self.samples(conn, kind)?;
        let texts: Vec<&[u8]> = samples.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        let Ok(learnt) = zstd::dict::from_samples(&texts, DICTIONARY_BYTES_MAX) else {
            self.kinds.borrow_mut().insert(kind.to_owned(), Newest::Hopeless);
            return Ok(());
        };
        let no: i64 = conn
            .prepare_cached("INSERT INTO dictionary (kind, bytes) VALUES (?1, ?2) RETURNING no")?
            .query_row(params![kind, learnt], |row| row.get(0))?;
        let dictionary = self.dictionary(conn, no)?;
        let mut again = conn.prepare_cached("UPDATE snapshot SET dictionary = ?2, bytes = ?3 WHERE document = ?1")?;
        for (document, bytes) in &samples {
            again.execute(params![document, no, self.pack(Some(&dictionary), bytes)?])?;
        }
        self.kinds.borrow_mut().insert(kind.to_owned(), Newest::Dictionary(no));
        Ok(())
    }

    /// Forgets what was read: the rows may have been rolled back.
    pub(super) fn forget_dictionaries(&self) {
        self.prepared.borrow_mut().clear();
        self.kinds.borrow_mut().clear();
    }

    fn newest(&self, conn: &Connection, kind: &str) -> Result<Newest, StoreError> {
        if let Some(known) = self.kinds.borrow().get(kind) {
            return Ok(*known);
        }
        if is_private(kind) {
            // A dictionary is made of what it was learnt from, and outlives it.
            self.kinds.borrow_mut().insert(kind.to_owned(), Newest::Hopeless);
            return Ok(Newest::Hopeless);
        }
        let dictionary: Option<i64> = conn
            .prepare_cached("SELECT no FROM dictionary WHERE kind = ?1 ORDER BY no DESC LIMIT 1")?
            .query_row([kind], |row| row.get(0))
            .optional()?;
        let newest = match dictionary {
            Some(no) => Newest::Dictionary(no),
            None => Newest::Samples(
                conn.prepare_cached("SELECT count(*) FROM (SELECT 1 FROM document WHERE kind = ?1 AND snapshot_bytes > 0 LIMIT ?2)")?
                    .query_row(params![kind, SAMPLES - 1], |row| row.get(0))?,
            ),
        };
        self.kinds.borrow_mut().insert(kind.to_owned(), newest);
        Ok(newest)
    }

    /// The newest snapshots of a kind, decompressed, within [`SAMPLE_BYTES_MAX`].
    fn samples(&self, conn: &Connection, kind: &str) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let mut find = conn.prepare_cached(
            "SELECT d.no, d.snapshot_bytes, s.bytes FROM document d JOIN snapshot s ON s.document = d.no
             WHERE d.kind = ?1 AND s.dictionary = 0 ORDER BY d.no DESC LIMIT ?2",
        )?;
        let mut rows = find.query(params![kind, SAMPLES])?;
        let (mut out, mut total) = (Vec::new(), 0usize);
        while let Some(row) = rows.next()? {
            let length = usize::try_from(row.get::<_, i64>(1)?).map_err(|_| StoreError::Damaged { what: "snapshot" })?;
            total = total.saturating_add(length);
            if total > SAMPLE_BYTES_MAX {
                break;
            }
            out.push((row.get(0)?, self.decompress(conn, 0, &row.get::<_, Vec<u8>>(2)?, length)?));
        }
        Ok(out)
    }

    fn dictionary(&self, conn: &Connection, no: i64) -> Result<Arc<Prepared>, StoreError> {
        if let Some(known) = self.prepared.borrow().get(&no) {
            return Ok(Arc::clone(known));
        }
        let found: Option<Vec<u8>> =
            conn.prepare_cached("SELECT bytes FROM dictionary WHERE no = ?1")?.query_row([no], |row| row.get(0)).optional()?;
        let found = found.ok_or(StoreError::Damaged { what: "dictionary" })?;
        let damaged = |_| StoreError::Damaged { what: "dictionary" };
        let prepared = Arc::new(Prepared {
            encoder: EncoderDictionary::try_copy(&found, LEVEL).map_err(damaged)?,
            decoder: DecoderDictionary::try_copy(&found).map_err(damaged)?,
        });
        self.prepared.borrow_mut().insert(no, Arc::clone(&prepared));
        Ok(prepared)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

    use super::*;
    use crate::ids::{DocId, Ms};
    use crate::store::{Described, OpenOptions, Store};

    fn text(n: u32) -> Vec<u8> {
        let shop = n.wrapping_mul(2_654_435_761);
        format!("name: shop number {shop}; phone: 139{shop:010}; problems: pays late {}; strengths: none", shop % 977).into_bytes()
    }

    fn save(store: &mut Store, n: u32) {
        let doc = DocId::derived(&n.to_string());
        store
            .write::<_, StoreError>(|w| {
                w.put_document(&Described { doc, kind: "customer", subject: doc.into(), heads: &[], fingerprint: n.into() })?;
                w.put_snapshot(doc, &text(n))
            })
            .unwrap();
    }

    #[test]
    fn a_dictionary_is_learnt_once_and_everything_stays_readable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let how = OpenOptions { durability: crate::store::Durability::Rebuildable, ..OpenOptions::phone(Ms(0)) };
        let mut store = Store::open(&path, &how).unwrap().store;
        (0..SAMPLES - 1).for_each(|n| save(&mut store, n));
        let dictionaries = |store: &Store| store.conn.query_row("SELECT count(*) FROM dictionary", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(dictionaries(&store), 0);
        // A write that is rolled back takes its dictionary with it.
        let failed = store.write::<(), _>(|w| {
            let doc = DocId::derived("rolled back");
            w.put_document(&Described { doc, kind: "customer", subject: doc.into(), heads: &[], fingerprint: 0 })?;
            w.put_snapshot(doc, &text(9_999))?;
            Err(StoreError::Damaged { what: "test" })
        });
        assert!(failed.is_err());
        assert_eq!(dictionaries(&store), 0);
        drop(store);

        let mut store = Store::open(&path, &how).unwrap().store;
        (SAMPLES - 1..SAMPLES + 200).for_each(|n| save(&mut store, n));
        save(&mut store, 0);
        assert_eq!(dictionaries(&store), 1);
        let plain: i64 = store.conn.query_row("SELECT count(*) FROM snapshot WHERE dictionary = 0", [], |row| row.get(0)).unwrap();
        assert_eq!(plain, 0);
        drop(store);

        let store = Store::open(&path, &how).unwrap().store;
        for n in 0..SAMPLES + 200 {
            let found = store.read(|r| r.document_bytes(DocId::derived(&n.to_string()))).unwrap();
            assert_eq!(found.snapshot.unwrap(), text(n));
        }
        let bytes: i64 = store.conn.query_row("SELECT sum(length(bytes)) FROM snapshot", [], |row| row.get(0)).unwrap();
        let raw: usize = (0..SAMPLES + 200).map(|n| text(n).len()).sum();
        assert!(i64::try_from(raw).unwrap() > 2 * bytes, "{raw} {bytes}");
    }

    #[test]
    fn what_has_nothing_in_common_is_stored_all_the_same() {
        let mut store = Store::in_memory().unwrap();
        store
            .write::<_, StoreError>(|w| {
                for n in 0..SAMPLES + 5 {
                    let doc = DocId::derived(&n.to_string());
                    w.put_document(&Described { doc, kind: "tiny", subject: doc.into(), heads: &[], fingerprint: 0 })?;
                    w.put_snapshot(doc, &[u8::try_from(n % 251).unwrap()])?;
                }
                assert_eq!(w.document_bytes(DocId::derived("9"))?.snapshot.unwrap(), [9]);
                Ok(())
            })
            .unwrap();
    }
}
