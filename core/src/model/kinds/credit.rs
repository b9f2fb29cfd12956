//! `credit`: the credit file of a customer (客户信用档案). Written by managers and finance, read by supervisors too; phones of
//! representatives never hold it. What they need of it, the badge (grade, terms, share of the limit that is used, hold), headquarters
//! mirrors into registers of `office`: that document is on these phones already, is written by nobody else, and goes where the card
//! goes, so that a badge costs four registers and no document of its own. What a representative has to say of a customer's credit is an
//! event of its own: `observation`.

use std::borrow::Cow;

use super::super::schema::{Class, Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::super::values;
use super::REGISTER_BYTES_MAX;
use crate::crdt::{Genesis, Shape};

const FILE: Part = Part("credit.file");

/// 客户信用档案
pub static CREDIT: Kind = Kind {
    id: "credit",
    label: Label::new("客户信用档案", "Credit file"),
    version: 1,
    private: true,
    genesis: Genesis {
        kind: "credit",
        versions: &[&[("facts", Shape::Registers), ("log", Shape::Registers), ("clocks", Shape::Registers)]],
    },
    containers: &[
        Container { name: "facts", shape: Shape::Registers, part: FILE, value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "log", shape: Shape::Registers, part: FILE, value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: Part("system.clocks"), value_bytes_max: REGISTER_BYTES_MAX },
    ],
    sections: &[
        Section { id: "standing", label: Label::new("信用状况", "Standing"), fields: STANDING },
        Section { id: "past", label: Label::new("以往记录", "Past"), fields: PAST },
    ],
};

const fn guarded(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Register).class(Class::C).weight(0)
}
const fn inner(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Once).weight(0)
}
const fn log(id: &'static str, zh: &'static str, en: &'static str, fields: &'static [Field]) -> Field {
    Field::fact(id, zh, en, FieldType::Line(200)).merged(Merge::Log(Cow::Borrowed(fields))).weight(0)
}

static STANDING: &[Field] = &[
    guarded("grade", "信用等级", "Credit grade", FieldType::Code(&values::CREDIT_GRADE)),
    guarded("limit", "信用限度", "Credit limit", FieldType::Money),
    guarded("exposure", "已用额度", "Limit used", FieldType::Money),
    guarded("terms", "交易条件", "Trade terms", FieldType::Line(200)),
    guarded("handling_rule", "交易业务处理方法", "Handling rule", FieldType::Prose(2_000)),
    guarded("hold", "暂停供货", "On hold", FieldType::Bool),
];
static PAST: &[Field] =
    &[log("problems", "以往信用问题", "Past credit problems", PROBLEM), log("reports", "资信机构报告", "Agency reports", REPORT)];
static PROBLEM: &[Field] = &[
    inner("on", "日期", "Date", FieldType::Date),
    inner("what", "经过", "What happened", FieldType::Prose(2_000)),
    inner("amount", "金额", "Amount", FieldType::Money),
];
static REPORT: &[Field] = &[
    inner("on", "日期", "Date", FieldType::Date),
    inner("agency", "机构", "Agency", FieldType::Line(120)),
    inner("finding", "结论", "Finding", FieldType::Prose(2_000)),
    inner("blob", "附件", "Attachment", FieldType::Reference),
];
