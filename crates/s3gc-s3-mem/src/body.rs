//! The bytes of an object: shared, or generated so that a million objects cost nothing.

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use md5::{Digest, Md5};
use s3s::StdError;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Crc64Nvme;
use s3s::stream::{ByteStream, RemainingLength};
use tokio::time::Sleep;

/// The largest piece of a body that is sent at once, in bytes.
const PIECE_BYTES: u64 = 64 * 1024;

/// How long a connection stays open before a body is cut short.
const PAUSE: Duration = Duration::from_millis(20);

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The bytes of an object.
#[derive(Clone, Debug)]
pub enum Body {
    /// These bytes.
    Bytes(Bytes),
    /// So many zero bytes, which take no memory.
    Zeros(u64),
    /// Bytes that do not compress, the same ones for each seed, and take no memory either.
    Noise {
        /// Which bytes.
        seed: u64,
        /// How many.
        len: u64,
    },
}

impl Body {
    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Zeros(len) | Self::Noise { len, .. } => *len,
        }
    }

    /// Tells whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns all bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Zeros(len) => Bytes::from(vec![0; usize::try_from(*len).unwrap_or(usize::MAX)]),
            Self::Noise { seed, len } => noise(*seed, 0, usize::try_from(*len).unwrap_or(usize::MAX)),
        }
    }

    pub(crate) fn md5(&self) -> [u8; 16] {
        let mut hasher = Md5::new();
        self.each_piece(0..self.len(), |piece| hasher.update(piece));
        hasher.finalize().into()
    }

    /// Returns the CRC-64/NVME as S3 tells it.
    pub(crate) fn crc64nvme(&self) -> String {
        let mut hasher = ChecksumHasher { crc64nvme: Some(Crc64Nvme::default()), ..ChecksumHasher::default() };
        self.each_piece(0..self.len(), |piece| hasher.update(piece));
        hasher.finalize().checksum_crc64nvme.unwrap_or_default()
    }

    /// Returns a part of the bytes.
    pub(crate) fn part(&self, range: Range<u64>) -> Bytes {
        let mut bytes = BytesMut::new();
        self.each_piece(range, |piece| bytes.extend_from_slice(piece));
        bytes.freeze()
    }

    fn each_piece(&self, range: Range<u64>, mut work: impl FnMut(&Bytes)) {
        let mut position = range.start;
        while position < range.end {
            let piece = self.piece(position..range.end);
            work(&piece);
            position += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        }
    }

    /// Returns the beginning of a part of the bytes, at most [`PIECE_BYTES`] long.
    fn piece(&self, range: Range<u64>) -> Bytes {
        let len = usize::try_from((range.end - range.start).min(PIECE_BYTES)).unwrap_or(0);
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(range.start).unwrap_or(usize::MAX);
                bytes.slice(start..start + len)
            }
            Self::Zeros(_) => Bytes::from_static(ZEROS.get(..len).unwrap_or(&[])),
            Self::Noise { seed, .. } => noise(*seed, range.start, len),
        }
    }
}

/// Returns a part of an endless stream of bytes: the extended output of BLAKE3, which can be read from anywhere.
fn noise(seed: u64, start: u64, len: usize) -> Bytes {
    let mut stream = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    stream.set_position(start);
    let mut bytes = vec![0; len];
    stream.fill(&mut bytes);
    bytes.into()
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::Bytes(Bytes::from_static(text.as_bytes()))
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Bytes(Bytes::from_static(bytes))
    }
}

/// Sends a part of a body, and breaks off where a fault says so.
pub(crate) struct Pieces {
    body: Body,
    range: Range<u64>,
    cut_at: Option<u64>,
    /// Lets what was sent before the cut reach the client: a connection that fails at once sends nothing.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Pieces {
    pub(crate) fn new(body: Body, range: Range<u64>, cut_after: Option<u64>) -> Self {
        let cut_at = cut_after.map(|bytes| range.start.saturating_add(bytes));
        Self { body, range, cut_at, pause: None }
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let start = self.range.start;
        if start >= self.range.end {
            return Poll::Ready(None);
        }
        if self.cut_at.is_some_and(|cut| start >= cut) {
            let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(PAUSE)));
            ready!(pause.as_mut().poll(context));
            self.range.start = self.range.end;
            return Poll::Ready(Some(Err("the body is cut short by a fault".into())));
        }
        let end = self.cut_at.map_or(self.range.end, |cut| cut.min(self.range.end));
        let piece = self.body.piece(start..end);
        self.range.start += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        Poll::Ready(Some(Ok(piece)))
    }
}

impl ByteStream for Pieces {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_noise_is_the_same_bytes_as_in_the_whole() {
        let body = Body::Noise { seed: 7, len: 200_000 };
        let all = body.to_bytes();
        assert_eq!(all.len(), 200_000);
        assert_eq!(body.piece(65_536..200_000), all[65_536..131_072]);
        assert_eq!(body.piece(199_999..200_000), all[199_999..]);
        assert_ne!(Body::Noise { seed: 8, len: 200_000 }.to_bytes(), all);
    }
}
