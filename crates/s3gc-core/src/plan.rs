//! The plan: the immutable, hashed list of the objects that are due. Nothing else is ever deleted.
//!
//! A plan file is JSON lines in zstd: a header, an entry for each object, and a trailer with the digest of all that
//! stands before it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use s3gc_store::{ETag, Location, ObjectKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::brakes::Brake;
use crate::catalog::CatalogId;
use crate::census::SourceCensus;
use crate::judge::JudgeCounts;
use crate::sealed::SealedFile;
use crate::{Digest, Error, Result, RunId};

/// The version of the format.
const FORMAT: u32 = 1;
/// The longest line that a reader accepts.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// The head of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanHeader {
    /// The version of the format.
    pub format: u32,
    /// The tool that made it.
    pub tool: String,
    /// The run that made it.
    pub run: RunId,
    /// The catalog that made it: only there it can be run.
    pub catalog: CatalogId,
    /// The bucket's name in the configuration.
    pub bucket: String,
    /// The store.
    pub location: Location,
    /// The identities of the sources, by name.
    pub identities: Vec<(String, String)>,
    /// The digest of the configuration that widens deletion.
    pub config_hash: Digest,
    /// When it was made, by the store's clock.
    pub created_at: Timestamp,
    /// When it is stale, by the store's clock.
    pub expires_at: Timestamp,
    /// The brakes that tripped: each must be accepted by name.
    pub brakes: Vec<Brake>,
    /// What the census counted in the store.
    pub counts: JudgeCounts,
    /// What it counted in the sources.
    pub sources: Vec<SourceCensus>,
}

/// One object of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// The key.
    pub key: ObjectKey,
    /// The length of its bytes.
    pub size_bytes: u64,
    /// The entity tag that it must have.
    pub etag: ETag,
    /// The Last-Modified that it must have.
    pub last_modified: Timestamp,
    /// Since when no census saw a reference to it.
    pub unreferenced_since: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Trailer {
    entries: u64,
    blake3: Digest,
}

/// A plan on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanFile {
    /// The file.
    pub path: PathBuf,
    /// Its head.
    pub header: PlanHeader,
    /// How many objects it lists.
    pub entries: u64,
    /// Its hash.
    pub hash: Digest,
}

impl PlanFile {
    /// Writes a plan: whole or not at all.
    pub(crate) fn write(path: &Path, mut header: PlanHeader, due: &mut SealedFile) -> Result<Self> {
        header.format = FORMAT;
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(dir).map_err(Error::io("making the directory", dir))?;
        let mut write = || -> io::Result<(u64, Digest)> {
            let file = tempfile::Builder::new().prefix(".s3gc-plan-").tempfile_in(dir)?;
            let mut out = Hashing { out: zstd::Encoder::new(file, 3)?, hasher: blake3::Hasher::new() };
            serde_json::to_writer(&mut out, &header)?;
            out.write_all(b"\n")?;
            let (mut reader, mut line, mut entries) = (due.reader()?, Vec::new(), 0);
            while reader.next(&mut line)? {
                out.write_all(&line)?;
                out.write_all(b"\n")?;
                entries += 1;
            }
            let hash = Digest::from(out.hasher.finalize());
            let mut out = out.out;
            serde_json::to_writer(&mut out, &Trailer { entries, blake3: hash })?;
            out.write_all(b"\n")?;
            let file = out.finish()?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(io::Error::from)?;
            Ok((entries, hash))
        };
        let (entries, hash) = write().map_err(Error::io("writing the plan", path))?;
        Ok(Self { path: path.to_owned(), header, entries, hash })
    }

    /// Opens a plan and checks its digest to the end.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if it is not a whole, unaltered plan of this format; [`Error::Io`] if it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let mut reader = PlanReader::open(path)?;
        while reader.next()?.is_some() {}
        let (entries, hash) =
            reader.sealed.ok_or_else(|| Error::Internal("a plan ended without its trailer".into()))?;
        Ok(Self { path: path.to_owned(), header: reader.header, entries, hash })
    }

    /// Reads the entries.
    ///
    /// # Errors
    ///
    /// As [`PlanFile::open`].
    pub fn reader(&self) -> Result<PlanReader> {
        PlanReader::open(&self.path)
    }
}

struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads a plan entry by entry; the last answer, `None`, comes only after the digest was right.
pub struct PlanReader {
    path: PathBuf,
    input: BufReader<zstd::Decoder<'static, BufReader<File>>>,
    header: PlanHeader,
    hasher: blake3::Hasher,
    entries: u64,
    sealed: Option<(u64, Digest)>,
}

impl std::fmt::Debug for PlanReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanReader").field("path", &self.path).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Entry(PlanEntry),
    Trailer(Trailer),
}

