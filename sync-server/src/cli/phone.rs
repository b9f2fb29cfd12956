//! `phone`: a device from the shell. Each call opens the folder, does one thing, and closes it; only `sync` and `enroll` need a network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use roadbook_core::ids::{EntryId, SubjectId};
use roadbook_core::model::card::{Badge, Card, Fact};
use roadbook_core::model::tour::StopState;
use roadbook_core::model::{Edit, FieldType, Merge, Provenance, Value, kinds};
use roadbook_core::replica::Target;
use roadbook_core::replica::field::{self, Place};
use roadbook_core::store::rows::{CustomerFilter, CustomerOrder, TourLine};
use roadbook_core::store::{Lane, STORE_KEY_BYTES, StoreKey};

use super::lanes::{self, PhotoArgs, UrgentArgs};
use super::phone_sync::{carry_in, carry_out, status, sync};
use super::{Done, Failure, show};
use crate::clock::{Clock, random};
use crate::export::Language;
use crate::export::words::{label_at, words};
use crate::phone::{Phone, With, write_owned};

/// Lines of a list, at most.
pub(super) const LINES_MAX: usize = 1_000;

#[derive(Debug, Args)]
pub(super) struct PhoneCommand {
    /// The phone: one folder is one device
    #[arg(long, value_name = "FOLDER", default_value = "./roadbook-phone")]
    folder: PathBuf,
    /// Keep the phone's file under the key in this file: 64 hexadecimal digits; made when it is not there (feature `encryption`)
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Enrol this folder as a device, with a code from headquarters
    Enroll {
        /// Address of headquarters, such as <http://127.0.0.1:7070>
        server: String,
        /// The one-time code
        code: String,
        /// What headquarters calls this device
        #[arg(long, default_value = "shell")]
        name: String,
        /// Certificate (PEM) that headquarters' must be signed by, when it is the company's own
        #[arg(long, value_name = "FILE")]
        authority: Option<PathBuf>,
    },
    /// Say who this phone is, for another one that will hand it a batch: writes a small file
    Meeting {
        /// The file
        file: PathBuf,
    },
    /// Hand what waits to another phone: signed, only what that phone may hold
    CarryOut {
        /// What the other phone wrote with `meeting`
        meeting: PathBuf,
        /// The batch
        file: PathBuf,
    },
    /// Take in a batch of another phone and carry it to headquarters
    CarryIn {
        /// The batch
        file: PathBuf,
    },
    /// Exchange with headquarters until neither side has more; photos follow
    Sync {
        /// The line costs money: thumbnails go, photos wait
        #[arg(long)]
        metered: bool,
    },
    /// Who, what waits, what was set aside
    Status,
    /// List customers
    List {
        /// Only those whose visit is overdue, worst first
        #[arg(long)]
        overdue: bool,
        /// How many
        #[arg(long, default_value_t = 20)]
        max: usize,
    },
    /// Search by name, pinyin, initials, address, last digits of a phone
    Search {
        /// What to look for
        words: String,
    },
    /// Show a card: by id, or by what a search finds first
    Show {
        /// Customer
        customer: String,
    },
    /// Say a field's value; for a set `+element` or `-element`
    Edit {
        /// Customer
        customer: String,
        /// Field id, such as `trade_name`, `business_type`, `problems`, `tags`
        field: String,
        /// The value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Add a phone number to a card
    AddPhone {
        /// Customer
        customer: String,
        /// The number
        number: String,
        /// Whose
        #[arg(long)]
        person: Option<String>,
    },
    /// Visit a customer: check in, and check out unless told to stay
    Visit {
        /// Customer
        customer: String,
        /// order, `no_order`, collected, delivered, closed, absent, refused or moved
        #[arg(long, default_value = "no_order")]
        outcome: String,
        /// What the customer said
        #[arg(long)]
        feedback: Option<String>,
        /// Only check in: `check-out` ends the visit
        #[arg(long)]
        stay: bool,
    },
    /// End the visit that is under way
    CheckOut {
        /// See `visit`
        #[arg(long, default_value = "no_order")]
        outcome: String,
    },
    /// Today's tour in its order; acknowledges the plan
    Tour,
    /// Put an open stop of today's tour before another
    Move {
        /// The stop
        customer: String,
        /// Before which
        before: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Leave a stop of today's tour out
    Skip {
        /// The stop
        customer: String,
        /// closed, `no_time`, road, `customer_asked` or other
        #[arg(long, default_value = "other")]
        reason: String,
    },
    /// Ask headquarters to set a guarded field, such as `grade`
    Propose {
        /// Customer
        customer: String,
        /// Field of the office side
        field: String,
        /// Value asked for
        value: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Add a photo or file to the visit under way; it is handed in after all text
    Photo(PhotoArgs),
    /// The photos of the own visits, and what became of them
    Photos,
    /// File an urgent report (紧急报告): it travels before everything else
    Urgent(UrgentArgs),
    /// Urgent reports, and what was done about them
    Urgents,
}

impl PhoneCommand {
    pub(super) fn run(self) -> Done {
        let storage_key = self.key_file.as_deref().map(storage_key).transpose()?;
        if let What::Enroll { server, code, name, authority } = &self.what {
            let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
            let with = With { storage_key, authority: authority.as_ref().map(read).transpose()? };
            let phone = Phone::enroll_with(&self.folder, server, code, name, Clock::system(), with)?;
            let name = phone.profile()?.map(|profile| profile.name).unwrap_or_default();
            show::line(format_args!("device {} is enrolled for {name}; next: sync", phone.device()));
            return Ok(());
        }
        let mut phone = Phone::open_with(&self.folder, Clock::system(), storage_key.as_ref())?;
        if let Some(aside) = phone.set_aside() {
            show::line(format_args!("the phone's file was damaged; it was moved to {} and a new one begun", aside.path.display()));
        }
        match self.what {
            What::Enroll { .. } => Ok(()),
            What::Sync { metered } => sync(&mut phone, metered),
            What::Status => status(&phone),
            What::Meeting { file } => Ok(std::fs::write(file, phone.replica().meeting()?)?),
            What::CarryOut { meeting, file } => carry_out(&phone, &meeting, &file),
            What::CarryIn { file } => carry_in(&mut phone, &file),
            What::List { overdue, max } => list(&phone, overdue, max),
            What::Search { words } => search(&phone, &words),
            What::Show { customer } => card(&phone, &customer),
            What::Edit { customer, field, value } => edit(&mut phone, &customer, &field, &value),
            What::AddPhone { customer, number, person } => add_phone(&mut phone, &customer, &number, person),
            What::Visit { customer, outcome, feedback, stay } => visit(&mut phone, &customer, &outcome, feedback, stay),
            What::CheckOut { outcome } => check_out(&mut phone, &outcome),
            What::Tour => tour(&mut phone),
            What::Move { customer, before, reason } => moved(&mut phone, &customer, &before, reason),
            What::Skip { customer, reason } => skip(&mut phone, &customer, &reason),
            What::Photo(args) => lanes::photo(&mut phone, &args),
            What::Photos => lanes::photos(&phone),
            What::Urgent(args) => lanes::urgent(&mut phone, &args),
            What::Urgents => lanes::urgents(&phone),
            What::Propose { customer, field, value, reason } => propose(&mut phone, &customer, &field, &value, reason.as_deref()),
        }
    }
}

/// The key in a file of hexadecimal digits, readable by its owner alone; a fresh one when there is no such file.
fn storage_key(path: &Path) -> Result<StoreKey, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let fresh: [u8; STORE_KEY_BYTES] = random()?;
            let text: String = fresh.iter().map(|byte| format!("{byte:02x}")).collect();
            write_owned(path, text.as_bytes())?;
            text
        }
        Err(error) => return Err(format!("{}: {error}", path.display()).into()),
    };
    let digits = text.trim();
    let byte = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    let key = bytes.and_then(StoreKey::from_vec);
    key.ok_or_else(|| format!("{} holds no key: {} hexadecimal digits", path.display(), 2 * STORE_KEY_BYTES).into())
}

