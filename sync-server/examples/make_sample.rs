//! Makes the bundled sample list, `sync-server/demo/customers.xlsx`: fictitious shops in the outline of a real city.
//! Belongs here: that list, written as people write lists: titles below a headline, numbers as text, full-width digits,
//! empty cells, a few rows that are wrong on purpose. Never: reading it.
//!
//! ```text
//! cargo run -p roadbook-server --example make_sample -- sync-server/demo/customers.xlsx
//! ```
//!
//! The same program makes the same rows each time. Streets are lines on the map, so that neighbours in a street are
//! neighbours on the ground; positions are WGS-84. Names, numbers (`1390000xxxx`, `0512-8888xxxx`) and credit codes
//! (`…MADEM…`) are invented; so is where the streets run.

use std::error::Error;

use roadbook_core::model::uscc;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

/// Shops that are right.
const SHOPS: usize = 330;
/// Row of the titles, from 0.
const TITLES_ROW: u32 = 2;

const TITLES: [&str; 27] = [
    "序号",
    "客户编号",
    "客户名称*",
    "营业执照名称",
    "统一社会信用代码",
    "客户性质",
    "零售业态",
    "客户地域",
    "客户等级",
    "片区",
    "业务员",
    "联系人/老板",
    "联系电话",
    "详细地址",
    "经度",
    "纬度",
    "营业时间",
    "服务时长（分钟）",
    "店休日",
    "职工人数",
    "年销售额（万元）",
    "发展潜力",
    "经营品类",
    "标签",
    "存在的问题",
    "建档人",
    "建档日期",
];

/// A street: name, territory, place of its first house, and the way to the next one, in degrees.
struct Street(&'static str, &'static str, f64, f64, f64, f64);

const STREETS: [Street; 28] = [
    Street("人民路", "城东", 120.6320, 31.3005, 0.000_02, 0.000_42),
    Street("桐泾路", "城西", 120.6050, 31.2950, 0.000_03, 0.000_40),
    Street("解放路", "城南", 120.6100, 31.2790, 0.000_45, 0.000_02),
    Street("建设路", "城北", 120.6080, 31.3400, 0.000_46, 0.000_03),
    Street("东环路", "城东", 120.6480, 31.2960, 0.000_01, 0.000_43),
    Street("西园路", "城西", 120.5880, 31.3080, 0.000_40, 0.000_05),
    Street("南塘街", "城南", 120.6210, 31.2700, 0.000_38, 0.000_04),
    Street("北码头街", "城北", 120.6150, 31.3520, 0.000_41, 0.000_02),
    Street("杨枝塘路", "城东", 120.6540, 31.2910, 0.000_44, 0.000_03),
    Street("枫杨路", "城西", 120.5760, 31.3150, 0.000_42, 0.000_01),
    Street("宝塔巷", "城南", 120.6290, 31.2840, 0.000_30, 0.000_08),
    Street("鹤溪路", "城北", 120.6270, 31.3610, 0.000_43, 0.000_02),
    Street("星港大道", "城东", 120.6780, 31.3020, 0.000_02, 0.000_45),
    Street("石湖大道", "城西", 120.5690, 31.2900, 0.000_47, 0.000_01),
    Street("吴淞路", "城南", 120.6400, 31.2620, 0.000_43, 0.000_02),
    Street("陆家巷", "城北", 120.6010, 31.3340, 0.000_33, 0.000_06),
    Street("金鹭路", "城东", 120.6900, 31.3140, 0.000_44, 0.000_02),
    Street("横山路", "城西", 120.5580, 31.3000, 0.000_02, 0.000_42),
    Street("澹台街", "城南", 120.6120, 31.2560, 0.000_40, 0.000_03),
    Street("平门街", "城北", 120.6200, 31.3290, 0.000_02, 0.000_36),
    Street("葑谊街", "城东", 120.6610, 31.3090, 0.000_41, 0.000_02),
    Street("何山路", "城西", 120.5520, 31.3220, 0.000_44, 0.000_02),
    Street("新家桥路", "城南", 120.6560, 31.2710, 0.000_42, 0.000_02),
    Street("齐溪路", "城北", 120.6420, 31.3450, 0.000_02, 0.000_41),
    Street("夏园路", "城东", 120.7050, 31.3230, 0.000_43, 0.000_01),
    Street("竹园弄", "城西", 120.5950, 31.3190, 0.000_31, 0.000_05),
    Street("友新街", "城南", 120.6260, 31.2500, 0.000_42, 0.000_02),
    Street("黄埭新街", "城北", 120.5980, 31.3700, 0.000_44, 0.000_03),
];

