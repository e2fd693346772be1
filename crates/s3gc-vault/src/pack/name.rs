//! The names of tar members: safe to extract, and never alike.

use std::fmt::Write;

use s3gc_store::{Location, ObjectKey};

/// The longest component in bytes: GNU tar fails on one over 255, and the suffix needs some of them.
const MAX_COMPONENT_BYTES: usize = 200;

/// Returns `<bucket>/<escaped key>~<ordinal>`, with `.<codec>` behind it where the member is encoded.
///
/// `~` is escaped in keys, so it is in the name of every file and of no directory: `a` and `a/b` lie side by side. The
/// ordinal is another in each member of a pack: versions of one key, and names that were cut, do not clash.
pub(super) fn member_name(location: &Location, key: &ObjectKey, ordinal: usize, codec: Option<&str>) -> String {
    let mut name = component("", location.short_name());
    name.push('/');
    // A slash where a component would begin is part of the component: it would name the root, or be dropped by tar.
    let mut slashes = String::new();
    let mut last = "";
    for part in key.as_str().split_inclusive('/') {
        match part.strip_suffix('/') {
            Some("") => slashes.push_str("%2F"),
            Some(directory) => {
                name.push_str(&component(&slashes, directory));
                name.push('/');
                slashes.clear();
            }
            None => last = part,
        }
    }
    name.push_str(&component(&slashes, last));
    // Writing to a string cannot fail.
    write!(name, "~{ordinal:08x}").unwrap_or_default();
    if let Some(codec) = codec {
        name.push('.');
        // As the program for it calls its files.
        name.push_str(&component("", if codec == "lepton" { "lep" } else { codec }));
    }
    name
}

fn component(prefix: &str, text: &str) -> String {
    let mut escaped = String::from(prefix);
    let is_dots = matches!(text, "." | "..");
    for c in text.chars() {
        if c.is_control() || matches!(c, '/' | '\\' | '~' | '%') || is_dots {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                write!(escaped, "%{byte:02X}").unwrap_or_default();
            }
        } else {
            escaped.push(c);
        }
    }
    escaped.truncate(escaped.floor_char_boundary(MAX_COMPONENT_BYTES));
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(key: &str) -> String {
        member_name(&Location::aws("photos"), &ObjectKey::new(key).unwrap(), 7, None)
    }

    #[test]
    fn a_name_cannot_leave_its_directory() {
        assert_eq!(name("a/b.jpg"), "photos/a/b.jpg~00000007");
        assert_eq!(name("../../etc/passwd"), "photos/%2E%2E/%2E%2E/etc/passwd~00000007");
        assert_eq!(name("/etc/passwd"), "photos/%2Fetc/passwd~00000007");
        assert_eq!(name("a//b"), "photos/a/%2Fb~00000007");
        assert_eq!(name("a/"), "photos/a/~00000007");
        assert_eq!(name("a\nb\\~%"), "photos/a%0Ab%5C%7E%25~00000007");
    }

    #[test]
    fn no_component_is_too_long_for_a_file_system() {
        for key in ["é".repeat(512), "/".repeat(1024), "\n".repeat(1024), "🦀".repeat(256)] {
            let name = name(&key);
            assert!(name.split('/').all(|part| !part.is_empty() && part.len() <= 255), "{name}");
            assert!(name.len() < 4096);
        }
    }

    #[test]
    fn an_encoded_member_says_so() {
        let name = member_name(&Location::aws("b"), &ObjectKey::new("a").unwrap(), 1, Some("lz4"));
        assert_eq!(name, "b/a~00000001.lz4");
        let name = member_name(&Location::aws("b"), &ObjectKey::new("a.jpg").unwrap(), 2, Some("lepton"));
        assert_eq!(name, "b/a.jpg~00000002.lep");
    }
}
