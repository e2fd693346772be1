//! One test and more for each invariant I1 to I12, against a real S3 server and a real database.

mod census;
mod crash;
mod exactly;
mod restore;
mod secrets;
mod traces;
mod vault;
