//! The names of Amazon's hosts and resources.
//!
//! Hosts: Amazon S3 User Guide, "Virtual hosting of buckets", "Using dual-stack endpoints", "Transfer Acceleration",
//! "Website endpoints", "AWS PrivateLink for Amazon S3", "Access points"; AWS General Reference, "Amazon S3 endpoints and
//! quotas" (FIPS). Resources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".

/// The domains of the partitions: standard, China, EU sovereign cloud, ISO, ISO-B, ISO-E, ISO-F, and the new dual-stack
/// domain.
const DOMAINS: &[&str] = &[
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
    ".api.aws",
];

/// What a host of Amazon S3 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host<'a> {
    /// A bucket.
    Bucket(&'a str),
    /// Nothing: the bucket is the first segment of the path.
    Service,
    /// An access point, as `name-account` or as an alias.
    AccessPoint(&'a str),
}

/// What an ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arn<'a> {
    /// A bucket, and what follows its name.
    Bucket(&'a str, &'a str),
    /// An access point, and what follows its name.
    AccessPoint(&'a str, &'a str),
}

/// Takes the name of a host apart, in lower case.
pub(super) fn host(host: &str) -> Option<Host<'_>> {
    let head = DOMAINS.iter().find_map(|domain| host.strip_suffix(domain))?;
    if let Some(head) = head.strip_suffix(".vpce") {
        return vpc_endpoint(head);
    }
    let (before, last) = split_last(head);
    if let Some(host) = at_service(before, last) {
        return Some(host);
    }
    // The region comes after the service, and `dualstack` between them.
    let (before, last) = split_last(before);
    if last != "dualstack" {
        return at_service(before, last);
    }
    let (before, last) = split_last(before);
    at_service(before, last)
}

/// `bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1`, where `bucket` is this very word, and the bucket's name may stand before it.
fn vpc_endpoint(head: &str) -> Option<Host<'_>> {
    let (head, _region) = split_last(head);
    let (head, service) = split_last(head);
    let (head, endpoint) = split_last(head);
    if service != "s3" || !endpoint.starts_with("vpce-") {
        return None;
    }
    match split_last(head) {
        ("", "bucket" | "") => Some(Host::Service),
        (bucket, "bucket") => Some(Host::Bucket(bucket)),
        (name, "accesspoint") if !name.is_empty() => Some(Host::AccessPoint(name)),
        _ => None,
    }
}

/// Reads what stands before the name of the service.
fn at_service<'a>(before: &'a str, service: &str) -> Option<Host<'a>> {
    match service {
        "s3-accesspoint" | "s3-accesspoint-fips" => (!before.is_empty()).then_some(Host::AccessPoint(before)),
        "s3-global" => before.strip_suffix(".accesspoint").map(Host::AccessPoint),
        "s3-object-lambda" | "s3-outposts" | "s3-control" | "s3-control-fips" => None,
        _ if service == "s3" || service.starts_with("s3-") || service.starts_with("s3express-") => {
            Some(if before.is_empty() { Host::Service } else { Host::Bucket(before) })
        }
        _ => None,
    }
}

/// Splits the last label off a name.
fn split_last(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Takes an ARN of Amazon S3 apart: `arn:aws:s3:::bucket/key`,
/// `arn:aws:s3:region:account:accesspoint/name/object/key`.
pub(super) fn arn(text: &str) -> Option<Arn<'_>> {
    let rest = text.strip_prefix("arn:aws")?;
    let (partition, rest) = rest.split_once(":s3:")?;
    if !partition.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return None;
    }
    let (region, rest) = rest.split_once(':')?;
    let (account, resource) = rest.split_once(':')?;
    if region.contains('/') || account.contains('/') {
        return None;
    }
    let named = |rest: &'static str| resource.strip_prefix(rest).and_then(|tail| tail.strip_prefix([':', '/']));
    if let Some(tail) = named("accesspoint") {
        let (name, tail) = tail.split_once('/').unwrap_or((tail, ""));
        return Some(Arn::AccessPoint(name, tail.strip_prefix("object/").unwrap_or(tail)));
    }
    let (bucket, key) = resource.split_once('/').unwrap_or((resource, ""));
    Some(Arn::Bucket(bucket, key))
}

/// The name of an access point, without the account, the host or the ARN around it.
pub(super) fn access_point_name(text: &str) -> &str {
    let name = match (arn(text), host(text)) {
        (Some(Arn::AccessPoint(name, _)), _) | (_, Some(Host::AccessPoint(name))) => name,
        _ => text,
    };
    without_account(name.strip_suffix(".mrap").unwrap_or(name))
}

/// Takes `-123456789012` off the name of an access point in a host.
pub(super) fn without_account(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((name, account)) if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => name,
    }
}

