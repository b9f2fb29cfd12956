//! What an import did, or would do, told to people. Belongs here: the report as data, as text in Chinese and English, as
//! `.csv`, and the rows to put right as `.xlsx`. Never: deciding (`plan`).

use std::collections::BTreeMap;

use rust_xlsxwriter::{Format, Workbook};
use serde::Serialize;

use super::changes::Change;
use super::columns::Columns;
use super::datum::Datum;
use super::plan::{Decision, Other, Planned, Why};
use super::synonyms::KNOWN;
use super::table::{LeftOut, LeftOutReason, Table};
use crate::export::Language;
use crate::export::files::{FileError, guarded};
use crate::export::words::{field_of, label_of, short};

/// How many rows came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New customers.
    pub created: usize,
    /// Customers with news.
    pub updated: usize,
    /// Customers without.
    pub unchanged: usize,
    /// Rows that may be a customer that is there or a row above.
    pub possible_duplicates: usize,
    /// Rows of which nothing is written.
    pub refused: usize,
    /// Cells that were left out of rows that are written.
    pub cells_left_out: usize,
}

/// The report of one import.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name of the file.
    pub file: String,
    /// Name of the sheet; empty for a text file.
    pub sheet: String,
    /// Visible sheets that were not read.
    pub other_sheets: Vec<String>,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Number of the row of titles.
    pub title_row: u32,
    /// Which column fills what.
    pub columns: Columns,
    /// Numbers, from 1, of columns that have content and no title; nothing of them was imported.
    pub untitled: Vec<usize>,
    /// What positions were taken to refer to: rows by datum.
    pub datums: BTreeMap<Datum, usize>,
    /// Rows that are no customers.
    pub left_out: Vec<LeftOut>,
    /// How many rows came to what.
    pub counts: Counts,
    /// Every row.
    pub rows: Vec<Planned>,
}

impl Report {
    /// The report of a plan.
    #[must_use]
    pub fn new(file: &str, table: &Table, columns: Columns, rows: Vec<Planned>, dry_run: bool) -> Self {
        let mut counts = Counts::default();
        for row in &rows {
            match &row.decision {
                Decision::Create => counts.created += 1,
                Decision::Update { .. } => counts.updated += 1,
                Decision::Unchanged => counts.unchanged += 1,
                Decision::PossibleDuplicate { .. } => counts.possible_duplicates += 1,
                Decision::Refused => counts.refused += 1,
            }
            if row.decision != Decision::Refused {
                counts.cells_left_out += row.notes.iter().filter(|note| note.fault.leaves_cell_out()).count();
            }
        }
        Self {
            file: file.to_owned(),
            sheet: table.sheet.clone(),
            other_sheets: table.other_sheets.clone(),
            dry_run,
            title_row: table.title_row,
            columns,
            untitled: table.untitled(),
            datums: BTreeMap::new(),
            left_out: table.left_out.clone(),
            counts,
            rows,
        }
    }

    /// The report as text: sums, columns, then every row of which a person should know. Rows that were simply created or
    /// unchanged are only counted, unless `every_row`.
    #[must_use]
    pub fn text(&self, language: Language, every_row: bool) -> String {
        let mut lines = vec![self.headline(language), self.sums(language)];
        let known: Vec<String> =
            self.columns.known.iter().map(|column| format!("{} → {}", column.title, title_of(&column.field, language))).collect();
        lines.push(format!("{}{}", language.of("列：", "columns: "), known.join(language.of("，", ", "))));
        let untitled = self.untitled.iter().map(|number| match language {
            Language::Zh => format!("第 {number} 列（无标题）"),
            Language::En => format!("column {number} (no title)"),
        });
        let unknown: Vec<String> = self.columns.unknown.iter().cloned().chain(untitled).collect();
        if !unknown.is_empty() {
            let titles = unknown.join(language.of("、", ", "));
            lines.push(format!("{}{titles}", language.of("未识别的列（未导入）：", "unknown columns (not imported): ")));
        }
        for column in &self.columns.known {
            lines.extend(column.unclear.iter().map(|word| match language {
                Language::Zh => format!("{}：“{word}”不是已知单位，数值按原样导入", column.title),
                Language::En => format!("{}: “{word}” is no known unit; numbers were taken as they stand", column.title),
            }));
        }
        for (datum, rows) in &self.datums {
            let datum = datum.label();
            lines.push(match language {
                Language::Zh => format!("坐标系：{rows} 行按 {datum} 读取"),
                Language::En => format!("datum: positions of {rows} rows were read as {datum}"),
            });
        }
        if !self.other_sheets.is_empty() {
            let names = self.other_sheets.join(language.of("、", ", "));
            lines.push(format!("{}{names}", language.of("未读取的工作表：", "sheets not read: ")));
        }
        lines.extend(self.left_out.iter().map(|row| left_out(*row, language)));
        for row in &self.rows {
            let quiet = matches!(row.decision, Decision::Create | Decision::Unchanged) && row.notes.is_empty();
            if every_row || !quiet {
                let what = outcome(&row.decision, language);
                let details = details(row, language);
                let (number, space) = (row.row, if row.name.is_empty() { "" } else { " " });
                let line = match language {
                    Language::Zh => format!("第 {number} 行{space}{}：{what}", row.name),
                    Language::En => format!("row {number}{space}{}: {what}", row.name),
                };
                lines.push(if details.is_empty() { line } else { format!("{line}{}{details}", language.of("。", ". ")) });
            }
        }
        lines.join("\n") + "\n"
    }

