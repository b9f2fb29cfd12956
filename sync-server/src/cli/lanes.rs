//! `phone photo`, `phone photos`, `phone urgent`, `phone urgents`: what travels after all text, and what travels before it.

use std::path::{Path, PathBuf};

use clap::Args;
use roadbook_core::blobs::content::Content;
use roadbook_core::blobs::photos::NewPhoto;
use roadbook_core::model::urgent::PICTURE_BYTES_MAX;
use roadbook_core::replica::urgent::UrgentReport;
use roadbook_core::store::NameState;

use super::phone::{customer, named};
use super::{Done, Failure, show};
use crate::export::Language;
use crate::export::words::words;
use crate::phone::Phone;

/// Lines of a list, at most.
const LINES_MAX: usize = 100;

/// What is photographed.
#[derive(Debug, Args)]
pub(super) struct PhotoArgs {
    /// The picture or file: JPEG, PNG, WebP or PDF
    file: PathBuf,
    /// storefront, shelf, display, competitor, receipt, document or signature
    #[arg(long, default_value = "shelf")]
    kind: String,
    /// A small picture of it; a picture of at most 30 KB is its own
    #[arg(long, value_name = "FILE")]
    thumbnail: Option<PathBuf>,
}

/// What is reported.
#[derive(Debug, Args)]
pub(super) struct UrgentArgs {
    /// What happened
    text: String,
    /// `credit_danger`, `price_dumping`, `cross_region`, complaint, accident or competitor
    #[arg(long, default_value = "complaint")]
    kind: String,
    /// medium, high or critical
    #[arg(long, default_value = "high")]
    severity: String,
    /// About which customer: id, or what a search finds first
    #[arg(long)]
    customer: Option<String>,
    /// A small picture of at most 30 KB
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Takes a photo in, for the visit that is under way.
pub(super) fn photo(phone: &mut Phone, args: &PhotoArgs) -> Done {
    let Some(draft) = phone.replica().drafts()?.pop() else {
        return Err("no visit is under way on this phone; begin one with `visit CUSTOMER --stay`".into());
    };
    let bytes = bytes_of(&args.file)?;
    let small = args.thumbnail.as_deref().map(bytes_of).transpose()?;
    let stamp = phone.stamp()?;
    let new = NewPhoto { kind: &args.kind, bytes: &bytes, thumbnail: small.as_deref(), taken_at: stamp.now };
    let hash = phone.replica_mut().add_photo(&stamp, draft.doc, &new)?;
    let content = Content::of(&bytes).map_or("?", Content::mime);
    show::line(format_args!("{hash}  {content}, {} bytes, encrypted on this phone; it travels after all text", bytes.len()));
    Ok(())
}

/// Hands photos in, after all text.
pub(super) fn hand_in(phone: &mut Phone, metered: bool) -> Done {
    let steps = phone.sync_photos(metered)?;
    let held: usize = steps.iter().map(|step| step.held).sum();
    if held > 0 {
        let complete: usize = steps.iter().map(|step| step.complete.len()).sum();
        show::line(format_args!("handed in {held} photos and thumbnails; {complete} visit(s) are complete"));
    }
    for (hash, why) in steps.iter().flat_map(|step| &step.refused) {
        show::line(format_args!("a photo was not taken: {hash}: {why}"));
    }
    let left = phone.replica().photos_waiting()?;
    if left.originals > 0 {
        show::line(format_args!("{} photo(s) still wait", left.originals));
    }
    Ok(())
}

/// What became of the photos of the last visits.
pub(super) fn photos(phone: &Phone) -> Done {
    let filter = roadbook_core::store::rows::VisitFilter { rep: Some(phone.user()), ..Default::default() };
    let visits = phone.replica().store().read(|read| read.visits(&filter, None, LINES_MAX))?.lines;
    for line in visits.iter().filter(|line| line.visit.photos > 0) {
        show::line(format_args!("{}  {}", line.customer, line.visit.doc));
        for known in phone.replica().photos(line.visit.doc)? {
            let state = match known.state {
                None | Some(NameState::Fetched) => "别的手机所拍 taken by another device",
                Some(NameState::Waiting) => "待传 waiting",
                Some(NameState::Held) => "已传 held at headquarters",
                Some(NameState::Refused) => "未接收 not taken",
                Some(NameState::Complete) => "齐全 complete; the original leaves this phone in some days",
            };
            show::line(format_args!(
                "  {}  {}  {state} {}",
                words("photo", &known.photo.kind.as_str().into(), Language::Zh),
                known.photo.hash,
                known.reason
            ));
        }
    }
    let waiting = phone.replica().photos_waiting()?;
    show::line(format_args!("{} photo(s) and {} thumbnail(s) wait, {} bytes", waiting.originals, waiting.thumbnails, waiting.bytes));
    Ok(())
}

/// Files an urgent report: the next sync carries it before everything else.
pub(super) fn urgent(phone: &mut Phone, args: &UrgentArgs) -> Done {
    let about = args.customer.as_deref().map(|words| customer(phone, words)).transpose()?;
    let picture = args.picture.as_deref().map(bytes_of).transpose()?;
    let report = UrgentReport {
        kind: args.kind.clone(),
        severity: args.severity.clone(),
        customer: about,
        territory: None,
        text: args.text.clone(),
        picture,
    };
    let stamp = phone.stamp()?;
    let doc = phone.replica_mut().report_urgent(&stamp, &report)?;
    show::line(format_args!("{doc}  filed; the next sync carries it first (a picture of at most {PICTURE_BYTES_MAX} bytes follows)"));
    Ok(())
}

/// The urgent reports on this phone, with what was done.
pub(super) fn urgents(phone: &Phone) -> Done {
    for line in phone.replica().store().read(|read| read.urgents(false, 0, LINES_MAX))? {
        let Some(urgent) = phone.replica().urgent(line.urgent.doc)? else { continue };
        let about = urgent.customer.map(|subject| named(phone, subject)).transpose()?.unwrap_or_default();
        show::line(format_args!(
            "{}  {}  {about}  {}",
            urgent.state().code(),
            words("kind", &urgent.kind.as_str().into(), Language::Zh),
            urgent.text
        ));
        for one in &urgent.handling {
            show::line(format_args!("    {} {}", one.what, one.note.as_deref().unwrap_or_default()));
        }
        if urgent.received().is_none() {
            show::line("    not handed in yet");
        }
    }
    Ok(())
}
