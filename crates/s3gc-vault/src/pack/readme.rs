//! What stands in a pack beside the objects: names of members and records, and the text for whoever finds a pack.

use super::PackHeader;

/// The name of the first member.
pub(super) const README: &str = "S3GC-README.txt";
/// The name of the last member.
pub(super) const INDEX: &str = "S3GC-INDEX.jsonl";

// GNU tar and bsdtar restore these as extended attributes when asked to, and ignore them otherwise.
pub(super) const PACK_RECORD: &str = "SCHILY.xattr.user.s3gc.pack";
pub(super) const KEY_RECORD: &str = "SCHILY.xattr.user.s3gc.key";
pub(super) const BLAKE3_RECORD: &str = "SCHILY.xattr.user.s3gc.b3";
pub(super) const CODEC_RECORD: &str = "SCHILY.xattr.user.s3gc.codec";
pub(super) const RUN_RECORD: &str = "SCHILY.xattr.user.s3gc.op";
pub(super) const META_RECORD: &str = "SCHILY.xattr.user.s3gc.meta";
pub(super) const CRC_RECORD: &str = "SCHILY.xattr.user.s3gc.crc64nvme";

/// Returns the text of the first member.
pub(super) fn text(header: &PackHeader) -> String {
    let PackHeader { vault_id, id, created_at, .. } = header;
    format!(
        "\
This is a pack of s3gc, format 1: objects that were deleted from a bucket, with all that is needed to put them back.

vault    {vault_id}
pack     {id}
created  {created_at}

Without s3gc:

    tar --zstd -xf PACK.tar.zst            all objects; their names are escaped, ~ and a number at their end
    tar --zstd --xattrs -xf PACK.tar.zst   the same, with key (user.s3gc.key) and BLAKE3 (user.s3gc.b3) of each
    unlz4 FILE.lz4                         an object that was packed with lz4
    lepton_jpeg_util FILE.lep FILE.jpg     a photo that was packed with Lepton (github.com/microsoft/lepton_jpeg_rust)

Objects with the same bytes are hard links to the first of them: extract both, or all. An empty file with a record
user.s3gc.crc64nvme stands for an object that lies beside the packs: packs/.../ID.tar.zst has it in copies/.../ID.

{INDEX}, the last file, has a line of JSON for each object: its key, headers, metadata and tags, its
BLAKE3, and where in the pack its zstd frame begins. The end of the pack is a seek table of the Zstandard seekable
format.
"
    )
}
