//! What a phone in the shell says of its exchanges: `phone sync`, `status`, `carry-out`, `carry-in`.

use super::phone::{LINES_MAX, named};
use super::{Done, show};
use crate::phone::Phone;

pub(super) fn sync(phone: &mut Phone, metered: bool) -> Done {
    let turns = phone.sync()?;
    let sum = |count: fn(&roadbook_core::sync::Synced) -> usize| turns.iter().map(count).sum::<usize>();
    let (accepted, documents, forgotten) = (sum(|turn| turn.accepted), sum(|turn| turn.documents), sum(|turn| turn.forgotten));
    show::line(format_args!("handed in {accepted}, received {documents} documents, gave up {forgotten}, in {} exchange(s)", turns.len()));
    for (hash, ruling) in turns.iter().flat_map(|turn| &turn.decided) {
        show::line(format_args!("decided at headquarters: {hash}: {ruling:?}"));
    }
    if turns.iter().any(|turn| turn.wiped) {
        show::line("headquarters has ended this phone: it was wiped, and so was its key");
    } else if turns.iter().any(|turn| turn.drain_only) {
        show::line("headquarters has shut this phone out: it hands in what it has, photos too, and is wiped then");
    }
    for (hash, why) in turns.iter().flat_map(|turn| &turn.quarantined) {
        show::line(format_args!("set aside at headquarters: {hash}: {why}"));
    }
    super::lanes::hand_in(phone, metered)
}

pub(super) fn carry_out(phone: &Phone, meeting: &std::path::Path, file: &std::path::Path) -> Done {
    let Some((changes, packet)) = phone.carry_out(&std::fs::read(meeting)?)? else {
        show::line("nothing waits that the other phone may hold");
        return Ok(());
    };
    std::fs::write(file, packet)?;
    show::line(format_args!("{changes} change(s) in {}; they also stay in this phone's outbox, and count once", file.display()));
    Ok(())
}

pub(super) fn carry_in(phone: &mut Phone, file: &std::path::Path) -> Done {
    let now = phone.now();
    let done = phone.replica_mut().carry_in(&std::fs::read(file)?, now)?;
    show::line(format_args!("took in {} change(s), {} shown here; next: sync", done.changes, done.shown));
    Ok(())
}

pub(super) fn status(phone: &Phone) -> Done {
    let profile = phone.profile()?;
    let waiting = phone.replica().outbox_size()?;
    let name = profile.as_ref().map_or("?", |profile| profile.name.as_str());
    show::line(format_args!("{name} on device {}, headquarters {}", phone.device(), phone.server()));
    show::line(format_args!("{} change(s) wait for headquarters, {} urgent", waiting.changes, waiting.urgent));
    show::line(format_args!("{} photo(s) wait for headquarters", phone.replica().photos_waiting()?.originals));
    for own in phone.replica().set_aside_changes(LINES_MAX)? {
        show::line(format_args!("set aside: {} in {} {}: {:?}", own.hash, own.kind, own.doc, own.standing));
    }
    for notice in phone.replica().notices(LINES_MAX)? {
        let who = profile.iter().flat_map(|profile| &profile.people).find(|person| person.user == notice.author);
        let who = who.map_or_else(|| notice.author.to_string(), |person| person.name.clone());
        show::line(format_args!("前任离线记录 · late records of {who}: {} about {}", notice.changes, named(phone, notice.subject)?));
    }
    for draft in phone.replica().drafts()? {
        show::line(format_args!("under way: visit at {}", named(phone, draft.customer)?));
    }
    Ok(())
}
