//! Writing a pack.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use s3gc_compress::{Compressor, Zstd, pump};
use s3gc_store::Crc64Nvme;

use super::entry::{CODEC_COPY, CODEC_NONE, CODEC_RAW, CODEC_ZSTD, FORMAT, IndexHeader, MemberMeta};
use super::finished::FinishedPack;
use super::index::MAX_INDEX_BYTES;
use super::name::member_name;
use super::out::{CUT_BYTES, CUT_OVER, Cutter, Out, Source, encode_proven, read_exactly};
use super::{Codecs, Digest, NewEntry, PackEntry, PackHeader, readme, tar};
use crate::{Error, Result};

/// Compressible objects up to this size share a frame: 64 kB would cost 2 % more bytes, 256 kB gains none, and a
/// single restore decompresses less than with larger groups.
const GROUPED_UP_TO: usize = 128 << 10;
/// The length of a shared frame before compression.
const GROUP_BYTES: usize = 1 << 20;
/// How many bytes are compressed on trial.
const TRIAL_BYTES: usize = 4 << 10;
/// Bytes that carry fewer bits than this, each by itself, lose an eighth to any code, and need no trial, which would take
/// a quarter of the time of packing small files.
const CLEARLY_COMPRESSIBLE_BITS: f64 = 7.0;
/// How JPEG files begin.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];
/// A pack whose index is as long as this is full.
const FULL_INDEX_BYTES: u64 = 32 << 20;

/// Writes a pack into a temporary file. It is synchronous: run it on a blocking thread.
///
/// It holds at most one object of 16 MiB, or a piece of 8 MiB of a larger one, with its compressed form, and the index.
/// An object with the bytes of an earlier one of the pack becomes a tar hard link to it, and takes no room of its own.
/// The temporary file has no name, so that nothing is left behind if the process dies.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use s3gc_compress::Zstd;
/// use s3gc_store::{Location, ObjectKey, ObjectMeta, Timestamp};
/// use s3gc_vault::pack::{NewEntry, PackHeader, PackId, PackWriter};
///
/// let now: Timestamp = "2026-11-23T12:00:00Z".parse()?;
/// let header = PackHeader { vault_id: "v".into(), id: PackId::at(now), created_at: now, audit_head: None };
/// let mut writer = PackWriter::create(&std::env::temp_dir(), header, Arc::new(Zstd::default()))?;
/// let entry = NewEntry {
///     location: Location::aws("photos"),
///     key: ObjectKey::new("a.txt")?,
///     meta: ObjectMeta::new(5),
///     run: "r".into(),
///     staged_at: now,
/// };
/// writer.append(entry, &mut "hello".as_bytes())?;
/// let pack = writer.finish()?;
/// assert_eq!(pack.entries[0].key.as_str(), "a.txt");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PackWriter {
    out: Out,
    header: PackHeader,
    codec: Arc<dyn Compressor>,
    /// What encodes JPEG files, if anything does.
    jpeg_codec: Option<Arc<dyn Compressor>>,
    trial: zstd::bulk::Compressor<'static>,
    group: Group,
    entries: Vec<PackEntry>,
    /// By digest and length of what is not empty: the entry whose member has the data.
    contents: HashMap<(Digest, u64), usize>,
    /// The entries that are links, each with the entry that has its data.
    links: Vec<(usize, usize)>,
    /// No less than the length of the index.
    index_bytes: u64,
    original_bytes: u64,
    body: Vec<u8>,
}

impl fmt::Debug for PackWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackWriter")
            .field("id", &self.header.id)
            .field("entries", &self.entries.len())
            .field("stored_bytes", &self.stored_bytes())
            .finish_non_exhaustive()
    }
}

/// Small members that will share a frame.
#[derive(Default)]
struct Group {
    raw: Vec<u8>,
    /// Where their entries are.
    entries: Vec<usize>,
}

