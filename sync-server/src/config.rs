//! How a server is set up: folder, address, who stands in front of it, and the limits that it announces.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::blobs::{BlobLimits, DepotConfig};
use crate::rounds::UrgentRule;
use crate::storage;

/// The data folder when none is named.
pub const FOLDER_DEFAULT: &str = "./roadbook-data";
/// The port when none is named.
pub const PORT_DEFAULT: u16 = 7070;
/// Minutes east of UTC of the company's calendar when none are named: China Standard Time.
pub const OFFSET_MINUTES_DEFAULT: i32 = 480;

/// The setting of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The data folder; see [`crate::storage`].
    pub folder: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address that people and phones use, such as `https://roadbook.example`; `None`: the address listened on.
    pub public_url: Option<String>,
    /// A proxy stands in front, ends TLS, and names the caller in the last entry of `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// Certificate and key, when this server speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Minutes east of UTC of the company's calendar.
    pub offset_minutes: i32,
    /// Where photos and files lie.
    pub depot: DepotConfig,
    /// When urgent reports are escalated.
    pub urgent: UrgentRule,
    /// Limits.
    pub limits: Limits,
}

/// Where certificate and key are, as PEM. Both are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate first, then those that signed it.
    pub cert: PathBuf,
    /// Its private key, without a password.
    pub key: PathBuf,
}

/// Limits of one server. Those of the wire are core's; all are listed in [`crate::http`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one device in one minute.
    pub device_requests_per_minute: u32,
    /// Requests of one device under way at once, wake-up channels included.
    pub device_requests_at_once: u32,
    /// Open connections in all; one more is answered 503 and closed.
    pub connections: usize,
    /// Open connections of one address (of one /64 of IPv6), when no proxy stands in front. A company's phones may share one address.
    pub connections_per_address: usize,
    /// Requests under way in all, wake-up channels not counted; beyond it: 503.
    pub requests: usize,
    /// Requests about photos of one device in one minute.
    pub device_blob_requests_per_minute: u32,
    /// Photos of one device.
    pub blobs: BlobLimits,
    /// Requests that wait for a worker; beyond it: 503.
    pub waiting: usize,
    /// Bytes of request bodies held in memory in all; who finds no room for a while: 503.
    pub bodies_bytes: usize,
    /// Bytes of large answers held in memory until they are sent, in all; who finds no room for a while: 503.
    pub answers_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            device_requests_per_minute: 120,
            device_requests_at_once: 4,
            connections: 4_096,
            connections_per_address: 2_048,
            requests: 1_024,
            waiting: 512,
            bodies_bytes: 96 << 20,
            answers_bytes: 128 << 20,
            device_blob_requests_per_minute: 1_200,
            blobs: BlobLimits::default(),
        }
    }
}

/// A setting that would not be safe or cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Plain HTTP to the world.
    #[error(
        "{0} is not a loopback address, and passwords would travel in clear; \
         give --tls-cert and --tls-key, or put a TLS proxy in front and say --behind-proxy, or listen on 127.0.0.1"
    )]
    NotLoopback(IpAddr),
    /// The public address is no origin.
    #[error("{0:?} is not an address such as https://roadbook.example (no path, no trailing slash)")]
    PublicUrl(String),
    /// No such offset.
    #[error("{0} is no offset from UTC: give minutes from -720 to 840")]
    Offset(i32),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            folder: PathBuf::from(FOLDER_DEFAULT),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT_DEFAULT),
            public_url: None,
            behind_proxy: false,
            tls: None,
            offset_minutes: OFFSET_MINUTES_DEFAULT,
            depot: DepotConfig::default(),
            urgent: UrgentRule::default(),
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// The setting for a folder, all else as usual.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }

    /// Whether browsers reach this server over TLS: decides the `Secure` mark of cookies and HSTS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.tls.is_some() || self.public_url.as_deref().map_or(self.behind_proxy, |url| url.starts_with("https://"))
    }

    /// The origin that people use.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", self.listen))
    }

    /// Refuses what would not be safe or cannot work.
    ///
    /// # Errors
    /// [`ConfigError`] says what to change.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.listen.ip().is_loopback() && !self.behind_proxy && self.tls.is_none() {
            return Err(ConfigError::NotLoopback(self.listen.ip()));
        }
        if let Some(url) = &self.public_url {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            if !rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', ' ', '@'])) {
                return Err(ConfigError::PublicUrl(url.clone()));
            }
        }
        if !(-720..=840).contains(&self.offset_minutes) {
            return Err(ConfigError::Offset(self.offset_minutes));
        }
        Ok(())
    }

    /// A file of the data folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The file of accounts and feed.
    #[must_use]
    pub fn server_file(&self) -> PathBuf {
        self.file(storage::SERVER_FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unsafe_is_refused_by_name() {
        assert_eq!(Config::default().check(), Ok(()));
        let world = Config { listen: SocketAddr::from(([0, 0, 0, 0], 80)), ..Config::default() };
        assert_eq!(world.check(), Err(ConfigError::NotLoopback(world.listen.ip())));
        let files = TlsFiles { cert: "c".into(), key: "k".into() };
        let own = Config { tls: Some(files), ..world.clone() };
        assert!(own.check().is_ok() && own.is_https() && own.origin() == "https://0.0.0.0:80");
        assert_eq!(Config { behind_proxy: true, ..world }.check(), Ok(()));
        for bad in ["", "https://", "roadbook.example", "https://x/", "ftp://x", "https://u@x"] {
            assert!(Config { public_url: Some(bad.to_owned()), ..Config::default() }.check().is_err(), "{bad}");
        }
        let good = Config { public_url: Some("https://roadbook.example:8443".to_owned()), ..Config::default() };
        assert!(good.check().is_ok() && good.is_https());
        assert_eq!(Config { offset_minutes: 900, ..Config::default() }.check(), Err(ConfigError::Offset(900)));
    }
}
