//! A line of the journal beside the canonical form of its entry.

use std::collections::{BTreeMap, HashMap};

use base64::prelude::{BASE64_STANDARD, Engine};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use uuid::Uuid;

use super::source::Files;
use super::{CheckError, Format};
use crate::account::{AccountRole, Side};
use crate::log::leaf::leaf_hash;
use crate::log::{HOLD_WORDS, Hash, ReadHoldChange, ReadLeaf, ReadLot, ReadPosting, read_leaf};
use crate::{AccountCode, Currency, UnitCode};

/// An account, as the export describes it.
#[derive(Deserialize)]
struct AccountLine {
    number: i64,
    account: AccountCode,
    currency: Option<String>,
    unit: Option<String>,
    commodity: i32,
    decimals: u32,
    role: AccountRole,
    floor: Option<Decimal>,
    commitment: String,
    opening: Decimal,
    closing: Decimal,
}

/// An account, read.
pub(super) struct Account {
    code: AccountCode,
    pub(super) commodity: i32,
    pub(super) commodity_code: String,
    is_of_units: bool,
    decimals: u32,
    role: AccountRole,
    floor: Option<i64>,
    commitment: Hash,
    pub(super) opening: i64,
    pub(super) closing: i64,
}

impl Account {
    pub(super) fn code(&self) -> &str {
        self.code.as_str()
    }

    pub(super) fn is_below_floor(&self, debit_positive: i64) -> bool {
        let balance = i128::from(debit_positive);
        let on_normal_side = if self.code.kind().normal_side() == Side::Debit { balance } else { -balance };
        self.floor.is_some_and(|floor| on_normal_side < i128::from(floor))
    }

    pub(super) const fn decimals(&self) -> u32 {
        self.decimals
    }

    /// Whether its amounts are of what the log means by its number. The numbers of currencies are those of ISO 4217; a
    /// unit's number is the house's own, but never one of these, nor is its code.
    pub(super) fn is_of_its_number(&self) -> bool {
        match Currency::from_number(self.commodity) {
            Some(currency) => {
                !self.is_of_units && self.commodity_code == currency.code() && self.decimals == currency.decimals()
            }
            None => self.is_of_units && UnitCode::try_new(&self.commodity_code).is_ok(),
        }
    }

    fn text(&self, minor: i64) -> String {
        decimal(minor, self.decimals)
    }
}

/// A decimal with exactly as many decimals as its commodity has.
pub(super) fn decimal(minor: i64, decimals: u32) -> String {
    Decimal::try_new(minor, decimals).map(|decimal| decimal.to_string()).unwrap_or_default()
}

fn minor(decimal: Decimal, decimals: u32) -> Option<i64> {
    if decimal.scale() != decimals { None } else { i64::try_from(decimal.mantissa()).ok() }
}

/// All accounts, by number.
pub(super) struct Accounts(HashMap<i64, Account>);

impl Accounts {
    pub(super) fn read(files: &Files) -> Result<Self, CheckError> {
        let name = Format::Accounts.file_name();
        let mut accounts = HashMap::new();
        let mut lines = files.lines(name)?;
        loop {
            let line = files.next_line(&mut lines)?;
            if line.is_empty() {
                return Ok(Self(accounts));
            }
            let (number, account) =
                read_account(&line).ok_or_else(|| files.no_export(format!("{name} has the line {line:.200}")))?;
            if accounts.insert(number, account).is_some() {
                return Err(files.no_export(format!("{name} has the account {number} twice")));
            }
        }
    }

