//! The photos of visits for the console: which there are, and which headquarters still waits for. Their bytes have a path of their own:
//! `http::blobs`.

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::blobs::BlobHash;
use roadbook_core::ids::{DocId, Ms};
use roadbook_core::model::visit::Visit;
use serde::Serialize;

use crate::app::App;
use crate::http::Error;

/// A photo of a visit.
#[derive(Serialize)]
pub(super) struct PhotoJson {
    kind: String,
    taken_ms: Ms,
    mime: String,
    bytes: i64,
    /// Address of the original; none while headquarters waits for it (待传).
    original: Option<String>,
    /// Address of a small picture; none while headquarters waits for it.
    thumbnail: Option<String>,
}

/// The photos of a visit.
#[derive(Serialize, Default)]
pub(super) struct PhotosJson {
    pub(super) photos: Vec<PhotoJson>,
    /// Originals that headquarters does not hold yet.
    pub(super) photos_missing: usize,
    /// Everything that the visit names is held.
    pub(super) complete: bool,
}

/// What headquarters holds of each document.
pub(super) type HeldOf = BTreeMap<DocId, BTreeSet<BlobHash>>;

/// What headquarters holds of these visits.
///
/// # Errors
/// When the tables cannot be read.
pub(super) fn held_of(app: &App, docs: &[DocId]) -> Result<HeldOf, Error> {
    app.blobs().table().held_of(docs).map_err(Error::failed)
}

impl PhotosJson {
    /// Of a visit, with what is held of it.
    pub(super) fn of(visit: Option<&Visit>, held: &HeldOf) -> Self {
        let Some(visit) = visit else { return Self { complete: true, ..Self::default() } };
        let held = held.get(&visit.doc);
        let holds = |hash: &BlobHash| held.is_some_and(|held| held.contains(hash));
        let address = |hash: BlobHash| holds(&hash).then(|| format!("/blobs/{}:{hash}", visit.doc));
        let named = visit.photos();
        Self {
            photos_missing: named.iter().filter(|photo| !holds(&photo.hash)).count(),
            complete: named.iter().all(|photo| photo.hashes().all(|hash| holds(&hash))),
            photos: named
                .into_iter()
                .map(|photo| PhotoJson {
                    original: address(photo.hash),
                    thumbnail: photo.thumbnail.and_then(address),
                    kind: photo.kind,
                    taken_ms: photo.taken_at,
                    mime: photo.mime,
                    bytes: photo.bytes,
                })
                .collect(),
        }
    }
}
