//! How long one small object takes to come out of a local pack.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use s3gc_vault::pack;
use s3gc_vault::{DirVault, VaultBackend};

use super::corpus::File;
use super::{Result, bar};

/// What counts as small.
const SMALL_BYTES: u64 = 128 << 10;

pub(crate) fn bench(files: &[File], reads: usize) -> Result<bool> {
    let dir = tempfile::tempdir()?;
    let vault: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault"))?);
    let packs = super::pack::write(files, dir.path())?;
    let largest = packs.iter().max_by_key(|pack| pack.size_bytes).ok_or("there is no pack")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut times = runtime.block_on(async {
        largest.store(&*vault).await?;
        let small: Vec<_> = largest.entries.iter().filter(|entry| entry.meta.size_bytes <= SMALL_BYTES).collect();
        println!("a pack of {} MB, {} small objects in it", largest.size_bytes / 1_000_000, small.len());
        let mut times = Vec::new();
        for n in 0..reads {
            // A step that has no divisor in common with the number of objects visits them in no order.
            let entry = small.get(n.wrapping_mul(7919) % small.len().max(1)).ok_or("there is no small object")?;
            let begun = Instant::now();
            let mut body = pack::open(Arc::clone(&vault), &largest.name, entry).await?;
            let mut len = 0;
            while let Some(piece) = body.try_next().await? {
                len += u64::try_from(piece.len())?;
            }
            times.push(begun.elapsed());
            if len != entry.meta.size_bytes {
                return Err(format!("{}: {len} bytes came back", entry.key).into());
            }
        }
        Result::<_>::Ok(times)
    })?;
    times.sort();
    let mean = times.iter().sum::<Duration>().as_secs_f64() * 1000.0 / f64::from(u32::try_from(times.len())?);
    let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default().as_secs_f64() * 1000.0;
    let is_met = bar("restore of one small object, mean", mean, "ms", mean < 1.0, "below 1");
    println!("{:40} {p99:9.2} ms", "99 of 100 take at most");
    Ok(is_met)
}
