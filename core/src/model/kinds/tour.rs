//! `tour`: one representative's day on a route (当日线路). Registers only; the order is computed: see `model::tour`.

use super::super::schema::{Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::{REGISTER_BYTES_MAX, STRUCTURE_BYTES_MAX};
use crate::crdt::{Genesis, Shape};

const PLAN: Part = Part("tour.plan");
const PROGRESS: Part = Part("tour.progress");

/// 路单
pub static TOUR: Kind = Kind {
    id: "tour",
    label: Label::new("路单", "Tour"),
    version: 1,
    private: false,
    genesis: Genesis {
        kind: "tour",
        versions: &[&[("plan", Shape::Registers), ("progress", Shape::Registers), ("clocks", Shape::Registers)]],
    },
    containers: &[
        // `head` = revision id · `rev/<revision>` = plan revision · `route`, `day`, `rep`, `cancelled`
        Container { name: "plan", shape: Shape::Registers, part: PLAN, value_bytes_max: STRUCTURE_BYTES_MAX },
        // `visit/<stop>` · `pin/<stop>` · `skip/<stop>` · `adhoc/<stop>` · `ack/<revision>`
        Container { name: "progress", shape: Shape::Registers, part: PROGRESS, value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: Part("system.clocks"), value_bytes_max: REGISTER_BYTES_MAX },
    ],
    sections: &[Section { id: "tour", label: Label::new("路单", "Tour"), fields: FIELDS }],
};

static FIELDS: &[Field] = &[
    Field::fact("route", "线路", "Route", FieldType::Line(60)).merged(Merge::Once).weight(0),
    Field::fact("day", "日期", "Day", FieldType::Date).merged(Merge::Once).weight(0),
    Field::fact("rep", "业务员", "Representative", FieldType::Reference).merged(Merge::Once).weight(0),
    Field::fact("cancelled", "已取消", "Cancelled", FieldType::Bool).merged(Merge::Register).weight(0),
];
