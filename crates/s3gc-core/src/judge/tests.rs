use super::*;
use s3gc_store::ETag;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn l08_an_object_is_young_for_the_whole_retention_and_from_the_future() {
    let day = Duration::from_secs(86_400);
    let now = at("2026-11-10T00:00:00Z");
    assert!(is_young(at("2026-11-09T00:00:01Z"), day, now));
    assert!(!is_young(at("2026-11-09T00:00:00Z"), day, now));
    assert!(is_young(at("2027-01-01T00:00:00Z"), day, now));
    assert!(is_young(Timestamp::MAX, day, now));
}

#[test]
fn l17_retention_counts_from_the_first_unreferenced_sight_not_from_age() {
    let mut settings = Settings::new("b", "/tmp");
    let (old, seen) = (at("2020-01-01T00:00:00Z"), at("2026-11-01T00:00:00Z"));
    assert_eq!(due_at(&settings, &ETag::new("e"), old, seen), Some(at("2026-11-08T00:00:00Z")));
    settings.retention_from = RetentionFrom::LastModified;
    assert_eq!(due_at(&settings, &ETag::new("e"), old, seen), Some(at("2020-01-08T00:00:00Z")));
    assert_eq!(due_at(&settings, &ETag::new("e-3"), old, seen), Some(at("2026-11-08T00:00:00Z")));
}

#[test]
fn l05_prefixes_end_at_a_delimiter() {
    assert_eq!(prefixes_of("a/bc//d").collect::<Vec<_>>(), ["a/", "a/bc/", "a/bc//"]);
    assert_eq!(prefixes_of("abc").count(), 0);
    assert_eq!((first_level("a/b/c"), first_level("a"), first_level("/a")), ("a/", "", "/"));
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).unwrap()
}

fn meta(size_bytes: u64, etag: &str, last_modified: &str) -> ObjectMeta {
    let mut meta = ObjectMeta::new(size_bytes);
    (meta.etag, meta.last_modified) = (ETag::new(etag), at(last_modified));
    meta
}

#[test]
fn i03_an_object_is_the_same_only_with_its_tag_its_length_and_its_time() {
    let time = "2026-11-01T00:00:00Z";
    let entry = PlanEntry {
        key: key("a"),
        size_bytes: 5,
        etag: ETag::new("e"),
        last_modified: at(time),
        unreferenced_since: at(time),
    };
    assert!(is_same(&entry, &meta(5, "e", time)));
    assert!(is_same(&entry, &meta(5, "e", "2026-11-01T00:00:00.9Z")), "a header gives whole seconds");
    assert!(!is_same(&entry, &meta(5, "f", time)));
    assert!(!is_same(&entry, &meta(6, "e", time)));
    assert!(!is_same(&entry, &meta(5, "e", "2026-11-01T00:00:01Z")));
    assert!(!is_same(&entry, &meta(6, "f", "2026-11-01T00:00:01Z")));
}

#[test]
fn i01_a_lock_a_legal_hold_or_the_tag_each_protect_an_object() {
    let now = at("2026-11-10T00:00:00Z");
    let plain = ObjectMeta::new(1);
    let tags = |name: &str| BTreeMap::from([(name.to_owned(), "no".to_owned())]);
    assert!(!is_protected(&plain, &tags("other"), now));
    assert!(is_protected(&plain, &tags(Settings::KEEP_TAG), now));
    let mut held = plain.clone();
    held.hold.legal = true;
    assert!(is_protected(&held, &BTreeMap::new(), now));
    held = plain;
    held.hold.until = Some(at("2026-11-10T00:00:01Z"));
    assert!(is_protected(&held, &BTreeMap::new(), now));
    assert!(!is_protected(&held, &BTreeMap::new(), at("2026-11-10T00:00:01Z")), "it is over");
}

#[test]
fn a_hold_of_a_glob_covers_its_keys_until_it_ends() {
    let now = at("2026-11-10T00:00:00Z");
    let hold = |kind, glob: &str, until: Option<&str>| Hold {
        id: 1,
        kind,
        location: None,
        glob: glob.into(),
        reason: "why".into(),
        created_at: now,
        until: until.map(at),
    };
    let holds = [
        hold(HoldKind::Glob, "a/*", None),
        hold(HoldKind::Glob, "b/**", Some("2026-11-10T00:00:01Z")),
        hold(HoldKind::Glob, "over/*", Some("2026-11-10T00:00:00Z")),
        hold(HoldKind::Migration, "**", None),
    ];
    let globs = compile(&holds, now).unwrap();
    for (key, is_held) in [("a/x", true), ("a/x/y", false), ("b/x/y", true), ("over/x", false), ("c", false)] {
        assert_eq!(globs.is_match(key), is_held, "{key}");
    }
    assert!(compile(&[hold(HoldKind::Glob, "a/[", None)], now).is_err());
}

/// An object of 5 bytes that is long old enough.
fn entry(text: &str) -> ListEntry {
    ListEntry::new(key(text), 5, ETag::new("e"), at("2020-01-01T00:00:00Z"))
}