/// Returns the bucket and the key of an address of Amazon's console,
/// `https://s3.console.aws.amazon.com/s3/object/BUCKET?region=…&prefix=KEY`.
pub(super) fn console<'a>(host: &str, path: &'a str) -> Option<(&'a str, &'a str)> {
    let is_console =
        |domain: &str| host.strip_suffix(domain).is_some_and(|head| head == "console" || head.ends_with(".console"));
    if !(is_console(".aws.amazon.com") || is_console(".amazonaws-us-gov.com") || is_console(".amazonaws.cn")) {
        return None;
    }
    let rest = path.strip_prefix("s3/")?;
    let rest = ["object/", "buckets/"].iter().find_map(|page| rest.strip_prefix(page))?;
    let (bucket, query) = rest.split_once('?')?;
    let key = query.split(['&', '#']).find_map(|pair| pair.strip_prefix("prefix="))?;
    Some((bucket.trim_end_matches('/'), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_host_is_taken_apart() {
        for (name, expected) in [
            ("s3.amazonaws.com", Some(Host::Service)),
            ("s3-us-west-2.amazonaws.com", Some(Host::Service)),
            ("s3.us-gov-west-1.amazonaws.com", Some(Host::Service)),
            ("s3-fips.dualstack.us-gov-west-1.amazonaws.com", Some(Host::Service)),
            ("s3-accelerate.dualstack.amazonaws.com", Some(Host::Service)),
            ("a.b.s3.dualstack.eu-west-1.amazonaws.com", Some(Host::Bucket("a.b"))),
            ("a.s3-accelerate.dualstack.amazonaws.com", Some(Host::Bucket("a"))),
            ("s3.s3.amazonaws.com", Some(Host::Bucket("s3"))),
            ("a.s3.us-iso-east-1.c2s.ic.gov", Some(Host::Bucket("a"))),
            ("a.s3-website.cn-north-1.amazonaws.com.cn", Some(Host::Bucket("a"))),
            ("bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", Some(Host::Service)),
            ("a.bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", Some(Host::Bucket("a"))),
            (
                "ap-123456789012.accesspoint.vpce-1a-5e.s3.us-east-1.vpce.amazonaws.com",
                Some(Host::AccessPoint("ap-123456789012")),
            ),
            ("ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", Some(Host::AccessPoint("ap-123456789012"))),
            ("m.accesspoint.s3-global.amazonaws.com", Some(Host::AccessPoint("m"))),
            ("ap-123456789012.s3-object-lambda.eu-west-1.amazonaws.com", None),
            ("accesspoint.vpce-1a-5e.s3.us-east-1.vpce.amazonaws.com", None),
            ("a.bucket.vpce-1a-5e.ec2.us-east-1.vpce.amazonaws.com", None),
            ("a.bucket.else-1a-5e.s3.us-east-1.vpce.amazonaws.com", None),
            ("ec2.eu-west-1.amazonaws.com", None),
            ("amazonaws.com", None),
            ("s3.example.com", None),
        ] {
            assert_eq!(host(name), expected, "{name}");
        }
    }

    #[test]
    fn every_arn_is_taken_apart() {
        assert_eq!(arn("arn:aws:s3:::b/k/1"), Some(Arn::Bucket("b", "k/1")));
        assert_eq!(arn("arn:aws-us-gov:s3:::b"), Some(Arn::Bucket("b", "")));
        assert_eq!(arn("arn:aws:s3:eu-west-1:12:accesspoint/ap/object/k/1"), Some(Arn::AccessPoint("ap", "k/1")));
        assert_eq!(arn("arn:aws:s3:eu-west-1:12:accesspoint:ap/k"), Some(Arn::AccessPoint("ap", "k")));
        assert_eq!(arn("arn:aws:sqs:eu-west-1:12:q"), None);
        assert_eq!(arn("arn:aws:s3:a/b:12:c"), None, "a region has no slash");
        assert_eq!(arn("arn:aws:s3:eu-west-1:a/b:c"), None, "nor has an account");
        assert_eq!(access_point_name("arn:aws:s3::12:accesspoint/m.mrap"), "m");
        assert_eq!(access_point_name("ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"), "ap");
    }

    #[test]
    fn only_an_account_of_twelve_digits_is_taken_off_a_name() {
        assert_eq!(without_account("ap-123456789012"), "ap");
        for name in ["ap", "ap-12345678901", "ap-12345678901x", "ap-1234567890123"] {
            assert_eq!(without_account(name), name);
        }
    }

    #[test]
    fn the_pages_of_the_console_name_a_bucket_and_a_key() {
        let path = "s3/object/b?region=eu-west-1&prefix=k/1#top";
        for host in [
            "console.aws.amazon.com",
            "s3.console.aws.amazon.com",
            "eu-west-1.console.aws.amazon.com",
            "console.amazonaws-us-gov.com",
            "console.amazonaws.cn",
        ] {
            assert_eq!(console(host, path), Some(("b", "k/1")), "{host}");
        }
        for host in ["notconsole.aws.amazon.com", "docs.aws.amazon.com", "console.example.com"] {
            assert_eq!(console(host, path), None, "{host}");
        }
        assert_eq!(console("console.aws.amazon.com", "s3/buckets/b/?prefix=k/"), Some(("b", "k/")));
        assert_eq!(console("console.aws.amazon.com", "ec2/object/b?prefix=k"), None);
        assert_eq!(console("console.aws.amazon.com", "s3/object/b"), None);
    }
}
