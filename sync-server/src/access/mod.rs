//! Who may do what: the decision, pure. The data it decides by is in [`table`], as a page in `permissions.md`.
//!
//! Belongs here: roles, relations, actions, commands and the two tables. Never here: SQL, HTTP, or the question who
//! somebody is (`auth`, `device`) and where a customer is filed (`feed`); those come in as arguments.
//!
//! Rights are judged on arrival, by the server's tables as they are now, never by what a document says about itself.

#![doc = include_str!("permissions.md")]

pub mod table;

use std::collections::BTreeSet;

use roadbook_core::ids::{TerritoryId, UserId};
use roadbook_core::model::kinds;
pub use roadbook_core::model::schema::Role;

use crate::feed::{Filing, Scope};

/// How a person stands to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It is theirs: the owner of a customer, the author of an event, the representative of a tour.
    Own,
    /// It is filed in a territory that they work in or answer for.
    Territory,
    /// It is filed somewhere else.
    Elsewhere,
    /// It is not filed: headquarters has never heard of it.
    New,
}

impl Relation {
    /// Every relation, in the order of the table's columns.
    pub const ALL: [Self; 4] = [Self::Own, Self::Territory, Self::Elsewhere, Self::New];

    /// How a person stands to something filed as `filing`.
    #[must_use]
    pub fn of(user: UserId, reach: &Reach, filing: Option<&Filing>) -> Self {
        match filing {
            None => Self::New,
            Some(filing) if filing.owner == Some(user) => Self::Own,
            Some(filing) => match &filing.territory {
                Some(territory) if reach.holds(territory) => Self::Territory,
                // What lies in no territory is within reach of those whose reach has no bounds, or it would be within nobody's.
                None if *reach == Reach::Everywhere => Self::Territory,
                Some(_) | None => Self::Elsewhere,
            },
        }
    }
}

/// What is done to a part of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Write it when the document is made.
    Create,
    /// Write it later.
    Edit,
    /// Have it.
    Read,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Create, Self::Edit, Self::Read];
}

/// A guarded decision of headquarters: written by the server into office documents or its own tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// Give a customer another territory or owner.
    File,
    /// Set the grade (客户等级).
    Grade,
    /// Set the visit interval.
    Interval,
    /// Set the lifecycle state.
    Lifecycle,
    /// Verify a reported value, or decide a review.
    Verify,
    /// Plan, sequence and publish tours.
    Dispatch,
    /// Bring in a customer list.
    Import,
    /// Take data out as a file.
    Export,
    /// See the desks of headquarters: who has not synced, what is up for review.
    Oversee,
    /// Decide about what was set aside: approve, reject, take out as a file.
    Quarantine,
    /// Have what is known of a person erased for good.
    Erase,
    /// Order a device to wipe itself.
    Wipe,
    /// Add people, give roles and territories, enrol and revoke devices.
    Administer,
    /// Read the audit log.
    Audit,
}

impl Command {
    /// Every command.
    pub const ALL: [Self; 14] = [
        Self::File,
        Self::Grade,
        Self::Interval,
        Self::Lifecycle,
        Self::Verify,
        Self::Dispatch,
        Self::Import,
        Self::Export,
        Self::Oversee,
        Self::Quarantine,
        Self::Erase,
        Self::Wipe,
        Self::Administer,
        Self::Audit,
    ];

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Grade => "grade",
            Self::Interval => "interval",
            Self::Lifecycle => "lifecycle",
            Self::Verify => "verify",
            Self::Dispatch => "dispatch",
            Self::Import => "import",
            Self::Export => "export",
            Self::Oversee => "oversee",
            Self::Quarantine => "quarantine",
            Self::Erase => "erase",
            Self::Wipe => "wipe",
            Self::Administer => "administer",
            Self::Audit => "audit",
        }
    }
}

/// The territories that a person works in or answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The whole company.
    Everywhere,
    /// These, everything below the assigned ones included.
    Within(BTreeSet<TerritoryId>),
}

impl Reach {
    /// The reach of a role with these territories (assigned ones and those below).
    #[must_use]
    pub fn of(role: Role, territories: BTreeSet<TerritoryId>) -> Self {
        match role {
            Role::Manager | Role::Finance | Role::Admin => Self::Everywhere,
            Role::Salesperson | Role::Dispatcher | Role::Supervisor => Self::Within(territories),
        }
    }

    /// Whether a territory is within it.
    #[must_use]
    pub fn holds(&self, territory: &TerritoryId) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Within(territories) => territories.contains(territory),
        }
    }
}

/// Whether `role`, standing in `relation`, may do `action` to `part` (such as `customer.card`). An unknown part: never.
#[must_use]
pub fn may(role: Role, relation: Relation, action: Action, part: &str) -> bool {
    table::rights(part, role, relation).is_some_and(|rights| rights.contains(action))
}

