//! Keys that have gone wrong somewhere.

/// Lists keys of every hard kind, all different; on a directory some exclude others, such as `b` and `b/child`.
#[must_use]
pub fn hard_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "plain.txt",
        "a/b",
        "a_b",
        "a/bc",
        "a/b-c/d",
        "A/b",
        "b",
        "b/child",
        "two words.txt",
        " blanks around ",
        "caf\u{e9}.jpg",
        "cafe\u{301}.jpg",
        "a+b.txt",
        "a b.txt",
        "100%.txt",
        "x%2Fy.txt",
        "x/y.txt",
        "%41.txt",
        "A.txt",
        "double//slash",
        "double/slash",
        "/leading",
        "leading",
        "trailing/",
        "trailing",
        "new\nline",
        "tab\tstop",
        "quotes\"'&<>.txt",
        "back\\slash",
        "what?#frag=1&x*.txt",
        "~tilde/.hidden",
        "a/../b",
        "./here",
        "..",
        "日本語/ファイル.png",
        "🎉/👩‍👩‍👧.png",
    ]
    .map(str::to_owned)
    .to_vec();
    // The longest key, in one component and in many.
    keys.push("é".repeat(512));
    keys.push(format!("{}{}", format!("{}/", "d".repeat(127)).repeat(7), "f".repeat(128)));
    keys
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn hard_keys_are_different_and_two_have_the_longest_length() {
        let keys = hard_keys();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        assert_eq!(keys.iter().filter(|key| key.len() == 1024).count(), 2);
        assert!(keys.iter().all(|key| key.len() <= 1024));
    }
}
