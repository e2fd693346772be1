//! Objects that are derived from others: thumbnails, other formats, other sizes.

use std::fmt;

use regex::{Regex, RegexSet};

use super::MAX_KEY_BYTES;

mod witness;

/// Rules that lead from the key of a derived object to the key of what it was made from: a derived object lives as long
/// as its base does.
///
/// A rule is a regular expression, ` -> `, and the key of the base, in which `$name` and `${name}` stand for what the
/// groups matched (syntax: crate `regex`):
///
/// ```text
/// ^thumbs/(?<base>.+)_\d+x\d+(?<ext>\.\w+)$ -> $base$ext
/// ^(?<base>.+)-\d+x\d+(?<ext>\.\w+)$ -> $base$ext         # WordPress: a-300x200.jpg
/// ^(?<base>.+)@[23]x(?<ext>\.\w+)$ -> $base$ext           # a@2x.png
/// ^(?<dir>.*/)?thumb_(?<file>[^/]+)$ -> $dir$file         # CarrierWave: thumb_a.jpg
/// ```
///
/// (The remarks are none of the rule.) Whoever judges a key asks for its [`bases`](Self::bases) only after nothing
/// referenced the key itself, and keeps it if one of them is referenced.
///
/// # Rules that are refused
///
/// A rule whose result is the key itself says nothing, and rules that lead in a circle keep objects for each other that
/// nothing references. Whether rules do so for some key cannot be decided for all regular expressions, so it is tried:
/// keys are made from each expression, by the shortest and by longer ways through it, and the rules are applied to them
/// as often as [`bases`](Self::bases) would. Whatever is missed, `bases` ends: it returns each key once, and stops at a
/// fixed depth.
///
/// # Examples
///
/// ```
/// use s3gc_source::extract::Variants;
///
/// let variants = Variants::new(&[r"^thumbs/(?<base>.+)_\d+x\d+(?<ext>\.\w+)$ -> $base$ext".to_owned()])?;
/// assert_eq!(variants.bases("thumbs/cats/1_80x60.jpg").collect::<Vec<_>>(), ["cats/1.jpg"]);
/// assert_eq!(variants.bases("cats/1.jpg").count(), 0);
/// # Ok::<(), s3gc_source::extract::InvalidVariant>(())
/// ```
#[derive(Clone, Debug)]
pub struct Variants {
    /// Tells at once that no rule fits, which is so for nearly every key.
    any: RegexSet,
    rules: Vec<Rule>,
}

/// Why a rule makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVariant {
    /// It has not the form `expression -> base`.
    #[error("the variant {0:?} is not a rule: write it as ^thumbs/(?<base>.+)$ -> $base")]
    Form(String),
    /// The expression does not parse.
    #[error("the expression of the variant {rule:?} does not parse: {reason}")]
    Expression {
        /// The rule.
        rule: String,
        /// What the parser says.
        reason: String,
    },
    /// It is not bound to the beginning or not to the end of the key, so that the rest of the key would get lost.
    #[error("the expression of the variant {0:?} does not fit whole keys: begin it with ^ and end it with $")]
    Unanchored(String),
    /// The base names a group that the expression does not have.
    #[error(
        "the variant {rule:?} has no group {group:?}: a name ends at the first character that is no letter, digit \
         or underscore, so write ${{name}} where such a one follows"
    )]
    Group {
        /// The rule.
        rule: String,
        /// The name.
        group: String,
    },
    /// The rule leads from a key to itself.
    #[error("the variant {rule:?} leads from {key:?} to itself")]
    Itself {
        /// The rule.
        rule: String,
        /// Such a key.
        key: String,
    },
    /// The rules lead in a circle, or make longer and longer keys.
    #[error("the variant {rule:?} leads from {key:?} in a circle, with the other rules or on its own")]
    Circle {
        /// The rule.
        rule: String,
        /// Such a key.
        key: String,
    },
    /// There are too many rules, or all together are too large.
    #[error("the variants together are too large: {0}")]
    TooLarge(String),
}

#[derive(Clone, Debug)]
struct Rule {
    text: String,
    expression: Regex,
    base: String,
}

/// How long a chain of variants of variants is followed.
const MAX_DEPTH: usize = 4;

/// How many bases a key may have.
const MAX_BASES: usize = 64;

