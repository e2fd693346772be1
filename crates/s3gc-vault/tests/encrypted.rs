//! Encrypted packs: whoever has a key reads them like any other, a host without one backs up and proves what it wrote.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::sync::Arc;

use common::{Key, MemVault, append, key, noise, objects, read, sealed, stored, text, zstd_writer};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultyVault};
use s3gc_testkit::suites::vault::Fixture;
use s3gc_vault::encryption::check_key;
use s3gc_vault::pack::{self, FinishedPack, VerifyLevel};
use s3gc_vault::{DirVault, Error, FileName, VaultBackend};

// What is not encrypted passes through.
s3gc_testkit::vault_backend_suite!(behind_a_key());

fn behind_a_key() -> Fixture {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("vault");
    let key = key();
    let open = move || key.open(&(Arc::new(DirVault::open(&path).unwrap()) as _));
    Fixture::new(open()).with_kept(temporary).with_reopen(open)
}

fn directory(dir: &tempfile::TempDir) -> Arc<dyn VaultBackend> {
    Arc::new(DirVault::open(dir.path().join("vault")).unwrap())
}

/// A small pack.
async fn small(dir: &tempfile::TempDir, vault: &Arc<dyn VaultBackend>, keys: &[&Key]) -> FinishedPack {
    let mut writer = zstd_writer(dir.path());
    append(&mut writer, "a secret name", &text(1, 3_000));
    append(&mut writer, "noise", &noise(2, 300_000));
    append(&mut writer, "copy", &noise(2, 300_000));
    sealed(vault, writer, keys).await
}

