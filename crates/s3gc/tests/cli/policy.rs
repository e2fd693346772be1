//! `s3gc check --print-policy` against servers that enforce it: what it prints is enough, and none of it is superfluous.

mod fence;
mod iam;
mod mariadb;
mod postgres;
mod secrets;
mod vault;

use serde_json::Value;

use crate::world::World;

/// A password that must be in nothing that is printed.
const PASSWORD: &str = "hunter2-collector";
const PLAN: &[&str] = &["plan"];
const EXECUTE: &[&str] = &["run", "--mode", "execute", "--yes", "--json"];

/// Configures another database than the file, with a second watched table whose name needs its quotes.
fn configure(world: &World, url: &str, more: &str) {
    let text = world.configuration().replace("url = \"sqlite:app.db\"", &format!("url = \"{url}\"{more}"));
    let text = text.replace("users = [\"avatar\"]", "users = [\"avatar\"]\n'cms.\"Order\"' = [\"file\"]");
    std::fs::write(world.path("s3gc.toml"), text).unwrap();
}

/// What the policy prints for the only database.
async fn printed(world: &World) -> Value {
    let done = world.expect(0, &["check", "--print-policy", "--json"]).await;
    assert!(!done.stdout.contains(PASSWORD), "{done:?}");
    done.json()["databases"][0].clone()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// The statement that a note recommends.
fn recommended(notes: &Value, about: &str) -> Vec<String> {
    let notes = strings(notes).into_iter().filter(|note| note.contains(about));
    notes.filter_map(|note| Some(format!("GRANT {}", note.split_once(": GRANT ")?.1))).collect()
}

/// All of them but one, for each.
fn each_left_out(statements: &[String]) -> impl Iterator<Item = (&str, Vec<&str>)> {
    statements.iter().map(|out| {
        let rest = statements.iter().filter(|other| *other != out).map(String::as_str);
        (out.as_str(), rest.collect())
    })
}
