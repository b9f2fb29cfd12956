//! The photos that a document names: the manifest of a visit, sealed with it at check-out. Names only: bytes are blobs, and which of them
//! are held where is no matter of documents. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use super::value::Value;
use super::visit::Visit;
use crate::crdt::Document;
use crate::ids::{BlobHash, DocId, Ms, SubjectId};

/// Field of a visit's body that holds its manifest.
pub const MANIFEST: &str = "manifest";

/// One photo of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// The original.
    pub hash: BlobHash,
    /// A small picture of it.
    pub thumbnail: Option<BlobHash>,
    /// Code of value set `photo_kind`.
    pub kind: String,
    /// Media type of the original.
    pub mime: String,
    /// Bytes of the original.
    pub bytes: i64,
    /// When it was taken, by the device's clock.
    pub taken_at: Ms,
}

impl Serialize for BlobHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Photo {
    fn to_value(&self) -> Value {
        Value::map([
            ("hash", self.hash.to_string().into()),
            ("thumbnail", self.thumbnail.map(|hash| hash.to_string()).into()),
            ("kind", self.kind.as_str().into()),
            ("mime", self.mime.as_str().into()),
            ("bytes", self.bytes.into()),
            ("taken", self.taken_at.0.into()),
        ])
    }
    fn of(value: &Value) -> Option<Self> {
        let hash = |name: &str| value.get(name).and_then(Value::as_text)?.parse().ok();
        let text = |name: &str| value.get(name).and_then(Value::as_text).unwrap_or_default().to_owned();
        let number = |name: &str| value.get(name).and_then(Value::as_int).unwrap_or(0);
        Some(Self {
            hash: hash("hash")?,
            thumbnail: hash("thumbnail"),
            kind: text("kind"),
            mime: text("mime"),
            bytes: number("bytes"),
            taken_at: Ms(number("taken")),
        })
    }
    /// Everything that has to be held for this photo to be complete.
    pub fn hashes(&self) -> impl Iterator<Item = BlobHash> {
        [Some(self.hash), self.thumbnail].into_iter().flatten()
    }
}

/// A manifest as it is written.
#[must_use]
pub fn to_value(photos: &[Photo]) -> Value {
    Value::List(photos.iter().map(Photo::to_value).collect())
}

/// The photos of a manifest; entries that name none are passed over.
#[must_use]
pub fn photos(value: Option<&Value>) -> Vec<Photo> {
    value.and_then(Value::as_list).unwrap_or_default().iter().filter_map(Photo::of).collect()
}

impl Visit {
    /// The photos that the visit names.
    #[must_use]
    pub fn photos(&self) -> Vec<Photo> {
        photos(self.fields.get(MANIFEST))
    }
}

/// Every blob that a document names: whoever may read the document may have them.
#[must_use]
pub fn named_by(kind: &str, doc: DocId, subject: SubjectId, document: &Document) -> BTreeSet<BlobHash> {
    match kind {
        "visit" => Visit::fold(doc, subject, document).map(|visit| visit.photos()).unwrap_or_default(),
        _ => Vec::new(),
    }
    .iter()
    .flat_map(Photo::hashes)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_and_what_names_nothing_is_passed_over() {
        let photo = |n: u8, thumbnail| Photo {
            hash: BlobHash([n; 32]),
            thumbnail,
            kind: "shelf".to_owned(),
            mime: "image/jpeg".to_owned(),
            bytes: 9,
            taken_at: Ms(7),
        };
        let all = vec![photo(1, Some(BlobHash([2; 32]))), photo(3, None)];
        assert_eq!(photos(Some(&to_value(&all))), all);
        let odd = Value::List(vec!["aa".into(), Value::Null, Value::map([("hash", "zz".into())])]);
        assert_eq!(photos(Some(&odd)), []);
        assert_eq!(photos(None), []);
        assert_eq!(all.iter().flat_map(Photo::hashes).count(), 3);
    }
}
