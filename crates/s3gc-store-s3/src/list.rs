//! Listings, page by page, with every key checked against the one before it.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object, ObjectStorageClass};
use futures::stream::{self, BoxStream, StreamExt};
use percent_encoding::percent_decode;
use s3gc_store::{
    Checkpoint, ETag, ListEnd, ListEntry, ListItem, ListPage, ListRequest, ObjectKey, Readable, Result, SkippedName,
};

use crate::convert::{is_archive_class, timestamp};
use crate::error::{Call, error};
use crate::store::Inner;

/// Where a listing stands.
struct Walk {
    prefix: String,
    /// The token of the next page.
    token: Option<String>,
    /// The name before the next one, as raw bytes: names that are no keys have their place in the order too.
    last: Option<Vec<u8>>,
    end: ListEnd,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Pages,
    End,
    Over,
}

impl Inner {
    pub(crate) fn list_pages(&self, request: ListRequest) -> BoxStream<'_, Result<ListItem>> {
        let walk = Walk {
            prefix: request.prefix,
            token: None,
            last: request.resume.map(|checkpoint| checkpoint.0.into_bytes()),
            end: ListEnd { entries: 0, skipped: 0 },
            state: State::Pages,
        };
        let step = move |mut walk: Walk| async move {
            match walk.state {
                State::Over => None,
                State::End => {
                    walk.state = State::Over;
                    Some((Ok(ListItem::End(walk.end)), walk))
                }
                State::Pages => {
                    let page = self.next_page(&mut walk).await;
                    if page.is_err() {
                        walk.state = State::Over;
                    }
                    Some((page.map(ListItem::Page), walk))
                }
            }
        };
        stream::unfold(walk, step).boxed()
    }

    async fn next_page(&self, walk: &mut Walk) -> Result<ListPage> {
        let call = self.bucket_call("ListObjectsV2");
        let start_after = match (&walk.token, &walk.last) {
            (None, Some(last)) => Some(String::from_utf8_lossy(last).into_owned()),
            _ => None,
        };
        let permit = self.permit().await;
        let output = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .encoding_type(EncodingType::Url)
            .set_prefix(Some(walk.prefix.clone()).filter(|prefix| !prefix.is_empty()))
            .set_start_after(start_after)
            .set_continuation_token(walk.token.take())
            .send()
            .await
            .map_err(|failure| error(call, &failure))?;
        drop(permit);
        let page = read_page(call, walk, &output)?;
        match (output.is_truncated(), output.next_continuation_token) {
            (Some(true), Some(token)) => walk.token = Some(token),
            (Some(true), None) => return Err(call.protocol("there is a next page, but the answer does not say where")),
            (None, Some(_)) => return Err(call.protocol("the answer does not say whether there is a next page")),
            (_, _) => walk.state = State::End,
        }
        Ok(page)
    }
}

/// Reads a page; keys that do not follow each other could mean that others are left out.
fn read_page(call: Call<'_>, walk: &mut Walk, output: &ListObjectsV2Output) -> Result<ListPage> {
    let encoded = output.encoding_type() == Some(&EncodingType::Url);
    let mut page = ListPage::default();
    for object in output.contents() {
        let name = object.key().ok_or_else(|| call.protocol("an object without a key"))?;
        let name = if encoded { url_decode(name) } else { name.as_bytes().to_vec() };
        if !name.starts_with(walk.prefix.as_bytes()) {
            return Err(call.protocol(format!("{:?} is outside the prefix {:?}", lossy(&name), walk.prefix)));
        }
        if let Some(last) = walk.last.as_ref().filter(|last| **last >= name) {
            let reason = format!("{:?} comes after {:?}: the listing is not in order", lossy(&name), lossy(last));
            return Err(call.protocol(reason));
        }
        match String::from_utf8(name.clone()).map_err(|_| "not UTF-8".to_owned()) {
            Ok(text) => match ObjectKey::new(text) {
                Ok(key) => page.entries.push(entry(call, key, object)?),
                Err(invalid) => page.skipped.push(skipped(&name, &invalid.to_string())),
            },
            Err(reason) => page.skipped.push(skipped(&name, &reason)),
        }
        walk.last = Some(name);
    }
    walk.end.entries += u64::try_from(page.entries.len()).unwrap_or(u64::MAX);
    walk.end.skipped += u64::try_from(page.skipped.len()).unwrap_or(u64::MAX);
    let last = walk.last.as_ref().and_then(|last| String::from_utf8(last.clone()).ok());
    page.checkpoint = last.map(Checkpoint);
    Ok(page)
}

fn entry(call: Call<'_>, key: ObjectKey, object: &Object) -> Result<ListEntry> {
    let lacking = |what: &str| call.protocol(format!("{key:?} is listed without {what}"));
    let size = object.size().and_then(|size| u64::try_from(size).ok()).ok_or_else(|| lacking("a size"))?;
    let etag = ETag::new(object.e_tag().ok_or_else(|| lacking("an entity tag"))?);
    let at = object.last_modified().and_then(timestamp).ok_or_else(|| lacking("a date"))?;
    let class = object.storage_class().map(ObjectStorageClass::as_str);
    let mut entry = ListEntry::new(key, size, etag, at);
    if class.is_some_and(is_archive_class) {
        entry.readable = Readable::Archived;
    }
    Ok(entry)
}

fn skipped(name: &[u8], reason: &str) -> SkippedName {
    SkippedName { name: lossy(name), reason: reason.to_owned() }
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Decodes `encoding-type=url`: percent escapes, and `+` for a space; a plus sign itself is always escaped.
pub(crate) fn url_decode(text: &str) -> Vec<u8> {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_key_is_decoded_exactly_once() {
        for (encoded, key) in
            [("a+b%2Bc", "a b+c"), ("%252F", "%2F"), ("a%0Ab", "a\nb"), ("%F0%9F%98%80", "😀"), ("a/b", "a/b")]
        {
            assert_eq!(url_decode(encoded), key.as_bytes());
        }
        assert_eq!(url_decode("%FF"), [0xFF]);
    }
}
