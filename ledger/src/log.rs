//! The transparency log: what stands for each entry in a tree that proves that nothing was changed or left out.

mod commitment;
#[allow(dead_code, reason = "what reads the log follows")]
pub(crate) mod leaf;
mod rows;
#[allow(dead_code, reason = "what reads the log follows")]
mod tree;

pub(crate) use commitment::account_commitment;
pub(crate) use rows::frontier_of;
pub(crate) use tree::Frontier;

/// A SHA-256.
pub(crate) type Hash = [u8; 32];
