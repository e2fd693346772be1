//! The demo's photo app: which files there are, which rows refer to them, and what should become of each file.

use super::content::Dice;

/// The name of the bucket.
pub(super) const BUCKET: &str = "photo-app";
/// The address under which the app shows the bucket to its visitors.
pub(super) const CDN: &str = "https://cdn.photo-app.example/";

/// What should become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A row refers to it.
    Referenced,
    /// Nothing refers to it, and it is under an excluded prefix.
    Excluded,
    /// Nothing refers to it yet: it may be an upload in progress.
    Young,
    /// Nothing refers to it any more.
    Orphan,
}

/// A file of the bucket.
pub(super) struct File {
    pub(super) key: String,
    pub(super) age_hours: u64,
    pub(super) fate: Fate,
}

/// The rows of the database.
#[derive(Default)]
pub(super) struct Rows {
    /// Email and `avatar_url`.
    pub(super) users: Vec<(String, Option<String>)>,
    /// Title and `featured_image`.
    pub(super) posts: Vec<(String, Option<String>)>,
    /// Name and `gallery`.
    pub(super) products: Vec<(String, Option<String>)>,
    /// Slug and `body`.
    pub(super) pages: Vec<(String, Option<String>)>,
}

/// A key that is referenced only in an odd form.
pub(super) struct Odd {
    pub(super) key: &'static str,
    pub(super) form: &'static str,
}

/// Everything that the demo begins with.
pub(super) struct World {
    pub(super) files: Vec<File>,
    pub(super) rows: Rows,
}

/// The keys that only a careful reader of the database finds.
pub(super) const ODD: [Odd; 6] = [
    Odd { key: "posts/2025/été à la plage.jpg", form: "a percent-encoded URL of the bucket" },
    Odd { key: "posts/2025/launch.jpg", form: "a CDN URL with a query and a fragment" },
    Odd { key: "posts/2025/signed.jpg", form: "an expired presigned URL" },
    Odd { key: "avatars/plus+sign.jpg", form: "a URL with %2B" },
    Odd { key: "products/escaped/front.png", form: "JSON with escaped slashes" },
    Odd { key: "pages/press kit.svg", form: "a srcset in HTML" },
];

/// Makes files and rows; `endpoint` is the address of the S3 server.
pub(super) fn world(endpoint: &str) -> World {
    let mut world = World { files: Vec::new(), rows: Rows::default() };
    let mut dice = Dice::new("s3gc demo");
    world.users(&mut dice);
    world.posts(&mut dice);
    world.products(&mut dice);
    world.pages(&mut dice);
    world.odd(endpoint, &mut dice);
    world.leftovers(&mut dice);
    world
}

impl World {
    /// Returns how many files should meet this fate.
    pub(super) fn count(&self, fate: Fate) -> usize {
        self.files.iter().filter(|file| file.fate == fate).count()
    }

    fn file(&mut self, key: impl Into<String>, fate: Fate, dice: &mut Dice) {
        const DAY: u64 = 24;
        let age_hours = match fate {
            Fate::Young => dice.between(1, 6 * DAY),
            Fate::Orphan => dice.between(30 * DAY, 700 * DAY),
            Fate::Referenced | Fate::Excluded => dice.between(2, 700 * DAY),
        };
        self.files.push(File { key: key.into(), age_hours, fate });
    }

    /// 870 people have an account and a picture, 130 others deleted their account.
    fn users(&mut self, dice: &mut Dice) {
        for number in 1..=1_000 {
            let key = format!("avatars/{number:04}.jpg");
            let email = format!("user{number}@mail.example");
            if number % 100 < 87 {
                self.rows.users.push((email, Some(format!("{CDN}{key}"))));
                self.file(key, Fate::Referenced, dice);
            } else {
                self.file(key, Fate::Orphan, dice);
            }
        }
        self.rows.users.push(("no-picture@mail.example".to_owned(), None));
    }

