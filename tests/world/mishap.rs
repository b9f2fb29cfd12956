//! Doing what may fail: a panic of a test's own `unwrap`, because a disk was in trouble, is an answer; a panic inside the product
//! never is. Prints nothing for panics that are taken as answers.

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::sync::Once;

/// A panic, by where it was.
#[derive(Debug, Clone)]
pub(crate) struct Mishap {
    /// It was in the tests, not in the product.
    pub(crate) ours: bool,
    pub(crate) said: String,
}

thread_local! {
    static LISTENING: Cell<bool> = const { Cell::new(false) };
    static HEARD: RefCell<Option<Mishap>> = const { RefCell::new(None) };
}

/// Runs something and returns the panic that ended it, if one did.
pub(crate) fn attempt<T>(what: impl FnOnce() -> T) -> Result<T, Mishap> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !LISTENING.get() {
                return before(panic);
            }
            let place = panic.location().map_or_else(String::new, ToString::to_string);
            let said = panic.payload_as_str().unwrap_or("a panic").to_owned();
            // What a gate catches inside comes before the panic that ends the whole: the last one counts.
            HEARD.set(Some(Mishap { ours: place.starts_with("tests/"), said: format!("{place}: {said}") }));
        }));
    });
    let outer = LISTENING.replace(true);
    let done = std::panic::catch_unwind(AssertUnwindSafe(what));
    LISTENING.set(outer);
    done.map_err(|_| HEARD.take().unwrap_or(Mishap { ours: false, said: "a panic".to_owned() }))
}

#[test]
fn a_panic_of_ours_is_told_from_one_of_the_product() {
    let mishap = attempt(|| "x".parse::<u8>().unwrap()).unwrap_err();
    assert!(mishap.ours && mishap.said.contains("mishap.rs"), "{mishap:?}");
    assert_eq!(attempt(|| 7).unwrap(), 7);
}
