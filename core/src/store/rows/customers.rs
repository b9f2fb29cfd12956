//! A customer's row with what hangs on it: phones, matters to decide, words for search. Written as a whole, for one customer at a time.
//! The numbers of the fields are those of a row that travels in place of its documents (`replica::told`): fixed for ever.

use chrono::NaiveDate;
use minicbor::{Decode, Encode};
use rusqlite::{OptionalExtension, params};
use sha2::{Digest as _, Sha256};

use super::super::search::{Searchable, sort_key};
use super::super::{Reading, StoreError, Writing, int};
use super::{NEVER_DAY, NEVER_MS, NO_PLACE, day_no, grade_weight, lines, user_bytes};
use crate::ids::{Ms, SubjectId, TerritoryId, UserId};
use crate::model::normal;

/// Matter of a review row: people disagree about a field.
pub const MATTER_RIVALS: &str = "rivals";
/// Matter of a review row: a report waits for verification.
pub const MATTER_VERIFY: &str = "verify";

/// A position in degrees × 10⁷.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Place {
    /// Latitude, north positive.
    #[n(0)]
    pub lat_e7: i32,
    /// Longitude, east positive.
    #[n(1)]
    pub lon_e7: i32,
}

/// One phone of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct PhoneRow {
    /// As written.
    #[n(0)]
    pub shown: String,
    /// Remark.
    #[n(1)]
    pub label: String,
    /// Whose it is.
    #[n(2)]
    pub person: String,
}

/// Something about a customer that somebody has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReviewRow {
    /// What kind: [`MATTER_RIVALS`], [`MATTER_VERIFY`], or another code.
    #[n(0)]
    pub matter: String,
    /// Path of the field, or what else tells it from others of the same matter.
    #[n(1)]
    pub field: String,
    /// The higher, the sooner it is to be decided.
    #[n(2)]
    pub weight: u32,
    /// How many values stand.
    #[n(3)]
    pub rivals: u32,
    /// Since when.
    #[n(4)]
    pub since: Ms,
}

/// What lists know of a customer: the fold of the field side and the office side of the card.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CustomerRow {
    /// The customer.
    #[n(0)]
    pub subject: SubjectId,
    /// The name to show.
    #[n(1)]
    pub name: String,
    /// Other names: legal, short, aliases.
    #[n(2)]
    pub aliases: Vec<String>,
    /// Addresses, the one to show first.
    #[n(3)]
    pub addresses: Vec<String>,
    /// Names of the people there.
    #[n(4)]
    pub people: Vec<String>,
    /// Phones in order of display.
    #[n(5)]
    pub phones: Vec<PhoneRow>,
    /// Territory; `None` = not assigned.
    #[n(6)]
    pub territory: Option<TerritoryId>,
    /// Who works it.
    #[n(7)]
    pub owner: Option<UserId>,
    /// Who stands in.
    #[n(8)]
    pub substitute: Option<UserId>,
    /// Codes of the value sets of these names; empty = not known.
    #[n(9)]
    pub grade: String,
    /// See [`Self::grade`].
    #[n(10)]
    pub business_type: String,
    /// See [`Self::grade`].
    #[n(11)]
    pub location_type: String,
    /// See [`Self::grade`].
    #[n(12)]
    pub retail_format: String,
    /// See [`Self::grade`].
    #[n(13)]
    pub channel_level: String,
    /// See [`Self::grade`].
    #[n(14)]
    pub lifecycle: String,
    /// See [`Self::grade`]: of value set `prospect_stage`.
    #[n(15)]
    pub stage: String,
    /// Where it is.
    #[n(16)]
    pub place: Option<Place>,
    /// Day on which the card was begun, in the organisation's time zone: a customer never visited is due from then on.
    #[cbor(n(17), with = "super::day_wire")]
    pub opened: NaiveDate,
    /// Required visit interval; 0 = none, as for a customer that is not visited any more.
    #[n(18)]
    pub interval_days: u32,
    /// From then on less than half of the card is fresh; `None` = never.
    #[n(19)]
    pub stale_from: Option<Ms>,
    /// Share of the card that is filled in.
    #[n(20)]
    pub complete_percent: u8,
    /// Latest change of the card, corrected.
    #[n(21)]
    pub updated: Ms,
    /// What is to be decided about it.
    #[n(22)]
    pub reviews: Vec<ReviewRow>,
}

