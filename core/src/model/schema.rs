//! Schema as data: what kinds, sections and fields are. Forms, validation, rows, import, export, search and the permission
//! table are derived from it. No documents here, no storage: only the types; the kinds themselves are in `kinds/`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::crdt::{Genesis, Shape};

/// A name in the two languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Chinese.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Label {
    /// A label known at compile time.
    #[must_use]
    pub const fn new(zh: &'static str, en: &'static str) -> Self {
        Self { zh: Cow::Borrowed(zh), en: Cow::Borrowed(en) }
    }
}

/// Who a person is in the company. Stable codes; one person has one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 销售员
    Salesperson,
    /// 调度
    Dispatcher,
    /// 销售主管
    Supervisor,
    /// 销售部经理
    Manager,
    /// 财务
    Finance,
    /// 管理员: accounts and devices, not customers' content.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [Self::Salesperson, Self::Dispatcher, Self::Supervisor, Self::Manager, Self::Finance, Self::Admin];

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Salesperson => "salesperson",
            Self::Dispatcher => "dispatcher",
            Self::Supervisor => "supervisor",
            Self::Manager => "manager",
            Self::Finance => "finance",
            Self::Admin => "admin",
        }
    }
    /// The role of a code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }
    /// Its name.
    #[must_use]
    pub const fn label(self) -> Label {
        match self {
            Self::Salesperson => Label::new("销售员", "Salesperson"),
            Self::Dispatcher => Label::new("调度", "Dispatcher"),
            Self::Supervisor => Label::new("销售主管", "Supervisor"),
            Self::Manager => Label::new("销售经理", "Sales manager"),
            Self::Finance => Label::new("财务", "Finance"),
            Self::Admin => Label::new("管理员", "Administrator"),
        }
    }
}

/// Authority class of a field: what happens when people disagree, and who may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// Free: merges silently.
    A,
    /// Material: concurrent different values make one review item.
    B,
    /// Guarded: only listed roles write; anyone else proposes.
    C,
    /// Server-authoritative: phones read.
    D,
}

/// How a field merges.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Merge {
    /// A reported fact, with a verified slot on the office side ("2S").
    Fact,
    /// One register; rivals are kept, the later corrected time is shown ("LWW").
    Register,
    /// Add-wins set of short texts or codes ("SET").
    Set,
    /// List by key; each entry has these fields; an edit beats a concurrent removal ("KEY").
    Entries(Cow<'static, [Field]>),
    /// Text that merges character by character ("TXT").
    Text,
    /// Write-once entries, ordered by corrected time, then operation id ("LOG").
    Log(Cow<'static, [Field]>),
    /// Sum of signed movements ("CNT"); only inside entries.
    Counter,
    /// Written once with the document ("ONCE").
    Once,
}

/// What a value of a field looks like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum FieldType {
    /// One line, at most this many characters.
    Line(u16),
    /// Several lines, at most this many characters.
    Prose(u16),
    /// Whole number between two bounds, with a unit label where it has one.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// Money: map of `amount` (minor units: fen), `currency` (ISO 4217), and `as_of` (date) or `period` (`2025`, `2025-07`, `2025-Q3`).
    Money,
    /// Calendar date `YYYY-MM-DD`, also `YYYY` or `YYYY-MM` where only that is known.
    Date,
    /// A code of a value set.
    Code(&'static ValueSet),
    /// Map of `score` 1 to 5 and `reason`.
    Rating,
    /// A phone number as typed; compared by its normal form.
    Phone,
    /// Map of `lat`, `lon` (WGS-84, 1e-7 degrees), `accuracy_m`, and `datum`, `raw` as captured.
    Geo,
    /// Yes or no.
    Bool,
    /// Map of `open`, `close` (minutes since local midnight) and `days` (text of digits 1 to 7, Monday first).
    Window,
    /// Unified social credit code, GB 32100-2015 with check digit.
    Uscc,
    /// Id of a document, person or blob.
    Reference,
    /// A moment, milliseconds since 1970.
    Instant,
    /// A moment with position: map of `claimed`, `lat`, `lon`, `accuracy_m`, `provider`, `mock`, `distance_m`, `label`.
    Stamp,
    /// Any bounded value: for structures of another room (plans, step results).
    Structure,
}

/// Codes with labels; a retired code stays readable.
#[derive(Debug, PartialEq, Serialize)]
pub struct ValueSet {
    /// Stable id.
    pub id: &'static str,
    /// Its name.
    pub label: Label,
    /// The codes.
    pub codes: &'static [Code],
}

/// One code of a value set.
#[derive(Debug, PartialEq, Serialize)]
pub struct Code {
    /// Stable code.
    pub id: &'static str,
    /// Its name.
    pub label: Label,
    /// Code that takes its place, for a retired one.
    pub retired_for: Option<&'static str>,
}

impl ValueSet {
    /// The entry of a code.
    #[must_use]
    pub fn code(&self, id: &str) -> Option<&'static Code> {
        self.codes.iter().find(|code| code.id == id)
    }
}

