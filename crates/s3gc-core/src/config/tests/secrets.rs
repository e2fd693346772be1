//! No secret reaches a message, a log or a report.

use super::super::{Config, Loader};
use super::{BASE, ENVIRONMENT, from_environment, load};

#[test]
fn i12_no_secret_reaches_debug_or_an_error() {
    const PASSWORD: &str = "hunter2";
    let loader = Loader::new().environment(ENVIRONMENT).set("database.url", "postgres://app:hunter2@db/app");
    let loaded = loader.clone().load().unwrap();
    let builder = Config::builder("photos").database_url("postgres://app:hunter2@db/app?password=hunter2");
    let mut shown = vec![
        format!("{loader:?} {loaded:?} {builder:?}"),
        serde_json::to_string(&loaded.resolved).unwrap(),
        loaded.config.buckets[0].widening().to_string(),
    ];
    for url in [
        "postgres://app:hunter2@db:port/app",
        "postgres:/app:hunter2@db/app",
        "postgres://app:hun#ter2hunter2@db/app",
        "app:hunter2@db/app",
        "oracle://app:hunter2@db/app",
        "host=db password=hunter2",
    ] {
        for text in [
            BASE.replace("postgres://app@db/app", url),
            BASE.replace("photos", url),
            format!("{BASE}[vault]\nkeep_days = \"{url}\"\n"),
        ] {
            let errors = load(&text).expect_err(&text);
            shown.push(format!("{errors} {errors:?}"));
        }
        let errors = from_environment(&[("DATABASE_URL", &format!("bad {url}")), ("S3GC_MODE", url)]).unwrap_err();
        shown.push(format!("{errors} {errors:?}"));
        let file = BASE
            .replace("postgres://app@db/app", "bad ${URL}")
            .replace("[tables]", "retention_days = \"${URL}\"\n[tables]");
        let errors = Loader::new().file("/f", file).environment([("URL", url)]).load().unwrap_err();
        shown.push(format!("{errors} {errors:?}"));
    }
    for text in shown {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}
