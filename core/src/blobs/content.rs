//! What bytes are, by looking at them: JPEG, PNG, WebP or PDF, and how many pixels. What a sender says of them counts for nothing.
//! Headers only; no picture is decoded here, so none can be a bomb.

use super::{BLOB_BYTES_MAX, PIXELS_MAX, THUMBNAIL_BYTES_MAX};

/// A type of content that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    Webp,
    /// `application/pdf`
    Pdf,
}

/// Bytes that are not taken as a photo or file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Nothing at all.
    #[error("the file is empty")]
    Empty,
    /// More bytes than allowed.
    #[error("the file has {found} bytes, at most {max} are allowed: make the picture smaller")]
    TooLarge {
        /// How many it has.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// More pixels than allowed.
    #[error("the picture has {found} pixels, at most {PIXELS_MAX} are allowed: make it smaller")]
    TooManyPixels {
        /// How many it has.
        found: u64,
    },
    /// Not one of the types.
    #[error("the file is no JPEG, PNG, WebP or PDF")]
    Unknown,
    /// Begins like a picture, and has no readable size.
    #[error("the picture is damaged: its size cannot be read")]
    Damaged,
    /// A PDF where a picture is needed.
    #[error("a thumbnail is a picture")]
    NoPicture,
}

impl Content {
    /// Its media type.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
        }
    }
    /// The usual end of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Pdf => "pdf",
        }
    }
    /// The content of a media type.
    #[must_use]
    pub fn of_mime(mime: &str) -> Option<Self> {
        [Self::Jpeg, Self::Png, Self::Webp, Self::Pdf].into_iter().find(|content| content.mime() == mime)
    }

    /// What these bytes are, within the bounds of originals.
    ///
    /// # Errors
    /// [`ContentError`] says why they are not taken.
    pub fn of(bytes: &[u8]) -> Result<Self, ContentError> {
        Self::within(bytes, BLOB_BYTES_MAX)
    }

    /// What these bytes are, within the bounds of thumbnails.
    ///
    /// # Errors
    /// [`ContentError`]; also for a PDF.
    pub fn of_thumbnail(bytes: &[u8]) -> Result<Self, ContentError> {
        match Self::within(bytes, THUMBNAIL_BYTES_MAX)? {
            Self::Pdf => Err(ContentError::NoPicture),
            picture @ (Self::Jpeg | Self::Png | Self::Webp) => Ok(picture),
        }
    }

    fn within(bytes: &[u8], max: usize) -> Result<Self, ContentError> {
        if bytes.is_empty() {
            return Err(ContentError::Empty);
        }
        if bytes.len() > max {
            return Err(ContentError::TooLarge { found: bytes.len(), max });
        }
        let (content, size) = match bytes {
            [0xff, 0xd8, 0xff, ..] => (Self::Jpeg, jpeg_size(bytes)),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => (Self::Png, png_size(bytes)),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => (Self::Webp, webp_size(bytes)),
            [b'%', b'P', b'D', b'F', b'-', ..] => return Ok(Self::Pdf),
            _ => return Err(ContentError::Unknown),
        };
        let (width, height) = size.filter(|(width, height)| *width > 0 && *height > 0).ok_or(ContentError::Damaged)?;
        let found = u64::from(width) * u64::from(height);
        if found > PIXELS_MAX { Err(ContentError::TooManyPixels { found }) } else { Ok(content) }
    }
}

fn two(bytes: &[u8], at: usize) -> Option<[u8; 2]> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok()
}
fn three_le(bytes: &[u8], at: usize) -> Option<u32> {
    if let [a, b, c] = bytes.get(at..at.checked_add(3)?)? { Some(u32::from_le_bytes([*a, *b, *c, 0])) } else { None }
}

/// PNG: the first chunk is IHDR, width and height big-endian at 16 and 20 (RFC 2083, 4.1.1).
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let four = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some((four(16)?, four(20)?))
}