/// Two-character names are pairs of these: 20 × 18 of them, each used once.
const FIRST: [&str; 20] =
    ["惠", "鑫", "福", "瑞", "祥", "裕", "泰", "顺", "恒", "康", "丰", "汇", "佳", "宏", "万", "金", "乐", "永", "春", "和"];
const SECOND: [&str; 18] = ["民", "源", "隆", "达", "昌", "盛", "润", "家", "邻", "悦", "来", "旺", "益", "诚", "安", "兴", "宁", "缘"];
const FAMILY: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗", "梁", "宋",
    "郑", "谢",
];
const GIVEN: [&str; 18] = [
    "建国", "秀英", "志强", "丽华", "海燕", "国平", "春梅", "永福", "小红", "文斌", "玉兰", "金龙", "雪芳", "德明", "巧云", "卫东", "桂珍",
    "长根",
];
/// Who works a territory; the names of the demo's salespeople.
const REPS: [(&str, [&str; 2]); 4] =
    [("城东", ["王芳", "王芳"]), ("城西", ["李强", "李强"]), ("城南", ["刘洋", "周婷"]), ("城北", ["周婷", "刘洋"])];

/// Ending of the name, customer type, format, product lines, weight in 100.
const TRADES: [(&str, &str, &str, &str, u64); 10] = [
    ("超市", "零售商", "超市", "食品、日化、粮油", 26),
    ("便利店", "零售店", "便利店", "食品、饮料、香烟", 24),
    ("批发部", "批发店", "仓储", "饮料、粮油", 9),
    ("烟酒店", "专营店", "烟酒店", "香烟、白酒", 12),
    ("饭店", "零售商", "餐饮", "饮料、调味品", 9),
    ("文具店", "零售商", "文具店", "文具、玩具", 7),
    ("小卖部", "零售商", "小卖部", "食品、饮料", 6),
    ("母婴店", "专营店", "母婴店", "奶粉、纸品", 3),
    ("连锁超市", "连锁店", "超市", "食品、日化、生鲜", 3),
    ("商行", "代理商", "其他", "饮料、日化", 1),
];

/// A small generator (SplitMix64): the sample must not change when a library does.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides.max(1)
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let sides = u64::try_from(items.len()).unwrap_or(1);
        items.get(usize::try_from(self.roll(sides)).unwrap_or(0))
    }

    fn text<'a>(&mut self, items: &[&'a str]) -> &'a str {
        self.of(items).copied().unwrap_or_default()
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.roll(100) < chance
    }
}

