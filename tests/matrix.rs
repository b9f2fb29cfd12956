//! The permission matrix, exhaustively, over the socket: role × kind × part × action × place × state of the device, through every
//! way in and every way out, against the table in `access`. Not one byte of a document leaves towards somebody who may read
//! nothing of it: every document holds a text of its own, and every answer is looked through for the texts of the others.
//!
//! * [`company`] – who and what there is · [`push`] – what devices hand in · [`pull`] – what devices get
//! * [`endpoints`] – one row for each endpoint of the server · [`console`] – what the console asks and does · [`channels`] – news

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

mod channels;
mod company;
mod console;
mod endpoints;
mod pull;
mod push;
