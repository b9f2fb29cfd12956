//! `demo`: everything at once, with invented shops and people: a fresh company, an imported list, tours, phones that work offline,
//! what merged, and the console left running.
//!
//! * [`company`] – people, territories, the imported list, the published tours.
//! * [`picture`] – pictures that nobody took.
//! * [`story`] – what three phones and a dispatcher do apart, and what comes of it.

mod company;
mod picture;
mod story;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::{Done, Failure, serve, show};
use crate::accounts::Who;
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, PORT_DEFAULT};
use crate::http;
use crate::rounds;
use company::{Company, PASSWORD};

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// An empty or new folder for the demo company; one below the system's temporary folder when not given
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Address and port of the console
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from(([127, 0, 0, 1], PORT_DEFAULT)))]
    listen: SocketAddr,
    /// End after the story instead of leaving the console running
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) fn run(self) -> Done {
        let clock = Clock::system();
        let folder = self.folder.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("roadbook-demo-{}", clock.now().0)));
        if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(format!("{} is not empty; the demo begins in a fresh folder", folder.display()).into());
        }
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(self.play(folder, clock))
    }

    async fn play(self, folder: PathBuf, clock: Clock) -> Done {
        let listener = match TcpListener::bind(self.listen).await {
            Ok(listener) => listener,
            // Somebody has the port: any other will do for a demo.
            Err(_) if self.listen.port() == PORT_DEFAULT => TcpListener::bind(SocketAddr::new(self.listen.ip(), 0)).await?,
            Err(error) => return Err(format!("{} cannot be listened on: {error}", self.listen).into()),
        };
        let config = Config { listen: listener.local_addr()?, ..Config::in_folder(folder.join("headquarters")) };
        let app = App::open(config, clock.clone())?;
        let origin = app.config().origin();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = http::router(&app);
        let ended = async {
            let _sender_gone = stopped.await;
        };
        let rounds = tokio::spawn(rounds::rounds(Arc::clone(&app)));
        let server = tokio::spawn(http::serve::serve(Arc::clone(&app), listener, router, ended));

        let told = tokio::task::spawn_blocking({
            let (app, folder) = (Arc::clone(&app), folder.clone());
            move || told(&app, &folder, &clock)
        });
        told.await??;
        if !self.once {
            farewell(&app, &origin, &folder)?;
            serve::stopped().await;
        }
        let _nobody_listens = stop.send(());
        server.await?;
        rounds.await?;
        Ok(())
    }
}

fn told(app: &Arc<App>, folder: &std::path::Path, clock: &Clock) -> Done {
    let company = Company::found(app)?;
    story::tell(app, &company, folder, clock)
}

fn farewell(app: &App, origin: &str, folder: &std::path::Path) -> Result<(), Failure> {
    show::line(format_args!("\n── 控制台 Console: {origin} ──"));
    for person in company::PEOPLE {
        show::line(format_args!("  {:<6} / {PASSWORD}   {} {}", person.login, person.name, person.role.label().zh));
    }
    let guest = super::person(app.accounts(), "zhou")?;
    let program = std::env::current_exe().map_or_else(|_| "roadbook-server".to_owned(), |path| path.display().to_string());
    let code = app.accounts().issue_code(app.now(), &Who::shell(), guest.id)?;
    show::line(format_args!(
        "\nBe a phone yourself, from another shell (a code for {}, valid once):\n  \
         {program} phone --folder ./my-phone enroll {origin} {code}\n  \
         {program} phone --folder ./my-phone sync\n  \
         {program} phone --folder ./my-phone search hm\n\
         All data of this demo is invented and lies in {}. Ctrl-C ends it.",
        guest.name,
        folder.display()
    ));
    Ok(())
}
