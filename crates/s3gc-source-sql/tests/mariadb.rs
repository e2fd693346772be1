//! What is particular to MySQL and MariaDB.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{chain, connect, refused, scan};
use futures::StreamExt;
use s3gc_source::{Drain, Error, ReferenceSource, ScanItem, ScanRequest};
use s3gc_source_sql::Reference;
use s3gc_testkit::servers::MariaDb;
use sqlx::{Connection, MySqlConnection};

/// A database of the shared server with these tables.
fn database(statements: &str) -> Option<(&'static MariaDb, String)> {
    let server = MariaDb::shared()?;
    let url = server.fresh_database();
    server.sql(&url, statements);
    Some((server, url))
}

fn as_user(server: &MariaDb, url: &str) -> String {
    server.url_as(MariaDb::USER, MariaDb::PASSWORD, url.rsplit('/').next().unwrap())
}

#[tokio::test]
async fn every_type_that_can_hold_a_key_is_read() {
    let types = [
        ("char(40)", "'k/1.jpg'"),
        ("varchar(99)", "'k/1.jpg'"),
        ("tinytext", "'k/1.jpg'"),
        ("text", "'k/1.jpg'"),
        ("mediumtext", "'k/1.jpg'"),
        ("longtext", "'k/1.jpg'"),
        ("json", "'[\"k/1.jpg\"]'"),
        ("enum('k/1.jpg')", "'k/1.jpg'"),
        ("varchar(99) CHARACTER SET latin1", "'k/1.jpg'"),
        ("varchar(99) CHARACTER SET utf16", "'k/1.jpg'"),
    ];
    let columns: Vec<String> = types.iter().enumerate().map(|(i, (t, _))| format!("c{i} {t}")).collect();
    let values: Vec<&str> = types.iter().map(|(_, v)| *v).collect();
    let sql = format!("CREATE TABLE t ({}); INSERT INTO t VALUES ({})", columns.join(", "), values.join(", "));
    let Some((_, url)) = database(&sql) else { return };
    let references = (0..types.len()).map(|i| Reference::column("t", &format!("c{i}")));
    let found = scan(&connect(&url, references).await.unwrap(), ScanRequest::census()).await.unwrap();
    for (i, (name, _)) in types.iter().enumerate() {
        let column = format!("t.c{i}");
        let batches = found.batches.iter().filter(|b| b.column().as_str() == column);
        assert!(batches.flat_map(|b| b.readings()).any(|r| r.as_str() == "k/1.jpg"), "{name} was not read");
    }
}

#[tokio::test]
async fn text_comes_as_utf_8_whatever_the_column_and_the_url_say() {
    let sql = "CREATE TABLE t (a varchar(99) CHARACTER SET latin1, b varchar(99) CHARACTER SET utf8mb4);
         INSERT INTO t VALUES ('café.jpg', '😀.jpg')";
    let Some((_, url)) = database(sql) else { return };
    let references = [Reference::column("t", "a"), Reference::column("t", "b")];
    let source = connect(&format!("{url}?charset=latin1"), references).await.unwrap();
    let found = scan(&source, ScanRequest::census()).await.unwrap();
    assert!(found.has("café.jpg") && found.has("😀.jpg"), "{found:?}");
}

#[tokio::test]
async fn a_type_that_cannot_hold_a_key_is_refused_by_name() {
    let types = ["blob", "varbinary(99)", "int(11)", "tinyint(1)", "datetime", "decimal(10,2)", "bit(1)"];
    let columns: Vec<String> = types.iter().enumerate().map(|(i, t)| format!("c{i} {t}")).collect();
    let Some((_, url)) = database(&format!("CREATE TABLE t ({})", columns.join(", "))) else { return };
    for (i, name) in types.iter().enumerate() {
        refused(&url, [Reference::column("t", &format!("c{i}"))], &[name, "cannot hold a key"]).await;
    }
}

#[tokio::test]
async fn l01_a_missing_table_or_column_is_an_error_with_the_nearest_name() {
    let Some((server, url)) =
        database("CREATE TABLE users (avatar_url text, `a``b` text); INSERT INTO users VALUES ('a', 'b')")
    else {
        return;
    };
    refused(&url, [Reference::column("usrs", "avatar_url")], &["did you mean users?"]).await;
    refused(&url, [Reference::column("users", "avatar")], &["did you mean avatar_url?"]).await;
    let other = server.fresh_database();
    let name = url.rsplit('/').next().unwrap();
    let qualified = [Reference::column(&format!("{name}.users"), "AVATAR_URL"), Reference::column("users", "a`b")];
    refused(&other, [Reference::column("users", "avatar_url")], &["no table users"]).await;
    let found = scan(&connect(&url, qualified).await.unwrap(), ScanRequest::census()).await.unwrap();
    assert!(found.has("a") && found.has("b"));
}

