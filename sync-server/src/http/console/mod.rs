//! What the console asks for, as JSON. The shapes are the contract in `console/src/api/types.ts`; one file an endpoint group.
//! Never here: rules about cards, visits or tours (core's), rights (`access`), SQL (the store's and the accounts').
//!
//! | method and path | file |
//! |---|---|
//! | `GET /api/schema` | `schema.rs` |
//! | `GET /api/customers` | `customers.rs` |
//! | `GET /api/customers/{id}` | `card.rs` |
//! | `GET /api/customers/{id}/history` | `history.rs` |
//! | `POST /api/customers/{id}/edits` | `edits.rs` |
//! | `POST /api/customers/{id}/verify` | `verify.rs` |
//! | `GET /api/visits` | `visits.rs` |
//! | `GET /api/tours`, `POST /api/tours` | `tours.rs`, `publish.rs` |
//! | `POST /api/tours/sequence` | `sequence.rs` |
//! | `GET /api/overview` | `overview.rs` |
//! | `GET /api/review`, `GET /api/review/count`, `POST /api/review/{id}` | `review.rs`, `decide.rs` |
//! | `GET /api/accounts`, `POST /api/accounts/…` | `accounts.rs` |

mod accounts;
mod asked;
mod card;
mod customers;
mod decide;
mod edits;
mod heads;
mod history;
mod names;
mod overview;
mod publish;
mod reach;
mod review;
mod said;
mod schema;
mod sequence;
#[cfg(test)]
mod tests;
mod tours;
mod verify;
mod visits;
mod writing;

use axum::Router;
use axum::routing::{get, post};

use super::Shared;

/// The console's endpoints, each behind a session.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/schema", get(schema::schema))
        .route("/api/customers", get(customers::customers))
        .route("/api/customers/{id}", get(card::card))
        .route("/api/customers/{id}/history", get(history::history))
        .route("/api/customers/{id}/edits", post(edits::edit))
        .route("/api/customers/{id}/verify", post(verify::verify))
        .route("/api/visits", get(visits::visits))
        .route("/api/tours", get(tours::tours).post(publish::publish))
        .route("/api/tours/sequence", post(sequence::sequence))
        .route("/api/overview", get(overview::overview))
        .route("/api/review", get(review::review))
        .route("/api/review/count", get(review::count))
        .route("/api/review/{id}", post(decide::decide))
        .route("/api/accounts", get(accounts::accounts))
        .route("/api/accounts/users", post(accounts::add_user))
        .route("/api/accounts/enrolments", post(accounts::enrol))
        .route("/api/accounts/devices/{id}/revoke", post(accounts::revoke))
}