fn list(phone: &Phone, overdue: bool, max: usize) -> Done {
    let max = max.min(LINES_MAX);
    let filter = CustomerFilter::default();
    if overdue {
        let lines = phone.replica().store().read(|read| read.overdue(today(phone)?, &filter, None, max).map_err(Failure::from))?;
        for line in lines.lines {
            show::line(format_args!(
                "{:>4} d  {}  {}  {}",
                line.days_overdue, line.customer.grade, line.customer.name, line.customer.address
            ));
        }
        return Ok(());
    }
    for line in phone.replica().store().read(|read| read.customers(&filter, CustomerOrder::Name, None, max))?.lines {
        show::line(format_args!("{}  {:<3} {}  {}  {}", line.subject, line.grade, line.name, line.address, line.phone));
    }
    Ok(())
}

fn search(phone: &Phone, words: &str) -> Done {
    let hits = phone.replica().store().read(|read| read.search(words, &CustomerFilter::default(), LINES_MAX))?;
    if hits.found.is_empty() {
        show::line(format_args!("nothing found for {words:?} on this phone"));
    }
    for line in hits.found.into_iter().map(|found| found.customer) {
        show::line(format_args!("{}  {:<3} {}  {}  {}", line.subject, line.grade, line.name, line.address, line.phone));
    }
    Ok(())
}

