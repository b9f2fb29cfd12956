//! What few may know, in random worlds: who writes it, and the laws about it. Whoever may not read it has no byte of it, and what was erased
//! is nowhere any more. Every text is written once and begins alike, so that one look through a file finds all of them.

use std::collections::BTreeSet;
use std::io::BufRead as _;

use roadbook_core::exchange::pull::Wanted;
use roadbook_core::exchange::{Item, parts};
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId};
use roadbook_core::model::Edit;
use roadbook_core::replica::Replica;
use roadbook_core::replica::private::{credit_target, describe_person, observe_credit};
use roadbook_server::accounts::Who;
use roadbook_server::storage::SERVER_FILE;

use crate::world::chance::Chance;
use crate::world::disk::Disk;
use crate::world::hand::fact;
use crate::world::phone::Phone;
use crate::world::{Secret, World};

/// What every text begins with, and how long it is, in bytes.
const BEGIN: &[u8] = b"zq-";
const TEXT_BYTES: usize = 19;
/// People of a customer that something is known of.
const STAKEHOLDERS: usize = 2;

fn stakeholder(chance: &mut Chance) -> EntryId {
    EntryId::derived(&format!("stakeholder {}", chance.below(STAKEHOLDERS)))
}

/// A text that stands nowhere else; what it is written into is noted first, for a write that fails may be there all the same.
fn secret(world: &mut World, by: Option<&str>, doc: DocId, chance: &mut Chance) -> String {
    let text = format!("zq-{:016x}", chance.next());
    world.secrets.push(Secret { doc, by: by.map(str::to_owned), text: text.clone() });
    text
}

/// Somebody notes what they know of a person.
pub(super) fn describe(world: &mut World, phone: &str, customer: SubjectId, chance: &mut Chance) {
    let who = stakeholder(chance);
    let seen = world.phones[phone].replica().person(customer, who).unwrap().map(|person| person.heads);
    let text = secret(world, Some(phone), customer.person(who), chance);
    let field = *chance.pick(&["hobbies", "character", "family"]);
    let edit = Edit::Rewrite { field: field.to_owned(), text };
    world.on(phone).save_work(describe_person(customer, who, seen.as_ref(), vec![edit]));
}

/// Somebody notes what they saw of a customer's credit.
pub(super) fn observe(world: &mut World, phone: &str, customer: SubjectId, chance: &mut Chance) {
    let stamp = world.on(phone).working(|_, stamp| Ok::<_, ()>(*stamp)).unwrap();
    let doc = observe_credit(&stamp, customer, "").0.doc;
    let text = secret(world, Some(phone), doc, chance);
    let (target, edits) = observe_credit(&stamp, customer, &text);
    world.on(phone).save_work((target, edits));
}

/// Somebody opens a card, and what few may know about it: what they may not have does not come.
pub(super) fn open(replica: &mut Replica, customer: SubjectId, now: Ms) {
    replica.want_card(customer, now).unwrap();
    let people = (0..STAKEHOLDERS).map(|n| customer.person(EntryId::derived(&format!("stakeholder {n}"))));
    let wanted: Vec<Wanted> = people.chain([customer.credit()]).map(|doc| Wanted::Document { doc }).collect();
    replica.want(&wanted, now).unwrap();
}

/// The accountant writes into a credit file.
pub(super) fn credit(world: &mut World, customer: SubjectId, chance: &mut Chance) {
    let text = secret(world, None, customer.credit(), chance);
    let grade = *chance.pick(&["1", "2", "3"]);
    world.desk("zk", vec![(credit_target(customer, None), vec![fact("grade", grade), fact("handling_rule", text)])]);
}

/// Somebody has what is known of them erased.
pub(super) fn erase(world: &mut World, customer: SubjectId, chance: &mut Chance) {
    let who = stakeholder(chance);
    world.office.erase(world.now, customer, who);
}

/// Law 4, as an answer leaves: everything in it is what its person may read at this moment.
pub(super) fn answer_is_within_rights(world: &World, phone: &Phone, answer: &[u8]) -> Result<(), String> {
    let entitled = super::entitled(world, phone);
    for item in parts::decode(answer).unwrap().answers.iter().flat_map(|part| &part.items) {
        let (Item::Document { doc, kind, .. }
        | Item::Changes { doc, kind, .. }
        | Item::Row { doc, kind, .. }
        | Item::Lent { doc, kind, .. }) = item
        else {
            continue;
        };
        let lent = matches!(item, Item::Lent { subject, .. } if super::may_ask_for(world, phone, &entitled, (*doc, kind, *subject)));
        if !entitled.contains_key(doc) && !lent {
            return Err(format!("{} is sent {kind} {doc}, which its user may not read", phone.name));
        }
    }
    Ok(())
}

