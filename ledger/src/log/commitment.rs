use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::AccountCode;

/// What stands for an account in the log: tells nothing of its code to whoever lacks the salt.
///
/// SHA-256 of `teranga account 1`, the salt's 16 bytes, the commodity as 4 bytes, the floor as a byte 1 and 8 bytes or
/// as a byte 0, and the code; all numbers big-endian.
pub(crate) fn account_commitment(salt: Uuid, code: &AccountCode, commodity: i32, floor_minor: Option<i64>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"teranga account 1");
    hash.update(salt.as_bytes());
    hash.update(commodity.to_be_bytes());
    match floor_minor {
        None => hash.update([0]),
        Some(floor) => {
            hash.update([1]);
            hash.update(floor.to_be_bytes());
        }
    }
    hash.update(code.as_str().as_bytes());
    hash.finalize().into()
}
