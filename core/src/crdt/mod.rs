//! Documents that merge. The only room of the house that names `automerge`.
//!
//! Every document is *flat*: its genesis change creates a fixed set of containers under the root, maps of registers and
//! texts, and nothing else is ever created in it. So two phones that make the same document offline share its containers,
//! and the gate judges an operation by the one object it touches.
//!
//! * [`document`] – open, write at given heads (through a [`Writer`]), read registers with their rivals, changes out and in, snapshots.
//! * [`genesis`] – the deterministic first changes.
//! * [`gate`] – what every byte from outside passes before a document sees it; its chunks are taken apart in `chunk`.
//! * [`history`] – every assertion that a register ever held.
//! * [`rewrite`] – own changes written again, without one that was refused or under fresh actors.
//!
//! Never here: business words, SQL, rights.

mod chunk;
pub mod document;
pub mod gate;
pub mod genesis;
pub mod history;
pub mod rewrite;
mod writer;

pub use document::{ChangeMeta, ChangeStamp, Document, DocumentError, Heads, OpId, RawChange, Register, Rival};
pub use genesis::{Genesis, Shape};
pub use history::Past;
pub use writer::Writer;
