//! The least that a database has to allow, as statements for whoever administers it. Nothing here is run.

use std::collections::{BTreeMap, BTreeSet};

use s3gc_source::extract::Template;
use s3gc_source::{Error, Result};
use secrecy::ExposeSecret as _;

use crate::catalog::query_name;
use crate::config::{Reference, SqlConfig};
use crate::fence;
use crate::quote::{Dialect, TableName, parse_name, quote, quote_table};
use crate::source::Target;

/// What a database has to allow to the user in its URL. There is never a password in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grants {
    /// What it takes to scan, and to wait for open transactions. None of them is superfluous.
    pub statements: Vec<String>,
    /// What it takes to use the write fence, once it is set up.
    pub fence: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// The columns that are read of each table.
type Columns = BTreeMap<TableName, BTreeSet<String>>;

impl SqlConfig {
    /// Writes the grants that this configuration needs, without asking the database. `owners` are the locations of the
    /// buckets that are collected with it: each has a part of the write fence of its own.
    ///
    /// # Errors
    ///
    /// If the URL is none.
    pub fn grants(&self, owners: &[String]) -> Result<Grants> {
        let refuse = |reason| Error::Schema { source_name: self.name.clone(), column: "url".into(), reason };
        Ok(match Target::parse(self.url.expose_secret()).map_err(refuse)? {
            Target::Postgres(options) => {
                let user = options.get_username();
                // A URL without a database leads to the one that is called like the user.
                self.postgres(user, options.get_database().unwrap_or(user), owners)
            }
            Target::MySql(options) => self.mysql(options.get_username(), options.get_database().unwrap_or_default()),
            Target::Sqlite(_) => {
                let notes = vec!["SQLite has no grants: the file has to be readable".to_owned()];
                Grants { notes, ..Grants::default() }
            }
        })
    }

    /// SELECT on columns is not enough for `LOCK TABLE`, without which a snapshot does not survive TRUNCATE (PostgreSQL
    /// manual, "LOCK", Notes; "Caveats" of MVCC).
    fn postgres(&self, role: &str, database: &str, owners: &[String]) -> Grants {
        let name = |name: &str| quote(Dialect::Postgres, name);
        let (columns, mut notes) = self.columns("public");
        let user = name(role);
        let schemas: BTreeSet<String> = columns.keys().map(|table| name(&table.schema)).collect();
        let mut statements = vec![format!("GRANT CONNECT ON DATABASE {} TO {user};", name(database))];
        statements.extend(schemas.iter().map(|schema| format!("GRANT USAGE ON SCHEMA {schema} TO {user};")));
        let tables = columns.keys().map(|table| quote_table(Dialect::Postgres, table));
        statements.extend(tables.map(|table| format!("GRANT SELECT ON TABLE {table} TO {user};")));

        notes.push(
            "the tables are locked against TRUNCATE and ALTER while they are read: SELECT on columns is not enough"
                .into(),
        );
        if self.tables().any(|table| matches!(parse_name(table), Some((None, _)))) {
            notes.push("a table without a schema is taken for one of public: else name its schema".into());
        }
        notes.push(format!("a table with row-level security is read whole only after: ALTER ROLE {user} BYPASSRLS;"));
        let all = schemas.iter().map(|schema| format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user};"));
        notes.extend(all.map(|grant| {
            format!("columns that nobody configured are sampled only where they may be read; for all of them: {grant}")
        }));
        let mut fence = Vec::new();
        if self.fence.is_some() {
            fence = fence::grants(role, owners, &self.name);
            notes.push("the grants of the write fence come after s3gc fence setup, which makes what they name".into());
        } else {
            notes.push(format!(
                "to see more of the transaction that a run waits for: GRANT pg_read_all_stats TO {user};"
            ));
        }
        Grants { statements, fence, notes }
    }

