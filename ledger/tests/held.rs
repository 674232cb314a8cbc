//! A ledger beside its model: whatever is asked of both is held against each other.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use ledger::{
    Approvals, BookId, BookSettings, Chart, Currency, Entry, EntryKind, HoldId, IdempotencyKey, Ledger, Money, Outcome,
    PostError, Receipt, Sequence, UnitOfWork, WriterTask,
};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use uuid::Uuid;

use crate::fixture::{Result, account};
use crate::model::{Model, ModelAccount, Operation, Verdict};
use crate::process::errand::Left;
use crate::things;

pub const CHART: &str = r#"
    [accounts."assets:bank:{name}"]
    description = "no floor"
    [accounts."liabilities:wallets:{person}"]
    description = "nothing below zero"
    role = "client-money"
    [accounts."liabilities:credit:{person}"]
    description = "may owe a hundred"
    floor = -100
    [accounts."assets:float:{institution}"]
    description = "grows by debits, nothing below ten"
    floor = 10
    [accounts."equity:fx-position"]
    description = "where currencies meet"
    [accounts."liabilities:clearing:{book}"]
    description = "owed to another book"
    [accounts."assets:clearing:{book}"]
    description = "claimed from another book"
    floor = 0
"#;
pub const KIND: EntryKind = EntryKind::new("test");
/// A second that all tests start in.
pub const START: i64 = 1_780_000_000;

/// Accounts in euro.
pub fn accounts() -> Vec<ModelAccount> {
    accounts_in("EUR")
}

pub fn accounts_in(currency: &'static str) -> Vec<ModelAccount> {
    let account = |code, grows_by_debit, floor| ModelAccount { code, currency, grows_by_debit, floor, balance: 0 };
    vec![
        account("assets:bank:main", true, None),
        account("liabilities:wallets:amina", false, Some(0)),
        account("liabilities:wallets:babacar", false, Some(0)),
        account("liabilities:credit:chioma", false, Some(-100)),
        account("assets:float:mfi", true, Some(10)),
    ]
}

const AUDITOR: Uuid = Uuid::from_u128(1);
const DIRECTOR: Uuid = Uuid::from_u128(2);

pub fn currency_of(account: &ModelAccount) -> Currency {
    Currency::try_new(account.currency).expect("a currency")
}

pub fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

pub fn date(days: i64) -> NaiveDate {
    time(days * 86_400).date_naive()
}

pub fn hold_id(number: u64) -> HoldId {
    HoldId::from_uuid(Uuid::from_u128(0x4000_8000_0000_0000_0000 + u128::from(number)))
}

pub fn key(number: u64) -> IdempotencyKey {
    IdempotencyKey::from_uuid(Uuid::from_u128(0x7000_8000_0000_0000_0000 + u128::from(number)))
}

/// The chart's book, by that clock.
pub fn settings(clock: &Clock) -> Result<BookSettings> {
    let chart = Chart::from_toml(CHART)?;
    Ok(BookSettings { book: BookId::FIRST, name: "held".to_owned(), chart, clock: clock.clone(), observer: None })
}

/// What the ledger is asked to do with accounts in euro.
pub async fn unit_of(ledger: &Ledger, number: u64, operation: &Operation) -> Result<UnitOfWork> {
    unit_among(&accounts(), ledger, number, operation).await
}

/// What the ledger is asked to do; periods are changed through calls of their own.
pub async fn unit_among(
    accounts: &[ModelAccount],
    ledger: &Ledger,
    number: u64,
    operation: &Operation,
) -> Result<UnitOfWork> {
    let code = |index: usize| account(accounts[index].code);
    let money = |index: usize, amount| Money::from_minor(amount, currency_of(&accounts[index]));
    let moved = |day, debit, credit, amount| {
        let entry = Entry::builder(KIND, day).debit(code(debit), money(debit, amount));
        entry.credit(code(credit), money(credit, amount))
    };
    let today = time(START).date_naive();
    let mut effect = None;
    let entry = match *operation {
        Operation::Move { debit, credit, amount } => moved(today, debit, credit, amount),
        Operation::Late { debit, credit, amount, day } => moved(date(day), debit, credit, amount),
        Operation::Adjust { debit, credit, amount, day } => {
            moved(date(day), debit, credit, amount).adjusting(Approvals::try_new(AUDITOR, DIRECTOR)?)
        }
        Operation::Place { hold, account, amount, until } => {
            Entry::builder(KIND, today).hold(hold_id(hold), code(account), money(account, amount), time(until))
        }
        Operation::Post { hold, debit, credit, amount, of_hold } => {
            moved(today, debit, credit, amount).post_hold(hold_id(hold), money(debit, of_hold))
        }
        Operation::Release { hold } => Entry::builder(KIND, today).release_hold(hold_id(hold)),
        Operation::Reverse { sequence } => ledger.reversal(Sequence::new(sequence), KIND).await?,
        Operation::Correct { sequence, debit, credit, amount } => {
            let turned = ledger.reversal(Sequence::new(sequence), KIND).await?;
            turned.debit(code(debit), money(debit, amount)).credit(code(credit), money(credit, amount))
        }
        Operation::Exchange { debit, sold, amount, bought, credit, counter } => moved(today, debit, sold, amount)
            .debit(code(bought), money(bought, counter))
            .credit(code(credit), money(credit, counter)),
        Operation::Take { thing, debit, credit, amount } => {
            effect = Some(things::take(ledger.book(), thing)?);
            moved(today, debit, credit, amount)
        }
        Operation::Poison { debit, credit, amount } => {
            effect = Some(things::poison()?);
            moved(today, debit, credit, amount)
        }
        Operation::Leg { .. } => return Err("a leg is booked by its transfer".into()),
        Operation::Close { .. } | Operation::Reopen { .. } => return Err("a period is no unit of its own".into()),
    };
    let unit = UnitOfWork::new(key(number), entry.build()?);
    Ok(match effect {
        Some(effect) => unit.causing(effect),
        None => unit,
    })
}

