//! An encrypted vault: a host without the key backs up and deletes, a host with it restores.

use std::os::unix::fs::PermissionsExt;

use s3gc_testkit::servers::{Skip, require};

use crate::vault::packs;
use crate::world::{ORPHANS, USERS, World, body, orphans};

/// Makes a key in this file of the world, and returns its recipient.
async fn keygen(world: &World, file: &str) -> String {
    let path = world.path(file);
    let made = world.expect(0, &["vault", "keygen", path.to_str().unwrap()]).await;
    made.stdout.trim_end().to_owned()
}

fn sealed(recipients: &[&str], more: &str) -> String {
    format!("recipients = {recipients:?}\n{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn keygen_makes_what_age_keygen_makes_and_replaces_nothing() {
    let world = World::new().await;
    // It needs no configuration.
    world.configure("nonsense");
    let recipient = keygen(&world, "key.txt").await;
    assert!(recipient.starts_with("age1") && recipient.len() == 62, "{recipient}");
    let file = world.path("key.txt");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().nth(1), Some(format!("# public key: {recipient}").as_str()));
    let again = world.expect(2, &["vault", "keygen", file.to_str().unwrap()]).await;
    again.says("is there already, and is left alone");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    for args in [&["vault", "keygen"][..], &["vault", "keygen", "-"]] {
        let made = world.expect(0, args).await;
        assert_eq!(made.stdout.lines().count(), 3);
        let secret = made.stdout.lines().last().unwrap();
        assert!(secret.starts_with("AGE-SECRET-KEY-1") && !text.contains(secret));
        made.says("Public key: age1");
    }
    let made = world.expect(0, &["vault", "keygen", "--json"]).await.json();
    assert!(made["identity"].as_str().unwrap().contains(made["recipient"].as_str().unwrap()));
    assert!(!world.path("-").exists());
    match std::process::Command::new("age-keygen").arg("-y").arg(&file).output() {
        Ok(shown) => assert_eq!(String::from_utf8_lossy(&shown.stdout).trim_end(), recipient),
        Err(error) => drop(require::<()>(Err(Skip::new("age", error)))),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_host_that_cannot_read_deletes_and_one_with_the_key_restores() {
    let world = World::new().await;
    let recipient = keygen(&world, "key.txt").await;
    world.configure(&sealed(&[&recipient], ""));
    world.collect().await;
    let pack = packs(&world).remove(0);
    assert!(pack.to_str().unwrap().ends_with(".tar.zst.age"), "{pack:?}");
    assert_eq!(world.bucket().len(), USERS + 1);

    // Without the key.
    let key = &orphans()[0];
    let out = world.path("out");
    let out = out.to_str().unwrap();
    for args in [
        &["restore", key][..],
        &["restore", key, "--dry-run"],
        &["restore", "--prefix", "avatars/", "--json"],
        &["vault", "cat", key],
        &["vault", "export", out],
    ] {
        let refused = world.expect(12, args).await;
        refused.says("no identity is configured").says(pack.file_name().unwrap().to_str().unwrap());
        if !args.contains(&"--json") {
            refused.says("[vault] identity");
        }
    }
    assert_eq!(world.bucket().len(), USERS + 1);
    // What the catalog knows is known.
    assert_eq!(world.expect(0, &["vault", "ls"]).await.stdout.lines().count(), ORPHANS);
    world.expect(0, &["vault", "stats"]).await.says("image/jpeg");
    for level in ["quick", "sample=50%", "full"] {
        let verified = world.expect(0, &["vault", "verify", "--level", level]).await;
        verified.says("all is well").says("the key is missing or wrong: 1 pack; nothing but");
    }
    let verified = world.expect(0, &["vault", "verify", "--json"]).await.json();
    assert_eq!((&verified["locked"]["same"], &verified["objects_decoded"]), (&1.into(), &0.into()));
    let witnessed = world.expect(0, &["audit", "verify"]).await;
    witnessed.says("the chain is whole").says("could not be asked: it is encrypted");
    let witnessed = world.expect(0, &["audit", "verify", "--json"]).await.json();
    assert_eq!((&witnessed["witnesses"], witnessed["locked"].as_array().unwrap().len()), (&0.into(), 1));
    world.expect(0, &["check"]).await.says("encrypted to 1 recipient; nothing encrypted can be restored here");

    // A wrong key is no better.
    let other = keygen(&world, "other.txt").await;
    world.configure(&sealed(&[&recipient], "identity = \"other.txt\""));
    world.expect(12, &["restore", key]).await.says("none of its recipients is the identity that is configured");

    // With the key.
    world.configure(&sealed(&[&recipient, &other], "identity = \"key.txt\""));
    assert_eq!(world.expect(0, &["vault", "cat", key]).await.stdout, body(key));
    world.expect(0, &["vault", "verify", "--level", "full"]).await.says("(5 decoded and compared): all is well");
    assert_eq!(world.expect(0, &["audit", "verify", "--json"]).await.json()["witnesses"], 1);
    world.expect(0, &["vault", "export", out]).await.says("5 files");
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    for key in orphans() {
        let object = world.bucket().object(&key).unwrap();
        assert_eq!(object.bytes(), body(&key));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_pack_that_no_key_opens_any_more_comes_from_the_replica() {
    let world = World::new().await;
    let recipient = keygen(&world, "key.txt").await;
    world.configure(&sealed(&[&recipient], "identity = \"key.txt\"\nreplica = \"second\""));
    world.collect().await;
    let pack = packs(&world).remove(0);
    let mut bytes = std::fs::read(&pack).unwrap();
    // In the stanza of its recipient: the header is no longer one that the key opens.
    bytes[60] ^= 1;
    std::fs::remove_file(&pack).unwrap();
    std::fs::write(&pack, bytes).unwrap();
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    for key in orphans() {
        assert_eq!(world.bucket().object(&key).unwrap().bytes(), body(&key), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_catalog_comes_back_from_plain_and_encrypted_packs() {
    let world = World::new().await;
    let (old, recipient) = (keygen(&world, "old.txt").await, keygen(&world, "key.txt").await);
    // One plain pack, one to a key that was lost since, one to the key of today.
    world.collect().await;
    for (recipient, key) in [(&old, "avatars/1.jpg"), (&recipient, "avatars/2.jpg")] {
        world.configure(&sealed(&[recipient], ""));
        world.sql(&format!("DELETE FROM users WHERE avatar = '{key}'")).await;
        world.expect(0, &["run", "--mode", "execute", "--yes"]).await.says("1 deleted");
    }
    world.configure(&sealed(&[&recipient], ""));
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        drop(std::fs::remove_file(world.path("state").join(file)));
    }
    let without = world.expect(12, &["vault", "reindex", "--json"]).await.json();
    assert_eq!((&without["adopted"], &without["objects"]), (&1.into(), &ORPHANS.into()), "{without}");
    assert_eq!(without["locked"].as_array().unwrap().len(), 2);
    // Nothing is known of two of them, and nothing can be said.
    world.expect(12, &["vault", "verify"]).await.says("not verified").says("not all could be verified");

    let with = ["vault", "reindex", "--json"];
    let mut command = world.command(&with);
    command.env("S3GC_VAULT_IDENTITY", world.path("key.txt"));
    let done = crate::world::Done::of(command).await;
    assert_eq!((done.code, &done.json()["adopted"], &done.json()["objects"]), (12, &1.into(), &1.into()), "{done:?}");
    world.configure(&sealed(&[&recipient], "identity = \"key.txt\""));
    world.expect(0, &["restore", "avatars/2.jpg"]).await;
    assert_eq!(world.bucket().object("avatars/2.jpg").unwrap().bytes(), body("avatars/2.jpg"));
    // The record that it made is the one of the file: it can be compared without the key.
    world.configure(&sealed(&[&recipient], ""));
    let verified = world.expect(12, &["vault", "verify", "--level", "full", "--json"]).await.json();
    assert_eq!((&verified["ok"], &verified["locked"]["same"]), (&true.into(), &1.into()), "{verified}");
    assert_eq!(verified["locked"]["unknown"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_damaged_pack_is_found_without_the_key() {
    let world = World::new().await;
    let recipient = keygen(&world, "key.txt").await;
    world.configure(&sealed(&[&recipient], ""));
    world.collect().await;
    let pack = packs(&world).remove(0);
    let sound = std::fs::read(&pack).unwrap();
    std::fs::set_permissions(&pack, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    for (bytes, level) in [(flipped, "full"), (sound[..sound.len() - 1].to_vec(), "quick")] {
        std::fs::write(&pack, bytes).unwrap();
        world.expect(6, &["vault", "verify", "--level", level]).await.says("instead of");
    }
    std::fs::remove_file(&pack).unwrap();
    world.expect(6, &["vault", "verify"]).await.says("no such file in the vault");
}

#[tokio::test(flavor = "multi_thread")]
async fn i12_bad_keys_are_faults_of_the_configuration_and_never_shown() {
    let world = World::new().await;
    keygen(&world, "key.txt").await;
    let text = std::fs::read_to_string(world.path("key.txt")).unwrap();
    let secret = text.lines().last().unwrap();
    for (more, part) in [
        (sealed(&[secret], ""), "is a secret key"),
        (sealed(&["age1nonsense"], ""), "is not a recipient of age"),
        ("identity = \"s3gc.toml\"\n".to_owned(), "has no identity of age in line 1"),
        (format!("identity = \"{secret}\"\n"), "is the identity itself"),
    ] {
        world.configure(&more);
        for args in [&["config", "validate"][..], &["plan", "--json"]] {
            let refused = world.expect(2, args).await;
            refused.says(part);
            assert!(!format!("{refused:?}").contains(&secret[20..]), "{refused:?}");
        }
    }
}
