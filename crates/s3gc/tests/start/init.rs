use std::path::Path;

use s3gc_s3_mem::{Options, PutSpec, S3Mem};
use s3gc_testkit::servers::{MariaDb, Postgres};
use serde_json::Value;
use sqlx::ConnectOptions as _;
use tempfile::TempDir;

use super::expect;

const BUCKET: &str = "photos";
const PASSWORD: &str = "hunter2-is-secret";

/// Rows for each kind of database: `{text}` and `{json}` are types.
const SCHEMA: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, email {text}, avatar_url {text}, n INTEGER);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, image {text}, body {text});
    CREATE TABLE products (id INTEGER PRIMARY KEY, gallery {json});
    CREATE TABLE audit_log (id INTEGER PRIMARY KEY, note {text});
    CREATE TABLE videos (id INTEGER PRIMARY KEY, folder {text});
    CREATE TABLE drafts (id INTEGER PRIMARY KEY, image {text});";

async fn bucket() -> S3Mem {
    let server = S3Mem::start(Options::default().bucket(BUCKET)).await.unwrap();
    let bucket = server.bucket(BUCKET);
    for n in 0..40 {
        for key in [format!("avatars/{n}.jpg"), format!("posts/{n} b.jpg"), format!("g/{n}.png"), format!("i/{n}.svg")]
        {
            bucket.put(&key, "x", PutSpec::default());
        }
    }
    bucket.put("streams/1/index.m3u8", "x", PutSpec::default());
    server
}

fn rows() -> String {
    let mut sql = String::new();
    for n in 0..40 {
        sql.push_str(&format!(
            "INSERT INTO users VALUES ({n}, 'user{n}@mail.example', 'avatars/{n}.jpg', {n});
             INSERT INTO posts VALUES ({n}, 'https://cdn.example/posts/{n}%20b.jpg?w=1', '<p><img src=\"/i/{n}.svg\"> text');
             INSERT INTO products VALUES ({n}, '{{\"images\": [{{\"src\": \"g/{n}.png\"}}]}}');
             INSERT INTO audit_log VALUES ({n}, 'user {n} did this and that on the site');\n"
        ));
    }
    sql.push_str("INSERT INTO audit_log VALUES (99, 'avatars/7.jpg');");
    sql.push_str("INSERT INTO videos VALUES (1, 'streams/1');");
    sql
}

fn schema(text: &str, json: &str) -> String {
    SCHEMA.replace("{text}", text).replace("{json}", json)
}

/// Runs `init`, and checks what every database must come to.
async fn propose(dir: &Path, server: &S3Mem, url: &str) -> (Value, String) {
    let line = format!("s3gc init --json --url \"$URL\" --bucket {BUCKET} --endpoint {}", server.endpoint());
    let done = expect(0, dir, &format!("{line} --region us-east-1"), &[("URL", url)]).await;
    assert!(!done.stdout.contains(PASSWORD) && !done.stderr.contains(PASSWORD), "{done:?}");
    let file = std::fs::read_to_string(dir.join("s3gc.toml")).unwrap();
    assert!(!file.contains(PASSWORD), "{file}");
    let document: Value = serde_json::from_str(done.stdout.trim_end()).unwrap();
    let seen = |table: &str, column: &str| {
        let columns = document["columns"].as_array().unwrap();
        let found = columns.iter().find(|c| c["table"] == table && c["column"] == column).unwrap();
        (found["matched"].as_u64().unwrap(), found["sampled"].as_u64().unwrap(), found["kind"].as_str().unwrap())
    };
    assert_eq!(seen("users", "avatar_url"), (40, 40, "auto"));
    assert_eq!(seen("users", "email"), (0, 40, "auto"));
    assert_eq!(seen("posts", "image"), (40, 40, "auto"));
    assert_eq!(seen("posts", "body"), (40, 40, "text"));
    assert_eq!(seen("products", "gallery"), (40, 40, "json"));
    assert_eq!(seen("audit_log", "note"), (1, 41, "auto"), "one match is enough to be listed");
    assert_eq!(seen("videos", "folder"), (1, 1, "prefix"));
    assert_eq!(document["base_urls"], serde_json::json!(["https://cdn.example/"]));
    assert_eq!(document["references"], 6);
    assert!(!file.contains("column = \"email\"") && file.contains("users.email"), "{file}");
    assert!(file.contains("drafts.image"), "{file}");

    // The file is one that works: nothing of the bucket that a row names is an orphan.
    let plan = expect(0, dir, "s3gc plan --json", &[("DATABASE_URL", url)]).await;
    let report: Value = serde_json::from_str(plan.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(report["counts"]["kept"]["referenced"]["objects"], 161, "{report}");
    (document, file)
}

#[tokio::test]
async fn columns_of_sqlite_are_proposed_and_the_file_is_not_replaced() {
    let (dir, server) = (TempDir::new().unwrap(), bucket().await);
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("my app.db")).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let sql = schema("TEXT", "JSON") + &rows();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    drop(connection);
    let (_, file) = propose(dir.path(), &server, "sqlite:my%20app.db").await;
    assert!(file.contains("url = \"sqlite:my%20app.db\""), "{file}");

    let line = format!("s3gc init --url sqlite:my%20app.db --bucket {BUCKET} --endpoint {}", server.endpoint());
    let done = expect(2, dir.path(), &line, &[]).await;
    assert!(done.stderr.contains("--force"), "{done:?}");
    let done = expect(0, dir.path(), &format!("{line} --force"), &[]).await;
    assert!(done.stdout.contains("audit_log.note") && done.stdout.contains("Next: s3gc check"), "{done:?}");
    // Another bucket: nothing matches, and nothing is written.
    assert!(server.bucket("empty").is_empty());
    let line = line.replace(BUCKET, "empty");
    let done = expect(2, dir.path(), &format!("{line} --out other.toml"), &[]).await;
    assert!(done.stderr.contains("no sampled value") && !dir.path().join("other.toml").exists(), "{done:?}");
    // Who may not look is not told that nothing is there.
    server.deny(s3gc_s3_mem::Op::HeadObject);
    let line = line.replace("empty", BUCKET);
    expect(1, dir.path(), &format!("{line} --out other.toml"), &[]).await;
}

