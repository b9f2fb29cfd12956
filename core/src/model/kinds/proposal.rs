//! `proposal`: what a person without the right to write asks for (待确认的申请). Decided by somebody entitled; applied by headquarters.

use super::super::schema::{Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::super::values;
use super::REGISTER_BYTES_MAX;
use crate::crdt::{Genesis, Shape};

/// 申请
pub static PROPOSAL: Kind = Kind {
    id: "proposal",
    label: Label::new("申请", "Proposal"),
    version: 1,
    private: false,
    genesis: Genesis {
        kind: "proposal",
        versions: &[&[("body", Shape::Registers), ("decision", Shape::Registers), ("clocks", Shape::Registers)]],
    },
    containers: &[
        Container { name: "body", shape: Shape::Registers, part: Part("proposal.body"), value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "decision", shape: Shape::Registers, part: Part("proposal.decision"), value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: Part("system.clocks"), value_bytes_max: REGISTER_BYTES_MAX },
    ],
    sections: &[Section { id: "proposal", label: Label::new("申请", "Proposal"), fields: FIELDS }],
};

const fn once(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Once).weight(0)
}

static FIELDS: &[Field] = &[
    once("what", "申请事项", "What", FieldType::Line(40)),
    once("field", "字段", "Field", FieldType::Line(60)),
    once("value", "申请值", "Proposed value", FieldType::Structure),
    once("reason", "理由", "Reason", FieldType::Line(300)),
    once("cause", "起因", "Cause", FieldType::Reference),
    Field::fact("decision", "处理决定", "Decision", FieldType::Code(&values::DECISION)).merged(Merge::Register).weight(0),
];
