//! Scenarios of the domain, each a test named after it (`s01_…`). One file for each group.
//!
//! Every scenario ends with what must always be: all replicas alike, the same in every order of syncing, nothing changed by what
//! comes twice, nothing lost (`world::in_every_order` and `laws::hold`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

mod carried;
mod convergence;
mod desk;
mod first_sync;
mod handover;
mod handover_at_size;
mod lanes;
mod leaving;
mod merging;
mod moving;
mod ninety;
mod photos;
mod photos_kept;
mod photos_socket;
mod private;
mod private_socket;
mod provenance;
mod repair;
mod restores;
mod routes;
mod visits;
mod waiting;
