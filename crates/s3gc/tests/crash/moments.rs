//! I7 under load: kills at random moments, most of them between the first intent and the last outcome, while an
//! application uploads, references and replaces.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use s3gc_s3_mem::{Op, PutSpec};

use crate::place::{EXECUTE, Place, Store};
use crate::world::days_ago;

/// How many objects are due in each round.
const DUE: usize = 120;

struct App {
    rng: StdRng,
    /// The bytes that each key had last.
    bodies: BTreeMap<String, String>,
    /// What was uploaded or uploaded again, and then referenced: it must be in the bucket.
    owned: Vec<String>,
    next: usize,
}

impl App {
    /// Uploads so much that is old and that nobody references.
    fn leave(&mut self, place: &Place, count: usize) {
        for _ in 0..count {
            let key = format!("load/{}.bin", self.next);
            self.next += 1;
            self.put(place, &key, PutSpec::default().last_modified(days_ago(30)).user("of", &key));
        }
    }

    fn put(&mut self, place: &Place, key: &str, spec: PutSpec) {
        let body = format!("{key} {}", self.rng.random::<u64>());
        place.world.bucket().put(key, body.clone(), spec);
        self.bodies.insert(key.to_owned(), body);
    }

    /// Does what users do: uploads and references, replaces an old object and references it, or only references it.
    async fn act(&mut self, place: &Place) {
        let old = format!("load/{}.bin", self.rng.random_range(self.next.saturating_sub(DUE)..self.next));
        let key = match self.rng.random_range(0..3) {
            0 => {
                self.next += 1;
                format!("load/{}.bin", self.next - 1)
            }
            _ => old,
        };
        let is_upload = !self.bodies.contains_key(&key) || self.rng.random_bool(0.5);
        if is_upload {
            self.put(place, &key, PutSpec::default());
            self.owned.push(key.clone());
        }
        place.world.sql(&format!("INSERT INTO users (avatar) VALUES ('{key}')")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_killed_at_random_moments_under_load_nothing_is_lost() {
    let kills = crate::long_form().unwrap_or(8);
    let (bucket, versioned) = tokio::join!(
        tokio::spawn(load(Store::Bucket, kills.div_ceil(2), 1)),
        tokio::spawn(load(Store::Versioned, kills / 2, 2))
    );
    let within = bucket.unwrap() + versioned.unwrap();
    println!("{kills} kills, {within} of them between the first intent and the last outcome");
    assert!(within * 5 >= kills * 3, "only {within} of {kills} kills hit a sweep");
}

/// Tells how many of the kills fell between the first intent and the last outcome.
async fn load(store: Store, kills: usize, seed: u64) -> usize {
    let mut place = Place::new(store).await;
    place.world.configure("[safety]\nmax_delete = \"100%\"");
    place.world.server.set_latency(Duration::from_millis(5));
    let mut app = App { rng: StdRng::seed_from_u64(seed), bodies: BTreeMap::new(), owned: Vec::new(), next: 0 };
    // A run that nobody kills says how many requests a sweep has.
    app.leave(&place, DUE);
    place.run(EXECUTE).await;
    let usual = sweep_requests(&place);
    let (mut killed, mut within) = (0, 0);
    for _ in 0..kills * 4 {
        if killed == kills {
            break;
        }
        let there = place.world.bucket().keys().iter().filter(|key| key.starts_with("load/")).count();
        app.leave(&place, (DUE + app.owned.len()).saturating_sub(there).min(DUE));
        place.world.server.clear_requests();
        let moment = app.rng.random_range(1..=usual);
        let pause = Duration::from_micros(app.rng.random_range(0..8_000));
        let mut child = place.world.command(EXECUTE).spawn().unwrap();
        let reached = async {
            while sweep_requests(&place) < moment {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(pause).await;
        };
        tokio::select! {
            ended = child.wait() => drop(ended.unwrap()),
            () = async { tokio::join!(reached, app.act(&place)); } => {
                child.kill().await.unwrap();
                let unsettled = "SELECT count(*) FROM entry WHERE state IN ('staged', 'sent')";
                within += usize::from(place.count(unsettled).await > 0);
                killed += 1;
            }
        }
        place.later().await;
    }
    assert_eq!(killed, kills, "too many runs ended before they were killed");
    settle(&mut place, &app).await;
    within
}

/// Counts what was asked since the first object was read for the vault, but for the reading.
fn sweep_requests(place: &Place) -> usize {
    let is_read = |op| matches!(op, Op::GetObject | Op::GetObjectTagging);
    let requests = place.world.server.requests();
    let since = requests.iter().skip_while(|request| request.op != Op::GetObject);
    since.filter(|request| !is_read(request.op)).count()
}

/// Lets it finish, and compares every object with what the application knows.
async fn settle(place: &mut Place, app: &App) {
    place.world.server.set_latency(Duration::ZERO);
    for _ in 0..2 {
        place.later().await;
        place.run(EXECUTE).await;
    }
    let story = format!("{:?}", place.store);
    for key in &app.owned {
        assert_eq!(place.read(key).as_deref(), app.bodies.get(key).map(String::as_bytes), "{story}: {key} is in use");
    }
    crate::check::whole(place, &story).await;
    let twice = "SELECT count(*) FROM (SELECT json_extract(detail, '$.pack') AS pack, key FROM audit \
                 WHERE kind = 'delete' GROUP BY pack, key HAVING count(*) > 1)";
    assert_eq!(place.count(twice).await, 0, "{story}: one outcome for each deletion");
    place.run(&["restore", "--prefix", "load/"]).await;
    for (key, body) in &app.bodies {
        assert_eq!(place.read(key).as_deref(), Some(body.as_bytes()), "{story}: {key} can be restored");
    }
}
