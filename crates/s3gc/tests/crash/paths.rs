//! Keys that mean to leave the directory that they are restored to.

use std::collections::BTreeSet;
use std::path::Path;

use s3gc_s3_mem::PutSpec;

use crate::place::{EXECUTE, Place, Store};
use crate::world::days_ago;

fn below(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            below(&path, found);
        } else {
            found.insert(path.display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_hostile_keys_go_through_vault_and_bucket_and_never_out_of_a_directory() {
    let mut place = Place::new(Store::Bucket).await;
    place.world.configure("[safety]\nmax_delete = \"100%\"");
    let name = format!("escape-{}", std::process::id());
    let refused = [
        format!("../{name}"),
        format!("../../{name}"),
        format!("/{name}"),
        format!("a/../../{name}"),
        format!("a//{name}"),
        format!("a/./{name}"),
        format!("link/{name}"),
        format!("nul\0{name}"),
        format!("{name}{}", "x".repeat(1000 - name.len())),
        format!("{name}/"),
    ];
    let harmless = [format!("..\\..\\{name}"), format!("{name}..."), format!("C:{name}. "), format!("%2e%2e%2f{name}")];
    let old = PutSpec::default().last_modified(days_ago(30));
    let reserved = format!(".s3gc/{name}");
    for key in refused.iter().chain(&harmless).chain([&reserved]) {
        place.world.bucket().put(key, key.clone(), old.clone());
    }
    place.run(EXECUTE).await;
    let left: Vec<_> = place.world.bucket().keys().into_iter().filter(|key| key.contains(&name)).collect();
    assert_eq!(left, [reserved], "each other is a key like any, and was backed up and deleted");

    let (out, elsewhere) = (place.world.path("out"), place.world.path("elsewhere"));
    std::fs::create_dir_all(&out).unwrap();
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, out.join("link")).unwrap();
    let restore = ["restore", "--since", "2020-01-01", "--to", "out", "--json"];
    let report = place.world.expect(3, &restore).await.json();
    let failed: BTreeSet<&str> = report["objects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|object| object["outcome"]["outcome"] == "failed")
        .map(|object| object["key"].as_str().unwrap())
        .collect();
    assert_eq!(failed, refused.iter().map(String::as_str).collect(), "{report}");
    for key in &harmless {
        assert_eq!(std::fs::read_to_string(out.join(key)).unwrap(), *key);
    }
    let mut found = BTreeSet::new();
    below(&place.world.path("."), &mut found);
    found.retain(|path| path.contains(&name) && !path.contains("/./out/"));
    assert_eq!(found, BTreeSet::new());
    for above in [place.world.path(".."), "/".into()] {
        assert!(!above.join(&name).exists(), "{name} in {}", above.display());
    }

    place.run(&["restore", "--since", "2020-01-01"]).await;
    for key in refused.iter().chain(&harmless) {
        assert_eq!(place.read(key), Some(key.clone().into_bytes()), "{key:?} is back in the bucket");
    }
}
