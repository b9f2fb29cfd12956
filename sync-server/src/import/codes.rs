//! Words to codes of value sets. Belongs here: other names that people use for a code, as data, and the look-up.
//! Never: the value sets (`roadbook_core::model::values`).

use roadbook_core::model::ValueSet;

use super::columns::normal;

/// Set, code, other names. Codes and labels are known without being listed.
const NAMES: &[(&str, &str, &[&str])] = &[
    ("business_type", "wholesaler", &["批发", "批发商", "批发部", "经销商", "分销商", "wholesale", "distributor"]),
    ("business_type", "retailer", &["零售", "零售店", "零售户", "终端", "终端店", "retail", "retail shop", "shop"]),
    ("business_type", "agent", &["代理", "代理商", "总代理", "一级代理"]),
    ("business_type", "authorized_dealer", &["特约", "特约商", "特约经销商", "dealer", "authorized dealer"]),
    ("business_type", "chain", &["连锁", "连锁超市", "连锁便利店", "直营连锁", "chain"]),
    ("business_type", "exclusive_shop", &["专营", "专卖店", "专卖", "exclusive"]),
    (
        "location_type",
        "commercial_centre",
        &["商业中心", "商业区", "商圈", "商业街", "闹市", "商场", "commercial", "commercial center", "mall"],
    ),
    ("location_type", "transport_hub", &["交通枢纽", "车站", "车站店", "高铁站", "地铁口", "机场", "加油站", "transport", "station"]),
    ("location_type", "residential", &["居民区", "小区", "社区", "社区店", "住宅区", "小区店", "residential", "community"]),
    ("location_type", "school", &["学校店", "校园", "校园店", "大学城", "campus"]),
    ("location_type", "hospital", &["医院店", "医院周边"]),
    ("location_type", "industrial", &["工业区", "工业园", "厂区店", "产业园", "industrial"]),
    ("location_type", "township", &["乡镇店", "农村", "镇区", "township", "rural"]),
    ("location_type", "scenic", &["景区店", "旅游区", "scenic"]),
    ("retail_format", "supermarket", &["大型超市", "大卖场", "卖场", "生活超市", "综合超市", "生鲜超市", "supermarket", "hypermarket"]),
    ("retail_format", "convenience", &["便利", "便利超市", "小超市", "convenience", "cvs"]),
    ("retail_format", "grocery", &["小卖部", "杂货店", "副食店", "食品店", "小店", "夫妻店", "粮油店", "grocery"]),
    ("retail_format", "tobacco_liquor", &["烟酒", "烟酒行", "烟酒专卖", "名烟名酒", "酒行", "烟酒店", "liquor shop"]),
    (
        "retail_format",
        "restaurant",
        &["餐饮", "餐馆", "饭店", "酒楼", "小吃店", "面馆", "快餐", "早餐店", "火锅店", "餐厅", "restaurant", "food service"],
    ),
    ("retail_format", "stationery", &["文具", "文具用品", "文化用品", "书店", "stationery"]),
    ("retail_format", "mother_baby", &["母婴", "母婴用品", "孕婴店", "婴童店"]),
    ("retail_format", "pharmacy", &["药房", "大药房", "pharmacy", "drugstore"]),
    ("retail_format", "department", &["百货", "百货商店", "日用百货", "department store"]),
    ("retail_format", "warehouse", &["仓储店", "仓储会员店", "仓库"]),
    ("ownership_form", "state", &["国有", "国营", "全民", "state-owned"]),
    ("ownership_form", "collective", &["集体"]),
    ("ownership_form", "individual", &["个体", "个体户", "个体经营"]),
    ("ownership_form", "joint_stock", &["股份", "股份公司"]),
    ("ownership_form", "joint_venture", &["中外合资", "合资企业"]),
    ("ownership_form", "private_llc", &["私营", "民营", "私企", "有限责任", "private"]),
    ("ownership_form", "foreign", &["外资", "外商投资"]),
    ("legal_form", "sole_trader", &["个体", "个体户", "个体经营"]),
    ("legal_form", "sole_proprietorship", &["个人独资", "独资"]),
    ("legal_form", "partnership", &["合伙", "合伙制"]),
    ("legal_form", "llc", &["有限公司", "有限责任", "公司", "llc", "ltd"]),
    ("legal_form", "joint_stock", &["股份公司", "股份制"]),
    ("channel_level", "agent", &["代理", "一级", "一批", "一级商", "经销商"]),
    ("channel_level", "second_tier", &["二批", "二级商", "二级批发", "分销商"]),
    ("channel_level", "terminal", &["终端店", "零售终端", "末端"]),
    ("grade", "unrated", &["未定", "未评", "待定", "none"]),
    ("lifecycle", "prospect", &["潜在", "意向", "意向客户", "未合作", "待开发", "lead"]),
    ("lifecycle", "active", &["合作", "合作中", "正常合作", "营业", "营业中", "在营", "有效", "活跃", "启用", "open"]),
    ("lifecycle", "dormant", &["沉睡", "休眠客户", "暂停", "不活跃", "inactive"]),
    ("lifecycle", "blocked", &["黑名单", "停止合作", "终止合作", "冻结"]),
    ("lifecycle", "archived", &["停用", "关闭", "已关店", "倒闭", "注销", "撤店", "失效", "作废", "closed"]),
];

