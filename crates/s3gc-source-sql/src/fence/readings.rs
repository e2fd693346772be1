//! From a key to what any value that refers to it must contain.
//!
//! Nothing of a value's reading is done in the database. Both sides are taken apart into runs: the letters and digits of
//! ASCII that stand together, in small letters. Whatever encoding a value is written in, each run of a key stands in it
//! as a run of its own once its escapes are undone, unless a character next to it is beyond ASCII, which Unicode
//! normalisation may merge with it; such runs are left out. So a value refers to a key only if it has all of its runs.
//! It may have them all and refer to something else: then a transaction waits or fails for nothing, and no object is
//! lost.

use std::collections::BTreeSet;

use s3gc_source::{Condemned, Fenced};

/// What of the configuration changes how a key may be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Affixes {
    /// A `strip` ends in a letter or digit: it may stand right before a key.
    pub(crate) sticky: bool,
    /// What stands before each key in the bucket and not in the column.
    pub(crate) prepends: BTreeSet<String>,
    /// A column names directories.
    pub(crate) has_prefixes: bool,
}

/// One way in which a reference can keep a key: the runs that its value must have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    /// Only a column that names directories refers to it so.
    pub(crate) is_prefix: bool,
    /// All of its runs, the longest first: that one is looked up.
    pub(crate) runs: Vec<String>,
}

/// Finds every way to keep a key, or why there is one that cannot be seen.
pub(crate) fn ways(affixes: &Affixes, condemned: &Condemned) -> Result<Vec<Way>, Fenced> {
    let mut ways = BTreeSet::new();
    for key in std::iter::once(&condemned.key).chain(&condemned.bases) {
        if key.contains('\0') {
            return Err(Fenced::No("the key holds a NUL"));
        }
        for written in written(affixes, key) {
            if written.parse::<f64>().is_ok() {
                return Err(Fenced::No("the key is a number, which can be written in many ways"));
            }
            let runs = runs(affixes, written).ok_or(Fenced::No(NO_RUN))?;
            ways.insert(Way { is_prefix: false, runs });
        }
        if !affixes.has_prefixes {
            continue;
        }
        for (at, _) in key.match_indices('/') {
            for written in written(affixes, &key[..at]) {
                // A value without letters and digits is opaque: it refers to everything.
                if written.bytes().any(|b| b.is_ascii_alphanumeric()) {
                    let runs = runs(affixes, written).ok_or(Fenced::No(NO_RUN))?;
                    ways.insert(Way { is_prefix: true, runs });
                }
            }
        }
    }
    Ok(ways.into_iter().collect())
}

const NO_RUN: &str = "the key, or what it may be found by, has no letters or digits of ASCII that stand alone";

/// The parts of a key that stand in a value: all of it, and what follows each `prepend`.
fn written<'k>(affixes: &'k Affixes, key: &'k str) -> impl Iterator<Item = &'k str> {
    let after = affixes.prepends.iter().filter_map(move |prepend| key.strip_prefix(prepend.as_str()));
    std::iter::once(key).chain(after.filter(|rest| !rest.is_empty()))
}

/// Takes a string apart into its runs; `None` if there are none that can be relied on.
fn runs(affixes: &Affixes, text: &str) -> Option<Vec<String>> {
    let mut runs = BTreeSet::new();
    let bytes = text.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let length = bytes[start..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let end = start + length;
        if length > 0 {
            let is_clean = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii);
            let before = start.checked_sub(1).and_then(|at| bytes.get(at));
            let is_glued = affixes.sticky && start == 0;
            if is_clean(before) && is_clean(bytes.get(end)) && !is_glued {
                runs.insert(text[start..end].to_ascii_lowercase());
            }
        }
        start = end + 1;
    }
    let mut runs: Vec<String> = runs.into_iter().collect();
    runs.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    (!runs.is_empty()).then_some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(affixes: &Affixes, key: &str) -> Result<Vec<(bool, String)>, Fenced> {
        let condemned = Condemned { key: key.into(), bases: Vec::new() };
        Ok(ways(affixes, &condemned)?.into_iter().map(|way| (way.is_prefix, way.runs.join(" "))).collect())
    }

    #[test]
    fn a_key_is_taken_apart_into_its_runs() {
        let plain = Affixes::default();
        let one = |runs: &str| Ok(vec![(false, runs.to_owned())]);
        assert_eq!(of(&plain, "Avatars/alice-2.JPG"), one("avatars alice jpg 2"));
        assert_eq!(of(&plain, "a/café.jpg"), one("jpg a"));
        assert_eq!(of(&plain, "a/cafe\u{301}x.jpg"), one("jpg a"));
        assert!(matches!(of(&plain, "é/à"), Err(Fenced::No(_))));
        assert!(matches!(of(&plain, "éa"), Err(Fenced::No(_))));
        assert!(matches!(of(&plain, "1234"), Err(Fenced::No(_))));
        assert_eq!(of(&plain, "1234/5"), one("1234 5"));
    }

    #[test]
    fn what_a_column_leaves_out_need_not_be_there() {
        let prepends = BTreeSet::from(["uploads/a".to_owned()]);
        let affixes = Affixes { prepends, ..Affixes::default() };
        let mut found = of(&affixes, "uploads/abc.jpg").unwrap();
        found.sort();
        assert_eq!(found, [(false, "jpg bc".to_owned()), (false, "uploads abc jpg".to_owned())]);
        let sticky = Affixes { sticky: true, ..Affixes::default() };
        assert_eq!(of(&sticky, "abc/d.jpg").unwrap(), [(false, "jpg d".to_owned())]);
        assert!(of(&sticky, "abc").is_err());
    }

    #[test]
    fn a_directory_above_keeps_where_a_column_names_directories() {
        let affixes = Affixes { has_prefixes: true, ..Affixes::default() };
        let mut found = of(&affixes, "videos/17/1.ts").unwrap();
        found.sort();
        let found: Vec<(bool, &str)> = found.iter().map(|(is_prefix, runs)| (*is_prefix, runs.as_str())).collect();
        assert_eq!(found, [(false, "videos 17 ts 1"), (true, "videos"), (true, "videos 17")]);
    }
}
