//! The printed IAM policies, verbatim, on moto with its access control turned on.
//!
//! What moto 5.2 does not do as AWS does, by its source: it has no action for `?object-lock`, and asks for `s3:ListBucket`
//! there (`ACTION_MAP` in `moto/s3/responses.py`); it tells locks and legal holds to whoever may read; tags of an upload
//! need no `s3:PutObjectTagging`; and DeleteObjects is checked once, against the bucket and not its objects
//! (`_bucket_response_post`), so nobody who may only delete under a prefix can use it, and s3gc deletes one by one.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use s3gc_s3_mem::Op;
use s3gc_testkit::servers::{Skip, require};
use serde_json::{Value, json};

use super::{EXECUTE, PLAN};
use crate::world::{Done, World, body};

pub(super) type Keys = [String; 2];
type AsUser<'a> = Option<&'a Keys>;

const ORPHANS: [&str; 2] = ["avatars/gone-0.jpg", "avatars/gone-1.jpg"];
const PRIVATE: &str = "private/letter.txt";
const RESTORE: &[&str] = &["restore", "--prefix", "avatars/", "--json"];

/// Moto, and the program that it runs in.
pub(super) struct Iam {
    pub(super) endpoint: String,
    pipe: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    /// It ends when its pipe does.
    _program: Child,
}

