use serde_json::Value;

use super::{expect, shell};

#[tokio::test]
async fn every_command_that_the_demo_tells_to_try_works() {
    let dir = tempfile::tempdir().unwrap();
    let done = expect(0, dir.path(), "s3gc demo --json --dir 'a demo'", &[]).await;
    let document: Value = serde_json::from_str(done.stdout.trim_end()).unwrap();
    assert_eq!(document["restored"]["blake3_before"], document["restored"]["blake3_after"]);
    let next = document["next"].as_array().unwrap();
    assert!(next.len() > 5);
    for next in next {
        let command = next["command"].as_str().unwrap();
        let is_there = !command.starts_with("sqlite3") || shell(dir.path(), "sqlite3 -version", &[]).await.code == 0;
        // The last is for a bucket of one's own.
        if is_there && !command.contains("YOUR_BUCKET") {
            let done = expect(0, dir.path(), command, &[]).await;
            assert!(!done.stdout.is_empty() || command.contains("tar"), "{command}");
        }
    }
}

#[tokio::test]
async fn the_demo_tells_its_story_in_a_new_directory_and_refuses_a_full_one() {
    let dir = tempfile::tempdir().unwrap();
    let done = expect(0, dir.path(), "s3gc demo", &[]).await;
    for part in ["listed 2 806", "380 deleted, 0 failed", "the same, byte for byte", "2 427 objects are left", "rm -r "]
    {
        assert!(done.stdout.contains(part), "{part}: {}", done.stdout);
    }
    let done = expect(2, dir.path(), "s3gc demo --dir .", &[]).await;
    assert!(done.stderr.contains("is not empty"), "{done:?}");
}
