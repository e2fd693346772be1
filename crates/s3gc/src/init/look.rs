//! A look at one column: how many of its values exist in the bucket, and in which form.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use percent_encoding::percent_decode_str;
use s3gc_source::extract::{ExtractConfig, Extractor, Kind, Outcome, Preset, Readings};
use s3gc_source_sql::Candidate;
use serde::Serialize;
use url::Url;

use super::affix::{self, Affix, MAX_DIRECTORIES};
use super::bucket::{Bucket, Question};
use super::template::{self, Names};
use super::values::{Form, kind, kind_name, urls};
use crate::error::{Error, Result};

/// How many values are asked for at a time.
const CONCURRENCY: usize = 32;
/// How many readings of one value are asked for.
const MAX_READINGS: usize = 64;

/// What was seen of a column.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) table: String,
    pub(super) column: String,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// Different values, none of them blank.
    pub(super) sampled: usize,
    /// Those that exist in the bucket in at least one reading.
    pub(super) matched: usize,
    /// How many are or hold URLs of hosts that are still unknown with the chosen base URLs.
    pub(super) foreign: usize,
    /// The values that are or hold URLs of unknown hosts.
    #[serde(skip)]
    foreign_values: Vec<String>,
    /// What the values that do not exist could mean.
    #[serde(skip)]
    unmatched: Vec<String>,
    /// All values, for another look with an affix that other columns have.
    #[serde(skip)]
    values: Vec<String>,
    /// The forms of those that exist.
    pub(super) forms: BTreeSet<Form>,
    pub(super) kind: &'static str,
    /// What stands before the keys in the column, and is no part of them.
    pub(super) strip: Option<String>,
    /// What stands before the keys in the bucket, and is missing in the column.
    pub(super) prepend: Option<String>,
    /// How the keys are put together from this column and the key of its row.
    pub(super) templates: Vec<String>,
    /// Why a scan cannot read the column as it is.
    pub(super) refused: Option<String>,
    /// The preset that reads it.
    pub(super) preset: Option<Preset>,
    /// Whether it belongs to the log of a framework, which needs no files.
    pub(super) is_log: bool,
    /// Why it could not be sampled.
    pub(super) failed: Option<String>,
    /// The base URLs of foreign hosts that lead to objects, by host.
    #[serde(skip)]
    pub(super) bases: BTreeMap<String, BTreeSet<String>>,
}

impl Finding {
    pub(super) fn new(candidate: &Candidate) -> Self {
        Self {
            table: candidate.table.clone(),
            column: candidate.column.clone(),
            type_name: candidate.type_name.clone(),
            sampled: 0,
            matched: 0,
            foreign: 0,
            foreign_values: Vec::new(),
            unmatched: Vec::new(),
            values: Vec::new(),
            forms: BTreeSet::new(),
            kind: kind_name(Kind::Auto),
            strip: None,
            prepend: None,
            templates: Vec::new(),
            refused: candidate.refused.clone(),
            preset: None,
            is_log: false,
            failed: None,
            bases: BTreeMap::new(),
        }
    }

    /// Tells whether the column is proposed: one match is enough, since a reference too many only keeps an object. What
    /// could not be seen is proposed too, unless it could not be read either.
    pub(super) fn is_proposed(&self) -> bool {
        self.matched > 0 || self.preset.is_some() || (self.failed.is_some() && self.refused.is_none())
    }

    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.table, self.column)
    }

    pub(super) fn describe(&self) -> String {
        let mut words: Vec<String> = self.forms.iter().map(|form| form.as_str().to_owned()).collect();
        words.extend(self.templates.iter().map(|template| format!("in {template}")));
        words.extend(self.preset.iter().map(|preset| format!("preset {preset}")));
        words.extend(self.strip.iter().map(|strip| format!("without {strip}")));
        words.extend(self.prepend.iter().map(|prepend| format!("behind {prepend}")));
        words.join(", ")
    }
}

/// Reads values as keys of the bucket.
pub(super) struct Looker {
    bucket: Bucket,
    extract: ExtractConfig,
    directories: Vec<String>,
    names: Names,
}

/// How values are read.
struct Readers {
    auto: Extractor,
    url: Extractor,
    prefix: Extractor,
}

/// What was seen of one value.
struct Seen {
    form: Form,
    matched: Option<Form>,
    /// It is or holds a URL of a host that is not known.
    foreign: bool,
    bases: Vec<(String, String)>,
}

impl Looker {
    pub(super) async fn new(bucket: Bucket, extract: ExtractConfig) -> Result<Self> {
        let (directories, names) = bucket.directories(MAX_DIRECTORIES).await?;
        Ok(Self { bucket, extract, directories, names })
    }

    /// Tells whether rows should be read with their keys: most values are names of files in directories.
    pub(super) fn may_need_template(&self, finding: &Finding) -> bool {
        finding.matched * 2 < finding.sampled && self.names.hold_most(&finding.values)
    }