#[tokio::test]
async fn l04_what_stands_before_the_keys_is_found() {
    let (dir, server) = (TempDir::new().unwrap(), bucket().await);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("app.db")).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, media TEXT, cdn TEXT, word TEXT);
        INSERT INTO t VALUES (1, '1.jpg', '/media/files/avatars/2.jpg', 'https://c.example/x/y/avatars/3.jpg', 'photo');
        INSERT INTO t VALUES (2, '4.jpg', '/media/files/avatars/5.jpg', 'https://c.example/x/y/avatars/6.jpg', 'a.jpg');";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    drop(connection);
    let line = format!("s3gc init --url sqlite:app.db --bucket {BUCKET} --endpoint {}", server.endpoint());
    expect(0, dir.path(), &format!("{line} --region us-east-1"), &[]).await;
    let file = std::fs::read_to_string(dir.path().join("s3gc.toml")).unwrap();
    for part in
        ["prepend = \"avatars/\"", "strip = \"/media/files/\"", "base_urls = [\"https://c.example/x/y/\"]", "t.word"]
    {
        assert!(file.contains(part), "{part}: {file}");
    }
    let plan = expect(0, dir.path(), "s3gc plan --json", &[]).await;
    let report: Value = serde_json::from_str(plan.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(report["counts"]["kept"]["referenced"]["objects"], 6, "{report}");
}

