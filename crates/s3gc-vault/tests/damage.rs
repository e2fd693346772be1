//! A damaged pack is found, and never gives bytes that were not put in.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::sync::Arc;

use common::{Key, MemVault, append, new_entry, noise, read, text};
use s3gc_compress::{Compressor, Lepton, Lz4, Plain, Zstd};
use s3gc_testkit::jpeg::GREY;
use s3gc_vault::pack::{self, FinishedPack, PackWriter, VerifyLevel};
use s3gc_vault::{Error, VaultBackend};

struct Packed {
    mem: Arc<MemVault>,
    /// As whoever may read it sees it.
    vault: Arc<dyn VaultBackend>,
    key: Option<Key>,
    pack: FinishedPack,
    sound: Vec<u8>,
    objects: Vec<(String, Vec<u8>)>,
}

async fn packed(codec: impl Compressor) -> Packed {
    packed_for(codec, None).await
}

/// A few small objects of each kind: grouped, alone, stored, encoded, linked.
async fn packed_for(codec: impl Compressor, key: Option<Key>) -> Packed {
    let dir = tempfile::tempdir().unwrap();
    let writer = PackWriter::create(dir.path(), common::header(), Arc::new(codec)).unwrap();
    let mut writer = writer.with_jpeg_codec(Some(Arc::new(Lepton)));
    let mut objects = vec![
        ("photo".to_owned(), GREY.to_vec()),
        ("empty".to_owned(), Vec::new()),
        ("noise".to_owned(), noise(1, 700)),
    ];
    objects.extend((0..4).map(|i| (format!("text/{i}"), text(i, 900))));
    objects.extend([("copy/text".to_owned(), text(1, 900)), ("copy/noise".to_owned(), noise(1, 700))]);
    for (key, body) in &objects {
        append(&mut writer, key, body);
    }
    let mem = Arc::new(MemVault::default());
    let vault: Arc<dyn VaultBackend> = Arc::clone(&mem) as _;
    let pack = common::sealed(&vault, writer, &key.iter().collect::<Vec<_>>()).await;
    pack::read_back(Arc::clone(&vault), &pack).await.unwrap();
    let sound = mem.file.lock().unwrap().clone();
    let vault = key.as_ref().map_or(Arc::clone(&vault), |key| key.open(&vault));
    Packed { mem, vault, key, pack, sound, objects }
}

impl Packed {
    /// Damages the pack, and returns how many of its objects can still be read.
    async fn readable(&self, damaged: Vec<u8>, what: &str) -> usize {
        *self.mem.file.lock().unwrap() = damaged;
        // Another process: what it knew of the pack is gone.
        let inner: Arc<dyn VaultBackend> = Arc::clone(&self.mem) as _;
        let vault = self.key.as_ref().map_or(Arc::clone(&inner), |key| key.open(&inner));
        for vault in [&vault, &inner] {
            assert!(pack::read_back(Arc::clone(vault), &self.pack).await.is_err(), "i02: not seen: {what}");
        }
        let mut good = 0;
        for (entry, (key, body)) in self.pack.entries.iter().zip(&self.objects) {
            if let Ok(bytes) = read(&vault, &self.pack.name, entry).await {
                assert!(bytes == *body, "{what}: {key} came back with other bytes");
                good += 1;
            }
        }
        let name = &self.pack.name;
        let verify = |expected| pack::verify(Arc::clone(&vault), name, VerifyLevel::Full, expected);
        let report = match verify(None).await {
            // The stanza of the key in the header is damaged.
            Err(Error::Locked { .. }) => {
                assert_ne!(pack::stored_digest(&*vault, name).await.unwrap().1, self.pack.blake3, "not seen: {what}");
                return good;
            }
            report => report.unwrap(),
        };
        // A bit that means nothing to a decoder may be seen only by the file's own digest.
        if report.faults.is_empty() {
            assert!(self.key.is_none(), "every byte of an encrypted pack is authenticated: {what}");
            assert_eq!((good, &report.entries), (self.objects.len(), &self.pack.entries), "not seen: {what}");
        }
        let report = verify(Some(self.pack.blake3)).await.unwrap();
        assert!(!report.faults.is_empty(), "not seen: {what}");
        // Whatever a damaged index tells must not lead to other bytes either.
        for entry in &report.entries {
            if let Ok(bytes) = read(&vault, name, entry).await {
                assert_eq!(pack::Digest::of(&bytes), entry.blake3);
            }
        }
        good
    }

