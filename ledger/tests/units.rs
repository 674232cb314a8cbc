//! Units of projects: registered once, passed on in lots, never more than are held.

mod loading;
mod model;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use ledger::{
    Amount, AsOf, CapTableQuery, Commodity, Entry, EntryBuilder, EntryError, EntryKind, GivenLot, IdempotencyKey,
    Ledger, Lot, LotName, MoneyError, NewLot, NewUnit, PostError, PseudonymKey, Receipt, Refusal, Registration,
    Sequence, Subjects, Unit, UnitCode, UnitError, UnitOfWork,
};
use uuid::Uuid;

use crate::fixture::{LedgerFixture, Result, account, euro};

pub const ISSUED: &str = "assets:units-issued:solar";
pub const AMINA: &str = "liabilities:holdings:amina";
pub const BABACAR: &str = "liabilities:holdings:babacar";
const BANK: &str = "assets:pay-in:bank";
const KIND: EntryKind = EntryKind::new("units");

/// Whole units of a project.
pub fn solar() -> Result<NewUnit> {
    let (code, name) = (UnitCode::try_new("unit:solar-1")?, "Sun over Thiès".to_owned());
    Ok(NewUnit { code, name, decimals: 0, subject: Uuid::from_u128(0x5017) })
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn begin(ledger: &Ledger) -> EntryBuilder {
    Entry::builder(KIND, ledger.today())
}

async fn post(ledger: &Ledger, entry: EntryBuilder) -> Result<Receipt> {
    Ok(ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry.build()?)).await?)
}

async fn refusal(ledger: &Ledger, entry: EntryBuilder) -> Result<Refusal> {
    match ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry.build()?)).await {
        Err(PostError::Refused(refusal)) => Ok(refusal),
        other => Err(format!("{other:?} is no refusal").into()),
    }
}

struct Issued {
    fixture: LedgerFixture,
    unit: Unit,
}

impl Issued {
    /// Amina has two lots, the younger one first; Babacar one without cost.
    async fn new() -> Result<Self> {
        let fixture = LedgerFixture::new().await?;
        let (unit, _) = fixture.ledger.register_unit(solar()?).await?;
        let issued = Self { fixture, unit };
        let lots = vec![issued.lot(3, "2025-06-01", 10_000), issued.lot(4, "2024-05-01", 4_000)];
        let entry = begin(issued.ledger())
            .debit(account(ISSUED), issued.units(17))
            .credit_lots(account(AMINA), lots)
            .credit(account(BABACAR), issued.units(10));
        post(issued.ledger(), entry).await?;
        Ok(issued)
    }

    fn ledger(&self) -> &Ledger {
        &self.fixture.ledger
    }

    fn units(&self, count: i64) -> Amount {
        Amount::from_minor(count, self.unit)
    }

    fn lot(&self, count: i64, acquired_on: &str, cents: i64) -> NewLot {
        NewLot { amount: self.units(count), acquired_on: day(acquired_on), cost: Some(euro(cents)) }
    }

    fn pass_on(&self, from: &str, to: &str, count: i64) -> EntryBuilder {
        begin(self.ledger()).debit(account(from), self.units(count)).credit(account(to), self.units(count))
    }

    /// Each lot's name, units and cents.
    async fn held(&self, code: &str) -> Result<Vec<(String, i64, Option<i64>)>> {
        let lots = self.ledger().lots(&account(code), self.unit, AsOf::Now, None, 100).await?;
        let told = |lot: &Lot| (lot.name.to_string(), lot.amount.minor(), lot.cost.map(|cost| cost.minor()));
        Ok(lots.iter().map(told).collect())
    }

    async fn is_whole(&self) -> Result {
        let verification = self.ledger().verify(|_, _| {}).await?;
        assert_eq!(verification.first_difference(), None);
        Ok(())
    }
}

