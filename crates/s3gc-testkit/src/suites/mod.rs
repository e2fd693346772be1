//! A test for each clause of each trait's contract.
//!
//! A suite is a module with a `Fixture`, a function `clause_NN_...` for each numbered clause of the trait, and a macro
//! that expands to one `#[tokio::test]` for each of them, so that a failure names its clause and a suite cannot be run
//! by half. The crate that uses the macro needs `tokio` among its dev-dependencies.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    reason = "a suite is made of tests: it fails by panicking, and prints what it skips"
)]

/// Defines the list of clauses of a suite and the macro that runs them.
///
/// `suite!($ name_of_the_macro, module, [clause_01_..., ...])` in `suites/<module>.rs`, beside a type `Fixture` and
/// functions `pub async fn clause_NN_...(fixture: &Fixture)`.
macro_rules! suite {
    ($d:tt $name:ident, $module:ident, [$($clause:ident),* $(,)?]) => {
        /// The names of the clauses.
        pub const CLAUSES: &[&str] = &[$(stringify!($clause)),*];

        /// Expands to one test for each clause of the contract.
        ///
        /// The argument makes a fresh fixture, or `None` after having said why there is none; it may await.
        #[macro_export]
        macro_rules! $name {
            ($d fixture:expr) => {
                $(
                    #[tokio::test(flavor = "multi_thread")]
                    async fn $clause() {
                        let fixture: Option<$crate::suites::$module::Fixture> = ($d fixture).into();
                        if let Some(fixture) = fixture {
                            $crate::suites::$module::$clause(&fixture).await;
                        }
                    }
                )*
            };
        }
    };
}

pub mod catalog;
pub mod compress;
pub mod source;
pub mod store;
pub mod vault;

/// Reads the numbers of the list under `# Contract` in the documentation of a trait, from the source of its module.
///
/// A test of each suite compares them with [`numbers_of`] its clauses: a clause without a test, or a test without a
/// clause, is a failure.
#[must_use]
pub fn clause_numbers(source_text: &str, trait_name: &str) -> Vec<u32> {
    let declaration = format!("pub trait {trait_name}");
    let is_declaration = |line: &str| {
        line.strip_prefix(&declaration).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let lines: Vec<&str> = source_text.lines().collect();
    let Some(end) = lines.iter().position(|line| is_declaration(line)) else { return Vec::new() };
    let is_head = |line: &&&str| line.starts_with("///") || line.starts_with("#[");
    let start = end - lines[..end].iter().rev().take_while(is_head).count();
    lines[start..end]
        .iter()
        .filter_map(|line| line.strip_prefix("/// "))
        .skip_while(|line| *line != "# Contract")
        .skip(1)
        .take_while(|line| !line.starts_with("# "))
        .filter_map(|line| line.split_once(". ")?.0.parse().ok())
        .collect()
}

/// Reads the numbers in names such as `clause_07_get_compares_the_entity_tag`.
///
/// # Panics
///
/// If a name has no number.
#[must_use]
pub fn numbers_of(clauses: &[&str]) -> Vec<u32> {
    let number = |name: &&str| name.strip_prefix("clause_")?.split('_').next()?.parse().ok();
    clauses.iter().map(|name| number(name).unwrap_or_else(|| panic!("{name} does not begin with clause_NN_"))).collect()
}

/// Prints that a clause, or a part of it, was not tested, and why.
pub fn skip(clause: &str, reason: &str) {
    eprintln!("skipped: {clause}: {reason}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
/// Something else.
///
/// # Contract
///
/// 9. Not this one.
pub trait Stores {}

/// A store.
///
/// # Contract
///
/// 1. One. See also:
/// 2. Two
///    goes on: 3. is not a clause.
///
/// Every clause has a test.
///
/// # Examples
///
/// 4. Not a clause.
#[async_trait]
pub trait Store: Send {
";

    #[test]
    fn clauses_are_read_from_the_documentation_of_the_trait() {
        assert_eq!(clause_numbers(TEXT, "Store"), [1, 2]);
        assert_eq!(clause_numbers(TEXT, "Stores"), [9]);
        assert_eq!(clause_numbers(TEXT, "Other"), [0; 0]);
    }

    #[test]
    fn numbers_are_read_from_names() {
        assert_eq!(numbers_of(&["clause_01_a", "clause_12_b_3"]), [1, 12]);
    }
}
