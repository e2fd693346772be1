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

/// Any URL form of the key; all but the last are of the bucket.
fn url(path: &str, form: usize) -> String {
    match form {
        0 => format!("https://photos.s3.dualstack.eu-west-1.amazonaws.com/{path}"),
        1 => format!("https://s3-us-west-2.amazonaws.com/photos/{path}"),
        2 => format!("https://photos.s3.us-iso-east-1.c2s.ic.gov/{path}"),
        3 => format!("http://photos.s3-website.eu-central-1.amazonaws.com/{path}"),
        4 => format!("https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com/photos/{path}"),
        5 => format!("https://photos-ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/{path}"),
        6 => format!("arn:aws:s3:::photos/{path}"),
        7 => format!("s3://arn:aws:s3:us-west-2:123456789012:accesspoint/photos-ap/{path}"),
        8 => format!("https://img.example.com/cdn-cgi/image/width=80/{path}"),
        9 => format!("https://res.cloudinary.com/demo/image/fetch/w_300/https://cdn.example.com/assets/{path}"),
        10 => format!("http://imgproxy.example.org/_/rs:fit:9:9/plain/s3://photos/{path}@webp"),
        11 => format!("https://i0.wp.com/cdn.example.com/assets/{path}?resize=9"),
        12 => {
            let inner = utf8_percent_encode(&format!("https://img.example.com/{path}"), NON_ALPHANUMERIC).to_string();
            format!("https://app.example.org/_next/image?w=9&url={inner}")
        }
        13 => format!("https://x.supabase.co/storage/v1/object/public/photos/{path}?t=1"),
        14 => format!("https://s3.console.aws.amazon.com/s3/object/photos?region=a&prefix={path}"),
        _ => format!("https://a.example.org/b/c/d/{path}"),
    }
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

/// Reads with a configuration, and leaves the outcome out.
fn readings(config: &ExtractConfig, value: &str) -> Vec<String> {
    read(&Extractor::new(config.clone()).unwrap(), value).1
}

proptest! {
    #[test]
    fn every_rarer_url_form_of_a_key_marks_the_key(key in key(), form in 0..16_usize) {
        let url = url(&encode(&key), form);
        for kind in [Kind::Auto, Kind::Url, Kind::Text, Kind::Template] {
            assert_marks(kind, &url, &key)?;
        }
        assert_marks(Kind::Json, &serde_json::json!({ "a": [url] }).to_string(), &key)?;
    }

    #[test]
    fn every_encoding_of_a_url_marks_the_key(key in key().prop_filter("a blank", |key| !key.trim().is_empty())) {
        let url = format!("https://photos.s3.amazonaws.com/{}", encode(&key));
        let escaped = utf8_percent_encode(&url, NON_ALPHANUMERIC).to_string();
        assert_marks(Kind::Auto, &escaped, &key)?;
        assert_marks(Kind::Auto, &base64_of(&url), &key)?;
        assert_marks(Kind::Auto, &url.replace('/', "&#x2F;"), &key)?;
        assert_marks(Kind::Auto, &url.replace('/', "\\u002F"), &key)?;
        let document = serde_json::json!({ "key": key }).to_string();
        assert_marks(Kind::Auto, &base64_of(&document), &key)?;
        assert_marks(Kind::Auto, &serde_json::json!({ "inner": document }).to_string(), &key)?;
        assert_marks(Kind::Auto, &format!("a:1:{{s:1:\"a\";s:{}:\"{key}\";}}", key.len()), &key)?;
    }

    #[test]
    fn what_is_configured_besides_never_drops_a_reading(key in key(), form in 0..28_usize, raw in "\\PC{0,30}") {
        let path = encode(&key);
        let value = match form {
            0..16 => url(&path, form),
            16 => format!("https://cdn.example.com/assets/{path}?v=1"),
            17 => format!("https://img.example.com/{path}#a"),
            18 => format!("//cdn.example.com/{path}"),
            19 => format!("http://127.0.0.1:9000/photos/{path}"),
            20 => format!("https://photos.minio.example.com/{path}"),
            21 => format!("cdn.example.com/assets/{path}"),
            22 => format!("https://minio.example.com/{path}"),
            23 => format!("https://mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com/{path}"),
            24 => format!("s3://photos-ap/{path}"),
            25 => format!("see https://img.example.com/{path}, and <a href=\"/{path}\">"),
            26 => key,
            _ => raw,
        };
        for kind in [Kind::Auto, Kind::Url, Kind::Text, Kind::Prefix] {
            let after = ExtractConfig { kind, other_buckets: vec![], other_base_urls: vec![], ..config() };
            let before = ExtractConfig { bucket: "photos".into(), kind, ..ExtractConfig::default() };
            let affixed =
                ExtractConfig { strip: Some("a".into()), prepend: Some("media/".into()), ..after.clone() };
            let (few, more, most) = (readings(&before, &value), readings(&after, &value), readings(&affixed, &value));
            for reading in &few {
                prop_assert!(more.contains(reading), "{value:?}: {reading:?} is missing in {more:?}");
            }
            for reading in &more {
                prop_assert!(most.contains(reading), "{value:?}: {reading:?} is missing in {most:?}");
            }
        }
    }
}
