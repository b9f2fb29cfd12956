//! Value sets: codes are stable, labels are translated, a retired code stays readable. Data only.

use super::schema::{Code, Label, ValueSet};

macro_rules! value_sets {
    ($($(#[$doc:meta])* $name:ident = $id:literal $zh:literal $en:literal { $($code:literal $czh:literal $cen:literal $(=> $next:literal)?,)* })*) => {
        $($(#[$doc])* pub static $name: ValueSet = ValueSet {
            id: $id,
            label: Label::new($zh, $en),
            codes: &[$(Code { id: $code, label: Label::new($czh, $cen), retired_for: value_sets!(@next $($next)?) },)*],
        };)*
        /// Every value set.
        pub static ALL: &[&ValueSet] = &[$(&$name),*];
    };
    (@next) => { None };
    (@next $next:literal) => { Some($next) };
}

value_sets! {
    /// 所有权
    OWNERSHIP_FORM = "ownership_form" "所有权" "Ownership" {
        "state" "全民所有制" "State-owned",
        "collective" "集体所有制" "Collective",
        "individual" "个体所有制" "Individual",
        "joint_stock" "股份制" "Joint stock",
        "joint_venture" "合资" "Joint venture",
        "private_llc" "私营有限责任" "Private limited company",
        "state_llc" "国有独资" "Wholly state-owned company",
        "foreign" "外商独资" "Foreign-owned",
        "cooperative" "股份合作" "Cooperative",
        "other" "其他" "Other",
    }
    /// 客户性质
    BUSINESS_TYPE = "business_type" "客户性质" "Customer type" {
        "wholesaler" "批发店" "Wholesaler",
        "retailer" "零售商" "Retailer",
        "agent" "代理店" "Agent",
        "authorized_dealer" "特约店" "Authorised dealer",
        "chain" "连锁店" "Chain store",
        "exclusive_shop" "专营店" "Exclusive shop",
        "other" "其他" "Other",
    }
    /// 客户地域
    LOCATION_TYPE = "location_type" "客户地域" "Location" {
        "commercial_centre" "商业中心店" "Commercial centre",
        "transport_hub" "交通枢纽店" "Transport hub",
        "residential" "居民区店" "Residential area",
        "school" "学校" "School",
        "hospital" "医院" "Hospital",
        "industrial" "厂区" "Industrial area",
        "township" "乡镇" "Township",
        "scenic" "景区" "Scenic area",
        "other" "其他店铺" "Other",
    }
    /// 零售业态
    RETAIL_FORMAT = "retail_format" "零售业态" "Retail format" {
        "supermarket" "超市" "Supermarket",
        "convenience" "便利店" "Convenience store",
        "grocery" "食杂店" "Grocery",
        "tobacco_liquor" "烟酒店" "Tobacco and liquor shop",
        "restaurant" "餐饮店" "Restaurant",
        "stationery" "文具店" "Stationery shop",
        "mother_baby" "母婴店" "Mother and baby shop",
        "pharmacy" "药店" "Pharmacy",
        "department" "百货店" "Department store",
        "warehouse" "仓储" "Warehouse",
        "other" "其他" "Other",
    }
    /// 企业组织形式
    LEGAL_FORM = "legal_form" "企业组织形式" "Enterprise form" {
        "sole_trader" "个体工商户" "Sole trader",
        "sole_proprietorship" "个人独资企业" "Sole proprietorship",
        "partnership" "合伙企业" "Partnership",
        "llc" "有限责任公司" "Limited company",
        "joint_stock" "股份有限公司" "Joint stock company",
        "branch" "分公司" "Branch",
        "cooperative" "合作社" "Cooperative",
        "institution" "事业单位" "Public institution",
        "other" "其他" "Other",
    }
    /// 层级
    CHANNEL_LEVEL = "channel_level" "渠道层级" "Channel level" {
        "agent" "代理商" "Agent",
        "second_tier" "二级" "Second tier",
        "terminal" "终端" "Terminal",
    }
    /// 客户等级
    GRADE = "grade" "客户等级" "Grade" {
        "A" "A级" "A",
        "B" "B级" "B",
        "C" "C级" "C",
        "D" "D级" "D",
        "unrated" "未评级" "Unrated",
    }
    /// 状态
    LIFECYCLE = "lifecycle" "状态" "Status" {
        "prospect" "潜在客户" "Prospect",
        "active" "正常" "Active",
        "dormant" "休眠" "Dormant",
        "blocked" "停止往来" "Blocked",
        "archived" "已停用" "Archived",
    }
    /// 潜客阶段
    PROSPECT_STAGE = "prospect_stage" "潜客阶段" "Prospect stage" {
        "lead" "线索" "Lead",
        "contacted" "已联系" "Contacted",
        "visited" "已拜访" "Visited",
        "qualified" "意向" "Qualified",
        "trial_order" "试单" "Trial order",
        "customer" "成交" "Customer",
        "lost" "流失" "Lost",
        "dormant" "休眠" "Dormant",
    }
    /// 来源
    SOURCE = "source" "来源" "Source" {
        "visit" "访问" "Visit",
        "customer_form" "客户填写" "Customer's form",
        "survey_agency" "调查机构" "Survey agency",
        "register" "工商登记" "Business register",
        "finance" "财务" "Finance",
        "import" "导入" "Import",
        "system" "系统" "System",
        "office" "总部录入" "Headquarters",
    }
    /// 电话类型
    PHONE_KIND = "phone_kind" "电话类型" "Phone kind" {
        "mobile" "手机" "Mobile",
        "landline" "固定电话" "Landline",
        "wechat" "微信" "WeChat",
        "fax" "传真" "Fax",
        "other" "其他" "Other",
    }
    /// 地址类型
    ADDRESS_KIND = "address_kind" "地址类型" "Address kind" {
        "shop" "门店" "Shop",
        "warehouse" "仓库" "Warehouse",
        "billing" "开票" "Billing",
        "other" "其他" "Other",
    }
    /// 人员角色
    STAKEHOLDER_ROLE = "stakeholder_role" "人员角色" "Stakeholder role" {
        "owner" "所有者" "Owner",
        "manager" "经营管理者" "Manager",
        "legal_representative" "法人" "Legal representative",
        "buyer" "采购" "Buyer",
        "finance" "财务" "Finance",
        "other" "其他" "Other",
    }
    /// 承诺状态
    PROMISE_STATE = "promise_state" "承诺状态" "Promise state" {
        "open" "未兑现" "Open",
        "done" "已兑现" "Done",
        "cancelled" "已取消" "Cancelled",
    }
    /// 资料状态
    PAPER_STATE = "paper_state" "资料状态" "Paper state" {
        "missing" "缺少" "Missing",
        "received" "已收" "Received",
        "confirmed" "已确认" "Confirmed",
        "expired" "已过期" "Expired",
    }
    /// 沟通方向
    DIRECTION = "direction" "沟通方向" "Direction" {
        "out" "我方发出" "From us",
        "in" "客户来讯" "From the customer",
    }
    /// 沟通渠道
    CHANNEL = "channel" "沟通渠道" "Channel" {
        "visit" "面谈" "In person",
        "phone" "电话" "Phone",
        "wechat" "微信" "WeChat",
        "letter" "信函" "Letter",
        "email" "电子邮件" "E-mail",
        "other" "其他" "Other",
    }
    /// 拜访类型
    VISIT_TYPE = "visit_type" "拜访类型" "Visit type" {
        "routine" "例行" "Routine",
        "selling" "访销" "Selling",
        "delivery" "送货" "Delivery",
        "collection" "收款" "Collection",
        "manager_call" "走访" "Manager's call",
        "phone" "电话" "By phone",
        "prospect" "拓展" "Prospecting",
    }
    /// 拜访结果
    VISIT_OUTCOME = "visit_outcome" "拜访结果" "Visit outcome" {
        "order" "有订单" "Order",
        "no_order" "无订单" "No order",
        "collected" "已收款" "Collected",
        "delivered" "已送货" "Delivered",
        "closed" "关门" "Closed",
        "absent" "负责人不在" "Person absent",
        "refused" "拒访" "Refused",
        "moved" "已搬迁" "Moved",
    }
    /// 位置标记
    LOCATION_LABEL = "location_label" "位置标记" "Location label" {
        "inside" "店内" "Inside",
        "outside" "店外" "Outside",
        "unverified" "未核实" "Unverified",
        "mock_suspected" "疑似虚拟定位" "Mock suspected",
    }
    /// 核实方式
    VERIFY_METHOD = "verify_method" "核实方式" "Verification method" {
        "visit" "实地" "On site",
        "document" "证件" "Document",
        "phone" "电话" "Phone",
        "register" "工商登记" "Business register",
        "survey" "调查机构" "Survey agency",
    }
    /// 处理决定
    DECISION = "decision" "处理决定" "Decision" {
        "accept" "同意" "Accept",
        "reject" "驳回" "Reject",
        "keep" "维持原值" "Keep",
    }
    /// 照片类别
    PHOTO_KIND = "photo_kind" "照片类别" "Kind of photo" {
        "storefront" "门头" "Storefront",
        "shelf" "陈列" "Shelf",
        "display" "堆头" "Display",
        "competitor" "竞品" "Competitor",
        "receipt" "单据" "Receipt",
        "document" "文件" "Document",
        "signature" "签名" "Signature",
    }
    /// 紧急报告类别
    URGENT_KIND = "urgent_kind" "紧急报告类别" "Kind of urgent report" {
        "credit_danger" "危险客户" "Customer in danger",
        "price_dumping" "恶性竞争" "Price dumping",
        "cross_region" "窜货" "Cross-region selling",
        "complaint" "投诉" "Complaint",
        "accident" "事故" "Accident",
        "competitor" "竞品动向" "Competitor's move",
    }
    /// 严重程度
    SEVERITY = "severity" "严重程度" "Severity" {
        "medium" "一般" "Medium",
        "high" "严重" "High",
        "critical" "特急" "Critical",
    }
    /// 处理经过
    HANDLING = "handling" "处理经过" "Handling" {
        "received" "已送达" "Received",
        "acknowledged" "已读" "Acknowledged",
        "taken" "处理中" "Taken",
        "closed" "已处理" "Closed",
        "escalated" "已升级" "Escalated",
    }
    /// 信用等级
    CREDIT_GRADE = "credit_grade" "信用等级" "Credit grade" {
        "1" "赊销" "Open account",
        "2" "短账期" "Short credit",
        "3" "货到付款" "Cash on delivery",
        "4" "款到发货" "Prepayment",
        "5" "危险客户" "Blocked: dangerous customer",
    }
    /// 同意依据: on what ground somebody's traits are kept
    CONSENT_BASIS = "consent_basis" "同意依据" "Ground for keeping" {
        "written" "书面同意" "Written consent",
        "spoken" "口头同意" "Spoken consent",
        "contract" "履行合同所需" "Needed for a contract",
        "public" "公开信息" "Made public by the person",
    }
    /// 跳过原因
    SKIP_REASON = "skip_reason" "未访原因" "Reason not visited" {
        "closed" "关门" "Closed",
        "no_time" "时间不够" "No time",
        "road" "道路不通" "Road blocked",
        "customer_asked" "客户改期" "Customer postponed",
        "other" "其他" "Other",
    }
}

/// The value set of an id.
#[must_use]
pub fn set(id: &str) -> Option<&'static ValueSet> {
    ALL.iter().copied().find(|set| set.id == id)
}
