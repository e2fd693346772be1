//! The protocol, step by step.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use s3gc_source::{
    Condemned, Drain, Error, FenceStatus, Fenced, Marked, Order, Result, Settled, SourceLock, WriteFence,
};

use super::readings::ways;
use super::sql::{self, Setup};
use crate::config::OnConflict;
use crate::conn::Conn;
use crate::error;
use crate::postgres::{check_primary, number, set_up};
use crate::quote::{Part, Sql, TableName};
use crate::source::SqlSource;

/// How many rows one statement writes, and how many keys it names.
const PAGE: usize = 1000;
/// How often the watched tables are asked for before somebody else's lock ends the wave.
const TRIES: u32 = 40;
/// How long what is gone is remembered.
const REMEMBERED: &str = "24 hours";
/// Needle of the row that stands for every value that only a scan can read.
const OPAQUE: &str = "*";

#[async_trait]
impl WriteFence for SqlSource {
    async fn condemn(&self, owner: &str, wave: &str, keys: &[Condemned]) -> Result<Vec<Fenced>> {
        const INSERT: &str = "INSERT INTO s3gc_fence.condemned (owner, wave, key, is_prefix, needle, runs, state, restores) \
             VALUES {}";
        let (affixes, id) = (self.affixes(), id(owner, &self.name));
        let restores = self.fence == Some(OnConflict::Restore);
        let row = |key: &str, is_prefix: bool, needle: &str, runs: &[&str]| {
            Sql::with_parts(
                "({}, {}, {}, {}, {}, {}, 'condemned', {})",
                &[
                    Part::Text(&id),
                    Part::Text(wave),
                    Part::Text(key),
                    Part::Bool(is_prefix),
                    Part::Text(needle),
                    Part::Texts(runs),
                    Part::Bool(restores),
                ],
            )
        };
        let mut rows = vec![row("", false, OPAQUE, &[])];
        let mut fenced = Vec::with_capacity(keys.len());
        for condemned in keys {
            match ways(&affixes, condemned) {
                Ok(ways) => {
                    for way in &ways {
                        let runs: Vec<&str> = way.runs.iter().map(String::as_str).collect();
                        let needle = runs.first().copied().unwrap_or_default();
                        rows.push(row(&condemned.key, way.is_prefix, needle, &runs));
                    }
                    fenced.push(Fenced::Yes);
                }
                Err(no) => fenced.push(no),
            }
        }
        let mut conn = self.fence_session().await?;
        let failed = |e| self.fence_failed("condemning keys", e);
        conn.run(&Sql::fixed("BEGIN")).await.map_err(failed)?;
        for rows in rows.chunks(PAGE) {
            conn.run(&Sql::with_parts(INSERT, &[Part::List(rows, ", ")])).await.map_err(failed)?;
        }
        conn.run(&Sql::fixed("COMMIT")).await.map_err(failed)?;
        Ok(fenced)
    }

