//! Derived objects: a thumbnail lives as long as what it was made from.

use s3gc_source::extract::{InvalidVariant, Variants};
use s3gc_store::ObjectKey;
use serde::{Deserialize, Serialize};

/// The rules that lead from the key of a derived object to that of its base; see [`Variants`] for how they are written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct VariantRules {
    rules: Vec<String>,
    /// `None` without rules.
    compiled: Option<Variants>,
}

impl VariantRules {
    /// Compiles rules.
    ///
    /// # Errors
    ///
    /// If a rule makes no sense, or the rules lead in a circle.
    pub fn new(rules: Vec<String>) -> Result<Self, InvalidVariant> {
        let compiled = if rules.is_empty() { None } else { Some(Variants::new(&rules)?) };
        Ok(Self { rules, compiled })
    }

    /// Returns the rules as they were written.
    #[must_use]
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// Returns the keys that this one may be derived from, nearest first.
    pub fn bases(&self, key: &ObjectKey) -> impl Iterator<Item = ObjectKey> + use<> {
        let bases = self.compiled.as_ref().map(|variants| variants.bases(key.as_str()));
        bases.into_iter().flatten().filter_map(|base| ObjectKey::new(base).ok())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.compiled.is_none()
    }
}

impl PartialEq for VariantRules {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
    }
}

impl TryFrom<Vec<String>> for VariantRules {
    type Error = InvalidVariant;

    fn try_from(rules: Vec<String>) -> Result<Self, InvalidVariant> {
        Self::new(rules)
    }
}

impl From<VariantRules> for Vec<String> {
    fn from(variants: VariantRules) -> Self {
        variants.rules
    }
}
