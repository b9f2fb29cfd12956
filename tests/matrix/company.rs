//! Everybody and everything that the matrix crosses: one person of each role with devices in every state, and for each of them
//! documents of every kind in every place, each with a text that is in no other document.

use std::collections::BTreeMap;

use roadbook_core::crdt::{Document, Writer};
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId, TerritoryId, UserId};
use roadbook_core::model::edit::{self, EditError};
use roadbook_core::model::tour::PlannedStop;
use roadbook_core::model::{Edit, Kind, Provenance, Role, Value, kinds};
use roadbook_core::replica::Stamp;
use roadbook_core::replica::field::{self, TourKey};
use roadbook_core::replica::private::describe_person;
use roadbook_server::access::Relation;
use roadbook_server::access::table::SYSTEM_PART;
use roadbook_server::accounts::Who;
use roadbook_server::clock::random;
use roadbook_server::feed::{Batch, Filing};

use crate::socket::{Device, Plant, Server, written};

/// Where a customer is, seen by one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Theirs, in a territory that is not.
    Own,
    /// A colleague's, in their territory.
    Territory,
    /// Somebody's, somewhere else.
    Elsewhere,
    /// It was theirs, in their territory; now it is as [`Place::Elsewhere`].
    Formerly,
    /// Headquarters has never heard of it.
    Unfiled,
}

impl Place {
    pub(super) const ALL: [Self; 5] = [Self::Own, Self::Territory, Self::Elsewhere, Self::Formerly, Self::Unfiled];
    pub(super) const FILED: [Self; 4] = [Self::Own, Self::Territory, Self::Elsewhere, Self::Formerly];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Territory => "territory",
            Self::Elsewhere => "elsewhere",
            Self::Formerly => "formerly",
            Self::Unfiled => "unfiled",
        }
    }

    /// How a person of a role stands to something there.
    pub(super) fn relation(self, role: Role) -> Relation {
        match self {
            Self::Own => Relation::Own,
            Self::Unfiled => Relation::New,
            Self::Territory => Relation::Territory,
            Self::Elsewhere | Self::Formerly if everywhere(role) => Relation::Territory,
            Self::Elsewhere | Self::Formerly => Relation::Elsewhere,
        }
    }
}

/// The roles that answer for the whole company.
pub(super) fn everywhere(role: Role) -> bool {
    matches!(role, Role::Manager | Role::Finance | Role::Admin)
}

/// One person with their devices.
pub(super) struct Seat {
    pub(super) role: Role,
    pub(super) user: UserId,
    pub(super) good: Device,
    pub(super) revoked: Device,
    /// Of a person of the same role who was switched off.
    pub(super) off: Device,
    pub(super) stranger: Device,
    pub(super) cookie: String,
    /// Of the person who was switched off.
    pub(super) cookie_off: String,
}

/// One document.
pub(super) struct Planted {
    /// Whose set it is of.
    pub(super) role: Role,
    pub(super) place: Place,
    pub(super) kind: &'static Kind,
    pub(super) doc: DocId,
    pub(super) subject: SubjectId,
    pub(super) owner: Option<UserId>,
    pub(super) filing: Filing,
    /// In this document and no other.
    pub(super) marker: String,
}

pub(super) struct Company {
    pub(super) server: Server,
    pub(super) seats: Vec<Seat>,
    pub(super) planted: Vec<Planted>,
    /// A salesperson of the east, and one of the west.
    pub(super) mate: UserId,
    pub(super) other: UserId,
}

impl Company {
    pub(super) fn new() -> Self {
        let server = Server::open();
        server.territory("east", None);
        server.territory("west", None);
        let id = |n: u8| UserId::from_bytes([n; 16]);
        let mate = server.person(id(0x81), "mate", Role::Salesperson, &["east"]);
        let other = server.person(id(0x82), "other", Role::Salesperson, &["west"]);
        let seats = (1u8..).zip(Role::ALL).map(|(n, role)| {
            let user = server.person(id(n), role.code(), role, &["east"]);
            let gone = server.person(id(n + 0x40), &format!("{}.off", role.code()), role, &["east"]);
            let (good, revoked, off) = (server.device(user, "good"), server.device(user, "revoked"), server.device(gone, "off"));
            server.app.accounts().revoke_device(server.app.now(), &Who::shell(), revoked.id).unwrap();
            server.app.accounts().switch_user(server.app.now(), &Who::shell(), gone, true).unwrap();
            // Switching off ends every session; one that slipped through behind it opens nothing either.
            let (cookie, cookie_off) = (server.session(user), server.session(gone));
            Seat { role, user, good, revoked, off, stranger: Server::stranger(user), cookie, cookie_off }
        });
        let seats: Vec<Seat> = seats.collect();
        let mut company = Self { server, seats, planted: Vec::new(), mate, other };
        company.plant_everything();
        company
    }

