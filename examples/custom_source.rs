//! A source of references of your own: a text file of keys or URLs, one a line, that an application exports.
//!
//! `cargo run -p s3gc-examples --example custom_source`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::path::PathBuf;

use async_stream::try_stream;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use s3gc_source::extract::{ExtractConfig, Extractor, Readings};
use s3gc_source::{
    BatchBuilder, ColumnCounts, ColumnId, Error, Origin, ReferenceSource, Result, ScanEnd, ScanItem, ScanRequest,
};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// About how many bytes of references are handed over at once.
const BATCH_BYTES: usize = 64 << 10;

/// The lines of a file. Who exports it writes another file and renames it, so that each scan sees one whole export.
#[derive(Debug)]
struct LinesSource {
    path: PathBuf,
    extractor: Extractor,
}

impl LinesSource {
    fn failed(&self, source: std::io::Error) -> Error {
        let operation = format!("reading {}", self.path.display());
        Error::Failed { source_name: self.name().to_owned(), operation, source: source.into() }
    }
}

impl ReferenceSource for LinesSource {
    fn name(&self) -> &str {
        "lines"
    }

    fn scan(&self, request: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
        let items = try_stream! {
            let column = ColumnId::new("lines");
            let (mut counts, mut number, mut scratch) = (ColumnCounts::default(), 0, Readings::default());
            let mut batch = BatchBuilder::new(column.clone());
            // An error ends the scan without an `End`: the census is not complete, and nothing is deleted.
            let file = tokio::fs::File::open(&self.path).await.map_err(|error| self.failed(error))?;
            let mut lines = BufReader::new(file).split(b'\n');
            while let Some(line) = lines.next_segment().await.map_err(|error| self.failed(error))? {
                number += 1;
                let row = |value: &str| Origin { row: format!("line {number}"), value: value.to_owned() };
                // The extractor marks every plausible reading: a key, a URL, a percent-encoded path.
                self.extractor.extract_into(Some(&line), request.trace.then_some(row), &mut scratch, &mut batch);
                if batch.size_bytes() >= BATCH_BYTES {
                    let full = std::mem::replace(&mut batch, BatchBuilder::new(column.clone())).finish();
                    counts.add(full.counts());
                    yield ScanItem::Batch(full);
                }
            }
            let last = batch.finish();
            counts.add(last.counts());
            yield ScanItem::Batch(last);
            yield ScanItem::End(ScanEnd::new([(column, counts)]));
        };
        items.boxed()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("keys.txt");
    std::fs::write(&path, "avatars/alice.jpg\nhttps://photos.s3.amazonaws.com/caf%C3%A9.png?v=2\n")?;

    let extractor = Extractor::new(ExtractConfig { bucket: "photos".into(), ..ExtractConfig::default() })?;
    // In a program: `Gc::builder(settings).source(Arc::new(source))`.
    let source = LinesSource { path, extractor };
    let mut items = source.scan(ScanRequest::trace());
    while let Some(item) = items.next().await {
        match item? {
            ScanItem::Batch(batch) => {
                for value in batch.values() {
                    println!("{:?}: {:?}", value.origin(), value.readings().collect::<Vec<_>>());
                }
            }
            ScanItem::End(end) => println!("complete: {:?}", end.columns),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use s3gc_testkit::suites::source::{Data, Fixture};

    use super::*;

    /// The application, which exports its keys.
    struct Application(PathBuf);

    impl Application {
        fn export(&self, change: impl FnOnce(&mut Vec<String>)) {
            let mut lines = std::fs::read_to_string(&self.0).unwrap().lines().map(str::to_owned).collect();
            change(&mut lines);
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let next = self.0.with_extension("next");
            std::fs::write(&next, text).unwrap();
            std::fs::rename(next, &self.0).unwrap();
        }
    }

    #[async_trait]
    impl Data for Application {
        async fn insert(&self, key: &str) {
            self.export(|lines| lines.push(key.to_owned()));
        }

        async fn remove(&self, key: &str) {
            self.export(|lines| lines.retain(|line| line != key));
        }

        async fn spoil(&self) -> bool {
            std::fs::rename(&self.0, self.0.with_extension("gone")).unwrap();
            true
        }
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.txt");
        std::fs::write(&path, "").unwrap();
        let extractor = Extractor::new(ExtractConfig::default()).unwrap();
        Fixture::new(LinesSource { path: path.clone(), extractor }, Application(path)).with_kept(dir)
    }

    s3gc_testkit::reference_source_suite!(fixture());

    #[test]
    fn the_example_runs() {
        main().unwrap();
    }
}
