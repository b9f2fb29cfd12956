//! `user`: people, their roles, territories and passwords.

use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use roadbook_core::ids::{TerritoryId, UserId};
use roadbook_core::model::Role;

use super::{Data, Done, Failure, person, show};
use crate::accounts::{NewUser, Who};
use crate::auth::password;
use crate::clock::{Clock, random};

#[derive(Debug, Args)]
pub(super) struct UserCommand {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a person. The password is read from ROADBOOK_PASSWORD, else asked for
    Add {
        /// What the person types to log in
        login: String,
        /// What others read; the login when not given
        #[arg(long)]
        name: Option<String>,
        /// salesperson, dispatcher, supervisor, manager, finance or admin
        #[arg(long, value_parser = role)]
        role: Role,
        /// Territory the person works in or answers for; may be repeated
        #[arg(long = "territory", value_name = "ID")]
        territories: Vec<String>,
        /// Without a password: the person uses a phone only
        #[arg(long)]
        no_password: bool,
    },
    /// Give another role. Open sessions of the person are ended; phones hear of it at their next contact
    Role {
        /// Whose
        login: String,
        /// salesperson, dispatcher, supervisor, manager, finance or admin
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Give exactly these territories in place of those that the person has
    Territories {
        /// Whose
        login: String,
        /// Territory the person works in or answers for; may be repeated; without it the person has none
        #[arg(long = "territory", value_name = "ID")]
        territories: Vec<String>,
    },
    /// Change the name that others read
    Rename {
        /// Whose
        login: String,
        /// The new name
        name: String,
    },
    /// Set a new password
    Password {
        /// Whose
        login: String,
    },
    /// Switch an account off: no log-in, and what the person's phones still hand in waits in the quarantine
    Disable {
        /// Whose
        login: String,
    },
    /// Switch an account on again
    Enable {
        /// Whose
        login: String,
    },
    /// List all
    List,
}

fn role(code: &str) -> Result<Role, String> {
    let known = Role::ALL.map(Role::code).join(", ");
    Role::of_code(code).ok_or_else(|| format!("no role {code:?}; one of {known}"))
}

impl UserCommand {
    pub(super) fn run(self) -> Done {
        let accounts = self.data.accounts_for(matches!(self.what, What::Add { .. }))?;
        let now = Clock::system().now();
        match self.what {
            What::Add { login, name, role, territories, no_password } => {
                let password = if no_password { None } else { Some(password::hash(&asked()?)?) };
                let new = NewUser {
                    id: UserId::fresh(now, random()?),
                    name: name.unwrap_or_else(|| login.clone()),
                    login,
                    role,
                    password,
                    territories: territories.into_iter().map(TerritoryId).collect(),
                };
                let user = accounts.add_user(now, &Who::shell(), &new)?;
                show::line(format_args!("added {} ({}), {}", user.login, user.name, user.role.code()));
            }
            What::Role { login, role } => {
                let user = person(&accounts, &login)?;
                accounts.set_role(now, &Who::shell(), user.id, role)?;
                show::line(format_args!("{} is {} (was {}); open sessions are ended", user.login, role.code(), user.role.code()));
            }
            What::Territories { login, territories } => {
                let user = person(&accounts, &login)?;
                let territories: BTreeSet<TerritoryId> = territories.into_iter().map(TerritoryId).collect();
                accounts.assign_territories(now, &Who::shell(), user.id, &territories)?;
                show::line(format_args!("{}: {} (was: {})", user.login, listed(&territories), listed(&user.territories)));
            }
            What::Rename { login, name } => {
                let user = person(&accounts, &login)?;
                accounts.rename_user(now, &Who::shell(), user.id, &name)?;
                show::line(format_args!("{} is called {} (was {})", user.login, name.trim(), user.name));
            }
            What::Password { login } => {
                let user = person(&accounts, &login)?;
                accounts.set_password(now, &Who::shell(), user.id, &password::hash(&asked()?)?)?;
                show::line(format_args!("{} has a new password; open sessions are ended", user.login));
            }
            What::Disable { login } => {
                let user = person(&accounts, &login)?;
                accounts.switch_user(now, &Who::shell(), user.id, true)?;
                show::line(format_args!(
                    "{} is disabled; open sessions are ended, and phones hand in what they have, to the quarantine",
                    user.login
                ));
            }
            What::Enable { login } => {
                let user = person(&accounts, &login)?;
                accounts.switch_user(now, &Who::shell(), user.id, false)?;
                show::line(format_args!("{} may come in again", user.login));
            }
            What::List => {
                for user in accounts.users()? {
                    let territories: Vec<&str> = user.territories.iter().map(|territory| territory.0.as_str()).collect();
                    let off = if user.disabled { "  (disabled)" } else { "" };
                    show::line(format_args!("{:<12} {:<11} {}  {}{off}", user.login, user.role.code(), user.name, territories.join(" ")));
                }
            }
        }
        Ok(())
    }
}

/// Territories as they are printed.
fn listed(territories: &BTreeSet<TerritoryId>) -> String {
    if territories.is_empty() {
        return "no territory".to_owned();
    }
    territories.iter().map(|territory| territory.0.as_str()).collect::<Vec<_>>().join(", ")
}

/// A password from the environment, or from the keyboard (it is shown: hide it with ROADBOOK_PASSWORD in scripts).
fn asked() -> Result<String, Failure> {
    if let Ok(password) = std::env::var("ROADBOOK_PASSWORD") {
        return Ok(password);
    }
    if std::io::stdin().is_terminal() {
        let mut out = std::io::stderr();
        out.write_all(b"password: ")?;
        out.flush()?;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err("no password was given: type one, or set ROADBOOK_PASSWORD".into());
    }
    Ok(password)
}
