//! From the names in the configuration to the columns of the database.

use std::collections::HashSet;

use s3gc_source::extract::{Extractor, Template};
use s3gc_source::{ColumnId, Error, Result};

use crate::config::Reference;
use crate::conn::ResultColumn;
use crate::quote::{Dialect, Sql, TableName, is_select, parse_name};

/// What the database holds, as far as it matters here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    /// The schema of an unqualified name, where there is only one.
    pub(crate) default_schema: Option<String>,
    pub(crate) tables: Vec<Table>,
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: TableName,
    /// Why it cannot be read, with the way out.
    pub(crate) refused: Option<String>,
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key, in the order of the key.
    pub(crate) key: Vec<String>,
    /// An expression that names a row where there is no primary key.
    pub(crate) row_id: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) can_hold_key: bool,
    pub(crate) readable: bool,
}

/// One statement to run, and how to read its columns.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) sql: Sql,
    /// The same with what identifies a row behind the columns.
    pub(crate) traced: Sql,
    pub(crate) columns: Vec<WatchedColumn>,
    /// How many columns of the result there are before what identifies a row.
    pub(crate) width: usize,
    pub(crate) row_id: Vec<String>,
    /// What it is called in errors.
    pub(crate) label: String,
    /// The table, if it is one.
    pub(crate) table: Option<TableName>,
    /// Each column with its name and its type, for the description of the schema.
    pub(crate) description: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct WatchedColumn {
    pub(crate) id: ColumnId,
    pub(crate) extractor: Extractor,
    pub(crate) input: Input,
}

/// Where in a row the value is.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// In this column of the result.
    Column(usize),
    /// It is put together from columns, which have these names in the template.
    Template(Template, Vec<(String, usize)>),
}

/// What is read of a table.
struct Configured<'a> {
    /// Its name in the configuration.
    label: String,
    /// The names of its columns in the catalogue; one without a template.
    columns: Vec<String>,
    template: Option<Template>,
    extractor: &'a Extractor,
}

