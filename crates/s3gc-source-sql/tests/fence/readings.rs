//! Every way to write a key meets the row of that key.

use s3gc_source::extract::Kind;
use s3gc_source::{Condemned, Fenced, Settled};
use s3gc_source_sql::{OnConflict, Reference};

use crate::common::bucket;
use crate::{KEY, OWNER, REFER, World, condemned, run};

#[tokio::test]
async fn i01_fence_keys_that_are_put_together_and_directories_meet_it() {
    let tables = "CREATE TABLE users (id int, avatar text, note text); CREATE TABLE videos (dir text);
        CREATE TABLE clips (id bigint, file text)";
    let references = [
        Reference::template("users", "u/{id}{note?}/{avatar|file|lower}"),
        Reference::column("videos", "dir").with_kind(Kind::Prefix),
        Reference::template("clips", "clips/{id|id_partition}/{file|stem}.{file|extension}"),
    ];
    let Some(world) = World::of(OnConflict::Abort, tables, references).await else { return };
    let keys = ["u/17x/a.jpg", "v/33/seg-1.ts", "clips/000/001/234/b.c.MP4"];
    let keys: Vec<Condemned> = keys.into_iter().map(condemned).collect();
    assert_eq!(world.fence().condemn(OWNER, "w", &keys).await.unwrap(), [Fenced::Yes, Fenced::Yes, Fenced::Yes]);
    assert_eq!(world.mark().await.len(), 3);
    for statement in [
        "INSERT INTO users VALUES (17, 'tmp/A.JPG', 'x')",
        "INSERT INTO videos VALUES ('v/33')",
        "INSERT INTO videos VALUES ('https://cdn.example.com/v/33/index.m3u8')",
        "INSERT INTO clips VALUES (1234, 'b.c.MP4')",
    ] {
        assert!(world.refused(statement).contains("s3gc is deleting"), "{statement}");
    }
    world.sql(
        "INSERT INTO users VALUES (17, 'tmp/A.JPG', NULL); INSERT INTO videos VALUES ('w/33');
        INSERT INTO clips VALUES (1234, NULL)",
    );
}

#[tokio::test]
async fn i01_fence_a_reference_to_the_base_keeps_what_is_derived() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    let derived = Condemned { key: "thumbs/q-9x9.jpg".into(), bases: vec![KEY.into()] };
    world.fence().condemn(OWNER, "w", &[derived]).await.unwrap();
    let mut session = world.session().await;
    run(&mut session, "BEGIN").await.unwrap();
    run(&mut session, REFER).await.unwrap();
    assert_eq!(world.mark().await, [""; 0]);
    run(&mut session, "ROLLBACK").await.unwrap();
    assert_eq!(world.mark().await, ["thumbs/q-9x9.jpg"]);
    assert!(world.refused(REFER).contains("thumbs/q-9x9.jpg"));
}

#[tokio::test]
async fn i01_fence_what_only_a_scan_can_read_stands_for_every_key() {
    let Some(world) = World::new(OnConflict::Restore).await else { return };
    world.condemn().await;
    let mut session = world.session().await;
    run(&mut session, "BEGIN").await.unwrap();
    // Letters that are escaped.
    run(&mut session, "INSERT INTO posts VALUES (1, '%61vatars/alice-1.jpg')").await.unwrap();
    assert_eq!(world.mark().await, [""; 0]);
    run(&mut session, "ROLLBACK").await.unwrap();
    assert_eq!(world.mark().await, [KEY]);
    world.sql("INSERT INTO posts VALUES (1, '%61vatars/alice-1.jpg')");
    assert_eq!(world.orders().await, [None]);
    world.fence().settle(OWNER, &[KEY], Settled::Gone).await.unwrap();
    world.sql("INSERT INTO posts VALUES (2, '\\u0061vatars/alice-1.jpg')");
    assert_eq!(world.orders().await, [None, None]);
}

/// A generator of numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            out.push(char::from(DIGITS[bits >> (18 - 6 * n) & 63]));
        }
    }
    out
}

