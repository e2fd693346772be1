//! Finding the codec of an entry.

use std::sync::Arc;

use s3gc_compress::Compressor;

/// The codecs that can be decoded: the built-in ones, and those that were added.
#[derive(Clone, Debug, Default)]
pub struct Codecs(Vec<Arc<dyn Compressor>>);

impl Codecs {
    /// Knows the built-in codecs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows one more.
    #[must_use]
    pub fn with(mut self, codec: Arc<dyn Compressor>) -> Self {
        self.0.push(codec);
        self
    }

    /// Returns the codec of this id; an added one goes before a built-in one.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<dyn Compressor>> {
        let added = self.0.iter().find(|codec| codec.id() == id).cloned();
        added.or_else(|| s3gc_compress::by_id(id).map(Arc::from))
    }
}
