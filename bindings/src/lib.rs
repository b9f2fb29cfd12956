//! Roadbook for apps: the face of the core in Kotlin, Swift and Python. Conversions and one-line calls belong here;
//! logic never does.

uniffi::setup_scaffolding!();

/// The version of this library, as `major.minor.patch`.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