/// How an object is stored.
struct Choice {
    codec: String,
    /// What encodes the member, where it is not the original bytes.
    encoder: Option<Arc<dyn Compressor>>,
}

/// What became of an object that was cut over frames.
enum Written {
    Data(Box<PackEntry>),
    /// It has the bytes of this entry.
    Copy(usize),
}

impl PackWriter {
    /// Begins a pack in a temporary file in `dir`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn create(dir: &Path, header: PackHeader, codec: Arc<dyn Compressor>) -> Result<Self> {
        let out = Out::create(dir, header.id.file_name().as_str())?;
        let trial = zstd::bulk::Compressor::new(1).map_err(|source| out.error(source))?;
        let mut writer = Self {
            out,
            header,
            codec,
            jpeg_codec: None,
            trial,
            group: Group::default(),
            entries: Vec::new(),
            contents: HashMap::new(),
            links: Vec::new(),
            index_bytes: 0,
            original_bytes: 0,
            body: Vec::new(),
        };
        writer.write_readme().map_err(|source| writer.out.error(source))?;
        Ok(writer)
    }

    /// Encodes objects of up to 16 MiB that begin as JPEG files do with this codec, where that makes them shorter and gives
    /// the same bytes again. All others, and those, are stored as without it.
    #[must_use]
    pub fn with_jpeg_codec(mut self, codec: Option<Arc<dyn Compressor>>) -> Self {
        self.jpeg_codec = codec;
        self
    }

    /// Adds an object, whose body is exactly as long as `entry.meta.size_bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::Body`] if the body fails or has another length, [`Error::Full`] or [`Error::Io`] if the temporary file
    /// cannot be written; the pack is as it was before. [`Error::TooManyEntries`] where [`Self::is_full`] says so.
    pub fn append(&mut self, entry: NewEntry, body: &mut dyn Read) -> Result<()> {
        if self.index_bytes > MAX_INDEX_BYTES / 8 * 7 {
            return Err(Error::TooManyEntries { name: self.out.name().to_owned() });
        }
        let size_bytes = entry.meta.size_bytes;
        if size_bytes > CUT_OVER {
            self.append_cut(entry, body)?;
        } else {
            self.append_whole(entry, body)?;
        }
        self.original_bytes = self.original_bytes.saturating_add(size_bytes);
        self.index_bytes += self.entries.last().map_or(0, index_bytes);
        Ok(())
    }

    /// Adds an object that the store itself copies beside the pack ([`FileName::copy_beside`](crate::FileName)): only what
    /// is known of it is written. A pack has one of these and nothing else, since one name is beside it.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyEntries`] if the pack is not empty, [`Error::Full`] or [`Error::Io`] if the temporary file cannot
    /// be written.
    pub fn append_copied(&mut self, new: NewEntry, crc: Crc64Nvme) -> Result<()> {
        if !self.is_empty() {
            return Err(Error::TooManyEntries { name: self.out.name().to_owned() });
        }
        self.original_bytes = new.meta.size_bytes;
        let mut entry = self.entry(new, Digest::of(b""), &Choice::plain(CODEC_COPY), 0);
        entry.copied = Some(crc);
        self.append_alone(entry, &[])
    }

    /// Returns the length of the pack so far in bytes, without its index; what waits to be compressed counts as it is.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.out.len + u64::try_from(self.group.raw.len()).unwrap_or(u64::MAX)
    }

    /// Counts the objects in the pack.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether the pack has no objects yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Tells whether the pack is as long as wished or has as many objects as one index should hold.
    #[must_use]
    pub fn is_full(&self, target_bytes: u64) -> bool {
        self.stored_bytes() >= target_bytes || self.index_bytes >= FULL_INDEX_BYTES
    }

    /// Ends the pack: index, table of frames, digest.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be written or read.
    pub fn finish(mut self) -> Result<FinishedPack> {
        self.flush_group()?;
        for (link, first) in std::mem::take(&mut self.links) {
            let PackEntry { frame_offset, frame_len, offset_in_frame, .. } = self.entries[first];
            let link = &mut self.entries[link];
            (link.frame_offset, link.frame_len, link.offset_in_frame) = (frame_offset, frame_len, offset_in_frame);
        }
        let finished = self.write_index().and_then(|()| self.out.finish());
        let blake3 = finished.map_err(|source| self.out.error(source))?;
        Ok(FinishedPack {
            id: self.header.id,
            name: self.header.id.file_name(),
            size_bytes: self.out.len,
            plain_bytes: self.out.len,
            proof: None,
            blake3,
            entries: self.entries,
            original_bytes: self.original_bytes,
            header: self.header,
            codecs: self.jpeg_codec.into_iter().fold(Codecs::new().with(self.codec), Codecs::with),
            file: Arc::new(self.out.into_file()),
        })
    }

    fn append_whole(&mut self, entry: NewEntry, body: &mut dyn Read) -> Result<()> {
        let mut content = std::mem::take(&mut self.body);
        let read = read_exactly(body, entry.meta.size_bytes, &mut content);
        let appended = match read {
            Err(source) => Err(Error::Body { key: entry.key.to_string(), source }),
            Ok(()) => self.append_content(entry, &content),
        };
        self.body = content;
        appended
    }

    fn append_content(&mut self, entry: NewEntry, content: &[u8]) -> Result<()> {
        let blake3 = Digest::of(content);
        if let Some(first) = self.contents.get(&(blake3, entry.meta.size_bytes)) {
            return self.append_link(entry, *first);
        }
        let choice = self.choose(content);
        if let Some((choice, encoded)) = self.encode_jpeg(content, &choice)? {
            let entry = self.entry(entry, blake3, &choice, encoded.len());
            return self.append_alone(entry, &encoded);
        }
        if let Some(encoder) = &choice.encoder {
            let mut encoded = Vec::new();
            if encode_proven(encoder.as_ref(), content, &mut encoded) && encoded.len() < content.len() {
                let entry = self.entry(entry, blake3, &choice, encoded.len());
                return self.append_alone(entry, &encoded);
            }
            let choice = Choice::plain(CODEC_RAW);
            let entry = self.entry(entry, blake3, &choice, content.len());
            return self.append_alone(entry, content);
        }
        let entry = self.entry(entry, blake3, &choice, content.len());
        if choice.codec == CODEC_ZSTD && content.len() <= GROUPED_UP_TO {
            self.append_grouped(entry, content)
        } else {
            self.append_alone(entry, content)
        }
    }

    /// Encodes a JPEG file, if that is worth it: it costs a hundred times what any other codec does, here and when it is
    /// read.
    fn encode_jpeg(&self, content: &[u8], choice: &Choice) -> Result<Option<(Choice, Vec<u8>)>> {
        let Some(codec) = self.jpeg_codec.as_ref().filter(|_| content.starts_with(&JPEG)) else { return Ok(None) };
        let mut encoded = Vec::new();
        if !encode_proven(codec.as_ref(), content, &mut encoded) {
            return Ok(None);
        }
        let mut most = content.len() / 32 * 31;
        if !matches!(choice.codec.as_str(), CODEC_RAW | CODEC_NONE) {
            // Perhaps most of it is no image.
            let mut other = Vec::new();
            let compressed = self.codec.compress(&mut &*content, &mut other);
            compressed.map_err(|source| self.out.error(source))?;
            most = most.min(other.len());
        }
        let choice = Choice { codec: codec.id().to_owned(), encoder: Some(Arc::clone(codec)) };
        Ok((encoded.len() < most).then_some((choice, encoded)))
    }

    fn append_grouped(&mut self, mut entry: PackEntry, content: &[u8]) -> Result<()> {
        let header = member_header(&entry, None).map_err(|source| self.out.error(source))?;
        self.make_room(header.len() + content.len())?;
        let raw = &mut self.group.raw;
        raw.extend_from_slice(&header);
        entry.offset_in_frame = length(raw.len());
        raw.extend_from_slice(content);
        raw.resize(raw.len() + tar::padding(entry.member_bytes), 0);
        self.group.entries.push(self.entries.len());
        self.push(entry);
        Ok(())
    }

    /// Adds an entry whose data is written.
    fn push(&mut self, entry: PackEntry) {
        if entry.meta.size_bytes > 0 {
            self.contents.insert((entry.blake3, entry.meta.size_bytes), self.entries.len());
        }
        self.entries.push(entry);
    }

    /// Writes an object whose bytes are those of an entry of this pack: as a hard link to its member.
    fn append_link(&mut self, new: NewEntry, first: usize) -> Result<()> {
        let to = &self.entries[first];
        let suffix = (!to.is_plain()).then_some(to.codec.as_str());
        // Where the data lies is filled in at the end: the frame of a group is not written yet.
        let entry = PackEntry {
            member: member_name(&new.location, &new.key, self.entries.len(), suffix),
            location: new.location,
            key: new.key,
            meta: new.meta,
            run: new.run,
            staged_at: new.staged_at,
            ..to.clone()
        };
        let header = member_header(&entry, Some(&to.member)).map_err(|source| self.out.error(source))?;
        if self.codec.id() == CODEC_ZSTD {
            self.make_room(header.len())?;
            self.group.raw.extend_from_slice(&header);
        } else {
            let written = match entry.codec.as_str() {
                CODEC_NONE => self.out.stored(&header),
                _ => self.out.compressed(&[&header], &Zstd::new(1)),
            };
            written.map_err(|source| self.out.error(source))?;
        }
        self.links.push((self.entries.len(), first));
        self.entries.push(entry);
        Ok(())
    }

    /// Ends the group if so many bytes more are too many for it.
    fn make_room(&mut self, bytes: usize) -> Result<()> {
        if self.group.raw.len() + bytes > GROUP_BYTES { self.flush_group() } else { Ok(()) }
    }

    fn flush_group(&mut self) -> Result<()> {
        if self.group.raw.is_empty() {
            return Ok(());
        }
        let offset = self.out.len;
        self.out.compressed(&[&self.group.raw], self.codec.as_ref()).map_err(|source| self.out.error(source))?;
        for index in self.group.entries.drain(..) {
            self.entries[index].frame_offset = offset;
            self.entries[index].frame_len = self.out.len - offset;
        }
        self.group.raw.clear();
        Ok(())
    }

    /// Writes a member in a frame of its own.
    fn append_alone(&mut self, mut entry: PackEntry, data: &[u8]) -> Result<()> {
        let header = member_header(&entry, None).map_err(|source| self.out.error(source))?;
        let padding = [0; tar::BLOCK];
        let pieces = [header.as_slice(), data, &padding[..tar::padding(entry.member_bytes)]];
        entry.frame_offset = self.out.len;
        entry.offset_in_frame = length(header.len());
        let written = match entry.codec.as_str() {
            CODEC_ZSTD => self.out.compressed(&pieces, self.codec.as_ref()),
            CODEC_NONE => self.out.stored(&pieces.concat()),
            // The fastest level still squeezes the headers, and makes stored blocks of the data.
            _ => self.out.compressed(&pieces, &Zstd::new(1)),
        };
        written.map_err(|source| self.out.error(source))?;
        entry.frame_len = self.out.len - entry.frame_offset;
        self.push(entry);
        Ok(())
    }

    /// Writes a member over several frames, without ever holding it whole. Only its end tells whether it is a copy of
    /// an earlier one; then it is taken back.
    fn append_cut(&mut self, new: NewEntry, body: &mut dyn Read) -> Result<()> {
        let before = self.out.mark();
        match self.write_cut(&new, body) {
            Ok(Written::Data(entry)) => {
                self.push(*entry);
                Ok(())
            }
            Ok(Written::Copy(first)) => {
                self.out.back_to(before);
                self.append_link(new, first)
            }
            Err(error) => {
                self.out.back_to(before);
                Err(error)
            }
        }
    }

    fn write_cut(&mut self, new: &NewEntry, body: &mut dyn Read) -> Result<Written> {
        let key = new.key.to_string();
        let size_bytes = new.meta.size_bytes;
        let mut first = vec![0; CUT_BYTES];
        body.read_exact(&mut first).map_err(|source| Error::Body { key: key.clone(), source })?;
        let choice = self.choose(&first);
        let mut entry = self.entry(new.clone(), Digest::new([0; 32]), &choice, 0);

        // Digest and length are not known yet: the header is stored, so that they can be filled in.
        let header_at = self.out.len;
        let header = member_header(&entry, None).map_err(|source| self.out.error(source))?;
        self.out.stored(&header).map_err(|source| self.out.error(source))?;
        entry.frame_offset = self.out.len;

        let mut source = Source::new(first.as_slice().chain(body), size_bytes);
        let mut cutter = Cutter::new(&mut self.out, self.codec.as_ref(), &choice.codec);
        let copied = match &choice.encoder {
            Some(encoder) => encoder.compress(&mut source, &mut cutter),
            None => pump(&mut source, &mut cutter).map(drop),
        };
        let ended = copied.and_then(|()| cutter.end());
        if let Some(source) = source.failed.take() {
            return Err(Error::Body { key, source });
        }
        let member_bytes = ended.map_err(|source| self.out.error(source))?;
        entry.blake3 = source.end().map_err(|source| Error::Body { key, source })?;
        if let Some(first) = self.contents.get(&(entry.blake3, size_bytes)) {
            return Ok(Written::Copy(*first));
        }
        entry.member_bytes = member_bytes;
        entry.frame_len = self.out.len - entry.frame_offset;
        let patched = member_header(&entry, None).and_then(|header| self.out.replace_stored(header_at, &header));
        patched.map_err(|source| self.out.error(source))?;
        Ok(Written::Data(Box::new(entry)))
    }

    fn entry(&self, new: NewEntry, blake3: Digest, choice: &Choice, member_bytes: usize) -> PackEntry {
        let suffix = choice.encoder.as_ref().map(|encoder| encoder.id());
        PackEntry {
            member: member_name(&new.location, &new.key, self.entries.len(), suffix),
            location: new.location,
            key: new.key,
            meta: new.meta,
            run: new.run,
            staged_at: new.staged_at,
            blake3,
            codec: choice.codec.clone(),
            frame_offset: 0,
            frame_len: 0,
            offset_in_frame: 0,
            member_bytes: length(member_bytes),
            copied: None,
        }
    }

    /// Decides from an object's first bytes how it is stored.
    fn choose(&mut self, first: &[u8]) -> Choice {
        match self.codec.id() {
            CODEC_NONE => Choice::plain(CODEC_NONE),
            id @ (CODEC_ZSTD | "lz4") if !self.is_compressible(first) => {
                debug_assert!(s3gc_compress::by_id(id).is_some());
                Choice::plain(CODEC_RAW)
            }
            CODEC_ZSTD => Choice::plain(CODEC_ZSTD),
            // Whether a codec of somebody else can do something with the bytes, it knows better.
            id => Choice { codec: id.to_owned(), encoder: Some(Arc::clone(&self.codec)) },
        }
    }

    /// Tries a piece from the middle: the beginning of an image is metadata that compresses.
    fn is_compressible(&mut self, bytes: &[u8]) -> bool {
        let start = bytes.len().saturating_sub(TRIAL_BYTES) / 2;
        let sample = &bytes[start..bytes.len().min(start + TRIAL_BYTES)];
        if bits_per_byte(sample) < CLEARLY_COMPRESSIBLE_BITS {
            return true;
        }
        let packed = self.trial.compress(sample).map_or(usize::MAX, |packed| packed.len());
        // A frame has some 13 bytes of its own, which say nothing about the content.
        packed.saturating_sub(13) <= sample.len() / 20 * 19 + 19
    }

    fn write_readme(&mut self) -> io::Result<()> {
        let text = readme::text(&self.header);
        let records = serde_json::to_string(&self.header)?;
        let header = tar::header(readme::README, length(text.len()), 0, &[(readme::PACK_RECORD, &records)]);
        let padding = [0; tar::BLOCK];
        let pieces = [&header, text.as_bytes(), &padding[..tar::padding(length(text.len()))]];
        self.out.compressed(&pieces, &Zstd::default())
    }

    fn write_index(&mut self) -> io::Result<()> {
        let mut lines = Vec::with_capacity(512 * (self.entries.len() + 1));
        serde_json::to_writer(&mut lines, &IndexHeader { format: FORMAT, pack: self.header.clone() })?;
        lines.push(b'\n');
        for entry in &self.entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        let header = tar::header(readme::INDEX, length(lines.len()), 0, &[]);
        // Two blocks of zeros end a tar archive.
        let end = vec![0; tar::padding(length(lines.len())) + 2 * tar::BLOCK];
        self.out.compressed(&[&header, &lines, &end], &Zstd::default())
    }
}

