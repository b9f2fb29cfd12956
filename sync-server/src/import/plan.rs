//! What an import would do, row by row. Belongs here: comparing and deciding. Pure: the same rows and the same customers give
//! the same plan. Never: which customer is meant (`recognise`), writing (`apply`), words (`report`).

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::ids::{OrgId, SubjectId};
use roadbook_core::model::Value;
use serde::Serialize;

use super::changes::{Change, news};
use super::columns::normal;
use super::draft::{Claimed, Draft, Keys, Note, Say};
use super::fault::Fault;
use super::held::Held;
use super::index::{Index, Indexed};
use super::recognise::{Found, other_uscc, recognised};

pub use super::index::Why;
pub use super::recognise::identity;

/// What becomes of rows that may be a customer that is already there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// They are listed, and nothing is written: a person decides.
    #[default]
    HoldBack,
    /// They are created and listed.
    Create,
}

/// What the person who imports can choose about deciding.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// The company: part of the ids that are derived for new customers.
    pub org: OrgId,
    /// Rows that may be a customer that is already there.
    pub duplicates: Duplicates,
    /// Lifecycle code of a new customer whose row gives none; `None` leaves it open.
    pub lifecycle: Option<String>,
}

/// The other of a possible pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Other {
    /// A customer that headquarters has.
    Customer(#[serde(serialize_with = "as_text")] SubjectId),
    /// A row above in the same file.
    Row(u32),
}

fn as_text<S: serde::Serializer>(subject: &SubjectId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(subject)
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// A new customer.
    Create,
    /// A customer that is there gets new statements.
    Update {
        /// What changes, field by field.
        changes: Vec<Change>,
    },
    /// A customer that is there, and nothing new about it.
    Unchanged,
    /// It may be a customer that is there, or a row above.
    PossibleDuplicate {
        /// Which.
        of: Vec<Other>,
        /// Why.
        why: BTreeSet<Why>,
        /// Whether it is created all the same ([`Duplicates::Create`]).
        created: bool,
    },
    /// Nothing is written; the notes say why.
    Refused,
}

/// One row with its decision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planned {
    /// Number of the row as shown in the file.
    pub row: u32,
    /// Name as typed.
    pub name: String,
    /// The customer it is about.
    #[serde(serialize_with = "as_text")]
    pub subject: SubjectId,
    /// What becomes of it.
    #[serde(flatten)]
    pub decision: Decision,
    /// What is written: all of a new customer, only news of one that is there.
    #[serde(skip)]
    pub says: Vec<Say>,
    /// Faults of cells that were left out, or why the row was refused.
    pub notes: Vec<Note>,
    /// Who is said to have made the row, and when.
    pub claimed: Claimed,
}

impl Planned {
    /// Whether applying the plan creates this customer.
    #[must_use]
    pub const fn creates(&self) -> bool {
        matches!(self.decision, Decision::Create | Decision::PossibleDuplicate { created: true, .. })
    }
}

/// Decides all rows. `keys` are the customers that headquarters has; `card` fetches one of them in full.
///
/// # Errors
/// What `card` raises.
pub fn plan<E>(
    drafts: Vec<Draft>,
    keys: impl IntoIterator<Item = (SubjectId, Keys)>,
    mut card: impl FnMut(SubjectId) -> Result<Option<Held>, E>,
    options: &PlanOptions,
) -> Result<Vec<Planned>, E> {
    let mut index = Index::default();
    for (subject, keys) in keys {
        index.add(Indexed { subject, row: None, keys });
    }
    // Customers that a row above is about, by that row.
    let mut taken: BTreeMap<SubjectId, u32> = BTreeMap::new();
    let mut planned = Vec::with_capacity(drafts.len());
    for mut draft in drafts {
        let subject = identity(options.org, &draft.keys);
        let mut found = recognised(&draft, options.org, &index);
        if let Found::Maybe(of, why) = &found
            && why.contains(&Why::SameNumber)
            && let Some(subject) = said_before(of, &draft, &mut card)?
        {
            found = Found::Same { subject, number_of_another: false };
        }
        if draft.keys.subject.is_some_and(|named| named != subject && !index.holds(named)) {
            draft.notes.push(Note { column: String::new(), fault: Fault::NoSuchCustomer });
        }
        let keys = draft.keys.clone();
        let row = match found {
            Found::Refused(fault) => refused(draft, subject, Some(fault)),
            _ if draft.notes.iter().any(|note| note.fault.refuses_row()) => refused(draft, subject, None),
            Found::Same { subject, number_of_another } => match taken.get(&subject) {
                Some(row) => pair(draft, subject, vec![Other::Row(*row)], BTreeSet::from([Why::SameInFile]), false),
                None => {
                    if number_of_another {
                        leave_number(&mut draft);
                    }
                    taken.insert(subject, draft.row);
                    let held = card(subject)?.unwrap_or_else(|| Held::empty(subject));
                    update(draft, &held)
                }
            },
            Found::Maybe(of, why) => {
                let free = !taken.contains_key(&subject) && !index.holds(subject);
                pair(draft, subject, of, why, options.duplicates == Duplicates::Create && free)
            }
            Found::Unknown => create(draft, subject, options),
        };
        if row.creates() {
            taken.insert(subject, row.row);
            index.add(Indexed { subject, row: Some(row.row), keys });
        }
        planned.push(row);
    }
    Ok(planned)
}

