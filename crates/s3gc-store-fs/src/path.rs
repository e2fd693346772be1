//! Which keys are safe paths.

use s3gc_store::{Error, ObjectKey, Result};

/// The directory in the store that holds what s3gc needs there; it is never listed.
pub(crate) const PRIVATE: &str = ".s3gc";

/// The longest name of a file in bytes (`NAME_MAX` of Linux and of every common file system).
const MAX_COMPONENT_BYTES: usize = 255;

/// A key as a path: the directories on the way, and the name of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPath {
    pub(crate) directories: Vec<Box<str>>,
    pub(crate) name: Box<str>,
}

impl KeyPath {
    /// Takes a key apart, if the parts put together again can only be this key.
    pub(crate) fn new(key: &ObjectKey) -> Result<Self> {
        let refuse = |reason: &str| Error::UnsafeKey { key: key.to_string(), reason: reason.to_owned() };
        let mut components: Vec<Box<str>> = Vec::new();
        for component in key.as_str().split('/') {
            match component {
                "" if components.is_empty() => return Err(refuse("it begins with a slash")),
                "" => return Err(refuse("it has an empty component")),
                "." | ".." => return Err(refuse("it has a component . or ..")),
                PRIVATE if components.is_empty() => return Err(refuse("the directory .s3gc is reserved")),
                _ if component.contains('\0') => return Err(refuse("it has a NUL character")),
                _ if component.len() > MAX_COMPONENT_BYTES => {
                    return Err(refuse("it has a component of more than 255 bytes"));
                }
                _ => components.push(component.into()),
            }
        }
        let name = components.pop().ok_or_else(|| refuse("it is empty"))?;
        Ok(Self { directories: components, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str) -> Result<KeyPath> {
        KeyPath::new(&ObjectKey::new(key).unwrap())
    }

    #[test]
    fn a_safe_key_comes_apart_into_directories_and_a_name() {
        let path = parse("a b/.hidden/é\n%2F").unwrap();
        assert_eq!((&*path.directories, &*path.name), (&["a b".into(), ".hidden".into()][..], "é\n%2F"));
        assert!(parse("x/.s3gc/y").is_ok(), "only the top directory is reserved");
        assert!(parse(".s3gc-probe/x").is_ok());
        assert!(parse("...").is_ok());
    }

    #[test]
    fn what_is_not_a_safe_path_is_refused() {
        let long = "x".repeat(256);
        for key in [
            "/a",
            "/",
            "a/",
            "a//b",
            ".",
            "..",
            "a/..",
            "../a",
            "a/./b",
            "a\0b",
            ".s3gc",
            ".s3gc/x",
            ".s3gc/tmp/x",
            &long,
            "//",
        ] {
            assert!(matches!(parse(key), Err(Error::UnsafeKey { .. })), "{key:?}");
        }
    }
}
