//! What is encrypted is read by any range, and by nobody else.

use std::io::Seek;

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::*;
use crate::DirVault;
use std::sync::Arc;

const CHUNK: usize = 64 << 10;

struct Stored {
    dir: tempfile::TempDir,
    name: FileName,
    identities: Identities,
    plain: Vec<u8>,
}

impl Stored {
    async fn new(size: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plain: Vec<u8> = (0..size).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
        let (identities, recipient) = Identities::ephemeral();
        let mut sealed = seal(&mut plain.as_slice(), &[recipient], dir.path()).unwrap();
        let mut bytes = Vec::new();
        sealed.file.rewind().unwrap();
        io::Read::read_to_end(&mut sealed.file, &mut bytes).unwrap();
        assert_eq!((bytes.len().try_into(), Digest::of(&bytes)), (Ok(sealed.size_bytes), sealed.blake3));
        let stored = Self { dir, name: FileName::new("packs/p.age").unwrap(), identities, plain };
        stored.write(bytes).await;
        stored
    }

    fn inner(&self) -> Arc<dyn VaultBackend> {
        Arc::new(DirVault::open(self.dir.path().join("vault")).unwrap())
    }

    fn vault(&self) -> AgeVault {
        AgeVault::new(self.inner(), self.identities.clone())
    }

    async fn write(&self, bytes: Vec<u8>) {
        let inner = self.inner();
        #[expect(clippy::disallowed_methods, reason = "the test's own file")]
        inner.remove(&self.name).await.unwrap();
        let len = bytes.len().try_into().unwrap();
        inner.put(&self.name, stream::iter([Ok(Bytes::from(bytes))]).boxed(), len).await.unwrap();
    }

    async fn bytes(&self) -> Vec<u8> {
        let inner = self.inner();
        let size = inner.size(&self.name).await.unwrap();
        inner.read_range(&self.name, 0..size).await.unwrap().to_vec()
    }
}

#[tokio::test]
async fn every_range_comes_back_as_it_was() {
    for size in [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77] {
        let stored = Stored::new(size).await;
        let vault = stored.vault();
        assert_eq!(usize::try_from(vault.size(&stored.name).await.unwrap()), Ok(size));
        let edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK, size.saturating_sub(1), size];
        for start in edges {
            for end in edges {
                let range = u64::try_from(start).unwrap()..u64::try_from(end).unwrap();
                let read = vault.read_range(&stored.name, range).await;
                match stored.plain.get(start..end) {
                    Some(expected) => assert!(read.unwrap() == expected, "{start}..{end} of {size}"),
                    None => assert!(read.is_err(), "{start}..{end} of {size}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn without_the_right_key_a_file_is_locked_and_named() {
    let stored = Stored::new(1000).await;
    for identities in [Identities::default(), Identities::ephemeral().0] {
        let vault = AgeVault::new(stored.inner(), identities);
        let size = vault.size(&stored.name).await.unwrap_err();
        let read = vault.read_range(&stored.name, 0..1).await.unwrap_err();
        let key = check_key(&vault, &stored.name).await.unwrap_err();
        for error in [size, read, key] {
            assert!(matches!(&error, Error::Locked { name, .. } if name == "packs/p.age"), "{error:?}");
        }
    }
    assert!(matches!(check_key(&*stored.inner(), &stored.name).await, Err(Error::Locked { .. })));
    let both = AgeVault::new(stored.inner(), Identities::ephemeral().0.and(&stored.identities));
    assert!(check_key(&both, &stored.name).await.is_ok());
}

#[tokio::test]
async fn a_changed_byte_is_never_given_out() {
    let stored = Stored::new(2 * CHUNK + 500).await;
    let sound = stored.bytes().await;
    for at in (0..600).step_by(7).chain((600..sound.len()).step_by(3777)).chain(sound.len() - 20..sound.len()) {
        let mut bad = sound.clone();
        bad[at] ^= 1 << (at % 8);
        stored.write(bad).await;
        let vault = stored.vault();
        let mut is_seen = false;
        for chunk in 0..3 {
            let start = chunk * CHUNK;
            let end = stored.plain.len().min(start + CHUNK);
            match vault.read_range(&stored.name, start.try_into().unwrap()..end.try_into().unwrap()).await {
                Ok(bytes) => assert!(bytes == stored.plain[start..end], "byte {at}"),
                Err(Error::Damaged { .. } | Error::Locked { .. }) => is_seen = true,
                Err(error) => panic!("byte {at}: {error:?}"),
            }
        }
        assert!(is_seen, "byte {at} of {}", sound.len());
    }
}

#[tokio::test]
async fn what_stands_before_a_cut_is_still_read() {
    let stored = Stored::new(2 * CHUNK + 500).await;
    let sound = stored.bytes().await;
    let payload = sound.len() - stored.plain.len() - 3 * 16;
    for cut in
        [0, 1, payload - 17, payload, payload + 15, payload + 16, payload + CHUNK + 15, payload + 2 * (CHUNK + 16)]
    {
        stored.write(sound[..cut].to_vec()).await;
        let vault = stored.vault();
        let whole = (cut.saturating_sub(payload)) / (CHUNK + 16);
        match vault.size(&stored.name).await {
            Ok(size) => assert!(cut >= payload && size < stored.plain.len().try_into().unwrap(), "{cut}: {size}"),
            Err(error) => assert!(cut < payload && matches!(error, Error::Damaged { .. }), "{cut}: {error:?}"),
        }
        for chunk in 0..3 {
            let start = chunk * CHUNK;
            let end = stored.plain.len().min(start + CHUNK);
            let read = vault.read_range(&stored.name, start.try_into().unwrap()..end.try_into().unwrap()).await;
            assert_eq!(read.ok().as_deref(), (chunk < whole).then(|| &stored.plain[start..end]), "{cut}: {chunk}");
        }
    }
}

#[tokio::test]
async fn a_header_without_end_is_damaged() {
    let stored = Stored::new(10).await;
    let stanza = b"-> X25519 aaaa\nbbbb\n";
    let endless: Vec<u8> =
        b"age-encryption.org/v1\n".iter().chain(stanza.iter().cycle()).take(1 << 20).copied().collect();
    for hostile in [endless, b"age-encryption.org/v9\n".to_vec(), b"not age".to_vec(), vec![b'a'; 1 << 20]] {
        stored.write(hostile).await;
        let error = stored.vault().size(&stored.name).await.unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    }
}