    fn headline(&self, language: Language) -> String {
        let sheet = if self.sheet.is_empty() { String::new() } else { format!(" [{}]", self.sheet) };
        let dry = if self.dry_run { language.of("（试运行，未写入）", " (dry run, nothing written)") } else { "" };
        format!("{}{sheet}{dry}", self.file)
    }

    fn sums(&self, language: Language) -> String {
        let Counts { created, updated, unchanged, possible_duplicates, refused, cells_left_out } = self.counts;
        let rows = self.rows.len();
        match language {
            Language::Zh => format!(
                "共 {rows} 行：新建 {created}，更新 {updated}，无变化 {unchanged}，可能重复 {possible_duplicates}，拒绝 {refused}；略去单元格 {cells_left_out}"
            ),
            Language::En => format!(
                "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {possible_duplicates} possible duplicates, {refused} refused; {cells_left_out} cells left out"
            ),
        }
    }

    /// Every row as `.csv` with row number, name, outcome, details and customer id.
    ///
    /// # Errors
    /// [`FileError::Text`].
    pub fn csv(&self, language: Language) -> Result<Vec<u8>, FileError> {
        let mut bytes = vec![0xEF, 0xBB, 0xBF];
        {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
            let titles = [("行号", "Row"), ("名称", "Name"), ("结果", "Outcome"), ("说明", "Details"), ("客户标识", "Customer id")];
            writer.write_record(titles.map(|(zh, en)| language.of(zh, en)))?;
            for row in &self.rows {
                let subject = if row.decision == Decision::Refused { String::new() } else { row.subject.to_string() };
                writer.write_record([
                    row.row.to_string(),
                    guarded(&row.name),
                    outcome(&row.decision, language),
                    guarded(&details(row, language)),
                    subject,
                ])?;
            }
            writer.flush().map_err(csv::Error::from)?;
        }
        Ok(bytes)
    }

    /// The rows that were refused or held back as `.xlsx`: row number and reason, then the row as it stood. It can be put
    /// right there and imported. `None` if there is no such row.
    ///
    /// # Errors
    /// [`FileError::Workbook`].
    pub fn rows_to_put_right(&self, table: &Table, language: Language) -> Result<Option<Vec<u8>>, FileError> {
        let waiting = |row: &&Planned| matches!(row.decision, Decision::Refused | Decision::PossibleDuplicate { created: false, .. });
        if !self.rows.iter().any(|row| waiting(&row)) {
            return Ok(None);
        }
        let mut book = Workbook::new();
        let (bold, text) = (Format::new().set_bold(), Format::new().set_num_format("@"));
        let page = book.add_worksheet().set_name(language.of("待更正", "To put right"))?;
        let titles = [language.of("行号", "Row"), language.of("导入结果", "Import outcome"), language.of("原因", "Reason")];
        let headers = titles.into_iter().chain(table.headers.iter().map(String::as_str));
        for (at, title) in (0_u16..).zip(headers) {
            page.write_string_with_format(0, at, title, &bold)?;
        }
        for (line, row) in (1_u32..).zip(self.rows.iter().filter(waiting)) {
            page.write_number(line, 0, row.row)?;
            page.write_string(line, 1, outcome(&row.decision, language))?;
            page.write_string(line, 2, details(row, language))?;
            let cells = table.rows.binary_search_by_key(&row.row, |row| row.number).ok().and_then(|at| table.rows.get(at));
            for (at, cell) in (3_u16..).zip(cells.map(|row| row.cells.as_slice()).unwrap_or_default()) {
                if !cell.is_empty() {
                    page.write_string_with_format(line, at, cell, &text)?;
                }
            }
        }
        page.set_freeze_panes(1, 0)?;
        page.set_column_width(2, 48)?;
        Ok(Some(book.save_to_buffer()?))
    }
}