fn key_set(salt: Salt, keys: &[&str]) -> KeySet {
    let mut builder = crate::keyset::KeySetBuilder::new(salt, 1 << 20, std::path::Path::new("/nowhere"));
    for key in keys {
        builder.insert(key).unwrap();
    }
    builder.finish().unwrap()
}

#[test]
fn each_sort_of_hold_keeps_a_key_and_what_is_derived_from_it() {
    let variants = VariantRules::new(vec![r"^thumbs/(?<base>.+)$ -> $base".into()]).unwrap();
    let salt = Salt::random();
    let globs = |glob: Option<&str>| {
        let mut set = GlobSetBuilder::new();
        if let Some(glob) = glob {
            set.add(compile_glob(glob).unwrap());
        }
        set.build().unwrap()
    };
    let hold_set = |glob, restored: &[&str], unsettled: &[&str]| HoldSet {
        globs: globs(glob),
        salt,
        restored: key_set(salt, restored),
        unsettled: key_set(salt, unsettled),
    };
    // Alone: one sort must not hide that another is empty.
    for (mut holds, reason) in [
        (hold_set(Some("x.*"), &[], &[]), Kept::Held),
        (hold_set(None, &["x.jpg"], &[]), Kept::Held),
        (hold_set(None, &[], &["x.jpg"]), Kept::Unsettled),
    ] {
        assert_eq!(holds.reason(&key("x.jpg"), &variants), Some(reason));
        assert_eq!(holds.reason(&key("thumbs/x.jpg"), &variants), Some(reason), "what is derived from it");
        assert_eq!(holds.reason(&key("y.jpg"), &variants), None);
    }
    assert_eq!(hold_set(None, &[], &[]).reason(&key("x.jpg"), &variants), None);
}

#[test]
fn l05_an_object_is_referenced_by_its_key_its_prefix_or_its_base() {
    let variants = VariantRules::new(vec![r"^thumbs/(?<base>.+)$ -> $base".into()]).unwrap();
    let salt = Salt::random();
    let name = |variants: &VariantRules, keys: &[&str], prefixes: &[&str], of: &[&str]| {
        let (mut keys, mut prefixes) = (key_set(salt, keys), key_set(salt, prefixes));
        let mut references = References { keys: &mut keys, prefixes: &mut prefixes, variants };
        let of: Vec<ObjectKey> = of.iter().map(|text| key(text)).collect();
        let found = references.name(&of.iter().collect::<Vec<_>>()).unwrap();
        let entries: Vec<ListEntry> = of.iter().map(|key| entry(key.as_str())).collect();
        let mut matches = crate::census::MatchSampler::new(salt);
        assert_eq!(references.look_up(&entries, &mut matches).unwrap(), found, "the census sees what `name` sees");
        found
    };
    let of = ["x.jpg", "thumbs/x.jpg", "d/y.jpg", "d/e/z.jpg", "thumbs/d/y.jpg", "de/y.jpg", "thumbs/q.jpg"];
    let found = name(&variants, &["x.jpg"], &["d/"], &of);
    assert_eq!(found, [true, true, true, true, true, false, false]);
    let found = name(&VariantRules::default(), &["x.jpg"], &["d/"], &of);
    assert_eq!(found, [true, false, true, true, false, false, false]);
    assert_eq!(name(&variants, &["x.jpg", "d/y.jpg"], &[], &of), [true, true, true, false, true, false, false]);
    // A key that stands below two referenced prefixes is referenced.
    assert_eq!(name(&variants, &[], &["d/", "d/e/"], &of), [false, false, true, true, true, false, false]);
}

#[test]
fn prefixes_beyond_the_thousandth_are_counted_together() {
    let mut counts = JudgeCounts::default();
    for n in 0..MAX_PREFIXES {
        prefix_counts(&mut counts, &key(&format!("{n}/a"))).claimed.add(1);
    }
    for text in ["more/a", "still-more/a", "7/b", "7/c"] {
        prefix_counts(&mut counts, &key(text)).claimed.add(1);
    }
    assert_eq!(counts.prefixes.len(), MAX_PREFIXES + 1);
    let claimed = |name: &str| counts.prefixes[name].claimed.objects;
    assert_eq!((claimed("(others)"), claimed("7/"), claimed("8/")), (2, 3, 1));
}

#[test]
fn sampled_values_are_marked_by_the_objects_that_they_name() {
    let salt = Salt::random();
    let column = s3gc_source::ColumnId::new("t.c");
    let mut matches = crate::census::MatchSampler::new(salt);
    let mut batch = s3gc_source::ReferenceBatch::builder(column.clone());
    batch.push_value([s3gc_source::Reading::Key("x.jpg")]);
    batch.push_value([s3gc_source::Reading::Key("orphan.jpg")]);
    batch.push_value([s3gc_source::Reading::Prefix("d/")]);
    batch.push_value([s3gc_source::Reading::Key("nothing.jpg")]);
    matches.add(&batch.finish());
    let mut matches = matches.finish();
    let (mut keys, mut prefixes) = (key_set(salt, &["x.jpg"]), key_set(salt, &["d/"]));
    let variants = VariantRules::default();
    let mut references = References { keys: &mut keys, prefixes: &mut prefixes, variants: &variants };
    let entries = ["x.jpg", "orphan.jpg", "d/y.jpg", "else.jpg"].map(entry);
    assert_eq!(references.look_up(&entries, &mut matches).unwrap(), [true, false, true, false]);
    assert_eq!(matches.result(&column), (4, 3));
    assert_eq!(matches.unreferenced(&column), 1);
}

