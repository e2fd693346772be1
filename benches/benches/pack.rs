//! How fast packs are written, on one core: `cargo bench -p s3gc-benches --bench pack`.
#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use s3gc_compress::{Compressor, Lz4, Plain, Zstd};
use s3gc_store::{Location, ObjectKey, ObjectMeta};
use s3gc_vault::pack::{NewEntry, PackHeader, PackId, PackWriter};

/// The lengths of the objects in bytes: thumbnails, documents, photos.
const LENGTHS: [usize; 4] = [4 << 10, 40 << 10, 400 << 10, 4 << 20];

fn main() -> Result<(), Box<dyn Error>> {
    // Without `--bench` somebody only wants to know that it works.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 30 } else { 1 };
    // Half of it does not compress, as photos do not.
    let bodies: Vec<Vec<u8>> = LENGTHS.iter().flat_map(|len| [noise(*len), text(*len)]).collect();
    measure("zstd", Arc::new(Zstd::default()), rounds, &bodies)?;
    measure("lz4", Arc::new(Lz4), rounds, &bodies)?;
    measure("none", Arc::new(Plain), rounds, &bodies)
}

fn measure(name: &str, codec: Arc<dyn Compressor>, rounds: u64, bodies: &[Vec<u8>]) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let now: Timestamp = "2026-11-24T00:00:00Z".parse()?;
    let header = PackHeader { vault_id: "bench".into(), id: PackId::at(now), created_at: now, audit_head: None };
    let begun = Instant::now();
    let mut writer = PackWriter::create(dir.path(), header, codec)?;
    for round in 0..rounds {
        for (n, body) in bodies.iter().enumerate() {
            let entry = NewEntry {
                location: Location::aws("photos"),
                key: ObjectKey::new(format!("uploads/{round}/{n}"))?,
                meta: ObjectMeta::new(u64::try_from(body.len())?),
                run: "bench".into(),
                staged_at: now,
            };
            writer.append(entry, &mut body.as_slice())?;
        }
    }
    let pack = writer.finish()?;
    // Bytes a microsecond are megabytes a second.
    let per_second = u128::from(pack.original_bytes) / begun.elapsed().as_micros().max(1);
    let (original, stored) = (pack.original_bytes / 1_000_000, pack.size_bytes / 1_000_000);
    println!("{name}: {per_second} MB/s, {original} MB became {stored} MB");
    Ok(())
}

fn noise(len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut endless = blake3::Hasher::new().update(&len.to_le_bytes()).finalize_xof();
    bytes.resize(len, 0);
    endless.fill(&mut bytes);
    bytes
}

/// Lines of JSON with changing numbers.
fn text(len: usize) -> Vec<u8> {
    let line =
        |n: usize| format!("{{\"id\":{n},\"name\":\"user {}\",\"seen\":{}}}\n", n * 7919 % 1000, n * 104_729 % 9973);
    (0..).map(line).flat_map(String::into_bytes).take(len).collect()
}
