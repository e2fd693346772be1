use super::*;
use crate::{ColumnId, Reading};

mod cases;
mod properties;

/// The configuration of all tests: one bucket with a CDN and an own endpoint, and another bucket beside it.
fn config() -> ExtractConfig {
    ExtractConfig {
        bucket: "photos".into(),
        endpoints: vec!["http://127.0.0.1:9000".into(), "https://minio.example.com".into()],
        access_points: vec![
            "photos-ap".into(),
            "photos-ap-k3xgqy7example-s3alias".into(),
            "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap".into(),
        ],
        base_urls: vec!["https://cdn.example.com/assets/".into(), "https://img.example.com".into()],
        other_buckets: vec!["private".into(), "photos.old".into()],
        other_base_urls: vec!["https://cdn.example.com/private".into()],
        ..ExtractConfig::default()
    }
}

fn extractor(kind: Kind) -> Extractor {
    Extractor::new(ExtractConfig { kind, ..config() }).unwrap()
}

/// Reads a value; prefixes are shown with a star.
fn read(extractor: &Extractor, value: &str) -> (Outcome, Vec<String>) {
    let mut out = Readings::default();
    let outcome = extractor.extract(value, &mut out);
    let show = |reading| match reading {
        Reading::Key(key) => key.to_owned(),
        Reading::Prefix(prefix) => format!("{prefix}*"),
    };
    (outcome, out.iter().map(show).collect())
}

#[test]
fn a_plain_key_has_itself_as_its_only_reading() {
    for key in ["avatars/alice.jpg", "a", "a.b", "2024/01/x_y-z.tar.gz", "a/b/"] {
        assert_eq!(read(&extractor(Kind::Auto), key), (Outcome::Read { foreign: false }, vec![key.to_owned()]));
    }
}

#[test]
fn each_reading_is_there_once() {
    let many: Vec<String> = (0..100).map(|i| format!("\"/k/{}\"", i % 50)).collect();
    let (_, readings) = read(&extractor(Kind::Json), &format!("[{}]", many.join(",")));
    assert_eq!(readings.len(), 100, "with and without the slash: {readings:?}");
}

#[test]
fn a_url_of_another_configured_bucket_is_no_reference() {
    for value in [
        "https://private.s3.amazonaws.com/a/b.jpg",
        "https://s3.eu-west-1.amazonaws.com/private/a/b.jpg?X-Amz-Credential=AKIA%2F2026%2Fs3&X-Amz-Expires=60",
        "https://photos.old.s3.amazonaws.com/a/b.jpg",
        "http://127.0.0.1:9000/private/a/b.jpg",
        "https://private.minio.example.com/a/b.jpg",
        "https://cdn.example.com/private/a/b.jpg",
        "s3://private/a/b.jpg",
    ] {
        for kind in [Kind::Auto, Kind::Key, Kind::Url, Kind::Text] {
            assert_eq!(read(&extractor(kind), value), (Outcome::Elsewhere, vec![]), "{value} as {kind:?}");
        }
    }
}

#[test]
fn l04_a_url_of_an_unknown_host_is_marked_and_counted() {
    let (outcome, readings) = read(&extractor(Kind::Auto), "https://files.example.org/x/a/b.jpg");
    assert_eq!(outcome, Outcome::Read { foreign: true });
    assert!(readings.contains(&"x/a/b.jpg".into()) && readings.contains(&"a/b.jpg".into()), "{readings:?}");
}

