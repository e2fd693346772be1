//! What must be true when everything that died was started again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use s3gc_s3_mem::Op;

use crate::place::{Place, Store};
use crate::world::{USERS, body, orphans};

/// Checks the end of a story in which these orphans were referenced again; restores everything at last.
pub(crate) async fn check(place: &mut Place, referenced: &[String], story: &str) {
    for user in 0..USERS {
        let key = format!("avatars/{user}.jpg");
        assert_eq!(place.read(&key), Some(body(&key).into_bytes()), "{story}: {key}");
    }
    let mut deleted: BTreeMap<String, usize> = BTreeMap::new();
    for entry in place.world.expect(0, &["audit", "ls", "--kind", "delete", "--json"]).await.json_lines() {
        *deleted.entry(entry["key"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    for key in orphans() {
        let is_back = referenced.contains(&key);
        assert_eq!(place.read(&key).is_some(), is_back, "{story}: {key}");
        let outcomes = deleted.remove(&key).unwrap_or_default();
        assert_eq!(outcomes, 1, "{story}: {key}");
    }
    assert_eq!(deleted, BTreeMap::new(), "{story}: nothing else was deleted");
    whole(place, story).await;
    once_per_look(place, referenced, story);
    let settled = place.count("SELECT count(*) FROM entry WHERE state = 'deleted'").await;
    assert_eq!(usize::try_from(settled).unwrap(), orphans().len() - referenced.len(), "{story}");
    place.run(&["restore", "--prefix", "avatars/"]).await;
    same(place, story);
}

/// Every orphan is back as it was.
pub(crate) fn same(place: &Place, story: &str) {
    for key in orphans() {
        assert_eq!(place.read(&key), Some(body(&key).into_bytes()), "{story}: {key} is back");
        if place.store != Store::Directory {
            let [headers, user, tags] = place.headers(&key);
            assert_eq!(headers.get("content-type").map(String::as_str), Some("image/jpeg"), "{story}: {key}");
            assert_eq!(user, BTreeMap::from([("camera".to_owned(), "box".to_owned())]), "{story}: {key}");
            assert_eq!(tags, BTreeMap::from([("team".to_owned(), "web".to_owned())]), "{story}: {key}");
        }
    }
}

/// Chain and vault are whole, nothing is unsettled, and nothing of a dead process lies about.
pub(crate) async fn whole(place: &Place, story: &str) {
    let world = &place.world;
    world.expect(0, &["audit", "verify"]).await;
    world.expect(0, &["vault", "verify", "--level", "full"]).await;
    let status = world.expect(0, &["status", "--json"]).await.json();
    assert_eq!(status["totals"]["unsettled"], 0, "{story}: {status}");
    assert!(status["lease"].is_null(), "{story}: {status}");
    for directory in ["state/vault/tmp~", "uploads/.s3gc/tmp", "uploads/.s3gc/trash"] {
        assert_eq!(files(&world.path(directory)), 0, "{story}: leftovers in {directory}");
    }
    let canaries = world.bucket().keys().into_iter().filter(|key| key.starts_with(".s3gc"));
    assert_eq!(canaries.count(), 0, "{story}: canaries");
}

fn files(directory: &Path) -> usize {
    std::fs::read_dir(directory).into_iter().flatten().count()
}

/// No process asks for a deletion of a key twice, and none without having read the object before.
fn once_per_look(place: &Place, referenced: &[String], story: &str) {
    let requests = place.world.server.requests();
    let ends = place.starts.iter().skip(1).copied().chain([requests.len()]);
    for (start, end) in place.starts.iter().zip(ends) {
        let (mut read, mut deleted) = (BTreeSet::new(), BTreeSet::new());
        for request in &requests[*start..end] {
            // A recovery that brings an object back may delete our own marker, which the log shows as any deletion.
            let is_ours = |key: &&String| key.starts_with("avatars/") && !referenced.contains(key);
            for key in request.keys.iter().filter(is_ours) {
                match request.op {
                    Op::GetObject | Op::UploadPartCopy => drop(read.insert(key)),
                    Op::DeleteObject | Op::DeleteObjects => {
                        assert!(read.contains(key), "{story}: {key} was deleted without a look");
                        assert!(deleted.insert(key), "{story}: {key} was deleted twice");
                    }
                    _ => {}
                }
            }
        }
    }
}
