//! The drift sentinel: columns that nobody configured are sampled at each census, and one that names objects blocks.

use std::collections::{BTreeMap, BTreeSet};

use s3gc_source::{ColumnId, NotSampled, Unwatched, UnwatchedColumn, UnwatchedRequest};
use serde::{Deserialize, Serialize};

use crate::brakes::{Brake, brake};
use crate::catalog::Pin;
use crate::census::MatchSampler;
use crate::gc::Parts;
use crate::{Error, Result};

/// How many columns that could not be looked at a report names.
const MAX_NAMED: usize = 20;

/// What was seen of the unwatched columns of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnwatchedCensus {
    /// The source.
    pub source: String,
    /// How many of its columns could hold references and are not watched.
    pub columns: u64,
    /// How many of those were sampled.
    pub sampled: u64,
    /// How many are not looked at because the configuration says so.
    pub ignored: u64,
    /// How many were not reached in time.
    pub out_of_time: u64,
    /// Some that could not be read, and why.
    pub failed: Vec<(String, String)>,
    /// Those that name objects of this bucket.
    pub holding: Vec<HoldingColumn>,
}

/// An unwatched column of which a sampled value names an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldingColumn {
    /// The column.
    pub column: String,
    /// How many values were sampled.
    pub sampled: u64,
    /// How many of them name an object.
    pub matched: u64,
    /// How many of those name one that nothing else references.
    pub unreferenced: u64,
}

/// The samples of every source.
#[derive(Debug)]
pub(crate) struct Sentinel {
    sources: Vec<Sample>,
}

/// The samples of one source.
#[derive(Debug)]
struct Sample {
    source: String,
    unwatched: Unwatched,
    /// The columns of the last good run; empty before the first.
    known: BTreeSet<String>,
    /// Those that the user could not read then.
    denied: BTreeSet<String>,
}

impl Sentinel {
    /// Samples what is not watched, new columns first.
    pub(crate) async fn sample(parts: &Parts) -> Result<Self> {
        let pins = parts.catalog.pins(parts.store.location()).await?;
        let ignore: BTreeSet<String> = parts.settings.ignore_columns.iter().cloned().collect();
        let samples = parts.sources.iter().map(|source| {
            let (known, denied) = (names(&pins, SEEN, source.name()), names(&pins, DENIED, source.name()));
            let ignore = ignore.clone();
            async move {
                let (known, denied) = (known?, denied?);
                let request = UnwatchedRequest::new(known.clone(), ignore).starting_at(rand::random_range(0..1 << 20));
                let unwatched = source.sample_unwatched(&request).await?;
                Ok::<_, Error>(Sample { source: source.name().to_owned(), unwatched, known, denied })
            }
        });
        Ok(Self { sources: futures::future::try_join_all(samples).await? })
    }

    /// Adds the samples to those whose objects are looked for.
    pub(crate) fn add_to(&self, matches: &mut MatchSampler) {
        for Sample { source, unwatched, .. } in &self.sources {
            for column in &unwatched.columns {
                if let Ok(batch) = &column.sample {
                    matches.add_as(&id(source, &column.name), batch);
                }
            }
        }
    }

