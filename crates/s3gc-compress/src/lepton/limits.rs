//! What a file or a stream would take, before anything is allocated for it.
//!
//! The library allocates what lengths in a stream say, and an image as large as a header says. So the headers are read
//! here first, as the library reads them, and what is out of bounds, or would not come from its encoder as we use it, is
//! refused.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use super::{MAX_JPEG_BYTES, refused};

/// The most blocks of 8 by 8 samples of an image whose scan is decoded row by row: 44 megapixels with chroma at half
/// the resolution, 22 without.
const MAX_BLOCKS: u64 = 1 << 20;
/// The same of an image with several scans, as progressive ones have: what they decode to is held whole, twice.
const MAX_BLOCKS_OF_SCANS: u64 = 1 << 18;

/// The bytes of the coefficients of a block.
const BLOCK_BYTES: u64 = 128;
/// What a block with several scans takes: its coefficients twice, and the most that it can be as a part of a scan.
const BLOCK_BYTES_OF_SCANS: u64 = 2 * BLOCK_BYTES + 448;

/// Magic number, version, kind, counts, lengths.
const FIXED_BYTES: usize = 28;

/// An image.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Image {
    blocks: u64,
    has_scans: bool,
    /// The length of its file.
    pub(super) file_bytes: usize,
}

impl Image {
    /// How much memory one direction takes at most.
    pub(super) fn memory_bytes(&self) -> u64 {
        let each = if self.has_scans { BLOCK_BYTES_OF_SCANS } else { BLOCK_BYTES };
        // The file, the stream, and a copy of one of them.
        let files = u64::try_from(self.file_bytes).unwrap_or(MAX_JPEG_BYTES).saturating_mul(3);
        self.blocks * each + files
    }
}

/// Reads the header of a JPEG file, from behind its SOI.
pub(super) fn image(header: &[u8]) -> io::Result<Image> {
    let mut rest = header;
    let mut frame: Option<Frame> = None;
    loop {
        let marker = segment_marker(&mut rest)?;
        let length = usize::from(u16::from_be_bytes(take(&mut rest)?)).checked_sub(2);
        let segment = split(&mut rest, length.ok_or_else(|| refused("a segment is too short"))?)?;
        match marker {
            0xc0..=0xc2 if frame.is_none() => frame = Some(Frame::read(segment, marker == 0xc2)?),
            0xc0..=0xc2 => return Err(refused("there are two frames")),
            0xda => {
                let frame = frame.ok_or_else(|| refused("a scan comes before the frame"))?;
                let components = *segment.first().ok_or_else(|| refused("a segment is too short"))?;
                return frame.image(components, header.len() + 2);
            }
            _ => {}
        }
    }
}

/// Reads the header of a stream.
pub(super) fn stream(encoded: &[u8]) -> io::Result<Image> {
    let fixed: &[u8; FIXED_BYTES] = encoded.first_chunk().ok_or_else(|| refused("it is cut"))?;
    let word = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let (file_bytes, packed_bytes) = (word(20), word(24));
    let file_bytes = usize::try_from(file_bytes).unwrap_or(usize::MAX);
    let max_bytes = usize::try_from(MAX_JPEG_BYTES).unwrap_or(usize::MAX);
    let packed = encoded[FIXED_BYTES..].get(..usize::try_from(packed_bytes).unwrap_or(usize::MAX));
    let packed = packed.ok_or_else(|| refused("it is cut"))?;
    if file_bytes > max_bytes {
        return Err(refused("its file is too long"));
    }
    // Headers and whatever follows the image are a part of the file; the rest takes a few bytes for each scan.
    let mut header = Vec::new();
    let most = MAX_JPEG_BYTES + (1 << 20);
    ZlibDecoder::new(packed).take(most + 1).read_to_end(&mut header)?;
    if u64::try_from(header.len()).map_or(true, |len| len > most) {
        return Err(refused("its header is too long"));
    }
    let mut image = image(records(&header, file_bytes)?)?;
    image.file_bytes = file_bytes;
    Ok(image)
}

