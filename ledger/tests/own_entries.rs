//! The feed of some accounts: their entries alone, each with their postings alone.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use ledger::{
    AccountCode, Entry, EntryKind, FeedWaker, IdempotencyKey, Ledger, MAX_FEED_ENTRIES, Sequence, UnitOfWork,
};

use crate::fixture::{LedgerFixture, Result, account, euro, unit};

const BANK: &str = "assets:pay-in:bank";
const THIES: &str = "liabilities:payables:caisse-thies";
const FLOAT: &str = "assets:prefunding:caisse-thies";
const DAKAR: &str = "liabilities:payables:caisse-dakar";
const SOON: Duration = Duration::from_secs(10);

fn own() -> Vec<AccountCode> {
    vec![account(THIES), account(FLOAT)]
}

async fn post(ledger: &Ledger, credit: &str, debit: &str) -> Result<i64> {
    Ok(ledger.post(unit(ledger, credit, debit, euro(1))).await?.sequence.number())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_entries_on_the_accounts_are_found_in_order_and_with_their_own_postings() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let none = ledger.own_entries_after(&own(), Sequence::new(0), 10).await?;
    assert_eq!((none.entries.len(), none.goes_on), (0, false));
    let mut expected = Vec::new();
    for round in 0..40 {
        post(ledger, DAKAR, BANK).await?;
        if round % 2 == 0 {
            expected.push(post(ledger, THIES, BANK).await?);
        }
        if round % 3 == 0 {
            expected.push(post(ledger, THIES, FLOAT).await?);
        }
    }
    let mut found = Vec::new();
    let mut after = Sequence::new(0);
    loop {
        let page = ledger.own_entries_after(&own(), after, 7).await?;
        for entry in &page.entries {
            assert!(entry.postings.iter().all(|posting| own().contains(&posting.account)), "{entry:?}");
            found.push((entry.sequence.number(), entry.postings.len()));
        }
        after = page.entries.last().map_or(after, |entry| entry.sequence);
        if !page.goes_on {
            break;
        }
        assert_eq!(page.entries.len(), 7);
    }
    assert_eq!(found.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), expected);
    assert_eq!(found.iter().filter(|(_, postings)| *postings == 2).count(), 14);
    let head = ledger.head().await?;
    assert!(ledger.own_entries_after(&own(), head, 7).await?.entries.is_empty());
    let ahead = ledger.own_entries_after(&own(), Sequence::new(head.number() + 1), 7).await?;
    assert_eq!((ahead.entries.len(), ahead.goes_on), (0, false), "not how far the book is");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_some_accounts_is_woken_by_others_and_brought_its_own() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    post(ledger, THIES, BANK).await?;
    let feed = ledger.feed(&FeedWaker::default());
    let mut stream = pin!(feed.follow_own(own(), Sequence::new(0)));
    for _ in 0..3 {
        let page = tokio::time::timeout(SOON, stream.next()).await?.ok_or("the stream ended")??;
        assert_eq!(page.len(), 1);
        post(ledger, DAKAR, BANK).await?;
        let others = tokio::time::timeout(Duration::from_millis(700), stream.next()).await;
        assert!(others.is_err(), "{others:?}");
        post(ledger, THIES, BANK).await?;
    }
    feed.close();
    let mut last = tokio::time::timeout(SOON, stream.next()).await?;
    // What was there before the end may still come.
    if last.is_some() {
        last = tokio::time::timeout(SOON, stream.next()).await?;
    }
    assert!(last.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_ahead_of_the_book_is_waited_for() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    post(ledger, THIES, BANK).await?;
    let feed = ledger.feed(&FeedWaker::default());
    let mut stream = pin!(feed.follow_own(own(), Sequence::new(3)));
    for _ in 2..=3 {
        post(ledger, THIES, BANK).await?;
        let early = tokio::time::timeout(Duration::from_millis(700), stream.next()).await;
        assert!(early.is_err(), "{early:?}");
    }
    post(ledger, THIES, BANK).await?;
    let page = tokio::time::timeout(SOON, stream.next()).await?.ok_or("the stream ended")??;
    assert_eq!(page.iter().map(|entry| entry.sequence.number()).collect::<Vec<_>>(), [4]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_bounded_however_many_postings_are_the_accounts_own() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    for _ in 0..5 {
        let entry = Entry::builder(EntryKind::new("payroll"), ledger.today()).debit(account(BANK), euro(8_999));
        let entry = (0..8_999).fold(entry, |entry, _| entry.credit(account(THIES), euro(1))).build()?;
        ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry)).await?;
    }
    let mut lengths = Vec::new();
    let mut after = Sequence::new(0);
    loop {
        let page = ledger.own_entries_after(&own(), after, MAX_FEED_ENTRIES).await?;
        assert!(page.entries.iter().all(|entry| entry.postings.len() == 8_999));
        after = page.entries.last().map_or(after, |entry| entry.sequence);
        lengths.push(page.entries.len());
        if !page.goes_on {
            break;
        }
    }
    assert_eq!(lengths, [2, 2, 1]);
    Ok(())
}
