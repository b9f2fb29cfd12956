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
    /// Add a territory, or rename it
    Add {
        /// Short stable code, such as `east`
        id: String,
        /// Its name, such as 城东
        name: String,
        /// Territory that it lies in
        #[arg(long, value_name = "ID")]
        parent: Option<String>,
    },
    /// List all
    List,
}

impl TerritoryCommand {
    pub(super) fn run(self) -> Done {
        let accounts = self.data.accounts_for(matches!(self.what, What::Add { .. }))?;
        match self.what {
            What::Add { id, name, parent } => {
                let territory = Territory { id: TerritoryId(id), parent: parent.map(TerritoryId), name };
                accounts.set_territory(Clock::system().now(), &Who::shell(), &territory)?;
                show::line(format_args!("territory {} ({})", territory.id, territory.name));
            }
            What::List => {
                for territory in accounts.territories()? {
                    let parent = territory.parent.map(|parent| format!(" in {parent}")).unwrap_or_default();
                    show::line(format_args!("{:<12} {}{parent}", territory.id.0, territory.name));
                }
            }
        }
        Ok(())
    }
}
