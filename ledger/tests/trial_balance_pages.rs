//! The trial balance in pages is the whole one, at any moment.

use chrono::{Days, Duration};
use ledger::{
    AsOf, Balance, Entry, EntryKind, IdempotencyKey, Ledger, Moment, Sequence, TrialBalance, TrialBalanceQuery,
    UnitOfWork,
};
use platform::clock::Clock;
use platform::testing::TestDatabase;

use crate::fixture::{Result, account, euro, open};

async fn pages(ledger: &Ledger, moment: Moment, limit: i64) -> Result<TrialBalance> {
    let mut query = TrialBalanceQuery { moment, after: None, limit };
    let mut balances = Vec::new();
    loop {
        let page = ledger.trial_balance_page(query.clone()).await?;
        assert!(page.balances.len() <= usize::try_from(limit)?);
        balances.extend(page.balances);
        if page.next.is_none() {
            return Ok(TrialBalance { sequence: page.sequence, balances });
        }
        query.after = page.next;
    }
}

fn by_bytes(mut balances: Vec<Balance>) -> Vec<Balance> {
    balances
        .sort_by(|a, b| (a.account.as_str(), a.commodity.number()).cmp(&(b.account.as_str(), b.commodity.number())));
    balances
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_sums_are_the_whole_trial_balance_at_any_moment() -> Result {
    let test = TestDatabase::create().await?;
    let clock = Clock::fixed("2026-03-02T09:00:00Z".parse()?);
    let (ledger, _writer) = open(&test.database()?, clock.clone()).await?;
    for number in 0..12_u64 {
        let effective = ledger.today() - Days::new(if number % 3 == 0 { 2 } else { 0 });
        let person = format!("liabilities:wallets:person-{}", number % 5);
        let entry = Entry::builder(EntryKind::new("credited"), effective)
            .debit(account("assets:pay-in:bank"), euro(100 + i64::try_from(number)?))
            .credit(account(&person), euro(100 + i64::try_from(number)?))
            .build()?;
        ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry)).await?;
        clock.advance(Duration::hours(9));
    }
    let day = "2026-03-03".parse()?;
    let third = AsOf::Sequence(Sequence::new(3));
    for moment in [AsOf::Now.into(), third.into(), AsOf::Now.effective_by(day), third.effective_by(day)] {
        let whole = ledger.trial_balance(moment).await?;
        for limit in [1, 2, 5, 1_000] {
            let paged = pages(&ledger, moment, limit).await?;
            assert_eq!(paged.sequence, whole.sequence);
            assert_eq!(paged.balances, by_bytes(whole.balances.clone()), "{moment:?} by {limit}");
        }
        let sums: Vec<_> = ledger.trial_balance_sums(moment).await?;
        let sums: Vec<_> = sums.iter().map(|sum| (sum.currency, sum.debit_positive_minor)).collect();
        assert_eq!(sums, whole.differences());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_turned_into_the_entries_booked_on_them() -> Result {
    let test = TestDatabase::create().await?;
    let clock = Clock::fixed("2026-03-02T09:00:00Z".parse()?);
    let (ledger, _writer) = open(&test.database()?, clock.clone()).await?;
    let within = async |from: Option<&str>, through: Option<&str>| -> Result<(i64, i64)> {
        let day = |text: Option<&str>| text.map(str::parse).transpose();
        let days = ledger::Dates { from: day(from)?, through: day(through)? };
        let (after, last) = ledger.booked_in(days).await?;
        Ok((after.number(), last.number()))
    };
    assert_eq!(within(None, None).await?, (0, 0));
    for _ in 0..3 {
        for _ in 0..2 {
            let unit = crate::fixture::unit(&ledger, "equity:capital", "assets:operating:bank", euro(1));
            ledger.post(unit).await?;
        }
        clock.advance(Duration::days(1));
    }
    assert_eq!(within(None, None).await?, (0, 6));
    assert_eq!(within(Some("2026-03-03"), Some("2026-03-03")).await?, (2, 4));
    assert_eq!(within(Some("2026-03-04"), None).await?, (4, 6));
    assert_eq!(within(None, Some("2026-03-02")).await?, (0, 2));
    assert_eq!(within(Some("2026-04-01"), None).await?, (6, 6));
    assert_eq!(within(None, Some("2026-01-01")).await?, (0, 0));
    Ok(())
}
