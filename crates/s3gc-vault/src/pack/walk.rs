//! Finding the objects of a pack whose index is lost: every frame is decompressed, every tar header read.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

use super::decode::PieceDecoder;
use super::entry::MemberMeta;
use super::seek::Frame;
use super::tar::{self, Member, damaged};
use super::{Fault, PackEntry, PackHeader, readme};

/// The first bytes of a zstd frame (RFC 8878, section 3.1.1).
const FRAME_MAGIC: [u8; 4] = zstd::zstd_safe::MAGICNUMBER.to_le_bytes();

/// What was found.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) header: PackHeader,
    pub(super) entries: Vec<PackEntry>,
    /// The first damage on the way.
    pub(super) damage: Option<String>,
    /// The links that lead to no sound member.
    pub(super) lost: Vec<Fault>,
}

/// Walks through a pack. With the lengths of its frames, it goes on behind a damaged one; without, it stops there.
pub(super) fn walk(pack: &mut dyn Read, lengths: Option<&[Frame]>) -> io::Result<Walked> {
    let mut frames = Frames::new(pack, lengths);
    let mut header = None;
    let (mut found, mut links) = (Vec::new(), Vec::new());
    let mut damage = None;
    loop {
        match next(&mut frames, &mut header) {
            Ok(Step::Object(entry, span)) => found.push((entry, span)),
            Ok(Step::Link(entry, target)) => {
                links.push(Link { entry, target, frame: frames.index(), members_before: found.len() });
            }
            Ok(Step::Other) => {}
            Ok(Step::End) => break,
            Err(e) => {
                damage.get_or_insert_with(|| format!("frame {}: {e}", frames.index()));
                if !frames.skip_frame()? {
                    break;
                }
            }
        }
    }
    let header = header.ok_or_else(|| damaged("nor can its first frame"))?;
    let placed: Vec<Option<PackEntry>> = found.into_iter().map(|(entry, span)| frames.place(*entry, span)).collect();
    let (linked, lost) = resolve(&placed, links, &frames);
    let entries = placed.into_iter().flatten().chain(linked).collect();
    Ok(Walked { header, entries, damage, lost })
}

/// Reads the member that a pack begins with.
pub(super) fn header(pack: &mut dyn Read) -> io::Result<PackHeader> {
    let member = tar::read_member(&mut Frames::new(pack, None))?;
    let record = member.as_ref().and_then(|member| member.record(readme::PACK_RECORD));
    let record = record.ok_or_else(|| damaged("the first member tells nothing of the pack"))?;
    Ok(serde_json::from_slice(record)?)
}

enum Step {
    Object(Box<PackEntry>, Span),
    /// An object without data of its own, and the name of the member that has it.
    Link(Box<PackEntry>, String),
    Other,
    End,
}

/// The frames that hold an object's data.
struct Span {
    first: usize,
    last: usize,
}

/// A hard link, as it was found.
struct Link {
    entry: Box<PackEntry>,
    target: String,
    /// The frame that it stands in.
    frame: usize,
    /// How many members with data stand before it.
    members_before: usize,
}

/// Gives the links the place of what they link to: a sound member with the same content that stands before them. A name
/// in a pack is compared with the names in the same pack, and used for nothing else.
fn resolve(members: &[Option<PackEntry>], links: Vec<Link>, frames: &Frames<'_>) -> (Vec<PackEntry>, Vec<Fault>) {
    let (mut linked, mut lost) = (Vec::new(), Vec::new());
    let mut by_name = HashMap::new();
    for (index, member) in members.iter().enumerate().take_while(|_| !links.is_empty()) {
        if let Some(member) = member {
            by_name.entry(member.member.as_str()).or_insert((index, member));
        }
    }
    for Link { mut entry, target, frame, members_before } in links {
        if !frames.is_sound(frame) {
            continue;
        }
        let same = |to: &PackEntry| {
            (to.blake3, to.meta.size_bytes, &to.codec) == (entry.blake3, entry.meta.size_bytes, &entry.codec)
        };
        match by_name.get(target.as_str()).filter(|(index, _)| *index < members_before) {
            Some((_, to)) if same(to) => {
                entry.frame_offset = to.frame_offset;
                entry.frame_len = to.frame_len;
                entry.offset_in_frame = to.offset_in_frame;
                entry.member_bytes = to.member_bytes;
                linked.push(*entry);
            }
            Some(_) => {
                let reason = format!("it is a link to {target:?}, which is another object");
                lost.push(Fault::of_object(&entry, reason));
            }
            None => {
                let reason = format!("it is a link to {target:?}, which is lost, or does not stand before it");
                lost.push(Fault::of_object(&entry, reason));
            }
        }
    }
    (linked, lost)
}

