//! Unified social credit code (统一社会信用代码): form and check character of GB 32100-2015. Pure.

/// The 31 characters of the code; their index is their value (GB 32100-2015, table 1: no I, O, S, V, Z).
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Modulus of the check character.
const MODULUS: u32 = 31;

/// Whether a text is a code: 18 characters, of which the last is 31 − Σ value × 3^position mod 31.
#[must_use]
pub fn is_valid(code: &str) -> bool {
    let value = |byte: u8| ALPHABET.iter().position(|known| *known == byte).and_then(|at| u32::try_from(at).ok());
    let values: Option<Vec<u32>> = code.bytes().map(value).collect();
    let Some((check, body)) = values.as_deref().and_then(<[u32]>::split_last) else { return false };
    if body.len() != 17 {
        return false;
    }
    let mut weight = 1;
    let mut sum = 0;
    for value in body {
        sum += value * weight;
        weight = weight * 3 % MODULUS;
    }
    (MODULUS - sum % MODULUS) % MODULUS == *check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_character_is_found() {
        let good = "91350100M000100Y43";
        assert!(is_valid(good));
        for at in 0..good.len() {
            let mut wrong = good.as_bytes().to_vec();
            if let Some(byte) = wrong.get_mut(at) {
                *byte = if *byte == b'7' { b'8' } else { b'7' };
            }
            assert!(!is_valid(std::str::from_utf8(&wrong).unwrap_or_default()), "position {at}");
        }
        assert!(!is_valid("") && !is_valid("9135"));
    }
}
