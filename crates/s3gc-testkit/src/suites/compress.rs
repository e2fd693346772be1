//! The contract of [`Compressor`].

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use s3gc_compress::{Compressor, by_id};

suite!($ compressor_suite, compress, [
    clause_01_decompress_gives_back_what_was_compressed,
    clause_02_the_id_is_a_short_word_of_its_own,
    clause_03_a_cut_or_damaged_input_never_gives_the_original,
    clause_04_nothing_makes_it_panic,
    clause_05_memory_does_not_grow_with_the_input,
]);

/// What the suite tests.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The codec.
    pub codec: Arc<dyn Compressor>,
    /// Files of the only kind that it takes; none for a codec that takes everything.
    samples: Vec<Vec<u8>>,
}

impl Fixture {
    /// Tests this codec.
    pub fn new(codec: impl Compressor) -> Self {
        Self { codec: Arc::new(codec), samples: Vec::new() }
    }

    /// Tests this codec, which takes files of one kind alone: some of those, the longest one first.
    #[must_use]
    pub fn with_samples<S: Into<Vec<u8>>>(mut self, samples: impl IntoIterator<Item = S>) -> Self {
        self.samples = samples.into_iter().map(Into::into).collect();
        self
    }

    /// What to try: samples, or anything of this length.
    fn originals(&self, len: usize) -> Vec<Vec<u8>> {
        if self.samples.is_empty() { vec![text(len), noise(len)] } else { self.samples.clone() }
    }

    fn compressed(&self, original: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        self.codec.compress(&mut &*original, &mut packed).expect("what is good can be compressed");
        packed
    }

    fn decompressed(&self, packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut original = Vec::new();
        self.codec.decompress(&mut &*packed, &mut original)?;
        Ok(original)
    }
}

/// Clause 1.
pub async fn clause_01_decompress_gives_back_what_was_compressed(fixture: &Fixture) {
    let any_kind = fixture.samples.is_empty();
    let lens = [0, 1, 2, 100, 65_535, 65_536, 65_537, 131_072, 262_144, 262_145, 1_000_143, 5_000_000];
    for len in if any_kind { &lens[..] } else { &lens[..1] } {
        let zeros = any_kind.then(|| vec![0; *len]);
        for original in fixture.originals(*len).into_iter().chain(zeros) {
            let packed = fixture.compressed(&original);
            assert!(
                fixture.decompressed(&packed).expect("what was compressed can be decompressed") == original,
                "{len}"
            );
            let mut trickle = Trickle::new(&original);
            let mut again = Vec::new();
            fixture.codec.compress(&mut trickle, &mut again).expect("an input may come in small pieces");
            let mut back = Vec::new();
            fixture.codec.decompress(&mut Trickle::new(&again), &mut back).expect("so may a compressed one");
            assert!(back == original, "{len} bytes in small pieces");
        }
    }
    if !any_kind {
        for other in [Vec::new(), noise(1000), text(1000)] {
            let packed = fixture.codec.compress(&mut other.as_slice(), &mut io::sink());
            assert!(packed.is_err(), "what is of another kind is refused");
        }
    }
}

/// Clause 2.
pub async fn clause_02_the_id_is_a_short_word_of_its_own(fixture: &Fixture) {
    let id = fixture.codec.id();
    assert!((1..=16).contains(&id.len()), "{id:?}");
    assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{id:?}");
    assert_eq!(id, fixture.codec.id());
    assert_ne!(id, "raw", "packs give this name to objects that do not compress");
    if let Some(built_in) = by_id(id) {
        // A codec with the id of a built-in one has to read what that one wrote.
        let mut packed = Vec::new();
        let original = fixture.originals(10_000).swap_remove(0);
        built_in.compress(&mut original.as_slice(), &mut packed).expect("a built-in codec works");
        assert!(fixture.decompressed(&packed).expect("the id means the same format") == original);
    }
}

/// Clause 3.
pub async fn clause_03_a_cut_or_damaged_input_never_gives_the_original(fixture: &Fixture) {
    for original in fixture.originals(300_000) {
        let packed = fixture.compressed(&original);
        for cut in (0..packed.len()).step_by(packed.len() / 97 + 1).chain(packed.len() - 20..packed.len()) {
            // What comes may be short without an error: lz4_flex does that where the cut is between two blocks.
            if let Ok(short) = fixture.decompressed(&packed[..cut]) {
                assert!(short.len() <= original.len(), "cut at {cut} of {}", packed.len());
                // Some formats end with bytes that tell nothing new about the content.
                assert!(short != original || packed.len() - cut <= 8, "cut at {cut} of {}", packed.len());
            }
        }
        for at in (0..packed.len()).step_by(packed.len() / 97 + 1) {
            let mut bad = packed.clone();
            bad[at] ^= 0x10;
            if let Ok(other) = fixture.decompressed(&bad) {
                // A bit of a header may mean nothing; then nothing is lost.
                assert!(other != original || at < 32, "flipped at {at} of {}", packed.len());
            }
        }
    }
}

