//! An auditor's sample of entries, drawn from a public seed, so that neither side picks it.
//!
//! The seed is something that neither side could choose once the entries were fixed: the hash of the book's checkpoint
//! after them. Whoever has the seed and the entries draws the same sample.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::page::{EntryRow, Page};
use super::{Export, json_lines};
use crate::{Currency, Error};

/// Entries that a sample may have.
pub const MAX_SAMPLE: usize = 10_000;

/// What stands before the seed in each hash.
const EVEN: &[u8] = b"teranga sample 1 even";
const BY_AMOUNT: &[u8] = b"teranga sample 1 by amount";

/// How a sample is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Every entry is as likely: those with the smallest SHA-256 of the seed and their sequence.
    Even,
    /// Every minor unit that was debited in a currency is as likely: a number below the sum of all debits is drawn as
    /// often as entries are wanted, and the entry in which the debits up to it are reached is taken. An entry can be
    /// drawn several times.
    ByAmount(Currency),
}

/// An entry that was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// The entry's place in the book.
    pub sequence: i64,
    /// What drew it: the number of the draw, from 1.
    pub draw: u64,
    /// The hash that drew it.
    pub hash: [u8; 32],
    /// The entry, as a line of JSON.
    pub line: String,
}

/// Why no sample was drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// The book could not be read.
    #[error(transparent)]
    Ledger(#[from] Error),
    /// The sample would be too large.
    #[error("a sample has 1 to {MAX_SAMPLE} entries, not {0}")]
    Size(usize),
    /// Nothing was debited in the currency.
    #[error("nothing was debited in {0}")]
    NothingToWeigh(Currency),
}

/// The hash of a seed and a number.
fn hash(purpose: &[u8], seed: &[u8; 32], number: u64) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(purpose);
    hash.update(seed);
    hash.update(number.to_be_bytes());
    hash.finalize().into()
}

/// The debits of an entry in a currency, in minor units.
fn weight(page: &Page, entry: &EntryRow, currency: Currency) -> u128 {
    let debits = page.postings(entry).iter().filter(|posting| posting.account.commodity == currency);
    debits.map(|posting| u128::try_from(posting.amount_minor).unwrap_or(0)).sum()
}

fn line(page: &Page, entry: &EntryRow) -> Result<String, Error> {
    let mut out = Vec::new();
    json_lines::write(page, entry, &mut out)?;
    Ok(String::from_utf8_lossy(&out).trim_end().to_owned())
}

impl Export {
    /// Draws `size` entries of the export, in the order of the book; fewer when it has fewer.
    ///
    /// # Errors
    /// [`SampleError`].
    pub async fn sample(&self, seed: [u8; 32], size: usize, draw: Draw) -> Result<Vec<Sampled>, SampleError> {
        if !(1..=MAX_SAMPLE).contains(&size) {
            return Err(SampleError::Size(size));
        }
        let mut sample = match draw {
            Draw::Even => self.sample_evenly(&seed, size).await?,
            Draw::ByAmount(currency) => self.sample_by_amount(&seed, size, currency).await?,
        };
        sample.sort_by_key(|sampled| (sampled.sequence, sampled.draw));
        Ok(sample)
    }

    async fn sample_evenly(&self, seed: &[u8; 32], size: usize) -> Result<Vec<Sampled>, Error> {
        let mut smallest = BTreeMap::<[u8; 32], (i64, String)>::new();
        let mut pages = std::pin::pin!(self.pages());
        while let Some(page) = pages.next().await {
            let page = page?;
            for entry in &page.entries {
                let hash = hash(EVEN, seed, entry.sequence.unsigned_abs());
                let is_full = smallest.len() >= size;
                if is_full && smallest.last_key_value().is_some_and(|(largest, _)| *largest < hash) {
                    continue;
                }
                smallest.insert(hash, (entry.sequence, line(&page, entry)?));
                if is_full {
                    smallest.pop_last();
                }
            }
        }
        let sampled = |((hash, (sequence, line)), draw)| Sampled { sequence, draw, hash, line };
        Ok(smallest.into_iter().zip(1..).map(sampled).collect())
    }

    async fn sample_by_amount(
        &self,
        seed: &[u8; 32],
        size: usize,
        currency: Currency,
    ) -> Result<Vec<Sampled>, SampleError> {
        let mut total = 0;
        let mut pages = std::pin::pin!(self.pages());
        while let Some(page) = pages.next().await {
            let page = page?;
            total += page.entries.iter().map(|entry| weight(&page, entry, currency)).sum::<u128>();
        }
        if total == 0 {
            return Err(SampleError::NothingToWeigh(currency));
        }
        let mut drawn: Vec<(u128, u64, [u8; 32])> = (1..=size as u64)
            .map(|draw| {
                let hash = hash(BY_AMOUNT, seed, draw);
                let mut number = [0; 16];
                number.copy_from_slice(&hash[..16]);
                // What the remainder favours is below one in 2^60 for any sum that fits into a balance.
                (u128::from_be_bytes(number) % total, draw, hash)
            })
            .collect();
        drawn.sort_unstable();
        let mut drawn = drawn.into_iter().peekable();
        let mut sample = Vec::with_capacity(size);
        let mut reached = 0;
        let mut pages = std::pin::pin!(self.pages());
        while let Some(page) = pages.next().await {
            let page = page?;
            for entry in &page.entries {
                reached += weight(&page, entry, currency);
                while let Some((_, draw, hash)) = drawn.next_if(|(number, ..)| *number < reached) {
                    sample.push(Sampled { sequence: entry.sequence, draw, hash, line: line(&page, entry)? });
                }
            }
        }
        Ok(sample)
    }
}