/// Changes a period.
pub async fn change_period(
    ledger: &Ledger,
    number: u64,
    operation: &Operation,
) -> std::result::Result<Receipt, PostError> {
    match *operation {
        Operation::Close { through } => ledger.close_period(key(number), date(through), AUDITOR).await,
        Operation::Reopen { from } => {
            let approvals = Approvals::try_new(AUDITOR, DIRECTOR).expect("two people");
            ledger.reopen_period(key(number), date(from), approvals).await
        }
        _ => panic!("{operation:?} changes no period"),
    }
}

/// An entry answers with what it left, not with what the whole batch left.
pub fn compare_receipt(model: &Model, left: &Left) {
    let index = |code: &str, currency: &str| {
        let found = model.accounts.iter().position(|account| account.code == code && account.currency == currency);
        found.expect("a known account")
    };
    for (code, currency, balance) in &left.balances {
        assert_eq!(*balance, model.normal(index(code, currency)), "{code} after entry {}", left.sequence);
    }
    for (code, currency, balance, held) in &left.available {
        let index = index(code, currency);
        let modelled = (model.normal(index), model.held(index));
        assert_eq!((*balance, *held), modelled, "{code} after entry {}", left.sequence);
    }
}

/// Holds balances, holds and the head against the model, and has the book verified.
pub async fn compare(ledger: &Ledger, model: &Model) -> Result {
    for (index, modelled) in model.accounts.iter().enumerate() {
        let found = ledger.available(&account(modelled.code), currency_of(modelled)).await;
        let (balance, held) = match found {
            Ok(available) => (available.balance.minor(), available.held.minor()),
            Err(ledger::Error::UnknownAccount { .. }) => (0, 0),
            Err(error) => return Err(error.into()),
        };
        assert_eq!((balance, held), (model.normal(index), model.held(index)), "{}", modelled.code);
    }
    for (id, modelled) in &model.holds {
        let hold = ledger.hold(hold_id(*id)).await?.ok_or("the hold is kept")?;
        let currency = currency_of(&model.accounts[modelled.account]);
        let money = |minor| Money::from_minor(minor, currency);
        assert_eq!((hold.amount, hold.remaining), (money(modelled.amount).into(), money(modelled.remaining).into()));
        assert_eq!(hold.expires_at, time(modelled.until));
    }
    assert_eq!(ledger.head().await?.number(), model.entries.len() as i64);
    let verification = ledger.verify(|_, _| {}).await?;
    assert_eq!(verification.first_difference(), None);
    Ok(())
}

pub struct Held {
    pub test: TestDatabase,
    pub clock: Clock,
    pub ledger: Ledger,
    _writer: WriterTask,
    pub model: Model,
}

impl Held {
    pub async fn new() -> Result<Self> {
        let test = TestDatabase::create().await?;
        let clock = Clock::fixed(time(START));
        let (ledger, writer) = Ledger::open(test.database()?, settings(&clock)?).await?;
        Ok(Self { test, clock, ledger, _writer: writer, model: Model::new(accounts(), START) })
    }

    pub async fn unit(&self, number: u64, operation: &Operation) -> Result<UnitOfWork> {
        unit_of(&self.ledger, number, operation).await
    }

    /// Asks both, the ledger in one go, and holds them against each other.
    pub async fn ask(&mut self, asked: &[(u64, Operation)]) -> Result<Vec<Verdict>> {
        let mut units = Vec::new();
        for (number, operation) in asked {
            units.push(self.unit(*number, operation).await?);
        }
        let answers = self.ledger.post_all(units).await?;
        let mut verdicts = Vec::new();
        for ((number, operation), answer) in asked.iter().zip(answers) {
            let expected = self.model.apply(*number, operation);
            if let Ok(receipt) = &answer {
                compare_receipt(&self.model, &Left::of(receipt));
            }
            let verdict = match answer {
                Ok(Receipt { sequence, outcome: Outcome::Booked, .. }) => Verdict::Booked(sequence.number()),
                Ok(receipt) => Verdict::Before(receipt.sequence.number()),
                Err(PostError::Refused(refusal)) => Verdict::Refused(refusal.reason()),
                Err(error) => return Err(error.into()),
            };
            assert_eq!(verdict, expected, "{operation:?} under key {number} at {}", self.model.now);
            verdicts.push(verdict);
        }
        Ok(verdicts)
    }

    pub async fn compare(&self) -> Result {
        compare(&self.ledger, &self.model).await
    }

    pub fn pass(&mut self, seconds: i64) {
        self.clock.advance(Duration::seconds(seconds));
        self.model.now += seconds;
    }

    pub async fn tidy(&mut self) -> Result {
        let expired: Vec<u64> = self
            .model
            .holds
            .iter()
            .filter(|(_, hold)| hold.remaining > 0 && hold.until <= self.model.now)
            .map(|(id, _)| *id)
            .collect();
        let tidied = self.ledger.tidy_expired_holds(1_000).await?;
        assert_eq!(tidied, expired.len());
        for hold in expired {
            self.model.tidied(hold);
        }
        Ok(())
    }
}
