//! What can be wrong with a cell. Belongs here: the faults, whether one refuses the row, and their words in Chinese and
//! English. Never: content of cells.

use serde::Serialize;

/// What is wrong with a cell or a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// There is no name.
    NoName,
    /// More characters than the field takes.
    TooLong {
        /// The limit in characters.
        max: usize,
    },
    /// The code does not have 18 characters.
    UsccLength,
    /// The code has a character that GB 32100 leaves out.
    UsccCharacter,
    /// The check digit does not fit.
    UsccCheckDigit,
    /// Two customers are meant: the id or the credit code says one, the credit code or the customer number another.
    KeysDisagree,
    /// Not a number.
    NotANumber,
    /// A number outside the field's bounds.
    OutOfRange {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// Not a date.
    NotADate,
    /// Day and month cannot be told apart.
    AmbiguousDate,
    /// Not in the value set.
    NotInSet {
        /// Id of the value set.
        set: String,
    },
    /// Something in the cell is no telephone number.
    NotAPhone,
    /// Not opening hours.
    NotHours,
    /// Not days of the week.
    NotDays,
    /// Not coordinates.
    NotCoordinates,
    /// A longitude without a latitude, or the reverse.
    HalfCoordinates,
    /// No such datum.
    NotADatum,
    /// Not a rating from 1 to 5.
    NotARating,
    /// Headquarters has no such territory.
    NoSuchTerritory,
    /// Headquarters has no such person.
    NoSuchPerson,
    /// The cell holds an error of the spreadsheet program (`#N/A`).
    SpreadsheetError,
    /// The row says more than one save takes.
    TooManyStatements {
        /// The limit.
        max: usize,
    },
    /// The card has other hours from the field; they are kept.
    KeptFromField,
    /// The customer number is another customer's.
    NumberOfAnother,
    /// No id of a customer, as an exported list has it.
    NotACustomerId,
    /// Headquarters has no customer with this id.
    NoSuchCustomer,
    /// Titles name two datums.
    TwoDatums,
    /// Somebody removed what an import wrote here.
    RemovedSince,
    /// Several people have the name.
    SeveralPeople,
    /// Several territories have the name.
    SeveralTerritories,
    /// The person's account is switched off; the cell is written all the same.
    PersonSwitchedOff,
}

impl Fault {
    /// Whether the whole row is refused. Other faults leave out the cell and are noted.
    #[must_use]
    pub const fn refuses_row(&self) -> bool {
        matches!(
            self,
            Self::NoName
                | Self::UsccLength
                | Self::UsccCharacter
                | Self::UsccCheckDigit
                | Self::KeysDisagree
                | Self::TooManyStatements { .. }
        )
    }

    /// Whether the cell is left out; otherwise the note is only something to know.
    #[must_use]
    pub const fn leaves_cell_out(&self) -> bool {
        !matches!(self, Self::PersonSwitchedOff)
    }

