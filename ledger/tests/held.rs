//! A ledger beside its model: whatever is asked of both is held against each other.

use chrono::{DateTime, Duration, Utc};
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

pub fn hold_id(number: u64) -> HoldId {
    HoldId::from_uuid(Uuid::from_u128(0x4000_8000_0000_0000_0000 + u128::from(number)))
}

pub fn key(number: u64) -> IdempotencyKey {
    IdempotencyKey::from_uuid(Uuid::from_u128(0x7000_8000_0000_0000_0000 + u128::from(number)))
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
        let settings = BookSettings {
            book: BookId::FIRST,
            name: "held".to_owned(),
            chart: Chart::from_toml(CHART)?,
            clock: clock.clone(),
            observer: None,
        };
        let (ledger, writer) = Ledger::open(test.database()?, settings).await?;
        Ok(Self { test, clock, ledger, _writer: writer, model: Model::new(accounts(), START) })
    }

    pub fn code(&self, index: usize) -> AccountCode {
        account(self.model.accounts[index].code)
    }

    pub async fn unit(&self, number: u64, operation: &Operation) -> Result<UnitOfWork> {
        let day = time(START).date_naive();
        let entry = match *operation {
            Operation::Move { debit, credit, amount } => {
                Entry::builder(KIND, day).debit(self.code(debit), euro(amount)).credit(self.code(credit), euro(amount))
            }
            Operation::Place { hold, account, amount, until } => {
                Entry::builder(KIND, day).hold(hold_id(hold), self.code(account), euro(amount), time(until))
            }
            Operation::Post { hold, debit, credit, amount, of_hold } => Entry::builder(KIND, day)
                .debit(self.code(debit), euro(amount))
                .credit(self.code(credit), euro(amount))
                .post_hold(hold_id(hold), euro(of_hold)),
            Operation::Release { hold } => Entry::builder(KIND, day).release_hold(hold_id(hold)),
            Operation::Reverse { sequence } => self.ledger.reversal(Sequence::new(sequence), KIND).await?,
        };
        Ok(UnitOfWork::new(key(number), entry.build()?))
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
                self.compare_receipt(receipt);
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

    /// An entry answers with what it left, not with what the whole batch left.
    pub fn compare_receipt(&self, receipt: &Receipt) {
        for available in &receipt.available {
            let index = self.model.accounts.iter().position(|account| account.code == available.account.as_str());
            let index = index.expect("a known account");
            assert_eq!(available.balance.minor(), self.model.normal(index));
            assert_eq!(available.held.minor(), self.model.held(index));
        }
    }

    pub async fn compare(&self) -> Result {
        for (index, modelled) in self.model.accounts.iter().enumerate() {
            let found = self.ledger.available(&account(modelled.code), Currency::EUR).await;
            let (balance, held) = match found {
                Ok(available) => (available.balance.minor(), available.held.minor()),
                Err(ledger::Error::UnknownAccount { .. }) => (0, 0),
                Err(error) => return Err(error.into()),
            };
            assert_eq!((balance, held), (self.model.normal(index), self.model.held(index)), "{}", modelled.code);
        }
        for (id, modelled) in &self.model.holds {
            let hold = self.ledger.hold(hold_id(*id)).await?.ok_or("the hold is kept")?;
            assert_eq!((hold.amount, hold.remaining), (euro(modelled.amount), euro(modelled.remaining)));
            assert_eq!(hold.expires_at, time(modelled.until));
        }
        assert_eq!(self.ledger.head().await?.number(), self.model.entries.len() as i64);
        let verification = self.ledger.verify(|_, _| {}).await?;
        assert_eq!(verification.first_difference(), None);
        Ok(())
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
