//! Bounded history, applied in the feed: which visits and tours fall out of the scopes and come back. The rule itself is core's
//! (`model::window`); here it meets headquarters' rows, with every append and with every new day.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate};
use roadbook_core::crdt::Document as CrdtDocument;
use roadbook_core::ids::{DocId, Ms, SubjectId};
use roadbook_core::model::coverage;
use roadbook_core::model::kinds;
use roadbook_core::model::tour::Tour;
use roadbook_core::model::visit::Visit;
use roadbook_core::model::window::{self, Met, OWN_VISITS_DAYS, TOUR_DAYS};
use roadbook_core::replica::{Replica, ReplicaError};
use roadbook_core::store::rows::{PageKey, VisitFilter, VisitRow};

use crate::duties;
use crate::feed::{Batch, Hand, Window};
use crate::headquarters::{HeadquartersError, Inner};

/// Latest visits of a customer that are looked at when another one arrives.
const VISITS_COMPARED: usize = 10;
/// Documents moved by one append of the daily sweep.
const SWEPT_DOCUMENTS_MAX: usize = 1_000;
/// Mark in the feed: the day (since the Common Era began) up to which windows were moved on.
const MARK: &str = "windows";

/// The windows of documents that are about to be appended, and of older visits that they push out.
///
/// # Errors
/// When the replica cannot be read.
pub fn of<'a>(
    replica: &Replica,
    made: impl Iterator<Item = (DocId, &'a str, SubjectId, &'a CrdtDocument)>,
    now: Ms,
) -> Result<Vec<(DocId, Window)>, ReplicaError> {
    let offset_minutes = replica.offset_minutes()?;
    let today = now.day(offset_minutes).unwrap_or_default();
    let mut windows: BTreeMap<DocId, Window> = BTreeMap::new();
    let mut visited: BTreeMap<SubjectId, Vec<Met>> = BTreeMap::new();
    for (doc, kind, subject, document) in made {
        if kind == kinds::TOUR.id {
            let Ok(day) = Tour::fold(doc, document).day.parse::<NaiveDate>() else { continue };
            windows.insert(doc, Window { territory: None, person: Some(window::is_tour_held(day, today)) });
        } else if kind == kinds::VISIT.id
            && let Some(visit) = Visit::fold(doc, subject, document)
        {
            let started = visit.check_in.at;
            let counts = coverage::counts(visit.text("outcome").unwrap_or_default());
            visited.entry(subject).or_default().push(Met { doc, started, day: started.day(offset_minutes).unwrap_or_default(), counts });
        }
    }
    for (subject, mut visits) in visited {
        for met in &visits {
            windows.insert(met.doc, Window { territory: None, person: Some(window::is_own_visit_held(met.day, today)) });
        }
        let filter = VisitFilter { subject: Some(subject), ..VisitFilter::default() };
        let known = replica.store().read(|read| read.visits(&filter, None, VISITS_COMPARED))?.lines;
        let known: Vec<Met> = known.iter().map(|line| met(&line.visit)).filter(|met| visits.iter().all(|new| new.doc != met.doc)).collect();
        visits.extend(known);
        let recent = window::recent(&visits);
        for met in visits {
            windows.entry(met.doc).or_default().territory = Some(recent.contains(&met.doc));
        }
    }
    Ok(windows.into_iter().collect())
}

fn met(row: &VisitRow) -> Met {
    Met { doc: row.doc, started: row.started, day: row.day, counts: row.counts }
}

/// Moves the windows on to the present day: what a day more makes too old leaves, a tour that is near enough comes. The first
/// time it looks at everything there is.
///
/// # Errors
/// [`HeadquartersError`]; the next call goes on.
pub fn sweep(inner: &Inner, now: Ms) -> Result<(), HeadquartersError> {
    let today = now.day(inner.replica().offset_minutes()?).unwrap_or_default();
    let day = i64::from(today.num_days_from_ce());
    let mark = inner.feed().mark(MARK)?;
    if mark == Some(day) {
        return Ok(());
    }
    // One of a later day was made under a clock that was wrong: everything is looked at again, and what was closed too early opens.
    let mark = mark.filter(|mark| *mark < day);
    let since = mark.and_then(|mark| NaiveDate::from_num_days_from_ce_opt(i32::try_from(mark).ok()?));
    visits(inner, now, since, today)?;
    tours(inner, now, since, today)?;
    Ok(inner.feed().put_mark(MARK, day)?)
}

/// Visits that are too old for their own representative since `since`; all visits when nothing was looked at before.
fn visits(inner: &Inner, now: Ms, since: Option<NaiveDate>, today: NaiveDate) -> Result<(), HeadquartersError> {
    let held_from = |day: NaiveDate| day - Days::new(OWN_VISITS_DAYS.unsigned_abs());
    let filter = VisitFilter { from: since.map(held_from), to: since.and(held_from(today).pred_opt()), ..VisitFilter::default() };
    // Newest first: the first of a customer that are met are its last.
    let mut met_before: BTreeMap<SubjectId, Vec<Met>> = BTreeMap::new();
    let mut after: Option<PageKey> = None;
    loop {
        let page = inner.replica().store().read(|read| read.visits(&filter, after.as_ref(), SWEPT_DOCUMENTS_MAX))?;
        let mut windows = Vec::new();
        for visit in page.lines.iter().map(|line| &line.visit) {
            let person = window::is_own_visit_held(visit.day, today);
            let territory = since.is_none().then(|| {
                let visits = met_before.entry(visit.subject).or_default();
                visits.push(met(visit));
                let recent = window::recent(visits);
                visits.retain(|met| recent.contains(&met.doc));
                recent.contains(&visit.doc)
            });
            // With nothing looked at before, or in vain, all of them are said as they are; a window that stays costs nothing.
            if since.is_none() || !person {
                windows.push((visit.doc, Window { territory, person: Some(person) }));
            }
        }
        move_on(inner, now, windows)?;
        let Some(next) = page.next else { return Ok(()) };
        after = Some(next);
    }
}

fn tours(inner: &Inner, now: Ms, since: Option<NaiveDate>, today: NaiveDate) -> Result<(), HeadquartersError> {
    let reach = Days::new(TOUR_DAYS.unsigned_abs());
    let first = since.map_or(NaiveDate::MIN, |since| since - reach);
    let moved = inner.replica().store().read(|read| read.tours(first, today + reach, None))?;
    // One that is held neither then nor now may have come between and have been held.
    let stays = |day| since.is_some_and(|since| window::is_tour_held(day, since) && window::is_tour_held(day, today));
    let windows = moved.iter().filter(|line| !stays(line.tour.day));
    let windows: Vec<(DocId, Window)> =
        windows.map(|line| (line.tour.doc, Window { territory: None, person: Some(window::is_tour_held(line.tour.day, today)) })).collect();
    for part in windows.chunks(SWEPT_DOCUMENTS_MAX) {
        move_on(inner, now, part.to_vec())?;
    }
    Ok(())
}

fn move_on(inner: &Inner, now: Ms, windows: Vec<(DocId, Window)>) -> Result<(), HeadquartersError> {
    if windows.is_empty() {
        return Ok(());
    }
    let hand = Hand { device: None, user: duties::SYSTEM, now };
    inner.feed().append(&hand, &Batch { windows, ..Batch::default() })?;
    Ok(())
}
