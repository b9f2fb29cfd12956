//! What became of a seed: which law it breaks, and the shortest story found that breaks it.

use std::fmt::Write as _;

use super::storm::{Step, Storm, history};
use crate::world::mishap::attempt;
use crate::world::shrink;

/// Which law these steps break, and their story.
fn outcome(seed: u64, without: &str, steps: &[Step], telling: bool) -> Result<(), (String, Vec<String>)> {
    let mut told = Vec::new();
    let ran = attempt(|| {
        let mut storm = Storm::new(seed, without, telling);
        let ran = attempt(|| storm.run(steps));
        told = storm.told.take().unwrap_or_default();
        ran
    });
    let broken = match ran {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(law))) => law,
        Ok(Err(mishap)) | Err(mishap) => mishap.said,
    };
    Err((broken, told))
}

/// Which law a seed breaks, without the kinds of fault that are named.
pub(super) fn broken(seed: u64, without: &str) -> Option<String> {
    outcome(seed, without, &history(seed), false).err().map(|(law, _)| law)
}

/// What a law that is broken says, without names and numbers: another fault that shows up while a story is made shorter is another story.
fn form(law: &str) -> Vec<&str> {
    law.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit())).collect()
}

/// The shortest story found that breaks a law as this seed does.
pub(super) fn story(seed: u64, law: &str) -> String {
    let fails = |steps: &[Step]| outcome(seed, "", steps, false).err().map(|(law, _)| law).filter(|found| form(found) == form(law));
    let (steps, law) = shrink::smallest(&history(seed), law.to_owned(), fails);
    let told = outcome(seed, "", &steps, true).err().map(|(_, told)| told).unwrap_or_default();
    let mut story = format!("seed {seed}, {} steps: {law}\n", steps.len());
    for line in told {
        let _infallible = writeln!(story, "{line}");
    }
    story
}
