//! Tar headers and PAX records (POSIX.1-2017, pax, "pax Extended Header").
//!
//! The `tar` crate reads and writes the 512 byte headers. PAX records are done here, since its iterator over them cuts
//! values at newlines, and a key may hold one.

use std::io::{self, Read};

use tar::{EntryType, Header};

/// The unit of a tar file in bytes.
pub(super) const BLOCK: usize = 512;

/// The most bytes of PAX records that are read of one member; a key, headers, metadata and tags need some 10 kB.
const MAX_PAX_BYTES: u64 = 1 << 20;

/// A member's header, as it was read.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    /// The member whose data this one shares, where it is a hard link.
    pub(super) link: Option<String>,
    pub(super) pax: Vec<(String, Vec<u8>)>,
}

impl Member {
    /// Returns the value of a PAX record.
    pub(super) fn record(&self, keyword: &str) -> Option<&[u8]> {
        self.pax.iter().find(|(k, _)| k == keyword).map(|(_, value)| value.as_slice())
    }
}

/// Makes everything that stands before a member's data. Its length depends only on the lengths of name and records.
pub(super) fn header(name: &str, size_bytes: u64, mtime: u64, records: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 * BLOCK);
    if !records.is_empty() {
        push_pax(&mut bytes, mtime, &[&[("path", name)], records].concat());
    }
    bytes.extend_from_slice(block(name, "", size_bytes, mtime, EntryType::Regular).as_bytes());
    bytes
}

/// Makes a member that is a hard link to an earlier one: it has no data of its own.
pub(super) fn link(name: &str, target: &str, mtime: u64, records: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 * BLOCK);
    push_pax(&mut bytes, mtime, &[&[("path", name), ("linkpath", target)], records].concat());
    bytes.extend_from_slice(block(name, target, 0, mtime, EntryType::Link).as_bytes());
    bytes
}

/// Returns how many zero bytes follow data of this length.
pub(super) fn padding(size_bytes: u64) -> usize {
    let over = usize::try_from(size_bytes % 512).unwrap_or(0);
    (BLOCK - over) % BLOCK
}

/// Reads what stands before a member's data; `None` at the end of the archive.
pub(super) fn read_member(input: &mut dyn Read) -> io::Result<Option<Member>> {
    let mut pax = Vec::new();
    loop {
        let mut header = Header::new_old();
        if !read_block(input, header.as_mut_bytes())? || header.as_bytes().iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let sum: u32 = header
            .as_bytes()
            .iter()
            .enumerate()
            .map(|(i, b)| u32::from(if (148..156).contains(&i) { b' ' } else { *b }))
            .sum();
        if header.cksum()? != sum {
            return Err(damaged("the checksum of a tar header is wrong"));
        }
        let size_bytes = header.entry_size()?;
        match header.entry_type() {
            EntryType::XHeader if size_bytes <= MAX_PAX_BYTES => {
                let mut records = Vec::new();
                input.take(size_bytes).read_to_end(&mut records)?;
                skip(input, u64::try_from(padding(size_bytes)).unwrap_or(0))?;
                pax = parse_records(&records)?;
            }
            kind @ (EntryType::Regular | EntryType::Link) => {
                let text = |keyword: &str, field: Vec<u8>| {
                    let record = pax.iter().find(|(k, _)| k == keyword).map(|(_, v)| v.clone());
                    String::from_utf8(record.unwrap_or(field))
                        .map_err(|_| damaged("the name of a tar member is not UTF-8"))
                };
                let name = text("path", header.path_bytes().into_owned())?;
                let link = match kind {
                    EntryType::Link if size_bytes > 0 => return Err(damaged("a tar link has data of its own")),
                    EntryType::Link => {
                        Some(text("linkpath", header.link_name_bytes().unwrap_or_default().into_owned())?)
                    }
                    _ => None,
                };
                return Ok(Some(Member { name, size_bytes, link, pax }));
            }
            _ => return Err(damaged("a tar header is of no kind that packs have")),
        }
    }
}