/// Resolves configured names against a catalogue.
#[derive(Debug)]
pub(crate) struct Resolver<'a> {
    pub(crate) source_name: &'a str,
    pub(crate) dialect: Dialect,
    pub(crate) catalog: Catalog,
    seen: HashSet<String>,
    pub(crate) watched: Vec<Watched>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(source_name: &'a str, dialect: Dialect, catalog: Catalog) -> Self {
        Self { source_name, dialect, catalog, seen: HashSet::new(), watched: Vec::new() }
    }

    /// Adds the columns that are configured for tables: one statement a table.
    pub(crate) fn add_tables(&mut self, references: &[(Reference, Extractor)]) -> Result<()> {
        let mut tables: Vec<(usize, Vec<Configured<'_>>)> = Vec::new();
        for (reference, extractor) in references {
            let Some((index, configured)) = self.configured(reference, extractor)? else {
                self.watched.extend(absent(reference, extractor));
                continue;
            };
            let seen = match &configured.template {
                Some(template) => template.to_string(),
                None => configured.columns.concat(),
            };
            if !self.seen.insert(format!("{:?}.{seen}", self.catalog.tables[index].name)) {
                return Err(self.refuse(&configured.label, "it is configured twice"));
            }
            match tables.iter_mut().find(|(other, _)| *other == index) {
                Some((_, columns)) => columns.push(configured),
                None => tables.push((index, vec![configured])),
            }
        }
        for (index, columns) in tables {
            let watched = self.watch_table(&self.catalog.tables[index], &columns);
            self.watched.push(watched);
        }
        Ok(())
    }

    /// Finds the table and the columns of a reference; nothing for a query, and for what is optional and not there.
    fn configured<'r>(
        &self,
        reference: &Reference,
        extractor: &'r Extractor,
    ) -> Result<Option<(usize, Configured<'r>)>> {
        let Some(label) = reference.label() else { return Ok(None) };
        let (table, columns, template, optional) = match reference {
            Reference::Column { table, column, optional, .. } => (table, vec![column.clone()], None, *optional),
            Reference::Template { table, template, optional, .. } => {
                let parsed = Template::parse(template);
                let parsed = parsed.map_err(|error| self.refuse(&format!("{table}.template"), &error.to_string()))?;
                (table, parsed.columns().map(str::to_owned).collect(), Some(parsed), *optional)
            }
            Reference::Query { .. } => return Ok(None),
        };
        if optional && !self.is_there(table, &columns) {
            return Ok(None);
        }
        let index = self.find_table(table, &label)?;
        let part = |column: &String| self.check_column(index, column, &label, template.is_none());
        let columns = columns.iter().map(part).collect::<Result<Vec<_>>>()?;
        Ok(Some((index, Configured { label, columns, template, extractor })))
    }

    fn is_there(&self, table: &str, columns: &[String]) -> bool {
        let Some((schema, name)) = parse_name(table) else { return true };
        let schema = schema.or_else(|| self.catalog.default_schema.clone());
        let mut tables = self.catalog.tables.iter();
        // A name that differs in its case is the error that it is without `optional`.
        tables.any(|table| {
            table.name.table.eq_ignore_ascii_case(&name)
                && schema.as_ref().is_none_or(|schema| *schema == table.name.schema)
                && columns.iter().all(|name| table.columns.iter().any(|c| c.name.eq_ignore_ascii_case(name)))
        })
    }

    /// Adds a query with the columns of its result.
    pub(crate) fn add_query(
        &mut self,
        sql: &str,
        name: &str,
        columns: &[ResultColumn],
        extractor: &Extractor,
    ) -> Result<()> {
        if columns.is_empty() {
            return Err(self.refuse(name, "the query returns no columns"));
        }
        let mut watched = Vec::new();
        let query = blake3::hash(sql.trim().as_bytes()).to_hex();
        let mut description = Vec::with_capacity(columns.len());
        for (index, (column, type_name)) in columns.iter().enumerate() {
            let label = format!("{name}.{column}");
            if is_binary(type_name) && self.dialect == Dialect::Postgres {
                return Err(self.refuse(&label, "a column of type bytea cannot hold a key: convert it in the query"));
            }
            if !self.seen.insert(label.clone()) {
                return Err(self.refuse(&label, "the query has two columns of this name: give each its own with AS"));
            }
            description.push((format!("query {} {label}", &query[..16]), type_name.clone()));
            let (id, input) = (ColumnId::new(&label), Input::Column(index));
            watched.push(WatchedColumn { id, extractor: extractor.clone(), input });
        }
        let sql = Sql::query(self.dialect, sql);
        self.watched.push(Watched {
            traced: sql.clone(),
            sql,
            columns: watched,
            width: columns.len(),
            row_id: Vec::new(),
            label: name.to_owned(),
            table: None,
            description,
        });
        Ok(())
    }

    /// Finds the columns of a reference as the catalogue has them.
    pub(crate) fn places(&self, reference: &Reference, extractor: &Extractor) -> Result<Vec<(TableName, String)>> {
        let Some((index, configured)) = self.configured(reference, extractor)? else { return Ok(Vec::new()) };
        let table = &self.catalog.tables[index].name;
        Ok(configured.columns.into_iter().map(|column| (table.clone(), column)).collect())
    }

    pub(crate) fn refuse(&self, column: &str, reason: &str) -> Error {
        Error::Schema { source_name: self.source_name.to_owned(), column: column.to_owned(), reason: reason.to_owned() }
    }

    fn find_table(&self, written: &str, label: &str) -> Result<usize> {
        let Some((schema, table)) = parse_name(written) else {
            return Err(self.refuse(label, &format!("{written:?} is no name of a table: write table or schema.table")));
        };
        let schema = schema.or_else(|| self.catalog.default_schema.clone());
        let tables = self.catalog.tables.iter().enumerate();
        let found: Vec<usize> = tables
            .filter(|(_, t)| t.name.table == table && schema.as_ref().is_none_or(|s| *s == t.name.schema))
            .map(|(index, _)| index)
            .collect();
        match found[..] {
            [index] => match &self.catalog.tables[index].refused {
                Some(reason) => Err(self.refuse(label, reason)),
                None => Ok(index),
            },
            [] => {
                let names = self.catalog.tables.iter().map(|t| t.name.table.as_str());
                let hint = suggest(&table, names);
                Err(self.refuse(label, &format!("there is no table {written}, or no privilege to see it{hint}")))
            }
            _ => {
                let schemas: Vec<&str> = found.iter().map(|i| &*self.catalog.tables[*i].name.schema).collect();
                let reason =
                    format!("table {table} is in several schemas ({}): write schema.table", schemas.join(", "));
                Err(self.refuse(label, &reason))
            }
        }
    }

    /// Returns the name of the column as the catalogue has it.
    fn check_column(&self, table: usize, column: &str, label: &str, is_whole: bool) -> Result<String> {
        let table = &self.catalog.tables[table];
        let exact = table.columns.iter().find(|c| c.name == column);
        // MySQL and SQLite do not tell upper from lower case in the names of columns.
        let folded = || table.columns.iter().find(|c| c.name.eq_ignore_ascii_case(column));
        let found = if self.dialect == Dialect::Postgres { exact } else { exact.or_else(folded) };
        let Some(found) = found else {
            let hint = suggest(column, table.columns.iter().map(|c| c.name.as_str()));
            let reason = format!("table {} has no column {column}{hint}", table.name.table);
            return Err(self.refuse(label, &reason));
        };
        let is_binary = || ["bytea", "binary", "blob"].iter().any(|word| found.type_name.to_lowercase().contains(word));
        let is_refused = if is_whole { !found.can_hold_key } else { is_binary() };
        if is_refused {
            let reason = format!(
                "a column of type {} cannot hold a key: leave it out, or convert it with sql = \"SELECT ...\"",
                found.type_name
            );
            return Err(self.refuse(label, &reason));
        }
        if !found.readable {
            return Err(Error::PermissionDenied {
                source_name: self.source_name.to_owned(),
                column: label.to_owned(),
                source: self.missing_grant(&table.name).into(),
            });
        }
        Ok(found.name.clone())
    }

    fn missing_grant(&self, TableName { schema, table }: &TableName) -> String {
        match self.dialect {
            Dialect::Postgres => format!(
                "grant it: GRANT USAGE ON SCHEMA {schema}, and GRANT SELECT ON TABLE {table}, TO the user of s3gc"
            ),
            Dialect::MySql | Dialect::Sqlite => format!("grant it: GRANT SELECT ON {table} TO the user of s3gc"),
        }
    }

    fn watch_table<'c>(&self, table: &Table, columns: &'c [Configured<'_>]) -> Watched {
        let mut names: Vec<&'c str> = Vec::new();
        let mut watched = Vec::with_capacity(columns.len());
        for configured in columns {
            let mut place = |name: &'c str| match names.iter().position(|other| *other == name) {
                Some(place) => place,
                None => {
                    names.push(name);
                    names.len() - 1
                }
            };
            let places: Vec<usize> = configured.columns.iter().map(|name| place(name)).collect();
            let input = match &configured.template {
                Some(template) => {
                    let named = template.columns().map(str::to_owned).zip(places).collect();
                    Input::Template(template.clone(), named)
                }
                None => Input::Column(places.first().copied().unwrap_or_default()),
            };
            let (id, extractor) = (ColumnId::new(&configured.label), configured.extractor.clone());
            watched.push(WatchedColumn { id, extractor, input });
        }
        let mut with_key = names.clone();
        with_key.extend(table.key.iter().map(String::as_str));
        let mut row_id = table.key.clone();
        let mut ours = Vec::new();
        if row_id.is_empty()
            && let Some(expression) = table.row_id
        {
            row_id.push(expression.to_owned());
            ours.push(expression);
        }
        let types = names.iter().map(|name| {
            let column = table.columns.iter().find(|c| c.name == *name);
            let type_name = column.map(|c| c.type_name.clone()).unwrap_or_default();
            (format!("{}.{}.{name}", table.name.schema, table.name.table), type_name)
        });
        Watched {
            sql: Sql::select(self.dialect, &table.name, &names, &[]),
            traced: Sql::select(self.dialect, &table.name, &with_key, &ours),
            columns: watched,
            width: names.len(),
            row_id,
            label: table.name.table.clone(),
            description: types.collect(),
            table: Some(table.name.clone()),
        }
    }
}