impl PlanReader {
    fn open(path: &Path) -> Result<Self> {
        let invalid = |reason: String| Error::Plan { path: path.to_owned(), reason };
        let file = File::open(path).map_err(Error::io("opening the plan", path))?;
        let input = zstd::Decoder::new(file).map_err(Error::io("opening the plan", path))?;
        let mut input = BufReader::new(input);
        let mut hasher = blake3::Hasher::new();
        let line = read_line(&mut input).map_err(|error| invalid(format!("not a plan: {error}")))?;
        hasher.update(&line);
        let header: PlanHeader =
            serde_json::from_slice(&line).map_err(|error| invalid(format!("not a plan of this s3gc: {error}")))?;
        if header.format != FORMAT {
            return Err(invalid(format!("its format is {}, this s3gc reads {FORMAT}: make a new plan", header.format)));
        }
        Ok(Self { path: path.to_owned(), input, header, hasher, entries: 0, sealed: None })
    }

    /// Returns the head.
    #[must_use]
    pub fn header(&self) -> &PlanHeader {
        &self.header
    }

    /// Reads the next entry.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if the file was cut or altered.
    #[expect(clippy::should_implement_trait, reason = "an iterator of results is easy to end too early")]
    pub fn next(&mut self) -> Result<Option<PlanEntry>> {
        if self.sealed.is_some() {
            return Ok(None);
        }
        let invalid = |reason: String| Error::Plan { path: self.path.clone(), reason };
        let line = read_line(&mut self.input).map_err(|error| invalid(format!("cut short or altered: {error}")))?;
        let parsed = serde_json::from_slice(&line).map_err(|error| invalid(format!("altered: {error}")))?;
        match parsed {
            Line::Entry(entry) => {
                self.hasher.update(&line);
                self.entries += 1;
                Ok(Some(entry))
            }
            Line::Trailer(trailer) => {
                let hash = Digest::from(self.hasher.finalize());
                if trailer.entries != self.entries || trailer.blake3 != hash {
                    return Err(invalid("its digest is wrong: it was altered; make a new plan".into()));
                }
                let mut rest = [0; 1];
                if self.input.read(&mut rest).map_err(|error| invalid(error.to_string()))? != 0 {
                    return Err(invalid("it goes on after its end: it was altered; make a new plan".into()));
                }
                self.sealed = Some((self.entries, hash));
                Ok(None)
            }
        }
    }
}

fn read_line(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        Ok(line)
    } else {
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends early"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::SealedWriter;

    fn header() -> PlanHeader {
        PlanHeader {
            format: 0,
            tool: "s3gc test".into(),
            run: RunId::at(Timestamp::UNIX_EPOCH),
            catalog: CatalogId(uuid::Uuid::nil()),
            bucket: "b".into(),
            location: Location::aws("b"),
            identities: vec![],
            config_hash: Digest::of(b""),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
            brakes: vec![],
            counts: JudgeCounts::default(),
            sources: vec![],
        }
    }

    fn write(path: &Path, keys: &[&str]) -> PlanFile {
        let mut due = SealedWriter::create(&std::env::temp_dir()).unwrap();
        for key in keys {
            let entry = PlanEntry {
                key: ObjectKey::new(*key).unwrap(),
                size_bytes: 1,
                etag: ETag::new("e"),
                last_modified: Timestamp::UNIX_EPOCH,
                unreferenced_since: Timestamp::UNIX_EPOCH,
            };
            due.push(&serde_json::to_vec(&entry).unwrap()).unwrap();
        }
        PlanFile::write(path, header(), &mut due.finish().unwrap()).unwrap()
    }

    #[test]
    fn a_plan_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.plan");
        let written = write(&path, &["a", "b\nc", "é"]);
        assert_eq!(PlanFile::open(&path).unwrap(), written);
        let mut reader = written.reader().unwrap();
        let mut keys = Vec::new();
        while let Some(entry) = reader.next().unwrap() {
            keys.push(entry.key.as_str().to_owned());
        }
        assert_eq!(keys, ["a", "b\nc", "é"]);
    }

    #[test]
    fn an_altered_or_cut_plan_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.plan");
        write(&path, &["a", "b"]);
        let text = zstd::decode_all(File::open(&path).unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let altered = [
            text.replace("\"b\"", "\"c\""),
            text.lines().take(2).map(|line| format!("{line}\n")).collect(),
            format!("{text}x"),
            text.lines().filter(|line| !line.contains("\"key\":\"a\"")).map(|line| format!("{line}\n")).collect(),
        ];
        for altered in altered {
            std::fs::write(&path, zstd::encode_all(altered.as_bytes(), 1).unwrap()).unwrap();
            assert!(matches!(PlanFile::open(&path), Err(Error::Plan { .. })), "{altered}");
        }
        std::fs::write(&path, b"not a plan").unwrap();
        assert!(PlanFile::open(&path).is_err());
    }
}
