//! Roadbook's core: documents that merge, the gate that admits outside bytes, the store, rows, search,
//! the phone's half of an exchange, and route sequencing. The same code runs on phones and at headquarters.
//!
//! **Every replica that has received the same changes shows the same rows, and no change that anyone saved is ever lost.**
//!
//! Rooms, from the bottom up:
//!
//! * [`ids`] – names of things.
//! * [`crdt`] – documents, their genesis, their history, the gate. The only room that names `automerge`.
//! * [`model`] – the business words: kinds as data, assertions, folding a document into what is shown.
//! * [`signing`] – what a device signs, and enrolment.
//! * [`carried`] – batches that one phone signs and another carries.
//! * [`store`] – one SQLite file a replica: documents, outbox, rows, search. The only room of core that names `rusqlite`.
//! * [`blobs`] – photos and files: named by their hash, encrypted beside the store, handed in by chunks.
//! * [`route`] – in which order to call on the stops of one day.
//!
//! Architecture invariants: no network, no clock, no threads, no randomness of its own; time and entropy are arguments, and threads are
//! lent ([`replica::Replica::lend_threads`]): what comes out does not hang on them.

pub mod blobs;
pub mod carried;
pub mod crdt;
pub mod exchange;
pub mod ids;
pub mod model;
pub mod replica;
pub mod route;
pub mod signing;
pub mod store;
pub mod sync;
