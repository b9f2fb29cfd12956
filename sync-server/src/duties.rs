//! What headquarters owes a document that has arrived: its office side, a verification applied, an accepted proposal carried
//! out, a visit at a closed shop taken to somebody who may decide.
//!
//! Pure reading: each duty is a document and edits, to be handed to the feed like any other change. A duty that is done is not
//! owed again, so the follower of the feed may ask twice after a crash. Rights come in as an argument; no SQL, no HTTP.

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::card::{Card, Verified};
use roadbook_core::model::credit::{BADGE, CreditBadge};
use roadbook_core::model::proposal::{Proposal, Verification, what};
use roadbook_core::model::urgent::Urgent;
use roadbook_core::model::{Edit, Provenance, Source, Value, kinds};
use roadbook_core::replica::{Replica, ReplicaError, Target};

/// The author of what headquarters writes on nobody's behalf.
pub const SYSTEM: UserId = roadbook_core::model::urgent::HEADQUARTERS;
/// Lifecycle code of a customer that is out of service.
const ARCHIVED: &str = "archived";
/// Lifecycle code of a customer in service.
const ACTIVE: &str = "active";
/// Most assertions that one verified slot remembers as decided.
const SEEN_MAX: usize = 200;

/// One thing that headquarters has to write.
#[derive(Debug, Clone)]
pub struct Duty {
    /// In whose name.
    pub author: UserId,
    /// Which document, at which heads.
    pub target: Target,
    /// What.
    pub edits: Vec<Edit>,
}

/// What a person may do now: the permission table with the accounts behind it.
pub trait Standing {
    /// Whether a person may verify values of a customer.
    fn may_verify(&self, user: UserId, customer: SubjectId) -> bool;
    /// Whether a person may bring about what a proposal asks for.
    fn may_decide(&self, user: UserId, proposal: &Proposal) -> bool;
}

/// What is owed to a document that has just been taken in.
///
/// # Errors
/// [`ReplicaError`] when the replica cannot be read.
pub fn owed(replica: &Replica, standing: &dyn Standing, doc: DocId, subject: SubjectId, kind: &str) -> Result<Vec<Duty>, ReplicaError> {
    match kind {
        "verification" => verification(replica, standing, doc),
        "proposal" => proposal(replica, standing, doc),
        // The row tells without opening a document.
        "visit" if replica.store().read(|read| read.customer(subject))?.is_some_and(|line| line.lifecycle == ARCHIVED) => {
            visit(replica, doc)
        }
        "urgent" => urgent(replica, doc),
        "credit" => credit(replica, subject),
        _ => Ok(Vec::new()),
    }
}

/// The office side of a customer that a representative made: it belongs to its maker's territory.
#[must_use]
pub fn office_of(customer: SubjectId, territory: Option<&str>, owner: Option<UserId>, lifecycle: &str) -> Duty {
    let mut edits = vec![office("lifecycle", lifecycle.into())];
    edits.extend(territory.map(|territory| office("territory", territory.into())));
    edits.extend(owner.map(|owner| office("owner", owner.to_string().into())));
    Duty { author: SYSTEM, target: Target::office(customer), edits }
}

fn office(field: &str, value: Value) -> Edit {
    Edit::Assert { field: field.to_owned(), value, provenance: Provenance::of(Source::Office) }
}

fn verification(replica: &Replica, standing: &dyn Standing, doc: DocId) -> Result<Vec<Duty>, ReplicaError> {
    let Some(verification) = replica.verification(doc)? else { return Ok(Vec::new()) };
    let Some(author) = verification.by else { return Ok(Vec::new()) };
    let id = DocId::derived(&format!("proposal/{}/{doc}", what::VERIFICATION));
    if replica.proposal(id)?.is_some() {
        // Once it is a proposal it is decided as one, whatever its author may do by now.
        return Ok(Vec::new());
    }
    if standing.may_verify(author, verification.customer) {
        return applied(replica, &verification, author);
    }
    let edits = vec![
        assert("what", what::VERIFICATION.into()),
        assert("field", verification.field.as_str().into()),
        assert("value", verification.value.clone()),
        assert("cause", doc.to_string().into()),
    ];
    Ok(vec![Duty { author, target: Target::about(verification.customer, &kinds::PROPOSAL, id), edits }])
}

