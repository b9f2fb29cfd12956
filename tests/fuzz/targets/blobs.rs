//! Fuzzes `targets::blobs`; what is fed and what must hold is said there.
#![no_main]

libfuzzer_sys::fuzz_target!(init: roadbook_fuzz::begin(), |data: &[u8]| roadbook_fuzz::targets::blobs(data));
