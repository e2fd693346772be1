//! Histories: what an application does, and what goes wrong, as data that can be replayed and made smaller.

use s3gc_core::Mode;

use crate::rng::Rng;

/// Everything that happens. The same history has the same events each time it is played.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct History {
    pub(crate) seed: u64,
    pub(crate) kind: Kind,
    pub(crate) start: Vec<Step>,
    pub(crate) episodes: Vec<Episode>,
}

/// What sort of world it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kind {
    pub(crate) versions: Versions,
    /// The store compares the entity tags of a batch, and of a single deletion.
    pub(crate) batch_etag: bool,
    pub(crate) single_etag: bool,
    /// The settings allow deletions that compare nothing.
    pub(crate) unconditional: bool,
    /// The database has named locks.
    pub(crate) locks: bool,
    /// The store's clock minus that of the host, in seconds.
    pub(crate) skew: i32,
    pub(crate) wave_objects: usize,
    pub(crate) last_modified: bool,
    /// The tables are those of two sources, each with snapshots of its own.
    pub(crate) two_sources: bool,
}

impl Kind {
    /// Tells whether the store does not do what a deletion asks of it.
    pub(crate) fn is_lying(&self) -> bool {
        !self.single_etag || !self.batch_etag
    }

    /// Tells whether anything can ever be deleted.
    pub(crate) fn can_delete(&self) -> bool {
        self.batch_etag || self.single_etag || self.versions == Versions::Enabled || self.unconditional
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versions {
    Off,
    Enabled,
    Suspended,
}

/// A run, what the application did before it, and what happens while it runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Episode {
    pub(crate) gap_minutes: u32,
    pub(crate) before: Vec<Step>,
    /// A person brings back the n-th object that was collected.
    pub(crate) restore: Option<u8>,
    pub(crate) mode: Mode,
    pub(crate) events: Vec<Event>,
    /// A person accepts the brakes that trip.
    pub(crate) accept: bool,
}

/// Something that happens at the n-th call of an operation, before the call has its effect.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) op: &'static str,
    pub(crate) nth: u32,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    App(Step),
    /// Time goes by.
    Pass(u32),
    Fault(Fault),
    /// The process dies, before the effect of the call or after it; its lease shows that it is dead, or does not.
    Crash {
        after: bool,
        is_told: bool,
    },
    /// A person or the system asks the run to end.
    Cancel,
    /// The process stands still for so many seconds, and another collector runs meanwhile.
    Other {
        stall: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error without effect.
    Fail,
    /// A stream or a body ends early.
    Cut,
    /// One bit is flipped.
    Corrupt,
    /// The effect happens, and no answer comes.
    Unanswered,
    /// No answer comes, and the effect happens so many seconds later.
    Late(u32),
    /// No answer comes, and no effect ever.
    Lost,
}

/// An object: by its place in the list of keys, or the n-th that nothing references now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    Slot(u8),
    Orphan(u8),
}

/// How a row writes a key down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Bare,
    Slash,
    Percent,
    S3,
    Host,
    Path,
    Cdn,
    Signed,
    Json,
    JsonUrl,
    Html,
    Markdown,
}

const FORMS: [Form; 12] = [
    Form::Bare,
    Form::Slash,
    Form::Percent,
    Form::S3,
    Form::Host,
    Form::Path,
    Form::Cdn,
    Form::Signed,
    Form::Json,
    Form::JsonUrl,
    Form::Html,
    Form::Markdown,
];

/// Something that the application does. Each is total: what makes no sense now does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Upload {
        pick: Pick,
        body: u8,
    },
    /// Refers to an object, and uploads it first if it is not there; in a transaction that stays open, or at once.
    Refer {
        pick: Pick,
        form: Form,
        table: u8,
        open: Option<u8>,
    },
    /// Refers to the directory of albums.
    ReferAlbum {
        open: Option<u8>,
    },
    /// Takes every row away that refers to it.
    Unlink {
        pick: Pick,
        open: Option<u8>,
    },
    /// Copies one reference to another table and takes the first away.
    Move {
        pick: Pick,
        form: Form,
        open: Option<u8>,
    },
    Commit(u8),
    Rollback(u8),
    /// Writes other bytes.
    Rewrite {
        pick: Pick,
        body: u8,
    },
    /// Writes the same bytes again.
    Touch {
        pick: Pick,
    },
    /// Copies the object to another key, and its rows follow.
    Rename {
        pick: Pick,
        to: u8,
        form: Form,
    },
    /// Deletes rows and object.
    Erase {
        pick: Pick,
    },
    Backup,
    RestoreBackup,
    Suspend,
    Enable,
}

