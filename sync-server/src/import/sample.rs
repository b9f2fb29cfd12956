//! The bundled sample list. Belongs here: its bytes and the names it uses. Never: how it is made
//! (`examples/make_sample.rs`), what a demo does with it.

/// The list, an `.xlsx` of fictitious shops: 330 that are right, and ten rows on purpose wrong, double or unclear.
pub const LIST: &[u8] = include_bytes!("../../demo/customers.xlsx");
/// The name by which its rows state their source.
pub const FILE: &str = "customers.xlsx";
/// Territories that its rows name.
pub const TERRITORIES: [&str; 4] = ["城东", "城西", "城南", "城北"];
/// Salespeople that its rows name.
pub const PEOPLE: [&str; 4] = ["王芳", "李强", "刘洋", "周婷"];

#[cfg(test)]
#[path = "../../examples/make_sample.rs"]
#[expect(dead_code, unreachable_pub, reason = "the example has a `main` and is public; here it is a module of a test")]
mod make_sample;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use std::collections::BTreeSet;

    use super::super::apply::{apply, dry_run};
    use super::super::columns::{ColumnOptions, matched, normal};
    use super::super::draft::ValueOptions;
    use super::super::plan::{Decision, Planned};
    use super::super::plan_tests::{Shelf, drafts, options, origin};
    use super::super::report::{Counts, Report};
    use super::super::table::{ReadOptions, read};
    use super::*;
    use crate::export::Language;

    fn values() -> ValueOptions {
        let mut values = ValueOptions::default();
        values.directory.territories.extend(TERRITORIES.map(|name| (normal(name), name.to_owned())));
        values.directory.people.extend(PEOPLE.map(|name| (normal(name), name.to_owned())));
        values
    }

    fn planned(shelf: &mut Shelf) -> Vec<Planned> {
        let table = read(LIST, &ReadOptions::default()).unwrap();
        dry_run(drafts(&table, &values()), shelf, &options()).unwrap()
    }

    #[test]
    fn the_bundled_list_is_what_the_program_makes() {
        let made = read(&make_sample::list().unwrap(), &ReadOptions::default()).unwrap();
        assert_eq!(read(LIST, &ReadOptions::default()).unwrap(), made, "run the example again and commit the list");
    }

    #[test]
    fn the_sample_becomes_cards_and_the_report_has_something_to_say() {
        let mut shelf = Shelf::default();
        let rows = planned(&mut shelf);
        apply(&rows, &origin(), &mut shelf).unwrap();
        let table = read(LIST, &ReadOptions::default()).unwrap();
        let columns = matched(&table.headers, &ColumnOptions::default()).unwrap();
        assert!(columns.unknown.is_empty(), "{:?}", columns.unknown);
        let report = Report::new(FILE, &table, columns, rows, false);
        let expected = Counts { created: 333, updated: 0, unchanged: 0, possible_duplicates: 3, refused: 4, cells_left_out: 6 };
        assert_eq!(report.counts, expected, "{}", report.text(Language::Zh, false));
        let card = shelf.named("惠民超市");
        assert_eq!(card.office.get("grade").map(|fact| fact.value.clone()), Some("B".into()));
        assert_eq!(card.office.get("territory").map(|fact| fact.value.clone()), Some("城东".into()));
        let located = shelf.cards.keys().filter(|subject| shelf.held_place(**subject)).count();
        assert!(located > 300, "{located}");
        let again = planned(&mut shelf);
        assert!(again.iter().all(|row| !row.creates() && !matches!(row.decision, Decision::Update { .. })));
        let named: BTreeSet<String> =
            shelf.cards.keys().filter_map(|subject| shelf.card(*subject).office.get("owner")?.value.as_text().map(str::to_owned)).collect();
        assert_eq!(named, PEOPLE.map(str::to_owned).into());
    }
}
