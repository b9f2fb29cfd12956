//! What is asked: a start, perhaps an end, the open stops with their hours, pins, weights; and the limits within
//! which a question is accepted. Never how it is answered.

use thiserror::Error;

use super::matrix::Matrix;

/// Most stops in one day.
pub const STOPS_MAX: usize = 1_000;
/// Most opening windows of one stop.
pub const WINDOWS_MAX: usize = 8;
/// Longest service at one stop, seconds (one day).
pub const SERVICE_S_MAX: i32 = 86_400;
/// Latest (and, negated, earliest) time of day accepted, seconds from local midnight (one week).
pub const TIME_S_MAX: i32 = 604_800;
/// Longest leg, seconds; a longer one from a matrix is taken as this long.
pub const TRAVEL_S_MAX: u32 = 1_000_000;
/// Largest weight.
pub const WEIGHT_MAX: u32 = 1_000_000;
/// What one second of lateness costs by default, in seconds of travel.
pub const LATE_WEIGHT: u32 = 1_000;

/// A time of day in which service may *begin*, both ends included; seconds from local midnight.
///
/// A shop that wants the visitor gone by closing time is given a window that ends its service time earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First second at which service may begin.
    pub open_s: i32,
    /// Last second at which service may begin; not before `open_s`.
    pub close_s: i32,
}

/// A customer to call on. Known everywhere by its position in [`Problem::stops`]; the caller keeps its ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stop {
    /// Its row and column in the matrix.
    pub place: usize,
    /// How long the visit takes, seconds.
    pub service_s: i32,
    /// Opening windows of the day, in any order; none means always open. Outside of them the visitor waits for
    /// the next; after the last he is late, and is served on arrival.
    pub windows: Vec<Window>,
}

/// Where and when the open part of the day begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Start {
    /// Its place in the matrix.
    pub place: usize,
    /// Departure, seconds from local midnight.
    pub leave_s: i32,
}

/// Where the day ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Its place in the matrix.
    pub place: usize,
    /// Arriving later than this counts as lateness; `None`: any time will do.
    pub by_s: Option<i32>,
}

/// A person's wish about the place of a stop. Hard, except where pins contradict one another: they are taken
/// in order, and one that cannot be kept any more is reported in [`Plan::unmet_pins`](super::Plan::unmet_pins).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// The stop comes first.
    First {
        /// The pinned stop.
        stop: usize,
    },
    /// The stop comes last.
    Last {
        /// The pinned stop.
        stop: usize,
    },
    /// The stop comes right after another.
    RightAfter {
        /// The pinned stop.
        stop: usize,
        /// The stop before it.
        after: usize,
    },
    /// Service does not begin before this time, whatever the opening hours say.
    NotBefore {
        /// The pinned stop.
        stop: usize,
        /// Seconds from local midnight.
        at_s: i32,
    },
}

impl Pin {
    /// The stop that is pinned.
    pub fn stop(&self) -> usize {
        match *self {
            Self::First { stop } | Self::Last { stop } | Self::RightAfter { stop, .. } | Self::NotBefore { stop, .. } => stop,
        }
    }

    /// Whether the pin has a say in the place of this stop: it is pinned, or another is pinned to it.
    pub fn names(&self, index: usize) -> bool {
        self.stop() == index || matches!(*self, Self::RightAfter { after, .. } if after == index)
    }
}

/// What counts for how much, in seconds of travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// One second of lateness.
    pub late: u32,
    /// One stop moved out of the base order; 0: the base order is only a first idea.
    pub moved_s: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { late: LATE_WEIGHT, moved_s: 0 }
    }
}

/// One day's question. Travel times are given beside it, as a [`Matrix`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// Where the rep is.
    pub start: Start,
    /// Where the day ends; `None`: with the last stop.
    pub end: Option<End>,
    /// The open stops.
    pub stops: Vec<Stop>,
    /// The order the people involved know, each stop at most once, new stops left out. Stops that leave it count as
    /// moved (as few as explain the new order); stops that are not in it never do.
    pub base_order: Vec<usize>,
    /// Wishes, in the order in which they bind.
    pub pins: Vec<Pin>,
    /// What counts for how much.
    pub weights: Weights,
}

