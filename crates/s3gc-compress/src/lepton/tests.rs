use std::io::{Read, Write};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use s3gc_testkit::jpeg;

use super::*;

fn encode(jpeg: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoded = Vec::new();
    Lepton.compress(&mut &*jpeg, &mut encoded)?;
    Ok(encoded)
}

fn decode(encoded: &[u8]) -> io::Result<Vec<u8>> {
    let mut jpeg = Vec::new();
    Lepton.decompress(&mut &*encoded, &mut jpeg)?;
    Ok(jpeg)
}

/// Writes another header into a stream.
fn with_header(encoded: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let packed_bytes = usize::try_from(u32::from_le_bytes(*encoded[24..].first_chunk().unwrap())).unwrap();
    let (packed, rest) = encoded[28..].split_at(packed_bytes);
    let mut header = Vec::new();
    ZlibDecoder::new(packed).read_to_end(&mut header).unwrap();
    change(&mut header);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&header).unwrap();
    let packed = encoder.finish().unwrap();
    let mut changed = [&encoded[..24], &u32::try_from(packed.len()).unwrap().to_le_bytes(), &packed, rest].concat();
    let (len, at) = (u32::try_from(changed.len()).unwrap(), changed.len() - 4);
    changed[at..].copy_from_slice(&len.to_le_bytes());
    changed
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

#[test]
fn photos_are_shorter_and_come_back() {
    for (photo, most) in [(jpeg::PHOTO, 90), (jpeg::PROGRESSIVE, 97), (jpeg::FULL, 95), (jpeg::GREY, 90)] {
        let encoded = encode(photo).unwrap();
        assert!(encoded.len() * 100 <= photo.len() * most, "{} of {}", encoded.len(), photo.len());
        assert_eq!(decode(&encoded).unwrap(), photo);
        let odd = [photo, b"and more"].concat();
        assert_eq!(decode(&encode(&odd).unwrap()).unwrap(), odd, "what follows the image is a part of the file");
    }
}

#[test]
fn what_is_no_jpeg_file_or_an_odd_one_is_refused() {
    let photo = jpeg::PHOTO;
    for (what, file) in [
        ("empty", &b""[..]),
        ("text", b"no image at all"),
        ("the first bytes alone", &photo[..3]),
        ("half of the header", &photo[..100]),
        ("four colours", jpeg::CMYK),
        ("a frame of nothing", &jpeg::flat(0, 8)),
    ] {
        assert!(encode(file).is_err(), "{what}");
    }
    let long = [photo, &vec![0; 16 << 20]].concat();
    assert!(encode(&long).unwrap_err().to_string().contains("too long"));
}

#[test]
fn i11_an_image_that_is_too_large_is_refused_before_anything_is_allocated() {
    let begun = Instant::now();
    // As many blocks as are allowed, and one row more.
    let most = jpeg::flat(8192, 8192);
    assert_eq!(limits::image(&most[2..]).unwrap().memory_bytes() >> 20, 128);
    assert!(limits::image(&jpeg::flat(8192, 8193)[2..]).is_err());
    assert!(encode(&jpeg::flat(30_000, 30_000)).unwrap_err().to_string().contains("too large"));
    let progressive = |height| limits::image(&jpeg::flat_progressive(4096, height)[2..]).map(|i| i.memory_bytes());
    assert!((128 << 20..=256 << 20).contains(&progressive(4096).unwrap()));
    assert!(progressive(4097).is_err());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn i11_a_stream_that_asks_for_more_than_it_is_is_refused() {
    let encoded = encode(jpeg::PHOTO).unwrap();
    assert_eq!(decode(&with_header(&encoded, |_| {})).unwrap(), jpeg::PHOTO, "the helper makes good streams");
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 12] = [
        ("a header of 4 GiB", |h| h[3..7].fill(0xff)),
        ("a larger image", |h| {
            let at = find(h, &[0xff, 0xc0]);
            h[at + 5..at + 9].fill(0xff);
        }),
        ("two frames", |h| {
            let at = find(h, &[0xff, 0xc0]);
            let frame = h[at..at + 19].to_vec();
            h.splice(at..at, frame);
            let len = u32::from_le_bytes(*h[3..].first_chunk().unwrap()) + 19;
            h[3..7].copy_from_slice(&len.to_le_bytes());
        }),
        ("restarts without end", |h| h.extend_from_slice(b"CRS\xff\xff\xff\xff")),
        ("errors without end", |h| h.extend_from_slice(b"FRS\xff\xff\xff\x7f")),
        ("garbage without end", |h| h.extend_from_slice(b"GRB\xff\xff\xff\xff")),
        ("more garbage than file", |h| h.extend_from_slice(&[b"GRB\0\0\x01\0", [0; 65_536].as_slice()].concat())),
        ("a second partition", |h| {
            let at = find(h, b"HH");
            let partition = h[at + 3..at + 19].to_vec();
            h[at + 2] = 2;
            h.splice(at + 3..at + 3, partition);
        }),
        ("another first row", |h| {
            let at = find(h, b"HH");
            h[at + 3] = 1;
        }),
        ("a partition longer than the file", |h| {
            let at = find(h, b"HH");
            h[at + 5..at + 9].fill(0xff);
        }),
        ("an unknown record", |h| h.extend_from_slice(b"XYZ")),
        ("zeros", |h| h.resize(20 << 20, 0)),
    ];
    for (what, change) in changes {
        let begun = Instant::now();
        let hostile = with_header(&encoded, change);
        assert!(hostile.len() < 1 << 20);
        assert!(limits::stream(&hostile).is_err(), "{what}");
        assert!(decode(&hostile).is_err(), "{what}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}");
    }
    let mut long = encoded.clone();
    long[20..24].copy_from_slice(&(17_u32 << 20).to_le_bytes());
    assert!(limits::stream(&long).is_err());
    assert!(Lepton.decompress(&mut io::repeat(0), &mut io::sink()).is_err(), "an endless stream");
}

#[test]
fn a_panic_is_a_refusal() {
    let error = caught::<()>(|| panic!("deep inside")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}