fn next(frames: &mut Frames<'_>, header: &mut Option<PackHeader>) -> io::Result<Step> {
    let Some(member) = tar::read_member(frames)? else { return Ok(Step::End) };
    if member.name == readme::INDEX {
        return Ok(Step::End);
    }
    if let Some(pack) = member.record(readme::PACK_RECORD) {
        *header = Some(serde_json::from_slice(pack)?);
        tar::skip(frames, member.size_bytes)?;
        skip_padding(frames, member.size_bytes)?;
        return Ok(Step::Other);
    }
    let mut entry = entry(&member)?;
    if let Some(target) = member.link {
        return Ok(Step::Link(Box::new(entry), target));
    }
    if member.size_bytes > 0 {
        // The data may begin in the next frame: only its first byte tells.
        tar::skip(frames, 1)?;
        entry.offset_in_frame = frames.at - 1;
    } else {
        entry.offset_in_frame = frames.at;
    }
    let first = frames.index();
    tar::skip(frames, member.size_bytes.saturating_sub(1))?;
    let last = frames.index();
    skip_padding(frames, member.size_bytes)?;
    Ok(Step::Object(Box::new(entry), Span { first, last }))
}

fn skip_padding(frames: &mut Frames<'_>, size_bytes: u64) -> io::Result<()> {
    tar::skip(frames, u64::try_from(tar::padding(size_bytes)).unwrap_or(0))
}

fn entry(member: &Member) -> io::Result<PackEntry> {
    let text = |keyword| {
        let value = member.record(keyword).ok_or_else(|| damaged("a tar member is not one of s3gc"))?;
        String::from_utf8(value.to_vec()).map_err(|_| damaged("a PAX record is not UTF-8"))
    };
    let invalid = |e: String| io::Error::new(io::ErrorKind::InvalidData, e);
    let copied = match member.record(readme::CRC_RECORD) {
        Some(_) => {
            Some(text(readme::CRC_RECORD)?.parse().map_err(|e: s3gc_store::InvalidCrc64Nvme| invalid(e.to_string()))?)
        }
        None => None,
    };
    let MemberMeta { location, staged_at, meta } = serde_json::from_str(&text(readme::META_RECORD)?)?;
    Ok(PackEntry {
        location,
        key: text(readme::KEY_RECORD)?.try_into().map_err(|e: s3gc_store::InvalidKey| invalid(e.to_string()))?,
        meta,
        run: text(readme::RUN_RECORD)?,
        staged_at,
        blake3: text(readme::BLAKE3_RECORD)?.parse().map_err(|e: super::InvalidDigest| invalid(e.to_string()))?,
        codec: text(readme::CODEC_RECORD)?,
        member: member.name.clone(),
        frame_offset: 0,
        frame_len: 0,
        offset_in_frame: 0,
        member_bytes: member.size_bytes,
        copied,
    })
}

/// The decompressed frames, one behind the other.
struct Frames<'a> {
    state: State<'a>,
    lengths: Option<&'a [Frame]>,
    /// Where the frames that were read to their end begin and end in the pack.
    done: Vec<(u64, Option<u64>)>,
    /// Where the current frame begins in the pack.
    start: u64,
    /// Where the next byte lies in the current frame, decompressed.
    at: u64,
}

