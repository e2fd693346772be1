//! Whose URL it is.
//!
//! The forms of AWS: Amazon S3 User Guide, "Virtual hosting of buckets", "Using dual-stack endpoints", "Transfer
//! Acceleration", "Website endpoints", and AWS General Reference, "Amazon S3 endpoints and quotas" (FIPS).

use std::borrow::Cow;

use super::{ExtractConfig, InvalidExtract};

/// A string that begins like a URL, in parts that are not decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Url<'a> {
    scheme: &'a str,
    host: &'a str,
    port: &'a str,
    /// Path, query and fragment, with the slash before them.
    rest: &'a str,
}

/// Where a URL points; the string is its path with query and fragment, without the slash before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Into the bucket: what follows the bucket's root.
    Ours(&'a str),
    /// Into another configured bucket.
    Other,
    /// Somewhere else.
    Foreign(&'a str),
}

/// The places that are configured.
#[derive(Clone, Debug)]
pub(super) struct Places {
    bucket: String,
    others: Vec<String>,
    endpoints: Vec<Base>,
    bases: Vec<(Base, bool)>,
}

/// A configured URL.
#[derive(Clone, Debug)]
struct Base {
    host: String,
    port: String,
    /// Without a slash at its end; empty for the root.
    path: String,
}

impl Places {
    pub(super) fn new(config: &ExtractConfig) -> Result<Self, InvalidExtract> {
        let ours = config.base_urls.iter().map(|url| Ok((Base::parse(url)?, true)));
        let others = config.other_base_urls.iter().map(|url| Ok((Base::parse(url)?, false)));
        Ok(Self {
            bucket: config.bucket.clone(),
            others: config.other_buckets.iter().filter(|o| !o.is_empty() && **o != config.bucket).cloned().collect(),
            endpoints: config.endpoints.iter().map(|url| Base::parse(url)).collect::<Result<_, _>>()?,
            bases: ours.chain(others).collect::<Result<_, _>>()?,
        })
    }

    /// Returns what follows the bucket's name and a slash, at the beginning of a string.
    pub(super) fn after_bucket<'a>(&self, text: &'a str) -> Option<&'a str> {
        if self.bucket.is_empty() {
            return None;
        }
        text.strip_prefix(self.bucket.as_str())?.strip_prefix('/')
    }

    /// Tells where a URL points.
    pub(super) fn place<'a>(&self, url: Url<'a>) -> Place<'a> {
        let path = url.rest.strip_prefix('/').unwrap_or(url.rest);
        if matches!(url.scheme, "s3" | "s3a" | "s3n") {
            return self.in_bucket(url.host, path).unwrap_or(Place::Foreign(path));
        }
        let host = lower(url.host);
        self.under_base(&host, url)
            .or_else(|| self.at_endpoint(&host, url.port, path))
            .or_else(|| self.at_aws(&host, path))
            .unwrap_or(Place::Foreign(path))
    }

    /// The longest base URL wins; of equals, ours.
    fn under_base<'a>(&self, host: &str, url: Url<'a>) -> Option<Place<'a>> {
        let mut best: Option<(usize, bool, &'a str)> = None;
        for (base, ours) in self.bases.iter().filter(|(base, _)| base.is_at(host, url.port)) {
            let Some(rest) = url.rest.strip_prefix(base.path.as_str()) else { continue };
            if !(rest.is_empty() || rest.starts_with(['/', '?', '#'])) {
                continue;
            }
            if best.is_none_or(|(length, best_ours, _)| (base.path.len(), *ours) > (length, best_ours)) {
                best = Some((base.path.len(), *ours, rest.strip_prefix('/').unwrap_or(rest)));
            }
        }
        best.map(|(_, ours, rest)| if ours { Place::Ours(rest) } else { Place::Other })
    }

    fn at_endpoint<'a>(&self, host: &str, port: &str, path: &'a str) -> Option<Place<'a>> {
        for endpoint in self.endpoints.iter().filter(|e| e.port == port) {
            let Some(bucket) = host.strip_suffix(endpoint.host.as_str()) else { continue };
            let place = match bucket.strip_suffix('.') {
                _ if bucket.is_empty() => self.by_first_segment(path),
                Some(bucket) => self.in_bucket(bucket, path),
                None => None,
            };
            if place.is_some() {
                return place;
            }
        }
        None
    }

    fn at_aws<'a>(&self, host: &str, path: &'a str) -> Option<Place<'a>> {
        let head = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let is_service = |text: &str| text == "s3" || text.starts_with("s3.") || text.starts_with("s3-");
        let hosts = |bucket: &str| {
            let rest = head.strip_prefix(&*lower(bucket)).and_then(|rest| rest.strip_prefix('.'));
            !bucket.is_empty() && rest.is_some_and(is_service)
        };
        if hosts(&self.bucket) {
            return Some(Place::Ours(path));
        }
        if self.others.iter().any(|other| hosts(other)) {
            return Some(Place::Other);
        }
        if is_service(head) { self.by_first_segment(path) } else { None }
    }

    fn by_first_segment<'a>(&self, path: &'a str) -> Option<Place<'a>> {
        let end = path.find(['/', '?', '#']).unwrap_or(path.len());
        let rest = &path[end..];
        self.in_bucket(&path[..end], rest.strip_prefix('/').unwrap_or(rest))
    }

    fn in_bucket<'a>(&self, bucket: &str, key: &'a str) -> Option<Place<'a>> {
        // Hosts are compared in lower case; only buckets older than the naming rules have capitals.
        let is = |name: &str| name == bucket || name.eq_ignore_ascii_case(bucket);
        if bucket.is_empty() {
            None
        } else if is(&self.bucket) {
            Some(Place::Ours(key))
        } else {
            self.others.iter().any(|other| is(other)).then_some(Place::Other)
        }
    }
}

