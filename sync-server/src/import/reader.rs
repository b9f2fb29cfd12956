//! From the cells of one row to its statements. Belongs here: one function for each group of columns.
//! Never: the shape of statements (`draft`), types of the schema (`values`).

use roadbook_core::model::kinds::{CUSTOMER, OFFICE};
use roadbook_core::model::{Field, Merge, Value};
use unicode_normalization::UnicodeNormalization;

use super::columns::{Column, Columns, hints, normal};
use super::datum::Datum;
use super::directory::Meant;
use super::draft::{Claimed, Draft, Keys, Note, Say, ValueOptions};
use super::fault::Fault;
use super::table::Row;
use super::{dates, hours, interval, phones, place, values};

/// Elements that one cell adds to a set.
const ELEMENTS_MAX: usize = 32;
/// Characters of an element of a set.
const ELEMENT_CHARS_MAX: usize = 60;
/// Characters of a company's own field.
const EXTENSION_CHARS_MAX: usize = 500;
/// Statements of one row: a save of core takes twice as many edits.
const SAYS_MAX: usize = 800;

/// Reads one row.
#[must_use]
pub fn draft(row: &Row, columns: &Columns, options: &ValueOptions) -> Draft {
    let draft = Draft {
        row: row.number,
        name: String::new(),
        says: Vec::new(),
        notes: Vec::new(),
        keys: Keys::default(),
        claimed: Claimed::default(),
    };
    let mut reader = Reader { row, columns, options, draft };
    reader.read();
    if reader.draft.says.len() > SAYS_MAX {
        reader.note("", Fault::TooManyStatements { max: SAYS_MAX });
    }
    reader.draft
}

