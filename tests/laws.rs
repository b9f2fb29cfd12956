//! The laws of the design, checked on a world at rest, and random worlds that try to break them.
//!
//! * [`storm`] – seeded worlds in which everything goes wrong that can · [`work`] – what people do in them · [`misfortune`] – what goes
//!   wrong · [`seeds`] – which of them are run · [`story`] – what became of one.
//! * [`private`] – what few may know · [`photos`] – photos among the rest · [`attack`] – hostile changes among honest ones ·
//!   [`acknowledged`] – what a verdict promises · [`stolen`] – what a phone takes with it.
//! * [`scopes`] – what such worlds found about scopes, told plainly · [`stale`] – about answers that come late or twice ·
//!   [`backups`] – about headquarters put back and phones copied · [`interrupted`] – about a disk that fails while headquarters appends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test says where")]

mod acknowledged;
mod attack;
mod backups;
mod interrupted;
mod misfortune;
mod photos;
mod private;
mod scopes;
mod seeds;
mod stale;
mod stolen;
mod storm;
mod story;
pub(crate) mod work;

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::crdt::Heads;
use roadbook_core::exchange::{Order, Outcome, fingerprint, parts};
use roadbook_core::ids::{ChangeHash, DocId, SubjectId};
use roadbook_core::model::card::Card;
use roadbook_core::model::kinds;
use roadbook_core::replica::Replica;
use roadbook_core::store::rows::{VisitFilter, VisitRow};
use roadbook_core::store::{Apart, Holding, Reading, Standing, StoreError, ToldRow};
use roadbook_server::access::Role;
use roadbook_server::exchange::knocking::BEHIND_MAX;
use roadbook_server::exchange::scope::View;
use roadbook_server::feed::Entry;

use crate::world::cast::OFFSET_MINUTES;
use crate::world::phone::Phone;
use crate::world::{World, kind_of};

/// Documents by what they are and where they stand.
type Entitled = BTreeMap<DocId, (String, Heads)>;

/// More documents than any world has.
const DOCUMENTS_MAX: usize = 100_000;
/// Exchanges of a world that are delivered a second time.
const REPEATED_MAX: usize = 12;

/// Panics when a world at rest breaks a law.
pub(crate) fn hold(world: &mut World) {
    if let Err(broken) = check(world) {
        panic!("a law is broken: {broken}");
    }
}

/// Which law a world at rest breaks. The world is disturbed by the asking, and at rest again afterwards.
pub(crate) fn check(world: &mut World) -> Result<(), String> {
    for phone in world.phones.values() {
        nothing_lost(world, phone)?;
        // One that was wiped on an order from before its person came back is enrolled anew.
        if world.office.serves(phone.device) && !phone.was_wiped() {
            at_rest(world, phone)?;
            alike(world, phone)?;
        }
    }
    rows_are_the_fold(world)?;
    once_more_changes_nothing(world)?;
    private::hold(world)
}

/// What is not as it should be on the phones of a world that does not come to rest.
fn differences(world: &World) -> String {
    let told = world.phones.values().filter(|phone| world.office.serves(phone.device));
    let told = told.filter_map(|phone| alike(world, phone).and_then(|()| at_rest(world, phone)).err());
    told.collect::<Vec<_>>().join("; ")
}

/// Law 6 and the end of law 2: the cursor stands at the head, or below it by a little that is not for this phone (a phone at rest is left
/// where it stands; that it lacks nothing of it is what [`alike`] says), and the outbox is empty.
fn at_rest(world: &World, phone: &Phone) -> Result<(), String> {
    let position = phone.replica().store().read(|read| read.pull_position()).unwrap();
    let behind = world.office.head().checked_sub(position.number);
    if position.checkpoint.is_some() || behind.is_none_or(|behind| behind > BEHIND_MAX) {
        return Err(format!("{} stands at {position:?}, the feed at {}", phone.name, world.office.head()));
    }
    if phone.replica().store().read(|read| read.received()).unwrap().is_some() {
        return Err(format!("{}: an answer that was kept is not taken in", phone.name));
    }
    let waiting = phone.replica().outbox_size().unwrap().changes;
    if waiting > 0 { Err(format!("{}: {waiting} changes are still in the outbox", phone.name)) } else { Ok(()) }
}

