//! URLs of image servers and redirects.

use super::{Group, Kind};

const KEY: &[&str] = &["a/b.jpg"];

pub(super) const GROUPS: &[Group] = &[
    Group {
        form: "imgix and ImageKit",
        source: "https://docs.imgix.com/en-US/apis/rendering https://imagekit.io/docs/image-transformation",
        kind: Kind::Url,
        cases: &[
            ("https://acme.imgix.net/a/b.jpg?w=400&fit=crop", KEY),
            ("https://acme.imgix.net/https%3A%2F%2Fphotos.s3.amazonaws.com%2Fa%2Fb.jpg?w=400&s=0f", KEY),
            ("https://ik.imagekit.io/acme/tr:w-300,h-300/a/b.jpg", KEY),
            ("https://ik.imagekit.io/acme/a/b.jpg?tr=w-300", KEY),
            ("/tr:w-300/a/b.jpg", KEY),
        ],
    },
    Group {
        form: "Cloudinary",
        source: "https://cloudinary.com/documentation/fetch_remote_images",
        kind: Kind::Url,
        cases: &[
            ("https://res.cloudinary.com/demo/image/fetch/w_300/https://cdn.example.com/assets/a/b.jpg", KEY),
            ("https://res.cloudinary.com/demo/image/fetch/https%3A%2F%2Fphotos.s3.amazonaws.com%2Fa%2Fb.jpg", KEY),
            ("https://res.cloudinary.com/demo/image/upload/c_fill,w_300/v1600000000/a/b.jpg", KEY),
            ("https://res.cloudinary.com/demo/image/upload/remote_media/a/b.jpg", KEY),
        ],
    },
    Group {
        form: "Thumbor",
        source: "https://thumbor.readthedocs.io/en/latest/usage.html",
        kind: Kind::Url,
        cases: &[
            ("http://thumbor.example.org/unsafe/300x200/smart/a/b.jpg", KEY),
            ("http://thumbor.example.org/unsafe/300x200/photos.s3.amazonaws.com/a/b.jpg", KEY),
            ("http://thumbor.example.org/unsafe/filters:quality(80)/https://photos.s3.amazonaws.com/a/b.jpg", KEY),
            ("https://img.example.com/fit-in/300x200/filters:fill(red)/a/b.jpg", KEY),
            ("http://thumbor.example.org/K97LekICOXT9MbO3X1u8BBkrjbu5=/-300x-200/a/b.jpg", KEY),
            ("/unsafe/300x200/https:/photos.s3.amazonaws.com/a/b.jpg", KEY),
        ],
    },
    Group {
        form: "imgproxy",
        source: "https://docs.imgproxy.net/usage/processing",
        kind: Kind::Url,
        cases: &[
            ("http://imgproxy.example.org/insecure/rs:fill:300:400:0/g:sm/plain/s3://photos/a/b.jpg@png", KEY),
            ("http://imgproxy.example.org/AfrOrF3gWe/plain/s3://photos/a%2Fb.jpg", KEY),
            ("http://imgproxy.example.org/_/rs:fit:300:300/plain/https://cdn.example.com/assets/a/b.jpg@webp", KEY),
            ("http://imgproxy.example.org/_/w:300/czM6Ly9waG90b3MvYS9iLmpwZw.png", KEY),
            ("http://imgproxy.example.org/_/w:300/czM6Ly9waG90/b3MvYS9iLmpwZw.png", KEY),
            ("http://imgproxy.example.org/_/w:300/aHR0cHM6Ly9waG90b3MuczMuYW1hem9uYXdzLmNvbS9hL2IuanBn.webp", KEY),
            ("http://imgproxy.example.org/_/w:300/YS9iLmpwZw.webp", KEY),
            ("/_/rs:fit:300:300/plain/a/b.jpg@webp", KEY),
        ],
    },
    Group {
        form: "Cloudflare, Next.js, Nuxt and Vercel",
        source: "https://developers.cloudflare.com/images/transform-images/transform-via-url/ https://nextjs.org/docs/app/api-reference/components/image https://image.nuxt.com/providers/ipx",
        kind: Kind::Url,
        cases: &[
            ("https://app.example.org/cdn-cgi/image/width=80/https://cdn.example.com/assets/a/b.jpg", KEY),
            ("https://img.example.com/cdn-cgi/image/width=80,quality=75/a/b.jpg", KEY),
            ("/cdn-cgi/image/fit=cover/a/b.jpg", KEY),
            ("https://img.example.com/_next/image?url=%2Favatars%2Fa.jpg&w=64", &["avatars/a.jpg"]),
            ("/_next/image?url=https%3A%2F%2Fphotos.s3.amazonaws.com%2Fa%2Fb.jpg&w=640&q=75", KEY),
            ("/_next/image?url=https%3A%2F%2Fimg.example.com%2Fa%2520b.jpg&w=640&q=75", &["a b.jpg"]),
            ("/_vercel/image?url=%2Fa%2Fb.jpg&w=1536&q=100", KEY),
            ("/_ipx/w_200/a/b.jpg", KEY),
        ],
    },
    Group {
        form: "Serverless Image Handler",
        source: "https://docs.aws.amazon.com/solutions/latest/serverless-image-handler/create-and-use-image-requests.html",
        kind: Kind::Url,
        cases: &[
            ("https://x.cloudfront.net/eyJidWNrZXQiOiJwaG90b3MiLCJrZXkiOiJhL2IuanBnIn0=", KEY),
            ("https://x.cloudfront.net/eyJidWNrZXQiOiJwaG90b3MiLCJrZXkiOiJhL2IuanBnIn0", KEY),
            ("https://img.example.com/eyJidWNrZXQiOiJwaG90b3MiLCJrZXkiOiJhL2IuanBnIn0=?signature=0f", KEY),
            ("https://x.cloudfront.net/fit-in/300x400/filters:grayscale()/a/b.jpg", KEY),
        ],
    },
    Group {
        form: "Photon and weserv",
        source: "https://developer.wordpress.com/docs/photon/ https://wsrv.nl/docs/",
        kind: Kind::Url,
        cases: &[
            ("https://i0.wp.com/cdn.example.com/assets/a/b.jpg?resize=300%2C200&ssl=1", KEY),
            ("https://i2.wp.com/photos.s3.amazonaws.com/a/b.jpg", KEY),
            ("https://wsrv.nl/?url=cdn.example.com/assets/a/b.jpg&w=300", KEY),
            ("https://images.weserv.nl/?url=ssl:photos.s3.amazonaws.com/a/b.jpg", KEY),
            ("https://wsrv.nl/?url=https://photos.s3.amazonaws.com/a/b.jpg", KEY),
        ],
    },
    Group {
        form: "redirects and URLs in URLs",
        source: "https://web.archive.org/ https://docs.rssing.com/",
        kind: Kind::Url,
        cases: &[
            ("https://app.example.org/i?u=https%3A%2F%2Fphotos.s3.amazonaws.com%2Fa%20b.jpg", &["a b.jpg"]),
            ("https://web.archive.org/web/2020/https://photos.s3.amazonaws.com/a/b.jpg", KEY),
            ("https://www.google.com/url?q=https://photos.s3.amazonaws.com/a/b.jpg&sa=D", KEY),
            ("https://r.example.org/?to=https%253A%252F%252Fphotos.s3.amazonaws.com%252Fa%252Fb.jpg", KEY),
            ("https://private.s3.amazonaws.com/proxy?u=https%3A%2F%2Fphotos.s3.amazonaws.com%2Fa%2Fb.jpg", KEY),
            ("blob:https://img.example.com/a/b.jpg", KEY),
            ("view-source:https://img.example.com/a/b.jpg", KEY),
            ("url=https://photos.s3.amazonaws.com/a/b.jpg", KEY),
        ],
    },
];
