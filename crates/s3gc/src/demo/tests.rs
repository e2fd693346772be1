use super::*;

#[tokio::test]
async fn i01_the_demo_keeps_every_file_that_a_row_names_and_sees_any_fault() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Box::pin(Stage::set(dir.path())).await.unwrap();
    let report = Box::pin(stage.gc.run_cycle(RunOptions::mode(Mode::DryRun))).await.unwrap();
    let plan = RunOptions::plan(&report.plan.unwrap().path);
    assert!(proof::left(&stage, RESTORED).is_err(), "nothing is deleted yet");
    assert!(proof::restore(&stage, RESTORED).await.is_err(), "nothing is deleted yet");

    let report = Box::pin(stage.gc.run_cycle(plan)).await.unwrap();
    assert_eq!(report.state, RunState::Done);
    assert!(proof::left(&stage, RESTORED).is_err(), "the restored file is not there yet");
    assert_eq!(Some(&proof::restore(&stage, RESTORED).await.unwrap()), stage.digests.get(RESTORED));
    assert_eq!(proof::left(&stage, RESTORED).unwrap(), stage.world.files.len() - stage.world.count(Fate::Orphan) + 1);
    assert!(proof::audit(&stage.gc).await.unwrap() > report.sweep.deleted.objects);

    let bucket = stage.bucket();
    let odd = bucket.object(ODD[0].key).unwrap().bytes();
    bucket.put(ODD[0].key, "other bytes", s3gc_s3_mem::PutSpec::default());
    assert!(proof::left(&stage, RESTORED).unwrap_err().chain().contains("other bytes"));
    bucket.delete(ODD[0].key);
    assert!(proof::left(&stage, RESTORED).unwrap_err().chain().contains("is gone"));
    bucket.put(ODD[0].key, odd, s3gc_s3_mem::PutSpec::default());
    bucket.put("exports/orders-001.csv", "", s3gc_s3_mem::PutSpec::default());
    assert!(proof::left(&stage, RESTORED).unwrap_err().chain().contains("still there"));
}

#[test]
fn a_directory_with_something_in_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(empty(dir.path().join("new")).unwrap().is_absolute());
    let error = empty(dir.path().to_owned()).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Usage);
}
