//! The change feed: every entry once and in order, from any place on, then as they come.

use std::pin::pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};

use crate::fixture::{LedgerFixture, Result, account, euro, open, unit};
use ledger::{
    Entry, EntryKind, Error, FeedEntry, FeedWaker, IdempotencyKey, Ledger, MAX_FEED_ENTRIES, Sequence, UnitOfWork,
};
use platform::clock::Clock;

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";
/// Longer than any wait of these tests ought to take.
const SOON: Duration = Duration::from_secs(10);

async fn post(ledger: &Ledger, count: usize) -> Result {
    let units = (0..count).map(|_| unit(ledger, AMINA, BANK, euro(1))).collect();
    for answer in ledger.post_all(units).await? {
        answer?;
    }
    Ok(())
}

/// The sequences of what a stream brings next, at least `count` of them.
async fn take(
    stream: &mut (impl Stream<Item = std::result::Result<Vec<FeedEntry>, Error>> + Unpin),
    count: usize,
) -> Result<Vec<i64>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let page = tokio::time::timeout(SOON, stream.next()).await?.ok_or("the stream ended")??;
        assert!(!page.is_empty());
        taken.extend(page.iter().map(|entry| entry.sequence.number()));
    }
    Ok(taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_catches_up_and_goes_live_without_a_gap_or_a_repeat() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    post(ledger, 1_234).await?;
    let feed = ledger.reading_through(fixture.test.database()?).feed(&FeedWaker::default());
    let writing = tokio::spawn({
        let ledger = ledger.clone();
        async move {
            for _ in 0..40 {
                post(&ledger, 25).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }
    });
    // It goes away after every page or few, and names the place it has come to.
    let mut seen = Vec::new();
    let mut patience = 0;
    while seen.len() < 2_234 {
        patience += 1;
        let after = Sequence::new(seen.last().copied().unwrap_or(0));
        let mut stream = pin!(feed.follow(after));
        let count = (patience * 37 % 200).min(2_234 - seen.len());
        seen.extend(take(&mut stream, count.max(1)).await?);
    }
    writing.await??;
    assert_eq!(seen, (1..=2_234).collect::<Vec<i64>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_processes_write_comes_too() -> Result {
    let fixture = LedgerFixture::new().await?;
    let (other, _writer) = open(&fixture.test.database()?, Clock::system()).await?;
    let feed = fixture.ledger.feed(&FeedWaker::default());
    let mut stream = pin!(feed.follow(Sequence::new(0)));
    for number in 1..=3 {
        let (taken, posted) = tokio::join!(take(&mut stream, 1), post(&other, 1));
        posted?;
        assert_eq!(taken?, [number]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_comes_whole() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let subject = uuid::Uuid::now_v7();
    let facts = serde_json::json!({"invoice": "A-17"});
    let entry = Entry::builder(EntryKind::new("transfer"), "2026-01-31".parse()?)
        .description("a new roof")
        .subject(subject)
        .metadata(facts.clone())
        .debit(account(BANK), euro(700))
        .credit(account(AMINA), euro(500))
        .credit(account("liabilities:wallets:babacar"), euro(200))
        .build()?;
    let key = IdempotencyKey::generate();
    post(ledger, 1).await?;
    let receipt = ledger.post(UnitOfWork::new(key, entry)).await?;
    let page = ledger.entries_after(Sequence::new(1), 10).await?;
    assert_eq!(page.head.number(), 2);
    let [found] = &page.entries[..] else { return Err("one entry is after the first".into()) };
    assert_eq!((found.sequence, found.entry), (receipt.sequence, key.uuid()));
    assert_eq!(found.booked_at.timestamp_micros(), receipt.booked_at.timestamp_micros());
    assert_eq!((found.kind.as_str(), found.effective_date), ("transfer", "2026-01-31".parse()?));
    assert_eq!((found.description.as_deref(), found.subject), (Some("a new roof"), Some(subject)));
    assert_eq!((found.metadata.as_ref(), found.reverses), (Some(&facts), None));
    let postings: Vec<_> = found.postings.iter().map(|p| (p.account.as_str(), p.amount, p.balance)).collect();
    let expected = [(BANK, 700, 701), (AMINA, -500, -501), ("liabilities:wallets:babacar", -200, -200)];
    let expected = expected.map(|(code, amount, balance)| (code, euro(amount).into(), euro(balance).into()));
    assert_eq!(postings, expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_bounded_however_large_entries_are() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let large = |ledger: &Ledger| {
        let entry = Entry::builder(EntryKind::new("payroll"), ledger.today()).debit(account(BANK), euro(8_999));
        (0..8_999).fold(entry, |entry, _| entry.credit(account(AMINA), euro(1))).build()
    };
    for _ in 0..5 {
        ledger.post(UnitOfWork::new(IdempotencyKey::generate(), large(ledger)?)).await?;
    }
    post(ledger, 600).await?;
    let mut after = Sequence::new(0);
    let mut lengths = Vec::new();
    loop {
        let page = ledger.entries_after(after, i64::MAX).await?;
        let Some(last) = page.entries.last() else { break };
        assert!(page.entries.iter().all(|entry| entry.postings.len() == 9_000 || entry.postings.len() == 2));
        after = last.sequence;
        lengths.push(page.entries.len());
    }
    assert_eq!(lengths, [2, 2, MAX_FEED_ENTRIES as usize, 101]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_not_reached_is_an_error_and_a_closed_feed_ends() -> Result {
    let fixture = LedgerFixture::new().await?;
    let feed = fixture.ledger.feed(&FeedWaker::default());
    for place in [1, -1, i64::MAX] {
        let mut ahead = pin!(feed.follow(Sequence::new(place)));
        let first = ahead.next().await;
        assert!(matches!(first, Some(Err(Error::SequenceAhead { head: 0, .. }))), "{first:?}");
        assert!(ahead.next().await.is_none());
    }
    let mut waiting = pin!(feed.follow(Sequence::new(0)));
    let (ended, ()) = tokio::join!(tokio::time::timeout(SOON, waiting.next()), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        feed.close();
    });
    assert!(ended?.is_none());
    // Dropped with its last follower, it keeps neither a task nor the writer.
    let LedgerFixture { test, database, ledger, writer } = fixture;
    let feed_of_its_own = ledger.feed(&FeedWaker::default());
    drop((waiting, feed, feed_of_its_own, ledger));
    tokio::time::timeout(SOON, writer.finished()).await?;
    drop((test, database));
    Ok(())
}
