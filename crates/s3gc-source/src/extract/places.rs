//! Whose URL it is.
//!
//! Only one answer keeps a string from being marked: that it names another configured bucket. So that answer needs a
//! name that is exactly the other's, in the place where the form of the URL has the bucket; all else is ours or foreign.

use std::borrow::Cow;

use super::aws::{self, Arn, Host};
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
    /// Into the bucket, as Amazon's own forms of URLs say: what follows the bucket's root.
    Ours(&'a str),
    /// Into the bucket, as the configuration says. It may be mistaken about the path before the root, so all that the
    /// URL would mark without it is marked, too.
    Configured {
        /// What follows the bucket's root.
        key: &'a str,
        /// What follows the host.
        path: &'a str,
    },
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
    access_points: Vec<AccessPoint>,
}

/// A configured URL.
#[derive(Clone, Debug)]
struct Base {
    host: String,
    port: String,
    /// Without a slash at its end; empty for the root.
    path: String,
}

/// An access point of the bucket.
#[derive(Clone, Debug)]
struct AccessPoint {
    /// The configured text in lower case: it may be a host, or an alias that is used like a bucket.
    alias: String,
    name: String,
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
            access_points: config
                .access_points
                .iter()
                .map(|text| AccessPoint::parse(text))
                .collect::<Result<_, _>>()?,
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

    /// Tells where an ARN points, if the string is one.
    pub(super) fn arn<'a>(&self, text: &'a str) -> Option<Place<'a>> {
        Some(match aws::arn(text)? {
            Arn::Bucket(bucket, key) => self.in_bucket(bucket, key).unwrap_or(Place::Foreign(key)),
            Arn::AccessPoint(name, key) if self.has_access_point(name) => Place::Configured { key, path: key },
            Arn::AccessPoint(_, key) => Place::Foreign(key),
        })
    }

    /// The longest base URL wins; of equals, ours.
    fn under_base<'a>(&self, host: &str, url: Url<'a>) -> Option<Place<'a>> {
        let mut best: Option<(usize, bool, &'a str)> = None;
        for (base, ours) in self.bases.iter().filter(|(base, _)| base.is_at(host, url.port)) {
            let Some(rest) = base.below(url.rest) else { continue };
            if best.is_none_or(|(length, best_ours, _)| (base.path.len(), *ours) > (length, best_ours)) {
                best = Some((base.path.len(), *ours, rest));
            }
        }
        let path = url.rest.strip_prefix('/').unwrap_or(url.rest);
        best.map(|(_, ours, key)| if ours { Place::Configured { key, path } } else { Place::Other })
    }

    fn at_endpoint<'a>(&self, host: &str, port: &str, path: &'a str) -> Option<Place<'a>> {
        for endpoint in self.endpoints.iter().filter(|e| e.port == port) {
            let Some(bucket) = host.strip_suffix(endpoint.host.as_str()) else { continue };
            // An endpoint may have a path, as the one of Supabase Storage does.
            let below = endpoint.path.strip_prefix('/').map_or(Some(path), |base| {
                path.strip_prefix(base).filter(|rest| rest.starts_with('/')).map(|rest| &rest[1..])
            });
            let place = match (bucket.strip_suffix('.'), below) {
                (None, Some(below)) if bucket.is_empty() => self.by_first_segment(below),
                (Some(bucket), Some(below)) => self.by_host(bucket, below),
                _ => None,
            };
            match place {
                Some(Place::Ours(key)) => return Some(Place::Configured { key, path }),
                Some(_) => return place,
                None => {}
            }
        }
        None
    }

    fn at_aws<'a>(&self, host: &str, path: &'a str) -> Option<Place<'a>> {
        let configured = Place::Configured { key: path, path };
        if self.access_points.iter().any(|point| point.alias == host) {
            return Some(configured);
        }
        match aws::host(host) {
            Some(Host::Bucket(bucket)) => self.by_host(bucket, path),
            Some(Host::Service) => self.by_first_segment(path),
            Some(Host::AccessPoint(name)) => self.has_access_point(name).then_some(configured),
            None => aws::console(host, path).and_then(|(bucket, key)| self.in_bucket(bucket, key)),
        }
    }

    fn has_access_point(&self, text: &str) -> bool {
        let name = aws::without_account(text.strip_suffix(".mrap").unwrap_or(text));
        let is = |known: &str| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(text);
        self.access_points.iter().any(|point| is(&point.name) || is(&point.alias))
    }

    fn by_first_segment<'a>(&self, path: &'a str) -> Option<Place<'a>> {
        let end = path.find(['/', '?', '#']).unwrap_or(path.len());
        let rest = &path[end..];
        self.in_bucket(&path[..end], rest.strip_prefix('/').unwrap_or(rest))
    }

    /// A bucket as a host names it: hosts have no capitals, though a bucket older than the naming rules may.
    fn by_host<'a>(&self, bucket: &str, key: &'a str) -> Option<Place<'a>> {
        let others = self.others.iter().any(|other| other.eq_ignore_ascii_case(bucket));
        self.in_bucket(bucket, key).or_else(|| others.then_some(Place::Other))
    }

    fn in_bucket<'a>(&self, bucket: &str, key: &'a str) -> Option<Place<'a>> {
        if bucket.is_empty() {
            None
        } else if self.bucket.eq_ignore_ascii_case(bucket) {
            Some(Place::Ours(key))
        } else if self.access_points.iter().any(|point| point.alias.eq_ignore_ascii_case(bucket)) {
            Some(Place::Configured { key, path: key })
        } else {
            self.others.iter().any(|other| other == bucket).then_some(Place::Other)
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

    /// Returns what follows the base in a URL's path, query and fragment, without the slash between them.
    fn below<'a>(&self, rest: &'a str) -> Option<&'a str> {
        let rest = rest.strip_prefix(self.path.as_str())?;
        (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then(|| rest.strip_prefix('/').unwrap_or(rest))
    }
}

impl AccessPoint {
    fn parse(text: &str) -> Result<Self, InvalidExtract> {
        let alias = text.trim().to_ascii_lowercase();
        let name = aws::access_point_name(&alias).to_owned();
        if name.is_empty() { Err(InvalidExtract::Empty("access_points")) } else { Ok(Self { alias, name }) }
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
