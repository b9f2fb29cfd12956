//! What the gate costs an honest writer. Ignored: it measures. Run it alone, optimised:
//! `cargo test --release -p roadbook-tests -- --ignored --nocapture the_gate_costs`.
#![expect(clippy::print_stderr, reason = "figures are what this is for")]

use std::time::{Duration, Instant};

use roadbook_core::crdt::gate::{ContainerRules, Gate, Incoming, Outcome, Source};
use roadbook_core::crdt::{Document, RawChange};
use roadbook_core::ids::ActorId;

use super::world::{ANN, CAT, GENESIS, stamp, write};

/// A card as customers have it: 40 fields, 13 changes by three people, about 200 operations.
fn card() -> Document {
    let mut document = GENESIS.document().unwrap();
    for n in 0..12u8 {
        write(&mut document, None, &stamp([n % 3 + 1; 16], ANN), |w| {
            (0..16).try_for_each(|m| w.put("facts", &format!("field{}", (n * 7 + m) % 40), format!("值{n}{m}").into_bytes().repeat(4)))
        });
    }
    document
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..301)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[150]
}

#[test]
#[ignore = "measures; run it alone and optimised"]
fn the_gate_costs_about_as_much_as_loading() {
    let document = card();
    let rules = ContainerRules::of(&GENESIS).unwrap();
    let bytes = document.save();
    let mut phone = document.clone();
    let edits: Vec<RawChange> = (0..20)
        .map(|n| write(&mut phone, None, &stamp([9; 16], CAT), |w| w.put("facts", &format!("field{n}"), b"new value".to_vec())))
        .collect();
    let owns = |_: &ActorId| true;
    let incoming: Vec<Incoming<'_>> =
        edits.iter().map(|edit| Incoming { bytes: &edit.bytes, source: Source::Device { user: CAT, owns: &owns } }).collect();
    let strict = Gate::strict();

    let load = median(|| drop(Document::load(&bytes).unwrap()));
    let apply = median(|| document.clone().apply(&edits[..1]).unwrap());
    let save = median(|| drop(document.save()));
    let one = median(|| {
        let admission = strict.admit(&document, &rules, &incoming[..1], &|_| Ok(()));
        assert!(matches!(admission.outcomes[0], Outcome::Accepted(_)));
    });
    let twenty = median(|| assert!(strict.admit(&document, &rules, &incoming, &|_| Ok(())).document.is_some()));
    let identify = median(|| drop(strict.identify(&edits[0].bytes).unwrap()));
    let snapshot = median(|| drop(Gate::lenient().admit_snapshot(&bytes, rules.genesis()).unwrap()));
    eprintln!("{} bytes, {} changes", bytes.len(), document.metas().len());
    eprintln!("load {load:?}, apply {apply:?}, save {save:?}");
    eprintln!("gate: one change {one:?}, twenty in a call {twenty:?}; identify {identify:?}; snapshot {snapshot:?}");
    assert!(one <= 3 * (load + apply + save), "the gate costs more than three times load, apply and save");
}
