//! The server's half of an exchange, without HTTP: what a device hands in is judged and appended, what it lacks is read out.
//!
//! * [`profile`] – what a device is told of its person.
//! * [`scope`] – which scopes of the feed a person's devices hold.

pub mod profile;
pub mod scope;