/// A customer by id, or the first that a search finds.
pub(super) fn customer(phone: &Phone, words: &str) -> Result<SubjectId, Failure> {
    if let Ok(subject) = words.parse() {
        return Ok(subject);
    }
    let hits = phone.replica().store().read(|read| read.search(words, &CustomerFilter::default(), 1))?;
    let found = hits.found.first().map(|found| found.customer.subject);
    found.ok_or_else(|| format!("no customer {words:?} on this phone; sync, or search with other words").into())
}

pub(super) fn named(phone: &Phone, subject: SubjectId) -> Result<String, Failure> {
    let line = phone.replica().store().read(|read| read.customer(subject))?;
    Ok(line.map_or_else(|| subject.to_string(), |line| line.name))
}

fn open_card(phone: &Phone, words: &str) -> Result<Card, Failure> {
    let subject = customer(phone, words)?;
    phone.replica().card(subject)?.ok_or_else(|| format!("customer {subject} is not on this phone").into())
}

fn card(phone: &Phone, words: &str) -> Done {
    let card = open_card(phone, words)?;
    let people: BTreeMap<_, _> =
        phone.profile()?.map(|profile| profile.people).unwrap_or_default().into_iter().map(|person| (person.user, person.name)).collect();
    show::line(format_args!("{}  {}", card.text("trade_name").unwrap_or("?"), card.subject));
    for section in kinds::CUSTOMER.sections.iter().chain(kinds::OFFICE.sections) {
        show::line(format_args!("\n{} {}", section.label.zh, section.label.en));
        for field in section.fields {
            let id = field.id.as_ref();
            if let Some(fact) = card.facts.get(id).or_else(|| card.office.get(id)) {
                let author = fact.rivals.first().and_then(|said| people.get(&said.author?)).map_or("", String::as_str);
                // Persons are shown by name.
                let named = fact.value.as_text().and_then(|text| people.get(&text.parse().ok()?).cloned());
                let said = named.unwrap_or_else(|| words_of(id, &fact.value));
                show::line(format_args!("  {}  {said}  {}{}", field.label.zh, author, mark(fact)));
            }
            if let Some(elements) = card.sets.get(id) {
                let elements: Vec<&str> = elements.iter().map(|element| element.value.as_str()).collect();
                show::line(format_args!("  {}  {}", field.label.zh, elements.join("、")));
            }
            for entry in card.lists.get(id).into_iter().flatten() {
                let parts: Vec<String> = entry.fields.iter().map(|(name, fact)| words_of(&format!("{id}.{name}"), &fact.value)).collect();
                show::line(format_args!(
                    "  {}  {}{}",
                    field.label.zh,
                    parts.join("  "),
                    if entry.kept { "  (编辑时被删除,已保留)" } else { "" }
                ));
            }
            if let Some(text) = card.texts.get(id) {
                show::line(format_args!("  {}  {text}", field.label.zh));
            }
        }
    }
    for review in &card.reviews {
        let options: Vec<String> = review.options.iter().map(|said| words_of(&review.path, &said.value)).collect();
        show::line(format_args!("\n待裁决 to review: {}: {}", label_at(&review.path, Language::Zh), options.join(" / ")));
    }
    Ok(())
}

fn words_of(field: &str, value: &Value) -> String {
    words(field, value, Language::Zh)
}

