//! Random work of every merge type, drawn from pools so small that people meet on the same fields: for histories that nobody
//! would think of. What the work does to a replica is not decided here.

use std::collections::BTreeMap;

use roadbook_core::ids::{EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::tour::{PlannedStop, StopState, Tour};
use roadbook_core::model::{Edit, Provenance, Source, Value};
use roadbook_core::replica::field::{self, TourKey};
use roadbook_core::replica::{Stamp, Target};

use super::chance::Chance;

/// Facts of classes A and B, registers and a company's own field.
const FACTS: [&str; 9] = [
    "trade_name",
    "line_of_business",
    "headcount",
    "turnover",
    "location_type",
    "potential",
    "service_minutes",
    "short_name",
    "x.door_colour",
];
const SETS: [(&str, &[&str]); 2] = [("tags", &["冷柜", "学校旁", "夜间营业"]), ("product_lines", &["水", "啤酒"])];
const TEXTS: [&str; 2] = ["problems", "countermeasures"];
const LISTS: [(&str, &[&str]); 4] = [
    ("phones", &["number", "label", "person"]),
    ("addresses", &["text", "parking"]),
    ("competitors", &["brand", "share"]),
    ("placed_units", &["what", "counted"]),
];
/// Entries that a list's pool has.
const ENTRIES: u8 = 4;

/// An entry of the pool: the same on every device, as it would be after a sync.
pub(crate) fn pooled_entry(list: &str, n: u8) -> EntryId {
    EntryId::derived(&format!("{list} {n}"))
}

/// Provenance with a note that is written nowhere else, so that it can be looked for in the history.
fn noted(chance: &mut Chance, now: Ms, note: &str) -> Provenance {
    let source = *chance.pick(&[None, Some(Source::CustomerForm), Some(Source::Import)]);
    let observed_at = chance.in_thousand(300).then(|| now.plus(-chance.between(0, 5 * Ms::DAY)));
    Provenance { source, observed_at, note: Some(note.to_owned()), ..Provenance::default() }
}

fn fact_value(chance: &mut Chance, field: &str) -> Value {
    if chance.in_thousand(60) {
        return Value::Null;
    }
    match field {
        "headcount" | "service_minutes" => Value::Int(chance.between(1, 9)),
        "turnover" => Value::map([("amount", Value::Int(chance.between(1, 9) * 1_000_000)), ("currency", "CNY".into())]),
        "location_type" => (*chance.pick(&["residential", "school", "township"])).into(),
        "potential" => Value::map([("score", Value::Int(chance.between(1, 5)))]),
        _ => (*chance.pick(&["惠民超市", "惠民便利店", "惠 民 超 市", "鑫鑫便利店"])).into(),
    }
}

fn entry_value(chance: &mut Chance, field: &str) -> Value {
    match field {
        "number" => (*chance.pick(&["0571 8888-1234", "057188881234", "139-0000-1111", "+86 13900001111"])).into(),
        "share" | "counted" => Value::Int(chance.between(0, 100)),
        "text" => format!("人民路{}号", chance.between(1, 30)).into(),
        _ => (*chance.pick(&["老板娘", "采购", "前台", "雪花", "青岛"])).into(),
    }
}

/// One edit of a customer card. `note` is unique; `text_length` says how long a text is where it is written.
pub(crate) fn card_edit(chance: &mut Chance, now: Ms, note: &str, text_length: impl Fn(&str) -> usize) -> Edit {
    match chance.below(10) {
        0..=2 => {
            let field = *chance.pick(&FACTS);
            let value = fact_value(chance, field);
            Edit::Assert { field: field.to_owned(), value, provenance: noted(chance, now, note) }
        }
        3 => {
            let (set, elements) = chance.pick(&SETS);
            let (field, element) = ((*set).to_owned(), (*chance.pick(elements)).to_owned());
            if chance.in_thousand(500) { Edit::Include { field, element } } else { Edit::Exclude { field, element } }
        }
        4 | 5 => {
            let (list, names) = chance.pick(&LISTS);
            let entry = pooled_entry(list, chance.below(ENTRIES.into()) as u8);
            let mut fields = BTreeMap::new();
            for name in names.iter().take(1 + chance.below(names.len())) {
                fields.insert((*name).to_owned(), entry_value(chance, name));
            }
            Edit::Entry { list: (*list).to_owned(), entry, fields, provenance: noted(chance, now, note) }
        }
        6 => {
            let (list, _) = chance.pick(&LISTS);
            Edit::RemoveEntry { list: (*list).to_owned(), entry: pooled_entry(list, chance.below(ENTRIES.into()) as u8) }
        }
        7 => Edit::Move {
            list: "placed_units".to_owned(),
            entry: pooled_entry("placed_units", chance.below(ENTRIES.into()) as u8),
            field: "moved".to_owned(),
            by: chance.between(-5, 5),
            movement: EntryId::derived(note),
        },
        8 => {
            let field = *chance.pick(&TEXTS);
            let length = text_length(field);
            let at = chance.below(length + 1);
            let delete = chance.below((length - at).min(6) + 1);
            Edit::Splice {
                field: field.to_owned(), at, delete, insert: (*chance.pick(&["上月", "拖欠", "货款。", "🚚", ""])).to_owned()
            }
        }
        _ if chance.in_thousand(500) => Edit::Record {
            log: "interactions".to_owned(),
            entry: EntryId::derived(note),
            value: Value::map([("direction", "in".into()), ("text", note.into())]),
        },
        _ => {
            let field = *chance.pick(&FACTS);
            Edit::Confirm { field: field.to_owned(), value: fact_value(chance, field), at: now }
        }
    }
}

/// One edit of the office side, as headquarters writes it.
pub(crate) fn office_edit(chance: &mut Chance, note: &str) -> Edit {
    let (field, value): (&str, Value) = match chance.below(4) {
        0 => ("grade", (*chance.pick(&["A", "B", "C"])).into()),
        1 => ("visit_interval_days", chance.between(1, 60).into()),
        2 => ("lifecycle", (*chance.pick(&["active", "dormant"])).into()),
        _ => {
            let slot = Value::map([("value", Value::Int(chance.between(1, 9))), ("at", Value::Int(1_000)), ("reason", note.into())]);
            return Edit::Put { container: "verified".to_owned(), key: "headcount".to_owned(), value: slot };
        }
    };
    Edit::Assert { field: field.to_owned(), value, provenance: Provenance { note: Some(note.to_owned()), ..Provenance::default() } }
}

/// A planner's work on a tour: a plan of some of the pool's stops in a new order.
pub(crate) fn plan_work(chance: &mut Chance, stamp: &Stamp, key: &TourKey, seen: Option<&Tour>, pool: &[SubjectId]) -> (Target, Vec<Edit>) {
    let mut stops: Vec<SubjectId> = match seen.and_then(|tour| tour.plan.as_ref()) {
        Some(plan) if chance.in_thousand(800) => plan.stops.iter().map(|stop| stop.stop).collect(),
        _ => pool.to_vec(),
    };
    match chance.below(4) {
        0 => chance.shuffle(&mut stops),
        1 => {
            stops.pop();
        }
        2 if !stops.is_empty() => {
            let stop = stops.remove(chance.below(stops.len()));
            stops.insert(chance.below(stops.len() + 1), stop);
        }
        _ => {
            let stop = *chance.pick(pool);
            if !stops.contains(&stop) {
                stops.insert(chance.below(stops.len() + 1), stop);
            }
        }
    }
    let cleared: Vec<SubjectId> = if chance.in_thousand(100) { vec![*chance.pick(pool)] } else { Vec::new() };
    let planned: Vec<PlannedStop> =
        stops.into_iter().map(|stop| PlannedStop { stop, arrive_s: None, service_s: Some(600), note: None, urgent: false }).collect();
    field::publish(stamp, key, seen, &planned, None, &cleared)
}

/// A representative's work on a tour.
pub(crate) fn progress_work(chance: &mut Chance, stamp: &Stamp, tour: &Tour, pool: &[SubjectId]) -> (Target, Vec<Edit>) {
    let stop = *chance.pick(pool);
    match chance.below(6) {
        0 | 1 => {
            let (before, after) = (*chance.pick(pool), *chance.pick(pool));
            field::pin(tour, stop, Some(before).filter(|_| !stamp.entropy[0].is_multiple_of(3)), Some(after), Some("顺路".to_owned()))
        }
        2 => field::unpin(tour, stop),
        3 => {
            let reason = chance.in_thousand(600).then_some("closed");
            field::skip(tour, stop, reason)
        }
        4 => field::add_stop(tour, stop),
        _ => {
            let begun = tour.stops.iter().any(|one| one.stop == stop && one.state == StopState::InProgress);
            let mut parts = vec![("arrived", Value::Int(stamp.now.0))];
            if begun {
                parts.push(("left", Value::Int(stamp.now.0 + 60_000)));
            }
            let value = Value::Map(parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
            let edit = Edit::Put { container: "progress".to_owned(), key: format!("visit/{stop}"), value };
            (Target::tour(tour.doc).seen(tour.heads.clone()), vec![edit])
        }
    }
}

/// The tour that random work is about.
pub(crate) fn pooled_tour(rep: UserId, day: chrono::NaiveDate) -> TourKey {
    TourKey { route: "east-1".to_owned(), day, rep }
}

/// A picture of so many bytes: a PNG as far as anybody looks, then noise, each number another one.
pub(crate) fn picture(number: u64, bytes: usize) -> Vec<u8> {
    let mut picture = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x07\xd0\0\0\x05\xdc".to_vec();
    let mut chance = Chance::new(number);
    while picture.len() < bytes {
        picture.extend(chance.bytes());
    }
    picture.truncate(bytes);
    picture
}