enum State<'a> {
    Between(Packed<'a>),
    Within(Box<PieceDecoder<Packed<'a>>>),
    Ended,
}

impl<'a> Frames<'a> {
    fn new(pack: &'a mut dyn Read, lengths: Option<&'a [Frame]>) -> Self {
        let packed = Packed { input: BufReader::with_capacity(128 << 10, pack), at: 0, left: None };
        Self { state: State::Between(packed), lengths, done: Vec::new(), start: 0, at: 0 }
    }

    /// Counts the frames before the current one.
    fn index(&self) -> usize {
        self.done.len()
    }

    /// Fills in where an object lies, if all its frames are sound.
    fn place(&self, mut entry: PackEntry, span: Span) -> Option<PackEntry> {
        let frames = self.done.get(span.first..=span.last)?;
        let ends: Option<Vec<u64>> = frames.iter().map(|(_, end)| *end).collect();
        entry.frame_offset = frames.first()?.0;
        entry.frame_len = ends?.last()? - entry.frame_offset;
        Some(entry)
    }

    /// Tells whether a frame was read to its end.
    fn is_sound(&self, frame: usize) -> bool {
        self.done.get(frame).is_some_and(|(_, end)| end.is_some())
    }

    /// Opens the next frame; `false` at the end of the frames.
    fn open(&mut self, mut packed: Packed<'a>) -> io::Result<bool> {
        packed.left = match self.lengths {
            None => None,
            Some(lengths) => match lengths.get(self.done.len()) {
                Some(frame) => Some(u64::from(frame.packed)),
                None => return Ok(false),
            },
        };
        if self.lengths.is_none() && !packed.is_at_frame()? {
            return Ok(false);
        }
        self.start = packed.at;
        self.at = 0;
        self.state = State::Within(Box::new(super::decode::single_frame(packed)?));
        Ok(true)
    }

    fn close(&mut self, packed: Packed<'a>, sound: bool) {
        self.done.push((self.start, sound.then_some(packed.at)));
        self.state = State::Between(packed);
    }

    /// Goes behind the current frame, if its length is known.
    fn skip_frame(&mut self) -> io::Result<bool> {
        let mut packed = match std::mem::replace(&mut self.state, State::Ended) {
            State::Between(packed) => {
                // The frame before this one ended in the middle of a member.
                self.state = State::Between(packed);
                return Ok(self.lengths.is_some());
            }
            State::Within(decoder) => decoder.finish(),
            State::Ended => return Ok(false),
        };
        let Some(left) = packed.left else { return Ok(false) };
        io::copy(&mut (&mut packed).take(left), &mut io::sink())?;
        self.close(packed, false);
        Ok(true)
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Between(packed) => {
                    if !self.open(packed)? {
                        return Ok(0);
                    }
                }
                State::Within(mut decoder) => {
                    let read = decoder.read(buf);
                    match read {
                        Ok(0) if !buf.is_empty() => {
                            let packed = decoder.finish();
                            if packed.left.is_some_and(|left| left > 0) {
                                self.state = State::Within(Box::new(super::decode::single_frame(packed)?));
                                return Err(damaged("a frame is shorter than the seek table says"));
                            }
                            self.close(packed, true);
                        }
                        read => {
                            self.state = State::Within(decoder);
                            self.at += u64::try_from(*read.as_ref().unwrap_or(&0)).unwrap_or(0);
                            return read;
                        }
                    }
                }
            }
        }
    }
}

/// The bytes of a pack, counted, and cut at the end of a frame where its length is known.
struct Packed<'a> {
    input: BufReader<&'a mut dyn Read>,
    at: u64,
    left: Option<u64>,
}

impl Packed<'_> {
    /// Tells whether a zstd frame begins here, and not the table of frames or the end.
    fn is_at_frame(&mut self) -> io::Result<bool> {
        // What a buffer of 128 KiB holds is hardly ever less than four bytes; where it is, the walk ends.
        Ok(self.input.fill_buf()?.starts_with(&FRAME_MAGIC))
    }
}

impl Read for Packed<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Packed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let filled = self.input.fill_buf()?;
        let left = self.left.and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        Ok(&filled[..filled.len().min(left)])
    }

    fn consume(&mut self, n: usize) {
        self.input.consume(n);
        let n = u64::try_from(n).unwrap_or(0);
        self.at += n;
        self.left = self.left.map(|left| left.saturating_sub(n));
    }
}