impl Choice {
    fn plain(codec: &str) -> Self {
        Self { codec: codec.to_owned(), encoder: None }
    }
}

/// Makes everything that stands before an object's data in its tar member, or all of a link to another member.
fn member_header(entry: &PackEntry, link: Option<&str>) -> io::Result<Vec<u8>> {
    let rest = MemberMeta { location: entry.location.clone(), staged_at: entry.staged_at, meta: entry.meta.clone() };
    let rest = serde_json::to_string(&rest)?;
    let blake3 = entry.blake3.to_string();
    let mut records = vec![
        (readme::KEY_RECORD, entry.key.as_str()),
        (readme::BLAKE3_RECORD, &blake3),
        (readme::CODEC_RECORD, &entry.codec),
        (readme::RUN_RECORD, &entry.run),
        (readme::META_RECORD, &rest),
    ];
    let crc = entry.copied.map(|crc| crc.to_string());
    records.extend(crc.as_ref().map(|crc| (readme::CRC_RECORD, crc.as_str())));
    let mtime = u64::try_from(entry.meta.last_modified.as_second()).unwrap_or(0);
    Ok(match link {
        Some(target) => tar::link(&entry.member, target, mtime, &records),
        None => tar::header(&entry.member, entry.member_bytes, mtime, &records),
    })
}