/// Whether a role plans tours of others.
#[must_use]
pub fn plans_for_others(role: Role) -> bool {
    may(role, Relation::Territory, Action::Create, "tour.plan")
}

/// Whether `role` may give `command` for something it stands to in `relation`.
#[must_use]
pub fn may_command(role: Role, relation: Relation, command: Command) -> bool {
    table::command(role, command) && relation != Relation::Elsewhere
}

/// Whether `role` may read any part of documents of `kind` that stand in `relation`.
#[must_use]
pub fn may_read_kind(role: Role, relation: Relation, kind: &str) -> bool {
    table::parts_of(kind).any(|part| may(role, relation, Action::Read, part))
}

/// Whether `role` may read documents of `kind` anywhere.
#[must_use]
pub fn may_read_ever(role: Role, kind: &str) -> bool {
    [Relation::Own, Relation::Territory, Relation::Elsewhere].into_iter().any(|relation| may_read_kind(role, relation, kind))
}

/// Whether `role` may decide about what was set aside of a document of `kind`: whoever may not read what is private decides nothing
/// about it, for deciding is reading.
#[must_use]
pub fn may_decide(role: Role, relation: Relation, kind: &str) -> bool {
    let read = || match relation {
        // Set aside about a customer that headquarters does not know: as if it were near.
        Relation::New => may_read_kind(role, Relation::Territory, kind),
        Relation::Own | Relation::Territory | Relation::Elsewhere => may_read_kind(role, relation, kind),
    };
    may_command(role, relation, Command::Quarantine) && (!kinds::is_private(kind) || read())
}

/// The kinds that `role` may read in `relation`, in order: what a pull lets through.
pub fn readable_kinds(role: Role, relation: Relation) -> BTreeSet<&'static str> {
    table::kinds().filter(|kind| may_read_kind(role, relation, kind)).collect()
}

/// Whether `role` oversees more than it visits: with many customers within reach it is given rows, and documents on demand.
#[must_use]
pub const fn reads_broadly(role: Role) -> bool {
    match role {
        Role::Supervisor | Role::Manager | Role::Finance => true,
        Role::Salesperson | Role::Dispatcher | Role::Admin => false,
    }
}