/// Laws 2 and 8: every change that was ever saved is in the feed, or set aside on both sides with a reason. Of what was erased on demand
/// nothing is anywhere.
fn nothing_lost(world: &World, phone: &Phone) -> Result<(), String> {
    // Of one that is stolen what it had not handed in is lost: how much, says `stolen`.
    if phone.was_wiped() && world.office.ordered_to_wipe(phone.device) {
        return Ok(());
    }
    let known = world.office.known(&phone.saved);
    let aside: BTreeMap<ChangeHash, String> =
        world.office.quarantine().into_iter().map(|row| (row.refused.hash, row.refused.why)).collect();
    for (hash, doc) in &phone.saved {
        if known.contains(hash) {
            continue;
        }
        if world.office.feed.erased(*doc).unwrap().is_some() {
            let here = phone.replica().store().read(|read| read.document_kept(*doc)).unwrap();
            let bytes = world.office.quarantine().iter().any(|row| row.refused.hash == *hash && !row.refused.bytes.is_empty());
            if world.office.serves(phone.device) && (here || bytes) {
                return Err(format!("{}: change {hash} of {doc} was erased and is still kept", phone.name));
            }
            continue;
        }
        let anew = phone.replica().store().read(|read| read.rewritten(*hash)).unwrap();
        let anew = anew.or_else(|| phone.rewritten.get(hash).copied());
        if anew.is_some_and(|new| !world.office.known(&BTreeMap::from([(new, *doc)])).is_empty() || aside.contains_key(&new)) {
            continue;
        }
        if !world.office.feed.rewritten(*doc, &[*hash]).unwrap().is_empty() {
            continue;
        }
        let own = phone.replica().store().read(|read| read.own_change(*hash)).unwrap();
        let kind = own.as_ref().map_or("document", |own| kind_of(&own.kind));
        match own.map(|own| own.standing) {
            Some(Standing::Quarantined { reason }) if !reason.is_empty() => {
                if aside.get(hash).is_none_or(String::is_empty) {
                    return Err(format!("{}: {hash} is set aside here ({reason}), headquarters does not have it", phone.name));
                }
            }
            // What it was told came back from before, or it was wiped; headquarters keeps it with its reason.
            _ if (phone.restored || phone.was_wiped() || !world.office.serves(phone.device))
                && aside.get(hash).is_some_and(|why| !why.is_empty()) => {}
            // What few may know, and its author not: it left the phone when headquarters had it, which came back from before.
            None if world.office.life() > 0 && world.secrets.iter().any(|secret| secret.doc == *doc) => {}
            // It was wiped on an order that it had kept, of a life of headquarters that was over.
            None if phone.was_wiped() && world.office.life() > 0 => {}
            // Its storage was put back, and headquarters' later: what both backups lack nobody has to have.
            None if phone.restored && world.office.life() > 0 => {}
            standing => return Err(format!("{}: change {hash} of {kind} {doc} is lost: {standing:?}", phone.name)),
        }
    }
    Ok(())
}

/// Laws 1 and 4: a phone holds what its user may read, at headquarters' state of it, as a document or as a row, and nothing else but old
/// visits that were asked for.
fn alike(world: &World, phone: &Phone) -> Result<(), String> {
    let entitled = entitled(world, phone);
    let held = heads(phone.replica());
    let told = told(phone.replica());
    for (doc, (kind, theirs)) in &entitled {
        match held.get(doc) {
            None if told.get(doc).is_some_and(|row| row.fingerprint == fingerprint(*doc, theirs)) => shown_alike(world, phone, &told[doc])?,
            None => return Err(format!("{} lacks {kind} {doc}", phone.name)),
            Some((_, ours)) if ours != theirs => {
                return Err(format!("{}: {kind} {doc} stands at {ours:?}, at headquarters at {theirs:?}", phone.name));
            }
            Some(_) => {}
        }
    }
    for (doc, (kind, _)) in held.iter().filter(|(doc, _)| !entitled.contains_key(doc)) {
        if !is_lent(world, phone, &entitled, *doc) {
            let apart = phone.replica().store().read(|read| read.apart(*doc)).unwrap();
            return Err(format!("{} holds {kind} {doc} ({apart:?}), which its user may not read", phone.name));
        }
    }
    if let Some(row) = told.values().find(|row| !entitled.contains_key(&row.doc)) {
        return Err(format!("{} holds a row of {} {}, which its user may not read", phone.name, row.kind, row.doc));
    }
    let digest = phone.replica().store().read(|read| read.digest()).unwrap();
    let recounted = phone.replica().store().read(|read| read.digest_recounted()).unwrap();
    if digest == recounted { Ok(()) } else { Err(format!("{}: the digest is {digest:?}, counted anew {recounted:?}", phone.name)) }
}

