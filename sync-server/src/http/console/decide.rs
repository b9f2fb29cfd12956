//! `POST /api/review/{id}`: one matter decided. Choosing a rival is an ordinary edit at heads that see all of them, so that the matter
//! closes on every replica; a report is verified; a proposal gets its decision.

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::{DocId, SubjectId};
use roadbook_core::replica::Target;
use roadbook_core::replica::field;
use serde::Deserialize;

use super::asked::Of;
use super::edits::{self, Side};
use super::heads::CardHeads;
use super::review::{self, List, Named_};
use super::verify::{Verdict, attest, checked_reason};
use super::writing;
use crate::access::{Action, Command};
use crate::app::App;
use crate::exchange::scope;
use crate::http::{Error, JsonBody, Session, Shared};

/// What was decided.
#[derive(Deserialize)]
pub(super) struct Decision {
    decision: Word,
    assertion: Option<String>,
    heads: String,
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Choose,
    Accept,
    Reject,
}

/// * 200 with the list as it stands then;
/// * 403 when the person may not decide this; 404 when there is no such matter; 409 when it is no longer as it was shown.
pub(super) async fn decide(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<String>,
    JsonBody(decision): JsonBody<Decision>,
) -> Result<Json<List>, Error> {
    app.blocking(move |app| {
        match (review::named(&id)?, decision.decision) {
            (Named_::Rivals(customer, path), Word::Choose) => choose(app, &session, customer, &path, &decision)?,
            (Named_::Report(customer, field), Word::Accept) => report(app, &session, customer, &field, &decision, Verdict::Accept)?,
            (Named_::Report(customer, field), Word::Reject) => report(app, &session, customer, &field, &decision, Verdict::Reject)?,
            (Named_::Proposal(doc), Word::Accept) => proposal(app, &session, doc, &decision, Verdict::Accept)?,
            (Named_::Proposal(doc), Word::Reject) => proposal(app, &session, doc, &decision, Verdict::Reject)?,
            (Named_::Rivals(..), Word::Accept | Word::Reject) | (Named_::Report(..) | Named_::Proposal(_), Word::Choose) => {
                return Err(Error::Malformed);
            }
        }
        review::read(app, &session).map(Json)
    })
    .await?
}

fn choose(app: &App, session: &Session, customer: SubjectId, path: &str, decision: &Decision) -> Result<(), Error> {
    let filing = session.readable(app, "customer", customer)?;
    edits::require(session, &filing, Command::Verify)?;
    let card = app.headquarters().read(|replica| replica.card(customer))?.ok_or(Error::NotFound)?;
    let key = decision.assertion.as_deref().ok_or(Error::Malformed)?;
    let (side, edit) = edits::choice(&card, path, key)?;
    let heads = CardHeads::of_token(&decision.heads)?;
    let target = match side {
        Side::Customer => Target::customer(customer).seen(heads.customer),
        Side::Office => {
            edits::require(session, &filing, edits::command_of(path))?;
            Target::office(customer).seen(heads.office)
        }
    };
    writing::commit(app, session, &vec![(target, vec![edit])])
}

fn report(app: &App, session: &Session, customer: SubjectId, field: &str, decision: &Decision, verdict: Verdict) -> Result<(), Error> {
    let filing = session.readable(app, "customer", customer)?;
    edits::require(session, &filing, Command::Verify)?;
    let card = app.headquarters().read(|replica| replica.card(customer))?.ok_or(Error::NotFound)?;
    let key = decision.assertion.as_deref().ok_or(Error::Malformed)?;
    attest(app, session, &card, field, key, verdict, None, decision.reason.as_deref())
}

fn proposal(app: &App, session: &Session, doc: DocId, decision: &Decision, verdict: Verdict) -> Result<(), Error> {
    let proposal = app.headquarters().read(|replica| replica.proposal(doc))?.ok_or(Error::NotFound)?;
    let filing = scope::standing(app.accounts(), app.feed(), doc, proposal.customer)?;
    if !session.may(Action::Edit, "proposal.decision", filing.as_ref()) {
        return Err(Error::Forbidden);
    }
    if !proposal.is_open() {
        return Err(Error::Conflict);
    }
    let reason = checked_reason(decision.reason.as_deref())?;
    writing::commit(app, session, &vec![field::decide(&proposal, verdict.code(), reason.as_deref())])
}
