//! Brakes: checks that block a plan until a person lifts them for that one plan.

use s3gc_source::ColumnId;
use serde::{Deserialize, Serialize};

use crate::census::{ColumnCensus, SourceCensus};
use crate::judge::JudgeCounts;
use crate::settings::MaxDelete;
use crate::{Digest, Settings};

/// Ratios of fewer objects or rows say nothing.
const MIN_SAMPLE: u64 = 20;
/// References may not drop by more, in percent, since the last good run.
const MAX_DROP_PERCENT: f64 = 10.0;
/// A prefix may not be unreferenced in more than these, in percent, when the last good run saw half of that or less.
const MAX_PREFIX_PERCENT: f64 = 50.0;

/// A brake that tripped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brake {
    /// Its name, as `--accept` takes it: `orphans`, `zero:posts.featured_image`, ...
    pub name: String,
    /// What was seen, and what it may mean.
    pub reason: String,
}

/// What a census saw, as far as the next one compares itself with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What was counted in the store.
    pub counts: JudgeCounts,
    /// What was counted in the sources.
    pub sources: Vec<SourceCensus>,
}

impl Baseline {
    fn source(&self, name: &str) -> Option<&SourceCensus> {
        self.sources.iter().find(|source| source.name == name)
    }

    fn column(&self, source: &str, column: &ColumnId) -> Option<&ColumnCensus> {
        self.source(source)?.columns.iter().find(|candidate| candidate.column == *column)
    }
}

/// What the brakes are about.
#[derive(Debug)]
pub(crate) struct BrakeInput<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) now: &'a Baseline,
    pub(crate) last_good: Option<&'a Baseline>,
    pub(crate) config_hash: &'a Digest,
    /// Of the last good census; a difference forces one dry run.
    pub(crate) last_config_hash: Option<&'a Digest>,
    /// Whether this run would delete.
    pub(crate) is_execute: bool,
}

