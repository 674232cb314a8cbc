//! Lots: what units were issued as, with their cost and the day from which they count as had.
//!
//! Every posting of units is made of lots. A lot comes into being when units are issued, which is a debit of an account
//! on whose normal side debits stand; from then on it is passed on, whole or in parts, and its cost is divided with it
//! to the last minor unit. Whoever gives units gives the lots had for longest first, unless the entry names others.
//!
//! | posting | what becomes of lots |
//! | --- | --- |
//! | debit of units issued | new lots: those that the entry's credits state, or one without cost |
//! | debit of a holding | gives: first in first out, or as named |
//! | credit of a holding | receives: what it states of the new ones, or what is given, in order |
//! | credit of units issued | takes back what is given: the lots end |
//!
//! So in each entry each lot sums to zero, in units and in cost.

mod reads;

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use crate::{Amount, Commodity, Entry, EntryError, Money, Sequence};

pub(crate) use reads::LotsOfPostings;
pub use reads::MAX_PAGE_LOTS;

/// Lots that one entry may move, counted for each posting.
pub const MAX_LOTS: usize = 10_000;

/// The name of a lot: the entry by which its units were issued, and which lot of that entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LotName {
    /// The entry.
    pub sequence: Sequence,
    /// Its place among the lots of that entry, from 1.
    pub number: i16,
}

impl fmt::Display for LotName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.sequence.number(), self.number)
    }
}

/// Units that an entry issues as one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewLot {
    /// How many.
    pub amount: Amount,
    /// The day from which they count as had.
    pub acquired_on: NaiveDate,
    /// What was paid for all of them, where that is known.
    pub cost: Option<Money>,
}

/// Units of a lot that an entry gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenLot {
    /// The lot.
    pub lot: LotName,
    /// How many.
    pub amount: Amount,
}

/// What an entry says of the lots of a posting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum SaidOfLots {
    /// Nothing: first in, first out.
    #[default]
    Nothing,
    /// These are given.
    Given(Vec<GivenLot>),
    /// These are issued.
    Issued(Vec<NewLot>),
}

impl Entry {
    /// What is received as new must be issued by the entry, and not by whoever receives it.
    pub(crate) fn require_issue(&self) -> Result<(), EntryError> {
        let mut issued = BTreeMap::<Commodity, i128>::new();
        for posting in self.postings().iter().filter(|posting| posting.account().issues_by_debit()) {
            *issued.entry(posting.amount().commodity()).or_default() += i128::from(posting.amount().minor()).max(0);
        }
        for posting in self.postings() {
            let SaidOfLots::Issued(_) = posting.lots() else { continue };
            let left = issued.entry(posting.amount().commodity()).or_default();
            *left += i128::from(posting.amount().minor());
            if *left < 0 || posting.account().issues_by_debit() {
                return Err(EntryError::NotIssued { account: posting.account().clone() });
            }
        }
        Ok(())
    }
}

impl SaidOfLots {
    /// Adds what is said to what tells two contents apart.
    pub(crate) fn fingerprint(&self, hash: &mut Sha256) {
        match self {
            Self::Nothing => {}
            Self::Given(lots) => lots.iter().for_each(|given| {
                hash.update(b"given");
                hash.update(given.lot.sequence.number().to_be_bytes());
                hash.update(given.lot.number.to_be_bytes());
                hash.update(given.amount.minor().to_be_bytes());
            }),
            Self::Issued(lots) => lots.iter().for_each(|issued| {
                hash.update(b"issued");
                hash.update(issued.amount.minor().to_be_bytes());
                hash.update(issued.acquired_on.to_epoch_days().to_be_bytes());
                let cost = issued.cost.map_or((0, 0), |cost| (cost.currency().number(), cost.minor()));
                hash.update(cost.0.to_be_bytes());
                hash.update(cost.1.to_be_bytes());
            }),
        }
    }
}

/// Some units of a lot, as a posting moves them; amounts are debits positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// The lot.
    pub name: LotName,
    /// The day from which they count as had.
    pub acquired_on: NaiveDate,
    /// How many.
    pub amount: Amount,
    /// What was paid for that many.
    pub cost: Option<Money>,
}
