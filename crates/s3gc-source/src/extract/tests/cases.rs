//! Values, and the keys that must and must not be among their readings, by form.

use super::{Kind, Outcome, extractor, read};

mod bare;
mod documents;
mod elsewhere;
mod encodings;
mod hosts;
mod proxies;
mod queries;
mod texts;

/// Values of one form.
struct Group {
    form: &'static str,
    /// Where the form is described.
    source: &'static str,
    kind: Kind,
    /// Each value with the keys that it must mark.
    cases: &'static [(&'static str, &'static [&'static str])],
}

const GROUPS: &[&[Group]] = &[
    bare::GROUPS,
    hosts::GROUPS,
    queries::GROUPS,
    proxies::GROUPS,
    encodings::GROUPS,
    documents::GROUPS,
    texts::GROUPS,
];

#[test]
fn every_case_has_the_readings_it_must_have() {
    let mut wrong = Vec::new();
    for group in GROUPS.iter().copied().flatten() {
        let extractor = extractor(group.kind);
        for (value, must) in group.cases {
            let (outcome, readings) = read(&extractor, value);
            for key in must.iter().filter(|key| !readings.iter().any(|r| r == *key)) {
                wrong.push(format!("{}: {value:?}: {key:?} is not in {readings:?}", group.form));
            }
            if outcome == Outcome::Unread || outcome == Outcome::Elsewhere {
                wrong.push(format!("{}: {value:?}: {outcome:?}", group.form));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_many_cases_that_differ_in_form_or_encoding() {
    let groups: Vec<&Group> = GROUPS.iter().copied().flatten().collect();
    for group in &groups {
        assert!(group.cases.len() <= 12, "{}: {}", group.form, group.cases.len());
        assert!(!group.source.is_empty(), "{} has no source", group.form);
    }
    let mut values: Vec<_> = groups
        .iter()
        .flat_map(|group| group.cases.iter().map(|(value, _)| (format!("{:?}", group.kind), *value)))
        .collect();
    let all = values.len() + elsewhere::VALUES.len() + elsewhere::NOT_MARKED.len();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len() + elsewhere::VALUES.len() + elsewhere::NOT_MARKED.len(), all, "each value once");
    assert!(all >= 320, "{all} cases");
}
