//! The command line: one file a subcommand. Words on a screen belong here; what they are about does not.

mod absence;
mod audit;
mod demo;
mod device;
mod enroll;
mod export;
mod import;
mod lanes;
mod phone;
mod phone_sync;
mod quarantine;
mod renew;
mod serve;
mod show;
mod territory;
mod transfer;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::accounts::{Accounts, AccountsError, User};
use crate::app::{self, App};
use crate::clock::Clock;
use crate::config::{Config, FOLDER_DEFAULT, OFFSET_MINUTES_DEFAULT};
use crate::database::{Database, Durability};
use crate::storage;

/// Environment variable with what the log tells: levels by module, as `tracing_subscriber` reads them.
const LOG_ENV: &str = "ROADBOOK_LOG";
/// What a server's log tells when nothing else is asked for. Automerge opens a span for every document that it loads: writing them for
/// nobody would cost an eighth of the time that goes into what phones hand in.
const LOG_DEFAULT: &str = "info,automerge=warn";

/// Whatever went wrong, for a person at a shell.
type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What a subcommand returns.
type Done = Result<(), Failure>;

/// Headquarters of Roadbook (路书): an offline-first field sales engine.
#[derive(Debug, Parser)]
#[command(name = "roadbook-server", version, about, max_term_width = 100)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve phones and the console
    Serve(serve::Serve),
    /// Try everything: a fresh company with sample data, phones that work offline, and the console
    Demo(demo::Demo),
    /// Import a customer list (.xlsx, .xls, .csv)
    Import(import::Import),
    /// Write all customers as .xlsx or .csv
    Export(export::Export),
    /// Add, change and list people
    User(user::UserCommand),
    /// Add and list territories (区域)
    Territory(territory::TerritoryCommand),
    /// Make a one-time code with which a person's phone is enrolled
    Enroll(enroll::Enroll),
    /// Print the audit log (审计日志) and prove that no row was changed or taken out
    Audit(audit::Audit),
    /// List phones, revoke one, order one to wipe itself
    Device(device::DeviceCommand),
    /// Decide about what was set aside
    Quarantine(quarantine::QuarantineCommand),
    /// Phones that came back after a long time, and what became of what they handed in (离线合并报告)
    Absence(absence::AbsenceCommand),
    /// Hand customers of a leaver to one person, others to the pool
    Transfer(transfer::Transfer),
    /// After a restore from a backup: begin a new life, in which phones hand back what was lost
    RenewEpoch(renew::RenewEpoch),
    /// Be a phone: enrol, list, search, show, edit, visit, sync, work offline
    Phone(phone::PhoneCommand),
}

/// Which data folder.
#[derive(Debug, Clone, Args)]
struct Data {
    /// Folder with all of headquarters' data
    #[arg(long = "data", value_name = "FOLDER", default_value = FOLDER_DEFAULT, global = true)]
    folder: PathBuf,
    /// Minutes east of UTC of the company's calendar
    #[arg(long, value_name = "MINUTES", default_value_t = OFFSET_MINUTES_DEFAULT, allow_hyphen_values = true, global = true)]
    utc_offset: i32,
}

impl Data {
    fn config(&self) -> Config {
        Config { offset_minutes: self.utc_offset, ..Config::in_folder(&self.folder) }
    }
    /// The folder of a company that is there: a name typed wrong begins none, and takes none for empty.
    fn existing(&self) -> Result<Config, Failure> {
        let config = self.config();
        if config.server_file().exists() {
            return Ok(config);
        }
        let file = config.server_file();
        Err(format!("there is no company: {} does not exist; name its folder with --data (`serve`, `demo`, `user add` and `territory add` begin a new one)", file.display()).into())
    }
    /// The whole of a company that is there, which no server serves meanwhile.
    fn app(&self) -> Result<Arc<App>, Failure> {
        Ok(App::open(self.existing()?, Clock::system())?)
    }
    /// The account tables alone, of a company that is there: also while a server serves this folder.
    fn accounts(&self) -> Result<Accounts, Failure> {
        self.existing()?;
        self.accounts_or_begin()
    }
    /// As [`Self::accounts`], for a command that may begin a company.
    fn accounts_for(&self, begins: bool) -> Result<Accounts, Failure> {
        if begins { self.accounts_or_begin() } else { self.accounts() }
    }
    fn accounts_or_begin(&self) -> Result<Accounts, Failure> {
        let (config, migrations) = (self.config(), storage::SERVER_MIGRATIONS);
        let file = config.server_file();
        // An older file is brought up to date, and a new one begun, by whoever has the folder for itself: never under a server that runs.
        let _lock = if Database::is_current(&file, migrations)? { None } else { Some(app::lock(&config)?) };
        if !file.exists() {
            show::note(format_args!("{} is new: an empty company begins in it", self.folder.display()));
        }
        Ok(Accounts::new(Arc::new(Database::open(&file, Durability::Full, migrations)?)))
    }
}

/// A person by login, with what to do when there is none.
fn person(accounts: &Accounts, login: &str) -> Result<User, Failure> {
    accounts.user_by_login(login)?.ok_or_else(|| {
        let error = AccountsError::NoUser(login.to_owned());
        format!("{error}; `roadbook-server user list` shows who there is").into()
    })
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    roadbook_core::crdt::gate::silence_caught_panics();
    let line = Line::parse();
    let quiet = !matches!(line.command, Command::Serve(_));
    let filter = EnvFilter::try_from_env(LOG_ENV).unwrap_or_else(|_| EnvFilter::new(if quiet { "warn" } else { LOG_DEFAULT }));
    // Nobody may read the log: that ends no server.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false).init();
    let done = match line.command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Import(import) => import.run(),
        Command::Export(export) => export.run(),
        Command::User(user) => user.run(),
        Command::Territory(territory) => territory.run(),
        Command::Enroll(enroll) => enroll.run(),
        Command::Audit(audit) => audit.run(),
        Command::Device(device) => device.run(),
        Command::Quarantine(quarantine) => quarantine.run(),
        Command::Absence(absence) => absence.run(),
        Command::Transfer(transfer) => transfer.run(),
        Command::RenewEpoch(renew) => renew.run(),
        Command::Phone(phone) => phone.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::failure(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