    async fn every_flip_and_cut(&self) {
        let len = self.sound.len();
        // The long form tries every byte: it takes minutes.
        let step = if std::env::var_os("S3GC_TEST_LONG").is_some() { 1 } else { 17 };
        for at in (0..len).step_by(step).chain(len - 20..len) {
            let mut damaged = self.sound.clone();
            damaged[at] ^= 1 << (at % 8);
            self.readable(damaged, &format!("a bit flipped in byte {at} of {len}")).await;
        }
        for cut in (0..len).step_by(6 * step + 1) {
            self.readable(self.sound[..cut].to_vec(), &format!("cut at {cut} of {len}")).await;
        }
        let mut longer = self.sound.clone();
        longer.push(0);
        // Of a small pack, the only chunk is not as it was.
        let readable = if self.key.is_some() { 0 } else { self.objects.len() };
        assert_eq!(self.readable(longer, "a byte longer").await, readable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_every_flipped_bit_and_every_cut_of_a_zstd_pack_is_found() {
    packed(Zstd::default()).await.every_flip_and_cut().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_every_flipped_bit_and_every_cut_of_a_lz4_pack_is_found() {
    packed(Lz4).await.every_flip_and_cut().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_every_flipped_bit_and_every_cut_of_a_pack_without_compression_is_found() {
    packed(Plain).await.every_flip_and_cut().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_every_flipped_bit_and_every_cut_of_an_encrypted_pack_is_found() {
    packed_for(Zstd::default(), Some(common::key())).await.every_flip_and_cut().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_behind_a_damaged_frame_are_found_without_the_index() {
    let packed = packed(Zstd::default()).await;
    let mut lost = packed.sound.clone();
    let last = packed.pack.entries.iter().map(|entry| entry.frame_offset + entry.frame_len).max().unwrap();
    let index = usize::try_from(last).unwrap();
    lost[index + 20] ^= 0xff;
    *packed.mem.file.lock().unwrap() = lost.clone();
    let name = &packed.pack.name;
    let found = pack::read_index(packed.vault.as_ref(), name).await.unwrap();
    assert!(found.damage.is_some());
    assert_eq!(found.header, packed.pack.header);
    assert_eq!(sorted(found.entries), sorted(packed.pack.entries.clone()), "the frames tell as much as the index");

    // Table gone too.
    lost.truncate(index + 30);
    *packed.mem.file.lock().unwrap() = lost.clone();
    let found = pack::read_index(packed.vault.as_ref(), name).await.unwrap();
    assert_eq!(sorted(found.entries), sorted(packed.pack.entries.clone()));

    // Index and a frame are damaged, the table is not: what lies behind the frame is still found.
    let mut holed = packed.sound.clone();
    holed[index + 20] ^= 0xff;
    let noise = packed.pack.entries.iter().find(|entry| entry.codec == "raw").unwrap();
    holed[usize::try_from(noise.frame_offset + noise.frame_len / 2).unwrap()] ^= 0xff;
    *packed.mem.file.lock().unwrap() = holed;
    let found = pack::read_index(packed.vault.as_ref(), name).await.unwrap();
    assert_eq!(found.entries.len(), packed.objects.len() - 2);
    assert!(found.entries.iter().all(|entry| entry.blake3 != noise.blake3));
    // The copy's own header is sound: it is named.
    assert_eq!(found.lost.len(), 1, "{:?}", found.lost);
    assert_eq!(found.lost[0].key.as_ref().unwrap().as_str(), "copy/noise");
    assert!(found.lost[0].reason.contains(&format!("{:?}, which is lost", noise.member)), "{:?}", found.lost);
    let report = pack::verify(Arc::clone(&packed.vault), name, VerifyLevel::Quick, None).await.unwrap();
    assert!(report.faults.contains(&found.lost[0]), "{:?}", report.faults);
}

fn sorted(mut entries: Vec<pack::PackEntry>) -> Vec<pack::PackEntry> {
    entries.sort_by(|a, b| a.member.cmp(&b.member));
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_bytes_are_compared_with_what_went_in_and_not_with_the_pack_itself() {
    let mut packed = packed(Zstd::default()).await;
    packed.pack.entries[3].blake3 = pack::Digest::of(b"what the store gave");
    let error = pack::read_back(Arc::clone(&packed.vault), &packed.pack).await.unwrap_err();
    assert!(matches!(&error, Error::Mismatch { key, .. } if *key == packed.objects[3].0), "{error:?}");

    let entry = packed.pack.entries[3].clone();
    assert!(read(&packed.vault, &packed.pack.name, &entry).await.is_err());
    let mut entry = packed.pack.entries[4].clone();
    entry.meta.size_bytes += 1;
    assert!(read(&packed.vault, &packed.pack.name, &entry).await.is_err());
    entry.meta.size_bytes -= 2;
    assert!(read(&packed.vault, &packed.pack.name, &entry).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lz4_member_cut_between_two_blocks_is_an_error() {
    // lz4_flex gives what came before the cut, and no error.
    let body = text(9, 1_000_143);
    let mut encoded = Vec::new();
    Lz4.compress(&mut body.as_slice(), &mut encoded).unwrap();
    let first_block = 7 + 4 + usize::try_from(u32::from_le_bytes(encoded[7..11].try_into().unwrap())).unwrap() + 4;
    let mut part = Vec::new();
    Lz4.decompress(&mut &encoded[..first_block], &mut part).unwrap();
    assert!(!part.is_empty() && part.len() < body.len());

    let dir = tempfile::tempdir().unwrap();
    let mut writer = common::writer(dir.path(), Lz4);
    append(&mut writer, "a", &body);
    let mem = Arc::new(MemVault::default());
    let vault: Arc<dyn VaultBackend> = Arc::clone(&mem) as _;
    let pack = common::stored(&vault, writer).await;
    let mut entry = pack.entries[0].clone();
    assert_eq!(entry.codec, "lz4");
    assert!(read(&vault, &pack.name, &entry).await.unwrap() == body);
    entry.member_bytes = first_block.try_into().unwrap();
    assert!(read(&vault, &pack.name, &entry).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_streams_and_its_damage_ends_the_stream_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for (codec, body) in [
        (Arc::new(Zstd::default()) as Arc<dyn Compressor>, text(3, 40_000_000)),
        (Arc::new(Zstd::default()), noise(3, 40_000_000)),
        (Arc::new(Lz4), text(4, 40_000_000)),
    ] {
        let mut writer = PackWriter::create(dir.path(), common::header(), codec).unwrap();
        append(&mut writer, "large", &body);
        let mem = Arc::new(MemVault::default());
        let vault: Arc<dyn VaultBackend> = Arc::clone(&mem) as _;
        let pack = common::stored(&vault, writer).await;
        let entry = &pack.entries[0];
        assert!(read(&vault, &pack.name, entry).await.unwrap() == body);
        let start = usize::try_from(entry.frame_offset).unwrap();
        let len = usize::try_from(entry.frame_len).unwrap();
        for at in [start, start + len / 3, start + len - 5] {
            mem.file.lock().unwrap()[at] ^= 4;
            // The last frame ends with padding, which is not the object's.
            let bytes = read(&vault, &pack.name, entry).await;
            assert!(bytes.is_err() || at == start + len - 5 && bytes.unwrap() == body, "{at}");
            assert!(pack::read_back(Arc::clone(&vault), &pack).await.is_err(), "{at}");
            mem.file.lock().unwrap()[at] ^= 4;
        }
        mem.file.lock().unwrap().truncate(start + len / 2);
        assert!(read(&vault, &pack.name, entry).await.is_err(), "cut");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_fails_leaves_the_pack_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = common::zstd_writer(dir.path());
    append(&mut writer, "first", &text(1, 1000));
    for size in [10, 1 << 20, 17 << 20, 40_000_000] {
        let before = (writer.stored_bytes(), writer.len());
        let whole = text(2, size);
        for body in [&whole[..0], &whole[..size / 2], &whole[..size - 1], &[whole.as_slice(), b"x"].concat()] {
            let failed = writer.append(new_entry("bad", size.try_into().unwrap()), &mut &*body);
            assert!(matches!(failed, Err(Error::Body { .. })), "{size}: {failed:?}");
            assert_eq!((writer.stored_bytes(), writer.len()), before);
        }
        append(&mut writer, &format!("good/{size}"), &whole);
        append(&mut writer, &format!("noise/{size}"), &noise(5, size));
    }
    let mem = Arc::new(MemVault::default());
    let vault: Arc<dyn VaultBackend> = mem;
    let pack = common::stored(&vault, writer).await;
    pack::read_back(vault, &pack).await.unwrap();
    assert_eq!(pack.entries.len(), 9);
    assert!(pack.entries.iter().all(|entry| entry.key.as_str() != "bad"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_object_is_one_read() {
    let packed = packed(Zstd::default()).await;
    for entry in &packed.pack.entries {
        packed.mem.reads.lock().unwrap().clear();
        read(&packed.vault, &packed.pack.name, entry).await.unwrap();
        assert_eq!(packed.mem.reads.lock().unwrap().len(), 1, "{}", entry.key);
    }
    packed.mem.reads.lock().unwrap().clear();
    pack::read_index(packed.vault.as_ref(), &packed.pack.name).await.unwrap();
    assert_eq!(packed.mem.reads.lock().unwrap().len(), 1, "so is the index");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_checks_about_as_many_objects_as_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = common::zstd_writer(dir.path());
    for i in 0..400 {
        append(&mut writer, &format!("{i}"), b"x");
    }
    let mem = Arc::new(MemVault::default());
    let vault: Arc<dyn VaultBackend> = mem;
    let pack = common::stored(&vault, writer).await;
    for (percent, range) in [(0, 0..1), (10, 15..80), (100, 400..401)] {
        let level = VerifyLevel::Sample { percent, seed: 7 };
        let report = pack::verify(Arc::clone(&vault), &pack.name, level, None).await.unwrap();
        assert!(range.contains(&report.checked), "{percent}: {}", report.checked);
        assert_eq!(report.faults, []);
    }
}
