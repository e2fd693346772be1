#![doc = include_str!("../README.md")]

pub mod faults;
pub mod jpeg;
pub mod servers;
pub mod suites;
