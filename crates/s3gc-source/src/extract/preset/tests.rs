use super::super::{ExtractConfig, Extractor, Readings, Template, Variants};
use super::*;
use crate::Reading;

fn options() -> PresetOptions {
    PresetOptions {
        table: Some("users".into()),
        column: Some("avatar".into()),
        class: Some("user".into()),
        ..PresetOptions::default()
    }
}

/// The options of the list that the preset takes.
fn fitting(preset: Preset) -> PresetOptions {
    let takes = |option: &str| preset.options().contains(&option);
    let all = options();
    PresetOptions {
        table: all.table.filter(|_| takes("table")),
        column: all.column.filter(|_| takes("column")),
        class: all.class.filter(|_| takes("class")),
        ..PresetOptions::default()
    }
}

/// Reads a row as a source does, and shows a prefix with a star.
fn read(column: &PresetColumn, row: &[(&str, Option<&str>)]) -> Vec<String> {
    let extractor = Extractor::new(ExtractConfig {
        bucket: "photos".into(),
        kind: column.kind,
        strip: column.strip.clone(),
        prepend: column.prepend.clone(),
        json_paths: column.json_paths.clone(),
        ..ExtractConfig::default()
    })
    .unwrap();
    let value = match &column.template {
        Some(template) => Template::parse(template).unwrap().fill(row),
        None => row.iter().find(|(name, _)| *name == column.columns[0]).and_then(|(_, v)| v.map(str::to_owned)),
    };
    let mut out = Readings::default();
    extractor.extract(&value.unwrap_or_default(), &mut out);
    let show = |reading| match reading {
        Reading::Key(key) => key.to_owned(),
        Reading::Prefix(prefix) => format!("{prefix}*"),
    };
    out.iter().map(show).collect()
}

fn assert_reads(columns: &[PresetColumn], row: &[(&str, Option<&str>)], keys: &[&str]) {
    let found: Vec<String> = columns.iter().flat_map(|column| read(column, row)).collect();
    for key in keys {
        assert!(found.iter().any(|f| f == key), "{key} is not in {found:?}");
    }
}

fn bases(columns: &[PresetColumn], key: &str) -> Vec<String> {
    let rules: Vec<String> = columns.iter().flat_map(|column| column.variants.clone()).collect();
    Variants::new(&rules).unwrap().bases(key).collect()
}

#[test]
fn every_preset_expands_into_columns_that_make_sense() {
    for preset in Preset::ALL {
        assert_eq!(preset.name().parse::<Preset>(), Ok(*preset));
        assert_eq!(serde_json::to_value(preset).unwrap(), preset.name());
        let columns = preset.expand(&fitting(*preset)).unwrap();
        assert!(!columns.is_empty());
        for column in &columns {
            read(column, &[]);
            assert!(!column.table.is_empty() && !column.columns.is_empty());
            Variants::new(&column.variants).unwrap();
            if let Some(template) = &column.template {
                let template = Template::parse(template).unwrap();
                assert_eq!(template.columns().collect::<Vec<_>>(), column.columns);
            } else {
                assert_eq!(column.columns.len(), 1);
            }
        }
    }
}

#[test]
fn an_option_that_is_missing_or_of_no_use_is_refused() {
    let missing = Preset::Django.expand(&PresetOptions::default()).unwrap_err();
    assert_eq!(missing, InvalidPreset::Missing { preset: Preset::Django, option: "table" });
    let unused = Preset::ActiveStorage.expand(&options()).unwrap_err();
    assert_eq!(unused, InvalidPreset::Unused { preset: Preset::ActiveStorage, option: "table" });
    assert!("rails".parse::<Preset>().unwrap_err().to_string().contains("active_storage"));
}

#[test]
fn django_and_shrine_are_read_below_their_prefix() {
    let of =
        |preset: Preset| preset.expand(&PresetOptions { prefix: Some("/media/".into()), ..fitting(preset) }).unwrap();
    assert_reads(&of(Preset::Django), &[("avatar", Some("a/b.jpg"))], &["media/a/b.jpg", "a/b.jpg"]);
    let data = r#"{"id":"1.jpg","storage":"store","metadata":{"size":3},"derivatives":{"s":{"id":"2.jpg"},"l":[{"id":"3.jpg"}]}}"#;
    assert_reads(&of(Preset::Shrine), &[("avatar", Some(data))], &["media/1.jpg", "2.jpg", "media/3.jpg"]);
}

