//! TLS in the server, over a real socket with real handshakes: a new certificate without a dropped connection, one that cannot be used,
//! a peer who never begins. Certificates: `fixtures/tls` (an authority, two good ones, one that expired; keys of no worth).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use roadbook_core::ids::UserId;
use roadbook_server::access::Role;
use roadbook_server::accounts::{NewUser, Who};
use roadbook_server::app::App;
use roadbook_server::clock::Clock;
use roadbook_server::config::{Config, TlsFiles};
use roadbook_server::http;
use roadbook_server::http::tls::{Looked, TlsError};
use roadbook_server::phone::{Phone, PhoneError, With};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

struct Server {
    app: Arc<App>,
    address: SocketAddr,
    files: TlsFiles,
    folder: tempfile::TempDir,
}

impl Server {
    fn put(&self, cert: &str, key: &str) {
        std::fs::copy(fixture(cert), &self.files.cert).unwrap();
        std::fs::copy(fixture(key), &self.files.key).unwrap();
    }
    fn look(&self) -> Looked {
        self.app.tls().unwrap().look(self.app.now())
    }
}

async fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::copy(fixture("first.pem"), &files.cert).unwrap();
    std::fs::copy(fixture("first.key"), &files.key).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = Config { listen: address, tls: Some(files.clone()), ..Config::in_folder(folder.path().join("hq")) };
    let app = App::open(config, Clock::system()).unwrap();
    tokio::spawn(http::serve::serve(Arc::clone(&app), listener, http::router(&app), std::future::pending()));
    Server { app, address, files, folder }
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(fixture(name)).unwrap()
}

/// A connection that trusts the authority of the fixtures, and the certificate that it was shown.
async fn connect(server: &Server, versions: &[&'static SupportedProtocolVersion]) -> (TlsStream<TcpStream>, CertificateDer<'static>) {
    let mut roots = RootCertStore::empty();
    roots.add(certificate("authority.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let line = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, line).await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
    (stream, shown)
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_without_dropping_a_connection_and_a_bad_one_is_not() {
    let server = server().await;
    let (mut early, shown) = connect(&server, BOTH).await;
    assert_eq!(shown, certificate("first.pem"));
    let heard = ask(&mut early).await;
    assert!(heard.starts_with("HTTP/1.1 204") && heard.contains("strict-transport-security: max-age="), "{heard}");
    assert!(matches!(server.look(), Looked::Same));

    server.put("second.pem", "second.key");
    assert!(matches!(server.look(), Looked::Taken));
    assert_eq!(connect(&server, BOTH).await.1, certificate("second.pem"));
    assert!(ask(&mut early).await.starts_with("HTTP/1.1 204"), "the connection of before goes on");

    std::fs::write(&server.files.cert, "-----BEGIN CERTIFICATE-----\nrubbish\n").unwrap();
    assert!(matches!(server.look(), Looked::Kept(TlsError::NoCertificate(_))));
    assert!(matches!(server.look(), Looked::Same), "told once");
    std::fs::remove_file(&server.files.cert).unwrap();
    assert!(matches!(server.look(), Looked::Kept(TlsError::File { .. })));
    server.put("expired.pem", "expired.key");
    let Looked::Kept(error @ TlsError::Expired(_)) = server.look() else { panic!("an expired certificate was taken") };
    assert!(error.to_string().contains("has expired; renew it"), "{error}");
    server.put("first.pem", "second.key");
    assert!(matches!(server.look(), Looked::Kept(TlsError::Pair(_))), "half of a renewal");
    let (mut late, shown) = connect(&server, BOTH).await;
    assert_eq!(shown, certificate("second.pem"), "the old one stays in use");
    assert!(ask(&mut late).await.starts_with("HTTP/1.1 204"));
    server.put("first.pem", "first.key");
    assert!(matches!(server.look(), Looked::Taken));
    assert_eq!(connect(&server, BOTH).await.1, certificate("first.pem"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_is_spoken_and_nothing_else_is_answered() {
    let server = server().await;
    let (mut old, _) = connect(&server, &[&rustls::version::TLS12]).await;
    assert!(ask(&mut old).await.starts_with("HTTP/1.1 204"));
    // Plain HTTP, and a hello of TLS 1.0: no word of HTTP comes back.
    let hello: &[u8] =
        b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00\x00\x04\x00\x2f\x00\x35\x01\x00\x00\x00";
    for bytes in [b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(), hello] {
        let mut line = TcpStream::connect(server.address).await.unwrap();
        line.write_all(bytes).await.unwrap();
        let mut heard = Vec::new();
        // A reset is an end as well.
        let _ended = line.read_to_end(&mut heard).await;
        assert!(heard.is_empty() || heard[0] == 0x15, "an alert at most: {heard:?}");
    }
}

/// Real time: what is tested is that the deadline exists.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_never_begins_is_cut() {
    let server = server().await;
    let begun = Instant::now();
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(http::serve::HANDSHAKE_TIME + Duration::from_secs(20), silent.read_to_end(&mut heard)).await;
    assert!(ended.is_ok(), "still open after {:?}", begun.elapsed());
    assert!(begun.elapsed() + Duration::from_secs(1) >= http::serve::HANDSHAKE_TIME && heard.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_not_start_on_a_certificate_that_nobody_would_trust() {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles { cert: fixture("expired.pem"), key: fixture("expired.key") };
    let config = Config { tls: Some(files), ..Config::in_folder(folder.path()) };
    match App::open(config, Clock::system()) {
        Err(error) => assert!(error.to_string().contains("expired.pem has expired"), "{error}"),
        Ok(_) => panic!("an expired certificate was taken"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_syncs_over_tls_and_trusts_its_companys_authority_alone() {
    let server = server().await;
    let now = server.app.now();
    let new = NewUser {
        id: UserId::from_bytes([1; 16]),
        login: "wf".to_owned(),
        name: "王芳".to_owned(),
        role: Role::Salesperson,
        password: None,
        territories: std::collections::BTreeSet::new(),
    };
    let user = server.app.accounts().add_user(now, &Who::shell(), &new).unwrap().id;
    let code = server.app.accounts().issue_code(now, &Who::shell(), user).unwrap().to_string();
    let url = format!("https://localhost:{}", server.address.port());
    let place = server.folder.path().join("phone");
    tokio::task::spawn_blocking(move || {
        let stranger = Phone::enroll(&place, &url, &code, "wf1", Clock::system());
        assert!(matches!(stranger, Err(PhoneError::Transport(_))), "a certificate that no browser would trust");
        let authority = Some(std::fs::read_to_string(fixture("authority.pem")).unwrap());
        let mut phone = Phone::enroll_with(&place, &url, &code, "wf1", Clock::system(), With { authority, storage_key: None }).unwrap();
        phone.sync().unwrap();
        drop(phone);
        Phone::open(&place, Clock::system()).unwrap().sync().unwrap();
    })
    .await
    .unwrap();
}
