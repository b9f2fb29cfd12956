//! The customer card as apps see it. Mirrors of `roadbook_core::model::card`.

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{ChangeHash, EntryId, Ms, SubjectId, UserId};
use roadbook_core::model::card::{Badge, Card, Element, Entry, Fact, LogEntry, Review, Said, Verified};
use roadbook_core::model::clock::Corrected;
use roadbook_core::model::{Source, Value};

use crate::values::{Facts, Lists, Logs, Sets, Texts};

/// Where a value comes from.
#[uniffi::remote(Enum)]
pub enum Source {
    /// 访问
    Visit,
    /// 客户填写
    CustomerForm,
    /// 调查机构
    SurveyAgency,
    /// 工商登记
    Register,
    /// 财务
    Finance,
    /// 导入
    Import,
    /// 系统
    System,
    /// 总部录入
    Office,
}

/// A moment with what is known about it.
#[uniffi::remote(Record)]
pub struct Corrected {
    /// The device's clock, milliseconds since 1970.
    pub claimed: Ms,
    /// The best knowledge of the true moment.
    pub at: Ms,
    /// The device's clock was wrong and nobody knows yet by how much.
    pub unsure: bool,
    /// How far headquarters' clock was ahead of the device's, where that is known and matters.
    pub offset_ms: Option<i64>,
}

/// One assertion with who made it and when.
#[uniffi::remote(Record)]
pub struct Said {
    /// What was said.
    pub value: Value,
    /// Where it comes from.
    pub source: Source,
    /// The document behind it.
    pub source_doc: Option<String>,
    /// Free remark.
    pub note: Option<String>,
    /// Who is said to have made it, for imported rows.
    pub claimed_author: Option<String>,
    /// The person; none for what an import or the system wrote without one.
    pub author: Option<UserId>,
    /// Name of the operation.
    pub op: String,
    /// The change.
    pub change: ChangeHash,
    /// When it was written.
    pub written: Corrected,
    /// When it was observed: never after it was written.
    pub observed: Ms,
}

/// How a shown value stands.
#[uniffi::remote(Enum)]
pub enum Badge {
    /// Nothing to say.
    Plain,
    /// Reported, not verified (未审核).
    Unverified,
    /// Verified (已审核).
    Verified,
    /// A report newer than the verified value is shown (已有新报告).
    NewerThanVerified,
    /// The verified value is shown, a report waits (新报告待审核).
    ReportWaiting,
}

/// A verified value on the office side.
#[uniffi::remote(Record)]
pub struct Verified {
    /// The value.
    pub value: Value,
    /// The assertion it verifies.
    pub op: Option<String>,
    /// When that was observed.
    pub observed: Option<Ms>,
    /// Who verified.
    pub by: Option<UserId>,
    /// When.
    pub at: Ms,
    /// How: a code of value set `verify_method`.
    pub method: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// Assertions that were looked at and decided.
    pub seen: Vec<String>,
}

/// One fact of a card.
#[uniffi::remote(Record)]
pub struct Fact {
    /// What is shown.
    pub value: Value,
    /// How it stands.
    pub badge: Badge,
    /// Every current assertion, best first: more than one means that people disagree.
    pub rivals: Vec<Said>,
    /// The verified value.
    pub verified: Option<Verified>,
    /// The report that waits for a decision.
    pub waiting: Option<Said>,
    /// Whether that report exceeds the verified number by far.
    pub high: bool,
    /// When the shown value was last confirmed (仍正确).
    pub confirmed_at: Option<Ms>,
    /// Until when it counts as fresh; none for ever.
    pub fresh_until: Option<Ms>,
}

/// One element of a set.
#[uniffi::remote(Record)]
pub struct Element {
    /// The text or code.
    pub value: String,
    /// Who added it last.
    pub said: Said,
}

/// One entry of a keyed list: a phone, an address, a person, a promise.
#[uniffi::remote(Record)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// Its fields.
    pub fields: Facts,
    /// Somebody removed it while somebody else edited it: kept, and marked.
    pub kept: bool,
    /// Entries that say the same; removing one removes all.
    pub twins: Vec<EntryId>,
}

/// One entry of a log.
#[uniffi::remote(Record)]
pub struct LogEntry {
    /// Its id.
    pub id: String,
    /// What was written.
    pub said: Said,
}

/// A field on which people disagree.
#[uniffi::remote(Record)]
pub struct Review {
    /// Path of the field.
    pub path: String,
    /// The values, best first.
    pub options: Vec<Said>,
}

/// A customer card (客户档案卡). The order, names and types of its fields are the schema's.
#[uniffi::remote(Record)]
pub struct Card {
    /// The customer.
    pub subject: SubjectId,
    /// What the form shows: pass it back with the edit, so that nothing is overwritten that its user did not see.
    pub heads: Heads,
    /// The same of the office side.
    pub office_heads: Heads,
    /// Facts by field, company fields (`x.…`) included.
    pub facts: Facts,
    /// Sets by field.
    pub sets: Sets,
    /// Keyed lists by field, live entries only.
    pub lists: Lists,
    /// Texts by field.
    pub texts: Texts,
    /// Logs by field, oldest first.
    pub logs: Logs,
    /// The office side: grade, territory, owner, interval.
    pub office: Facts,
    /// What people disagree about.
    pub reviews: Vec<Review>,
    /// When the card was begun.
    pub created: Option<Corrected>,
    /// When the field side last changed.
    pub changed: Option<Ms>,
}
