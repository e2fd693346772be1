#![doc = include_str!("../README.md")]

mod audit;
mod catalog;
mod clocks;
mod entries;
mod file;
mod holds;
mod leases;
mod packs;
mod rows;
mod runs;
mod trouble;

pub use catalog::SqliteCatalog;
