//! `export`: all customers as a list that can be imported again.

use std::path::PathBuf;

use clap::Args;

use super::{Data, Done, Failure, import, show};
use crate::accounts::{Accounts, Act, Territory, User, Who};
use crate::export::columns::columns;
use crate::export::row::{Names, of_card};
use crate::export::{Language, files};
use crate::import::directory::{self, Meant};

/// Customers read at once.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    data: Data,
    /// Where to write: a name that ends in .xlsx or .csv
    file: PathBuf,
    /// Language of titles and words
    #[arg(long, value_parser = ["zh", "en"], default_value = "zh")]
    language: String,
}

impl Export {
    pub(super) fn run(self) -> Done {
        let ending = self.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        if ending != "xlsx" && ending != "csv" {
            return Err(format!("{} must end in .xlsx or .csv", self.file.display()).into());
        }
        let language = if self.language == "en" { Language::En } else { Language::Zh };
        let app = self.data.app()?;
        let names = names(app.accounts())?;
        let inner = app.headquarters().hold();
        let replica = inner.replica();
        let mut rows = Vec::new();
        let mut extensions = std::collections::BTreeSet::new();
        let mut after = None;
        loop {
            let subjects = replica.store().read(|read| read.subjects_after(after, PAGE))?;
            let Some(last) = subjects.last() else { break };
            after = Some(*last);
            for subject in subjects {
                let Some(card) = replica.card(subject)? else { continue };
                extensions.extend(card.facts.keys().filter(|field| field.starts_with("x.")).cloned());
                rows.push(of_card(&card, &names, language));
            }
        }
        drop(inner);
        let count = rows.len();
        let extensions: Vec<String> = extensions.into_iter().collect();
        let columns = columns(language, &extensions);
        let bytes =
            if ending == "xlsx" { files::xlsx(language.of("客户", "Customers"), &columns, rows)? } else { files::csv(&columns, rows)? };
        std::fs::write(&self.file, bytes).map_err(|error| format!("{}: {error}", self.file.display()))?;
        app.accounts().audit(app.now(), &Who::shell(), Act::Exported, &format!("{count} customers"))?;
        show::line(format_args!("{count} customers written to {}", self.file.display()));
        Ok(())
    }
}

/// Names of territories and people; where an import would not know whom a name means, the code or log-in.
fn names(accounts: &Accounts) -> Result<Names, Failure> {
    let known = import::options(accounts)?.values.directory;
    let shown = |names: &directory::Names, name: String, code: String, id: &str| {
        if names.meant(&name) == Meant::One(id) { name } else { code }
    };
    let mut names = Names::default();
    for Territory { id, name, .. } in accounts.territories()? {
        let shown = shown(&known.territories, name, id.0.clone(), &id.0);
        names.territories.insert(id.0, shown);
    }
    for User { id, login, name, .. } in accounts.users()? {
        let id = id.to_string();
        let shown = shown(&known.people, name, login, &id);
        names.people.insert(id, shown);
    }
    Ok(names)
}
