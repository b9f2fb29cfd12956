//! The heads that a form showed, as one opaque text: the field side's and the office side's.
//!
//! ```text
//! token = customer "." office        each: the hashes, 32 bytes one after the other, in hexadecimal; empty for none
//! ```

use roadbook_core::crdt::Heads;
use roadbook_core::model::card::Card;

use super::names::{bytes_of_hex, hex};
use crate::http::Error;

/// Most hashes of one side; a document with more rival heads than this is not what a form showed.
const HASHES_MAX: usize = 256;

/// The two sides of a card as a form showed them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CardHeads {
    pub(super) customer: Heads,
    pub(super) office: Heads,
}

impl CardHeads {
    pub(super) fn of(card: &Card) -> Self {
        Self { customer: card.heads.clone(), office: card.office_heads.clone() }
    }

    /// # Errors
    /// [`Error::Malformed`] for what [`Self::to_token`] never made.
    pub(super) fn of_token(token: &str) -> Result<Self, Error> {
        let (customer, office) = token.split_once('.').ok_or(Error::Malformed)?;
        Ok(Self { customer: heads_of_text(customer)?, office: heads_of_text(office)? })
    }

    pub(super) fn to_token(&self) -> String {
        format!("{}.{}", text_of_heads(&self.customer), text_of_heads(&self.office))
    }
}

/// Heads of one document as text.
pub(super) fn text_of_heads(heads: &Heads) -> String {
    hex(&heads.to_bytes())
}

/// # Errors
/// [`Error::Malformed`].
pub(super) fn heads_of_text(text: &str) -> Result<Heads, Error> {
    if text.len() > HASHES_MAX * 64 {
        return Err(Error::Malformed);
    }
    bytes_of_hex(text).and_then(|bytes| Heads::from_bytes(&bytes)).ok_or(Error::Malformed)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use roadbook_core::ids::ChangeHash;

    use super::*;

    #[test]
    fn a_token_goes_there_and_back_and_nothing_else_is_read() {
        let heads = CardHeads { customer: Heads::new(vec![ChangeHash([7; 32]), ChangeHash([9; 32])]), office: Heads::default() };
        assert_eq!(CardHeads::of_token(&heads.to_token()).unwrap(), heads);
        for odd in ["", "07", "zz.", ".zz", "0707.", &format!("{}.", "00".repeat(32 * (HASHES_MAX + 1)))] {
            assert!(CardHeads::of_token(odd).is_err(), "{odd}");
        }
    }
}
