//! The command line of the real binary, as whoever runs the server meets it. What its commands do is tested where they do it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test says where")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use roadbook_server::database::{Database, Durability};
use roadbook_server::storage::{SERVER_FILE, SERVER_MIGRATIONS};

use crate::crash::process::{Server, binary};

fn run(data: &Path, arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).arg("--data").arg(data).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn whoever_reads_may_go_away_and_the_work_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.args(["territory", "add", "east", "东区", "--data"]).arg(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    drop(process.stdout.take());
    let ended = process.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let (listed, _) = said(&run(folder.path(), &["territory", "list"]));
    assert!(listed.contains("东区"), "{listed}");
}

#[test]
fn a_new_folder_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("typed wrong");
    let remarks = || said(&run(&data, &["territory", "add", "east", "东区"])).1;
    assert!(remarks().contains("typed wrong is new"));
    assert_eq!(remarks(), "");
}

#[test]
fn what_is_asked_of_a_company_begins_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("typed wrong");
    let list = folder.path().join("list.csv");
    std::fs::write(&list, "名称\n甲店\n").unwrap();
    let list = list.to_str().unwrap();
    let asked: [&[&str]; 9] = [
        &["user", "list"],
        &["territory", "list"],
        &["device", "list"],
        &["enroll", "wang"],
        &["audit"],
        &["export", list],
        &["import", list, "--as", "chen"],
        &["quarantine", "list"],
        &["renew-epoch"],
    ];
    for arguments in asked {
        let ended = run(&data, arguments);
        assert!(!ended.status.success() && said(&ended).1.contains("typed wrong"), "{arguments:?}: {ended:?}");
    }
    assert!(!data.exists());
    assert_eq!(std::fs::read_to_string(list).unwrap(), "名称\n甲店\n", "nothing was written over");
}

#[test]
fn an_account_is_switched_off_and_on_again() {
    let folder = tempfile::tempdir().unwrap();
    let done = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{output:?}");
        said(&output).0
    };
    done(&["user", "add", "wang", "--role", "salesperson", "--no-password"]);
    done(&["user", "disable", "wang"]);
    assert!(done(&["user", "list"]).contains("(disabled)"));
    done(&["user", "enable", "wang"]);
    assert!(!done(&["user", "list"]).contains("(disabled)"));
    let nobody = run(folder.path(), &["user", "disable", "wong"]);
    assert!(!nobody.status.success() && said(&nobody).1.contains("wong"), "{nobody:?}");
}

#[test]
fn a_role_territories_and_a_name_are_changed_and_a_territory_stays_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let done = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{output:?}");
        said(&output).0
    };
    done(&["territory", "add", "city", "市区"]);
    assert!(done(&["territory", "add", "east", "城东", "--parent", "city"]).contains("in city"));
    assert!(done(&["territory", "add", "east", "东区"]).contains("in city"), "a new name moves nothing");
    done(&["user", "add", "wang", "--role", "salesperson", "--no-password"]);
    done(&["user", "role", "wang", "supervisor"]);
    done(&["user", "territories", "wang", "--territory", "city", "--territory", "east"]);
    done(&["user", "rename", "wang", "王芳"]);
    let list = done(&["user", "list"]);
    assert!(list.contains("supervisor") && list.contains("王芳") && list.contains("city east"), "{list}");
    done(&["user", "territories", "wang"]);
    assert!(!done(&["user", "list"]).contains("city"));
    assert!(!done(&["territory", "add", "east", "东区", "--root"]).contains("in city"));
    let acts = done(&["audit"]);
    assert!(["role-changed", "territories-assigned", "user-renamed"].iter().all(|act| acts.contains(act)), "{acts}");
    let nowhere = run(folder.path(), &["user", "territories", "wang", "--territory", "nowhere"]);
    assert!(!nowhere.status.success() && said(&nowhere).1.contains("nowhere"), "{nowhere:?}");
}

#[test]
fn a_decision_about_nothing_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["user", "add", "chen", "--role", "manager", "--no-password"]).status.success());
    for what in ["approve", "reject"] {
        let ended = run(folder.path(), &["quarantine", what, "--by", "chen", "7"]);
        assert!(!ended.status.success() && said(&ended).0.contains('7'), "{ended:?}");
    }
}

#[test]
fn an_older_file_is_brought_up_to_date_but_not_under_a_server_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, _) = Server::prepared(folder.path(), 1);
    server.start().unwrap();
    let file = Database::open(&folder.path().join(SERVER_FILE), Durability::Full, SERVER_MIGRATIONS).unwrap();
    let version = || file.read(|tx| tx.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))).unwrap();
    assert!(run(folder.path(), &["device", "list"]).status.success(), "beside a server of the same version");
    let older = u32::try_from(SERVER_MIGRATIONS.len()).unwrap() - 1;
    file.write(|tx| tx.pragma_update(None, "user_version", older)).unwrap();
    let ended = run(folder.path(), &["device", "list"]);
    assert!(!ended.status.success() && said(&ended).1.contains("in use by another roadbook-server"), "{ended:?}");
    assert_eq!(version(), older, "left as it was");
}

#[test]
fn a_damaged_file_is_named_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(SERVER_FILE);
    std::fs::write(&file, "no database, and long enough to be looked at as one").unwrap();
    let ended = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let (_, remarks) = said(&ended);
    assert!(!ended.status.success());
    assert!(remarks.contains(SERVER_FILE) && remarks.contains("backup"), "{remarks}");
    assert_eq!(remarks.matches("file is not a database").count(), 1, "a cause is said once: {remarks}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("no database"));
}
