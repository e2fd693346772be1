//! Ceph's radosgw, an S3 that many run for themselves.

use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::sync::OnceLock;

use super::{Server, Skip, find, free_port, require, server_dir};

/// A Ceph of one monitor, one OSD in memory, and one radosgw: it takes a quarter of a minute to start, so tests ask for it
/// only where [`Self::ENABLE`] is set. `scripts/radosgw.sh` fetches its programs.
///
/// # Examples
///
/// ```no_run
/// use s3gc_testkit::servers::Radosgw;
///
/// let Some(radosgw) = Radosgw::shared() else { return };
/// assert!(radosgw.endpoint().starts_with("http://127.0.0.1:"));
/// ```
#[derive(Debug)]
pub struct Radosgw {
    server: Server,
    port: u16,
}

impl Radosgw {
    /// The access key of the user that it knows.
    pub const ACCESS_KEY: &str = "s3gcradosgw";
    /// The secret key that belongs to it.
    pub const SECRET_KEY: &str = "s3gc-radosgw-secret";
    /// The environment variable without which it is skipped.
    pub const ENABLE: &str = "S3GC_TEST_RADOSGW";
    /// The environment variable that names a directory into which the packages were unpacked; else those of the system.
    pub const ROOT: &str = "S3GC_TEST_CEPH_ROOT";

    /// Starts a cluster.
    ///
    /// # Errors
    ///
    /// If it is not asked for, a program of it is not there, or it does not start.
    pub fn start() -> Result<Self, Skip> {
        if std::env::var_os(Self::ENABLE).is_none() {
            return Err(skip(format!("{} is not set", Self::ENABLE)));
        }
        let root = std::env::var_os(Self::ROOT).map(PathBuf::from);
        let dirs: Vec<PathBuf> = root.iter().map(|root| root.join("usr/bin")).collect();
        for name in ["ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph"] {
            find(name, &dirs).ok_or_else(|| skip(format!("{name} is not installed (scripts/radosgw.sh)")))?;
        }
        let dir = server_dir("s3gc-radosgw-", "root").map_err(skip)?;
        let script = dir.path().join("radosgw.sh");
        std::fs::write(&script, include_str!("radosgw.sh")).map_err(skip)?;
        let port = free_port().map_err(skip)?;
        let words = [
            "sh".to_owned(),
            script.display().to_string(),
            dir.path().display().to_string(),
            root.unwrap_or_default().display().to_string(),
            free_port().map_err(skip)?.to_string(),
            free_port().map_err(skip)?.to_string(),
            port.to_string(),
            Self::ACCESS_KEY.to_owned(),
            Self::SECRET_KEY.to_owned(),
        ];
        let server = Server::start(&words, dir, "USR1").map_err(skip)?;
        let ready = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        server.wait_until(ready).map_err(skip)?;
        Ok(Self { server, port })
    }

    /// Returns the one server of this test process, or prints why there is none.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Radosgw>> = OnceLock::new();
        SHARED.get_or_init(|| require(Self::start())).as_ref()
    }

    /// Returns the address for clients.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the directory of the server, which is removed with it.
    #[must_use]
    pub fn dir(&self) -> &std::path::Path {
        &self.server.dir
    }
}

fn skip(error: impl std::fmt::Display) -> Skip {
    Skip::new("radosgw", error)
}
