//! The bytes of the demo's files: of the right kind for their names, and the same on every machine.

use blake3::{Hasher, OutputReader};
use bytes::Bytes;

/// Deterministic choices.
pub(super) struct Dice(OutputReader);

impl Dice {
    pub(super) fn new(seed: &str) -> Self {
        Self(Hasher::new().update(seed.as_bytes()).finalize_xof())
    }

    /// Chooses a number from `from` to below `to`.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        from + u64::from_le_bytes(bytes) % (to - from).max(1)
    }

    /// What no compressor makes smaller, like the inside of a photo.
    fn noise(&mut self, len: u64) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
        self.0.fill(&mut bytes);
        bytes
    }
}

/// Makes a file, and tells its content type.
pub(super) fn file(key: &str) -> (Bytes, &'static str) {
    let mut dice = Dice::new(key);
    match key.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "jpg" => (jpeg(&mut dice), "image/jpeg"),
        "png" => (png(&mut dice), "image/png"),
        "svg" => (svg(key, &mut dice), "image/svg+xml"),
        "pdf" => (pdf(key, &mut dice), "application/pdf"),
        "csv" => (csv(&mut dice), "text/csv"),
        _ => (Bytes::from(format!("{key}\n").repeat(40)), "text/plain; charset=utf-8"),
    }
}

fn jpeg(dice: &mut Dice) -> Bytes {
    let len = dice.between(6_000, 30_000);
    let head: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00";
    [head, &dice.noise(len), b"\xff\xd9"].concat().into()
}

fn png(dice: &mut Dice) -> Bytes {
    let len = dice.between(3_000, 16_000);
    let head: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x02\x00\x00\x00";
    [head, &dice.noise(len), b"IEND\xae\x42\x60\x82"].concat().into()
}

fn svg(key: &str, dice: &mut Dice) -> Bytes {
    let mut text =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 480\">\n<title>{key}</title>\n");
    for _ in 0..dice.between(40, 160) {
        let (x, y, r) = (dice.between(0, 640), dice.between(0, 480), dice.between(2, 60));
        text.push_str(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"none\" stroke=\"#224466\"/>\n"));
    }
    text.push_str("</svg>\n");
    text.into()
}

fn pdf(key: &str, dice: &mut Dice) -> Bytes {
    let mut bytes = format!("%PDF-1.4\n1 0 obj\n<< /Title ({key}) >>\nendobj\n").into_bytes();
    for page in 2..dice.between(6, 24) {
        bytes.extend(format!("{page} 0 obj\n<< /Type /Page /Parent 1 0 R >>\nstream\n").into_bytes());
        for line in 0..40 {
            let (item, price) = (dice.between(100_000, 999_999), dice.between(1, 90_000));
            bytes.extend(format!("BT /F1 10 Tf 40 {} Td (item {item}  EUR {price}) Tj ET\n", 800 - line).into_bytes());
        }
        bytes.extend(b"endstream\nendobj\n");
    }
    bytes.extend(b"%%EOF\n");
    bytes.into()
}

fn csv(dice: &mut Dice) -> Bytes {
    let mut text = String::from("order,customer,day,amount,currency,status\n");
    for order in 0..dice.between(400, 1_200) {
        let (customer, day, amount) = (dice.between(1, 1_000), dice.between(1, 29), dice.between(5, 900));
        text.push_str(&format!("{order},{customer},2026-02-{day:02},{amount}.00,EUR,paid\n"));
    }
    text.into()
}