    /// Finds how the keys are put together from the key of a row and the column.
    pub(super) fn find_template(&self, candidate: &Candidate, finding: &mut Finding, rows: &[(String, String)]) {
        let Some(id) = candidate.key_column() else { return };
        if let Some((templates, count)) = template::find(&self.names, id, &candidate.column, rows) {
            finding.templates = templates;
            (finding.matched, finding.sampled) = (count, rows.len());
            finding.forms = [Form::Key].into();
        }
    }

    /// Asks the bucket for every value, as it is and with what most of the others need.
    pub(super) async fn look(&self, candidate: &Candidate, values: Vec<String>) -> Result<Finding> {
        let values: Vec<String> = values.into_iter().filter(|value| !value.trim().is_empty()).collect();
        let finding = self.read(candidate, values, &self.extract).await?;
        if finding.unmatched.is_empty() {
            return Ok(finding);
        }
        let Some(affix) = affix::find(&self.bucket, &finding.unmatched, &self.directories).await? else {
            return Ok(finding);
        };
        // Some may exist as they are beside others that need an affix: values are read with it and without. An affix is a
        // guess, which one value among many does not prove.
        self.try_affix(candidate, finding, affix, |with| with.matched * 2 >= with.sampled).await
    }

    /// Looks once more at a column of which not all values exist, with what other columns have.
    pub(super) async fn look_again(&self, candidate: &Candidate, finding: Finding, affix: Affix) -> Result<Finding> {
        // The prefix with the most matches wins, whichever is tried first.
        if !finding.templates.is_empty() || finding.strip.is_some() || finding.unmatched.is_empty() {
            return Ok(finding);
        }
        self.try_affix(candidate, finding, affix, |_| true).await
    }

    async fn try_affix(
        &self,
        candidate: &Candidate,
        mut finding: Finding,
        affix: Affix,
        is_enough: impl Fn(&Finding) -> bool,
    ) -> Result<Finding> {
        let values = std::mem::take(&mut finding.values);
        let mut with = self.read(candidate, values, &affix.apply(&self.extract)).await?;
        if with.matched <= finding.matched || !is_enough(&with) {
            finding.values = with.values;
            return Ok(finding);
        }
        match affix {
            Affix::Strip(strip) => with.strip = Some(strip),
            Affix::Prepend(prepend) => with.prepend = Some(prepend),
            Affix::Base(host, base) => drop(with.bases.entry(host).or_default().insert(base)),
        }
        Ok(with)
    }

    /// Counts what is of unknown hosts even with these base URLs.
    pub(super) fn count_foreign(&self, findings: &mut [Finding], bases: &[String]) -> Result<()> {
        let extract = ExtractConfig { base_urls: bases.to_vec(), ..self.extract.clone() };
        let auto = Readers::new(&extract)?.auto;
        for finding in findings {
            let is_foreign = |value: &&String| questions(&auto, value).1 == Outcome::Read { foreign: true };
            finding.foreign = finding.foreign_values.iter().filter(is_foreign).count();
        }
        Ok(())
    }

    async fn read(&self, candidate: &Candidate, values: Vec<String>, extract: &ExtractConfig) -> Result<Finding> {
        let readers = Readers::new(extract)?;
        let mut finding = Finding::new(candidate);
        finding.sampled = values.len();
        let seen = stream::iter(&values).map(|value| self.value(value, &candidate.type_name, &readers));
        let seen: Vec<Seen> = seen.buffered(CONCURRENCY).try_collect().await?;
        let all: Vec<Form> = seen.iter().map(|seen| seen.form).collect();
        let matched: Vec<Form> = seen.iter().filter_map(|seen| seen.matched).collect();
        finding.matched = matched.len();
        finding.kind = kind_name(kind(&all, &matched));
        finding.forms = matched.into_iter().collect();
        for (value, seen) in values.iter().zip(&seen) {
            if seen.foreign {
                finding.foreign_values.push(value.clone());
            }
            if seen.matched.is_none() && finding.unmatched.len() < affix::MAX_VALUES {
                finding.unmatched.extend(affix::meanings(value, seen.form, &readers.auto));
            }
        }
        for (host, base) in seen.into_iter().flat_map(|seen| seen.bases) {
            finding.bases.entry(host).or_default().insert(base);
        }
        finding.values = values;
        Ok(finding)
    }

    async fn value(&self, value: &str, type_name: &str, readers: &Readers) -> Result<Seen> {
        let form = Form::of(value, type_name);
        let (asked, outcome) = questions(&readers.auto, value);
        let found = self.bucket.first(asked).await?;
        let blank = |text: &str| text.trim().contains(char::is_whitespace);
        let mut matched = found.map(|key| match form {
            Form::Key if blank(value) && !blank(&key) => Form::Text,
            form => form,
        });
        // A directory may be named instead of what is in it; one word alone is too often something else.
        if matched.is_none() && form != Form::Text && value.trim_matches('/').contains('/') {
            matched = self.bucket.first(questions(&readers.prefix, value).0).await?.map(|_| Form::Directory);
        }
        let mut bases = Vec::new();
        if matched.is_some() {
            for url in urls(value) {
                bases.extend(self.base(&url, &readers.url).await?);
            }
        }
        Ok(Seen { form, matched, foreign: outcome == Outcome::Read { foreign: true }, bases })
    }

