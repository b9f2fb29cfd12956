//! How people title the columns of a customer list. Belongs here: data only, one line a field.
//! Never: code. Titles are compared in normal form (`columns::normal`), so case, spaces, full-width letters,
//! punctuation and hints in parentheses need no lines of their own.
//!
//! The labels of the schema are known without being listed; these are the other names in use.

/// One field of a customer list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// What the column fills: a field id of the schema, an entry field (`phones.number`), or one of the columns that
    /// only an import has (`import.…`).
    pub id: &'static str,
    /// Whether several columns may fill it.
    pub many: bool,
    /// Titles in use.
    pub titles: &'static [&'static str],
}

const fn one(id: &'static str, titles: &'static [&'static str]) -> Known {
    Known { id, many: false, titles }
}

const fn many(id: &'static str, titles: &'static [&'static str]) -> Known {
    Known { id, many: true, titles }
}

/// Every known column. The first has to be the name: a list without it is none.
pub const KNOWN: &[Known] = &[
    one("trade_name", &[
        "名称", "客户名称", "客户名", "客户", "店名", "店铺名称", "门店名称", "门店", "商店名称", "网点名称", "终端名称", "招牌名称",
        "经销商名称", "商户名称", "name", "customer", "customer name", "shop", "shop name", "store", "store name", "outlet",
        "outlet name", "trade name",
    ]),
    one("legal_name", &[
        "法定名称", "营业执照名称", "执照名称", "营业执照名", "注册名称", "工商名称", "企业名称", "公司名称", "单位名称", "公司全称",
        "legal name", "company", "company name", "registered name",
    ]),
    one("uscc", &[
        "统一社会信用代码", "社会信用代码", "信用代码", "统一信用代码", "税号", "纳税人识别号", "营业执照号", "营业执照号码", "执照号",
        "uscc", "unified social credit code", "credit code", "tax id", "licence number", "license number",
    ]),
    one("customer_no", &[
        "客户编号", "客户编码", "客户代码", "编号", "编码", "客户号", "门店编号", "门店编码", "店号", "网点编号", "customer no",
        "customer number", "customer code", "customer id", "code", "no", "number", "store code",
    ]),
    one("short_name", &["简称", "客户简称", "门店简称", "short name"]),
    many("aliases", &["别名", "曾用名", "俗称", "alias", "aliases", "also known as"]),
    one("addresses.text", &[
        "地址", "详细地址", "门店地址", "店铺地址", "客户地址", "经营地址", "营业地址", "收货地址", "送货地址", "联系地址", "街道地址",
        "address", "shop address", "street", "street address", "delivery address",
    ]),
    one("import.province", &["省", "省份", "所在省", "province"]),
    one("import.city", &["市", "城市", "所在市", "地市", "city"]),
    one("import.district", &["区县", "县", "区", "县区", "所在区", "所属区县", "district", "county"]),
    one("addresses.parking_note", &["停车", "停车说明", "停车情况", "parking", "parking note"]),
    one("import.longitude", &["经度", "lng", "lon", "long", "longitude", "x坐标", "坐标x"]),
    one("import.latitude", &["纬度", "lat", "latitude", "y坐标", "坐标y"]),
    one("import.coordinates", &[
        "坐标", "经纬度", "经度纬度", "位置坐标", "gps", "gps坐标", "定位", "定位坐标", "coordinates", "location coordinates",
        "lng lat", "lon lat",
    ]),
    one("import.datum", &["坐标系", "坐标系统", "坐标类型", "datum", "coordinate system"]),
    many("phones.number", &[
        "电话", "手机", "联系电话", "手机号", "手机号码", "电话号码", "联系方式", "固话", "固定电话", "座机", "座机号码", "移动电话",
        "店主电话", "老板电话", "联系人电话", "联系人手机", "联系手机", "门店电话", "店铺电话", "收货电话", "订货电话", "电话1", "电话2", "电话3",
        "手机1", "手机2", "手机号1", "手机号2", "联系电话1", "联系电话2", "备用电话", "其他电话", "phone", "phones", "mobile", "telephone",
        "tel", "phone number", "mobile number", "contact number", "contact phone", "mobile phone", "phone 1", "phone 2",
        "phone 3", "landline", "cell", "cell phone",
    ]),
    one("import.owner_name", &[
        "联系人", "老板", "店主", "所有者", "业主", "老板姓名", "店主姓名", "联系人姓名", "店主名", "经营者", "投资人", "contact",
        "contact person", "contact name", "owner name", "proprietor", "shop owner",
    ]),
    one("import.manager_name", &["经营管理者", "店长", "店长姓名", "经理", "管理者", "shop manager", "store manager"]),
    one("import.legal_representative", &["法人", "法人代表", "法定代表人", "法人姓名", "legal representative"]),
    one("founded_on", &[
        "创业时间", "成立时间", "成立日期", "开业时间", "开业日期", "开店时间", "founded", "founded on", "opened", "established",
    ]),
    one("first_trade_on", &[
        "与本公司交易时间", "首次交易", "首次交易日期", "合作时间", "合作日期", "开始合作时间", "开户日期", "开户时间", "首单日期",
        "trading since", "customer since", "first trade", "first order date",
    ]),
    one("legal_form", &["企业组织形式", "组织形式", "企业类型", "主体类型", "legal form", "enterprise form"]),
    one("ownership_form", &["所有权", "所有制", "所有权性质", "经济性质", "ownership", "ownership form"]),
    one("line_of_business", &[
        "业种", "行业", "所属行业", "主营业务", "经营范围", "主营", "line of business", "industry", "trade",
    ]),
    one("assets", &["资产", "资产总额", "总资产", "资产规模", "assets", "total assets"]),
    one("business_type", &[
        "客户性质", "客户类型", "类型", "性质", "客户类别", "客户分类", "客户种类", "customer type", "business type", "type", "category",
    ]),
    one("location_type", &["客户地域", "地域", "商圈", "商圈类型", "位置类型", "地段", "店铺位置", "location type", "location"]),
    one("retail_format", &[
        "零售业态", "业态", "门店类型", "店铺类型", "店型", "终端类型", "门店业态", "retail format", "format", "store type", "shop type",
        "outlet type",
    ]),
    one("channel_level", &["渠道层级", "层级", "渠道级别", "客户层级", "channel level", "tier"]),
    many("service_area", &["服务区域", "覆盖区域", "辐射范围", "service area", "area served"]),
    one("sales_capability", &["销售能力", "sales capability"]),
    one("potential", &["发展潜力", "潜力", "potential"]),
    one("business_philosophy", &["经营观念", "经营理念", "business philosophy"]),
    one("policy", &["经营方针与政策", "经营方针", "经营政策", "policy"]),
    one("management_style", &["经营管理特点", "管理特点", "management style"]),
    one("headcount", &["职工人数", "员工人数", "人数", "员工数", "店员人数", "从业人数", "headcount", "employees", "staff"]),
    one("turnover", &[
        "销售额", "营业额", "年销售额", "年营业额", "年销量", "月销售额", "月营业额", "月均销售额", "turnover", "annual turnover",
        "annual sales", "sales", "revenue", "monthly turnover", "monthly sales",
    ]),
    one("staff_quality", &["经营管理者和销售人员的素质", "人员素质", "staff quality"]),
    one("cooperation", &["业务联系及合作态度", "合作态度", "合作情况", "配合度", "cooperation", "attitude"]),
    one("reputation", &["信誉与形象", "信誉", "口碑", "企业信誉", "reputation"]),
    one("activity", &["销售活动状况", "销售状况", "经营状况", "activity", "sales activity"]),
    one("problems", &["存在的问题", "存在问题", "问题", "problems", "issues"]),
    one("strengths", &["保持的优势", "优势", "strengths"]),
    one("countermeasures", &["未来的对策", "对策", "countermeasures"]),
    many("competitors.brand", &["竞品", "竞品品牌", "竞争品牌", "竞争对手", "competitor", "competitors", "competitor brands"]),
    many("tags", &["标签", "客户标签", "tag", "tags", "labels"]),
    many("product_lines", &["经营品类", "品类", "经营品种", "主营品类", "在售品类", "product lines", "categories", "products"]),
    one("time_windows", &[
        "收货时间", "收货时间窗", "拜访时间", "拜访时间窗", "营业时间", "营业时段", "开店时段", "可拜访时间", "送货时间", "opening hours",
        "business hours", "hours", "time window", "time windows", "delivery window",
    ]),
    one("service_minutes", &[
        "服务时长", "停留时间", "拜访时长", "停留时长", "服务时间分钟", "卸货时间", "service minutes", "service time", "visit minutes",
    ]),
    many("closed_days", &["店休日", "休息日", "公休日", "休业日", "closed days", "closed", "day off"]),
    one("grade", &["客户等级", "等级", "级别", "客户级别", "评级", "abc分类", "门店等级", "grade", "customer grade", "class", "rank"]),
    one("territory_id", &[
        "区域", "片区", "所属区域", "销售区域", "所属片区", "大区", "辖区", "territory", "region", "area", "sales area", "zone",
    ]),
    one("owner_id", &[
        "负责人", "业务员", "销售员", "业代", "客户经理", "业务代表", "跟进人", "所属业务员", "负责业务员", "推销员", "销售代表", "责任人",
        "owner", "salesperson", "sales rep", "rep", "representative", "account owner", "account manager",
    ]),
    one("visit_interval_days", &[
        "拜访间隔", "拜访频率", "拜访周期", "拜访间隔天", "访问周期", "visit interval", "visit interval days", "visit frequency", "interval",
    ]),
    one("lifecycle", &["状态", "客户状态", "合作状态", "门店状态", "status", "lifecycle", "state"]),
    one("import.remark", &["备注", "说明", "其他", "其它", "备注说明", "remark", "remarks", "note", "notes", "comment", "comments"]),
    one("import.claimed_author", &["建档人", "录入人", "创建人", "填表人", "登记人", "采集人", "created by", "recorded by", "entered by"]),
    one("import.claimed_at", &[
        "日期", "建档日期", "建档时间", "录入日期", "录入时间", "创建日期", "创建时间", "登记日期", "填表日期", "采集日期", "date", "created",
        "created on", "created at", "recorded on", "entry date",
    ]),
    one("import.ignored", &["序号", "行号", "serial", "serial number", "row", "index", "#", "no."]),
];
