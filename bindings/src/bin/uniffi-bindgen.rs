//! Writes the Kotlin, Swift and Python sources from the built library. Nothing of its own: uniffi does it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
