//! Moto, an S3 that others wrote.

use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::OnceLock;

use super::{Server, Skip, find, free_port, require, run, server_dir};

/// A server of moto (`pip install 'moto[server]'`): an independent S3 that honours `If-Match` on DeleteObject and does
/// not check signatures.
///
/// # Examples
///
/// ```no_run
/// use s3gc_testkit::servers::Moto;
///
/// let Some(moto) = Moto::shared() else { return };
/// assert!(moto.endpoint().starts_with("http://127.0.0.1:"));
/// ```
#[derive(Debug)]
pub struct Moto {
    server: Server,
    port: u16,
}

impl Moto {
    /// Any access key will do; this is one.
    pub const ACCESS_KEY: &str = "moto";
    /// Any secret key will do; this is one.
    pub const SECRET_KEY: &str = "moto-secret";

    /// Starts a server.
    ///
    /// # Errors
    ///
    /// If Python or moto is not installed, or the server does not start.
    pub fn start() -> Result<Self, Skip> {
        let skip = |error: &dyn std::fmt::Display| Skip::new("moto", error);
        let python = find("python3", &[]).ok_or_else(|| skip(&"python3 is not installed"))?;
        run(Command::new(&python).args(["-c", "import moto.server"])).map_err(|_| skip(&"moto is not installed"))?;
        let dir = server_dir("s3gc-moto-", "root").map_err(|e| skip(&e))?;
        let port = free_port().map_err(|e| skip(&e))?;
        let words = [&python.display().to_string(), "-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()];
        let server = Server::start(&words.map(ToOwned::to_owned), dir, "KILL").map_err(|e| skip(&e))?;
        let moto = Self { server, port };
        let ready = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        moto.server.wait_until(ready).map_err(|e| skip(&e))?;
        Ok(moto)
    }

    /// Returns the one server of this test process, or prints why there is none.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Moto>> = OnceLock::new();
        SHARED.get_or_init(|| require(Self::start())).as_ref()
    }

    /// Returns the address for clients.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
