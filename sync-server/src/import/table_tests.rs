//! Reading files of every format, and hostile ones. Belongs here: tests of `table` and what lies below it.

use encoding_rs::GB18030;
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::read_error::ReadError;
use super::table::{LeftOut, LeftOutReason, ReadOptions, Table, read};

const XLS: &[u8] = include_bytes!("fixtures/small.xls");

fn table(bytes: &[u8]) -> Table {
    read(bytes, &ReadOptions::default()).unwrap()
}

fn failure(bytes: &[u8]) -> ReadError {
    read(bytes, &ReadOptions::default()).unwrap_err()
}

fn cells(table: &Table) -> Vec<(u32, Vec<&str>)> {
    table.rows.iter().map(|row| (row.number, row.cells.iter().map(String::as_str).collect())).collect()
}

fn xlsx() -> Vec<u8> {
    let mut book = Workbook::new();
    let notes = book.add_worksheet().set_name("说明").unwrap();
    notes.write(0, 0, "本表由片区整理").unwrap();
    let hidden = book.add_worksheet().set_name("旧表").unwrap();
    hidden.set_hidden(true);
    hidden.write(0, 0, "客户名称").unwrap().write(0, 1, "地址").unwrap();
    let sheet = book.add_worksheet().set_name("客户").unwrap();
    let date = Format::new().set_num_format("yyyy-mm-dd");
    sheet.merge_range(0, 0, 0, 5, "城东片区客户一览", &Format::new()).unwrap();
    for (column, title) in (0..).zip(["客户编号", "客户名称", "联系电话", "建档日期", "片区", "营业额（万元）"]) {
        sheet.write(1, column, title).unwrap();
    }
    sheet.write(2, 0, "00017").unwrap().write(2, 1, "惠民超市").unwrap().write(2, 2, 13_900_001_111.0).unwrap();
    sheet.write_with_format(2, 3, ExcelDateTime::from_ymd(2026, 3, 2).unwrap(), &date).unwrap();
    sheet.write(2, 5, 12.5).unwrap();
    sheet.write(4, 0, "00018").unwrap().write(4, 1, "鑫鑫便利店").unwrap().write(4, 2, "0512-88880001").unwrap();
    sheet.merge_range(2, 4, 4, 4, "城东", &Format::new()).unwrap();
    sheet.merge_range(5, 0, 5, 5, "以下待核", &Format::new()).unwrap();
    for (column, title) in (0..).zip(["客户编号", "客户名称", "联系电话"]) {
        sheet.write(6, column, title).unwrap();
    }
    sheet.write(7, 1, "合计：").unwrap().write(7, 5, 12.5).unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn an_xlsx_is_read_as_typed() {
    let table = table(&xlsx());
    assert_eq!((table.sheet.as_str(), table.title_row), ("客户", 2));
    assert_eq!(table.other_sheets, ["说明"]);
    assert_eq!(
        cells(&table),
        [
            (3, vec!["00017", "惠民超市", "13900001111", "2026-03-02", "城东", "12.5"]),
            (5, vec!["00018", "鑫鑫便利店", "0512-88880001", "", "城东", ""]),
        ]
    );
    assert_eq!(
        table.left_out,
        [
            LeftOut { number: 6, reason: LeftOutReason::Separator },
            LeftOut { number: 7, reason: LeftOutReason::RepeatedTitles },
            LeftOut { number: 8, reason: LeftOutReason::Total },
        ]
    );
}

#[test]
fn a_title_merged_over_columns_is_the_title_of_each() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "客户名称").unwrap();
    sheet.merge_range(0, 1, 0, 4, "地址", &Format::new()).unwrap();
    sheet.merge_range(0, 5, 0, 6, "联系电话", &Format::new()).unwrap();
    sheet.merge_range(0, 8, 0, 9, "坐标", &Format::new()).unwrap();
    for (at, cell) in (0..).zip(["甲店", "江苏省", "苏州市", "-", "人民路12号", "13900001111", "0512-88880001", "左", "120.62", "31.31"])
    {
        sheet.write(1, at, cell).unwrap();
    }
    sheet.write(2, 0, "乙店").unwrap().write(2, 4, "平江路5号").unwrap().write(2, 6, "#N/A").unwrap();
    let table = table(&book.save_to_buffer().unwrap());
    let cells: Vec<Vec<&str>> = table.rows.iter().map(|row| [0, 1, 4, 5, 6, 7, 8].into_iter().map(|at| row.cell(at)).collect()).collect();
    assert_eq!(
        cells,
        [
            ["甲店", "江苏省苏州市人民路12号", "", "13900001111\n0512-88880001", "", "左", "120.62 31.31"],
            ["乙店", "平江路5号", "", "#N/A", "", "", ""],
        ]
    );
    assert_eq!(table.untitled(), [8], "what has no title at all is told");
}

