//! What statements cost, in steps of SQLite's virtual machine: a measure that no machine's speed and no neighbour changes. By it tests
//! see that an everyday act costs the same however much is kept. For tests alone; the server's tests build this same file.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};

/// Steps that a statement may cost more where much is kept: trees are a level deeper there.
const SLACK: i64 = 60;

/// Steps by statement.
pub(crate) type Steps = BTreeMap<String, i64>;

thread_local! {
    static STEPS: RefCell<Steps> = RefCell::default();
}

/// A connection of which is counted what it does from now on, for the thread that does it.
pub(crate) fn watched(mut connection: Connection) -> Result<Connection, rusqlite::Error> {
    // SQLite adds up over the life of a statement.
    let mut before: BTreeMap<String, i32> = BTreeMap::new();
    let seen = move |event: TraceEvent<'_>| {
        let TraceEvent::Profile(statement, _) = event else { return };
        let (sql, now) = (statement.sql().into_owned(), statement.get_status(StatementStatus::VmStep));
        let steps = match before.insert(sql.clone(), now) {
            Some(before) if before <= now => now - before,
            _ => now,
        };
        STEPS.with(|all| *all.borrow_mut().entry(sql).or_default() += i64::from(steps));
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(seen))?;
    Ok(connection)
}

/// What an act cost that this thread carries out.
pub(crate) fn of(act: impl FnOnce()) -> Steps {
    STEPS.with(|all| all.borrow_mut().clear());
    act();
    STEPS.with(RefCell::take)
}

/// Statements that cost more where much is kept than where little is, told with both.
pub(crate) fn grown(little: &Steps, much: &Steps) -> Vec<String> {
    let before = |sql: &str| little.get(sql).copied().unwrap_or(0);
    let dearer = much.iter().filter(|(sql, steps)| **steps > before(sql) + SLACK);
    dearer.map(|(sql, steps)| format!("{} -> {steps} steps: {sql}", before(sql))).collect()
}
