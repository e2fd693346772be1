//! The application: what each step does to the bucket and the database.

use bytes::Bytes;
use s3gc_store::ObjectMeta;

use crate::database::{Mean, needs};
use crate::history::{Form, Pick, Step, Versions};
use crate::world::World;

/// The bucket's name.
pub(crate) const BUCKET: &str = "photos";
/// What stands for the bucket's root.
pub(crate) const BASE_URL: &str = "https://cdn.example.com/media/";

/// The keys of the objects that come and go.
pub(crate) const KEYS: [&str; 10] = [
    "photos/a b.jpg",
    "small/a b.jpg",
    "photos/é+1.png",
    "uploads/100%.txt",
    "albums/7/one.jpg",
    "albums/7/two.jpg",
    "docs/report.pdf",
    "img/x.png",
    "photos/日本.jpg",
    "avatars/9",
];

/// The directory that a row may refer to as a whole.
const ALBUM: &str = "albums/7/";

impl World {
    /// Does one step. What is referred to from now on and is not there was collected while nobody needed it.
    pub(crate) fn step(&mut self, step: Step) {
        let before = self.needed();
        self.apply(step);
        for key in self.needed().into_iter().filter(|key| !before.contains(key)) {
            if self.bucket.object(key).is_none() {
                self.oracle.erased(key);
            }
        }
    }

    /// The keys that a row refers to, committed or not.
    fn needed(&self) -> Vec<&'static str> {
        let open = || self.db.open.values().flat_map(|open| &open.inserts);
        KEYS.into_iter().filter(|key| needs(&self.db.rows, key) || open().any(|row| row.needs(key))).collect()
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Upload { pick, body } | Step::Rewrite { pick, body } => {
                if let Some(key) = self.choose(pick) {
                    self.upload(&key, body);
                }
            }
            Step::Touch { pick } => {
                let key = self.choose(pick);
                if let Some(key) = key.filter(|key| self.bucket.object(key).is_some()) {
                    let object = self.bucket.object(&key).cloned().unwrap();
                    let now = self.store_now();
                    self.bucket.put(&key, object.body, &object.meta, now);
                    self.oracle.uploaded(&key);
                }
            }
            Step::Refer { pick, form, table, open } => {
                if let Some(key) = self.choose(pick) {
                    if self.bucket.object(&key).is_none() {
                        self.upload(&key, 7);
                    }
                    let table = usize::from(table) % 3;
                    self.db.insert(open, table, write(&key, form), vec![Mean::Key(key)]);
                }
            }
            Step::ReferAlbum { open } => {
                self.db.insert(open, 3, ALBUM.to_owned(), vec![Mean::Prefix(ALBUM.to_owned())]);
            }
            Step::Unlink { pick, open } => {
                if let Some(key) = self.choose(pick) {
                    let rows = self.db.rows_of(&key);
                    self.db.delete(open, rows);
                }
            }
            Step::Move { pick, form, open } => {
                let Some(key) = self.choose(pick) else { return };
                let Some(first) = self.db.rows_of(&key).first().copied() else { return };
                let table = (self.db.rows[&first].table + 1) % 3;
                let value = write(&key, form);
                // One transaction, or the reference would be gone for a moment.
                let name = open.unwrap_or(u8::MAX);
                self.db.insert(Some(name), table, value, vec![Mean::Key(key)]);
                self.db.delete(Some(name), vec![first]);
                if open.is_none() {
                    self.db.commit(name);
                }
            }
            Step::Commit(name) => self.db.commit(name),
            Step::Rollback(name) => self.db.rollback(name),
            Step::Rename { pick, to, form } => self.rename(pick, to, form),
            Step::Erase { pick } => {
                if let Some(key) = self.choose(pick) {
                    let rows = self.db.rows_of(&key);
                    self.db.delete(None, rows);
                    let now = self.store_now();
                    if let Some(object) = self.bucket.object(&key) {
                        let target = s3gc_store::DeleteTarget::Current { if_match: object.meta.etag.clone() };
                        self.bucket.delete(&key, &target, s3gc_store::DeleteMeans::Unconditional, now);
                    }
                    self.oracle.erased(&key);
                }
            }
            Step::Backup => self.db.back_up(),
            // What the backup needs and was collected since comes from the vault, by hand.
            Step::RestoreBackup => self.db.restore(),
            Step::Suspend if self.bucket.versions == Versions::Enabled => {
                self.bucket.versions = Versions::Suspended;
                self.suspended = Some(self.now());
            }
            Step::Enable if self.bucket.versions == Versions::Suspended => self.bucket.versions = Versions::Enabled,
            Step::Suspend | Step::Enable => {}
        }
    }

    fn choose(&self, pick: Pick) -> Option<String> {
        match pick {
            Pick::Slot(slot) => Some(KEYS[usize::from(slot) % KEYS.len()].to_owned()),
            Pick::Orphan(nth) => {
                let live = |key: &&&str| self.bucket.object(key).is_some() && !needs(&self.db.rows, key);
                let orphans: Vec<_> = KEYS.iter().filter(live).collect();
                (!orphans.is_empty()).then(|| (*orphans[usize::from(nth) % orphans.len()]).to_owned())
            }
        }
    }

    pub(crate) fn upload(&mut self, key: &str, body: u8) {
        let bytes = match body {
            // Nothing, and what does not fit into one piece.
            0 => Bytes::new(),
            1 => Bytes::from(vec![42; (1 << 20) + 100]),
            body => Bytes::from(format!("{key} {body} ").repeat(1 + usize::from(body) / 4)),
        };
        let mut meta = ObjectMeta::new(bytes.len() as u64);
        meta.headers.content_type = Some(format!("image/x-{}", body % 7));
        meta.user.insert("owner".into(), format!("{}", body % 5));
        if body.is_multiple_of(3) {
            meta.tags = Some([("team".to_owned(), format!("{}", body % 11))].into());
        }
        if body.is_multiple_of(5) {
            meta.storage_class = Some("STANDARD_IA".into());
        }
        let now = self.store_now();
        self.bucket.put(key, bytes, &meta, now);
        self.oracle.uploaded(key);
    }

    fn rename(&mut self, pick: Pick, to: u8, form: Form) {
        let Some(from) = self.choose(pick) else { return };
        let to = KEYS[usize::from(to) % KEYS.len()].to_owned();
        let Some(object) = self.bucket.object(&from).cloned().filter(|_| from != to) else { return };
        let now = self.store_now();
        self.bucket.put(&to, object.body, &object.meta, now);
        self.oracle.uploaded(&to);
        let rows = self.db.rows_of(&from);
        for id in &rows {
            let table = self.db.rows[id].table;
            self.db.insert(Some(u8::MAX), table, write(&to, form), vec![Mean::Key(to.clone())]);
        }
        self.db.delete(Some(u8::MAX), rows);
        self.db.commit(u8::MAX);
    }
}

