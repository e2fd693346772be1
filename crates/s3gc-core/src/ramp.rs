//! The trust ramp: a schedule that nobody watches deletes nothing until some days were observed, then a little, then more
//! each day, and begins again after any trouble. What a person runs is not capped.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use s3gc_store::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::{EntryFilter, EntryId, EntryState, Mode, Pin, RunState};
use crate::gc::{Parts, RunOptions};
use crate::report::RunReport;
use crate::{Error, Result};

/// The name of the pin that holds the state.
const PIN: &str = "ramp";
const PAGE: u32 = 1000;

/// How fast trust grows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    /// On how many days a complete run must have tripped nothing before a scheduled one deletes.
    pub observe_runs: u32,
    /// How many objects scheduled runs may delete on the first day after that.
    pub first_cap: u64,
    /// By what the cap is multiplied after each day on which they deleted something and nothing went wrong.
    pub growth: f64,
}

impl Default for Ramp {
    fn default() -> Self {
        Self { observe_runs: 3, first_cap: 100, growth: 2.0 }
    }
}

/// Where the ramp of a store stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RampStatus {
    /// On how many days a complete run tripped nothing, as far as they count.
    pub observed_days: u32,
    /// How many are needed.
    pub observe_runs: u32,
    /// How many objects scheduled runs may delete today; `None` while they only observe.
    pub cap_per_day: Option<u64>,
    /// How many objects were deleted today, by any run.
    pub deleted_today: u64,
    /// When it began again.
    pub reset_at: Option<Timestamp>,
    /// Why it began again.
    pub reset_reason: Option<String>,
}

impl RampStatus {
    /// Returns how many objects a scheduled run may delete now.
    #[must_use]
    pub fn left_today(&self) -> u64 {
        self.cap_per_day.unwrap_or_default().saturating_sub(self.deleted_today)
    }
}

/// Reads where the ramp stands; `None` if it is turned off.
pub(crate) async fn status(parts: &Parts) -> Result<Option<RampStatus>> {
    let Some(ramp) = parts.settings.ramp else { return Ok(None) };
    let now = parts.clock.now();
    let state = State::load(parts).await?;
    let cap_per_day = state.cap(ramp, day(now));
    Ok(Some(RampStatus {
        observed_days: u32::try_from(state.observed.len()).unwrap_or(u32::MAX).min(ramp.observe_runs),
        observe_runs: ramp.observe_runs,
        cap_per_day,
        deleted_today: deleted_on(parts, day(now), cap_per_day.unwrap_or(u64::MAX)).await?,
        reset_at: state.reset_at,
        reset_reason: state.reset_reason,
    }))
}

/// Learns from a run that has ended. `trouble` is what it failed with.
pub(crate) async fn learn(
    parts: &Parts,
    report: &RunReport,
    options: &RunOptions,
    trouble: Option<&Error>,
) -> Result<()> {
    let Some(ramp) = parts.settings.ramp else { return Ok(()) };
    let mut state = State::load(parts).await?;
    let before = state.clone();
    let now = parts.clock.now();
    match why_reset(report, trouble) {
        Some(reason) => state = State { reset_at: Some(now), reset_reason: Some(reason), ..State::default() },
        None => state.learn(ramp, report, options, day(now)),
    }
    if state == before { Ok(()) } else { state.store(parts, now).await }
}

/// Tells what of a run takes the trust away.
fn why_reset(report: &RunReport, trouble: Option<&Error>) -> Option<String> {
    if report.resurrected.found.objects > 0 {
        return Some(format!("{} deleted objects are referenced", report.resurrected.found.objects));
    }
    if report.recovered.crashed > 0 {
        return Some("a run in execute mode died".into());
    }
    if report.mode != Mode::Execute {
        return None;
    }
    match trouble {
        // Somebody wanted it so, and nothing is wrong.
        Some(Error::Cancelled | Error::Locked { .. } | Error::Stop { name: crate::migration::NAME, .. }) => None,
        Some(error) => Some(format!("run {} failed: {}", report.run, crate::report::chain(error))),
        None if report.state == RunState::Partial => Some(format!("run {} failed for some objects", report.run)),
        None => None,
    }
}

/// What is known of the past, in the catalog as a pin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Days with a complete run that tripped nothing, as many as are needed.
    observed: Vec<Date>,
    /// On how many days scheduled runs deleted something, and nothing went wrong.
    swept_days: u32,
    /// The last of them.
    last_swept: Option<Date>,
    reset_at: Option<Timestamp>,
    reset_reason: Option<String>,
}

impl State {
    async fn load(parts: &Parts) -> Result<Self> {
        let pins = parts.catalog.pins(parts.store.location()).await?;
        match pins.iter().find(|pin| pin.name == PIN) {
            None => Ok(Self::default()),
            Some(pin) => serde_json::from_str(&pin.value)
                .map_err(|error| Error::Internal(format!("the pin of the trust ramp cannot be read: {error}"))),
        }
    }

    async fn store(&self, parts: &Parts, now: Timestamp) -> Result<()> {
        let value = serde_json::to_string(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(parts.catalog.set_pin(parts.store.location(), &Pin { name: PIN.into(), value, set_at: now }).await?)
    }

    fn learn(&mut self, ramp: Ramp, report: &RunReport, options: &RunOptions, today: Date) {
        if report.state != RunState::Done || !report.brakes.is_empty() {
            return;
        }
        if options.scheduled && report.sweep.deleted.objects > 0 && self.last_swept != Some(today) {
            self.swept_days += 1;
            self.last_swept = Some(today);
        }
        // A plan that is run has no census of its own.
        let needs = usize::try_from(ramp.observe_runs).unwrap_or(usize::MAX);
        if options.plan.is_none() && self.observed.len() < needs && !self.observed.contains(&today) {
            self.observed.push(today);
        }
    }

    /// How many objects may be deleted on a day; `None` before enough was observed.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cap needs no more than 52 bits, is never negative, and saturates"
    )]
    fn cap(&self, ramp: Ramp, today: Date) -> Option<u64> {
        if u32::try_from(self.observed.len()).unwrap_or(u32::MAX) < ramp.observe_runs {
            return None;
        }
        // What is deleted today lets the cap grow tomorrow.
        let days = self.swept_days - u32::from(self.last_swept == Some(today)).min(self.swept_days);
        let cap = ramp.first_cap as f64 * ramp.growth.powi(i32::try_from(days).unwrap_or(i32::MAX));
        Some(cap as u64)
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Counts the objects that were deleted on a day, or whose deletion was sent; no further than to `enough`.
async fn deleted_on(parts: &Parts, today: Date, enough: u64) -> Result<u64> {
    let start = today.to_zoned(TimeZone::UTC).map_err(|error| Error::Internal(error.to_string()))?.timestamp();
    let filter = EntryFilter {
        location: Some(parts.store.location().clone()),
        since: Some(start),
        states: vec![EntryState::Sent, EntryState::Deleted, EntryState::Restored],
        ..EntryFilter::default()
    };
    let (mut deleted, mut after) = (0, EntryId::default());
    while deleted < enough {
        let page = parts.catalog.entries(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        deleted += page.len() as u64;
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests;