/// What stands for an optional reference that is not there: no row. So it is named in every report, and trips `zero` where
/// it had some.
fn absent(reference: &Reference, extractor: &Extractor) -> Option<Watched> {
    let label = reference.label()?;
    let nothing = Sql::fixed("SELECT NULL LIMIT 0");
    Some(Watched {
        traced: nothing.clone(),
        sql: nothing,
        columns: vec![WatchedColumn {
            id: ColumnId::new(&label),
            extractor: extractor.clone(),
            input: Input::Column(0),
        }],
        width: 1,
        row_id: Vec::new(),
        label,
        table: None,
        description: Vec::new(),
    })
}

/// The name of a query: its own, or one that stays the same as long as the query does.
pub(crate) fn query_name(sql: &str, name: Option<&str>) -> String {
    name.map_or_else(|| format!("query_{}", &blake3::hash(sql.trim().as_bytes()).to_hex()[..8]), str::to_owned)
}

/// Refuses a query that does not begin as one that reads.
pub(crate) fn check_query(resolver: &Resolver<'_>, sql: &str, name: &str) -> Result<()> {
    if is_select(sql) { Ok(()) } else { Err(resolver.refuse(name, "a query is one SELECT or WITH statement")) }
}

/// Describes what is watched as [`SourceIdentity::schema`](s3gc_source::SourceIdentity::schema) wants it.
pub(crate) fn describe(watched: &[Watched]) -> String {
    let columns = watched.iter().flat_map(|watched| &watched.description);
    let mut lines: Vec<String> = columns.map(|(name, what)| format!("{name:?}\t{what:?}\n")).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.concat()
}

fn is_binary(type_name: &str) -> bool {
    type_name.eq_ignore_ascii_case("bytea")
}

fn suggest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let wanted = wanted.to_lowercase();
    let near = names.map(|name| (distance(&wanted, &name.to_lowercase()), name)).min();
    match near {
        Some((distance, name)) if distance <= wanted.chars().count().max(name.chars().count()) / 2 => {
            format!(": did you mean {name}?")
        }
        _ => String::new(),
    }
}

/// The Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let names = ["avatar_url", "email", "id"];
        assert_eq!(suggest("avatar_ulr", names.into_iter()), ": did you mean avatar_url?");
        assert_eq!(suggest("Email", names.into_iter()), ": did you mean email?");
        assert_eq!(suggest("zzzzzz", names.into_iter()), "");
    }

    #[test]
    fn a_query_has_a_name_that_stays() {
        assert_eq!(query_name("SELECT 1", Some("cms")), "cms");
        assert_eq!(query_name("SELECT 1", None), query_name(" SELECT 1\n", None));
        assert_ne!(query_name("SELECT 1", None), query_name("SELECT 2", None));
    }
}
