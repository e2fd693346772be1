//! Preflight: is everything the one that it was, and do the clocks agree?

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;
use s3gc_source::{SourceIdentity, SourceStatus};
use s3gc_store::{StoreStatus, Timestamp};

use crate::brakes::{Brake, brake};
use crate::catalog::{Mode, Pin};
use crate::gc::Parts;
use crate::{Error, Result, Settings, migration};

/// How far clocks may be apart.
pub(crate) const MAX_SKEW: Duration = Duration::from_secs(60);

/// What the preflight found.
#[derive(Debug)]
pub(crate) struct Preflight {
    pub(crate) store: StoreStatus,
    pub(crate) identities: Vec<(String, SourceIdentity)>,
    /// The brakes `identity`, `position` and `schema`.
    pub(crate) brakes: Vec<Brake>,
    /// The pins as they should be once the run's census is good.
    pub(crate) pins: Vec<Pin>,
    /// The store's clock minus ours, in seconds.
    skew_seconds: i64,
}

impl Preflight {
    /// Reads every status. Nothing is changed.
    pub(crate) async fn run(parts: &Parts, mode: Mode) -> Result<Self> {
        check_settings(&parts.settings, mode)?;
        if mode == Mode::Execute {
            migration::check(parts).await?;
        }
        let mut preflight = Self::compare_all(parts).await?;
        if let Some(reason) = migration::reason(parts).await? {
            preflight.brakes.push(migration::as_brake(&reason));
        }
        Ok(preflight)
    }

    /// Asks store and sources who they are and what time it is there, whatever is to be done.
    pub(crate) async fn compare_all(parts: &Parts) -> Result<Self> {
        let store = parts.store.status().await?;
        check_skew("the store", store.now, parts.clock.now())?;
        let skew_seconds = store.now.map_or(0, |now| now.as_second() - parts.clock.now().as_second());
        let known = parts.catalog.pins(parts.store.location()).await?;
        let mut preflight = Self { store, identities: Vec::new(), brakes: Vec::new(), pins: Vec::new(), skew_seconds };
        preflight.compare_sources(parts, &known)?;
        for source in &parts.sources {
            let Some(status) = source.status().await? else { continue };
            check_skew(source.name(), status.now, parts.clock.now())?;
            preflight.compare(source.name(), &status, &known, parts.clock.now());
            preflight.identities.push((source.name().to_owned(), status.identity));
        }
        Ok(preflight)
    }

    /// Returns the store's time.
    pub(crate) fn now(&self, parts: &Parts) -> Timestamp {
        let now = parts.clock.now();
        now.checked_add(SignedDuration::from_secs(self.skew_seconds)).unwrap_or(now)
    }

    /// Returns the identities as a plan stores them.
    pub(crate) fn identities(&self) -> Vec<(String, String)> {
        self.identities.iter().map(|(name, identity)| (name.clone(), pinned_identity(identity))).collect()
    }

    /// What a source that is gone referenced would count as unreferenced.
    fn compare_sources(&mut self, parts: &Parts, known: &[Pin]) -> Result<()> {
        let names: Vec<&str> = parts.sources.iter().map(|source| source.name()).collect();
        let before: Vec<String> = match known.iter().find(|pin| pin.name == "sources") {
            Some(pin) => serde_json::from_str(&pin.value)
                .map_err(|error| Error::Internal(format!("the pin of the sources cannot be read: {error}")))?,
            None => Vec::new(),
        };
        for gone in before.iter().filter(|name| !names.contains(&name.as_str())) {
            self.trip("identity", format!("{gone} was a source in the last good run, and is not configured any more"));
        }
        let value = serde_json::json!(names).to_string();
        self.pins.push(Pin { name: "sources".into(), value, set_at: parts.clock.now() });
        Ok(())
    }

    fn compare(&mut self, name: &str, status: &SourceStatus, known: &[Pin], now: Timestamp) {
        let identity = pinned_identity(&status.identity);
        let pin_of = |kind: &str| known.iter().find(|pin| pin.name == format!("{kind}:{name}"));
        if let Some(pin) = pin_of("identity").filter(|pin| pin.value != identity) {
            let reason = format!("{name} is another database than before: {identity} instead of {}", pin.value);
            self.trip("identity", reason);
        }
        if let Some(column) = pin_of("schema").and_then(|pin| changed_column(&pin.value, &status.identity.schema)) {
            self.trip("schema", format!("what {name} watches changed since the last good run: {column}"));
        }
        let before = pin_of("position").and_then(|pin| pin.value.parse::<u64>().ok());
        if let (Some(before), Some(position)) = (before, status.position)
            && position < before
        {
            let reason = format!("{name} went back from position {before} to {position}: was a backup restored?");
            self.trip("position", reason);
        }
        let mut pin = |kind: &str, value: String| {
            self.pins.push(Pin { name: format!("{kind}:{name}"), value, set_at: now });
        };
        pin("identity", identity);
        pin("schema", status.identity.schema.clone());
        if let Some(position) = status.position {
            pin("position", position.to_string());
        }
    }