/// Why a problem cannot be taken on. All of these are mistakes of the caller, none depends on the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProblemError {
    /// More than [`STOPS_MAX`] stops.
    #[error("{count} stops in one day; the most is {STOPS_MAX}")]
    TooManyStops {
        /// How many were given.
        count: usize,
    },
    /// A place that the matrix does not have.
    #[error("place {place} is not in the matrix of {places} places")]
    UnknownPlace {
        /// The place.
        place: usize,
        /// How many the matrix has.
        places: usize,
    },
    /// A base order, pin or order names a stop that there is none of.
    #[error("stop {stop} is named, but there are only {count} stops")]
    UnknownStop {
        /// The number named.
        stop: usize,
        /// How many stops there are.
        count: usize,
    },
    /// A base order or order names a stop twice.
    #[error("stop {stop} comes twice in one order")]
    StopTwice {
        /// The stop.
        stop: usize,
    },
    /// A window closes before it opens, a time lies beyond [`TIME_S_MAX`], a service is negative or beyond
    /// [`SERVICE_S_MAX`], or there are more than [`WINDOWS_MAX`] windows.
    #[error("the hours or the service time of stop {stop} are out of range")]
    Hours {
        /// The stop.
        stop: usize,
    },
    /// Departure, latest end or a pin's time lies beyond [`TIME_S_MAX`].
    #[error("{at_s} is not a time of day")]
    Time {
        /// The time given.
        at_s: i32,
    },
    /// A weight beyond [`WEIGHT_MAX`].
    #[error("weight {weight} is above {WEIGHT_MAX}")]
    Weight {
        /// The weight.
        weight: u32,
    },
}

impl Problem {
    /// Whether every number in the problem is within its limits and every reference leads somewhere.
    ///
    /// # Errors
    /// The first mistake found.
    pub fn check<M: Matrix + ?Sized>(&self, matrix: &M) -> Result<(), ProblemError> {
        if self.stops.len() > STOPS_MAX {
            return Err(ProblemError::TooManyStops { count: self.stops.len() });
        }
        let places = matrix.places();
        let ends = [Some(self.start.place), self.end.map(|end| end.place)];
        for place in self.stops.iter().map(|stop| stop.place).chain(ends.into_iter().flatten()) {
            if place >= places {
                return Err(ProblemError::UnknownPlace { place, places });
            }
        }
        for (index, stop) in self.stops.iter().enumerate() {
            let hours_bad = |w: &Window| !in_range(w.open_s) || !in_range(w.close_s) || w.open_s > w.close_s;
            let service_bad = !(0..=SERVICE_S_MAX).contains(&stop.service_s);
            if service_bad || stop.windows.len() > WINDOWS_MAX || stop.windows.iter().any(hours_bad) {
                return Err(ProblemError::Hours { stop: index });
            }
        }
        self.check_order(&self.base_order)?;
        let mut times = vec![self.start.leave_s];
        times.extend(self.end.and_then(|end| end.by_s));
        for pin in &self.pins {
            let other = match *pin {
                Pin::RightAfter { after, .. } => Some(after),
                Pin::NotBefore { at_s, .. } => {
                    times.push(at_s);
                    None
                }
                Pin::First { .. } | Pin::Last { .. } => None,
            };
            for stop in other.into_iter().chain([pin.stop()]) {
                self.known(stop)?;
            }
        }
        if let Some(&at_s) = times.iter().find(|&&at_s| !in_range(at_s)) {
            return Err(ProblemError::Time { at_s });
        }
        match [self.weights.late, self.weights.moved_s].into_iter().find(|&weight| weight > WEIGHT_MAX) {
            Some(weight) => Err(ProblemError::Weight { weight }),
            None => Ok(()),
        }
    }

    /// Whether an order names known stops, each at most once.
    ///
    /// # Errors
    /// [`ProblemError::UnknownStop`] or [`ProblemError::StopTwice`].
    pub fn check_order(&self, order: &[usize]) -> Result<(), ProblemError> {
        let mut seen = vec![false; self.stops.len()];
        for &stop in order {
            match seen.get_mut(stop) {
                None => return self.known(stop),
                Some(true) => return Err(ProblemError::StopTwice { stop }),
                Some(fresh) => *fresh = true,
            }
        }
        Ok(())
    }

    fn known(&self, stop: usize) -> Result<(), ProblemError> {
        let count = self.stops.len();
        if stop < count { Ok(()) } else { Err(ProblemError::UnknownStop { stop, count }) }
    }
}

fn in_range(at_s: i32) -> bool {
    (-TIME_S_MAX..=TIME_S_MAX).contains(&at_s)
}