    /// Tells what was seen, and trips a brake for each column that names objects. Where custom queries are watched, one
    /// whose objects are all referenced may be what a query reads.
    pub(crate) fn judge(&self, matches: &MatchSampler) -> (Vec<UnwatchedCensus>, Vec<Brake>) {
        let mut brakes = BTreeMap::new();
        let mut censuses = Vec::new();
        for Sample { source, unwatched, known, denied } in &self.sources {
            let mut census = UnwatchedCensus { source: source.clone(), ..UnwatchedCensus::default() };
            for column in &unwatched.columns {
                census.columns += 1;
                match &column.sample {
                    Ok(_) => census.sampled += 1,
                    Err(NotSampled::Ignored) => census.ignored += 1,
                    Err(NotSampled::OutOfTime) => census.out_of_time += 1,
                    Err(NotSampled::Denied(reason) | NotSampled::Failed(reason)) => {
                        if census.failed.len() < MAX_NAMED {
                            census.failed.push((column.name.clone(), reason.clone()));
                        }
                    }
                }
                let name = format!("unwatched:{}", column.name);
                let is_new = !known.is_empty() && !known.contains(&column.name);
                let unseen = match &column.sample {
                    Err(NotSampled::OutOfTime) => Some("there was no time for it"),
                    Err(NotSampled::Failed(reason)) => Some(reason.as_str()),
                    // Whoever grants no more than is watched would else never have a plan.
                    Err(NotSampled::Denied(reason)) if !denied.contains(&column.name) => Some(reason.as_str()),
                    _ => None,
                };
                if let Some(why) = unseen.filter(|_| is_new) {
                    let reason = format!(
                        "{} in {source} is new since the last good run, and could not be looked at ({why}): add it to the \
                         references, or to [safety] ignore_columns if its rows need no files",
                        column.name
                    );
                    brakes.entry(name).or_insert_with_key(|name| brake(name, reason));
                    continue;
                }
                let id = id(source, &column.name);
                let (sampled, matched) = matches.result(&id);
                if matched == 0 {
                    continue;
                }
                let unreferenced = matches.unreferenced(&id);
                if unreferenced > 0 || !unwatched.has_queries {
                    let reason = format!(
                        "{matched} of {sampled} sampled values of {} in {source} name objects of this bucket, \
                         {unreferenced} of them objects that nothing else references: add the column to the references, or \
                         to [safety] ignore_columns if its rows need no files",
                        column.name
                    );
                    brakes.entry(name.clone()).or_insert_with(|| brake(&name, reason));
                }
                census.holding.push(HoldingColumn { column: column.name.clone(), sampled, matched, unreferenced });
            }
            censuses.push(census);
        }
        (censuses, brakes.into_values().collect())
    }

    /// The columns as they are now, to tell by the next run which ones are new.
    pub(crate) fn pins(&self, parts: &Parts) -> Vec<Pin> {
        let pin = |kind: &str, source: &str, names: BTreeSet<&str>| Pin {
            name: pin_name(kind, source),
            value: serde_json::json!(names).to_string(),
            set_at: parts.clock.now(),
        };
        let of_source = |Sample { source, unwatched, known, .. }: &Sample| {
            let names = |wanted: &dyn Fn(&UnwatchedColumn) -> bool| {
                unwatched.columns.iter().filter(|column| wanted(column)).map(|column| column.name.as_str()).collect()
            };
            // What was not looked at stays new.
            let seen = names(&|column| matches!(column.sample, Ok(_) | Err(NotSampled::Ignored)));
            // A column that could be read before is a change that a person should see.
            let denied =
                names(&|column| matches!(column.sample, Err(NotSampled::Denied(_))) && !known.contains(&column.name));
            [pin(SEEN, source, seen), pin(DENIED, source, denied)]
        };
        self.sources.iter().flat_map(of_source).collect()
    }
}

/// What the pin of the columns is called that were looked at, or need not be.
const SEEN: &str = "unwatched";
/// What the pin of the columns is called that the user may not read.
const DENIED: &str = "unreadable";

fn pin_name(kind: &str, source: &str) -> String {
    format!("{kind}:{source}")
}

fn names(pins: &[Pin], kind: &str, source: &str) -> Result<BTreeSet<String>> {
    let name = pin_name(kind, source);
    let Some(pin) = pins.iter().find(|pin| pin.name == name) else { return Ok(BTreeSet::new()) };
    serde_json::from_str(&pin.value).map_err(|error| Error::Internal(format!("the pin {name} cannot be read: {error}")))
}

/// Names a column among the samples, apart from those that are watched.
fn id(source: &str, column: &str) -> ColumnId {
    ColumnId::new(&format!("unwatched\0{source}\0{column}"))
}
