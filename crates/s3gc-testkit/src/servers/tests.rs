use super::*;

#[test]
fn a_postgres_server_serves_its_databases_and_leaves_nothing_behind() {
    let Some(server) = require(Postgres::start()) else { return };
    let (one, two) = (server.fresh_database(), server.fresh_database());
    server.sql(&one, "CREATE TABLE t (v text); INSERT INTO t VALUES ('a')");
    assert_eq!(server.sql(&one, "SELECT v FROM t").trim(), "a");
    assert_eq!(server.sql(&two, "SELECT count(*) FROM pg_class WHERE relname = 't'").trim(), "0");
    assert_eq!(server.sql(&one, "SHOW wal_level").trim(), "logical");
    let user = server.url_as(Postgres::USER, Postgres::PASSWORD, "postgres");
    assert_eq!(server.sql(&user, "SELECT current_user").trim(), "app");
    let (dir, port) = (server.dir().to_owned(), server.port());
    drop(server);
    assert!(!dir.exists());
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

#[test]
fn a_mariadb_server_serves_its_databases_and_leaves_nothing_behind() {
    let Some(server) = require(MariaDb::start()) else { return };
    let (one, two) = (server.fresh_database(), server.fresh_database());
    server.sql(&one, "CREATE TABLE t (v text); INSERT INTO t VALUES ('ä')");
    assert_eq!(server.sql(&one, "SELECT v FROM t").trim(), "ä");
    assert_eq!(server.sql(&two, "SHOW TABLES").trim(), "");
    let (dir, port) = (server.dir().to_owned(), server.port());
    drop(server);
    assert!(!dir.exists());
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

#[test]
fn a_radosgw_leaves_nothing_behind() {
    let Some(server) = require(Radosgw::start()) else { return };
    let (dir, port) = (server.dir().to_owned(), server.endpoint().rsplit(':').next().unwrap().parse::<u16>().unwrap());
    let pids = |dir: &Path| run(Command::new("pgrep").arg("-f").arg(dir)).unwrap_or_default();
    assert!(!pids(&dir).is_empty());
    drop(server);
    assert!(!dir.exists());
    assert_eq!(pids(&dir), "", "a process of it goes on");
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

#[test]
fn a_service_that_is_not_there_skips() {
    // Under a name that no run requires.
    assert_eq!(require::<()>(Err(Skip::new("abacus", "nobody makes them any more"))), None);
}
