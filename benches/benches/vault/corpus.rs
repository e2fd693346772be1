//! Mixed real files that every machine with Rust has: documentation, fonts, icons and headers of the system, which
//! compress, and the archives of crates, which do not.

use std::path::PathBuf;

use super::Result;

/// A file: its path, and its bytes.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// No file is larger than this.
const MAX_BYTES: u64 = 16 << 20;

/// Reads about so many bytes of files, the same ones each time, in the order of their paths.
pub(crate) fn load(bytes: u64) -> Result<Vec<File>> {
    let mut found = Vec::new();
    for directory in directories() {
        walk(directory, &mut found);
    }
    // A part that is like the whole.
    found.sort_by_cached_key(|(path, _)| *blake3::hash(path.as_os_str().as_encoded_bytes()).as_bytes());
    let mut left = bytes;
    found.retain(|(_, len)| {
        let fits = *len <= left;
        left -= if fits { *len } else { 0 };
        fits
    });
    found.sort();
    let read = |(path, _): (PathBuf, u64)| Some(File { bytes: std::fs::read(&path).ok()?, path });
    let files: Vec<File> = found.into_iter().filter_map(read).collect();
    if left > bytes / 10 {
        return Err(format!("there are only {} bytes of files: S3GC_BENCH_CORPUS names more", bytes - left).into());
    }
    println!("{} files, {} MB", files.len(), total(&files) / 1_000_000);
    Ok(files)
}

pub(crate) fn total(files: &[File]) -> u64 {
    files.iter().map(|file| u64::try_from(file.bytes.len()).unwrap_or(0)).sum()
}

fn directories() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os("S3GC_BENCH_CORPUS") {
        return std::env::split_paths(&named).collect();
    }
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let mut all = vec!["/usr/share".into(), "/usr/include".into()];
    all.extend(cargo.or(home).map(|cargo| cargo.join("registry/cache")));
    all
}

/// What cannot be read is left out.
fn walk(directory: PathBuf, found: &mut Vec<(PathBuf, u64)>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let Ok(meta) = entry.path().symlink_metadata() else { continue };
        if meta.is_dir() {
            walk(entry.path(), found);
        } else if meta.is_file() && (1..=MAX_BYTES).contains(&meta.len()) {
            found.push((entry.path(), meta.len()));
        }
    }
}
