use super::*;

fn on(days: u32, swept: &str) -> State {
    let observed = ["2026-11-01", "2026-11-02", "2026-11-03"].map(|day| day.parse().unwrap()).to_vec();
    State { observed, swept_days: days, last_swept: swept.parse().ok(), ..State::default() }
}

#[test]
fn the_cap_grows_the_day_after_something_was_deleted() {
    let (ramp, today) = (Ramp::default(), "2026-11-10".parse().unwrap());
    assert_eq!(State::default().cap(ramp, today), None);
    let two = State { observed: on(0, "").observed[..2].to_vec(), ..State::default() };
    assert_eq!(two.cap(ramp, today), None);
    assert_eq!(on(0, "").cap(ramp, today), Some(100));
    assert_eq!(on(1, "2026-11-10").cap(ramp, today), Some(100));
    assert_eq!(on(1, "2026-11-09").cap(ramp, today), Some(200));
    assert_eq!(on(3, "2026-11-09").cap(ramp, today), Some(800));
    assert_eq!(on(10_000, "2026-11-09").cap(ramp, today), Some(u64::MAX));
}

fn report(state: RunState, deleted: u64) -> RunReport {
    let now: Timestamp = "2026-11-10T12:00:00Z".parse().unwrap();
    let mut report = RunReport {
        run: crate::RunId::at(now),
        bucket: "photos".into(),
        location: s3gc_store::Location::aws("photos"),
        mode: Mode::Execute,
        state,
        started_at: now,
        ended_at: now,
        counts: crate::judge::JudgeCounts::default(),
        sources: Vec::new(),
        unwatched: Vec::new(),
        brakes: Vec::new(),
        plan: None,
        sweep: crate::report::SweepReport::default(),
        recovered: crate::report::RecoverReport::default(),
        resurrected: crate::resurrect::ResurrectionReport::default(),
        ramp: None,
        audit: None,
        notes: Vec::new(),
    };
    report.sweep.deleted.objects = deleted;
    report
}

fn scheduled() -> RunOptions {
    RunOptions { scheduled: true, ..RunOptions::mode(Mode::Execute) }
}

/// What a run on the given day of November teaches.
fn learn(state: &State, report: &RunReport, options: &RunOptions, day: i8) -> State {
    let mut after = state.clone();
    after.learn(Ramp::default(), report, options, jiff::civil::date(2026, 11, day));
    after
}

#[test]
fn a_day_is_observed_once_and_only_by_a_complete_run_that_tripped_nothing() {
    let (new, done) = (State::default(), report(RunState::Done, 0));
    let one = learn(&new, &done, &scheduled(), 1);
    assert_eq!((one.observed.len(), one.swept_days), (1, 0));
    assert_eq!(learn(&one, &done, &scheduled(), 1), one);
    let two = learn(&one, &done, &RunOptions::default(), 2);
    assert_eq!(two.observed.len(), 2, "a person's run is one, too");
    let three = learn(&two, &done, &scheduled(), 3);
    assert_eq!(three.observed.len(), 3);
    assert_eq!(learn(&three, &done, &scheduled(), 4), three, "more are not needed");
    for state in [RunState::Blocked, RunState::Partial, RunState::Failed, RunState::Cancelled] {
        assert_eq!(learn(&new, &report(state, 5), &scheduled(), 1), new, "{state:?}");
    }
    let mut tripped = report(RunState::Done, 5);
    tripped.brakes.push(crate::brakes::brake("orphans", "too many".into()));
    assert_eq!(learn(&new, &tripped, &scheduled(), 1), new);
    assert_eq!(learn(&new, &done, &RunOptions::plan("/tmp/plan"), 1), new, "a plan that is run has no census");
}

#[test]
fn a_day_counts_once_and_only_if_a_schedule_deleted_something() {
    let (new, some) = (State::default(), report(RunState::Done, 5));
    let one = learn(&new, &some, &scheduled(), 1);
    assert_eq!((one.swept_days, one.last_swept), (1, Some(jiff::civil::date(2026, 11, 1))));
    assert_eq!(learn(&one, &some, &scheduled(), 1), one);
    let two = learn(&one, &some, &scheduled(), 2);
    assert_eq!((two.swept_days, two.last_swept), (2, Some(jiff::civil::date(2026, 11, 2))));
    assert_eq!(learn(&one, &report(RunState::Done, 0), &scheduled(), 2).swept_days, 1);
    assert_eq!(learn(&one, &some, &RunOptions::mode(Mode::Execute), 2).swept_days, 1, "a person's run does not count");
    assert_eq!(learn(&new, &some, &RunOptions::mode(Mode::Execute), 2).last_swept, None);
}

#[test]
fn trouble_takes_the_trust_away_and_nothing_else_does() {
    let done = report(RunState::Done, 5);
    assert_eq!(why_reset(&done, None), None);
    let mut seen = done.clone();
    seen.resurrected.found.objects = 1;
    assert!(why_reset(&seen, None).unwrap().contains("1 deleted objects are referenced"));
    let mut died = done.clone();
    died.recovered.crashed = 1;
    assert!(why_reset(&died, None).unwrap().contains("died"));
    let partial = report(RunState::Partial, 5);
    assert!(why_reset(&partial, None).unwrap().contains("failed for some objects"));
    let failure = Error::Internal("what is this".into());
    assert!(why_reset(&done, Some(&failure)).unwrap().contains("what is this"));
    for wanted in [Error::Cancelled, Error::Stop { name: crate::migration::NAME, reason: "on".into() }] {
        assert_eq!(why_reset(&done, Some(&wanted)), None, "{wanted}");
    }
    let stop = Error::Stop { name: "versions", reason: "off".into() };
    assert!(why_reset(&done, Some(&stop)).is_some());
    // A dry run that fails has deleted nothing.
    let dry = RunReport { mode: Mode::DryRun, ..partial };
    assert_eq!(why_reset(&dry, Some(&failure)), None);
    let dry = RunReport { mode: Mode::DryRun, ..seen };
    assert!(why_reset(&dry, None).is_some(), "what it found is no less true");
}

#[test]
fn what_is_left_for_today_is_the_cap_without_what_was_deleted() {
    let status = |cap_per_day, deleted_today| RampStatus {
        observed_days: 3,
        observe_runs: 3,
        cap_per_day,
        deleted_today,
        reset_at: None,
        reset_reason: None,
    };
    assert_eq!(status(Some(100), 30).left_today(), 70);
    assert_eq!(status(Some(100), 130).left_today(), 0, "a person may have deleted more");
    assert_eq!(status(None, 0).left_today(), 0);
}
