//! The pack format: a seekable `.tar.zst`.
//!
//! ```text
//! frame 0     tar member S3GC-README.txt: vault, pack, how to read it
//! frames      tar members, one for each object: small ones that compress share a frame of 1 MiB, those over 16 MiB are
//!             cut over frames of 8 MiB, any other has its own
//! last frame  tar member S3GC-INDEX.jsonl, the end of the tar archive
//! tail        the seek table of the Zstandard seekable format, in a skippable frame
//! ```
//!
//! [`PackWriter`] makes a [`FinishedPack`]; [`FinishedPack::encrypt`] encrypts it, and [`FinishedPack::store`] puts it
//! into a vault; [`read_back`] proves that all of it can be read; [`read_index`] and [`open`] find and read one object.
//! Nothing here trusts what it reads: lengths, digests and limits of memory are its own.

mod check;
mod codecs;
mod copied;
mod decode;
mod entry;
mod finished;
mod frame;
mod id;
mod index;
mod name;
mod open;
mod out;
pub(crate) mod pieces;
mod readme;
mod seek;
mod tar;
mod walk;
mod write;

pub use check::{Fault, VerifyLevel, VerifyReport, read_back, stored_digest, verify, verify_with};
pub use codecs::Codecs;
pub use entry::{FORMAT, NewEntry, PackEntry, PackHeader};
pub use finished::FinishedPack;
pub use id::{Digest, InvalidDigest, InvalidPackId, PackId};
pub use index::{PackIndex, read_header, read_index};
pub use open::{open, open_with};
pub use write::PackWriter;

#[cfg(test)]
mod tests;
