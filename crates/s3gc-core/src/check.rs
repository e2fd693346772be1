//! Could a run begin? Every part is asked, and none stops the others from answering.

use futures::StreamExt;
use s3gc_source::WriteFence;
use s3gc_store::{ListItem, ListRequest, Versioning};
use s3gc_vault::FileName;
use s3gc_vault::encryption::check_key;
use serde::Serialize;

use crate::catalog::Mode;
use crate::gc::Parts;
use crate::preflight::Preflight;
use crate::report::chain;
use crate::{Result, RunId, fence, sweep};

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// What was asked.
    pub name: String,
    /// How it stands.
    pub state: CheckState,
    /// What was found, or what is wrong and the way out.
    pub detail: String,
}

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// All is well.
    Ok,
    /// A run can begin, but a person should know.
    Warn,
    /// No run can begin.
    Fail,
}

pub(crate) async fn check(parts: &Parts, probe: bool) -> Vec<CheckItem> {
    let mut items = Vec::new();
    let mut add = |name: &str, result: Result<(CheckState, String)>| {
        let (state, detail) = result.unwrap_or_else(|error| (CheckState::Fail, chain(&error)));
        items.push(CheckItem { name: name.to_owned(), state, detail });
    };
    add("list", list(parts).await);
    for source in &parts.sources {
        add(&format!("source {}", source.name()), source_status(&**source).await);
    }
    for (name, fence) in fence::fences(parts) {
        add(&format!("fence {name}"), fence_status(parts, fence).await);
    }
    add("preflight", preflight(parts).await);
    add("vault", vault(parts, probe).await);
    add("catalog", catalog(parts).await);
    add("delete", deletion(parts, probe).await);
    items
}

async fn list(parts: &Parts) -> Result<(CheckState, String)> {
    let prefix = parts.settings.prefixes.first().map(|prefix| prefix.as_str().to_owned()).unwrap_or_default();
    let mut items = parts.store.list(ListRequest::new(prefix));
    let location = parts.store.location();
    match items.next().await {
        Some(Ok(ListItem::Page(page))) if !page.entries.is_empty() => {
            let key = page.entries[0].key.clone();
            parts.store.head(&key).await?;
            parts.store.tags(&key).await?;
            Ok((CheckState::Ok, format!("{location} can be listed and read")))
        }
        Some(Ok(_)) => Ok((CheckState::Warn, format!("{location} can be listed, and is empty"))),
        Some(Err(error)) => Err(error.into()),
        None => Ok((CheckState::Fail, format!("{location}: the listing gave nothing"))),
    }
}

async fn source_status(source: &dyn s3gc_source::ReferenceSource) -> Result<(CheckState, String)> {
    let Some(status) = source.status().await? else {
        return Ok((CheckState::Ok, "has no status of its own".into()));
    };
    Ok((CheckState::Ok, format!("{} ({}), on the primary", status.identity.database, status.identity.system)))
}

async fn fence_status(parts: &Parts, fence: &dyn WriteFence) -> Result<(CheckState, String)> {
    let status = fence.status(&fence::owner(parts)).await?;
    if status.is_whole() {
        return Ok((CheckState::Ok, "the write fence is whole".into()));
    }
    let faults = status.faults.join("; ");
    Ok((CheckState::Fail, format!("{faults}: run s3gc fence setup, or turn it off")))
}

async fn preflight(parts: &Parts) -> Result<(CheckState, String)> {
    let preflight = Preflight::run(parts, Mode::Execute).await?;
    if preflight.brakes.is_empty() {
        return Ok((CheckState::Ok, "identities and clocks are as they should be".into()));
    }
    let reasons: Vec<String> =
        preflight.brakes.iter().map(|brake| format!("{}: {}", brake.name, brake.reason)).collect();
    Ok((CheckState::Warn, format!("a plan would be blocked: {}", reasons.join("; "))))
}

async fn vault(parts: &Parts, probe: bool) -> Result<(CheckState, String)> {
    let (mut packs, mut bytes, mut encrypted) = (0_u64, 0_u64, None);
    let mut files = parts.vault.list("packs/");
    while let Some(file) = files.next().await {
        let file = file?;
        packs += 1;
        bytes += file.size_bytes;
        // The newest: names begin with the time.
        encrypted = encrypted.max(Some(file.name).filter(FileName::is_encrypted));
    }
    let mut detail = format!("{}: {packs} packs, {bytes} bytes", parts.vault.location());
    match parts.recipients.len() {
        0 => {}
        1 => detail.push_str("; new ones are encrypted to 1 recipient"),
        count => detail.push_str(&format!("; new ones are encrypted to {count} recipients")),
    }
    if let Some(newest) = encrypted
        && let Err(error @ s3gc_vault::Error::Locked { .. }) = check_key(&*parts.vault, &newest).await
    {
        detail.push_str(&format!("; nothing encrypted can be restored here: {error}"));
    }
    let Some(lease) = parts.vault.lease() else {
        return Ok((CheckState::Warn, format!("{detail}; it has no lease")));
    };
    if !probe {
        return Ok((CheckState::Ok, detail));
    }
    match lease.probe().await {
        Ok(()) => Ok((CheckState::Ok, format!("{detail}; it has a lease"))),
        Err(s3gc_vault::Error::Unsupported { reason, .. }) => {
            Ok((CheckState::Warn, format!("{detail}; it has no lease, since {reason}")))
        }
        Err(error) => Err(error.into()),
    }
}

async fn catalog(parts: &Parts) -> Result<(CheckState, String)> {
    let head = parts.catalog.audit_head().await?;
    Ok((CheckState::Ok, format!("{}: {} audit entries, head {}", parts.catalog.name(), head.seq, head.hash)))
}

async fn deletion(parts: &Parts, probe: bool) -> Result<(CheckState, String)> {
    let status = parts.store.status().await?;
    if !probe && status.guarantees.is_none() {
        let detail = match status.versioning {
            Versioning::Enabled => "the bucket keeps versions; what else it honours shows `check --probe`",
            Versioning::Suspended => {
                "versioning is suspended: a deletion destroys the object; what the store honours shows `check --probe`"
            }
            Versioning::Off => "what the store honours on deletion shows `check --probe`",
        };
        return Ok((CheckState::Ok, detail.into()));
    }
    let found = sweep::probe(&*parts.store, &status, RunId::at(parts.clock.now())).await?;
    let means = sweep::Means::pick(parts, found, status.versioning)?;
    let honoured = |yes: bool| if yes { "honoured" } else { "ignored" };
    let detail = format!(
        "If-Match on DeleteObject {}, ETag in DeleteObjects {}, If-None-Match on PutObject {}; deletes by {}",
        honoured(found.single_etag),
        honoured(found.batch_etag),
        honoured(found.creates_only),
        means.as_str()
    );
    let state = if found.creates_only { CheckState::Ok } else { CheckState::Warn };
    Ok((state, detail))
}
