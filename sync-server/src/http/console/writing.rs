//! Writing from the console: work committed in a person's name, refusals in words.

use roadbook_core::crdt::DocumentError;
use roadbook_core::ids::UserId;
use roadbook_core::model::schema::Field;
use roadbook_core::model::{EditError, kinds};
use roadbook_core::replica::field::Work;
use roadbook_core::replica::{Replica, ReplicaError, Stamp};
use roadbook_core::store::StoreError;

use crate::accounts::Act;
use crate::app::App;
use crate::clock::random;
use crate::headquarters::{Followed, HeadquartersError};
use crate::http::{Error, Session};

/// A stamp for what a person makes at the console.
pub(super) fn stamp(app: &App, author: UserId) -> Result<Stamp, Error> {
    Ok(Stamp { author, now: app.now(), entropy: random().map_err(Error::failed)? })
}

/// Commits work and what it makes owed; everyone who listens is told, and the audit log. Nothing to do is fine.
pub(super) fn commit(app: &App, session: &Session, work: &Work) -> Result<(), Error> {
    if work.is_empty() {
        return Ok(());
    }
    match app.commit(session.id(), work) {
        Ok(followed) => note(app, session, work, &followed),
        // What a form wrote was refused: in words, not as our failure.
        Err(HeadquartersError::Replica(error)) => Err(error.into()),
        Err(other) => Err(Error::failed(other)),
    }
}

/// As [`commit`], if what the page showed still `stands`: looked at and written in one step, so that nobody else writes in between.
///
/// # Errors
/// [`Error::Conflict`] when it stands no more; nothing is then written.
pub(super) fn commit_if(
    app: &App,
    session: &Session,
    work: &Work,
    stands: impl FnOnce(&Replica) -> Result<bool, HeadquartersError>,
) -> Result<(), Error> {
    match app.commit_if(session.id(), work, stands) {
        Ok(Some(followed)) => note(app, session, work, &followed),
        Ok(None) => Err(Error::Conflict),
        Err(HeadquartersError::Replica(error)) => Err(error.into()),
        Err(other) => Err(Error::failed(other)),
    }
}

/// Who decided what from where, by ids: what was written is in the documents' own history.
fn note(app: &App, session: &Session, work: &Work, followed: &Followed) -> Result<(), Error> {
    let written = work.iter().map(|(target, _)| {
        let act = if target.kind.id == kinds::OFFICE.id { Act::GuardedValueSet } else { Act::Written };
        (act, format!("{} {}", target.kind.id, target.doc))
    });
    let lines: Vec<(Act, String)> = followed.decided_lines().chain(written).collect();
    Ok(app.accounts().audit_all(app.now(), &session.who(), &lines)?)
}

impl From<ReplicaError> for Error {
    fn from(error: ReplicaError) -> Self {
        match error {
            ReplicaError::Edit(error) => error.into(),
            ReplicaError::Unknown { .. } => Self::NotFound,
            ReplicaError::Store(_)
            | ReplicaError::Document(_)
            | ReplicaError::Refused(_)
            | ReplicaError::NewerKind { .. }
            | ReplicaError::Sealed { .. }
            | ReplicaError::DamagedDraft { .. }
            | ReplicaError::NotEnrolled
            | ReplicaError::Sequencing(_)
            | ReplicaError::Blob(_)
            | ReplicaError::Wire(_) => Self::failed(error),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::failed(error)
    }
}

impl From<EditError> for Error {
    fn from(error: EditError) -> Self {
        match &error {
            EditError::Invalid { field, why } => Self::invalid(
                "invalid_value",
                format!("“{}”的内容不符合要求，请检查后再保存。", zh_of(field)),
                format!("{}: {why}", en_of(field)),
            ),
            EditError::NoField { field, .. } => Self::invalid(
                "no_field",
                format!("“{}”不能这样修改。", zh_of(field)),
                format!("{} cannot be changed in this way.", en_of(field)),
            ),
            EditError::TooMany { .. } => Self::invalid("too_many", "一次保存的修改过多，请分开保存。", error.to_string()),
            // The heads are not those of a state that a form of ours could have shown.
            EditError::Document(DocumentError::UnknownHeads | DocumentError::NoContainer(_)) => Self::Conflict,
            EditError::Document(_) => Self::failed(error),
        }
    }
}

/// The field that a path such as `phones.number` or `grade` names: the innermost that there is.
fn named(path: &str) -> Option<&'static Field> {
    let mut parts = path.split(['.', '/']);
    let first = parts.next()?;
    let top = [&kinds::CUSTOMER, &kinds::OFFICE, &kinds::PERSON, &kinds::CREDIT].into_iter().find_map(|kind| kind.field(first))?;
    parts.next_back().and_then(|last| top.entry_fields().iter().find(|field| field.id == last)).or(Some(top))
}

fn zh_of(path: &str) -> String {
    named(path).map_or_else(|| path.to_owned(), |field| field.label.zh.to_string())
}

fn en_of(path: &str) -> String {
    named(path).map_or_else(|| path.to_owned(), |field| field.label.en.to_string())
}
