//! What has to be there for what is watched, and what of it is there.

use std::collections::{BTreeMap, BTreeSet};

use s3gc_source::extract::Template;
use s3gc_source::{Error, Result};

use super::postgres::{id, shown};
use super::readings::Affixes;
use super::sql::{self, SCHEMA, Setup, Watch};
use crate::catalog::{Catalog, Resolver};
use crate::config::Reference;
use crate::conn::Conn;
use crate::quote::{Dialect, Part, Sql, TableName};
use crate::source::SqlSource;

impl SqlSource {
    /// Without this privilege other people's snapshots are invisible, not absent.
    pub(super) async fn check_sight(&self, conn: &mut Conn) -> Result<()> {
        if self.has_sight(conn).await? {
            return Ok(());
        }
        Err(Error::PermissionDenied {
            source_name: self.name.clone(),
            column: "pg_stat_activity".into(),
            source: "old snapshots are not visible: GRANT pg_read_all_stats TO the user of s3gc".into(),
        })
    }

    pub(super) async fn has_sight(&self, conn: &mut Conn) -> Result<bool> {
        const SIGHT: &str = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')";
        let sight = conn.value(&Sql::fixed(SIGHT)).await.map_err(|e| self.fence_failed("asking for privileges", e))?;
        Ok(sight.as_deref() == Some("t"))
    }

    pub(super) fn affixes(&self) -> Affixes {
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
    pub(super) async fn setup(&self, conn: &mut Conn, owner: &str) -> Result<Setup> {
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
    pub(super) async fn with_heirs(&self, conn: &mut Conn, table: &TableName) -> Result<Vec<TableName>> {
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
    pub(super) fn check_template_column(&self, catalog: &Catalog, table: &TableName, column: &str) -> Result<()> {
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

    pub(super) async fn faults(&self, conn: &mut Conn, setup: &Setup) -> Result<Vec<String>> {
        Ok(self.faults_and_bare(conn, setup).await?.0)
    }

    /// Finds what is missing or not as it has to be, and the tables without their trigger.
    pub(super) async fn faults_and_bare(
        &self,
        conn: &mut Conn,
        setup: &Setup,
    ) -> Result<(Vec<String>, BTreeSet<TableName>)> {
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
    pub(super) async fn without_trigger(
        &self,
        conn: &mut Conn,
        setup: &Setup,
        table: &TableName,
    ) -> Result<Vec<String>> {
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
