//! Headquarters of Roadbook: accounts and devices, who may write and read what, the feed, the server's half of an exchange,
//! import and export, the console.
//!
//! Rooms, from the bottom up:
//!
//! * [`clock`], [`database`], [`storage`], [`config`] – time and randomness, SQLite files, the data folder, the setting.
//! * [`access`] – the permission table and the decision: pure.
//! * [`accounts`] – people, territories, devices, codes, sessions, the audit log.
//! * [`feed`] – the truth about documents: an append-only row of admitted changes with scopes.
//! * [`auth`], [`device`] – who is asking: a password, a signature.
//! * [`news`] – the wake-up channel.
//! * [`exchange`] – the server's half of an exchange, without HTTP.
//! * [`blobs`] – photos and files: chunks in a folder or bucket, what is held and who may have it.
//! * [`import`], [`export`] – customer lists as people have them, in and out.
//! * [`duties`], [`headquarters`] – what is owed to a document that arrived; the replica with full scope that follows the feed.
//! * [`rounds`] – what headquarters does on its own as time passes.
//! * [`windows`] – bounded history, applied in the feed.
//! * [`app`] – what every request shares.
//! * [`http`] – where HTTP ends. The only room that names `axum`.
//! * [`phone`], [`cli`] – a phone in a folder; the command line.
//!
//! Architecture invariants: no business rule that the phone also needs (those are core's); rights are decided by [`access`]
//! alone, from the server's tables; nothing from outside reaches a document but through core's gate; what an answer promises
//! was committed with `synchronous=FULL` before.

pub mod absence;
pub mod access;
pub mod accounts;
pub mod app;
pub mod auth;
pub mod blobs;
pub mod cli;
pub mod clock;
pub mod config;
pub mod database;
pub mod device;
pub mod duties;
pub mod erasures;
pub mod exchange;
pub mod export;
pub mod feed;
pub mod headquarters;
pub mod http;
pub mod import;
pub mod news;
pub mod phone;
pub mod quarantine;
pub mod rounds;
pub mod storage;
pub mod transfer;
pub mod windows;
