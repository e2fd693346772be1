//! URLs that carry another URL or a key: image servers, redirects, downloads.
//!
//! The forms: [imgproxy](https://docs.imgproxy.net/usage/processing),
//! [Thumbor](https://thumbor.readthedocs.io/en/latest/usage.html),
//! [Cloudinary](https://cloudinary.com/documentation/fetch_remote_images),
//! [Cloudflare](https://developers.cloudflare.com/images/transform-images/transform-via-url/),
//! [ImageKit](https://imagekit.io/docs/image-transformation),
//! [Next.js](https://nextjs.org/docs/app/api-reference/components/image),
//! [Serverless Image Handler](https://docs.aws.amazon.com/solutions/latest/serverless-image-handler/),
//! [Photon](https://developer.wordpress.com/docs/photon/), [wsrv.nl](https://wsrv.nl/docs/).

use super::encodings;
use super::locator::{Pass, in_base64};

/// The schemes of which one slash may have got lost: servers make one of several slashes in a path.
const SCHEMES: &[&str] = &["http", "https", "s3", "gs"];

impl Pass<'_> {
    /// Follows URLs inside of the string: image servers and redirects carry the original in path or query.
    pub(super) fn embedded(&mut self, text: &str) {
        self.embedded_urls(text);
        if let Some((_, query)) = text.split_once('?') {
            self.query(query);
        }
        for (at, _) in text.match_indices('/') {
            let tail = &text[at + 1..];
            // `{"`, `{ `, `{\n`, `http` and `s3:` in base64.
            if ["eyJ", "eyA", "ewo", "aHR0c", "czM6"].iter().any(|start| tail.starts_with(start)) {
                self.follow(|this| {
                    if let Some(inner) = unpack(tail) {
                        this.unpacked(&inner);
                    }
                });
            }
        }
    }

    fn embedded_urls(&mut self, text: &str) {
        for (at, _) in text.match_indices(':') {
            if !text[at..].starts_with(":/") {
                continue;
            }
            let scheme = text[..at].bytes().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
            let start = at - scheme;
            // At the beginning it is the string itself, which is being read.
            if scheme == 0 || start == 0 {
                continue;
            }
            let repaired;
            let url = if text[at..].starts_with("://") {
                &text[start..]
            } else if SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(&text[start..at])) {
                repaired = format!("{}:/{}", &text[start..at], &text[at + 1..]);
                &repaired
            } else {
                continue;
            };
            self.follow(|this| this.place(url));
            // `plain/s3://bucket/key@webp` of imgproxy.
            if let Some((source, _)) = url.rsplit_once('@') {
                self.follow(|this| this.place(source));
            }
        }
    }

    /// Reads the parameters of a query as keys and URLs.
    fn query(&mut self, query: &str) {
        for pair in query.split('&').flat_map(|pair| pair.split('#')) {
            let Some((name, value)) = pair.split_once('=') else { continue };
            if value.is_empty() || is_no_key(name) {
                continue;
            }
            if self.extractor.is_plain_word(value) {
                self.affixes(value);
            } else {
                self.follow(|this| this.place(value));
            }
        }
    }

    /// Reads the path without the segments that tell an image server what to do, if it has such segments.
    pub(super) fn transformed(&mut self, path: &str) {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        // Text is no path.
        if path.bytes().any(|b| matches!(b, b' ' | b'"' | b'<' | b'{' | b'\n')) {
            return;
        }
        let (directory, _) = path.rsplit_once('/').unwrap_or(("", path));
        if directory.split('/').any(is_instruction) {
            self.tails(path);
            if let Some((source, _)) = path.rsplit_once('@').filter(|_| path.contains("plain/")) {
                self.tails(source);
            }
        }
    }

    /// Reads each tail of a path that is base64 of anything.
    pub(super) fn packed_tails(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            let tail = &path[at + 1..];
            let (packed, _extension) = tail.split_once('.').unwrap_or((tail, ""));
            let Some(inner) = in_base64(packed).or_else(|| in_base64(&packed.replace('/', ""))) else { continue };
            self.follow(|this| this.unpacked(&inner));
        }
    }
}

/// The parameters that never are keys: of signatures, whose values are long and secret, and the headers of the answer.
fn is_no_key(name: &str) -> bool {
    let starts = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    starts("x-amz-")
        || starts("x-goog-")
        || starts("response-c")
        || starts("response-expires")
        || matches!(name, "Signature" | "AWSAccessKeyId" | "GoogleAccessId" | "Expires" | "Policy" | "Key-Pair-Id")
}

/// Tells whether a segment of a path tells an image server what to do: `w_300,h_200`, `rs:fit:300:300`, `tr:w-300`,
/// `width=80`, `300x200`, `filters:quality(80)`, `unsafe`.
pub(super) fn is_instruction(segment: &str) -> bool {
    let is_size = || {
        segment.split_once('x').is_some_and(|(width, height)| {
            let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            segment.len() > 1 && digits(width) && digits(height)
        })
    };
    segment.bytes().any(|b| matches!(b, b':' | b',' | b'='))
        || matches!(segment, "unsafe" | "insecure" | "fit-in" | "cdn-cgi" | "_next" | "_ipx" | "_vercel" | "plain")
        || is_size()
}

/// Decodes a URL or a document in base64, which may be cut into segments and end in an extension.
fn unpack(tail: &str) -> Option<String> {
    let packed: String = tail.split(['.', '?', '#', '=']).next()?.split('/').collect();
    encodings::base64(&packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_an_image_server_what_to_do_is_known() {
        for segment in ["w_300,h_200", "rs:fit:300:300", "width=80", "300x200", "300x", "x200", "-300x-200", "unsafe"] {
            assert!(is_instruction(segment), "{segment}");
        }
        for segment in ["", "x", "photos", "2020", "a1x2", "300x200a", "box"] {
            assert!(!is_instruction(segment), "{segment}");
        }
    }

    #[test]
    fn what_signs_a_url_is_no_key() {
        for name in ["X-Amz-Signature", "x-goog-date", "response-content-type", "response-expires", "Signature"] {
            assert!(is_no_key(name), "{name}");
        }
        for name in ["url", "key", "x-am", "response", "signature-of"] {
            assert!(!is_no_key(name), "{name}");
        }
    }
}
