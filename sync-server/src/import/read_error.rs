//! Why a file could not be read as a table. Belongs here: the error of the reading half of this room.
//! Never: what is wrong with single rows (a row is refused in the report, the file is not).

use thiserror::Error;

/// Why a file could not be read as a table. Messages name the thing, the cause and what to do; none holds
/// content of a customer.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The file has no bytes or no filled cell.
    #[error("the file is empty")]
    Empty,
    /// A named limit of `limits` was passed.
    #[error("the file has too much of {what}: at most {max} are read; split it")]
    TooMuch {
        /// What there is too much of, with its unit.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// One cell is longer than a spreadsheet program allows.
    #[error("row {row} has a cell of more than {max} characters; shorten it")]
    CellTooLong {
        /// Row as shown in the file.
        row: u32,
        /// The limit in characters.
        max: usize,
    },
    /// A quotation mark opens a cell of a text file, and none closes it where one could.
    #[error(
        "row {row} has a quotation mark (\") without its partner: what follows would be one cell; take the mark away, or save the list as .xlsx"
    )]
    LoneQuote {
        /// Row as shown in the file.
        row: u32,
    },
    /// The bytes are neither UTF-8 nor GB18030.
    #[error("the text is neither UTF-8 nor GB18030 (GBK); save the file as .xlsx or as “CSV UTF-8”")]
    UnknownEncoding,
    /// A format that is known and not read.
    #[error("this is {found}; open it in a spreadsheet program and save it as .xlsx")]
    OtherFormat {
        /// The format in words.
        found: &'static str,
    },
    /// The workbook is encrypted.
    #[error("the workbook is protected by a password; save it without one")]
    Password,
    /// The container or a part of it is broken.
    #[error("the file is damaged or not a {format} file; open it in a spreadsheet program and save it again")]
    Damaged {
        /// `.xlsx`, `.xls` or `.csv`.
        format: &'static str,
    },
    /// The sheet asked for is not in the workbook.
    #[error("there is no sheet “{asked}”; the workbook has {has}")]
    NoSuchSheet {
        /// The name asked for.
        asked: String,
        /// The names there are.
        has: String,
    },
    /// No row looks like a row of titles.
    #[error("no row of titles was found in the first {looked_at} rows; one row must name the columns, “客户名称” (name) among them")]
    NoTitles {
        /// How many rows were looked at.
        looked_at: usize,
    },
}
