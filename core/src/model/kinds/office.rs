//! `office`: the office side of the customer card. Written by headquarters only; phones read it.

use super::super::schema::{Class, Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::super::values;
use super::REGISTER_BYTES_MAX;
use crate::crdt::{Genesis, Shape};
use crate::model::credit::BADGE;

const OFFICE_PART: Part = Part("office.office");
const VERIFIED_PART: Part = Part("office.verified");
const CLOCK: Part = Part("system.clocks");

/// 客户档案卡, office side.
pub static OFFICE: Kind = Kind {
    id: "office",
    label: Label::new("客户管理资料", "Office side of the card"),
    version: 1,
    private: false,
    genesis: Genesis {
        kind: "office",
        versions: &[&[("facts", Shape::Registers), ("verified", Shape::Registers), ("clocks", Shape::Registers)]],
    },
    containers: &[
        Container { name: "facts", shape: Shape::Registers, part: OFFICE_PART, value_bytes_max: REGISTER_BYTES_MAX },
        // Key = field of `customer`; value = map of `value`, `op`, `by`, `method`, `state`: see `card`.
        Container { name: "verified", shape: Shape::Registers, part: VERIFIED_PART, value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: CLOCK, value_bytes_max: REGISTER_BYTES_MAX },
    ],
    sections: &[Section { id: "office", label: Label::new("管理资料", "Administration"), fields: FIELDS }],
};

const fn guarded(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Register).class(Class::C).weight(0)
}

static FIELDS: &[Field] = &[
    guarded("lifecycle", "状态", "Status", FieldType::Code(&values::LIFECYCLE)),
    guarded("grade", "客户等级", "Grade", FieldType::Code(&values::GRADE)).fresh(180),
    guarded("territory", "区域", "Territory", FieldType::Line(40)),
    guarded("owner", "负责人", "Owner", FieldType::Reference),
    guarded("substitute", "代管人", "Substitute", FieldType::Reference),
    guarded("substitute_until", "代管至", "Substitute until", FieldType::Date),
    guarded("visit_interval_days", "拜访间隔(天)", "Visit interval (days)", FieldType::Integer { min: 1, max: 366 }),
    guarded("merged_into", "合并到", "Merged into", FieldType::Reference),
    // What phones see of the credit file, in one register: see `model::credit::CreditBadge`. Written by headquarters alone, as a duty.
    guarded(BADGE, "信用标识", "Credit badge", FieldType::Structure),
];
