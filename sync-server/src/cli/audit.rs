//! `audit`: the audit log, newest rows last, after its chain was proved.

use clap::Args;
use roadbook_core::ids::Ms;

use super::{Data, Done, show};

/// Rows printed when no number is given.
const ROWS_DEFAULT: usize = 50;

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(flatten)]
    data: Data,
    /// How many of the newest rows to print; 0 proves the chain and prints none
    #[arg(long, value_name = "NUMBER", default_value_t = ROWS_DEFAULT)]
    rows: usize,
}

impl Audit {
    pub(super) fn run(self) -> Done {
        let accounts = self.data.accounts()?;
        let proof = accounts.audit_proof()?;
        let users = accounts.users()?;
        let login = |id| users.iter().find(|user| Some(user.id) == id).map_or("-", |user| user.login.as_str());
        let mut rows = accounts.audit_rows(self.rows)?;
        rows.reverse();
        for row in rows {
            let device = row.device.map_or_else(|| "-".to_owned(), |device| device.to_string());
            show::line(format_args!(
                "{:>7}  {}  {:<18} {:<12} {:<20} {device}  {}",
                row.no,
                show::instant(Ms(row.at_ms)),
                row.act,
                login(row.user),
                row.address,
                row.about
            ));
        }
        let rows = proof?;
        show::line(format_args!("the chain holds: {rows} rows, none changed, none taken out (审计链完整：{rows} 行)"));
        Ok(())
    }
}
