//! What a process is asked to do, and what it says.

use ledger::{BookAccount, BookId, Money, Outcome, Receipt, TransferId, TransferOrder};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::fixture::account;
use crate::held::{accounts_in, currency_of};
use crate::model::{ModelAccount, Operation};

/// Books that a process has open.
pub const BOOKS: usize = 2;
/// The currencies of all accounts.
pub const CURRENCIES: [&str; 2] = ["EUR", "XOF"];
/// Ordinary accounts in each currency; those of one currency stand together.
pub const ORDINARY: usize = 5;
/// Accounts in each currency beside those: of the position, of what is owed, of what is claimed.
const BESIDE: usize = 3;
/// What a transfer names that is no account.
const TYPING_ERROR: &str = "liabilities:wallet:typing-error";

#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    pub number: u64,
    /// The time by the asker's clock, in seconds.
    pub now: i64,
    pub errand: Errand,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Answered {
    pub number: u64,
    pub told: Vec<Told>,
}

/// Something to do; books are counted from zero.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Errand {
    /// Books units, in order.
    Post { book: usize, units: Vec<(u64, Operation)> },
    /// Decides a unit and books nothing.
    DryRun { book: usize, key: u64, operation: Operation },
    /// Closes or reopens.
    ChangePeriod { book: usize, key: u64, operation: Operation },
    /// Books movements from a file.
    Load { book: usize, units: Vec<(u64, Operation)> },
    /// Moves money into the other book.
    Transfer(Wish),
    /// Takes up transfers that nobody drives.
    Recover,
    /// Takes expired holds off the list.
    Tidy { book: usize },
    /// Answers what it was asked, and ends.
    Leave,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// A receipt.
    Receipt(Left),
    /// A refusal, by its word.
    Refused(String),
    /// How a transfer ended.
    Ended(String),
    /// It is done.
    Done,
    /// Whether it was done is not known; asking again tells.
    Lost(String),
    /// What must not come about.
    Broken(String),
}

/// What an entry left: balances and what is held of them, by account and currency, on their normal sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub sequence: i64,
    pub booked: Booked,
    pub balances: Vec<(String, String, i64)>,
    pub available: Vec<(String, String, i64, i64)>,
}

/// When it was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Booked {
    Now,
    Before,
    Never,
}

impl Left {
    pub fn of(receipt: &Receipt) -> Self {
        let balances = receipt.balances.iter().map(|balance| {
            let (code, currency) = (balance.account.to_string(), balance.commodity.code().to_owned());
            (code, currency, balance.on_normal_side().minor())
        });
        let available = receipt.available.iter().map(|available| {
            let currency = available.balance.commodity().code().to_owned();
            (available.account.to_string(), currency, available.balance.minor(), available.held.minor())
        });
        Self {
            sequence: receipt.sequence.number(),
            booked: match receipt.outcome {
                Outcome::Booked => Booked::Now,
                Outcome::AlreadyBooked => Booked::Before,
                Outcome::WouldBeBooked => Booked::Never,
            },
            balances: balances.collect(),
            available: available.collect(),
        }
    }
}

/// A transfer out of a book into the other one; an account that is none is refused on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    pub id: u64,
    pub from: usize,
    pub debit: usize,
    pub credit: Option<usize>,
    pub amount: i64,
}

pub const fn book_id(book: usize) -> BookId {
    if book == 0 { BookId::new(1) } else { BookId::new(2) }
}

pub fn transfer_id(number: u64) -> TransferId {
    TransferId::from_uuid(Uuid::from_u128(0x5000_8000_0000_0000_0000 + u128::from(number)))
}

/// All accounts of a book.
pub fn accounts_of(book: usize) -> Vec<ModelAccount> {
    let (owed, claimed) = match book {
        0 => ("liabilities:clearing:book-2", "assets:clearing:book-2"),
        _ => ("liabilities:clearing:book-1", "assets:clearing:book-1"),
    };
    let mut accounts: Vec<ModelAccount> = CURRENCIES.into_iter().flat_map(accounts_in).collect();
    for currency in CURRENCIES {
        let account = |code, grows_by_debit, floor| ModelAccount { code, currency, grows_by_debit, floor, balance: 0 };
        accounts.push(account("equity:fx-position", false, None));
        accounts.push(account(owed, false, None));
        accounts.push(account(claimed, true, Some(0)));
    }
    accounts
}

/// The position's account of a currency.
pub const fn position(currency: usize) -> usize {
    CURRENCIES.len() * ORDINARY + BESIDE * currency
}

/// The account of what is owed to the other book in the currency of an ordinary account.
pub const fn owed(ordinary: usize) -> usize {
    position(ordinary / ORDINARY) + 1
}

/// The account of what is claimed from the other book in the currency of an ordinary account.
pub const fn claimed(ordinary: usize) -> usize {
    position(ordinary / ORDINARY) + 2
}

impl Wish {
    pub const fn to(&self) -> usize {
        BOOKS - 1 - self.from
    }

    pub fn order(&self) -> TransferOrder {
        let (source, destination) = (accounts_of(self.from), accounts_of(self.to()));
        let code = self.credit.map_or(TYPING_ERROR, |credit| destination[credit].code);
        TransferOrder {
            id: transfer_id(self.id),
            from: BookAccount { book: book_id(self.from), account: account(source[self.debit].code) },
            to: BookAccount { book: book_id(self.to()), account: account(code) },
            amount: Money::from_minor(self.amount, currency_of(&source[self.debit])),
            description: None,
        }
    }
}
