//! The suite: one test binary over core, server and bindings. Each module is one subject.

mod at_rest;
mod command_line;
mod crash;
mod fixtures;
mod hostile;
mod hostile_http;
mod laws;
mod limits;
mod matrix;
mod scenarios;
mod socket;
mod tidy;
mod tls;
mod versions;
mod world;

/// The server's own allocator: random worlds are many small pieces too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