#[tokio::test]
async fn i04_a_table_without_transactions_is_refused_by_its_engine() {
    let Some((_, url)) =
        database("CREATE TABLE t (k text) ENGINE = MyISAM; CREATE TABLE m (k char(9)) ENGINE = MEMORY")
    else {
        return;
    };
    refused(&url, [Reference::column("t", "k")], &["MyISAM", "InnoDB"]).await;
    refused(&url, [Reference::column("m", "k")], &["MEMORY"]).await;
}

#[tokio::test]
async fn a_query_is_read_and_a_trace_names_the_row() {
    let sql = "CREATE TABLE t (id int PRIMARY KEY, k text); INSERT INTO t VALUES (42, 'a.jpg'); CREATE VIEW v AS SELECT k FROM t";
    let Some((_, url)) = database(sql) else { return };
    let query = Reference::query("WITH x AS (SELECT k FROM t) SELECT k, CONCAT('big/', k) AS big FROM x");
    let references = [Reference::column("t", "k"), Reference::column("v", "k"), query];
    let found = scan(&connect(&url, references).await.unwrap(), ScanRequest::trace()).await.unwrap();
    assert!(found.has("big/a.jpg"));
    assert_eq!(found.rows("a.jpg"), ["id=42", "row 1 of the result", "row 1 of the result"]);
    refused(&url, [Reference::query("SELECT 1; SELECT 2")], &["syntax"]).await;
    refused(&url, [Reference::query("DELETE FROM t")], &["SELECT or WITH"]).await;
}