impl BrakeInput<'_> {
    /// Returns every brake that trips.
    pub(crate) fn check(&self) -> Vec<Brake> {
        let mut tripped = Vec::new();
        self.zero(&mut tripped);
        self.orphans(&mut tripped);
        self.prefixes(&mut tripped);
        self.drops(&mut tripped);
        self.matches(&mut tripped);
        self.foreign(&mut tripped);
        self.config(&mut tripped);
        tripped
    }

    /// Returns what trips on the references alone, compared with the last good census: for a look that lists nothing.
    pub(crate) fn check_references(&self) -> Vec<Brake> {
        let mut tripped = Vec::new();
        self.zero(&mut tripped);
        let had_some = |source: &SourceCensus| source.readings() > 0;
        let any = self.last_good.is_some_and(|last| last.sources.iter().any(had_some));
        // Where there were none before, either, a person has accepted it.
        tripped.retain(|brake| match brake.name.strip_prefix("zero:") {
            Some("total") => any,
            Some(name) => match self.last_good.and_then(|last| last.source(name)) {
                Some(before) => had_some(before),
                // A column, which is compared already, or a source that is new.
                None => true,
            },
            None => true,
        });
        self.drops(&mut tripped);
        self.config(&mut tripped);
        tripped
    }

    fn zero(&self, tripped: &mut Vec<Brake>) {
        let total: u64 = self.now.sources.iter().map(SourceCensus::readings).sum();
        if total == 0 {
            tripped.push(brake("zero:total", "no source reported a single reference".into()));
        }
        for source in &self.now.sources {
            if source.readings() == 0 {
                tripped.push(brake(&format!("zero:{}", source.name), format!("{} returned no keys", source.name)));
            }
            for column in source.columns.iter().filter(|column| column.counts.readings == 0) {
                let before = self.last_good.and_then(|last| last.column(&source.name, &column.column));
                if let Some(before) = before.filter(|before| before.counts.readings > 0) {
                    let reason = format!(
                        "{} returned 0 keys; the last good run had {}. Column emptied or renamed?",
                        column.column, before.counts.readings
                    );
                    tripped.push(brake(&format!("zero:{}", column.column), reason));
                }
            }
        }
    }

    fn orphans(&self, tripped: &mut Vec<Brake>) {
        let counts = &self.now.counts;
        let (due, claimed) = (counts.due, counts.claimed);
        match self.settings.max_delete {
            MaxDelete::Percent(limit) => {
                if claimed.objects >= MIN_SAMPLE && percent(due.objects, claimed.objects) > limit {
                    let share = percent(due.objects, claimed.objects);
                    tripped.push(brake(
                        "orphans",
                        format!(
                            "{} of {} claimed objects are due ({share:.1} %, brake at {limit} %)",
                            due.objects, claimed.objects
                        ),
                    ));
                }
                if claimed.objects >= MIN_SAMPLE && percent(due.bytes, claimed.bytes) > limit {
                    let share = percent(due.bytes, claimed.bytes);
                    tripped.push(brake(
                        "orphan_bytes",
                        format!(
                            "{} of {} claimed bytes are due ({share:.1} %, brake at {limit} %)",
                            due.bytes, claimed.bytes
                        ),
                    ));
                }
            }
            MaxDelete::Count(limit) if due.objects > limit => {
                tripped.push(brake("max_count", format!("{} objects are due, brake at {limit}", due.objects)));
            }
            MaxDelete::Count(_) => {}
        }
        if let Some(limit) = self.settings.max_delete_bytes.filter(|limit| due.bytes > *limit) {
            tripped.push(brake("max_bytes", format!("{} bytes are due, brake at {limit}", due.bytes)));
        }
    }

    /// A prefix that was in use and now mostly is not: its table may have been left out of the configuration. Due or not,
    /// since what waits now must not be the measure by the time it is due.
    fn prefixes(&self, tripped: &mut Vec<Brake>) {
        let Some(last) = self.last_good else { return };
        for (prefix, counts) in &self.now.counts.prefixes {
            let share = percent(counts.unreferenced.objects, counts.claimed.objects);
            let before = last.counts.prefixes.get(prefix).copied().unwrap_or_default();
            let share_before = percent(before.unreferenced.objects, before.claimed.objects);
            let is_known = before.claimed.objects >= MIN_SAMPLE;
            if is_known && share > MAX_PREFIX_PERCENT && share_before <= MAX_PREFIX_PERCENT / 2.0 {
                tripped.push(brake(
                    &format!("orphans:{prefix}"),
                    format!("{share:.0} % of {prefix} is unreferenced; in the last good run {share_before:.0} %"),
                ));
            }
        }
    }

    fn drops(&self, tripped: &mut Vec<Brake>) {
        for source in &self.now.sources {
            let Some(before) = self.last_good.and_then(|last| last.source(&source.name)) else { continue };
            let (now, before) = (source.readings(), before.readings());
            let drop = percent(before.saturating_sub(now), before);
            if before >= MIN_SAMPLE && drop > MAX_DROP_PERCENT {
                tripped.push(brake(
                    &format!("drop:{}", source.name),
                    format!("{} has {now} references, {drop:.0} % fewer than the last good run", source.name),
                ));
            }
        }
    }

    fn matches(&self, tripped: &mut Vec<Brake>) {
        for source in &self.now.sources {
            for column in &source.columns {
                let before = self.last_good.and_then(|last| last.column(&source.name, &column.column));
                let Some(before) = before.filter(|before| before.sampled >= MIN_SAMPLE) else {
                    if !is_read_by_template(source, column) {
                        self.never_matched(column, tripped);
                    }
                    continue;
                };
                let (now, before) = (percent(column.matched, column.sampled), percent(before.matched, before.sampled));
                if column.sampled >= MIN_SAMPLE && now < before / 2.0 {
                    tripped.push(brake(
                        &format!("match:{}", column.column),
                        format!(
                            "{now:.0} % of the values of {} have an object; in the last good run {before:.0} %",
                            column.column
                        ),
                    ));
                }
            }
        }
    }

    /// A column that nothing can be compared with, and of which no value names an object: it may be read in a wrong way.
    fn never_matched(&self, column: &ColumnCensus, tripped: &mut Vec<Brake>) {
        if column.sampled >= MIN_SAMPLE && column.matched == 0 && self.now.counts.claimed.objects > 0 {
            let reason = format!(
                "none of {} values of {} has an object: is it the right bucket, and is prepend, strip or a base URL missing?",
                column.sampled, column.column
            );
            tripped.push(brake(&format!("match:{}", column.column), reason));
        }
    }

    fn foreign(&self, tripped: &mut Vec<Brake>) {
        let values: u64 = self.now.sources.iter().map(SourceCensus::values).sum();
        let columns = self.now.sources.iter().flat_map(|source| &source.columns);
        let foreign: u64 = columns.clone().map(|column| column.counts.foreign_urls).sum();
        if values < MIN_SAMPLE || percent(foreign, values) <= self.settings.max_foreign_urls {
            return;
        }
        let worst = columns.max_by_key(|column| column.counts.foreign_urls);
        let worst = worst.map(|column| column.column.to_string()).unwrap_or_default();
        tripped.push(brake(
            "foreign_urls",
            format!(
                "{foreign} of {values} values are URLs of hosts that are not configured, most of them in {worst}: \
                 if they serve this bucket, add them to base_urls; if not, raise [safety] max_foreign_urls"
            ),
        ));
    }

    fn config(&self, tripped: &mut Vec<Brake>) {
        if self.is_execute && self.last_config_hash.is_some_and(|last| last != self.config_hash) {
            let reason = "the configuration of what may be deleted changed since the last good run: look at this plan, \
                          or at a dry run, first";
            tripped.push(brake("config", reason.into()));
        }
    }
}

/// Tells whether a template with this column in it names objects: the column itself then need not name any.
fn is_read_by_template(source: &SourceCensus, column: &ColumnCensus) -> bool {
    let Some((table, name)) = column.column.as_str().rsplit_once('.') else { return false };
    source.columns.iter().filter(|other| other.matched > 0).any(|other| {
        let template = other.column.as_str().strip_prefix(table).and_then(|rest| rest.strip_prefix('.'));
        template.is_some_and(|text| ["}", "|", "?"].iter().any(|end| text.contains(&format!("{{{name}{end}"))))
    })
}

/// Makes a brake.
pub(crate) fn brake(name: &str, reason: String) -> Brake {
    Brake { name: name.to_owned(), reason }
}

/// A share in percent; of nothing it is 0.
#[expect(clippy::cast_precision_loss, reason = "a share in percent needs no more than 52 bits")]
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests;