#[test]
fn i10_what_is_not_understood_is_unread() {
    let long = "x".repeat(9000);
    assert_eq!(read(&extractor(Kind::Auto), &long), (Outcome::Unread, vec![]));
    let (outcome, readings) = read(&extractor(Kind::Json), r#"{"a": "k/1.jpg", "b": "k/2.jpg"#);
    assert_eq!(outcome, Outcome::Unread);
    assert!(readings.contains(&"k/1.jpg".into()) && readings.contains(&"k/2.jpg".into()), "marked all the same");
    assert_eq!(read(&extractor(Kind::Array), "{a,b").0, Outcome::Unread);
}

#[test]
fn i10_a_value_that_is_not_utf_8_is_marked_as_latin_1_and_counted_as_unread() {
    let mut batch = BatchBuilder::new(ColumnId::new("t.c"));
    let none = None::<fn(&str) -> Origin>;
    extractor(Kind::Auto).extract_into(Some(b"caf\xe9.jpg"), none, &mut Readings::default(), &mut batch);
    let batch = batch.finish();
    assert!(batch.readings().any(|r| r == Reading::Key("café.jpg")));
    assert_eq!((batch.counts().values, batch.counts().unread), (1, 1));
    assert_eq!(batch.counts().unread_samples, ["xxxx.xxx"]);
}

#[test]
fn a_batch_counts_what_was_read() {
    let mut batch = BatchBuilder::new(ColumnId::new("t.c"));
    let mut scratch = Readings::default();
    let values = [None, Some(""), Some("  "), Some("a"), Some("https://x.org/a"), Some("s3://private/a")];
    for value in values {
        let origin = |text: &str| Origin { row: "id=1".into(), value: text.into() };
        extractor(Kind::Auto).extract_into(value.map(str::as_bytes), Some(origin), &mut scratch, &mut batch);
    }
    let batch = batch.finish();
    let counts = batch.counts();
    assert_eq!((counts.rows, counts.nulls, counts.values, counts.foreign_urls, counts.unread), (6, 1, 2, 1, 0));
    let origins: Vec<_> = batch.values().map(|v| v.origin().unwrap().value.clone()).collect();
    assert_eq!(origins, ["a", "https://x.org/a"]);
}

#[test]
fn a_prefix_ends_at_a_delimiter() {
    for value in ["videos/42", "videos/42/", "/videos/42", "https://cdn.example.com/assets/videos/42?v=1"] {
        let (_, readings) = read(&extractor(Kind::Prefix), value);
        assert!(readings.contains(&"videos/42/*".into()), "{value}: {readings:?}");
        assert!(readings.iter().all(|r| !r.ends_with('*') || r.ends_with("/*")), "{readings:?}");
    }
    // A slash is no directory: it would reference the whole bucket.
    for value in ["/", "//", "https://cdn.example.com/assets/"] {
        let (_, readings) = read(&extractor(Kind::Prefix), value);
        assert!(!readings.iter().any(|r| r == "*"), "{readings:?}");
    }
}

#[test]
fn strip_and_prepend_are_read_with_and_without() {
    let config = ExtractConfig { strip: Some("/media/".into()), prepend: Some("uploads".into()), ..config() };
    let extractor = Extractor::new(config).unwrap();
    let (_, readings) = read(&extractor, "/media/a/b.jpg");
    for key in ["/media/a/b.jpg", "media/a/b.jpg", "a/b.jpg", "uploads/a/b.jpg"] {
        assert!(readings.contains(&key.into()), "{key} in {readings:?}");
    }
    let extractor = Extractor::new(ExtractConfig { prepend: Some("u/".into()), ..ExtractConfig::default() }).unwrap();
    assert!(read(&extractor, "a.jpg").1.contains(&"u/a.jpg".into()));
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    let bad = |config| Extractor::new(config).map(|_| ()).unwrap_err();
    let empty = ExtractConfig { strip: Some(String::new()), ..ExtractConfig::default() };
    assert_eq!(bad(empty), InvalidExtract::Empty("strip"));
    let url = ExtractConfig { base_urls: vec!["/assets".into()], ..ExtractConfig::default() };
    assert_eq!(bad(url), InvalidExtract::Url("/assets".into()));
}

#[test]
fn no_value_takes_long() {
    let extractor = extractor(Kind::Auto);
    for piece in ["http://", "/eyJ", "?a=%2F", "%25", "((", "{", "[\"", "a+%2B", "//.", "&amp;", "1(", "<1'"] {
        let begin = std::time::Instant::now();
        let value: String = piece.repeat(8000 / piece.len());
        extractor.extract(&value, &mut Readings::default());
        extractor.extract(&piece.repeat(200_000 / piece.len()), &mut Readings::default());
        assert!(begin.elapsed() < std::time::Duration::from_secs(5), "{piece:?} took {:?}", begin.elapsed());
    }
}

#[test]
fn json_paths_choose_what_is_read() {
    let of = |paths: &[&str]| {
        let json_paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Extractor::new(ExtractConfig { kind: Kind::Json, json_paths, ..config() }).unwrap()
    };
    let document =
        r#"{"a":{"url":"1.jpg","alt":"x.jpg"},"b":[{"url":"2.jpg"},{"url":["3.jpg"]}],"c d":"4.jpg","url":5}"#;
    for (paths, expected) in [
        (&["$.a.url"][..], &["1.jpg"][..]),
        (&["$.b[*].url"], &["2.jpg", "3.jpg"]),
        (&["$.b[1]"], &["3.jpg", "url"]),
        (&["$..url"], &["1.jpg", "2.jpg", "3.jpg", "5"]),
        (&["$['c d']", "$.a.*"], &["1.jpg", "4.jpg", "x.jpg"]),
        (&["$.*.url", "$.nothing"], &["1.jpg"]),
        (&["$.b.*.url"], &["2.jpg", "3.jpg"]),
        (&["$..[0]"], &["2.jpg", "3.jpg", "url"]),
        (&["$.b[0]..url"], &["2.jpg"]),
        (&[r"$['c\ d']"], &["4.jpg"]),
    ] {
        let (outcome, mut readings) = read(&of(paths), document);
        readings.sort_unstable();
        assert_eq!(
            (outcome, readings),
            (Outcome::Read { foreign: false }, expected.iter().map(|k| (*k).to_owned()).collect())
        );
    }
    // A document in a string, and one that is nothing but a string.
    assert_eq!(read(&of(&["$.a.b"]), r#"{"a":"{\"b\":\"1.jpg\"}"}"#).1, ["1.jpg"]);
    assert_eq!(read(&of(&["$.a"]), r#""{\"a\":\"1.jpg\"}""#).1, ["1.jpg"]);
    // A shape that nobody knows is read whole and reported.
    let (outcome, readings) = read(&of(&["$.a.url"]), r#"{"image":{"url":"1.jpg"}}"#);
    assert_eq!(outcome, Outcome::Unread);
    assert!(readings.contains(&"1.jpg".into()));
    assert_eq!(read(&of(&["$.a"]), r#"{"a":null}"#), (Outcome::Blank, vec![]));
}

#[test]
fn a_document_with_nothing_in_it_is_blank() {
    for value in ["{}", "[]", "null", "[null,[true,{}]]", r#"[""," "]"#] {
        assert_eq!(read(&extractor(Kind::Json), value), (Outcome::Blank, vec![]), "{value}");
    }
    assert_eq!(read(&extractor(Kind::Array), "{}"), (Outcome::Blank, vec![]));
    let long = format!("[\"{}\"]", "x".repeat(2000));
    assert_eq!(read(&extractor(Kind::Json), &long), (Outcome::Unread, vec![]));
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let bad = |config| Extractor::new(config).map(|_| ()).unwrap_err();
    let json_paths = vec!["$.a".to_owned()];
    let paths = |kind| ExtractConfig { kind, json_paths: json_paths.clone(), ..ExtractConfig::default() };
    assert_eq!(bad(paths(Kind::Auto)), InvalidExtract::NotJson(Kind::Auto));
    let path = ExtractConfig { json_paths: vec!["a.b".into()], ..paths(Kind::Json) };
    assert_eq!(bad(path).to_string(), "\"a.b\" is not a JSON path: it begins with $");
    let point = ExtractConfig { access_points: vec![" ".into()], ..ExtractConfig::default() };
    assert_eq!(bad(point), InvalidExtract::Empty("access_points"));
}

#[test]
fn i10_a_value_that_is_not_read_to_its_end_is_unread() {
    let nested = |times: usize| (0..times).fold("x/1.jpg".to_owned(), |text, _| serde_json::json!([text]).to_string());
    assert_eq!(read(&extractor(Kind::Auto), &nested(7)).0, Outcome::Read { foreign: false });
    assert_eq!(read(&extractor(Kind::Auto), &nested(12)).0, Outcome::Unread);
    let deep = format!("{}\"x/1.jpg\"{}", "[".repeat(5000), "]".repeat(5000));
    let (outcome, readings) = read(&extractor(Kind::Json), &deep);
    assert_eq!(outcome, Outcome::Unread);
    assert!(readings.contains(&"x/1.jpg".into()));
    let long = format!("see x/1.jpg {}", "y".repeat(100_000));
    assert_eq!(read(&extractor(Kind::Text), &long).0, Outcome::Unread);
    let image = format!("<img src=\"x/1.jpg\"><img src=\"data:image/png;base64,{}\">", "A".repeat(100_000));
    assert_eq!(read(&extractor(Kind::Auto), &image).0, Outcome::Read { foreign: false });
    let many = (0..100).map(|n| format!("a{n}=x%2F{n}.jpg")).collect::<Vec<_>>().join("&");
    assert_eq!(read(&extractor(Kind::Url), &format!("https://app.example.org/?{many}")).0, Outcome::Unread);
    let steps = format!("https://app.example.org/{}a.jpg", "x/".repeat(40));
    assert_eq!(read(&extractor(Kind::Url), &steps).0, Outcome::Unread);
}

#[test]
fn a_long_text_is_read_to_its_end() {
    let text: String = (0..20_000).map(|n| format!("Some words, and <img src=\"/a/{n}.jpg\"> more.\n")).collect();
    let (outcome, readings) = read(&extractor(Kind::Auto), &text);
    assert_eq!(outcome, Outcome::Read { foreign: false });
    assert!(readings.contains(&"a/19999.jpg".into()));
}

#[test]
fn what_once_made_it_panic_does_so_no_more() {
    for value in ["x/s3:/é@a", "a/http:/\u{7ff}", "x/s3:/é{/s3://\"/"] {
        for kind in [Kind::Auto, Kind::Url, Kind::Text, Kind::Prefix] {
            read(&extractor(kind), value);
        }
    }
}

#[test]
fn no_value_needs_much_of_the_stack() {
    // Documents in strings of documents, as deep as they go: in half of what a thread has.
    let deep = (0..9).fold("x/1.jpg".to_owned(), |text, _| {
        let string = serde_json::json!(text).to_string();
        format!("{}{string}{}", "[".repeat(120), "]".repeat(120))
    });
    let values = [deep, "a:".repeat(8000), "(".repeat(8000), "{".repeat(100_000), "a=".repeat(8000) + "/b"];
    let read = move || {
        for value in &values {
            for kind in [Kind::Auto, Kind::Json, Kind::Text] {
                read(&extractor(kind), value);
            }
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(read).unwrap().join().unwrap();
}

#[test]
fn l04_a_url_of_this_bucket_is_not_foreign_and_any_other_is() {
    let auto = extractor(Kind::Auto);
    for value in [
        "https://photos.s3.amazonaws.com/a/b.jpg",
        "https://s3.eu-west-1.amazonaws.com/photos/a/b.jpg",
        "https://photos-ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/a/b.jpg",
        "https://photos-ap-k3xgqy7example-s3alias.s3.eu-west-1.amazonaws.com/a/b.jpg",
        "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com/a/b.jpg",
        "https://photos-ap-123456789012.accesspoint.vpce-1a-5e.s3.us-east-1.vpce.amazonaws.com/a/b.jpg",
        "https://s3.console.aws.amazon.com/s3/object/photos?region=eu-west-1&prefix=a/b.jpg",
        "arn:aws:s3:us-west-2:123456789012:accesspoint/photos-ap/object/a/b.jpg",
        "http://127.0.0.1:9000/photos/a/b.jpg",
        "https://minio.example.com:443/photos/a/b.jpg",
        "https://photos.minio.example.com/a/b.jpg",
        "https://user@cdn.example.com/assets/a/b.jpg",
        "//img.example.com/a/b.jpg",
        "s3://photos/a/b.jpg",
    ] {
        let (outcome, readings) = read(&auto, value);
        assert_eq!(outcome, Outcome::Read { foreign: false }, "{value}");
        assert!(readings.contains(&"a/b.jpg".into()), "{value}: {readings:?}");
    }
    for value in [
        "https://unknown-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/a/b.jpg",
        "arn:aws:s3:us-west-2:123456789012:accesspoint/unknown/object/a/b.jpg",
        "https://s3.console.aws.amazon.com/s3/object/unknown?region=eu-west-1&prefix=a/b.jpg",
        "http://127.0.0.1:9001/photos/a/b.jpg",
        "https://xminio.example.com/private/a/b.jpg",
        "https://intranet/photos/a/b.jpg",
        "//files.example.org/a/b.jpg",
        "//localhost/a/b.jpg",
        "//intranet:8080/a/b.jpg",
        "//10.0.0.1/a/b.jpg",
    ] {
        let (outcome, readings) = read(&auto, value);
        assert_eq!(outcome, Outcome::Read { foreign: true }, "{value}");
        assert!(readings.contains(&"a/b.jpg".into()), "{value}: {readings:?}");
    }
    // Two slashes may begin a key, where what follows is no name of a host.
    for value in ["//thumbs/a/b.jpg", "//a.b1/b.jpg", "//a.b/b.jpg", "//a,b.com/b.jpg"] {
        assert_eq!(read(&auto, value).0, Outcome::Read { foreign: false }, "{value}");
    }
}

#[test]
fn i01_the_longest_of_the_base_urls_decides_whose_a_url_is_and_of_equals_ours() {
    let urls = |urls: &[&str]| urls.iter().map(|url| format!("https://cdn.example.org/{url}")).collect::<Vec<_>>();
    let config = ExtractConfig {
        base_urls: urls(&["", "theirs/ours/", "both/"]),
        other_base_urls: urls(&["theirs/", "both/"]),
        ..config()
    };
    let extractor = Extractor::new(config).unwrap();
    for (path, key) in [
        ("a.jpg", Some("a.jpg")),
        ("theirs/a.jpg", None),
        ("theirs/ours/a.jpg", Some("a.jpg")),
        ("theirs/others/a.jpg", None),
        ("both/a.jpg", Some("a.jpg")),
    ] {
        let (outcome, readings) = read(&extractor, &format!("https://cdn.example.org/{path}"));
        match key {
            Some(key) => assert!(readings.contains(&key.into()), "{path}: {readings:?}"),
            None => assert_eq!((outcome, readings), (Outcome::Elsewhere, vec![]), "{path}"),
        }
    }
}

#[test]
fn i01_the_longest_key_has_a_reading_in_each_form() {
    let key = format!("{}é.jpg", "x".repeat(MAX_KEY_BYTES - 6));
    assert_eq!(key.len(), MAX_KEY_BYTES);
    for kind in [Kind::Auto, Kind::Key, Kind::Url, Kind::Text] {
        for value in [key.clone(), format!("/{key}"), format!("https://photos.s3.amazonaws.com/{key}")] {
            assert!(read(&extractor(kind), &value).1.contains(&key), "{kind:?}: {} bytes", value.len());
        }
    }
    let document = serde_json::json!({ "a": [key] }).to_string();
    assert!(read(&extractor(Kind::Json), &document).1.contains(&key));
}

#[test]
fn i10_a_document_is_deep_by_its_nesting_not_by_its_length() {
    let lists = format!("[{}]", vec!["[\"x/1.jpg\"]"; 2000].join(","));
    let maps = format!("[{}]", vec!["{\"a\":{\"b\":\"x/1.jpg\"}}"; 2000].join(","));
    for document in [lists, maps] {
        assert_eq!(read(&extractor(Kind::Json), &document).0, Outcome::Read { foreign: false });
    }
}

#[test]
fn a_number_of_a_document_is_read_as_a_key() {
    assert_eq!(read(&extractor(Kind::Json), r#"{"a":[5,-6]}"#).1, ["a", "5", "-6"]);
}

#[test]
fn i01_what_is_long_before_it_is_read_or_holds_what_ends_a_url_is_marked() {
    let dots = format!("{}a/b.jpg", "./".repeat(600));
    let decomposed = "e\u{301}".repeat(400);
    let composed = "é".repeat(400);
    for (value, key) in [
        ("https://files.example.org/bucket/a?b.jpg", "a?b.jpg"),
        ("https://photos.s3.amazonaws.com/a?b#top", "a?b"),
        ("%2F%2Fphotos.s3.amazonaws.com%2Fa%2Fb.jpg", "a/b.jpg"),
        ("YS9iLmpw", "a/b.jp"),
        (&dots, "a/b.jpg"),
        (&decomposed, &composed),
    ] {
        let (_, readings) = read(&extractor(Kind::Auto), value);
        assert!(readings.iter().any(|reading| reading == key), "{value}: {key} is not in {readings:?}");
    }
}

#[test]
fn i01_what_stands_around_a_key_in_a_sentence_is_no_part_of_it() {
    for mark in [".", ",", ";", ":", "!", "?", ")", "]", "*", "...", ".)", "\"", "'", "`"] {
        let (_, readings) = read(&extractor(Kind::Text), &format!("see x/a.jpg{mark} and more"));
        assert!(readings.contains(&"x/a.jpg".into()), "{mark}: {readings:?}");
    }
}

#[test]
fn i01_a_key_in_a_text_is_marked_behind_its_name_with_blanks_and_between_any_blanks() {
    for (kind, value, key) in [
        (Kind::Text, "see src=x/a.jpg here", "x/a.jpg"),
        (Kind::Text, "see src:x/a.jpg here", "x/a.jpg"),
        (Kind::Text, "Title\nmy photo.jpg\nend", "my photo.jpg"),
        (Kind::Auto, "見る\u{3000}x/a.jpg", "x/a.jpg"),
    ] {
        let (_, readings) = read(&extractor(kind), value);
        assert!(readings.contains(&key.into()), "{value}: {readings:?}");
    }
}

#[test]
fn i01_two_slashes_may_begin_a_key_even_where_they_lead_to_another_bucket() {
    let extractor = Extractor::new(ExtractConfig { endpoints: vec!["http://minio".into()], ..config() }).unwrap();
    assert!(read(&extractor, "//minio/private/a.jpg").1.contains(&"minio/private/a.jpg".into()));
    assert_eq!(read(&extractor, "//private.s3.amazonaws.com/a.jpg"), (Outcome::Elsewhere, vec![]));
}
