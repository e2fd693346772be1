//! The protocol, step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use s3gc_source::extract::Template;
use s3gc_source::{
    Condemned, Drain, Error, FenceStatus, Fenced, Marked, Order, Result, Settled, SourceLock, WriteFence,
};

use super::readings::{Affixes, ways};
use super::sql::{self, SCHEMA, Setup, Watch};
use crate::catalog::{Catalog, Resolver};
use crate::config::{OnConflict, Reference};
use crate::conn::Conn;
use crate::error;
use crate::postgres::{check_primary, number, set_up};
use crate::quote::{Dialect, Part, Sql, TableName};
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
fn id(owner: &str, source_name: &str) -> String {
    blake3::hash(format!("{owner}\0{source_name}").as_bytes()).to_hex()[..12].to_owned()
}

fn shown(table: &TableName) -> String {
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

    fn fence_failed(&self, operation: &str, e: sqlx::Error) -> Error {
        error::map(&self.name, "the write fence", &format!("the write fence: {operation}"), e)
    }

    fn refuse_fence(&self, column: &str, reason: String) -> Error {
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

    /// Without this privilege other people's snapshots are invisible, not absent.
    async fn check_sight(&self, conn: &mut Conn) -> Result<()> {
        if self.has_sight(conn).await? {
            return Ok(());
        }
        Err(Error::PermissionDenied {
            source_name: self.name.clone(),
            column: "pg_stat_activity".into(),
            source: "old snapshots are not visible: GRANT pg_read_all_stats TO the user of s3gc".into(),
        })
    }

    async fn has_sight(&self, conn: &mut Conn) -> Result<bool> {
        const SIGHT: &str = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')";
        let sight = conn.value(&Sql::fixed(SIGHT)).await.map_err(|e| self.fence_failed("asking for privileges", e))?;
        Ok(sight.as_deref() == Some("t"))
    }

    fn affixes(&self) -> Affixes {
        let mut affixes = Affixes::default();
        for (reference, _) in &self.references {
            affixes.has_prefixes |= sql::names_directories(reference);
            if let Reference::Column { strip, prepend, .. } = reference {
                let ends = strip.as_deref().is_some_and(|strip| strip.ends_with(|c: char| c.is_ascii_alphanumeric()));
                affixes.sticky |= ends;
                affixes.prepends.extend(prepend.clone());
            }
        }
        affixes
    }

    /// Finds what has to be there, from what is watched now.
    async fn setup(&self, conn: &mut Conn, owner: &str) -> Result<Setup> {
        const SERVER: &str =
            "SELECT current_setting('server_version_num'), current_setting('server_encoding'), current_user";
        let rows = conn.all(&Sql::fixed(SERVER)).await.map_err(|e| self.fence_failed("asking the server", e))?;
        let mut server = rows.into_iter().flatten().map(Option::unwrap_or_default);
        let (version, encoding) = (server.next().unwrap_or_default(), server.next().unwrap_or_default());
        let role = server.next().unwrap_or_default();
        if version.parse::<u32>().is_ok_and(|version| version < 140_000) {
            return Err(self.refuse_fence("the write fence", "it needs PostgreSQL 14 or newer".into()));
        }
        if encoding != "UTF8" {
            let reason = format!("it needs a database in UTF8, and this one is in {encoding}");
            return Err(self.refuse_fence("the write fence", reason));
        }
        let catalog = self.read_catalog(conn).await?;
        let resolver = Resolver::new(&self.name, Dialect::Postgres, catalog);
        let mut watches: BTreeMap<TableName, Vec<(Sql, bool)>> = BTreeMap::new();
        for (reference, extractor) in &self.references {
            let places = resolver.places(reference, extractor)?;
            let Some((table, first)) = places.first() else { continue };
            let value = match reference {
                Reference::Template { template, .. } => {
                    let parsed = Template::parse(template);
                    let parsed = parsed.map_err(|error| self.refuse_fence(template, error.to_string()))?;
                    for (_, column) in &places {
                        self.check_template_column(&resolver.catalog, table, column)?;
                    }
                    sql::template_value(&parsed)
                }
                Reference::Column { .. } | Reference::Query { .. } => sql::column_value(first),
            };
            let value = (value, sql::names_directories(reference));
            for table in self.with_heirs(conn, table).await? {
                watches.entry(table).or_default().push(value.clone());
            }
        }
        let watches = watches.into_iter().map(|(table, values)| Watch { table, values }).collect();
        let may_see_snapshots = self.has_sight(conn).await?;
        Ok(Setup { owner: owner.to_owned(), id: id(owner, &self.name), watches, role, may_see_snapshots })
    }

    /// A scan reads what inherits from a table, too. Partitions get its triggers by themselves, other heirs do not.
    async fn with_heirs(&self, conn: &mut Conn, table: &TableName) -> Result<Vec<TableName>> {
        const TREE: &str = "WITH RECURSIVE tree (oid) AS (
                SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = {} AND c.relname = {}
                UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent)
            SELECT n.nspname, c.relname, c.relkind::text, c.relispartition
            FROM tree JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace";
        let sql = Sql::with_parts(TREE, &[Part::Text(&table.schema), Part::Text(&table.table)]);
        let rows = conn.all(&sql).await.map_err(|e| self.fence_failed("looking for partitions", e))?;
        let mut found = vec![table.clone()];
        for row in rows {
            let mut values = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || values.next().unwrap_or_default();
            let heir = TableName { schema: next(), table: next() };
            let (kind, is_partition) = (next(), next() == "t");
            let reason = match kind.as_str() {
                "r" | "p" => {
                    if heir != *table && !is_partition {
                        found.push(heir);
                    }
                    continue;
                }
                "v" => "a view cannot be fenced: watch the tables that it reads, or turn the fence off",
                "f" => "a foreign table is written elsewhere and cannot be fenced: turn the fence off",
                _ => "this kind of table cannot be fenced: turn the fence off",
            };
            return Err(self.refuse_fence(&shown(&heir), reason.into()));
        }
        Ok(found)
    }

    /// The text of other types depends on the settings of each session.
    fn check_template_column(&self, catalog: &Catalog, table: &TableName, column: &str) -> Result<()> {
        const STABLE: &[&str] = &["smallint", "integer", "bigint", "numeric", "boolean"];
        let columns = catalog.tables.iter().filter(|t| t.name == *table).flat_map(|t| &t.columns);
        let Some(found) = columns.into_iter().find(|c| c.name == column) else { return Ok(()) };
        if found.can_hold_key || STABLE.iter().any(|name| found.type_name.starts_with(name)) {
            return Ok(());
        }
        let reason = format!(
            "a template with a column of type {} cannot be fenced, since its text depends on settings: turn the fence off",
            found.type_name
        );
        Err(self.refuse_fence(&format!("{}.{column}", shown(table)), reason))
    }

    async fn faults(&self, conn: &mut Conn, setup: &Setup) -> Result<Vec<String>> {
        Ok(self.faults_and_bare(conn, setup).await?.0)
    }

    /// Finds what is missing or not as it has to be, and the tables without their trigger.
    async fn faults_and_bare(&self, conn: &mut Conn, setup: &Setup) -> Result<(Vec<String>, BTreeSet<TableName>)> {
        const TABLES: &str = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = {} AND c.relkind = 'r'";
        const FUNCTIONS: &str = "SELECT p.proname, p.prosrc, p.prosecdef, p.provolatile::text,
                coalesce(array_to_string(p.proconfig, ','), '')
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = {}";
        const PRIVILEGES: &str = "SELECT has_schema_privilege(n.oid, 'USAGE')
                AND bool_and(has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                    AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
                AND (SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p
                    WHERE p.pronamespace = n.oid AND p.proname = {})
            FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r'
            WHERE n.nspname = {} GROUP BY n.oid";
        let failed = |e| self.fence_failed("looking at it", e);
        let every_table = || setup.watches.iter().map(|watch| watch.table.clone()).collect();
        let schema = Part::Text(SCHEMA);
        let tables = conn.all(&Sql::with_parts(TABLES, &[schema])).await.map_err(failed)?;
        let tables: BTreeSet<String> = tables.into_iter().flatten().flatten().collect();
        if !["condemned", "resurrect"].iter().all(|table| tables.contains(*table)) {
            return Ok((vec!["it is not installed".into()], every_table()));
        }
        let mut faults = Vec::new();
        let mut found: BTreeMap<String, [String; 4]> = BTreeMap::new();
        for row in conn.all(&Sql::with_parts(FUNCTIONS, &[schema])).await.map_err(failed)? {
            let mut values = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || values.next().unwrap_or_default();
            found.insert(next(), [next(), next(), next(), next()]);
        }
        for function in setup.functions() {
            let expected = function.facts();
            match found.get(&function.name) {
                None => faults.push(format!("the function {SCHEMA}.{} is missing", function.name)),
                Some(facts) if *facts != expected => {
                    faults.push(format!("the function {SCHEMA}.{} is not the one of this version", function.name));
                }
                Some(_) => {}
            }
        }
        let mut bare = BTreeSet::new();
        for watch in &setup.watches {
            for place in self.without_trigger(conn, setup, &watch.table).await? {
                faults.push(format!("the trigger on {place} is missing, disabled, or another one"));
                bare.insert(watch.table.clone());
            }
        }
        let holder = setup.holder();
        let allowed = conn.all(&Sql::with_parts(PRIVILEGES, &[Part::Text(&holder), schema])).await.map_err(failed)?;
        if allowed.into_iter().flatten().flatten().next().is_some_and(|allowed| allowed != "t") {
            faults.push(format!("the user {} may not use it", setup.role));
        }
        if !setup.may_see_snapshots {
            faults.push(format!("the user {} is not granted pg_read_all_stats", setup.role));
        }
        Ok((faults, bare))
    }

    /// Lists what of a table, with its partitions, a row can get into without passing the trigger.
    async fn without_trigger(&self, conn: &mut Conn, setup: &Setup, table: &TableName) -> Result<Vec<String>> {
        // pg_trigger.h: a type of 21 is AFTER, FOR EACH ROW, INSERT and UPDATE.
        const BARE: &str = "WITH RECURSIVE tree (oid) AS (
                SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = {} AND c.relname = {}
                UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent
                    JOIN pg_class h ON h.oid = i.inhrelid AND h.relispartition)
            SELECT n.nspname, c.relname
            FROM tree JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE NOT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                JOIN pg_namespace s ON s.oid = p.pronamespace
                WHERE t.tgrelid = c.oid AND t.tgname = {} AND s.nspname = {} AND p.proname = {}
                    AND t.tgenabled = 'A' AND t.tgtype = 21 AND t.tgqual IS NULL AND t.tgattr::text = '')";
        let (trigger, watcher) = (setup.trigger(), setup.watcher(table));
        let parts = [
            Part::Text(&table.schema),
            Part::Text(&table.table),
            Part::Text(&trigger),
            Part::Text(SCHEMA),
            Part::Text(&watcher),
        ];
        let rows = conn.all(&Sql::with_parts(BARE, &parts)).await.map_err(|e| self.fence_failed("looking at it", e))?;
        let name = |row: Vec<Option<String>>| {
            let mut values = row.into_iter().map(Option::unwrap_or_default);
            shown(&TableName { schema: values.next().unwrap_or_default(), table: values.next().unwrap_or_default() })
        };
        Ok(rows.into_iter().map(name).collect())
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