impl Reading<'_> {
    /// Phones of a customer in order of display.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn phones(&self, subject: SubjectId) -> Result<Vec<PhoneRow>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT p.shown, p.label, p.person FROM phone_row p JOIN customer_row c ON c.no = p.customer
             WHERE c.subject = ?1 ORDER BY p.position",
        )?;
        let rows =
            find.query_map([subject.as_bytes()], |row| Ok(PhoneRow { shown: row.get(0)?, label: row.get(1)?, person: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Customers one of whose phones has exactly these digits, as [`normal::phone`] leaves them: for finding duplicates.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn customers_with_phone(&self, number: &str) -> Result<Vec<SubjectId>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT DISTINCT c.subject FROM phone_row p JOIN customer_row c ON c.no = p.customer
             WHERE p.digits = ?1 ORDER BY c.subject",
        )?;
        let rows = find.query_map([normal::phone(number)], |row| Ok(SubjectId::from_bytes(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writing<'_> {
    /// Writes a customer's row, phones, matters and words, in place of what was there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_customer_row(&mut self, row: &CustomerRow) -> Result<(), StoreError> {
        let digits: Vec<String> = row.phones.iter().map(|phone| normal::phone(&phone.shown)).collect();
        let words = Searchable { name: &row.name, aliases: &row.aliases, addresses: &row.addresses, people: &row.people, phones: &digits };
        let print = words.print();
        let known: Option<(i64, i64)> = self
            .conn
            .prepare_cached("SELECT no, search_print FROM customer_row WHERE subject = ?1")?
            .query_row([row.subject.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let no = self.upsert_customer(row, print)?;
        self.put_phones(no, row, &digits)?;
        self.put_reviews(row)?;
        if known.is_none_or(|(_, before)| before != print) {
            self.put_words(no, &words)?;
        }
        self.refresh_due(row.subject)
    }

    /// Removes a customer's row and what hangs on it. Visits and tours keep theirs.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn drop_customer_row(&mut self, subject: SubjectId) -> Result<(), StoreError> {
        let no: Option<i64> = self
            .conn
            .prepare_cached("DELETE FROM customer_row WHERE subject = ?1 RETURNING no")?
            .query_row([subject.as_bytes()], |row| row.get(0))
            .optional()?;
        if let Some(no) = no {
            self.drop_words(no)?;
        }
        self.conn.prepare_cached("DELETE FROM review_row WHERE subject = ?1")?.execute([subject.as_bytes()])?;
        Ok(())
    }

    fn upsert_customer(&mut self, row: &CustomerRow, print: i64) -> Result<i64, StoreError> {
        const SQL: &str = include_str!("put_customer.sql");
        let (lat, lon) = row.place.map_or((NO_PLACE, NO_PLACE), |at| (at.lat_e7.into(), at.lon_e7.into()));
        let open =
            |matter: &str| int(row.reviews.iter().filter(|review| (review.matter == MATTER_VERIFY) == (matter == MATTER_VERIFY)).count());
        let no = self.conn.prepare_cached(SQL)?.query_row(
            params![
                row.subject.as_bytes(),
                row.name,
                sort_key(&row.name),
                lines(&row.aliases),
                lines(&row.addresses),
                lines(&row.people),
                row.territory.as_ref().map_or("", |territory| territory.0.as_str()),
                user_bytes(row.owner.as_ref()),
                user_bytes(row.substitute.as_ref()),
                row.grade,
                row.business_type,
                row.location_type,
                row.retail_format,
                row.channel_level,
                row.lifecycle,
                row.stage,
                lat,
                lon,
                day_no(row.opened),
                row.interval_days,
                grade_weight(&row.grade),
                row.stale_from.map_or(NEVER_MS, |at| at.0),
                row.complete_percent,
                open(MATTER_RIVALS),
                open(MATTER_VERIFY),
                row.updated.0,
                print,
            ],
            |row| row.get(0),
        )?;
        Ok(no)
    }

    fn put_phones(&mut self, no: i64, row: &CustomerRow, digits: &[String]) -> Result<(), StoreError> {
        self.conn.prepare_cached("DELETE FROM phone_row WHERE customer = ?1")?.execute([no])?;
        let mut put = self
            .conn
            .prepare_cached("INSERT INTO phone_row (customer, position, digits, shown, label, person) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for (position, (phone, digits)) in row.phones.iter().zip(digits).enumerate() {
            put.execute(params![no, int(position), digits, phone.shown, phone.label, phone.person])?;
        }
        Ok(())
    }

    fn put_reviews(&mut self, row: &CustomerRow) -> Result<(), StoreError> {
        self.conn.prepare_cached("DELETE FROM review_row WHERE subject = ?1")?.execute([row.subject.as_bytes()])?;
        let mut put = self.conn.prepare_cached(
            "INSERT INTO review_row (subject, matter, field, weight, rivals, since_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (subject, matter, field) DO NOTHING",
        )?;
        for review in &row.reviews {
            put.execute(params![row.subject.as_bytes(), review.matter, review.field, review.weight, review.rivals, review.since.0])?;
        }
        Ok(())
    }

    /// Works out last visit and due day of a customer from its visits: after any of them, or the card, was written.
    pub(super) fn refresh_due(&mut self, subject: SubjectId) -> Result<(), StoreError> {
        const SQL: &str = include_str!("refresh_due.sql");
        self.conn.prepare_cached(SQL)?.execute(params![subject.as_bytes(), NEVER_DAY])?;
        Ok(())
    }
}

impl Searchable<'_> {
    /// Hash of the words: equal for equal words.
    fn print(&self) -> i64 {
        let mut hash = Sha256::new();
        let mut list = |texts: &[String]| {
            hash.update(int(texts.len()).to_le_bytes());
            for text in texts {
                hash.update(int(text.len()).to_le_bytes());
                hash.update(text);
            }
        };
        list(&[self.name.to_owned()]);
        [self.aliases, self.addresses, self.people, self.phones].into_iter().for_each(&mut list);
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hash.finalize().into();
        i64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}