fn judge<'a>(settings: &'a Settings, only: Option<&'a KeyPrefix>) -> Judge<'a> {
    let salt = Salt::random();
    let holds = HoldSet {
        globs: GlobSet::empty(),
        salt,
        restored: key_set(salt, &["held.jpg"]),
        unsettled: key_set(salt, &["unsettled.jpg"]),
    };
    Judge { settings, holds, only, now: at("2026-11-10T00:00:00Z") }
}

#[test]
fn i01_each_reason_keeps_an_object_and_is_counted() {
    let mut settings = Settings::new("b", "/tmp");
    let prefix = |text: &str| KeyPrefix::new(text).unwrap();
    settings.exclude = vec![prefix("excluded/")];
    let mut archived = entry("archived.jpg");
    archived.readable = Readable::Archived;
    let mut young = entry("young.jpg");
    young.last_modified = at("2026-11-09T00:00:00Z");
    let cases = [
        (entry(".s3gc/x"), false, Some(Kept::Reserved)),
        (entry("excluded/x"), false, Some(Kept::Excluded)),
        (entry("held.jpg"), false, Some(Kept::Held)),
        (entry("unsettled.jpg"), false, Some(Kept::Unsettled)),
        (archived, false, Some(Kept::Archived)),
        (entry("referenced.jpg"), true, Some(Kept::Referenced)),
        (young, false, Some(Kept::Young)),
        (entry("orphan.jpg"), false, None),
    ];
    let mut counts = JudgeCounts::default();
    let mut judge_all = judge(&settings, None);
    for (entry, referenced, reason) in cases {
        assert_eq!(judge_all.keep_reason(&entry, referenced), reason, "{}", entry.key);
        let passed = judge_all.sort_out(entry.clone(), referenced, &mut counts);
        assert_eq!(passed, reason.is_none().then_some(entry));
        if let Some(reason) = reason {
            assert_eq!(counts.kept(reason), Tally { objects: 1, bytes: 5 });
        }
    }
    assert_eq!(counts.listed, Tally { objects: 8, bytes: 40 });
    assert_eq!(counts.claimed, Tally { objects: 7, bytes: 35 }, "without what is s3gc's own");
    settings.prefixes = vec![prefix("claimed/")];
    let mut counts = JudgeCounts::default();
    let mut judge = judge(&settings, None);
    assert_eq!(judge.sort_out(entry("elsewhere/x"), false, &mut counts), None);
    assert_eq!(counts.kept(Kept::Unclaimed).objects, 1);
    assert!(judge.sort_out(entry("claimed/x"), false, &mut counts).is_some());
    assert_eq!((counts.listed.objects, counts.claimed.objects), (2, 1));
}

#[test]
fn l17_an_unreferenced_object_waits_is_due_or_lies_outside_of_the_prefix_that_was_asked_for() {
    let (settings, mut counts) = (Settings::new("b", "/tmp"), JudgeCounts::default());
    let only = KeyPrefix::new("a/").unwrap();
    let judge = judge(&settings, Some(&only));
    let (week_ago, later) = (at("2026-11-03T00:00:00Z"), at("2026-11-03T00:00:01Z"));
    let planned = judge.plan(&entry("a/due"), week_ago, &mut counts).unwrap();
    assert_eq!((planned.key.as_str(), planned.unreferenced_since), ("a/due", week_ago));
    assert_eq!(judge.plan(&entry("a/waits"), later, &mut counts), None);
    assert_eq!(judge.plan(&entry("a/waits-longer"), at("2026-11-04T00:00:00Z"), &mut counts), None);
    assert_eq!(judge.plan(&entry("b/due"), week_ago, &mut counts), None);
    let one = Tally { objects: 1, bytes: 5 };
    assert_eq!((counts.due, counts.waiting.objects, counts.out_of_scope), (one, 2, one));
    assert_eq!(counts.next_due_at, Some(at("2026-11-10T00:00:01Z")));
    let of = |prefix: &str| (counts.prefixes[prefix].unreferenced.objects, counts.prefixes[prefix].due.objects);
    assert_eq!((of("a/"), of("b/")), ((3, 1), (1, 0)));
}

#[test]
fn a_reason_is_shown_as_it_is_written() {
    for reason in [
        Kept::Reserved,
        Kept::Unclaimed,
        Kept::Excluded,
        Kept::Held,
        Kept::Unsettled,
        Kept::Archived,
        Kept::Referenced,
        Kept::Young,
    ] {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
