//! The cast of the scenarios: who works where, on which devices, and the customers they talk about. Data only.

use roadbook_core::ids::{DeviceId, Ms, SubjectId, UserId};
use roadbook_core::signing::SoftwareKey;
use roadbook_server::access::Role;

/// Monday 2026-03-02, midnight in China (+08:00).
pub(crate) const MONDAY: Ms = Ms(1_772_380_800_000);
/// Minutes east of UTC of the company's calendar.
pub(crate) const OFFSET_MINUTES: i32 = 480;

/// 城东
pub(crate) const EAST: &str = "east";
/// 城西
pub(crate) const WEST: &str = "west";

/// A person of the cast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    pub(crate) login: &'static str,
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) territories: &'static [&'static str],
}

const fn person(login: &'static str, name: &'static str, role: Role, territories: &'static [&'static str]) -> Person {
    Person { login, name, role, territories }
}

/// Everybody.
pub(crate) const PEOPLE: [Person; 8] = [
    person("wf", "王芳", Role::Salesperson, &[EAST]),
    person("lq", "李强", Role::Salesperson, &[EAST]),
    person("zm", "赵敏", Role::Dispatcher, &[EAST]),
    person("sl", "孙丽", Role::Supervisor, &[EAST, WEST]),
    person("cg", "陈刚", Role::Manager, &[]),
    person("zk", "周会计", Role::Finance, &[]),
    // A representative of 城西, who must see nothing of 城东.
    person("xw", "谢伟", Role::Salesperson, &[WEST]),
    person("ad", "管理员", Role::Admin, &[]),
];

/// The person's id.
pub(crate) fn user(login: &str) -> UserId {
    UserId::derived(&format!("cast/{login}"))
}

/// A device is named after its person and a number: `wf1`.
pub(crate) fn device(name: &str) -> DeviceId {
    DeviceId::derived(&format!("cast/{name}"))
}

/// The key that a device signs with.
pub(crate) fn key(device: DeviceId) -> SoftwareKey {
    let mut secret = [1; 32];
    secret.iter_mut().zip(device.as_bytes()).for_each(|(to, from)| *to = *from);
    SoftwareKey::from_secret(&secret).unwrap()
}

/// Whose device it is; a copy of one, `wf1 copy 2`, is the same person's.
pub(crate) fn owner(device: &str) -> UserId {
    let first = device.split(' ').next().unwrap_or(device);
    user(first.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// A customer that a phone makes: the same id at every run, of the shape that phones make.
pub(crate) fn made(name: &str) -> SubjectId {
    SubjectId::fresh(MONDAY, *SubjectId::derived(name).as_bytes())
}

/// Customer C1, C2, …: headquarters made them.
pub(crate) fn customer(n: u8) -> SubjectId {
    SubjectId::derived(&format!("cast/C{n}"))
}

/// Their names.
pub(crate) const SHOPS: [&str; 9] =
    ["惠民超市", "好又来便利店", "春风小卖部", "东门烟酒店", "学府文具", "鑫鑫便利店", "大桥批发部", "老街食杂店", "城西百货"];
