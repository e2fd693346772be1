//! What is printed holds no secret, and allows nothing beyond what is claimed.

use serde_json::Value;

use crate::world::World;

const SECRET: &str = "hunter2";

/// Whoever holds the printed documents has no way to what the configuration keeps secret: there is none in them, and none
/// of the services that keep secrets is named.
#[tokio::test(flavor = "multi_thread")]
async fn i12_the_policy_of_several_buckets_and_databases_holds_no_secret_and_no_wildcard() {
    let world = World::new().await;
    let text = format!(
        "[databases.main]\nurl = \"postgres://app:{SECRET}@db/shop?password={SECRET}\"\nfence = \"postgres\"\n\
         [databases.blog]\nurl = \"mysql://blog:{SECRET}@db/blog\"\n\
         [databases.env]\nurl = \"${{DATABASE_URL}}\"\n\
         [vault]\npath = \"vault\"\n\
         [[buckets]]\nname = \"photos\"\nregion = \"cn-north-1\"\nprefixes = [\"uploads/\", \"a*b/\"]\ndatabase = [\"main\", \"env\"]\n\
         references = [{{ table = \"users\", column = \"avatar\", database = \"main\" }}, \
         {{ table = \"t\", column = \"c\", database = \"env\" }}]\n\
         [[buckets]]\nname = \"pages\"\nregion = \"eu-west-1\"\ndatabase = \"blog\"\n\
         references = [{{ table = \"posts\", column = \"image\" }}]\n"
    );
    std::fs::write(world.path("s3gc.toml"), text).unwrap();
    let mut shown = Vec::new();
    for args in [&["check", "--print-policy"][..], &["check", "--print-policy", "--json"]] {
        let mut command = world.command(args);
        command.env("DATABASE_URL", format!("postgres://env:{SECRET}@db/env"));
        command.env("AWS_SECRET_ACCESS_KEY", format!("{SECRET}-aws")).env("AWS_SESSION_TOKEN", SECRET);
        let done = crate::world::Done::of(command).await;
        assert_eq!(done.code, 0, "{done:?}");
        assert!(!done.stdout.contains(SECRET) && !done.stderr.contains(SECRET), "{done:?}");
        shown.push(done);
    }
    let policy = shown[1].json();
    let databases: Vec<&str> =
        policy["databases"].as_array().unwrap().iter().map(|d| d["database"].as_str().unwrap()).collect();
    assert_eq!(databases, ["blog", "env", "main"], "{policy}");
    assert_eq!(
        (policy["databases"][0].get("fence"), policy["databases"][2]["fence"].as_array().unwrap().len()),
        (None, 4)
    );

    for (bucket, claimed) in [
        (0, &["arn:aws-cn:s3:::photos/uploads/*", "arn:aws-cn:s3:::photos/a${*}b/*"][..]),
        (1, &["arn:aws:s3:::pages/*"]),
    ] {
        let name = policy["buckets"][bucket]["bucket"].as_str().unwrap();
        let arn = claimed[0].split('/').next().unwrap();
        let probe = format!("{arn}/.s3gc-probe/*");
        for role in ["scanner", "reaper"] {
            for statement in policy["buckets"][bucket][role]["Statement"].as_array().unwrap() {
                assert_eq!(statement["Effect"], "Allow");
                let mut actions: Vec<&str> = texts(&statement["Action"]);
                actions.sort_unstable();
                for action in &actions {
                    assert!(action.starts_with("s3:") && !action.contains('*'), "{name} {role}: {action}");
                    let writes = ["Put", "Delete", "Abort"].iter().any(|word| action.contains(word));
                    assert!(role == "reaper" || !writes, "a scanner may {action}");
                    let configures =
                        action.contains("Bucket") && !action.starts_with("s3:Get") && !action.starts_with("s3:List");
                    assert!(!configures, "{name} {role}: {action}");
                }
                for resource in texts(&statement["Resource"]) {
                    let known = claimed.contains(&resource) || resource == arn || resource == probe;
                    assert!(known, "{name} {role}: {resource}");
                    // What is of the whole bucket only reads.
                    assert!(
                        resource != arn || actions.iter().all(|a| a.contains("List") || a.contains("Get")),
                        "{actions:?}"
                    );
                }
            }
        }
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}
