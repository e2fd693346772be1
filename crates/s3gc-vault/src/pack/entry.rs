//! What a pack tells of itself and of each object in it.

use jiff::Timestamp;
use s3gc_store::{Crc64Nvme, Location, ObjectKey, ObjectMeta};
use serde::{Deserialize, Serialize};

use super::{Digest, PackId};

/// The version of the layout that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// What a pack tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackHeader {
    /// The id of the vault that the pack was written for.
    pub vault_id: String,
    /// The id of the pack.
    pub id: PackId,
    /// When the pack was begun.
    pub created_at: Timestamp,
    /// The newest link of the audit chain when the pack was begun, so that the vault holds witnesses of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_head: Option<String>,
}

/// An object to be packed.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The store that the object is from.
    pub location: Location,
    /// Its key.
    pub key: ObjectKey,
    /// Everything that a restore writes back, and the length of the body.
    pub meta: ObjectMeta,
    /// The run that packs it.
    pub run: String,
    /// When it was read from the store.
    pub staged_at: Timestamp,
}

/// An object in a pack: one line of the pack's index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackEntry {
    /// The store that the object is from.
    pub location: Location,
    /// Its key.
    pub key: ObjectKey,
    /// Everything that a restore writes back, and the length of the original bytes.
    pub meta: ObjectMeta,
    /// The run that packed it.
    pub run: String,
    /// When it was read from the store.
    pub staged_at: Timestamp,
    /// The digest of the original bytes; of a copied object, whose bytes nobody read, that of no bytes.
    pub blake3: Digest,
    /// How the tar member is encoded: `zstd`, `raw` and `none` are the original bytes (the outer frame alone tells
    /// whether it compresses), `copy` is none of them (see [`Self::copied`]), any other id names the [`s3gc_compress::Compressor`] that wrote the member.
    pub codec: String,
    /// The name of the tar member.
    pub member: String,
    /// Where in the pack the zstd frame begins that holds the first byte of the member's data.
    pub frame_offset: u64,
    /// The length in the pack of that frame, or of all the frames, one behind the other, over which the data is cut.
    pub frame_len: u64,
    /// Where in the decompressed frames the member's data begins.
    pub offset_in_frame: u64,
    /// The length of the member's data.
    pub member_bytes: u64,
    /// The checksum of the original bytes, if the store copied them: they lie beside the pack, which has only this entry,
    /// under [`FileName::copy_beside`](crate::FileName::copy_beside), and the member is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied: Option<Crc64Nvme>,
}

impl PackEntry {
    /// Returns how many bytes of the object lie beside the pack.
    #[must_use]
    pub fn copied_bytes(&self) -> u64 {
        if self.copied.is_some() { self.meta.size_bytes } else { 0 }
    }

    /// Tells whether the tar member is the original bytes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.codec.as_str(), CODEC_ZSTD | CODEC_RAW | CODEC_NONE)
    }

    /// Tells whether the original of another entry of the same pack is the same bytes at the same place: one of the two
    /// is a hard link to the other, and what proves one of them proves both.
    #[must_use]
    pub fn shares_bytes_with(&self, other: &Self) -> bool {
        let place = |entry: &Self| (entry.frame_offset, entry.frame_len, entry.offset_in_frame, entry.member_bytes);
        let content = |entry: &Self| (entry.meta.size_bytes, entry.blake3, entry.copied);
        place(self) == place(other) && content(self) == content(other) && self.codec == other.codec
    }
}

/// The outer frame compresses.
pub(super) const CODEC_ZSTD: &str = "zstd";
/// The bytes do not compress.
pub(super) const CODEC_RAW: &str = "raw";
/// Nothing is to be compressed.
pub(super) const CODEC_NONE: &str = "none";

/// The bytes are not in the pack.
pub(super) const CODEC_COPY: &str = "copy";

/// The first line of the index.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IndexHeader {
    pub(super) format: u32,
    #[serde(flatten)]
    pub(super) pack: PackHeader,
}

/// What the PAX records of a member hold beside key, digest, codec and run, for the day on which the index is lost.
#[derive(Serialize, Deserialize)]
pub(super) struct MemberMeta {
    pub(super) location: Location,
    pub(super) staged_at: Timestamp,
    pub(super) meta: ObjectMeta,
}