/// Writes a text in another way that is read as the same.
fn rewrite(numbers: &mut Numbers, text: &str) -> String {
    let each = |text: &str, change: &dyn Fn(char) -> Option<String>| -> String {
        text.chars().map(|c| change(c).unwrap_or_else(|| c.to_string())).collect()
    };
    let percent = |c: char| c.to_string().bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let is_odd = |c: char| !c.is_ascii_alphanumeric();
    match numbers.below(16) {
        0 => each(text, &|c| is_odd(c).then(|| percent(c))),
        1 => each(text, &|c| (is_odd(c) && c != '/').then(|| percent(c))),
        2 => each(text, &|c| is_odd(c).then(|| format!("\\u{:04x}", u32::from(c)))),
        3 => each(text, &|c| is_odd(c).then(|| format!("&#{};", u32::from(c)))),
        4 => each(text, &|c| is_odd(c).then(|| format!("&#x{:x};", u32::from(c)))),
        5 => text.replace('/', "\\/"),
        6 => format!("https://photos.s3.amazonaws.com/{text}?X-Amz-Signature=abc"),
        7 => format!("https://cdn.example.com/some/{text}#top"),
        8 => format!("s3://photos/{text}"),
        9 => format!("<p>nothing <img src=\"/{text}\"> else</p>"),
        10 => format!("{{\"a\": [\"{}\"]}}", text.replace('\\', "\\\\").replace('"', "\\\"")),
        11 => base64(text),
        12 => format!("https://img.example.com/insecure/rs:fit:3:3/{}", base64(&format!("s3://photos/{text}"))),
        13 => each(text, &|c| c.is_ascii_lowercase().then(|| percent(c))),
        14 => format!(" /{text}\n"),
        _ => text.replace('&', "&amp;"),
    }
}

#[tokio::test]
async fn i01_fence_whatever_is_read_as_a_key_meets_its_row() {
    use s3gc_source::extract::{Extractor, Readings};
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    let mut numbers = Numbers(7);
    let extractor = Extractor::new(bucket()).unwrap();
    let (mut readings, mut cases) = (Readings::default(), Vec::new());
    let parts =
        ["a", "B2", "img", "IMG_0017", "café", "x-1", "a b", "q%20r", "n'n", "7", "cafe\u{301}s", "u002f", "2Fc", "nb"];
    let mut keys = Vec::new();
    for _ in 0..4000 {
        let segments: Vec<&str> = (0..=numbers.below(3)).map(|_| numbers.pick(&parts)).collect();
        let key = format!(
            "{}/{}{}",
            segments.join("/"),
            numbers.below(99),
            numbers.pick(&[".jpg", ".tar.gz", "", ".JPG", "(1).png"])
        );
        let mut value = key.clone();
        for _ in 0..numbers.below(4) {
            value = rewrite(&mut numbers, &value);
        }
        extractor.extract(&value, &mut readings);
        if readings.iter().any(|reading| reading.as_str() == key) {
            keys.push(key.clone());
            cases.push((key, value));
        }
    }
    assert!(cases.len() > 2000, "only {} values were read as their keys", cases.len());
    keys.sort();
    keys.dedup();
    let all: Vec<Condemned> = keys.iter().map(|key| condemned(key)).collect();
    assert!(world.fence().condemn(OWNER, "w", &all).await.unwrap().iter().all(|fenced| *fenced == Fenced::Yes));
    let mut session = world.session().await;
    const MISSED: &str = "SELECT c.key, c.value, s3gc_fence.words(c.value, 2)::text
        FROM unnest($1::text[], $2::text[]) AS c (key, value)
        WHERE NOT EXISTS (SELECT FROM s3gc_fence.condemned k WHERE (k.key = c.key OR k.key = '')
            AND k.needle = ANY (s3gc_fence.words(c.value, 2)) AND k.runs <@ s3gc_fence.words(c.value, 2))";
    let (keys, values): (Vec<String>, Vec<String>) = cases.into_iter().unzip();
    let missed: Vec<(String, String, String)> =
        sqlx::query_as(MISSED).bind(keys).bind(&values).fetch_all(&mut session).await.unwrap();
    assert!(
        missed.is_empty(),
        "{} of {} are missed: {:#?}",
        missed.len(),
        values.len(),
        &missed[..missed.len().min(5)]
    );
    // Most of them meet the row of their key, and not only what stands for everything.
    const OPAQUE: &str = "SELECT count(*) FROM unnest($1::text[]) AS v WHERE '*' = ANY (s3gc_fence.words(v, 2))";
    let opaque: i64 = sqlx::query_scalar(OPAQUE).bind(&values).fetch_one(&mut session).await.unwrap();
    assert!(usize::try_from(opaque).unwrap() * 2 < values.len(), "{opaque} of {} are opaque", values.len());
}
