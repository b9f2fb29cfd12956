//! `serve`: the server until Ctrl-C.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::{Data, Done, show};
use crate::app::App;
use crate::blobs::{Bucket, DepotConfig};
use crate::clock::Clock;
use crate::config::{Config, PORT_DEFAULT, TlsFiles};
use crate::http;
use crate::rounds::{self, UrgentRule};

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    data: Data,
    /// Address and port to listen on; anything but loopback needs TLS: here, or by a proxy in front
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from(([127, 0, 0, 1], PORT_DEFAULT)))]
    listen: SocketAddr,
    /// Certificate chain as PEM, the server's own first; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate as PEM, without a password
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy ends TLS and names the caller in X-Forwarded-For
    #[arg(long)]
    behind_proxy: bool,
    /// The address that people and phones use, such as https://roadbook.example
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Keep photos in this S3 bucket instead of the data folder; the key comes from ROADBOOK_S3_KEY_ID and ROADBOOK_S3_SECRET
    #[arg(long, value_name = "BUCKET")]
    photos_bucket: Option<String>,
    /// Address of the S3 service, such as https://s3.example; Amazon's own when not given
    #[arg(long, value_name = "URL", requires = "photos_bucket")]
    photos_endpoint: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION", requires = "photos_bucket")]
    photos_region: Option<String>,
    /// Minutes in which somebody is expected to acknowledge an urgent report
    #[arg(long, value_name = "MINUTES", default_value_t = UrgentRule::default().ack_minutes)]
    urgent_minutes: u32,
    /// Login of the deputy to whom urgent reports go that nobody acknowledged
    #[arg(long, value_name = "LOGIN")]
    urgent_deputy: Option<String>,
}

impl Serve {
    pub(super) fn run(self) -> Done {
        let depot = self.depot();
        let config = Config {
            listen: self.listen,
            behind_proxy: self.behind_proxy,
            public_url: self.public_url.clone(),
            tls: self.tls_cert.zip(self.tls_key).map(|(cert, key)| TlsFiles { cert, key }),
            depot,
            urgent: UrgentRule { ack_minutes: self.urgent_minutes, deputy: self.urgent_deputy.clone() },
            ..self.data.config()
        };
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async move {
            let listener =
                TcpListener::bind(config.listen).await.map_err(|error| format!("{} cannot be listened on: {error}", config.listen))?;
            let address = listener.local_addr()?;
            let app = App::open(Config { listen: address, ..config }, Clock::system())?;
            show::line(format_args!("serving {} at {}", app.config().folder.display(), app.config().origin()));
            let rounds = tokio::spawn(rounds::rounds(Arc::clone(&app)));
            let router = http::router(&app);
            http::serve::serve(app, listener, router, stopped()).await;
            rounds.await?;
            Ok(())
        })
    }

    fn depot(&self) -> DepotConfig {
        let Some(bucket) = &self.photos_bucket else { return DepotConfig::Folder };
        let secret = |name: &str| std::env::var(name).unwrap_or_default();
        DepotConfig::S3(Bucket {
            bucket: bucket.clone(),
            endpoint: self.photos_endpoint.clone(),
            region: self.photos_region.clone(),
            key_id: secret("ROADBOOK_S3_KEY_ID"),
            secret: secret("ROADBOOK_S3_SECRET"),
        })
    }
}

/// Resolves when the process is asked to end.
pub(super) async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        match terminate {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => {
                let _ended = interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    let _ended = interrupt.await;
}
