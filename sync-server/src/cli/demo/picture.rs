//! A picture that nobody took: a shelf in coloured boxes, as PNG. For the demo alone.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// Boxes on a board, and boards on a shelf.
const BOXES: (u32, u32) = (8, 4);

/// A shelf of so many pixels; another `seed`, other goods.
pub(super) fn shelf(width: u32, height: u32, seed: u32) -> Result<Vec<u8>, std::io::Error> {
    let mut rows = Vec::new();
    for y in 0..height {
        // Each row begins with its filter: none.
        rows.push(0);
        for x in 0..width {
            rows.extend(pixel(x * BOXES.0 * 100 / width.max(1), y * BOXES.1 * 100 / height.max(1), seed));
        }
    }
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&rows)?;
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // Eight bits a channel, red, green and blue.
    head.extend([8, 2, 0, 0, 0]);
    chunk(&mut png, *b"IHDR", &head);
    chunk(&mut png, *b"IDAT", &packer.finish()?);
    chunk(&mut png, *b"IEND", &[]);
    Ok(png)
}

/// A place on the shelf, in hundredths of a box.
fn pixel(x: u32, y: u32, seed: u32) -> [u8; 3] {
    let (at_x, at_y) = (x % 100, y % 100);
    if at_y > 88 {
        return [104, 78, 54];
    }
    if !(8..92).contains(&at_x) || at_y < 14 {
        return [236, 232, 224];
    }
    let goods = (x / 100).wrapping_mul(0x9e37_79b9) ^ (y / 100).wrapping_mul(0x85eb_ca6b) ^ seed.wrapping_mul(0xc2b2_ae35);
    let [red, green, blue, _] = (goods ^ (goods >> 15)).to_be_bytes();
    // The front of a box is lighter at its top.
    let light = |channel: u8| channel / 2 + 110 - u8::try_from(at_y / 2).unwrap_or(0);
    [light(red), light(green), light(blue)]
}

fn chunk(png: &mut Vec<u8>, name: [u8; 4], contents: &[u8]) {
    let mut sum = Crc::new();
    sum.update(&name);
    sum.update(contents);
    png.extend(u32::try_from(contents.len()).unwrap_or(0).to_be_bytes());
    png.extend(name);
    png.extend(contents);
    png.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use roadbook_core::blobs::content::Content;

    use super::*;

    #[test]
    fn a_shelf_is_a_picture_that_headquarters_takes() {
        assert_eq!(Content::of(&shelf(480, 320, 1).unwrap()), Ok(Content::Png));
        assert_eq!(Content::of_thumbnail(&shelf(120, 80, 1).unwrap()), Ok(Content::Png));
        assert_ne!(shelf(12, 8, 1).unwrap(), shelf(12, 8, 2).unwrap());
    }
}
