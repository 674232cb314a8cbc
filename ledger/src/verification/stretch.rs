//! A stretch of entries, checked by itself; what it takes for granted is kept for whoever joins it to the one before.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::accounts::Facts;
use super::{Differences, Hash, Kind, lots};
use crate::BookId;
use crate::log::leaf::leaf_hash;
use crate::log::{Booked, PostingRow, Row};

/// What a stretch found.
pub(super) struct Checked {
    pub(super) after: i64,
    pub(super) to: i64,
    pub(super) differences: Differences,
    pub(super) postings: i64,
    pub(super) entries: i64,
    pub(super) hashes: Vec<Hash>,
    pub(super) runs: HashMap<i64, Run>,
    pub(super) first_booked_at: Option<DateTime<Utc>>,
    pub(super) last_booked_at: Option<DateTime<Utc>>,
}

/// The postings of one account in a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The balance that the first posting takes for granted, and where it stands.
    pub(super) before: i64,
    pub(super) first: (i64, i16),
    pub(super) last: i64,
    pub(super) last_sequence: i64,
}

/// A stretch that is being read.
pub(super) struct Stretch<'a> {
    book: BookId,
    facts: &'a Facts,
    expected: i64,
    buffer: Vec<u8>,
    checked: Checked,
}

impl<'a> Stretch<'a> {
    pub(super) fn new(book: BookId, after: i64, facts: &'a Facts) -> Self {
        let checked = Checked {
            after,
            to: after,
            differences: Differences::default(),
            postings: 0,
            entries: 0,
            hashes: Vec::new(),
            runs: HashMap::new(),
            first_booked_at: None,
            last_booked_at: None,
        };
        Self { book, facts, expected: after + 1, buffer: Vec::new(), checked }
    }

    pub(super) fn take(&mut self, row: &Row) {
        match row {
            Row::Stray(posting) => {
                let what = "it belongs to no entry".to_owned();
                self.found(Kind::Stray, posting.sequence, Some(posting.ordinal), what);
            }
            Row::Entry(entry) => self.take_entry(entry),
        }
    }

    pub(super) fn finish(mut self, to: i64) -> Checked {
        if self.expected <= to {
            self.found(Kind::Sequence, self.expected, None, "it is missing".to_owned());
        }
        self.checked.to = to;
        self.checked
    }

    fn take_entry(&mut self, entry: &Booked) {
        let sequence = entry.sequence();
        if sequence != self.expected {
            self.found(Kind::Sequence, self.expected, None, "it is missing".to_owned());
        }
        self.expected = sequence + 1;
        self.checked.entries += 1;
        self.check_time(sequence, entry.booked_at());
        self.check_numbering(entry);
        self.check_balance(entry);
        for posting in &entry.postings {
            self.check_posting(posting);
        }
        self.check_floors(entry);
        if let Some(what) = lots::fault(entry) {
            self.found(Kind::Lot, sequence, None, what);
        }
        if entry.has_idle_salt() {
            self.found(Kind::Log, sequence, None, "it has a salt and no words".to_owned());
        }
        self.buffer.clear();
        match entry.encode(&mut self.buffer) {
            Ok(()) => self.checked.hashes.push(leaf_hash(&self.buffer)),
            Err(error) => self.found(Kind::Log, sequence, None, error.to_string()),
        }
    }

    fn found(&mut self, kind: Kind, sequence: i64, posting: Option<i16>, what: String) {
        self.checked.differences.found(kind, self.book, sequence, posting, what);
    }

    fn check_time(&mut self, sequence: i64, booked_at: DateTime<Utc>) {
        if self.checked.last_booked_at.is_some_and(|before| booked_at < before) {
            self.found(Kind::Time, sequence, None, "it was booked before the entry that it follows".to_owned());
        }
        self.checked.first_booked_at.get_or_insert(booked_at);
        self.checked.last_booked_at = Some(booked_at);
    }

    fn check_numbering(&mut self, entry: &Booked) {
        let count = entry.postings.len();
        let numbered = entry.postings.iter().zip(1_i16..).all(|(posting, ordinal)| posting.ordinal == ordinal)
            && entry.hold_changes.iter().zip(1_i16..).all(|(change, ordinal)| change.ordinal == ordinal);
        let enough = count >= 2 || count == 0 && entry.acts_otherwise();
        if !numbered || !enough {
            let last = entry.postings.last().map_or(0, |posting| posting.ordinal);
            let what = format!("it has {count} postings, the last numbered {last}");
            self.found(Kind::Numbering, entry.sequence(), None, what);
        }
    }

    fn check_balance(&mut self, entry: &Booked) {
        let mut sums = Vec::<(i32, i128)>::with_capacity(2);
        for posting in &entry.postings {
            let amount = i128::from(posting.amount);
            match sums.iter_mut().find(|(commodity, _)| *commodity == posting.commodity) {
                Some((_, sum)) => *sum += amount,
                None => sums.push((posting.commodity, amount)),
            }
        }
        if let Some((commodity, sum)) = sums.into_iter().find(|(_, sum)| *sum != 0) {
            self.found(Kind::Balance, entry.sequence(), None, format!("it is off by {sum} in commodity {commodity}"));
        }
    }

    fn check_posting(&mut self, posting: &PostingRow) {
        self.checked.postings += 1;
        let (sequence, ordinal) = (posting.sequence, posting.ordinal);
        match self.facts.account(posting.account) {
            Some(account) if account.commodity == posting.commodity => {}
            account => {
                let code = account.map_or("unknown", |account| account.code.as_str());
                self.found(Kind::Currency, sequence, Some(ordinal), format!("its account is {code}"));
            }
        }
        let Some(before) = posting.balance.checked_sub(posting.amount) else {
            return self.found(Kind::Running, sequence, Some(ordinal), "its balance is out of range".to_owned());
        };
        let start = Run { before, first: (sequence, ordinal), last: before, last_sequence: 0 };
        let run = self.checked.runs.entry(posting.account).or_insert(start);
        let expected = run.last;
        run.last = posting.balance;
        run.last_sequence = sequence;
        if expected != before {
            let what = format!("the balance after it is {}, not {expected} and {}", posting.balance, posting.amount);
            self.found(Kind::Running, sequence, Some(ordinal), what);
        }
    }

    fn check_floors(&mut self, entry: &Booked) {
        for (index, posting) in entry.postings.iter().enumerate() {
            let Some(account) = self.facts.account(posting.account) else { continue };
            let is_last_of_account = !entry.postings[index + 1..].iter().any(|later| later.account == posting.account);
            if is_last_of_account && account.is_below_floor(posting.balance, 0) {
                let what = format!("account {} fell below its floor", account.code);
                self.found(Kind::Floor, posting.sequence, Some(posting.ordinal), what);
            }
        }
    }
}
