//! Recipients and identities.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

/// More than an identity file has.
const MAX_FILE_BYTES: u64 = 1 << 20;

#[cfg(feature = "age")]
type PublicKey = age::x25519::Recipient;
#[cfg(not(feature = "age"))]
type PublicKey = std::convert::Infallible;

#[cfg(feature = "age")]
type SecretKey = age::x25519::Identity;
#[cfg(not(feature = "age"))]
type SecretKey = std::convert::Infallible;

/// To whom a pack is encrypted: an X25519 recipient of age, `age1...`. It is no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(PublicKey);

/// Why a string is no recipient; it ends a sentence that begins with the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRecipient {
    /// It is not one of age.
    #[error("is not a recipient of age")]
    Malformed,
    /// It is a secret key.
    #[error("is a secret key: whoever reads this file could read the vault")]
    Secret,
    /// It is of a kind that is not supported.
    #[error("is a recipient of another kind: only X25519 ones, age1..., can be used, and neither plugins nor SSH keys")]
    Kind,
    /// Nothing can be encrypted.
    #[error("cannot be used: this build of s3gc does not encrypt")]
    Unsupported,
}

/// The secret keys that open packs: X25519 identities of age.
#[derive(Clone, Default)]
pub struct Identities(Arc<[SecretKey]>);

/// Why a file is no identity file. It never shows what is in the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIdentity {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// A line is no identity.
    #[error("has no identity of age in line {0}")]
    Malformed(usize),
    /// The file is protected by a passphrase.
    #[error("is protected by a passphrase, and nobody is there to type it: decrypt it with age first")]
    Passphrase,
    /// An identity is of a kind that is not supported.
    #[error(
        "has an identity of another kind in line {0}: only X25519 ones can be used, and neither plugins nor SSH keys"
    )]
    Kind(usize),
    /// There is none in it.
    #[error("has no identity in it")]
    Empty,
    /// Nothing can be decrypted.
    #[error("cannot be used: this build of s3gc does not decrypt")]
    Unsupported,
}

impl FromStr for Recipient {
    type Err = InvalidRecipient;

    fn from_str(text: &str) -> Result<Self, InvalidRecipient> {
        let lower = text.to_ascii_lowercase();
        // What stands between `age` and the last 1 names a plugin, or another kind.
        let is_other = lower.strip_prefix("age1").is_some_and(|rest| rest.contains('1'));
        match lower.as_str() {
            secret if secret.starts_with("age-secret-key-") || secret.starts_with("age-plugin-") => {
                Err(InvalidRecipient::Secret)
            }
            ssh if ssh.starts_with("ssh-") || ssh.starts_with("ecdsa-") => Err(InvalidRecipient::Kind),
            _ if is_other => Err(InvalidRecipient::Kind),
            _ => Self::parse(text),
        }
    }
}

impl Recipient {
    #[cfg(feature = "age")]
    pub(super) fn key(&self) -> &PublicKey {
        &self.0
    }

    #[cfg(feature = "age")]
    fn parse(text: &str) -> Result<Self, InvalidRecipient> {
        text.parse().map(Self).map_err(|_| InvalidRecipient::Malformed)
    }

    #[cfg(not(feature = "age"))]
    fn parse(_: &str) -> Result<Self, InvalidRecipient> {
        Err(InvalidRecipient::Unsupported)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Identities {
    /// Reads an identity file, as `age-keygen` and `s3gc vault keygen` write it.
    ///
    /// # Errors
    ///
    /// [`InvalidIdentity`] if it cannot be read, has something else in it, or nothing.
    pub fn read(path: &Path) -> Result<Self, InvalidIdentity> {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
        read.map_err(InvalidIdentity::Unreadable)?;
        let text = String::from_utf8(bytes).map_err(|_| InvalidIdentity::Malformed(1))?;
        Self::parse(&text)
    }

    /// Takes the text of an identity file.
    ///
    /// # Errors
    ///
    /// [`InvalidIdentity`] if something else is in it, or nothing.
    pub fn parse(text: &str) -> Result<Self, InvalidIdentity> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with("age-encryption.org/") || line.starts_with("-----BEGIN AGE") {
                return Err(InvalidIdentity::Passphrase);
            }
            let is_plain = line.get(..16).is_some_and(|start| start.eq_ignore_ascii_case("AGE-SECRET-KEY-1"));
            let is_other =
                ["AGE-PLUGIN-", "AGE-SECRET-KEY-", "-----BEGIN "].iter().any(|start| line.starts_with(start));
            if is_other && !is_plain {
                return Err(InvalidIdentity::Kind(index + 1));
            }
            keys.push(secret_key(line, index + 1)?);
        }
        if keys.is_empty() { Err(InvalidIdentity::Empty) } else { Ok(Self(keys.into())) }
    }

