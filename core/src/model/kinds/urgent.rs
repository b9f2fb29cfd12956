//! `urgent`: an urgent report (紧急报告). Its text is one small change in the urgent lane; a small picture follows as a second one.
//! Then only the chain of what was done about it grows: received, acknowledged, taken, closed, escalated.

use std::borrow::Cow;

use super::super::schema::{Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::super::values;
use super::{REGISTER_BYTES_MAX, STRUCTURE_BYTES_MAX};
use crate::crdt::{Genesis, Shape};

/// 紧急报告
pub static URGENT: Kind = Kind {
    id: "urgent",
    label: Label::new("紧急报告", "Urgent report"),
    version: 1,
    private: false,
    genesis: Genesis {
        kind: "urgent",
        versions: &[&[
            ("body", Shape::Registers),
            ("picture", Shape::Registers),
            ("handling", Shape::Registers),
            ("clocks", Shape::Registers),
        ]],
    },
    containers: &[
        Container { name: "body", shape: Shape::Registers, part: Part("urgent.body"), value_bytes_max: REGISTER_BYTES_MAX },
        // Key `picture`: the bytes of a small picture in base64.
        Container { name: "picture", shape: Shape::Registers, part: Part("urgent.picture"), value_bytes_max: STRUCTURE_BYTES_MAX },
        // Key `handling/<entry>`: map of `what`, `note`, `to`.
        Container { name: "handling", shape: Shape::Registers, part: Part("urgent.handling"), value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: Part("system.clocks"), value_bytes_max: REGISTER_BYTES_MAX },
    ],
    sections: &[Section { id: "urgent", label: Label::new("紧急报告", "Urgent report"), fields: FIELDS }],
};

const fn once(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Once).weight(0)
}

static FIELDS: &[Field] = &[
    once("kind", "类别", "Kind", FieldType::Code(&values::URGENT_KIND)),
    once("severity", "严重程度", "Severity", FieldType::Code(&values::SEVERITY)),
    once("customer", "客户", "Customer", FieldType::Reference),
    once("territory", "区域", "Territory", FieldType::Line(60)),
    once("text", "内容", "Text", FieldType::Prose(2_000)),
    Field::fact("handling", "处理经过", "Handling", FieldType::Line(200)).merged(Merge::Log(Cow::Borrowed(HANDLING))).weight(0),
];
static HANDLING: &[Field] = &[
    once("what", "处理", "What", FieldType::Code(&values::HANDLING)),
    once("note", "说明", "Note", FieldType::Line(300)),
    once("to", "升级给", "Escalated to", FieldType::Reference),
];
