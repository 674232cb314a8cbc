//! The Merkle tree over a book's entries (RFC 6962): its head, kept as a frontier.

use sha2::{Digest, Sha256};

use super::Hash;
use crate::Error;

/// The head of a growing tree: the roots of its perfect subtrees, largest first, one for each binary one of its size.
///
/// It is all that is needed to go on with a tree of any length: at most 64 hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// The head of the empty tree.
    pub(crate) const fn empty() -> Self {
        Self { size: 0, roots: Vec::new() }
    }

    /// The head that `bytes` keep, for a tree of `size` leaves.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the bytes are not those of a tree of that size.
    pub(crate) fn from_bytes(size: i64, bytes: &[u8]) -> Result<Self, Error> {
        let (roots, rest) = bytes.as_chunks::<32>();
        let size_of_tree = u64::try_from(size).ok().filter(|size| size.count_ones() as usize == roots.len());
        match size_of_tree {
            Some(size) if rest.is_empty() => Ok(Self { size, roots: roots.to_vec() }),
            _ => Err(Error::Corrupt(format!("a frontier of {} bytes for a log of {size} entries", bytes.len()))),
        }
    }

    /// The bytes that keep it: the roots, one after the other.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }

    /// How many leaves the tree has.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its hash. Over many leaves it costs one more hash a leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut root = leaf;
        for _ in 0..self.size.trailing_ones() {
            // As many roots as ones: there is always one to join.
            if let Some(left) = self.roots.pop() {
                root = node_hash(&left, &root);
            }
        }
        self.roots.push(root);
        self.size += 1;
    }

    /// The root of the whole tree; of the empty one it is the SHA-256 of nothing.
    pub(crate) fn root(&self) -> Hash {
        self.roots
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(|| Sha256::digest([]).into())
    }
}

/// The hash of a node (RFC 6962, 2.1): of a byte 1 and its two children.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::leaf::leaf_hash;
    use super::*;

    /// The leaves of the reference implementation of RFC 6962, in hexadecimal.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    /// Their roots as the reference implementation publishes them, from one leaf to eight.
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        (0..hexadecimal.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).expect("hexadecimal"))
            .collect()
    }

    #[test]
    fn the_roots_are_those_of_the_reference_implementation() {
        let mut frontier = Frontier::empty();
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hexadecimal(&frontier.root()), nothing);
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            frontier.push(leaf_hash(&bytes(leaf)));
            assert_eq!(hexadecimal(&frontier.root()), root);
        }
        assert_eq!(frontier.size(), 8);
    }

    #[test]
    fn a_frontier_that_was_kept_goes_on_where_it_stood() -> Result<(), Error> {
        let mut whole = Frontier::empty();
        for (number, size) in (0..300_u32).zip(1_i64..) {
            whole.push(leaf_hash(&number.to_be_bytes()));
            let kept = whole.to_bytes();
            assert_eq!(kept.len(), 32 * size.count_ones() as usize);
            assert_eq!(Frontier::from_bytes(size, &kept)?, whole);
            assert!(Frontier::from_bytes(size, &kept[1..]).is_err());
            assert!(Frontier::from_bytes(-size, &kept).is_err());
        }
        assert_eq!(Frontier::from_bytes(0, &[])?, Frontier::empty());
        Ok(())
    }
}