/// The points of a run at which something can happen, those where races are more often than others.
const POINTS: [&str; 26] = [
    "list",
    "list",
    "scan.begin",
    "scan",
    "scan",
    "commit",
    "get",
    "get",
    "tags",
    "vault.put",
    "vault.read",
    "stage",
    "stage",
    "drain",
    "drain",
    "look.begin",
    "look.begin",
    "look",
    "look",
    "send",
    "send",
    "head",
    "delete",
    "delete",
    "versions",
    "settle",
];
/// Those after the plan.
const LATE: [&str; 9] = ["get", "vault.put", "stage", "drain", "look.begin", "send", "head", "delete", "delete"];
const SWEEP: [&str; 5] = ["send", "head", "delete", "settle", "versions"];
/// Where a run may be asked to end.
const CANCELLED: [&str; 9] = ["list", "scan", "get", "vault.put", "drain", "look", "send", "delete", "settle"];
const CALLS: [&str; 22] = [
    "status",
    "list",
    "head",
    "get",
    "put",
    "delete",
    "scan",
    "look",
    "drain",
    "vault.put",
    "vault.read",
    "vault.lease",
    "lease",
    "run",
    "judge",
    "observe",
    "commit",
    "plan",
    "stage",
    "send",
    "settle",
    "unsettled",
];

impl History {
    /// Makes the history of a seed.
    pub(crate) fn generate(seed: u64) -> Self {
        let rng = &mut Rng::new(seed);
        // Apart, so that what was added later leaves the rest of a seed's history as it was.
        let rare = &mut Rng::new(!seed);
        let mut kind = kind(rng);
        kind.two_sources = rare.chance(30);
        let mut episodes = Vec::new();
        let start = (0..8).map(|_| first_step(rng)).collect();
        let count = 3 + rng.below(3);
        let mut is_soon = false;
        for number in 0..count {
            // The first sees what is garbage, and the second may find it due.
            let mode = match rng.below(20) {
                _ if number == 0 => Mode::DryRun,
                0..2 => Mode::DryRun,
                2..4 => Mode::AuditOnly,
                _ => Mode::Execute,
            };
            let gap_minutes = match rng.below(12) {
                _ if number == 0 => 60 * 25,
                _ if std::mem::take(&mut is_soon) => 4 + rng.below(9),
                0 => rng.below(10),
                1 => 20 + rng.below(60),
                2 if rng.chance(30) => 60 * 24 * 16,
                2 | 3 => 60 * (10 + rng.below(12)),
                _ => 60 * (25 + rng.below(6)),
            };
            let before = (0..if number == 0 { 0 } else { rng.below(4) }).map(|_| step(rng)).collect();
            let restore = (number > 1 && rng.chance(20)).then(|| u8::try_from(rng.below(10)).unwrap());
            let mut events = Vec::new();
            for _ in 0..if number == 0 { rng.below(2) } else { rng.below(4) } {
                let what = if rng.chance(92) { What::App(racing_step(rng)) } else { What::Pass(1 + rng.below(400)) };
                let rewrites = matches!(what, What::App(Step::Rewrite { .. } | Step::Touch { .. }));
                let op = if rewrites { rng.pick(&LATE) } else { rng.pick(&POINTS) };
                events.push(Event { op, nth: nth(rng), what });
            }
            for _ in 0..if rng.chance(30) { 1 + rng.below(2) } else { 0 } {
                let fault = fault(rng, &kind);
                if matches!(fault.what, What::Fault(Fault::Late(_))) && rng.chance(60) {
                    // While the request is on its way, and when the run is nearly over.
                    let at = orphan(rng);
                    events.push(Event { op: "plan", nth: 3, what: What::App(refer(rng, at)) });
                }
                events.push(fault);
            }
            if number > 0 && !kind.unconditional && rng.chance(3) {
                // A request is on its way, its process dies, and another one comes soon.
                events.push(Event { op: "delete", nth: 1, what: What::Fault(Fault::Late(900)) });
                let (op, nth) = rng.pick(&[("send", 2), ("stage", 2), ("settle", 1), ("plan", 3)]);
                events.push(Event { op, nth, what: What::Crash { after: false, is_told: rng.chance(30) } });
                is_soon = true;
            } else if rng.chance(30) {
                let op = if rng.chance(75) { rng.pick(&SWEEP) } else { rng.pick(&CALLS) };
                events.push(Event {
                    op,
                    nth: nth(rng),
                    what: What::Crash { after: rng.chance(50), is_told: rng.chance(50) },
                });
            } else if rng.chance(5) {
                let op = rng.pick(&["send", "head", "delete", "settle", "look.begin", "commit"]);
                let what = What::Other { stall: rng.pick(&[0, 30, 100, 200, 400, 1300]) };
                events.push(Event { op, nth: nth(rng), what });
            }
            if rare.chance(10) {
                let op = rare.pick(&CANCELLED);
                events.push(Event { op, nth: nth(rare), what: What::Cancel });
            }
            episodes.push(Episode { gap_minutes, before, restore, mode, events, accept: rng.chance(80) });
        }
        Self { seed, kind, start, episodes }
    }