#[test]
fn of_titles_in_two_rows_the_lower_ones_count() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (at, title) in [(0, "客户名称"), (3, "地址")] {
        sheet.merge_range(0, at, 1, at, title, &Format::new()).unwrap();
    }
    sheet.merge_range(0, 1, 0, 2, "电话", &Format::new()).unwrap();
    sheet.write(1, 1, "手机").unwrap().write(1, 2, "座机").unwrap();
    for (at, cell) in (0..).zip(["甲店", "13900001111", "0512-88880001", "人民路12号"]) {
        sheet.write(2, at, cell).unwrap();
    }
    let table = table(&book.save_to_buffer().unwrap());
    assert_eq!((table.headers.join("|").as_str(), table.title_row), ("客户名称|手机|座机|地址", 2));
    assert_eq!(cells(&table), [(3, vec!["甲店", "13900001111", "0512-88880001", "人民路12号"])]);
}

#[test]
fn an_xls_is_read_as_typed() {
    let table = table(XLS);
    assert_eq!((table.sheet.as_str(), table.title_row), ("客户", 2));
    assert_eq!(
        cells(&table),
        [
            (3, vec!["00017", "惠民超市", "13900001111", "2026-03-02", "城东", "12.5"]),
            (5, vec!["00018", "鑫鑫便利店", "0512-88880001", "", "城东", ""]),
        ]
    );
    assert_eq!(table.left_out, [LeftOut { number: 6, reason: LeftOutReason::Total }]);
}

#[test]
fn a_sheet_can_be_asked_for() {
    let asked = |name: &str| read(&xlsx(), &ReadOptions { sheet: Some(name.to_owned()) });
    assert_eq!(asked("客户").unwrap().rows.len(), 2);
    assert_eq!(asked("说明").unwrap_err(), ReadError::NoTitles { looked_at: 1 });
    assert_eq!(asked("旧表").unwrap_err(), ReadError::NoSuchSheet { asked: "旧表".to_owned(), has: "“说明”, “客户”".to_owned() });
}

#[test]
fn text_files_are_read_in_every_encoding_and_delimiter() {
    let text =
        "城东客户,,\r\n客户名称,地址,电话\r\n\r\n惠民超市,\"人民路12号\n（东门）\",13900001111\r\n鑫鑫便利店,\"平江路5号,北侧\",\r\n";
    let expected = [(4, vec!["惠民超市", "人民路12号\n（东门）", "13900001111"]), (5, vec!["鑫鑫便利店", "平江路5号,北侧", ""])];
    let (gb18030, _, lossy) = GB18030.encode(text);
    assert!(!lossy);
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let with_mark = ["\u{feff}", text].concat();
    for bytes in [text.as_bytes(), with_mark.as_bytes(), &gb18030, &utf16] {
        assert_eq!(cells(&table(bytes)), expected);
    }
    for (delimiter, first) in [(";", ""), ("\t", ""), (";", "sep=;\r\n")] {
        let text = [first, &text.replace(',', delimiter)].concat();
        let shift = u32::from(!first.is_empty());
        let rows: Vec<u32> = table(text.as_bytes()).rows.iter().map(|row| row.number).collect();
        assert_eq!(rows, [4 + shift, 5 + shift], "{text:?}");
    }
    // Tabs between cells that hold commas, and the line ends of old machines.
    let tabs = "名称\t地址\r甲,乙店\t一路1号,2号\r";
    assert_eq!(cells(&table(tabs.as_bytes())), [(2, vec!["甲,乙店", "一路1号,2号"])]);
}

#[test]
fn what_is_no_table_says_why() {
    assert_eq!(failure(b""), ReadError::Empty);
    assert_eq!(failure(b"\r\n , \r\n"), ReadError::Empty);
    assert_eq!(failure(b"a,b\n1,2\n"), ReadError::NoTitles { looked_at: 2 });
    assert_eq!(failure(&[0xFF, 0xFF, 0xFF]), ReadError::UnknownEncoding);
    assert_eq!(failure(b"name,phone\n\0\0\0,1\n"), ReadError::Damaged { format: ".csv" });
    assert!(matches!(failure(b"<html><table><tr><td>name</td></tr></table>"), ReadError::OtherFormat { .. }));
    assert!(matches!(failure(b"PK\x03\x04rubbish"), ReadError::Damaged { format: ".xlsx" }));
    assert!(matches!(failure(&XLS[..1000]), ReadError::Damaged { format: ".xls" }));
    let long = format!("name,address\na,\"{}\"\n", "路".repeat(40_000));
    assert_eq!(failure(long.as_bytes()), ReadError::CellTooLong { row: 2, max: 32_767 });
    let wide = format!("name{}\n", ",phone".repeat(256));
    assert!(matches!(failure(wide.as_bytes()), ReadError::TooMuch { what: "columns", .. }));
    let tall = format!("name,phone\n{}", "a,1\n".repeat(200_000));
    assert!(matches!(failure(tall.as_bytes()), ReadError::TooMuch { what: "rows", .. }));
}

