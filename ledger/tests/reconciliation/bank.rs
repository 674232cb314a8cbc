//! A bank, and the account that is reconciled with it.

use std::io::Cursor;

use chrono::NaiveDate;
use ledger::reconciliation::{
    BreakState, CsvAmounts, CsvColumns, CsvLayout, CsvStatement, DecimalMark, Load, Reconciliation,
    ReconciliationError, Run, RunRules, StatementFormat,
};
use ledger::{AccountCode, Currency, Entry, EntryKind, IdempotencyKey, Ledger, Money, UnitOfWork};
use platform::cipher::Cipher;
use uuid::Uuid;

use crate::fixture::{LedgerFixture, Result, account, euro};

/// The account that is reconciled, unless said otherwise.
pub const BANK: &str = "assets:safeguarding:bank";
/// What the bank calls it.
pub const IBAN: &str = "DE02120300000000202051";

/// A day of March.
pub fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).expect("a day of March")
}

/// A line of the bank: day, cents, reference, bank's reference, text.
#[derive(Clone, Copy, Debug)]
pub struct BankLine<'a> {
    pub day: u32,
    pub cents: i64,
    pub reference: &'a str,
    pub bank_reference: &'a str,
    pub text: &'a str,
}

/// A line with a reference.
pub fn line(day: u32, cents: i64, reference: &str) -> BankLine<'_> {
    BankLine { day, cents, reference, bank_reference: "", text: "" }
}

/// A ledger with an account that is reconciled.
pub struct Bank {
    pub fixture: LedgerFixture,
    pub reconciliation: Reconciliation,
    pub account: AccountCode,
    pub person: Uuid,
    balance: i64,
    statements: u32,
}

/// The references of the tests' house: a word that begins with `TRG`.
fn find_reference(text: &str) -> Option<String> {
    text.split_whitespace().find(|word| word.starts_with("TRG")).map(str::to_owned)
}

impl Bank {
    /// The account, with nothing on it but a pair of postings that cancel each other before all statements.
    pub async fn new() -> Result<Self> {
        let fixture = LedgerFixture::new().await?;
        let cipher = Cipher::try_new(&Cipher::generate_key())?;
        let reconciliation = Reconciliation::new(fixture.ledger.clone(), cipher, find_reference);
        let account = account(BANK);
        let mut bank = Self { fixture, reconciliation, account, person: Uuid::now_v7(), balance: 0, statements: 0 };
        bank.book(1, 1, "opening").await?;
        bank.book(1, -1, "opening").await?;
        let head = bank.ledger().head().await?;
        bank.reconciliation.open_account(&bank.account, Currency::EUR, IBAN, head).await?;
        Ok(bank)
    }

    /// Turns to another account, opened like the first one.
    pub async fn turn_to(&mut self, name: &str) -> Result {
        self.account = account(&format!("assets:safeguarding:{name}"));
        self.balance = 0;
        self.book(1, 1, "opening").await?;
        self.book(1, -1, "opening").await?;
        let head = self.ledger().head().await?;
        self.reconciliation.open_account(&self.account, Currency::EUR, name, head).await?;
        Ok(())
    }

    pub fn ledger(&self) -> &Ledger {
        &self.fixture.ledger
    }

    /// Books cents on the account; answers the entry's sequence.
    pub async fn book(&mut self, day: u32, cents: i64, reference: &str) -> Result<i64> {
        let entry = entry(&self.account, day, cents, reference);
        let receipt = self.ledger().post(UnitOfWork::new(IdempotencyKey::generate(), entry)).await?;
        Ok(receipt.sequence.number())
    }

    /// What the bank's next statement of these lines is like.
    pub fn next_statement(&mut self, external_account: &str, lines: &[BankLine<'_>]) -> (StatementFormat, String) {
        self.statements += 1;
        let opening = self.balance;
        self.balance += lines.iter().map(|line| line.cents).sum::<i64>();
        let mut text = "day,amount,reference,bank_reference,text\n".to_owned();
        for line in lines {
            text.push_str(&format!(
                "{},{},{},{},{}\n",
                day(line.day),
                euro(line.cents),
                line.reference,
                line.bank_reference,
                line.text
            ));
        }
        (layout(external_account, self.statements, euro(opening), euro(self.balance)), text)
    }

    /// Loads a file.
    pub async fn load(&self, format: &StatementFormat, file: &str) -> std::result::Result<Load, ReconciliationError> {
        let file = Cursor::new(file.to_owned().into_bytes());
        self.reconciliation.load(&self.account, Currency::EUR, format, file, self.person).await
    }

    /// The bank's next statement arrives.
    pub async fn arrives(&mut self, lines: &[BankLine<'_>]) -> Result {
        let name = if self.account == account(BANK) {
            IBAN.to_owned()
        } else {
            self.account.segments().last().unwrap_or_default().to_owned()
        };
        let (format, file) = self.next_statement(&name, lines);
        self.load(&format, &file).await?;
        Ok(())
    }

    /// Matches by these rules.
    pub async fn run(&self, rules: &RunRules) -> Result<Run> {
        Ok(self.reconciliation.run(&self.account, Currency::EUR, rules, self.person).await?)
    }

    /// Breaks that are open or assigned: cents and cause.
    pub async fn open_breaks(&self) -> Result<Vec<(i64, &'static str)>> {
        let states = [BreakState::Open, BreakState::Assigned];
        let found = self.reconciliation.breaks(&self.account, Currency::EUR, &states, None, 200).await?;
        Ok(found.into_iter().map(|one| (one.amount.minor(), one.cause.word())).collect())
    }
}

/// An entry of cents on an account, naming a reference.
pub fn entry(account_code: &AccountCode, on: u32, cents: i64, reference: &str) -> Entry {
    let (bank, other) = (account_code.clone(), account("equity:capital"));
    let amount = euro(cents.abs());
    let builder = Entry::builder(EntryKind::new("transfer"), day(on));
    let builder = match cents > 0 {
        true => builder.debit(bank, amount).credit(other, amount),
        false => builder.credit(bank, amount).debit(other, amount),
    };
    let named = match reference {
        "" => builder,
        reference => builder.metadata(serde_json::json!({ "reference": reference })),
    };
    named.build().unwrap_or_else(|error| panic!("{error}"))
}

/// How the bank writes its files.
pub fn layout(external_account: &str, number: u32, opening: Money, closing: Money) -> StatementFormat {
    let named = |name: &str| Some(name.to_owned());
    StatementFormat::Csv(Box::new(CsvLayout {
        delimiter: b',',
        decimal_mark: DecimalMark::Point,
        date_format: "%Y-%m-%d".to_owned(),
        columns: CsvColumns {
            date: "day".to_owned(),
            amounts: CsvAmounts::Signed("amount".to_owned()),
            reference: named("reference"),
            bank_reference: named("bank_reference"),
            text: named("text"),
        },
        statement: CsvStatement {
            id: format!("S-{number}"),
            external_account: external_account.to_owned(),
            opens_on: day(1),
            closes_on: day(31),
            opening,
            closing,
        },
    }))
}
