//! A prune is killed: nothing claims a copy that is gone, and the next call finishes what was begun, or takes it back.

use s3gc_failpoint::Point;
use serde_json::Value;

use crate::check::{same, whole};
use crate::place::{EXECUTE, Place, Store};
use crate::world::{ORPHANS, orphans};

const PRUNE: &[&str] = &["vault", "prune", "--json"];
const RESTORE: &[&str] = &["restore", "--prefix", "avatars/"];

impl Place {
    /// Deletes what is due, as if that had been long ago.
    async fn prepare(&mut self) {
        let path = self.world.path("s3gc.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("mode = \"execute\"\n{text}")).unwrap();
        self.run(EXECUTE).await;
        self.world.age_packs().await;
    }

    /// Prunes; tells what became of the only pack.
    async fn prune(&mut self) -> Value {
        let report: Value = serde_json::from_str(&self.run(PRUNE).await).unwrap();
        let packs = report["packs"].as_array().unwrap();
        assert!(packs.len() <= 1, "{report}");
        packs.first().map(|pack| pack["outcome"].clone()).unwrap_or_default()
    }

    async fn hold(&mut self) {
        self.run(&["hold", "add", "avatars/*", "--reason", "court"]).await;
    }
}

pub(crate) async fn tell(mut place: Place, point: Point, story: &str) {
    place.prepare().await;
    if point == Point::PruneMarked {
        place.kill(PRUNE, point).await;
        sound(&place, story).await;
        assert_eq!(place.prune().await, "waiting", "{story}: the mark is durable");
    } else {
        assert_eq!(place.prune().await, "marked", "{story}");
    }
    match point {
        Point::PruneUnmarked => {
            place.hold().await;
            place.kill(PRUNE, point).await;
            place.run(&["hold", "rm", "1"]).await;
            assert_eq!(place.prune().await, "marked", "{story}: its day begins anew");
        }
        Point::PruneUndone => {
            place.world.age_marks().await;
            place.kill(PRUNE, Point::PruneRemembered).await;
            sound(&place, story).await;
            place.hold().await;
            place.kill(PRUNE, point).await;
            sound(&place, story).await;
            assert_eq!(place.prune().await, "kept", "{story}");
            place.run(RESTORE).await;
            same(&place, story);
            return whole(&place, story).await;
        }
        Point::PruneMarked => {}
        _ => {
            place.world.age_marks().await;
            place.kill(PRUNE, point).await;
            sound(&place, story).await;
        }
    }
    place.world.age_marks().await;
    let expected = if point == Point::PruneRecorded { Value::Null } else { "removed".into() };
    assert_eq!(place.prune().await, expected, "{story}");
    sound(&place, story).await;
    assert_eq!(place.count("SELECT count(*) FROM pack WHERE state = 'pruned'").await, 1, "{story}");
    let removals = "SELECT count(*) FROM audit WHERE kind IN ('prune', 'pruned')";
    assert_eq!(place.count(removals).await, 2, "{story}: written down once, before and after");
    assert_eq!(place.prune().await, Value::Null, "{story}: there is nothing left");
    whole(&place, story).await;
    let restored = place.world.s3gc(RESTORE).await;
    if place.store == Store::Versioned {
        // The object still lies under its delete marker.
        assert_eq!(restored.code, 0, "{story}: {restored:?}");
        same(&place, story);
    } else {
        assert_eq!(restored.code, 1, "{story}: {restored:?}");
        restored.says("5 pruned from the vault before");
    }
}

/// What the catalog claims is there, and what it does not claim is offered nowhere.
async fn sound(place: &Place, story: &str) {
    let world = &place.world;
    world.expect(0, &["audit", "verify"]).await;
    world.expect(0, &["vault", "verify", "--level", "full"]).await;
    let reindexed = world.expect(0, &["vault", "reindex", "--json"]).await.json();
    assert_eq!(reindexed["adopted"], 0, "{story}: {reindexed}");
    let listed = world.expect(0, &["vault", "ls", "--json"]).await.json_lines();
    assert!([0, ORPHANS].contains(&listed.len()), "{story}: {listed:?}");
    let is_there = !listed.is_empty();
    for key in orphans() {
        let done = world.s3gc(&["vault", "cat", &key]).await;
        assert_eq!(done.code, if is_there { 0 } else { 1 }, "{story}: {done:?}");
        assert!(is_there || done.stderr.contains("pruned"), "{story}: {done:?}");
    }
    let directory = world.path("exported");
    let exported = world.expect(0, &["vault", "export", directory.to_str().unwrap(), "--json"]).await.json();
    let written = exported["written"].as_u64().unwrap() + exported["left"].as_u64().unwrap();
    assert_eq!(usize::try_from(written).unwrap(), listed.len(), "{story}: {exported}");
    let stats = world.expect(0, &["vault", "stats", "--json"]).await.json();
    assert_eq!(stats["packs"], usize::from(is_there), "{story}");
}
