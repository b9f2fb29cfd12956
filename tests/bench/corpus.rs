//! The corpus of the benches: made-up customer cards with Chinese text and history, the same for the same seed.
//! About 40 fields, 12 changes by 3 actors and 200 operations each. Data only: no measuring here.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "made-up data")]

use std::collections::BTreeMap;

use roadbook_core::crdt::{ChangeStamp, Document};
use roadbook_core::ids::{ActorId, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::edit::{self, EditError};
use roadbook_core::model::{Edit, Provenance, Value, kinds};

/// Monday 2026-03-02 08:00 +08:00.
pub(crate) const MONDAY: Ms = Ms(1_772_409_600_000);

/// A small seeded generator (xorshift64*): enough to make data, good for nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// From a seed.
    #[must_use]
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    /// The next 64 bits.
    pub(crate) const fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() >> 16).unwrap_or(0) % n.max(1)
    }
    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
    /// 16 bytes.
    pub(crate) fn bytes(&mut self) -> [u8; 16] {
        let (a, b) = (self.roll().to_be_bytes(), self.roll().to_be_bytes());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&a);
        bytes[8..].copy_from_slice(&b);
        bytes
    }
}

const NAMES: [&str; 24] = [
    "惠民",
    "鑫鑫",
    "大众",
    "永辉",
    "华联",
    "便民",
    "家乐",
    "福满",
    "好又多",
    "万家",
    "利民",
    "兴旺",
    "金城",
    "新华",
    "东方",
    "百佳",
    "和谐",
    "吉祥",
    "长虹",
    "阳光",
    "四季",
    "天天",
    "宏达",
    "顺发",
];
const SHOPS: [&str; 8] = ["超市", "便利店", "批发部", "烟酒店", "食品店", "百货商行", "副食店", "生活馆"];
const ROADS: [&str; 16] = [
    "人民路",
    "解放路",
    "中山路",
    "建设路",
    "新华街",
    "和平路",
    "胜利路",
    "文化路",
    "东风大道",
    "朝阳街",
    "青年路",
    "滨河路",
    "育才路",
    "工业路",
    "花园街",
    "长江路",
];
const SURNAMES: [&str; 16] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林"];
const GIVEN: [&str; 16] = ["芳", "强", "敏", "丽", "刚", "秀英", "伟", "静", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛"];
const PHRASES: [&str; 20] = [
    "上月两次拖欠货款",
    "老板重视陈列",
    "冷柜位置靠门",
    "周边学校较多",
    "节假日客流大",
    "对新品接受度高",
    "要求月结",
    "仓库偏小",
    "竞品促销频繁",
    "店员流动快",
    "愿意配合活动",
    "价格敏感",
    "有扩店计划",
    "送货需早上十点前",
    "门口停车不便",
    "主推高毛利产品",
    "会员数量稳定增长",
    "账期需要控制",
    "建议增加堆头",
    "下季度目标上调",
];

/// The changes of one made-up card, and its state.
#[derive(Debug, Clone)]
pub(crate) struct MadeCard {
    /// The customer.
    pub(crate) subject: SubjectId,
    /// Its state after the last change.
    pub(crate) document: Document,
}

fn fact(field: &str, value: impl Into<Value>) -> Edit {
    Edit::Assert { field: field.to_owned(), value: value.into(), provenance: Provenance::default() }
}
fn entry(dice: &mut Dice, list: &str, fields: &[(&str, Value)]) -> Edit {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<BTreeMap<_, _>>();
    Edit::Entry { list: list.to_owned(), entry: EntryId::from_bytes(dice.bytes()), fields, provenance: Provenance::default() }
}
fn code<'a>(dice: &mut Dice, set: &'a roadbook_core::model::ValueSet) -> &'a str {
    set.codes[dice.below(set.codes.len())].id
}
fn phrase(dice: &mut Dice, n: usize) -> String {
    (0..n).map(|_| *dice.pick(&PHRASES)).collect::<Vec<_>>().join(",")
}

/// A shop's name.
pub(crate) fn shop(dice: &mut Dice) -> String {
    format!("{}{}", dice.pick(&NAMES), dice.pick(&SHOPS))
}

