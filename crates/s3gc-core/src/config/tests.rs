use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use s3gc_source::extract::Kind;
use secrecy::ExposeSecret;

use super::*;
use crate::catalog::Mode;
use crate::settings::MaxDelete;

mod code;
mod published;
mod references;
mod secrets;
mod vault;

const DAY: Duration = Duration::from_secs(86_400);

const BASE: &str =
    "[database]\nurl = \"postgres://app@db/app\"\n[bucket]\nname = \"photos\"\n[tables]\nusers = [\"avatar_url\"]\n";

const ENVIRONMENT: [(&str, &str); 3] =
    [("DATABASE_URL", "postgres://app:hunter2@db/app"), ("S3_BUCKET", "photos"), ("S3GC_TABLES", "users.avatar_url")];

/// The file of the design, without what is not available in this version.
const FULL: &str = r#"
mode = "dry_run"
[database]
url = "${DATABASE_URL}"
cdc = "off"
backup_window = "35d"
[bucket]
name = "${S3_BUCKET}"
region = "us-east-1"
prefixes = []
exclude_prefixes = ["backups/", "system/"]
retention_days = 7
retention_from = "unreferenced"
base_urls = ["https://cdn.example.com/"]
[tables]
users = ["avatar_url", "cover_photo"]
posts = ["featured_image"]
[catalog]
path = "/var/lib/s3gc/catalog.db"
[vault]
path = "/var/lib/s3gc/vault"
keep_days = 90
stage = "pack"
pack_size = "64 MiB"
auto_restore = false
compression = "zstd"
recipients = []
[safety]
max_delete = "20%"
allow_short_retention = false
unconditional_delete = false
recheck_window = "5m"
settle_after = "16m"
[limits]
memory = "256 MiB"
[report]
price_per_gb_month = 0.023
"#;

fn load(text: &str) -> Result<Loaded, ConfigErrors> {
    Loader::new().file("/etc/s3gc/s3gc.toml", text).load()
}

fn bucket(text: &str) -> BucketConfig {
    load(text).unwrap_or_else(|errors| panic!("{errors}")).config.buckets.remove(0)
}

fn from_environment(variables: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    Loader::new().environment(ENVIRONMENT).environment(variables.iter().copied()).load()
}

/// All that is wrong, one line each.
fn errors(text: &str) -> Vec<String> {
    load(text).expect_err("it has faults").to_string().lines().map(str::to_owned).collect()
}