    /// Every history that lacks one thing that this one has, the largest things first.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut without = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            if next != *self {
                all.push(next);
            }
        };
        for index in 0..self.episodes.len() {
            without(&|next| drop(next.episodes.remove(index)));
        }
        for step in 0..self.start.len() {
            without(&|next| {
                next.start.remove(step);
            });
        }
        for (index, episode) in self.episodes.iter().enumerate() {
            without(&|next| next.episodes[index].restore = None);
            without(&|next| next.episodes[index].before.clear());
            without(&|next| next.episodes[index].events.clear());
            for event in 0..episode.events.len() {
                without(&|next| {
                    next.episodes[index].events.remove(event);
                });
            }
            for step in 0..episode.before.len() {
                without(&|next| {
                    next.episodes[index].before.remove(step);
                });
            }
            for event in 0..episode.events.len() {
                without(&|next| next.episodes[index].events[event].nth = 1);
            }
        }
        all
    }
}

fn kind(rng: &mut Rng) -> Kind {
    let (versions, batch_etag, single_etag, unconditional) = match rng.below(20) {
        0..8 => (Versions::Off, true, true, false),
        8..10 => (Versions::Off, false, true, false),
        10..12 => (Versions::Off, false, false, true),
        12 => (Versions::Off, false, false, false),
        13..16 => (Versions::Enabled, false, false, false),
        16..18 => (Versions::Enabled, true, true, false),
        18 => (Versions::Enabled, false, true, false),
        _ => (Versions::Suspended, true, true, false),
    };
    Kind {
        versions,
        batch_etag,
        single_etag,
        unconditional,
        locks: rng.chance(40),
        skew: rng.pick(&[0, 0, 0, -40, 40]),
        wave_objects: rng.pick(&[1, 2, 3, 6, 6]),
        last_modified: rng.chance(15),
        two_sources: false,
    }
}

fn nth(rng: &mut Rng) -> u32 {
    if rng.chance(60) { 1 } else { 1 + rng.below(5) }
}

fn pick(rng: &mut Rng) -> Pick {
    Pick::Slot(u8::try_from(rng.below(10)).unwrap())
}

fn orphan(rng: &mut Rng) -> Pick {
    if rng.chance(80) { Pick::Orphan(u8::try_from(rng.below(6)).unwrap()) } else { pick(rng) }
}

fn open(rng: &mut Rng) -> Option<u8> {
    rng.chance(30).then(|| u8::try_from(rng.below(2)).unwrap())
}

