//! A codec in which calls go wrong.

use std::io::{self, Read, Write};
use std::sync::Arc;

use futures::executor::block_on;
use s3gc_compress::Compressor;

use super::vault::damaged;
use super::{Fault, FaultPlan, Injected};

/// Plays a [`FaultPlan`] into a codec, under the same id.
///
/// Operations: `compress`, `decompress`. With `Truncate` or `Corrupt`, half of the output comes, or another one, and no
/// error. A hook must not need the runtime of the calling thread.
#[derive(Clone, Debug)]
pub struct FaultyCompressor {
    inner: Arc<dyn Compressor>,
    plan: FaultPlan,
}

impl FaultyCompressor {
    /// Wraps a codec.
    #[must_use]
    pub fn new(inner: Arc<dyn Compressor>, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }

    fn play(
        &self,
        operation: &'static str,
        output: &mut dyn Write,
        run: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        match block_on(self.plan.enter(operation)) {
            None => run(output),
            Some(fault @ (Fault::Truncate | Fault::Corrupt)) => {
                let mut whole = Vec::new();
                run(&mut whole)?;
                output.write_all(&damaged(&whole.into(), &fault))
            }
            Some(fault) => Err(io::Error::other(Injected::new(operation, &fault))),
        }
    }
}

impl Compressor for FaultyCompressor {
    fn id(&self) -> &'static str {
        self.inner.id()
    }

    fn compress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        self.play("compress", output, |output| self.inner.compress(input, output))
    }

    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        self.play("decompress", output, |output| self.inner.decompress(input, output))
    }
}

#[cfg(test)]
mod tests {
    use s3gc_compress::Plain;

    use super::*;

    #[test]
    fn a_codec_fails_or_lies_as_planned() {
        let plan = FaultPlan::new().at("compress", 2, Fault::Fail).at("compress", 3, Fault::Truncate).at(
            "decompress",
            1,
            Fault::Corrupt,
        );
        let codec = FaultyCompressor::new(Arc::new(Plain), plan.clone());
        let compress = || {
            let mut output = Vec::new();
            codec.compress(&mut b"0123".as_slice(), &mut output).map(|()| output)
        };
        assert_eq!(compress().unwrap(), b"0123");
        assert!(compress().is_err());
        assert_eq!(compress().unwrap(), b"01");
        let mut output = Vec::new();
        codec.decompress(&mut b"0123".as_slice(), &mut output).unwrap();
        assert_eq!(output, b"0133");
        assert_eq!(plan.fired(), 3);
    }
}