    async fn wait(&self, patience: Duration) -> Result<Drain> {
        const HORIZON: &str = "SELECT pg_current_xact_id()::text";
        const OLDEST: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text";
        // A snapshot belongs to the sessions of its database. Vacuum writes no references.
        const SNAPSHOTS: &str = "SELECT 'process ' || pid || coalesce(' of ' || usename, '')
                || coalesce(' (' || nullif(application_name, '') || ')', '') || ', in an old snapshot'
                || coalesce(' since ' || xact_start::timestamptz(0), '')
            FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
                AND backend_type <> 'autovacuum worker' AND age(backend_xmin) > age('{}'::xid8::xid)
            ORDER BY age(backend_xmin) DESC LIMIT 1";
        let deadline = Instant::now() + patience;
        let failed = |e| self.fence_failed("waiting for old snapshots", e);
        let mut conn = self.fence_session().await?;
        self.check_sight(&mut conn).await?;
        // In a transaction of its own, after the one that condemned: whoever has a lower number may not see its rows.
        let horizon = number(conn.value(&Sql::fixed(HORIZON)).await.map_err(failed)?).unwrap_or(u64::MAX);
        let snapshots = Sql::with_number(SNAPSHOTS, i64::try_from(horizon).unwrap_or(i64::MAX));
        let mut pause = Duration::from_millis(5);
        loop {
            let is_over = number(conn.value(&Sql::fixed(OLDEST)).await.map_err(failed)?) >= Some(horizon);
            let blocker = conn.all(&snapshots).await.map_err(failed)?.into_iter().flatten().flatten().next();
            if is_over && blocker.is_none() {
                return Ok(Drain::Done);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let by = match blocker {
                    Some(by) => by,
                    None => crate::postgres::blocker(&mut conn).await.map_err(failed)?,
                };
                return Ok(Drain::Blocked { by });
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn mark(&self, owner: &str, wave: &str) -> Result<Vec<String>> {
        // A key is marked with all of its rows or not at all, and none without the row of what cannot be read here.
        const MARK: &str = "
            WITH free AS (
                SELECT id, key FROM s3gc_fence.condemned WHERE owner = {} AND wave = {} AND state = 'condemned'
                FOR UPDATE SKIP LOCKED
            ), whole AS (
                SELECT a.key FROM s3gc_fence.condemned a LEFT JOIN free f ON f.id = a.id
                WHERE a.owner = {} AND a.wave = {} GROUP BY a.key HAVING count(*) = count(f.id)
            )
            UPDATE s3gc_fence.condemned c SET state = 'deleting', changed_at = now()
            FROM free JOIN whole USING (key) WHERE c.id = free.id AND EXISTS (SELECT FROM whole WHERE key <> '')
                AND (EXISTS (SELECT FROM whole WHERE key = '') OR EXISTS (SELECT FROM s3gc_fence.condemned o
                    WHERE o.owner = {} AND o.wave = {} AND o.key = '' AND o.state = 'deleting'))
            RETURNING c.key";
        let mut conn = self.fence_session().await?;
        let id = id(owner, &self.name);
        let (owner, wave) = (Part::Text(&id), Part::Text(wave));
        let rows = conn.all(&Sql::with_parts(MARK, &[owner, wave, owner, wave, owner, wave])).await;
        let rows = rows.map_err(|e| self.fence_failed("marking keys", e))?;
        let keys: BTreeSet<String> = rows.into_iter().flatten().flatten().filter(|key| !key.is_empty()).collect();
        Ok(keys.into_iter().collect())
    }

    async fn hold(&self, owner: &str) -> Result<Box<dyn SourceLock>> {
        let mut conn = self.fence_session().await?;
        let setup = self.setup(&mut conn, owner).await?;
        // Functions are named by what is watched, so an older setup shows here and not as a missing function.
        let faults = self.faults(&mut conn, &setup).await?;
        self.refuse_faults(&faults)?;
        let failed = |e| self.fence_failed("locking the watched tables", e);
        let lock =
            |step: i64| Sql::with_parts("SELECT s3gc_fence.{}({})", &[Part::Name(&setup.holder()), Part::Number(step)]);
        for tried in 1.. {
            conn.run(&Sql::fixed("BEGIN ISOLATION LEVEL READ COMMITTED")).await.map_err(failed)?;
            set_up(&mut conn).await.map_err(failed)?;
            match conn.run(&lock(0)).await {
                Ok(()) => break,
                Err(e) if is_locked(&e) && tried < TRIES => {
                    conn.run(&Sql::fixed("ROLLBACK")).await.map_err(failed)?;
                    self.nudge(&mut conn, &setup, &lock).await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(e) => return Err(failed(e)),
            }
        }
        // Under the locks nobody can change what this finds.
        let faults = self.faults(&mut conn, &setup).await?;
        self.refuse_faults(&faults)?;
        Ok(Box::new(Hold { source_name: self.name.clone(), conn }))
    }

    async fn settle(&self, owner: &str, keys: &[&str], to: Settled) -> Result<()> {
        const GONE: &str = "UPDATE s3gc_fence.condemned SET state = 'gone', changed_at = now() WHERE id IN (
                SELECT id FROM s3gc_fence.condemned WHERE owner = {} AND key = ANY ({}) AND state = 'deleting'
                FOR UPDATE SKIP LOCKED)";
        const KEPT: &str = "DELETE FROM s3gc_fence.condemned WHERE id IN (
                SELECT id FROM s3gc_fence.condemned WHERE owner = {} AND key = ANY ({}) AND state <> 'gone'
                FOR UPDATE SKIP LOCKED)";
        // What stands for values that only a scan can read goes with the last key that is being deleted.
        const OPAQUE_ROWS: &str = "WITH left_over AS (
                SELECT id, wave FROM s3gc_fence.condemned o WHERE owner = {} AND key = '' AND state = 'deleting'
                    AND NOT EXISTS (SELECT FROM s3gc_fence.condemned k WHERE k.owner = o.owner AND k.wave = o.wave
                        AND k.key <> '' AND k.state = 'deleting')
                FOR UPDATE SKIP LOCKED)
            UPDATE s3gc_fence.condemned SET state = 'gone', changed_at = now()
            WHERE id IN (SELECT id FROM left_over)";
        let mut conn = self.fence_session().await?;
        let id = id(owner, &self.name);
        let failed = |e| self.fence_failed("settling keys", e);
        for keys in keys.chunks(PAGE) {
            let statement = match to {
                Settled::Gone => GONE,
                Settled::Kept => KEPT,
            };
            conn.run(&Sql::with_parts(statement, &[Part::Text(&id), Part::Texts(keys)])).await.map_err(failed)?;
        }
        conn.run(&Sql::with_parts(OPAQUE_ROWS, &[Part::Text(&id)])).await.map_err(failed)
    }

    async fn tidy(&self, owner: &str) -> Result<()> {
        const TIDY: &str = "DELETE FROM s3gc_fence.condemned WHERE id IN (
                SELECT id FROM s3gc_fence.condemned WHERE owner = {}
                    AND (state = 'condemned' OR state = 'gone' AND changed_at < now() - {}::interval)
                FOR UPDATE SKIP LOCKED)";
        let mut conn = self.fence_session().await?;
        let id = id(owner, &self.name);
        let sql = Sql::with_parts(TIDY, &[Part::Text(&id), Part::Text(REMEMBERED)]);
        conn.run(&sql).await.map_err(|e| self.fence_failed("tidying up", e))
    }