/// The customer among those with the row's number of whom the last import said the row's number and name: people have renamed
/// it since, and the same list once more is about the same customer.
fn said_before<E>(
    of: &[Other],
    draft: &Draft,
    card: &mut impl FnMut(SubjectId) -> Result<Option<Held>, E>,
) -> Result<Option<SubjectId>, E> {
    for other in of {
        let Other::Customer(subject) = other else { continue };
        let Some(held) = card(*subject)? else { continue };
        let said = |field: &str| held.imported.get(field).and_then(Value::as_text).map(normal);
        let same = said("customer_no") == draft.keys.number && said(super::columns::NAME).as_ref() == Some(&draft.keys.name);
        if same && !other_uscc(&held.keys(), &draft.keys) {
            return Ok(Some(*subject));
        }
    }
    Ok(None)
}

/// Takes the customer number out of a row that is about somebody else than the customer with this number.
fn leave_number(draft: &mut Draft) {
    draft.says.retain(|say| !matches!(say, Say::Fact { field, .. } if field == "customer_no"));
    draft.notes.push(Note { column: String::new(), fault: Fault::NumberOfAnother });
}

fn planned(draft: Draft, subject: SubjectId, decision: Decision, says: Vec<Say>) -> Planned {
    let Draft { row, name, notes, claimed, .. } = draft;
    Planned { row, name, subject, decision, says, notes, claimed }
}

fn refused(mut draft: Draft, subject: SubjectId, fault: Option<Fault>) -> Planned {
    draft.notes.extend(fault.map(|fault| Note { column: String::new(), fault }));
    planned(draft, subject, Decision::Refused, Vec::new())
}

fn create(mut draft: Draft, subject: SubjectId, options: &PlanOptions) -> Planned {
    let says = whole(&mut draft, subject, options);
    planned(draft, subject, Decision::Create, says)
}

/// Everything the row says, and the lifecycle of a new customer.
fn whole(draft: &mut Draft, subject: SubjectId, options: &PlanOptions) -> Vec<Say> {
    let says = std::mem::take(&mut draft.says);
    let mut says = news(says, &Held::empty(subject), &mut draft.notes).0;
    let given = says.iter().any(|say| matches!(say, Say::Office { field, .. } if field == "lifecycle"));
    if let Some(lifecycle) = options.lifecycle.as_deref().filter(|_| !given) {
        says.push(Say::Office { field: "lifecycle".to_owned(), value: Value::from(lifecycle) });
    }
    says
}

fn update(mut draft: Draft, held: &Held) -> Planned {
    let says = std::mem::take(&mut draft.says);
    let (says, changes) = news(says, held, &mut draft.notes);
    let decision = if changes.is_empty() { Decision::Unchanged } else { Decision::Update { changes } };
    planned(draft, held.subject, decision, says)
}

fn pair(mut draft: Draft, subject: SubjectId, of: Vec<Other>, why: BTreeSet<Why>, created: bool) -> Planned {
    let says = std::mem::take(&mut draft.says);
    let says = if created { news(says, &Held::empty(subject), &mut draft.notes).0 } else { Vec::new() };
    planned(draft, subject, Decision::PossibleDuplicate { of, why, created }, says)
}
