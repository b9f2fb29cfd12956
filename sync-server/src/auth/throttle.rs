//! Guessing made slow: a growing delay for each account, a budget for each address. In memory; a restart forgets it.
//!
//! Unknown logins are counted like known ones, so that the delay tells nothing. Failures from an address from which the account's person
//! came in are counted apart: whoever guesses from elsewhere, however long, keeps nobody out who logs in from where they always do.

use std::collections::BTreeMap;

use roadbook_core::ids::Ms;

use crate::accounts::folded_login;
use crate::clock::span::{DAY_MS, MINUTE_MS, SECOND_MS};

/// Failures of one account that cost nothing.
const FREE_FAILURES: u32 = 5;
/// After this long without a failure an account starts anew, in milliseconds.
const FORGIVEN_AFTER_MS: i64 = 15 * MINUTE_MS;
/// The longest delay of an account, in milliseconds.
const DELAY_MAX_MS: i64 = 5 * MINUTE_MS;
/// Attempts of one address in one minute.
const ADDRESS_ATTEMPTS_PER_MINUTE: u32 = 30;
/// An address from which nobody came in for so long is as good as any other, in milliseconds.
const KNOWN_FOR_MS: i64 = 30 * DAY_MS;
/// Accounts and addresses that are remembered; beyond it the oldest give way.
const ENTRIES_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy)]
struct Account {
    failures: u32,
    last: Ms,
    /// An attempt is being decided until this moment at the latest: a second one at the same time waits.
    busy_until: Ms,
}

#[derive(Debug, Clone, Copy)]
struct Address {
    since: Ms,
    attempts: u32,
}

/// How long a decision may keep others of the same account waiting, in milliseconds.
const BUSY_MS: i64 = 10 * SECOND_MS;

/// What is remembered of failures.
#[derive(Debug, Default)]
pub struct Throttle {
    accounts: BTreeMap<Key, Account>,
    addresses: BTreeMap<String, Address>,
    /// When somebody last came in, by account and address.
    known: BTreeMap<(String, String), Ms>,
}

/// An account, and the address when its person came in from there before.
type Key = (String, Option<String>);

impl Throttle {
    /// Begins an attempt; to be followed by [`Self::succeeded`] or [`Self::failed`].
    ///
    /// # Errors
    /// How many milliseconds to wait.
    pub fn try_begin(&mut self, now: Ms, login: &str, address: &str) -> Result<(), i64> {
        self.try_address(now, address)?;
        make_room(&mut self.accounts, |account| account.last);
        let key = self.key(now, login, address);
        let account = self.accounts.entry(key).or_insert(Account { failures: 0, last: now, busy_until: Ms(i64::MIN) });
        if now.since(account.last) > FORGIVEN_AFTER_MS {
            account.failures = 0;
        }
        let free_at = account.last.plus(delay_ms(account.failures)).max(account.busy_until);
        if free_at > now && (account.failures > FREE_FAILURES || account.busy_until > now) {
            return Err(free_at.since(now));
        }
        // Past the free failures attempts come one after the other, or many at once would share one delay.
        if account.failures >= FREE_FAILURES {
            account.busy_until = now.plus(BUSY_MS);
        }
        Ok(())
    }

    /// Counts an attempt of an address that is about no account (an enrolment code).
    ///
    /// # Errors
    /// How many milliseconds to wait.
    pub fn try_address(&mut self, now: Ms, address: &str) -> Result<(), i64> {
        make_room(&mut self.addresses, |address| address.since);
        let entry = self.addresses.entry(bounded(address)).or_insert(Address { since: now, attempts: 0 });
        if now.since(entry.since) >= MINUTE_MS {
            *entry = Address { since: now, attempts: 0 };
        }
        if entry.attempts >= ADDRESS_ATTEMPTS_PER_MINUTE {
            return Err(entry.since.plus(MINUTE_MS).since(now).max(SECOND_MS));
        }
        entry.attempts = entry.attempts.saturating_add(1);
        Ok(())
    }

    /// The password was right.
    pub fn succeeded(&mut self, now: Ms, login: &str, address: &str) {
        let key = self.key(now, login, address);
        self.accounts.remove(&key);
        make_room(&mut self.known, |at| *at);
        self.known.insert((bounded(&folded_login(login)), bounded(address)), now);
    }

    /// The attempt failed.
    pub fn failed(&mut self, now: Ms, login: &str, address: &str) {
        let key = self.key(now, login, address);
        if let Some(account) = self.accounts.get_mut(&key) {
            account.failures = account.failures.saturating_add(1);
            account.last = now;
            account.busy_until = Ms(i64::MIN);
        }
    }

    fn key(&self, now: Ms, login: &str, address: &str) -> Key {
        let (login, address) = (bounded(&folded_login(login)), bounded(address));
        let known = self.known.get(&(login.clone(), address.clone())).is_some_and(|at| now.since(*at) <= KNOWN_FOR_MS);
        (login, known.then_some(address))
    }
}