/// A verification on the office side: at the heads that its author saw, so that two made apart stay apart.
fn applied(replica: &Replica, verification: &Verification, author: UserId) -> Result<Vec<Duty>, ReplicaError> {
    let customer = verification.customer;
    let Some(card) = replica.card(customer)? else { return Ok(Vec::new()) };
    let before = card.facts.get(&verification.field).and_then(|fact| fact.verified.clone());
    if was_applied(replica, customer, verification)? {
        return Ok(Vec::new());
    }
    let mut seen = before.as_ref().map(|slot| slot.seen.clone()).unwrap_or_default();
    seen.extend(before.as_ref().and_then(|slot| slot.op.clone()));
    seen.extend(verification.op.clone());
    seen.dedup();
    let excess = seen.len().saturating_sub(SEEN_MAX);
    seen.drain(..excess);
    let slot = if verification.decision == "accept" {
        Verified {
            value: verification.value.clone(),
            op: verification.op.clone(),
            observed: verification.observed.or(Some(verification.at.at)),
            by: Some(author),
            at: verification.at.at,
            method: verification.method.clone(),
            reason: verification.reason.clone(),
            seen,
        }
    } else {
        // Rejected or kept: the value that stood goes on standing, and the report counts as looked at.
        let kept = before.unwrap_or_else(|| standing_value(&card, verification));
        Verified { by: Some(author), at: verification.at.at, reason: verification.reason.clone(), seen, ..kept }
    };
    let mut value = slot.to_value();
    if let Value::Map(parts) = &mut value {
        parts.insert("verification".to_owned(), verification.doc.to_string().into());
    }
    let edits = vec![Edit::Put { container: "verified".to_owned(), key: verification.field.clone(), value }];
    let heads = verification.office_heads.as_deref().and_then(heads);
    let held = replica.document(customer.office())?;
    let seen_here = heads.filter(|heads| {
        held.as_ref().is_some_and(|held| heads.hashes().iter().all(|hash| held.document.holds(hash)) && !heads.hashes().is_empty())
    });
    let target = Target { at: seen_here, ..Target::office(customer) };
    Ok(vec![Duty { author, target, edits }])
}

/// The best report that was not the one looked at: what a rejection leaves standing.
fn standing_value(card: &Card, verification: &Verification) -> Verified {
    let rivals = card.facts.get(&verification.field).map(|fact| fact.rivals.as_slice()).unwrap_or_default();
    let other = rivals.iter().find(|said| Some(&said.op) != verification.op.as_ref());
    Verified {
        value: other.map(|said| said.value.clone()).unwrap_or_default(),
        op: other.map(|said| said.op.clone()),
        observed: other.map(|said| said.observed),
        by: None,
        at: Ms(0),
        method: None,
        reason: None,
        seen: Vec::new(),
    }
}

fn was_applied(replica: &Replica, customer: SubjectId, verification: &Verification) -> Result<bool, ReplicaError> {
    let id = verification.doc.to_string();
    let past = replica.history(customer.office(), "verified", &verification.field)?;
    Ok(past.iter().any(|line| line.value.get("verification").and_then(Value::as_text) == Some(id.as_str())))
}

fn heads(text: &str) -> Option<Heads> {
    text.split_whitespace().map(|hash| hash.parse().ok()).collect::<Option<Vec<_>>>().map(Heads::new)
}

fn proposal(replica: &Replica, standing: &dyn Standing, doc: DocId) -> Result<Vec<Duty>, ReplicaError> {
    let Some(proposal) = replica.proposal(doc)? else { return Ok(Vec::new()) };
    let Some(decider) = proposal.decisions.first().and_then(|said| said.author) else { return Ok(Vec::new()) };
    if proposal.decision() != Some("accept") || Some(decider) == proposal.by || !standing.may_decide(decider, &proposal) {
        return Ok(Vec::new());
    }
    let customer = proposal.customer;
    match proposal.what.as_str() {
        what::OFFICE_FIELD => {
            // The badge follows the credit file and nothing else.
            let Some(field) = proposal.field.as_ref().filter(|field| *field != BADGE) else { return Ok(Vec::new()) };
            carried_out(replica, &proposal, decider, office_edit(field, proposal.value.clone(), doc))
        }
        what::REVIVE => carried_out(replica, &proposal, decider, office_edit("lifecycle", ACTIVE.into(), doc)),
        what::VERIFICATION => {
            let verification = proposal.cause.map(|cause| replica.verification(cause)).transpose()?.flatten();
            let Some(verification) = verification.filter(|found| found.customer == customer) else { return Ok(Vec::new()) };
            applied(replica, &verification, decider)
        }
        _ => Ok(Vec::new()),
    }
}

