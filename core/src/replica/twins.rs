//! Phones that say the same are one entry to whoever looks ([`Entry::twins`](crate::model::card::Entry::twins)): to remove it, or to give
//! it another number, is meant for all of them. Never here: which entries are twins (`model::card`).

use std::borrow::Cow;

use super::documents::Target;
use crate::crdt::Document;
use crate::ids::EntryId;
use crate::model::card::Card;
use crate::model::{Edit, kinds, normal};

/// The list whose entries have twins, and the field by which they have them.
const PHONES: &str = "phones";
const NUMBER: &str = "number";

/// The edits, with those of twins that follow from them.
pub(super) fn with_twins<'a>(document: &Document, target: &Target, edits: &'a [Edit]) -> Cow<'a, [Edit]> {
    let removed = |edit: &Edit| matches!(edit, Edit::RemoveEntry { list, .. } if list == PHONES);
    let numbered = |edit: &Edit| matches!(edit, Edit::Entry { list, fields, .. } if list == PHONES && fields.contains_key(NUMBER));
    if target.kind.id != kinds::CUSTOMER.id || !edits.iter().any(|edit| removed(edit) || numbered(edit)) {
        return Cow::Borrowed(edits);
    }
    let card = Card::fold(target.subject, document, None);
    let phones = card.lists.get(PHONES).map(Vec::as_slice).unwrap_or_default();
    let shown_as = |entry: EntryId| phones.iter().find(|phone| phone.id == entry || phone.twins.contains(&entry));
    let mut all = edits.to_vec();
    for edit in edits {
        let (Edit::RemoveEntry { list, entry } | Edit::Entry { list, entry, .. }) = edit else { continue };
        let Some(shown) = shown_as(*entry).filter(|_| list == PHONES) else { continue };
        let before = shown.fields.get(NUMBER).and_then(|number| number.value.as_text()).map(normal::phone);
        if let Edit::Entry { fields, .. } = edit
            && fields.get(NUMBER).is_none_or(|new| new.as_text().map(normal::phone) == before)
        {
            continue;
        }
        for twin in shown.twins.iter().chain([&shown.id]).filter(|twin| *twin != entry) {
            let removal = Edit::RemoveEntry { list: PHONES.to_owned(), entry: *twin };
            if !all.contains(&removal) {
                all.push(removal);
            }
        }
    }
    Cow::Owned(all)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ids::{Ms, SubjectId, UserId};
    use crate::model::{Provenance, Value};
    use crate::replica::{Replica, Stamp};
    use crate::store::Lane;

    fn stamp(n: u8) -> Stamp {
        Stamp { author: UserId::from_bytes([1; 16]), now: Ms(1_772_424_000_000 + i64::from(n)), entropy: [n; 16] }
    }
    fn phone(n: u8, number: &str) -> Edit {
        let fields = BTreeMap::from([(NUMBER.to_owned(), Value::from(number))]);
        Edit::Entry { list: PHONES.to_owned(), entry: EntryId::from_bytes([n; 16]), fields, provenance: Provenance::default() }
    }

    #[test]
    fn one_phone_in_two_writings_goes_and_changes_as_one() {
        let subject = SubjectId::from_bytes([7; 16]);
        let target = Target::customer(subject);
        let mut replica = Replica::in_memory([9; 16]).unwrap();
        let both = [phone(1, "0571-88881234"), phone(2, "0571 8888 1234"), phone(3, "13900001111")];
        replica.save(&stamp(1), Lane::Normal, &target, &both).unwrap();
        let numbers = |replica: &Replica| -> Vec<String> {
            let card = replica.card(subject).unwrap().unwrap();
            let text =
                |phone: &crate::model::card::Entry| phone.fields.get(NUMBER).and_then(|fact| fact.value.as_text()).map(str::to_owned);
            card.lists.get(PHONES).into_iter().flatten().filter_map(text).collect()
        };
        assert_eq!(numbers(&replica).len(), 2);
        // Written otherwise it is the same number still; another number is another phone, and the old one does not come back.
        replica.save(&stamp(2), Lane::Normal, &target, &[phone(1, "057188881234")]).unwrap();
        assert_eq!(numbers(&replica).len(), 2);
        replica.save(&stamp(3), Lane::Normal, &target, &[phone(1, "0571-66660000")]).unwrap();
        assert_eq!(numbers(&replica), ["0571-66660000", "13900001111"]);
        replica.save(&stamp(4), Lane::Normal, &target, &[phone(4, "139 0000 1111")]).unwrap();
        let entry = EntryId::from_bytes([3; 16]);
        replica.save(&stamp(5), Lane::Normal, &target, &[Edit::RemoveEntry { list: PHONES.to_owned(), entry }]).unwrap();
        assert_eq!(numbers(&replica), ["0571-66660000"]);
    }
}