impl<'a> Url<'a> {
    /// Takes a string apart that begins with a scheme or with `//`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("//") {
            return Self::after_scheme("", rest);
        }
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        if is_scheme { Self::after_scheme(scheme, rest) } else { None }
    }

    /// Takes a string apart that begins with a host.
    pub(super) fn without_scheme(text: &'a str) -> Option<Self> {
        let url = Self::after_scheme("", text)?;
        url.has_host_name().then_some(url)
    }

    /// Tells whether the host looks like a name that the Internet knows.
    pub(super) fn has_host_name(self) -> bool {
        let named = self.host.rsplit_once('.').is_some_and(|(_, top)| {
            (top.len() >= 2 && top.bytes().all(|b| b.is_ascii_alphabetic())) || top.bytes().all(|b| b.is_ascii_digit())
        });
        let plain = self.host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') || b >= 128);
        plain && (named || !self.port.is_empty() || self.host == "localhost")
    }

    fn after_scheme(scheme: &'a str, text: &'a str) -> Option<Self> {
        let end = text.find(['/', '?', '#']).unwrap_or(text.len());
        let authority = &text[..end];
        let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match host_port.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
            _ => (host_port, ""),
        };
        let port = if matches!(port, "80" | "443") { "" } else { port };
        let scheme = ["s3", "s3a", "s3n"].into_iter().find(|s| s.eq_ignore_ascii_case(scheme)).unwrap_or(scheme);
        if host.is_empty() { None } else { Some(Self { scheme, host, port, rest: &text[end..] }) }
    }
}

impl Base {
    fn parse(text: &str) -> Result<Self, InvalidExtract> {
        let text = text.trim();
        let url = Url::parse(text).or_else(|| Url::after_scheme("", text)).filter(|url| !url.host.contains(' '));
        let url = url.ok_or_else(|| InvalidExtract::Url(text.to_owned()))?;
        let path = url.rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        Ok(Self { host: url.host.to_ascii_lowercase(), port: url.port.to_owned(), path: path.to_owned() })
    }

    fn is_at(&self, host: &str, port: &str) -> bool {
        self.host == host && self.port == port
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