fn percent(key: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(byte);
    let one = |byte: u8| if keep(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    key.bytes().map(one).collect()
}

/// Writes a key down.
fn write(key: &str, form: Form) -> String {
    let escaped = percent(key);
    match form {
        Form::Bare => key.to_owned(),
        Form::Slash => format!("/{key}"),
        Form::Percent => escaped,
        Form::S3 => format!("s3://{BUCKET}/{key}"),
        Form::Host => format!("https://{BUCKET}.s3.eu-central-1.amazonaws.com/{escaped}"),
        Form::Path => format!("https://s3.amazonaws.com/{BUCKET}/{escaped}"),
        Form::Cdn => format!("{BASE_URL}{escaped}?v=3"),
        Form::Signed => {
            format!("https://{BUCKET}.s3.amazonaws.com/{escaped}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60#top")
        }
        Form::Json => serde_json::json!({ "title": "A title", "image": { "src": key, "width": 10 } }).to_string(),
        Form::JsonUrl => serde_json::json!([{ "url": format!("{BASE_URL}{escaped}") }]).to_string(),
        Form::Html => format!("<p>Hello <img alt=\"x\" src=\"{BASE_URL}{escaped}\"> there.</p>"),
        Form::Markdown => format!("# Title\n\nSee ![picture](https://{BUCKET}.s3.amazonaws.com/{escaped}) here.\n"),
    }
}