/// What a column fills: the label of the schema, else a title in use in that language.
fn title_of(field: &str, language: Language) -> String {
    let known = KNOWN.iter().find(|known| known.id == field);
    let chinese = language == Language::Zh;
    known
        .filter(|_| field_of(field).is_none())
        .and_then(|known| known.titles.iter().find(|title| title.is_ascii() != chinese))
        .map_or_else(|| label_of(field, language), |title| (*title).to_owned())
}

fn left_out(row: LeftOut, language: Language) -> String {
    let reason = match row.reason {
        LeftOutReason::Separator => language.of("分隔行", "a separator"),
        LeftOutReason::RepeatedTitles => language.of("重复的标题行", "the titles once more"),
        LeftOutReason::Total => language.of("合计行", "a total"),
    };
    match language {
        Language::Zh => format!("第 {} 行：{reason}，略过", row.number),
        Language::En => format!("row {}: {reason}, left out", row.number),
    }
}

fn outcome(decision: &Decision, language: Language) -> String {
    match decision {
        Decision::Create => language.of("新建", "created"),
        Decision::Update { .. } => language.of("更新", "updated"),
        Decision::Unchanged => language.of("无变化", "unchanged"),
        Decision::PossibleDuplicate { created: false, .. } => language.of("可能重复，未写入", "possible duplicate, held back"),
        Decision::PossibleDuplicate { created: true, .. } => language.of("可能重复，已新建", "possible duplicate, created"),
        Decision::Refused => language.of("拒绝", "refused"),
    }
    .to_owned()
}

fn details(row: &Planned, language: Language) -> String {
    let mut parts: Vec<String> = Vec::new();
    match &row.decision {
        Decision::Update { changes } => parts.extend(changes.iter().map(|change| changed(change, language))),
        Decision::PossibleDuplicate { of, why, .. } => {
            let others: Vec<String> = of.iter().map(|other| other_words(other, language)).collect();
            let reasons: Vec<&str> = why.iter().map(|why| why_words(*why, language)).collect();
            let (others, reasons) = (others.join(language.of("、", ", ")), reasons.join(language.of("、", ", ")));
            parts.push(format!("{others}{}{reasons}", language.of("：", ": ")));
        }
        Decision::Create | Decision::Unchanged | Decision::Refused => {}
    }
    for note in &row.notes {
        let fault = match language {
            Language::Zh => note.fault.zh(),
            Language::En => note.fault.en(),
        };
        let column = note.column.as_str();
        parts.push(if column.is_empty() { fault } else { format!("{column}{}{fault}", language.of("：", ": ")) });
    }
    parts.join(language.of("；", "; "))
}

fn changed(change: &Change, language: Language) -> String {
    let label = label_of(&change.field, language);
    let (from, to) = (short(&change.field, &change.from, language), short(&change.field, &change.to, language));
    if from.is_empty() { format!("{label} {to}") } else { format!("{label} {from} → {to}") }
}

fn other_words(other: &Other, language: Language) -> String {
    match (other, language) {
        (Other::Customer(subject), Language::Zh) => format!("客户 {subject}"),
        (Other::Customer(subject), Language::En) => format!("customer {subject}"),
        (Other::Row(row), Language::Zh) => format!("第 {row} 行"),
        (Other::Row(row), Language::En) => format!("row {row}"),
    }
}

const fn why_words(why: Why, language: Language) -> &'static str {
    match why {
        Why::SameInFile => language.of("本文件中已有", "already in this file"),
        Why::SamePhone => language.of("电话相同，名称不同", "same phone, other name"),
        Why::LikeNameSameStreet => language.of("同街道名称相近", "like name in the same street"),
        Why::LikeNameNearby => language.of("百米内名称相近", "like name within 100 m"),
        Why::OtherUscc => language.of("名称相同，信用代码不同", "same name, other credit code"),
        Why::SameName => language.of("名称相同，无法判断是否同一家店", "same name, and nothing says whether it is the same shop"),
        Why::SameNumber => language.of("客户编号相同，但不像同一家店", "same customer number, but another shop by all else"),
    }
}
