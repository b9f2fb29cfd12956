//! TLS in the binary: certificate chain and key from PEM files, TLS 1.2 and 1.3 (rustls), taken anew when the files change. Connections
//! that are open keep what they began with. A new file that cannot be used leaves the old one in use, and the log says why.
//!
//! Never here: what is said over the connection (`serve`), who may come in.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use roadbook_core::ids::Ms;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::validity::validity;
use crate::clock::span::DAY_MS;
use crate::config::TlsFiles;

/// The files are looked at this often.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Most bytes of a PEM file.
pub const PEM_BYTES_MAX: usize = 256 << 10;
/// So long before its end the log begins to warn of a certificate, in milliseconds.
const EXPIRY_WARNED_MS: i64 = 14 * DAY_MS;

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No certificate in the file.
    #[error("{0} holds no certificate; it must hold PEM text, the server's own certificate first, then those that signed it")]
    NoCertificate(PathBuf),
    /// No private key in the file.
    #[error("{0} holds no private key; it must hold one in PEM text, without a password")]
    NoKey(PathBuf),
    /// The certificate is over.
    #[error("the certificate in {0} has expired; renew it")]
    Expired(PathBuf),
    /// The certificate is not good yet.
    #[error("the certificate in {0} is not good yet; check this server's clock")]
    Early(PathBuf),
    /// Certificate and key do not fit, or are of a kind that is not used here.
    #[error("certificate and key cannot be used together: {0}")]
    Pair(rustls::Error),
}

/// What came of a look at the files.
#[derive(Debug)]
pub enum Looked {
    /// They are as they were.
    Same,
    /// They changed and are in use now.
    Taken,
    /// They changed and cannot be used: the old ones stay.
    Kept(TlsError),
}

/// Certificate and key in use, and where they come from.
pub struct Tls {
    files: TlsFiles,
    acceptor: TlsAcceptor,
    held: Arc<Held>,
    seen: Mutex<Option<[u8; 32]>>,
}

#[derive(Debug)]
struct Held(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Held {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] says which file and what to do.
    pub fn open(files: &TlsFiles, now: Ms) -> Result<Self, TlsError> {
        let (pair, print) = load(files, now)?;
        let held = Arc::new(Held(RwLock::new(Arc::new(pair))));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Pair)?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(&held) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { files: files.clone(), acceptor: TlsAcceptor::from(Arc::new(config)), held, seen: Mutex::new(Some(print)) })
    }

    /// Looks whether the files changed, and takes them when they can be used.
    pub fn look(&self, now: Ms) -> Looked {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let found = read(&self.files.cert).and_then(|cert| Ok(print(&cert, &read(&self.files.key)?))).ok();
        if *seen == found {
            return Looked::Same;
        }
        // What cannot be used is told once, not at every look.
        *seen = found;
        match load(&self.files, now) {
            Ok((pair, _)) => {
                *self.held.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                Looked::Taken
            }
            Err(error) => Looked::Kept(error),
        }
    }

    /// The server's half of a handshake. The caller sets the deadline.
    ///
    /// # Errors
    /// What the other side did wrong, or that it went.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> std::io::Result<TlsStream<S>> {
        self.acceptor.accept(stream).await
    }
}

/// Looks at the files every [`LOOK_EVERY`] until `ended`, and tells the log what came of it.
pub async fn watch(tls: Arc<Tls>, now: impl Fn() -> Ms, ended: impl Future<Output = ()>) {
    tokio::pin!(ended);
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = &mut ended => return,
        }
        match tls.look(now()) {
            Looked::Same => {}
            Looked::Taken => tracing::info!("the new certificate is in use"),
            Looked::Kept(error) => tracing::error!(%error, "the certificate changed and cannot be used; the old one stays in use"),
        }
    }
}

fn load(files: &TlsFiles, now: Ms) -> Result<(CertifiedKey, [u8; 32]), TlsError> {
    let (cert, key) = (read(&files.cert)?, read(&files.key)?);
    let no_certificate = || TlsError::NoCertificate(files.cert.clone());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&cert).collect::<Result<_, _>>().map_err(|_| no_certificate())?;
    let (begins, ends) = chain.first().and_then(|own| validity(own)).ok_or_else(no_certificate)?;
    if now < begins {
        return Err(TlsError::Early(files.cert.clone()));
    }
    if now > ends {
        return Err(TlsError::Expired(files.cert.clone()));
    }
    if ends.since(now) < EXPIRY_WARNED_MS {
        tracing::warn!(days = ends.since(now) / DAY_MS, "the certificate expires soon; renew it");
    }
    let secret = PrivateKeyDer::from_pem_slice(&key).map_err(|_| TlsError::NoKey(files.key.clone()))?;
    let pair = CertifiedKey::from_der(chain, secret, &ring::default_provider()).map_err(TlsError::Pair)?;
    Ok((pair, print(&cert, &key)))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(PEM_BYTES_MAX as u64).read_to_end(&mut bytes));
    read.map_err(|source| TlsError::File { path: path.to_owned(), source })?;
    Ok(bytes)
}

fn print(cert: &[u8], key: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update((cert.len() as u64).to_be_bytes());
    hasher.update(cert);
    hasher.update(key);
    hasher.finalize().into()
}