/// What one cell gets.
enum Cell {
    Text(String),
    Number(f64),
    Day(u16, u8, u8),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A shop as a row: cells by title.
type Shop = Vec<(&'static str, Cell)>;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("say where to write the list: make_sample <file.xlsx>")?;
    std::fs::write(path, list()?)?;
    Ok(())
}

/// The bytes of the list.
///
/// # Errors
/// The workbook could not be made.
pub fn list() -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_ymd(2026, 2, 27)?;
    book.set_properties(&DocProperties::new().set_title("演示数据 demo data").set_creation_datetime(&made));
    let page = book.add_worksheet().set_name("客户清单")?;
    let headline = Format::new().set_bold().set_align(FormatAlign::Center);
    let last = u16::try_from(TITLES.len()).unwrap_or(1) - 1;
    let words = "演示数据 / demo data：门店、人名、电话、信用代码均为虚构，如有雷同纯属巧合";
    page.merge_range(0, 0, 0, last, words, &headline)?;
    for (at, title) in (0_u16..).zip(TITLES) {
        page.write_string_with_format(TITLES_ROW, at, title, &headline)?;
    }
    let mut row = TITLES_ROW + 1;
    for shop in shops().into_iter().chain(wrong_rows()) {
        write(page, row, &shop)?;
        row += 1;
    }
    page.write_string(row, 2, "合计")?;
    page.write_number(row, 20, 0.0)?;
    page.set_freeze_panes(TITLES_ROW + 1, 3)?;
    for (at, width) in [(2_u16, 18_u16), (4, 21), (12, 26), (13, 24), (16, 24), (24, 24)] {
        page.set_column_width(at, width)?;
    }
    let notes = book.add_worksheet().set_name("说明")?;
    notes.write_string(0, 0, "本表为演示数据。末尾几行故意写错或重复，用来展示导入报告。坐标为 WGS-84，街道走向为虚构。")?;
    book.save_to_buffer()
}

fn write(page: &mut Worksheet, row: u32, shop: &Shop) -> Result<(), XlsxError> {
    let date = Format::new().set_num_format("yyyy/m/d");
    page.write_number(row, 0, f64::from(row - TITLES_ROW))?;
    for (at, title) in (0_u16..).zip(TITLES) {
        match shop.iter().find(|(known, _)| *known == title).map(|(_, cell)| cell) {
            Some(Cell::Text(text)) if !text.is_empty() => page.write_string(row, at, text)?,
            Some(Cell::Number(number)) => page.write_number(row, at, *number)?,
            Some(Cell::Day(year, month, day)) => {
                page.write_datetime_with_format(row, at, ExcelDateTime::from_ymd(*year, *month, *day)?, &date)?
            }
            Some(Cell::Text(_)) | None => continue,
        };
    }
    Ok(())
}

fn shops() -> Vec<Shop> {
    let mut dice = Dice(2026);
    let mut names: Vec<String> = FIRST.iter().flat_map(|first| SECOND.iter().map(move |second| format!("{first}{second}"))).collect();
    // 惠民 and 鑫源 come first and keep their places; the others are shuffled.
    for at in (3..names.len()).rev() {
        let other = 2 + usize::try_from(dice.roll(u64::try_from(at - 1).unwrap_or(1))).unwrap_or(0);
        names.swap(at, other);
    }
    names.into_iter().take(SHOPS).enumerate().map(|(number, name)| shop(number, &name, &mut dice)).collect()
}

fn shop(number: usize, name: &str, dice: &mut Dice) -> Shop {
    let street = STREETS.get(number % STREETS.len());
    let Some(Street(street, territory, lon, lat, east, north)) = street else { return Vec::new() };
    // Houses of a street lie apart by 6 to 12 numbers.
    let house = 12 + (number / STREETS.len()) * 9 + usize::try_from(dice.roll(6)).unwrap_or(0);
    let house = if number == 0 { 12 } else { house };
    let along = house as f64;
    let beside = (dice.roll(7) as f64 - 3.0) * 0.000_03;
    let (lon, lat) = (lon + east * along + north.signum() * beside, lat + north * along + beside);
    let trade = if number == 0 { TRADES.first() } else { by_weight(dice) };
    let Some((ending, kind, format, lines, _)) = trade else { return Vec::new() };
    let person = format!("{}{}", dice.text(&FAMILY), dice.text(&GIVEN));
    let rep = REPS
        .iter()
        .find(|(known, _)| known == territory)
        .and_then(|(_, reps)| reps.get(number / STREETS.len() % 2))
        .copied()
        .unwrap_or_default();
    let grade = if number == 0 { "B级" } else { grade(dice) };
    let mut shop: Shop = vec![
        ("客户编号", format!("K{:04}", number + 1).into()),
        ("客户名称*", format!("{name}{ending}").into()),
        ("客户性质", Cell::from(*kind)),
        ("零售业态", Cell::from(*format)),
        ("片区", Cell::from(*territory)),
        ("业务员", Cell::from(rep)),
        ("客户等级", grade.into()),
        ("联系人/老板", person.clone().into()),
        ("详细地址", address(street, house, dice).into()),
        ("联系电话", phones(number, dice)),
    ];
    if !dice.percent(6) {
        shop.push(("经度", Cell::Number((lon * 1e6).round() / 1e6)));
        shop.push(("纬度", Cell::Number((lat * 1e6).round() / 1e6)));
    }
    if dice.percent(35) {
        let code = credit_code(number + 1);
        shop.push(("营业执照名称", format!("演示市{territory}区{name}{ending}（{person}）").into()));
        shop.push(("统一社会信用代码", code.into()));
    }
    details(number, lines, dice, &mut shop);
    shop
}