#[test]
fn a_quotation_mark_without_its_partner_swallows_no_row() {
    let titles = "客户名称,地址,电话\n\n甲店,\"一路\n二层\",13900001111\n";
    let lone = |rest: &str| failure([titles, rest].concat().as_bytes());
    assert_eq!(lone("乙店,\"二路,13900001112\n丙店,三路,13900001113\n"), ReadError::LoneQuote { row: 4 });
    assert_eq!(lone("乙店,二路,13900001112\n\"丙店,三路,13900001113"), ReadError::LoneQuote { row: 5 });
    // The mark that should open another cell closes the first one.
    assert_eq!(lone("乙店,\"二路,1\n丙店,\"三路\",2\n丁店,四路,3\n"), ReadError::LoneQuote { row: 4 });
    assert_eq!(failure("sep=;\nname;phone\n\"a;1\n".as_bytes()), ReadError::LoneQuote { row: 3 });
    // Careless, and clear within its line.
    let inches = [titles, "乙店,\"29\" 显示器\",13900001112\n丙店,5\" 屏,\n"].concat();
    assert_eq!(table(inches.as_bytes()).rows.iter().map(|row| row.number).collect::<Vec<_>>(), [3, 4, 5]);
}

/// An archive with the parts of a workbook, some of them replaced.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut old = zip::ZipArchive::new(Cursor::new(xlsx())).unwrap();
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for index in 0..old.len() {
        let mut part = old.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        if let Some((_, other)) = parts.iter().find(|(replaced, _)| *replaced == name) {
            content = other.to_vec();
        }
        new.start_file(name, options).unwrap();
        new.write_all(&content).unwrap();
    }
    new.finish().unwrap().into_inner()
}

#[test]
fn bombs_are_refused_before_they_unfold() {
    let bomb = vec![b' '; 300 * 1024 * 1024];
    let bytes = archive(&[("xl/worksheets/sheet1.xml", &bomb)]);
    assert!(bytes.len() < 400 * 1024);
    assert!(matches!(failure(&bytes), ReadError::TooMuch { what: "content after unpacking (bytes)", .. }));
    for count in ["99999999999", "8000001", "0000000000000999999999999999999999999999", "18446744073709551615"] {
        let strings = format!("<sst count=\"1\" uniqueCount = \"{count}\"><si><t>a</t></si></sst>");
        let bytes = archive(&[("xl/sharedStrings.xml", strings.as_bytes())]);
        assert!(matches!(failure(&bytes), ReadError::TooMuch { what: "shared texts", .. }), "{count}");
    }
    // One cell at the far corner costs one cell.
    let sheet = r#"<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>name</v></c><c r="B1" t="str"><v>phone</v></c></row>
        <row r="1048576"><c r="A1048576" t="str"><v>a</v></c></row></sheetData></worksheet>"#;
    let bytes = archive(&[("xl/worksheets/sheet1.xml", sheet.as_bytes())]);
    assert_eq!(cells(&table(&bytes)), [(1_048_576, vec!["a", ""])]);
}

/// A stream of records as a whole `.xls`.
fn xls(records: &[(u16, Vec<u8>)]) -> Vec<u8> {
    use std::io::{Cursor, Write};
    let mut stream = Vec::new();
    for (kind, content) in records {
        stream.extend(kind.to_le_bytes());
        stream.extend(u16::try_from(content.len()).unwrap().to_le_bytes());
        stream.extend(content);
    }
    let mut container = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    container.create_stream("/Workbook").unwrap().write_all(&stream).unwrap();
    container.flush().unwrap();
    container.into_inner().into_inner()
}

