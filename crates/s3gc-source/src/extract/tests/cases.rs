//! Values, and the keys that must and must not be among their readings.

use super::{Kind, extractor, read};

struct Case {
    kind: Kind,
    value: &'static str,
    must: &'static [&'static str],
    must_not: &'static [&'static str],
}

const fn case(kind: Kind, value: &'static str, must: &'static [&'static str]) -> Case {
    Case { kind, value, must, must_not: &[""] }
}

use Kind::{Array, Auto, Json, Key, Prefix, Text, Url};

const CASES: &[Case] = &[
    // Bare keys.
    case(Auto, "avatars/alice.jpg", &["avatars/alice.jpg"]),
    case(Auto, "photo 1.jpg", &["photo 1.jpg"]),
    case(Auto, "a//b", &["a//b", "a/b"]),
    case(Auto, "a/../b", &["a/../b", "b"]),
    case(Auto, "./a/b", &["./a/b", "a/b"]),
    case(Auto, ".hidden", &[".hidden"]),
    case(Auto, "a/b/", &["a/b/"]),
    case(Auto, "100%", &["100%"]),
    case(Auto, "a%zz", &["a%zz"]),
    case(Auto, "a?b.jpg", &["a?b.jpg", "a"]),
    case(Auto, "a#b.jpg", &["a#b.jpg", "a"]),
    case(Auto, "C++/notes.txt", &["C++/notes.txt", "C  /notes.txt"]),
    case(Auto, "12345", &["12345"]),
    case(Auto, "it's.jpg", &["it's.jpg"]),
    case(Auto, "a,b;c.jpg", &["a,b;c.jpg"]),
    case(Auto, "a (1).jpg", &["a (1).jpg"]),
    case(Auto, "{uuid}/a.jpg", &["{uuid}/a.jpg"]),
    case(Auto, "[draft] a.jpg", &["[draft] a.jpg"]),
    case(Key, "{\"a\":\"b/c\"}", &["{\"a\":\"b/c\"}"]),
    // Slashes and blanks around.
    case(Auto, "/avatars/a.jpg", &["/avatars/a.jpg", "avatars/a.jpg"]),
    case(Auto, "//avatars/a.jpg", &["//avatars/a.jpg", "/avatars/a.jpg", "avatars/a.jpg"]),
    case(Auto, "///a", &["///a", "//a", "a"]),
    case(Auto, "  a.jpg\n", &["  a.jpg\n", "a.jpg"]),
    case(Auto, "\u{feff}a.jpg", &["\u{feff}a.jpg", "a.jpg"]),
    case(Auto, "a.jpg\0", &["a.jpg"]),
    case(Auto, "a.jpg          ", &["a.jpg"]),
    case(Auto, "avatars\\a.jpg", &["avatars\\a.jpg", "avatars/a.jpg"]),
    case(Auto, "photos/avatars/a.jpg", &["photos/avatars/a.jpg", "avatars/a.jpg"]),
    case(Auto, "/photos/avatars/a.jpg", &["photos/avatars/a.jpg", "avatars/a.jpg"]),
    case(Auto, "\"a/b.jpg\"", &["a/b.jpg", "\"a/b.jpg\""]),
    case(Auto, "'a/b.jpg'", &["a/b.jpg"]),
    // URLs of the bucket.
    case(Auto, "s3://photos/a/b.jpg", &["a/b.jpg", "s3://photos/a/b.jpg"]),
    case(Auto, "S3://photos/a/b.jpg", &["a/b.jpg"]),
    case(Auto, "s3a://photos/a/b.jpg", &["a/b.jpg"]),
    case(Auto, "s3://photos//a", &["/a", "a"]),
    case(Auto, "s3://photos/a?b", &["a?b", "a"]),
    case(Auto, "arn:aws:s3:::photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://photos.s3.amazonaws.com/a/b.jpg", &["a/b.jpg", "https://photos.s3.amazonaws.com/a/b.jpg"]),
    case(Url, "HTTPS://Photos.S3.AmazonAWS.com/A/b.jpg", &["A/b.jpg"]),
    case(Url, "http://photos.s3.eu-west-1.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://photos.s3-eu-west-1.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://photos.s3.dualstack.eu-west-1.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://photos.s3-accelerate.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://photos.s3-accelerate.dualstack.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://photos.s3-fips.us-east-1.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "http://photos.s3-website-us-east-1.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "http://photos.s3-website.eu-central-1.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://photos.s3.cn-north-1.amazonaws.com.cn/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://s3.amazonaws.com/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://s3.eu-west-1.amazonaws.com/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://s3-eu-west-1.amazonaws.com/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://s3.dualstack.eu-west-1.amazonaws.com/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://s3.amazonaws.com:443/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "//photos.s3.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "photos.s3.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "http://127.0.0.1:9000/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://minio.example.com/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://photos.minio.example.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "127.0.0.1:9000/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://user:pw@photos.s3.amazonaws.com/a/b.jpg", &["a/b.jpg"]),
    // CDN and other hosts.
    case(Url, "https://cdn.example.com/assets/a/b.jpg", &["a/b.jpg"]),
    case(Url, "http://CDN.example.com/assets/a/b.jpg", &["a/b.jpg"]),
    case(Url, "//cdn.example.com/assets/a/b.jpg", &["a/b.jpg"]),
    case(Url, "cdn.example.com/assets/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://img.example.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://cdn.example.com/assets2/a.jpg", &["assets2/a.jpg", "a.jpg"]),
    case(Url, "https://unknown.example.org/photos/a/b.jpg", &["photos/a/b.jpg", "a/b.jpg"]),
    case(Url, "https://photos.nyc3.digitaloceanspaces.com/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://storage.googleapis.com/photos/a/b.jpg", &["a/b.jpg"]),
    case(Url, "www.example.org/a/b.jpg", &["a/b.jpg", "www.example.org/a/b.jpg"]),
    // Queries, fragments, URLs in URLs.
    case(
        Url,
        "https://photos.s3.amazonaws.com/a/b.jpg?X-Amz-Signature=0&x=/y",
        &["a/b.jpg", "a/b.jpg?X-Amz-Signature=0&x=/y"],
    ),
    case(Url, "https://photos.s3.amazonaws.com/a/b.jpg#top", &["a/b.jpg", "a/b.jpg#top"]),
    case(Url, "https://photos.s3.amazonaws.com/a%3Fb.jpg?v=1", &["a?b.jpg"]),
    case(Url, "https://img.example.com/_next/image?url=%2Favatars%2Fa.jpg&w=64", &["avatars/a.jpg"]),
    case(Url, "https://app.example.org/i?u=https%3A%2F%2Fphotos.s3.amazonaws.com%2Fa%20b.jpg", &["a b.jpg"]),
    case(Url, "https://app.example.org/cdn-cgi/image/width=80/https://cdn.example.com/assets/a/b.jpg", &["a/b.jpg"]),
    case(Url, "https://x.cloudfront.net/eyJidWNrZXQiOiJwaG90b3MiLCJrZXkiOiJhL2IuanBnIn0=", &["a/b.jpg"]),
    case(Auto, "/download?key=avatars/a.jpg", &["avatars/a.jpg"]),
    // Encodings.
    case(Auto, "a%20b.jpg", &["a%20b.jpg", "a b.jpg"]),
    case(Auto, "a%2520b.jpg", &["a%2520b.jpg", "a%20b.jpg", "a b.jpg"]),
    case(Auto, "a+b.jpg", &["a+b.jpg", "a b.jpg"]),
    case(Auto, "a%2Bb.jpg", &["a+b.jpg", "a%2Bb.jpg"]),
    case(Auto, "a+b%20c.jpg", &["a+b c.jpg", "a b c.jpg"]),
    case(Auto, "%2Favatars%2Fa.jpg", &["/avatars/a.jpg", "avatars/a.jpg"]),
    case(Auto, "https%3A%2F%2Fphotos.s3.amazonaws.com%2Fa%2Fb.jpg", &["a/b.jpg"]),
    case(Auto, "caf%C3%A9.jpg", &["café.jpg", "cafe\u{301}.jpg"]),
    case(Auto, "caf%E9.jpg", &["café.jpg"]),
    case(Auto, "café.jpg", &["café.jpg", "cafe\u{301}.jpg"]),
    case(Auto, "cafe\u{301}.jpg", &["café.jpg", "cafe\u{301}.jpg"]),
    case(Auto, "cafÃ©.jpg", &["café.jpg", "cafÃ©.jpg"]),
    case(Auto, "â‚¬.jpg", &["€.jpg"]),
    case(Auto, "https:\\/\\/photos.s3.amazonaws.com\\/a\\/b.jpg", &["a/b.jpg"]),
    case(Auto, "a&amp;b.jpg", &["a&b.jpg", "a&amp;b.jpg"]),
    // JSON.
    case(Json, r#"{"a":{"b":["x/1.jpg",{"c":"x/2.jpg"}]},"n":1}"#, &["x/1.jpg", "x/2.jpg"]),
    case(Auto, r#"{"a":{"b":["x/1.jpg",{"c":"x/2.jpg"}]},"n":1.5,"t":true,"z":null}"#, &["x/1.jpg", "x/2.jpg"]),
    case(Auto, r#"["x/1.jpg", "caf\u00e9.jpg", "a\/b"]"#, &["x/1.jpg", "café.jpg", "a/b"]),
    case(Json, r#""x/1.jpg""#, &["x/1.jpg"]),
    case(Json, r#"{"x/1.jpg": {"w": 3}}"#, &["x/1.jpg"]),
    case(Json, r#"{"inner":"{\"url\":\"https://photos.s3.amazonaws.com/x%201.jpg\"}"}"#, &["x 1.jpg"]),
    case(Json, r#"{"html":"<img src='/x/1.jpg'>"}"#, &["x/1.jpg"]),
    case(Auto, r#"  {"a":"x/1.jpg"}  "#, &["x/1.jpg"]),
    case(Auto, r#"{"a":"x/1.jpg","#, &["x/1.jpg"]),
    // Arrays.
    case(Array, "{x/1.jpg,x/2.jpg}", &["x/1.jpg", "x/2.jpg"]),
    case(
        Auto,
        r#"{x/1.jpg,"a, b.jpg","q\"uote.jpg","back\\slash",NULL}"#,
        &["x/1.jpg", "a, b.jpg", "q\"uote.jpg", "back\\slash"],
    ),
    case(Array, r#"{{a,b},{c,"d e"}}"#, &["a", "b", "c", "d e"]),
    case(Array, "[0:1]={a,b}", &["a", "b"]),
    case(Array, r#"["a","b c"]"#, &["a", "b c"]),
    case(Array, "{https://photos.s3.amazonaws.com/a%20b.jpg}", &["a b.jpg"]),
    // Text.
    case(Text, r#"<p>Hi <img src="https://cdn.example.com/assets/a/b.jpg?w=1&amp;h=2" alt="x"></p>"#, &["a/b.jpg"]),
    case(Text, "<img src=/a/b.jpg>", &["a/b.jpg"]),
    case(Text, r#"<img srcset="/a/1.jpg 1x, /a/2.jpg 2x">"#, &["a/1.jpg", "a/2.jpg"]),
    case(Text, r#"<a href="/a/my file.pdf">x</a>"#, &["a/my file.pdf"]),
    case(Text, r#"<div style="background:url(/a/b.jpg)">"#, &["a/b.jpg"]),
    case(Text, "![alt](/a/b_(1).jpg) and [x](s3://photos/c.jpg \"title\")", &["a/b_(1).jpg", "c.jpg"]),
    case(Text, "see https://photos.s3.amazonaws.com/a/b.jpg, or (a/c.jpg).", &["a/b.jpg", "a/c.jpg"]),
    case(Auto, "one/a.jpg\ntwo/b c.jpg\n", &["one/a.jpg", "two/b c.jpg"]),
    case(Auto, "one/a.jpg,two/b.jpg", &["one/a.jpg", "two/b.jpg", "one/a.jpg,two/b.jpg"]),
    case(Auto, "https://cdn.example.com/assets/a.jpg,https://cdn.example.com/assets/b.jpg", &["a.jpg", "b.jpg"]),
    case(Auto, r#"a:1:{s:4:"file";s:13:"avatars/a.jpg";}"#, &["avatars/a.jpg"]),
    case(Auto, "---\nimage: avatars/a.jpg\n", &["avatars/a.jpg"]),
    // Directories.
    case(Prefix, "videos/42", &["videos/42/*", "videos/42"]),
    case(Prefix, "s3://photos/videos/42/", &["videos/42/*"]),
    // What must not be there.
    Case { kind: Auto, value: "images", must: &["images"], must_not: &["images2", "image", "images/"] },
    Case { kind: Prefix, value: "images", must: &["images/*"], must_not: &["images*", "*"] },
    Case { kind: Key, value: "a b.jpg", must: &["a b.jpg"], must_not: &["a", "b.jpg"] },
    Case { kind: Json, value: r#"{"a":"s3://private/x.jpg","b":"y.jpg"}"#, must: &["y.jpg"], must_not: &["x.jpg"] },
    Case {
        kind: Auto,
        value: "https://cdn.example.com/private/x.jpg",
        must: &[],
        must_not: &["x.jpg", "private/x.jpg"],
    },
    Case { kind: Text, value: "just some words here", must: &[], must_not: &["just", "words"] },
];

#[test]
fn every_case_has_the_readings_it_must_have() {
    let mut wrong = Vec::new();
    for case in CASES {
        let (_, readings) = read(&extractor(case.kind), case.value);
        for key in case.must.iter().filter(|key| !readings.iter().any(|r| r == *key)) {
            wrong.push(format!("{:?} {:?}: {key:?} is not in {readings:?}", case.kind, case.value));
        }
        for key in case.must_not.iter().filter(|key| readings.iter().any(|r| r == *key)) {
            wrong.push(format!("{:?} {:?}: {key:?} is in {readings:?}", case.kind, case.value));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
