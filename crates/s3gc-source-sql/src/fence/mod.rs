//! The write fence in PostgreSQL: `docs/fence.md` says what it does, and why nothing gets through.

mod inspect;
mod postgres;
mod readings;
mod sql;

pub(crate) use sql::refuse_references;
