//! Versions of the file: a table of migrations, run in one transaction.
//! A released migration is never edited; a change of the schema is a new file, and `schema.sql`, from which a new file is made, says where
//! they arrive.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// What marks a file as ours (SQLite `application_id`): "RdBk".
pub(super) const APPLICATION_ID: i32 = 0x5264_426b;

/// Migrations in order: the n-th leads to schema version n.
pub(super) const MIGRATIONS: [&str; 7] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
];

/// Where they arrive.
const SCHEMA: &str = include_str!("schema.sql");

/// Latest schema version this release knows.
pub(super) const KNOWN: u32 = MIGRATIONS.len() as u32;

/// What the head of an open file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Nothing in it yet.
    Empty,
    /// Ours, at this version.
    Version(u32),
}

/// Reads the head.
///
/// # Errors
/// [`StoreError::ForeignFile`], [`StoreError::NewerFile`], or what SQLite says.
pub(super) fn head(conn: &Connection) -> Result<Head, StoreError> {
    let application_id: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if application_id == 0 {
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return if tables == 0 { Ok(Head::Empty) } else { Err(StoreError::ForeignFile { application_id }) };
    }
    if application_id != APPLICATION_ID {
        return Err(StoreError::ForeignFile { application_id });
    }
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > KNOWN { Err(StoreError::NewerFile { found, known: KNOWN }) } else { Ok(Head::Version(found)) }
}

/// Brings a file to [`KNOWN`], in one transaction.
///
/// # Errors
/// What [`head`] or SQLite says; the file is then as before.
pub(super) fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    if head(conn)? == Head::Version(KNOWN) {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match head(&tx)? {
        Head::Empty => tx.execute_batch(SCHEMA)?,
        Head::Version(version) => MIGRATIONS.iter().skip(version as usize).try_for_each(|step| tx.execute_batch(step))?,
    }
    tx.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {KNOWN};"))?;
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

    use super::*;

    /// Tables and indices as SQLite describes them, without the text's comments and spacing.
    fn shape(conn: &Connection) -> Vec<String> {
        let mut find =
            conn.prepare("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY type, name").unwrap();
        let rows = find.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|row| {
            let row = row.unwrap();
            let bare = row.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
            bare.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(").replace(" )", ")")
        })
        .collect()
    }

    /// What a file holds before anything was done with it.
    fn beginning(conn: &Connection) -> String {
        let quoted =
            "SELECT group_concat(quote(one) || quote(recorded_no) || quote(documents) || quote(digest) || quote(epoch) || quote(number)
            || quote(checkpoint_base) || quote(checkpoint_upto) || quote(durable_no) || quote(clock_floor_ms) || quote(clock_offset_ms)
            || quote(clock_measured_ms)) FROM replica";
        conn.query_row(quoted, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn migrated_schema_is_the_schema_written_down() {
        let migrated = Connection::open_in_memory().unwrap();
        MIGRATIONS.iter().for_each(|step| migrated.execute_batch(step).unwrap());
        let mut new = Connection::open_in_memory().unwrap();
        migrate(&mut new).unwrap();
        assert_eq!(shape(&migrated), shape(&new));
        assert_eq!(beginning(&migrated), beginning(&new));
    }

    #[test]
    fn tables_are_strict_and_columns_not_null() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        let loose: Vec<String> = conn
            .prepare(
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(loose, Vec::<String>::new());
        let nullable: Vec<String> = conn
            .prepare(
                "SELECT t.name || '.' || c.name FROM pragma_table_list t, pragma_table_info(t.name) c
                 WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND c.\"notnull\" = 0 AND c.pk = 0",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(nullable, Vec::<String>::new());
    }
}
