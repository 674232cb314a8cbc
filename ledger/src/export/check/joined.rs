//! Entries in their order: what one leaves is what the next begins with.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::lines::{Account, Accounts, Pair, decimal, moment};
use super::{ExportProof, Findings, Kind, Manifest};
use crate::log::{Frontier, HOLD_WORDS, Hash, ReadLeaf};

/// The tree over all entries that were read.
pub(super) struct Tree {
    frontier: Frontier,
    is_whole: bool,
}

impl Tree {
    /// Whether it is the tree of that root, or that one continues it.
    pub(super) fn leads_to(&self, size: u64, root: Hash, consistency: &[String]) -> Result<(), String> {
        if !self.is_whole {
            return Err("the tree before the first entry, or an entry, is missing".to_owned());
        }
        let (ours, last) = (self.frontier.root(), self.frontier.size());
        if size == last {
            return if ours == root { Ok(()) } else { Err("the entries lead to another root".to_owned()) };
        }
        let hashes = read_hashes(consistency).ok_or("the proof that leads to the checkpoint cannot be read")?;
        let hashes = hashes.into_iter().map(tlog_tiles::Hash).collect();
        tlog_tiles::check_tree(&hashes, size, tlog_tiles::Hash(root), last, tlog_tiles::Hash(ours))
            .map_err(|_| format!("the log of {size} entries does not begin with these"))
    }
}

/// Size, root and name of a checkpoint whose signatures nobody looked at.
pub(super) fn unsigned_head(note: &str) -> Option<(u64, Hash, String)> {
    let note = signed_note::Note::from_bytes(note.as_bytes()).ok()?;
    let head = tlog_tiles::Checkpoint::from_bytes(note.text()).ok()?;
    Some((head.size(), head.hash().0, head.origin().to_owned()))
}

fn read_hashes(texts: &[String]) -> Option<Vec<Hash>> {
    let read = |text: &String| {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
    };
    texts.iter().map(read).collect()
}

/// Everything up to the entry that was taken last.
pub(super) struct Joined<'a> {
    manifest: &'a Manifest,
    accounts: &'a Accounts,
    findings: Findings,
    next: i64,
    entries: i64,
    postings: i64,
    hold_changes: u64,
    booked_at: i64,
    balances: HashMap<i64, i64>,
    holds: HashMap<Uuid, i64>,
    /// The last closed day, in days since 1970.
    closed_through: Option<i32>,
    reversed: HashSet<i64>,
    totals: BTreeMap<String, (u32, i128, i128)>,
    tree: Tree,
}

impl<'a> Joined<'a> {
    pub(super) fn new(
        manifest: &'a Manifest,
        accounts: &'a Accounts,
        proof: Option<&ExportProof>,
        findings: Findings,
    ) -> Self {
        let before = proof.and_then(|proof| read_hashes(&proof.before)).map(|roots| roots.concat());
        let frontier = before.and_then(|roots| Frontier::from_bytes(manifest.first_sequence - 1, &roots).ok());
        let tree = Tree { is_whole: frontier.is_some(), frontier: frontier.unwrap_or_else(Frontier::empty) };
        Self {
            manifest,
            accounts,
            findings,
            next: manifest.first_sequence,
            entries: 0,
            postings: 0,
            hold_changes: 0,
            booked_at: i64::MIN,
            balances: accounts.all().map(|(number, account)| (number, account.opening)).collect(),
            holds: HashMap::new(),
            closed_through: None,
            reversed: HashSet::new(),
            totals: BTreeMap::new(),
            tree,
        }
    }

    pub(super) const fn entries(&self) -> i64 {
        self.entries
    }

    pub(super) const fn postings(&self) -> i64 {
        self.postings
    }

