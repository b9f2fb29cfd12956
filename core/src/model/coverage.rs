//! Visit coverage: how often a customer is to be visited, and which visits count. Pure.

/// Days between visits that a grade asks for where the office says nothing else: A 7, B 14, C 30, D 60; 0 = none asked.
#[must_use]
pub fn interval_days(grade: &str) -> u32 {
    match grade {
        "A" => 7,
        "B" => 14,
        "C" => 30,
        "D" => 60,
        _ => 0,
    }
}

/// Whether a visit with this outcome satisfies the interval: somebody was met. A closed shop or an absent person does not count.
#[must_use]
pub fn counts(outcome: &str) -> bool {
    !matches!(outcome, "closed" | "absent" | "moved")
}

/// Whether a customer in this state is to be visited at all: nobody is overdue who is out of service.
#[must_use]
pub fn is_visited(lifecycle: &str) -> bool {
    !matches!(lifecycle, "archived" | "blocked")
}
