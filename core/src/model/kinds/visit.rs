//! `visit`: one visit (拜访). A draft is device-local; at check-out one change writes the body and seals it.
//! Afterwards only amendments and notes are added, never changed.

use std::borrow::Cow;

use super::super::schema::{Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::super::values;
use super::{REGISTER_BYTES_MAX, STRUCTURE_BYTES_MAX};
use crate::crdt::{Genesis, Shape};

/// 拜访
pub static VISIT: Kind = Kind {
    id: "visit",
    label: Label::new("拜访", "Visit"),
    version: 1,
    private: false,
    genesis: Genesis {
        kind: "visit",
        versions: &[&[
            ("body", Shape::Registers),
            ("amendments", Shape::Registers),
            ("notes", Shape::Registers),
            ("clocks", Shape::Registers),
        ]],
    },
    containers: &[
        Container { name: "body", shape: Shape::Registers, part: Part("visit.body"), value_bytes_max: STRUCTURE_BYTES_MAX },
        // Key `<entry>`: map of `field`, `value`, `reason`.
        Container { name: "amendments", shape: Shape::Registers, part: Part("visit.amendments"), value_bytes_max: STRUCTURE_BYTES_MAX },
        // Key `<entry>`: map of `text`; key `same_as`: the visit that this one doubles, or null.
        Container { name: "notes", shape: Shape::Registers, part: Part("visit.notes"), value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: Part("system.clocks"), value_bytes_max: REGISTER_BYTES_MAX },
    ],
    sections: &[
        Section { id: "visit", label: Label::new("拜访", "Visit"), fields: VISIT_FIELDS },
        Section { id: "findings", label: Label::new("现场情况", "Findings"), fields: FINDINGS },
        Section { id: "next", label: Label::new("下一步", "Next step"), fields: NEXT },
    ],
};

const fn once(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Once).weight(0)
}

static VISIT_FIELDS: &[Field] = &[
    once("customer", "客户", "Customer", FieldType::Reference),
    once("rep", "拜访人", "Representative", FieldType::Reference),
    once("tour", "路单", "Tour", FieldType::Reference),
    once("type", "拜访类型", "Type", FieldType::Code(&values::VISIT_TYPE)),
    once("purpose", "目的", "Purpose", FieldType::Line(200)),
    once("check_in", "签到", "Check-in", FieldType::Stamp),
    once("check_out", "签退", "Check-out", FieldType::Stamp),
    once("recorded_no", "记录序号", "Record number", FieldType::Integer { min: 1, max: i64::MAX }),
    once("companions", "陪访", "Companions", FieldType::Structure),
    once("met", "接洽人", "Person met", FieldType::Line(60)),
    once("outcome", "拜访结果", "Outcome", FieldType::Code(&values::VISIT_OUTCOME)),
];
static FINDINGS: &[Field] = &[
    once("steps", "拜访步骤", "Steps", FieldType::Structure),
    once("stock", "库存", "Stock", FieldType::Structure),
    once("feedback", "客户意见", "Feedback", FieldType::Prose(2_000)),
    once("problems", "问题", "Problems", FieldType::Prose(2_000)),
    once("mood", "合作态度", "Attitude", FieldType::Integer { min: 1, max: 5 }),
    once("order_amount", "订单金额", "Order amount", FieldType::Money),
    once("links", "关联单据", "Linked papers", FieldType::Structure),
    once("manifest", "照片", "Photos", FieldType::Structure),
    Field::fact("amendments", "更正", "Amendments", FieldType::Line(200)).merged(Merge::Log(Cow::Borrowed(AMENDMENT))).weight(0),
    Field::fact("notes", "批注", "Notes", FieldType::Line(200)).merged(Merge::Log(Cow::Borrowed(NOTE))).weight(0),
];
static NEXT: &[Field] =
    &[once("next_step", "下一步", "Next step", FieldType::Line(300)), once("next_date", "下次日期", "Next date", FieldType::Date)];
static AMENDMENT: &[Field] = &[
    once("field", "项目", "Field", FieldType::Line(60)),
    once("value", "更正为", "Corrected value", FieldType::Structure),
    once("reason", "原因", "Reason", FieldType::Line(300)),
];
static NOTE: &[Field] = &[once("text", "内容", "Text", FieldType::Prose(2_000))];
