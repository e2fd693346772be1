//! A proxy before an S3 server: it counts the deletions, lets something happen before one, or delivers it late.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::accident::Armed;

pub(crate) struct Proxy {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    upstream: String,
    before_deletion: Armed,
    /// Whether deletions lose their client, and wait for a permit before they go on.
    is_late: watch::Sender<bool>,
    permits: Semaphore,
    deletions: watch::Sender<usize>,
    landed: watch::Sender<usize>,
}

impl Proxy {
    pub(crate) async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            before_deletion: Armed::default(),
            is_late: watch::Sender::new(false),
            permits: Semaphore::new(0),
            deletions: watch::Sender::new(0),
            landed: watch::Sender::new(0),
        });
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(serve(client, Arc::clone(&shared)));
                }
            }
        });
        Self { endpoint, shared, task }
    }

    /// What happens before the next deletion reaches the server.
    pub(crate) fn before_deletion(&self) -> &Armed {
        &self.shared.before_deletion
    }

    /// Deletions lose their client from now on, and wait for [`Self::deliver`].
    pub(crate) fn hold_back(&self) {
        self.shared.is_late.send_replace(true);
    }

    /// Sends what was held back to the server, and waits for its answers.
    pub(crate) async fn deliver(&self) {
        self.shared.is_late.send_replace(false);
        let held = self.deletions();
        self.shared.permits.add_permits(held);
        self.shared.landed.subscribe().wait_for(|landed| *landed == held).await.unwrap();
    }

    /// How many deletions came, without those of canaries.
    pub(crate) fn deletions(&self) -> usize {
        *self.shared.deletions.borrow()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(&shared.upstream).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut answers = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    while let Some(request) = read_request(&mut from_client).await {
        if is_deletion(&request) {
            shared.deletions.send_modify(|count| *count += 1);
            if *shared.is_late.borrow() {
                // The client sees its connection end without an answer.
                answers.abort();
                drop((&mut answers).await);
                drop(from_client);
                deliver_late(&request, &shared).await;
                return;
            }
            shared.before_deletion.happen().await;
        }
        if to_server.write_all(&request).await.is_err() {
            break;
        }
    }
    drop(to_server);
    drop(answers.await);
}

async fn deliver_late(request: &[u8], shared: &Shared) {
    let Ok(permit) = shared.permits.acquire().await else { return };
    permit.forget();
    let mut server = TcpStream::connect(&shared.upstream).await.unwrap();
    server.write_all(request).await.unwrap();
    // A server answers after it did what was asked.
    let mut answer = vec![0; 4096];
    assert!(server.read(&mut answer).await.unwrap() > 0);
    shared.landed.send_modify(|count| *count += 1);
}

/// Reads one whole request, so that what follows it is another one.
async fn read_request(client: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = client.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&piece[..length]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let header =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned()));
        let body = &request[end + 4..];
        let is_whole = match header("content-length:") {
            Some(length) => body.len() >= length.parse().unwrap(),
            None if header("transfer-encoding:").is_some() => {
                (body.starts_with(b"0\r\n") || body.windows(5).any(|window| window == b"\r\n0\r\n"))
                    && body.ends_with(b"\r\n\r\n")
            }
            None => true,
        };
        if is_whole {
            return Some(request);
        }
    }
}

/// Whether it deletes anything but canaries.
fn is_deletion(request: &[u8]) -> bool {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let is_batch = line.starts_with("POST ") && line.contains("?delete");
    let names_canaries = request.windows(11).any(|window| window == b".s3gc-probe");
    (line.starts_with("DELETE ") || is_batch) && !names_canaries
}
