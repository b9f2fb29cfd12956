//! `roadbook-server`: headquarters of Roadbook, and a phone for the shell. Everything is in the library; see `cli`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    roadbook_server::cli::main()
}