#[test]
fn active_storage_keeps_untracked_variants_with_their_blob() {
    let columns = Preset::ActiveStorage.expand(&PresetOptions::default()).unwrap();
    assert_reads(&columns, &[("key", Some("xtapjjcjiudrlk3tmwyjgpuobabd"))], &["xtapjjcjiudrlk3tmwyjgpuobabd"]);
    assert_eq!(bases(&columns, "variants/xtapjjcj/0f1e2d"), ["xtapjjcj"]);
    let columns = Preset::ActiveStorage.expand(&PresetOptions { prefix: Some("p".into()), ..PresetOptions::default() });
    assert_eq!(bases(&columns.unwrap(), "p/variants/x/0f"), ["p/x"]);
}

#[test]
fn carrierwave_keeps_versions_with_their_file() {
    let row = [("id", Some("7")), ("avatar", Some("a.jpg"))];
    let columns = Preset::CarrierWave.expand(&options()).unwrap();
    assert_reads(&columns, &row, &["uploads/user/avatar/7/*"]);
    let columns = Preset::CarrierWave.expand(&PresetOptions { styles: vec!["thumb".into()], ..options() }).unwrap();
    assert_reads(&columns, &row, &["uploads/user/avatar/7/a.jpg"]);
    assert_eq!(bases(&columns, "uploads/user/avatar/7/thumb_a.jpg"), ["uploads/user/avatar/7/a.jpg"]);
}

#[test]
fn paperclip_has_a_key_for_each_style() {
    let given = PresetOptions { class: Some("users".into()), styles: vec!["thumb".into()], ..options() };
    let columns = Preset::Paperclip.expand(&given).unwrap();
    let row = [("id", Some("1234")), ("avatar_file_name", Some("a.PNG"))];
    let keys = [
        "users/avatars/000/001/234/original/a.PNG",
        "users/avatars/000/001/234/thumb/a.PNG",
        "users/avatars/000/001/234/thumb/a.jpg",
    ];
    assert_reads(&columns, &row, &keys);
}

#[test]
fn laravel_strapi_and_payload_are_read() {
    let columns = Preset::LaravelMedialibrary.expand(&PresetOptions::default()).unwrap();
    assert_reads(&columns, &[("id", Some("5"))], &["5/*"]);
    let columns = Preset::Strapi.expand(&PresetOptions::default()).unwrap();
    let row = [
        ("url", Some("https://photos.s3.amazonaws.com/a_1.jpg")),
        ("formats", Some(r#"{"small":{"url":"https://photos.s3.amazonaws.com/small_a_1.jpg","hash":"small_a_1"}}"#)),
        ("hash", Some("b_2")),
        ("ext", Some(".png")),
    ];
    assert_reads(&columns, &row, &["a_1.jpg", "small_a_1.jpg", "b_2.png"]);
    let given =
        PresetOptions { columns: vec!["prefix".into()], styles: vec!["card".into()], ..PresetOptions::default() };
    let columns = Preset::Payload.expand(&given).unwrap();
    let row = [("prefix", Some("m")), ("filename", Some("a.jpg")), ("sizes_card_filename", Some("a-9x9.jpg"))];
    assert_reads(&columns, &row, &["m/a.jpg", "m/a-9x9.jpg"]);
    assert_reads(&columns, &[("prefix", None), ("filename", Some("a.jpg"))], &["a.jpg"]);
    assert_eq!(bases(&columns, "m/a-768x1024.jpg"), ["m/a.jpg"]);
}

#[test]
fn wordpress_keeps_the_sizes_of_its_attachments() {
    let columns = Preset::WordPress.expand(&PresetOptions::default()).unwrap();
    let meta =
        r#"a:2:{s:4:"file";s:13:"2020/01/a.jpg";s:5:"sizes";a:1:{s:5:"thumb";a:1:{s:4:"file";s:9:"a-1x1.jpg";}}}"#;
    let keys = ["wp-content/uploads/2020/01/a.jpg", "wp-content/uploads/2020/01/a-1x1.jpg"];
    assert_reads(&columns, &[("meta_value", Some(meta))], &keys);
    assert_eq!(bases(&columns, "u/2020/01/a-300x200.jpg"), ["u/2020/01/a.jpg"]);
    assert_eq!(bases(&columns, "u/a-scaled-300x200.jpg.webp"), ["u/a-scaled-300x200.jpg", "u/a-scaled.jpg", "u/a.jpg"]);
}

#[test]
fn directus_keeps_transformed_assets() {
    let columns =
        Preset::Directus.expand(&PresetOptions { prefix: Some("d".into()), ..PresetOptions::default() }).unwrap();
    let id = "1ac73658-8b62-4dea-b6da-529fbc9d01a4";
    assert_reads(&columns, &[("filename_disk", Some(&format!("{id}.jpg")))], &[&format!("d/{id}.jpg")]);
    let found = bases(&columns, &format!("d/{id}__{}.webp", "0f1e2d3c4b".repeat(4)));
    assert!(found.contains(&format!("d/{id}.webp")) && found.contains(&format!("d/{id}.jpg")), "{found:?}");
}
