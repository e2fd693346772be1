//! What is particular to PostgreSQL.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{bucket, chain, connect, refused, scan};
use futures::StreamExt;
use s3gc_source::extract::Kind;
use s3gc_source::{Drain, Error, ReferenceSource, ScanItem, ScanRequest};
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_testkit::servers::Postgres;
use sqlx::{Connection, PgConnection};

/// A database of the shared server with these tables.
fn database(statements: &str) -> Option<(&'static Postgres, String)> {
    let server = Postgres::shared()?;
    let url = server.fresh_database();
    server.sql(&url, statements);
    Some((server, url))
}

#[tokio::test]
async fn every_type_that_can_hold_a_key_is_read() {
    let types = [
        ("text", "'k/1.jpg'"),
        ("varchar(99)", "'k/1.jpg'"),
        ("char(40)", "'k/1.jpg'"),
        ("citext", "'k/1.jpg'"),
        ("name", "'k/1.jpg'"),
        ("xml", "'<img src=\"k/1.jpg\"/>'"),
        ("json", "'{\"a\": [\"k/1.jpg\"]}'"),
        ("jsonb", "'{\"a\": [\"k/1.jpg\"]}'"),
        ("hstore", "'\"a\"=>\"k/1.jpg\"'"),
        ("text[]", "'{a,k/1.jpg}'"),
        ("varchar(99)[]", "'{a,k/1.jpg}'"),
        ("uploads", "'k/1.jpg'"),
        ("key_domain", "'k/1.jpg'"),
        ("key_domain[]", "'{k/1.jpg}'"),
    ];
    let columns: Vec<String> = types.iter().enumerate().map(|(i, (t, v))| format!("c{i} {t} DEFAULT {v}")).collect();
    let statements = format!(
        "CREATE EXTENSION citext; CREATE EXTENSION hstore;
         CREATE TYPE uploads AS ENUM ('k/1.jpg'); CREATE DOMAIN key_text AS text; CREATE DOMAIN key_domain AS key_text;
         CREATE TABLE t (id int PRIMARY KEY, u uuid, {}); INSERT INTO t VALUES (1, 'e7b2c1d0-0000-4000-8000-00000000000a')",
        columns.join(", ")
    );
    let Some((_, url)) = database(&statements) else { return };
    let references = (0..types.len()).map(|i| Reference::column("t", &format!("c{i}")));
    let source = connect(&url, references.chain([Reference::column("t", "u")])).await.unwrap();
    let found = scan(&source, ScanRequest::census()).await.unwrap();
    for (i, (name, _)) in types.iter().enumerate() {
        let column = format!("t.c{i}");
        let batches = found.batches.iter().filter(|b| b.column().as_str() == column);
        let read = batches.flat_map(|b| b.readings()).any(|r| r.as_str() == "k/1.jpg");
        assert!(read, "{name} was not read: {found:?}");
        assert_eq!((found.counts(&column).rows, found.counts(&column).values), (1, 1), "{name}");
    }
    assert!(found.has("e7b2c1d0-0000-4000-8000-00000000000a"));
}

#[tokio::test]
async fn a_type_that_cannot_hold_a_key_is_refused_by_name() {
    let types =
        ["bytea", "integer", "bigint", "boolean", "timestamptz", "date", "numeric", "integer[]", "point", "bytes"];
    let columns: Vec<String> = types.iter().enumerate().map(|(i, t)| format!("c{i} {t}")).collect();
    let sql = format!("CREATE DOMAIN bytes AS bytea; CREATE TABLE t ({})", columns.join(", "));
    let Some((_, url)) = database(&sql) else { return };
    for (i, name) in types.iter().enumerate() {
        let name = name.replace("timestamptz", "timestamp with time zone");
        let parts = [format!("t.c{i}"), name, "cannot hold a key".into(), "SELECT".into()];
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let error = refused(&url, [Reference::column("t", &format!("c{i}"))], &parts).await;
        assert!(error.is_configuration());
    }
    refused(&url, [Reference::query("SELECT c0 FROM t")], &["bytea"]).await;
}

