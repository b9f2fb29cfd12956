//! `renew-epoch`: after the data folder was restored from a backup. The feed begins a new life, and the phones hand back what it lost.

use clap::Args;

use super::{Data, Done, show};
use crate::accounts::Who;
use crate::exchange::recovered::RECOVERY_MS;
use crate::headquarters::renew;

#[derive(Debug, Args)]
pub(super) struct RenewEpoch {
    #[command(flatten)]
    data: Data,
}

impl RenewEpoch {
    pub(super) fn run(self) -> Done {
        // Opening takes the folder's lock: no server may be answering phones by the old numbers meanwhile.
        let app = self.data.app()?;
        renew(app.feed(), app.accounts(), app.now(), &Who::shell(), "")?;
        let days = RECOVERY_MS / roadbook_core::ids::Ms::DAY;
        show::line(format_args!("the feed begins a new life; for {days} days phones hand back what the backup does not have"));
        Ok(())
    }
}
