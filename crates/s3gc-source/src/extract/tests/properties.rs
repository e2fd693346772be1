//! Every form of every key marks the key.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

use super::*;

/// Keys with everything that occurs in the wild.
fn key() -> impl Strategy<Value = String> {
    let segment =
        prop_oneof!["[a-z0-9_-]{1,8}", "[a-zA-Z0-9 ._+%&=@,;'()!~-]{1,12}", "[a-zé日\u{301}😀 ]{1,6}", "\\PC{1,5}"];
    prop::collection::vec(segment, 1..4).prop_map(|segments| segments.join("/"))
}

/// The path of a key in a URL, as clients write it: each segment encoded, slashes kept.
fn encode(key: &str) -> String {
    key.split('/')
        .map(|segment| utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string())
        .collect::<Vec<_>>()
        .join("/")
}

fn assert_marks(kind: Kind, value: &str, key: &str) -> Result<(), TestCaseError> {
    let (_, readings) = read(&extractor(kind), value);
    prop_assert!(readings.iter().any(|r| r == key), "{value:?} as {kind:?} does not mark {key:?}: {readings:?}");
    Ok(())
}

proptest! {
    #[test]
    fn every_url_form_of_a_key_marks_the_key(key in key(), form in 0..12_usize, query in prop::bool::ANY) {
        let path = encode(&key);
        let url = match form {
            0 => format!("https://photos.s3.amazonaws.com/{path}"),
            1 => format!("https://photos.s3.eu-west-1.amazonaws.com/{path}"),
            2 => format!("https://s3.eu-west-1.amazonaws.com/photos/{path}"),
            3 => format!("https://photos.s3.dualstack.us-east-2.amazonaws.com/{path}"),
            4 => format!("http://127.0.0.1:9000/photos/{path}"),
            5 => format!("https://photos.minio.example.com/{path}"),
            6 => format!("https://cdn.example.com/assets/{path}"),
            7 => format!("//img.example.com/{path}"),
            8 => format!("s3://photos/{path}"),
            9 => format!("https://somewhere.example.org/{path}"),
            10 => format!("https://somewhere.example.org/photos/{path}"),
            _ => format!("/{path}"),
        };
        let url = if query { format!("{url}?X-Amz-Signature=abc&v=1#top") } else { url };
        for kind in [Kind::Auto, Kind::Url, Kind::Key, Kind::Text] {
            assert_marks(kind, &url, &key)?;
        }
        assert_marks(Kind::Text, &format!("see [it]({url}) or <img src=\"{url}\">."), &key)?;
        assert_marks(Kind::Json, &serde_json::json!({ "a": [{ "b": url }] }).to_string(), &key)?;
        assert_marks(Kind::Json, &serde_json::json!({ "a": url }).to_string().replace('/', "\\/"), &key)?;
    }

    #[test]
    fn every_bare_form_of_a_key_marks_the_key(key in key()) {
        for kind in [Kind::Auto, Kind::Key, Kind::Url, Kind::Text] {
            // The whole value is blank only if the key is.
            if !key.trim().is_empty() {
                assert_marks(kind, &key, &key)?;
                assert_marks(kind, &format!("/{key}"), &key)?;
                assert_marks(kind, &format!("s3://photos/{key}"), &key)?;
                assert_marks(kind, &encode(&key), &key)?;
                assert_marks(kind, &key.nfc().collect::<String>(), &key.nfd().collect::<String>())?;
                assert_marks(kind, &key.nfd().collect::<String>(), &key.nfc().collect::<String>())?;
            }
        }
        if key.trim() == key {
            assert_marks(Kind::Auto, &format!(" {key}\t\n"), &key)?;
        }
    }

    #[test]
    fn every_element_of_an_array_marks_its_key(keys in prop::collection::vec(key(), 1..5)) {
        let quoted: Vec<String> =
            keys.iter().map(|k| format!("\"{}\"", k.replace('\\', "\\\\").replace('"', "\\\""))).collect();
        let literal = format!("{{{}}}", quoted.join(","));
        for key in keys.iter().filter(|key| !key.trim().is_empty()) {
            assert_marks(Kind::Array, &literal, key)?;
            assert_marks(Kind::Auto, &literal, key)?;
        }
    }

    #[test]
    fn no_value_panics(value in "(\\PC|[/:?#%+&{}\\[\\]\"'\\\\=.,;<>()\n\0]|https?://|s3://photos/|%[0-9A-F]{2}){0,40}") {
        for kind in [Kind::Auto, Kind::Key, Kind::Url, Kind::Json, Kind::Array, Kind::Text, Kind::Prefix] {
            let (_, readings) = read(&extractor(kind), &value);
            for reading in readings {
                prop_assert!(!reading.is_empty() && reading.len() <= MAX_KEY_BYTES + 1);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(prop::num::u8::ANY, 0..64)) {
        let mut batch = BatchBuilder::new(ColumnId::new("t.c"));
        let none = None::<fn(&str) -> Origin>;
        extractor(Kind::Auto).extract_into(Some(&bytes), none, &mut Readings::default(), &mut batch);
        prop_assert_eq!(batch.finish().counts().rows, 1);
    }
}
