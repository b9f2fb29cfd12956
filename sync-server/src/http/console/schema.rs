//! `GET /api/schema`: kinds, sections, fields, value sets, territories and representatives, so that the console writes none of it down.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use roadbook_core::model::schema::{Class, Field, FieldType, Kind, Label, Merge, ValueSet};
use roadbook_core::model::{kinds, values};
use serde::Serialize;

use super::names::Named;
use crate::access::Role;
use crate::accounts::User;
use crate::http::{Error, Session, Shared};

#[derive(Serialize)]
pub(super) struct Schema {
    version: u32,
    /// Minutes east of UTC of the company's calendar: days are its days, wherever the browser is.
    offset_minutes: i32,
    kinds: Vec<KindJson>,
    value_sets: BTreeMap<&'static str, Vec<Option_>>,
    territories: Vec<TerritoryJson>,
    /// Who can be chosen: those who sell where the person may look.
    reps: Vec<Named>,
    /// Everybody, for names that stand in documents: also supervisors, and those who have left.
    people: Vec<Named>,
}

#[derive(Serialize)]
struct KindJson {
    kind: &'static str,
    label: &'static Label,
    sections: Vec<SectionJson>,
    fields: Vec<FieldJson>,
}

#[derive(Serialize)]
struct SectionJson {
    name: &'static str,
    label: &'static Label,
}

#[derive(Serialize)]
struct FieldJson {
    key: String,
    label: Label,
    section: &'static str,
    merge: &'static str,
    #[serde(rename = "type")]
    ty: &'static str,
    value_set: Option<&'static str>,
    min: Option<i64>,
    max: Option<i64>,
    chars_max: Option<u16>,
    class: Class,
    fresh_days: Option<u16>,
    fields: Vec<FieldJson>,
}

#[derive(Serialize)]
struct Option_ {
    code: &'static str,
    label: &'static Label,
    retired: bool,
}

#[derive(Serialize)]
struct TerritoryJson {
    id: String,
    name: String,
    parent: Option<String>,
}

/// * 200 with the schema; 401 when nobody is logged in.
pub(super) async fn schema(State(app): State<Shared>, session: Session) -> Result<Json<Schema>, Error> {
    app.blocking(move |app| {
        let mine = |id: &roadbook_core::ids::TerritoryId| session.reach.holds(id);
        let territories = app.accounts().territories()?.into_iter().filter(|one| mine(&one.id)).map(|one| TerritoryJson {
            id: one.id.0,
            name: one.name,
            parent: one.parent.map(|parent| parent.0),
        });
        let users = app.accounts().users()?;
        let named = |user: &User| Named { id: user.id.to_string(), name: user.name.clone() };
        let sells = |user: &&User| user.role == Role::Salesperson && !user.disabled;
        let reps = users.iter().filter(sells).filter(|user| user.territories.is_empty() || user.territories.iter().any(mine));
        Ok(Json(Schema {
            version: kinds::SCHEMA_VERSION,
            offset_minutes: app.config().offset_minutes,
            kinds: kinds::ALL.iter().map(|kind| kind_json(kind)).collect(),
            value_sets: values::ALL.iter().map(|set| (set.id, options(set))).collect(),
            territories: territories.collect(),
            reps: reps.map(named).collect(),
            people: users.iter().map(named).collect(),
        }))
    })
    .await?
}

fn kind_json(kind: &'static Kind) -> KindJson {
    KindJson {
        kind: kind.id,
        label: &kind.label,
        sections: kind.sections.iter().map(|section| SectionJson { name: section.id, label: &section.label }).collect(),
        fields: kind.sections.iter().flat_map(|section| section.fields.iter().map(|field| field_json(field, section.id))).collect(),
    }
}

fn options(set: &'static ValueSet) -> Vec<Option_> {
    set.codes.iter().map(|code| Option_ { code: code.id, label: &code.label, retired: code.retired_for.is_some() }).collect()
}

fn field_json(field: &Field, section: &'static str) -> FieldJson {
    let (ty, value_set) = type_of(field);
    let (min, max, chars_max) = match &field.ty {
        FieldType::Integer { min, max } => (Some(*min), Some(*max), None),
        FieldType::Line(chars) | FieldType::Prose(chars) => (None, None, Some(*chars)),
        FieldType::Money
        | FieldType::Date
        | FieldType::Code(_)
        | FieldType::Rating
        | FieldType::Phone
        | FieldType::Geo
        | FieldType::Bool
        | FieldType::Window
        | FieldType::Uscc
        | FieldType::Reference
        | FieldType::Instant
        | FieldType::Stamp
        | FieldType::Structure => (None, None, None),
    };
    FieldJson {
        key: field.id.to_string(),
        label: field.label.clone(),
        section,
        merge: match &field.merge {
            Merge::Fact => "fact",
            Merge::Register => "register",
            Merge::Set => "set",
            Merge::Entries(_) => "entries",
            Merge::Text => "text",
            Merge::Log(_) => "log",
            Merge::Counter => "counter",
            Merge::Once => "once",
        },
        ty,
        value_set,
        min,
        max,
        chars_max,
        class: field.class,
        fresh_days: field.fresh_days,
        fields: field.entry_fields().iter().map(|inner| field_json(inner, section)).collect(),
    }
}

/// Stable name of a field's type, and the value set of a code. What names a territory or a person is chosen, not typed.
pub(super) fn type_of(field: &Field) -> (&'static str, Option<&'static str>) {
    match field.id.as_ref() {
        "territory" => return ("territory", None),
        "owner" | "substitute" => return ("person", None),
        _ => {}
    }
    match &field.ty {
        FieldType::Line(_) => ("line", None),
        FieldType::Prose(_) => ("prose", None),
        FieldType::Integer { .. } => ("integer", None),
        FieldType::Money => ("money", None),
        FieldType::Date => ("date", None),
        FieldType::Code(set) => ("code", Some(set.id)),
        FieldType::Rating => ("rating", None),
        FieldType::Phone => ("phone", None),
        FieldType::Geo => ("geo", None),
        FieldType::Bool => ("bool", None),
        FieldType::Window => ("window", None),
        FieldType::Uscc => ("uscc", None),
        FieldType::Reference => ("reference", None),
        FieldType::Instant => ("instant", None),
        FieldType::Stamp => ("stamp", None),
        FieldType::Structure => ("structure", None),
    }
}
