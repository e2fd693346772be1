//! The bytes of a file on their way into the vault: counted, hashed, cut into parts.

use std::io;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::PutPayload;

/// A body that has to be as long as announced.
pub(crate) struct Body {
    stream: BoxStream<'static, io::Result<Bytes>>,
    /// What was read and belongs to the next part.
    rest: Bytes,
    /// How much is to come, `rest` included.
    left: u64,
    hasher: blake3::Hasher,
}

impl Body {
    pub(crate) fn new(stream: BoxStream<'static, io::Result<Bytes>>, size_bytes: u64) -> Self {
        Self { stream, rest: Bytes::new(), left: size_bytes, hasher: blake3::Hasher::new() }
    }

    /// Returns the next part of this size, or what is left; `None` at the end, behind which nothing came.
    pub(crate) async fn part(&mut self, size_bytes: u64) -> io::Result<Option<PutPayload>> {
        let mut wanted = size_bytes.min(self.left);
        if wanted == 0 {
            return match self.next().await? {
                None => Ok(None),
                Some(_) => Err(io::Error::other("the body is longer than announced")),
            };
        }
        let mut pieces = Vec::new();
        while wanted > 0 {
            let Some(mut piece) = self.next().await? else {
                return Err(io::Error::other("the body is shorter than announced"));
            };
            let keep = usize::try_from(wanted).unwrap_or(usize::MAX).min(piece.len());
            self.rest = piece.split_off(keep);
            self.hasher.update(&piece);
            let taken = u64::try_from(piece.len()).map_err(io::Error::other)?;
            wanted -= taken;
            self.left -= taken;
            pieces.push(piece);
        }
        Ok(Some(pieces.into_iter().collect()))
    }

    /// Returns the digest of all parts so far.
    pub(crate) fn digest(&self) -> blake3::Hash {
        self.hasher.finalize()
    }

    /// Reads to the end, and returns the digest of everything.
    pub(crate) async fn read_through(mut self, piece_bytes: u64) -> io::Result<blake3::Hash> {
        while self.part(piece_bytes).await?.is_some() {}
        Ok(self.digest())
    }

    /// Returns what comes next and is not empty.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            return Ok(Some(rest));
        }
        while let Some(piece) = self.stream.try_next().await? {
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};

    use super::*;

    fn body(pieces: &'static [&'static str], size_bytes: u64) -> Body {
        let pieces = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        Body::new(stream::iter(pieces).boxed(), size_bytes)
    }

    async fn parts(mut body: Body, size_bytes: u64) -> io::Result<Vec<Bytes>> {
        let mut parts = Vec::new();
        while let Some(part) = body.part(size_bytes).await? {
            parts.push(Bytes::from(part));
        }
        assert_eq!(body.digest(), blake3::hash(&parts.concat()));
        Ok(parts)
    }

    #[tokio::test]
    async fn parts_are_of_one_size_however_the_pieces_come() {
        assert_eq!(parts(body(&["ab", "", "cdefg", "h"], 8), 3).await.unwrap(), ["abc", "def", "gh"]);
        assert_eq!(parts(body(&["abcdef"], 6), 3).await.unwrap(), ["abc", "def"]);
        assert!(parts(body(&["", ""], 0), 3).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_body_of_another_length_is_an_error() {
        for (pieces, size_bytes) in [(&["abc"][..], 4), (&["abc", "d"], 3), (&["abcd"], 3), (&[], 1), (&["a"], 0)] {
            assert!(parts(body(pieces, size_bytes), 2).await.is_err(), "{pieces:?} as {size_bytes}");
        }
        let hash = body(&["abc", "d"], 4).read_through(2).await.unwrap();
        assert_eq!(hash, blake3::hash(b"abcd"));
    }
}
