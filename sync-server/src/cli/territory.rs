//! `territory`: regions and the tree they form.

use clap::{Args, Subcommand};
use roadbook_core::ids::TerritoryId;

use super::{Data, Done, show};
use crate::accounts::{Territory, Who};
use crate::clock::Clock;

#[derive(Debug, Args)]
pub(super) struct TerritoryCommand {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a territory, or rename or move it. One that is there stays where it lies unless --parent or --root says otherwise
    Add {
        /// Short stable code, such as `east`
        id: String,
        /// Its name, such as 城东
        name: String,
        /// Territory that it lies in
        #[arg(long, value_name = "ID")]
        parent: Option<String>,
        /// It lies in no other one
        #[arg(long, conflicts_with = "parent")]
        root: bool,
    },
    /// List all
    List,
}

/// What a territory lies in, as it is printed.
fn place(territory: &Territory) -> String {
    territory.parent.as_ref().map(|parent| format!(" in {parent}")).unwrap_or_default()
}

impl TerritoryCommand {
    pub(super) fn run(self) -> Done {
        let accounts = self.data.accounts_for(matches!(self.what, What::Add { .. }))?;
        match self.what {
            What::Add { id, name, parent, root } => {
                let id = TerritoryId(id.trim().to_owned());
                let stays = if parent.is_some() || root { None } else { accounts.territory(&id)?.and_then(|known| known.parent) };
                let territory = Territory { id, parent: parent.map(TerritoryId).or(stays), name };
                accounts.set_territory(Clock::system().now(), &Who::shell(), &territory)?;
                show::line(format_args!("territory {} ({}){}", territory.id, territory.name, place(&territory)));
            }
            What::List => {
                for territory in accounts.territories()? {
                    show::line(format_args!("{:<12} {}{}", territory.id.0, territory.name, place(&territory)));
                }
            }
        }
        Ok(())
    }
}
