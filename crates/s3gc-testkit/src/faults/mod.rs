//! Wrappers that make the n-th call fail, hang, be cut short or come in another order.