/// The only fault.
#[track_caller]
fn error(text: &str) -> String {
    let errors = errors(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors[0].clone()
}

#[test]
fn the_full_file_loads() {
    let loaded = Loader::new().file("/etc/s3gc/s3gc.toml", FULL).environment(ENVIRONMENT[..2].to_vec()).load().unwrap();
    let bucket = &loaded.config.buckets[0];
    assert_eq!(loaded.config.mode, Mode::DryRun);
    assert_eq!(loaded.config.databases["main"].url.expose_secret(), "postgres://app:hunter2@db/app");
    assert_eq!((bucket.name.as_str(), bucket.references.len()), ("photos", 3));
    assert_eq!(bucket.backup_window, Some(35 * DAY));
    assert_eq!(bucket.memory_bytes, 256 << 20);
    assert_eq!(bucket.settings().exclude.len(), 2);
    assert_eq!(bucket.settings().memory_bytes, 256 << 20);
    assert_eq!(bucket.plan_dir, Path::new("/var/lib/s3gc/plans"));
}

#[test]
fn the_least_file_has_the_defaults() {
    let bucket = bucket(BASE);
    let settings = bucket.settings();
    let defaults = crate::settings::Settings::new("photos", "/var/lib/s3gc/plans");
    assert_eq!(settings, defaults);
    assert_eq!(bucket.vault.place.to_string(), "/var/lib/s3gc/vault");
    assert_eq!(bucket.catalog, Path::new("/var/lib/s3gc/catalog.db"));
    assert_eq!(bucket.vault.compression, Compression::Zstd(3));
}

#[test]
fn the_environment_alone_is_enough() {
    let loaded = from_environment(&[
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", "https://wrong.example.com"),
        ("AWS_ENDPOINT_URL_S3", "http://localhost:9000"),
        ("S3GC_MODE", "execute"),
        ("S3GC_TABLES", "users.avatar_url, users.cover,cms.pages.image"),
        ("S3GC_VAULT_PATH", "/data/vault"),
        ("S3GC_RETENTION_DAYS", "0"),
        ("S3GC_EXCLUDE_PREFIXES", "backups/, system/"),
        ("S3GC_CDC_BACKEND", "off"),
        ("S3GC_MAX_DELETE", "500"),
        ("S3GC_ALLOW_SHORT_RETENTION", "true"),
        ("S3GC_UNCONDITIONAL_DELETE", "1"),
        ("S3GC_SETTLE_AFTER", "2s"),
        ("S3GC_CATALOG_PATH", "/data/catalog.db"),
        ("S3GC_SCHEDULE_CRON", ""),
    ])
    .unwrap_or_else(|errors| panic!("{errors}"));
    let bucket = &loaded.config.buckets[0];
    assert_eq!(loaded.config.mode, Mode::Execute);
    let StoreConfig::S3 { region, endpoint, path_style, .. } = &bucket.store else { panic!("{:?}", bucket.store) };
    assert_eq!(
        (region.as_deref(), endpoint.as_deref(), *path_style),
        (Some("eu-west-1"), Some("http://localhost:9000"), true)
    );
    assert_eq!(bucket.retention, Duration::ZERO);
    assert_eq!(bucket.exclude_prefixes.len(), 2);
    assert_eq!(bucket.safety.max_delete, MaxDelete::Count(500));
    assert_eq!(bucket.safety.settle_after, Duration::from_secs(2));
    assert!(bucket.safety.allow_short_retention && bucket.safety.unconditional_delete);
    assert_eq!(
        (bucket.vault.place.to_string().as_str(), bucket.catalog.as_path()),
        ("/data/vault", Path::new("/data/catalog.db"))
    );
    let tables: BTreeSet<_> = bucket.references.iter().map(|reference| format!("{:?}", reference.place)).collect();
    assert_eq!(tables.len(), 3);
    assert!(tables.iter().any(|place| place.contains("\"cms.pages\"")), "{tables:?}");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let text = BASE.replace("name =", "retention = \"36h\"\nname =");
    let load = |loader: Loader| loader.load().unwrap().config.buckets.remove(0);
    let file = Loader::new().file("/etc/s3gc.toml", text);
    assert_eq!(load(file.clone()).retention, Duration::from_secs(36 * 3600));
    let environment = file.environment([("S3GC_RETENTION_DAYS", "9"), ("S3_BUCKET", "other")]);
    assert_eq!(load(environment.clone()).retention, 9 * DAY);
    assert_eq!(load(environment.clone()).name, "other");
    assert_eq!(load(environment.set("bucket.retention_days", "11").set("bucket.name", "third")).retention, 11 * DAY);
}

#[test]
fn every_resolved_key_says_where_it_comes_from() {
    let text = BASE.replace("[tables]", "[vault]\nkeep_days = 100\n[tables]");
    let loader =
        Loader::new().file("/etc/s3gc.toml", text).environment([("S3GC_VAULT_PATH", "/v")]).set("mode", "audit_only");
    let loaded = loader.load().unwrap();
    let find =
        |key: &str| loaded.resolved.iter().find(|r| r.key == key).map(|r| (r.value.as_str(), r.origin.to_string()));
    assert_eq!(find("mode"), Some(("audit_only", "flag".to_owned())));
    assert_eq!(find("vault.path"), Some(("/v", "environment variable S3GC_VAULT_PATH".to_owned())));
    assert_eq!(find("vault.keep_days"), Some(("100", "file, line 6".to_owned())));
    assert_eq!(find("bucket.name"), Some(("photos", "file, line 4".to_owned())));
    assert_eq!(find("bucket.retention_days"), Some(("7", "default".to_owned())));
    assert_eq!(find("catalog.path"), Some(("/catalog.db", "default".to_owned())));
    assert_eq!(find("references.users.avatar_url"), Some(("auto in main", "file, line 8".to_owned())));
    assert_eq!(find("database.url"), Some(("postgres://***@db/app", "file, line 2".to_owned())));
}

#[test]
fn all_faults_are_told_at_once_with_their_places() {
    let text = r#"mode = "exceute"
[database]
url = "${DB}"
[bucket]
name = "photos"
retention_dais = 7
prefixes = ["img"]
[tables]
users = "avatar_url"
[vault]
keep_days = "ninety"
[safety]
max_delete = "20 percent"
recheck_window = 5
"#;
    assert_eq!(
        errors(text),
        [
            r#"/etc/s3gc/s3gc.toml:1:8: mode: "exceute" is not one of "dry_run", "audit_only", "execute""#,
            "/etc/s3gc/s3gc.toml:3:7: database.url: environment variable DB is not set (set it, or write ${NAME:-default})",
            "/etc/s3gc/s3gc.toml:5:8: bucket.references: bucket photos has no references: every object would be an orphan \
         (write the columns that hold keys: [tables] users = [\"avatar_url\"])",
            "/etc/s3gc/s3gc.toml:6:1: bucket.retention_dais: unknown key (did you mean retention_days?)",
            r#"/etc/s3gc/s3gc.toml:7:13: bucket.prefixes[0]: "img" does not end in /: write "img/", since "img" would also mean "img2""#,
            r#"/etc/s3gc/s3gc.toml:9:9: tables.users: "avatar_url" is not a list of columns"#,
            r#"/etc/s3gc/s3gc.toml:11:13: vault.keep_days: "ninety" is not a whole number of days"#,
            "/etc/s3gc/s3gc.toml:13:14: safety.max_delete: \"20 percent\" is not a limit (write a share such as \"20%\" or a number of \
         objects such as 5000)",
            "/etc/s3gc/s3gc.toml:14:18: safety.recheck_window: 5 is not a duration (write a number with its unit, such as \"36h\", \
         \"7d\" or \"5m\")",
        ]
    );
}

#[test]
fn faults_of_the_grammar_are_all_told() {
    let errors = errors("mode = \n[bucket\nname = \"x\"\n");
    assert!(errors.len() >= 2, "{errors:#?}");
    assert!(errors[0].starts_with("/etc/s3gc/s3gc.toml:1:"), "{errors:#?}");
}

#[test]
fn unknown_keys_come_with_the_way_out() {
    for (key, help) in [
        ("retention_days = 7\n", "it belongs in [bucket]"),
        ("[vaults]\npath = \"/v\"\n", "did you mean vault?"),
        ("[bucket.vault]\npath = \"/v\"\n", "it belongs at the top level: [vault]"),
        ("[vault]\nfolder = \"x\"\n", "there are: "),
    ] {
        let text = if key.starts_with("[bucket") { format!("{BASE}{key}") } else { format!("{key}{BASE}") };
        let error = error(&text);
        assert!(error.contains("unknown key") && error.contains(help), "{error}");
    }
}

#[test]
fn what_is_not_built_yet_is_refused_and_not_ignored() {
    for (text, path) in [
        ("[schedule]\nat = \"02:30\"\n", "schedule"),
        ("[notify]\nwebhook = \"https://h/\"\n", "notify"),
        ("[serve]\nlisten = \"127.0.0.1:9400\"\n", "serve"),
        ("[limits]\nrequests_per_second = 10\n", "limits.requests_per_second"),
        ("[limits]\nbytes_per_second = \"1 MiB\"\n", "limits.bytes_per_second"),
        ("[limits]\nrows_per_second = 10\n", "limits.rows_per_second"),
        ("[[references]]\ntable = \"a\"\ncolumn = \"b\"\nvariants = []\n", "references[0].variants"),
    ] {
        let error = error(&format!("{BASE}{text}"));
        assert!(error.contains(&format!(": {path}: ")) && error.contains("not available in this version"), "{error}");
    }
    for (from, to, path) in [
        ("[bucket]", "cdc = \"postgres\"\n[bucket]", "database.cdc"),
        ("[bucket]", "cdc_url = \"postgres://x\"\n[bucket]", "database.cdc_url"),
        ("[tables]", "versioned = \"permanent\"\n[tables]", "bucket.versioned"),
    ] {
        let error = error(&BASE.replace(from, to));
        assert!(error.contains(&format!(": {path}: ")) && error.contains("not available in this version"), "{error}");
    }
    for name in ["S3GC_SCHEDULE_CRON", "S3GC_LISTEN", "S3GC_ADMIN_API_KEY"] {
        let error = from_environment(&[(name, "hunter3")]).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("not available") && error.lines().count() == 1, "{error}");
        assert!(!error.contains("hunter3"));
    }
    let error = from_environment(&[("S3GC_CDC_BACKEND", "postgres")]).unwrap_err().to_string();
    assert!(
        error.contains("S3GC_CDC_BACKEND") && error.contains("not available") && error.lines().count() == 1,
        "{error}"
    );
}