/// Makes sure that every record of a stream's header is as long as it says and says nothing absurd, and returns the
/// header of the JPEG file.
fn records(header: &[u8], file_bytes: usize) -> io::Result<&[u8]> {
    let mut rest = header;
    if take(&mut rest)? != *b"HDR" {
        return Err(refused("its header is none"));
    }
    let jpeg = counted(&mut rest, 1)?;
    let (mut garbage_bytes, mut partitions) = (2, 0);
    while !rest.is_empty() {
        match take(&mut rest)? {
            [b'P', b'0', b'D'] => drop(split(&mut rest, 1)?),
            [b'C', b'R', b'S'] => drop(counted(&mut rest, 4)?),
            [b'F', b'R', b'S'] => drop(counted(&mut rest, 1)?),
            [b'G', b'R', b'B'] => garbage_bytes = counted(&mut rest, 1)?.len(),
            [b'E', b'E', b'E'] => drop(split(&mut rest, 28)?),
            [b'H', b'H', count] => {
                partitions += usize::from(count);
                let partition = split(&mut rest, 16 * usize::from(count))?;
                // Its first row, and how long it is in the file.
                let [a, b, c, d, e, f, ..] = *partition else { return Err(refused("there is no partition")) };
                let size = usize::try_from(u32::from_le_bytes([c, d, e, f])).unwrap_or(usize::MAX);
                if (a, b) != (0, 0) || size > file_bytes {
                    return Err(refused("its partition is not the image"));
                }
            }
            _ => return Err(refused("its header has an unknown record")),
        }
    }
    if partitions != 1 {
        return Err(refused("it has another number of partitions than one"));
    }
    if garbage_bytes > file_bytes {
        return Err(refused("more follows the image than the file has"));
    }
    Ok(jpeg)
}

/// Width, height and components.
struct Frame {
    blocks: u64,
    components: u8,
    is_progressive: bool,
}

impl Frame {
    fn read(mut segment: &[u8], is_progressive: bool) -> io::Result<Self> {
        let [_, h0, h1, w0, w1, components] = take(&mut segment)?;
        let (height, width) = (u64::from(u16::from_be_bytes([h0, h1])), u64::from(u16::from_be_bytes([w0, w1])));
        if !(1..=3).contains(&components) || height == 0 || width == 0 {
            return Err(refused("it has no size, or other colours than grey and three"));
        }
        let mut factors = Vec::new();
        for _ in 0..components {
            let [_, sampling, _] = take(&mut segment)?;
            let (h, v) = (u64::from(sampling >> 4), u64::from(sampling & 15));
            if !(1..=2).contains(&h) || !(1..=2).contains(&v) {
                return Err(refused("its sampling is of another kind than 1 and 2"));
            }
            factors.push((h, v));
        }
        let most = |of: fn(&(u64, u64)) -> u64| factors.iter().map(of).max().unwrap_or(1);
        let units = width.div_ceil(8 * most(|f| f.0)) * height.div_ceil(8 * most(|f| f.1));
        let blocks = units * factors.iter().map(|(h, v)| h * v).sum::<u64>();
        Ok(Self { blocks, components, is_progressive })
    }

    fn image(self, components: u8, file_bytes: usize) -> io::Result<Image> {
        let has_scans = self.is_progressive || components != self.components;
        let most = if has_scans { MAX_BLOCKS_OF_SCANS } else { MAX_BLOCKS };
        if self.blocks > most {
            return Err(refused("the image is too large"));
        }
        Ok(Image { blocks: self.blocks, has_scans, file_bytes })
    }
}

fn segment_marker(rest: &mut &[u8]) -> io::Result<u8> {
    match take(rest)? {
        [0xff, marker] => Ok(marker),
        _ => Err(refused("a segment does not begin with a marker")),
    }
}

/// Takes a length and so many items of `size` bytes.
fn counted<'a>(rest: &mut &'a [u8], size: usize) -> io::Result<&'a [u8]> {
    let count = usize::try_from(u32::from_le_bytes(take(rest)?)).unwrap_or(usize::MAX);
    split(rest, count.saturating_mul(size))
}

fn split<'a>(rest: &mut &'a [u8], len: usize) -> io::Result<&'a [u8]> {
    let (first, more) = rest.split_at_checked(len).ok_or_else(|| refused("it is cut"))?;
    *rest = more;
    Ok(first)
}

fn take<const N: usize>(rest: &mut &[u8]) -> io::Result<[u8; N]> {
    let (first, more) = rest.split_first_chunk().ok_or_else(|| refused("it is cut"))?;
    *rest = more;
    Ok(*first)
}
