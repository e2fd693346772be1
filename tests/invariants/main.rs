//! One test and more for each invariant I1 to I12, against a real S3 server and a real database.

mod exactly;
mod reads;
mod safety;
