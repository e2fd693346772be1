//! From a plain file to an encrypted one, and back.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::path::Path;

use age::stream::StreamReader;
use age::{DecryptError, Decryptor, Encryptor};

use super::{Closed, Identities, Recipient, Sealed};

/// Which of the two it is, nobody can tell without the key.
const WRONG_KEY: &str = "none of its recipients is the identity that is configured, or its header is damaged";

/// Encrypts a file to these recipients, and to a key in memory, into a temporary file without a name.
pub(crate) fn seal(plain: &mut dyn io::Read, recipients: &[Recipient], dir: &Path) -> io::Result<Sealed> {
    let (proof, own) = Identities::ephemeral();
    let all = recipients.iter().chain([&own]).map(|recipient| recipient.key() as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(all).map_err(|error| io::Error::other(error.to_string()))?;
    let file = tempfile::tempfile_in(dir)?;
    let mut writer = encryptor.wrap_output(Counted { file, hasher: blake3::Hasher::new(), size_bytes: 0 })?;
    s3gc_compress::pump(plain, &mut writer)?;
    let Counted { file, hasher, size_bytes } = writer.finish()?;
    Ok(Sealed { file, size_bytes, blake3: hasher.finalize().into(), proof })
}

/// Reads the header of a file, and returns a reader of what is encrypted in it.
pub(crate) fn unlock<R: BufRead>(file: R, identities: &Identities) -> Result<StreamReader<R>, Closed> {
    let decryptor = Decryptor::new_buffered(file).map_err(Closed::from)?;
    if decryptor.is_scrypt() {
        return Err(Closed::Locked("it is encrypted with a passphrase"));
    }
    let keys = identities.keys().iter().map(|key| key as &dyn age::Identity);
    decryptor.decrypt(keys).map_err(Closed::from)
}

impl From<DecryptError> for Closed {
    fn from(error: DecryptError) -> Self {
        match error {
            DecryptError::NoMatchingKeys => Self::Locked(WRONG_KEY),
            DecryptError::InvalidHeader | DecryptError::InvalidMac => Self::Damaged("its age header is damaged".into()),
            DecryptError::UnknownFormat => Self::Damaged("it is of a version of age that is not known".into()),
            DecryptError::Io(error) => Self::Damaged(format!("its age header: {error}")),
            other => Self::Damaged(format!("its age header: {other}")),
        }
    }
}

/// A file that is counted and digested while it is written.
struct Counted {
    file: File,
    hasher: blake3::Hasher,
    size_bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buf)?;
        self.hasher.update(&buf[..n]);
        self.size_bytes += u64::try_from(n).unwrap_or(0);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