    /// In Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::NoName => "没有名称".to_owned(),
            Self::TooLong { max } => format!("超过 {max} 个字"),
            Self::UsccLength => "统一社会信用代码应为 18 位".to_owned(),
            Self::UsccCharacter => "统一社会信用代码含有不允许的字符（不用 I、O、S、V、Z）".to_owned(),
            Self::UsccCheckDigit => "统一社会信用代码校验位不符，请核对".to_owned(),
            Self::KeysDisagree => "客户标识、信用代码、客户编号指向不同的客户".to_owned(),
            Self::NotANumber => "不是数字".to_owned(),
            Self::OutOfRange { min, max } => format!("应在 {min} 到 {max} 之间"),
            Self::NotADate => "不是日期".to_owned(),
            Self::AmbiguousDate => "日和月无法区分，请写成 2026-03-02".to_owned(),
            Self::NotInSet { .. } => "不在可选值之内".to_owned(),
            Self::NotAPhone => "有内容不是电话号码".to_owned(),
            Self::NotHours => "不是时间段，请写成 08:00-18:00".to_owned(),
            Self::NotDays => "不是星期".to_owned(),
            Self::NotCoordinates => "不是经纬度".to_owned(),
            Self::HalfCoordinates => "经度和纬度缺一".to_owned(),
            Self::NotADatum => "不认识的坐标系（WGS-84、GCJ-02、BD-09）".to_owned(),
            Self::NotARating => "应为 1 到 5 分".to_owned(),
            Self::NoSuchTerritory => "没有这个区域".to_owned(),
            Self::NoSuchPerson => "没有这个人员".to_owned(),
            Self::SpreadsheetError => "单元格是公式错误值".to_owned(),
            Self::TooManyStatements { max } => format!("一行内容超过 {max} 项"),
            Self::KeptFromField => "档案中已有外勤登记的内容，予以保留".to_owned(),
            Self::NumberOfAnother => "客户编号属于另一个客户，未写入编号".to_owned(),
            Self::NotACustomerId => "不是客户标识（应来自导出的名单）".to_owned(),
            Self::NoSuchCustomer => "没有这个标识的客户，改按名称等识别".to_owned(),
            Self::TwoDatums => "标题中有两种坐标系，请用 --datum 指明".to_owned(),
            Self::RemovedSince => "该项在档案中已被删除，未再写入".to_owned(),
            Self::SeveralPeople => "有几个人同名，请写登录名".to_owned(),
            Self::SeveralTerritories => "有几个区域同名，请写区域代码".to_owned(),
            Self::PersonSwitchedOff => "该人员的账号已停用（仍已写入）".to_owned(),
        }
    }

    /// In English.
    #[must_use]
    pub fn en(&self) -> String {
        match self {
            Self::NoName => "there is no name".to_owned(),
            Self::TooLong { max } => format!("longer than {max} characters"),
            Self::UsccLength => "a unified social credit code has 18 characters".to_owned(),
            Self::UsccCharacter => "the credit code has a character that is not used (no I, O, S, V, Z)".to_owned(),
            Self::UsccCheckDigit => "the check digit of the credit code does not fit; look at it again".to_owned(),
            Self::KeysDisagree => "customer id, credit code and customer number belong to different customers".to_owned(),
            Self::NotANumber => "not a number".to_owned(),
            Self::OutOfRange { min, max } => format!("not between {min} and {max}"),
            Self::NotADate => "not a date".to_owned(),
            Self::AmbiguousDate => "day and month cannot be told apart; write 2026-03-02".to_owned(),
            Self::NotInSet { .. } => "not one of the values of this field".to_owned(),
            Self::NotAPhone => "something is no telephone number".to_owned(),
            Self::NotHours => "not hours; write 08:00-18:00".to_owned(),
            Self::NotDays => "not days of the week".to_owned(),
            Self::NotCoordinates => "not coordinates".to_owned(),
            Self::HalfCoordinates => "longitude or latitude is missing".to_owned(),
            Self::NotADatum => "no known datum (WGS-84, GCJ-02, BD-09)".to_owned(),
            Self::NotARating => "not a rating from 1 to 5".to_owned(),
            Self::NoSuchTerritory => "there is no such territory".to_owned(),
            Self::NoSuchPerson => "there is no such person".to_owned(),
            Self::SpreadsheetError => "the cell holds an error of a formula".to_owned(),
            Self::TooManyStatements { max } => format!("the row says more than {max} things"),
            Self::KeptFromField => "the card has something from the field, which is kept".to_owned(),
            Self::NumberOfAnother => "the customer number is another customer's; the number was left out".to_owned(),
            Self::NotACustomerId => "no customer id; one comes from an exported list".to_owned(),
            Self::NoSuchCustomer => "there is no customer with this id; it was recognised by name and other keys".to_owned(),
            Self::TwoDatums => "the titles name two datums; say which with --datum".to_owned(),
            Self::RemovedSince => "somebody removed this from the card; it was not written again".to_owned(),
            Self::SeveralPeople => "several people have this name; write the log-in".to_owned(),
            Self::SeveralTerritories => "several territories have this name; write the code".to_owned(),
            Self::PersonSwitchedOff => "the account of this person is switched off (written all the same)".to_owned(),
        }
    }
}
