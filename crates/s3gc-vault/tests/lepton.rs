//! JPEG files that Lepton makes shorter, and all those that it does not.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::sync::Arc;

use common::{MemVault, append, noise, read, stored};
use s3gc_compress::{Compressor, Lepton, Lz4, Plain, Zstd};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultyCompressor};
use s3gc_testkit::jpeg;
use s3gc_vault::VaultBackend;
use s3gc_vault::pack::{self, FinishedPack, PackWriter, VerifyLevel};

fn writer(codec: Arc<dyn Compressor>) -> PackWriter {
    let writer = PackWriter::create(&std::env::temp_dir(), common::header(), codec).unwrap();
    writer.with_jpeg_codec(Some(Arc::new(Lepton)))
}

/// Packs objects, proves the pack, and reads each back, as a reader does that knows nothing of the option.
async fn packed(mut writer: PackWriter, objects: &[(&str, Vec<u8>)]) -> FinishedPack {
    for (key, body) in objects {
        append(&mut writer, key, body);
    }
    let vault: Arc<dyn VaultBackend> = Arc::new(MemVault::default());
    let pack = stored(&vault, writer).await;
    pack::read_back(Arc::clone(&vault), &pack).await.unwrap();
    let index = pack::read_index(vault.as_ref(), &pack.name).await.unwrap();
    for (entry, (key, body)) in index.entries.iter().zip(objects) {
        assert!(read(&vault, &pack.name, entry).await.unwrap() == *body, "{key}");
    }
    let report = pack::verify(vault, &pack.name, VerifyLevel::Full, Some(pack.blake3)).await.unwrap();
    assert_eq!(report.faults, []);
    pack
}

fn codecs(pack: &FinishedPack) -> Vec<&str> {
    pack.entries.iter().map(|entry| entry.codec.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_are_shorter_in_a_pack_whatever_else_compresses() {
    let objects = [
        ("photo.jpg", jpeg::PHOTO.to_vec()),
        ("progressive.jpg", jpeg::PROGRESSIVE.to_vec()),
        ("copy.jpg", jpeg::PHOTO.to_vec()),
        ("text", common::text(1, 5000)),
    ];
    for (codec, text) in
        [(Arc::new(Zstd::default()) as Arc<dyn Compressor>, "zstd"), (Arc::new(Lz4), "lz4"), (Arc::new(Plain), "none")]
    {
        let pack = packed(writer(codec), &objects).await;
        assert_eq!(codecs(&pack), ["lepton", "lepton", "lepton", text]);
        assert!(pack.entries[0].shares_bytes_with(&pack.entries[2]));
        for entry in &pack.entries[..3] {
            assert!(entry.member.ends_with(".lep"), "{}", entry.member);
            assert!(entry.member_bytes < entry.meta.size_bytes * 97 / 100);
        }
    }
    let plain = packed(common::zstd_writer(&std::env::temp_dir()), &objects).await;
    assert_eq!(codecs(&plain), ["raw", "raw", "raw", "zstd"], "it is opt-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_what_is_no_sound_photo_is_stored_as_it_is() {
    let photo = jpeg::PHOTO;
    let mut flipped = photo.to_vec();
    flipped[photo.len() / 2] ^= 0xff;
    let mut objects = vec![
        ("empty.jpg", Vec::new()),
        ("three bytes", photo[..3].to_vec()),
        ("header alone", photo[..600].to_vec()),
        ("four colours", jpeg::CMYK.to_vec()),
        ("noise", [&photo[..3], &noise(1, 5000)].concat()),
        ("too long", [photo, &noise(2, 16 << 20)].concat()),
        ("too large", jpeg::flat(30_000, 30_000)),
        ("nothing in it", jpeg::flat(4000, 4000)),
    ];
    let stored_as_before = objects.len();
    // These may go either way, and come back.
    objects.push(("flipped", flipped));
    for cut in [photo.len() - 1, photo.len() - 2, photo.len() - 100, photo.len() / 2] {
        objects.push(("cut", photo[..cut].to_vec()));
    }
    objects.push(("with more", [photo, b"and more"].concat()));
    objects.push(("twice", [photo, photo].concat()));
    let pack = packed(writer(Arc::new(Zstd::default())), &objects).await;
    assert!(!codecs(&pack)[..stored_as_before].contains(&"lepton"), "{:?}", codecs(&pack));
    assert_eq!(codecs(&pack)[7], "zstd", "which is shorter");
    assert_eq!(*codecs(&pack).last().unwrap(), "lepton");
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_photo_that_the_codec_does_not_give_back_is_stored_as_it_is() {
    for (operation, fault) in [
        ("compress", Fault::Fail),
        ("compress", Fault::Truncate),
        ("compress", Fault::Corrupt),
        ("decompress", Fault::Fail),
        ("decompress", Fault::Truncate),
        ("decompress", Fault::Corrupt),
    ] {
        let plan = FaultPlan::new().at(operation, 1, fault.clone());
        let faulty = FaultyCompressor::new(Arc::new(Lepton), plan.clone());
        let writer = PackWriter::create(&std::env::temp_dir(), common::header(), Arc::new(Zstd::default())).unwrap();
        let writer = writer.with_jpeg_codec(Some(Arc::new(faulty)));
        let pack = packed(writer, &[("a.jpg", jpeg::PHOTO.to_vec()), ("b.jpg", jpeg::FULL.to_vec())]).await;
        assert_eq!(plan.fired(), 1, "{operation} {fault:?}");
        assert_eq!(codecs(&pack), ["raw", "lepton"], "{operation} {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_only_says_that_it_is_lepton_is_an_error() {
    let mut writer = common::zstd_writer(&std::env::temp_dir());
    append(&mut writer, "noise", &noise(1, 5000));
    append(&mut writer, "photo", jpeg::PHOTO);
    let vault: Arc<dyn VaultBackend> = Arc::new(MemVault::default());
    let pack = stored(&vault, writer).await;
    for entry in &pack.entries {
        let mut hostile = entry.clone();
        hostile.codec = "lepton".to_owned();
        assert!(read(&vault, &pack.name, &hostile).await.is_err());
    }
}
