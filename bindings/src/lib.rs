//! Roadbook for apps: the face of the core in Kotlin, Swift and Python. Conversions and one-line calls belong here; logic never does.
//!
//! * `book` – open, who the user is, observing · `reading`, `writing` – what an app does · `exchange` – requests out, answers in
//! * `photos` – photos and files, after all text · `urgent` – urgent reports, ahead of it
//! * `private` – what few may know: personal traits, credit
//! * `forms` – the schema for an app that draws forms
//! * `key` – the device's key · `storage` – the key of its file · `observe` – being told · `error` – what can go wrong · `edge` – clock and randomness
//! * `values`, `card`, `visit`, `tour`, `edit`, `lists` – the core's types as apps see them, held equal by the compiler

mod book;
mod card;
mod edge;
mod edit;
mod error;
mod exchange;
mod forms;
mod key;
mod lists;
mod observe;
mod photos;
mod private;
mod reading;
mod storage;
#[cfg(test)]
mod tests;
mod tour;
mod urgent;
mod values;
mod visit;
mod writing;

pub use book::Roadbook;
pub use error::RoadbookError;
pub use exchange::{Arrived, Header, Outgoing, SetAside, Synced};
pub use forms::{FormCode, FormField, FormInput, FormSection, FormShape, form};
pub use key::{DeviceKey, KeyError, fresh_key_secret, software_key};
pub use lists::{CustomerPage, CustomerQuery, CustomerSort, OverduePage, VisitPage};
pub use observe::{Observation, Observer, ObserverError};
pub use photos::{Photo, PhotoState, PhotoStep, PhotosDone, PhotosWaiting};
pub use private::{CreditObservation, PersonTraits};
pub use storage::{change_storage_key, fresh_storage_key};
pub use urgent::{UrgentCard, UrgentHandled, UrgentListed};

uniffi::setup_scaffolding!();

/// The version of this library, as `major.minor.patch`.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
