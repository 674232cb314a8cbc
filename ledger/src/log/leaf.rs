//! The canonical form of an entry: the bytes that stand for it in the tree.
//!
//! The form has no choices: the same entry always gives the same bytes, and other bytes are another entry. Numbers are
//! big-endian and of fixed width, signed ones in two's complement; a text is its length in 4 bytes and its UTF-8. Times
//! are microseconds and dates are days since 1970-01-01. In order:
//!
//! | part | bytes |
//! | --- | --- |
//! | `teranga entry 1` | 15 |
//! | book | 2 |
//! | sequence | 8 |
//! | key | 16 |
//! | booked at | 8 |
//! | effective date | 4 |
//! | kind | text |
//! | which of the optional parts follow: 1 reverses, 2 approvers, 4 period, 8 content; their sum | 1 |
//! | sequence of the entry that it reverses | 8 |
//! | first approver, second approver | 16 + 16 |
//! | period: 1 closed or 2 reopened; through; approver; 0, or 1 and a second approver | 1 + 4 + 16 + 1 (+ 16) |
//! | commitment to description, subject and metadata | 32 |
//! | how many postings | 4 |
//! | each posting: account, the account's commitment, commodity, amount, balance after it | 8 + 32 + 4 + 8 + 8 |
//! | how many changes of holds | 4 |
//! | each change: hold, account, the account's commitment, commodity, 1 placed 2 posted 3 released 4 expired, amount; for a placed one when it expires | 16 + 8 + 32 + 4 + 1 + 8 (+ 8) |
//!
//! That is version 1. An entry that moves or reserves units of projects has version 2: `teranga entry 2` in the place of
//! the first part, all the others as they are, and then:
//!
//! | part | bytes |
//! | --- | --- |
//! | how many units | 4 |
//! | each unit, by number: number, what stands for its definition | 4 + 32 |
//! | how many lots | 4 |
//! | each lot, by posting and name: the posting's place from 1; the lot's entry and number; amount; acquired on; 0, or 1 and the currency and amount of its cost | 2 + 8 + 2 + 8 + 4 + 1 (+ 4 + 8) |
//!
//! Nothing in it names a person: accounts stand by number and commitment, words by a commitment. Who erases a salt
//! makes a commitment say nothing and changes no byte of the tree.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Hash;

pub(super) const TAG: &[u8] = b"teranga entry 1";
pub(super) const TAG_WITH_UNITS: &[u8] = b"teranga entry 2";
const CONTENT_TAG: &[u8] = b"teranga content 1";

/// An entry as the log knows it. `P` and `C` give its postings and its changes of holds, in order.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<'a, P, C> {
    /// The book's number.
    pub(crate) book: i16,
    /// The entry's place in the book.
    pub(crate) sequence: i64,
    /// The entry's idempotency key.
    pub(crate) key: Uuid,
    /// When it was booked, in microseconds since 1970.
    pub(crate) booked_at: i64,
    /// The day on which it takes effect, in days since 1970.
    pub(crate) effective_date: i32,
    /// What kind of thing it records.
    pub(crate) kind: &'a str,
    /// The entry that it takes back.
    pub(crate) reverses: Option<i64>,
    /// The two who approved an adjustment.
    pub(crate) approvers: Option<(Uuid, Uuid)>,
    /// What it does to the book's periods.
    pub(crate) period: Option<LeafPeriod>,
    /// The commitment to its words; none when it has none.
    pub(crate) content: Option<Hash>,
    /// Its postings.
    pub(crate) postings: P,
    /// What it changes in holds.
    pub(crate) hold_changes: C,
    /// The units that it moves or reserves, each once, by number; with any it has version 2.
    pub(crate) units: Vec<LeafUnit>,
    /// The lots that its postings move, by posting and name.
    pub(crate) lots: Vec<LeafLot>,
}

/// A unit as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeafUnit {
    /// Its number.
    pub(crate) number: i32,
    /// What stands for its definition.
    pub(crate) definition: Hash,
}

