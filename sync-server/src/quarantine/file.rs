//! The quarantine as a file: JSON or CSV, each row with the bytes that came, in base64 (RFC 4648, with padding).

use serde_json::{Value, json};

use crate::feed::DeskRow;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const COLUMNS: [&str; 14] = [
    "id",
    "state",
    "code",
    "why",
    "kind",
    "document",
    "subject",
    "change",
    "device",
    "user",
    "received_ms",
    "decided_ms",
    "remark",
    "bytes",
];

/// All rows as one JSON text.
#[must_use]
pub fn json(rows: &[DeskRow]) -> String {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let cells = cells(row);
            Value::Object(COLUMNS.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), Value::String(cell))).collect())
        })
        .collect();
    json!({ "version": 1, "quarantine": rows }).to_string()
}

/// All rows as CSV, a heading first.
///
/// # Errors
/// When a row cannot be written; memory is short.
pub fn csv(rows: &[DeskRow]) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS)?;
    for row in rows {
        out.write_record(cells(row).map(harmless))?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

fn cells(row: &DeskRow) -> [String; 14] {
    let refused = &row.row.refused;
    [
        row.row.id.to_string(),
        row.state.code().to_owned(),
        refused.code.clone(),
        refused.why.clone(),
        refused.kind.clone(),
        refused.doc.to_string(),
        refused.subject.to_string(),
        refused.hash.to_string(),
        row.row.device.map(|device| device.to_string()).unwrap_or_default(),
        row.row.user.to_string(),
        row.row.received_at.0.to_string(),
        row.decided_at.map(|at| at.0.to_string()).unwrap_or_default(),
        row.remark.clone(),
        base64(&refused.bytes),
    ]
}

/// A cell that a spreadsheet would run as a formula is shown as text.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@']) && cell.parse::<i64>().is_err() { format!("'{cell}") } else { cell }
}

fn base64(bytes: &[u8]) -> String {
    let digit = |bits: u32| ALPHABET.get((bits & 63) as usize).copied().map_or('=', char::from);
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain([0, 0].iter()).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        text.push(digit(bits >> 18));
        text.push(digit(bits >> 12));
        text.push(if chunk.len() > 1 { digit(bits >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { digit(bits) } else { '=' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_the_standard_says() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
        assert_eq!(harmless("=1+1".to_owned()), "'=1+1");
        assert_eq!(harmless("-5".to_owned()), "-5");
    }
}
