//! When two shops may be one. Belongs here: the core of a name, the street of an address, nearness. Pure.
//! Never: deciding what is done about it (`plan`).

use super::datum::Degrees;
use super::draft::Keys;

/// Words at the end of a name that say what kind of shop it is, longest first.
const ENDINGS: &[&str] = &[
    "有限责任公司",
    "股份有限公司",
    "有限公司",
    "分公司",
    "便利超市",
    "生活超市",
    "生鲜超市",
    "连锁超市",
    "平价超市",
    "仓储超市",
    "综合超市",
    "食品商店",
    "烟酒商行",
    "百货商店",
    "副食商店",
    "便利店",
    "便民店",
    "经营部",
    "批发部",
    "烟酒店",
    "烟酒行",
    "小卖部",
    "专营店",
    "专卖店",
    "连锁店",
    "文具店",
    "食品店",
    "副食店",
    "粮油店",
    "日用品",
    "小超市",
    "大超市",
    "总店",
    "分店",
    "门店",
    "商贸",
    "贸易",
    "超市",
    "商店",
    "商行",
    "商场",
    "百货",
    "便利",
    "烟酒",
    "副食",
    "食品",
    "文具",
    "生活",
    "生鲜",
    "餐馆",
    "饭店",
    "餐厅",
    "面馆",
    "店",
];
/// Metres within which two shops with like names may be one.
pub(super) const NEAR_M: f64 = 100.0;

/// Metres between two shops from which on they are not in one place, however exact their positions are.
const ELSEWHERE_M: f64 = 1_000.0;

/// Whether two shops with one name are branches of a chain: both the phone and the place are known of both and are others,
/// or each has a credit code of its own.
pub(super) fn another_branch(a: &Keys, b: &Keys) -> bool {
    let codes = matches!((&a.uscc, &b.uscc), (Some(one), Some(other)) if one != other);
    let phones = !a.phones.is_empty() && !b.phones.is_empty() && a.phones.is_disjoint(&b.phones);
    codes || (phones && elsewhere(a, b))
}

/// Whether two addresses or positions are known and are others. One address within the other is the same, written longer.
pub(super) fn elsewhere(a: &Keys, b: &Keys) -> bool {
    let (one, other) = (a.address.as_ref().or(a.region.as_ref()), b.address.as_ref().or(b.region.as_ref()));
    let texts = matches!((one, other), (Some(one), Some(other)) if !one.contains(other.as_str()) && !other.contains(one.as_str()));
    let places = matches!((a.place, b.place), (Some(one), Some(other)) if metres(one, other) > ELSEWHERE_M);
    texts || places
}

/// What is left of a name in normal form without the words for its kind; never less than two characters.
pub(super) fn core(name: &str) -> String {
    let mut rest = name;
    'again: loop {
        for ending in ENDINGS {
            if let Some(shorter) = rest.strip_suffix(ending)
                && shorter.chars().count() >= 2
            {
                rest = shorter;
                continue 'again;
            }
        }
        return rest.to_owned();
    }
}

/// Whether two names in normal form may mean the same shop: equal cores, one holding the other, or one character in
/// three or more mistyped, added or missing (two in six or more).
pub(super) fn names_alike(a: &str, b: &str) -> bool {
    let (a, b) = (core(a), core(b));
    let (long, short) = if a.chars().count() >= b.chars().count() { (&a, &b) } else { (&b, &a) };
    let (long_len, short_len) = (long.chars().count(), short.chars().count());
    if short_len < 2 {
        return a == b;
    }
    if long.starts_with(short.as_str()) || long.ends_with(short.as_str()) {
        return true;
    }
    let allowed = if short_len >= 6 { 2 } else { 1 };
    short_len >= 3 && long_len - short_len <= allowed && distance(&a, &b) <= allowed
}

/// Edits between two short texts (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (j, d) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX - 1) + 1;
            let left = next.last().copied().unwrap_or(usize::MAX - 1) + 1;
            let across = row.get(j).copied().unwrap_or(usize::MAX - 1) + usize::from(c != *d);
            next.push(above.min(left).min(across));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// The street of an address in normal form, without province, city, district and house number: `苏州市姑苏区人民路12号` is
/// `人民路`. `None` if no street is named.
pub(super) fn street(address: &str) -> Option<String> {
    let mut rest = address;
    for end in ["省", "自治区", "市", "区", "县", "镇", "街道"] {
        if let Some((before, after)) = rest.split_once(end)
            && before.chars().count() <= 8
            && !before.chars().any(|c| c.is_ascii_digit())
            && !after.is_empty()
        {
            rest = after;
        }
    }
    for end in ["大道", "大街", "路", "街", "巷", "弄", "道", "road", "street"] {
        if let Some((name, _)) = rest.split_once(end) {
            let name: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
            if !name.is_empty() {
                return Some(format!("{name}{end}"));
            }
        }
    }
    None
}

/// Metres between two places; exact enough for shops in one street.
pub(super) fn metres(a: Degrees, b: Degrees) -> f64 {
    const METRES_A_DEGREE: f64 = 111_195.0;
    let north = (a.lat - b.lat) * METRES_A_DEGREE;
    let east = (a.lon - b.lon) * METRES_A_DEGREE * a.lat.to_radians().cos();
    north.hypot(east)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_their_core() {
        assert_eq!(core("惠民超市"), "惠民");
        assert_eq!(core("苏州惠民商贸有限公司"), "苏州惠民");
        assert_eq!(core("大超市"), "大超市", "never less than two characters");
        for (a, b) in [
            ("惠民超市", "惠民生活超市"),
            ("鑫鑫便利店", "鑫鑫便民店"),
            ("苏州惠民商贸有限公司", "惠民超市"),
            ("平江人家面馆", "平江人佳面馆"),
        ] {
            assert!(names_alike(a, b), "{a} {b}");
        }
        for (a, b) in [("惠民超市", "惠友超市"), ("永辉超市", "永和超市"), ("城东文具", "城西文具")] {
            assert!(!names_alike(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_street_is_found() {
        for address in ["人民路12号", "苏州市姑苏区人民路21号", "江苏省苏州市人民路", "人民路12号3幢"] {
            assert_eq!(street(address).as_deref(), Some("人民路"), "{address}");
        }
        assert_eq!(street("金鸡湖大道88号").as_deref(), Some("金鸡湖大道"));
        assert_eq!(street("12mainstreet").as_deref(), Some("mainstreet"));
        assert_eq!(street("东门口"), None);
    }

    #[test]
    fn metres_are_metres() {
        let a = Degrees { lon: 120.62, lat: 31.31 };
        let b = Degrees { lon: 120.62, lat: 31.311 };
        assert!((metres(a, b) - 111.2).abs() < 0.1);
    }
}