/// The scopes of the feed that a person's devices may hold. `territories`: all that exist, for a reach without bounds.
#[must_use]
pub fn scopes(user: UserId, reach: &Reach, territories: &BTreeSet<TerritoryId>) -> BTreeSet<Scope> {
    let within = territories.iter().filter(|territory| reach.holds(territory)).map(Scope::territory);
    within.chain([Scope::user(user)]).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    fn territory(id: &str) -> TerritoryId {
        TerritoryId(id.to_owned())
    }

    #[test]
    fn relations_follow_the_filing_and_nothing_else() {
        let me = UserId::from_bytes([1; 16]);
        let reach = Reach::of(Role::Salesperson, BTreeSet::from([territory("east")]));
        let filed = |place: &str, owner| Filing { territory: Some(territory(place)), owner };
        assert_eq!(Relation::of(me, &reach, None), Relation::New);
        assert_eq!(Relation::of(me, &reach, Some(&filed("west", Some(me)))), Relation::Own);
        assert_eq!(Relation::of(me, &reach, Some(&filed("east", None))), Relation::Territory);
        assert_eq!(Relation::of(me, &reach, Some(&filed("west", None))), Relation::Elsewhere);
        let nowhere = Filing { territory: None, owner: None };
        assert_eq!(Relation::of(me, &reach, Some(&nowhere)), Relation::Elsewhere);
        assert_eq!(Relation::of(me, &Reach::Everywhere, Some(&nowhere)), Relation::Territory, "or nobody could ever give it a territory");
        assert!(Reach::of(Role::Manager, BTreeSet::new()).holds(&territory("west")));
    }

    #[test]
    fn scopes_are_the_reach_and_oneself() {
        let me = UserId::from_bytes([1; 16]);
        let all = BTreeSet::from([territory("east"), territory("west")]);
        let mine = scopes(me, &Reach::Within(BTreeSet::from([territory("east"), territory("gone")])), &all);
        assert_eq!(mine, BTreeSet::from([Scope::territory(&territory("east")), Scope::user(me)]));
        assert_eq!(scopes(me, &Reach::Everywhere, &all).len(), 3);
    }

    /// Every combination there is, against the sentences that the table was written from.
    #[test]
    fn the_whole_table_says_what_the_sentences_say() {
        let mut looked_at = 0;
        for part in table::parts() {
            for role in Role::ALL {
                for relation in Relation::ALL {
                    for action in Action::ALL {
                        let said = may(role, relation, action, part);
                        assert_eq!(said, sentence(role, relation, action, part), "{part} {role:?} {relation:?} {action:?}");
                        looked_at += 1;
                    }
                }
            }
        }
        assert_eq!(looked_at, 17 * 6 * 4 * 3);
        assert!(!may(Role::Manager, Relation::Own, Action::Read, "unknown.part"));
    }

    /// The rules in words, written apart from the table so that a slip in either shows.
    fn sentence(role: Role, relation: Relation, action: Action, part: &str) -> bool {
        use Action::{Create, Edit, Read};
        use Relation::{New, Own, Territory};
        // The administrator keeps accounts and devices and sees no customer.
        if role == Role::Admin {
            return false;
        }
        let near = matches!(relation, Own | Territory);
        let field = matches!(role, Role::Salesperson | Role::Dispatcher | Role::Supervisor | Role::Manager);
        let desk = matches!(role, Role::Dispatcher | Role::Supervisor | Role::Manager);
        let judge = matches!(role, Role::Supervisor | Role::Manager);
        let keeper = matches!(role, Role::Manager | Role::Finance);
        match (part, action) {
            // Whoever works the territory writes the field side of the card; finance reads it; a new card may be made.
            ("customer.card", Create) => field && relation == New,
            ("customer.card", Edit) => field && near,
            ("customer.card" | "office.office" | "office.verified", Read) => near,
            // The office side is written by headquarters alone.
            ("office.office" | "office.verified", Create | Edit) => false,
            // A visit is made by whoever goes there and never changed; its author amends it; superiors append notes.
            ("visit.body", Create) => matches!(role, Role::Salesperson | Role::Supervisor | Role::Manager) && near,
            ("visit.body", Edit) => false,
            ("visit.body" | "visit.amendments" | "visit.notes", Read) => field && near,
            ("visit.amendments", Create | Edit) => matches!(role, Role::Salesperson | Role::Supervisor | Role::Manager) && relation == Own,
            ("visit.notes", Create) => false,
            ("visit.notes", Edit) => judge && near,
            // Dispatch plans; the representative reports progress on their own tour, and may begin one.
            ("tour.plan", Create) => desk && (near || relation == New),
            ("tour.plan", Edit) => desk && near,
            ("tour.plan" | "tour.progress", Read) => field && (relation == Own || (desk && relation == Territory)),
            ("tour.progress", Create) => field && matches!(relation, Own | New),
            ("tour.progress", Edit) => field && relation == Own,
            // Everybody in the field may propose; superiors decide.
            ("proposal.body", Create) => field && near,
            ("proposal.body" | "proposal.decision", Read) => field && (relation == Own || (desk && relation == Territory)),
            ("proposal.body", Edit) | ("proposal.decision", Create) => false,
            ("proposal.decision", Edit) => judge && relation == Territory,
            // A verification by somebody who may not verify is kept, and counts as a proposal.
            ("verification.body", Create) => field && near,
            ("verification.body", Edit) => false,
            ("verification.body", Read) => field && (relation == Own || (desk && relation == Territory)),
            // Anybody in the field reports what is urgent, about a customer near them or about none; superiors handle it.
            ("urgent.body", Create) => field && relation != Relation::Elsewhere,
            ("urgent.body", Edit) => false,
            ("urgent.picture", Create | Edit) => field && relation == Own,
            ("urgent.body" | "urgent.picture" | "urgent.handling", Read) => field && (relation == Own || (desk && relation == Territory)),
            ("urgent.handling", Create) => false,
            ("urgent.handling", Edit) => judge && near,
            // What is known of a person is for the owner of the customer and for managers.
            ("person.traits", _) => (role == Role::Salesperson && relation == Own) || (role == Role::Manager && near),
            // The credit file is kept by managers and finance; supervisors read it.
            ("credit.file", Create | Edit) => keeper && near,
            ("credit.file", Read) => (keeper || role == Role::Supervisor) && near,
            // Whoever deals with customers or their money may say what they saw of one's credit; it is not changed.
            ("observation.body", Create) => (judge || keeper || role == Role::Salesperson) && near,
            ("observation.body", Edit) => false,
            ("observation.body", Read) => (role == Role::Salesperson && relation == Own) || ((judge || keeper) && near),
            (other, _) => unreachable_part(other),
        }
    }

    fn unreachable_part(part: &str) -> bool {
        assert!(part.is_empty(), "{part}: a part without a sentence");
        false
    }

    #[test]
    fn every_part_of_every_kind_has_its_row_and_every_row_its_part() {
        let parts: BTreeSet<&str> = roadbook_core::model::kinds::ALL
            .iter()
            .flat_map(|kind| kind.containers.iter())
            .map(|container| container.part.0)
            .filter(|part| *part != table::SYSTEM_PART)
            .collect();
        assert_eq!(parts, table::parts().collect());
    }

    #[test]
    fn the_manual_page_is_the_table() {
        let page = table::page();
        let kept = include_str!("permissions.md");
        assert_eq!(kept, page, "sync-server/src/access/permissions.md differs from the table; it should read:\n{page}");
        let header = page.lines().find(|line| line.starts_with("| part")).unwrap();
        assert_eq!(header.matches('|').count(), 8);
    }
}