impl Iam {
    pub(super) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Iam>> = OnceLock::new();
        SHARED.get_or_init(|| require(Self::start())).as_ref()
    }

    fn start() -> Result<Self, Skip> {
        let skip = |error: &dyn std::fmt::Display| Skip::new("moto", error);
        let mut program = Command::new("python3")
            .args(["-c", include_str!("iam.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| skip(&error))?;
        let mut pipe = (program.stdin.take().unwrap(), BufReader::new(program.stdout.take().unwrap()));
        let mut endpoint = String::new();
        pipe.1.read_line(&mut endpoint).map_err(|error| skip(&error))?;
        if endpoint.is_empty() {
            return Err(skip(&"moto, its server or boto3 is not installed"));
        }
        Ok(Self { endpoint: endpoint.trim().to_owned(), pipe: Mutex::new(pipe), _program: program })
    }

    pub(super) fn call(&self, user: AsUser<'_>, service: &str, call: &str, args: Value) -> Value {
        let mut pipe = self.pipe.lock().unwrap();
        let wanted = json!({ "as": user, "service": service, "call": call, "args": args });
        writeln!(pipe.0, "{wanted}").unwrap();
        let mut answer = String::new();
        pipe.1.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {wanted}: {answer:?}"))
    }

    /// Makes a user with these policies and no other right.
    pub(super) fn user(&self, policies: &[&Value]) -> Keys {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("user-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.call(None, "iam", "create_user", json!({ "UserName": name }));
        for (number, policy) in policies.iter().enumerate() {
            let document = policy.to_string();
            let args = json!({ "UserName": name, "PolicyName": format!("p{number}"), "PolicyDocument": document });
            assert!(self.call(None, "iam", "put_user_policy", args).get("error").is_none());
        }
        let key = &self.call(None, "iam", "create_access_key", json!({ "UserName": name }))["AccessKey"];
        [&key["AccessKeyId"], &key["SecretAccessKey"]].map(|text| text.as_str().unwrap().to_owned())
    }
}

/// A bucket of which one prefix is claimed, and what `--print-policy` says of it.
struct Place {
    iam: &'static Iam,
    bucket: String,
    world: World,
    scanner: Value,
    reaper: Value,
}

impl Place {
    async fn new(versioned: bool) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let iam = Iam::shared()?;
        let bucket = format!("photos-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let world = World::new().await;
        let text = format!(
            "[database]\nurl = \"sqlite:app.db\"\n[bucket]\nname = \"{bucket}\"\nregion = \"us-east-1\"\n\
             endpoint = \"{}\"\nprefixes = [\"avatars/\"]\nretention = \"0s\"\nretention_from = \"last_modified\"\n\
             [tables]\nusers = [\"avatar\"]\n[vault]\npath = \"state/vault\"\n[safety]\nallow_short_retention = true\n",
            iam.endpoint
        );
        std::fs::write(world.path("s3gc.toml"), text).unwrap();
        let policy = world.expect(0, &["check", "--print-policy", "--json"]).await.json();
        let [scanner, reaper] = ["scanner", "reaper"].map(|name| policy["buckets"][0][name].clone());
        let place = Self { iam, bucket, world, scanner, reaper };
        place.s3(None, "create_bucket", json!({}));
        if versioned {
            let enabled = json!({ "VersioningConfiguration": { "Status": "Enabled" } });
            place.s3(None, "put_bucket_versioning", enabled);
        }
        let referenced = (0..5).map(|user| format!("avatars/{user}.jpg"));
        for key in referenced.chain(ORPHANS.map(str::to_owned)).chain([PRIVATE.to_owned()]) {
            let args = json!({ "Key": key, "Body": body(&key), "ContentType": "image/jpeg", "Tagging": "team=web",
                "Metadata": { "camera": "box" } });
            assert!(place.s3(None, "put_object", args).get("error").is_none());
        }
        Some(place)
    }

    /// Calls S3 about this bucket.
    fn s3(&self, user: AsUser<'_>, call: &str, mut args: Value) -> Value {
        args["Bucket"] = self.bucket.clone().into();
        self.iam.call(user, "s3", call, args)
    }

    fn both(&self) -> Keys {
        self.iam.user(&[&self.scanner, &self.reaper])
    }

    /// Runs a command with the keys of a user.
    async fn s3gc(&self, user: &Keys, args: &[&str]) -> Done {
        let mut command = self.world.command(args);
        command.env("AWS_ACCESS_KEY_ID", &user[0]).env("AWS_SECRET_ACCESS_KEY", &user[1]);
        Done::of(command).await
    }

    async fn expect(&self, code: i32, user: &Keys, args: &[&str]) -> Done {
        let done = self.s3gc(user, args).await;
        assert_eq!(done.code, code, "{args:?} on {}: {done:?}", self.bucket);
        done
    }

    fn is_there(&self, key: &str) -> bool {
        let found = self.s3(None, "get_object", json!({ "Key": key }));
        found.get("error").is_none() && {
            assert_eq!(found["Body"], body(key));
            true
        }
    }

    fn assert_whole(&self) {
        for key in ORPHANS.iter().chain([&PRIVATE, &"avatars/0.jpg"]) {
            assert!(self.is_there(key), "{key} is gone from {}", self.bucket);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_a_scanner_plans_and_can_change_nothing() {
    for versioned in [false, true] {
        let Some(place) = Place::new(versioned).await else { return };
        let scanner = place.iam.user(&[&place.scanner]);
        place.expect(0, &scanner, &["check"]).await.says("can be listed and read");
        let plan = place.expect(0, &scanner, &["plan", "--json"]).await.json();
        assert_eq!(plan["counts"]["due"]["objects"], ORPHANS.len(), "{plan}");
        place.expect(0, &scanner, &["explain", ORPHANS[0]]).await;
        place.expect(0, &scanner, &["run", "--mode", "audit_only", "--yes"]).await;
        let run = place.expect(1, &scanner, EXECUTE).await;
        run.says("AccessDenied").says(".s3gc-probe/").says("s3gc check --print-policy");

        let key = |key: &str| json!({ "Key": key });
        for (call, args) in [
            ("delete_object", key(ORPHANS[0])),
            ("delete_object", json!({ "Key": ORPHANS[0], "VersionId": "null" })),
            ("delete_object", key(".s3gc-probe/x")),
            ("put_object", json!({ "Key": ORPHANS[0], "Body": "" })),
            ("put_object_tagging", json!({ "Key": ORPHANS[0], "Tagging": { "TagSet": [] } })),
            ("create_multipart_upload", key("avatars/new")),
            ("put_object", json!({ "Key": ".s3gc-probe/x", "Body": "" })),
            ("get_object", key(PRIVATE)),
            ("get_object_tagging", key(PRIVATE)),
            ("get_bucket_policy", json!({})),
            ("delete_bucket", json!({})),
        ] {
            assert_eq!(place.s3(Some(&scanner), call, args.clone())["error"], "AccessDenied", "{call} {args}");
        }
        let many = json!({ "Delete": { "Objects": [{ "Key": ORPHANS[0] }] } });
        let many = place.s3(Some(&scanner), "delete_objects", many);
        assert_eq!(many["Errors"][0]["Code"], "AccessDenied", "{many}");
        place.assert_whole();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_both_policies_together_delete_and_restore_and_reach_nothing_else() {
    for versioned in [false, true] {
        let Some(place) = Place::new(versioned).await else { return };
        let both = place.both();
        place.expect(0, &both, &["check", "--probe"]).await.says("If-Match on DeleteObject honoured");
        let report = place.expect(0, &both, EXECUTE).await.json();
        assert_eq!(report["sweep"]["deleted"]["objects"], ORPHANS.len(), "{report}");
        assert!(!ORPHANS.iter().any(|key| place.is_there(key)));
        let restored = place.expect(0, &both, RESTORE).await.json();
        assert_eq!(restored["restored"]["objects"], ORPHANS.len(), "{restored}");
        place.assert_whole();
        let found = place.s3(None, "get_object", json!({ "Key": ORPHANS[0] }));
        assert_eq!((&found["ContentType"], &found["Metadata"]["camera"]), (&"image/jpeg".into(), &"box".into()));
        let tags = place.s3(None, "get_object_tagging", json!({ "Key": ORPHANS[0] }));
        assert_eq!(tags["TagSet"], json!([{ "Key": "team", "Value": "web" }]));
        let canaries = place.s3(None, "list_object_versions", json!({ "Prefix": ".s3gc-probe/" }));
        assert!(canaries.get("Versions").is_none() && canaries.get("DeleteMarkers").is_none(), "{canaries}");

        for (call, args) in [
            ("get_object", json!({ "Key": PRIVATE })),
            ("delete_object", json!({ "Key": PRIVATE })),
            ("put_object", json!({ "Key": PRIVATE, "Body": "" })),
            // A prefix ends at its delimiter.
            ("put_object", json!({ "Key": "avatars2/x", "Body": "" })),
            ("put_bucket_versioning", json!({ "VersioningConfiguration": { "Status": "Suspended" } })),
            ("put_bucket_policy", json!({ "Policy": "{}" })),
            ("delete_bucket", json!({})),
        ] {
            assert_eq!(place.s3(Some(&both), call, args.clone())["error"], "AccessDenied", "{call} {args}");
        }
        // The reaper's document alone lists nothing, so it plans nothing.
        let reaper = place.iam.user(&[&place.reaper]);
        place.expect(1, &reaper, PLAN).await.says("AccessDenied");
    }
}

/// What cannot be done without an action.
enum Fails {
    /// A command ends with this code and says this; all objects stay.
    Run(&'static [&'static str], i32, &'static str),
    /// The restore of what was deleted fails, and says this; with the action it goes on.
    Restore(&'static str),
    /// On a bucket with versions the restore goes another way.
    Detour,
    /// Moto does not ask for it there; the source says who does.
    Unseen,
}

/// Every action of both documents, by its statement, and what fails without it.
const ACTIONS: &[(&str, &str, bool, Fails)] = &[
    ("S3gcList", "s3:ListBucket", false, Fails::Run(PLAN, 1, "ListObjectsV2")),
    ("S3gcList", "s3:GetBucketVersioning", false, Fails::Run(PLAN, 1, "GetBucketVersioning")),
    ("S3gcList", "s3:GetBucketObjectLockConfiguration", false, Fails::Unseen),
    // Who may not ask whether there are lists asks each object for its own.
    ("S3gcList", "s3:GetBucketOwnershipControls", false, Fails::Unseen),
    ("S3gcRead", "s3:GetObject", false, Fails::Run(EXECUTE, 3, "GetObject")),
    ("S3gcRead", "s3:GetObjectAcl", false, Fails::Run(EXECUTE, 3, "GetObjectAcl")),
    ("S3gcRead", "s3:GetObjectTagging", false, Fails::Run(EXECUTE, 3, "GetObjectTagging")),
    // Amazon S3 API Reference, GetObject: locks and holds are told to those alone who have these.
    ("S3gcRead", "s3:GetObjectRetention", false, Fails::Unseen),
    ("S3gcRead", "s3:GetObjectLegalHold", false, Fails::Unseen),
    ("S3gcVersions", "s3:ListBucketVersions", true, Fails::Run(EXECUTE, 5, "s3:ListBucketVersions")),
    ("S3gcProbe", "s3:PutObject", false, Fails::Run(EXECUTE, 1, "PutObject")),
    ("S3gcProbe", "s3:GetObject", false, Fails::Run(EXECUTE, 1, "HeadObject")),
    ("S3gcProbe", "s3:DeleteObject", false, Fails::Run(EXECUTE, 1, "DeleteObject")),
    ("S3gcProbe", "s3:DeleteObjectVersion", true, Fails::Run(EXECUTE, 5, "s3:DeleteObjectVersion")),
    ("S3gcDelete", "s3:DeleteObject", false, Fails::Run(EXECUTE, 3, "DeleteObject")),
    // Also to take a marker back under which an unseen version lies.
    ("S3gcDelete", "s3:DeleteObjectVersion", true, Fails::Detour),
    ("S3gcRestore", "s3:PutObject", false, Fails::Restore("PutObject")),
    // Amazon S3 API Reference, PutObject: "x-amz-grant-read", and "x-amz-tagging".
    ("S3gcRestore", "s3:PutObjectAcl", false, Fails::Unseen),
    ("S3gcRestore", "s3:PutObjectTagging", false, Fails::Unseen),
    // Only an upload in parts that fails is given up.
    ("S3gcRestore", "s3:AbortMultipartUpload", false, Fails::Unseen),
];

#[tokio::test(flavor = "multi_thread")]
async fn without_an_action_its_work_is_refused_and_nothing_is_lost() {
    let Some(place) = Place::new(false).await else { return };
    let printed: BTreeSet<(String, String)> = [&place.scanner, &place.reaper].into_iter().flat_map(pairs).collect();
    let known = ACTIONS.iter().map(|(sid, action, ..)| ((*sid).to_owned(), (*action).to_owned()));
    assert_eq!(printed, known.collect(), "what is printed and what is tried");

    let tries = ACTIONS.iter().filter(|(.., fails)| !matches!(fails, Fails::Unseen));
    futures::future::join_all(tries.map(|(sid, action, versioned, fails)| async move {
        let Some(place) = Place::new(*versioned).await else { return };
        let documents = [&place.scanner, &place.reaper].map(|document| without(document, sid, action));
        let (less, both) = (place.iam.user(&[&documents[0], &documents[1]]), place.both());
        let what = format!("without {action} of {sid}");
        match fails {
            Fails::Run(args, code, says) => {
                let done = place.s3gc(&less, args).await;
                assert_eq!(done.code, *code, "{what}: {done:?}");
                done.says(says);
                place.assert_whole();
                let report = place.expect(0, &both, EXECUTE).await.json();
                assert_eq!(report["sweep"]["deleted"]["objects"], ORPHANS.len(), "{what}: {report}");
                place.expect(0, &both, RESTORE).await;
            }
            Fails::Restore(says) => {
                place.expect(0, &less, EXECUTE).await;
                let done = place.s3gc(&less, RESTORE).await;
                assert_eq!(done.code, 1, "{what}: {done:?}");
                done.says(says).says("AccessDenied");
                assert!(!ORPHANS.iter().any(|key| place.is_there(key)), "{what}");
                place.expect(0, &both, RESTORE).await;
            }
            Fails::Detour => {
                place.expect(0, &less, EXECUTE).await;
                place.expect(0, &less, RESTORE).await.says("our delete marker could not be removed");
            }
            Fails::Unseen => {}
        }
        place.assert_whole();
    }))
    .await;
}

/// Moto tells holds to everybody, so here the server in memory plays who may not ask.
#[tokio::test(flavor = "multi_thread")]
async fn where_objects_may_be_locked_and_holds_cannot_be_asked_for_nothing_is_deleted() {
    for op in [Op::GetObjectLegalHold, Op::GetObjectRetention] {
        let world = World::new().await;
        world.bucket().set_object_lock(true);
        world.server.deny(op);
        let run = world.expect(3, EXECUTE).await;
        run.says("AccessDenied").says(&format!("{op:?}"));
        assert!(crate::world::orphans().iter().all(|key| world.bucket().object(key).is_some()), "{run:?}");
    }
    let world = World::new().await;
    world.bucket().set_object_lock(true);
    world.collect().await;
}

/// The statements and actions of a document.
pub(super) fn pairs(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let statements = document["Statement"].as_array().unwrap().iter();
    let of = |statement: &Value| {
        let actions = statement["Action"].as_array().unwrap().iter();
        actions.map(|action| (text(&statement["Sid"]), text(action))).collect::<Vec<_>>()
    };
    statements.flat_map(of).collect()
}

pub(super) fn without(document: &Value, sid: &str, action: &str) -> Value {
    let mut document = document.clone();
    for statement in document["Statement"].as_array_mut().unwrap() {
        if statement["Sid"] == sid {
            statement["Action"].as_array_mut().unwrap().retain(|other| other != action);
        }
    }
    // A statement without an action is none.
    document["Statement"].as_array_mut().unwrap().retain(|statement| statement["Action"] != json!([]));
    document
}