    /// `PROCESS` shows the open transactions, which a deletion waits for (MariaDB documentation, "Information Schema
    /// `INNODB_TRX` Table").
    fn mysql(&self, user: &str, database: &str) -> Grants {
        let (columns, mut notes) = self.columns(database);
        let user = format!("'{}'@'%'", user.replace('\\', "\\\\").replace('\'', "''"));
        let mut statements = vec![format!("GRANT PROCESS ON *.* TO {user};")];
        statements.extend(columns.iter().map(|(table, columns)| {
            let columns: Vec<String> = columns.iter().map(|column| quote(Dialect::MySql, column)).collect();
            format!("GRANT SELECT ({}) ON {} TO {user};", columns.join(", "), quote_table(Dialect::MySql, table))
        }));
        notes.push("instead of % write the host of the account, if it has one".into());
        let schemas: BTreeSet<&String> = columns.keys().map(|table| &table.schema).collect();
        notes.extend(schemas.into_iter().map(|schema| {
            // Where a whole database is granted, these two are wildcards (MySQL manual, "GRANT Statement").
            let schema = quote(Dialect::MySql, &schema.replace('_', "\\_").replace('%', "\\%"));
            format!(
                "columns that nobody configured are sampled only where they may be read, and cannot even be named where \
                 not; for all of them: GRANT SELECT ON {schema}.* TO {user};"
            )
        }));
        notes.push(format!(
            "a replica that takes writes is known only to those who may ask: GRANT REPLICATION CLIENT ON *.* TO {user}; \
             in MariaDB since 10.5: GRANT SLAVE MONITOR ON *.* TO {user};"
        ));
        Grants { statements, fence: Vec::new(), notes }
    }

    /// The tables as they are written in the configuration.
    fn tables(&self) -> impl Iterator<Item = &str> {
        self.references.iter().filter_map(|reference| match reference {
            Reference::Column { table, .. } | Reference::Template { table, .. } => Some(table.as_str()),
            Reference::Query { .. } => None,
        })
    }

    /// What is read of each table. A name or a template that cannot be read is an error of the configuration, told
    /// elsewhere.
    fn columns(&self, default_schema: &str) -> (Columns, Vec<String>) {
        let (mut columns, mut notes) = (Columns::new(), Vec::new());
        for reference in &self.references {
            let (written, read, optional) = match reference {
                Reference::Column { table, column, optional, .. } => (table, vec![column.clone()], *optional),
                Reference::Template { table, template, optional, .. } => {
                    let template = Template::parse(template).ok();
                    let names = template.iter().flat_map(Template::columns).map(str::to_owned);
                    (table, names.collect(), *optional)
                }
                Reference::Query { sql, name, .. } => {
                    let name = query_name(sql, name.as_deref());
                    notes.push(format!("query {name}: grant SELECT on the tables that it reads, too"));
                    continue;
                }
            };
            let Some((schema, table)) = parse_name(written) else { continue };
            if optional {
                notes.push(format!("{written} is optional: leave its grant out where it is not there"));
            }
            let schema = schema.unwrap_or_else(|| default_schema.to_owned());
            columns.entry(TableName { schema, table }).or_default().extend(read);
        }
        notes.dedup();
        (columns, notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OnConflict;

    #[test]
    fn names_are_quoted_and_the_user_is_the_one_who_logs_in() {
        let references = [Reference::column("order", "file"), Reference::column("\"Odd\".\"T\"\"x\"", "a")];
        let config = SqlConfig::new("main", "postgres://ro%40x:hunter2@db/shop%20a?user=the%20reader", references);
        assert_eq!(
            config.grants(&[]).unwrap().statements,
            [
                "GRANT CONNECT ON DATABASE \"shop a\" TO \"the reader\";",
                "GRANT USAGE ON SCHEMA \"Odd\" TO \"the reader\";",
                "GRANT USAGE ON SCHEMA \"public\" TO \"the reader\";",
                "GRANT SELECT ON TABLE \"Odd\".\"T\"\"x\" TO \"the reader\";",
                "GRANT SELECT ON TABLE \"public\".\"order\" TO \"the reader\";",
            ]
        );
        let references = [Reference::template("users", "u/{id}/{key}"), Reference::column("users", "key")];
        let config = SqlConfig::new("main", "mysql://o'neil:hunter2@db/my_shop", references);
        let grants = config.grants(&[]).unwrap();
        assert_eq!(grants.statements[1], "GRANT SELECT (`id`, `key`) ON `my_shop`.`users` TO 'o''neil'@'%';");
        assert!(grants.notes.iter().any(|note| note.contains("ON `my\\_shop`.* TO")), "{grants:?}");
    }

    #[test]
    fn i12_no_grant_holds_a_password() {
        for url in ["postgres://u:hunter2@h/d?password=hunter2", "mysql://u:hunter2@h/d", "sqlite:hunter2.db"] {
            let config =
                SqlConfig::new("main", url, [Reference::query("SELECT 'hunter2'"), Reference::column("t", "c")]);
            let grants = config.with_fence(OnConflict::Abort).grants(&["s3://a".into(), "s3://b".into()]).unwrap();
            assert!(!format!("{grants:?}").contains("hunter2"), "{grants:?}");
            assert_eq!(grants.fence.len(), if url.starts_with("postgres") { 5 } else { 0 }, "{grants:?}");
        }
    }
}
