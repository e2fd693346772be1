//! Wrappers that make the n-th call fail, hang, be cut short or come in another order.
//!
//! A [`FaultPlan`] says which call of which operation goes wrong; the wrappers play it into a real store, source,
//! vault or compressor. Operations have the names of the trait's methods; items of a stream are operations of their own.

mod catalog;
mod compress;
mod plan;
mod source;
mod store;
mod vault;

pub use catalog::FaultyCatalog;
pub use compress::FaultyCompressor;
pub use plan::{Fault, FaultPlan, Hook, Injected};
pub use source::FaultySource;
pub use store::FaultyStore;
pub use vault::FaultyVault;
