//! How fast packs are written on one core, and how large they are beside what others make of the same files.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use s3gc_compress::Zstd;
use s3gc_store::{Location, ObjectKey, ObjectMeta};
use s3gc_vault::pack::{FinishedPack, NewEntry, PackHeader, PackId, PackWriter};

use super::corpus::{self, File};
use super::{Result, bar};

/// How long a pack grows.
const PACK_BYTES: u64 = 64 << 20;
/// What compresses how well.
const CLASSES: [(&str, &[&str]); 3] = [
    ("texts", &["c", "h", "html", "json", "md", "pm", "py", "rs", "txt", "xml"]),
    ("images", &["gif", "jpeg", "jpg", "png", "webp"]),
    ("archives", &["bz2", "crate", "gz", "jar", "xz", "zip"]),
];
/// The median of so many.
const ROUNDS: usize = 3;

pub(crate) fn bench(files: &[File]) -> Result<bool> {
    let dir = tempfile::tempdir()?;
    let mut speeds = Vec::new();
    let mut size = 0;
    for _ in 0..ROUNDS {
        let begun = cpu_time();
        let packs = write(files, dir.path())?;
        let took = cpu_time().saturating_sub(begun);
        size = packs.iter().map(|pack| pack.size_bytes).sum();
        speeds.push(megabytes(corpus::total(files)) / took.as_secs_f64());
    }
    speeds.sort_by(f64::total_cmp);
    let speed = speeds.get(ROUNDS / 2).copied().unwrap_or_default();
    let mut is_met = bar("packing, one core (CPU time)", speed, "MB/s", speed >= 250.0, "at least 250");
    let alone = zstd_alone(files)?;
    println!("{:40} {alone:9.2} MB/s", "zstd 3 alone, blocks of 1 MiB");
    println!("{:40} {:9.2} MB", "packs", megabytes(size));

    for (class, extensions) in CLASSES {
        let is_of = |file: &&File| {
            let extension = file.path.extension().and_then(std::ffi::OsStr::to_str);
            extension.is_some_and(|extension| extensions.contains(&extension))
        };
        let these: Vec<File> = files.iter().filter(is_of).cloned().collect();
        let stored: u64 = write(&these, dir.path())?.iter().map(|pack| pack.size_bytes).sum();
        let ratio = megabytes(corpus::total(&these)) / megabytes(stored.max(1));
        println!("{:40} {ratio:9.2} x", format!("ratio of {class}, {} files", these.len()));
    }
    let source = dir.path().join("files");
    for (n, file) in files.iter().enumerate() {
        // As many directories as there are, so that both sort as the packs do.
        let path = source.join(file.path.strip_prefix("/").unwrap_or(&file.path));
        std::fs::create_dir_all(path.parent().ok_or(format!("file {n} has no parent"))?)?;
        std::fs::write(path, &file.bytes)?;
    }
    for (name, other) in [("restic", restic(dir.path(), &source)?), ("borg", borg(dir.path(), &source)?)] {
        println!("{:40} {:9.2} MB", name, megabytes(other));
        let times = megabytes(size) / megabytes(other);
        is_met &= bar(&format!("packs beside {name}"), times, "times", times <= 1.05, "at most 1.05");
    }
    Ok(is_met)
}

/// Writes files into packs, as a run does.
pub(crate) fn write(files: &[File], dir: &Path) -> Result<Vec<FinishedPack>> {
    let now: Timestamp = "2026-11-24T00:00:00Z".parse()?;
    let (mut packs, mut open) = (Vec::new(), None::<PackWriter>);
    for file in files {
        let writer = match &mut open {
            Some(writer) => writer,
            None => {
                let id = PackId::at(now);
                let header = PackHeader { vault_id: "bench".into(), id, created_at: now, audit_head: None };
                open.insert(PackWriter::create(dir, header, Arc::new(Zstd::new(3)))?)
            }
        };
        let entry = NewEntry {
            location: Location::aws("files"),
            key: ObjectKey::new(file.path.display().to_string().trim_start_matches('/'))?,
            meta: ObjectMeta::new(u64::try_from(file.bytes.len())?),
            run: "bench".into(),
            staged_at: now,
        };
        writer.append(entry, &mut file.bytes.as_slice())?;
        if writer.is_full(PACK_BYTES)
            && let Some(full) = open.take()
        {
            packs.push(full.finish()?);
        }
    }
    if let Some(last) = open {
        packs.push(last.finish()?);
    }
    Ok(packs)
}

/// How fast the same bytes go through the compressor and nothing else, in blocks as long as a frame of small objects.
fn zstd_alone(files: &[File]) -> Result<f64> {
    let bytes: Vec<u8> = files.iter().flat_map(|file| &file.bytes).copied().collect();
    let mut compressor = zstd::bulk::Compressor::new(3)?;
    let mut packed = vec![0; 2 << 20];
    let begun = cpu_time();
    for block in bytes.chunks(1 << 20) {
        compressor.compress_to_buffer(block, &mut packed)?;
    }
    Ok(megabytes(corpus::total(files)) / cpu_time().saturating_sub(begun).as_secs_f64())
}

fn restic(dir: &Path, source: &Path) -> Result<u64> {
    let repository = dir.join("restic");
    for arguments in [&["init"][..], &["backup", "--compression", "auto", "."]] {
        let mut command = Command::new("restic");
        command.args(["--no-cache", "--quiet", "--repo"]).arg(&repository).args(arguments);
        run(command.current_dir(source).env("RESTIC_PASSWORD", "bench"))?;
    }
    size_of(&repository)
}

fn borg(dir: &Path, source: &Path) -> Result<u64> {
    let repository = dir.join("borg");
    let mut init = Command::new("borg");
    run(init.args(["init", "--encryption", "none"]).arg(&repository).env("BORG_BASE_DIR", dir))?;
    let mut create = Command::new("borg");
    let archive = format!("{}::files", repository.display());
    create.args(["create", "--compression", "zstd,3", &archive, "."]);
    run(create.current_dir(source).env("BORG_BASE_DIR", dir))?;
    size_of(&repository)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// The length of all files under a directory.
fn size_of(path: &Path) -> Result<u64> {
    let meta = path.symlink_metadata()?;
    if !meta.is_dir() {
        return Ok(meta.len());
    }
    std::fs::read_dir(path)?.map(|entry| size_of(&entry?.path())).sum()
}

/// The time that this thread computed, which other programs on the machine do not lengthen.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
