//! `import`: a customer list into headquarters, row by row through the feed.

use std::path::PathBuf;

use clap::Args;
use roadbook_core::ids::OrgId;
use roadbook_core::model::Edit;
use roadbook_core::replica::{Replica, Target};

use super::{Data, Done, Failure, person, show};
use crate::accounts::{Accounts, Act, User, Who};
use crate::app::App;
use crate::export::Language;
use crate::headquarters::{HeadquartersError, Importer};
use crate::import::cards::{Cards, House};
use crate::import::columns::ColumnOptions;
use crate::import::datum::Datum;
use crate::import::draft::ValueOptions;
use crate::import::job::{self, ImportError, ImportOptions};
use crate::import::plan::{Duplicates, PlanOptions};
use crate::import::report::Report;
use crate::import::table::{ReadOptions, Table};

/// One server keeps one company: part of the ids that are derived for imported customers, so that the same list gives the same ids.
const ORG: OrgId = OrgId::from_bytes([0; 16]);

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    data: Data,
    /// The list: .xlsx, .xls or .csv (UTF-8 or GB18030)
    file: PathBuf,
    /// In whose name (login); every value also keeps the file, sheet and row it came from
    #[arg(long = "as", value_name = "LOGIN")]
    importer: String,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Create rows that may be a customer that is there already
    #[arg(long)]
    keep_duplicates: bool,
    /// Columns with an unknown title become fields of the company instead of being left out
    #[arg(long)]
    extend: bool,
    /// Which sheet, by name; the first when not given
    #[arg(long)]
    sheet: Option<String>,
    /// What coordinates refer to; when not given what the titles say, else wgs84. A column 坐标系 (datum) goes first
    #[arg(long, value_parser = ["wgs84", "gcj02", "bd09"])]
    datum: Option<String>,
    /// What the report is written in
    #[arg(long, value_parser = ["zh", "en"], default_value = "zh")]
    language: String,
    /// Write refused rows with their reasons into this .xlsx
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Report every row, not only what needs a look
    #[arg(long)]
    every_row: bool,
}

impl Import {
    pub(super) fn run(self) -> Done {
        let bytes = std::fs::read(&self.file).map_err(|error| format!("{}: {error}", self.file.display()))?;
        let app = self.data.app()?;
        let importer = person(app.accounts(), &self.importer)?;
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut options = options(app.accounts())?;
        options.dry_run = self.dry_run;
        options.columns.extend = self.extend;
        options.values.datum = self.datum.as_deref().and_then(Datum::of_name);
        options.read.sheet = self.sheet.clone();
        if self.keep_duplicates {
            options.plan.duplicates = Duplicates::Create;
        }
        let language = if self.language == "en" { Language::En } else { Language::Zh };
        let (report, table) = imported(&app, &importer, &name, &bytes, &options)?;
        show::line(report.text(language, self.every_row));
        if let Some(path) = &self.errors
            && let Some(rows) = report.rows_to_put_right(&table, language)?
        {
            std::fs::write(path, rows).map_err(|error| format!("{}: {error}", path.display()))?;
            show::line(format_args!("{}", path.display()));
        }
        Ok(())
    }
}

/// How lists of this company are read: its territories and people by name and code.
pub(super) fn options(accounts: &Accounts) -> Result<ImportOptions, Failure> {
    let mut values = ValueOptions::default();
    for territory in accounts.territories()? {
        values.directory.territories.add(&territory.id.0, &territory.name, &territory.id.0);
    }
    for user in accounts.users()? {
        let (people, id) = (&mut values.directory.people, user.id.to_string());
        if user.disabled { people.add_switched_off(&user.login, &id) } else { people.add(&user.login, &user.name, &id) }
    }
    let plan = PlanOptions { org: ORG, duplicates: Duplicates::HoldBack, lifecycle: Some("active".to_owned()) };
    Ok(ImportOptions { read: ReadOptions::default(), columns: ColumnOptions::default(), values, plan, dry_run: false })
}

/// Imports a list in a person's name.
pub(super) fn imported(app: &App, importer: &User, name: &str, bytes: &[u8], options: &ImportOptions) -> Result<(Report, Table), Failure> {
    let done = {
        let mut inner = app.headquarters().hold();
        let mut desk = Importer { inner: &mut inner, author: importer.id, now: app.now() };
        job::import(name, bytes, options, &mut Cards(&mut desk))
    };
    let audited = audit_line(name, &done, options.dry_run)
        .map_or(Ok(()), |about| app.accounts().audit(app.now(), &Who::shell(), Act::Imported, &about));
    match done {
        Err(error @ (ImportError::Read(_) | ImportError::Columns(_))) => Err(format!("{name}: {error}").into()),
        done => {
            // Why the import stopped is told before that the audit log could not be written.
            let done = done?;
            audited?;
            Ok(done)
        }
    }
}

/// What the audit log says of an import; nothing of one that wrote nothing. One that stopped at a row has written those above.
fn audit_line<T, E>(name: &str, done: &Result<T, ImportError<E>>, dry_run: bool) -> Option<String> {
    match done {
        _ if dry_run => None,
        Ok(_) => Some(name.to_owned()),
        Err(ImportError::Write { row, .. }) => Some(format!("{name} (stopped at row {row})")),
        Err(ImportError::Read(_) | ImportError::Columns(_) | ImportError::Book(_)) => None,
    }
}

impl House for Importer<'_> {
    type Error = HeadquartersError;
    fn replica(&self) -> &Replica {
        self.inner.replica()
    }
    fn save(&mut self, work: &[(Target, Vec<Edit>)]) -> Result<(), HeadquartersError> {
        self.inner.commit(self.author, self.now, &work.to_vec()).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_that_wrote_something_is_in_the_audit_log() {
        let done = |done: Result<(), ImportError<&str>>, dry_run| audit_line("客户.csv", &done, dry_run);
        let stopped = || Err(ImportError::Write { row: 7, source: "the disk is full" });
        assert_eq!(done(Ok(()), false).as_deref(), Some("客户.csv"));
        assert_eq!(done(stopped(), false).as_deref(), Some("客户.csv (stopped at row 7)"));
        assert_eq!((done(stopped(), true), done(Ok(()), true), done(Err(ImportError::Book("gone")), false)), (None, None, None));
    }
}
