//! `quarantine`: what was set aside: list, approve, reject, take out as a file.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Data, Done, person, show};
use crate::accounts::{Act, Who};
use crate::feed::{DESK_ROWS_MAX, DeskState};
use crate::quarantine::{self, said};

#[derive(Debug, Args)]
pub(super) struct QuarantineCommand {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List what waits for a decision
    List,
    /// Admit changes after all, and what was built on them
    Approve {
        /// In whose name it is decided
        #[arg(long, value_name = "LOGIN")]
        by: String,
        /// Why
        #[arg(long, default_value = "")]
        remark: String,
        /// Numbers from `list`
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Keep changes as rejected
    Reject {
        /// In whose name it is decided
        #[arg(long, value_name = "LOGIN")]
        by: String,
        /// Why
        #[arg(long, default_value = "")]
        remark: String,
        /// Numbers from `list`
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Write everything that was ever set aside as .json or .csv
    Export {
        /// The file; its ending decides
        file: PathBuf,
    },
}

impl QuarantineCommand {
    pub(super) fn run(self) -> Done {
        let app = self.data.app()?;
        let desk = app.quarantine();
        match self.what {
            What::List => {
                for row in app.feed().desk(Some(DeskState::Open), DESK_ROWS_MAX)? {
                    let (says, _) = said(&desk, &row)?;
                    let says: Vec<String> = says.into_iter().map(|line| format!("{}={}", line.field, line.value)).collect();
                    let refused = &row.row.refused;
                    show::line(format_args!("{:>6}  {:<16} {:<10} {}", row.row.id, refused.code, refused.kind, says.join("  ")));
                }
            }
            What::Approve { by, remark, ids } => {
                let by = person(app.accounts(), &by)?.id;
                let done = desk.approve(app.now(), &Who::shell(), by, &ids, &remark)?;
                show::line(format_args!("{} admitted, {} written again", done.as_is.len(), done.rewritten.len()));
                for (id, why) in done.impossible {
                    show::line(format_args!("{id} cannot be admitted: {why}"));
                }
            }
            What::Reject { by, remark, ids } => {
                let by = person(app.accounts(), &by)?.id;
                let rejected = desk.reject(app.now(), &Who::shell(), by, &ids, &remark)?;
                show::line(format_args!("{rejected} rejected"));
            }
            What::Export { file } => {
                let rows = app.feed().desk(None, DESK_ROWS_MAX)?;
                let csv = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
                let bytes = if csv { quarantine::csv(&rows)? } else { quarantine::json(&rows).into_bytes() };
                std::fs::write(&file, bytes)?;
                app.accounts().audit(app.now(), &Who::shell(), Act::Exported, &format!("quarantine {}", rows.len()))?;
                show::line(format_args!("{} row(s) written to {}", rows.len(), file.display()));
            }
        }
        Ok(())
    }
}
