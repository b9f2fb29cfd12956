//! `customer`: the field side of the customer card (客户档案卡). Whoever works the territory writes it.
//! Grade, territory, owner, interval, lifecycle and verified values are on the office side: `office`.

use std::borrow::Cow;

use super::super::schema::{Class, Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::super::values;
use super::{REGISTER_BYTES_MAX, STRUCTURE_BYTES_MAX};
use crate::crdt::{Genesis, Shape};

/// Texts that merge character by character, each a container of its own.
const TEXTS: [&str; 7] = ["business_philosophy", "policy", "management_style", "activity", "problems", "strengths", "countermeasures"];
const CARD: Part = Part("customer.card");
const CLOCK: Part = Part("system.clocks");

const fn registers(name: &'static str, value_bytes_max: usize) -> Container {
    Container { name, shape: Shape::Registers, part: CARD, value_bytes_max }
}
const fn text(name: &'static str) -> Container {
    Container { name, shape: Shape::Text, part: CARD, value_bytes_max: REGISTER_BYTES_MAX }
}

/// 客户档案卡, field side.
pub static CUSTOMER: Kind = Kind {
    id: "customer",
    label: Label::new("客户档案卡", "Customer card"),
    version: 1,
    private: false,
    genesis: Genesis {
        kind: "customer",
        versions: &[&[
            ("facts", Shape::Registers),
            ("sets", Shape::Registers),
            ("entries", Shape::Registers),
            ("confirmed", Shape::Registers),
            ("moves", Shape::Registers),
            ("log", Shape::Registers),
            ("clocks", Shape::Registers),
            (TEXTS[0], Shape::Text),
            (TEXTS[1], Shape::Text),
            (TEXTS[2], Shape::Text),
            (TEXTS[3], Shape::Text),
            (TEXTS[4], Shape::Text),
            (TEXTS[5], Shape::Text),
            (TEXTS[6], Shape::Text),
        ]],
    },
    containers: &[
        registers("facts", REGISTER_BYTES_MAX),
        registers("sets", REGISTER_BYTES_MAX),
        registers("entries", REGISTER_BYTES_MAX),
        registers("confirmed", REGISTER_BYTES_MAX),
        registers("moves", REGISTER_BYTES_MAX),
        registers("log", STRUCTURE_BYTES_MAX),
        Container { name: "clocks", shape: Shape::Registers, part: CLOCK, value_bytes_max: REGISTER_BYTES_MAX },
        text(TEXTS[0]),
        text(TEXTS[1]),
        text(TEXTS[2]),
        text(TEXTS[3]),
        text(TEXTS[4]),
        text(TEXTS[5]),
        text(TEXTS[6]),
    ],
    sections: &[
        Section { id: "basic", label: Label::new("基础资料", "Basics"), fields: BASIC },
        Section { id: "classification", label: Label::new("客户分类", "Classification"), fields: CLASSIFICATION },
        Section { id: "features", label: Label::new("客户特征", "Characteristics"), fields: FEATURES },
        Section { id: "business", label: Label::new("业务状况", "Business situation"), fields: BUSINESS },
        Section { id: "trading", label: Label::new("交易活动现状", "Trading activity"), fields: TRADING },
        Section { id: "coverage", label: Label::new("拜访安排", "Coverage"), fields: COVERAGE },
        Section { id: "follow_up", label: Label::new("跟进", "Follow-up"), fields: FOLLOW_UP },
    ],
};

const fn line(id: &'static str, zh: &'static str, en: &'static str) -> Field {
    Field::fact(id, zh, en, FieldType::Line(200))
}
const fn prose(id: &'static str, zh: &'static str, en: &'static str) -> Field {
    Field::fact(id, zh, en, FieldType::Prose(2_000)).merged(Merge::Text).fresh(90)
}
const fn inner(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Register)
}

