//! Titles that are merged over several columns. Belongs here: bringing what stands below one into its first column. Pure.
//! Never: which field a title fills (`columns`).

use super::columns::known_title;
use super::values;

/// Columns below one title, from and to, zero-based and inclusive.
pub(super) type Span = (usize, usize);

/// The spans whose first column has a title and whose others have none of their own.
pub(super) fn spans(wide: &[Span], headers: &[String]) -> Vec<Span> {
    let titled = |at: usize| headers.get(at).is_some_and(|title| !title.is_empty());
    let mut wide = wide.to_vec();
    wide.sort_unstable();
    let mut spans: Vec<Span> = Vec::new();
    for (from, to) in wide {
        // Only a damaged file has spans that overlap.
        let apart = spans.last().is_none_or(|(_, before)| *before < from);
        if apart && titled(from) && (from + 1..=to).all(|at| !titled(at)) {
            spans.push((from, to));
        }
    }
    spans
}

/// Joins the cells of each span in its first column, in their order: one text for a field with one value, a line each where
/// a cell may hold several.
pub(super) fn join(cells: &mut Vec<String>, spans: &[Span], headers: &[String]) {
    for (from, to) in spans {
        let many = headers.get(*from).and_then(|title| known_title(title)).is_some_and(|known| known.many);
        let mut joined = String::new();
        let mut broken = None;
        for cell in cells.iter().take(to + 1).skip(*from) {
            match values::said(cell) {
                Ok(Some(text)) => {
                    joined.push_str(if many { "\n" } else { between(&joined, text) });
                    joined.push_str(text);
                }
                Ok(None) => {}
                Err(_) => broken = Some(cell.clone()),
            }
        }
        let joined = broken.unwrap_or_else(|| joined.trim_start().to_owned());
        for cell in cells.iter_mut().take(to + 1).skip(from + 1) {
            cell.clear();
        }
        match cells.get_mut(*from) {
            Some(first) => *first = joined,
            None => {
                cells.resize(*from, String::new());
                cells.push(joined);
            }
        }
    }
}

/// A blank, where Chinese is on neither side.
fn between(before: &str, after: &str) -> &'static str {
    let plain = |c: Option<char>| c.is_some_and(|c| c.is_ascii());
    if plain(before.chars().next_back()) && plain(after.chars().next()) { " " } else { "" }
}