/// What the first visit writes.
pub(crate) fn first_edits(dice: &mut Dice) -> Vec<Edit> {
    use roadbook_core::model::values as v;
    let name = shop(dice);
    let owner = format!("{}{}", dice.pick(&SURNAMES), dice.pick(&GIVEN));
    let address = format!("{}{}号", dice.pick(&ROADS), 1 + dice.below(400));
    let lat = 312_400_000 + i64::try_from(dice.below(1_600_000)).unwrap_or(0);
    let lon = 1_205_000_000 + i64::try_from(dice.below(2_500_000)).unwrap_or(0);
    let money =
        |amount: usize| Value::map([("amount", Value::Int(amount as i64 * 100)), ("currency", "CNY".into()), ("period", "2025".into())]);
    let rating =
        |dice: &mut Dice| Value::map([("score", Value::Int(1 + dice.below(5) as i64)), ("reason", Value::from(*dice.pick(&PHRASES)))]);
    let mobile = format!("1390000{:04}", dice.below(10_000));
    let mut edits = vec![
        fact("trade_name", name.clone()),
        fact("legal_name", format!("{name}有限公司")),
        fact("short_name", name.chars().take(2).collect::<String>()),
        fact("founded_on", format!("{}", 1985 + dice.below(40))),
        fact("first_trade_on", format!("20{:02}-0{}", 10 + dice.below(15), 1 + dice.below(9))),
        fact("legal_form", code(dice, &v::LEGAL_FORM)),
        fact("ownership_form", code(dice, &v::OWNERSHIP_FORM)),
        fact("business_type", code(dice, &v::BUSINESS_TYPE)),
        fact("location_type", code(dice, &v::LOCATION_TYPE)),
        fact("retail_format", code(dice, &v::RETAIL_FORMAT)),
        fact("line_of_business", "食品饮料零售"),
        fact("headcount", Value::Int(2 + dice.below(40) as i64)),
        fact("turnover", money(200_000 + dice.below(3_000_000))),
        fact("assets", money(100_000 + dice.below(900_000))),
        fact("service_minutes", Value::Int(10 + dice.below(30) as i64)),
        entry(
            dice,
            "addresses",
            &[
                ("kind", "shop".into()),
                ("text", address.into()),
                ("geo", Value::map([("lat", Value::Int(lat)), ("lon", Value::Int(lon)), ("accuracy_m", Value::Int(12))])),
            ],
        ),
        entry(dice, "phones", &[("number", mobile.into()), ("kind", "mobile".into()), ("person", owner.clone().into())]),
        entry(dice, "stakeholders", &[("role", "owner".into()), ("name", owner.into())]),
        entry(dice, "time_windows", &[("window", Value::map([("open", Value::Int(480)), ("close", Value::Int(690))]))]),
        Edit::Include { field: "product_lines".to_owned(), element: "饮料".to_owned() },
        Edit::Include { field: "tags".to_owned(), element: "冷柜".to_owned() },
        Edit::Rewrite { field: "problems".to_owned(), text: phrase(dice, 4) },
        Edit::Rewrite { field: "strengths".to_owned(), text: phrase(dice, 3) },
        Edit::Rewrite { field: "activity".to_owned(), text: phrase(dice, 3) },
        Edit::Rewrite { field: "countermeasures".to_owned(), text: phrase(dice, 3) },
    ];
    for field in ["sales_capability", "potential", "staff_quality", "cooperation", "reputation"] {
        let value = rating(dice);
        edits.push(fact(field, value));
    }
    edits
}

/// What a later visit changes on a card.
pub(crate) fn later_edits(dice: &mut Dice) -> Vec<Edit> {
    match dice.below(6) {
        0 => vec![
            fact("headcount", Value::Int(2 + dice.below(40) as i64)),
            fact("cooperation", Value::map([("score", Value::Int(1 + dice.below(5) as i64)), ("reason", (*dice.pick(&PHRASES)).into())])),
        ],
        1 => {
            let number = format!("0512-8888{:04}", dice.below(10_000));
            vec![entry(dice, "phones", &[("number", number.into()), ("kind", "landline".into())])]
        }
        2 => {
            let share = Value::Int(dice.below(100) as i64);
            vec![entry(dice, "competitors", &[("brand", "某某饮料".into()), ("share", share)])]
        }
        3 => vec![Edit::Include { field: "tags".to_owned(), element: (*dice.pick(&PHRASES)).to_owned() }],
        4 => {
            let what = Value::from(phrase(dice, 1));
            vec![entry(dice, "promises", &[("what", what), ("state", "open".into()), ("due", "2026-04-01".into())])]
        }
        _ => vec![Edit::Splice { field: "problems".to_owned(), at: 0, delete: 0, insert: phrase(dice, 1) }],
    }
}

/// What is written to one card, change by change.
pub(crate) fn history(dice: &mut Dice) -> Vec<Vec<Edit>> {
    (0..12).map(|change| if change == 0 { first_edits(dice) } else { later_edits(dice) }).collect()
}

/// One made-up card with its history.
pub(crate) fn card(dice: &mut Dice, authors: &[UserId; 3]) -> MadeCard {
    let subject = SubjectId::from_bytes(dice.bytes());
    let mut document = kinds::ready("customer").expect("a known kind").genesis.clone();
    let actors: Vec<ActorId> = (0..3).map(|_| ActorId::from_slice(&dice.bytes()).expect("16 bytes")).collect();
    for (change, edits) in history(dice).into_iter().enumerate() {
        let who = change % 3;
        let time = MONDAY.plus(-Ms::DAY * i64::try_from(200 - change * 15).unwrap_or(0));
        let stamp = ChangeStamp { actor: actors[who].clone(), author: Some(authors[who]), time, note: None };
        document.write::<EditError>(None, &stamp, |writer| edit::write(&kinds::CUSTOMER, &edits, writer)).expect("valid edits");
    }
    MadeCard { subject, document }
}
