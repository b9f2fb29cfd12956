//! What may be written into a document, and how it becomes operations: registers are put, texts are edited. Never here: which
//! field goes where (`model::edit`), when a change begins and ends (`document`).

use automerge::transaction::Transactable as _;
use automerge::{ObjId as ExId, ObjType, ROOT, ReadDoc as _, ScalarValue, Value as AmValue};

use super::document::DocumentError;

/// Writes into the containers of one document; everything written becomes one change.
#[derive(Debug)]
pub struct Writer<'a> {
    tx: &'a mut dyn WriteTarget,
    /// The container that was last written to.
    container: Option<(String, ExId)>,
}

pub(super) trait WriteTarget: std::fmt::Debug {
    fn registers(&self, container: &str) -> Result<ExId, DocumentError>;
    fn put(&mut self, container: &ExId, key: &str, bytes: Vec<u8>) -> Result<(), DocumentError>;
    fn splice(&mut self, name: &str, at: usize, delete: usize, insert: &str) -> Result<(), DocumentError>;
    fn rewrite(&mut self, name: &str, text: &str) -> Result<(), DocumentError>;
}

impl<'a> Writer<'a> {
    pub(super) const fn new(tx: &'a mut dyn WriteTarget) -> Self {
        Self { tx, container: None }
    }
    /// Puts a register, superseding every rival that the writer's heads show.
    ///
    /// # Errors
    /// [`DocumentError::NoContainer`].
    pub fn put(&mut self, container: &str, key: &str, bytes: Vec<u8>) -> Result<(), DocumentError> {
        let id = match &self.container {
            Some((name, id)) if name == container => id,
            _ => &self.container.insert((container.to_owned(), self.tx.registers(container)?)).1,
        };
        self.tx.put(id, key, bytes)
    }
    /// Deletes and inserts characters (Unicode scalar values) of a text.
    ///
    /// # Errors
    /// [`DocumentError::NoContainer`], [`DocumentError::OutsideText`].
    pub fn splice(&mut self, name: &str, at: usize, delete: usize, insert: &str) -> Result<(), DocumentError> {
        self.tx.splice(name, at, delete, insert)
    }
    /// Turns a text into another by the smallest edit, so that concurrent edits elsewhere in it survive.
    ///
    /// # Errors
    /// [`DocumentError::NoContainer`].
    pub fn rewrite(&mut self, name: &str, text: &str) -> Result<(), DocumentError> {
        self.tx.rewrite(name, text)
    }
}

impl WriteTarget for automerge::transaction::Transaction<'_> {
    fn registers(&self, container: &str) -> Result<ExId, DocumentError> {
        find(self, container, ObjType::Map)
    }
    fn put(&mut self, id: &ExId, key: &str, bytes: Vec<u8>) -> Result<(), DocumentError> {
        let rivals = self.get_all(id, key).map_err(DocumentError::automerge)?;
        let repeats = |value: &AmValue<'_>| matches!(value, AmValue::Scalar(scalar) if matches!(&**scalar, ScalarValue::Bytes(other) if *other == bytes));
        if rivals.iter().any(|(value, _)| repeats(value)) {
            // Automerge leaves a repetition out, or answers it by deleting the other rivals, without a trace of who chose. But to
            // say a thing again is an assertion of its own (an entry that is edited lives on, whoever removes it meanwhile): an
            // empty value in between makes it one.
            automerge::transaction::Transactable::put(self, id, key, ScalarValue::Bytes(Vec::new())).map_err(DocumentError::automerge)?;
        }
        automerge::transaction::Transactable::put(self, id, key, ScalarValue::Bytes(bytes)).map_err(DocumentError::automerge)
    }
    fn splice(&mut self, name: &str, at: usize, delete: usize, insert: &str) -> Result<(), DocumentError> {
        let id = find(self, name, ObjType::Text)?;
        let length = self.length(&id);
        let end = at.saturating_add(delete);
        if end > length {
            return Err(DocumentError::OutsideText { name: name.to_owned(), at: end, length });
        }
        let delete = isize::try_from(delete).map_err(DocumentError::automerge)?;
        self.splice_text(&id, at, delete, insert).map_err(DocumentError::automerge)
    }
    fn rewrite(&mut self, name: &str, text: &str) -> Result<(), DocumentError> {
        let id = find(self, name, ObjType::Text)?;
        self.update_text(&id, text).map_err(DocumentError::automerge)
    }
}

fn find(tx: &automerge::transaction::Transaction<'_>, name: &str, shape: ObjType) -> Result<ExId, DocumentError> {
    match tx.get(ROOT, name) {
        Ok(Some((AmValue::Object(kind), id))) if kind == shape => Ok(id),
        _ => Err(DocumentError::NoContainer(name.to_owned())),
    }
}
