//! `transfer`: customers of a leaver to one person, others to the pool.

use std::collections::BTreeSet;

use clap::Args;
use roadbook_core::ids::SubjectId;
use roadbook_core::replica::Stamp;

use super::{Data, Done, person, show};
use crate::accounts::{TransferRow, Who};
use crate::clock::random;
use crate::duties::SYSTEM;
use crate::transfer::{self, Wanted};

#[derive(Debug, Args)]
pub(super) struct Transfer {
    #[command(flatten)]
    data: Data,
    /// Who leaves
    #[arg(long, value_name = "LOGIN")]
    from: String,
    /// Who takes over; without it everything goes to the pool
    #[arg(long, value_name = "LOGIN")]
    to: Option<String>,
    /// A customer that goes to the pool; may be repeated
    #[arg(long, value_name = "ID")]
    pool: Vec<SubjectId>,
    /// Only this customer; may be repeated
    #[arg(long, value_name = "ID")]
    only: Vec<SubjectId>,
    /// Show the checklist and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Transfer {
    pub(super) fn run(self) -> Done {
        let app = self.data.app()?;
        let leaver = person(app.accounts(), &self.from)?.id;
        let winner = self.to.as_deref().map(|login| person(app.accounts(), login)).transpose()?.map(|user| user.id);
        let (pool, only) = (BTreeSet::from_iter(self.pool), BTreeSet::from_iter(self.only));
        let wanted = Wanted { leaver, winner, pool, only, territories: Vec::new() };
        let stamp = Stamp { author: SYSTEM, now: app.now(), entropy: random()? };
        let today = app.now().day(app.config().offset_minutes).ok_or("the clock is out of range")?;
        let plan = app.headquarters().read(|replica| transfer::plan(replica, &stamp, today, &wanted))?;
        for card in &plan.cards {
            let whither = if card.to_pool { "pool" } else { self.to.as_deref().unwrap_or("pool") };
            let (promises, placed, stale) = (card.promises.len(), card.placed.len(), card.stale.len());
            show::line(format_args!(
                "{}  {} → {whither}: {promises} promise(s), {placed} placed, {stale} stale, {} open, {} stop(s)",
                card.customer, card.name, card.open_matters, card.stops
            ));
        }
        if self.dry_run || plan.cards.is_empty() {
            show::line(format_args!("{} card(s); nothing was changed", plan.cards.len()));
            return Ok(());
        }
        let lines: Vec<_> = app.commit(SYSTEM, &plan.work)?.decided_lines().collect();
        app.accounts().audit_all(app.now(), &Who::shell(), &lines)?;
        let row = TransferRow { no: 0, at: app.now(), by: None, leaver, winner, list: transfer::record(&plan.cards) };
        let no = app.accounts().note_transfer(app.now(), &Who::shell(), &row, plan.cards.len())?;
        show::line(format_args!("hand-over {no}: {} card(s)", plan.cards.len()));
        Ok(())
    }
}
