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
//! | `GET`, `POST /api/customers/{id}/persons`, `POST …/persons/erase` | `persons.rs` |
//! | `GET`, `POST /api/customers/{id}/credit`, `POST /api/customers/{id}/observations` | `credit.rs` |
//! | `GET /api/visits` | `visits.rs` |
//! | `GET /api/tours`, `POST /api/tours` | `tours.rs`, `publish.rs` |
//! | `POST /api/tours/sequence` | `sequence.rs` |
//! | `GET /api/overview` | `overview.rs` |
//! | `GET /api/review`, `GET /api/review/count`, `POST /api/review/{id}` | `review.rs`, `decide.rs` |
//! | `GET /api/quarantine`, `…/count`, `…/file`, `POST …/approve`, `…/reject`, `GET /api/late` | `quarantine.rs` |
//! | `GET /api/transfers`, `POST /api/transfers/plan`, `POST /api/transfers` | `transfer.rs` |
//! | `GET /api/urgents`, `POST /api/urgents/{id}` | `urgents.rs` |
//! | `GET /api/absences`, `GET /api/absences/{id}` | `absences.rs` |
//! | `GET /api/accounts`, `POST /api/accounts/…` | `accounts.rs` |

mod absences;
mod accounts;
mod asked;
mod card;
mod credit;
mod customers;
mod decide;
mod edits;
mod heads;
mod history;
mod names;
mod overview;
mod persons;
mod photos;
mod publish;
mod quarantine;
mod reach;
mod review;
mod said;
mod schema;
mod sequence;
#[cfg(test)]
mod tests;
mod tours;
mod transfer;
mod urgents;
mod verify;
mod visits;
mod writing;

// Each behind a session.
endpoints! { ENDPOINTS, routes:
    get "/api/schema" => schema::schema;
    get "/api/customers" => customers::customers;
    get "/api/customers/{id}" => card::card;
    get "/api/customers/{id}/history" => history::history;
    post "/api/customers/{id}/edits" => edits::edit;
    post "/api/customers/{id}/verify" => verify::verify;
    get "/api/customers/{id}/persons" => persons::persons;
    post "/api/customers/{id}/persons" => persons::edit;
    post "/api/customers/{id}/persons/erase" => persons::erase;
    get "/api/customers/{id}/credit" => credit::credit;
    post "/api/customers/{id}/credit" => credit::edit;
    post "/api/customers/{id}/observations" => credit::observe;
    get "/api/visits" => visits::visits;
    get "/api/tours" => tours::tours;
    post "/api/tours" => publish::publish;
    post "/api/tours/sequence" => sequence::sequence;
    get "/api/overview" => overview::overview;
    get "/api/review" => review::review;
    get "/api/review/count" => review::count;
    post "/api/review/{id}" => decide::decide;
    get "/api/urgents" => urgents::urgents;
    post "/api/urgents/{id}" => urgents::handled;
    get "/api/absences" => absences::absences;
    get "/api/absences/{id}" => absences::absence;
    get "/api/accounts" => accounts::accounts;
    post "/api/accounts/users" => accounts::add_user;
    post "/api/accounts/enrolments" => accounts::enrol;
    post "/api/accounts/devices/{id}/revoke" => accounts::revoke;
    post "/api/accounts/devices/{id}/wipe" => accounts::wipe;
    get "/api/quarantine" => quarantine::list;
    get "/api/quarantine/count" => quarantine::count;
    get "/api/quarantine/file" => quarantine::file;
    post "/api/quarantine/approve" => quarantine::approve;
    post "/api/quarantine/reject" => quarantine::reject;
    get "/api/late" => quarantine::late;
    get "/api/transfers" => transfer::list;
    post "/api/transfers/plan" => transfer::plan;
    post "/api/transfers" => transfer::transfer;
}