impl Variants {
    /// Makes the rules.
    ///
    /// # Errors
    ///
    /// [`InvalidVariant`] names the rule that makes no sense.
    pub fn new(rules: &[String]) -> Result<Self, InvalidVariant> {
        let rules: Vec<Rule> = rules.iter().map(|rule| Rule::parse(rule)).collect::<Result<_, _>>()?;
        let any = RegexSet::new(rules.iter().map(|rule| rule.expression.as_str()));
        let any = any.map_err(|error| InvalidVariant::TooLarge(error.to_string()))?;
        let this = Self { any, rules };
        this.refuse_circles()?;
        Ok(this)
    }

    /// Tells whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the keys of everything that the object may have been made from, the nearest first, without the key itself.
    pub fn bases(&self, key: &str) -> impl Iterator<Item = String> + use<> {
        let mut found: Vec<String> = Vec::new();
        if self.any.is_match(key) {
            let (mut from, mut depth) = (0, 0);
            self.direct(key, key, &mut found);
            while from < found.len() && depth + 1 < MAX_DEPTH {
                let to = found.len();
                for at in from..to {
                    let next = found[at].clone();
                    if self.any.is_match(&next) {
                        self.direct(&next, key, &mut found);
                    }
                }
                (from, depth) = (to, depth + 1);
            }
        }
        found.into_iter()
    }

    /// Adds the bases that one step leads to.
    fn direct(&self, key: &str, origin: &str, found: &mut Vec<String>) {
        for base in self.rules.iter().filter_map(|rule| rule.base(key)) {
            let fits = !base.is_empty() && base.len() <= MAX_KEY_BYTES && base != origin;
            if fits && found.len() < MAX_BASES && !found.contains(&base) {
                found.push(base);
            }
        }
    }

    fn refuse_circles(&self) -> Result<(), InvalidVariant> {
        for rule in &self.rules {
            for key in witness::keys(rule.expression.as_str()) {
                let Some(base) = rule.base(&key) else { continue };
                let (rule, key) = (rule.text.clone(), key);
                if base == key {
                    return Err(InvalidVariant::Itself { rule, key });
                }
                if self.returns(&key, base) {
                    return Err(InvalidVariant::Circle { rule, key });
                }
            }
        }
        Ok(())
    }

    /// Tells whether the rules lead from a base back to the key, or on and on to keys that are not shorter.
    fn returns(&self, key: &str, base: String) -> bool {
        let mut now = vec![base];
        for _ in 0..2 * MAX_DEPTH {
            if now.iter().any(|at| at == key) {
                return true;
            }
            now =
                now.iter().flat_map(|at| self.rules.iter().filter_map(|rule| rule.base(at))).take(MAX_BASES).collect();
            now.sort_unstable();
            now.dedup();
            if now.is_empty() {
                return false;
            }
        }
        now.iter().any(|at| at.len() >= key.len())
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, InvalidVariant> {
        let form = || InvalidVariant::Form(text.to_owned());
        let (expression, base) = text.rsplit_once("->").ok_or_else(form)?;
        let (expression, base) = (expression.trim(), base.trim());
        if expression.is_empty() || base.is_empty() {
            return Err(form());
        }
        let refuse = |reason: String| InvalidVariant::Expression { rule: text.to_owned(), reason };
        let regex = Regex::new(expression).map_err(|error| refuse(error.to_string()))?;
        if !witness::is_anchored(expression) {
            return Err(InvalidVariant::Unanchored(text.to_owned()));
        }
        for group in groups(base) {
            let known = match group.parse::<usize>() {
                Ok(number) => number < regex.captures_len(),
                Err(_) => regex.capture_names().flatten().any(|name| name == group),
            };
            if !known {
                return Err(InvalidVariant::Group { rule: text.to_owned(), group: group.to_owned() });
            }
        }
        Ok(Self { text: text.to_owned(), expression: regex, base: base.to_owned() })
    }

    fn base(&self, key: &str) -> Option<String> {
        let captures = self.expression.captures(key)?;
        let mut base = String::new();
        captures.expand(&self.base, &mut base);
        Some(base)
    }
}

impl fmt::Display for Variants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rule) in self.rules.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { "\n" }, rule.text)?;
        }
        Ok(())
    }
}

/// The names of the groups in the key of a base.
fn groups(base: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = base;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            names.push(name);
            rest = after;
        } else {
            let end = rest.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_')).unwrap_or(rest.len());
            names.extend((end > 0).then(|| &rest[..end]));
        }
    }
    names
}

#[cfg(test)]
mod tests;