#[tokio::test]
async fn l07_all_tables_are_read_at_one_instant_and_none_can_be_truncated() {
    let sql = "CREATE TABLE first (k varchar(99)); CREATE TABLE second (k varchar(99)); INSERT INTO second VALUES ('moving.jpg');
         INSERT INTO first SELECT CONCAT('many/', seq) FROM seq_1_to_50000";
    let Some((server, url)) = database(sql) else { return };
    let second = [Reference::column("second", "k"), Reference::query("SELECT k FROM second")];
    for (request, second) in [ScanRequest::census(), ScanRequest::look()].into_iter().zip(second) {
        let source = connect(&url, [Reference::column("first", "k"), second]).await.unwrap();
        let mut items = source.scan(request);
        let mut found = vec![items.next().await.unwrap().unwrap()];
        server.sql(&url, "BEGIN; INSERT INTO first SELECT k FROM second; DELETE FROM second; COMMIT");
        let error = server.try_sql(&url, "SET SESSION lock_wait_timeout = 1; TRUNCATE second").unwrap_err();
        assert!(error.to_string().contains("Lock wait timeout"), "{error}");
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
async fn i12_no_error_shows_the_password() {
    let Some((server, url)) = database("CREATE TABLE t (k text)") else { return };
    let name = url.rsplit('/').next().unwrap();
    let reference = || [Reference::column("t", "k")];
    let wrong = server.url_as(MariaDb::USER, "wrong-secret", name);
    let missing = server.url("no_such_database");
    let closed = format!("mysql://app:{}@127.0.0.1:1/{name}", MariaDb::PASSWORD);
    for (url, part) in [(&wrong, "Access denied"), (&missing, "no_such_database"), (&closed, "not reachable")] {
        let error = refused(url, reference(), &[part]).await;
        let shown = format!("{} {error:?}", chain(&error));
        assert!(!shown.contains("secret") && !shown.contains(MariaDb::PASSWORD), "{shown}");
    }
    assert!(matches!(refused(&wrong, reference(), &[]).await, Error::LoginRefused { .. }));
    assert!(matches!(refused(&missing, reference(), &[]).await, Error::LoginRefused { .. }));
    assert!(matches!(refused(&closed, reference(), &[]).await, Error::Unavailable { .. }));
    let source = connect(&url, reference()).await.unwrap();
    assert!(!format!("{source:?}").contains(MariaDb::PASSWORD));
}

#[tokio::test]
async fn a_user_with_few_privileges_can_scan_and_is_told_what_is_missing() {
    let Some((server, url)) = database("CREATE TABLE t (k text, secret text); CREATE TABLE u (k text)") else { return };
    let name = url.rsplit('/').next().unwrap();
    server.sql(&url, &format!("GRANT SELECT (k) ON {name}.t TO app; INSERT INTO t (k) VALUES ('a.jpg')"));
    let user = as_user(server, &url);
    let source = connect(&user, [Reference::column("t", "k")]).await.unwrap();
    assert!(scan(&source, ScanRequest::census()).await.unwrap().has("a.jpg"));
    refused(&user, [Reference::column("t", "secret")], &["secret"]).await;
    refused(&user, [Reference::column("u", "k")], &["no privilege to see it"]).await;
    // Without PROCESS the list of transactions is empty or refused; neither means that there are none.
    let error = source.drain(std::time::Duration::ZERO).await.unwrap_err();
    assert!(chain(&error).contains("GRANT PROCESS"), "{}", chain(&error));
}

#[tokio::test]
async fn drain_names_the_blocker_and_waits_for_prepared_transactions() {
    let Some(server) = s3gc_testkit::servers::require(MariaDb::start()) else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE t (k text)");
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    let soon = std::time::Duration::from_millis(500);

    let mut reader = MySqlConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT").execute(&mut reader).await.unwrap();
    sqlx::raw_sql("SELECT * FROM t").execute(&mut reader).await.unwrap();
    assert_eq!(source.drain(soon).await.unwrap(), Drain::Done, "who only reads does not block");

    let mut writer = MySqlConnection::connect(&url).await.unwrap();
    for statement in ["XA START 'two-phase'", "INSERT INTO t VALUES ('a.jpg')"] {
        sqlx::raw_sql(statement).execute(&mut writer).await.unwrap();
    }
    let Drain::Blocked { by } = source.drain(soon).await.unwrap() else { panic!("not blocked") };
    assert!(by.contains("connection ") && by.contains("admin@") && by.contains("since"), "{by}");
    for statement in ["XA END 'two-phase'", "XA PREPARE 'two-phase'"] {
        sqlx::raw_sql(statement).execute(&mut writer).await.unwrap();
    }
    drop(writer);
    let Drain::Blocked { by } = source.drain(soon).await.unwrap() else { panic!("not blocked") };
    assert!(by.contains("prepared"), "{by}");
    server.sql(&url, "XA COMMIT 'two-phase'");
    assert_eq!(source.drain(soon).await.unwrap(), Drain::Done);

    let mut writer = MySqlConnection::connect(&url).await.unwrap();
    for statement in ["XA START 'later'", "INSERT INTO t VALUES ('b.jpg')"] {
        sqlx::raw_sql(statement).execute(&mut writer).await.unwrap();
    }
    let prepare = async {
        tokio::time::sleep(soon / 2).await;
        sqlx::raw_sql("XA END 'later'").execute(&mut writer).await.unwrap();
        sqlx::raw_sql("XA PREPARE 'later'").execute(&mut writer).await.unwrap();
        drop(writer);
    };
    let (drained, ()) = tokio::join!(source.drain(4 * soon), prepare);
    assert!(matches!(drained.unwrap(), Drain::Blocked { .. }), "its thread is gone, and it can still be committed");
    server.sql(&url, "XA COMMIT 'later'");
    assert!(scan(&source, ScanRequest::look()).await.unwrap().has("a.jpg"));
}

#[tokio::test]
async fn l06_a_replica_is_refused() {
    let Some(server) = s3gc_testkit::servers::require(MariaDb::start()) else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE t (k text); SET GLOBAL read_only = 1");
    let error = refused(&url, [Reference::column("t", "k")], &["primary", "read_only"]).await;
    assert!(matches!(error, Error::NotPrimary { .. }));
    server.sql(&url, "SET GLOBAL read_only = 0; CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_USER = 'x'");
    refused(&url, [Reference::column("t", "k")], &["replicates from another"]).await;
}

#[tokio::test]
async fn the_status_tells_server_and_database() {
    let Some((server, url)) = database("CREATE TABLE t (k text, l text)") else { return };
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    let status = source.status().await.unwrap().unwrap();
    assert!(status.identity.system.contains(server.dir().to_str().unwrap()), "{}", status.identity.system);
    assert_eq!(status.identity.database, url.rsplit('/').next().unwrap());
    assert!(status.now.is_some());
    server.sql(&url, "ALTER TABLE t MODIFY k varchar(99)");
    assert_ne!(source.status().await.unwrap().unwrap().identity.schema, status.identity.schema);
}
