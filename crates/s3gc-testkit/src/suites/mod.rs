//! A test for each clause of each trait's contract.