struct Reader<'a> {
    row: &'a Row,
    columns: &'a Columns,
    options: &'a ValueOptions,
    draft: Draft,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        let columns: &'a Columns = self.columns;
        for column in &columns.known {
            if let Some(text) = self.said(column) {
                self.column(column, text);
            }
        }
        self.name();
        self.phones();
        self.people();
        self.address();
        self.claimed();
    }

    /// What the cell of a column says; an error of the spreadsheet is noted.
    fn said(&mut self, column: &Column) -> Option<&'a str> {
        let row: &'a Row = self.row;
        match values::said(row.cell(column.at)) {
            Ok(said) => said,
            Err(fault) => {
                self.note(&column.title, fault);
                None
            }
        }
    }

    /// What the first column of a field says, with its title.
    fn first(&self, field: &str) -> Option<(&'a str, &'a str)> {
        let (row, columns): (&'a Row, &'a Columns) = (self.row, self.columns);
        let column = columns.known.iter().find(|column| column.field == field)?;
        values::said(row.cell(column.at)).ok().flatten().map(|text| (text, column.title.as_str()))
    }

    fn note(&mut self, column: &str, fault: Fault) {
        self.draft.notes.push(Note { column: column.to_owned(), fault });
    }

    /// Columns that stand for themselves.
    fn column(&mut self, column: &Column, text: &str) {
        let id = column.field.as_str();
        match id {
            "territory" | "owner" => self.known_name(column, text),
            "time_windows" => self.windows(column, text),
            "closed_days" => self.closed_days(column, text),
            "competitors.brand" => self.competitors(text),
            "import.customer" => self.customer(column, text),
            "visit_interval_days" => self.interval(column, text),
            "import.remark" => self.extension("x.remark", column, text),
            _ if id.starts_with("x.") => self.extension(id, column, text),
            _ => {
                if let Some(field) = CUSTOMER.field(id) {
                    self.customer_field(field, column, text);
                } else if let Some(field) = OFFICE.field(id) {
                    match values::typed(field, text, column.factor) {
                        Ok(value) => self.draft.says.push(Say::Office { field: id.to_owned(), value }),
                        Err(fault) => self.note(&column.title, fault),
                    }
                }
            }
        }
    }

    fn customer_field(&mut self, field: &Field, column: &Column, text: &str) {
        let id = field.id.to_string();
        match &field.merge {
            Merge::Set => self.elements(&id, column, text),
            Merge::Text => match values::typed(field, text, 1) {
                Ok(Value::Text(text)) => self.draft.says.push(Say::Text { field: id, text }),
                Ok(_) => {}
                Err(fault) => self.note(&column.title, fault),
            },
            Merge::Fact | Merge::Register => match values::typed(field, text, column.factor) {
                Ok(value) => self.fact(id, value),
                Err(fault) if id == "business_type" => self.format_instead(column, text, fault),
                Err(fault) => self.note(&column.title, fault),
            },
            Merge::Entries(_) | Merge::Log(_) | Merge::Counter | Merge::Once => {}
        }
    }

    fn fact(&mut self, field: String, value: Value) {
        match (field.as_str(), value.as_text()) {
            ("uscc", Some(code)) => self.draft.keys.uscc = Some(code.to_owned()),
            ("customer_no", Some(number)) => self.draft.keys.number = Some(normal(number)),
            _ => {}
        }
        self.draft.says.push(Say::Fact { field, value });
    }

    fn interval(&mut self, column: &Column, text: &str) {
        let visits = || column.visits_in_days.map(|days| interval::between(text, days).map(Value::from));
        let number = || OFFICE.field(&column.field).map(|field| values::typed(field, text, column.factor));
        match interval::said(text).map(|said| said.map(Value::from)).or_else(visits).or_else(number) {
            Some(Ok(value)) => self.draft.says.push(Say::Office { field: column.field.clone(), value }),
            Some(Err(fault)) => self.note(&column.title, fault),
            None => {}
        }
    }

    /// The id of a customer. Lists of other programs have their own ids under this title: those are customer numbers, if no
    /// other column is.
    fn customer(&mut self, column: &Column, text: &str) {
        match (text.parse(), CUSTOMER.field("customer_no")) {
            (Ok(subject), _) => self.draft.keys.subject = Some(subject),
            (Err(_), Some(number)) if self.columns.of("customer_no").next().is_none() => self.customer_field(number, column, text),
            (Err(_), _) => self.note(&column.title, Fault::NotACustomerId),
        }
    }

    /// Many lists have one column 类型 with shop formats in it (超市, 餐饮): that is a retailer of that format.
    fn format_instead(&mut self, column: &Column, text: &str, fault: Fault) {
        let format = CUSTOMER.field("retail_format").map(|field| values::typed(field, text, 1));
        match format {
            Some(Ok(value)) => {
                self.fact("business_type".to_owned(), "retailer".into());
                if self.columns.of("retail_format").next().is_none() {
                    self.fact("retail_format".to_owned(), value);
                }
            }
            Some(Err(_)) | None => self.note(&column.title, fault),
        }
    }

    fn extension(&mut self, id: &str, column: &Column, text: &str) {
        match values::text(text, EXTENSION_CHARS_MAX) {
            Ok(value) => self.draft.says.push(Say::Fact { field: id.to_owned(), value }),
            Err(fault) => self.note(&column.title, fault),
        }
    }

    fn elements(&mut self, set: &str, column: &Column, text: &str) {
        for piece in text.split(['、', ',', '，', ';', '；', '/', '|', '\n']).take(ELEMENTS_MAX) {
            match values::text(piece, ELEMENT_CHARS_MAX) {
                Ok(Value::Text(element)) if !element.is_empty() => {
                    self.draft.says.push(Say::Member { set: set.to_owned(), element });
                }
                Ok(_) => {}
                Err(fault) => self.note(&column.title, fault),
            }
        }
    }

    fn closed_days(&mut self, column: &Column, text: &str) {
        match hours::week_days(text) {
            Ok(days) => {
                let set = "closed_days".to_owned();
                self.draft.says.extend(days.chars().map(|day| Say::Member { set: set.clone(), element: day.to_string() }));
            }
            Err(fault) => self.note(&column.title, fault),
        }
    }

    fn windows(&mut self, column: &Column, text: &str) {
        match hours::windows(text) {
            Ok(windows) => {
                for (place, window) in windows.into_iter().enumerate() {
                    let value = Value::map([
                        ("open", i64::from(window.open).into()),
                        ("close", i64::from(window.close).into()),
                        ("days", window.days.into()),
                    ]);
                    self.entry("time_windows", &place.to_string(), [("window", value)]);
                }
            }
            Err(fault) => self.note(&column.title, fault),
        }
    }

    fn competitors(&mut self, text: &str) {
        for brand in text.split(['、', ',', '，', ';', '；', '/', '\n']).take(ELEMENTS_MAX) {
            if let Ok(Value::Text(brand)) = values::text(brand, ELEMENT_CHARS_MAX)
                && !brand.is_empty()
            {
                self.entry("competitors", &normal(&brand), [("brand", brand.into())]);
            }
        }
    }

    fn entry<const N: usize>(&mut self, list: &str, slot: &str, fields: [(&str, Value); N]) {
        let fields = fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(id, value)| (id.to_owned(), value)).collect();
        self.draft.says.push(Say::Entry { list: list.to_owned(), slot: slot.to_owned(), entry: None, fields });
    }

    fn known_name(&mut self, column: &Column, text: &str) {
        let (directory, owner) = (&self.options.directory, column.field == "owner");
        let names = if owner { &directory.people } else { &directory.territories };
        let id = match names.meant(text) {
            Meant::One(id) => id,
            Meant::SwitchedOff(id) => {
                self.note(&column.title, Fault::PersonSwitchedOff);
                id
            }
            Meant::Several => return self.note(&column.title, if owner { Fault::SeveralPeople } else { Fault::SeveralTerritories }),
            Meant::Nobody => return self.note(&column.title, if owner { Fault::NoSuchPerson } else { Fault::NoSuchTerritory }),
        };
        self.draft.says.push(Say::Office { field: column.field.clone(), value: Value::from(id) });
    }

    fn name(&mut self) {
        let title = self.columns.of(super::columns::NAME).next().map(|column| column.title.clone()).unwrap_or_default();
        let named = self.draft.says.iter().find_map(|say| match say {
            Say::Fact { field, value } if field == super::columns::NAME => value.as_text(),
            Say::Fact { .. } | Say::Office { .. } | Say::Member { .. } | Say::Entry { .. } | Say::Gone { .. } | Say::Text { .. } => None,
        });
        let name = named.unwrap_or_default().to_owned();
        self.draft.keys.name = normal(&name);
        if self.draft.keys.name.is_empty() {
            self.note(&title, Fault::NoName);
        }
        self.draft.name = name;
    }

    fn phones(&mut self) {
        let columns: &'a Columns = self.columns;
        let person = self.first("import.owner_name").map(|(name, _)| name);
        let mut preferred = true;
        for column in columns.of("phones.number") {
            let Some(text) = self.said(column) else { continue };
            let (numbers, stranger) = phones::split(text);
            if stranger {
                self.note(&column.title, Fault::NotAPhone);
            }
            for number in numbers {
                if !self.draft.keys.phones.insert(number.normal.clone()) {
                    continue;
                }
                let kind = if phones::is_mobile(&number.normal) { "mobile" } else { "landline" };
                let person = person.filter(|_| kind == "mobile" && preferred).and_then(|name| values::text(name, 60).ok());
                self.entry(
                    "phones",
                    &number.normal,
                    [
                        ("number", number.typed.into()),
                        ("kind", kind.into()),
                        ("person", person.unwrap_or_default()),
                        ("preferred", if preferred { true.into() } else { Value::Null }),
                    ],
                );
                preferred = false;
            }
        }
    }

    fn people(&mut self) {
        let roles =
            [("import.owner_name", "owner"), ("import.manager_name", "manager"), ("import.legal_representative", "legal_representative")];
        for (field, role) in roles {
            let Some((text, title)) = self.first(field) else { continue };
            match values::text(text, 60) {
                Ok(name) => self.entry("stakeholders", role, [("role", role.into()), ("name", name)]),
                Err(fault) => self.note(title, fault),
            }
        }
    }

    fn address(&mut self) {
        let mut parts = String::new();
        let mut region = None;
        let street = self.first("addresses.text");
        for field in ["import.province", "import.city", "import.district"] {
            if let Some((part, title)) = self.first(field)
                && street.is_none_or(|(street, _)| !street.contains(part))
                && !(street.is_none() && parts.ends_with(part))
            {
                parts.push_str(part);
                region = region.or(Some(("", title)));
            }
        }
        // Without a street the region alone is the address.
        let text = street.or(region).map(|(street, title)| (values::text(&[&parts, street].concat(), 300), title));
        let text = match text {
            Some((Ok(text), _)) => text,
            Some((Err(fault), title)) => {
                self.note(title, fault);
                Value::Null
            }
            None => Value::Null,
        };
        let geo = self.position();
        let parking = self.first("addresses.parking").and_then(|(text, _)| values::text(text, 300).ok()).unwrap_or_default();
        let known = text.as_text().map(normal).filter(|address| !address.is_empty());
        (self.draft.keys.address, self.draft.keys.region) = if street.is_some() { (known, None) } else { (None, known) };
        self.draft.keys.place = place::degrees_of(&geo);
        if !(text.is_null() && geo.is_null() && parking.is_null()) {
            self.entry("addresses", "shop", [("kind", "shop".into()), ("text", text), ("geo", geo), ("parking", parking)]);
        }
    }

    fn position(&mut self) -> Value {
        let datum = match self.datum() {
            Ok(datum) => datum,
            Err((title, fault)) => {
                self.note(title, fault);
                return Value::Null;
            }
        };
        let (lon, lat) = (self.first("import.longitude"), self.first("import.latitude"));
        let (position, title) = match (lon, lat, self.first("import.coordinates")) {
            (Some((lon, title)), Some((lat, _)), _) => (place::of_pair(lon, lat, datum), title),
            (None, None, Some((cell, title))) => (place::of_cell(cell, datum), title),
            (Some((_, title)), None, _) | (None, Some((_, title)), _) => (Err(Fault::HalfCoordinates), title),
            (None, None, None) => return Value::Null,
        };
        position.unwrap_or_else(|fault| {
            self.note(title, fault);
            Value::Null
        })
    }

    /// What the row's position refers to: what its own cell says, else what was asked for, else what the titles say.
    fn datum(&self) -> Result<Datum, (&'a str, Fault)> {
        if let Some((name, title)) = self.first("import.datum") {
            return Datum::of_name(name).ok_or((title, Fault::NotADatum));
        }
        if let Some(datum) = self.options.datum {
            return Ok(datum);
        }
        let columns: &'a Columns = self.columns;
        let of = |field: &'a str| columns.of(field);
        let pair: Vec<&'a Column> = of("import.longitude").chain(of("import.latitude")).collect();
        let read = if pair.is_empty() { of("import.coordinates").collect() } else { pair };
        let mut named: Vec<Datum> =
            read.iter().flat_map(|column| hints(&plain(&column.title))).flat_map(|hint| Datum::named_in(&hint)).collect();
        named.sort_unstable();
        named.dedup();
        match (named.as_slice(), read.first()) {
            ([], _) => Ok(Datum::Wgs84),
            ([datum], _) => Ok(*datum),
            (_, Some(column)) if self.first(&column.field).is_some() => Err((&column.title, Fault::TwoDatums)),
            (_, _) => Ok(Datum::Wgs84),
        }
    }

    fn claimed(&mut self) {
        self.draft.claimed.author =
            self.first("import.claimed_author").and_then(|(name, _)| values::text(name, 60).ok()?.as_text().map(str::to_owned));
        if let Some((text, title)) = self.first("import.claimed_at") {
            match dates::date(text) {
                Ok(date) => self.draft.claimed.at = dates::start(&date, self.options.zone_minutes),
                Err(fault) => self.note(title, fault),
            }
        }
    }
}

/// A title with half-width forms.
fn plain(title: &str) -> String {
    title.nfkc().collect()
}
