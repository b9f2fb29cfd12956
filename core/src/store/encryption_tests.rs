//! Keys of a file: right, wrong, missing, changed, and a crash at each step of changing one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use std::path::Path;

use super::*;
use crate::ids::Ms;
use crate::store::{OpenOptions, Store};

const NOW: Ms = Ms(1_772_400_000_000);

fn key(n: u8) -> StoreKey {
    StoreKey::new([n; STORE_KEY_BYTES])
}

fn open(path: &Path, key: Option<&StoreKey>) -> Result<Store, StoreError> {
    let opened = Store::open(path, &OpenOptions::phone(NOW).under(key))?;
    assert!(opened.set_aside.is_none(), "never taken for damage");
    Ok(opened.store)
}

#[test]
fn a_key_is_never_shown_and_has_its_length() {
    assert_eq!(format!("{:?}", key(7)), "StoreKey(…)");
    let how = format!("{:?}", OpenOptions::phone(NOW).under(Some(&key(7))));
    assert!(how.contains("StoreKey(…)") && !how.contains("7, 7"), "{how}");
    assert!(StoreKey::from_vec(vec![1; 31]).is_none() && StoreKey::from_vec(vec![1; 33]).is_none());
    assert!(StoreKey::from_vec(vec![1; 32]).is_some());
    assert!(key(0xa1).specification().starts_with("x'a1a1") && key(1).specification().len() == 99);
}

#[cfg(not(feature = "encryption"))]
#[test]
fn a_build_without_encryption_refuses_a_key_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replica.sqlite");
    let refused = Store::open(&path, &OpenOptions::phone(NOW).under(Some(&key(1))));
    assert!(matches!(refused, Err(StoreError::NoEncryption)), "{refused:?}");
    assert_eq!(head(&path).unwrap(), Head::Empty);
    std::fs::write(&path, [ENCRYPTED.as_slice(), &[9; 4088]].concat()).unwrap();
    assert!(matches!(open(&path, None), Err(StoreError::KeyNeeded)), "what another build encrypted is no damage");
}

#[cfg(feature = "encryption")]
mod built_in {
    use super::*;
    use crate::store::{Check, Lane, salvage};

