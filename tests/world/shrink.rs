//! Makes a failing list of steps small: leaves out ever smaller runs of steps while the failure stays (delta debugging,
//! Zeller and Hildebrandt 2002). Knows nothing of what the steps do.

/// Most times a failing history is run again to make it smaller.
const RUNS_MAX: usize = 600;

/// The smallest failing list found, and how it fails. `fails` says why, or `None` when all is well.
pub(crate) fn smallest<S: Clone>(steps: &[S], first: String, fails: impl Fn(&[S]) -> Option<String>) -> (Vec<S>, String) {
    let mut kept = steps.to_vec();
    let mut why = first;
    let mut runs = 0;
    let mut length = kept.len().div_ceil(2);
    while length > 0 && runs < RUNS_MAX {
        let mut from = 0;
        let mut smaller = false;
        while from < kept.len() && runs < RUNS_MAX {
            let mut without = kept.clone();
            without.drain(from..(from + length).min(kept.len()));
            runs += 1;
            match fails(&without) {
                Some(reason) => {
                    kept = without;
                    why = reason;
                    smaller = true;
                }
                None => from += length,
            }
        }
        if !smaller || length > kept.len() {
            length /= 2;
        }
    }
    (kept, why)
}

#[test]
fn the_two_steps_that_matter_are_left() {
    let steps: Vec<u32> = (0..1_000).collect();
    let fails = |steps: &[u32]| (steps.contains(&17) && steps.contains(&801)).then(|| "both".to_owned());
    assert_eq!(smallest(&steps, "both".to_owned(), fails), (vec![17, 801], "both".to_owned()));
}
