//! When a certificate begins and ends to be good, read from its DER. Nothing else of it: what it says and who signed it is for the
//! other side to judge.
//!
//! ```text
//! Certificate    = SEQUENCE { TBSCertificate … }
//! TBSCertificate = SEQUENCE { [0] version?, serial INTEGER, signature SEQUENCE, issuer SEQUENCE, Validity … }
//! Validity       = SEQUENCE { notBefore Time, notAfter Time }
//! Time           = UTCTime "YYMMDDHHMMSSZ" (50–99: 19YY) | GeneralizedTime "YYYYMMDDHHMMSSZ"        RFC 5280, 4.1.2.5
//! ```

use chrono::NaiveDateTime;
use roadbook_core::ids::Ms;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// First and last moment at which a certificate is good; `None` when these bytes are no certificate.
#[must_use]
pub(super) fn validity(der: &[u8]) -> Option<(Ms, Ms)> {
    let mut certificate = expect(&mut { der }, SEQUENCE)?;
    let mut tbs = expect(&mut certificate, SEQUENCE)?;
    if tbs.first() == Some(&VERSION) {
        expect(&mut tbs, VERSION)?;
    }
    expect(&mut tbs, INTEGER)?;
    expect(&mut tbs, SEQUENCE)?;
    expect(&mut tbs, SEQUENCE)?;
    let mut validity = expect(&mut tbs, SEQUENCE)?;
    Some((time(&mut validity)?, time(&mut validity)?))
}

/// The contents of the next value, when it has this tag.
fn expect<'a>(input: &mut &'a [u8], wanted: u8) -> Option<&'a [u8]> {
    let (tag, contents) = next(input)?;
    (tag == wanted).then_some(contents)
}

/// Tag and contents of the next value; `input` goes on behind it.
fn next<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let length = if *first < 0x80 {
        usize::from(*first)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, behind) = rest.split_at_checked(count)?;
        rest = behind;
        bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte))
    };
    let (contents, behind) = rest.split_at_checked(length)?;
    *input = behind;
    Some((*tag, contents))
}

fn time(input: &mut &[u8]) -> Option<Ms> {
    let (tag, contents) = next(input)?;
    let text = std::str::from_utf8(contents).ok()?;
    let text = match tag {
        UTC_TIME => format!("{}{text}", if text.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    Some(Ms(NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?.and_utc().timestamp_millis()))
}