    fn trip(&mut self, name: &str, reason: String) {
        match self.brakes.iter_mut().find(|brake| brake.name == name) {
            Some(brake) => brake.reason = format!("{}; {reason}", brake.reason),
            None => self.brakes.push(brake(name, reason)),
        }
    }
}

fn pinned_identity(identity: &SourceIdentity) -> String {
    let timeline = identity.timeline.as_deref().map(|timeline| format!(" timeline {timeline}")).unwrap_or_default();
    format!("{} {}{timeline}", identity.system, identity.database)
}

/// Finds a column that is not watched any more, or is another one now. One that is watched since is no change: it can
/// only keep more.
fn changed_column<'a>(before: &'a str, now: &str) -> Option<&'a str> {
    let now: HashSet<&str> = now.lines().collect();
    before.lines().find(|line| !now.contains(line)).map(|line| line.split('\t').next().unwrap_or(line))
}

/// The stops that the configuration alone decides.
fn check_settings(settings: &Settings, mode: Mode) -> Result<()> {
    if mode == Mode::Execute && settings.retention < Settings::RETENTION_FLOOR && !settings.allow_short_retention {
        return Err(Error::Stop {
            name: "retention",
            reason: "a retention of under a day deletes uploads in progress: lengthen it, or set \
                     [safety] allow_short_retention = true"
                .into(),
        });
    }
    if let Some(window) = settings.backup_window.filter(|window| *window > settings.keep) {
        return Err(Error::Stop {
            name: "vault_keep",
            reason: format!(
                "the database can be restored to {} days ago, but the vault keeps objects for {} days only: \
                 raise [vault] keep_days",
                window.as_secs() / 86_400,
                settings.keep.as_secs() / 86_400
            ),
        });
    }
    Ok(())
}

/// A drifting clock defeats retention.
fn check_skew(who: &str, theirs: Option<Timestamp>, ours: Timestamp) -> Result<()> {
    let Some(theirs) = theirs else { return Ok(()) };
    let skew = theirs.as_second().abs_diff(ours.as_second());
    if skew > MAX_SKEW.as_secs() {
        return Err(Error::Stop {
            name: "clock",
            reason: format!(
                "the clock of {who} and that of this host are {skew} s apart, 60 s are allowed: set them right"
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l20_clocks_that_are_more_than_a_minute_apart_stop() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let at = |text: &str| Some(text.parse().unwrap());
        assert!(check_skew("x", at("2026-11-23T10:01:00Z"), now).is_ok());
        assert!(check_skew("x", at("2026-11-23T10:01:01Z"), now).is_err());
        assert!(check_skew("x", at("2026-11-23T09:58:59Z"), now).is_err());
        assert!(check_skew("x", None, now).is_ok());
    }

    #[test]
    fn l18_a_column_that_is_gone_or_of_another_type_is_a_change_and_a_new_one_is_none() {
        let before = "\"t.a\"\ttext\n\"t.b\"\ttext\n";
        assert_eq!(changed_column(before, before), None);
        assert_eq!(changed_column(before, "\"t.a\"\ttext\n\"t.aa\"\ttext\n\"t.b\"\ttext\n"), None);
        assert_eq!(changed_column(before, "\"t.a\"\ttext\n"), Some("\"t.b\""));
        assert_eq!(changed_column(before, "\"t.a\"\ttext\n\"t.b\"\tuuid\n"), Some("\"t.b\""));
    }

    #[test]
    fn l08_a_short_retention_stops_an_execute_only() {
        let mut settings = Settings::new("b", "/tmp");
        settings.retention = Duration::from_secs(3600);
        assert!(matches!(check_settings(&settings, Mode::Execute), Err(Error::Stop { name: "retention", .. })));
        assert!(check_settings(&settings, Mode::DryRun).is_ok());
        settings.allow_short_retention = true;
        assert!(check_settings(&settings, Mode::Execute).is_ok());
    }

    #[test]
    fn l17_a_vault_that_forgets_before_the_backups_do_stops() {
        let mut settings = Settings::new("b", "/tmp");
        settings.backup_window = Some(settings.keep + Duration::from_secs(1));
        assert!(matches!(check_settings(&settings, Mode::DryRun), Err(Error::Stop { name: "vault_keep", .. })));
    }
}
