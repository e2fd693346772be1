//! What a database's error means.

use s3gc_source::{BoxError, Error};

/// Maps an error of the driver. `object` is the table, the query or the whole database, `operation` what was being done.
pub(crate) fn map(source_name: &str, object: &str, operation: &str, error: sqlx::Error) -> Error {
    let source_name = source_name.to_owned();
    let code = Code::of(&error);
    let source: BoxError = match error {
        // Its text is that of its source; the chain should say it once.
        sqlx::Error::Database(error) => error.message().into(),
        sqlx::Error::Io(error) => error.into(),
        error => error.into(),
    };
    match code {
        Code::Unreachable => Error::Unavailable { source_name, source },
        Code::Login => Error::LoginRefused { source_name, source },
        Code::Permission => Error::PermissionDenied { source_name, column: object.to_owned(), source },
        Code::Schema => Error::Schema { source_name, column: object.to_owned(), reason: source.to_string() },
        Code::Other => Error::Failed { source_name, operation: operation.to_owned(), source },
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Unreachable,
    Login,
    Permission,
    Schema,
    Other,
}

impl Code {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => Self::Unreachable,
            sqlx::Error::Database(error) => {
                if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                    Self::of_mysql(error.number())
                } else if let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
                    Self::of_postgres(error.code())
                } else {
                    Self::of_sqlite(error.code().as_deref().unwrap_or_default())
                }
            }
            _ => Self::Other,
        }
    }

    /// PostgreSQL manual, appendix A, "PostgreSQL Error Codes".
    fn of_postgres(state: &str) -> Self {
        match state {
            "28P01" | "28000" | "3D000" => Self::Login,
            "42501" => Self::Permission,
            "42P01" | "42703" | "42601" | "3F000" => Self::Schema,
            "53300" | "57P01" | "57P02" | "57P03" => Self::Unreachable,
            _ if state.starts_with("08") => Self::Unreachable,
            _ => Self::Other,
        }
    }

    /// MariaDB documentation, "MariaDB Error Code Reference"; the same numbers in MySQL.
    fn of_mysql(number: u16) -> Self {
        match number {
            1044 | 1045 | 1049 | 1698 => Self::Login,
            1142 | 1143 | 1227 | 1370 => Self::Permission,
            1054 | 1064 | 1146 | 1356 => Self::Schema,
            1040 | 1053 | 1203 => Self::Unreachable,
            _ => Self::Other,
        }
    }

    /// SQLite documentation, "Result and Error Codes": 5 SQLITE_BUSY, 14 SQLITE_CANTOPEN, and what extends them.
    fn of_sqlite(code: &str) -> Self {
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 14) => Self::Unreachable,
            Ok(3 | 23) => Self::Permission,
            _ => Self::Other,
        }
    }
}

/// Tells whether SQLite says that another connection holds a lock.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