    async fn marked(&self, owner: &str) -> Result<Vec<Marked>> {
        const MARKED: &str = "SELECT key, bool_and(state = 'gone') FROM s3gc_fence.condemned
            WHERE owner = {} AND state <> 'condemned' AND key <> '' GROUP BY key";
        let mut conn = self.fence_session().await?;
        let id = id(owner, &self.name);
        let rows = conn.all(&Sql::with_parts(MARKED, &[Part::Text(&id)])).await;
        let rows = rows.map_err(|e| self.fence_failed("listing what is marked", e))?;
        let marked = rows.into_iter().map(|row| {
            let mut values = row.into_iter();
            let mut next = || values.next().flatten().unwrap_or_default();
            Marked { key: next(), is_gone: next() == "t" }
        });
        Ok(marked.collect())
    }

    async fn orders(&self, owner: &str) -> Result<Vec<Order>> {
        const ORDERS: &str = "SELECT id, key FROM s3gc_fence.resurrect WHERE owner = {} ORDER BY id";
        let mut conn = self.fence_session().await?;
        let id = id(owner, &self.name);
        let rows = conn.all(&Sql::with_parts(ORDERS, &[Part::Text(&id)])).await;
        let rows = rows.map_err(|e| self.fence_failed("listing orders", e))?;
        let orders = rows.into_iter().filter_map(|row| {
            let mut values = row.into_iter();
            let id = values.next().flatten()?.parse().ok()?;
            Some(Order { id, key: values.next().flatten().filter(|key| !key.is_empty()) })
        });
        Ok(orders.collect())
    }