    /// Puts the keys of several together.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self(self.0.iter().chain(other.0.iter()).cloned().collect())
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes a key that is in memory alone, and returns it with its recipient.
    #[cfg(feature = "age")]
    pub(super) fn ephemeral() -> (Self, Recipient) {
        let key = SecretKey::generate();
        let recipient = Recipient(key.to_public());
        (Self([key].into()), recipient)
    }

    #[cfg(feature = "age")]
    pub(super) fn keys(&self) -> &[SecretKey] {
        &self.0
    }
}

/// Parses one line. A secret key is at its place alone: neither it nor a part of it is in the error.
#[cfg(feature = "age")]
fn secret_key(line: &str, number: usize) -> Result<SecretKey, InvalidIdentity> {
    line.parse().map_err(|_| InvalidIdentity::Malformed(number))
}

#[cfg(not(feature = "age"))]
fn secret_key(_: &str, _: usize) -> Result<SecretKey, InvalidIdentity> {
    Err(InvalidIdentity::Unsupported)
}

impl fmt::Debug for Identities {
    /// Counts them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({})", self.0.len())
    }
}

/// Makes a new identity: the text of an identity file, in the format of `age-keygen`, and its recipient.
#[cfg(feature = "age")]
#[must_use]
pub fn generate_identity(now: jiff::Timestamp) -> (secrecy::SecretString, Recipient) {
    use secrecy::ExposeSecret as _;

    let key = SecretKey::generate();
    let recipient = Recipient(key.to_public());
    let created = now.strftime("%Y-%m-%dT%H:%M:%SZ");
    let text = format!("# created: {created}\n# public key: {recipient}\n{}\n", key.to_string().expose_secret());
    (text.into(), recipient)
}

#[cfg(test)]
#[cfg(feature = "age")]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn what_is_generated_can_be_read() {
        let (text, recipient) = generate_identity("2026-11-23T12:34:56.789Z".parse().unwrap());
        let text = text.expose_secret();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# created: 2026-11-23T12:34:56Z");
        assert_eq!(lines[1], format!("# public key: {recipient}"));
        assert!(lines[2].starts_with("AGE-SECRET-KEY-1") && lines.len() == 3);
        assert_eq!(recipient.to_string().parse(), Ok(recipient.clone()));
        let identities = Identities::parse(&format!("\r\n{text}\n# more\n{}", lines[2])).unwrap();
        assert_eq!(identities.keys().len(), 2);
        assert_eq!(identities.keys()[1].to_public(), recipient.0);
    }

    #[test]
    fn i12_what_is_no_identity_is_told_by_its_line_alone() {
        let (text, recipient) = generate_identity(jiff::Timestamp::UNIX_EPOCH);
        let (text, recipient) = (text.expose_secret(), recipient.to_string());
        let cut = &text[..text.len() - 5];
        for (text, reason) in [
            ("", "has no identity in it"),
            ("# nothing\n\n", "has no identity in it"),
            (cut, "in line 3"),
            (&format!("{text}hunter2\n"), "in line 4"),
            (&recipient, "in line 1"),
            ("age-encryption.org/v1\n-> scrypt x 18\n", "passphrase"),
            ("-----BEGIN AGE ENCRYPTED FILE-----\n", "passphrase"),
            ("AGE-PLUGIN-YUBIKEY-1QQPQYQ5Z3", "of another kind in line 1"),
            ("AGE-SECRET-KEY-PQ-1QQQQ", "of another kind in line 1"),
            ("\n-----BEGIN OPENSSH PRIVATE KEY-----\n", "of another kind in line 2"),
        ] {
            let error = Identities::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("AGE-SECRET"), "{error}");
        }
        assert_eq!(format!("{:?}", Identities::parse(text).unwrap()), "Identities(1)");
        let missing = Identities::read(Path::new("/no/such/key.txt")).unwrap_err();
        assert!(missing.to_string().contains("cannot be read"), "{missing}");
    }

    #[test]
    fn only_x25519_recipients_are_taken() {
        let (text, recipient) = generate_identity(jiff::Timestamp::UNIX_EPOCH);
        let recipient = recipient.to_string();
        let secret = text.expose_secret().lines().last().unwrap().to_owned();
        for (text, expected) in [
            ("age1", InvalidRecipient::Malformed),
            (&recipient[..recipient.len() - 1], InvalidRecipient::Malformed),
            ("alice", InvalidRecipient::Malformed),
            (&secret, InvalidRecipient::Secret),
            ("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", InvalidRecipient::Kind),
            ("age1pq1qqqq", InvalidRecipient::Kind),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@host", InvalidRecipient::Kind),
        ] {
            assert_eq!(text.parse::<Recipient>(), Err(expected), "{text}");
        }
    }
}