    pub(super) fn get(&self, number: i64) -> Option<&Account> {
        self.0.get(&number)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (i64, &Account)> {
        self.0.iter().map(|(number, account)| (*number, account))
    }

    /// What is owed to clients and what covers it at the end, by currency, in minor units.
    pub(super) fn sides(&self) -> BTreeMap<String, (i128, i128)> {
        let mut sides = BTreeMap::<String, (i128, i128)>::new();
        for account in self.0.values().filter(|account| Currency::try_new(&account.commodity_code).is_ok()) {
            let side = sides.entry(account.commodity_code.clone()).or_default();
            let closing = i128::from(account.closing);
            match account.role {
                AccountRole::ClientMoney => side.0 -= closing,
                AccountRole::Safeguard => side.1 += closing,
                AccountRole::Units | AccountRole::Other => {}
            }
        }
        sides
    }
}

fn read_account(line: &str) -> Option<(i64, Account)> {
    let line: AccountLine = serde_json::from_str(line).ok()?;
    let is_of_units = line.unit.is_some();
    let commodity_code = line.currency.xor(line.unit)?;
    let amount = |decimal| minor(decimal, line.decimals);
    let mut commitment = [0; 32];
    hex::decode_to_slice(&line.commitment, &mut commitment).ok()?;
    let account = Account {
        commodity: line.commodity,
        commodity_code,
        is_of_units,
        decimals: line.decimals,
        role: line.role,
        floor: match line.floor {
            None => None,
            Some(floor) => Some(amount(floor)?),
        },
        commitment,
        opening: amount(line.opening)?,
        closing: amount(line.closing)?,
        code: line.account,
    };
    Some((line.number, account))
}

#[derive(Deserialize)]
struct LeafLine {
    sequence: i64,
    leaf: String,
}

#[derive(Deserialize)]
struct Line {
    sequence: i64,
    entry: Uuid,
    booked_at: String,
    effective_date: NaiveDate,
    kind: String,
    description: Option<serde_json::Value>,
    subject: Option<serde_json::Value>,
    reverses: Option<i64>,
    approved_by: Option<[Uuid; 2]>,
    period: Option<Period>,
    postings: Vec<Posting>,
    #[serde(default)]
    hold_changes: Vec<HoldChange>,
}

#[derive(Deserialize)]
struct Period {
    change: String,
    through: NaiveDate,
    approved_by: Vec<Uuid>,
}

#[derive(Deserialize)]
struct Posting {
    ordinal: usize,
    account: String,
    currency: Option<String>,
    unit: Option<String>,
    amount: String,
    balance: String,
    #[serde(default)]
    lots: Vec<Lot>,
}

#[derive(Deserialize)]
struct Lot {
    lot: String,
    acquired_on: NaiveDate,
    amount: String,
    cost: Option<Cost>,
}

#[derive(Deserialize)]
struct Cost {
    amount: String,
    currency: String,
}

#[derive(Deserialize)]
struct HoldChange {
    ordinal: usize,
    hold: Uuid,
    change: String,
    account: String,
    currency: Option<String>,
    unit: Option<String>,
    amount: String,
}

/// An entry, as its canonical form has it, and where its line says something else.
pub(super) struct Pair {
    pub(super) entry: Option<(ReadLeaf, Hash)>,
    /// The posting, where one can be named, and what differs.
    pub(super) fault: Option<(Option<usize>, String)>,
}

/// Reads a line and its form, and compares them.
pub(super) fn read_pair(line: &str, leaf: &str, accounts: &Accounts) -> Pair {
    let unread = |what: String| Pair { entry: None, fault: Some((None, what)) };
    let form: LeafLine = match serde_json::from_str(leaf) {
        Ok(form) => form,
        Err(error) => return unread(format!("its form in the log cannot be read: {error}")),
    };
    let bytes = BASE64_STANDARD.decode(&form.leaf).unwrap_or_default();
    let Some(read) = read_leaf(&bytes) else {
        return unread(format!("the form of entry {} in the log is none", form.sequence));
    };
    let fault = match serde_json::from_str::<Line>(line) {
        Err(error) => Some((None, format!("its line cannot be read: {error}"))),
        Ok(_) if form.sequence != read.sequence => Some((None, "its form is of another entry".to_owned())),
        Ok(line) => compare(&line, &read, accounts),
    };
    Pair { entry: Some((read, leaf_hash(&bytes))), fault }
}

/// A time as exports print it.
pub(super) fn moment(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn day(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(days)
}

fn compare(line: &Line, read: &ReadLeaf, accounts: &Accounts) -> Option<(Option<usize>, String)> {
    let differs = |field: &str| Some((None, format!("its {field} is not that of the log")));
    let booked_at = DateTime::from_timestamp_micros(read.booked_at).map(moment);
    let fields = [
        ("sequence", line.sequence == read.sequence),
        ("id", line.entry == read.key),
        ("booking time", Some(&line.booked_at) == booked_at.as_ref()),
        ("effective date", Some(line.effective_date) == day(read.effective_date)),
        ("kind", line.kind == read.kind),
        ("reversal", line.reverses == read.reverses),
        ("approval", line.approved_by == read.approvers),
        ("change of period", same_period(line.period.as_ref(), read)),
        ("having words", read.has_words || (line.description.is_none() && line.subject.is_none())),
        ("number of postings", line.postings.len() == read.postings.len()),
        ("number of changes of holds", line.hold_changes.len() == read.hold_changes.len()),
        ("number of lots", line.postings.iter().map(|posting| posting.lots.len()).sum::<usize>() == read.lots.len()),
    ];
    if let Some((field, _)) = fields.into_iter().find(|(_, same)| !same) {
        return differs(field);
    }
    let mut lots_of = HashMap::<usize, Vec<&ReadLot>>::new();
    for lot in &read.lots {
        lots_of.entry(usize::try_from(lot.ordinal).unwrap_or_default()).or_default().push(lot);
    }
    for (place, (ours, theirs)) in (1..).zip(line.postings.iter().zip(&read.postings)) {
        if let Some(what) = differing_posting(place, ours, theirs, accounts) {
            return Some((Some(place), what));
        }
        let lots = lots_of.remove(&place).unwrap_or_default();
        let account = accounts.get(theirs.account);
        // As many on each side: what has no counterpart would be compared with nothing.
        let same = ours.lots.len() == lots.len()
            && ours.lots.iter().zip(lots).all(|(ours, theirs)| same_lot(ours, theirs, account));
        if !same {
            return Some((Some(place), "its lots are not those of the log".to_owned()));
        }
    }
    let mut changes = (1..).zip(line.hold_changes.iter().zip(&read.hold_changes));
    let differing = changes.find(|(place, (ours, theirs))| !same_change(*place, ours, theirs, accounts));
    differing.map(|(place, _)| (None, format!("its change {place} of a hold is not that of the log")))
}

fn same_period(line: Option<&Period>, read: &ReadLeaf) -> bool {
    match (line, &read.period) {
        (None, None) => true,
        (Some(line), Some(read)) => {
            let approvers = std::iter::once(read.approver).chain(read.second);
            (line.change == "closed") == read.closes
                && Some(line.through) == day(read.date)
                && line.approved_by.iter().copied().eq(approvers)
        }
        _ => false,
    }
}

fn is_of(account: &Account, currency: Option<&str>, unit: Option<&str>) -> bool {
    let (named, other) = if account.is_of_units { (unit, currency) } else { (currency, unit) };
    named == Some(account.commodity_code.as_str()) && other.is_none()
}

fn differing_posting(place: usize, line: &Posting, read: &ReadPosting, accounts: &Accounts) -> Option<String> {
    let Some(account) = accounts.get(read.account) else {
        return Some(format!("its account {} is not among the accounts", read.account));
    };
    if account.commodity != read.commodity || account.commitment != read.commitment {
        return Some(format!("the account {} is not that of the log", account.code()));
    }
    let same = line.ordinal == place
        && line.account == account.code()
        && is_of(account, line.currency.as_deref(), line.unit.as_deref())
        && line.amount == account.text(read.amount)
        && line.balance == account.text(read.balance);
    (!same).then(|| "it is not that of the log".to_owned())
}

fn same_lot(line: &Lot, read: &ReadLot, account: Option<&Account>) -> bool {
    let cost = match (&line.cost, read.cost) {
        (None, None) => true,
        (Some(line), Some((number, minor))) => Currency::from_number(number).is_some_and(|currency| {
            line.currency == currency.code() && line.amount == decimal(minor, currency.decimals())
        }),
        _ => false,
    };
    cost && line.lot == format!("{}-{}", read.lot.0, read.lot.1)
        && Some(line.acquired_on) == day(read.acquired_on)
        && account.is_some_and(|account| line.amount == account.text(read.amount))
}

/// An account that was never booked on is not among the accounts: then its code alone cannot be compared.
fn same_change(place: usize, line: &HoldChange, read: &ReadHoldChange, accounts: &Accounts) -> bool {
    let same = line.ordinal == place && line.hold == read.hold && line.change == HOLD_WORDS[read.change];
    let account = accounts.get(read.account);
    same && account.is_none_or(|account| {
        account.commitment == read.commitment
            && account.commodity == read.commodity
            && line.account == account.code()
            && is_of(account, line.currency.as_deref(), line.unit.as_deref())
            && line.amount == account.text(read.amount)
    })
}
