//! `verification`: what an entitled person verified, also offline (审核). Sealed; headquarters applies it to the office side.

use super::super::schema::{Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::super::values;
use super::REGISTER_BYTES_MAX;
use crate::crdt::{Genesis, Shape};

/// 审核
pub static VERIFICATION: Kind = Kind {
    id: "verification",
    label: Label::new("审核", "Verification"),
    version: 1,
    private: false,
    genesis: Genesis { kind: "verification", versions: &[&[("body", Shape::Registers), ("clocks", Shape::Registers)]] },
    containers: &[
        Container { name: "body", shape: Shape::Registers, part: Part("verification.body"), value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: Part("system.clocks"), value_bytes_max: REGISTER_BYTES_MAX },
    ],
    sections: &[Section { id: "verification", label: Label::new("审核", "Verification"), fields: FIELDS }],
};

const fn once(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Once).weight(0)
}

static FIELDS: &[Field] = &[
    once("field", "字段", "Field", FieldType::Line(60)),
    once("value", "核实值", "Value", FieldType::Structure),
    once("op", "所核实的记录", "Assertion verified", FieldType::Line(120)),
    once("observed", "记录的观察时间", "Observed", FieldType::Instant),
    once("office_heads", "所见版本", "Office side seen", FieldType::Line(2_048)),
    once("decision", "结论", "Decision", FieldType::Code(&values::DECISION)),
    once("method", "核实方式", "Method", FieldType::Code(&values::VERIFY_METHOD)),
    once("reason", "说明", "Reason", FieldType::Line(300)),
    once("evidence", "凭证", "Evidence", FieldType::Reference),
];