fn office_edit(field: &str, value: Value, cause: DocId) -> Edit {
    let provenance = Provenance { source: Some(Source::Office), source_doc: Some(cause.to_string()), ..Provenance::default() };
    Edit::Assert { field: field.to_owned(), value, provenance }
}

/// One office edit for an accepted proposal, unless it was made already.
fn carried_out(replica: &Replica, proposal: &Proposal, decider: UserId, edit: Edit) -> Result<Vec<Duty>, ReplicaError> {
    let Edit::Assert { field, .. } = &edit else { return Ok(Vec::new()) };
    let cause = proposal.doc.to_string();
    let past = replica.history(proposal.customer.office(), "facts", field)?;
    if past.iter().any(|line| line.source_doc.as_deref() == Some(cause.as_str())) {
        return Ok(Vec::new());
    }
    Ok(vec![Duty { author: decider, target: Target::office(proposal.customer), edits: vec![edit] }])
}

fn visit(replica: &Replica, doc: DocId) -> Result<Vec<Duty>, ReplicaError> {
    let Some(visit) = replica.visit(doc)? else { return Ok(Vec::new()) };
    let Some(card) = replica.card(visit.customer)? else { return Ok(Vec::new()) };
    let archived = card.office.get("lifecycle").filter(|fact| fact.value.as_text() == Some(ARCHIVED));
    let Some(archived_at) = archived.and_then(|fact| fact.rivals.first()).map(|said| said.written.at) else { return Ok(Vec::new()) };
    if visit.check_in.at < archived_at {
        // The shop was open then; who archived it later had the last word.
        return Ok(Vec::new());
    }
    let id = DocId::derived(&format!("proposal/{}/{doc}", what::REVIVE));
    if replica.proposal(id)?.is_some() {
        return Ok(Vec::new());
    }
    let edits = vec![
        assert("what", what::REVIVE.into()),
        assert("field", "lifecycle".into()),
        assert("value", ACTIVE.into()),
        assert("reason", "客户已停用,但有新的拜访 · archived, but visited since".into()),
        assert("cause", doc.to_string().into()),
    ];
    let author = visit.rep.unwrap_or(SYSTEM);
    Ok(vec![Duty { author, target: Target::about(visit.customer, &kinds::PROPOSAL, id), edits }])
}

/// An urgent report is told that it has arrived (已送达); from then on headquarters waits for somebody to acknowledge it.
fn urgent(replica: &Replica, doc: DocId) -> Result<Vec<Duty>, ReplicaError> {
    let Some(urgent) = replica.urgent(doc)?.filter(|urgent| urgent.received().is_none()) else { return Ok(Vec::new()) };
    Ok(vec![handled(&urgent, "received", None)])
}

/// What phones may see of a credit file stands on the office side.
fn credit(replica: &Replica, customer: SubjectId) -> Result<Vec<Duty>, ReplicaError> {
    let (Some(file), Some(card)) = (replica.credit(customer)?, replica.card(customer)?) else { return Ok(Vec::new()) };
    let badge = file.badge();
    if CreditBadge::of(&card).as_ref() == Some(&badge) {
        return Ok(Vec::new());
    }
    let provenance = Provenance::of(Source::Finance);
    let edit = Edit::Assert { field: BADGE.to_owned(), value: badge.to_value(), provenance };
    Ok(vec![Duty { author: SYSTEM, target: Target::office(customer), edits: vec![edit] }])
}

/// An urgent report that nobody acknowledged goes to somebody else.
#[must_use]
pub fn escalated(urgent: &Urgent, to: Option<UserId>) -> Duty {
    handled(urgent, "escalated", to)
}

fn handled(urgent: &Urgent, what: &str, to: Option<UserId>) -> Duty {
    let value = Value::map([("what", what.into()), ("to", to.map(|user| user.to_string()).into())]);
    // One entry for each, whatever the number of times that it is written.
    let entry = EntryId::derived(&format!("urgent/{}/{what}", urgent.doc));
    let edit = Edit::Record { log: "handling".to_owned(), entry, value };
    Duty { author: SYSTEM, target: Target::about(urgent.subject, &kinds::URGENT, urgent.doc), edits: vec![edit] }
}

fn assert(field: &str, value: Value) -> Edit {
    Edit::Assert { field: field.to_owned(), value, provenance: Provenance::of(Source::System) }
}
