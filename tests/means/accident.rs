//! Something that happens once, when its time comes.

use std::sync::Mutex;

use futures::future::BoxFuture;

/// What is to happen next.
#[derive(Default)]
pub(crate) struct Armed(Mutex<Option<BoxFuture<'static, ()>>>);

impl Armed {
    pub(crate) fn arm(&self, accident: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::pin(accident));
    }

    /// Tells whether it has happened, or there was nothing.
    pub(crate) fn is_over(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }

    /// Lets it happen, if there is something.
    pub(crate) async fn happen(&self) {
        let accident = self.0.lock().unwrap().take();
        if let Some(accident) = accident {
            accident.await;
        }
    }
}
