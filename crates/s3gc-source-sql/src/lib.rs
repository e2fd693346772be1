#![doc = include_str!("../README.md")]

mod catalog;
mod config;
mod conn;
mod error;
mod fence;
mod grants;
mod inspect;
mod mysql;
mod postgres;
mod quote;
mod reader;
mod scan;
mod source;
mod sqlite;
mod unwatched;

pub use config::{OnConflict, Reference, SqlConfig};
pub use grants::Grants;
pub use inspect::{Candidate, Inspector};
pub use source::SqlSource;
