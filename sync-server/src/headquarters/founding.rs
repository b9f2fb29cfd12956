//! Whether somebody may make a document under an id. Ids that everybody derives from a name (a credit file, a tour, the proposal that a
//! verification becomes) are nobody's to take for something else: what is owed under such an id could then never be written. Pure.

use roadbook_core::crdt::Document as CrdtDocument;
use roadbook_core::ids::{DocId, SubjectId, UserId};
use roadbook_core::model::person::Person;
use roadbook_core::model::tour::Tour;
use roadbook_core::model::{Kind, kinds};

/// Who makes a document that the feed does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Founder {
    /// A person, on a device. `filed`: the feed has heard of the customer.
    Device {
        /// Whose device.
        user: UserId,
        /// The feed knows where the subject is filed.
        filed: bool,
        /// They plan tours of others.
        plans: bool,
    },
    /// Somebody made it before the feed lost it, and a device hands it back.
    HandedBack,
}

/// Whether a new document may have its id, by what its kind makes its ids of and by what stands in it. That the id fits the subject is asked
/// before ([`super::fits`]).
#[must_use]
pub fn founds(kind: &Kind, (doc, subject): (DocId, SubjectId), document: &CrdtDocument, founder: Founder) -> bool {
    match kind.id {
        // Derived from the subject.
        "office" | "credit" => true,
        // Free on a phone, derived where it was imported.
        "customer" => match founder {
            Founder::Device { filed, .. } => filed || !doc.is_derived(),
            Founder::HandedBack => true,
        },
        // It names the entry of the card that its id is derived from.
        "person" => Person::fold(doc, subject, document).is_some(),
        "tour" => {
            let tour = Tour::fold(doc, document);
            let id = tour.rep.zip(tour.day.parse().ok()).map(|(rep, day)| DocId::tour(&tour.route, day, rep));
            id == Some(doc)
                && match founder {
                    Founder::Device { user, plans, .. } => plans || tour.rep == Some(user),
                    Founder::HandedBack => true,
                }
        }
        // Free on a phone; headquarters derives those that it owes.
        "proposal" => founder == Founder::HandedBack || !doc.is_derived(),
        _ => !doc.is_derived(),
    }
}

/// Whose a new document is: a tour is its representative's, other events are their author's. Cards belong to whoever has the customer.
#[must_use]
pub fn owner_of(kind: &str, doc: DocId, document: &CrdtDocument, author: UserId) -> Option<UserId> {
    match kind {
        "tour" => Tour::fold(doc, document).rep,
        kind if kinds::belongs_to_customer(kind) => None,
        _ => Some(author),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use roadbook_core::ids::Ms;
    use roadbook_core::replica::field::{TourKey, publish};
    use roadbook_core::replica::{Replica, Stamp};

    use super::*;

    const ME: UserId = UserId::from_bytes([1; 16]);

    fn empty(kind: &'static str) -> (&'static Kind, CrdtDocument) {
        (kinds::kind(kind).unwrap(), kinds::ready(kind).unwrap().genesis.clone())
    }

    #[test]
    fn what_is_derived_is_not_free_to_take() {
        let subject = SubjectId::fresh(Ms(1), [3; 16]);
        let (fresh, derived) = (DocId::fresh(Ms(1), [4; 16]), DocId::derived("proposal/verification/x"));
        for filed in [false, true] {
            let founder = Founder::Device { user: ME, filed, plans: false };
            for kind in ["visit", "verification", "proposal", "urgent", "observation"] {
                let (kind, document) = empty(kind);
                assert!(founds(kind, (fresh, subject), &document, founder), "{}", kind.id);
                assert!(!founds(kind, (derived, subject), &document, founder), "{}", kind.id);
            }
        }
        let (card, document) = empty("customer");
        let imported = SubjectId::derived("import/1");
        let device = |filed| Founder::Device { user: ME, filed, plans: false };
        assert!(founds(card, (subject.customer(), subject), &document, device(false)));
        assert!(!founds(card, (imported.customer(), imported), &document, device(false)));
        assert!(founds(card, (imported.customer(), imported), &document, device(true)));
        assert!(founds(card, (imported.customer(), imported), &document, Founder::HandedBack));
        let (proposal, document) = empty("proposal");
        assert!(founds(proposal, (derived, subject), &document, Founder::HandedBack));
        let (person, document) = empty("person");
        assert!(!founds(person, (derived, subject), &document, device(true)), "it does not say of which entry it is");
    }

    #[test]
    fn a_tour_is_made_under_its_own_id_by_its_representative() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        let key = TourKey { route: "east-1".to_owned(), day, rep: ME };
        let (target, edits) = publish(&Stamp { author: ME, now: Ms(1), entropy: [5; 16] }, &key, None, &[], None, &[]);
        let replica = Replica::in_memory([6; 16]).unwrap();
        let stamp = Stamp { author: ME, now: Ms(1), entropy: [5; 16] };
        let made = replica.prepare(&stamp, &target, &edits).unwrap().unwrap().document;
        let (tour, begun) = empty("tour");
        let by = |user| Founder::Device { user, filed: false, plans: false };
        let id = (key.doc(), key.doc().into());
        assert!(founds(tour, id, &made, by(ME)) && founds(tour, id, &made, Founder::HandedBack));
        let other = UserId::from_bytes([2; 16]);
        assert!(!founds(tour, id, &made, by(other)), "somebody else's");
        assert!(founds(tour, id, &made, Founder::Device { user: other, filed: false, plans: true }), "a dispatcher plans it");
        assert!(!founds(tour, id, &begun, by(ME)), "it does not say whose it is");
        let other = DocId::tour("day", day, ME);
        assert!(!founds(tour, (other, other.into()), &made, by(ME)), "another day's id");
        assert_eq!(owner_of("tour", key.doc(), &made, UserId::from_bytes([9; 16])), Some(ME));
    }
}
