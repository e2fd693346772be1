//! I7: the process is killed at every point around an effect.

use futures::{StreamExt, stream};
use s3gc_failpoint::Point;

use crate::check::{check, same, whole};
use crate::place::{EXECUTE, Place, Store};
use crate::world::orphans;

/// How many stories are told at a time.
const AT_A_TIME: usize = 4;
const STORES: [Store; 3] = [Store::Bucket, Store::Versioned, Store::Directory];

/// Which stores come to a point; of the points of all of them the short form takes the stores in turn, and those of the
/// vault with a vault in a bucket, too.
fn stores(place: usize, point: Point) -> Vec<Store> {
    let mut stores = of_the_store(place, point);
    let in_the_vault = matches!(
        point,
        Point::LeaseTaken
            | Point::RecordWritten
            | Point::RecordReplaced
            | Point::EpochRecorded
            | Point::VaultWriting
            | Point::VaultWritten
            | Point::VaultDurable
            | Point::PackStored
            | Point::PackReadBack
    );
    // A directory syncs and renames.
    let of_directories = stores == [Store::Directory]
        || matches!(point, Point::VaultSynced | Point::VaultRenamed | Point::VaultUnlinked);
    let elsewhere = of_directories || point == Point::MarkersChecked || stores == [Store::Copies];
    if in_the_vault || (crate::long_form().is_some() && !elsewhere) {
        stores.push(Store::ObjectVault);
    }
    let of_packs = matches!(point, Point::PackWritten | Point::PackStored | Point::Staged | Point::RestoreWritten);
    if of_packs {
        stores.push(Store::Copies);
    }
    stores
}

fn of_the_store(place: usize, point: Point) -> Vec<Store> {
    match point {
        Point::CanaryWriting | Point::CanaryWritten | Point::CanariesGone => vec![Store::Bucket, Store::Versioned],
        Point::CopyWriting | Point::CopyWritten => vec![Store::Copies],
        Point::DeleteSending | Point::DeleteAnswered => vec![Store::Bucket, Store::Versioned],
        Point::MarkersChecked => vec![Store::Versioned],
        Point::TrashMade | Point::FileTrashed | Point::FileRemoved => vec![Store::Directory],
        Point::FileWritten | Point::FilePublished => vec![Store::Directory],
        _ if crate::long_form().is_some() => STORES.to_vec(),
        _ => vec![STORES[place % STORES.len()]],
    }
}

/// A point that is never reached fails, too: whoever moves an effect moves its point along.
#[tokio::test(flavor = "multi_thread")]
async fn i07_killed_at_every_point_nothing_is_lost() {
    let stories: Vec<(Point, Store)> = Point::ALL
        .iter()
        .enumerate()
        .flat_map(|(place, point)| stores(place, *point).into_iter().map(|store| (*point, store)))
        .collect();
    assert!(stories.len() >= Point::ALL.len());
    let stories = stream::iter(stories).map(|(point, store)| tokio::spawn(tell(point, store)));
    let ends: Vec<_> = stories.buffer_unordered(AT_A_TIME).collect().await;
    let failed = ends.iter().filter(|end| end.is_err()).count();
    assert_eq!(failed, 0, "{failed} of {} stories ended badly", ends.len());
}

async fn tell(point: Point, store: Store) {
    let story = format!("{} with {store:?}", point.name());
    let mut place = Place::new(store).await;
    let mut referenced = Vec::new();
    match point {
        Point::RestoreWriting
        | Point::RestoreWritten
        | Point::RestoreRecorded
        | Point::FileWritten
        | Point::FilePublished => {
            let restore = ["restore", "--prefix", "avatars/"];
            place.run(EXECUTE).await;
            // What a recovery brings back is recorded in the same way.
            place.kill(&restore, point).await;
            place.run(&restore).await;
            same(&place, &story);
            return whole(&place, &story).await;
        }
        Point::PruneMarked
        | Point::PruneUnmarked
        | Point::PruneWriting
        | Point::PruneWritten
        | Point::PruneRemembered
        | Point::VaultUnlinked
        | Point::PruneRemoved
        | Point::PruneRecorded
        | Point::PruneUndone => return crate::prune::tell(place, point, &story).await,
        Point::RecoverFound | Point::RecoverBroughtBack | Point::RecoverSettled => {
            place.kill(EXECUTE, Point::BatchAnswered).await;
            referenced.push(orphans().remove(0));
            place.world.sql(&format!("INSERT INTO users (avatar) VALUES ('{}')", referenced[0])).await;
            place.later().await;
        }
        _ => {}
    }
    place.kill(EXECUTE, point).await;
    place.later().await;
    place.run(EXECUTE).await;
    assert!(referenced.len() == 1 || !place.has_garbage(), "{story}: the garbage is still there");
    check(&mut place, &referenced, &story).await;
}