/// Whether something came by name that [`may_ask_for`] says may.
fn is_lent(world: &World, phone: &Phone, entitled: &Entitled, doc: DocId) -> bool {
    let standing = |read: &Reading<'_>| Ok::<_, StoreError>((read.apart(doc)?, read.holding(doc)?));
    let (apart, held) = phone.replica().store().read(standing).unwrap();
    let may = |held: Holding| may_ask_for(world, phone, entitled, (doc, &held.kind, held.subject));
    matches!(apart, Some(Apart::Lent { .. })) && held.is_some_and(may)
}

/// Whether something comes by name that is in no scope: an older visit, one's own or of a customer that one has; what few may know of a
/// customer that one oversees among many.
fn may_ask_for(world: &World, phone: &Phone, entitled: &Entitled, (doc, kind, subject): (DocId, &str, SubjectId)) -> bool {
    let mine = || world.office.read(|replica| replica.visit(doc)).unwrap().and_then(|visit| visit.rep) == Some(phone.user);
    let (near, role) = (entitled.contains_key(&subject.customer()), world.office.person(phone.user).role);
    match kind {
        "visit" => near || mine(),
        "person" => near && role == Role::Manager,
        "credit" => near && matches!(role, Role::Supervisor | Role::Manager | Role::Finance),
        _ => false,
    }
}

/// Rows told in place of documents.
fn told(replica: &Replica) -> BTreeMap<DocId, ToldRow> {
    let store = replica.store();
    let subjects = store.read(|read| read.subjects_after(None, DOCUMENTS_MAX)).unwrap();
    let rows = subjects.into_iter().flat_map(|subject| store.read(|read| read.told_rows_of(subject)).unwrap());
    rows.map(|row| (row.doc, row)).collect()
}

/// What is told as a row is in the lists as it is at headquarters.
fn shown_alike(world: &World, phone: &Phone, row: &ToldRow) -> Result<(), String> {
    let (doc, kind) = (row.doc, row.kind.as_str());
    let shown = |replica: &Replica| {
        let store = replica.store();
        match kind {
            "visit" => {
                // That it may be a double of another one, which came later, is told with the next word about it.
                let line = store.read(|read| read.visit(doc)).unwrap();
                format!("{:?}", line.map(|line| VisitRow { possible_double: false, ..line.visit }))
            }
            _ => format!("{:?}", store.read(|read| read.customer(row.subject)).unwrap()),
        }
    };
    let (here, there) = (shown(phone.replica()), world.office.read(shown));
    if here == there { Ok(()) } else { Err(format!("{}: {kind} {doc} is listed as {here}, at headquarters as {there}", phone.name)) }
}

fn heads(replica: &Replica) -> BTreeMap<DocId, (String, Heads)> {
    let held = replica.store().read(|read| read.holdings_after(None, DOCUMENTS_MAX)).unwrap();
    held.into_iter().map(|holding| (holding.doc, (holding.kind, Heads::new(holding.heads)))).collect()
}

fn has_office(replica: &Replica, subject: SubjectId) -> bool {
    replica.store().read(|read| read.holding(subject.office())).unwrap().is_some()
}

/// A card; headquarters' side alone where somebody approved that and not the rest.
fn card_of(replica: &Replica, subject: SubjectId) -> Option<Card> {
    replica.card(subject).unwrap().or_else(|| {
        let office = replica.document(subject.office()).unwrap()?;
        let ready = kinds::ready(kinds::CUSTOMER.id).unwrap();
        Some(Card::fold(subject, &ready.genesis, Some(&office.document)))
    })
}