/// 0 up to the free failures, then 2, 4, 8 … seconds.
fn delay_ms(failures: u32) -> i64 {
    let beyond = failures.saturating_sub(FREE_FAILURES);
    if beyond == 0 { 0 } else { SECOND_MS.saturating_mul(1 << beyond.min(20)).min(DELAY_MAX_MS) }
}

fn bounded(text: &str) -> String {
    text.chars().take(80).collect()
}

fn make_room<K: Ord, T>(entries: &mut BTreeMap<K, T>, age: impl Fn(&T) -> Ms) {
    if entries.len() < ENTRIES_MAX {
        return;
    }
    // Rare and bounded: the older half goes at once.
    let mut ages: Vec<Ms> = entries.values().map(&age).collect();
    ages.sort_unstable();
    let middle = ages.get(ages.len() / 2).copied().unwrap_or(Ms(i64::MAX));
    entries.retain(|_, entry| age(entry) > middle);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end_and_are_forgiven() {
        let mut throttle = Throttle::default();
        let mut now = 0;
        for _ in 0..FREE_FAILURES {
            assert_eq!(throttle.try_begin(Ms(now), "sl", "a"), Ok(()));
            throttle.failed(Ms(now), "sl", "a");
        }
        for wanted in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            now += 61 * MINUTE_MS / 60;
            if throttle.try_begin(Ms(now), "ＳL ", "a").is_ok() {
                throttle.failed(Ms(now), "sl", "a");
            }
            assert_eq!(throttle.try_begin(Ms(now), "sl", "a"), Err(wanted * SECOND_MS), "{wanted}");
            now += wanted * SECOND_MS;
        }
        assert_eq!(throttle.try_begin(Ms(now), "other", "a"), Ok(()), "another account is free");
        assert_eq!(throttle.try_begin(Ms(now + FORGIVEN_AFTER_MS + 1), "sl", "a"), Ok(()));
        throttle.failed(Ms(now + FORGIVEN_AFTER_MS + 1), "sl", "a");
        assert_eq!(throttle.try_begin(Ms(now + FORGIVEN_AFTER_MS + 1), "sl", "a"), Ok(()));
    }

    #[test]
    fn past_the_free_failures_attempts_do_not_run_side_by_side() {
        let mut throttle = Throttle::default();
        for _ in 0..FREE_FAILURES {
            assert_eq!(throttle.try_begin(Ms(0), "sl", "a"), Ok(()));
            throttle.failed(Ms(0), "sl", "a");
        }
        assert_eq!(throttle.try_begin(Ms(1), "sl", "a"), Ok(()));
        assert_eq!(throttle.try_begin(Ms(1), "sl", "b"), Err(BUSY_MS));
        throttle.succeeded(Ms(1), "sl", "a");
        assert_eq!(throttle.try_begin(Ms(2), "sl", "b"), Ok(()));
    }

    #[test]
    fn who_guesses_from_elsewhere_keeps_nobody_out() {
        let mut throttle = Throttle::default();
        assert_eq!(throttle.try_begin(Ms(0), "sl", "office"), Ok(()));
        throttle.succeeded(Ms(0), "sl", "office");
        for n in 0..40 {
            if throttle.try_begin(Ms(n), "sl", &n.to_string()).is_ok() {
                throttle.failed(Ms(n), "sl", &n.to_string());
            }
        }
        assert!(throttle.try_begin(Ms(40), "sl", "elsewhere").is_err());
        assert_eq!(throttle.try_begin(Ms(40), "ＳＬ", "office"), Ok(()), "from where they always come");
        // Guessing from there is as slow as from anywhere.
        for n in 0..=i64::from(FREE_FAILURES) {
            throttle.failed(Ms(41 + n), "sl", "office");
        }
        assert!(throttle.try_begin(Ms(50), "sl", "office").is_err());
        let late = KNOWN_FOR_MS + 1;
        assert_eq!(throttle.key(Ms(late), "sl", "office").1, None, "known for a while");
    }

    #[test]
    fn an_address_has_its_budget_and_memory_is_bounded() {
        let mut throttle = Throttle::default();
        for n in 0..ADDRESS_ATTEMPTS_PER_MINUTE {
            assert_eq!(throttle.try_begin(Ms(0), &n.to_string(), "a"), Ok(()));
        }
        assert_eq!(throttle.try_begin(Ms(0), "x", "a"), Err(MINUTE_MS));
        assert_eq!(throttle.try_begin(Ms(MINUTE_MS), "x", "a"), Ok(()));
        for n in 0..3 * i64::try_from(ENTRIES_MAX).unwrap_or(0) {
            assert_eq!(throttle.try_begin(Ms(n), &n.to_string(), &n.to_string()), Ok(()));
        }
        assert!(throttle.accounts.len() <= ENTRIES_MAX && throttle.known.len() <= ENTRIES_MAX && throttle.addresses.len() <= ENTRIES_MAX);
    }
}