    fn plant_everything(&mut self) {
        let now = self.server.app.now();
        let mut plants = Vec::new();
        for seat in &self.seats {
            for place in Place::FILED {
                let subject = SubjectId::derived(&format!("customer {} {}", seat.role.code(), place.word()));
                let filing = self.filing(seat, place, false);
                for kind in kinds::ALL.iter().copied() {
                    let marker = format!("zq.{}.{}.{}.qz", seat.role.code(), place.word(), kind.id);
                    let owner = filing.owner.filter(|_| !kinds::belongs_to_customer(kind.id));
                    let (doc, subject, edits) = contents(kind, subject, &filing, &marker, now);
                    let mut document = kinds::ready(kind.id).unwrap().genesis.clone();
                    written(&mut document, self.mate, |w| edit::write(kind, &edits, w));
                    let filed = (kind.id != "tour").then(|| filing.clone());
                    let of = |filing: &Filing| if kind.id == "tour" { Filing::default() } else { filing.clone() };
                    self.planted.push(Planted { role: seat.role, place, kind, doc, subject, owner, filing: of(&filing), marker });
                    plants.push(Plant { kind, doc, subject, owner, filing: filed, document });
                }
            }
        }
        self.server.plant(&plants);
    }

    /// Where a subject of a person is filed: at first, or (`moved`) in the end.
    pub(super) fn filing(&self, seat: &Seat, place: Place, moved: bool) -> Filing {
        let at = |territory: &str, owner| Filing { territory: Some(TerritoryId(territory.to_owned())), owner: Some(owner) };
        match place {
            Place::Own => at("west", seat.user),
            Place::Territory => at("east", self.mate),
            Place::Formerly if !moved => at("east", seat.user),
            Place::Elsewhere | Place::Formerly | Place::Unfiled => at("west", self.other),
        }
    }

    /// What was formerly somebody's goes to the west; then each of its documents gets a text that nobody of the east may see. A
    /// visit or a tour stays its author's.
    pub(super) fn move_away(&mut self) {
        let moved: Vec<(SubjectId, Filing)> = self
            .seats
            .iter()
            .map(|seat| (SubjectId::derived(&format!("customer {} formerly", seat.role.code())), self.filing(seat, Place::Formerly, true)))
            .collect();
        self.server.append(&Batch { filings: moved.clone(), ..Batch::default() });
        let filings: BTreeMap<SubjectId, Filing> = moved.into_iter().collect();
        let mut plants = Vec::new();
        for planted in self.planted.iter_mut().filter(|planted| planted.place == Place::Formerly) {
            if let Some(filing) = filings.get(&planted.subject) {
                planted.filing = filing.clone();
            }
            planted.marker = planted.marker.replace("formerly", "afterwards");
            let mut document = self.server.document(planted.doc).unwrap();
            let mut edits = vec![mark(planted.kind, &planted.marker)];
            if planted.kind.id == "office" {
                edits.extend(filed(&planted.filing));
            }
            written(&mut document, self.mate, |w| edit::write(planted.kind, &edits, w));
            let (kind, doc, subject, owner) = (planted.kind, planted.doc, planted.subject, planted.owner);
            plants.push(Plant { kind, doc, subject, owner, filing: None, document });
        }
        self.server.plant(&plants);
    }

    /// How a person stands to a document, from where it is filed and whose it is: worked out apart from the server.
    pub(super) fn relation(&self, seat: &Seat, planted: &Planted) -> Relation {
        let owner = planted.owner.or(planted.filing.owner);
        let territory = match &planted.filing.territory {
            Some(territory) => territory.0.as_str(),
            // A tour lies where its representative works.
            None if owner == Some(self.other) => "west",
            None => "east",
        };
        if owner == Some(seat.user) {
            Relation::Own
        } else if everywhere(seat.role) || territory == "east" {
            Relation::Territory
        } else {
            Relation::Elsewhere
        }
    }

    /// The documents that a person may read nothing of, by the table.
    pub(super) fn foreign(&self, seat: &Seat) -> Vec<&Planted> {
        let may = |planted: &&Planted| roadbook_server::access::may_read_kind(seat.role, self.relation(seat, planted), planted.kind.id);
        self.planted.iter().filter(|planted| !may(planted)).collect()
    }

    pub(super) fn planted(&self, role: Role, place: Place, kind: &str) -> &Planted {
        self.planted.iter().find(|planted| planted.role == role && planted.place == place && planted.kind.id == kind).unwrap()
    }
}

/// Whether bytes hold a text.
pub(super) fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// The edit that writes a marker where a kind keeps what people say.
fn mark(kind: &'static Kind, marker: &str) -> Edit {
    let assert = |field: &str| Edit::Assert { field: field.to_owned(), value: marker.into(), provenance: Provenance::default() };
    match kind.id {
        "customer" => assert("trade_name"),
        "visit" => assert("feedback"),
        "proposal" => assert("reason"),
        "urgent" | "observation" => assert("text"),
        "credit" => assert("handling_rule"),
        "person" => assert("education"),
        _ => {
            let container = kind.containers.iter().find(|container| container.part.0 != SYSTEM_PART).unwrap();
            Edit::Put { container: container.name.to_owned(), key: "remark".to_owned(), value: marker.into() }
        }
    }
}

