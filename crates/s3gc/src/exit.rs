//! The exit codes: a contract.

/// How the process ends. The order is that of severity: with several buckets the worst counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ExitCode {
    /// All is well.
    #[default]
    Ok,
    /// Orphans were found, and `--detailed-exitcode` asks to tell.
    Orphans,
    /// Some objects failed.
    Partial,
    /// Check or verify found faults.
    Faults,
    /// A brake or another safety stop; nothing was deleted.
    Stopped,
    /// Another run holds the lock.
    Locked,
    /// The vault is not where it was.
    VaultMissing,
    /// The key of an encrypted pack is missing or wrong.
    KeyMissing,
    /// Usage or configuration.
    Usage,
    /// It failed.
    Failed,
    /// A person ended it.
    Interrupted,
}

impl ExitCode {
    /// Returns the number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Orphans => 4,
            Self::Stopped => 5,
            Self::Faults => 6,
            Self::VaultMissing => 10,
            Self::Locked => 11,
            Self::KeyMissing => 12,
            Self::Interrupted => 130,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(exit: ExitCode) -> Self {
        Self::from(exit.code())
    }
}
