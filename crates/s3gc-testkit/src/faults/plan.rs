//! The plan: which call of which operation goes wrong, and how.

use std::fmt;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};

/// What goes wrong.
///
/// A wrapper answers a fault that its operation cannot have (such as [`Fault::Reorder`] for a `head`) with an error
/// that says so, so that a test does not pass by mistake.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// The call fails for good, without effect; in the middle of a stream, the stream ends with an error.
    Fail,
    /// The same, with an error that may be gone at the next try.
    FailTransient,
    /// The request is lost on its way: no effect and no answer, so the outcome of a deletion is unknown.
    Lost,
    /// The effect happens, and the answer is lost: the outcome of a deletion is unknown.
    Unanswered,
    /// The call never comes back.
    Hang,
    /// A body loses its second half, a stream of items its end, without any error.
    Truncate,
    /// One bit of a body is flipped.
    Corrupt,
    /// A stream gives its items, and the entries in them, in the opposite order; its end stays last.
    Reorder,
    /// Something else happens first, such as an application that writes; then the call goes on.
    Hook(Hook),
}

/// What a [`Fault::Hook`] runs.
pub type Hook = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

impl Fault {
    /// Runs a closure before the call goes on.
    pub fn hook<F, Fut>(run: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::Hook(Arc::new(move || Box::pin(run())))
    }

    /// Tells whether an error of this fault is one that may be gone at the next try.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::FailTransient | Self::Lost | Self::Unanswered)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "Fail",
            Self::FailTransient => "FailTransient",
            Self::Lost => "Lost",
            Self::Unanswered => "Unanswered",
            Self::Hang => "Hang",
            Self::Truncate => "Truncate",
            Self::Corrupt => "Corrupt",
            Self::Reorder => "Reorder",
            Self::Hook(_) => "Hook",
        })
    }
}

/// Which calls go wrong: shared by its clones, so that a test keeps one and wraps stores and sources with others.
///
/// # Examples
///
/// ```
/// use s3gc_testkit::faults::{Fault, FaultPlan};
///
/// let plan = FaultPlan::new().at("get", 3, Fault::Fail).at_any(40, Fault::Hang);
/// assert_eq!(plan.calls(), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultPlan(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    log: Vec<&'static str>,
    fired: u64,
}

#[derive(Debug)]
struct Rule {
    /// `None` is any operation.
    operation: Option<&'static str>,
    /// Counted from 1; `None` is every call.
    call: Option<u64>,
    fault: Fault,
}

impl FaultPlan {
    /// Begins a plan in which nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the `call`-th call of an operation go wrong, counted from 1.
    #[must_use]
    pub fn at(self, operation: &'static str, call: u64, fault: Fault) -> Self {
        self.push(Rule { operation: Some(operation), call: Some(call), fault })
    }

    /// Lets the `call`-th call of all go wrong, whatever it is, counted from 1.
    #[must_use]
    pub fn at_any(self, call: u64, fault: Fault) -> Self {
        self.push(Rule { operation: None, call: Some(call), fault })
    }

    /// Lets every call of an operation go wrong.
    #[must_use]
    pub fn always(self, operation: &'static str, fault: Fault) -> Self {
        self.push(Rule { operation: Some(operation), call: None, fault })
    }