    fn put(store: &mut Store, value: &[u8]) {
        store.write(|write| write.put_setting("a", value)).unwrap();
    }
    fn value(store: &Store) -> Vec<u8> {
        store.read(|read| read.setting("a")).unwrap().unwrap()
    }
    /// A closed file that holds "b" under `key`.
    fn made(folder: &Path, key: Option<&StoreKey>) -> std::path::PathBuf {
        let path = folder.join("replica.sqlite");
        let mut store = open(&path, key).unwrap();
        put(&mut store, b"b");
        store.close().unwrap();
        path
    }
    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_its_key_opens_a_file_and_another_leaves_it_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), Some(&key(1)));
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(open(&path, None), Err(StoreError::KeyNeeded)));
        assert!(matches!(open(&path, Some(&key(2))), Err(StoreError::WrongKey)));
        assert!(matches!(Store::open_reader(&path, 512, None), Err(StoreError::KeyNeeded)));
        assert!(matches!(Store::open_reader(&path, 512, Some(&key(2))), Err(StoreError::WrongKey)));
        assert!(matches!(salvage(&path, Some(&key(2))), Err(StoreError::WrongKey)));
        assert!(matches!(Store::rekey(&path, Some(&key(2)), &key(3)), Err(StoreError::WrongKey)));
        assert!(matches!(Store::rekey(&path, None, &key(3)), Err(StoreError::KeyNeeded)));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(names(folder.path()), ["replica.sqlite"], "nothing was set aside");
        let store = open(&path, Some(&key(1))).unwrap();
        assert_eq!(value(&store), b"b");
        assert_eq!(value(&Store::open_reader(&path, 512, Some(&key(1))).unwrap()), b"b");
    }

    #[test]
    fn a_plain_file_is_encrypted_when_it_is_first_opened_with_a_key_with_all_that_its_log_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), None);
        let mut store = open(&path, None).unwrap();
        put(&mut store, b"only in the log");
        // As a crash leaves it: the log is not folded in.
        let crashed = folder.path().join("crashed.sqlite");
        for suffix in ["", "-wal"] {
            std::fs::copy(beside(&path, suffix), beside(&crashed, suffix)).unwrap();
        }
        drop(store);
        let store = open(&crashed, Some(&key(1))).unwrap();
        assert_eq!(value(&store), b"only in the log");
        assert!(store.is_sound().unwrap());
        drop(store);
        assert!(matches!(head(&crashed), Ok(Head::Encrypted(check)) if check == key(1).check()));
        assert!(matches!(open(&crashed, None), Err(StoreError::KeyNeeded)));
        assert_eq!(value(&open(&path, None).unwrap()), b"only in the log", "the other file is another file");
    }

    #[test]
    fn a_newer_or_foreign_plain_file_is_refused_before_it_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), None);
        Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 1000").unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(open(&path, Some(&key(1))), Err(StoreError::NewerFile { found: 1000, .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(open(&other, Some(&key(1))), Err(StoreError::ForeignFile { .. })));
        assert_eq!(head(&other).unwrap(), Head::Plain);
    }

    #[test]
    fn another_key_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), Some(&key(1)));
        Store::rekey(&path, Some(&key(1)), &key(2)).unwrap();
        assert!(matches!(open(&path, Some(&key(1))), Err(StoreError::WrongKey)));
        Store::rekey(&path, Some(&key(1)), &key(2)).unwrap();
        let mut store = open(&path, Some(&key(2))).unwrap();
        assert_eq!(value(&store), b"b");
        put(&mut store, b"c");
        let busy = Store::rekey(&path, Some(&key(2)), &key(3));
        assert!(matches!(busy, Err(StoreError::Busy { .. })), "{busy:?}");
        store.close().unwrap();
        assert_eq!(value(&open(&path, Some(&key(2))).unwrap()), b"c");
    }

    /// The steps of [`rekey`], each with a crash after it: what is on disk then opens under the key that is in force.
    #[test]
    fn a_crash_at_any_step_of_a_new_key_leaves_the_old_file_or_the_new_one() {
        for old in [None, Some(key(1))] {
            let (old, new) = (old.as_ref(), key(2));
            let folder = tempfile::tempdir().unwrap();
            // While the copy is being written.
            let path = made(folder.path(), old);
            std::fs::write(beside(&path, REKEY), [7; 5_000]).unwrap();
            std::fs::write(beside(&path, ".rekey-journal"), [7; 50]).unwrap();
            Store::rekey(&path, old, &new).unwrap();
            assert_eq!(value(&open(&path, Some(&new)).unwrap()), b"b");

            // After it is written, before it is renamed. The log of a crash is there too.
            std::fs::remove_file(&path).unwrap();
            let path = made(folder.path(), old);
            let copied = Copied::make(&path, old, &new).unwrap();
            let crashed = folder.path().join("crashed.sqlite");
            for suffix in ["", REKEY] {
                std::fs::copy(beside(&path, suffix), beside(&crashed, suffix)).unwrap();
            }
            assert!(!beside(&path, "-wal").exists(), "no log that the copy could be mistaken to own");
            let mut store = open(&crashed, old).unwrap();
            put(&mut store, b"work after the crash");
            store.close().unwrap();
            Store::rekey(&crashed, old, &new).unwrap();
            assert_eq!(value(&open(&crashed, Some(&new)).unwrap()), b"work after the crash", "the stale copy was not taken");

            // After the rename, before anything else.
            std::fs::rename(&copied.new, &copied.old).unwrap();
            drop(copied);
            assert_eq!(value(&open(&path, Some(&new)).unwrap()), b"b");
            assert!(!names(folder.path()).iter().any(|name| name.contains("rekey")), "{:?}", names(folder.path()));
        }
    }

    #[test]
    fn damage_under_the_right_key_is_damage_and_own_work_is_salvaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.sqlite");
        let mut store = open(&path, Some(&key(1))).unwrap();
        let (doc, hash) = crate::store::documents::tests::one_document(&mut store, 1, Lane::Urgent);
        store.close().unwrap();
        let whole = std::fs::read(&path).unwrap();
        let conn = connect(&path).unwrap();
        unlock(&conn, &path, Some(&key(1))).unwrap();
        let root: i64 = conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'tour_row'", [], |row| row.get(0)).unwrap();
        drop(conn);
        let (page, start) = (4_096, (usize::try_from(root).unwrap() - 1) * 4_096);
        let mut torn = whole.clone();
        torn[start..start + page].fill(0xee);
        std::fs::write(&path, &torn).unwrap();
        let how = OpenOptions { check: Check::Full, ..OpenOptions::phone(NOW) };
        let one = key(1);
        let opened = Store::open(&path, &how.under(Some(&one))).unwrap();
        let aside = opened.set_aside.unwrap();
        assert_eq!(std::fs::read(&aside.path).unwrap(), torn, "kept as it was");
        assert!(matches!(salvage(&aside.path, None), Err(StoreError::KeyNeeded)));
        let saved = salvage(&aside.path, Some(&one)).unwrap();
        assert_eq!((saved.changes.len(), saved.changes[0].doc, saved.changes[0].hash), (1, doc, hash));
        drop(opened.store);

        // The head alone: the key finds its file all the same.
        let mut headless = whole.clone();
        headless[..16].fill(0);
        std::fs::write(&path, &headless).unwrap();
        assert!(open(&path, Some(&one)).unwrap().is_sound().unwrap());
        // The first page: with the right key that can only be damage.
        let mut torn = whole;
        torn[16..page].fill(0xee);
        std::fs::write(&path, &torn).unwrap();
        assert!(matches!(open(&path, Some(&key(2))), Err(StoreError::WrongKey)), "with another key nobody can say");
        assert!(Store::open(&path, &OpenOptions::phone(NOW).under(Some(&one))).unwrap().set_aside.is_some());
    }

    #[test]
    fn a_full_disk_while_the_copy_is_written_leaves_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), None);
        // A folder in the place of the copy: it cannot be written.
        std::fs::create_dir(beside(&path, REKEY)).unwrap();
        assert!(open(&path, Some(&key(1))).is_err());
        assert_eq!(value(&open(&path, None).unwrap()), b"b");
    }
}
