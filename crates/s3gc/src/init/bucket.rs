//! Questions to the bucket: does this key exist?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use s3gc_core::store::{Error as StoreError, ListItem, ListRequest};
use s3gc_core::{ObjectKey, ObjectStore};
use s3gc_source::Reading;

use super::template::Names;
use crate::error::Result;

/// A bucket that is asked for each key once.
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    answers: Mutex<HashMap<Question, bool>>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// Is there an object with this key?
    Key(String),
    /// Is there anything with a key that begins so?
    Prefix(String),
}

impl From<Reading<'_>> for Question {
    fn from(reading: Reading<'_>) -> Self {
        match reading {
            Reading::Key(key) => Self::Key(key.to_owned()),
            Reading::Prefix(prefix) => Self::Prefix(prefix.to_owned()),
        }
    }
}

impl Bucket {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, answers: Mutex::default() }
    }

    /// Returns the first of these that the bucket holds.
    pub(super) async fn first(&self, questions: Vec<Question>) -> Result<Option<String>> {
        for question in questions {
            if self.holds(&question).await? {
                let (Question::Key(text) | Question::Prefix(text)) = question;
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Returns the directories with the most objects, among the first objects of the listing, and the names of those.
    pub(super) async fn directories(&self, limit: usize) -> Result<(Vec<String>, Names)> {
        const PAGES: usize = 20;
        let (mut counts, mut names): (HashMap<String, usize>, _) = (HashMap::new(), Names::default());
        let mut pages = self.store.list(ListRequest::new("")).take(PAGES);
        while let Some(item) = pages.next().await {
            let ListItem::Page(page) = item? else { break };
            for entry in &page.entries {
                let key = entry.key.as_str();
                names.add(key);
                for (slash, _) in key.match_indices('/') {
                    *counts.entry(key[..=slash].to_owned()).or_default() += 1;
                }
            }
        }
        let mut directories: Vec<(usize, String)> = counts.into_iter().map(|(name, count)| (count, name)).collect();
        directories.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.cmp(y)));
        Ok((directories.into_iter().map(|(_, name)| name).take(limit).collect(), names))
    }

    async fn holds(&self, question: &Question) -> Result<bool> {
        let answers = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = answers().get(question).copied();
        if let Some(answer) = known {
            return Ok(answer);
        }
        let answer = match question {
            Question::Key(key) => self.has_key(key).await?,
            Question::Prefix(prefix) => self.has_prefix(prefix).await?,
        };
        answers().insert(question.clone(), answer);
        Ok(answer)
    }

    async fn has_key(&self, key: &str) -> Result<bool> {
        let Ok(key) = ObjectKey::new(key) else { return Ok(false) };
        match self.store.head(&key).await {
            Ok(_) => Ok(true),
            Err(StoreError::UnsafeKey { .. } | StoreError::InvalidKey(_)) => Ok(false),
            Err(error) if error.is_not_found() => Ok(false),
            // Who may not look is not told that nothing is there.
            Err(error) => Err(error.into()),
        }
    }

    async fn has_prefix(&self, prefix: &str) -> Result<bool> {
        let mut pages = self.store.list(ListRequest::new(prefix));
        while let Some(item) = pages.next().await {
            match item? {
                ListItem::Page(page) if !page.entries.is_empty() => return Ok(true),
                ListItem::Page(_) => {}
                ListItem::End(_) => break,
            }
        }
        Ok(false)
    }
}
