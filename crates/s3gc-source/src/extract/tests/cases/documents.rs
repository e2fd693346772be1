//! JSON, arrays and serialised PHP.

use super::{Group, Kind};

pub(super) const GROUPS: &[Group] = &[
    Group {
        form: "JSON",
        source: "https://www.rfc-editor.org/rfc/rfc8259",
        kind: Kind::Json,
        cases: &[
            (r#"{"a":{"b":["x/1.jpg",{"c":"x/2.jpg"}]},"n":1}"#, &["x/1.jpg", "x/2.jpg"]),
            (r#""x/1.jpg""#, &["x/1.jpg"]),
            (r#"{"x/1.jpg": {"w": 3}}"#, &["x/1.jpg"]),
            (r#"["caf\u00e9.jpg", "a\/b"]"#, &["café.jpg", "a/b"]),
            (r#"[12, {"id": 34}]"#, &["12", "34"]),
            (r#"{"u":"https://photos.s3.amazonaws.com/a%20b.jpg?X-Amz-Signature=0"}"#, &["a b.jpg"]),
            (r#"{"url":"s3://photos/x/1.jpg","other":"s3://private/x/2.jpg"}"#, &["x/1.jpg"]),
            (r#"[[["x/1.jpg"]]]"#, &["x/1.jpg"]),
            (r#"{"alt":"","src":"x 1.jpg"}"#, &["x 1.jpg"]),
        ],
    },
    Group {
        form: "JSON in a column of any kind",
        source: "https://www.postgresql.org/docs/current/datatype-json.html",
        kind: Kind::Auto,
        cases: &[
            (r#"{"a":{"b":["x/1.jpg",{"c":"x/2.jpg"}]},"n":1.5,"t":true,"z":null}"#, &["x/1.jpg", "x/2.jpg"]),
            (r#"["x/1.jpg", "caf\u00e9.jpg", "a\/b"]"#, &["x/1.jpg", "café.jpg", "a/b"]),
            (r#"  {"a":"x/1.jpg"}  "#, &["x/1.jpg"]),
            (r#"{"a":"x/1.jpg","#, &["x/1.jpg"]),
            (r#"{'a': 'x/1.jpg'}"#, &["x/1.jpg"]),
            (r#"{a: "x/1.jpg"}"#, &["x/1.jpg"]),
            ("{\"a\":\"x/1.jpg\"}\n{\"a\":\"x/2.jpg\"}\n", &["x/1.jpg", "x/2.jpg"]),
            (r#"{:a=>"x/1.jpg", "b"=>"x/2.jpg"}"#, &["x/1.jpg", "x/2.jpg"]),
        ],
    },
    Group {
        form: "JSON in JSON, in base64 and in text",
        source: "https://www.rfc-editor.org/rfc/rfc8259#section-7",
        kind: Kind::Auto,
        cases: &[
            (r#"{"inner":"{\"url\":\"https://photos.s3.amazonaws.com/x%201.jpg\"}"}"#, &["x 1.jpg"]),
            (r#""{\"a\":\"[\\\"x/1.jpg\\\"]\"}""#, &["x/1.jpg"]),
            (r#"{"html":"<img src='/x/1.jpg'>"}"#, &["x/1.jpg"]),
            (r#"{"p":"eyJrZXkiOiJ4LzEuanBnIn0="}"#, &["x/1.jpg"]),
            (r#"log: {"file": "x/1 2.jpg"} ok"#, &["x/1 2.jpg"]),
            (r#"{\"src\":\"\/x\/1.jpg\"}"#, &["x/1.jpg"]),
            (r#"{"md":"![](x/1.jpg) and x/2.jpg"}"#, &["x/1.jpg", "x/2.jpg"]),
            (r#"{"php":"a:1:{i:0;s:7:\"x/1.jpg\";}"}"#, &["x/1.jpg"]),
        ],
    },
    Group {
        form: "rich text of editors",
        source: "https://editorjs.io/saving-data/ https://quilljs.com/docs/delta https://tiptap.dev/docs/guides/output-json-html https://prosemirror.net/docs/guide/",
        kind: Kind::Auto,
        cases: &[
            (
                r#"{"blocks":[{"type":"image","data":{"file":{"url":"https://img.example.com/x/1.jpg"}}}]}"#,
                &["x/1.jpg"],
            ),
            (r#"{"ops":[{"insert":{"image":"/x/1.jpg"}},{"insert":"\n"}]}"#, &["x/1.jpg"]),
            (r#"{"type":"doc","content":[{"type":"image","attrs":{"src":"x/1.jpg","alt":null}}]}"#, &["x/1.jpg"]),
            (r#"{"entityMap":{"0":{"type":"IMAGE","data":{"src":"s3://photos/x/1.jpg"}}},"blocks":[]}"#, &["x/1.jpg"]),
        ],
    },
    Group {
        form: "arrays of PostgreSQL",
        source: "https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO",
        kind: Kind::Array,
        cases: &[
            ("{x/1.jpg,x/2.jpg}", &["x/1.jpg", "x/2.jpg"]),
            (r#"{{a,b},{c,"d e"}}"#, &["a", "b", "c", "d e"]),
            ("[0:1]={a,b}", &["a", "b"]),
            (r#"["a","b c"]"#, &["a", "b c"]),
            ("{https://photos.s3.amazonaws.com/a%20b.jpg}", &["a b.jpg"]),
            ("{1,2}", &["1", "2"]),
            (r#"{"NULL",x}"#, &["NULL", "x"]),
            (r#"{"a,b","{c}"}"#, &["a,b", "{c}"]),
            (r#"{"{\"url\": \"x/1.jpg\"}"}"#, &["x/1.jpg"]),
        ],
    },
    Group {
        form: "arrays in a column of any kind",
        source: "https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO",
        kind: Kind::Auto,
        cases: &[
            (
                r#"{x/1.jpg,"a, b.jpg","q\"uote.jpg","back\\slash",NULL}"#,
                &["x/1.jpg", "a, b.jpg", "q\"uote.jpg", "back\\slash"],
            ),
            ("{x/1.jpg}", &["x/1.jpg"]),
            ("['x/1.jpg', 'x/2 3.jpg']", &["x/1.jpg", "x/2 3.jpg"]),
        ],
    },
    Group {
        form: "serialised PHP",
        source: "https://www.php.net/manual/en/function.serialize.php",
        kind: Kind::Auto,
        cases: &[
            (r#"a:1:{s:4:"file";s:13:"avatars/a.jpg";}"#, &["avatars/a.jpg"]),
            (r#"s:7:"x/1.jpg";"#, &["x/1.jpg"]),
            (r#"a:2:{i:0;s:7:"x/1.jpg";i:1;s:9:"x/é2.jpg";}"#, &["x/1.jpg", "x/é2.jpg"]),
            (r#"O:8:"stdClass":1:{s:3:"url";s:43:"https://photos.s3.amazonaws.com/a/b%201.jpg";}"#, &["a/b 1.jpg"]),
            (r#"a:1:{s:1:"a";s:99:"x/1.jpg";}"#, &["x/1.jpg"]),
            (r#"s:28:"a:1:{s:1:"f";s:7:"x/1.jpg";}";"#, &["x/1.jpg"]),
            (r#"a:1:{s:1:"a";s:9:"x/"1".jpg";}"#, &["x/\"1\".jpg"]),
        ],
    },
    Group {
        form: "metadata of attachments in WordPress",
        source: "https://developer.wordpress.org/reference/functions/wp_get_attachment_metadata/",
        kind: Kind::Auto,
        cases: &[
            (
                r#"a:5:{s:5:"width";i:2400;s:6:"height";i:1559;s:4:"file";s:13:"2011/12/p.jpg";s:5:"sizes";a:2:{s:9:"thumbnail";a:3:{s:4:"file";s:13:"p-150x150.jpg";s:5:"width";i:150;s:6:"height";i:150;}s:6:"medium";a:1:{s:4:"file";s:13:"p-300x194.jpg";}}s:10:"image_meta";a:1:{s:8:"aperture";i:5;}}"#,
                &["2011/12/p.jpg", "2011/12/p-150x150.jpg", "2011/12/p-300x194.jpg"],
            ),
            (
                r#"a:2:{s:4:"file";s:20:"2020/01/p-scaled.jpg";s:14:"original_image";s:5:"p.jpg";}"#,
                &["2020/01/p-scaled.jpg", "2020/01/p.jpg"],
            ),
        ],
    },
];
