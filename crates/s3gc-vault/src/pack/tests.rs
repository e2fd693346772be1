//! Packs that somebody made to do harm.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use s3gc_compress::{Compressor, Zstd};
use s3gc_store::{Location, ObjectKey, ObjectMeta};

use super::entry::{IndexHeader, MemberMeta};
use super::seek::Frame;
use super::*;
use crate::{DirVault, FileName, VaultBackend};

fn header() -> PackHeader {
    let now = "2026-11-23T12:34:56Z".parse().unwrap();
    PackHeader { vault_id: "v".into(), id: PackId::at(now), created_at: now, audit_head: None }
}

/// An entry that is right for an object of zeros in the first frame.
fn entry(size: u64) -> PackEntry {
    PackEntry {
        location: Location::aws("b"),
        key: ObjectKey::new("k").unwrap(),
        meta: ObjectMeta::new(size),
        run: "r".into(),
        staged_at: header().created_at,
        blake3: Digest::of(&vec![0; usize::try_from(size).unwrap()]),
        codec: "zstd".into(),
        member: "b/k~00000000".into(),
        frame_offset: 0,
        frame_len: 0,
        offset_in_frame: 0,
        member_bytes: size,
        copied: None,
    }
}

fn zstd(content: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    Zstd::default().compress(&mut &*content, &mut packed).unwrap();
    packed
}

/// A frame of so many zero bytes.
fn bomb(len: u64) -> Vec<u8> {
    let mut packed = Vec::new();
    Zstd::default().compress(&mut std::io::Read::take(std::io::repeat(0), len), &mut packed).unwrap();
    packed
}

fn index_of(lines: &str) -> Vec<u8> {
    let mut content = tar::header(readme::INDEX, lines.len().try_into().unwrap(), 0, &[]);
    content.extend_from_slice(lines.as_bytes());
    content.resize(content.len().next_multiple_of(512) + 1024, 0);
    zstd(&content)
}

fn lines(entries: &[PackEntry]) -> String {
    let first = serde_json::to_string(&IndexHeader { format: FORMAT, pack: header() }).unwrap();
    let rest = entries.iter().map(|entry| serde_json::to_string(entry).unwrap());
    std::iter::once(first).chain(rest).map(|line| line + "\n").collect()
}

fn assemble(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut pack = frames.concat();
    let lengths: Vec<Frame> =
        frames.iter().map(|frame| Frame { packed: frame.len().try_into().unwrap(), content: 0 }).collect();
    seek::write(&lengths, &mut pack);
    pack
}

struct Hostile {
    _dir: tempfile::TempDir,
    vault: Arc<dyn VaultBackend>,
    name: FileName,
}

async fn hostile(pack: Vec<u8>) -> Hostile {
    let dir = tempfile::tempdir().unwrap();
    let vault: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path()).unwrap());
    let (name, len) = (header().id.file_name(), pack.len().try_into().unwrap());
    vault.put(&name, stream::iter([Ok(Bytes::from(pack))]).boxed(), len).await.unwrap();
    Hostile { _dir: dir, vault, name }
}

impl Hostile {
    async fn read(&self, entry: &PackEntry) -> Result<Vec<u8>, String> {
        let pieces = open(Arc::clone(&self.vault), &self.name, entry).await.map_err(|e| format!("{e}"))?;
        let pieces: Vec<Bytes> = pieces.try_collect().await.map_err(|e| format!("{e}"))?;
        Ok(pieces.concat())
    }

    /// Reads all there is: what comes is what its digest says.
    async fn survives(&self) -> VerifyReport {
        let report = verify(Arc::clone(&self.vault), &self.name, VerifyLevel::Full, None).await.unwrap();
        for entry in &report.entries {
            if let Ok(bytes) = self.read(entry).await {
                assert_eq!(Digest::of(&bytes), entry.blake3);
            }
        }
        report
    }
}