#[tokio::test]
async fn a_directory_is_looked_at_like_a_bucket() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir_all(dir.path().join("uploads/avatars")).unwrap();
    std::fs::write(dir.path().join("uploads/avatars/1.jpg"), "x").unwrap();
    let line = "sqlite3 app.db \"CREATE TABLE users (avatar TEXT); INSERT INTO users VALUES ('/avatars/1.jpg')\"";
    if super::shell(dir.path(), line, &[]).await.code == 0 {
        let variables = [("DATABASE_URL", "sqlite:app.db")];
        let done = expect(0, dir.path(), "s3gc init --from-env --path uploads", &variables).await;
        assert!(done.stdout.contains("users.avatar"), "{done:?}");
        expect(0, dir.path(), "s3gc config validate", &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_postgres_are_proposed_with_schemas_arrays_and_refusals() {
    let Some(postgres) = Postgres::shared() else { return };
    let (dir, server) = (TempDir::new().unwrap(), bucket().await);
    let url = postgres.fresh_database();
    postgres.sql(&url, &(schema("text", "jsonb") + &rows()));
    postgres.sql(
        &url,
        &format!(
            "CREATE SCHEMA \"Old Blog\"; CREATE TABLE \"Old Blog\".posts (id int, pictures varchar(200)[]);
             INSERT INTO \"Old Blog\".posts VALUES (1, ARRAY['avatars/1.jpg', 'gone.jpg']);
             ALTER TABLE posts SET SCHEMA public;
             CREATE TABLE secret (path text); INSERT INTO secret VALUES ('avatars/2.jpg');
             CREATE VIEW everybody AS SELECT avatar_url FROM users;
             CREATE ROLE looker LOGIN PASSWORD '{PASSWORD}'; GRANT USAGE ON SCHEMA \"Old Blog\" TO looker;
             GRANT SELECT ON users, posts, products, audit_log, videos, drafts, \"Old Blog\".posts TO looker;"
        ),
    );
    let database = url.rsplit('/').next().unwrap();
    let url = postgres.url_as("looker", PASSWORD, database);
    let line = format!("s3gc init --json --url \"$URL\" --bucket {BUCKET} --endpoint {}", server.endpoint());
    let done = expect(0, dir.path(), &line, &[("URL", &url)]).await;
    let file = std::fs::read_to_string(dir.path().join("s3gc.toml")).unwrap();
    let document: Value = serde_json::from_str(done.stdout.trim_end()).unwrap();
    assert!(!done.stdout.contains(PASSWORD) && !done.stderr.contains(PASSWORD) && !file.contains(PASSWORD));
    // Two tables of one name: both are written with their schemas.
    assert!(file.contains("table = \"public.posts\""), "{file}");
    assert!(file.contains("table = '\"Old Blog\".posts'"), "{file}");
    assert!(file.contains("kind = \"array\"") && file.contains("url = \"${DATABASE_URL}\""), "{file}");
    let columns = document["columns"].as_array().unwrap();
    assert!(columns.iter().all(|column| column["table"] != "everybody"), "{columns:?}");
    let secret = columns.iter().find(|column| column["table"] == "secret").unwrap();
    assert!(secret["refused"].as_str().unwrap().contains("GRANT SELECT"), "{secret}");
    assert!(file.contains("secret.path") && !file.contains("table = \"secret\""), "{file}");
    let plan = expect(0, dir.path(), "s3gc plan --json", &[("DATABASE_URL", &url)]).await;
    let report: Value = serde_json::from_str(plan.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(report["counts"]["kept"]["referenced"]["objects"], 161, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_mariadb_are_proposed() {
    let Some(mariadb) = MariaDb::shared() else { return };
    let (dir, server) = (TempDir::new().unwrap(), bucket().await);
    let url = mariadb.fresh_database();
    mariadb.sql(&url, &(schema("VARCHAR(200)", "JSON") + &rows()));
    let (_, file) = propose(dir.path(), &server, &url).await;
    assert!(file.contains("url = \"${DATABASE_URL}\""), "{file}");
}

#[tokio::test]
async fn frameworks_are_known_by_their_tables_even_before_there_are_rows() {
    let dir = TempDir::new().unwrap();
    let server = S3Mem::start(Options::default().bucket(BUCKET)).await.unwrap();
    let bucket = server.bucket(BUCKET);
    let old = "2026-01-02T03:04:05Z".parse().unwrap();
    let keys = ["wp-content/uploads/2020/01/a.jpg", "wp-content/uploads/2020/01/a-300x200.jpg", "k3yk3yk3y", "7/x.jpg"];
    for key in keys.iter().chain(&["wp-content/uploads/2020/01/gone.jpg", "8/y.jpg"]) {
        bucket.put(key, "x", PutSpec::default().last_modified(old));
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("app.db")).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let sql = r#"
        CREATE TABLE wp_posts (ID INTEGER PRIMARY KEY, post_content TEXT, guid TEXT);
        CREATE TABLE wp_postmeta (meta_id INTEGER PRIMARY KEY, meta_key TEXT, meta_value TEXT);
        INSERT INTO wp_postmeta VALUES (1, '_wp_attached_file', '2020/01/a.jpg');
        CREATE TABLE active_storage_blobs (id INTEGER PRIMARY KEY, key TEXT);
        INSERT INTO active_storage_blobs VALUES (1, 'k3yk3yk3y');
        CREATE TABLE media (id INTEGER PRIMARY KEY, collection_name TEXT, file_name TEXT);
        INSERT INTO media VALUES (7, 'images', 'x.jpg');"#;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    drop(connection);
    let line = format!("s3gc init --url sqlite:app.db --bucket {BUCKET} --endpoint {}", server.endpoint());
    let init = expect(0, dir.path(), &line, &[]).await;
    let file = std::fs::read_to_string(dir.path().join("s3gc.toml")).unwrap();
    for part in [
        "preset = \"wordpress\"\n",
        "class = \"wp_\"",
        "preset = \"active_storage\"",
        "preset = \"laravel_medialibrary\"",
    ] {
        assert!(file.contains(part), "{part}: {file}");
    }
    let plan = expect(0, dir.path(), "s3gc plan --show columns", &[]).await;
    assert!(
        plan.stdout.contains("referenced 4 ") && plan.stdout.contains("main: wp_postmeta.meta_value"),
        "{plan:?} {init:?}"
    );
}

#[tokio::test]
async fn names_of_files_in_a_directory_of_each_row_become_a_template() {
    let (dir, server) = (TempDir::new().unwrap(), S3Mem::start(Options::default().bucket(BUCKET)).await.unwrap());
    let bucket = server.bucket(BUCKET);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("app.db")).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let mut sql = "CREATE TABLE users (id INTEGER PRIMARY KEY, \"my pic\" TEXT);".to_owned();
    for n in 1..30 {
        sql.push_str(&format!("INSERT INTO users VALUES ({n}, 'pic {n}.png');"));
        for key in [format!("up/user/{n}/pic {n}.png"), format!("up/user/{n}/old.png")] {
            bucket.put(&key, "x", PutSpec::default().last_modified("2026-01-02T03:04:05Z".parse().unwrap()));
        }
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    drop(connection);
    let line = format!("s3gc init --url sqlite:app.db --bucket {BUCKET} --endpoint {}", server.endpoint());
    let init = expect(0, dir.path(), &line, &[]).await;
    assert!(init.stdout.contains("29/29") && init.stdout.contains("in up/user/{id}/{my pic}"), "{init:?}");
    let plan = expect(0, dir.path(), "s3gc plan", &[]).await;
    assert!(plan.stdout.contains("listed 58 · referenced 29"), "{plan:?}");
}
