//! Where the vault is.

use secrecy::ExposeSecret as _;

use super::super::{Config, ConfigErrors, Encryption, Loader, ObjectPlace, ObjectScheme, VaultPlace};
use super::{BASE, bucket, errors, from_environment, load};

fn with(vault: &str) -> String {
    format!("{BASE}[vault]\n{vault}\n")
}

fn object(text: &str) -> ObjectPlace {
    match bucket(text).vault.place {
        VaultPlace::Object(place) => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_vault_in_a_bucket_is_read_with_all_its_keys() {
    let place = object(&with(
        "path = \"s3://other-bucket/a/s3gc/\"\nregion = \"eu-west-1\"\nendpoint = \"https://minio.local:9000/\"\n\
         path_style = false\nstorage_class = \"STANDARD_IA\"\nencryption = \"aws:kms\"\nkms_key = \"alias/k\"\n\
         access_key_id = \"AKID\"\nsecret_access_key = \"very-secret\"\nsession_token = \"token-secret\"",
    ));
    assert_eq!(place.to_string(), "s3://other-bucket/a/s3gc");
    assert_eq!(
        (place.scheme, place.bucket.as_str(), place.prefix.as_str()),
        (ObjectScheme::S3, "other-bucket", "a/s3gc")
    );
    assert_eq!(
        (place.region.as_deref(), place.endpoint.as_deref()),
        (Some("eu-west-1"), Some("https://minio.local:9000"))
    );
    assert_eq!((place.path_style, place.storage_class.as_deref()), (Some(false), Some("STANDARD_IA")));
    assert_eq!(place.encryption, Some(Encryption::Kms(Some("alias/k".into()))));
    let keys = place.credentials.unwrap();
    assert_eq!((keys.access_key_id.as_str(), keys.secret_access_key.expose_secret()), ("AKID", "very-secret"));
    assert_eq!(keys.session_token.unwrap().expose_secret(), "token-secret");

    assert_eq!(object(&with("path = \"gs://b\"\nstorage_class = \"ARCHIVE\"")).to_string(), "gs://b");
    assert_eq!(object(&with("path = \"az://c/p\"\nendpoint = \"http://127.0.0.1:10000\"")).scheme, ObjectScheme::Az);
    assert_eq!(object(&with("path = \"s3://b/p\"\nencryption = \"AES256\"")).encryption, Some(Encryption::Aes256));
}

#[test]
fn the_catalog_of_a_vault_in_a_bucket_is_in_the_usual_place() {
    let bucket = bucket(&with("path = \"s3://b/p\""));
    assert_eq!(bucket.catalog.display().to_string(), "/var/lib/s3gc/catalog.db");
    assert_eq!(bucket.plan_dir.display().to_string(), "/var/lib/s3gc/plans");
}

#[test]
fn a_file_url_is_another_spelling_of_a_directory() {
    for (path, want) in [("file:///v/a", "/v/a"), ("file:///v/a%20b/", "/v/a b/"), ("file://localhost/v", "/v")] {
        let VaultPlace::Dir(dir) = bucket(&with(&format!("path = \"{path}\""))).vault.place else { panic!("{path}") };
        assert_eq!(dir.display().to_string(), want);
    }
    let error = errors(&with("path = \"file://v/a\"")).join("\n");
    assert!(error.contains("vault.path: \"file://v/a\" is not the address of a local directory"), "{error}");
}

#[test]
fn an_address_that_leads_nowhere_is_refused() {
    for (path, message) in [
        ("s3://", "names no bucket"),
        ("s3:///p", "names no bucket"),
        ("s3://b:1/p", "names no bucket"),
        ("s3://b/p?x=1", "prefix with other characters"),
        ("s3://b/a//b", "prefix with other characters"),
        ("s3://b/../c", "prefix with other characters"),
        ("s3://key@b/p", "more before its bucket than the scheme"),
        ("http://b/p", "is no place for a vault"),
        ("S3://b/p", "is no place for a vault"),
    ] {
        let told = errors(&with(&format!("path = \"{path}\"\nregion = \"x\"")));
        assert!(told.len() == 1 && told[0].contains(message), "{path}: {told:?}");
    }
}

#[test]
fn a_key_that_would_be_ignored_is_an_error() {
    for key in [
        "region = \"x\"",
        "endpoint = \"https://h\"",
        "path_style = true",
        "storage_class = \"STANDARD_IA\"",
        "encryption = \"AES256\"",
        "kms_key = \"k\"",
        "access_key_id = \"a\"",
        "secret_access_key = \"hunter2\"",
        "session_token = \"hunter2\"",
    ] {
        let name = key.split(' ').next().unwrap();
        let is_told = |text: &str, says: &str| {
            let told = errors(&with(text)).join("\n");
            assert!(told.contains(&format!("vault.{name}: {says}")) && !told.contains("hunter2"), "{told}");
        };
        is_told(key, "a vault in a local directory has none");
        is_told(&format!("path = \"file:///v\"\n{key}"), "a vault in a local directory has none");
        if !matches!(name, "endpoint" | "storage_class") {
            is_told(&format!("path = \"gs://b/p\"\n{key}"), "a vault at gs:// has none");
            is_told(&format!("path = \"az://b/p\"\n{key}"), "a vault at az:// has none");
        }
    }
    for (keys, message) in [
        ("kms_key = \"k\"", "vault.kms_key: only the encryption with KMS"),
        ("encryption = \"AES256\"\nkms_key = \"k\"", "vault.kms_key: only the encryption with KMS"),
        ("encryption = \"none\"", "vault.encryption: \"none\" is not one of \"AES256\", \"aws:kms\""),
        ("access_key_id = \"a\"", "vault.access_key_id: there is no secret_access_key to it"),
        ("secret_access_key = \"hunter2\"", "vault.secret_access_key: there is no access_key_id to it"),
        ("session_token = \"hunter2\"", "vault.session_token: there is no access_key_id to it"),
        ("storage_class = \"GLACIER\"", "vault.storage_class: \"GLACIER\" cannot be read at once"),
        ("storage_class = \"a b\"", "is not a storage class"),
        ("endpoint = \"localhost\"", "is not the address of a server"),
        ("path_style = 3", "vault.path_style: 3 is neither true nor false"),
    ] {
        let told = errors(&with(&format!("path = \"s3://b/p\"\n{keys}"))).join("\n");
        assert!(told.contains(message) && !told.contains("hunter2"), "{message}: {told}");
    }
    let archive = errors(&with("path = \"az://b/p\"\nstorage_class = \"Archive\"")).join("\n");
    assert!(archive.contains("cannot be read at once"), "{archive}");
}

#[test]
fn i12_the_keys_of_a_vault_are_never_shown() {
    let keys =
        "path = \"s3://b/p\"\naccess_key_id = \"AKID\"\nsecret_access_key = \"hunter2\"\nsession_token = \"hunter2t\"";
    let loaded = load(&with(keys)).unwrap();
    let resolved = serde_json::to_string(&loaded.resolved).unwrap();
    assert!(resolved.contains("vault.secret_access_key") && resolved.contains("[redacted]"), "{resolved}");
    let mut shown = vec![resolved, format!("{loaded:?}")];
    for text in [
        "path = \"s3://b/p\"\naccess_key_id = \"AKID\"\nsecret_access_key = [\"hunter2\"]",
        "path = \"s3://b/p\"\naccess_key_id = 3\nsecret_access_key = \"hunter2\"",
        "path = \"s3://hunter2:hunter2@b/p\"",
        "path = \"nowhere://hunter2:hunter2@b/p\"",
    ] {
        let errors: ConfigErrors = load(&with(text)).expect_err(text);
        shown.push(format!("{errors} {errors:?}"));
    }
    let variables = [("KEY", "hunter2"), ("AKID", "a")];
    let text =
        with("path = \"s3://b/p\"\naccess_key_id = \"${AKID}\"\nsecret_access_key = \"${KEY}\"\nsession_token = 12345");
    let errors = Loader::new().file("/f", text).environment(variables).load().unwrap_err();
    shown.push(format!("{errors} {errors:?}"));
    for text in shown {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(!format!("{errors}").contains("12345"), "{errors}");
}

#[test]
fn the_environment_alone_can_name_a_vault_in_a_bucket() {
    let base = [("DATABASE_URL", "postgres://app@db/app"), ("S3_BUCKET", "photos"), ("S3GC_TABLES", "users.avatar")];
    let vault = |more: &[(&str, &str)]| {
        let loaded =
            from_environment(&[&base[..], &[("S3GC_VAULT_PATH", "s3://backups/s3gc")], more].concat()).unwrap();
        match loaded.config.buckets[0].vault.place.clone() {
            VaultPlace::Object(place) => (place.region, place.endpoint),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(vault(&[]), (None, None));
    let local = "http://localhost:9000";
    let server = [("AWS_REGION", "gra"), ("AWS_ENDPOINT_URL", "https://elsewhere"), ("AWS_ENDPOINT_URL_S3", local)];
    assert_eq!(vault(&server), (Some("gra".into()), Some(local.into())));
    // They are other programs' too: the file knows better, and a directory has no use for them.
    let load = |text: &str| Loader::new().file("/f", text).environment(server).load().map(|loaded| loaded.config);
    let written = load(&with("path = \"s3://backups/s3gc\"\nendpoint = \"https://b2\"\nregion = \"us\"")).unwrap();
    let VaultPlace::Object(place) = &written.buckets[0].vault.place else { panic!("{written:?}") };
    assert_eq!((place.region.as_deref(), place.endpoint.as_deref()), (Some("us"), Some("https://b2")));
    assert!(load(&with("path = \"/v\"")).is_ok());
    assert!(load(&with("path = \"gs://b/p\"")).is_ok());
}

#[test]
fn a_vault_inside_of_what_is_collected_is_refused() {
    let text = |bucket: &str, vault: &str| {
        BASE.replace("name = \"photos\"", &format!("name = \"photos\"\n{bucket}")) + &format!("[vault]\n{vault}\n")
    };
    let local = "endpoint = \"http://127.0.0.1:9000\"";
    for (bucket, vault) in [
        ("", "path = \"s3://photos/s3gc\""),
        ("", "path = \"s3://photos\""),
        ("prefixes = [\"a/\"]", "path = \"s3://photos/a\""),
        ("prefixes = [\"a/\"]", "path = \"s3://photos/a/b\""),
        ("prefixes = [\"a/b/\"]", "path = \"s3://photos/a\""),
        ("prefixes = [\"a/\"]", "path = \"s3://photos\""),
        ("exclude_prefixes = [\"s3gc/packs/\"]", "path = \"s3://photos/s3gc\""),
        ("exclude_prefixes = [\"s3gc2/\"]", "path = \"s3://photos/s3gc\""),
        (local, "path = \"s3://photos/s3gc\"\nendpoint = \"http://localhost:9000\""),
        ("endpoint = \"https://h\"", "path = \"s3://photos/s3gc\"\nendpoint = \"https://H:443\""),
        ("endpoint = \"https://s3.eu-west-1.amazonaws.com\"", "path = \"s3://photos/s3gc\""),
        ("endpoint = \"https://storage.googleapis.com\"", "path = \"gs://photos/s3gc\""),
    ] {
        let told = errors(&text(bucket, vault)).join("\n");
        assert!(told.contains("is inside of what is collected from the bucket photos"), "{bucket} {vault}: {told}");
        assert!(told.contains("another bucket"), "{told}");
    }
    for (bucket, vault) in [
        ("", "path = \"s3://other/s3gc\""),
        ("prefixes = [\"a/\"]", "path = \"s3://photos/b\""),
        ("prefixes = [\"a/\"]", "path = \"s3://photos/ab\""),
        ("exclude_prefixes = [\"s3gc/\"]", "path = \"s3://photos/s3gc\""),
        ("exclude_prefixes = [\"s3gc/\"]", "path = \"s3://photos/s3gc/deeper\""),
        ("prefixes = [\"a/\"]\nexclude_prefixes = [\"a/s3gc/\"]", "path = \"s3://photos/a/s3gc\""),
        ("prefixes = [\"a/b/\"]\nexclude_prefixes = [\"a/\"]", "path = \"s3://photos/a\""),
        (local, "path = \"s3://photos/s3gc\""),
        (local, "path = \"s3://photos/s3gc\"\nendpoint = \"http://127.0.0.1:9001\""),
        ("", "path = \"gs://photos/s3gc\""),
        ("", "path = \"az://photos/s3gc\""),
    ] {
        if let Err(errors) = load(&text(bucket, vault)) {
            panic!("{bucket} {vault}: {errors}");
        }
    }
}

#[test]
fn no_vault_may_lie_in_any_other_bucket_or_directory() {
    let text = |vault: &str, more: &str| {
        format!(
            "[databases.main]\nurl = \"sqlite:/app.db\"\n[tables]\nusers = [\"avatar\"]\n[[buckets]]\nname = \"eu\"\n\
             [buckets.vault]\npath = \"{vault}\"\n[[buckets]]\n{more}\n[buckets.vault]\npath = \"/v/us\"\n"
        )
    };
    for (vault, more) in [
        ("s3://us/s3gc", "name = \"us\""),
        ("file:///srv/uploads/vault", "path = \"/srv/uploads\""),
        ("/srv", "path = \"/srv/uploads\""),
    ] {
        let told = errors(&text(vault, more)).join("\n");
        assert!(told.contains("the vault of eu"), "{vault}: {told}");
    }
    assert!(load(&text("s3://us/s3gc", "name = \"us\"\nexclude_prefixes = [\"s3gc/\"]")).is_ok());
}

#[test]
fn the_builder_makes_a_vault_in_a_bucket() {
    let config = Config::builder("photos")
        .database_url("postgres://app@db/app")
        .table("users", ["avatar_url"])
        .vault_path("s3://other-bucket/s3gc")
        .vault_region("eu-west-1")
        .vault_endpoint("https://minio.local")
        .vault_path_style(false)
        .vault_storage_class("STANDARD_IA")
        .vault_encryption(Encryption::Kms(Some("k".into())))
        .vault_credentials("AKID", "hunter2", Some("hunter2".into()))
        .build()
        .unwrap();
    let file = bucket(&with(
        "path = \"s3://other-bucket/s3gc\"\nregion = \"eu-west-1\"\nendpoint = \"https://minio.local\"\n\
         path_style = false\nstorage_class = \"STANDARD_IA\"\nencryption = \"aws:kms\"\nkms_key = \"k\"\n\
         access_key_id = \"AKID\"\nsecret_access_key = \"hunter2\"\nsession_token = \"hunter2\"",
    ));
    assert_eq!(format!("{:?}", config.buckets[0]), format!("{file:?}"));
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_replica_is_an_address_or_a_table() {
    let config = bucket(&with("path = \"/v\"\nreplica = \"s3://other/copies\""));
    assert_eq!(config.vault.replica.unwrap().to_string(), "s3://other/copies");
    let table = "[vault.replica]\npath = \"s3://other/copies\"\nregion = \"eu-west-1\"\nstorage_class = \"GLACIER_IR\"";
    let config = bucket(&with(&format!("path = \"/v\"\n{table}")));
    let Some(VaultPlace::Object(place)) = config.vault.replica else { panic!("{:?}", config.vault.replica) };
    assert_eq!((place.region.as_deref(), place.storage_class.as_deref()), (Some("eu-west-1"), Some("GLACIER_IR")));
    assert!(bucket(BASE).vault.replica.is_none());
}

#[test]
fn a_replica_that_is_none_is_refused() {
    for (vault, want) in [
        ("path = \"/v\"\nreplica = \"/v\"", "are one place"),
        ("path = \"/v\"\nreplica = \"/v/copies\"", "are one place"),
        ("path = \"s3://b/a\"\nreplica = \"s3://b/a/c\"", "are one place"),
        ("path = \"s3://b/a\"\nreplica = \"s3://b\"", "are one place"),
        ("path = \"/v\"\n[vault.replica]\nregion = \"eu-west-1\"", "vault.replica.path: is missing"),
        (
            "path = \"/v\"\n[vault.replica]\npath = \"/w\"\nregion = \"eu-west-1\"",
            "a vault in a local directory has none",
        ),
        ("path = \"/v\"\n[vault.replica]\npath = \"/w\"\nkeep_days = 3", "unknown key"),
        ("path = \"/v\"\nreplica = \"ftp://x\"", "is no place for a vault"),
        ("path = \"/v\"\nreplica = \"s3://photos/v\"", "its packs would be garbage"),
    ] {
        let errors = errors(&with(vault)).join("\n");
        assert!(errors.contains(want), "{vault}: {errors}");
    }
    assert!(bucket(&with("path = \"s3://b/a\"\nreplica = \"s3://b/ab\"")).vault.replica.is_some());
}
