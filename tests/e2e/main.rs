//! The main job, end to end, on real servers: execute, compare the bucket with what should be left, restore everything,
//! compare every byte, header and tag.

mod bad_input;
mod directory;
mod servers;
