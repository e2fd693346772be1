//! The write fence in PostgreSQL: `docs/fence.md` says what it does, and why nothing gets through.

mod inspect;
mod postgres;
mod readings;
mod sql;

pub(crate) use sql::refuse_references;

use crate::quote::Sql;

/// Writes what the role that collects for these owners needs, once the fence is set up.
pub(crate) fn grants<'a>(role: &str, owners: impl IntoIterator<Item = &'a String>, source_name: &str) -> Vec<String> {
    let holders = owners.into_iter().map(|owner| sql::holder(&postgres::id(owner, source_name)));
    let mut statements = sql::granted(role, holders);
    statements.push(sql::sight(role));
    let line = |sql: Sql| Sql::script([&sql]).as_str().trim_end().to_owned();
    statements.into_iter().map(line).collect()
}