/// What a phone is to hold, worked out from what headquarters shows and from sentences of our own: not from the feed's scopes, which
/// are what is on trial.
fn entitled(world: &World, phone: &Phone) -> Entitled {
    let user = world.office.person(phone.user);
    let today = world.now.day(OFFSET_MINUTES).unwrap();
    let everywhere = matches!(user.role, Role::Manager | Role::Finance | Role::Admin);
    let desk = matches!(user.role, Role::Dispatcher | Role::Supervisor | Role::Manager);
    let field = desk || user.role == Role::Salesperson;
    // What is private lies on no phone of somebody who oversees too many to hold their documents.
    let rows = world.office.tells_rows(&user);
    // One whose beginning was lost in a restore, or set aside, is of whoever handed in the rest.
    let handed_in_by = |doc| world.office.feed.document(doc).unwrap().and_then(|known| known.owner);
    let mut cards: BTreeMap<SubjectId, Option<Card>> = BTreeMap::new();
    let mut may = |replica: &Replica, doc: DocId, kind: &str| {
        let subject = replica.store().read(|read| read.holding(doc)).unwrap().unwrap().subject;
        let card = cards.entry(subject).or_insert_with(|| card_of(replica, subject));
        // Until headquarters has written its side of a new card, which a disk may hold up, it lies where it was handed in.
        let filing = || world.office.feed.filing(subject).unwrap().filter(|_| !has_office(replica, subject));
        let filed = |field: &str| match field {
            "territory" => filing()?.territory.map(|at| at.0),
            _ => filing()?.owner.map(|id| id.to_string()),
        };
        let shown = |field: &str| card.as_ref().and_then(|card| card.text(field)).map(str::to_owned).or_else(|| filed(field));
        let near = shown("territory").is_some_and(|at| everywhere || user.territories.iter().any(|mine| mine.0 == at));
        let is_mine = |author: Option<roadbook_core::ids::UserId>| author == Some(user.id);
        match kind {
            "customer" | "office" => (field || user.role == Role::Finance) && (near || shown("owner") == Some(user.id.to_string())),
            "visit" => {
                // Near, or of a customer that one has: the last three and the last that counts. One's own: 90 days.
                let filter = VisitFilter { subject: Some(subject), ..VisitFilter::default() };
                let all = replica.store().read(|read| read.visits(&filter, None, 1_000)).unwrap().lines;
                let place = all.iter().position(|line| line.visit.doc == doc);
                let counting = all.iter().position(|line| line.visit.counts);
                let recent = place.is_none_or(|place| place < 3 || Some(place) == counting);
                let day = place.map_or(today, |place| all[place].visit.day);
                let fresh = (today - day).num_days() <= 90;
                let owns = shown("owner") == Some(user.id.to_string());
                field && (((near || owns) && recent) || (fresh && is_mine(replica.visit(doc).unwrap().and_then(|visit| visit.rep))))
            }
            "tour" => {
                let tour = replica.tour(doc).unwrap();
                let day = tour.as_ref().and_then(|tour| tour.day.parse().ok()).unwrap_or(today);
                let rep = tour.and_then(|tour| tour.rep).or_else(|| handed_in_by(doc));
                field && (today - day).num_days().abs() <= 7 && is_mine(rep)
            }
            "proposal" => {
                let by = replica.proposal(doc).unwrap().and_then(|one| one.by).or_else(|| handed_in_by(doc));
                field && (is_mine(by) || (desk && near))
            }
            "verification" => field && (is_mine(replica.verification(doc).unwrap().and_then(|one| one.by)) || (desk && near)),
            "urgent" => {
                let urgent = replica.urgent(doc).unwrap();
                // About no customer it lies where its reporter worked when it came, which stands in its filing alone.
                let filing =
                    world.office.feed.filing(subject).unwrap().filter(|_| urgent.as_ref().is_none_or(|urgent| urgent.customer.is_none()));
                let home = filing.and_then(|filing| filing.territory);
                let at_home = home.is_some_and(|at| everywhere || user.territories.contains(&at));
                let by = urgent.and_then(|urgent| urgent.by).or_else(|| handed_in_by(doc));
                field && (is_mine(by) || (desk && (near || at_home)))
            }
            "person" => {
                let owns = user.role == Role::Salesperson && shown("owner") == Some(user.id.to_string());
                owns || (user.role == Role::Manager && near && !rows)
            }
            "credit" => {
                let owns = shown("owner") == Some(user.id.to_string());
                matches!(user.role, Role::Supervisor | Role::Manager | Role::Finance) && ((near && !rows) || owns)
            }
            "observation" => {
                let mut all = replica.observations(subject).unwrap().into_iter();
                let mine = is_mine(all.find(|one| one.doc == doc).and_then(|one| one.by));
                match user.role {
                    Role::Salesperson => mine,
                    Role::Supervisor | Role::Manager | Role::Finance => mine || near,
                    Role::Dispatcher | Role::Admin => false,
                }
            }
            _ => false,
        }
    };
    world.office.read(|replica| heads(replica).into_iter().filter(|(doc, (kind, _))| may(replica, *doc, kind)).collect())
}

