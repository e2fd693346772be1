//! JPEG files: small ones with something like a photo in them, and large ones with nothing.

/// Three colours, chroma at half the resolution.
pub const PHOTO: &[u8] = include_bytes!("../assets/photo.jpg");
/// The same, progressive.
pub const PROGRESSIVE: &[u8] = include_bytes!("../assets/progressive.jpg");
/// Chroma at the full resolution, Huffman tables of its own.
pub const FULL: &[u8] = include_bytes!("../assets/full.jpg");
/// Grey, with restart markers.
pub const GREY: &[u8] = include_bytes!("../assets/grey.jpg");
/// Four colours, which Lepton refuses.
pub const CMYK: &[u8] = include_bytes!("../assets/cmyk.jpg");

/// Makes a grey file without anything in it: two bits for each block of 8 by 8.
#[must_use]
pub fn flat(width: u16, height: u16) -> Vec<u8> {
    grey(width, height, false)
}

/// The same, progressive, with a single scan: a bit for each block.
#[must_use]
pub fn flat_progressive(width: u16, height: u16) -> Vec<u8> {
    grey(width, height, true)
}

fn grey(width: u16, height: u16, is_progressive: bool) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    let mut segment = |marker: u8, content: &[&[u8]]| {
        let content = content.concat();
        let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX);
        file.extend_from_slice(&[0xff, marker]);
        file.extend_from_slice(&length.to_be_bytes());
        file.extend_from_slice(&content);
    };
    segment(0xdb, &[&[0], &[1; 64]]);
    let (frame, last, per_byte) = if is_progressive { (0xc2, 0, 8) } else { (0xc0, 63, 4) };
    segment(frame, &[&[8], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, 0x11, 0]]);
    // One code each, the bit 0: no difference, and the end of the block.
    for class in [0x00, 0x10] {
        segment(0xc4, &[&[class, 1], &[0; 15], &[0]]);
    }
    segment(0xda, &[&[1, 1, 0, 0, last, 0]]);
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    file.resize(file.len() + blocks.div_ceil(per_byte), 0);
    file.extend_from_slice(&[0xff, 0xd9]);
    file
}