/// An invented code with a check digit that fits.
fn credit_code(number: usize) -> String {
    let body = format!("92320500MADEM{number:04}");
    "0123456789ABCDEFGHJKLMNPQRTUWXY".chars().map(|check| format!("{body}{check}")).find(|code| uscc::is_valid(code)).unwrap_or_default()
}

fn details(number: usize, lines: &str, dice: &mut Dice, shop: &mut Shop) {
    let place = dice.text(&["居民区", "居民区店", "小区", "商业中心店", "商业街", "学校", "地铁口", "医院", "工业园", "乡镇", ""]);
    shop.push(("客户地域", place.into()));
    let hours = dice.text(&[
        "08:00-11:30/14:00-18:00",
        "07:30-21:30",
        "8:00～20:00",
        "06:30-22:00",
        "24小时",
        "早8点到晚9点",
        "09:00-12:00/13:30-21:00",
        "周一至周五 08:00-18:00;周六 09:00-17:00",
        "０８：３０－１９：００",
        "",
    ]);
    shop.push(("营业时间", hours.into()));
    shop.push(("服务时长（分钟）", Cell::Number([10.0, 12.0, 15.0, 15.0, 20.0, 25.0, 30.0].get(number % 7).copied().unwrap_or(15.0))));
    if dice.percent(12) {
        shop.push(("店休日", dice.text(&["周日", "星期一", "周六、周日", "周三"]).into()));
    }
    if dice.percent(80) {
        let staff = 1 + dice.roll(9);
        shop.push(("职工人数", if dice.percent(15) { Cell::Text(format!("约{staff}人")) } else { Cell::Number(staff as f64) }));
    }
    if dice.percent(75) {
        let ten_thousands = 8 + dice.roll(240);
        shop.push(match dice.roll(10) {
            0 => ("年销售额（万元）", full_width(ten_thousands).into()),
            _ => ("年销售额（万元）", Cell::Number(ten_thousands as f64 + [0.0, 0.5].get(number % 2).copied().unwrap_or(0.0))),
        });
    }
    if dice.percent(60) {
        shop.push(("发展潜力", dice.text(&["高", "中", "低", "4", "3", "5分 新小区交房", "2"]).into()));
    }
    shop.push(("经营品类", lines.into()));
    if dice.percent(40) {
        shop.push(("标签", dice.text(&["冷柜", "临街", "冷柜、临街", "夜间营业", "新店", "团购"]).into()));
    }
    if dice.percent(18) {
        let problem = dice.text(&["货架位置靠里", "竞品陈列面大", "回款偏慢，需提前电话", "仓库小，少量多次送货", "门口不好停车"]);
        shop.push(("存在的问题", problem.into()));
    }
    shop.push(("建档人", dice.text(&["王芳", "李强", "刘洋", "周婷", "小赵", ""]).into()));
    let (month, day) = (1 + dice.roll(12), 1 + dice.roll(28));
    let small = |number: u64| u8::try_from(number).unwrap_or(1);
    shop.push((
        "建档日期",
        match dice.roll(12) {
            0 => format!("2025年{month}月{day}日").into(),
            1 => format!("2025.{month}.{day}").into(),
            2 => Cell::from(""),
            _ => Cell::Day(2025, small(month), small(day)),
        },
    ));
}

