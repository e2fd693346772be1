//! No lesson without a test, and none without its line in `docs/lessons.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many lessons there are.
const LESSONS: u32 = 27;
/// Lost changes of a database: about a way of reading it that s3gc does not have.
const NOT_YET: [u32; 1] = [21];

/// Finds the tests of the whole tree that are named after a lesson.
fn tests_by_number() -> BTreeMap<u32, BTreeSet<String>> {
    let mut found: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut dirs = vec![root.join("crates"), root.join("tests")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for after in text.split("test").skip(1).filter_map(attribute) {
                    let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    if let Some(number) = number(&name) {
                        found.entry(number).or_default().insert(name);
                    }
                }
            }
        }
    }
    found
}

/// Returns what begins with the name of a test, behind the word `test` of its attribute.
fn attribute(after: &str) -> Option<&str> {
    let (attribute, rest) = after.split_once("]\n")?;
    if attribute.contains('\n') {
        return None;
    }
    let rest = rest.trim_start();
    rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")
}

fn number(name: &str) -> Option<u32> {
    let (number, _) = name.strip_prefix('l')?.split_once('_')?;
    number.parse().ok()
}

#[test]
fn every_lesson_has_a_test_and_a_line_that_names_its_tests() {
    let tests = tests_by_number();
    let numbers: Vec<u32> = tests.keys().copied().collect();
    let expected: Vec<u32> = (1..=LESSONS).filter(|number| !NOT_YET.contains(number)).collect();
    assert_eq!(numbers, expected);

    let page = include_str!("../../docs/lessons.md");
    for number in 1..=LESSONS {
        let line = page.lines().find(|line| line.starts_with(&format!("| {number} |")));
        let line = line.unwrap_or_else(|| panic!("docs/lessons.md has no line for lesson {number}"));
        let named: BTreeSet<String> =
            line.split('`').filter(|part| self::number(part).is_some()).map(str::to_owned).collect();
        assert_eq!(named, tests.get(&number).cloned().unwrap_or_default(), "lesson {number} in docs/lessons.md");
    }
}