/// Globals with one sheet at the place behind them, then the sheet's records.
fn xls_sheet(strings: Vec<u8>, sheet: Vec<(u16, Vec<u8>)>) -> Vec<u8> {
    let begin = |kind: u16| (0x0809, [0x0600_u16, kind].into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let size = 8 + (4 + 9) + (4 + strings.len()) + 4;
    let mut bound = u32::try_from(size).unwrap().to_le_bytes().to_vec();
    bound.extend([0, 0, 1, 0, b'S']);
    let mut records = vec![begin(5), (0x0085, bound), (0x00FC, strings), (0x000A, Vec::new()), begin(0x10)];
    records.extend(sheet);
    records.push((0x000A, Vec::new()));
    xls(&records)
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn an_xls_cannot_make_its_reader_reserve_memory() {
    let corners = vec![(0x027E, words(&[0, 0, 0, 0, 0])), (0x027E, words(&[65_535, 255, 0, 0, 0]))];
    assert!(matches!(failure(&xls_sheet(words(&[0; 4]), corners)), ReadError::TooMuch { .. }));
    let mut text = words(&[0, 0, 0, 0, 30_000]);
    text.push(0);
    text.extend(vec![b'a'; 5_000]);
    text.truncate(8_000);
    let mut strings = words(&[1, 0, 1, 0, 5_000]);
    strings.push(0);
    strings.extend(vec![b'a'; 5_000]);
    let repeats: Vec<(u16, Vec<u8>)> = (0..20_000_u16).map(|row| (0x00FD, words(&[row, 0, 0, 0, 0]))).collect();
    assert!(matches!(failure(&xls_sheet(strings, repeats)), ReadError::TooMuch { what: "text (bytes)", .. }));
    let liar = vec![(0x0204, [words(&[0, 0, 0, 65_535]), vec![0, b'a']].concat())];
    assert_eq!(failure(&xls_sheet(words(&[0; 4]), liar)), ReadError::Damaged { format: ".xls" });
    // Declared dimensions are not believed, in either direction.
    let huge = [words(&[0, 0, 0xFFFF, 0xFFFF, 0, 0xFFFF]), words(&[0])].concat();
    assert_eq!(failure(&xls_sheet(words(&[0; 4]), vec![(0x0200, huge)])), ReadError::Empty);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_never_panic(
        which in 0..3_usize,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        cut in any::<prop::sample::Index>(),
        cut_it in any::<bool>(),
    ) {
        let mut bytes = match which {
            0 => xlsx(),
            1 => XLS.to_vec(),
            _ => GB18030.encode("客户名称,电话\n惠民超市,\"139\"\n").0.into_owned(),
        };
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if cut_it {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _outcome = read(&bytes, &ReadOptions::default());
    }

    #[test]
    fn damage_inside_the_parts_never_panics(
        part in 0..4_usize,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        use std::io::{Cursor, Read};
        let name = ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet3.xml", "xl/styles.xml"][part];
        let mut content = Vec::new();
        let bytes = xlsx();
        let mut archive_read = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        archive_read.by_name(name).unwrap().read_to_end(&mut content).unwrap();
        for (place, byte) in places {
            let at = place.index(content.len());
            content[at] = byte;
        }
        let _outcome = read(&archive(&[(name, &content)]), &ReadOptions::default());
    }

    #[test]
    fn damage_inside_the_stream_never_panics(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        use std::io::{Cursor, Read, Write};
        let mut container = cfb::CompoundFile::open(Cursor::new(XLS.to_vec())).unwrap();
        let mut stream = Vec::new();
        container.open_stream("/Workbook").unwrap().read_to_end(&mut stream).unwrap();
        for (place, byte) in places {
            let at = place.index(stream.len());
            stream[at] = byte;
        }
        let mut container = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        container.create_stream("/Workbook").unwrap().write_all(&stream).unwrap();
        container.flush().unwrap();
        let _outcome = read(&container.into_inner().into_inner(), &ReadOptions::default());
    }

    #[test]
    fn every_row_of_a_written_list_is_read(
        rows in prop::collection::vec(("甲[a\"';,\t \n]{0,6}乙", "[店路1\"';,\t \n]{0,8}"), 1..12),
        delimiter in prop::sample::select(&b",;\t"[..]),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["客户名称", "地址"]).unwrap();
        for (name, address) in &rows {
            writer.write_record([name, address]).unwrap();
        }
        let table = table(&writer.into_inner().unwrap());
        let read: Vec<(u32, &str)> = cells(&table).into_iter().map(|(number, cells)| (number, cells[0])).collect();
        let written: Vec<(u32, &str)> = (2..).zip(rows.iter().map(|(name, _)| name.as_str())).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _outcome = read(text.as_bytes(), &ReadOptions::default());
        let _titled = read(["name,phone\n", &text].concat().as_bytes(), &ReadOptions::default());
    }
}