/// Reads and drops exactly so many bytes.
pub(super) fn skip(input: &mut dyn Read, bytes: u64) -> io::Result<()> {
    if io::copy(&mut input.take(bytes), &mut io::sink())? == bytes {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

pub(super) fn damaged(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn push_pax(bytes: &mut Vec<u8>, mtime: u64, records: &[(&str, &str)]) {
    let mut pax = Vec::with_capacity(2 * BLOCK);
    for (keyword, value) in records {
        push_record(&mut pax, keyword, value);
    }
    let size = u64::try_from(pax.len()).unwrap_or(u64::MAX);
    bytes.extend_from_slice(block("PaxHeaders/s3gc", "", size, mtime, EntryType::XHeader).as_bytes());
    bytes.extend_from_slice(&pax);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
}

fn block(name: &str, link: &str, size_bytes: u64, mtime: u64, kind: EntryType) -> Header {
    let mut header = Header::new_ustar();
    let fields = header.as_old_mut();
    // The whole names are in the PAX records where they do not fit.
    for (field, text) in [(&mut fields.name, name), (&mut fields.linkname, link)] {
        let len = text.len().min(field.len());
        field[..len].copy_from_slice(&text.as_bytes()[..len]);
    }
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime);
    header.set_size(size_bytes);
    header.set_cksum();
    header
}

/// A record is `<length> <keyword>=<value>\n`, where the length counts itself: values may hold any byte.
fn push_record(out: &mut Vec<u8>, keyword: &str, value: &str) {
    let rest = keyword.len() + value.len() + 3;
    let mut len = rest + decimal_digits(rest);
    if decimal_digits(len) + rest > len {
        len += 1;
    }
    out.extend_from_slice(format!("{len} {keyword}=").as_bytes());
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

fn decimal_digits(n: usize) -> usize {
    n.to_string().len()
}

fn parse_records(mut bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let (record, rest) = parse_record(bytes).ok_or_else(|| damaged("a PAX record is malformed"))?;
        records.push(record);
        bytes = rest;
    }
    Ok(records)
}

type Record = (String, Vec<u8>);

fn parse_record(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let space = bytes.iter().take(21).position(|b| *b == b' ')?;
    let len: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let body = bytes.get(space + 1..len)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|b| *b == b'=')?;
    let keyword = String::from_utf8(body[..equals].to_vec()).ok()?;
    Some(((keyword, body[equals + 1..].to_vec()), &bytes[len..]))
}

/// Fills a block; `false` if the input is at its end.
fn read_block(input: &mut dyn Read, block: &mut [u8; BLOCK]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < BLOCK {
        match input.read(&mut block[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_newlines_and_count_their_own_length() {
        for len in [0, 1, 80, 88, 89, 90, 91, 92, 980, 988, 989, 990, 991, 992, 9990, 10000] {
            let value = "\n=".repeat(len).split_at(len).0.to_owned();
            let bytes = header(&"n".repeat(300), 5, 1, &[("SCHILY.xattr.user.s3gc.key", &value), ("b", "é")]);
            assert_eq!(bytes.len() % BLOCK, 0);
            let member = read_member(&mut bytes.as_slice()).unwrap().unwrap();
            assert_eq!((member.name.len(), member.size_bytes), (300, 5));
            assert_eq!(member.record("SCHILY.xattr.user.s3gc.key"), Some(value.as_bytes()), "{len}");
            assert_eq!(member.record("b"), Some("é".as_bytes()));
        }
    }

    #[test]
    fn a_member_of_any_length_has_a_header_of_the_same_length() {
        for size in [0, 1, 8_589_934_591, 8_589_934_592, 1 << 45] {
            let bytes = header("a", size, 0, &[]);
            assert_eq!(bytes.len(), BLOCK);
            assert_eq!(read_member(&mut bytes.as_slice()).unwrap().unwrap().size_bytes, size);
        }
    }

    #[test]
    fn a_link_names_its_target_however_long() {
        for target in ["b/a~00000000".to_owned(), "é/".repeat(200)] {
            let bytes = link("b/c~00000001", &target, 7, &[("k", "v")]);
            let member = read_member(&mut bytes.as_slice()).unwrap().unwrap();
            assert_eq!((member.name.as_str(), member.size_bytes), ("b/c~00000001", 0));
            assert_eq!((member.link, member.pax.len()), (Some(target), 3));
        }
        let bytes = block("a", "b", 1, 0, EntryType::Link);
        assert!(read_member(&mut bytes.as_bytes().as_slice()).is_err(), "data of a link belongs to nobody");
    }

    #[test]
    fn damaged_headers_are_errors() {
        let good = header("a", 3, 0, &[("k", "v")]);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x41;
            if let Ok(Some(member)) = read_member(&mut bad.as_slice()) {
                // Only PAX data and its padding have no checksum of their own; the zstd frame around them has one.
                assert!((BLOCK..2 * BLOCK).contains(&at), "{at}: {member:?}");
            }
        }
        for record in ["5 a=b\n", "99 a=b\n", "x a=b\n", "6 a=bc", "18446744073709551616 a=b\n", "0 a=b\n", " a=b\n"] {
            assert!(parse_records(record.as_bytes()).is_err(), "{record:?}");
        }
        assert_eq!(parse_records(b"6 a=b\n").unwrap(), [("a".to_owned(), b"b".to_vec())]);
    }
}