/// Where a customer is filed, as the office side mirrors it: what lists go by.
fn filed(filing: &Filing) -> Vec<Edit> {
    let territory = filing.territory.as_ref().map(|territory| territory.0.clone()).unwrap();
    [("territory", territory), ("owner", filing.owner.unwrap().to_string())]
        .map(|(field, value)| Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::default() })
        .into()
}

/// A document of a kind as people make it: its id, its subject, and what is written into it. A kind that is not named here is
/// taken for one about a customer with an id of its own; where that is wrong, the matrix says so.
fn contents(kind: &'static Kind, subject: SubjectId, filing: &Filing, marker: &str, now: Ms) -> (DocId, SubjectId, Vec<Edit>) {
    let own = DocId::derived(&format!("{} {subject}", kind.id));
    let assert = |field: &str, value: Value| Edit::Assert { field: field.to_owned(), value, provenance: Provenance::default() };
    let owner = filing.owner.unwrap();
    let stamp = Stamp { author: owner, now, entropy: random().unwrap() };
    match kind.id {
        "customer" => {
            let person = Edit::Entry {
                list: "stakeholders".to_owned(),
                entry: stakeholder(subject),
                fields: BTreeMap::from([("name".to_owned(), Value::from("张老板"))]),
                provenance: Provenance::default(),
            };
            let text = Edit::Rewrite { field: "problems".to_owned(), text: marker.to_owned() };
            (subject.customer(), subject, vec![mark(kind, marker), text, person])
        }
        "office" => (subject.office(), subject, [filed(filing), vec![mark(kind, marker)]].concat()),
        "person" => {
            let edits = vec![Edit::Rewrite { field: "character".to_owned(), text: marker.to_owned() }];
            let (target, edits) = describe_person(subject, stakeholder(subject), None, edits);
            (target.doc, subject, edits)
        }
        "credit" => (subject.credit(), subject, vec![mark(kind, marker)]),
        "visit" => {
            let edits = vec![
                assert("customer", subject.to_string().into()),
                assert("rep", owner.to_string().into()),
                assert("check_in", field::stamp_value(now, None, None)),
                assert("check_out", field::stamp_value(now, None, None)),
                assert("recorded_no", Value::Int(1)),
                mark(kind, marker),
            ];
            (own, subject, edits)
        }
        "tour" => {
            let key = TourKey { route: marker.to_owned(), day: now.day(480).unwrap(), rep: owner };
            let stop = PlannedStop { stop: subject, arrive_s: None, service_s: None, note: Some(marker.to_owned()), urgent: false };
            let (target, edits) = field::publish(&stamp, &key, None, &[stop], None, &[]);
            (target.doc, target.subject, edits)
        }
        "proposal" => {
            let (_, edits) = field::propose(&stamp, subject, "grade", "A".into(), Some(marker));
            (own, subject, edits)
        }
        _ => (own, subject, vec![mark(kind, marker)]),
    }
}

/// The one stakeholder of each customer.
pub(super) fn stakeholder(subject: SubjectId) -> EntryId {
    EntryId::derived(&format!("{subject}/stakeholder"))
}

/// One change that writes into one container.
pub(super) fn touch(document: &mut Document, author: UserId, kind: &'static Kind, container: &str) -> Vec<u8> {
    said(document, author, kind, container, "写")
}

/// As [`touch`], behind edits that say what the document is.
pub(super) fn begun(document: &mut Document, author: UserId, kind: &'static Kind, container: &str, first: &[Edit]) -> Vec<u8> {
    written_with(document, author, kind, container, "写", first)
}

/// As [`touch`], with a text of its own.
pub(super) fn said(document: &mut Document, author: UserId, kind: &'static Kind, container: &str, what: &str) -> Vec<u8> {
    written_with(document, author, kind, container, what, &[])
}

fn written_with(document: &mut Document, author: UserId, kind: &'static Kind, container: &str, what: &str, first: &[Edit]) -> Vec<u8> {
    let text = kind.containers.iter().any(|known| known.name == container && known.shape == roadbook_core::crdt::Shape::Text);
    let entry = EntryId::from_bytes(random().unwrap());
    let change = written(document, author, |w: &mut Writer<'_>| -> Result<(), EditError> {
        edit::write(kind, first, w)?;
        if text {
            return Ok(w.splice(container, 0, 0, what)?);
        }
        let put = Edit::Put { container: container.to_owned(), key: format!("matrix/{entry}"), value: what.into() };
        edit::write(kind, &[put], w)
    });
    change.bytes
}