/// A part of a lot as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeafLot {
    /// The posting's place in the entry.
    pub(crate) ordinal: i16,
    /// The entry by which the lot was issued, and its number there.
    pub(crate) lot: (i64, i16),
    /// Debits positive, in the unit's smallest parts.
    pub(crate) amount: i64,
    /// The day from which it counts as had, in days since 1970.
    pub(crate) acquired_on: i32,
    /// The currency's number and how much, debits positive.
    pub(crate) cost: Option<(i32, i64)>,
}

/// What an entry does to the book's periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeafPeriod {
    /// Closed or reopened.
    pub(crate) change: LeafPeriodChange,
    /// The last day of the period, in days since 1970.
    pub(crate) through: i32,
    /// Who approved it.
    pub(crate) approver: Uuid,
    /// Who approved it too.
    pub(crate) second: Option<Uuid>,
}

/// Whether a period was closed or opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeafPeriodChange {
    /// Closed.
    Closed,
    /// Opened again.
    Reopened,
}

/// A posting as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeafPosting<'a> {
    /// The account's number.
    pub(crate) account: i64,
    /// The account's commitment.
    pub(crate) commitment: &'a Hash,
    /// The account's commodity.
    pub(crate) commodity: i32,
    /// Debits positive, in minor units.
    pub(crate) amount: i64,
    /// The account's balance after it, debits positive.
    pub(crate) balance: i64,
}

/// A change of a hold as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeafHoldChange<'a> {
    /// The hold.
    pub(crate) hold: Uuid,
    /// The account's number.
    pub(crate) account: i64,
    /// The account's commitment.
    pub(crate) commitment: &'a Hash,
    /// The account's commodity.
    pub(crate) commodity: i32,
    /// What happened to it.
    pub(crate) change: LeafHoldEvent,
    /// How much of it, in minor units.
    pub(crate) amount: i64,
}

/// What happened to a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeafHoldEvent {
    /// Reserved, until then, in microseconds since 1970.
    Placed {
        /// When it expires.
        expires_at: i64,
    },
    /// Posted.
    Posted,
    /// Released by hand.
    Released,
    /// Released because its time was over.
    Expired,
}

impl<'a, P, C> Leaf<'a, P, C>
where
    P: IntoIterator<Item = LeafPosting<'a>>,
    C: IntoIterator<Item = LeafHoldChange<'a>>,
{
    /// Puts the canonical form behind what `out` holds already; clear the buffer before the next leaf.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let has_units = !self.units.is_empty();
        out.extend_from_slice(if has_units { TAG_WITH_UNITS } else { TAG });
        out.extend_from_slice(&self.book.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(self.key.as_bytes());
        out.extend_from_slice(&self.booked_at.to_be_bytes());
        out.extend_from_slice(&self.effective_date.to_be_bytes());
        text(out, self.kind);
        let flag = |present: bool, bit: u8| if present { bit } else { 0 };
        out.push(
            flag(self.reverses.is_some(), 1)
                | flag(self.approvers.is_some(), 2)
                | flag(self.period.is_some(), 4)
                | flag(self.content.is_some(), 8),
        );
        if let Some(reverses) = self.reverses {
            out.extend_from_slice(&reverses.to_be_bytes());
        }
        if let Some((first, second)) = self.approvers {
            out.extend_from_slice(first.as_bytes());
            out.extend_from_slice(second.as_bytes());
        }
        if let Some(period) = self.period {
            period.encode(out);
        }
        if let Some(content) = &self.content {
            out.extend_from_slice(content);
        }
        counted(out, self.postings, LeafPosting::encode);
        counted(out, self.hold_changes, LeafHoldChange::encode);
        if has_units {
            counted(out, self.units, LeafUnit::encode);
            counted(out, self.lots, LeafLot::encode);
        }
    }
}

impl LeafUnit {
    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.definition);
    }
}

impl LeafLot {
    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ordinal.to_be_bytes());
        out.extend_from_slice(&self.lot.0.to_be_bytes());
        out.extend_from_slice(&self.lot.1.to_be_bytes());
        out.extend_from_slice(&self.amount.to_be_bytes());
        out.extend_from_slice(&self.acquired_on.to_be_bytes());
        match self.cost {
            None => out.push(0),
            Some((currency, cost)) => {
                out.push(1);
                out.extend_from_slice(&currency.to_be_bytes());
                out.extend_from_slice(&cost.to_be_bytes());
            }
        }
    }
}

