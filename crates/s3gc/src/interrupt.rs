//! Ctrl-C and SIGTERM: the first ends after what is in flight, the second at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::context::Ctx;

/// Begins to listen. The future ends at the second signal.
///
/// # Errors
///
/// If the system does not let us listen.
pub(crate) fn listen(ctx: &Ctx) -> io::Result<impl Future<Output = ()> + 'static> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let ctx = ctx.clone();
    Ok(async move {
        either(&mut interrupt, &mut terminate).await;
        ctx.say("stopping after what is in flight; once more to stop at once");
        ctx.cancel.cancel();
        either(&mut interrupt, &mut terminate).await;
    })
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