static BASIC: &[Field] = &[
    line("trade_name", "名称", "Name").class(Class::B).fresh(365).weight(3),
    line("legal_name", "营业执照名称", "Legal name").class(Class::B).fresh(365),
    Field::fact("uscc", "统一社会信用代码", "Unified social credit code", FieldType::Uscc).class(Class::B).fresh(365),
    line("customer_no", "客户编号", "Customer number").weight(0),
    line("short_name", "简称", "Short name").merged(Merge::Register).weight(0),
    line("aliases", "别名", "Aliases").merged(Merge::Set).weight(0),
    line("addresses", "地址", "Addresses").merged(Merge::Entries(Cow::Borrowed(ADDRESS))).class(Class::B).fresh(365).weight(3),
    line("phones", "电话", "Phones").merged(Merge::Entries(Cow::Borrowed(PHONE))).fresh(180).weight(3),
    line("stakeholders", "所有者、经营管理者、法人", "Owner, manager, legal representative")
        .merged(Merge::Entries(Cow::Borrowed(STAKEHOLDER)))
        .class(Class::B)
        .fresh(365)
        .weight(2),
    Field::fact("founded_on", "创业时间", "Founded", FieldType::Date),
    Field::fact("first_trade_on", "与本公司交易时间", "Trading with us since", FieldType::Date),
    Field::fact("legal_form", "企业组织形式", "Enterprise form", FieldType::Code(&values::LEGAL_FORM)).class(Class::B).fresh(730),
    line("line_of_business", "业种", "Line of business").fresh(365),
    Field::fact("assets", "资产", "Assets", FieldType::Money).class(Class::B).fresh(365),
    Field::fact("prospect_stage", "潜客阶段", "Prospect stage", FieldType::Code(&values::PROSPECT_STAGE)).weight(0),
    Field::fact("parent", "上级客户", "Supplied by", FieldType::Reference).merged(Merge::Register).weight(0),
    Field::fact("channel_level", "渠道层级", "Channel level", FieldType::Code(&values::CHANNEL_LEVEL)).merged(Merge::Register).weight(0),
];

static ADDRESS: &[Field] = &[
    inner("kind", "类型", "Kind", FieldType::Code(&values::ADDRESS_KIND)),
    inner("text", "地址", "Address", FieldType::Line(300)).class(Class::B),
    inner("admin_code", "行政区划代码", "Administrative code", FieldType::Line(12)),
    inner("geo", "坐标", "Position", FieldType::Geo),
    inner("entrance_photo", "门头照片", "Entrance photo", FieldType::Reference),
    inner("parking", "停车说明", "Parking note", FieldType::Line(300)),
];
static PHONE: &[Field] = &[
    inner("number", "号码", "Number", FieldType::Phone),
    inner("kind", "类型", "Kind", FieldType::Code(&values::PHONE_KIND)),
    inner("person", "联系人", "Person", FieldType::Line(60)),
    inner("label", "备注", "Label", FieldType::Line(60)),
    inner("preferred", "首选", "Preferred", FieldType::Bool),
];
static STAKEHOLDER: &[Field] = &[
    inner("role", "角色", "Role", FieldType::Code(&values::STAKEHOLDER_ROLE)),
    inner("name", "姓名", "Name", FieldType::Line(60)).class(Class::B),
    inner("phone", "电话", "Phone", FieldType::Phone),
    inner("note", "备注", "Note", FieldType::Line(200)),
];

static CLASSIFICATION: &[Field] = &[
    Field::fact("ownership_form", "所有权", "Ownership", FieldType::Code(&values::OWNERSHIP_FORM)).class(Class::B).fresh(730),
    Field::fact("business_type", "客户性质", "Customer type", FieldType::Code(&values::BUSINESS_TYPE)).class(Class::B).fresh(365).weight(2),
    Field::fact("location_type", "客户地域", "Location", FieldType::Code(&values::LOCATION_TYPE)).class(Class::B).fresh(365).weight(2),
    Field::fact("retail_format", "零售业态", "Retail format", FieldType::Code(&values::RETAIL_FORMAT)).class(Class::B).fresh(365),
    line("tags", "标签", "Tags").merged(Merge::Set).weight(0),
    line("product_lines", "经营品类", "Product lines").merged(Merge::Set).weight(0),
];

static FEATURES: &[Field] = &[
    line("service_area", "服务区域", "Area served").merged(Merge::Set).fresh(365),
    Field::fact("sales_capability", "销售能力", "Sales capability", FieldType::Rating).fresh(180),
    Field::fact("potential", "发展潜力", "Potential", FieldType::Rating).fresh(180),
    prose("business_philosophy", "经营观念", "Business philosophy").fresh(365),
    prose("policy", "经营方针与政策", "Policy").fresh(365),
    prose("management_style", "经营管理特点", "Management style").fresh(365),
    Field::fact("headcount", "职工人数", "Headcount", FieldType::Integer { min: 0, max: 1_000_000 }).class(Class::B).fresh(365),
    Field::fact("turnover", "销售额", "Turnover", FieldType::Money).class(Class::B).fresh(365).weight(2),
];

