//! From a column value to readings.