/// One field of a kind, or of an entry of one of its lists.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Stable id; `x.` begins a company's own.
    pub id: Cow<'static, str>,
    /// Its name.
    pub label: Label,
    /// What its value looks like.
    pub ty: FieldType,
    /// How it merges.
    pub merge: Merge,
    /// Who prevails.
    pub class: Class,
    /// Days for which an observation counts as fresh; `None`: for ever.
    pub fresh_days: Option<u16>,
    /// Weight in the card's completeness and freshness; 0 leaves it out.
    pub weight: u8,
    /// Schema version that brought it.
    pub since: u32,
}

impl Field {
    /// A free reported fact of one line; the builders below refine it.
    #[must_use]
    pub const fn fact(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Self {
        Self {
            id: Cow::Borrowed(id),
            label: Label::new(zh, en),
            ty,
            merge: Merge::Fact,
            class: Class::A,
            fresh_days: None,
            weight: 1,
            since: 1,
        }
    }
    /// With another way to merge.
    #[must_use]
    pub const fn merged(mut self, merge: Merge) -> Self {
        // `Field` owns no heap data in a const context: the old value is a unit variant.
        core::mem::forget(core::mem::replace(&mut self.merge, merge));
        self
    }
    /// With an authority class.
    #[must_use]
    pub const fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }
    /// Fresh for so many days.
    #[must_use]
    pub const fn fresh(mut self, days: u16) -> Self {
        self.fresh_days = Some(days);
        self
    }
    /// With a weight in completeness and freshness.
    #[must_use]
    pub const fn weight(mut self, weight: u8) -> Self {
        self.weight = weight;
        self
    }
    /// The fields of an entry, for lists and logs.
    #[must_use]
    pub fn entry_fields(&self) -> &[Self] {
        match &self.merge {
            Merge::Entries(fields) | Merge::Log(fields) => fields,
            Merge::Fact | Merge::Register | Merge::Set | Merge::Text | Merge::Counter | Merge::Once => &[],
        }
    }
}

/// Fields that are shown together.
#[derive(Debug, PartialEq, Serialize)]
pub struct Section {
    /// Stable id.
    pub id: &'static str,
    /// Its name.
    pub label: Label,
    /// Its fields in order.
    pub fields: &'static [Field],
}

/// Part of a kind that has its own writers: the permission table is kind.part × role × relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Part(pub &'static str);

/// A container of a kind's documents, and the part it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container {
    /// Its name in the document.
    pub name: &'static str,
    /// Registers or text.
    pub shape: Shape,
    /// Whose rights apply.
    pub part: Part,
    /// Most bytes of one register's value.
    pub value_bytes_max: usize,
}

/// A kind of document.
#[derive(Debug)]
pub struct Kind {
    /// Stable id.
    pub id: &'static str,
    /// Its name.
    pub label: Label,
    /// Schema version; grows when containers or fields are added.
    pub version: u32,
    /// For few eyes: whoever gives such a document up keeps no byte of it but own changes that are undecided, and no dictionary is
    /// learnt from it. Whoever oversees a thousand customers opens by name what belongs to one.
    pub private: bool,
    /// The deterministic first changes.
    pub genesis: Genesis,
    /// Its containers.
    pub containers: &'static [Container],
    /// What its forms show, in order.
    pub sections: &'static [Section],
}

impl Kind {
    /// A field by id, top level only.
    #[must_use]
    pub fn field(&self, id: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.id == id)
    }
    /// All top-level fields in form order.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.sections.iter().flat_map(|section| section.fields.iter())
    }
    /// A container by name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&'static Container> {
        self.containers.iter().find(|container| container.name == name)
    }
}