fn mark(fact: &Fact) -> &'static str {
    match fact.badge {
        Badge::Plain => "",
        Badge::Unverified => "  [未审核]",
        Badge::Verified => "  [已审核]",
        Badge::NewerThanVerified => "  [未审核,另有已审核值]",
        Badge::ReportWaiting => "  [新报告待审核]",
    }
}

fn edit(phone: &mut Phone, words: &str, field: &str, value: &str) -> Done {
    let card = open_card(phone, words)?;
    let known = kinds::CUSTOMER.field(field);
    if known.is_none() && kinds::OFFICE.field(field).is_some() {
        return Err(format!("{field} is headquarters' to set: ask for it with `phone propose {words} {field} {value}`").into());
    }
    let field = field.to_owned();
    let edit = match known.map(|known| &known.merge) {
        Some(Merge::Text) => Edit::Rewrite { field, text: value.to_owned() },
        Some(Merge::Set) => match value.strip_prefix('-') {
            Some(element) => Edit::Exclude { field, element: element.to_owned() },
            None => Edit::Include { field, element: value.strip_prefix('+').unwrap_or(value).to_owned() },
        },
        _ => Edit::Assert { value: typed(known.map(|known| &known.ty), value), field, provenance: Provenance::default() },
    };
    let stamp = phone.stamp()?;
    let target = Target::customer(card.subject).seen(card.heads);
    phone.replica_mut().save(&stamp, Lane::Normal, &target, &[edit])?;
    show::line("saved; it goes to headquarters with the next sync");
    Ok(())
}

/// What a person typed, as the field takes it. What does not fit is refused by the schema with what would be right.
fn typed(ty: Option<&FieldType>, text: &str) -> Value {
    let number = || text.parse::<i64>().map_or_else(|_| Value::from(text), Value::Int);
    match ty {
        Some(FieldType::Integer { .. } | FieldType::Instant) => number(),
        Some(FieldType::Money) => {
            let fen = text.parse::<f64>().ok().map(|yuan| (yuan * 100.0).round() as i64);
            Value::map([("amount", fen.into()), ("currency", "CNY".into())])
        }
        Some(FieldType::Rating) => Value::map([("score", number())]),
        Some(FieldType::Bool) => Value::Bool(matches!(text, "yes" | "true" | "是")),
        Some(FieldType::Code(set)) => {
            let known = set.codes.iter().find(|code| code.id == text || code.label.zh == text || code.label.en == text);
            known.map_or_else(|| Value::from(text), |code| Value::from(code.id))
        }
        _ => Value::from(text),
    }
}

fn add_phone(phone: &mut Phone, words: &str, number: &str, person: Option<String>) -> Done {
    let card = open_card(phone, words)?;
    let stamp = phone.stamp()?;
    let mut fields = BTreeMap::from([("number".to_owned(), Value::from(number))]);
    fields.extend(person.map(|person| ("person".to_owned(), Value::from(person))));
    let entry = EntryId::fresh(stamp.now, stamp.piece(9));
    let edit = Edit::Entry { list: "phones".to_owned(), entry, fields, provenance: Provenance::default() };
    phone.replica_mut().save(&stamp, Lane::Normal, &Target::customer(card.subject).seen(card.heads), &[edit])?;
    show::line("saved");
    Ok(())
}

fn visit(phone: &mut Phone, words: &str, outcome: &str, feedback: Option<String>, stay: bool) -> Done {
    let card = open_card(phone, words)?;
    let tour = todays(phone)?.map(|line| line.tour.doc);
    let place =
        card.position().map(|(lat_e7, lon_e7)| Place { lat_e7, lon_e7, accuracy_m: 20, provider: Some("shell".to_owned()), mock: false });
    let stamp = phone.stamp()?;
    let mut draft = phone.replica_mut().check_in(&stamp, card.subject, tour, place.as_ref())?;
    draft.fields.insert("type".to_owned(), "routine".into());
    if let Some(feedback) = feedback {
        draft.fields.insert("feedback".to_owned(), feedback.into());
    }
    let now = phone.now();
    phone.replica_mut().save_draft(&draft, now)?;
    show::line(format_args!("checked in at {}", card.text("trade_name").unwrap_or("?")));
    if stay { Ok(()) } else { check_out(phone, outcome) }
}

