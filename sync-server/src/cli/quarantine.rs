//! `quarantine`: what was set aside: list, approve, reject, take out as a file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Data, Done, Failure, person, show};
use crate::accounts::{Act, Who};
use crate::app::App;
use crate::feed::{DESK_ROWS_MAX, DeskOrder, DeskPage, DeskRow, DeskState};
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

/// Goes through all rows of a state, or all there are, the oldest first, a portion at a time.
fn every_row(app: &App, state: Option<DeskState>, mut each: impl FnMut(DeskRow) -> Done) -> Done {
    let mut after = None;
    loop {
        let page = app.feed().desk_page(&DeskPage { state, order: DeskOrder::OldestFirst, after, rows_max: DESK_ROWS_MAX })?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.decided_no, last.row.id));
        page.into_iter().try_for_each(&mut each)?;
    }
}

/// Those of some rows that are open.
fn open_among(app: &App, ids: &[i64]) -> Result<BTreeSet<i64>, Failure> {
    let mut open = BTreeSet::new();
    for id in ids {
        open.extend(app.feed().desk_row(*id)?.filter(|row| row.state == DeskState::Open).map(|row| row.row.id));
    }
    Ok(open)
}

impl QuarantineCommand {
    pub(super) fn run(self) -> Done {
        let app = self.data.app()?;
        let desk = app.quarantine();
        match self.what {
            What::List => {
                every_row(&app, Some(DeskState::Open), |row| {
                    let (says, _) = said(&desk, &row)?;
                    let says: Vec<String> = says.into_iter().map(|line| format!("{}={}", line.field, line.value)).collect();
                    let refused = &row.row.refused;
                    show::line(format_args!("{:>6}  {:<16} {:<10} {}", row.row.id, refused.code, refused.kind, says.join("  ")));
                    Ok(())
                })?;
            }
            What::Approve { by, remark, ids } => {
                let by = person(app.accounts(), &by)?.id;
                let done = desk.approve(app.now(), &Who::shell(), by, &ids, &remark)?;
                let waited = app.exchange().take_in_waiting(app.now(), &Who::shell(), &done.changed)?;
                show::line(format_args!("{} admitted, {} written again", done.as_is.len(), done.rewritten.len()));
                if !waited.is_empty() {
                    show::line(format_args!("{} record(s) took in what had waited for that", waited.len()));
                }
                for (id, why) in &done.impossible {
                    show::line(format_args!("{id} cannot be admitted: {why}"));
                }
                for (id, state) in &done.decided {
                    show::line(format_args!("{id} was decided before: {}", state.code()));
                }
                for id in &done.unknown {
                    show::line(format_args!("{id} is no number of the quarantine; `quarantine list` shows them"));
                }
                if done.as_is.is_empty() && done.rewritten.is_empty() {
                    return Err("nothing was admitted; see above for the reason of each".into());
                }
            }
            What::Reject { by, remark, ids } => {
                let by = person(app.accounts(), &by)?.id;
                let open = open_among(&app, &ids)?;
                let rejected = desk.reject(app.now(), &Who::shell(), by, &ids, &remark)?;
                show::line(format_args!("{rejected} rejected"));
                for id in ids.iter().filter(|id| !open.contains(id)) {
                    show::line(format_args!("{id} is not open: it was decided before, or is no number of the quarantine"));
                }
                if rejected == 0 {
                    return Err("nothing was rejected; see above for the reason of each".into());
                }
            }
            What::Export { file } => {
                let mut rows = Vec::new();
                every_row(&app, None, |row| {
                    rows.push(row);
                    Ok(())
                })?;
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