    async fn finish_orders(&self, owner: &str, orders: &[i64]) -> Result<()> {
        const FINISH: &str = "DELETE FROM s3gc_fence.resurrect WHERE owner = {} AND id IN ({})";
        let mut conn = self.fence_session().await?;
        let id = id(owner, &self.name);
        for orders in orders.chunks(PAGE) {
            let numbers: Vec<Sql> = orders.iter().map(|n| Sql::with_parts("{}", &[Part::Number(*n)])).collect();
            let sql = Sql::with_parts(FINISH, &[Part::Text(&id), Part::List(&numbers, ", ")]);
            conn.run(&sql).await.map_err(|e| self.fence_failed("finishing orders", e))?;
        }
        Ok(())
    }

    async fn status(&self, owner: &str) -> Result<FenceStatus> {
        const COUNTS: &str = "SELECT count(DISTINCT key) FILTER (WHERE state = 'condemned'),
                count(DISTINCT key) FILTER (WHERE state = 'deleting'), count(DISTINCT key) FILTER (WHERE state = 'gone'),
                (SELECT count(*) FROM s3gc_fence.resurrect WHERE owner = {})
            FROM s3gc_fence.condemned WHERE owner = {} AND key <> ''";
        let mut conn = self.fence_session().await?;
        let setup = self.setup(&mut conn, owner).await?;
        let (faults, bare) = self.faults_and_bare(&mut conn, &setup).await?;
        let mut status = FenceStatus::default();
        for watch in &setup.watches {
            let name = shown(&watch.table);
            let is_on = !bare.contains(&watch.table);
            status.tables.push((name, is_on));
        }
        status.faults = faults;
        let may_count = "SELECT coalesce(bool_and(has_table_privilege(c.oid, 'SELECT')), false) \
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = 's3gc_fence' AND c.relkind = 'r' AND has_schema_privilege(n.oid, 'USAGE')";
        let failed = |e| self.fence_failed("counting", e);
        if conn.value(&Sql::fixed(may_count)).await.map_err(failed)?.as_deref() == Some("t") {
            let id = Part::Text(&setup.id);
            let rows = conn.all(&Sql::with_parts(COUNTS, &[id, id])).await.map_err(failed)?;
            let mut counts = rows.into_iter().flatten().map(|n| n.and_then(|n| n.parse().ok()).unwrap_or_default());
            let mut next = || counts.next().unwrap_or_default();
            (status.condemned, status.deleting, status.gone, status.orders) = (next(), next(), next(), next());
        }
        Ok(status)
    }

    async fn setup_sql(&self, owner: &str) -> Result<String> {
        let mut conn = self.fence_session().await?;
        let setup = self.setup(&mut conn, owner).await?;
        let (begin, commit) = (Sql::fixed("BEGIN"), Sql::fixed("COMMIT"));
        let statements = setup.statements();
        let all = std::iter::once(&begin).chain(&statements).chain([&commit]);
        let intro = format!(
            "-- The write fence of s3gc for {}, watched as {:?}. To be run by the owner of the tables.\n",
            setup.owner, self.name
        );
        Ok(intro + Sql::script(all).as_str())
    }