/// The texts of [`secret`] that stand in the files of a disk.
fn texts_on(disk: &Disk, files: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let platter = disk.copy();
    let mut found = BTreeSet::new();
    for bytes in platter.names().filter(|name| files(name)).filter_map(|name| platter.content(name)) {
        // By the library's own quick look for one byte: these are whole files, in a build without optimisation.
        let (mut at, mut rest) = (0, bytes);
        while let Ok(skipped @ 1..) = rest.skip_until(BEGIN[0]) {
            at += skipped;
            let text = bytes.get(at - 1..at - 1 + TEXT_BYTES).filter(|text| text.starts_with(BEGIN));
            found.extend(text.and_then(|text| std::str::from_utf8(text).ok()).map(str::to_owned));
        }
    }
    found
}

/// Laws 4 and the promise of erasure, of a world at rest.
pub(super) fn hold(world: &World) -> Result<(), String> {
    if world.secrets.is_empty() {
        return Ok(());
    }
    // An enemy, whose phone is gone by now, may write what it knows under any name.
    let honest = |secret: &&Secret| secret.by.as_ref().is_none_or(|by| world.phones.contains_key(by));
    let secrets: Vec<&Secret> = world.secrets.iter().filter(honest).collect();
    let erased: BTreeSet<DocId> = world.office.feed.all_erased(None).unwrap().into_iter().map(|erased| erased.doc).collect();
    if !erased.is_empty() {
        world.office.scour();
        let there = texts_on(world.office.disk(), |name| name.starts_with(SERVER_FILE));
        let left = secrets.iter().find(|secret| erased.contains(&secret.doc) && there.contains(&secret.text));
        if let Some(left) = left {
            return Err(format!("headquarters holds {} of {}, which was erased", left.text, left.doc));
        }
        if let Some(doc) = erased.iter().find(|doc| world.office.read(|replica| replica.document(**doc)).unwrap().is_some()) {
            return Err(format!("headquarters shows {doc}, which was erased"));
        }
    }
    for phone in world.phones.values().filter(|phone| world.office.serves(phone.device)) {
        let there = texts_on(phone.disk(), |_| true);
        let entitled = super::entitled(world, phone);
        for secret in secrets.iter().filter(|secret| there.contains(&secret.text)) {
            // What was set aside is its author's until somebody decides.
            let own = || phone.replica().store().read(|read| read.own_changes_of(secret.doc)).unwrap();
            let may = || entitled.contains_key(&secret.doc) || super::is_lent(world, phone, &entitled, secret.doc) || !own().is_empty();
            if erased.contains(&secret.doc) || !may() {
                let why = if erased.contains(&secret.doc) { "was erased" } else { "its user may not read" };
                return Err(format!("{} holds {} of {}, which {why}", phone.name, secret.text, secret.doc));
            }
        }
    }
    Ok(())
}

/// The looks of this file see what they look for: a private text is on the phone that wrote it, and at headquarters, as it was written.
#[test]
fn a_private_text_is_found_where_it_may_be() {
    let mut world = World::furnished(7, &super::work::CUSTOMERS);
    world.enrol_on_disk("wf1", crate::world::cast::device("wf1"));
    world.sync("wf1");
    let mut chance = world.chance.branch("private");
    let customer = crate::world::cast::customer(1);
    describe(&mut world, "wf1", customer, &mut chance);
    world.settle();
    assert_eq!(texts_on(world.phones["wf1"].disk(), |_| true).len(), 1);
    assert_eq!(texts_on(world.office.disk(), |_| true).len(), 1);
    hold(&world).unwrap();
    for n in 0..STAKEHOLDERS {
        let who = EntryId::derived(&format!("stakeholder {n}"));
        world.office.erase(world.now, customer, who);
    }
    assert!(hold(&world).unwrap_err().contains("wf1 holds"), "it has not heard yet");
    world.settle();
    hold(&world).unwrap();
    assert!(texts_on(world.phones["wf1"].disk(), |_| true).is_empty());
}

#[test]
fn what_its_author_may_not_read_does_not_stay_when_it_is_approved_before_the_verdict_comes() {
    let mut world = World::furnished(7, &super::work::CUSTOMERS);
    let (customer, dispatcher) = (crate::world::cast::customer(1), crate::world::cast::device("zm1"));
    world.enrol_on_disk("zm1", dispatcher);
    world.sync("zm1");
    let mut chance = world.chance.branch("private");
    observe(&mut world, "zm1", customer, &mut chance);
    // The answer is lost, and somebody approves meanwhile.
    let now = world.at("09:00").now;
    let request = world.phones["zm1"].replica().sync_request(now, None).unwrap();
    world.office.answer(dispatcher, &request, now).unwrap();
    let rows = world.office.feed.desk(None, 9).unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.row.id).collect();
    let done = world.office.desk().approve(now, &Who::default(), crate::world::cast::user("cg"), &ids, "").unwrap();
    assert_eq!(done.as_is.len(), 1);
    world.settle();
    assert_eq!(texts_on(world.office.disk(), |_| true).len(), 1, "headquarters has it");
    super::hold(&mut world);
}