#[tokio::test]
async fn l01_a_missing_table_or_column_is_an_error_with_the_nearest_name() {
    let Some((_, url)) = database("CREATE TABLE users (avatar_url text)") else { return };
    refused(&url, [Reference::column("usrs", "avatar_url")], &["usrs.avatar_url", "did you mean users?"]).await;
    refused(&url, [Reference::column("users", "avatar")], &["no column avatar", "did you mean avatar_url?"]).await;
    refused(&url, [Reference::column("Users", "avatar_url")], &["did you mean users?"]).await;
    refused(&url, [Reference::column("a.b.c", "x")], &["no name of a table"]).await;
    refused(&url, [], &["no table and no query"]).await;
    let twice = [Reference::column("users", "avatar_url"), Reference::column("public.users", "avatar_url")];
    refused(&url, twice, &["configured twice"]).await;
}

#[tokio::test]
async fn a_table_in_several_schemas_must_be_qualified() {
    let sql = "CREATE SCHEMA blog; CREATE TABLE posts (image text); CREATE TABLE blog.posts (image text);
         INSERT INTO posts VALUES ('public.jpg'); INSERT INTO blog.posts VALUES ('blog.jpg');
         CREATE SCHEMA \"My Schema\"; CREATE TABLE \"My Schema\".\"a\"\".b\" (\"Im age\" text);
         INSERT INTO \"My Schema\".\"a\"\".b\" VALUES ('quoted.jpg')";
    let Some((_, url)) = database(sql) else { return };
    refused(&url, [Reference::column("posts", "image")], &["several schemas", "blog", "public", "schema.table"]).await;
    let references =
        [Reference::column("blog.posts", "image"), Reference::column("\"My Schema\".\"a\"\".b\"", "Im age")];
    let found = scan(&connect(&url, references).await.unwrap(), ScanRequest::census()).await.unwrap();
    assert!(found.has("blog.jpg") && found.has("quoted.jpg") && !found.has("public.jpg"));
}

#[tokio::test]
async fn partitioned_tables_and_views_are_read_and_others_refused() {
    let sql = "CREATE TABLE p (day date, image text) PARTITION BY RANGE (day);
         CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
         CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
         INSERT INTO p VALUES ('2026-01-05', 'one.jpg'), ('2026-02-05', 'two.jpg');
         CREATE VIEW v AS SELECT image FROM p; CREATE MATERIALIZED VIEW m AS SELECT image FROM p;
         CREATE TABLE base (image text); CREATE TABLE child () INHERITS (base); INSERT INTO child VALUES ('child.jpg')";
    let Some((_, url)) = database(sql) else { return };
    for (table, key) in [("p", "two.jpg"), ("p1", "one.jpg"), ("v", "two.jpg"), ("base", "child.jpg")] {
        let source = connect(&url, [Reference::column(table, "image")]).await.unwrap();
        assert!(scan(&source, ScanRequest::census()).await.unwrap().has(key), "{table}");
        assert_eq!(scan(&source, ScanRequest::trace()).await.unwrap().rows(key).len(), 1, "{table}");
    }
    refused(&url, [Reference::column("m", "image")], &["materialised view"]).await;
}

#[tokio::test]
async fn a_trace_names_the_row() {
    let sql = "CREATE TABLE one (id int PRIMARY KEY, image text); INSERT INTO one VALUES (42, 'a.jpg');
         CREATE TABLE two (b text, a int, image text, PRIMARY KEY (a, b)); INSERT INTO two VALUES ('x', 7, 'b.jpg');
         CREATE TABLE none (image text); INSERT INTO none VALUES ('c.jpg')";
    let Some((_, url)) = database(sql) else { return };
    let references = ["one", "two", "none"].map(|table| Reference::column(table, "image"));
    let query = Reference::query("SELECT image FROM one");
    let source = connect(&url, references.into_iter().chain([query])).await.unwrap();
    let found = scan(&source, ScanRequest::trace()).await.unwrap();
    assert_eq!(found.rows("a.jpg"), ["id=42", "row 1 of the result"]);
    assert_eq!(found.rows("b.jpg"), ["a=7, b=x"]);
    assert_eq!(found.rows("c.jpg"), ["ctid=(0,1)"]);
}

