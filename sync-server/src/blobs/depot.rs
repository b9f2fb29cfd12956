//! Where chunks lie: a folder below the data folder, or a bucket that speaks S3. Each chunk is one object under its own hash, so storing one
//! twice is storing it once, and nothing is ever changed in place. What `put` returned for is durable.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "s3")]
use std::time::Duration;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
#[cfg(feature = "s3")]
use object_store::{ClientOptions, RetryConfig};
use object_store::{ObjectStore, ObjectStoreExt as _};
use roadbook_core::blobs::BlobHash;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// Where chunks are to lie.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DepotConfig {
    /// In [`crate::storage::BLOBS_FOLDER`] of the data folder.
    #[default]
    Folder,
    /// In a bucket.
    S3(Bucket),
}

/// A bucket that speaks S3.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Its name.
    pub bucket: String,
    /// Address of the service, such as `https://s3.example`; `None`: Amazon's own.
    pub endpoint: Option<String>,
    /// Region; `us-east-1` when none is named.
    pub region: Option<String>,
    /// Name of the key.
    pub key_id: String,
    /// The key's secret.
    pub secret: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket").field("bucket", &self.bucket).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Why the depot could not store or give.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    /// The folder cannot be made.
    #[error("the folder of photos {path} cannot be made: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// This program was built without the way to buckets.
    #[error("this program was built without S3: build it with its default features, or keep photos in the data folder")]
    NoS3,
    /// No space is left.
    #[error("the store of photos is full: {0}")]
    Full(#[source] object_store::Error),
    /// A chunk that should be there is not.
    #[error("chunk {0} is not in the store of photos")]
    Lost(BlobHash),
    /// A chunk is there, with other bytes.
    #[error("chunk {0} in the store of photos is damaged")]
    Damaged(BlobHash),
    /// Anything else; the text is for the log.
    #[error("the store of photos failed: {0}")]
    Store(#[source] object_store::Error),
    /// No runtime could be made.
    #[error("the store of photos could not be asked: {0}")]
    Runtime(#[source] std::io::Error),
}

/// Attempts at a bucket before a question has failed: whoever asked is still waiting, and asks again.
#[cfg(feature = "s3")]
const BUCKET_ATTEMPTS_MAX: usize = 3;
/// Time for all attempts together.
#[cfg(feature = "s3")]
const BUCKET_TIME: Duration = Duration::from_secs(20);
/// Time for one attempt.
#[cfg(feature = "s3")]
const BUCKET_ATTEMPT_TIME: Duration = Duration::from_secs(10);

/// Chunks looked for at once.
const LOOKS_AT_ONCE_MAX: usize = 16;

/// The open depot.
#[derive(Debug, Clone)]
pub struct Depot {
    store: Arc<dyn ObjectStore>,
    /// The runtime of the server; without one (tools, tests) each question brings its own.
    runtime: Option<Handle>,
}

impl Depot {
    /// Opens the depot. In a folder every write is synced before it is promised.
    ///
    /// # Errors
    /// [`DepotError`] says what to change.
    pub fn open(config: &DepotConfig, folder: PathBuf) -> Result<Self, DepotError> {
        let store: Arc<dyn ObjectStore> = match config {
            DepotConfig::Folder => {
                std::fs::create_dir_all(&folder).map_err(|source| DepotError::Folder { path: folder.clone(), source })?;
                Arc::new(LocalFileSystem::new_with_prefix(&folder).map_err(DepotError::Store)?.with_fsync(true))
            }
            DepotConfig::S3(bucket) => s3(bucket)?,
        };
        Ok(Self { store, runtime: Handle::try_current().ok() })
    }

    /// Stores a chunk, durable when this returns. Not to be called from an async thread.
    ///
    /// # Errors
    /// [`DepotError`]; the chunk is then not promised.
    pub fn put(&self, hash: BlobHash, bytes: Vec<u8>) -> Result<(), DepotError> {
        self.wait(self.store.put(&place(hash), Bytes::from(bytes).into()))?.map(|_| ()).map_err(failed)
    }

    /// The bytes of a chunk, checked against its hash. Not to be called from an async thread.
    ///
    /// # Errors
    /// [`DepotError::Lost`], [`DepotError::Damaged`], or the storage.
    pub fn get(&self, hash: BlobHash) -> Result<Vec<u8>, DepotError> {
        let read = async { self.store.get(&place(hash)).await?.bytes().await };
        match self.wait(read)? {
            Ok(bytes) if BlobHash::of(&bytes) == hash => Ok(bytes.to_vec()),
            Ok(_) => Err(DepotError::Damaged(hash)),
            Err(object_store::Error::NotFound { .. }) => Err(DepotError::Lost(hash)),
            Err(error) => Err(failed(error)),
        }
    }

    /// Which of these chunks are not there. Their bytes are not looked at. Not to be called from an async thread.
    ///
    /// # Errors
    /// [`DepotError`]; nothing is then known.
    pub fn lacking(&self, chunks: &[BlobHash]) -> Result<Vec<BlobHash>, DepotError> {
        let look = async {
            let (mut looks, mut lacking) = (JoinSet::new(), Vec::new());
            let mut rest = chunks.iter().copied();
            loop {
                while looks.len() < LOOKS_AT_ONCE_MAX
                    && let Some(chunk) = rest.next()
                {
                    let store = Arc::clone(&self.store);
                    looks.spawn(async move { (chunk, store.head(&place(chunk)).await) });
                }
                match looks.join_next().await {
                    None => return Ok(lacking),
                    Some(Ok((_, Ok(_)))) => {}
                    Some(Ok((chunk, Err(object_store::Error::NotFound { .. })))) => lacking.push(chunk),
                    Some(Ok((_, Err(error)))) => return Err(failed(error)),
                    Some(Err(error)) => return Err(DepotError::Runtime(error.into())),
                }
            }
        };
        self.wait(look)?
    }

    /// Takes a chunk away; one that is not there is away. Not to be called from an async thread.
    ///
    /// # Errors
    /// [`DepotError`]; the chunk may then still be there.
    pub fn delete(&self, hash: BlobHash) -> Result<(), DepotError> {
        match self.wait(self.store.delete(&place(hash)))? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, DepotError> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.block_on(work)),
            None => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DepotError::Runtime)?;
                Ok(runtime.block_on(work))
            }
        }
    }
}