    /// Every eighth post got another picture since; the old one was forgotten.
    fn posts(&mut self, dice: &mut Dice) {
        for number in 1..=800 {
            let (year, month) = (2024 + number % 2, 1 + number % 12);
            let key = format!("posts/{year}/{month:02}/{number:04}-cover.jpg");
            let url = format!("https://{BUCKET}.s3.us-east-1.amazonaws.com/{key}");
            self.rows.posts.push((format!("Post {number}"), Some(url)));
            self.file(key, Fate::Referenced, dice);
            if number % 8 == 0 {
                self.file(format!("posts/{year}/{month:02}/{number:04}-draft.jpg"), Fate::Orphan, dice);
            }
        }
    }

    /// Every sixth product lost a picture of its gallery.
    fn products(&mut self, dice: &mut Dice) {
        for number in 1..=300 {
            let keys: Vec<String> = ["front", "back"].map(|side| format!("products/{number:04}/{side}.png")).into();
            let gallery = serde_json::json!({ "images": keys.iter().map(|key| serde_json::json!({ "src": key })).collect::<Vec<_>>() });
            self.rows.products.push((format!("Product {number}"), Some(gallery.to_string())));
            for key in keys {
                self.file(key, Fate::Referenced, dice);
            }
            if number % 6 == 0 {
                self.file(format!("products/{number:04}/side.png"), Fate::Orphan, dice);
            }
        }
    }

    fn pages(&mut self, dice: &mut Dice) {
        for number in 1..=60 {
            let (figure, sheet) = (format!("pages/figure-{number:02}.svg"), format!("documents/sheet-{number:02}.pdf"));
            let body = format!(
                "<h1>Page {number}</h1><p><img alt=\"figure\" src=\"/{figure}\"> Read the \
                 <a href=\"{CDN}{sheet}?download=1\">data sheet</a>.</p>"
            );
            self.rows.pages.push((format!("page-{number}"), Some(body)));
            self.file(figure, Fate::Referenced, dice);
            self.file(sheet, Fate::Referenced, dice);
        }
    }

    fn odd(&mut self, endpoint: &str, dice: &mut Dice) {
        let post = |title: &str, url: String| (title.to_owned(), Some(url));
        self.rows.posts.extend([
            post(
                "Holidays",
                format!("https://{BUCKET}.s3.amazonaws.com/posts/2025/%C3%A9t%C3%A9%20%C3%A0%20la%20plage.jpg"),
            ),
            post("Launch", format!("{CDN}posts/2025/launch.jpg?width=1200#top")),
            post(
                "Signed",
                format!("{endpoint}/{BUCKET}/posts/2025/signed.jpg?X-Amz-Expires=60&X-Amz-Signature=0a1b2c"),
            ),
        ]);
        let avatar = format!("{CDN}avatars/plus%2Bsign.jpg");
        self.rows.users.push(("plus@mail.example".to_owned(), Some(avatar)));
        let gallery = r#"{"cover":"products\/escaped\/front.png"}"#.to_owned();
        self.rows.products.push(("Escaped".to_owned(), Some(gallery)));
        let body = format!("<img srcset=\"{CDN}pages/press%20kit.svg 1x, {CDN}pages/press%20kit.svg 2x\">");
        self.rows.pages.push(("press".to_owned(), Some(body)));
        for odd in &ODD {
            self.file(odd.key, Fate::Referenced, dice);
        }
    }

    fn leftovers(&mut self, dice: &mut Dice) {
        for number in 1..=50 {
            self.file(format!("exports/orders-{number:03}.csv"), Fate::Orphan, dice);
            self.file(format!("exports/invoice-{number:03}.pdf"), Fate::Orphan, dice);
        }
        for number in 1..=24 {
            self.file(format!("uploads/{number:03}.jpg"), Fate::Young, dice);
        }
        for name in ["logo.svg", "favicon.png", "robots.txt", "terms.pdf", "placeholder.jpg", "maintenance.svg"] {
            self.file(format!("system/{name}"), Fate::Excluded, dice);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_eighth_is_orphaned_and_every_key_is_there_once() {
        let world = world("http://127.0.0.1:1");
        let keys: BTreeSet<&str> = world.files.iter().map(|file| file.key.as_str()).collect();
        assert_eq!(keys.len(), world.files.len());
        let share = world.count(Fate::Orphan) * 100 / world.files.len();
        assert!((10..16).contains(&share), "{share} %");
    }
}
