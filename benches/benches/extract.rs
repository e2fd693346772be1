//! How fast column values are read as keys: `cargo bench -p s3gc-benches --bench extract`.
#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::hint::black_box;
use std::time::Instant;

use s3gc_source::extract::{ExtractConfig, Extractor, InvalidExtract, Readings};

/// How many different values there are of each form.
const VALUES: u64 = 10_000;

const SIGNATURE_4: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Feu-west-1\
     %2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=5d41402a\
     bc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592&response-content-disposition=attachment%3B%20filename%3Da.jpg";
const SIGNATURE_2: &str =
    "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D&Expires=1141889120";

fn main() -> Result<(), InvalidExtract> {
    // Without `--bench` somebody only wants to know that it works.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 100 } else { 1 };
    let config = ExtractConfig { bucket: "photos".into(), ..ExtractConfig::default() };
    let extractor = Extractor::new(ExtractConfig { base_urls: vec!["https://cdn.example.com/".into()], ..config })?;

    let key = |n: u64| format!("uploads/{:02x}/{n:08x}-7c1e-4a5b-9d2f.jpg", n % 256);
    measure(&extractor, rounds, "plain keys", key);
    measure(&extractor, rounds, "CDN URLs", |n| format!("https://cdn.example.com/{}", key(n)));
    let s3 = |n: u64| format!("https://photos.s3.eu-west-1.amazonaws.com/{}", key(n));
    measure(&extractor, rounds, "S3 URLs", s3);
    measure(&extractor, rounds, "S3 URLs, percent-encoded", |n| {
        format!("https://photos.s3.eu-west-1.amazonaws.com/caf%C3%A9/{}", key(n))
    });
    measure(&extractor, rounds, "S3 URLs, presigned with version 4", |n| format!("{}?{SIGNATURE_4}", s3(n)));
    measure(&extractor, rounds, "S3 URLs, presigned with version 2", |n| format!("{}?{SIGNATURE_2}", s3(n)));
    measure(&extractor, rounds, "URLs of an unknown host", |n| format!("https://files.example.org/media/{}", key(n)));
    measure(&extractor, rounds, "keys with a leading slash", |n| format!("/{}", key(n)));
    measure(&extractor, rounds, "keys without a dot", |n| format!("{n:08x}xtapjjcjiudrlk3tmwyj"));
    measure(&extractor, rounds, "JSON galleries of 5 keys", |n| {
        serde_json::json!({ "images": (0..5).map(|i| key(n + i)).collect::<Vec<_>>() }).to_string()
    });
    measure(&extractor, rounds, "serialised PHP", |n| {
        format!("a:2:{{s:5:\"width\";i:300;s:4:\"file\";s:{}:\"{}\";}}", key(n).len(), key(n))
    });
    measure(&extractor, rounds / 10 + 1, "HTML of 300 bytes", |n| {
        let (image, link) = (key(n), key(n + 1));
        format!(
            "<p>Some words of a post, and a picture:</p><figure><img src=\"https://cdn.example.com/{image}?w=1&amp;h=2\" \
             alt=\"A picture\" width=\"300\"></figure><p>More words about it, see <a href=\"/{link}\">this</a>.</p>"
        )
    });
    Ok(())
}

fn measure(extractor: &Extractor, rounds: u64, form: &str, value: impl Fn(u64) -> String) {
    let values: Vec<String> = (0..VALUES).map(value).collect();
    let mut readings = Readings::default();
    let begun = Instant::now();
    for _ in 0..rounds {
        for value in &values {
            black_box(extractor.extract(black_box(value), &mut readings));
        }
    }
    let nanos = begun.elapsed().as_nanos().max(1);
    let per_second = u128::from(rounds * VALUES) * 1_000_000_000 / nanos;
    println!("{form}: {per_second} values/s, {} readings a value", readings.len());
}
