//! Which customer a row is about. Belongs here: what each key proves, when keys contradict each other, and the id of a new
//! customer. Pure. Never: look-up (`index`), what is done about it (`plan`).

use std::collections::BTreeSet;

use roadbook_core::ids::{OrgId, SubjectId};

use super::draft::{Draft, Keys};
use super::fault::Fault;
use super::index::{Index, Indexed, Why};
use super::plan::Other;
use super::similar;

/// Customers that are named to a person who decides about one row.
const OTHERS_MAX: usize = 20;

/// Whom a row is about.
pub(super) enum Found {
    /// A customer that headquarters has.
    Same {
        /// Which.
        subject: SubjectId,
        /// The row's number is another customer's: it is not this one's.
        number_of_another: bool,
    },
    /// Perhaps one of these.
    Maybe(Vec<Other>, BTreeSet<Why>),
    /// Two at once.
    Refused(Fault),
    /// Nobody yet.
    Unknown,
}

/// The id of a new customer, the same each time the same row is imported: after a failure in the middle, a second import
/// finds what the first one made. From the strongest key there is. A number alone is none: very many lists count their rows,
/// and row 1 of two lists is two customers. Rows of releases that derived it from the number are found by number and name.
#[must_use]
pub fn identity(org: OrgId, keys: &Keys) -> SubjectId {
    let key = match (&keys.uscc, &keys.number) {
        (Some(uscc), _) => format!("uscc/{uscc}"),
        (None, Some(number)) => format!("number/{number}/name/{}", keys.name),
        (None, None) => match (keys.phones.first(), keys.address.as_ref().or(keys.region.as_ref())) {
            (Some(phone), _) => format!("name/{}/phone/{phone}", keys.name),
            (None, Some(address)) => format!("name/{}/address/{address}", keys.name),
            (None, None) => format!("name/{}", keys.name),
        },
    };
    SubjectId::derived(&format!("import/{org}/{key}"))
}

/// Whom a row is about.
pub(super) fn recognised(draft: &Draft, org: OrgId, index: &Index) -> Found {
    let keys = &draft.keys;
    let derived = identity(org, keys);
    let named = keys.subject.and_then(|subject| index.of_subject(subject)).filter(|found| found.row.is_none());
    let by_uscc = index.of_uscc(keys);
    if let (Some(one), Some(other)) = (named, by_uscc)
        && one.subject != other.subject
    {
        return Found::Refused(Fault::KeysDisagree);
    }
    let numbered = index.of_number(keys);
    let same = |other: &&Indexed| named.or(by_uscc).is_some_and(|one| one.subject == other.subject);
    let by_number = numbered.iter().copied().find(same).or_else(|| numbered.iter().copied().find(|other| one_shop(&other.keys, keys)));
    if let (None, Some(one), Some(other)) = (named, by_uscc, by_number)
        && one.subject != other.subject
    {
        return Found::Refused(Fault::KeysDisagree);
    }
    let by_id = || index.of_subject(derived).or_else(|| by_former_id(org, keys, index));
    let exact = named.or(by_uscc).or(by_number).or_else(by_id).or_else(|| index.of_name(keys));
    let Some(found) = exact else { return alike(keys, index) };
    if named.is_none() && by_uscc.is_none() && by_number.is_none() && other_uscc(&found.keys, keys) {
        return Found::Maybe(vec![other_of(found)], BTreeSet::from([Why::OtherUscc]));
    }
    match found.row {
        Some(row) => Found::Maybe(vec![Other::Row(row)], BTreeSet::from([Why::SameInFile])),
        None => Found::Same {
            subject: found.subject,
            number_of_another: !numbered.is_empty() && numbered.iter().all(|other| other.subject != found.subject),
        },
    }
}

/// The customer that a release made which passed over province and city: its id came from the name alone.
fn by_former_id<'a>(org: OrgId, keys: &Keys, index: &'a Index) -> Option<&'a Indexed> {
    keys.region.as_ref()?;
    let former = index.of_subject(identity(org, &Keys { region: None, ..keys.clone() }))?;
    (!similar::elsewhere(&former.keys, keys)).then_some(former)
}

fn alike(keys: &Keys, index: &Index) -> Found {
    let like = index.like(keys);
    if like.is_empty() {
        return Found::Unknown;
    }
    let why = like.iter().take(OTHERS_MAX).flat_map(|(_, why)| why.iter().copied()).collect();
    Found::Maybe(like.into_iter().take(OTHERS_MAX).map(|(found, _)| other_of(found)).collect(), why)
}

/// Whether two with the same number are one shop: something beside the number agrees, and the credit codes do not differ.
fn one_shop(there: &Keys, keys: &Keys) -> bool {
    let code = there.uscc.is_some() && there.uscc == keys.uscc;
    let address = there.address.is_some() && there.address == keys.address;
    let phone = || !there.phones.is_disjoint(&keys.phones);
    !other_uscc(there, keys) && (code || address || phone() || similar::names_alike(&there.name, &keys.name))
}

/// Whether each has a credit code of its own.
pub(super) fn other_uscc(there: &Keys, keys: &Keys) -> bool {
    matches!((&there.uscc, &keys.uscc), (Some(one), Some(other)) if one != other)
}

fn other_of(found: &Indexed) -> Other {
    found.row.map_or(Other::Customer(found.subject), Other::Row)
}
