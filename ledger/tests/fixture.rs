//! What the tests share: a ledger on a database of its own, entries in a line.

use ledger::{
    AccountCode, BookId, BookSettings, Chart, Currency, Entry, EntryKind, IdempotencyKey, Ledger, Money, UnitOfWork,
    WriterTask,
};
use platform::clock::Clock;
use platform::database::Database;
use platform::testing::TestDatabase;

/// What a test answers.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The chart that the server ships.
pub const CHART: &str = include_str!("../../config/chart-of-accounts.toml");

/// A ledger on a database of its own.
pub struct LedgerFixture {
    /// The database.
    pub test: TestDatabase,
    /// Its pool, with the server's rights.
    pub database: Database,
    /// The ledger.
    pub ledger: Ledger,
    /// The ledger's writer.
    pub writer: WriterTask,
}

impl LedgerFixture {
    /// An empty ledger by the machine's clock.
    ///
    /// # Errors
    /// When PostgreSQL cannot be had.
    pub async fn new() -> Result<Self> {
        let test = TestDatabase::create().await?;
        let database = test.database()?;
        let (ledger, writer) = open(&database, Clock::system()).await?;
        Ok(Self { test, database, ledger, writer })
    }
}

/// Opens the first book.
///
/// # Errors
/// When the database does not answer.
pub async fn open(database: &Database, clock: Clock) -> Result<(Ledger, WriterTask)> {
    let settings = BookSettings {
        book: BookId::FIRST,
        name: "teranga".to_owned(),
        chart: Chart::from_toml(CHART)?,
        clock,
        observer: None,
    };
    Ok(Ledger::open(database.clone(), settings).await?)
}

/// An account code that is known to be one.
#[must_use]
pub fn account(code: &str) -> AccountCode {
    AccountCode::try_new(code).unwrap_or_else(|error| panic!("{error}"))
}

/// Euro cents.
#[must_use]
pub const fn euro(cents: i64) -> Money {
    Money::from_minor(cents, Currency::EUR)
}

/// A transfer from one account to another: the first is credited, the second debited.
#[must_use]
pub fn transfer(ledger: &Ledger, credit: &str, debit: &str, amount: Money) -> Entry {
    Entry::builder(EntryKind::new("transfer"), ledger.today())
        .debit(account(debit), amount)
        .credit(account(credit), amount)
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A transfer under a fresh key.
pub fn unit(ledger: &Ledger, credit: &str, debit: &str, amount: Money) -> UnitOfWork {
    UnitOfWork::new(IdempotencyKey::generate(), transfer(ledger, credit, debit, amount))
}