/// Returns how many bits a byte carries on average, by how often each occurs (Shannon's entropy of order 0).
fn bits_per_byte(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let all = f64::from(counts.iter().sum::<u32>());
    let bits = |count: f64| count * (all / count).log2();
    counts.iter().filter(|count| **count > 0).map(|count| bits(f64::from(*count))).sum::<f64>() / all.max(1.0)
}

/// Returns no less than the length of an entry's line in the index: in JSON, a control character takes six bytes.
fn index_bytes(entry: &PackEntry) -> u64 {
    let meta = &entry.meta;
    let headers = &meta.headers;
    let content = [
        &headers.content_type,
        &headers.content_encoding,
        &headers.content_disposition,
        &headers.content_language,
        &headers.cache_control,
        &headers.expires,
        &headers.website_redirect,
        &meta.storage_class,
    ];
    let pairs = meta.user.iter().chain(meta.tags.iter().flatten());
    let text = entry.location.as_str().len()
        + entry.key.as_str().len()
        + entry.run.len()
        + entry.member.len()
        + meta.etag.as_str().len()
        + meta.version.as_ref().map_or(0, |version| version.as_str().len())
        + content.iter().filter_map(|value| value.as_ref()).map(String::len).sum::<usize>()
        + pairs.map(|(name, value)| name.len() + value.len() + 1).sum::<usize>();
    1024 + 6 * length(text)
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
