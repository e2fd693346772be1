//! The builder, and what the engine is given.

use std::path::PathBuf;
use std::time::Duration;

use s3gc_source::extract::Kind;

use super::super::{Compression, Config, StoreConfig};
use super::{BASE, DAY, bucket};
use crate::catalog::Mode;
use crate::settings::{MaxDelete, RetentionFrom};

#[test]
fn the_builder_makes_what_a_file_makes() {
    let built =
        Config::builder("photos").database_url("postgres://app@db/app").table("users", ["avatar_url"]).build().unwrap();
    assert_eq!(format!("{:?}", built.buckets[0]), format!("{:?}", bucket(BASE)));
    let all = Config::directory_builder("/srv/uploads")
        .database_url("sqlite:app.db")
        .backup_window(35 * DAY)
        .column("posts", "gallery", Kind::Json)
        .query("pages", "SELECT url FROM pages", Kind::Text)
        .prefixes(["a/"])
        .exclude_prefixes(["a/b/"])
        .base_urls(["https://cdn.example.com/"])
        .retention(Duration::from_millis(1500))
        .retention_from(RetentionFrom::LastModified)
        .vault_path("/v")
        .keep_days(40)
        .compression(Compression::Zstd(19))
        .catalog_path("/c/catalog.db")
        .max_delete(MaxDelete::Percent(2.5))
        .allow_short_retention(true)
        .unconditional_delete(true)
        .recheck_window(Duration::from_secs(60))
        .settle_after(Duration::from_secs(90))
        .memory(1 << 30)
        .mode(Mode::Execute)
        .build()
        .unwrap();
    let bucket = &all.buckets[0];
    assert_eq!(bucket.store, StoreConfig::Fs { path: PathBuf::from("/srv/uploads") });
    assert_eq!((bucket.retention, bucket.retention_from), (Duration::from_millis(1500), RetentionFrom::LastModified));
    assert_eq!((bucket.vault.keep, bucket.vault.compression), (40 * DAY, Compression::Zstd(19)));
    assert_eq!((bucket.safety.max_delete, bucket.memory_bytes), (MaxDelete::Percent(2.5), 1 << 30));
    assert_eq!((bucket.references.len(), all.mode), (2, Mode::Execute));
    let errors =
        Config::builder("s3://photos").database_url("postgres://x").exclude_prefixes(["backups"]).build().unwrap_err();
    assert_eq!(errors.problems.len(), 3, "{errors}"); // name, prefix, references
}

#[test]
fn what_widens_deletion_does_not_depend_on_how_it_is_written() {
    let widening = |text: &str| bucket(text).widening();
    let one = BASE
        .replace("name =", "exclude_prefixes = [\"a/\", \"b/\"]\nname =")
        .replace("[\"avatar_url\"]", "[\"x\", \"y\"]");
    let two = BASE
        .replace("name =", "retention = \"168h\"\nexclude_prefixes = [\"b/\", \"a/\"]\nname =")
        .replace("[\"avatar_url\"]", "[\"y\", \"x\"]");
    assert_eq!(widening(&one).to_string(), widening(&two).to_string());
    assert_eq!(widening(BASE), widening(&format!("mode = \"audit_only\"\n{BASE}[vault]\npath = \"/elsewhere\"\n")));
    for change in [
        BASE.replace("name =", "exclude_prefixes = [\"a/\"]\nname ="),
        BASE.replace("name =", "prefixes = [\"a/\"]\nname ="),
        BASE.replace("name =", "base_urls = [\"https://a/\"]\nname ="),
        BASE.replace("name =", "retention_days = 6\nname ="),
        BASE.replace("name =", "retention_from = \"last_modified\"\nname ="),
        BASE.replace("avatar_url", "cover"),
        format!("{BASE}[safety]\nmax_delete = \"21%\"\n"),
        format!("{BASE}[safety]\nmax_delete_bytes = \"1 GiB\"\n"),
        format!("{BASE}[safety]\nunconditional_delete = true\n"),
        format!("{BASE}[safety]\nallow_short_retention = true\n"),
        BASE.replace(
            "[tables]\nusers = [\"avatar_url\"]",
            "[[references]]\ntable = \"users\"\ncolumn = \"avatar_url\"\nkind = \"key\"",
        ),
    ] {
        assert_ne!(widening(BASE), widening(&change), "{change}");
    }
}
