//! An assertion: one atomic statement about a field, with its provenance, as a register holds it.
//! Who made it, when and on which device are the change's; see `crdt::ChangeMeta` and `clock`.
//!
//! ```text
//! register  = version:u8  cbor
//! version   = 1
//! cbor      = map { 0: value, 1: source, 2: source document, 3: observed at (ms), 4: note, 5: claimed author,
//!                   6: claimed time (ms), 7: evidence (blob hash or document id) }
//! ```
//! Unknown numbers are skipped on reading; an assertion is never rewritten by anyone, so what a newer app put into it stays.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::value::Value;
use crate::crdt::{Past, Rival};
use crate::ids::Ms;

/// Version of the coding: the first byte of every register.
pub const ASSERTION_VERSION: u8 = 1;

/// Where a value comes from. Stable codes of value set `source`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// 访问
    #[default]
    #[n(0)]
    Visit,
    /// 客户填写
    #[n(1)]
    CustomerForm,
    /// 调查机构
    #[n(2)]
    SurveyAgency,
    /// 工商登记
    #[n(3)]
    Register,
    /// 财务
    #[n(4)]
    Finance,
    /// 导入
    #[n(5)]
    Import,
    /// 系统
    #[n(6)]
    System,
    /// 总部录入
    #[n(7)]
    Office,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 8] =
        [Self::Visit, Self::CustomerForm, Self::SurveyAgency, Self::Register, Self::Finance, Self::Import, Self::System, Self::Office];
    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::CustomerForm => "customer_form",
            Self::SurveyAgency => "survey_agency",
            Self::Register => "register",
            Self::Finance => "finance",
            Self::Import => "import",
            Self::System => "system",
            Self::Office => "office",
        }
    }
    /// The source of a code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.code() == code)
    }
}

/// One atomic statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Assertion {
    /// What is asserted; null says that there is nothing.
    #[n(0)]
    pub value: Value,
    /// Where it comes from; most come from visits.
    #[n(1)]
    pub source: Option<Source>,
    /// The document or file behind it: a visit, a form, `file!sheet!row`.
    #[n(2)]
    pub source_doc: Option<String>,
    /// When it was observed, if not when it was written.
    #[n(3)]
    pub observed_at: Option<Ms>,
    /// Free remark.
    #[n(4)]
    pub note: Option<String>,
    /// Who is said to have made it, for imported rows.
    #[n(5)]
    pub claimed_author: Option<String>,
    /// When it is said to have been made, for imported rows.
    #[n(6)]
    pub claimed_at: Option<Ms>,
    /// What proves it: blob hash or document id.
    #[n(7)]
    pub evidence: Option<String>,
}

impl Assertion {
    /// A bare value.
    #[must_use]
    pub fn of(value: impl Into<Value>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }
    /// With its source.
    #[must_use]
    pub fn from_source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }
    /// Observed at another moment than it is written.
    #[must_use]
    pub const fn observed(mut self, at: Ms) -> Self {
        self.observed_at = Some(at);
        self
    }
    /// The register's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![ASSERTION_VERSION];
        // Writing into a vector cannot fail, and no field's coding raises an error of its own.
        let _infallible = minicbor::encode(self, &mut bytes);
        bytes
    }
    /// Reads a register's bytes; `None` when they are of a newer version or no assertion: such a register is carried, not shown.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, cbor) = bytes.split_first()?;
        if *version != ASSERTION_VERSION {
            return None;
        }
        minicbor::decode(cbor).ok()
    }
    /// The assertion of a rival.
    #[must_use]
    pub fn of_rival(rival: &Rival) -> Option<Self> {
        Self::from_bytes(&rival.bytes)
    }
    /// The assertion of a past value.
    #[must_use]
    pub fn of_past(past: &Past) -> Option<Self> {
        Self::from_bytes(&past.bytes)
    }
}