/// Clause 4.
pub async fn clause_04_nothing_makes_it_panic(fixture: &Fixture) {
    let packed = fixture.compressed(&fixture.originals(5_000).swap_remove(0));
    for seed in 0..500 {
        let mut hostile = if seed % 2 == 0 { packed.clone() } else { noise(1_000) };
        let mut state = seed;
        for _ in 0..=seed % 7 {
            let at = index(next(&mut state), hostile.len());
            hostile[at] = next(&mut state).to_le_bytes()[0];
        }
        // Any answer is good, if it is one and is bounded.
        let mut limited = Limited(64 << 20);
        fixture.codec.decompress(&mut hostile.as_slice(), &mut limited).unwrap_or_default();
    }
    assert!(fixture.codec.compress(&mut Broken, &mut io::sink()).is_err(), "an input that fails is an error");
    assert!(
        fixture.codec.decompress(&mut packed.as_slice().chain(Broken), &mut Limited(1)).is_err(),
        "so is an output"
    );
}

/// Clause 5: what does not compress comes out about as fast as it goes in.
pub async fn clause_05_memory_does_not_grow_with_the_input(fixture: &Fixture) {
    const MOST_HELD: usize = 20 << 20;
    let mut original = noise(48 << 20);
    if let Some(sample) = fixture.samples.first() {
        // A file that ends with something else is still one of the kind; one that is too long is refused in time.
        original = [sample.as_slice(), &noise(12 << 20)].concat();
        let mut endless = sample.as_slice().chain(io::repeat(0));
        let read = AtomicUsize::new(0);
        let mut counted = Counting { inner: &mut endless, held: &read, most: &AtomicUsize::new(0) };
        assert!(fixture.codec.compress(&mut counted, &mut io::sink()).is_err(), "an endless file is refused");
        assert!(read.into_inner() <= MOST_HELD);
    }
    let mut packed = Vec::new();
    let held = most_held(&original, &mut packed, |input, output| fixture.codec.compress(input, output));
    assert!(held <= MOST_HELD, "compress held {held} bytes");
    let mut back = Vec::new();
    let held = most_held(&packed, &mut back, |input, output| fixture.codec.decompress(input, output));
    assert!(held <= MOST_HELD, "decompress held {held} bytes");
    assert!(back == original);
}

fn most_held(
    input: &[u8],
    output: &mut Vec<u8>,
    run: impl FnOnce(&mut dyn Read, &mut dyn Write) -> io::Result<()>,
) -> usize {
    let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut reader = Counting { inner: input, held: &held, most: &most };
    let mut writer = Counting { inner: output, held: &held, most: &most };
    run(&mut reader, &mut writer).expect("the codec works");
    most.into_inner()
}

/// Counts how much was read and not yet written.
struct Counting<'a, T> {
    inner: T,
    held: &'a AtomicUsize,
    most: &'a AtomicUsize,
}

impl<T: Read> Read for Counting<'_, T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let held = self.held.fetch_add(n, Ordering::Relaxed) + n;
        self.most.fetch_max(held, Ordering::Relaxed);
        Ok(n)
    }
}

impl<T: Write> Write for Counting<'_, T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let held = self.held.load(Ordering::Relaxed);
        self.held.store(held.saturating_sub(buf.len()), Ordering::Relaxed);
        self.inner.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Gives a few bytes at a time, and is interrupted before each.
struct Trickle<'a> {
    bytes: &'a [u8],
    interrupted: bool,
}

impl<'a> Trickle<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, interrupted: false }
    }
}

impl Read for Trickle<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let few = buf.len().min(4_099);
        self.bytes.read(&mut buf[..few])
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("broken"))
    }
}

/// Takes so many bytes and then no more.
struct Limited(usize);

impl Write for Limited {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(buf.len()).ok_or_else(|| io::Error::other("enough"))?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Splitmix64 (Steele, Lea and Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn index(random: u64, len: usize) -> usize {
    usize::try_from(random % u64::try_from(len).expect("a length fits into 64 bits")).expect("less than a length")
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1;
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| next(&mut state).to_le_bytes()).collect();
    bytes.truncate(len);
    bytes
}

fn text(len: usize) -> Vec<u8> {
    let words = ["key", "of", "an", "object", "42", "\n"];
    let mut state = 2;
    let mut text = Vec::with_capacity(len + 8);
    while text.len() < len {
        text.extend_from_slice(words[index(next(&mut state), words.len())].as_bytes());
        text.push(b' ');
    }
    text.truncate(len);
    text
}

#[cfg(test)]
mod tests {
    use s3gc_compress::pump;

    use super::*;
    use crate::suites::{clause_numbers, numbers_of};

    #[test]
    fn every_clause_of_the_contract_has_a_test() {
        let contract = clause_numbers(include_str!("../../../s3gc-compress/src/lib.rs"), "Compressor");
        assert_eq!(contract.len(), 5);
        assert_eq!(numbers_of(CLAUSES), contract);
    }

    #[test]
    fn a_codec_that_holds_everything_is_caught() {
        let held = most_held(&[7; 1000], &mut Vec::new(), |input, output| {
            let mut all = Vec::new();
            pump(input, &mut all)?;
            output.write_all(&all)
        });
        assert_eq!(held, 1000);
    }
}
