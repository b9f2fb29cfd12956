//! What headquarters does on its own as time passes: urgent reports that nobody acknowledges go to the deputy, offers of photos lapse,
//! files are scoured of what was erased.
//!
//! Belongs here: the clock's share of the duties. Never here: what a device asks (`exchange`, `blobs`), HTTP.

use std::sync::Arc;
use std::time::Duration;

use roadbook_core::ids::{Ms, UserId};
use roadbook_core::replica::ReplicaError;
use roadbook_core::replica::field::Work;

use crate::accounts::{Accounts, AccountsError, Who};
use crate::app::App;
use crate::clock::span::{HOUR_MS, MINUTE_MS};
use crate::duties;
use crate::headquarters::{Followed, Headquarters, HeadquartersError};

/// How often headquarters looks around.
const ROUND_TIME: Duration = Duration::from_secs(20);
/// Offers of photos are looked through this often, in milliseconds.
const SWEEP_EVERY_MS: i64 = HOUR_MS;
/// Reports escalated in one round.
const ESCALATED_AT_ONCE_MAX: usize = 100;

/// When an urgent report goes to somebody else, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrgentRule {
    /// Minutes from a report's arrival in which somebody is expected to acknowledge it.
    pub ack_minutes: u32,
    /// Login of the deputy; `None`: it is marked for every manager.
    pub deputy: Option<String>,
}

impl Default for UrgentRule {
    fn default() -> Self {
        Self { ack_minutes: 30, deputy: None }
    }
}

/// Why a round failed. The next one tries again.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// The replica or the feed.
    #[error(transparent)]
    Headquarters(#[from] HeadquartersError),
    /// The account tables.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The tables of photos.
    #[error(transparent)]
    Blobs(#[from] crate::blobs::BlobsError),
}

/// Escalates every urgent report that nobody acknowledged in time, each once.
///
/// # Errors
/// [`RoundError`]; what was not escalated comes in the next round.
pub fn escalate(headquarters: &Headquarters, accounts: &Accounts, rule: &UrgentRule, now: Ms) -> Result<Followed, RoundError> {
    let arrived_by = now.plus(-i64::from(rule.ack_minutes).saturating_mul(MINUTE_MS));
    let unheard = headquarters.read(|replica| {
        let lines = replica.store().read(|read| read.urgents_unheard(arrived_by, ESCALATED_AT_ONCE_MAX))?;
        let urgents = lines.iter().filter_map(|line| replica.urgent(line.urgent.doc).transpose());
        urgents.collect::<Result<Vec<_>, ReplicaError>>()
    });
    let unheard = unheard.map_err(HeadquartersError::from)?;
    if unheard.is_empty() {
        return Ok(Followed::default());
    }
    let deputy: Option<UserId> = match &rule.deputy {
        Some(login) => accounts.user_by_login(login)?.filter(|user| !user.disabled).map(|user| user.id),
        None => None,
    };
    let work: Work = unheard.iter().map(|urgent| duties::escalated(urgent, deputy)).map(|duty| (duty.target, duty.edits)).collect();
    Ok(headquarters.commit(duties::SYSTEM, now, &work)?)
}

/// Looks around until the server ends.
pub async fn rounds(app: Arc<App>) {
    let mut ending = app.ending();
    let (mut swept, mut rights) = (Ms(0), None);
    loop {
        tokio::select! {
            () = tokio::time::sleep(ROUND_TIME) => {}
            _ = ending.changed() => return,
        }
        let now = app.now();
        let sweep = now.since(swept) >= SWEEP_EVERY_MS;
        let known = rights;
        match app.blocking(move |app| tell_of_rights(app, known)).await {
            Ok(Ok(version)) => rights = Some(version),
            Ok(Err(error)) => tracing::error!(%error, "whether rights have changed cannot be read; the next round looks again"),
            Err(error) => tracing::warn!(%error, "whether rights have changed was not looked at"),
        }
        let done = app.blocking(move |app| round(app, now, sweep)).await;
        match done {
            Ok(Ok(())) if sweep => swept = now,
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a round of headquarters failed"),
            Err(error) => tracing::warn!(%error, "a round of headquarters was left out"),
        }
    }
}

/// Tells phones and consoles of changed roles, territories and names: whoever changes them from the shell has no channel to them. Returns up to
/// which version they were told.
fn tell_of_rights(app: &App, known: Option<u64>) -> Result<u64, AccountsError> {
    let version = app.accounts().version()?;
    if known.is_some_and(|known| known != version) {
        app.tell_rights_changed();
    }
    Ok(version)
}

/// Writes into the audit log what was decided before and carried out by a round.
fn note(app: &App, now: Ms, followed: &Followed) -> Result<(), AccountsError> {
    let lines: Vec<_> = followed.decided_lines().collect();
    if lines.is_empty() { Ok(()) } else { app.accounts().audit_all(now, &by_itself(), &lines) }
}

/// Headquarters itself, in the audit log.
fn by_itself() -> Who {
    Who { user: Some(duties::SYSTEM), ..Who::default() }
}

fn round(app: &App, now: Ms, sweep: bool) -> Result<(), RoundError> {
    let followed = escalate(app.headquarters(), app.accounts(), &app.config().urgent, now)?;
    if !followed.changed.is_empty() {
        tracing::warn!(reports = followed.changed.len(), "urgent reports were not acknowledged in time and are escalated");
        note(app, now, &followed)?;
        app.tell(followed.changed);
    }
    app.headquarters().scour()?;
    let settled = app.headquarters().note_settled(now)?;
    note(app, now, &settled)?;
    app.tell(settled.changed);
    if sweep {
        let chunks = app.blobs().sweep(now)?;
        if chunks > 0 {
            tracing::info!(chunks, "chunks of photos that never became whole are cleared away");
        }
    }
    Ok(())
}