fn placed(mut entry: PackEntry, frame: &[u8]) -> PackEntry {
    entry.frame_len = frame.len().try_into().unwrap();
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn the_helpers_make_good_packs() {
    let frame = zstd(&[0; 1000]);
    let good = placed(entry(1000), &frame);
    let pack = hostile(assemble(&[frame, index_of(&lines(std::slice::from_ref(&good)))])).await;
    assert_eq!(pack.read(&good).await.unwrap(), [0; 1000]);
    assert_eq!(read_index(pack.vault.as_ref(), &pack.name).await.unwrap().damage, None);
}

type Change = fn(&mut PackEntry);

#[tokio::test(flavor = "multi_thread")]
async fn entries_with_absurd_numbers_are_errors() {
    let frame = zstd(&[0; 1000]);
    let good = placed(entry(1000), &frame);
    let absurd: [(&str, Change); 9] = [
        ("offset", |e| e.frame_offset = u64::MAX),
        ("length", |e| e.frame_len = u64::MAX - 1),
        ("both", |e| (e.frame_offset, e.frame_len) = (u64::MAX, u64::MAX)),
        ("size", |e| e.meta.size_bytes = u64::MAX),
        ("member", |e| e.member_bytes = u64::MAX),
        ("both sizes", |e| (e.meta.size_bytes, e.member_bytes) = (u64::MAX, u64::MAX)),
        ("in frame", |e| e.offset_in_frame = u64::MAX),
        ("codec", |e| e.codec = "../../evil".into()),
        ("lz4", |e| e.codec = "lz4".into()),
    ];
    for (what, change) in absurd {
        let mut bad = good.clone();
        change(&mut bad);
        let pack = hostile(assemble(&[frame.clone(), index_of(&lines(std::slice::from_ref(&bad)))])).await;
        assert!(pack.read(&bad).await.is_err(), "{what}");
        assert!(!pack.survives().await.faults.is_empty(), "{what}");
    }
    // A member's name is never used as a path.
    let mut named = good.clone();
    named.member = "../../../etc/passwd".into();
    let pack = hostile(assemble(&[frame, index_of(&lines(std::slice::from_ref(&named)))])).await;
    assert_eq!(pack.read(&named).await.unwrap(), [0; 1000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_gives_no_more_than_the_entry_has() {
    let frame = bomb(2 << 30);
    let begun = Instant::now();
    let mut small = placed(entry(10), &frame);
    let pack = hostile(frame.clone()).await;
    assert_eq!(pack.read(&small).await.unwrap(), [0; 10], "no more is decompressed than is asked for");
    small.blake3 = Digest::of(b"other");
    assert!(pack.read(&small).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_not_read_without_limit() {
    let first = lines(&[]);
    let huge = 1 << 40;
    let mut claims = tar::header(readme::INDEX, huge, 0, &[]);
    claims.extend_from_slice(first.as_bytes());
    let long_line = first.clone() + &"x".repeat(20 << 20);
    let mut pax = tar::header("a", 0, 0, &[("k", &"v".repeat(2 << 20))]);
    pax.extend_from_slice(&[0; 1024]);
    for (what, frame) in [
        ("a length of a TiB", zstd(&claims)),
        ("a line of 20 MiB", index_of(&long_line)),
        ("records of 2 MiB", zstd(&pax)),
        ("zeros", bomb(256 << 20)),
        ("another format", index_of(&first.replace("\"format\":1", "\"format\":2"))),
        ("an empty index", index_of("")),
        ("a window of 2 GiB", [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00], [0; 20].as_slice()].concat()),
    ] {
        let pack = hostile(assemble(&[zstd(b"not a tar file"), frame])).await;
        let report = pack.survives().await;
        assert!(!report.faults.is_empty() && report.entries.is_empty(), "{what}: {report:?}");
        assert!(read_index(pack.vault.as_ref(), &pack.name).await.is_err(), "{what}");
    }
}

/// A member with data of zeros, as it stands in a pack; with a target a link.
fn member(name: &str, key: &str, size: u64, target: Option<&str>) -> Vec<u8> {
    let entry = entry(size);
    let rest = MemberMeta { location: entry.location, staged_at: entry.staged_at, meta: entry.meta };
    let (rest, blake3) = (serde_json::to_string(&rest).unwrap(), entry.blake3.to_string());
    let records = [
        (readme::KEY_RECORD, key),
        (readme::BLAKE3_RECORD, &blake3),
        (readme::CODEC_RECORD, "zstd"),
        (readme::RUN_RECORD, "r"),
        (readme::META_RECORD, &rest),
    ];
    match target {
        Some(target) => tar::link(name, target, 0, &records),
        None => {
            let mut member = tar::header(name, size, 0, &records);
            let end = member.len() + usize::try_from(size).unwrap();
            member.resize(end.next_multiple_of(512), 0);
            member
        }
    }
}

fn first_member() -> Vec<u8> {
    tar::header(readme::README, 0, 0, &[(readme::PACK_RECORD, &serde_json::to_string(&header()).unwrap())])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_followed_only_to_an_earlier_member_of_the_same_pack() {
    let (a, b) = ("b/a~00000000", "b/b~00000002");
    let cases = [
        ("a good one", a, 100, None),
        ("to itself", "b/l~00000001", 100, Some("does not stand before")),
        ("to a later one", b, 100, Some("does not stand before")),
        ("to a missing one", "b/none", 100, Some("does not stand before")),
        ("to a file of the system", "/etc/passwd", 100, Some("does not stand before")),
        ("out of the pack", "../../../etc/passwd", 100, Some("does not stand before")),
        ("to the name of a pack", "", 100, Some("does not stand before")),
        ("to the member of the pack's own", readme::README, 100, Some("does not stand before")),
        ("to another link", "b/m~00000003", 100, Some("does not stand before")),
        ("to other bytes", a, 101, Some("is another object")),
    ];
    for (what, target, size, refused) in cases {
        let members = [
            member(a, "a", 100, None),
            member("b/m~00000003", "m", 100, Some(a)),
            member("b/l~00000001", "l", size, Some(target)),
            member(b, "b", 100, None),
        ];
        let pack = hostile([zstd(&first_member()), zstd(&members.concat())].concat()).await;
        let index = read_index(pack.vault.as_ref(), &pack.name).await.unwrap();
        let keys: Vec<&str> = index.entries.iter().map(|entry| entry.key.as_str()).collect();
        match refused {
            None => assert_eq!((keys, index.lost), (vec!["a", "b", "m", "l"], vec![]), "{what}"),
            Some(reason) => {
                assert_eq!(keys, ["a", "b", "m"], "{what}");
                assert!(matches!(&index.lost[..], [lost] if lost.reason.contains(reason)), "{what}: {:?}", index.lost);
            }
        }
        for entry in &index.entries {
            assert_eq!(pack.read(entry).await.unwrap(), [0; 100], "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_share_a_place_only_with_the_same_content() {
    let frame = zstd(&[0; 1000]);
    let good = placed(entry(1000), &frame);
    let changes: [(&str, Change, bool); 4] = [
        ("a link", |_| {}, true),
        ("another digest", |e| e.blake3 = Digest::of(b"other"), false),
        ("another length", |e| e.meta.size_bytes = 999, false),
        ("another part", |e| (e.meta.size_bytes, e.member_bytes, e.blake3) = (10, 10, Digest::of(&[0; 10])), false),
    ];
    for (what, change, is_sound) in changes {
        let mut other = good.clone();
        other.key = ObjectKey::new("other").unwrap();
        change(&mut other);
        // Whichever comes first.
        for entries in [[good.clone(), other.clone()], [other.clone(), good.clone()]] {
            let pack = hostile(assemble(&[frame.clone(), index_of(&lines(&entries))])).await;
            let report = pack.survives().await;
            let is_told = report.faults.iter().any(|fault| fault.key.is_some());
            assert_eq!(is_told, !is_sound, "{what}: {:?}", report.faults);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bytes_make_it_panic() {
    let mut noise = blake3::Hasher::new().finalize_xof();
    let frame = zstd(&[0; 1000]);
    let good = lines(&[placed(entry(1000), &frame), placed(entry(500), &frame)]);
    for round in 0..150 {
        let mut random = [0; 64];
        noise.fill(&mut random);
        let at = |i: usize, len: usize| usize::from(u16::from_le_bytes([random[i], random[i + 1]])) % len;
        let pack = match round % 3 {
            // A sound pack around an index in which bytes were changed.
            0 => {
                let mut text = good.clone().into_bytes();
                for i in 0..=at(0, 4) {
                    let target = at(2 + 2 * i, text.len());
                    text[target] = b"0123456789\",:{}[]-."[at(20 + 2 * i, 19)];
                }
                assemble(&[frame.clone(), index_of(&String::from_utf8_lossy(&text))])
            }
            // A pack in which bytes were changed.
            1 => {
                let mut pack = assemble(&[frame.clone(), index_of(&good)]);
                for i in 0..=at(0, 4) {
                    let target = at(2 + 2 * i, pack.len());
                    pack[target] = random[40 + i];
                }
                pack
            }
            _ => random[..at(0, 64)].to_vec(),
        };
        hostile(pack).await.survives().await;
    }
}
