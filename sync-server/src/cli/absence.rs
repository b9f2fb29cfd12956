//! `absence`: devices that came back after a long time, and what became of what they handed in (离线合并报告).

use clap::{Args, Subcommand};
use roadbook_core::model::kinds;

use super::{Data, Done, show};
use crate::absence::{self, Report};
use crate::app::App;

/// Customers printed of one report.
const CUSTOMERS_SHOWN: usize = 40;

#[derive(Debug, Args)]
pub(super) struct AbsenceCommand {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List devices that came back, the latest first
    List,
    /// What one of them handed in, and what became of it
    Show {
        /// Number from `list`
        no: i64,
        /// As JSON, everything
        #[arg(long)]
        json: bool,
    },
}

impl AbsenceCommand {
    pub(super) fn run(self) -> Done {
        let app = self.data.app()?;
        match self.what {
            What::List => {
                for absence in app.feed().absences()? {
                    let person = app.accounts().user(absence.user)?.map(|user| user.name).unwrap_or_default();
                    let state = if absence.until.is_some() { "handed in" } else { "handing in" };
                    show::line(format_args!("{:>5}  {:>4} days  {state:<10}  {}  {person}", absence.no, absence.days(), absence.device));
                }
            }
            What::Show { no, json } => {
                let unknown = || format!("there is no absence {no}; `roadbook-server absence list` shows which there are");
                let absence = app.feed().absence(no)?.ok_or_else(unknown)?;
                let report = app.headquarters().read(|replica| absence::report(app.feed(), replica, &absence))?;
                if json {
                    show::line(format_args!("{}", serde_json::to_string_pretty(&report)?));
                } else {
                    show::line(format_args!("{} day(s) offline", absence.days()));
                    print(&app, &report)?;
                }
            }
        }
        Ok(())
    }
}

fn print(app: &App, report: &Report) -> Done {
    for (kind, handed) in &report.handed_in {
        let label = kinds::kind(kind).map_or(kind.as_str(), |kind| kind.label.zh.as_ref());
        show::line(format_args!("{label}: {} document(s), {} change(s) taken in", handed.documents, handed.changes));
    }
    let values = report.values;
    show::line(format_args!(
        "values on cards: {} shown, {} beside another value, {} followed by a newer one; {} to be decided",
        values.shown, values.beside, values.superseded, report.reviews
    ));
    show::line(format_args!(
        "proposals: {} open, {} accepted, {} rejected; {} asked by headquarters because of what came",
        report.proposals.open, report.proposals.accepted, report.proposals.rejected, report.asked.open
    ));
    for (code, aside) in &report.set_aside {
        show::line(format_args!("set aside, {code}: {} open, {} admitted, {} rejected", aside.open, aside.admitted, aside.rejected));
    }
    show::line(format_args!(
        "taken late: {}; there already: {}; visits that may be double: {}",
        report.late, report.known, report.visits_double
    ));
    show::line(format_args!(
        "customers: {}, of which {} changed hands, {} are archived, {} are one with another",
        report.customers.len(),
        report.reassigned,
        report.archived,
        report.united
    ));
    for of in report.customers.iter().take(CUSTOMERS_SHOWN) {
        let Some(subject) = of.customer else { continue };
        let line = app.headquarters().read(|replica| replica.store().read(|read| read.customer(subject)))?;
        let name = line.map(|line| line.name).unwrap_or_else(|| subject.to_string());
        show::line(format_args!("  {:>5} taken in  {:>4} set aside  {name}", of.changes, of.set_aside));
    }
    Ok(())
}
