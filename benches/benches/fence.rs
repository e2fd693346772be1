//! What the write fence costs the application: `cargo bench -p s3gc-benches --bench fence`.
#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::error::Error;
use std::time::{Duration, Instant};

use s3gc_source::extract::ExtractConfig;
use s3gc_source::{Condemned, ReferenceSource as _, Settled};
use s3gc_source_sql::{OnConflict, Reference, SqlConfig, SqlSource};
use s3gc_testkit::servers::Postgres;

const OWNER: &str = "s3://photos";
/// How often each is measured; the median counts.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Without `--bench` somebody only wants to know that it works.
    let rows = if std::env::args().any(|argument| argument == "--bench") { 200_000 } else { 100 };
    let Some(server) = Postgres::shared() else { return Ok(()) };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE posts (id bigserial PRIMARY KEY, image text)");
    measure(server, &url, "without a fence", rows);
    let config = SqlConfig::new("main", &url, [Reference::column("posts", "image")]).with_fence(OnConflict::Abort);
    let bucket = ExtractConfig { bucket: "photos".into(), ..ExtractConfig::default() };
    let source = SqlSource::connect(config, &bucket).await?;
    let fence = source.fence().ok_or("the source has no fence")?;
    fence.install(OWNER).await?;
    measure(server, &url, "with a fence, nothing condemned", rows);
    for count in [100, 10_000] {
        let key = |n| format!("gone/{count}/{n}.jpg");
        let keys: Vec<Condemned> = (0..count).map(|n| Condemned { key: key(n), bases: Vec::new() }).collect();
        fence.condemn(OWNER, "bench", &keys).await?;
        measure(server, &url, &format!("with a fence, {count} keys condemned"), rows);
        let keys: Vec<&str> = keys.iter().map(|condemned| condemned.key.as_str()).collect();
        fence.settle(OWNER, &keys, Settled::Kept).await?;
    }
    Ok(())
}

/// Times one statement that writes so many rows, none of which refers to what is condemned.
fn measure(server: &Postgres, url: &str, what: &str, rows: u32) {
    let insert = format!(
        "INSERT INTO posts (image) SELECT 'https://cdn.example.com/uploads/' || md5(n::text) || '/photo.jpg?v=2' \
         FROM generate_series(1, {rows}) n"
    );
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            server.sql(url, "TRUNCATE posts");
            let begun = Instant::now();
            server.sql(url, &insert);
            begun.elapsed()
        })
        .collect();
    times.sort();
    let median = times[ROUNDS / 2];
    println!("{what}: {} rows/s, {} µs/row", per_second(rows, median), median.as_micros() / u128::from(rows));
}

fn per_second(rows: u32, time: Duration) -> u128 {
    u128::from(rows) * 1_000_000 / time.as_micros().max(1)
}