/// Law 3: rows made anew are the rows that were there; headquarters made anew from its feed shows what it showed.
fn rows_are_the_fold(world: &mut World) -> Result<(), String> {
    let before = world.prints();
    let head = world.office.head();
    for phone in world.phones.values_mut() {
        phone.replica_mut().rebuild().unwrap();
    }
    let now = world.now;
    world.office.rest(now);
    world.office.crash(now);
    if world.office.take_its_file_away() {
        world.office.crash(now);
    }
    if world.office.head() != head {
        return Err(format!("headquarters started again and wrote {} more entries", world.office.head() - head));
    }
    let after = world.prints();
    let differs = before.iter().find(|(name, print)| after.get(*name) != Some(print));
    differs.map_or(Ok(()), |(name, _)| Err(format!("{name}: rows made anew from the documents differ from those that were kept")))
}

/// Whether an answer decides about everything that was handed in.
fn decided(answer: &[u8]) -> bool {
    let mut verdicts = parts::decode(answer).unwrap().answers.into_iter().flat_map(|part| part.verdicts);
    !verdicts.any(|verdict| matches!(verdict.outcome, Outcome::MissingDependencies { .. }))
}

fn orders_a_wipe(answer: &[u8]) -> bool {
    parts::decode(answer).unwrap().answers.into_iter().any(|part| part.told.is_some_and(|told| told.order == Some(Order::Wipe)))
}

/// Law 1: every frame delivered again, to either side, changes nothing.
fn once_more_changes_nothing(world: &mut World) -> Result<(), String> {
    let before = (world.office.head(), world.prints(), states(world));
    let step = world.exchanged.len().div_ceil(REPEATED_MAX).max(1);
    let again: Vec<usize> = (0..world.exchanged.len()).rev().step_by(step).collect();
    for at in again {
        let (name, device, now) = (world.exchanged[at].phone.clone(), world.exchanged[at].device, world.now);
        // An order to wipe never comes twice, and this one is from before its person came back.
        if orders_a_wipe(&world.exchanged[at].answer) {
            continue;
        }
        // A phone that was lost meanwhile gets nothing any more, nor does one that may hold nothing.
        let Some(phone) = world.phones.get_mut(&name).filter(|phone| phone.device == device) else { continue };
        if !world.office.serves(device) || phone.was_wiped() {
            continue;
        }
        phone.take_answer(&world.exchanged[at].answer, now).map_err(|e| format!("{name} refuses an answer that comes twice: {e}"))?;
        // What a backup that was put back lost may come in again by a request from before, and so may what had to wait for something
        // else: that is no repetition.
        if world.exchanged[at].life != world.office.life() || !decided(&world.exchanged[at].answer) {
            continue;
        }
        let answered = world.office.answer(device, &world.exchanged[at].request, now);
        let answer = answered.map_err(|e| format!("headquarters refuses a request that comes twice: {e}"))?;
        world.phones.get_mut(&name).unwrap().take_answer(&answer, now).map_err(|e| format!("{name}: {e}"))?;
    }
    if world.office.head() != before.0 {
        let new = world.office.feed.follow(before.0, REPEATED_MAX).unwrap();
        let new: Vec<String> =
            new.iter().map(|entry| format!("{} {} of {} by {:?}", entry.hash, entry.kind, entry.doc, entry.device)).collect();
        return Err(format!("requests that came twice made new entries: {new:?}"));
    }
    // An old answer may bring back what the device may no longer hold. The digest tells, at most once in ten minutes.
    world.pass_ms(11 * 60_000).settle();
    if world.office.head() != before.0 {
        return Err("after answers that came twice a phone handed in something new".to_owned());
    }
    let after = states(world);
    for (name, before) in &before.2 {
        let changed = before.iter().find(|(doc, state)| after[name].get(*doc) != Some(state));
        let changed = changed.or_else(|| after[name].iter().find(|(doc, _)| !before.contains_key(doc)));
        if let Some((doc, (kind, heads))) = changed {
            let now = after[name].get(doc);
            return Err(format!("what came twice changed {kind} {doc} of {name} from {heads:?} to {now:?}"));
        }
    }
    let prints = world.prints();
    if before.2.keys().any(|name| prints.get(name) != before.1.get(name)) {
        return Err("what came twice changed rows".to_owned());
    }
    Ok(())
}

