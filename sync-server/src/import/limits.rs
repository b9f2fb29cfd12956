//! What a customer list may weigh. Belongs here: every bound of reading a file, with its unit. Never: code.

/// Bytes of an uploaded file of any format.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of all parts of one `.xlsx` after inflating, counted while inflating and not as declared.
pub const INFLATED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of one shared string table after inflating: it is held in memory as a whole.
pub const SHARED_STRINGS_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Entries of one shared string table, as it declares them: memory is reserved for that many.
pub const SHARED_STRINGS_MAX: u64 = 8_000_000;
/// Parts inside one `.xlsx`.
pub const ZIP_PARTS_MAX: usize = 4_096;
/// Sheets of one workbook.
pub const SHEETS_MAX: usize = 256;
/// Rows of one table that are not empty.
pub const ROWS_MAX: usize = 200_000;
/// Columns of one table.
pub const COLUMNS_MAX: usize = 256;
/// Cells of one sheet that are not empty.
pub const CELLS_MAX: usize = 8_000_000;
/// Unicode scalar values of one cell: what a spreadsheet program itself allows.
pub const CELL_CHARS_MAX: usize = 32_767;
/// Bytes of all cell texts of one sheet, repeated texts counted each time.
pub const TEXT_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Cells of the rectangles that span the used cells of an `.xls`, all sheets added up: they are held densely.
pub const XLS_AREA_MAX: u64 = 6_000_000;
/// Continuation records of one record of an `.xls` (a full shared string table has about 4 000).
pub const XLS_CONTINUES_MAX: usize = 8_192;
/// Rows that are looked at to find the row of titles.
pub const TITLE_ROWS_MAX: usize = 30;
/// Merged regions of one sheet.
pub const MERGES_MAX: usize = 100_000;
