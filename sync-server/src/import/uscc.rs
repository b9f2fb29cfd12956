//! The unified social credit code (统一社会信用代码, GB 32100-2015). Belongs here: a code as typed, and what is wrong with it.
//! Never: who holds which code.
//!
//! Which faults a typed code can have; whether the check digit fits is `roadbook_core::model::uscc`.

use roadbook_core::model::uscc::is_valid;
use unicode_normalization::UnicodeNormalization;

/// The characters of the standard: no `I O S V Z`.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const LENGTH: usize = 18;

/// What is wrong with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsccError {
    /// Not 18 characters.
    Length,
    /// A character that the standard leaves out.
    Character,
    /// The check digit does not fit: something was mistyped.
    CheckDigit,
}

/// The code in upper case without blanks.
///
/// # Errors
/// [`UsccError`].
pub fn checked(text: &str) -> Result<String, UsccError> {
    let code: String = text.nfkc().filter(|c| !c.is_whitespace() && *c != '-').flat_map(char::to_uppercase).collect();
    if code.chars().count() != LENGTH {
        return Err(UsccError::Length);
    }
    if !code.chars().all(|c| ALPHABET.contains(c)) {
        return Err(UsccError::Character);
    }
    if is_valid(&code) { Ok(code) } else { Err(UsccError::CheckDigit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass() {
        // The worked example of the standard and the register entries of two large companies.
        for code in ["91350100M000100Y43", "91440300708461136T", "9144030071526726XG"] {
            assert_eq!(checked(code).as_deref(), Ok(code), "{code}");
        }
        assert_eq!(checked(" 91350100m000100y43 ").as_deref(), Ok("91350100M000100Y43"));
        assert_eq!(checked("９１３５０１００Ｍ０００１００Ｙ４３").as_deref(), Ok("91350100M000100Y43"));
    }

    #[test]
    fn each_fault_has_its_name() {
        assert_eq!(checked("91350100M000100Y4"), Err(UsccError::Length));
        assert_eq!(checked("91350100O000100Y43"), Err(UsccError::Character));
        assert_eq!(checked("91350100M000100Y44"), Err(UsccError::CheckDigit));
        assert_eq!(checked("19350100M000100Y43"), Err(UsccError::CheckDigit));
    }
}
