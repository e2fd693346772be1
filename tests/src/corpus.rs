//! Objects of mixed key forms, and the values that refer to some of them.

use std::collections::BTreeMap;

/// Keys that other tools lose, mangle or mistake for one another.
pub const KEYS: &[&str] = &[
    "with space.jpg",
    " leading blank",
    "nfc/caf\u{e9}.jpg",
    "nfd/cafe\u{301}.jpg",
    "plus+sign.jpg",
    "percent%.jpg",
    "slash%2Fescaped.jpg",
    "double//slash.jpg",
    "/leading/slash.jpg",
    "new\nline.txt",
    "emoji/\u{1f600}.png",
    "a/b",
    "a_b",
    "b",
    "b/child",
    "quo\"te's.txt",
    "amp&lt;<xml>.txt",
    "tab\tbed",
    "trailing/",
    "dots/../up",
    "back\\slash",
];

/// One object of a corpus.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its content headers, by name.
    pub headers: BTreeMap<&'static str, String>,
    /// Its user metadata.
    pub user: BTreeMap<&'static str, String>,
    /// Its tags.
    pub tags: BTreeMap<&'static str, String>,
    /// The value in the database that refers to it; `None` for an orphan.
    pub value: Option<String>,
}

/// A corpus: two of three objects are referenced, in one of several forms.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Its objects.
    pub items: Vec<Item>,
}

impl Corpus {
    /// Makes `count` objects for a bucket of this name at this endpoint; the hard keys come first, each of them once
    /// as an orphan and, with a suffix, once referenced.
    #[must_use]
    pub fn new(count: usize, bucket: &str, endpoint: &str) -> Self {
        let long = format!("long/{}", "x".repeat(1024 - 5));
        let hard: Vec<String> = KEYS.iter().map(|key| (*key).to_owned()).chain([long]).collect();
        let mut items = Vec::with_capacity(count);
        for n in 0..count {
            let (key, is_orphan) = match hard.get(n / 2) {
                Some(key) if n % 2 == 0 => (key.clone(), true),
                Some(key) if key.len() < 1000 => (format!("{key}.kept"), false),
                _ => {
                    (format!("uploads/{}/{:05}-{}.bin", n % 7, n, ["a b", "c+d", "e%20f", "é", "g"][n % 5]), n % 3 == 0)
                }
            };
            let value = (!is_orphan).then(|| value(&key, n, bucket, endpoint));
            items.push(item(key, n, value));
        }
        Self { items }
    }

    /// Returns the keys that nothing refers to.
    #[must_use]
    pub fn orphans(&self) -> Vec<String> {
        self.sorted(|item| item.value.is_none())
    }

    /// Returns the keys that something refers to.
    #[must_use]
    pub fn kept(&self) -> Vec<String> {
        self.sorted(|item| item.value.is_some())
    }

    /// Returns the values that refer to objects.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(|item| item.value.as_deref())
    }

    fn sorted(&self, which: impl Fn(&Item) -> bool) -> Vec<String> {
        let mut keys: Vec<String> = self.items.iter().filter(|item| which(item)).map(|item| item.key.clone()).collect();
        keys.sort_unstable();
        keys
    }
}

/// Writes a key as applications do.
fn value(key: &str, n: usize, bucket: &str, endpoint: &str) -> String {
    let encoded: String = key
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    match n % 6 {
        0 | 1 => key.to_owned(),
        2 => format!("{endpoint}/{bucket}/{encoded}"),
        3 => format!("s3://{bucket}/{key}"),
        4 => format!("https://{bucket}.s3.eu-west-1.amazonaws.com/{encoded}?X-Amz-Signature=abc&X-Amz-Expires=60"),
        _ => serde_json::json!({ "cover": { "url": key }, "n": n }).to_string(),
    }
}

fn item(key: String, n: usize, value: Option<String>) -> Item {
    // Bodies of every kind: empty, text that compresses, bytes that do not.
    let mut seed = n as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let body = match n % 4 {
        0 if n.is_multiple_of(40) => Vec::new(),
        0 | 1 => format!("object {n} {}", "lorem ipsum ".repeat(n % 50)).into_bytes(),
        _ => (0..(n % 900 + 1))
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                seed.to_be_bytes()[0]
            })
            .collect(),
    };
    let mut item = Item {
        key,
        body,
        headers: BTreeMap::from([("content-type", "application/octet-stream".to_owned())]),
        user: BTreeMap::new(),
        tags: BTreeMap::new(),
        value,
    };
    if n.is_multiple_of(3) {
        item.headers.insert("content-type", "text/plain; charset=utf-8".into());
        item.headers.insert("cache-control", "public, max-age=31536000".into());
        item.headers.insert("content-disposition", format!("attachment; filename=\"{n}.txt\""));
        item.headers.insert("content-language", "en-GB".into());
        item.user.insert("owner", format!("user {n}"));
    }
    if n.is_multiple_of(9) {
        item.headers.insert("content-encoding", "identity".into());
        item.headers.insert("expires", "Wed, 21 Oct 2037 07:28:00 GMT".into());
        item.tags.insert("kind", "test".into());
        item.tags.insert("n", n.to_string());
    }
    item
}
