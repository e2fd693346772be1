//! URLs with queries and fragments.

use super::{Group, Kind};

const KEY: &[&str] = &["a/b.jpg"];

pub(super) const GROUPS: &[Group] = &[
    Group {
        form: "presigned, Signature Version 4",
        source: "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html",
        kind: Kind::Auto,
        cases: &[
            (
                "https://photos.s3.amazonaws.com/a/b.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=0f",
                KEY,
            ),
            (
                "https://s3.eu-west-1.amazonaws.com/photos/a/b.jpg?X-Amz-Security-Token=IQoJb3JpZ2luX2VjEJ%2F%2F%2F&X-Amz-Signature=0f",
                KEY,
            ),
            ("http://127.0.0.1:9000/photos/a/b.jpg?X-Amz-Signature=0f", KEY),
            ("https://photos.s3.amazonaws.com/a%20b.jpg?x-amz-signature=0f", &["a b.jpg"]),
            (
                "https://photos.s3.amazonaws.com/a/b.jpg?X-Amz-Signature=0&x=/y",
                &["a/b.jpg", "a/b.jpg?X-Amz-Signature=0&x=/y"],
            ),
        ],
    },
    Group {
        form: "presigned, Signature Version 2 and CloudFront",
        source: "https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html",
        kind: Kind::Auto,
        cases: &[
            (
                "https://photos.s3.amazonaws.com/a/b.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D&Expires=1141889120",
                KEY,
            ),
            ("https://s3.amazonaws.com/photos/a/b.jpg?Signature=vj%2F&Expires=1&AWSAccessKeyId=AK", KEY),
            (
                "https://img.example.com/a/b.jpg?Expires=1&Signature=nitfHRCrtziwO2HwPfWw~yYDhUF5EwRunQA-j19DzZrvDh6hQ73lDx~-ar3UocvvRQVw6EkC~GdpGQyyOSKQim-TxAnW7d8F5Kkai9HVx0FIu-5jcQb0UEmatEXAMPLE3ReXySpLSMj0yCd3ZAB4UcBCAqEijkytL6f3fVYNGQI6&Key-Pair-Id=K2JCJMDEHXQW5F",
                KEY,
            ),
            ("https://storage.googleapis.com/photos/a/b.jpg?GoogleAccessId=x%40y.iam&Expires=1&Signature=z%2F", KEY),
            ("https://storage.googleapis.com/photos/a/b.jpg?X-Goog-Credential=x%2Fy&X-Goog-Signature=0f", KEY),
        ],
    },
    Group {
        form: "parameters of S3",
        source: "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
        kind: Kind::Auto,
        cases: &[
            ("https://photos.s3.amazonaws.com/a/b.jpg?versionId=3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", KEY),
            (
                "https://photos.s3.amazonaws.com/a/b.jpg?response-content-disposition=attachment%3B%20filename%3D%22x.jpg%22",
                KEY,
            ),
            ("https://photos.s3.amazonaws.com/a/b.jpg?response-content-type=image%2Fpng&versionId=null", KEY),
            ("s3://photos/a/b.jpg?versionId=1", KEY),
            ("https://photos.s3.amazonaws.com/a/b.jpg?partNumber=1", KEY),
        ],
    },
    Group {
        form: "versions, sizes and fragments",
        source: "https://www.rfc-editor.org/rfc/rfc3986#section-3.4",
        kind: Kind::Auto,
        cases: &[
            ("https://photos.s3.amazonaws.com/a/b.jpg#top", &["a/b.jpg", "a/b.jpg#top"]),
            ("https://photos.s3.amazonaws.com/a%3Fb.jpg?v=1", &["a?b.jpg"]),
            ("https://photos.s3.amazonaws.com/a%23b.jpg#x", &["a#b.jpg"]),
            ("/a/b.jpg?v=1600000000", KEY),
            ("a/b.jpg?w=100&h=200", KEY),
            ("https://img.example.com/a/b.jpg?auto=format,compress&fit=crop", KEY),
            ("https://cdn.example.com/assets/a/b.jpg?x#t=10,20", KEY),
            ("https://cdn.example.com/assets/a/b.jpg?", KEY),
            ("a/b.svg#icon", &["a/b.svg"]),
            ("a/b.jpg?v=1#x?y", KEY),
        ],
    },
    Group {
        form: "keys in parameters",
        source: "https://url.spec.whatwg.org/#application/x-www-form-urlencoded",
        kind: Kind::Auto,
        cases: &[
            ("/download?key=avatars/a.jpg", &["avatars/a.jpg"]),
            ("https://app.example.org/files?path=%2Fa%2Fb.jpg&dl=1", KEY),
            ("https://app.example.org/d?id=xtapjjcjiudrlk3tmwyjgpuobabd", &["xtapjjcjiudrlk3tmwyjgpuobabd"]),
            ("https://app.example.org/d?f=a+b.jpg", &["a b.jpg", "a+b.jpg"]),
            ("https://app.example.org/d?f=caf%C3%A9.jpg", &["café.jpg"]),
            ("https://app.example.org/d#file=a/b.jpg?key=x/y.jpg", &["x/y.jpg"]),
            ("https://app.example.org/d?a=1&file=photos%2Fa%2Fb.jpg", KEY),
        ],
    },
];