/// Heads of every document on every replica. What is lent comes by name, and goes in time: an old answer may lend it again.
fn states(world: &World) -> BTreeMap<String, BTreeMap<DocId, (String, Heads)>> {
    let of = |phone: &Phone| {
        let apart = phone.replica().store().read(|read| read.all_apart()).unwrap();
        let mut held = heads(phone.replica());
        held.retain(|doc, _| !apart.iter().any(|(other, why)| other == doc && matches!(why, Apart::Lent { .. })));
        held
    };
    // One that may only hand in may be wiped at any time, and one that was wiped takes in whatever comes.
    let phones = world.phones.iter().filter(|(_, phone)| world.office.serves(phone.device) && !phone.was_wiped());
    let mut states: BTreeMap<_, _> = phones.map(|(name, phone)| (name.clone(), of(phone))).collect();
    states.insert("headquarters".to_owned(), world.office.read(heads));
    states
}

/// Whether headquarters would give a phone with this cursor the whole of a document.
fn comes_whole(world: &World, phone: &Phone, cursor: u64, doc: DocId) -> bool {
    let (office, user) = (&world.office, world.office.person(phone.user));
    let view = View::of(&office.accounts, office.feed.as_ref(), &user, office.rows_from()).unwrap();
    let page = office.feed.page(&view.ask(cursor, None, false, DOCUMENTS_MAX)).unwrap();
    page.documents.iter().any(|document| document.doc == doc && document.since.is_none())
}

/// Law 6, at any moment: what a phone's cursor says it has seen, it holds.
pub(crate) fn cursor_is_true(world: &World, phone: &Phone) -> Result<(), String> {
    let position = phone.replica().store().read(|read| read.pull_position()).unwrap();
    // Numbers of another life of the feed are no numbers of this one.
    let elsewhere = position.epoch != world.office.feed.epoch().unwrap();
    if elsewhere || position.checkpoint.is_some() || position.number == 0 {
        return Ok(());
    }
    let entitled: BTreeSet<DocId> = entitled(world, phone).into_keys().collect();
    let entries = world.office.feed.follow(0, DOCUMENTS_MAX).unwrap();
    let mut by_doc: BTreeMap<DocId, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.no <= position.number && entitled.contains(&entry.doc)) {
        by_doc.entry(entry.doc).or_default().push(entry);
    }
    for (doc, entries) in by_doc {
        // One that was lent is asked for again when its row says that it lags; one that only waits for its verdicts goes with them, and its
        // row says what is new.
        if phone.replica().store().read(|read| read.apart(doc)).unwrap().is_some() {
            continue;
        }
        let Some(held) = phone.replica().document(doc).unwrap() else { continue };
        let (there, skipped): (Vec<&Entry>, Vec<&Entry>) = entries.into_iter().partition(|entry| held.document.holds(&entry.hash));
        // A document that came into its scopes later than the cursor is still to come as a whole; what its user made of it, and what it has
        // of it from another life of the feed, is no part of that.
        if let Some(entry) = skipped.first().filter(|_| !there.is_empty() && !comes_whole(world, phone, position.number, doc)) {
            let own = phone.replica().store().read(|read| read.own_change(entry.hash)).unwrap().map(|own| own.standing);
            return Err(format!(
                "{}: cursor {} skips entry {} of {} {doc}; as its own it is {own:?}",
                phone.name, position.number, entry.no, entry.kind
            ));
        }
    }
    Ok(())
}
