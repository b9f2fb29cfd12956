//! The suite: one test binary over core, server and bindings. Each module is one subject.

mod hostile;
mod laws;
mod scenarios;
mod tidy;
mod world;
