//! When service may begin at a stop: the hours of the day and a pinned earliest time, in the two directions that the
//! searches ask. Both answers are monotone in time, which is what makes early arrival never worse.

use super::problem::Window;

/// Later than any time of day.
pub(super) const FAR_S: i64 = i64::MAX / 4;
/// Earlier than any time of day: "not possible".
pub(super) const NEVER_S: i64 = -FAR_S;

/// Normalised hours: sorted, overlapping ones merged, cut at the earliest time allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opening {
    /// First second at which service may begin at all.
    open_s: i64,
    /// Last second without lateness. Before `open_s` where a pin begins after closing time: then it is always late.
    close_s: i64,
    /// All windows, where there are several; else empty.
    several: Vec<(i64, i64)>,
}

impl Opening {
    /// Hours of a stop; service never begins before `not_before_s`.
    pub(super) fn new(windows: &[Window], not_before_s: Option<i64>) -> Self {
        let floor_s = not_before_s.unwrap_or(NEVER_S);
        let mut sorted: Vec<(i64, i64)> = windows.iter().map(|w| (i64::from(w.open_s), i64::from(w.close_s))).collect();
        sorted.sort_unstable();
        let Some(last_close_s) = sorted.iter().map(|&(_, close_s)| close_s).max() else {
            return Self { open_s: floor_s, close_s: FAR_S, several: Vec::new() };
        };
        let mut several: Vec<(i64, i64)> = Vec::with_capacity(sorted.len());
        for (open_s, close_s) in sorted.into_iter().filter(|&(_, close_s)| close_s >= floor_s) {
            match several.last_mut() {
                Some(last) if open_s <= last.1 + 1 => last.1 = last.1.max(close_s),
                _ => several.push((open_s.max(floor_s), close_s)),
            }
        }
        let open_s = several.first().map_or(floor_s, |first| first.0);
        if several.len() < 2 {
            several.clear();
        }
        Self { open_s, close_s: last_close_s, several }
    }

    /// Ends at a given time at the latest (`None`: no such time).
    pub(super) fn until(by_s: Option<i64>) -> Self {
        Self { open_s: NEVER_S, close_s: by_s.unwrap_or(FAR_S), several: Vec::new() }
    }

    /// Whether any arrival is on time and none waits.
    pub(super) fn is_always(&self) -> bool {
        self.open_s == NEVER_S && self.close_s == FAR_S
    }

    /// When service begins for an arrival, and how late that is.
    pub(super) fn begin(&self, arrival_s: i64) -> (i64, i64) {
        let mut start_s = arrival_s.max(self.open_s);
        if !self.several.is_empty() {
            start_s = self.several.iter().find(|w| start_s <= w.1).map_or(start_s, |w| start_s.max(w.0));
        }
        (start_s, (start_s - self.close_s).max(0))
    }

    /// The latest arrival that is not late and begins by `limit_s`; [`NEVER_S`] when there is none.
    pub(super) fn latest(&self, limit_s: i64) -> i64 {
        if self.several.is_empty() {
            return if limit_s < self.open_s || self.close_s < self.open_s { NEVER_S } else { limit_s.min(self.close_s) };
        }
        self.several.iter().rev().find(|w| limit_s >= w.0).map_or(NEVER_S, |w| limit_s.min(w.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(windows: &[(i32, i32)]) -> Vec<Window> {
        windows.iter().map(|&(open_s, close_s)| Window { open_s, close_s }).collect()
    }

    #[test]
    fn waits_for_the_next_window_and_is_late_after_the_last() {
        let opening = Opening::new(&hours(&[(140, 180), (80, 115)]), None);
        assert_eq!(opening.begin(70), (80, 0));
        assert_eq!(opening.begin(115), (115, 0));
        assert_eq!(opening.begin(116), (140, 0));
        assert_eq!(opening.begin(181), (181, 1));
        assert_eq!(opening.latest(200), 180);
        assert_eq!(opening.latest(139), 115);
        assert_eq!(opening.latest(79), NEVER_S);
    }

    #[test]
    fn a_pinned_time_cuts_the_hours() {
        let opening = Opening::new(&hours(&[(80, 115), (140, 180)]), Some(100));
        assert_eq!(opening.begin(0), (100, 0));
        let opening = Opening::new(&hours(&[(80, 115), (140, 180)]), Some(120));
        assert_eq!(opening.begin(0), (140, 0));
        let after_closing = Opening::new(&hours(&[(80, 115)]), Some(120));
        assert_eq!(after_closing.begin(0), (120, 5));
        assert_eq!(after_closing.latest(FAR_S), NEVER_S);
        let free = Opening::new(&[], Some(120));
        assert_eq!(free.begin(0), (120, 0));
        assert!(Opening::new(&[], None).is_always() && !free.is_always());
    }

    #[test]
    fn latest_is_the_inverse_of_begin() {
        for windows in [hours(&[]), hours(&[(3, 5)]), hours(&[(3, 5), (6, 7)]), hours(&[(3, 9), (4, 5), (12, 14), (17, 17)])] {
            for floor_s in [None, Some(4), Some(13), Some(30)] {
                let opening = Opening::new(&windows, floor_s);
                for limit_s in 0..40 {
                    let by_trial = (-5..60).filter(|&a| opening.begin(a).1 == 0 && opening.begin(a).0 <= limit_s).max();
                    assert_eq!(opening.latest(limit_s), by_trial.unwrap_or(NEVER_S), "{opening:?} {limit_s}");
                }
            }
        }
    }
}
