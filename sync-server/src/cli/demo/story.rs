//! The demo's story: three phones and headquarters change the same cards and tours without knowing of each other, then sync.

use std::collections::BTreeMap;
use std::path::Path;

use roadbook_core::blobs::exchange::ORIGINALS_KEPT_MS;
use roadbook_core::blobs::photos::NewPhoto;
use roadbook_core::ids::{DocId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::tour::{PlannedStop, StopState, Tour};
use roadbook_core::model::{Edit, Provenance, Source, Value};
use roadbook_core::replica::field::{self, Work};
use roadbook_core::replica::urgent::UrgentReport;
use roadbook_core::replica::{Stamp, Target};
use roadbook_core::store::Lane;
use roadbook_core::store::rows::{CustomerFilter, ProposalState, ReviewFilter};

use super::super::{Done, Failure, person, show};
use super::company::Company;
use super::picture;
use crate::accounts::Who;
use crate::app::App;
use crate::clock::{Clock, random};
use crate::export::Language;
use crate::export::words::{label_at, label_of, words};
use crate::phone::Phone;

/// The shop whose card is edited from all sides.
const SHOP: &str = "惠民超市";
/// Lines of a list that is printed.
const LINES: usize = 12;

/// Plays the story and prints it.
pub(super) fn tell(app: &App, company: &Company, folder: &Path, clock: &Clock) -> Done {
    show::line("\n── 三部手机 Three phones enrol and take their first sync ──");
    let mut phones = Vec::new();
    for (rep, _) in &company.tours {
        let code = app.accounts().issue_code(app.now(), &Who::shell(), rep.id)?;
        let name = format!("{}的手机", rep.name);
        let place = folder.join("phones").join(&rep.login);
        let mut phone = Phone::enroll(&place, &app.config().origin(), &code.to_string(), &name, clock.clone())?;
        let turns = phone.sync()?;
        let documents: usize = turns.iter().map(|turn| turn.documents).sum();
        show::line(format_args!("  {}: {documents} documents in {} exchange(s)", rep.name, turns.len()));
        phones.push(phone);
    }
    let [wang, li, liu] = phones.as_mut_slice() else { return Err("the demo has three phones".into()) };

    show::line("\n── 离线 Offline: everybody works, nobody hears of the others ──");
    let shop = found(wang, SHOP)?;
    edit_address(wang, shop, "人民路12号", "10:00 王芳: 地址 → 人民路12号")?;
    edit_address(li, shop, "人民路21号", "10:05 李强: 地址 → 人民路21号")?;
    add_phone(wang, shop, "139-0000-1111")?;
    write_problem(li, shop)?;
    propose_grade(li, shop)?;
    work_the_tour(wang, company)?;
    replan(app, company)?;
    let closed = archive_a_shop(app, company)?;
    visit_the_archived(liu, closed)?;

    show::line("\n── 同步 Everybody syncs, in any order, twice ──");
    for round in 0..2 {
        for phone in [&mut *liu, &mut *wang, &mut *li] {
            let turns = phone.sync()?;
            let (sent, got) = turns.iter().fold((0, 0), |(sent, got), turn| (sent + turn.accepted, got + turn.documents));
            if round == 0 {
                show::line(format_args!("  {}: {sent} changes handed in, {got} documents received", name_of(phone)?));
            }
        }
    }
    photos_and_urgent(app, wang, shop)?;
    merged(app, wang, li, shop)?;
    tour_of(app, company, wang)?;
    waiting(app)
}

fn found(phone: &Phone, words: &str) -> Result<SubjectId, Failure> {
    let hits = phone.replica().store().read(|read| read.search(words, &CustomerFilter::default(), 1))?;
    hits.found.first().map(|found| found.customer.subject).ok_or_else(|| format!("{words} is not in the sample list").into())
}

fn name_of(phone: &Phone) -> Result<String, Failure> {
    Ok(phone.profile()?.map(|profile| profile.name).unwrap_or_default())
}

fn save(phone: &mut Phone, target: &Target, edits: &[Edit]) -> Done {
    let stamp = phone.stamp()?;
    phone.replica_mut().save(&stamp, Lane::Normal, target, edits)?;
    Ok(())
}

fn edit_address(phone: &mut Phone, shop: SubjectId, text: &str, told: &str) -> Done {
    let card = phone.replica().card(shop)?.ok_or("the card is not on the phone")?;
    let entry =
        card.lists.get("addresses").and_then(|addresses| addresses.first()).map(|entry| entry.id).ok_or("the card has no address")?;
    let fields = BTreeMap::from([("text".to_owned(), Value::from(text))]);
    let edit = Edit::Entry { list: "addresses".to_owned(), entry, fields, provenance: Provenance::of(Source::Visit) };
    save(phone, &Target::customer(shop).seen(card.heads), &[edit])?;
    show::line(format_args!("  {told}"));
    Ok(())
}

fn add_phone(phone: &mut Phone, shop: SubjectId, number: &str) -> Done {
    let entry = EntryId::from_bytes(random()?);
    let fields = BTreeMap::from([("number".to_owned(), Value::from(number)), ("label".to_owned(), "老板娘".into())]);
    let edit = Edit::Entry { list: "phones".to_owned(), entry, fields, provenance: Provenance::default() };
    save(phone, &Target::customer(shop), &[edit])?;
    show::line(format_args!("  {}: 电话 + {number}", name_of(phone)?));
    Ok(())
}

fn write_problem(phone: &mut Phone, shop: SubjectId) -> Done {
    let text = "上月两次拖欠货款";
    let edit = Edit::Splice { field: "problems".to_owned(), at: 0, delete: 0, insert: text.to_owned() };
    save(phone, &Target::customer(shop), &[edit])?;
    show::line(format_args!("  {}: 存在的问题 + {text}", name_of(phone)?));
    Ok(())
}

fn propose_grade(phone: &mut Phone, shop: SubjectId) -> Done {
    let stamp = phone.stamp()?;
    let (target, edits) = field::propose(&stamp, shop, "grade", "A".into(), Some("销量连续三个月增长"));
    save(phone, &target, &edits)?;
    show::line(format_args!("  {}: 申请客户等级 → A (only a manager may set it)", name_of(phone)?));
    Ok(())
}

fn tour_on(phone: &Phone, company: &Company) -> Result<(DocId, Tour), Failure> {
    let lines = phone.replica().store().read(|read| read.tours(company.today, company.today, Some(phone.user())))?;
    let doc = lines.first().map(|line| line.tour.doc).ok_or("the tour is not on the phone")?;
    Ok((doc, phone.replica().tour(doc)?.ok_or("the tour is not on the phone")?))
}

/// 王芳 visits her first stop and puts the fifth before the second.
fn work_the_tour(phone: &mut Phone, company: &Company) -> Done {
    let (doc, tour) = tour_on(phone, company)?;
    let stop = |at: usize| tour.stops.get(at).map(|stop| stop.stop).ok_or("the tour has too few stops");
    let (target, edits) = field::acknowledge(&tour);
    save(phone, &target, &edits)?;
    let stamp = phone.stamp()?;
    let mut draft = phone.replica_mut().check_in(&stamp, stop(0)?, Some(doc), None)?;
    draft.fields.insert("type".to_owned(), "routine".into());
    draft.fields.insert("outcome".to_owned(), "order".into());
    draft.fields.insert("feedback".to_owned(), "要求月底前补货".into());
    for (seed, kind) in [(1, "shelf"), (2, "display")] {
        let (bytes, small) = (picture::shelf(960, 640, seed)?, picture::shelf(144, 96, seed)?);
        let stamp = phone.stamp()?;
        let new = NewPhoto { kind, bytes: &bytes, thumbnail: Some(&small), taken_at: stamp.now };
        phone.replica_mut().add_photo(&stamp, draft.doc, &new)?;
    }
    let stamp = phone.stamp()?;
    phone.replica_mut().check_out(&stamp, &draft, None)?;
    let (_, tour) = tour_on(phone, company)?;
    let (target, edits) = field::pin(&tour, stop(4)?, Some(stop(1)?), None, Some("顺路".to_owned()));
    save(phone, &target, &edits)?;
    show::line("  王芳: visits stop 1 of her tour, takes two photos, and drags stop 5 before stop 2");
    Ok(())
}

/// The dispatcher, who hears nothing of it, moves the fourth stop to the end and adds an urgent one.
fn replan(app: &App, company: &Company) -> Done {
    let dispatcher = person(app.accounts(), "zhao")?;
    let Some((_, key)) = company.tours.first() else { return Err("there is no tour".into()) };
    let mut inner = app.headquarters().hold();
    let tour = inner.replica().tour(key.doc())?.ok_or("the tour is not at headquarters")?;
    let mut stops: Vec<PlannedStop> = tour.plan.as_ref().map(|plan| plan.stops.clone()).unwrap_or_default();
    if stops.len() < 5 {
        return Err("the tour has too few stops".into());
    }
    let fourth = stops.remove(3);
    let moved = [fourth.stop];
    stops.push(fourth);
    let filter = CustomerFilter { territories: vec![roadbook_core::ids::TerritoryId(key.route.clone())], ..CustomerFilter::default() };
    let others = inner.replica().store().read(|read| read.customers(&filter, Default::default(), None, LINES * 5))?.lines;
    let urgent = others.into_iter().map(|line| line.subject).find(|subject| stops.iter().all(|stop| stop.stop != *subject));
    if let Some(stop) = urgent {
        stops.insert(1, PlannedStop { stop, arrive_s: None, service_s: None, note: Some("急".to_owned()), urgent: true });
    }
    let stamp = Stamp { author: dispatcher.id, now: app.now(), entropy: random()? };
    let work: Work = vec![field::publish(&stamp, key, Some(&tour), &stops, Some(&moved), &[])];
    let followed = inner.commit(dispatcher.id, app.now(), &work)?;
    drop(inner);
    app.tell(followed.changed);
    show::line("  赵敏 (headquarters): adds an urgent stop after stop 1 and moves stop 4 to the end");
    Ok(())
}

/// The supervisor takes a shop out of service that stands on 刘洋's tour.
fn archive_a_shop(app: &App, company: &Company) -> Result<SubjectId, Failure> {
    let supervisor = person(app.accounts(), "sun")?;
    let Some((_, key)) = company.tours.get(2) else { return Err("there is no tour".into()) };
    let mut inner = app.headquarters().hold();
    let tour = inner.replica().tour(key.doc())?.ok_or("the tour is not at headquarters")?;
    let shop = tour.stops.first().map(|stop| stop.stop).ok_or("the tour has no stops")?;
    let edit = Edit::Assert { field: "lifecycle".to_owned(), value: "archived".into(), provenance: Provenance::of(Source::Office) };
    let followed = inner.commit(supervisor.id, app.now(), &vec![(Target::office(shop), vec![edit])])?;
    let name = inner.replica().card(shop)?.and_then(|card| card.text("trade_name").map(str::to_owned)).unwrap_or_default();
    drop(inner);
    app.tell(followed.changed);
    show::line(format_args!("  孙丽 (headquarters): archives {name} as closed"));
    Ok(shop)
}

fn visit_the_archived(phone: &mut Phone, shop: SubjectId) -> Done {
    let stamp = phone.stamp()?;
    let mut draft = phone.replica_mut().check_in(&stamp, shop, None, None)?;
    draft.fields.insert("outcome".to_owned(), "order".into());
    draft.fields.insert("order_amount".to_owned(), Value::map([("amount", Value::Int(60_000)), ("currency", "CNY".into())]));
    let stamp = phone.stamp()?;
    phone.replica_mut().check_out(&stamp, &draft, None)?;
    show::line(format_args!("  {}: visits it, finds it open, takes an order of 600 元", name_of(phone)?));
    Ok(())
}

/// Text was first; then the photos follow. An urgent report passes both.
fn photos_and_urgent(app: &App, wang: &mut Phone, shop: SubjectId) -> Done {
    show::line("\n── 照片与紧急报告 Photos after all text, an urgent report before it ──");
    let waiting = wang.replica().photos_waiting()?.originals;
    show::line(format_args!("  headquarters has the visit; {waiting} 张待传 photos still to come"));
    let steps = wang.sync_photos(false)?;
    let complete: usize = steps.iter().map(|step| step.complete.len()).sum();
    let days = ORIGINALS_KEPT_MS / Ms::DAY;
    show::line(format_args!("  王芳: photos handed in, {complete} visit complete; the originals stay on her phone for {days} days"));
    let report = UrgentReport {
        kind: "credit_danger".to_owned(),
        severity: "critical".to_owned(),
        customer: Some(shop),
        territory: None,
        text: "老板说下周搬店,欠款未结,像要转移资产".to_owned(),
        picture: Some(picture::shelf(120, 80, 3)?),
    };
    let stamp = wang.stamp()?;
    let doc = wang.replica_mut().report_urgent(&stamp, &report)?;
    wang.sync()?;
    let arrived = app.headquarters().read(|replica| replica.urgent(doc))?.is_some_and(|urgent| urgent.received().is_some());
    show::line(format_args!("  王芳: 紧急报告 {}: {}", report.text, if arrived { "已送达 received" } else { "not there" }));
    Ok(())
}

fn merged(app: &App, wang: &Phone, li: &Phone, shop: SubjectId) -> Done {
    show::line(format_args!("\n── 合并 What merged: {SHOP} ──"));
    let card = app.headquarters().read(|replica| replica.card(shop))?.ok_or("the card is not at headquarters")?;
    let people: BTreeMap<UserId, String> = app.accounts().users()?.into_iter().map(|user| (user.id, user.name)).collect();
    let name = |author: Option<UserId>| author.and_then(|author| people.get(&author)).map_or("?", String::as_str);
    for phone in card.lists.get("phones").into_iter().flatten() {
        if let Some(number) = phone.fields.get("number") {
            show::line(format_args!("  电话 {}  ({})", text(&number.value), name(number.rivals.first().and_then(|said| said.author))));
        }
    }
    show::line(format_args!("  存在的问题 {}", card.texts.get("problems").map_or("", String::as_str)));
    for review in &card.reviews {
        show::line(format_args!("  待裁决 to review: {}", label_at(&review.path, Language::Zh)));
        for said in &review.options {
            show::line(format_args!("    {}  {}", text(&said.value), name(said.author)));
        }
    }
    let same = |phone: &Phone| Ok::<_, Failure>(phone.replica().card(shop)?.map(|card| card.heads) == Some(card.heads.clone()));
    show::line(format_args!("  the same on both phones and at headquarters: {}", if same(wang)? && same(li)? { "yes" } else { "NO" }));
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_text().map_or_else(|| format!("{value:?}"), str::to_owned)
}

fn tour_of(app: &App, company: &Company, phone: &Phone) -> Done {
    show::line("\n── 路单 王芳's tour, the same on her phone and at headquarters ──");
    let (doc, tour) = tour_on(phone, company)?;
    let office = app.headquarters().read(|replica| replica.tour(doc))?.ok_or("the tour is not at headquarters")?;
    for (no, stop) in (1..=LINES).zip(&tour.stops) {
        let line = phone.replica().store().read(|read| read.customer(stop.stop))?;
        let done = if matches!(stop.state, StopState::Visited | StopState::VisitedThoughRemoved) { "✓" } else { " " };
        let urgent = stop.planned.as_ref().is_some_and(|planned| planned.urgent);
        let mark = if urgent {
            "急"
        } else if stop.pin.is_some() {
            "王芳排的"
        } else {
            ""
        };
        show::line(format_args!("  {no:>2}. {done} {}  {mark}", line.map(|line| line.name).unwrap_or_default()));
    }
    let same = office.stops == tour.stops;
    show::line(format_args!("  {}", if same { "identical" } else { "NOT identical" }));
    Ok(())
}

fn waiting(app: &App) -> Done {
    show::line("\n── 待处理 What waits for somebody to decide ──");
    let inner = app.headquarters().hold();
    let store = inner.replica().store();
    for line in store.read(|read| read.reviews(&ReviewFilter::default(), 0, LINES))? {
        show::line(format_args!("  {}: {} ({} values)", line.customer, label_at(&line.field, Language::Zh), line.rivals));
    }
    for line in store.read(|read| read.proposals(ProposalState::Open, None, 0, LINES))? {
        let Some(proposal) = inner.replica().proposal(line.proposal.doc)? else { continue };
        let field = proposal.field.unwrap_or_default();
        let asked = words(&field, &proposal.value, Language::Zh);
        show::line(format_args!("  申请 {}: {} → {asked}", line.customer, label_of(&field, Language::Zh)));
    }
    Ok(())
}
