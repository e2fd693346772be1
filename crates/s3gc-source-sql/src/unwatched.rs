//! Samples of the columns that nobody configured.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use s3gc_source::extract::Readings;
use s3gc_source::{ColumnId, Error, NotSampled, ReferenceBatch, Result, Unwatched, UnwatchedColumn, UnwatchedRequest};

use crate::catalog::Resolver;
use crate::config::Reference;
use crate::inspect::{Candidate, Inspector};
use crate::quote::TableName;
use crate::source::SqlSource;

/// The longest that one column may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Samples what is not watched: new columns first, then the others from one that the request names.
pub(crate) async fn sample(source: &SqlSource, request: &UnwatchedRequest) -> Result<Unwatched> {
    let deadline = Instant::now() + request.patience;
    let mut inspector = Inspector::of(source);
    let candidates = inspector.candidates().await?;
    let watched = watched(source, &mut inspector).await?;
    let candidates = candidates.into_iter().filter(|candidate| !watched.contains(&candidate.place()));
    let (mut known, new): (Vec<_>, Vec<_>) = candidates.partition(|candidate| request.known.contains(&name(candidate)));
    if !known.is_empty() {
        let first = request.first % known.len();
        known.rotate_left(first);
    }
    let mut columns = Vec::new();
    for candidate in new.into_iter().chain(known) {
        let left = deadline.saturating_duration_since(Instant::now());
        let sample = if request.ignores(&candidate.table, &candidate.column) {
            Err(NotSampled::Ignored)
        } else if left.is_zero() {
            Err(NotSampled::OutOfTime)
        } else {
            match inspector.sample(&candidate, request.values, PATIENCE.min(left)).await {
                Ok(values) => Ok(read(source, &candidate, &values)),
                Err(error @ Error::PermissionDenied { .. }) => Err(NotSampled::Denied(describe(&error))),
                Err(error) => Err(NotSampled::Failed(describe(&error))),
            }
        };
        columns.push(UnwatchedColumn { name: name(&candidate), sample });
    }
    let has_queries = source.references.iter().any(|(reference, _)| matches!(reference, Reference::Query { .. }));
    Ok(Unwatched { columns, has_queries })
}

fn name(candidate: &Candidate) -> String {
    format!("{}.{}", candidate.table, candidate.column)
}

/// The columns that are configured, as the catalogue has them.
async fn watched(source: &SqlSource, inspector: &mut Inspector) -> Result<HashSet<(TableName, String)>> {
    let catalog = inspector.catalog().await?;
    let resolver = Resolver::new(&source.name, source.dialect(), catalog);
    let mut watched = HashSet::new();
    // A column that goes into a template may hold whole keys, too.
    let whole = source.references.iter().filter(|(reference, _)| matches!(reference, Reference::Column { .. }));
    for (reference, extractor) in whole {
        watched.extend(resolver.places(reference, extractor)?);
    }
    Ok(watched)
}

fn read(source: &SqlSource, candidate: &Candidate, values: &[String]) -> ReferenceBatch {
    let mut batch = ReferenceBatch::builder(ColumnId::new(&name(candidate)));
    let mut scratch = vec![Readings::default(); source.autos.len()];
    for value in values {
        for (auto, readings) in source.autos.iter().zip(&mut scratch) {
            auto.extract(value, readings);
        }
        batch.push_value(scratch.iter().flat_map(Readings::iter));
    }
    batch.finish()
}

fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