static BUSINESS: &[Field] = &[
    Field::fact("staff_quality", "经营管理者和销售人员的素质", "Quality of managers and staff", FieldType::Rating).fresh(180),
    line("competitors", "与其他竞争公司的关系", "Relations to competitors").merged(Merge::Entries(Cow::Borrowed(COMPETITOR))).fresh(90),
    Field::fact("cooperation", "业务联系及合作态度", "Ties and attitude", FieldType::Rating).fresh(90),
];
static COMPETITOR: &[Field] = &[
    inner("brand", "品牌", "Brand", FieldType::Line(80)),
    inner("share", "份额(%)", "Share (%)", FieldType::Integer { min: 0, max: 100 }),
    inner("terms", "条件", "Terms", FieldType::Line(300)),
    inner("strength", "力度", "Strength", FieldType::Integer { min: 1, max: 5 }),
];

static TRADING: &[Field] = &[
    prose("activity", "销售活动状况", "Sales activity"),
    prose("problems", "存在的问题", "Problems"),
    prose("strengths", "保持的优势", "Strengths kept"),
    prose("countermeasures", "未来的对策", "Countermeasures"),
    Field::fact("reputation", "企业信誉与形象", "Reputation and image", FieldType::Rating).fresh(180),
];

static COVERAGE: &[Field] = &[
    line("time_windows", "拜访时间窗", "Time windows").merged(Merge::Entries(Cow::Borrowed(WINDOW))).fresh(180),
    Field::fact("service_minutes", "服务时长(分钟)", "Service minutes", FieldType::Integer { min: 0, max: 1_440 })
        .merged(Merge::Register)
        .fresh(180)
        .weight(0),
    line("closed_days", "店休日", "Closed days").merged(Merge::Set).weight(0),
];
static WINDOW: &[Field] = &[inner("window", "时间窗", "Window", FieldType::Window)];

static FOLLOW_UP: &[Field] = &[
    line("promises", "承诺事项", "Promises").merged(Merge::Entries(Cow::Borrowed(PROMISE))).weight(0),
    line("placed_units", "投放设备", "Placed equipment").merged(Merge::Entries(Cow::Borrowed(PLACED))).fresh(90).weight(0),
    line("checklist", "签约资料清单", "Contract papers").merged(Merge::Entries(Cow::Borrowed(PAPER))).class(Class::C).weight(0),
    line("interactions", "双向沟通", "Contact log").merged(Merge::Log(Cow::Borrowed(INTERACTION))).weight(0),
];
static PROMISE: &[Field] = &[
    inner("what", "内容", "What", FieldType::Line(300)),
    inner("due", "期限", "Due", FieldType::Date),
    inner("by", "负责人", "By", FieldType::Reference),
    inner("state", "状态", "State", FieldType::Code(&values::PROMISE_STATE)),
];
static PLACED: &[Field] = &[
    inner("what", "设备", "Unit", FieldType::Line(120)),
    Field::fact("moved", "投放数量", "Moved quantity", FieldType::Integer { min: -100_000, max: 100_000 }).merged(Merge::Counter),
    inner("counted", "盘点数量", "Counted quantity", FieldType::Integer { min: 0, max: 100_000 }),
    inner("asset_no", "资产编号", "Asset number", FieldType::Line(60)),
];
static PAPER: &[Field] = &[
    inner("item", "资料", "Paper", FieldType::Line(120)),
    inner("state", "状态", "State", FieldType::Code(&values::PAPER_STATE)),
    inner("blob", "附件", "Attachment", FieldType::Reference),
];
static INTERACTION: &[Field] = &[
    inner("direction", "方向", "Direction", FieldType::Code(&values::DIRECTION)),
    inner("channel", "渠道", "Channel", FieldType::Code(&values::CHANNEL)),
    inner("text", "内容", "Text", FieldType::Prose(2_000)),
    inner("reply_due", "答复期限", "Reply due", FieldType::Date),
];