impl LeafPeriod {
    fn encode(self, out: &mut Vec<u8>) {
        out.push(match self.change {
            LeafPeriodChange::Closed => 1,
            LeafPeriodChange::Reopened => 2,
        });
        out.extend_from_slice(&self.through.to_be_bytes());
        out.extend_from_slice(self.approver.as_bytes());
        match self.second {
            None => out.push(0),
            Some(second) => {
                out.push(1);
                out.extend_from_slice(second.as_bytes());
            }
        }
    }
}

impl LeafPosting<'_> {
    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.account.to_be_bytes());
        out.extend_from_slice(self.commitment);
        out.extend_from_slice(&self.commodity.to_be_bytes());
        out.extend_from_slice(&self.amount.to_be_bytes());
        out.extend_from_slice(&self.balance.to_be_bytes());
    }
}

impl LeafHoldChange<'_> {
    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.hold.as_bytes());
        out.extend_from_slice(&self.account.to_be_bytes());
        out.extend_from_slice(self.commitment);
        out.extend_from_slice(&self.commodity.to_be_bytes());
        out.push(match self.change {
            LeafHoldEvent::Placed { .. } => 1,
            LeafHoldEvent::Posted => 2,
            LeafHoldEvent::Released => 3,
            LeafHoldEvent::Expired => 4,
        });
        out.extend_from_slice(&self.amount.to_be_bytes());
        if let LeafHoldEvent::Placed { expires_at } = self.change {
            out.extend_from_slice(&expires_at.to_be_bytes());
        }
    }
}

/// Puts how many there are before them, without asking for a length: what gives them need not know it.
fn counted<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, encode: impl Fn(T, &mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    let mut count = 0_u32;
    for item in items {
        encode(item, out);
        count += 1;
    }
    out[at..at + 4].copy_from_slice(&count.to_be_bytes());
}

/// Every text here is bounded far below the 4 GiB that its length can say.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&length(text));
    out.extend_from_slice(text.as_bytes());
}

fn length(text: &str) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The hash of a leaf (RFC 6962, 2.1): of a byte 0 and its canonical form.
pub(crate) fn leaf_hash(canonical: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(canonical);
    hash.finalize().into()
}

/// What stands for an entry's words in the log: tells nothing of them to whoever lacks the salt. `None` for no words.
///
/// SHA-256 of `teranga content 1`, the salt's 16 bytes, and description, subject and metadata, each as a byte 0 when it
/// is missing or as a byte 1 and what it is: a text, 16 bytes, a text. The metadata's text is JSON without blanks, its
/// keys ordered by their UTF-8 bytes, its numbers whole. An entry that was booked before there were salts has its key
/// as salt.
pub(crate) fn content_commitment(
    salt: Uuid,
    description: Option<&str>,
    subject: Option<Uuid>,
    metadata: Option<&serde_json::Value>,
) -> Option<Hash> {
    if description.is_none() && subject.is_none() && metadata.is_none() {
        return None;
    }
    let mut hash = Sha256::new();
    hash.update(CONTENT_TAG);
    hash.update(salt.as_bytes());
    let optional = |hash: &mut Sha256, words: Option<&str>| match words {
        None => hash.update([0]),
        Some(words) => {
            hash.update([1]);
            hash.update(length(words));
            hash.update(words.as_bytes());
        }
    };
    optional(&mut hash, description);
    match subject {
        None => hash.update([0]),
        Some(subject) => {
            hash.update([1]);
            hash.update(subject.as_bytes());
        }
    }
    optional(&mut hash, metadata.map(canonical_json).as_deref());
    Some(hash.finalize().into())
}

/// JSON without blanks and with ordered keys, whatever order the value keeps them in.
fn canonical_json(value: &serde_json::Value) -> String {
    let mut ordered = value.clone();
    ordered.sort_all_objects();
    ordered.to_string()
}

#[cfg(test)]
mod tests;
