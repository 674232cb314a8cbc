//! A ledger beside its model: whatever is asked of both is held against each other.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use ledger::{
    AccountCode, BookId, BookSettings, Chart, Currency, Entry, EntryKind, HoldId, IdempotencyKey, Ledger, Outcome,
    PostError, Receipt, Sequence, UnitOfWork, WriterTask,
};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use uuid::Uuid;

use crate::fixture::{Result, account, euro};
use crate::model::{Model, ModelAccount, Operation, Verdict};

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
"#;
pub const KIND: EntryKind = EntryKind::new("test");
/// A second that all tests start in.
pub const START: i64 = 1_780_000_000;

pub fn accounts() -> Vec<ModelAccount> {
    let account = |code, grows_by_debit, floor| ModelAccount { code, grows_by_debit, floor, balance: 0 };
    vec![
        account("assets:bank:main", true, None),
        account("liabilities:wallets:amina", false, Some(0)),
        account("liabilities:wallets:babacar", false, Some(0)),
        account("liabilities:credit:chioma", false, Some(-100)),
        account("assets:float:mfi", true, Some(10)),
    ]
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

/// What the ledger is asked to do; periods are changed through calls of their own.
pub async fn unit_of(ledger: &Ledger, number: u64, operation: &Operation) -> Result<UnitOfWork> {
    let accounts = accounts();
    let code = |index: usize| account(accounts[index].code);
    let today = time(START).date_naive();
    let entry = match *operation {
        Operation::Move { debit, credit, amount } => {
            Entry::builder(KIND, today).debit(code(debit), euro(amount)).credit(code(credit), euro(amount))
        }
        Operation::Late { debit, credit, amount, day } => {
            Entry::builder(KIND, date(day)).debit(code(debit), euro(amount)).credit(code(credit), euro(amount))
        }
        Operation::Place { hold, account, amount, until } => {
            Entry::builder(KIND, today).hold(hold_id(hold), code(account), euro(amount), time(until))
        }
        Operation::Post { hold, debit, credit, amount, of_hold } => Entry::builder(KIND, today)
            .debit(code(debit), euro(amount))
            .credit(code(credit), euro(amount))
            .post_hold(hold_id(hold), euro(of_hold)),
        Operation::Release { hold } => Entry::builder(KIND, today).release_hold(hold_id(hold)),
        Operation::Reverse { sequence } => ledger.reversal(Sequence::new(sequence), KIND).await?,
        Operation::Close { .. } | Operation::Reopen { .. } => return Err("a period is no unit of its own".into()),
    };
    Ok(UnitOfWork::new(key(number), entry.build()?))
}

/// An entry answers with what it left, not with what the whole batch left.
pub fn compare_receipt(model: &Model, receipt: &Receipt) {
    let index = |code: &AccountCode| {
        let index = model.accounts.iter().position(|account| account.code == code.as_str());
        index.expect("a known account")
    };
    for balance in &receipt.balances {
        assert_eq!(balance.on_normal_side().minor(), model.normal(index(&balance.account)));
    }
    for available in &receipt.available {
        let index = index(&available.account);
        assert_eq!(available.balance.minor(), model.normal(index));
        assert_eq!(available.held.minor(), model.held(index));
    }
}

/// Holds balances, holds and the head against the model, and has the book verified.
pub async fn compare(ledger: &Ledger, model: &Model) -> Result {
    for (index, modelled) in model.accounts.iter().enumerate() {
        let found = ledger.available(&account(modelled.code), Currency::EUR).await;
        let (balance, held) = match found {
            Ok(available) => (available.balance.minor(), available.held.minor()),
            Err(ledger::Error::UnknownAccount { .. }) => (0, 0),
            Err(error) => return Err(error.into()),
        };
        assert_eq!((balance, held), (model.normal(index), model.held(index)), "{}", modelled.code);
    }
    for (id, modelled) in &model.holds {
        let hold = ledger.hold(hold_id(*id)).await?.ok_or("the hold is kept")?;
        assert_eq!((hold.amount, hold.remaining), (euro(modelled.amount).into(), euro(modelled.remaining).into()));
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
                compare_receipt(&self.model, receipt);
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