fn check_out(phone: &mut Phone, outcome: &str) -> Done {
    let Some(mut draft) = phone.replica().drafts()?.pop() else { return Err("no visit is under way on this phone".into()) };
    draft.fields.insert("outcome".to_owned(), outcome.into());
    let stamp = phone.stamp()?;
    phone.replica_mut().check_out(&stamp, &draft, None)?;
    show::line(format_args!("checked out of {}: {outcome}", named(phone, draft.customer)?));
    Ok(())
}

fn today(phone: &Phone) -> Result<chrono::NaiveDate, Failure> {
    let offset = phone.replica().offset_minutes()?;
    phone.now().day(offset).ok_or_else(|| "the clock of this machine is out of range".into())
}

fn todays(phone: &Phone) -> Result<Option<TourLine>, Failure> {
    let today = today(phone)?;
    Ok(phone.replica().store().read(|read| read.tours(today, today, Some(phone.user())))?.into_iter().next())
}

fn todays_tour(phone: &Phone) -> Result<roadbook_core::model::tour::Tour, Failure> {
    let line = todays(phone)?.ok_or("there is no tour for today on this phone; sync, or ask the dispatcher")?;
    phone.replica().tour(line.tour.doc)?.ok_or_else(|| "the tour is not on this phone".into())
}

fn tour(phone: &mut Phone) -> Done {
    let tour = todays_tour(phone)?;
    show::line(format_args!("{} {}", tour.day, tour.route));
    for (no, stop) in (1..).zip(&tour.stops) {
        let state = match stop.state {
            StopState::Open => " ",
            StopState::InProgress => "…",
            StopState::Visited => "✓",
            StopState::VisitedThoughRemoved => "✓ 已访(计划已取消)",
        };
        let planned = stop.planned.as_ref().and_then(|planned| planned.arrive_s).map(clock_time).unwrap_or_default();
        let marks = [(stop.adhoc, "临时"), (stop.pin.is_some(), "自排"), (stop.deviation.is_some(), "偏离计划")];
        let marks: Vec<&str> = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        show::line(format_args!("{no:>3}. {planned:>5}  {state} {}  {}", named(phone, stop.stop)?, marks.join(" ")));
    }
    for skip in &tour.skipped {
        show::line(format_args!("  –  {}  {}", named(phone, skip.stop)?, skip.reason.as_deref().unwrap_or_default()));
    }
    let seen = tour.plan.as_ref().is_none_or(|plan| tour.acknowledged.contains_key(&plan.revision));
    if !seen {
        let stamp = phone.stamp()?;
        let (target, edits) = field::acknowledge(&tour);
        phone.replica_mut().save(&stamp, Lane::Normal, &target, &edits)?;
    }
    Ok(())
}

fn clock_time(seconds: i64) -> String {
    format!("{:02}:{:02}", seconds / 3_600, seconds / 60 % 60)
}

fn moved(phone: &mut Phone, stop: &str, before: &str, reason: Option<String>) -> Done {
    let tour = todays_tour(phone)?;
    let (target, edits) = field::pin(&tour, customer(phone, stop)?, Some(customer(phone, before)?), None, reason);
    let stamp = phone.stamp()?;
    phone.replica_mut().save(&stamp, Lane::Normal, &target, &edits)?;
    self::tour(phone)
}

fn skip(phone: &mut Phone, stop: &str, reason: &str) -> Done {
    let tour = todays_tour(phone)?;
    let (target, edits) = field::skip(&tour, customer(phone, stop)?, Some(reason));
    let stamp = phone.stamp()?;
    phone.replica_mut().save(&stamp, Lane::Normal, &target, &edits)?;
    self::tour(phone)
}

fn propose(phone: &mut Phone, words: &str, field_id: &str, value: &str, reason: Option<&str>) -> Done {
    let subject = customer(phone, words)?;
    let ty = kinds::OFFICE.field(field_id).map(|field| &field.ty);
    let ty = ty.ok_or_else(|| format!("the office side has no field {field_id:?}: grade, lifecycle, visit_interval_days …"))?;
    let stamp = phone.stamp()?;
    let (target, edits) = field::propose(&stamp, subject, field_id, typed(Some(ty), value), reason);
    phone.replica_mut().save(&stamp, Lane::Normal, &target, &edits)?;
    show::line("已提交,待确认 · handed in with the next sync, to be confirmed");
    Ok(())
}
