//! The look: one fresh scan of every source, against the keys that are staged.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use s3gc_source::{Drain, Reading, ReferenceBatch, ReferenceSource, ScanItem, ScanRequest};
use s3gc_store::{ObjectKey, Timestamp};
use tokio_util::task::AbortOnDropHandle;

use crate::gc::{Parts, RunContext};
use crate::{Error, Result, VariantRules};

/// What a look found, and how long it may be relied on.
#[derive(Debug)]
pub(crate) struct Look {
    /// For each key that was looked for, whether something references it.
    pub(crate) referenced: Vec<bool>,
    /// Before the first scan began, by the wall clock and the boot clock.
    pub(crate) began_at: Timestamp,
    pub(crate) began_boot: Duration,
}

/// Scans every source anew for these keys. Any failure fails the look as a whole.
pub(crate) async fn look(parts: &Arc<Parts>, run: &RunContext, keys: &[&ObjectKey]) -> Result<Look> {
    let (began_at, began_boot) = (parts.clock.now(), parts.clock.boot());
    let wanted = Arc::new(Wanted::new(keys, &parts.settings.variants));
    let scans = parts.sources.iter().map(|source| {
        let (source, wanted) = (Arc::clone(source), Arc::clone(&wanted));
        AbortOnDropHandle::new(tokio::spawn(scan(source, wanted)))
    });
    let scans = futures::future::try_join_all(scans);
    let found = tokio::select! {
        found = scans => found?,
        () = run.cancel.cancelled() => return Err(Error::Cancelled),
    };
    let mut referenced = vec![false; keys.len()];
    for source in found {
        for index in source? {
            referenced[index] = true;
        }
    }
    Ok(Look { referenced, began_at, began_boot })
}

/// Waits for the transactions that were open when the objects were staged.
pub(crate) async fn drain(parts: &Parts, run: &RunContext) -> Result<Option<String>> {
    let patience = parts.settings.drain_patience;
    for source in &parts.sources {
        let drained = tokio::select! {
            drained = source.drain(patience) => drained?,
            () = run.cancel.cancelled() => return Err(Error::Cancelled),
        };
        if let Drain::Blocked { by } = drained {
            return Ok(Some(format!("{}: {by}", source.name())));
        }
    }
    Ok(None)
}

async fn scan(source: Arc<dyn ReferenceSource>, wanted: Arc<Wanted>) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    let mut is_complete = false;
    let mut items = source.scan(ScanRequest::look());
    while let Some(item) = items.next().await {
        match item? {
            ScanItem::Batch(batch) if !is_complete => wanted.find(&batch, &mut found),
            ScanItem::End(_) if !is_complete => is_complete = true,
            ScanItem::Batch(_) | ScanItem::End(_) => return Err(incomplete(&*source, "it went on after its end")),
        }
    }
    if is_complete { Ok(found) } else { Err(incomplete(&*source, "it ended without saying that it is complete")) }
}

fn incomplete(source: &dyn ReferenceSource, reason: &str) -> Error {
    Error::Incomplete { reason: format!("{}: the look: {reason}", source.name()) }
}

/// The keys that are looked for, and those that they are derived from.
#[derive(Debug)]
struct Wanted {
    keys: HashMap<Box<str>, Vec<usize>>,
    /// In byte order, so that what begins with a prefix stands together.
    sorted: Vec<(Box<str>, usize)>,
}

impl Wanted {
    fn new(keys: &[&ObjectKey], variants: &VariantRules) -> Self {
        let mut sorted: Vec<(Box<str>, usize)> = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            sorted.push((key.as_str().into(), index));
            sorted.extend(variants.bases(key).map(|base| (base.as_str().into(), index)));
        }
        sorted.sort_unstable();
        let mut keys: HashMap<Box<str>, Vec<usize>> = HashMap::with_capacity(sorted.len());
        for (key, index) in &sorted {
            keys.entry(key.clone()).or_default().push(*index);
        }
        Self { keys, sorted }
    }

    fn find(&self, batch: &ReferenceBatch, found: &mut Vec<usize>) {
        for reading in batch.readings() {
            match reading {
                Reading::Key(key) => found.extend(self.keys.get(key).into_iter().flatten()),
                Reading::Prefix(prefix) => {
                    let first = self.sorted.partition_point(|(key, _)| &**key < prefix);
                    let under = self.sorted[first..].iter().take_while(|(key, _)| key.starts_with(prefix));
                    found.extend(under.map(|(_, index)| *index));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream::{self, BoxStream};
    use s3gc_source::{ColumnId, ScanEnd};

    /// A source that breaks its contract: its scans are a batch for each `b` and an end for each `e`.
    #[derive(Debug)]
    struct Odd(&'static str);

    impl ReferenceSource for Odd {
        fn name(&self) -> &str {
            "odd"
        }

        fn scan(&self, _: ScanRequest) -> BoxStream<'_, s3gc_source::Result<ScanItem>> {
            let item = |item| match item {
                'b' => ScanItem::Batch(ReferenceBatch::of_keys(ColumnId::new("t.c"), ["a"])),
                _ => ScanItem::End(ScanEnd::new([])),
            };
            stream::iter(self.0.chars().map(move |c| Ok(item(c)))).boxed()
        }
    }

    #[test]
    fn i01_a_look_is_complete_only_with_one_end_and_nothing_after_it() {
        let key = ObjectKey::new("a").unwrap();
        let wanted = Arc::new(Wanted::new(&[&key], &VariantRules::default()));
        let scan = |items| futures::executor::block_on(scan(Arc::new(Odd(items)), Arc::clone(&wanted)));
        assert_eq!(scan("bbe").unwrap(), [0, 0]);
        assert_eq!(scan("e").unwrap(), [0; 0]);
        for items in ["", "b", "beb", "bee", "ee"] {
            let error = scan(items).unwrap_err();
            assert!(matches!(&error, Error::Incomplete { reason } if reason.starts_with("odd: the look: ")), "{error}");
        }
    }

    #[test]
    fn i01_a_key_and_everything_under_a_prefix_is_found() {
        let keys: Vec<ObjectKey> = ["a/b", "a/bc", "ab", "a/", "z", "thumbs/z", "thumbs/a/x"]
            .iter()
            .map(|k| ObjectKey::new(*k).unwrap())
            .collect();
        let rules = VariantRules::new(vec![r"^thumbs/(?<base>.+)$ -> $base".into()]).unwrap();
        let wanted = Wanted::new(&keys.iter().collect::<Vec<_>>(), &rules);
        let mut batch = ReferenceBatch::builder(ColumnId::new("t.c"));
        batch.push_value([Reading::Key("z"), Reading::Key("nothing")]);
        batch.push_value([Reading::Prefix("a/")]);
        let mut found = Vec::new();
        wanted.find(&batch.finish(), &mut found);
        found.sort_unstable();
        assert_eq!(found, [0, 1, 3, 4, 5, 6]);
    }
}