#[test]
fn execute_with_a_short_retention_must_be_allowed() {
    let short = BASE.replace("name =", "retention = \"12h\"\nname =");
    assert!(load(&short).is_ok());
    let execute = format!("mode = \"execute\"\n{short}");
    assert!(error(&execute).contains(":5:13: bucket.retention: mode execute with a retention of under a day"));
    assert!(load(&format!("{execute}[safety]\nallow_short_retention = true\n")).is_ok());
}

#[test]
fn the_vault_keeps_at_least_as_long_as_the_backups_of_the_database() {
    let window = BASE.replace("[bucket]", "backup_window = \"100d\"\n[bucket]");
    assert!(error(&window).contains("vault.keep_days: the vault keeps 90d"));
    assert!(load(&format!("{window}[vault]\nkeep_days = 100\n")).is_ok());
    assert!(error(&format!("{window}[vault]\nkeep_days = 99\n")).contains(":9:13: vault.keep_days"));
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    for (text, part) in [
        ("[safety]\nrecheck_window = \"17m\"\n", "longer than settle_after"),
        ("[safety]\nrecheck_window = \"2h\"\nsettle_after = \"3h\"\n", "over an hour"),
        ("[safety]\nrecheck_window = \"0s\"\n", "leaves no time"),
        ("[safety]\nmax_delete = -1\n", "not a limit"),
        ("[safety]\nmax_delete_bytes = \"lots\"\n", "not a size"),
        ("[vault]\nkeep_days = 0\n", "too short"),
        ("[vault]\nkeep_days = 99999999999\n", "100 years"),
        ("[vault]\nkeep_days = \"90\"\n", "not a whole number of days"),
        ("[vault]\npack_size = \"1 B\"\n", "between 1 MiB and 4 GiB"),
        ("[vault]\ncompression = \"zstd:99\"\n", "level of 1 to 22"),
        ("[vault]\ncompression = \"gzip\"\n", "not a codec"),
        ("[limits]\nmemory = \"1 KiB\"\n", "under 1 MiB"),
        ("[report]\nprice_per_gb_month = -0.1\n", "not a price"),
        ("[report]\nprice_per_gb_month = nan\n", "not a price"),
        ("[safety]\nunconditional_delete = \"yes\"\n", "neither true nor false"),
        ("[vault]\npath = \"\"\n", "is empty"),
        ("vault = 3\n", "vault"),
    ] {
        let text = if text.starts_with('[') { format!("{BASE}{text}") } else { format!("{text}{BASE}") };
        let error = error(&text);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_bucket_without_references_is_refused() {
    let error = error(&BASE.replace("[tables]\nusers = [\"avatar_url\"]\n", ""));
    assert!(error.contains("photos has no references: every object would be an orphan"), "{error}");
}

#[test]
fn references_are_read_in_both_forms() {
    let text = format!(
        "{BASE}[[references]]\ntable = \"posts\"\ncolumn = \"gallery\"\nkind = \"json\"\nstrip = \"/media/\"\nprepend = \"m/\"\n\
         [[references]]\nsql = \"SELECT url FROM pages\"\nkind = \"text\"\n"
    );
    let references = bucket(&text).references;
    assert_eq!(references.len(), 3);
    assert_eq!((references[1].kind, references[1].strip.as_deref()), (Kind::Json, Some("/media/")));
    let ReferencePlace::Query { name, sql } = &references[2].place else { panic!("{references:?}") };
    assert!(name.starts_with("query-") && sql == "SELECT url FROM pages", "{name}");
    for (text, part) in [
        ("[[references]]\ntable = \"a\"\n", "needs a table and a column, or sql"),
        ("[[references]]\ntable = \"a\"\ncolumn = \"b\"\nsql = \"c\"\n", "not both"),
        ("[[references]]\ntable = \"a\"\ncolumn = \"b\"\nname = \"c\"\n", "only a query has a name"),
        ("[[references]]\ntable = \"users\"\ncolumn = \"avatar_url\"\n", "users.avatar_url is listed twice"),
        ("[[references]]\ntable = \"a\"\ncolumn = \"b\"\nkind = \"jsonb\"\n", "not one of"),
        ("[[references]]\ntable = \"a\"\ncolumn = \"b\"\nkind = \"template\"\n", "needs a template"),
        ("[[references]]\ntable = \"a\"\ntemplate = \"u/{id\"\n", "has no partner"),
        ("[[references]]\ntable = \"a\"\ntemplate = \"{id}\"\nprepend = \"x/\"\n", "is the whole key"),
        ("[[references]]\ntable = \"a\"\ntemplate = \"{id}\"\nkind = \"url\"\n", "gives a key"),
        ("[[references]]\ntable = \"a\"\ncolumn = \"b\"\njson_paths = [\"$.a\"]\n", "need the kind json"),
        (
            "[[references]]\ntable = \"a\"\ncolumn = \"b\"\nkind = \"json\"\njson_paths = [\"a\"]\n",
            "is not a JSON path",
        ),
        ("[[references]]\ntable = \"a\"\ncolumn = \"b\"\nstyles = [\"x\"]\n", "belongs to a preset"),
        ("[[references]]\nsql = \"SELECT 1\"\noptional = true\n", "never optional"),
        ("[[references]]\npreset = \"drupal\"\n", "there is no preset"),
        ("[[references]]\npreset = \"django\"\n", "needs table"),
        ("[[references]]\npreset = \"strapi\"\nkind = \"url\"\n", "says that itself"),
        ("[[references]]\ntable = \"a\"\ncolumn = \"b\"\ndatabase = \"cms\"\n", "no database \"cms\""),
        ("posts = []\n", "the list of columns is empty"),
        ("public.users = [\"a\"]\n", "\"public.name\" = [...]"),
    ] {
        let error = error(&format!("{BASE}{text}"));
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn several_buckets_override_sections_key_by_key() {
    let text = r#"
[databases.main]
url = "postgres://app@db/app"
backup_window = "10d"
[databases.cms]
url = "mysql://cms@db/cms"
[vault]
path = "/v/all"
keep_days = 30
[safety]
max_delete = "10%"
[[buckets]]
name = "eu-assets"
region = "eu-west-1"
database = "main"
references = [
  { table = "users", column = "avatar_url" },
  { table = "posts", column = "gallery", kind = "json" },
  { sql = "SELECT url FROM cms_pages", kind = "text" } ]
[buckets.vault]
path = "/v/eu"
[[buckets]]
name = "us-assets"
region = "us-west-2"
database = ["main", "cms"]
safety = { max_delete = 100 }
references = [{ table = "a", column = "b", database = "cms" }, { table = "a", column = "b", database = "main" }]
"#;
    let loader = Loader::new().file("/etc/s3gc.toml", text).environment([
        ("AWS_REGION", "ap-south-1"),
        ("S3_BUCKET", "photos"),
        ("DATABASE_URL", "postgres://other@db/app"),
        ("S3GC_EXCLUDE_PREFIXES", "legal/"),
    ]);
    let loaded = loader.clone().load().unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.unused_variables, ["S3_BUCKET", "AWS_REGION", "DATABASE_URL"]);
    let [eu, us] = loaded.config.buckets.as_slice() else { panic!("two buckets") };
    assert_eq!((eu.vault.place.to_string().as_str(), eu.vault.keep), ("/v/eu", 30 * DAY));
    assert_eq!((us.vault.place.to_string().as_str(), us.vault.keep), ("/v/all", 30 * DAY));
    assert_eq!((eu.safety.max_delete, us.safety.max_delete), (MaxDelete::Percent(10.0), MaxDelete::Count(100)));
    assert_eq!(
        (eu.databases.as_slice(), us.databases.as_slice()),
        (&["main".to_owned()][..], &["cms".to_owned(), "main".to_owned()][..])
    );
    assert_eq!(eu.exclude_prefixes.len() + us.exclude_prefixes.len(), 2);
    assert!(matches!(&us.store, StoreConfig::S3 { region: Some(region), .. } if region == "us-west-2"));
    assert!(loaded.resolved.iter().any(|r| r.key == "buckets.eu-assets.vault.path" && r.value == "/v/eu"));
    let us = loader.set("vault.path", "/v/flag").load().unwrap();
    assert!(us.config.buckets.iter().all(|bucket| bucket.vault.place.to_string() == "/v/flag"));
}

#[test]
fn several_buckets_and_databases_are_checked_against_each_other() {
    let two = "[databases.main]\nurl = \"postgres://a@db/a\"\n[databases.cms]\nurl = \"postgres://b@db/b\"\n";
    let refs = "references = [{ table = \"a\", column = \"b\" }]\n";
    for (text, part) in [
        (
            format!(
                "[database]\nurl = \"sqlite:x\"\n[[buckets]]\nname = \"a\"\n{refs}[[buckets]]\nname = \"a\"\n{refs}"
            ),
            "two buckets are named \"a\"",
        ),
        (format!("{two}[[buckets]]\nname = \"a\"\n{refs}"), "several databases: which one has a.b?"),
        (
            format!("{two}[[buckets]]\nname = \"a\"\ndatabase = \"mian\"\n{refs}"),
            "no database \"mian\" (there are: cms, main)",
        ),
        (
            format!(
                "{two}[bucket]\nname = \"a\"\ndatabase = [\"main\", \"cms\"]\n[[references]]\ntable = \"a\"\ncolumn = \"b\"\ndatabase = \"cms\"\n"
            ),
            "no reference of bucket a is in database \"main\"",
        ),
        (format!("{BASE}[[buckets]]\nname = \"b\"\n{refs}"), "both [bucket] and [[buckets]]"),
        (format!("{BASE}[databases.cms]\nurl = \"sqlite:x\"\n"), "both [database] and [databases]"),
        (
            format!(
                "[database]\nurl = \"sqlite:x\"\n[[buckets]]\npath = \"/srv/up\"\n{refs}[[buckets]]\npath = \"/srv/up/thumbs\"\n{refs}"
            ),
            "one inside the other",
        ),
    ] {
        let errors = errors(&text);
        assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:#?}");
    }
}

#[test]
fn a_directory_is_collected_only_outside_the_vault_and_the_catalog() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("up/loads")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("up"), dir.path().join("link")).unwrap();
    let load = |vault: &str, catalog: &str| {
        let text = BASE.replace("name = \"photos\"", "path = \"up/loads\"")
            + &format!("[vault]\npath = \"{vault}\"\n[catalog]\npath = \"{catalog}\"\n");
        Loader::new().file(dir.path().join("s3gc.toml"), text).load()
    };
    let config = load("vault", "catalog.db").unwrap().config;
    assert_eq!(config.buckets[0].store, StoreConfig::Fs { path: dir.path().join("up/loads") });
    assert_eq!(
        (config.buckets[0].name.as_str(), config.buckets[0].vault.place.to_string()),
        ("loads", dir.path().join("vault").display().to_string())
    );
    for (vault, catalog, part) in [
        ("up/loads/vault", "c.db", "the vault is inside"),
        ("link/loads/new/vault", "c.db", "the vault is inside"),
        ("up/loads/../loads", "c.db", "the vault is inside"),
        ("up", "c.db", "is inside the vault"),
        ("vault", "up/loads/c.db", "the catalog is inside"),
    ] {
        let error = load(vault, catalog).unwrap_err().to_string();
        assert!(error.contains(part), "{vault} {catalog}: {error}");
    }
    assert!(load("up/loads2", "c.db").is_ok());
}

#[test]
fn relative_paths_count_from_the_file() {
    let text = BASE.replace("postgres://app@db/app", "sqlite:app.db?mode=ro") + "[vault]\npath = \"./vault\"\n";
    let config = load(&text).unwrap().config;
    assert_eq!(config.databases["main"].url.expose_secret(), "sqlite:///etc/s3gc/app.db?mode=ro");
    assert_eq!(config.buckets[0].vault.place.to_string(), "/etc/s3gc/vault");
    assert_eq!(config.buckets[0].catalog, Path::new("/etc/s3gc/catalog.db"));
}

#[test]
fn values_of_a_bucket_are_checked() {
    for (from, to, part) in [
        ("\"photos\"", "\"s3://photos\"", "write the name alone"),
        ("\"photos\"", "\"photos\"\nendpoint = \"localhost:9000\"", "not the address of a server"),
        ("\"photos\"", "\"photos\"\nendpoint = \"https://h/path\"", "has a path"),
        ("\"photos\"", "\"photos\"\nbase_urls = [\"cdn.example.com\"]", "not a URL that keys can follow"),
        ("\"photos\"", "\"photos\"\ndelete_checksum = \"sha1\"", "not one of \"auto\", \"crc32\", \"md5\""),
        ("\"photos\"", "\"photos\"\nretention = \"7d\"\nretention_days = 7", "both retention and retention_days"),
        ("\"photos\"", "\"photos\"\nexclude_prefixes = [\"/a/\"]", "begins with a /"),
        ("\"photos\"", "\"photos\"\npath = \"/srv\"", "a name or a path, not both"),
        ("name = \"photos\"", "path = \"/srv/up\"\nregion = \"x\"", "a local directory has none"),
        ("name = \"photos\"", "region = \"x\"", "neither a name nor a path"),
        ("postgres://app@db/app", "oracle://app@db/app", "not the URL of a database that s3gc knows"),
    ] {
        let error = error(&BASE.replace(from, to));
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn nothing_at_all_says_what_to_write() {
    let errors = Loader::new().load().unwrap_err().to_string();
    assert_eq!(
        errors,
        "database.url: there is no database (set DATABASE_URL, or write url in [database])\n\
         bucket.name: there is no bucket (set S3_BUCKET, or write name or path in [bucket])"
    );
}

#[test]
fn misspelt_variables_are_refused_and_strange_ones_are_not() {
    let errors = from_environment(&[("S3GC_RETENTON_DAYS", "30")]).unwrap_err();
    assert!(
        errors.to_string().contains("S3GC_RETENTON_DAYS is not known (did you mean S3GC_RETENTION_DAYS?)"),
        "{errors}"
    );
    let strange = [
        ("S3GC_SERVICE_HOST", "10.0.0.1"),
        ("S3GC_PORT", "tcp://10.0.0.1:9400"),
        ("S3GC_TEST_REQUIRE", "s3"),
        ("S3GC_CONFIG", "x"),
    ];
    assert!(from_environment(&strange).is_ok());
    let errors =
        from_environment(&[("S3GC_RETENTION_DAYS", "soon"), ("S3GC_TABLES", "users")]).unwrap_err().to_string();
    assert!(
        errors.contains("environment variable S3GC_RETENTION_DAYS: \"soon\" is not a whole number of days"),
        "{errors}"
    );
    assert!(errors.contains("environment variable S3GC_TABLES: \"users\" is not a column"), "{errors}");
}

#[test]
fn the_ramp_and_the_switches_of_trust_are_read() {
    let settings = |text: &str| bucket(&format!("{BASE}{text}")).settings();
    let default = settings("");
    assert_eq!(default.ramp, Some(crate::Ramp { observe_runs: 3, first_cap: 100, growth: 2.0 }));
    assert_eq!((default.auto_restore, default.migration_file), (false, None));
    let set = settings(
        "[vault]\nauto_restore = true\n[safety]\nmigration_file = \"migrating\"\nramp = { first_cap = 5, growth = 1.5 }\n",
    );
    assert_eq!(set.ramp, Some(crate::Ramp { observe_runs: 3, first_cap: 5, growth: 1.5 }));
    assert!(set.auto_restore && set.migration_file.is_some_and(|path| path.ends_with("migrating")));
    assert_eq!(settings("[safety.ramp]\nenabled = false\n").ramp, None);
    for (text, message) in [
        ("ramp = false", "safety.ramp: false is not a table"),
        ("ramp = { growth = 0.5 }", "safety.ramp.growth: 0.5 is not a factor between 1 and 100"),
        ("ramp = { observe_runs = 900 }", "safety.ramp.observe_runs: 900 is more than a year of days"),
        ("ramp = { first = 5 }", "safety.ramp.first: unknown key"),
    ] {
        let error = error(&format!("{BASE}[safety]\n{text}\n"));
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn lepton_is_off_by_default_and_a_boolean() {
    assert!(!bucket(BASE).vault.lepton);
    assert!(bucket(&format!("{BASE}[vault]\nlepton = true\n")).vault.lepton);
    assert!(error(&format!("{BASE}[vault]\nlepton = \"yes\"\n")).contains("vault.lepton: \"yes\" is neither"));
}

#[test]
fn an_encrypted_vault_takes_recipients_and_an_identity() {
    use secrecy::ExposeSecret as _;
    let dir = tempfile::tempdir().unwrap();
    let (text, recipient) = s3gc_vault::encryption::generate_identity(jiff::Timestamp::UNIX_EPOCH);
    std::fs::write(dir.path().join("key.txt"), text.expose_secret()).unwrap();
    let load = |vault: &str| Loader::new().file(dir.path().join("s3gc.toml"), format!("{BASE}[vault]\n{vault}")).load();
    let both = format!("recipients = [\"{recipient}\", \"{recipient}\"]\nidentity = \"key.txt\"\n");
    let loaded = load(&both).unwrap_or_else(|errors| panic!("{errors}"));
    let vault = &loaded.config.buckets[0].vault;
    assert_eq!(vault.recipients, [recipient.clone(), recipient.clone()]);
    assert_eq!(vault.identity.as_deref(), Some(dir.path().join("key.txt").as_path()));
    let path = dir.path().join("key.txt").display().to_string();
    let loaded = from_environment(&[("S3GC_VAULT_IDENTITY", &path)]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.config.buckets[0].vault.identity, Some(path.into()));

    let secret = text.expose_secret().lines().last().unwrap();
    std::fs::write(dir.path().join("bad.txt"), secret.replace("KEY-1", "KEY-1x")).unwrap();
    std::fs::write(dir.path().join("none.txt"), "# public key: age1x\n").unwrap();
    for (vault, path, part) in [
        ("recipients = [\"age1x\"]\n".to_owned(), "recipients[0]", "\"age1x\" is not a recipient of age"),
        (
            format!("recipients = [\"{recipient}\", \"ssh-rsa A\"]\n"),
            "recipients[1]",
            "\"ssh-rsa A\" is a recipient of another",
        ),
        (format!("recipients = [\"{secret}\"]\n"), "recipients[0]", "is a secret key"),
        ("recipients = \"age1x\"\n".to_owned(), "recipients", "is not a list"),
        ("identity = \"missing.txt\"\n".to_owned(), "identity", "\"missing.txt\" cannot be read"),
        ("identity = \"bad.txt\"\n".to_owned(), "identity", "\"bad.txt\" has no identity of age in line 1"),
        ("identity = \"none.txt\"\n".to_owned(), "identity", "has no identity in it"),
        (format!("identity = \"{secret}\"\n"), "identity", "is the identity itself"),
        (format!("recipients = [\"{recipient}\"]\nauto_restore = true\n"), "auto_restore", "could bring nothing back"),
    ] {
        let errors = load(&vault).unwrap_err();
        let shown = format!("{errors} {errors:?}");
        assert!(shown.contains(&format!("vault.{path}: ")) && shown.contains(part), "{shown}");
        assert_eq!(errors.problems.len(), 1, "{errors}");
        assert!(!shown.contains(&secret[20..]), "i12: {shown}");
    }
    assert!(load(&format!("{both}auto_restore = true\n")).is_ok());
    let fenced = BASE.replace("[bucket]", "fence = \"postgres\"\nfence_on_conflict = \"restore\"\n[bucket]");
    let fenced =
        |vault: &str| Loader::new().file(dir.path().join("s3gc.toml"), format!("{fenced}[vault]\n{vault}")).load();
    let error = fenced(&format!("recipients = [\"{recipient}\"]\n")).unwrap_err().to_string();
    assert!(error.contains("vault.recipients: fence_on_conflict"), "{error}");
    assert!(fenced(&both).is_ok());
}

#[test]
fn the_store_copies_only_into_a_vault_where_it_can() {
    let at = |bucket: &str, vault: &str| {
        let text = BASE.replace("[bucket]\n", &format!("[bucket]\n{bucket}"));
        Loader::new().file("/etc/s3gc.toml", format!("{text}[vault]\n{vault}")).load()
    };
    let copy = "path = \"s3://vault\"\nstage = \"copy\"\ncopy_from = \"5 MiB\"\n";
    let config = at("", copy).unwrap_or_else(|errors| panic!("{errors}")).config;
    let copies = config.buckets[0].settings().copies.unwrap();
    assert_eq!((copies.min_bytes, copies.or_pack), (5 << 20, false));
    let auto = at("", "path = \"s3://vault\"\nstage = \"auto\"\n").unwrap().config;
    let copies = auto.buckets[0].settings().copies.unwrap();
    assert_eq!((copies.min_bytes, copies.or_pack), (64 << 20, true));
    assert_eq!(at("", "path = \"s3://vault\"\n").unwrap().config.buckets[0].settings().copies, None);
    let recipient = s3gc_vault::encryption::generate_identity(jiff::Timestamp::UNIX_EPOCH).1;
    for (bucket, vault, key, part) in [
        ("", "path = \"/v\"\nstage = \"copy\"\n".to_owned(), "stage", "wants a bucket and a vault in a bucket"),
        ("", "path = \"gs://v\"\nstage = \"auto\"\n".to_owned(), "stage", "on the server of the bucket"),
        ("", format!("{copy}endpoint = \"http://127.0.0.1:9000\"\n"), "stage", "is on another"),
        (
            "region = \"eu-west-1\"\n",
            format!("{copy}region = \"eu-west-2\"\n"),
            "stage",
            "eu-west-1, and s3://vault is in",
        ),
        ("", format!("{copy}recipients = [\"{recipient}\"]\n"), "stage", "unencrypted"),
        ("", format!("{copy}replica = \"/r\"\n"), "stage", "the replica wants each to be read"),
        ("", "copy_from = \"5 MiB\"\n".to_owned(), "copy_from", "only with stage"),
        (
            "",
            format!("{}copy_from = \"0 B\"\n", copy.replace("copy_from = \"5 MiB\"\n", "")),
            "copy_from",
            "nothing to be copied",
        ),
        ("", "stage = \"move\"\n".to_owned(), "stage", "\"move\""),
    ] {
        let error = at(bucket, &vault).unwrap_err().to_string();
        assert!(error.contains(&format!("vault.{key}: ")) && error.contains(part), "{error}");
    }
}
