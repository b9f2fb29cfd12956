//! HTTP ends here.
pub mod console_files;
