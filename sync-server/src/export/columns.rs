//! The columns of an exported customer list. Belongs here: their ids, order and titles. Never: values.
//!
//! Ids are those that an import knows (`crate::import::synonyms`), titles are labels of the schema: a list that was written
//! is understood when it is read.

use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
use roadbook_core::model::schema::Label;
use roadbook_core::model::{Field, FieldType, Merge};

use super::Language;

/// How a cell is typed in a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellType {
    /// Text, whatever it looks like.
    Text,
    /// A number.
    Number,
    /// A number with six decimals.
    Degrees,
    /// An amount with two decimals.
    Money,
    /// A calendar day, if the day is known.
    Date,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Field id, `list.field`, `import.…` or `x.…`.
    pub id: String,
    /// Title.
    pub title: String,
    /// How its cells are typed.
    pub cell: CellType,
}

/// Id, title and type of a column that a list of entries becomes.
type Part = (&'static str, Label, CellType);

/// Columns that lists of entries and positions become.
const PARTS: &[(&str, &[Part])] = &[
    (
        "addresses",
        &[
            ("addresses.text", Label::new("地址", "Address"), CellType::Text),
            ("import.longitude", Label::new("经度", "Longitude"), CellType::Degrees),
            ("import.latitude", Label::new("纬度", "Latitude"), CellType::Degrees),
            ("addresses.parking", Label::new("停车说明", "Parking note"), CellType::Text),
        ],
    ),
    ("phones", &[("phones.number", Label::new("电话", "Phone"), CellType::Text)]),
    (
        "stakeholders",
        &[
            ("import.owner_name", Label::new("所有者", "Owner name"), CellType::Text),
            ("import.manager_name", Label::new("经营管理者", "Shop manager"), CellType::Text),
            ("import.legal_representative", Label::new("法人", "Legal representative"), CellType::Text),
        ],
    ),
    ("competitors", &[("competitors.brand", Label::new("竞品品牌", "Competitor brands"), CellType::Text)]),
    ("time_windows", &[("time_windows", Label::new("拜访时间窗", "Time windows"), CellType::Text)]),
];
/// Fields that are links or follow-up, not part of a list of customers.
const LEFT_OUT: &[&str] = &["parent", "prospect_stage", "substitute", "substitute_until", "merged_into", "credit_badge"];

/// The columns in the order of the form: number and name first, then the field side, then the office side, then the
/// company's own fields. The last is the customer's id: an import knows its customer by it, whatever was corrected.
#[must_use]
pub fn columns(language: Language, extensions: &[String]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for field in CUSTOMER.fields().chain(OFFICE.fields()).filter(|field| !LEFT_OUT.contains(&&*field.id)) {
        if let Some((_, parts)) = PARTS.iter().find(|(list, _)| *list == field.id) {
            columns.extend(parts.iter().map(|(id, label, cell)| Column {
                id: (*id).to_owned(),
                title: title(label, language),
                cell: *cell,
            }));
        } else if matches!(field.merge, Merge::Fact | Merge::Register | Merge::Set | Merge::Text) {
            columns.push(Column { id: field.id.to_string(), title: title(&field.label, language), cell: cell_type(field) });
        }
    }
    if let Some(at) = columns.iter().position(|column| column.id == "customer_no") {
        let number = columns.remove(at);
        columns.insert(0, number);
    }
    columns.extend(extensions.iter().map(|id| Column {
        title: if id == "x.remark" { language.of("备注", "Remark").to_owned() } else { id.clone() },
        id: id.clone(),
        cell: CellType::Text,
    }));
    columns.push(Column {
        id: "import.customer".to_owned(),
        title: title(&Label::new("客户标识", "Customer id"), language),
        cell: CellType::Text,
    });
    columns
}

fn title(label: &Label, language: Language) -> String {
    language.of(&label.zh, &label.en).to_owned()
}

fn cell_type(field: &Field) -> CellType {
    match (&field.merge, &field.ty) {
        (Merge::Set | Merge::Text, _) => CellType::Text,
        (_, FieldType::Integer { .. }) => CellType::Number,
        (_, FieldType::Money) => CellType::Money,
        (_, FieldType::Date) => CellType::Date,
        (
            _,
            FieldType::Line(_)
            | FieldType::Prose(_)
            | FieldType::Code(_)
            | FieldType::Rating
            | FieldType::Phone
            | FieldType::Geo
            | FieldType::Bool
            | FieldType::Window
            | FieldType::Uscc
            | FieldType::Reference
            | FieldType::Instant
            | FieldType::Stamp
            | FieldType::Structure,
        ) => CellType::Text,
    }
}
