//! The printed policies of a vault's bucket, verbatim, on moto with its access control turned on.
//!
//! What moto does not do as AWS does: it answers HEAD of a missing object with 404 to who may not list, too.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::EXECUTE;
use super::iam::{Iam, Keys, pairs, without};
use crate::world::{Done, ORPHANS, World, orphans};

/// A world whose vault is in a bucket of moto, and what `--print-policy` says of that.
struct Place {
    iam: &'static Iam,
    bucket: String,
    world: World,
    writer: Value,
    prune: Value,
}

impl Place {
    async fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let iam = Iam::shared()?;
        let bucket = format!("vault-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let world = World::new().await;
        let vault = format!(
            "path = \"s3://{bucket}/s3gc\"\nendpoint = \"{}\"\naccess_key_id = \"${{VAULT_KEY}}\"\n\
             secret_access_key = \"${{VAULT_SECRET}}\"\n[catalog]\npath = \"state/catalog.db\"\n",
            iam.endpoint
        );
        std::fs::write(world.path("s3gc.toml"), world.configuration().replace("path = \"state/vault\"", &vault))
            .unwrap();
        std::fs::create_dir(world.path("state")).unwrap();
        let mut place = Self { iam, bucket, world, writer: Value::Null, prune: Value::Null };
        let nobody = ["nobody".to_owned(), "nothing-hunter2".to_owned()];
        let printed = place.s3gc(&nobody, &["check", "--print-policy", "--json"]).await;
        assert!(printed.code == 0 && !printed.stdout.contains("hunter2"), "{printed:?}");
        let policy = printed.json()["buckets"][0]["vault"].clone();
        place.writer = policy["writer"].clone();
        place.prune = policy["prune"].clone();
        place.s3(None, "create_bucket", json!({}));
        place.s3(None, "put_object", json!({ "Key": "s3gc2/letter", "Body": "private" }));
        Some(place)
    }

    fn s3(&self, user: Option<&Keys>, call: &str, mut args: Value) -> Value {
        args["Bucket"] = self.bucket.clone().into();
        self.iam.call(user, "s3", call, args)
    }

    async fn s3gc(&self, user: &Keys, args: &[&str]) -> Done {
        let mut command = self.world.command(args);
        command.env("VAULT_KEY", &user[0]).env("VAULT_SECRET", &user[1]);
        Done::of(command).await
    }

    async fn expect(&self, code: i32, user: &Keys, args: &[&str]) -> Done {
        let done = self.s3gc(user, args).await;
        assert_eq!(done.code, code, "{args:?} with {}: {done:?}", self.bucket);
        done
    }

    /// The keys of the vault's objects under this prefix.
    fn keys(&self, prefix: &str) -> Vec<String> {
        let listed = self.s3(None, "list_objects_v2", json!({ "Prefix": prefix }));
        let all = listed["Contents"].as_array().cloned().unwrap_or_default();
        all.iter().map(|object| object["Key"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_the_writer_of_a_vault_keeps_and_gives_back_and_can_delete_nothing() {
    let Some(place) = Place::new().await else { return };
    let writer = place.iam.user(&[&place.writer]);
    place.expect(0, &writer, &["check", "--probe"]).await.says("it has a lease");
    let report = place.expect(0, &writer, EXECUTE).await.json();
    assert_eq!(report["sweep"]["deleted"]["objects"], ORPHANS, "{report}");
    place.expect(0, &writer, &["vault", "verify", "--level", "full"]).await.says("all is well");
    place.expect(0, &writer, &["restore", "--prefix", "avatars/"]).await;
    assert!(orphans().iter().all(|key| place.world.bucket().object(key).is_some()));

    let (pack, record) = (place.keys("s3gc/packs/").remove(0), place.keys("s3gc/leases~/").remove(0));
    for (call, args) in [
        ("delete_object", json!({ "Key": pack })),
        ("delete_object", json!({ "Key": record })),
        ("get_object", json!({ "Key": "s3gc2/letter" })),
        ("put_object", json!({ "Key": "s3gc2/letter", "Body": "" })),
        ("put_bucket_versioning", json!({ "VersioningConfiguration": { "Status": "Suspended" } })),
        ("delete_bucket", json!({})),
    ] {
        assert_eq!(place.s3(Some(&writer), call, args.clone())["error"], "AccessDenied", "{call} {args}");
    }
    let pruner = place.iam.user(&[&place.writer, &place.prune]);
    for key in [&record, "s3gc2/letter"] {
        assert_eq!(place.s3(Some(&pruner), "delete_object", json!({ "Key": key }))["error"], "AccessDenied", "{key}");
    }
    assert!(place.s3(Some(&pruner), "delete_object", json!({ "Key": pack })).get("error").is_none());
    assert!(place.keys("s3gc/packs/").is_empty());
}

/// The command that fails, and with which code.
type Fails = Option<(&'static [&'static str], i32)>;

/// Every action of the writer, and the command that fails without it. An upload in parts that fails is given up by the
/// last one alone.
const ACTIONS: &[(&str, &str, Fails)] = &[
    ("S3gcVaultList", "s3:ListBucket", Some((&["check"], 6))),
    ("S3gcVaultWrite", "s3:GetObject", Some((EXECUTE, 1))),
    ("S3gcVaultWrite", "s3:PutObject", Some((EXECUTE, 1))),
    ("S3gcVaultWrite", "s3:AbortMultipartUpload", None),
];

#[tokio::test(flavor = "multi_thread")]
async fn without_an_action_on_the_vault_nothing_is_deleted() {
    let Some(place) = Place::new().await else { return };
    let known: BTreeSet<(String, String)> =
        ACTIONS.iter().map(|(sid, action, _)| ((*sid).to_owned(), (*action).to_owned())).collect();
    assert_eq!(pairs(&place.writer).into_iter().collect::<BTreeSet<_>>(), known, "what is printed and what is tried");
    assert_eq!(pairs(&place.prune), [("S3gcVaultPrune".to_owned(), "s3:DeleteObject".to_owned())]);
    for (sid, action, fails) in ACTIONS {
        let Some((args, code)) = fails else { continue };
        let Some(place) = Place::new().await else { return };
        let less = place.iam.user(&[&without(&place.writer, sid, action)]);
        let done = place.s3gc(&less, args).await;
        assert_eq!(done.code, *code, "without {action}: {done:?}");
        done.says("AccessDenied");
        assert!(orphans().iter().all(|key| place.world.bucket().object(key).is_some()), "without {action}");
        let writer = place.iam.user(&[&place.writer]);
        let report = place.expect(0, &writer, EXECUTE).await.json();
        assert_eq!(report["sweep"]["deleted"]["objects"], ORPHANS, "after {action}: {report}");
    }
}
