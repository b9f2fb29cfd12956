//! When two values are the same to a person: normal forms of texts and phone numbers. Pure.

use unicode_normalization::UnicodeNormalization as _;

use super::schema::FieldType;
use super::value::Value;

/// Most digits of a phone number that are compared.
pub const PHONE_DIGITS_MAX: usize = 20;

/// Text as it is compared: compatibility forms folded (Ａ１ becomes A1), ends trimmed, runs of blanks made one, letters lowered.
#[must_use]
pub fn text(text: &str) -> String {
    let folded: String = text.nfkc().collect::<String>().to_lowercase();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Phone number as it is compared: its digits, without the country code of mainland China. Extensions keep their digits.
#[must_use]
pub fn phone(number: &str) -> String {
    let digits: String = number.nfkc().filter(char::is_ascii_digit).take(PHONE_DIGITS_MAX).collect();
    let plus = number.trim_start().starts_with(['+', '＋']) || digits.starts_with("0086");
    let bare = digits.strip_prefix("0086").or_else(|| if plus { digits.strip_prefix("86") } else { None });
    bare.map_or_else(|| digits.clone(), str::to_owned)
}

/// A value as it is compared with its rivals.
#[must_use]
pub fn value(ty: &FieldType, value: &Value) -> Value {
    match (ty, value) {
        (FieldType::Phone, Value::Text(number)) => Value::Text(phone(number)),
        (_, Value::Text(words)) => Value::Text(text(words)),
        _ => value.clone(),
    }
}

/// Eight bytes of the SHA-256 of a value's coding, in hexadecimal: which value a confirmation is about.
#[must_use]
pub fn value_tag(value: &Value) -> String {
    use sha2::Digest as _;
    let bytes = minicbor::to_vec(value).unwrap_or_default();
    sha2::Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_in_two_writings() {
        assert_eq!(phone("0571 8888-1234"), phone("057188881234"));
        assert_eq!(phone("+86 139-0000-1111"), phone("13900001111"));
        assert_eq!(phone("008613900001111"), "13900001111");
        assert_eq!(phone("＋８６ １３９００００１１１１"), "13900001111", "a plus of full width");
        assert_eq!(phone("8613900001111"), "8613900001111", "without a plus the digits stand as typed");
    }

    #[test]
    fn full_width_is_half_width() {
        assert_eq!(text(" 惠民超市A1  店 "), "惠民超市a1 店");
    }
}