fn by_weight(dice: &mut Dice) -> Option<&'static (&'static str, &'static str, &'static str, &'static str, u64)> {
    let mut left = dice.roll(100);
    TRADES.iter().find(|(.., weight)| {
        let here = left < *weight;
        left = left.saturating_sub(*weight);
        here
    })
}

fn grade(dice: &mut Dice) -> &'static str {
    match dice.roll(100) {
        0..10 => "A级",
        10..36 => "B级",
        36..80 => "C",
        80..95 => "D级",
        _ => "",
    }
}

fn address(street: &str, house: usize, dice: &mut Dice) -> String {
    match dice.roll(10) {
        0 => format!("{street}{}号", full_width(u64::try_from(house).unwrap_or(1))),
        1 => format!("{street}{house}号底商{}室", 101 + dice.roll(4)),
        2 => format!("{street} {house} 号"),
        _ => format!("{street}{house}号"),
    }
}

fn phones(number: usize, dice: &mut Dice) -> Cell {
    let mobile = format!("1390000{number:04}");
    let landline = format!("0512-8888{number:04}");
    match dice.roll(10) {
        0 | 1 => Cell::Number(mobile.parse().unwrap_or(0.0)),
        2 => format!("{landline}/{mobile}").into(),
        3 => format!("139 0000 {number:04}").into(),
        4 => landline.into(),
        5 => format!("{mobile}、{landline}").into(),
        6 if number > 40 => Cell::from(""),
        _ => mobile.into(),
    }
}

fn full_width(number: u64) -> String {
    number.to_string().chars().filter_map(|digit| char::from_u32(u32::from(digit) + 0xFEE0)).collect()
}

/// Rows that the report has something to say about.
fn wrong_rows() -> Vec<Shop> {
    let row = |name: &str, cells: &[(&'static str, &str)]| -> Shop {
        let mut shop: Shop = vec![("客户名称*", name.into()), ("客户性质", "零售商".into())];
        shop.extend(cells.iter().map(|(title, cell)| (*title, Cell::from(*cell))));
        shop
    };
    vec![
        row("校验错一超市", &[("统一社会信用代码", "92320500MADEM90011"), ("片区", "城东"), ("详细地址", "杨枝塘路901号")]),
        row("少一位便利店", &[("统一社会信用代码", "92320500MADEM900"), ("片区", "城西"), ("详细地址", "枫杨路902号")]),
        row("有字母欧烟酒店", &[("统一社会信用代码", "92320500MADEMO03X2"), ("片区", "城南")]),
        row("", &[("联系人/老板", "佚名"), ("联系电话", "13900009904"), ("片区", "城北")]),
        row("惠民超市", &[("详细地址", "人民路12号"), ("片区", "城东"), ("客户等级", "B级")]),
        row("惠民生活超市", &[("详细地址", "人民路14号"), ("片区", "城东")]),
        row("改了名的店", &[("联系电话", "13900000001"), ("片区", "城东")]),
        row("远方杂货铺", &[("客户编号", "K0991"), ("片区", "城外"), ("业务员", "查无此人"), ("详细地址", "何山路991号")]),
        row(
            "说不清便民点",
            &[("客户编号", "K0992"), ("片区", "城北"), ("职工人数", "十几个"), ("营业时间", "看心情"), ("建档日期", "去年冬天")],
        ),
        row("半个坐标商店", &[("客户编号", "K0993"), ("片区", "城南"), ("经度", "120.61")]),
    ]
}