    async fn install(&self, owner: &str) -> Result<Vec<String>> {
        let mut conn = self.fence_session().await?;
        let setup = self.setup(&mut conn, owner).await?;
        let faults = self.faults(&mut conn, &setup).await?;
        if faults.is_empty() {
            return Ok(faults);
        }
        let failed = |e: sqlx::Error| match error::Code::of(&e) {
            error::Code::Permission => Error::PermissionDenied {
                source_name: self.name.clone(),
                column: "the write fence".into(),
                source: format!("{e}: print the statements, and let the owner of the tables run them").into(),
            },
            _ => self.fence_failed("installing it", e),
        };
        conn.run(&Sql::fixed("BEGIN")).await.map_err(failed)?;
        conn.run(&Sql::fixed("SET LOCAL lock_timeout = '10s'")).await.map_err(failed)?;
        for statement in setup.statements() {
            conn.run(&statement).await.map_err(failed)?;
        }
        conn.run(&Sql::fixed("COMMIT")).await.map_err(failed)?;
        self.refuse_faults(&self.faults(&mut conn, &setup).await?)?;
        Ok(faults)
    }

    async fn teardown(&self, owner: &str) -> Result<()> {
        let mut conn = self.fence_session().await?;
        let id = id(owner, &self.name);
        conn.run(&sql::teardown(&id)).await.map_err(|e| self.fence_failed("taking it down", e))
    }
}

/// What names an owner in the database.
pub(super) fn id(owner: &str, source_name: &str) -> String {
    blake3::hash(format!("{owner}\0{source_name}").as_bytes()).to_hex()[..12].to_owned()
}

pub(super) fn shown(table: &TableName) -> String {
    crate::quote::write_name(Some(&table.schema), &table.table)
}

/// PostgreSQL manual, appendix A: lock_not_available.
fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "55P03")
}

impl SqlSource {
    async fn fence_session(&self) -> Result<Conn> {
        let mut conn = self.open().await?;
        check_primary(self, &mut conn).await?;
        Ok(conn)
    }

    pub(super) fn fence_failed(&self, operation: &str, e: sqlx::Error) -> Error {
        error::map(&self.name, "the write fence", &format!("the write fence: {operation}"), e)
    }

    pub(super) fn refuse_fence(&self, column: &str, reason: String) -> Error {
        Error::Schema { source_name: self.name.clone(), column: column.to_owned(), reason }
    }

    fn refuse_faults(&self, faults: &[String]) -> Result<()> {
        if faults.is_empty() {
            return Ok(());
        }
        let reason = format!("it is not whole ({}): run s3gc fence setup", faults.join("; "));
        Err(self.refuse_fence("the write fence", reason))
    }

    /// Takes the locks one at a time, holding no other, so that vacuum makes way and nobody can deadlock.
    async fn nudge(&self, conn: &mut Conn, setup: &Setup, lock: &(dyn Fn(i64) -> Sql + Sync)) -> Result<()> {
        let failed = |e| self.fence_failed("locking the watched tables", e);
        for (step, _) in (1..).zip(&setup.watches) {
            conn.run(&Sql::fixed("BEGIN; SET LOCAL lock_timeout = '2s'")).await.map_err(failed)?;
            match conn.run(&lock(step)).await {
                Err(e) if !is_locked(&e) => return Err(failed(e)),
                Ok(()) | Err(_) => conn.run(&Sql::fixed("ROLLBACK")).await.map_err(failed)?,
            }
        }
        Ok(())
    }
}

/// The locks on the watched tables, until it is dropped.
#[derive(Debug)]
struct Hold {
    source_name: String,
    conn: Conn,
}

#[async_trait]
impl SourceLock for Hold {
    async fn is_held(&mut self) -> Result<()> {
        // Whoever ends the transaction ends the session's locks, and a new statement would be outside of it.
        const HELD: &str = "SELECT count(*) > 0 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' \
             AND mode = 'ShareUpdateExclusiveLock' AND granted";
        let held = self.conn.value(&Sql::fixed(HELD)).await;
        let held = held.map_err(|e| error::map(&self.source_name, "the write fence", "asking for its locks", e))?;
        if held.as_deref() == Some("t") {
            return Ok(());
        }
        let operation = "holding the write fence".to_owned();
        Err(Error::Failed { source_name: self.source_name.clone(), operation, source: "its locks are gone".into() })
    }
}
