//! Ways in and out for people: every endpoint asked by every role, about a customer in every place, with a session, without one,
//! and with that of somebody who was switched off. Who may not gets a refusal and nothing else; nobody gets a byte of a document
//! that they may read nothing of.

use std::collections::BTreeSet;

use roadbook_core::exchange::Pushed;
use roadbook_core::ids::SubjectId;
use roadbook_server::access::{Relation, may_read_kind};
use roadbook_server::http;
use serde_json::Value;

use super::company::{Company, Place, Seat, holds, said};
use super::endpoints::{Ask, Asker, For, Row, rows};
use crate::socket::Reply;

/// Refusals of a right. A request whose contents are complained about was let in.
const REFUSALS: [u16; 3] = [401, 403, 404];

#[test]
fn every_endpoint_has_its_row() {
    let rows: BTreeSet<(String, String)> = rows().iter().map(|row| (row.method.to_owned(), row.path.to_owned())).collect();
    let there: BTreeSet<(String, String)> = http::endpoints().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    let missing: Vec<_> = there.difference(&rows).collect();
    let gone: Vec<_> = rows.difference(&there).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "endpoints without a row in tests/matrix/endpoints.rs: {missing:?}; rows without an endpoint: {gone:?}"
    );
}

/// The questions of a row: path with query, and body.
fn questions(row: &Row, asker: &Asker<'_>) -> Vec<(String, Option<Value>)> {
    let id = |id: &str| row.path.replace("{id}", id);
    let customer = || if asker.place == Place::Unfiled { SubjectId::derived("nobody") } else { asker.customer() }.to_string();
    match (row.ask)(asker) {
        Ask::Queries(queries) => queries
            .into_iter()
            .map(|query| (if query.is_empty() { id(&customer()) } else { format!("{}?{query}", id(&customer())) }, None))
            .collect(),
        Ask::Body(body) => vec![(id(&customer()), Some(body))],
        Ask::About(about, body) => vec![(id(&about), Some(body))],
    }
}

fn ask(company: &Company, cookie: Option<&str>, row: &Row, question: &(String, Option<Value>)) -> Reply {
    company.server.console(cookie, &row.method.to_uppercase(), &question.0, question.1.as_ref())
}

/// No answer holds a byte of what its reader may read nothing of.
fn is_clean(company: &Company, seat: &Seat, asked: &str, reply: &Reply) {
    for planted in company.foreign(seat) {
        assert!(!holds(&reply.body, planted.marker.as_bytes()), "{:?} reads {} in {asked}", seat.role, planted.marker);
    }
}

#[test]
fn people_get_and_do_what_the_table_says() {
    let mut company = Company::new();
    company.move_away();
    // Whatever somebody may not write lies at the desk of what was set aside, with the text of the document it was meant for.
    for seat in &company.seats {
        let pushed = Place::FILED.map(|place| {
            ["customer", "person", "credit"].map(|kind| {
                let planted = company.planted(seat.role, place, kind);
                let mut held = company.server.document(planted.doc).unwrap();
                let change = said(&mut held, seat.user, planted.kind, "facts", &planted.marker);
                Pushed { doc: planted.doc, kind: planted.kind.id.to_owned(), subject: planted.subject, changes: vec![change.into()] }
            })
        });
        company.server.exchange(&seat.good, &company.server.request(&seat.good, pushed.concat()));
    }
    let mut wrong = Vec::new();
    let (mut asked, mut n) = (0, 0);
    for row in rows().iter().filter(|row| row.audience == For::People) {
        for seat in &company.seats {
            let places = if row.about { &Place::FILED[..] } else { &[Place::Territory][..] };
            for place in places.iter().copied() {
                n += 1;
                let asker = Asker { company: &company, seat, place, n };
                let kind = match row.path {
                    path if path.contains("review/{id}") => "proposal",
                    path if path.contains("urgents/{id}") => "urgent",
                    _ => "customer",
                };
                let allowed = (row.may)(seat.role, company.relation(seat, asker.planted(kind)));
                let head = company.server.app.feed().head().unwrap();
                for question in questions(row, &asker) {
                    let reply = ask(&company, Some(&seat.cookie), row, &question);
                    asked += 1;
                    if REFUSALS.contains(&reply.status) == allowed || reply.status >= 500 {
                        let said = String::from_utf8_lossy(&reply.body).chars().take(160).collect::<String>();
                        wrong.push(format!(
                            "{} {}: {:?} {}, allowed {allowed}, {} {said}",
                            row.method,
                            question.0,
                            seat.role,
                            place.word(),
                            reply.status
                        ));
                    }
                    is_clean(&company, seat, &question.0, &reply);
                }
                if !allowed {
                    assert_eq!(company.server.app.feed().head().unwrap(), head, "{} {}: {:?} wrote", row.method, row.path, seat.role);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} answers:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 300, "{asked} questions");
}

#[test]
fn nobody_gets_in_without_a_session_of_their_own() {
    let company = Company::new();
    let seat = &company.seats[0];
    let asker = Asker { company: &company, seat, place: Place::Territory, n: 0 };
    for row in rows() {
        for question in questions(&row, &asker) {
            for cookie in [None, Some("roadbook=x"), Some(seat.cookie_off.as_str())] {
                if row.audience == For::Anyone {
                    continue;
                }
                let reply = ask(&company, cookie, &row, &question);
                assert!(matches!(reply.status, 401 | 413 | 422), "{} {}: {} with {cookie:?}", row.method, question.0, reply.status);
                assert!(
                    row.audience == For::Devices || reply.status == 401,
                    "{} {}: {} with {cookie:?}",
                    row.method,
                    question.0,
                    reply.status
                );
                assert!(company.planted.iter().all(|planted| !holds(&reply.body, planted.marker.as_bytes())), "{}", question.0);
            }
            // A cookie of the console opens nothing for devices.
            if row.audience == For::Devices {
                let reply = ask(&company, Some(&seat.cookie), &row, &question);
                assert!(matches!(reply.status, 401 | 422), "{}: {}", question.0, reply.status);
            }
        }
    }
}

#[test]
fn what_may_be_read_is_there() {
    let company = Company::new();
    for seat in &company.seats {
        for place in Place::FILED {
            let customer = company.planted(seat.role, place, "customer");
            let readable = may_read_kind(seat.role, company.relation(seat, customer), "customer");
            let reply = company.server.console(Some(&seat.cookie), "GET", &format!("/api/customers/{}", customer.subject), None);
            assert_eq!(holds(&reply.body, customer.marker.as_bytes()), readable, "{:?} {}: {}", seat.role, place.word(), reply.status);
        }
        let listed = company.server.console(Some(&seat.cookie), "GET", "/api/customers?limit=200", None);
        let near = company.planted(seat.role, Place::Territory, "customer");
        let reads = may_read_kind(seat.role, Relation::Territory, "customer");
        assert_eq!(holds(&listed.body, near.marker.as_bytes()), reads, "{:?}: the list, {}", seat.role, listed.status);
        let unfiled = SubjectId::derived("nobody has heard of it");
        let reply = company.server.console(Some(&seat.cookie), "GET", &format!("/api/customers/{unfiled}"), None);
        assert_eq!(reply.status, 404, "{:?}", seat.role);
    }
}
