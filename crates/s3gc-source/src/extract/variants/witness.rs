//! Keys that a regular expression matches, to try rules on.

use super::super::MAX_KEY_BYTES;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// How many ways through an alternation are tried, and how many keys of an expression.
const MAX_WAYS: usize = 8;
const MAX_KEYS: usize = 64;

/// Makes keys that the expression matches.
pub(super) fn keys(expression: &str) -> Vec<String> {
    let Ok(hir) = regex_syntax::parse(expression) else { return Vec::new() };
    let mut keys = Vec::new();
    // The shortest way and a longer one, with every class standing for one of its letters, digits or separators.
    for extra in [0, 1, 12] {
        for like in ['a', '1', '/', '_'] {
            for key in walk(&hir, extra, like) {
                if keys.len() < MAX_KEYS && !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    }
    keys
}

/// Tells whether the expression matches whole keys only.
pub(super) fn is_anchored(expression: &str) -> bool {
    regex_syntax::parse(expression).is_ok_and(|hir| {
        let properties = hir.properties();
        properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End)
    })
}

fn walk(hir: &Hir, extra: u32, like: char) -> Vec<String> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Class(class) => vec![one_of(class, like).to_string()],
        HirKind::Capture(capture) => walk(&capture.sub, extra, like),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            let times = repetition.min.saturating_add(extra).min(most).min(repetition.min.max(64)).min(1024);
            let times = usize::try_from(times).unwrap_or_default();
            // Repetitions of repetitions would become longer than any key.
            let fitting = |text: &str| times.min(2 * MAX_KEY_BYTES / text.len().max(1));
            walk(&repetition.sub, extra, like).into_iter().map(|text| text.repeat(fitting(&text))).collect()
        }
        HirKind::Concat(parts) => parts.iter().fold(vec![String::new()], |heads, part| {
            let tails = walk(part, extra, like);
            heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}"))).take(MAX_WAYS).collect()
        }),
        HirKind::Alternation(ways) => ways.iter().flat_map(|way| walk(way, extra, like)).take(MAX_WAYS).collect(),
    }
}

/// A character of a class, the wanted one if it is in it.
fn one_of(class: &Class, like: char) -> char {
    let Class::Unicode(class) = class else { return like };
    let has = |c: char| class.iter().any(|range| range.start() <= c && c <= range.end());
    let first = class.iter().next().map_or(like, |range| range.start());
    [like, 'a', '1', '_', '.'].into_iter().find(|c| has(*c)).unwrap_or(first)
}
