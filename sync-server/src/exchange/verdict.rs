//! What the gate said about a change, as the device is told and as the quarantine keeps it. Codes are stable.

use roadbook_core::crdt::gate::Refusal;
use roadbook_core::exchange::{Outcome, Verdict};
use roadbook_core::ids::ChangeHash;

/// The table of rights says no.
pub const NO_RIGHT: &str = "no_right";
/// The customer is not known here.
pub const UNKNOWN_CUSTOMER: &str = "unknown_customer";
/// Only headquarters writes this.
pub const HEADQUARTERS_ONLY: &str = "headquarters_only";
/// It builds on something that was set aside.
pub const FOLLOWS_REFUSED: &str = "follows_refused";
/// Its author has lost the right, longer ago than the grace for late contributions.
pub const LATE_BEYOND_GRACE: &str = "late_beyond_grace";
/// Its author has lost the right, and it builds on something younger than that.
pub const LATE_KNEW: &str = "late_knew";
/// The device had handed in everything and may hand in nothing more.
pub const AFTER_DRAIN: &str = "after_drain";
/// A carried batch is not signed by the device that it names.
pub const BAD_SIGNATURE: &str = "bad_signature";
/// After a restore: headquarters' own side of a card, as a device had received it.
pub const RECOVERED_OFFICE: &str = "recovered_office";
/// After a restore: it builds on changes that headquarters lost as well and that nobody has handed back yet.
pub const RECOVERED_ALONE: &str = "recovered_alone";
/// It builds on changes that have not reached headquarters, and whoever brought it has nothing more to bring.
pub const WAITS: &str = "waits";
/// What was set aside for these is taken in by itself once what it builds on is there.
pub const WAITING: [&str; 2] = [WAITS, RECOVERED_ALONE];
/// The device was revoked, or its person disabled.
pub const REVOKED: &str = "revoked";
/// This server does not know the kind.
pub const UNKNOWN_KIND: &str = "unknown_kind";
/// The document exists with another kind or subject, or its id does not fit its subject.
pub const WRONG_DOCUMENT: &str = "wrong_document";
/// The document was erased for good; nothing of this change is kept.
pub const ERASED: &str = roadbook_core::exchange::ERASED;
/// It took the process down when it was tried.
pub const DIED_IN_TRIAL: &str = "died_in_trial";
/// Its actor belongs to another device or document.
pub const FOREIGN_ACTOR: &str = "foreign_actor";
/// Its actor wrote another change of the same number.
pub const FORKED: &str = "forked";

/// The stable code of a refusal; `None`: nothing is wrong with the change, it is to come again.
#[must_use]
pub fn code(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal {
        Refusal::Chunk(_) | Refusal::NotCanonical | Refusal::Reference { .. } | Refusal::Genesis => "malformed",
        Refusal::Author => "foreign_author",
        Refusal::Actor => FOREIGN_ACTOR,
        Refusal::Sequence { .. } | Refusal::Line | Refusal::Counter { .. } => "broken_line",
        Refusal::Time => "impossible_time",
        Refusal::Schema { .. } => "not_in_schema",
        Refusal::Denied(denied) => denied.0,
        Refusal::Full { .. } => "document_full",
        Refusal::Engine(_) => "engine_refused",
        Refusal::Document(_) => return None,
    })
}

/// What a code means, for the person whose change it is.
#[must_use]
pub fn words(code: &str) -> &'static str {
    match code {
        NO_RIGHT => "您没有修改此内容的权限 · you do not have the right to write this",
        UNKNOWN_CUSTOMER => "总部没有这位客户 · headquarters does not know this customer",
        HEADQUARTERS_ONLY => "只有总部可以写入 · only headquarters writes this",
        FOLLOWS_REFUSED => "基于一条被搁置的修改 · it builds on a change that was set aside",
        LATE_BEYOND_GRACE => "客户移交已超过宽限期,需要经理决定 · handed over longer ago than the grace; a manager decides",
        LATE_KNEW => "客户移交之后的修改 · made after the customer was handed over",
        AFTER_DRAIN => "此设备已停用并已交清,不再接收 · this device was switched off and had handed in everything; nothing more is taken",
        BAD_SIGNATURE => "代交的数据签名不符 · the carried batch is not signed by the device that it names",
        RECOVERED_OFFICE => {
            "服务器恢复后由手机交回的总部资料,需确认 · headquarters' own record, handed back by a phone after a restore; confirm it"
        }
        RECOVERED_ALONE => {
            "服务器恢复后由手机交回,所依据的修改尚未交回 · handed back after a restore; what it builds on has not come back yet"
        }
        WAITS => "所依据的修改尚未到达总部,到达后自动接收 · what it builds on has not reached headquarters; it is taken in once that comes",
        REVOKED => "此设备或账号已停用 · this device or account was switched off",
        UNKNOWN_KIND => "服务器版本过旧,无法识别 · this server is too old to know this kind of record",
        WRONG_DOCUMENT => "记录编号与内容不符 · the record's id does not fit what it is about",
        ERASED => "此资料已应要求删除,不再保存 · this was erased on demand and is not kept any more",
        DIED_IN_TRIAL => "处理此修改时服务器出错 · the server failed while it tried this change",
        FORKED => "此设备的数据曾被复制或恢复 · this device's data was copied or restored",
        "foreign_author" => "作者不是本设备的用户 · its author is not this device's person",
        FOREIGN_ACTOR => "写入标识属于另一台设备或另一条记录 · its actor belongs to another device or record",
        "impossible_time" => "设备时间不可能 · the device's clock cannot be right",
        "document_full" => "记录已满 · the record is full",
        _ => "数据格式不被接受 · the data is not in an accepted form",
    }
}

/// Whether this is one of the reasons in [`WAITING`].
#[must_use]
pub fn waits(code: &str) -> bool {
    WAITING.contains(&code)
}

/// The verdict on a change that was set aside.
#[must_use]
pub fn quarantined(hash: ChangeHash, code: &str) -> Verdict {
    Verdict { hash, outcome: Outcome::Quarantined { code: code.to_owned(), why: words(code).to_owned() } }
}