/// The code that a word means in a set: by code, by label, by another name, with the word's own `级`, `类`, `客户` or `店`
/// at the end left off at last.
pub(super) fn code(set: &ValueSet, cell: &str) -> Option<&'static str> {
    let word = normal(cell);
    exact(set, &word).or_else(|| {
        ["级", "类", "客户", "店", "型", "class", "grade"]
            .iter()
            .filter_map(|end| word.strip_suffix(end).filter(|rest| !rest.is_empty()))
            .find_map(|rest| exact(set, rest))
    })
}

fn exact(set: &ValueSet, word: &str) -> Option<&'static str> {
    if word.is_empty() {
        return None;
    }
    let by_label = set
        .codes
        .iter()
        .find(|code| normal(code.id) == word || normal(&code.label.zh) == word || normal(&code.label.en) == word)
        .map(|code| code.id);
    by_label.or_else(|| {
        NAMES
            .iter()
            .filter(|(id, ..)| *id == set.id)
            .find(|(_, _, names)| names.iter().any(|name| normal(name) == word))
            .map(|(_, code, _)| *code)
    })
}

#[cfg(test)]
mod tests {
    use roadbook_core::model::values;

    use super::*;

    #[test]
    fn words_mean_codes() {
        assert_eq!(code(&values::GRADE, "Ａ级"), Some("A"));
        assert_eq!(code(&values::GRADE, "b 类客户"), None, "two endings are one too many");
        assert_eq!(code(&values::GRADE, "b类"), Some("B"));
        assert_eq!(code(&values::GRADE, "A+"), Some("A"), "signs are no letters");
        assert_eq!(code(&values::BUSINESS_TYPE, "零售商"), Some("retailer"));
        assert_eq!(code(&values::BUSINESS_TYPE, "authorized_dealer"), Some("authorized_dealer"));
        assert_eq!(code(&values::RETAIL_FORMAT, "小卖部"), Some("grocery"));
        assert_eq!(code(&values::LOCATION_TYPE, "学校"), Some("school"));
        assert_eq!(code(&values::LOCATION_TYPE, "月球"), None);
    }

    #[test]
    fn every_listed_code_exists_and_no_name_is_listed_twice() {
        let mut seen = std::collections::BTreeMap::new();
        for (set, code, names) in NAMES {
            assert!(values::set(set).is_some_and(|set| set.code(code).is_some()), "{set}.{code}");
            for name in *names {
                assert_eq!(seen.insert((set, normal(name)), code).filter(|before| before != &code), None, "{set}: {name}");
            }
        }
    }
}
