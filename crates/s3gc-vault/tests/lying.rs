//! Vaults and codecs that break their contracts are found out before anything is deleted.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::sync::Arc;

use common::{append, read, text};
use s3gc_compress::{Compressor, Lz4};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultyCompressor, FaultyVault};
use s3gc_vault::pack::{self, FinishedPack, PackWriter};
use s3gc_vault::{DirVault, Result, VaultBackend};

fn pack(dir: &tempfile::TempDir, codec: Arc<dyn Compressor>) -> FinishedPack {
    let mut writer = PackWriter::create(dir.path(), common::header(), codec).unwrap();
    append(&mut writer, "small", &text(1, 3_000));
    append(&mut writer, "middle", &text(2, 3_000_000));
    writer.finish().unwrap()
}

async fn put_and_read_back(plan: &FaultPlan) -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let inner = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
    let vault: Arc<dyn VaultBackend> = Arc::new(FaultyVault::new(inner, plan.clone()));
    let pack = pack(&dir, Arc::new(s3gc_compress::Zstd::default()));
    pack.store(vault.as_ref()).await?;
    pack::read_back(vault, &pack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_vault_that_lies_is_found_out() {
    put_and_read_back(&FaultPlan::new()).await.unwrap();
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
        let plan = FaultPlan::new().at(operation, 1, fault.clone());
        assert!(put_and_read_back(&plan).await.is_err(), "{operation} {fault:?}");
        assert_eq!(plan.fired(), 1, "{operation} {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_stops_in_the_middle_of_a_large_object_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let inner: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
    let mut writer = common::zstd_writer(dir.path());
    append(&mut writer, "large", &common::noise(1, 20_000_000));
    let pack = common::stored(&inner, writer).await;
    for fault in [Fault::Fail, Fault::Truncate, Fault::Corrupt] {
        let plan = FaultPlan::new().at("read_range", 3, fault.clone());
        let vault: Arc<dyn VaultBackend> = Arc::new(FaultyVault::new(Arc::clone(&inner), plan.clone()));
        assert!(read(&vault, &pack.name, &pack.entries[0]).await.is_err(), "{fault:?}");
        assert_eq!(plan.fired(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_an_object_that_a_codec_does_not_give_back_is_stored_as_it_is() {
    for (operation, fault) in [
        ("compress", Fault::Fail),
        ("compress", Fault::Truncate),
        ("compress", Fault::Corrupt),
        ("decompress", Fault::Fail),
        ("decompress", Fault::Truncate),
        ("decompress", Fault::Corrupt),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let plan = FaultPlan::new().at(operation, 2, fault.clone());
        let vault: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
        let pack = pack(&dir, Arc::new(FaultyCompressor::new(Arc::new(Lz4), plan.clone())));
        assert_eq!(plan.fired(), 1, "{operation} {fault:?}");
        assert_eq!((&*pack.entries[0].codec, &*pack.entries[1].codec), ("lz4", "raw"), "{operation} {fault:?}");
        pack.store(vault.as_ref()).await.unwrap();
        pack::read_back(vault, &pack).await.unwrap();
    }
}