    /// Finds host and base of a URL that leads to an object and whose host is not known.
    async fn base(&self, text: &str, reader: &Extractor) -> Result<Option<(String, String)>> {
        let (questions, outcome) = questions(reader, text);
        if outcome != (Outcome::Read { foreign: true }) {
            return Ok(None);
        }
        let Some(key) = self.bucket.first(questions).await? else { return Ok(None) };
        Ok(base_url(text, &key))
    }
}

impl Readers {
    fn new(extract: &ExtractConfig) -> Result<Self> {
        let of = |kind| {
            let made = Extractor::new(ExtractConfig { kind, ..extract.clone() });
            made.map_err(|error| Error::usage(error.to_string(), "correct --endpoint"))
        };
        Ok(Self { auto: of(Kind::Auto)?, url: of(Kind::Url)?, prefix: of(Kind::Prefix)? })
    }
}

/// Lists the readings of a value, the likely ones first.
fn questions(extractor: &Extractor, value: &str) -> (Vec<Question>, Outcome) {
    let mut readings = Readings::default();
    let outcome = extractor.extract(value, &mut readings);
    let mut questions: Vec<Question> = readings.iter().map(Question::from).collect();
    questions.sort_by_key(|question| match question {
        Question::Key(key) => (!key.contains('/'), !key.contains('.')),
        Question::Prefix(_) => (true, true),
    });
    questions.truncate(MAX_READINGS);
    (questions, outcome)
}

/// Takes the key off the end of a URL.
fn base_url(text: &str, key: &str) -> Option<(String, String)> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?.to_owned();
    let path = percent_decode_str(url.path()).decode_utf8().ok()?;
    let prefix = path.strip_suffix(key).filter(|prefix| prefix.ends_with('/'))?;
    // Another bucket of Amazon's is no base of this one.
    let is_plain = prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b));
    let is_other = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    let base = format!("{}{prefix}", url.origin().ascii_serialization());
    (is_plain && !is_other).then_some((host, base))
}

/// Chooses the base URLs. A base makes its URLs mean one key each, so that a host with several bases is left out: as
/// URLs of an unknown host they mark every reading.
pub(super) fn bases(findings: &[Finding]) -> (Vec<String>, Vec<String>) {
    let mut hosts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (host, bases) in findings.iter().flat_map(|finding| &finding.bases) {
        hosts.entry(host).or_default().extend(bases.iter().map(String::as_str));
    }
    let (mut chosen, mut left_out) = (BTreeSet::new(), Vec::new());
    for (host, bases) in hosts {
        let schemeless: BTreeSet<&str> = bases.iter().filter_map(|base| Some(base.split_once("://")?.1)).collect();
        match bases.iter().next_back() {
            Some(base) if schemeless.len() == 1 => drop(chosen.insert((*base).to_owned())),
            _ => left_out.push(host.to_owned()),
        }
    }
    (chosen.into_iter().collect(), left_out)
}

/// Chooses the brake on URLs of unknown hosts, in percent, where the usual one would trip at once: twice what was seen.
pub(super) fn max_foreign_urls(findings: &[Finding]) -> Option<usize> {
    let proposed = || findings.iter().filter(|finding| finding.is_proposed());
    let sampled: usize = proposed().map(|finding| finding.sampled).sum();
    let foreign: usize = proposed().map(|finding| finding.foreign).sum();
    (foreign * 100 > sampled).then(|| (foreign * 200).div_ceil(sampled.max(1)).min(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_what_stands_before_the_key() {
        let base = |url, key| base_url(url, key).map(|(_, base)| base);
        assert_eq!(base("https://cdn.example/a%20b.jpg?w=1", "a b.jpg").as_deref(), Some("https://cdn.example/"));
        assert_eq!(base("http://x.example:81/m/a/b.jpg", "a/b.jpg").as_deref(), Some("http://x.example:81/m/"));
        assert_eq!(base("https://cdn.example/bar.jpg", "r.jpg"), None);
        assert_eq!(base("https://other.s3.amazonaws.com/a.jpg", "a.jpg"), None);
    }

    #[test]
    fn l13_a_host_with_several_bases_is_left_out() {
        let mut finding = Finding {
            table: "t".into(),
            column: "c".into(),
            type_name: "text".into(),
            sampled: 2,
            matched: 2,
            foreign: 0,
            foreign_values: Vec::new(),
            unmatched: Vec::new(),
            values: Vec::new(),
            forms: BTreeSet::new(),
            kind: "auto",
            strip: None,
            prepend: None,
            templates: Vec::new(),
            refused: None,
            preset: None,
            is_log: false,
            failed: None,
            bases: BTreeMap::new(),
        };
        let both = ["http://cdn.example/", "https://cdn.example/"].map(str::to_owned);
        finding.bases.insert("cdn.example".into(), both.into());
        let two = ["https://x.example/", "https://x.example/m/"].map(str::to_owned);
        finding.bases.insert("x.example".into(), two.into());
        assert_eq!(bases(&[finding]), (vec!["https://cdn.example/".to_owned()], vec!["x.example".to_owned()]));
    }
}
