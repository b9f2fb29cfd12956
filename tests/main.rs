//! The suite: one test binary over core, server and bindings. Each module is one subject.

mod fixtures;
mod hostile;
mod laws;
mod matrix;
mod scenarios;
mod socket;
mod tidy;
mod world;
