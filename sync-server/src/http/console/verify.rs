//! `POST /api/customers/{id}/verify`: a reported value accepted or rejected. It travels as a verification, the same as from a phone;
//! headquarters applies it when its author is entitled, and asks somebody who is otherwise.

use axum::Json;
use axum::extract::State;
use roadbook_core::ids::SubjectId;
use roadbook_core::model::card::Card;
use roadbook_core::model::values;
use roadbook_core::replica::field::{self, Judgement};
use serde::Deserialize;

use super::asked::Of;
use super::card::{self, CardJson};
use super::edits::rivals;
use super::writing;
use crate::access::Action;
use crate::app::App;
use crate::http::{Error, JsonBody, Session, Shared};

const REASON_CHARS_MAX: usize = 500;

/// What was decided about which assertion.
#[derive(Deserialize)]
pub(super) struct Request {
    field: String,
    assertion: String,
    decision: Verdict,
    method: String,
    reason: Option<String>,
}

/// Accepted or rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Accept,
    Reject,
}

impl Verdict {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
        }
    }
}

/// * 200 with the card as it stands then;
/// * 403, 404 as everywhere; 409 when that assertion no longer stands; 422 for an unknown method.
pub(super) async fn verify(
    State(app): State<Shared>,
    session: Session,
    Of(id): Of<SubjectId>,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<CardJson>, Error> {
    app.blocking(move |app| {
        session.allowed(app, Action::Create, "verification.body", id)?;
        let card = app.headquarters().read(|replica| replica.card(id))?.ok_or(Error::NotFound)?;
        let reason = request.reason.as_deref();
        attest(app, &session, &card, &request.field, &request.assertion, request.decision, Some(&request.method), reason)?;
        card::read(app, &session, id).map(Json)
    })
    .await?
}

/// Writes a verification about an assertion that still stands.
#[expect(clippy::too_many_arguments, reason = "what a verification says, each once")]
pub(super) fn attest(
    app: &App,
    session: &Session,
    card: &Card,
    field: &str,
    assertion: &str,
    verdict: Verdict,
    method: Option<&str>,
    reason: Option<&str>,
) -> Result<(), Error> {
    if let Some(method) = method
        && values::set("verify_method").and_then(|set| set.code(method)).is_none()
    {
        return Err(Error::invalid("no_method", "没有这种核实方式。", "There is no such way of checking."));
    }
    let said = rivals(card, field).ok_or(Error::NotFound)?.iter().find(|said| said.op == assertion).ok_or(Error::Conflict)?;
    let judgement = Judgement {
        field: field.to_owned(),
        value: said.value.clone(),
        op: Some(said.op.clone()),
        observed: Some(said.observed),
        decision: verdict.code().to_owned(),
        method: method.map(str::to_owned),
        reason: checked_reason(reason)?,
    };
    let stamp = writing::stamp(app, session.id())?;
    writing::commit(app, session, &vec![field::verify(&stamp, card, &judgement)])
}

/// A reason as it may be kept.
///
/// # Errors
/// [`Error::Malformed`] when it is too long.
pub(super) fn checked_reason(reason: Option<&str>) -> Result<Option<String>, Error> {
    let reason = reason.map(str::trim).filter(|text| !text.is_empty());
    match reason {
        Some(text) if text.chars().count() > REASON_CHARS_MAX => Err(Error::Malformed),
        other => Ok(other.map(str::to_owned)),
    }
}
