//! `enroll`: a one-time code for one phone of one person.

use clap::Args;

use super::{Data, Done, person, show};
use crate::accounts::{CODE_LIFE_MS, Who};
use crate::clock::{Clock, span};

#[derive(Debug, Args)]
pub(super) struct Enroll {
    #[command(flatten)]
    data: Data,
    /// Whose phone
    login: String,
}

impl Enroll {
    pub(super) fn run(self) -> Done {
        let accounts = self.data.accounts()?;
        let user = person(&accounts, &self.login)?;
        let code = accounts.issue_code(Clock::system().now(), &Who::shell(), user.id)?;
        show::line(&code);
        show::line(format_args!("for {} ({}); valid once, for {} hours", user.name, user.login, CODE_LIFE_MS / span::HOUR_MS));
        Ok(())
    }
}
