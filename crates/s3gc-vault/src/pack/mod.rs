//! The pack format: a seekable `.tar.zst`.

mod check;
mod codecs;
mod decode;
mod entry;
mod finished;
mod frame;
mod id;
mod index;
mod name;
mod open;
mod out;
mod pieces;
mod readme;
mod seek;
mod tar;
mod walk;
mod write;

pub use check::{Fault, VerifyLevel, VerifyReport, read_back, verify, verify_with};
pub use codecs::Codecs;
pub use entry::{FORMAT, NewEntry, PackEntry, PackHeader};
pub use finished::FinishedPack;
pub use id::{Digest, InvalidDigest, InvalidPackId, PackId};
pub use index::{PackIndex, read_index};
pub use open::{open, open_with};
pub use write::PackWriter;

#[cfg(test)]
mod tests;