    pub(super) fn last_booked_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.booked_at).filter(|_| self.entries > 0)
    }

    pub(super) fn take(&mut self, pair: Pair) {
        let expected = self.next;
        if let Some((posting, what)) = pair.fault {
            self.findings.add(Kind::Line, Some(expected), posting, what);
        }
        let Some((entry, hash)) = pair.entry else {
            self.next += 1;
            self.tree.is_whole = false;
            return;
        };
        if entry.sequence != expected || entry.book != self.manifest.book {
            self.findings.add(
                Kind::Sequence,
                Some(expected),
                None,
                format!("entry {} stands in its place", entry.sequence),
            );
        }
        self.next = entry.sequence.saturating_add(1);
        self.entries += 1;
        self.tree.frontier.push(hash);
        if entry.booked_at < self.booked_at {
            self.findings.add(Kind::Time, Some(entry.sequence), None, "it was booked before the entry that it follows");
        }
        self.booked_at = entry.booked_at;
        self.take_postings(&entry);
        self.take_holds(&entry);
        self.take_period(&entry);
        if let Some(reversed) = entry.reverses
            && (reversed >= entry.sequence || !self.reversed.insert(reversed))
        {
            let what = format!("it takes back entry {reversed}, which was taken back before or comes later");
            self.findings.add(Kind::Reversal, Some(entry.sequence), None, what);
        }
    }

    fn take_postings(&mut self, entry: &ReadLeaf) {
        let mut sums = BTreeMap::<i32, i128>::new();
        let last: HashMap<i64, usize> = entry.postings.iter().map(|posting| posting.account).zip(1..).collect();
        for (place, posting) in (1..).zip(&entry.postings) {
            self.postings += 1;
            let amount = i128::from(posting.amount);
            *sums.entry(posting.commodity).or_default() += amount;
            let before = self.balances.entry(posting.account).or_default();
            if before.checked_add(posting.amount) != Some(posting.balance) {
                let what = format!("the balance after it is {}, not {before} and {}", posting.balance, posting.amount);
                self.findings.add(Kind::Running, Some(entry.sequence), Some(place), what);
            }
            *before = posting.balance;
            let Some(account) = self.accounts.get(posting.account) else { continue };
            self.add_total(account, amount);
            if last.get(&posting.account) == Some(&place) && account.is_below_floor(posting.balance) {
                let what = format!("account {} fell below its floor", account.code());
                self.findings.add(Kind::Floor, Some(entry.sequence), Some(place), what);
            }
        }
        if let Some((commodity, sum)) = sums.into_iter().find(|(_, sum)| *sum != 0) {
            let what = format!("it is off by {sum} in commodity {commodity}");
            self.findings.add(Kind::Balance, Some(entry.sequence), None, what);
        }
    }

    fn add_total(&mut self, account: &Account, amount: i128) {
        let decimals = account.decimals();
        let total = self.totals.entry(account.commodity_code.clone()).or_insert((decimals, 0, 0));
        if amount > 0 { total.1 += amount } else { total.2 -= amount }
    }

    fn take_holds(&mut self, entry: &ReadLeaf) {
        for change in &entry.hold_changes {
            self.hold_changes += 1;
            let known = self.holds.get(&change.hold).copied();
            let left = match (change.change, known) {
                (0, None) => Some(change.amount),
                // A hold that was placed before the export begins is not known here.
                (1.., None) if self.manifest.first_sequence > 1 => continue,
                (1, Some(remaining)) => remaining.checked_sub(change.amount).filter(|left| *left >= 0),
                (2.., Some(remaining)) if remaining == change.amount => Some(0),
                _ => None,
            };
            match left {
                Some(left) => drop(self.holds.insert(change.hold, left)),
                None => {
                    let what = format!("hold {} cannot be {}", change.hold, HOLD_WORDS[change.change]);
                    self.findings.add(Kind::Hold, Some(entry.sequence), None, what);
                }
            }
        }
    }

    fn take_period(&mut self, entry: &ReadLeaf) {
        let is_closed = self.closed_through.is_some_and(|through| entry.effective_date <= through);
        if is_closed && entry.approvers.is_none() {
            self.findings.add(Kind::Period, Some(entry.sequence), None, "it takes effect in a closed period");
        }
        if let Some(period) = entry.period {
            self.closed_through = if period.closes { Some(period.date) } else { period.date.checked_sub(1) };
        }
    }

    pub(super) fn finish(mut self) -> (Findings, Tree) {
        if self.next != self.manifest.last_sequence + 1 {
            let what = format!("entry {} is missing", self.next);
            self.findings.add(Kind::Sequence, Some(self.next), None, what);
            self.tree.is_whole = false;
        }
        let begins_the_book = self.manifest.first_sequence == 1;
        for (number, account) in self.accounts.all() {
            if !account.is_of_its_number() {
                let what = format!(
                    "account {} is said to be in {} with {} decimals, which commodity {} is not",
                    account.code(),
                    account.commodity_code,
                    account.decimals(),
                    account.commodity
                );
                self.findings.add(Kind::Commodity, None, None, what);
            }
            if begins_the_book && account.opening != 0 {
                let what = format!("account {} begins with {} before the first entry", account.code(), account.opening);
                self.findings.add(Kind::Account, None, None, what);
            }
            let left = self.balances.get(&number).copied().unwrap_or_default();
            if left != account.closing {
                let what =
                    format!("account {} ends with {}, its postings leave {left}", account.code(), account.closing);
                self.findings.add(Kind::Account, None, None, what);
            }
        }
        self.compare_totals();
        (self.findings, self.tree)
    }

    fn compare_totals(&mut self) {
        let manifest = self.manifest;
        let counted = i64::try_from(manifest.entries) == Ok(self.entries)
            && i64::try_from(manifest.postings) == Ok(self.postings)
            && manifest.hold_changes == self.hold_changes;
        let text = |minor: i128, decimals: u32| i64::try_from(minor).map(|minor| decimal(minor, decimals)).ok();
        let summed = manifest.totals.len() == self.totals.len()
            && manifest.totals.iter().all(|said| {
                self.totals.get(&said.currency).is_some_and(|&(decimals, debits, credits)| {
                    text(debits, decimals).as_ref() == Some(&said.debits)
                        && text(credits, decimals).as_ref() == Some(&said.credits)
                })
            });
        if !counted || !summed {
            self.findings.add(Kind::Total, None, None, "its numbers or sums are others");
        }
        if self.last_booked_at().is_some_and(|time| moment(time) != manifest.closed_at) {
            self.findings.add(Kind::Total, None, None, "its last entry was booked at another time");
        }
    }
}
