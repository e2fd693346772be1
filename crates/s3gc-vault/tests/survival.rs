//! A vault survives what disks, transfers and other writers do to it: packs with copies, encrypted and not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use common::{Key, MemVault, append, key, noise, read, text};
use futures::TryStreamExt;
use proptest::prelude::*;
use s3gc_compress::{Compressor, Lepton, Lz4, Plain, Zstd};
use s3gc_testkit::jpeg;
use s3gc_vault::pack::{self, Digest, FinishedPack, PackEntry, PackWriter, VerifyLevel};
use s3gc_vault::{DirVault, Error, VaultBackend};

/// One object of a pack.
#[derive(Clone, Debug)]
enum Body {
    Text(u64, usize),
    Noise(u64, usize),
    Photo,
    /// The same bytes as an earlier one.
    Copy(prop::sample::Index),
}

#[derive(Clone, Debug)]
struct Plan {
    bodies: Vec<Body>,
    codec: u8,
    is_encrypted: bool,
}

fn plans() -> impl Strategy<Value = Plan> {
    let size = prop_oneof![0..3_usize, 400..1200_usize, 100_000..200_000_usize];
    let body = prop_oneof![
        3 => (0..4_u64, size.clone()).prop_map(|(seed, size)| Body::Text(seed, size)),
        3 => (0..4_u64, size).prop_map(|(seed, size)| Body::Noise(seed, size)),
        1 => Just(Body::Photo),
        3 => any::<prop::sample::Index>().prop_map(Body::Copy),
    ];
    let codec = prop_oneof![3 => Just(0_u8), 1 => Just(1), 1 => Just(2)];
    (prop::collection::vec(body, 1..14), codec, any::<bool>()).prop_map(|(bodies, codec, is_encrypted)| Plan {
        bodies,
        codec,
        is_encrypted,
    })
}

/// A pack, and what is in it.
struct Packed {
    mem: Arc<MemVault>,
    key: Option<Key>,
    pack: FinishedPack,
    sound: Vec<u8>,
    bodies: Vec<Vec<u8>>,
    /// The length of the pack as it is read.
    plain_bytes: u64,
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap());

async fn packed(plan: &Plan) -> Packed {
    let codec: Arc<dyn Compressor> = match plan.codec {
        0 => Arc::new(Zstd::default()),
        1 => Arc::new(Lz4),
        _ => Arc::new(Plain),
    };
    let writer = PackWriter::create(&std::env::temp_dir(), common::header(), codec).unwrap();
    let mut writer = writer.with_jpeg_codec(Some(Arc::new(Lepton)));
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for (i, body) in plan.bodies.iter().enumerate() {
        let body = match body {
            Body::Text(seed, size) => text(*seed, *size),
            Body::Noise(seed, size) => noise(*seed, *size),
            Body::Photo => jpeg::GREY.to_vec(),
            Body::Copy(of) if bodies.is_empty() => vec![u8::try_from(of.index(250)).unwrap()],
            Body::Copy(of) => of.get(&bodies).clone(),
        };
        append(&mut writer, &format!("{i}"), &body);
        bodies.push(body);
    }
    let key = plan.is_encrypted.then(key);
    let mem = Arc::new(MemVault::default());
    let vault: Arc<dyn VaultBackend> = Arc::clone(&mem) as _;
    let pack = common::sealed(&vault, writer, &key.iter().collect::<Vec<_>>()).await;
    pack::read_back(Arc::clone(&vault), &pack).await.unwrap();
    let sound = mem.file.lock().unwrap().clone();
    let mut packed = Packed { mem, key, pack, sound, bodies, plain_bytes: 0 };
    packed.plain_bytes = packed.vault().size(&packed.pack.name).await.unwrap();
    packed
}

impl Packed {
    /// The vault as another process sees it that has the key.
    fn vault(&self) -> Arc<dyn VaultBackend> {
        let inner: Arc<dyn VaultBackend> = Arc::clone(&self.mem) as _;
        self.key.as_ref().map_or(Arc::clone(&inner), |key| key.open(&inner))
    }

    fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut file = self.sound.clone();
        change(&mut file);
        *self.mem.file.lock().unwrap() = file;
    }

    /// Reads every object by what the catalog knows of it: what comes is the original. Returns which came.
    async fn readable(&self) -> Vec<bool> {
        let vault = self.vault();
        let mut readable = Vec::new();
        for (entry, body) in self.pack.entries.iter().zip(&self.bodies) {
            let read = read(&vault, &self.pack.name, entry).await;
            assert!(read.as_ref().map_or(true, |bytes| bytes == body), "{} came back with other bytes", entry.key);
            readable.push(read.is_ok());
        }
        readable
    }

    /// Makes sure that the damage is found by whoever looks for it, and by the proof before a deletion.
    async fn is_found(&self) {
        let vault = self.vault();
        let name = &self.pack.name;
        assert!(pack::read_back(Arc::clone(&vault), &self.pack).await.is_err(), "i02: not seen by the read-back");
        match pack::verify(Arc::clone(&vault), name, VerifyLevel::Full, Some(self.pack.blake3)).await {
            Ok(report) => assert!(!report.faults.is_empty(), "not seen"),
            // The stanza of the key is damaged: then the file is compared.
            Err(Error::Locked { .. }) => {
                let known = (self.pack.size_bytes, self.pack.blake3);
                assert_ne!(pack::stored_digest(&*vault, name).await.unwrap(), known);
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Reads the index, or what is found without it. All of it is true, and all of `expected` is there.
    async fn walked(&self, expected: &[&PackEntry]) {
        let vault = self.vault();
        let index = match pack::read_index(vault.as_ref(), &self.pack.name).await {
            Ok(index) => index,
            Err(Error::Damaged { .. } | Error::Locked { .. }) => {
                assert!(expected.is_empty(), "{} were lost", expected.len());
                return;
            }
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(index.header, self.pack.header);
        let found: BTreeMap<&str, &PackEntry> = index.entries.iter().map(|entry| (&*entry.member, entry)).collect();
        assert_eq!(found.len(), index.entries.len());
        for entry in expected {
            assert_eq!(found.get(&*entry.member), Some(entry), "not found: {}", entry.key);
        }
        for entry in index.entries {
            assert!(self.pack.entries.contains(&entry), "never was: {entry:?}");
            if let Ok(bytes) = read(&vault, &self.pack.name, &entry).await {
                assert_eq!(Digest::of(&bytes), entry.blake3);
            }
        }
    }

    /// The objects whose data lies within the first bytes of the pack, without those that are links: where a link itself
    /// stands only the pack knows.
    fn within(&self, bytes: u64) -> Vec<&PackEntry> {
        let is_link = |i: usize| {
            let entry = &self.pack.entries[i];
            entry.meta.size_bytes > 0 && self.pack.entries[..i].iter().any(|first| first.shares_bytes_with(entry))
        };
        let own = (0..self.pack.entries.len()).filter(|i| !is_link(*i)).map(|i| &self.pack.entries[i]);
        own.filter(|entry| entry.frame_offset + entry.frame_len <= bytes).collect()
    }
}

/// How much of an encrypted file of this length is readable: whole chunks.
fn whole_chunks(plain_bytes: u64) -> u64 {
    plain_bytes / 65_536 * 65_536
}

async fn cut(packed: &Packed, at: usize) {
    packed.damage(|file| file.truncate(at));
    packed.is_found().await;
    let left = match (&packed.key, packed.vault().size(&packed.pack.name).await) {
        (None, _) => at.try_into().unwrap(),
        (Some(_), Ok(size)) => whole_chunks(size),
        (Some(_), Err(_)) => 0,
    };
    let expected = packed.within(left);
    packed.walked(&expected).await;
    let readable = packed.readable().await;
    for entry in expected {
        let i = packed.pack.entries.iter().position(|e| e == entry).unwrap();
        assert!(readable[i], "{} lies before the cut", entry.key);
    }
}

async fn flip(packed: &Packed, at: usize, bit: u8) {
    packed.damage(|file| file[at] ^= 1 << bit);
    packed.is_found().await;
    packed.walked(&[]).await;
    // Only what lies where the bit is may be lost.
    let at = u64::try_from(at).unwrap();
    let hit = if packed.key.is_some() {
        let chunks = packed.plain_bytes.div_ceil(65_536);
        let header = packed.pack.size_bytes - packed.plain_bytes - 16 * chunks;
        match at.checked_sub(header) {
            Some(at) => at / 65_552 * 65_536..(at / 65_552 + 1) * 65_536,
            None => 0..u64::MAX,
        }
    } else {
        at..at + 1
    };
    for (entry, is_readable) in packed.pack.entries.iter().zip(packed.readable().await) {
        let is_hit = entry.frame_offset < hit.end && hit.start < entry.frame_offset + entry.frame_len;
        assert!(is_readable || is_hit, "{} does not lie where the bit was flipped", entry.key);
    }
}

proptest! {
    // Each case makes a pack and damages it in several ways.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, ..ProptestConfig::default() })]

    #[test]
    fn i02_a_pack_that_is_cut_gives_what_stands_before_the_cut(
        plan in plans(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        RUNTIME.block_on(async {
            let packed = packed(&plan).await;
            for at in cuts {
                cut(&packed, at.index(packed.sound.len())).await;
            }
            // Of a byte that is missing at the end no object suffers, and no copy.
            cut(&packed, packed.sound.len() - 1).await;
            if packed.key.is_none() {
                packed.walked(&packed.pack.entries.iter().collect::<Vec<_>>()).await;
            }
        });
    }

    #[test]
    fn i02_a_flipped_bit_is_found_and_costs_no_more_than_what_lies_there(
        plan in plans(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 4),
    ) {
        RUNTIME.block_on(async {
            let packed = packed(&plan).await;
            for (at, bit) in flips {
                flip(&packed, at.index(packed.sound.len()), bit).await;
            }
        });
    }
}

#[test]
fn without_index_and_table_every_object_and_every_copy_is_found() {
    RUNTIME.block_on(async {
        let bodies = (0..40).map(|i| if i % 4 == 3 { Body::Photo } else { Body::Noise(i % 5, 20_000) }).collect();
        let packed = packed(&Plan { bodies, codec: 0, is_encrypted: false }).await;
        packed.damage(|file| file.truncate(file.len() - 1));
        let index = pack::read_index(packed.vault().as_ref(), &packed.pack.name).await.unwrap();
        assert!(index.damage.is_some());
        assert_eq!(index.lost, []);
        packed.walked(&packed.pack.entries.iter().collect::<Vec<_>>()).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_one_vault_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let key = key();
    let writers = (0..4_u64).map(|writer| {
        let (path, key) = (dir.path().join("vault"), key.clone());
        tokio::spawn(async move {
            // Another process has the vault open for itself.
            let vault: Arc<dyn VaultBackend> = Arc::new(DirVault::open(&path).unwrap());
            let mut packs = Vec::new();
            for i in 0..6 {
                let mut pack = common::zstd_writer(&std::env::temp_dir());
                // The same objects in every pack: a link never leaves its own.
                for copy in 0..3 {
                    append(&mut pack, &format!("{writer}/{copy}"), &noise(i, 50_000));
                    append(&mut pack, &format!("text/{copy}"), &text(i, 5_000));
                }
                let keys = if (writer + i) % 2 == 0 { vec![&key] } else { Vec::new() };
                let pack = common::sealed(&vault, pack, &keys).await;
                pack::read_back(Arc::clone(&vault), &pack).await.unwrap();
                packs.push((pack, i));
            }
            packs
        })
    });
    let mut packs = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        packs.extend(writer.await.unwrap());
    }
    let inner: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
    let files: Vec<_> = inner.list("packs/").try_collect().await.unwrap();
    assert_eq!((files.len(), packs.len()), (24, 24));
    let vault = key.open(&inner);
    for (pack, i) in &packs {
        let report = pack::verify(Arc::clone(&vault), &pack.name, VerifyLevel::Full, Some(pack.blake3)).await.unwrap();
        assert_eq!((report.faults, report.checked), (vec![], 6));
        assert!(read(&vault, &pack.name, &pack.entries[4]).await.unwrap() == noise(*i, 50_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_pack_never_takes_the_place_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let vault: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
    let key = key();
    let header = common::header();
    let pack = |seed| {
        let mut pack = PackWriter::create(dir.path(), header.clone(), Arc::new(Zstd::default())).unwrap();
        append(&mut pack, "a", &noise(seed, 5_000));
        pack.finish().unwrap().encrypt(std::slice::from_ref(&key.recipient), dir.path()).unwrap()
    };
    // The same content twice is not the same file twice: each has a key of its own.
    let (first, second) = (pack(1), pack(1));
    assert_eq!(first.name, second.name);
    first.store(vault.as_ref()).await.unwrap();
    first.store(vault.as_ref()).await.unwrap();
    assert!(matches!(second.store(vault.as_ref()).await, Err(Error::Conflict { .. })));
    pack::read_back(Arc::clone(&vault), &first).await.unwrap();
    assert!(pack::read_back(vault, &second).await.is_err());
}
