//! The transparency log: what stands for each entry in a tree that proves that nothing was changed or left out.

mod commitment;

pub(crate) use commitment::account_commitment;