/// `chunk/ab/<hash>`: a folder with a million entries is slow to list and to repair.
fn place(hash: BlobHash) -> Path {
    let name = hash.to_string();
    Path::from_iter(["chunk", name.get(..2).unwrap_or_default(), &name])
}

/// A full disk is not our fault and passes; everything else is for the log.
fn failed(error: object_store::Error) -> DepotError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(one) = cause {
        let io = one.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(io, Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)) {
            return DepotError::Full(error);
        }
        cause = one.source();
    }
    DepotError::Store(error)
}

#[cfg(feature = "s3")]
fn s3(bucket: &Bucket) -> Result<Arc<dyn ObjectStore>, DepotError> {
    // The HTTP client under it takes the process's own provider; one that is there already is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mut builder = object_store::aws::AmazonS3Builder::new()
        .with_bucket_name(&bucket.bucket)
        .with_region(bucket.region.as_deref().unwrap_or("us-east-1"))
        .with_access_key_id(&bucket.key_id)
        .with_secret_access_key(&bucket.secret)
        .with_client_options(ClientOptions::new().with_timeout(BUCKET_ATTEMPT_TIME))
        .with_retry(RetryConfig { max_retries: BUCKET_ATTEMPTS_MAX - 1, retry_timeout: BUCKET_TIME, ..RetryConfig::default() });
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    Ok(Arc::new(builder.build().map_err(DepotError::Store)?))
}

#[cfg(not(feature = "s3"))]
fn s3(_bucket: &Bucket) -> Result<Arc<dyn ObjectStore>, DepotError> {
    Err(DepotError::NoS3)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_comes_back_and_a_damaged_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let depot = Depot::open(&DepotConfig::Folder, folder.path().join("blobs")).unwrap();
        let hash = BlobHash::of(b"shelf");
        assert!(matches!(depot.get(hash), Err(DepotError::Lost(_))));
        depot.put(hash, b"shelf".to_vec()).unwrap();
        depot.put(hash, b"shelf".to_vec()).unwrap();
        assert_eq!(depot.get(hash).unwrap(), b"shelf");
        let others: Vec<BlobHash> = (0..40_u8).map(|n| BlobHash::of(&[n])).collect();
        assert!(depot.lacking(&[hash]).unwrap().is_empty() && depot.lacking(&[]).unwrap().is_empty());
        let mut lacking = depot.lacking(&[others.as_slice(), &[hash]].concat()).unwrap();
        lacking.sort_unstable();
        assert!(lacking.len() == others.len() && others.iter().all(|other| lacking.contains(other)));
        let file = folder.path().join("blobs").join(place(hash).as_ref());
        std::fs::write(file, b"shelF").unwrap();
        assert!(matches!(depot.get(hash), Err(DepotError::Damaged(_))));
        depot.delete(hash).unwrap();
        depot.delete(hash).unwrap();
        assert!(matches!(depot.get(hash), Err(DepotError::Lost(_))));
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let error = |kind| object_store::Error::Generic { store: "test", source: Box::new(std::io::Error::from(kind)) };
        assert!(matches!(failed(error(std::io::ErrorKind::StorageFull)), DepotError::Full(_)));
        assert!(matches!(failed(error(std::io::ErrorKind::PermissionDenied)), DepotError::Store(_)));
    }
}