#[tokio::test]
async fn a_query_is_read_column_by_column() {
    let sql =
        "CREATE TABLE pages (body text, cover text); INSERT INTO pages VALUES ('see (a/b.jpg)', 'c.jpg'), (NULL, '')";
    let Some((_, url)) = database(sql) else { return };
    let query =
        r#"{"sql": "-- pages\nWITH x AS (SELECT * FROM pages) SELECT body, cover AS c FROM x;", "name": "cms"}"#;
    let query: Reference = serde_json::from_str(query).unwrap();
    let source = connect(&url, [query]).await.unwrap();
    let found = scan(&source, ScanRequest::census()).await.unwrap();
    assert!(found.has("a/b.jpg") && found.has("c.jpg"));
    assert_eq!((found.counts("cms.body").rows, found.counts("cms.body").nulls), (2, 1));
    assert_eq!((found.counts("cms.c").rows, found.counts("cms.c").values), (2, 1));

    refused(&url, [Reference::query("DELETE FROM pages")], &["SELECT or WITH"]).await;
    refused(&url, [Reference::query("SELECT 1; SELECT 2")], &["multiple commands"]).await;
    refused(&url, [Reference::query("SELECT cover, body AS cover FROM pages")], &["two columns of this name"]).await;
    refused(&url, [Reference::query("SELECT nothing FROM pages")], &["nothing"]).await;
    // It begins as a query, and is none: only the scan finds out, and nothing is written.
    let writes = Reference::query("WITH d AS (DELETE FROM pages RETURNING cover) SELECT cover FROM d");
    let error = match connect(&url, [writes]).await {
        Ok(source) => scan(&source, ScanRequest::census()).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(chain(&error).contains("read-only transaction"), "{}", chain(&error));
    assert!(scan(&source, ScanRequest::census()).await.unwrap().has("c.jpg"));
}

#[tokio::test]
async fn a_large_table_comes_in_batches() {
    let sql = "CREATE TABLE t (a text, b text); INSERT INTO t SELECT 'a/' || n, repeat('x', 500) || n FROM generate_series(1, 20000) n";
    let Some((_, url)) = database(sql) else { return };
    let source = connect(&url, [Reference::column("t", "a"), Reference::column("t", "b")]).await.unwrap();
    let found = scan(&source, ScanRequest::census()).await.unwrap();
    assert!(found.has("a/1") && found.has("a/20000"));
    assert_eq!((found.counts("t.a").rows, found.counts("t.b").readings), (20000, 20000));
    for batch in &found.batches {
        let bytes: usize = batch.readings().map(|r| r.as_str().len()).sum();
        assert!(batch.counts().rows <= 4096 && bytes < 300 * 1024, "{} rows, {bytes} bytes", batch.counts().rows);
    }
}

#[tokio::test]
async fn l07_all_tables_are_read_at_one_instant() {
    let sql = "CREATE TABLE first (k text); CREATE TABLE second (k text);
         INSERT INTO first SELECT 'many/' || n FROM generate_series(1, 50000) n; INSERT INTO second VALUES ('moving.jpg')";
    let Some((server, url)) = database(sql) else { return };
    let source = connect(&url, [Reference::column("first", "k"), Reference::column("second", "k")]).await.unwrap();
    for request in [ScanRequest::census(), ScanRequest::look()] {
        let mut items = source.scan(request);
        let mut found = Vec::new();
        found.push(items.next().await.unwrap().unwrap());
        // The first table is being read: the reference moves there from the second, in one transaction.
        server.sql(&url, "BEGIN; INSERT INTO first SELECT k FROM second; DELETE FROM second; COMMIT");
        while let Some(item) = items.next().await {
            found.push(item.unwrap());
        }
        let has =
            |item: &ScanItem| matches!(item, ScanItem::Batch(b) if b.readings().any(|r| r.as_str() == "moving.jpg"));
        assert!(found.iter().any(has), "{request:?} misses a reference that was there all the time");
        server.sql(
            &url,
            "BEGIN; INSERT INTO second VALUES ('moving.jpg'); DELETE FROM first WHERE k = 'moving.jpg'; COMMIT",
        );
    }
}

#[tokio::test]
async fn i04_a_table_cannot_be_truncated_or_rewritten_under_a_scan() {
    let sql = "CREATE TABLE first (k text); CREATE TABLE second (k text);
         INSERT INTO first SELECT 'many/' || n FROM generate_series(1, 50000) n; INSERT INTO second VALUES ('kept.jpg')";
    let Some((server, url)) = database(sql) else { return };
    let queried = Reference::query("SELECT k FROM second");
    for second in [Reference::column("second", "k"), queried] {
        for statement in ["TRUNCATE second", "ALTER TABLE second ALTER k TYPE varchar(99) USING k || ''"] {
            let source = connect(&url, [Reference::column("first", "k"), second.clone()]).await.unwrap();
            let mut items = source.scan(ScanRequest::census());
            let first = items.next().await.unwrap().unwrap();
            assert!(matches!(first, ScanItem::Batch(_)));
            // It waits for the scan, which still has to read the second table.
            let error = server.try_sql(&url, &format!("SET lock_timeout = '300ms'; {statement}")).unwrap_err();
            assert!(error.to_string().contains("lock timeout"), "{statement}: {error}");
            let rest: Vec<_> = items.map(Result::unwrap).collect().await;
            let has =
                |item: &ScanItem| matches!(item, ScanItem::Batch(b) if b.readings().any(|r| r.as_str() == "kept.jpg"));
            assert!(rest.iter().any(has), "{second:?}: {statement}");
        }
    }
}

#[tokio::test]
async fn i04_a_connection_that_breaks_is_an_error_and_no_end() {
    let sql = "CREATE TABLE t (k text); INSERT INTO t SELECT repeat('x', 500) || n FROM generate_series(1, 50000) n";
    let Some((server, url)) = database(sql) else { return };
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    let mut items = source.scan(ScanRequest::census());
    items.next().await.unwrap().unwrap();
    let killed = server.sql(
        &url,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE application_name = 's3gc' AND datname = current_database()",
    );
    assert_eq!(killed.trim(), "1");
    let rest: Vec<_> = items.collect().await;
    assert!(rest.last().is_some_and(|item| item.as_ref().is_err_and(Error::is_transient)), "{:?}", rest.last());
    assert!(!rest.iter().any(|item| matches!(item, Ok(ScanItem::End(_)))));
}

#[tokio::test]
async fn i04_the_snapshot_is_taken_after_the_locks() {
    // LOCK TABLE takes no snapshot: what is committed between BEGIN and the lock is seen, and a TRUNCATE then does not
    // make the table look empty.
    let Some((server, url)) = database("CREATE TABLE t (k text); INSERT INTO t VALUES ('old.jpg')") else { return };
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN; TRUNCATE t; INSERT INTO t VALUES ('new.jpg')").execute(&mut other).await.unwrap();
    let waiting = async {
        let found = scan(&source, ScanRequest::census()).await.unwrap();
        assert!(found.has("new.jpg") && !found.has("old.jpg"), "{found:?}");
    };
    let committing = async {
        loop {
            let waits =
                server.sql(&url, "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessShareLock'");
            if waits.trim() != "0" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    };
    tokio::join!(waiting, committing);
}

#[tokio::test]
async fn i04_a_policy_that_hides_rows_is_an_error() {
    let sql = "CREATE TABLE t (k text, owner text); INSERT INTO t VALUES ('hidden.jpg', 'x');
         ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON t USING (owner = current_user);
         GRANT SELECT ON t TO app; CREATE VIEW v AS SELECT k FROM t; ALTER VIEW v OWNER TO app; GRANT SELECT ON v TO app";
    let Some((server, url)) = database(sql) else { return };
    let url = server.url_as(Postgres::USER, Postgres::PASSWORD, url.rsplit('/').next().unwrap());
    for table in ["t", "v"] {
        let source = connect(&url, [Reference::column(table, "k")]).await.unwrap();
        for request in [ScanRequest::census(), ScanRequest::look()] {
            let error = scan(&source, request).await.unwrap_err();
            assert!(chain(&error).contains("row-level security"), "{table}: {}", chain(&error));
        }
    }
}

#[tokio::test]
async fn a_table_without_privileges_is_an_error_that_names_it() {
    let sql = "CREATE TABLE t (k text, secret text); CREATE TABLE u (k text); GRANT SELECT (k) ON u TO app;
         CREATE SCHEMA closed; CREATE TABLE closed.w (k text); GRANT SELECT ON closed.w TO app";
    let Some((server, url)) = database(sql) else { return };
    let url = server.url_as(Postgres::USER, Postgres::PASSWORD, url.rsplit('/').next().unwrap());
    for table in ["t", "w"] {
        let error = refused(&url, [Reference::column(table, "k")], &[table, "permission denied", "GRANT SELECT"]).await;
        assert!(matches!(error, Error::PermissionDenied { .. }));
    }
    let source = connect(&url, [Reference::column("u", "k")]).await.unwrap();
    let error = scan(&source, ScanRequest::census()).await.unwrap_err();
    assert!(chain(&error).contains("whole table"), "{}", chain(&error));
}

#[tokio::test]
async fn i12_no_error_shows_the_password() {
    let Some((server, url)) = database("CREATE TABLE t (k text)") else { return };
    let name = url.rsplit('/').next().unwrap();
    let reference = || [Reference::column("t", "k")];
    let wrong = server.url_as(Postgres::USER, "wrong-secret", name);
    let missing = server.url_as(Postgres::USER, Postgres::PASSWORD, "no_such_database");
    let closed = format!("postgres://app:{}@127.0.0.1:1/{name}", Postgres::PASSWORD);
    let bad_port = format!("postgres://app:{}@127.0.0.1:99999/{name}", Postgres::PASSWORD);
    let scheme = format!("oracle://app:{}@127.0.0.1/{name}", Postgres::PASSWORD);
    for (url, part) in [
        (&wrong, "password authentication failed"),
        (&missing, "does not exist"),
        (&closed, "not reachable"),
        (&bad_port, "port"),
        (&scheme, "postgres://"),
    ] {
        let error = refused(url, reference(), &[part]).await;
        let shown = format!("{} {error:?}", chain(&error));
        assert!(!shown.contains("secret") && !shown.contains(Postgres::PASSWORD), "{shown}");
    }
    assert!(matches!(refused(&wrong, reference(), &[]).await, Error::LoginRefused { .. }));
    assert!(matches!(refused(&missing, reference(), &[]).await, Error::LoginRefused { .. }));
    assert!(matches!(refused(&closed, reference(), &[]).await, Error::Unavailable { .. }));
    let source = connect(&url, reference()).await.unwrap();
    assert!(!format!("{source:?}").contains(Postgres::PASSWORD));
}

#[tokio::test]
async fn drain_names_the_blocker_and_waits_for_prepared_transactions() {
    // A server of its own: other tests have open transactions, too.
    let Some(server) = s3gc_testkit::servers::require(Postgres::start()) else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE t (k text)");
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    let soon = std::time::Duration::from_millis(300);

    let mut reader = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t").execute(&mut reader).await.unwrap();
    assert_eq!(source.drain(soon).await.unwrap(), Drain::Done, "who only reads does not block");

    let mut writer = PgConnection::connect(&format!("{url}?application_name=uploader")).await.unwrap();
    sqlx::raw_sql("BEGIN; INSERT INTO t VALUES ('a')").execute(&mut writer).await.unwrap();
    let Drain::Blocked { by } = source.drain(soon).await.unwrap() else { panic!("not blocked") };
    assert!(by.contains("postgres (uploader), idle in transaction, since"), "{by}");

    let user = server.url_as(Postgres::USER, Postgres::PASSWORD, url.rsplit('/').next().unwrap());
    server.sql(&url, "GRANT SELECT ON t TO app");
    let unprivileged = connect(&user, [Reference::column("t", "k")]).await.unwrap();
    let Drain::Blocked { by } = unprivileged.drain(soon).await.unwrap() else { panic!("not blocked") };
    assert!(by.contains("process ") && by.contains("postgres"), "{by}");

    sqlx::raw_sql("PREPARE TRANSACTION 'two-phase'").execute(&mut writer).await.unwrap();
    let Drain::Blocked { by } = source.drain(soon).await.unwrap() else { panic!("not blocked") };
    assert!(by.contains("prepared transaction two-phase of postgres"), "{by}");
    server.sql(&url, "COMMIT PREPARED 'two-phase'");
    assert_eq!(source.drain(soon).await.unwrap(), Drain::Done);
}

#[tokio::test]
async fn the_status_tells_system_database_timeline_and_position() {
    let Some((server, url)) = database("CREATE TABLE t (k text, l text)") else { return };
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    let status = source.status().await.unwrap().unwrap();
    let id = server.sql(&url, "SELECT system_identifier FROM pg_control_system()");
    assert_eq!(status.identity.system, id.trim());
    assert!(status.identity.database.starts_with(url.rsplit('/').next().unwrap()));
    assert_eq!(status.identity.timeline.as_deref(), Some("00000001"));
    assert!(status.position.is_some_and(|p| p > 0) && status.now.is_some());

    let other = server.fresh_database();
    server.sql(&other, "CREATE TABLE t (k text, l text)");
    let moved = connect(&other, [Reference::column("t", "k")]).await.unwrap().status().await.unwrap().unwrap();
    assert_ne!(moved.identity.database, status.identity.database);
    assert_eq!(moved.identity.schema, status.identity.schema);
    server.sql(&url, "ALTER TABLE t ALTER k TYPE varchar(99)");
    assert_ne!(source.status().await.unwrap().unwrap().identity.schema, status.identity.schema);

    server.sql(&url, "GRANT SELECT ON t TO app; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    let user = server.url_as(Postgres::USER, Postgres::PASSWORD, url.rsplit('/').next().unwrap());
    let status = connect(&user, [Reference::column("t", "k")]).await.unwrap().status().await.unwrap().unwrap();
    assert!(status.identity.system.contains("without identifier"), "{}", status.identity.system);
}

#[tokio::test]
async fn l06_a_standby_is_refused() {
    let Some(primary) = s3gc_testkit::servers::require(Postgres::start()) else { return };
    let url = primary.fresh_database();
    primary.sql(&url, "CREATE TABLE t (k text)");
    let Some(standby) = s3gc_testkit::servers::require(primary.start_standby()) else { return };
    let url = standby.url(url.rsplit('/').next().unwrap());
    let error = refused(&url, [Reference::column("t", "k")], &["primary", "pg_is_in_recovery"]).await;
    assert!(matches!(error, Error::NotPrimary { .. }));
}

#[tokio::test]
async fn what_strip_and_kind_say_is_done() {
    let sql = "CREATE TABLE t (dir text, path text); INSERT INTO t VALUES ('videos/42', '/media/a.jpg')";
    let Some((_, url)) = database(sql) else { return };
    let path: Reference =
        serde_json::from_str(r#"{"table": "t", "column": "path", "strip": "/media/", "prepend": "uploads/"}"#).unwrap();
    let references = [Reference::column("t", "dir").with_kind(Kind::Prefix), path];
    let source = SqlSource::connect(SqlConfig::new("main", &url, references), &bucket()).await.unwrap();
    let found = scan(&source, ScanRequest::census()).await.unwrap();
    assert!(found.has("videos/42/") && found.has("uploads/a.jpg") && found.has("/media/a.jpg"));
}

#[tokio::test]
async fn a_template_is_filled_from_columns_of_any_type_and_what_is_optional_may_be_missing() {
    let Some(server) = s3gc_testkit::servers::require(Postgres::start()) else { return };
    let url = server.fresh_database();
    server.sql(
        &url,
        "CREATE TABLE users (id bigint PRIMARY KEY, avatar text, doc jsonb);
         INSERT INTO users VALUES (1234, 'a b.jpg', '{\"image\": {\"url\": \"doc.jpg\"}, \"title\": \"title.jpg\"}'),
            (5, NULL, NULL)",
    );
    let json: Reference =
        serde_json::from_str(r#"{"table": "users", "column": "doc", "kind": "json", "json_paths": ["$.image.url"]}"#)
            .unwrap();
    let optional: Reference =
        serde_json::from_str(r#"{"table": "as3cf_items", "column": "path", "optional": true}"#).unwrap();
    let references = [
        Reference::template("users", "uploads/user/{id}/{avatar}"),
        Reference::template("users", "p/{id|id_partition}/").with_kind(Kind::Prefix),
        Reference::column("users", "avatar"),
        json,
        optional.clone(),
    ];
    let source = connect(&url, references.clone()).await.unwrap();
    let found = scan(&source, ScanRequest::census()).await.unwrap();
    for key in ["uploads/user/1234/a b.jpg", "a b.jpg", "doc.jpg"] {
        assert!(found.has(key), "{key}");
    }
    assert!(!found.has("title.jpg") && !found.has("uploads/user/5/"));
    assert!(found.has("p/000/001/234/") && found.has("p/000/000/005/"));
    let traced = scan(&source, ScanRequest::trace()).await.unwrap();
    assert!(traced.has("uploads/user/1234/a b.jpg"));
    let unwatched = source.sample_unwatched(&s3gc_source::UnwatchedRequest::new([].into(), [].into())).await.unwrap();
    assert!(unwatched.columns.is_empty(), "all columns are read: {unwatched:?}");

    // What is optional is watched as soon as it is there, and what is there is never left out.
    let before = source.status().await.unwrap().unwrap().identity.schema;
    server.sql(&url, "CREATE TABLE as3cf_items (path text); INSERT INTO as3cf_items VALUES ('new.jpg')");
    assert!(scan(&source, ScanRequest::look()).await.unwrap().has("new.jpg"));
    assert_ne!(source.status().await.unwrap().unwrap().identity.schema, before);
    let missing = connect(&url, [Reference::template("users", "{id}/{avatr}")]).await.unwrap_err();
    assert!(chain(&missing).contains("did you mean avatar?"), "{}", chain(&missing));
    let broken = connect(&url, [Reference::template("users", "{id")]).await.unwrap_err();
    assert!(chain(&broken).contains("has no partner"), "{}", chain(&broken));
}