async fn is_locked(vault: &Arc<dyn VaultBackend>, pack: &FinishedPack) {
    let name = &pack.name;
    let found = [
        pack::read_index(vault.as_ref(), name).await.map(drop),
        pack::read_header(vault.as_ref(), name).await.map(drop),
        pack::verify(Arc::clone(vault), name, VerifyLevel::Quick, None).await.map(drop),
        pack::verify(Arc::clone(vault), name, VerifyLevel::Full, Some(pack.blake3)).await.map(drop),
        pack::open(Arc::clone(vault), name, &pack.entries[0]).await.map(drop),
        check_key(vault.as_ref(), name).await,
    ];
    for result in found {
        let error = result.unwrap_err();
        assert!(matches!(&error, Error::Locked { name, .. } if *name == pack.name.to_string()), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_back_with_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let vault = directory(&dir);
    let (objects, key) = (objects(), key());
    let mut writer = zstd_writer(dir.path());
    for (key, body) in &objects {
        append(&mut writer, key, body);
    }
    let mut pack = sealed(&vault, writer, &[&key]).await;
    assert_eq!(pack.name, pack.id.encrypted_file_name());
    pack::read_back(Arc::clone(&vault), &pack).await.unwrap();
    pack.forget_key();
    assert!(matches!(pack::read_back(Arc::clone(&vault), &pack).await, Err(Error::Locked { .. })));

    // The record is about the file.
    let file = std::fs::read(dir.path().join("vault").join(pack.name.as_str())).unwrap();
    assert_eq!(u64::try_from(file.len()), Ok(pack.size_bytes));
    assert!(file.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(pack::stored_digest(&*vault, &pack.name).await.unwrap(), (pack.size_bytes, pack.blake3));

    let vault = key.open(&vault);
    assert_eq!(pack::stored_digest(&*vault, &pack.name).await.unwrap(), (pack.size_bytes, pack.blake3));
    let index = pack::read_index(vault.as_ref(), &pack.name).await.unwrap();
    assert_eq!((index.damage, &index.entries, &index.header), (None, &pack.entries, &pack.header));
    assert_eq!(pack::read_header(vault.as_ref(), &pack.name).await.unwrap(), pack.header);
    for (entry, (key, body)) in index.entries.iter().zip(&objects) {
        assert!(read(&vault, &pack.name, entry).await.unwrap() == *body, "{key:?}");
    }
    let report = pack::verify(Arc::clone(&vault), &pack.name, VerifyLevel::Full, Some(pack.blake3)).await.unwrap();
    assert_eq!((report.faults, report.checked, report.size_bytes), (vec![], objects.len(), pack.size_bytes));
    let other = pack::Digest::of(b"another pack to the same recipient");
    let report = pack::verify(vault, &pack.name, VerifyLevel::Full, Some(other)).await.unwrap();
    assert_eq!(report.faults.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_of_the_recipients_reads_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let vault = directory(&dir);
    let (ours, theirs, other) = (key(), key(), key());
    let pack = small(&dir, &vault, &[&ours, &theirs]).await;
    pack::read_back(Arc::clone(&vault), &pack).await.unwrap();
    // Whatever key the host has, it proves the pack with the pack's own.
    pack::read_back(other.open(&vault), &pack).await.unwrap();
    for key in [&ours, &theirs] {
        assert!(read(&key.open(&vault), &pack.name, &pack.entries[2]).await.unwrap() == noise(2, 300_000));
    }
    is_locked(&vault, &pack).await;
    is_locked(&other.open(&vault), &pack).await;
    let file = std::fs::read(dir.path().join("vault").join(pack.name.as_str())).unwrap();
    for secret in ["a secret name", "vault-1", "S3GC"] {
        assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_and_encrypted_packs_lie_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let vault = directory(&dir);
    let (old, new) = (key(), key());
    let mut writer = zstd_writer(dir.path());
    append(&mut writer, "plain", &text(7, 3_000));
    let plain = stored(&vault, writer).await;
    let first = small(&dir, &vault, &[&old]).await;
    let second = small(&dir, &vault, &[&new]).await;
    let ours = new.open(&vault);
    assert!(read(&ours, &plain.name, &plain.entries[0]).await.unwrap() == text(7, 3_000));
    assert!(read(&ours, &second.name, &second.entries[0]).await.unwrap() == text(1, 3_000));
    is_locked(&ours, &first).await;
    assert!(read(&vault, &plain.name, &plain.entries[0]).await.unwrap() == text(7, 3_000));
    let report = pack::verify(Arc::clone(&vault), &plain.name, VerifyLevel::Full, Some(plain.blake3)).await.unwrap();
    assert_eq!(report.faults, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_object_is_one_read_once_the_header_is_known() {
    let key = key();
    let mem = Arc::new(MemVault::default());
    let inner: Arc<dyn VaultBackend> = Arc::clone(&mem) as _;
    let mut writer = zstd_writer(&std::env::temp_dir());
    for i in 0..40 {
        append(&mut writer, &format!("{i}"), &noise(i, 100_000));
    }
    let pack = sealed(&inner, writer, &[&key]).await;
    let vault = key.open(&inner);
    let reads = || std::mem::take(&mut *mem.reads.lock().unwrap());
    reads();
    pack::read_index(vault.as_ref(), &pack.name).await.unwrap();
    assert_eq!(reads().len(), 2, "the header, and the end");
    for entry in &pack.entries {
        read(&vault, &pack.name, entry).await.unwrap();
        let read = reads();
        assert_eq!(read.len(), 1, "{}", entry.key);
        let bytes = read[0].end - read[0].start;
        assert!(bytes < entry.frame_len + 2 * 65_552, "{bytes} for {}", entry.frame_len);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_vault_that_lies_is_found_out_without_the_key_too() {
    for (operation, fault) in [
        ("put", Fault::Fail),
        ("put", Fault::Unanswered),
        ("put", Fault::Truncate),
        ("put", Fault::Corrupt),
        ("size", Fault::Fail),
        ("read_range", Fault::Fail),
        ("read_range", Fault::Truncate),
        ("read_range", Fault::Corrupt),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let plan = FaultPlan::new().at(operation, 1, fault.clone());
        let vault: Arc<dyn VaultBackend> = Arc::new(FaultyVault::new(directory(&dir), plan.clone()));
        let mut writer = zstd_writer(dir.path());
        append(&mut writer, "noise", &noise(2, 300_000));
        let pack = writer.finish().unwrap().encrypt(&[key().recipient], dir.path()).unwrap();
        let done = async {
            pack.store(vault.as_ref()).await?;
            pack::read_back(vault, &pack).await
        };
        assert!(done.await.is_err(), "{operation} {fault:?}");
        assert_eq!(plan.fired(), 1, "{operation} {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_another_pack_under_the_name_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, key) = (directory(&dir), key());
    let (ours, theirs) = (small(&dir, &vault, &[&key]).await, small(&dir, &vault, &[&key]).await);
    let swapped = FileName::new("packs/swapped.tar.zst.age").unwrap();
    let bytes = vault.read_range(&theirs.name, 0..theirs.size_bytes).await.unwrap();
    let mut expected = ours;
    expected.name = swapped.clone();
    expected.size_bytes = theirs.size_bytes;
    let body = futures::StreamExt::boxed(futures::stream::iter([Ok(bytes)]));
    vault.put(&swapped, body, theirs.size_bytes).await.unwrap();
    let error = pack::read_back(Arc::clone(&vault), &expected).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_chunk_costs_what_lies_in_it_and_no_more() {
    let key = key();
    let mem = Arc::new(MemVault::default());
    let inner: Arc<dyn VaultBackend> = Arc::clone(&mem) as _;
    let mut writer = zstd_writer(&std::env::temp_dir());
    let bodies: Vec<Vec<u8>> = (0..60).map(|i| noise(i, 100_000)).collect();
    for (i, body) in bodies.iter().enumerate() {
        append(&mut writer, &format!("{i}"), body);
    }
    append(&mut writer, "copy", &bodies[30]);
    let pack = sealed(&inner, writer, &[&key]).await;
    let len = mem.file.lock().unwrap().len();
    // In the index, and in the middle, which the catalog still finds without the index.
    for at in [len - 30, len / 2] {
        mem.file.lock().unwrap()[at] ^= 1;
        let vault = key.open(&inner);
        let mut readable = 0;
        for (entry, body) in pack.entries.iter().zip(bodies.iter().chain([&bodies[30]])) {
            if let Ok(bytes) = read(&vault, &pack.name, entry).await {
                assert!(bytes == *body, "{}", entry.key);
                readable += 1;
            }
        }
        let lost = pack.entries.len() - readable;
        assert!((usize::from(at == len / 2)..=3).contains(&lost), "{lost} lost at {at} of {len}");
        let report = pack::verify(Arc::clone(&vault), &pack.name, VerifyLevel::Full, None).await.unwrap();
        assert!(report.faults.iter().any(|fault| fault.reason.contains("cannot be decrypted")), "{:?}", report.faults);
        let index = pack::read_index(vault.as_ref(), &pack.name).await.unwrap();
        assert_eq!(index.damage.is_some(), at == len - 30);
        // The index lost: the frames are walked through, around what is damaged.
        let least = if index.damage.is_some() { pack.entries.len() - 5 } else { pack.entries.len() };
        assert!(index.entries.len() >= least, "{} of {}", index.entries.len(), pack.entries.len());
        for entry in &index.entries {
            if let Ok(bytes) = read(&vault, &pack.name, entry).await {
                assert_eq!(pack::Digest::of(&bytes), entry.blake3);
            }
        }
        mem.file.lock().unwrap()[at] ^= 1;
    }
}