    /// Counts the calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        count(self.state().log.len())
    }

    /// Counts the calls of one operation so far.
    #[must_use]
    pub fn calls_of(&self, operation: &str) -> u64 {
        count(self.state().log.iter().filter(|called| **called == operation).count())
    }

    /// Lists the operations in the order in which they were called.
    #[must_use]
    pub fn log(&self) -> Vec<&'static str> {
        self.state().log.clone()
    }

    /// Counts the faults that happened: a test of a fault that never happened proves nothing.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.state().fired
    }

    /// Counts a call, runs its hooks, hangs if it is to hang, and returns any other fault for the wrapper to play.
    pub async fn enter(&self, operation: &'static str) -> Option<Fault> {
        let mut played = None;
        for fault in self.count_call(operation) {
            match fault {
                Fault::Hook(hook) => hook().await,
                Fault::Hang => pending().await,
                other => played = played.or(Some(other)),
            }
        }
        played
    }

    /// Plays faults into a stream of items, each of which is one call of `operation`.
    pub fn items<'a, T, E>(
        &self,
        operation: &'static str,
        items: impl Stream<Item = Result<T, E>> + Send + Unpin + 'a,
        error: impl Fn(&'static str, &Fault) -> E + Send + 'a,
    ) -> BoxStream<'a, Result<T, E>>
    where
        T: Send + 'a,
        E: Send + 'a,
    {
        let plan = self.clone();
        stream::unfold(Some((items, error)), move |state| {
            let plan = plan.clone();
            async move {
                let (mut items, error) = state?;
                match plan.enter(operation).await {
                    None => items.next().await.map(|item| (item, Some((items, error)))),
                    Some(Fault::Truncate) => None,
                    Some(fault) => Some((Err(error(operation, &fault)), None)),
                }
            }
        })
        .boxed()
    }

    fn push(self, rule: Rule) -> Self {
        self.state().rules.push(rule);
        self
    }

    fn count_call(&self, operation: &'static str) -> Vec<Fault> {
        let mut state = self.state();
        state.log.push(operation);
        let total = count(state.log.len());
        let of_operation = count(state.log.iter().filter(|called| **called == operation).count());
        let applies = |rule: &&Rule| match (rule.operation, rule.call) {
            (Some(name), Some(call)) => name == operation && call == of_operation,
            (Some(name), None) => name == operation,
            (None, Some(call)) => call == total,
            (None, None) => true,
        };
        let faults: Vec<Fault> = state.rules.iter().filter(applies).map(|rule| rule.fault.clone()).collect();
        state.fired += count(faults.len());
        faults
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// The cause of an error that a plan asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected(String);

impl Injected {
    /// Names the operation and the fault.
    #[must_use]
    pub fn new(operation: &str, fault: &Fault) -> Self {
        match fault {
            Fault::Fail | Fault::FailTransient | Fault::Lost | Fault::Unanswered => {
                Self(format!("injected fault {fault:?} in {operation}"))
            }
            _ => Self(format!("the fault plan is wrong: {operation} cannot have the fault {fault:?}")),
        }
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Injected {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn only_the_nth_call_of_the_operation_goes_wrong() {
        let plan = FaultPlan::new().at("get", 2, Fault::Fail);
        assert!(plan.enter("get").await.is_none());
        assert!(plan.enter("head").await.is_none());
        assert!(matches!(plan.enter("get").await, Some(Fault::Fail)));
        assert!(plan.enter("get").await.is_none());
        assert_eq!((plan.calls(), plan.calls_of("get"), plan.fired()), (4, 3, 1));
        assert_eq!(plan.log(), ["get", "head", "get", "get"]);
    }

    #[tokio::test]
    async fn a_call_of_any_operation_and_every_call_of_one_can_go_wrong() {
        let plan = FaultPlan::new().at_any(2, Fault::FailTransient).always("put", Fault::Fail);
        assert!(plan.enter("get").await.is_none());
        assert!(matches!(plan.enter("list").await, Some(Fault::FailTransient)));
        for _ in 0..2 {
            assert!(matches!(plan.enter("put").await, Some(Fault::Fail)));
        }
    }

    #[tokio::test]
    async fn clones_share_the_count() {
        let plan = FaultPlan::new().at("get", 2, Fault::Fail);
        assert!(plan.clone().enter("get").await.is_none());
        assert!(plan.clone().enter("get").await.is_some());
        assert_eq!(plan.calls(), 2);
    }

    #[test]
    fn a_hanging_call_never_comes_back() {
        let plan = FaultPlan::new().at("get", 1, Fault::Hang);
        assert!(plan.enter("get").now_or_never().is_none());
        assert!(plan.enter("get").now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_hook_runs_and_the_call_goes_on() {
        let runs = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&runs);
        let hook = Fault::hook(move || {
            let counted = Arc::clone(&counted);
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let plan = FaultPlan::new().at("get", 1, hook);
        assert!(plan.enter("get").await.is_none());
        assert!(plan.enter("get").await.is_none());
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_stream_of_items_fails_or_ends_at_the_nth() {
        for (fault, expected) in [(Fault::Fail, vec![Ok(1), Err(())]), (Fault::Truncate, vec![Ok(1)])] {
            let plan = FaultPlan::new().at("item", 2, fault);
            let items = plan.items("item", stream::iter([Ok(1), Ok(2), Ok(3)]), |_, _| ());
            assert_eq!(items.collect::<Vec<_>>().await, expected);
        }
    }
}