fn refer(rng: &mut Rng, pick: Pick) -> Step {
    let (form, table, open) = (rng.pick(&FORMS), u8::try_from(rng.below(3)).unwrap(), open(rng));
    Step::Refer { pick, form, table, open }
}

/// What is there when the collector comes.
fn first_step(rng: &mut Rng) -> Step {
    let at = pick(rng);
    if rng.chance(35) {
        return refer(rng, at);
    }
    Step::Upload { pick: at, body: u8::try_from(rng.below(200)).unwrap() }
}

/// What is usual between two runs.
fn step(rng: &mut Rng) -> Step {
    let body = u8::try_from(rng.below(200)).unwrap();
    match rng.below(24) {
        0..4 => Step::Upload { pick: pick(rng), body },
        4..8 => {
            let at = pick(rng);
            refer(rng, at)
        }
        8..12 => Step::Unlink { pick: pick(rng), open: open(rng) },
        12 => Step::ReferAlbum { open: open(rng) },
        13..15 => Step::Move { pick: pick(rng), form: rng.pick(&FORMS), open: open(rng) },
        15..17 => Step::Rewrite { pick: pick(rng), body },
        17 => Step::Touch { pick: pick(rng) },
        18 => Step::Rename { pick: pick(rng), to: u8::try_from(rng.below(10)).unwrap(), form: rng.pick(&FORMS) },
        19 => Step::Erase { pick: pick(rng) },
        20..22 => Step::Commit(u8::try_from(rng.below(2)).unwrap()),
        22 => Step::Rollback(u8::try_from(rng.below(2)).unwrap()),
        _ => rng.pick(&[Step::Backup, Step::RestoreBackup, Step::Suspend, Step::Enable]),
    }
}

/// What races with a run: mostly with what it is about to delete.
fn racing_step(rng: &mut Rng) -> Step {
    let body = u8::try_from(rng.below(200)).unwrap();
    match rng.below(20) {
        0..7 => {
            let at = orphan(rng);
            refer(rng, at)
        }
        7..9 => Step::Rewrite { pick: orphan(rng), body },
        9 | 10 => Step::Touch { pick: orphan(rng) },
        11 => Step::Rename { pick: orphan(rng), to: u8::try_from(rng.below(10)).unwrap(), form: rng.pick(&FORMS) },
        12 => Step::Erase { pick: orphan(rng) },
        13..15 => Step::Move { pick: pick(rng), form: rng.pick(&FORMS), open: open(rng) },
        15..17 => Step::Commit(u8::try_from(rng.below(2)).unwrap()),
        _ => step(rng),
    }
}

fn fault(rng: &mut Rng, kind: &Kind) -> Event {
    let (op, what) = match rng.below(12) {
        0 | 1 => ("list", rng.pick(&[Fault::Fail, Fault::Cut, Fault::Cut])),
        2 => ("scan", rng.pick(&[Fault::Fail, Fault::Cut])),
        3 => ("look", rng.pick(&[Fault::Fail, Fault::Cut])),
        4 => ("get", rng.pick(&[Fault::Fail, Fault::Cut, Fault::Cut])),
        5 => ("vault.put", rng.pick(&[Fault::Fail, Fault::Corrupt, Fault::Corrupt])),
        6 => ("vault.read", rng.pick(&[Fault::Fail, Fault::Corrupt])),
        7..10 => {
            let mut faults = vec![Fault::Lost, Fault::Unanswered, Fault::Fail];
            if kind.batch_etag || kind.single_etag || kind.versions == Versions::Enabled {
                faults.extend([Fault::Late(20), Fault::Late(400), Fault::Late(900)]);
            }
            return Event { op: "delete", nth: 1 + rng.below(2), what: What::Fault(rng.pick(&faults)) };
        }
        10 => (rng.pick(&["status", "head", "tags", "versions", "drain", "put", "probe"]), Fault::Fail),
        _ => {
            (rng.pick(&["judge", "observe", "commit", "stage", "send", "settle", "run", "plan", "lease"]), Fault::Fail)
        }
    };
    Event { op, nth: nth(rng), what: What::Fault(what) }
}