fn named(name: &str, units: i64, cents: impl Into<Option<i64>>) -> (String, i64, Option<i64>) {
    (name.to_owned(), units, cents.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_registered_once_and_never_changes() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let at_once = futures_util::future::join_all((0..8).map(|_| ledger.register_unit(solar().expect("a unit")))).await;
    let at_once = at_once.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
    let first = at_once.iter().filter(|(_, how)| *how == Registration::Registered).count();
    assert_eq!(first, 1);
    let unit = at_once[0].0;
    assert!(at_once.iter().all(|(found, _)| *found == unit));
    assert_eq!((unit.code(), unit.decimals(), unit.name()), ("unit:solar-1", 0, "Sun over Thiès"));
    let other = NewUnit { decimals: 2, ..solar()? };
    assert!(matches!(ledger.register_unit(other).await, Err(UnitError::Taken { .. })));
    for name in ["", "two\nlines", &"x".repeat(121)] {
        let nameless = NewUnit { name: name.to_owned(), code: UnitCode::try_new("unit:other")?, ..solar()? };
        assert!(matches!(ledger.register_unit(nameless).await, Err(UnitError::Name)), "{name:?}");
    }
    assert_eq!(ledger.commodity("unit:solar-1").await?, Ok(Commodity::Unit(unit)));
    assert!(ledger.commodity("unit:lunar-1").await?.is_err());
    assert_eq!(ledger.units(None, 10).await?, [unit]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn units_are_passed_on_first_in_first_out_with_their_cost_to_the_last_cent() -> Result {
    let issued = Issued::new().await?;
    assert_eq!(issued.held(AMINA).await?, [named("1-1", 3, 10_000), named("1-2", 4, 4_000)]);
    assert_eq!(issued.held(BABACAR).await?, [named("1-3", 10, None)]);
    // The older lot goes first, whole; then a third of the younger one, and what cannot be divided stays.
    post(issued.ledger(), issued.pass_on(AMINA, BABACAR, 5)).await?;
    assert_eq!(issued.held(AMINA).await?, [named("1-1", 2, 6_667)]);
    let babacar = [named("1-1", 1, 3_333), named("1-2", 4, 4_000), named("1-3", 10, None)];
    assert_eq!(issued.held(BABACAR).await?, babacar);
    // Named ones, whatever their age.
    let lot = LotName { sequence: Sequence::new(1), number: 3 };
    let given = vec![GivenLot { lot, amount: issued.units(2) }];
    let entry = begin(issued.ledger()).debit_lots(account(BABACAR), given).credit(account(AMINA), issued.units(2));
    post(issued.ledger(), entry).await?;
    assert_eq!(issued.held(AMINA).await?, [named("1-1", 2, 6_667), named("1-3", 2, None)]);
    // Taken back by who issued them.
    post(issued.ledger(), issued.pass_on(BABACAR, ISSUED, 4)).await?;
    assert_eq!(issued.held(BABACAR).await?, [named("1-1", 1, 3_333), named("1-3", 8, None)]);
    let outstanding = [named("1-1", 3, 10_000), named("1-3", 10, None)];
    assert_eq!(issued.held(ISSUED).await?, outstanding);
    issued.is_whole().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_more_units_than_are_held() -> Result {
    let issued = Issued::new().await?;
    let ledger = issued.ledger();
    let below = refusal(ledger, issued.pass_on(AMINA, BABACAR, 8)).await?;
    assert!(matches!(below, Refusal::BelowFloor { .. }), "{below}");
    let lot = LotName { sequence: Sequence::new(1), number: 1 };
    let given = vec![GivenLot { lot, amount: issued.units(4) }];
    let entry = begin(ledger).debit_lots(account(AMINA), given).credit(account(BABACAR), issued.units(4));
    let not_held = refusal(ledger, entry).await?;
    assert_eq!(not_held, Refusal::LotNotHeld { account: account(AMINA), lot, held: issued.units(3) });
    let unissued = begin(ledger)
        .debit(account(BABACAR), issued.units(1))
        .credit_lots(account(AMINA), vec![issued.lot(1, "2026-01-01", 1)]);
    assert!(matches!(unissued.build(), Err(EntryError::NotIssued { .. })));
    // What is held back for a purpose is not to be given either.
    let until = ledger.now() + chrono::Duration::hours(1);
    post(ledger, begin(ledger).hold(ledger::HoldId::generate(), account(AMINA), issued.units(5), until)).await?;
    assert!(matches!(refusal(ledger, issued.pass_on(AMINA, BABACAR, 3)).await?, Refusal::BelowFloor { .. }));
    // In one batch, each is decided after those before it.
    let unit = |entry: EntryBuilder| Ok(UnitOfWork::new(IdempotencyKey::generate(), entry.build()?));
    let batch: Result<Vec<UnitOfWork>> = [
        issued.pass_on(AMINA, BABACAR, 2),
        issued.pass_on(AMINA, BABACAR, 1),
        issued.pass_on(BABACAR, AMINA, 12),
        issued.pass_on(BABACAR, AMINA, 1),
    ]
    .into_iter()
    .map(unit)
    .collect();
    let answers = ledger.post_all(batch?).await?;
    assert_eq!(answers.iter().map(std::result::Result::is_ok).collect::<Vec<_>>(), [true, false, true, false]);
    issued.is_whole().await
}

#[tokio::test(flavor = "multi_thread")]
async fn currencies_and_units_do_not_mix() -> Result {
    let issued = Issued::new().await?;
    let ledger = issued.ledger();
    let mixed = begin(ledger).debit(account(BANK), euro(5)).credit(account(AMINA), issued.units(5)).build();
    assert!(matches!(mixed, Err(EntryError::Unbalanced { .. })), "{mixed:?}");
    for (debit, credit, amount) in [
        ("assets:pay-in:bank", AMINA, issued.units(1)),
        (ISSUED, "liabilities:wallets:amina", issued.units(1)),
        (ISSUED, AMINA, euro(1).into()),
    ] {
        let entry = begin(ledger).debit(account(debit), amount).credit(account(credit), amount);
        let refused = refusal(ledger, entry).await?;
        assert!(matches!(refused, Refusal::WrongCommodity { .. }), "{debit} {credit}: {refused}");
    }
    let lots_of_money = begin(ledger)
        .credit_lots(account(AMINA), vec![NewLot { amount: euro(5).into(), acquired_on: ledger.today(), cost: None }]);
    assert!(matches!(lots_of_money.build(), Err(EntryError::LotsOfMoney { .. })));
    assert!(begin(ledger).credit_lots(account(AMINA), Vec::new()).build().is_err());
    assert!(matches!(ledger::Money::try_from(issued.units(1)), Err(MoneyError::NotMoney(_))));
    // Money and units may move in one entry, each balanced by itself.
    let sold = issued
        .pass_on(AMINA, BABACAR, 1)
        .debit(account(BANK), euro(9_000))
        .credit(account("liabilities:wallets:amina"), euro(9_000));
    let receipt = post(ledger, sold).await?;
    assert_eq!(receipt.balances.len(), 4);
    let balance = ledger.trial_balance(AsOf::Now).await?;
    assert!(balance.differences().into_iter().all(|(_, sum)| sum == 0));
    let rates = NoRates;
    let safeguarding = ledger::Safeguarding::of(&balance, ledger.chart(), &rates)?;
    assert_eq!(safeguarding.lines.len(), 1, "units are no money");
    issued.is_whole().await
}

struct NoRates;

impl ledger::RatesOfTheDay for NoRates {
    fn base(&self) -> ledger::Currency {
        ledger::Currency::EUR
    }

    fn in_base(&self, amount: ledger::Money) -> Option<ledger::Money> {
        Some(amount)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_gives_the_same_lots_back() -> Result {
    let issued = Issued::new().await?;
    let ledger = issued.ledger();
    let (before, others) = (issued.held(AMINA).await?, issued.held(BABACAR).await?);
    let passed_on = post(ledger, issued.pass_on(AMINA, BABACAR, 5)).await?;
    post(ledger, ledger.reversal(passed_on.sequence, KIND).await?).await?;
    assert_eq!((issued.held(AMINA).await?, issued.held(BABACAR).await?), (before, others));
    // What was taken back is issued again, as new lots with the old facts.
    let taken_back = post(ledger, issued.pass_on(AMINA, ISSUED, 4)).await?;
    post(ledger, ledger.reversal(taken_back.sequence, KIND).await?).await?;
    assert_eq!(issued.held(AMINA).await?, [named("1-1", 3, 10_000), named("5-1", 4, 4_000)]);
    // An issue that was a mistake ends its lots.
    let mistake = begin(ledger)
        .debit(account(ISSUED), issued.units(6))
        .credit_lots(account(BABACAR), vec![issued.lot(6, "2026-01-01", 7)]);
    let mistake = post(ledger, mistake).await?;
    post(ledger, ledger.reversal(mistake.sequence, KIND).await?).await?;
    assert_eq!(issued.held(BABACAR).await?, [named("1-3", 10, None)]);
    issued.is_whole().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_table_is_the_trial_balance_of_a_unit_at_any_moment() -> Result {
    let issued = Issued::new().await?;
    let ledger = issued.ledger();
    post(ledger, issued.pass_on(AMINA, "liabilities:holdings:coumba", 7)).await?;
    let query = |moment, after, limit| CapTableQuery { unit: issued.unit, moment, after, limit };
    let whole = ledger.cap_table(query(AsOf::Now.into(), None, 10), &Subjects::AsTheyAre).await?;
    let lines: BTreeMap<&str, i64> =
        whole.lines.iter().map(|line| (line.account.as_str(), line.held.minor())).collect();
    assert_eq!(lines, BTreeMap::from([(BABACAR, 10), ("liabilities:holdings:coumba", 7)]));
    assert_eq!((whole.issued, whole.goes_on), (issued.units(17), false));
    let past = AsOf::Sequence(Sequence::new(1)).into();
    let first = ledger.cap_table(query(past, None, 1), &Subjects::AsTheyAre).await?;
    let second = ledger.cap_table(query(past, Some(first.lines[0].place), 1), &Subjects::AsTheyAre).await?;
    assert_eq!((first.goes_on, second.goes_on), (true, false));
    let mut holders = [first.lines[0].account.as_str(), second.lines[0].account.as_str()];
    holders.sort_unstable();
    assert_eq!(holders, [AMINA, BABACAR]);
    let grant = Subjects::Pseudonyms(PseudonymKey::for_grant(b"secret", Uuid::from_u128(1)));
    let shown = ledger.cap_table(query(AsOf::Now.into(), None, 10), &grant).await?;
    assert!(shown.lines.iter().all(|line| !line.account.contains("babacar") && !line.account.contains("coumba")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_learns_of_a_unit_when_it_meets_it() -> Result {
    let issued = Issued::new().await?;
    let (other, _writer) = crate::fixture::open(&issued.fixture.database, platform::clock::Clock::system()).await?;
    let balance = other.trial_balance(AsOf::Now).await?;
    assert!(balance.balances.iter().any(|balance| balance.commodity == Commodity::Unit(issued.unit)));
    let found = other.entries_after(Sequence::new(0), 10).await?;
    assert_eq!(found.entries[0].postings[1].lots.len(), 2);
    post(&other, issued.pass_on(AMINA, BABACAR, 1)).await?;
    post(issued.ledger(), issued.pass_on(AMINA, BABACAR, 1)).await?;
    issued.is_whole().await
}