/// JPEG: markers one after the other up to a start of frame: length, precision, height, width (ITU T.81, B.2.2). The largest frame
/// counts.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2usize;
    loop {
        // Fill bytes before a marker are allowed.
        while bytes.get(at)? == &0xff && bytes.get(at + 1)? == &0xff {
            at += 1;
        }
        if *bytes.get(at)? != 0xff {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let (height, width) = (u16::from_be_bytes(two(bytes, at + 5)?), u16::from_be_bytes(two(bytes, at + 7)?));
                return Some((u32::from(width), u32::from(height)));
            }
            // Pictures begin before a scan or the end.
            0xd9 | 0xda => return None,
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => at = at.checked_add(2)?.checked_add(usize::from(u16::from_be_bytes(two(bytes, at + 2)?)).max(2))?,
        }
    }
}

/// WebP: `VP8 `, `VP8L` or `VP8X` is the first chunk (RFC 9649, 2.5 to 2.7).
fn webp_size(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8 " => {
            if bytes.get(23..26)? != [0x9d, 0x01, 0x2a] {
                return None;
            }
            let (width, height) = (u16::from_le_bytes(two(bytes, 26)?), u16::from_le_bytes(two(bytes, 28)?));
            Some((u32::from(width & 0x3fff), u32::from(height & 0x3fff)))
        }
        b"VP8L" => {
            if *bytes.get(20)? != 0x2f {
                return None;
            }
            let bits = u32::from_le_bytes(bytes.get(21..25)?.try_into().ok()?);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((three_le(bytes, 24)? + 1, three_le(bytes, 27)? + 1)),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a failing test says where")]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }
    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 17, 8];
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes
    }

    #[test]
    fn types_are_known_by_their_bytes() {
        assert_eq!(Content::of(&png(1_000, 40_000)), Ok(Content::Png));
        assert_eq!(Content::of(&jpeg(4_000, 3_000)), Ok(Content::Jpeg));
        assert_eq!(Content::of(b"%PDF-1.7"), Ok(Content::Pdf));
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x10\x00\x20\x00";
        assert_eq!((Content::of(lossy), webp_size(lossy)), (Ok(Content::Webp), Some((16, 32))));
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x0f\xc0\x07\x00";
        assert_eq!(webp_size(lossless), Some((16, 32)));
        let extended = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0";
        assert_eq!(webp_size(extended), Some((16, 32)));
        for content in [Content::Jpeg, Content::Png, Content::Webp, Content::Pdf] {
            assert_eq!(Content::of_mime(content.mime()), Some(content));
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_name() {
        assert_eq!(Content::of(b""), Err(ContentError::Empty));
        assert_eq!(Content::of(b"<svg onload=alert(1)>"), Err(ContentError::Unknown));
        assert_eq!(Content::of(b"GIF89a\x01\x00\x01\x00"), Err(ContentError::Unknown));
        assert_eq!(Content::of(&png(1_000, 40_001)), Err(ContentError::TooManyPixels { found: 40_001_000 }));
        assert_eq!(Content::of(&png(u32::MAX, u32::MAX)), Err(ContentError::TooManyPixels { found: u64::from(u32::MAX).pow(2) }));
        assert_eq!(Content::of(&png(0, 9)), Err(ContentError::Damaged));
        let mut long = png(10, 10);
        long.resize(BLOB_BYTES_MAX + 1, 0);
        assert!(matches!(Content::of(&long), Err(ContentError::TooLarge { .. })));
        long.truncate(THUMBNAIL_BYTES_MAX);
        assert_eq!(Content::of_thumbnail(&long), Ok(Content::Png));
        assert_eq!(Content::of_thumbnail(b"%PDF-1.7"), Err(ContentError::NoPicture));
    }

    #[test]
    fn a_header_cut_anywhere_is_damaged_and_nothing_worse() {
        for whole in [png(4, 4), jpeg(4, 4)] {
            for end in 0..whole.len() {
                assert!(Content::of(&whole[..end]).is_err());
            }
            assert!(Content::of(&whole).is_ok());
        }
        // Markers that never come to a frame.
        let mut endless = vec![0xff, 0xd8];
        endless.extend([0xff, 0xd0].repeat(10_000));
        assert_eq!(Content::of(&endless), Err(ContentError::Damaged));
        assert_eq!(Content::of(&[vec![0xff, 0xd8], vec![0xff; 100_000]].concat()), Err(ContentError::Damaged));
        assert!(Content::of(&jpeg(1, 1)).is_ok());
        assert!(Content::of_mime("text/html").is_none());
        let _unused: Option<u32> = three_le(&[], usize::MAX - 1);
    }
}
